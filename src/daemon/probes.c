#include "daemon/probes.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/round_save.h"
#include "daemon/daemon.h"
#include "daemon/keeper.h"
#include "daemon/rollout.h"
#include "daemon/stand.h"
#include "daemon/tell.h"

#include <ev.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISH_US  100000u    /* between two publications */
#define MEASURE_US  1000000u   /* between two that are only of measures */
#define SAVE_US     1000000u   /* between two writes of the state file */
#define FRESHEN_US  300000000u /* it is written even when nothing has changed */
#define FIRST_S     30.0       /* for the first round */
#define HINT_AGE_MS 3600000    /* older verdicts say nothing */
/* Publishing takes at most this share of the thread, however large the configuration. */
#define COST 10u

struct probes {
	struct daemon *daemon;
	struct ev_loop *loop;
	struct round *round;
	struct rows rows, staged_rows; /* of the round, the latter behind the former */
	struct forced_list forced;
	struct keeper *keeper;
	const char *state_path; /* borrowed from what is loaded, set by each plan; NULL: none */
	char state_fault[sizeof((struct fault *)0)->text];
	ev_timer publish, expiry, save, patience;
	uint64_t published_us, measured_us, saved_us, cost_us, most_us, publications;
	bool first; /* the first round runs */
};

/* --- standing ----------------------------------------------------------------------------- */

struct standing *probes_standing(struct probes *p)
{
	const struct steer *s = p->daemon->loaded.steer;
	const struct world *now = epoch_current(&p->daemon->epoch);

	return stand(&(struct stand){ s, &p->rows, p->round, 0, &p->forced,
		now && now->steer == s ? now->standing : NULL, p->daemon->balancer });
}

struct standing *probes_staged_standing(struct probes *p, const struct standing *live)
{
	const struct loaded *l = rollout_loaded(p->daemon->rollout);
	const struct world *now = epoch_current(&p->daemon->epoch);

	if (!l)
		return NULL;
	struct standing *to = stand(&(struct stand){ l->steer, &p->staged_rows, p->round,
		p->rows.n, &p->forced,
		now && now->stage.steer == l->steer ? now->stage.standing : NULL, NULL });
	stand_like(to, l->steer, live, p->daemon->loaded.steer);
	return to;
}

unsigned probes_waits(const struct probes *p)
{
	return round_waits(p->round);
}

static void publish(struct probes *p)
{
	const struct world *now = epoch_current(&p->daemon->epoch);
	const uint64_t start = clock_us();

	ev_timer_stop(p->loop, &p->publish);
	p->published_us = p->measured_us = start;
	struct standing *s = probes_standing(p), *staged = probes_staged_standing(p, s);
	if (standing_same(s, now->standing) &&
		(!staged || standing_same(staged, now->stage.standing))) {
		standing_free(s);
		if (staged)
			standing_free(staged);
	} else {
		tell_changes(&(struct tell){
			now->steer, now->standing, s, p->round, &p->rows, &p->forced });
		epoch_publish(&p->daemon->epoch, world_with_standing(now, s, staged));
		p->publications++;
	}
	p->cost_us = clock_us() - start;
	if (p->cost_us > p->most_us)
		p->most_us = p->cost_us;
}

void probes_refresh(struct probes *p)
{
	publish(p);
}

static void on_publish(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	publish(t->data);
}

/* Fires at `at_us` unless it fires sooner already. */
static void set_timer(struct probes *p, ev_timer *t, uint64_t at_us)
{
	const uint64_t now = clock_us();
	const double in = at_us > now ? (double)(at_us - now) / 1e6 : 0;

	if (ev_is_active(t) && ev_timer_remaining(p->loop, t) <= in)
		return;
	ev_now_update(p->loop); /* a timer counts from when the loop last looked */
	ev_timer_stop(p->loop, t);
	ev_timer_set(t, in, 0);
	ev_timer_start(p->loop, t);
}

static void save_soon(struct probes *p)
{
	if (p->keeper && p->state_path)
		set_timer(p, &p->save, p->saved_us + SAVE_US);
}

