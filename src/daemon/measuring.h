/* measuring.h - what agents report goes into the table; what they should measure comes out of
 * it.
 *
 * The hands of the management listener (web/manage.h) and the ears of the workers: reports
 * become samples for rankings.h, and networks of clients that are busy and lack fresh
 * measurements are assigned to the agents of the edges that they could be sent to. Loop.
 */
#ifndef DAEMON_MEASURING_H
#define DAEMON_MEASURING_H

#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "daemon/resolver_pairs.h"
#include "web/api.h"
#include "web/manage.h"

struct ev_loop;
struct measuring;
struct workers;

struct measuring_opts {
	struct ev_loop *loop;
	struct publisher *publisher;
	struct rankings *rankings;
	struct workers *workers;
	struct resolver_pairs *pairs; /* borrowed for good; NULL: none are learned */
	struct hash_key key;
};

/* It does not listen yet. Never NULL. */
struct measuring *measuring_new(const struct measuring_opts *opts);
/* Listens where the configuration says, or nowhere; by `fd`, which listens there already, or -1. */
bool measuring_listen(struct measuring *m, int fd, int local_fd, struct fault *why);
/* What it listens on, -1: nothing. And no more connections are taken from it, since others have it, too. */
int measuring_socket(const struct measuring *m);
int measuring_local_socket(const struct measuring *m); /* the Unix socket */
void measuring_leave(struct measuring *m);
/* What the listener asks of it; borrowed, as long as it lives. */
const struct manage_hooks *measuring_hooks(const struct measuring *m);

/* From now on the listener gives numbers and tells whether the server is ready; both borrowed for
 * good. */
struct metrics_maker;
struct readiness;
void measuring_watched(
	struct measuring *m, struct metrics_maker *maker, const struct readiness *readiness);

/* From now on there is the API; borrowed for good. */
void measuring_set_api(struct measuring *m, struct api *api);

void measuring_free(struct measuring *m);

/* certificates_follow(): what agents are shown; `ctx` is a struct measuring. */
struct tls;
void measuring_show(void *ctx, struct tls *shown);

/* For reports: what has come in, and how many networks are watched; nothing without a listener.
 */
struct agent_counts measuring_counts(const struct measuring *m, size_t *targets);
/* Who has sent something; borrowed for the turn. */
const struct agent_seen *measuring_seen(const struct measuring *m, unsigned *n);

#endif
