#include "zone/sign_plan.h"

#include "base/bytes.h"
#include "base/crew.h"
#include "zone/image.h"
#include "zone/order.h"
#include "zone/sign_put.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 256 };

/* --- which nodes there will be ------------------------------------------------------------ */

static int compare_links(const void *va, const void *vb)
{
	const struct sign_link *a = va, *b = vb;

	return memcmp(a->hash, b->hash, NSEC3_HASH);
}

static bool hash_piece(void *ctx, size_t piece)
{
	struct sign_plan *s = ctx;
	uint8_t owner[NAME_MOST];

	for (size_t i = piece * PIECE; i < (piece + 1) * PIECE && i < s->n_links; i++) {
		struct sign_link *l = &s->link[i];
		const size_t len = image_owner(s->z, zone_node_at(s->z, l->node), owner);
		nsec3_hash(l->hash, &s->params, owner, len);
	}
	return true;
}

static bool find_links(struct sign_plan *s)
{
	const bool opt_out = s->o->keys->policy.opt_out;

	s->link = malloc((s->z->nodes + 1) * sizeof *s->link);
	if (!s->link)
		return false;
	for (const struct zone_node *n = image_first(s->z); n; n = image_next(s->z, n))
		if (sign_has_nsec3(s->z, n, opt_out))
			s->link[s->n_links++].node = (uint32_t)((const uint8_t *)n -
				s->z->image);
	crew_run((s->n_links + PIECE - 1) / PIECE, s->o->politely, hash_piece, s);
	qsort(s->link, s->n_links, sizeof *s->link, compare_links);
	return true;
}

/* Where the name of link `l` stands: before the node? The node of the same name comes first. */
static bool is_before(const struct sign_link *l, const struct zone_node *n)
{
	uint8_t label[1 + NSEC3_LABEL];

	nsec3_put_label(label, l->hash);
	return order_names(label, sizeof label, n->name, n->name_len) < 0;
}

static bool find_entries(struct sign_plan *s)
{
	const struct zone *z = s->z;
	uint32_t link = 0, last = SIGN_NONE;

	s->entry = malloc(((size_t)z->nodes + s->n_links + 1) * sizeof *s->entry);
	if (!s->entry)
		return false;
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		/* The links stand among the names right below the apex. */
		for (; link < s->n_links && is_before(&s->link[link], n); link++)
			s->entry[s->n++] = (struct sign_entry){
				s->link[link].node | SIGN_NSEC3_LINK, 0, link
			};
		if (!s->nsec3 && sign_has_nsec(n)) {
			if (last != SIGN_NONE)
				s->entry[last].next = s->n;
			last = s->n;
		}
		s->entry[s->n++] = (struct sign_entry){
			(uint32_t)((const uint8_t *)n - z->image), 0, SIGN_NONE
		};
	}
	for (; link < s->n_links; link++)
		s->entry[s->n++] = (struct sign_entry){ s->link[link].node | SIGN_NSEC3_LINK, 0,
			link };
	if (last != SIGN_NONE)
		s->entry[last].next = 0; /* the apex */
	return true;
}

/* Gives every node its place. The whole length, or 0. */
static size_t measure(struct sign_plan *s)
{
	struct sign_put *p = sign_put_new(s, NULL);
	size_t len = 4;

	for (uint32_t i = 0; p && i < s->n && !p->failed && len <= UINT32_MAX; i++) {
		s->entry[i].to = (uint32_t)len;
		p->len = 0;
		sign_put_entry(p, i);
		len += p->len;
	}
	const bool ok = p && !p->failed;
	if (ok)
		s->records = p->records;
	sign_put_free(p);
	return ok ? len : 0;
}

/* --- all of it ---------------------------------------------------------------------------- */

static void take_policy(struct sign_plan *s)
{
	const struct keyset_policy *p = &s->o->keys->policy;

	s->nsec3 = p->denial == KEYSET_NSEC3;
	s->params.iterations = p->iterations;
	s->params.salt_len = p->salt_len;
	memcpy(s->params.salt, p->salt, p->salt_len);
	s->ttl_s = be32_get(s->z->soa_negative->wire + 6);
	s->types = (struct sign_types){ s->o->keys, s->o->compile };
	s->by = (struct sign_by){ s->o->keys, s->z->apex, s->o->now_s };
}

size_t sign_plan_init(
	struct sign_plan *p, const struct zone *z, const struct sign_opts *o, uint32_t serial)
{
	*p = (struct sign_plan){ .z = z, .o = o, .serial = serial };
	take_policy(p);
	return (!p->nsec3 || find_links(p)) && find_entries(p) ? measure(p) : 0;
}

void sign_plan_fini(struct sign_plan *p)
{
	free(p->entry);
	free(p->link);
}
