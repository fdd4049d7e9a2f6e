#include "zone/registry.h"

#include "base/memory.h"
#include "zone/zone_with.h"

#include <stdlib.h>
#include <string.h>

static void free_zone(struct part *p)
{
	struct registry_zone *z = (struct registry_zone *)p; /* its first member */

	load_fini(&z->load);
	registry_added_drop(z->added);
	keyset_drop(z->keys);
	zone_drop(z->plain);
	memory_free(z);
}

static void free_added(struct part *p)
{
	memory_free(p);
}

struct registry_added *registry_added_new(const struct registry_added *like)
{
	const size_t template = strlen(like->template) + 1, file = strlen(like->file) + 1,
		     catalog = like->catalog ? name_len(like->catalog) : 0,
		     label = like->label ? *like->label + 1u : 0;
	struct registry_added *a =
		memory_zeroed(1, sizeof *a + template + file + catalog + label);
	char *at = (char *)(a + 1);

	*a = *like;
	a->part = part_new(free_added);
	a->template = memcpy(at, like->template, template);
	a->file = memcpy(at += template, like->file, file);
	at += file;
	if (catalog)
		a->catalog = memcpy(at, like->catalog, catalog);
	if (label)
		a->label = memcpy(at + catalog, like->label, label);
	return a;
}

bool registry_added_same(const struct registry_added *a, const struct registry_added *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->template, b->template) == 0 && strcmp(a->file, b->file) == 0 &&
		!a->catalog == !b->catalog &&
		(!a->catalog || name_equal(a->catalog, b->catalog)) && !a->label == !b->label &&
		(!a->label || (*a->label == *b->label &&
				      memcmp(a->label, b->label, *a->label + 1u) == 0)) &&
		a->uid == b->uid && a->at_s == b->at_s && a->promoted == b->promoted;
}

struct registry_zone *registry_zone_new(const struct registry_zone *like)
{
	const size_t origin = name_len(like->origin), path = strlen(like->path) + 1,
		     fault = like->fault ? strlen(like->fault) + 1 : 0;
	struct registry_zone *z = memory_zeroed(1, sizeof *z + origin + path + fault);
	char *at = (char *)(z + 1);

	*z = *like;
	keyset_hold(z->keys);
	if (z->plain)
		zone_hold(z->plain);
	z->part = part_new(free_zone);
	if (z->added)
		part_hold(&z->added->part);
	z->path = memcpy(at, like->path, path);
	z->fault = fault ? memcpy(at + path, like->fault, fault) : NULL;
	z->origin = memcpy(at + path + fault, like->origin, origin);
	return z;
}

struct registry_zone *registry_zone_with(const struct registry_zone *z, struct zone *now,
	struct keyset *keys, bool keys_due)
{
	struct registry_zone to = { .origin = NULL };

	part_copy(&to, z, sizeof to);
	to.load = load_with(&z->load, now);
	to.keys = keys;
	to.keys_due = keys_due;
	return registry_zone_new(&to);
}

void registry_zone_goes_on(struct registry_zone *to, const struct registry_zone *is)
{
	to->load = (struct load){ .zone = is->load.zone };
	zone_hold(to->load.zone);
	to->loaded_s = is->loaded_s;
	to->keys = is->keys;
	to->keys_due = is->keys_due;
	to->plain = is->plain;
	to->plain_due = is->plain_due;
	to->checked_s = is->checked_s;
	to->expire_s = is->expire_s;
}

void registry_zone_drop(struct registry_zone *z)
{
	part_drop(z ? &z->part : NULL);
}

enum { PAGE = 256 };

/* Some entries in a row. */
struct registry_page {
	struct part part;
	size_t n;
	struct registry_zone *zones[]; /* [n] held */
};

static size_t count_pages(size_t n)
{
	return (n + PAGE - 1) / PAGE;
}

static void free_page(struct part *p)
{
	struct registry_page *page = (struct registry_page *)p; /* its first member */

	for (size_t i = 0; i < page->n; i++)
		registry_zone_drop(page->zones[i]);
	memory_free(page);
}

/* Takes a count of each of those that begin there. */
static struct registry_page *page_new(struct registry_zone *const *zones, size_t left)
{
	const size_t n = left < PAGE ? left : PAGE;
	struct registry_page *page = memory_zeroed(1, sizeof *page + n * sizeof(page->zones[0]));

	page->part = part_new(free_page);
	page->n = n;
	memcpy(page->zones, zones, n * sizeof(*zones));
	return page;
}

static void free_registry(struct part *p)
{
	struct registry *r = (struct registry *)p; /* its first member */

	zone_set_drop(r->set);
	for (size_t i = 0; i < count_pages(r->n); i++)
		part_drop(&r->pages[i]->part);
	memory_free(r->pages);
	memory_free(r->zones);
	memory_free(r->signeds);
	memory_free(r);
}

static int compare_signeds(const void *va, const void *vb)
{
	const struct registry_signed *a = va, *b = vb;

	if (a->end_s != b->end_s)
		return a->end_s < b->end_s ? -1 : 1;
	return a->zone < b->zone ? -1 : a->zone > b->zone;
}

