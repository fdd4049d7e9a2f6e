#include "daemon/stage_zones.h"

#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/versions.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_signing.h"
#include "zone/history.h"
#include "zone/serial.h"
#include "zone/zone_with.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

/* A zone that lists less than it is to. */
struct lister {
	const struct registry_zone *of; /* borrowed */
	enum store_which which;
	struct change *change;
	struct zone *made; /* count 1 */
	bool ok;           /* it is on the disk */
};

static bool told(const struct faults *f, const struct zone *z, struct fault *why)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);
	char name[NAME_TEXT];

	return fault(why, "zone %s cannot list the types that the stage answers: %.*s",
		view_text(name, zone_id(z)), (int)strcspn(text, "\n"), text);
}

/* One that is another kind of chain is signed anew as a whole before long, and then lists all. */
static bool may_list(const struct registry_zone *z)
{
	const struct zone *of = z->load.zone;

	return z->keys && zone_is_ready(of) && of->pools_n && of->denial &&
		sign_chain_fits(of, z->keys);
}

/* False: `why`. Without a change there is nothing to list. */
static bool make(const struct zone_signing *how, const struct conf_rule *rule, struct lister *l,
	struct fault *why)
{
	const struct zone *z = l->of->load.zone;
	const struct zone_signing_of of = { .keys = l->of->keys,
		.before = z,
		.which = l->which,
		.serial = rule->access.serial };
	struct zone_signing_part part = { .most = SIZE_MAX };
	struct faults f;

	faults_init(&f);
	l->change = zone_signing_prepare(how, &of, &part, &f);
	if (l->change)
		l->made = zone_with(
			z, l->change, &(struct zone_with_opts){ .compile = *how->compile }, &f);
	const bool ok = !f.errors || told(&f, z, why);
	faults_fini(&f);
	return ok;
}

/* All that list less, [n] in `list`. */
static bool find(const struct stage_zones *o, struct lister *list, size_t *n, struct fault *why)
{
	const struct registry *zones = o->live->zones;
	const struct conf *c = parts_conf(o->live);
	const struct zone_pools pools = { c, parts_conf(o->staged) };
	const struct compile_opts opts = zone_pools_both_opts(&pools, o->key);
	const struct zone_signing how = { .compile = &opts, .now_s = time(NULL), .politely = true };

	for (size_t i = 0; i < zones->n; i++) {
		const struct conf_rule *rule = &c->rules[zone_set_rule(zones->set, i)];
		if (rule->fleet || !may_list(zones->zones[i])) /* of a fleet: signing.h does it, for all of it */
			continue;
		struct lister *l = &list[*n];
		*l = (struct lister){ .of = zones->zones[i],
			.which = rule->stored && !rule->n_primaries ? STORE_ZONE : STORE_SIGNED };
		if (!make(&how, rule, l, why)) {
			change_free(l->change);
			return false;
		}
		*n += l->change != NULL;
	}
	return true;
}

static bool store_them(const struct stage_zones *o, struct lister *list, size_t n, struct fault *why)
{
	struct zone_signing_step *steps = memory_zeroed(n, sizeof *steps);
	const struct zone_signing how = { .store = o->store };
	bool ok = true;

	*why = (struct fault){ 0 };
	for (size_t i = 0; i < n; i++) {
		list[i].ok = true;
		steps[i] = (struct zone_signing_step){
			list[i].which, list[i].change, list[i].made, &list[i].ok
		};
	}
	zone_signing_store(&how, steps, n, why);
	memory_free(steps);
	for (size_t i = 0; i < n; i++)
		ok = ok && list[i].ok;
	if (!ok && !*why->text)
		fault(why, "the store has other versions of zones");
	return ok;
}

static struct registry_zone *entry_of(struct lister *l)
{
	struct registry_zone to = { .origin = NULL };

	part_copy(&to, l->of, sizeof to);
	history_give(l->made, l->of->load.zone, l->change);
	l->change = NULL;
	to.load = load_with(&l->of->load, l->made);
	l->made = NULL;
	return registry_zone_new(&to);
}

