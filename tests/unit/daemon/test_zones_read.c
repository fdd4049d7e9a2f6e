#include "daemon/zone_pools.h"
#include "daemon/zones_read.h"

#include "base/memory.h"
#include "base/scope.h"
#include "jobs/jobs.h"
#include "unit/daemon/site.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
	struct site site;
	struct part *conf;
	struct registry *before;
	struct faults f;
};

static void read_conf(struct desk *d, const char *text)
{
	struct faults f;

	faults_init(&f);
	part_drop(d->conf);
	struct conf *c = conf_open_text(d->site.path, text, strlen(text), &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	faults_fini(&f);
	d->conf = &c->part;
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .conf = NULL };
	site_open(&d->site);
	read_conf(d, SITE_CONF);
	faults_init(&d->f);
}

static void close_desk(struct desk *d)
{
	registry_drop(d->before);
	part_drop(d->conf);
	faults_fini(&d->f);
	site_close(&d->site);
}

/* Once more, after the registry before; that stays with the desk only when `next` is taken. */
static struct registry *read_again(struct desk *d)
{
	faults_fini(&d->f);
	faults_init(&d->f);
	return zones_read(&(struct zones_read_opts){ .conf = (const struct conf *)d->conf,
				  .before = d->before,
				  .key = site_key },
		&d->f);
}

/* Takes what there is now. */
static struct registry *take(struct desk *d)
{
	struct registry *next = read_again(d);

	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	registry_drop(d->before);
	d->before = next;
	return next;
}

static struct registry_zone *find(const struct registry *r, const char *name)
{
	static const uint8_t root[1];
	uint8_t wire[NAME_MOST];

	if (name_parse(wire, NULL, name, strlen(name), root) != NAME_OK)
		abort();
	return registry_find(r, wire);
}

static bool tells(const struct desk *d, const char *what)
{
	return strstr(text_get(&d->f.text), what) != NULL;
}

#define WRONG "$TTL 300\n@ SOA ns h 9 2 3 4 5\n@ NS ns\nns A not-an-address\n"

/* --- each zone by itself ------------------------------------------------------------------ */

static void every_file_of_a_folder_is_a_zone(void)
{
	struct desk d;
	char path[64];

	open_desk(&d);
	site_put(&d.site, "zones/C.Example", SITE_ZONE(3, ""));
	site_put(&d.site, "zones/.hidden.zone", WRONG);
	site_put(&d.site, "zones/b.example.zone~", WRONG);
	snprintf(path, sizeof path, "%s/zones/folder", d.site.folder);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/zones/link", d.site.folder);
	if (symlink("folder", path) != 0)
		abort();
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 0);
	CU_ASSERT_EQUAL(r->n, 3);
	CU_ASSERT_PTR_NOT_NULL(find(r, "a.example."));
	CU_ASSERT_PTR_NOT_NULL(find(r, "b.example."));
	const struct registry_zone *z = find(r, "c.example."); /* lower case, without ".zone" */
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(z->state, REGISTRY_READY);
	CU_ASSERT_EQUAL(z->load.zone->serial, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(z->path, "/zones/C.Example"));
	CU_ASSERT_PTR_NULL(z->fault);
	CU_ASSERT_TRUE(z->since_s > 0 && z->since_s == z->loaded_s);
	for (size_t i = 1; i < r->n; i++)
		CU_ASSERT_TRUE(
			registry_compare(r->zones[i - 1]->origin, r->zones[i]->origin) < 0);
	close_desk(&d);
}

