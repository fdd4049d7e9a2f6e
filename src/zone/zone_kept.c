#include "zone/zone_kept.h"

#include "base/kept.h"
#include "base/memory.h"
#include "base/scope.h"
#include "zone/denial.h"
#include "zone/image_index.h"

#include <stdlib.h>
#include <string.h>

/* Another form of the image, of what is here, or of what a zone may have is another kind. */
#define KIND "zone 1"
#define KIND_SIGNED "signed zone 1"

enum { SOURCES_MOST = 1 << 16, SMALL_MOST = 1 << 20 };

/* In front; counts and offsets as struct zone and struct denial have them. */
struct kept_zone {
	uint32_t image_len, image_end, nodes, records, serial, apex_node, soa_negative, n_sources, n_doubts;
	uint16_t pools_n;
	bool edge_named, edge_beside, chain;
	int64_t signatures_end_s, signatures_soon_s;
	/* The chain's. */
	bool nsec3, mixed;
	struct nsec3_params params;
	uint32_t links;
	unsigned shift;
};

/* Stamps without what padding holds. */
struct kept_stamp {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
};

/* Entries of its table of places. */
static size_t count_first(unsigned shift)
{
	return ((size_t)1 << (64 - shift)) + 1;
}

/* --- writing ------------------------------------------------------------------------------ */

bool zone_kept_suits(const struct load *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->sources[i].stamp.fresh)
			return false;
	return l->n && l->n < SOURCES_MOST && !l->listed && zone_is_ready(l->zone);
}

static struct kept_stamp stamp_of(const struct load_source *s)
{
	return (struct kept_stamp){ s->stamp.device, s->stamp.inode, s->stamp.size, s->stamp.mtime_ns, s->stamp.ctime_ns };
}

/* Its id, NUL; then each file's path, NUL, and stamp. */
static void put_sources(const struct load *l, struct text *to)
{
	text_add_bytes(to, (const char *)zone_id(l->zone), name_len(view_apex(zone_id(l->zone))) + l->zone->view_len);
	text_add_bytes(to, "", 1);
	for (size_t i = 0; i < l->n; i++) {
		const struct kept_stamp stamp = stamp_of(&l->sources[i]);
		text_add_bytes(to, l->sources[i].path, strlen(l->sources[i].path) + 1);
		text_add_bytes(to, (const char *)&stamp, sizeof stamp);
	}
}

/* Each with its NUL. */
static void put_pools(const struct zone *z, struct text *to)
{
	for (unsigned i = 0; i < z->pools_n; i++)
		text_add_bytes(to, z->pools[i], strlen(z->pools[i]) + 1);
}

static void put_chain(struct kept_out *o, const struct denial *d)
{
	kept_put(o, d->owner, d->n * sizeof *d->owner);
	if (d->nsec3)
		kept_put(o, d->hash, d->n * sizeof *d->hash);
	else
		kept_put(o, d->key, d->n * sizeof *d->key);
	kept_put(o, d->first, count_first(d->shift) * sizeof *d->first);
}

static void fill_head(struct kept_zone *h, const struct load *l)
{
	const struct zone *z = l->zone;

	memset(h, 0, sizeof *h); /* padding is written, too */
	h->image_len = z->image_len;
	h->image_end = z->image_end;
	h->nodes = z->nodes;
	h->records = z->records;
	h->serial = z->serial;
	h->apex_node = (uint32_t)((const uint8_t *)z->apex_node - z->image);
	h->soa_negative = (uint32_t)((const uint8_t *)z->soa_negative - z->image);
	h->n_sources = (uint32_t)l->n;
	h->n_doubts = l->n_doubts;
	h->pools_n = z->pools_n;
	h->edge_named = z->edge_named;
	h->edge_beside = z->edge_beside;
	h->chain = z->denial != NULL;
	h->signatures_end_s = z->signatures_end_s;
	h->signatures_soon_s = z->signatures_soon_s;
	if (!z->denial)
		return;
	h->nsec3 = z->denial->nsec3;
	h->mixed = z->denial->mixed;
	h->params = z->denial->params;
	h->links = z->denial->n;
	h->shift = z->denial->shift;
}

