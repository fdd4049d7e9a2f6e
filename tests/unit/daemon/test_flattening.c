#include "daemon/flattening.h"

#include "unit/daemon/houses.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>

/* Edges of the first have the addresses of names of the second. */
static struct houses hs;

static void configure_first(void)
{
	char text[1000];

	snprintf(text, sizeof text,
		"store: { file: w.db }\nresolver: { at: \"127.0.0.1:%u\", ttl: 1s-1h }\n"
		"edges:\n  ams: { at: \"52,5\", flatten: cdn.c.example }\n  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
		"  gone: { at: \"0,1\", flatten: gone.c.example }\n"
		"pools: { web: { edges: [ ams, nyc ], policy: ordered }, none: { edges: [ gone ], policy: ordered } }\n",
		serving_port(&hs.two.at));
	house_configure(&hs.one, text);
	site_put(&hs.one.site, "zones/a.example.zone", SITE_ZONE(1, "w 60 EDGE web\nn EDGE none\n"));
}

static void open_both(void)
{
	house_open(&hs.two, "");
	site_remove(&hs.two.site, "zones/a.example.zone");
	site_put(&hs.two.site, "zones/c.example.zone", SITE_ZONE(1, "cdn 1 A 192.0.2.71\ncdn 1 A 192.0.2.72\ncdn 1 AAAA 2001:db8::7\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	house_open(&hs.one, "");
	configure_first();
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
}

static void close_both(void)
{
	house_stop(&hs.two);
	house_stop(&hs.one);
	house_close(&hs.one);
	house_close(&hs.two);
}

static void an_edge_has_the_addresses_of_a_name_and_keeps_them(void)
{
	open_both();
	houses_wait_address(&hs, &hs.one, "w.a.example", "192.0.2.71 192.0.2.72");
	houses_told(&hs.one, "edges", 0, "\nams              up     config       52.0000    5.0000    2    1  flattens cdn.c.example.\n");
	houses_told(&hs.one, "edges --json", 0, "\"flatten\": \"cdn.c.example.\",\n    \"flatten_ttl_s\": 1,\n");
	houses_wait(&hs, &hs.one, "edges", "\ngone             down   config        0.0000    1.0000    0    0  flattens gone.c.example.\n");
	houses_wait(&hs, &hs.one, "status --json", "\"flatten_names\": 2,\n  \"flatten_unresolved\": 0,\n  \"flatten_kept\": 0,\n  \"flatten_failing\": 0,");
	/* Another one is taken when the TTL of the former has gone by. */
	site_put(&hs.two.site, "zones/c.example.zone", SITE_ZONE(2, "cdn 1 A 192.0.2.73\n"));
	houses_told(&hs.two, "reload", 0, "");
	houses_wait_address(&hs, &hs.one, "w.a.example", "192.0.2.73");
	/* While nobody can say it stays, over a start, too. */
	site_remove(&hs.two.site, "zones/c.example.zone");
	houses_told(&hs.two, "reload --force", 0, "");
	houses_wait(&hs, &hs.one, "status --json", "\"flatten_failing\": 2,");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.one, "w.a.example"), "192.0.2.73");
	house_stop(&hs.one);
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	houses_wait_address(&hs, &hs.one, "w.a.example", "192.0.2.73");
	houses_told(&hs.one, "status --json", 0, "\"flatten_names\": 2,\n  \"flatten_unresolved\": 0,\n  \"flatten_kept\": 2,\n");
	/* And ends when somebody can. */
	site_put(&hs.two.site, "zones/c.example.zone", SITE_ZONE(3, "cdn 1 A 192.0.2.74\n"));
	houses_told(&hs.two, "reload", 0, "");
	houses_wait_address(&hs, &hs.one, "w.a.example", "192.0.2.74");
	houses_wait(&hs, &hs.one, "status --json", "\"flatten_kept\": 0,\n  \"flatten_failing\": 0,");
	close_both();
}

void suite_flattening(void);
void suite_flattening(void)
{
	static const struct unit_case cases[] = {
		{ "an edge has the addresses of a name, and keeps them", an_edge_has_the_addresses_of_a_name_and_keeps_them },
	};

	unit_suite("daemon/flattening", cases, UNIT_COUNT(cases));
}
