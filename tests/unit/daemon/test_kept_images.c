#include "daemon/kept_images.h"

#include "base/text.h"
#include "conf/conf.h"
#include "unit/daemon/house.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"
#include "zone/keyset.h"
#include "zone/view.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- names and kinds ---------------------------------------------------------------------- */

static void each_zone_of_a_file_has_a_name_of_its_own(void)
{
	static const struct {
		const char *apex, *class, *file;
	} row[] = {
		{ "\7example", NULL, "/z/a" },
		{ "\7example", NULL, "/z/b" },
		{ "\7exampld", NULL, "/z/a" },
		{ "\3sub\7example", NULL, "/z/a" },
		{ "\7example", "office", "/z/a" },
		{ "\7example", "home", "/z/a" },
		{ "\3sub\7example", "office", "/z/a" },
		{ "", NULL, "/z/a" },
	};
	char to[UNIT_COUNT(row)][KEPT_PATH], again[KEPT_PATH];
	uint8_t id[NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_TRUE(view_id(id, (const uint8_t *)row[i].apex, row[i].class));
		CU_ASSERT_TRUE(kept_images_zone(to[i], "/images", id, row[i].file));
		CU_ASSERT_TRUE(kept_images_zone(again, "/images", id, row[i].file));
		CU_ASSERT_STRING_EQUAL(to[i], again);
		/* 32 digits, which are what a sweep knows them by. */
		CU_ASSERT_EQUAL(strncmp(to[i], "/images/", 8), 0);
		CU_ASSERT_EQUAL(strspn(to[i] + 8, "0123456789abcdef"), 32);
		CU_ASSERT_STRING_EQUAL(to[i] + 40, ".kept");
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(to[i], to[k]);
	}
}

static void a_path_that_is_too_long_is_none(void)
{
	static char dir[KEPT_PATH];
	char to[KEPT_PATH];

	memset(dir, 'd', sizeof dir - 1);
	/* "/geoip.kept" is 11 bytes, "/rankings.kept" 14, that of a zone 38; the path ends in a NUL. */
	dir[KEPT_PATH - 1 - 11] = 0;
	CU_ASSERT_TRUE(kept_images_geo(to, dir));
	CU_ASSERT_EQUAL(strlen(to), KEPT_PATH - 1);
	CU_ASSERT_FALSE(kept_images_ranks(to, dir));
	CU_ASSERT_FALSE(kept_images_zone(to, dir, (const uint8_t *)"\7example", "f"));
	dir[KEPT_PATH - 1 - 11] = 'd';
	dir[KEPT_PATH - 11] = 0;
	CU_ASSERT_FALSE(kept_images_geo(to, dir));
	dir[KEPT_PATH - 1 - 38] = 0;
	CU_ASSERT_TRUE(kept_images_zone(to, dir, (const uint8_t *)"\7example", "f"));
	dir[KEPT_PATH - 1 - 14] = 0;
	CU_ASSERT_TRUE(kept_images_ranks(to, dir));
}

static void what_is_signed_is_kept_where_it_comes_of_its_file_and_keys_alone(void)
{
	static const char *const program[] = { "x", NULL };
	static const struct conf_rule row[] = { { .stored = true }, { .n_primaries = 1 }, { .fleet = true }, { .zonemd = ZONEMD_SHA384 },
		{ .verify.program = program }, { .verify.zonemd = true } };
	struct keyset plain = { .n = 0 }, digest = { .policy.zonemd = ZONEMD_SHA384 };

	CU_ASSERT_TRUE(kept_images_signed(&(struct conf_rule){ .dnssec = 1, .n_notify = 1, .synced = false }, &plain));
	CU_ASSERT_FALSE(kept_images_signed(&(struct conf_rule){ .dnssec = 1 }, &digest));
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_FALSE(kept_images_signed(&row[i], &plain));
}

/* --- a server that starts again ----------------------------------------------------------- */

static struct house h;

static void put(const char *name, const char *text)
{
	site_put(&h.site, name, text);
}

static void put_large(unsigned last)
{
	struct text zone = { 0 };

	text_add(&zone, SITE_ZONE(1, "w EDGE web\n"));
	for (unsigned i = 0; i < 7000; i++)
		text_addf(&zone, "h%u A 192.0.2.%u\n", i, i % 250);
	text_addf(&zone, "last A 192.0.2.%u\n", last);
	put("zones/large.example.zone", text_get(&zone));
	text_fini(&zone);
}

