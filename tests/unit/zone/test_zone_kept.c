#include "zone/zone_kept.h"

#include "base/file.h"
#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/denial.h"
#include "zone/zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_zone_kept.XXXXXX", file[64], more[64], kept[64];
static const uint8_t origin[] = "\7example\3com", other[] = "\7example\3org";

static int open_folder(void)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/a.zone", folder);
	snprintf(more, sizeof more, "%s/more", folder);
	snprintf(kept, sizeof kept, "%s/a.kept", folder);
	return 0;
}

static int close_folder(void)
{
	unlink(file);
	unlink(more);
	unlink(kept);
	return rmdir(folder);
}

/* And waits until a later change would be seen. */
static void write_file(const char *path, const char *text)
{
	struct file_stamp stamp;
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || !file_stamp_settled(path, &stamp))
		abort();
}

static bool read_file(struct load *l, struct faults *f)
{
	const struct compile_opts opts = { .key = zone_of_key };

	return load_zone(l, file, origin, &opts, f);
}

#define HEAD "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

/* A chain of NSEC, and one of NSEC3 whose hashes are those of the names. */
static const struct {
	const char *say, *text;
	bool nsec, nsec3;
} zones[] = {
	{ "records of many kinds", HEAD "www EDGE web\n*.w TXT \"a text\"\nd DNAME other.example.\n$GENERATE 1-200 h$ A 192.0.2.$\n"
				  "$INCLUDE more sub\n", false, false },
	{ "one that is doubtful", HEAD "a MX 10 nowhere\n$INCLUDE more sub\n", false, false },
	{ "a chain of NSEC", HEAD "@ NSEC ns NS SOA NSEC\nns NSEC @ A NSEC\n$INCLUDE more sub\n", true, false },
	{ "a chain of NSEC3", HEAD "@ NSEC3PARAM 1 0 0 -\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS SOA\n"
			     "$INCLUDE more sub\n", false, true },
};

static bool same_array(const void *a, const void *b, size_t len)
{
	return !a == !b && (!a || memcmp(a, b, len) == 0);
}

static bool same_chain(const struct denial *a, const struct denial *b)
{
	if (!a || !b)
		return a == b;
	return a->nsec3 == b->nsec3 && a->mixed == b->mixed && a->n == b->n && a->shift == b->shift && denial_bytes(a) == denial_bytes(b) &&
		memcmp(&a->params, &b->params, sizeof a->params) == 0 && same_array(a->owner, b->owner, a->n * sizeof *a->owner) &&
		same_array(a->hash, b->hash, a->n * sizeof *a->hash) && same_array(a->key, b->key, a->n * sizeof *a->key) &&
		memcmp(a->first, b->first, (((size_t)1 << (64 - a->shift)) + 1) * sizeof *a->first) == 0;
}

static bool same_zone(const struct zone *a, const struct zone *b)
{
	bool same = a->image_len == b->image_len && memcmp(a->image, b->image, a->image_len) == 0 && a->image_end == b->image_end &&
		a->records == b->records && a->nodes == b->nodes && a->serial == b->serial && a->depth == b->depth &&
		a->apex_hash == b->apex_hash && a->edge_named == b->edge_named && a->edge_beside == b->edge_beside && a->pools_n == b->pools_n &&
		a->slots_n == b->slots_n && a->places_n == b->places_n && memcmp(a->places, b->places, a->places_n * sizeof *a->places) == 0 &&
		(const uint8_t *)a->apex_node - a->image == (const uint8_t *)b->apex_node - b->image &&
		(const uint8_t *)a->soa_negative - a->image == (const uint8_t *)b->soa_negative - b->image &&
		a->signatures_end_s == b->signatures_end_s && a->signatures_soon_s == b->signatures_soon_s;

	for (unsigned i = 0; same && i < a->pools_n; i++)
		same = strcmp(a->pools[i], b->pools[i]) == 0;
	return same && same_chain(a->denial, b->denial);
}

