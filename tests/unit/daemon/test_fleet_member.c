#include "daemon/fleet_member.h"

#include "daemon/publish.h"
#include "report/report_values.h"
#include "unit/daemon/houses.h"
#include "unit/fleet/real_redis.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <ev.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two servers of a fleet, on a real Redis. */
static struct houses hs;
static struct real_redis redis;

#define SECRET "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void configure(struct house *h, const char *name, const char *edges)
{
	char text[1200];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"fleet: { redis: \"redis://127.0.0.1:%u\", name: test, server: %s, region: %s, secret: \"" SECRET "\" }\n"
		"zones: [ { dir: zones, fleet: on }, { name: s.test, file: s.zone, fleet: on, dnssec: auto } ]\n%s",
		serving_port(&h->at), serving_port(&redis.at), name, h == &hs.one ? "eu" : "us", edges);
	site_put(&h->site, "t.yaml", text);
	site_put(&h->site, "s.zone", SITE_ZONE(3, "www A 192.0.2.9\n"));
}

static bool open_both(void)
{
	if (!real_redis_open(&redis))
		return false;
	house_open(&hs.one, "");
	house_open(&hs.two, "");
	configure(&hs.one, "ns1", SITE_EDGES SITE_POOLS);
	configure(&hs.two, "ns2", SITE_EDGES SITE_POOLS);
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	return true;
}

static void close_both(void)
{
	house_stop(&hs.two);
	house_stop(&hs.one);
	house_close(&hs.two);
	house_close(&hs.one);
	real_redis_end(&redis);
}

static void what_one_server_has_all_have(void)
{
	if (!open_both())
		return;
	houses_wait(&hs, &hs.two, "fleet", "fleet test, we are ns2: 2 of 2 servers are there\n");
	houses_wait(&hs, &hs.one, "fleet", "\nns2                  there  us     ");
	houses_told(&hs.one, "fleet", 0, "\nns1                  self   eu              -      -     ");
	/* Their zones, those that are signed as well. */
	houses_wait(&hs, &hs.one, "status --json", "\"fleet_zones_in_step\": 3");
	houses_wait(&hs, &hs.two, "status --json", "\"fleet_zones_in_step\": 3");
	houses_wait(&hs, &hs.one, "dnssec status s.test", "state          signed");
	houses_wait(&hs, &hs.two, "dnssec status s.test", "state          signed");
	houses_agree(&hs, "dnssec ds s.test");
	houses_wait(&hs, &hs.one, "fleet", "zones are signed anew, and their keys rolled, by ns");
	houses_wait(&hs, &hs.two, "fleet", "zones are signed anew, and their keys rolled, by ns");
	/* A change by one of them. */
	houses_told(&hs.two, "zone begin a.example", 0, "");
	houses_told(&hs.two, "zone set a.example new 60 A 192.0.2.77", 0, "");
	houses_told(&hs.two, "zone commit a.example", 0, "a.example.: serial 2\n");
	houses_wait(&hs, &hs.one, "zone status a.example", "serial         2");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.one, "new.a.example"), "192.0.2.77");
	CU_ASSERT_STRING_EQUAL(house_ask(&hs.two, "new.a.example"), "192.0.2.77");
	houses_told(&hs.two, "status --json", 0, "!\"fleet_committed\": 0,");
	/* What an operator wants. */
	houses_told(&hs.one, "force ams down", 0, "ams: down\n");
	houses_wait(&hs, &hs.two, "edges", "forced down by root");
	houses_told(&hs.two, "fleet", 0, "!at odds");
	houses_wait(&hs, &hs.two, "status --json", "\"fleet_will\": 1");
	/* Another configuration, of one of them. */
	configure(&hs.two, "ns2", "edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\n" "pools: { web: { edges: [ ams ] }, two: { edges: [ ams ] } }\n");
	houses_told(&hs.one, "fleet on ns3 reload", 1, "no server of the fleet is called \"ns3\"");
	houses_told(&hs.one, "fleet on ns2,ns3 reload", 1, "no server of the fleet is called \"ns3\"");
	houses_told(&hs.one, "fleet on , reload", 1, "which servers? write ns1,ns2 or 25%\n");
	houses_told(&hs.one, "fleet on 0% reload", 1, "a share is over 0% and up to 100%, of ");
	houses_told(&hs.one, "fleet on 101% reload", 1, "a share is over 0% and up to 100%, of ");
	houses_told(&hs.two, "fleet on 50% latency forget nyc", 0, "told to ns1; ");
	houses_told(&hs.two, "fleet on 50.1% latency forget nyc", 0, "told to ns1, ns2; ");
	houses_told(&hs.one, "fleet on ns2,ns1,ns2 latency forget nyc", 0, "told to ns2, ns1; ");
	houses_told(&hs.one, "fleet on ns2 stop", 1, "");
	houses_told(&hs.one, "fleet on", 2, "");
	houses_told(&hs.one, "fleet on ns2 reload", 0, "told to ns2; \"fleet\" shows what comes of it\n");
	houses_wait(&hs, &hs.one, "fleet", "ns2 has another configuration than we have, in: edges, pools\n");
	houses_wait(&hs, &hs.one, "status --json", "\"fleet_configs_apart\": 1");
	houses_told(&hs.one, "fleet --what", 2, "");
	houses_told(&hs.one, "fleet --accept", 0, "no changes are at odds here\n");
	/* A key that is rolled by the one that has the say is the other's as well. */
	struct house *signer = strstr(house_tell(&hs.one, "fleet"), "rolled, by ns1") ? &hs.one : &hs.two, *other = signer == &hs.one ? &hs.two : &hs.one;
	houses_told(signer, "dnssec roll s.test", 0, "");
	houses_wait(&hs, other, "dnssec keys s.test", "stays\n");
	houses_wait(&hs, other, "dnssec keys s.test", "goes\n");
	houses_agree(&hs, "dnssec keys s.test");
	houses_wait(&hs, signer, "status --json", "\"signed_zones\": 1,");
	houses_told(signer, "status --json", 0, "\"keys_rolling\": 1,");
	/* What was signed went to the fleet without a fault. */
	CU_ASSERT_PTR_NULL(strstr(house_log(&hs.one), "cannot be signed anew"));
	CU_ASSERT_PTR_NULL(strstr(house_log(&hs.two), "cannot be signed anew"));
	close_both();
}

