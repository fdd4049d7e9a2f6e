/* report_pools.c - pools: what is in them, who of it may answer, and where they have failed over to.
 */
#include "report/report_edges.h"

#include "base/clock.h"
#include "report/report.h"
#include "report/report_load.h"
#include "report/report_target.h"
#include "report/report_values.h"
#include "steer/fail_over.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* As it is written in the configuration. */
static void policy_text(const struct pool *p, char to[static 128])
{
	int n = snprintf(to, 128, "%s", p->n_links ? "[ " : "");

	for (unsigned i = 0; i < p->n_links; i++) {
		const struct pool_link *l = &p->links[i];
		const bool ms = isfinite(l->within_ms);
		n += snprintf(to + n, (size_t)(128 - n), "%s within %g%s, ",
			pool_policy_text(l->policy), ms ? l->within_ms : l->within_share * 100,
			ms ? "ms" : "%");
	}
	snprintf(to + n, (size_t)(128 - n), "%s%s", pool_policy_text(p->policy),
		p->n_links ? " ]" : "");
}

/* What it weighs in the pool, where operators have it otherwise than the configuration. */
static void add_weight(const struct report_view *view, unsigned pool, unsigned at, json_t *o)
{
	const struct pool *p = &view->world->steer->pools[pool];
	const uint16_t *now = view->world->standing->pools[pool].weights;

	if (now && now[at] != p->weights[at])
		json_object_set_new(o, "weight",
			json_pack("{s:i, s:i}", "now", (int)now[at], "configured", (int)p->weights[at]));
}

static json_t *pool_edge_json(const struct report_view *view, unsigned pool, unsigned at)
{
	const struct world *w = view->world;
	const struct pool *p = &w->steer->pools[pool];
	const unsigned edge = p->edges[at], holder = p->tree ? p->tree->holders[at] : pool,
		       row = view->health.rows.row_of[holder];
	const uint8_t marks =
		standing_marks(w->standing, w->standing->pools[holder].judged, edge);
	const struct report_measures m = report_measures(view, row, edge);
	const uint16_t *shares = w->standing->pools[pool].shares, share = shares ? shares[at] : SHED_ALL;
	struct text why = { 0 };

	json_t *o = json_pack("{s:s, s:s, s:b, s:b}", "edge", w->steer->edges[edge].name,
		"state",
		marks & STANDS_DRAINED || report_load_state(view, edge).drains || share != SHED_ALL ? "drain"
			: marks & (STANDS_A | STANDS_AAAA)                  ? "up"
									    : "down",
		"a", (marks & STANDS_A) != 0, "aaaa", (marks & STANDS_AAAA) != 0);
	report_why(view, (struct report_at){ edge, (int)holder, row }, &why);
	values_set_text(o, "why", text_get(&why));
	add_weight(view, pool, at, o);
	values_set_number(o, "rtt_ms", m.rtt_ms);
	values_set_measure(o, "load", m.load);
	report_load_add(view, edge, o);
	report_share_add(view, edge, share, o);
	report_whys_add(view, p, edge, o);
	text_fini(&why);
	return o;
}

/* Of a pool of pools: those in it, which stand in the list with all their edges themselves. */
static void add_members(const struct report_view *view, unsigned pool, json_t *o)
{
	const struct world *w = view->world;
	const struct pool_tree *t = w->steer->pools[pool].tree;
	json_t *list;

	if (!t)
		return;
	list = json_array();
	for (unsigned i = 0; i < t->n; i++) {
		const struct pool_member *m = &t->members[i];
		const struct standing_pool *s = &w->standing->pools[m->number];
		json_t *row = m->is_pool
			? json_pack("{s:s, s:s, s:i, s:i}", "pool",
				  w->steer->pools[m->number].name, "state",
				  s->lives ? "up" : "down", "up", (int)s->up, "of", (int)s->asked)
			: json_pack("{s:s}", "edge", w->steer->edges[m->number].name);
		const uint16_t *now = w->standing->pools[pool].member_weights;
		if (m->share)
			json_object_set_new(
				row, "share", json_real((double)m->share / POOL_SHARE));
		else
			json_object_set_new(row, "weight", json_integer(now ? now[i] : m->weight));
		json_array_append_new(list, row);
	}
	json_object_set_new(o, "members", list);
}

static void add_skipped(const struct steer *s, unsigned pool, json_t *o)
{
	const struct pool *p = &s->pools[pool];
	json_t *list = json_array();

	for (unsigned i = 0; i < p->n_skipped; i++)
		json_array_append_new(list,
			json_string(p->skipped[i].is_pool ? s->pools[p->skipped[i].number].name
							  : s->edges[p->skipped[i].number].name));
	if (p->n_skipped)
		json_object_set(o, "skipped", list);
	json_decref(list);
}