static void a_zone_is_the_same_as_that_of_its_file(void)
{
	for (size_t i = 0; i < UNIT_COUNT(zones); i++) {
		struct faults f, again;
		struct load l, k = { 0 };
		struct fault why = { "" };
		faults_init(&f);
		faults_init(&again);
		write_file(more, "a A 192.0.2.2\nmx MX 10 a\n");
		write_file(file, zones[i].text);
		CU_ASSERT_TRUE_FATAL(read_file(&l, &f));
		CU_ASSERT_EQUAL(l.zone->denial && !l.zone->denial->nsec3, zones[i].nsec);
		CU_ASSERT_EQUAL(l.zone->denial && l.zone->denial->nsec3, zones[i].nsec3);
		CU_ASSERT_TRUE(zone_kept_suits(&l));
		CU_ASSERT_FALSE(zone_kept_is(kept, &l, NULL));
		CU_ASSERT_TRUE(zone_kept_write(kept, &l, NULL, &why));
		CU_ASSERT_TRUE(zone_kept_is(kept, &l, NULL));
		const bool ok = zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, NULL }, zone_of_key, &again);
		if (!ok)
			printf("%s: %s\n", zones[i].say, why.text);
		CU_ASSERT_TRUE_FATAL(ok);
		CU_ASSERT_TRUE(same_zone(l.zone, k.zone));
		CU_ASSERT_EQUAL(k.n, 2);
		CU_ASSERT_TRUE(load_is_fresh(&k));
		CU_ASSERT_EQUAL(again.warnings, f.warnings);
		CU_ASSERT_STRING_EQUAL(text_get(&again.text), text_get(&f.text));
		CU_ASSERT_TRUE(zone_kept_is(kept, &k, NULL)); /* what came from there need not be written again */
		load_fini(&k);
		load_fini(&l);
		faults_fini(&f);
		faults_fini(&again);
		unlink(kept);
	}
}

static void what_is_of_another_version_name_or_file_is_read(void)
{
	struct faults f;
	struct load l, k;
	struct fault why;

	faults_init(&f);
	write_file(more, "a A 192.0.2.2\n");
	write_file(file, zones[0].text);
	CU_ASSERT_TRUE_FATAL(read_file(&l, &f));
	CU_ASSERT_TRUE(zone_kept_write(kept, &l, NULL, &why));
	CU_ASSERT_FALSE(zone_kept_read(&k, &(struct zone_kept_from){ kept, other, file, NULL }, zone_of_key, &f));
	CU_ASSERT_FALSE(zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, more, NULL }, zone_of_key, &f));
	CU_ASSERT_TRUE(zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, NULL }, zone_of_key, &f));
	load_fini(&k);
	write_file(more, "b A 192.0.2.2\n"); /* as long as it was */
	CU_ASSERT_FALSE(zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, NULL }, zone_of_key, &f));
	CU_ASSERT_PTR_NULL(k.zone);
	load_fini(&l);
	CU_ASSERT_TRUE_FATAL(read_file(&l, &f));
	CU_ASSERT_FALSE(zone_kept_is(kept, &l, NULL));
	CU_ASSERT_TRUE(zone_kept_write(kept, &l, NULL, &why));
	unlink(more);
	CU_ASSERT_FALSE(zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, NULL }, zone_of_key, &f));
	load_fini(&l);
	faults_fini(&f);
	unlink(kept);
}

static void read_without_memory(void *ctx)
{
	struct zone_kept_signed got;
	struct faults f;
	struct load k;

	faults_init(&f);
	if (zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, &got }, zone_of_key, &f))
		++*(unsigned *)ctx;
	load_fini(&k);
	faults_fini(&f);
	scope_fail(); /* all that is not given back by now is the scope's */
}

static void read_and_end(void *ctx)
{
	struct zone_kept_signed got;
	struct faults f;
	struct load k;

	(void)ctx;
	faults_init(&f);
	CU_ASSERT_TRUE(zone_kept_read(&k, &(struct zone_kept_from){ kept, origin, file, &got }, zone_of_key, &f));
	faults_fini(&f);
	scope_fail();
}

static int next_fd(void)
{
	const int fd = dup(0);

	close(fd);
	return fd;
}

static void try_to_read(void *ctx)
{
	const size_t held = failing_held();
	const int fd = next_fd();

	CU_ASSERT_FALSE(scope_run(read_without_memory, ctx));
	CU_ASSERT_EQUAL(failing_held(), held);
	CU_ASSERT_EQUAL(next_fd(), fd);
	CU_ASSERT_EQUAL(access(kept, F_OK), 0);
}

