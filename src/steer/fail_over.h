/* fail_over.h - pools in order that have failed over, and stay where they are for now: which
 * member answers first. By name: it outlives a reload, and a restart. Loop.
 */
#ifndef STEER_FAIL_OVER_H
#define STEER_FAIL_OVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
struct steer;
struct standing;

struct fail_over {
	char *pool, *member;
	int64_t when_s;    /* time of day, to be shown */
	uint64_t better_us; /* monotonic: something before it may answer since then; 0: nothing may */
};

struct fail_overs {
	struct fail_over *of;
	size_t n;
};

/* NULL: it has not failed over. Borrowed until the list changes. */
struct fail_over *fail_over_find(const struct fail_overs *l, const char *pool);

/* Copies both names; in the place of what there was for that pool. */
struct fail_over *fail_over_set(struct fail_overs *l, const char *pool, const char *member);
void fail_over_clear(struct fail_overs *l, const char *pool);

struct fail_overs fail_overs_copy(const struct fail_overs *l);
void fail_overs_fini(struct fail_overs *l);

/* --- members of a pool, by position ------------------------------------------------------- */

unsigned fail_over_members(const struct steer *s, unsigned pool);
/* The one that goes first: whose turn it is by a share has no place in the order. */
unsigned fail_over_base(const struct steer *s, unsigned pool);
const char *fail_over_name(const struct steer *s, unsigned pool, unsigned at);

/* Does the pool stay where it has failed over to, for a time or until it is told? */
bool fail_over_stays(const struct pool *p);

/* Where it is: where it has failed over to, or (NULL, or a member that is gone) with its first
 * member. */
unsigned fail_over_place(const struct fail_over *at, const struct steer *s, unsigned pool);

/* May it answer, for some type of address? Not by a share. */
bool fail_over_may(
	const struct steer *s, const struct standing *now, unsigned pool, unsigned at);

/* From now on the pool asks that member first, and then the others in their order. Before
 * `now` is published. */
void fail_over_put(const struct steer *s, struct standing *now, unsigned pool, unsigned at);

/* All pools of these names that stay: there, while that may answer, or nobody may; as those that are served (fail_back.h). */
void fail_overs_apply(const struct fail_overs *l, const struct steer *s, struct standing *now);

#endif
