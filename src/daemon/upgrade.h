/* upgrade.h - another process takes our place, and no query is lost: "upgrade", and SIGUSR2.
 *
 * The program is started anew, as it is on the disk now (base/launcher). While it reads, this process answers; what would change
 * something waits. It gets our sockets themselves, and says when it could serve; then it serves, and this process answers what it has
 * taken, waits for its connections, and ends. Whatever goes wrong before, this process goes on as if nothing had been. Loop.
 */
#ifndef DAEMON_UPGRADE_H
#define DAEMON_UPGRADE_H

#include "base/fault.h"
#include "world/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct commands;
struct control;
struct ev_loop;
struct fleet_member;
struct jobs;
struct launcher;
struct measuring;
struct probes;
struct publisher;
struct rankings;
struct resolver_pairs;
struct signing_keys;
struct successor;
struct upgrade;
struct worker_news;
struct workers;

struct upgrade_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct launcher *launcher; /* NULL: there is none */
	struct successor *successor; /* what we are ourselves; NULL: in nobody's place */
	struct workers *workers;
	struct control *control; /* NULL: likewise */
	struct measuring *measuring;
	struct fleet_member *fleet;
	struct probes *probes;
	struct rankings *rankings;
	struct resolver_pairs *resolver_pairs;
	struct signing_keys *signing_keys;
	struct worker_news *news;
	struct commands *commands;
	uint8_t cookies[POLICY_SECRET];
	void (*left)(void *ctx); /* another process serves, and ours may end */
	void *ctx;
};

/* All of it borrowed. Never NULL; binds "upgrade". */
struct upgrade *upgrade_new(const struct upgrade_opts *opts);

/* As the command does; the log tells what comes of it. */
void upgrade_begin(struct upgrade *u);

/* Another process serves, and ours waits for its connections alone. */
bool upgrade_has_left(const struct upgrade *u);

/* We are told to stop: who was to take our place is, too. After jobs_stop(). */
void upgrade_free(struct upgrade *u);

#endif