static void a_zone_that_is_wrong_keeps_what_it_had(void)
{
	struct desk d;

	open_desk(&d);
	struct registry *r = take(&d);
	const struct zone *had = find(r, "a.example.")->load.zone;
	const int64_t loaded = find(r, "a.example.")->loaded_s;
	site_put(&d.site, "zones/a.example.zone", WRONG);
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(2, ""));
	r = take(&d);
	const struct registry_zone *a = find(r, "a.example.");
	CU_ASSERT_EQUAL(a->state, REGISTRY_FAULTY);
	CU_ASSERT_PTR_EQUAL(a->load.zone, had);
	CU_ASSERT_EQUAL(a->loaded_s, loaded);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a->fault);
	CU_ASSERT_PTR_NOT_NULL(strstr(a->fault, "a.example.zone:4:"));
	CU_ASSERT_PTR_NULL(strchr(a->fault, '\n'));
	CU_ASSERT_TRUE(tells(&d, "a.example.zone:4:"));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_EQUAL(r->n_faulty, 1);
	CU_ASSERT_EQUAL(r->n_empty, 0);
	/* All others are taken. */
	CU_ASSERT_EQUAL(find(r, "b.example.")->load.zone->serial, 2);
	CU_ASSERT_EQUAL(find(r, "b.example.")->state, REGISTRY_READY);
	/* It stays wrong, and is told again. */
	r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_EQUAL(find(r, "a.example.")->state, REGISTRY_FAULTY);
	CU_ASSERT_PTR_EQUAL(find(r, "a.example.")->load.zone, had);
	/* Until it is mended. */
	site_put(&d.site, "zones/a.example.zone", SITE_ZONE(10, ""));
	r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 0);
	CU_ASSERT_EQUAL(find(r, "a.example.")->state, REGISTRY_READY);
	CU_ASSERT_EQUAL(find(r, "a.example.")->load.zone->serial, 10);
	CU_ASSERT_PTR_NULL(find(r, "a.example.")->fault);
	CU_ASSERT_EQUAL(r->n_faulty, 0);
	close_desk(&d);
}

static void a_zone_of_the_store_that_is_wrong_is_still_the_stores(void)
{
	static const char entry[] = "store: { file: s.db }\nserver: { listen: \"127.0.0.1:5300\" }\n"
				    "zones: [ { name: b.example, file: zones/b.example.zone%s } ]\n" SITE_EDGES
				    SITE_POOLS;
	char stored[1024], filed[1024];
	struct desk d;

	snprintf(stored, sizeof stored, entry, ", write-back: store");
	snprintf(filed, sizeof filed, entry, "");
	open_desk(&d);
	read_conf(&d, stored);
	CU_ASSERT_EQUAL(find(take(&d), "b.example.")->source, REGISTRY_STORE);
	site_put(&d.site, "zones/b.example.zone", WRONG);
	for (int i = 0; i < 2; i++) {
		const struct registry_zone *z = find(take(&d), "b.example.");
		CU_ASSERT_EQUAL(z->state, REGISTRY_FAULTY);
		CU_ASSERT_EQUAL(z->source, REGISTRY_STORE);
		CU_ASSERT_EQUAL(z->load.n, 0); /* what changes it does not begin with that file */
	}
	/* Mended, it is read from the file. */
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(10, ""));
	const struct registry_zone *z = find(take(&d), "b.example.");
	CU_ASSERT_EQUAL(z->state, REGISTRY_READY);
	CU_ASSERT_EQUAL(z->source, REGISTRY_STORE);
	CU_ASSERT_EQUAL(z->load.zone->serial, 10);
	/* Nothing changes it any more where the configuration says so. */
	site_put(&d.site, "zones/b.example.zone", WRONG);
	read_conf(&d, filed);
	z = find(take(&d), "b.example.");
	CU_ASSERT_EQUAL(z->state, REGISTRY_FAULTY);
	CU_ASSERT_EQUAL(z->source, REGISTRY_FILE);
	CU_ASSERT_EQUAL(z->load.zone->serial, 10);
	close_desk(&d);
}

static void a_zone_of_a_fleet_waits_where_its_file_is_not(void)
{
	struct desk d;

	open_desk(&d);
	site_remove(&d.site, "zones/b.example.zone");
	read_conf(&d,
		"store: { file: s.db }\nserver: { listen: \"127.0.0.1:5300\" }\n"
		"fleet: { redis: [ \"redis://127.0.0.1:1\" ], name: f, server: a, secret: \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n"
		"zones:\n  - { name: b.example, fleet: on, file: zones/b.example.zone }\n" SITE_EDGES SITE_POOLS);
	const struct registry_zone *z = find(take(&d), "b.example.");
	CU_ASSERT_EQUAL(z->state, REGISTRY_WAITS);
	CU_ASSERT_EQUAL(z->source, REGISTRY_STORE);
	CU_ASSERT_FALSE(zone_is_ready(z->load.zone));
	CU_ASSERT_EQUAL(d.f.errors, 0);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_TRUE(tells(&d, "t.yaml:5:"));
	CU_ASSERT_TRUE(tells(&d, "zones/b.example.zone is not there: the zone waits for what the fleet has"));
	/* It waits on, which is not told again. */
	CU_ASSERT_PTR_EQUAL(find(take(&d), "b.example."), z);
	CU_ASSERT_EQUAL(d.f.warnings, 0);
	/* It begins with the file that comes, and goes on when that goes. */
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(7, ""));
	z = find(take(&d), "b.example.");
	CU_ASSERT_EQUAL(z->state, REGISTRY_READY);
	CU_ASSERT_EQUAL(z->load.zone->serial, 7);
	site_remove(&d.site, "zones/b.example.zone");
	z = find(take(&d), "b.example.");
	CU_ASSERT_EQUAL(z->state, REGISTRY_FAULTY);
	CU_ASSERT_EQUAL(z->load.zone->serial, 7);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	close_desk(&d);
}

