#include "daemon/plain_making.h"

#include "unit/daemon/houses.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The first is the primary of the second, which knows no pools. */
static struct houses hs;

static void configure_first(const char *edges, const char *as)
{
	char text[1600];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"peers: { sec: { at: \"127.0.0.1:%u\", edge-as: %s } }\n"
		"zones: [ { dir: zones, transfer: sec, notify: sec } ]\n%s",
		serving_port(&hs.one.at), serving_port(&hs.two.at), as, edges);
	site_put(&hs.one.site, "t.yaml", text);
}

static void configure_second(void)
{
	char text[600];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"peers: { pri: { at: \"127.0.0.1:%u\" } }\n"
		"zones: [ { name: a.example, primary: pri }, { name: b.example, primary: pri } ]\n",
		serving_port(&hs.two.at), serving_port(&hs.one.at));
	site_put(&hs.two.site, "t.yaml", text);
}

#define EDGES(ams)                                                                                          \
	"edges:\n  ams: { at: \"52,5\", a: [ 192.0.2.1, 192.0.2.2 ], aaaa: \"2001:db8::1\"" ams " }\n"       \
	"  nyc: { at: \"40,-74\", a: 192.0.2.3 }\n  cdn: { cname: x.cdn.example }\n"                         \
	"pools:\n  web: { edges: [ ams, nyc ], policy: ordered }\n  two: { edges: [ ams, nyc ], answers: 2 }\n" \
	"  far: { edges: [ cdn ], policy: ordered }\n"

static void open_both(void)
{
	house_open(&hs.one, "");
	house_open(&hs.two, "");
	configure_first(EDGES(""), "addresses");
	configure_second();
	site_put(&hs.one.site, "zones/a.example.zone", SITE_ZONE(1, "w 60 EDGE web\nt EDGE two\nf EDGE far\n*.any EDGE web\nplain A 192.0.2.9\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
}

static void close_both(void)
{
	house_stop(&hs.two);
	house_stop(&hs.one);
	house_close(&hs.two);
	house_close(&hs.one);
}

static void a_secondary_without_pools_has_what_they_answer(void)
{
	open_both();
	houses_wait_address(&hs, &hs.two, "plain.a.example", "192.0.2.9");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "w.a.example"), "192.0.2.1 192.0.2.2");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "x.any.a.example"), "192.0.2.1 192.0.2.2");
	static const char all[] = "*.any	300	IN	A 192.0.2.1\n*.any	300	IN	A 192.0.2.2\n*.any	300	IN	AAAA 2001:db8::1\n"
				  "f	300	IN	CNAME x.cdn.example.\nns	300	IN	A 192.0.2.3\nplain	300	IN	A 192.0.2.9\n"
				  "t	300	IN	A 192.0.2.1\nt	300	IN	A 192.0.2.2\nt	300	IN	A 192.0.2.3\nt	300	IN	AAAA 2001:db8::1\n"
				  "w	60	IN	A 192.0.2.1\nw	60	IN	A 192.0.2.2\nw	60	IN	AAAA 2001:db8::1\n";

	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "t.a.example"), "192.0.2.1 192.0.2.2 192.0.2.3");
	houses_told(&hs.two, "zone export a.example", 0, all);
	houses_told(&hs.two, "zone export a.example", 0, "; 15 records, serial 1\n");
	houses_told(&hs.two, "zone status a.example", 0, "\n... by         AXFR, 16 records, ");
	houses_told(&hs.one, "zone status a.example", 0, "\nserial         1\nrecords        8\nas addresses   serial 1\n");
	houses_told(&hs.one, "zone status b.example", 0, "!as addresses");
	/* What is down is answered no more, and comes back. */
	houses_told(&hs.one, "force ams down", 0, "");
	houses_wait_address(&hs, &hs.two, "w.a.example", "192.0.2.3");
	houses_told(&hs.two, "zone export a.example", 0,
		"*.any	300	IN	A 192.0.2.3\nf	300	IN	CNAME x.cdn.example.\nns	300	IN	A 192.0.2.3\nplain	300	IN	A 192.0.2.9\n"
		"t	300	IN	A 192.0.2.3\nw	60	IN	A 192.0.2.3\n; 8 records, serial 2\n");
	houses_told(&hs.one, "zone status a.example", 0, "\nserial         1\nrecords        8\nas addresses   serial 2\n");
	houses_told(&hs.one, "force ams auto", 0, "");
	houses_wait_address(&hs, &hs.two, "w.a.example", "192.0.2.1 192.0.2.2");
	houses_told(&hs.two, "zone export a.example", 0, "; 15 records, serial 3\n");
	houses_told(&hs.two, "zone status a.example", 0, "\nserial         3\n");
	houses_told(&hs.two, "zone status a.example", 0, "\n... by         IXFR, 15 records, ");
	/* Another start: serials go on. */
	house_stop(&hs.one);
	configure_first(EDGES(", state: down"), "addresses");
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	houses_wait_address(&hs, &hs.two, "w.a.example", "192.0.2.3");
	houses_told(&hs.two, "zone status a.example", 0, "\nserial         4\n");
	/* As a record it is of no use to who knows no pools, and goes as it is. */
	configure_first(EDGES(""), "record");
	houses_told(&hs.one, "reload", 0, "");
	houses_told(&hs.one, "zone status a.example", 0, "!as addresses");
	close_both();
}

void suite_plain_making(void);
void suite_plain_making(void)
{
	static const struct unit_case cases[] = {
		{ "a secondary without pools has what they answer", a_secondary_without_pools_has_what_they_answer },
	};

	unit_suite("daemon/plain_making", cases, UNIT_COUNT(cases));
}
