/* zones_read_inner.h - what the files that read zones share.
 *
 * zones_list.c: which zones there are. zones_entry.c: what is served of one becomes an entry of the registry, signed where
 * it is signed here. zones_source.c: the entry of one that comes from elsewhere than its file. zones_read.c: all of them.
 */
#ifndef DAEMON_ZONES_READ_INNER_H
#define DAEMON_ZONES_READ_INNER_H

#include "base/memory.h"
#include "daemon/zone_signing.h"
#include "daemon/zones_read.h"
#include "zone/load.h"

/* A zone of the configuration, and what became of it. */
struct listed {
	const uint8_t *origin; /* wire, lower case */
	const char *path;
	const struct conf_zone *at;   /* the entry that named it; or stands for what added it */
	struct registry_added *added; /* borrowed; NULL: the configuration names it */
	struct registry_zone *before; /* borrowed; NULL: it is new */
	struct registry_zone *entry;  /* `before` itself, not held; or a new one */
	struct keyset *keys;          /* held; NULL: it is not signed here */
	bool is_signed;               /* what was kept of it is, by these */
	struct faults *faults;        /* NULL: none */
};

struct reading {
	const struct zones_read_opts *o;
	struct arena mem; /* of the names */
	struct listed *list;
	size_t n, room;
	size_t done; /* atomic */
	size_t kept; /* atomic: so many were had as they were kept */
	int64_t now_s;
	bool settles; /* what is signed is on the disk only at the end */
};

/* Where the configuration names it. */
struct fault_at zones_list_place(const struct reading *r, const struct conf_zone *z);
/* One that was added while the server ran. */
void zones_list_add(struct reading *r, const struct zones_read_added *of);
/* Ascending, with what there was of each before. False when the list is wrong; what it has then can be looked at all the
 * same. */
bool zones_list_make(struct reading *r, struct faults *f);

/* Of what has a policy, or keys still. False: it is to be signed, and cannot be. */
bool zones_entry_find_keys(const struct reading *r, struct listed *z, struct fault *why);
/* Is what is served signed here, or not, as it is to be? */
bool zones_entry_same_signing(const struct listed *z);
struct zone_signing_of zones_entry_signing_of(const struct reading *r, const struct listed *z);
/* `late`: of a zone that is served, which is changed meanwhile: that goes before, and until it is served, too, the entry
 * is the one before. */
struct zone_signing zones_entry_signing(const struct reading *r, const struct listed *z,
	const struct compile_opts *opts, bool *late);
/* From where it is to come. */
enum registry_source zones_entry_source(const struct reading *r, const struct listed *z);
/* The entry before, not held, when its files are the same and all else that it depends on; NULL. */
struct registry_zone *zones_entry_same(const struct reading *r, const struct listed *z);
/* The digest that the zone has to have of itself, where it is not signed here. False after a fault. */
bool zones_entry_put_digest(
	const struct reading *r, const struct listed *z, struct load *load, struct faults *f);
/* Of what its file says. Takes `load`. NULL after a fault. */
struct registry_zone *zones_entry_ready(const struct reading *r, const struct listed *z,
	const struct load *load, struct faults *f);
/* What it had is served on. NULL when there is no memory. */
struct registry_zone *zones_entry_faulty(
	const struct reading *r, const struct listed *z, const struct faults *f);
/* Of `to`, whose zone is taken and came from elsewhere than a file. NULL: `why`. */
struct registry_zone *zones_entry_signed(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct fault *why);
/* As a sentence. */
void zones_entry_first_fault(struct faults *f, struct fault *why);

/* Of what is not read from a file, or has not changed. NULL: its file is read, or `lost` says why not. */
struct registry_zone *zones_source_entry(
	const struct reading *r, const struct listed *z, struct fault *lost);

#endif