/* Wherever it ends, it ends what was read, and the file is there for the next time. */
static void without_memory_nothing_stays(void)
{
	const struct zone_kept_signed is = { 7, 3, 4000 };
	struct faults f;
	struct fault why;
	struct load l;
	unsigned n = 0;

	faults_init(&f);
	write_file(more, "a A 192.0.2.9\n");
	write_file(file, zones[2].text);
	CU_ASSERT_TRUE_FATAL(read_file(&l, &f));
	CU_ASSERT_TRUE(zone_kept_write(kept, &l, &is, &why));
	CU_ASSERT(failing_each(try_to_read, &n) > 8);
	CU_ASSERT(n > 0);
	const size_t held = failing_held();
	CU_ASSERT_FALSE(scope_run(read_and_end, NULL));
	CU_ASSERT_EQUAL(failing_held(), held);
	load_fini(&l);
	faults_fini(&f);
	unlink(kept);
}

/* One that was signed here has beside that what it is good for, and is not taken for one that was not. */
static void one_that_was_signed_is_had_with_what_it_is_good_for(void)
{
	const struct zone_kept_signed is = { 7, 8, 9 };
	struct zone_kept_signed got = { 0 };
	const struct zone_kept_from plain = { kept, origin, file, NULL }, with = { kept, origin, file, &got };
	struct load l, k;
	struct faults f;
	struct fault why;

	faults_init(&f);
	write_file(more, "a A 192.0.2.9\n");
	write_file(file, zones[2].text);
	CU_ASSERT_TRUE_FATAL(read_file(&l, &f));
	CU_ASSERT_TRUE(zone_kept_write(kept, &l, &is, &why));
	CU_ASSERT_FALSE(zone_kept_is(kept, &l, NULL));
	CU_ASSERT_TRUE(zone_kept_is(kept, &l, &got));
	CU_ASSERT_EQUAL(memcmp(&got, &is, sizeof is), 0);
	got = (struct zone_kept_signed){ 0 };
	CU_ASSERT_FALSE(zone_kept_read(&k, &plain, zone_of_key, &f));
	CU_ASSERT_TRUE_FATAL(zone_kept_read(&k, &with, zone_of_key, &f));
	CU_ASSERT_EQUAL(memcmp(&got, &is, sizeof is), 0);
	CU_ASSERT_TRUE(same_chain(k.zone->denial, l.zone->denial));
	load_fini(&k);
	CU_ASSERT_TRUE(zone_kept_write(kept, &l, NULL, &why));
	CU_ASSERT_FALSE(zone_kept_is(kept, &l, &got));
	CU_ASSERT_FALSE(zone_kept_read(&k, &with, zone_of_key, &f));
	load_fini(&l);
	faults_fini(&f);
}

static void one_that_may_change_unseen_is_not_kept(void)
{
	struct load_source source = { .stamp.fresh = true };
	struct load l = { .n = 1, .sources = &source };
	struct faults f;

	faults_init(&f);
	l.zone = zone_of("example.com", HEAD, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l.zone);
	CU_ASSERT_FALSE(zone_kept_suits(&l));
	source.stamp.fresh = false;
	CU_ASSERT_TRUE(zone_kept_suits(&l));
	l.listed = 1; /* it is made of the edges of pools, too */
	CU_ASSERT_FALSE(zone_kept_suits(&l));
	l.listed = 0;
	l.n = 0;
	CU_ASSERT_FALSE(zone_kept_suits(&l));
	zone_drop(l.zone);
	faults_fini(&f);
}

static const struct unit_case cases[] = {
	{ "one that was signed is had with what it is good for", one_that_was_signed_is_had_with_what_it_is_good_for },
	{ "a zone is the same as that of its file", a_zone_is_the_same_as_that_of_its_file },
	{ "what is of another version, name or file is read", what_is_of_another_version_name_or_file_is_read },
	{ "one that may change unseen is not kept", one_that_may_change_unseen_is_not_kept },
	{ "without memory nothing stays", without_memory_nothing_stays },
};

void suite_zone_kept(void);
void suite_zone_kept(void)
{
	unit_suite_with("zone/zone_kept", cases, UNIT_COUNT(cases), open_folder, close_folder);
}
