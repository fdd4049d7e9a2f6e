#include "daemon/staging.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDGES                                      \
	"edges:\n"                                 \
	"  ams: { at: \"52,5\", a: 127.0.0.31 }\n" \
	"  nyc: { at: \"40,-74\", a: 127.0.0.32 }\n"
#define QUICK "stage: { every: 100ms }\n"
#define BOTH  "pools: { web: { edges: [ ams, nyc ] } }\n"

static struct house h;

static void open_house(const char *more)
{
	house_open(&h, more);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static void ask(unsigned n, const char *name)
{
	while (n--)
		house_ask(&h, name);
}

static void what_has_no_answer_is_taken_back(void)
{
	open_house(EDGES BOTH QUICK);
	/* Its only edge is out of use: no address for anybody. */
	house_configure(&h,
		"edges: { ams: { at: \"52,5\", a: 127.0.0.31, state: down } }\n"
		"pools: { web: { edges: [ ams ], all-down: empty } }\n" QUICK);
	house_tell(&h, "reload --stage 100%");
	CU_ASSERT_EQUAL(h.status, 0);
	ask(99, "w.a.example");
	house_pass(&h, 0.25);
	struct staging_report r = staging_report(h.server.staging);
	CU_ASSERT_EQUAL(r.percent, 100);
	house_say(&h, (const struct house_said[]){ { "status", 0, "99 answers, 99 of them" } }, 1);
	CU_ASSERT_EQUAL(r.answers, 99);
	CU_ASSERT_EQUAL(r.empty, 99);
	CU_ASSERT_STRING_EQUAL(r.last, "");
	ask(1, "w.a.example"); /* a hundred say something */
	CU_ASSERT_TRUE(house_logs(&h,
		"the stage is rolled back from 100 %: 100.0 % of the staged answers have no "
		"edge, "
		"against 0.0 % of the others"));
	r = staging_report(h.server.staging);
	CU_ASSERT_EQUAL(r.percent, 0);
	CU_ASSERT_EQUAL(r.answers, 0);
	CU_ASSERT_EQUAL(strncmp(r.last, "rolled back from 100 %: ", 24), 0);
	house_say(&h, (const struct house_said[]){ { "status", 0, "stage: the last one was rolled back from 100 %: 100.0 % of" } }, 1);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.31");
	close_house();
}

static void ask_both(unsigned n_well, unsigned n_ill)
{
	ask(n_well, "w.a.example");
	ask(n_ill, "w.b.example");
}

static void a_server_that_fails_more_takes_it_back(void)
{
	house_open(&h, EDGES BOTH QUICK);
	site_put(&h.site, "zones/b.example.zone", "nonsense\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.b.example"), "rcode 2");
	ask_both(47, 2); /* 6 % */
	house_configure(&h, EDGES "pools: { web: { edges: [ nyc ] } }\n" QUICK);
	house_tell(&h, "reload --stage 100%");
	ask_both(187, 13); /* 6.5 %: no 1 % more */
	house_pass(&h, 0.35);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 100);
	ask_both(80, 40);
	CU_ASSERT_TRUE(house_logs(&h, "rolled back from 100 %: 33.3 % of the answers are SERVFAIL, against 6.0 % before"));
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 0);
	close_house();
}

/* What is as bad on both sides is not the stage's fault, nor what the operator lets pass. */
static void what_is_no_worse_stays(void)
{
	open_house(EDGES BOTH QUICK);
	house_configure(&h, EDGES "pools: { web: { edges: [ nyc ] } }\n" QUICK);
	house_tell(&h, "reload --stage 100%");
	ask(210, "w.a.example");
	house_pass(&h, 0.35);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 100);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).answers, 210);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).empty, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.32");
	close_house();
	open_house(EDGES BOTH "stage: { every: 100ms, empty: 100% }\n");
	house_configure(&h,
		"edges: { ams: { at: \"52,5\", a: 127.0.0.31, state: down } }\n"
		"pools: { web: { edges: [ ams ], all-down: empty } }\n");
	house_tell(&h, "reload --stage 100%");
	ask(120, "w.a.example");
	house_pass(&h, 0.35);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 100);
	close_house();
}

