#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include "config.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#define EDGES                                                                                 \
	"edges: { ams1: { at: \"1,2\", a: 192.0.2.1 }, iad2: { at: \"3,4\", a: 192.0.2.2 }, " \
	"far: { a: 192.0.2.3, weight: 0 } }\n"

static void the_server_section_reaches_its_options(void)
{
	static const char *const want[] = { "127.0.0.1:5300", "192.0.2.1:53", "[::1]:53",
		"[::2]:53", "[2001:db8::1]:54" };
	struct conf c;

	told_complete(&c);
	CU_ASSERT_EQUAL_FATAL(c.net.n, UNIT_COUNT(want));
	for (size_t i = 0; i < UNIT_COUNT(want); i++) {
		char buf[ADDR_TEXT];
		const struct sockaddr *sa = (const struct sockaddr *)&c.net.listen[i].sa;
		CU_ASSERT_STRING_EQUAL(addr_sockaddr_text(buf, sa), want[i]);
		CU_ASSERT_EQUAL(c.net.listen[i].len,
			sa->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
	}
	CU_ASSERT_EQUAL(c.net.workers, 4);
	CU_ASSERT_STRING_EQUAL(c.user, "waymark");
	CU_ASSERT_FALSE(c.policy.ecs);
	CU_ASSERT_EQUAL(c.net.tcp_clients, 77);
	CU_ASSERT_EQUAL(c.net.tcp_clients_per_net, 33);
	CU_ASSERT_EQUAL(c.net.tcp_idle_ms, 120000);
	conf_fini(&c);
}

static void workers_are_placed_and_sized(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		"server: { listen: 192.0.2.1, cpus: [ 2, 0 ], batch: 256,\n"
		"  receive-buffer: 8M, send-buffer: 65536 }\n" ZONES,
		&lines));
	text_fini(&lines);
	CU_ASSERT_TRUE(c.net.pin);
	CU_ASSERT_EQUAL_FATAL(c.net.n_cpus, 2);
	CU_ASSERT_EQUAL(c.net.cpus[0], 2);
	CU_ASSERT_EQUAL(c.net.cpus[1], 0);
	CU_ASSERT_EQUAL(c.net.batch, 256);
	CU_ASSERT_EQUAL(c.net.receive_buffer, 8 << 20);
	CU_ASSERT_EQUAL(c.net.send_buffer, 65536);
	conf_fini(&c);
	CU_ASSERT_TRUE_FATAL(
		told_read(&c, "server: { listen: 192.0.2.1, cpus: auto }\n" ZONES, &lines));
	text_fini(&lines);
	CU_ASSERT_TRUE(c.net.pin);
	CU_ASSERT_EQUAL(c.net.n_cpus, 0);
	conf_fini(&c);
}

static void relative_paths_start_at_the_folder_of_the_file(void)
{
	struct conf c;

	told_complete(&c);
	CU_ASSERT_STRING_EQUAL(c.control_socket, "/etc/waymark/run/control.sock");
	CU_ASSERT_EQUAL_FATAL(c.n_city_files, 1);
	CU_ASSERT_STRING_EQUAL(c.city_files[0], "/etc/waymark/geoip/city.mmdb");
	CU_ASSERT_EQUAL_FATAL(c.n_asn_files, 2);
	CU_ASSERT_STRING_EQUAL(c.asn_files[0], "/var/v4.mmdb");
	CU_ASSERT_STRING_EQUAL(c.asn_files[1], "/etc/waymark/v6.mmdb");
	CU_ASSERT_EQUAL_FATAL(c.n_zones, 3);
	CU_ASSERT_STRING_EQUAL(c.zones[0].file, "/etc/waymark/zones/example.com.zone");
	CU_ASSERT_STRING_EQUAL(c.zones[1].file, "/srv/org");
	CU_ASSERT_STRING_EQUAL(c.zones[2].dir, "/etc/waymark/zones");
	conf_fini(&c);
}

