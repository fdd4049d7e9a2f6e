/* votes.h - what several servers say of the same targets of probes, and what comes of it.
 *
 * Each server is a vantage. A target is down when a share of the vantages that count say so. One counts as long as
 * it lives, has a verdict, and is not blind: whoever sees nothing up, while others see something, has lost his own
 * network. By regions, those of one region agree first, and then the regions. Pure; one thread.
 */
#ifndef FLEET_VOTES_H
#define FLEET_VOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct votes;

enum vote { VOTE_NONE, VOTE_UP, VOTE_DOWN };

struct votes_rule {
	double share; /* of those that count: so many must say "down"; over 0, up to 1 */
	bool by_region;
};

/* Never NULL. `self` is the server whose targets they are. */
struct votes *votes_new(const char *self, const char *region, const struct votes_rule *rule);
void votes_free(struct votes *v);

/* The targets, by keys that are the same on all servers. All votes of others are forgotten; those of `self`, too. */
void votes_plan(struct votes *v, const uint64_t *keys, uint32_t n);

/* A vantage lives, or is gone: its votes are kept, and do not count. */
void votes_live(struct votes *v, const char *server, const char *region, bool live);

/* One that is gone; never `self`. */
void votes_forget(struct votes *v, const char *server);

/* True when that is another vote than before. */
bool votes_set_own(struct votes *v, uint32_t target, enum vote vote);

/* All that a server says, as another takes it: VOTES_ROW bytes each. The caller frees it. */
enum { VOTES_ROW = 9 };
uint8_t *votes_write(const struct votes *v, size_t *len);
/* In the place of what that server said before. What is of no target of ours is passed over. True when something
 * is another than before. */
bool votes_take(struct votes *v, const char *server, const uint8_t *bytes, size_t len);
/* A sum of such bytes. */
uint64_t votes_digest(const uint8_t *bytes, size_t len);

/* Who says what of a target. */
struct votes_tally {
	unsigned up, down;   /* vantages that count */
	unsigned blind;      /* ... that do not, since they see nothing up at all */
	unsigned regions_up, regions_down;
	enum vote verdict;   /* NONE: nobody counts */
	bool alone;          /* nobody else has been asked: it is our own verdict */
};
/* What is settled before many are judged: who is blind. */
void votes_settle(struct votes *v);
struct votes_tally votes_judge(const struct votes *v, uint32_t target);
/* As settled: others see something up, and we do not. And: we see nothing up, whatever others do. */
bool votes_self_is_blind(const struct votes *v);
bool votes_sees_nothing(const struct votes *v);

/* Others that live and have votes. */
unsigned votes_others(const struct votes *v);

/* Each of them: `say` is called with its vote, and whether it counts. */
void votes_each(const struct votes *v, uint32_t target,
	void (*say)(void *ctx, const char *server, enum vote vote, bool blind), void *ctx);

#endif
