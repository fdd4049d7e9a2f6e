#include "steer/ground.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"

#include <math.h>

enum { ROWS_MOST = 8 }; /* measured prefixes inside each other that are looked at */

/* A prefix that has not been measured for so many half-lives is no longer cut out of the map.
 */
enum { HALF_LIVES_MOST = 6 };

struct key {
	uint32_t place;
	uint32_t asn; /* index in the atlas's asns; 0: makes no difference here */
	uint32_t own; /* number of a measured prefix + 1; 0: none */
};

/* The part that stays as long as the same prefixes and ASNs are measured. */
struct cut {
	unsigned refs; /* atomic */
	uint64_t signature;
	struct netmap *map;
	struct key *key; /* [n] */
	uint32_t n;
	uint32_t *order;    /* [n - 1]: all keys but 0, by place */
	struct prefix *own; /* [n_own] ascending, a prefix before those inside it */
	uint32_t *around;   /* [n_own]: the one that holds it + 1 */
	uint32_t n_own;
};

struct ground {
	unsigned refs;       /* atomic */
	struct atlas *atlas; /* held */
	struct model *model; /* held */
	struct cut *cut;     /* NULL: nothing is measured */
	/* Until it is settled. */
	const struct latency_row **row; /* [n_own] */
	uint32_t *was;                  /* [n]; NULL: as it is, or nothing to compare with */
	bool is_new;                    /* there is nothing to compare with */
	bool partly;                    /* keys that have not changed are as in `before` */
	uint16_t since; /* rows that changed later than in this round have changed */
	unsigned half_life_s;
	uint32_t now_s;
	/* For the next: the last round that is in here, and when all keys were made anew. */
	uint16_t round;
	uint32_t whole_at_s;
	/* What an unmeasured one was made of. */
	struct place_of_edge {
		bool placed;
		double lat, lon;
	} * edges;
	unsigned n_edges;
};

/* --- own prefixes ------------------------------------------------------------------------- */

/* The rows that are cut out of the map, in the order of `own`. */
static uint32_t fresh_rows(struct ground *g, const struct latency *table)
{
	const uint64_t most_s = (uint64_t)g->half_life_s * HALF_LIVES_MOST;
	size_t n;

	g->row = latency_sorted(table, g->now_s > most_s ? g->now_s - (uint32_t)most_s : 0, &n);
	return n < NETMAP_VALUE_MOST ? (uint32_t)n : NETMAP_VALUE_MOST - 1;
}

static uint64_t sign(const struct ground *g, uint32_t n)
{
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };
	uint64_t sum = hash_mix(model_signature(g->model) ^ n, HASH_STEP);

	for (uint32_t i = 0; i < n; i++)
		sum = hash_mix(sum ^ hash_bytes(key, g->row[i]->net.addr.b, 16),
			g->row[i]->net.bits + key.k1);
	return sum;
}

/* Copies the prefixes and finds which lies in which. */
static void keep_own(struct cut *c, const struct latency_row *const *row, uint32_t n)
{
	uint32_t open[129];
	unsigned depth = 0;

	c->n_own = n;
	c->own = memory_zeroed(n, sizeof *c->own);
	c->around = memory_zeroed(n, sizeof *c->around);
	for (uint32_t i = 0; i < n; i++) {
		c->own[i] = row[i]->net;
		while (depth && !prefix_has(&c->own[open[depth - 1]], &c->own[i].addr))
			depth--;
		c->around[i] = depth ? open[depth - 1] + 1 : 0;
		open[depth++] = i;
	}
}

static struct netmap *own_map(const struct cut *c)
{
	struct netmap_net *nets = memory_zeroed(c->n_own, sizeof *nets);

	for (uint32_t i = 0; i < c->n_own; i++)
		nets[i] = (struct netmap_net){ c->own[i], i + 1 };
	struct netmap *map = netmap_from_nets(nets, c->n_own);
	memory_free(nets);
	return map;
}

/* --- keys --------------------------------------------------------------------------------- */

struct cutting {
	struct ground *g;
	struct cut *c;
	const struct ground *before; /* NULL: nothing to compare with */
	uint32_t room, *slot, slots;
	uint32_t places;
	uint32_t *plain; /* [places + 1] the key of a place with nothing else to it; 0: none yet
			  */
};