static void what_is_left_out_has_a_default(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		"server: { listen: 192.0.2.1 }\nzones: [ { dir: z } ]\n"
		"edges: { e: { a: 192.0.2.9, at: \"1,2\" } }\npools: { p: { edges: e } }\n",
		&lines));
	text_fini(&lines);
	CU_ASSERT_EQUAL(c.net.workers, 0);
	CU_ASSERT_FALSE(c.net.pin);
	CU_ASSERT_EQUAL(c.net.batch, 32);
	CU_ASSERT_EQUAL(c.net.receive_buffer + c.net.send_buffer, 0);
	CU_ASSERT_PTR_NULL(c.user);
	CU_ASSERT_TRUE(c.policy.ecs);
	CU_ASSERT_EQUAL(c.net.tcp_clients, 1000);
	CU_ASSERT_EQUAL(c.net.tcp_clients_per_net, 100);
	CU_ASSERT_EQUAL(c.net.tcp_idle_ms, 10000);
	CU_ASSERT_PTR_NULL(c.control_socket);
	CU_ASSERT_EQUAL(c.n_city_files + c.n_asn_files, 0);
	CU_ASSERT_EQUAL(c.edges[0].weight, 1);
	CU_ASSERT_EQUAL(c.edges[0].state, EDGE_UP);
	const struct pool_opts *p = &c.pools[0];
	CU_ASSERT_EQUAL(p->policy, POOL_NEAREST);
	CU_ASSERT_EQUAL(p->answers, 1);
	CU_ASSERT_TRUE(isinf(p->spread_ms) && isinf(p->spread_share));
	CU_ASSERT_EQUAL(p->ttl_min_s, 0);
	CU_ASSERT_EQUAL(p->ttl_max_s, UINT32_MAX);
	CU_ASSERT_EQUAL(p->all_down, POOL_ALL);
	CU_ASSERT_EQUAL(p->n_fallback + p->n_pins, 0);
	conf_fini(&c);
}

static void as_many_zones_may_go_as_configured(void)
{
	static const struct told_case cases[] = {
		{ "no share", SERVER ZONES "reload: { zones-lost: 5 }\n",
			"3:23: error: \"zones-lost\" must be a share of the zones from 0% to 100% "
			"(100%: any), not \"5\"\n" },
		{ "more than all", SERVER ZONES "reload: { zones-lost: 101% }\n",
			"3:23: error: \"zones-lost\" must be a share of the zones from 0% to 100% "
			"(100%: any), not \"101%\"\n" },
	};
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c, SERVER ZONES, &lines));
	CU_ASSERT_EQUAL(c.zones_lost, 0.5);
	conf_fini(&c);
	CU_ASSERT_TRUE_FATAL(told_read(&c, SERVER ZONES "reload: { zones-lost: 7.5% }\n", &lines));
	CU_ASSERT_EQUAL(c.zones_lost, 0.075);
	conf_fini(&c);
	told_check(cases, UNIT_COUNT(cases));
}

static void stages_are_taken_back_as_configured(void)
{
	struct faults f;
	struct conf c;

	faults_init(&f);
	CU_ASSERT_TRUE_FATAL(
		conf_read_text(&c, "w.yaml", SERVER ZONES, strlen(SERVER ZONES), &f));
	CU_ASSERT_EQUAL(c.stage.servfail, 0.01);
	CU_ASSERT_EQUAL(c.stage.failures, 0.1);
	CU_ASSERT_EQUAL(c.stage.every_ms, 5000);
	conf_fini(&c);
	static const char text[] = SERVER ZONES
		"stage: { servfail: 2%, empty: 0.5%, failures: 100%, every: 1m }\n";
	CU_ASSERT_TRUE_FATAL(conf_read_text(&c, "w.yaml", text, strlen(text), &f));
	CU_ASSERT_EQUAL(c.stage.servfail, 0.02);
	CU_ASSERT_EQUAL(c.stage.empty, 0.005);
	CU_ASSERT_EQUAL(c.stage.failures, 1);
	CU_ASSERT_EQUAL(c.stage.every_ms, 60000);
	conf_fini(&c);
	static const char wrong[] = SERVER ZONES
		"stage: { servfail: 2, empty: 101%, every: 1ms }\n";
	CU_ASSERT_FALSE(conf_read_text(&c, "w.yaml", wrong, strlen(wrong), &f));
	CU_ASSERT_EQUAL(f.errors, 3);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&f.text), "3:20: error: \"servfail\" must be a share"));
	faults_fini(&f);
}

