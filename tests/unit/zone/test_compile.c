#include "zone/compile.h"

#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APEX "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n" /* four lines */

/* "line: sentence" of the first fault, without the file's name. */
static const char *first_fault(const struct faults *f, char *buf, size_t room)
{
	const char *at = strchr(text_get(&f->text), ':');

	snprintf(buf, room, "%.*s", at ? (int)strcspn(at + 1, "\n") : 0, at ? at + 1 : "");
	return buf;
}

static void each_broken_zone_is_told_at_its_line(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *part; /* of the sentence */
	} row[] = {
		{ "$TTL 300\nwww A 192.0.2.1\n", 1, "has no SOA" },
		{ APEX "@ SOA ns2 h 1 2 3 4 5\n", 5, "second SOA" },
		{ APEX "sub SOA ns2 h 1 2 3 4 5\n", 5, "not at example." },
		{ APEX "www CNAME a\nwww A 192.0.2.2\n", 6, "CNAME stands alone" },
		{ APEX "www A 192.0.2.2\nwww CNAME a\n", 6, "CNAME stands alone" },
		{ APEX "www CNAME a\nwww CNAME b\n", 6, "only one" },
		{ APEX "www DNAME a\nx A 192.0.2.9\nwww DNAME b\n", 7, "only one" },
		{ APEX "@ CNAME a\n", 5, "CNAME stands alone" },
		{ APEX "www EDGE nosuch\n", 5, "no pool named \"nosuch\"" },
		{ APEX "www EDGE web\nwww A 192.0.2.2\n", 6, "EDGE answers" },
		{ APEX "www AAAA 2001:db8::1\nwww EDGE web\n", 6, "EDGE answers" },
		{ APEX "www CNAME a\nwww EDGE web\n", 6, "CNAME stands alone" },
		{ APEX "www EDGE web\nwww EDGE \"other\"\n", 6, "only one" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		char said[400];
		faults_init(&f);
		struct zone *z = zone_of("example.", row[i].text, &f);
		CU_ASSERT_PTR_NULL(z);
		CU_ASSERT(f.errors >= 1);
		first_fault(&f, said, sizeof said);
		CU_ASSERT_EQUAL(strtoul(said, NULL, 10), row[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, row[i].part));
		if (strtoul(said, NULL, 10) != row[i].line || !strstr(said, row[i].part))
			printf("\n    case %zu: %s\n", i, text_get(&f.text));
		zone_drop(z);
		faults_fini(&f);
	}
}

/* Neither is too large alone. */
static void rrset_that_no_message_carries_with_its_signatures_is_refused(void)
{
	static const struct {
		unsigned strings, signatures; /* of 255 and of 300 bytes */
		bool ok;
	} row[] = { { 140, 70, true }, { 140, 85, false }, { 200, 30, true },
		{ 200, 40, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text t = { 0 };
		struct faults f;
		text_add(&t, APEX);
		for (unsigned k = 0; k < row[i].strings; k++)
			text_addf(&t, "big TXT %03u%0252u\n", k, 0u);
		for (unsigned k = 0; k < row[i].signatures; k++)
			text_addf(&t,
				"big RRSIG TXT 8 2 300 20380101000000 20200101000000 %u @ "
				"%0400u\n",
				k, 0u);
		faults_init(&f);
		struct zone *z = zone_of("example.", text_get(&t), &f);
		CU_ASSERT_EQUAL(z != NULL, row[i].ok);
		if (!row[i].ok)
			CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text),
				"the TXT RRset and its signatures are together too large"));
		zone_drop(z);
		faults_fini(&f);
		text_fini(&t);
	}
}

static void mixed_ttls_are_warned_of_and_the_lowest_wins(void)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of(
		"example.", APEX "www 600 A 192.0.2.2\nwww 60 A 192.0.2.3\n", &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(f.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), ":6:1: warning:"));
	bool seen = false;
	for (uint32_t s = 0; s < z->slots_n; s++) {
		if (!z->slots[s].node)
			continue;
		const struct zone_node *n = zone_node_at(z, z->slots[s].node);
		if (n->name_len != 4 || memcmp(n->name, "\3www", 4) != 0)
			continue;
		const struct zone_rrset *a = zone_find_rrset(n, RRTYPE_A);
		CU_ASSERT_EQUAL(a->count, 2);
		CU_ASSERT_EQUAL(be32_get(a->wire + 6), 60);
		CU_ASSERT_EQUAL(be32_get(a->wire + 16 + 6), 60);
		seen = true;
	}
	CU_ASSERT_TRUE(seen);
	zone_drop(z);
	faults_fini(&f);
}

