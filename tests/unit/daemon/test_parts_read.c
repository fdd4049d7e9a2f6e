#include "daemon/parts_read.h"

#include "base/scope.h"
#include "unit/daemon/site.h"
#include "unit/failing.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration with a bit of all that one can name. */
struct desk {
	char folder[32];
	struct mmdb_writer *geo;
	struct parts before; /* read when there was memory */
	bool again;          /* some of it is taken over */
};

static const char *const files[] = { "t.yaml", "times.csv", "zones/a.example.zone",
	"zones/b.example.zone" };

static void put(const struct desk *d, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "%s/%s", d->folder, name);
	FILE *f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void open_desk(struct desk *d)
{
	char path[64], text[1024];

	*d = (struct desk){ .folder = "/tmp/test_parts_read.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	snprintf(path, sizeof path, "%s/zones", d->folder);
	if (mkdir(path, 0700) != 0)
		abort();
	d->geo = mmdb_writer_new(24, 4, "Test-City");
	mmdb_writer_net(d->geo, "193.0.0.0/16",
		mmdb_writer_nested(d->geo, "NL", "NH", "Amsterdam", 52.37, 4.9));
	mmdb_writer_net(d->geo, "194.0.0.0/16",
		mmdb_writer_nested(d->geo, "US", "NY", "New York", 40.7, -74));
	mmdb_writer_file(d->geo);
	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:5300\" }\n"
		"zones: [ { dir: zones } ]\n"
		"geoip: { city: { file: %s } }\n"
		"latency: { files: [ times.csv ] }\n"
		"edges:\n"
		"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"
		"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
		"pools: { web: { edges: [ ams, nyc ], pin: { country: { us: nyc } } },\n"
		"         two: { edges: [ ams, nyc ], answers: 2, spread: 5ms } }\n",
		d->geo->path);
	put(d, "t.yaml", text);
	put(d, "times.csv", "prefix,edge,rtt_ms\n193.0.1.0/24,ams,3\n193.0.1.0/24,nyc,80\n");
	for (unsigned i = 2; i < 4; i++)
		put(d, files[i],
			"$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.3\nw EDGE "
			"web\n");
}

