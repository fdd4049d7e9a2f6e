#include "base/text.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static bool swallow(void *ctx, const char *s, size_t len)
{
	(void)s;
	*(size_t *)ctx += len;
	return true;
}

static void a_text_is_taken_whole_and_leaves_nothing(void)
{
	static const char *const before[] = { "", "it had this. " };

	for (size_t i = 0; i < 2; i++) {
		struct text to = { 0 }, from = { 0 };
		text_add(&to, before[i]);
		text_addf(&from, "%d and more", 7);
		const char *bytes = from.s;
		text_take(&to, &from);
		CU_ASSERT_EQUAL(strncmp(to.s, before[i], strlen(before[i])), 0);
		CU_ASSERT_STRING_EQUAL(to.s + strlen(before[i]), "7 and more");
		CU_ASSERT_EQUAL(to.len, strlen(before[i]) + 10);
		/* Into an empty one nothing is copied. */
		CU_ASSERT_EQUAL(to.s == bytes, i == 0);
		CU_ASSERT_PTR_NULL(from.s);
		CU_ASSERT_EQUAL(from.len + from.room, 0);
		text_fini(&to);
	}
}

static void what_was_lost_stays_lost_when_it_is_taken(void)
{
	struct text to = { 0 }, from = { 0 }, more = { 0 };

	text_add(&from, "half");
	from.lost = true;
	text_take(&to, &from);
	CU_ASSERT_TRUE(to.lost);
	text_add(&more, "whole");
	text_take(&to, &more);
	CU_ASSERT_TRUE(to.lost);
	CU_ASSERT_STRING_EQUAL(text_get(&to), "halfwhole");
	text_fini(&to);
}

static void a_text_that_goes_elsewhere_keeps_going_there(void)
{
	size_t gone = 0;
	struct text to = { .drain = swallow, .drain_ctx = &gone }, from = { 0 };

	for (int i = 0; i < 3; i++) {
		char *much = calloc(1, TEXT_DRAIN + 1);
		memset(much, 'x', TEXT_DRAIN);
		text_add_bytes(&from, much, TEXT_DRAIN);
		free(much);
		text_take(&to, &from);
	}
	CU_ASSERT_EQUAL(gone + to.len, 3 * (size_t)TEXT_DRAIN);
	CU_ASSERT_EQUAL(gone, 2 * (size_t)TEXT_DRAIN);
	CU_ASSERT_PTR_NOT_NULL(to.drain);
	text_fini(&to);
}

static void a_cut_text_loses_the_piece_of_a_character(void)
{
	static const char *const row[][2] = { { "", "" }, { "abc", "abc" }, { "a\303\251", "a\303\251" },
		{ "a\303", "a" }, { "a\342\202", "a" }, { "a\342\202\254", "a\342\202\254" }, { "\360\237\230", "" } };
	char s[16];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		strcpy(s, row[i][0]);
		CU_ASSERT_EQUAL(text_utf8_end(s), strlen(row[i][1]));
		CU_ASSERT_STRING_EQUAL(s, row[i][1]);
	}
}

void suite_text(void)
{
	static const struct unit_case cases[] = {
		{ "a text is taken whole and leaves nothing",
			a_text_is_taken_whole_and_leaves_nothing },
		{ "what was lost stays lost when it is taken",
			what_was_lost_stays_lost_when_it_is_taken },
		{ "a text that goes elsewhere keeps going there",
			a_text_that_goes_elsewhere_keeps_going_there },
		{ "a cut text loses the piece of a character", a_cut_text_loses_the_piece_of_a_character },
	};

	unit_suite("base/text", cases, UNIT_COUNT(cases));
}
