/* measured.h - the table of measurements: from where it is read, to where it is saved.
 *
 * It begins with what the configured files say and, when the server starts, with what it knew
 * when it stopped. Reports come on top. Control thread, or the one that rebuilds rankings.
 */
#ifndef DAEMON_MEASURED_H
#define DAEMON_MEASURED_H

#include "base/fault.h"
#include "base/file.h"
#include "conf/conf.h"
#include "measure/latency.h"
#include "measure/latency_csv.h"
#include "steer/steer.h"

/* The clock of all tables: seconds, also those that the machine sleeps. */
uint32_t measured_now(void);
/* That, and UNIX time. */
struct latency_csv measured_csv(const char *path);

/* A table of the configuration's files and of what `before` has learned from elsewhere; without
 * `before`, of what was saved, and what is wrong with that is a warning only. On NULL a file is
 * wrong; `forgiving`, it is told and passed over. `key` is for its hash tables. */
struct measured_from {
	const struct conf *conf;
	const struct latency *before;
	struct hash_key key;
	bool forgiving;
};
/* An empty one for the same edges. */
struct latency *measured_new(const struct measured_from *from);
struct latency *measured_read(const struct measured_from *from, struct faults *f);

/* The files that are read anew when they change: how many, and one's path. */
size_t measured_count(const struct conf *c);
const char *measured_path(const struct conf *c, size_t i);
/* Their stamps as they are; the caller frees. */
struct file_stamp *measured_stamps(const struct conf *c);

/* For steer_new(). */
struct steer_measured measured_for_steer(const struct conf *c, const struct latency *table);

/* Writes all that no configured file holds to `state`, at once: there is either the old or the
 * new file, whole. */
bool measured_save(const struct conf *c, const struct latency *table, struct fault *why);

#endif
