#include "report/report_edges.h"

#include "base/clock.h"
#include "base/moment.h"
#include "report/report.h"
#include "report/report_load.h"
#include "report/report_target.h"
#include "report/report_values.h"
#include "steer/fail_over.h"

#include <math.h>

/* --- why ---------------------------------------------------------------------------------- */

static void add_forced(const struct forced *f, struct text *out)
{
	char what[32], when[MOMENT_TEXT];

	text_addf(out, "forced %s", forced_text(f, what));
	if (*f->who || f->configured)
		text_addf(out, " by %s", f->configured ? "maintenance" : f->who);
	if (f->until_s)
		text_addf(out, " until %s", moment_text(when, f->until_s));
	if (f->until_us != UINT64_MAX) {
		text_add(out, " for another ");
		report_span(out, ((double)f->until_us - (double)clock_us()) / 1e6);
	}
	if (*f->why)
		text_addf(out, " (%s)", f->why);
}

static void add_failures(const struct report_health *health, unsigned row, const struct edge *e,
	struct text *out)
{
	const uint32_t *targets = still_row(health->still, health->first + row - 1);
	const size_t before = out->len;
	char where[ROUND_WHERE];

	for (unsigned k = 0; k < e->n_slots; k++) {
		const uint32_t target = targets[e->first_address + k];
		if (target == STANDING_NO_TARGET || round_is_twin(targets + e->first_address, k))
			continue;
		const struct round_view v = still_view(health->still, target);
		if (health->still->verdicts[target].up)
			continue;
		text_addf(out, "%s%s: %s", out->len > before ? ", " : "",
			round_where(where, &v),
			v.up               ? "we find nothing wrong"
				: v.passed ? "not up long enough yet"
				: *v.error ? v.error
				: v.known  ? "failed"
					   : "no verdict yet");
		if (v.fleet)
			text_addf(out, " (fleet: %s)", v.fleet);
	}
}

void report_needs(
	const struct steer *steer, const struct standing *s, unsigned edge, struct text *out)
{
	if (!s->blame || !s->blame[edge])
		return;
	text_add(out, "needs ");
	for (edge = s->blame[edge] - 1u; s->blame[edge]; edge = s->blame[edge] - 1u)
		text_addf(out, "%s, which needs ", steer->edges[edge].name);
	text_addf(out, "%s, which is down", steer->edges[edge].name);
}

/* By what is wanted of what it needs. False: that is up. */
static bool add_wanted_needs(const struct report_view *view, unsigned edge, struct text *out)
{
	const struct world *w = view->world;
	const struct edge *e = &w->steer->edges[edge];
	const size_t before = out->len;

	for (unsigned i = 0; i < e->n_needs && out->len == before; i++) {
		const uint8_t marks = standing_marks(w->standing, 0, e->needs[i]);
		const bool drained = marks & STANDS_DRAINED;
		if (!drained && marks & (STANDS_A | STANDS_AAAA))
			continue;
		struct text why = { 0 };
		report_why(view, (struct report_at){ .edge = e->needs[i], .pool = -1 }, &why);
		text_addf(out, "needs %s, which is %s%s%s", w->steer->edges[e->needs[i]].name,
			drained ? "drained" : "down", why.len ? ": " : "", text_get(&why));
		text_fini(&why);
	}
	return out->len > before;
}

void report_why(const struct report_view *view, struct report_at at, struct text *out)
{
	const struct world *w = view->world;
	const struct edge *e = &w->steer->edges[at.edge];
	const struct report_health *health = &view->health;
	const struct forced *f =
		forced_in(&health->forced, w->steer, e->name, at.pool, FORCED_STATE);

	if (f)
		add_forced(f, out);
	else if (e->state != EDGE_UP)
		text_addf(out, "configured %s", edge_state_text(e->state));
	else if (add_wanted_needs(view, at.edge, out))
		return;
	else if (at.row && standing_marks(w->standing, at.row, at.edge) & STANDS_NEEDS)
		report_needs(w->steer, w->standing, at.edge, out);
	else if (at.row)
		add_failures(health, at.row, e, out);
}

/* As a standing has it: of addresses that are up, the shortest time and the highest load. */
struct report_measures report_measures(
	const struct report_view *view, unsigned row, unsigned edge)
{
	const struct edge *e = &view->world->steer->edges[edge];
	const struct report_health *health = &view->health;
	struct report_measures m = { NAN, NAN };

	for (unsigned k = 0; row && k < e->n_slots; k++) {
		const uint32_t target = still_row(
			health->still, health->first + row - 1)[e->first_address + k];
		if (target == STANDING_NO_TARGET || !health->still->verdicts[target].up)
			continue;
		const struct round_view v = still_view(health->still, target);
		m.rtt_ms = fmin(m.rtt_ms, v.rtt_ms);
		m.load = fmax(m.load, v.load);
	}
	return m;
}

