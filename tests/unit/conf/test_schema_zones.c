#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

static void zones_have_lower_case_names_and_places(void)
{
	struct conf c;

	told_complete(&c);
	CU_ASSERT_EQUAL_FATAL(c.n_zones, 3);
	told_name(c.zones[0].name, "example.com.");
	told_name(c.zones[1].name, "example.org.");
	CU_ASSERT_PTR_NULL(c.zones[2].name);
	CU_ASSERT_PTR_NULL(c.zones[2].file);
	CU_ASSERT_PTR_NULL(c.zones[0].dir);
	CU_ASSERT_EQUAL(c.zones[1].line, 34);
	CU_ASSERT_EQUAL(c.zones[1].column, 13);
	CU_ASSERT_EQUAL(c.zones[2].line, 35);
	CU_ASSERT_EQUAL(c.zones[2].column, 10);
	conf_fini(&c);
}

static void zones_are_checked(void)
{
	static const struct told_case row[] = {
		{ "none at all is allowed", SERVER "zones: []\n",
			"2:8: warning: there are no zones; every query will be refused\n" },
		{ "a view that is signed here, of a zone that the fleet signs",
			SERVER "store: { file: s }\nfleet: { redis: [ \"redis://127.0.0.1:6379\" ], name: prod, secret: \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n"
			"clients: { office: { nets: 10.0.0.0/8 } }\n"
			"zones:\n  - { name: b.example, for: office, file: b, dnssec: auto }\n  - { name: B.example, fleet: on, dnssec: auto }\n"
			"  - { name: c.example, for: office, file: b, dnssec: auto }\n  - { name: b.example, for: office, file: b }\n",
			"6:5: error: the zone without \"for\" is signed by the fleet, and this view would have its keys: take \"dnssec\" out of one of the two\n" },
		{ "not a list", SERVER "zones: { dir: z }\n",
			"2:8: error: \"zones\" must be a list of { name: ..., file: ... } and "
			"{ dir: ... }, not a mapping\n" },
		{ "a name without a file", SERVER "zones: [ { name: a.example } ]\n",
			"2:12: error: this zone has no \"file\"; write for example: file: "
			"zones/example.com.zone\n" },
		{ "a file without a name", SERVER "zones: [ { file: a } ]\n",
			"2:12: error: this zone has no \"name\"; write for example: name: "
			"example.com\n" },
		{ "a name and a folder", SERVER "zones: [ { name: a.example, dir: z } ]\n",
			"2:29: error: \"dir\" stands alone; give \"name\" an entry of its "
			"own\n" },
		{ "addresses for a peer, and nothing to keep serials in",
			SERVER "peers: { p: { at: 192.0.2.1, edge-as: addresses } }\nzones: [ { name: a.example, file: a } ]\n",
			"2:39: error: \"edge-as: addresses\" needs a store, since serials must not go back "
			"at a restart; write for example: store: { file: /var/lib/waymark/waymark.db }\n" },
		{ "addresses for one of two peers that nobody can tell apart",
			SERVER "store: { file: s }\nkeys: { k: { secret: \"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\" } }\n"
			       "peers:\n  a: { at: [ 192.0.2.1, 192.0.2.2 ], key: k, edge-as: addresses }\n  b: { at: \"192.0.2.2:54\", key: k }\n"
			       "zones: [ { name: a.example, file: a } ]\n",
			"5:55: error: peers \"a\" and \"b\" have the same address and the same key, so that nobody can tell which of them "
			"asks, and only one of them gets addresses: give each a key of its own\n" },
		{ "a catalog without a store",
			SERVER "peers: { p: { at: 192.0.2.1 } }\n" "zones: [ { catalog: c, primary: p } ]\n",
			"3:12: error: a catalog needs a store, for its members; write for example: store: { file: /var/lib/waymark/waymark.db }\n" },
		{ "a catalog from nowhere",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, template: t } ]\n",
			"5:12: error: this catalog has neither \"primary\" nor \"produce\"; write for example: primary: [ ns2 ]\n" },
		{ "members without a template",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, primary: p } ]\n",
			"5:12: error: this catalog gives its members no template; write for example: template: hosted\n" },
		{ "members from nowhere",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, primary: p, template: f } ]\n",
			"5:46: error: members of the catalog get the template \"f\", which does not say where they come from: give it a \"primary\"\n" },
		{ "members of a group from nowhere",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, primary: p, groups: { g: f } } ]\n",
			"5:36: error: members of the catalog get the template \"f\", which does not say where they come from: give it a \"primary\"\n" },
		{ "a catalog that comes from elsewhere and is made here",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, primary: p, produce: f } ]\n",
			"5:36: error: a catalog that is produced here comes from no file and no primary; take one of the two out\n" },
		{ "a catalog that is made, and has a template",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, produce: f, template: t } ]\n",
			"5:36: error: \"template\" is for the members of a catalog that comes from elsewhere; here \"produce\" says whose zones are listed\n" },
		{ "a group of zones that are not listed",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, produce: f, groups: { g: t } } ]\n",
			"5:36: error: group \"g\" is for zones of the template \"t\", which \"produce\" does not name\n" },
		{ "a catalog with a name",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, name: n, produce: f } ]\n",
			"5:24: error: a catalog has no \"name\"; take it out\n" },
		{ "a list of what is no catalog",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { name: n, file: f, produce: f } ]\n",
			"5:30: error: \"produce\" is for a catalog; write for example: catalog: catalog.invalid\n" },
		{ "right ones",
			SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\ntemplates: { t: { primary: p }, f: {} }\n" "zones: [ { catalog: c, primary: p, template: t }, { catalog: d, file: d, groups: { g: t }, members: 9 }, { catalog: e, produce: [ f, t ], groups: { g: t }, query: any } ]\n",
			"" },
		{ "a secondary with rules for updates",
			SERVER "peers: { p: { at: 192.0.2.1 } }\n"
			       "zones: [ { name: a.example, primary: p, update: { from: \"::/0\" } } ]\n",
			"3:41: error: a zone that comes from a \"primary\" is changed there; "
			"\"forward-updates\" says whose updates are sent on to it\n" },
		{ "updates of a primary that go nowhere",
			SERVER "zones: [ { name: a.example, file: a, forward-updates: any } ]\n",
			"2:38: error: \"forward-updates\" is for a zone with a \"primary\"; "
			"\"update\" says who may change this one\n" },
		{ "a digest beside signatures",
			SERVER "store: { file: s }\n"
			       "zones: [ { name: a.example, file: a, dnssec: auto, zonemd: sha384 } ]\n",
			"3:52: error: \"zonemd\" of zones that are signed here is a word of their policy; "
			"write for example: dnssec: { auto: { zonemd: sha384 } }\n" },
		{ "a digest of what comes from elsewhere",
			SERVER "peers: { p: { at: 192.0.2.1 } }\n"
			       "templates: { t: { primary: p, zonemd: sha512 } }\nzones: [ { name: a.example, file: a } ]\n",
			"3:31: error: what comes from a \"primary\" has the digest that is made there; "
			"\"verify: { zonemd: on }\" looks whether it is right\n" },
		{ "neither", SERVER "zones:\n  - {}\n  - x\n",
			"3:5: error: this entry has neither \"name\" and \"file\" nor \"dir\"\n"
			"4:5: error: a zone must be a mapping of keys and values, not one "
			"value; write for example: { name: example.com, file: zones/example.com.zone }\n" },
		{ "entries whose values were told already",
			SERVER "zones: [ { dir: *a }, { name: *b, file: f }, { name: c, file: "
			       "*d } ]\n",
			"2:17: error: aliases (*name) are not taken; write the value itself, "
			"or put the text in quotes\n"
			"2:31: error: aliases (*name) are not taken; write the value itself, "
			"or put the text in quotes\n"
			"2:63: error: aliases (*name) are not taken; write the value itself, "
			"or put the text in quotes\n" },
		{ "a zone twice is told when the zones are read",
			SERVER "zones:\n  - { name: a.example, file: a }\n  - { file: b, name: "
			       "A.Example. }\n",
			"" },
		{ "a folder with two patterns",
			SERVER
			"zones: [ { dir: z, files: db.* }, { dir: z, files: \"*.zone\" } ]\n",
			"" },
		{ "a pattern without a folder",
			SERVER "zones: [ { name: a, file: b, files: \"db.*\" } ]\n",
			"2:30: error: \"files\" is for a folder: \"dir\" is missing\n" },
		{ "a pattern that is a path", SERVER "zones: [ { dir: z, files: a/* } ]\n",
			"2:27: error: \"files\" must be a pattern for file names, such as "
			"\"db.*\", not \"a/*\"\n" },
		{ "a zone and its child",
			SERVER
			"zones: [ { name: example, file: a }, { name: a.example, file: b } ]\n",
			"" },
		{ "a label of 64",
			SERVER "zones: [ { name: "
			       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			       "a, file: b } ]\n",
			"2:18: error: "
			"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
			"has a label over 63 bytes (RFC 1035 "
			"section 2.3.4)\n" },
		{ "the origin of nothing", SERVER "zones: [ { name: \"@\", file: b } ]\n",
			"2:18: error: \"name\" must be a domain name, such as example.com, not "
			"\"@\"\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void catalogs_stand_apart_from_the_other_zones(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER "store: { file: s }\npeers: { p: { at: 192.0.2.1 } }\n"
		       "templates: { t: { primary: p } }\nzones:\n"
		       "  - { catalog: m1, produce: t }\n  - { dir: z }\n"
		       "  - { catalog: c1, file: c, template: t }\n  - { name: a.example, file: a }\n"
		       "  - { catalog: c2, file: d, groups: { g: t } }\n",
		&lines));
	CU_ASSERT_EQUAL_FATAL(c.consumed.n, 2);
	told_name(c.consumed.of[0]->name, "c1.");
	told_name(c.consumed.of[1]->name, "c2.");
	CU_ASSERT_PTR_EQUAL(c.consumed.of[1], &c.zones[4]);
	CU_ASSERT_EQUAL_FATAL(c.produced.n, 1);
	told_name(c.produced.of[0]->name, "m1.");
	conf_fini(&c);
	text_fini(&lines);
}

void suite_schema_zones(void);
void suite_schema_zones(void)
{
	static const struct unit_case cases[] = {
		{ "zones have lower-case names and places",
			zones_have_lower_case_names_and_places },
		{ "zones are checked", zones_are_checked },
		{ "catalogs stand apart from the other zones",
			catalogs_stand_apart_from_the_other_zones },
	};

	unit_suite("conf/schema_zones", cases, UNIT_COUNT(cases));
}
