#include "geo/atlas_kept.h"

#include "base/kept.h"
#include "base/memory.h"
#include "base/text.h"
#include "geo/netmap_kept.h"
#include "geo/place_kept.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Another form of what is here, of netmaps or of places, is another kind. */
#define KIND "atlas 1"

enum { NETS_LEAST = 100000, NAMES_MOST = 1 << 30 };

/* What a file told; its path is known. */
struct kept_told {
	char type[MMDB_TYPE_TEXT];
	uint64_t built_s, nets, local, placed;
};

void atlas_kept_of(const struct atlas_opts *o, const struct stamps *files, struct text *to)
{
	text_addf(to, "%zu %zu\n", o->n_city_files, o->n_asn_files);
	for (size_t i = 0; i < files->n; i++) {
		const struct file_stamp *s = &files->of[i];
		text_addf(to, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", s->device, s->inode, s->size,
			s->mtime_ns, s->ctime_ns, files->paths[i]);
	}
}

bool atlas_kept_settled(const struct stamps *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->of[i].fresh || !files->of[i].inode)
			return false;
	return files->n && !files->faulty;
}

bool atlas_kept_suits(const struct atlas *a, const struct stamps *files)
{
	const struct atlas_size size = atlas_size(a);
	bool odd = false;

	for (size_t i = 0; i < a->cities.n_told; i++)
		odd = odd || a->cities.told[i].n_odd;
	for (size_t i = 0; i < a->asns.n_told; i++)
		odd = odd || a->asns.told[i].n_odd;
	return atlas_kept_settled(files) && !odd && size.nets + size.asn_nets >= NETS_LEAST &&
		a->cities.n_told + a->asns.n_told == files->n;
}

/* --- writing ------------------------------------------------------------------------------ */

static void put_told(struct kept_out *o, const struct mmdb_told *told, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct kept_told t;
		memset(&t, 0, sizeof t);
		memcpy(t.type, told[i].type, sizeof t.type);
		t.built_s = told[i].built_s;
		t.nets = told[i].nets;
		t.local = told[i].local;
		t.placed = told[i].placed;
		kept_put(o, &t, sizeof t);
	}
}

/* Texts end in NUL, and the last of them is that of the last number. */
static size_t names_len(const struct mmdb_asns *a)
{
	uint32_t last = 0;

	for (size_t i = 0; i < a->n; i++)
		last = a->asn[i].name > last ? a->asn[i].name : last;
	return a->names ? last + strlen(a->names + last) + 1 : 0;
}

bool atlas_kept_write(const char *path, const struct atlas *a, const struct stamps *files, struct fault *why)
{
	const struct atlas_opts opts = { .n_city_files = a->cities.n_told, .n_asn_files = a->asns.n_told };
	struct text of = { 0 };
	struct kept_out o;

	atlas_kept_of(&opts, files, &of);
	const bool ok = !of.lost && kept_create(&o, path, KIND, why);
	if (ok) {
		kept_put(&o, text_get(&of), of.len);
		put_told(&o, a->cities.told, a->cities.n_told);
		put_told(&o, a->asns.told, a->asns.n_told);
		place_kept_put(&o, a->cities.places);
		netmap_kept_put(&o, a->cities.map);
		netmap_kept_put(&o, a->asns.map);
		kept_put(&o, a->asns.asn, a->asns.n * sizeof *a->asns.asn);
		kept_put(&o, a->asns.names ? a->asns.names : "", names_len(&a->asns));
	}
	text_fini(&of);
	return ok && kept_done(&o, why);
}

/* --- reading ------------------------------------------------------------------------------ */

/* Is it of these files? */
static bool open_same(struct kept_in *in, const char *path, const struct atlas_opts *opts, const struct stamps *files)
{
	struct text want = { 0 };

	atlas_kept_of(opts, files, &want);
	const bool same = kept_open_of(in, path, KIND, &want);
	text_fini(&want);
	return same;
}

bool atlas_kept_is(const char *path, const struct atlas *a, const struct stamps *files)
{
	const struct atlas_opts opts = { .n_city_files = a->cities.n_told, .n_asn_files = a->asns.n_told };
	struct kept_in in;

	if (!open_same(&in, path, &opts, files))
		return false;
	kept_close(&in);
	return true;
}

static bool get_told(struct kept_in *in, struct mmdb_told *told, size_t n)
{
	struct kept_told t;

	for (size_t i = 0; i < n; i++) {
		if (!kept_get(in, &t, sizeof t))
			return false;
		memcpy(told[i].type, t.type, sizeof t.type);
		told[i].type[sizeof t.type - 1] = 0;
		told[i].built_s = t.built_s;
		told[i].nets = t.nets;
		told[i].local = t.local;
		told[i].placed = t.placed;
	}
	return true;
}

static bool get_asns(struct kept_in *in, struct mmdb_asns *a)
{
	const size_t len = kept_next(in);

	if (len % sizeof *a->asn || len / sizeof *a->asn > NETMAP_VALUE_MOST)
		return false;
	a->n = len / sizeof *a->asn;
	a->asn = memory_zeroed(a->n + 1, sizeof *a->asn);
	if (!kept_get(in, a->asn, len) || kept_next(in) > NAMES_MOST)
		return false;
	const size_t names = kept_next(in);
	a->names = memory_zeroed(names + 1, 1);
	if (!kept_get(in, a->names, names) || !kept_ended(in))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->asn[i].name > names)
			return false;
	return true;
}

static bool get_all(struct kept_in *in, struct atlas *a)
{
	return get_told(in, a->cities.told, a->cities.n_told) && get_told(in, a->asns.told, a->asns.n_told) &&
		(a->cities.places = place_kept_get(in)) && (a->cities.map = netmap_kept_get(in)) &&
		(a->asns.map = netmap_kept_get(in)) && get_asns(in, &a->asns);
}

struct atlas *atlas_kept_read(const char *path, const struct atlas_opts *opts, const struct stamps *files)
{
	struct kept_in in;

	if (!atlas_kept_settled(files) || !open_same(&in, path, opts, files))
		return NULL;
	struct atlas *a = memory_zeroed(1, sizeof *a);
	a->refs = 1;
	a->cities.n_told = opts->n_city_files;
	a->asns.n_told = opts->n_asn_files;
	a->cities.told = mmdb_told_new(opts->city_files, opts->n_city_files);
	a->asns.told = mmdb_told_new(opts->asn_files, opts->n_asn_files);
	if (get_all(&in, a)) {
		kept_close(&in);
		return a;
	}
	kept_close_harmed(&in, path);
	atlas_drop(a);
	return NULL;
}
