#include "steer/steer_edges.h"

#include "dns/name.h"
#include "base/memory.h"
#include "steer/forced.h"
#include "steer/group.h"
#include "steer/template.h"

#include <stdlib.h>
#include <string.h>

/* Where probes ask: what the operator says, or its addresses, or what its cname leads to. */
static void fill_points(struct steer *s, struct edge *e, const struct edge_opts *o)
{
	const unsigned n = o->flatten ? 0 : e->n_a + e->n_aaaa;
	const uint8_t *leads = o->flatten ? o->flatten : e->template ? NULL : e->cname;
	char name[NAME_TEXT];

	e->n_slots = (uint16_t)(n ? n : o->unprobed ? 0 : o->n_points ? o->n_points : leads != NULL);
	if (o->unprobed || !e->n_slots)
		return;
	struct edge_point *points = arena_zalloc(&s->mem, e->n_slots * sizeof *points);
	for (unsigned k = 0; k < e->n_slots; k++) {
		if (o->n_points) {
			points[k] = o->points[o->n_points > 1 ? k : 0];
			if (points[k].name)
				points[k].name = arena_strdup(&s->mem, points[k].name);
		} else if (n) {
			points[k].addr = edge_address(e, k);
		} else {
			name_text(name, leads);
			name[strlen(name) - 1] = 0; /* its dot */
			points[k].name = arena_strdup(&s->mem, name);
		}
	}
	e->points = points;
}

/* The types of all edges' records. */
static void find_types(struct steer *s, const struct steer_opts *opts)
{
	for (size_t i = 0; i < opts->n_edges; i++)
		for (size_t k = 0; k < opts->edges[i].n_records; k++) {
			const uint16_t type = opts->edges[i].records[k].type;
			unsigned at = s->n_record_types;
			while (at && s->record_types[at - 1] > type)
				at--;
			if ((at && s->record_types[at - 1] == type) ||
				s->n_record_types == EDGE_RECORD_TYPES_MOST)
				continue;
			memmove(s->record_types + at + 1, s->record_types + at,
				(s->n_record_types++ - at) * sizeof type);
			s->record_types[at] = type;
		}
}

static void fill_records(struct steer *s, struct edge *e, const struct edge_opts *o)
{
	struct edge_record *own =
		arena_memdup(&s->mem, o->records, o->n_records * sizeof *own);

	for (size_t i = 0; i < o->n_records; i++)
		own[i].rdata = arena_memdup(&s->mem, own[i].rdata, own[i].len);
	e->records = own;
	e->n_records = (uint16_t)o->n_records;
	e->can = (e->n_a ? CAN_A : 0u) | (e->n_aaaa ? CAN_AAAA : 0u);
	for (size_t i = 0; i < o->n_records; i++)
		e->can |= steer_can(s, own[i].type);
	if (e->cname)
		e->can = UINT32_MAX;
}

static struct edge_flat flat_of(const struct edge *e)
{
	return (struct edge_flat){ !e->unresolved, e->a, e->aaaa, e->n_a, e->n_aaaa, e->ttl_most_s };
}

/* The addresses that the name has: those that were found, or that it had before. */
static void fill_flat(struct steer *s, struct edge *e, const struct edge_opts *o,
	const struct edge_flat *found, const struct steer *before)
{
	const int at = found || !before ? -1 : steer_edge(before, o->name);
	const struct edge *was = at < 0 ? NULL : &before->edges[at];
	struct edge_flat flat = { .known = false };

	if (found)
		flat = *found;
	else if (was && was->flatten && name_equal(was->flatten, o->flatten))
		flat = flat_of(was);
	e->flatten = arena_memdup(&s->mem, o->flatten, name_len(o->flatten));
	e->unresolved = !flat.known;
	e->a = arena_memdup(&s->mem, flat.a, flat.n_a * (size_t)4);
	e->aaaa = arena_memdup(&s->mem, flat.aaaa, flat.n_aaaa * (size_t)16);
	e->n_a = flat.n_a;
	e->n_aaaa = flat.n_aaaa;
	e->ttl_most_s = flat.known ? flat.ttl_s : UINT32_MAX;
	s->flattens = true;
}

