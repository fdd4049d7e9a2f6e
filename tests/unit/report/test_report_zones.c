#include "report/report_zones.h"

#include "unit/daemon/site.h"
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define WRONG "$TTL 300\n@ SOA ns h 9 2 3 4 5\n@ NS ns\nns A not-an-address\n"

struct desk {
	struct site site;
	struct report_view view;
	struct text out;
};

/* a.example is as it was, b.example has become wrong, c.example was never right. */
static void open_desk(struct desk *d)
{
	struct faults f;

	memset(d, 0, sizeof *d);
	site_open(&d->site);
	struct parts first = site_read(&d->site, NULL);
	site_put(&d->site, "zones/b.example.zone", WRONG);
	site_put(&d->site, "zones/c.example.zone", WRONG);
	CU_ASSERT_TRUE_FATAL(site_try(&d->site, &first, &d->view.live, &f));
	faults_fini(&f);
	parts_drop(&first);
}

static void close_desk(struct desk *d)
{
	parts_drop(&d->view.live);
	text_fini(&d->out);
	site_close(&d->site);
}

static int report(struct desk *d, const char *text)
{
	char copy[128];
	const char *words[8];
	size_t n = 0;

	strcpy(copy, text);
	for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
		words[n++] = at;
	text_fini(&d->out);
	d->out = (struct text){ 0 };
	return report_zones(&d->view, words, n, &d->out);
}

static const char *said(const struct desk *d)
{
	return text_get(&d->out);
}

static unsigned lines(const struct desk *d)
{
	unsigned n = 0;

	for (const char *at = said(d); *at; at++)
		n += *at == '\n';
	return n;
}

static void all_zones_are_listed_with_what_is_wrong_below(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(report(&d, ""), 0);
	CU_ASSERT_EQUAL(lines(&d), 6); /* a head, three zones, two faults */
	CU_ASSERT_EQUAL(strncmp(said(&d), "ZONE ", 5), 0);
	const char *a = strstr(said(&d), "\na.example. "),
		   *b = strstr(said(&d), "\nb.example. "),
		   *c = strstr(said(&d), "\nc.example. ");
	CU_ASSERT_TRUE_FATAL(a && b && c && a < b && b < c);
	char state[16];
	unsigned serial, records;
	CU_ASSERT_EQUAL(sscanf(a, " a.example. file %15s %u %u", state, &serial, &records), 3);
	CU_ASSERT_STRING_EQUAL(state, "ready");
	CU_ASSERT_EQUAL(serial, 1);
	CU_ASSERT_EQUAL(records, d.view.live.zones->zones[0]->load.zone->records);
	CU_ASSERT_EQUAL(sscanf(b, " b.example. file %15s %u %u", state, &serial, &records), 3);
	CU_ASSERT_STRING_EQUAL(state, "faulty");
	CU_ASSERT_EQUAL(serial, 1); /* of what is served on */
	CU_ASSERT_EQUAL(strncmp(c + 43, "not loaded          -          - ", 33), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(b, "/zones/b.example.zone\n    "));
	CU_ASSERT_PTR_NOT_NULL(strstr(b, "b.example.zone:4:"));
	CU_ASSERT_PTR_NOT_NULL(strstr(c, "c.example.zone:4:"));
	close_desk(&d);
}

static void only_those_that_are_wrong_are_listed_when_it_is_asked(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(report(&d, "--faulty"), 0);
	CU_ASSERT_PTR_NULL(strstr(said(&d), "a.example"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&d), "\nb.example."));
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&d), "\nc.example."));
	CU_ASSERT_EQUAL(lines(&d), 5);
	close_desk(&d);
}

static void who_has_added_a_zone_and_where_it_comes_from_is_told(void)
{
	struct desk d;

	open_desk(&d);
	struct registry *r = d.view.live.zones;
	struct report_refresh refresh[3] = { { .doing = "waits",
		.checked_s = 1700000000,
		.transferred_s = 1700000001,
		.next_s = 1700000100,
		.expires_s = 1700009999,
		.incremental = true,
		.primary = "hidden (192.0.2.1:53)" } };
	r->zones[0]->added = registry_added_new(&(struct registry_added){
		.template = "hosted", .file = "", .uid = 7, .at_s = 1700000000 });
	d.view.refresh = refresh;
	CU_ASSERT_EQUAL(report(&d, "a.example"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&d),
		"    from hidden (192.0.2.1:53): waits; heard 2023-11-14T22:13:20Z; IXFR 2023-11-14T22:13:21Z; "
		"next 2023-11-14T22:15:00Z; expires 2023-11-15T00:59:59Z\n"
		"    added by user 7 at 2023-11-14T22:13:20Z, template hosted\n"));
	CU_ASSERT_EQUAL(report(&d, "a.example --json"), 0);
	json_t *o = json_loads(said(&d), 0, NULL);
	const json_t *primary = json_object_get(o, "primary"), *added = json_object_get(o, "added");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(primary, "by")), "IXFR");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(primary, "next")), "2023-11-14T22:15:00Z");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(added, "user")), 7);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(added, "template")), "hosted");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "source")), "file");
	json_decref(o);
	d.view.refresh = NULL;
	close_desk(&d);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "(none)";
}

