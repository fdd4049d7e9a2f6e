#include "report/report_rates.h"

#include "answer/answer.h"
#include "base/memory.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"
#include "report/choice_sums.h"
#include "report/report.h"
#include "report/report_edges.h"
#include "report/report_load.h"
#include "report/report_values.h"

#include <math.h>
#include <stdlib.h>

static void set(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static double of_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the server --------------------------------------------------------------------------- */

static json_t *by_transport(const uint64_t *list)
{
	static const char *const vias[STATS_VIAS] = { "udp", "tcp", "tls", "https", "quic" };
	json_t *o = json_object();

	for (unsigned i = 0; i < STATS_VIAS; i++)
		set(o, vias[i], list[i]);
	return o;
}

/* Those that have come. */
static json_t *by_type(const struct stats *s)
{
	json_t *o = json_object();
	char text[RRTYPE_TEXT];

	for (unsigned i = 0; i < STATS_TYPES; i++)
		if (s->types[i])
			set(o, i ? rrtype_text(text, (uint16_t)stats_type_of(i)) : "other", s->types[i]);
	return o;
}

/* Those that were given. */
static json_t *by_rcode(const struct stats *s)
{
	json_t *o = json_object();
	char text[RCODE_TEXT];

	for (unsigned i = 0; i < STATS_RCODES; i++)
		if (s->rcode[i])
			set(o, rcode_text(text, (uint8_t)i), s->rcode[i]);
	return o;
}

/* [i] took under 2^i us, the last longer; all 0 without metrics. */
static json_t *durations(const struct stats *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < STATS_TIMES; i++)
		json_array_append_new(list, json_integer((json_int_t)s->times[i]));
	return list;
}

static void add_server(const struct report_view *v, json_t *o)
{
	const struct stats *s = &v->counters.sum;
	const double up_s = of_clock(CLOCK_MONOTONIC) - (double)v->started.tv_sec - (double)v->started.tv_nsec / 1e9;
	const double now_s = of_clock(CLOCK_REALTIME);

	set(o, "time_ms", (uint64_t)(now_s * 1e3));
	set(o, "started", (uint64_t)(now_s - up_s + .5));
	values_set_number(o, "up_s", up_s);
	json_object_set_new(o, "queries", by_transport(s->queries));
	json_object_set_new(o, "queries_ipv6", by_transport(s->queries_v6));
	json_object_set_new(o, "questions", by_type(s));
	json_object_set_new(o, "answers", by_rcode(s));
	json_object_set_new(o, "under_us", durations(s));
	set(o, "duration_us", s->times_us);
	set(o, "dropped", s->dropped);
	set(o, "overflows", v->counters.udp_overflows);
	set(o, "truncated", s->truncated);
	set(o, "withheld", s->withheld);
	set(o, "steered", s->steered);
	set(o, "without_edge", s->unmet);
	set(o, "stage_answers", s->staged);
	set(o, "tcp_clients", v->counters.tcp_clients);
	set(o, "quic_clients", v->counters.quic_clients);
	set(o, "jobs", v->loop.n_jobs);
}

/* --- edges and pools ---------------------------------------------------------------------- */

struct answers {
	uint64_t *edges, *pools; /* [steer->n_edges], [steer->n_pools] */
};

static struct answers count_answers(const struct report_view *v)
{
	const struct steer *s = v->world->steer;
	struct choice_sums sums = choice_sums_new(v);
	struct answers a = { memory_zeroed(s->n_edges + 1, sizeof *a.edges),
		memory_zeroed(s->n_pools + 1, sizeof *a.pools) };

	for (unsigned i = 0; i < s->n_pools; i++)
		for (unsigned k = 0; k < s->pools[i].n; k++)
			for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
				const unsigned edge = s->pools[i].edges[k];
				const uint64_t n = choice_sums_of(
					&sums, &s->pools[i], &s->edges[edge], (enum choose_why)why);
				a.edges[edge] += n;
				a.pools[i] += n;
			}
	choice_sums_free(&sums);
	return a;
}

