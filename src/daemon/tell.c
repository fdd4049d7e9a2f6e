#include "daemon/tell.h"

#include "base/log.h"
#include "daemon/fleet_health.h"
#include "daemon/timeline.h"
#include "report/report.h"
#include "report/report_edges.h"
#include "report/report_target.h"

#include <string.h>

enum { LINES = 8 }; /* of one publication: flapping must not fill the disk */

/* What other servers say. */
static void add_fleet(const struct tell *t, uint32_t target, struct text *to)
{
	struct text say = { 0 };

	if (t->fleet)
		fleet_health_say(t->fleet, target, &say);
	if (say.len)
		text_addf(to, " (fleet: %s)", text_get(&say));
	text_fini(&say);
}

/* What its addresses that are down have failed with. */
static void add_errors(
	const struct tell *t, unsigned row, const struct edge *e, struct text *to)
{
	const uint32_t *targets = round_row_targets(t->round, row - 1);
	char where[ROUND_WHERE];

	for (unsigned k = 0; k < e->n_slots; k++) {
		const uint32_t target = targets[e->first_address + k];
		if (target == STANDING_NO_TARGET || t->verdicts[target].up ||
			round_is_twin(targets + e->first_address, k))
			continue;
		const struct round_view v = round_view(t->round, target);
		text_addf(to, "%s%s: %s", to->len ? ", " : "", round_where(where, &v),
			*v.error ? v.error : v.known ? "we find nothing wrong" : "no verdict yet");
		add_fleet(t, target, to);
	}
}

/* All of them, however many lines the log gets. */
static void remember_edge(const struct tell *t, unsigned row, unsigned edge)
{
	const bool fails = standing_marks(t->now, row, edge) & STANDS_FAILS;
	const struct probe_opts *probe = round_row_probe(&t->rows->row[row - 1], edge);
	const bool lacks = standing_marks(t->now, row, edge) & STANDS_NEEDS;
	struct text why = { 0 };

	if (!t->timeline || (!probe && !t->steer->edges[edge].n_needs))
		return;
	if (lacks)
		report_needs(t->steer, t->now, edge, &why);
	else if (fails)
		add_errors(t, row, &t->steer->edges[edge], &why);
	timeline_add(t->timeline,
		&(struct store_event){ .what = "probe",
			.edge = t->steer->edges[edge].name,
			.who = probe ? probe->name : "",
			.was = fails ? "up" : "down",
			.is = fails ? "down" : "up",
			.why = text_get(&why) });
	text_fini(&why);
}

static const char *pool_state(const struct standing_pool *s)
{
	return s->panics ? "panic" : s->asked && !s->up ? "no edge up" : "up";
}

static void remember_pool(const struct tell *t, unsigned pool)
{
	const char *was = pool_state(&t->before->pools[pool]), *is = pool_state(&t->now->pools[pool]);

	if (t->timeline && strcmp(was, is) != 0)
		timeline_add(t->timeline,
			&(struct store_event){ .what = "pool",
				.pool = t->steer->pools[pool].name,
				.was = was,
				.is = is });
}

/* It went down, or came back, with what it needs. */
static bool is_by_needs(const struct tell *t, unsigned row, unsigned edge)
{
	const uint8_t was = t->before ? standing_marks(t->before, row, edge) : 0;

	return (was ^ standing_marks(t->now, row, edge)) & STANDS_NEEDS;
}

static void tell_needs(const struct tell *t, unsigned edge)
{
	struct text why = { 0 };

	report_needs(t->steer, t->now, edge, &why);
	if (why.len)
		log_line(LOG_WARNING, "edge %s is down: it %s", t->steer->edges[edge].name,
			text_get(&why));
	else
		log_line(LOG_NOTICE, "edge %s has again what it needs",
			t->steer->edges[edge].name);
	text_fini(&why);
}