static void fill_cname(struct steer *s, struct edge *e, const struct edge_opts *o)
{
	uint8_t name[NAME_MOST];
	const size_t len = template_expand(
		o->cname, &(struct template_of){ .edge = e->called }, name, NULL);

	if (template_looks(o->cname) || template_looks_at_asn(o->cname))
		e->template = arena_memdup(&s->mem, o->cname, name_len(o->cname));
	e->cname_len = (uint16_t)len;
	e->cname = arena_memdup(&s->mem, name, len);
}

struct alike {
	const struct places *places;
	enum template_look look;
};

/* Two places that no template tells apart are 0. */
static int compare_places(const void *a, const void *b, void *ctx)
{
	const struct alike *k = ctx;
	const struct place *x = places_get(k->places, *(const uint32_t *)a),
			   *y = places_get(k->places, *(const uint32_t *)b);
	int d = memcmp(x->country, y->country, sizeof x->country);

	d = d ? d : memcmp(x->continent, y->continent, sizeof x->continent);
	if (!d && k->look >= TEMPLATE_REGION)
		d = (x->region > y->region) - (x->region < y->region);
	if (!d && k->look >= TEMPLATE_CITY)
		d = (x->city > y->city) - (x->city < y->city);
	return d;
}

/* Clients in places that are alike to all templates get the same names. */
static void find_places(struct steer *s)
{
	struct alike k = { s->atlas->cities.places, TEMPLATE_NOWHERE };
	const uint32_t n = places_count(k.places);

	for (unsigned i = 0; i < s->n_edges; i++)
		if (s->edges[i].template && template_looks(s->edges[i].template) > k.look)
			k.look = template_looks(s->edges[i].template);
	if (!k.look)
		return;
	uint32_t *class_of = arena_zalloc(&s->mem, ((size_t)n + 1) * sizeof *class_of);
	uint32_t *by = memory_zeroed(n, sizeof *by);
	for (uint32_t i = 0; i < n; i++)
		by[i] = i + 1;
	if (n)
		qsort_r(by, n, sizeof *by, compare_places, &k);
	for (uint32_t i = 0, class = 0; i < n; i++) {
		class += i == 0 || compare_places(&by[i - 1], &by[i], &k) != 0;
		class_of[by[i]] = class;
	}
	s->places = netmap_seams_new(s->atlas->cities.map, class_of, (size_t)n + 1);
	memory_free(by);
}

/* ... and those of one AS, as far as a template asks for it. */
static void find_asns(struct steer *s)
{
	const struct mmdb_asns *asns = &s->atlas->asns;
	bool asks = false;

	for (unsigned i = 0; i < s->n_edges; i++)
		asks = asks || (s->edges[i].template && template_looks_at_asn(s->edges[i].template));
	if (!asks)
		return;
	uint32_t *class_of = arena_zalloc(&s->mem, asns->n * sizeof *class_of);
	for (size_t i = 0; i < asns->n; i++)
		class_of[i] = asns->asn[i].number;
	s->asns = netmap_seams_new(asns->map, class_of, asns->n);
}

