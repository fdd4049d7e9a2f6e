/* beacon_door.h - the HTTP side of an agent's beacon: pages of a site ask, and are answered at once.
 *
 * HTTP/1.1 (libmicrohttpd) on the caller's loop and thread. It stands behind the edge's own web server, which speaks TLS and tells in
 * X-Real-IP who asks; from elsewhere than this machine the header is not believed. Who may have the answer is a matter of origins
 * (the Fetch standard): pages of others get 403. Bounded: connections, headers, bodies, silence.
 */
#ifndef WEB_BEACON_DOOR_H
#define WEB_BEACON_DOOR_H

#include "base/addr.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct ev_loop;
struct beacon_door;

enum {
	BEACON_CONNECTIONS = 256,
	BEACON_BODY_MOST = 1024,
	BEACON_HEADERS_MOST = 16384,
	BEACON_IDLE_S = 10,
	BEACON_TOKEN_ROOM = 128
};

struct beacon_ask {
	bool post;
	const char *path;   /* without what follows a "?" */
	struct addr client; /* plain */
	const char *body;   /* of a POST: [len], not NUL-terminated */
	size_t len;
};

struct beacon_reply {
	unsigned status;
	const char *type; /* a literal; NULL: there is no body */
	const char *body; /* [len] borrowed for as long as the door is open, or, with `own`, of the heap (memory.h) and taken */
	size_t len;
	bool own;
	char token[BEACON_TOKEN_ROOM]; /* told in Waymark-Token; "": there is none */
};

struct beacon_door_opts {
	struct ev_loop *loop;
	const struct sockaddr *listen;
	socklen_t len;
	const char *const *origins; /* [n_origins] borrowed, such as https://www.example.org; "*" is any */
	size_t n_origins;
	void *ctx;
	void (*ask)(void *ctx, const struct beacon_ask *ask, struct beacon_reply *to);
};

/* NULL, and `why`: it cannot listen there. */
struct beacon_door *beacon_door_open(const struct beacon_door_opts *opts, struct fault *why);
void beacon_door_close(struct beacon_door *d);

/* Who asks, plain: the address in X-Real-IP (NULL: there is none) where the connection is from this machine, else whom that is from. */
struct addr beacon_door_client(const struct sockaddr *from, const char *told);

#endif