static void a_zone_that_was_never_right_is_there_and_not_ready(void)
{
	struct desk d;

	open_desk(&d);
	site_put(&d.site, "zones/a.example.zone", WRONG);
	struct registry *r = take(&d);
	const struct registry_zone *a = find(r, "a.example.");
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL(a->state, REGISTRY_EMPTY);
	CU_ASSERT_FALSE(zone_is_ready(a->load.zone)); /* SERVFAIL, and not REFUSED */
	CU_ASSERT_EQUAL(a->loaded_s, 0);
	CU_ASSERT_EQUAL(r->n_empty, 1);
	CU_ASSERT_EQUAL(r->n_faulty, 1);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(zone_is_ready(find(r, "b.example.")->load.zone));
	r = take(&d);
	CU_ASSERT_EQUAL(find(r, "a.example.")->state, REGISTRY_EMPTY);
	CU_ASSERT_EQUAL(r->n_empty, 1);
	site_put(&d.site, "zones/a.example.zone", SITE_ZONE(1, ""));
	r = take(&d);
	CU_ASSERT_EQUAL(find(r, "a.example.")->state, REGISTRY_READY);
	CU_ASSERT_EQUAL(r->n_empty, 0);
	close_desk(&d);
}

static void the_time_of_a_state_is_that_of_its_beginning(void)
{
	struct desk d;

	open_desk(&d);
	take(&d);
	/* It has been right for long. */
	find(d.before, "a.example.")->since_s = 1000;
	find(d.before, "a.example.")->loaded_s = 2000;
	site_put(&d.site, "zones/a.example.zone", SITE_ZONE(2, ""));
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(find(r, "a.example.")->since_s, 1000);
	CU_ASSERT_TRUE(find(r, "a.example.")->loaded_s > 2000);
	find(r, "a.example.")->loaded_s = 3000;
	site_put(&d.site, "zones/a.example.zone", WRONG);
	r = take(&d);
	CU_ASSERT_TRUE(find(r, "a.example.")->since_s > 3000);
	CU_ASSERT_EQUAL(find(r, "a.example.")->loaded_s, 3000);
	find(r, "a.example.")->since_s = 4000;
	r = take(&d);
	CU_ASSERT_EQUAL(find(r, "a.example.")->since_s, 4000);
	site_put(&d.site, "zones/a.example.zone", SITE_ZONE(2, ""));
	r = take(&d);
	CU_ASSERT_TRUE(find(r, "a.example.")->since_s > 4000);
	close_desk(&d);
}

/* --- what is shared ----------------------------------------------------------------------- */

static void what_has_not_changed_is_shared(void)
{
	struct desk d;

	open_desk(&d);
	struct registry *r = take(&d), *again = read_again(&d);
	CU_ASSERT_PTR_EQUAL(again, r); /* all of it */
	registry_drop(again);
	struct registry_zone *a = find(r, "a.example."), *b = find(r, "b.example.");
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(2, ""));
	again = read_again(&d);
	CU_ASSERT_PTR_NOT_EQUAL(again, r);
	CU_ASSERT_PTR_EQUAL(find(again, "a.example."), a);
	CU_ASSERT_PTR_NOT_EQUAL(find(again, "b.example."), b);
	registry_drop(again);
	/* Neither when there are others than before: one more, and one less. */
	site_put(&d.site, "zones/aa.example.zone", SITE_ZONE(1, ""));
	again = take(&d);
	CU_ASSERT_EQUAL(again->n, 3);
	CU_ASSERT_PTR_EQUAL(find(again, "a.example."), a);
	site_remove(&d.site, "zones/b.example.zone");
	again = take(&d);
	CU_ASSERT_EQUAL(again->n, 2);
	CU_ASSERT_PTR_EQUAL(find(again, "a.example."), a);
	CU_ASSERT_PTR_NULL(find(again, "b.example."));
	/* As many, but others. */
	site_remove(&d.site, "zones/aa.example.zone");
	site_put(&d.site, "zones/sub.a.example.zone", SITE_ZONE(1, ""));
	again = take(&d);
	CU_ASSERT_EQUAL(again->n, 2);
	CU_ASSERT_PTR_EQUAL(find(again, "a.example."), a);
	CU_ASSERT_PTR_NOT_NULL(find(again, "sub.a.example."));
	CU_ASSERT_PTR_NULL(find(again, "aa.example."));
	for (size_t i = 0; i < again->n; i++)
		CU_ASSERT_PTR_EQUAL(zone_set_get(again->set, i), again->zones[i]->load.zone);
	close_desk(&d);
}

