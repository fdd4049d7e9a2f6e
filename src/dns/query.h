/* query.h - what does this packet ask?
 *
 * One pass over the bytes of a query (RFC 1035 section 4); nothing outside of them is read,
 * whatever they say.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "dns/edns.h"
#include "dns/name.h"
#include "dns/rcode.h"

#include <stddef.h>
#include <stdint.h>

enum {
	QUERY_HEADER = 12, /* bytes; the question's name starts there */

	OPCODE_QUERY = 0,
	OPCODE_NOTIFY = 4,
	OPCODE_UPDATE = 5,

	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100
};

enum query_result {
	QUERY_OK,
	QUERY_DROP, /* not to be answered: no header, or itself an answer (two servers would
		       talk for ever) */
	QUERY_FORMERR,
	QUERY_NOTIMP,      /* another opcode than QUERY, NOTIFY and UPDATE */
	QUERY_BADVERS,     /* EDNS version over 0 (RFC 6891 section 6.1.3) */
	QUERY_NO_QUESTION, /* all it wants is a cookie (RFC 7873 section 5.4) */
	QUERY_TSIG /* it is signed, and with a key that we do not have (RFC 8945 section 5.2.1)
		    */
};

/* The TSIG record that ends a query, in the packet. */
struct query_tsig {
	const uint8_t *packet;
	const uint8_t *key; /* its owner, which may be compressed: see query_tsig_key() */
	const uint8_t
		*algorithm; /* a wire name; the time signed and the fudge, 8 bytes, follow */
	uint8_t key_len, algorithm_len; /* bytes of the whole names; 0: there is no TSIG */
	const uint8_t *id;              /* the original ID, 2 bytes */
};

struct query {
	uint16_t flags; /* of the header, as they came */
	uint16_t qtype, qclass;
	uint8_t name_len; /* bytes with the root; 0 when there is no question to repeat */
	struct name_marks marks; /* of `name` */
	uint8_t name[NAME_READ]; /* lower case */
	struct edns edns;
	struct query_tsig tsig;
	const uint8_t *authority; /* the first record of that section, in the packet; NULL */
};

/* Fills `q` from `packet`, which it points into. On anything but OK what was read so far is
 * there: name_len and edns.present tell. Bytes behind the last record mean nothing. */
enum query_result query_parse(struct query *q, const uint8_t *packet, size_t len);

static inline unsigned query_opcode(const struct query *q)
{
	return q->flags >> 11 & 15u;
}

/* The name of the key, whole, `key_len` bytes (ldns compresses it). */
void query_tsig_key(const struct query_tsig *t, uint8_t to[static NAME_MOST]);

/* The serial of the SOA in the authority section: what who asks for IXFR has (RFC 1995 section
 * 3). Nothing else of it means anything. False when there is none. */
bool query_serial(const struct query *q, uint32_t *serial);

#endif
