#include "geo/atlas_kept.h"

#include "base/file.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct databases {
	struct mmdb_writer *city, *asn;
	char folder[40], of[2][64], kept[64];
	const char *paths[2];
	struct atlas_opts opts;
	struct stamps *files;
	struct atlas *atlas;
};

static void write_file(const char *path, const struct mmdb_writer *w)
{
	struct file_stamp stamp;
	FILE *f = fopen(path, "we");

	if (!f || fwrite(w->file, 1, w->file_len, f) != w->file_len || fclose(f) != 0 || !file_stamp_settled(path, &stamp))
		abort();
}

static void open_databases(struct databases *d)
{
	struct fault why;
	char net[32], word[32];

	*d = (struct databases){ .folder = "/tmp/test_atlas_kept.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	d->city = mmdb_writer_new(24, 6, "Test-City");
	d->asn = mmdb_writer_new(24, 6, "Test-ASN");
	for (unsigned i = 0; i < 60; i++) {
		snprintf(net, sizeof net, "10.%u.%u.0/24", i, i * 3);
		snprintf(word, sizeof word, "Town %u", i);
		mmdb_writer_net(d->city, net, mmdb_writer_nested(d->city, "NL", "NH", word, i / 10.0, 4.9));
		mmdb_writer_net(d->asn, net, mmdb_writer_asn(d->asn, 64500 + i, word));
		snprintf(net, sizeof net, "2001:db8:%x::/%u", i, 48 + i); /* some deeper than 64 bits */
		mmdb_writer_net(d->city, net, mmdb_writer_nested(d->city, "DE", NULL, NULL, 50.0, i));
	}
	mmdb_writer_file(d->city);
	mmdb_writer_file(d->asn);
	snprintf(d->of[0], sizeof d->of[0], "%s/city", d->folder);
	snprintf(d->of[1], sizeof d->of[1], "%s/asn", d->folder);
	snprintf(d->kept, sizeof d->kept, "%s/kept", d->folder);
	write_file(d->of[0], d->city);
	write_file(d->of[1], d->asn);
	d->paths[0] = d->of[0];
	d->paths[1] = d->of[1];
	d->opts = (struct atlas_opts){ &d->paths[0], 1, &d->paths[1], 1 };
	d->files = stamps_take(d->paths, 2);
	d->atlas = atlas_read(&d->opts, &why);
	if (!d->atlas)
		abort();
}

static void close_databases(struct databases *d)
{
	atlas_drop(d->atlas);
	stamps_drop(d->files);
	mmdb_writer_free(d->city);
	mmdb_writer_free(d->asn);
	unlink(d->of[0]);
	unlink(d->of[1]);
	unlink(d->kept);
	rmdir(d->folder);
}

struct walk {
	const struct atlas *is, *want;
	unsigned n, wrong;
};

static bool same_place(void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	struct walk *w = ctx;
	const struct netmap *is = w->is->cities.map, *want = w->want->cities.map;
	const struct place *p = value && value <= NETMAP_VALUE_MOST ? places_get(w->is->cities.places, value) : NULL,
			   *q = value && value <= NETMAP_VALUE_MOST ? places_get(w->want->cities.places, value) : NULL;

	w->n++;
	w->wrong += netmap_find(is, first).value != netmap_find(want, first).value || netmap_find(is, last).value != netmap_find(want, last).value ||
		(p && (memcmp(p, q, sizeof *p) != 0 || strcmp(place_text(w->is->cities.places, p->city), place_text(w->want->cities.places, q->city)) != 0));
	return true;
}

static bool same_asn(void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	struct walk *w = ctx;
	const struct mmdb_asns *is = &w->is->asns, *want = &w->want->asns;

	(void)last;
	w->n++;
	if (value > NETMAP_VALUE_MOST)
		return true;
	w->wrong += netmap_find(is->map, first).value != netmap_find(want->map, first).value || is->asn[value].number != want->asn[value].number ||
		strcmp(is->names + is->asn[value].name, want->names + want->asn[value].name) != 0;
	return true;
}

static void every_net_is_where_its_files_say(void)
{
	struct databases d;
	struct fault why;

	open_databases(&d);
	CU_ASSERT_FALSE(atlas_kept_suits(d.atlas, d.files)); /* a small one */
	CU_ASSERT_FALSE(atlas_kept_is(d.kept, d.atlas, d.files));
	CU_ASSERT_PTR_NULL(atlas_kept_read(d.kept, &d.opts, d.files));
	CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, d.files, &why));
	CU_ASSERT_TRUE(atlas_kept_is(d.kept, d.atlas, d.files));
	struct atlas *a = atlas_kept_read(d.kept, &d.opts, d.files);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	struct walk w = { .is = a, .want = d.atlas };
	netmap_walk(d.atlas->cities.map, same_place, &w);
	netmap_walk(d.atlas->asns.map, same_asn, &w);
	CU_ASSERT_TRUE(w.n > 200);
	CU_ASSERT_EQUAL(w.wrong, 0);
	CU_ASSERT_EQUAL(places_count(a->cities.places), places_count(d.atlas->cities.places));
	CU_ASSERT_EQUAL(places_tell_cities(a->cities.places), places_tell_cities(d.atlas->cities.places));
	CU_ASSERT_EQUAL(a->asns.n, d.atlas->asns.n);
	CU_ASSERT_STRING_EQUAL(a->cities.told[0].type, "Test-City");
	CU_ASSERT_STRING_EQUAL(a->asns.told[0].path, d.of[1]);
	const struct atlas_size is = atlas_size(a), want = atlas_size(d.atlas);
	CU_ASSERT_EQUAL(memcmp(&is, &want, sizeof is), 0);
	CU_ASSERT_EQUAL(a->cities.told[0].placed, d.atlas->cities.told[0].placed);
	atlas_drop(a);
	close_databases(&d);
}

