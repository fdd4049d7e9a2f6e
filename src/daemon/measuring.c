#include "daemon/measuring.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/latency_read.h"
#include "daemon/metrics_maker.h"
#include "daemon/parts_read.h"
#include "daemon/readiness.h"
#include "net/worker.h"
#include "report/metrics_text.h"
#include "steer/choose.h"
#include "measure/targets.h"
#include "net/tls.h"

#include <ev.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LISTEN_S 1.0  /* to the workers */
#define DOUBT_S  60.0 /* between two lines about times that cannot be true */

enum {
	/* Whoever may come to be answered with: the nearest that are not down, and those that
	 * follow when one of them fails; and the nearest on the map (targets_is_near()). */
	CANDIDATES = 3,
	FAILOVERS = 2,
	EDGES_AT_ONCE = 64,
	NETS_AT_ONCE = ASSIGNMENTS_MOST - EDGES_AT_ONCE,
	WATCHED_AT_ONCE = NETS_AT_ONCE / 2, /* whose way was another one lately: all ways of an edge may be */
	LOOKS_AT_ONCE = 1024, /* so that it takes milliseconds, however many edges there are */
	/* As shares of the half-life: a measurement is fresh for so long; who did not answer is
	 * asked again after so long, and agents ask us again after so long. */
	FRESH_SHARE = 4,
	RETRY_SHARE = 16,
	AGAIN_SHARE = 256,
	SEEN_MOST = 4096
};

struct measuring {
	struct measuring_opts opts;
	struct manage *manage; /* NULL: no listener */
	struct manage_hooks hooks;
	struct metrics_maker *maker;       /* NULL: not yet */
	const struct readiness *readiness; /* likewise */
	struct api *api;                   /* likewise */
	struct tls *shown;                 /* held; likewise */
	struct targets *targets;
	ev_timer timer;
	struct agent_seen *seen; /* [n_seen] no more than there are edges */
	unsigned n_seen;
	double doubted_at; /* when one was told of last; clock_seconds() */
	/* Room for an answer's work. */
	struct choose_trace trace;
	uint32_t sorted[TARGETS_MOST];
	uint32_t from[EDGES_MOST]; /* of an edge's: where its next look at `sorted` begins */
	uint64_t edges; /* a hash of their names: whose numbers targets know */
};

#define WATCHED (1u << 31)

static const struct conf *live_conf(const struct measuring *l)
{
	return parts_conf(publisher_live(l->opts.publisher));
}

static struct latency *live_table(const struct measuring *l)
{
	return publisher_live(l->opts.publisher)->table;
}

static unsigned half_life_s(const struct measuring *l)
{
	return (live_conf(l)->latency.half_life_ms + 999) / 1000;
}

static unsigned within(unsigned v, unsigned least, unsigned most)
{
	return v < least ? least : v > most ? most : v;
}

/* --- reports ------------------------------------------------------------------------------ */

/* NULL: there are too many. */
static struct agent_seen *seen(struct measuring *l, const char *agent)
{
	unsigned i = 0;

	while (i < l->n_seen && strcmp(l->seen[i].agent, agent) != 0)
		i++;
	if (i < l->n_seen)
		return &l->seen[i];
	if (i == SEEN_MOST)
		return NULL;
	l->seen = memory_grow(l->seen, (i + 1) * sizeof *l->seen);
	l->seen[l->n_seen++] = (struct agent_seen){ .reports = 0 };
	strncpy(l->seen[i].agent, agent, sizeof l->seen[i].agent - 1);
	return &l->seen[i];
}

/* A time that light could not have made is counted against who sent it, and told now and then.
 */
static void refuse(struct measuring *l, struct rankings_sample *s,
	const struct agent_report_row *row, const struct model_doubt *doubt)
{
	const double now = clock_seconds();
	const unsigned source = s->src >= 0 ? (unsigned)s->src : s->edge;
	const char *agent = latency_edge_name(live_table(l), source);
	struct agent_seen *by = seen(l, agent);
	char net[ADDR_TEXT];

	s->impossible = true;
	rankings_add(l->opts.rankings, s);
	if (!by)
		return;
	by->impossible++;
	if (l->doubted_at > 0 && now - l->doubted_at < DOUBT_S)
		return;
	l->doubted_at = now;
	log_line(LOG_WARNING,
		"agent %s: %.4g ms to %s cannot be true, which is %.0f km away: light in fibre "
		"needs %.1f ms (if that is %.0f km wrong: %.1f); not taken (%llu of this agent "
		"so "
		"far)",
		agent, row->rtt_ms, *row->edge ? row->edge : prefix_text(net, &row->net),
		doubt->km, doubt->km / MODEL_KM_PER_MS, doubt->error_km, doubt->least_ms,
		(unsigned long long)by->impossible);
}

