/* compose.h - what was found becomes the sections of an answer.
 *
 * Holds the message while it is written and where in it the names stand that later records
 * point to. An RRset goes in whole, with its signatures when they are asked for, or not at all;
 * the first that is needed and does not fit sets TC (RFC 2181 section 9).
 */
#ifndef ANSWER_COMPOSE_H
#define ANSWER_COMPOSE_H

#include "answer/answer.h"
#include "dns/query.h"
#include "dns/writer.h"
#include "zone/denial.h"

enum { COMPOSE_PROOFS = ANSWER_CHAIN_MOST + DENIAL_MOST, COMPOSE_RR_FIXED = 12 };

struct compose {
	struct writer w;
	struct answerer *by;
	const struct addr *source; /* who asks, as it came; has it been `proven`? */
	const struct query *q;
	struct edns_reply edns;
	unsigned rcode;
	uint16_t flags; /* FLAG_AA, FLAG_TC */
	enum policy_class class;
	size_t most;              /* bytes that the message may have */
	size_t kept;              /* ... of these, behind it */
	uint32_t negative_most_s; /* what is not there now may be there so soon */
	bool dnssec;              /* signatures and proofs are wanted */
	bool silent;              /* nothing is said yet */
	bool refused;             /* a pool refuses this client */
	bool failed;              /* what would have to be said cannot be: SERVFAIL, or nothing */
	bool proven;

	const struct zone_rrset *dnames[ANSWER_CHAIN_MOST + 1]; /* those written so far */
	unsigned n_dnames;

	const struct zone *zone;
	struct hash_key key;
	struct zone_name *name; /* the name at work: the question's, or where a chain has led */
	uint8_t target[NAME_MOST]; /* its bytes, once a chain was followed */
	size_t name_at, apex_at;   /* where they stand in the message */
	unsigned made;  /* so many of its labels are not what the owner in the image has: those
			   that  a wildcard stands for; else 0 */
	size_t last_at; /* where the record or RRset that was written last starts */

	/* NSEC and NSEC3 owners for the authority section, gathered along the chain. */
	struct compose_link {
		const struct zone *zone;
		const struct zone_node *node;
		size_t apex_at;
		uint16_t without; /* of the types in its bitmap this one is not there for now; 0 */
	} proofs[COMPOSE_PROOFS];
	unsigned n_proofs;
};

/* Header and question, and room kept for the OPT record that `c->edns` asks for. */
void compose_start(struct compose *c, const struct answer_ask *ask, const struct query *q);

/* Keeps room for so many bytes behind the message: its signature. A client that has less room than
 * the question, OPT and that take gets more than it asked for. */
void compose_keep(struct compose *c, size_t len);

/* The zone whose records come next; `c->name` is at or below its apex. */
void compose_zone(struct compose *c, const struct zone *z);

/* All of these: false when TC was set instead. */

/* An RRset of the name at work; with `skip`, of the name that starts at its label `skip`. */
bool compose_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip);

/* All that a node has of a type (RRSIG; QTYPE ANY: all there is). */
bool compose_node(struct compose *c, const struct zone_node *n, uint16_t qtype);

/* One RRset for QTYPE ANY (RFC 8482 section 4.1). */
bool compose_any(struct compose *c, const struct zone_node *n);

/* A DNAME that redirects the name at work: once in an answer, however often a chain comes by.
 */
bool compose_dname(struct compose *c, const struct lookup *l);

/* A CNAME record of the name at work that the zone does not have. */
bool compose_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s);

/* Goes on at the target of the CNAME that was written last. False when no pointer reaches to
 * the end of that in the message. */
bool compose_follow(struct compose *c);

/* What DNAME makes of the name at work; false when that is over 255 bytes (RFC 6672
 * section 2.2: YXDOMAIN). */
bool compose_dname_target(
	const struct compose *c, const struct lookup *l, uint8_t to[static NAME_MOST]);

/* OPT and the header's bits. Returns the length. */
size_t compose_finish(struct compose *c);

/* Takes all sections and TC back: the answer of a server that has nothing to say but its RCODE
 * and flags. */
void compose_clear(struct compose *c);

/* --- for sections.c ----------------------------------------------------------------------- */

/* Writes an RRset of the name at work from its label `skip` on, with its signatures, when both
 * fit. */
bool compose_put_own(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip);

/* Copies an RRset in whose RDATA nothing is compressed, with its signatures, when both fit.
 * `owner_at` is where its owner stands. */
bool compose_put(struct compose *c, enum writer_section s, const struct zone_rrset *set,
	size_t owner_at);

/* The same for the node of a proof, whose name stands nowhere yet: it is written out. */
bool compose_put_named(struct compose *c, enum writer_section s,
	const struct compose_link *link, const struct zone_rrset *set);

/* Where in the message the part of the name at work stands that starts at its label `skip`. */
size_t compose_position(const struct compose *c, unsigned skip);

/* The name at `at` of the message, its pointers followed, in lower case. */
void compose_read_name(const struct compose *c, size_t at, uint8_t to[static NAME_MOST]);

#endif
