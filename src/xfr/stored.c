#include "xfr/stored.h"

#include "base/scope.h"
#include "dns/rrtype.h"
#include "store/store_records.h"
#include "zone/change.h"
#include "zone/history.h"
#include "zone/load.h"
#include "zone/sign_types.h"
#include "zone/zone_with.h"

#include <stdio.h>
#include <string.h>

struct reading {
	struct store_picture picture;
	struct records records;
};

/* For a scope. */
static void let_go(void *reading)
{
	struct reading *r = reading;

	records_fini(&r->records);
	store_picture_fini(&r->picture);
}

static struct zone *compile_records(
	struct reading *r, const struct compile_opts *opts, struct fault *why)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_compile(&r->records, opts, &f);
	if (!z) {
		const char *text = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		fault(why, "what is stored of it is not taken any more: %.*s",
			(int)strcspn(text, "\n"), text);
	}
	faults_fini(&f);
	return z;
}

/* Takes the count of `z`. */
static struct zone *with_changes(struct zone *z, struct store_picture *p,
	const struct compile_opts *opts, struct fault *why)
{
	struct faults f;
	struct zone *next = z;
	const size_t n = p->n - p->n_before;
	struct change *all = n ? change_join(
		(const struct change *const *)p->changes + p->n_before, n, why) : NULL;

	faults_init(&f);
	if (n)
		next = all ? zone_with(z, all, &(struct zone_with_opts){ .compile = *opts }, &f)
			   : NULL;
	if (next && n)
		next = zone_merge_wanted(next, opts->key);
	if (!next)
		fault(why, "what is stored of it does not fit together");
	faults_fini(&f);
	change_free(all);
	/* The last of them are its history, too. */
	const size_t first = p->n > HISTORY_STEPS_MOST ? p->n - HISTORY_STEPS_MOST : 0;
	for (size_t i = first; next && i < p->n; i++) {
		history_give(next, i > first ? next : z, p->changes[i]);
		p->changes[i] = NULL;
	}
	if (next != z)
		zone_drop(z);
	return next;
}

/* The file that a zone began with, in the version that it had then: until all of the zone is stored, it is
 * what its steps are upon. */
static struct zone *read_file(struct store *s, const struct store_picture *p, const char *path,
	const uint8_t *apex, const struct compile_opts *opts, struct fault *why)
{
	struct load load = { 0 };
	struct text is = { 0 };
	struct faults f;
	struct zone *z = NULL;

	faults_init(&f);
	if (path && load_zone(&load, path, apex, opts, &f)) {
		load_sources_text(&load, &is);
		if (strcmp(text_get(&is), p->file) == 0)
			zone_hold(z = load.zone);
		load_fini(&load);
	}
	if (!z)
		fault(why,
			"%s has %zu changes of it, the last to serial %u, upon a file that is another by "
			"now (put that one back, with its time, or purge the zone: then the changes "
			"are lost)",
			store_path(s), p->n, p->serial);
	text_fini(&is);
	faults_fini(&f);
	return z;
}

/* What is stored, and where it may have begun: `path`, or NULL. */
struct stored_from {
	struct store *store;
	enum store_which which;
	const char *path;
};

static struct zone *read_stored(const struct stored_from *from, const uint8_t *apex,
	const struct compile_opts *opts, struct store_timers *timers, struct fault *why)
{
	struct store *s = from->store;
	struct reading r;
	struct zone *z = NULL;

	if (!store_get(s, apex, from->which, &r.picture, why))
		return NULL;
	records_init(&r.records, apex);
	scope_hold(&r, let_go);
	*timers = r.picture.timers;
	if (r.picture.file)
		z = read_file(s, &r.picture, from->path, apex, opts, why);
	else if (store_records_read(&r.records, r.picture.records, r.picture.len))
		z = compile_records(&r, opts, why);
	else
		fault(why, "%s: what is stored of it is damaged", store_path(s));
	if (z && r.picture.n)
		z = with_changes(z, &r.picture, opts, why);
	scope_forget(&r, let_go);
	let_go(&r);
	return z;
}

struct zone *stored_zone(struct store *s, const uint8_t *apex, const char *path,
	const struct compile_opts *opts, struct store_timers *timers, struct fault *why)
{
	return read_stored(&(struct stored_from){ s, STORE_ZONE, path }, apex, opts, timers, why);
}

struct zone *stored_signed_zone(struct store *s, const uint8_t *apex,
	const struct compile_opts *opts, struct fault *why)
{
	struct store_timers never;

	return read_stored(
		&(struct stored_from){ s, STORE_SIGNED, NULL }, apex, opts, &never, why);
}

/* Of an SOA the serial is before the last four numbers, and is no data of the zone. */
static bool same_but_serial(const struct change_record *a, const struct change_record *b)
{
	enum { BEHIND = 20 };

	return a->ttl_s == b->ttl_s && a->rdlen == b->rdlen && a->rdlen > BEHIND && memcmp(a->rdata, b->rdata, a->rdlen - BEHIND) == 0 &&
		memcmp(a->rdata + a->rdlen - BEHIND + 4, b->rdata + b->rdlen - BEHIND + 4, BEHIND - 4) == 0;
}

/* Does all of it come of signing? */
static bool is_of_signing(const struct change *c)
{
	const uint8_t *apex = view_apex(change_id(c));
	struct change_walk walk = change_each(c);
	struct change_record soa = { .owner = NULL };

	while (change_next(&walk)) {
		const struct change_record *rr = &walk.rr;
		if (rr->type != RRTYPE_SOA && !sign_makes(rr->type, name_equal(rr->owner, apex)))
			return false;
		if (rr->type == RRTYPE_SOA && rr->comes && !same_but_serial(&soa, rr))
			return false;
		if (rr->type == RRTYPE_SOA)
			soa = *rr;
	}
	return true;
}

/* The steps that lead on from `z` are behind p->n_before then. False: none do. */
static bool find_steps(const struct zone *z, struct store_picture *p)
{
	if (p->serial == z->serial)
		p->n_before = p->n;
	while (p->n_before < p->n && change_from(p->changes[p->n_before]) != z->serial)
		p->n_before++;
	for (size_t i = p->n_before; i < p->n; i++)
		if (!is_of_signing(p->changes[i]))
			return false;
	return p->n_before < p->n || p->serial == z->serial;
}

struct zone *stored_signed_upon(struct store *s, int64_t base, struct zone *z, const struct compile_opts *opts)
{
	struct reading r;
	struct fault why;

	records_init(&r.records, zone_id(z));
	if (!store_get_steps(s, zone_id(z), STORE_SIGNED, base, &r.picture, &why)) {
		zone_drop(z);
		return NULL;
	}
	scope_hold(&r, let_go);
	struct zone *next = NULL;
	if (find_steps(z, &r.picture))
		next = with_changes(z, &r.picture, opts, &why);
	else
		zone_drop(z);
	scope_forget(&r, let_go);
	let_go(&r);
	return next;
}
