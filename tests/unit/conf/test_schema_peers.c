#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

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

void suite_schema_peers(void);
void suite_schema_peers(void)
{
	static const struct unit_case cases[] = {
		{ "a key has its name in lower case", a_key_has_its_name_in_lower_case },
		{ "keys are told apart by more than their letters", keys_are_told_apart_by_more_than_their_letters },
	};

	unit_suite("conf/schema_peers", cases, UNIT_COUNT(cases));
}
