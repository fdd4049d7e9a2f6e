#include "report/report_alarms.h"

#include "base/moment.h"
#include "report/report_geo.h"

#include "zone/rrsig_end.h"

#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void alarm_add(json_t *list, const char *fmt, ...)
{
	struct text say = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&say, fmt, ap);
	va_end(ap);
	json_array_append_new(list, json_string(text_get(&say)));
	text_fini(&say);
}

/* The zone whose signatures end first is named. */
static void of_signatures(const struct registry *z, json_t *to)
{
	const struct registry_ends n = registry_ends(z, time(NULL));
	char name[NAME_TEXT], when[MOMENT_TEXT];

	if (!n.ended && !n.soon)
		return;
	view_text(name, z->signeds[0].zone->origin);
	moment_text(when, z->signeds[0].end_s);
	if (n.ended)
		alarm_add(to, "the signatures of %zu zone%s have ended, those of %s at %s",
			n.ended, n.ended == 1 ? "" : "s", name, when);
	if (n.soon && n.ended)
		alarm_add(to, "the signatures of %zu more zone%s end soon", n.soon,
			n.soon == 1 ? "" : "s");
	else if (n.soon)
		alarm_add(to, "the signatures of %zu zone%s end soon, those of %s at %s",
			n.soon, n.soon == 1 ? "" : "s", name, when);
}

static void of_zones(const struct report_view *v, json_t *to)
{
	const struct registry *z = v->live.zones;

	if (z->n_empty)
		alarm_add(to,
			"%zu zone%s not loaded and answered with SERVFAIL (\"zones --faulty\")",
			z->n_empty, z->n_empty == 1 ? " is" : "s are");
	if (z->n_faulty > z->n_empty)
		alarm_add(to, "%zu zone%s faulty and served as before (\"zones --faulty\")",
			z->n_faulty - z->n_empty,
			z->n_faulty - z->n_empty == 1 ? " is" : "s are");
	of_signatures(z, to);
	if (z->n == 0)
		alarm_add(to, "there are no zones: every query is refused");
}

static void of_keys(const struct report_keys *k, json_t *to)
{
	if (k->faulty)
		alarm_add(to,
			"the keys of %zu zone%s cannot be had: %s not signed anew (the log names "
			"the files)",
			k->faulty, k->faulty == 1 ? "" : "s",
			k->faulty == 1 ? "it is" : "they are");
	if (k->waiting_ds)
		alarm_add(to,
			"%zu zone%s for the DS at the parent (\"dnssec status NAME\", \"dnssec ds "
			"NAME\")",
			k->waiting_ds, k->waiting_ds == 1 ? " waits" : "s wait");
}

static void of_zone_files(const struct report_changes *c, json_t *to)
{
	if (c->files_edited)
		alarm_add(to,
			"%zu zone file%s changed since the server wrote %s: a reload takes that "
			"(\"zone status NAME\")",
			c->files_edited, c->files_edited == 1 ? " was" : "s were",
			c->files_edited == 1 ? "it" : "them");
	if (c->files_failed)
		alarm_add(to, "%zu zone file%s cannot be written (the log says why)",
			c->files_failed, c->files_failed == 1 ? "" : "s");
}

static void of_reload(const struct report_view *v, json_t *to)
{
	char when[MOMENT_TEXT];

	if (!v->reloaded_s || (v->reload_taken && !v->reload_errors))
		return;
	alarm_add(to, "the last reload, at %s, %s (%u error%s; the log has them)",
		moment_text(when, (int64_t)v->reloaded_s),
		v->reload_taken ? "was taken but for what is wrong" : "was not taken",
		v->reload_errors, v->reload_errors == 1 ? "" : "s");
}

static bool is_down(const struct standing *s, unsigned edge)
{
	for (unsigned row = 1; row < s->n_probed; row++)
		if (standing_marks(s, row, edge) & STANDS_FAILS)
			return true;
	return false;
}

static void of_edges(const struct report_view *v, json_t *to)
{
	const struct standing *s = v->world->standing;
	const struct steer *steer = v->world->steer;
	unsigned down = 0, forced = 0;

	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct standing_pool *p = &s->pools[i];
		if (p->panics)
			alarm_add(to,
				"pool %s panics: %u of %u edges are up, so no probe is trusted "
				"(\"pools\")",
				steer->pools[i].name, p->up, p->asked);
		else if (p->probed && p->asked && !p->up && !p->waits)
			alarm_add(to, "pool %s has no edge that is up (\"pools\")",
				steer->pools[i].name);
	}
	for (unsigned i = 0; i < s->n_edges; i++)
		down += is_down(s, i);
	if (down)
		alarm_add(to, "%u of %u edges %s down by their probes (\"edges\")", down,
			s->n_edges, down == 1 ? "is" : "are");
	for (size_t i = 0; i < v->health.forced.n; i++)
		forced += v->health.forced.of[i].begun;
	if (forced)
		alarm_add(to, "%u change%s by operators %s (\"changes\")", forced,
			forced == 1 ? "" : "s", forced == 1 ? "holds" : "hold");
}

