#include "report/explain_steps.h"

#include "answer/answer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "report/report_estimates.h"
#include "report/report_edges.h"
#include "report/report_load.h"
#include "dns/rrtype.h"
#include "geo/place.h"

#include <math.h>
#include <stdio.h>

static const char *by_text(const struct pool *p, enum choose_by by)
{
	switch (by) {
	case BY_PIN: return "pin";
	case BY_RANK: return "nearest";
	case BY_ORDER: return "in order";
	case BY_SHARE: return "whose share it is";
	case BY_DEFAULT: return "default order, since nobody knows where the client is";
	case BY_TRIAL:
		return "nearest in time, but it is this group's turn to try another edge";
	case BY_TURN: return "whose turn it is";
	case BY_MEASURE: return "what the probes measured";
	case BY_LINKS: return "a chain of policies";
	case BY_SHED: return "nearest with room";
	case BY_AFFINITY:
		return p->policy != POOL_HASH               ? "affinity"
			: p->affinity == AFFINITY_NAME ? "hash of the name"
			: p->affinity == AFFINITY_BOTH ? "hash of the name and the client's net"
						       : "hash of the client's net";
	case BY_ALL_DOWN: return "all-down: all (no edge is up, so all are taken as up)";
	case BY_FIRST: return "all-down: first";
	case BY_NAME: return "the edge that the EDGE record names";
	}
	return "";
}

static void pin_text(const struct pool_pin *pin, char text[static ADDR_TEXT])
{
	switch (pin->kind) {
	case PIN_NET: prefix_text(text, &pin->net); return;
	case PIN_ASN: snprintf(text, ADDR_TEXT, "AS%u", pin->asn); return;
	case PIN_DEFAULT: snprintf(text, ADDR_TEXT, "default"); return;
	case PIN_RULE:
	case PIN_KINDS: return;
	case PIN_CITY: snprintf(text, ADDR_TEXT, "city %s", pin->code); return;
	case PIN_REGION: snprintf(text, ADDR_TEXT, "region %s", pin->code); return;
	case PIN_COUNTRY: snprintf(text, ADDR_TEXT, "country %s", pin->code); return;
	case PIN_CONTINENT: snprintf(text, ADDR_TEXT, "continent %s", pin->code); return;
	}
}

/* The tables that the client was answered from. */
struct tables {
	const struct steer *steer;
	const struct standing *standing;
	const struct latency *table;
	bool staged;
};

static struct tables tables_of(const struct report_view *view, const struct choose_trace *t)
{
	const struct world *w = view->world;

	if (t->staged)
		return (struct tables){ w->stage.steer, w->stage.standing,
			view->staged.table, true };
	return (struct tables){ w->steer, w->standing, view->live.table, false };
}

static struct report_measures measures_of(
	const struct report_view *view, const struct tables *from, unsigned pool, unsigned edge)
{
	const struct standing *s = from->standing;
	const size_t cell = (size_t)s->pools[pool].row * s->n_edges + edge;

	if (!from->staged)
		return report_measures(view, view->health.rows.row_of[pool], edge);
	return (struct report_measures){ s->rtt_ms[cell], s->load[cell] };
}

/* The edge in row `i` of a step. */
static uint16_t edge_of(const struct tables *from, const struct choose_step *s, unsigned i)
{
	return s->members ? from->steer->pools[s->pool].tree->members[s->edges[i]].number
			  : s->edges[i];
}

/* Why an edge is down in this pool, and what was measured of it. Of staged edges not all is
 * told: those that are served are who reports know. */
static void add_health(const struct report_view *view, const struct tables *from,
	const struct choose_step *s, unsigned i, json_t *row)
{
	const uint16_t edge = edge_of(from, s, i);
	const struct report_measures m = measures_of(view, from, s->pool, edge);
	struct text why = { 0 };

	if (!from->staged && (s->verdicts[i] == PASSED_DOWN || s->verdicts[i] == PASSED_DRAIN))
		report_why(view,
			(struct report_at){ edge, (int)s->pool, view->health.rows.row_of[s->pool] },
			&why);
	if (why.len)
		json_object_set_new(row, "why", json_string(text_get(&why)));
	if (s->by == BY_MEASURE && !isnan(m.rtt_ms))
		json_object_set_new(row, "rtt_ms", json_real(m.rtt_ms));
	if (s->by == BY_MEASURE && !isnan(m.load))
		json_object_set_new(row, "load", json_real(m.load));
	text_fini(&why);
}

