/* agent_echo.h - one ICMP echo at a time to many hosts: sockets, packets, times.
 *
 * Two sockets, IPv4 and IPv6: "ping sockets" (icmp(7), for whom the sysctl ping_group_range
 * allows it), else raw ones (for whom has CAP_NET_RAW). How long a reply has waited for us is
 * taken off its time (SO_TIMESTAMPNS).
 */
#ifndef TOOLS_AGENT_ECHO_H
#define TOOLS_AGENT_ECHO_H

#include "base/addr.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct echo;

/* What an echo carries, so that nobody else's reply is taken for one. */
struct echo_tag {
	uint16_t sequence;
	uint64_t token;
};

/* A family whose socket cannot be had is told in `why`, what is missing and who can give it;
 * NULL when that is both. */
struct echo *echo_open(struct fault *why);
void echo_close(struct echo *e);

/* To wait on; -1: there is none of that family. */
int echo_fd(const struct echo *e, bool v4);

/* False: not sent. */
bool echo_send(struct echo *e, const struct addr *to, const struct echo_tag *tag);

struct echo_reply {
	struct addr from;
	struct echo_tag tag;
	double waited_s; /* from when the kernel had it to now */
};

/* The next reply, or false when there is none now. Does not block. */
bool echo_next(struct echo *e, bool v4, struct echo_reply *to);

/* An ICMP message as it comes from the socket of `v4`; `raw` ones of IPv4 have their IP header
 * in front. False when it is no echo reply with a tag. Any bytes are fine. */
bool echo_parse(const uint8_t *packet, size_t len, bool v4, bool raw, struct echo_tag *tag);

#endif
