#include "zone/registry.h"

#include "base/memory.h"

#include <string.h>

static void free_zone(struct part *p)
{
	struct registry_zone *z = (struct registry_zone *)p; /* its first member */

	load_fini(&z->load);
	memory_free(z);
}

struct registry_zone *registry_zone_new(const struct registry_zone *like)
{
	const size_t origin = name_len(like->origin), path = strlen(like->path) + 1,
		     fault = like->fault ? strlen(like->fault) + 1 : 0;
	struct registry_zone *z = memory_zeroed(1, sizeof *z + origin + path + fault);
	char *at = (char *)(z + 1);

	*z = *like;
	z->part = part_new(free_zone);
	z->path = memcpy(at, like->path, path);
	z->fault = fault ? memcpy(at + path, like->fault, fault) : NULL;
	z->origin = memcpy(at + path + fault, like->origin, origin);
	return z;
}

void registry_zone_drop(struct registry_zone *z)
{
	part_drop(z ? &z->part : NULL);
}

static void free_registry(struct part *p)
{
	struct registry *r = (struct registry *)p; /* its first member */

	zone_set_drop(r->set);
	for (size_t i = 0; i < r->n; i++)
		registry_zone_drop(r->zones[i]);
	memory_free(r->zones);
	memory_free(r);
}

struct registry *registry_new(struct hash_key key, struct registry_zone **zones,
	const uint32_t *rules, size_t n)
{
	struct registry *r = memory_zeroed(1, sizeof *r);
	const struct zone **of = memory_zeroed(n, sizeof *of);

	*r = (struct registry){ part_new(free_registry), .zones = zones, .n = n };
	for (size_t i = 0; i < n; i++) {
		of[i] = zones[i]->load.zone;
		r->n_faulty += zones[i]->state != REGISTRY_READY;
		r->n_empty += zones[i]->state == REGISTRY_EMPTY;
	}
	r->set = zone_set_new(key, of, rules, n);
	memory_free(of);
	if (r->set)
		return r;
	registry_drop(r);
	return NULL;
}

int registry_compare(const uint8_t *a, const uint8_t *b)
{
	const size_t la = name_len(a), lb = name_len(b);
	const int d = memcmp(a, b, la < lb ? la : lb);

	return d ? d : (la > lb) - (la < lb);
}

struct registry_zone *registry_find(const struct registry *r, const uint8_t *apex)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		const size_t at = from + (to - from) / 2;
		const int d = registry_compare(apex, r->zones[at]->origin);
		if (d == 0)
			return r->zones[at];
		if (d < 0)
			to = at;
		else
			from = at + 1;
	}
	return NULL;
}

const char *registry_state_text(enum registry_state s)
{
	switch (s) {
	case REGISTRY_READY: return "ready";
	case REGISTRY_FAULTY: return "faulty";
	case REGISTRY_EMPTY: return "not loaded";
	}
	return "";
}
