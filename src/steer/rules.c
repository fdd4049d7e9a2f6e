#include "steer/rules.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "geo/place.h"

#include <string.h>
#include <strings.h>

/* --- sets of places and ASNs -------------------------------------------------------------- */

/* Conditions of one rule, and the set that they are. */
struct set {
	const struct pool_when *when;
};

struct sets {
	struct set *of;
	unsigned n;
};

static bool is_place(enum pool_pin_kind kind)
{
	return kind >= PIN_CITY && kind <= PIN_CONTINENT;
}

/* Of each kind that is named, one. */
static bool holds_place(
	const struct pool_when *w, const struct places *places, const struct place *place)
{
	bool asked[PIN_KINDS] = { false }, met[PIN_KINDS] = { false };

	for (size_t i = 0; i < w->n; i++) {
		const enum pool_pin_kind kind = w->conds[i].kind;
		if (!is_place(kind))
			continue;
		asked[kind] = true;
		met[kind] = met[kind] || pool_pin_matches(&w->conds[i], places, place);
	}
	for (unsigned k = 0; k < PIN_KINDS; k++)
		if (asked[k] && !met[k])
			return false;
	return true;
}

static bool holds_asn(const struct pool_when *w, uint32_t number)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->conds[i].kind == PIN_ASN && w->conds[i].asn == number)
			return true;
	return false;
}

static bool holds(const struct pool_when *w, const struct atlas *atlas, bool places, uint32_t value)
{
	static const struct place nowhere = { .lat = 0 };

	if (!places)
		return value && holds_asn(w, atlas->asns.asn[value].number);
	return holds_place(w, atlas->cities.places,
		value ? places_get(atlas->cities.places, value) : &nowhere);
}

/* Equal rows are one class. */
struct interning {
	struct rules_table *t;
	uint32_t classes, room, slots_n;
	uint32_t *slot; /* class + 1 */
};

static uint32_t hash_row(const uint64_t *row, unsigned words)
{
	const struct hash_key key = { 3, 9 };

	return (uint32_t)(hash_bytes(key, (const uint8_t *)row, words * sizeof *row) >> 32);
}

static void grow(struct interning *in)
{
	const unsigned words = in->t->words;

	in->room *= 2;
	in->slots_n = in->room * 4;
	in->t->bits = memory_grow(in->t->bits, (size_t)in->room * words * sizeof *in->t->bits);
	memory_free(in->slot);
	in->slot = memory_zeroed(in->slots_n, sizeof *in->slot);
	for (uint32_t c = 0; c < in->classes; c++) {
		uint32_t s = hash_row(in->t->bits + (size_t)c * words, words) & (in->slots_n - 1);
		while (in->slot[s])
			s = (s + 1) & (in->slots_n - 1);
		in->slot[s] = c + 1;
	}
}

static uint32_t intern(struct interning *in, const uint64_t *row)
{
	const unsigned words = in->t->words;
	const size_t bytes = words * sizeof *row;

	if (in->classes == in->room)
		grow(in);
	uint32_t s = hash_row(row, words) & (in->slots_n - 1);
	for (; in->slot[s]; s = (s + 1) & (in->slots_n - 1))
		if (memcmp(in->t->bits + (size_t)(in->slot[s] - 1) * words, row, bytes) == 0)
			return in->slot[s] - 1;
	memcpy(in->t->bits + (size_t)in->classes * words, row, bytes);
	in->slot[s] = ++in->classes;
	return in->classes - 1;
}

static void fill_table(struct rules_table *t, const struct sets *sets, const struct atlas *atlas,
	bool places)
{
	struct interning in = { .t = t, .room = 8 };

	if (!sets->n)
		return;
	t->words = (sets->n + 63) / 64;
	t->n = places ? places_count(atlas->cities.places) + 1 : atlas->asns.n;
	t->class_of = memory_zeroed(t->n, sizeof *t->class_of);
	uint64_t *row = memory_zeroed(t->words, sizeof *row);
	grow(&in);
	for (uint32_t v = 0; v < t->n; v++) {
		memset(row, 0, t->words * sizeof *row);
		for (unsigned i = 0; i < sets->n; i++)
			if (holds(sets->of[i].when, atlas, places, v))
				row[i / 64] |= (uint64_t)1 << i % 64;
		t->class_of[v] = intern(&in, row);
	}
	t->seams = netmap_seams_new(
		places ? atlas->cities.map : atlas->asns.map, t->class_of, t->n);
	memory_free(row);
	memory_free(in.slot);
}

