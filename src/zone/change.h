/* change.h - a change set: the records that go from a zone and those that come, from one serial
 * to the next.
 *
 * The one currency of zones that change: transfers in and out, updates and reloads make or eat
 * it, and the journal stores it as it is, for it is one run of bytes. It is sealed once, and
 * immutable from then on; any thread may read it. What goes stands in front of what comes; the
 * first record that goes is the old SOA and the first that comes is the new one, as in IXFR
 * (RFC 1995 section 4), and there is no other SOA.
 *
 * Memory: change_free() ends one, whoever made it. In a scope (scope.h) it is held there until
 * then.
 */
#ifndef ZONE_CHANGE_H
#define ZONE_CHANGE_H

#include "base/fault.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct change;

/* A record of it. Class IN. */
struct change_record {
	const uint8_t *owner; /* wire, whole; lower case when it is read */
	const uint8_t *rdata; /* names uncompressed, case as it was given */
	uint32_t ttl_s;
	uint16_t type, rdlen;
	bool comes; /* else it goes */
};

/* --- making one --------------------------------------------------------------------------- */

/* Empty, for the zone with that id (view.h; wire, any case). NULL: no memory. */
struct change *change_new(const uint8_t *id);
void change_free(struct change *c); /* NULL is fine */
/* Something else ends it from now on, no scope. */
void change_keep(struct change *c);

/* Adds a copy of the record, `comes` being told by which of the two it is. In any order, the
 * SOAs, too. False: it is no record of this zone (the owner is elsewhere, the RDATA is not of
 * its type, a second SOA), or there is no memory. Not after change_seal(). */
bool change_remove(struct change *c, const struct change_record *rr, struct fault *why);
bool change_add(struct change *c, const struct change_record *rr, struct fault *why);

/* Ends the making. False: an SOA is missing, or there is no memory. */
bool change_seal(struct change *c, struct fault *why);

/* --- of a sealed one ---------------------------------------------------------------------- */

/* All of it, until change_free(). */
const uint8_t *change_bytes(const struct change *c, size_t *len);

/* From foreign bytes, which are checked and copied. Sealed. NULL: they are no change set, or
 * there is no memory. */
struct change *change_open(const uint8_t *bytes, size_t len, struct fault *why);

const uint8_t *change_id(const struct change *c); /* the id; wire, lower case */
uint32_t change_from(const struct change *c);       /* serial */
uint32_t change_to(const struct change *c);
uint32_t change_goes(const struct change *c); /* records, with the SOA */
uint32_t change_comes(const struct change *c);

struct change_walk {
	const uint8_t *at, *comes, *end;
	struct change_record rr;
};

/* In front of the first record. */
struct change_walk change_each(const struct change *c);
/* False when there are no more; else walk->rr is the next, borrowed from the change. */
bool change_next(struct change_walk *walk);

/* --- of several --------------------------------------------------------------------------- */

/* What all of them do, one after the other, each starting at the serial where the one before it
 * ends: condensed (RFC 1995 section 5), so that no record comes and goes. Sealed; NULL: they
 * are not in a row, or there is no memory. */
struct change *change_join(const struct change *const *of, size_t n, struct fault *why);

struct zone;

/* What makes `then` of `now`, two zones of one apex, both ready. An RRset whose TTL differs
 * goes and comes as a whole. Sealed; NULL: no memory. */
struct change *change_between(
	const struct zone *now, const struct zone *then, struct fault *why);

/* The same where what signing makes does not count (zone/sign_types.h), in either of the two; the
 * SOA that comes is that of `then` with another serial. */
struct change *change_between_data(const struct zone *now, const struct zone *then,
	uint32_t serial, struct fault *why);

/* Is the serial all that it changes? */
bool change_same_but_serial(const struct change *c);

#endif
