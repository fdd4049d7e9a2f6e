/* load.h - a zone file becomes a zone, or a list of what is wrong with it.
 */
#ifndef ZONE_LOAD_H
#define ZONE_LOAD_H

#include "zone/compile.h"

/* A file that a zone was read from, the zone file itself first, then what it includes. */
struct load_source {
	const char *path; /* the load's */
	struct file_stamp stamp;
};

struct load {
	struct zone *zone; /* count 1 */
	struct load_source *sources; /* [n], own, their paths behind them */
	char *doubts; /* own: the warnings that there were, as they are told; NULL: none are known */
	unsigned n, n_doubts;
	uint64_t listed; /* the edges of pools that it was made from, as a hash; 0: of none */
};

/* Reads and compiles the zone file at `path`, `origin` (wire) being its apex. On false `to` is
 * empty. Control thread. */
bool load_zone(struct load *to, const char *path, const uint8_t *origin,
	const struct compile_opts *opts, struct faults *f);

/* The same files with another zone, which is taken. */
struct load load_with(const struct load *l, struct zone *z);

/* Lets go of the zone and the list. */
void load_fini(struct load *l);

/* Which versions of which files it was read from, a line each: another version, another text. Nothing is added
 * when it is not of files. */
void load_sources_text(const struct load *l, struct text *to);

/* True while none of the files has changed. */
bool load_is_fresh(const struct load *l);

#endif
