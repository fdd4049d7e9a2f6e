/* Zones in the store, step by step; and read. */
#include "dns/name.h"
#include "store/store_inner.h"
#include "zone/change.h"
#include "zone/history.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHANGES_LEAST = 256 << 10 /* bytes of changes that a zone may have, or as many as it has itself */ };

/* --- steps -------------------------------------------------------------------------------- */

/* The first step of a zone that is still its file's. */
static enum store_found find_or_make(
	struct store *s, const struct store_step *step, struct store_row *row)
{
	const uint8_t *apex = change_id(step->change);
	const enum store_found found = store_find(s, apex, step->which, row);

	if (found != STORE_NOT_THERE || !step->file)
		return found;
	return store_run(store_bind(s, STORE_MAKE_ZONE, "bib", apex, name_len(apex),
		       (int64_t)change_from(step->change), step->file, strlen(step->file)))
		? store_find(s, apex, STORE_ZONE, row)
		: STORE_NOT_READ;
}

/* With no memory for it, the next step tells again. */
static void add_due(struct store *s, const uint8_t *apex)
{
	for (size_t i = 0; i < s->n_due; i++)
		if (name_equal(s->due[i], apex))
			return;
	if (s->n_due == s->due_room) {
		const size_t room = s->due_room ? 2 * s->due_room : 16;
		void *more = realloc(s->due, room * sizeof *s->due);
		if (!more)
			return;
		s->due = more;
		s->due_room = room;
	}
	memcpy(s->due[s->n_due], apex, name_len(apex));
	__atomic_store_n(&s->n_due, s->n_due + 1, __ATOMIC_RELEASE);
}

void store_due_again(struct store *s, const uint8_t *apex)
{
	store_lock(s);
	add_due(s, apex);
	store_unlock(s);
}

bool store_is_due(const struct store *s)
{
	return __atomic_load_n(&s->n_due, __ATOMIC_ACQUIRE) != 0;
}

bool store_take_due(struct store *s, uint8_t apex[static NAME_MOST])
{
	store_lock(s);
	const bool any = s->n_due != 0;
	if (any) {
		memcpy(apex, s->due[s->n_due - 1], NAME_MOST);
		__atomic_store_n(&s->n_due, s->n_due - 1, __ATOMIC_RELEASE);
	}
	store_unlock(s);
	return any;
}

static enum store_result add_step(struct store *s, const struct store_step *step, struct fault *why)
{
	const uint8_t *apex = change_id(step->change);
	char name[NAME_TEXT];
	struct store_row row;
	size_t len;
	const uint8_t *bytes = change_bytes(step->change, &len);

	const enum store_found found = find_or_make(s, step, &row);
	if (found == STORE_NOT_READ) {
		store_fail(s, why);
		return STORE_FAILED;
	}
	if (found == STORE_NOT_THERE || row.serial != change_from(step->change)) {
		fault(why, "%s: zone %s is not stored with serial %u", s->path,
			view_text(name, apex), change_from(step->change));
		return STORE_APART;
	}
	const bool is_large =
		row.since + (int64_t)len > (row.whole > CHANGES_LEAST ? row.whole : CHANGES_LEAST);
	if (is_large && step->which == STORE_SIGNED) {
		fault(why, "%s: zone %s has more changes than data", s->path,
			view_text(name, apex));
		return STORE_APART;
	}
	if (!store_run(store_bind(s, STORE_ADD_CHANGE, "ibii", row.id, bytes, len,
		    (int64_t)change_to(step->change), (int64_t)time(NULL))) ||
		!store_run(store_bind(s, STORE_ADVANCE, "iii", row.id,
			(int64_t)change_to(step->change), (int64_t)len)) ||
		(step->has_timers &&
			!store_run(store_bind(s, STORE_SET_TIMERS, "bii", apex, name_len(apex),
				step->timers.checked_s, (int64_t)step->timers.expire_s)))) {
		store_fail(s, why);
		return STORE_FAILED;
	}
	s->counts.steps++;
	if (row.of_file || is_large)
		add_due(s, apex);
	return STORE_DONE;
}

static bool are_soon(const struct store_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!steps[i].soon)
			return false;
	return true;
}

enum store_result store_add(
	struct store *s, const struct store_step *steps, size_t n, struct fault *why)
{
	enum store_result result = STORE_FAILED;

	store_lock(s);
	const bool quick = are_soon(steps, n) && store_quick(s, true);
	if (store_begin(s, why)) {
		result = STORE_DONE;
		for (size_t i = 0; result == STORE_DONE && i < n; i++)
			result = add_step(s, &steps[i], why);
		if (result == STORE_DONE)
			result = store_commit(s, why) ? STORE_DONE : STORE_FAILED;
		else
			store_roll_back(s);
	}
	if (quick)
		store_quick(s, false);
	store_unlock(s);
	return result;
}

