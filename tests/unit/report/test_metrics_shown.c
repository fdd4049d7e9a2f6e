#include "report/metrics_shown.h"

#include "net/choice_counts_new.h"
#include "unit/daemon/site.h"
#include "unit/unit.h"

#include <string.h>

struct desk {
	struct site site;
	struct parts parts;
	struct choice_counts *threads[2];
	struct metrics_shown shown;
};

/* a.example to d.example. */
static void open_desk(struct desk *d)
{
	memset(d, 0, sizeof *d);
	site_open(&d->site);
	site_put(&d->site, "zones/c.example.zone", SITE_ZONE(1, ""));
	site_put(&d->site, "zones/d.example.zone", SITE_ZONE(1, ""));
	d->parts = site_read(&d->site, NULL);
	CU_ASSERT_EQUAL_FATAL(d->parts.zones->n, 4);
	for (unsigned i = 0; i < 2; i++)
		d->threads[i] = choice_counts_new();
}

static void close_desk(struct desk *d)
{
	metrics_shown_fini(&d->shown);
	for (unsigned i = 0; i < 2; i++)
		choice_counts_free(d->threads[i]);
	parts_drop(&d->parts);
	site_close(&d->site);
}

static void ask(struct desk *d, unsigned thread, char zone, unsigned times)
{
	const struct registry *r = d->parts.zones;

	for (size_t i = 0; i < r->n; i++)
		while (r->zones[i]->origin[1] == (uint8_t)zone && times--)
			tally_keep(&d->threads[thread]->zones,
				choice_counts_zone(r->zones[i]->load.zone), 1);
}

/* Which are shown, by their first letters. */
static const char *scrape(struct desk *d, size_t most)
{
	static char names[8];
	const struct metrics_shown was = d->shown;

	d->shown = metrics_shown_next(&was, d->parts.zones,
		&(struct metrics_shown_counts){
			(const struct choice_counts *const *)d->threads, 2 },
		most);
	struct metrics_shown gone = was;
	metrics_shown_fini(&gone);
	memset(names, 0, sizeof names);
	for (size_t i = 0; i < d->shown.n; i++)
		names[i] = (char)d->shown.zones[i].id[1];
	return names;
}

static void those_asked_most_are_shown_and_the_rest_is_one_number(void)
{
	struct desk d;

	open_desk(&d);
	ask(&d, 0, 'a', 3);
	ask(&d, 0, 'b', 10);
	ask(&d, 1, 'b', 10);
	ask(&d, 1, 'c', 5);
	ask(&d, 0, 'd', 1);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 2), "bc");
	CU_ASSERT_EQUAL(d.shown.zones[0].queries, 20);
	CU_ASSERT_EQUAL(d.shown.zones[1].queries, 5);
	CU_ASSERT_EQUAL(d.shown.rest, 4);
	close_desk(&d);
}

static void all_are_shown_where_there_is_room_and_none_where_none_is_wanted(void)
{
	struct desk d;

	open_desk(&d);
	ask(&d, 0, 'a', 3);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 100), "abcd");
	CU_ASSERT_EQUAL(d.shown.rest, 0);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 0), "");
	close_desk(&d);
}

static void whatever_the_order_those_asked_most_are_found_and_of_equals_the_first(void)
{
	static const struct {
		unsigned of[4], most;
		const char *shown;
	} row[] = {
		{ { 4, 3, 2, 1 }, 3, "abc" }, { { 1, 2, 3, 4 }, 3, "bcd" }, { { 2, 4, 1, 3 }, 3, "abd" },
		{ { 2, 4, 1, 3 }, 2, "bd" }, { { 1, 4, 2, 3 }, 3, "bcd" }, { { 3, 3, 3, 3 }, 3, "abc" }, { { 1, 3, 3, 3 }, 2, "bc" },
		{ { 3, 1, 1, 3 }, 3, "abd" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		for (unsigned k = 0; k < 4; k++)
			ask(&d, k & 1, (char)('a' + k), row[i].of[k]);
		CU_ASSERT_STRING_EQUAL(scrape(&d, row[i].most), row[i].shown);
		close_desk(&d);
	}
}

static void who_is_shown_stays_until_another_is_far_ahead(void)
{
	struct desk d;

	open_desk(&d);
	ask(&d, 0, 'a', 10);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 1), "a");
	ask(&d, 0, 'b', 20);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 1), "a");
	ask(&d, 0, 'b', 2);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 1), "b");
	close_desk(&d);
}

/* A number that goes back looks like a restart, and all of it like new queries. */
static void the_rest_goes_on_evenly_when_one_comes_for_another(void)
{
	struct desk d;

	open_desk(&d);
	ask(&d, 0, 'a', 10);
	ask(&d, 0, 'b', 9);
	ask(&d, 0, 'c', 1);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 1), "a");
	CU_ASSERT_EQUAL(d.shown.rest, 10);
	ask(&d, 0, 'b', 91);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 1), "b"); /* a is one of the rest now: its 10 are not new */
	CU_ASSERT_EQUAL(d.shown.rest, 10 + 91);
	ask(&d, 0, 'a', 2);
	ask(&d, 0, 'c', 3);
	scrape(&d, 1);
	CU_ASSERT_EQUAL(d.shown.rest, 101 + 5);
	close_desk(&d);
}

static void a_zone_that_goes_is_no_jump_of_the_rest(void)
{
	struct desk d;

	open_desk(&d);
	ask(&d, 0, 'b', 10);
	ask(&d, 0, 'c', 10);
	CU_ASSERT_STRING_EQUAL(scrape(&d, 3), "abc");
	site_remove(&d.site, "zones/c.example.zone");
	struct parts now = site_read(&d.site, &d.parts);
	parts_drop(&d.parts);
	d.parts = now;
	CU_ASSERT_STRING_EQUAL(scrape(&d, 3), "abd");
	CU_ASSERT_EQUAL(d.shown.rest, 0);
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "those asked most are shown, and the rest is one number",
		those_asked_most_are_shown_and_the_rest_is_one_number },
	{ "all are shown where there is room, and none where none is wanted",
		all_are_shown_where_there_is_room_and_none_where_none_is_wanted },
	{ "whatever the order, those asked most are found, and of equals the first",
		whatever_the_order_those_asked_most_are_found_and_of_equals_the_first },
	{ "who is shown stays until another is far ahead",
		who_is_shown_stays_until_another_is_far_ahead },
	{ "the rest goes on evenly when one comes for another",
		the_rest_goes_on_evenly_when_one_comes_for_another },
	{ "a zone that goes is no jump of the rest", a_zone_that_goes_is_no_jump_of_the_rest },
};

void suite_metrics_shown(void);
void suite_metrics_shown(void)
{
	unit_suite("report/metrics_shown", cases, UNIT_COUNT(cases));
}
