/* fuzz_mmdb.c - MaxMind DB files of any content are read or refused, and what comes out is
 * sound.
 *
 * The input is a whole file; or, when its first byte is 0xe0 or more, a tree and its data,
 * for which the metadata are made here: that byte chooses record size and IP version, the
 * next two are the number of nodes.
 */
#include "base/bytes.h"
#include "geo/mmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Each range is found at both ends, and a scope stays inside it. */
static bool check_range(
	void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	const struct netmap *map = ctx;

	/* Among these are IPv4-mapped addresses, which are found as IPv4. */
	if (value == NETMAP_EMBEDDED)
		return true;
	const struct netmap_hit hit = netmap_find(map, first), end = netmap_find(map, last);
	const unsigned bits = netmap_scope(map, NULL, last, end) +
		(addr_is_v4(last) ? ADDR_V4_BITS : 0);
	const struct prefix scope = addr_prefix(last, bits);

	if (hit.value != value || end.value != value || hit.index != end.index ||
		memcmp(&scope.addr, first, 16) < 0)
		abort();
	return true;
}

static void read_both(const char *path)
{
	struct mmdb_cities cities;
	struct mmdb_asns asns;
	struct fault why;

	if (mmdb_read_cities(&cities, &path, 1, &why)) {
		netmap_walk(cities.map, check_range, cities.map);
		for (uint32_t i = 1; i <= places_count(cities.places); i++) {
			const struct place *p = places_get(cities.places, i);
			if (p->lat < -90 || p->lat > 90 ||
				strlen(place_text(cities.places, p->city)) > 255)
				abort();
		}
		mmdb_cities_free(&cities);
	}
	if (mmdb_read_asns(&asns, &path, 1, &why)) {
		netmap_walk(asns.map, check_range, asns.map);
		mmdb_asns_free(&asns);
	}
}

/* What stands at the end of a file, with holes for what changes. */
static const uint8_t metadata[] = "\xab\xcd\xefMaxMind.com\xe9"
				  "\x5b"
				  "binary_format_major_version"
				  "\xa1\x02"
				  "\x5b"
				  "binary_format_minor_version"
				  "\xa0"
				  "\x4b"
				  "build_epoch"
				  "\x01\x02\x01"
				  "\x4b"
				  "description"
				  "\xe0"
				  "\x49"
				  "languages"
				  "\x00\x04"
				  "\x4d"
				  "database_type"
				  "\x44"
				  "fuzz"
				  "\x4a"
				  "ip_version"
				  "\xa1\x04"
				  "\x4a"
				  "node_count"
				  "\xc4\0\0\0\1"
				  "\x4b"
				  "record_size"
				  "\xa1\x18";
enum {
	METADATA = sizeof metadata - 1,
	BITS_AT = METADATA - 1,
	NODES_AT = BITS_AT - 17,
	VERSION_AT = NODES_AT - 13
};

static size_t make_file(uint8_t *to, const uint8_t *data, size_t len)
{
	const unsigned choice = data[0] & 31;
	const unsigned bits = 24 + choice % 3 * 4, version = choice / 3 % 2 ? 6 : 4;

	memcpy(to, data + 3, len - 3);
	to += len - 3;
	memcpy(to, metadata, METADATA);
	to[BITS_AT] = (uint8_t)bits;
	to[VERSION_AT] = (uint8_t)version;
	be32_put(to + NODES_AT, be16_get(data + 1));
	return len - 3 + METADATA;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[40];
	uint8_t *file = malloc(len + METADATA);
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (!file || fd < 0)
		abort();
	if (len > 3 && data[0] >= 0xe0) {
		len = make_file(file, data, len);
		data = file;
	}
	if (write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	read_both(path);
	close(fd);
	free(file);
	return 0;
}
