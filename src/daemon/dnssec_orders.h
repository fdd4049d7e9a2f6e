/* dnssec_orders.h - what an operator orders about the keys of a zone: "dnssec
 * ds|keys|status|roll|... NAME".
 */
#ifndef DAEMON_DNSSEC_ORDERS_H
#define DAEMON_DNSSEC_ORDERS_H

#include "console/command.h"
#include "daemon/signing_keys.h"

struct dnssec_orders;

struct dnssec_orders_opts {
	struct jobs *jobs;
	struct publisher *publisher;
	struct key_ring *ring; /* NULL: nothing is signed */
	struct signing_keys *keys;
	void (*changed)(void *ctx, const uint8_t *apex); /* the keys of that zone; on the loop */
	void *ctx;
};

/* Never NULL. Binds itself to its command. */
struct dnssec_orders *dnssec_orders_new(
	const struct dnssec_orders_opts *opts, struct commands *commands);
void dnssec_orders_free(struct dnssec_orders *o);

#endif
