/* metrics_edges.c - edges, their probes, and pools.
 */
#include "report/choice_sums.h"
#include "report/metrics_inner.h"

#include "base/memory.h"
#include "probe/probe.h"
#include "report/report_edges.h"
#include "report/report_load.h"

#include <math.h>
#include <string.h>

static size_t within(size_t n, size_t most, size_t *left)
{
	*left += n > most ? n - most : 0;
	return n < most ? n : most;
}

/* --- edges -------------------------------------------------------------------------------- */

static void states(const struct report_view *v, struct metrics *m, size_t n)
{
	static const char *const names[] = { "up", "partly", "drain", "down" };

	metrics_family(m, "edge_state", METRICS_GAUGE,
		"1 for the state that the edge is in: partly is up for some of those who ask.");
	for (unsigned i = 0; i < n; i++) {
		bool probed;
		const char *state = report_edge_state(v, i, &probed);
		for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
			metrics_count(m, strcmp(names[k], state) == 0, "edge",
				v->world->steer->edges[i].name, "state", names[k], NULL);
	}
	metrics_family(m, "edge_forced", METRICS_GAUGE,
		"1: something about the edge is as operators have it, in all pools or in some.");
	for (unsigned i = 0; i < n; i++)
		metrics_count(m,
			forced_touches(&v->health.forced, v->world->steer->edges[i].name) ||
				forced_touches(&v->health.forced, v->world->steer->edges[i].called),
			"edge", v->world->steer->edges[i].name, NULL);
}

/* What balancing knows of an edge. NAN: nothing. */
static double capacity(const struct edge *e, const struct shed_state *s)
{
	(void)s;
	return e->capacity > 0 ? e->capacity : NAN;
}

static double used(const struct edge *e, const struct shed_state *s)
{
	return e->capacity > 0 ? s->use.load : NAN;
}

static double price(const struct edge *e, const struct shed_state *s)
{
	return e->capacity > 0 ? s->price / (double)SHED_UNIT / 1e3 : NAN;
}

static double moved(const struct edge *e, const struct shed_state *s)
{
	return e->capacity > 0 ? s->use.moved : NAN;
}

static double share(const struct edge *e, const struct shed_state *s)
{
	(void)e;
	return s->share / (double)SHED_ALL;
}

static void of_load(const struct report_view *v, struct metrics *m, size_t n)
{
	static const struct {
		const char *name, *help;
		double (*of)(const struct edge *e, const struct shed_state *s);
	} rows[] = {
		{ "edge_capacity", "What the edge can bear, in the unit of its load.", capacity },
		{ "edge_load", "Its load.", used },
		{ "edge_price_seconds", "What it costs clients to come, as time.", price },
		{ "edge_shed_ratio", "The share of its own demand that goes elsewhere.", moved },
		{ "edge_share_ratio", "The share of groups that it takes while it comes or goes.",
			share },
	};

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		metrics_family(m, rows[k].name, METRICS_GAUGE, rows[k].help);
		for (unsigned i = 0; i < n; i++) {
			const struct edge *e = &v->world->steer->edges[i];
			const struct shed_state s = report_load_state(v, i);
			const double value = rows[k].of(e, &s);
			if (!isnan(value))
				metrics_real(m, value, "edge", e->name, NULL);
		}
	}
}

void metrics_edges(const struct report_view *v, struct metrics *m, struct metrics_left *left)
{
	const size_t n = within(v->world->steer->n_edges, METRICS_EDGES_MOST, &left->edges);

	states(v, m, n);
	of_load(v, m, n);
}

/* --- probes ------------------------------------------------------------------------------- */

static void mark_live(void *ctx, uint32_t target)
{
	((bool *)ctx)[target] = true;
}

/* Those of what is served: a stage has probes of its own, which may be called the same. */
static uint32_t *live_targets(const struct report_view *v, size_t *n)
{
	const struct report_health *h = &v->health;
	uint32_t *list = memory_zeroed(h->still->n ? h->still->n : 1, sizeof *list);
	bool *live = memory_zeroed(h->still->n ? h->still->n : 1, sizeof *live);

	for (unsigned row = 0; row < h->rows.n; row++)
		for (uint32_t k = 0; k < v->world->steer->n_addresses; k++) {
			const uint32_t target = still_row(h->still, h->first + row)[k];
			if (target != STANDING_NO_TARGET)
				still_each(h->still, target, mark_live, live);
		}
	*n = 0;
	for (uint32_t i = 0; i < h->still->n; i++)
		if (live[i])
			list[(*n)++] = i;
	memory_free(live);
	return list;
}

enum target_number { UP, RTT, WIRE, LOAD, PROBES, FAILURES, CHANGES };

static double target_number(const struct round_view *t, enum target_number what)
{
	switch (what) {
	case UP: return t->known ? t->up : NAN;
	case RTT: return t->rtt_ms / 1e3;
	case WIRE: return t->wire_ms / 1e3;
	case LOAD: return t->load;
	case PROBES: return (double)t->probes;
	case FAILURES: return (double)t->failures;
	case CHANGES: return (double)t->changes;
	}
	return NAN;
}

