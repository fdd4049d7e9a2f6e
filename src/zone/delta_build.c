#include "zone/delta_build.h"

#include "dns/rrtype.h"
#include "zone/delta.h"
#include "zone/delta_work.h"
#include "zone/denial.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/order.h"

#include <stdlib.h>
#include <string.h>

/* Beside the image no more is looked at than TOO_MUCH, or a quarter of the zone; from LARGE on
 * the copying of the delta at each change costs more than a merge at times. */
enum { LARGE = 2048, LARGE_LEAST = 64, TOO_MUCH = 8192, COVERS = NODE_CUT | NODE_DNAME };
enum { OF_TYPES = NODE_CUT | NODE_DNAME | NODE_CNAME | NODE_EDGE };

bool delta_is_large(const struct zone *z)
{
	const uint32_t n = z->delta ? z->delta->n : 0;

	return n > LARGE || (n > LARGE_LEAST && n > z->base->nodes / 8);
}

/* --- what the touched names are after the change ------------------------------------------ */

/* Is the label right below the apex one that may own an NSEC3? */
static bool below_hash(const struct touched_name *name)
{
	const uint8_t *label = name->name, *top = label;
	uint8_t hash[NSEC3_HASH];

	for (; label < name->name + name->len; label += *label + 1u)
		top = label;
	return name->len && nsec3_label(hash, top);
}

/* Does the change touch a name as the owner of an NSEC3? `*both`: and there is
 * something else, or may be. */
static bool is_nsec3(
	const struct touched *t, size_t i, const struct zone_node *plain, bool *both)
{
	const struct touched_name *name = &t->name[i];
	const struct zone *z = t->z;
	unsigned of_chain = 0;

	if (!z->denial || !z->denial->nsec3)
		return false;
	for (uint32_t k = name->from; k < name->to; k++)
		of_chain += t->op[k].type == RRTYPE_NSEC3 ||
			(t->op[k].type == RRTYPE_RRSIG &&
				be16_get(t->op[k].rdata) == RRTYPE_NSEC3);
	if (of_chain ? plain || of_chain != name->to - name->from : below_hash(name))
		*both = true;
	return of_chain != 0;
}

/* A zone of the touched names alone: their nodes as they will be, checked as by any compiling.
 * NULL after a fault, or when it is `*odd`. */
static struct zone *compile_touched(
	struct touched *t, const struct compile_opts *opts, struct faults *f, bool *odd)
{
	struct compile_opts mine = *opts;
	struct zone *part = NULL;
	struct zone_name name;
	struct records r;
	bool ok = true;

	mine.before = NULL;
	mine.quiet = true;
	mine.pool_cname = NULL; /* asked when it is known what is hidden */
	records_init(&r, zone_id(t->z));
	for (size_t i = 0; ok && i < t->n; i++) {
		uint32_t group;
		zone_name_set(&name, opts->key, t->name[i].name);
		const struct zone_node *plain = zone_find_node(t->z, &name, 0);
		const bool nsec3 = is_nsec3(t, i, plain, odd);
		const struct zone_node *const was[2] = { plain,
			nsec3 ? denial_nsec3_at(t->z, t->name[i].name, t->name[i].len) : NULL };
		ok = !*odd && touched_put(t, i, was, &r, &group);
	}
	if (ok)
		part = zone_compile(&r, &mine, f);
	records_fini(&r);
	return part;
}

/* --- the names that may be different ------------------------------------------------------ */

enum own_kind { OWN_ABOVE, OWN_TOUCHED, OWN_NSEC3 };

