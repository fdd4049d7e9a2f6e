#include "zone/verify.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <string.h>

#define APEX "$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.1\n"

#define RRSIG_OF(type) "RRSIG " type " 8 2 300 20380101000000 20200101000000 1 example. AAAA\n"

/* A zone, and what is told of it: "" is nothing at all, and `is` whether it can be served. */
struct verified {
	const char *text; /* behind the four lines of APEX */
	bool is;
	unsigned line;
	const char *part; /* NULL: whatever is told, this is no error */
};

static void check(const struct verified *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[2048], at[32];
		struct faults f;
		snprintf(text, sizeof text, "%s%s", APEX, row[i].text);
		snprintf(at, sizeof at, ":%u:1: %s: ", row[i].line, row[i].is ? "warning" : "error");
		faults_init(&f);
		struct zone *z = zone_of("example.", text, &f);
		const char *told = strstr(text_get(&f.text), at);
		const bool right = (z != NULL) == row[i].is && (!row[i].part || (told && strstr(told, row[i].part))) &&
			f.errors == !row[i].is;
		if (!right)
			printf("\n    %s%s\n", row[i].text, text_get(&f.text));
		CU_ASSERT(right);
		zone_drop(z);
		faults_fini(&f);
	}
}

/* RFC 1034 section 3.6.2, and what RFC 4034 section 3 and RFC 2535 let stand beside it. */
static void a_cname_stands_alone_but_for_its_signatures(void)
{
	static const char say[] = "a CNAME stands alone at its name";
	static const struct verified row[] = {
		{ "w CNAME ns1\nw A 192.0.2.1\n", false, 6, say },
		{ "w A 192.0.2.1\nw CNAME ns1\n", false, 6, say },
		{ "w CNAME ns1\nw TXT x\n", false, 6, say },
		{ "w CNAME ns1\nw MX 1 ns1\n", false, 6, say },
		{ "w CNAME ns1\nw NS ns1\n", false, 6, say },
		{ "w CNAME ns1\nw DNAME ns1\n", false, 6, say },
		{ "w CNAME ns1\nw DS 1 8 2 abababababababababababababababababababababababababababababababab\n", false, 6, say },
		{ "w CNAME ns1\nw DNSKEY 256 3 8 AwEAAQ==\n", false, 6, say },
		{ "w CNAME ns1\nw CERT 1 2 3 AAAA\n", false, 6, say },
		{ "w EDGE web\nw CNAME ns1\n", false, 6, say },
		{ "w CNAME ns1\nw NSEC x.example. CNAME RRSIG NSEC\n", true, 0, NULL },
		{ "w CNAME ns1\nw " RRSIG_OF("CNAME"), true, 0, NULL },
		{ "w CNAME ns1\nw KEY 256 3 8 AwEAAQ==\n", true, 0, NULL },
		{ "w CNAME ns1\nw NXT x.example. CNAME NXT\n", true, 0, NULL },
		{ "w CNAME ns1\nw SIG CNAME 8 2 300 20380101000000 20200101000000 1 example. AAAA\n", true, 0, NULL },
	};

	check(row, UNIT_COUNT(row));
}

static void an_edge_answers_for_the_addresses_of_its_name(void)
{
	static const char say[] = "EDGE answers for the name's addresses";
	static const struct verified row[] = {
		{ "w EDGE web\nw A 192.0.2.1\n", false, 6, say },
		{ "w AAAA ::1\nw EDGE web\n", false, 6, say },
		{ "w EDGE web\nw DNAME ns1\n", false, 6, say },
		{ "w EDGE web\nw TXT x\nw MX 1 ns1\nw HTTPS 1 . alpn=h2\n", true, 0, NULL },
	};

	check(row, UNIT_COUNT(row));
}

