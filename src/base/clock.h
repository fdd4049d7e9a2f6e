/* clock.h - the time that only goes forward.
 *
 * CLOCK_MONOTONIC, in microseconds: what a person does to the time of day changes nothing. Of
 * the vDSO: no system call.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline double clock_seconds(void)
{
	return (double)clock_us() / 1e6;
}

#endif
