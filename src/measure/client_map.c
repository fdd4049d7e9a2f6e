#include "measure/client_map_inner.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"

#include <math.h>

/* A prefix that has not been measured for so many half-lives is no longer cut out of the map.
 */
enum { HALF_LIVES_MOST = 6 };

/* --- own prefixes ------------------------------------------------------------------------- */

/* Of all kinds, in the order of latency_sorted(). */
static int compare_nets(const struct prefix *a, const struct prefix *b)
{
	const int c = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);

	return c ? c : (int)a->bits - (int)b->bits;
}

/* The next of the rows of each kind: those of the first prefix that is left. False: none is. */
static bool next_rows(const struct latency_row *const *const of[LATENCY_KINDS], const size_t n[LATENCY_KINDS],
	size_t at[LATENCY_KINDS], const struct latency_row *to[LATENCY_KINDS])
{
	const struct prefix *first = NULL;

	for (unsigned k = 0; k < LATENCY_KINDS; k++)
		if (at[k] < n[k] && (!first || compare_nets(&of[k][at[k]]->net, first) < 0))
			first = &of[k][at[k]]->net;
	for (unsigned k = 0; k < LATENCY_KINDS; k++)
		to[k] = first && at[k] < n[k] && compare_nets(&of[k][at[k]]->net, first) == 0 ? of[k][at[k]++] : NULL;
	return first;
}

/* The rows that are cut out of the map, in the order of `own`. */
static uint32_t fresh_rows(struct client_map *m, const struct latency *table)
{
	const uint64_t most_s = (uint64_t)m->half_life_s * HALF_LIVES_MOST;
	const uint32_t since_s = m->now_s > most_s ? m->now_s - (uint32_t)most_s : 0;
	const struct latency_row **of[LATENCY_KINDS], *to[LATENCY_KINDS];
	size_t n[LATENCY_KINDS], at[LATENCY_KINDS] = { 0 }, all = 0, k = 0;

	for (unsigned i = 0; i < LATENCY_KINDS; i++) {
		of[i] = latency_sorted(latency_kind_of(table, i), since_s, &n[i]);
		all += n[i];
	}
	all = all < NETMAP_VALUE_MOST ? all : NETMAP_VALUE_MOST - 1;
	m->row = memory_zeroed(all * LATENCY_KINDS + 1, sizeof *m->row);
	for (; k < all && next_rows((const struct latency_row *const *const *)of, n, at, to); k++)
		memcpy(m->row + k * LATENCY_KINDS, to, sizeof to);
	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		memory_free(of[i]);
	return (uint32_t)k;
}

/* The prefix of own rows number `i`. */
static const struct prefix *net_of(const struct client_map *m, uint32_t i)
{
	const struct latency_row *const *row = m->row + (size_t)i * LATENCY_KINDS;

	while (!*row)
		row++;
	return &(*row)->net;
}

static uint64_t sign(const struct client_map *m, const struct resolver_clients *r, uint32_t n)
{
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };
	uint64_t sum = hash_mix(model_signature(m->model) ^ n, HASH_STEP);

	for (uint32_t i = 0; i < n; i++)
		sum = hash_mix(sum ^ hash_bytes(key, net_of(m, i)->addr.b, 16),
			net_of(m, i)->bits + key.k1);
	return r ? hash_mix(sum ^ r->signature, HASH_STEP) : sum;
}

/* Copies the prefixes and finds which lies in which. */
static void keep_own(struct client_cut *c, const struct client_map *m, uint32_t n)
{
	uint32_t open[129];
	unsigned depth = 0;

	c->n_own = n;
	c->own = memory_zeroed(n, sizeof *c->own);
	c->around = memory_zeroed(n, sizeof *c->around);
	for (uint32_t i = 0; i < n; i++) {
		c->own[i] = *net_of(m, i);
		while (depth && !prefix_has(&c->own[open[depth - 1]], &c->own[i].addr))
			depth--;
		c->around[i] = depth ? open[depth - 1] + 1 : 0;
		open[depth++] = i;
	}
}

static struct netmap *own_map(const struct client_cut *c)
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
	struct client_cut *c;
	const struct client_map *before; /* NULL: nothing to compare with */
	uint32_t room, *slot, slots;
	uint32_t places;
	uint32_t *plain; /* [places + 1] the key of a place with nothing else to it; 0: none yet
			  */
};

static uint32_t slot_of(const struct cutting *w, struct client_key k)
{
	const uint64_t h = hash_pair((uint64_t)k.place << 32 | k.asn, (uint64_t)k.mix << 32 | k.own);
	uint32_t i = (uint32_t)(h >> 20) & (w->slots - 1);

	for (; w->slot[i]; i = (i + 1) & (w->slots - 1)) {
		const struct client_key *o = &w->c->key[w->slot[i] - 1];
		if (o->place == k.place && o->asn == k.asn && o->own == k.own && o->mix == k.mix)
			break;
	}
	return i;
}

