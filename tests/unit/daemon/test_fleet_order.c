#include "daemon/fleet_order.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* Words of a command; how many in `n`. */
static const char **words_of(const char *text, size_t *n)
{
	static char copy[512];
	static const char *words[FLEET_ORDER_WORDS_MOST];

	snprintf(copy, sizeof copy, "%s", text);
	*n = fleet_order_split(copy, words);
	return words;
}

static void commands_are_known_by_what_they_are_about(void)
{
	static const struct { const char *say, *command, *key; } row[] = {
		{ "a stage, its promotion and its end are one matter", "reload --stage 5%", "stage" },
		{ "... promotion", "reload --promote", "stage" },
		{ "... end", "reload --rollback", "stage" },
		{ "a reload is each server's own", "reload", NULL },
		{ "a network that is watched", "watch 192.0.2.0/24 --for 1h", "watch 192.0.2.0/24" },
		{ "the list of these is no matter", "watch --json", NULL },
		{ "a pool that goes back", "fail-back web", "fail-back web" },
		{ "all pools", "fail-back --all", "fail-back --all" },
		{ "measurements", "latency forget ams1", "forget ams1" },
		{ "others are not told", "stop", NULL },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char key[FLEET_ORDER_KEY];
		size_t n;
		const char **words = words_of(row[i].command, &n);
		const bool is = fleet_order_key(words, n, key);
		CU_ASSERT_EQUAL(is, row[i].key != NULL);
		if (is && row[i].key)
			CU_ASSERT_STRING_EQUAL(key, row[i].key);
	}
}

static void one_server_may_be_told_to_reload(void)
{
	char key[FLEET_ORDER_KEY], server[FLEET_NAME_MOST + 1];
	size_t n;
	const char **words = words_of("reload", &n);

	CU_ASSERT_TRUE(fleet_order_key_at(words, n, "ns2", key));
	CU_ASSERT_STRING_EQUAL(key, "stage @ns2");
	CU_ASSERT_FALSE(fleet_order_key_at(words, n, "", key));
	words = words_of("fail-back web", &n);
	CU_ASSERT_TRUE(fleet_order_key_at(words, n, "ns2", key));
	CU_ASSERT_STRING_EQUAL(key, "fail-back web @ns2");
	words = words_of("reload --promote --here", &n);
	CU_ASSERT_FALSE(fleet_order_key_at(words, n, "ns2", key));
	/* What does not fit is not cut short. */
	memset(server, 'n', sizeof server - 1);
	server[sizeof server - 1] = 0;
	words = words_of("watch 2001:db8:1234:5678:9abc::/80", &n);
	CU_ASSERT_FALSE(fleet_order_key_at(words, n, server, key));
}

static struct fleet_order order(const char *command, const char *server)
{
	struct fleet_order x = { .at = 7, .before = 5, .who = "root", .by = "ns1", .why = "since" };
	size_t n;
	const char **words = words_of(command, &n);

	if (!fleet_order_key_at(words, n, server, x.key) || !fleet_order_join(words, n, x.words))
		abort();
	snprintf(x.to, sizeof x.to, "%s", server);
	return x;
}

static bool same(const char *a, const char *at_a, const char *b, const char *at_b)
{
	const struct fleet_order x = order(a, at_a), y = order(b, at_b);

	return fleet_order_same_matter(&x, &y) && fleet_order_same_matter(&y, &x);
}

static void what_all_do_is_the_matter_of_each(void)
{
	CU_ASSERT_TRUE(same("reload --promote", "", "reload --stage 5%", "ns2"));
	CU_ASSERT_TRUE(same("reload", "ns2", "reload --stage 5%", "ns2"));
	CU_ASSERT_FALSE(same("reload", "ns1", "reload", "ns2"));
	CU_ASSERT_FALSE(same("fail-back web", "", "fail-back web2", ""));
	CU_ASSERT_FALSE(same("fail-back web", "ns2", "reload", "ns2"));
}

static void what_is_told_is_read_as_it_was(void)
{
	static const char *const to[] = { "", "ns2" };

	for (size_t i = 0; i < UNIT_COUNT(to); i++) {
		const struct fleet_order x = order("reload --stage 5%", to[i]);
		struct fleet_order got;
		json_t *j = fleet_order_write(&x);
		CU_ASSERT_TRUE(fleet_order_read(j, &got));
		CU_ASSERT_STRING_EQUAL(got.key, x.key);
		CU_ASSERT_STRING_EQUAL(got.words, "reload --stage 5%");
		CU_ASSERT_STRING_EQUAL(got.to, to[i]);
		CU_ASSERT_STRING_EQUAL(got.why, "since");
		CU_ASSERT_EQUAL(got.at, 7);
		CU_ASSERT_EQUAL(got.before, 5);
		json_decref(j);
	}
}

static void what_makes_no_sense_is_not_read(void)
{
	const struct fleet_order x = order("reload", "ns2");
	struct fleet_order got;
	json_t *j = fleet_order_write(&x);

	json_object_set_new(j, "to", json_string("")); /* all of them are never told to reload */
	CU_ASSERT_FALSE(fleet_order_read(j, &got));
	json_object_set_new(j, "to", json_string("ns3"));
	CU_ASSERT_FALSE(fleet_order_read(j, &got));
	json_object_set_new(j, "to", json_string("ns2"));
	CU_ASSERT_TRUE(fleet_order_read(j, &got));
	json_object_set_new(j, "words", json_string("stop"));
	CU_ASSERT_FALSE(fleet_order_read(j, &got));
	json_object_set_new(j, "words", json_string("reload"));
	json_object_del(j, "at");
	CU_ASSERT_FALSE(fleet_order_read(j, &got));
	json_decref(j);
}

void suite_fleet_order(void)
{
	static const struct unit_case cases[] = {
		{ "commands are known by what they are about", commands_are_known_by_what_they_are_about },
		{ "one server may be told to reload", one_server_may_be_told_to_reload },
		{ "what all do is the matter of each", what_all_do_is_the_matter_of_each },
		{ "what is told is read as it was", what_is_told_is_read_as_it_was },
		{ "what makes no sense is not read", what_makes_no_sense_is_not_read },
	};

	unit_suite("daemon/fleet_order", cases, UNIT_COUNT(cases));
}
