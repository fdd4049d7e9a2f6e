/* agent_tally.h - samples of round-trip times, gathered by network until they are reported.
 *
 * Networks are IPv4 /24 and IPv6 /48. Of each there are a count and up to TALLY_SAMPLES
 * samples, a fair draw when there were more; a connection that is seen again is one sample, its
 * least. Bounded memory: when there are TALLY_ROWS_MOST networks, others wait for the next
 * report. One thread.
 */
#ifndef TOOLS_AGENT_TALLY_H
#define TOOLS_AGENT_TALLY_H

#include "base/addr.h"
#include "agent/agent_report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TALLY_SAMPLES = 31,
	TALLY_ROWS_MOST = 40000,
	TALLY_TAKEN = 5000 /* of a report: half a megabyte of text at most */
};

struct tally;

/* Of a network's samples that one is told that `quantile` of them (0 to 1) are not over: 0.5 is the median. */
struct tally *tally_new(double quantile);
void tally_free(struct tally *t);

/* The network of a client's address. */
struct prefix tally_net(const struct addr *client);

/* A sample of that network, or of the other edge `edge` unless that is NULL or "". `cookie`
 * tells one connection from another; 0: from all. */
void tally_add(struct tally *t, const struct prefix *net, const char *edge, uint64_t cookie,
	uint32_t rtt_us, double now_s);

size_t tally_count(const struct tally *t);

/* Makes rows of what is there, at most TALLY_TAKEN, and forgets those; call it until it
 * gives none. The caller's agent_report_fini(). */
void tally_take(struct tally *t, struct agent_report *s, double now_s);

#endif
