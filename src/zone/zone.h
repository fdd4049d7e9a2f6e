/* zone.h - a zone as it is served: one compiled, immutable image; and the set of all zones.
 *
 * The image is one run of bytes with offsets instead of pointers. Nodes stand in canonical
 * order (RFC 4034 section 6.1), each followed by its RRsets as they go on the wire, so that a
 * positive answer is one copy. A hash table of lower-cased names, keyed with random words,
 * finds a node in one probe. What is not there by name but by structure is found at load: zone
 * cuts, what they and DNAMEs hide, empty non-terminals, wildcards.
 *
 * How an RRset stands in the image: each RR starts with a two-byte compression pointer to its
 * owner, written as 0xC00C (the question name); names in the RDATA of the types that may be
 * compressed end in a pointer where they share something with their owner or with a name in
 * front of them (ZONE_POINTER_*). Where those pointers stand is listed behind the RRset
 * ("patches"), and whoever writes a message sets them to where that stands in it. Everything
 * else is verbatim.
 *
 * Shared by count between worlds; any thread may read.
 */
#ifndef ZONE_ZONE_H
#define ZONE_ZONE_H

#include "base/bytes.h"
#include "dns/name.h"
#include "zone/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NODE_CUT = 1,    /* NS below the apex: what is here and below belongs to another zone */
	NODE_DNAME = 2,  /* names below are redirected (RFC 6672) */
	NODE_HIDDEN = 4, /* below a cut or a DNAME: glue, or data that nobody sees */
	NODE_WILDCARD = 8, /* has a child "*" */
	NODE_CNAME = 16,
	NODE_EDGE = 32,
	NODE_NSEC3 =
		64, /* the owner of an NSEC3 record: in the image only, no name of the zone */
	NODE_GONE = 128 /* in a delta only: a name that the image has, and the zone no more */
};

/* A name of the zone, at a multiple of 4 in the image. `name` is its labels without those of
 * the apex, in lower case, and without the root; the RRsets follow at the next multiple of 4.
 */
struct zone_node {
	uint16_t rrsets;  /* how many; 0 is an empty non-terminal */
	uint8_t flags;    /* NODE_* */
	uint8_t name_len; /* bytes */
	uint8_t name[];
};

/* In a zone with a chain of NSEC or NSEC3 each node has this right in front of it: which links
 * of the chain speak about it. Offsets of nodes that own an NSEC or NSEC3; 0: there is none.
 * Their lowest bit is set when the link does not match the name but covers it. Hidden nodes
 * have none. */
struct zone_proof {
	uint32_t self; /* about the name itself */
	uint32_t star; /* about the name's child "*" */
};

/* All records of one type at a node, `len` bytes of wire; `patches` 16-bit offsets into the
 * wire follow at the next multiple of 2. Types ascend, but that RRSIGs stand behind the type
 * that they cover. */
struct zone_rrset {
	uint16_t type;
	uint16_t aux; /* RRSIG: the type it covers. EDGE: index in the zone's pool names. Types
			 whose names are compressed: zone_label_bit() of all labels of names
			 that stand right below the owner */
	uint16_t count;
	uint16_t len;
	uint16_t patches;
	uint8_t is_signed; /* 1: its RRSIGs are the next RRset */
	uint8_t names;     /* in the RDATA of each record, that may be compressed */
	uint8_t wire[];
};

/* A pointer as it stands in the image. To the apex, which most are to; to so many labels of the
 * owner, from the root; to another place in the RRset's wire, which is never 0. */
enum { ZONE_POINTER_APEX = 0xc000, ZONE_POINTER_OWNER = 0x8000, ZONE_POINTER_SET = 0xc000 };

/* One bit of 16 for a label, whatever its case: another bit is another label. */
static inline uint16_t zone_label_bit(const uint8_t *label)
{
	return (uint16_t)(1u
		<< ((label[0] + 5u * (label[1] & 31u) + 7u * (label[*label] & 31u)) & 15u));
}

/* A hash slot: 0 is empty. */
struct zone_slot {
	uint32_t tag;
	uint32_t node; /* offset in the image; the image starts with 4 bytes of nothing */
};

