#include "daemon/write_back_inner.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "zone/file_edit.h"
#include "zone/load.h"
#include "zone/sign.h"
#include "zone/zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	WORTH = 10,   /* of the time, a file is written in one part of so many */
	LEAST_S = 1,  /* between two writings */
	FAILED_S = 30 /* until one that has failed is tried again */
};

/* A zone at work. */
struct at_work {
	struct pass *p;
	struct synced *s;
	const struct registry_zone *z;
	struct compile_opts opts;
	bool asked; /* it is one that the order is about */
};

static bool fail(struct at_work *a, const char *what)
{
	snprintf(a->s->fault, sizeof a->s->fault, "%s", what);
	a->s->not_before = a->p->now + FAILED_S;
	if (a->asked) {
		text_addf(&a->p->told, "%s\n", what);
		a->p->ok = false;
	}
	return false;
}

/* The version that the file has now, and that it has that serial. */
static void put_version(struct at_work *a, uint32_t serial, const struct file_stamp *stamp)
{
	struct synced *s = a->s;
	struct fault why;

	if (s->known && !s->rewrites && s->row.serial == serial &&
		file_stamp_same(&s->row.stamp, stamp)) {
		s->fault[0] = 0;
		s->edited = false;
		return;
	}
	s->row = (struct store_written){ serial, *stamp };
	s->row.stamp.fresh = false;
	s->known = true;
	if (s->edited)
		s->not_before = 0;
	s->rewrites = s->edited = false;
	s->fault[0] = 0;
	if (!store_put_written(a->p->store, s->apex, &s->row, &why))
		fail(a, why.text);
}

/* --- writing ------------------------------------------------------------------------------ */

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
}

/* The store's steps must not begin with a file that goes. False: later. */
static bool is_whole(struct at_work *a)
{
	struct fault why;

	if (!store_is_of_file(a->p->store, a->s->apex))
		return true;
	switch (store_rebase(a->p->store, a->z->load.zone, &why)) {
	case STORE_DONE: return true;
	case STORE_APART: a->p->again = true; return false;
	case STORE_FAILED: break;
	}
	return fail(a, why.text);
}

/* A zone that is signed here stands without that in its file. */
static void put_text(struct at_work *a, const struct zone *zone, struct text *to)
{
	struct zone *own = NULL;
	struct faults f;

	faults_init(&f);
	if (a->z->keys)
		own = sign_strip(zone, &a->opts, &f);
	if (a->z->keys && !own)
		to->lost = true;
	else
		zone_text(to, own ? own : zone, RDATA_FOR_US);
	if (own)
		zone_drop(own);
	faults_fini(&f);
}

/* In the place of the version `was` of the file; NULL: of none. */
static bool write_file(struct at_work *a, const struct file_stamp *was)
{
	const struct zone *zone = a->z->load.zone;
	const double begun = clock_seconds();
	struct file_stamp now;
	struct text text = { 0 };
	struct fault why;

	if (!is_whole(a))
		return false;
	scope_hold(&text, text_let_go);
	put_text(a, zone, &text);
	const enum file_result result = file_replace_version(a->z->path, &text,
		&(struct file_version){ was, &now, mode_of(a->z->path) }, &why);
	scope_forget(&text, text_let_go);
	text_fini(&text);
	a->s->not_before = clock_seconds() + LEAST_S + (WORTH - 1) * (clock_seconds() - begun);
	a->p->written += result == FILE_REPLACED;
	if (result == FILE_REPLACED)
		put_version(a, zone->serial, &now);
	else if (result == FILE_IS_OTHER)
		a->p->again = true; /* somebody is at work: look again */
	else
		fail(a, why.text);
	return result == FILE_REPLACED;
}

static void write_if_due(struct at_work *a, const struct file_stamp *was)
{
	const bool now = a->asked && a->p->order != WRITE_BACK_TAKE;

	if (!now && a->p->now < a->s->not_before)
		a->p->again = true;
	else
		write_file(a, was);
}

/* --- files that are not as they were left ------------------------------------------------- */

static void add_edit(struct at_work *a, struct zone *file, const struct file_stamp *stamp)
{
	struct edit *e = memory_zeroed(1, sizeof *e);

	e->file = file;
	e->row = (struct store_written){ a->s->row.serial, *stamp };
	e->row.stamp.fresh = false;
	e->knows_serial = a->s->known;
	memcpy(e->own.apex, a->s->apex, name_len(a->s->apex));
	e->next = a->p->edits;
	a->p->edits = e;
}

static void edited(struct at_work *a, struct zone *file, const struct file_stamp *stamp)
{
	char say[512];

	a->s->edited = true;
	if (a->asked && a->p->order == WRITE_BACK_TAKE) {
		zone_hold(file);
		add_edit(a, file, stamp);
		return;
	}
	snprintf(say, sizeof say,
		"%.300s was changed since it was written: a reload takes that; until then "
		"changes of the "
		"zone are in the store alone",
		a->z->path);
	fail(a, say);
}

static void look_at(struct at_work *a, struct zone *file, const struct file_stamp *stamp)
{
	const uint32_t *written = a->s->known ? &a->s->row.serial : NULL;
	struct file_edit e = file_edit_look(file, a->z->load.zone, written, &a->opts);
	const enum file_edit_kind kind = e.kind;

	file_edit_fini(&e);
	switch (kind) {
	case FILE_EDIT_NONE: put_version(a, file->serial, stamp); break;
	case FILE_EDIT_OLD:
		put_version(a, file->serial, stamp);
		write_if_due(a, &a->s->row.stamp);
		break;
	case FILE_EDIT_CHANGED:
	case FILE_EDIT_UNKNOWN: edited(a, file, stamp); break;
	}
}