static void the_same_is_told_as_json(void)
{
	struct desk d;
	json_error_t e;

	open_desk(&d);
	CU_ASSERT_EQUAL(report(&d, "--json"), 0);
	json_t *list = json_loads(said(&d), 0, &e);
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 3);
	const json_t *a = json_array_get(list, 0), *b = json_array_get(list, 1),
		     *c = json_array_get(list, 2);
	CU_ASSERT_STRING_EQUAL(text_of(a, "zone"), "a.example.");
	CU_ASSERT_STRING_EQUAL(text_of(a, "state"), "ready");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(a, "serial")), 1);
	CU_ASSERT_TRUE(json_integer_value(json_object_get(a, "bytes")) > 0);
	CU_ASSERT_STRING_EQUAL(text_of(a, "fault"), "(none)");
	CU_ASSERT_EQUAL(strlen(text_of(a, "since")), strlen("2026-01-01T00:00:00Z"));
	CU_ASSERT_STRING_EQUAL(text_of(a, "since"), text_of(a, "loaded"));
	CU_ASSERT_STRING_EQUAL(text_of(b, "state"), "faulty");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(b, "serial")), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(b, "fault"), "b.example.zone:4:"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(b, "file"), "/zones/b.example.zone"));
	CU_ASSERT_STRING_EQUAL(text_of(c, "state"), "not loaded");
	CU_ASSERT_PTR_NULL(json_object_get(c, "serial"));
	CU_ASSERT_PTR_NULL(json_object_get(c, "loaded"));
	json_decref(list);
	CU_ASSERT_EQUAL(report(&d, "--faulty --json"), 0);
	list = json_loads(said(&d), 0, &e);
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	json_decref(list);
	close_desk(&d);
}

static void none_that_is_wrong_is_an_empty_list(void)
{
	struct desk d;
	json_error_t e;

	open_desk(&d);
	parts_drop(&d.view.live);
	site_remove(&d.site, "zones/c.example.zone");
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(3, ""));
	d.view.live = site_read(&d.site, NULL);
	CU_ASSERT_EQUAL(report(&d, "--json --faulty"), 0);
	json_t *list = json_loads(said(&d), 0, &e);
	CU_ASSERT_TRUE(json_is_array(list) && json_array_size(list) == 0);
	json_decref(list);
	close_desk(&d);
}

static void one_is_told_by_its_name(void)
{
	struct desk d;
	json_error_t e;

	open_desk(&d);
	CU_ASSERT_EQUAL(report(&d, "B.Example"), 0);
	CU_ASSERT_EQUAL(strncmp(said(&d), "b.example. ", 11), 0);
	CU_ASSERT_EQUAL(lines(&d), 2);
	CU_ASSERT_EQUAL(report(&d, "--json a.example."), 0);
	json_t *o = json_loads(said(&d), 0, &e);
	CU_ASSERT_STRING_EQUAL(text_of(o, "zone"), "a.example.");
	json_decref(o);
	CU_ASSERT_EQUAL(report(&d, "w.a.example"), 1); /* a name in it is no zone */
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&d), "there is no zone w.a.example"));
	close_desk(&d);
}

static void wrong_words_are_not_taken(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(report(&d, "--all"), 2);
	CU_ASSERT_EQUAL(report(&d, "a.example b.example"), 2);
	CU_ASSERT_STRING_EQUAL(said(&d), ""); /* the usage is told by who runs it */
	CU_ASSERT_EQUAL(report(&d, "a..example"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&d), "a..example: as the name of a zone this "));
	close_desk(&d);
}

void suite_report_zones(void);
void suite_report_zones(void)
{
	static const struct unit_case cases[] = {
		{ "all zones are listed with what is wrong below",
			all_zones_are_listed_with_what_is_wrong_below },
		{ "only those that are wrong are listed when it is asked",
			only_those_that_are_wrong_are_listed_when_it_is_asked },
		{ "who has added a zone, and where it comes from, is told",
			who_has_added_a_zone_and_where_it_comes_from_is_told },
		{ "the same is told as JSON", the_same_is_told_as_json },
		{ "none that is wrong is an empty list", none_that_is_wrong_is_an_empty_list },
		{ "one is told by its name", one_is_told_by_its_name },
		{ "wrong words are not taken", wrong_words_are_not_taken },
	};

	unit_suite("report/report_zones", cases, UNIT_COUNT(cases));
}
