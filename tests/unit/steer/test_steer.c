#include "steer/steer.h"

#include "base/scope.h"
#include "steer/hours.h"
#include "steer/rules.h"
#include "unit/failing.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1000000 };

static const char *const names[4] = { "ams", "rom", "nyc", "sfo" };

/* Pools of all kinds: with a spread, with prices, with pins; measured nets inside each other,
 * and a mesh. */
struct desk {
	struct atlas *atlas;
	struct latency *table;
	struct edge_opts edges[4];
	struct pool_opts pools[4];
	struct pool_pin pins[3];
	bool plain;           /* nothing is measured */
	struct steer *before; /* NULL: none */
	struct steer *made;
};

static void measure(struct latency *t, const char *net, unsigned edge, double rtt_ms)
{
	const struct latency_sample s = { rtt_ms, 3, NOW, false };
	struct prefix p;

	if (!prefix_parse(&p, net, NULL) || !latency_put(t, &p, edge, &s))
		abort();
}

static void open_desk(struct desk *d)
{
	static const uint16_t one[] = { NYC };
	char net[32];

	*d = (struct desk){ .atlas = small_atlas() };
	d->table = latency_new(
		&(struct latency_opts){ names, 4, 0.3, 3600, 1 << 20, { 1, 2 } });
	for (unsigned i = 0; i < 200; i++) {
		snprintf(net, sizeof net, "1.0.%u.0/24", i);
		measure(d->table, net, i % 4, 5 + i % 60);
		measure(d->table, net, (i + 1) % 4, 9 + i % 30);
	}
	measure(d->table, "2a00::/32", ROM, 7);
	for (unsigned i = 0; i < 4; i++) {
		latency_put_mesh(d->table, i, (i + 1) % 4,
			&(struct latency_sample){ 20 + i, 2, NOW, false });
		d->edges[i] = small_edges[i];
		d->pools[i] = small_pool();
	}
	d->edges[AMS].capacity = 100; /* so that there are prices */
	d->pools[1].name = "spread";
	d->pools[1].answers = 2;
	d->pools[1].spread_ms = 10;
	d->pools[2].name = "same";
	d->pools[3].name = "pinned";
	d->pins[0] = (struct pool_pin){
		.kind = PIN_COUNTRY, .code = "NO", .edges = one, .n = 1
	};
	d->pins[1] = (struct pool_pin){ .kind = PIN_ASN, .asn = 64500, .edges = one, .n = 1 };
	d->pins[2] = (struct pool_pin){ .kind = PIN_NET, .edges = one, .n = 1 };
	if (!prefix_parse(&d->pins[2].net, "3.0.0.0/18", NULL))
		abort();
	d->pools[3].pins = d->pins;
	d->pools[3].n_pins = 3;
}

static void make(void *ctx)
{
	struct desk *d = ctx;
	const struct steer_measured m = { .table = d->plain ? NULL : d->table,
		.now_s = NOW,
		.change = { 2, 0.05 },
		.close_ms = 5 };

	d->made = steer_new(
		&(struct steer_opts){ d->edges, 4, d->pools, 4, &m, NULL }, d->atlas, d->before);
}

static void make_each(void *ctx)
{
	struct desk *d = ctx;
	const bool ok = scope_run(make, d);

	CU_ASSERT_EQUAL(ok, failing_stop() == 0);
	CU_ASSERT_EQUAL(d->before ? d->before->refs : 1, 1);
	if (ok)
		steer_drop(d->made);
}

static void without_memory_nothing_is_made(void)
{
	struct desk d;

	open_desk(&d);
	const unsigned refs = d.atlas->refs;
	CU_ASSERT_TRUE(failing_each(make_each, &d) > 50);
	CU_ASSERT_EQUAL(d.atlas->refs, refs);

	/* Again, where most is as it was before, and some is not. */
	make(&d);
	d.before = d.made;
	measure(d.table, "1.0.7.0/24", NYC, 1);
	const unsigned held = d.atlas->refs;
	CU_ASSERT_TRUE(failing_each(make_each, &d) > 20);
	CU_ASSERT_EQUAL(d.atlas->refs, held);

	steer_drop(d.before);
	CU_ASSERT_EQUAL(d.atlas->refs, refs);
	latency_drop(d.table);
	atlas_drop(d.atlas);
}

static void without_memory_what_is_shared_keeps_its_counts(void)
{
	struct desk d;

	open_desk(&d);
	d.plain = true;
	make(&d);
	d.before = d.made;
	/* All rankings are those from before: the leak checker sees a count too many. */
	CU_ASSERT_TRUE(failing_each(make_each, &d) > 5);
	CU_ASSERT_TRUE(scope_run(make, &d));
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_PTR_EQUAL(d.made->pools[i].rank, d.before->pools[i].rank);
	steer_drop(d.made);
	steer_drop(d.before);
	latency_drop(d.table);
	atlas_drop(d.atlas);
}

static void make_drop_and_fail(void *ctx)
{
	struct desk *d = ctx;

	make(d);
	steer_drop(d->made);
	scope_fail();
}

static void what_was_dropped_before_is_not_given_back_again(void)
{
	struct desk d;

	open_desk(&d);
	const unsigned refs = d.atlas->refs;
	CU_ASSERT_FALSE(scope_run(make_drop_and_fail, &d));
	CU_ASSERT_EQUAL(d.atlas->refs, refs);
	latency_drop(d.table);
	atlas_drop(d.atlas);
}

