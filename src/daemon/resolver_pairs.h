/* resolver_pairs.h - whose clients ask through which resolver, learned from names that are asked for once.
 *
 * Workers tell where queries for such names come from (answer/sample.h), agents which clients came by them. Where both
 * are about one name, they are a pair (measure/client_pairs.h). What is known of pairs is written to the file
 * `latency: learned-resolvers` every 15 minutes and at the end, from where rankings read it (latency_read.h), and
 * where it is taken from at the start. Others may follow what is learned, and add what other servers have. Loop.
 */
#ifndef DAEMON_RESOLVER_PAIRS_H
#define DAEMON_RESOLVER_PAIRS_H

#include "agent/agent_report.h"
#include "base/bytes.h"
#include "daemon/publish.h"
#include "jobs/jobs.h"
#include "measure/client_pairs.h"

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

/* --- with other servers -------------------------------------------------------------------- */

/* Who tells others of it; each is called inside of resolver_pairs_take() and of resolver_pairs_join(). */
struct resolver_pairs_follower {
	void *ctx;
	void (*seen)(void *ctx, const struct client_pair *row); /* as it is now; borrowed for the call */
	/* A client came by that name, and nobody asked here for it. */
	void (*missing)(void *ctx, uint64_t name, const struct prefix *client);
};
/* NULL: nobody. Borrowed for good; copied. */
void resolver_pairs_follow(struct resolver_pairs *p, const struct resolver_pairs_follower *by);

/* All rows, to be read and merged; NULL: they are not read yet, or there is no file. Until the next turn. */
struct client_pairs *resolver_pairs_table(struct resolver_pairs *p);
/* It was merged into: so it is to be written. */
void resolver_pairs_touch(struct resolver_pairs *p);

/* Moments are by a clock that is so much ahead of ours, from now on. And: now, by that. */
void resolver_pairs_set_ahead(struct resolver_pairs *p, int64_t ahead_s);
int64_t resolver_pairs_now(const struct resolver_pairs *p);

/* A client came by that name, as another server was told. True: it was asked for here, and they are a pair. */
bool resolver_pairs_join(struct resolver_pairs *p, uint64_t name, const struct prefix *client);

struct resolver_pairs_counts {
	uint64_t asked;   /* for names */
	uint64_t clients; /* that agents told of */
	uint64_t joined;  /* ... of whose name we know who asked for it */
	size_t known;     /* pairs, now */
};
struct resolver_pairs_counts resolver_pairs_counts(const struct resolver_pairs *p);

#endif
