#include "daemon/decisions.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include "daemon/timeline.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EDGES                                       \
	"edges:\n"                                  \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"   \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n" \
	"pools: { web: { edges: [ ams, nyc ] } }\n"

static struct house h;

static const char *file_of(const char *name)
{
	static char text[200000];
	char path[200];

	snprintf(path, sizeof path, "%s/%s", h.site.folder, name);
	FILE *f = fopen(path, "re");
	const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = 0;
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static unsigned times_in(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* Until the file has so many lines. */
static bool has_lines(const char *name, unsigned n)
{
	for (unsigned i = 0; i < 400 && lines_of(file_of(name)) < n; i++)
		house_pass(&h, 0.05);
	return lines_of(file_of(name)) == n;
}

static void each_sampled_answer_is_a_line(void)
{
	house_open(&h, EDGES "log: { decisions: { file: d.json, sample: 50% } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (unsigned i = 0; i < 10; i++)
		house_ask(&h, "w.a.example");
	house_ask(&h, "ns.a.example"); /* no pool's */
	CU_ASSERT_TRUE(has_lines("d.json", 5));
	const char *text = file_of("d.json");
	CU_ASSERT_EQUAL(strncmp(text, "{\"time\":", 8), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
		",\"name\":\"w.a.example.\",\"type\":\"A\",\"client\":\"127.0.0.1\",\"by\":"
		"\"resolver\","
		"\"resolver\":\"127.0.0.1\",\"pool\":\"web\",\"edge\":\"ams\",\"why\":\"best\","
		"\"ttl\":300,"
		"\"scope\":"));
	const long long said_s = strtoll(text + 8, NULL, 10), now_s = (long long)time(NULL);
	CU_ASSERT_TRUE(said_s <= now_s && said_s > now_s - 600);
	CU_ASSERT_EQUAL(decisions_lost(h.server.decisions), 0);
	/* What is in the rings when it ends is written, too. */
	for (unsigned i = 0; i < 10; i++)
		house_ask(&h, "w.a.example");
	house_stop(&h);
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 10);
	house_close(&h);
}

static void it_follows_reloads(void)
{
	house_open(&h, EDGES);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_ask(&h, "w.a.example");
	house_configure(&h, EDGES "log: { decisions: { file: d.json, sample: 100% } }\n");
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	house_ask(&h, "w.a.example");
	CU_ASSERT_TRUE(has_lines("d.json", 1));
	house_configure(&h, EDGES "log: { decisions: { file: e.json, sample: 100% } }\n");
	house_tell(&h, "reload");
	house_ask(&h, "w.a.example");
	CU_ASSERT_TRUE(has_lines("e.json", 1));
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 1);
	house_configure(&h, EDGES);
	house_tell(&h, "reload");
	house_ask(&h, "w.a.example");
	house_pass(&h, 0.5);
	CU_ASSERT_EQUAL(lines_of(file_of("e.json")), 1);
	house_stop(&h);
	CU_ASSERT_EQUAL(lines_of(file_of("e.json")), 1);
	house_close(&h);
}

static void what_the_file_does_not_take_is_counted(void)
{
	house_open(&h, EDGES "log: { decisions: { file: none/d.json, sample: 100% } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (unsigned i = 0; i < 3; i++)
		house_ask(&h, "w.a.example");
	for (unsigned i = 0; i < 400 && decisions_lost(h.server.decisions) < 3; i++)
		house_pass(&h, 0.05);
	CU_ASSERT_EQUAL(decisions_lost(h.server.decisions), 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "none/d.json"));
	house_stop(&h);
	house_close(&h);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void say_that(const char *why)
{
	timeline_add(h.server.timeline, &(struct store_event){ .what = "edge", .edge = "ams", .who = "user 7", .was = "up", .is = "down", .why = why });
}

/* As in an upgrade: what is begun from now on waits for the new process, and goes with the old one. */
static void what_a_held_job_was_to_write_is_written_at_the_end(void)
{
	static const char conf[] =
		EDGES "store: { file: w.db }\nlog: { decisions: { file: d.json, keep: 1h, sample: 100% } }\n";

	house_open(&h, conf);
	site_put(&h.site, "zones/b.example.zone", SITE_ZONE(1, "w EDGE web\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_ask(&h, "w.a.example");
	CU_ASSERT_TRUE(has_lines("d.json", 1));
	jobs_hold(h.server.jobs, nothing, NULL);
	for (unsigned i = 0; i < 3; i++)
		house_ask(&h, "w.a.example");
	say_that("first");
	house_pass(&h, 1.5); /* the job with these has been asked for */
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 1);
	for (unsigned i = 0; i < 4; i++)
		house_ask(&h, "w.b.example");
	say_that("second");
	house_stop(&h);
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 8);
	const char *text = file_of("d.json"), *other = strstr(text, "w.b.example");
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	CU_ASSERT_PTR_NULL(strstr(other, "w.a.example")); /* in their order */
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_tell(&h, "why --client 127.0.0.1 w.a.example --json");
	CU_ASSERT_EQUAL(times_in(text_get(&h.out), "\"edge\": \"ams\""), 4);
	house_tell(&h, "why --client 127.0.0.1 w.b.example --json");
	CU_ASSERT_EQUAL(times_in(text_get(&h.out), "\"edge\": \"ams\""), 4);
	house_tell(&h, "history");
	const char *first = strstr(text_get(&h.out), "first"), *second = strstr(text_get(&h.out), "second");
	CU_ASSERT_TRUE(first && second);
	house_stop(&h);
	house_close(&h);
}

static bool may_go_on; /* atomic */

static void stand(void *ctx, struct job *job)
{
	(void)ctx;
	(void)job;
	while (!__atomic_load_n(&may_go_on, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void stood(void *ctx, enum job_end end)
{
	(void)ctx;
	(void)end;
}

/* As behind a disk that hangs: the job with the last lines gets no thread until the server stops. */
static void what_waits_is_written_though_nothing_is_logged_any_more(void)
{
	house_open(&h, EDGES "log: { decisions: { file: d.json, sample: 100% } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_ask(&h, "w.a.example");
	CU_ASSERT_TRUE(has_lines("d.json", 1));
	const unsigned lane = jobs_lane(h.server.jobs, JOBS_THREADS_MOST, JOBS_PROMPT);
	may_go_on = false;
	for (unsigned i = 0; i < JOBS_THREADS_MOST; i++)
		CU_ASSERT_PTR_NOT_NULL(jobs_start(h.server.jobs,
			&(struct job_opts){ .lane = lane, .name = "stands", .work = stand, .done = stood }));
	for (unsigned i = 0; i < 3; i++)
		house_ask(&h, "w.a.example");
	house_pass(&h, 0.5); /* the job with these has been asked for */
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 1);
	house_configure(&h, EDGES);
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	__atomic_store_n(&may_go_on, true, __ATOMIC_RELEASE);
	house_stop(&h);
	CU_ASSERT_EQUAL(lines_of(file_of("d.json")), 4);
	house_close(&h);
}

static const struct unit_case cases[] = {
	{ "each sampled answer is a line", each_sampled_answer_is_a_line },
	{ "it follows reloads", it_follows_reloads },
	{ "what the file does not take is counted", what_the_file_does_not_take_is_counted },
	{ "what a held job was to write is written at the end", what_a_held_job_was_to_write_is_written_at_the_end },
	{ "what waits is written though nothing is logged any more", what_waits_is_written_though_nothing_is_logged_any_more },
};

void suite_decisions(void);
void suite_decisions(void)
{
	unit_suite("daemon/decisions", cases, UNIT_COUNT(cases));
}
