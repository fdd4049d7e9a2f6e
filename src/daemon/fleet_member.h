/* fleet_member.h - this server as one of a fleet: as long as the configuration has a section "fleet".
 *
 * Loop.
 */
#ifndef DAEMON_FLEET_MEMBER_H
#define DAEMON_FLEET_MEMBER_H

#include "console/command.h"
#include "daemon/balancer.h"
#include "daemon/fleet_zones.h"
#include "daemon/probes.h"
#include "daemon/publish.h"
#include "report/report_fleet.h"

struct fleet_member;
struct fleet_pairs;
struct fleet_times;

struct fleet_member_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct probes *probes;
	struct balancer *balancer;
	struct commands *commands;
	bool later; /* it joins when fleet_member_away() says so */
};

/* Follows the configuration from now on. Never NULL. */
struct fleet_member *fleet_member_new(const struct fleet_member_opts *opts);
/* After jobs_stop(), before the probes. */
void fleet_member_free(struct fleet_member *m);

/* It leaves its fleet for now, since another process is this server in it; or joins. */
void fleet_member_away(struct fleet_member *m, bool away);
/* Who follows zones of the fleet; borrowed. NULL: nobody any more. */
void fleet_member_set_zones(struct fleet_member *m, struct fleet_zones *z);

/* Who follows measurements, and resolvers' clients, of the fleet; borrowed. NULL: nobody any more. */
void fleet_member_set_times(struct fleet_member *m, struct fleet_times *t);
void fleet_member_set_pairs(struct fleet_member *m, struct fleet_pairs *p);

/* The stage was taken back by itself. */
void fleet_member_taken_back(struct fleet_member *m, const char *why);

/* Binds "fleet". */
void fleet_member_bind(struct fleet_member *m, struct commands *commands);

/* NULL: there is none. Until the next reload. */
struct fleet *fleet_member_of(const struct fleet_member *m);

struct report_fleet fleet_member_report(const struct fleet_member *m);

#endif
