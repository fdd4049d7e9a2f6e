#include "net/xdp_make.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "net/xdp_question.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct asking x;

/* In asking.c's example. */
static struct xdp_question question(const char *label, uint16_t type, unsigned says)
{
	struct xdp_question q = { .type = htons(type), .says = (uint8_t)says };
	const size_t len = strlen(label);

	q.name[0] = (uint8_t)len;
	memcpy(q.name + 1, label, len);
	memcpy(q.name + 1 + len, "\7example", 8);
	return q;
}

enum { A = 1, AAAA = 28, HTTPS = 65, ECS = XDP_EDNS | XDP_ECS, CLIENT = 0x01000107, OTHER = 0x02000107 };

static const struct {
	const char *say, *label;
	uint16_t type;
	unsigned says;
	uint32_t client;
	enum xdp_makes is;
	bool steered;
	unsigned scope;
} rows[] = {
	{ "an ordinary name", "mail", A, 0, CLIENT, XDP_MADE, false, 0 },
	{ "... whoever asks", "mail", A, ECS, 0, XDP_MADE, false, 0 },
	{ "what is not there", "nope", A, XDP_EDNS, CLIENT, XDP_MADE, false, 0 },
	{ "of a pool, for where it came from", "www", A, XDP_EDNS, CLIENT, XDP_MADE, true, 0 },
	{ "... which has to be known", "www", A, XDP_EDNS, 0, XDP_MADE_NOT_NOW, true, 0 },
	{ "... and for a subnet", "www", A, ECS, CLIENT, XDP_MADE, true, 8 },
	{ "... of another scope", "www", A, ECS, 0x03000100, XDP_MADE, true, 17 },
	{ "two answers", "two", A, ECS, CLIENT, XDP_MADE, true, 8 },
	{ "services have no reasons of their own", "shop", HTTPS, ECS, CLIENT, XDP_MADE, true, 8 },
	{ "no data of a pool", "few", AAAA, ECS, CLIENT, XDP_MADE, true, 0 },
	{ "turns", "turn", A, ECS, CLIENT, XDP_MADE_NEVER, true, 0 },
	{ "... also of a service", "shops", HTTPS, ECS, CLIENT, XDP_MADE_NEVER, true, 0 },
	{ "over what a slot has room for", "many", A, XDP_EDNS, CLIENT, XDP_MADE_NEVER, false, 0 },
};

static void what_is_the_same_until_the_next_publication_is_made(void)
{
	struct xdp_made made;

	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		const struct xdp_question q = question(rows[i].label, rows[i].type, rows[i].says);
		const enum xdp_makes is = xdp_make(x.world, &q, rows[i].client, &made);
		if (is != rows[i].is || made.steered != rows[i].steered || (is == XDP_MADE && made.scope != rows[i].scope)) {
			printf("%s: %d %d %u\n", rows[i].say, is, made.steered, made.scope);
			CU_FAIL("is another");
		}
	}
}

/* As the program puts it together. */
static size_t message(const struct xdp_question *q, uint32_t client, const struct xdp_made *made, uint8_t *to)
{
	uint8_t query[XDP_QUERY_ROOM];

	xdp_question_write(q, client, query);
	const size_t at = 12 + xdp_question_len(q);
	memcpy(to, query, at);
	memcpy(to + 2, &made->held.flags, 2);
	memcpy(to + 4, made->held.counts, 8);
	memcpy(to + at, made->held.bytes, made->held.len);
	if (made->held.subnet_at) {
		to[made->held.subnet_at - 1] = made->scope;
		to[made->held.subnet_at] = (uint8_t)(client >> 24);
		to[made->held.subnet_at + 1] = (uint8_t)(client >> 16);
		to[made->held.subnet_at + 2] = (uint8_t)(client >> 8);
	}
	return at + made->held.len;
}

