/* fleet_lease.h - which server of a fleet makes signatures anew and takes keys through their lives.
 *
 * A key of the engine with an end of life, which its holder puts off as long as it lives: others have it some seconds
 * after he is gone. It saves work and keeps nothing right: what its holder commits is compared there with what others have
 * committed, as what anybody commits is, so that one who was stopped and goes on late does no harm. The loop's thread, but for
 * what says otherwise.
 */
#ifndef DAEMON_FLEET_LEASE_H
#define DAEMON_FLEET_LEASE_H

#include "fleet/fleet.h"

struct ev_loop;
struct fleet_lease;

enum { FLEET_LEASE_MS = 5000 };

/* `gained`: it is ours now, and was not. Never NULL. */
struct fleet_lease *fleet_lease_new(struct ev_loop *loop, void (*gained)(void *ctx), void *ctx);
/* When no other thread asks any more. NULL is fine. */
void fleet_lease_free(struct fleet_lease *l);

/* The fleet that there is from now on (borrowed), of that name, with us as `server`; NULL: none, and the lease is given back. */
void fleet_lease_set(struct fleet_lease *l, struct fleet *f, const char *name, const char *server);
/* Is there anything to sign? */
void fleet_lease_want(struct fleet_lease *l, bool wanted);

/* Any thread. */
bool fleet_lease_is_ours(const struct fleet_lease *l);
/* Who has it, as far as is known; "". Until the next turn. */
const char *fleet_lease_holder(const struct fleet_lease *l);

#endif