static void find_signeds(struct registry *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->zones[i]->load.zone->signatures_end_s != 0;
	if (!n)
		return;
	r->signeds = memory_zeroed(n, sizeof *r->signeds);
	for (size_t i = 0; i < r->n; i++) {
		const struct zone *z = r->zones[i]->load.zone;
		if (z->signatures_end_s)
			r->signeds[r->n_signeds++] = (struct registry_signed){
				z->signatures_end_s, z->signatures_soon_s, r->zones[i]
			};
	}
	qsort(r->signeds, n, sizeof *r->signeds, compare_signeds);
}

struct registry_ends registry_ends(const struct registry *r, int64_t now_s)
{
	struct registry_ends to = { 0, 0 };

	for (size_t i = 0; i < r->n_signeds; i++) {
		to.ended += r->signeds[i].end_s < now_s;
		to.soon += r->signeds[i].end_s >= now_s && r->signeds[i].soon_s <= now_s;
	}
	return to;
}

static bool is_large(const struct registry_zone *z)
{
	return !z->load.n && zone_is_ready(z->load.zone) && zone_wants_merge(z->load.zone);
}

struct registry *registry_new(
	struct hash_key key, struct registry_zone **zones, const uint32_t *rules, size_t n)
{
	struct registry *r = memory_zeroed(1, sizeof *r);
	const struct zone **of = memory_zeroed(n, sizeof *of);

	*r = (struct registry){ part_new(free_registry), .zones = zones, .n = n };
	for (size_t i = 0; i < n; i++) {
		of[i] = zones[i]->load.zone;
		r->n_faulty += zones[i]->state != REGISTRY_READY &&
			zones[i]->state != REGISTRY_WAITS;
		r->n_empty += zones[i]->state == REGISTRY_EMPTY ||
			zones[i]->state == REGISTRY_EXPIRED;
		r->names = hash_pair(r->names, of[i]->apex_hash + (rules ? rules[i] : 0));
		if (is_large(zones[i]))
			r->large = zones[i];
	}
	r->pages = memory_zeroed(count_pages(n) + 1, sizeof(*r->pages));
	for (size_t i = 0; i < count_pages(n); i++)
		r->pages[i] = page_new(zones + i * PAGE, n - i * PAGE);
	r->set = zone_set_new(key, of, rules, n);
	memory_free(of);
	find_signeds(r);
	return r;
}

static int compare_names(const uint8_t *a, const uint8_t *b)
{
	const size_t la = name_len(a), lb = name_len(b);
	const int d = memcmp(a, b, la < lb ? la : lb);

	return d ? d : (la > lb) - (la < lb);
}

int registry_compare(const uint8_t *a, const uint8_t *b)
{
	const int d = compare_names(view_apex(a), view_apex(b));

	if (d || (!view_is(a) && !view_is(b)))
		return d;
	return view_is(a) && view_is(b) ? compare_names(a, b) : view_is(b) - view_is(a);
}

/* r->n when there is none. */
static size_t find(const struct registry *r, const uint8_t *apex)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		const size_t at = from + (to - from) / 2;
		const int d = registry_compare(apex, r->zones[at]->origin);
		if (d == 0)
			return at;
		if (d < 0)
			to = at;
		else
			from = at + 1;
	}
	return r->n;
}

size_t registry_index(const struct registry *r, const uint8_t *apex)
{
	return find(r, apex);
}

struct registry_zone *registry_find(const struct registry *r, const uint8_t *apex)
{
	const size_t at = find(r, apex);

	return at < r->n ? r->zones[at] : NULL;
}

/* --- other versions of some --------------------------------------------------------------- */

/* The entries that take the place of others, in the order of these. */
struct replaced {
	size_t n, *at;
	struct registry_zone **zones; /* [n] counts that are taken */
	const struct zone **of;       /* their zones */
};

/* One on its way there. */
struct placed {
	size_t at, order;
	struct registry_zone *zone;
};