static void on_changed(void *ctx, bool soon)
{
	struct probes *p = ctx;
	const uint64_t rest = COST * p->cost_us;

	if (p->first)
		return; /* all of it is published together, at its end */
	if (soon)
		set_timer(p, &p->publish,
			p->published_us + (rest > PUBLISH_US ? rest : PUBLISH_US));
	else if (!ev_is_active(&p->publish))
		set_timer(p, &p->publish, p->measured_us + MEASURE_US);
	if (soon)
		save_soon(p);
}

/* --- the state file ----------------------------------------------------------------------- */

static void save(struct probes *p)
{
	const struct state_file_clock now = state_file_now();
	struct text text = { 0 };

	round_save(&text, p->round, &p->forced, &now);
	keeper_save(p->keeper, p->state_path, &text);
	p->saved_us = now.now_us;
	set_timer(p, &p->save, now.now_us + FRESHEN_US);
}

static void on_save(struct ev_loop *loop, ev_timer *t, int events)
{
	struct probes *p = t->data;

	(void)loop;
	(void)events;
	if (p->state_path) /* else a reload has taken it away */
		save(p);
}

static bool same_target(const struct round_view *v, const struct state_file_verdict *k)
{
	return memcmp(&v->addr, &k->addr, sizeof k->addr) == 0 &&
		strcmp(v->probe->name, k->probe) == 0 &&
		(v->probe->kind != PROBE_EXEC || strcmp(v->edge, k->edge) == 0);
}

static int compare_kept(const void *a, const void *b)
{
	return memcmp(&((const struct state_file_verdict *)a)->addr,
		&((const struct state_file_verdict *)b)->addr, sizeof(struct addr));
}

/* The old verdicts of a target's address stand together. */
static void hint(struct probes *p, struct state_file *k, uint32_t target)
{
	const struct round_view v = round_view(p->round, target);
	const struct state_file_verdict want = { .addr = v.addr };
	struct state_file_verdict *at = k->n
		? bsearch(&want, k->verdicts, k->n, sizeof want, compare_kept)
		: NULL;

	if (!at)
		return;
	while (at > k->verdicts && compare_kept(at - 1, &want) == 0)
		at--;
	for (; at < k->verdicts + k->n && compare_kept(at, &want) == 0; at++)
		if (same_target(&v, at)) {
			round_hint(p->round, target, at->up, at->since_us);
			return;
		}
}

static void recall(struct probes *p, struct state_file *k, struct faults *f)
{
	const struct fault_at at = { p->state_path, NULL, NULL, 0, 0 };

	for (size_t i = 0; i < k->forced.n; i++)
		forced_set(&p->forced, &k->forced.of[i]);
	if (k->strange)
		faults_warning(
			f, &at, "%u entries that make no sense were passed over", k->strange);
	if (k->age_ms > HINT_AGE_MS || !k->n)
		return;
	qsort(k->verdicts, k->n, sizeof *k->verdicts, compare_kept);
	for (uint32_t i = 0; i < round_targets(p->round); i++)
		hint(p, k, i);
}

static void expire(struct probes *p);

void probes_recall(struct probes *p, struct faults *f)
{
	const struct state_file_clock now = state_file_now();
	struct file_stamp stamp;
	struct fault why;
	struct file file;
	struct state_file k;

	p->state_path = p->daemon->loaded.conf.state_file;
	if (!p->state_path || !file_stamp(p->state_path, &stamp))
		return; /* the first start */
	if (!file_read(&file, p->state_path, STATE_FILE_MOST, &why) ||
		!state_file_read(&k, p->state_path, file.text, file.len, &now, &why)) {
		const struct fault_at at = { p->state_path, NULL, NULL, 0, 0 };
		faults_warning(f, &at, "%s; starting without what was kept", why.text);
		file_free(&file);
		return;
	}
	recall(p, &k, f);
	state_file_fini(&k);
	file_free(&file);
	expire(p);
}

/* --- forced states ------------------------------------------------------------------------ */

/* Those whose time is over; and waits for the next. */
static void expire(struct probes *p)
{
	const struct forced *f;
	bool any = false;

	while ((f = forced_over(&p->forced, clock_us()))) {
		log_line(LOG_NOTICE, "edge %s: no longer forced %s: its time is over", f->edge,
			edge_state_text(f->state));
		forced_clear(&p->forced, f->edge);
		any = true;
	}
	ev_timer_stop(p->loop, &p->expiry);
	if (forced_next_us(&p->forced) != UINT64_MAX)
		set_timer(p, &p->expiry, forced_next_us(&p->forced));
	if (any && epoch_current(&p->daemon->epoch)) {
		publish(p);
		save_soon(p);
	}
}

