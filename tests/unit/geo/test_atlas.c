#include "geo/atlas.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include <stdio.h>
#include <unistd.h>

/* So many nets and places that each table grows once or more. */
static struct mmdb_writer *many_cities(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char net[32], city[32];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(net, sizeof net, "10.%u.%u.0/24", i / 256, i % 256);
		snprintf(city, sizeof city, "Town %u", i);
		mmdb_writer_net(w, net, mmdb_writer_nested(w, "NL", "NH", city, i / 10.0, 4.9));
	}
	return w;
}

struct reading {
	const char *city;
	struct atlas *atlas;
	struct fault why;
};

static void read_atlas(void *ctx)
{
	struct reading *r = ctx;

	r->atlas = atlas_read(&(struct atlas_opts){ &r->city, 1, NULL, 0 }, &r->why);
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += lseek(fd, 0, SEEK_CUR) >= 0;
	return n;
}

static void read_each(void *ctx)
{
	struct reading r = { .city = ctx };
	const unsigned before = open_files();
	const size_t mapped = failing_mapped();
	const bool ok = scope_run(read_atlas, &r) && r.atlas;

	CU_ASSERT_EQUAL(ok, failing_stop() == 0);
	CU_ASSERT_EQUAL(open_files(), before);
	if (ok) {
		CU_ASSERT_EQUAL(places_count(r.atlas->cities.places), 400);
		atlas_drop(r.atlas);
	}
	CU_ASSERT_EQUAL(failing_mapped(), mapped);
}

static void without_memory_it_is_not_read(void)
{
	struct mmdb_writer *w = many_cities();
	struct fault why;

	mmdb_writer_file(w);
	struct atlas *a = atlas_read(
		&(struct atlas_opts){ (const char *const[]){ w->path }, 1, NULL, 0 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	atlas_drop(a);
	CU_ASSERT_TRUE(failing_each(read_each, w->path) > 20);
	mmdb_writer_free(w);
}

struct holding {
	struct atlas *atlas;
};

static void hold_and_fail(void *ctx)
{
	struct holding *h = ctx;

	atlas_hold(h->atlas);
	places_hold(h->atlas->cities.places);
	netmap_hold(h->atlas->cities.map);
	netmap_hold(h->atlas->cities.map);
	netmap_drop(h->atlas->cities.map);
	scope_fail();
}

static void a_failed_work_leaves_the_counts_as_they_were(void)
{
	struct mmdb_writer *w = many_cities();
	struct reading r = { 0 };

	mmdb_writer_file(w);
	r.city = w->path;
	CU_ASSERT_TRUE_FATAL(scope_run(read_atlas, &r) && r.atlas);
	struct holding h = { r.atlas };
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_FALSE(scope_run(hold_and_fail, &h));
	CU_ASSERT_EQUAL(r.atlas->refs, 1);
	atlas_drop(r.atlas); /* the leak checker sees when some count was too high */
	mmdb_writer_free(w);
}

static void read_drop_and_fail(void *ctx)
{
	struct reading *r = ctx;

	read_atlas(r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->atlas);
	atlas_drop(r->atlas);
	scope_fail();
}

static void what_was_dropped_before_is_not_given_back_again(void)
{
	struct mmdb_writer *w = many_cities();

	mmdb_writer_file(w);
	CU_ASSERT_FALSE(scope_run(read_drop_and_fail, &(struct reading){ .city = w->path }));
	mmdb_writer_free(w);
}

void suite_atlas(void);
void suite_atlas(void)
{
	static const struct unit_case cases[] = {
		{ "without memory it is not read", without_memory_it_is_not_read },
		{ "a failed work leaves the counts as they were",
			a_failed_work_leaves_the_counts_as_they_were },
		{ "what was dropped before is not given back again",
			what_was_dropped_before_is_not_given_back_again },
	};

	unit_suite("geo/atlas", cases, UNIT_COUNT(cases));
}