bool zone_kept_write(const char *path, const struct load *l, const struct zone_kept_signed *s, struct fault *why)
{
	struct text sources = { 0 }, pools = { 0 };
	struct kept_zone head;
	struct kept_out o;

	put_sources(l, &sources);
	put_pools(l->zone, &pools);
	bool ok = !sources.lost && !pools.lost && kept_create(&o, path, s ? KIND_SIGNED : KIND, why);
	if (ok) {
		fill_head(&head, l);
		kept_put(&o, text_get(&sources), sources.len);
		if (s)
			kept_put(&o, s, sizeof *s);
		kept_put(&o, &head, sizeof head);
		kept_put(&o, text_get(&pools), pools.len);
		kept_put(&o, l->doubts ? l->doubts : "", l->doubts ? strlen(l->doubts) : 0);
		if (head.chain)
			put_chain(&o, l->zone->denial);
		kept_put(&o, l->zone->image, l->zone->image_len);
		ok = kept_done(&o, why);
	}
	text_fini(&sources);
	text_fini(&pools);
	return ok;
}

/* --- reading ------------------------------------------------------------------------------ */

/* The next part, of at most that length, with a NUL behind it. The caller's, malloc()'s; NULL: it is not there. */
static char *get_text(struct kept_in *in, size_t most, size_t *len)
{
	*len = kept_next(in);
	char *p = *len <= most ? malloc(*len + 1) : NULL;

	if (p && kept_get(in, p, *len)) {
		p[*len] = 0;
		return p;
	}
	free(p);
	return NULL;
}

static void *get_array(struct kept_in *in, size_t len)
{
	void *p = len == kept_next(in) ? malloc(len ? len : 1) : NULL;

	memory_huge(p, len);
	if (p && kept_get(in, p, len))
		return p;
	free(p);
	return NULL;
}

bool zone_kept_is(const char *path, const struct load *l, struct zone_kept_signed *of)
{
	struct text want = { 0 };
	struct kept_in in;
	size_t len;

	if (!kept_open(&in, path, of ? KIND_SIGNED : KIND))
		return false;
	put_sources(l, &want);
	char *is = get_text(&in, SIZE_MAX - 1, &len);
	const bool same = is && len == want.len && memcmp(is, text_get(&want), len) == 0 && (!of || kept_get(&in, of, sizeof *of));
	free(is);
	text_fini(&want);
	kept_close(&in);
	return same;
}

/* Are they what is there now? Then they are `to`'s. */
static bool take_sources(struct load *to, const char *p, size_t len, const uint8_t *origin, const char *file, uint32_t n)
{
	const size_t id = name_len(view_apex(origin)) + (size_t)(view_apex(origin) - origin);
	const char *at = p + id + 1, *end = p + len;

	if (len < id + 1 || memcmp(p, origin, id) != 0 || !n || n >= SOURCES_MOST || strcmp(at, file) != 0)
		return false;
	to->sources = memory_zeroed(1, n * sizeof *to->sources + len);
	char *room = (char *)(to->sources + n);
	for (; to->n < n; to->n++) {
		struct load_source *s = &to->sources[to->n];
		struct kept_stamp was;
		const size_t path = at < end ? strlen(at) + 1 : 0;
		if (!path || (size_t)(end - at) < path + sizeof was || !file_stamp(at, &s->stamp))
			return false;
		s->path = memcpy(room, at, path);
		room += path;
		memcpy(&was, at + path, sizeof was);
		const struct kept_stamp is = stamp_of(s);
		at += path + sizeof was;
		if (s->stamp.fresh || memcmp(&is, &was, sizeof is) != 0) {
			to->n++;
			return false;
		}
	}
	return at == end;
}

static bool take_pools(struct zone *z, const char *p, size_t len, unsigned n)
{
	const char *end = p + len;

	z->pools = calloc(n + 1u, sizeof *z->pools);
	for (; z->pools && z->pools_n < n && p < end; z->pools_n++, p += strlen(p) + 1)
		if (!(z->pools[z->pools_n] = strdup(p)))
			return false;
	return z->pools && z->pools_n == n && p == end;
}