static void on_expiry(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	expire(t->data);
}

static const char *user_name(unsigned uid, char buf[static 32])
{
	const struct passwd *pw = getpwuid(uid);

	snprintf(buf, 32, "uid %u", uid);
	return pw ? pw->pw_name : buf;
}

/* Now, or among what is tried out. */
static bool has_edge(const struct probes *p, const char *edge)
{
	const struct loaded *staged = rollout_loaded(p->daemon->rollout);

	return steer_edge(p->daemon->loaded.steer, edge) >= 0 ||
		(staged && steer_edge(staged->steer, edge) >= 0);
}

bool probes_force(struct probes *p, const struct command_force *f, struct fault *why)
{
	const bool automatic = strcmp(f->state, "auto") == 0;
	struct forced to = { .edge = (char *)(uintptr_t)f->edge,
		.why = (char *)(uintptr_t)f->why,
		.when_s = time(NULL),
		.until_us = f->for_ms ? clock_us() + f->for_ms * 1000 : UINT64_MAX };
	char buf[32];

	to.who = (char *)(uintptr_t)user_name(f->uid, buf);
	if (!has_edge(p, f->edge) && !(automatic && forced_find(&p->forced, f->edge)))
		return fault(why, "there is no edge \"%s\" (\"waymarkctl edges\" lists them)",
			f->edge);
	if (!automatic && !edge_state_parse(&to.state, f->state))
		return fault(why, "\"%s\" is no state (up, down, drain or auto)", f->state);
	if (automatic)
		forced_clear(&p->forced, f->edge);
	else
		forced_set(&p->forced, &to);
	log_line(LOG_NOTICE, "edge %s: forced %s by %s%s%s", f->edge, f->state, to.who,
		*f->why ? ": " : "", f->why);
	publish(p);
	expire(p);
	if (p->keeper && p->state_path) { /* who commands it relies on it */
		save(p);
		keeper_wait(p->keeper);
	}
	return true;
}

/* --- "waymarkctl probe" ------------------------------------------------------------------- */

struct asking {
	struct round_ask ask; /* first */
	struct probes *probes;
	struct command_call *call;
	struct tell_steps tell;
};

static void on_told(struct round_ask *a, const struct round_view *v, const char *steps)
{
	struct asking *k = (struct asking *)a;

	tell_steps(&k->tell, v, steps);
	if (a->left)
		return;
	struct command_call *c = k->call;
	const bool passed = k->tell.passed;
	tell_steps_end(&k->tell);
	memory_free(k);
	c->done(c, passed ? 0 : 1);
}

static void on_forget(struct command_call *c)
{
	struct asking *k = c->pending;

	round_forget(k->probes->round, &k->ask);
	k->tell.out = NULL;
	tell_steps_end(&k->tell);
	memory_free(k);
}

static unsigned targets_of(const struct probes *p, const struct edge *e, uint32_t *to)
{
	unsigned n = 0;

	for (unsigned row = 0; row < p->rows.n; row++)
		for (unsigned k = 0; k < e->n_a + e->n_aaaa; k++) {
			const uint32_t target = round_row_targets(
				p->round, row)[e->first_address + k];
			unsigned twin = 0;
			while (twin < n && to[twin] != target)
				twin++;
			if (target != STANDING_NO_TARGET && twin == n)
				to[n++] = target;
		}
	return n;
}

bool probes_ask(struct probes *p, const char *edge, bool json, struct command_call *c,
	struct fault *why)
{
	const struct steer *s = p->daemon->loaded.steer;
	const int number = steer_edge(s, edge);

	if (number < 0)
		return fault(
			why, "there is no edge \"%s\" (\"waymarkctl edges\" lists them)", edge);
	const struct edge *e = &s->edges[number];
	uint32_t *targets = memory_zeroed(
		p->rows.n * (e->n_a + e->n_aaaa) + 1u, sizeof *targets);
	const unsigned n = targets_of(p, e, targets);
	struct asking *k = memory_zeroed(1, sizeof *k);
	*k = (struct asking){ .ask = { .told = on_told },
		.probes = p,
		.call = c,
		.tell = tell_steps_begin(c->out, json) };
	c->pending = k;
	c->forget = on_forget;
	bool ok = n || fault(why, "edge %s has no probe: no pool that has it names one", edge);
	ok = ok &&
		(round_ask(p->round, targets, n, &k->ask) ||
			fault(why, "edge %s is being probed for somebody else; try again",
				edge));
	memory_free(targets);
	if (!ok) {
		k->tell.out = NULL;
		tell_steps_end(&k->tell);
		memory_free(k);
	}
	return ok;
}

