/* simulate.h - who would get which edge, now and after a change?
 *
 * Asks the server's own choose() for every client, once on each of two sides, and adds up what
 * came of it. A client is a net whose addresses get the same answer on both sides, so that
 * nothing is sampled: nets are gone through in the order of their addresses, each as wide as
 * the answers' scopes and the GeoIP file's place allow, but never narrower than what resolvers
 * tell of their clients (IPv4 /24, IPv6 /48: RFC 7871 section 11.1), unless it is asked so.
 * Where the name plays a part, a net asks for several (simulate_names.h), which share it.
 *
 * Milliseconds are estimates, and both sides' answers are judged by what the new side knows; by
 * the old side where an edge has gone. They are of what the pool's goal says: round trips, times
 * to the first byte, and so on; of a pool whose goal changes, of the new one. Over pools of
 * several goals only round trips can be added up. Pure: no file, no socket; one thread.
 */
#ifndef SIMULATE_SIMULATE_H
#define SIMULATE_SIMULATE_H

#include "steer/choose.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simulate_side {
	const struct steer *steer;
	const struct standing *standing;
	const struct latency *table;
	bool ecs; /* client subnets are heeded */
};

enum simulate_type { SIMULATE_A = 1, SIMULATE_AAAA = 2 };

/* Clients, and how much they count for. */
struct simulate_client {
	struct prefix net; /* plain */
	double weight;
	int pool; /* of `pools`; -1: all of them */
	enum simulate_type type;
	bool known_only;     /* of the net, those whose place the GeoIP file knows */
	const uint8_t *name; /* that is asked for: wire, lower case; NULL: those of the pool */
	/* What the EDGE record says of that name alone, on both sides; borrowed from the steer of
	 * the world that was asked: */
	const char *edge; /* this one answers; NULL: as the pool has it */
	uint8_t answers;  /* 0: as the pool has it */
};

struct simulate;
struct simulate_names;

/* What came of one client, as it comes. */
struct simulate_each {
	const char *pool;
	struct prefix net;
	enum simulate_type type;
	double weight, old_ms, new_ms; /* by the pool's goal */
	unsigned n_old, n_new;
	const int *old, *new; /* edges of the union */
	const uint8_t *name;  /* NULL: it plays no part */
};

struct simulate_opts {
	struct simulate_side old, new;
	const char *const *pools; /* names */
	size_t n_pools;
	const struct simulate_names *names; /* [n_pools] NULL: nobody knows them */
	struct simulate_client *clients;    /* put into the order of their addresses */
	size_t n_clients;
	uint32_t now_s;
	/* NULL: nobody wants to know of each. */
	void (*each)(void *ctx, const struct simulate *s, const struct simulate_each *e);
	void *ctx;
};

/* One of the two sides of something that is added up. */
struct simulate_sum {
	double weight;
	double ms, ms_weight; /* of what has an estimate: their product, and what it is over */
};

struct simulate_edge {
	const char *name;
	bool placed, is_old, is_new;
	double lat, lon;
	double old_capacity, new_capacity; /* 0: no limit */
	struct simulate_sum old, new;
	double old_roles, new_roles; /* weight that its roles bring, which is load of it, too */
};

/* A country, or a pool. */
struct simulate_group {
	char name[3]; /* of a country; "??": nobody knows */
	struct simulate_sum old, new;
	double moved;
	double *by_edge; /* [n_edges] weights, old and then new: 2 * n_edges */
};

struct simulate_pool {
	const char *name;
	bool is_old, is_new;
	bool turns; /* its clients have no edge of their own, and do not move */
	enum latency_kind goal; /* what `old` and `new` are estimates of */
	struct simulate_sum old, new, old_rtt, new_rtt;
	double moved;
	uint64_t entries_old,
		entries_new; /* that a resolver with all these clients would hold */
};

/* All clients of one place of the new side's GeoIP data; but for those of pools that take
 * turns, who have no edge of their own. */
struct simulate_place {
	double weight, moved;
	struct simulate_sum old, new;
	int edge_old, edge_new; /* of the heaviest client; -1 none */
	int from, to;           /* of the heaviest that moves */
	double heaviest, heaviest_moved;
};

struct simulate_move {
	int from, to; /* edges; -1: no answer */
	double weight, extra_ms, ms_weight;
};

struct simulate {
	struct simulate_edge *edges; /* of both sides, by name: those of the new side first */
	unsigned n_edges;
	struct simulate_pool *pools;
	size_t n_pools;
	struct simulate_group *countries; /* the heaviest first */
	size_t n_countries;
	struct simulate_place *places; /* [number in the atlas], 0: unknown */
	uint32_t n_places;
	struct simulate_move *moves; /* the heaviest first */
	size_t n_moves;
	const struct atlas *atlas; /* of the places; the new side's */
	uint64_t clients;          /* nets asked for, in all pools */
	double weight, moved, unanswered_old, unanswered_new;
	enum latency_kind goal; /* of the sums over pools: the one of all, or round trips */
	struct simulate_sum old, new;
	double worse, better; /* weight of those that move to what is slower, or faster */
};

/* Borrows what `o` has. Never fails. */
void simulate_run(struct simulate *s, const struct simulate_opts *o);
void simulate_fini(struct simulate *s);

/* Of a sum; NAN: nothing was estimated. */
double simulate_ms(const struct simulate_sum *s);

#endif