static bool get_chain(struct kept_in *in, const struct kept_zone *h, struct zone *z)
{
	struct denial *d = z->denial = calloc(1, sizeof *d);

	if (!d || h->shift < 32 || h->shift > 63)
		return false;
	d->nsec3 = h->nsec3;
	d->mixed = h->mixed;
	d->params = h->params;
	d->n = h->links;
	d->shift = h->shift;
	d->owner = get_array(in, d->n * sizeof *d->owner);
	if (d->nsec3)
		d->hash = get_array(in, d->n * sizeof *d->hash);
	else
		d->key = get_array(in, d->n * sizeof *d->key);
	d->first = get_array(in, count_first(d->shift) * sizeof *d->first);
	return d->owner && (d->nsec3 ? (void *)d->hash : (void *)d->key) && d->first;
}

static bool get_image(struct kept_in *in, const struct kept_zone *h, struct zone *z)
{
	if (h->image_end > h->image_len || h->apex_node >= h->image_end || h->soa_negative >= h->image_len)
		return false;
	z->image = get_array(in, h->image_len);
	z->image_len = h->image_len;
	z->image_end = h->image_end;
	z->nodes = h->nodes;
	z->records = h->records;
	z->serial = h->serial;
	z->edge_named = h->edge_named;
	z->edge_beside = h->edge_beside;
	z->signatures_end_s = h->signatures_end_s;
	z->signatures_soon_s = h->signatures_soon_s;
	if (!z->image || !kept_ended(in))
		return false;
	z->apex_node = zone_node_at(z, h->apex_node);
	z->soa_negative = zone_rrset_at(z, h->soa_negative);
	return true;
}

/* What is read until it is a zone. */
struct getting {
	char *sources, *pools, *doubts;
};

/* For a scope. */
static void let_go(void *getting)
{
	struct getting *g = getting;

	free(g->sources);
	free(g->pools);
	free(g->doubts);
}

static bool get_zone(struct kept_in *in, struct getting *g, struct load *to, const struct zone_kept_from *from, struct hash_key key)
{
	struct kept_zone h;
	size_t len, pools_len = 0, doubts_len;

	if (!(g->sources = get_text(in, SIZE_MAX - 1, &len)) || (from->s && !kept_get(in, from->s, sizeof *from->s)) || !kept_get(in, &h, sizeof h) ||
		!take_sources(to, g->sources, len, from->origin, from->file, h.n_sources) || !(g->pools = get_text(in, SMALL_MOST, &pools_len)) ||
		!(g->doubts = get_text(in, SMALL_MOST, &doubts_len)))
		return false;
	if (h.n_doubts)
		to->doubts = memory_strdup(g->doubts);
	to->n_doubts = h.n_doubts;
	struct zone *z = to->zone = zone_placeholder(key, from->origin);
	if (!take_pools(z, g->pools, pools_len, h.pools_n) || (h.chain && !get_chain(in, &h, z)) || !get_image(in, &h, z) || !image_index(z, key))
		return false;
	/* As zone_compile(): its first count is of the scope that may be on. */
	z->refs = 0;
	zone_hold(z);
	return true;
}

bool zone_kept_read(struct load *to, const struct zone_kept_from *from, struct hash_key key, struct faults *f)
{
	struct getting g = { .sources = NULL };
	struct kept_in in;

	*to = (struct load){ 0 };
	if (!kept_open(&in, from->path, from->s ? KIND_SIGNED : KIND))
		return false;
	scope_hold(&g, let_go);
	const bool ok = get_zone(&in, &g, to, from, key);
	scope_forget(&g, let_go);
	let_go(&g);
	if (in.bad)
		kept_close_harmed(&in, from->path);
	else
		kept_close(&in);
	if (!ok) {
		load_fini(to);
		return false;
	}
	text_add(&f->text, to->doubts ? to->doubts : "");
	f->warnings += to->n_doubts;
	return true;
}
