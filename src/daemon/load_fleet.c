#include "daemon/load_fleet.h"

#include "base/memory.h"
#include "steer/demand.h"

#include <math.h>

/* Of its capacity, where none is left to us: 0 would be no limit. */
#define LEAST_PART 1e-6
/* So much more demand, as a share of what those asked who were lost, may be no more than the time of day. */
#define GROWTH 0.5

double load_fleet_of_others(const struct load_count *c, unsigned edge)
{
	const struct load_edge *e = &c->loads[edge];

	return c->memory->part ? c->memory->lost * fmax(0, e->whole - e->held) : 0;
}

/* --- edges whose load is told while others are lost ----------------------------------------- */

/* Its base is what no server of the fleet makes, as while all are heard. */
static void leave_told(const struct load_memory *m, struct load_edge *e)
{
	if (!e->told_all)
		return;
	e->base += m->per_query * (e->ours - e->whole);
	e->base_n = 1;
	e->told_all = false;
}

/* From the same load on, which counts as the first interval: how much of it was ours is known by one alone. */
void load_fleet_follow(const struct load_count *c, unsigned edge, const struct load_counted *counted)
{
	struct load_edge *e = &c->loads[edge];
	const double each = c->memory->per_query;

	if (!e->told_all) {
		e->base += each * (e->whole - e->held);
		e->ours = e->held;
		e->base_n = 1;
		e->told_all = true;
	}
	const double lag = load_count_lag(&e->base_n);
	e->base += lag * (counted->told - each * counted->rate - e->base);
	e->ours += lag * (counted->rate - e->ours);
}

/* When it has room all who share it see that: a step of ours is as many as they will take together. */
double load_fleet_part(const struct load_count *c, unsigned edge)
{
	return c->memory->part && c->loads[edge].told_all ? fmax(c->memory->share, LEAST_PART) : 1;
}

/* --- what an edge may bear ------------------------------------------------------------------ */

double load_fleet_capacity(const struct load_count *c, unsigned edge)
{
	const struct edge *e = &c->steer->edges[edge];
	const struct load_memory *m = c->memory;
	const struct load_edge *load = &c->loads[edge];
	const double each = m->per_query > 0 ? m->per_query : 1;

	if (e->capacity <= 0 || !m->part || load->told_all)
		return e->capacity;
	const double ours = load->base + each * load->held,
		     free = e->capacity * e->high - ours - each * load_fleet_of_others(c, edge);
	return fmin(fmax((ours + fmax(0, free) * m->share) / e->high, e->capacity * LEAST_PART), e->capacity);
}

/* --- who is there ------------------------------------------------------------------------- */

struct sums {
	double whole, held, now;
};

static struct sums sums_of(const struct load_count *c, const struct load_counted *all)
{
	struct sums s = { 0 };

	for (unsigned i = 0; i < c->steer->n_edges; i++) {
		s.whole += c->loads[i].whole;
		s.held += c->loads[i].held;
		s.now += all[i].rate;
	}
	return s;
}

/* What was counted is where clients go by the prices of now, and how much they ask may be a burst: it is no more than
 * what is smoothed. A factor. */
static double level_of(const struct load_count *c, const struct load_sum *sum)
{
	double rate = 0;

	for (unsigned i = 0; i < c->steer->n_edges; i++)
		rate += sum->edges[i].rate;
	return rate > 0 && sum->slow > 0 ? fmin(1, sum->slow / rate) : 1;
}

static void hold(const struct load_count *c, const struct load_sum *sum)
{
	const double level = level_of(c, sum);

	for (unsigned i = 0; i < c->steer->n_edges; i++) {
		leave_told(c->memory, &c->loads[i]);
		c->loads[i].held = level * sum->edges[i].rate;
	}
}

/* How much of what others asked is thought to be asked still, there: all of it, unless most of it is asked of us. */
static double lost_of(struct sums s, bool sure)
{
	const double others = s.whole - s.held;

	return others <= 0 ? 0 : sure ? 1 : fmin(1, fmax(0, (s.whole - s.now) / others / (1 - GROWTH)));
}

