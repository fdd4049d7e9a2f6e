#include "probe/round.h"

#include "unit/probe/probing.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const here[] = { "127.0.0.1" };
static const char *const three[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3" };

/* A listener that the test opens and closes. */
struct desk {
	struct probing p;
	struct probed s;
	bool open;
};

static void set_open(struct desk *d, bool on)
{
	if (on == d->open)
		return;
	d->open = on;
	/* A socket that does not listen refuses, and keeps its port. */
	if (on) {
		probed_open(&d->s, d->p.loop, "0.0.0.0", SOCK_STREAM);
		d->p.probe.port = d->s.port;
	} else {
		probed_close(&d->s);
	}
}

static void open_desk(struct desk *d, const char *const *addresses, unsigned n)
{
	memset(d, 0, sizeof *d);
	probing_open(&d->p, addresses, n, 0);
	set_open(d, true);
}

static void close_desk(struct desk *d)
{
	set_open(d, false);
	probing_close(&d->p);
}

/* --- verdicts ----------------------------------------------------------------------------- */

/* What a sequence of probes ("+-") makes of a target; "u" up, "d" down after each. */
static void rise_and_fall_are_counted(void)
{
	static const struct {
		enum probe_initial initial;
		unsigned rise, fall;
		const char *probes, *states;
	} row[] = {
		{ PROBE_WAIT, 2, 3, "+---++", "uuuddu" }, /* the first decides alone */
		{ PROBE_WAIT, 2, 3, "-++", "ddu" },
		{ PROBE_UP, 2, 3, "--+---", "uuuuud" },
		{ PROBE_DOWN, 3, 1, "++-+++-", "dddddud" },
		{ PROBE_DOWN, 1, 1, "+-+", "udu" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d, here, 1);
		d.p.probe.rise = row[i].rise;
		d.p.probe.fall = row[i].fall;
		d.p.probe.initial = row[i].initial;
		/* By commands, which pass or fail as they are told. */
		char path[] = "/tmp/unit_round.XXXXXX";
		close(mkstemp(path));
		const char *const command[] = { "/bin/sh", "-c", "test ! -s $UNIT_ROUND",
			NULL };
		setenv("UNIT_ROUND", path, 1);
		d.p.probe.kind = PROBE_EXEC;
		d.p.probe.command = command;
		probing_plan(&d.p);
		for (size_t k = 0; row[i].probes[k]; k++) {
			FILE *f = fopen(path, "we");
			fputs(row[i].probes[k] == '-' ? "x" : "", f);
			fclose(f);
			probing_now(&d.p, 0);
			CU_ASSERT_EQUAL(d.p.view.passed, row[i].probes[k] == '+');
			if (d.p.view.up != (row[i].states[k] == 'u')) {
				printf("%s: %zu\n", row[i].probes, k);
				CU_FAIL("another state");
			}
			CU_ASSERT_EQUAL(round_verdicts(d.p.round)[0].up, d.p.view.up);
		}
		unlink(path);
		close_desk(&d);
	}
	unsetenv("UNIT_ROUND");
}

static void before_the_first_probe_it_is_as_configured(void)
{
	static const struct {
		enum probe_initial initial;
		bool awaited, up;
		uint32_t waits;
	} row[] = { { PROBE_WAIT, true, false, 1 }, { PROBE_UP, false, true, 0 },
		{ PROBE_DOWN, false, false, 0 } };
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d, here, 1);
		d.p.probe.initial = row[i].initial;
		probing_plan(&d.p);
		const struct verdict *v = round_verdicts(d.p.round);
		CU_ASSERT_EQUAL(v->known, false);
		CU_ASSERT_EQUAL(v->awaited, row[i].awaited);
		CU_ASSERT_EQUAL(v->up, row[i].up);
		CU_ASSERT_EQUAL(v->changes_us, 0);
		CU_ASSERT_TRUE(isnan(v->rtt_ms) && isnan(v->load));
		CU_ASSERT_EQUAL(round_waits(d.p.round), row[i].waits);
		CU_ASSERT_STRING_EQUAL(round_view(d.p.round, 0).say, "");
		CU_ASSERT_EQUAL(d.p.firsts, 0);
		CU_ASSERT_TRUE(probing_until(&d.p, 1));
		CU_ASSERT_EQUAL(d.p.firsts, row[i].waits);
		CU_ASSERT_EQUAL(round_waits(d.p.round), 0);
		CU_ASSERT_FALSE(round_verdicts(d.p.round)->awaited);
		close_desk(&d);
	}
}

