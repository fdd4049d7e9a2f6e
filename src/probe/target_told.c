/* target_told.c - a target that is as somebody else tells it.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "probe/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* When that was, by the clock that only goes forward. */
static int64_t since(const struct external_verdict *v)
{
	const int64_t ago_s = time(NULL) - v->changed_s;

	return (int64_t)clock_us() - (ago_s > 0 ? ago_s : 0) * 1000000;
}

static void say(struct target *t, const struct external_verdict *v)
{
	const char *what = v->up ? "up" : "down";

	snprintf(t->say, sizeof t->say, "told %s%s%s%s%s", what, *v->who ? " by " : "", v->who,
		*v->why ? ": " : "", v->why);
	text_utf8_end(t->say);
	if (!v->up)
		snprintf(t->error, sizeof t->error, "%s", t->say);
	else
		*t->error = 0;
}

static void take(struct target *t, const struct external_verdict *v)
{
	const bool was = t->began && health_up(t->health, probe_rule(t->check.probe));
	const uint64_t now = clock_us();

	t->health = health_begin(probe_rule(t->check.probe), v->up);
	if (!t->round->verdicts[t->number].known || was != v->up)
		t->since_us = since(v);
	t->changes += t->began && was != v->up;
	t->began = true;
	t->passed = v->up;
	t->load = v->load;
	t->next_us = v->until_us;
	say(t, v);
	target_put_verdict(t, true);
	if (v->until_us != UINT64_MAX)
		target_set_timer(t, v->until_us > now ? v->until_us - now : 0);
}

/* As the configuration has it begin; but who asks waits for no first verdict any more. */
static void take_nothing(struct target *t)
{
	const bool up = t->check.probe->initial == PROBE_UP;
	const bool was = t->round->verdicts[t->number].known;

	if (was) {
		const bool was_up = health_up(t->health, probe_rule(t->check.probe));
		t->health = health_begin(probe_rule(t->check.probe), up);
		t->began = true;
		t->since_us = (int64_t)clock_us();
		t->changes += was_up != up;
		t->passed = false;
		t->load = NAN;
		snprintf(t->error, sizeof t->error, "nothing fresh is told; the last was %s",
			was_up ? "up" : "down");
		strcpy(t->say, t->error);
	} else if (!*t->say) {
		strcpy(t->say, "nothing is told");
		strcpy(t->error, t->say);
	}
	t->next_us = UINT64_MAX;
	target_put_verdict(t, false);
	/* It may be for long: nobody is asked about it the sooner for a short TTL. */
	t->round->verdicts[t->number].changes_us = UINT64_MAX;
}

void target_take_told(struct target *t)
{
	const struct external_verdict *v = externals_find(
		&t->round->externals, t->check.probe->name, t->edge, &t->point.addr);

	ev_timer_stop(t->round->opts.loop, &t->timer);
	if (v && v->until_us > clock_us())
		take(t, v);
	else
		take_nothing(t);
}

void target_told(struct target *t)
{
	struct round *r = t->round;
	const struct verdict before = r->verdicts[t->number];
	const struct verdict *now = &r->verdicts[t->number];

	target_take_told(t);
	target_combine_wholes(t);
	r->opts.changed(r->opts.ctx, before.known != now->known || before.up != now->up);
	if (before.awaited && !now->awaited && --r->waits == 0)
		r->opts.first(r->opts.ctx);
}

/* --- the round's -------------------------------------------------------------------------- */

static bool is_of(const struct target *t, const char *probe)
{
	return t->check.probe->kind == PROBE_EXTERNAL && strcmp(t->check.probe->name, probe) == 0;
}

/* A file that was read says no more of the others: the start does not wait for them. */
static void tell_all(struct round *r, const char *probe)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (is_of(r->targets[i], probe)) {
			r->targets[i]->began = true;
			target_told(r->targets[i]);
		}
}

static int compare_names(const struct target *t, const char *probe, const char *edge)
{
	const int d = strcmp(t->check.probe->name, probe);

	return d ? d : strcmp(t->edge, edge);
}

static int compare_targets(const void *a, const void *b)
{
	const struct target *x = *(struct target *const *)a, *y = *(struct target *const *)b;

	return compare_names(x, y->check.probe->name, y->edge);
}

/* One command may tell of all edges: each is looked up. */
static void sort_told(struct round *r)
{
	r->told = memory_zeroed(r->n, sizeof *r->told);
	r->n_told = 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->targets[i]->check.probe->kind == PROBE_EXTERNAL)
			r->told[r->n_told++] = r->targets[i];
	if (r->n_told)
		qsort(r->told, r->n_told, sizeof *r->told, compare_targets);
}

static int tell_edge(struct round *r, const char *probe, const char *edge)
{
	uint32_t from = 0, to;
	int n = 0;

	if (!r->told)
		sort_told(r);
	to = r->n_told;
	while (from < to) {
		const uint32_t mid = from + (to - from) / 2;
		if (compare_names(r->told[mid], probe, edge) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < r->n_told && compare_names(r->told[from], probe, edge) == 0; from++, n++) {
		r->told[from]->began = true;
		target_told(r->told[from]);
	}
	return n;
}

int round_tell(struct round *r, const struct external_verdict *v)
{
	if (!externals_set(&r->externals, v)) {
		externals_drop_over(&r->externals, clock_us());
		if (!externals_set(&r->externals, v))
			return -1;
	}
	return tell_edge(r, v->probe, v->edge);
}

bool round_tell_all(struct round *r, const char *probe, struct externals *of)
{
	if (!externals_replace(&r->externals, probe, of))
		return false;
	tell_all(r, probe);
	return true;
}

size_t round_untell(
	struct round *r, const char *probe, const char *edge, const struct addr *addr)
{
	const size_t n = externals_drop(&r->externals, probe, edge, addr);

	if (n)
		tell_edge(r, probe, edge);
	return n;
}

void round_recall(struct round *r, const struct externals *kept)
{
	externals_fini(&r->externals);
	for (size_t i = 0; i < kept->n; i++)
		externals_set(&r->externals, &kept->of[i]);
	for (uint32_t i = 0; i < r->n; i++) {
		const bool awaited = r->verdicts[i].awaited;
		if (r->targets[i]->check.probe->kind != PROBE_EXTERNAL)
			continue;
		target_take_told(r->targets[i]);
		target_combine_wholes(r->targets[i]);
		r->waits -= awaited && !r->verdicts[i].awaited;
	}
}

const struct externals *round_externals(const struct round *r)
{
	return &r->externals;
}