/* More of its edges are down than of the others, twice in a row. */
static void edges_that_fail_their_probes_take_it_back(void)
{
	char conf[1000];
	const struct net_address port = serving_address("127.0.0.31");
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&port.sa, port.len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 64), 0);
	snprintf(conf, sizeof conf,
		"probes: { tcp: { kind: tcp, port: %u, every: 1h } }\n"
		"edges: { ams: { at: \"52,5\", a: 127.0.0.31 } }\n"
		"pools: { web: { edges: [ ams ], probe: tcp } }\n" QUICK,
		serving_port(&port));
	open_house(conf);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	snprintf(conf, sizeof conf,
		"probes: { tcp: { kind: tcp, port: %u, every: 1h } }\n"
		"edges:\n"
		"  ams: { at: \"52,5\", a: 127.0.0.31 }\n"
		"  fra: { at: \"50,8\", a: 127.0.0.33 }\n"
		"pools: { web: { edges: [ ams, fra ], probe: tcp } }\n" QUICK,
		serving_port(&port));
	house_configure(&h, conf);
	house_tell(&h, "reload --stage 1%");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_TRUE(house_logs(&h,
		"the stage is rolled back from 1 %: probes have 50.0 % of the staged edges "
		"down, "
		"against 0.0 % of the others"));
	/* An edge that both have, and that fails for both, takes nothing back. */
	house_tell(&h, "reload --stage 1%");
	CU_ASSERT_EQUAL(h.status, 0);
	house_tell(&h, "reload --rollback");
	close(fd);
	house_tell(&h, "probe ams");
	CU_ASSERT_EQUAL(h.status, 1);
	snprintf(conf, sizeof conf,
		"probes: { tcp: { kind: tcp, port: %u, every: 1h } }\n"
		"edges: { ams: { at: \"52,5\", a: 127.0.0.31, weight: 2 } }\n"
		"pools: { web: { edges: [ ams ], probe: tcp } }\n" QUICK,
		serving_port(&port));
	house_configure(&h, conf);
	house_tell(&h, "reload --stage 1%");
	CU_ASSERT_EQUAL(h.status, 0);
	house_pass(&h, 0.35);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 1);
	close_house();
}

/* A stage follows what a reload would: forced states, and its own configuration anew. */
static void a_stage_in_the_place_of_another(void)
{
	open_house(EDGES BOTH);
	house_configure(&h, EDGES "pools: { web: { edges: [ nyc ] } }\n");
	house_tell(&h, "reload --stage 100%");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.32");
	house_configure(&h, EDGES "pools: { web: { edges: [ ams, nyc ], answers: 2 } }\n");
	house_tell(&h, "reload --stage 100%");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.31 127.0.0.32");
	house_tell(&h, "force ams down");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.32");
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 100);
	house_tell(&h, "reload --promote");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_EQUAL(staging_report(h.server.staging).percent, 0);
	CU_ASSERT_STRING_EQUAL(staging_report(h.server.staging).last, "promoted from 100 %");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.32");
	house_tell(&h, "force ams auto");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.31 127.0.0.32");
	close_house();
}

static const struct unit_case cases[] = {
	{ "a server that fails more takes it back", a_server_that_fails_more_takes_it_back },
	{ "what has no answer is taken back", what_has_no_answer_is_taken_back },
	{ "what is no worse stays", what_is_no_worse_stays },
	{ "edges that fail their probes take it back",
		edges_that_fail_their_probes_take_it_back },
	{ "a stage in the place of another", a_stage_in_the_place_of_another },
};

void suite_staging(void);
void suite_staging(void)
{
	unit_suite("daemon/staging", cases, UNIT_COUNT(cases));
}
