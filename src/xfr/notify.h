/* notify.h - other nameservers are told that a zone has a new serial (NOTIFY, RFC 1996).
 *
 * Work comes in batches: one entry a zone and server. A few hundred are on their way at a time. Each is
 * sent over UDP up to three times, then once over TCP (some secondaries take only that, some
 * firewalls let only that through), until there is an answer of any kind. What has been
 * overtaken by a newer serial is left to the batch that has that. The loop's thread.
 */
#ifndef XFR_NOTIFY_H
#define XFR_NOTIFY_H

#include "dns/tsig.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct notifier;

/* Who is to be told. */
struct notify_server {
	const char *name; /* of the peer, or of the NS; for people */
	const struct sockaddr *at;
	socklen_t len;
	const struct tsig_key *key; /* NULL: not signed */
};

struct notify_entry {
	const struct zone *zone;
	const struct notify_server *server;
};

/* All that it points to is good until `free` is called, on the loop, once nothing of it is on its way
 * any more. */
struct notify_batch {
	struct notify_entry *entries;
	size_t n;
	void (*free)(struct notify_batch *b);
	size_t next, underway; /* the notifier's */
	struct notify_batch *after;
};

struct notifier_opts {
	struct ev_loop *loop;
	void *ctx;
	/* Is its serial what is served? */
	bool (*is_current)(void *ctx, const struct zone *z);
};

/* Never NULL. */
struct notifier *notifier_new(const struct notifier_opts *opts);
/* Frees all batches. */
void notifier_free(struct notifier *n);

/* Takes it. */
void notifier_send(struct notifier *n, struct notify_batch *b);

struct notifier_counts {
	uint64_t sent;     /* entries that were begun */
	uint64_t answered; /* ... whose server has said that it knows */
	uint64_t refused;  /* ... or that it will not */
	uint64_t failed;   /* ... that nobody answered */
	size_t waiting, underway;
};
struct notifier_counts notifier_counts(const struct notifier *n);

/* --- the message, for tests and for those who send it otherwise ----------------------------- */

enum { NOTIFY_MOST = 1232 }; /* bytes */

/* Opcode NOTIFY for the zone, with its SOA in the answer section (RFC 1996 section 3.7), signed
 * with `key` unless that is NULL. Returns its length. `now_s` is UNIX time. */
size_t notify_write(uint8_t to[static NOTIFY_MOST], const struct zone *z, uint16_t id,
	const struct tsig_key *key, uint64_t now_s);

/* The RCODE of an answer to it; -1 when these bytes are none. */
int notify_read(const uint8_t *packet, size_t len, uint16_t id);

#endif
