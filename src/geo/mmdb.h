/* mmdb.h - MaxMind DB files become netmaps.
 *
 * A file is copied into sealed memory first, then checked, then read: what happens to the
 * file meanwhile does not matter (a mapped file that is cut short kills its reader). Corrupt
 * trees, trees that loop and swapped files are refused with one sentence, and what was there
 * before stays; a value of another type than its key wants is passed over (mmdb_told.h). City
 * databases of MaxMind's nested layout (country.iso_code, continent.code,
 * subdivisions.0.iso_code, location.latitude, city.names.en) and of the flat one (country_code,
 * state1, city, latitude, longitude), country databases of both layouts, and ASN databases
 * (autonomous_system_number, autonomous_system_organization; asn, as_number, ... where others
 * use them). Control thread.
 */
#ifndef GEO_MMDB_H
#define GEO_MMDB_H

#include "base/fault.h"
#include "geo/mmdb_told.h"
#include "geo/netmap.h"
#include "geo/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where everybody is, sealed. */
struct mmdb_cities {
	struct netmap *map;     /* value: number of a place; held */
	struct places *places;  /* held */
	struct mmdb_told *told; /* [n_told] what each file told */
	size_t n_told;
};

/* Reads one or more files as one database: each address family comes from the first file
 * that knows it, so that a file for IPv4 and one for IPv6 make a whole. On false nothing is
 * held. `n` 0 gives an empty map. */
bool mmdb_read_cities(
	struct mmdb_cities *to, const char *const *paths, size_t n, struct fault *why);
void mmdb_cities_free(struct mmdb_cities *cities);

/* Who routes whom, sealed. */
struct mmdb_asn {
	uint32_t number;
	uint32_t name; /* offset in `names` */
};

struct mmdb_asns {
	struct netmap *map;   /* value: index into `asn` */
	struct mmdb_asn *asn; /* [0] is number 0: unknown */
	size_t n;
	char *names;            /* NUL-ended texts; offset 0 is "" */
	struct mmdb_told *told; /* [n_told] what each file told */
	size_t n_told;
};

bool mmdb_read_asns(
	struct mmdb_asns *to, const char *const *paths, size_t n, struct fault *why);
void mmdb_asns_free(struct mmdb_asns *asns);

#endif