static json_t *pool_json(const struct report_view *view, unsigned pool)
{
	const struct world *w = view->world;
	const struct report_health *health = &view->health;
	const struct pool *p = &w->steer->pools[pool];
	const struct standing_pool *s = &w->standing->pools[pool];
	const unsigned row = health->rows.row_of[pool];
	char policy[128];
	policy_text(p, policy);
	json_t *edges = json_array(),
	       *o = json_pack("{s:s, s:s, s:i, s:i, s:b}", "pool", p->name, "policy", policy,
		       "up", (int)s->up, "of", (int)s->asked, "panic", (int)s->panics);

	if (row)
		values_set_text(o, "probe", rows_name(&health->rows, row));
	if (s->changes_us != UINT64_MAX)
		values_set_number(o, "can_change_s",
			fmax(0, ((double)s->changes_us - (double)clock_us()) / 1e6));
	for (unsigned i = 0; i < p->n; i++)
		json_array_append_new(edges,
			pool_edge_json(view, pool, s->order && !p->tree ? s->order[i] : i));
	add_members(view, pool, o);
	add_skipped(w->steer, pool, o);
	if (s->first)
		json_object_set_new(o, "failed_over",
			json_string(fail_over_name(w->steer, pool, s->first)));
	json_object_set_new(o, "edges", edges);
	return o;
}

static void members_text(const json_t *p, struct text *out)
{
	size_t i;
	json_t *m;

	json_array_foreach (json_object_get(p, "members"), i, m) {
		if (!*values_text(m, "pool"))
			continue;
		text_addf(out, "  %-16s %-6s a pool, %.0f of %.0f up", values_text(m, "pool"),
			values_text(m, "state"), values_number(m, "up"), values_number(m, "of"));
		if (json_object_get(m, "share"))
			text_addf(out, "; %g %% of all", values_number(m, "share") * 100);
		text_add_char(out, '\n');
	}
}

static void pool_text(const json_t *p, struct text *out)
{
	size_t i;
	json_t *e;

	text_addf(out, "%-16s %-13s %4.0f of %4.0f up", values_text(p, "pool"), values_text(p, "policy"),
		values_number(p, "up"), values_number(p, "of"));
	if (json_is_true(json_object_get(p, "staged")))
		text_add(out, " (staged)");
	if (*values_text(p, "probe"))
		text_addf(out, " by probe %s", values_text(p, "probe"));
	if (json_object_get(p, "can_change_s")) {
		text_add(out, "; can change in ");
		report_span(out, values_number(p, "can_change_s"));
	}
	if (json_is_true(json_object_get(p, "panic")))
		text_add(out, "; PANIC: too few are up, so its probe is not trusted");
	if (json_object_get(p, "failed_over"))
		text_addf(out, "; has failed over to %s",
			json_string_value(json_object_get(p, "failed_over")));
	text_add_char(out, '\n');
	members_text(p, out);
	json_array_foreach (json_object_get(p, "edges"), i, e) {
		text_addf(out, "  %-16s %-6s", values_text(e, "edge"), values_text(e, "state"));
		if (json_object_get(e, "rtt_ms"))
			text_addf(out, " %8.1f ms", values_number(e, "rtt_ms"));
		if (json_object_get(e, "load"))
			text_addf(out, "  load %g", values_number(e, "load"));
		text_addf(out, "%s%s", *values_text(e, "why") ? "  " : "", values_text(e, "why"));
		if (json_object_get(e, "weight"))
			text_addf(out, "  weighs %.0f, not %.0f",
				values_number(json_object_get(e, "weight"), "now"),
				values_number(json_object_get(e, "weight"), "configured"));
		report_load_text(e, out);
		text_add_char(out, '\n');
	}
	json_array_foreach (json_object_get(p, "skipped"), i, e)
		text_addf(out, "  %-16s skipped\n", json_string_value(e));
}

static void add_pool(json_t *p, bool json, json_t *list, struct text *out)
{
	if (json) {
		json_array_append_new(list, p);
		return;
	}
	pool_text(p, out);
	json_decref(p);
}

/* By name, or all: NULL. */
static bool is_wanted(const struct report_view *view, unsigned pool, const char *name)
{
	return !name || strcmp(view->world->steer->pools[pool].name, name) == 0;
}

/* All of a stage: a pool of the same name may have other edges there. */
size_t report_pools(const struct report_view *view, const char *name, bool json, struct text *out)
{
	json_t *list = json_array();
	struct report_staged s;
	size_t n = 0;

	for (unsigned i = 0; i < view->world->steer->n_pools; i++)
		if (is_wanted(view, i, name)) {
			add_pool(pool_json(view, i), json, list, out);
			n++;
		}
	if (report_stage_view(view, &s))
		for (unsigned i = 0; i < s.world.steer->n_pools; i++) {
			if (!is_wanted(&s.view, i, name))
				continue;
			json_t *p = pool_json(&s.view, i);
			json_object_set_new(p, "staged", json_true());
			add_pool(p, json, list, out);
			n++;
		}
	if (json && (n || !name))
		report_json(list, out);
	else
		json_decref(list);
	return n;
}