/* How long an answer may hold: until the soonest time at which the verdict can be another. */
static void a_shaky_verdict_tells_when_it_can_change(void)
{
	struct desk d;

	open_desk(&d, here, 1);
	d.p.probe.every_ms = 100000;
	d.p.probe.rise = 3;
	d.p.probe.fall = 1;
	d.p.probe.initial = PROBE_DOWN;
	probing_plan(&d.p);
	probing_now(&d.p, 0); /* two more to go: the next probe, and one interval, less 5 % */
	struct verdict v = round_verdicts(d.p.round)[0];
	struct round_view view = round_view(d.p.round, 0);
	CU_ASSERT_EQUAL(view.left, 2);
	CU_ASSERT_EQUAL(v.changes_us, view.next_us + 95000000);
	probing_now(&d.p, 0);
	v = round_verdicts(d.p.round)[0];
	CU_ASSERT_EQUAL(v.changes_us, round_view(d.p.round, 0).next_us);
	probing_now(&d.p, 0);
	v = round_verdicts(d.p.round)[0];
	CU_ASSERT_TRUE(v.up);
	CU_ASSERT_EQUAL(v.changes_us, UINT64_MAX);
	CU_ASSERT_EQUAL(round_view(d.p.round, 0).left, 1);
	close_desk(&d);
}

static void what_changes_answers_is_told_as_soon(void)
{
	struct desk d;

	open_desk(&d, here, 1);
	d.p.probe.fall = 2;
	probing_plan(&d.p);
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(d.p.changes == 1 && d.p.soon == 1);
	probing_now(&d.p, 0); /* as before: only its time may be another */
	CU_ASSERT_TRUE(d.p.changes == 2 && d.p.soon == 1);
	const int64_t since = round_view(d.p.round, 0).since_us;
	set_open(&d, false);
	probing_now(&d.p, 0); /* one of two */
	CU_ASSERT_TRUE(d.p.changes == 3 && d.p.soon == 2);
	CU_ASSERT_TRUE(d.p.view.up && !d.p.view.passed);
	CU_ASSERT_EQUAL(d.p.view.since_us, since);
	const int64_t before = (int64_t)clock_us();
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(d.p.changes == 4 && d.p.soon == 3);
	CU_ASSERT_FALSE(d.p.view.up);
	CU_ASSERT_TRUE(d.p.view.since_us >= before && d.p.view.since_us <= (int64_t)clock_us());
	CU_ASSERT_EQUAL(d.p.view.failures, 2);
	CU_ASSERT_EQUAL(d.p.view.probes, 4);
	const struct round_totals t = round_totals(d.p.round);
	CU_ASSERT_TRUE(t.probes == 4 && t.failures == 2 && t.not_made == 0 && t.running == 0 &&
		t.in_line == 0);
	close_desk(&d);
}

/* A verdict from before a restart holds until probes say otherwise: "down" not for one probe
 * that passes. */
