#include "daemon/updates_inner.h"

#include "base/memory.h"
#include "daemon/versions.h"
#include "zone/history.h"

#include <string.h>
#include <time.h>

/* What each zone was read from that has not changed since then: its steps begin there. */
static struct text *find_files(const struct updates *u)
{
	struct text *files = memory_zeroed(u->made.n_entries, sizeof *files);

	for (size_t i = 0; i < u->made.n_entries; i++) {
		const struct registry_zone *z =
			registry_find(u->made.v.live.zones, u->made.entries[i]->origin);
		load_sources_text(&z->load, &files[i]);
	}
	return files;
}

static const char *file_of(
	const struct updates *u, const struct text *files, const struct change *c)
{
	size_t i = 0;

	while (!name_equal(u->made.entries[i]->origin, change_id(c)))
		i++;
	return files[i].len ? text_get(&files[i]) : NULL;
}

/* What others have committed, the engine has: only what we confirm must be on our disk. */
static bool is_taken(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_committed; i++)
		if (name_equal(u->made.committed[i], apex))
			return false;
	return u->local != NULL;
}

/* On the disk, or nothing has happened. */
static bool store_all(struct updates *u, struct fault *why)
{
	struct store_step *steps = memory_zeroed(u->made.n + u->made.n_pulled, sizeof *steps);
	struct text *files = find_files(u);
	size_t n = 0;

	for (size_t i = 0; i < u->made.n_pulled + u->made.n; i++) {
		const struct change *c = i < u->made.n_pulled ? u->made.pulled[i].change
							      : u->made.list[i - u->made.n_pulled].change;
		if (c && !updates_is_lost(u, change_id(c)) && !updates_fleet_is_whole(u, change_id(c)))
			steps[n++] = (struct store_step){ .change = c,
				.file = file_of(u, files, c),
				.soon = is_taken(u, change_id(c)) };
	}
	const enum store_result result = store_add(u->opts.store, steps, n, why);
	bool ok = result != STORE_FAILED;
	/* Zones that are stored otherwise are put whole. */
	for (size_t i = 0; ok && i < u->made.n_entries; i++)
		ok = (result != STORE_APART && !updates_fleet_is_whole(u, u->made.entries[i]->origin)) ||
			store_put(u->opts.store, u->made.entries[i]->load.zone,
			&(struct store_timers){ 0 }, why);
	for (size_t i = 0; i < u->made.n_entries; i++)
		text_fini(&files[i]);
	memory_free(files);
	memory_free(steps);
	return ok;
}

static void add_entry(struct updates *u, struct zone *z)
{
	if (updates_is_lost(u, zone_id(z)))
		return;
	const struct registry_zone *is = registry_find(u->made.v.live.zones, zone_id(z));
	struct registry_zone to = { .origin = zone_id(z),
		.added = is->added,
		.source = REGISTRY_STORE,
		.path = is->path,
		.load = { .zone = z },
		.state = REGISTRY_READY,
		.since_s = is->state == REGISTRY_READY ? is->since_s : time(NULL),
		.loaded_s = time(NULL),
		.keys = is->keys,
		.keys_due = is->keys_due };

	if (updates_of_fleet(u, zone_id(z))) {
		/* What another keyset has signed of it is not known. */
		to.keys = z->denial ? updates_signer(u, zone_id(z))->keys : NULL;
		to.keys_due = is->keys_due || !keyset_same(to.keys, is->keys);
	}
	for (size_t i = 0; i < u->made.n_entries; i++)
		if (name_equal(u->made.entries[i]->origin, zone_id(z)))
			return;
	zone_hold(z);
	u->made.entries[u->made.n_entries++] = registry_zone_new(&to);
}

/* The newest first: of each zone its last version. */
static void add_entries(struct updates *u)
{
	u->made.entries = memory_zeroed(u->made.n + u->made.n_pulled, sizeof(*u->made.entries));
	for (size_t i = 0; i < u->made.n_moved; i++)
		add_entry(u, u->made.moved[i].is);
	for (size_t i = u->made.n; i-- > 0;)
		if (u->made.list[i].is)
			add_entry(u, u->made.list[i].is);
	for (size_t i = u->made.n_pulled; i-- > 0;)
		add_entry(u, u->made.pulled[i].is);
}

/* Or leads to what is. */
static bool is_served(const struct updates *u, const struct zone *z)
{
	for (size_t i = 0; i < u->made.n_moved; i++)
		if (name_equal(zone_id(u->made.moved[i].is), zone_id(z)))
			return false;
	return !updates_is_lost(u, zone_id(z));
}

static void give_histories(struct updates *u)
{
	u->made.gives = true;
	for (size_t i = 0; i < u->made.n_moved; i++) {
		struct pulled *p = &u->made.moved[i];
		history_give(p->is, p->was, p->change);
		p->change = NULL;
	}
	for (size_t i = 0; i < u->made.n_pulled; i++) {
		struct pulled *p = &u->made.pulled[i];
		if (!is_served(u, p->is))
			continue;
		if (p->change)
			history_give(p->is, p->was, p->change);
		p->change = NULL;
	}
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (a->change)
			history_give(a->is, a->was, a->change);
		a->change = NULL;
	}
}

static bool is_of_entries(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_entries; i++)
		if (name_equal(u->made.entries[i]->origin, apex))
			return true;
	return false;
}

/* Who follows a zone of the fleet has none of what others have made of it. */
static void fail_all(struct updates *u, const struct fault *why)
{
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!a->is && !(a->own && a->own->follows && is_of_entries(u, a->own->apex)))
			continue;
		a->rcode = RCODE_SERVFAIL;
		a->why = *why;
	}
}

void updates_store(struct updates *u)
{
	struct fault why;

	add_entries(u);
	if (!u->made.n_entries)
		return;
	if (!versions_build(&u->made.v, u->made.entries, u->made.n_entries, &why) || !store_all(u, &why)) {
		fail_all(u, &why);
		versions_drop_made(&u->made.v);
		return;
	}
	give_histories(u);
}
