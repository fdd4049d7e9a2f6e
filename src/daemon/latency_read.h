/* latency_read.h - the table of measurements: from where it is read, to where it is saved.
 *
 * It begins with what the configured files say and, when the server starts, with what it knew
 * when it stopped. Reports come on top. Work of jobs, but for the clocks.
 */
#ifndef DAEMON_LATENCY_READ_H
#define DAEMON_LATENCY_READ_H

#include "base/fault.h"
#include "base/stamps.h"
#include "conf/conf.h"
#include "measure/latency.h"
#include "measure/latency_csv.h"
#include "steer/steer.h"

/* The clock of all tables: seconds, also those that the machine sleeps. */
uint32_t latency_read_now(void);
/* That, and UNIX time. */
struct latency_csv latency_read_csv(const char *path);

/* An empty one for the configuration's edges; `key` is for its hash tables. */
struct latency *latency_read_new(const struct conf *c, struct hash_key key);

/* The same table once more, for who wants to change it; nothing in it counts as changed. */
struct latency *latency_read_copy(const struct latency *t);

/* As latency_take(), but memory that ends is the end of the work (memory_ends()): never a part
 * of it. */
void latency_read_take(struct latency *t, const struct latency *from, enum latency_what what);

/* Who says which times cannot be true: where the configuration's edges and, by GeoIP, their
 * clients are. */
struct model *latency_read_judge(const struct conf *c, struct atlas *atlas);

/* A table of the configuration's files and of what `before` has learned from elsewhere; without
 * `before`, of what was saved when the server stopped, and what is wrong with that is only
 * warned of. A file that is wrong is told as an error, and all that `before` knew stays. */
struct latency_read_from {
	const struct conf *conf;
	const struct latency *before;
	struct hash_key key;
	struct atlas *atlas; /* by which times that cannot be true are passed over */
};
struct latency *latency_read(const struct latency_read_from *from, struct faults *f);

/* The files that are read anew when they change, as they are now. */
struct stamps *latency_read_stamps(const struct conf *c);
/* Are two such the same but for the file that the server writes itself? */
bool latency_read_same_but_learned(const struct conf *c, const struct stamps *a, const struct stamps *b);

/* For steer_new(). */
struct steer_measured latency_read_for_steer(const struct conf *c, const struct latency *table);

/* Writes all that no configured file holds to `state`, at once: there is either the old or the
 * new file, whole. */
bool latency_save(const struct conf *c, const struct latency *table, struct fault *why);

#endif
