#include "xfr/notify.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "xfr/tcp_message.h"
#include "xfr/sockets.h"
#include "zone/image.h"

#include <ev.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	UNDERWAY_MOST = 256,
	BEGUN_A_TICK = 16, /* so that a start with many zones is no flood */
	TRIES = 4          /* the last one over TCP */
};

#define TICK_S 0.02

/* How long an answer is waited for, after the n-th try. */
static const double patience_s[TRIES] = { 1, 2, 3, 5 };

/* --- the message -------------------------------------------------------------------------- */

size_t notify_write(uint8_t to[static NOTIFY_MOST], const struct zone *z, uint16_t id,
	const struct tsig_key *key, uint64_t now_s)
{
	const struct zone_node *apex = image_first(z);
	const struct zone_rrset *soa = zone_find_rrset(apex, RRTYPE_SOA);
	uint8_t *p = to + QUERY_HEADER;
	struct tsig tsig = { .key = key };

	memset(to, 0, QUERY_HEADER);
	be16_put(to, id);
	be16_put(to + 2, OPCODE_NOTIFY << 11 | FLAG_AA);
	be16_put(to + 4, 1);
	be16_put(to + 6, 1);
	memcpy(p, z->apex, z->apex_len);
	p += z->apex_len;
	be16_put(p, RRTYPE_SOA);
	be16_put(p + 2, RRCLASS_IN);
	p += 4;
	memcpy(p, soa->wire, IMAGE_RR_FIXED); /* its owner is a pointer to the question */
	const size_t rdlen = image_rdata(z, apex, soa, 0, p + IMAGE_RR_FIXED);
	be16_put(p + 10, (unsigned)rdlen);
	p += IMAGE_RR_FIXED + rdlen;
	const size_t len = (size_t)(p - to);
	return key ? tsig_sign(&tsig, to, len, now_s) : len;
}

int notify_read(const uint8_t *packet, size_t len, uint16_t id)
{
	if (len < QUERY_HEADER || be16_get(packet) != id)
		return -1;
	const unsigned flags = be16_get(packet + 2);
	if (!(flags & FLAG_QR) || (flags >> 11 & 15) != OPCODE_NOTIFY)
		return -1;
	return (int)(flags & RCODE_BITS);
}

/* --- what is on its way ------------------------------------------------------------------- */

struct notifier {
	struct notifier_opts opts;
	struct notify_batch *first, *last; /* those that have entries left, or some underway */
	struct underway {
		struct notifier *of;
		struct notify_batch *batch; /* NULL: free */
		const struct notify_entry *entry;
		struct tcp_message *tcp; /* the last try; NULL */
		double until;           /* clock_seconds() */
		unsigned tries;
		uint16_t id;
	} slot[UNDERWAY_MOST];
	unsigned n;
	ev_timer tick;
	struct sockets sockets;
	double told; /* clock_seconds() of the last failure that was logged */
	uint64_t untold;
	struct notifier_counts counts;
};

static void release(struct notifier *n, struct underway *u)
{
	if (u->tcp)
		tcp_message_close(u->tcp);
	u->tcp = NULL;
	u->batch->underway--;
	u->batch = NULL;
	n->n--;
}

/* One line a second at most. */
static void say(struct notifier *n, const struct underway *u, const char *what)
{
	char zone[NAME_TEXT], at[ADDR_TEXT];
	const struct notify_server *s = u->entry->server;
	const double now = clock_seconds();

	if (n->told > 0 && now - n->told < 1) {
		n->untold++;
		return;
	}
	log_line(LOG_WARNING, "notify: zone %s serial %u: %s (%s) %s",
		view_text(zone, zone_id(u->entry->zone)), u->entry->zone->serial, s->name,
		addr_sockaddr_text(at, s->at), what);
	if (n->untold)
		log_line(LOG_WARNING, "notify: %ju more such were not told",
			(uintmax_t)n->untold);
	n->told = now;
	n->untold = 0;
}

static void answered(struct underway *u, int rcode)
{
	struct notifier *n = u->of;
	char what[96], name[RCODE_TEXT];

	if (rcode == RCODE_NOERROR) {
		n->counts.answered++;
	} else {
		n->counts.refused++;
		snprintf(what, sizeof what, "answers %s%s", rcode_text(name, (unsigned)rcode),
			rcode == RCODE_REFUSED || rcode == RCODE_NOTAUTH
				? ": it does not take this zone from us"
				: "");
		say(n, u, what);
	}
	release(n, u);
}

static void on_tcp(void *ctx, const uint8_t *packet, size_t len)
{
	struct underway *u = ctx;
	const int rcode = packet ? notify_read(packet, len, u->id) : -1;

	if (rcode >= 0)
		answered(u, rcode);
	else
		u->until = 0; /* nothing more comes */
}

