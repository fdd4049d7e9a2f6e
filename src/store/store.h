/* store.h - what must outlive a crash and belongs to zones: their data as it came from other
 * nameservers, the changes since then, and their timers; and which zones there are beside those
 * that the configuration names.
 *
 * One SQLite database (WAL, synchronous FULL): what a function has confirmed is on the disk. For
 * helper threads, any of them, one at a time: each call may wait for the disk, and for others.
 * All faults name the file. A disk that is full fails the call and nothing else; what was
 * confirmed stays.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/fault.h"
#include "zone/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct change;
struct store;

/* Opens the file, makes it where there is none, and brings one of an older version up to date.
 * NULL: it is no store, or one of a newer version, or cannot be had. */
struct store *store_open(const char *path, struct fault *why);

/* As store_open(), while another process has the same file and writes nothing, but may go on with it if we fail: whatever we change in a
 * file that is there, its tables for this version too, is one transaction until store_release(), and nobody else sees it. */
struct store *store_open_unreleased(const char *path, struct fault *why);
/* Is it one yet? Any thread. */
bool store_is_unreleased(const struct store *s);
/* From now on who writes waits for store_release(). */
void store_hold(struct store *s);
/* The file is ours. False: it is as it was before we opened it. Also of one that is neither. Not for the loop's thread while others write. */
bool store_release(struct store *s, struct fault *why);

void store_close(struct store *s); /* NULL is fine */
const char *store_path(const struct store *s);

/* Of a zone that comes from elsewhere (a file, other nameservers) and is signed here there is also what we
 * have made of it. */
enum store_which { STORE_ZONE, STORE_SIGNED };

/* How far a secondary is. UNIX time, seconds; 0: never. */
struct store_timers {
	int64_t checked_s; /* when a primary last said that there is nothing newer */
	uint32_t expire_s; /* from then on */
};

enum store_result {
	STORE_DONE,
	/* It does not fit to what is stored of the zone: that must be put whole. */
	STORE_APART,
	STORE_FAILED
};

/* How long steps are kept that are not needed any more to have the zone: for those who ask for what has
 * changed (IXFR). Of each zone. */
enum { STORE_HISTORY_BYTES = 64 << 20, STORE_HISTORY_S = 14 * 86400 };
struct store_limits {
	size_t history_bytes;
	int64_t history_s;
};
void store_set_limits(struct store *s, const struct store_limits *limits);

/* The zone as it is, in the place of all that is stored of it. By pieces: others go on meanwhile, and until all
 * of it is there, what was stored before is what is stored. */
bool store_put(struct store *s, const struct zone *z, const struct store_timers *t,
	struct fault *why);

/* What may be stored of a zone when something that was made of it is put. */
struct store_mark {
	bool none, there; /* nothing, a version */
	uint32_t serial;  /* ... that */
};
/* What is stored of it now. False: it cannot be told. */
bool store_mark(struct store *s, const uint8_t *apex, struct store_mark *to, struct fault *why);

/* The same, but over nothing else than that: what others have stored meanwhile stays, and it is APART. */
enum store_result store_put_upon(struct store *s, const struct zone *z, const struct store_timers *t,
	const struct store_mark *upon, struct fault *why);

/* The same, but that it is on the disk only once store_settle() has been called, and was true: for many zones at once,
 * before any of them is served. */
bool store_put_soon(
	struct store *s, const struct zone *z, enum store_which which, struct fault *why);
bool store_settle(struct store *s, struct fault *why);

/* The same of a zone while it is made, of which nothing in front of what is written changes any more: by whoever has
 * written some of it, one at a time. `upon`: as above, copied; NULL: whatever is there. Never NULL. */
struct store_growing;
struct store_growing *store_grow(
	struct store *s, enum store_which which, const struct store_mark *upon, bool soon);
/* Nodes in front of `until`, an offset in the image of `z`, which stays the same zone and stays where it is until the
 * end of what is told here. What fails is told by store_grown(). */
