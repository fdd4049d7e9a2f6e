/* fuzz_change.c - any bytes as a change set: what is taken is whole, and comes out of another
 * making as the same; and a zone that it is made to is what it is without a shared image, and
 * what the change between the two makes.
 */
#include "dns/rrtype.h"
#include "zone/change.h"
#include "zone/image.h"
#include "zone/rdata.h"
#include "zone/zone_with.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct change *c, const struct change_record *rr, const uint8_t *end)
{
	struct fault why;

	if (!name_check(rr->owner, end) || !name_is_under(rr->owner, change_id(c)) ||
		rr->rdata + rr->rdlen > end || rr->ttl_s > 0x7fffffff ||
		!rdata_check(rr->type, rr->rdata, rr->rdlen, &why))
		abort();
}

/* --- on a zone ---------------------------------------------------------------------------- */

static const struct hash_key key = { 5, 6 };
static const uint8_t apex[] = "\7example";

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return *name != 'n';
}

static void put(
	struct records *r, const char *labels, uint16_t type, const char *rdata, size_t rdlen)
{
	uint8_t owner[NAME_MOST];
	const size_t len = strlen(labels);

	memcpy(owner, labels, len);
	memcpy(owner + len, apex, sizeof apex);
	if (!records_add(r, records_owner(r, owner, len + sizeof apex),
		    &(struct record){ .rdata = (const uint8_t *)rdata,
			    .rdlen = (uint16_t)rdlen,
			    .type = type,
			    .ttl_s = 5 }))
		abort();
}

/* Names that changes of few bytes meet: a cut, a wildcard, a name that only others need. */
static struct zone *small_zone(const struct zone_with_opts *opts, bool chain)
{
	static const char nsec[] = "\1e\7example\0\0\1\x40";
	static const char soa[] = "\2ns\7example\0\1h\7example\0\0\0\0\1\0\0\0\2\0\0\0\3"
				  "\0\0\0\4\0\0\0\5";
	struct records r;
	struct faults f;

	faults_init(&f);
	records_init(&r, apex);
	put(&r, "", RRTYPE_SOA, soa, sizeof soa - 1);
	put(&r, "", RRTYPE_NS, "\2ns\7example", 12);
	put(&r, "\1a", RRTYPE_A, "\300\0\2\1", 4);
	put(&r, "\1c\1c", RRTYPE_NS, "\1a\7example", 11);
	put(&r, "\1x\1c\1c", RRTYPE_A, "\300\0\2\1", 4);
	put(&r, "\1*\1b", RRTYPE_MX, "\0\1\1a\7example", 13);
	put(&r, "\1e", RRTYPE_EDGE, "\3web", 4);
	if (chain) {
		put(&r, "", RRTYPE_NSEC, nsec, sizeof nsec - 1);
		put(&r, "\1e", RRTYPE_NSEC, nsec, sizeof nsec - 1);
	}
	struct zone *z = zone_compile(&r, &opts->compile, &f);
	if (!z || !z->denial == chain)
		abort();
	records_fini(&r);
	faults_fini(&f);
	return z;
}

/* No record goes or comes from one to the other. */
static void check_same(const struct zone *a, const struct zone *b)
{
	struct change *c = change_between(a, b, NULL);
	const struct zone_node *n = image_first(a), *m = image_first(b);

	if (!c || change_goes(c) != 1 || change_comes(c) != 1 || a->records != b->records ||
		a->nodes != b->nodes)
		abort();
	for (; n && m; n = image_next(a, n), m = image_next(b, m))
		if (n->flags != m->flags || n->name_len != m->name_len)
			abort();
	if (n || m)
		abort();
	change_free(c);
}

static void make_to(const struct zone *z, const struct change *c, bool tolerant)
{
	struct zone_with_opts opts = {
		.compile = { .key = key, .pool_known = pool_known, .quiet = true },
		.tolerant = tolerant
	};
	struct faults f;

	faults_init(&f);
	struct zone *to = zone_with(z, c, &opts, &f);
	if (!to != (f.errors > 0))
		abort();
	if (to) {
		struct zone *merged = zone_merge(to, key, &f);
		opts.tolerant = false;
		struct change *between = change_between(z, to, NULL);
		struct zone *again = zone_with(z, between, &opts, &f);
		if (!again)
			abort();
		check_same(to, merged);
		check_same(to, again);
		zone_drop(again);
		change_free(between);
		zone_drop(merged);
	}
	zone_drop(to);
	faults_fini(&f);
}

static void change_zone(const struct change *c)
{
	static struct zone *z, *signed_zone;
	const struct zone_with_opts opts = {
		.compile = { .key = key, .pool_known = pool_known, .quiet = true }
	};

	if (!z) {
		z = small_zone(&opts, false);
		signed_zone = small_zone(&opts, true);
	}
	if (!name_equal(change_id(c), apex))
		return;
	make_to(z, c, true);
	make_to(z, c, false);
	make_to(signed_zone, c, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault why = { "" };
	struct change *c = change_open(data, len, &why);
	uint32_t n[2] = { 0, 0 };
	size_t again_len, joined_len;

	if (!c) {
		if (!*why.text)
			abort();
		return 0;
	}
	size_t bytes_len;
	const uint8_t *bytes = change_bytes(c, &bytes_len);
	if (bytes_len != len || memcmp(bytes, data, len) != 0)
		abort();
	struct change *again = change_new(change_id(c));
	struct change_walk walk = change_each(c);
	while (change_next(&walk)) {
		check(c, &walk.rr, bytes + len);
		n[walk.rr.comes]++;
		if (!(walk.rr.comes ? change_add : change_remove)(again, &walk.rr, &why))
			abort();
	}
	if (n[0] != change_goes(c) || n[1] != change_comes(c) || !change_seal(again, &why) ||
		change_from(again) != change_from(c) || change_to(again) != change_to(c))
		abort();
	change_bytes(again, &again_len);
	const struct change *one[1] = { again };
	struct change *joined = change_join(one, 1, &why);
	if (!joined || again_len > len + 2 * NAME_MOST)
		abort();
	change_bytes(joined, &joined_len);
	if (joined_len > 2 * len + 512 * (n[0] + n[1]))
		abort();
	change_zone(c);
	change_free(joined);
	change_free(again);
	change_free(c);
	return 0;
}
