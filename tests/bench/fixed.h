/* fixed.h - the answer of who looks nothing up: the query, rewritten where it lies, with the same record so many times.
 */
#ifndef BENCH_FIXED_H
#define BENCH_FIXED_H

#include <stddef.h>
#include <stdint.h>

enum {
	FIXED_HEADER = 12, /* of a message */
	FIXED_RECORD = 16, /* an A record whose owner points to the question */
	FIXED_RECORDS_MOST = 8,
	FIXED_GROWTH_MOST = FIXED_RECORDS_MOST * FIXED_RECORD
};

struct fixed {
	unsigned rcode, records;
};

/* Rewrites the query `m` in place; there is room for FIXED_GROWTH_MOST bytes more. The answer's length; 0: that was no query. An OPT
 * record is kept, without its options, if it is the first additional record. */
size_t fixed_answer(const struct fixed *f, uint8_t *m, size_t len);

#endif