static void what_the_console_needs_is_told(void)
{
	static const struct told_case row[] = {
		{ "the API", SERVER ZONES "management: { listen: 127.0.0.1, console: on }\n",
			"3:34: error: the console asks the API for all that it shows; write: management: { api: on, console: on }\n" },
		{ "two Unix sockets", SERVER ZONES "management: { listen: [ unix:/a, unix:/b ] }\n",
			"3:34: error: one Unix socket is enough; take this one out\n" },
		{ "two addresses", SERVER ZONES "management: { listen: [ 127.0.0.1, 127.0.0.2 ] }\n",
			"3:36: error: one address is enough; take this one out\n" },
		{ "a Unix socket without a path", SERVER ZONES "management: { listen: \"unix:\" }\n",
			"3:23: error: a path is missing; write for example: unix:/run/waymark/api.sock\n" },
		{ "a group of no socket", SERVER ZONES "management: { listen: 127.0.0.1, socket-group: adm }\n",
			"3:48: error: there is no Unix socket for this group; write: management: { listen: [ unix:/run/waymark/api.sock ] }\n" },
		{ "which needs a store", SERVER ZONES "management: { listen: 127.0.0.1, api: on, console: on }\n",
			"3:34: error: the API needs a store, for its tokens and for what is done with them; write for example: store: "
			"{ file: /var/lib/waymark/waymark.db }\n" },
		{ "and TLS, where others can connect",
			SERVER ZONES "store: { file: w.db }\nmanagement: { listen: 192.0.2.1, api: on, console: on }\n",
			"4:34: error: the API where others can connect needs \"tls: on\", since tokens are secrets; or listen on "
			"127.0.0.1\n" },
		{ "nothing more", SERVER ZONES "store: { file: w.db }\nmanagement: { listen: 127.0.0.1, api: on, console: on }\n", "" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void keys_that_are_unknown_or_missing_are_told(void)
{
	static const struct told_case row[] = {
		{ "the nearest key is named, and not said to be missing too",
			"sever: { listen: 192.0.2.1 }\nzone: []\n",
			"1:1: error: unknown key \"sever\" in the configuration; did you mean "
			"\"server\"?\n"
			"2:1: error: unknown key \"zone\" in the configuration; did you mean "
			"\"zones\"?\n" },
		{ "without a near one, all are named",
			SERVER ZONES "telemetry: { files: [ x ] }\n",
			"3:1: error: unknown key \"telemetry\" in the configuration (known: "
			"server, control, store, management, cookies, rrl, geoip, latency, stage, resolver, "
			"reload, fleet, log, balance, clients, edges, "
			"probes, pools, edge-groups, maintenance, "
			"keys, peers, dnssec, templates, zones, include)\n" },
		{ "in a section",
			"server: { listne: 192.0.2.1, tcp_clients: 3, ECS: on }\n" ZONES,
			"1:11: error: unknown key \"listne\" in server; did you mean "
			"\"listen\"?\n"
			"1:30: error: unknown key \"tcp_clients\" in server; did you mean "
			"\"tcp-clients\"?\n"
			"1:46: error: unknown key \"ECS\" in server; did you mean \"ecs\"?\n" },
		{ "in an edge", SERVER ZONES "edges: { e: { a: 192.0.2.1, wieght: 3 } }\n",
			"3:29: error: unknown key \"wieght\" in edge e; did you mean "
			"\"weight\"?\n" },
		{ "in a pool, of a release to come",
			SERVER ZONES EDGES "pools: { web: { edges: ams1, health: web } }\n",
			"4:30: error: unknown key \"health\" in pool web (known: edges, "
			"policy, fail-back, "
			"affinity, hash-balance, answers, resolver-pairs, spread, goal, cost, ttl, all-down, probe, up-when, families, least-up, panic, "
			"https, svcb, default, pin)\n" },
		{ "in a pin",
			SERVER ZONES EDGES
			"pools: { web: { edges: ams1, pin: { nets: {} } } }\n",
			"4:37: error: unknown key \"nets\" in pin; did you mean \"net\"?\n" },
		{ "in a zone", SERVER "zones: [ { name: a, flie: b } ]\n",
			"2:21: error: unknown key \"flie\" in a zone; did you mean "
			"\"file\"?\n" },
		{ "what every file needs", "edges: {}\n",
			"error: \"server\" is missing in the configuration; write for example: "
			"server: { listen: [ \"0.0.0.0:53\", "
			"\"[::]:53\" ] }\n"
			"error: \"zones\" is missing in the configuration; write for example: "
			"zones: [ { name: example.com, file: "
			"zones/example.com.zone } ]\n" },
		{ "what a server needs", "server: { ecs: on }\n" ZONES,
			"1:1: error: \"listen\" is missing in server; write for example: "
			"listen: [ \"0.0.0.0:53\", \"[::]:53\" ]\n" },
		{ "a section that is empty", "server:\n" ZONES,
			"1:1: error: there is no value behind this; write one, or take the "
			"line out\n" },
		{ "a section that is a list", "server: [ x ]\n" ZONES,
			"1:9: error: server must be a mapping of keys and values, not a "
			"list; write for example: { listen: [ \"0.0.0.0:53\", \"[::]:53\" ] }\n" },
		{ "one word for files, not two",
			SERVER ZONES "geoip: { city: { files: [ x ] } }\n",
			"3:18: error: unknown key \"files\" in city; did you mean "
			"\"file\"?\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

#if defined WITH_XDP
#define XDP_OR(text) text
#else
#define XDP_OR(text)                                                                        \
	"1:19: error: this waymarkd was built without AF_XDP: install libxdp-dev, libbpf-dev and " \
	"clang, and build it anew\n"
#endif

static void values_of_the_server_are_checked(void)
{
	static const struct told_case row[] = {
		{ "a kind of listening that there is not",
			"server: { listen: \"sctp:192.0.2.1\" }\n" ZONES,
			"1:19: error: \"sctp:192.0.2.1\" is not an address: write it in numbers (192.0.2.1:53, [2001:db8::1]:53), "
			"with nothing in front for UDP and TCP, or tls:, https:, http: or quic:; or an interface with xdp:\n" },
		{ "a name behind a kind", "server: { listen: \"http:edge/q\" }\n" ZONES,
			"1:19: error: \"edge/q\" is not an address: write it in numbers (192.0.2.1:53, [2001:db8::1]:53), "
			"with nothing in front for UDP and TCP, or tls:, https:, http: or quic:; or an interface with xdp:\n" },
		{ "letters that may begin an address", "server: { listen: \"fade::1::2\" }\n" ZONES,
			"1:19: error: \"fade::1::2\" is not an address (write 192.0.2.1:53 or "
			"[2001:db8::1]:53)\n" },
		{ "an IPv6 address without brackets whose end may be meant for a port", "server: { listen: \"2001:db8::1:53\" }\n" ZONES,
			"1:19: warning: \"2001:db8::1:53\" is an address and no port; write [2001:db8::1]:53 if its end is one, else [2001:db8::1:53]\n" },
		{ "... for one of four digits", "server: { listen: \"::1:5300\" }\n" ZONES,
			"1:19: warning: \"::1:5300\" is an address and no port; write [::1]:5300 if its end is one, else [::1:5300]\n" },
		{ "... behind what is a whole address", "server: { listen: \"1:2:3:4:5:6:7:53\" }\n" ZONES, "" },
		{ "... for that of TLS", "server: { listen: \"2001:db8::1:853\" }\n" ZONES,
			"1:19: warning: \"2001:db8::1:853\" is an address and no port; write [2001:db8::1]:853 if its end is one, else "
			"[2001:db8::1:853]\n" },
		{ "addresses whose end has four digits and is no port that one would choose",
			"server: { listen: [ \"2001:db8::1:2053\", \"fd00::10:0:1:1001\", \"2001:db8::53\" ] }\n" ZONES, "" },
		{ "... for none", "server: { listen: [ \"2001:db8::1:54\", \"::1\", \"[::1:53]\", \"[::2]:53\", \"::1:530a\" ] }\n" ZONES, "" },
		{ "port 0", "server: { listen: \"192.0.2.1:0\" }\n" ZONES,
			"1:19: error: port 0 is no port to listen on; write 1 to 65535, or "
			"none for 53\n" },
		{ "an address twice, once with the port that it has anyway",
			"server: { listen: [ 192.0.2.1, \"192.0.2.1:53\" ] }\n" ZONES,
			"1:32: error: this address and port is here twice; take one out\n" },
		{ "a name", "server: { listen: localhost }\n" ZONES,
			"1:19: error: \"localhost\" is not an address: write it in numbers (192.0.2.1:53, [2001:db8::1]:53), "
			"with nothing in front for UDP and TCP, or tls:, https:, http: or quic:; or an interface with xdp:\n" },
		{ "an interface that is none", "server: { listen: \"xdp:\" }\n" ZONES,
			XDP_OR("1:19: error: xdp: wants the name of an interface, such as xdp:eth0 or "
			       "xdp:eth0:53 (\"ip link\" lists them)\n") },
		{ "a name too long for an interface", "server: { listen: \"xdp:abcdefghijklmnop\" }\n" ZONES,
			XDP_OR("1:19: error: xdp: wants the name of an interface, such as xdp:eth0 or "
			       "xdp:eth0:53 (\"ip link\" lists them)\n") },
		{ "a port of an interface", "server: { listen: \"xdp:eth0:65536\" }\n" ZONES,
			XDP_OR("1:19: error: \"65536\" is not a port; write 1 to 65535, or none for 53\n") },
#if defined WITH_XDP
		{ "an interface twice", "server: { listen: [ 192.0.2.1, \"xdp:eth0\", \"xdp:eth0:53\" ] }\n" ZONES,
			"1:44: error: this address and port is here twice; take one out\n" },
		{ "an interface alone", "server: { listen: [ \"192.0.2.1:54\", \"xdp:eth0\" ] }\n" ZONES,
			"1:11: warning: xdp:eth0 takes queries over UDP alone: nobody answers at port 53 "
			"over TCP, nor NOTIFY and UPDATE; write an ordinary address beside it, such as "
			"\"0.0.0.0:53\"\n" },
#endif
		{ "no address", "server: { listen: [] }\n" ZONES,
			"1:19: error: \"listen\" must be an address with or without a port, or "
			"a list of them, not an empty list\n" },
		{ "a list in a list", "server: { listen: [ [ 192.0.2.1 ] ] }\n" ZONES,
			"1:21: error: \"listen\" must be an address with or without a port, or "
			"a list of them, not a list\n" },
		{ "workers: none", "server: { listen: 192.0.2.1, workers: 0 }\n" ZONES,
			"1:39: error: \"workers\" must be auto, or a number from 1 to 256, not "
			"\"0\"\n" },
		{ "workers: too many", "server: { listen: 192.0.2.1, workers: 257 }\n" ZONES,
			"1:39: error: \"workers\" must be auto, or a number from 1 to 256, not "
			"\"257\"\n" },
		{ "workers: octal?", "server: { listen: 192.0.2.1, workers: 010 }\n" ZONES,
			"1:39: error: \"workers\" must be auto, or a number from 1 to 256, not "
			"\"010\"\n" },
		{ "a processor past all there may be",
			"server: { listen: 192.0.2.1, cpus: [ 0, 1024 ] }\n" ZONES,
			"1:41: error: \"cpus\" must be off, auto, or a list of processors' "
			"numbers from 0 to 1023, not \"1024\"\n" },
		{ "processors in words", "server: { listen: 192.0.2.1, cpus: all }\n" ZONES,
			"1:36: error: \"cpus\" must be off, auto, or a list of processors' "
			"numbers from 0 to 1023, not \"all\"\n" },
		{ "a batch of none", "server: { listen: 192.0.2.1, batch: 0 }\n" ZONES,
			"1:37: error: \"batch\" must be a number from 1 to 256, not \"0\"\n" },
		{ "a size with a unit that is none",
			"server: { listen: 192.0.2.1, send-buffer: 4MB }\n" ZONES,
			"1:43: error: \"send-buffer\" must be a size from 4k to 1G, such as "
			"4M, not \"4MB\"\n" },
		{ "a size too small", "server: { listen: 192.0.2.1, send-buffer: 1k }\n" ZONES,
			"1:43: error: \"send-buffer\" must be a size from 4k to 1G, such as "
			"4M, not \"1k\"\n" },
		{ "a size too large",
			"server: { listen: 192.0.2.1, receive-buffer: 2G }\n" ZONES,
			"1:46: error: \"receive-buffer\" must be a size from 4k to 1G, such "
			"as 4M, not \"2G\"\n" },
		{ "a number with a sign",
			"server: { listen: 192.0.2.1, tcp-clients: +5 }\n" ZONES,
			"1:43: error: \"tcp-clients\" must be a number from 1 to 1000000, not "
			"\"+5\"\n" },
		{ "a number past all words of the machine",
			"server: { listen: 192.0.2.1, tcp-clients: 18446744073709551617 "
			"}\n" ZONES,
			"1:43: error: \"tcp-clients\" must be a number from 1 to 1000000, not "
			"\"18446744073709551617\"\n" },
		{ "no client of a net",
			"server: { listen: 192.0.2.1, tcp-clients-per-net: 0 }\n" ZONES,
			"1:51: error: \"tcp-clients-per-net\" must be a number from 1 to "
			"1000000, not \"0\"\n" },
		{ "a duration without a unit",
			"server: { listen: 192.0.2.1, tcp-idle: 10 }\n" ZONES,
			"1:40: error: \"tcp-idle\" needs a unit (ms, s, m, h, d or w); write "
			"10s\n" },
		{ "none, which would not be allowed either",
			"server: { listen: 192.0.2.1, tcp-idle: 0 }\n" ZONES,
			"1:40: error: \"tcp-idle\" must be a duration from 1ms to 1h, such as 10s, not \"0\"\n" },
		{ "a duration too long", "server: { listen: 192.0.2.1, tcp-idle: 61m }\n" ZONES,
			"1:40: error: \"tcp-idle\" must be a duration from 1ms to 1h, such as "
			"10s, not \"61m\"\n" },
		{ "a duration with a unit of its own",
			"server: { listen: 192.0.2.1, tcp-idle: 10sec }\n" ZONES,
			"1:40: error: \"tcp-idle\" must be a duration from 1ms to 1h, such as "
			"10s, not \"10sec\"\n" },
		{ "a switch that is neither",
			"server: { listen: 192.0.2.1, ecs: maybe }\n" ZONES,
			"1:35: error: \"ecs\" must be on or off, not \"maybe\"\n" },
		{ "an empty text", "server: { listen: 192.0.2.1, user: '' }\n" ZONES,
			"1:36: error: \"user\" must be the name of a user, not \"\"\n" },
		{ "a text with a terminal's commands in it",
			"server: { listen: \"\\e[31m\" }\n" ZONES,
			"1:19: error: a line break or control character in \"listen\"; take it "
			"out\n" },
		{ "a value that is shown is cut and harmless",
			"server: { listen: 192.0.2.1, ecs: "
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxx"
			" }\n" ZONES,
			"1:35: error: \"ecs\" must be on or off, not \""
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"...\"\n" },
		{ "a file twice",
			SERVER ZONES "geoip: { asn: { file: [ x, /etc/waymark/x ] } }\n",
			"3:28: error: this path is here twice; take one out\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void switches_know_all_words_of_yaml(void)
{
	static const struct {
		const char *word;
		bool on;
	} row[] = { { "on", true }, { "true", true }, { "Yes", true }, { "OFF", false },
		{ "false", false }, { "no", false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text yaml = { 0 }, lines;
		struct conf c;
		text_addf(&yaml, "server: { listen: 192.0.2.1, ecs: %s }\n" ZONES, row[i].word);
		CU_ASSERT_TRUE_FATAL(told_read(&c, text_get(&yaml), &lines));
		CU_ASSERT_EQUAL(c.policy.ecs, row[i].on);
		text_fini(&yaml);
		text_fini(&lines);
		conf_fini(&c);
	}
}

/* sun_path has 108 bytes with its NUL (unix(7)). */
static void a_socket_has_at_most_107_bytes_of_path(void)
{
	for (size_t len = 107; len <= 108; len++) {
		struct text yaml = { 0 }, lines;
		struct conf c;
		text_addf(&yaml, SERVER ZONES "control: { socket: %0*d }\n",
			(int)(len - strlen("/etc/waymark/")), 0);
		CU_ASSERT_EQUAL(told_read(&c, text_get(&yaml), &lines), len == 107);
		CU_ASSERT_EQUAL(strstr(text_get(&lines),
					"3:20: error: the path of a socket has at most 107 "
					"bytes; this one has 108") != NULL,
			len == 108);
		text_fini(&yaml);
		text_fini(&lines);
		if (len == 107)
			conf_fini(&c);
	}
}

static void all_faults_are_told_in_one_run(void)
{
	static const struct told_case row[] = {
		{ "in the order of the file",
			"server: { listen: x, ecs: y }\nedges: { one: { a: z } }\nzones: [ { "
			"file: f } ]\n"
			"pools: { p: { edges: ono } }\nfoo: 1\n",
			"1:19: error: \"x\" is not an address: write it in numbers (192.0.2.1:53, "
			"[2001:db8::1]:53), with nothing in front for UDP and TCP, or tls:, https:, http: or quic:; or an interface with xdp:\n"
			"1:27: error: \"ecs\" must be on or off, not \"y\"\n"
			"5:1: error: unknown key \"foo\" in the configuration (known: server, "
			"control, store, management, cookies, rrl, geoip, latency, stage, resolver, reload, fleet, log, "
			"balance, clients, edges, probes, "
			"pools, edge-groups, maintenance, keys, peers, dnssec, templates, "
			"zones, include)\n"
			"2:20: error: \"z\" is not an IPv4 address\n"
			"4:22: error: there is no edge \"ono\"; did you mean \"one\"?\n"
			"3:12: error: this zone has no \"name\"; write for example: name: "
			"example.com\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void the_first_50_errors_are_shown_and_reading_stops(void)
{
	struct text yaml = { 0 };
	struct faults f;
	struct conf c;

	text_add(&yaml, SERVER ZONES "edges:\n");
	for (unsigned i = 0; i < 4000; i++) /* two errors each */
		text_addf(&yaml, "  edge%u: { a: x, foo: y }\n", i);
	faults_init(&f);
	CU_ASSERT_FALSE(conf_read_text(&c, "t.yaml", text_get(&yaml), yaml.len, &f));
	CU_ASSERT_EQUAL(f.errors, FAULTS_MOST);
	faults_fini(&f);
	text_fini(&yaml);
}

static void a_fault_shows_its_line_and_a_caret(void)
{
	static const char yaml[] =
		"server:\n  listen: 192.0.2.1\n  workers: none\nzones: [ { dir: z } ]\n";
	struct faults f;
	struct conf c;

	faults_init(&f);
	CU_ASSERT_FALSE(conf_read_text(&c, "t.yaml", yaml, sizeof yaml - 1, &f));
	CU_ASSERT_STRING_EQUAL(text_get(&f.text),
		"t.yaml:3:12: error: \"workers\" must be auto, or a number from 1 to 256, not "
		"\"none\"\n"
		"      workers: none\n"
		"               ^\n");
	faults_fini(&f);
}

static void a_file_that_cannot_be_read_is_a_fault(void)
{
	struct faults f;
	struct conf c;

	faults_init(&f);
	CU_ASSERT_FALSE(conf_read(&c, "/nonexistent/waymark.yaml", &f));
	CU_ASSERT_STRING_EQUAL(text_get(&f.text),
		"error: /nonexistent/waymark.yaml: No such file or directory\n");
	conf_fini(&c);
	faults_fini(&f);
}

void suite_schema(void);
void suite_schema(void)
{
	static const struct unit_case cases[] = {
		{ "the server section reaches its options",
			the_server_section_reaches_its_options },
		{ "workers are placed and sized", workers_are_placed_and_sized },
		{ "relative paths start at the folder of the file",
			relative_paths_start_at_the_folder_of_the_file },
		{ "what is left out has a default", what_is_left_out_has_a_default },
		{ "stages are taken back as configured", stages_are_taken_back_as_configured },
		{ "what the console needs is told", what_the_console_needs_is_told },
	{ "keys that are unknown or missing are told",
			keys_that_are_unknown_or_missing_are_told },
		{ "values of the server are checked", values_of_the_server_are_checked },
		{ "switches know all words of YAML", switches_know_all_words_of_yaml },
		{ "a socket has at most 107 bytes of path",
			a_socket_has_at_most_107_bytes_of_path },
		{ "all faults are told in one run", all_faults_are_told_in_one_run },
		{ "the first 50 errors are shown and reading stops",
			the_first_50_errors_are_shown_and_reading_stops },
		{ "a fault shows its line and a caret", a_fault_shows_its_line_and_a_caret },
		{ "a file that cannot be read is a fault",
			a_file_that_cannot_be_read_is_a_fault },
		{ "as many zones may go as configured", as_many_zones_may_go_as_configured },
	};

	unit_suite("conf/schema", cases, UNIT_COUNT(cases));
}
