#include "daemon/orders.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EDGES                                     \
	"edges:\n"                                \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n" \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
#define POOLS "pools: { web: { edges: [ ams, nyc ] } }\n"
#define MEASURED "latency: { half-life: 7d }\n"

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

/* --- force -------------------------------------------------------------------------------- */

static void an_edge_is_what_it_is_forced_to_be(void)
{
	static const struct house_said row[] = {
		{ "force ams down", 0, "ams: down\n" },
		{ "edges", 0, "forced down by root" },
		{ "force ams drain --for 2h", 0, "ams: drain for 2h\n" },
		{ "edges", 0, "drain" },
		{ "force ams drain --for 1w --json", 0, "\"for_s\": 604800\n" },
		{ "force ams drain --for 90s --json", 0, "\"for_s\": 90\n" },
		{ "force ams drain --for 30m --json", 0, "\"for_s\": 1800\n" },
		{ "force ams drain --for 2h --json", 0, "\"for_s\": 7200\n" },
		{ "force ams drain --for 7d --json", 0, "\"for_s\": 604800\n" },
		{ "force ams up --json", 0, "\"state\": \"up\"" },
		{ "force nope down", 1, "there is no edge \"nope\"" },
		{ "force nope auto", 1, "there is no edge \"nope\"" },
		{ "force ams sideways", 1,
			"\"sideways\" is no state (up, down, drain, disable, auto, or weight N)" },
		{ "force ams", 2, "" },
		{ "force ams down now", 2, "" },
		{ "force ams down --for", 2, "" },
		{ "force ams auto --for 2h", 2, "--for 2h: \"auto\" has no end" },
		{ "force ams down --for 0s", 2, "write a time such as" },
		{ "force ams down --for h", 2, "write a time such as" },
		{ "force ams down --for 10", 2, "write a time such as" },
		{ "force ams down --for 1y", 2, "write a time such as" },
		{ "force ams down --for 1hh", 2, "write a time such as" },
		{ "force ams down --for -1h", 2, "write a time such as" },
		{ "force ams down --for 1234567s", 2, "write a time such as" },
		{ "force ams down --for 999999s", 0, "ams: down for 999999s" },
		{ "force ams auto", 0, "ams: by its configuration and its probes\n" },
	};

	open_house(EDGES POOLS);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_tell(&h, "force ams down");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	house_tell(&h, "force ams auto");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_say(&h, row, UNIT_COUNT(row));
	house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "edge ams: forced down by root\n"));
	CU_ASSERT_PTR_NULL(strstr(h.said, "nope"));
	close_house();
}

#define OPERATED                                                                  \
	"pools: { web: { edges: [ ams, nyc ] }, two: { edges: [ ams, nyc ], answers: 2 } }\n" \
	"edge-groups: { old: [ ams ], all: [ ams, 'n*' ] }\n"

