#include "daemon/resolver_pairs.h"

#include "daemon/measuring.h"
#include "unit/answer/asking.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct house h;
static struct net_address door;

static void configure(const char *learned, bool begins)
{
	char conf[900];

	snprintf(conf, sizeof conf,
		"store: { file: w.db }\nmanagement: { listen: \"127.0.0.1:%u\" }\n"
		"latency: { %s%s%s agents: { ams: { key: \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" } } }\n" SITE_EDGES
		"pools: { web: { edges: [ ams, nyc ], resolver-pairs: on }, two: { edges: [ ams, nyc ] } }\n",
		serving_port(&door), learned ? "learned-resolvers: " : "", learned ? learned : "", learned ? "," : "");
	if (begins)
		house_open(&h, conf);
	else
		house_configure(&h, conf);
}

static void query(const char *question, const char *from)
{
	uint8_t packet[ASKING_PACKET], reply[1300];
	const int fd = serving_connect(&h.at, SOCK_DGRAM, from);
	struct pollfd p = { fd, POLLIN, 0 };
	const size_t len = asking_packet(packet, question);

	CU_ASSERT_TRUE(send(fd, packet, len, 0) == (ssize_t)len && poll(&p, 1, 20000) == 1 && recv(fd, reply, sizeof reply, 0) > 12 && (reply[3] & 15) == 0);
	close(fd);
}

/* A client came by that name. Returns whether it made a pair. */
static size_t came(const char *name, const char *client)
{
	const struct manage_hooks *hooks = measuring_hooks(h.server.measuring);
	struct agent_report_client c;
	struct fault why;

	snprintf(c.name, sizeof c.name, "%s", name);
	CU_ASSERT_TRUE_FATAL(prefix_parse(&c.net, client, &why));
	return hooks->report(hooks->ctx, "ams", &(struct agent_report){ .clients = &c, .n_clients = 1 });
}

static json_int_t number(const char *key)
{
	json_t *o = json_loads(house_tell(&h, "latency show --json"), 0, NULL);
	const json_t *v = json_object_get(o, key);

	CU_ASSERT_TRUE(json_is_integer(v));
	const json_int_t n = json_integer_value(v);
	json_decref(o);
	return n;
}

static const char *file(const char *name)
{
	static char text[4000];
	char path[100];

	snprintf(path, sizeof path, "%s/%s", h.site.folder, name);
	FILE *f = fopen(path, "re");
	const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

static bool waits(const char *key, json_int_t n)
{
	for (unsigned i = 0; i < 1000 && number(key) != n; i++)
		house_pass(&h, 0.01);
	return number(key) == n;
}

static void who_asked_and_who_came_are_a_pair_once(void)
{
	door = serving_address("127.0.0.1");
	configure("learned.csv", true);
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(1, "*.who 1 EDGE web\n*.else 1 EDGE two\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	/* The file is read in a first turn; there is none yet. */
	for (unsigned i = 0; i < 1000 && !resolver_pairs_table(h.server.resolver_pairs); i++)
		house_pass(&h, 0.01);
	query("t1.who.a.example. A", "127.0.0.53");
	query("t2.who.a.example. A", "127.0.0.53");
	query("t3.who.a.example. A", "127.0.0.54");
	query("t4.else.a.example. A", "127.0.0.53");                  /* of a pool that does not want it */
	query("t5.who.a.example. A ecs=198.51.100.0/24", "127.0.0.53"); /* the client is known by its subnet */
	CU_ASSERT_EQUAL(came("T1.Who.a.example", "203.0.113.0/24"), 1);
	CU_ASSERT_EQUAL(came("t1.who.a.example", "203.0.113.0/24"), 0); /* each name once */
	CU_ASSERT_EQUAL(came("t2.who.a.example", "203.0.113.0/24"), 1);
	CU_ASSERT_EQUAL(came("t3.who.a.example", "203.0.113.0/24"), 1);
	CU_ASSERT_EQUAL(came("t4.else.a.example", "203.0.113.0/24"), 0);
	CU_ASSERT_EQUAL(came("t5.who.a.example", "203.0.113.0/24"), 0);
	CU_ASSERT_EQUAL(came("never.who.a.example", "203.0.113.0/24"), 0);
	CU_ASSERT_EQUAL(came("no..name", "203.0.113.0/24"), 0);
	CU_ASSERT_EQUAL(number("one_time_names"), 3);
	CU_ASSERT_EQUAL(number("one_time_clients"), 8);
	CU_ASSERT_EQUAL(number("one_time_joined"), 3);
	CU_ASSERT_EQUAL(number("resolver_pairs"), 2);
	/* What was learned goes on in another file, with what that knows; and without one it is kept. */
	site_put(&h.site, "moved.csv", "nonsense\n");
	configure("moved.csv", false);
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	for (unsigned i = 0; i < 1000 && !strstr(file("moved.csv"), "127.0.0.53/32,203.0.113.0/24,"); i++)
		house_pass(&h, 0.01);
	CU_ASSERT_PTR_NOT_NULL(strstr(file("moved.csv"), "127.0.0.53/32,203.0.113.0/24,2"));
	CU_ASSERT_PTR_NOT_NULL(strstr(file("moved.csv"), "127.0.0.54/32,203.0.113.0/24,1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "moved.csv: what was learned of resolvers' clients cannot be read; it is learned anew"));
	CU_ASSERT_EQUAL(number("resolver_pairs"), 2);
	query("t6.who.a.example. A", "127.0.0.55");
	CU_ASSERT_EQUAL(came("t6.who.a.example", "203.0.113.0/24"), 1);
	/* The end writes what is new. */
	house_stop(&h);
	CU_ASSERT_PTR_NOT_NULL(strstr(file("moved.csv"), "127.0.0.55/32,203.0.113.0/24,1"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(waits("resolver_pairs", 3));
	configure(NULL, false);
	house_tell(&h, "reload");
	CU_ASSERT_TRUE(waits("resolver_pairs", 0));
	CU_ASSERT_EQUAL(came("t6.who.a.example", "203.0.113.0/24"), 0);
	house_stop(&h);
	house_close(&h);
}

void suite_resolver_pairs(void);
void suite_resolver_pairs(void)
{
	static const struct unit_case cases[] = {
		{ "who asked and who came are a pair, once", who_asked_and_who_came_are_a_pair_once },
	};

	unit_suite("daemon/resolver_pairs", cases, UNIT_COUNT(cases));
}
