/* Zones in the store: put whole, step by step, and read. What is large is written by pieces, each a
 * transaction, beside what is valid: so nobody else waits long, and one that is stopped in between has
 * changed nothing. */
#include "dns/name.h"
#include "store/store_inner.h"
#include "store/store_records.h"
#include "zone/change.h"
#include "zone/history.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PART = 128 << 10, /* bytes of a zone in one row, and in one transaction */
	DROP_AT_ONCE = 4, /* rows of them */
	CHANGES_LEAST = 256 << 10 /* bytes of changes that a zone may have, or as many as it has itself */
};

/* --- a base ------------------------------------------------------------------------------- */

struct putting {
	struct store *s;
	const struct zone *z;
	enum store_which which;
	const struct store_timers *timers; /* NULL: what is stored goes on from this base */
	struct fault *why;
	struct store_records records;
	uint8_t *part; /* the next, of `len` bytes; 0: there is none */
	size_t len;
	int64_t id, base, n, whole;
	int64_t until; /* with no timers: the last change that is in the base */
	bool apart;    /* it cannot be put */
	bool rest;     /* of what it replaces there is more than went with it */
};

static bool one_number(sqlite3_stmt *st, int64_t *to)
{
	const bool ok = sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		*to = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return ok;
}

static bool start(struct putting *p)
{
	struct store *s = p->s;
	uint8_t key[NAME_MOST + 1];
	const size_t len = store_key(key, p->z->apex, p->which);

	p->base = ++s->last_base;
	return (!p->timers ||
		       store_run(store_bind(s, STORE_MAKE_ZONE, "bib", key, len,
			       (int64_t)p->z->serial, NULL, (size_t)0))) &&
		one_number(store_bind(s, STORE_SET_MAKING, "bi", key, len, p->base), &p->id);
}

/* Of a zone that goes on: which of its changes are in the base. False: it is of no version that is
 * stored. */
static bool find_until(struct putting *p)
{
	struct store_row row;

	if (store_find(p->s, p->z->apex, p->which, &row) != STORE_FOUND)
		return false;
	p->until = 0;
	return one_number(store_bind(p->s, STORE_FIND_CHANGE, "ii", row.id,
				  row.serial == p->z->serial ? -1 : (int64_t)p->z->serial),
		       &p->until) &&
		(p->until || row.serial == p->z->serial);
}

/* The newest that fit stay, for those who ask for what has changed. */
static bool drop_old_changes(struct store *s, int64_t id, int64_t until)
{
	const int64_t oldest_s = (int64_t)time(NULL) - s->limits.history_s;
	sqlite3_stmt *st = store_bind(s, STORE_OLD_CHANGES, "ii", id, until);
	size_t bytes = 0;
	int64_t drop = 0;
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const int64_t at_s = sqlite3_column_int64(st, 2); /* 0: not known */
		bytes += (size_t)sqlite3_column_int64(st, 1);
		if (bytes > s->limits.history_bytes || (at_s && at_s < oldest_s)) {
			drop = sqlite3_column_int64(st, 0);
			break;
		}
	}
	sqlite3_reset(st);
	return (step == SQLITE_DONE || step == SQLITE_ROW) &&
		(!drop || store_run(store_bind(s, STORE_DROP_CHANGES, "ii", id, drop)));
}

/* Parts of other bases: some of them. */
static bool drop_parts(struct store *s, int64_t id, int64_t base, bool *more)
{
	const bool ok = store_run(
		store_bind(s, STORE_DROP_PARTS, "iii", id, base, (int64_t)DROP_AT_ONCE));

	*more = ok && sqlite3_changes(s->db) == DROP_AT_ONCE;
	return ok;
}

static bool finish(struct putting *p)
{
	struct store *s = p->s;

	if (!drop_parts(s, p->id, p->base, &p->rest))
		return false;
	if (!p->timers)
		return store_run(store_bind(s, STORE_SET_BASE, "iiii", p->id, p->base, p->until,
			       p->whole)) &&
			drop_old_changes(s, p->id, p->until);
	return store_run(store_bind(s, STORE_SET_WHOLE, "iiiiii", p->id, (int64_t)p->z->serial,
		       p->timers->checked_s, (int64_t)p->timers->expire_s, p->base,
		       p->whole)) &&
		store_run(store_bind(s, STORE_DROP_CHANGES, "ii", p->id, INT64_MAX));
}

