#include "daemon/forcing_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/who.h"
#include "daemon/parts_read.h"
#include "steer/forced_effect.h"

#include <ev.h>
#include <string.h>
#include <time.h>

static const struct steer *steer_of(const struct forcing *f)
{
	return publisher_live(f->opts.publisher)->steer;
}

static struct forced_now now_of(void)
{
	return (struct forced_now){ clock_us(), time(NULL) };
}

/* --- time --------------------------------------------------------------------------------- */

static void end_one(struct forcing *f, const struct forced *x)
{
	const uint32_t id = x->id;
	char what[32];
	struct forcing_where at;
	struct text was = forcing_how(f, x->edge, x->pool, x->what), is;
	struct forced kept = *x;

	if (x->begun)
		log_line(LOG_NOTICE, "%s: no longer forced %s: its time is over",
			forcing_where(&at, x->edge, x->pool), forced_text(x, what));
	else
		log_line(LOG_WARNING,
			"%s: change %u to %s was to begin and end while no server ran",
			forcing_where(&at, x->edge, x->pool), id, forced_text(x, what));
	kept.edge = memory_strdup(x->edge);
	kept.pool = memory_strdup(x->pool);
	kept.why = memory_strdup(x->why);
	forced_drop(&f->list, id);
	is = forcing_how(f, kept.edge, kept.pool, kept.what);
	forcing_remember(f, "ended", &kept, "", text_get(&was), text_get(&is));
	text_fini(&was);
	text_fini(&is);
	memory_free(kept.edge);
	memory_free(kept.pool);
	memory_free(kept.why);
}

static void begin_one(struct forcing *f, const struct forced *x)
{
	const uint32_t id = x->id;
	char what[32];
	struct forcing_where at;
	struct text was = forcing_how(f, x->edge, x->pool, x->what), is;

	forced_begin(&f->list, id, time(NULL));
	x = forced_by_id(&f->list, id);
	is = forcing_how(f, x->edge, x->pool, x->what);
	log_line(LOG_NOTICE, "%s: %s begins, as %s has it%s%s", forcing_where(&at, x->edge, x->pool),
		forced_text(x, what), x->configured ? "the configuration" : x->who,
		*x->why ? ": " : "", x->why);
	forcing_remember(f, "began", x, x->configured ? "configuration" : x->who, text_get(&was),
		text_get(&is));
	text_fini(&was);
	text_fini(&is);
}

static void wait(struct forcing *f, struct forced_now now)
{
	const uint64_t next = forced_next_us(&f->list, now);

	ev_timer_stop(f->opts.loop, &f->timer);
	if (next == UINT64_MAX || !f->begun)
		return;
	ev_now_update(f->opts.loop);
	ev_timer_set(&f->timer, next > now.us ? (double)(next - now.us) / 1e6 : 0, 0);
	ev_timer_start(f->opts.loop, &f->timer);
}

/* What is over ends before what is due begins: windows may follow each other. True when
 * something has changed. */
static bool look(struct forcing *f)
{
	const struct forced_now now = now_of();
	const struct forced *x;
	bool any = false;

	while (f->begun && (x = forced_over(&f->list, now))) {
		end_one(f, x);
		any = true;
	}
	while (f->begun && (x = forced_due(&f->list, now))) {
		begin_one(f, x);
		any = true;
	}
	wait(f, now);
	return any;
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct forcing *f = t->data;

	(void)loop;
	(void)events;
	if (look(f))
		f->opts.changed(f->opts.ctx, true);
}

/* --- by command --------------------------------------------------------------------------- */

/* Now, or among what is tried out. */
static bool is_named(const struct forcing *f, bool name(const struct steer *, const char *),
	const char *words)
{
	const struct parts *stage = publisher_staged(f->opts.publisher);

	return name(steer_of(f), words) || (stage && name(stage->steer, words));
}

