/* xdp_question.h - a query as the program in the kernel sees it (net/bpf/xdp_program.c), and one made of that.
 */
#ifndef NET_XDP_QUESTION_H
#define NET_XDP_QUESTION_H

#include "net/xdp_shared.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XDP_QUERY_ROOM = 12 + XDP_NAME_MOST + 4 + 11 + 8 + XDP_SUBNET };

/* False for a query that it leaves to others. */
bool xdp_question_read(struct xdp_question *q, const uint8_t *query, size_t len);

/* Bytes of the question in a message: its name, type and class. */
size_t xdp_question_len(const struct xdp_question *q);

/* A query that it would see as `q`; its length. The id is 0, and no flag is set; a subnet is the /24 of `client`, an IPv4
 * address. */
size_t xdp_question_write(const struct xdp_question *q, uint32_t client, uint8_t to[static XDP_QUERY_ROOM]);

/* The subnet that such a query carries, as `client`; it was read. */
uint32_t xdp_question_subnet(const uint8_t *query, size_t len);

/* What is held of an answer: as in struct xdp_held, but as a whole. */
struct xdp_answer {
	uint16_t set, sum, len, subnet_at;
	uint16_t flags; /* network order, as the rest */
	uint16_t counts[4];
	struct xdp_question q;
	uint8_t bytes[XDP_BYTES_MOST];
};

/* What is held of an answer to such a query, without the scope of its subnet, which `*scope` gets (0: there is none).
 * False: it is none that can be held. */
bool xdp_question_hold(struct xdp_answer *h, const struct xdp_question *q, const uint8_t *answer, size_t len, uint8_t *scope);

#endif