static void fill_edge(struct steer *s, struct edge *e, const struct edge_opts *o,
	const struct edge_flat *found, const struct steer *before)
{
	uint8_t *a = arena_alloc(&s->mem, o->n_a * 4),
		*aaaa = arena_alloc(&s->mem, o->n_aaaa * 16);

	for (size_t i = 0; i < o->n_a; i++)
		memcpy(a + i * 4, o->a[i].b + 12, 4);
	for (size_t i = 0; i < o->n_aaaa; i++)
		memcpy(aaaa + i * 16, o->aaaa[i].b, 16);
	*e = (struct edge){ .name = arena_strdup(&s->mem, o->name),
		.origin = (uint16_t)(o->role_of ? o->role_of - 1u : (size_t)(e - s->edges)),
		.called = o->role_of ? s->edges[o->role_of - 1].name : NULL,
		.placed = o->placed,
		.lat = o->lat,
		.lon = o->lon,
		.a = a,
		.aaaa = aaaa,
		.n_a = (uint16_t)o->n_a,
		.n_aaaa = (uint16_t)o->n_aaaa,
		.first_address = s->n_addresses,
		.weight = (uint16_t)o->weight,
		.hash = group_hash((const uint8_t *)o->name, strlen(o->name)),
		.needs = arena_memdup(&s->mem, o->needs, o->n_needs * sizeof *o->needs),
		.n_needs = (unsigned)o->n_needs,
		.state = o->state,
		.capacity = o->capacity,
		.low = o->low,
		.high = o->high,
		.slow_start_ms = o->slow_start_ms,
		.ttl_most_s = UINT32_MAX };
	if (!o->role_of)
		e->called = e->name;
	if (o->flatten)
		fill_flat(s, e, o, found, before);
	if (o->cname && !o->n_a && !o->n_aaaa)
		fill_cname(s, e, o);
	fill_records(s, e, o);
	fill_points(s, e, o);
	s->n_addresses += e->n_slots;
	s->has_needs = s->has_needs || o->n_needs;
}

void steer_edges_fill(
	struct steer *s, const struct steer_opts *opts, const struct steer *before)
{
	s->edges = arena_zalloc(&s->mem, s->n_edges * sizeof *s->edges);
	find_types(s, opts);
	while (s->n_origins < s->n_edges && !opts->edges[s->n_origins].role_of)
		s->n_origins++;
	for (unsigned i = 0; i < s->n_edges; i++)
		fill_edge(s, &s->edges[i], &opts->edges[i], opts->flats && opts->flats[i].known ? &opts->flats[i] : NULL,
			before);
	find_places(s);
	find_asns(s);
}

/* --- roles -------------------------------------------------------------------------------- */

bool steer_edge_is(const struct steer *s, unsigned edge, const char *words)
{
	const struct edge *e = &s->edges[edge];

	return forced_matches(words, e->name) ||
		(e->origin != edge && forced_matches(words, e->called));
}

/* Is edge `i` of the pool a member of it, or of one of its priorities? */
static bool is_member(const struct steer *s, unsigned pool, unsigned i)
{
	const struct pool_tree *t = s->pools[pool].tree;

	if (!t || t->holders[i] == pool)
		return true;
	for (unsigned k = 0; k < t->n; k++)
		if (t->members[k].is_pool && t->members[k].number == t->holders[i])
			return s->pools[t->holders[i]].part;
	return false;
}

uint16_t steer_edge_in(const struct steer *s, unsigned pool, uint16_t edge)
{
	const struct pool *p = &s->pools[pool];
	uint16_t found = edge;
	bool itself = false;

	for (unsigned i = 0; i < p->n; i++) {
		if (p->edges[i] != edge && s->edges[p->edges[i]].origin == edge && is_member(s, pool, i))
			return p->edges[i];
		itself = itself || p->edges[i] == edge;
	}
	for (unsigned i = 0; p->tree && !itself && found == edge && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool)
			found = steer_edge_in(s, p->tree->members[i].number, edge);
	return found;
}

/* --- what they have ----------------------------------------------------------------------- */

uint32_t steer_can(const struct steer *s, uint16_t type)
{
	for (unsigned i = 0; i < s->n_record_types; i++)
		if (s->record_types[i] == type)
			return (uint32_t)CAN_FIRST_RECORD << i;
	return 0;
}

const struct edge_record *edge_records(const struct edge *e, uint16_t type, unsigned *n)
{
	unsigned first = 0;

	while (first < e->n_records && e->records[first].type != type)
		first++;
	for (*n = 0; first + *n < e->n_records && e->records[first + *n].type == type;)
		++*n;
	return e->records + first;
}

struct addr edge_address(const struct edge *e, unsigned k)
{
	struct addr a;

	if (k < e->n_a)
		return addr_from_v4(e->a + k * 4);
	memcpy(a.b, e->aaaa + (k - e->n_a) * 16, sizeof a.b);
	return a;
}
