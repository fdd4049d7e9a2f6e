#include "zone/file_edit.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/history.h"
#include "zone/zone_with.h"

#include <string.h>

#define TEXT(serial, more) \
	"$TTL 300\n@ SOA ns h " #serial " 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n" more

static const struct compile_opts *opts(void)
{
	static struct compile_opts o;

	o = (struct compile_opts){ .key = zone_of_key, .quiet = true };
	return &o;
}

static struct zone *zone_like(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

/* The version after `was` that `text` says, as updates make it. Drops `was`. */
static struct zone *step(struct zone *was, const char *text)
{
	struct zone *then = zone_like(text);
	struct fault why;
	struct faults f;

	faults_init(&f);
	struct change *c = change_between(was, then, &why);
	struct zone *next = zone_with(
		was, c, &(struct zone_with_opts){ .compile = *opts() }, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	history_give(next, was, c);
	faults_fini(&f);
	zone_drop(then);
	zone_drop(was);
	return next;
}

/* 7, 8 and 9, the last being served. */
static struct zone *served(void)
{
	return step(step(zone_like(TEXT(7, "a A 192.0.2.1\n")),
			    TEXT(8, "a A 192.0.2.1\nb A 192.0.2.2\n")),
		TEXT(9, "a A 192.0.2.1\nb A 192.0.2.3\n"));
}

static void versions_before_come_of_the_history(void)
{
	struct zone *now = served();

	for (uint32_t serial = 7; serial <= 9; serial++) {
		struct zone *z = file_edit_before(now, serial, opts());
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		CU_ASSERT_EQUAL(z->serial, serial);
		CU_ASSERT_EQUAL(z->records, serial == 7 ? 4u : 5u);
		zone_drop(z);
	}
	CU_ASSERT_PTR_NULL(file_edit_before(now, 6, opts()));
	CU_ASSERT_PTR_NULL(file_edit_before(now, 10, opts()));
	zone_drop(now);
}

/* What it is against what is served; the change as lines. */
static enum file_edit_kind look(const char *text, const uint32_t *written, const char *want)
{
	struct zone *now = served(), *file = zone_like(text);
	struct file_edit e = file_edit_look(file, now, written, opts());
	const enum file_edit_kind kind = e.kind;
	struct text lines = { 0 };

	if (e.change)
		change_lines(&lines, e.change, false);
	CU_ASSERT_STRING_EQUAL(text_get(&lines), want);
	text_fini(&lines);
	file_edit_fini(&e);
	zone_drop(file);
	zone_drop(now);
	return kind;
}

static void a_file_is_known_by_its_serial_and_what_it_says(void)
{
	static const uint32_t eight = 8, four = 4;

	CU_ASSERT_EQUAL(
		look(TEXT(9, "a A 192.0.2.1\nb A 192.0.2.3\n"), NULL, ""), FILE_EDIT_NONE);
	CU_ASSERT_EQUAL(
		look(TEXT(8, "b A 192.0.2.2\na A 192.0.2.1\n"), NULL, ""), FILE_EDIT_OLD);
	CU_ASSERT_EQUAL(look(TEXT(7, "a A 192.0.2.1\n"), NULL, ""), FILE_EDIT_OLD);
	/* One who has not raised the serial. */
	CU_ASSERT_EQUAL(look(TEXT(8, "a A 192.0.2.1\nb A 192.0.2.2\nc A 192.0.2.4\n"), NULL,
				"+ c.example. 300 IN A 192.0.2.4\n"),
		FILE_EDIT_CHANGED);
	/* One who has: it is known what was written last. */
	CU_ASSERT_EQUAL(
		look(TEXT(20, "b A 192.0.2.2\n"), &eight, "- a.example. 300 IN A 192.0.2.1\n"),
		FILE_EDIT_CHANGED);
	CU_ASSERT_EQUAL(look(TEXT(20, "b A 192.0.2.2\n"), NULL, ""), FILE_EDIT_UNKNOWN);
	CU_ASSERT_EQUAL(look(TEXT(20, "b A 192.0.2.2\n"), &four, ""), FILE_EDIT_UNKNOWN);
	CU_ASSERT_EQUAL(look(TEXT(3, "b A 192.0.2.2\n"), NULL, ""), FILE_EDIT_UNKNOWN);
	/* Nothing but the SOA. */
	CU_ASSERT_EQUAL(look("$TTL 300\n@ SOA ns h 9 22 3 4 5\n@ NS ns\nns A 192.0.2.9\na A "
			     "192.0.2.1\nb A 192.0.2.3\n",
				NULL, ""),
		FILE_EDIT_CHANGED);
	CU_ASSERT_EQUAL(look(TEXT(20, "a A 192.0.2.1\nb A 192.0.2.2\n"), &eight, ""),
		FILE_EDIT_CHANGED);
}

void suite_file_edit(void);
void suite_file_edit(void)
{
	static const struct unit_case cases[] = {
		{ "versions before come of the history", versions_before_come_of_the_history },
		{ "a file is known by its serial and what it says",
			a_file_is_known_by_its_serial_and_what_it_says },
	};

	unit_suite("zone/file_edit", cases, UNIT_COUNT(cases));
}
