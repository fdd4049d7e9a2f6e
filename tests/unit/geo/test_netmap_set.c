#include "geo/netmap_set.h"

#include "base/bytes.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t draw(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 32);
}

static struct addr v4(uint32_t number)
{
	uint8_t b[4];

	be32_put(b, number);
	return addr_from_v4(b);
}

static struct netmap_net net(uint32_t number, unsigned bits, uint32_t value)
{
	return (struct netmap_net){ { v4(bits ? number & ~(uint32_t)0 << (32 - bits) : 0), (uint8_t)(ADDR_V4_BITS + bits) }, value };
}

enum { MANY = 300000, ASKED = 400000 };

/* Most of them /24; every `other`th anything from /`least` on, in or out. */
static struct netmap *many(unsigned other, unsigned least, unsigned most)
{
	struct netmap_net *nets = calloc(MANY, sizeof *nets);

	for (unsigned i = 0; i < MANY; i++)
		nets[i] = i % other ? net(draw(), 24, 1) : net(draw(), least + draw() % (most - least + 1), draw() % 2);
	struct netmap *map = netmap_from_nets(nets, MANY);
	free(nets);
	return map;
}

static unsigned wrong_at(const struct netmap *map, uint32_t number)
{
	const struct addr a = v4(number);
	const struct netmap_hit hit = netmap_find(map, &a);
	unsigned bits;
	const bool in = netmap_has(map, &a, &bits);

	return (in != (hit.value == 1)) + (bits != netmap_scope(map, NULL, &a, hit));
}

static unsigned wrong(const struct netmap *map)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ASKED; i++)
		n += wrong_at(map, draw());
	for (uint32_t i = 0; i < 256; i++) {
		n += wrong_at(map, i << 24);
		n += wrong_at(map, (i << 24) - 1);
	}
	return n;
}

static void a_large_set_says_what_its_netmap_does(void)
{
	static const unsigned shapes[][3] = { { 1000000, 8, 8 }, { 2, 8, 24 }, { 50, 3, 16 }, { 3, 20, 32 }, { 100, 1, 32 } };

	state = 3;
	for (size_t i = 0; i < UNIT_COUNT(shapes); i++) {
		struct netmap *map = many(shapes[i][0], shapes[i][1], shapes[i][2]);
		const struct netmap_size size = netmap_size(map);
		struct netmap_set *set = netmap_set_new(map);
		CU_ASSERT_TRUE(size.v4_ranges > 1 << 17);
		CU_ASSERT_PTR_NOT_NULL(set);
		CU_ASSERT_TRUE(size.bytes > netmap_set_bytes(set));
		CU_ASSERT_EQUAL(wrong(map), 0);
		netmap_set_free(set);
		netmap_drop(map);
	}
}

/* Half of all, and in the other half so many that they are a set. */
static void large_nets_have_short_scopes(void)
{
	struct netmap_net *nets = calloc(MANY + 1, sizeof *nets);
	struct netmap_in in;

	state = 5;
	nets[MANY] = net(0x80000000, 1, 1);
	for (unsigned i = 0; i < MANY; i++)
		nets[i] = net((draw() & 0x3fffffff), 24, 1);
	struct netmap *map = netmap_from_nets(nets, MANY + 1);
	struct netmap_set *set = netmap_set_new(map);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	const struct addr inside = v4(0xc0000201), outside = v4(0x40000001);
	CU_ASSERT_TRUE(netmap_set_find(set, &inside, &in));
	CU_ASSERT_TRUE(in.in && in.bits == 1);
	CU_ASSERT_TRUE(netmap_set_find(set, &outside, &in));
	CU_ASSERT_TRUE(!in.in && in.bits == 2);
	CU_ASSERT_EQUAL(wrong(map), 0);
	netmap_set_free(set);
	netmap_drop(map);
	free(nets);
}

/* Where a net is longer than /24, the netmap is asked. */
static void longer_nets_are_the_netmaps_matter(void)
{
	struct netmap_net *nets = calloc(MANY + 2, sizeof *nets);
	struct netmap_in in;

	state = 9;
	nets[MANY] = net(0xc0000280, 25, 1);
	nets[MANY + 1] = (struct netmap_net){ { .bits = 32 }, 1 };
	memcpy(nets[MANY + 1].prefix.addr.b, "\x20\x01\x0d\xb8", 4);
	for (unsigned i = 0; i < MANY; i++)
		nets[i] = net((draw() & 0x7fffffff), 24, 1);
	struct netmap *map = netmap_from_nets(nets, MANY + 2);
	struct netmap_set *set = netmap_set_new(map);
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	const struct addr in_it = v4(0xc0000281), beside = v4(0xc0000201), near = v4(0xc0000301), far = v4(0xd0000301);
	struct addr v6 = nets[MANY + 1].prefix.addr;
	unsigned bits;
	CU_ASSERT_FALSE(netmap_set_find(set, &in_it, &in));
	CU_ASSERT_FALSE(netmap_set_find(set, &near, &in));
	CU_ASSERT_TRUE(netmap_set_find(set, &far, &in));
	CU_ASSERT_TRUE(!in.in && in.bits == 4);
	CU_ASSERT_TRUE(netmap_has(map, &in_it, &bits) && bits == 25);
	CU_ASSERT_TRUE(!netmap_has(map, &beside, &bits) && bits == 25);
	CU_ASSERT_TRUE(!netmap_has(map, &near, &bits) && bits == 24);
	memset(v6.b, 0, sizeof v6.b);
	memcpy(v6.b, "\x20\x01\x0d\xb8\x00\x01", 6);
	CU_ASSERT_TRUE(netmap_has(map, &v6, &bits) && bits == 32);
	for (unsigned step = 0; step < 3; step++) { /* asks the memory alone */
		netmap_has_fetch(map, &in_it, step);
		netmap_has_fetch(map, &v6, step);
	}
	CU_ASSERT_EQUAL(wrong(map), 0);
	netmap_set_free(set);
	netmap_drop(map);
	free(nets);
}

static void few_nets_and_other_values_are_no_set(void)
{
	struct netmap_net *nets = calloc(MANY, sizeof *nets);

	state = 11;
	for (unsigned i = 0; i < MANY; i++)
		nets[i] = net(draw(), 24, 1 + (i == MANY / 2));
	struct netmap *map = netmap_from_nets(nets, MANY);
	CU_ASSERT_PTR_NULL(netmap_set_new(map));
	CU_ASSERT_EQUAL(netmap_set_bytes(NULL), 0);
	netmap_drop(map);
	for (unsigned i = 0; i < MANY; i++)
		nets[i].value = 1;
	map = netmap_from_nets(nets, 1000);
	CU_ASSERT_PTR_NULL(netmap_set_new(map));
	CU_ASSERT_EQUAL(wrong(map), 0);
	netmap_drop(map);
	free(nets);
}

static const struct unit_case cases[] = {
	{ "a large set says what its netmap does", a_large_set_says_what_its_netmap_does },
	{ "large nets have short scopes", large_nets_have_short_scopes },
	{ "longer nets are the netmap's matter", longer_nets_are_the_netmaps_matter },
	{ "few nets, and other values, are no set", few_nets_and_other_values_are_no_set },
};

void suite_netmap_set(void);
void suite_netmap_set(void)
{
	unit_suite("geo/netmap_set", cases, UNIT_COUNT(cases));
}