enum { ZONE_PLACES = 32 };

struct denial;
struct delta;
struct history;

/* A zone that was made of another by a change may share its image, slots and chain; what is
 * different is in its delta, which is asked first. */
struct zone {
	unsigned refs; /* atomic */
	uint32_t slots_n;
	struct zone_slot *slots;
	uint8_t *image;
	struct delta *delta; /* NULL: there is none */
	const struct zone_node *apex_node;
	const struct zone_rrset *soa_negative; /* SOA with the TTL of negative answers (RFC 2308
						  section 5) */
	uint32_t serial;
	uint16_t pools_n;
	uint8_t apex_len; /* bytes, with the root */
	uint8_t apex_labels;
	uint8_t depth;         /* labels of the deepest name, without the apex's */
	bool edge_named;       /* an EDGE names the edge that answers */
	bool edge_beside;      /* an EDGE stands at the apex or beside other data */
	uint8_t view_len;      /* bytes of the label that its id has in front; 0: it is no view (view.h) */
	uint32_t places_n;
	struct denial *denial; /* its chain of NSEC or NSEC3; NULL: it has none */
	uint64_t apex_hash;
	struct history *history; /* held: the changes that led here; NULL: not known */
	char **pools;       /* names of the pools that EDGE records name, each once */
	uint32_t image_len; /* bytes */
	uint32_t image_end; /* offset of what is behind the last node */
	uint32_t *places;   /* [places_n] offsets of every ZONE_PLACES-th node, in order */
	struct zone *base; /* counted: whose image, slots, chain and places these are; NULL: its
			      own */
	uint32_t records, nodes;                     /* counts, for reports */
	int64_t signatures_end_s, signatures_soon_s; /* struct rrsig_end */
	uint8_t apex[];                              /* wire, lower case; behind it the id of a view */
};

/* Bytes behind a zone: its apex, and its id where that is another. */
static inline size_t zone_tail(const struct zone *z)
{
	return z->apex_len + (z->view_len ? (size_t)z->view_len + z->apex_len : 0);
}

/* The same of one that is to be. */
static inline size_t zone_tail_of(const uint8_t *id)
{
	return name_len(view_apex(id)) + (view_is(id) ? name_len(id) : 0);
}

/* Its id (view.h): where zones are kept, it is known by that. */
static inline const uint8_t *zone_id(const struct zone *z)
{
	return z->view_len ? z->apex + z->apex_len : z->apex;
}

/* Gives apex and id to a zone that has the room. */
void zone_set_id(struct zone *z, struct hash_key key, const uint8_t *id);

/* A zone with that id (wire, any case) that is not ready. Count 1; never NULL. */
struct zone *zone_placeholder(struct hash_key key, const uint8_t *id);

void zone_hold(const struct zone *z);
void zone_drop(const struct zone *z);
size_t zone_bytes(const struct zone *z);

/* False for a zone that could not be read when the server started: it is ours, and that is all
 * that is known of it. */
static inline bool zone_is_ready(const struct zone *z)
{
	return z->image != NULL;
}

static inline const struct zone_node *zone_node_at(const struct zone *z, uint32_t offset)
{
	return (const struct zone_node *)(const void *)(z->image + offset);
}

static inline const struct zone_proof *zone_node_proof(const struct zone_node *n)
{
	return (const struct zone_proof *)(const void *)n - 1;
}

static inline const struct zone_rrset *zone_rrset_at(const struct zone *z, uint32_t offset)
{
	return (const struct zone_rrset *)(const void *)(z->image + offset);
}

static inline const struct zone_rrset *zone_first_rrset(const struct zone_node *n)
{
	return (const struct zone_rrset *)(const void *)((const uint8_t *)n +
		((sizeof *n + n->name_len + 3u) & ~3u));
}

static inline const uint16_t *zone_rrset_patches(const struct zone_rrset *s)
{
	return (const uint16_t *)(const void *)(s->wire + ((s->len + 1u) & ~1u));
}