/* The next try. False when that was the last. */
static bool try(struct underway *u)
{
	uint8_t message[NOTIFY_MOST];
	const struct notify_server *s = u->entry->server;

	if (u->tcp || u->tries == TRIES)
		return false;
	const size_t len = notify_write(
		message, u->entry->zone, u->id, s->key, (uint64_t)time(NULL));
	u->until = clock_seconds() + patience_s[u->tries++];
	if (u->tries < TRIES) {
		sockets_send(&u->of->sockets, s->at, s->len, message, len);
		return true;
	}
	u->tcp = tcp_message_open(
		u->of->opts.loop, s->at, s->len, message, len, on_tcp, u);
	return u->tcp != NULL;
}

static void begin(struct notifier *n, struct notify_batch *b, const struct notify_entry *e)
{
	struct underway *u = n->slot;

	while (u->batch)
		u++;
	*u = (struct underway){ .of = n, .batch = b, .entry = e,
		.id = (uint16_t)randombytes_random() };
	b->underway++;
	n->n++;
	n->counts.sent++;
	try(u);
}

/* --- batches ------------------------------------------------------------------------------ */

static void free_done(struct notifier *n)
{
	struct notify_batch **at = &n->first, *b;

	n->last = NULL;
	while ((b = *at)) {
		if (b->next < b->n || b->underway) {
			n->last = b;
			at = &b->after;
			continue;
		}
		*at = b->after;
		b->free(b);
	}
}

static void begin_some(struct notifier *n)
{
	unsigned begun = 0;

	for (struct notify_batch *b = n->first; b; b = b->after)
		while (b->next < b->n) {
			const struct notify_entry *e = &b->entries[b->next];
			if (begun == BEGUN_A_TICK || n->n == UNDERWAY_MOST)
				return;
			begun++;
			b->next++;
			if (n->opts.is_current(n->opts.ctx, e->zone))
				begin(n, b, e);
		}
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct notifier *n = t->data;
	const double now = clock_seconds();

	(void)events;
	for (unsigned i = 0; i < UNDERWAY_MOST && n->n; i++) {
		struct underway *u = &n->slot[i];
		if (!u->batch || now < u->until)
			continue;
		if (!n->opts.is_current(n->opts.ctx, u->entry->zone)) {
			release(n, u);
		} else if (!try(u)) {
			n->counts.failed++;
			say(n, u, "does not answer");
			release(n, u);
		}
	}
	begin_some(n);
	free_done(n);
	if (!n->first)
		ev_timer_stop(loop, t);
}

void notifier_send(struct notifier *n, struct notify_batch *b)
{
	b->next = b->underway = 0;
	b->after = NULL;
	if (n->last)
		n->last->after = b;
	else
		n->first = b;
	n->last = b;
	if (!ev_is_active(&n->tick)) {
		ev_timer_set(&n->tick, 0, TICK_S);
		ev_timer_start(n->opts.loop, &n->tick);
	}
}

/* --- answers ------------------------------------------------------------------------------ */

static void take_answer(
	void *ctx, const struct sockaddr *from, const uint8_t *packet, size_t len)
{
	struct notifier *n = ctx;

	for (unsigned i = 0; i < UNDERWAY_MOST; i++) {
		struct underway *u = &n->slot[i];
		if (!u->batch || !sockets_same_address(from, u->entry->server->at))
			continue;
		const int rcode = notify_read(packet, len, u->id);
		if (rcode < 0)
			continue;
		answered(u, rcode);
		return;
	}
}

/* --- the rest ----------------------------------------------------------------------------- */

struct notifier *notifier_new(const struct notifier_opts *opts)
{
	struct notifier *n = memory_zeroed(1, sizeof *n);

	n->opts = *opts;
	ev_timer_init(&n->tick, on_tick, 0, TICK_S);
	n->tick.data = n;
	sockets_open(&n->sockets, opts->loop, take_answer, n);
	return n;
}

void notifier_free(struct notifier *n)
{
	for (unsigned i = 0; i < UNDERWAY_MOST; i++)
		if (n->slot[i].batch)
			release(n, &n->slot[i]);
	for (struct notify_batch *b = n->first; b; b = b->after)
		b->next = b->n;
	free_done(n);
	ev_timer_stop(n->opts.loop, &n->tick);
	sockets_close(&n->sockets);
	memory_free(n);
}

struct notifier_counts notifier_counts(const struct notifier *n)
{
	struct notifier_counts c = n->counts;

	c.underway = n->n;
	for (const struct notify_batch *b = n->first; b; b = b->after)
		c.waiting += b->n - b->next;
	return c;
}