static void close_desk(struct desk *d)
{
	char path[64];

	parts_drop(&d->before);
	for (size_t i = 0; i < UNIT_COUNT(files); i++) {
		snprintf(path, sizeof path, "%s/%s", d->folder, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/zones", d->folder);
	rmdir(path);
	rmdir(d->folder);
	mmdb_writer_free(d->geo);
}

/* As a job reads it. */
struct reading {
	const struct desk *d;
	struct parts made;
	bool ok;
	struct faults *f;
};

static void read_in_scope(void *ctx)
{
	struct reading *x = ctx;
	char path[64];

	snprintf(path, sizeof path, "%s/t.yaml", x->d->folder);
	x->ok = parts_read(&x->made,
		&(struct parts_read_opts){ .path = path,
			.key = { 1, 2 },
			.before = x->d->again ? &x->d->before : NULL },
		x->f);
}

static bool read_it(const struct desk *d, struct parts *to, struct faults *f)
{
	struct reading x = { .d = d, .f = f };

	if (!scope_run(read_in_scope, &x)) {
		*to = (struct parts){ 0 };
		return faults_error(f, &(struct fault_at){ 0 }, "out of memory");
	}
	*to = x.made;
	return x.ok;
}

static void read_each(void *ctx)
{
	const struct desk *d = ctx;
	const size_t mapped = failing_mapped();
	struct parts l;
	struct faults f;

	faults_init(&f);
	const bool ok = read_it(d, &l, &f);
	const size_t failed = failing_stop();
	CU_ASSERT_TRUE(ok || failed);
	CU_ASSERT_TRUE(ok || f.errors);
	CU_ASSERT_TRUE(!ok || !f.errors || failed);
	if (ok) {
		CU_ASSERT_EQUAL(l.zones->n, 2);
		parts_drop(&l);
	} else {
		CU_ASSERT_PTR_NULL(l.zones);
		CU_ASSERT_PTR_NULL(l.conf);
	}
	CU_ASSERT_EQUAL(failing_mapped(), mapped);
	faults_fini(&f);
}

static void without_memory_nothing_is_read(void)
{
	struct faults f;
	struct desk d;

	open_desk(&d);
	faults_init(&f);
	const bool ok = read_it(&d, &d.before, &f);
	if (!ok)
		printf("%s", text_get(&f.text));
	faults_fini(&f);
	CU_ASSERT_TRUE_FATAL(ok);
	CU_ASSERT_TRUE(failing_each(read_each, &d) > 100);
	/* With all files as they were, and with a zone and measurements that are not. */
	d.again = true;
	CU_ASSERT_TRUE(failing_each(read_each, &d) > 10);
	put(&d, files[2], "$TTL 300\n@ SOA ns h 2 2 3 4 5\n@ NS ns\nns A 192.0.2.3\n");
	put(&d, "times.csv", "prefix,edge,rtt_ms\n193.0.2.0/24,ams,3\n");
	CU_ASSERT_TRUE(failing_each(read_each, &d) > 50);
	close_desk(&d);
}

static void refresh_in_scope(void *ctx)
{
	struct reading *x = ctx;
	struct parts next = parts_hold(&x->d->before);
	struct fault why;

	x->ok = parts_refresh_geo(&next, &why);
	parts_drop(&next);
}

static void refresh_each(void *ctx)
{
	struct reading x = { .d = ctx };

	const bool ok = scope_run(refresh_in_scope, &x) && x.ok;
	const size_t failed = failing_stop();
	CU_ASSERT_EQUAL(ok, !failed);
}

static void without_memory_no_geoip_file_is_taken(void)
{
	struct faults f;
	struct desk d;

	open_desk(&d);
	faults_init(&f);
	CU_ASSERT_TRUE_FATAL(read_it(&d, &d.before, &f));
	faults_fini(&f);
	CU_ASSERT_TRUE(failing_each(refresh_each, &d) > 30);
	close_desk(&d);
}

/* --- from one reading to the next ---------------------------------------------------------- */

#define MEASURED SITE_CONF "latency: { files: [ times.csv ] }\n"
#define TIMES    "prefix,edge,rtt_ms\n193.0.1.0/24,ams,3\n"

static const struct mmdb_writer *open_geo(struct site *s)
{
	char text[512];

	site_open(s);
	struct mmdb_writer *geo = mmdb_writer_new(24, 4, "Test-City");
	mmdb_writer_net(geo, "193.0.0.0/16",
		mmdb_writer_nested(geo, "NL", "NH", "Amsterdam", 52.37, 4.9));
	mmdb_writer_file(geo);
	snprintf(text, sizeof text, "%sgeoip: { city: { file: %s } }\n", MEASURED, geo->path);
	site_put(s, "t.yaml", text);
	site_put(s, "times.csv", TIMES);
	return geo;
}

static void close_geo(struct site *s, const struct mmdb_writer *geo)
{
	mmdb_writer_free((struct mmdb_writer *)(uintptr_t)geo);
	site_close(s);
}

static void overwrite(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void what_is_as_it_was_is_shared(void)
{
	struct site s;

	const struct mmdb_writer *geo = open_geo(&s);
	struct parts a = site_read(&s, NULL), b = site_read(&s, &a);
	CU_ASSERT_PTR_EQUAL(a.conf, b.conf);
	CU_ASSERT_PTR_EQUAL(a.zones, b.zones);
	CU_ASSERT_PTR_EQUAL(a.atlas, b.atlas);
	CU_ASSERT_PTR_EQUAL(a.table, b.table);
	CU_ASSERT_PTR_EQUAL(a.steer, b.steer);
	CU_ASSERT_PTR_EQUAL(a.numbers, b.numbers);
	parts_drop(&a); /* and needs nothing of the first */
	CU_ASSERT_EQUAL(b.steer->n_pools, 2);
	CU_ASSERT_EQUAL(parts_conf(&b)->n_edges, 2);
	/* Other zones leave edges, measurements and databases alone. */
	site_put(&s, "zones/b.example.zone", SITE_ZONE(2, "x EDGE two\n"));
	struct parts c = site_read(&s, &b);
	CU_ASSERT_PTR_EQUAL(c.conf, b.conf);
	CU_ASSERT_PTR_NOT_EQUAL(c.zones, b.zones);
	CU_ASSERT_PTR_NOT_EQUAL(c.numbers, b.numbers);
	CU_ASSERT_PTR_EQUAL(c.steer, b.steer);
	CU_ASSERT_PTR_EQUAL(c.atlas, b.atlas);
	CU_ASSERT_PTR_EQUAL(c.table, b.table);
	/* Other measurements leave zones and databases alone. */
	site_put(&s, "times.csv", TIMES "193.0.1.0/24,nyc,80\n");
	struct parts d = site_read(&s, &c);
	CU_ASSERT_PTR_NOT_EQUAL(d.table, c.table);
	CU_ASSERT_PTR_NOT_EQUAL(d.steer, c.steer);
	CU_ASSERT_PTR_EQUAL(d.zones, c.zones);
	CU_ASSERT_PTR_EQUAL(d.atlas, c.atlas);
	CU_ASSERT_PTR_EQUAL(d.numbers, c.numbers);
	/* Another text of the configuration is another one, but for what it does not change. */
	site_put(&s, "t.yaml", SITE_CONF);
	struct parts e = site_read(&s, &d);
	CU_ASSERT_PTR_NOT_EQUAL(e.conf, d.conf);
	CU_ASSERT_PTR_NOT_EQUAL(e.steer, d.steer);
	CU_ASSERT_PTR_NOT_EQUAL(e.numbers, d.numbers);
	CU_ASSERT_PTR_NOT_EQUAL(e.atlas, d.atlas);
	CU_ASSERT_PTR_EQUAL(e.zones, d.zones);
	parts_drop(&b);
	parts_drop(&c);
	parts_drop(&d);
	CU_ASSERT_EQUAL(e.steer->n_edges, 2);
	parts_drop(&e);
	close_geo(&s, geo);
}

static void a_database_that_has_become_wrong_keeps_the_old_one_and_is_told(void)
{
	struct parts next;
	struct faults f;
	struct site s;

	const struct mmdb_writer *geo = open_geo(&s);
	struct parts first = site_read(&s, NULL);
	overwrite(geo->path, "this is no database");
	/* It is told again and again, though the file is as it was the last time. */
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE_FATAL(site_try(&s, &first, &next, &f));
		CU_ASSERT_EQUAL(f.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), geo->path));
		CU_ASSERT_PTR_EQUAL(next.atlas, first.atlas);
		CU_ASSERT_PTR_EQUAL(next.steer, first.steer);
		CU_ASSERT_TRUE(next.geo_files->faulty);
		faults_fini(&f);
		parts_drop(&first);
		first = next;
	}
	/* With nothing before there is nothing to serve. */
	CU_ASSERT_FALSE(site_try(&s, NULL, &next, &f));
	CU_ASSERT_PTR_NULL(next.conf);
	faults_fini(&f);
	/* Nor is a database that was not there before. */
	char text[512];
	snprintf(text, sizeof text, "%sgeoip: { city: { file: times.csv } }\n", MEASURED);
	site_put(&s, "t.yaml", text);
	CU_ASSERT_FALSE(site_try(&s, &first, &next, &f));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "times.csv"));
	CU_ASSERT_PTR_NULL(next.conf);
	faults_fini(&f);
	parts_drop(&first);
	close_geo(&s, geo);
}

