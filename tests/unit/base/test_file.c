#include "base/file.h"

#include "unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- a folder ----------------------------------------------------------------------------- */

static char folder[64], path[128];

static void open_folder(void)
{
	strcpy(folder, "/tmp/waymark-file.XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/it", folder);
}

static void close_folder(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		abort();
}

static void put(const char *at, const char *text)
{
	FILE *f = fopen(at, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* --- reading ------------------------------------------------------------------------------ */

static bool refused(const char *at, size_t most, const char *words)
{
	struct fault why = { "" };
	struct file f;

	if (file_read(&f, at, most, &why) || f.text || f.len)
		return false;
	return strncmp(why.text, at, strlen(at)) == 0 && strstr(why.text, words);
}

static void only_regular_files_are_read_and_nobody_waits(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	open_folder();
	CU_ASSERT_TRUE(refused(path, 100, "No such file"));
	CU_ASSERT_TRUE(refused(folder, 100, "is a directory"));
	CU_ASSERT_TRUE(refused("/dev/zero", 100, "is a device"));
	CU_ASSERT_TRUE(refused("/dev/null", 100, "is a device"));
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	CU_ASSERT_TRUE(refused(path, 100, "is a pipe"));
	unlink(path);
	const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(sa.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(s, (struct sockaddr *)&sa, sizeof sa), 0);
	CU_ASSERT_TRUE(refused(path, 100, "is a socket"));
	close(s);
	close_folder();
}

static void a_file_has_the_size_that_its_kind_may_have(void)
{
	struct file f;

	open_folder();
	put(path, "0123456789");
	CU_ASSERT_TRUE(file_read(&f, path, 10, NULL));
	CU_ASSERT_EQUAL(f.len, 10);
	CU_ASSERT_STRING_EQUAL(f.text, "0123456789");
	file_free(&f);
	CU_ASSERT_TRUE(refused(path, 9, "larger than such a file may be: 9 bytes"));
	CU_ASSERT_EQUAL_FATAL(truncate(path, 3 << 20), 0);
	CU_ASSERT_TRUE(refused(path, 2 << 20, "may be: 2 MiB"));
	close_folder();
	/* Its size is 0 for stat(), and it has a line. */
	CU_ASSERT_TRUE(file_read(&f, "/proc/self/stat", 1 << 20, NULL));
	CU_ASSERT_TRUE(f.len > 10 && f.text[f.len] == 0);
	file_free(&f);
	CU_ASSERT_TRUE(refused("/proc/self/stat", 5, "may be: 5 bytes"));
}

/* --- replacing ---------------------------------------------------------------------------- */

static bool replace(const char *with)
{
	struct text text = { 0 };

	text_add(&text, with);
	const bool ok = file_replace(path, &text, 0640, NULL);
	text_fini(&text);
	return ok;
}

static bool holds(const char *at, const char *want)
{
	struct file f;

	const bool same = file_read(&f, at, 1000, NULL) && strcmp(f.text, want) == 0;
	file_free(&f);
	return same;
}

static void a_file_is_replaced_whole_and_no_link_is_followed(void)
{
	char beside[sizeof path + 4], other[sizeof path + 8];
	struct stat st;

	open_folder();
	snprintf(beside, sizeof beside, "%s.new", path);
	snprintf(other, sizeof other, "%s.other", path);
	put(other, "not ours");
	CU_ASSERT_EQUAL_FATAL(symlink(other, beside), 0);
	CU_ASSERT_TRUE(replace("one"));
	CU_ASSERT_TRUE(holds(path, "one") && holds(other, "not ours"));
	put(beside, "left by a crash");
	CU_ASSERT_TRUE(replace("two"));
	CU_ASSERT_TRUE(holds(path, "two") && access(beside, F_OK) != 0);
	CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777 & ~0640u) == 0);
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(symlink(other, path), 0);
	CU_ASSERT_TRUE(replace("three"));
	CU_ASSERT_TRUE(holds(path, "three") && holds(other, "not ours"));
	close_folder();
}

