#include "store/store_inner.h"

#include "base/polite.h"
#include "dns/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	BUSY_MS = 5000,
	WAL_MOST = 16 << 20, /* bytes that SQLite's journal keeps on the disk */
	WAL_DUE = 1000,      /* pages of it, from which on they are to be written into the file */
	WAL_LATE = 32000     /* ... and whoever commits does it himself */
};

static const char *const texts[STORE_STATEMENTS] = {
	[STORE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_COMMIT] = "COMMIT",
	[STORE_ROLLBACK] = "ROLLBACK",
	[STORE_BEGIN_PART] = "SAVEPOINT part",
	[STORE_COMMIT_PART] = "RELEASE part",
	[STORE_ROLLBACK_PART] = "ROLLBACK TO part",
	[STORE_SNAPSHOT] = "SELECT id FROM zone",
	[STORE_FIND] = "SELECT id, serial, checked_s, expire_s, whole, since, base, base_n,"
		       " file IS NOT NULL FROM zone WHERE apex = ?1",
	[STORE_MAKE_ZONE] = "INSERT INTO zone (apex, serial, checked_s, expire_s, base, file)"
			    " VALUES (?1, ?2, 0, 0, -1, ?3) ON CONFLICT (apex) DO NOTHING",
	[STORE_SET_MAKING] = "UPDATE zone SET making = ?2 WHERE apex = ?1 RETURNING id",
	[STORE_END_MAKING] = "UPDATE zone SET making = ?2 WHERE id = ?1",
	[STORE_TOUCH] = "UPDATE zone SET making = ~making WHERE id = ?1",
	[STORE_GET_MAKING] = "SELECT making FROM zone WHERE id = ?1",
	[STORE_SET_WHOLE] = "UPDATE zone SET serial = ?2, checked_s = ?3, expire_s = ?4,"
			    " base = ?5, base_n = 0, whole = ?6, since = 0, making = 0,"
			    " file = NULL WHERE id = ?1",
	[STORE_SET_BASE] = "UPDATE zone SET base = ?2, base_n = ?3, whole = ?4, since ="
			   " (SELECT coalesce(sum(length(bytes)), 0) FROM change"
			   " WHERE zone = ?1 AND n > ?3), making = 0, file = NULL WHERE id = ?1",
	[STORE_ADVANCE] = "UPDATE zone SET serial = ?2, since = since + ?3 WHERE id = ?1",
	[STORE_SET_TIMERS] = "UPDATE zone SET checked_s = ?2, expire_s = ?3 WHERE apex = ?1",
	[STORE_DROP_PARTS] = "DELETE FROM part WHERE zone = ?1 AND n IN (SELECT n FROM part"
			     " WHERE zone = ?1 AND n >> 32 <> ?2 AND n >> 32 <>"
			     " (SELECT making FROM zone WHERE id = ?1) LIMIT ?3)",
	[STORE_DROP_CHANGES] = "DELETE FROM change WHERE zone = ?1 AND n <= ?2",
	[STORE_DROP_ZONE] = "DELETE FROM zone WHERE id = ?1 AND base < 0 AND file IS NULL",
	[STORE_ADD_PART] = "INSERT INTO part (zone, n, bytes) VALUES (?1, ?2, ?3)",
	[STORE_ADD_CHANGE] =
		"INSERT INTO change (zone, n, bytes, serial, at_s) VALUES (?1,"
		" (SELECT coalesce(max(n), 0) + 1 FROM change WHERE zone = ?1), ?2, ?3, ?4)",
	[STORE_FIND_CHANGE] = "SELECT coalesce(max(n), 0) FROM change"
			      " WHERE zone = ?1 AND (?2 < 0 OR serial = ?2)",
	[STORE_OLD_CHANGES] = "SELECT n, length(bytes), at_s FROM change"
			      " WHERE zone = ?1 AND n <= ?2 ORDER BY n DESC",
	[STORE_GET_PARTS] = "SELECT bytes FROM part WHERE zone = ?1 AND n >= ?2 << 32"
			    " AND n < (?2 + 1) << 32 ORDER BY n",
	[STORE_GET_CHANGES] = "SELECT bytes, n FROM change WHERE zone = ?1 AND n > ?2"
			      " ORDER BY n",
	[STORE_LAST_CHANGES] = "SELECT bytes, at_s FROM change WHERE zone = ?1 ORDER BY n DESC LIMIT ?2",
	[STORE_COUNT_ZONES] =
		"SELECT count(*) FROM zone WHERE (base >= 0 OR file IS NOT NULL)"
		" AND substr(apex, -1) = x'00'",
	[STORE_UNFINISHED] = "SELECT id, base FROM zone WHERE making != 0 LIMIT 1",
	[STORE_WITH_HISTORY] = "SELECT id, base_n FROM zone WHERE id > ?1 AND base_n > 0"
			       " ORDER BY id LIMIT 1",
	[STORE_PUT_PLAIN] = "INSERT INTO plain (apex, serial, digest) VALUES (?1, ?2, ?3)"
			    " ON CONFLICT (apex) DO UPDATE SET serial = ?2, digest = ?3",
	[STORE_GET_PLAIN] = "SELECT apex, serial, digest FROM plain WHERE apex = ?1",
	[STORE_GET_ALL_PLAIN] = "SELECT apex, serial, digest FROM plain ORDER BY apex",
	[STORE_PUT_ADDED] = "INSERT OR REPLACE INTO added (apex, template, file, catalog, label,"
			    " uid, at_s, promoted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[STORE_DROP_ADDED] = "DELETE FROM added WHERE apex = ?1",
	[STORE_GET_ADDED] = "SELECT apex, template, file, catalog, label, uid, at_s, promoted"
			    " FROM added"
			    " WHERE apex = ?1",
	[STORE_GET_ALL_ADDED] = "SELECT apex, template, file, catalog, label, uid, at_s, promoted"
				" FROM added ORDER BY apex",
	[STORE_PUT_WRITTEN] = "INSERT OR REPLACE INTO written (apex, serial, device, inode, size,"
			      " mtime_ns, ctime_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[STORE_DROP_WRITTEN] = "DELETE FROM written WHERE apex = ?1",
	[STORE_GET_WRITTEN] = "SELECT serial, device, inode, size, mtime_ns, ctime_ns FROM written"
			      " WHERE apex = ?1",
	[STORE_PUT_KEYS] = "INSERT INTO keys (apex, saved_s, states) VALUES (?1, ?2, ?3)"
			   " ON CONFLICT (apex) DO UPDATE SET saved_s = ?2, states = ?3",
	[STORE_DROP_KEYS] = "DELETE FROM keys WHERE apex = ?1",
	[STORE_PUT_TOKEN] =
		"INSERT INTO token (name, role, zones, hash, created_s, until_s, uid)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[STORE_DROP_TOKEN] = "DELETE FROM token WHERE name = ?1",
	[STORE_GET_ALL_TOKENS] = "SELECT id, name, role, zones, hash, created_s, until_s, uid"
				 " FROM token ORDER BY name",
	[STORE_ADD_AUDIT] = "INSERT INTO audit (at_s, who, source, what, status, said, before, after)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[STORE_DROP_AUDIT] = "DELETE FROM audit WHERE id <="
			     " (SELECT coalesce(max(id), 0) FROM audit) - ?1",
	[STORE_GET_AUDIT] = "SELECT at_s, who, source, what, status, said, before, after FROM audit"
			    " ORDER BY id DESC LIMIT ?1",
	[STORE_ADD_FLAT] = "INSERT OR REPLACE INTO flat (name, at_s, ttl_s, a, aaaa) VALUES (?1, ?2, ?3, ?4, ?5)",
	[STORE_DROP_FLATS] = "DELETE FROM flat",
	[STORE_GET_ALL_FLATS] = "SELECT name, at_s, ttl_s, a, aaaa FROM flat ORDER BY name",
	[STORE_ADD_DECISION] =
		"INSERT INTO decision (at_s, client, source, name, v6, by_subnet, watched, ttl_s,"
		" scope, serial, conf, pool, edge, why, next, health)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[STORE_DROP_DECISIONS] =
		"DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE id < max("
		"coalesce((SELECT id FROM decision WHERE at_s >= ?2 ORDER BY id LIMIT 1),"
		" 9223372036854775807), (SELECT coalesce(max(id), 0) FROM decision) - ?1 + 1)"
		" ORDER BY id LIMIT ?3)",
	[STORE_FIND_DECISIONS] =
		"SELECT at_s, client, source, name, v6, by_subnet, watched, ttl_s, scope, serial,"
		" conf, pool, edge, why, next, health FROM decision WHERE client >= ?1 AND client"
		" <= ?2 AND at_s <= ?3 AND (?4 IS NULL OR name = ?4) ORDER BY at_s DESC, id DESC"
		" LIMIT ?5",
	[STORE_PUT_WATCH] = "INSERT OR REPLACE INTO watch (net, bits, since_s, until_s, uid)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)",
	[STORE_DROP_WATCH] = "DELETE FROM watch WHERE net = ?1 AND bits = ?2",
	[STORE_GET_ALL_WATCHES] = "SELECT net, bits, since_s, until_s, uid FROM watch"
				  " ORDER BY since_s",
	[STORE_GET_ALL_KEYS] = "SELECT apex, saved_s, states FROM keys ORDER BY apex",
	[STORE_PUT_FORCED] = "INSERT INTO forced (one, text) VALUES (1, ?1)"
			     " ON CONFLICT (one) DO UPDATE SET text = ?1",
	[STORE_GET_FORCED] = "SELECT text FROM forced",
	[STORE_ADD_EVENT] = "INSERT INTO history (at_ms, what, edge, pool, who, was, became, why)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[STORE_DROP_EVENTS] = "DELETE FROM history WHERE id <="
			      " (SELECT max(id) FROM history) - ?1",
	[STORE_GET_EVENTS] = "SELECT at_ms, what, edge, pool, who, was, became, why FROM history"
			     " ORDER BY id",
};

