/* anything.h - random queries of every kind about the zones of fuzz_world(): names that are
 * there and names that are not, pools, all types that are answered in ways of their own, signed and
 * not, client subnets, cookies and what else EDNS has, classes, opcodes, and packets with
 * faults.
 */
#ifndef BENCH_ANYTHING_H
#define BENCH_ANYTHING_H

#include <stddef.h>
#include <stdint.h>

enum { ANYTHING_MOST = 512 };

/* `*seed` is any number, moved on. The length, at least a header's. */
size_t anything(uint8_t to[static ANYTHING_MOST], uint64_t *seed);

/* A query that is answered for sure. */
size_t something(uint8_t to[static ANYTHING_MOST], uint16_t id);

#endif
