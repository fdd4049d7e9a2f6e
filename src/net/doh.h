/* doh.h - a connection that speaks DNS over HTTPS (RFC 8484), by HTTP/2 or HTTP/1.1.
 *
 * Bytes that have come go in, bytes to send come out, and in between queries are answered, by who owns the
 * connection: it does the reading and writing. What a client may have waiting here is bounded, and a client that
 * has other things done than being answered is sent away. One thread.
 */
#ifndef NET_DOH_H
#define NET_DOH_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DOH_MESSAGE_MOST = 4096, /* bytes of a query */
	DOH_HEADER_MOST = 8192,  /* of a request's header: names and values; a GET has its query in it */
	DOH_STREAMS = 100,       /* requests at once of a connection */
	DOH_PENDING = 256 << 10, /* bytes of answers that a client has asked for and does not take */
	DOH_DATE = 30,
	DOH_READ = 4096,         /* bytes that go in at a time */
	DOH_GIVEN_MOST = 17 << 10 /* that may come out beyond what is enough, of HTTP/2 */
};

struct doh_query {
	const uint8_t *packet;
	size_t len;
	const struct addr *client; /* by a proxy's header, where that is believed; NULL: who is connected */
};

struct doh_answer {
	const uint8_t *packet; /* good until the next one */
	size_t len;            /* 0: it was no query */
	bool is_private;       /* others may be answered otherwise */
	const char *date;      /* now, as HTTP has it (DOH_DATE bytes with its NUL) */
};

struct doh_opts {
	const char *path; /* "/dns-query" */
	bool forwarded;   /* X-Forwarded-For is believed */
	void *ctx;
	struct doh_answer (*answer)(void *ctx, const struct doh_query *q);
};

struct doh;

/* `opts` is borrowed. With `two` it is HTTP/2; else the first bytes tell. NULL: no memory. */
struct doh *doh_new(const struct doh_opts *opts, bool two);
void doh_free(struct doh *d);

/* Takes what has come, DOH_READ bytes at most; only when nothing waits to be given. False: nothing more is taken from
 * this client, and once all is given it is to be closed. */
bool doh_take(struct doh *d, const uint8_t *bytes, size_t len);

/* Answers what waits and writes what is to be sent, until it is `enough` or there is no more. `room` is `enough`, the
 * longest answer, and DOH_GIVEN_MOST. Returns how much. */
size_t doh_give(struct doh *d, uint8_t *to, size_t enough);

/* May doh_give() give something? */
bool doh_has_more(const struct doh *d);
/* Nothing more is taken, as after doh_take() has said so. */
bool doh_is_over(const struct doh *d);

/* Requests that were not answered with a message, since the last call. */
uint64_t doh_take_refused(struct doh *d);

#endif