/* "ams1 sheds 40 % of its groups; this one goes to fra1, for 3 ms more". */
static void add_shed(
	const struct report_view *view, const struct choose_step *s, json_t *list, json_t *o)
{
	const struct steer *steer = view->world->steer;
	int shed = -1;
	char text[256];

	for (unsigned i = 1; i < s->n && shed < 0; i++)
		shed = s->verdicts[i] == PASSED_SHED ? (int)i : -1;
	if (shed < 0)
		return;
	const struct shed_state state = report_load_state(view, s->edges[shed]);
	const uint16_t bound = s->pool < steer->n_pools
		? report_bound(view, &steer->pools[s->pool], s->edges[shed])
		: SHED_ALL;
	const json_t *to = json_object_get(json_array_get(list, 0), "estimate_ms"),
		     *from = json_object_get(json_array_get(list, (size_t)shed), "estimate_ms");
	const uint16_t share = bound < state.share ? bound : state.share;
	int n = snprintf(text, sizeof text, "%s %s %.0f %% of its %s; this one goes to %s",
		steer->edges[s->edges[shed]].name, share == SHED_ALL ? "sheds" : "takes only",
		share == SHED_ALL ? state.use.moved * 100 : share * 100.0 / SHED_ALL,
		bound < state.share ? "keys" : "groups",
		steer->edges[s->edges[0]].name);
	if (to && from)
		snprintf(text + n, sizeof text - (size_t)n, ", for %.0f ms more",
			json_number_value(to) - json_number_value(from));
	json_object_set_new(o, "shed", json_string(text));
}

/* A member that is a pool. False: it is an edge. */
static bool add_member(const struct tables *from, const struct choose_step *s, unsigned i, json_t *list)
{
	const struct pool_member *m = &from->steer->pools[s->pool].tree->members[s->edges[i]];

	if (!m->is_pool)
		return false;
	const struct standing_pool *p = &from->standing->pools[m->number];
	json_t *row = json_pack("{s:s, s:s, s:i, s:i}", "pool", from->steer->pools[m->number].name,
		"verdict", choose_verdict_text((enum choose_verdict)s->verdicts[i]), "up",
		(int)p->up, "of", (int)p->asked);
	if (m->share)
		json_object_set_new(row, "share", json_real((double)m->share / POOL_SHARE));
	json_array_append_new(list, row);
	return true;
}

/* Members that the configuration has, and that are not chosen. */
static void add_skipped(const struct tables *from, const struct choose_step *s, json_t *list)
{
	const struct steer *steer = from->steer;
	const struct pool *p = &steer->pools[s->pool];

	for (unsigned i = 0; i < p->n_skipped; i++) {
		const struct pool_member *m = &p->skipped[i];
		json_array_append_new(list,
			json_pack("{s:s, s:s}", m->is_pool ? "pool" : "edge",
				m->is_pool ? steer->pools[m->number].name
					   : steer->edges[m->number].name,
				"verdict", "is skipped here"));
	}
}

/* Those before the one that the pool has failed over to could answer again. */
static void add_held(const struct tables *from, const struct choose_step *s, json_t *list)
{
	const struct pool *p = &from->steer->pools[s->pool];
	const unsigned first = from->standing->pools[s->pool].first;

	for (unsigned i = 0; i < s->n; i++) {
		unsigned at = s->members ? s->edges[i] : 0;
		while (!s->members && at < p->n && p->edges[at] != s->edges[i])
			at++;
		if (at < first && s->verdicts[i] == PASSED_ENOUGH)
			json_object_set_new(json_array_get(list, i), "verdict",
				json_string(p->fail_back == POOL_BACK_MANUAL
						? "is up again, and waits for \"fail-back\""
						: "is up again, and has to stay so for a while"));
	}
}

/* What the pool makes of the time, by bias and cost. */
static void add_shifted(
	const struct tables *from, const struct choose_step *s, uint16_t edge, json_t *row)
{
	const struct rank *r = from->steer->pools[s->pool].rank;
	const json_t *ms = json_object_get(row, "estimate_ms");
	unsigned at = 0;

	if (!r || !r->shifts || !ms || s->by == BY_PIN)
		return;
	while (at < r->n && r->edges[at] != edge)
		at++;
	if (at < r->n && (r->shifts[at].factor != 1 || r->shifts[at].add_ms != 0))
		json_object_set_new(row, "counts_ms",
			json_real(round((double)rank_shifted(&r->shifts[at],
					(float)json_real_value(ms)) *
					10) /
				10));
}

