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
	struct mmdb_told *told; /* of the file that is read */
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

/* --- steps into a record; what is not there, or of an odd form, leads to nothing ----------- */

/* Is it of this type? What is there and is not costs itself only. */
static bool is_a(struct record *r, struct mmdb_value *v, enum mmdb_type type, const char *key)
{
	if (v->type == type || v->type == MMDB_ABSENT)
		return v->type == type;
	mmdb_told_odd(r->reader->told, key,
		type == MMDB_MAP             ? "a map"
			: type == MMDB_ARRAY ? "an array"
					     : "a text",
		r->data, v);
	v->type = MMDB_ABSENT;
	return false;
}

/* The text `key` of a map; `name` is that of both, for the operator. */
static bool text_in(struct record *r, struct mmdb_value *map, const struct mmdb_key *key,
	const char *name, struct mmdb_value *to)
{
	to->type = MMDB_ABSENT;
	if (map->type != MMDB_MAP)
		return true;
	if (!mmdb_map_find(r->data, map, key, 1, to))
		return false;
	is_a(r, to, MMDB_TEXT, name);
	return true;
}

/* The English name of a city or a subdivision. */
static bool name_in(
	struct record *r, struct mmdb_value *map, const char *name, struct mmdb_value *to)
{
	static const struct mmdb_key names = MMDB_KEY("names"), english = MMDB_KEY("en");
	struct mmdb_value all;

	to->type = MMDB_ABSENT;
	if (map->type != MMDB_MAP)
		return true;
	if (!mmdb_map_find(r->data, map, &names, 1, &all))
		return false;
	is_a(r, &all, MMDB_MAP, name);
	return text_in(r, &all, &english, name, to);
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

/* A code that stands here, or in the map that stands here. */
static bool code_or_in(struct record *r, struct mmdb_value *v, const struct mmdb_key *key,
	const char *names[static 2], struct mmdb_value *to)
{
	if (v->type == MMDB_MAP)
		return text_in(r, v, key, names[1], to);
	is_a(r, v, MMDB_TEXT, names[0]);
	*to = *v;
	return true;
}

/* Two letters, or unknown: some databases write whole names, "-" or "ZZ" there. */
static bool read_country(struct record *r, struct place *p)
{
	static const struct mmdb_key iso_code = MMDB_KEY("iso_code");
	static const char *own_names[] = { "country", "country.iso_code" },
			  *other_names[] = { "registered_country",
				  "registered_country.iso_code" };
	struct mmdb_value *flat = &r->at[COUNTRY_CODE], own, registered;

	is_a(r, flat, MMDB_TEXT, "country_code");
	if (!code_or_in(r, &r->at[COUNTRY], &iso_code, own_names, &own) ||
		!code_or_in(r, &r->at[REGISTERED], &iso_code, other_names, &registered))
		return false;
	if (take_code(r->data, &own, p->country) || take_code(r->data, flat, p->country) ||
		take_code(r->data, &registered, p->country))
		return true;
	if (own.type && own.size > 2)
		mmdb_told_odd(
			r->reader->told, "country", "a code of two letters", r->data, &own);
	return true;
}

static bool read_continent(struct record *r, struct place *p)
{
	static const struct mmdb_key key = MMDB_KEY("code");
	static const char *names[] = { "continent", "continent.code" };
	struct mmdb_value own, *flat = &r->at[CONTINENT_CODE];
	char code[3] = "";

	is_a(r, flat, MMDB_TEXT, "continent_code");
	if (!code_or_in(r, &r->at[CONTINENT], &key, names, &own))
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
	struct mmdb_value *list = &r->at[SUBDIVISIONS], v = r->at[STATE], first;

	if (!is_a(r, &v, MMDB_TEXT, "state1")) {
		v = r->at[REGION];
		is_a(r, &v, MMDB_TEXT, "region");
	}
	if (is_a(r, list, MMDB_ARRAY, "subdivisions") && list->size) {
		if (!mmdb_value_at(r->data, list->at, &first))
			return false;
		is_a(r, &first, MMDB_MAP, "subdivisions.0");
		struct mmdb_value code;
		if (!text_in(r, &first, &iso_code, "subdivisions.0.iso_code", &code) ||
			(code.type == MMDB_ABSENT &&
				!name_in(r, &first, "subdivisions.0.names.en", &code)))
			return false;
		v = code.type ? code : v;
	}
	p->region = intern(r, &v);
	return true;
}

static bool read_city(struct record *r, struct place *p)
{
	struct mmdb_value v = r->at[CITY];

	if (v.type == MMDB_MAP && !name_in(r, &r->at[CITY], "city.names.en", &v))
		return false;
	is_a(r, &v, MMDB_TEXT, "city");
	p->city = intern(r, &v);
	return true;
}

/* A number of degrees, at most `most` north or south, east or west; else NAN. */
static double degrees(
	struct record *r, const struct mmdb_value *v, double most, const char *key)
{
	double d = 0;

	if (!v->type || mmdb_says_nothing(r->data, v))
		return (double)NAN;
	if (mmdb_number(r->data, v, &d) && fabs(d) <= most)
		return d;
	mmdb_told_odd(r->reader->told, key,
		most > 90 ? "a longitude in degrees" : "a latitude in degrees", r->data, v);
	return (double)NAN;
}

/* Coordinates that are none, or nowhere: the rest of the record may still be good. */
static bool read_location(struct record *r, struct place *p)
{
	static const struct mmdb_key keys[] = { MMDB_KEY("latitude"), MMDB_KEY("longitude") };
	static const char *const names[][2] = { { "latitude", "longitude" }, { "lat", "lng" },
		{ "location.latitude", "location.longitude" } };
	struct mmdb_value *location = &r->at[LOCATION],
			  v[2] = { r->at[LATITUDE], r->at[LONGITUDE] };
	unsigned layout = 0;

	p->lat = p->lon = (double)NAN;
	if (location->type == MMDB_MAP) {
		layout = 2;
		if (!mmdb_map_find(r->data, location, keys, 2, v))
			return false;
	}
	if (!v[0].type && !v[1].type) {
		layout = 1;
		v[0] = r->at[LAT];
		v[1] = r->at[LNG];
	}
	if (!v[0].type && !v[1].type)
		is_a(r, location, MMDB_MAP, "location");
	const double lat = degrees(r, &v[0], 90, names[layout][0]),
		     lon = degrees(r, &v[1], 180, names[layout][1]);
	if (isnan(lat) || isnan(lon) || (lat == 0 && lon == 0 && !p->country[0]))
		return true;
	p->lat = lat;
	p->lon = lon;
	r->reader->told->placed++;
	return true;
}

static void start_file(void *ctx, struct mmdb_told *told)
{
	struct reader *r = ctx;

	r->told = told;
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

	struct mmdb_told *told = mmdb_told_new(paths, n);
	struct netmap *map = mmdb_read(&kind, told, n, why);

	*to = (struct mmdb_cities){ map, reader.places, told, n };
	if (map)
		places_seal(reader.places);
	else
		mmdb_cities_free(to);
	return map != NULL;
}

void mmdb_cities_free(struct mmdb_cities *cities)
{
	netmap_drop(cities->map);
	places_drop(cities->places);
	mmdb_told_free(cities->told, cities->n_told);
	*cities = (struct mmdb_cities){ 0 };
}
