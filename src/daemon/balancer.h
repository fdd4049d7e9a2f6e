/* balancer.h - load, and edges that come and go, become prices and shares (steer/shed.h).
 *
 * Every few seconds what the workers have counted is fetched, put together with what the probes
 * tell of the edges' load, and the next prices are published when they differ. When an edge
 * comes or goes, prices for the edges that are left are in the same world as the news. All of
 * it is on the control thread.
 */
#ifndef DAEMON_BALANCER_H
#define DAEMON_BALANCER_H

#include "steer/shed.h"
#include "steer/standing.h"

struct ev_loop;
struct daemon;
struct balancer;

struct balancer *balancer_new(struct daemon *d, struct ev_loop *loop);
/* Fine for NULL. */
void balancer_free(struct balancer *b);

/* Before a standing is made: edges that are to be drained are up until their time is over. */
void balancer_states(struct balancer *b, uint8_t *states);

/* Fills in the standing what load decides. */
void balancer_cut(struct balancer *b, struct standing *s);

/* For reports. */
struct shed_state balancer_edge(const struct balancer *b, unsigned edge);

#endif