static void of_files(const struct report_view *v, json_t *to)
{
	json_t *list = report_geo(v->world->steer->atlas, time(NULL)), *o;
	size_t i;

	if (*v->changes.store.fault)
		alarm_add(to, "the store is not written, and zones cannot be changed: %s",
			v->changes.store.fault);
	if (*v->health.state_fault)
		alarm_add(to, "the state file is not written: %s", v->health.state_fault);
	if (v->live.geo_files && v->live.geo_files->faulty)
		alarm_add(to, "a GeoIP file is wrong: what was read of it before is used on");
	if (v->live.table_files && v->live.table_files->faulty)
		alarm_add(to,
			"a file of measurements is wrong: what was read of it before is "
			"used on");
	json_array_foreach (list, i, o) {
		const json_int_t age = json_integer_value(json_object_get(o, "age_days"));
		if (age > REPORT_GEO_OLD_DAYS)
			alarm_add(to, "%s is %lld days old: GeoIP data wears out",
				json_string_value(json_object_get(o, "file")), (long long)age);
	}
	json_decref(list);
}

static void of_measurements(const struct report_view *v, json_t *to)
{
	const struct steer *s = v->world->steer;
	const struct model *m = client_map_model(s->clients);

	for (unsigned i = 0; m && i < s->n_edges; i++) {
		const struct model_trust t = model_trust(m, i);
		if (t.share < 0.5)
			alarm_add(to,
				"what edge %s measures is not believed (\"latency show --edge %s\" tells why)",
				s->edges[i].name, s->edges[i].name);
	}
}

static void of_certificates(const struct report_view *v, json_t *to)
{
	const struct tls *t = v->tls.shown;
	const int64_t now_s = time(NULL);
	char text[REPORT_TLS_TEXT];

	if (*v->tls.fault)
		alarm_add(to, "certificates as they are now are not taken: %s", v->tls.fault);
	for (size_t i = 0; t && i < tls_count(t); i++) {
		const struct tls_about a = tls_about(t, i);
		const enum report_tls_age age = report_tls_age(&a, now_s);
		if (age != REPORT_TLS_GOOD)
			alarm_add(to, "the certificate for %s: it %s",
				report_tls_text(text, &a),
				age == REPORT_TLS_ENDED         ? "has ended"
					: age == REPORT_TLS_SOON ? "ends soon"
								 : "is not valid yet");
	}
}

static void of_interfaces(const struct workers_report *w, json_t *to)
{
	for (unsigned i = 0; i < w->n_xdp; i++)
		if (w->xdp[i].failed || w->xdp[i].gone)
			alarm_add(to, "xdp:%s %s: its queries come by the ordinary sockets, until a restart",
				w->xdp[i].name,
				w->xdp[i].gone ? "is gone" : "is not to be had (the log of the start says why)");
}

static void of_fleet(const struct report_fleet *f, json_t *to)
{
	if (!f->on)
		return;
	if (!f->up)
		alarm_add(to, "the fleet's Redis cannot be reached, and we go on alone: %s",
			*f->fault ? f->fault : "connecting");
	if (f->live < f->servers)
		alarm_add(to, "%u of %u servers of the fleet are not there (\"fleet\")", f->servers - f->live,
			f->servers);
	if (f->twin)
		alarm_add(to, "another server of the fleet is called %s, too", f->server);
	if (f->full)
		alarm_add(to, "the fleet's Redis keeps nothing of what is said (is it full? the log says)");
	if (f->blind || f->holds)
		alarm_add(to, "we see no edge up%s: our own network may be lost",
			f->blind ? ", and other servers do" : ", and no other server");
	if (f->clock_off_ms > REPORT_CLOCK_OFF_MS || f->clock_off_ms < -REPORT_CLOCK_OFF_MS)
		alarm_add(to, "our clock is %.1f s %s that of the fleet's Redis",
			(double)(f->clock_off_ms < 0 ? -f->clock_off_ms : f->clock_off_ms) / 1000,
			f->clock_off_ms > 0 ? "ahead of" : "behind");
	if (f->up && f->zones_in_step < f->zones && *f->zone_fault)
		alarm_add(to, "%u of %u zones of the fleet are not as it has them, and cannot be changed here: %s: %s",
			f->zones - f->zones_in_step, f->zones, f->zone, f->zone_fault);
	if (f->odd)
		alarm_add(to,
			"%u change%s of operators %s at odds with later ones of others (the log has them; \"fleet --accept\" "
			"takes what holds)",
			f->odd, f->odd == 1 ? "" : "s", f->odd == 1 ? "was" : "were");
	if (f->orders_failed)
		alarm_add(to, "what was commanded for all servers of the fleet could not be done here: %s (say it again, or here "
			      "with \"--here\")", f->order_fault);
}

json_t *report_alarms(const struct report_view *v)
{
	json_t *list = json_array();

	if (v->stuck)
		alarm_add(list, "%s", v->stuck);
	of_zones(v, list);
	of_reload(v, list);
	of_edges(v, list);
	of_fleet(&v->fleet, list);
	of_files(v, list);
	of_certificates(v, list);
	of_measurements(v, list);
	of_interfaces(&v->counters, list);
	of_keys(&v->keys, list);
	of_zone_files(&v->changes, list);
	if (v->taps.dnstap_wanted && !v->taps.dnstap_talks)
		alarm_add(list, "nobody reads dnstap (the log says why)");
	if (v->flattening.failing)
		alarm_add(list, "%u flattened name%s cannot be resolved; what is answered is up to %.0f s old (the log says why)",
			v->flattening.failing, v->flattening.failing == 1 ? "" : "s", v->flattening.oldest_s);
	if (v->decisions_lost)
		alarm_add(list, "%llu decisions could not be written to their file",
			(unsigned long long)v->decisions_lost);
	if (v->loop.counts.no_memory)
		alarm_add(list, "%llu jobs have found no memory since the start",
			(unsigned long long)v->loop.counts.no_memory);
	return list;
}
