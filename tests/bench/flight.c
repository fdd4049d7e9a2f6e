#include "bench/flight.h"

#include "base/bytes.h"

enum { STEPS = 16 }; /* buckets for each power of two of nanoseconds */

void flight_init(struct flight *f, unsigned window)
{
	*f = (struct flight){ .window = window, .n_free = window };
	for (unsigned i = 0; i < window; i++)
		f->free[i] = (uint16_t)(window - 1 - i);
}

uint16_t flight_start(struct flight *f, const struct flight_query *q, uint64_t now)
{
	const uint16_t slot = f->free[--f->n_free];
	const uint16_t id = (uint16_t)(f->generation++ * FLIGHT_MOST | slot);

	f->owed++;
	f->slots[slot] = (struct flight_slot){ now, id, q->rcode, q->answers };
	return id;
}

static void vacate(struct flight *f, struct flight_slot *s)
{
	s->since = 0;
	f->free[f->n_free++] = (uint16_t)(s - f->slots);
}

static unsigned bucket(uint64_t ns)
{
	if (ns < STEPS)
		return (unsigned)ns;
	const unsigned power = 63u - (unsigned)__builtin_clzll(ns);
	return (power - 3) * STEPS + (unsigned)(ns >> (power - 4) & (STEPS - 1));
}

static double bucket_middle(unsigned b)
{
	if (b < STEPS)
		return b;
	return (STEPS + b % STEPS + 0.5) * (double)(1ull << (b / STEPS - 1));
}

void flight_land(struct flight *f, const uint8_t *message, size_t len, uint64_t now,
	struct flight_tally *to)
{
	const uint16_t id = len >= 12 ? be16_get(message) : 0;
	struct flight_slot *s = &f->slots[id % FLIGHT_MOST];

	f->owed -= f->owed > 0;
	if (len < 12 || !(message[2] & 0x80) || !s->since || s->id != id) {
		to->stray++;
		return;
	}
	to->answered++;
	to->bytes += len;
	to->right += (s->rcode == FLIGHT_ANY || s->rcode == (message[3] & 15)) &&
		(s->answers == FLIGHT_ANY || s->answers == be16_get(message + 6));
	to->latency[bucket(now > s->since ? now - s->since : 0)]++;
	vacate(f, s);
}

void flight_give_up(struct flight *f, uint64_t before, struct flight_tally *to)
{
	for (unsigned i = 0; i < f->window; i++)
		if (f->slots[i].since && f->slots[i].since <= before) {
			vacate(f, &f->slots[i]);
			to->lost++;
		}
}

double flight_quantile(const struct flight_tally *t, double share)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < FLIGHT_BUCKETS; i++) {
		seen += t->latency[i];
		if (seen && (double)seen >= share * (double)t->answered)
			return bucket_middle(i);
	}
	return 0;
}
