#include "measure/model_inner.h"

#include <math.h>
#include <stdlib.h>

/* Times that count for less than this are as good as none where there is no estimate. */
#define LEAST_WEIGHT 0.05

/* One time alone moves the others by two thirds of what it differs by, three by six sevenths.
 */
#define OWN_PRIOR 0.5

/* How far own times lie from estimates is a matter of their ratio, and of a few milliseconds nothing follows. Of 96 cities' times to
 * their three nearest edges under 1 % were 2.7 times what was estimated, and none 4.5 times; but 4 % were 0.37 times: the more an
 * estimate errs, the more often it is too long. So the chance that one is right falls with the square of the ratio's logarithm. */
#define NEAR_MS   5.0
#define NEAR_OFF  0.2 /* up to there it counts in full */
#define RISE_UP   4.5
#define RISE_DOWN 0.8
/* So many of those that are false for each that is right, where both are as estimated. */
#define FALSE_ODDS 0.04
/* Those that are within twice what is estimated fit it. */
#define FITS 0.7
/* What a long time counts at least; of MODEL_SAMPLES_MANY samples and more, model_often(). */
#define LONG_FEW 0.02
/* What one counts at most that others have in another place. */
#define MOVED    0.1
/* Where its way in is longer than this, it may well be in another place. */
#define SHIFT_FINE_MS 25.0
#define MOVED_KM 300.0 /* by so much at least: databases err */

static int by_difference(const void *va, const void *vb)
{
	const struct model_said *a = va, *b = vb;

	return a->differs_ms < b->differs_ms ? -1 : a->differs_ms > b->differs_ms;
}

/* The median by weight of what the own times differ by, shrunk; 0 when no estimate is known.
 * Sorts. */
static double shift_of(struct model_said *own, unsigned n)
{
	double total = 0, before = 0;
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++)
		if (!isnan(own[i].differs_ms)) {
			const struct model_said o = own[i];
			own[i] = own[k];
			own[k++] = o;
			total += (double)o.weight;
		}
	qsort(own, k, sizeof *own, by_difference);
	const double shrink = total / (total + OWN_PRIOR);
	for (unsigned i = 0; i < k; i++) {
		const double with = before + (double)own[i].weight;
		/* Exactly in the middle: between two, as medians of even counts are. */
		if (fabs(with - total / 2) < 1e-6 * total && i + 1 < k)
			return shrink * (double)(own[i].differs_ms + own[i + 1].differs_ms) / 2;
		if (with > total / 2)
			return shrink * (double)own[i].differs_ms;
		before = with;
	}
	return 0;
}

bool model_moves(double km, double ms)
{
	return ms < model_least_ms(km - MOVED_KM);
}

/* NAN: nobody knows. */
static double km_of(const struct model_own *from, const struct model_spot *at, unsigned edge)
{
	const struct model_edge *e = &from->model->edge[edge];

	return e->placed ? model_km(at->at, e->at) : NAN;
}

/* How far it is from what is estimated for it, shift and all: a logarithm, and NEAR_MS are as good as nothing. */
static double off_by(const struct model_said *o, double shift_ms)
{
	const double estimate = (double)(o->rtt_ms - o->differs_ms) + shift_ms;

	return log(((double)o->rtt_ms + NEAR_MS) / (fmax(estimate, 0) + NEAR_MS));
}

/* One of several, most of which are as the estimate has it: a time that fits them, or what somebody got wrong? By Bayes'
 * rule. What is so short that the network would have to be in another place is doubted more, since others say that it is not. What is
 * long, and was measured again and again, may have a reason of its own. */
static double likely(const struct model_said *o, double shift_ms)
{
	const double x = off_by(o, shift_ms), more = fmax(fabs(x) - NEAR_OFF, 0),
		     odds = FALSE_ODDS / ((double)o->samples * o->samples),
		     fits = (1 + odds) / (1 + odds * exp(fmin((x > 0 ? RISE_UP : RISE_DOWN) * more * more, 50)));

	if (x > 0)
		return fmax(fits, o->samples >= MODEL_SAMPLES_MANY ? model_often(o->samples) : LONG_FEW);
	if (shift_ms > SHIFT_FINE_MS)
		return 1;
	return o->moves ? fmin(fits, MOVED) : fits;
}

