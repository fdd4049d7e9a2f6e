/* store_inner.h - what the files of the store have in common. For them alone.
 */
#ifndef STORE_STORE_INNER_H
#define STORE_STORE_INNER_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>

enum store_statement {
	STORE_BEGIN,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_BEGIN_PART,
	STORE_COMMIT_PART,
	STORE_ROLLBACK_PART,
	STORE_SNAPSHOT,
	STORE_FIND,
	STORE_MAKE_ZONE,
	STORE_SET_MAKING,
	STORE_END_MAKING,
	STORE_TOUCH,
	STORE_GET_MAKING,
	STORE_SET_WHOLE,
	STORE_SET_BASE,
	STORE_ADVANCE,
	STORE_SET_TIMERS,
	STORE_DROP_PARTS,
	STORE_DROP_CHANGES,
	STORE_DROP_ZONE,
	STORE_ADD_PART,
	STORE_ADD_CHANGE,
	STORE_FIND_CHANGE,
	STORE_OLD_CHANGES,
	STORE_GET_PARTS,
	STORE_GET_CHANGES,
	STORE_LAST_CHANGES,
	STORE_COUNT_ZONES,
	STORE_UNFINISHED,
	STORE_WITH_HISTORY,
	STORE_PUT_PLAIN,
	STORE_GET_PLAIN,
	STORE_GET_ALL_PLAIN,
	STORE_PUT_ADDED,
	STORE_DROP_ADDED,
	STORE_GET_ADDED,
	STORE_GET_ALL_ADDED,
	STORE_PUT_WRITTEN,
	STORE_DROP_WRITTEN,
	STORE_GET_WRITTEN,
	STORE_PUT_KEYS,
	STORE_DROP_KEYS,
	STORE_GET_ALL_KEYS,
	STORE_PUT_FORCED,
	STORE_GET_FORCED,
	STORE_ADD_EVENT,
	STORE_DROP_EVENTS,
	STORE_GET_EVENTS,
	STORE_ADD_DECISION,
	STORE_DROP_DECISIONS,
	STORE_FIND_DECISIONS,
	STORE_PUT_WATCH,
	STORE_DROP_WATCH,
	STORE_GET_ALL_WATCHES,
	STORE_PUT_TOKEN,
	STORE_DROP_TOKEN,
	STORE_GET_ALL_TOKENS,
	STORE_ADD_AUDIT,
	STORE_DROP_AUDIT,
	STORE_GET_AUDIT,
	STORE_ADD_FLAT,
	STORE_DROP_FLATS,
	STORE_GET_ALL_FLATS,
	STORE_STATEMENTS
};

struct store {
	/* Of all below: nothing that may fail a scope is called under it. Who waits for it has `turn`, so that those who
	 * write piece by piece let others in between. */
	pthread_mutex_t lock, turn;
	sqlite3 *db;
	sqlite3_stmt *statements[STORE_STATEMENTS];
	int64_t unsettled; /* a zone that was put and may not be on the disk yet; 0: all is */
	int64_t last_base; /* the highest number that any base has had */
	struct store_limits limits;
	uint8_t (*due)[NAME_MOST]; /* [n_due] zones, store_take_due() */
	size_t n_due, due_room;    /* n_due is read by others, atomically */
	struct store_counts counts;
	/* Another door to the same file, of store_checkpoint() alone, and how much there is to do. */
	sqlite3 *checkpoints;
	int wal_pages; /* atomic */
	bool held; /* nothing is written for now */
	bool unreleased; /* written atomically: all that is changed is one transaction, with each that is begun as a part of it */
	unsigned readers; /* store_read_many() */
	bool snapshot;    /* STORE_SNAPSHOT is under way: what is read is read in its transaction */
	pthread_cond_t released;
	char path[];
};

void store_lock(struct store *s);
/* For who only reads: of many readings (store_read_many()) that follow each other all are one transaction. */
void store_lock_to_read(struct store *s);
void store_unlock(struct store *s);

/* --- under the lock ----------------------------------------------------------------------- */

/* Counts a failure, and says what SQLite says. Always false. */
bool store_fail(struct store *s, struct fault *why);

/* Binds what follows by its letters: b bytes and length (NULL: NULL), s a string, i an int64_t. */
sqlite3_stmt *store_bind(
	struct store *s, enum store_statement which, const char *letters, ...);
/* Of one that returns no rows. */
bool store_run(sqlite3_stmt *st);

/* A name of a row, which a person may have written; an empty one is none, which is fine when it is not needed. */
bool store_column_name(sqlite3_stmt *st, int i, uint8_t to[static NAME_MOST], bool needed);

bool store_begin(struct store *s, struct fault *why);
bool store_commit(struct store *s, struct fault *why);
/* Whether transactions need not be on the disk when they are committed. */
bool store_quick(struct store *s, bool quick);
/* Of what is begun nothing is done; the second has failed, and is always false. */
void store_roll_back(struct store *s);
bool store_give_up(struct store *s, struct fault *why);

/* The row of a zone. That it cannot be read is not that it is not there. */
struct store_row {
	int64_t id;
	uint32_t serial;
	int64_t whole, since; /* bytes */
	int64_t base;         /* -1: none */
	int64_t base_n;       /* the last change that the base has in it */
	bool of_file;         /* there is none, but a file that it was read from */
	struct store_timers timers;
};

enum store_found { STORE_FOUND, STORE_NOT_THERE, STORE_NOT_READ };

/* By what a row of a zone is found: its apex, and of what we have signed one byte more: behind its root no name
 * goes on. Returns the length. */
size_t store_key(
	uint8_t to[static NAME_MOST + 1], const uint8_t *apex, enum store_which which);

/* A zone whose first base is not all there yet is not there. */
enum store_found store_find(
	struct store *s, const uint8_t *apex, enum store_which which, struct store_row *to);

/* store_put() and store_forget() within a transaction, all at once. */
bool store_put_now(struct store *s, const struct zone *z, const struct store_timers *t);
bool store_forget_now(struct store *s, const uint8_t *apex);

/* Steps that are in the base, up to that one, and over their limits. */
bool store_drop_old_changes(struct store *s, int64_t id, int64_t until);
/* Parts of other bases than that: some of them, and whether there are more. */
bool store_drop_parts(struct store *s, int64_t id, int64_t base, bool *more);

/* The same without the lock: all of them; and what is left of a zone that is not being put any more. */
bool store_drop_others(struct store *s, int64_t id, int64_t base, struct fault *why);
bool store_end_making(struct store *s, int64_t id, struct fault *why);

/* --- the file ----------------------------------------------------------------------------- */

/* Its tables, in this version: a new store gets them, one of an older version is brought up to date. `begun`: that is no transaction of its
 * own, since one has begun. */
bool store_schema(sqlite3 *db, const char *path, bool begun, struct fault *why);
/* There are none yet. */
bool store_is_new(sqlite3 *db);
/* False: it is none of ours, or of a newer version. */
bool store_is_ours(sqlite3 *db, const char *path, struct fault *why);

/* What was being put when we last stopped goes. */
bool store_clear_unfinished(struct store *s, struct fault *why);

#endif