static void grow(struct cutting *w)
{
	struct client_cut *c = w->c;

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
 * it is in one now: what was chosen then was chosen from less. The same of resolvers. */
static uint32_t key_before(const struct cutting *w, const struct addr *a, const struct client_key *k)
{
	const struct client_map *b = w->before;
	const struct prefix *own = k->own ? &w->c->own[k->own - 1] : NULL;
	const uint32_t key = netmap_find(client_map_netmap(b), a).value;

	if (key >= client_map_keys(b))
		return own || k->mix ? CLIENT_MAP_NEW : 0;
	const uint32_t of = b->cut ? b->cut->key[key].own : 0,
		       mix = b->cut ? b->cut->key[key].mix : 0;
	if (mix != k->mix || (mix && b->cut->mix.signature != w->c->mix.signature))
		return CLIENT_MAP_NEW;
	if (!own != !of || (own && !same_net(own, &b->cut->own[of - 1])))
		return CLIENT_MAP_NEW;
	return key;
}

static uint32_t intern(struct cutting *w, struct client_key k, const struct netmap_piece *piece)
{
	struct client_cut *c = w->c;
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
		w->m->was[c->n] = key_before(w, &a, &k);
	}
	c->key[c->n] = k;
	w->slot[i] = ++c->n;
	return c->n - 1;
}

static uint32_t cut_piece(void *ctx, const struct netmap_piece *piece)
{
	struct cutting *w = ctx;
	struct client_key k = { piece->values[0], piece->values[1], piece->values[2], piece->values[3] };

	if (k.place > w->places) {
		if (!k.own && !k.mix)
			return k.place; /* special */
		k.place = 0;
	}
	if (!model_asn(w->m->model, k.place, k.asn))
		k.asn = 0;
	if (k.asn || k.own || k.mix)
		return intern(w, k, piece);
	/* Most ranges: no need to search. */
	if (!w->plain[k.place])
		w->plain[k.place] = intern(w, k, piece);
	return w->plain[k.place];
}

/* All keys but 0, by place: a counting sort. */
static void sort_keys(struct client_cut *c, uint32_t places)
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

static struct client_cut *cut_new(struct client_map *m, const struct client_map *before,
	const struct resolver_clients *resolvers, uint32_t n_own)
{
	struct client_cut *c = memory_zeroed(1, sizeof *c);
	struct cutting w = { .m = m,
		.c = c,
		.before = before,
		.room = 1024,
		.places = places_count(m->atlas->cities.places) };

	c->refs = 1;
	keep_own(c, m, n_own);
	c->mix.signature = resolvers ? resolvers->signature : 0;
	if (before)
		m->was = memory_zeroed(w.room, sizeof *m->was);
	c->key = memory_grow(NULL, w.room * sizeof *c->key);
	w.slots = w.room * 2;
	w.slot = memory_zeroed(w.slots, sizeof *w.slot);
	w.plain = memory_zeroed(w.places + 1, sizeof *w.plain);
	intern(&w, (struct client_key){ 0 }, NULL);
	struct netmap *own = own_map(c);
	struct netmap *const maps[NETMAP_OVERLAY_MOST] = { m->atlas->cities.map,
		m->atlas->asns.map, own, resolvers ? resolvers->map : NULL };
	c->map = netmap_overlay(maps, resolvers ? 4 : 3, cut_piece, &w);
	netmap_drop(own);
	client_mix_init(&c->mix, resolvers, c->map, c->n);
	memory_free(w.slot);
	memory_free(w.plain);
	c->key = memory_grow(c->key, c->n * sizeof *c->key);
	sort_keys(c, w.places);
	return c;
}

static void cut_drop(struct client_cut *c);

/* For a scope. */
static void let_go_cut(void *c)
{
	cut_drop(c);
}

static struct client_cut *cut_hold(struct client_cut *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	scope_hold(c, let_go_cut);
	return c;
}

static void cut_drop(struct client_cut *c)
{
	scope_forget(c, let_go_cut);
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	netmap_drop(c->map);
	memory_free(c->key);
	memory_free(c->order);
	memory_free(c->own);
	memory_free(c->around);
	client_mix_fini(&c->mix);
	memory_free(c);
}

/* --- the map ------------------------------------------------------------------------------ */

static bool is_empty(const struct latency *t)
{
	if (!t)
		return true;
	const struct latency_size size = latency_size(t);
	size_t cells = size.mesh_cells;
	for (unsigned i = 0; i < LATENCY_KINDS; i++)
		cells += size.kinds[i];
	return cells == 0 && !latency_resolvers(t);
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
	const struct resolver_clients *resolvers = latency_resolvers(opts->model.table);
	const uint32_t n_own = fresh_rows(m, opts->model.table);
	const uint64_t signature = sign(m, resolvers, n_own);

	m->is_new = !before;
	if (before && before->atlas == m->atlas && before->cut->signature == signature &&
		before->cut->n_own == n_own) {
		m->cut = cut_hold(before->cut);
		return;
	}
	m->cut = cut_new(m, before, resolvers, n_own);
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
	for (unsigned i = 0; m->n_edges && m->cut->mix.n && i < LATENCY_KINDS; i++)
		if (i == LATENCY_RTT || opts->kinds[i])
			client_map_mix(m, i);
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
	for (unsigned i = 0; i < LATENCY_KINDS; i++) {
		memory_free(m->mixed[i]);
		m->mixed[i] = NULL;
	}
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