static json_t *edge_of(const struct report_view *v, unsigned i, uint64_t answers)
{
	const struct edge *e = &v->world->steer->edges[i];
	const struct shed_state load = report_load_state(v, i);
	bool probed;
	json_t *o = json_pack("{s:s, s:s, s:I}", "edge", e->name, "state", report_edge_state(v, i, &probed), "answers",
		(json_int_t)answers);

	if (forced_touches(&v->health.forced, e->name) ||
		forced_touches(&v->health.forced, e->called))
		json_object_set_new(o, "forced", json_true());
	if (e->capacity > 0) {
		values_set_number(o, "used", load.use.load / e->capacity);
		values_set_number(o, "sheds", load.use.moved);
	}
	if (load.share != SHED_ALL)
		values_set_number(o, "share", load.share / (double)SHED_ALL);
	return o;
}

static json_t *pool_of(const struct report_view *v, unsigned i, uint64_t answers)
{
	const struct standing_pool *p = &v->world->standing->pools[i];
	json_t *o = json_pack("{s:s, s:I, s:i, s:i}", "pool", v->world->steer->pools[i].name, "answers",
		(json_int_t)answers, "up", (int)p->up, "asked", (int)p->asked);

	if (p->panics)
		json_object_set_new(o, "panics", json_true());
	if (p->waits)
		json_object_set_new(o, "waits", json_true());
	return o;
}

static void add_steering(const struct report_view *v, json_t *o)
{
	const struct steer *s = v->world->steer;
	struct answers a = count_answers(v);
	json_t *edges = json_array(), *pools = json_array();

	for (unsigned i = 0; i < s->n_edges; i++)
		json_array_append_new(edges, edge_of(v, i, a.edges[i]));
	for (unsigned i = 0; i < s->n_pools; i++)
		json_array_append_new(pools, pool_of(v, i, a.pools[i]));
	json_object_set_new(o, "edges", edges);
	json_object_set_new(o, "pools", pools);
	memory_free(a.edges);
	memory_free(a.pools);
}

/* --- as text ------------------------------------------------------------------------------ */

static void counts_text(const char *what, const json_t *o, struct text *out)
{
	const char *key;
	json_t *n;

	text_add(out, what);
	json_object_foreach ((json_t *)(uintptr_t)o, key, n)
		if (json_integer_value(n))
			text_addf(out, "  %s %lld", key, (long long)json_integer_value(n));
	text_add_char(out, '\n');
}

static void rates_text(const json_t *o, struct text *out)
{
	const json_t *row;
	size_t i;

	text_addf(out, "since the start, %.0f s ago\n", values_number(o, "up_s"));
	counts_text("queries   ", json_object_get(o, "queries"), out);
	counts_text("questions ", json_object_get(o, "questions"), out);
	counts_text("answers   ", json_object_get(o, "answers"), out);
	text_addf(out, "from pools  %.0f, %.0f of them without an edge\n", values_number(o, "steered"),
		values_number(o, "without_edge"));
	json_array_foreach (json_object_get(o, "edges"), i, row)
		text_addf(out, "edge %-16s %-6s %12.0f\n", values_text(row, "edge"), values_text(row, "state"),
			values_number(row, "answers"));
	json_array_foreach (json_object_get(o, "pools"), i, row)
		text_addf(out, "pool %-16s %.0f/%.0f up %10.0f\n", values_text(row, "pool"), values_number(row, "up"),
			values_number(row, "asked"), values_number(row, "answers"));
}

void report_rates(const struct report_view *view, bool json, struct text *out)
{
	json_t *o = json_object();

	add_server(view, o);
	add_steering(view, o);
	if (json)
		report_json(o, out);
	else
		rates_text(o, out);
	if (!json)
		json_decref(o);
}