static void an_old_verdict_is_a_hint(void)
{
	struct desk d;

	open_desk(&d, here, 1);
	d.p.probe.rise = 2;
	d.p.probe.fall = 2;
	probing_plan(&d.p);
	round_hint(d.p.round, 0, false, 42);
	CU_ASSERT_FALSE(round_verdicts(d.p.round)[0].awaited);
	CU_ASSERT_TRUE(round_view(d.p.round, 0).hinted);
	CU_ASSERT_EQUAL(round_view(d.p.round, 0).since_us, 42);
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(d.p.view.known && !d.p.view.up && d.p.view.passed);
	CU_ASSERT_EQUAL(d.p.view.since_us, 42);
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(d.p.view.up);
	round_hint(d.p.round, 0, false, 43); /* too late */
	CU_ASSERT_TRUE(round_verdicts(d.p.round)[0].up);
	close_desk(&d);
	/* "Up" is believed, and given up for one probe that fails first. */
	open_desk(&d, here, 1);
	d.p.probe.rise = 2;
	d.p.probe.fall = 2;
	probing_plan(&d.p);
	round_hint(d.p.round, 0, true, 42);
	CU_ASSERT_TRUE(round_verdicts(d.p.round)[0].up && !round_verdicts(d.p.round)[0].known);
	set_open(&d, false);
	probing_now(&d.p, 0);
	CU_ASSERT_FALSE(d.p.view.up);
	close_desk(&d);
}

/* --- times -------------------------------------------------------------------------------- */

static void probes_follow_each_other_by_the_interval(void)
{
	struct desk d;
	struct round_view v;

	open_desk(&d, three, 3);
	d.p.probe.every_ms = 400;
	d.p.probe.timeout_ms = 400;
	const uint64_t begun = clock_us();
	probing_plan(&d.p);
	CU_ASSERT_TRUE(probing_until(&d.p, 3));
	/* The first round is for all at once; then each has a phase of its own. */
	for (uint32_t i = 0; i < 3; i++) {
		v = round_view(d.p.round, i);
		CU_ASSERT_EQUAL(v.probes, 1);
		CU_ASSERT_TRUE(v.next_us >= begun + 40000);
		CU_ASSERT_TRUE(v.next_us <= clock_us() + 400000);
	}
	CU_ASSERT_NOT_EQUAL(round_view(d.p.round, 0).next_us, round_view(d.p.round, 1).next_us);
	CU_ASSERT_TRUE(probing_until(&d.p, 9));
	/* Never sooner than 95 % of it: three probes are two intervals at least, but for the
	 * first. */
	CU_ASSERT_TRUE(clock_us() - begun >= 380000);
	v = round_view(d.p.round, 0);
	CU_ASSERT_TRUE(v.next_us >= begun + 380000);
	close_desk(&d);
}

static void times_are_smoothed(void)
{
	struct desk d;
	double smooth = NAN, least = INFINITY;

	open_desk(&d, here, 1);
	probing_plan(&d.p);
	for (unsigned i = 0; i < 5; i++) {
		probing_now(&d.p, 0);
		const double last = d.p.view.rtt_last_ms;
		smooth = i ? smooth + 0.3 * (last - smooth) : last;
		least = fmin(least, last);
		CU_ASSERT_DOUBLE_EQUAL(d.p.view.rtt_ms, smooth, 1e-6);
		CU_ASSERT_DOUBLE_EQUAL(d.p.view.rtt_least_ms, least, 1e-9);
		CU_ASSERT_DOUBLE_EQUAL(round_verdicts(d.p.round)[0].rtt_ms, smooth, 1e-4);
	}
	set_open(&d, false);
	probing_now(&d.p, 0); /* a failure has no time */
	CU_ASSERT_DOUBLE_EQUAL(d.p.view.rtt_ms, smooth, 1e-6);
	close_desk(&d);
}

/* --- who is asked ------------------------------------------------------------------------- */