static uint32_t slot_of(const struct cutting *w, struct key k)
{
	const uint64_t h = hash_mix(
		(uint64_t)k.place << 32 | k.asn, k.own ^ 0x9e3779b97f4a7c15u);
	uint32_t i = (uint32_t)(h >> 20) & (w->slots - 1);

	for (; w->slot[i]; i = (i + 1) & (w->slots - 1)) {
		const struct key *o = &w->c->key[w->slot[i] - 1];
		if (o->place == k.place && o->asn == k.asn && o->own == k.own)
			break;
	}
	return i;
}

static void grow(struct cutting *w)
{
	struct cut *c = w->c;

	w->room *= 2;
	c->key = memory_grow(c->key, w->room * sizeof *c->key);
	if (w->g->was)
		w->g->was = memory_grow(w->g->was, w->room * sizeof *w->g->was);
	memory_free(w->slot);
	w->slots = w->room * 2;
	w->slot = memory_zeroed(w->slots, sizeof *w->slot);
	for (uint32_t i = 0; i < c->n; i++)
		w->slot[slot_of(w, c->key[i])] = i + 1;
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

/* Which key an address had before, unless it was in another measured prefix, or in none, where
 * it is in one now: what was chosen then was chosen from less. */
static uint32_t key_before(
	const struct ground *b, const struct addr *a, const struct prefix *own)
{
	const uint32_t key = netmap_find(ground_map(b), a).value;

	if (key >= ground_keys(b))
		return own ? GROUND_NEW : 0;
	const uint32_t of = b->cut ? b->cut->key[key].own : 0;
	if (!own != !of || (own && !same_net(own, &b->cut->own[of - 1])))
		return GROUND_NEW;
	return key;
}

static uint32_t intern(struct cutting *w, struct key k, const struct netmap_piece *piece)
{
	struct cut *c = w->c;
	uint32_t i = slot_of(w, k);

	if (w->slot[i])
		return w->slot[i] - 1;
	if (c->n == NETMAP_VALUE_MOST)
		return 0;
	if (c->n == w->room) {
		grow(w);
		i = slot_of(w, k);
	}
	if (w->before && piece) {
		const struct addr a = netmap_piece_addr(piece);
		w->g->was[c->n] = key_before(w->before, &a, k.own ? &c->own[k.own - 1] : NULL);
	}
	c->key[c->n] = k;
	w->slot[i] = ++c->n;
	return c->n - 1;
}

static uint32_t cut_piece(void *ctx, const struct netmap_piece *piece)
{
	struct cutting *w = ctx;
	struct key k = { piece->values[0], piece->values[1], piece->values[2] };

	if (k.place > w->places) {
		if (!k.own)
			return k.place; /* special */
		k.place = 0;
	}
	if (!model_asn(w->g->model, k.place, k.asn))
		k.asn = 0;
	if (k.asn || k.own)
		return intern(w, k, piece);
	/* Most ranges: no need to search. */
	if (!w->plain[k.place])
		w->plain[k.place] = intern(w, k, piece);
	return w->plain[k.place];
}

/* All keys but 0, by place: a counting sort. */
static void sort_keys(struct cut *c, uint32_t places)
{
	uint32_t *at = memory_zeroed(places + 2, sizeof *at);

	for (uint32_t i = 1; i < c->n; i++)
		at[c->key[i].place + 1]++;
	for (uint32_t i = 0; i <= places; i++)
		at[i + 1] += at[i];
	c->order = memory_zeroed(c->n, sizeof *c->order);
	for (uint32_t i = 1; i < c->n; i++)
		c->order[at[c->key[i].place]++] = i;
	memory_free(at);
}

static struct cut *cut_new(struct ground *g, const struct ground *before, uint32_t n_own)
{
	struct cut *c = memory_zeroed(1, sizeof *c);
	struct cutting w = { .g = g,
		.c = c,
		.before = before,
		.room = 1024,
		.places = places_count(g->atlas->cities.places) };

	c->refs = 1;
	keep_own(c, g->row, n_own);
	if (before)
		g->was = memory_zeroed(w.room, sizeof *g->was);
	c->key = memory_grow(NULL, w.room * sizeof *c->key);
	w.slots = w.room * 2;
	w.slot = memory_zeroed(w.slots, sizeof *w.slot);
	w.plain = memory_zeroed(w.places + 1, sizeof *w.plain);
	intern(&w, (struct key){ 0 }, NULL);
	struct netmap *own = own_map(c);
	struct netmap *const maps[] = { g->atlas->cities.map, g->atlas->asns.map, own };
	c->map = netmap_overlay(maps, 3, cut_piece, &w);
	netmap_drop(own);
	memory_free(w.slot);
	memory_free(w.plain);
	c->key = memory_grow(c->key, c->n * sizeof *c->key);
	sort_keys(c, w.places);
	return c;
}

static void cut_drop(struct cut *c);

/* For a scope. */
static void let_go_cut(void *c)
{
	cut_drop(c);
}

static struct cut *cut_hold(struct cut *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	scope_hold(c, let_go_cut);
	return c;
}

static void cut_drop(struct cut *c)
{
	scope_forget(c, let_go_cut);
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	netmap_drop(c->map);
	memory_free(c->key);
	memory_free(c->order);
	memory_free(c->own);
	memory_free(c->around);
	memory_free(c);
}

/* --- the ground --------------------------------------------------------------------------- */

static bool is_empty(const struct latency *t)
{
	if (!t)
		return true;
	const struct latency_size size = latency_size(t);
	return size.cells == 0 && size.mesh_cells == 0;
}

/* Is `g` what would be built with nothing measured? */
static bool same_plain(const struct ground *g, const struct model_opts *o)
{
	if (g->cut || g->atlas != o->atlas || g->n_edges != o->n_edges)
		return false;
	for (unsigned i = 0; i < g->n_edges; i++) {
		const struct place_of_edge *a = &g->edges[i];
		const struct edge_opts *b = &o->edges[i];
		if (a->placed != b->placed ||
			(a->placed && (a->lat != b->lat || a->lon != b->lon)))
			return false;
	}
	return true;
}

static void make_cut(struct ground *g, const struct ground_opts *opts)
{
	const struct ground *before = opts->before && opts->before->cut ? opts->before : NULL;
	const uint32_t n_own = fresh_rows(g, opts->model.table);
	const uint64_t signature = sign(g, n_own);

	g->is_new = !before;
	if (before && before->atlas == g->atlas && before->cut->signature == signature &&
		before->cut->n_own == n_own) {
		g->cut = cut_hold(before->cut);
		return;
	}
	g->cut = cut_new(g, before, n_own);
	g->cut->signature = signature;
}

/* Ages make all estimates move, slowly. */
enum { WHOLE_SHARE = 16 }; /* of the half-life */

/* Can keys that have not changed be kept as they were? */
static bool keeps(const struct ground *g, const struct ground_opts *opts)
{
	const struct ground *b = opts->before;

	return !g->is_new && b->atlas == g->atlas && b->half_life_s == g->half_life_s &&
		g->now_s - b->whole_at_s < g->half_life_s / WHOLE_SHARE &&
		!latency_is_later(latency_dropped(opts->model.table), b->round) &&
		model_follow(g->model, b->model);
}

struct ground *ground_new(const struct ground_opts *opts)
{
	const struct model_opts *o = &opts->model;
	const bool empty = is_empty(o->table);

	if (empty && opts->before && same_plain(opts->before, o))
		return ground_hold(opts->before);
	struct ground *g = memory_zeroed(1, sizeof *g);
	g->refs = 1;
	g->atlas = atlas_hold(o->atlas);
	g->model = model_new(o);
	g->is_new = true;
	g->n_edges = (unsigned)o->n_edges;
	g->edges = memory_zeroed(g->n_edges, sizeof *g->edges);
	for (unsigned i = 0; i < g->n_edges; i++)
		g->edges[i] = (struct place_of_edge){ o->edges[i].placed, o->edges[i].lat,
			o->edges[i].lon };
	if (empty)
		return g;
	g->half_life_s = latency_options(o->table)->half_life_s;
	g->now_s = o->now_s;
	g->round = (uint16_t)(latency_round(o->table) - 1);
	make_cut(g, opts);
	g->partly = keeps(g, opts);
	g->since = g->partly ? opts->before->round : 0;
	g->whole_at_s = g->partly ? opts->before->whole_at_s : g->now_s;
	return g;
}

/* For a scope. */
static void let_go(void *g)
{
	ground_drop(g);
}

struct ground *ground_hold(struct ground *g)
{
	__atomic_add_fetch(&g->refs, 1, __ATOMIC_RELAXED);
	scope_hold(g, let_go);
	return g;
}

void ground_settle(struct ground *g)
{
	memory_free(g->row);
	memory_free(g->was);
	g->row = NULL;
	g->was = NULL;
}

void ground_drop(struct ground *g)
{
	scope_forget(g, let_go);
	if (!g || __atomic_sub_fetch(&g->refs, 1, __ATOMIC_ACQ_REL))
		return;
	ground_settle(g);
	atlas_drop(g->atlas);
	model_drop(g->model);
	cut_drop(g->cut);
	memory_free(g->edges);
	memory_free(g);
}

bool ground_is_measured(const struct ground *g)
{
	return g->cut != NULL;
}

struct netmap *ground_map(const struct ground *g)
{
	return g->cut ? g->cut->map : g->atlas->cities.map;
}

uint32_t ground_keys(const struct ground *g)
{
	return g->cut ? g->cut->n : places_count(g->atlas->cities.places) + 1;
}

struct atlas *ground_atlas(const struct ground *g)
{
	return g->atlas;
}

const struct model *ground_model(const struct ground *g)
{
	return g->model;
}

uint32_t ground_was(const struct ground *g, uint32_t key)
{
	return g->is_new ? (uint32_t)GROUND_NEW : g->was ? g->was[key] : key;
}

/* --- estimates ---------------------------------------------------------------------------- */

/* The estimates of a key whose place has those of `base`. */
static void estimate_key(
	const struct ground *g, const struct key *k, const float *base, float *ms)
{
	const struct latency_row *rows[ROWS_MOST];
	unsigned n = 0;

	memcpy(ms, base, g->n_edges * sizeof *ms);
	if (k->asn)
		model_add_asn(g->model, model_asn(g->model, k->place, k->asn), ms);
	for (uint32_t own = k->own; own && n < ROWS_MOST; own = g->cut->around[own - 1])
		rows[n++] = g->row[own - 1];
	if (n)
		model_own(&(struct model_own){ rows, n, g->half_life_s, g->now_s }, ms,
			g->n_edges);
}

/* Is there anything about a key that was not so before? */
static bool is_changed(const struct ground *g, uint32_t id, const struct key *k)
{
	unsigned n = 0;

	if (!g->partly || ground_was(g, id) == GROUND_NEW ||
		model_is_changed(g->model, k->place, k->asn))
		return true;
	for (uint32_t own = k->own; own && n < ROWS_MOST; own = g->cut->around[own - 1], n++)
		if (latency_is_later(g->row[own - 1]->round, g->since))
			return true;
	return false;
}

void ground_each(const struct ground *g, bool all,
	void (*each)(void *ctx, uint32_t key, const float *ms), void *ctx)
{
	float *base = memory_zeroed(g->n_edges, sizeof *base),
	      *ms = memory_zeroed(g->n_edges, sizeof *ms);
	uint32_t place = GROUND_NEW; /* that `base` is of */

	for (uint32_t i = 1; i < ground_keys(g); i++) {
		const uint32_t id = g->cut ? g->cut->order[i - 1] : i;
		const struct key k = g->cut ? g->cut->key[id] : (struct key){ .place = i };
		if (!all && !is_changed(g, id, &k)) {
			each(ctx, id, NULL);
			continue;
		}
		if (k.place != place)
			model_estimate(g->model, k.place, base);
		place = k.place;
		estimate_key(g, &k, base, ms);
		each(ctx, id, ms);
	}
	memory_free(base);
	memory_free(ms);
}

unsigned ground_own_rows(const struct latency *table, const struct addr *a,
	const struct latency_row **rows, unsigned most)
{
	unsigned n = 0, bits = 129;
	const struct latency_row *r;

	while (n < most && (r = latency_around(table, a, bits))) {
		rows[n++] = r;
		bits = r->net.bits;
	}
	return n;
}
