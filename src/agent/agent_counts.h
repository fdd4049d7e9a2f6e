/* agent_counts.h - how many reports and questions of agents came, and what was wrong with
 * others.
 */
#ifndef AGENT_AGENT_COUNTS_H
#define AGENT_AGENT_COUNTS_H

#include <stdint.h>

/* What came, and what was refused for which reason. */
struct agent_counts {
	uint64_t reports, rows, assignments;
	uint64_t forged;     /* no such agent, or not its signature or certificate */
	uint64_t untimely;   /* too old, or ahead */
	uint64_t replayed;   /* taken before */
	uint64_t oversized;  /* too many bytes or rows */
	uint64_t malformed;  /* no report, or no such request */
	uint64_t last_s;     /* UNIX time of the last report that was taken; 0: none */
	uint64_t impossible; /* measurements that cannot be true; filled in by who knows where
			      * things are */
	/* Filled in by who joins them: names that are asked for once, clients that came by one, those of whose name it is
	 * known who asked for it, and what is known of pairs. */
	uint64_t names, clients, joined, pairs;
};

/* An agent from which something has come. */
enum { AGENT_NAME_ROOM = 256 };
struct agent_seen {
	char agent[AGENT_NAME_ROOM];
	uint64_t reports;
	int64_t last_s;      /* UNIX time of the last; 0: none was taken */
	uint64_t impossible; /* measurements that cannot be true */
};

#endif
