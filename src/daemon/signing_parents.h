/* signing_parents.h - the nameservers of parent zones are asked which DS records they have.
 *
 * Loop; a job asks, over TCP, one zone after the other.
 */
#ifndef DAEMON_SIGNING_PARENTS_H
#define DAEMON_SIGNING_PARENTS_H

#include "daemon/key_ring.h"
#include "daemon/publish.h"
#include "dns/name.h"

struct conf_dnssec;
struct signing_parents;

/* `news` is called when a zone's DS is another than before. */
struct signing_parents *signing_parents_new(struct jobs *jobs, struct publisher *publisher,
	struct key_ring *ring, void (*news)(void *ctx), void *ctx);
void signing_parents_free(struct signing_parents *p); /* NULL is fine */

/* Zones to be asked for. Made by a job, in its scope. */
struct signing_parents_list {
	struct signing_parents_zone {
		uint8_t apex[NAME_MOST];
		const struct conf_dnssec
			*policy; /* of the configuration that is held beside the list */
	} * zones;
	size_t n, room;
};
void signing_parents_add(
	struct signing_parents_list *l, const uint8_t *id, const struct conf_dnssec *policy);

/* Takes the list; what it points to is of the configuration of `parts`, which is held as long
 * as needed. While others are still asked for, they are asked at the next occasion. */
void signing_parents_ask(
	struct signing_parents *p, struct signing_parents_list *l, const struct parts *parts);

#endif
