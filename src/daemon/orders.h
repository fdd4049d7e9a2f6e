/* orders.h - the commands that change something: reload, force, revoke, probe, latency import, stop.
 *
 * Each is checked here, handed to whose business it is, and answered when that has ended. Loop.
 */
#ifndef DAEMON_ORDERS_H
#define DAEMON_ORDERS_H

#include "daemon/reports.h"
#include "daemon/write_back.h"

struct orders;

/* Borrowed for good. */
struct orders_opts {
	struct publisher *publisher;
	struct probes *probes;
	struct rankings *rankings;
	struct staging *staging;
	struct reloader *reloader;
	struct reports *reports;
	struct write_back *write_back; /* NULL: there is none */
	struct catalogs *catalogs; /* NULL: there are none */
	struct timeline *timeline;
};

struct orders *orders_new(const struct orders_opts *opts, struct commands *commands);
void orders_free(struct orders *o);

/* A reload that nobody waits for (SIGHUP): what comes of it is in the log. */
void orders_reload(struct orders *o);

#endif
