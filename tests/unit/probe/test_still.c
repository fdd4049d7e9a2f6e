#include "probe/still.h"

#include "unit/steer/small_world.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <string.h>

/* An edge on this machine where nobody listens: its probes fail at once, and say why. */
struct desk {
	struct ev_loop *loop;
	struct atlas *atlas;
	struct steer *steer;
	struct round *round;
	struct probe_opts probe;
	struct round_ask ask;
};

static void told(struct round_ask *a, const struct round_view *v, const char *steps)
{
	(void)a;
	(void)v;
	(void)steps;
}

static void changed(void *ctx, bool soon)
{
	(void)ctx;
	(void)soon;
}

static void had_first(void *ctx)
{
	(void)ctx;
}

static bool probed(void *ctx)
{
	return ((struct desk *)ctx)->ask.left == 0;
}

static void open_desk(struct desk *d)
{
	static const struct addr here[] = { { { [10] = 255, 255, 127, 0, 0, 1 } },
		{ { [10] = 255, 255, 127, 0, 0, 2 } } };
	static const uint16_t asked[] = { 1 };
	const struct edge_opts edge = { .name = "here", .a = here, .n_a = 2, .weight = 1 };
	const struct pool_opts pool = {
		.name = "web", .edges = (const uint16_t[]){ 0 }, .n = 1, .answers = 1
	};

	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV),
		.atlas = small_atlas(),
		.probe = { .name = "tcp",
			.kind = PROBE_TCP,
			.port = 1,
			.every_ms = 3600000,
			.timeout_ms = 10000,
			.rise = 1,
			.fall = 1 } };
	d->steer = steer_new(&(struct steer_opts){ &edge, 1, &pool, 1, NULL, NULL }, d->atlas, NULL);
	d->round = round_new(&(struct round_opts){
		.loop = d->loop, .changed = changed, .first = had_first });
	round_plan(d->round, d->steer, &(struct round_row){ &d->probe, asked }, 1);
	CU_ASSERT_EQUAL_FATAL(round_targets(d->round), 2);
}

static void probe_both(struct desk *d)
{
	static const uint32_t both[] = { 0, 1 };

	d->ask.told = told;
	CU_ASSERT_TRUE_FATAL(round_ask(d->round, both, 2, &d->ask));
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, probed, d));
}

static void close_desk(struct desk *d)
{
	steer_drop(d->steer);
	atlas_drop(d->atlas);
	ev_loop_destroy(d->loop);
}

static void a_picture_stays_when_the_round_is_gone(void)
{
	struct desk d;

	open_desk(&d);
	probe_both(&d);
	const struct round_view v = round_view(d.round, 0);
	CU_ASSERT_NOT_EQUAL(v.say[0], 0);
	CU_ASSERT_NOT_EQUAL(v.error[0], 0);
	const struct round_totals totals = round_totals(d.round);
	char say[256], error[256];
	strcpy(say, v.say);
	strcpy(error, v.error);
	struct still *s = still_take(d.round, true);
	round_free(d.round);

	CU_ASSERT_EQUAL(s->n, 2);
	struct round_view one = still_view(s, 0), two = still_view(s, 1);
	CU_ASSERT_STRING_EQUAL(one.edge, "here");
	CU_ASSERT_STRING_EQUAL(one.say, say);
	CU_ASSERT_STRING_EQUAL(one.error, error);
	CU_ASSERT_STRING_EQUAL(one.notice, "");
	CU_ASSERT_EQUAL(one.probes, 1);
	CU_ASSERT_EQUAL(one.failures, 1);
	CU_ASSERT_TRUE(one.known && !one.up);
	CU_ASSERT_TRUE(s->verdicts[0].known && !s->verdicts[0].up);
	CU_ASSERT_PTR_EQUAL(one.probe, &d.probe); /* borrowed */
	CU_ASSERT_EQUAL(two.addr.b[15], 2);
	CU_ASSERT_EQUAL(memcmp(&s->totals, &totals, sizeof totals), 0);
	CU_ASSERT_EQUAL(s->totals.failures, 2);
	CU_ASSERT_EQUAL(s->map->n_rows, 1);
	CU_ASSERT_EQUAL(still_row(s, 0)[0], 0);
	CU_ASSERT_EQUAL(still_row(s, 0)[1], 1);
	still_free(s);
	close_desk(&d);
}

static void what_is_only_hinted_at_is_in_the_picture(void)
{
	struct desk d;

	open_desk(&d);
	round_hint(d.round, 1, true, 42);
	struct still *s = still_take(d.round, true);
	CU_ASSERT_EQUAL(s->waits, round_waits(d.round));
	round_free(d.round);
	const struct round_view one = still_view(s, 0), two = still_view(s, 1);
	CU_ASSERT_FALSE(one.hinted || one.known);
	CU_ASSERT_TRUE(two.hinted && two.up && !two.known);
	CU_ASSERT_EQUAL(two.since_us, 42);
	CU_ASSERT_STRING_EQUAL(two.say, "");
	CU_ASSERT_FALSE(s->verdicts[0].up);
	CU_ASSERT_TRUE(s->verdicts[1].up);
	CU_ASSERT_EQUAL(s->totals.probes, 0);
	still_free(s);
	close_desk(&d);
}

static void a_picture_without_texts_has_all_but_those(void)
{
	struct desk d;

	open_desk(&d);
	probe_both(&d);
	struct still *s = still_take(d.round, false);
	const struct round_view one = still_view(s, 0);
	CU_ASSERT_STRING_EQUAL(one.edge, "here");
	CU_ASSERT_STRING_EQUAL(one.say, "");
	CU_ASSERT_STRING_EQUAL(one.error, "");
	CU_ASSERT_STRING_EQUAL(one.notice, "");
	CU_ASSERT_EQUAL(one.failures, 1);
	round_free(d.round);
	still_free(s);
	still_free(NULL);
	close_desk(&d);
}

static void a_picture_keeps_its_map_when_another_plan_comes(void)
{
	struct desk d;

	open_desk(&d);
	probe_both(&d);
	struct still *s = still_take(d.round, true);
	round_plan(d.round, d.steer, NULL, 0);
	CU_ASSERT_EQUAL(round_targets(d.round), 0);
	CU_ASSERT_EQUAL(still_row(s, 0)[1], 1);
	CU_ASSERT_NOT_EQUAL(still_view(s, 0).say[0], 0);
	struct still *now = still_take(d.round, true);
	CU_ASSERT_EQUAL(now->n, 0);
	still_free(now);
	still_free(s);
	round_free(d.round);
	close_desk(&d);
}

void suite_still(void);
void suite_still(void)
{
	static const struct unit_case cases[] = {
		{ "a picture stays when the round is gone",
			a_picture_stays_when_the_round_is_gone },
		{ "what is only hinted at is in the picture",
			what_is_only_hinted_at_is_in_the_picture },
		{ "a picture without texts has all but those",
			a_picture_without_texts_has_all_but_those },
		{ "a picture keeps its map when another plan comes",
			a_picture_keeps_its_map_when_another_plan_comes },
	};

	unit_suite("probe/still", cases, UNIT_COUNT(cases));
}