/* "2 A, 1 AAAA, 30 s": what the edge has; and what is chosen of the pool. */
static const char *flat_of(const struct steer *s)
{
	const uint8_t states[2] = { EDGE_UP, EDGE_UP };
	struct standing *st = small_standing(s, states);
	const struct edge *e = &s->edges[0];
	static char text[64];

	const struct choice c = choose(&(struct choose_ask){ .steer = s, .standing = st }, NULL);
	snprintf(text, sizeof text, "%u A, %u AAAA, %s: %s for %u", e->n_a, e->n_aaaa,
		e->unresolved ? "?" : "known", c.n ? s->edges[c.edges[0]].name : "none",
		c.ttl_most_s);
	standing_free(st);
	return text;
}

static void an_edge_has_the_addresses_of_its_name_and_keeps_them(void)
{
	static const uint8_t a[] = { 192, 0, 2, 1, 192, 0, 2, 2 }, name[] = "\3cdn\4test";
	static const uint16_t edges[] = { 0, 1 };
	const struct addr own = addr_from_v4((const uint8_t[4]){ 192, 0, 2, 9 });
	struct edge_opts of[2] = { { .name = "flat", .flatten = name, .weight = 1 },
		{ .name = "own", .a = &own, .n_a = 1, .weight = 1 } };
	struct pool_opts pool = small_pool();
	const struct edge_flat found[2] = { { true, a, NULL, 2, 0, 30 }, { .known = false } },
			       gone[2] = { { .known = true, .ttl_s = 5 }, { .known = false } };
	struct atlas *atlas = small_atlas();

	pool.edges = edges;
	pool.n = 2;
	pool.n_fallback = 0;
	pool.policy = POOL_ORDERED;
	struct steer_opts o = { of, 2, &pool, 1, NULL, NULL };
	struct steer *first = steer_new(&o, atlas, NULL);
	CU_ASSERT_STRING_EQUAL(flat_of(first), "0 A, 0 AAAA, ?: own for 4294967295");
	o.flats = found;
	/* Nor is it known of a name of that edge alone. */
	const uint8_t up[2] = { EDGE_UP, EDGE_UP };
	struct standing *st = small_standing(first, up);
	CU_ASSERT(choose(&(struct choose_ask){ .steer = first, .standing = st, .own = { .one = true, .edge = 0 } },
		NULL).for_now);
	standing_free(st);
	struct steer *second = steer_new(&o, atlas, first);
	CU_ASSERT_STRING_EQUAL(flat_of(second), "2 A, 0 AAAA, known: flat for 30");
	CU_ASSERT_EQUAL(second->n_addresses, first->n_addresses); /* slots are what they were */
	o.flats = NULL;
	struct steer *third = steer_new(&o, atlas, second);
	CU_ASSERT_STRING_EQUAL(flat_of(third), "2 A, 0 AAAA, known: flat for 30");
	CU_ASSERT_EQUAL(memcmp(third->edges[0].a, a, sizeof a), 0);
	o.flats = gone;
	struct steer *fourth = steer_new(&o, atlas, third);
	CU_ASSERT_STRING_EQUAL(flat_of(fourth), "0 A, 0 AAAA, known: own for 4294967295");
	o.flats = NULL;
	of[0].flatten = (const uint8_t *)"\5other\4test";
	struct steer *fifth = steer_new(&o, atlas, third);
	CU_ASSERT_STRING_EQUAL(flat_of(fifth), "0 A, 0 AAAA, ?: own for 4294967295");
	steer_drop(first);
	steer_drop(second);
	steer_drop(third);
	steer_drop(fourth);
	steer_drop(fifth);
	atlas_drop(atlas);
}

static void many_rules_with_hours_take_memory_as_they_are_many(void)
{
	enum { RULES = 2000 };
	struct arena mem = { 0 };
	struct fault why;
	struct hours h[2];
	struct pool_rule *rules = calloc(RULES, sizeof *rules);
	struct pool_opts pool = small_pool();
	struct atlas *atlas = small_atlas();

	CU_ASSERT(hours_parse(&h[0], &mem, "08:00-18:00", &why) && hours_parse(&h[1], &mem, "Sat", &why));
	for (unsigned i = 0; i < RULES; i++) {
		rules[i].when = (struct pool_when){ .during = h, .n_during = 1 + i % 2 };
		rules[i].to = (struct pool_pin){ .kind = PIN_RULE, .code = "hours" };
		rules[i].nobody = true;
	}
	pool.rules = rules;
	pool.n_rules = RULES;
	struct steer *s = steer_new(&(struct steer_opts){ .edges = small_edges, .n_edges = 4, .pools = &pool,
					    .n_pools = 1 }, atlas, NULL);
	CU_ASSERT_EQUAL(s->n_hours, RULES * 3 / 2);
	CU_ASSERT(s->mem.total < 8u << 20);
	for (unsigned i = 0; i < RULES; i++) {
		const struct rules_when *w = &s->pools[0].rules->rule[i].when;
		CU_ASSERT(w->n_hours == 1 + i % 2 && s->hours[w->hours].from_s == 8 * 3600);
		CU_ASSERT(!(i % 2) || s->hours[w->hours + 1].days == 1 << 5);
	}
	steer_drop(s);
	atlas_drop(atlas);
	arena_fini(&mem);
	free(rules);
}

void suite_steer(void);
void suite_steer(void)
{
	static const struct unit_case cases[] = {
		{ "many rules with hours take memory as they are many",
			many_rules_with_hours_take_memory_as_they_are_many },
		{ "an edge has the addresses of its name and keeps them",
			an_edge_has_the_addresses_of_its_name_and_keeps_them },
		{ "without memory nothing is made", without_memory_nothing_is_made },
		{ "without memory what is shared keeps its counts",
			without_memory_what_is_shared_keeps_its_counts },
		{ "what was dropped before is not given back again",
			what_was_dropped_before_is_not_given_back_again },
	};

	unit_suite("steer/steer", cases, UNIT_COUNT(cases));
}
