#include "daemon/fleet_pairs.h"

#include "daemon/measuring.h"
#include "unit/answer/asking.h"
#include "unit/daemon/houses.h"
#include "unit/fleet/real_redis.h"
#include "unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct houses hs;
static struct real_redis redis;
static struct net_address doors[2];

static void configure(struct house *h, const char *name, const struct net_address *door)
{
	char text[1200];

	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\nmanagement: { listen: \"127.0.0.1:%u\" }\n"
		"fleet: { redis: \"redis://127.0.0.1:%u\", name: test, server: %s, secret: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }\n"
		"latency: { learned-resolvers: learned.csv, agents: { ams: { key: \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" } } }\n" SITE_EDGES
		"pools: { web: { edges: [ ams, nyc ], resolver-pairs: on }, two: { edges: [ ams, nyc ] } }\nzones: [ { dir: zones } ]\n",
		serving_port(&h->at), serving_port(door), serving_port(&redis.at), name);
	site_put(&h->site, "t.yaml", text);
	site_put(&h->site, "zones/a.example.zone", SITE_ZONE(1, "*.who 1 EDGE web\n"));
}

static bool open_both(void)
{
	if (!real_redis_open(&redis))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct house *h = i ? &hs.two : &hs.one;
		doors[i] = serving_address("127.0.0.1");
		house_open(h, "");
		configure(h, i ? "ns2" : "ns1", &doors[i]);
		CU_ASSERT_TRUE_FATAL(house_start(h));
	}
	houses_wait(&hs, &hs.two, "fleet", "fleet test, we are ns2: 2 of 2 servers are there\n");
	houses_wait(&hs, &hs.one, "fleet", "fleet test, we are ns1: 2 of 2 servers are there\n");
	return true;
}

static void query(struct house *h, const char *question, const char *from)
{
	uint8_t packet[ASKING_PACKET], reply[1300];
	const int fd = serving_connect(&h->at, SOCK_DGRAM, from);
	struct pollfd p = { fd, POLLIN, 0 };
	const size_t len = asking_packet(packet, question);
	bool answered = false;

	/* As long as nothing is known of the edges nothing is said, and a resolver asks again. */
	for (unsigned i = 0; i < 200 && !answered; i++) {
		CU_ASSERT_EQUAL(send(fd, packet, len, 0), (ssize_t)len);
		answered = poll(&p, 1, 100) == 1;
		houses_turn(&hs);
	}
	CU_ASSERT_TRUE(answered && recv(fd, reply, sizeof reply, 0) > 12 && (reply[3] & 15) == 0);
	close(fd);
}

static size_t came(struct house *h, const char *name, const char *client)
{
	const struct manage_hooks *hooks = measuring_hooks(h->server.measuring);
	struct agent_report_client c;
	struct fault why;

	snprintf(c.name, sizeof c.name, "%s", name);
	CU_ASSERT_TRUE_FATAL(prefix_parse(&c.net, client, &why));
	return hooks->report(hooks->ctx, "ams", &(struct agent_report){ .clients = &c, .n_clients = 1 });
}

/* A resolver asks one server, and an agent tells another of the client. */
static void a_pair_is_made_across_servers_and_known_to_both(void)
{
	if (!open_both())
		return;
	for (unsigned i = 0; i < 1000 && (!resolver_pairs_table(hs.one.server.resolver_pairs) || !resolver_pairs_table(hs.two.server.resolver_pairs)); i++)
		houses_turn(&hs);
	query(&hs.one, "t1.who.a.example. A", "127.0.0.53");
	CU_ASSERT_EQUAL(came(&hs.two, "t1.who.a.example", "203.0.113.0/24"), 0);
	houses_wait(&hs, &hs.one, "latency show --json", "\"resolver_pairs\": 1");
	houses_wait(&hs, &hs.two, "latency show --json", "\"resolver_pairs\": 1");
	houses_told(&hs.one, "status --json", 0, "\"fleet_pairs_joined\": 1");
	houses_told(&hs.two, "status --json", 0, "\"fleet_pairs_joined\": 0");
	houses_told(&hs.two, "status --json", 0, "\"fleet_pairs_taken\": 1");
	/* What one learns alone the other has, too; once. */
	query(&hs.two, "t2.who.a.example. A", "127.0.0.54");
	CU_ASSERT_EQUAL(came(&hs.two, "t2.who.a.example", "203.0.113.0/24"), 1);
	houses_wait(&hs, &hs.one, "latency show --json", "\"resolver_pairs\": 2");
	houses_told(&hs.one, "status --json", 0, "\"fleet_pairs_taken\": 1");
	houses_told(&hs.two, "latency show --json", 0, "\"resolver_pairs\": 2");
	/* A name that nobody asked for is nobody's. */
	CU_ASSERT_EQUAL(came(&hs.two, "t3.who.a.example", "203.0.113.0/24"), 0);
	/* Who was away gets what he has missed. */
	house_stop(&hs.two);
	query(&hs.one, "t4.who.a.example. A", "127.0.0.55");
	CU_ASSERT_EQUAL(came(&hs.one, "t4.who.a.example", "203.0.113.0/24"), 1);
	houses_told(&hs.one, "latency show --json", 0, "\"resolver_pairs\": 3");
	CU_ASSERT_TRUE_FATAL(house_start(&hs.two));
	houses_wait(&hs, &hs.two, "latency show --json", "\"resolver_pairs\": 3");
	house_stop(&hs.two);
	house_stop(&hs.one);
	house_close(&hs.two);
	house_close(&hs.one);
	real_redis_end(&redis);
}

void suite_fleet_pairs(void);
void suite_fleet_pairs(void)
{
	static const struct unit_case cases[] = {
		{ "a pair is made across servers, and known to both", a_pair_is_made_across_servers_and_known_to_both },
	};

	unit_suite("daemon/fleet_pairs", cases, UNIT_COUNT(cases));
}
