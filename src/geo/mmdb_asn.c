#include "geo/mmdb.h"

#include "base/memory.h"
#include "geo/mmdb_read.h"
#include "geo/mmdb_table.h"

#include <math.h>
#include <string.h>

enum { NAME_MOST = 256 };

/* The keys of all layouts, the better first: MaxMind's own (also inside "traits", in its
 * larger databases), and those of others. */
enum { TRAITS, FIRST_NUMBER, FIRST_NAME = FIRST_NUMBER + 3, KEYS = FIRST_NAME + 5 };
static const struct mmdb_key record_keys[KEYS] = {
	MMDB_KEY("traits"),
	MMDB_KEY("autonomous_system_number"),
	MMDB_KEY("asn"),
	MMDB_KEY("as_number"),
	MMDB_KEY("autonomous_system_organization"),
	MMDB_KEY("as_name"),
	MMDB_KEY("as_organization"),
	MMDB_KEY("organization"),
	MMDB_KEY("name"),
};

struct list {
	struct mmdb_asn *asn;
	size_t n, room;
	char *names;
	size_t len, names_room;
	struct mmdb_table known; /* an AS number and its place in `asn` */
	struct mmdb_told *told;  /* of the file that is read */
};

static void *more_room(void *p, size_t *room, size_t need, size_t size)
{
	if (need <= *room)
		return p;
	*room = need + need / 2 + 64;
	return memory_grow(p, *room * size);
}

static uint32_t add_asn(struct list *l, uint32_t number, const char *name)
{
	const size_t len = strlen(name);
	uint32_t at = 0;

	l->names = more_room(l->names, &l->names_room, l->len + len + 1, 1);
	if (len || l->len == 0) {
		at = (uint32_t)l->len;
		memcpy(l->names + at, name, len + 1);
		l->len += len + 1;
	}
	l->asn = more_room(l->asn, &l->room, l->n + 1, sizeof *l->asn);
	l->asn[l->n] = (struct mmdb_asn){ number, at };
	return (uint32_t)l->n++;
}

/* 64500, "64500", "AS64500". 0 is nobody (RFC 7607), as is what is none of these. */
static uint32_t read_number(
	struct list *l, struct mmdb_bytes *data, const char *key, const struct mmdb_value *v)
{
	struct mmdb_value digits = *v;
	double d = 0;

	if (v->type == MMDB_TEXT && v->size > 2 && memcmp(data->p + v->at, "AS", 2) == 0) {
		digits.at += 2;
		digits.size -= 2;
	}
	if (!v->type || mmdb_says_nothing(data, v))
		return 0;
	if (mmdb_number(data, &digits, &d) && d >= 0 && d <= UINT32_MAX && d == floor(d))
		return d < UINT32_MAX ? (uint32_t)d : 0;
	mmdb_told_odd(l->told, key, "an AS number", data, v);
	return 0;
}

static bool find_keys(
	struct mmdb_bytes *data, uint32_t at, struct mmdb_value found[static KEYS])
{
	struct mmdb_value map;

	if (!mmdb_value_at(data, at, &map))
		return false;
	if (map.type != MMDB_MAP)
		return mmdb_wrong(data, at, "a record is not a map");
	if (!mmdb_map_find(data, &map, record_keys, KEYS, found))
		return false;
	if (found[FIRST_NUMBER].type || found[TRAITS].type != MMDB_MAP)
		return true;
	map = found[TRAITS];
	return mmdb_map_find(data, &map, record_keys, KEYS, found);
}

static void start_file(void *ctx, struct mmdb_told *told)
{
	((struct list *)ctx)->told = told;
}

static bool read_record(void *ctx, struct mmdb_bytes *data, uint32_t at, uint32_t *value)
{
	struct list *l = ctx;
	struct mmdb_value found[KEYS];
	char name[NAME_MOST] = "";
	uint32_t number = 0;

	*value = NETMAP_NONE;
	if (!find_keys(data, at, found))
		return false;
	for (unsigned i = FIRST_NUMBER; i < FIRST_NAME && !number; i++)
		number = read_number(l, data, record_keys[i].name, &found[i]);
	if (!number || mmdb_table_find(&l->known, number, value))
		return true;
	for (unsigned i = FIRST_NAME; i < KEYS && !name[0]; i++)
		if (found[i].type == MMDB_TEXT)
			mmdb_text(data, &found[i], name, sizeof name);
		else if (found[i].type)
			mmdb_told_odd(l->told, record_keys[i].name, "a text", data, &found[i]);
	if (l->n > NETMAP_VALUE_MOST)
		return mmdb_wrong(data, at, "there are more than 16 million AS numbers");
	*value = add_asn(l, number, name);
	mmdb_table_add(&l->known, number, *value);
	return true;
}

bool mmdb_read_asns(struct mmdb_asns *to, const char *const *paths, size_t n, struct fault *why)
{
	struct list l = { 0 };
	const struct mmdb_kind kind = { "AS numbers", start_file, read_record, &l };
	struct mmdb_told *told = mmdb_told_new(paths, n);

	add_asn(&l, 0, "");
	struct netmap *map = mmdb_read(&kind, told, n, why);
	mmdb_table_fini(&l.known);
	l.asn = memory_grow(l.asn, l.n * sizeof *l.asn);
	l.names = memory_grow(l.names, l.len);
	*to = (struct mmdb_asns){ map, l.asn, l.n, l.names, told, n };
	if (!map)
		mmdb_asns_free(to);
	return map != NULL;
}

void mmdb_asns_free(struct mmdb_asns *asns)
{
	netmap_drop(asns->map);
	memory_free(asns->asn);
	memory_free(asns->names);
	mmdb_told_free(asns->told, asns->n_told);
	*asns = (struct mmdb_asns){ 0 };
}