static void duplicates_are_left_out(void)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of(
		"example.", APEX "w A 192.0.2.2\nw A 192.0.2.3\nw A 192.0.2.2\n", &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(z->records, 5);
	CU_ASSERT_EQUAL(f.warnings, 1);
	zone_drop(z);
	faults_fini(&f);
}

/* Case makes no difference in a name (RFC 4034 section 6.2), and all in other data. */
static void names_in_data_are_the_same_in_any_case(void)
{
	static const struct {
		const char *text;
		uint32_t records; /* of 3 in APEX and two more */
	} row[] = {
		{ APEX "w CNAME a.b.\nw CNAME A.B.\n", 4 },
		{ APEX "w MX 1 a.b.\nw MX 1 A.b.\n", 4 },
		{ APEX "w MX 1 a.b.\nw MX 2 A.b.\n", 5 },
		{ APEX "w MX 65 a.\nw MX 97 a.\n", 5 },
		{ APEX "w SRV 1 65 3 a.\nw SRV 1 97 3 a.\n", 5 },
		{ APEX "w SRV 1 2 3 a.\nw SRV 1 2 3 A.\n", 4 },
		{ APEX "w RP a b\nw RP A B\n", 4 },
		{ APEX "w TXT a\nw TXT A\n", 5 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *z = zone_of("example.", row[i].text, &f);
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		CU_ASSERT_EQUAL(z->records, row[i].records);
		CU_ASSERT_EQUAL(f.warnings, 5 - row[i].records);
		zone_drop(z);
		faults_fini(&f);
	}
}

static void what_others_serve_too_is_only_warned_of(void)
{
	static const struct {
		const char *text, *part;
	} row[] = {
		{ APEX "sub NS ns.sub\n", "glue" },
		{ APEX "sub NS ns.sub\nns.sub CNAME a\n", "glue" },
		{ "$TTL 300\n@ SOA a h 1 2 3 4 5\n@ SOA A h 1 2 3 4 5\n@ NS a.b.\n",
			"the same record" },
		{ "$TTL 300\n@ SOA a h 1 2 3 4 2147483648\n@ NS a.b.\n", "minimum" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *z = zone_of("example.", row[i].text, &f);
		CU_ASSERT_PTR_NOT_NULL(z);
		CU_ASSERT_EQUAL(f.warnings, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), row[i].part));
		if (z)
			zone_drop(z);
		faults_fini(&f);
	}
}

static void negative_soa_has_the_smaller_of_ttl_and_minimum(void)
{
	static const struct {
		const char *soa;
		uint32_t ttl_s;
	} row[] = { { "@ 100 SOA n h 7 2 3 4 50\n@ NS n.other.\n", 50 },
		{ "@ 10 SOA n h 7 2 3 4 50\n@ NS n.other.\n", 10 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *z = zone_of("example.", row[i].soa, &f);
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		CU_ASSERT_EQUAL(
			be32_get(z->soa_negative->wire + 6), row[i].ttl_s);
		CU_ASSERT_EQUAL(z->serial, 7);
		zone_drop(z);
		faults_fini(&f);
	}
}

/* RFC 4034 section 6.1's own list. */
static void nodes_stand_in_canonical_order(void)
{
	static const char text[] = "$TTL 1\n@ SOA n h 1 2 3 4 5\n@ NS n.other.\n"
				   "\\200 TXT a\n*.z TXT a\nz TXT a\nzABC.a TXT a\nZ.a TXT "
				   "a\nyljkjljk.a TXT a\na TXT a\n\\001.z TXT a\n";
	static const char *const want[] = { "", "\1a", "\10yljkjljk\1a", "\1z\1a", "\4zabc\1a",
		"\1z", "\1\1\1z", "\1*\1z", "\1\310" };
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(z->nodes, UNIT_COUNT(want));
	const struct zone_node *n = z->apex_node;
	for (size_t i = 0; i < UNIT_COUNT(want); i++) {
		CU_ASSERT_EQUAL(n->name_len, strlen(want[i]));
		CU_ASSERT_EQUAL(memcmp(n->name, want[i], strlen(want[i])), 0);
		const struct zone_rrset *s = zone_first_rrset(n);
		for (unsigned k = 0; k < n->rrsets; k++)
			s = zone_next_rrset(s);
		n = (const void *)s;
	}
	zone_drop(z);
	faults_fini(&f);
}

static void an_rrset_over_64_kib_is_refused(void)
{
	struct text t = { 0 };
	struct faults f;

	faults_init(&f);
	text_add(&t, APEX);
	for (unsigned i = 0; i < 4200; i++)
		text_addf(&t, "w A 10.0.%u.%u\n", i >> 8, i & 255);
	CU_ASSERT_PTR_NULL(zone_of("example.", text_get(&t), &f));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "too large for a DNS message"));
	text_fini(&t);
	faults_fini(&f);
}