/* Past the end after the last one: only node->rrsets tells. */
static inline const struct zone_rrset *zone_next_rrset(const struct zone_rrset *s)
{
	const size_t len = ((s->len + 1u) & ~1u) + 2u * s->patches;

	return (const struct zone_rrset *)(const void *)(s->wire + ((len + 3u) & ~(size_t)3u));
}

/* Bytes in front of each node of the image. */
static inline uint32_t zone_in_front(const struct zone *z)
{
	return z->denial ? sizeof(struct zone_proof) : 0;
}

/* What is behind the last RRset of a node. */
static inline const uint8_t *zone_node_end(const struct zone_node *n)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++)
		s = zone_next_rrset(s);
	return (const uint8_t *)s;
}

/* The first RRset of that type, or NULL. */
static inline const struct zone_rrset *zone_find_rrset(const struct zone_node *n, uint16_t type)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (s->type == type)
			return s;
	return NULL;
}

/* The hash of a name is that of the name above it, with its first label added: so one pass from
 * the root hashes a name and all names above it. `label` starts with its length byte. */
static inline uint64_t zone_hash_label(
	struct hash_key key, uint64_t above, const uint8_t *label)
{
	size_t len = *label + 1u;
	uint64_t h = above + len, v;

	for (; len > 8; len -= 8, label += 8) {
		memcpy(&v, label, 8);
		h = hash_mix(h ^ v, key.k1 ^ HASH_STEP);
	}
	return hash_mix(h ^ hash_tail(label, len), key.k1 ^ HASH_STEP);
}

/* Many zones, found by name. Immutable once built; holds its zones; shared by count itself. */
struct zone_set;

/* The zones of `zones` (no id twice), each held by the set from now on. `rules` [n] are
 * numbers that mean something to who made the set, and are copied; NULL: all are 0. Views of one apex are asked by the order of
 * their rules, and the zone that is no view last. Never NULL. */
struct zone_set *zone_set_new(
	struct hash_key key, const struct zone *const *zones, const uint32_t *rules, size_t n);
/* The same but for `n` of them: zone at[i] is zones[i] from now on, another version of the one that is there, with its
 * apex; `at` ascends. What has not changed is shared. Never NULL. */
struct zone_set *zone_set_with(const struct zone_set *set, const size_t *at,
	const struct zone *const *zones, size_t n);
struct zone_set *zone_set_hold(struct zone_set *set);
void zone_set_drop(struct zone_set *set);
size_t zone_set_count(const struct zone_set *set);
const struct zone *zone_set_get(const struct zone_set *set, size_t i);
uint32_t zone_set_rule(const struct zone_set *set, size_t i);

bool zone_set_has_views(const struct zone_set *set);

/* Which is asked after it of those with the same apex; zone_set_count() when it is the last of them. */
size_t zone_set_next(const struct zone_set *set, size_t i);

/* A name with everything that looking it up needs. */
struct zone_name {
	const uint8_t *wire; /* lower case; borrowed */
	unsigned len, labels;
	uint8_t at[NAME_LABELS_MOST + 1]; /* where label i starts; at[labels] is the root's */
	uint64_t hash[NAME_LABELS_MOST +
		1]; /* hash[i] is that of the name that starts at label i */
};

void zone_name_set(struct zone_name *name, struct hash_key key, const uint8_t *lower);

/* The same for a name whose labels are marked. */
void zone_name_put(struct zone_name *name, struct hash_key key, const uint8_t *lower,
	const struct name_marks *marks);

/* Ask the memory for what zone_set_find() will read: the slots, then the zones. */
void zone_set_fetch_slots(const struct zone_set *set, const struct zone_name *name);
void zone_set_fetch_zones(const struct zone_set *set, const struct zone_name *name);

struct hash_key zone_set_key(const struct zone_set *set);

/* The zone whose apex is nearest above `name` (or is it), not counting names that have more
 * than `labels_most` labels: pass name->labels, or one less for the zone above a cut. `*index`
 * (may be NULL) is its number in the set. Of several with that apex the one that is asked first: it is a view
 * where there is any. NULL: none. */
const struct zone *zone_set_find(const struct zone_set *set, const struct zone_name *name,
	unsigned labels_most, size_t *index);

#endif
