/* serving.h - the small world of asking.h, published, and clients on the loopback.
 */
#ifndef UNIT_NET_SERVING_H
#define UNIT_NET_SERVING_H

#include "unit/answer/asking.h"

#include "net/listen.h"
#include "world/epoch.h"

struct serving {
	struct asking x;
	struct epoch epoch;
};

void serving_open(struct serving *s);
void serving_close(struct serving *s);

/* A free port of 127.0.0.1 (or of `host`), as long as nobody else takes it. */
struct net_address serving_address(const char *host);
unsigned serving_port(const struct net_address *at);

/* A socket that is connected to it from `from` (NULL: from anywhere), for at most some seconds
 * a call. */
int serving_connect(const struct net_address *at, int type, const char *from);

/* Of a connected UDP socket, the answer to a question as asking() has it; "nothing" when none
 * comes for `wait_ms`. */
const char *serving_udp(struct serving *s, int fd, const char *question, int wait_ms);

/* What is written to standard error while `work` runs. */
const char *serving_log(char *to, size_t room, void (*work)(void *ctx), void *ctx);

#endif
