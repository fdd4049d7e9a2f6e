#include "store/store.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/name.h"
#include "store/store_records.h"
#include "zone/change.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	VERSION = 3,
	APPLICATION = 0x57594d4b, /* "WYMK", as "file" shows it */
	PART = 256 << 10,         /* bytes of a zone in one row */
	CHANGES_LEAST = 256 << 10, /* bytes of changes that a zone may have, or as many as it has itself */
	BUSY_MS = 5000,
	WAL_MOST = 16 << 20 /* bytes that the journal keeps on the disk */
};

/* What makes version i + 1 of version i. Version 1 is made of nothing. */
static const char *const migrations[VERSION] = {
	"CREATE TABLE zone (id INTEGER PRIMARY KEY, apex BLOB NOT NULL UNIQUE,"
	" serial INTEGER NOT NULL, checked_s INTEGER NOT NULL, expire_s INTEGER NOT NULL,"
	/* bytes of its parts, and of its changes */
	" whole INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE part (zone INTEGER NOT NULL, n INTEGER NOT NULL, bytes BLOB NOT NULL,"
	" PRIMARY KEY (zone, n)) WITHOUT ROWID;"
	"CREATE TABLE change (zone INTEGER NOT NULL, n INTEGER NOT NULL, bytes BLOB NOT NULL,"
	" PRIMARY KEY (zone, n)) WITHOUT ROWID;",
	/* zones beyond the configuration; an empty catalog: an operator has added it */
	"CREATE TABLE added (apex BLOB PRIMARY KEY, template TEXT NOT NULL, file TEXT NOT NULL,"
	" catalog BLOB NOT NULL, label BLOB NOT NULL, uid INTEGER NOT NULL, at_s INTEGER NOT NULL)"
	" WITHOUT ROWID;",
	/* what peers that know no EDGE have last been given of zones */
	"CREATE TABLE plain (apex BLOB PRIMARY KEY, serial INTEGER NOT NULL, digest INTEGER NOT NULL)"
	" WITHOUT ROWID;",
};

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	FIND,
	PUT_ZONE,
	SET_SERIAL,
	SET_WHOLE,
	SET_TIMERS,
	DROP_PARTS,
	DROP_CHANGES,
	DROP_ZONE,
	ADD_PART,
	ADD_CHANGE,
	GET_PARTS,
	GET_CHANGES,
	COUNT_ZONES,
	PUT_PLAIN,
	GET_PLAIN,
	GET_ALL_PLAIN,
	PUT_ADDED,
	DROP_ADDED,
	GET_ADDED,
	GET_ALL_ADDED,
	STATEMENTS
};

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[FIND] = "SELECT id, serial, checked_s, expire_s, whole, since FROM zone WHERE apex = ?1",
	[PUT_ZONE] = "INSERT INTO zone (apex, serial, checked_s, expire_s) VALUES (?1, ?2, ?3, ?4)"
		     " ON CONFLICT (apex) DO UPDATE SET serial = ?2, checked_s = ?3, expire_s = ?4",
	[SET_SERIAL] = "UPDATE zone SET serial = ?2, since = since + ?3 WHERE id = ?1",
	[SET_WHOLE] = "UPDATE zone SET whole = ?2, since = 0 WHERE id = ?1",
	[SET_TIMERS] = "UPDATE zone SET checked_s = ?2, expire_s = ?3 WHERE apex = ?1",
	[DROP_PARTS] = "DELETE FROM part WHERE zone = ?1",
	[DROP_CHANGES] = "DELETE FROM change WHERE zone = ?1",
	[DROP_ZONE] = "DELETE FROM zone WHERE id = ?1",
	[ADD_PART] = "INSERT INTO part (zone, n, bytes) VALUES (?1, ?2, ?3)",
	[ADD_CHANGE] = "INSERT INTO change (zone, n, bytes) VALUES (?1,"
		       " (SELECT coalesce(max(n), 0) + 1 FROM change WHERE zone = ?1), ?2)",
	[GET_PARTS] = "SELECT bytes FROM part WHERE zone = ?1 ORDER BY n",
	[GET_CHANGES] = "SELECT bytes FROM change WHERE zone = ?1 ORDER BY n",
	[PUT_PLAIN] = "INSERT INTO plain (apex, serial, digest) VALUES (?1, ?2, ?3)"
		      " ON CONFLICT (apex) DO UPDATE SET serial = ?2, digest = ?3",
	[GET_PLAIN] = "SELECT apex, serial, digest FROM plain WHERE apex = ?1",
	[GET_ALL_PLAIN] = "SELECT apex, serial, digest FROM plain ORDER BY apex",
	[COUNT_ZONES] = "SELECT count(*) FROM zone",
	[PUT_ADDED] = "INSERT OR REPLACE INTO added (apex, template, file, catalog, label, uid, at_s)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[DROP_ADDED] = "DELETE FROM added WHERE apex = ?1",
	[GET_ADDED] = "SELECT apex, template, file, catalog, label, uid, at_s FROM added"
		      " WHERE apex = ?1",
	[GET_ALL_ADDED] = "SELECT apex, template, file, catalog, label, uid, at_s FROM added"
			  " ORDER BY apex",
};

