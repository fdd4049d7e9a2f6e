#include "daemon/fleet_health.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAY_MS = 10, TARGETS_A_MS = 50 }; /* what comes together is said at once; of more targets, less often */

struct fleet_health {
	struct fleet_health_opts opts;
	char server[FLEET_NAME_MOST + 1];
	struct votes *votes;
	ev_timer say;
	uint64_t said_us;
	uint32_t n;
	struct verdict *judged; /* [n] */
	uint8_t *known;         /* [n] enum vote: what held when others were there */
	bool had_others, holds;
	uint64_t digest;        /* of what we said last */
	bool blind;             /* as it was told */
};

/* The same on all servers whose configurations say the same of it. */
static uint64_t key_of(const struct fleet_health *h, const struct round_view *v)
{
	static const uint8_t key[crypto_shorthash_KEYBYTES] = "waymark target";
	char where[ROUND_WHERE], text[ROUND_WHERE + 512];
	uint8_t hash[crypto_shorthash_BYTES];
	/* What somebody has told this server is no finding: nobody else has a vote about it. */
	const bool own = v->probe->kind == PROBE_EXTERNAL, of_edge = own || v->probe->kind == PROBE_EXEC;
	const int n = snprintf(text, sizeof text, "%s|%s|%s|%s", v->probe->name, round_where(where, v),
		of_edge ? v->edge : "", own ? h->server : "");

	crypto_shorthash(hash, (const uint8_t *)text, n < (int)sizeof text ? (size_t)n : sizeof text - 1, key);
	return be64_get(hash);
}

static void set_own(struct fleet_health *h)
{
	const struct verdict *v = round_verdicts(h->opts.round);

	for (uint32_t i = 0; i < h->n; i++)
		votes_set_own(h->votes, i, !v[i].known ? VOTE_NONE : v[i].up ? VOTE_UP : VOTE_DOWN);
}

/* --- saying ------------------------------------------------------------------------------- */

static void say(struct fleet_health *h, bool keep_only)
{
	size_t len;

	set_own(h);
	uint8_t *bytes = votes_write(h->votes, &len);
	h->digest = votes_digest(bytes, len);
	if (!keep_only)
		fleet_say(h->opts.fleet, FLEET_HEALTH, bytes, len);
	fleet_keep(h->opts.fleet, FLEET_HEALTH, bytes, len);
	memory_free(bytes);
	h->said_us = clock_us();
}

static void on_say(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	say(t->data, false);
}

void fleet_health_changed(struct fleet_health *h)
{
	const uint64_t rest = (SAY_MS + h->n / TARGETS_A_MS) * UINT64_C(1000), now = clock_us();
	const uint64_t next = h->said_us + rest;

	if (ev_is_active(&h->say))
		return;
	ev_now_update(h->opts.loop);
	ev_timer_set(&h->say, next > now + SAY_MS * 1000 ? (double)(next - now) / 1e6 : SAY_MS / 1e3, 0);
	ev_timer_start(h->opts.loop, &h->say);
}

/* --- hearing ------------------------------------------------------------------------------ */

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_health *h = ctx;

	if (votes_take(h->votes, n->server, n->bytes, n->len))
		h->opts.changed(h->opts.ctx);
}

static void on_caught_up(void *ctx)
{
	say(ctx, false);
}

static void on_lost(void *ctx)
{
	say(ctx, true);
}

static const char *region_of(const struct fleet *f, const char *server)
{
	for (size_t i = 0; i < fleet_mates(f); i++) {
		const struct fleet_mate m = fleet_mate(f, i);
		if (strcmp(m.server, server) == 0)
			return m.region;
	}
	return "";
}

static void on_mate(void *ctx, const char *server, bool live)
{
	struct fleet_health *h = ctx;

	votes_live(h->votes, server, region_of(h->opts.fleet, server), live);
	if (live)
		fleet_fetch(h->opts.fleet, FLEET_HEALTH, server);
	h->opts.changed(h->opts.ctx);
}

static void on_forget(void *ctx, const char *server)
{
	struct fleet_health *h = ctx;

	votes_forget(h->votes, server);
}

/* --- judging ------------------------------------------------------------------------------ */

static void tell_blind(struct fleet_health *h, bool blind, bool holds)
{
	if (blind && !h->blind)
		log_line(LOG_WARNING,
			"fleet: we see no edge up, and others do: our own network is lost, and our verdicts do not "
			"count");
	else if (!blind && h->blind)
		log_line(LOG_NOTICE, "fleet: our verdicts count again");
	if (holds && !h->holds)
		log_line(LOG_WARNING,
			"fleet: we see no edge up and no other server: what the fleet last knew holds on");
	h->blind = blind;
	h->holds = holds;
}

static void judge_one(struct fleet_health *h, uint32_t i, const struct verdict *own)
{
	const struct votes_tally t = votes_judge(h->votes, i);
	struct verdict *to = &h->judged[i];
	enum vote vote = h->holds ? (enum vote)h->known[i] : t.verdict;

	*to = *own;
	if (vote == VOTE_NONE || (t.alone && !h->holds))
		return;
	const bool up = vote == VOTE_UP, differs = !own->known || own->up != up;
	to->known = true;
	to->awaited = false;
	to->up = up;
	/* Where not all are of one mind it can change at any time. */
	if (differs || (t.up && t.down))
		to->changes_us = clock_us();
}

