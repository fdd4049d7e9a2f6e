#include "daemon/fleet_zones.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/fleet_lease.h"
#include "daemon/key_ring.h"
#include "daemon/parts_read.h"
#include "zone/serial.h"
#include "zone/view.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_S = 10,   /* what nobody has told of is looked for */
	LOOKS = 50,      /* a second */
	LOOKS_TICK = 256, /* at once: as many as one batch of updates has */
	SAID_TICK = 256, /* commits that are told at once; the others at the next ticks */
	AGAIN_MS = 500, /* what failed is tried again */
	BEGIN_MS = 1500, /* so long others may say that they have more */
	BID_MS = 5000,   /* who said so may be gone: then all are asked anew */
	SAYS = 1 + 4   /* a saying: what, and a serial; the id follows */
};

enum says { COMMITTED = 1, MISSING, HAS };

/* One of them. Its memory is that of what is asked for it, until that is done. */
struct fleet_zone {
	struct updates_own own; /* first */
	struct fleet_zones *of; /* NULL: nobody has it any more */
	bool asked;   /* its own is with the updates */
	bool again;   /* and is to be, once more */
	bool in_step, missing, outbid; /* outbid: somebody has more of it */
	uint64_t due_us, begin_us; /* when to look; when to begin; 0: not */
	uint64_t bid_us; /* since when it is missing, or when others were asked last */
	bool told;
	bool unsaid; /* others are to be told of a commit */
	struct fault why;
};

struct fleet_zones {
	struct fleet_zones_opts opts;
	struct fleet *fleet; /* borrowed; NULL */
	struct fleet_zone **of; /* ascending */
	size_t n;
	size_t seen_n;       /* of the registry that they were found in */
	uint64_t seen_names; /* ... */
	size_t hand;         /* where looking goes on */
	size_t said, unsaid; /* commits, since the last tick; that are to be told of */
	ev_timer tick;
};

static struct fleet_zone *find(const struct fleet_zones *z, const uint8_t *apex)
{
	size_t from = 0, to = z->n;

