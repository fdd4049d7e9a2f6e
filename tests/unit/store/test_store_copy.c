#include "unit/store/stored.h"

#include "dns/name.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE(serial) "$TTL 300\n@ SOA ns h " #serial " 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

#define SOA(serial)  "example. 300 SOA ns.example. h.example. " serial " 2 3 4 5\n"

static const char step_2[] = "-" SOA("1") "+" SOA("2") "+www.example. 60 A 192.0.2.2\n";

static const struct store_timers timers = { 1700000000, 1209600 };

static char copy[100], other[100];

static void begin(void)
{
	stored_begin();
	snprintf(copy, sizeof copy, "%s.copy", stored.path);
	snprintf(other, sizeof other, "%s.other", stored.path);
}

static void end(void)
{
	static const char *const left[] = { ".copy", ".other", ".before", ".before-wal", ".before-shm", ".copy-wal" };
	char path[120];

	for (size_t i = 0; i < UNIT_COUNT(left); i++) {
		snprintf(path, sizeof path, "%s%s", stored.path, left[i]);
		unlink(path);
	}
	stored_end();
}

static bool is_there(const char *ends)
{
	char path[120];

	snprintf(path, sizeof path, "%s%s", stored.path, ends);
	return access(path, F_OK) == 0;
}

static void note(void *ctx, const uint8_t *apex, uint32_t serial)
{
	char *to = ctx, name[NAME_TEXT];

	sprintf(to + strlen(to), "%s %u|", name_text(name, apex), serial);
}

/* "example. 1|": what is in that copy, or why it cannot be told. */
static const char *look(const char *path)
{
	static char text[1000];
	struct fault why = { 0 };

	text[0] = 0;
	if (!store_look(path, note, text, &why))
		snprintf(text, sizeof text, "%.900s", why.text);
	return text;
}

static void write_to(const char *path, const char *bytes, int flags)
{
	const int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

	CU_ASSERT_TRUE(fd >= 0 && write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
	close(fd);
}

static void a_copy_has_what_there_was_and_is_put_back(void)
{
	struct stat st;

	begin();
	CU_ASSERT_TRUE(stored_put(ZONE(1), &timers));
	CU_ASSERT_TRUE(store_backup(stored.s, copy, &stored.why));
	CU_ASSERT_TRUE(stat(copy, &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_FALSE(is_there(".copy.new"));
	CU_ASSERT_STRING_EQUAL(look(copy), "example. 1|");
	/* In the place of another copy; and what comes later is not in it. */
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_STRING_EQUAL(look(copy), "example. 1|");
	/* Not while it is in use, nor onto itself. */
	CU_ASSERT_FALSE(store_restore(stored.path, copy, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "a server has it open: stop that first"));
	CU_ASSERT_FALSE(store_backup(stored.s, stored.path, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "that is the store itself"));
	stored_held(2, 1700000000, 1209600, 3, 1);
	store_close(stored.s);
	CU_ASSERT_FALSE(store_restore(stored.path, stored.path, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "that is the store itself"));
	CU_ASSERT_TRUE(store_restore(stored.path, copy, &stored.why));
	CU_ASSERT_FALSE(is_there(".restored"));
	/* What there was stands beside it. */
	CU_ASSERT_TRUE(is_there(".before"));
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	stored_held(1, 1700000000, 1209600, 3, 0);
	end();
}

static void what_is_no_copy_is_not_taken_for_one(void)
{
	char wal[120];

	begin();
	CU_ASSERT_TRUE(stored_put(ZONE(1), &timers));
	CU_ASSERT_TRUE(store_backup(stored.s, copy, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(look("/nonexistent/copy"), "/nonexistent/copy: No such file or directory"));
	write_to(other, "no database at all, but some text that is longer than a header\n", O_TRUNC);
	CU_ASSERT_PTR_EQUAL(strstr(look(other), other), look(other));
	CU_ASSERT_PTR_NULL(strstr(look(other), "example."));
	/* A store in use has a journal beside it. */
	snprintf(wal, sizeof wal, "%s-wal", copy);
	write_to(wal, "x", O_TRUNC);
	CU_ASSERT_PTR_NOT_NULL(strstr(look(copy), "this is a store in use, and no copy"));
	unlink(wal);
	CU_ASSERT_STRING_EQUAL(look(copy), "example. 1|");
	/* Damaged in the middle. */
	const int fd = open(copy, O_RDWR);
	char junk[4096];
	memset(junk, 0x5a, sizeof junk);
	CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof junk, 8192), (ssize_t)sizeof junk);
	close(fd);
	CU_ASSERT_PTR_NULL(strstr(look(copy), "example. 1|"));
	end();
}

/* Where there is no store yet there is nothing to keep. */
static void a_copy_is_put_where_there_is_none(void)
{
	begin();
	CU_ASSERT_TRUE(stored_put(ZONE(5), &timers));
	CU_ASSERT_TRUE(store_backup(stored.s, copy, &stored.why));
	CU_ASSERT_TRUE(store_restore(other, copy, &stored.why));
	CU_ASSERT_STRING_EQUAL(look(other), "example. 5|");
	CU_ASSERT_FALSE(is_there(".other.before"));
	CU_ASSERT_FALSE(store_restore(other, "/nonexistent/copy", &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "/nonexistent/copy"));
	CU_ASSERT_STRING_EQUAL(look(other), "example. 5|");
	CU_ASSERT_FALSE(store_backup(stored.s, "/nonexistent/copy", &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "/nonexistent/copy.new"));
	end();
}

void suite_store_copy(void);
void suite_store_copy(void)
{
	static const struct unit_case cases[] = {
		{ "a copy has what there was, and is put back", a_copy_has_what_there_was_and_is_put_back },
		{ "what is no copy is not taken for one", what_is_no_copy_is_not_taken_for_one },
		{ "a copy is put where there is none", a_copy_is_put_where_there_is_none },
	};

	unit_suite("store/store_copy", cases, UNIT_COUNT(cases));
}
