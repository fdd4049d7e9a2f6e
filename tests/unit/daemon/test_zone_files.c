#include "daemon/zone_files.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static void what_a_star_stands_for_is_the_zones_name(void)
{
	static const struct {
		const char *pattern, *file, *zone; /* NULL: no file of the pattern's */
	} row[] = {
		{ NULL, "example.com", "example.com" },
		{ NULL, "example.com.zone", "example.com" },
		{ NULL, ".example.com", NULL },
		{ NULL, ".zone", NULL },
		{ "db.*", "db.example.com", "example.com" },
		{ "db.*", "db.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa" },
		{ "db.*", "example.com", NULL },
		{ "db.*", "xdb.example.com", NULL },
		{ "*.zone", "example.com.zone", "example.com" },
		{ "*.zone", "example.com", NULL },
		{ "*.zone", ".hidden.zone", NULL },
		{ "*.db", "example.com.db", "example.com" },
		{ "*.hosts", "example.com.hosts", "example.com" },
		{ "pri.*.signed", "pri.example.com.signed", "example.com" },
		{ "zone_*", "zone_example.com.zone", "example.com" },
		{ "*.org", "example.org", "example.org" },
		{ "*.in-addr.arpa", "2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa" },
		{ "*.de", "example.de", "example.de" },
		{ "a*", "abc.org", "abc.org" },
		{ "[a-m]*", "abc.org.zone", "abc.org" },
		{ "[a-m]*", "xbc.org", NULL },
		{ "*", "example.com.zone", "example.com" },
		{ "example.???", "example.org", "example.org" },
		{ "db.*", "db.", "" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const bool match = zone_files_match(row[i].pattern, row[i].file);
		size_t len;
		CU_ASSERT_EQUAL(match, row[i].zone != NULL);
		if (!row[i].zone)
			continue;
		const char *from = zone_files_origin(row[i].pattern, row[i].file, &len);
		const bool right = len == strlen(row[i].zone) &&
			!memcmp(from, row[i].zone, len);
		if (!right)
			printf("\n    %s %s: %.*s\n", row[i].pattern, row[i].file, (int)len,
				from);
		CU_ASSERT(right);
	}
}

static void what_is_left_behind_is_known_by_its_name(void)
{
	static const char *const left[] = { "a.bak", "example.com.zone.bak", "a~", "a.zone~",
		"#a.zone#", "a.dpkg-old", "a.zone.dpkg-dist", "a.zone.rpmsave", "a.zone.orig",
		"a.zone.BAK", "a.zone.swp", "a.zone.jnl", "a.zone.new", "a.ucf-dist", "#x",
		"a.zone.1", "a.zone.12", "a.bak1", "a.zone.bak.2", "a.zone.old-2026-11-29", "a.OLD_3", "a.orig.20261129", "4913", "a.zone.2026-11-29", "a.bkp",
		"a.zone.disabled", "a.off", "a.zone.broken", "a.copy2", "a.zone (copy)", "a.zone - Copy", "a.zone,v" };
	static const char *const zones[] = { "example.com", "example.zone", "a.backup.org",
		"old.example", "x.old.zone", "bak", "2.0.192.in-addr.arpa", ".",
		"db.192.0.2", "192.0.2", "zone.1", "4914", "bak.1", "a.zon.1", "a.zones.1", "a.zone.1a", "a.bak1x", "a.b4k", "a.zone.-", "a.1", "off", "copy.org", "a.zone.-1" };

	for (size_t i = 0; i < UNIT_COUNT(left); i++)
		CU_ASSERT_TRUE(zone_files_leftover(left[i]));
	for (size_t i = 0; i < UNIT_COUNT(zones); i++)
		CU_ASSERT_FALSE(zone_files_leftover(zones[i]));
}

void suite_zone_files(void);
void suite_zone_files(void)
{
	static const struct unit_case cases[] = {
		{ "what a star stands for is the zone's name",
			what_a_star_stands_for_is_the_zones_name },
		{ "what is left behind is known by its name",
			what_is_left_behind_is_known_by_its_name },
	};

	unit_suite("daemon/zone_files", cases, UNIT_COUNT(cases));
}