static void add_own(struct delta_work *w, const struct zone_name *name, unsigned skip,
	uint32_t parent, enum own_kind kind)
{
	const struct zone *z = w->z;
	struct delta_own *own = &w->own[w->n_own];

	*own = (struct delta_own){ .name = name->wire + name->at[skip],
		.len = (uint8_t)(name->len - name->at[skip] - z->apex_len),
		.labels = (uint8_t)(name->labels - skip - z->apex_labels),
		.hash = name->hash[skip],
		.parent = parent,
		.touched = kind != OWN_ABOVE,
		.nsec3 = kind == OWN_NSEC3 };
	own->was = own->nsec3 ? denial_nsec3_at(z, own->name, own->len)
			      : zone_find_node(z, name, skip);
	own->now = own->was;
	if (own->touched) {
		own->now = own->nsec3 ? denial_nsec3_at(w->part, own->name, own->len)
				      : zone_find_node(w->part, name, skip);
		if (own->now && !own->now->rrsets)
			own->now = NULL;
	}
	own->at = delta_place(z, own);
	w->n_own++;
}

/* Of a name that the change touches: it touches an NSEC3 there. */
static bool touches_nsec3(const struct touched *t, size_t i)
{
	bool both;

	return is_nsec3(t, i, NULL, &both);
}

static bool is_own(const struct delta_own *own, const struct zone_name *name, unsigned skip,
	unsigned apex_len)
{
	const unsigned at = name->at[skip];

	return own->hash == name->hash[skip] && own->len == name->len - at - apex_len &&
		memcmp(own->name, name->wire + at, own->len) == 0;
}

/* All touched names and all names between them and the apex, in canonical order. */
static bool find_own(struct delta_work *w, const struct touched *t, struct hash_key key)
{
	uint32_t path[NAME_LABELS_MOST + 1] = { 0 };
	size_t most = 1;
	unsigned last = 0;

	for (size_t i = 0; i < t->n; i++)
		most += name_labels(t->name[i].name) - w->z->apex_labels;
	w->own = malloc((most + 1) * sizeof *w->own);
	if (!w->own)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		struct zone_name name;
		zone_name_set(&name, key, t->name[i].name);
		const unsigned labels = name.labels - w->z->apex_labels;
		unsigned d = 0;
		/* The names above the one in front that are above this, too. */
		while (w->n_own && d <= last && d <= labels &&
			is_own(&w->own[path[d]], &name, labels - d, w->z->apex_len))
			d++;
		for (; d <= labels; d++) {
			add_own(w, &name, labels - d, d ? path[d - 1] : 0,
				d != labels               ? OWN_ABOVE
					: touches_nsec3(t, i) ? OWN_NSEC3
							      : OWN_TOUCHED);
			path[d] = (uint32_t)w->n_own - 1;
		}
		last = labels;
	}
	return true;
}

/* --- which of them are there, and what they hide ------------------------------------------ */

/* Backwards: those below a name are known before it. */
static void find_existing(struct delta_work *w)
{
	for (size_t i = w->n; i--;) {
		struct delta_item *item = &w->item[i];
		struct delta_own *own = item->own;
		struct delta_next next;
		if (!own)
			continue;
		item->exists = own->len == 0 || (own->now && own->now->rrsets);
		if (!item->exists && !own->nsec3 && delta_work_next(w, i, &next))
			item->exists = delta_is_below(next.name, next.len, own->name, own->len);
		own->exists = item->exists;
	}
}

static void find_flags(struct delta_work *w)
{
	for (size_t i = 0; i < w->n_own; i++) {
		struct delta_own *own = &w->own[i];
		if (own->nsec3) {
			own->flags = NODE_NSEC3;
			continue;
		}
		if (!own->exists)
			continue;
		own->flags = own->was ? own->was->flags & NODE_WILDCARD : 0;
		own->flags |= own->now ? own->now->flags & OF_TYPES : 0;
		if (own->len && w->own[own->parent].flags & (COVERS | NODE_HIDDEN))
			own->flags |= NODE_HIDDEN;
	}
	for (size_t i = 0; i < w->n_own; i++) {
		const struct delta_own *own = &w->own[i];
		uint8_t *flags = &w->own[own->parent].flags;
		if (own->len && !own->nsec3 && name_is_wildcard(own->name))
			*flags = own->exists ? *flags | NODE_WILDCARD
					     : *flags & (uint8_t)~NODE_WILDCARD;
	}
	for (size_t i = 0; i < w->n; i++)
		if (w->item[i].own)
			w->item[i].flags = w->item[i].own->flags;
}