/* A member with a share keeps it, whatever it weighs. */
static bool is_shared(const struct steer *s, const char *pool, const char *in)
{
	bool any = false;

	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct pool_tree *t = s->pools[i].tree;
		for (unsigned k = 0; t && k < t->n; k++) {
			if (!t->members[k].is_pool ||
				(*in && !forced_matches(in, s->pools[i].name)) ||
				!forced_matches(pool, s->pools[t->members[k].number].name))
				continue;
			if (!t->members[k].share)
				return false;
			any = true;
		}
	}
	return any;
}

static bool check_ask(const struct forcing *f, const struct forcing_ask *a, struct forced *to,
	struct fault *why)
{
	const bool is_pool = strncmp(a->edge, "pool:", 5) == 0,
		   automatic = a->state && strcmp(a->state, "auto") == 0;

	to->what = a->state ? FORCED_STATE : FORCED_WEIGHT;
	if (strlen(a->edge) > FORCED_WHERE_MOST || strlen(a->pool) > FORCED_WHERE_MOST)
		return fault(why, "at most %d bytes of names", FORCED_WHERE_MOST);
	if (a->state && strcmp(a->state, "disable") == 0)
		to->state = EDGE_DOWN;
	else if (a->state && !automatic && !edge_state_parse(&to->state, a->state))
		return fault(why,
			"\"%s\" is no state (up, down, drain, disable, auto, or weight N)",
			a->state);
	if (automatic && forced_of(&f->list, a->edge, a->pool))
		return true;
	if (is_pool && !is_named(f, forced_names_pool, a->edge + 5))
		return fault(why, "there is no pool \"%s\" (\"waymarkctl pools\" lists them)",
			a->edge + 5);
	if (!is_pool && !is_named(f, forced_names_edge, a->edge))
		return fault(why,
			forced_is_pattern(a->edge)
				? "there is no edge like \"%s\" (\"waymarkctl edges\" lists "
				  "them)"
				: "there is no edge \"%s\" (\"waymarkctl edges\" lists them)",
			a->edge);
	if (*a->pool && !is_named(f, forced_names_pool, a->pool))
		return fault(why, "there is no pool \"%s\" (\"waymarkctl pools\" lists them)",
			a->pool);
	if (is_pool && to->what == FORCED_WEIGHT &&
		is_shared(steer_of(f), a->edge + 5, a->pool))
		return fault(why,
			"pool %s has a share of the list that it stands in, and no weight; "
			"change "
			"that in the configuration",
			a->edge + 5);
	return true;
}

/* What stands of just these words; what else holds for that edge is told, since it goes on. */
static bool clear(
	struct forcing *f, const struct forcing_ask *a, const char *who, struct fault *why)
{
	const struct forced *x = forced_of(&f->list, a->edge, a->pool);
	struct text was = forcing_how(f, a->edge, a->pool, FORCED_STATE);
	struct forcing_where at;

	if (!x && !forced_is_pattern(a->edge)) {
		x = forced_find(&f->list, a->edge, *a->pool ? a->pool : NULL, FORCED_STATE);
		if (x && x->configured)
			fault(why,
				"%s is %s by a window of the configuration until its end; say "
				"\"up\", which "
				"holds from now on",
				forcing_where(&at, a->edge, a->pool), edge_state_text(x->state));
		else if (x)
			fault(why,
				"%s is %s by change %u, which is of \"%s\"%s%s: \"waymarkctl "
				"revoke %u\" ends "
				"that, and \"up\" holds from now on",
				forcing_where(&at, a->edge, a->pool), edge_state_text(x->state), x->id,
				x->edge, *x->pool ? " in pool " : "", x->pool, x->id);
		text_fini(&was);
		return !x;
	}
	while ((x = forced_of(&f->list, a->edge, a->pool)))
		forced_drop(&f->list, x->id);
	struct text is = forcing_how(f, a->edge, a->pool, FORCED_STATE);
	log_line(LOG_NOTICE, "%s: forced auto by %s%s%s", forcing_where(&at, a->edge, a->pool), who,
		*a->why ? ": " : "", a->why);
	forcing_remember(f, "forced",
		&(struct forced){ .edge = (char *)(uintptr_t)a->edge,
			.pool = (char *)(uintptr_t)a->pool,
			.why = (char *)(uintptr_t)a->why },
		who, text_get(&was), text_get(&is));
	text_fini(&was);
	text_fini(&is);
	return true;
}