static void measurements_that_have_become_wrong_keep_the_old_ones_and_are_told(void)
{
	struct parts next;
	struct faults f;
	struct site s;

	site_open(&s);
	site_put(&s, "t.yaml", MEASURED);
	site_put(&s, "times.csv", TIMES);
	struct parts first = site_read(&s, NULL);
	const size_t known = latency_size(first.table).cells;
	CU_ASSERT_TRUE(known > 0);
	site_put(&s, "times.csv", "prefix,edge,rtt_ms\n193.0.2.0/24,ams,oops\n");
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE_FATAL(site_try(&s, &first, &next, &f));
		CU_ASSERT_EQUAL(f.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "times.csv:2:"));
		CU_ASSERT_EQUAL(latency_size(next.table).cells, known);
		CU_ASSERT_TRUE(next.table_files->faulty);
		CU_ASSERT_PTR_EQUAL(next.zones, first.zones);
		faults_fini(&f);
		parts_drop(&first);
		first = next;
	}
	site_put(&s, "times.csv", "prefix,edge,rtt_ms\n");
	next = site_read(&s, &first);
	CU_ASSERT_FALSE(next.table_files->faulty);
	CU_ASSERT_EQUAL(latency_size(next.table).cells, 0);
	parts_drop(&next);
	parts_drop(&first);
	site_close(&s);
}

