/* resolver.h - addresses of names that are to be probed, or answered with, by c-ares on our loop.
 *
 * As the system's resolver is configured: /etc/hosts, /etc/resolv.conf, which is read anew when
 * it changes. Control thread.
 */
#ifndef PROBE_RESOLVER_H
#define PROBE_RESOLVER_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct resolver;
struct resolver_ask;

enum resolver_result {
	RESOLVER_FOUND,
	RESOLVER_NONE,  /* there is no such name, or it has no address */
	RESOLVER_FAILED /* nobody could say: our own trouble */
};

struct resolver_answer {
	enum resolver_result result;
	struct addr addr; /* the first, as getaddrinfo() would sort them */
	uint32_t ttl_s;
	const struct addr *all; /* [n] of resolver_ask_all(), borrowed for the call */
	size_t n;
	const char *say; /* what is wrong; "" */
};

/* Costs nothing until the first name. Never NULL. */
struct resolver *resolver_new(struct ev_loop *loop);
/* The same by DNS alone, and without search domains; of these servers, "IP:PORT,...", or with NULL of
 * the system's. */
struct resolver *resolver_new_dns(struct ev_loop *loop, const char *servers);
void resolver_free(struct resolver *r);

/* `told` is called once, within this call or later, unless it is forgotten. NULL: it was called
 * within. */
struct resolver_ask *resolver_ask(struct resolver *r, const char *name,
	void (*told)(void *ctx, const struct resolver_answer *a), void *ctx);
/* All addresses of a family. The TTL is the least on the way to them. */
struct resolver_ask *resolver_ask_all(struct resolver *r, const char *name, bool v6,
	void (*told)(void *ctx, const struct resolver_answer *a), void *ctx);
void resolver_forget(struct resolver_ask *a);

#endif
