/* change_of.h - change sets and their records as text.
 */
#ifndef UNIT_ZONE_CHANGE_OF_H
#define UNIT_ZONE_CHANGE_OF_H

#include "base/text.h"
#include "zone/zone_with.h"

/* A sealed change of "example." from a text, a record a line: "+" or "-", owner, TTL, type and
 * data, where names are absolute. Aborts on nonsense; NULL: refused, and `why` says it. */
struct change *change_of(const char *text, struct fault *why);

/* The other way, the data as a name, an address or in hex; free with text_fini(). */
struct text change_text(const struct change *c);

/* For zones of zone_of()'s key and two pools, "web" and "app"; "app" may answer with a CNAME.
 */
struct zone_with_opts change_of_opts(bool tolerant);

#endif
