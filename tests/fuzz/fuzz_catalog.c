/* fuzz_catalog.c - any records below the apex of a catalog zone: what is read of it is in order, no zone twice, and another catalog
 * that is made of it says the same.
 */
#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/catalog.h"
#include "zone/registry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct hash_key key = { 5, 6 };
static const uint8_t apex[] = "\1c";

struct input {
	const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static void add(struct records *r, const uint8_t *owner, uint16_t type, const void *rdata, size_t len)
{
	const uint32_t group = records_owner(r, owner, name_len(owner));

	if (!group || !records_add(r, group,
			      &(struct record){ .rdata = rdata, .rdlen = (uint16_t)len, .type = type }))
		abort();
}

/* Some labels that mean something, and any others of a byte. */
static size_t put_labels(struct input *in, uint8_t *to, unsigned most)
{
	static const char *const known[] = { "\5zones", "\7version", "\5group", "\3coo", "\3ext", "\1*" };
	unsigned n = next(in) % (most + 1);
	size_t len = 0;

	while (n--) {
		const uint8_t b = next(in);
		if (b < sizeof known / sizeof *known) {
			memcpy(to + len, known[b], strlen(known[b]));
			len += strlen(known[b]);
		} else {
			to[len++] = 1;
			to[len++] = b;
		}
	}
	return len;
}

static void add_any(struct records *r, struct input *in)
{
	uint8_t owner[NAME_MOST] = { 0 }, rdata[NAME_MOST] = { 0 };
	const size_t at = put_labels(in, owner, 4);

	memcpy(owner + at, apex, sizeof apex);
	if (next(in) & 1) {
		const size_t len = put_labels(in, rdata, 3);
		rdata[len] = 0;
		add(r, owner, RRTYPE_PTR, rdata, len + 1);
	} else {
		const size_t n = next(in) % 4;
		rdata[0] = (uint8_t)n;
		for (size_t i = 0; i < n; i++)
			rdata[1 + i] = next(in);
		if (next(in) & 1)
			rdata[n + 1] = 0; /* an empty string behind it */
		add(r, owner, RRTYPE_TXT, rdata, n + 1 + (in->at < in->end && (*in->at & 1)));
	}
}

static struct zone *zone_of_input(struct input *in)
{
	static const uint8_t soa[] = "\7invalid\0\7invalid\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5",
			     invalid[] = "\7invalid", version[] = "\7version\1c", two[] = "\1""2";
	const struct compile_opts opts = { .key = key, .quiet = true };
	struct records r;
	struct faults f;

	records_init(&r, apex);
	faults_init(&f);
	add(&r, apex, RRTYPE_SOA, soa, sizeof soa - 1);
	add(&r, apex, RRTYPE_NS, invalid, sizeof invalid);
	if (next(in) & 7)
		add(&r, version, RRTYPE_TXT, two, 2);
	while (in->at < in->end)
		add_any(&r, in);
	struct zone *z = zone_compile(&r, &opts, &f);
	records_fini(&r);
	faults_fini(&f);
	return z;
}

/* Made anew, it has the same members, with the first of their groups. */
static void make_again(const struct catalog *c)
{
	struct catalog_row *rows = memory_zeroed(c->n, sizeof *rows);
	const struct compile_opts opts = { .key = key };
	struct arena mem = { 0 };
	struct catalog again;
	struct faults f;
	struct fault why;

	for (size_t i = 0; i < c->n; i++)
		rows[i] = (struct catalog_row){ c->members[i].apex,
			c->members[i].n_groups ? c->members[i].groups[0] : NULL };
	faults_init(&f);
	struct zone *z = catalog_make(apex, 9, rows, c->n, &opts, &f);
	if (!z || !catalog_read(z, c->n, &mem, &again, &why) || again.n != c->n)
		abort();
	for (size_t i = 0; i < c->n; i++)
		if (!name_equal(again.members[i].apex, c->members[i].apex) ||
			again.members[i].n_groups != (c->members[i].n_groups != 0))
			abort();
	zone_drop(z);
	faults_fini(&f);
	arena_fini(&mem);
	memory_free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, data + len };
	struct zone *z = zone_of_input(&in);
	struct arena mem = { 0 };
	struct catalog c;
	struct fault why;

	if (!z)
		return 0;
	if (catalog_read(z, 20, &mem, &c, &why)) {
		if (c.n > 20)
			abort();
		for (size_t i = 1; i < c.n; i++)
			if (registry_compare(c.members[i - 1].apex, c.members[i].apex) >= 0)
				abort();
		for (size_t i = 0; i < c.n; i++)
			if (catalog_find(&c, c.members[i].apex) != &c.members[i])
				abort();
		make_again(&c);
	}
	arena_fini(&mem);
	zone_drop(z);
	return 0;
}