static void edges_are_forced_in_one_pool_by_patterns_and_by_groups(void)
{
	static const struct house_said row[] = {
		{ "force ams@web down", 0, "ams in pool web: down\n" },
		{ "edges", 0, "  in pool web: forced down by root\n" },
		{ "edges --json", 0, "\"state\": \"up\"" },
		{ "pools", 0, "forced down by root" },
		{ "explain w.a.example --client 8.8.8.8", 0, "forced down by root" },
		{ "changes", 0, "1      on       ams in pool web: down since " },
		{ "force ams auto", 0, "ams: by its configuration" },
		{ "changes", 0, "ams in pool web: down" },
		{ "force ams auto --pool web", 0, "ams in pool web: by its configuration" },
		{ "changes", 0, "no edge is forced, and nothing is planned\n" },
		{ "force a* drain", 0, "a*: drain\n" },
		{ "edges", 0, "forced drain by root" },
		{ "force ams auto", 1,
			"edge ams is drain by change 2, which is of \"a*\": \"waymarkctl revoke 2\"" },
		{ "revoke 2", 0, "change 2 is revoked\n" },
		{ "revoke 2", 1, "there is no change 2" },
		{ "revoke x", 2, "x is no number of a change" },
		{ "force group:all disable --pool two", 0, "ams,n* in pool two: disable\n" },
		{ "force group:nobody down", 2, "there is no group \"nobody\"" },
		{ "force pool:two auto", 0, "pool:two: by its" },
		{ "force ams,n* auto --pool two", 0, "ams,n* in pool two: by its" },
		{ "force pool:two down", 0, "pool:two: down\n" },
		{ "pools --json", 0, "\"up\": 0" },
		{ "force pool:two auto", 0, "pool:two: by" },
		{ "force ams@web weight 7", 0, "ams in pool web: weight 7\n" },
		{ "edges", 0, "  in pool web: forced weight 7 by root\n" },
		{ "force ams@web weight x", 2, "write a number from 0 to 65535" },
		{ "force ams@web weight 65536", 2, "write a number from 0 to 65535" },
		{ "force ams@web weight", 2, "usage: " },
		{ "force ams@nope down", 1, "there is no pool \"nope\"" },
		{ "force ams@web down --pool two", 2, "names a pool already" },
		{ "force x* down", 1, "there is no edge like \"x*\"" },
		{ "force pool:x down", 1, "there is no pool \"x\"" },
		{ "force pool:web down --pool two", 1, "leave --pool away" },
		{ "history ams", 0, "forced    ams in pool web: up -> down by root\n" },
		{ "history ams", 0, "revoked   a*: drain -> up by root\n" },
		{ "history two", 0, "forced    * in pool two: up -> down by root\n" },
		{ "history --last 0", 2, "write a number from 1 to 1000" },
		{ "history --until today", 2, "write a moment in UTC" },
		{ "history --until 2020-01-01T00:00Z", 0, "" },
		{ "history --json --last 1", 0, "\"is\": \"weight 7\"" },
		{ "history a b", 2, "usage: " },
	};

	open_house(EDGES OPERATED);
	house_tell(&h, "force ams@two down");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_tell(&h, "force ams@web down");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	house_tell(&h, "revoke 1");
	house_tell(&h, "revoke 2");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static void what_is_planned_holds_from_then_on(void)
{
	static const struct house_said row[] = {
		{ "force ams down --at 2030-01-01T00:00Z --for 2h", 0,
			"ams: down from 2030-01-01T00:00:00Z for 2h, change 1\n" },
		{ "changes", 0, "1      planned  ams: down from 2030-01-01T00:00:00Z until "
				"2030-01-01T02:00:00Z by root\n" },
		{ "force ams down --at 2030-01-01T00:00Z --until 2029-01-01T00:00Z", 1,
			"it would end before it begins" },
		{ "force ams down --until 2020-01-01T00:00Z", 1, "it would be over already" },
		{ "force ams down --at 2020-01-01T00:00Z", 2, "that is over; leave it away" },
		{ "force ams down --at soon", 2, "write a moment in UTC" },
		{ "force ams down --for 1h --until 02:00", 2, "two ways to say the same" },
		{ "force ams auto --at +1h", 2, "\"auto\" is now" },
		{ "force ams auto --until 02:00", 2, "\"auto\" has no end" },
		{ "revoke 1", 0, "change 1 is revoked\n" },
		{ "history", 0, "planned   ams: down by root\n" },
		{ "history", 0, "revoked   ams: down -> " },
		{ "force ams down --at +1s --for 1s", 0, "change 2\n" },
	};

	open_house(EDGES OPERATED);
	house_say(&h, row, UNIT_COUNT(row));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	CU_ASSERT_TRUE(house_logs(&h, "edge ams: down begins, as root has it"));
	house_pass(&h, 0.01);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	CU_ASSERT_TRUE(house_logs(&h, "edge ams: no longer forced down: its time is over"));
	house_pass(&h, 0.01);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "history ams"), "began     ams: up -> down by root"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "history ams"), "ended     ams: down -> up"));
	close_house();
}

static void windows_of_the_configuration_hold(void)
{
	static const struct house_said row[] = {
		{ "changes", 0, "ams in pool web: down since 2020-01-01T00:00:00Z until "
				"2100-01-01T00:00:00Z by the configuration (old disks)\n" },
		{ "changes", 0, "planned  nyc: drain from 2099-01-01T00:00:00Z" },
		{ "revoke 1", 1, "take it out of \"maintenance\" and reload" },
		{ "force ams@web auto", 1, "by a window of the configuration" },
		{ "force ams@web up", 0, "ams in pool web: up\n" },
	};

	open_house(EDGES OPERATED
		"maintenance:\n"
		"  - { edges: group:old, pools: web, state: down, from: 2020-01-01T00:00Z,\n"
		"      until: 2100-01-01T00:00Z, why: old disks }\n"
		"  - { edges: nyc, from: 2099-01-01T00:00Z, until: 2100-01-01T00:00Z }\n");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	house_say(&h, row, UNIT_COUNT(row));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_tell(&h, "revoke 3");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	house_configure(&h, EDGES OPERATED);
	house_tell(&h, "reload");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	close_house();
}

