#include "web/tokens.h"

#include "unit/unit.h"
#include "web/api.h"

#include <string.h>

static void tokens_are_known_by_their_hash(void)
{
	struct tokens t = { 0 };
	char text[TOKEN_TEXT], other[TOKEN_TEXT];
	struct store_token row = { .id = 1, .name = "ci", .role = "operate", .zones = "", .until_s = 100 };

	token_new(text, row.hash);
	CU_ASSERT_EQUAL(strncmp(text, "wm_", 3), 0);
	CU_ASSERT_EQUAL(strlen(text), 3 + 43);
	CU_ASSERT_TRUE(tokens_add(&t, &row));
	token_new(other, row.hash);
	CU_ASSERT_STRING_NOT_EQUAL(text, other);
	CU_ASSERT_PTR_EQUAL(tokens_check(&t, text, 99), tokens_find(&t, "ci"));
	CU_ASSERT_PTR_NULL(tokens_check(&t, text, 100)); /* its time is over */
	CU_ASSERT_PTR_NULL(tokens_check(&t, other, 99));
	CU_ASSERT_PTR_NULL(tokens_check(&t, "", 99));
	text[10] ^= 1;
	CU_ASSERT_PTR_NULL(tokens_check(&t, text, 99));
	CU_ASSERT_FALSE(tokens_add(&t, &(struct store_token){ .name = "x", .role = "king", .zones = "" }));
	CU_ASSERT_TRUE(tokens_remove(&t, "ci"));
	CU_ASSERT_FALSE(tokens_remove(&t, "ci"));
	tokens_fini(&t);
}

static void roles_may_what_they_are_for(void)
{
	static const struct api_row read = { .path = "/a", .role = API_READ }, operate = { .path = "/a", .role = API_OPERATE },
				    admin = { .path = "/a", .role = API_ADMIN },
				    zone = { .path = "/zones/{zone}/changes", .role = API_ADMIN, .of_zone = true };
	static const struct {
		const char *role, *zones;
		bool read, operate, admin;
		bool example, sub, other;
	} row[] = {
		{ "read", "", true, false, false, false, false, false },
		{ "operate", "", true, true, false, false, false, false },
		{ "admin", "", true, true, true, true, true, true },
		{ "zones", "example.org, *.cust.test", false, false, false, true, true, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct tokens t = { 0 };
		CU_ASSERT_TRUE_FATAL(tokens_add(&t,
			&(struct store_token){ .name = "t", .role = row[i].role, .zones = row[i].zones }));
		const struct token *one = &t.list[0];
		CU_ASSERT_STRING_EQUAL(token_role_text(one), row[i].role);
		CU_ASSERT_EQUAL(token_may(one, &read, NULL), row[i].read);
		CU_ASSERT_EQUAL(token_may(one, &operate, NULL), row[i].operate);
		CU_ASSERT_EQUAL(token_may(one, &admin, NULL), row[i].admin);
		CU_ASSERT_EQUAL(token_may(one, &zone, "Example.ORG."), row[i].example);
		CU_ASSERT_EQUAL(token_may(one, &zone, "a.cust.test"), row[i].sub);
		CU_ASSERT_EQUAL(token_may(one, &zone, "cust.test"), row[i].other);
		CU_ASSERT_EQUAL(token_may(one, &zone, "xexample.org"), row[i].other);
		tokens_fini(&t);
	}
}

static void a_token_has_a_rate(void)
{
	struct tokens t = { 0 };

	CU_ASSERT_TRUE_FATAL(tokens_add(&t, &(struct store_token){ .name = "t", .role = "read", .zones = "" }));
	struct token *one = &t.list[0];
	for (unsigned i = 0; i < API_BURST; i++)
		CU_ASSERT_TRUE(token_has_rate(one, 1000));
	CU_ASSERT_FALSE(token_has_rate(one, 1000));
	CU_ASSERT_TRUE(token_has_rate(one, 1000 + 1.5 / API_RATE));
	CU_ASSERT_FALSE(token_has_rate(one, 1000 + 1.5 / API_RATE));
	tokens_fini(&t);
}

void suite_tokens(void);
void suite_tokens(void)
{
	static const struct unit_case cases[] = {
		{ "tokens are known by their hash", tokens_are_known_by_their_hash },
		{ "roles may what they are for", roles_may_what_they_are_for },
		{ "a token has a rate", a_token_has_a_rate },
	};

	unit_suite("web/tokens", cases, UNIT_COUNT(cases));
}
