/* nameserver.h - another nameserver on the loopback, over TCP, that says what a test wants it to say.
 *
 * It has a thread of its own, since who asks it waits; one connection after the other.
 */
#ifndef UNIT_XFR_NAMESERVER_H
#define UNIT_XFR_NAMESERVER_H

#include "xfr/peer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAMESERVER_ROOM = 8192, NAMESERVER_ASKED = 8 };

struct nameserver {
	struct sockaddr_in at;
	struct peer peer; /* it, unsigned */
	/* In its thread. The bytes to send in the place of an answer, frames and all; 0: it hangs up. */
	size_t (*answer)(void *ctx, const uint8_t *query, size_t len, uint8_t *to);
	void *ctx;
	/* What it was asked, when it is closed or its answer has come: "dsync.test. 66". */
	char asked[NAMESERVER_ASKED][300];
	unsigned n;
	int fd;
	pthread_t thread;
};

void nameserver_open(struct nameserver *s, size_t (*answer)(void *ctx, const uint8_t *query, size_t len, uint8_t *to), void *ctx);
void nameserver_close(struct nameserver *s);

/* An answer is begun with the query's ID and question and these flags, has records added to its sections in their order (0 to 2), and
 * is framed. Lengths are without the frame's two bytes, which are in front of `to`. */
size_t nameserver_begin(uint8_t *to, const uint8_t *query, size_t len, unsigned flags);
size_t nameserver_add(uint8_t *to, size_t at, unsigned section, const char *owner, uint16_t type, uint32_t ttl_s, const void *rdata, size_t rdlen);
size_t nameserver_end(uint8_t *to, size_t at);

#endif
