/* compose.h - what was found becomes the sections of an answer.
 *
 * Holds the message while it is written and where in it the names stand that later records
 * point to. An RRset goes in whole or not at all; the first that is needed and does not fit
 * sets TC (RFC 2181 section 9).
 */
#ifndef ANSWER_COMPOSE_H
#define ANSWER_COMPOSE_H

#include "answer/answer.h"
#include "dns/query.h"
#include "dns/writer.h"
#include "zone/lookup.h"

struct compose {
	struct writer w;
	const struct query *q;
	bool ecs; /* the client subnet is echoed */
	unsigned scope;
	unsigned rcode;
	uint16_t flags; /* FLAG_AA, FLAG_TC */

	const struct zone_rrset *dnames[ANSWER_CHAIN_MOST + 1]; /* those written so far */
	unsigned n_dnames;

	const struct zone *zone;
	struct hash_key key;
	struct zone_name name; /* the name at work: the question's, or where a chain has led */
	uint8_t target[NAME_MOST]; /* its bytes, once a chain was followed */
	size_t name_at, apex_at;   /* where they stand in the message */
};

/* Header and question, and room kept for the OPT record. */
void compose_start(struct compose *c, const struct answer_ask *ask, const struct query *q);

/* The zone whose records come next; `c->name` is at or below its apex. */
void compose_zone(struct compose *c, const struct zone *z);

/* All of these: false when TC was set instead. */

/* An RRset of the name at work; with `skip`, of the name that starts at its label `skip`. */
bool compose_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip);

/* All that a node has, for QTYPE ANY; or its RRSIGs. */
bool compose_node(struct compose *c, const struct zone_node *n, uint16_t qtype);

/* NS of a cut and the addresses that the zone has for them. */
bool compose_referral(struct compose *c, const struct lookup *l);

/* The SOA that says for how long a name or type does not exist. */
bool compose_negative(struct compose *c);

/* The chosen edges' addresses, or the CNAME of the only one. */
bool compose_edges(
	struct compose *c, const struct steer *s, const struct choice *choice, uint32_t ttl_s);

/* A DNAME that redirects the name at work: once in an answer, however often a chain comes by.
 */
bool compose_dname(struct compose *c, const struct lookup *l);

/* A CNAME record of the name at work that the zone does not have. */
bool compose_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s);

/* Goes on at the target of the CNAME that was written last. False when it is not in this zone.
 */
bool compose_follow(struct compose *c);

/* What DNAME makes of the name at work; false when that is over 255 bytes (RFC 6672
 * section 2.2: YXDOMAIN). */
bool compose_dname_target(
	const struct compose *c, const struct lookup *l, uint8_t to[static NAME_MOST]);

/* OPT and the header's bits. Returns the length. */
size_t compose_finish(struct compose *c);

#endif