static bool put_part(struct putting *p)
{
	if (!store_run(store_bind(p->s, STORE_ADD_PART, "iib", p->id,
		    (p->base << 32) + ++p->n, p->part, p->len)))
		return false;
	p->whole += (int64_t)p->len;
	return true;
}

/* Ours, or it can be made so. */
static bool is_ours(struct putting *p, bool *ok)
{
	int64_t making = 0;

	if (p->base)
		return one_number(store_bind(p->s, STORE_GET_MAKING, "i", p->id), &making) &&
			making == p->base;
	if (!p->timers && !find_until(p))
		return false;
	*ok = start(p);
	return true;
}

/* One transaction: the part that comes next, and when it is the last, that they are what is stored. False also
 * when the zone has gone, or another base of it has been begun. Only the last has to be on the disk when this
 * returns. */
static bool put_piece(struct putting *p, bool last)
{
	struct store *s = p->s;

	store_lock(s);
	bool ok = (last || store_quick(s, true)) && store_begin(s, p->why);
	if (ok) {
		p->apart = !is_ours(p, &ok);
		if (p->apart)
			store_run(store_bind(s, STORE_ROLLBACK, ""));
		else
			ok = ok && put_part(p) && (!last || finish(p)) ? store_commit(s, p->why)
								       : store_give_up(s, p->why);
	}
	if (!last)
		store_quick(s, false);
	store_unlock(s);
	return p->apart
		? fault(p->why, "%s: what is stored of the zone is another by now", s->path)
		: ok;
}

static bool drop_others(struct store *s, int64_t id, int64_t base, struct fault *why)
{
	bool more = true, ok = true;

	while (ok && more) {
		store_lock(s);
		ok = store_begin(s, why);
		if (ok)
			ok = drop_parts(s, id, base, &more) ? store_commit(s, why)
							    : store_give_up(s, why);
		store_unlock(s);
	}
	return ok;
}

static enum store_result put(struct store *s, const struct zone *z, enum store_which which,
	const struct store_timers *t, struct fault *why)
{
	struct putting p = { .s = s, .z = z, .which = which, .timers = t, .why = why };

	p.part = malloc(2 * (PART + STORE_RECORD_MOST));
	if (!p.part) {
		fault(why, "out of memory");
		return STORE_FAILED;
	}
	/* Two halves: which is the last is known when there is no next. */
	uint8_t *halves[2] = { p.part, p.part + PART + STORE_RECORD_MOST };
	p.records = store_records(z);
	p.len = store_records_fill(&p.records, p.part, PART);
	bool ok = true;
	for (unsigned i = 1; ok && p.len; i ^= 1) {
		const size_t next = store_records_fill(&p.records, halves[i], PART);
		ok = put_piece(&p, !next);
		p.part = halves[i];
		p.len = next;
	}
	free(halves[0]);
	/* When that fails, it goes with the next. */
	if (ok && p.rest)
		drop_others(s, p.id, p.base, &(struct fault){ 0 });
	return ok ? STORE_DONE : p.apart ? STORE_APART : STORE_FAILED;
}

bool store_put_now(struct store *s, const struct zone *z, const struct store_timers *t)
{
	struct putting p = { .s = s, .z = z, .timers = t, .records = store_records(z) };
	p.part = malloc(PART + STORE_RECORD_MOST);
	bool ok = p.part && start(&p);
	while (ok && (p.len = store_records_fill(&p.records, p.part, PART)))
		ok = put_part(&p);
	free(p.part);
	ok = ok && finish(&p);
	while (ok && p.rest)
		ok = drop_parts(s, p.id, p.base, &p.rest);
	return ok;
}

bool store_put(struct store *s, const struct zone *z, const struct store_timers *t,
	struct fault *why)
{
	return put(s, z, STORE_ZONE, t, why) == STORE_DONE;
}

