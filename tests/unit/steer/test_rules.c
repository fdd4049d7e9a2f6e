#include "steer/choose.h"

#include "base/clock.h"
#include "geo/netmap.h"
#include "steer/hours.h"
#include "steer/rules.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t to_ams[] = { AMS }, to_nyc[] = { NYC, SFO };

static struct pool_pin who(enum pool_pin_kind kind, const char *code)
{
	return (struct pool_pin){ .kind = kind, .code = code };
}

static struct pool_pin in_net(const char *text)
{
	struct pool_pin pin = { .kind = PIN_NET };

	if (!prefix_parse(&pin.net, text, NULL))
		abort();
	return pin;
}

static struct pool_rule rule(const struct pool_pin *conds, size_t n, const uint16_t *edges, size_t n_edges)
{
	return (struct pool_rule){ .when = { .conds = conds, .n = n },
		.to = { .kind = PIN_RULE, .code = "rule", .edges = edges, .n = n_edges } };
}

/* From San Francisco: AS 64500; New York is of no AS. */
static void all_kinds_must_hold_and_one_of_each(void)
{
	const struct pool_pin us_64500[] = { who(PIN_COUNTRY, "US"),
		{ .kind = PIN_ASN, .asn = 64500 } };
	const struct pool_pin it_or_us[] = { who(PIN_COUNTRY, "IT"), who(PIN_COUNTRY, "US"),
		who(PIN_REGION, "US-NY") };
	const struct pool_rule rules[] = { rule(us_64500, 2, to_ams, 1),
		rule(it_or_us, 3, &to_nyc[1], 1) };
	struct pool_opts pool = small_pool();
	struct small s;

	pool.rules = rules;
	pool.n_rules = 2;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "ams /17");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false), "sfo /17");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "rom /16");
	/* What a rule gives is down: the next has the client, or the policy. */
	s.states[AMS] = s.states[SFO] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "nyc /17");
	small_close(&s);
}

static void exceptions_and_clients_that_nobody_knows(void)
{
	const struct pool_pin us = who(PIN_COUNTRY, "US"), net = in_net("3.0.5.0/24");
	struct pool_rule not_us = rule(NULL, 0, to_ams, 1), us_but = rule(&us, 1, to_ams, 1);
	struct pool_opts pool = small_pool();
	struct small s;

	not_us.unless = (struct pool_when){ .conds = &us, .n = 1 };
	pool.rules = &not_us;
	pool.n_rules = 1;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "ams /8");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "6.0.5.0/24", NULL, false), "ams /6");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false), "nyc /17");
	small_close(&s);
	us_but.unless = (struct pool_when){ .conds = &net, .n = 1 };
	pool.rules = &us_but;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "sfo /24");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.6.0/24", NULL, false), "ams /23");
	small_close(&s);
}

/* By net, even of clients that are nowhere, and by who asks, which narrows no scope. */
static void classes_and_resolvers(void)
{
	struct netmap_net nets[] = { { in_net("10.0.0.0/8").net, 1 }, { in_net("2.0.5.0/24").net, 1 } };
	struct netmap *office = netmap_from_nets(nets, 2);
	const struct pool_pin resolver = in_net("9.9.0.0/16");
	struct pool_rule rules[] = { rule(NULL, 0, to_ams, 1), rule(NULL, 0, to_nyc, 2) };
	struct pool_opts pool = small_pool();
	struct small s;

	rules[0].when.clients = &office;
	rules[0].when.n_clients = 1;
	rules[1].when.resolvers = &resolver;
	rules[1].when.n_resolvers = 1;
	pool.rules = rules;
	pool.n_rules = 2;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "10.1.2.0/24", NULL, false), "ams /8");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", "8.8.8.8", false), "ams /24");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.4.0/24", "8.8.8.8", false), "rom /24");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.6.0/24", "9.9.9.9", false), "nyc /23");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", "10.0.0.1", false), "ams /0");
	small_close(&s);
	netmap_drop(office);
}

static struct choice ask(struct small *s, struct standing **st)
{
	struct choose_ask a = { .steer = s->steer,
		.has_subnet = true,
		.subnet = addr_from_v4((const uint8_t[]){ 2, 0, 5, 0 }) };

	a.standing = *st = small_standing(s->steer, s->states);
	return choose(&a, NULL);
}

