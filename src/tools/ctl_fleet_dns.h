/* ctl_fleet_dns.h - what "fleet verify" asks, and what is compared of the answers.
 *
 * Pure.
 */
#ifndef TOOLS_CTL_FLEET_DNS_H
#define TOOLS_CTL_FLEET_DNS_H

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CTL_FLEET_DNS_QUERY = 12 + NAME_MOST + 4 + 22, CTL_FLEET_DNS_ANSWER = 512 };

/* The next /24, host order, of the addresses that hosts may have. `*random` is not 0. */
uint32_t ctl_fleet_dns_client(uint64_t *random);

struct ctl_fleet_dns_question {
	const uint8_t *name; /* wire, of `len` bytes */
	size_t len;
	uint16_t type;
	uint32_t client; /* a /24 */
};
/* A query with that client subnet (RFC 7871 section 6). Returns its bytes. */
size_t ctl_fleet_dns_query(uint8_t to[static CTL_FLEET_DNS_QUERY], uint16_t id, const struct ctl_fleet_dns_question *q);

/* The same text for the same answer, in whatever order its records are: rcode, addresses, scope. False: it is none. */
bool ctl_fleet_dns_answer(const uint8_t *bytes, size_t len, char to[static CTL_FLEET_DNS_ANSWER]);

#endif