/* What is left of it is nothing that anybody finds. */
static bool forget(struct store *s, const uint8_t *apex, enum store_which which,
	struct store_row *row, bool *there)
{
	const enum store_found found = store_find(s, apex, which, row);

	*there = found == STORE_FOUND;
	if (!store_run(store_bind(s, STORE_DROP_WRITTEN, "b", apex, name_len(apex))))
		return false;
	if (found != STORE_FOUND)
		return found == STORE_NOT_THERE;
	return store_run(store_bind(s, STORE_DROP_CHANGES, "ii", row->id, INT64_MAX)) &&
		store_run(store_bind(s, STORE_SET_WHOLE, "iiiiii", row->id, (int64_t)0, (int64_t)0,
			(int64_t)0, (int64_t)-1, (int64_t)0)) &&
		store_run(store_bind(s, STORE_END_MAKING, "ii", row->id, (int64_t)-1));
}

static bool forget_row(
	struct store *s, const uint8_t *apex, enum store_which which, struct fault *why)
{
	struct store_row row = { 0 };
	bool there = false;

	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok)
		ok = forget(s, apex, which, &row, &there) ? store_commit(s, why)
							  : store_give_up(s, why);
	store_unlock(s);
	return ok && (!there || (store_drop_others(s, row.id, -1, why) && store_end_making(s, row.id, why)));
}

bool store_forget(struct store *s, const uint8_t *apex, struct fault *why)
{
	return forget_row(s, apex, STORE_ZONE, why) && forget_row(s, apex, STORE_SIGNED, why);
}

bool store_forget_signed(struct store *s, const uint8_t *apex, struct fault *why)
{
	return forget_row(s, apex, STORE_SIGNED, why);
}

static bool forget_row_now(struct store *s, const uint8_t *apex, enum store_which which)
{
	struct store_row row = { 0 };
	bool there = false, more = true;
	bool ok = forget(s, apex, which, &row, &there);

	while (ok && there && more)
		ok = store_drop_parts(s, row.id, -1, &more);
	return ok && (!there || store_run(store_bind(s, STORE_DROP_ZONE, "i", row.id)));
}

bool store_forget_now(struct store *s, const uint8_t *apex)
{
	return forget_row_now(s, apex, STORE_ZONE) && forget_row_now(s, apex, STORE_SIGNED);
}

/* --- reading ------------------------------------------------------------------------------ */

bool store_has(struct store *s, const uint8_t *apex, uint32_t *serial, struct fault *why)
{
	struct store_row row = { 0 };

	*why = (struct fault){ 0 };
	store_lock(s);
	const enum store_found found = store_find(s, apex, STORE_ZONE, &row);
	if (found == STORE_NOT_READ)
		store_fail(s, why);
	store_unlock(s);
	if (found == STORE_FOUND)
		*serial = row.serial;
	return found == STORE_FOUND;
}

bool store_mark(struct store *s, const uint8_t *apex, struct store_mark *to, struct fault *why)
{
	*to = (struct store_mark){ .none = false };
	to->there = store_has(s, apex, &to->serial, why);
	to->none = !to->there && !*why->text;
	return to->there || to->none;
}

static bool get_parts(struct store *s, const struct store_row *row, struct store_picture *to)
{
	sqlite3_stmt *st = store_bind(s, STORE_GET_PARTS, "ii", row->id, row->base);
	int step = SQLITE_DONE;
	bool ok = true;

	to->records = malloc((size_t)row->whole + 1);
	ok = to->records != NULL;
	while (ok && (step = sqlite3_step(st)) == SQLITE_ROW) {
		const size_t len = (size_t)sqlite3_column_bytes(st, 0);
		ok = len <= (size_t)row->whole - to->len;
		if (!ok)
			break;
		memcpy(to->records + to->len, sqlite3_column_blob(st, 0), len);
		to->len += len;
	}
	sqlite3_reset(st);
	return ok && step == SQLITE_DONE && to->len == (size_t)row->whole;
}

static bool get_changes(struct store *s, const struct store_row *row, struct store_picture *to,
	struct fault *why)
{
	const int64_t from = row->base_n - HISTORY_STEPS_MOST;
	sqlite3_stmt *st = store_bind(s, STORE_GET_CHANGES, "ii", row->id, from);
	int step = SQLITE_DONE;
	bool ok = true;