static void set_times(struct forced *to, const struct forcing_ask *a)
{
	to->when_s = time(NULL);
	to->from_s = a->from_s > to->when_s ? a->from_s : 0;
	to->begun = !to->from_s;
	to->begun_s = to->begun ? to->when_s : 0;
	to->until_s = a->until_s;
	to->until_us = UINT64_MAX;
	if (a->for_ms && to->begun)
		to->until_us = clock_us() + a->for_ms * 1000;
	else if (a->for_ms)
		to->until_s = to->from_s + (int64_t)(a->for_ms / 1000);
}

static void plan_change(struct forcing *f, const struct forced *to)
{
	char what[32], from[MOMENT_TEXT];
	struct forcing_where at;

	log_line(LOG_NOTICE, "%s: to be forced %s from %s on, by %s%s%s",
		forcing_where(&at, to->edge, to->pool), forced_text(to, what),
		moment_text(from, to->from_s), to->who, *to->why ? ": " : "", to->why);
	forcing_remember(f, "planned", to, to->who, "", forced_text(to, what));
}

static void set(struct forcing *f, const struct forced *to)
{
	char what[32];
	struct forcing_where at;

	if (!to->begun) {
		plan_change(f, to);
		forced_set(&f->list, to);
		return;
	}
	struct text was = forcing_how(f, to->edge, to->pool, to->what);
	forced_set(&f->list, to);
	struct text is = forcing_how(f, to->edge, to->pool, to->what);
	log_line(LOG_NOTICE, "%s: forced %s by %s%s%s", forcing_where(&at, to->edge, to->pool),
		forced_text(to, what), to->who, *to->why ? ": " : "", to->why);
	forcing_remember(f, "forced", to, to->who, text_get(&was),
		*text_get(&is) ? text_get(&is) : what);
	text_fini(&was);
	text_fini(&is);
}

bool forcing_take(struct forcing *f, const struct forcing_ask *a, struct fault *why)
{
	struct forced to = { .edge = (char *)(uintptr_t)a->edge,
		.pool = (char *)(uintptr_t)a->pool,
		.why = (char *)(uintptr_t)a->why,
		.weight = a->weight,
		.here = a->here };
	const bool of_pool = a->state && strncmp(a->edge, "pool:", 5) == 0;
	char who[WHO_TEXT];

	to.who = (char *)(uintptr_t)who_text(who, a->uid);
	if (!check_ask(f, a, &to, why))
		return false;
	if (of_pool && *a->pool)
		return fault(why,
			"the state of a pool is the same in all that it is in; leave --pool "
			"away");
	struct forcing_ask meant = *a;
	if (of_pool) { /* all edges in that pool, and below it */
		meant.edge = "*";
		meant.pool = a->edge + 5;
		to.edge = (char *)(uintptr_t)meant.edge;
		to.pool = (char *)(uintptr_t)meant.pool;
	}
	if (a->state && strcmp(a->state, "auto") == 0) {
		if (!clear(f, &meant, to.who, why))
			return false;
	} else if (f->list.n >= FORCED_MOST) {
		return fault(why,
			"there are %d changes already (\"waymarkctl changes\"); revoke some",
			FORCED_MOST);
	} else {
		set_times(&to, a);
		if (to.until_s && to.until_s <= to.when_s)
			return fault(why, "it would be over already");
		if (to.until_s && to.until_s <= to.from_s)
			return fault(why, "it would end before it begins");
		set(f, &to);
	}
	look(f);
	return true;
}

void forcing_share(struct forcing *f, uint32_t was, const struct forced *x, const char *server)
{
	char what[32];
	struct forcing_where at;

	if (!was && f->list.n >= FORCED_MOST)
		return;
	struct text before = forcing_how(f, x->edge, x->pool, x->what);
	if (was)
		forced_drop(&f->list, was);
	forced_set(&f->list, x);
	forced_sort(&f->list);
	struct text is = forcing_how(f, x->edge, x->pool, x->what);
	log_line(LOG_NOTICE, "%s: %s %s by %s at server %s%s%s", forcing_where(&at, x->edge, x->pool),
		x->begun ? "forced" : "to be forced", forced_text(x, what), x->who, server, *x->why ? ": " : "",
		x->why);
	forcing_remember(f, x->begun ? "forced" : "planned", x, x->who, text_get(&before),
		*text_get(&is) ? text_get(&is) : what);
	text_fini(&before);
	text_fini(&is);
	look(f);
}