static void why_it_is_forced_is_one_line_of_text(void)
{
	const char *const good[] = { "force", "ams", "down", "--why",
		"new disks, \xc3\xa9t\xc3\xa9", NULL };
	const char *const bad[] = { "force", "ams", "down", "--why", "two\nlines", NULL };
	const char *const worse[] = { "force", "ams", "down", "--why", "\xff", NULL };
	const char *const del[] = { "force", "ams", "down", "--why", "a\x7f", NULL };

	open_house(EDGES POOLS);
	house_tell_words(&h, good);
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "edges"), "new disks, \xc3\xa9t\xc3\xa9"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "forced down by root: new disks"));
	for (const char *const *const *w =
			(const char *const *const[]){ bad, worse, del, NULL };
		*w; w++) {
		house_tell_words(&h, *w);
		CU_ASSERT_EQUAL(h.status, 2);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(text_get(&h.out), "--why: write one line of UTF-8"));
	}
	close_house();
}

static void a_forced_state_ends_when_its_time_is_over(void)
{
	open_house(EDGES POOLS);
	house_tell(&h, "force ams down --for 1s");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	CU_ASSERT_TRUE(house_logs(&h, "edge ams: no longer forced down: its time is over"));
	house_pass(&h, 0.01);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	close_house();
}

/* A restart forgets nothing that was told to be done. */
static void a_forced_state_outlives_the_server(void)
{
	open_house(EDGES POOLS);
	house_tell(&h, "force ams down --for 1h --why test");
	house_stop(&h);
	/* Without a state file it does. */
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_stop(&h);
	house_configure(&h, EDGES POOLS "control: { socket: c.sock, state: state }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_tell(&h, "force ams down --for 1h --why test");
	CU_ASSERT_EQUAL(h.status, 0);
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "edges"), "test"));
	house_tell(&h, "force ams auto");
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	/* What cannot be saved holds all the same, and the answer says so. */
	house_configure(
		&h, EDGES POOLS "control: { socket: c.sock, state: /nonexistent/state }\n");
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	const char *said = house_tell(&h, "force ams down");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "it holds, but it is not saved"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	close_house();
}

static void a_state_file_that_is_broken_is_told_and_passed_over(void)
{
	house_open(&h, EDGES POOLS "control: { socket: c.sock, state: state }\n");
	site_put(&h.site, "state", "{ what");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "starting without what was kept"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	close_house();
}

/* --- reload ------------------------------------------------------------------------------- */

static void a_reload_takes_what_is_right(void)
{
	open_house(EDGES POOLS);
	CU_ASSERT_STRING_EQUAL(
		house_tell(&h, "reload"), "reloaded: serving 2 zones, 1 pools, 2 edges\n");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "reloaded /tmp/unit_site."));
	/* A zone more, one less, one that is wrong. */
	site_put(&h.site, "zones/c.example.zone", SITE_ZONE(1, "x A 192.0.2.77\n"));
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(2, "w A 192.0.2.300\n"));
	const char *said = house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "zones/a.example.zone:5:5: error: 192.0.2.300"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "c.example"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said,
		"reloaded: serving 3 zones, 1 pools, 2 edges; 1 zone is faulty: 1 as before, 0 "
		"not loaded\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "1 error: what is wrong is served on as it was"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "x.c.example"), "192.0.2.77");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "192.0.2.300"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "but for what is wrong (1 error)"));
	said = house_tell(&h, "reload --json");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"taken\": true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"zones_faulty\": 1,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"zones_unready\": 0,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"errors\": 1,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"line\": 5"));
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(2, "w A 192.0.2.30\n"));
	site_remove(&h.site, "zones/c.example.zone");
	said = house_tell(&h, "reload --json");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"zones_removed\": 1,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"zones_added\": 0,"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.30");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "x.c.example"), "rcode 5");
	close_house();
}