	while (ok && (step = sqlite3_step(st)) == SQLITE_ROW) {
		if ((to->n & (to->n - 1)) == 0) {
			struct change **all = realloc(
				to->changes, (to->n ? 2 * to->n : 1) * sizeof(*all));
			ok = all != NULL;
			if (!ok)
				break;
			to->changes = all;
		}
		to->changes[to->n] = change_open(sqlite3_column_blob(st, 0),
			(size_t)sqlite3_column_bytes(st, 0), why);
		ok = to->changes[to->n] != NULL;
		to->n_before += ok && sqlite3_column_int64(st, 1) <= row->base_n;
		to->n += ok;
	}
	sqlite3_reset(st);
	return ok && step == SQLITE_DONE;
}

static bool get_file(struct store *s, const struct store_row *row, struct store_picture *to)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(s->db, "SELECT file FROM zone WHERE id = ?1", -1, &st,
			  NULL) == SQLITE_OK &&
		sqlite3_bind_int64(st, 1, row->id) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW;

	if (ok) {
		const void *text = sqlite3_column_blob(st, 0);
		const size_t len = (size_t)sqlite3_column_bytes(st, 0);
		to->file = calloc(1, len + 1);
		ok = to->file != NULL;
		if (ok)
			memcpy(to->file, text, len);
	}
	sqlite3_finalize(st);
	return ok;
}

bool store_get_base(struct store *s, const uint8_t *apex, enum store_which which, struct store_base *to)
{
	struct store_row row = { 0 };

	store_lock_to_read(s);
	const bool found = store_find(s, apex, which, &row) == STORE_FOUND && !row.of_file;
	store_unlock(s);
	*to = (struct store_base){ row.base, row.whole, row.since, row.serial };
	return found;
}

static bool get_records(struct store *s, const struct store_row *row, struct store_picture *to)
{
	return row->of_file ? get_file(s, row, to) : get_parts(s, row, to);
}

/* `base`: all that is wanted are steps since then; NULL: the records, too. */
static bool get(struct store *s, const uint8_t *apex, enum store_which which, const int64_t *base,
	struct store_picture *to, struct fault *why)
{
	struct store_row row = { 0 };
	char name[NAME_TEXT];
	bool ok = false;

	*to = (struct store_picture){ 0 };
	*why = (struct fault){ 0 };
	store_lock_to_read(s);
	const enum store_found found = store_find(s, apex, which, &row);
	const bool other = base && found == STORE_FOUND && (row.of_file || row.base != *base);
	if (found != STORE_NOT_THERE && !other) {
		ok = found == STORE_FOUND && (base || get_records(s, &row, to)) && get_changes(s, &row, to, why);
		if (ok) {
			to->serial = row.serial;
			to->timers = row.timers;
		}
		const int code = sqlite3_errcode(s->db);
		if (!ok && code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
			fault(why, "%s: zone %s cannot be read: %s", s->path,
				view_text(name, apex), sqlite3_errmsg(s->db));
		else if (!ok)
			fault(why, "%s: what is stored of zone %s is damaged", s->path,
				view_text(name, apex));
	}
	store_unlock(s);
	if (!ok)
		store_picture_fini(to);
	return ok;
}

bool store_get(struct store *s, const uint8_t *apex, enum store_which which,
	struct store_picture *to, struct fault *why)
{
	return get(s, apex, which, NULL, to, why);
}

bool store_get_steps(struct store *s, const uint8_t *apex, enum store_which which, int64_t base, struct store_picture *to, struct fault *why)
{
	return get(s, apex, which, &base, to, why);
}

void store_picture_fini(struct store_picture *p)
{
	for (size_t i = 0; i < p->n; i++)
		change_free(p->changes[i]);
	free(p->changes);
	free(p->records);
	free(p->file);
	*p = (struct store_picture){ 0 };
}

/* --- old steps ---------------------------------------------------------------------------- */

bool store_trim(struct store *s, struct fault *why)
{
	sqlite3_stmt *st;
	int64_t id = 0, until = 0;
	bool ok = true, more = true;

	while (ok && more) {
		store_lock(s);
		st = store_bind(s, STORE_WITH_HISTORY, "i", id);
		more = sqlite3_step(st) == SQLITE_ROW;
		id = sqlite3_column_int64(st, 0);
		until = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
		if (more)
			ok = store_drop_old_changes(s, id, until) || store_fail(s, why);
		store_unlock(s);
	}
	/* What is free at the end of the file goes back, some at a time. */
	for (int i = 0; ok && i < 64; i++) {
		store_lock(s);
		ok = sqlite3_exec(s->db, "PRAGMA incremental_vacuum(256)", NULL, NULL, NULL) ==
				SQLITE_OK ||
			store_fail(s, why);
		store_unlock(s);
	}
	return ok;
}

bool store_is_of_file(struct store *s, const uint8_t *apex)
{
	struct store_row row = { .of_file = false };

	store_lock(s);
	const enum store_found found = store_find(s, apex, STORE_ZONE, &row);
	store_unlock(s);
	return found == STORE_FOUND && row.of_file;
}