static void an_address_is_one_target_however_many_ask(void)
{
	static const char *const shared[] = { "127.0.0.1", "127.0.0.1 ::1", "127.0.0.2" };
	struct desk d;

	open_desk(&d, shared, 3);
	struct probe_opts again = d.p.probe, other = d.p.probe;
	const uint16_t first[] = { 1, 0, 0 }, all[] = { 1, 1, 1 }, last[] = { 0, 0, 1 };
	again.name = "another name";
	other.every_ms = 1000000;
	const struct round_row rows[] = { { &d.p.probe, first }, { &again, all },
		{ &other, last } };
	round_plan(d.p.round, d.p.steer, rows, 3);
	/* e0's and e1's 127.0.0.1 by two rows, ::1, 127.0.0.2, and that by another probe. */
	CU_ASSERT_EQUAL(round_targets(d.p.round), 4);
	const uint32_t *r0 = round_row_targets(d.p.round, 0),
		       *r1 = round_row_targets(d.p.round, 1),
		       *r2 = round_row_targets(d.p.round, 2);
	CU_ASSERT_EQUAL(r0[0], r1[0]);
	CU_ASSERT_EQUAL(r0[1], STANDING_NO_TARGET);
	CU_ASSERT_EQUAL(r1[1], r1[0]);
	CU_ASSERT_NOT_EQUAL(r1[2], r1[1]);
	CU_ASSERT_NOT_EQUAL(r1[3], r2[3]);
	CU_ASSERT_EQUAL(r2[0], STANDING_NO_TARGET);
	CU_ASSERT_STRING_EQUAL(round_view(d.p.round, r1[2]).edge, "e1");
	CU_ASSERT_EQUAL(round_view(d.p.round, r1[2]).addr.b[15], 1);
	CU_ASSERT_EQUAL(round_view(d.p.round, r2[3]).probe->every_ms, 1000000);
	CU_ASSERT_EQUAL(round_waits(d.p.round), 4);
	close_desk(&d);
}

/* A pool more, an edge less: what is known of the others stays. */
static void another_plan_keeps_what_is_known(void)
{
	struct desk d;

	open_desk(&d, three, 3);
	probing_plan(&d.p);
	CU_ASSERT_TRUE(probing_until(&d.p, 3));
	CU_ASSERT_EQUAL(d.p.firsts, 1);
	const struct round_view before = round_view(d.p.round, 2);
	struct probe_opts copy = d.p.probe, slower = d.p.probe;
	copy.name = "copy";
	const uint16_t without[] = { 0, 1, 1 };
	round_plan(d.p.round, d.p.steer, &(struct round_row){ &copy, without }, 1);
	CU_ASSERT_EQUAL_FATAL(round_targets(d.p.round), 2);
	const struct round_view after = round_view(d.p.round, 1);
	CU_ASSERT_STRING_EQUAL(after.edge, "e2");
	CU_ASSERT_EQUAL(after.probes, 1);
	CU_ASSERT_EQUAL(after.next_us, before.next_us);
	CU_ASSERT_EQUAL(after.since_us, before.since_us);
	CU_ASSERT_TRUE(after.known && after.up);
	CU_ASSERT_PTR_EQUAL(after.probe, &copy);
	CU_ASSERT_TRUE(round_verdicts(d.p.round)[1].known);
	CU_ASSERT_EQUAL(round_waits(d.p.round), 0);
	/* One that asks otherwise knows nothing yet; the totals go on. */
	slower.every_ms++;
	round_plan(d.p.round, d.p.steer, &(struct round_row){ &slower, d.p.asked }, 1);
	CU_ASSERT_EQUAL(round_targets(d.p.round), 3);
	CU_ASSERT_EQUAL(round_waits(d.p.round), 3);
	CU_ASSERT_FALSE(round_view(d.p.round, 1).known);
	CU_ASSERT_TRUE(probing_until(&d.p, 6));
	CU_ASSERT_EQUAL(d.p.firsts, 2);
	close_desk(&d);
}

