#include "answer/rrl.h"

#include "base/bytes.h"

#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

/* How a bucket is kept: as the time at which it will be full again, the "theoretical arrival
 * time" of the generic cell rate algorithm (ITU-T I.371), which loses no fraction however low
 * the rate. Each response moves it on by 1/rate; ahead of now by more than the burst means that
 * the bucket is empty. In TICKS a microsecond, above a byte that counts limited responses for
 * slip. */
enum { WAYS = 4, LEVELS = 3, TICKS = 16, SLIP_BITS = 8 };

#define BURST_US 1000000u /* a second's worth of responses at once */

struct bucket {
	uint64_t tag; /* hash of net and class; 0: never used */
	uint64_t state;
};

struct line {
	_Alignas(64) struct bucket way[WAYS];
};

struct rrl {
	uint8_t key[crypto_shorthash_siphash24_KEYBYTES];
	struct line line[RRL_BUCKETS / WAYS];
	struct rrl_nets nets;
};

struct rrl *rrl_new(void)
{
	/* Zero, and there only where it is touched. */
	struct rrl *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED)
		return NULL;
	randombytes_buf(r->key, sizeof r->key);
	return r;
}

void rrl_free(struct rrl *r)
{
	if (r)
		munmap(r, sizeof *r);
}

static uint64_t load_word(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* The bucket of a net and class; one that nobody has used for longest is made over to it. Who
 * is slow to empty it must not empty what another thread has begun to fill: then it is looked
 * for again. */
static struct bucket *find(struct rrl *r, uint64_t tag)
{
	/* Bit 0 of a tag is always set. */
	struct line *line = &r->line[(tag >> 1) % (RRL_BUCKETS / WAYS)];
	struct bucket *oldest;
	uint64_t least;

	do {
		oldest = NULL;
		for (unsigned i = 0; i < WAYS; i++) {
			if (load_word(&line->way[i].tag) == tag)
				return &line->way[i];
			const uint64_t state = load_word(&line->way[i].state);
			if (oldest && state >> SLIP_BITS >= least >> SLIP_BITS)
				continue;
			oldest = &line->way[i];
			least = state;
		}
	} while (!__atomic_compare_exchange_n(
		&oldest->state, &least, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	__atomic_store_n(&oldest->tag, tag, __ATOMIC_RELAXED);
	return oldest;
}

static enum rrl_verdict take(
	struct bucket *b, const struct policy_limits *limits, uint64_t rate, uint64_t now_us)
{
	const uint64_t now = now_us * TICKS, cost = (uint64_t)1000000 * TICKS / rate,
		       full = now + (uint64_t)BURST_US * TICKS,
		       most = full + (uint64_t)limits->window_s * 1000000 * TICKS;
	uint64_t old = load_word(&b->state), next;
	enum rrl_verdict verdict;

	do {
		uint64_t at = old >> SLIP_BITS;
		unsigned slips = old & 0xff;
		if (at < now)
			at = now;
		at += cost;
		verdict = RRL_SEND;
		if (at > full) {
			verdict = limits->slip && slips == 0 ? RRL_SLIP : RRL_DROP;
			slips = slips + 1 < limits->slip ? slips + 1 : 0;
			if (at > most)
				at = most;
		}
		next = at << SLIP_BITS | slips;
	} while (!__atomic_compare_exchange_n(
		&b->state, &old, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return verdict;
}

static bool is_exempt(const struct policy_limits *limits, const struct addr *a)
{
	for (size_t i = 0; i < limits->n_exempt; i++)
		if (prefix_has(&limits->exempt[i], a))
			return true;
	return false;
}

enum rrl_verdict rrl_account(struct rrl *r, const struct policy_limits *limits,
	const struct addr *to, enum policy_class class, uint64_t now_us)
{
	static const uint8_t v4_bytes[LEVELS] = { 16, 15, 14 }, v6_bytes[LEVELS] = { 8, 7, 6 };
	static const uint8_t factor[LEVELS] = { 1, 4, 16 };
	const uint8_t *bytes = addr_is_v4(to) ? v4_bytes : v6_bytes;
	uint8_t input[16 + 2];
	uint64_t tag;

	if (!limits->rate[class])
		return RRL_SEND;
	for (unsigned i = 0; i < LEVELS; i++) {
		memcpy(input + 2, to->b, bytes[i]);
		input[0] = (uint8_t) class;
		input[1] = (uint8_t)i;
		crypto_shorthash_siphash24((uint8_t *)&tag, input, 2u + bytes[i], r->key);
		const enum rrl_verdict v = take(find(r, tag | 1), limits,
			(uint64_t)limits->rate[class] * factor[i], now_us);
		if (v == RRL_SEND)
			continue;
		if (is_exempt(limits, to))
			return RRL_SEND;
		rrl_nets_note(&r->nets, tag | 1,
			&(struct rrl_net){ .net = addr_prefix(to, 8u * bytes[i]),
				.class = class,
				.factor = factor[i],
				.last_us = now_us });
		return v;
	}
	return RRL_SEND;
}

struct rrl_nets *rrl_limited(struct rrl *r)
{
	return &r->nets;
}
