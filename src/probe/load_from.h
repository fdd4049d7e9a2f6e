/* load_from.h - the load that an edge tells, out of a header or a body that may be anything.
 */
#ifndef PROBE_LOAD_FROM_H
#define PROBE_LOAD_FROM_H

#include <stdbool.h>
#include <stddef.h>

/* "0.75", "1.2e9" or "75 %", blanks around it: a number as JSON has them, from 0 to 10^15, and
 * nothing behind it that belongs to a number. */
bool load_from_number(const char *text, size_t len, float *load);

/* A header line: `field`, whatever the case, a colon and a number. */
bool load_from_header(const char *line, size_t len, const char *field, float *load);

/* The first place in a body where `field` stands as a word, quoted or not, with ":" or "=" and
 * a number behind it: JSON, "load=0.75", "load: 0.75". */
bool load_from_body(const char *body, size_t len, const char *field, float *load);

#endif
