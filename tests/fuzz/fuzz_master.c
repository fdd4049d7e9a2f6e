/* fuzz_master.c - any bytes as a zone file: no crash, what comes out is well-formed, and the
 * zone that it makes knows its names.
 *
 * A byte 1 in the input splits it: what is behind it is the file "i", for $INCLUDE.
 */
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/compile.h"
#include "zone/denial.h"
#include "zone/master.h"
#include "zone/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char folder[64];

static void leave(void)
{
	if (chdir(folder) == 0) {
		unlink("zone");
		unlink("i");
	}
	rmdir(folder);
}

static void enter(void)
{
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(folder, sizeof folder, "%s/waymark-fuzz-XXXXXX", shm);
	if (!mkdtemp(folder))
		abort();
	atexit(leave);
}

static void put(const char *name, const uint8_t *data, size_t len)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		abort();
}

/* Input that would read other files than its own, or count for long. */
static bool is_out_of_bounds(const uint8_t *data, size_t len)
{
	unsigned digits = 0;

	if (memmem(data, len, "NCLUDE", 6) || memmem(data, len, "nclude", 6))
		if (memchr(data, '/', len) || memmem(data, len, "047", 3))
			return true;
	if (!memchr(data, '$', len))
		return false;
	for (size_t i = 0; i < len; i++) {
		digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;
		if (digits > 3)
			return true;
	}
	return false;
}

static void check(const struct records *r)
{
	const uint8_t *const end = r->bytes ? r->bytes + r->len : NULL;
	struct records_walk walk = records_all(r);
	const struct record *rr = &walk.rr;
	struct fault why;
	size_t n = 0;

	for (; records_walk_next(&walk); n++) {
		if (!name_check(rr->owner, end) ||
			name_len(rr->owner) + r->origin_len - 1u > NAME_MOST ||
			rrtype_is_meta(rr->type))
			abort();
		if (rr->rdata + rr->rdlen > end || rr->ttl_s > 0x7fffffff)
			abort();
		if (!rdata_check(rr->type, rr->rdata, rr->rdlen, &why)) {
			fprintf(stderr, "type %u: %s\n", rr->type, why.text);
			abort();
		}
		if (rr->file >= r->n_files || !rr->line || !rr->column)
			abort();
	}
	if (n != r->n)
		abort();
}

static const struct hash_key key = { 5, 6 };

static void ask(const struct zone *z, const uint8_t *lower)
{
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_NS, RRTYPE_DS, RRTYPE_NSEC,
		RRTYPE_ANY };
	struct zone_name name;

	zone_name_set(&name, key, lower);
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		const struct lookup l = zone_lookup(z, key, &name, types[i]);
		if (!l.node || !l.encloser || l.skip > name.labels - z->apex_labels)
			abort();
		const struct denial_proof p = z->denial ? denial_prove(z, &name, &l)
							: (struct denial_proof){ 0 };
		for (unsigned k = 0; k < p.n; k++)
			if (!zone_find_rrset(
				    p.node[k], z->denial->nsec3 ? RRTYPE_NSEC3 : RRTYPE_NSEC))
				abort();
	}
}

/* Every owner, and a name below it that is mostly none. */
static void compile(struct records *r, struct faults *f)
{
	const struct compile_opts opts = { .key = key };
	struct zone *z = zone_compile(r, &opts, f);
	uint8_t below[NAME_MOST + 2] = { 1, 'q' };
	struct records_walk walk = records_all(r);

	if (!z != (f->errors > 0))
		abort();
	while (z && records_walk_next(&walk)) {
		records_full_name(r, walk.rr.owner, below + 2);
		ask(z, below + 2);
		if (name_len(below) <= NAME_MOST)
			ask(z, below);
	}
	zone_drop(z);
}

/* For $GENERATE. */
static size_t edges_of(void *ctx, const char *pool, const char **to, size_t most)
{
	static const char *const names[] = { "a", "iad.2", "x_1" };
	const size_t n = sizeof names / sizeof *names;

	(void)ctx;
	if (strcmp(pool, "web") != 0 || most < n)
		return 0;
	memcpy(to, names, sizeof names);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t origin[] = "\7example\3com";
	struct records r;
	struct faults f;
	char path[96];

	if (is_out_of_bounds(data, len))
		return 0;
	if (!*folder)
		enter();
	const uint8_t *split = len ? memchr(data, 1, len) : NULL;
	const size_t first = split ? (size_t)(split - data) : len;
	put("zone", data, first);
	if (split)
		put("i", split + 1, len - first - 1);
	snprintf(path, sizeof path, "%s/zone", folder);
	faults_init(&f);
	records_init(&r, origin);
	if (master_read(&r, path, &(struct master_pools){ edges_of, NULL }, &f) != (f.errors == 0))
		abort();
	check(&r);
	if (!f.errors)
		compile(&r, &f);
	records_fini(&r);
	faults_fini(&f);
	return 0;
}
