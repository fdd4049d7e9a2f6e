/* steer.h - all edges and pools of a world, ready to choose from.
 *
 * Built from options and an atlas on the control thread; immutable then, shared by count. Edges
 * and pools are known by their number in the configuration.
 */
#ifndef STEER_STEER_H
#define STEER_STEER_H

#include "base/arena.h"
#include "base/numbers.h"
#include "geo/atlas.h"
#include "steer/edge.h"
#include "measure/explore.h"
#include "steer/pool.h"
#include "measure/rank_front.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which types an edge or a pool can be answered with: A, AAAA, and a bit for each type that some
 * edge has records of. An edge that is a CNAME answers for all. */
enum { CAN_A = 1, CAN_AAAA = 2, CAN_FIRST_RECORD = 4 };

struct edge {
	const char *name;
	uint16_t origin; /* the edge that it is, in one pool, with other addresses or records; of all
			  * other edges their own number. What is measured is the origin's */
	const char *called; /* the origin's name: what probes, files and operators know it by */
	uint32_t can;
	const uint8_t *flatten; /* wire, or NULL: whose addresses it has */
	uint32_t ttl_most_s;    /* of answers with it: as long as those hold; UINT32_MAX */
	bool unresolved;        /* nobody has said yet which these are */
	bool placed;
	double lat, lon;
	const uint8_t *a;    /* n_a times 4 bytes, as in RDATA */
	const uint8_t *aaaa; /* n_aaaa times 16 */
	uint16_t n_a, n_aaaa;
	uint32_t first_address; /* number of its first A among all addresses; AAAA follow */
	uint16_t n_slots; /* addresses; without any, points that its probes ask: numbers of
			   * these, too, begin with `first_address` */
	const struct edge_point *points; /* [n_slots]; NULL: nobody probes it */
	const uint8_t *cname;   /* wire, or NULL; there are no addresses then */
	uint16_t cname_len;
	const uint8_t *template; /* wire, or NULL: the cname is made of this for each client; what is
				  * above is for who is nowhere known */
	const struct edge_record *records; /* [n_records] as its options have them */
	uint16_t n_records;
	uint16_t weight;
	uint64_t hash;              /* of the name: the same in every server and for good */
	const uint16_t *needs;      /* [n_needs] numbers of edges: without them it is down */
	unsigned n_needs;
	enum edge_state state;      /* as configured */
	double capacity, low, high; /* edge.h */
	unsigned slow_start_ms;
};

struct rules;

/* The edges that some clients are sent to before all others. Numbers of edges. */
struct pool_pinned {
	const struct pool_pin *from;
	const uint16_t *edges;
	const uint16_t *holders; /* [n] the pools by whose probes they are up; NULL: this one */
	unsigned n;
	bool matches; /* some client of the GeoIP data, or a net */
};

/* An edge of a pool of pools, on one way to it. */
struct pool_leaf {
	uint16_t edge;
	uint16_t holder; /* the pool that has it itself: its probe says whether it is up */
	uint16_t member; /* that it is reached through */
};

/* What a pool of pools has beside. */
struct pool_tree {
	const struct pool_member *members;
	unsigned n;
	const uint32_t *units; /* [n] of `whole`: the shares; 0: it has none */
	uint32_t whole;        /* 0: no member has a share */
	const struct pool_leaf *leaves; /* by members; of each its own default order */
	unsigned n_leaves;
	const uint16_t *holders; /* [pool->n] of pool->edges: of the first way to each */
	/* The nearest of all below is the nearest member's nearest, and nobody on the way says
	 * anything else: it is chosen from as a pool of edges is. */
	bool merged;
	bool looks; /* what some member answers depends on where the client is */
	bool draws; /* ... and turns or shares decide which: the client's net is looked up, too */
};

struct pool {
	const char *name;
	const uint16_t *edges; /* numbers of edges, none twice; of a pool of pools all below it */
	unsigned n;
	const uint16_t *weights;      /* [n] */
	struct pool_tree *tree;       /* NULL: all members are edges */
	const struct pool_member *skipped; /* [n_skipped] that are never chosen, to be told of */
	unsigned n_skipped;
	struct pool_link links[POOL_LINKS_MOST - 1];
	unsigned n_links;
	enum pool_policy policy;
	enum pool_affinity affinity;
	enum latency_kind goal;
	double bound; /* pool.h */
	unsigned answers;
	bool part, split, pairs; /* pool.h */
	enum pool_fail_back fail_back;
	uint32_t fail_back_ms;
	uint32_t ttl_least_s, ttl_most_s;
	double spread_ms, spread_share, panic_share, least_share;
	unsigned least_up; /* ... of its edges, to be up as a member */
	unsigned least_a, least_aaaa; /* ... with an address of that type */
	bool apart;                   /* pool.h */
	enum pool_all_down all_down;
	uint16_t other;
	uint16_t reads; /* itself, or the pool in it that looks for the client's place first */
	bool sheds; /* an edge of it may be too full, and its rank knows what a detour costs */
	uint64_t hash;        /* of the name, as an edge's */
	uint32_t can; /* what some edge can be answered with */
	bool unresolved; /* so is some edge */
	bool only_cnames;  /* no edge has addresses: the name is a CNAME, whatever the type */
	struct rank *rank; /* where a link is POOL_NEAREST; else NULL. Of a tree: of its leaves */
	struct rank_front *front; /* of `rank`, where nothing but who comes first is asked of most clients; or NULL */
	struct pool_form forms[POOL_SERVICES];

