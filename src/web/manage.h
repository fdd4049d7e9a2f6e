/* manage.h - the management listener: agents report what they measure and ask what to measure,
 * and who watches over the server asks how it is (route.h).
 *
 * HTTP/1.1 in a thread of its own (libmicrohttpd), so that neither a slow client nor a long
 * body holds up the control thread, and a reload holds up no request. That thread reads,
 * checks signatures (seal.h) and parses; what is good waits, its connection asleep, until the
 * control thread has done it, which wakes it with the answer: the tables have one writer.
 * Whatever is not good is refused with a reason in JSON, counted, and changes nothing. An agent is known by what it
 * signs, or by the certificate that it shows over TLS.
 */
#ifndef WEB_MANAGE_H
#define WEB_MANAGE_H

#include "agent/agent_counts.h"
#include "agent/agent_report.h"
#include "agent/assignments.h"
#include "agent/seal.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct manage;

enum {
	MANAGE_CONNECTIONS = 96,
	MANAGE_LOCAL = 32,         /* at the Unix socket, beside these */
	MANAGE_CONNECTIONS_PER_IP = 24, /* more than there are streams (events.h) */
	/* Of these, what addresses may have from where no agent's signed request has come in
	 * the last hour; the other places are kept for those from where one has. */
	MANAGE_STRANGERS = 32,
	MANAGE_STRANGERS_PER_IP = 4, /* an IPv6 address is its /64 */
	MANAGE_STRANGER_LIFE_S = 10,
	MANAGE_KNOWN_S = 3600,
	MANAGE_KNOWN = 256,        /* addresses; the one not heard of for longest goes first */
	MANAGE_IDLE_S = 10,        /* without a byte */
	MANAGE_LIFE_S = 30,        /* of a connection, with its one request and answer */
	MANAGE_SWALLOWED = 8 << 20 /* of a body that is refused is read so much, so that whoever
				      sends it sees why */
};

struct request;
struct text;

/* What becomes of a request for numbers. */
enum manage_metrics { MANAGE_LATER /* manage_answer() is called */, MANAGE_OFF, MANAGE_BUSY };

struct manage_hooks {
	void *ctx;
	/* Control thread. A report of the agent of that edge, whose rows' ages count back from
	 * now; returns how many of them were used. */
	size_t (*report)(void *ctx, const char *edge, const struct agent_report *s);
	/* Control thread. What that agent should measure; `a` is empty. */
	void (*assignments)(void *ctx, const char *edge, struct assignments *a);
	/* Control thread. Numbers for Prometheus; `open`: as OpenMetrics. NULL: not yet. */
	enum manage_metrics (*metrics)(void *ctx, struct request *r, bool open);
	/* Control thread. A request of the API (api.h). NULL: there is none. */
	enum manage_metrics (*api)(void *ctx, struct request *r);
	/* Control thread. May queries come? Adds a line that says so, or why not. NULL: not yet. */
	bool (*ready)(void *ctx, struct text *say);
	/* Control thread. Is the console to be had? NULL: no. */
	bool (*page)(void *ctx);
};

/* Control thread: the answer to a request that was to have it later; it is gone then. `type` is a
 * literal; `body` NULL: it could not be made. */
void manage_answer(struct request *r, const char *type, const struct text *body);

struct manage_opts {
	struct ev_loop *loop;
	const struct sockaddr *listen; /* NULL: on no address */
	socklen_t len;
	bool tls; /* HTTP inside TLS (manage_tls.h) */
	const struct manage_hooks *hooks; /* borrowed */
	int fd; /* that listens there already, and is taken; -1: one is opened */
	const char *socket; /* the path of a Unix socket where it listens, too, in the clear; NULL */
	const char *group;  /* ... and who may connect there, beside root and our user; NULL */
	int socket_fd;      /* ... that listens there already, and is taken; -1 */
};

/* NULL and one sentence when an address cannot be had. */
struct manage *manage_open(const struct manage_opts *opts, struct fault *why);
void manage_close(struct manage *m);

/* What it listens on, -1 where it does not; and no more connections are taken from it: others have it, too. */
int manage_socket(const struct manage *m);
int manage_local_socket(const struct manage *m);
void manage_leave(struct manage *m);

/* Control thread: who may report. Replaces those before; the sequences of agents outlive a
 * reload. Borrowed for the call. */
struct manage_agent {
	const char *edge;
	const uint8_t *key;      /* [SEAL_KEY]; NULL: it has none */
	const char *certificate; /* a name; who shows a certificate for it needs no key; or NULL */
};
void manage_set_agents(struct manage *m, const struct manage_agent *agents, size_t n);

/* Control thread: what is shown to clients of TLS from now on; held. */
struct tls;
void manage_set_tls(struct manage *m, struct tls *shown);

struct agent_counts manage_counts(struct manage *m);

#endif
