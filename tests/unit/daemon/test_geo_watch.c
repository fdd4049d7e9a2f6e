#include "daemon/geo_watch.h"

#include "unit/daemon/house.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF                                        \
	"edges:\n"                                  \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"   \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n" \
	"pools: { web: { edges: [ ams, nyc ] } }\n" \
	"geoip: { city: { file: city.mmdb } }\n"

static struct house h;

/* A database in which 8.0.0.0/8 is there. */
static void put_database(double lat, double lon)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char path[200], beside[200];

	mmdb_writer_net(
		w, "8.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Somewhere", lat, lon));
	mmdb_writer_file(w);
	snprintf(path, sizeof path, "%s/city.mmdb", h.site.folder);
	snprintf(beside, sizeof beside, "%s/new.mmdb", h.site.folder);
	FILE *f = fopen(beside, "we");
	fwrite(w->file, 1, w->file_len, f);
	fclose(f);
	if (rename(beside, path) != 0)
		abort();
	mmdb_writer_free(w);
}

static bool goes_to(const char *address)
{
	const char *said = house_tell(&h, "explain w.a.example --client 8.1.2.0/24");

	return strstr(said, address) != NULL;
}

static void files_that_change_are_read_anew(void)
{
	house_open(&h, CONF);
	put_database(51, 4);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(goes_to("192.0.2.1"));
	/* One that is wrong is told, and what was there before stays. */
	site_put(&h.site, "city.mmdb", "no database");
	CU_ASSERT_TRUE(house_logs(&h, "; the GeoIP data from before stays"));
	CU_ASSERT_TRUE(goes_to("192.0.2.1"));
	put_database(41, -75);
	CU_ASSERT_TRUE(house_logs(&h, "GeoIP files have changed and were read anew"));
	/* The one before was told once, and not read again before it changed. */
	CU_ASSERT_PTR_NULL(strstr(h.said, "from before stays"));
	house_pass(&h, 0.05);
	CU_ASSERT_TRUE(goes_to("192.0.2.2"));
	house_stop(&h);
	house_close(&h);
}

static const struct unit_case cases[] = {
	{ "files that change are read anew", files_that_change_are_read_anew },
};

void suite_geo_watch(void);
void suite_geo_watch(void)
{
	unit_suite("daemon/geo_watch", cases, UNIT_COUNT(cases));
}