static void whoever_is_alone_goes_on_and_what_was_wanted_meanwhile_is_wanted_by_all(void)
{
	if (!open_both())
		return;
	houses_wait(&hs, &hs.two, "fleet", "2 of 2 servers are there");
	houses_wait(&hs, &hs.one, "fleet", "2 of 2 servers are there");
	real_redis_end(&redis);
	houses_wait(&hs, &hs.one, "fleet", "; its Redis is not reached, and we go on alone: ");
	houses_wait(&hs, &hs.two, "fleet", "; its Redis is not reached, and we go on alone: ");
	houses_told(&hs.one, "force ams down", 0, "");
	CU_ASSERT_STRING_EQUAL(text_get(&hs.one.out), "ams: down; the fleet's Redis is not reached: other servers follow when it is\n");
	houses_told(&hs.two, "force nyc drain", 0, "nyc: drain; the fleet's Redis is not reached: other servers follow when it is\n");
	real_redis_begin(&redis);
	houses_wait(&hs, &hs.one, "fleet", "2 of 2 servers are there\n");
	houses_wait(&hs, &hs.two, "fleet", "2 of 2 servers are there\n");
	houses_wait(&hs, &hs.one, "edges", "forced drain");
	houses_wait(&hs, &hs.two, "edges", "forced down");
	houses_told(&hs.two, "edges", 0, "forced drain");
	houses_told(&hs.one, "status --json", 0, "\"fleet_conflicts\": 0");
	/* Who leaves is gone. */
	house_stop(&hs.two);
	houses_wait(&hs, &hs.one, "fleet", "\nns2                  gone ");
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	houses_wait(&hs, &hs.one, "fleet", "\nns2                  there ");
	close_both();
}

