#include "daemon/probes.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two edges on this machine, of which the second listens where its first does not. */
static struct house h;
static struct net_address port;
static int listener = -1;

static void set_listening(bool on)
{
	if (listener >= 0)
		close(listener);
	listener = -1;
	if (!on)
		return;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&port.sa, port.len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 16), 0);
}

/* `probe`: what is beside the kind and the port; `pool`: beside its edges. */
static void configure(
	char *to, size_t room, const char *probe, const char *pool, const char *more)
{
	snprintf(to, room,
		"edges:\n"
		"  ams: { at: \"52,5\", a: 127.0.0.21 }\n"
		"  nyc: { at: \"40,-74\", a: 127.0.0.22 }\n"
		"probes: { tcp: { kind: tcp, port: %u%s } }\n"
		"pools: { web: { edges: [ ams, nyc ], probe: tcp%s } }\n%s",
		serving_port(&port), probe, pool, more);
}

static void open_house(const char *probe, const char *pool, const char *more, bool listens)
{
	char conf[1000];

	port = serving_address("127.0.0.21");
	configure(conf, sizeof conf, probe, pool, more);
	house_open(&h, conf);
	set_listening(listens);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
	set_listening(false);
}

static void edges_answer_by_their_probes(void)
{
	open_house(", every: 300ms, timeout: 300ms, rise: 1, fall: 1", "", "", true);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "of 2 addresses 1 are up"));
	/* Where nobody listens it is told why. */
	CU_ASSERT_PTR_NOT_NULL(strstr(
		h.said, "edge nyc is down by probe tcp: 127.0.0.22: connection refused"));
	CU_ASSERT_EQUAL(h.server.is_ready, 1);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	set_listening(false);
	CU_ASSERT_TRUE(house_logs(
		&h, "edge ams is down by probe tcp: 127.0.0.21: connection refused"));
	house_pass(&h, 0.05);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21"); /* all are */
	set_listening(true);
	CU_ASSERT_TRUE(house_logs(&h, "edge ams is up by probe tcp"));
	const char *said = house_tell(&h, "edges");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "connection refused"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "connected"));
	said = house_tell(&h, "probe ams");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "127.0.0.21 by probe tcp (tcp)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "passed: connected; it is up"));
	said = house_tell(&h, "probe nyc --json");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "connection refused"));
	CU_ASSERT_EQUAL(h.server.is_ready, 1);
	close_house();
}

/* Nothing is said before the first probe, and static names are answered meanwhile. */
static void steered_names_wait_for_the_first_round(void)
{
	port = serving_address("127.0.0.21");
	char conf[1000];
	configure(conf, sizeof conf, ", every: 1h, timeout: 10s", "", "");
	house_open(&h, conf);
	set_listening(true);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "ns.a.example"), "192.0.2.3");
	CU_ASSERT_EQUAL(h.server.is_ready, 0);
	CU_ASSERT_EQUAL(probes_waits(h.server.probes), 2);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	CU_ASSERT_EQUAL(probes_waits(h.server.probes), 0);
	CU_ASSERT_EQUAL(h.server.is_ready, 1);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	close_house();
	/* Without anything to wait for, it is ready at once. */
	house_open(&h,
		"edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams "
		"] } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_EQUAL(h.server.is_ready, 1);
	CU_ASSERT_PTR_NULL(strstr(house_log(&h), "first round"));
	house_stop(&h);
	house_close(&h);
}

static void a_pool_in_panic_trusts_no_probe(void)
{
	open_house(
		", every: 300ms, timeout: 300ms, rise: 1, fall: 1", ", panic: 60%", "", true);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	/* One of two is less than 60 %. */
	set_listening(false);
	CU_ASSERT_TRUE(house_logs(&h, "edge ams is down by probe tcp"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(house_tell(&h, "status --json"), "\"pools_in_panic\": 1,"));
	close_house();
}

/* What was known outlives the server, and a crash. */
static void verdicts_outlive_the_server(void)
{
	static const char state[] = "control: { socket: c.sock, state: state }\n";

	open_house(", every: 1h, rise: 2, fall: 2", "", state, true);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	house_stop(&h);
	/* nyc was down: one probe that passes does not bring it up again. */
	const struct net_address ams = port;
	CU_ASSERT_TRUE_FATAL(addr_parse_endpoint(
		&port.sa, &port.len, "127.0.0.22", serving_port(&ams), &(struct fault){ "" }));
	const int first = listener;
	listener = -1;
	set_listening(true);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	/* It is answered before any probe has ended. */
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	const char *said = house_tell(&h, "edges");
	const char *nyc = strstr(said, "\nnyc");
	CU_ASSERT_PTR_NOT_NULL_FATAL(nyc);
	CU_ASSERT_EQUAL(strncmp(nyc + 1, "nyc              down", 21), 0);
	close(first);
	close_house();
}

/* Another configuration: who is known stays known. */
static void a_reload_keeps_what_is_known(void)
{
	char conf[1000];

	open_house(", every: 1h", "", "", true);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	configure(conf, sizeof conf, ", every: 1h", ", answers: 2", "");
	house_configure(&h, conf);
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	const char *said = house_tell(&h, "status --json");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"probes\": 2,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"targets\": 2,"));
	/* Probed otherwise, nothing is known, and it waits for nobody: the server runs. */
	configure(conf, sizeof conf, ", every: 2h", "", "");
	house_configure(&h, conf);
	house_tell(&h, "reload");
	house_pass(&h, 0.3);
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.a.example"), "127.0.0.21");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status --json"), "\"probes\": 4,"));
	close_house();
}

/* A stage whose edges fail is probed, too. */
static void a_stage_is_probed_beside_what_is_served(void)
{
	char conf[1000];

	open_house(", every: 1h", "", "", true);
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	snprintf(conf, sizeof conf,
		"edges: { fra: { at: \"50,8\", a: 127.0.0.21 } }\n"
		"probes: { tcp: { kind: tcp, port: %u, every: 2h } }\n"
		"pools: { web: { edges: [ fra ], probe: tcp } }\n",
		serving_port(&port));
	house_configure(&h, conf);
	house_tell(&h, "reload --stage 50%");
	CU_ASSERT_EQUAL(h.status, 0);
	const char *said = house_tell(&h, "probe fra");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "passed: connected"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status --json"), "\"targets\": 3,"));
	house_tell(&h, "force fra down");
	CU_ASSERT_EQUAL(h.status, 0);
	house_tell(&h, "reload --rollback");
	house_tell(&h, "probe fra");
	CU_ASSERT_EQUAL(h.status, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status --json"), "\"targets\": 2,"));
	close_house();
}

static const struct unit_case cases[] = {
	{ "edges answer by their probes", edges_answer_by_their_probes },
	{ "steered names wait for the first round", steered_names_wait_for_the_first_round },
	{ "a pool in panic trusts no probe", a_pool_in_panic_trusts_no_probe },
	{ "verdicts outlive the server", verdicts_outlive_the_server },
	{ "a reload keeps what is known", a_reload_keeps_what_is_known },
	{ "a stage is probed beside what is served", a_stage_is_probed_beside_what_is_served },
};

void suite_probes(void);
void suite_probes(void)
{
	unit_suite("daemon/probes", cases, UNIT_COUNT(cases));
}
