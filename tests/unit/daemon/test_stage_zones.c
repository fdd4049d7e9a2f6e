#include "daemon/stage_zones.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct house h;

/* A zone that is signed, with a name that a pool answers. `more` is of the edge. */
static void configure(const char *more)
{
	char conf[700];

	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"zones: [ { name: s.example, file: s.zone, dnssec: auto } ]\n"
		"edges: { ams: { at: \"52,5\", a: 192.0.2.1%s } }\npools: { web: { edges: [ ams ] } }\n",
		serving_port(&h.at), more);
	site_put(&h.site, "t.yaml", conf);
}

static void open_house(void)
{
	house_open(&h, "");
	site_put(&h.site, "s.zone", SITE_ZONE(1, "w EDGE web\nplain A 192.0.2.9\n"));
	configure("");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (unsigned i = 0; i < 1000 && !strstr(house_tell(&h, "dnssec status s.example"), "state          signed"); i++)
		house_pass(&h, 0.01);
}

/* The types that the name w has by its NSEC, as the zone is exported. */
static const char *types(void)
{
	static char text[400];
	const char *at = house_tell(&h, "zone export s.example");

	text[0] = 0;
	for (; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		const size_t len = strcspn(at, "\n");
		char line[400];
		snprintf(line, sizeof line, "%.*s", (int)len, at);
		if (strncmp(line, "w", 1) == 0 && (line[1] == '.' || line[1] == ' ' || line[1] == '\t') && strstr(line, "NSEC") && !strstr(line, "RRSIG\tNSEC") &&
			!strstr(line, "RRSIG NSEC "))
			snprintf(text, sizeof text, "%s", strstr(line, "NSEC"));
	}
	return text;
}

static void types_of_a_stage_stand_in_the_denial_before_it_answers(void)
{
	open_house();
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " A "));
	CU_ASSERT_PTR_NULL(strstr(types(), " AAAA "));
	configure(", aaaa: \"2001:db8::1\"");
	house_tell(&h, "reload --stage 5%");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " A "));
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " AAAA "));
	house_tell(&h, "reload --promote");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " AAAA "));
	/* And of one without: what is answered still is not denied. */
	configure("");
	house_tell(&h, "reload --stage 5%");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " AAAA "));
	house_tell(&h, "reload --rollback");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(types(), " AAAA "));
	house_stop(&h);
	house_close(&h);
}

/* `n` zones of the store whose names are handed to a pool of `edge`. */
static void configure_many(unsigned n, const char *edge)
{
	struct text conf = { 0 };

	text_addf(&conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"edges: { e: { %s }, one: { a: 192.0.2.1 } }\npools: { web: { edges: [ e ], policy: ordered }, one: { edges: [ one ], policy: ordered } }\nzones:\n",
		serving_port(&h.at), edge);
	for (unsigned i = 0; i < n; i++)
		text_addf(&conf, "  - { name: z%u.example, file: z.zone, write-back: store }\n", i);
	site_put(&h.site, "t.yaml", text_get(&conf));
	text_fini(&conf);
}

#define CNAME "cname: cdn.example.net"

static void a_cname_beside_other_data_is_refused_however_many_zones_have_it(void)
{
	house_open(&h, "");
	site_put(&h.site, "z.zone", SITE_ZONE(1, "w EDGE web\nw TXT x\n"));
	configure_many(60, "a: 192.0.2.1");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	configure_many(60, CNAME);
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&h.out), "pool web may answer with the cname of an edge now"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.z59.example"), "192.0.2.1");
	house_stop(&h);
	house_close(&h);
}

static void a_change_under_a_stage_is_right_for_both(void)
{
	static const struct house_said row[] = {
		{ "reload --stage 50%", 0, "" },
		{ "zone begin z0.example", 0, "" },
		{ "zone set z0.example w 60 TXT x", 0, "" },
		{ "zone commit z0.example", 1, "cname" },
		{ "zone abort z0.example", 0, "" },
		{ "zone begin z0.example", 0, "" },
		{ "zone set z0.example more 60 EDGE one", 0, "" },
		{ "zone set z0.example more 60 TXT x", 0, "" },
		{ "zone commit z0.example", 0, "" },
		{ "zone add new.example %s/new.zone", 0, "" }, /* read by what is served */
		{ "reload --promote", 1, "pool web may answer with the cname of an edge now" },
		{ "zone remove new.example", 0, "" },
		{ "reload --promote", 0, "" },
	};

	house_open(&h, "");
	site_put(&h.site, "z.zone", SITE_ZONE(1, "w EDGE web\n"));
	site_put(&h.site, "new.zone", SITE_ZONE(1, "w EDGE web\nw TXT x\n"));
	configure_many(1, "a: 192.0.2.1");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	configure_many(1, CNAME);
	house_say(&h, row, UNIT_COUNT(row));
	house_stop(&h);
	house_close(&h);
}

void suite_stage_zones(void);
void suite_stage_zones(void)
{
	static const struct unit_case cases[] = {
		{ "a CNAME beside other data is refused, however many zones have it", a_cname_beside_other_data_is_refused_however_many_zones_have_it },
		{ "a change under a stage is right for both", a_change_under_a_stage_is_right_for_both },
		{ "types of a stage stand in the denial before it answers", types_of_a_stage_stand_in_the_denial_before_it_answers },
	};

	unit_suite("daemon/stage_zones", cases, UNIT_COUNT(cases));
}
