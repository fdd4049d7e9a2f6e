/* zones_added.h - zones that come and go while the server runs, beside those that the configuration names.
 *
 * An operator adds them ("zone add"), and catalog zones do. Each has a template of the configuration. They are written
 * to the store and then served, and no other zone is read again. Loop.
 */
#ifndef DAEMON_ZONES_ADDED_H
#define DAEMON_ZONES_ADDED_H

#include "base/text.h"
#include "daemon/builder.h"
#include "daemon/publish.h"
#include "dns/name.h"
#include "store/store.h"

struct key_ring;
struct zones_added;

struct zones_added_opts {
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct hash_key key; /* of the zones */
	struct store *store; /* NULL: no zone can be added */
	struct key_ring *ring; /* NULL: likewise */
};

/* Never NULL. */
struct zones_added *zones_added_new(const struct zones_added_opts *opts);
/* After jobs_stop() and builder_free(). */
void zones_added_free(struct zones_added *z);

/* One zone, and what becomes of it. */
struct zones_added_item {
	uint8_t apex[NAME_MOST]; /* wire, lower case */
	/* Who adds it, and as what; a count, the asker's. Of one that goes only `catalog` matters: whose it is. */
	struct registry_added *added;
	bool goes;
	bool purges;   /* of one that goes: with what is stored of it. What comes from primaries always does */
	bool resumes;  /* of one that comes and is ours: what is stored of it from before is what it has */
	bool demotes;  /* of one that goes: it was promoted, and is what the configuration says at the next reload */
	bool promotes; /* of one that comes: it is a secondary, and becomes ours as it is */
	bool replaces; /* of one that comes: it may be there already, but not by the configuration */

	/* What came of it. */
	bool ok;
	enum registry_source source;
	uint32_t serial;  /* of one that comes; 0: it is still to be fetched */
	struct text told; /* lines: faults and warnings; for text_fini() by the asker */
};

/* All memory is the asker's until `done`, which is called once, on the loop, perhaps from within this; when `end` is
 * not JOB_DONE nothing has happened. */
struct zones_added_ask {
	struct build build; /* ours */
	struct zones_added *owner;
	struct zones_added_item *items;
	size_t n;
	void *ctx;
	void (*done)(void *ctx, struct zones_added_ask *ask, enum job_end end);
	struct zones_added_work *work; /* ours */
};
void zones_added_ask(struct zones_added *z, struct zones_added_ask *ask);

#endif
