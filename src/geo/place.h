/* place.h - the places that a GeoIP database knows.
 *
 * A place is what is told of a net: country, continent, region, coordinates, city. Equal
 * places are kept once; a place's number is its value in the netmap. Built on the control
 * thread, then immutable and shared by count.
 */
#ifndef GEO_PLACE_H
#define GEO_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
	double lat, lon;   /* degrees, WGS 84; NAN when the database has none */
	char country[2];   /* ISO 3166-1 alpha-2, upper case; zero bytes when unknown */
	char continent[2]; /* AF AN AS EU NA OC SA; from the country if nobody says */
	uint32_t region;   /* place_text(): ISO 3166-2 without the country ("CA"), or the
			      name where there is no code */
	uint32_t city;     /* place_text(): the English name */
};

struct places;

struct places *places_new(void);
struct places *places_hold(struct places *p);
void places_drop(struct places *p);

/* The number of a place equal to `*place`, added when new: 1 or more; 0 when
 * NETMAP_VALUE_MOST are there already. */
uint32_t places_add(struct places *p, const struct place *place);

/* A text's number, for `region` and `city`; the empty text is 0. */
uint32_t places_intern(struct places *p, const char *text, size_t len);

/* No more additions; memory is trimmed. */
void places_seal(struct places *p);

/* `number` 1 to places_count(). Borrowed while `p` is held. */
const struct place *places_get(const struct places *p, uint32_t number);
uint32_t places_count(const struct places *p);
/* Does any of them name its city? Then one that does not is known by its country only. */
bool places_tell_cities(const struct places *p);
size_t places_bytes(const struct places *p);
const char *place_text(const struct places *p, uint32_t text);

/* The continent of a country by its two letters, or NULL: "NA", "EU", ... Source: ISO 3166-1
 * and the UN's M49 regions, with the Americas split as GeoNames does. */
const char *place_continent(const char country[static 2]);

/* True for the seven two-letter continent codes. */
bool place_is_continent(const char *code);

/* Great-circle distance between two points in degrees, in km, on a sphere of 6371.0088 km
 * (the mean radius of WGS 84), by the haversine formula. */
double place_distance_km(double lat1, double lon1, double lat2, double lon2);

#endif
