/* report_geo.h - which GeoIP files are in use, and how old they are.
 */
#ifndef REPORT_REPORT_GEO_H
#define REPORT_REPORT_GEO_H

#include "base/text.h"
#include "geo/atlas.h"

#include <jansson.h>
#include <stdint.h>

enum { REPORT_GEO_OLD_DAYS = 180 }; /* so old that it is time for another */

/* A list, one object a file: "kind" ("city", "asn"), "file", "type", "networks", and as far as
 * it tells "built" and "age_days". `now_s`: UNIX time. */
json_t *report_geo(const struct atlas *a, int64_t now_s);

/* The same, a line a file: "city /x.mmdb: Type, built 2026-10-01, 57 days ago". Each begins
 * with `head`. */
void report_geo_text(const struct atlas *a, int64_t now_s, const char *head, struct text *out);

/* Each of those in the log. */
void report_geo_log(const struct atlas *a);

#endif
