/* frame.h - a UDP packet in the frame that carries it: read, and answered to where it came from.
 *
 * Ethernet, up to two VLAN tags, IPv4 without options or IPv6 without extension headers, UDP. The answer goes
 * back to the neighbour that the query came by, in its VLAN: nothing is asked of routing or neighbour tables.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_TAGS = 2,
	FRAME_LINK_MOST = 14 + 4 * FRAME_TAGS,
	FRAME_HEAD_MOST = FRAME_LINK_MOST + 40 + 8 /* bytes in front of what UDP carries */
};

struct frame {
	const uint8_t *bytes; /* borrowed */
	uint8_t link;         /* bytes in front of the IP header */
	uint8_t head;         /* ... in front of what UDP carries */
	bool is_v6;
	uint16_t len; /* what UDP carries */
	uint16_t port, to_port;
};

/* False when it is something else. */
bool frame_read(struct frame *f, const uint8_t *bytes, size_t len);

struct addr frame_source(const struct frame *f);
struct addr frame_target(const struct frame *f);

/* The headers of an answer of `len` bytes, which stand at `to + f->head` already; `to` is of another frame.
 * Returns the length of the whole. */
size_t frame_answer(const struct frame *f, uint8_t *to, size_t len);

#endif
