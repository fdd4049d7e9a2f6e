/* fuzz_packet.c - any bytes as a query over UDP and TCP, against a zone of every kind of name
 * and a pool of edges.
 *
 * Whatever comes in, what goes out is a sound message: as long as may be, its records ending
 * where it ends.
 */
#include "answer/answer.h"
#include "base/bytes.h"
#include "zone/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
	"$GENERATE 1-40 ns$.sub2 A 192.0.2.$\n";

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0;
}

static struct world *make_world(void)
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
	const struct hash_key key = { 3, 4 };
	const struct compile_opts opts = { key, pool_known, NULL };
	static const uint8_t origin[] = "\7example", states[2];
	char path[] = "/tmp/fuzz_packet.XXXXXX";
	struct faults f = { 0 };
	struct load l;

	const int fd = mkstemp(path);
	if (fd < 0 || write(fd, zone_text, sizeof zone_text - 1) < 0)
		abort();
	close(fd);
	if (!load_zone(&l, path, origin, &opts, &f)) {
		fputs(text_get(&f.text), stderr);
		abort();
	}
	unlink(path);
	const struct zone *zone = l.zone;
	struct zone_set *set = zone_set_new(key, &zone, 1);
	struct atlas *atlas = atlas_read(&(struct atlas_opts){ &city, 1, NULL, 0 }, NULL);
	if (!atlas)
		abort();
	struct steer *steer = steer_new(
		&(struct steer_opts){ edges, 2, &pool, 1 }, atlas, NULL);
	static const struct policy policy = { .ecs = true };
	struct world *w = world_new(&(struct world_opts){ set, steer, &policy, states });
	zone_set_drop(set);
	steer_drop(steer);
	atlas_drop(atlas);
	load_fini(&l);
	faults_fini(&f);
	return w;
}

/* The length of the name at `at`, its pointers checked to point back; aborts when it is none.
 */
static size_t skip_name(const uint8_t *m, size_t len, size_t at)
{
	size_t end = 0, here = at, total = 0;

	for (;;) {
		if (here >= len)
			abort();
		if (m[here] >= 0xc0) {
			const size_t to = be16_get(m + here) & 0x3fffu;
			end = end ? end : here + 2;
			if (to >= here || to < 12)
				abort();
			here = to;
			continue;
		}
		if (m[here] > 63 || (total += m[here] + 1u) > 255)
			abort();
		if (m[here] == 0)
			return end ? end : here + 1;
		here += m[here] + 1u;
	}
}

static void check_message(const uint8_t *m, size_t len)
{
	size_t at = 12;

	if (len < 12 || !(m[2] & 0x80))
		abort();
	for (unsigned q = be16_get(m + 4); q; q--)
		at = skip_name(m, len, at) + 4;
	for (unsigned n = be16_get(m + 6) + be16_get(m + 8) + be16_get(m + 10); n; n--) {
		at = skip_name(m, len, at);
		if (at + 10 > len)
			abort();
		at += 10u + be16_get(m + at + 8);
	}
	if (at != len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world *world;
	static struct choose_turn turns[4];
	static struct stats stats;
	static uint8_t to[ANSWER_TCP_MOST];

	if (!world)
		world = make_world();
	struct answerer a = { .world = world, .stats = &stats, .turns = turns };
	for (int tcp = 0; tcp < 2; tcp++) {
		struct answer_ask ask = { .packet = data, .len = len, .tcp = tcp, .to = to };
		memcpy(ask.source.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x08\x08\x08\x08", 16);
		const size_t n = answer(&a, &ask);
		if (n > (tcp ? ANSWER_TCP_MOST : ANSWER_UDP_MOST))
			abort();
		if (n)
			check_message(to, n);
	}
	return 0;
}