static void a_zone_of_another_file_or_of_pools_that_have_gone_is_read_anew(void)
{
	struct desk d;

	open_desk(&d);
	const struct registry_zone *a = find(take(&d), "a.example.");
	char path[64];
	snprintf(path, sizeof path, "%s/other", d.site.folder);
	mkdir(path, 0700);
	site_put(&d.site, "other/a.example.zone", SITE_ZONE(7, "w EDGE two\n"));
	read_conf(&d,
		"server: { listen: \"127.0.0.1:5300\" }\nzones: [ { dir: other } ]\n" SITE_EDGES
			SITE_POOLS);
	struct registry *r = take(&d);
	CU_ASSERT_PTR_NOT_EQUAL(find(r, "a.example."), a);
	CU_ASSERT_EQUAL(find(r, "a.example.")->load.zone->serial, 7);
	read_conf(&d,
		"server: { listen: \"127.0.0.1:5300\" }\nzones: [ { dir: other } ]\n" SITE_EDGES
		"pools: { web: { edges: [ ams ] } }\n");
	r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(tells(&d, "two"));
	CU_ASSERT_EQUAL(find(r, "a.example.")->state, REGISTRY_FAULTY);
	close_desk(&d);
}

/* What may stand beside an EDGE is asked of pools that there are. */
static void a_pool_that_is_not_there_is_told_whatever_stands_beside_its_edge(void)
{
	struct desk d;

	open_desk(&d);
	site_put(&d.site, "zones/a.example.zone",
		SITE_ZONE(7, "w EDGE nosuch\nw TXT x\nw HTTPS 1 .\n@ EDGE none\n"));
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 2);
	CU_ASSERT_TRUE(tells(&d, "no pool named \"nosuch\""));
	CU_ASSERT_TRUE(tells(&d, "no pool named \"none\""));
	CU_ASSERT_NOT_EQUAL(find(r, "a.example.")->state, REGISTRY_READY);
	const struct compile_opts o =
		zone_pools_compile_opts((const struct conf *)d.conf, site_key);
	uint16_t types[COMPILE_POOL_TYPES_MOST];
	const struct edge_rr rr = { .pool = (const uint8_t *)"nosuch", .pool_len = 6 };
	CU_ASSERT_FALSE(o.pool_cname(o.ctx, &rr));
	CU_ASSERT_EQUAL(o.pool_types(o.ctx, &rr, types), 2);
	close_desk(&d);
}