/* What is known of the parts is kept, and shared with who asks for one alone. */
static void parts_are_judged_together(void)
{
	static const uint16_t all[] = { 1, 0, 0 }, any[] = { 2, 0, 0 }, alone[] = { 3, 0, 0 };
	struct desk d;

	open_desk(&d, three, 3);
	struct probe_opts parts[2] = { d.p.probe, d.p.probe };
	parts[0].name = "open";
	parts[1].name = "shut";
	parts[1].port = 1; /* nobody listens there */
	struct probe_opts probes[3] = { { .name = "all",
		.kind = PROBE_SEVERAL,
		.rise = 1,
		.fall = 1,
		.initial = PROBE_DOWN,
		.parts = parts,
		.n_parts = 2,
		.least = 2 } };
	probes[1] = probes[0];
	probes[1].name = "any";
	probes[1].least = 1;
	probes[2] = parts[0];
	const struct round_row rows[] = { { probes, all }, { probes, any }, { probes, alone } };
	round_plan(d.p.round, d.p.steer, rows, 3);
	CU_ASSERT_EQUAL_FATAL(round_targets(d.p.round), 4); /* two that ask, two made of them */
	CU_ASSERT_EQUAL(round_waits(d.p.round), 2);
	const uint32_t of_all = round_row_targets(d.p.round, 0)[0],
		       of_any = round_row_targets(d.p.round, 1)[0];
	CU_ASSERT_TRUE(round_verdicts(d.p.round)[of_all].awaited);
	CU_ASSERT_TRUE(probing_until(&d.p, 2));
	CU_ASSERT_EQUAL(round_waits(d.p.round), 0);
	const struct verdict *v = round_verdicts(d.p.round);
	CU_ASSERT(v[of_all].known && !v[of_all].up && v[of_any].known && v[of_any].up);
	CU_ASSERT_STRING_EQUAL(
		round_view(d.p.round, of_all).say, "1 of 2 is up; shut: connection refused");
	CU_ASSERT_STRING_EQUAL(
		round_view(d.p.round, of_all).error, "shut: connection refused");
	CU_ASSERT_EQUAL(round_view(d.p.round, of_all).n_parts, 2);
	CU_ASSERT(v[of_any].rtt_ms > 0);
	/* A plan with new options that say the same. */
	struct probe_opts more[2] = { parts[0], parts[1] }, copy = probes[0];
	copy.parts = more;
	copy.name = "copy";
	const struct round_view before = round_view(d.p.round, of_all);
	round_plan(d.p.round, d.p.steer, &(struct round_row){ &copy, all }, 1);
	CU_ASSERT_EQUAL_FATAL(round_targets(d.p.round), 3);
	const struct round_view after =
		round_view(d.p.round, round_row_targets(d.p.round, 0)[0]);
	CU_ASSERT(after.known && !after.up && after.since_us == before.since_us);
	CU_ASSERT_EQUAL(round_totals(d.p.round).probes, 2);
	/* Another rule over the same parts knows at once. */
	copy.least = 1;
	round_plan(d.p.round, d.p.steer, &(struct round_row){ &copy, all }, 1);
	CU_ASSERT_TRUE(
		round_verdicts(d.p.round)[round_row_targets(d.p.round, 0)[0]].up);
	close_desk(&d);
	/* From before a restart the parts' verdicts come. */
	open_desk(&d, three, 3);
	round_plan(d.p.round, d.p.steer, &(struct round_row){ &copy, all }, 1);
	const uint32_t whole = round_row_targets(d.p.round, 0)[0];
	round_hint(d.p.round, round_view(d.p.round, whole).parts[0], true, 0);
	CU_ASSERT(round_verdicts(d.p.round)[whole].up && !round_verdicts(d.p.round)[whole].awaited);
	close_desk(&d);
}