	while (from < to) {
		const size_t middle = (from + to) / 2;
		const int order = registry_compare(apex, z->of[middle]->own.apex);
		if (!order)
			return z->of[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

/* --- what servers say --------------------------------------------------------------------- */

static uint32_t serial_here(const struct fleet_zones *z, const uint8_t *apex, bool *has)
{
	const struct registry_zone *r = registry_find(publisher_live(z->opts.publisher)->zones, apex);

	*has = r && zone_is_ready(r->load.zone);
	return *has ? r->load.zone->serial : 0;
}

static void say(struct fleet_zones *z, enum says what, const uint8_t *apex)
{
	uint8_t to[SAYS + NAME_MOST];
	const size_t len = name_len(apex);
	bool has;

	to[0] = (uint8_t)what;
	be32_put(to + 1, serial_here(z, apex, &has));
	memcpy(to + SAYS, apex, len);
	if (z->fleet && (has || what == COMMITTED))
		fleet_say(z->fleet, FLEET_ZONES, to, SAYS + len);
}

static void say_committed(struct fleet_zone *x)
{
	x->unsaid = false;
	x->of->unsaid--;
	x->of->said++;
	say(x->of, COMMITTED, x->own.apex);
}

void fleet_zones_committed(void *ctx, const uint8_t *apex)
{
	struct fleet_zones *z = ctx;
	struct fleet_zone *x = find(z, apex);

	if (!x || x->unsaid)
		return;
	x->unsaid = true;
	z->unsaid++;
	if (z->said < SAID_TICK)
		say_committed(x);
}

/* What was too much for one turn: keys of thousands of zones are made or rolled at once. */
static void say_unsaid(struct fleet_zones *z)
{
	z->said = 0;
	for (size_t i = 0; i < z->n && z->unsaid && z->said < SAID_TICK; i++)
		if (z->of[i]->unsaid)
			say_committed(z->of[i]);
}

/* --- looking at the journal --------------------------------------------------------------- */

static void look(struct fleet_zone *x);

static void tell(struct fleet_zone *x)
{
	char name[NAME_TEXT];

	if (x->told || !fleet_is_caught_up(x->of->fleet))
		return;
	x->told = true;
	log_line(LOG_WARNING, "zone %s: not as the fleet has it, and cannot be changed: %s", view_text(name, x->own.apex),
		*x->why.text ? x->why.text : "what it begins with here is wrong (\"zones --faulty\")");
}

/* The fleet has nothing of it. Who waits for another, or has nothing itself, asks again: that other may be gone, and a
 * file may have come. */
static void missing(struct fleet_zone *x)
{
	const uint64_t now = clock_us();
	const bool waits = x->outbid || !x->begin_us;
	bool has;

	if (!x->missing || (waits && now >= x->bid_us + BID_MS * UINT64_C(1000))) {
		serial_here(x->of, x->own.apex, &has);
		x->missing = true;
		x->outbid = false;
		x->bid_us = now;
		say(x->of, MISSING, x->own.apex);
		x->begin_us = has ? now + BEGIN_MS * UINT64_C(1000) : 0;
	}
	x->due_us = now + AGAIN_MS * UINT64_C(1000);
}

/* Many are looked at less often: 50 a second, in all. */
static uint64_t look_us(const struct fleet_zones *z)
{
	return (LOOK_S + z->n / LOOKS) * UINT64_C(1000000);
}

static void done(struct updates_own *own)
{
	struct fleet_zone *x = (struct fleet_zone *)own; /* its first member */

	text_fini(&own->told);
	x->asked = false;
	if (!x->of) {
		memory_free(x);
		return;
	}
	const bool was = x->in_step;
	x->in_step = own->ok && own->in_step;
	x->due_us = clock_us() + (x->in_step ? look_us(x->of) : AGAIN_MS * UINT64_C(1000));
	if (own->none) {
		missing(x);
	} else {
		x->missing = false;
		x->begin_us = 0;
	}
	if (x->in_step) {
		x->told = false;
	} else {
		x->why = own->why;
		if (x->of->fleet && !own->none)
			tell(x);
	}
	if (x->in_step && !was)
		x->of->opts.in_step(x->of->opts.ctx);
	if (x->again && x->of->fleet)
		look(x);
}

static void look(struct fleet_zone *x)
{
	struct updates_own *own = &x->own;

	x->again = x->asked;
	if (x->asked)
		return;
	x->asked = true;
	own->follows = true;
	own->begins = x->begin_us && !x->outbid && clock_us() >= x->begin_us;
	own->in_step = own->none = false;
	own->ctx = x;
	own->done = done;
	updates_change(x->of->opts.updates, own);
}

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_zones *z = ctx;
	uint8_t id[NAME_MOST];
	bool has;

	if (n->len < SAYS + 1 || name_check(n->bytes + SAYS, n->bytes + n->len) != n->len - SAYS)
		return;
	memcpy(id, n->bytes + SAYS, n->len - SAYS);
	struct fleet_zone *x = find(z, id);
	const uint32_t there = be32_get(n->bytes + 1);
	if (!x)
		return;
	const uint32_t here = serial_here(z, id, &has);
	if (n->bytes[0] == COMMITTED)
		look(x);
	else if (n->bytes[0] == MISSING && has)
		say(z, HAS, id);
	if ((n->bytes[0] == MISSING || n->bytes[0] == HAS) && has && serial_is_newer(there, here))
		x->outbid = true;
}

static void look_at_all(struct fleet_zones *z)
{
	for (size_t i = 0; i < z->n; i++)
		z->of[i]->due_us = 1;
}

static void on_caught_up(void *ctx)
{
	look_at_all(ctx);
}

static void on_lost(void *ctx)
{
	look_at_all(ctx);
}

/* Those that are due, each in its turn: after a reload that is all of them. */
static void look_at_due(struct fleet_zones *z)
{
	const uint64_t now = clock_us();
	size_t looks = 0;

	for (size_t i = 0; i < z->n && looks < LOOKS_TICK; i++) {
		struct fleet_zone *x = z->of[z->hand++ % z->n];
		if (x->asked || !x->due_us || now < x->due_us)
			continue;
		look(x);
		looks++;
	}
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct fleet_zones *z = t->data;

	(void)loop;
	(void)events;
	say_unsaid(z);
	if (z->fleet && fleet_is_caught_up(z->fleet)) {
		look_at_due(z);
		return;
	}
	for (size_t i = 0; i < z->n; i++)
		z->of[i]->in_step = false;
}

/* --- which there are ---------------------------------------------------------------------- */

static void let_go(struct fleet_zone *x)
{
	x->of->unsaid -= x->unsaid;
	x->of = NULL;
	if (!x->asked)
		memory_free(x);
}

static struct fleet_zone *add(struct fleet_zones *z, const uint8_t *id)
{
	struct fleet_zone *x = memory_zeroed(1, sizeof *x);

	memcpy(x->own.apex, id, name_len(id));
	x->of = z;
	x->due_us = 1;
	return x;
}

/* Most have none: then it is not looked for in all zones. */
static bool are_any(const struct conf *c)
{
	for (size_t i = 0; c->fleet && i < c->n_rules; i++)
		if (c->rules[i].fleet)
			return true;
	return false;
}

static void on_parts(void *ctx, unsigned what)
{
	struct fleet_zones *z = ctx;
	const struct parts *p = publisher_live(z->opts.publisher);
	const struct conf *c = parts_conf(p);
	const size_t all = are_any(c) ? p->zones->n : 0;
	struct fleet_zone **list = NULL;
	size_t n = 0, at = 0;
	bool signs = false;

	/* Other versions of zones: which there are is the same. */
	if (!(what & PUBLISH_CONF) && p->zones->n == z->seen_n && p->zones->names == z->seen_names)
		return;
	z->seen_n = p->zones->n;
	z->seen_names = p->zones->names;
	for (size_t i = 0; i < all; i++) {
		const uint8_t *id = p->zones->zones[i]->origin;
		const struct conf_rule *rule = &c->rules[zone_set_rule(p->zones->set, i)];
		if (!rule->fleet)
			continue;
		signs = signs || rule->dnssec || (z->opts.ring && key_ring_knows(z->opts.ring, id));
		while (at < z->n && registry_compare(z->of[at]->own.apex, id) < 0)
			let_go(z->of[at++]);
		list = memory_grow(list, (n + 1) * sizeof(*list));
		list[n++] = at < z->n && name_equal(z->of[at]->own.apex, id) ? z->of[at++] : add(z, id);
	}
	while (at < z->n)
		let_go(z->of[at++]);
	fleet_lease_want(z->opts.lease, signs);
	memory_free(z->of);
	z->of = list;
	z->n = n;
}

void fleet_zones_set(struct fleet_zones *z, struct fleet *f, const struct conf_fleet *c)
{
	z->fleet = f;
	fleet_ask_set(z->opts.ask, f, c ? c->name : NULL, c ? c->replicas : 0);
	fleet_lease_set(z->opts.lease, f, c ? c->name : NULL, c ? c->server : NULL);
	if (!f)
		return;
	fleet_follow(f, FLEET_ZONES, &(struct fleet_follower){ z, on_take, on_caught_up, on_lost, NULL, NULL });
	look_at_all(z);
}

struct fleet_zones *fleet_zones_new(const struct fleet_zones_opts *opts)
{
	struct fleet_zones *z = memory_zeroed(1, sizeof *z);

	z->opts = *opts;
	publisher_follow(opts->publisher, on_parts, z);
	on_parts(z, PUBLISH_CONF);
	ev_timer_init(&z->tick, on_tick, 0.1, 0.1);
	z->tick.data = z;
	ev_timer_start(opts->loop, &z->tick);
	return z;
}

void fleet_zones_free(struct fleet_zones *z)
{
	if (!z)
		return;
	ev_timer_stop(z->opts.loop, &z->tick);
	for (size_t i = 0; i < z->n; i++)
		let_go(z->of[i]);
	memory_free(z->of);
	memory_free(z);
}

struct fleet_zones_sum fleet_zones_sum(const struct fleet_zones *z)
{
	struct fleet_zones_sum to = { .n = z ? (unsigned)z->n : 0, .signer = z ? fleet_lease_holder(z->opts.lease) : "" };

	for (size_t i = 0; i < to.n; i++) {
		const struct fleet_zone *x = z->of[i];
		to.in_step += x->in_step;
		if (x->in_step || *to.name)
			continue;
		view_text(to.name, x->own.apex);
		snprintf(to.fault, sizeof to.fault, "%.255s", x->why.text);
	}
	return to;
}