static void tell_edge(const struct tell *t, unsigned row, unsigned edge)
{
	const struct edge *e = &t->steer->edges[edge];
	const bool fails = standing_marks(t->now, row, edge) & STANDS_FAILS;
	const struct probe_opts *probe = round_row_probe(&t->rows->row[row - 1], edge);
	struct text why = { 0 };

	if (is_by_needs(t, row, edge)) {
		tell_needs(t, edge);
		return;
	}
	if (!probe)
		return;
	if (fails)
		add_errors(t, row, e, &why);
	log_line(fails ? LOG_WARNING : LOG_NOTICE, "edge %s is %s by probe %s%s%s", e->name,
		fails ? "down" : "up", probe->name, fails ? ": " : "",
		text_get(&why));
	text_fini(&why);
}

static void tell_pool(const struct tell *t, unsigned pool)
{
	const struct standing_pool *s = &t->now->pools[pool];

	if (s->panics)
		log_line(LOG_WARNING,
			"pool %s panics: %u of %u edges are up, so its probe is not trusted "
			"and all "
			"are answered with",
			t->steer->pools[pool].name, s->up, s->asked);
	else
		log_line(LOG_NOTICE, "pool %s trusts its probe again: %u of %u edges are up",
			t->steer->pools[pool].name, s->up, s->asked);
}

void tell_changes(const struct tell *t)
{
	unsigned n = 0;

	if (t->before->n_probed != t->now->n_probed || t->before->n_edges != t->now->n_edges)
		return;
	for (unsigned i = 0; i < t->now->n_pools; i++)
		remember_pool(t, i);
	for (unsigned i = 0; i < t->now->n_pools; i++)
		if (t->before->pools[i].panics != t->now->pools[i].panics && n++ < LINES)
			tell_pool(t, i);
	for (unsigned row = 1; row < t->now->n_probed; row++)
		for (unsigned i = 0; i < t->now->n_edges; i++) {
			const unsigned changed = standing_marks(t->before, row, i) ^
				standing_marks(t->now, row, i);
			if (!(changed & STANDS_WHY) ||
				(changed & STANDS_NEEDS && row > 1))
				continue; /* what it lacks is the same in all rows */
			remember_edge(t, row, i);
			if (n++ < LINES)
				tell_edge(t, row, i);
		}
	if (n > LINES)
		log_line(LOG_NOTICE,
			"... and %u more edges and pools (\"waymarkctl edges\" has all)",
			n - LINES);
}

void tell_down(const struct tell *t)
{
	unsigned n = 0;

	for (unsigned row = 1; row < t->now->n_probed; row++)
		for (unsigned i = 0; i < t->now->n_edges; i++) {
			const uint8_t marks = standing_marks(t->now, row, i);
			if (!(marks & STANDS_FAILS) || (marks & STANDS_NEEDS && row > 1))
				continue;
			remember_edge(t, row, i);
			if (n++ < LINES)
				tell_edge(t, row, i);
		}
	if (n > LINES)
		log_line(LOG_NOTICE, "... and %u more edges (\"waymarkctl edges\" has all)",
			n - LINES);
}

/* --- probes run by hand ------------------------------------------------------------------- */

struct tell_steps tell_steps_begin(struct text *out, bool json)
{
	return (struct tell_steps){ out, json ? json_array() : NULL, true };
}

static json_t *lines(const char *text)
{
	json_t *list = json_array();

	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		const size_t skip = strspn(text, " ");
		json_array_append_new(
			list, json_stringn_nocheck(text + skip, n > skip ? n - skip : 0));
	}
	return list;
}

void tell_steps(struct tell_steps *t, const struct round_view *v, const char *steps)
{
	json_t *o = report_target(v);

	t->passed = t->passed && v->passed;
	json_object_set_new(o, "steps", lines(steps));
	if (t->list) {
		json_array_append_new(t->list, o);
		return;
	}
	char where[ROUND_WHERE];
	text_addf(t->out, "%s by probe %s (%s)\n%s  %s: %s%s%s; it is %s\n",
		round_where(where, v), v->probe->name, probe_kind_text(v->probe->kind),
		steps, v->passed ? "passed" : "failed", v->say, *v->notice ? "; " : "",
		v->notice, v->up ? "up" : "down");
	json_decref(o);
}

void tell_steps_end(struct tell_steps *t)
{
	if (t->list && t->out)
		report_json(t->list, t->out);
	else if (t->list)
		json_decref(t->list);
	t->list = NULL;
}
