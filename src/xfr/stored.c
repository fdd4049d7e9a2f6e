#include "xfr/stored.h"

#include "base/scope.h"
#include "zone/change.h"
#include "zone/history.h"
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

static bool add_records(struct reading *r)
{
	struct store_record rr = { .owner = NULL };
	size_t at = 0;

	while (store_next_record(&r->picture, &at, &rr)) {
		const uint32_t group = records_owner(&r->records, rr.owner, name_len(rr.owner));
		if (!group ||
			!records_add(&r->records, group,
				&(struct record){ .rdata = rr.rdata,
					.ttl_s = rr.ttl_s,
					.type = rr.type,
					.rdlen = rr.rdlen,
					.file = UINT16_MAX }))
			return false;
	}
	return at == r->picture.len;
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
	struct zone *next = NULL;
	struct change *all = change_join((const struct change *const *)p->changes, p->n, why);

	faults_init(&f);
	if (all)
		next = zone_with(z, all, &(struct zone_with_opts){ .compile = *opts }, &f);
	if (next)
		next = zone_merge_wanted(next, opts->key);
	if (all && !next)
		fault(why, "what is stored of it does not fit together");
	faults_fini(&f);
	change_free(all);
	/* They are its history, too. */
	for (size_t i = 0; next && i < p->n; i++) {
		history_give(next, i ? next : z, p->changes[i]);
		p->changes[i] = NULL;
	}
	zone_drop(z);
	return next;
}

struct zone *stored_zone(struct store *s, const uint8_t *apex, const struct compile_opts *opts,
	struct store_timers *timers, struct fault *why)
{
	struct reading r;
	struct zone *z = NULL;

	if (!store_get(s, apex, &r.picture, why))
		return NULL;
	records_init(&r.records, apex);
	scope_hold(&r, let_go);
	*timers = r.picture.timers;
	if (add_records(&r))
		z = compile_records(&r, opts, why);
	else
		fault(why, "%s: what is stored of it is damaged", store_path(s));
	if (z && r.picture.n)
		z = with_changes(z, &r.picture, opts, why);
	scope_forget(&r, let_go);
	let_go(&r);
	return z;
}