struct store {
	pthread_mutex_t lock; /* of all below: nothing that may fail a scope is called under it */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct store_counts counts;
	char path[];
};

static bool fail(struct store *s, struct fault *why)
{
	const int code = sqlite3_errcode(s->db);

	s->counts.failed++;
	return fault(why, "%s: %s%s", s->path, sqlite3_errmsg(s->db),
		code == SQLITE_FULL ? " (free some room on the disk; nothing that was confirmed is "
				      "lost)"
				    : "");
}

/* --- statements --------------------------------------------------------------------------- */

/* Binds what follows by its letters: b bytes and length, s a string, i an int64_t. */
static sqlite3_stmt *bind(struct store *s, enum statement which, const char *letters, ...)
{
	sqlite3_stmt *st = s->statements[which];
	va_list ap;

	sqlite3_reset(st);
	va_start(ap, letters);
	for (int i = 1; *letters; letters++, i++) {
		if (*letters == 'b') {
			const void *bytes = va_arg(ap, const void *);
			const size_t len = va_arg(ap, size_t);
			/* No bytes are not NULL. */
			sqlite3_bind_blob64(st, i, bytes ? bytes : "", len, SQLITE_STATIC);
		} else if (*letters == 's') {
			sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else {
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		}
	}
	va_end(ap);
	return st;
}

/* Of one that returns no rows. */
static bool run(sqlite3_stmt *st)
{
	const bool ok = sqlite3_step(st) == SQLITE_DONE;

	sqlite3_reset(st);
	return ok;
}

static bool begin(struct store *s, struct fault *why)
{
	return run(bind(s, BEGIN, "")) || fail(s, why);
}

/* A full disk has rolled back by itself: then nothing that follows may be taken for a part of what began. */
static bool give_up(struct store *s, struct fault *why)
{
	fail(s, why);
	if (!sqlite3_get_autocommit(s->db))
		run(bind(s, ROLLBACK, ""));
	return false;
}

static bool commit(struct store *s, struct fault *why)
{
	if (!run(bind(s, COMMIT, "")))
		return give_up(s, why);
	s->counts.commits++;
	return true;
}

/* The row of a zone. That it cannot be read is not that it is not there. */
struct row {
	int64_t id;
	uint32_t serial;
	int64_t whole, since; /* bytes */
	struct store_timers timers;
};

enum found { FOUND, NOT_THERE, NOT_READ };

static enum found find(struct store *s, const uint8_t *apex, struct row *to)
{
	sqlite3_stmt *st = bind(s, FIND, "b", apex, name_len(apex));
	const int step = sqlite3_step(st);

	if (step == SQLITE_ROW) {
		to->id = sqlite3_column_int64(st, 0);
		to->serial = (uint32_t)sqlite3_column_int64(st, 1);
		to->timers.checked_s = sqlite3_column_int64(st, 2);
		to->timers.expire_s = (uint32_t)sqlite3_column_int64(st, 3);
		to->whole = sqlite3_column_int64(st, 4);
		to->since = sqlite3_column_int64(st, 5);
	}
	sqlite3_reset(st);
	return step == SQLITE_ROW ? FOUND : step == SQLITE_DONE ? NOT_THERE : NOT_READ;
}

/* --- writing ------------------------------------------------------------------------------ */

static bool drop_data(struct store *s, int64_t id)
{
	return run(bind(s, DROP_PARTS, "i", id)) && run(bind(s, DROP_CHANGES, "i", id));
}

static bool put_parts(struct store *s, int64_t id, const struct zone *z)
{
	struct store_records r = store_records(z);
	uint8_t *part = malloc(PART + STORE_RECORD_MOST);
	int64_t n = 0, whole = 0;
	size_t len;
	bool ok = part != NULL;

	while (ok && (len = store_records_fill(&r, part, PART))) {
		ok = run(bind(s, ADD_PART, "iib", id, ++n, part, len));
		whole += (int64_t)len;
	}
	free(part);
	return ok && run(bind(s, SET_WHOLE, "ii", id, whole));
}

static bool put_zone(struct store *s, const struct zone *z, const struct store_timers *t)
{
	struct row row;

	return run(bind(s, PUT_ZONE, "biii", z->apex, (size_t)z->apex_len, (int64_t)z->serial,
		       t->checked_s, (int64_t)t->expire_s)) &&
		find(s, z->apex, &row) == FOUND && drop_data(s, row.id) &&
		put_parts(s, row.id, z);
}

bool store_put(struct store *s, const struct zone *z, const struct store_timers *t,
	struct fault *why)
{
	pthread_mutex_lock(&s->lock);
	bool ok = begin(s, why);
	if (ok) {
		ok = put_zone(s, z, t);
		ok = ok ? commit(s, why) : give_up(s, why);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static enum store_result add_step(
	struct store *s, const struct store_step *step, struct fault *why)
{
	const uint8_t *apex = change_apex(step->change);
	char name[NAME_TEXT];
	struct row row;
	size_t len;
	const uint8_t *bytes = change_bytes(step->change, &len);

	const enum found found = find(s, apex, &row);
	if (found == NOT_READ) {
		fail(s, why);
		return STORE_FAILED;
	}
	if (found == NOT_THERE || row.serial != change_from(step->change)) {
		fault(why, "%s: zone %s is not stored with serial %u", s->path,
			name_text(name, apex), change_from(step->change));
		return STORE_APART;
	}
	if (row.since + (int64_t)len > (row.whole > CHANGES_LEAST ? row.whole : CHANGES_LEAST)) {
		fault(why, "%s: zone %s has more changes than data", s->path,
			name_text(name, apex));
		return STORE_APART;
	}
	if (!run(bind(s, ADD_CHANGE, "ib", row.id, bytes, len)) ||
		!run(bind(s, SET_SERIAL, "iii", row.id, (int64_t)change_to(step->change),
			(int64_t)len)) ||
		(step->has_timers &&
			!run(bind(s, SET_TIMERS, "bii", apex, name_len(apex),
				step->timers.checked_s, (int64_t)step->timers.expire_s)))) {
		fail(s, why);
		return STORE_FAILED;
	}
	s->counts.steps++;
	return STORE_DONE;
}

enum store_result store_add(
	struct store *s, const struct store_step *steps, size_t n, struct fault *why)
{
	enum store_result result = STORE_FAILED;

	pthread_mutex_lock(&s->lock);
	if (begin(s, why)) {
		result = STORE_DONE;
		for (size_t i = 0; result == STORE_DONE && i < n; i++)
			result = add_step(s, &steps[i], why);
		if (result == STORE_DONE)
			result = commit(s, why) ? STORE_DONE : STORE_FAILED;
		else if (!sqlite3_get_autocommit(s->db))
			run(bind(s, ROLLBACK, ""));
	}
	pthread_mutex_unlock(&s->lock);
	return result;
}

bool store_check(
	struct store *s, const struct store_checked *zones, size_t n, struct fault *why)
{
	pthread_mutex_lock(&s->lock);
	bool ok = begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = run(bind(s, SET_TIMERS, "bii", zones[i].apex,
					    name_len(zones[i].apex), zones[i].timers.checked_s,
					    (int64_t)zones[i].timers.expire_s));
		ok = ok ? commit(s, why) : give_up(s, why);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool forget(struct store *s, const uint8_t *apex)
{
	struct row row;
	const enum found found = find(s, apex, &row);

	return found == NOT_THERE ||
		(found == FOUND && drop_data(s, row.id) &&
			run(bind(s, DROP_ZONE, "i", row.id)));
}

bool store_forget(struct store *s, const uint8_t *apex, struct fault *why)
{
	pthread_mutex_lock(&s->lock);
	bool ok = begin(s, why);
	if (ok) {
		ok = forget(s, apex);
		ok = ok ? commit(s, why) : give_up(s, why);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

/* --- zones beyond the configuration ------------------------------------------------------- */

static bool put_added(struct store *s, const uint8_t *apex, const struct registry_added *a)
{
	return run(bind(s, PUT_ADDED, "bssbbii", apex, name_len(apex), a->template, a->file,
		a->catalog, a->catalog ? name_len(a->catalog) : (size_t)0, a->label,
		a->label ? *a->label + (size_t)1 : (size_t)0, (int64_t)a->uid, a->at_s));
}

static bool add_zone(struct store *s, const struct store_addition *a)
{
	static const struct store_timers never;

	return (a->added ? put_added(s, a->apex, a->added)
			 : run(bind(s, DROP_ADDED, "b", a->apex, name_len(a->apex)))) &&
		(!a->forgets || forget(s, a->apex)) && (!a->zone || put_zone(s, a->zone, &never));
}

bool store_add_zones(
	struct store *s, const struct store_addition *list, size_t n, struct fault *why)
{
	pthread_mutex_lock(&s->lock);
	bool ok = begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = add_zone(s, &list[i]);
		ok = ok ? commit(s, why) : give_up(s, why);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

/* A row as it was read; what a person may have written into the file is not trusted. */
struct added_row {
	uint8_t apex[NAME_MOST], catalog[NAME_MOST], label[64];
	char *template, *file; /* own */
	int64_t uid, at_s;
};

static bool column_name(sqlite3_stmt *st, int i, uint8_t to[static NAME_MOST], bool needed)
{
	const size_t len = (size_t)sqlite3_column_bytes(st, i);
	const uint8_t *name = sqlite3_column_blob(st, i);

	if (!len)
		return !needed;
	if (len > NAME_MOST || name_check(name, name + len) != len)
		return false;
	name_lower(to, name, len);
	return true;
}

static bool column_row(sqlite3_stmt *st, struct added_row *to)
{
	const size_t label = (size_t)sqlite3_column_bytes(st, 4);
	const uint8_t *bytes = sqlite3_column_blob(st, 4);
	const unsigned char *template = sqlite3_column_text(st, 1), *file;

	*to = (struct added_row){ .template = template ? strdup((const char *)template) : NULL };
	file = sqlite3_column_text(st, 2);
	to->file = file ? strdup((const char *)file) : NULL;
	if (!to->template || !to->file || !column_name(st, 0, to->apex, true) ||
		!column_name(st, 3, to->catalog, false) ||
		(label && (label > sizeof to->label || *bytes + 1u != label)))
		return false;
	if (label)
		memcpy(to->label, bytes, label);
	to->uid = sqlite3_column_int64(st, 5);
	to->at_s = sqlite3_column_int64(st, 6);
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
		.at_s = r->at_s });
}

/* Nothing that may fail a scope is called under the lock. */
static bool read_rows(
	struct store *s, const uint8_t *apex, struct added_rows *to, struct fault *why)
{
	int step;
	bool ok = true;

	*to = (struct added_rows){ 0 };
	pthread_mutex_lock(&s->lock);
	sqlite3_stmt *st = apex ? bind(s, GET_ADDED, "b", apex, name_len(apex))
				: bind(s, GET_ALL_ADDED, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW && ok)
		ok = column_rows(st, to);
	if (ok && step != SQLITE_DONE)
		fail(s, why);
	else if (!ok)
		fault(why, "%s: the list of zones that were added cannot be read", s->path);
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->lock);
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

/* --- zones for peers that know no EDGE ---------------------------------------------------- */

bool store_put_plain(struct store *s, const struct store_plain *p, struct fault *why)
{
	pthread_mutex_lock(&s->lock);
	const bool ok = run(bind(s, PUT_PLAIN, "bii", p->apex, name_len(p->apex),
				(int64_t)p->serial, (int64_t)p->digest)) ||
		fail(s, why);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool column_plain(sqlite3_stmt *st, struct store_plain *to)
{
	to->serial = (uint32_t)sqlite3_column_int64(st, 1);
	to->digest = (uint64_t)sqlite3_column_int64(st, 2);
	return column_name(st, 0, to->apex_bytes, true);
}

bool store_get_plain(
	struct store *s, const uint8_t *apex, struct store_plain *to, struct fault *why)
{
	*why = (struct fault){ 0 };
	pthread_mutex_lock(&s->lock);
	sqlite3_stmt *st = bind(s, GET_PLAIN, "b", apex, name_len(apex));
	const int step = sqlite3_step(st);
	const bool ok = step == SQLITE_ROW && column_plain(st, to);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		fail(s, why);
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->lock);
	to->apex = to->apex_bytes;
	return ok;
}

/* Nothing that may fail a scope is called under the lock. */
static bool read_plain(
	struct store *s, struct store_plain **list, size_t *n, struct fault *why)
{
	sqlite3_stmt *st = bind(s, GET_ALL_PLAIN, "");
	size_t room = 0;
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		if (*n == room) {
			room = room ? 2 * room : 64;
			struct store_plain *more = realloc(*list, room * sizeof *more);
			if (!more)
				break;
			*list = more;
		}
		*n += column_plain(st, &(*list)[*n]); /* what is no name is passed over */
	}
	if (step == SQLITE_ROW)
		fault(why, "%s: out of memory", s->path);
	else if (step != SQLITE_DONE)
		fail(s, why);
	sqlite3_reset(st);
	return step == SQLITE_DONE;
}

bool store_each_plain(struct store *s, void (*each)(void *ctx, const struct store_plain *row),
	void *ctx, struct fault *why)
{
	struct store_plain *list = NULL;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	const bool ok = read_plain(s, &list, &n, why);
	pthread_mutex_unlock(&s->lock);
	if (list)
		scope_hold(list, free);
	for (size_t i = 0; ok && i < n; i++) {
		list[i].apex = list[i].apex_bytes;
		each(ctx, &list[i]);
	}
	if (list)
		scope_forget(list, free);
	free(list);
	return ok;
}

/* --- reading ------------------------------------------------------------------------------ */

bool store_has(struct store *s, const uint8_t *apex, uint32_t *serial, struct fault *why)
{
	struct row row;

	*why = (struct fault){ 0 };
	pthread_mutex_lock(&s->lock);
	const enum found found = find(s, apex, &row);
	if (found == NOT_READ)
		fail(s, why);
	pthread_mutex_unlock(&s->lock);
	if (found == FOUND)
		*serial = row.serial;
	return found == FOUND;
}

static bool get_parts(struct store *s, int64_t id, struct store_picture *to)
{
	sqlite3_stmt *st = bind(s, GET_PARTS, "i", id);
	int step;
	bool ok = true;

	while (ok && (step = sqlite3_step(st)) == SQLITE_ROW) {
		const size_t len = (size_t)sqlite3_column_bytes(st, 0);
		uint8_t *bytes = realloc(to->records, to->len + len + 1);
		ok = bytes != NULL;
		if (!ok)
			break;
		to->records = bytes;
		memcpy(bytes + to->len, sqlite3_column_blob(st, 0), len);
		to->len += len;
	}
	sqlite3_reset(st);
	return ok && step == SQLITE_DONE;
}

static bool get_changes(
	struct store *s, int64_t id, struct store_picture *to, struct fault *why)
{
	sqlite3_stmt *st = bind(s, GET_CHANGES, "i", id);
	int step = SQLITE_DONE;
	bool ok = true;

	while (ok && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct change **all = realloc(to->changes, (to->n + 1) * sizeof(*all));
		ok = all != NULL;
		if (!ok)
			break;
		to->changes = all;
		all[to->n] = change_open(sqlite3_column_blob(st, 0),
			(size_t)sqlite3_column_bytes(st, 0), why);
		ok = all[to->n] != NULL;
		to->n += ok;
	}
	sqlite3_reset(st);
	return ok && step == SQLITE_DONE;
}

bool store_get(
	struct store *s, const uint8_t *apex, struct store_picture *to, struct fault *why)
{
	struct row row;
	char name[NAME_TEXT];
	bool ok = false;

	*to = (struct store_picture){ 0 };
	*why = (struct fault){ 0 };
	pthread_mutex_lock(&s->lock);
	const enum found found = find(s, apex, &row);
	if (found != NOT_THERE) {
		ok = found == FOUND && get_parts(s, row.id, to) &&
			get_changes(s, row.id, to, why);
		if (ok) {
			to->serial = row.serial;
			to->timers = row.timers;
		}
		if (!ok)
			fault(why, "%s: zone %s cannot be read: %s", s->path,
				name_text(name, apex), sqlite3_errmsg(s->db));
	}
	pthread_mutex_unlock(&s->lock);
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
	*p = (struct store_picture){ 0 };
}

/* --- the file ----------------------------------------------------------------------------- */

static bool set_up(struct store *s, struct fault *why)
{
	char text[128];

	if (sqlite3_exec(s->db,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
		    NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, why);
	snprintf(text, sizeof text, "PRAGMA journal_size_limit = %d", WAL_MOST);
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK || fail(s, why);
}

static int64_t pragma(struct store *s, const char *text)
{
	sqlite3_stmt *st = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* A new one gets its tables, one of an older version what it lacks. */
static bool check_version(struct store *s, struct fault *why)
{
	const int64_t version = pragma(s, "PRAGMA user_version"),
		      application = pragma(s, "PRAGMA application_id"),
		      tables = pragma(s, "SELECT count(*) FROM sqlite_master");
	char text[128];

	if (version < 0 || application < 0 || tables < 0)
		return fail(s, why);
	if (tables && application != APPLICATION)
		return fault(why, "%s: a database, but none of Waymark's (name another file)",
			s->path);
	if (version > VERSION)
		return fault(why,
			"%s: of version %jd, written by a newer Waymark; this one knows %d (use "
			"the newer one, or a backup)",
			s->path, (intmax_t)version, VERSION);
	if (version == VERSION)
		return true;
	bool ok = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
	for (int64_t i = version; ok && i < VERSION; i++)
		ok = sqlite3_exec(s->db, migrations[i], NULL, NULL, NULL) == SQLITE_OK;
	snprintf(text, sizeof text,
		"PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION,
		VERSION);
	return (ok && sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK) || fail(s, why);
}

static bool prepare(struct store *s, struct fault *why)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &s->statements[i], NULL) != SQLITE_OK)
			return fail(s, why);
	return true;
}

struct store *store_open(const char *path, struct fault *why)
{
	struct store *s = calloc(1, sizeof *s + strlen(path) + 1);

	if (!s) {
		fault(why, "out of memory");
		return NULL;
	}
	strcpy(s->path, path);
	pthread_mutex_init(&s->lock, NULL);
	const int code = sqlite3_open_v2(path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_NOFOLLOW,
		NULL);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		chmod(path, S_IRUSR | S_IWUSR); /* what is made beside it follows */
	}
	if ((code == SQLITE_OK || fail(s, why)) && set_up(s, why) && check_version(s, why) &&
		prepare(s, why))
		return s;
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

/* Some pages at a time, so that nobody waits long for the lock. */
bool store_backup(struct store *s, const char *path, struct fault *why)
{
	enum { PAGES = 256 };
	sqlite3 *to = NULL;
	int code = sqlite3_open(path, &to);
	sqlite3_backup *b = code == SQLITE_OK ? sqlite3_backup_init(to, "main", s->db, "main")
					      : NULL;

	code = b ? SQLITE_OK : SQLITE_CANTOPEN;
	while (b && code == SQLITE_OK) {
		pthread_mutex_lock(&s->lock);
		code = sqlite3_backup_step(b, PAGES);
		pthread_mutex_unlock(&s->lock);
	}
	if (b)
		sqlite3_backup_finish(b);
	if (code != SQLITE_DONE)
		fault(why, "%s: %s", path, sqlite3_errstr(code));
	sqlite3_close(to);
	return code == SQLITE_DONE;
}

struct store_counts store_counts(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct store_counts c = s->counts;
	sqlite3_stmt *st = bind(s, COUNT_ZONES, "");
	if (sqlite3_step(st) == SQLITE_ROW)
		c.zones = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->lock);
	return c;
}
