/* fleet_signing.h - what signing makes in a zone of a fleet is a change like any other, committed to the fleet.
 *
 * Made ahead on a helper thread, of the version that is served then. Where others have changed the zone meanwhile it is made
 * anew, upon what they have made of it.
 */
#ifndef DAEMON_FLEET_SIGNING_H
#define DAEMON_FLEET_SIGNING_H

#include "daemon/updates.h"
#include "world/parts.h"

struct fleet_signing;

struct fleet_signing_of {
	const struct parts *live, *staged; /* held by the caller until it is done; of `staged` the conf, which may be NULL */
	size_t zone;                       /* number in live->zones */
	struct keyset *keys;               /* NULL: it is to be unsigned */
	struct hash_key key;
	int64_t now_s, until_s;
	size_t most; /* names */
	bool (*goes_on)(void *ctx, uint64_t n, uint64_t of);
	void *ctx;
};

/* A helper thread. NULL: nothing is to be made, or after a fault. `*n`: names. */
struct fleet_signing *fleet_signing_new(const struct fleet_signing_of *of, size_t *n, struct faults *f);

/* The loop's thread. `done` once, perhaps from within: whether it was committed, or there was nothing to do any more; else why
 * not. Takes it. */
typedef void fleet_signing_done(void *ctx, const uint8_t *apex, bool changed, const struct fault *why);
void fleet_signing_commit(struct fleet_signing *s, struct updates *u, fleet_signing_done *done, void *ctx);
/* One that is not to be committed. */
void fleet_signing_free(struct fleet_signing *s);

#endif
