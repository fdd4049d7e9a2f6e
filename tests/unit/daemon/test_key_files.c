#include "daemon/key_files.h"

#include "unit/unit.h"
#include "zone/signing_key_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t apex[] = "\7example";

static void a_key_of_which_no_path_can_be_is_not_written(void)
{
	static char dir[4096];
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_ZSK, NULL);
	struct fault why = { "" };

	memset(dir, 'x', 4070); /* and "Kexample.+015+12345" behind it */
	struct key_files *f = key_files_open(dir, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_STRING_EQUAL(key_files_dir(f), dir);
	/* Who would write it must not think that its place is free. */
	CU_ASSERT_TRUE(key_files_has_other(f, apex, k, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "xxx"));
	CU_ASSERT_FALSE(key_files_write(f, apex, k, 0, &why));
	key_files_close(f);
	signing_key_drop(k);
}

static void what_stands_in_the_place_of_a_key_is_another_unless_it_is_the_same(void)
{
	static const struct {
		const char *say;
		bool private_half, public_half, rubbish;
		bool is_other;
	} row[] = {
		{ "nothing", false, false, false, false },
		{ "both halves of it", true, true, false, false },
		{ "the public half of it", false, true, false, false },
		{ "the private half of it", true, false, false, false },
		{ "a private half that is none", false, true, true, true },
		{ "and no public one", false, false, true, true },
	};
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_ZSK, NULL);
	char dir[] = "/tmp/unit_keys.XXXXXX", name[SIGNING_FILE_NAME], path[2][1000];
	struct fault why = { "" };

	if (!mkdtemp(dir))
		abort();
	struct key_files *f = key_files_open(dir, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	signing_text_file(name, k, apex);
	snprintf(path[0], sizeof path[0], "%s/%s.private", dir, name);
	snprintf(path[1], sizeof path[1], "%s/%s.key", dir, name);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_TRUE(key_files_write(f, apex, k, 0, &why));
		if (!row[i].private_half)
			CU_ASSERT_EQUAL(unlink(path[0]), 0);
		if (!row[i].public_half)
			CU_ASSERT_EQUAL(unlink(path[1]), 0);
		if (row[i].rubbish) {
			FILE *to = fopen(path[0], "w");
			fputs("no key\n", to);
			fclose(to);
		}
		why.text[0] = 0;
		if (key_files_has_other(f, apex, k, &why) != row[i].is_other)
			CU_FAIL(row[i].say);
		/* The file that is in the way is named. */
		CU_ASSERT_EQUAL(strstr(why.text, ": another key has the same tag") != NULL, row[i].is_other);
		if (row[i].is_other)
			CU_ASSERT_EQUAL(strncmp(why.text, path[row[i].public_half], strlen(path[row[i].public_half])), 0);
		CU_ASSERT_EQUAL(key_files_has(f, apex, k), row[i].private_half || row[i].rubbish);
		unlink(path[0]);
		unlink(path[1]);
	}
	key_files_close(f);
	rmdir(dir);
	signing_key_drop(k);
}

void suite_key_files(void);
void suite_key_files(void)
{
	static const struct unit_case cases[] = {
		{ "a key of which no path can be is not written", a_key_of_which_no_path_can_be_is_not_written },
		{ "what stands in the place of a key is another, unless it is the same",
			what_stands_in_the_place_of_a_key_is_another_unless_it_is_the_same },
	};

	unit_suite("daemon/key_files", cases, UNIT_COUNT(cases));
}
