#include "fleet/votes.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64, REGIONS_MOST = 64 };

struct vantage {
	char server[NAME], region[NAME];
	unsigned region_number; /* of settled ones */
	bool live, blind;
	uint32_t n_up, n_down;
	uint8_t *votes; /* [n] */
};

struct votes {
	struct votes_rule rule;
	struct vantage *of; /* by name */
	size_t n, self;
	uint64_t *keys; /* [n_targets] */
	uint32_t n_targets;
	uint32_t *slots; /* by key: 1 + target; 0 */
	uint32_t mask;
	unsigned n_regions;
	bool any_sees; /* some vantage that lives sees something up */
};

/* --- targets ------------------------------------------------------------------------------ */

static uint32_t find_target(const struct votes *v, uint64_t key)
{
	for (uint32_t i = (uint32_t)hash_pair(key, 0) & v->mask; v->slots && v->slots[i]; i = (i + 1) & v->mask)
		if (v->keys[v->slots[i] - 1] == key)
			return v->slots[i] - 1;
	return UINT32_MAX;
}

void votes_plan(struct votes *v, const uint64_t *keys, uint32_t n)
{
	uint32_t room = 8;

	while (room < 2 * n)
		room *= 2;
	memory_free(v->keys);
	memory_free(v->slots);
	v->keys = memory_zeroed(n, sizeof *v->keys);
	v->slots = memory_zeroed(room, sizeof *v->slots);
	v->mask = room - 1;
	v->n_targets = n;
	if (n)
		memcpy(v->keys, keys, n * sizeof *keys);
	for (uint32_t t = 0; t < n; t++) {
		uint32_t i = (uint32_t)hash_pair(keys[t], 0) & v->mask;
		while (v->slots[i] && v->keys[v->slots[i] - 1] != keys[t])
			i = (i + 1) & v->mask;
		if (!v->slots[i])
			v->slots[i] = t + 1;
	}
	for (size_t i = 0; i < v->n; i++) {
		memory_free(v->of[i].votes);
		v->of[i].votes = memory_zeroed(n, 1);
		v->of[i].n_up = v->of[i].n_down = 0;
	}
}

/* --- vantages ----------------------------------------------------------------------------- */

static struct vantage *find_vantage(const struct votes *v, const char *server)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->of[i].server, server) == 0)
			return &v->of[i];
	return NULL;
}

static struct vantage *add_vantage(struct votes *v, const char *server)
{
	size_t at = v->n;

	v->of = memory_grow(v->of, (v->n + 1) * sizeof *v->of);
	while (at && strcmp(v->of[at - 1].server, server) > 0)
		at--;
	struct vantage *to = &v->of[at];
	memmove(to + 1, to, (v->n - at) * sizeof *to);
	v->self += v->n && at <= v->self;
	v->n++;
	*to = (struct vantage){ .votes = memory_zeroed(v->n_targets, 1) };
	snprintf(to->server, sizeof to->server, "%s", server);
	return to;
}

struct votes *votes_new(const char *self, const char *region, const struct votes_rule *rule)
{
	struct votes *v = memory_zeroed(1, sizeof *v);

	v->rule = *rule;
	votes_live(v, self, region, true);
	return v;
}

void votes_free(struct votes *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++)
		memory_free(v->of[i].votes);
	memory_free(v->of);
	memory_free(v->keys);
	memory_free(v->slots);
	memory_free(v);
}

void votes_live(struct votes *v, const char *server, const char *region, bool live)
{
	struct vantage *of = find_vantage(v, server);

	if (!of)
		of = add_vantage(v, server);
	snprintf(of->region, sizeof of->region, "%s", region);
	of->live = live;
}

void votes_forget(struct votes *v, const char *server)
{
	struct vantage *of = find_vantage(v, server);
	const size_t at = of ? (size_t)(of - v->of) : v->self;

	if (at == v->self)
		return;
	memory_free(of->votes);
	memmove(of, of + 1, (--v->n - at) * sizeof *of);
	v->self -= at < v->self;
}

static bool set(struct vantage *of, uint32_t target, enum vote vote)
{
	uint8_t *at = &of->votes[target];

	if (*at == vote)
		return false;
	of->n_up -= *at == VOTE_UP;
	of->n_down -= *at == VOTE_DOWN;
	*at = (uint8_t)vote;
	of->n_up += vote == VOTE_UP;
	of->n_down += vote == VOTE_DOWN;
	return true;
}

bool votes_set_own(struct votes *v, uint32_t target, enum vote vote)
{
	return set(&v->of[v->self], target, vote);
}

uint8_t *votes_write(const struct votes *v, size_t *len)
{
	uint8_t *to = memory_zeroed(v->n_targets, VOTES_ROW), *at = to;

	for (uint32_t i = 0; i < v->n_targets; i++) {
		if (v->of[v->self].votes[i] == VOTE_NONE)
			continue;
		be64_put(at, v->keys[i]);
		at[8] = v->of[v->self].votes[i];
		at += VOTES_ROW;
	}
	*len = (size_t)(at - to);
	return to;
}

