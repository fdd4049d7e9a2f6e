#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define KEY "{ secret: \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }"

/* Names of keys are domain names: compared, and signed with, in lower case (RFC 8945 section 4.3.3). */
static void a_key_has_its_name_in_lower_case(void)
{
	static const char text[] = SERVER ZONES "keys: { NS1-Ns2.Example.ORG: " KEY " }\n"
						"peers: { b: { at: 192.0.2.2, key: ns1-ns2.EXAMPLE.org. } }\n";
	struct conf c;
	struct text lines;

	CU_ASSERT_TRUE_FATAL(told_read(&c, text, &lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	CU_ASSERT_EQUAL_FATAL(c.policy.n_keys, 1);
	told_name(c.policy.keys[0].name, "ns1-ns2.example.org.");
	CU_ASSERT_PTR_EQUAL(c.peers[0].key, c.policy.keys[0].name);
	conf_fini(&c);
	text_fini(&lines);
}

static void keys_are_told_apart_by_more_than_their_letters(void)
{
	static const struct told_case row[] = {
		{ "a name twice", SERVER ZONES "keys:\n  a.example: " KEY "\n  b.example: " KEY "\n  A.Example.: " KEY "\n",
			"6:3: error: this key is here twice, in other letters (first on line 4); take one out\n" },
		{ "a name twice, the first with the dot", SERVER ZONES "keys:\n  A.example.: " KEY "\n  a.Example: " KEY "\n",
			"5:3: error: this key is here twice, in other letters (first on line 4); take one out\n" },
		{ "a name twice, both with the dot", SERVER ZONES "keys:\n  A.example.: " KEY "\n  a.Example.: " KEY "\n",
			"5:3: error: this key is here twice, in other letters (first on line 4); take one out\n" },
		{ "names of which one begins as the other", SERVER ZONES
			"keys: { a.exam: " KEY ", a.example.: " KEY ", a.examples: " KEY ", b.exam: " KEY " }\npeers: { p: { at: 192.0.2.2, key: a.example }, q: { at: 192.0.2.3, key: a.exampl } }\n",
			"4:73: error: there is no key \"a.exampl\"; did you mean \"a.exam\"?\n" },
		{ "a name twice, once with an escape", SERVER ZONES "keys:\n  \"\\\\097.example\": " KEY "\n  A.Example.: " KEY "\n",
			"5:3: error: this key is here twice, in other letters (first on line 4); take one out\n" },
		{ "a name that there is not", SERVER ZONES "keys: { a.example: " KEY " }\npeers: { b: { at: 192.0.2.2, key: B.Example } }\n",
			"4:35: error: there is no key \"B.Example\"; did you mean \"a.example\"?\n" },
		{ "a name that is faulty is told once", SERVER ZONES "keys: { a.example: { secret: \"x\" } }\npeers: { b: { at: 192.0.2.2, key: A.Example } }\n",
			"3:30: error: \"secret\" must be 1 to 128 bytes in base64 (\"openssl rand -base64 32\" makes them)\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static bool gets_addresses(const struct conf *c, const char *from, unsigned key)
{
	struct addr source;

	CU_ASSERT_TRUE_FATAL(addr_parse(&source, from));
	const struct policy_asker who = { source, key < c->policy.n_keys ? &c->policy.keys[key] : NULL, NULL, false };

	return policy_allows(&c->policy.plain, &who);
}

/* One key for all secondaries, of which one knows EDGE. */
static void a_peer_that_gets_addresses_is_known_by_its_key_or_where_others_have_it_by_its_address_too(void)
{
	static const char text[] = SERVER ZONES "store: { file: s }\nkeys: { one: " KEY ", two: " KEY " }\n"
						"peers:\n"
						"  a: { at: [ 192.0.2.1, \"2001:db8::1\" ], key: one, edge-as: addresses }\n"
						"  b: { at: 192.0.2.2, key: one }\n"
						"  c: { at: 192.0.2.3, key: two, edge-as: addresses }\n"
						"  d: { at: 192.0.2.4, edge-as: addresses }\n"
						"  e: { at: 192.0.2.5 }\n";
	struct conf c;
	struct text lines;

	CU_ASSERT_TRUE_FATAL(told_read(&c, text, &lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	CU_ASSERT_TRUE(gets_addresses(&c, "192.0.2.1", 0));
	CU_ASSERT_TRUE(gets_addresses(&c, "2001:db8::1", 0));
	CU_ASSERT_FALSE(gets_addresses(&c, "192.0.2.2", 0));
	CU_ASSERT_FALSE(gets_addresses(&c, "192.0.2.9", 0));
	CU_ASSERT_FALSE(gets_addresses(&c, "192.0.2.1", 9)); /* unsigned */
	CU_ASSERT_TRUE(gets_addresses(&c, "192.0.2.9", 1));
	CU_ASSERT_TRUE(gets_addresses(&c, "192.0.2.4", 9));
	CU_ASSERT_FALSE(gets_addresses(&c, "192.0.2.5", 9));
	conf_fini(&c);
	text_fini(&lines);
}

/* Who of `asks` is let in by each way to write a list; the key is the first. */
static void a_list_lets_in_whom_it_names_and_nobody_else(void)
{
	static const struct {
		const char *from;
		bool key;
	} asks[] = { { "192.0.2.1", false }, { "192.0.2.9", false }, { "2001:db8::1", false }, { "192.0.2.1", true }, { "203.0.113.1", true } };
	static const struct {
		const char *list, *in; /* of `asks`, in their order */
	} row[] = {
		{ "none", "....." },
		{ "any", "yyyyy" },
		{ "192.0.2.1", "y..y." },
		{ "[ 192.0.2.0/29, \"2001:db8::/32\" ]", "y.yy." },
		{ "[ { key: k } ]", "...yy" },
		{ "{ key: k, from: 192.0.2.0/24 }", "...y." },
		{ "[ p ]", ".y..." }, /* by its address */
		{ "[ signs, 192.0.2.9 ]", ".y.yy" }, /* by its key, wherever it comes from */
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[700], got[UNIT_COUNT(asks) + 1] = "";
		struct text lines;
		struct conf c;
		snprintf(text, sizeof text,
			SERVER "keys: { k: " KEY " }\npeers: { p: { at: 192.0.2.9 }, signs: { at: 192.0.2.77, key: k } }\n"
			       "zones: [ { name: a.example, file: z, transfer: %s } ]\n",
			row[i].list);
		CU_ASSERT_TRUE_FATAL(told_read(&c, text, &lines));
		const struct policy_access *access = &c.rules[c.zones[0].rule].access.transfer;
		for (size_t k = 0; k < UNIT_COUNT(asks); k++) {
			struct policy_asker who = { .key = asks[k].key ? &c.policy.keys[0] : NULL };
			CU_ASSERT_TRUE_FATAL(addr_parse(&who.source, asks[k].from));
			got[k] = policy_allows(access, &who) ? 'y' : '.';
		}
		if (strcmp(got, row[i].in) != 0)
			printf("%s: %s for %s\n", row[i].list, got, row[i].in);
		CU_ASSERT_STRING_EQUAL(got, row[i].in);
		conf_fini(&c);
		text_fini(&lines);
	}
}

void suite_schema_peers(void);
void suite_schema_peers(void)
{
	static const struct unit_case cases[] = {
		{ "a key has its name in lower case", a_key_has_its_name_in_lower_case },
		{ "keys are told apart by more than their letters", keys_are_told_apart_by_more_than_their_letters },
		{ "a peer that gets addresses is known by its key, or where others have it by its address, too",
			a_peer_that_gets_addresses_is_known_by_its_key_or_where_others_have_it_by_its_address_too },
		{ "a list lets in whom it names, and nobody else", a_list_lets_in_whom_it_names_and_nobody_else },
	};

	unit_suite("conf/schema_peers", cases, UNIT_COUNT(cases));
}