/* What is known is what choices go by; what came a moment ago may not be in it yet. */
static void tell_targets(struct measuring *l, unsigned edge, const struct agent_report_row *row, uint32_t now_s)
{
	const struct latency_row *known = latency_find(live_table(l), &row->net);
	const struct latency_cell *c = known ? latency_cell(known, edge) : NULL;

	targets_measured(l->targets, &row->net, edge, now_s, half_life_s(l) / FRESH_SHARE);
	if (c && now_s - row->age_s >= c->at_s && latency_jumps(c, row->rtt_ms))
		targets_jumped(l->targets, &row->net, edge, now_s, half_life_s(l) / FRESH_SHARE);
}

static bool add_row(
	struct measuring *l, unsigned edge, const struct agent_report_row *row, uint32_t now_s)
{
	const struct parts *live = publisher_live(l->opts.publisher);
	const struct model *model = client_map_model(live->steer->clients);
	struct model_doubt doubt;
	const struct latency *table = live_table(l);
	const unsigned n = within(row->samples, 1, LATENCY_SAMPLES_MOST);
	struct rankings_sample s = { .net = row->net,
		.kind = row->kind,
		.src = -1,
		.edge = edge,
		.sample = { .rtt_ms = row->rtt_ms, .n = n, .at_s = now_s - row->age_s } };

	if (*row->edge) {
		const int other = latency_edge(table, row->edge, strlen(row->edge));
		if (other < 0 || (unsigned)other == edge)
			return false;
		s.src = (int)edge;
		s.edge = (unsigned)other;
		if (!model_edge_could_take(model, edge, s.edge, row->rtt_ms, &doubt)) {
			refuse(l, &s, row, &doubt);
			return false;
		}
	} else {
		if (row->kind != LATENCY_LOSS && !model_net_could_take(model, &row->net, edge, row->rtt_ms, &doubt)) {
			refuse(l, &s, row, &doubt);
			return false;
		}
		if (row->kind == LATENCY_RTT)
			tell_targets(l, edge, row, now_s);
	}
	rankings_add(l->opts.rankings, &s);
	return true;
}

static size_t take_report(void *ctx, const char *agent, const struct agent_report *s)
{
	struct measuring *l = ctx;
	const uint32_t now_s = latency_read_now();
	const int edge = latency_edge(live_table(l), agent, strlen(agent));
	struct agent_seen *by = edge >= 0 ? seen(l, agent) : NULL;
	size_t used = 0;

	if (by) {
		by->reports++;
		by->last_s = (int64_t)time(NULL);
	}
	for (size_t i = 0; edge >= 0 && i < s->n; i++)
		used += add_row(l, (unsigned)edge, &s->rows[i], now_s);
	if (edge >= 0 && l->opts.pairs)
		used += resolver_pairs_take(l->opts.pairs, s->clients, s->n_clients);
	return used;
}

/* --- assignments ------------------------------------------------------------------------------ */

/* Clocks of a fleet differ: one may come from the next second. */
static uint32_t age_s(const struct latency_cell *c, uint32_t now_s)
{
	return c->at_s < now_s ? now_s - c->at_s : 0;
}

static bool is_fresh(
	const struct measuring *l, const struct latency_row *row, unsigned edge, uint32_t now_s)
{
	const struct latency_cell *c = row ? latency_cell(row, edge) : NULL;

	return c && age_s(c, now_s) < half_life_s(l) / FRESH_SHARE;
}

/* How a target stands to an edge that may measure it. */
enum due { IS_FRESH, IS_DUE, IS_WATCHED };

static enum due is_due(const struct measuring *l, size_t i, unsigned edge, uint32_t now_s)
{
	const uint32_t most_s = half_life_s(l) / FRESH_SHARE;
	size_t n;
	const struct latency_row *row = latency_find(live_table(l), &targets_all(l->targets, &n)[i].net);
	const struct latency_cell *c = row ? latency_cell(row, edge) : NULL;
	const uint32_t fresh_s = c ? targets_fresh_s(l->targets, i, edge, c->at_s, most_s) : 0;