/* --- one rule ----------------------------------------------------------------------------- */

static struct netmap *map_of_nets(const struct pool_pin *nets, size_t n)
{
	struct netmap_net *list = memory_zeroed(n, sizeof *list);
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (nets[i].kind == PIN_NET)
			list[k++] = (struct netmap_net){ nets[i].net, 1 };
	struct netmap *map = k ? netmap_from_nets(list, k) : NULL;
	memory_free(list);
	return map;
}

static uint16_t add_set(struct sets *s, const struct pool_when *w, bool places)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++)
		any = any || (places ? is_place(w->conds[i].kind) : w->conds[i].kind == PIN_ASN);
	if (!any)
		return RULES_NO_SET;
	s->of = memory_grow(s->of, (s->n + 1) * sizeof *s->of);
	s->of[s->n].when = w;
	return (uint16_t)s->n++;
}

struct making {
	struct arena *mem;
	struct rules *r;
	struct sets places, asns;
};

static struct rules_when make_when(struct making *m, const struct pool_when *w)
{
	struct rules *r = m->r;
	struct rules_when to = { .place = add_set(&m->places, w, true),
		.asn = add_set(&m->asns, w, false),
		.nets = map_of_nets(w->conds, w->n),
		.resolvers = map_of_nets(w->resolvers, w->n_resolvers),
		.clients = w->clients,
		.n_clients = (unsigned)w->n_clients,
		.n_hours = (unsigned)w->n_during,
		.via = w->via,
		.types = w->types,
		.given = w->n || w->n_resolvers || w->n_clients || w->n_during || w->via ||
			w->types };

	for (size_t i = 0; i < w->n_clients; i++) {
		r->clients = memory_grow(r->clients, (r->n_clients + 1) * sizeof *r->clients);
		r->clients[r->n_clients++] = netmap_hold(w->clients[i]);
	}
	return to;
}

/* Is there a place or an ASN of that set? */
static bool is_met(const struct rules_table *t, uint16_t set)
{
	for (size_t v = 1; set != RULES_NO_SET && v < t->n; v++)
		if (rules_has(t, (uint32_t)v, set))
			return true;
	return set == RULES_NO_SET;
}

struct rules *rules_new(struct arena *mem, const struct pool_rule *from, size_t n,
	const struct atlas *atlas)
{
	struct rules *r = arena_zalloc(mem, sizeof *r);
	struct making m = { .mem = mem, .r = r };

	r->n = (unsigned)n;
	r->rule = arena_zalloc(mem, n * sizeof *r->rule);
	for (size_t i = 0; i < n; i++)
		r->rule[i] = (struct rule){ .from = &from[i],
			.when = make_when(&m, &from[i].when),
			.unless = make_when(&m, &from[i].unless) };
	fill_table(&r->places, &m.places, atlas, true);
	fill_table(&r->asns, &m.asns, atlas, false);
	for (size_t i = 0; i < n; i++)
		r->rule[i].matches = is_met(&r->places, r->rule[i].when.place) &&
			is_met(&r->asns, r->rule[i].when.asn);
	memory_free(m.places.of);
	memory_free(m.asns.of);
	return r;
}

static void drop_table(struct rules_table *t)
{
	memory_free(t->class_of);
	memory_free(t->bits);
	if (t->seams)
		netmap_seams_free(t->seams);
}

static void drop_when(struct rules_when *w)
{
	if (w->nets)
		netmap_drop(w->nets);
	if (w->resolvers)
		netmap_drop(w->resolvers);
}

void rules_drop(struct rules *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++) {
		drop_when(&r->rule[i].when);
		drop_when(&r->rule[i].unless);
	}
	for (unsigned i = 0; i < r->n_clients; i++)
		netmap_drop(r->clients[i]);
	memory_free(r->clients);
	drop_table(&r->places);
	drop_table(&r->asns);
}
