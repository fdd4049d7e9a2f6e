/* edns.h - the OPT record (RFC 6891) and the options in it that we know: client subnet (RFC
 * 7871), cookies (RFC 7873), NSID (RFC 5001), tcp-keepalive (RFC 7828), extended errors (RFC
 * 8914), EXPIRE (RFC 7314), ZONEVERSION (RFC 9660), padding (RFC 7830).
 */
#ifndef DNS_EDNS_H
#define DNS_EDNS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EDNS_PAYLOAD = 1232, /* bytes over UDP that we take and send, at most (dnsflagday.net/2020) */
	EDNS_PAYLOAD_LEAST = 512,   /* less is taken for this (RFC 6891 section 6.2.3) */
	EDNS_ECS_MOST = 4 + 4 + 16, /* bytes of a client subnet option */
	EDNS_OPT_FIXED = 11,        /* bytes of an OPT record without options */
	EDNS_DO = 0x8000,

	EDNS_NSID = 3,
	EDNS_ECS = 8,
	EDNS_EXPIRE = 9,
	EDNS_COOKIE = 10,
	EDNS_KEEPALIVE = 11,
	EDNS_PADDING = 12,
	EDNS_EDE = 15,
	EDNS_ZONEVERSION = 19,
	EDNS_EDE_LEN = 6, /* bytes of the option */
	EDNS_PADDING_BLOCK = 468, /* answers are as long as a multiple of it (RFC 8467 section 4.1) */

	EDNS_COOKIE_CLIENT = 8, /* bytes */
	EDNS_COOKIE_FULL = 24,  /* a client's and our server cookie (RFC 9018 section 4) */
	EDNS_COOKIE_LEAST = 16,
	EDNS_COOKIE_MOST = 40, /* any with a server cookie */

	/* INFO-CODEs of RFC 8914 that we send. */
	EDE_NOT_READY = 14,
	EDE_PROHIBITED = 18,
	EDE_NOT_AUTHORITATIVE = 20
};

struct edns_ecs {
	bool present;
	uint8_t family;   /* 1 IPv4, 2 IPv6; 0 with source 0: "use nobody's address" */
	uint8_t source;   /* SOURCE PREFIX-LENGTH, bits of its family */
	struct addr addr; /* IPv4 mapped; zero behind the prefix */
};

/* What a query's OPT record says. */
struct edns {
	bool present;
	bool dnssec_ok;
	bool nsid, keepalive, expire, zoneversion, padding; /* asked for */
	uint8_t version;
	uint8_t cookie_len; /* 0: none; 8, or 16 to 40 */
	uint16_t payload; /* bytes that the asker takes over UDP, at least EDNS_PAYLOAD_LEAST */
	const uint8_t *cookie; /* in the packet */
	struct edns_ecs ecs;
};

/* What ours says in answer. */
struct edns_reply {
	bool ecs; /* the query's subnet goes back, with `scope` */
	uint8_t scope;
	bool cookie;
	bool keepalive;
	bool expire;      /* `expire_s` */
	bool zoneversion; /* `zone_labels`, without the root, and `serial` */
	bool padded;      /* with `padding` zeros */
	uint16_t padding;
	uint8_t zone_labels;
	uint16_t keepalive_100ms;
	uint32_t expire_s, serial;
	uint16_t ede; /* an INFO-CODE; 0: none (it would be "Other Error") */
	uint16_t payload; /* bytes over UDP that we take; 0: EDNS_PAYLOAD */
	uint16_t nsid_len;
	const uint8_t *nsid;
	uint8_t cookie_bytes[EDNS_COOKIE_FULL];
};

/* The options of an OPT record, `len` bytes of RDATA. False is FORMERR: an option that runs
 * over the end; a client subnet that breaks RFC 7871 section 6 or 7.1.2 (unknown family, too
 * long a prefix, a wrong number of bytes, bits behind the prefix, a scope in a query); a cookie
 * of a length that RFC 7873 section 4 does not have. Of two equal options the first counts.
 * Unknown options are passed over. */
bool edns_read_options(struct edns *e, const uint8_t *rdata, size_t len);

/* Bytes that edns_write() takes. */
size_t edns_len(const struct edns *asked, const struct edns_reply *reply);

/* Writes our OPT record in answer to `asked`. `rcode_high` are the upper 8 bits of the extended
 * RCODE. Returns its length. */
size_t edns_write(uint8_t *to, const struct edns *asked, const struct edns_reply *reply,
	unsigned rcode_high);

#endif
