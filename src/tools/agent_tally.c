#include "tools/agent_tally.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "measure/latency.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1 << 14, V4_NET = ADDR_V4_BITS + 24, V6_NET = 48 };

struct entry {
	struct prefix net;
	char edge[AGENT_REPORT_EDGE_MOST + 1];
	uint32_t count, kept;
	uint32_t next; /* of its bucket, + 1 */
	uint32_t min_us;
	double at_s; /* of the last sample */
	struct entry_sample {
		uint64_t cookie;
		uint32_t us;
	} sample[TALLY_SAMPLES];
};

struct tally {
	double quantile;
	struct hash_key key;
	struct entry *entries;
	size_t n, room;
	uint32_t bucket[BUCKETS];
};

struct tally *tally_new(double quantile)
{
	struct tally *t = memory_zeroed(1, sizeof *t);

	t->quantile = quantile;
	randombytes_buf(&t->key, sizeof t->key);
	return t;
}

void tally_free(struct tally *t)
{
	free(t->entries);
	free(t);
}

struct prefix tally_net(const struct addr *client)
{
	return addr_prefix(client, addr_is_v4(client) ? V4_NET : V6_NET);
}

static uint32_t *bucket_of(struct tally *t, const struct entry *e)
{
	const uint64_t h = *e->edge
		? hash_bytes(t->key, (const uint8_t *)e->edge, strlen(e->edge))
		: hash_bytes(t->key, e->net.addr.b, sizeof e->net.addr.b);

	return &t->bucket[h % BUCKETS];
}

static struct entry *find(struct tally *t, const struct entry *like)
{
	for (uint32_t i = *bucket_of(t, like); i; i = t->entries[i - 1].next) {
		struct entry *e = &t->entries[i - 1];
		if (e->net.bits == like->net.bits && strcmp(e->edge, like->edge) == 0 &&
			memcmp(&e->net.addr, &like->net.addr, sizeof e->net.addr) == 0)
			return e;
	}
	return NULL;
}

static struct entry *add_entry(struct tally *t, const struct entry *like)
{
	uint32_t *b = bucket_of(t, like);

	if (t->n == TALLY_ROWS_MOST)
		return NULL;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->entries = memory_grow(t->entries, t->room * sizeof *t->entries);
	}
	struct entry *e = &t->entries[t->n++];
	*e = *like;
	e->next = *b;
	*b = (uint32_t)t->n;
	return e;
}

/* A fair draw: the n-th of them is kept with the chance TALLY_SAMPLES / n (Vitter's R). */
static void keep(struct entry *e, uint64_t cookie, uint32_t us)
{
	uint32_t at = e->kept;

	e->count++;
	if (at < TALLY_SAMPLES)
		e->kept++;
	else
		at = randombytes_uniform(e->count);
	if (at < TALLY_SAMPLES)
		e->sample[at] = (struct entry_sample){ cookie, us };
}

void tally_add(struct tally *t, const struct prefix *net, const char *edge, uint64_t cookie,
	uint32_t us, double now_s)
{
	struct entry like = { .min_us = us };

	if (us == 0 || us > LATENCY_RTT_MOST_MS * 1000u)
		return;
	if (edge && *edge)
		strncpy(like.edge, edge, AGENT_REPORT_EDGE_MOST);
	else
		like.net = *net;
	struct entry *e = find(t, &like);
	if (!e && !(e = add_entry(t, &like)))
		return;
	e->at_s = now_s;
	e->min_us = us < e->min_us ? us : e->min_us;
	for (uint32_t i = 0; cookie && i < e->kept; i++)
		if (e->sample[i].cookie == cookie) {
			e->sample[i].us = us < e->sample[i].us ? us : e->sample[i].us;
			return;
		}
	keep(e, cookie, us);
}

size_t tally_count(const struct tally *t)
{
	return t->n;
}

/* --- rows --------------------------------------------------------------------------------- */

static int compare_samples(const void *va, const void *vb)
{
	const uint32_t a = ((const struct entry_sample *)va)->us,
		       b = ((const struct entry_sample *)vb)->us;

	return (a > b) - (a < b);
}

/* Between two of them, by how near it is to each: so the median of an even number is the mean of the two in the middle (Hyndman and Fan 1996,
 * definition 7). */
static double quantile_ms(struct entry *e, double quantile)
{
	const struct entry_sample *s = e->sample;
	const uint32_t n = e->kept;

	qsort(e->sample, n, sizeof *e->sample, compare_samples);
	const double at = quantile * (n - 1);
	const uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;
	return (s[low].us + (at - low) * ((double)s[high].us - s[low].us)) / 1000;
}

static void fill(struct agent_report_row *row, struct entry *e, double quantile, double now_s)
{
	*row = (struct agent_report_row){ .net = e->net,
		.rtt_ms = quantile_ms(e, quantile),
		.min_ms = e->min_us / 1000.0,
		.samples = e->count < AGENT_REPORT_SAMPLES_MOST ? e->count
								: AGENT_REPORT_SAMPLES_MOST,
		.age_s = now_s > e->at_s ? (uint32_t)(now_s - e->at_s) : 0 };
	memcpy(row->edge, e->edge, sizeof row->edge);
}

void tally_take(struct tally *t, struct agent_report *s, double now_s)
{
	const size_t n = t->n < TALLY_TAKEN ? t->n : TALLY_TAKEN;

	*s = (struct agent_report){ .rows = memory_zeroed(n, sizeof *s->rows), .n = n };
	for (size_t i = 0; i < n; i++)
		fill(&s->rows[i], &t->entries[t->n - 1 - i], t->quantile, now_s);
	t->n -= n;
	/* What is left, if anything, is found anew. */
	memset(t->bucket, 0, sizeof t->bucket);
	for (size_t i = 0; i < t->n; i++) {
		uint32_t *b = bucket_of(t, &t->entries[i]);
		t->entries[i].next = *b;
		*b = (uint32_t)i + 1;
	}
}
