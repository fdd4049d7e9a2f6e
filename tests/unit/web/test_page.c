#include "web/page.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* The table is empty where npm was not there. */
static void each_file_is_found_and_is_compressed(void)
{
	size_t whole = 0;

	for (const struct page_file *f = page_files; f->path; f++) {
		char target[200];
		CU_ASSERT_PTR_EQUAL(page_find(f->path), f);
		snprintf(target, sizeof target, "%s?x=/", f->path);
		CU_ASSERT_PTR_EQUAL(page_find(target), f);
		snprintf(target, sizeof target, "%sx", f->path);
		CU_ASSERT_PTR_NULL(page_find(target));
		CU_ASSERT_TRUE(f->len > 20 && f->body[0] == 0x1f && f->body[1] == 0x8b);
		CU_ASSERT_EQUAL(f->tag == NULL, strncmp(f->path, "/assets/", 8) == 0);
		whole += f->len;
	}
	CU_ASSERT_TRUE(whole < 300000); /* what the first look may take */
	CU_ASSERT_PTR_NULL(page_find("/assets/"));
	CU_ASSERT_PTR_NULL(page_find(""));
}

static const struct unit_case cases[] = {
	{ "each file is found by its path and is compressed", each_file_is_found_and_is_compressed },
};

void suite_page(void);
void suite_page(void)
{
	unit_suite("web/page", cases, UNIT_COUNT(cases));
}
