#include "daemon/measuring.h"

#include "base/bytes.h"
#include "unit/answer/asking.h"
#include "unit/daemon/house.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Clients of 8.0.0.0/8 are in Europe, of 11.0.0.0/8 in America. For those of Europe the edges are as near as they stand here. */
#define CONF                                                                \
	"store: { file: w.db }\n"                                           \
	"management: { listen: \"127.0.0.1:%u\" }\n"                        \
	"latency: { half-life: 6h, agents: { ams: {}, far: {} } }\n"          \
	"edges:\n"                                                          \
	"  ams: { at: \"52,5\", a: 192.0.2.1, aaaa: 2001:db8::1 }\n"        \
	"  par: { at: \"48,2\", a: [ 192.0.2.2, 192.0.2.22 ] }\n"           \
	"  mil: { at: \"45,9\", aaaa: 2001:db8::3, a: 192.0.2.3 }\n"        \
	"  mad: { at: \"40,-4\", a: 192.0.2.4 }\n"                          \
	"  nyc: { at: \"40,-74\", aaaa: 2001:db8::5 }\n"                    \
	"  lax: { at: \"34,-118\", a: 192.0.2.6 }\n"                        \
	"  sin: { at: \"1,104\", a: 192.0.2.7 }\n"                          \
	"  syd: { at: \"-33,151\", a: 192.0.2.8 }\n"                        \
	"  far: { at: \"-40,175\", a: 192.0.2.9 }\n"                        \
	"pools:\n"                                                          \
	"  web: { edges: [ ams, par, mil, mad, nyc, lax, sin, syd, far ] }\n" \
	"  two: { edges: [ ams, par ], answers: 2 }\n"                      \
	"geoip: { city: { file: city.mmdb } }\n"

static struct house h;
static const struct manage_hooks *hooks;

static void put_database(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char path[200];

	mmdb_writer_net(w, "8.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Here", 51, 4));
	mmdb_writer_net(w, "11.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "There", 41, -75));
	mmdb_writer_file(w);
	snprintf(path, sizeof path, "%s/city.mmdb", h.site.folder);
	FILE *f = fopen(path, "we");
	fwrite(w->file, 1, w->file_len, f);
	fclose(f);
	mmdb_writer_free(w);
}

static void open_house(void)
{
	struct net_address door = serving_address("127.0.0.1");
	char conf[1600];

	snprintf(conf, sizeof conf, CONF, serving_port(&door));
	/* Agents have keys; theirs are not asked for here. */
	char with_keys[1800];
	const char *at = strstr(conf, "ams: {}, far: {}");
	snprintf(with_keys, sizeof with_keys, "%.*sams: { key: \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" }, far: { key: \"BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" }%s",
		(int)(at - conf), conf, at + strlen("ams: {}, far: {}"));
	house_open(&h, with_keys);
	put_database();
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(1, "w 60 EDGE web\nt 60 EDGE two\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	hooks = measuring_hooks(h.server.measuring);
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* A client's query, which is answered. */
static void query(const char *question)
{
	uint8_t packet[ASKING_PACKET], reply[1300];
	const int fd = serving_connect(&h.at, SOCK_DGRAM, NULL);
	struct pollfd p = { fd, POLLIN, 0 };
	const size_t len = asking_packet(packet, question);

	CU_ASSERT_TRUE(send(fd, packet, len, 0) == (ssize_t)len && poll(&p, 1, 20000) == 1);
	const ssize_t n = recv(fd, reply, sizeof reply, 0);
	CU_ASSERT_TRUE(n > 12 && (reply[3] & 15) == 0 && be16_get(reply + 6) > 0);
	close(fd);
}

/* "par 192.0.2.2|8.0.1.0/24 8.0.1.1": what an agent is to measure. */
static const char *assigned(const char *agent, bool edges)
{
	static char text[2000];
	static struct assignments a;
	char net[ADDR_TEXT], host[ADDR_TEXT];

	a = (struct assignments){ .n = 0 };
	hooks->assignments(hooks->ctx, agent, &a);
	text[0] = 0;
	CU_ASSERT_EQUAL(a.again_s, 60); /* a 256th of the half-life, and no more than a minute */
	for (size_t i = 0; i < a.n; i++)
		if ((*a.list[i].edge != 0) == edges)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %s", *text ? "|" : "",
				edges ? a.list[i].edge : prefix_text(net, &a.list[i].net), addr_text(host, &a.list[i].host));
	return text;
}

