#include "daemon/rankings.h"

#include "daemon/latency_read.h"
#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF                                        \
	"edges:\n"                                  \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"   \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n" \
	"pools: { web: { edges: [ ams, nyc ] } }\n"

static struct house h;

static bool goes_to(const char *address)
{
	for (unsigned i = 0; i < 100; i++) {
		if (strcmp(house_ask(&h, "w.a.example"), address) == 0)
			return true;
		house_pass(&h, 0.1);
	}
	return false;
}

static void import(const char *rows)
{
	char words[200];

	site_put(&h.site, "in.csv", rows);
	snprintf(words, sizeof words, "latency import %s/in.csv", h.site.folder);
	house_tell(&h, words);
	CU_ASSERT_EQUAL(h.status, 0);
}

static void what_is_measured_decides(void)
{
	house_open(&h, CONF "latency: { half-life: 6h }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	import("prefix,edge,rtt_ms\n127.0.0.0/8,ams,150\n127.0.0.0/8,nyc,20\n");
	CU_ASSERT_TRUE(goes_to("192.0.2.2"));
	CU_ASSERT_TRUE(rankings_size(h.server.rankings).published >= 1);
	CU_ASSERT_EQUAL(rankings_size(h.server.rankings).lost, 0);
	house_tell(&h, "latency forget 127.0.0.0/8");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_TRUE(goes_to("192.0.2.1"));
	house_stop(&h);
	house_close(&h);
}

/* What the configured files say comes and goes with them; what was learned is saved. */
static void files_are_followed_and_what_is_learned_is_kept(void)
{
	house_open(&h, CONF "latency: { files: [ times.csv ], state: learned.csv }\n");
	site_put(&h.site, "times.csv",
		"prefix,edge,rtt_ms\n127.0.0.0/8,ams,150\n127.0.0.0/8,nyc,20\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	site_put(&h.site, "times.csv",
		"prefix,edge,rtt_ms\n127.0.0.0/8,ams,20\n127.0.0.0/8,nyc,150\n");
	CU_ASSERT_TRUE(goes_to("192.0.2.1"));
	site_put(&h.site, "times.csv", "prefix,edge,rtt\n");
	CU_ASSERT_TRUE(house_logs(&h, "times.csv:1"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	import("prefix,edge,rtt_ms\n8.8.8.0/24,nyc,33\n");
	site_put(&h.site, "times.csv", "prefix,edge,rtt_ms\n");
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	const char *said = house_tell(&h, "latency export");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "8.8.8.0/24,nyc,33"));
	CU_ASSERT_PTR_NULL(strstr(said, "127.0.0.0/8"));
	house_stop(&h);
	/* A state that is broken is told, and is no reason not to start. */
	site_put(&h.site, "learned.csv", "prefix,edge,rtt\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "learned.csv"));
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "latency export"), "8.8.8.0/24"));
	house_stop(&h);
	house_close(&h);
}

/* An edge has another number after a reload: what is known of it is still its own. */
static void measurements_belong_to_names(void)
{
	house_open(&h, CONF "latency: { half-life: 6h }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	import("prefix,edge,rtt_ms\n127.0.0.0/8,ams,150\n127.0.0.0/8,nyc,20\n");
	CU_ASSERT_TRUE(goes_to("192.0.2.2"));
	house_configure(&h,
		"edges:\n"
		"  fra: { at: \"50,8\", a: 192.0.2.3 }\n"
		"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
		"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"
		"pools: { web: { edges: [ ams, nyc ] } }\n"
		"latency: { half-life: 6h }\n");
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	const char *said = house_tell(&h, "latency export");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "127.0.0.0/8,nyc,20"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "127.0.0.0/8,ams,150"));
	house_configure(&h,
		"edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams "
		"] } }\n");
	house_tell(&h, "reload");
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "latency export"), "nyc"));
	house_stop(&h);
	house_close(&h);
}