/* Told, told otherwise, over: what holds then is as configured, and nobody waits for it again. */
static void who_is_told_of_is_as_he_is_told_while_that_is_fresh(void)
{
	static const struct {
		enum probe_initial initial;
		bool begins, after;
	} row[] = { { PROBE_WAIT, false, false }, { PROBE_UP, true, true }, { PROBE_DOWN, false, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct probing p;
		probing_open(&p, three, 3, 0);
		p.probe.kind = PROBE_EXTERNAL;
		p.probe.file = "mon.txt"; /* which is read soon; nobody knows when a command comes */
		p.probe.name = "mon";
		p.probe.rise = p.probe.fall = 1;
		p.probe.initial = row[i].initial;
		probing_plan(&p);
		const struct verdict *v = round_verdicts(p.round);
		CU_ASSERT(!v[0].known && v[0].up == row[i].begins && v[0].awaited == (row[i].initial == PROBE_WAIT));
		CU_ASSERT_EQUAL(round_waits(p.round) != 0, row[i].initial == PROBE_WAIT);
		struct external_verdict t = { .probe = "mon", .edge = "e0", .up = true, .why = "fine",
			.who = "root", .load = 0.5, .when_s = 1, .until_us = clock_us() + 3600000000u };
		struct externals all = { 0 };
		CU_ASSERT_TRUE(externals_add(&all, &t));
		CU_ASSERT_TRUE(round_tell_all(p.round, "mon", &all));
		CU_ASSERT(v[0].known && v[0].up && v[0].load > 0.49f);
		CU_ASSERT_EQUAL(round_waits(p.round), 0); /* of the others nobody may ever tell */
		CU_ASSERT(!v[1].known && !v[1].awaited && v[1].up == row[i].begins);
		CU_ASSERT_STRING_EQUAL(round_view(p.round, 0).say, "told up by root: fine");
		t.up = false;
		t.until_us = clock_us() + 20000;
		CU_ASSERT_EQUAL(round_tell(p.round, &t), 1);
		CU_ASSERT(v[0].known && !v[0].up);
		CU_ASSERT_STRING_EQUAL(round_view(p.round, 0).error, "told down by root: fine");
		for (unsigned k = 0; k < 500 && v[0].known; k++) {
			usleep(2000);
			turns_now(p.loop);
		}
		CU_ASSERT(!v[0].known && v[0].up == row[i].after && !v[0].awaited);
		/* A plan finds what is told; another probe's is none of its. */
		t.up = true;
		t.until_us = UINT64_MAX;
		round_tell(p.round, &t);
		struct probe_opts copy = p.probe, other = p.probe;
		other.name = "other";
		round_plan(p.round, p.steer, &(struct round_row){ &copy, p.asked }, 1);
		CU_ASSERT(round_verdicts(p.round)[0].known && round_verdicts(p.round)[0].up);
		round_plan(p.round, p.steer, &(struct round_row){ &other, p.asked }, 1);
		CU_ASSERT_FALSE(round_verdicts(p.round)[0].known);
		round_plan(p.round, p.steer, &(struct round_row){ &p.probe, p.asked }, 1);
		CU_ASSERT_TRUE(round_verdicts(p.round)[0].known);
		/* What was recalled last is all that was. */
		struct externals none = { 0 };
		round_recall(p.round, &none);
		CU_ASSERT_FALSE(round_verdicts(p.round)[0].known);
		CU_ASSERT_EQUAL(round_tell(p.round, &t), 1);
		CU_ASSERT_TRUE(round_verdicts(p.round)[0].known);
		CU_ASSERT_EQUAL(round_untell(p.round, "mon", "e0", NULL), 1);
		CU_ASSERT_FALSE(round_verdicts(p.round)[0].known);
		probing_close(&p);
	}
}

/* Whoever publishes is told of each word, and that it is soon when it changes who may answer. */
static void what_is_told_is_passed_on_as_soon_as_it_changes_something(void)
{
	static const struct {
		bool up, soon;
		double load;
	} row[] = { { true, true, 0.5 }, { true, false, 0.5 }, { true, false, 0.7 }, { false, true, 0.7 }, { false, false, 0.7 }, { true, true, 0.7 } };
	struct probing p;

	probing_open(&p, here, 1, 0);
	p.probe.kind = PROBE_EXTERNAL;
	p.probe.name = "mon";
	p.probe.initial = PROBE_WAIT;
	probing_plan(&p);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned changes = p.changes, soon = p.soon;
		CU_ASSERT_EQUAL(round_tell(p.round, &(struct external_verdict){ .probe = "mon", .edge = "e0", .up = row[i].up,
							.why = "", .who = "root", .load = row[i].load, .when_s = 1, .until_us = UINT64_MAX }), 1);
		CU_ASSERT_EQUAL(p.changes, changes + 1);
		CU_ASSERT_EQUAL(p.soon, soon + row[i].soon);
		CU_ASSERT_EQUAL(round_view(p.round, 0).passed, row[i].up);
	}
	/* Of another edge or probe nobody is told anything. */
	const unsigned changes = p.changes;
	CU_ASSERT_EQUAL(round_tell(p.round, &(struct external_verdict){ .probe = "mon", .edge = "e1", .why = "", .who = "", .until_us = UINT64_MAX }), 0);
	CU_ASSERT_EQUAL(round_untell(p.round, "other", "e0", NULL), 0);
	CU_ASSERT_EQUAL(p.changes, changes);
	CU_ASSERT_EQUAL(round_untell(p.round, "mon", "e0", NULL), 1);
	CU_ASSERT_EQUAL(p.changes, changes + 1);
	CU_ASSERT_STRING_EQUAL(round_view(p.round, 0).say, "nothing fresh is told; the last was up");
	probing_close(&p);
}

