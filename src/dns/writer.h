/* writer.h - a DNS message is written, record by record, into a buffer that ends.
 *
 * What does not fit leaves no trace: each function writes all or nothing, and counts what it
 * wrote in the header's section counts. The question must be there first.
 */
#ifndef DNS_WRITER_H
#define DNS_WRITER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum writer_section {
	WRITER_ANSWER = 6,
	WRITER_AUTHORITY = 8,
	WRITER_ADDITIONAL = 10
}; /* where its count stands */

enum {
	WRITER_POINTABLE = 0x4000
}; /* a compression pointer has 14 bits (RFC 1035 section 4.1.4) */

struct writer {
	uint8_t *buf;
	size_t len;  /* bytes written */
	size_t room; /* no byte is written from here on */
};

static inline void writer_count(struct writer *w, enum writer_section s, unsigned n)
{
	be16_put(w->buf + s, be16_get(w->buf + s) + n);
}

static inline bool writer_fits(const struct writer *w, size_t len)
{
	return len <= w->room - w->len;
}

/* Fixed part of a record whose owner is the name at `owner_at`, without RDATA. The caller has
 * asked writer_fits(). */
static inline void writer_rr_head(
	struct writer *w, size_t owner_at, uint16_t type, uint32_t ttl_s, size_t rdlen)
{
	uint8_t *p = w->buf + w->len;

	be16_put(p, 0xc000u | (unsigned)owner_at);
	be16_put(p + 2, type);
	be16_put(p + 4, 1);
	be32_put(p + 6, ttl_s);
	be16_put(p + 10, (unsigned)rdlen);
	w->len += 12;
}

/* In a message that was written here: behind the name at `at`, which may end in a pointer. */
static inline size_t writer_behind_name(const uint8_t *message, size_t at)
{
	while (message[at] && message[at] < 0xc0)
		at += message[at] + 1u;
	return at + (message[at] ? 2 : 1);
}

#endif
