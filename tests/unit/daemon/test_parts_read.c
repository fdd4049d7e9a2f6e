#include "daemon/parts_read.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration with a bit of all that one can name. */
struct desk {
	char folder[32];
	struct mmdb_writer *geo;
	struct parts before; /* read when there was memory */
	bool again;           /* some of it is taken over */
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

void suite_parts_read(void);
void suite_parts_read(void)
{
	static const struct unit_case cases[] = {
		{ "without memory nothing is read", without_memory_nothing_is_read },
		{ "without memory no GeoIP file is taken",
			without_memory_no_geoip_file_is_taken },
	};

	unit_suite("daemon/parts_read", cases, UNIT_COUNT(cases));
}