static size_t report_of(const char *agent, const struct agent_report_row *row)
{
	struct agent_report_row copy = *row;

	return hooks->report(hooks->ctx, agent, &(struct agent_report){ .rows = &copy, .n = 1 });
}

static struct agent_report_row of_net(const char *net, double ms)
{
	struct agent_report_row r = { .kind = LATENCY_RTT, .rtt_ms = ms, .min_ms = ms, .samples = 5 };

	struct fault why;
	CU_ASSERT_TRUE_FATAL(prefix_parse(&r.net, net, &why));
	return r;
}

static struct agent_report_row of_edge(const char *edge, double ms)
{
	struct agent_report_row r = { .kind = LATENCY_RTT, .rtt_ms = ms, .min_ms = ms, .samples = 5 };

	snprintf(r.edge, sizeof r.edge, "%s", edge);
	return r;
}

static void an_agent_measures_the_other_edges_from_the_one_behind_its_own(void)
{
	struct agent_report_row r = of_edge("mil", 30);

	open_house();
	CU_ASSERT_STRING_EQUAL(assigned("ams", true),
		"par 192.0.2.2|mil 192.0.2.3|mad 192.0.2.4|nyc 2001:db8::5|lax 192.0.2.6|sin 192.0.2.7|syd 192.0.2.8|far 192.0.2.9");
	CU_ASSERT_STRING_EQUAL(assigned("far", true),
		"ams 192.0.2.1|par 192.0.2.2|mil 192.0.2.3|mad 192.0.2.4|nyc 2001:db8::5|lax 192.0.2.6|sin 192.0.2.7|syd 192.0.2.8");
	CU_ASSERT_STRING_EQUAL(assigned("nobody", true), "");
	/* Once it is measured it is left out, as soon as the table has it; of the one that measured. */
	CU_ASSERT_EQUAL(report_of("ams", &r), 1);
	for (unsigned i = 0; i < 400 && strstr(assigned("ams", true), "mil"); i++)
		house_pass(&h, 0.02);
	CU_ASSERT_PTR_NULL(strstr(assigned("ams", true), "mil"));
	CU_ASSERT_PTR_NOT_NULL(strstr(assigned("far", true), "mil"));
	CU_ASSERT_PTR_EQUAL(strstr(assigned("ams", true), "par 192.0.2.2|mad"), assigned("ams", true));
	close_house();
}

static void a_network_is_measured_by_those_that_its_clients_may_be_sent_to(void)
{
	struct agent_report_row r = of_net("8.0.1.0/24", 12);
	size_t n = 0;

	open_house();
	CU_ASSERT_STRING_EQUAL(assigned("ams", false), "");
	query("w.a.example. A ecs=8.0.1.0/24");
	query("t.a.example. A ecs=8.0.2.0/24");
	query("t.a.example. A ecs=8.0.2.0/24");
	query("w.a.example. A ecs=10.0.3.0/24"); /* nobody's to measure */
	for (unsigned i = 0; i < 400 && n < 2; i++) {
		house_pass(&h, 0.02);
		measuring_counts(h.server.measuring, &n);
	}
	CU_ASSERT_EQUAL(n, 2);
	/* The busiest first. The farthest of nine is none that they may come to. */
	const char *far = assigned("far", false);
	CU_ASSERT_STRING_EQUAL(far, "");
	const char *got = assigned("ams", false);
	CU_ASSERT_PTR_EQUAL(strstr(got, "8.0.2.0/24 8.0.2."), got);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "|8.0.1.0/24 8.0.1."));
	/* The pool of the second has no such edge. */
	got = assigned("mil", false);
	CU_ASSERT_PTR_EQUAL(strstr(got, "8.0.1.0/24 8.0.1."), got);
	CU_ASSERT_PTR_NULL(strstr(got, "8.0.2.0"));
	/* Who was asked a moment ago is not asked again. */
	CU_ASSERT_STRING_EQUAL(assigned("ams", false), "");
	CU_ASSERT_EQUAL(report_of("ams", &r), 1);
	CU_ASSERT_STRING_EQUAL(assigned("ams", false), "");
	close_house();
}

