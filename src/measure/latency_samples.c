/* latency_samples.c - what was measured goes into a table of times, and is forgotten.
 */
#include "measure/latency_inner.h"

#include <math.h>

/* A way that changes is longer or shorter by tens of milliseconds; what one host has more than its neighbour seldom is. */
#define JUMP_MS    20.0
#define JUMP_TIMES 1.5
enum { JUMPS_MOST = 3 };

static unsigned count_samples(unsigned a, unsigned b)
{
	return a + b < LATENCY_SAMPLES_MOST ? a + b : LATENCY_SAMPLES_MOST;
}

static void set(struct latency_cell *c, const struct latency_sample *s)
{
	*c = (struct latency_cell){ .rtt_ms = (float)s->rtt_ms,
		.at_s = s->at_s,
		.edge = c->edge,
		.n = (uint16_t)(count_samples(s->n, 0) & LATENCY_SAMPLES_MOST),
		.filed = s->filed };
}

static bool is_up(const struct latency_cell *known, double rtt_ms)
{
	return rtt_ms > (double)known->rtt_ms;
}

/* After another one that jumped to the same side. */
static bool goes_on(const struct latency_cell *known, double rtt_ms)
{
	return known->jumps && known->up == is_up(known, rtt_ms) && fabs(rtt_ms - (double)known->rtt_ms) > JUMP_MS;
}

bool latency_jumps(const struct latency_cell *known, double rtt_ms)
{
	const double ms = (double)known->rtt_ms;

	return known->n && !goes_on(known, rtt_ms) && fabs(rtt_ms - ms) > JUMP_MS && fmax(rtt_ms, ms) > JUMP_TIMES * fmin(rtt_ms, ms);
}

/* Other kinds spread by more, whatever the way is. */
static bool is_of_round_trips(const struct latency *t)
{
	return t->of[LATENCY_TTFB];
}

/* A late one says nothing of what follows on what. */
static void count_jumps(const struct latency *t, struct latency_cell *c, const struct latency_sample *s)
{
	if (s->at_s < c->at_s || !is_of_round_trips(t))
		return;
	if (!goes_on(c, s->rtt_ms))
		c->jumps = latency_jumps(c, s->rtt_ms);
	else if (c->jumps < JUMPS_MOST)
		c->jumps = (c->jumps + 1) & JUMPS_MOST;
	c->up = is_up(c, s->rtt_ms);
}

/* Exponential smoothing where the older of the two counts less, by what it is older. The second in a row that is far to one side counts as two, and the
 * third as four: a way that is another one is seen in three, and one that is out of line moves little. */
static void smooth(
	const struct latency *t, struct latency_cell *c, const struct latency_sample *s)
{
	const unsigned half = t->opts.half_life_s;

	if (!c->n) {
		set(c, s);
		return;
	}
	count_jumps(t, c, s);
	const unsigned jumps = s->at_s < c->at_s ? 0 : c->jumps;
	const double share = 1 - pow(1 - t->opts.smoothing, jumps ? 1u << (jumps - 1) : 1);
	const double known = (1 - share) * latency_weight(half, c->at_s, s->at_s),
		     fresh = share * latency_weight(half, s->at_s, c->at_s);
	if (fresh + known > 0)
		c->rtt_ms += (float)(fresh / (fresh + known) * (s->rtt_ms - (double)c->rtt_ms));
	c->n = (uint16_t)(count_samples(c->n, s->n) & LATENCY_SAMPLES_MOST);
	c->at_s = s->at_s > c->at_s ? s->at_s : c->at_s;
	c->filed = s->filed;
}

static void put(struct latency_cell *c, const struct latency_sample *s)
{
	const struct latency_cell had = *c;

	if (c->n && c->at_s > s->at_s)
		return;
	set(c, s);
	/* What another server has smoothed of the same samples is of the same row of them. */
	if (had.n && had.jumps && (had.up == is_up(&had, s->rtt_ms) || !latency_jumps(&had, s->rtt_ms))) {
		c->jumps = had.jumps;
		c->up = had.up;
	}
}

