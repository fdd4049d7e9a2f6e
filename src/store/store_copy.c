/* Copies of a store: made while it serves, looked into, and put in its place. */
#include "base/file.h"
#include "dns/name.h"
#include "store/store_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, PAGES_AT_ONCE = 256, CHUNK = 1 << 20 };

/* A name beside another. */
static bool beside(char to[static PATH_ROOM], const char *path, const char *end, struct fault *why)
{
	return (size_t)snprintf(to, PATH_ROOM, "%s%s", path, end) < PATH_ROOM ||
		fault(why, "%s: its path is too long", path);
}

static bool fail(const char *path, struct fault *why)
{
	return fault(why, "%s: %s", path, strerror(errno));
}

/* The folder of a file, whose names are to be on the disk. */
static bool sync_folder(const char *path, struct fault *why)
{
	char dir[PATH_ROOM];
	const char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(dir, ".");
	else
		snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		fail(dir, why);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* --- made --------------------------------------------------------------------------------- */

/* Some pages at a time, so that nobody waits long for the lock. */
static bool copy_pages(struct store *s, sqlite3 *to, const char *path, struct fault *why)
{
	int code = SQLITE_OK;
	sqlite3_backup *b = sqlite3_backup_init(to, "main", s->db, "main");

	if (!b)
		return fault(why, "%s: %s", path, sqlite3_errmsg(to));
	while (code == SQLITE_OK) {
		store_lock(s);
		code = sqlite3_backup_step(b, PAGES_AT_ONCE);
		store_unlock(s);
	}
	sqlite3_backup_finish(b);
	/* One file by itself, that may be read where nothing may be written. */
	if (code == SQLITE_DONE &&
		sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return fault(why, "%s: %s", path,
		code == SQLITE_DONE ? sqlite3_errmsg(to) : sqlite3_errstr(code));
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
		x.st_ino == y.st_ino;
}

bool store_backup(struct store *s, const char *path, struct fault *why)
{
	char made[PATH_ROOM];
	sqlite3 *to = NULL;

	if (is_same_file(path, s->path))
		return fault(why, "%s: that is the store itself", path);
	if (!file_may_be_replaced(path, why) || !beside(made, path, ".new", why))
		return false;
	unlink(made);
	bool ok = sqlite3_open_v2(made, &to,
			  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				  SQLITE_OPEN_NOFOLLOW,
			  NULL) == SQLITE_OK ||
		fault(why, "%s: %s", made, sqlite3_errmsg(to));
	if (ok)
		chmod(made, S_IRUSR | S_IWUSR);
	ok = ok && copy_pages(s, to, made, why);
	sqlite3_close(to);
	ok = ok && (rename(made, path) == 0 || fail(path, why)) && sync_folder(path, why);
	if (!ok)
		unlink(made);
	return ok;
}

/* --- looked into -------------------------------------------------------------------------- */

/* SQLite looks at each page and each index. */
static bool is_whole(sqlite3 *db, const char *path, struct fault *why)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW;
	const char *said = ok ? (const char *)sqlite3_column_text(st, 0) : sqlite3_errmsg(db);

	ok = ok && said && strcmp(said, "ok") == 0;
	if (!ok)
		fault(why, "%s: it is damaged: %s", path, said ? said : "");
	sqlite3_finalize(st);
	return ok;
}

static bool each_zone(sqlite3 *db, const char *path,
	void (*each)(void *ctx, const uint8_t *apex, uint32_t serial), void *ctx,
	struct fault *why)
{
	sqlite3_stmt *st = NULL;
	uint8_t apex[NAME_MOST];
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, "SELECT apex, serial FROM zone ORDER BY apex", -1, &st, NULL) ==
		SQLITE_OK)
		while ((step = sqlite3_step(st)) == SQLITE_ROW)
			if (store_column_name(st, 0, apex, true))
				each(ctx, apex, (uint32_t)sqlite3_column_int64(st, 1));
	sqlite3_finalize(st);
	return step == SQLITE_DONE || fault(why, "%s: %s", path, sqlite3_errmsg(db));
}