static bool fits_well(const struct model_said *o, double shift_ms)
{
	return !o->moves && !isnan(o->differs_ms) && fabs(off_by(o, shift_ms)) < FITS;
}

/* Which count, each edge's narrowest. */
static unsigned find_own(const struct model_own *from, const float *ms, unsigned n, struct model_said own[MODEL_SAID_MOST])
{
	struct model_spot at;
	const bool known = from->model && model_spot(from->model, from->place, &at);
	uint64_t seen[4096 / 64] = { 0 };
	unsigned k = 0;

	for (unsigned r = 0; r < from->n_rows; r++)
		for (unsigned i = 0; i < from->rows[r]->n && k < MODEL_SAID_MOST; i++) {
			const struct latency_cell *c = &from->rows[r]->cell[i];
			if (c->edge >= n || seen[c->edge / 64] >> c->edge % 64 & 1)
				continue;
			const double km = known ? km_of(from, &at, c->edge) : NAN,
				     rtt_ms = (double)c->rtt_ms,
				     trust = from->model ? from->model->edge[c->edge].trust.share : 1;
			if (!isnan(km) && !model_is_possible(km, at.error_km, rtt_ms))
				continue;
			seen[c->edge / 64] |= (uint64_t)1 << c->edge % 64;
			if (trust <= 0)
				continue;
			double others_ms = rtt_ms;
			const double agrees = known && from->kind == LATENCY_RTT ? model_siblings_agree(from->model, from->place, c, &others_ms) : 1,
				     taken_ms = others_ms + agrees * (rtt_ms - others_ms);
			own[k++] = (struct model_said){ (float)taken_ms - ms[c->edge], (float)agrees,
				(float)(trust * latency_weight(from->half_life_s, c->at_s, from->now_s)),
				(float)taken_ms, c->edge, model_samples(c), 1, !isnan(km) && model_moves(km, taken_ms) };
		}
	return k;
}

/* How long the network's own way in is; and how likely each time. */
float model_judge(struct model_said *own, unsigned k)
{
	const double shift = fmax(shift_of(own, k), 0);
	unsigned fit = 0, known = 0;

	for (unsigned i = 0; i < k; i++) {
		known += !isnan(own[i].differs_ms);
		fit += fits_well(&own[i], shift);
	}
	/* Two have to fit. Where most do not, the estimate is wrong, and not they. */
	for (unsigned i = 0; i < k; i++)
		own[i].likely = fit >= 2 && 2 * fit >= known && !isnan(own[i].differs_ms) ? likely(&own[i], shift) : 1;
	return (float)shift;
}

void model_own(const struct model_own *from, float *ms, unsigned n)
{
	struct model_said own[MODEL_SAID_MOST];
	const unsigned k = find_own(from, ms, n, own);
	const float shift = model_judge(own, k);

	for (unsigned i = 0; i < n; i++)
		ms[i] += shift;
	for (unsigned i = 0; i < k; i++) {
		const struct model_said *o = &own[i];
		if (!isnan(o->differs_ms))
			ms[o->edge] += o->weight * (float)o->likely * (o->rtt_ms - ms[o->edge]);
		else if ((double)o->weight >= LEAST_WEIGHT)
			ms[o->edge] = o->rtt_ms;
	}
}

double model_own_counts(const struct model_own *from, const float *ms, unsigned n, unsigned edge)
{
	struct model_said own[MODEL_SAID_MOST];
	const unsigned k = find_own(from, ms, n, own);

	model_judge(own, k);
	for (unsigned i = 0; i < k; i++)
		if (own[i].edge == edge)
			return (double)own[i].weight * own[i].likely * (double)own[i].agrees;
	return 0;
}
