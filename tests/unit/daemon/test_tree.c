#include "daemon/tree.h"

#include "unit/unit.h"

#include <string.h>

static const struct tree_key one = { { 1 } }, two = { { 2 } };

/* The tree of a text as JSON in one line; the caller frees it. */
static char *tree_of(const char *text, const struct tree_key *key)
{
	struct faults f;

	faults_init(&f);
	const struct parse_file file = { "t.yaml", text, text + strlen(text) };
	json_t *tree = tree_json(&(struct parse_files){ &file, 1 }, key, &f);
	char *line = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
	json_decref(tree);
	CU_ASSERT_EQUAL(f.errors > 0, line == NULL);
	faults_fini(&f);
	return line;
}

static void a_configuration_is_shown_as_it_is_written(void)
{
	char *got = tree_of("b: { x: 1, a: [ p, { q: r } ] }\na: \"two words\"\nc: []\n", &one);

	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT_STRING_EQUAL(got,
		"{\"b\":{\"x\":\"1\",\"a\":[\"p\",{\"q\":\"r\"}]},\"a\":\"two "
		"words\",\"c\":[]}");
	free(got);
	CU_ASSERT_PTR_NULL(tree_of("a: [\n", &one));
}

/* A secret's text is nowhere in it; its hash has the secret's form. */
static void secrets_are_hashed_with_the_key(void)
{
	static const char text[] =
		"cookies: { secret: 00112233445566778899aabbccddeeff, staging: [ "
		"ffeeddccbbaa99887766554433221100 ] }\n"
		"agents: { ams1: { key: lZK0 } }\nkey: { inside: shown }\n";
	char *a = tree_of(text, &one), *again = tree_of(text, &one), *b = tree_of(text, &two);

	CU_ASSERT_STRING_EQUAL(a, again);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
	CU_ASSERT_PTR_NULL(strstr(a, "00112233"));
	CU_ASSERT_PTR_NULL(strstr(a, "ffeeddcc"));
	CU_ASSERT_PTR_NULL(strstr(a, "lZK0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(a, "\"key\":{\"inside\":\"shown\"}"));
	const char *secret = strstr(a, "\"secret\":\"") + 10;
	CU_ASSERT_EQUAL(strspn(secret, "0123456789abcdef"), 32);
	const char *key = strstr(a, "\"key\":\"") + 7;
	CU_ASSERT_EQUAL(strcspn(key, "\""), 44);
	CU_ASSERT_EQUAL(key[43], '=');
	free(a);
	free(again);
	free(b);
}

static void keys_of_secrets_are_known_by_name(void)
{
	CU_ASSERT_TRUE(tree_is_secret("secret"));
	CU_ASSERT_TRUE(tree_is_secret("staging"));
	CU_ASSERT_TRUE(tree_is_secret("key"));
	CU_ASSERT_FALSE(tree_is_secret("keys"));
	CU_ASSERT_FALSE(tree_is_secret(""));
}

static void a_key_goes_out_as_text_and_comes_back(void)
{
	const struct tree_key key = tree_key_new();
	struct tree_key back;
	char text[TREE_KEY_TEXT + 2];

	tree_key_text(text, &key);
	CU_ASSERT_EQUAL(strlen(text), 64);
	CU_ASSERT_TRUE(tree_key_parse(&back, text));
	CU_ASSERT_EQUAL(memcmp(&key, &back, sizeof key), 0);
	const struct tree_key other = tree_key_new();
	CU_ASSERT_NOT_EQUAL(memcmp(&key, &other, sizeof key), 0);
	text[63] = 0;
	CU_ASSERT_FALSE(tree_key_parse(&back, text));
	text[63] = 'x';
	CU_ASSERT_FALSE(tree_key_parse(&back, text));
	text[62] = 0;
	CU_ASSERT_FALSE(tree_key_parse(&back, text));
	CU_ASSERT_FALSE(tree_key_parse(&back, ""));
}

static const struct unit_case cases[] = {
	{ "a configuration is shown as it is written",
		a_configuration_is_shown_as_it_is_written },
	{ "secrets are hashed with the key", secrets_are_hashed_with_the_key },
	{ "keys of secrets are known by name", keys_of_secrets_are_known_by_name },
	{ "a key goes out as text, and comes back", a_key_goes_out_as_text_and_comes_back },
};

void suite_tree(void);
void suite_tree(void)
{
	unit_suite("daemon/tree", cases, UNIT_COUNT(cases));
}
