#include "unit/unit.h"

#include "geo/netmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- helpers ------------------------------------------------------------------------------ */

static uint64_t random_state;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static struct addr at(const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, text));
	return a;
}

static struct prefix net(const char *text)
{
	struct prefix p;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(prefix_parse(&p, text, &why));
	return p;
}

static uint32_t value_at(const struct netmap *map, const char *text)
{
	const struct addr a = at(text);

	return netmap_find(map, &a).value;
}

static unsigned scope_at(
	const struct netmap *map, const struct netmap_seams *seams, const char *text)
{
	const struct addr a = at(text);

	return netmap_scope(map, seams, &a, netmap_find(map, &a));
}

static bool append(struct netmap *map, const char *prefix, uint32_t value)
{
	const struct prefix p = net(prefix);

	return netmap_append(map, &p, value);
}

static bool v4_net(const struct prefix *p)
{
	return addr_is_v4(&p->addr) && p->bits >= ADDR_V4_BITS;
}

/* What a map should say, the slow way: the longest of the nets around an address, the later
 * of two equal ones. */
static uint32_t slow_value(const struct netmap_net *nets, size_t n, const struct addr *a)
{
	int best = -1;

	for (size_t i = 0; i < n; i++)
		if (v4_net(&nets[i].prefix) == addr_is_v4(a) &&
			prefix_has(&nets[i].prefix, a) &&
			(best < 0 || nets[i].prefix.bits >= nets[best].prefix.bits))
			best = (int)i;
	return best < 0 ? NETMAP_NONE : nets[best].value;
}

/* Is everything in this prefix of one class? Only its own ends and those of the nets in it
 * can differ. */
static bool slow_uniform(const struct netmap_net *nets, size_t n, const struct prefix *p,
	const uint32_t *class_of)
{
	const uint32_t class = class_of[slow_value(nets, n, &p->addr)];

	for (size_t i = 0; i < n; i++) {
		const struct prefix *q = &nets[i].prefix;
		if (v4_net(q) != v4_net(p) || !prefix_has(p, &q->addr) || q->bits < p->bits)
			continue;
		struct addr behind = q->addr;
		if (class_of[slow_value(nets, n, &q->addr)] != class)
			return false;
		for (unsigned b = q->bits; b < 128; b++)
			behind.b[b / 8] |= (uint8_t)(0x80 >> b % 8);
		int carry = 1;
		for (int b = 15; b >= 0 && carry; b--)
			carry = ++behind.b[b] == 0;
		if (!carry && prefix_has(p, &behind) &&
			class_of[slow_value(nets, n, &behind)] != class)
			return false;
	}
	return true;
}

/* All of that prefix is alike, and not all of the next wider one. */
static bool scope_is_right(const struct netmap_net *nets, size_t n, const struct addr *a,
	const uint32_t *class_of, unsigned scope)
{
	const unsigned bits = scope + (addr_is_v4(a) ? ADDR_V4_BITS : 0);
	const struct prefix p = addr_prefix(a, bits),
			    wider = addr_prefix(a, scope ? bits - 1 : bits);

	return slow_uniform(nets, n, &p, class_of) &&
		(scope == 0 || !slow_uniform(nets, n, &wider, class_of));
}

/* A net in a small world, so that nets meet: few distinct bits at few places. */
static struct prefix random_net(bool v4, unsigned clusters)
{
	struct addr a = at(v4 ? "100.0.0.0" : "2400::");
	const unsigned from = v4 ? ADDR_V4_BITS : 0;
	const unsigned bits = from + 1 + (unsigned)(random_word() % (128 - from));

	for (unsigned i = from / 8; i < 16; i++)
		if (random_word() % clusters == 0)
			a.b[i] = (uint8_t)random_word();
	return addr_prefix(&a, bits);
}

/* --- claims ------------------------------------------------------------------------------- */

static void empty_map_knows_nothing(void)
{
	struct netmap *map = netmap_new(true);

	netmap_seal(map);
	CU_ASSERT_EQUAL(value_at(map, "192.0.2.1"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "0.0.0.0"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "255.255.255.255"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "::"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), NETMAP_NONE);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "192.0.2.1"), 0);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "2001:db8::1"), 0);
	CU_ASSERT_EQUAL(netmap_size(map).v4_ranges, 1);
	netmap_drop(map);
}

