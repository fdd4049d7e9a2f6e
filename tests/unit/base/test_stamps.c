#include "base/stamps.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct desk {
	char folder[32];
	char paths[2][48];
	const char *list[2];
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .folder = "/tmp/test_stamps.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	for (unsigned i = 0; i < 2; i++) {
		snprintf(d->paths[i], sizeof d->paths[i], "%s/%u", d->folder, i);
		d->list[i] = d->paths[i];
		put(d->paths[i], "some text");
	}
}

/* Until no stamp is fresh any more. */
static void settle(void)
{
	usleep(60000);
}

static void close_desk(struct desk *d)
{
	unlink(d->paths[0]);
	unlink(d->paths[1]);
	rmdir(d->folder);
}

static void files_that_are_as_they_were_have_the_same_stamps(void)
{
	struct desk d;

	open_desk(&d);
	struct stamps *a = stamps_take(d.list, 2), *b = stamps_again(a);
	CU_ASSERT_EQUAL(a->n, 2);
	CU_ASSERT_EQUAL(a->of[1].size, 9);
	CU_ASSERT_TRUE(stamps_same(a, b));
	/* The paths are its own. */
	d.paths[0][0] = 'x';
	CU_ASSERT_EQUAL(b->paths[0][0], '/');
	d.paths[0][0] = '/';
	stamps_drop(a);
	CU_ASSERT_EQUAL(b->of[0].size, 9);
	stamps_drop(b);
	close_desk(&d);
}

static void any_file_that_changes_changes_them(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct desk d;
		open_desk(&d);
		struct stamps *a = stamps_take(d.list, 2);
		put(d.paths[i], "another text");
		struct stamps *b = stamps_again(a);
		CU_ASSERT_FALSE(stamps_same(a, b));
		unlink(d.paths[i]);
		struct stamps *gone = stamps_again(a);
		CU_ASSERT_FALSE(stamps_same(b, gone));
		CU_ASSERT_FALSE(stamps_lack(b));
		CU_ASSERT_TRUE(stamps_lack(gone));
		CU_ASSERT_EQUAL(gone->of[i].inode, 0);
		CU_ASSERT_EQUAL(gone->of[i].size, 0);
		CU_ASSERT_NOT_EQUAL(gone->of[1 - i].inode, 0);
		struct stamps *again = stamps_again(a);
		CU_ASSERT_TRUE(stamps_same(gone, again));
		stamps_drop(a);
		stamps_drop(b);
		stamps_drop(gone);
		stamps_drop(again);
		close_desk(&d);
	}
}

/* In the same inode, with as many bytes, and mostly within the clock's tick. */
static void a_file_that_is_written_over_at_once_has_another_stamp_in_the_end(void)
{
	enum { FILES = 50 };
	struct file_stamp before[FILES], after;
	char path[FILES][64];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(path[i], sizeof path[i], "%s/%u.x", d.folder, i);
		put(path[i], "some text");
		CU_ASSERT_TRUE(file_stamp(path[i], &before[i]));
		put(path[i], "SOME TEXT");
	}
	settle();
	for (unsigned i = 0; i < FILES; i++) {
		file_stamp(path[i], &after);
		CU_ASSERT_EQUAL(after.size, before[i].size);
		CU_ASSERT_FALSE(file_stamp_same(&before[i], &after));
		unlink(path[i]);
	}
	close_desk(&d);
}

/* Kernels from 6.13 on note a finer time for files that somebody has looked at; before, what is
 * written within a tick shows in nothing but this. */
static void a_stamp_within_the_tick_of_a_change_is_fresh(void)
{
	struct file_stamp at_once = { 0 }, later;
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 1000 && !at_once.fresh;
		i++) { /* a crowded machine takes its time */
		put(d.paths[0], "other text");
		CU_ASSERT_TRUE(file_stamp(d.paths[0], &at_once));
	}
	CU_ASSERT_TRUE(at_once.fresh);
	CU_ASSERT_TRUE(file_stamp_settled(d.paths[0], &later));
	CU_ASSERT_FALSE(later.fresh);
	CU_ASSERT_EQUAL(later.mtime_ns, at_once.mtime_ns);
	CU_ASSERT_FALSE(file_stamp_same(&at_once, &later));
	CU_ASSERT_FALSE(file_stamp_settled("/tmp/no/such/file", &later));
	close_desk(&d);
}

static void other_files_have_other_stamps(void)
{
	struct desk d;

	open_desk(&d);
	struct stamps *both = stamps_take(d.list, 2), *one = stamps_take(d.list, 1),
		      *none = stamps_take(NULL, 0), *none_again = stamps_again(none);
	CU_ASSERT_FALSE(stamps_same(both, one));
	CU_ASSERT_FALSE(stamps_same(one, both));
	CU_ASSERT_TRUE(stamps_same(none, none_again));
	/* One file by two names is two files. */
	unlink(d.paths[1]);
	if (link(d.paths[0], d.paths[1]) != 0)
		abort();
	settle();
	struct stamps *a = stamps_take(d.list, 1), *b = stamps_take(d.list + 1, 1);
	CU_ASSERT_TRUE(file_stamp_same(&a->of[0], &b->of[0]));
	CU_ASSERT_FALSE(stamps_same(a, b));
	stamps_drop(both);
	stamps_drop(one);
	stamps_drop(none);
	stamps_drop(none_again);
	stamps_drop(a);
	stamps_drop(b);
	close_desk(&d);
}

static void nothing_is_held_of_no_stamps(void)
{
	CU_ASSERT_PTR_NULL(stamps_hold(NULL));
	stamps_drop(NULL);
}

static void take_in_scope(void *desk)
{
	struct desk *d = desk;

	stamps_drop(stamps_take(d->list, 2));
}

static void take_each(void *desk)
{
	const bool ok = scope_run(take_in_scope, desk);

	CU_ASSERT_EQUAL(ok, failing_count() == 0);
}

static void without_memory_none_are_taken(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_TRUE(failing_each(take_each, &d) >= 5);
	close_desk(&d);
}

void suite_stamps(void);
void suite_stamps(void)
{
	static const struct unit_case cases[] = {
		{ "files that are as they were have the same stamps",
			files_that_are_as_they_were_have_the_same_stamps },
		{ "any file that changes changes them", any_file_that_changes_changes_them },
		{ "a file that is written over at once has another stamp in the end",
			a_file_that_is_written_over_at_once_has_another_stamp_in_the_end },
		{ "a stamp within the tick of a change is fresh",
			a_stamp_within_the_tick_of_a_change_is_fresh },
		{ "other files have other stamps", other_files_have_other_stamps },
		{ "nothing is held of no stamps", nothing_is_held_of_no_stamps },
		{ "without memory none are taken", without_memory_none_are_taken },
	};

	unit_suite("base/stamps", cases, UNIT_COUNT(cases));
}
