/* sample.h - a worker tells, now and then, which clients it steers.
 *
 * A ring of the worker's own: it writes, the control thread reads, nobody waits. The first
 * steered query of a batch is told: all of them when there is little to do, one in a batch when
 * there is much. When the ring is full, nothing is told until it has been read.
 */
#ifndef ANSWER_SAMPLE_H
#define ANSWER_SAMPLE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum { SAMPLES = 512 }; /* a power of 2 */

struct sample {
	struct addr client; /* plain: the subnet, or where the query came from */
	uint16_t pool;
	bool by_subnet;
};

struct samples {
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

#endif