static void tables_of_edges_are_planned_together(void)
{
	struct desk d;
	struct probing q;

	open_desk(&d, three, 3);
	probing_open(&q, three + 1, 1, 0); /* its e0 is the first's e1 */
	const struct round_row a = { &d.p.probe, d.p.asked }, b = { &d.p.probe, q.asked };
	const struct round_part parts[] = { { d.p.steer, &a, 1 }, { q.steer, &b, 1 } };
	round_plan_parts(d.p.round, parts, 2);
	CU_ASSERT_EQUAL(round_targets(d.p.round), 3);
	CU_ASSERT_EQUAL(round_row_targets(d.p.round, 1)[0], round_row_targets(d.p.round, 0)[1]);
	CU_ASSERT_STRING_EQUAL(round_view(d.p.round, 1).edge, "e1");
	round_plan_parts(d.p.round, parts + 1, 1);
	CU_ASSERT_EQUAL(round_targets(d.p.round), 1);
	CU_ASSERT_STRING_EQUAL(round_view(d.p.round, 0).edge, "e0");
	probing_close(&q);
	close_desk(&d);
}

static unsigned n_told, n_gone;

static void told_one(struct round_ask *a, const struct round_view *v, const char *steps)
{
	(void)a;
	n_told++;
	n_gone += strstr(steps, "no longer probed") != NULL;
	CU_ASSERT_PTR_NOT_NULL(v->probe);
}

static bool all_told(void *ctx)
{
	return ((struct round_ask *)ctx)->left == 0;
}

static void who_asks_is_told_of_each_target_once(void)
{
	static const uint32_t all[] = { 0, 1, 2 };
	struct desk d;
	struct round_ask a = { .told = told_one }, b = { .told = told_one };

	n_told = n_gone = 0;
	open_desk(&d, three, 3);
	probing_plan(&d.p);
	CU_ASSERT_TRUE(round_ask(d.p.round, all, 3, &a));
	CU_ASSERT_EQUAL(a.left, 3);
	CU_ASSERT_FALSE(round_ask(d.p.round, all + 2, 1, &b)); /* it is being asked for */
	CU_ASSERT_TRUE(turns_until(d.p.loop, all_told, &a));
	CU_ASSERT_EQUAL(n_told, 3);
	CU_ASSERT_TRUE(round_ask(d.p.round, all + 2, 1, &b));
	CU_ASSERT_TRUE(turns_until(d.p.loop, all_told, &b));
	CU_ASSERT_EQUAL(n_told, 4);
	/* Nobody listens any more: the probe is made, and nobody is told. */
	const uint64_t before = round_totals(d.p.round).probes;
	CU_ASSERT_TRUE(round_ask(d.p.round, all, 1, &a));
	round_forget(d.p.round, &a);
	CU_ASSERT_TRUE(probing_until(&d.p, before + 1));
	CU_ASSERT_EQUAL(n_told, 4);
	CU_ASSERT_TRUE(round_ask(d.p.round, all, 1, &b)); /* somebody else may ask */
	/* What is no longer probed is told as it was. */
	round_plan(d.p.round, d.p.steer, NULL, 0);
	CU_ASSERT_EQUAL(n_told, 5);
	CU_ASSERT_EQUAL(n_gone, 1);
	CU_ASSERT_EQUAL(b.left, 0);
	close_desk(&d);
}

