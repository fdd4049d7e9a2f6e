#include "fuzz/fuzz_world.h"

#include "zone/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char zone_text[] =
	"$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\n@ NS ns.sub\n@ MX 10 mail\n@ TXT "
	"\"x\"\nns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\n"
	"www EDGE web\n@ EDGE web\n*.w A 192.0.2.2\n*.e EDGE web\nc1 CNAME c2\nc2 CNAME c1\nc3 "
	"CNAME www\nc4 CNAME x.d\n"
	"d DNAME w\nlong DNAME "
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
	"sub NS ns.sub\nsub NS ns1\nns.sub A 192.0.2.3\na.b.c.ent TXT y\n$GENERATE 1-90 big A "
	"10.0.0.$\n$GENERATE 1-40 sub2 NS ns$.sub2\n"
	"$GENERATE 1-40 ns$.sub2 A 192.0.2.$\n"
	"out CNAME mail.nsec3.test.\nnxo CNAME a.b.optout.test.\nlate CNAME x.later.test.\n"
	"srv SRV 1 2 3 ns1\nsvcb SVCB 1 ns1\nhttps HTTPS 1 .\nhttps AAAA 2001:db8::3\n"
	"n NAPTR 1 2 A \"\" \"\" x.w\ns NAPTR 1 2 S \"\" \"\" srv\nmx MX 1 ns.sub\n";

static const struct hash_key key = { 3, 4 };

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0;
}

static const struct zone *load(const char *path, const char *origin)
{
	static const uint8_t root[1];
	const struct compile_opts opts = { .key = key, .pool_known = pool_known };
	uint8_t wire[NAME_MOST];
	struct faults f = { 0 };
	struct load l;

	name_parse(wire, NULL, origin, strlen(origin), root);
	if (!load_zone(&l, path, wire, &opts, &f)) {
		fputs(text_get(&f.text), stderr);
		abort();
	}
	zone_hold(l.zone);
	const struct zone *z = l.zone;
	load_fini(&l);
	faults_fini(&f);
	return z;
}

struct world *fuzz_world(void)
{
	static const struct addr a[] = { { { [10] = 255, 255, 192, 0, 2, 1 } },
		{ { 0x20, 1, 0xd, 0xb8, [15] = 1 } } };
	static const uint8_t cname[] = "\3www\7example";
	static const struct edge_opts edges[] = {
		{ .name = "a",
			.placed = true,
			.a = a,
			.n_a = 1,
			.aaaa = a + 1,
			.n_aaaa = 1,
			.weight = 1 },
		{ .name = "b", .placed = true, .lat = 9, .cname = cname, .weight = 1 },
	};
	static const uint16_t both[] = { 0, 1 };
	const struct pool_opts pool = { .name = "web",
		.edges = both,
		.n = 2,
		.answers = 2,
		.spread_ms = INFINITY,
		.spread_share = INFINITY,
		.ttl_max_s = 30 };
	static const char *city = "geoip/city.mmdb";
	static const uint8_t states[2];
	static const struct policy policy = { .ecs = true,
		.identity = { 255, "as long as may be" },
		.version = { 4, "fuzz" },
		.cookie_secrets = 2,
		.cookie_secret = { { 1 }, { 2 } } };
	static const char *const signed_zones[] = { "nsec", "nsec3", "optout" };
	const struct zone *zones[5];
	char path[] = "/tmp/fuzz_packet.XXXXXX";

	const int fd = mkstemp(path);
	if (fd < 0 || write(fd, zone_text, sizeof zone_text - 1) < 0)
		abort();
	close(fd);
	zones[0] = load(path, "example");
	unlink(path);
	for (unsigned i = 0; i < 3; i++) {
		char file[64], origin[16];
		snprintf(file, sizeof file, "tests/serve/signed/%s.test.zone", signed_zones[i]);
		snprintf(origin, sizeof origin, "%s.test", signed_zones[i]);
		zones[1 + i] = load(file, origin);
	}
	zones[4] = zone_placeholder(key, (const uint8_t *)"\5later\4test");
	struct zone_set *set = zone_set_new(key, zones, NULL, 5);
	for (unsigned i = 0; i < 5; i++)
		zone_drop(zones[i]);
	struct atlas *atlas = atlas_read(&(struct atlas_opts){ &city, 1, NULL, 0 }, NULL);
	if (!atlas)
		abort();
	struct steer *steer = steer_new(
		&(struct steer_opts){ edges, 2, &pool, 1, NULL }, atlas, NULL);
	struct pool_numbers *numbers = pool_numbers_new(set, steer, NULL);
	if (!numbers)
		abort();
	struct world *w = world_new(&(struct world_opts){ .zones = set,
		.steer = steer,
		.numbers = numbers,
		.policy = &policy,
		.standing = standing_new(
			&(struct standing_opts){ .steer = steer, .states = states }) });
	pool_numbers_drop(numbers);
	zone_set_drop(set);
	steer_drop(steer);
	atlas_drop(atlas);
	return w;
}
