#include "daemon/write_back.h"

#include "base/clock.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct house h;

static void open_house(void)
{
	char conf[300];

	house_open(&h, "");
	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"zones: [ { name: s.example, file: s.zone, write-back: sync } ]\n",
		serving_port(&h.at));
	site_put(&h.site, "t.yaml", conf);
	site_put(&h.site, "s.zone", SITE_ZONE(1, "w A 192.0.2.1\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static const char *path_of_zone(void)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/s.zone", h.site.folder);
	return path;
}

static const char *file(void)
{
	static char text[4000];
	FILE *f = fopen(path_of_zone(), "re");
	const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

static unsigned mode(void)
{
	struct stat st;

	return stat(path_of_zone(), &st) == 0 ? st.st_mode & 0777 : 0;
}

static json_int_t number(const char *key)
{
	json_t *o = json_loads(house_tell(&h, "status --json"), 0, NULL), *server = json_object_get(o, "server");
	const json_t *v = json_object_get(server ? server : o, key);

	CU_ASSERT_TRUE(json_is_integer(v));
	const json_int_t n = json_integer_value(v);
	json_decref(o);
	return n;
}

#define SET(address) \
	{ "zone begin s.example", 0, "" }, { "zone set s.example new 60 A " address, 0, "" }, { "zone commit s.example", 0, "s.example.: serial " }

static void a_change_is_written_in_the_place_of_the_file(void)
{
	static const struct house_said change[] = { SET("192.0.2.77"), { "zone sync s.example", 0, "" } }, same[] = { { "zone sync s.example", 0, "" } },
				       next[] = { SET("192.0.2.78"), { "zone sync s.example", 0, "" }, { "zone status s.example", 0, "serial         3" } };

	open_house();
	CU_ASSERT_EQUAL(chmod(path_of_zone(), 0600), 0);
	house_say(&h, change, UNIT_COUNT(change));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.77"));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.1"));
	CU_ASSERT_EQUAL(mode(), 0600);
	const json_int_t written = number("files_written");
	CU_ASSERT_TRUE(written >= 1);
	/* What stands there already is not written again, nor noted in the store. */
	house_pass(&h, 0.05);
	const json_int_t steps = number("store_commits");
	house_say(&h, same, UNIT_COUNT(same));
	CU_ASSERT_EQUAL(number("files_written"), written);
	CU_ASSERT_EQUAL(number("store_commits"), steps);
	/* By an order at once, however soon after the one before. */
	house_say(&h, next, UNIT_COUNT(next));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.78"));
	CU_ASSERT_EQUAL(number("files_written"), written + 1);
	CU_ASSERT_EQUAL(number("files_edited") + number("files_failed"), 0);
	close_house();
}

/* Nobody asks: at once, and then not sooner than a second later. */
static void changes_are_written_by_themselves_now_and_then(void)
{
	static const struct house_said first[] = { SET("192.0.2.77") }, next[] = { SET("192.0.2.78") };

	open_house();
	house_say(&h, first, UNIT_COUNT(first));
	for (unsigned i = 0; i < 2000 && !strstr(file(), "192.0.2.77"); i++)
		house_pass(&h, 0.005);
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.77"));
	const double written = clock_seconds();
	house_say(&h, next, UNIT_COUNT(next));
	house_pass(&h, 0.1);
	const bool soon = strstr(file(), "192.0.2.78");
	CU_ASSERT_TRUE(!soon || clock_seconds() - written > 0.9);
	for (unsigned i = 0; i < 2000 && !strstr(file(), "192.0.2.78"); i++)
		house_pass(&h, 0.005);
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.78"));
	close_house();
}

static void what_somebody_has_changed_is_not_written_over(void)
{
	static const struct house_said change[] = { SET("192.0.2.77"), { "zone sync s.example", 0, "" } },
				       again[] = { SET("192.0.2.79"), { "zone sync s.example", 1, "s.zone was changed since it was written: a reload takes that" },
					       { "zone status s.example", 0, "was changed since it was written" } },
				       take[] = { { "reload", 0, "" }, { "zone export s.example", 0, "192.0.2.50" }, { "zone export s.example", 0, "192.0.2.79" },
					       { "zone sync s.example", 0, "" } },
				       discard[] = { { "zone sync s.example", 1, "was changed since" }, { "zone sync s.example --discard", 0, "" },
					       { "zone export s.example", 0, "!192.0.2.51" } };
	char text[4000];

	open_house();
	house_say(&h, change, UNIT_COUNT(change));
	snprintf(text, sizeof text, "%sby-hand A 192.0.2.50\n", file());
	site_put(&h.site, "s.zone", text);
	house_say(&h, again, UNIT_COUNT(again));
	CU_ASSERT_STRING_EQUAL(file(), text);
	CU_ASSERT_EQUAL(number("files_edited"), 1);
	/* A reload makes a change of it; the change of before stays. */
	house_say(&h, take, UNIT_COUNT(take));
	CU_ASSERT_TRUE(strstr(file(), "192.0.2.50") && strstr(file(), "192.0.2.79"));
	CU_ASSERT_EQUAL(number("files_edited"), 0);
	/* Who gives it up says so. */
	snprintf(text, sizeof text, "%sby-hand A 192.0.2.51\n", file());
	site_put(&h.site, "s.zone", text);
	house_say(&h, discard, UNIT_COUNT(discard));
	CU_ASSERT_PTR_NULL(strstr(file(), "192.0.2.51"));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.50"));
	CU_ASSERT_EQUAL(number("files_edited"), 0);
	close_house();
}

static void what_cannot_be_read_is_told_and_stays(void)
{
	static const struct house_said change[] = { SET("192.0.2.77"), { "zone sync s.example", 0, "" } },
				       wrong[] = { { "zone sync s.example", 1, "s.zone:1:" }, { "zone status s.example", 0, "s.zone:1:" } },
				       discard[] = { { "zone sync s.example --discard", 0, "" } }, next[] = { SET("192.0.2.80"), { "zone sync s.example", 0, "" } };

	open_house();
	house_say(&h, change, UNIT_COUNT(change));
	site_put(&h.site, "s.zone", "no zone at all\n");
	house_say(&h, wrong, UNIT_COUNT(wrong));
	CU_ASSERT_STRING_EQUAL(file(), "no zone at all\n");
	house_say(&h, discard, UNIT_COUNT(discard));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.77"));
	/* One that is gone is written anew, for all to read. */
	site_remove(&h.site, "s.zone");
	house_say(&h, next, UNIT_COUNT(next));
	CU_ASSERT_PTR_NOT_NULL(strstr(file(), "192.0.2.80"));
	CU_ASSERT_EQUAL(mode(), 0644);
	close_house();
}

void suite_write_back(void);
void suite_write_back(void)
{
	static const struct unit_case cases[] = {
		{ "a change is written in the place of the file", a_change_is_written_in_the_place_of_the_file },
		{ "changes are written by themselves, now and then", changes_are_written_by_themselves_now_and_then },
		{ "what somebody has changed is not written over", what_somebody_has_changed_is_not_written_over },
		{ "what cannot be read is told, and stays", what_cannot_be_read_is_told_and_stays },
	};

	unit_suite("daemon/write_back", cases, UNIT_COUNT(cases));
}
