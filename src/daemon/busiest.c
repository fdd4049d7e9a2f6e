#include "daemon/busiest.h"

#include "base/clock.h"
#include "base/frequent.h"
#include "base/memory.h"
#include "dns/query.h"
#include "net/tap.h"
#include "report/report_busiest.h"

#include <ev.h>
#include <math.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define TICK_S 0.25

enum {
	EVERY_FIRST = 16,  /* before anything is known of the load */
	EVERY_MOST = 4096,
	STEP = 4,
	SAMPLES_MOST = 8000, /* a second: fewer are taken; */
	SAMPLES_FEW = 1000,  /* ... more are */
	V4_NET = 96 + 24,
	V6_NET = 48
};

struct busiest {
	struct busiest_opts opts;
	ev_timer timer;
	double asked_s;  /* when the last one looked */
	double ticked_s;
	uint32_t every;  /* so many queries are one; 0: nobody looks. Atomic: the loop's to set */
	pthread_mutex_t lock; /* of all below */
	struct frequent *of[REPORT_BUSIEST_KINDS]; /* NULL while nobody looks, or without memory */
	double weight, weights_s; /* queries, and the time in which they came, both faded */
	double since_s;
	unsigned sampled; /* since the last tick */
};

/* --- the thread of the taps --------------------------------------------------------------- */

static void add_net(struct frequent *f, const struct addr *a, unsigned bits_most, unsigned bits, double weight)
{
	const struct prefix p = addr_prefix(a, bits < bits_most ? bits : bits_most);
	uint8_t key[sizeof p.addr.b + 1];

	memcpy(key, p.addr.b, sizeof p.addr.b);
	key[sizeof p.addr.b] = (uint8_t)p.bits;
	frequent_add(f, key, sizeof key, weight);
}

static unsigned net_of(const struct addr *a)
{
	return addr_is_v4(a) ? V4_NET : V6_NET;
}

static void add(struct busiest *b, const struct query *q, const struct addr *source, double weight)
{
	const struct addr from = addr_plain(source, NULL);

	frequent_add(b->of[REPORT_BUSIEST_NAMES], q->name, q->name_len, weight);
	add_net(b->of[REPORT_BUSIEST_SOURCES], &from, net_of(&from), 128, weight);
	if (q->edns.present && q->edns.ecs.present && q->edns.ecs.source)
		add_net(b->of[REPORT_BUSIEST_SUBNETS], &q->edns.ecs.addr, net_of(&q->edns.ecs.addr),
			(q->edns.ecs.family == 2 ? 0u : ADDR_V4_BITS) + q->edns.ecs.source, weight);
	b->weight += weight;
	b->sampled++;
}

void busiest_take(struct busiest *b, const struct tap_head *h)
{
	const uint32_t every = __atomic_load_n(&b->every, __ATOMIC_RELAXED);
	struct query q = { 0 };

	if (!every || h->query_len < QUERY_HEADER)
		return;
	query_parse(&q, tap_query(h), h->query_len);
	if (!q.name_len)
		return;
	pthread_mutex_lock(&b->lock);
	if (b->of[0])
		add(b, &q, &h->source, every);
	pthread_mutex_unlock(&b->lock);
}

/* --- the loop ----------------------------------------------------------------------------- */

static void set_every(struct busiest *b, uint32_t every)
{
	__atomic_store_n(&b->every, every, __ATOMIC_RELAXED);
	publisher_set_sampled(b->opts.publisher, every);
}

static void free_sketches(struct busiest *b)
{
	for (unsigned i = 0; i < REPORT_BUSIEST_KINDS; i++) {
		frequent_free(b->of[i]);
		b->of[i] = NULL;
	}
}

static bool new_sketches(struct busiest *b)
{
	uint64_t seed;

	randombytes_buf(&seed, sizeof seed);
	for (unsigned i = 0; i < REPORT_BUSIEST_KINDS; i++)
		if (!(b->of[i] = frequent_new(seed)))
			return false;
	return true;
}

static void end(struct busiest *b)
{
	ev_timer_stop(b->opts.loop, &b->timer);
	set_every(b, 0);
	b->opts.tell(b->opts.ctx, false);
	pthread_mutex_lock(&b->lock);
	free_sketches(b);
	pthread_mutex_unlock(&b->lock);
}

/* False: no memory. */
static bool begin(struct busiest *b)
{
	pthread_mutex_lock(&b->lock);
	const bool ok = new_sketches(b);
	if (!ok)
		free_sketches(b);
	b->weight = b->weights_s = 0;
	b->sampled = 0;
	b->since_s = b->ticked_s = clock_seconds();
	pthread_mutex_unlock(&b->lock);
	if (!ok)
		return false;
	set_every(b, EVERY_FIRST);
	b->opts.tell(b->opts.ctx, true);
	ev_timer_again(b->opts.loop, &b->timer);
	return true;
}

/* More or fewer, so that it costs the same whatever comes. */
static void adapt(struct busiest *b, double samples_s)
{
	if (samples_s > SAMPLES_MOST && b->every < EVERY_MOST)
		set_every(b, b->every * STEP);
	else if (samples_s < SAMPLES_FEW && b->every > 1)
		set_every(b, b->every / STEP);
}

/* Under the lock. */
static void fade(struct busiest *b, double passed_s)
{
	const double by = exp(-passed_s / BUSIEST_MEAN_S);

	for (unsigned i = 0; i < REPORT_BUSIEST_KINDS; i++)
		frequent_fade(b->of[i], by);
	b->weight *= by;
	b->weights_s = (b->weights_s + passed_s) * by;
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct busiest *b = t->data;
	const double now_s = clock_seconds(), passed_s = now_s - b->ticked_s;

	(void)loop;
	(void)events;
	if (now_s - b->asked_s > BUSIEST_LOOKS_S) {
		end(b);
		return;
	}
	if (passed_s < TICK_S / 2)
		return;
	pthread_mutex_lock(&b->lock);
	const unsigned sampled = b->sampled;
	b->sampled = 0;
	fade(b, passed_s);
	pthread_mutex_unlock(&b->lock);
	b->ticked_s = now_s;
	adapt(b, sampled / passed_s);
}

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct busiest *b = ctx;
	const bool json = command_take_word(words, &n, "--json");
	struct report_busiest all = { 0 };

	if (n)
		return 2;
	if (!b->every && !begin(b)) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	b->asked_s = clock_seconds();
	pthread_mutex_lock(&b->lock);
	all.every = b->every;
	all.looked_s = b->asked_s - b->since_s;
	all.mean_s = b->weights_s + (b->asked_s - b->ticked_s);
	all.queries = b->weight;
	for (unsigned i = 0; i < REPORT_BUSIEST_KINDS; i++)
		all.n[i] = frequent_first(b->of[i], all.first[i], REPORT_BUSIEST_MOST);
	pthread_mutex_unlock(&b->lock);
	report_busiest(&all, json, c->out);
	return 0;
}

struct busiest *busiest_new(const struct busiest_opts *opts, struct commands *commands)
{
	struct busiest *b = memory_zeroed(1, sizeof *b);

	b->opts = *opts;
	pthread_mutex_init(&b->lock, NULL);
	ev_timer_init(&b->timer, on_tick, TICK_S, TICK_S);
	b->timer.data = b;
	commands_bind(commands, "busiest", run, b);
	return b;
}

void busiest_free(struct busiest *b)
{
	if (!b)
		return;
	ev_timer_stop(b->opts.loop, &b->timer);
	free_sketches(b);
	pthread_mutex_destroy(&b->lock);
	memory_free(b);
}
