/* message.h - a message of another nameserver is read, record by record.
 *
 * Foreign bytes: nothing outside of them is read, whatever they say; pointers only lead back
 * (RFC 1035 section 4.1.4), so that no name is endless. Any thread; nothing is allocated.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "dns/name.h"
#include "dns/query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_RDATA_MOST = 65535 };

struct message {
	const uint8_t *bytes; /* borrowed */
	size_t len, at;       /* `at` is where the next record starts */
	uint16_t id, flags;
	unsigned left[3]; /* records of the answer, authority and additional sections */
	uint8_t qname[NAME_MOST]; /* as it came */
	uint16_t qtype, qclass;   /* 0: there was no question */
	const char *wrong;        /* what is wrong with it, once something is */
};

struct message_rr {
	uint8_t owner[NAME_MOST]; /* lower case */
	uint16_t type, class;
	uint32_t ttl_s;
	const uint8_t *start; /* where it stands in the message, its owner first */
	const uint8_t *rdata; /* as it came: names in it may be compressed */
	uint16_t rdlen;
};

/* Header and question. False, with `m->wrong`, when it is no message or has several questions. */
bool message_open(struct message *m, const uint8_t *bytes, size_t len);

/* The next record, and in which section it stands (0 to 2). False at the end, or when something is
 * wrong with it: then `m->wrong` says what. */
bool message_next(struct message *m, struct message_rr *rr, unsigned *section);

/* The record's RDATA with the names in it written out, of the types where others may have
 * compressed them (RFC 1035; RFC 3597 section 4 has more that receivers take). `to` has room
 * for MESSAGE_RDATA_MOST bytes. Returns its length; -1, with `m->wrong`, when it is not what
 * its type says. */
int message_rdata(struct message *m, const struct message_rr *rr, uint8_t *to);

/* The name at `*at`, pointers followed; `*at` then is behind it. Its length; 0: wrong. */
size_t message_name(const struct message *m, size_t *at, uint8_t to[static NAME_MOST]);

/* The TSIG record of a message, if it is its last: for tsig_verify() and its like. */
bool message_tsig(const struct message_rr *rr, struct query_tsig *to);

#endif
