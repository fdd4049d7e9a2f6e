/* check.h - one probe of one target, while it runs.
 *
 * The kinds (check_tcp.c and so on) start a check, and tell once what came of it; whose turn it
 * is, how long it may take and what follows from it is round.c's. Control thread.
 */
#ifndef PROBE_CHECK_H
#define PROBE_CHECK_H

#include "base/addr.h"
#include "base/text.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;

enum { CHECK_SAY = 200 };

struct check_result {
	bool passed;
	bool ours; /* it failed for want of our own means, and says nothing of the target */
	char say[CHECK_SAY];    /* what came of it, in words; failures say what was expected */
	char notice[CHECK_SAY]; /* something that the operator should know all the same; or ""
				 */
	uint32_t rtt_us;        /* from the start to the answer; 0: none came */
	uint32_t wire_us;       /* of these, one way to the address and back; 0: not known */
	float load;             /* NAN: none was told */
};

struct check {
	const struct probe_opts *probe;
	const char *name; /* it was found by; NULL: the address is what is probed */
	struct addr addr; /* IPv4 or IPv6; :: of an exec probe by name */
	uint16_t port;    /* 0: the kind has none */
	const char *edge; /* of this name */
	uint64_t started_us;
	const char *stage;          /* what is waited for: "the connection" */
	struct check_result result; /* filled before `done` */
	struct text *steps;         /* what happens, a line each; NULL: nobody wants to know */
	void *own;                  /* the kind's, while it runs */
	struct http_peer *peer;     /* of HTTP probes: what stays from check to check; NULL */
	void (*done)(struct check *c);
};

/* What the kinds have in common. */
struct checks {
	struct ev_loop *loop;
	struct check_icmp *icmp;
	struct check_http *http;
	struct exec *orphans; /* commands that were killed and are not reaped yet */
};

/* A kind. `start` is false when the probe has failed at once, and `result.say` says why; else
 * `done` is called once, later. `stop` forgets a check whose `done` was not called. */
struct check_kind {
	bool (*start)(struct checks *all, struct check *c);
	void (*stop)(struct checks *all, struct check *c);
	/* Lets go of what stays between checks; NULL: nothing does. Not while one runs. */
	void (*forget)(struct check *c);
};

extern const struct check_kind check_icmp_kind, check_tcp_kind, check_http_kind, check_dns_kind,
	check_exec_kind;

/* Waits for commands that were killed: at the end. */
void check_exec_wait(struct checks *all);

/* --- for the kinds ------------------------------------------------------------------------ */

/* Always false. */
__attribute__((format(printf, 2, 3))) bool check_failed(struct check *c, const char *fmt, ...);

/* The same for a system call of ours that has failed. Out of files, memory or ports is `ours`.
 */
bool check_errno(struct check *c, const char *what, int err);

/* A line of `steps`, with the time since the start; nothing when nobody wants to know. */
__attribute__((format(printf, 2, 3))) void check_step(struct check *c, const char *fmt, ...);

/* Microseconds since the start, at least 1. */
uint32_t check_elapsed_us(const struct check *c);

/* The address with the probe's port. Returns the length. */
socklen_t check_sockaddr(const struct check *c, struct sockaddr_storage *sa);

/* A non-blocking socket to it that is connected or about to be; -1, and `result.say`. */
int check_connect(struct check *c, int type);

/* Words of an errno that operators use: "connection refused". */
const char *check_errno_text(int err);

#endif
