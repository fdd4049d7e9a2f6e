/* manage_clients.h - who is connected to the management listener, for how long yet, and who may
 * be.
 *
 * Addresses from where a signed or certified request has come are known for an hour, and places
 * are kept for them. The caller sees to it that one thread at a time is here.
 */
#ifndef WEB_MANAGE_CLIENTS_H
#define WEB_MANAGE_CLIENTS_H

#include "base/addr.h"
#include "web/manage.h"

enum { MANAGE_PLACES = MANAGE_CONNECTIONS + MANAGE_LOCAL };

struct manage_place {
	int fd; /* -1: free */
	double since_s;
	struct addr from; /* an IPv6 address is its /64 */
	bool stranger;
	bool served; /* what it asks for is at work: its time stands still */
};

struct manage_clients {
	struct manage_place places[MANAGE_PLACES];
	struct manage_known {
		struct addr from;
		double at_s; /* clock_seconds(); 0: free */
	} known[MANAGE_KNOWN];
};

/* `c` is zero. */
void manage_clients_init(struct manage_clients *c);

/* May another one connect from there? */
bool manage_clients_may(const struct manage_clients *c, const struct sockaddr *from);
/* A good request has come from there. */
void manage_clients_know(struct manage_clients *c, const struct sockaddr *from);

/* `fd` is connected until manage_clients_leave(), which is before it is closed. NULL: there is
 * no place, and it is not watched. */
struct manage_place *manage_clients_join(
	struct manage_clients *c, int fd, const struct sockaddr *from);
void manage_clients_leave(struct manage_place *place);

/* It has been let do something that takes its time; or that is done, and its time begins anew. NULL is fine. */
void manage_clients_serve(struct manage_place *place, bool on);

/* Ends those that have been there for too long: who sends a byte now and then is not idle, and
 * yet not welcome for ever. */
void manage_clients_end(struct manage_clients *c);

#endif