static void nets_must_come_in_order(void)
{
	struct netmap *map = netmap_new(true);

	CU_ASSERT_TRUE(append(map, "10.0.0.0/8", 1));
	CU_ASSERT_FALSE(append(map, "10.1.0.0/16", 2));
	CU_ASSERT_FALSE(append(map, "9.0.0.0/8", 2));
	CU_ASSERT_TRUE(append(map, "2400::/12", 3));
	CU_ASSERT_TRUE(append(map, "11.0.0.0/8", 2));
	CU_ASSERT_FALSE(append(map, "2400::/128", 2));
	CU_ASSERT_TRUE(append(map, "255.255.255.255", 5));
	CU_ASSERT_FALSE(append(map, "255.255.255.255", 5));
	CU_ASSERT_FALSE(append(map, "0.0.0.0/0", 5));
	netmap_seal(map);
	CU_ASSERT_EQUAL(value_at(map, "10.1.0.0"), 1);
	CU_ASSERT_EQUAL(value_at(map, "11.255.255.255"), 2);
	CU_ASSERT_EQUAL(value_at(map, "12.0.0.0"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "255.255.255.254"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(map, "255.255.255.255"), 5);
	CU_ASSERT_EQUAL(value_at(map, "2400::1"), 3);
	netmap_drop(map);
}

static void whole_families_can_be_one_net(void)
{
	struct netmap *map = netmap_new(true);

	CU_ASSERT_TRUE(append(map, "0.0.0.0/0", 1));
	CU_ASSERT_TRUE(append(map, "::/0", NETMAP_VALUE_MOST));
	netmap_seal(map);
	CU_ASSERT_EQUAL(value_at(map, "255.255.255.255"), 1);
	CU_ASSERT_EQUAL(value_at(map, "ffff::"), NETMAP_VALUE_MOST);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "10.0.0.1"), 0);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "ffff::"), 0);
	netmap_drop(map);
}

static void equal_neighbours_are_one_range(void)
{
	struct netmap *map = netmap_new(true);

	CU_ASSERT_TRUE(append(map, "32.0.0.0/8", 7));
	CU_ASSERT_TRUE(append(map, "33.0.0.0/8", 7));
	netmap_seal(map);
	CU_ASSERT_EQUAL(netmap_size(map).v4_ranges, 3);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "32.1.2.3"), 7);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "33.1.2.3"), 7);
	netmap_drop(map);
}

static void local_and_embedded_nets_stand_apart_whatever_is_said_of_them(void)
{
	struct netmap *map = netmap_new(false);
	struct prefix p;

	CU_ASSERT_TRUE(append(map, "0.0.0.0/0", 1));
	CU_ASSERT_TRUE(append(map, "::/0", 1));
	netmap_seal(map);
	for (unsigned i = 0; addr_local_net(i, &p); i++)
		CU_ASSERT_EQUAL(netmap_find(map, &p.addr).value, NETMAP_LOCAL);
	for (unsigned i = 0; addr_embedded_net(i, &p); i++)
		if (!addr_is_v4(&p.addr))
			CU_ASSERT_EQUAL(netmap_find(map, &p.addr).value, NETMAP_EMBEDDED);
	CU_ASSERT_EQUAL(value_at(map, "9.255.255.255"), 1);
	CU_ASSERT_EQUAL(value_at(map, "10.255.255.255"), NETMAP_LOCAL);
	CU_ASSERT_EQUAL(value_at(map, "11.0.0.0"), 1);
	CU_ASSERT_EQUAL(value_at(map, "2001:0:ffff::"), NETMAP_EMBEDDED);
	CU_ASSERT_EQUAL(value_at(map, "2001:1::"), 1);
	netmap_drop(map);
}

/* A view that makes everything equal still does not span 10.0.0.0/8: answers there are
 * another matter. */
static void no_scope_spans_a_local_net(void)
{
	static const uint32_t all_equal[3] = { 0, 0, 0 };
	struct netmap *map = netmap_new(false);

	CU_ASSERT_TRUE(append(map, "8.0.0.0/7", 1));
	CU_ASSERT_TRUE(append(map, "11.0.0.0/8", 2));
	CU_ASSERT_TRUE(append(map, "2000::/3", 2));
	netmap_seal(map);
	struct netmap_seams *seams = netmap_seams_new(map, all_equal, 3);
	CU_ASSERT_EQUAL(scope_at(map, seams, "9.1.1.1"), 7);
	CU_ASSERT_EQUAL(scope_at(map, seams, "10.1.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "11.1.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "64.1.1.1"), 3);
	CU_ASSERT_EQUAL(scope_at(map, seams, "2001::1"), 32);
	CU_ASSERT_EQUAL(scope_at(map, seams, "2001:1::"), 32);
	CU_ASSERT_EQUAL(scope_at(map, seams, "2a00::"), 5);
	netmap_seams_free(seams);
	netmap_drop(map);
}