/* What is staged waits with the same versions, but for zones that it has from other files. */
static bool take(const struct stage_zones *o, struct lister *list, size_t n,
	struct registry **zones, struct pool_numbers **numbers, struct fault *why)
{
	struct registry_zone **entries = memory_zeroed(n, sizeof(*entries));
	struct registry *staged = NULL;
	struct pool_numbers *staged_numbers = NULL;

	for (size_t i = 0; i < n; i++)
		entries[i] = entry_of(&list[i]);
	const bool ok = versions_make(o->live, NULL, entries, n, zones, numbers, why) &&
		versions_make(o->staged, *zones, entries, n, &staged, &staged_numbers, why);
	for (size_t i = 0; i < n; i++)
		registry_zone_drop(entries[i]);
	memory_free(entries);
	if (!ok) {
		registry_drop(*zones);
		pool_numbers_drop(*numbers);
		*zones = NULL;
		*numbers = NULL;
		return false;
	}
	registry_drop(o->staged->zones);
	pool_numbers_drop(o->staged->numbers);
	o->staged->zones = staged;
	o->staged->numbers = staged_numbers;
	return true;
}

bool stage_zones_list(const struct stage_zones *o, struct registry **zones,
	struct pool_numbers **numbers, struct fault *why)
{
	struct lister *list = memory_zeroed(o->live->zones->n, sizeof *list);
	size_t n = 0;

	*zones = NULL;
	*numbers = NULL;
	const bool ok = find(o, list, &n, why) &&
		(!n || (store_them(o, list, n, why) && take(o, list, n, zones, numbers, why)));
	for (size_t i = 0; i < n; i++) {
		change_free(list[i].change);
		if (list[i].made)
			zone_drop(list[i].made);
	}
	memory_free(list);
	return ok;
}

/* --- everybody's ------------------------------------------------------------------------- */

/* A zone that the stage has from other files was signed as what comes after what was served when it began. NULL: it
 * comes after what is served now, too; or it cannot be signed, and comes as it is. */
static struct registry_zone *sign_after(const struct parts *staged, const struct registry *live,
	struct hash_key key, size_t i)
{
	const struct registry_zone *z = staged->zones->zones[i],
				   *now = registry_find(live, z->origin);
	const struct conf *c = parts_conf(staged);
	const struct conf_rule *rule = &c->rules[zone_set_rule(staged->zones->set, i)];
	struct registry_zone to = { .origin = NULL };
	struct faults f;

	if (!now || now == z || !z->keys || !now->keys || now->load.zone == z->load.zone ||
		!zone_is_ready(now->load.zone) || !zone_is_ready(z->load.zone) ||
		serial_is_newer(z->load.zone->serial, now->load.zone->serial))
		return NULL;
	const struct compile_opts opts = zone_pools_compile_opts(c, key);
	const struct zone_signing how = { .compile = &opts, .now_s = time(NULL), .politely = true };
	const struct zone_signing_of of = { .keys = z->keys,
		.before = now->load.zone,
		.which = STORE_SIGNED,
		.serial = rule->access.serial };
	part_copy(&to, z, sizeof to);
	faults_init(&f);
	struct zone *made = zone_signing_make(&how, &of, z->load.zone, &to.keys_due, &f);
	faults_fini(&f);
	if (!made)
		return NULL;
	to.load = load_with(&z->load, made);
	return registry_zone_new(&to);
}

struct registry *stage_zones_after(
	const struct parts *staged, const struct registry *live, struct hash_key key)
{
	const size_t n = staged->zones->n;
	struct registry_zone **list = memory_zeroed(n, sizeof(*list));
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if ((list[k] = sign_after(staged, live, key, i)))
			k++;
	struct registry *made = k ? registry_with(staged->zones, list, k)
				  : registry_hold(staged->zones);
	memory_free(list);
	return made;
}
