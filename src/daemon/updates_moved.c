#include "daemon/updates_inner.h"

#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "zone/zone_with.h"

#include <string.h>

static const struct zone *zone_of(const struct parts *p, const uint8_t *apex)
{
	const struct registry_zone *z = registry_find(p->zones, apex);

	return z && z->source == REGISTRY_STORE ? z->load.zone : NULL;
}

/* Versions of one zone share their histories; of others it is worked out. */
static bool is_same(const struct updates *u, const struct zone *was, const struct zone *now)
{
	const struct known_version *k = updates_find_known(u, was);

	if (!zone_is_ready(was) || !zone_is_ready(now) || was->serial != now->serial)
		return false;
	if (was->history && was->history == now->history)
		return true;
	return k && fleet_version_same(fleet_version_of(now), k->is);
}

/* All that was taken and made of that zone, as one; NULL: `why`. */
static struct change *all_of(const struct updates *u, const uint8_t *apex, struct fault *why)
{
	const struct change **list = memory_zeroed(u->made.n_pulled, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < u->made.n_pulled; i++)
		if (name_equal(zone_id(u->made.pulled[i].is), apex))
			list[n++] = u->made.pulled[i].change;
	struct change *all = change_join(list, n, why);
	memory_free(list);
	return all;
}

/* The same upon what is served now. */
static bool move(struct updates *u, const uint8_t *apex, const struct zone *now, struct fault *why)
{
	struct faults f;
	struct pulled to = { .change = all_of(u, apex, why) };

	if (!to.change)
		return false;
	faults_init(&f);
	to.is = zone_with(now, to.change,
		&(struct zone_with_opts){ .compile = zone_pools_compile_opts(parts_conf(&u->made.v.live), u->opts.key) }, &f);
	if (!to.is) {
		const char *text = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		fault(why, "%.*s", (int)strcspn(text, "\n"), text);
		change_free(to.change);
	}
	faults_fini(&f);
	if (!to.is)
		return false;
	to.was = (struct zone *)(uintptr_t)now;
	zone_hold(to.was);
	u->made.moved[u->made.n_moved++] = to;
	return true;
}

static void lose(struct updates *u, const uint8_t *apex, const struct fault *why)
{
	for (size_t i = 0; i < u->made.n_pulled; i++)
		if (name_equal(zone_id(u->made.pulled[i].is), apex))
			u->made.pulled[i].lost = true;
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!name_equal(updates_apex(a), apex) || a->rcode != RCODE_NOERROR)
			continue;
		a->rcode = RCODE_SERVFAIL;
		a->why = *why;
	}
	for (size_t i = 0; i < u->made.n_known; i++)
		if (name_equal(u->made.known[i].id, apex))
			u->made.known[i].of = NULL;
}

static bool is_first(const struct updates *u, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (name_equal(zone_id(u->made.pulled[i].is), zone_id(u->made.pulled[at].is)))
			return false;
	return true;
}

static bool meet(struct updates *u, const uint8_t *apex, struct fault *why)
{
	const struct zone *was = zone_of(&u->made.asked, apex), *now = zone_of(&u->made.v.live, apex);

	/* Signed by the keys of this server alone, if at all: who stores it would not know by which. */
	if (now && !updates_of_fleet(u, apex))
		return fault(why, "the zone is not one of the fleet here any more");
	if (was && now == was)
		return true;
	if (was && now && !zone_is_ready(now) && updates_fleet_is_whole(u, apex))
		return true;
	if (was && now && is_same(u, was, now))
		return move(u, apex, now, why);
	return fault(why, "another version of the zone has come here meanwhile");
}

void updates_meet(struct updates *u)
{
	struct fault why;

	u->made.moved = memory_zeroed(u->made.n_pulled, sizeof *u->made.moved);
	for (size_t i = 0; i < u->made.n_pulled; i++) {
		const uint8_t *apex = zone_id(u->made.pulled[i].is);
		if (is_first(u, i) && !meet(u, apex, &why))
			lose(u, apex, &why);
	}
}

bool updates_is_lost(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_pulled; i++)
		if (u->made.pulled[i].lost && name_equal(zone_id(u->made.pulled[i].is), apex))
			return true;
	return false;
}
