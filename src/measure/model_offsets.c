#include "measure/model_inner.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *va, const void *vb)
{
	const double a = *(const double *)va, b = *(const double *)vb;

	return a < b ? -1 : a > b;
}

double model_median(double *v, unsigned n)
{
	if (n == 0)
		return 0;
	qsort(v, n, sizeof *v, by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static int by_ms(const void *va, const void *vb)
{
	const struct model_weighed *a = va, *b = vb;

	return a->ms < b->ms ? -1 : a->ms > b->ms;
}

double model_weighed_median(struct model_weighed *v, unsigned n)
{
	double total = 0, before = 0;

	qsort(v, n, sizeof *v, by_ms);
	for (unsigned i = 0; i < n; i++)
		total += v[i].weight;
	for (unsigned i = 0; i < n; i++) {
		const double with = before + v[i].weight;
		if (fabs(with - total / 2) < 1e-6 * total && i + 1 < n)
			return (v[i].ms + v[i + 1].ms) / 2;
		if (with > total / 2)
			return v[i].ms;
		before = with;
	}
	return 0;
}

/* What a pair of edges has over the line is the offsets of both. The median over its pairs is
 * an edge's offset, the others' given; half a step at a time, this settles. A constant that all
 * share would change no order: the median edge has 0. */
void model_offsets(const double *residual, const double *counts, unsigned n, double *offset)
{
	enum { ROUNDS = 30, PRIOR = 2 };
	double *next = memory_zeroed(n, sizeof *next), *v = memory_zeroed(n, sizeof *v);

	for (unsigned i = 0; i < n; i++)
		offset[i] = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < n; i++) {
			unsigned k = 0;
			for (unsigned j = 0; j < n; j++)
				if (!isnan(residual[i * n + j]))
					v[k++] = residual[i * n + j] - offset[j];
			next[i] = model_median(v, k) * counts[i] / (counts[i] + PRIOR);
		}
		for (unsigned i = 0; i < n; i++)
			offset[i] = (offset[i] + next[i]) / 2;
	}
	unsigned k = 0;
	for (unsigned i = 0; i < n; i++)
		if (counts[i] > 0)
			v[k++] = offset[i];
	const double middle = model_median(v, k);
	for (unsigned i = 0; i < n; i++)
		offset[i] = counts[i] > 0 ? offset[i] - middle : 0;
	memory_free(next);
	memory_free(v);
}