/* Whether an edge with only a cname is reached: in the pool, in those in it, by its pins and rules, and where all are down. */
static void a_pool_that_may_answer_with_a_cname_is_known(void)
{
	static const char conf[] = SITE_SERVER
		"edges: { ams: { at: \"52,5\", a: 192.0.2.1 }, cn: { cname: x.test }, both: { at: \"1,1\", a: 192.0.2.2, cname: x.test },\n"
		"  six: { aaaa: \"2001:db8::1\", cname: x.test } }\n"
		"pools:\n"
		"  plain: { edges: [ ams ] }\n"
		"  both: { edges: [ both ] }\n"
		"  six: { edges: [ six ], policy: ordered }\n"
		"  own: { edges: [ cn ], policy: ordered }\n"
		"  holds: { edges: [ { pool: own } ], policy: ordered }\n"
		"  holds-plain: { edges: [ { pool: plain } ], policy: ordered }\n"
		"  pins: { edges: [ ams ], pin: { net: { 192.0.2.0/24: own } } }\n"
		"  pins-edge: { edges: [ ams ], pin: { net: { 192.0.2.0/24: ams } } }\n"
		"  pins-plain: { edges: [ ams ], pin: { net: { 192.0.2.0/24: plain } } }\n"
		"  rule: { edges: [ ams ], pin: [ { net: 192.0.2.0/24, to: own } ] }\n"
		"  rule-edge: { edges: [ ams ], pin: [ { net: 192.0.2.0/24, to: ams } ] }\n"
		"  rule-plain: { edges: [ ams ], pin: [ { net: 192.0.2.0/24, to: plain } ] }\n"
		"  falls: { edges: [ ams ], all-down: { pool: own } }\n"
		"  falls-plain: { edges: [ ams ], all-down: { pool: plain } }\n"
		"  falls-far: { edges: [ ams ], all-down: { pool: falls } }\n";
	static const struct {
		const char *pool;
		bool is;
	} row[] = { { "plain", false }, { "both", false }, { "six", false }, { "own", true }, { "holds", true },
		{ "holds-plain", false }, { "pins", true }, { "pins-edge", false }, { "pins-plain", false }, { "rule", true }, { "rule-edge", false }, { "rule-plain", false }, { "falls", true },
		{ "falls-plain", false }, { "falls-far", true }, { "nosuch", false } };
	struct site site;
	struct parts parts;
	struct faults f;

	site_open(&site);
	site_put(&site, "t.yaml", conf);
	site_put(&site, "zones/a.example.zone", SITE_ZONE(7, "w EDGE plain\n"));
	faults_init(&f);
	const bool ok = site_try(&site, NULL, &parts, &f);
	if (!ok)
		printf("%s\n", text_get(&f.text));
	CU_ASSERT_TRUE_FATAL(ok);
	const struct compile_opts o = zone_pools_compile_opts((const struct conf *)parts.conf, site_key);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct edge_rr rr = { .pool = (const uint8_t *)row[i].pool, .pool_len = (uint8_t)strlen(row[i].pool) };
		if (o.pool_cname(o.ctx, &rr) != row[i].is) {
			printf("%s\n", row[i].pool);
			CU_FAIL("a pool");
		}
	}
	parts_drop(&parts);
	faults_fini(&f);
	site_close(&site);
}

static void a_service_record_that_hides_the_pools_is_warned_of(void)
{
	static const struct {
		const char *pool, *zone;
		unsigned warnings;
		const char *say;
	} row[] = { { "https: { alpn: [ h2 ] }", "w HTTPS 1 .\nw HTTPS 2 . port=81\nw SVCB 1 .\n", 1,
			    "this HTTPS goes before the one that pool \"web\" answers" },
		{ "svcb: {}", "w HTTPS 1 .\nw SVCB 1 .\n", 1, "this SVCB goes before" },
		{ "https: {}, svcb: {}", "w HTTPS 1 .\nw SVCB 1 .\n", 2, "this SVCB goes before" },
		{ "https: {}", "w TXT x\n@ HTTPS 1 w\n", 0, NULL },
		{ "ttl: 5s", "w HTTPS 1 .\nw SVCB 1 .\n", 0, NULL } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		char text[1024];
		open_desk(&d);
		snprintf(text, sizeof text,
			SITE_SERVER SITE_EDGES
			"pools: { web: { edges: [ ams ], %s }, two: { edges: [ ams ] } }\n",
			row[i].pool);
		read_conf(&d, text);
		snprintf(text, sizeof text, SITE_ZONE(7, "w EDGE web\n%s"), row[i].zone);
		site_put(&d.site, "zones/a.example.zone", text);
		take(&d);
		CU_ASSERT_EQUAL(d.f.errors, 0);
		CU_ASSERT_EQUAL(d.f.warnings, row[i].warnings);
		CU_ASSERT_TRUE(!row[i].say || tells(&d, row[i].say));
		if (d.f.errors || d.f.warnings != row[i].warnings)
			printf("%zu: %s", i, text_get(&d.f.text));
		close_desk(&d);
	}
}

/* --- the list itself ---------------------------------------------------------------------- */

