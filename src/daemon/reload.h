/* reload.h - the configuration and all it names are read anew, while the old state serves.
 *
 * A job reads everything beside what is served; it is published when it is right. Zones that
 * are wrong keep what they had, and all the rest is taken. Loop.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "base/fault.h"
#include "daemon/builder.h"
#include "daemon/pool_signing.h"
#include "daemon/publish.h"
#include "daemon/zones_change.h"

struct reloader;
struct key_ring;
struct store;

struct reloader_opts {
	struct builder *builder;
	struct publisher *publisher;
	const char *conf_path; /* borrowed for good */
	struct hash_key key;
	struct store *store; /* NULL: none */
	struct key_ring *ring; /* of that; NULL */
	struct pool_signing *signing;
};

struct reloader *reloader_new(const struct reloader_opts *opts);
void reloader_free(struct reloader *r);

/* What came of it. `taken`: something else may be served now; without errors in the faults, all
 * that the files say is. */
struct reload_result {
	bool taken;
	const struct faults *faults;
	const struct zones_change *zones; /* against what was served; or staged */
};

/* Called once, on the loop. */
struct reload_done {
	void *ctx;
	void (*told)(void *ctx, const struct reload_result *result);
};

/* Everything, for all clients; `force`: however many zones are gone. False: no memory, not even
 * to try. */
bool reload_all(struct reloader *r, bool force, const struct reload_done *done);

/* For a stage: the same, but for what becomes of it. `made` may be emptied by who takes it. */
struct reload_made {
	void *ctx;
	bool force;
	/* The parts that it replaces, as they are when its turn has come; held from then on. */
	struct parts (*before)(void *ctx);
	/* On a helper thread: what else has to be right, or be made of it. Or NULL. */
	bool (*also)(void *ctx, struct parts *made, struct faults *f);
	/* The zones that are made are served: those that change while they are read, change in what is made. Else
	 * nothing changes a zone until it has ended. */
	bool beside;
	/* `made` NULL: it is not right. */
	void (*told)(void *ctx, struct parts *made, struct faults *f,
		const struct zones_change *zones);
};
bool reload_read(struct reloader *r, const char *name, const struct reload_made *how);

/* How the last reload of all ended: for reports. */
struct reload_state {
	int64_t at_s; /* UNIX time; 0: there was none */
	bool taken;
	unsigned errors;
};
struct reload_state reload_state(const struct reloader *r);

#endif
