#include "daemon/timeline.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit/net/serving.h"
#include "unit/store/stored.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

static struct desk {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct timeline *h;
	struct text said;
	unsigned wanted;
	char log[3000];
} d;

static void start(struct store *store)
{
	struct faults f;

	faults_init(&f);
	d.loop = ev_loop_new(EVFLAG_NOENV);
	d.jobs = jobs_new(d.loop);
	d.h = timeline_new(d.loop, d.jobs, store, &f);
	CU_ASSERT_EQUAL(f.warnings, 0);
	faults_fini(&f);
}

static void stop(void)
{
	CU_ASSERT_TRUE(jobs_stop(d.jobs, TURNS_PATIENCE_S));
	timeline_free(d.h);
	jobs_free(d.jobs);
	ev_loop_destroy(d.loop);
	text_fini(&d.said);
}

static void add(const char *what, const char *edge, int64_t at_ms)
{
	timeline_add(d.h, &(struct store_event){ .at_ms = at_ms, .what = what, .edge = edge, .pool = "", .who = "", .was = "up", .is = "down", .why = "" });
}

static const char *show(const struct timeline_ask *ask)
{
	text_fini(&d.said);
	timeline_show(d.h, ask, &d.said);
	return text_get(&d.said);
}

static void count_event(void *ctx, const struct store_event *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

static unsigned count_stored(void)
{
	unsigned n = 0;

	return store_each_event(stored.s, count_event, &n, &stored.why) ? n : 999999;
}

static bool are_stored(void *ctx)
{
	(void)ctx;
	return count_stored() == d.wanted;
}

static bool stores(unsigned n)
{
	d.wanted = n;
	return turns_until(d.loop, are_stored, NULL);
}

static void what_is_asked_for_is_shown_the_oldest_first(void)
{
	static const struct store_event events[] = {
		{ 1000, "force", "ams1", "", "root", "none", "down", "it burns" },
		{ 2000, "probe", "ams2", "web", "", "", "up", "connected" },
		{ 3000, "drain", "nyc", "", "joe", "in", "out", NULL },
		{ 4000, "probe", NULL, "web", NULL, "2 up", "1 up", "" },
		{ 5000, "force", "ams*", "", "root", "none", "up", "" },
	};
#define E1 "1970-01-01T00:00:01Z  force     ams1: none -> down by root (it burns)\n"
#define E2 "1970-01-01T00:00:02Z  probe     ams2 in pool web: up (connected)\n"
#define E3 "1970-01-01T00:00:03Z  drain     nyc: in -> out by joe\n"
#define E4 "1970-01-01T00:00:04Z  probe     pool web: 2 up -> 1 up\n"
#define E5 "1970-01-01T00:00:05Z  force     ams*: none -> up by root\n"
	static const struct {
		struct timeline_ask ask;
		const char *says;
	} row[] = {
		{ { NULL, 10, 0, false, false }, E1 E2 E3 E4 E5 },
		{ { NULL, 2, 0, false, false }, E4 E5 },
		{ { NULL, 0, 0, false, false }, "nothing has become of edges and pools\n" },
		{ { NULL, 10, 3000, false, false }, E1 E2 },
		{ { NULL, 10, 3001, false, false }, E1 E2 E3 },
		{ { NULL, 1, 3001, false, false }, E3 },
		{ { "ams1", 10, 0, false, false }, E1 E5 },
		{ { "ams*", 10, 0, false, false }, E1 E2 E5 },
		{ { "web", 10, 0, false, false }, E2 E4 },
		{ { "w*", 10, 4000, false, false }, E2 },
		{ { "fra", 10, 0, false, false }, "nothing is known of \"fra\" (\"waymarkctl edges\" and \"pools\" list what there is)\n" },
		{ { "fra", 10, 0, false, true }, "nothing has become of \"fra\"\n" },
		{ { "ams1", 10, 1000, false, true }, "nothing has become of \"ams1\" until then\n" },
		{ { "fra", 10, 0, true, false }, "[]\n" },
	};

	start(NULL);
	CU_ASSERT_STRING_EQUAL(show(&(struct timeline_ask){ .last = 5 }), "nothing has become of edges and pools\n");
	for (size_t i = 0; i < UNIT_COUNT(events); i++)
		timeline_add(d.h, &events[i]);
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(show(&row[i].ask), row[i].says);
	CU_ASSERT_STRING_EQUAL(show(&(struct timeline_ask){ .last = 1, .until_ms = 2000, .json = true }),
		"[\n  {\n    \"time\": \"1970-01-01T00:00:01Z\",\n    \"at_ms\": 1000,\n    \"what\": \"force\",\n    \"edge\": \"ams1\",\n    \"pool\": \"\",\n"
		"    \"who\": \"root\",\n    \"was\": \"none\",\n    \"is\": \"down\",\n    \"why\": \"it burns\"\n  }\n]\n");
	stop();
}

static void the_last_ones_are_kept_and_some_of_them_shown(void)
{
	char last[40];
	unsigned lines = 0;

	start(NULL);
	for (int64_t i = 1; i <= TIMELINE_MOST + 3; i++)
		add("probe", "ams", i * 1000);
	/* The fourth is the oldest that is left. */
	CU_ASSERT_STRING_EQUAL(show(&(struct timeline_ask){ .last = 5, .until_ms = 6000 }),
		"1970-01-01T00:00:04Z  probe     ams: up -> down\n1970-01-01T00:00:05Z  probe     ams: up -> down\n");
	for (const char *at = show(&(struct timeline_ask){ .last = TIMELINE_MOST }); (at = strchr(at, '\n')); at++)
		lines++;
	CU_ASSERT_EQUAL(lines, TIMELINE_SHOW_MOST);
	snprintf(last, sizeof last, "1970-01-01T02:46:43Z  "); /* 10003 s */
	CU_ASSERT_EQUAL(strncmp(show(&(struct timeline_ask){ .last = 1 }), last, strlen(last)), 0);
	/* Of the time of day, when none is given. */
	add("probe", "now", 0);
	CU_ASSERT_PTR_NULL(strstr(show(&(struct timeline_ask){ .about = "now", .last = 1 }), "1970"));
	CU_ASSERT_PTR_NOT_NULL(strstr(show(&(struct timeline_ask){ .about = "now", .last = 1 }), "Z  probe     now: up -> down\n"));
	stop();
}

static void what_persons_do_is_stored_at_once_and_all_of_it_in_the_end(void)
{
	stored_begin();
	start(stored.s);
	add("probe", "ams", 1000);
	add("pool", "ams", 2000);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(count_stored(), 0);
	add("force", "ams", 3000); /* and what waited with it */
	CU_ASSERT_TRUE(stores(3));
	add("probe", "nyc", 4000);
	stop();
	CU_ASSERT_EQUAL(count_stored(), 4);
	/* It is there again. */
	stored_again();
	start(stored.s);
	CU_ASSERT_STRING_EQUAL(show(&(struct timeline_ask){ .last = 2 }),
		"1970-01-01T00:00:03Z  force     ams: up -> down\n1970-01-01T00:00:04Z  probe     nyc: up -> down\n");
	stop();
	CU_ASSERT_EQUAL(count_stored(), 4);
	stored_end();
}

static bool is_rested(void *ctx)
{
	struct job_view any[1];

	return jobs_list(ctx, any, 1) == 0;
}

static void force(unsigned at_s)
{
	add("force", "ams", at_s * 1000);
	turns_now(d.loop);
	CU_ASSERT_TRUE(turns_until(d.loop, is_rested, d.jobs));
}

static void fail_and_come_back(void *ctx)
{
	(void)ctx;
	stored_sql("ALTER TABLE history RENAME TO away");
	force(1);
	force(2);
	stored_sql("ALTER TABLE away RENAME TO history");
	force(3);
	stored_sql("ALTER TABLE history RENAME TO away");
	force(4);
	stored_sql("ALTER TABLE away RENAME TO history");
}

static void a_store_that_does_not_take_it_is_told_once_each_time(void)
{
	unsigned n = 0;

	stored_begin();
	start(stored.s);
	serving_log(d.log, sizeof d.log, fail_and_come_back, NULL);
	for (const char *at = d.log; (at = strstr(at, "history: the store does not take it: ")); at++)
		n++;
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(count_stored(), 1);
	stop();
	stored_end();
}

void suite_timeline(void);
void suite_timeline(void)
{
	static const struct unit_case cases[] = {
		{ "what is asked for is shown, the oldest first", what_is_asked_for_is_shown_the_oldest_first },
		{ "the last ones are kept, and some of them shown", the_last_ones_are_kept_and_some_of_them_shown },
		{ "what persons do is stored at once, and all of it in the end", what_persons_do_is_stored_at_once_and_all_of_it_in_the_end },
		{ "a store that does not take it is told once each time", a_store_that_does_not_take_it_is_told_once_each_time },
	};

	unit_suite("daemon/timeline", cases, UNIT_COUNT(cases));
}
