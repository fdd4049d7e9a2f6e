#include "xfr/exchange.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "xfr/sockets.h"

#include <ev.h>
#include <sodium.h>
#include <stdlib.h>

enum { SLOTS = 256 };

/* How long an answer is waited for, after each try. */
static const double patience_s[EXCHANGE_TRIES] = { 2, 3, 5 };

struct exchange {
	struct exchanges *of;
	struct exchange_opts opts;
	ev_timer timer;
	unsigned tries;
	uint16_t id;
	struct exchange *next, **link; /* of those whose IDs end alike */
};

struct exchanges {
	struct ev_loop *loop;
	struct sockets sockets;
	size_t n;
	struct exchange *slot[SLOTS]; /* by the lower bits of the ID */
};

static void unlink_exchange(struct exchange *e)
{
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	ev_timer_stop(e->of->loop, &e->timer);
	e->of->n--;
}

static void end(struct exchange *e, const uint8_t *packet, size_t len)
{
	const struct exchange_opts opts = e->opts;

	unlink_exchange(e);
	free(e);
	opts.done(opts.ctx, packet, len);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct exchange *e = t->data;
	uint8_t message[EXCHANGE_MOST];

	(void)events;
	if (e->tries == EXCHANGE_TRIES) {
		end(e, NULL, 0);
		return;
	}
	const size_t len = e->opts.write(e->opts.ctx, message, e->id);
	sockets_send(&e->of->sockets, e->opts.to, e->opts.to_len, message, len);
	ev_timer_set(t, patience_s[e->tries++], 0);
	ev_timer_start(loop, t);
}

struct exchange *exchange_start(struct exchanges *x, const struct exchange_opts *opts)
{
	struct exchange *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->of = x;
	e->opts = *opts;
	e->id = (uint16_t)randombytes_random();
	e->link = &x->slot[e->id % SLOTS];
	e->next = *e->link;
	if (e->next)
		e->next->link = &e->next;
	*e->link = e;
	x->n++;
	ev_timer_init(&e->timer, on_timer, 0, 0);
	e->timer.data = e;
	ev_timer_start(x->loop, &e->timer);
	return e;
}

void exchange_cancel(struct exchange *e)
{
	unlink_exchange(e);
	free(e);
}

static void take_answer(
	void *ctx, const struct sockaddr *from, const uint8_t *packet, size_t len)
{
	struct exchanges *x = ctx;
	enum { HEADER = 12, QR = 0x80 };

	if (len < HEADER || !(packet[2] & QR))
		return;
	const uint16_t id = be16_get(packet);
	for (struct exchange *e = x->slot[id % SLOTS]; e; e = e->next)
		if (e->id == id && e->tries && sockets_same_address(from, e->opts.to)) {
			end(e, packet, len);
			return;
		}
}

struct exchanges *exchanges_new(struct ev_loop *loop)
{
	struct exchanges *x = memory_zeroed(1, sizeof *x);

	x->loop = loop;
	sockets_open(&x->sockets, loop, take_answer, x);
	return x;
}

void exchanges_free(struct exchanges *x)
{
	for (unsigned i = 0; i < SLOTS; i++)
		while (x->slot[i])
			exchange_cancel(x->slot[i]);
	sockets_close(&x->sockets);
	memory_free(x);
}

size_t exchanges_underway(const struct exchanges *x)
{
	return x->n;
}