static void a_pool_that_a_served_zone_names_cannot_go(void)
{
	struct parts next;
	struct faults f;
	struct site s;

	site_open(&s);
	struct parts first = site_read(&s, NULL);
	site_put(&s, "t.yaml", SITE_SERVER SITE_EDGES "pools: { two: { edges: [ ams ] } }\n");
	CU_ASSERT_FALSE(site_try(&s, &first, &next, &f));
	CU_ASSERT_PTR_NULL(next.conf);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "no pool web any more"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "zone a.example."));
	faults_fini(&f);
	/* At the start there is nothing that is served: the zone is not ready, all else is. */
	CU_ASSERT_TRUE(site_try(&s, NULL, &next, &f));
	CU_ASSERT_EQUAL(next.zones->n_empty, 1);
	faults_fini(&f);
	parts_drop(&next);
	/* Once the zone names another, it can. */
	site_put(&s, "zones/a.example.zone", SITE_ZONE(2, "w EDGE two\n"));
	next = site_read(&s, &first);
	CU_ASSERT_EQUAL(next.steer->n_pools, 1);
	parts_drop(&next);
	parts_drop(&first);
	site_close(&s);
}

static void a_configuration_that_is_wrong_leaves_nothing(void)
{
	struct parts next;
	struct faults f;
	struct site s;

	site_open(&s);
	struct parts first = site_read(&s, NULL);
	const unsigned refs = first.conf->refs;
	site_put(&s, "t.yaml", SITE_CONF "nonsense: 1\n");
	CU_ASSERT_FALSE(site_try(&s, &first, &next, &f));
	CU_ASSERT_TRUE(f.errors > 0);
	CU_ASSERT_PTR_NULL(next.conf);
	CU_ASSERT_PTR_NULL(next.zones);
	CU_ASSERT_EQUAL(first.conf->refs, refs);
	faults_fini(&f);
	parts_drop(&first);
	site_close(&s);
}

static void databases_are_read_anew_by_themselves(void)
{
	struct fault why = { "" };
	struct site s;

	const struct mmdb_writer *geo = open_geo(&s);
	struct parts first = site_read(&s, NULL), p = parts_hold(&first);
	CU_ASSERT_TRUE(parts_refresh_geo(&p, &why));
	CU_ASSERT_PTR_NOT_EQUAL(p.atlas, first.atlas);
	CU_ASSERT_PTR_NOT_EQUAL(p.steer, first.steer);
	CU_ASSERT_PTR_EQUAL(p.table, first.table);
	CU_ASSERT_PTR_EQUAL(p.zones, first.zones);
	CU_ASSERT_TRUE(stamps_same(p.geo_files, first.geo_files));
	parts_drop(&p);
	p = parts_hold(&first);
	overwrite(geo->path, "this is no database");
	CU_ASSERT_FALSE(parts_refresh_geo(&p, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, geo->path));
	CU_ASSERT_PTR_EQUAL(p.atlas, first.atlas);
	CU_ASSERT_PTR_EQUAL(p.steer, first.steer);
	CU_ASSERT_PTR_EQUAL(p.geo_files, first.geo_files);
	parts_drop(&p);
	parts_drop(&first);
	close_geo(&s, geo);
}

void suite_parts_read(void);
void suite_parts_read(void)
{
	static const struct unit_case cases[] = {
		{ "what is as it was is shared", what_is_as_it_was_is_shared },
		{ "a database that has become wrong keeps the old one and is told",
			a_database_that_has_become_wrong_keeps_the_old_one_and_is_told },
		{ "measurements that have become wrong keep the old ones and are told",
			measurements_that_have_become_wrong_keep_the_old_ones_and_are_told },
		{ "a pool that a served zone names cannot go",
			a_pool_that_a_served_zone_names_cannot_go },
		{ "a configuration that is wrong leaves nothing",
			a_configuration_that_is_wrong_leaves_nothing },
		{ "databases are read anew by themselves",
			databases_are_read_anew_by_themselves },
		{ "without memory nothing is read", without_memory_nothing_is_read },
		{ "without memory no GeoIP file is taken",
			without_memory_no_geoip_file_is_taken },
	};

	unit_suite("daemon/parts_read", cases, UNIT_COUNT(cases));
}