static void only_and_nobody_end_it(void)
{
	const struct pool_pin it = who(PIN_COUNTRY, "IT");
	struct pool_rule r = rule(&it, 1, to_nyc, 2);
	struct pool_opts pool = small_pool();
	struct standing *st;
	struct small s;

	r.only = true;
	pool.rules = &r;
	pool.n_rules = 1;
	small_open(&s, &pool, 1);
	s.states[NYC] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "sfo /16");
	s.states[SFO] = EDGE_DRAIN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "nyc /16");
	small_close(&s);
	for (unsigned refused = 0; refused < 2; refused++) {
		r.nobody = true;
		r.refused = refused;
		small_open(&s, &pool, 1);
		const struct choice c = ask(&s, &st);
		CU_ASSERT_EQUAL(c.n, 0);
		CU_ASSERT_EQUAL(c.refused, refused);
		CU_ASSERT_FALSE(c.for_now);
		CU_ASSERT_EQUAL(c.scope, 16);
		standing_free(st);
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
		small_close(&s);
	}
}

/* "type: A" is not for who asks for the MX records of an edge. */
static void records_are_no_addresses(void)
{
	static const uint8_t rdata[] = { 0, 10, 2, 'm', 'x', 0 };
	const struct edge_record mx = { .type = 15, .rdata = rdata, .len = sizeof rdata };
	struct pool_rule rules[] = { rule(NULL, 0, to_ams, 1) };
	struct edge_opts edges[4];
	struct pool_opts pool = small_pool();
	struct small s = { .atlas = small_atlas() };

	memcpy(edges, small_edges, sizeof edges);
	edges[AMS].records = &mx;
	edges[AMS].n_records = 1;
	rules[0].when.types = POOL_TYPE_A;
	rules[0].nobody = true;
	pool.rules = rules;
	pool.n_rules = 1;
	s.steer = steer_new(&(struct steer_opts){ .edges = edges, .n_edges = 4, .pools = &pool, .n_pools = 1 },
		s.atlas, NULL);
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer, .standing = st };
	CU_ASSERT_EQUAL(choose(&a, NULL).n, 0);
	a.record = steer_can(s.steer, 15);
	CU_ASSERT_EQUAL(choose(&a, NULL).n, 1);
	standing_free(st);
	small_close(&s);
}

/* AAAA over TLS goes to ams; in the hours all go to nyc, and answers end with them. */
static void type_transport_and_time(void)
{
	struct arena mem = { 0 };
	struct fault why;
	struct hours hours;
	struct pool_rule rules[] = { rule(NULL, 0, to_ams, 1), rule(NULL, 0, to_nyc, 1) };
	struct pool_opts pool = small_pool();
	struct small s;

	CU_ASSERT_TRUE_FATAL(hours_parse(&hours, &mem, "Mon-Fri 08:00-18:00 Europe/Berlin", &why));
	rules[0].when.types = POOL_TYPE_AAAA;
	rules[0].when.via = 1 << POOL_TLS;
	rules[1].when.during = &hours;
	rules[1].when.n_during = 1;
	pool.rules = rules;
	pool.n_rules = 2;
	small_open(&s, &pool, 1);
	static const struct {
		int64_t time_s; /* the first is 17:59:30 of a Monday in Berlin */
		bool v6;
		uint8_t via;
		uint16_t want;
		uint32_t ttl_s;
	} row[] = {
		{ 1783353570, false, POOL_UDP, NYC, 30 },
		{ 1783353570, true, POOL_TLS, AMS, UINT32_MAX },
		{ 1783353570, true, POOL_HTTPS_VIA, NYC, 30 },
		{ 1783353570, false, POOL_TLS, NYC, 30 },
		{ 1783353600, false, POOL_UDP, ROM, 14 * 3600 },
	};
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct standing *st = standing_new(&(struct standing_opts){
			.steer = s.steer, .states = s.states, .time_s = row[i].time_s });
		struct choose_ask a = { .steer = s.steer,
			.standing = st,
			.now_us = clock_us(),
			.v6 = row[i].v6,
			.via = row[i].via,
			.has_subnet = true,
			.subnet = addr_from_v4((const uint8_t[]){ 2, 0, 5, 0 }) };
		const struct choice c = choose(&a, NULL);
		CU_ASSERT_EQUAL(c.edges[0], row[i].want);
		CU_ASSERT(c.ttl_most_s == row[i].ttl_s || c.ttl_most_s + 1 == row[i].ttl_s);
		standing_free(st);
	}
	small_close(&s);
	/* And so does that nobody gets anything. */
	rules[1].nobody = true;
	small_open(&s, &pool, 1);
	struct standing *st = standing_new(&(struct standing_opts){
		.steer = s.steer, .states = s.states, .time_s = 1783353570 });
	struct choose_ask a = { .steer = s.steer, .standing = st, .now_us = clock_us() };
	const struct choice c = choose(&a, NULL);
	CU_ASSERT(c.n == 0 && c.for_now && c.ttl_most_s <= 30);
	/* Once the clock was set, the same end is further away: another standing, though nothing else is. */
	static const struct {
		int64_t time_s;
		bool same;
	} set[] = { { 1783353570, true }, { 1783353540, false }, { 1783353599, false } };
	for (size_t i = 0; i < UNIT_COUNT(set); i++) {
		struct standing *other = standing_new(&(struct standing_opts){
			.steer = s.steer, .states = s.states, .time_s = set[i].time_s });
		CU_ASSERT_EQUAL(standing_same(s.steer, st, other), set[i].same);
		standing_free(other);
	}
	standing_free(st);
	small_close(&s);
	arena_fini(&mem);
}

