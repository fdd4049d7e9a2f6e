#include "answer/views.h"

#include "geo/netmap.h"
#include "net/choice_counts_new.h"
#include "unit/answer/asking.h"
#include "unit/unit.h"
#include "zone/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "$TTL 300\n@ SOA ns.out.invalid. h.out.invalid. 7 7200 900 1209600 60\n@ NS ns.out.invalid.\n"

enum { LAB = 1, OFFICE, REST, LONE, ABOVE, RULES };

/* The zones, with their rules: which are asked in what order. */
static const struct {
	const char *apex, *class, *text;
	uint32_t rule;
} zones[] = {
	{ "v.test", NULL, HEAD "www A 192.0.2.1\nsteer EDGE web\nfar CNAME x.w.test.\n", REST },
	{ "v.test", "office", HEAD "www A 192.0.2.2\nfar CNAME x.w.test.\n", OFFICE },
	{ "v.test", "lab", HEAD "www A 192.0.2.3\n", LAB },
	{ "w.test", "lone", HEAD "x A 192.0.2.4\n", LONE },
	{ "test", NULL, HEAD "w NS ns.w\nns.w A 192.0.2.9\nw DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", ABOVE },
	{ "alone.invalid", "lone", HEAD "x A 192.0.2.5\n", LONE },
};

static bool any_pool(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return true;
}

static struct zone *load_view(size_t i)
{
	static const uint8_t root[1];
	char path[] = "/tmp/unit_views.XXXXXX";
	const int fd = mkstemp(path);
	uint8_t id[NAME_MOST];
	struct compile_opts opts = { .key = { 5, 6 }, .quiet = true, .pool_known = any_pool };
	struct faults f = { 0 };
	struct load l;

	if (fd < 0 || write(fd, zones[i].text, strlen(zones[i].text)) < 0 ||
		name_parse(id, NULL, zones[i].apex, strlen(zones[i].apex), root) != NAME_OK ||
		!view_id(id, id, zones[i].class) || !load_zone(&l, path, id, &opts, &f)) {
		fputs(text_get(&f.text), stderr);
		abort();
	}
	close(fd);
	unlink(path);
	zone_hold(l.zone);
	struct zone *z = l.zone;
	load_fini(&l);
	faults_fini(&f);
	return z;
}

static struct netmap *class_of(const char *net)
{
	struct netmap_net one = { .value = 1 };

	if (!prefix_parse(&one.prefix, net, NULL))
		abort();
	return netmap_from_nets(&one, 1);
}

struct views {
	struct asking x;
	struct policy_zone rules[RULES];
	struct netmap *lab, *office;
};

static void open_views(struct views *v)
{
	const struct zone *list[UNIT_COUNT(zones)];
	uint32_t rules[UNIT_COUNT(zones)];

	asking_open(&v->x, false);
	memset(v->rules, 0, sizeof v->rules);
	v->lab = class_of("10.9.0.0/16");
	v->office = class_of("10.0.0.0/8");
	v->rules[LAB].clients = v->lab;
	v->rules[LAB].by_subnet = true;
	v->rules[OFFICE].clients = v->rules[LONE].clients = v->office;
	for (size_t i = 0; i < UNIT_COUNT(zones); i++) {
		list[i] = load_view(i);
		rules[i] = zones[i].rule;
	}
	zone_set_drop(v->x.zones);
	v->x.zones = zone_set_new((struct hash_key){ 5, 6 }, list, rules, UNIT_COUNT(zones));
	for (size_t i = 0; i < UNIT_COUNT(zones); i++)
		zone_drop(list[i]);
	v->x.policy.zones = v->rules;
	asking_again(&v->x);
}

static void close_views(struct views *v)
{
	asking_close(&v->x);
	netmap_drop(v->lab);
	netmap_drop(v->office);
}

#define SOA(apex) apex " 60 SOA ns.out.invalid. h.out.invalid. 7 7200 900 1209600 60"

