#include "daemon/fleet_demand.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETTLE_MS = 2500,    /* after the engine is reached others are heard of within */
	OLD_TURNS = 4,       /* what is older than so many intervals is known no more */
	OLD_MS = 5000,       /* ... and this */
	HOLD_S = 600,        /* of who has fallen silent, a part is held so long */
	PRICES_KEPT_S = 60   /* kept ones that are older say nothing */
};

struct demand_mate {
	char server[FLEET_NAME_MOST + 1];
	struct load_record *counted; /* held */
	int64_t said_ms;
	uint64_t fresh_us, gone_us; /* when that was new; when it fell silent */
	bool left;                  /* it has said so */
};

struct fleet_demand {
	struct fleet_demand_opts opts;
	char server[FLEET_NAME_MOST + 1];
	bool limited, leads, was_caught_up;
	uint64_t caught_up_us, leads_us;
	struct demand_mate *mates;
	size_t n;
	struct load_record *prices; /* held: of who leads */
	uint64_t prices_us;
	int64_t prices_ms; /* when they were said */
	bool fresh;        /* ... which holds now */
	enum fleet_demand_state state;
	unsigned servers, held;
};

/* --- others ------------------------------------------------------------------------------- */

static struct demand_mate *find(const struct fleet_demand *d, const char *server)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->mates[i].server, server) == 0)
			return &d->mates[i];
	return NULL;
}

static struct demand_mate *need(struct fleet_demand *d, const char *server)
{
	struct demand_mate *m = find(d, server);

	if (m)
		return m;
	d->mates = memory_grow(d->mates, (d->n + 1) * sizeof *d->mates);
	m = &d->mates[d->n++];
	*m = (struct demand_mate){ .fresh_us = clock_us() };
	snprintf(m->server, sizeof m->server, "%s", server);
	return m;
}

/* Of those that are there and take part; `what` is what they say of themselves. */
static const char *first_that(const struct fleet_demand *d, const char *what, const char *first)
{
	for (size_t i = 0; i < fleet_mates(d->opts.fleet); i++) {
		const struct fleet_mate m = fleet_mate(d->opts.fleet, i);
		if (m.live && fleet_mate_says(&m, what) && (!first || strcmp(m.server, first) < 0))
			first = m.server;
	}
	return first;
}

static const char *leader_of(const struct fleet_demand *d)
{
	return first_that(d, "leads", d->leads ? d->server : NULL);
}

/* --- hearing ------------------------------------------------------------------------------ */

static void take_counted(void *ctx, const struct fleet_news *n)
{
	struct fleet_demand *d = ctx;
	struct demand_mate *m = need(d, n->server);

	if (m->counted && n->said_ms <= m->said_ms)
		return;
	load_record_drop(m->counted);
	m->counted = load_record_new(n->bytes, n->len);
	m->said_ms = n->said_ms;
	m->fresh_us = clock_us();
}

static void take_prices(void *ctx, const struct fleet_news *n)
{
	struct fleet_demand *d = ctx;
	const char *leader = leader_of(d);

	/* What is kept helps who comes, until he hears who leads. */
	if (d->leads || (leader ? strcmp(leader, n->server) != 0 : !n->kept) || n->said_ms <= d->prices_ms ||
		n->said_ms < fleet_now_ms(d->opts.fleet) - PRICES_KEPT_S * INT64_C(1000))
		return;
	load_record_drop(d->prices);
	d->prices = load_record_new(n->bytes, n->len);
	d->prices_ms = n->said_ms;
	d->prices_us = clock_us();
	if (d->prices)
		d->opts.prices(d->opts.ctx);
}

static void on_mate(void *ctx, const char *server, bool live)
{
	struct fleet_demand *d = ctx;
	struct demand_mate *m = need(d, server);

	m->gone_us = live ? 0 : clock_us();
	m->left = false;
	for (size_t i = 0; !live && i < fleet_mates(d->opts.fleet); i++) {
		const struct fleet_mate of = fleet_mate(d->opts.fleet, i);
		if (strcmp(of.server, server) == 0)
			m->left = fleet_mate_says(&of, "leaves");
	}
}

static void on_forget(void *ctx, const char *server)
{
	struct fleet_demand *d = ctx;
	struct demand_mate *m = find(d, server);

	if (!m)
		return;
	load_record_drop(m->counted);
	*m = d->mates[--d->n];
}

/* --- who leads ---------------------------------------------------------------------------- */

static void set_leads(struct fleet_demand *d, bool leads)
{
	if (d->leads == leads)
		return;
	d->leads = leads;
	d->leads_us = clock_us();
	d->prices_ms = leads ? fleet_now_ms(d->opts.fleet) : 0;
	if (first_that(d, "balances", NULL))
		log_line(LOG_NOTICE, leads ? "fleet: this server finds the prices of edges for all"
					   : "fleet: another server finds the prices of edges for all");
	fleet_hello_soon(d->opts.fleet);
}

/* Only who hears others may lead them. */
static void elect(struct fleet_demand *d)
{
	struct fleet *f = d->opts.fleet;
	const uint64_t now = clock_us();
	const bool heard = fleet_is_up(f) && fleet_is_caught_up(f);

	if (heard && !d->was_caught_up)
		d->caught_up_us = now;
	d->was_caught_up = heard;
	if (!heard || !d->limited || now - d->caught_up_us < SETTLE_MS * UINT64_C(1000)) {
		set_leads(d, d->leads && heard && d->limited);
		return;
	}
	const char *leader = leader_of(d);
	if (!leader)
		leader = first_that(d, "balances", d->server);
	set_leads(d, strcmp(leader, d->server) == 0);
}