	return c && age_s(c, now_s) < fresh_s ? IS_FRESH : c && fresh_s < most_s ? IS_WATCHED : IS_DUE;
}

/* Is the one at `at` of the edges that are ranked one of the nearest on the map? */
static bool is_near(const struct world *w, const struct choose_step *s, const struct addr *who, unsigned at)
{
	const struct client_map *map = w->steer->clients;
	const struct model *m = client_map_model(map);
	const uint32_t place = netmap_find(client_map_atlas(map)->cities.map, who).value;
	double *km = memory_zeroed(s->n, sizeof *km);

	for (unsigned i = 0; i < s->n; i++)
		km[i] = s->verdicts[i] == PASSED_DOWN ? (double)NAN : model_distance_km(m, place, s->edges[i]);
	const bool near = targets_is_near(km, (unsigned)s->n, at);
	memory_free(km);
	return near;
}

/* Is the edge one that this client may be sent to, now or soon; or, `anywhere`, in its pool? Asked of the code that answers
 * queries, for the pool that the client asked for last. */
static bool is_candidate(struct measuring *l, const struct target *x, unsigned edge, bool anywhere)
{
	const struct world *w = publisher_world(l->opts.publisher);
	unsigned before = 0;

	if (x->pool >= w->steer->n_pools)
		return false; /* of a configuration that is gone */
	l->trace.n = 0;
	choose(&(struct choose_ask){ .steer = w->steer,
		       .standing = w->standing,
		       .now_us = clock_us(),
		       .pool = x->pool,
		       .v6 = !addr_is_v4(&x->host),
		       .source = x->host },
		&l->trace);
	for (unsigned k = 0; k < l->trace.n; k++) {
		const struct choose_step *s = &l->trace.steps[k];
		const bool ranked = !s->members && (s->by == BY_RANK || s->by == BY_TRIAL ||
			s->by == BY_DEFAULT);
		for (unsigned i = 0; ranked && i < s->n; i++) {
			if (s->edges[i] == edge)
				return anywhere || before < CANDIDATES + FAILOVERS || is_near(w, s, &x->host, i);
			before += s->verdicts[i] != PASSED_DOWN;
		}
	}
	return false;
}

static int compare_targets(const void *va, const void *vb, void *ctx)
{
	const struct target *all = ctx;
	const double a = all[*(const uint32_t *)va & ~WATCHED].count, b = all[*(const uint32_t *)vb & ~WATCHED].count;

	return (a < b) - (a > b);
}

/* The busiest first; with WATCHED those that are. */
static size_t sort_targets(struct measuring *l, unsigned edge, uint32_t now_s)
{
	size_t n, k = 0;
	const struct target *all = targets_all(l->targets, &n);

	for (size_t i = 0; i < n; i++) {
		const enum due due = targets_may_ask(l->targets, i, edge, now_s) ? is_due(l, i, edge, now_s) : IS_FRESH;
		if (due != IS_FRESH)
			l->sorted[k++] = (uint32_t)i | (due == IS_WATCHED ? WATCHED : 0);
	}
	qsort_r(l->sorted, k, sizeof *l->sorted, compare_targets, (void *)(uintptr_t)all);
	return k;
}

static void add_nets(struct measuring *l, unsigned edge, uint32_t now_s, struct assignments *e)
{
	const size_t sorted = sort_targets(l, edge, now_s);
	const unsigned retry_s = within(half_life_s(l) / RETRY_SHARE, 1, 300);
	size_t n;
	const struct target *all = targets_all(l->targets, &n);
	size_t k = l->from[edge] < sorted ? l->from[edge] : 0, nets = 0, watched = 0, looks = 0;

	for (; k < sorted && nets < NETS_AT_ONCE && looks < LOOKS_AT_ONCE; k++) {
		const uint32_t i = l->sorted[k] & ~WATCHED;
		const bool again = l->sorted[k] & WATCHED;
		if (again && watched == WATCHED_AT_ONCE)
			continue;
		looks++;
		if (!is_candidate(l, &all[i], edge, again))
			continue;
		e->list[e->n++] = (struct assignment){ .net = all[i].net, .host = all[i].host };
		targets_ask(l->targets, i, edge, now_s, retry_s);
		watched += again;
		nets++;
	}
	/* Where most are no candidates, the next time goes on here; those that are asked stand there no more. */
	l->from[edge] = k < sorted && looks == LOOKS_AT_ONCE ? (uint32_t)(k - nets) : 0;
}

