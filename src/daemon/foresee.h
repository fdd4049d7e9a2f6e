/* foresee.h - a running server's state and what a change would make of it, side by side.
 *
 * In another process than the server: from its export (export.h) the edges, pools, rankings and
 * standing that it has, and from another configuration those that a reload of it would bring,
 * made by the same code. Nothing here serves or is served.
 */
#ifndef DAEMON_FORESEE_H
#define DAEMON_FORESEE_H

#include "daemon/parts_read.h"

struct foresee_opts {
	const char *export, *export_name; /* text of an export; the name is for faults */
	size_t export_len;
	const char *new_path;                   /* of the new configuration; NULL: as it is */
	bool zones;                             /* zones are needed, too */
	const char *const *down, *const *drain; /* edges that are forced so on the new side */
	size_t n_down, n_drain;
};

struct foresee {
	struct parts old;
	struct parts next; /* with `new_path`; or the old one's zones, if they are needed, or
			    * there are pools that tell names apart and they can be read */
	bool is_changed;   /* there is a new configuration */
	struct standing *old_standing, *new_standing;
	unsigned unprobed; /* addresses of the new side that no probe has looked at yet */
	long long generation, time;
};

/* What the new side has: of `next`, or of `old`. */
const struct parts *foresee_new(const struct foresee *f);

/* On false everything is let go of, and `faults` says what is wrong. */
bool foresee_open(struct foresee *to, const struct foresee_opts *o, struct faults *faults);
void foresee_close(struct foresee *f);

#endif