static bool covered(const struct delta_own *own)
{
	return own->was && own->was->flags & COVERS;
}

static bool covers(const struct delta_own *own)
{
	return own->exists && own->flags & COVERS;
}

/* What is below item `i` is hidden, or no more. False when it is too much. */
static bool hide_below(struct delta_work *w, size_t i, size_t *looked)
{
	const struct delta_own *top = w->item[i].own;
	const bool all = covers(top) || top->flags & NODE_HIDDEN;
	struct delta_next next;
	const uint8_t *cover = NULL;
	size_t cover_len = 0;

	for (bool more = delta_work_next(w, i, &next); more;
		more = delta_work_after(w, &next)) {
		if (!delta_is_below(next.name, next.len, top->name, top->len))
			return true;
		if (next.flags & NODE_NSEC3)
			continue;
		if (++*looked > TOO_MUCH)
			return false;
		if (cover && !delta_is_below(next.name, next.len, cover, cover_len))
			cover = NULL;
		const bool hidden = all || cover;
		if (!delta_work_hide(w, &next, hidden))
			return false;
		if (!cover && next.flags & COVERS) {
			cover = next.name;
			cover_len = next.len;
		}
	}
	return true;
}

/* Of names that hide what is below them now, or do no more, the topmost. */
static bool find_hidden(struct delta_work *w)
{
	const struct delta_own *last = NULL;
	size_t looked = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct delta_own *own = w->item[i].own;
		if (!own || covered(own) == covers(own) ||
			(last && delta_is_below(own->name, own->len, last->name, last->len)))
			continue;
		last = own;
		if (!hide_below(w, i, &looked))
			return false;
	}
	return true;
}

/* --- all together ------------------------------------------------------------------------- */

static enum delta_result no_memory(struct faults *f)
{
	faults_error(f, &(struct fault_at){ 0 }, "out of memory");
	return DELTA_FAULT;
}

static enum delta_result build(struct delta_work *w, const struct touched *t,
	const struct compile_opts *opts, struct faults *f)
{
	if (!find_own(w, t, opts->key) || !delta_work_merge(w))
		return no_memory(f);
	find_existing(w);
	find_flags(w);
	if (!find_hidden(w))
		return w->no_memory ? no_memory(f) : DELTA_TOO_MUCH;
	if (w->n + w->n_hidden > TOO_MUCH && w->n + w->n_hidden > w->z->nodes / 4)
		return DELTA_TOO_MUCH;
	return delta_work_write(w, opts, f) ? DELTA_DONE : DELTA_FAULT;
}

/* Are all that own NSEC3 links of the chain? */
static bool is_chain(const struct zone *z)
{
	uint32_t n = 0;

	for (const struct zone_node *node = image_first(z); node; node = image_next(z, node))
		n += (node->flags & NODE_NSEC3) != 0;
	return n == (z->denial ? z->denial->n : 0);
}

enum delta_result delta_build(struct zone **to, const struct zone *z, struct touched *t,
	const struct compile_opts *opts, struct faults *f)
{
	if (t->n_ops > TOO_MUCH && t->n_ops > z->nodes / 4)
		return DELTA_TOO_MUCH;
	bool odd = false;
	struct zone *part = compile_touched(t, opts, f, &odd);
	if (!part)
		return odd ? DELTA_TOO_MUCH : DELTA_FAULT;
	struct delta_work w = { .z = z, .part = part };
	/* A chain that begins, ends or is of another kind is another zone. */
	const bool nsec3 = z->denial && z->denial->nsec3;
	const bool same_kind = nsec3 ? (!part->denial || part->denial->nsec3) && is_chain(part)
				     : !z->denial == !part->denial &&
			!(part->denial && part->denial->nsec3);
	const enum delta_result result = same_kind ? build(&w, t, opts, f) : DELTA_TOO_MUCH;
	*to = w.to;
	free(w.own);
	free(w.item);
	free(w.hidden);
	zone_drop(part);
	return result;
}