/* It is another version of the file than is known. */
static void look_at_file(struct at_work *a, const struct file_stamp *stamp)
{
	struct load load;
	struct faults f;

	if (a->asked && a->p->order == WRITE_BACK_DISCARD) {
		write_file(a, stamp);
		return;
	}
	if (!a->asked && a->s->edited && file_stamp_same(&a->s->looked, stamp))
		return; /* as it was */
	a->s->looked = *stamp;
	faults_init(&f);
	if (load_zone(&load, a->z->path, a->s->apex, &a->opts, &f)) {
		/* The version that was read. */
		look_at(a, load.zone, &load.sources[0].stamp);
		load_fini(&load);
	} else {
		const char *first = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		char line[512];
		snprintf(line, sizeof line, "%.*s", (int)strcspn(first, "\n"), first);
		a->s->edited = true;
		if (a->asked)
			text_add(&a->p->told, text_get(&f.text));
		const bool asked = a->asked;
		a->asked = false; /* it has been told in full */
		fail(a, line);
		a->p->ok = a->p->ok && !asked;
	}
	faults_fini(&f);
}

/* --- each zone ---------------------------------------------------------------------------- */

static void know(struct at_work *a)
{
	struct fault why;

	if (!a->s->known)
		a->s->known = store_get_written(a->p->store, a->s->apex, &a->s->row, &why);
}

static void work_at(struct at_work *a)
{
	struct file_stamp stamp;
	const struct load *l = &a->z->load;

	/* Nothing has changed it: it is its file, which its writer may change as he likes. */
	if (l->n) {
		a->s->row = (struct store_written){ l->zone->serial, l->sources[0].stamp };
		a->s->known = !a->s->row.stamp.fresh;
		a->s->edited = a->s->rewrites = false;
		a->s->fault[0] = 0;
		return;
	}
	know(a);
	if (!file_stamp_settled(a->z->path, &stamp)) {
		write_if_due(a, NULL);
		return;
	}
	if (!a->s->known || !file_stamp_same(&stamp, &a->s->row.stamp)) {
		look_at_file(a, &stamp);
		return;
	}
	if (a->s->row.serial != l->zone->serial || a->s->rewrites)
		write_if_due(a, &a->s->row.stamp);
	else
		a->s->fault[0] = 0;
}

static bool is_asked(const struct pass *p, const uint8_t *apex)
{
	return p->ask && (!p->ask->one || name_equal(p->ask->apex, apex));
}

/* The file of one that is faulty is its writer's until it is mended, or an update has changed the zone. */
static bool is_synced(const struct pass *p, size_t i)
{
	const struct registry *r = p->held.zones;
	const struct registry_zone *z = r->zones[i];

	return parts_conf(&p->held)->rules[zone_set_rule(r->set, i)].synced &&
		z->source == REGISTRY_STORE && *z->path && z->state == REGISTRY_READY;
}

/* With what is known of those that there were. */
static void list_zones(struct pass *p, size_t **numbers)
{
	const struct registry *r = p->held.zones;
	struct synced *list = NULL;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->n; i++)
		n += is_synced(p, i);
	list = memory_zeroed(n, sizeof *list);
	*numbers = memory_zeroed(n, sizeof(**numbers));
	n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const uint8_t *apex = r->zones[i]->origin;
		if (!is_synced(p, i))
			continue;
		while (k < p->n && registry_compare(p->list[k].apex, apex) < 0)
			k++;
		if (k < p->n && registry_compare(p->list[k].apex, apex) == 0)
			list[n] = p->list[k];
		else
			memcpy(list[n].apex, apex, name_len(apex));
		(*numbers)[n++] = i;
	}
	p->list = list;
	p->n = n;
}

void write_back_pass(struct pass *p)
{
	const struct conf *c = parts_conf(&p->held);
	size_t *numbers;

	p->ok = true;
	p->told = (struct text){ 0 };
	list_zones(p, &numbers);
	for (size_t i = 0; i < p->n; i++) {
		struct at_work a = { .p = p,
			.s = &p->list[i],
			.z = p->held.zones->zones[numbers[i]],
			.opts = zone_pools_compile_opts(c, p->key),
			.asked = is_asked(p, p->list[i].apex) };
		if (p->ask && p->ask->one && !a.asked)
			continue;
		work_at(&a);
	}
	memory_free(numbers);
}

/* --- the change --------------------------------------------------------------------------- */

struct change *write_back_change(
	void *ctx, const struct zone *now, uint32_t next_serial, struct fault *why)
{
	struct edit *e = ctx;
	const struct conf *c = parts_conf(&e->held);
	const struct compile_opts opts = zone_pools_compile_opts(c, e->key);
	struct text names = { 0 };
	struct change *to = NULL;
	struct file_edit of = file_edit_look(
		e->file, now, e->knows_serial ? &e->row.serial : NULL, &opts);

	*why = (struct fault){ 0 };
	switch (of.kind) {
	case FILE_EDIT_NONE:
	case FILE_EDIT_OLD: break;
	case FILE_EDIT_UNKNOWN:
		fault(why,
			"what was changed in the file cannot be told: it has serial %u, and no "
			"such version "
			"is known any more (\"zone export\" gives what is served, serial %u; "
			"change that)",
			e->file->serial, now->serial);
		break;
	case FILE_EDIT_CHANGED:
		e->whole = of.base->serial == now->serial;
		to = change_onto(&(struct change_onto){ .change = of.change,
					 .base = of.base,
					 .now = now,
					 .then = e->file,
					 .key = e->key,
					 .next_serial = next_serial,
					 .conflicts = &names },
			why);
		if (!to && names.len)
			text_addf(&e->own.told, "%s:\n%s", why->text, text_get(&names));
	}
	text_fini(&names);
	file_edit_fini(&of);
	return to;
}
