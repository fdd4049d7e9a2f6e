#include "conf/conf.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Each line may be replaced by another. */
static const char good[] =
	"server: { listen: \"127.0.0.1:5300\", ecs: off }\n"
	"control: { socket: a.sock }\n"
	"store: { file: a.db }\n"
	"fleet: { redis: \"redis://127.0.0.1:6379\", name: prod, server: ns1, secret: \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n"
	"keys: { k: { secret: \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" } }\n"
	"log: { format: text }\n"
	"latency: { half-life: 1h, state: a.csv }\n"
	"edges:\n"
	"  ams1: { a: [ 192.0.2.10, 192.0.2.11 ], at: [ 52, 5 ] }\n"
	"  iad1: { a: [ 192.0.2.30 ], at: [ 39, -77 ] }\n"
	"probes:\n"
	"  p: { kind: exec, command: [ /bin/true ], every: 5s }\n"
	"pools:\n"
	"  web: { edges: [ ams1, iad1 ], policy: ordered, probe: p, ttl: 10s-60s }\n"
	"templates:\n"
	"  t: { transfer: none, query: any }\n"
	"zones:\n"
	"  - { name: example.org, file: a.zone, template: t }\n"
	"  - { name: example.net, file: b.zone }\n";

static struct conf *read_with(const char *old, const char *new)
{
	char text[4096];
	struct faults f;
	const char *at = strstr(good, old);

	CU_ASSERT_FATAL(at != NULL);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, new, at + strlen(old));
	faults_init(&f);
	struct conf *c = conf_open_text("/tmp/t.yaml", text, strlen(text), &f);
	if (!c)
		fprintf(stderr, "%s", text_get(&f.text));
	CU_ASSERT_FATAL(c != NULL);
	faults_fini(&f);
	return c;
}

static uint64_t sum_in(const struct conf *c, const char *section)
{
	for (unsigned i = 0; i < c->sums.n; i++)
		if (strcmp(c->sums.of[i].section, section) == 0)
			return c->sums.of[i].sum;
	return 0;
}

/* Sections with another sum, "a b ". */
static void differ(const struct conf *a, const struct conf *b, char *to)
{
	*to = 0;
	for (unsigned i = 0; i < a->sums.n; i++)
		if (a->sums.of[i].sum != sum_in(b, a->sums.of[i].section))
			sprintf(to + strlen(to), "%s ", a->sums.of[i].section);
	for (unsigned i = 0; i < b->sums.n; i++)
		if (!sum_in(a, b->sums.of[i].section))
			sprintf(to + strlen(to), "%s ", b->sums.of[i].section);
}

