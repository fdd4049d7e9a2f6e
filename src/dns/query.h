/* query.h - what does this packet ask?
 *
 * One pass over the bytes of a query (RFC 1035 section 4); nothing outside of them is read,
 * whatever they say.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "dns/edns.h"
#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

enum {
	QUERY_HEADER = 12, /* bytes; the question's name starts there */

	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_BADVERS = 16,

	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_CD = 0x0010
};

enum query_result {
	QUERY_OK,
	QUERY_DROP, /* not to be answered: no header, or itself an answer (two servers would
		       talk for ever) */
	QUERY_FORMERR,
	QUERY_NOTIMP, /* another opcode than QUERY */
	QUERY_BADVERS /* EDNS version over 0 (RFC 6891 section 6.1.3) */
};

struct query {
	uint16_t flags; /* of the header, as they came */
	uint16_t qtype, qclass;
	uint8_t name_len; /* bytes with the root; 0 when there is no question to repeat */
	uint8_t name[NAME_MOST]; /* lower case */
	struct edns edns;
};

/* Fills `q` from `packet`. On FORMERR, NOTIMP and BADVERS what was read so far is there:
 * name_len and edns.present tell. */
enum query_result query_parse(struct query *q, const uint8_t *packet, size_t len);

#endif