/* What is told above the table. */
static void tell_sum(const struct report_fleet *sum, const char *want)
{
	struct text t = { 0 };
	json_t *self = json_object();

	report_fleet_servers(sum, fleet_member_of(hs.one.server.fleet), self, false, &t);
	const char *table = strstr(text_get(&t), "SERVER ");
	const size_t len = table ? (size_t)(table - text_get(&t)) : 0;
	if (len != strlen(want) || strncmp(text_get(&t), want, len) != 0) {
		printf("%.*s, not\n%s", (int)len, text_get(&t), want);
		CU_FAIL("the head of a fleet's table");
	}
	json_decref(self);
	text_fini(&t);
}

#define HEAD "fleet test, we are ns1: 2 of 3 servers are there"

static void how_it_stands_is_told_above_the_table(void)
{
	struct report_fleet s = { .up = true, .servers = 3, .live = 2, .name = "test", .server = "ns1" };

	tell_sum(&s, HEAD "\n");
	s.blind = true;
	s.outvoted = 2;
	tell_sum(&s, HEAD "\nwe see no edge up and others do: our verdicts do not count\n2 verdicts are not as we have found (\"edges\")\n");
	s = (struct report_fleet){ .servers = 3, .live = 2, .name = "test", .server = "ns1", .holds = true };
	tell_sum(&s, HEAD "; its Redis is not reached, and we go on alone: connecting\nwe see no edge up and no other server: what the fleet last knew holds on\n");
	strcpy(s.fault, "no route");
	s.holds = false;
	s.prices_by = FLEET_PRICES_ALONE;
	tell_sum(&s, HEAD "; its Redis is not reached, and we go on alone: no route\n"
		"prices of edges are found here, for us alone: others are out of hearing, and keep what they used\n");
	s.up = true;
	s.prices_by = FLEET_PRICES_HERE;
	s.demand_servers = 2;
	tell_sum(&s, HEAD "\nprices of edges are found here, by the demand of 2 servers\n");
	s.demand_held = 1;
	tell_sum(&s, HEAD "\nprices of edges are found here, by the demand of 2 servers; 1 out of hearing keeps what they used\n");
	s.demand_held = 2;
	strcpy(s.signer, "ns3");
	tell_sum(&s, HEAD "\nprices of edges are found here, by the demand of 2 servers; 2 out of hearing keep what they used\n"
		"zones are signed anew, and their keys rolled, by ns3\n");
}

