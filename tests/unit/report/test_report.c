#include "report/report.h"

#include "base/clock.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static struct report_view *view_of(const struct job_view *jobs, size_t n)
{
	struct report_view *v = calloc(1, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v->loop.jobs[i] = jobs[i];
	v->loop.n_jobs = n;
	return v;
}

static void jobs_are_told_with_their_state_and_how_far_they_are(void)
{
	const uint64_t now = clock_us();
	const struct job_view jobs[] = {
		{ "reload", "all of it", true, now - 5000000, 1, 4 },
		{ "save", "/some/file", false, now - 100000, 0, 0 },
		{ "import", "", true, now, 4, 4 },
	};
	struct report_view *v = view_of(jobs, UNIT_COUNT(jobs));
	struct text out = { 0 };
	char name[16], state[16], done[16], what[32];
	double s;

	report_jobs(v, false, &out);
	const char *at = strchr(text_get(&out), '\n');
	CU_ASSERT_EQUAL(strncmp(text_get(&out), "JOB ", 4), 0);
	CU_ASSERT_EQUAL(
		sscanf(at, " %15s %15s %lf %15s %31[^\n]", name, state, &s, done, what), 5);
	CU_ASSERT_STRING_EQUAL(name, "reload");
	CU_ASSERT_STRING_EQUAL(state, "runs");
	CU_ASSERT_TRUE(s >= 5 && s < 100);
	CU_ASSERT_STRING_EQUAL(done, "25%");
	CU_ASSERT_STRING_EQUAL(what, "all of it");
	at = strchr(at + 1, '\n');
	CU_ASSERT_EQUAL(
		sscanf(at, " %15s %15s %lf %15s %31[^\n]", name, state, &s, done, what), 5);
	CU_ASSERT_STRING_EQUAL(name, "save");
	CU_ASSERT_STRING_EQUAL(state, "waits");
	CU_ASSERT_STRING_EQUAL(done, "-"); /* it does not tell */
	CU_ASSERT_STRING_EQUAL(what, "/some/file");
	at = strchr(at + 1, '\n');
	CU_ASSERT_PTR_NOT_NULL(strstr(at, " 100% "));
	text_fini(&out);

	out = (struct text){ 0 };
	report_jobs(v, true, &out);
	json_t *list = json_loads(text_get(&out), 0, NULL);
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 3);
	const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "job")), "reload");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "state")), "runs");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "done")), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "of")), 4);
	CU_ASSERT_TRUE(json_real_value(json_object_get(first, "for_s")) >= 5);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(second, "state")), "waits");
	CU_ASSERT_PTR_NULL(json_object_get(second, "of"));
	json_decref(list);
	text_fini(&out);
	free(v);
}

static void without_jobs_there_is_an_empty_list(void)
{
	struct report_view *v = view_of(NULL, 0);
	struct text out = { 0 };

	report_jobs(v, true, &out);
	json_t *list = json_loads(text_get(&out), 0, NULL);
	CU_ASSERT_TRUE(json_is_array(list) && json_array_size(list) == 0);
	json_decref(list);
	text_fini(&out);
	out = (struct text){ 0 };
	report_jobs(v, false, &out);
	CU_ASSERT_PTR_EQUAL(strchr(text_get(&out), '\n'), text_get(&out) + out.len - 1);
	text_fini(&out);
	free(v);
}

static void of_more_jobs_than_there_is_room_for_the_first_are_told(void)
{
	struct report_view *v = view_of(NULL, 0);
	struct text out = { 0 };

	for (unsigned i = 0; i < REPORT_JOBS_MOST; i++)
		v->loop.jobs[i] = (struct job_view){ .name = "free" };
	v->loop.n_jobs = REPORT_JOBS_MOST + 100;
	report_jobs(v, true, &out);
	json_t *list = json_loads(text_get(&out), 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(list), REPORT_JOBS_MOST);
	json_decref(list);
	text_fini(&out);
	free(v);
}

void suite_report(void);
void suite_report(void)
{
	static const struct unit_case cases[] = {
		{ "jobs are told with their state and how far they are",
			jobs_are_told_with_their_state_and_how_far_they_are },
		{ "without jobs there is an empty list", without_jobs_there_is_an_empty_list },
		{ "of more jobs than there is room for the first are told",
			of_more_jobs_than_there_is_room_for_the_first_are_told },
	};

	unit_suite("report/report", cases, UNIT_COUNT(cases));
}