static void it_is_what_a_worker_answers(void)
{
	struct xdp_made made;
	uint8_t query[XDP_QUERY_ROOM], to[1500];

	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		const struct xdp_question q = question(rows[i].label, rows[i].type, rows[i].says);
		if (rows[i].is != XDP_MADE || !(rows[i].says & XDP_ECS) || !rows[i].client)
			continue;
		CU_ASSERT_EQUAL_FATAL(xdp_make(x.world, &q, rows[i].client, &made), XDP_MADE);
		const size_t len = message(&q, rows[i].client, &made, to);
		asking_bytes(&x, query, xdp_question_write(&q, rows[i].client, query), false);
		CU_ASSERT_EQUAL(len, x.len);
		CU_ASSERT_EQUAL(memcmp(to, x.reply, len), 0);
	}
}

static void clients_of_one_edge_are_answered_with_the_same_bytes(void)
{
	const struct xdp_question q = question("www", A, ECS), steered = question("csteer", A, ECS);
	struct xdp_made one, same, other, alias;

	xdp_make(x.world, &q, CLIENT, &one);
	xdp_make(x.world, &q, CLIENT + 0x100, &same);
	xdp_make(x.world, &q, OTHER, &other);
	CU_ASSERT_EQUAL(memcmp(&one.held, &same.held, sizeof one.held), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(&one.held, &other.held, sizeof one.held), 0);
	CU_ASSERT_EQUAL(memcmp(&one.counts, &same.counts, sizeof one.counts), 0);
	CU_ASSERT_NOT_EQUAL(one.counts.reasons[0], other.counts.reasons[0]);
	CU_ASSERT_EQUAL(one.counts.n_reasons, 1);
	CU_ASSERT_EQUAL(one.asks, other.asks);
	/* A CNAME that leads to it asks the same pool. */
	CU_ASSERT_EQUAL(xdp_make(x.world, &steered, CLIENT, &alias), XDP_MADE);
	CU_ASSERT_TRUE(alias.steered);
	/* ... in this world; what it leads to in the next is not known. */
	const uint64_t asks = alias.asks;
	xdp_make(x.world, &steered, OTHER, &alias);
	CU_ASSERT_EQUAL(alias.asks, asks);
	x.world->generation++;
	xdp_make(x.world, &steered, OTHER, &alias);
	CU_ASSERT_NOT_EQUAL(alias.asks, asks);
	xdp_make(x.world, &q, OTHER, &other);
	CU_ASSERT_EQUAL(one.asks, other.asks);
}

static uint64_t counted(const struct xdp_made *made, const uint64_t *of)
{
	for (unsigned i = 0; i < made->counts.n; i++)
		if (made->counts.more[i].at == (size_t)(of - (const uint64_t *)&x.stats))
			return made->counts.more[i].more;
	return 0;
}

static void it_counts_as_a_workers_does(void)
{
	const struct xdp_question q = question("two", A, ECS);
	struct xdp_made made;

	CU_ASSERT_EQUAL_FATAL(xdp_make(x.world, &q, CLIENT, &made), XDP_MADE);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.queries[VIA_UDP]), 1);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.queries_v6[VIA_UDP]), 0);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.steered), 1);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.with_subnet), 1);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.ttl_s), 300);
	CU_ASSERT_EQUAL(counted(&made, &x.stats.rcode[0]), 1);
	CU_ASSERT_EQUAL(made.counts.n_reasons, 2);
}

static enum xdp_makes makes(const char *label, uint32_t client)
{
	const struct xdp_question q = question(label, A, ECS);
	struct xdp_made made;

	return xdp_make(x.world, &q, client, &made);
}

static void who_wants_to_see_each_answer_has_none_made(void)
{
	x.policy.sample_every = 1000;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE_NEVER);
	CU_ASSERT_EQUAL(makes("mail", CLIENT), XDP_MADE);
	x.policy.sample_every = 0;
	x.policy.n_watched = 1;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE_NEVER);
	x.policy.n_watched = 0;
	x.policy.ecs = false;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE_NEVER);
	x.policy.ecs = true;
	x.share = UINT64_MAX / 2;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE_NEVER);
	x.share = 0;
	x.waits = true;
	asking_again(&x);
	x.waits = false;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE);
}

