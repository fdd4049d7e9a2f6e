/* transfer.h - a zone goes out to another nameserver: AXFR, and IXFR in its form (RFC 5936, RFC
 * 1995), message by message.
 *
 * A transfer holds its zone as it was when it began, and where it is in it: so it takes as much
 * memory as one message, whatever the zone has, and a slow reader keeps nothing but that image.
 * Nothing is allocated. One thread.
 */
#ifndef ANSWER_TRANSFER_H
#define ANSWER_TRANSFER_H

#include "answer/answer.h"
#include "zone/history.h"

enum {
	TRANSFER_MESSAGE = 16384, /* bytes of a message, but for one RRset that is larger: all
				     of it is in reach of compression pointers */
	TRANSFER_ROOM = 65535
};

struct transfer {
	const struct zone *zone;     /* held; NULL: there is no transfer */
	const struct zone_node *node; /* whose RRsets come next; NULL: all have been */
	const struct zone_rrset *set;
	unsigned sets_left; /* of the node, `set` among them */
	size_t at;          /* the next record of `set`, bytes into its wire */
	/* Changes alone, and where in them it is; NULL: the whole zone. */
	const struct history *history; /* of the zone */
	size_t step;
	struct change_walk walk;
	bool has_record; /* walk.rr is still to be written */
	bool begun, over;
	bool failed; /* there is a record that fits into no message with this signature */
	uint16_t flags; /* of the query */
	uint16_t question_len;
	uint8_t question[QUERY_HEADER + NAME_MOST + 4]; /* header and question of the query */
	struct edns edns;                               /* without what is in the packet */
	struct edns_reply reply; /* its identity is `identity` */
	struct tsig tsig;        /* its key is `key`, or NULL */
	/* Own copies: those of the configuration end with it, at a reload. */
	struct tsig_key key;
	uint8_t key_name[NAME_MOST], secret[TSIG_SECRET_MOST];
	uint8_t identity[POLICY_TEXT];
};

/* Begins one in answer to a query that was allowed to ask for it: of the changes since the serial `*since`
 * where the zone knows them, else (and with NULL) of all of it. Holds the zone; of the packet and the world
 * it keeps nothing. */
void transfer_start(struct transfer *t, const struct answer_ask *ask,
	const struct answer_pending *p, const struct edns_reply *reply, const uint32_t *since);

/* It goes on at another place, `from` is empty. */
void transfer_move(struct transfer *to, struct transfer *from);

/* Writes the next message, of TRANSFER_ROOM bytes at most. Returns its length; 0 when the last
 * one has been written, or the transfer has failed and its connection is to be closed. `now_s`
 * is UNIX time. */
size_t transfer_next(struct transfer *t, uint8_t *to, uint64_t now_s);

/* Lets go of the zone; fine for one that has not begun. */
void transfer_end(struct transfer *t);

#endif