static void a_zone_that_is_there_twice_is_wrong_for_all(void)
{
	struct desk d;

	open_desk(&d);
	take(&d);
	site_put(&d.site, "zones/A.example", SITE_ZONE(1, ""));
	CU_ASSERT_PTR_NULL(read_again(&d));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(tells(&d, "zone a.example. is there twice"));
	CU_ASSERT_TRUE(tells(&d, "/zones/A.example"));
	CU_ASSERT_TRUE(tells(&d, "/zones/a.example.zone"));
	/* As many names as before, one of them twice. */
	site_remove(&d.site, "zones/b.example.zone");
	CU_ASSERT_PTR_NULL(read_again(&d));
	CU_ASSERT_TRUE(tells(&d, "zone a.example. is there twice"));
	close_desk(&d);
}

static void a_folder_that_is_not_there_is_wrong_for_all(void)
{
	struct desk d;

	open_desk(&d);
	read_conf(&d,
		"server: { listen: \"127.0.0.1:5300\" }\n"
		"zones: [ { dir: nowhere }, { dir: zones }, { dir: neither } ]\n");
	CU_ASSERT_PTR_NULL(read_again(&d));
	CU_ASSERT_EQUAL(d.f.errors, 3); /* all that is wrong in one run */
	CU_ASSERT_TRUE(tells(&d, "no pool named \"web\""));
	CU_ASSERT_TRUE(tells(&d, "t.yaml:2:17: error: "));
	CU_ASSERT_TRUE(tells(&d, "/nowhere: No such file"));
	CU_ASSERT_TRUE(tells(&d, "/neither: No such file"));
	close_desk(&d);
}

static void a_file_whose_name_is_no_zones_is_told_and_keeps_no_other_away(void)
{
	struct desk d;

	open_desk(&d);
	site_put(&d.site, "zones/two..dots.zone", SITE_ZONE(1, ""));
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(tells(&d, "/zones/two..dots.zone: as the name of a zone this "));
	CU_ASSERT_EQUAL(r->n, 2);
	CU_ASSERT_EQUAL(r->n_faulty, 0);
	close_desk(&d);
}

static void single_zones_and_folders_go_together(void)
{
	struct desk d;

	open_desk(&d);
	site_put(&d.site, "apart", SITE_ZONE(4, ""));
	read_conf(&d,
		"server: { listen: \"127.0.0.1:5300\" }\n"
		"zones: [ { dir: zones }, { name: Apart.example, file: apart } ]\n" SITE_EDGES
			SITE_POOLS);
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(r->n, 3);
	CU_ASSERT_EQUAL(find(r, "apart.example.")->load.zone->serial, 4);
	close_desk(&d);
}

static void of_many_faults_each_zone_has_a_line(void)
{
	enum { MANY = FAULTS_MOST + 20 };
	struct desk d;
	char name[64];

	open_desk(&d);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "zones/z%02u.example.zone", i);
		site_put(&d.site, name,
			"$TTL 300\n@ SOA ns h 9 2 3 4 5\n@ NS ns\nns A wrong\nx A wrong\n");
	}
	struct registry *r = take(&d);
	CU_ASSERT_EQUAL(r->n_faulty, MANY);
	CU_ASSERT_EQUAL(r->n_empty, MANY);
	CU_ASSERT_EQUAL(d.f.errors, 2 * MANY);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "/z%02u.example.zone:4:", i);
		CU_ASSERT_TRUE(tells(&d, name));
	}
	CU_ASSERT_TRUE(tells(&d, "(and 1 more)"));
	close_desk(&d);
}

/* --- as a job ----------------------------------------------------------------------------- */

struct reading {
	struct desk *d;
	struct jobs *jobs;
	struct job *job;
	sem_t begun, go, has_read, seen;
	struct registry *made;
	bool done;
	struct job_view last;
};

static void read_work(void *ctx, struct job *job)
{
	struct reading *x = ctx;

	sem_post(&x->begun);
	sem_wait(&x->go);
	x->made = zones_read(&(struct zones_read_opts){ .conf = (const struct conf *)x->d->conf,
				     .before = x->d->before,
				     .key = site_key,
				     .job = job },
		&x->d->f);
	sem_post(&x->has_read);
	sem_wait(&x->seen);
}

static void read_done(void *ctx, enum job_end end)
{
	(void)end;
	((struct reading *)ctx)->done = true;
}

static bool is_done(void *ctx)
{
	return ((struct reading *)ctx)->done;
}

