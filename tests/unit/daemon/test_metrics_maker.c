#include "daemon/metrics_maker.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONF                                                                                              \
	"store: { file: w.db }\n"                                                                         \
	"latency: { half-life: 7d }\n"                                                                    \
	"edges:\n"                                                                                        \
	"  ams: { at: \"52,5\", a: 192.0.2.1, capacity: 10 }\n"                                           \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                                                       \
	"  off: { at: \"1,2\", a: 192.0.2.3, state: down }\n"                                             \
	"probes: { told: { kind: external, initial: up } }\n"                                             \
	"pools:\n"                                                                                        \
	"  web: { edges: [ ams, nyc ], policy: ordered, probe: told }\n"                                  \
	"  all: { edges: [ off ], policy: ordered, all-down: empty }\n"

static struct house h;
static struct text got;

static void open_house(void)
{
	house_open(&h, CONF);
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(7, "w 60 EDGE web\no 60 EDGE all\nt TXT a\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	text_fini(&got);
	house_stop(&h);
	house_close(&h);
}

static void told(struct metrics_ask *a, const struct text *body)
{
	(void)a;
	text_fini(&got);
	got = (struct text){ 0 };
	text_add(&got, body ? text_get(body) : "nothing");
}

/* As who scrapes gets them. */
static const char *scrape(bool open)
{
	struct metrics_ask ask = { .open = open, .told = told };

	text_fini(&got);
	got = (struct text){ 0 };
	CU_ASSERT_TRUE_FATAL(metrics_maker_ask(h.server.metrics, &ask));
	for (unsigned i = 0; i < 6000 && !got.len; i++)
		house_pass(&h, 0.01);
	CU_ASSERT_TRUE_FATAL(got.len > 0);
	return text_get(&got);
}

/* Of one sample by its name and labels; NAN: there is none. */
static double value(const char *text, const char *sample)
{
	const size_t len = strlen(sample);

	for (const char *at = text; at; at = strchr(at, '\n'), at += at ? 1 : 0)
		if (strncmp(at, sample, len) == 0 && at[len] == ' ')
			return strtod(at + len, NULL);
	return NAN;
}

struct number {
	const char *name;
	double value;
};

static void check(const char *text, const struct number *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const double is = value(text, row[i].name);
		if (isnan(row[i].value) ? !isnan(is) : is != row[i].value) {
			printf("%s is %g, and should be %g\n", row[i].name, is, row[i].value);
			CU_FAIL("another number");
		}
	}
}

static void check_pairs(const char *text)
{
	static const struct number row[] = {
		{ "waymark_build_info{version=\"0.1.0\"}", 1 },
		{ "waymark_alarms", 0 },
		{ "waymark_ready", 1 },
		{ "waymark_worlds_published_total", 1 },
		{ "waymark_reload_last_errors", 0 },
		{ "waymark_queries_total{transport=\"udp\",family=\"ipv4\"}", 4 },
		{ "waymark_queries_total{transport=\"udp\",family=\"ipv6\"}", 0 },
		{ "waymark_queries_total{transport=\"quic\",family=\"ipv6\"}", 0 },
		{ "waymark_questions_total{type=\"A\"}", 4 },
		{ "waymark_questions_total{type=\"AAAA\"}", 0 },
		{ "waymark_questions_total{type=\"other\"}", 0 },
		{ "waymark_answers_total{rcode=\"NOERROR\"}", 2 },
		{ "waymark_answers_total{rcode=\"NXDOMAIN\"}", 1 },
		{ "waymark_answers_total{rcode=\"REFUSED\"}", 1 },
		{ "waymark_answers_total{rcode=\"BADCOOKIE\"}", 0 },
		{ "waymark_answer_duration_seconds_bucket{le=\"+Inf\"}", 0 },
		{ "waymark_answer_duration_seconds_count", 0 },
		{ "waymark_answers_truncated_total", 0 },
		{ "waymark_tcp_connections_opened_total", 0 },
		{ "waymark_steered_answers_total", 2 },
		{ "waymark_steered_without_edge_total", 1 },
		{ "waymark_steered_ttl_seconds_sum", 60 },
		{ "waymark_steered_ttl_seconds_count", 1 },
		{ "waymark_zones{state=\"ready\"}", 2 },
		{ "waymark_zones{state=\"faulty\"}", 0 },
		{ "waymark_records", 9 },
		{ "waymark_zone_queries_total{zone=\"a.example.\"}", 0 },
		{ "waymark_zone_queries_total{zone=\"b.example.\"}", 0 },
		{ "waymark_zone_served{zone=\"a.example.\"}", 1 },
		{ "waymark_zone_serial{zone=\"a.example.\"}", 7 },
		{ "waymark_zone_records{zone=\"a.example.\"}", 6 },
		{ "waymark_zone_records{zone=\"b.example.\"}", 3 },
		{ "waymark_edge_state{edge=\"ams\",state=\"up\"}", 1 },
		{ "waymark_edge_state{edge=\"ams\",state=\"down\"}", 0 },
		{ "waymark_edge_state{edge=\"off\",state=\"up\"}", 0 },
		{ "waymark_edge_state{edge=\"off\",state=\"down\"}", 1 },
		{ "waymark_edge_forced{edge=\"nyc\"}", 0 },
		{ "waymark_edge_capacity{edge=\"ams\"}", 10 },
		{ "waymark_edge_capacity{edge=\"nyc\"}", NAN },
		{ "waymark_edge_share_ratio{edge=\"nyc\"}", 1 },
		{ "waymark_probe_transitions_total{edge=\"ams\",address=\"192.0.2.1\",probe=\"told\"}", 0 },
		{ "waymark_pool_edges_up{pool=\"web\"}", 2 },
		{ "waymark_pool_edges{pool=\"web\"}", 2 },
		{ "waymark_pool_edges_up{pool=\"all\"}", 0 },
		{ "waymark_pool_answers_total{pool=\"web\",edge=\"ams\",reason=\"best\"}", 1 },
		{ "waymark_pool_answers_total{pool=\"web\",edge=\"nyc\",reason=\"best\"}", NAN },
		{ "waymark_files_faulty{kind=\"geoip\"}", 0 },
		{ "waymark_files_faulty{kind=\"state\"}", 0 },
		{ "waymark_agent_reports_refused_total{why=\"forged\"}", 0 },
		{ "waymark_updates_total{result=\"changed\"}", 0 },
		{ "waymark_store_faulty", 0 },
		{ "waymark_signing_zones", 0 },
		{ "waymark_flatten_names{is=\"any\"}", 0 },
		{ "waymark_fleet_servers{state=\"there\"}", NAN },
		{ "waymark_metrics_left_out{what=\"zones\"}", 0 },
		{ "waymark_metrics_left_out{what=\"edges\"}", 0 },
	};
	check(text, row, UNIT_COUNT(row));
}

