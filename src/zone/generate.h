/* generate.h - the counting of BIND's $GENERATE directive.
 *
 *     $GENERATE 1-254/2 host-$ A 192.0.2.$
 *
 * "$" is the number; "${offset,width,base}" adds an offset, fills up with zeros to a width, and
 * writes it decimal (d), octal (o), hexadecimal (x, X) or as nibbles apart by dots, the lowest
 * first (n, N); "$$" and "\$" are the sign itself.
 *
 *     $GENERATE pool:web www--$ EDGE web edge=$
 *
 * goes through the edges of a pool: "$" is the name of each, where it has to be part of a label
 * with hyphens in the place of what is no letter or digit.
 */
#ifndef ZONE_GENERATE_H
#define ZONE_GENERATE_H

#include "base/fault.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GENERATE_MOST = 1 << 22 }; /* records that one zone may have generated */

struct generate_range {
	uint32_t start, stop, step; /* all at most 2^31-1; start <= stop, step > 0 */
};

/* "start-stop" or "start-stop/step". */
bool generate_range(struct generate_range *r, const char *s, size_t len, struct fault *why);

uint32_t generate_count(const struct generate_range *r);

/* Appends `s` with its "$" replaced by `n`. On false `*bad` (may be NULL) is the place in `s`
 * that is wrong. */
bool generate_expand(struct text *to, const char *s, size_t len, uint32_t n, const char **bad,
	struct fault *why);

/* The same with a name, which has no modifiers. `label`: as part of one. */
struct generate_name {
	const char *name;
	bool label;
};
bool generate_expand_name(struct text *to, const char *s, size_t len, const struct generate_name *name,
	const char **bad, struct fault *why);

#endif
