#include "daemon/report_picture.h"

#include "base/memory.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "daemon/signing.h"
#include "xfr/refresh.h"

#include <string.h>

enum { MANY_THREADS = 512 };

static void take_signing(const struct reports_opts *o, struct report_signing *to)
{
	const struct signing_counts c = signing_counts(o->signing);

	*to = (struct report_signing){ c.zones, c.due, c.names, c.parts, c.lost, c.next_s };
}

static void take_health(const struct reports_opts *o, bool texts, struct report_health *h)
{
	const struct parts *live = publisher_live(o->publisher);
	const struct conf *c = parts_conf(live);
	const struct parts *staged = publisher_staged(o->publisher);
	const struct publisher_counts counts = publisher_counts(o->publisher);

	h->still = probes_still(o->probes, texts);
	h->rows = rows_new(&(struct rows_opts){
		c->probes, c->edges, c->n_edges, c->pools, c->n_pools });
	if (staged) {
		const struct conf *s = parts_conf(staged);
		h->staged = rows_new(
			&(struct rows_opts){
			s->probes, s->edges, s->n_edges, s->pools, s->n_pools });
	}
	h->forced = probes_forced(o->probes);
	h->publications = counts.standings;
	h->publish_most_ms = (double)counts.most_us / 1e3;
	h->state_file = c->state_file;
	strncpy(h->state_fault, probes_state_fault(o->probes), sizeof h->state_fault - 1);
}

static void take_choices(const struct reports_opts *o, struct report_view *v)
{
	const struct choice_counts *one;

	v->choices = memory_zeroed(MANY_THREADS, sizeof *v->choices);
	while (v->n_choices < MANY_THREADS &&
		(one = workers_counts(o->workers, v->n_choices)))
		v->choices[v->n_choices++] = one;
}

static void take_seen(const struct reports_opts *o, struct report_view *v)
{
	const struct agent_seen *of = measuring_seen(o->measuring, &v->n_seen);

	v->seen = memory_zeroed(v->n_seen, sizeof *v->seen);
	for (unsigned i = 0; i < v->n_seen; i++)
		v->seen[i] = of[i];
}

static void take_loop(const struct reports_opts *o, struct report_loop *l)
{
	l->longest_us = watchdog_longest_us(o->watchdog);
	l->late = watchdog_late(o->watchdog);
	l->counts = jobs_counts(o->jobs);
	l->n_jobs = jobs_list(o->jobs, l->jobs, REPORT_JOBS_MOST);
}

static void take_changes(const struct reports_opts *o, struct report_changes *to)
{
	const struct updates_counts u = updates_counts(o->updates);
	const struct upkeep_counts k = upkeep_counts(o->upkeep);

	const struct refresher_counts s = refresher_counts(o->refresher);

	*to = (struct report_changes){ .asked = u.asked,
		.changed = u.changed,
		.same = u.same,
		.refused = u.refused,
		.failed = u.failed,
		.committed = u.committed,
		.again = u.again,
		.taken = u.taken,
		.waiting = u.waiting,
		.secondaries = { s.zones, s.expired, s.fetching, s.waiting, s.asked, s.fetched,
			s.failed },
		.merges = k.merges,
		.stored = k.stored,
		.where = o->store };
	if (o->write_back) {
		const struct write_back_counts w = write_back_counts(o->write_back);
		to->files_written = w.written;
		to->files_edited = w.edited;
		to->files_failed = w.failed;
	}
}

void report_picture_take(const struct reports_opts *o, bool texts, struct report_view *v)
{
	const struct parts *staged = publisher_staged(o->publisher);
	const struct staging_report stage = staging_report(o->staging);
	const struct rankings_size size = rankings_size(o->rankings);
	const struct reload_state reload = reload_state(o->reloader);

	v->world = world_hold(publisher_world(o->publisher));
	v->live = parts_hold(publisher_live(o->publisher));
	v->staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	v->clock = latency_read_csv("");
	take_health(o, texts, &v->health);
	v->stage.percent = stage.percent;
	v->stage.since = stage.since;
	v->stage.answers = stage.answers;
	v->stage.empty = stage.empty;
	memcpy(v->stage.last, stage.last, sizeof v->stage.last);
	v->rankings = (struct report_rankings){ size.published, size.samples, size.lost,
		size.last_s };
	take_loop(o, &v->loop);
	workers_report(o->workers, &v->counters);
	v->balance = balancer_edges(o->balancer, &v->n_balance);
	take_choices(o, v);
	v->decisions_lost = decisions_lost(o->decisions);
	if (o->notifying)
		v->notify = notifying_counts(o->notifying);
	if (o->forwarding) {
		const struct forwarding_counts c = forwarding_counts(o->forwarding);
		v->forwarded = c.asked;
		v->forward_failed = c.failed;
	}
	if (o->updates)
		take_changes(o, &v->changes);
	if (o->flattening) {
		const struct flattening_counts c = flattening_counts(o->flattening);
		v->flattening = (struct report_flattening){ c.names, c.unresolved, c.kept, c.failing, c.oldest_s };
	}
	if (o->pool_signing) {
		const struct pool_signing_counts c = pool_signing_counts(o->pool_signing);
		v->pool_signing = (struct report_pool_signing){ c.table, c.left, c.waiting, c.signeds,
			c.lost };
	}
	if (o->signing_keys) {
		const struct key_ring_counts c = signing_keys_counts(o->signing_keys);
		v->keys = (struct report_keys){ c.zones, c.faulty, c.rolling, c.waiting_ds };
	}
	if (o->signing)
		take_signing(o, &v->signing);
	if (o->certificates)
		v->tls = certificates_report(o->certificates);
	v->agents = measuring_counts(o->measuring, &v->targets);
	take_seen(o, v);
	if (o->taps) {
		const struct taps_counts c = taps_counts(o->taps);
		v->taps = (struct report_taps){ c.dnstap_sent, c.dnstap_lost, c.logged,
			c.log_lost, c.dnstap_wanted, c.dnstap_talks };
	}
	v->fleet = fleet_member_report(o->fleet);
	v->ready = o->readiness && readiness_now(o->readiness, NULL);
	v->stuck = o->commands && o->commands->stuck ? o->commands->closed : NULL;
	v->started = o->started;
	v->conf_path = o->conf_path;
	v->reloaded_s = reload.at_s;
	v->reload_taken = reload.taken;
	v->reload_errors = reload.errors;
}

void report_picture_drop_heavy(struct report_view *v)
{
	world_drop((struct world *)(uintptr_t)v->world);
	v->world = NULL;
	parts_drop(&v->live);
	parts_drop(&v->staged);
	tls_drop(v->tls.shown);
	v->tls.shown = NULL;
}

void report_picture_drop(struct report_view *v)
{
	report_picture_drop_heavy(v);
	still_free(v->health.still);
	rows_free(&v->health.rows);
	rows_free(&v->health.staged);
	forced_fini(&v->health.forced);
	memory_free(v->balance);
	memory_free(v->seen);
	memory_free(v->choices);
	memory_free(v->refresh);
}

void report_picture_let_go(struct publisher *p, struct report_view *v)
{
	world_drop((struct world *)(uintptr_t)v->world);
	v->world = NULL;
	publisher_let_go(p, &v->live);
	publisher_let_go(p, &v->staged);
	tls_drop(v->tls.shown);
	v->tls.shown = NULL;
}