/* --- turns -------------------------------------------------------------------------------- */

static bool is_old(uint64_t since_us, unsigned every_ms)
{
	return clock_us() - since_us > (OLD_TURNS * (uint64_t)every_ms + OLD_MS) * 1000;
}

/* Whose part is held, though he is not heard of. */
static bool is_held(const struct demand_mate *m, bool live)
{
	return !m->left && (live || clock_us() - m->gone_us < HOLD_S * UINT64_C(1000000));
}

static void add_other(struct load_fleet *f, const struct demand_mate *m)
{
	part_hold(&m->counted->part);
	f->others[f->n++] = m->counted;
	f->who += hash_bytes((struct hash_key){ 7, 8 }, (const uint8_t *)m->server, strlen(m->server));
}

/* Whom we speak for. True: of all that there are something is known. */
static bool gather(struct fleet_demand *d, unsigned every_ms, struct load_fleet *f)
{
	bool all = true;

	d->held = 0;
	f->others = memory_zeroed(d->n, sizeof *f->others);
	for (size_t i = 0; i < fleet_mates(d->opts.fleet); i++) {
		const struct fleet_mate of = fleet_mate(d->opts.fleet, i);
		const bool live = of.live && fleet_mate_says(&of, "balances");
		const struct demand_mate *m = find(d, of.server);
		if (live)
			fleet_fetch(d->opts.fleet, FLEET_DEMAND, of.server);
		if (m && live && m->counted && !is_old(m->fresh_us, every_ms))
			add_other(f, m);
		else if (m && (live || m->counted) && is_held(m, live))
			d->held++;
		all = all && !(live && !(m && m->counted));
	}
	f->split = d->held != 0;
	d->servers = (unsigned)f->n + 1;
	return all;
}

struct load_fleet fleet_demand_turn(struct fleet_demand *d, unsigned every_ms)
{
	struct load_fleet f = { .speaks = true, .who = 1 };
	const bool others = first_that(d, "balances", NULL) != NULL;

	elect(d);
	if (d->leads) {
		const bool all = gather(d, every_ms, &f);
		/* Who has just begun to lead does not know yet what the others have counted. */
		f.speaks = all || is_old(d->leads_us, every_ms);
		d->state = others || f.split ? DEMAND_LEADS : DEMAND_NONE;
		return f;
	}
	d->servers = 1;
	d->held = 0;
	d->fresh = d->prices && !is_old(d->prices_us, every_ms);
	f.speaks = !d->fresh;
	f.split = f.sure = f.speaks;
	d->state = d->fresh ? DEMAND_FOLLOWS : d->n ? DEMAND_ALONE : DEMAND_NONE;
	return f;
}

void fleet_demand_turn_free(struct load_fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		load_record_drop(f->others[i]);
	memory_free(f->others);
	load_record_drop(f->counted);
	*f = (struct load_fleet){ 0 };
}

void fleet_demand_say(struct fleet_demand *d, const struct load_record *counted)
{
	if (counted && first_that(d, "balances", NULL))
		fleet_keep(d->opts.fleet, FLEET_DEMAND, counted->bytes, counted->len);
}

void fleet_demand_say_prices(struct fleet_demand *d, const struct load_record *prices)
{
	if (!d->leads || !prices || !first_that(d, "balances", NULL))
		return;
	fleet_say(d->opts.fleet, FLEET_PRICES, prices->bytes, prices->len);
	fleet_keep(d->opts.fleet, FLEET_PRICES, prices->bytes, prices->len);
}

bool fleet_demand_leads(const struct fleet_demand *d)
{
	return d->leads;
}

const struct load_record *fleet_demand_prices(const struct fleet_demand *d)
{
	return d->leads ? NULL : d->prices;
}

void fleet_demand_set(struct fleet_demand *d, bool limited)
{
	d->limited = limited;
}

/* --- looking ------------------------------------------------------------------------------ */

struct fleet_demand_sum fleet_demand_sum(const struct fleet_demand *d)
{
	const char *leader = d ? leader_of(d) : NULL;

	if (!d || !d->limited)
		return (struct fleet_demand_sum){ .leader = "" };
	return (struct fleet_demand_sum){ d->state, leader ? leader : "", d->servers, d->held };
}

void fleet_demand_hello(const struct fleet_demand *d, void *json)
{
	if (d->limited)
		fleet_hello_say(json, "balances");
	if (d->leads)
		fleet_hello_say(json, "leads");
}

/* --- beginning and end -------------------------------------------------------------------- */

struct fleet_demand *fleet_demand_new(const struct fleet_demand_opts *opts)
{
	struct fleet_demand *d = memory_zeroed(1, sizeof *d);

	d->opts = *opts;
	d->opts.server = NULL; /* borrowed */
	snprintf(d->server, sizeof d->server, "%s", opts->server);
	fleet_follow(opts->fleet, FLEET_DEMAND,
		&(struct fleet_follower){ .ctx = d, .take = take_counted, .mate = on_mate, .forget = on_forget });
	fleet_follow(opts->fleet, FLEET_PRICES, &(struct fleet_follower){ .ctx = d, .take = take_prices });
	return d;
}

void fleet_demand_free(struct fleet_demand *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		load_record_drop(d->mates[i].counted);
	memory_free(d->mates);
	load_record_drop(d->prices);
	memory_free(d);
}
