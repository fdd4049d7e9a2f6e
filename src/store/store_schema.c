/* The tables of the store, and how one of an older version gets those of this one. */
#include "store/store_inner.h"

#include <inttypes.h>
#include <stdio.h>

enum { APPLICATION = 0x57594d4b /* "WYMK", as "file" shows it */ };

/* Step i makes version i + 1 of version i; a new store takes all of them. What is here has been in
 * the hands of others and never changes: something new is one more step. */
static const char *const steps[] = {
	"CREATE TABLE zone (id INTEGER PRIMARY KEY, apex BLOB NOT NULL UNIQUE,"
	" serial INTEGER NOT NULL, checked_s INTEGER NOT NULL, expire_s INTEGER NOT NULL,"
	/* bytes of its parts, and of the changes since then */
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

	/* The number of a base is the upper half of that of its parts; -1: none. `making`: one that is being
	 * put; 0: none. `file`: what the zone was read from, where that is the base. */
	"ALTER TABLE zone ADD COLUMN base INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE zone ADD COLUMN base_n INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE zone ADD COLUMN making INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE zone ADD COLUMN file BLOB;"
	"CREATE INDEX unfinished ON zone (making) WHERE making != 0;"
	"ALTER TABLE change ADD COLUMN serial INTEGER NOT NULL DEFAULT -1;" /* where it leads */
	"ALTER TABLE change ADD COLUMN at_s INTEGER NOT NULL DEFAULT 0;",

	/* the states of the keys that zones are signed with, as lines */
	"CREATE TABLE keys (apex BLOB PRIMARY KEY, saved_s INTEGER NOT NULL, states TEXT NOT NULL)"
	" WITHOUT ROWID;",

	/* a secondary of the configuration that was made a primary */
	"ALTER TABLE added ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;",
	/* which version of its file a zone was last written to, or read from */
	"CREATE TABLE written (apex BLOB PRIMARY KEY, serial INTEGER NOT NULL,"
	" device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,"
	" mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL) WITHOUT ROWID;",

	/* what operators have said of edges, as the state file has it; what has become of edges and pools */
	"CREATE TABLE forced (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL);"
	"CREATE TABLE history (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, what TEXT NOT NULL,"
	" edge TEXT NOT NULL, pool TEXT NOT NULL, who TEXT NOT NULL, was TEXT NOT NULL,"
	" became TEXT NOT NULL, why TEXT NOT NULL);",
	/* what pools have answered whom, the oldest first; and of whom all of it is kept */
	"CREATE TABLE decision (id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, client BLOB NOT NULL,"
	" source BLOB NOT NULL, name BLOB NOT NULL, v6 INTEGER NOT NULL, by_subnet INTEGER NOT NULL,"
	" watched INTEGER NOT NULL, ttl_s INTEGER NOT NULL, scope INTEGER NOT NULL,"
	" serial INTEGER NOT NULL, conf INTEGER NOT NULL, pool TEXT NOT NULL, edge TEXT NOT NULL,"
	" why TEXT NOT NULL, next TEXT NOT NULL, health TEXT NOT NULL);"
	"CREATE INDEX decision_client ON decision (client, at_s);"
	"CREATE TABLE watch (net BLOB NOT NULL, bits INTEGER NOT NULL, since_s INTEGER NOT NULL,"
	" until_s INTEGER NOT NULL, uid INTEGER NOT NULL, PRIMARY KEY (net, bits)) WITHOUT ROWID;",

	/* who may use the API; what has been changed by whom, the oldest first */
	"CREATE TABLE token (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	" role TEXT NOT NULL, zones TEXT NOT NULL, hash BLOB NOT NULL, created_s INTEGER NOT NULL,"
	" until_s INTEGER NOT NULL, uid INTEGER NOT NULL);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL, who TEXT NOT NULL,"
	" source TEXT NOT NULL, what TEXT NOT NULL, status INTEGER NOT NULL, said TEXT NOT NULL);",

	/* what was before */
	"ALTER TABLE audit ADD COLUMN before TEXT NOT NULL DEFAULT '';",

	/* ... and after */
	"ALTER TABLE audit ADD COLUMN after TEXT NOT NULL DEFAULT '';",

	/* what names had that edges flatten */
	"CREATE TABLE flat (name BLOB PRIMARY KEY, at_s INTEGER NOT NULL, ttl_s INTEGER NOT NULL,"
	" a BLOB NOT NULL, aaaa BLOB NOT NULL) WITHOUT ROWID;",
};

enum { VERSION = sizeof steps / sizeof *steps };

static int64_t number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static bool fail(sqlite3 *db, const char *path, struct fault *why)
{
	fault(why, "%s: %s", path, sqlite3_errmsg(db));
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* All steps in one transaction: whoever is stopped in it has the old version. */
static bool bring_up(sqlite3 *db, int64_t version, bool begun, const char *path, struct fault *why)
{
	char text[96];

	/* Has an effect before there are tables. */
	if (version == 0 &&
		sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, path, why);
	bool ok = begun || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
	for (int64_t i = version; ok && i < VERSION; i++)
		ok = sqlite3_exec(db, steps[i], NULL, NULL, NULL) == SQLITE_OK;
	snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d%s", APPLICATION, VERSION, begun ? "" : "; COMMIT");
	ok = ok && sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
	return ok || fail(db, path, why);
}

bool store_is_new(sqlite3 *db)
{
	return number(db, "PRAGMA user_version") == 0 && number(db, "SELECT count(*) FROM sqlite_master") == 0;
}

bool store_schema(sqlite3 *db, const char *path, bool begun, struct fault *why)
{
	const int64_t version = number(db, "PRAGMA user_version"),
		      application = number(db, "PRAGMA application_id"),
		      tables = number(db, "SELECT count(*) FROM sqlite_master");

	if (version < 0 || application < 0 || tables < 0)
		return fail(db, path, why);
	if (!tables && !version)
		return bring_up(db, 0, begun, path, why);
	return store_is_ours(db, path, why) &&
		(version == VERSION || bring_up(db, version, begun, path, why));
}

bool store_is_ours(sqlite3 *db, const char *path, struct fault *why)
{
	const int64_t version = number(db, "PRAGMA user_version"),
		      application = number(db, "PRAGMA application_id"),
		      tables = number(db, "SELECT count(*) FROM sqlite_master");

	if (version < 0 || application < 0 || tables < 0)
		return fail(db, path, why);
	if (application != APPLICATION || !tables)
		return fault(why, "%s: a database, but none of Waymark's (name another file)",
			path);
	if (version > VERSION)
		return fault(why,
			"%s: of version %" PRId64 ", written by a newer Waymark; this one knows %d (use "
			"the newer one, or a backup)",
			path, version, VERSION);
	return true;
}
