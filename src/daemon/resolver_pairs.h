/* resolver_pairs.h - whose clients ask through which resolver, learned from names that are asked for once.
 *
 * Workers tell where queries for such names come from (answer/sample.h), agents which clients came by them. Where both
 * are about one name, they are a pair (measure/client_pairs.h). What is known of pairs is written to the file
 * `latency: learned-resolvers` every 15 minutes and at the end, from where rankings read it (latency_read.h), and
 * where it is taken from at the start. Loop.
 */
#ifndef DAEMON_RESOLVER_PAIRS_H
#define DAEMON_RESOLVER_PAIRS_H

#include "agent/agent_report.h"
#include "base/bytes.h"
#include "daemon/publish.h"
#include "jobs/jobs.h"

struct ev_loop;
struct resolver_pairs;
struct workers;

struct resolver_pairs_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct workers *workers;
	struct hash_key key;
	double every_s; /* between two times that it is written */
};

/* Never NULL. Reads the file when the loop runs. */
struct resolver_pairs *resolver_pairs_new(const struct resolver_pairs_opts *opts);
/* Writes, for which it waits: at the end only, after jobs_stop(). */
void resolver_pairs_free(struct resolver_pairs *p);

/* What has changed is written soon, for who takes over. */
void resolver_pairs_save(struct resolver_pairs *p);

/* What an agent tells. Returns how many of them made a pair. */
size_t resolver_pairs_take(struct resolver_pairs *p, const struct agent_report_client *clients, size_t n);

struct resolver_pairs_counts {
	uint64_t asked;   /* for names */
	uint64_t clients; /* that agents told of */
	uint64_t joined;  /* ... of whose name we know who asked for it */
	size_t known;     /* pairs, now */
};
struct resolver_pairs_counts resolver_pairs_counts(const struct resolver_pairs *p);

#endif
