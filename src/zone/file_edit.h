/* file_edit.h - what a person has changed in a file that the server writes itself.
 *
 * The file holds some version of the zone, and that which is served goes on. The serial in the
 * file, or what is known of when it was written, says which version he had before him; the
 * changes since then are the zone's history. What is served may be signed here: the file is
 * not. Any thread that holds the zones.
 */
#ifndef ZONE_FILE_EDIT_H
#define ZONE_FILE_EDIT_H

#include "zone/change_onto.h"
#include "zone/compile.h"

/* The version of `now` that had that serial, by its history: count 1. NULL: it is not known any
 * more. */
struct zone *file_edit_before(
	const struct zone *now, uint32_t serial, const struct compile_opts *opts);

enum file_edit_kind {
	FILE_EDIT_NONE,    /* what is served, serial and all */
	FILE_EDIT_OLD,     /* a version that was served: nobody has touched it */
	FILE_EDIT_CHANGED, /* somebody has */
	FILE_EDIT_UNKNOWN /* it is of no version that is known, so that nobody can tell what was
			     changed */
};

struct file_edit {
	enum file_edit_kind kind;
	struct zone *base;     /* of CHANGED: which version he had; count 1 */
	struct change *change; /* ... and what he has made of it */
};

/* `file` is what the file says. `written`: the serial that it was written with when that is
 * known, else NULL; for who has raised the serial. NULL memory: UNKNOWN. */
struct file_edit file_edit_look(const struct zone *file, const struct zone *now,
	const uint32_t *written, const struct compile_opts *opts);
void file_edit_fini(struct file_edit *e);

#endif
