/* write_back.h - zone files that the server writes: "write-back: sync".
 *
 * After a change of a zone, and not more often than is worth it, a job writes the zone's text
 * in the place of its file; the store has had the change before. A file that somebody has
 * changed since it was written, or read, is not written over: that is told, and he and the
 * server both keep what they have, until a reload, a start or "zone thaw" takes what he has
 * changed as a change of the zone (zone/file_edit), or he gives it up. Loop.
 */
#ifndef DAEMON_WRITE_BACK_H
#define DAEMON_WRITE_BACK_H

#include "base/text.h"
#include "daemon/frozen.h"
#include "daemon/publish.h"
#include "daemon/updates.h"
#include "store/store.h"

struct ev_loop;
struct write_back;

struct write_back_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct updates *updates;
	struct frozen *frozen;
	struct hash_key key;
	struct store *store; /* NULL: there is no such zone */
};

/* Never NULL. Takes what files have, soon. */
struct write_back *write_back_new(const struct write_back_opts *opts);
/* After the updates. */
void write_back_free(struct write_back *w);

/* What is asked for, and what has come of it. The memory is the asker's until `done`, which is
 * called once, perhaps from within write_back_ask(). */
struct write_back_ask {
	enum write_back_order {
		WRITE_BACK_TAKE,   /* what somebody has changed in files */
		WRITE_BACK_WRITE,  /* now, what is served; not over such changes */
		WRITE_BACK_DISCARD /* ... over them, too */
	} order;
	uint8_t apex[NAME_MOST]; /* of one zone alone; the root: of all */
	bool one;
	bool of_frozen; /* of a zone that is frozen, too; else those are left */
	void *ctx;
	void (*done)(struct write_back_ask *ask);
	bool ok;
	struct text told; /* lines; for text_fini() by the asker */
	unsigned pending; /* ours: edits on their way to be a change */
	struct write_back_ask *next;
};
void write_back_ask(struct write_back *w, struct write_back_ask *ask);

struct write_back_counts {
	uint64_t written;      /* files, since the start */
	size_t edited, failed; /* that somebody has changed, and wait for a reload; that cannot be written */
};
struct write_back_counts write_back_counts(const struct write_back *w);

/* How it stands with a zone's file. False: the server does not write it. */
struct write_back_view {
	bool known;
	uint32_t serial;   /* that the file has; once it is known */
	const char *fault; /* why it is not written; NULL: it is. Borrowed until the turn of the
			      loop ends */
};
bool write_back_look(
	const struct write_back *w, const uint8_t *apex, struct write_back_view *to);

#endif
