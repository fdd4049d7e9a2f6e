/* registry.h - every zone that the configuration names: where it comes from and how it is.
 *
 * One entry a zone, in the order of the apexes on the wire; zones are known by their ids (view.h), of which most are apexes. An entry is immutable and shared by
 * count between the registries of one reload and the next, so that what has not changed costs
 * nothing; a registry is immutable, too, and has the set that queries are answered from.
 */
#ifndef ZONE_REGISTRY_H
#define ZONE_REGISTRY_H

#include "base/part.h"
#include "zone/keyset.h"
#include "zone/load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a zone comes from. */
enum registry_source {
	REGISTRY_FILE,
	REGISTRY_STORE,  /* the store, since it was changed; before that, a file */
	REGISTRY_PRIMARY, /* other nameservers: we are a secondary */
	REGISTRY_MADE    /* made here: a catalog */
};

enum registry_state {
	REGISTRY_READY,  /* what its file says is served */
	REGISTRY_FAULTY, /* its file is wrong: what it said before is served on */
	REGISTRY_EMPTY,  /* what it is read from is wrong and was never right: SERVFAIL */
	REGISTRY_WAITS,  /* no primary has been asked for it yet: SERVFAIL */
	REGISTRY_EXPIRED /* no primary was heard for too long: SERVFAIL */
};

/* Of a zone that no configuration names, or that is not what it says: who has added it. Immutable, shared by count. */
struct registry_added {
	struct part part;
	const char *template;   /* its name; "": none */
	const char *file;       /* that it is read from, an absolute path; "": none */
	const uint8_t *catalog; /* the apex (wire, lower case) of the catalog zone whose member it is; NULL:
				 * an operator has added it */
	const uint8_t *label;   /* of a member: its unique label, with its length in front; NULL */
	unsigned uid;           /* the operator's */
	int64_t at_s;           /* UNIX time */
	/* The configuration names it as a secondary, and it has been made a primary here: this goes before that. */
	bool promoted;
};

/* Copies all that it points to. Count 1. */
struct registry_added *registry_added_new(const struct registry_added *like);
bool registry_added_same(const struct registry_added *a, const struct registry_added *b); /* NULL is fine */

static inline void registry_added_drop(struct registry_added *a)
{
	part_drop(a ? &a->part : NULL);
}

struct registry_zone {
	struct part part;
	struct registry_added *added; /* held; NULL: the configuration names it */
	const uint8_t *origin; /* its id: wire, lower case */
	const char *path; /* of its file; "" where it has none */
	struct load load;      /* what is served, and the files that it was read from */
	const char *fault; /* the first, one line; NULL: none */
	struct keyset *keys; /* held: what signs it here, and has signed what is served; NULL: it
			      * comes as it is */
	const struct zone *plain; /* held: of a secondary that is signed here: as its primary has it; NULL */
	int64_t since_s;   /* UNIX time: when it got into its state */
	int64_t loaded_s;  /* UNIX time: when what is served was read; 0: never */
	/* Of a secondary that was stored: when its primary was last heard (UNIX time), and how long that
	 * is good. 0: never. */
	int64_t checked_s;
	uint32_t expire_s;
	enum registry_source source;
	enum registry_state state;
	bool keys_due;  /* of what is served some is still signed by others, or not as it should be */
	bool plain_due; /* what is served is of an older one than `plain` */
};

/* Copies origin, path and fault, holds `added`, `keys` and `plain`, takes `load`. Count 1. */
struct registry_zone *registry_zone_new(const struct registry_zone *like);

/* The same with another version of what is served (taken), `keys` and `keys_due`; ready. Count 1. */
struct registry_zone *registry_zone_with(const struct registry_zone *z, struct zone *now,
	struct keyset *keys, bool keys_due);
/* What `is` serves, by whom that is signed and until when it is good go on in `to`, which has none: the zone is held,
 * as registry_zone_new() takes it. The files that it was read from are not known any more. */
void registry_zone_goes_on(struct registry_zone *to, const struct registry_zone *is);
void registry_zone_drop(struct registry_zone *z);

struct registry {
	struct part part;
	struct registry_zone **zones; /* [n] held by the pages */
	struct registry_page **pages; /* those that registries have in common that differ elsewhere */
	size_t n, n_faulty, n_empty; /* expired ones count as both */
	uint64_t names; /* a hash: which zones there are, with which rules */
	struct zone_set *set;            /* zone i of the set is zones[i]'s */
	struct registry_signed *signeds; /* [n_signeds], those that end first in front */
	size_t n_signeds;
	const struct registry_zone *large; /* one that is not its files', whose zone_wants_merge(); NULL: none */
};

/* A zone with signatures: see struct rrsig_end. */
struct registry_signed {
	int64_t end_s, soon_s;
	const struct registry_zone *zone; /* of the same registry */
};

/* How many zones have signatures that have ended, and how many have such that end soon. */
struct registry_ends {
	size_t ended, soon;
};
struct registry_ends registry_ends(const struct registry *r, int64_t now_s);

/* Takes the array and a count of each of its entries, which ascend. `rules` [n] are copied into
 * the set (zone_set_rule()); NULL: all are 0. NULL when there is no
 * memory; they are let go of then. */
struct registry *registry_new(
	struct hash_key key, struct registry_zone **zones, const uint32_t *rules, size_t n);

static inline struct registry *registry_hold(struct registry *r)
{
	part_hold(&r->part);
	return r;
}

static inline void registry_drop(struct registry *r)
{
	part_drop(r ? &r->part : NULL);
}

/* The same but for `n` of its entries, in any order, each of which takes the place of the one with its
 * apex; such without a place are passed over. Takes a count of each, not the array. NULL: no memory, and
 * they are let go of. */
struct registry *registry_with(
	const struct registry *r, struct registry_zone *const *zones, size_t n);

/* A zone that comes or goes. */
struct registry_change {
	const uint8_t *apex;        /* the id: wire, lower case; borrowed */
	struct registry_zone *zone; /* a count of it, which is taken, replaces what is there or is new;
				     * NULL: it goes */
	uint32_t rule;              /* of one that comes */
};

/* The same with those changes, of which no two are about one apex. They are sorted. NULL: no memory. */
struct registry *registry_changed(
	const struct registry *r, struct registry_change *changes, size_t n);

/* By its id (wire, lower case); NULL. */
struct registry_zone *registry_find(const struct registry *r, const uint8_t *apex);

/* Its number among the entries; r->n when there is none. */
size_t registry_index(const struct registry *r, const uint8_t *apex);

/* The order of entries: that of memcmp() on the wire, shorter first; views stand together, and the zone that is none behind them. */
int registry_compare(const uint8_t *a, const uint8_t *b);

/* "ready", "faulty", "not loaded", "waits", "expired". */
const char *registry_state_text(enum registry_state s);

#endif
