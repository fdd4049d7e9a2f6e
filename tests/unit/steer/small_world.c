#include "unit/steer/small_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct addr v4s[] = {
	{ { [10] = 255, 255, 192, 0, 2, 1 } },
	{ { [10] = 255, 255, 192, 0, 2, 2 } },
	{ { [10] = 255, 255, 192, 0, 2, 3 } },
	{ { [10] = 255, 255, 192, 0, 2, 4 } },
};
static const struct addr v6s[] = {
	{ { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
	{ { 0x20, 1, 0xd, 0xb8, [15] = 2 } },
	{ { 0x20, 1, 0xd, 0xb8, [15] = 3 } },
};

const struct edge_opts small_edges[4] = {
	{ .name = "ams",
		.placed = true,
		.lat = 52.37,
		.lon = 4.9,
		.a = &v4s[0],
		.n_a = 1,
		.aaaa = &v6s[0],
		.n_aaaa = 1,
		.weight = 1 },
	{ .name = "rom",
		.placed = true,
		.lat = 41.9,
		.lon = 12.5,
		.a = &v4s[1],
		.n_a = 1,
		.aaaa = &v6s[1],
		.n_aaaa = 1,
		.weight = 2 },
	{ .name = "nyc",
		.placed = true,
		.lat = 40.7,
		.lon = -74,
		.a = &v4s[2],
		.n_a = 1,
		.aaaa = &v6s[2],
		.n_aaaa = 1,
		.weight = 3 },
	{ .name = "sfo",
		.placed = true,
		.lat = 37.6,
		.lon = -122.4,
		.a = &v4s[3],
		.n_a = 1,
		.weight = 1 },
};

struct pool_opts small_pool(void)
{
	static const uint16_t all[] = { AMS, ROM, NYC, SFO };

	return (struct pool_opts){ .name = "web",
		.edges = all,
		.n = 4,
		.policy = POOL_NEAREST,
		.answers = 1,
		.spread_ms = INFINITY,
		.spread_share = INFINITY,
		.ttl_max_s = UINT32_MAX };
}

static uint32_t add_place(
	struct places *p, const char *country, const char *region, double lat, double lon)
{
	struct place place = {
		.lat = lat, .lon = lon, .region = places_intern(p, region, strlen(region))
	};

	memcpy(place.country, country, 2);
	memcpy(place.continent, place_continent(country), 2);
	return places_add(p, &place);
}

static void add_net(struct netmap *map, const char *net, uint32_t value)
{
	struct prefix p;

	if (!prefix_parse(&p, net, NULL) || !netmap_append(map, &p, value))
		abort();
}

struct atlas *small_atlas(void)
{
	struct atlas *a = calloc(1, sizeof *a);
	struct places *p = places_new();
	struct netmap *city = netmap_new(false), *asn = netmap_new(false);
	const uint32_t oslo = add_place(p, "NO", "03", 59.9, 10.7),
		       rome = add_place(p, "IT", "62", 41.9, 12.5);
	const uint32_t sf = add_place(p, "US", "CA", 37.8, -122.4),
		       ny = add_place(p, "US", "NY", 40.7, -74);
	const uint32_t brazil = add_place(p, "BR", "", NAN, NAN);

	add_net(city, "1.0.0.0/16", oslo);
	add_net(city, "2.0.0.0/16", rome);
	add_net(city, "3.0.0.0/17", sf);
	add_net(city, "3.0.128.0/17", ny);
	add_net(city, "5.0.0.0/16", brazil);
	add_net(city, "2a00::/32", rome);
	add_net(asn, "3.0.0.0/17", 1);
	netmap_seal(city);
	netmap_seal(asn);
	places_seal(p);
	a->refs = 1;
	a->cities = (struct mmdb_cities){ .map = city, .places = p };
	a->asns = (struct mmdb_asns){ .map = asn,
		.n = 2,
		.asn = calloc(2, sizeof(struct mmdb_asn)),
		.names = calloc(1, 1) };
	a->asns.asn[1].number = 64500;
	return a;
}

void small_open(struct small *s, const struct pool_opts *pools, size_t n)
{
	memset(s, 0, sizeof *s);
	s->atlas = small_atlas();
	s->steer = steer_new(
		&(struct steer_opts){ small_edges, 4, pools, n, NULL, NULL }, s->atlas, NULL);
}

void small_close(struct small *s)
{
	steer_drop(s->steer);
	atlas_drop(s->atlas);
}

struct standing *small_standing(const struct steer *steer, const uint8_t *states)
{
	return standing_new(&(struct standing_opts){ .steer = steer, .states = states });
}

const char *small_ask(struct small *s, const char *subnet, const char *source, bool v6)
{
	static char text[256];
	struct choose_ask ask = { .steer = s->steer,
		.standing = small_standing(s->steer, s->states),
		.v6 = v6,
		.has_subnet = *subnet,
		.turns = s->turns,
		.name = (const uint8_t *)"\3www",
		.name_len = 5 };
	struct prefix p = { .bits = 0 };

	if (*subnet && !prefix_parse(&p, subnet, NULL))
		abort();
	ask.subnet = addr_plain(&p.addr, NULL);
	addr_parse(&ask.source, source ? source : "9.9.9.9");
	const struct choice c = choose(&ask, NULL);
	standing_free((struct standing *)(uintptr_t)ask.standing);
	int n = 0;
	text[0] = 0;
	for (unsigned i = 0; i < c.n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s ",
			s->steer->edges[c.edges[i]].name);
	snprintf(text + n, sizeof text - (size_t)n, "/%u", c.scope);
	return text;
}