static void read_as_job(struct desk *d, struct reading *x, bool cancel)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);

	*x = (struct reading){ .d = d, .jobs = jobs_new(loop) };
	sem_init(&x->begun, 0, 0);
	sem_init(&x->go, 0, 0);
	sem_init(&x->has_read, 0, 0);
	sem_init(&x->seen, 0, 0);
	jobs_lane(x->jobs, 1, JOBS_POLITE);
	struct job *job = jobs_start(x->jobs,
		&(struct job_opts){
			.name = "test", .ctx = x, .work = read_work, .done = read_done });
	/* It has begun, and is asked to end. */
	sem_wait(&x->begun);
	if (cancel)
		jobs_cancel(x->jobs, job);
	sem_post(&x->go);
	sem_wait(&x->has_read);
	jobs_list(x->jobs, &x->last, 1);
	sem_post(&x->seen);
	CU_ASSERT_TRUE(turns_until(loop, is_done, x));
	CU_ASSERT_TRUE(jobs_stop(x->jobs, TURNS_PATIENCE_S));
	jobs_free(x->jobs);
	sem_destroy(&x->begun);
	sem_destroy(&x->go);
	sem_destroy(&x->has_read);
	sem_destroy(&x->seen);
	ev_loop_destroy(loop);
}

static void a_cancelled_reading_is_given_up(void)
{
	struct reading x;
	struct desk d;

	open_desk(&d);
	read_as_job(&d, &x, true);
	CU_ASSERT_PTR_NULL(x.made);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(tells(&d, "given up"));
	close_desk(&d);
}

static void a_job_tells_how_far_it_is(void)
{
	enum { MANY = 126 }; /* with the two that there are: 128 */
	struct reading x;
	struct desk d;
	char name[64];

	open_desk(&d);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "zones/z%03u.example.zone", i);
		site_put(&d.site, name, SITE_ZONE(1, ""));
	}
	read_as_job(&d, &x, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x.made);
	CU_ASSERT_EQUAL(x.made->n, MANY + 2);
	CU_ASSERT_EQUAL(x.last.of, MANY + 2);
	CU_ASSERT_TRUE(x.last.n == 64 || x.last.n == 128); /* two threads may tell at once */
	registry_drop(x.made);
	close_desk(&d);
}

/* --- zones beyond the configuration ------------------------------------------------------- */

