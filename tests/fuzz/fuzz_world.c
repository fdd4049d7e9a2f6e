#include "fuzz/fuzz_world.h"

#include "world/pool_sign.h"
#include "zone/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char zone_text[] =
	"$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\n@ NS ns.sub\n@ MX 10 mail\n@ TXT "
	"\"x\"\nns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\n"
	"www EDGE web\n@ EDGE web\nnear EDGE near\nsplit EDGE split\nfirst EDGE first\nall "
	"EDGE all\n*.w A 192.0.2.2\n*.e EDGE web\nc1 CNAME c2\nc2 CNAME c1\nc3 "
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

/* Its chain is what is looked at; that has no signatures. */
static const char pools_text[] =
	"$TTL 300\n@ SOA ns.example. h 1 2 3 4 60\n@ NS ns1.example.\n"
	"all EDGE all\nalias EDGE alias\nfirst EDGE first\nnear EDGE near\nsplit EDGE "
	"split\n*.e EDGE near\n"
	"$TTL 60\n@ NSEC alias NS SOA RRSIG NSEC DNSKEY\nalias NSEC all CNAME RRSIG NSEC\n"
	"all NSEC *.e A AAAA RRSIG NSEC\n*.e NSEC first A AAAA RRSIG NSEC SVCB HTTPS\n"
	"first NSEC near A AAAA RRSIG NSEC\nnear NSEC split A AAAA RRSIG NSEC SVCB HTTPS\n"
	"split NSEC @ A AAAA RRSIG NSEC\n";

static const struct hash_key key = { 3, 4 };

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return true;
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

/* A zone that is given as text. */
static const struct zone *load_text(const char *text, const char *origin)
{
	char path[] = "/tmp/fuzz_packet.XXXXXX";
	const size_t len = strlen(text);
	const int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		abort();
	close(fd);
	const struct zone *z = load(path, origin);
	unlink(path);
	return z;
}

/* --- pools -------------------------------------------------------------------------------- */

enum { A, B, C, D };
enum { WEB, NEAR, FAR, ALIAS, SPLIT, FIRST, ALL };