/* What is tried out on a share of the clients is ranked by the same measurements. */
static void a_stage_is_ranked_too(void)
{
	house_open(&h, CONF "latency: { half-life: 6h }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_configure(&h,
		"edges:\n"
		"  fra: { at: \"50,8\", a: 192.0.2.3 }\n"
		"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
		"pools: { web: { edges: [ fra, nyc ] } }\n"
		"latency: { half-life: 6h }\n");
	house_tell(&h, "reload --stage 100%");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.3");
	import("prefix,edge,rtt_ms\n127.0.0.0/8,ams,150\n127.0.0.0/8,nyc,20\n");
	CU_ASSERT_TRUE(goes_to("192.0.2.2"));
	house_tell(&h, "reload --rollback");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	house_stop(&h);
	house_close(&h);
}

static bool is_held_once(void)
{
	for (unsigned i = 0; i < 600; i++) {
		if (rankings_size(h.server.rankings).published && rankings_is_settled(h.server.rankings) &&
			latency_is_held_once(publisher_live(h.server.publisher)->table))
			return true;
		house_pass(&h, 0.05);
	}
	return false;
}

/* One more than the table has room for would make a turn of the loop look at all of them. */
static void count_told(void *ctx, const struct rankings_sample *s)
{
	CU_ASSERT_EQUAL(s->number, *(uint64_t *)ctx);
	++*(uint64_t *)ctx;
}

static void what_takes_long_is_put_in_by_a_job(void)
{
	enum { FULL = 1 << 14 };
	struct text rows = { 0 };
	struct rankings_sample s = { .src = -1, .edge = 1, .sample = { 7, 1, latency_read_now(), false } };

	house_open(&h, CONF "latency: { half-life: 6h }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	text_add(&rows, "prefix,edge,rtt_ms\n");
	for (unsigned i = 0; i < FULL; i++)
		text_addf(&rows, "10.%u.%u.0/24,ams,9\n", i >> 8, i & 255);
	import(text_get(&rows));
	text_fini(&rows);
	CU_ASSERT_TRUE_FATAL(is_held_once());
	const struct latency *before = publisher_live(h.server.publisher)->table;
	uint64_t told = 0;
	rankings_tell_samples(h.server.rankings, count_told, &told);
	prefix_parse(&s.net, "11.0.0.0/24", NULL);
	rankings_add(h.server.rankings, &s);
	CU_ASSERT_FALSE(rankings_is_settled(h.server.rankings));
	CU_ASSERT(told == 1 && rankings_taken(h.server.rankings) == 0);
	CU_ASSERT_EQUAL(latency_size(before).nets, FULL);
	CU_ASSERT_TRUE(is_held_once());
	CU_ASSERT_EQUAL(latency_size(publisher_live(h.server.publisher)->table).nets, FULL + 1);
	CU_ASSERT_EQUAL(rankings_taken(h.server.rankings), 1);
	/* There is room now. */
	prefix_parse(&s.net, "11.0.1.0/24", NULL);
	rankings_add(h.server.rankings, &s);
	CU_ASSERT_TRUE(rankings_is_settled(h.server.rankings));
	CU_ASSERT(told == 2 && rankings_taken(h.server.rankings) == 2);
	CU_ASSERT_EQUAL(rankings_size(h.server.rankings).lost, 0);
	rankings_tell_samples(h.server.rankings, NULL, NULL);
	house_stop(&h);
	house_close(&h);
}

static const struct unit_case cases[] = {
	{ "what is measured decides", what_is_measured_decides },
	{ "files are followed, and what is learned is kept",
		files_are_followed_and_what_is_learned_is_kept },
	{ "a stage is ranked, too", a_stage_is_ranked_too },
	{ "what takes long is put in by a job", what_takes_long_is_put_in_by_a_job },
	{ "measurements belong to names", measurements_belong_to_names },
};

void suite_rankings(void);
void suite_rankings(void)
{
	unit_suite("daemon/rankings", cases, UNIT_COUNT(cases));
}
