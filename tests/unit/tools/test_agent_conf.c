#include "tools/agent_conf.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NEEDED "edge: ams1\nkey: " KEY "\nservers: \"http://192.0.2.53:9953\"\n"

/* What is told; "" when it is right, and `c` is then to be finished. */
static const char *told(struct agent_conf *c, const char *yaml)
{
	static char said[3000];
	char path[] = "/tmp/unit_agent.XXXXXX";
	struct faults f;

	const int fd = mkstemp(path);
	if (fd < 0 || write(fd, yaml, strlen(yaml)) != (ssize_t)strlen(yaml))
		abort();
	close(fd);
	faults_init(&f);
	const bool ok = agent_conf_read(c, path, &f);
	CU_ASSERT_EQUAL(ok, f.errors == 0);
	snprintf(said, sizeof said, "%s", ok ? "" : text_get(&f.text));
	faults_fini(&f);
	unlink(path);
	return said;
}

static void what_is_needed_is_little_and_the_rest_has_defaults(void)
{
	struct agent_conf c;

	CU_ASSERT_STRING_EQUAL(told(&c, NEEDED), "");
	CU_ASSERT_STRING_EQUAL(c.edge, "ams1");
	for (unsigned i = 0; i < SEAL_KEY; i++)
		CU_ASSERT_EQUAL(c.key[i], i);
	CU_ASSERT_EQUAL(c.n_servers, 1);
	CU_ASSERT_STRING_EQUAL(c.servers[0], "http://192.0.2.53:9953");
	CU_ASSERT_EQUAL(c.report_ms, 60000);
	CU_ASSERT_EQUAL(c.scan_ms, 10000);
	CU_ASSERT_EQUAL(c.packets, 50);
	CU_ASSERT_EQUAL(c.tcp_port, 443);
	CU_ASSERT_EQUAL(c.timeout_ms, 2000);
	CU_ASSERT_EQUAL(c.spool, 4u << 20);
	CU_ASSERT_EQUAL(c.n_ports, 0);
	agent_conf_fini(&c);
	CU_ASSERT_PTR_NULL(c.edge);
}

static void every_setting_is_taken(void)
{
	struct agent_conf c;

	CU_ASSERT_STRING_EQUAL(
		told(&c,
			"edge: ams1\nkey: " KEY "\n"
			"servers: [ \"https://a.example/\", \"http://[::1]:80\" ]\n"
			"report: 5s\nspool: 1M\n"
			"passive: { ports: [ 80, 443 ], every: 1s }\n"
			"active: { packets: 0, tcp-port: 0, timeout: 100ms }\n"),
		"");
	CU_ASSERT_EQUAL_FATAL(c.n_servers, 2);
	CU_ASSERT_STRING_EQUAL(c.servers[0], "https://a.example");
	CU_ASSERT_STRING_EQUAL(c.servers[1], "http://[::1]:80");
	CU_ASSERT_EQUAL(c.report_ms, 5000);
	CU_ASSERT_EQUAL(c.spool, 1u << 20);
	CU_ASSERT_TRUE(c.n_ports == 2 && c.ports[0] == 80 && c.ports[1] == 443);
	CU_ASSERT_EQUAL(c.scan_ms, 1000);
	CU_ASSERT_EQUAL(c.packets, 0);
	CU_ASSERT_EQUAL(c.tcp_port, 0);
	CU_ASSERT_EQUAL(c.timeout_ms, 100);
	agent_conf_fini(&c);
}

static void origins_are_as_browsers_write_them(void)
{
	static const char *const want[] = { "https://www.example.org", "https://www.example.org", "http://a:8080", "http://a", "http://a:443",
		"http://[::80]", "*" };
	struct agent_conf c;

	CU_ASSERT_STRING_EQUAL(told(&c,
				       NEEDED "quantile: 75%\nbeacon: { listen: \"[::1]:9954\", edges: \"https://E:443/\", origins: [ "
					      "\"https://WWW.Example.org/\", \"https://www.example.org:443\", \"http://a:8080\", "
					      "\"http://a:80\", \"http://a:443\", \"http://[::80]\", \"*\" ] }\n"),
		"");
	CU_ASSERT_EQUAL_FATAL(c.n_origins, UNIT_COUNT(want));
	for (size_t i = 0; i < UNIT_COUNT(want); i++)
		CU_ASSERT_STRING_EQUAL(c.origins[i], want[i]);
	CU_ASSERT(c.n_edges == 1 && strcmp(c.edges[0], "https://E:443") == 0);
	CU_ASSERT_DOUBLE_EQUAL(c.quantile, 0.75, 1e-9);
	CU_ASSERT_TRUE(c.beacon_len > 0);
	agent_conf_fini(&c);
}

static void a_certificate_stands_for_a_key(void)
{
	struct agent_conf c;

	CU_ASSERT_STRING_EQUAL(told(&c, "edge: ams1\nservers: \"https://a\"\ntls: { ca: ca.pem, cert: /a.pem, key: /a.key }\n"), "");
	CU_ASSERT_FALSE(c.has_key);
	CU_ASSERT_STRING_EQUAL(c.ca, "/tmp/ca.pem");
	CU_ASSERT_STRING_EQUAL(c.cert, "/a.pem");
	CU_ASSERT_STRING_EQUAL(c.cert_key, "/a.key");
	agent_conf_fini(&c);
	CU_ASSERT_STRING_EQUAL(told(&c, NEEDED), "");
	CU_ASSERT_TRUE(c.has_key && !c.ca && !c.cert);
	agent_conf_fini(&c);
}

