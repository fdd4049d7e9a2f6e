#include "daemon/regions.h"

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

#define CELLS(first, second) "\"cells\": [\n    \"" first "\",\n    \"" second "\"\n  ]"

static struct house h;

/* Four nets of equal size: three in one cell, of two places, and one in another. */
static void put_database(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char path[200];

	mmdb_writer_net(w, "8.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Here", 51, 4));
	mmdb_writer_net(w, "9.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Beside", 51.4, 4.1));
	mmdb_writer_net(w, "11.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "There", 41, -75));
	mmdb_writer_net(w, "12.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Near", 51, 4));
	mmdb_writer_file(w);
	snprintf(path, sizeof path, "%s/city.mmdb", h.site.folder);
	FILE *f = fopen(path, "we");
	fwrite(w->file, 1, w->file_len, f);
	fclose(f);
	mmdb_writer_free(w);
}

static void cells_have_who_answers_now_and_then(void)
{
	static const struct {
		const char *command;
		int status;
		const char *want[3];
	} row[] = {
		/* Rows and columns of 1.5 degrees from the south pole and the date line: edge now, edge then, millionths. */
		{ "regions web --json", 0,
			{ CELLS("87 70 1 1 250000", "94 122 0 0 750000"), "\"cell_degrees\": 1.5", "\"ipv6\": false" } },
		{ "regions web --json --drain ams", 0, { CELLS("87 70 1 1 250000", "94 122 0 1 750000"), "ams drain" } },
		{ "regions web --json --down nyc", 0, { CELLS("87 70 1 0 250000", "94 122 0 0 750000"), "nyc down" } },
		{ "regions web --json --down nyc --up nyc", 0, { CELLS("87 70 1 1 250000", "94 122 0 0 750000") } },
		{ "regions web --ipv6", 1, { "the GeoIP files know no place" } },
		{ "regions web", 0, { "every IPv4 address that GeoIP has a place for" } },
		{ "regions nope", 1, { "there is no pool \"nope\"" } },
		{ "regions web --down nope", 1, { "there is no edge \"nope\"" } },
		{ "regions web --stage", 1, { "nothing is staged" } },
		{ "regions web --stage --down nyc", 2, { NULL } },
		{ "regions", 2, { NULL } },
	};

	house_open(&h, CONF);
	put_database();
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *said = house_tell(&h, row[i].command);
		bool right = h.status == row[i].status;
		for (unsigned k = 0; k < UNIT_COUNT(row[i].want) && row[i].want[k]; k++)
			right = right && strstr(said, row[i].want[k]);
		if (!right) {
			printf("%s: %d\n%s\n", row[i].command, h.status, said);
			CU_FAIL(row[i].command);
		}
	}
	house_stop(&h);
	house_close(&h);
}

void suite_regions(void);
void suite_regions(void)
{
	static const struct unit_case cases[] = {
		{ "cells have who answers now and then", cells_have_who_answers_now_and_then },
	};

	unit_suite("daemon/regions", cases, UNIT_COUNT(cases));
}
