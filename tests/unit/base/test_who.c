#include "base/who.h"

#include "unit/unit.h"

static const char *name_of(void *ctx, unsigned number)
{
	return number == 3 ? ctx : NULL;
}

static void whoever_has_given_a_command_has_a_name(void)
{
	static char name[] = "ci";
	char text[WHO_TEXT];

	CU_ASSERT_STRING_EQUAL(who_text(text, 0), "root");
	CU_ASSERT_STRING_EQUAL(who_text(text, 0x7ffffff0u), "uid 2147483632"); /* nobody here has that */
	CU_ASSERT_STRING_EQUAL(who_text(text, WHO_FLEET), "the fleet");
	who_set_tokens(name_of, name);
	CU_ASSERT_STRING_EQUAL(who_text(text, WHO_TOKEN + 3), "token ci");
	CU_ASSERT_STRING_EQUAL(who_text(text, WHO_TOKEN + 4), "token 4"); /* it is configured no more */
	who_set_tokens(NULL, NULL);
	CU_ASSERT_STRING_EQUAL(who_text(text, WHO_TOKEN), "token 0");
}

void suite_who(void);
void suite_who(void)
{
	static const struct unit_case cases[] = {
		{ "whoever has given a command has a name", whoever_has_given_a_command_has_a_name },
	};

	unit_suite("base/who", cases, UNIT_COUNT(cases));
}