static void each_client_gets_the_first_view_that_has_it(void)
{
	static const struct {
		const char *say, *question, *answer;
	} row[] = {
		{ "an address of the class", "www.v.test. A from=10.1.2.3",
			"NOERROR aa | www.v.test. 300 A 192.0.2.2 | - | - | -" },
		{ "one that is in none", "www.v.test. A from=11.1.2.3",
			"NOERROR aa | www.v.test. 300 A 192.0.2.1 | - | - | -" },
		{ "a subnet is nothing to a view by source", "www.v.test. A from=11.1.2.3 ecs=10.1.2.0/24",
			"NOERROR aa | www.v.test. 300 A 192.0.2.1 | - | - | 1232 ecs1/24/13" },
		{ "and all to one by ecs, which is asked first", "www.v.test. A from=10.1.2.3 ecs=10.9.2.0/24",
			"NOERROR aa | www.v.test. 300 A 192.0.2.3 | - | - | 1232 ecs1/24/16" },
		{ "without a subnet it goes by the source", "www.v.test. A from=10.9.2.3",
			"NOERROR aa | www.v.test. 300 A 192.0.2.3 | - | - | -" },
		{ "a subnet of no length says nothing", "www.v.test. A from=10.9.2.3 ecs=0.0.0.0/0",
			"NOERROR aa | www.v.test. 300 A 192.0.2.3 | - | - | 1232 ecs1/0/0" },
		{ "one much shorter than what tells the views apart has an answer that is good for a moment", "www.v.test. A ecs=10.0.0.0/8",
			"NOERROR aa | www.v.test. 1 A 192.0.2.1 | - | - | 1232 ecs1/8/13" },
		{ "... also where nothing is there", "no.v.test. A ecs=10.8.0.0/13",
			"NXDOMAIN aa | - | v.test. 1 SOA ns.out.invalid. h.out.invalid. 7 7200 900 1209600 60 | - | 1232 ecs1/13/16" },
		{ "... all that is said on the way to it", "far.v.test. A from=10.1.2.3 ecs=8.0.0.0/6",
			"NOERROR aa | far.v.test. 1 CNAME x.w.test., x.w.test. 1 A 192.0.2.4 | - | - | 1232 ecs1/6/7" },
		{ "... of IPv6, too, where IPv4 stands behind other bits", "www.v.test. A ecs=2002:a00::/24",
			"NOERROR aa | www.v.test. 1 A 192.0.2.1 | - | - | 1232 ecs2/24/29" },
		{ "... but not where it is as long", "www.v.test. A ecs=10.8.0.0/16",
			"NOERROR aa | www.v.test. 300 A 192.0.2.1 | - | - | 1232 ecs1/16/16" },
		{ "a chain goes on in the client's views", "far.v.test. A from=10.1.2.3",
			"NOERROR aa | far.v.test. 300 CNAME x.w.test., x.w.test. 300 A 192.0.2.4 | - | - | -" },
		{ "and ends where it has none", "far.v.test. A from=11.1.2.3",
			"NOERROR aa | far.v.test. 300 CNAME x.w.test. | w.test. 300 NS ns.w.test. | ns.w.test. 300 A 192.0.2.9 | -" },
		{ "where no view fits the zone above speaks", "x.w.test. A from=11.1.2.3",
			"NOERROR | - | w.test. 300 NS ns.w.test. | ns.w.test. 300 A 192.0.2.9 | -" },
		{ "the DS of a view is its parent's", "w.test. DS from=10.1.2.3",
			"NOERROR aa | w.test. 300 DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef | - | - | -" },
		{ "or nobody", "x.alone.invalid. A from=11.1.2.3", "REFUSED | - | - | - | -" },
		{ "for the class it is there", "x.alone.invalid. A from=10.1.2.3",
			"NOERROR aa | x.alone.invalid. 300 A 192.0.2.5 | - | - | -" },
	};
	struct views v;

	open_views(&v);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *is = asking(&v.x, row[i].question);
		CU_ASSERT_STRING_EQUAL(is, row[i].answer);
		if (strcmp(is, row[i].answer) != 0)
			printf("\n    %s: %s\n", row[i].say, is);
	}
	v.x.policy.ecs = false;
	asking_again(&v.x);
	CU_ASSERT_STRING_EQUAL(asking(&v.x, "www.v.test. A from=11.1.2.3 ecs=10.9.2.0/24"),
		"NOERROR aa | www.v.test. 300 A 192.0.2.1 | - | - | 1232");
	close_views(&v);
}

/* What is kept of an answer says how long it was good for its client. */
static void what_a_view_makes_short_is_kept_as_that(void)
{
	static const struct {
		const char *question;
		uint32_t ttl_s;
	} row[] = { { "steer.v.test. A ecs=10.0.0.0/8", 1 }, { "steer.v.test. A ecs=10.8.0.0/16", 300 }, { "steer.v.test. A ecs=2002:a00::/24", 1 },
		{ "steer.v.test. A from=11.1.2.3", 300 } };
	struct views v;

	open_views(&v);
	v.x.a.counts = choice_counts_new();
	v.x.policy.sample_every = 1;
	asking_again(&v.x);
	for (uint32_t i = 0; i < UNIT_COUNT(row); i++) {
		asking(&v.x, row[i].question);
		CU_ASSERT_EQUAL_FATAL(v.x.a.counts->written, i + 1);
		CU_ASSERT_EQUAL(v.x.a.counts->ring[i].ttl_s, row[i].ttl_s);
		CU_ASSERT_EQUAL(v.x.stats.ttls, i + 1);
	}
	CU_ASSERT_EQUAL(v.x.stats.ttl_s, 602);
	choice_counts_free(v.x.a.counts);
	close_views(&v);
}

void suite_views(void);
void suite_views(void)
{
	static const struct unit_case cases[] = {
		{ "each client gets the first view that has it", each_client_gets_the_first_view_that_has_it },
		{ "what a view makes short is kept as that", what_a_view_makes_short_is_kept_as_that },
	};

	unit_suite("answer/views", cases, UNIT_COUNT(cases));
}