/* What is added to the zones of the configuration. */
static struct registry *read_with(struct desk *d, const struct zones_read_added *added, size_t n)
{
	faults_fini(&d->f);
	faults_init(&d->f);
	struct registry *next = zones_read(&(struct zones_read_opts){
						   .conf = (const struct conf *)d->conf,
						   .before = d->before,
						   .key = site_key,
						   .added = added,
						   .n_added = n },
		&d->f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	registry_drop(d->before);
	d->before = next;
	return next;
}

static struct registry_added *added_as(const char *template, const char *file)
{
	return registry_added_new(
		&(struct registry_added){ .template = template, .file = file, .at_s = 7 });
}

static const uint8_t new_name[] = "\3new", b_name[] = "\1b\7example";

static void zones_that_were_added_are_read_with_the_others(void)
{
	struct desk d;
	char path[64];

	open_desk(&d);
	read_conf(&d, "templates: { t: { transfer: any } }\n" SITE_CONF);
	site_put(&d.site, "other", SITE_ZONE(9, ""));
	snprintf(path, sizeof path, "%s/other", d.site.folder);
	struct registry_added *is = added_as("t", path), *same = added_as("t", path);
	struct zones_read_added list[] = { { new_name, is } };
	struct registry *r = read_with(&d, list, 1);
	CU_ASSERT_EQUAL(d.f.errors, 0);
	CU_ASSERT_EQUAL_FATAL(r->n, 3);
	struct registry_zone *z = find(r, "new.");
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_PTR_EQUAL(z->added, is);
	CU_ASSERT_EQUAL(z->load.zone->serial, 9);
	CU_ASSERT_EQUAL(zone_set_rule(r->set, 2), 1); /* that of its template */
	/* The same once more, told by others: nothing has changed. */
	list[0].added = same;
	CU_ASSERT_PTR_EQUAL(find(read_with(&d, list, 1), "new."), z);
	/* It goes when it is not named any more. */
	CU_ASSERT_PTR_NULL(find(read_with(&d, NULL, 0), "new."));
	registry_added_drop(same);
	registry_added_drop(is);
	site_remove(&d.site, "other");
	close_desk(&d);
}

static void what_the_configuration_names_goes_before_what_was_added(void)
{
	struct registry_added *is = added_as("", "/nowhere");
	const struct zones_read_added list[] = { { b_name, is } };
	struct desk d;

	open_desk(&d);
	struct registry *r = read_with(&d, list, 1);
	CU_ASSERT_EQUAL(d.f.errors, 0);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_TRUE(tells(&d, "zone b.example. was also added"));
	CU_ASSERT_EQUAL(r->n, 2);
	CU_ASSERT_PTR_NULL(find(r, "b.example.")->added);
	CU_ASSERT_TRUE(zone_is_ready(find(r, "b.example.")->load.zone));
	registry_added_drop(is);
	close_desk(&d);
}

static void a_zone_whose_template_has_gone_is_served_on_and_told(void)
{
	struct desk d;
	char path[64];

	open_desk(&d);
	read_conf(&d, "templates: { t: { transfer: any } }\n" SITE_CONF);
	site_put(&d.site, "other", SITE_ZONE(9, ""));
	snprintf(path, sizeof path, "%s/other", d.site.folder);
	struct registry_added *is = added_as("t", path);
	const struct zones_read_added list[] = { { new_name, is } };
	read_with(&d, list, 1);
	read_conf(&d, SITE_CONF);
	struct registry *r = read_with(&d, list, 1);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_TRUE(tells(&d, "with the template \"t\", which is not there any more"));
	CU_ASSERT_EQUAL(find(r, "new.")->state, REGISTRY_FAULTY);
	CU_ASSERT_EQUAL(find(r, "new.")->load.zone->serial, 9);
	CU_ASSERT_EQUAL(zone_set_rule(r->set, 2), 0); /* nobody may have it */
	registry_added_drop(is);
	site_remove(&d.site, "other");
	close_desk(&d);
}

void suite_zones_read(void);
void suite_zones_read(void)
{
	static const struct unit_case cases[] = {
		{ "every file of a folder is a zone", every_file_of_a_folder_is_a_zone },
		{ "a zone that is wrong keeps what it had",
			a_zone_that_is_wrong_keeps_what_it_had },
		{ "a zone of the store that is wrong is still the store's",
			a_zone_of_the_store_that_is_wrong_is_still_the_stores },
		{ "a zone of a fleet waits where its file is not", a_zone_of_a_fleet_waits_where_its_file_is_not },
		{ "a zone that was never right is there and not ready",
			a_zone_that_was_never_right_is_there_and_not_ready },
		{ "the time of a state is that of its beginning",
			the_time_of_a_state_is_that_of_its_beginning },
		{ "what has not changed is shared", what_has_not_changed_is_shared },
		{ "a zone of another file, or of pools that have gone, is read anew",
			a_zone_of_another_file_or_of_pools_that_have_gone_is_read_anew },
		{ "a pool that is not there is told, whatever stands beside its EDGE",
			a_pool_that_is_not_there_is_told_whatever_stands_beside_its_edge },
		{ "a pool that may answer with a cname is known", a_pool_that_may_answer_with_a_cname_is_known },
		{ "a service record that hides the pool's is warned of",
			a_service_record_that_hides_the_pools_is_warned_of },
		{ "a zone that is there twice is wrong for all",
			a_zone_that_is_there_twice_is_wrong_for_all },
		{ "a folder that is not there is wrong for all",
			a_folder_that_is_not_there_is_wrong_for_all },
		{ "a file whose name is no zone's is told and keeps no other away",
			a_file_whose_name_is_no_zones_is_told_and_keeps_no_other_away },
		{ "single zones and folders go together",
			single_zones_and_folders_go_together },
		{ "of many faults each zone has a line", of_many_faults_each_zone_has_a_line },
		{ "a cancelled reading is given up", a_cancelled_reading_is_given_up },
		{ "a job tells how far it is", a_job_tells_how_far_it_is },
		{ "zones that were added are read with the others",
			zones_that_were_added_are_read_with_the_others },
		{ "what the configuration names goes before what was added",
			what_the_configuration_names_goes_before_what_was_added },
		{ "a zone whose template has gone is served on and told",
			a_zone_whose_template_has_gone_is_served_on_and_told },
	};

	unit_suite("daemon/zones_read", cases, UNIT_COUNT(cases));
}
