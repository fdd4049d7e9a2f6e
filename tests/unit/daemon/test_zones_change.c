#include "daemon/zones_change.h"

#include "base/memory.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const struct hash_key key = { 1, 2 };

/* Of the names in a text, which ascend on the wire; they are not loaded. */
static struct registry *zones(const char *names)
{
	static const uint8_t root[1];
	struct registry_zone **list = memory_zeroed(2000, sizeof *list);
	char *copy = strdup(names);
	uint8_t wire[NAME_MOST];
	size_t n = 0;

	for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) {
		if (name_parse(wire, NULL, at, strlen(at), root) != NAME_OK)
			abort();
		struct registry_zone like = {
			.origin = wire, .path = "/f", .state = REGISTRY_EMPTY
		};
		like.load.zone = zone_placeholder(key, wire);
		list[n++] = registry_zone_new(&like);
	}
	free(copy);
	return registry_new(key, list, NULL, n);
}

static void what_comes_and_what_goes_is_named(void)
{
	static const struct {
		const char *before, *next, *say;
	} row[] = {
		{ "a.x b.x", "a.x b.x", "" },
		{ "", "", "" },
		{ "", "a.x", "zones: 1 added (a.x.)\n" },
		{ "a.x", "", "zones: 1 removed (a.x.)\n" },
		{ "a.x b.x c.x", "b.x c.x d.x e.x",
			"zones: 2 added (d.x., e.x.), 1 removed (a.x.)\n" },
		{ "a.x c.x", "b.x", "zones: 1 added (b.x.), 2 removed (a.x., c.x.)\n" },
		{ "a.x b.x c.x d.x e.x f.x g.x h.x i.x j.x k.x l.x", "l.x",
			"zones: 11 removed (a.x., b.x., c.x., d.x., e.x., f.x., g.x., h.x., "
			"i.x., "
			"j.x. and 1 more)\n" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct registry *before = zones(row[i].before), *next = zones(row[i].next);
		struct zones_change c;
		struct text out = { 0 };
		zones_change_find(&c, before, next);
		zones_change_say(&c, &out);
		CU_ASSERT_STRING_EQUAL(text_get(&out), row[i].say);
		CU_ASSERT_EQUAL(c.before, before->n);
		CU_ASSERT_EQUAL(c.before + c.n_added - c.n_removed, next->n);
		text_fini(&out);
		zones_change_fini(&c);
		registry_drop(before);
		registry_drop(next);
	}
}

static void a_share_that_goes_is_refused_when_it_is_larger_than_allowed(void)
{
	static const struct {
		const char *before, *next;
		double share;
		bool may;
	} row[] = {
		{ "a.x b.x", "a.x", 0.5, true },
		{ "a.x b.x", "", 0.5, false },
		{ "a.x b.x c.x", "a.x", 0.5, false },
		{ "a.x b.x", "c.x d.x", 0.5, false }, /* as many, but others */
		{ "a.x b.x", "", 1, true },
		{ "a.x b.x", "a.x", 0, false },
		{ "a.x b.x", "a.x b.x c.x", 0, true },
		{ "", "a.x", 0, true },
		{ "", "", 0, true },
		{ "a.x b.x c.x d.x", "a.x b.x c.x", 0.25, true },
		{ "a.x b.x c.x d.x", "a.x b.x c.x", 0.24, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct fault_at at = { .path = "t.yaml" };
		struct registry *before = zones(row[i].before), *next = zones(row[i].next);
		struct zones_change c;
		struct faults f;
		faults_init(&f);
		zones_change_find(&c, before, next);
		CU_ASSERT_EQUAL(zones_change_check(&c, row[i].share, &at, &f), row[i].may);
		CU_ASSERT_EQUAL(f.errors, !row[i].may);
		CU_ASSERT_EQUAL(
			strstr(text_get(&f.text), "reload --force") != NULL, !row[i].may);
		faults_fini(&f);
		zones_change_fini(&c);
		registry_drop(before);
		registry_drop(next);
	}
}

static void of_very_many_the_first_are_kept_and_all_are_counted(void)
{
	struct text names = { 0 };
	struct zones_change c;

	for (unsigned i = 0; i < 1200; i++)
		text_addf(&names, "z%04u.x ", i);
	struct registry *before = zones(text_get(&names));
	zones_change_find(&c, before, NULL);
	CU_ASSERT_EQUAL(c.n_removed, 1200);
	CU_ASSERT_EQUAL(c.removed.len, ZONES_CHANGE_NAMED * strlen("z0000.x.\n"));
	zones_change_fini(&c);
	zones_change_find(&c, before, before);
	CU_ASSERT_EQUAL(c.n_added + c.n_removed, 0);
	zones_change_fini(&c);
	registry_drop(before);
	text_fini(&names);
}

void suite_zones_change(void)
{
	static const struct unit_case cases[] = {
		{ "what comes and what goes is named", what_comes_and_what_goes_is_named },
		{ "a share that goes is refused when it is larger than allowed",
			a_share_that_goes_is_refused_when_it_is_larger_than_allowed },
		{ "of very many the first are kept and all are counted",
			of_very_many_the_first_are_kept_and_all_are_counted },
	};

	unit_suite("daemon/zones_change", cases, UNIT_COUNT(cases));
}