/* The other edges, from the one behind `edge` on, so that not all begin with the same. */
static void add_edges(struct measuring *l, unsigned edge, uint32_t now_s, struct assignments *e)
{
	const struct conf *c = live_conf(l);
	const struct latency_row *row = latency_mesh(live_table(l), edge);

	for (size_t k = 1; k < c->n_edges && e->n < EDGES_AT_ONCE; k++) {
		const size_t i = (edge + k) % c->n_edges;
		const struct edge_opts *other = &c->edges[i];
		const struct addr *host = other->n_a ? other->a
			: other->n_aaaa              ? other->aaaa
						     : NULL;
		if (!host || other->role_of || is_fresh(l, row, (unsigned)i, now_s))
			continue;
		struct assignment *to = &e->list[e->n++];
		*to = (struct assignment){ .host = *host };
		strncpy(to->edge, other->name, AGENT_REPORT_EDGE_MOST);
	}
}

static void give_assignments(void *ctx, const char *agent, struct assignments *e)
{
	struct measuring *l = ctx;
	const uint32_t now_s = latency_read_now();
	const int edge = latency_edge(live_table(l), agent, strlen(agent));

	e->again_s = within(half_life_s(l) / AGAIN_SHARE, 1, 60);
	if (edge < 0)
		return;
	add_edges(l, (unsigned)edge, now_s, e);
	add_nets(l, (unsigned)edge, now_s, e);
}

/* --- the workers' clients ----------------------------------------------------------------- */

static void saw(void *ctx, const struct sample *one)
{
	struct measuring *l = ctx;
	const struct prefix net = addr_prefix(
		&one->client, addr_is_v4(&one->client) ? ADDR_V4_BITS + 24 : 48);
	/* A subnet is mostly cut where the network ends. */
	const bool is_host = !one->by_subnet ||
		memcmp(&net.addr, &one->client, sizeof net.addr) != 0;

	targets_saw(l->targets, &one->client, is_host, one->pool);
}

static void set_agents(struct measuring *l)
{
	const struct conf *c = live_conf(l);
	struct manage_agent *agents = memory_zeroed(c->latency.n_agents, sizeof *agents);

	for (size_t i = 0; i < c->latency.n_agents; i++)
		agents[i] = (struct manage_agent){ c->edges[c->latency.agents[i].edge].name,
			c->latency.agents[i].has_key ? c->latency.agents[i].key : NULL,
			c->latency.agents[i].certificate };
	manage_set_agents(l->manage, agents, c->latency.n_agents);
	memory_free(agents);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct measuring *l = t->data;

	(void)loop;
	(void)events;
	targets_age(l->targets, latency_read_now());
	workers_samples(l->opts.workers, saw, l);
}

/* --- numbers, and whether it is ready ------------------------------------------------------ */

/* A request for numbers that waits for them. */
struct scrape {
	struct metrics_ask ask; /* first */
	struct request *request; /* the listener's, until it is answered */
};

static void scraped(struct metrics_ask *a, const struct text *body)
{
	struct scrape *s = (struct scrape *)a; /* its first field */

	manage_answer(s->request, metrics_content_type(a->open), body);
	free(s);
}

static enum manage_metrics give_metrics(void *ctx, struct request *r, bool open)
{
	struct measuring *l = ctx;

	if (!live_conf(l)->policy.counts_more)
		return MANAGE_OFF;
	struct scrape *s = l->maker ? malloc(sizeof *s) : NULL;
	if (!s)
		return MANAGE_BUSY;
	*s = (struct scrape){ { .open = open, .told = scraped }, r };
	if (metrics_maker_ask(l->maker, &s->ask))
		return MANAGE_LATER;
	free(s);
	return MANAGE_BUSY;
}

static enum manage_metrics run_api(void *ctx, struct request *r)
{
	const struct measuring *l = ctx;

	if (!live_conf(l)->api)
		return MANAGE_OFF;
	if (!l->api)
		return MANAGE_BUSY;
	api_take(l->api, r);
	return MANAGE_LATER;
}

void measuring_set_api(struct measuring *m, struct api *api)
{
	m->api = api;
}

static bool has_page(void *ctx)
{
	return live_conf(ctx)->web_console;
}

static bool tell_ready(void *ctx, struct text *say)
{
	const struct measuring *l = ctx;

	return l->readiness && readiness_now(l->readiness, say);
}

