/* fleet_pairs.h - whose clients ask through which resolver is known to all servers of a fleet, whichever learns it.
 *
 * A resolver asks one server for a name, and an agent may report the client who came by it to another: so names that nobody
 * asked for here are told, and who was asked makes a pair of it. Pairs are told within a second, and merged
 * (pairs_record.h). Where two tables stay different though nothing changes, what differs is exchanged; what was lost on the way, by
 * who comes or was cut off, is found so. Memory and messages are bounded. Loop.
 */
#ifndef DAEMON_FLEET_PAIRS_H
#define DAEMON_FLEET_PAIRS_H

#include "daemon/resolver_pairs.h"
#include "fleet/fleet.h"
#include "report/report_fleet.h"

struct fleet_pairs;

/* Follows them (borrowed) from now on. Never NULL. */
struct fleet_pairs *fleet_pairs_new(struct ev_loop *loop, struct resolver_pairs *pairs);
/* Before these pairs end, and out of any fleet. NULL is fine. */
void fleet_pairs_free(struct fleet_pairs *p);

/* It is server `server` of that fleet (borrowed) now; NULL: of none. */
void fleet_pairs_set(struct fleet_pairs *p, struct fleet *f, const char *server);

struct report_shared fleet_pairs_sum(const struct fleet_pairs *p);
/* So many pairs are of names that others have told of. */
uint64_t fleet_pairs_joined(const struct fleet_pairs *p);

/* What a sign of life says of it. */
void fleet_pairs_hello(const struct fleet_pairs *p, void *json);

#endif