struct report_health probes_health(struct probes *p)
{
	struct fault why = { "" };

	if (p->keeper && p->state_path)
		keeper_well(p->keeper, &why);
	strcpy(p->state_fault, why.text);
	return (struct report_health){ p->round, &p->rows, &p->forced, p->publications,
		(double)p->most_us / 1e3, p->state_path, p->state_fault };
}

/* --- start and end ------------------------------------------------------------------------ */

static void on_first(void *ctx)
{
	struct probes *p = ctx;

	if (p->first)
		ev_break(p->loop, EVBREAK_ONE);
}

static void on_patience(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

struct probes *probes_new(struct daemon *d, struct ev_loop *loop)
{
	struct probes *p = memory_zeroed(1, sizeof *p);
	uint64_t seed;

	randombytes_buf(&seed, sizeof seed);
	p->daemon = d;
	p->loop = loop;
	p->round = round_new(&(struct round_opts){ .loop = loop,
		.seed = seed,
		.ctx = p,
		.changed = on_changed,
		.first = on_first });
	ev_timer_init(&p->publish, on_publish, 0, 0);
	ev_timer_init(&p->expiry, on_expiry, 0, 0);
	ev_timer_init(&p->save, on_save, 0, 0);
	ev_timer_init(&p->patience, on_patience, FIRST_S, 0);
	p->publish.data = p->expiry.data = p->save.data = p;
	p->first = true;
	return p;
}

void probes_plan(struct probes *p)
{
	const struct conf *c = &p->daemon->loaded.conf;
	const struct loaded *staged = rollout_loaded(p->daemon->rollout);
	struct rows before = p->rows, staged_before = p->staged_rows;

	p->rows = rows_new(&(struct rows_opts){
		c->probes, c->pools, c->n_pools, p->daemon->loaded.steer->n_edges });
	p->staged_rows = (struct rows){ 0 };
	if (staged)
		p->staged_rows = rows_new(&(struct rows_opts){ staged->conf.probes,
			staged->conf.pools, staged->conf.n_pools, staged->steer->n_edges });
	const struct round_part parts[] = {
		{ p->daemon->loaded.steer, p->rows.row, p->rows.n },
		{ staged ? staged->steer : NULL, p->staged_rows.row, p->staged_rows.n },
	};
	round_plan_parts(p->round, parts, staged ? 2 : 1);
	rows_free(&before);
	rows_free(&staged_before);
	p->state_path = c->state_file;
	save_soon(p);
}

void probes_first_round(struct probes *p)
{
	const uint64_t start = clock_us();
	unsigned up = 0, known = 0;

	p->keeper = keeper_new();
	if (round_waits(p->round)) {
		ev_timer_start(p->loop, &p->patience);
		ev_run(p->loop, 0);
		ev_timer_stop(p->loop, &p->patience);
	}
	p->first = false;
	for (uint32_t i = 0; i < round_targets(p->round); i++) {
		known += round_verdicts(p->round)[i].known;
		up += round_verdicts(p->round)[i].up;
	}
	if (round_targets(p->round))
		log_line(LOG_NOTICE,
			"first round of probes, %.1f s: of %u addresses %u are up%s",
			(double)(clock_us() - start) / 1e6, round_targets(p->round), up,
			round_waits(p->round) ? "; not all have a verdict yet" : "");
	(void)known;
	publish(p);
	save_soon(p);
}

void probes_free(struct probes *p)
{
	if (!p)
		return;
	if (p->keeper && p->state_path)
		save(p);
	keeper_free(p->keeper);
	ev_timer_stop(p->loop, &p->publish);
	ev_timer_stop(p->loop, &p->expiry);
	ev_timer_stop(p->loop, &p->save);
	round_free(p->round);
	rows_free(&p->rows);
	rows_free(&p->staged_rows);
	forced_fini(&p->forced);
	memory_free(p);
}
