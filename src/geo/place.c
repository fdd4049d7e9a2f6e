#include "geo/place_inner.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "geo/netmap.h"
#include "geo/pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { INDEX_FIRST = 1024 };

/* --- index -------------------------------------------------------------------------------- */

/* Where a search for a hash starts: its upper half says, so that the index can grow without
 * a look at the things. */
static size_t index_at(const struct index *x, uint64_t hash)
{
	return (size_t)(hash >> 32) & (x->room - 1);
}

static void index_put(struct index *x, uint64_t hash, uint32_t number)
{
	size_t i = index_at(x, hash);

	while (x->slots[i])
		i = (i + 1) & (x->room - 1);
	x->slots[i] = hash >> 32 << 32 | number;
	x->n++;
}

static void index_grow(struct index *x)
{
	const struct index old = *x;

	if (x->n * 2 < x->room)
		return;
	x->n = 0;
	x->room = old.room ? old.room * 2 : INDEX_FIRST;
	x->slots = pages_table(x->room * sizeof *x->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			index_put(x, old.slots[i], (uint32_t)old.slots[i]);
	pages_resize(old.slots, old.room * sizeof *old.slots, 0);
}

/* The next number with this hash, or 0; `*i` is where the search stands. */
static uint32_t index_next(const struct index *x, uint64_t hash, size_t *i)
{
	for (; x->slots[*i]; *i = (*i + 1) & (x->room - 1)) {
		const uint64_t slot = x->slots[*i];
		if (slot >> 32 == hash >> 32) {
			*i = (*i + 1) & (x->room - 1);
			return (uint32_t)slot;
		}
	}
	return 0;
}

static void index_fini(struct index *x)
{
	pages_resize(x->slots, x->room * sizeof *x->slots, 0);
	*x = (struct index){ 0 };
}

/* --- places ------------------------------------------------------------------------------- */

struct places *places_new(void)
{
	struct places *p = memory_zeroed(1, sizeof *p);

	if (getrandom(&p->key, sizeof p->key, 0) != sizeof p->key)
		die("no randomness");
	p->refs = 1;
	p->text_room = 4096;
	p->text = pages_resize(NULL, 0, p->text_room);
	p->text_len = 1;
	return p;
}

/* For a scope. */
static void let_go(void *p)
{
	places_drop(p);
}

struct places *places_hold(struct places *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	scope_hold(p, let_go);
	return p;
}

void places_drop(struct places *p)
{
	scope_forget(p, let_go);
	if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
		return;
	index_fini(&p->by_place);
	index_fini(&p->by_text);
	pages_resize(p->list, p->room * sizeof *p->list, 0);
	pages_resize(p->text, p->text_room, 0);
	memory_free(p);
}

/* Equal places are equal bytes: no padding that differs, one NAN, one zero. */
static struct place place_plain(const struct place *place)
{
	struct place plain;

	memset(&plain, 0, sizeof plain);
	plain.lat = isnan(place->lat) ? (double)NAN : place->lat + 0.0;
	plain.lon = isnan(place->lon) ? (double)NAN : place->lon + 0.0;
	memcpy(plain.country, place->country, 2);
	memcpy(plain.continent, place->continent, 2);
	plain.region = place->region;
	plain.city = place->city;
	return plain;
}

uint32_t places_add(struct places *p, const struct place *place)
{
	const struct place plain = place_plain(place);

	index_grow(&p->by_place);
	struct index *x = &p->by_place;
	const uint64_t hash = hash_bytes(p->key, (const uint8_t *)&plain, sizeof plain);
	size_t i = index_at(x, hash);
	for (uint32_t n; (n = index_next(x, hash, &i));)
		if (memcmp(&p->list[n - 1], &plain, sizeof plain) == 0)
			return n;
	if (p->n == NETMAP_VALUE_MOST)
		return 0;
	p->list = pages_grow(p->list, &p->room, p->n, sizeof *p->list);
	p->list[p->n++] = plain;
	p->cities = p->cities || plain.city;
	index_put(x, hash, (uint32_t)p->n);
	return (uint32_t)p->n;
}

uint32_t places_intern(struct places *p, const char *text, size_t len)
{
	len = strnlen(text, len);
	if (len == 0)
		return 0;
	index_grow(&p->by_text);
	struct index *x = &p->by_text;
	const uint64_t hash = hash_bytes(p->key, (const uint8_t *)text, len);
	size_t i = index_at(x, hash);
	for (uint32_t n; (n = index_next(x, hash, &i));)
		if (n + len < p->text_len && memcmp(p->text + n, text, len) == 0 &&
			p->text[n + len] == 0)
			return n;
	const size_t at = p->text_len;
	if (at + len + 1 > UINT32_MAX)
		return 0;
	while (at + len + 1 > p->text_room)
		p->text = pages_grow(p->text, &p->text_room, p->text_room, 1);
	memcpy(p->text + at, text, len);
	p->text_len = at + len + 1;
	index_put(x, hash, (uint32_t)at);
	return (uint32_t)at;
}

void places_seal(struct places *p)
{
	index_fini(&p->by_place);
	index_fini(&p->by_text);
	p->list = pages_resize(p->list, p->room * sizeof *p->list, p->n * sizeof *p->list);
	p->room = p->n;
	p->text = pages_resize(p->text, p->text_room, p->text_len);
	p->text_room = p->text_len;
}

const struct place *places_get(const struct places *p, uint32_t number)
{
	return &p->list[number - 1];
}

uint32_t places_count(const struct places *p)
{
	return (uint32_t)p->n;
}

bool places_tell_cities(const struct places *p)
{
	return p->cities;
}

size_t places_bytes(const struct places *p)
{
	return sizeof *p + pages_round(p->room * sizeof *p->list) + pages_round(p->text_room);
}

const char *place_text(const struct places *p, uint32_t text)
{
	return p->text + text;
}

/* --- geography ---------------------------------------------------------------------------- */

/* In order of country. */
static const struct in_continent {
	char country[3], continent[3];
} continents[] = {
	{ "AD", "EU" },
	{ "AE", "AS" },
	{ "AF", "AS" },
	{ "AG", "NA" },
	{ "AI", "NA" },
	{ "AL", "EU" },
	{ "AM", "AS" },
	{ "AO", "AF" },
	{ "AQ", "AN" },
	{ "AR", "SA" },
	{ "AS", "OC" },
	{ "AT", "EU" },
	{ "AU", "OC" },
	{ "AW", "NA" },
	{ "AX", "EU" },
	{ "AZ", "AS" },
	{ "BA", "EU" },
	{ "BB", "NA" },
	{ "BD", "AS" },
	{ "BE", "EU" },
	{ "BF", "AF" },
	{ "BG", "EU" },
	{ "BH", "AS" },
	{ "BI", "AF" },
	{ "BJ", "AF" },
	{ "BL", "NA" },
	{ "BM", "NA" },
	{ "BN", "AS" },
	{ "BO", "SA" },
	{ "BQ", "NA" },
	{ "BR", "SA" },
	{ "BS", "NA" },
	{ "BT", "AS" },
	{ "BV", "AN" },
	{ "BW", "AF" },
	{ "BY", "EU" },
	{ "BZ", "NA" },
	{ "CA", "NA" },
	{ "CC", "AS" },
	{ "CD", "AF" },
	{ "CF", "AF" },
	{ "CG", "AF" },
	{ "CH", "EU" },
	{ "CI", "AF" },
	{ "CK", "OC" },
	{ "CL", "SA" },
	{ "CM", "AF" },
	{ "CN", "AS" },
	{ "CO", "SA" },
	{ "CR", "NA" },
	{ "CU", "NA" },
	{ "CV", "AF" },
	{ "CW", "NA" },
	{ "CX", "OC" },
	{ "CY", "EU" },
	{ "CZ", "EU" },
	{ "DE", "EU" },
	{ "DJ", "AF" },
	{ "DK", "EU" },
	{ "DM", "NA" },
	{ "DO", "NA" },
	{ "DZ", "AF" },
	{ "EC", "SA" },
	{ "EE", "EU" },
	{ "EG", "AF" },
	{ "EH", "AF" },
	{ "ER", "AF" },
	{ "ES", "EU" },
	{ "ET", "AF" },
	{ "FI", "EU" },
	{ "FJ", "OC" },
	{ "FK", "SA" },
	{ "FM", "OC" },
	{ "FO", "EU" },
	{ "FR", "EU" },
	{ "GA", "AF" },
	{ "GB", "EU" },
	{ "GD", "NA" },
	{ "GE", "AS" },
	{ "GF", "SA" },
	{ "GG", "EU" },
	{ "GH", "AF" },
	{ "GI", "EU" },
	{ "GL", "NA" },
	{ "GM", "AF" },
	{ "GN", "AF" },
	{ "GP", "NA" },
	{ "GQ", "AF" },
	{ "GR", "EU" },
	{ "GS", "AN" },
	{ "GT", "NA" },
	{ "GU", "OC" },
	{ "GW", "AF" },
	{ "GY", "SA" },
	{ "HK", "AS" },
	{ "HM", "AN" },
	{ "HN", "NA" },
	{ "HR", "EU" },
	{ "HT", "NA" },
	{ "HU", "EU" },
	{ "ID", "AS" },
	{ "IE", "EU" },
	{ "IL", "AS" },
	{ "IM", "EU" },
	{ "IN", "AS" },
	{ "IO", "AS" },
	{ "IQ", "AS" },
	{ "IR", "AS" },
	{ "IS", "EU" },
	{ "IT", "EU" },
	{ "JE", "EU" },
	{ "JM", "NA" },
	{ "JO", "AS" },
	{ "JP", "AS" },
	{ "KE", "AF" },
	{ "KG", "AS" },
	{ "KH", "AS" },
	{ "KI", "OC" },
	{ "KM", "AF" },
	{ "KN", "NA" },
	{ "KP", "AS" },
	{ "KR", "AS" },
	{ "KW", "AS" },
	{ "KY", "NA" },
	{ "KZ", "AS" },
	{ "LA", "AS" },
	{ "LB", "AS" },
	{ "LC", "NA" },
	{ "LI", "EU" },
	{ "LK", "AS" },
	{ "LR", "AF" },
	{ "LS", "AF" },
	{ "LT", "EU" },
	{ "LU", "EU" },
	{ "LV", "EU" },
	{ "LY", "AF" },
	{ "MA", "AF" },
	{ "MC", "EU" },
	{ "MD", "EU" },
	{ "ME", "EU" },
	{ "MF", "NA" },
	{ "MG", "AF" },
	{ "MH", "OC" },
	{ "MK", "EU" },
	{ "ML", "AF" },
	{ "MM", "AS" },
	{ "MN", "AS" },
	{ "MO", "AS" },
	{ "MP", "OC" },
	{ "MQ", "NA" },
	{ "MR", "AF" },
	{ "MS", "NA" },
	{ "MT", "EU" },
	{ "MU", "AF" },
	{ "MV", "AS" },
	{ "MW", "AF" },
	{ "MX", "NA" },
	{ "MY", "AS" },
	{ "MZ", "AF" },
	{ "NA", "AF" },
	{ "NC", "OC" },
	{ "NE", "AF" },
	{ "NF", "OC" },
	{ "NG", "AF" },
	{ "NI", "NA" },
	{ "NL", "EU" },
	{ "NO", "EU" },
	{ "NP", "AS" },
	{ "NR", "OC" },
	{ "NU", "OC" },
	{ "NZ", "OC" },
	{ "OM", "AS" },
	{ "PA", "NA" },
	{ "PE", "SA" },
	{ "PF", "OC" },
	{ "PG", "OC" },
	{ "PH", "AS" },
	{ "PK", "AS" },
	{ "PL", "EU" },
	{ "PM", "NA" },
	{ "PN", "OC" },
	{ "PR", "NA" },
	{ "PS", "AS" },
	{ "PT", "EU" },
	{ "PW", "OC" },
	{ "PY", "SA" },
	{ "QA", "AS" },
	{ "RE", "AF" },
	{ "RO", "EU" },
	{ "RS", "EU" },
	{ "RU", "EU" },
	{ "RW", "AF" },
	{ "SA", "AS" },
	{ "SB", "OC" },
	{ "SC", "AF" },
	{ "SD", "AF" },
	{ "SE", "EU" },
	{ "SG", "AS" },
	{ "SH", "AF" },
	{ "SI", "EU" },
	{ "SJ", "EU" },
	{ "SK", "EU" },
	{ "SL", "AF" },
	{ "SM", "EU" },
	{ "SN", "AF" },
	{ "SO", "AF" },
	{ "SR", "SA" },
	{ "SS", "AF" },
	{ "ST", "AF" },
	{ "SV", "NA" },
	{ "SX", "NA" },
	{ "SY", "AS" },
	{ "SZ", "AF" },
	{ "TC", "NA" },
	{ "TD", "AF" },
	{ "TF", "AN" },
	{ "TG", "AF" },
	{ "TH", "AS" },
	{ "TJ", "AS" },
	{ "TK", "OC" },
	{ "TL", "OC" },
	{ "TM", "AS" },
	{ "TN", "AF" },
	{ "TO", "OC" },
	{ "TR", "AS" },
	{ "TT", "NA" },
	{ "TV", "OC" },
	{ "TW", "AS" },
	{ "TZ", "AF" },
	{ "UA", "EU" },
	{ "UG", "AF" },
	{ "UM", "OC" },
	{ "US", "NA" },
	{ "UY", "SA" },
	{ "UZ", "AS" },
	{ "VA", "EU" },
	{ "VC", "NA" },
	{ "VE", "SA" },
	{ "VG", "NA" },
	{ "VI", "NA" },
	{ "VN", "AS" },
	{ "VU", "OC" },
	{ "WF", "OC" },
	{ "WS", "OC" },
	{ "XK", "EU" },
	{ "YE", "AS" },
	{ "YT", "AF" },
	{ "ZA", "AF" },
	{ "ZM", "AF" },
	{ "ZW", "AF" },
};

static int by_country(const void *key, const void *row)
{
	return memcmp(key, ((const struct in_continent *)row)->country, 2);
}

const char *place_continent(const char country[static 2])
{
	const struct in_continent *row = bsearch(country, continents,
		sizeof continents / sizeof *continents, sizeof *continents, by_country);

	return row ? row->continent : NULL;
}

bool place_is_continent(const char *code)
{
	static const char *const all[] = { "AF", "AN", "AS", "EU", "NA", "OC", "SA" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i], code) == 0)
			return true;
	return false;
}

static double radians(double degrees)
{
	return degrees * (M_PI / 180.0);
}

double place_distance_km(double lat1, double lon1, double lat2, double lon2)
{
	const double up = sin(radians(lat2 - lat1) / 2), across = sin(radians(lon2 - lon1) / 2);
	const double h = up * up + cos(radians(lat1)) * cos(radians(lat2)) * across * across;

	/* Rounding may carry opposite points past 1. */
	return 2 * 6371.0088 * asin(sqrt(h < 1 ? h : 1));
}
