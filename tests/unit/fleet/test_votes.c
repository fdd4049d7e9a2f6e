#include "fleet/votes.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "unit/unit.h"

#include <string.h>

enum { TARGETS = 3 };
static const uint64_t keys[TARGETS] = { 11, 22, 33 };

/* "ud-": of each target up, down, or nothing. */
static bool say(struct votes *v, const char *server, const char *what)
{
	uint8_t bytes[TARGETS * VOTES_ROW];
	size_t len = 0;

	for (unsigned i = 0; i < TARGETS; i++) {
		if (what[i] == '-')
			continue;
		be64_put(bytes + len, keys[i]);
		bytes[len + 8] = what[i] == 'u' ? VOTE_UP : VOTE_DOWN;
		len += VOTES_ROW;
	}
	return votes_take(v, server, bytes, len);
}

static void say_own(struct votes *v, const char *what)
{
	for (unsigned i = 0; i < TARGETS; i++)
		votes_set_own(v, i, what[i] == 'u' ? VOTE_UP : what[i] == 'd' ? VOTE_DOWN : VOTE_NONE);
}

/* What comes of all: in the same letters. */
static void judge(struct votes *v, char to[static TARGETS + 1])
{
	votes_settle(v);
	for (unsigned i = 0; i < TARGETS; i++) {
		const enum vote vote = votes_judge(v, i).verdict;
		to[i] = vote == VOTE_UP ? 'u' : vote == VOTE_DOWN ? 'd' : '-';
	}
	to[TARGETS] = 0;
}

static void so_many_must_agree_of_those_that_count(void)
{
	static const struct {
		const char *say;
		double share;
		const char *votes[4]; /* our own first */
		const char *is;
	} row[] = {
		{ "alone it is our own", 2.0 / 3, { "ud-" }, "ud-" },
		{ "both of two", 2.0 / 3, { "udd", "uud" }, "uud" },
		{ "two of three", 2.0 / 3, { "udd", "udu", "uuu" }, "udu" },
		{ "two of four are not enough, three are", 2.0 / 3, { "udd", "udd", "uud", "uuu" }, "uud" },
		{ "one is enough where one is asked for", 0.01, { "uuu", "uud" }, "uud" },
		{ "all must agree", 1, { "udd", "udd", "uud" }, "uud" },
		{ "who sees nothing up does not count, while others do", 2.0 / 3, { "ddd", "uud", "uud" }, "uud" },
		{ "nor where he is most", 0.5, { "ddd", "ddd", "uuu" }, "uuu" },
		{ "when nobody sees anything up, all is down", 2.0 / 3, { "ddd", "ddd" }, "ddd" },
		{ "who knows nothing of a target has no vote", 2.0 / 3, { "u-d", "u-d", "uu-" }, "uud" },
		{ "what others know we know", 2.0 / 3, { "---", "udu" }, "udu" },
	};
	static const char *const names[] = { "m", "a", "z", "n" };
	char is[TARGETS + 1];

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct votes *v = votes_new(names[0], "", &(struct votes_rule){ row[i].share, false });
		votes_plan(v, keys, TARGETS);
		say_own(v, row[i].votes[0]);
		for (unsigned k = 1; k < 4 && row[i].votes[k]; k++) {
			votes_live(v, names[k], "", true);
			say(v, names[k], row[i].votes[k]);
		}
		judge(v, is);
		if (strcmp(is, row[i].is) != 0)
			CU_FAIL(row[i].say);
		CU_ASSERT_STRING_EQUAL(is, row[i].is);
		votes_free(v);
	}
}

static void who_is_gone_has_no_vote_until_he_is_back(void)
{
	struct votes *v = votes_new("m", "", &(struct votes_rule){ 1, false });
	char is[TARGETS + 1];

	votes_plan(v, keys, TARGETS);
	say_own(v, "ddu");
	votes_live(v, "a", "", true);
	CU_ASSERT(say(v, "a", "uuu"));
	CU_ASSERT_FALSE(say(v, "a", "uuu"));
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "uuu");
	CU_ASSERT_EQUAL(votes_others(v), 1);
	votes_live(v, "a", "", false);
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "ddu");
	CU_ASSERT_EQUAL(votes_others(v), 0);
	votes_live(v, "a", "", true);
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "uuu");
	votes_free(v);
}

