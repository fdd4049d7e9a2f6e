#include "zone/lookup.h"

#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_text[] = {
	[LOOKUP_ANSWER] = "answer",
	[LOOKUP_EDGE] = "edge",
	[LOOKUP_CNAME] = "cname",
	[LOOKUP_DNAME] = "dname",
	[LOOKUP_REFERRAL] = "referral",
	[LOOKUP_NODATA] = "nodata",
	[LOOKUP_NXDOMAIN] = "nxdomain",
};

struct ask {
	const char *name;
	uint16_t type;
	const char *want; /* "answer", "answer *" when by a wildcard, ... */
};

static const char *look(const struct zone *z, const char *name, uint16_t type)
{
	static char text[32];
	uint8_t wire[NAME_MOST];
	static const uint8_t root[1];
	struct zone_name n;

	name_parse(wire, NULL, name, strlen(name), root);
	name_lower(wire, wire, name_len(wire));
	zone_name_set(&n, zone_of_key, wire);
	const struct lookup l = zone_lookup(z, zone_of_key, &n, type);
	snprintf(text, sizeof text, "%s%s", kind_text[l.kind], l.wildcard ? " *" : "");
	return text;
}

static void ask_all(const char *origin, const char *text, const struct ask *rows, size_t n)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of(origin, text, &f);
	if (!z)
		printf("\n%s", text_get(&f.text));
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	for (size_t i = 0; i < n; i++) {
		const char *got = look(z, rows[i].name, rows[i].type);
		CU_ASSERT_STRING_EQUAL(got, rows[i].want);
		if (strcmp(got, rows[i].want) != 0)
			printf("\n    %s %u: %s, wanted %s\n", rows[i].name, rows[i].type, got,
				rows[i].want);
	}
	zone_drop(z);
	faults_fini(&f);
}

static void wildcards_are_as_in_rfc_4592_section_2_2_1(void)
{
	static const char text[] = "$TTL 3600\n"
				   "example. SOA ns.example.com. x.example.com. 1 2 3 4 5\n"
				   "example. NS ns.example.com.\n"
				   "example. NS ns.example.net.\n"
				   "*.example. TXT \"this is a wildcard\"\n"
				   "*.example. MX 10 host1.example.\n"
				   "sub.*.example. TXT \"this is not a wildcard\"\n"
				   "host1.example. A 192.0.2.1\n"
				   "_ssh._tcp.host1.example. SRV 0 0 22 host1.example.\n"
				   "_ssh._tcp.host2.example. SRV 0 0 22 host1.example.\n"
				   "subdel.example. NS ns.example.com.\n"
				   "subdel.example. NS ns.example.net.\n";
	static const struct ask rows[] = {
		{ "host3.example.", RRTYPE_MX, "answer *" },
		{ "host3.example.", RRTYPE_A, "nodata *" },
		{ "foo.bar.example.", RRTYPE_TXT, "answer *" },
		{ "host1.example.", RRTYPE_MX, "nodata" },
		{ "sub.*.example.", RRTYPE_MX, "nodata" },
		{ "_telnet._tcp.host1.example.", RRTYPE_SRV, "nxdomain" },
		{ "host.subdel.example.", RRTYPE_A, "referral" },
		{ "ghost.*.example.", RRTYPE_MX, "nxdomain" },
		/* Empty non-terminals (section 2.2.2). */
		{ "_tcp.host1.example.", RRTYPE_A, "nodata" },
		{ "host2.example.", RRTYPE_A, "nodata" },
		{ "*.example.", RRTYPE_TXT, "answer" },
	};

	ask_all("example.", text, rows, UNIT_COUNT(rows));
}

#define APEX "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

static void cuts_hide_what_is_below_them(void)
{
	static const char text[] = APEX
		"sub NS ns.sub\n"
		"ns.sub A 192.0.2.2\n"
		"deep.sub A 192.0.2.3\n"
		"below.cut.sub NS ns1\n"
		"sub DS 1 8 2 "
		"0000000000000000000000000000000000000000000000000000000000000000\n"
		"wild NS ns1\n"
		"*.wild A 192.0.2.4\n";
	static const struct ask rows[] = {
		{ "sub.example.", RRTYPE_NS, "referral" },
		{ "sub.example.", RRTYPE_A, "referral" },
		{ "sub.example.", RRTYPE_DS, "answer" },
		{ "wild.example.", RRTYPE_DS, "nodata" },
		{ "ns.sub.example.", RRTYPE_A, "referral" },
		{ "deep.sub.example.", RRTYPE_A, "referral" },
		{ "x.y.below.cut.sub.example.", RRTYPE_A, "referral" },
		{ "a.wild.example.", RRTYPE_A, "referral" },
		{ "example.", RRTYPE_NS, "answer" },
		{ "example.", RRTYPE_DS, "nodata" },
	};

	ask_all("example.", text, rows, UNIT_COUNT(rows));
}