bool votes_take(struct votes *v, const char *server, const uint8_t *bytes, size_t len)
{
	struct vantage *of = find_vantage(v, server);
	uint8_t *before = memory_zeroed(v->n_targets, 1);

	if (!of)
		of = add_vantage(v, server);
	uint8_t *votes = of->votes;
	of->votes = before;
	of->n_up = of->n_down = 0;
	for (; len >= VOTES_ROW; bytes += VOTES_ROW, len -= VOTES_ROW) {
		const uint32_t target = find_target(v, be64_get(bytes));
		if (target != UINT32_MAX && (bytes[8] == VOTE_UP || bytes[8] == VOTE_DOWN))
			set(of, target, bytes[8]);
	}
	const bool same = !v->n_targets || memcmp(votes, of->votes, v->n_targets) == 0;
	memory_free(votes);
	return !same;
}

uint64_t votes_digest(const uint8_t *bytes, size_t len)
{
	uint64_t sum = len;

	for (; len >= VOTES_ROW; bytes += VOTES_ROW, len -= VOTES_ROW)
		sum += hash_pair(be64_get(bytes), bytes[8]);
	return sum;
}

/* --- judging ------------------------------------------------------------------------------ */

static bool counts(const struct vantage *of)
{
	return of->live && (of->n_up || of->n_down);
}

void votes_settle(struct votes *v)
{
	v->any_sees = false;
	v->n_regions = 0;
	for (size_t i = 0; i < v->n; i++)
		v->any_sees = v->any_sees || (counts(&v->of[i]) && v->of[i].n_up);
	for (size_t i = 0; i < v->n; i++) {
		struct vantage *of = &v->of[i];
		size_t twin = 0;
		of->blind = counts(of) && !of->n_up && v->any_sees;
		while (twin < i && strcmp(v->of[twin].region, of->region) != 0)
			twin++;
		of->region_number = twin < i ? v->of[twin].region_number
			: v->n_regions < REGIONS_MOST ? v->n_regions++ : REGIONS_MOST - 1;
	}
}

bool votes_sees_nothing(const struct votes *v)
{
	return v->of[v->self].n_down && !v->of[v->self].n_up;
}

bool votes_self_is_blind(const struct votes *v)
{
	return v->of[v->self].blind;
}

unsigned votes_others(const struct votes *v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += i != v->self && counts(&v->of[i]);
	return n;
}

/* 2/3 of 3 are 2, whatever the fraction is in binary. */
static bool is_down(const struct votes *v, unsigned down, unsigned of)
{
	return down && (double)down + 1e-9 >= v->rule.share * of;
}

static void judge_regions(const struct votes *v, uint32_t target, struct votes_tally *t)
{
	unsigned up[REGIONS_MOST] = { 0 }, down[REGIONS_MOST] = { 0 };

	for (size_t i = 0; i < v->n; i++) {
		const struct vantage *of = &v->of[i];
		if (!counts(of) || of->blind)
			continue;
		up[of->region_number] += of->votes[target] == VOTE_UP;
		down[of->region_number] += of->votes[target] == VOTE_DOWN;
	}
	for (unsigned r = 0; r < v->n_regions; r++) {
		const bool falls = is_down(v, down[r], up[r] + down[r]);
		t->regions_down += falls;
		t->regions_up += !falls && up[r] + down[r];
	}
}

struct votes_tally votes_judge(const struct votes *v, uint32_t target)
{
	struct votes_tally t = { .verdict = VOTE_NONE, .alone = true };

	for (size_t i = 0; i < v->n; i++) {
		const struct vantage *of = &v->of[i];
		const enum vote vote = of->votes[target];
		if (!counts(of) || vote == VOTE_NONE)
			continue;
		t.blind += of->blind;
		t.up += !of->blind && vote == VOTE_UP;
		t.down += !of->blind && vote == VOTE_DOWN;
		t.alone = t.alone && i == v->self;
	}
	if (v->rule.by_region)
		judge_regions(v, target, &t);
	const unsigned down = v->rule.by_region ? t.regions_down : t.down,
		       all = v->rule.by_region ? t.regions_up + t.regions_down : t.up + t.down;
	if (all)
		t.verdict = is_down(v, down, all) ? VOTE_DOWN : VOTE_UP;
	return t;
}

void votes_each(const struct votes *v, uint32_t target,
	void (*say)(void *ctx, const char *server, enum vote vote, bool blind), void *ctx)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct vantage *of = &v->of[i];
		if (counts(of) && of->votes[target] != VOTE_NONE)
			say(ctx, of->server, of->votes[target], of->blind);
	}
}