static void what_is_wrong_is_told_at_its_place(void)
{
	static const struct {
		const char *yaml, *why;
	} row[] = {
		{ "key: " KEY "\nservers: \"http://a\"\n", "\"edge\" is missing" },
		{ "edge: a\nservers: \"http://a\"\n", "\"key\" is missing" },
		{ "edge: a\nkey: " KEY "\n", "\"servers\" is missing" },
		{ NEEDED "tls: { cert: a.pem }\n", ":4:1: error: \"cert\" and \"key\" of \"tls\" go together" },
		{ NEEDED "tls: { key: a.key }\n", "go together" },
		{ "edge: a\ntls: { ca: ca.pem }\nservers: \"https://a\"\n", "\"key\" is missing" },
		{ "edge: a\ntls: { cert: a.pem, key: a.key }\nservers: [ \"https://a\", \"http://b\" ]\n",
			":3:1: error: http://b: without a \"key\"" },
		{ "edge: a\nkey: AAEC\nservers: \"http://a\"\n", ":2:6: error: " },
		{ "edge: a\nkey: " KEY "\nservers: a.example\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: \"ftp://a\"\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: \"http://\"\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: \"http://a/path\"\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: \"http://a?x\"\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: \"http://u@a\"\n", ":3:10: error: " },
		{ "edge: a\nkey: " KEY "\nservers: [ \"http://a\", \"b\" ]\n",
			":3:24: error: " },
		{ NEEDED "report: 999ms\n", "\"report\" must be a duration from 1s to 1h" },
		{ NEEDED "report: 61m\n", "\"report\" must be" },
		{ NEEDED "spool: 63k\n", "\"spool\" must be" },
		{ NEEDED "passive: { every: 1s }\n", "\"ports\" is missing" },
		{ NEEDED "passive: { ports: 0 }\n", "\"ports\" must be" },
		{ NEEDED "passive: { ports: 65536 }\n", "\"ports\" must be" },
		{ NEEDED "passive: { ports: 80, every: 99ms }\n", "\"every\" must be" },
		{ NEEDED "active: { packets: 10001 }\n", "\"packets\" must be" },
		{ NEEDED "active: { timeout: 11s }\n", "\"timeout\" must be" },
		{ NEEDED "what: 1\n", "what" },
		{ NEEDED "quantile: 101%\n", "\"quantile\" must be" },
		{ NEEDED "beacon: { listen: 127.0.0.1, origins: \"*\" }\n", ":4:19: error: \"127.0.0.1\" has no port" },
		{ NEEDED "beacon: { listen: \"[::1]:1\", origins: \"https://b\303\274cher.example\" }\n", "\"origins\" must be" },
		{ NEEDED "beacon: { listen: \"[::1]:1\", origins: [ \"*\", \"https://*.example.org\" ] }\n", "not \"https://*.example.org\"" },
		{ NEEDED "beacon: { listen: \"[::1]:1\", origins: \"https://www.example.org:\" }\n", "\"origins\" must be" },
		{ NEEDED "beacon: { listen: \"[::1]:1\", origins: \"https://:443\" }\n", "\"origins\" must be" },
		{ "- a\n", "the configuration" },
		{ "a: [\n", "error: " },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct agent_conf c;
		const char *said = told(&c, row[i].yaml);
		if (!strstr(said, row[i].why)) {
			printf("%s: %s\n", row[i].yaml, said);
			CU_FAIL(row[i].yaml);
		}
		if (!*said)
			agent_conf_fini(&c);
	}
	/* An edge's name is as long as a report can carry, and no longer. */
	char yaml[600], name[300];
	memset(name, 'e', sizeof name);
	for (unsigned len = 64; len <= 65; len++) {
		struct agent_conf c;
		snprintf(yaml, sizeof yaml, "edge: %.*s\nkey: " KEY "\nservers: \"http://a\"\n",
			(int)len, name);
		const bool ok = !*told(&c, yaml);
		CU_ASSERT_EQUAL(ok, len == 64);
		if (ok)
			agent_conf_fini(&c);
	}
	struct agent_conf c;
	struct faults f;
	faults_init(&f);
	CU_ASSERT_FALSE(agent_conf_read(&c, "/nonexistent/agent.yaml", &f));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "No such file"));
	faults_fini(&f);
}

static const struct unit_case cases[] = {
	{ "what is needed is little, and the rest has defaults",
		what_is_needed_is_little_and_the_rest_has_defaults },
	{ "every setting is taken", every_setting_is_taken },
	{ "origins are as browsers write them", origins_are_as_browsers_write_them },
	{ "a certificate stands for a key", a_certificate_stands_for_a_key },
	{ "what is wrong is told at its place", what_is_wrong_is_told_at_its_place },
};

void suite_agent_conf(void);
void suite_agent_conf(void)
{
	unit_suite("tools/agent_conf", cases, UNIT_COUNT(cases));
}