static void a_wrong_configuration_changes_nothing(void)
{
	static const struct house_said row[] = {
		{ "reload", 1, "not reloaded: 1 error; what was served before is served on\n" },
		{ "reload --json", 1, "\"taken\": false" },
		{ "reload --stage 5%", 1, "not staged: all clients are served as before\n" },
		{ "reload --stage 5% --json", 1, "\"stage_percent\": 5.0" },
	};

	open_house(EDGES POOLS);
	house_configure(&h, EDGES "pools: { web: { edges: [ ams, xyz ] } }\n");
	house_say(&h, row, UNIT_COUNT(row));
	house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "error: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "not reloaded (1 error); serving on as before"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	/* By SIGHUP, too, the log has it. */
	orders_reload(h.server.orders);
	CU_ASSERT_TRUE(house_logs(&h, "not reloaded (1 error)"));
	house_configure(&h, EDGES "pools: { web: { edges: [ nyc ] } }\n");
	orders_reload(h.server.orders);
	CU_ASSERT_TRUE(house_logs(&h, "reloaded /tmp/"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	close_house();
}

static void losing_many_zones_wants_to_be_forced(void)
{
	open_house(EDGES POOLS);
	site_remove(&h.site, "zones/a.example.zone");
	site_remove(&h.site, "zones/b.example.zone");
	site_put(&h.site, "zones/c.example.zone", SITE_ZONE(1, ""));
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	house_tell(&h, "reload --force");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "rcode 5");
	close_house();
}

static void the_forms_of_reload_are_checked(void)
{
	static const struct house_said row[] = {
		{ "reload now", 2, "usage: " },
		{ "reload --stage 5% --promote", 2, "usage: " },
		{ "reload --promote --rollback", 2, "usage: " },
		{ "reload --force --promote", 2, "usage: " },
		{ "reload --force --rollback", 2, "usage: " },
		{ "reload --stage", 2, "usage: " },
		{ "reload --stage 0%", 2, "--stage 0%: write a share" },
		{ "reload --stage 101%", 2, "write a share" },
		{ "reload --stage 5", 2, "write a share" },
		{ "reload --stage %", 2, "write a share" },
		{ "reload --stage -5%", 2, "write a share" },
		{ "reload --stage 5%%", 2, "write a share" },
		{ "reload --stage 1.2.3%", 2, "write a share" },
		{ "reload --rollback", 1,
			"not rolled back: all clients are served as before\n" },
		{ "reload --rollback --json", 1, "\"taken\": false" },
		{ "reload --promote", 1, "not promoted: all clients are served as before\n" },
		{ "probe", 2, "usage: " },
		{ "probe ams nyc", 2, "usage: " },
		{ "probe xyz", 1, "there is no edge \"xyz\"" },
		{ "probe ams", 1, "edge ams has no probe" },
		{ "stop now", 2, "usage: " },
		{ "latency", 2, "usage: " },
		{ "latency import", 2, "usage: " },
		{ "latency forget a b", 2, "usage: " },
		{ "latency eat x", 2, "usage: " },
		{ "latency forget xyz", 1,
			"there is no edge \"xyz\", and it is no prefix either\n" },
		{ "latency import /nonexistent/x.csv", 1,
			"/nonexistent/x.csv: nothing was taken in\n" },
	};

	open_house(EDGES POOLS MEASURED);
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

/* --- stages ------------------------------------------------------------------------------- */

static void a_stage_is_tried_and_promoted_or_taken_back(void)
{
	static const struct house_said begun[] = {
		{ "reload --stage 100%", 0,
			"staged: 100 % of the clients have 1 pools and 2 edges of the new" },
		{ "reload", 1, "not reloaded: a stage is on" },
		{ "reload --json", 1, "\"taken\": false" },
		{ "status", 0, "100 %" },
	};
	static const struct house_said back[] = {
		{ "reload --rollback", 0, "rolled back: serving 2 zones, 1 pools, 2 edges\n" },
		{ "reload --stage 100% --json", 0, "\"stage_percent\": 100.0" },
		{ "reload --rollback --json", 0, "\"taken\": true" },
		{ "reload --stage 0.5%", 0, "staged: 0.5 % of the clients" },
	};

	open_house(EDGES POOLS);
	house_configure(&h, EDGES "pools: { web: { edges: [ nyc ] } }\n");
	site_put(&h.site, "zones/c.example.zone", SITE_ZONE(1, "x A 192.0.2.77\n"));
	house_say(&h, begun, UNIT_COUNT(begun));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "x.c.example"), "rcode 5"); /* zones wait */
	orders_reload(h.server.orders); /* SIGHUP is refused, too */
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "not reloaded: a stage is on"));
	house_say(&h, back, UNIT_COUNT(back));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.1");
	const char *said = house_tell(&h, "reload --promote");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "promoted: serving 3 zones, 1 pools, 2 edges\n"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "192.0.2.2");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "x.c.example"), "192.0.2.77");
	house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "as commanded"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "is promoted from 0.5 % of the clients"));
	close_house();
}

