#include "geo/place.h"

#include "base/bytes.h"
#include "base/log.h"
#include "geo/netmap.h"
#include "geo/pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* An index of things that are kept elsewhere, by hash: numbers from 1, 0 is a free slot. Thrown away when sealed. */
struct index {
	uint32_t *slots;
	size_t room, n;             /* room: a power of two, at least twice n */
};

struct places {
	unsigned refs;              /* atomic */
	struct place *list;         /* number 1 is list[0] */
	size_t n, room;
	char *text;                 /* NUL-ended texts; the one at 0 is empty */
	size_t text_len, text_room;
	struct index by_place, by_text;
	struct hash_key key;        /* whoever makes a database cannot choose places that collide */
};

enum { INDEX_FIRST = 1024 };

/* --- index -------------------------------------------------------------------------------------------------------- */

typedef uint64_t hash_fn(const struct places *p, uint32_t number);

static void index_put(struct index *x, uint64_t hash, uint32_t number)
{
	size_t i = hash & (x->room - 1);

	while (x->slots[i])
		i = (i + 1) & (x->room - 1);
	x->slots[i] = number;
}

static void index_grow(struct index *x, const struct places *p, hash_fn *hash)
{
	const struct index old = *x;

	if (x->n * 2 < x->room)
		return;
	x->room = old.room ? old.room * 2 : INDEX_FIRST;
	x->slots = pages_resize(NULL, 0, x->room * sizeof *x->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			index_put(x, hash(p, old.slots[i]), old.slots[i]);
	pages_resize(old.slots, old.room * sizeof *old.slots, 0);
}

static void index_fini(struct index *x)
{
	pages_resize(x->slots, x->room * sizeof *x->slots, 0);
	*x = (struct index){ 0 };
}

/* --- places ------------------------------------------------------------------------------------------------------- */

struct places *places_new(void)
{
	struct places *p = calloc(1, sizeof *p);

	if (!p || getrandom(&p->key, sizeof p->key, 0) != sizeof p->key)
		die("out of memory or randomness");
	p->refs = 1;
	p->text_room = 4096;
	p->text = pages_resize(NULL, 0, p->text_room);
	p->text_len = 1;
	return p;
}

struct places *places_hold(struct places *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

void places_drop(struct places *p)
{
	if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
		return;
	index_fini(&p->by_place);
	index_fini(&p->by_text);
	pages_resize(p->list, p->room * sizeof *p->list, 0);
	pages_resize(p->text, p->text_room, 0);
	free(p);
}

static uint64_t place_hash(const struct places *p, uint32_t number)
{
	return hash_bytes(p->key, (const uint8_t *)&p->list[number - 1], sizeof *p->list);
}

static uint64_t text_hash(const struct places *p, uint32_t text)
{
	return hash_bytes(p->key, (const uint8_t *)p->text + text, strlen(p->text + text));
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

	index_grow(&p->by_place, p, place_hash);
	struct index *x = &p->by_place;
	const uint64_t hash = hash_bytes(p->key, (const uint8_t *)&plain, sizeof plain);
	for (size_t i = hash & (x->room - 1); x->slots[i]; i = (i + 1) & (x->room - 1))
		if (memcmp(&p->list[x->slots[i] - 1], &plain, sizeof plain) == 0)
			return x->slots[i];
	if (p->n == NETMAP_VALUE_MOST)
		return 0;
	p->list = pages_grow(p->list, &p->room, p->n, sizeof *p->list);
	p->list[p->n++] = plain;
	index_put(x, hash, (uint32_t)p->n);
	x->n++;
	return (uint32_t)p->n;
}

uint32_t places_intern(struct places *p, const char *text, size_t len)
{
	len = strnlen(text, len);
	if (len == 0)
		return 0;
	index_grow(&p->by_text, p, text_hash);
	struct index *x = &p->by_text;
	const uint64_t hash = hash_bytes(p->key, (const uint8_t *)text, len);
	for (size_t i = hash & (x->room - 1); x->slots[i]; i = (i + 1) & (x->room - 1)) {
		const char *known = p->text + x->slots[i];
		if (strncmp(known, text, len) == 0 && known[len] == 0)
			return x->slots[i];
	}
	const size_t at = p->text_len;
	if (at + len + 1 > UINT32_MAX)
		return 0;
	while (at + len + 1 > p->text_room)
		p->text = pages_grow(p->text, &p->text_room, p->text_room, 1);
	memcpy(p->text + at, text, len);
	p->text_len = at + len + 1;
	index_put(x, hash, (uint32_t)at);
	x->n++;
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

size_t places_bytes(const struct places *p)
{
	return sizeof *p + pages_round(p->room * sizeof *p->list) + pages_round(p->text_room);
}

const char *place_text(const struct places *p, uint32_t text)
{
	return p->text + text;
}

/* --- geography ---------------------------------------------------------------------------------------------------- */

/* One string a continent, the countries in order. */
static const struct {
	char continent[3];
	const char *countries;
} continents[] = {
	{ "AF", "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW "
		"MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW" },
	{ "AN", "AQ BV GS HM TF" },
	{ "AS", "AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY "
		"NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE" },
	{ "EU", "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC "
		"MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK" },
	{ "NA", "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV "
		"SX TC TT US VC VG VI" },
	{ "OC", "AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS" },
	{ "SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE" },
};

const char *place_continent(const char country[static 2])
{
	for (size_t i = 0; i < sizeof continents / sizeof *continents; i++)
		for (const char *c = continents[i].countries; *c; c += c[2] ? 3 : 2)
			if (c[0] == country[0] && c[1] == country[1])
				return continents[i].continent;
	return NULL;
}

bool place_is_continent(const char *code)
{
	for (size_t i = 0; i < sizeof continents / sizeof *continents; i++)
		if (strcmp(continents[i].continent, code) == 0)
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