static void put_database(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char path[200];

	mmdb_writer_net(w, "8.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Here", 51, 4));
	mmdb_writer_net(w, "11.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "There", 41, -75));
	mmdb_writer_file(w);
	snprintf(path, sizeof path, "%s/city.mmdb", h.site.folder);
	FILE *f = fopen(path, "we");
	fwrite(w->file, 1, w->file_len, f);
	fclose(f);
	mmdb_writer_free(w);
}

/* How many files of the folder end so; `name`: the last of them. */
static unsigned count(const char *ends, char name[static 300])
{
	char path[100];
	const struct dirent *e;
	unsigned n = 0;

	snprintf(path, sizeof path, "%s/images", h.site.folder);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		const size_t len = strlen(e->d_name), k = strlen(ends);
		if (len < k || strcmp(e->d_name + len - k, ends) != 0)
			continue;
		snprintf(name, 300, "%s", e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static bool is_there(const char *name)
{
	char path[400];

	snprintf(path, sizeof path, "%s/images/%s", h.site.folder, name);
	return access(path, F_OK) == 0;
}

/* Until so many are kept. */
static bool keeps(unsigned n)
{
	char name[300];

	for (unsigned i = 0; i < 1500 && (count(".kept", name) != n || is_there("0123456789abcdef0123456789abcdef.kept.new")); i++)
		house_pass(&h, 0.02);
	return count(".kept", name) == n;
}

/* What is settled is kept: nothing that was written a moment ago. */
static void age(const char *name)
{
	const struct timespec long_ago[2] = { { 1700000000, 0 }, { 1700000000, 0 } };
	char path[400];

	snprintf(path, sizeof path, "%s/%s", h.site.folder, name);
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, long_ago, 0), 0);
}

static void the_next_start_has_what_was_kept(void)
{
	static const char *const strays[] = { "images/0123456789abcdef0123456789abcdef.kept", "images/0123456789abcdef0123456789abcdef.kept.new",
		"images/geoip.kept", "images/rankings.kept.new", "images/0123456789abcdef0123456789abcde.kept", "images/geoip.mmdb", "images/0123456789abcdef0123456789abcdef.kept.old" };
	char path[100];

	house_open(&h, "store: { file: w.db, images: images }\ngeoip: { city: { file: city.mmdb } }\n" SITE_EDGES SITE_POOLS);
	put_database();
	put_large(1);
	age("city.mmdb");
	age("zones/large.example.zone");
	snprintf(path, sizeof path, "%s/images", h.site.folder);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	for (size_t i = 0; i < UNIT_COUNT(strays); i++)
		put(strays[i], "x");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NULL(strstr(house_log(&h), "as they were kept"));
	/* The large zone, and neither small zones nor such a small database. A name of a digit less is none of ours. */
	CU_ASSERT_TRUE(keeps(2));
	for (size_t i = 0; i < UNIT_COUNT(strays); i++)
		CU_ASSERT_EQUAL(is_there(strays[i] + 7), i >= 4);
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	const char *said = house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "zones: 1 as they were kept"));
	CU_ASSERT_PTR_NULL(strstr(said, "GeoIP files: as they were kept"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "last.large.example"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "h6999.large.example"), "192.0.2.249");
	CU_ASSERT_TRUE(*house_ask(&h, "w.large.example") != 'r');
	house_stop(&h);
	/* Another file is read. */
	put_large(2);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	said = house_log(&h);
	CU_ASSERT_PTR_NULL(strstr(said, "zones: 1 as they were kept"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "last.large.example"), "192.0.2.2");
	house_stop(&h);
	house_close(&h);
}

void suite_kept_images(void);
void suite_kept_images(void)
{
	static const struct unit_case cases[] = {
		{ "each zone of a file has a name of its own", each_zone_of_a_file_has_a_name_of_its_own },
		{ "a path that is too long is none", a_path_that_is_too_long_is_none },
		{ "what is signed is kept where it comes of its file and keys alone", what_is_signed_is_kept_where_it_comes_of_its_file_and_keys_alone },
		{ "the next start has what was kept", the_next_start_has_what_was_kept },
	};

	unit_suite("daemon/kept_images", cases, UNIT_COUNT(cases));
}
