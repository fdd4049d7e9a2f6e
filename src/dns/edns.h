/* edns.h - the OPT record (RFC 6891) and EDNS Client Subnet (RFC 7871).
 */
#ifndef DNS_EDNS_H
#define DNS_EDNS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EDNS_PAYLOAD = 1232, /* bytes over UDP that we take and send (dnsflagday.net/2020) */
	EDNS_PAYLOAD_LEAST = 512,   /* less is taken for this (RFC 6891 section 6.2.3) */
	EDNS_OPT_FIXED = 11,        /* bytes of an OPT record without options */
	EDNS_ECS_MOST = 4 + 4 + 16, /* bytes of an ECS option */
	EDNS_OPTION_ECS = 8,
	EDNS_DO = 0x8000
};

struct edns_ecs {
	bool present;
	uint8_t family;   /* 1 IPv4, 2 IPv6; 0 with source 0: "use nobody's address" */
	uint8_t source;   /* SOURCE PREFIX-LENGTH, bits of its family */
	struct addr addr; /* IPv4 mapped; zero behind the prefix */
};

struct edns {
	bool present;
	bool dnssec_ok;
	uint8_t version;
	uint16_t payload; /* bytes that the asker takes over UDP, at least EDNS_PAYLOAD_LEAST */
	struct edns_ecs ecs;
};

/* The options of an OPT record, `len` bytes of RDATA. False is FORMERR: an option that runs
 * over the end, or a client subnet that breaks RFC 7871 section 6 or 7.1.2: unknown family, too
 * long a prefix, a wrong number of bytes, bits behind the prefix, a scope in a query, or two of
 * them. Unknown options are passed over. */
bool edns_read_options(struct edns *e, const uint8_t *rdata, size_t len);

/* Bytes that edns_write() takes. */
size_t edns_len(const struct edns *asked, bool ecs);

/* Writes our OPT record in answer to `asked`, with its client subnet and `scope` when `ecs`.
 * `rcode_high` are the upper 8 bits of the extended RCODE. Returns its length. */
size_t edns_write(
	uint8_t *to, const struct edns *asked, unsigned rcode_high, bool ecs, unsigned scope);

#endif