void forcing_unshare(struct forcing *f, uint32_t id, const char *server)
{
	const struct forced *x = forced_by_id(&f->list, id);
	struct forcing_where at;

	if (!x)
		return;
	struct text was = forcing_how(f, x->edge, x->pool, x->what), is;
	struct forced kept = { .edge = memory_strdup(x->edge), .pool = memory_strdup(x->pool), .why = "",
		.what = x->what };
	forced_drop(&f->list, id);
	is = forcing_how(f, kept.edge, kept.pool, kept.what);
	log_line(LOG_NOTICE, "%s: no longer forced, as server %s has it", forcing_where(&at, kept.edge, kept.pool), server);
	forcing_remember(f, "revoked", &kept, server, text_get(&was), text_get(&is));
	text_fini(&was);
	text_fini(&is);
	memory_free(kept.edge);
	memory_free(kept.pool);
	look(f);
}

void forcing_mark(struct forcing *f, uint32_t id, uint64_t fleet_at)
{
	forced_mark(&f->list, id, fleet_at);
}

bool forcing_revoke(struct forcing *f, uint32_t id, unsigned uid, struct fault *why)
{
	const struct forced *x = forced_by_id(&f->list, id);
	char who[WHO_TEXT], what[32];
	struct forcing_where at;

	if (!x)
		return fault(
			why, "there is no change %u (\"waymarkctl changes\" lists them)", id);
	if (x->configured)
		return fault(why,
			"change %u stands in the configuration: take it out of \"maintenance\" "
			"and reload",
			id);
	log_line(LOG_NOTICE, "%s: %s %s, revoked by %s", forcing_where(&at, x->edge, x->pool),
		x->begun ? "no longer forced" : "will not be forced", forced_text(x, what),
		who_text(who, uid));
	struct text was = forcing_how(f, x->edge, x->pool, x->what);
	struct forced kept = {
		.edge = memory_strdup(x->edge), .pool = memory_strdup(x->pool), .why = ""
	};
	const enum forced_what kind = x->what;
	const bool begun = x->begun;
	forced_drop(&f->list, id);
	struct text is = forcing_how(f, kept.edge, kept.pool, kind);
	forcing_remember(f, "revoked", &kept, who_text(who, uid), begun ? text_get(&was) : what,
		begun ? text_get(&is) : "");
	text_fini(&was);
	text_fini(&is);
	memory_free(kept.edge);
	memory_free(kept.pool);
	look(f);
	return true;
}

/* --- start, reload and end ---------------------------------------------------------------- */

const struct forced_list *forcing_list(const struct forcing *f)
{
	return &f->list;
}

void forcing_recall(struct forcing *f, const struct forced_list *kept)
{
	forced_fini(&f->list);
	f->list = forced_copy(kept);
	forcing_configure(f);
}

void forcing_configure(struct forcing *f)
{
	const struct conf *c = parts_conf(publisher_live(f->opts.publisher));

	forced_configure(&f->list, c->maintenance, c->n_maintenance, time(NULL));
	look(f);
}

void forcing_begin(struct forcing *f)
{
	f->begun = true;
	if (look(f))
		f->opts.changed(f->opts.ctx, true);
}

struct forcing *forcing_new(const struct forcing_opts *opts)
{
	struct forcing *f = memory_zeroed(1, sizeof *f);

	f->opts = *opts;
	ev_timer_init(&f->timer, on_timer, 0, 0);
	f->timer.data = f;
	forcing_configure(f);
	return f;
}

void forcing_free(struct forcing *f)
{
	ev_timer_stop(f->opts.loop, &f->timer);
	forced_fini(&f->list);
	memory_free(f);
}
