/* write_back_inner.h - what the job of writing files back and its loop share.
 */
#ifndef DAEMON_WRITE_BACK_INNER_H
#define DAEMON_WRITE_BACK_INNER_H

#include "daemon/write_back.h"
#include "store/store_written.h"

/* What is known of a zone's file. */
struct synced {
	uint8_t apex[NAME_MOST];
	bool known;               /* ... anything */
	struct store_written row; /* the file's version, and its serial */
	bool rewrites; /* it is not what that serial says: it is written in any case */
	bool edited;   /* somebody has changed it since */
	struct file_stamp looked; /* ... that version was looked at */
	double not_before;        /* clock_seconds(), of the next writing */
	char fault[1024];         /* "" */
};

/* A file that somebody has changed, which is to be a change of its zone. */
struct edit {
	struct updates_own own; /* first */
	struct write_back *owner;
	struct write_back_ask *ask; /* NULL: nobody waits */
	struct parts held;          /* conf */
	struct hash_key key;
	struct zone *file;        /* count 1: what it says */
	struct store_written row; /* its version; and the serial that it was written with */
	bool knows_serial;
	bool whole; /* what is served then is what the file says */
	struct edit *next;
};

/* One pass over the zones, on a helper thread. */
struct pass {
	struct parts held; /* conf and zones */
	struct hash_key key;
	struct store *store;
	enum write_back_order order;
	const struct write_back_ask *ask; /* NULL: nobody; write what is due */
	double now;
	struct synced *list; /* [n] in the order of the apexes; own, replaced by the pass */
	size_t n;
	struct edit *edits; /* found; own */
	struct text told;   /* to who asks */
	bool ok;            /* of what was asked for all is done, but for the edits */
	uint64_t written; /* files */
	bool again;         /* something is still to be written, later */
};

void write_back_pass(struct pass *p);

/* The change that an edit is of `now`; as updates_own has it. */
struct change *write_back_change(
	void *edit, const struct zone *now, uint32_t next_serial, struct fault *why);

#endif
