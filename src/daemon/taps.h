/* taps.h - who looks on at queries and answers: dnstap, the log of queries, and who wants to know what is asked most.
 *
 * A thread of its own empties the workers' rings (net/tap.h): nobody else waits for the socket's
 * reader or the disk. What they do not take is counted. Loop, but for the thread.
 */
#ifndef DAEMON_TAPS_H
#define DAEMON_TAPS_H

#include "daemon/publish.h"

struct busiest;
struct taps;
struct workers;

/* Starts the thread. NULL and one sentence when that fails. `w` outlives it. */
struct taps *taps_new(struct publisher *p, const struct workers *w, struct fault *why);

/* Samples go to `b`, which outlives the thread: from when somebody looks at them. NULL: nobody does. */
void taps_look(struct taps *t, struct busiest *b);

/* Ends the thread; what is left is written, unless a disk hangs. Before the workers go. */
void taps_free(struct taps *t);

struct taps_counts {
	uint64_t dnstap_sent, dnstap_lost; /* messages */
	bool dnstap_wanted, dnstap_talks;
	uint64_t logged, log_lost; /* queries */
};
struct taps_counts taps_counts(const struct taps *t);

#endif
