#include "measure/model_inner.h"

#include "base/memory.h"
#include "base/scope.h"

#include <math.h>

/* So much of what comes from an edge may be impossible, since databases err: then it is believed in full; and from
 * there on not at all. */
#define IMPOSSIBLE_FINE 0.1
#define IMPOSSIBLE_MOST 0.3
#define IMPOSSIBLE_LEAST 3 /* fewer may be a slip of the pen */

/* Half of its times are by so much longer than the way needs: more than by satellite. */
#define LATE_MS 1000.0
enum { LATE_LEAST = 8 };

/* Half of its times to networks that are farther than this are shorter than light needs, this taken off. One of them may be where no
 * database has it, and then it is possible; most of them, in several places, are not. */
#define EARLY_KM 100.0
enum { EARLY_LEAST = 8, EARLY_PLACES = 3 };

/* There and back is one way, whoever measures it. */
#define ODDS_MS    50.0
#define ODDS_TIMES 2.0
enum { ODDS_LEAST = 3 }; /* pairs that are measured from both ends */

static bool is_at_odds(double a, double b)
{
	const double low = fmin(a, b), high = fmax(a, b);

	return high > ODDS_TIMES * low && high - low > ODDS_MS;
}

/* Two edges that have measured each other. */
struct pair {
	uint16_t edge[2];
	bool odd;
};

/* What each edge's pairs say of it. */
struct odds {
	struct pair *pairs; /* [n] */
	size_t n, room;
	unsigned *all, *odd; /* [edges] */
};

static void add_pair(struct odds *o, unsigned a, unsigned b, bool odd)
{
	if (o->n == o->room) {
		o->room = o->room ? 2 * o->room : 256;
		o->pairs = memory_grow(o->pairs, o->room * sizeof *o->pairs);
	}
	o->pairs[o->n++] = (struct pair){ { (uint16_t)a, (uint16_t)b }, odd };
	o->all[a]++;
	o->all[b]++;
	o->odd[a] += odd;
	o->odd[b] += odd;
}

static void find_pairs(const struct model_fit *f, struct odds *o)
{
	for (unsigned i = 0; i < f->m->n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		for (unsigned k = 0; k < r->n; k++) {
			const unsigned j = r->cell[k].edge;
			const struct latency_cell *back =
				j > i ? latency_cell(latency_mesh(f->opts->table, j), i) : NULL;
			if (back)
				add_pair(o, i, j,
					is_at_odds((double)r->cell[k].rtt_ms, (double)back->rtt_ms));
		}
	}
}

static double odds_of(const struct odds *o, unsigned edge)
{
	return o->all[edge] >= ODDS_LEAST ? (double)o->odd[edge] / o->all[edge] : NAN;
}

/* From now on its pairs say nothing. */
static void pass_over(struct odds *o, unsigned edge)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct pair *p = &o->pairs[i];
		if (p->edge[0] != edge && p->edge[1] != edge)
			continue;
		const unsigned other = p->edge[p->edge[0] == edge];
		o->all[other]--;
		o->odd[other] -= p->odd;
		o->pairs[i--] = o->pairs[--o->n];
	}
	o->all[edge] = 0;
}

static double of_impossible(double share, double n)
{
	if (n < IMPOSSIBLE_LEAST || share <= IMPOSSIBLE_FINE)
		return 1;
	return fmax(0, (IMPOSSIBLE_MOST - share) / (IMPOSSIBLE_MOST - IMPOSSIBLE_FINE));
}

/* One that is at odds with most is at odds with each of those: the worst is passed over first. */
static void find_odd(struct model_fit *f)
{
	struct model *m = f->m;
	struct odds o = { .all = memory_zeroed(m->n, sizeof *o.all),
		.odd = memory_zeroed(m->n, sizeof *o.odd) };
	unsigned worst = 0;

	find_pairs(f, &o);
	for (unsigned i = 0; i < m->n; i++)
		m->edge[i].trust.at_odds = odds_of(&o, i);
	while (worst < m->n) {
		double most = 0.5;
		worst = m->n;
		for (unsigned i = 0; i < m->n; i++) {
			const double odds = odds_of(&o, i);
			if (!(odds > most))
				continue;
			most = odds;
			worst = i;
		}
		if (worst < m->n) {
			m->edge[worst].trust.share = 0;
			pass_over(&o, worst);
		}
	}
	memory_free(o.pairs);
	memory_free(o.all);
	memory_free(o.odd);
}

/* An edge's times to all networks. */
struct times {
	unsigned all, late; /* how many, and of these */
	unsigned far, early;
	uint32_t place[EARLY_PLACES]; /* [places] of early ones */
	unsigned places;
};

static void add_place(struct times *t, uint32_t place)
{
	for (unsigned i = 0; i < t->places; i++)
		if (t->place[i] == place)
			return;
	if (t->places < EARLY_PLACES)
		t->place[t->places++] = place;
}

static void add_time(const struct model_fit *f, struct times *t, uint32_t place, const struct latency_cell *c)
{
	struct model_spot at;
	double over;

	if (!model_spot(f->m, place, &at) || !model_fit_over_line(f, &at, c, &over))
		return;
	t->all++;
	t->late += over > LATE_MS;
	const double km = model_km(at.at, f->m->edge[c->edge].at) - EARLY_KM;
	if (km <= 0 || at.error_km > MODEL_PLACE_KM)
		return;
	t->far++;
	if ((double)c->rtt_ms >= model_least_ms(km))
		return;
	t->early++;
	add_place(t, place);
}

/* Of each edge: how many are too long, and too short, to be told by one who measures. */
static void find_late_and_early(struct model_fit *f)
{
	struct model *m = f->m;
	struct times *times = memory_zeroed(m->n, sizeof *times);

	for (size_t i = 0; i < f->rows; i++) {
		scope_check();
		for (unsigned k = 0; f->place[i] && k < f->row[i].n; k++)
			add_time(f, &times[f->row[i].cell[k].edge], f->place[i], &f->row[i].cell[k]);
	}
	for (unsigned i = 0; i < m->n; i++) {
		const struct times *t = &times[i];
		struct model_trust *trust = &m->edge[i].trust;
		trust->late = t->all ? (double)t->late / t->all : 0;
		trust->early = t->far ? (double)t->early / t->far : 0;
		if ((t->all >= LATE_LEAST && 2 * t->late > t->all) ||
			(t->far >= EARLY_LEAST && t->places == EARLY_PLACES && 2 * t->early > t->far))
			trust->share = 0;
	}
	memory_free(times);
}

void model_fit_trust(struct model_fit *f)
{
	struct model *m = f->m;

	for (unsigned i = 0; i < m->n; i++) {
		const struct latency_source came =
			latency_source(f->opts->table, i, f->opts->now_s);
		const double all = came.taken + came.impossible;
		struct model_trust *t = &m->edge[i].trust;
		t->impossible = all > 0 ? came.impossible / all : 0;
		t->share = of_impossible(t->impossible, came.impossible);
	}
	find_odd(f);
	find_late_and_early(f);
}

struct model_trust model_trust(const struct model *m, unsigned edge)
{
	return m->edge[edge].trust;
}
