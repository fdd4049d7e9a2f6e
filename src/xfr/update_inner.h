/* update_inner.h - an update while it is worked on. For the files of updates alone.
 */
#ifndef XFR_UPDATE_INNER_H
#define XFR_UPDATE_INNER_H

#include "dns/message.h"
#include "xfr/update.h"

enum { UPDATE_SOA_NUMBERS = 20 }; /* bytes of them in the RDATA of a SOA */

/* A record of a name that the update looks at. */
struct update_record {
	const uint8_t *owner; /* of `names` */
	uint8_t *rdata;       /* own */
	uint32_t ttl_s, was_ttl_s;
	uint16_t type, rdlen;
	bool was, is; /* in the zone; after the update */
};

/* The names that it touches, with all that they have. */
struct update_work {
	const struct update_opts *o;
	struct message m;
	struct fault *why;
	unsigned rcode;
	uint8_t **names;
	size_t n_names;
	struct update_record *records;
	size_t n, room;
	uint8_t rdata[MESSAGE_RDATA_MOST];
};

/* What is wrong with it. Always false. */
bool update_stop(struct update_work *w, unsigned rcode, const char *what);

/* The name as this keeps it, with all of its records; NULL after a fault. */
const uint8_t *update_touch(struct update_work *w, const uint8_t *owner);

/* A copy, with a copy of the RDATA. `like->owner` is of update_touch(). */
bool update_put_row(
	struct update_work *w, const struct update_record *like, const uint8_t *rdata);

/* What signing makes is nobody's but the signer's. */
bool update_is_made(const struct update_work *w, const uint8_t *owner, unsigned type);

/* Records that there are now, of ANY those that signing does not make. */
size_t update_count(const struct update_work *w, const uint8_t *owner, unsigned type);

/* The record with that data, or NULL. */
struct update_record *update_find(struct update_work *w, const uint8_t *owner, unsigned type,
	const uint8_t *rdata, size_t len);

/* The prerequisites (RFC 2136 section 3.2). */
bool update_check(struct update_work *w);

#endif