void measuring_watched(
	struct measuring *m, struct metrics_maker *maker, const struct readiness *readiness)
{
	m->maker = maker;
	m->readiness = readiness;
}

/* --- the public side ---------------------------------------------------------------------- */

static uint64_t hash_edges(const struct measuring *l)
{
	const struct conf *c = live_conf(l);
	uint64_t h = c->n_edges;

	for (size_t i = 0; i < c->n_edges; i++)
		h = hash_bytes((struct hash_key){ h, HASH_STEP }, (const uint8_t *)c->edges[i].name, strlen(c->edges[i].name));
	return h;
}

static void on_parts(void *ctx, unsigned what)
{
	struct measuring *l = ctx;

	if (what & PUBLISH_CONF && l->edges != hash_edges(l)) {
		l->edges = hash_edges(l);
		targets_forget_edges(l->targets);
	}
	if (what & PUBLISH_CONF && l->manage)
		set_agents(l);
	if (what & PUBLISH_CONF && l->api && !live_conf(l)->api)
		api_end_streams(l->api);
}

struct measuring *measuring_new(const struct measuring_opts *opts)
{
	struct measuring *l = memory_zeroed(1, sizeof *l);

	l->opts = *opts;
	const struct conf *c = live_conf(l);
	l->hooks = (struct manage_hooks){ l, take_report, give_assignments, give_metrics, run_api, tell_ready, has_page };
	ev_timer_init(&l->timer, on_time, LISTEN_S, LISTEN_S);
	l->timer.data = l;
	if (!c->management_len && !c->management_socket)
		return l;
	l->targets = targets_new(opts->key);
	l->edges = hash_edges(l);
	publisher_follow(opts->publisher, on_parts, l);
	ev_timer_start(opts->loop, &l->timer);
	return l;
}

const struct manage_hooks *measuring_hooks(const struct measuring *l)
{
	return &l->hooks;
}

bool measuring_listen(struct measuring *l, int fd, int local_fd, struct fault *why)
{
	const struct conf *c = live_conf(l);

	if ((!c->management_len && !c->management_socket) || l->manage)
		return true;
	l->manage = manage_open(
		&(struct manage_opts){ .loop = l->opts.loop,
			.listen = c->management_len ? (const struct sockaddr *)&c->management : NULL,
			.len = c->management_len,
			.tls = c->management_tls,
			.hooks = measuring_hooks(l),
			.fd = fd,
			.socket = c->management_socket,
			.group = c->management_group,
			.socket_fd = local_fd },
		why);
	if (!l->manage)
		return false;
	set_agents(l);
	if (l->shown)
		manage_set_tls(l->manage, l->shown);
	return true;
}

int measuring_socket(const struct measuring *l)
{
	return l->manage ? manage_socket(l->manage) : -1;
}

int measuring_local_socket(const struct measuring *l)
{
	return l->manage ? manage_local_socket(l->manage) : -1;
}

void measuring_leave(struct measuring *l)
{
	if (l->manage)
		manage_leave(l->manage);
}

void measuring_show(void *ctx, struct tls *shown)
{
	struct measuring *l = ctx;
	struct tls *before = l->shown;

	l->shown = shown ? tls_hold(shown) : NULL;
	if (before)
		tls_drop(before);
	if (l->manage)
		manage_set_tls(l->manage, shown);
}

void measuring_free(struct measuring *l)
{
	if (!l)
		return;
	manage_close(l->manage);
	if (l->shown)
		tls_drop(l->shown);
	ev_timer_stop(l->opts.loop, &l->timer);
	targets_free(l->targets);
	memory_free(l->seen);
	memory_free(l);
}

struct agent_counts measuring_counts(const struct measuring *l, size_t *targets)
{
	*targets = 0;
	if (!l->manage)
		return (struct agent_counts){ 0 };
	targets_all(l->targets, targets);
	struct agent_counts c = manage_counts(l->manage);
	for (unsigned i = 0; i < l->n_seen; i++)
		c.impossible += l->seen[i].impossible;
	if (!l->opts.pairs)
		return c;
	const struct resolver_pairs_counts pairs = resolver_pairs_counts(l->opts.pairs);
	c.names = pairs.asked;
	c.clients = pairs.clients;
	c.joined = pairs.joined;
	c.pairs = pairs.known;
	return c;
}

const struct agent_seen *measuring_seen(const struct measuring *l, unsigned *n)
{
	*n = l->n_seen;
	return l->seen;
}