void metrics_targets(const struct report_view *v, struct metrics *m, struct metrics_left *left)
{
	static const struct {
		const char *name;
		enum metrics_type type;
		const char *help;
	} rows[] = {
		[UP] = { "probe_up", METRICS_GAUGE, "1: the address is up by its probes." },
		[RTT] = { "probe_rtt_seconds", METRICS_GAUGE, "What a probe takes, smoothed." },
		[WIRE] = { "probe_wire_rtt_seconds", METRICS_GAUGE,
			"One way to the address and back, smoothed." },
		[LOAD] = { "probe_load", METRICS_GAUGE, "The load that its probes tell." },
		[PROBES] = { "probe_probes", METRICS_COUNTER, "Probes of the address." },
		[FAILURES] = { "probe_failures", METRICS_COUNTER, "Of these, those that failed." },
		[CHANGES] = { "probe_transitions", METRICS_COUNTER,
			"Times that it went up or down." },
	};
	const struct still *s = v->health.still;
	size_t n;
	uint32_t *list = live_targets(v, &n);
	char where[ROUND_WHERE];

	n = within(n, METRICS_TARGETS_MOST, &left->targets);

	for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
		metrics_family(m, rows[k].name, rows[k].type, rows[k].help);
		for (size_t i = 0; i < n; i++) {
			const struct round_view t = still_view(s, list[i]);
			const double value = target_number(&t, (enum target_number)k);
			if (!isnan(value))
				metrics_real(m, value, "edge", t.edge, "address",
					round_where(where, &t), "probe", t.probe->name, NULL);
		}
	}
	memory_free(list);
	const struct metrics_row totals[] = {
		{ "probes_not_made", METRICS_COUNTER,
			"Probes that were not made for want of files or memory.",
			(double)s->totals.not_made, NULL, NULL },
		{ "probe_notices", METRICS_GAUGE,
			"Addresses of whose probes there is something to tell: a certificate that ends soon, a file that has become wrong.",
			s->n_noticed, NULL, NULL },
		{ "probes_running", METRICS_GAUGE, "Probes now.", s->totals.running, NULL, NULL },
		{ "probes_waiting", METRICS_GAUGE, "Probes that wait for their turn.",
			s->totals.in_line, NULL, NULL },
		{ "health_publications", METRICS_COUNTER, "Changes of health that were published.",
			(double)v->health.publications, NULL, NULL },
		{ "health_publish_longest_seconds", METRICS_GAUGE, "The longest that one took.",
			v->health.publish_most_ms / 1e3, NULL, NULL },
	};
	metrics_rows(m, totals, sizeof totals / sizeof *totals);
}

/* --- pools -------------------------------------------------------------------------------- */

static void answers_of(const struct report_view *v, const struct pool *p, const struct choice_sums *r,
	struct metrics *m, size_t *room, struct metrics_left *left)
{
	const struct steer *s = v->world->steer;

	for (unsigned i = 0; i < p->n; i++)
		for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
			const struct edge *e = &s->edges[p->edges[i]];
			const uint64_t n = choice_sums_of(r, p, e, (enum choose_why)why);
			if (n && !*room)
				left->reasons++;
			if (!n || !*room)
				continue;
			--*room;
			metrics_count(m, n, "pool", p->name, "edge", e->name, "reason",
				choose_why_text((enum choose_why)why), NULL);
		}
}

void metrics_pools(const struct report_view *v, struct metrics *m, struct metrics_left *left)
{
	enum { EDGES, ASKED, PANIC, WAITS, NUMBERS };
	static const char *const rows[NUMBERS][2] = {
		[EDGES] = { "pool_edges_up", "Edges of the pool that may answer by its probe." },
		[ASKED] = { "pool_edges",
			"Edges of the pool, but for those that an operator has taken out." },
		[PANIC] = { "pool_panic", "1: so few are up that no probe is trusted." },
		[WAITS] = { "pool_waits", "1: nobody is answered, since nothing is known yet." },
	};
	const struct steer *s = v->world->steer;
	const size_t n = within(s->n_pools, METRICS_POOLS_MOST, &left->pools);
	struct choice_sums reasons = choice_sums_new(v);
	size_t room = METRICS_REASONS_MOST;

	for (unsigned k = 0; k < NUMBERS; k++) {
		metrics_family(m, rows[k][0], METRICS_GAUGE, rows[k][1]);
		for (unsigned i = 0; i < n; i++) {
			const struct standing_pool *p = &v->world->standing->pools[i];
			const unsigned of[NUMBERS] = { p->up, p->asked, p->panics, p->waits };
			metrics_count(m, of[k], "pool", s->pools[i].name, NULL);
		}
	}
	metrics_family(m, "pool_answers", METRICS_COUNTER,
		"Answers by pool, edge and why it was chosen.");
	for (unsigned i = 0; i < s->n_pools; i++)
		answers_of(v, &s->pools[i], &reasons, m, &room, left);
	choice_sums_free(&reasons);
}
