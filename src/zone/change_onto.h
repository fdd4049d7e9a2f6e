/* change_onto.h - what somebody has changed of one version of a zone, upon another version.
 *
 * Who edits a zone as text, or gathers changes in a draft, looks at the zone as it was when he
 * began. What has changed since then stays, unless both have touched the same names. Any thread
 * that holds the zones.
 */
#ifndef ZONE_CHANGE_ONTO_H
#define ZONE_CHANGE_ONTO_H

#include "base/text.h"
#include "zone/change.h"
#include "zone/zone.h"

struct change_onto {
	const struct change *change;   /* of `base` */
	const struct zone *base, *now; /* ready */
	const struct zone *then; /* what the change makes of the base, or NULL: names that are so already are
				  * no conflict, and not changed */
	struct hash_key key;           /* of the zones */
	/* Of the SOA that comes, unless the change has one that is newer than what is served.
	 */
	uint32_t next_serial;
	struct text *conflicts; /* a name a line; NULL: nobody asks */
};

/* The change that makes of `now` what `change` made of `base`; sealed. NULL: there is a
 * conflict, or no memory, and `why` says which; or nothing is left to change, and it is empty. */
struct change *change_onto(const struct change_onto *o, struct fault *why);

/* Has the name (wire, lower case, whole) the same records in both, TTLs included? The SOA does
 * not count. */
bool change_onto_same(
	const struct zone *a, const struct zone *b, struct hash_key key, const uint8_t *name);

/* A change the other way round: from its end to its beginning. NULL: no memory. */
struct change *change_reversed(const struct change *c, struct fault *why);

/* For people: "- www.example.org. 300 IN A 192.0.2.1" for what goes, "+" for what comes, in the
 * order of the change; the two SOAs where `soa` says so. */
void change_lines(struct text *to, const struct change *c, bool soa);

#endif