/* Those who answer to somebody wait for it, too. */
static void lock(struct store *s)
{
	polite_pause();
	pthread_mutex_lock(&s->turn);
	pthread_mutex_lock(&s->lock);
	pthread_mutex_unlock(&s->turn);
}

static void end_snapshot(struct store *s)
{
	if (s->snapshot)
		sqlite3_reset(s->statements[STORE_SNAPSHOT]);
	s->snapshot = false;
}

void store_lock(struct store *s)
{
	lock(s);
	end_snapshot(s);
}

/* A statement that is not at its end keeps the transaction of the connection on. */
void store_lock_to_read(struct store *s)
{
	lock(s);
	if (s->readers && !s->snapshot)
		s->snapshot = sqlite3_step(store_bind(s, STORE_SNAPSHOT, "")) == SQLITE_ROW;
}

void store_read_many(struct store *s, bool begin)
{
	store_lock(s);
	if (begin)
		s->readers++;
	else
		s->readers--;
	store_unlock(s);
}

void store_unlock(struct store *s)
{
	pthread_mutex_unlock(&s->lock);
	polite_resume();
}

bool store_fail(struct store *s, struct fault *why)
{
	const int code = sqlite3_errcode(s->db);

	s->counts.failed++;
	fault(why, "%s: %s%s", s->path, sqlite3_errmsg(s->db),
		code == SQLITE_FULL ? " (free some room on the disk; nothing that was confirmed is "
				      "lost)"
				    : "");
	snprintf(s->counts.fault, sizeof s->counts.fault, "%.255s", why->text);
	return false;
}

