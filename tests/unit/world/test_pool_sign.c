#include "world/pool_sign.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/steer/small_world.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "world/pool_denial.h"
#include "zone/image.h"
#include "zone/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t now_s = 1800000000;
static struct signing_key *key;
static struct zone_with_opts with;
static struct atlas *atlas;
static struct steer *steer;

static int open_suite(void)
{
	static const uint16_t all[] = { AMS, ROM };
	struct pool_opts pool = small_pool();
	struct fault why;

	pool.name = "web";
	pool.edges = all;
	pool.n = 2;
	key = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);
	with = change_of_opts(true);
	atlas = small_atlas();
	steer = steer_new(&(struct steer_opts){ small_edges, 4, &pool, 1, NULL, NULL }, atlas, NULL);
	return !key || !steer;
}

static int close_suite(void)
{
	steer_drop(steer);
	atlas_drop(atlas);
	signing_key_drop(key);
	return 0;
}

/* What the zone's pools answer; of a zone that grows it is more and more. */
static unsigned pool_types(
	void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	(void)ctx;
	(void)rr;
	to[0] = RRTYPE_A;
	to[1] = RRTYPE_AAAA;
	to[2] = RRTYPE_HTTPS;
	return 3;
}

static struct zone *changed(struct zone *z, const char *text, const struct sign_opts *o)
{
	struct fault why;
	struct faults f;

	faults_init(&f);
	struct change *plain = change_of(text, &why), *all = plain ? sign_follow(z, plain, o, &f) : NULL;
	struct zone *to = all ? zone_with(z, all, &with, &f) : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	change_free(plain);
	change_free(all);
	faults_fini(&f);
	return to;
}

/* How many proofs that one of the pool's types is not there are not signed, of `*n`. */
static unsigned unsigned_proofs(
	const struct pool_signatures *s, const struct zone *z, unsigned *n)
{
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_AAAA, RRTYPE_HTTPS };
	uint8_t rdata[POOL_DENIAL_MOST];
	unsigned missing = 0;

	for (const struct zone_node *node = image_first(z); node; node = image_next(z, node)) {
		const struct zone_node *link;
		const struct zone_rrset *denial = node->flags & NODE_EDGE && !(node->flags & NODE_HIDDEN)
			? pool_denial_of(z, node, &link)
			: NULL;
		for (size_t i = 0; denial && i < UNIT_COUNT(types); i++, ++*n) {
			const size_t len = pool_denial_without(denial, types[i], rdata);
			CU_ASSERT_NOT_EQUAL_FATAL(len, 0);
			missing += !pool_signatures_find(s,
				pool_signatures_key(pool_signatures_owner(s, z, link), denial->type,
					be32_get(denial->wire + 6),
					pool_signatures_record(rdata, len)),
				(uint32_t)now_s);
		}
	}
	return missing;
}

static struct pool_sign_ahead sign(struct pool_signatures *to, const struct zone *z,
	const struct zone *before, const struct keyset *keys, size_t most)
{
	static const uint16_t numbers[] = { 0 };
	struct pool_sign_ahead how = { .most = most };

	CU_ASSERT_EQUAL_FATAL(z->pools_n, 1);
	pool_sign_ahead(&(struct pool_sign){ to, z, before, keys, now_s },
		&(struct pool_sign_pools){ steer, numbers }, &how);
	CU_ASSERT_FALSE(how.no_memory);
	return how;
}