/* --- edges -------------------------------------------------------------------------------- */

/* In how many of the rows that ask for it an edge may answer. */
const char *report_edge_state(const struct report_view *view, unsigned edge, bool *probed)
{
	const struct world *w = view->world;
	const struct report_health *health = &view->health;
	const uint8_t own = standing_marks(w->standing, 0, edge);
	unsigned asked = 0, up = 0;

	*probed = false;
	if (own & STANDS_DRAINED || report_load_state(view, edge).drains)
		return "drain";
	if (!(own & (STANDS_A | STANDS_AAAA)))
		return "down";
	if (forced_in(&health->forced, w->steer, w->steer->edges[edge].name, -1, FORCED_STATE))
		return "up";
	for (unsigned row = 0; row < health->rows.n; row++) {
		if (!health->rows.row[row].edges[edge])
			continue;
		asked++;
		up += (standing_marks(w->standing, row + 1, edge) & (STANDS_A | STANDS_AAAA)) !=
			0;
	}
	*probed = asked > 0;
	if (w->standing->blame && w->standing->blame[edge])
		return "down";
	return up == asked ? "up" : up ? "partly" : "down";
}

/* Each target once, whichever rows look at it. */
static json_t *targets_of(const struct report_health *health, const struct edge *e)
{
	json_t *list = json_array();

	for (unsigned row = 0; row < health->rows.n; row++) {
		const uint32_t *of = still_row(health->still, health->first + row);
		for (unsigned k = 0; k < e->n_slots; k++) {
			const uint32_t address = e->first_address + k, target = of[address];
			bool twin = round_is_twin(of + e->first_address, k);
			for (unsigned i = 0; i < row; i++)
				twin = twin ||
					still_row(health->still, health->first + i)[address] ==
						target;
			if (target == STANDING_NO_TARGET || twin)
				continue;
			json_array_append_new(list, report_target_whole(health->still, target));
		}
	}
	return list;
}

static json_t *forced_json(const struct forced *f)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "who",
		f->configured ? "maintenance" : f->who, "why", f->why, "when_s",
		(json_int_t)f->when_s, "change", (json_int_t)f->id);

	if (f->what == FORCED_WEIGHT)
		json_object_set_new(o, "weight", json_integer(f->weight));
	else
		json_object_set_new(o, "state", json_string(edge_state_text(f->state)));
	if (f->until_us != UINT64_MAX)
		values_set_number(o, "left_s", ((double)f->until_us - (double)clock_us()) / 1e6);
	if (f->until_s)
		json_object_set_new(o, "until_s", json_integer((json_int_t)f->until_s));
	return o;
}

/* What else is said of the edge: its weight, and what holds in some pools. */
static void add_changes(const struct report_view *view, unsigned edge, json_t *o)
{
	const struct report_health *health = &view->health;
	json_t *list = NULL;

	for (size_t i = 0; i < health->forced.n; i++) {
		const struct forced *f = &health->forced.of[i];
		struct text say = { 0 };
		if (!f->begun || !steer_edge_is(view->world->steer, edge, f->edge) ||
			(!*f->pool && f->what == FORCED_STATE))
			continue;
		json_t *one = forced_json(f);
		add_forced(f, &say);
		json_object_set_new(one, "pool", json_string(f->pool));
		values_set_text(one, "say", text_get(&say));
		text_fini(&say);
		list = list ? list : json_array();
		json_array_append_new(list, one);
	}
	if (list)
		json_object_set_new(o, "changes", list);
}

static void add_needs(const struct steer *s, const struct edge *e, json_t *o)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->n_needs; i++)
		json_array_append_new(list, json_string(s->edges[e->needs[i]].name));
	if (e->n_needs)
		json_object_set(o, "needs", list);
	json_decref(list);
}

