#include "bench/anything.h"

#include "base/bytes.h"
#include "dns/name.h"

#include <string.h>

static const char *const stems[] = { "@", "ns1", "www", "mail", "x.w", "x.e", "w", "c1", "c3",
	"c4", "d", "y.d", "long", "q.long", "sub", "x.sub", "ns.sub", "sub2", "a.b.c.ent",
	"b.c.ent", "ent", "big", "out", "nxo", "late", "srv", "svcb", "https", "n", "s", "mx",
	"nothing", "*.w", "c", "dn", "x.dn", "ds", "x.ds", "far", "WwW", "id", "version" };
/* Where most kinds of name are stands there more often. */
static const char *const origins[] = { "example.", "example.", "example.", "example.",
	"nsec.test.", "nsec3.test.", "optout.test.", "pools.test.", "later.test.", "server.",
	"bind.", "elsewhere.", "." };
static const uint16_t types[] = { 1, 1, 1, 1, 1, 28, 28, 2, 5, 6, 12, 15, 16, 18, 21, 33, 35,
	36, 39, 43, 46, 47, 48, 50, 51, 64, 65, 0, 128, 249, 255, 257, 65301, 4711 };

/* Pools, and pools of pools; in a zone whose answers from them are signed, and in one that is
 * not. */
static const char *const pool_stems[] = { "near", "split", "first", "all", "alias", "x.e" };
static const char *const pool_origins[] = { "example.", "pools.test." };
static const uint16_t pool_types[] = { 1, 1, 28, 65 };

#define ONE_OF(list, seed) ((list)[draw(seed, sizeof(list) / sizeof *(list))])

/* 0 to n - 1 (xorshift64*). */
static unsigned draw(uint64_t *seed, unsigned n)
{
	uint64_t x = *seed ? *seed : 1;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;
	return (unsigned)((x * 0x2545f4914f6cdd1du >> 32) % n);
}

static size_t put_random(uint8_t *to, uint64_t *seed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)draw(seed, 256);
	return n;
}

static size_t put_option(uint8_t *to, unsigned code, size_t len)
{
	be16_put(to, code);
	be16_put(to + 2, (unsigned)len);
	return 4;
}

static size_t put_subnet(uint8_t *to, uint64_t *seed)
{
	const unsigned family = draw(seed, 3) ? 1 : 2;
	const unsigned bits = draw(seed, family == 1 ? 33 : 65), bytes = (bits + 7) / 8;
	const size_t n = put_option(to, 8, 4 + bytes);

	be16_put(to + n, family);
	to[n + 2] = (uint8_t)bits;
	to[n + 3] = 0;
	put_random(to + n + 4, seed, bytes);
	if (bits % 8)
		to[n + 3 + bytes] &= (uint8_t)(0xff00 >> bits % 8);
	return n + 4 + bytes;
}

static size_t put_opt(uint8_t *to, uint64_t *seed)
{
	static const uint16_t payloads[] = { 0, 512, 1232, 4096, 65535 };
	size_t n = 11;

	memset(to, 0, n);
	to[2] = 41;
	be16_put(to + 3, ONE_OF(payloads, seed));
	to[6] = draw(seed, 40) == 0;      /* a version that nobody has */
	to[7] = draw(seed, 2) ? 0x80 : 0; /* DO */
	if (draw(seed, 2))
		n += put_subnet(to + n, seed);
	if (draw(seed, 4) == 0) { /* a cookie, or what looks like one */
		const size_t len = draw(seed, 2) ? 8 : 24;
		n += put_option(to + n, 10, len);
		n += put_random(to + n, seed, len);
	}
	if (draw(seed, 8) == 0)
		n += put_option(to + n, 3, 0); /* NSID */
	if (draw(seed, 8) == 0)
		n += put_option(to + n, 11, 0); /* keepalive */
	be16_put(to + 9, (unsigned)(n - 11));
	return n;
}

static size_t put_name(uint8_t *to, const char *stem, const char *origin)
{
	static const uint8_t root[1];
	uint8_t base[NAME_MOST];
	size_t len = 0;

	name_parse(base, NULL, origin, strlen(origin), root);
	name_parse(to, &len, stem, strlen(stem), base);
	return len;
}

/* Name and type. */
static size_t put_asked(uint8_t *to, uint64_t *seed, const char *label)
{
	const bool pool = draw(seed, 4) == 0;
	const char *stem = pool ? ONE_OF(pool_stems, seed)
		: draw(seed, 4) ? ONE_OF(stems, seed)
				: label;
	const size_t n = put_name(
		to, stem, pool ? ONE_OF(pool_origins, seed) : ONE_OF(origins, seed));

	be16_put(to + n, pool ? ONE_OF(pool_types, seed) : ONE_OF(types, seed));
	return n + 2;
}

size_t anything(uint8_t to[static ANYTHING_MOST], uint64_t *seed)
{
	static const uint16_t classes[] = { 3, 255, 254, 0 };
	char label[] = "a-zzzzzz";
	size_t n = 12;

	put_random(to, seed, 2);
	to[0] &= 0x7f; /* ids from 0x8000 on are something()'s */
	memset(to + 2, 0, 10);
	to[2] = (uint8_t)(draw(seed, 2) | (draw(seed, 40) ? 0 : draw(seed, 16) << 3));
	to[3] = draw(seed, 8) ? 0 : 0x10; /* CD */
	to[5] = 1;
	for (char *c = label + 2; *c; c++)
		*c = (char)('a' + draw(seed, 26));
	n += put_asked(to + n, seed, label);
	be16_put(to + n, draw(seed, 16) ? 1 : ONE_OF(classes, seed));
	n += 2;
	if (draw(seed, 4)) {
		to[11] = 1;
		n += put_opt(to + n, seed);
	}
	if (draw(seed, 12) == 0) /* a fault somewhere behind the id */
		to[2 + draw(seed, (unsigned)n - 2)] ^= (uint8_t)(1 << draw(seed, 8));
	if (draw(seed, 40) == 0)
		n = 12 + draw(seed, (unsigned)n - 12);
	return n;
}

size_t something(uint8_t to[static ANYTHING_MOST], uint16_t id)
{
	size_t n = 12;

	memset(to, 0, n);
	be16_put(to, id | 0x8000u);
	to[5] = 1;
	n += put_name(to + n, "@", "example.");
	be16_put(to + n, 6);
	be16_put(to + n + 2, 1);
	return n + 4;
}