static void a_name_with_more_rrsets_than_can_be_counted_is_refused(void)
{
	struct faults f;
	struct text t = { 0 };

	faults_init(&f);
	text_add(&t, APEX);
	for (unsigned type = 300; type < 65280; type++)
		if (type != 32768 && type != 32769) /* TA and DLV have a form */
			text_addf(&t, "w TYPE%u \\# 1 00\n", type);
	for (unsigned type = 300; type < 1100; type++)
		text_addf(&t, "w RRSIG TYPE%u 8 2 9 20400101000000 20240101000000 1 @ AAAA\n",
			type);
	CU_ASSERT_PTR_NULL(zone_of("example.", text_get(&t), &f));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "over 65535 RRsets"));
	text_fini(&t);
	faults_fini(&f);
}

/* Such a signature makes the apex the owner of NSEC3, too, which it never is. */
static void what_belongs_to_nsec3_never_stands_for_the_apex(void)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.",
		"@ 300 RRSIG NSEC3 8 1 300 20400101000000 20240101000000 1 example. "
		"AAAA\n" APEX,
		&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	const struct zone_node *apex = z->apex_node;
	CU_ASSERT_PTR_NOT_NULL(zone_find_rrset(apex, RRTYPE_SOA));
	CU_ASSERT_EQUAL(apex->flags & NODE_NSEC3, 0);
	zone_drop(z);
	faults_fini(&f);
}

static void an_edge_at_or_below_a_cut_is_told_and_is_no_glue(void)
{
	static const struct {
		const char *text;
		unsigned warnings;
		const char *said[2];
	} row[] = {
		{ APEX "sub NS ns.sub\nns.sub EDGE web\n", 2,
			{ ":6:1: warning: this EDGE is at or below a delegation",
				":5:1: warning: the delegation's server ns.sub.example." } },
		{ APEX "sub NS sub\nsub EDGE web\n", 2,
			{ ":6:1: warning: this EDGE is at or below",
				":5:1: warning: the delegation's server sub.example." } },
		{ APEX "sub NS ns.sub\nns.sub A 192.0.2.2\nx.sub EDGE web\n", 1,
			{ ":7:1: warning: this EDGE is at or below" } },
		{ APEX "@ NS edge\nedge EDGE web\n", 0, { NULL } },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *z = zone_of("example.", row[i].text, &f);
		CU_ASSERT_PTR_NOT_NULL(z);
		CU_ASSERT_EQUAL(f.warnings, row[i].warnings);
		for (unsigned k = 0; k < 2 && row[i].said[k]; k++)
			CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), row[i].said[k]));
		zone_drop(z);
		faults_fini(&f);
	}
}

void suite_compile(void)
{
	static const struct unit_case cases[] = {
		{ "an RRset that no message carries with its signatures is refused",
			rrset_that_no_message_carries_with_its_signatures_is_refused },
		{ "each broken zone is told at its line",
			each_broken_zone_is_told_at_its_line },
		{ "mixed TTLs are warned of and the lowest wins",
			mixed_ttls_are_warned_of_and_the_lowest_wins },
		{ "duplicates are left out (RFC 2181 section 5)", duplicates_are_left_out },
		{ "names in data are the same in any case",
			names_in_data_are_the_same_in_any_case },
		{ "what others serve too is only warned of",
			what_others_serve_too_is_only_warned_of },
		{ "negative answers' SOA has the smaller of TTL and MINIMUM (RFC 2308)",
			negative_soa_has_the_smaller_of_ttl_and_minimum },
		{ "nodes stand in canonical order (RFC 4034 section 6.1)",
			nodes_stand_in_canonical_order },
		{ "an RRset over 64 KiB is refused", an_rrset_over_64_kib_is_refused },
		{ "a name with more RRsets than can be counted is refused",
			a_name_with_more_rrsets_than_can_be_counted_is_refused },
		{ "what belongs to NSEC3 never stands for the apex",
			what_belongs_to_nsec3_never_stands_for_the_apex },
		{ "an EDGE at or below a cut is told and is no glue",
			an_edge_at_or_below_a_cut_is_told_and_is_no_glue },
	};

	unit_suite("zone/compile", cases, UNIT_COUNT(cases));
}