/* A disk that is full, as far as this process can see. */
static void what_cannot_be_written_leaves_the_old_file_and_no_other(void)
{
	struct rlimit before, little;
	struct text text = { 0 };
	struct fault why = { "" };
	char beside[sizeof path + 4];

	open_folder();
	snprintf(beside, sizeof beside, "%s.new", path);
	CU_ASSERT_TRUE(replace("old"));
	for (int i = 0; i < 10000; i++)
		text_add(&text, "new and long ");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	little = before;
	little.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &little);
	CU_ASSERT_FALSE(file_replace(path, &text, 0600, &why));
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "/it: File too large"));
	CU_ASSERT_TRUE(holds(path, "old") && access(beside, F_OK) != 0);
	text.lost = true;
	text.len = 3;
	CU_ASSERT_FALSE(file_replace(path, &text, 0600, &why));
	CU_ASSERT_TRUE(holds(path, "old"));
	text_fini(&text);
	close_folder();
}

/* Who is root could rename /dev/null away. */
static void what_is_no_file_is_not_replaced(void)
{
	static const struct {
		const char *to; /* a link to that; NULL: a pipe itself */
		const char *says;
	} row[] = {
		{ NULL, "is a pipe, and a file is wanted" },
		{ "/dev/null", "is a device, and a file is wanted" },
		{ "/", "is a directory, and a file is wanted" },
		{ "/proc/self/status", "leads to what a process has open, and a file is wanted" },
	};
	struct text text = { 0 };
	char beside[sizeof path + 8];

	text_add(&text, "new");
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { 0 };
		struct stat before, after;
		open_folder();
		CU_ASSERT_EQUAL_FATAL(row[i].to ? symlink(row[i].to, path) : mkfifo(path, 0600), 0);
		CU_ASSERT_EQUAL(lstat(path, &before), 0);
		CU_ASSERT_FALSE(file_replace(path, &text, 0600, &why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].says));
		CU_ASSERT_FALSE(file_prepare(path, &text, 0600, &why));
		CU_ASSERT_EQUAL(lstat(path, &after), 0);
		CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
		snprintf(beside, sizeof beside, "%s.new", path);
		CU_ASSERT_NOT_EQUAL(access(beside, F_OK), 0);
		close_folder();
	}
	text_fini(&text);
}

static enum file_result replace_version(const char *with, const struct file_stamp *was, struct file_stamp *now)
{
	struct text text = { 0 };
	struct fault why;

	text_add(&text, with);
	const enum file_result result =
		file_replace_version(path, &text, &(struct file_version){ was, now, 0640 }, &why);
	text_fini(&text);
	return result;
}

static void a_file_is_replaced_in_the_version_that_is_known_alone(void)
{
	struct file_stamp first, second, now, other;
	char beside[sizeof path + 4];

	open_folder();
	snprintf(beside, sizeof beside, "%s.new", path);
	CU_ASSERT_EQUAL(replace_version("one", NULL, &first), FILE_REPLACED);
	CU_ASSERT_TRUE(holds(path, "one"));
	CU_ASSERT_TRUE(file_stamp_settled(path, &now) && file_stamp_same(&now, &first));
	CU_ASSERT_EQUAL(replace_version("none", NULL, &other), FILE_IS_OTHER); /* there is one */
	CU_ASSERT_EQUAL(replace_version("second", &first, &second), FILE_REPLACED);
	CU_ASSERT_TRUE(holds(path, "second"));
	/* What somebody has put there since, or written into it, stays. */
	CU_ASSERT_EQUAL(replace_version("late", &first, &other), FILE_IS_OTHER);
	put(path, "somebody's");
	CU_ASSERT_EQUAL(replace_version("late", &second, &other), FILE_IS_OTHER);
	CU_ASSERT_TRUE(holds(path, "somebody's") && access(beside, F_OK) != 0);
	close_folder();
}

void suite_file(void)
{
	static const struct unit_case cases[] = {
		{ "only regular files are read, and nobody waits for another",
			only_regular_files_are_read_and_nobody_waits },
		{ "a file has the size that its kind may have",
			a_file_has_the_size_that_its_kind_may_have },
		{ "what is no file is not replaced", what_is_no_file_is_not_replaced },
		{ "a file is replaced whole, and no link is followed",
			a_file_is_replaced_whole_and_no_link_is_followed },
		{ "what cannot be written leaves the old file and no other",
			what_cannot_be_written_leaves_the_old_file_and_no_other },
		{ "a file is replaced in the version that is known alone",
			a_file_is_replaced_in_the_version_that_is_known_alone },
	};

	unit_suite("base/file", cases, UNIT_COUNT(cases));
}
