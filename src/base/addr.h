/* addr.h - IP addresses and prefixes, all in one shape.
 *
 * An address is 16 bytes in network order; IPv4 lives under ::ffff:0:0/96. A prefix length
 * counts bits of the 128, so an IPv4 /24 is 120 here; the functions that speak to people and to
 * DNS translate.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDR_TEXT = 64, ADDR_V4_BITS = 96 };

struct addr {
	uint8_t b[16];
};

struct prefix {
	struct addr addr; /* bits behind `bits` are zero */
	uint8_t bits;     /* 0 to 128 */
};

struct addr addr_from_v4(const uint8_t v4[static 4]);
struct addr addr_from_sockaddr(const struct sockaddr *sa);
bool addr_is_v4(const struct addr *a);

/* Text without a prefix, port or zone. */
bool addr_parse(struct addr *a, const char *text);

/* "192.0.2.0/24", "2001:db8::/32", or an address alone, which is a prefix of all its bits. Bits
 * behind the length must be zero, else the sentence says which prefix was meant. */
bool prefix_parse(struct prefix *p, const char *text, struct fault *why);

/* "address:port" or "[v6]:port"; the port may be left out and is `port` then. `*len` is set. */
bool addr_parse_endpoint(struct sockaddr_storage *sa, socklen_t *len, const char *text,
	unsigned port, struct fault *why);

/* Return `buf`. IPv4 in its own notation; a prefix of IPv4 with its own length (0 to 32). */
const char *addr_text(char buf[static ADDR_TEXT], const struct addr *a);
const char *prefix_text(char buf[static ADDR_TEXT], const struct prefix *p);
const char *addr_sockaddr_text(char buf[static ADDR_TEXT], const struct sockaddr *sa);

struct prefix addr_prefix(const struct addr *a, unsigned bits);
bool prefix_has(const struct prefix *p, const struct addr *a);

/* The address that the network knows this one by: IPv4 inside IPv6 comes out as IPv4 (mapped,
 * 6to4 of RFC 3056, Teredo of RFC 4380, the NAT64 well-known prefix of RFC 6052), others as
 * they are. `*v4_at` (may be NULL) is the bit of `a` where the IPv4 address was found, so that
 * `n` bits of it are `v4_at + n` bits of `a`; 0 when `a` stays as it is. */
struct addr addr_plain(const struct addr *a, unsigned *v4_at);

/* False for addresses that are not of the public Internet (RFC 6890: private, loopback,
 * link-local, documentation, multicast, reserved); `*within` (may be NULL) is then the
 * registry's net that holds it. `a` is plain. */
bool addr_is_global(const struct addr *a, struct prefix *within);

/* False where no host has its address: multicast, "this network", reserved. `a` is plain. */
bool addr_may_be_host(const struct addr *a);

/* The nets behind those two, by number from 0, in ascending order of address; false when there
 * are no more. */
bool addr_embedded_net(unsigned i, struct prefix *p);
bool addr_local_net(unsigned i, struct prefix *p);

/* How many leading bits two addresses share, 0 to 128. */
unsigned addr_common_bits(const struct addr *a, const struct addr *b);

#endif