/* More than an answer has room for, and of IPv6 /48s. */
static void so_many_networks_are_measured_at_once(void)
{
	enum { NETS = 200, AT_ONCE = 256 - 64 };
	char question[100];
	size_t n = 0;

	open_house();
	for (unsigned i = 0; i < NETS; i++) {
		snprintf(question, sizeof question, "w.a.example. A ecs=8.0.%u.0/24", i);
		query(question);
	}
	query("w.a.example. AAAA ecs=2a00:1450:4001:800::/56");
	for (unsigned i = 0; i < 400 && n < NETS + 1; i++) {
		house_pass(&h, 0.02);
		measuring_counts(h.server.measuring, &n);
	}
	CU_ASSERT_EQUAL(n, NETS + 1);
	static struct assignments first, next;
	first = next = (struct assignments){ .n = 0 };
	hooks->assignments(hooks->ctx, "ams", &first);
	hooks->assignments(hooks->ctx, "ams", &next);
	/* Its eight edges, and the networks. */
	CU_ASSERT_EQUAL(first.n, 8 + AT_ONCE);
	CU_ASSERT_EQUAL(next.n, 8 + NETS + 1 - AT_ONCE);
	unsigned sixes = 0;
	char net[ADDR_TEXT];
	for (size_t i = 0; i < first.n + next.n; i++) {
		const struct assignment *a = i < first.n ? &first.list[i] : &next.list[i - first.n];
		sixes += !*a->edge && strcmp(prefix_text(net, &a->net), "2a00:1450:4001::/48") == 0;
	}
	CU_ASSERT_EQUAL(sixes, 1);
	close_house();
}

static void what_light_could_not_have_made_is_refused_and_counted(void)
{
	struct agent_report_row there = of_net("11.0.1.0/24", 1), good = of_net("11.0.1.0/24", 90), lost = of_net("11.0.1.0/24", 0.5),
				edge = of_edge("nyc", 2), slow = of_edge("nyc", 85), self = of_edge("ams", 85), none = of_edge("xyz", 85);
	unsigned n;

	open_house();
	house_log(&h);
	lost.kind = LATENCY_LOSS;
	CU_ASSERT_EQUAL(report_of("ams", &good), 1);
	CU_ASSERT_EQUAL(report_of("ams", &there), 0);
	const char *said = house_log(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "agent ams: 1 ms to 11.0.1.0/24 cannot be true, which is 59"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "not taken (1 of this agent so far)"));
	/* Told once a minute. */
	CU_ASSERT_EQUAL(report_of("ams", &edge), 0);
	CU_ASSERT_PTR_NULL(strstr(house_log(&h), "cannot be true"));
	CU_ASSERT_EQUAL(report_of("ams", &slow), 1);
	/* What is lost of 1000 is no time. */
	CU_ASSERT_EQUAL(report_of("ams", &lost), 1);
	CU_ASSERT_EQUAL(report_of("ams", &self) + report_of("ams", &none), 0);
	CU_ASSERT_EQUAL(report_of("far", &slow), 0);
	CU_ASSERT_EQUAL(report_of("nobody", &good), 0);
	const struct agent_seen *seen = measuring_seen(h.server.measuring, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_STRING_EQUAL(seen[0].agent, "ams");
	CU_ASSERT_TRUE(seen[0].reports == 7 && seen[0].impossible == 2);
	CU_ASSERT_STRING_EQUAL(seen[1].agent, "far");
	CU_ASSERT_TRUE(seen[1].reports == 1 && seen[1].impossible == 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status --json"), "\"agent_impossible\": 3"));
	close_house();
}

static void what_is_not_configured_is_not_given(void)
{
	struct text said = { 0 };

	open_house();
	/* No "metrics: on", no console, no API. */
	CU_ASSERT_EQUAL(hooks->metrics(hooks->ctx, NULL, false), MANAGE_OFF);
	CU_ASSERT_EQUAL(hooks->api(hooks->ctx, NULL), MANAGE_OFF);
	CU_ASSERT_FALSE(hooks->page(hooks->ctx));
	CU_ASSERT_TRUE(hooks->ready(hooks->ctx, &said));
	CU_ASSERT_TRUE(said.len > 0);
	text_fini(&said);
	close_house();
}

void suite_measuring(void);
void suite_measuring(void)
{
	static const struct unit_case cases[] = {
		{ "an agent measures the other edges, from the one behind its own", an_agent_measures_the_other_edges_from_the_one_behind_its_own },
		{ "a network is measured by those that its clients may be sent to", a_network_is_measured_by_those_that_its_clients_may_be_sent_to },
		{ "so many networks are measured at once", so_many_networks_are_measured_at_once },
		{ "what light could not have made is refused and counted", what_light_could_not_have_made_is_refused_and_counted },
		{ "what is not configured is not given", what_is_not_configured_is_not_given },
	};

	unit_suite("daemon/measuring", cases, UNIT_COUNT(cases));
}