static void files_that_have_changed_or_are_others_are_read(void)
{
	struct databases d;
	struct fault why;

	open_databases(&d);
	CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, d.files, &why));
	const struct atlas_opts cities = { d.paths, 2, NULL, 0 }; /* the same files, as something else */
	CU_ASSERT_PTR_NULL(atlas_kept_read(d.kept, &cities, d.files));
	write_file(d.of[1], d.asn);
	struct stamps *now = stamps_take(d.paths, 2);
	CU_ASSERT_PTR_NULL(atlas_kept_read(d.kept, &d.opts, now));
	CU_ASSERT_FALSE(atlas_kept_is(d.kept, d.atlas, now));
	now->of[1].fresh = true;
	CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, now, &why));
	CU_ASSERT_PTR_NULL(atlas_kept_read(d.kept, &d.opts, now)); /* it may change unseen */
	stamps_drop(now);
	close_databases(&d);
}

static void whatever_byte_is_another_none_is_read(void)
{
	struct databases d;
	struct fault why;

	open_databases(&d);
	CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, d.files, &why));
	FILE *f = fopen(d.kept, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fseek(f, 0, SEEK_END);
	const long len = ftell(f);
	fclose(f);
	for (long at = 0; at < len; at += 1 + len / 300) {
		CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, d.files, &why));
		f = fopen(d.kept, "r+e");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fseek(f, at, SEEK_SET);
		const int was = fgetc(f);
		fseek(f, at, SEEK_SET);
		fputc(was ^ 1, f);
		fclose(f);
		CU_ASSERT_PTR_NULL(atlas_kept_read(d.kept, &d.opts, d.files));
		CU_ASSERT_FALSE(atlas_kept_is(d.kept, d.atlas, d.files)); /* and it is written anew, whatever its front says */
	}
	CU_ASSERT_TRUE(atlas_kept_write(d.kept, d.atlas, d.files, &why));
	struct atlas *a = atlas_kept_read(d.kept, &d.opts, d.files);
	CU_ASSERT_PTR_NOT_NULL(a);
	atlas_drop(a);
	close_databases(&d);
}

static const struct unit_case cases[] = {
	{ "every net is where its files say", every_net_is_where_its_files_say },
	{ "files that have changed or are others are read", files_that_have_changed_or_are_others_are_read },
	{ "whatever byte is another, none is read", whatever_byte_is_another_none_is_read },
};

void suite_atlas_kept(void);
void suite_atlas_kept(void)
{
	unit_suite("geo/atlas_kept", cases, UNIT_COUNT(cases));
}
