/* pool.h - a pool: which edges may answer for a name, and by what rule.
 */
#ifndef STEER_POOL_H
#define STEER_POOL_H

#include "base/addr.h"
#include "measure/latency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POOLS_MOST = 65535,
	POOL_NAME_MOST = 255, /* it is a character-string in EDGE's RDATA */
	POOL_EDGES_MOST = 1024,
	POOL_LINKS_MOST = 4, /* of a chain of policies */
	POOL_ANSWERS_MOST = 16,
	POOL_DEPTH_MOST = 8, /* of pools in pools */
	POOL_SHARE = 1000000 /* of shares: the whole */
};

enum pool_policy {
	POOL_NEAREST,
	POOL_ROUND_ROBIN,
	POOL_WEIGHTED,
	POOL_LEAST_LATENCY, /* by the probes' round-trip times */
	POOL_LEAST_LOAD,    /* by the load that edges tell their probes */
	POOL_ORDERED,       /* the first that may answer */
	POOL_HASH           /* by weight, and a key (AFFINITY_...) keeps what it has */
};

/* Do the weights of its members count? */
static inline bool pool_policy_weighs(enum pool_policy p)
{
	return p == POOL_WEIGHTED || p == POOL_HASH;
}

const char *pool_policy_text(enum pool_policy p);
bool pool_policy_parse(enum pool_policy *p, const char *text, size_t len);

/* A link of a chain that others follow: of the edges that are left it lets those through that
 * are within so much of its best. */
struct pool_link {
	enum pool_policy policy;        /* NEAREST, LEAST_LATENCY or LEAST_LOAD */
	double within_ms, within_share; /* INFINITY: any */
};

/* What keeps going to the same edge, as long as that may answer. */
enum pool_affinity {
	AFFINITY_NONE = 0,
	AFFINITY_NAME = 1,
	AFFINITY_CLIENT = 2,
	AFFINITY_BOTH = AFFINITY_NAME | AFFINITY_CLIENT
};

/* Of a pool: an edge, or another pool, which chooses among its own. */
struct pool_member {
	bool is_pool;
	uint16_t number; /* of the edge or pool */
	uint16_t weight; /* in weighted pools, of what the shares leave */
	int8_t bias;     /* of an edge: EDGE_BIAS_MOST */
	uint32_t share;  /* of POOL_SHARE: so much of all goes there; 0: it has none */
	uint16_t probe;  /* of an edge, here: 1 + its number in the configuration; 0: as elsewhere */
};

/* Of a pool in order that had to go to a later member: when an earlier one that may answer again
 * does so. */
enum pool_fail_back {
	POOL_BACK_AUTO,   /* at once */
	POOL_BACK_MANUAL, /* when the operator says so */
	POOL_BACK_AFTER   /* once it could for so long */
};

/* What is answered when no edge of the pool can be. */
enum pool_all_down {
	POOL_ALL,   /* as if all were up: the fault may be ours */
	POOL_FIRST, /* the first of the pool's edges */
	POOL_OTHER, /* as another pool would */
	POOL_EMPTY  /* NODATA */
};

enum pool_pin_kind {
	PIN_NET,
	PIN_ASN,
	PIN_CITY,
	PIN_REGION,
	PIN_COUNTRY,
	PIN_CONTINENT,
	PIN_RULE, /* of several conditions */
	PIN_DEFAULT, /* whom no other is for */
	PIN_KINDS
}; /* the strongest first */

/* What a pool answers to questions for a service at its names (RFC 9460): the RDATA but for the
 * hints, which are the addresses that the client would get. In ServiceMode, of the name itself. */
enum pool_service { POOL_HTTPS, POOL_SVCB, POOL_SERVICES };

struct pool_form {
	const uint8_t *front;  /* priority, ".", parameters in front of ipv4hint; NULL: there is
				  no such answer */
	const uint8_t *middle; /* parameters between ipv4hint and ipv6hint */
	const uint8_t *back;   /* ... and behind that */
	uint16_t front_len, middle_len, back_len;
};

/* These clients go to these edges, in this order, while one of them is up. */
struct pool_pin {
	enum pool_pin_kind kind;
	struct prefix net; /* PIN_NET */
	uint32_t asn;      /* PIN_ASN */
	const char
		*code; /* PIN_REGION "US-CA" or "US-California", as the GeoIP file has it,
			* whatever the case; PIN_CITY its English name; PIN_RULE what it says;
			* PIN_COUNTRY "NO", PIN_CONTINENT "EU", upper case */
	const uint16_t *edges; /* numbers of edges of the pool, or of pools in it */
	size_t n;
	bool to_pool;  /* they go to a pool instead, */
	uint16_t pool; /* ... this one */
	unsigned source, line, column; /* where it is written: the number of the file, ... */
};