static void seams_follow_classes_not_values(void)
{
	static const uint32_t class_of[4] = { 0, 1, 1, 2 };
	struct netmap *map = netmap_new(true);

	CU_ASSERT_TRUE(append(map, "64.0.0.0/8", 1));
	CU_ASSERT_TRUE(append(map, "65.0.0.0/8", 2));
	CU_ASSERT_TRUE(append(map, "66.0.0.0/8", 3));
	CU_ASSERT_TRUE(append(map, "67.0.0.0/8", 9));
	netmap_seal(map);
	struct netmap_seams *seams = netmap_seams_new(map, class_of, 4);
	netmap_drop(map); /* the seams hold it */
	CU_ASSERT_EQUAL(scope_at(map, NULL, "64.1.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "64.1.1.1"), 7);
	CU_ASSERT_EQUAL(scope_at(map, seams, "65.1.1.1"), 7);
	CU_ASSERT_EQUAL(scope_at(map, seams, "66.1.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "67.1.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "128.1.1.1"), 1);
	CU_ASSERT_EQUAL(scope_at(map, seams, "::1"), 0);
	netmap_seams_free(seams);
}

/* RFC 7871 section 7.2.1: the widest prefix in which every address has this class, and no
 * wider. */
static void scopes_are_exact_and_as_wide_as_can_be(void)
{
	enum { NETS = 60, VALUES = 6 };
	static const uint32_t own[VALUES] = { 0, 1, 2, 3, 4, 5 },
			      pairs[VALUES] = { 0, 0, 1, 1, 2, 2 };
	unsigned wrong = 0;

	random_state = 1;
	for (unsigned round = 0; round < 300; round++) {
		struct netmap_net nets[NETS], given[NETS];
		const bool v4 = round % 2;
		for (size_t i = 0; i < NETS; i++)
			nets[i] = (struct netmap_net){ random_net(v4, 2 + round % 12),
				(uint32_t)(random_word() % VALUES) };
		memcpy(given, nets, sizeof given);
		struct netmap *map = netmap_from_nets(given, NETS);
		struct netmap_seams *seams = netmap_seams_new(map, pairs, VALUES);
		for (size_t i = 0; i < NETS; i++) {
			struct addr a = nets[i].prefix.addr;
			if (i % 2)
				a.b[15 - random_word() % 4] ^= (uint8_t)random_word();
			const struct netmap_hit hit = netmap_find(map, &a);
			wrong += hit.value != slow_value(nets, NETS, &a);
			wrong += !scope_is_right(
				nets, NETS, &a, own, netmap_scope(map, NULL, &a, hit));
			wrong += !scope_is_right(
				nets, NETS, &a, pairs, netmap_scope(map, seams, &a, hit));
		}
		netmap_seams_free(seams);
		netmap_drop(map);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void the_longest_net_wins_and_the_later_of_two(void)
{
	struct netmap_net nets[] = {
		{ net("10.1.2.3"), 4 },
		{ net("10.1.0.0/16"), 9 },
		{ net("10.0.0.0/8"), 1 },
		{ net("10.1.0.0/16"), 2 },
		{ net("10.1.2.0/24"), 3 },
		{ net("::/0"), 5 },
		{ net("2001:db8::1"), 6 },
		{ net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 7 },
		{ net("0.0.0.0/8"), 8 },
	};
	struct netmap *map = netmap_from_nets(nets, UNIT_COUNT(nets));
	static const struct {
		const char *addr;
		uint32_t value;
	} row[] = {
		{ "10.0.0.0", 1 },
		{ "10.0.255.255", 1 },
		{ "10.1.0.0", 2 },
		{ "10.1.1.255", 2 },
		{ "10.1.2.0", 3 },
		{ "10.1.2.2", 3 },
		{ "10.1.2.3", 4 },
		{ "10.1.2.4", 3 },
		{ "10.1.3.0", 2 },
		{ "10.2.0.0", 1 },
		{ "11.0.0.0", 0 },
		{ "0.0.0.1", 8 },
		{ "::", 5 },
		{ "2001:db8::", 5 },
		{ "2001:db8::1", 6 },
		{ "2001:db8::2", 5 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 5 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 7 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(value_at(map, row[i].addr), row[i].value);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "10.1.2.3"), 32);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "2001:db8::1"), 128);
	netmap_drop(map);
}

struct walked {
	const struct netmap *map;
	struct addr next; /* where the next range must start */
	bool v6;
	size_t ranges, wrong;
	uint32_t last_value;
};

static bool check_range(
	void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	struct walked *w = ctx;

	if (!addr_is_v4(first) && !w->v6) {
		w->v6 = true;
		w->next = (struct addr){ { 0 } };
		w->last_value = UINT32_MAX;
	}
	w->wrong += memcmp(first, &w->next, sizeof *first) != 0 ||
		memcmp(first, last, sizeof *first) > 0;
	w->wrong += value == w->last_value;
	w->wrong += netmap_find(w->map, first).value != value ||
		netmap_find(w->map, last).value != value;
	w->last_value = value;
	w->next = *last;
	for (int i = 15; i >= 0 && ++w->next.b[i] == 0; i--)
		;
	w->ranges++;
	return true;
}

/* Many ranges, with gaps, close borders and far ones: blocks that are full and blocks that
 * are cut. */
static void a_walk_meets_every_range_once_and_lookups_agree(void)
{
	enum { NETS = 20000 };
	struct netmap_net *nets = calloc(NETS, sizeof *nets);

	random_state = 7;
	for (size_t i = 0; i < NETS; i++)
		nets[i] = (struct netmap_net){ random_net(i % 2, 2 + (unsigned)i % 40),
			(uint32_t)(random_word() % 1000) };
	struct netmap *map = netmap_from_nets(nets, NETS);
	struct walked w = { .map = map, .last_value = UINT32_MAX, .next = at("0.0.0.0") };
	netmap_walk(map, check_range, &w);
	const struct netmap_size size = netmap_size(map);
	CU_ASSERT_EQUAL(w.wrong, 0);
	CU_ASSERT_TRUE(w.v6);
	CU_ASSERT_EQUAL(w.ranges, size.v4_ranges + size.v6_ranges);
	CU_ASSERT_TRUE(w.ranges > 8000);
	netmap_drop(map);
	free(nets);
}

static bool stop_at_third(
	void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	(void)first;
	(void)last;
	(void)value;
	return ++*(unsigned *)ctx < 3;
}

static void a_walk_stops_when_told(void)
{
	struct netmap *map = netmap_new(false);
	unsigned n = 0;

	netmap_seal(map);
	netmap_walk(map, stop_at_third, &n);
	CU_ASSERT_EQUAL(n, 3);
	netmap_drop(map);
}

/* A run without a seam that is longer than a word of the bits, and than a word of words. */
static void scopes_reach_over_long_runs(void)
{
	static uint32_t class_of[70000];
	struct netmap *map = netmap_new(true);
	struct prefix p = net("64.0.0.0/24");

	for (uint32_t i = 0; i < 65536; i++) {
		p.addr.b[13] = (uint8_t)(i >> 8);
		p.addr.b[14] = (uint8_t)i;
		class_of[1 + i] = 1;
		CU_ASSERT_TRUE_FATAL(netmap_append(map, &p, 1 + i));
	}
	netmap_seal(map);
	struct netmap_seams *seams = netmap_seams_new(map, class_of, UNIT_COUNT(class_of));
	CU_ASSERT_EQUAL(scope_at(map, seams, "64.77.1.1"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "64.0.0.0"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "64.255.255.255"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "65.0.0.0"), 8);
	CU_ASSERT_EQUAL(scope_at(map, seams, "63.0.0.0"), 2);
	CU_ASSERT_EQUAL(scope_at(map, NULL, "64.77.1.1"), 24);
	netmap_seams_free(seams);
	netmap_drop(map);
}

static void maps_are_shared_by_count(void)
{
	struct netmap *map = netmap_new(true);

	CU_ASSERT_TRUE(append(map, "64.0.0.0/8", 1));
	netmap_seal(map);
	CU_ASSERT_PTR_EQUAL(netmap_hold(map), map);
	netmap_drop(map);
	CU_ASSERT_EQUAL(value_at(map, "64.0.0.1"), 1);
	netmap_drop(map);
	netmap_drop(netmap_new(false)); /* one that was never sealed */
	netmap_drop(NULL);
}

static const struct unit_case cases[] = {
	{ "an empty map knows nothing", empty_map_knows_nothing },
	{ "nets must come in order", nets_must_come_in_order },
	{ "a whole family can be one net", whole_families_can_be_one_net },
	{ "equal neighbours are one range", equal_neighbours_are_one_range },
	{ "local and embedded nets stand apart, whatever is said of them",
		local_and_embedded_nets_stand_apart_whatever_is_said_of_them },
	{ "no scope spans a local net", no_scope_spans_a_local_net },
	{ "seams follow classes, not values", seams_follow_classes_not_values },
	{ "scopes are exact and as wide as can be (RFC 7871 7.2.1)",
		scopes_are_exact_and_as_wide_as_can_be },
	{ "the longest net wins, and the later of two equal ones",
		the_longest_net_wins_and_the_later_of_two },
	{ "a walk meets every range once, and lookups agree",
		a_walk_meets_every_range_once_and_lookups_agree },
	{ "a walk stops when told", a_walk_stops_when_told },
	{ "scopes reach over long runs without a seam", scopes_reach_over_long_runs },
	{ "maps are shared by count", maps_are_shared_by_count },
};

void suite_netmap(void);
void suite_netmap(void)
{
	unit_suite("geo/netmap", cases, UNIT_COUNT(cases));
}