bool store_put_signed(struct store *s, const struct zone *z, struct fault *why)
{
	static const struct store_timers never;

	return put(s, z, STORE_SIGNED, &never, why) == STORE_DONE;
}

enum store_result store_rebase(struct store *s, const struct zone *z, struct fault *why)
{
	return put(s, z, STORE_ZONE, NULL, why);
}

/* Nothing is left of a zone that has neither base nor file. */
static bool end_making(struct store *s, int64_t id, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		ok = store_run(store_bind(s, STORE_END_MAKING, "ii", id, (int64_t)0)) &&
			store_run(store_bind(s, STORE_DROP_ZONE, "i", id));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

bool store_clear_unfinished(struct store *s, struct fault *why)
{
	for (;;) {
		sqlite3_stmt *st = store_bind(s, STORE_UNFINISHED, "");
		const int step = sqlite3_step(st);
		const int64_t id = sqlite3_column_int64(st, 0),
			      base = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
		if (step == SQLITE_DONE)
			return true;
		if (step != SQLITE_ROW)
			return store_fail(s, why);
		if (!store_run(store_bind(s, STORE_END_MAKING, "ii", id, (int64_t)-1)))
			return store_fail(s, why);
		if (!drop_others(s, id, base, why) || !end_making(s, id, why))
			return false;
	}
}

/* --- steps -------------------------------------------------------------------------------- */

/* The first step of a zone that is still its file's. */
static enum store_found find_or_make(
	struct store *s, const struct store_step *step, struct store_row *row)
{
	const uint8_t *apex = change_apex(step->change);
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
	const uint8_t *apex = change_apex(step->change);
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
			name_text(name, apex), change_from(step->change));
		return STORE_APART;
	}
	const bool is_large =
		row.since + (int64_t)len > (row.whole > CHANGES_LEAST ? row.whole : CHANGES_LEAST);
	if (is_large && step->which == STORE_SIGNED) {
		fault(why, "%s: zone %s has more changes than data", s->path,
			name_text(name, apex));
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

enum store_result store_add(
	struct store *s, const struct store_step *steps, size_t n, struct fault *why)
{
	enum store_result result = STORE_FAILED;

	store_lock(s);
	if (store_begin(s, why)) {
		result = STORE_DONE;
		for (size_t i = 0; result == STORE_DONE && i < n; i++)
			result = add_step(s, &steps[i], why);
		if (result == STORE_DONE)
			result = store_commit(s, why) ? STORE_DONE : STORE_FAILED;
		else if (!sqlite3_get_autocommit(s->db))
			store_run(store_bind(s, STORE_ROLLBACK, ""));
	}
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
	return ok && (!there || (drop_others(s, row.id, -1, why) && end_making(s, row.id, why)));
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
		ok = drop_parts(s, row.id, -1, &more);
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

bool store_get(struct store *s, const uint8_t *apex, enum store_which which,
	struct store_picture *to, struct fault *why)
{
	struct store_row row = { 0 };
	char name[NAME_TEXT];
	bool ok = false;

	*to = (struct store_picture){ 0 };
	*why = (struct fault){ 0 };
	store_lock(s);
	const enum store_found found = store_find(s, apex, which, &row);
	if (found != STORE_NOT_THERE) {
		ok = found == STORE_FOUND &&
			(row.of_file ? get_file(s, &row, to) : get_parts(s, &row, to)) &&
			get_changes(s, &row, to, why);
		if (ok) {
			to->serial = row.serial;
			to->timers = row.timers;
		}
		const int code = sqlite3_errcode(s->db);
		if (!ok && code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
			fault(why, "%s: zone %s cannot be read: %s", s->path,
				name_text(name, apex), sqlite3_errmsg(s->db));
		else if (!ok)
			fault(why, "%s: what is stored of zone %s is damaged", s->path,
				name_text(name, apex));
	}
	store_unlock(s);
	if (!ok)
		store_picture_fini(to);
	return ok;
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
			ok = drop_old_changes(s, id, until) || store_fail(s, why);
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
