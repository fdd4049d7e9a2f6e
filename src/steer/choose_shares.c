/* choose_shares.c - pools of pools: which member has the query, by shares and by weights.
 */
#include "steer/choose_asking.h"
#include "steer/group.h"

/* Plain members divide what the shares leave. By weight where the policy takes turns; else they
 * are one. */
void choose_shares_fill(const struct choose_asking *a, struct choose_shares *d)
{
	const struct pool_tree *t = a->tree;
	const enum pool_policy policy = a->w->pool->policy;
	const bool turns = policy == POOL_WEIGHTED || policy == POOL_ROUND_ROBIN;
	uint32_t shares = 0, weights = 0;
	bool any = false; /* some plain member may answer, and has a weight where those count */

	for (unsigned i = 0; i < t->n; i++) {
		const bool may = choose_judge_member(a, i) == CHOSEN;
		d->parts[i] = !may                          ? 0
			: t->units[i]                       ? t->units[i]
			: pool_policy_weighs(policy)        ? choose_member_weight(a->w, i)
							    : 1;
		*(t->units[i] ? &shares : &weights) += d->parts[i];
		any = any || (!t->units[i] && d->parts[i]);
	}
	const uint32_t rest = turns ? weights : any;
	const uint32_t each = rest && shares ? t->whole - shares : 1,
		       share = shares ? rest ? rest : 1 : 0;
	for (unsigned i = 0; i < t->n; i++)
		d->parts[i] = t->units[i] ? d->parts[i] * share : turns ? d->parts[i] * each : 0;
	d->sum = shares * share + rest * each;
	d->rest = turns ? 0 : rest * each;
	d->weights = turns ? weights : 0;
	d->each = each;
}

/* What is drawn: by the key that keeps going to the same, or in turn. The key has another number here than where a
 * pool that this one is in has chosen it (ask_by_key()): by the same one, those with a share would get other clients. */
static uint32_t draw_at(struct choose_asking *a, uint32_t sum, bool mixed)
{
	const uint64_t pool = a->w->pool->hash;

	if (!a->w->pool->affinity)
		return choose_next_turn(a->w, sum, mixed);
	return (uint32_t)((uint64_t)group_draw(hash_mix(choose_key(a->w, 0) ^ HASH_STEP, pool | 1), pool) * sum >> 32);
}

/* Where `*at` falls, among those with a share or the others; what those before have is taken off it. */
static uint16_t member_at(const struct choose_asking *a, const struct choose_shares *d, bool shares, uint32_t *at)
{
	for (unsigned i = 0; i < a->tree->n; i++)
		if (choose_has_share(a, i) == shares) {
			if (*at < d->parts[i])
				return (uint16_t)i;
			*at -= d->parts[i];
		}
	return CHOOSE_NO_MEMBER;
}

uint16_t choose_shares_draw(struct choose_asking *a, const struct choose_shares *d)
{
	if (!d->sum)
		return CHOOSE_NO_MEMBER;
	uint32_t at = draw_at(a, d->sum, a->tree->whole || a->w->pool->policy == POOL_WEIGHTED);
	a->turn = at;
	/* The shares stand behind all others. */
	uint16_t drawn = member_at(a, d, false, &at);
	if (drawn != CHOOSE_NO_MEMBER || at < d->rest)
		return drawn;
	at -= d->rest;
	drawn = member_at(a, d, true, &at);
	/* What a share takes of a round is a multiple of all weights. */
	if (drawn != CHOOSE_NO_MEMBER && d->weights) {
		at = at % d->weights * d->each;
		a->then = member_at(a, d, false, &at);
	}
	return drawn;
}