static int compare_placed(const void *va, const void *vb)
{
	const struct placed *a = va, *b = vb;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static void find_replaced(struct replaced *to, const struct registry *r,
	struct registry_zone *const *zones, size_t n)
{
	struct placed *placed = memory_zeroed(n, sizeof *placed);

	*to = (struct replaced){ 0, memory_zeroed(n, sizeof *to->at),
		memory_zeroed(n, sizeof(*to->zones)), memory_zeroed(n, sizeof *to->of) };
	for (size_t i = 0; i < n; i++)
		placed[i] = (struct placed){ find(r, zones[i]->origin), i, zones[i] };
	if (n)
		qsort(placed, n, sizeof *placed, compare_placed);
	for (size_t i = 0; i < n; i++) {
		if (placed[i].at == r->n || (i && placed[i].at == placed[i - 1].at)) {
			registry_zone_drop(placed[i].zone); /* no place, or there twice */
			continue;
		}
		to->at[to->n] = placed[i].at;
		to->zones[to->n] = placed[i].zone;
		to->of[to->n++] = placed[i].zone->load.zone;
	}
	memory_free(placed);
}

static bool is_faulty(const struct registry_zone *z)
{
	return z->state != REGISTRY_READY && z->state != REGISTRY_WAITS;
}

static bool is_empty(const struct registry_zone *z)
{
	return z->state == REGISTRY_EMPTY || z->state == REGISTRY_EXPIRED;
}

static void count_again(struct registry *to, const struct registry *r, const struct replaced *x)
{
	bool lost = false;

	for (size_t k = 0; k < x->n; k++) {
		const struct registry_zone *was = r->zones[x->at[k]], *now = x->zones[k];
		to->n_faulty += (size_t)is_faulty(now) - (size_t)is_faulty(was);
		to->n_empty += (size_t)is_empty(now) - (size_t)is_empty(was);
		lost = lost || was == r->large;
	}
	to->large = lost ? NULL : r->large;
	for (size_t k = 0; k < x->n; k++)
		if (is_large(x->zones[k]))
			to->large = x->zones[k];
	for (size_t i = 0; lost && !to->large && i < to->n; i++)
		if (is_large(to->zones[i]))
			to->large = to->zones[i];
}

/* Those of zones that stay, and those of the others: sorted anew when there are any. */
static void find_signeds_again(
	struct registry *to, const struct registry *r, const struct replaced *x)
{
	bool any = false;

	to->signeds = NULL;
	to->n_signeds = 0;
	for (size_t k = 0; k < x->n; k++)
		any = any || x->of[k]->signatures_end_s ||
			r->zones[x->at[k]]->load.zone->signatures_end_s;
	if (any) {
		find_signeds(to);
	} else if (r->n_signeds) {
		to->signeds = memory_zeroed(r->n_signeds, sizeof *to->signeds);
		memcpy(to->signeds, r->signeds, r->n_signeds * sizeof *to->signeds);
		to->n_signeds = r->n_signeds;
	}
}

/* The pages that have none of them are shared. */
static void make_pages(struct registry *to, const struct registry *r, const struct replaced *x)
{
	size_t k = 0;

	to->pages = memory_zeroed(count_pages(r->n) + 1, sizeof(*to->pages));
	for (size_t i = 0; i < count_pages(r->n); i++) {
		const size_t from = i * PAGE;
		if (k == x->n || x->at[k] >= from + PAGE) {
			to->pages[i] = r->pages[i];
			part_hold(&to->pages[i]->part);
			continue;
		}
		for (size_t z = from; z < from + r->pages[i]->n; z++) {
			if (k < x->n && x->at[k] == z)
				k++;
			else
				part_hold(&to->zones[z]->part);
		}
		to->pages[i] = page_new(to->zones + from, r->n - from);
	}
}

struct registry *registry_with(
	const struct registry *r, struct registry_zone *const *zones, size_t n)
{
	struct registry *to = memory_zeroed(1, sizeof *to);
	struct replaced x;

	find_replaced(&x, r, zones, n);
	to->part = part_new(free_registry);
	part_copy(to, r, sizeof *to);
	to->zones = memory_zeroed(r->n + 1, sizeof(*to->zones));
	memcpy(to->zones, r->zones, r->n * sizeof(*to->zones));
	for (size_t k = 0; k < x.n; k++)
		to->zones[x.at[k]] = x.zones[k];
	make_pages(to, r, &x);
	to->set = zone_set_with(r->set, x.at, x.of, x.n);
	count_again(to, r, &x);
	find_signeds_again(to, r, &x);
	memory_free(x.at);
	memory_free(x.zones);
	memory_free(x.of);
	return to;
}

static int compare_changes(const void *va, const void *vb)
{
	const struct registry_change *a = va, *b = vb;

	return registry_compare(a->apex, b->apex);
}

/* Both ascend. */
struct registry *registry_changed(
	const struct registry *r, struct registry_change *changes, size_t n)
{
	struct registry_zone **all = memory_zeroed(r->n + n, sizeof(*all));
	uint32_t *rules = memory_zeroed(r->n + n, sizeof *rules);
	size_t made = 0, i = 0, k = 0;

	if (n)
		qsort(changes, n, sizeof *changes, compare_changes);
	while (i < r->n || k < n) {
		const int d = i == r->n ? 1
			: k == n        ? -1
					: registry_compare(r->zones[i]->origin, changes[k].apex);
		if (d < 0) {
			all[made] = r->zones[i];
			part_hold(&all[made]->part);
			rules[made++] = zone_set_rule(r->set, i);
		} else if (changes[k].zone) {
			all[made] = changes[k].zone;
			rules[made++] = changes[k].rule;
		}
		i += d <= 0;
		k += d >= 0;
	}
	struct registry *next = registry_new(zone_set_key(r->set), all, rules, made);
	memory_free(rules);
	return next;
}

const char *registry_state_text(enum registry_state s)
{
	switch (s) {
	case REGISTRY_READY: return "ready";
	case REGISTRY_FAULTY: return "faulty";
	case REGISTRY_EMPTY: return "not loaded";
	case REGISTRY_WAITS: return "waits";
	case REGISTRY_EXPIRED: return "expired";
	}
	return "";
}