void store_grow_to(struct store_growing *g, const struct zone *z, uint32_t until);
/* All of it was told: it is what is stored. Ends `g`. */
enum store_result store_grown(struct store_growing *g, struct fault *why);
/* What was stored before stays. The zone may be gone by now. Ends `g`; NULL is fine. */
void store_grow_not(struct store_growing *g);

/* The same of what we have signed. */
bool store_put_signed(struct store *s, const struct zone *z, struct fault *why);
bool store_forget_signed(struct store *s, const uint8_t *apex, struct fault *why);

/* The same beside steps that go on: the zone, which is of a serial that it has had since it was put last, in the
 * place of that and of the steps up to there. They stay as history. */
enum store_result store_rebase(struct store *s, const struct zone *z, struct fault *why);

/* Is there a zone that store_rebase() is due for, since it has more steps than data, or is still a file? Any
 * thread, at once. */
bool store_is_due(const struct store *s);
/* Which; it is not due any more. False: none. */
bool store_take_due(struct store *s, uint8_t apex[static NAME_MOST]);
void store_due_again(struct store *s, const uint8_t *apex);

/* What was committed stands in a journal beside the file until it is written into it. Whether that is due, at once,
 * any thread; does it. One at a time. */
bool store_wants_checkpoint(const struct store *s);
bool store_checkpoint(struct store *s, struct fault *why);

/* Steps that are older than their limits go, and the file shrinks a little. */
bool store_trim(struct store *s, struct fault *why);

/* One step of a zone, from the version that is stored. */
struct store_step {
	const struct change *change;
	struct store_timers timers;
	bool has_timers; /* else those that are stored stay */
	/* Which versions of which files the zone was read from (load_sources_text()): one that is not stored is
	 * from then on what they say, with its steps. NULL: such a zone is APART. */
	const char *file;
	/* What we have signed is APART, too, when it has more changes than data. */
	enum store_which which;
	/* Others have it: where all steps are such, none need be on the disk when store_add() returns. They are with the
	 * next that must be. */
	bool soon;
};

/* All of them or none, in one transaction; those of one zone in their order. */
enum store_result store_add(
	struct store *s, const struct store_step *steps, size_t n, struct fault *why);

/* Timers alone, of many zones in one transaction. Zones that are not stored are passed over. */
struct store_checked {
	const uint8_t *apex; /* wire, lower case */
	struct store_timers timers;
};
bool store_check(
	struct store *s, const struct store_checked *zones, size_t n, struct fault *why);

/* What is stored of a zone. All of it is the caller's: store_picture_fini(). */
struct store_picture {
	uint8_t *records; /* of the zone when it was put whole; see store_next_record() */
	size_t len;
	char *file; /* NULL; or it was never put: it is what these files said, load_sources_text() */
	struct change **changes; /* in their order */
	size_t n;
	size_t n_before; /* of them, in front: the records have these in them */
	uint32_t serial; /* of what comes of both */
	struct store_timers timers;
};

/* False: nothing is stored of it, and `why` is empty; or there is a fault. */
bool store_get(struct store *s, const uint8_t *apex, enum store_which which,
	struct store_picture *to, struct fault *why);
void store_picture_fini(struct store_picture *p);

/* What is stored of a zone as a whole, by a number that no other such has meanwhile; after a restart that of one which is gone may be given again. And the
 * steps since then. */
struct store_base {
	int64_t base, whole, since; /* number; bytes of it, and of the steps */
	uint32_t serial;            /* of what comes of both */
};
/* False: nothing is stored of it, or none as a whole, or it cannot be told. */
bool store_get_base(struct store *s, const uint8_t *apex, enum store_which which, struct store_base *to);
/* As store_get() without the records, where these are of that number. False, too: they are of another, and `why` is empty. */
bool store_get_steps(struct store *s, const uint8_t *apex, enum store_which which, int64_t base, struct store_picture *to, struct fault *why);

/* From now on, until it is ended: store_get() is called for very many zones, and what follows each other may be
 * read in one transaction, which saves most of what the kernel has to do for each. What this server writes
 * meanwhile is read; what another process does, perhaps not before the end. Any number of threads. */
void store_read_many(struct store *s, bool begin);

