#include "measure/client_map.h"

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

struct client_map {
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
	struct model_site *edges;
	unsigned n_edges;
};

/* --- own prefixes ------------------------------------------------------------------------- */

/* The rows that are cut out of the map, in the order of `own`. */
static uint32_t fresh_rows(struct client_map *m, const struct latency *table)
{
	const uint64_t most_s = (uint64_t)m->half_life_s * HALF_LIVES_MOST;
	size_t n;

	m->row = latency_sorted(table, m->now_s > most_s ? m->now_s - (uint32_t)most_s : 0, &n);
	return n < NETMAP_VALUE_MOST ? (uint32_t)n : NETMAP_VALUE_MOST - 1;
}

static uint64_t sign(const struct client_map *m, uint32_t n)
{
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };
	uint64_t sum = hash_mix(model_signature(m->model) ^ n, HASH_STEP);

	for (uint32_t i = 0; i < n; i++)
		sum = hash_mix(sum ^ hash_bytes(key, m->row[i]->net.addr.b, 16),
			m->row[i]->net.bits + key.k1);
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
	struct client_map *m;
	struct cut *c;
	const struct client_map *before; /* NULL: nothing to compare with */
	uint32_t room, *slot, slots;
	uint32_t places;
	uint32_t *plain; /* [places + 1] the key of a place with nothing else to it; 0: none yet
			  */
};