/* --- statements --------------------------------------------------------------------------- */

sqlite3_stmt *store_bind(struct store *s, enum store_statement which, const char *letters, ...)
{
	sqlite3_stmt *st = s->statements[which];
	va_list ap;

	sqlite3_reset(st);
	va_start(ap, letters);
	for (int i = 1; *letters; letters++, i++) {
		if (*letters == 'b') {
			const void *bytes = va_arg(ap, const void *);
			const size_t len = va_arg(ap, size_t);
			sqlite3_bind_blob64(st, i, bytes, len, SQLITE_STATIC);
		} else if (*letters == 's') {
			sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else {
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		}
	}
	va_end(ap);
	return st;
}

bool store_run(sqlite3_stmt *st)
{
	const bool ok = sqlite3_step(st) == SQLITE_DONE;

	sqlite3_reset(st);
	return ok;
}

bool store_is_unreleased(const struct store *s)
{
	return __atomic_load_n(&s->unreleased, __ATOMIC_RELAXED);
}

void store_hold(struct store *s)
{
	store_lock(s);
	s->held = true;
	store_unlock(s);
}

bool store_release(struct store *s, struct fault *why)
{
	bool ok = true;

	store_lock(s);
	if (s->unreleased && sqlite3_get_autocommit(s->db))
		ok = fault(why, "%s: what was changed could not be kept", s->path); /* a full disk has rolled back by itself */
	else if (s->unreleased)
		ok = store_run(store_bind(s, STORE_COMMIT, "")) || store_fail(s, why);
	if (ok) {
		s->held = false;
		__atomic_store_n(&s->unreleased, false, __ATOMIC_RELAXED);
		pthread_cond_broadcast(&s->released);
	}
	store_unlock(s);
	return ok;
}

bool store_begin(struct store *s, struct fault *why)
{
	while (s->held)
		pthread_cond_wait(&s->released, &s->lock);
	end_snapshot(s); /* who read meanwhile */
	if (s->unreleased && sqlite3_get_autocommit(s->db))
		return fault(why, "%s: what was changed before could not be kept", s->path);
	return store_run(store_bind(s, s->unreleased ? STORE_BEGIN_PART : STORE_BEGIN, "")) || store_fail(s, why);
}

/* A full disk has rolled back by itself: then nothing that follows may be taken for a part of what began. */
void store_roll_back(struct store *s)
{
	if (sqlite3_get_autocommit(s->db))
		return;
	store_run(store_bind(s, s->unreleased ? STORE_ROLLBACK_PART : STORE_ROLLBACK, ""));
	if (s->unreleased)
		store_run(store_bind(s, STORE_COMMIT_PART, ""));
}

bool store_give_up(struct store *s, struct fault *why)
{
	store_fail(s, why);
	store_roll_back(s);
	return false;
}

bool store_commit(struct store *s, struct fault *why)
{
	if (!store_run(store_bind(s, s->unreleased ? STORE_COMMIT_PART : STORE_COMMIT, "")))
		return store_give_up(s, why);
	s->counts.commits++;
	s->counts.fault[0] = 0;
	return true;
}

bool store_quick(struct store *s, bool quick)
{
	if (s->unreleased) /* nothing of it is on the disk before all is */
		return true;
	return sqlite3_exec(s->db, quick ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
		       NULL, NULL, NULL) == SQLITE_OK;
}

bool store_column_name(sqlite3_stmt *st, int i, uint8_t to[static NAME_MOST], bool needed)
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

size_t store_key(
	uint8_t to[static NAME_MOST + 1], const uint8_t *apex, enum store_which which)
{
	const size_t len = name_len(apex);

	memcpy(to, apex, len);
	to[len] = 1;
	return len + (which == STORE_SIGNED);
}

enum store_found store_find(
	struct store *s, const uint8_t *apex, enum store_which which, struct store_row *to)
{
	uint8_t key[NAME_MOST + 1];
	const size_t len = store_key(key, apex, which);
	sqlite3_stmt *st = store_bind(s, STORE_FIND, "b", key, len);
	const int step = sqlite3_step(st);
	enum store_found found = step == SQLITE_DONE ? STORE_NOT_THERE : STORE_NOT_READ;

	if (step == SQLITE_ROW) {
		to->id = sqlite3_column_int64(st, 0);
		to->serial = (uint32_t)sqlite3_column_int64(st, 1);
		to->timers.checked_s = sqlite3_column_int64(st, 2);
		to->timers.expire_s = (uint32_t)sqlite3_column_int64(st, 3);
		to->whole = sqlite3_column_int64(st, 4);
		to->since = sqlite3_column_int64(st, 5);
		to->base = sqlite3_column_int64(st, 6);
		to->base_n = sqlite3_column_int64(st, 7);
		to->of_file = to->base < 0 && sqlite3_column_int(st, 8);
		found = to->base >= 0 || to->of_file ? STORE_FOUND : STORE_NOT_THERE;
	}
	sqlite3_reset(st);
	return found;
}

/* --- timers ------------------------------------------------------------------------------- */

bool store_check(
	struct store *s, const struct store_checked *zones, size_t n, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = store_run(store_bind(s, STORE_SET_TIMERS, "bii", zones[i].apex,
				name_len(zones[i].apex), zones[i].timers.checked_s,
				(int64_t)zones[i].timers.expire_s));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

/* --- the file ----------------------------------------------------------------------------- */

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct store *s = ctx;

	__atomic_store_n(&s->wal_pages, pages, __ATOMIC_RELAXED);
	if (pages >= WAL_LATE) /* it may fail: the next one tries again */
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

bool store_wants_checkpoint(const struct store *s)
{
	return __atomic_load_n(&s->wal_pages, __ATOMIC_RELAXED) >= WAL_DUE;
}

/* Most of it beside those who write, from another door; then the rest, which is little, while nobody does: so that
 * the next commit begins the journal anew. */
bool store_checkpoint(struct store *s, struct fault *why)
{
	int code = s->checkpoints
		? SQLITE_OK
		: sqlite3_open_v2(s->path, &s->checkpoints,
			  SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_wal_checkpoint_v2(
			s->checkpoints, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	store_lock(s);
	if (code == SQLITE_OK)
		code = sqlite3_wal_checkpoint_v2(
			s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code == SQLITE_OK)
		__atomic_store_n(&s->wal_pages, 0, __ATOMIC_RELAXED);
	store_unlock(s);
	return code == SQLITE_OK || fault(why, "%s: %s", s->path, sqlite3_errstr(code));
}

static bool begin_unreleased(struct store *s, struct fault *why)
{
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, why);
	s->unreleased = true;
	return store_schema(s->db, s->path, true, why);
}

static bool set_up(struct store *s, bool unreleased, struct fault *why)
{
	char text[128];

	if (!unreleased && !store_schema(s->db, s->path, false, why))
		return false;
	snprintf(text, sizeof text,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA temp_store = MEMORY;" /* the system's folders for such files may be out of reach */
		"PRAGMA journal_size_limit = %d",
		WAL_MOST);
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, why);
	sqlite3_wal_hook(s->db, on_commit, s);
	return !unreleased || begin_unreleased(s, why);
}

static bool prepare(struct store *s, struct fault *why)
{
	for (unsigned i = 0; i < STORE_STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &s->statements[i], NULL) != SQLITE_OK)
			return store_fail(s, why);
	return true;
}

/* Bases have numbers that no other has had: part numbers of the table begin with them. */
static bool find_last_base(struct store *s, struct fault *why)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(s->db, "SELECT max(max(base), max(making)) FROM zone", -1,
			  &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		s->last_base = sqlite3_column_int64(st, 0);
	if (s->last_base < 0)
		s->last_base = 0;
	sqlite3_finalize(st);
	return ok || store_fail(s, why);
}

static struct store *open_store(const char *path, bool unreleased, struct fault *why)
{
	struct store *s = calloc(1, sizeof *s + strlen(path) + 1);

	if (!s) {
		fault(why, "out of memory");
		return NULL;
	}
	strcpy(s->path, path);
	s->limits = (struct store_limits){ STORE_HISTORY_BYTES, STORE_HISTORY_S };
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->turn, NULL);
	pthread_cond_init(&s->released, NULL);
	const int code = sqlite3_open_v2(path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_NOFOLLOW,
		NULL);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		chmod(path, S_IRUSR | S_IWUSR); /* what is made beside it follows */
	}
	if ((code == SQLITE_OK || store_fail(s, why)) && set_up(s, unreleased && !store_is_new(s->db), why) && prepare(s, why) &&
		find_last_base(s, why) && store_clear_unfinished(s, why))
		return s;
	store_close(s);
	return NULL;
}

struct store *store_open(const char *path, struct fault *why)
{
	return open_store(path, false, why);
}

struct store *store_open_unreleased(const char *path, struct fault *why)
{
	return open_store(path, true, why);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < STORE_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->checkpoints); /* NULL is fine */
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->turn);
	pthread_cond_destroy(&s->released);
	free(s->due);
	free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

void store_set_limits(struct store *s, const struct store_limits *limits)
{
	store_lock(s);
	s->limits = *limits;
	store_unlock(s);
}

static int64_t size_of(const char *path, const char *end)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, end);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

struct store_counts store_counts(struct store *s)
{
	store_lock(s);
	struct store_counts c = s->counts;
	sqlite3_stmt *st = store_bind(s, STORE_COUNT_ZONES, "");
	if (sqlite3_step(st) == SQLITE_ROW)
		c.zones = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	c.journal_bytes = size_of(s->path, "-wal");
	store_unlock(s);
	c.bytes = size_of(s->path, "");
	return c;
}