/* Of one kind so many at a time; the others wait, and whoever asks goes first. */
static void probes_wait_for_room(void)
{
	static const char *const sleep_a_while[] = { "/bin/sleep", "1000", NULL };
	struct probing p;
	const char *many[PROBING_EDGES];
	struct probe_opts opts[5];
	struct round_row rows[5];

	for (unsigned i = 0; i < PROBING_EDGES; i++)
		many[i] = "127.0.0.1";
	probing_open(&p, many, PROBING_EDGES, 0);
	for (unsigned i = 0; i < 5; i++) {
		opts[i] = p.probe;
		opts[i].kind = PROBE_EXEC;
		opts[i].command = sleep_a_while;
		opts[i].every_ms += i;
		rows[i] = (struct round_row){ &opts[i], p.asked };
	}
	round_plan(p.round, p.steer, rows, 5);
	CU_ASSERT_EQUAL(round_targets(p.round), 40);
	CU_ASSERT_EQUAL(round_totals(p.round).in_line, 40);
	for (unsigned i = 0; i < 20; i++)
		turns_now(p.loop);
	CU_ASSERT_EQUAL(round_totals(p.round).running, 32);
	CU_ASSERT_EQUAL(round_totals(p.round).in_line, 8);
	CU_ASSERT_TRUE(round_view(p.round, 0).running);
	CU_ASSERT_FALSE(round_view(p.round, 39).running);
	/* Some are not wanted any more: others take their place. */
	round_plan(p.round, p.steer, rows + 1, 4);
	CU_ASSERT_EQUAL(round_targets(p.round), 32);
	for (unsigned i = 0; i < 20; i++)
		turns_now(p.loop);
	CU_ASSERT_EQUAL(round_totals(p.round).running, 32);
	CU_ASSERT_EQUAL(round_totals(p.round).in_line, 0);
	probing_close(&p);
}

static const struct unit_case cases[] = {
	{ "rise and fall are counted", rise_and_fall_are_counted },
	{ "before the first probe it is as configured",
		before_the_first_probe_it_is_as_configured },
	{ "a shaky verdict tells when it can change",
		a_shaky_verdict_tells_when_it_can_change },
	{ "what changes answers is told as soon", what_changes_answers_is_told_as_soon },
	{ "an old verdict is a hint", an_old_verdict_is_a_hint },
	{ "probes follow each other by the interval",
		probes_follow_each_other_by_the_interval },
	{ "times are smoothed", times_are_smoothed },
	{ "an address is one target, however many ask",
		an_address_is_one_target_however_many_ask },
	{ "another plan keeps what is known", another_plan_keeps_what_is_known },
	{ "parts are judged together", parts_are_judged_together },
	{ "who is told of is as he is told while that is fresh",
		who_is_told_of_is_as_he_is_told_while_that_is_fresh },
	{ "what is told is passed on, as soon as it changes something", what_is_told_is_passed_on_as_soon_as_it_changes_something },
	{ "tables of edges are planned together", tables_of_edges_are_planned_together },
	{ "who asks is told of each target once", who_asks_is_told_of_each_target_once },
	{ "probes wait for room", probes_wait_for_room },
};

void suite_round(void);
void suite_round(void)
{
	unit_suite("probe/round", cases, UNIT_COUNT(cases));
}