/* What they find of edges, and what is measured: both find the same, and know it of each other. */
static void what_one_server_finds_all_know(void)
{
	struct net_address probed = serving_address("127.0.0.41");
	char edges[700], path[100];

	snprintf(edges, sizeof edges,
		"edges:\n  ams: { at: \"52,5\", a: 127.0.0.41, capacity: 50 }\n  nyc: { at: \"40,-74\", a: 127.0.0.42, capacity: 70 }\n"
		"probes:\n  t: { kind: tcp, port: %u, every: 500ms, timeout: 450ms, rise: 1, fall: 1 }\n  m: { kind: external, expires: 1h, initial: up }\n"
		"pools: { web: { edges: [ ams, nyc ], probe: t, panic: 0%% }, two: { edges: [ nyc, ams ], policy: ordered, probe: m } }\n"
		"balance: { every: 1s }\nlatency: { state: latency.csv }\n",
		serving_port(&probed));
	if (!real_redis_open(&redis))
		return;
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(bind(listener, (const struct sockaddr *)&probed.sa, probed.len) == 0 && listen(listener, 4096) == 0);
	house_open(&hs.one, "");
	house_open(&hs.two, "");
	configure(&hs.one, "ns1", edges);
	configure(&hs.two, "ns2", edges);
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	houses_wait(&hs, &hs.one, "fleet", "2 of 2 servers are there\n");
	houses_wait(&hs, &hs.two, "fleet", "2 of 2 servers are there\n");
	houses_wait(&hs, &hs.one, "status --json", "\"fleet_vantages\": 1");
	houses_told(&hs.one, "probe ams", 0, "  passed: connected; it is up\n");
	houses_wait(&hs, &hs.one, "edges", " t            up    for ");
	houses_wait(&hs, &hs.one, "edges", "connected; fleet: all 2 say up; ");
	houses_wait(&hs, &hs.two, "edges", "connection refused; fleet: all 2 say down; ");
	houses_wait(&hs, &hs.one, "fleet", "prices of edges are found here, by the demand of 2 servers\n");
	houses_wait(&hs, &hs.two, "fleet", "prices of edges are found by ns1, for all\n");
	houses_told(&hs.two, "fleet --json", 0, "\"prices\": \"there\",\n  \"prices_by\": \"ns1\"");
	/* What is measured. */
	site_put(&hs.one.site, "x.csv", "prefix,edge,rtt_ms\n198.51.100.0/24,ams,12.5\n198.51.100.0/24,nyc,40\n");
	snprintf(path, sizeof path, "%s/x.csv", hs.one.site.folder);
	house_tell_words(&hs.one, (const char *const[]){ "latency", "import", path, NULL });
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&hs.one.out), "/x.csv: 2 measurements taken in\n"));
	houses_told(&hs.one, "latency export", 0, "\n198.51.100.0/24,ams,12.500,1,0\n198.51.100.0/24,nyc,40.000,1,0\n");
	houses_told(&hs.one, "latency forget nyc", 0, "");
	houses_wait(&hs, &hs.one, "latency export", "!nyc");
	houses_told(&hs.one, "latency export", 0, "198.51.100.0/24,ams,12.500,1,");
	/* What is told of an edge is known to whom it is told. */
	houses_told(&hs.one, "verdict ams down --probe m --why because", 0, "ams: told down for probe m, good for 3600 s\n");
	houses_wait(&hs, &hs.one, "edges", "told down by root: because; good for another ");
	houses_told(&hs.one, "verdict", 0, "because");
	houses_told(&hs.two, "verdict", 0, "nothing is told\n");
	houses_wait(&hs, &hs.one, "pools two", "1 of    2 up");
	houses_told(&hs.one, "verdict ams none --probe m", 0, "");
	houses_wait(&hs, &hs.one, "pools two", "2 of    2 up");
	houses_told(&hs.one, "verdict ams up --probe t", 1, "");
	houses_told(&hs.one, "verdict nix up --probe m", 1, "nix");
	houses_told(&hs.one, "verdict ams sideways --probe m", 2, "");
	close(listener);
	houses_wait(&hs, &hs.one, "pools web", "0 of    2 up");
	houses_wait(&hs, &hs.two, "pools web", "0 of    2 up");
	close_both();
}

static void a_start_that_waits_for_the_fleet_can_be_ended(void)
{
	redis.at = serving_address("127.0.0.1"); /* nobody listens there */
	house_open(&hs.one, "");
	configure(&hs.one, "ns1", SITE_EDGES SITE_POOLS);
	CU_ASSERT_TRUE_FATAL(house_start(&hs.one));
	house_pass(&hs.one, 0.05);
	how_it_stands_is_told_above_the_table();
	houses_told(&hs.one, "fleet", 0, "its Redis is not reached, and we go on alone: ");
	house_stop(&hs.one);
	house_close(&hs.one);
}

void suite_fleet_member(void);
void suite_fleet_member(void)
{
	static const struct unit_case cases[] = {
		{ "what one server has all have", what_one_server_has_all_have },
		{ "a start that waits for the fleet can be ended", a_start_that_waits_for_the_fleet_can_be_ended },
		{ "what one server finds all know", what_one_server_finds_all_know },
		{ "whoever is alone goes on, and what was wanted meanwhile is wanted by all", whoever_is_alone_goes_on_and_what_was_wanted_meanwhile_is_wanted_by_all },
	};

	unit_suite("daemon/fleet_member", cases, UNIT_COUNT(cases));
}
