#include "daemon/secondaries.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* One server has the zone as a file, the other fetches it. The first answers by its worker while the loop of the second turns. */
static struct house primary, secondary;

static void configure(void)
{
	char conf[500];

	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nzones: [ { name: t.example, file: t.zone, transfer: any } ]\n",
		serving_port(&primary.at));
	site_put(&primary.site, "t.yaml", conf);
	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\npeers: { pri: { at: \"127.0.0.1:%u\" } }\n"
		"zones: [ { name: t.example, primary: pri } ]\n",
		serving_port(&secondary.at), serving_port(&primary.at));
	site_put(&secondary.site, "t.yaml", conf);
}

static bool comes(const char *name, const char *answer)
{
	for (unsigned i = 0; i < 1500; i++) {
		if (strcmp(house_ask(&secondary, name), answer) == 0)
			return true;
		house_pass(&secondary, 0.02);
	}
	return false;
}

/* Until the command's answer has it; what is shown follows what is served. */
static bool tells(const char *words, const char *has)
{
	for (unsigned i = 0; i < 1500; i++) {
		if (strstr(house_tell(&secondary, words), has))
			return true;
		house_pass(&secondary, 0.02);
	}
	printf("%s: %s\n", words, text_get(&secondary.out));
	return false;
}

static void a_zone_is_fetched_and_kept(void)
{
	house_open(&primary, "");
	house_open(&secondary, "");
	configure();
	site_put(&primary.site, "t.zone", SITE_ZONE(1, "www A 192.0.2.1\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&primary));
	CU_ASSERT_TRUE_FATAL(house_start(&secondary));
	CU_ASSERT_TRUE(comes("www.t.example", "192.0.2.1"));
	CU_ASSERT_TRUE(tells("zone status t.example", "source         primary"));
	CU_ASSERT_TRUE(tells("zone status t.example", "serial         1"));
	CU_ASSERT_TRUE(tells("zone status t.example", "... by         AXFR"));
	/* What is newer comes when the primary is asked; what is not changes nothing. */
	site_put(&primary.site, "t.zone", SITE_ZONE(2, "www A 192.0.2.2\n"));
	house_tell(&primary, "reload");
	CU_ASSERT_EQUAL(primary.status, 0);
	house_tell(&secondary, "zone refresh t.example");
	CU_ASSERT_EQUAL(secondary.status, 0);
	CU_ASSERT_TRUE(comes("www.t.example", "192.0.2.2"));
	CU_ASSERT_TRUE(tells("zone status t.example", "serial         2"));
	site_put(&primary.site, "t.zone", SITE_ZONE(1, "www A 192.0.2.3\n"));
	house_tell(&primary, "reload");
	house_tell(&secondary, "zone refresh t.example");
	house_pass(&secondary, 0.3);
	CU_ASSERT_STRING_EQUAL(house_ask(&secondary, "www.t.example"), "192.0.2.2");
	/* Whole, an older one is taken, too. */
	house_tell(&secondary, "zone retransfer t.example");
	CU_ASSERT_EQUAL(secondary.status, 0);
	CU_ASSERT_TRUE(comes("www.t.example", "192.0.2.3"));
	for (unsigned i = 0; i < 500 && strstr(house_tell(&secondary, "jobs"), "store"); i++)
		house_pass(&secondary, 0.02);
	/* It is there at once after a restart, while the primary is away. */
	house_stop(&secondary);
	house_stop(&primary);
	CU_ASSERT_TRUE_FATAL(house_start(&secondary));
	CU_ASSERT_STRING_EQUAL(house_ask(&secondary, "www.t.example"), "192.0.2.3");
	CU_ASSERT_TRUE(tells("zone status t.example", "failures"));
	house_stop(&secondary);
	house_close(&secondary);
	house_close(&primary);
}

static const struct unit_case cases[] = {
	{ "a zone is fetched and kept", a_zone_is_fetched_and_kept },
};

void suite_secondaries(void);
void suite_secondaries(void)
{
	unit_suite("daemon/secondaries", cases, UNIT_COUNT(cases));
}
