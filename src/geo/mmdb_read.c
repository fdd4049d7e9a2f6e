#include "geo/mmdb_read.h"

#include "geo/mmdb_file.h"
#include "geo/mmdb_table.h"
#include "geo/mmdb_walk.h"
#include "geo/pages.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { RECENT = 1 << 16 }; /* half a megabyte: a second-level cache holds it */

struct reading {
	const struct mmdb_kind *kind;
	struct netmap *map;
	bool known[2]; /* some file told of IPv4, IPv6 */

	/* Of the file that is read: */
	struct mmdb_told *of;
	struct mmdb_file file;
	struct mmdb_table seen; /* a record's offset and its value */
	struct recent {
		uint32_t at, value;
	} * recent; /* [RECENT] near nets share few records */
	bool v6;    /* what is walked now */
	bool any;   /* there are records */
	bool told;  /* ... and some say what we want */
};

static bool value_of(struct reading *r, uint32_t at, uint32_t *value, struct fault *why)
{
	struct recent *recent = &r->recent[at % RECENT];

	if (recent->at == at) {
		*value = recent->value;
		return true;
	}
	if (!mmdb_table_find(&r->seen, at, value)) {
		if (!r->kind->record(r->kind->ctx, &r->file.data, at, value))
			return mmdb_file_wrong(&r->file, why);
		mmdb_table_add(&r->seen, at, *value);
	}
	r->any = true;
	*recent = (struct recent){ at, *value };
	return true;
}

static bool take_net(void *ctx, const struct mmdb_net *net, struct fault *why)
{
	struct reading *r = ctx;
	uint32_t value;

	if (!value_of(r, net->record, &value, why))
		return false;
	if (value == NETMAP_NONE)
		return true;
	const bool in_order = netmap_append_range(
		r->map, r->v6, net->first, u128_or(net->first, u128_behind(net->bits)), value);
	assert(in_order); /* a tree is walked in order, whatever is in it */
	(void)in_order;
	r->told = true;
	r->of->nets++;
	return true;
}

/* Under which key of the configuration a database of this type belongs. */
static const char *home_of(const char *type)
{
	if (strcasestr(type, "asn"))
		return ", for \"geoip: asn\"";
	if (strcasestr(type, "city") || strcasestr(type, "country"))
		return ", for \"geoip: city\"";
	return "";
}

/* A file from which nothing came: the operator has named the wrong one. */
static bool useless(const struct reading *r, struct fault *why)
{
	const char *path = r->file.path, *type = r->file.db.metadata.database_type;

	if (!r->any && r->known[0] && r->known[1])
		return fault(why,
			"%s: adds nothing: IPv4 and IPv6 both come from the files before it; "
			"leave it out",
			path);
	if (!r->any)
		return fault(why,
			"%s: tells of no network that the files before it do not (database "
			"type \"%.60s\")",
			path, type);
	return fault(why, "%s: tells no %s: it is a database of type \"%.60s\"%s", path,
		r->kind->tells, type, home_of(type));
}

static bool read_file(struct reading *r, const char *path, struct fault *why)
{
	const size_t local = netmap_local(r->map);

	if (!mmdb_file_open(&r->file, path, why))
		return false;
	r->of->built_s = r->file.db.metadata.build_epoch;
	snprintf(r->of->type, sizeof r->of->type, "%s", r->file.db.metadata.database_type);
	r->kind->start(r->kind->ctx, r->of);
	r->any = false;
	memset(r->recent, 0xff, RECENT * sizeof *r->recent); /* no offset is so large */
	bool ok = true, useful = false;
	for (unsigned v6 = 0; ok && v6 < 2; v6++) {
		if (r->known[v6])
			continue;
		r->v6 = v6;
		r->told = false;
		ok = mmdb_walk(&r->file, v6, take_net, r, why);
		r->known[v6] = r->told;
		useful |= r->told;
	}
	r->of->local = netmap_local(r->map) - local;
	/* Where all that it tells is of an odd form, that is told. */
	if (ok && !useful && !r->of->n_odd)
		ok = useless(r, why);
	mmdb_table_fini(&r->seen);
	mmdb_file_close(&r->file);
	return ok;
}

struct netmap *mmdb_read(
	const struct mmdb_kind *kind, struct mmdb_told *told, size_t n, struct fault *why)
{
	struct reading r = { .kind = kind, .map = netmap_new(false) };
	size_t i = 0;

	r.recent = pages_resize(NULL, 0, RECENT * sizeof *r.recent);
	for (; i < n; i++) {
		r.of = &told[i];
		if (!read_file(&r, told[i].path, why))
			break;
	}
	pages_resize(r.recent, RECENT * sizeof *r.recent, 0);
	if (i < n) {
		netmap_drop(r.map);
		return NULL;
	}
	netmap_seal(r.map);
	return r.map;
}
