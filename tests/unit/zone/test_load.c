#include "zone/load.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0;
}

/* A zone file that includes another, in a folder of its own. */
struct desk {
	char folder[32], zone[64], more[64];
	struct zone_set *set;
	struct load load;
	struct faults faults;
	bool ok;
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .folder = "/tmp/test_load.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	snprintf(d->zone, sizeof d->zone, "%s/a.zone", d->folder);
	snprintf(d->more, sizeof d->more, "%s/more", d->folder);
	write_file(d->zone,
		"$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
		"www EDGE web\n*.w TXT \"some text\"\nd DNAME other.example.\n"
		"$GENERATE 1-200 h$ A 192.0.2.$\n$INCLUDE more sub\n");
	write_file(d->more, "a A 192.0.2.2\nmx MX 10 a\ncut NS a\n");
}

static void close_desk(struct desk *d)
{
	unlink(d->zone);
	unlink(d->more);
	rmdir(d->folder);
}

static void load(void *ctx)
{
	static const uint8_t origin[] = "\7example\3com";
	const struct compile_opts opts = { .key = zone_of_key, .pool_known = pool_known };
	struct desk *d = ctx;

	d->ok = load_zone(&d->load, d->zone, origin, &opts, &d->faults);
	if (d->ok)
		d->set = zone_set_new(zone_of_key,
			(const struct zone *const[]){ d->load.zone }, NULL, 1);
}

static void load_each(void *ctx)
{
	struct desk *d = ctx;

	faults_init(&d->faults);
	const bool ok = scope_run(load, d) && d->ok;
	const size_t failed = failing_stop();
	/* The image that is not trimmed is as good. */
	CU_ASSERT_TRUE(ok || failed);
	if (ok) {
		CU_ASSERT_TRUE(d->load.zone->records > 200);
		zone_set_drop(d->set);
		load_fini(&d->load);
	}
	faults_fini(&d->faults);
}

static void without_memory_it_is_not_loaded(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_TRUE(failing_each(load_each, &d) > 30);
	close_desk(&d);
}

/* What is wrong with memory is told as what is wrong with a zone, where it can be. */
static void load_and_tell(void *ctx)
{
	struct desk *d = ctx;

	faults_init(&d->faults);
	const bool ended = !scope_run(load, d);
	const size_t failed = failing_stop();
	if (failed && !ended && !d->ok && !d->faults.text.lost)
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d->faults.text), "memory"));
	if (!ended && d->ok) {
		zone_set_drop(d->set);
		load_fini(&d->load);
	}
	faults_fini(&d->faults);
}

static void want_of_memory_is_told(void)
{
	struct desk d;

	open_desk(&d);
	failing_each(load_and_tell, &d);
	close_desk(&d);
}

static void load_then_fail(void *ctx)
{
	struct desk *d = ctx;

	load(d);
	CU_ASSERT_TRUE(d->ok);
	zone_placeholder(zone_of_key, (const uint8_t *)"\1x\4test");
	scope_fail();
}

static void zones_go_with_the_work_that_loaded_them(void)
{
	struct desk d;

	open_desk(&d);
	faults_init(&d.faults);
	CU_ASSERT_FALSE(scope_run(load_then_fail, &d));
	faults_fini(&d.faults);
	close_desk(&d);
}

void suite_load(void);
void suite_load(void)
{
	static const struct unit_case cases[] = {
		{ "without memory it is not loaded", without_memory_it_is_not_loaded },
		{ "want of memory is told", want_of_memory_is_told },
		{ "zones go with the work that loaded them",
			zones_go_with_the_work_that_loaded_them },
	};

	unit_suite("zone/load", cases, UNIT_COUNT(cases));
}
