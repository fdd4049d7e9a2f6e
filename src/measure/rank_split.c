#include "measure/rank_split.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scope.h"
#include "measure/rank.h"

#include <string.h>

static size_t class_bytes(const struct rank_split *s)
{
	return s->keys * sizeof *s->class_of;
}

uint64_t rank_split_hash(const struct rank_split *s)
{
	static const struct hash_key key = { 0xd1b54a32d192ed03u, 0x9e3779b97f4a7c15u };

	return hash_bytes(key, (const uint8_t *)s->class_of, class_bytes(s));
}

static bool same_split(const struct rank_split *a, const struct rank_split *b)
{
	return a->hash == b->hash && a->map == b->map && a->keys == b->keys &&
		memcmp(a->class_of, b->class_of, class_bytes(a)) == 0;
}

/* How the classes are found for an address. */
static void make_view(struct rank_split *s, const struct rank_split_opts *o)
{
	if (o->view && o->classes < NETMAP_VALUE_MOST)
		s->view = netmap_view(s->map, s->class_of, s->keys);
	else
		s->seams = netmap_seams_new(s->map, s->class_of, s->keys);
}

struct rank_split *rank_split_take(const struct rank_split_opts *opts, uint32_t *class_of)
{
	struct rank_split *s = memory_zeroed(1, sizeof *s);

	s->refs = 1;
	s->map = netmap_hold(opts->map);
	s->keys = opts->keys;
	s->class_of = class_of;
	s->hash = rank_split_hash(s);
	for (size_t i = 0; i < opts->n_known; i++)
		if (same_split(s, opts->known[i]->split)) {
			rank_split_drop(s);
			return rank_split_hold(opts->known[i]->split);
		}
	make_view(s, opts);
	return s;
}

/* For a scope. */
static void let_go(void *s)
{
	rank_split_drop(s);
}

struct rank_split *rank_split_hold(struct rank_split *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	scope_hold(s, let_go);
	return s;
}

void rank_split_drop(struct rank_split *s)
{
	scope_forget(s, let_go);
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	netmap_seams_free(s->seams);
	netmap_drop(s->view);
	netmap_drop(s->map);
	memory_free(s->class_of);
	memory_free(s);
}