static void what_answers_depend_on_has_another_sum_and_nothing_else(void)
{
	static const struct {
		const char *say, *old, *new, *differ;
	} row[] = {
		{ "an address", "192.0.2.30", "192.0.2.31", "edges " },
		{ "a place", "39, -77", "39, -78", "edges " },
		{ "the order of addresses", "192.0.2.10, 192.0.2.11", "192.0.2.11, 192.0.2.10", "edges " },
		{ "a policy", "policy: ordered", "policy: round-robin", "pools " },
		{ "a TTL", "10s-60s", "10s-61s", "pools " },
		{ "the order of members", "[ ams1, iad1 ]", "[ iad1, ams1 ]", "pools " },
		{ "a rule", "probe: p,", "probe: p, panic: 10%,", "pools " },
		{ "how it is probed", "every: 5s", "every: 6s", "probes " },
		{ "what is run for it", "/bin/true", "/bin/false", "" },
		{ "how old measurements count", "half-life: 1h", "half-life: 2h", "latency " },
		{ "where they are kept", "state: a.csv", "state: b.csv", "" },
		{ "client subnets", "ecs: off", "ecs: on", "server " },
		{ "where it listens", "5300", "5301", "" },
		{ "who it is", "server: ns1", "server: ns2, region: eu", "" },
		{ "a quorum", "server: ns1", "server: ns1, quorum: 1/2", "fleet " },
		{ "how it is controlled", "socket: a.sock", "socket: b.sock", "" },
		{ "what it keeps", "file: a.db", "file: b.db", "" },
		{ "what it logs", "format: text", "format: json", "" },
		{ "a secret", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" } }", "AAAAMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" } }", "" },
		{ "where a zone comes from", "file: a.zone", "file: c.zone", "" },
		{ "another zone", "name: example.net", "name: example.com", "zones " },
		{ "whose template it has", ", template: t", "", "zones " },
		{ "who may have it", "transfer: none", "transfer: any", "" },
		{ "who may ask", "query: any", "query: [ 192.0.2.0/24 ]", "templates " },
		{ "the order of zones", "  - { name: example.org, file: a.zone, template: t }\n  - { name: example.net, file: b.zone }\n",
			"  - { name: example.net, file: b.zone }\n  - { name: example.org, file: a.zone, template: t }\n", "" },
		{ "the order of keys", "a: [ 192.0.2.30 ], at: [ 39, -77 ]", "at: [ 39, -77 ], a: [ 192.0.2.30 ]", "" },
		{ "the order of edges",
			"  ams1: { a: [ 192.0.2.10, 192.0.2.11 ], at: [ 52, 5 ] }\n  iad1: { a: [ 192.0.2.30 ], at: [ 39, -77 ] }\n",
			"  iad1: { a: [ 192.0.2.30 ], at: [ 39, -77 ] }\n  ams1: { a: [ 192.0.2.10, 192.0.2.11 ], at: [ 52, 5 ] }\n", "edges " },
		{ "a section that the other has not", "log:", "balance: { every: 3s }\nlog:", "balance " },
		{ "quotes and comments", "policy: ordered", "# as ever\n    policy: 'ordered'", "" },
	};
	struct conf *before = read_with("log", "log");
	char got[256];

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct conf *c = read_with(row[i].old, row[i].new);
		differ(before, c, got);
		CU_ASSERT_STRING_EQUAL(got, row[i].differ);
		if (strcmp(got, row[i].differ) != 0)
			fprintf(stderr, "%s: \"%s\"\n", row[i].say, got);
		part_drop(&c->part);
	}
	part_drop(&before->part);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* Of two classes, in files. */
static uint64_t sum_of_classes(const char *folder, const char *first, const char *second)
{
	char clients[256];

	snprintf(clients, sizeof clients, "clients: { %s: { file: %s/%s }, %s: { file: %s/%s } }\nlog:", first, folder, first, second, folder, second);
	struct conf *c = read_with("log:", clients);
	const uint64_t sum = sum_in(c, "clients");
	part_drop(&c->part);
	return sum;
}

static void classes_have_no_order_and_what_is_in_their_files_counts(void)
{
	char folder[] = "/tmp/waymark-unit.XXXXXX", a[64], b[64];

	if (!mkdtemp(folder))
		abort();
	snprintf(a, sizeof a, "%s/a", folder);
	snprintf(b, sizeof b, "%s/b", folder);
	put(a, "10.0.0.0/8\n");
	put(b, "192.0.2.0/24\n");
	const uint64_t sum = sum_of_classes(folder, "a", "b");
	CU_ASSERT_EQUAL(sum_of_classes(folder, "b", "a"), sum);
	put(b, "192.0.2.0/25\n");
	CU_ASSERT_NOT_EQUAL(sum_of_classes(folder, "a", "b"), sum);
	put(a, "192.0.2.0/24\n");
	put(b, "10.0.0.0/8\n");
	CU_ASSERT_NOT_EQUAL(sum_of_classes(folder, "a", "b"), sum);
	unlink(a);
	unlink(b);
	rmdir(folder);
}

static void more_of_a_section_is_in_its_sum(void)
{
	struct conf_sums a = { .n = 1, .of = { { "geoip", 5 } } }, b = { .n = 0 };

	conf_sums_add(&a, "geoip", 7);
	CU_ASSERT(a.n == 1 && a.of[0].sum != 5 && a.of[0].sum != 7);
	conf_sums_add(&b, "geoip", 7);
	CU_ASSERT(b.n == 1 && b.of[0].sum == 7);
}

void suite_conf_sums(void);
void suite_conf_sums(void)
{
	static const struct unit_case cases[] = {
		{ "what answers depend on has another sum, and nothing else", what_answers_depend_on_has_another_sum_and_nothing_else },
		{ "classes have no order, and what is in their files counts", classes_have_no_order_and_what_is_in_their_files_counts },
		{ "more of a section is in its sum", more_of_a_section_is_in_its_sum },
	};

	unit_suite("conf/conf_sums", cases, UNIT_COUNT(cases));
}
