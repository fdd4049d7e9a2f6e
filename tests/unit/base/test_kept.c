#include "base/kept.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_kept.XXXXXX", path[64];

static int open_folder(void)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/a", folder);
	return 0;
}

static int close_folder(void)
{
	unlink(path);
	return rmdir(folder);
}

static const char first[] = "some", second[] = "and more of it, which is longer than eight bytes";

static bool put(const char *kind)
{
	struct kept_out o;
	struct fault why;

	if (!kept_create(&o, path, kind, &why))
		return false;
	kept_put(&o, first, sizeof first);
	kept_put(&o, "", 0);
	kept_put(&o, second, sizeof second);
	return kept_done(&o, &why);
}

/* All of it is there, and is right. */
static bool get(const char *kind)
{
	char one[sizeof first], two[sizeof second], none[1];
	struct kept_in in;

	if (!kept_open(&in, path, kind))
		return false;
	const bool ok = kept_next(&in) == sizeof one && kept_get(&in, one, sizeof one) && !kept_ended(&in) && kept_next(&in) == 0 &&
		kept_get(&in, none, 0) && kept_get(&in, two, sizeof two) && kept_ended(&in) && !kept_get(&in, none, 0) &&
		memcmp(one, first, sizeof one) == 0 && memcmp(two, second, sizeof two) == 0;
	kept_close(&in);
	return ok;
}

static void what_is_put_comes_back_in_the_same_parts(void)
{
	struct kept_in in;
	char other[sizeof first + 1];

	CU_ASSERT_TRUE(put("test 1"));
	CU_ASSERT_TRUE(get("test 1"));
	CU_ASSERT_FALSE(get("test 2"));
	CU_ASSERT_TRUE_FATAL(kept_open(&in, path, "test 1"));
	CU_ASSERT_FALSE(kept_get(&in, other, sizeof other)); /* of another length */
	CU_ASSERT_FALSE(kept_get(&in, other, sizeof first)); /* and nothing after that */
	CU_ASSERT_EQUAL(kept_next(&in), 0);
	kept_close(&in);
}

static void whatever_byte_is_another_or_missing_is_seen(void)
{
	char bytes[512];

	CU_ASSERT_TRUE(put("test 1"));
	FILE *f = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	const size_t len = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	CU_ASSERT_TRUE_FATAL(len > sizeof first + sizeof second && len < sizeof bytes);
	for (size_t i = 0; i < len; i++) {
		f = fopen(path, "r+e");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fseek(f, (long)i, SEEK_SET);
		fputc(bytes[i] ^ 0x10, f);
		fclose(f);
		CU_ASSERT_FALSE(get("test 1"));
		CU_ASSERT_TRUE(put("test 1"));
	}
	for (size_t i = 0; i < len; i++) {
		CU_ASSERT_EQUAL(truncate(path, (off_t)(len - 1 - i)), 0);
		CU_ASSERT_FALSE(get("test 1"));
	}
}

static void another_users_is_not_believed_and_none_is_in_place_before_it_is_done(void)
{
	struct kept_out o;
	struct fault why;

	CU_ASSERT_TRUE(put("test 1"));
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(chown(path, 65534, 65534), 0);
		CU_ASSERT_FALSE(get("test 1"));
	}
	unlink(path);
	CU_ASSERT_TRUE_FATAL(kept_create(&o, path, "test 1", &why));
	kept_put(&o, first, sizeof first);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	kept_give_up(&o);
	CU_ASSERT_FALSE(get("test 1"));
	CU_ASSERT_FALSE(kept_create(&o, "/nonexistent/a", "test 1", &why));
	CU_ASSERT_STRING_EQUAL(why.text, "/nonexistent/a.new: No such file or directory");
}

static const struct unit_case cases[] = {
	{ "what is put comes back in the same parts", what_is_put_comes_back_in_the_same_parts },
	{ "whatever byte is another or missing is seen", whatever_byte_is_another_or_missing_is_seen },
	{ "another user's is not believed, and none is in place before it is done",
		another_users_is_not_believed_and_none_is_in_place_before_it_is_done },
};

void suite_kept(void);
void suite_kept(void)
{
	unit_suite_with("base/kept", cases, UNIT_COUNT(cases), open_folder, close_folder);
}