	struct rules *rules; /* NULL: none */
	bool asks_place;     /* some pin or rule asks for the place itself */
	bool by_place; /* a client's class is its place's, and of its net nothing else is asked */
	struct pool_pinned *pins;
	unsigned n_pins;
	unsigned pin_default; /* pin + 1; 0: there is none */
	struct netmap *nets;  /* value: pin + 1; NULL without pins by net */
	uint32_t *pin_of_asn; /* [index in the atlas's asns] pin + 1, 0 for none; NULL without
				 pins by ASN */
	struct netmap_seams *asn_seams;
	uint32_t *pin_of_place; /* [place number] pin + 1, 0 for none; NULL without pins by
				   place */
	struct netmap_seams *place_seams;

	/* Pools that may answer through this one, by members, pins and rules, and say a TTL: as long as what they have not is to
	 * be kept. Those that can say least first; none that never says less than another. */
	const uint16_t *below;
	unsigned n_below;
};

struct steer {
	unsigned refs; /* atomic */
	struct arena mem;
	struct atlas *atlas;        /* held */
	struct client_map *clients; /* held; what the ranks stand on */
	struct explore explore;
	struct edge *edges;
	unsigned n_edges;
	unsigned n_origins; /* of those the first so many, which are nobody's role */
	uint32_t n_addresses; /* slots of all edges */
	bool has_needs;       /* some edge needs another */
	uint16_t record_types[EDGE_RECORD_TYPES_MOST]; /* that edges have records of, ascending */
	unsigned n_record_types;
	bool flattens; /* some edge does */
	struct netmap_seams *places; /* by country and continent, where a template has them; NULL */
	struct netmap_seams *asns; /* by AS number, likewise */
	struct pool *pools;
	unsigned n_pools;
	unsigned n_named; /* of those the first so many, that are not part of another */
	struct hours *hours; /* [n_hours] that rules ask for */
	unsigned n_hours;
	struct numbers edge_numbers, pool_numbers; /* by name */
};

/* The addresses that a name has. */
struct edge_flat {
	bool known;
	const uint8_t *a, *aaaa; /* as an edge's */
	uint16_t n_a, n_aaaa;
	uint32_t ttl_s;
};

struct steer_opts {
	const struct edge_opts *edges;
	size_t n_edges;
	const struct pool_opts *pools;
	size_t n_pools;
	const struct steer_measured *measured; /* NULL: nothing is */
	/* [n_edges] of those that flatten a name. NULL: as in the steer before. */
	const struct edge_flat *flats;
};

/* What is measured, and what follows from it. */
struct steer_measured {
	const struct latency *table; /* edges have the configuration's numbers; read until
				      * steer_new() returns */
	uint32_t now_s;
	struct rank_switch change;
	struct explore explore;
	double close_ms; /* so much more may an edge cost that is tried; 0: none is */
};

/* `before` (may be NULL) is what is replaced: its ranks are shared where nothing about them
 * changed, and where something did, the choice still changes only by enough (rank.h). Never
 * NULL. Any thread, as long as nobody else changes what is borrowed. */
struct steer *steer_new(
	const struct steer_opts *opts, struct atlas *atlas, const struct steer *before);
struct steer *steer_hold(struct steer *s);
void steer_drop(struct steer *s);

/* Address `k` of an edge: A first, then AAAA. */
struct addr edge_address(const struct edge *e, unsigned k);

/* Which of the edge's own addresses are alive; NULL: all. Addresses of a flattened name are as its
 * only slot is. */
static inline const uint64_t *edge_alive(const struct edge *e, const uint64_t *alive)
{
	return e->flatten ? NULL : alive;
}

/* Where a probe of slot `k` asks; NULL: nowhere. Lives as long as the edge. */
static inline const struct edge_point *edge_point(const struct edge *e, unsigned k)
{
	return e->points ? &e->points[k] : NULL;
}

/* Do words (forced_matches()) that name an edge mean this one? Its roles are meant with it. */
bool steer_edge_is(const struct steer *s, unsigned edge, const char *words);

/* The edge by which the pool knows `edge`: a role that it has there; or itself, in a pool below; or else as the first
 * pool in it does that has it. */
uint16_t steer_edge_in(const struct steer *s, unsigned pool, uint16_t edge);

/* The bit of a type that edges may have records of; 0: none has any. */
uint32_t steer_can(const struct steer *s, uint16_t type);

/* The records of a type that an edge has; `*n` is how many. */
const struct edge_record *edge_records(const struct edge *e, uint16_t type, unsigned *n);

/* The number of a pool or edge by its name; -1 when there is none. */
int steer_pool(const struct steer *s, const char *name);
int steer_edge(const struct steer *s, const char *name);

#endif
