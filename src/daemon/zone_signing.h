/* zone_signing.h - zones on their way into service are signed, and what was signed is kept.
 *
 * For jobs: nothing here knows the loop. What a function has given is on the disk.
 */
#ifndef DAEMON_ZONE_SIGNING_H
#define DAEMON_ZONE_SIGNING_H

#include "store/store.h"
#include "world/policy.h"
#include "zone/sign.h"

/* How. */
struct zone_signing {
	const struct compile_opts *compile;
	struct store *store; /* NULL: nothing is kept */
	int64_t now_s;       /* UNIX time */
	bool politely;
	bool (*goes_on)(void *ctx, uint64_t n, uint64_t of); /* as of struct sign_opts */
	void *ctx;
	/* Not NULL: others may change zones of STORE_ZONE meanwhile. Where they have, what they stored stays, and this
	 * is set: what was made is of a version that has gone, and is not to be served. */
	bool *late;
	/* What is stored of a zone as a whole may wait for a store_settle() of the caller's. */
	bool soon;
};

/* One zone. */
struct zone_signing_of {
	const struct keyset *keys;
	const struct zone *before; /* signed, that is served; NULL: what is stored */
	const struct zone *served; /* unsigned, that is served; NULL: none, or not known */
	enum store_which which;    /* STORE_ZONE: the store is where it comes from */
	enum policy_serial serial;
};

/* `plain`, as it came from where it comes from, signed. What signing makes does not count in it. The
 * serial is its own where that ascends over all that others may have, else the next by the policy: the first signed
 * version comes after an unsigned one. What is still as it was served or
 * stored keeps its signatures. Count 1. `*due`: some of it may not be as the keys want it. NULL: a fault, and nothing
 * has changed. */
struct zone *zone_signing_make(const struct zone_signing *s, const struct zone_signing_of *of,
	const struct zone *plain, bool *due, struct faults *f);

/* A change of the signed zone `z` by a client, with what follows from it; `c` is taken. NULL: a fault. Nothing is
 * stored. */
struct change *zone_signing_follow(const struct zone_signing *s, const struct keyset *keys,
	const struct zone *z, struct change *c, struct faults *f);

/* What signing made is taken away from `before`, which is not signed here any more; its serial is the next. Count 1. */
struct zone *zone_signing_undo(const struct zone_signing *s, const struct zone_signing_of *of,
	struct faults *f);

/* A part of what is not as the keys want it is made anew: signatures that end before `until_s`, too. At most
 * `most` names. `*more`: there is more to do. Count 1, with its history; `z` itself when there was nothing to do.
 * NULL: a fault. */
struct zone_signing_part {
	int64_t until_s;
	size_t most;
	bool more; /* set */
	size_t n;  /* set: names */
};
struct zone *zone_signing_renew(const struct zone_signing *s, const struct zone_signing_of *of,
	struct zone_signing_part *part, struct faults *f);

/* The change alone, where the chain fits (sign_chain_fits()). NULL when nothing is to be done, or after a fault. */
struct change *zone_signing_prepare(const struct zone_signing *s,
	const struct zone_signing_of *of, struct zone_signing_part *part, struct faults *f);

/* Such changes of several zones, in one transaction; nobody else changes them meanwhile. */
struct zone_signing_step {
	enum store_which which;
	const struct change *change;
	const struct zone *zone; /* that it leads to */
	bool *ok;                /* set to false when it is not on the disk */
};
void zone_signing_store(const struct zone_signing *s, const struct zone_signing_step *steps,
	size_t n, struct fault *why);

#endif