static void an_answer_for_a_while_is_not_made(void)
{
	struct standing_pool *web = &x.world->standing->pools[0];

	web->changes_us = 1;
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE_NOT_NOW);
	web->changes_us = UINT64_MAX;
	CU_ASSERT_EQUAL(makes("www", CLIENT), XDP_MADE);
	/* For want of edges that are up. */
	for (unsigned i = 0; i < 4; i++)
		x.states[i] = EDGE_DOWN;
	asking_again(&x);
	CU_ASSERT_EQUAL(makes("gone", CLIENT), XDP_MADE_NOT_NOW);
	memset(x.states, EDGE_UP, sizeof x.states);
	asking_again(&x);
}

/* A subnet that is nobody's says nothing, so that where the query comes from does. */
static void where_it_comes_from_is_no_subnets_to_decide(void)
{
	const struct xdp_question q = question("www", A, ECS), plain = question("www", A, XDP_EDNS);
	struct xdp_made made;

	CU_ASSERT_EQUAL(xdp_make(x.world, &q, 0x0a000100, &made), XDP_MADE_NOT_NOW);
	CU_ASSERT_EQUAL(xdp_make(x.world, &plain, 0x0a000101, &made), XDP_MADE);
}

/* Signed at that time, for a million seconds. */
static void sign_two(struct asking *y, uint32_t now_s)
{
	y->a.now_s = now_s;
	asking_sign_wanted(y);
}

static void what_a_pool_has_signed_is_made_until_its_end_is_near(void)
{
	const struct xdp_question q = { .name = "\3two\5pools\4test", .type = htons(1), .says = ECS | XDP_DO };
	static struct asking y;
	const uint32_t now_s = (uint32_t)time(NULL), lifetime_s = 1000000;
	struct xdp_made made;

	asking_open(&y, true);
	CU_ASSERT_EQUAL(xdp_make(y.world, &q, CLIENT, &made), XDP_MADE_NOT_NOW);
	CU_ASSERT_FATAL(y.n_wanted > 0);
	sign_two(&y, now_s - lifetime_s + XDP_SIGNED_LEAST_S / 2);
	CU_ASSERT_EQUAL(xdp_make(y.world, &q, CLIENT, &made), XDP_MADE_NOT_NOW);
	sign_two(&y, now_s);
	CU_ASSERT_EQUAL(xdp_make(y.world, &q, CLIENT, &made), XDP_MADE);
	CU_ASSERT_TRUE(made.signed_until_s > now_s + lifetime_s - 7200 && made.signed_until_s <= now_s + lifetime_s);
	CU_ASSERT_TRUE(xdp_made_lasts(made.signed_until_s, made.signed_until_s - XDP_SIGNED_LEAST_S));
	CU_ASSERT_FALSE(xdp_made_lasts(made.signed_until_s, made.signed_until_s - XDP_SIGNED_LEAST_S + 1));
	CU_ASSERT_TRUE(xdp_made_lasts(0, now_s));
	asking_close(&y);
}

static int open_world(void)
{
	asking_open(&x, false);
	return 0;
}

static int close_world(void)
{
	asking_close(&x);
	return 0;
}

static const struct unit_case cases[] = {
	{ "what is the same until the next publication is made", what_is_the_same_until_the_next_publication_is_made },
	{ "it is what a worker answers", it_is_what_a_worker_answers },
	{ "clients of one edge are answered with the same bytes", clients_of_one_edge_are_answered_with_the_same_bytes },
	{ "it counts as a worker's does", it_counts_as_a_workers_does },
	{ "who wants to see each answer has none made", who_wants_to_see_each_answer_has_none_made },
	{ "an answer for a while is not made", an_answer_for_a_while_is_not_made },
	{ "what a pool has signed is made until its end is near", what_a_pool_has_signed_is_made_until_its_end_is_near },
	{ "where it comes from is no subnet's to decide", where_it_comes_from_is_no_subnets_to_decide },
};

void suite_xdp_make(void);
void suite_xdp_make(void)
{
	unit_suite_with("net/xdp_make", cases, UNIT_COUNT(cases), open_world, close_world);
}