static void regions_agree_within_and_then_among_themselves(void)
{
	struct votes *v = votes_new("eu1", "eu", &(struct votes_rule){ 0.6, true });
	char is[TARGETS + 1];

	votes_plan(v, keys, TARGETS);
	say_own(v, "ddu");
	for (unsigned i = 0; i < 3; i++) {
		static const char *const eu[] = { "eu2", "eu3", "eu4" };
		votes_live(v, eu[i], "eu", true);
		say(v, eu[i], "ddu");
	}
	votes_live(v, "us1", "us", true);
	say(v, "us1", "udu");
	judge(v, is);
	/* Four of five have the first down, but they are one region of two. */
	CU_ASSERT_STRING_EQUAL(is, "udu");
	CU_ASSERT_EQUAL(votes_judge(v, 0).regions_down, 1);
	CU_ASSERT_EQUAL(votes_judge(v, 0).regions_up, 1);
	votes_free(v);
}

static void what_is_written_is_what_is_taken(void)
{
	const struct votes_rule rule = { 1, false };
	struct votes *a = votes_new("a", "", &rule), *b = votes_new("b", "", &rule);
	const uint64_t fewer[] = { 33, 11 };
	char is[TARGETS + 1];
	size_t len;

	votes_plan(a, keys, TARGETS);
	votes_plan(b, fewer, 2);
	say_own(a, "dud");
	uint8_t *bytes = votes_write(a, &len);
	CU_ASSERT_EQUAL(len, 3 * VOTES_ROW);
	votes_live(b, "a", "", true);
	CU_ASSERT(votes_take(b, "a", bytes, len));
	votes_settle(b);
	CU_ASSERT_EQUAL(votes_judge(b, 0).verdict, VOTE_DOWN);
	CU_ASSERT_EQUAL(votes_judge(b, 1).verdict, VOTE_DOWN);
	/* Bytes that make no sense are no votes. */
	CU_ASSERT(votes_take(b, "a", bytes, 5));
	bytes[8] = 77;
	votes_take(b, "a", bytes, VOTES_ROW);
	votes_settle(b);
	CU_ASSERT_EQUAL(votes_judge(b, 1).verdict, VOTE_NONE);
	/* Other targets: all is said anew. */
	votes_plan(a, keys, TARGETS);
	judge(a, is);
	CU_ASSERT_STRING_EQUAL(is, "---");
	memory_free(bytes);
	votes_free(a);
	votes_free(b);
}

static void who_is_forgotten_leaves_the_others_as_they_are(void)
{
	const struct votes_rule rule = { 0.6, false };
	struct votes *v = votes_new("m", "", &rule);
	char is[TARGETS + 1];

	votes_plan(v, keys, TARGETS);
	votes_live(v, "a", "", true);
	votes_live(v, "z", "", true);
	say(v, "a", "ddu");
	say(v, "z", "duu");
	say_own(v, "uuu");
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "duu");
	/* Before us, behind us, nobody, and ourselves. */
	votes_forget(v, "a");
	say_own(v, "udu");
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "uuu");
	CU_ASSERT_EQUAL(votes_others(v), 1);
	votes_forget(v, "z");
	votes_forget(v, "nobody");
	votes_forget(v, "m");
	judge(v, is);
	CU_ASSERT_STRING_EQUAL(is, "udu");
	CU_ASSERT_EQUAL(votes_others(v), 0);
	votes_free(v);
}

void suite_votes(void)
{
	static const struct unit_case cases[] = {
		{ "so many must agree of those that count", so_many_must_agree_of_those_that_count },
		{ "who is gone has no vote until he is back", who_is_gone_has_no_vote_until_he_is_back },
		{ "regions agree within, and then among themselves", regions_agree_within_and_then_among_themselves },
		{ "who is forgotten leaves the others as they are", who_is_forgotten_leaves_the_others_as_they_are },
		{ "what is written is what is taken", what_is_written_is_what_is_taken },
	};

	unit_suite("fleet/votes", cases, UNIT_COUNT(cases));
}
