#include "geo/mmdb.h"

#include "geo/mmdb_read.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { TEXT_MOST = 256 };

/* The keys of a record, of all layouts at once: MaxMind's is nested, others are flat. */
enum {
	CITY,
	CONTINENT,
	COUNTRY,
	REGISTERED,
	LOCATION,
	SUBDIVISIONS,
	CONTINENT_CODE,
	COUNTRY_CODE,
	STATE,
	REGION,
	LATITUDE,
	LONGITUDE,
	LAT,
	LNG,
	KEYS
};
static const struct mmdb_key record_keys[KEYS] = {
	MMDB_KEY("city"),
	MMDB_KEY("continent"),
	MMDB_KEY("country"),
	MMDB_KEY("registered_country"),
	MMDB_KEY("location"),
	MMDB_KEY("subdivisions"),
	MMDB_KEY("continent_code"),
	MMDB_KEY("country_code"),
	MMDB_KEY("state1"),
	MMDB_KEY("region"),
	MMDB_KEY("latitude"),
	MMDB_KEY("longitude"),
	MMDB_KEY("lat"),
	MMDB_KEY("lng"),
};

enum { RECENT = 4096 };

struct reader {
	struct places *places;
	/* Texts that were met lately, by their offset: names are written once and pointed to.
	 */
	struct recent {
		uint32_t at, text;
	} recent[RECENT];
};

struct record {
	struct mmdb_bytes *data;
	struct reader *reader;
	struct mmdb_value at[KEYS];
};

/* --- steps into a record; something that is not there leads to nothing -------------------- */

static bool need(struct mmdb_bytes *data, const struct mmdb_value *v, enum mmdb_type type,
	const char *what)
{
	return v->type == type || v->type == MMDB_ABSENT || mmdb_wrong(data, v->at, what);
}

/* The text `key` of a map. */
static bool text_in(struct mmdb_bytes *data, const struct mmdb_value *map,
	const struct mmdb_key *key, struct mmdb_value *to)
{
	to->type = MMDB_ABSENT;
	if (map->type == MMDB_ABSENT)
		return true;
	return need(data, map, MMDB_MAP, "something else stands where a map should") &&
		mmdb_map_find(data, map, key, 1, to) &&
		need(data, to, MMDB_TEXT, "something else stands where a text should");
}

/* The English name of a city or a subdivision. */
static bool name_in(
	struct mmdb_bytes *data, const struct mmdb_value *map, struct mmdb_value *to)
{
	static const struct mmdb_key names = MMDB_KEY("names"), english = MMDB_KEY("en");
	struct mmdb_value all;

	to->type = MMDB_ABSENT;
	return map->type == MMDB_ABSENT ||
		(need(data, map, MMDB_MAP, "something else stands where a map should") &&
			mmdb_map_find(data, map, &names, 1, &all) &&
			text_in(data, &all, &english, to));
}

/* A text that stands here, or in the map that stands here. */
static bool text_or_in(struct mmdb_bytes *data, const struct mmdb_value *v,
	const struct mmdb_key *key, struct mmdb_value *to)
{
	if (v->type == MMDB_MAP)
		return text_in(data, v, key, to);
	*to = *v;
	return need(data, v, MMDB_TEXT, "something else stands where a text or a map should");
}

/* --- the parts of a place ----------------------------------------------------------------- */

static bool take_code(struct mmdb_bytes *data, const struct mmdb_value *v, char code[static 2])
{
	if (v->type != MMDB_TEXT || v->size != 2)
		return false;
	const unsigned char *c = data->p + v->at;
	const char upper[2] = { (char)(c[0] & ~0x20), (char)(c[1] & ~0x20) };
	if (!isalpha(c[0]) || !isalpha(c[1]) || memcmp(upper, "ZZ", 2) == 0)
		return false;
	memcpy(code, upper, 2);
	return true;
}

/* Two letters, or unknown: some databases write whole names, "-" or "ZZ" there. */
static bool read_country(struct record *r, struct place *p)
{
	static const struct mmdb_key iso_code = MMDB_KEY("iso_code");
	struct mmdb_value flat = r->at[COUNTRY_CODE], own, registered;

	if (!need(r->data, &flat, MMDB_TEXT, "country_code is not a text") ||
		!text_or_in(r->data, &r->at[COUNTRY], &iso_code, &own) ||
		!text_or_in(r->data, &r->at[REGISTERED], &iso_code, &registered))
		return false;
	if (!take_code(r->data, &own, p->country) && !take_code(r->data, &flat, p->country))
		take_code(r->data, &registered, p->country);
	return true;
}

static bool read_continent(struct record *r, struct place *p)
{
	static const struct mmdb_key key = MMDB_KEY("code");
	struct mmdb_value own, *flat = &r->at[CONTINENT_CODE];
	char code[3] = "";

	if (!need(r->data, flat, MMDB_TEXT, "continent_code is not a text") ||
		!text_or_in(r->data, &r->at[CONTINENT], &key, &own))
		return false;
	const bool said = take_code(r->data, &own, code) || take_code(r->data, flat, code);
	const char *found = p->country[0] ? place_continent(p->country) : NULL;
	if (said && place_is_continent(code))
		found = code;
	if (found)
		memcpy(p->continent, found, 2);
	return true;
}