/* A copy has no journal, and nothing is written beside it. */
static sqlite3 *open_copy(const char *path, struct fault *why)
{
	char wal[PATH_ROOM];
	sqlite3 *db = NULL;
	struct stat st;

	if (!beside(wal, path, "-wal", why))
		return NULL;
	if (stat(path, &st) != 0) {
		fail(path, why);
		return NULL;
	}
	if (stat(wal, &st) == 0 && st.st_size) {
		fault(why,
			"%s: with its journal (%s) beside it, this is a store in use, and no copy (make "
			"one with \"waymarkctl backup\")",
			path, wal);
		return NULL;
	}
	const int code =
		sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		return db;
	fault(why, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	sqlite3_close(db);
	return NULL;
}

bool store_look(const char *path,
	void (*each)(void *ctx, const uint8_t *apex, uint32_t serial), void *ctx,
	struct fault *why)
{
	sqlite3 *db = open_copy(path, why);

	if (!db)
		return false;
	const bool ok = store_is_ours(db, path, why) && is_whole(db, path, why) &&
		(!each || each_zone(db, path, each, ctx, why));
	sqlite3_close(db);
	return ok;
}

/* --- put in its place --------------------------------------------------------------------- */

static bool copy_bytes(int from, int to, const char *path, struct fault *why)
{
	char *chunk = malloc(CHUNK);
	ssize_t n = -1;

	while (chunk && (n = read(from, chunk, CHUNK)) > 0)
		if (write(to, chunk, (size_t)n) != n) {
			n = -1;
			break;
		}
	const bool ok = chunk && n == 0 && fsync(to) == 0;
	if (!ok)
		fail(path, why);
	free(chunk);
	return ok;
}

/* Beside the store, with its owner and its rights. */
static bool bring(const char *made, const char *copy, const struct stat *like, struct fault *why)
{
	struct fault wrong;

	const int from = file_open(copy, INT64_MAX, &wrong);
	if (from < 0)
		return fault(why, "%s: %s", copy, wrong.text);
	unlink(made);
	const int to = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	bool ok = to >= 0 || fail(made, why);
	ok = ok && copy_bytes(from, to, made, why);
	if (ok && like && (like->st_uid != geteuid() || like->st_gid != getegid()))
		ok = fchown(to, like->st_uid, like->st_gid) == 0 || fail(made, why);
	if (to >= 0)
		close(to);
	close(from);
	return ok;
}

/* What the pragma says: which mode there is now. */
static int still_wal(void *wal, int n, char **values, char **names)
{
	(void)names;
	*(bool *)wal = n > 0 && values[0] && strcmp(values[0], "wal") == 0;
	return 0;
}

/* What stands in its journal gets into the file, and nobody else has it open: SQLite does this for the last one
 * alone. A store that cannot be read is no use to anybody, and goes as it is. */
static bool is_free(const char *path, struct fault *why)
{
	sqlite3 *db = NULL;
	bool wal = false;
	int code = sqlite3_open_v2(
		path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", still_wal, &wal, NULL);
	sqlite3_close(db);
	return (code != SQLITE_BUSY && code != SQLITE_LOCKED && !wal) ||
		fault(why,
			"%s: a server has it open: stop that first (it would go on from what it has in "
			"memory)",
			path);
}

static bool move_away(const char *path, const char *old, struct fault *why)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char from[PATH_ROOM], to[PATH_ROOM];

	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (!beside(from, path, ends[i], why) || !beside(to, old, ends[i], why))
			return false;
		unlink(to);
		if (rename(from, to) != 0 && errno != ENOENT)
			return fail(from, why);
	}
	return true;
}

bool store_restore(const char *path, const char *copy, struct fault *why)
{
	char made[PATH_ROOM], old[PATH_ROOM];
	struct stat st;
	const bool is_there = stat(path, &st) == 0;

	if (is_there && is_same_file(path, copy))
		return fault(why, "%s: that is the store itself", copy);
	if (!beside(made, path, ".restored", why) || !beside(old, path, ".before", why) ||
		(is_there && !is_free(path, why)))
		return false;
	bool ok = bring(made, copy, is_there ? &st : NULL, why) &&
		(!is_there || move_away(path, old, why)) &&
		(rename(made, path) == 0 || fail(path, why)) && sync_folder(path, why);
	if (!ok)
		unlink(made);
	return ok;
}