static void check_between(const char *text, const char *name, double least, double most)
{
	const double is = value(text, name);

	if (!(is >= least && is <= most)) {
		printf("%s is %f, and should be %f to %f\n", name, is, least, most);
		CU_FAIL("another number");
	}
}

/* Each family has one TYPE. */
static void check_families(const char *text)
{
	static const char word[] = "\n# TYPE ";
	char once[200];

	for (const char *at = text; (at = strstr(at, word)); at += sizeof word - 1) {
		const char *name = at + sizeof word - 1;
		snprintf(once, sizeof once, "%s%.*s ", word, (int)strcspn(name, " "), name);
		CU_ASSERT_PTR_NULL(strstr(name, once));
	}
}

static void numbers_are_those_of_what_was_done(void)
{
	static const struct number forced[] = {
		{ "waymark_edge_state{edge=\"nyc\",state=\"up\"}", 0 },
		{ "waymark_edge_state{edge=\"nyc\",state=\"down\"}", 1 },
		{ "waymark_edge_forced{edge=\"nyc\"}", 1 },
		{ "waymark_edge_forced{edge=\"ams\"}", 0 },
		{ "waymark_pool_edges_up{pool=\"web\"}", 1 },
		{ "waymark_reload_last_errors", 0 },
		{ "waymark_reload_last_taken", 1 },
	};
	const double now = (double)time(NULL);

	open_house();
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "o.a.example"), "");
	house_ask(&h, "none.a.example");
	house_ask(&h, "else.example.net");
	const char *text = scrape(false);
	check_pairs(text);
	check_families(text);
	check_between(text, "process_start_time_seconds", now - 2, now + 600);
	check_between(text, "process_resident_memory_bytes", 1e6, 1e12);
	check_between(text, "process_open_fds", 5, 10000);
	check_between(text, "waymark_memory_bytes{part=\"zones\"}", 100, 1e6);
	check_between(text, "waymark_zone_loaded_timestamp_seconds{zone=\"a.example.\"}", now - 2, now + 600);
	check_between(text, "waymark_store_bytes{file=\"store\"}", 1000, 1e8);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# TYPE waymark_queries_total counter\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "# EOF"));
	house_tell(&h, "force nyc down --why test");
	CU_ASSERT_EQUAL(h.status, 0);
	text = scrape(true);
	check(text, forced, UNIT_COUNT(forced));
	check_between(text, "waymark_store_writes_total", 1, 100);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# TYPE waymark_queries counter\n"));
	CU_ASSERT_STRING_EQUAL(text + strlen(text) - 6, "# EOF\n");
	close_house();
}

static const struct unit_case cases[] = {
	{ "numbers are those of what was done", numbers_are_those_of_what_was_done },
};

void suite_metrics_maker(void);
void suite_metrics_maker(void)
{
	unit_suite("daemon/metrics_maker", cases, UNIT_COUNT(cases));
}
