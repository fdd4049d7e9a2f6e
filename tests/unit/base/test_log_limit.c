#include "base/log_limit.h"

#include "base/log.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const char places[LOG_LIMIT_KINDS + 10] = "";

/* A line of that kind; `held` is what is to be told before it. */
__attribute__((format(printf, 4, 5))) static bool log_one(
	unsigned place, uint64_t now_s, struct log_held *held, const char *fmt, ...)
{
	const struct log_kind kind = { &places[place], LOG_WARNING, 7 };
	va_list ap;

	va_start(ap, fmt);
	const bool may = log_limit_may(&kind, now_s, held, fmt, ap);
	va_end(ap);
	return may;
}

static void too_many_of_a_kind_are_held_back_and_told_once(void)
{
	struct log_held held;
	unsigned went = 0;

	log_limit_forget();
	for (unsigned i = 0; i < 100000; i++)
		went += log_one(1, 1000, &held, "zone %u", i);
	CU_ASSERT_EQUAL(went, LOG_LIMIT_LINES);
	CU_ASSERT_FALSE(log_limit_next(1000 + LOG_LIMIT_S - 1, &held));
	CU_ASSERT_TRUE(log_limit_next(1000 + LOG_LIMIT_S, &held));
	CU_ASSERT_EQUAL(held.lines, 100000 - LOG_LIMIT_LINES);
	CU_ASSERT_EQUAL(held.for_s, LOG_LIMIT_S);
	CU_ASSERT_EQUAL(held.level, LOG_WARNING);
	CU_ASSERT_EQUAL(held.id, 7);
	CU_ASSERT_STRING_EQUAL(held.last, "zone 99999");
	CU_ASSERT_FALSE(log_limit_next(1000 + LOG_LIMIT_S, &held));
}

static void the_next_line_tells_what_was_held_back_before_it(void)
{
	struct log_held held;

	log_limit_forget();
	for (unsigned i = 0; i < LOG_LIMIT_LINES + 3; i++)
		log_one(1, 1000, &held, "x");
	CU_ASSERT_FALSE(log_one(1, 1000 + LOG_LIMIT_S - 1, &held, "x"));
	CU_ASSERT_TRUE(log_one(1, 1000 + LOG_LIMIT_S, &held, "x"));
	CU_ASSERT_EQUAL(held.lines, 4);
	CU_ASSERT_TRUE(log_one(1, 1000 + LOG_LIMIT_S, &held, "x"));
	CU_ASSERT_EQUAL(held.lines, 0);
}

static void a_kind_takes_no_room_from_another(void)
{
	struct log_held held;

	log_limit_forget();
	for (unsigned i = 0; i < LOG_LIMIT_LINES + 1; i++)
		log_one(1, 1000, &held, "x");
	CU_ASSERT_FALSE(log_one(1, 1000, &held, "x"));
	CU_ASSERT_TRUE(log_one(2, 1000, &held, "x"));
}

static void kinds_that_are_too_many_are_logged_all_the_same(void)
{
	struct log_held held;
	bool all = true;

	log_limit_forget();
	for (unsigned i = 0; i < LOG_LIMIT_KINDS; i++)
		log_one(i, 1000, &held, "x");
	for (unsigned i = 0; i < 2 * LOG_LIMIT_LINES; i++)
		all = all && log_one(LOG_LIMIT_KINDS + 1, 1000, &held, "x");
	CU_ASSERT_TRUE(all);
	log_limit_forget();
}

static void an_id_is_of_the_fixed_words(void)
{
	CU_ASSERT_EQUAL(log_id("zone %s: %d records"), log_id("zone %.*s: %-12llu records"));
	CU_ASSERT_EQUAL(log_id("100 %%"), log_id("100 %%"));
	CU_ASSERT_NOT_EQUAL(log_id("100 %%"), log_id("100 %s"));
	CU_ASSERT_NOT_EQUAL(log_id("zone %s: records"), log_id("zone: %s records"));
	CU_ASSERT_NOT_EQUAL(log_id("zone %s: a"), log_id("zone %s: b"));
	CU_ASSERT_EQUAL(log_id("%"), log_id("%s")); /* and no further */
	CU_ASSERT_EQUAL(log_id(""), 2166136261u);
}

static const struct unit_case cases[] = {
	{ "too many of a kind are held back, and told once",
		too_many_of_a_kind_are_held_back_and_told_once },
	{ "the next line tells what was held back before it",
		the_next_line_tells_what_was_held_back_before_it },
	{ "a kind takes no room from another", a_kind_takes_no_room_from_another },
	{ "kinds that are too many are logged all the same",
		kinds_that_are_too_many_are_logged_all_the_same },
	{ "an id is of the fixed words", an_id_is_of_the_fixed_words },
};

void suite_log_limit(void);
void suite_log_limit(void)
{
	unit_suite("base/log_limit", cases, UNIT_COUNT(cases));
}
