/* route.h - which request is it, and what is done with it?
 *
 * A row for each path and method that the management listener answers. The rows of a topic stand
 * with what they do: agents.c, scrape.c, api_door.c, page.c.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct manage_hooks;
struct request;

struct route {
	const char *method; /* GET takes HEAD, too */
	const char *path;   /* where it ends in "/", all paths that begin so */
	/* Listener's thread, each may be NULL. When the header has come, and when the body has;
	 * false: it is refused (manage_refuse()). */
	bool (*begin)(struct request *r);
	bool (*check)(struct request *r);
	/* Control thread: does it, and fills in the answer. False: not yet; manage_answered() is
	 * called later. */
	bool (*act)(struct request *r, const struct manage_hooks *hooks);
	size_t body_most; /* bytes of a body */
};

/* Each ends with a row without a path. */
extern const struct route agents_routes[], scrape_routes[], api_routes[], page_routes[];

/* By the target as it was sent, up to its query. NULL: there is none; `other` is then one
 * of that path that takes another method, or NULL: there is no such path. */
const struct route *route_find(
	const char *method, const char *target, const struct route **other);

#endif