/* Each change makes other records of the chain, at names that it does not touch, too. */
static void proofs_of_a_changed_zone_are_signed_ahead(enum keyset_denial denial)
{
	const struct keyset_policy policy = { .lifetime_s = 14 * 86400,
		.refresh_s = 7 * 86400,
		.backdate_s = 3600,
		.dnskey_ttl_s = 3600,
		.denial = denial };
	const struct keyset_key one = { key, true, true, true, true };
	struct keyset *keys = keyset_new(&policy, &one, 1);
	struct pool_signatures *s = pool_signatures_new(zone_of_key, NULL, NULL);
	struct compile_opts compile = with.compile;
	const struct sign_opts o = { .keys = keys, .compile = &compile, .now_s = now_s };
	unsigned n = 0, others = 0;
	struct faults f;

	compile.pool_types = pool_types;
	faults_init(&f);
	struct zone *plain = zone_of("example.",
			   "$TTL 5\n@ 300 SOA ns h 1 1 1 1 5\n@ NS ns\nns A 192.0.2.9\n"
			   "a 60 EDGE web\n*.b 60 EDGE web\nx.y.c 60 EDGE web\nd A 192.0.2.1\n",
			   &f),
		    *z = sign_zone(plain, &o, 1, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	sign(s, z, NULL, keys, SIZE_MAX);
	CU_ASSERT_EQUAL(unsigned_proofs(s, z, &n), 0);
	CU_ASSERT_EQUAL(n, 9);
	/* Names come and go, some of a pool. */
	for (unsigned i = 0; i < 60; i++) {
		const unsigned at = i < 30 ? i : i - 30;
		char text[256];
		snprintf(text, sizeof text,
			"- example. 300 SOA ns.example. h.example. %u 1 1 1 5\n"
			"+ example. 300 SOA ns.example. h.example. %u 1 1 1 5\n"
			"%c n%u.m.example. 60 %s\n",
			i + 1, i + 2, at == i ? '+' : '-', at, at % 3 ? "EDGE web" : "A 192.0.2.1");
		struct zone *to = changed(z, text, &o);
		const struct pool_sign_ahead how = sign(s, to, z, keys, SIZE_MAX);
		others += how.made != 0;
		n = 0;
		CU_ASSERT_EQUAL(unsigned_proofs(s, to, &n), 0);
		CU_ASSERT_TRUE(n >= 9);
		zone_drop(z);
		z = to;
	}
	CU_ASSERT_TRUE(others > 20);
	zone_drop(plain);
	zone_drop(z);
	pool_signatures_drop(s);
	keyset_drop(keys);
	faults_fini(&f);
}

static void proofs_by_nsec_of_a_changed_zone_are_signed_ahead(void)
{
	proofs_of_a_changed_zone_are_signed_ahead(KEYSET_NSEC);
}

static void proofs_by_nsec3_of_a_changed_zone_are_signed_ahead(void)
{
	proofs_of_a_changed_zone_are_signed_ahead(KEYSET_NSEC3);
}

/* --- what pools answer -------------------------------------------------------------------- */

static const char own_zone[] = "$TTL 5\n@ 300 SOA ns h 1 1 1 1 5\n@ NS ns\nns A 192.0.2.9\n"
			       "all 60 EDGE web\none 30 EDGE web edge=rom\n"
			       "gone 20 EDGE web edge=nobody\n";

/* Is that RRset of one record, as the pool would answer it there, signed? */
static bool is_signed(const struct pool_signatures *s, const struct zone *z, const char *label,
	uint32_t ttl_s, const struct edge *e, uint16_t type)
{
	const uint8_t *rdata = type == RRTYPE_A ? e->a : e->aaaa;
	const size_t len = type == RRTYPE_A ? 4 : 16;

	for (const struct zone_node *node = image_first(z); node; node = image_next(z, node)) {
		uint8_t owner[NAME_MOST];
		image_owner(z, node, owner);
		if (owner[0] == strlen(label) && memcmp(owner + 1, label, owner[0]) == 0)
			return pool_signatures_find(s,
				pool_signatures_key(pool_signatures_owner(s, z, node), type, ttl_s,
					pool_signatures_record(rdata, len)),
				(uint32_t)now_s) != NULL;
	}
	CU_FAIL("there is no such name");
	return false;
}

static void what_each_name_may_answer_is_signed_ahead(void)
{
	const struct keyset_policy policy = { .lifetime_s = 14 * 86400,
		.refresh_s = 7 * 86400,
		.backdate_s = 3600,
		.dnskey_ttl_s = 3600 };
	const struct keyset_key one = { key, true, true, true, true };
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_AAAA };
	struct keyset *keys = keyset_new(&policy, &one, 1);
	struct pool_signatures *s = pool_signatures_new(zone_of_key, NULL, NULL),
			       *little = pool_signatures_new(zone_of_key, NULL, NULL);
	struct compile_opts compile = with.compile;
	const struct sign_opts o = { .keys = keys, .compile = &compile, .now_s = now_s };
	struct faults f;

	compile.pool_types = pool_types;
	faults_init(&f);
	struct zone *plain = zone_of("example.", own_zone, &f), *z = sign_zone(plain, &o, 1, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	const struct pool_sign_ahead how = sign(s, z, NULL, keys, SIZE_MAX);
	CU_ASSERT_EQUAL(how.there, 0);
	CU_ASSERT_EQUAL(how.left, 0);
	for (size_t i = 0; i < UNIT_COUNT(types); i++)
		for (unsigned e = AMS; e <= NYC; e++) {
			const struct edge *edge = &steer->edges[e];
			/* Those of the pool, all; or the one that the record names, and no other. */
			CU_ASSERT_EQUAL(is_signed(s, z, "all", 60, edge, types[i]), e != NYC);
			CU_ASSERT_EQUAL(is_signed(s, z, "one", 30, edge, types[i]), e == ROM);
			CU_ASSERT_FALSE(is_signed(s, z, "gone", 20, edge, types[i]));
			/* The TTL that is signed is the record's. */
			CU_ASSERT_FALSE(is_signed(s, z, "all", 30, edge, types[i]));
		}
	/* Once more there is nothing to do. */
	const struct pool_sign_ahead again = sign(s, z, NULL, keys, SIZE_MAX);
	CU_ASSERT_EQUAL(again.made, 0);
	CU_ASSERT_EQUAL(again.there, how.made);
	/* Where there may be a few only, the rest is counted. */
	const struct pool_sign_ahead few = sign(little, z, NULL, keys, 3);
	CU_ASSERT_TRUE(few.made >= 3 && few.made < how.made);
	CU_ASSERT_EQUAL(few.made + few.left, how.made);
	zone_drop(plain);
	zone_drop(z);
	pool_signatures_drop(s);
	pool_signatures_drop(little);
	keyset_drop(keys);
	faults_fini(&f);
}

static const struct unit_case cases[] = {
	{ "what each name may answer is signed ahead, and no more", what_each_name_may_answer_is_signed_ahead },
	{ "proofs by NSEC of a changed zone are signed ahead",
		proofs_by_nsec_of_a_changed_zone_are_signed_ahead },
	{ "proofs by NSEC3 of a changed zone are signed ahead",
		proofs_by_nsec3_of_a_changed_zone_are_signed_ahead },
};

void suite_pool_sign(void);
void suite_pool_sign(void)
{
	unit_suite_with("world/pool_sign", cases, UNIT_COUNT(cases), open_suite, close_suite);
}