static void dname_redirects_all_below_it_and_nothing_else(void)
{
	static const char text[] = APEX "d DNAME target.example.\n"
					"d A 192.0.2.5\n"
					"x.d A 192.0.2.6\n";
	static const struct ask rows[] = {
		{ "d.example.", RRTYPE_A, "answer" },
		{ "d.example.", RRTYPE_DNAME, "answer" },
		{ "d.example.", RRTYPE_MX, "nodata" },
		{ "y.d.example.", RRTYPE_A, "dname" },
		{ "x.d.example.", RRTYPE_A,
			"dname" }, /* RFC 6672 section 2.4: what stands below is hidden */
		{ "a.b.c.d.example.", RRTYPE_A, "dname" },
	};

	ask_all("example.", text, rows, UNIT_COUNT(rows));
}

static void edges_answer_for_addresses_only(void)
{
	static const char text[] = APEX "@ 60 EDGE web\n"
					"www EDGE web\n"
					"www TXT \"x\"\n"
					"*.img EDGE web\n"
					"c CNAME www\n";
	static const struct ask rows[] = {
		{ "example.", RRTYPE_A, "edge" },
		{ "example.", RRTYPE_AAAA, "edge" },
		{ "example.", RRTYPE_SOA, "answer" },
		{ "www.example.", RRTYPE_A, "edge" },
		{ "www.example.", RRTYPE_TXT, "answer" },
		{ "www.example.", RRTYPE_MX, "nodata" },
		{ "www.example.", RRTYPE_EDGE, "answer" },
		{ "a.b.img.example.", RRTYPE_AAAA, "edge *" },
		{ "a.img.example.", RRTYPE_MX, "nodata *" },
		{ "c.example.", RRTYPE_A, "cname" },
		{ "c.example.", RRTYPE_CNAME, "answer" },
	};

	ask_all("example.", text, rows, UNIT_COUNT(rows));
}

static void the_root_zone_is_a_zone(void)
{
	static const char text[] = "$TTL 300\n. SOA a. b. 1 2 3 4 5\n. NS a.\na. A "
				   "192.0.2.1\ncom. NS a.\n*.w. A 192.0.2.2\n";
	static const struct ask rows[] = {
		{ ".", RRTYPE_SOA, "answer" },
		{ "a.", RRTYPE_A, "answer" },
		{ "example.com.", RRTYPE_A, "referral" },
		{ "x.w.", RRTYPE_A, "answer *" },
		{ "nope.", RRTYPE_A, "nxdomain" },
	};

	ask_all(".", text, rows, UNIT_COUNT(rows));
}

static void names_of_any_depth_find_the_closest_encloser(void)
{
	static const char text[] = APEX "a.b.c.d.e TXT x\n*.q TXT y\n";
	static const struct ask rows[] = {
		{ "z.a.b.c.d.e.example.", RRTYPE_TXT, "nxdomain" },
		{ "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.q.example.",
			RRTYPE_TXT, "answer *" },
		{ "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.r.example.",
			RRTYPE_TXT, "nxdomain" },
		{ "b.c.d.e.example.", RRTYPE_TXT, "nodata" },
		{ "\\000.example.", RRTYPE_A, "nxdomain" },
	};

	ask_all("example.", text, rows, UNIT_COUNT(rows));
}

/* A table of 2^14 slots for 10,000 names: with a good hash about 45 % of the slots stay empty.
 */
static void names_spread_over_the_table_whatever_the_key(void)
{
	static const struct hash_key keys[] = { { 0, 0 }, { 1, 2 }, { 0, 1 },
		{ 0x123456789abcdefu, 0xfedcba987654321u } };

	for (size_t k = 0; k < UNIT_COUNT(keys); k++) {
		static uint8_t used[1 << 14];
		unsigned filled = 0;
		memset(used, 0, sizeof used);
		for (unsigned i = 0; i < 10000; i++) {
			char label[16];
			label[0] = (char)snprintf(label + 1, sizeof label - 1, "host%u", i);
			const uint64_t hash = zone_hash_label(
				keys[k], keys[k].k0, (const uint8_t *)label);
			filled += !used[hash >> 50];
			used[hash >> 50] = 1;
		}
		CU_ASSERT(filled > 7000);
	}
}

void suite_lookup(void)
{
	static const struct unit_case cases[] = {
		{ "wildcards are as in RFC 4592 section 2.2.1",
			wildcards_are_as_in_rfc_4592_section_2_2_1 },
		{ "cuts hide what is below them", cuts_hide_what_is_below_them },
		{ "DNAME redirects all below it and nothing else",
			dname_redirects_all_below_it_and_nothing_else },
		{ "edges answer for addresses only", edges_answer_for_addresses_only },
		{ "the root zone is a zone", the_root_zone_is_a_zone },
		{ "names spread over the table whatever the key",
			names_spread_over_the_table_whatever_the_key },
		{ "names of any depth find the closest encloser",
			names_of_any_depth_find_the_closest_encloser },
	};

	unit_suite("zone/lookup", cases, UNIT_COUNT(cases));
}