static json_t *edge_json(const struct report_view *view, unsigned edge)
{
	const struct edge *e = &view->world->steer->edges[edge];
	const struct report_health *health = &view->health;
	const struct forced *f =
		forced_in(&health->forced, view->world->steer, e->name, -1, FORCED_STATE);
	struct text why = { 0 };
	bool probed;

	const char *state = report_edge_state(view, edge, &probed);
	if (!f && view->world->standing->blame && view->world->standing->blame[edge])
		report_needs(view->world->steer, view->world->standing, edge, &why);
	else if (f || !probed)
		report_why(view, (struct report_at){ edge, -1, 0 }, &why);
	json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i}", "edge", e->name, "state", state,
		"by",
		f                                         ? "operator"
			: e->state == EDGE_UP && why.len ? "needs"
			: probed                         ? "probe"
							 : "config",
		"a", (int)e->n_a, "aaaa", (int)e->n_aaaa);
	if (e->origin != edge)
		json_object_set_new(o, "role_of", json_string(e->called));
	if (e->flatten) {
		char name[NAME_TEXT];
		json_object_set_new(o, "flatten", json_string(name_text(name, e->flatten)));
		if (e->unresolved)
			json_object_set_new(o, "unresolved", json_true());
		else
			json_object_set_new(o, "flatten_ttl_s", json_integer(e->ttl_most_s));
	}
	if (e->placed) {
		json_object_set_new(o, "lat", json_real(e->lat));
		json_object_set_new(o, "lon", json_real(e->lon));
	}
	values_set_text(o, "why", text_get(&why));
	add_needs(view->world->steer, e, o);
	if (f)
		json_object_set_new(o, "forced", forced_json(f));
	add_changes(view, edge, o);
	report_load_add(view, edge, o);
	json_object_set_new(o, "targets", targets_of(health, e));
	text_fini(&why);
	return o;
}

static void edge_text(const json_t *e, struct text *out)
{
	size_t i;
	json_t *t;

	text_addf(out, "%-16s %-6s %-10s ", values_text(e, "edge"), values_text(e, "state"), values_text(e, "by"));
	if (json_object_get(e, "lat"))
		text_addf(out, "%9.4f %9.4f", values_number(e, "lat"), values_number(e, "lon"));
	else
		text_addf(out, "%9s %9s", "-", "-");
	text_addf(out, " %4.0f %4.0f%s%s", values_number(e, "a"), values_number(e, "aaaa"),
		*values_text(e, "why") ? "  " : "", values_text(e, "why"));
	report_load_text(e, out);
	if (*values_text(e, "flatten"))
		text_addf(out, "  flattens %s%s", values_text(e, "flatten"),
			json_object_get(e, "unresolved") ? " (not resolved yet)" : "");
	if (json_is_true(json_object_get(e, "staged")))
		text_add(out, "  (staged)");
	text_add_char(out, '\n');
	json_array_foreach (json_object_get(e, "changes"), i, t)
		text_addf(out, "  in %s%s: %s\n", *values_text(t, "pool") ? "pool " : "all pools", values_text(t, "pool"),
			values_text(t, "say"));
	json_array_foreach (json_object_get(e, "targets"), i, t)
		report_target_text(t, out);
}

bool report_stage_view(const struct report_view *view, struct report_staged *to)
{
	const struct world_stage *stage = &view->world->stage;

	if (!view->staged.conf || !stage->share || stage->steer != view->staged.steer)
		return false;
	to->view = *view;
	to->world = world_borrow(view->world);
	to->world.steer = stage->steer;
	to->world.standing = stage->standing;
	to->view.world = &to->world;
	to->view.health.first = view->health.rows.n;
	to->view.health.rows = view->health.staged;
	to->view.n_balance = 0; /* known of what is served only */
	return true;
}

static void add_edge(json_t *e, bool json, json_t *list, struct text *out)
{
	if (json) {
		json_array_append_new(list, e);
		return;
	}
	edge_text(e, out);
	json_decref(e);
}

/* Those of a stage that what is served does not have. */
static void add_staged_edges(
	const struct report_view *view, bool json, json_t *list, struct text *out)
{
	struct report_staged s;

	if (!report_stage_view(view, &s))
		return;
	for (unsigned i = 0; i < s.world.steer->n_edges; i++) {
		if (steer_edge(view->world->steer, s.world.steer->edges[i].name) >= 0)
			continue;
		json_t *e = edge_json(&s.view, i);
		json_object_set_new(e, "staged", json_true());
		add_edge(e, json, list, out);
	}
}

/* One after the other, so that ten thousand need no more memory than their text. */
void report_edges(const struct report_view *view, bool json, struct text *out)
{
	const unsigned n = view->world->steer->n_edges;
	json_t *list = json_array();

	if (!json)
		text_addf(out, "%-16s %-6s %-10s %9s %9s %4s %4s\n", "edge", "state", "by",
			"lat", "lon", "A", "AAAA");
	for (unsigned i = 0; i < n; i++)
		add_edge(edge_json(view, i), json, list, out);
	add_staged_edges(view, json, list, out);
	if (json)
		report_json(list, out);
	else
		json_decref(list);
}