static struct pool_opts pool_of(const char *name, const uint16_t *edges, size_t n)
{
	return (struct pool_opts){ .name = name,
		.edges = edges,
		.n = n,
		.answers = 1,
		.spread_ms = INFINITY,
		.spread_share = INFINITY,
		.ttl_max_s = 30 };
}
/* Of edges, and of pools in them. */
static struct steer *make_steer(struct atlas *atlas)
{
	static const struct addr v4[] = { { { [10] = 255, 255, 192, 0, 2, 1 } },
		{ { [10] = 255, 255, 192, 0, 2, 3 } }, { { [10] = 255, 255, 192, 0, 2, 4 } },
		{ { [10] = 255, 255, 192, 0, 2, 5 } } };
	static const struct addr v6[] = { { { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
		{ { 0x20, 1, 0xd, 0xb8, [15] = 3 } } };
	static const struct edge_opts edges[FUZZ_EDGES] = {
		[A] = { .name = "a",
			.placed = true,
			.a = v4,
			.n_a = 1,
			.aaaa = v6,
			.n_aaaa = 1,
			.weight = 1 },
		[B] = { .name = "b",
			.placed = true,
			.lat = 9,
			.cname = (const uint8_t *)"\3www\7example",
			.weight = 1 },
		[C] = { .name = "c",
			.placed = true,
			.lat = 50,
			.a = v4 + 1,
			.n_a = 2,
			.aaaa = v6 + 1,
			.n_aaaa = 1,
			.weight = 1 },
		[D] = { .name = "d",
			.placed = true,
			.lat = 40,
			.lon = -90,
			.a = v4 + 3,
			.n_a = 1,
			.weight = 1 },
	};
	static const uint16_t ab[] = { A, B }, ac[] = { A, C }, b[] = { B }, d[] = { D };
	static const struct pool_member split[] = { { .is_pool = true, .number = NEAR, .weight = 3 }, { .is_pool = true, .number = FAR, .weight = 1 } },
					first[] = { { .is_pool = true, .number = FAR, .weight = 1 }, { .is_pool = true, .number = SPLIT, .weight = 1 },
						{ .is_pool = false, .number = A, .weight = 1 } };
	struct pool_opts pools[FUZZ_POOLS] = { [WEB] = pool_of("web", ab, 2),
		[NEAR] = pool_of("near", ac, 2),
		[FAR] = pool_of("far", d, 1),
		[ALIAS] = pool_of("alias", b, 1),
		[SPLIT] = pool_of("split", NULL, 0),
		[FIRST] = pool_of("first", ac, 1),
		[ALL] = pool_of("all", NULL, 0) };

	pools[WEB].answers = 2;
	pools[NEAR].forms[POOL_HTTPS] = (struct pool_form){
		(const uint8_t *)"\0\1\0\0\1\0\3\2h3", (const uint8_t *)"\0\5\0\4\0\2\7\7",
		(const uint8_t *)"", 10, 8, 0
	};
	pools[NEAR].forms[POOL_SVCB] = (struct pool_form){ (const uint8_t *)"\0\2\0",
		(const uint8_t *)"", (const uint8_t *)"\0\7\0\1/", 3, 0, 5 };
	pools[SPLIT].policy = POOL_WEIGHTED;
	pools[SPLIT].answers = 2;
	pools[FIRST].policy = POOL_ORDERED;
	pools[FIRST].members = first;
	pools[FIRST].n_members = 3;
	pools[SPLIT].members = pools[ALL].members = split;
	pools[SPLIT].n_members = pools[ALL].n_members = 2;
	return steer_new(&(struct steer_opts){ edges, FUZZ_EDGES, pools, FUZZ_POOLS, NULL, NULL },
		atlas, NULL);
}

static struct keyset *make_keys(void)
{
	struct fault why;
	struct signing_key *k = signing_key_new(SIGNING_ECDSAP256SHA256, 0, SIGNING_KSK, &why);
	const struct keyset_policy policy = {
		.lifetime_s = 86400, .refresh_s = 3600, .backdate_s = 3600
	};
	struct keyset *s = keyset_new(
		&policy, &(struct keyset_key){ k, true, true, true, true }, 1);

	if (!k || !s)
		abort();
	signing_key_drop(k);
	return s;
}

/* What one edge answers is signed ahead; what several answer together is not. */
static struct pool_signatures *sign_pools(const struct zone *z, const struct steer *steer,
	const uint16_t *numbers, uint32_t now_s)
{
	struct pool_signatures *to = pool_signatures_new(key, NULL, NULL);
	struct keyset *keys = make_keys();
	struct pool_sign_ahead how = { .most = SIZE_MAX };

	if (!to)
		abort();
	pool_sign_ahead(
		&(struct pool_sign){ .to = to, .zone = z, .keys = keys, .now_s = now_s },
		&(struct pool_sign_pools){ steer, numbers }, &how);
	if (!pool_signatures_mark(to, z, true) || how.no_memory || !how.made)
		abort();
	keyset_drop(keys);
	return to;
}

/* --- all of it ---------------------------------------------------------------------------- */

enum { ZONES = 6 };

/* "pools.test." is the last. */
static struct zone_set *load_zones(void)
{
	static const char *const signed_zones[] = { "nsec", "nsec3", "optout" };
	const struct zone *zones[ZONES];

	zones[0] = load_text(zone_text, "example");
	for (unsigned i = 0; i < 3; i++) {
		char file[64], origin[16];
		snprintf(file, sizeof file, "tests/serve/signed/%s.test.zone", signed_zones[i]);
		snprintf(origin, sizeof origin, "%s.test", signed_zones[i]);
		zones[1 + i] = load(file, origin);
	}
	zones[4] = zone_placeholder(key, (const uint8_t *)"\5later\4test");
	zones[5] = load_text(pools_text, "pools.test");
	struct zone_set *set = zone_set_new(key, zones, NULL, ZONES);
	for (unsigned i = 0; i < ZONES; i++)
		zone_drop(zones[i]);
	return set;
}

static struct pool_signatures *sign_zone(const struct zone_set *set,
	const struct pool_numbers *numbers, const struct steer *steer, uint32_t now_s)
{
	struct zone_name name;
	size_t i;

	zone_name_set(&name, key, (const uint8_t *)"\5pools\4test");
	const struct zone *z = zone_set_find(set, &name, name.labels, &i);
	return sign_pools(z, steer, numbers->pools + numbers->first_pool[i], now_s);
}

struct world *fuzz_world(uint32_t now_s)
{
	static const char *city = "geoip/city.mmdb";
	static const uint8_t states[FUZZ_EDGES];
	static const struct policy policy = { .ecs = true,
		.identity = { 255, "as long as may be" },
		.version = { 4, "fuzz" },
		.cookie_secrets = 2,
		.cookie_secret = { { 1 }, { 2 } } };
	struct zone_set *set = load_zones();
	struct atlas *atlas = atlas_read(&(struct atlas_opts){ &city, 1, NULL, 0 }, NULL);

	if (!atlas)
		abort();
	struct steer *steer = make_steer(atlas);
	struct pool_numbers *numbers = pool_numbers_new(set, steer, NULL);
	if (!numbers)
		abort();
	struct pool_signatures *signatures = sign_zone(set, numbers, steer, now_s);
	struct world *w = world_new(&(struct world_opts){ .zones = set,
		.steer = steer,
		.numbers = numbers,
		.policy = &policy,
		.signatures = signatures,
		.standing = standing_new(
			&(struct standing_opts){ .steer = steer, .states = states }) });
	pool_signatures_drop(signatures);
	pool_numbers_drop(numbers);
	zone_set_drop(set);
	steer_drop(steer);
	atlas_drop(atlas);
	return w;
}