static uint32_t intern(struct record *r, const struct mmdb_value *v)
{
	struct recent *recent = &r->reader->recent[v->at % RECENT];
	char buf[TEXT_MOST];

	if (v->type != MMDB_TEXT || v->size == 0)
		return 0;
	if (recent->at != v->at) {
		const size_t len = mmdb_text(r->data, v, buf, sizeof buf);
		*recent = (struct recent){ v->at, places_intern(r->reader->places, buf, len) };
	}
	return recent->text;
}

/* ISO 3166-2 of the first subdivision, or its name. */
static bool read_region(struct record *r, struct place *p)
{
	static const struct mmdb_key iso_code = MMDB_KEY("iso_code");
	const struct mmdb_value *list = &r->at[SUBDIVISIONS];
	struct mmdb_value v = r->at[STATE].type ? r->at[STATE] : r->at[REGION], first;

	if (!need(r->data, &v, MMDB_TEXT, "the region is not a text") ||
		!need(r->data, list, MMDB_ARRAY, "subdivisions is not an array"))
		return false;
	if (list->type == MMDB_ARRAY && list->size) {
		if (!mmdb_value_at(r->data, list->at, &first) ||
			!text_in(r->data, &first, &iso_code, &v))
			return false;
		if (v.type == MMDB_ABSENT && !name_in(r->data, &first, &v))
			return false;
	}
	p->region = intern(r, &v);
	return true;
}

static bool read_city(struct record *r, struct place *p)
{
	struct mmdb_value v = r->at[CITY];

	if (v.type == MMDB_MAP && !name_in(r->data, &r->at[CITY], &v))
		return false;
	if (!need(r->data, &v, MMDB_TEXT, "city is neither a text nor a map with one"))
		return false;
	p->city = intern(r, &v);
	return true;
}

/* Coordinates that are none, or nowhere: the rest of the record may still be good. */
static bool read_location(struct record *r, struct place *p)
{
	static const struct mmdb_key keys[] = { MMDB_KEY("latitude"), MMDB_KEY("longitude") };
	struct mmdb_value v[2] = { r->at[LATITUDE], r->at[LONGITUDE] };
	double lat, lon;
	bool is[2] = { false, false };

	p->lat = p->lon = (double)NAN;
	if (r->at[LOCATION].type == MMDB_MAP &&
		!mmdb_map_find(r->data, &r->at[LOCATION], keys, 2, v))
		return false;
	if (!v[0].type && !v[1].type) {
		v[0] = r->at[LAT];
		v[1] = r->at[LNG];
	}
	if ((v[0].type && !mmdb_number(r->data, &v[0], &lat, &is[0])) ||
		(v[1].type && !mmdb_number(r->data, &v[1], &lon, &is[1])))
		return false;
	if (!is[0] || !is[1] || !(fabs(lat) <= 90) || !(fabs(lon) <= 180))
		return true;
	if (lat == 0 && lon == 0 && !p->country[0])
		return true;
	p->lat = lat;
	p->lon = lon;
	return true;
}

static void start_file(void *ctx)
{
	struct reader *r = ctx;

	memset(r->recent, 0, sizeof r->recent); /* no text's first byte is at 0 */
}

static bool read_record(void *ctx, struct mmdb_bytes *data, uint32_t at, uint32_t *value)
{
	struct record r = { .data = data, .reader = ctx };
	struct place p;
	struct mmdb_value map;

	memset(&p, 0, sizeof p);
	*value = NETMAP_NONE;
	if (!mmdb_value_at(data, at, &map))
		return false;
	if (map.type != MMDB_MAP)
		return mmdb_wrong(data, at, "a record is not a map");
	if (!mmdb_map_find(data, &map, record_keys, KEYS, r.at))
		return false;
	if (!read_country(&r, &p) || !read_continent(&r, &p) || !read_location(&r, &p))
		return false;
	if (!p.country[0] && !p.continent[0] && isnan(p.lat))
		return true;
	if (!read_region(&r, &p) || !read_city(&r, &p))
		return false;
	*value = places_add(r.reader->places, &p);
	return *value || mmdb_wrong(data, at, "there are more than 16 million places");
}

bool mmdb_read_cities(
	struct mmdb_cities *to, const char *const *paths, size_t n, struct fault *why)
{
	struct reader reader = { .places = places_new() };
	const struct mmdb_kind kind = { "country and no coordinates", start_file, read_record,
		&reader };

	*to = (struct mmdb_cities){ 0 };
	struct netmap *map = mmdb_read(&kind, paths, n, why);
	if (!map) {
		places_drop(reader.places);
		return false;
	}
	places_seal(reader.places);
	*to = (struct mmdb_cities){ map, reader.places };
	return true;
}