static void set_part(const struct load_count *c, const struct load_sum *sum, uint64_t who, bool sure)
{
	struct load_memory *m = c->memory;

	/* From the moment that they were lost on, not from now: what is taken once would be ours the next time. */
	if (!who || !m->part || m->who != who)
		hold(c, sum);
	const struct sums s = sums_of(c, sum->edges);
	m->who = who;
	m->part = s.whole > 0;
	m->lost = lost_of(s, sure);
	/* By what is smoothed: in an interval in which hardly anybody asks, a share would be next to nothing. */
	const double ours = fmax(s.held, fmin(sum->slow, s.whole));
	m->share = ours > 0 ? ours / (ours + m->lost * fmax(0, s.whole - ours)) : 1;
}

static void set_whole(const struct load_count *c, const struct load_sum *sum)
{
	const double level = level_of(c, sum);

	for (unsigned i = 0; i < c->steer->n_edges; i++) {
		c->loads[i].whole = level * sum->edges[i].rate;
		leave_told(c->memory, &c->loads[i]);
	}
	c->memory->part = false;
	c->memory->who = c->fleet->who;
	c->memory->was = c->memory->slow;
}

/* --- what all have counted ---------------------------------------------------------------- */

/* Ours, of this interval. */
static double smooth(const struct load_count *c, const struct load_counted *all)
{
	struct load_memory *m = c->memory;
	double rate = 0;

	for (unsigned i = 0; i < c->steer->n_edges; i++)
		rate += all[i].rate;
	if (rate > 0 || m->slow_n) /* nothing has been asked since the start */
		m->slow += load_count_lag(&m->slow_n) * (rate - m->slow);
	return m->slow;
}

static void add_others(const struct load_count *c, struct load_sum *sum, const struct load_own *own)
{
	struct load_memory *m = c->memory;
	const struct load_fleet *f = c->fleet;

	groups_clear(m->sum);
	m->sums = true;
	for (size_t i = 0; i < own->n; i++) {
		const struct shed_demand *d = &own->demand[i];
		groups_add(m->sum, demand_key(d->pool, d->v6, &d->addr), d->rate);
	}
	for (size_t i = 0; i < f->n; i++)
		load_record_add(f->others[i], c->steer, sum, m->sum);
	for (unsigned i = 0; i < c->steer->n_edges; i++)
		c->loads[i].other = sum->edges[i].other;
}

void load_fleet_foresee(const struct load_count *c)
{
	const struct load_memory *m = c->memory;
	const double each = m->per_query > 0 ? m->per_query : 1;

	for (unsigned i = 0; !m->part && i < c->steer->n_edges; i++) {
		struct load_edge *e = &c->loads[i];
		if (c->steer->edges[i].capacity > 0 && c->has_price[i])
			e->whole = fmax(0, e->use.load - e->base) / each;
	}
}

void load_fleet_leave(const struct load_count *c)
{
	c->memory->sums = false;
	c->memory->part = false;
	c->memory->who = 0;
	for (unsigned i = 0; i < c->steer->n_edges; i++)
		c->loads[i].told_all = false; /* what others make of it is what it does beside */
}

void load_fleet_gather(const struct load_count *c, struct load_counted *all, const struct load_own *own)
{
	struct load_memory *m = c->memory;
	struct load_fleet *f = c->fleet;

	struct load_sum sum = { all, smooth(c, all) };

	f->counted = load_record_counted(c->steer, &sum, own->demand, own->all);
	if (!f->speaks || f->split)
		sum.slow = m->was;
	if (f->speaks && f->n && m->sum) {
		add_others(c, &sum, own);
	} else {
		m->sums = false;
	}
	if (!f->speaks)
		set_part(c, &sum, 0, true);
	else if (f->split)
		set_part(c, &sum, f->who, f->sure);
	else
		set_whole(c, &sum);
}
