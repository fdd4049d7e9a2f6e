#include "xfr/update_rules.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const uint8_t apex[] = "\2ex";

static void patterns_of_names_stand_for_labels(void)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} row[] = {
		{ "a", "a.ex.", true },
		{ "a", "A.ex.", true },
		{ "a", "b.ex.", false },
		{ "_a-1", "_A-1.ex.", true },
		{ "_a-1", "\\127a-1.ex.", false },
		{ "_a-1", "_a\\0131.ex.", false },
		{ "_a-1", "_a-\\017.ex.", false },
		{ "a", "x.a.ex.", false },
		{ "*", "x.a.ex.", true },
		{ "*", "ex.", false },
		{ "*.dyn", "x.dyn.ex.", true },
		{ "*.dyn", "y.x.dyn.ex.", true },
		{ "*.dyn", "dyn.ex.", false },
		{ "*.dyn", "x.dyn.y.ex.", false },
		{ "a.*", "a.b.c.ex.", true },
		{ "a.*", "a.ex.", false },
		{ "*.b.*.b", "a.b.b.c.b.ex.", true },
		{ "*.b.*.b", "a.b.b.ex.", false },
		{ "*.b.*.b", "b.b.c.b.ex.", true },
		{ "*.b.c", "a.b.b.c.ex.", true },
		{ "*.*", "a.ex.", false },
		{ "*.*", "a.b.ex.", true },
		{ "*.*.*.*.*.*.*.*.*.*.*.*.b",
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
			"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.ex.",
			false },
		{ "@", "ex.", true },
		{ "@", "a.ex.", false },
	};
	static const uint8_t root[1];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t pattern[NAME_MOST] = { 0 }, name[NAME_MOST];
		if (row[i].pattern[0] != '@')
			name_parse(pattern, NULL, row[i].pattern, strlen(row[i].pattern), root);
		name_parse(name, NULL, row[i].name, strlen(row[i].name), root);
		if (update_rules_match(pattern, name, apex) != row[i].matches)
			printf("%s %s\n", row[i].pattern, row[i].name);
		CU_ASSERT_EQUAL(update_rules_match(pattern, name, apex), row[i].matches);
	}
}

static void a_rule_is_for_its_names_and_its_types(void)
{
	static const uint8_t *const names[] = { (const uint8_t *)"\1a",
		(const uint8_t *)"\1*\1b" };
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_TXT };
	static const uint8_t a[] = "\1a\2ex", xb[] = "\1x\1b\2ex", c[] = "\1c\2ex";
	const struct policy_update all = { .n_names = 0 },
				   some = { .names = names,
					   .n_names = 2,
					   .types = types,
					   .n_types = 2 };

	CU_ASSERT_TRUE(update_rules_allow(&all, c, RRTYPE_MX, apex));
	CU_ASSERT_TRUE(update_rules_allow(&some, a, RRTYPE_A, apex));
	CU_ASSERT_TRUE(update_rules_allow(&some, xb, RRTYPE_TXT, apex));
	CU_ASSERT_FALSE(update_rules_allow(&some, c, RRTYPE_A, apex));
	CU_ASSERT_FALSE(update_rules_allow(&some, a, RRTYPE_MX, apex));
	CU_ASSERT_FALSE(update_rules_allow(&some, a, RRTYPE_ANY, apex));
}

void suite_update_rules(void);
void suite_update_rules(void)
{
	static const struct unit_case cases[] = {
		{ "patterns of names stand for labels", patterns_of_names_stand_for_labels },
		{ "a rule is for its names and its types",
			a_rule_is_for_its_names_and_its_types },
	};

	unit_suite("xfr/update_rules", cases, UNIT_COUNT(cases));
}