const struct verdict *fleet_health_judge(struct fleet_health *h)
{
	const struct verdict *own = round_verdicts(h->opts.round);

	set_own(h);
	votes_settle(h->votes);
	const bool others = votes_others(h->votes) != 0;
	tell_blind(h, votes_self_is_blind(h->votes),
		!others && h->had_others && h->n > 1 && votes_sees_nothing(h->votes));
	for (uint32_t i = 0; i < h->n; i++) {
		judge_one(h, i, &own[i]);
		if (others)
			h->known[i] = h->judged[i].known ? (h->judged[i].up ? VOTE_UP : VOTE_DOWN) : VOTE_NONE;
	}
	h->had_others = h->had_others || others;
	return h->judged;
}

void fleet_health_plan(struct fleet_health *h)
{
	const uint32_t n = round_targets(h->opts.round);
	uint64_t *keys = memory_zeroed(n, sizeof *keys);

	for (uint32_t i = 0; i < n; i++) {
		const struct round_view v = round_view(h->opts.round, i);
		keys[i] = key_of(h, &v);
	}
	votes_plan(h->votes, keys, n);
	memory_free(keys);
	memory_free(h->judged);
	memory_free(h->known);
	h->judged = memory_zeroed(n, sizeof *h->judged);
	h->known = memory_zeroed(n, 1);
	h->n = n;
	h->had_others = false;
	for (size_t i = 0; i < fleet_mates(h->opts.fleet); i++)
		fleet_fetch(h->opts.fleet, FLEET_HEALTH, fleet_mate(h->opts.fleet, i).server);
	fleet_health_changed(h);
}

/* --- showing ------------------------------------------------------------------------------ */

struct saying {
	struct text up, down, blind;
	unsigned n_up, n_down, n;
};

static void add_name(void *ctx, const char *server, enum vote vote, bool blind)
{
	struct saying *s = ctx;
	struct text *to = blind ? &s->blind : vote == VOTE_UP ? &s->up : &s->down;

	s->n_up += !blind && vote == VOTE_UP;
	s->n_down += !blind && vote == VOTE_DOWN;
	s->n++;
	text_addf(to, "%s%s", to->len ? ", " : "", server);
}

void fleet_health_say(const struct fleet_health *h, uint32_t target, struct text *to)
{
	struct saying s = { .n = 0 };
	const struct votes_tally t = votes_judge(h->votes, target);

	if (!h->holds && !t.blind && !t.alone && (!t.up || !t.down)) {
		if (t.up + t.down)
			text_addf(to, "all %u say %s", t.up + t.down, t.up ? "up" : "down");
		return;
	}
	votes_each(h->votes, target, add_name, &s);
	if (h->holds)
		text_add(to, "no other server is there, and we see nothing up: what the fleet last knew");
	else if (s.n > 1 || s.blind.len) {
		if (s.n_down)
			text_addf(to, "%u of %u say down: %s", s.n_down, s.n_up + s.n_down, text_get(&s.down));
		if (s.n_up)
			text_addf(to, "%s%u of %u say up: %s", s.n_down ? "; " : "", s.n_up,
				s.n_up + s.n_down, text_get(&s.up));
		if (s.blind.len)
			text_addf(to, "%snot counted, since all is down there: %s",
				s.n_up + s.n_down ? "; " : "", text_get(&s.blind));
	}
	text_fini(&s.up);
	text_fini(&s.down);
	text_fini(&s.blind);
}

void fleet_health_show(struct fleet_health *h, struct still *s)
{
	const struct verdict *judged = fleet_health_judge(h);

	for (uint32_t i = 0; i < s->n && i < h->n; i++) {
		struct text say = { 0 };
		s->verdicts[i] = judged[i];
		fleet_health_say(h, i, &say);
		if (say.len)
			s->views[i].fleet = arena_strdup(&s->mem, text_get(&say));
		s->views[i].outvoted = judged[i].known && s->views[i].known && judged[i].up != s->views[i].up;
		text_fini(&say);
	}
}

uint64_t fleet_health_digest(const struct fleet_health *h)
{
	return h->digest;
}

struct fleet_health_sum fleet_health_sum(const struct fleet_health *h)
{
	struct fleet_health_sum s = { votes_others(h->votes), h->blind, h->holds, 0 };
	const struct verdict *own = round_verdicts(h->opts.round);

	for (uint32_t i = 0; i < h->n; i++)
		s.outvoted += own[i].known && h->judged[i].known && own[i].up != h->judged[i].up;
	return s;
}

struct fleet_health *fleet_health_new(const struct fleet_health_opts *opts)
{
	struct fleet_health *h = memory_zeroed(1, sizeof *h);

	h->opts = *opts;
	h->opts.server = h->opts.region = NULL; /* borrowed, and not needed any more */
	snprintf(h->server, sizeof h->server, "%s", opts->server);
	h->votes = votes_new(opts->server, opts->region, &opts->rule);
	ev_timer_init(&h->say, on_say, 0, 0);
	h->say.data = h;
	fleet_follow(opts->fleet, FLEET_HEALTH,
		&(struct fleet_follower){ h, on_take, on_caught_up, on_lost, on_mate, on_forget });
	fleet_health_plan(h);
	return h;
}

void fleet_health_free(struct fleet_health *h)
{
	if (!h)
		return;
	ev_timer_stop(h->opts.loop, &h->say);
	votes_free(h->votes);
	memory_free(h->judged);
	memory_free(h->known);
	memory_free(h);
}
