/* choose.h - which edges answer this client?
 *
 * The one place where a client, a pool and the state of the edges become an answer. The way:
 * pins by net, ASN, region, country, continent, the strongest first; then the pool's policy;
 * then, when no edge may answer, its all-down rule. What is consulted on the way narrows the
 * scope; what is not, does not.
 *
 * Explaining is the same walk with a trace to fill. Any thread; no allocation, no lock.
 */
#ifndef STEER_CHOOSE_H
#define STEER_CHOOSE_H

#include "dns/name.h"
#include "steer/standing.h"
#include "steer/steer.h"

/* Whose turn it is in a pool that takes turns: one of these per worker, pool and what is asked for:
 * A, AAAA, anything else. */
enum { CHOOSE_TURNS = 3 };
struct choose_turn {
	uint32_t count; /* turns so far, modulo `sum` */
	uint32_t sum; /* of the weights of the edges that take part; when it changes, the count
			 starts anew */
	uint32_t stride; /* coprime to `sum` */
};

/* What is different at the name, whatever its pool says. Zeroed: nothing. */
struct choose_own {
	bool one;       /* this edge answers alone, whatever its state and the pool's choice: */
	uint16_t edge;  /* ... its number; UINT16_MAX: there is none such */
	bool has_ttl;   /* the pool's `ttl` is this: */
	uint8_t answers; /* 0: as the pool has it */
	uint32_t ttl_least_s, ttl_most_s;
};

struct choose_ask {
	const struct steer *steer;
	const struct standing *standing; /* of the edges, now */
	uint64_t now_us;                 /* monotonic */
	uint16_t pool;
	bool v6;         /* AAAA is asked for, else A */
	uint32_t record; /* another type is: its bit of steer_can(); else 0 */
	bool has_subnet; /* the client subnet that the query carries, plain (addr_plain()) */
	struct addr subnet;
	struct addr source;       /* where the query came from, plain */
	uint8_t via; /* enum pool_via */
	uint32_t now_s;           /* for exploration: any clock that goes on */
	struct choose_turn *turns; /* [pool * CHOOSE_TURNS], changed; NULL: nobody's turn is taken */
	bool peeks;                /* ... is looked at, and stays as it is */
	const uint8_t *name;      /* asked for: wire, lower case */
	unsigned name_len;
	struct choose_own own;
	/* Filled by choose_fetch(): the map in which the client was looked up, and as what; NULL: it was not. */
	const struct netmap *placed;
	struct netmap_hit place;
};

struct choose_trace;

/* Why the first edge of an answer is that one, for counting. */
enum choose_why {
	WHY_BEST, /* by the pool's policy */
	WHY_PINNED,
	WHY_SHED,     /* a nearer one is too full, or takes a share only */
	WHY_EXPLORED, /* it was the group's turn to try another */
	WHY_FAILOVER, /* one that goes before it may not answer */
	WHY_TURN,
	WHY_AFFINITY,
	WHY_ALL_DOWN,
	CHOOSE_WHYS
};
const char *choose_why_text(enum choose_why w);

enum { CHOICE_AS_IF_UP = UINT16_MAX }; /* the edge answers though it may be down */
struct choice {
	unsigned n;                        /* edges chosen; 0 is NODATA */
	bool for_now;                      /* ... since edges are down or drained */
	uint16_t edges[POOL_ANSWERS_MOST]; /* the best first; one with a cname stands alone */
	const uint64_t *alive; /* of all rows: choice_alive() */
	unsigned words;        /* ... a row */
	uint16_t rows[POOL_ANSWERS_MOST]; /* of each edge; CHOICE_AS_IF_UP */
	enum choose_why why;
	bool by_chance; /* a turn or the moment decided: the same client may get another */
	bool passes; /* time alone changes it, or how long it holds, without a publication */
	bool by_source; /* where the query came from played a part, though it carries a subnet */
	uint16_t pool;   /* that has chosen: the one asked for, or one that stands in for it */
	uint16_t form;   /* the pool whose services are answered with: the innermost that has any */
	struct addr who; /* whom it looked at */
	const struct place *place; /* where that is, for a template; NULL */
	uint32_t asn;              /* the number of its AS, likewise; 0 */
	uint32_t ttl_most_s;
	uint64_t demand; /* the key under which the query counts (demand.h); 0: none */
	bool refused;    /* the pool has no answer for this client, by a rule */
	bool by_subnet;  /* the subnet played a part */
	unsigned scope;  /* bits of the subnet's family that the choice depends on */
};

/* standing_address(): which addresses of its edge `i` to answer with; NULL: all. */
static inline const uint64_t *choice_alive(const struct choice *c, unsigned i)
{
	return c->rows[i] == CHOICE_AS_IF_UP ? NULL : c->alive + (size_t)c->rows[i] * c->words;
}

/* Asks the memory for what choose() will read about the client, in steps that wait for each
 * other: 0 to CHOOSE_STEPS - 1. */
enum { CHOOSE_STEPS = NETMAP_STEPS + 2 };
void choose_fetch(struct choose_ask *ask, unsigned step);

/* `trace` is NULL unless somebody wants to know why. */
struct choice choose(const struct choose_ask *ask, struct choose_trace *trace);

/* --- why ---------------------------------------------------------------------------------- */

enum choose_verdict {
	CHOSEN,
	PASSED_DOWN,
	PASSED_DRAIN,
	PASSED_NO_ADDRESS,
	PASSED_SPREAD,
	PASSED_ENOUGH,
	PASSED_TURN,
	PASSED_LINK,
	PASSED_PLACE,
	PASSED_SHED,
	PASSED_RAMP,
	PASSED_CNAME
};

const char *choose_verdict_text(enum choose_verdict v);

enum choose_by {
	BY_PIN,
	BY_RANK,
	BY_ORDER,
	BY_SHARE,
	BY_DEFAULT,
	BY_TRIAL,
	BY_TURN,
	BY_MEASURE,
	BY_LINKS,
	BY_AFFINITY,
	BY_SHED,
	BY_ALL_DOWN,
	BY_FIRST,
	BY_NAME
};

/* One list of edges that was gone through, in its order. */
struct choose_step {
	uint16_t pool;
	enum choose_by by;
	const struct pool_pin *pin; /* BY_PIN */
	bool members; /* of a pool of pools: `edges` are positions among its members */
	unsigned n;
	uint16_t edges[POOL_EDGES_MOST];
	uint8_t verdicts[POOL_EDGES_MOST];
};

enum { CHOOSE_STEPS_MOST = 32 };

struct choose_trace {
	struct addr who;     /* the address that decided */
	bool by_source;      /* it is the query's source address */
	bool subnet_local;   /* ... because the subnet is not a global one */
	uint32_t place;      /* number in the atlas, 0 when unknown */
	unsigned place_bits; /* of `who`'s family: the net that the GeoIP file has the place for
			      */
	uint32_t asn;        /* index in the atlas's asns, 0 when unknown */
	bool staged;         /* by who asks: the tables are those of a stage */
	uint8_t name[NAME_MOST]; /* by who asks: the name that is handed to the pool */
	struct choose_own own;
	bool record;         /* what is asked for is no address */
	const char *young;   /* the TTL is as long as the pool of this name has been steady; NULL; borrowed of the steer */
	bool timed;          /* the TTL ends where hours of a rule begin or end */
	bool shaky;          /* the TTL ends where an edge's state can change */
	unsigned n;
	struct choose_step steps[CHOOSE_STEPS_MOST];
};

#endif
