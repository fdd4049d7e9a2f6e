/* reports.h - the commands that only look: each answer is made by a job from a picture of the
 * server.
 *
 * The picture (report/report_view.h) is taken on the loop by holds and copies; the text is made
 * beside it. What may be large goes to the client as it is made. Loop.
 */
#ifndef DAEMON_REPORTS_H
#define DAEMON_REPORTS_H

#include "console/command.h"
#include "daemon/balancer.h"
#include "daemon/certificates.h"
#include "daemon/decisions.h"
#include "daemon/flattening.h"
#include "daemon/fleet_member.h"
#include "daemon/forwarding.h"
#include "daemon/measuring.h"
#include "daemon/notifying.h"
#include "daemon/probes.h"
#include "daemon/rankings.h"
#include "daemon/readiness.h"
#include "daemon/reload.h"
#include "daemon/signing_keys.h"
#include "daemon/staging.h"
#include "daemon/taps.h"
#include "daemon/updates.h"
#include "daemon/upkeep.h"
#include "daemon/watchdog.h"
#include "daemon/write_back.h"

#include <time.h>

struct reports;

/* Whom the picture is taken of; borrowed for good. */
struct reports_opts {
	struct jobs *jobs;
	struct publisher *publisher;
	struct probes *probes;
	struct balancer *balancer;
	struct rankings *rankings;
	struct staging *staging;
	struct reloader *reloader;
	struct measuring *measuring;
	struct watchdog *watchdog;
	struct decisions *decisions;
	struct workers *workers;
	struct notifying *notifying; /* NULL: nobody is told of zones */
	struct forwarding *forwarding; /* NULL: no update is sent on */
	struct pool_signing *pool_signing; /* NULL: nothing is signed */
	struct signing *signing;           /* NULL: likewise */
	struct updates *updates;             /* NULL: no zone is changed; so with those behind it */
	struct refresher *refresher;
	struct upkeep *upkeep;
	struct store *store;
	struct signing_keys *signing_keys; /* NULL: nothing is signed */
	struct certificates *certificates; /* NULL: there are none to tell of */
	struct timespec started; /* CLOCK_MONOTONIC */
	const char *conf_path;
	struct write_back *write_back; /* NULL: no file is written */
	struct ev_loop *loop; /* NULL: nobody is asked how zones come from others */
	const struct readiness *readiness; /* NULL: nobody knows */
	struct taps *taps;                 /* NULL: nobody looks on */
	const struct fleet_member *fleet;  /* NULL: there is none */
	const struct commands *commands;   /* NULL: nobody asks whether they may change something */
	const struct flattening *flattening; /* NULL: nothing is */
};

struct reports *reports_new(const struct reports_opts *opts, struct commands *commands);
/* "latency show ..." and "latency export"; a command's exit status. */
int reports_latency(
	struct reports *r, const char **words, size_t n, struct command_call *c);

/* After jobs_stop(). */
void reports_free(struct reports *r);

#endif
