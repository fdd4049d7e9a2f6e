/* pool_signatures.h - the signatures of what pools answer.
 *
 * What a pool answers at a name is one of few RRsets, and who signs them does not do so for each
 * answer: an RRset is signed once, mostly before anybody asks for it, and its signatures are
 * found by what they sign: the name (of a wildcard the wildcard's own: RFC 4035 section 5.3.2),
 * the type, the TTL that is signed, and the records, in whatever order.
 *
 * Such a signature is right whatever the world is, until it ends. So it is not a part of one
 * world, but a memory that worlds share, and that grows while it is read: workers find what is
 * there and never wait, lock or write; jobs put what they have signed. Nothing is freed before
 * the last hold is gone.
 */
#ifndef WORLD_POOL_SIGNATURES_H
#define WORLD_POOL_SIGNATURES_H

#include "base/addr.h"
#include "base/part.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_SIGNATURES_BYTES_MOST = 8192 }; /* of one RRset's signatures, as they are kept */

/* An RRset that was wanted and is not there: somebody should sign it. */
enum { POOL_UNSIGNED_NAMES = 2 * NAME_MOST, POOL_UNSIGNED_RDATA = 1400 };

struct pool_unsigned {
	uint64_t key;
	uint32_t ttl_s;
	uint16_t type;
	bool proven; /* who asks has shown that its address is its own */
	uint8_t apex[NAME_MOST], owner[NAME_MOST]; /* wire, lower case; the zone's id (zone/view.h) */
	uint16_t n, len;
	uint8_t rdata[POOL_UNSIGNED_RDATA]; /* [len] each behind its length, of 2 bytes */
};

/* Any thread; copies it. False: there is no room for it now. */
typedef bool pool_signatures_ask(void *ctx, const struct pool_unsigned *ask);

struct pool_signatures;

/* `key` is that of the zones. Count 1; NULL: no memory. `ask` may be NULL. */
struct pool_signatures *pool_signatures_new(
	struct hash_key key, pool_signatures_ask *ask, void *ctx);
struct pool_signatures *pool_signatures_hold(struct pool_signatures *s); /* NULL is fine */
void pool_signatures_drop(struct pool_signatures *s);

/* --- what is signed ----------------------------------------------------------------------- */

/* The name of a node; for pool_signatures_key(). */
uint64_t pool_signatures_owner(
	const struct pool_signatures *s, const struct zone *z, const struct zone_node *n);

/* One record. Those of an RRset are added up. */
static inline uint64_t pool_signatures_record(const uint8_t *rdata, size_t len)
{
	const struct hash_key key = { 0x8bb84b93962eacc9u, 0x2d358dccaa6c78a5u };

	return hash_bytes(key, rdata, len);
}

static inline uint64_t pool_signatures_key(
	uint64_t owner, uint16_t type, uint32_t ttl_s, uint64_t records)
{
	return hash_pair(owner ^ ((uint64_t)ttl_s << 16 | type), records) | 1;
}

/* --- workers ------------------------------------------------------------------------------ */

/* Are this zone's answers from pools signed? */
bool pool_signatures_signs(const struct pool_signatures *s, const struct zone *z);

/* The signatures, an RRset as it stands in an image, its owners pointers to the question; NULL:
 * there are none that are good. As long as the hold of `s`. */
const struct zone_rrset *pool_signatures_find(
	const struct pool_signatures *s, uint64_t key, uint32_t now_s);

/* Ask the memory for what pool_signatures_find() will read: where it is looked for, then what is
 * there. */
void pool_signatures_fetch_slot(const struct pool_signatures *s, uint64_t key);
void pool_signatures_fetch(const struct pool_signatures *s, uint64_t key);

/* Is there any zone whose answers are signed, or has there been one? */
bool pool_signatures_any(const struct pool_signatures *s);

/* Somebody may sign it. False: not now. */
bool pool_signatures_want(const struct pool_signatures *s, const struct pool_unsigned *ask);

/* --- jobs, any thread --------------------------------------------------------------------- */

/* One RRset's RRSIG records: their RDATA, one behind the other. */
struct pool_signed {
	uint16_t covers;
	uint32_t ttl_s; /* that is signed */
	const uint8_t *const *rdata;
	const size_t *len;
	size_t n;
	uint64_t generation; /* of the keyset */
	uint32_t renew_s;    /* UNIX time: from then on it should be made anew */
	uint32_t end_s;      /* ... the first of them ends */
	bool wanted;         /* by who asked for it; else it was made ahead */
};

/* Puts them in the place of what was there. False: there is no memory for it. */
bool pool_signatures_put(struct pool_signatures *s, uint64_t key, const struct pool_signed *set);

/* Is it there, by that keyset, and not to be made anew? */
bool pool_signatures_has(
	struct pool_signatures *s, uint64_t key, uint64_t generation, uint32_t now_s);

/* From now on the zone's answers from pools are signed; or are not (any more). False: no memory. */
bool pool_signatures_mark(struct pool_signatures *s, const struct zone *z, bool signs);

/* A new one with what is good of this one, and of what was wanted only as much as `wanted_most`:
 * what was replaced takes memory until then. Count 1; NULL: no memory. */
struct pool_signatures *pool_signatures_tidy(
	struct pool_signatures *s, size_t wanted_most, uint32_t now_s);

struct pool_signatures_counts {
	size_t ahead, wanted;  /* RRsets that are signed */
	size_t replaced;       /* ... and have been, and still take memory */
	size_t bytes;
};
struct pool_signatures_counts pool_signatures_counts(struct pool_signatures *s);

#endif