static void of_some_types_a_name_has_one_record(void)
{
	static const char say[] = "a name has only one of these; take one out";
	static const struct verified row[] = {
		{ "w CNAME ns1\nw CNAME ns2\n", false, 6, say },
		{ "w DNAME a.test.\nw DNAME b.test.\n", false, 6, say },
		{ "w CNAME ns1\nw CNAME ns1\n", true, 6, "the same record stands at line 5 already" },
		{ "w CNAME ns1\nw CNAME NS1\n", true, 6, "the same record stands at line 5 already" },
		{ "w A 192.0.2.1\nw A 192.0.2.2\n", true, 0, NULL },
		{ "w A 192.0.2.1\nw A 192.0.2.2\nw A 192.0.2.1\n", true, 7, "the same record stands at line 5 already" },
		{ "@ SOA ns1 h 2 7200 900 1209600 60\n", false, 5, "example. has a second SOA (the first is at line 2; keep one)" },
		{ "@ SOA ns1 h 1 7200 900 1209600 60\n", true, 5, "the same record stands at line 2 already" },
		{ "w SOA ns1 h 1 7200 900 1209600 60\n", false, 5, "this SOA is not at example., the top of the zone" },
	};

	check(row, UNIT_COUNT(row));
}

static void the_records_of_a_type_have_one_ttl(void)
{
	static const struct verified row[] = {
		{ "w 60 A 192.0.2.1\nw 30 A 192.0.2.2\nw 90 A 192.0.2.3\n", true, 6,
			"the A records of this name have different TTLs; all get the lowest, 30 (RFC 2181 section 5.2)" },
		{ "w 60 A 192.0.2.1\nw 60 A 192.0.2.2\nw 90 A 192.0.2.3\n", true, 7, "all get the lowest, 60" },
		{ "w 60 A 192.0.2.1\nw 30 AAAA ::1\n", true, 0, NULL },
	};

	check(row, UNIT_COUNT(row));
}

static void servers_that_cannot_be_found_are_told(void)
{
	static const struct verified row[] = {
		{ "@ NS w\n", true, 5, "the server w.example. is in this zone and has no A or AAAA record" },
		{ "@ NS w\nw AAAA ::1\n", true, 0, NULL },
		{ "@ NS w\nw EDGE web\n", true, 0, NULL },
		{ "@ NS w\nw CNAME ns1\n", true, 5, "the server w.example. is a CNAME, and must not be one" },
		{ "s NS a.s\n", true, 5, "the delegation's server a.s.example. is below the cut and has no A or AAAA here" },
		{ "s NS s\n", true, 5, "the delegation's server s.example. is below the cut" },
		{ "s NS a.s\na.s EDGE web\n", true, 5, "the delegation's server a.s.example. is below the cut" },
		{ "s NS a.s\na.s A 192.0.2.1\n", true, 0, NULL },
		{ "s NS b.t\nt NS b.t\nb.t A 192.0.2.1\n", true, 0, NULL },
		{ "s NS x.test.\n", true, 0, NULL },
	};

	check(row, UNIT_COUNT(row));
}

/* What stands in no row above with a sentence is not even warned of. */
static void what_is_right_is_not_told_at_all(void)
{
	static const char *const row[] = { "w CNAME ns1\n", "w EDGE web\nw TXT x\n", "w A 192.0.2.1\nw A 192.0.2.2\nw AAAA ::1\n",
		"@ NS w\nw AAAA ::1\n", "@ NS w\nw EDGE web\n", "s NS a.s\na.s A 192.0.2.1\n", "s NS x.test.\n",
		"s NS b.t\nt NS b.t\nb.t A 192.0.2.1\n" };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[1000];
		struct faults f;
		snprintf(text, sizeof text, "%s%s", APEX, row[i]);
		faults_init(&f);
		struct zone *z = zone_of("example.", text, &f);
		CU_ASSERT_PTR_NOT_NULL(z);
		CU_ASSERT_STRING_EQUAL(text_get(&f.text), "");
		zone_drop(z);
		faults_fini(&f);
	}
}

static const struct unit_case cases[] = {
	{ "a CNAME stands alone but for its signatures", a_cname_stands_alone_but_for_its_signatures },
	{ "an EDGE answers for the addresses of its name", an_edge_answers_for_the_addresses_of_its_name },
	{ "of some types a name has one record", of_some_types_a_name_has_one_record },
	{ "the records of a type have one TTL", the_records_of_a_type_have_one_ttl },
	{ "servers that cannot be found are told", servers_that_cannot_be_found_are_told },
	{ "what is right is not told at all", what_is_right_is_not_told_at_all },
};

void suite_verify(void);
void suite_verify(void)
{
	unit_suite("zone/verify", cases, UNIT_COUNT(cases));
}
