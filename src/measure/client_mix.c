#include "measure/client_mix.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_parts(const void *va, const void *vb)
{
	const struct client_mix_part *a = va, *b = vb;

	return (a->key > b->key) - (a->key < b->key);
}

/* Sorts them, and makes one of those with the same key. */
static size_t join(struct client_mix_part *part, size_t n)
{
	size_t to = 0;

	qsort(part, n, sizeof *part, compare_parts);
	for (size_t i = 0; i < n; i++)
		if (to && part[to - 1].key == part[i].key)
			part[to - 1].weight += part[i].weight;
		else
			part[to++] = part[i];
	return to;
}

/* Of one resolver, behind what is there. Returns how many. */
static size_t add_parts(const struct resolver_clients *r, const struct resolver *of,
	const struct netmap *map, uint32_t keys, struct client_mix_part *to)
{
	size_t n = 0;

	for (uint32_t i = of->first; i < of->first + of->n; i++) {
		const struct resolver_client *c = &r->client[i];
		const unsigned samples = resolver_client_samples(&c->net);
		const float weight = (float)(c->weight / of->weight / samples);
		for (unsigned k = 0; k < samples; k++) {
			const struct addr a = resolver_client_sample(&c->net, k);
			const uint32_t key = netmap_find(map, &a).value;
			if (key && key < keys)
				to[n++] = (struct client_mix_part){ key, weight };
		}
	}
	return join(to, n);
}

static size_t samples_of(const struct resolver_clients *r, const struct resolver *of)
{
	size_t n = 0;

	for (uint32_t i = of->first; i < of->first + of->n; i++)
		n += resolver_client_samples(&r->client[i].net);
	return n;
}

void client_mix_init(struct client_mix *m, const struct resolver_clients *r,
	const struct netmap *map, uint32_t keys)
{
	size_t n = 0, room = 0;

	*m = (struct client_mix){ .n = r ? r->n : 0, .signature = r ? r->signature : 0 };
	m->first = memory_zeroed(m->n + 1, sizeof *m->first);
	for (uint32_t i = 0; i < m->n; i++) {
		const size_t needed = n + samples_of(r, &r->of[i]);
		if (needed > room) {
			room = 2 * needed;
			m->part = memory_grow(m->part, room * sizeof *m->part);
		}
		n += add_parts(r, &r->of[i], map, keys, m->part + n);
		m->first[i + 1] = (uint32_t)n;
	}
	if (n)
		m->part = memory_grow(m->part, n * sizeof *m->part);
}

void client_mix_fini(struct client_mix *m)
{
	memory_free(m->first);
	memory_free(m->part);
}

/* --- a mean over clients ------------------------------------------------------------------ */

void client_mean_init(struct client_mean *mean, unsigned n)
{
	*mean = (struct client_mean){ n, memory_zeroed(n, sizeof *mean->sum),
		memory_zeroed(n, sizeof *mean->of) };
}

void client_mean_add(struct client_mean *mean, const float *ms, double weight)
{
	for (unsigned e = 0; e < mean->n; e++)
		if (!isnan(ms[e])) {
			mean->sum[e] += weight * (double)ms[e];
			mean->of[e] += weight;
		}
}

static bool is_known(const struct client_mean *mean, unsigned edge, double all)
{
	return mean->of[edge] > 0 && mean->of[edge] >= all / 2;
}

bool client_mean_get(const struct client_mean *mean, double all, float *ms)
{
	bool any = false;

	for (unsigned e = 0; e < mean->n; e++)
		any = any || is_known(mean, e, all);
	for (unsigned e = 0; any && e < mean->n; e++)
		ms[e] = is_known(mean, e, all) ? (float)(mean->sum[e] / mean->of[e]) : NAN;
	return any;
}

void client_mean_fini(struct client_mean *mean)
{
	memory_free(mean->sum);
	memory_free(mean->of);
}
