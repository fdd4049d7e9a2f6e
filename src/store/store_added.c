/* Zones beyond those of the configuration: which there are, and since when. */
#include "base/scope.h"
#include "dns/name.h"
#include "store/store_inner.h"

#include <stdlib.h>
#include <string.h>

static bool put_added(struct store *s, const uint8_t *apex, const struct registry_added *a)
{
	return store_run(store_bind(s, STORE_PUT_ADDED, "bssbbiii", apex, name_len(apex), a->template, a->file,
		a->catalog ? (const void *)a->catalog : "", a->catalog ? name_len(a->catalog) : (size_t)0, a->label ? (const void *)a->label : "",
		a->label ? *a->label + (size_t)1 : (size_t)0, (int64_t)a->uid, a->at_s,
		(int64_t)a->promoted));
}

static bool add_zone(struct store *s, const struct store_addition *a)
{
	static const struct store_timers never;

	return (a->added ? put_added(s, a->apex, a->added)
			 : store_run(store_bind(s, STORE_DROP_ADDED, "b", a->apex, name_len(a->apex)))) &&
		(!a->forgets || store_forget_now(s, a->apex)) &&
		(!a->zone || store_put_now(s, a->zone, &never));
}

bool store_add_zones(
	struct store *s, const struct store_addition *list, size_t n, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = add_zone(s, &list[i]);
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

/* A row as it was read; what a person may have written into the file is not trusted. */
struct added_row {
	uint8_t apex[NAME_MOST], catalog[NAME_MOST], label[64];
	char *template, *file; /* own */
	int64_t uid, at_s;
	bool promoted;
};

static bool column_row(sqlite3_stmt *st, struct added_row *to)
{
	const size_t label = (size_t)sqlite3_column_bytes(st, 4);
	const uint8_t *bytes = sqlite3_column_blob(st, 4);
	const unsigned char *template = sqlite3_column_text(st, 1), *file;

	*to = (struct added_row){ .template = template ? strdup((const char *)template) : NULL };
	file = sqlite3_column_text(st, 2);
	to->file = file ? strdup((const char *)file) : NULL;
	if (!to->template || !to->file || !store_column_name(st, 0, to->apex, true) ||
		!store_column_name(st, 3, to->catalog, false) ||
		(label && (label > sizeof to->label || *bytes + 1u != label)))
		return false;
	if (label)
		memcpy(to->label, bytes, label);
	to->uid = sqlite3_column_int64(st, 5);
	to->at_s = sqlite3_column_int64(st, 6);
	to->promoted = sqlite3_column_int(st, 7) != 0;
	return true;
}

struct added_rows {
	struct added_row *list;
	size_t n, room;
};

static bool column_rows(sqlite3_stmt *st, struct added_rows *rows)
{
	if (rows->n == rows->room) {
		const size_t room = rows->room ? 2 * rows->room : 16;
		struct added_row *list = realloc(rows->list, room * sizeof *list);
		if (!list)
			return false;
		rows->list = list;
		rows->room = room;
	}
	return column_row(st, &rows->list[rows->n++]);
}

static void free_rows(void *rows)
{
	struct added_rows *r = rows;

	for (size_t i = 0; i < r->n; i++) {
		free(r->list[i].template);
		free(r->list[i].file);
	}
	free(r->list);
	*r = (struct added_rows){ 0 };
}

static struct registry_added *added_of(const struct added_row *r)
{
	return registry_added_new(&(struct registry_added){ .template = r->template,
		.file = r->file,
		.catalog = *r->catalog ? r->catalog : NULL,
		.label = *r->label ? r->label : NULL,
		.uid = (unsigned)r->uid,
		.at_s = r->at_s,
		.promoted = r->promoted });
}

/* Nothing that may fail a scope is called under the lock. */
static bool read_rows(
	struct store *s, const uint8_t *apex, struct added_rows *to, struct fault *why)
{
	int step;
	bool ok = true;

	*to = (struct added_rows){ 0 };
	store_lock(s);
	sqlite3_stmt *st = apex ? store_bind(s, STORE_GET_ADDED, "b", apex, name_len(apex))
				: store_bind(s, STORE_GET_ALL_ADDED, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW && ok)
		ok = column_rows(st, to);
	if (ok && step != SQLITE_DONE)
		store_fail(s, why);
	else if (!ok)
		fault(why, "%s: the list of zones that were added cannot be read", s->path);
	sqlite3_reset(st);
	store_unlock(s);
	if (!ok || step != SQLITE_DONE)
		free_rows(to);
	return ok && step == SQLITE_DONE;
}

bool store_added(struct store *s, store_added_each *each, void *ctx, struct fault *why)
{
	struct added_rows rows;

	if (!read_rows(s, NULL, &rows, why))
		return false;
	scope_hold(&rows, free_rows);
	for (size_t i = 0; i < rows.n; i++)
		each(ctx, rows.list[i].apex, added_of(&rows.list[i]));
	scope_forget(&rows, free_rows);
	free_rows(&rows);
	return true;
}

struct registry_added *store_added_find(
	struct store *s, const uint8_t *apex, struct fault *why)
{
	struct added_rows rows;

	*why = (struct fault){ 0 };
	if (!read_rows(s, apex, &rows, why))
		return NULL;
	scope_hold(&rows, free_rows);
	struct registry_added *a = rows.n ? added_of(&rows.list[0]) : NULL;
	scope_forget(&rows, free_rows);
	free_rows(&rows);
	return a;
}
