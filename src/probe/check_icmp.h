/* check_icmp.h - echo requests for all targets through one socket a family.
 *
 * Ping sockets where the kernel lets us (net.ipv4.ping_group_range), else raw ones
 * (CAP_NET_RAW). A reply is told from others by its sequence number, 64 random bits and its
 * source.
 */
#ifndef PROBE_CHECK_ICMP_H
#define PROBE_CHECK_ICMP_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct check_icmp;

/* Opens the sockets, while we still may. Never NULL: what could not be opened is told by each
 * check. */
struct check_icmp *check_icmp_new(struct ev_loop *loop, uint64_t seed);
void check_icmp_free(struct check_icmp *i);

/* An echo message, request or reply. */
struct check_icmp_echo {
	uint8_t type;
	uint16_t ident, sequence;
	uint64_t cookie;
};

/* Reads one as it comes from the kernel: `ip` when the IPv4 header is in front. False when it
 * is none. */
bool check_icmp_read(
	struct check_icmp_echo *e, const uint8_t *bytes, size_t len, bool v4, bool ip);

#endif