json_t *explain_step(
	const struct report_view *view, const struct choose_trace *t, const struct choose_step *s)
{
	const struct tables from = tables_of(view, t);
	struct estimates estimates;
	json_t *list = json_array(),
	       *o = json_pack("{s:s, s:s}", "pool", from.steer->pools[s->pool].name, "by",
		       by_text(&from.steer->pools[s->pool], s->by));
	char text[ADDR_TEXT];

	if (s->pin && s->pin->kind == PIN_RULE) {
		json_object_set_new(o, "pin", json_string(s->pin->code));
	} else if (s->pin) {
		pin_text(s->pin, text);
		json_object_set_new(o, "pin", json_string(text));
	}
	const enum latency_kind goal = from.steer->pools[s->pool].goal;
	estimates_init(&estimates, &(struct estimates_of){ from.steer->clients, from.table, goal, view->clock.now_s }, &t->who);
	if (goal != LATENCY_RTT)
		json_object_set_new(o, "goal", json_string(latency_kind_text(goal)));
	report_estimates_resolver(&estimates, o);
	for (unsigned i = 0; i < s->n; i++) {
		if (s->members && add_member(&from, s, i, list))
			continue;
		const struct edge *e = &from.steer->edges[edge_of(&from, s, i)];
		json_t *row = json_pack("{s:s, s:s}", "edge", e->name, "verdict",
			t->record && s->verdicts[i] == PASSED_NO_ADDRESS
				? "has no record of this type"
				: choose_verdict_text((enum choose_verdict)s->verdicts[i]));
		report_estimates_add(&estimates, e->origin, row);
		add_shifted(&from, s, edge_of(&from, s, i), row);
		add_health(view, &from, s, i, row);
		json_array_append_new(list, row);
	}
	estimates_fini(&estimates);
	if (s->by == BY_ORDER && from.standing->pools[s->pool].first)
		add_held(&from, s, list);
	if (s->by != BY_PIN)
		add_skipped(&from, s, list);
	if (s->by == BY_RANK)
		report_estimates_mark_kept(list);
	/* Of a stage's edges the load is not known by number. */
	if ((s->by == BY_SHED || s->by == BY_AFFINITY) && !from.staged)
		add_shed(view, s, list, o);
	if (from.standing->pools[s->pool].panics)
		json_object_set_new(o, "panic", json_true());
	json_object_set_new(o, "edges", list);
	return o;
}

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

void explain_step_text(const json_t *s, struct text *out)
{
	size_t i;
	json_t *e;

	text_addf(out, "pool       %s: %s%s%s%s\n", get(s, "pool"), get(s, "by"),
		*get(s, "pin") ? " " : "", get(s, "pin"),
		json_object_get(s, "panic") ? "; in panic: its probe is not trusted" : "");
	report_estimates_resolver_text(s, out);
	if (*get(s, "shed"))
		text_addf(out, "load       %s\n", get(s, "shed"));
	json_array_foreach (json_object_get(s, "edges"), i, e) {
		text_addf(out, "  %3zu  %-16s", i + 1,
			*get(e, "pool") ? get(e, "pool") : get(e, "edge"));
		if (json_object_get(e, "up"))
			text_addf(out, " a pool, %lld of %lld up",
				(long long)json_integer_value(json_object_get(e, "up")),
				(long long)json_integer_value(json_object_get(e, "of")));
		if (json_object_get(e, "share"))
			text_addf(out, "; gets %.4g %% of all",
				json_real_value(json_object_get(e, "share")) * 100);
		if (json_object_get(e, "km"))
			text_addf(out, " %8.0f km", json_real_value(json_object_get(e, "km")));
		if (json_object_get(e, "estimate_ms"))
			text_addf(out, "  ~%4.0f ms",
				json_real_value(json_object_get(e, "estimate_ms")));
		if (json_object_get(e, "counts_ms"))
			text_addf(out, ", counts as %.0f ms",
				json_real_value(json_object_get(e, "counts_ms")));
		if (json_object_get(e, "rtt_ms"))
			text_addf(out, "  %.1f ms measured",
				json_real_value(json_object_get(e, "rtt_ms")));
		if (json_object_get(e, "load"))
			text_addf(
				out, "  load %g", json_real_value(json_object_get(e, "load")));
		text_addf(out, "  %s%s%s\n", get(e, "verdict"), *get(e, "why") ? ": " : "",
			get(e, "why"));
		report_estimates_text(e, out);
	}
}
