/* server.h - what waymarkd is made of, and its boot order in five files.
 *
 * server.c boots: it reads what the configuration names, opens sockets, drops privileges and calls the others in turn.
 * server_follow.c makes those that follow the parts, server_commands.c those that give and take commands, server_sockets.c
 * has the sockets and the taking over from another process, server_end.c the end. All on the loop's thread.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "base/fault.h"
#include "console/control.h"
#include "daemon/parts_read.h"
#include "world/epoch.h"
#include "world/policy.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* All that lives as long as the server. Nothing of it is unset while the loop runs. */
struct server {
	struct ev_loop *loop;
	ev_signal term, interrupt, hangup, user2;
	struct timespec started;
	const char *conf_path;
	struct launcher *launcher; /* NULL: there is none */
	struct successor *successor; /* NULL: we come in nobody's place */
	struct upgrade *upgrade;
	int control_socket, manage_socket, manage_local; /* that listen already; -1 */
	uint8_t cookies[POLICY_SECRET]; /* a secret */
	bool is_ready;
	bool left; /* another process serves in our place */
	struct hash_key key;
	struct epoch epoch;
	struct store *store; /* NULL: none is configured */
	struct key_ring *ring; /* of that; NULL: likewise */
	struct signing_keys *signing_keys;
	struct signing *signing;
	struct dnssec_orders *dnssec_orders;
	struct jobs *jobs;
	struct publisher *publisher;
	struct worker_news *news;
	struct certificates *certificates;
	struct workers *workers;
	struct watchdog *watchdog;
	struct builder *builder;
	struct timeline *timeline;
	struct probes *probes;
	struct fleet_member *fleet;
	struct fleet_ask *fleet_ask;
	struct fleet_lease *fleet_lease;
	struct fleet_zones *fleet_zones;
	struct fleet_times *fleet_times;
	struct fleet_pairs *fleet_pairs;
	struct balancer *balancer;
	struct rankings *rankings;
	struct flattening *flattening;
	struct pool_signing *pool_signing;
	struct reloader *reloader;
	struct staging *staging;
	struct geo_watch *geo_watch;
	struct signature_watch *signature_watch;
	struct kept_images *kept_images;
	struct resolver_pairs *resolver_pairs;
	struct measuring *measuring;
	struct notifying *notifying;
	struct secondaries *secondaries;
	struct plain_making *plain_making;
	struct forwarding *forwarding;
	struct updates *updates;
	struct zones_added *zones_added;
	struct catalogs *catalogs;
	struct catalog_making *catalog_making;
	struct frozen *frozen;
	struct write_back *write_back;
	struct upkeep *upkeep;
	struct decisions *decisions;
	struct decision_history *decision_history;
	struct rrl_log *rrl_log;
	struct taps *taps;
	struct busiest *busiest;
	struct commands commands;
	struct readiness *readiness;
	struct reports *reports;
	struct metrics_maker *metrics;
	struct orders *orders;
	struct zone_orders *zone_orders;
	struct store_orders *store_orders;
	struct why_orders *why_orders;
	struct api *api;
	struct control *control; /* NULL: none is configured */
};

/* main() has set `loop`, `started`, `conf_path`, `launcher` and `successor`. Static names are answered when this returns
 * true; steered ones wait where nothing is known of their edges yet. It is server_read(), server_open_sockets(), becoming the
 * configured user, and server_serve(). */
bool server_boot(struct server *s, struct fault *why);

/* Everything that the configuration names, and who needs it first. What was wrong is in the log. */
bool server_read(struct server *s, struct fault *why);

/* While privileges are held: what is open already, or is opened now. */
bool server_open_sockets(struct server *s, struct fault *why);

/* Without privileges: everybody else, and packets are answered. */
bool server_serve(struct server *s, struct fault *why);

/* "ready" or "answering": what is served, into the log. */
void server_say(const struct server *s, const char *what);

/* What needs no privileges, in the order in which it follows the parts. */
bool server_follow(struct server *s, struct fault *why);

/* What gives and takes commands, and the socket that they come by. */
bool server_open_commands(struct server *s, struct fault *why);

/* A configuration that is wrong costs the process that we come for nothing: told to it before anything is read. */
bool server_look_at_conf(const struct server *s, struct fault *why);

/* From here on packets are answered. */
bool server_start(struct server *s, struct fault *why);

/* In the place of another process: it serves until we know what it knows. */
void server_follow_other(struct server *s);

/* After the loop. What another process has taken over is left alone; what does not end is left behind. Whether it
 * returns or not, the process is over then. */
void server_end(struct server *s);

#endif