/* Whom no other pin is for; and those whose pin is down, before the policy. */
static void a_default_pin_is_the_weakest(void)
{
	const struct pool_pin pins[] = { { .kind = PIN_COUNTRY, .code = "IT", .edges = to_ams, .n = 1 },
		{ .kind = PIN_DEFAULT, .edges = to_nyc, .n = 1 } };
	struct pool_opts pool = small_pool();
	struct small s;

	pool.pins = pins;
	pool.n_pins = 2;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "ams /16");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "nyc /8");
	s.states[AMS] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "nyc /16");
	s.states[NYC] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "rom /16");
	small_close(&s);
}

/* Sets of places and of ASNs have a bit each, in as many words as there are rules for. */
static void each_of_many_rules_has_its_own_clients(void)
{
	enum { MANY = 130 };
	static const struct {
		unsigned it, as; /* which rule is for clients of Italy, and which for those of AS 64500 */
	} row[] = { { 0, 1 }, { 63, 64 }, { 64, 65 }, { 65, 64 }, { 127, 128 }, { 129, 1 } };
	static const struct pool_pin nobody = { .kind = PIN_ASN, .asn = 1 };
	static struct pool_pin pins[MANY];
	static struct pool_rule rules[MANY];
	static char codes[MANY][8];
	struct pool_opts pool = small_pool();
	struct small s;

	pool.rules = rules;
	pool.n_rules = MANY;
	for (size_t k = 0; k < UNIT_COUNT(row); k++) {
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(codes[i], sizeof codes[i], "US-%u", i);
			/* As many sets of the one kind as of the other. */
			pins[i] = i == row[k].it ? who(PIN_COUNTRY, "IT") : who(PIN_REGION, codes[i]);
			rules[i] = rule(&pins[i], 1, to_ams, 1);
			rules[i].unless = (struct pool_when){ .conds = &nobody, .n = 1 };
		}
		pins[row[k].as] = (struct pool_pin){ .kind = PIN_ASN, .asn = 64500 };
		rules[row[k].as].to.edges = to_nyc;
		small_open(&s, &pool, 1);
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "ams /16");
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "nyc /17");
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
		small_close(&s);
	}
}

/* A value's class has a bit for each set; a value that the atlas has not is in none. */
static void a_value_is_in_the_sets_of_its_class(void)
{
	uint32_t class_of[4] = { 0, 1, 2, 1 }; /* the last stands behind the end */
	uint64_t bits[3 * 2] = { 0, 0, UINT64_C(1) << 63 | 1, 1 | UINT64_C(1) << 5, 2, 0 };
	const struct rules_table t = { .class_of = class_of, .bits = bits, .words = 2, .n = 3 };
	static const struct {
		uint32_t value;
		uint16_t set;
		bool has;
	} row[] = { { 0, 0, false }, { 0, 64, false }, { 1, 0, true }, { 1, 1, false }, { 1, 63, true }, { 1, 64, true }, { 1, 65, false }, { 1, 69, true },
		{ 2, 0, false }, { 2, 1, true }, { 2, 65, false }, { 3, 0, false }, { 4000, 0, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(rules_has(&t, row[i].value, row[i].set), row[i].has);
}

void suite_rules(void)
{
	static const struct unit_case cases[] = {
		{ "a value is in the sets of its class", a_value_is_in_the_sets_of_its_class },
		{ "records are no addresses", records_are_no_addresses },
		{ "all kinds must hold, and one of each", all_kinds_must_hold_and_one_of_each },
		{ "exceptions, and clients that nobody knows",
			exceptions_and_clients_that_nobody_knows },
		{ "classes and resolvers", classes_and_resolvers },
		{ "only and nobody end it", only_and_nobody_end_it },
		{ "type, transport and time", type_transport_and_time },
		{ "each of many rules has its own clients", each_of_many_rules_has_its_own_clients },
		{ "a default pin is the weakest", a_default_pin_is_the_weakest },
	};

	unit_suite("steer/rules", cases, UNIT_COUNT(cases));
}
