/* sample.h - a worker tells, now and then, which clients it steers.
 *
 * A ring of the worker's own: it writes, the control thread reads, nobody waits. The first
 * steered query of a batch is told: all of them when there is little to do, one in a batch when
 * there is much. When the ring is full, nothing is told until it has been read. Names that are asked for once have a
 * ring of their own.
 */
#ifndef ANSWER_SAMPLE_H
#define ANSWER_SAMPLE_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAMPLES = 512, ONE_TIMES = 1024 }; /* powers of 2 */

struct sample {
	struct addr client; /* plain: the subnet, or where the query came from */
	uint16_t pool;
	bool by_subnet;
};

/* A name that is asked for once, and from where (steer/pool.h: `pairs`). */
struct one_time {
	uint64_t name; /* one_time_name() */
	struct addr source; /* plain */
};

/* All of them are told, as far as there is room. */
struct one_times {
	_Alignas(64) uint32_t written; /* by the worker */
	_Alignas(64) uint32_t read;    /* by the control thread */
	_Alignas(64) struct one_time ring[ONE_TIMES];
};

struct samples {
	struct one_times names;
	_Alignas(64) uint32_t written; /* by the worker */
	bool due;                      /* its own: nothing of this batch was told yet */
	_Alignas(64) uint32_t read;    /* by the control thread */
	_Alignas(64) struct sample ring[SAMPLES];
};

/* The worker. */
static inline void samples_put(struct samples *s, const struct sample *one)
{
	const uint32_t at = __atomic_load_n(&s->written, __ATOMIC_RELAXED);

	s->due = false;
	if (at - __atomic_load_n(&s->read, __ATOMIC_ACQUIRE) == SAMPLES)
		return;
	s->ring[at % SAMPLES] = *one;
	__atomic_store_n(&s->written, at + 1, __ATOMIC_RELEASE);
}

/* The control thread. False when there is no more. */
static inline bool samples_get(struct samples *s, struct sample *one)
{
	const uint32_t at = __atomic_load_n(&s->read, __ATOMIC_RELAXED);

	if (at == __atomic_load_n(&s->written, __ATOMIC_ACQUIRE))
		return false;
	*one = s->ring[at % SAMPLES];
	__atomic_store_n(&s->read, at + 1, __ATOMIC_RELEASE);
	return true;
}

/* Of a name as in a query, in lower case. Who makes two that are the same loses both. */
static inline uint64_t one_time_name(const uint8_t *wire, size_t len)
{
	static const struct hash_key key = { 0x243f6a8885a308d3u, 0x13198a2e03707344u };
	const uint64_t h = hash_bytes(key, wire, len);

	return h ? h : 1;
}

/* The worker, and the control thread, as above. */
static inline void one_times_put(struct one_times *o, const struct one_time *one)
{
	const uint32_t at = __atomic_load_n(&o->written, __ATOMIC_RELAXED);

	if (at - __atomic_load_n(&o->read, __ATOMIC_ACQUIRE) == ONE_TIMES)
		return;
	o->ring[at % ONE_TIMES] = *one;
	__atomic_store_n(&o->written, at + 1, __ATOMIC_RELEASE);
}

static inline bool one_times_get(struct one_times *o, struct one_time *one)
{
	const uint32_t at = __atomic_load_n(&o->read, __ATOMIC_RELAXED);

	if (at == __atomic_load_n(&o->written, __ATOMIC_ACQUIRE))
		return false;
	*one = o->ring[at % ONE_TIMES];
	__atomic_store_n(&o->read, at + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
