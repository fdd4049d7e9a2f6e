/* report_target.h - what is known of one address that is probed, and of its parts.
 */
#ifndef REPORT_REPORT_TARGET_H
#define REPORT_REPORT_TARGET_H

#include "base/text.h"
#include "probe/still.h"

#include <jansson.h>

json_t *report_target(const struct round_view *v);

/* The same of one that may be made of parts: with those, as "parts". */
json_t *report_target_whole(const struct still *s, uint32_t target);

/* A line, and one for each part. */
void report_target_text(const json_t *target, struct text *out);

/* "12 s", "3 h". */
void report_span(struct text *out, double s);

#endif
