/* agent_log.h - who came by names that are asked for once: read from a web server's log, while that is written.
 *
 * A line is "ADDRESS HOST", and what follows behind a blank is passed over: for nginx, log_format '$remote_addr $host'.
 * The log is read from its end on, every second; when it is renamed or cut short, the new one from its start. A name
 * counts once. So that nobody counts for much, an address counts once in ten minutes; of addresses a keyed hash is kept
 * for so long (agent_once.h), and of what is told the net (tally_net()). One thread.
 */
#ifndef TOOLS_AGENT_LOG_H
#define TOOLS_AGENT_LOG_H

#include "agent/agent_report.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	AGENT_LOG_TAKEN = 1000, /* of a report */
	AGENT_LOG_MOST = 20000  /* that wait; others are passed over */
};

struct agent_log_opts {
	const char *path;         /* borrowed for good, and so are the names */
	const char *const *names; /* lower case, without a dot at the end */
	size_t n_names;
};

struct agent_log;

struct agent_log *agent_log_new(const struct agent_log_opts *opts);
void agent_log_free(struct agent_log *l);

/* Reads what has come since; tells, once each time it begins, when it cannot. */
void agent_log_read(struct agent_log *l, double now_s);

size_t agent_log_count(const struct agent_log *l);
/* Puts at most AGENT_LOG_TAKEN of them into `s`, and forgets those. */
void agent_log_take(struct agent_log *l, struct agent_report *s);

/* A line without its end; len bytes. For agent_log_read(). */
void agent_log_line(struct agent_log *l, const char *line, size_t len, double now_s);

#endif