struct places;
struct place;
struct netmap;
struct hours;

/* How a query comes: bits of 1 << these. */
enum pool_via { POOL_UDP, POOL_TCP, POOL_TLS, POOL_HTTPS_VIA, POOL_QUIC, POOL_VIAS };
enum { POOL_TYPE_A = 1, POOL_TYPE_AAAA = 2 };

/* Of a city, region, country or continent: is the place there? */
bool pool_pin_matches(
	const struct pool_pin *pin, const struct places *places, const struct place *place);

/* Clients: of each kind of condition one must hold. */
struct pool_when {
	const struct pool_pin *conds; /* nets, ASNs, places: only who is told */
	size_t n;
	const struct pool_pin *resolvers; /* nets: where the query comes from */
	size_t n_resolvers;
	struct netmap *const *clients; /* classes of clients: who is in has value 1; borrowed */
	size_t n_clients;
	const struct hours *during; /* one of them is now */
	size_t n_during;
	uint8_t via, types; /* bits; 0: any */
};

/* A pin of several conditions. */
struct pool_rule {
	struct pool_when when, unless; /* `unless` without any: there are no exceptions */
	struct pool_pin to;            /* PIN_RULE: what these clients get */
	bool nobody;  /* ... nothing, */
	bool refused; /* ... not even an answer */
	bool only;    /* when none of it may answer, it answers all the same */
};

/* As configured. Edges are named by their number in the configuration. */
struct pool_opts {
	const char *name;
	bool part;  /* of another, whose members of one priority these are */
	bool split; /* it has such: an answer is one part's */
	const uint16_t *edges; /* no edge twice; without those of pools in it */
	size_t n;
	/* All in their order, the edges again among them; NULL: there are edges only, and they are
	 * as any other pool has them. */
	const struct pool_member *members;
	size_t n_members;
	/* Members that are never chosen, as long as the configuration says so. */
	const struct pool_member *skipped;
	size_t n_skipped;
	struct pool_link links[POOL_LINKS_MOST - 1]; /* that narrow, before `policy` orders */
	unsigned n_links;
	enum pool_policy policy;
	enum pool_affinity affinity;
	double bound; /* with affinity: no edge is to have more than so many times its part of the
			 queries, where it can be known (pool_has_bound()); 0: whatever comes */
	enum pool_fail_back fail_back; /* POOL_ORDERED */
	uint32_t fail_back_ms;         /* POOL_BACK_AFTER */
	unsigned answers; /* 1 to POOL_ANSWERS_MOST */
	bool pairs; /* names that wildcards of it make are asked for once: who asks is noted, to learn who is behind a resolver */
	double cost_ms; /* so much a unit of an edge's cost counts for; 0: nothing */
	enum latency_kind goal; /* what is to be short, of nearest pools */
	double spread_ms; /* edges within so many ms of the best may answer too; INFINITY: any
			   */
	double spread_share; /* ... or within this share of the best's time (0.1 is 10 %);
				INFINITY: any */
	unsigned ttl_min_s,
		ttl_max_s; /* the answer's TTL stays inside; 0 and UINT32_MAX when not given */
	enum pool_all_down all_down;
	uint16_t other;   /* POOL_OTHER: number of the pool */
	unsigned probe;   /* 1 + its number in the configuration; 0: none */
	unsigned up_when; /* an edge is up when so many of its addresses are; 0: all of them */
	/* As a member of a pool it is up while so many of its edges are, and such a share. */
	unsigned least_up;
	double least_share;
	unsigned least_a, least_aaaa; /* ... and so many of them with an address of that type */
	bool apart; /* a type whose addresses are all down is answered as all_down says, though the other is up */
	double panic_share; /* with fewer of its edges up, no probe is trusted; 0: never */
	const uint16_t *fallback; /* `default`: order for clients that nobody knows, the rest of
				     `edges` follows */
	size_t n_fallback;        /* 0 where there are members: by their order */
	const struct pool_pin *pins;
	size_t n_pins;
	const struct pool_rule *rules; /* before all pins */
	size_t n_rules;
	struct pool_form forms[POOL_SERVICES];
};

/* Is it passed over as a member with too few of its edges up? */
static inline bool pool_has_least(const struct pool_opts *o)
{
	return o->least_up || o->least_share > 0 || o->least_a || o->least_aaaa;
}

/* Are the edges that a key could go to known without the client? In a chain, or with a share of a time, they are not. */
bool pool_has_bound(const struct pool_opts *o);

#endif
