#include "xfr/forward.h"

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "dns/query.h"
#include "xfr/tcp_message.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double patience_s = 10, all_s = 25; /* of one primary; of all of them */
enum { WAIT_MS = 10000 };

struct forward {
	struct forward_opts opts; /* `to` is behind it */
	size_t at;                /* who is asked */
	struct tcp_message *tcp;
	ev_timer timer;
	double until; /* clock_seconds() */
	uint8_t *kept; /* an answer that did not settle it; NULL */
	size_t kept_len;
	char why[128];
	struct forward_to to[];
};

bool forward_is_answer(const uint8_t *packet, size_t len, const uint8_t *message)
{
	return len >= QUERY_HEADER && memcmp(packet, message, 2) == 0 &&
		(be16_get(packet + 2) & FLAG_QR) &&
		(be16_get(packet + 2) >> 11 & 15) == OPCODE_UPDATE;
}

bool forward_settles(const uint8_t *packet)
{
	switch (be16_get(packet + 2) & RCODE_BITS) {
	case RCODE_FORMERR:
	case RCODE_SERVFAIL:
	case RCODE_NOTIMP:
	case RCODE_NOTAUTH: return false;
	default: return true;
	}
}

/* --- by a thread that waits --------------------------------------------------------------- */

/* An answer; it may not settle the matter. */
static bool ask_one(const struct peer *peer, const uint8_t *message, size_t len, struct job *job,
	struct message *m, struct talk **talk, struct fault *why)
{
	const struct peer_limits limits = { .connect_ms = WAIT_MS, .silence_ms = WAIT_MS,
		.most_ms = WAIT_MS, .most_bytes = 2 * (2 + 65535) };

	*talk = talk_open(peer, &limits, job, why);
	if (!*talk || !talk_pass(*talk, message, len, why) || !talk_next(*talk, m, why))
		return false;
	return forward_is_answer(m->bytes, m->len, message) ||
		fault(why, "%s answers something else", peer->name);
}

bool forward_wait(const struct peer *peers, size_t n, const uint8_t *message, size_t len, struct job *job,
	uint8_t **answer, size_t *answer_len, struct fault *why)
{
	const double until = clock_seconds() + all_s;
	bool settled = false;

	*answer = NULL;
	fault(why, "nobody was asked");
	for (size_t i = 0; i < n && !settled && clock_seconds() < until; i++) {
		struct talk *talk;
		struct message m;
		if (ask_one(&peers[i], message, len, job, &m, &talk, why)) {
			uint8_t *copy = malloc(m.len);
			free(*answer);
			*answer = copy;
			*answer_len = m.len;
			if (copy)
				memcpy(copy, m.bytes, m.len);
			else
				fault(why, "out of memory");
			settled = forward_settles(m.bytes);
		}
		if (talk)
			talk_close(talk);
	}
	return *answer != NULL;
}

/* --- on the loop -------------------------------------------------------------------------- */

static void let_go(struct forward *f)
{
	ev_timer_stop(f->opts.loop, &f->timer);
	if (f->tcp)
		tcp_message_close(f->tcp);
	free(f->kept);
	free(f);
}

static void end(struct forward *f, const uint8_t *packet, size_t len)
{
	f->opts.done(f->opts.ctx, packet, len, f->why);
	let_go(f);
}

static void say(struct forward *f, const char *what)
{
	char at[ADDR_TEXT];
	const struct forward_to *to = &f->to[f->at];

	snprintf(f->why, sizeof f->why, "%s (%s) %s", to->name,
		addr_sockaddr_text(at, (const struct sockaddr *)&to->at), what);
}

static void on_answer(void *ctx, const uint8_t *packet, size_t len);

/* The next who can be reached; else what is known by now. */
static void go_on(struct forward *f)
{
	const double left = f->until - clock_seconds();

	if (f->tcp)
		tcp_message_close(f->tcp);
	f->tcp = NULL;
	for (; f->at < f->opts.n && left > 0; f->at++) {
		const struct forward_to *to = &f->to[f->at];
		f->tcp = tcp_message_open(f->opts.loop, (const struct sockaddr *)&to->at,
			to->len, f->opts.message, f->opts.len, on_answer, f);
		if (f->tcp) {
			ev_timer_stop(f->opts.loop, &f->timer);
			ev_timer_set(&f->timer, left < patience_s ? left : patience_s, 0);
			ev_timer_start(f->opts.loop, &f->timer);
			return;
		}
		say(f, "cannot be reached");
	}
	end(f, f->kept, f->kept_len);
}

static void keep(struct forward *f, const uint8_t *packet, size_t len)
{
	free(f->kept);
	f->kept = malloc(len);
	f->kept_len = f->kept ? len : 0;
	if (f->kept)
		memcpy(f->kept, packet, len);
}

static void on_answer(void *ctx, const uint8_t *packet, size_t len)
{
	struct forward *f = ctx;

	if (packet && !forward_is_answer(packet, len, f->opts.message))
		packet = NULL;
	if (packet && (forward_settles(packet) || f->at + 1 == f->opts.n)) {
		end(f, packet, len);
		return;
	}
	if (packet)
		keep(f, packet, len);
	else
		say(f, "does not answer");
	f->at++;
	go_on(f);
}

/* The first time it begins, later it gives up who is asked. */
static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct forward *f = t->data;

	(void)loop;
	(void)events;
	if (f->tcp) {
		say(f, "does not answer in time");
		f->at++;
	}
	go_on(f);
}

struct forward *forward_start(const struct forward_opts *opts)
{
	struct forward *f = calloc(1, sizeof *f + opts->n * sizeof *opts->to);

	if (!f)
		return NULL;
	f->opts = *opts;
	if (opts->n)
		memcpy(f->to, opts->to, opts->n * sizeof *opts->to);
	f->until = clock_seconds() + all_s;
	ev_timer_init(&f->timer, on_timer, 0, 0);
	f->timer.data = f;
	ev_timer_start(opts->loop, &f->timer);
	return f;
}

void forward_cancel(struct forward *f)
{
	let_go(f);
}