static uint32_t slot_of(const struct cutting *w, struct key k)
{
	const uint64_t h = hash_pair((uint64_t)k.place << 32 | k.asn, k.own);
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
	if (w->m->was)
		w->m->was = memory_grow(w->m->was, w->room * sizeof *w->m->was);
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
	const struct client_map *b, const struct addr *a, const struct prefix *own)
{
	const uint32_t key = netmap_find(client_map_netmap(b), a).value;

	if (key >= client_map_keys(b))
		return own ? CLIENT_MAP_NEW : 0;
	const uint32_t of = b->cut ? b->cut->key[key].own : 0;
	if (!own != !of || (own && !same_net(own, &b->cut->own[of - 1])))
		return CLIENT_MAP_NEW;
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
		w->m->was[c->n] = key_before(w->before, &a, k.own ? &c->own[k.own - 1] : NULL);
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
	if (!model_asn(w->m->model, k.place, k.asn))
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

static struct cut *cut_new(
	struct client_map *m, const struct client_map *before, uint32_t n_own)
{
	struct cut *c = memory_zeroed(1, sizeof *c);
	struct cutting w = { .m = m,
		.c = c,
		.before = before,
		.room = 1024,
		.places = places_count(m->atlas->cities.places) };

	c->refs = 1;
	keep_own(c, m->row, n_own);
	if (before)
		m->was = memory_zeroed(w.room, sizeof *m->was);
	c->key = memory_grow(NULL, w.room * sizeof *c->key);
	w.slots = w.room * 2;
	w.slot = memory_zeroed(w.slots, sizeof *w.slot);
	w.plain = memory_zeroed(w.places + 1, sizeof *w.plain);
	intern(&w, (struct key){ 0 }, NULL);
	struct netmap *own = own_map(c);
	struct netmap *const maps[] = { m->atlas->cities.map, m->atlas->asns.map, own };
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

/* --- the map ------------------------------------------------------------------------------ */

static bool is_empty(const struct latency *t)
{
	if (!t)
		return true;
	const struct latency_size size = latency_size(t);
	return size.cells == 0 && size.mesh_cells == 0;
}

/* Is `m` what would be built with nothing measured? */
static bool same_plain(const struct client_map *m, const struct model_opts *o)
{
	if (m->cut || m->atlas != o->atlas || m->n_edges != o->n_edges)
		return false;
	for (unsigned i = 0; i < m->n_edges; i++) {
		const struct model_site *a = &m->edges[i];
		const struct model_site *b = &o->edges[i];
		if (a->placed != b->placed ||
			(a->placed && (a->lat != b->lat || a->lon != b->lon)))
			return false;
	}
	return true;
}

static void make_cut(struct client_map *m, const struct client_map_opts *opts)
{
	const struct client_map *before = opts->before && opts->before->cut ? opts->before
									    : NULL;
	const uint32_t n_own = fresh_rows(m, opts->model.table);
	const uint64_t signature = sign(m, n_own);

	m->is_new = !before;
	if (before && before->atlas == m->atlas && before->cut->signature == signature &&
		before->cut->n_own == n_own) {
		m->cut = cut_hold(before->cut);
		return;
	}
	m->cut = cut_new(m, before, n_own);
	m->cut->signature = signature;
}

/* Ages make all estimates move, slowly. */
enum { WHOLE_SHARE = 16 }; /* of the half-life */

/* Can keys that have not changed be kept as they were? */
static bool keeps(const struct client_map *m, const struct client_map_opts *opts)
{
	const struct client_map *b = opts->before;

	return !m->is_new && b->atlas == m->atlas && b->half_life_s == m->half_life_s &&
		m->now_s - b->whole_at_s < m->half_life_s / WHOLE_SHARE &&
		!latency_is_later(latency_dropped(opts->model.table), b->round) &&
		model_follow(m->model, b->model);
}

struct client_map *client_map_new(const struct client_map_opts *opts)
{
	const struct model_opts *o = &opts->model;
	const bool empty = is_empty(o->table);

	if (empty && opts->before && same_plain(opts->before, o))
		return client_map_hold(opts->before);
	struct client_map *m = memory_zeroed(1, sizeof *m);
	m->refs = 1;
	m->atlas = atlas_hold(o->atlas);
	m->model = model_new(o);
	m->is_new = true;
	m->n_edges = (unsigned)o->n_edges;
	m->edges = memory_zeroed(m->n_edges, sizeof *m->edges);
	for (unsigned i = 0; i < m->n_edges; i++)
		m->edges[i] = o->edges[i];
	if (empty)
		return m;
	m->half_life_s = latency_options(o->table)->half_life_s;
	m->now_s = o->now_s;
	m->round = (uint16_t)(latency_round(o->table) - 1);
	make_cut(m, opts);
	m->partly = keeps(m, opts);
	m->since = m->partly ? opts->before->round : 0;
	m->whole_at_s = m->partly ? opts->before->whole_at_s : m->now_s;
	return m;
}

/* For a scope. */
static void let_go(void *m)
{
	client_map_drop(m);
}

struct client_map *client_map_hold(struct client_map *m)
{
	__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	scope_hold(m, let_go);
	return m;
}

void client_map_settle(struct client_map *m)
{
	memory_free(m->row);
	memory_free(m->was);
	m->row = NULL;
	m->was = NULL;
}

void client_map_drop(struct client_map *m)
{
	scope_forget(m, let_go);
	if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	client_map_settle(m);
	atlas_drop(m->atlas);
	model_drop(m->model);
	cut_drop(m->cut);
	memory_free(m->edges);
	memory_free(m);
}

bool client_map_is_measured(const struct client_map *m)
{
	return m->cut != NULL;
}

struct netmap *client_map_netmap(const struct client_map *m)
{
	return m->cut ? m->cut->map : m->atlas->cities.map;
}

uint32_t client_map_keys(const struct client_map *m)
{
	return m->cut ? m->cut->n : places_count(m->atlas->cities.places) + 1;
}

unsigned client_map_edges(const struct client_map *m)
{
	return m->n_edges;
}

struct atlas *client_map_atlas(const struct client_map *m)
{
	return m->atlas;
}

const struct model *client_map_model(const struct client_map *m)
{
	return m->model;
}

uint32_t client_map_was(const struct client_map *m, uint32_t key)
{
	return m->is_new ? (uint32_t)CLIENT_MAP_NEW : m->was ? m->was[key] : key;
}

/* --- estimates ---------------------------------------------------------------------------- */

/* The estimates of a key whose place has those of `base`. */
static void estimate_key(
	const struct client_map *m, const struct key *k, const float *base, float *ms)
{
	const struct latency_row *rows[ROWS_MOST];
	unsigned n = 0;

	memcpy(ms, base, m->n_edges * sizeof *ms);
	if (k->asn)
		model_add_asn(m->model, k->place, model_asn(m->model, k->place, k->asn), ms);
	for (uint32_t own = k->own; own && n < ROWS_MOST; own = m->cut->around[own - 1])
		rows[n++] = m->row[own - 1];
	if (n)
		model_own(&(struct model_own){ rows, n, m->half_life_s, m->now_s, m->model,
				  k->place },
			ms, m->n_edges);
}

/* Is there anything about a key that was not so before? */
static bool is_changed(const struct client_map *m, uint32_t id, const struct key *k)
{
	unsigned n = 0;

	if (!m->partly || client_map_was(m, id) == CLIENT_MAP_NEW ||
		model_is_changed(m->model, k->place, k->asn))
		return true;
	for (uint32_t own = k->own; own && n < ROWS_MOST; own = m->cut->around[own - 1], n++)
		if (latency_is_later(m->row[own - 1]->round, m->since))
			return true;
	return false;
}

/* Estimates of a place, for the keys in it. */
struct place_base {
	uint32_t place; /* CLIENT_MAP_NEW: none yet */
	bool whole;     /* of all edges: what a measured prefix adds is weighed over all of them */
	float *ms;
};

static void find_base(const struct client_map *m, const struct client_map_ask *ask,
	const struct key *k, struct place_base *base)
{
	const bool same = base->place == k->place;

	if (same && (base->whole || !k->own))
		return;
	base->place = k->place;
	base->whole = k->own != 0;
	if (base->whole)
		model_estimate(m->model, k->place, base->ms);
	else
		model_estimate_some(m->model, k->place, &ask->edges, base->ms);
}

void client_map_each(const struct client_map *m, const struct client_map_ask *ask,
	void (*each)(void *ctx, uint32_t key, const float *ms), void *ctx)
{
	struct place_base base = { CLIENT_MAP_NEW, false,
		memory_zeroed(m->n_edges, sizeof *base.ms) };
	float *ms = memory_zeroed(m->n_edges, sizeof *ms);

	for (uint32_t i = 1; i < client_map_keys(m); i++) {
		scope_check();
		const uint32_t id = m->cut ? m->cut->order[i - 1] : i;
		const struct key k = m->cut ? m->cut->key[id] : (struct key){ .place = i };
		if (ask->only && !ask->only(ask->only_ctx, id))
			continue;
		if (!ask->all && !ask->only && !is_changed(m, id, &k)) {
			each(ctx, id, NULL);
			continue;
		}
		find_base(m, ask, &k, &base);
		estimate_key(m, &k, base.ms, ms);
		each(ctx, id, ms);
	}
	memory_free(base.ms);
	memory_free(ms);
}

unsigned client_map_own_rows(const struct latency *table, const struct addr *a,
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
