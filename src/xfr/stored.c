#include "xfr/stored.h"

#include "base/scope.h"
#include "store/store_records.h"
#include "zone/change.h"
#include "zone/history.h"
#include "zone/load.h"
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
