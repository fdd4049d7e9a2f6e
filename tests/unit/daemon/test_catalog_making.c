#include "daemon/catalog_making.h"

#include "unit/daemon/houses.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The first lists its zones in a catalog, the second serves what is in it. */
static struct houses hs;

static void configure(struct house *h, const char *more)
{
	char text[1200];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"peers: { pri: { at: \"127.0.0.1:%u\" }, sec: { at: \"127.0.0.1:%u\" } }\n%s",
		serving_port(&h->at), serving_port(&hs.one.at), serving_port(&hs.two.at), more);
	site_put(&h->site, "t.yaml", text);
}

static void open_both(void)
{
	house_open(&hs.one, "");
	house_open(&hs.two, "");
	configure(&hs.one,
		"templates: { all: { transfer: any, notify: sec } }\n"
		"zones: [ { dir: zones, template: all }, { catalog: cat.invalid, produce: all, transfer: any, notify: sec } ]\n");
	configure(&hs.two,
		"templates: { member: { primary: pri } }\nzones: [ { catalog: cat.invalid, primary: pri, template: member } ]\n");
	site_remove(&hs.one.site, "zones/a.example.zone");
	site_put(&hs.one.site, "zones/c.example.zone", SITE_ZONE(1, "x A 192.0.2.8\n"));
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

static void what_is_listed_is_served_and_what_is_not_is_gone(void)
{
	open_both();
	houses_wait_address(&hs, &hs.two, "ns.b.example", "192.0.2.3");
	houses_wait_address(&hs, &hs.two, "x.c.example", "192.0.2.8");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "ns.d.example"), "rcode 5");
	site_put(&hs.one.site, "zones/d.example.zone", SITE_ZONE(4, ""));
	site_remove(&hs.one.site, "zones/c.example.zone");
	houses_told(&hs.one, "reload --force", 0, "");
	houses_wait_address(&hs, &hs.two, "ns.d.example", "192.0.2.3");
	houses_wait_address(&hs, &hs.two, "x.c.example", "rcode 5");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "ns.b.example"), "192.0.2.3");
	/* The list goes on over a start. */
	house_stop(&hs.one);
	site_put(&hs.one.site, "zones/e.example.zone", SITE_ZONE(1, ""));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	houses_wait_address(&hs, &hs.two, "ns.e.example", "192.0.2.3");
	houses_told(&hs.two, "zone status d.example", 0, "\nserial         4\n");
	houses_told(&hs.two, "zone status d.example", 0, "\ntemplate       member\nadded by       catalog cat.invalid.\n");
	houses_told(&hs.two, "zones", 0, "    a member of the catalog cat.invalid., template member\nd.example. ");
	houses_told(&hs.one, "zones", 0, "cat.invalid.                     made     ready               3          6  ");
	houses_told(&hs.two, "zone export cat.invalid", 0, "@	0	IN	SOA invalid. invalid. 3 3600 600 2147483646 0\n@	0	IN	NS invalid.\nversion	0	IN	TXT \"2\"\n");
	houses_told(&hs.two, "zone export cat.invalid", 0, ".zones	0	IN	PTR e.example.\n; 6 records, serial 3\n");
	close_both();
}

void suite_catalog_making(void);
void suite_catalog_making(void)
{
	static const struct unit_case cases[] = {
		{ "what is listed is served, and what is not is gone", what_is_listed_is_served_and_what_is_not_is_gone },
	};

	unit_suite("daemon/catalog_making", cases, UNIT_COUNT(cases));
}