/* --- measurements ------------------------------------------------------------------------- */

static void measurements_are_imported_and_forgotten(void)
{
	open_house(EDGES POOLS MEASURED);
	site_put(&h.site, "times.csv",
		"prefix,edge,rtt_ms\n127.0.0.0/8,nyc,12\n127.0.0.0/8,ams,90\n8.8.8.0/"
		"24,nyc,20\n");
	char words[200];
	snprintf(words, sizeof words, "latency import %s/times.csv", h.site.folder);
	const char *said = house_tell(&h, words);
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "3 measurements taken in\n"));
	said = house_tell(&h, "latency show");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "networks measured                           2"));
	said = house_tell(&h, "latency show --edge nyc");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "nyc: measured 2 networks (2 samples)"));
	said = house_tell(&h, "latency show --prefix 8.8.8.0/24");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(said, "8.8.8.0/24                   nyc                   20.0 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "latency export"), "8.8.8.0/24,nyc,20"));
	said = house_tell(&h, "latency forget 8.8.8.0/24");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "8.8.8.0/24: 1 measurements forgotten"));
	said = house_tell(&h, "latency forget nyc");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "nyc: 1 measurements forgotten"));
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "latency export"), "nyc"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "latency export"), "ams,90"));
	/* A row that is wrong: none is taken. */
	site_put(&h.site, "times.csv",
		"prefix,edge,rtt_ms\n9.9.9.0/24,nyc,1\n9.9.8.0/24,xyz,x\n");
	said = house_tell(&h, words);
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "times.csv:3:"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "nothing was taken in"));
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "latency export"), "9.9.9"));
	close_house();
}

/* --- the service manager ------------------------------------------------------------------ */

static void the_service_manager_is_told_of_reloads(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char got[200] = "";

	open_house(EDGES POOLS);
	snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", h.site.folder);
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	house_tell(&h, "reload");
	unsetenv("NOTIFY_SOCKET");
	CU_ASSERT_TRUE(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
	CU_ASSERT_EQUAL(strncmp(got, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	memset(got, 0, sizeof got);
	CU_ASSERT_TRUE(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
	CU_ASSERT_STRING_EQUAL(got, "READY=1");
	close(fd);
	close_house();
}

static const struct unit_case cases[] = {
	{ "an edge is what it is forced to be", an_edge_is_what_it_is_forced_to_be },
	{ "edges are forced in one pool, by patterns and by groups",
		edges_are_forced_in_one_pool_by_patterns_and_by_groups },
	{ "what is planned holds from then on", what_is_planned_holds_from_then_on },
	{ "windows of the configuration hold", windows_of_the_configuration_hold },
	{ "why it is forced is one line of text", why_it_is_forced_is_one_line_of_text },
	{ "a forced state ends when its time is over",
		a_forced_state_ends_when_its_time_is_over },
	{ "a forced state outlives the server", a_forced_state_outlives_the_server },
	{ "a state file that is broken is told, and passed over",
		a_state_file_that_is_broken_is_told_and_passed_over },
	{ "a reload takes what is right", a_reload_takes_what_is_right },
	{ "a wrong configuration changes nothing", a_wrong_configuration_changes_nothing },
	{ "losing many zones wants to be forced", losing_many_zones_wants_to_be_forced },
	{ "the forms of commands are checked", the_forms_of_reload_are_checked },
	{ "a stage is tried, and promoted or taken back",
		a_stage_is_tried_and_promoted_or_taken_back },
	{ "measurements are imported and forgotten", measurements_are_imported_and_forgotten },
	{ "the service manager is told of reloads", the_service_manager_is_told_of_reloads },
};

void suite_orders(void);
void suite_orders(void)
{
	unit_suite("daemon/orders", cases, UNIT_COUNT(cases));
}