/* Where a sample goes; NULL: no memory. The row has changed then, if it is not an edge's. */
static struct latency_cell *cell_at(struct latency *t, const struct prefix *net, unsigned edge)
{
	struct latency_row *r = latency_row_of(t, net);
	struct latency_cell *c = r ? latency_cell_of(t, r, edge, &t->cells) : NULL;

	if (c)
		r->round = t->round;
	return c;
}

bool latency_add(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s)
{
	struct latency_cell *c = cell_at(t, net, edge);

	if (c)
		smooth(t, c, s);
	return c;
}

bool latency_add_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s)
{
	struct latency_cell *c = latency_cell_of(t, &t->mesh[src], dst, &t->mesh_cells);

	if (c)
		smooth(t, c, s);
	return c;
}

bool latency_put(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s)
{
	struct latency_cell *c = cell_at(t, net, edge);

	if (c)
		put(c, s);
	return c;
}

bool latency_put_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s)
{
	struct latency_cell *c = latency_cell_of(t, &t->mesh[src], dst, &t->mesh_cells);

	if (c)
		put(c, s);
	return c;
}

static void add_came(struct latency *t, unsigned edge, struct latency_source more, uint32_t at_s)
{
	struct came *c = &t->came[edge];
	const unsigned half_life_s = t->opts.half_life_s;

	if (at_s > c->at_s) {
		const double left = latency_weight(half_life_s, c->at_s, at_s);
		*c = (struct came){ c->taken * left, c->impossible * left, at_s };
	}
	const double counts = latency_weight(half_life_s, at_s, c->at_s);
	c->taken += more.taken * counts;
	c->impossible += more.impossible * counts;
}

void latency_count_source(struct latency *t, unsigned edge, bool possible, uint32_t at_s)
{
	add_came(t, edge, (struct latency_source){ possible, !possible }, at_s);
}

void latency_add_source(struct latency *t, unsigned edge, const struct latency *from, unsigned there)
{
	const struct came *c = &from->came[there];

	add_came(t, edge, (struct latency_source){ c->taken, c->impossible }, c->at_s);
}

void latency_set_source(struct latency *t, unsigned edge, const struct latency_source *source, uint32_t now_s)
{
	t->came[edge] = (struct came){ source->taken, source->impossible, now_s };
}

struct latency_source latency_source(const struct latency *t, unsigned edge, uint32_t now_s)
{
	const struct came *c = &t->came[edge];
	const double left = latency_weight(t->opts.half_life_s, c->at_s, now_s);

	return (struct latency_source){ c->taken * left, c->impossible * left };
}

void latency_count_impossible(struct latency *t, size_t rows)
{
	t->impossible += rows;
}

/* --- forgetting --------------------------------------------------------------------------- */

static size_t drop_cell(struct latency_row *r, unsigned edge)
{
	for (unsigned k = 0; k < r->n; k++)
		if (r->cell[k].edge == edge) {
			r->cell[k] = r->cell[--r->n];
			return 1;
		}
	return 0;
}

size_t latency_forget_edge(struct latency *t, unsigned edge)
{
	size_t cells = 0, mesh = t->mesh[edge].n, more = 0;

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		more += t->of[i] ? latency_forget_edge(t->of[i], edge) : 0;

	for (size_t i = 0; i < t->n; i++)
		cells += drop_cell(&t->row[i], edge);
	t->mesh[edge].n = 0;
	for (size_t i = 0; i < t->opts.n_edges; i++)
		mesh += drop_cell(&t->mesh[i], edge);
	t->cells -= cells;
	t->mesh_cells -= mesh;
	latency_compact(t);
	return cells + mesh + more;
}

size_t latency_forget_net(struct latency *t, const struct prefix *net)
{
	size_t cells = 0, more = 0;

	for (unsigned i = LATENCY_RTT + 1; i < LATENCY_KINDS; i++)
		more += t->of[i] ? latency_forget_net(t->of[i], net) : 0;

	for (size_t i = 0; i < t->n; i++) {
		struct latency_row *r = &t->row[i];
		if (r->net.bits < net->bits || !prefix_has(net, &r->net.addr))
			continue;
		cells += r->n;
		r->n = 0;
	}
	t->cells -= cells;
	latency_compact(t);
	return cells + more;
}