struct store_record {
	const uint8_t *owner; /* wire, whole, lower case; borrowed */
	const uint8_t *rdata;
	uint32_t ttl_s;
	uint16_t type, rdlen;
};

/* The records of a picture, one after the other from `*at` = 0 on. False at the end; `*at` is then p->len,
 * or else what is stored is damaged. */
bool store_next_record(const struct store_picture *p, size_t *at, struct store_record *rr);

/* A step that is kept, and when it was stored (UNIX time; 0: that is not known). */
struct store_dated {
	struct change *change; /* the caller's */
	int64_t at_s;
};
/* The last of them, the newest first, at most `most`; none: *n is 0. False: they cannot be read, and *n is 0. */
bool store_last_steps(struct store *s, const uint8_t *apex, struct store_dated *to, size_t most, size_t *n, struct fault *why);

/* Is anything stored of a zone? With that serial. False: no, and `why` is empty; or it cannot be told. */
bool store_has(struct store *s, const uint8_t *apex, uint32_t *serial, struct fault *why);

/* Do its steps begin with a file? */
bool store_is_of_file(struct store *s, const uint8_t *apex);

/* Nothing of a zone any more. */
bool store_forget(struct store *s, const uint8_t *apex, struct fault *why);

/* --- zones beyond the configuration ------------------------------------------------------- */

/* A zone that is added, or goes. All borrowed. */
struct store_addition {
	const uint8_t *apex;                /* wire, lower case */
	const struct registry_added *added; /* takes the place of what is there; NULL: it goes */
	const struct zone *zone;            /* takes the place of all that is stored of it; NULL */
	bool forgets;                       /* nothing is stored of it any more */
};

/* All of them or none, in one transaction. */
bool store_add_zones(
	struct store *s, const struct store_addition *list, size_t n, struct fault *why);

/* Those that were added, in the order of registry_compare(). `each` is given a count of `added`. False when
 * they cannot be read. */
typedef void store_added_each(void *ctx, const uint8_t *apex, struct registry_added *added);
bool store_added(struct store *s, store_added_each *each, void *ctx, struct fault *why);

/* One of them; NULL: it was not added, and `why` is empty, or that cannot be read. Count 1. */
struct registry_added *store_added_find(
	struct store *s, const uint8_t *apex, struct fault *why);

/* --- zones for peers that know no EDGE ---------------------------------------------------- */

/* What such peers have last been given of a zone (world/plain_zones.h). */
struct store_plain {
	const uint8_t *apex; /* wire, lower case; of one that was read: its own bytes, below */
	uint32_t serial;
	uint64_t digest;
	uint8_t apex_bytes[NAME_MOST]; /* only of one that was read */
};
bool store_put_plain(struct store *s, const struct store_plain *p, struct fault *why);
/* False: there is none, and `why` is empty; or it cannot be read. */
bool store_get_plain(
	struct store *s, const uint8_t *apex, struct store_plain *to, struct fault *why);
/* All, ascending by apex. */
bool store_each_plain(struct store *s, void (*each)(void *ctx, const struct store_plain *row),
	void *ctx, struct fault *why);

/* A copy of all of it as it is now, while others go on; on the disk when this returns. What was at `path` is
 * replaced as a whole, or stays. */
bool store_backup(struct store *s, const char *path, struct fault *why);

/* --- by hand, while no server has it ------------------------------------------------------ */

/* Looks into a copy, all of it: `each` (or NULL) is called for its zones in the order of their names. */
bool store_look(const char *path,
	void (*each)(void *ctx, const uint8_t *apex, uint32_t serial), void *ctx,
	struct fault *why);

/* Puts a copy, which was looked into, in the place of the store at `path`, which becomes PATH.before. False, and nothing
 * has changed, when a server has that open. */
bool store_restore(const char *path, const char *copy, struct fault *why);

struct store_counts {
	uint64_t commits, steps, failed;
	size_t zones;
	int64_t bytes, journal_bytes; /* of the file; of what stands beside it */
	char fault[256];              /* why the last write failed; "" when it did not */
};
struct store_counts store_counts(struct store *s);

#endif
