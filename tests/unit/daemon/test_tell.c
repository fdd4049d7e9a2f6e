#include "daemon/tell.h"

#include "unit/net/serving.h"
#include "unit/probe/probing.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Eight edges of which two probes know something. */
static const char *const eight[] = { "127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14",
	"127.0.0.15", "127.0.0.16", "127.0.0.17", "127.0.0.18" };

struct desk {
	struct probing p;
	struct probe_opts other;
	struct round_row of[2];
	unsigned need[2];
	uint16_t base[2];
	uint16_t row_of[1], own_row[8];
	struct rows rows;
	struct verdict verdicts[16];
	struct standing *before, *now;
	char text[4000];
};

static struct standing *stand(struct desk *d, uint16_t row, double panic)
{
	uint8_t states[8] = { 0 };
	struct standing_row rows[] = { { STANDING_ALL, round_row_targets(d->p.round, 0) },
		{ STANDING_ALL, round_row_targets(d->p.round, 1) } };

	d->row_of[0] = row;
	d->p.steer->pools[0].panic_share = panic;
	return standing_new(&(struct standing_opts){ .steer = d->p.steer,
		.states = states,
		.verdicts = d->verdicts,
		.rows = rows,
		.n_rows = 2,
		.row_of = d->row_of });
}

static void set(struct desk *d, unsigned from, unsigned to, bool up)
{
	for (unsigned i = from; i < to; i++)
		d->verdicts[i] = (struct verdict){ .known = true, .up = up };
}

static void open_desk(struct desk *d)
{
	memset(d, 0, sizeof *d);
	probing_open(&d->p, eight, 8, 1);
	d->p.probe.initial = PROBE_DOWN;
	d->other = d->p.probe;
	d->other.name = "other";
	d->other.every_ms++;
	d->of[0] = (struct round_row){ &d->p.probe, d->p.asked };
	d->of[1] = (struct round_row){ &d->other, d->p.asked };
	round_plan(d->p.round, d->p.steer, d->of, 2);
	d->rows = (struct rows){ 2, d->of, d->need, d->base, d->row_of, d->own_row };
	set(d, 0, 16, true);
	d->before = stand(d, 1, 0);
}

static void close_desk(struct desk *d)
{
	standing_free(d->before);
	probing_close(&d->p);
}

static void tell(void *ctx)
{
	struct desk *d = ctx;

	tell_changes(
		&(struct tell){ d->p.steer, d->before, d->now, d->p.round, &d->rows, NULL,
		round_verdicts(d->p.round), NULL });
}

static void tell_of_down(void *ctx)
{
	struct desk *d = ctx;

	tell_down(&(struct tell){ d->p.steer, NULL, d->now, d->p.round, &d->rows, NULL,
		round_verdicts(d->p.round), NULL });
}

/* Each line without the program's name, "|" between them. */
static const char *told(struct desk *d, void (*what)(void *ctx), uint16_t row, double panic)
{
	char log[4000];
	size_t n = 0;

	d->now = stand(d, row, panic);
	serving_log(log, sizeof log, what, d);
	standing_free(d->now);
	for (char *line = log, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		char *at = strstr(line, "edge ");
		at = at && at < end ? at : strstr(line, ": ") + 2;
		n += (size_t)snprintf(d->text + n, sizeof d->text - n, "%s%.*s", n ? "|" : "",
			(int)(end - at), at);
	}
	d->text[n] = 0;
	return d->text;
}

static unsigned lines_of(const char *text)
{
	unsigned n = *text != 0;

	for (; *text; text++)
		n += *text == '|';
	return n;
}

static void who_goes_down_or_comes_up_is_told(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0), "");
	set(&d, 2, 3, false);
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0),
		"edge e2 is down by probe probe: 127.0.0.13: no verdict yet");
	set(&d, 2, 3, true);
	set(&d, 8 + 5, 8 + 6, false);
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0),
		"edge e5 is down by probe other: 127.0.0.16: no verdict yet");
	/* The other way round. */
	standing_free(d.before);
	d.before = stand(&d, 1, 0);
	set(&d, 0, 16, true);
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0), "edge e5 is up by probe other");
	/* What its address has failed with. */
	CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 3), "connection refused");
	set(&d, 3, 4, false);
	set(&d, 8 + 5, 8 + 6, false);
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0),
		"edge e3 is down by probe probe: 127.0.0.14: connection refused");
	close_desk(&d);
}

/* Eight lines of one publication, and how many there are beside them. */
static void of_many_some_are_told(void)
{
	struct desk d;

	open_desk(&d);
	set(&d, 0, 8, false);
	CU_ASSERT_EQUAL(lines_of(told(&d, tell, 1, 0)), 8);
	CU_ASSERT_PTR_NULL(strstr(d.text, "more"));
	set(&d, 0, 9, false);
	CU_ASSERT_EQUAL(lines_of(told(&d, tell, 1, 0)), 9);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "... and 1 more edges and pools"));
	set(&d, 0, 16, false);
	CU_ASSERT_EQUAL(lines_of(told(&d, tell, 1, 0)), 9);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "... and 8 more edges and pools"));
	CU_ASSERT_EQUAL(lines_of(told(&d, tell_of_down, 1, 0)), 9);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "... and 8 more edges ("));
	set(&d, 2, 16, true);
	CU_ASSERT_EQUAL(lines_of(told(&d, tell_of_down, 1, 0)), 2);
	CU_ASSERT_EQUAL(strncmp(d.text, "edge e0 is down by probe probe: ", 32), 0);
	close_desk(&d);
}

static void panic_is_told_and_its_end(void)
{
	struct desk d;

	open_desk(&d);
	set(&d, 0, 6, false);
	told(&d, tell, 1, 0.5);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text,
		"pool web panics: 2 of 8 edges are up, so its probe is not trusted and all are "
		"answered with"));
	CU_ASSERT_EQUAL(lines_of(d.text), 1 + 6);
	standing_free(d.before);
	d.before = stand(&d, 1, 0.5);
	set(&d, 0, 2, true);
	told(&d, tell, 1, 0.5);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(d.text, "pool web trusts its probe again: 4 of 8 edges are up"));
	CU_ASSERT_EQUAL(lines_of(d.text), 1 + 2);
	close_desk(&d);
}

/* A reload that brings other edges or rows is no change of theirs. */
static void other_tables_are_not_compared(void)
{
	struct desk d;

	open_desk(&d);
	set(&d, 0, 16, false);
	d.before->n_probed--;
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0), "");
	d.before->n_probed++;
	d.before->n_edges--;
	CU_ASSERT_STRING_EQUAL(told(&d, tell, 1, 0), "");
	d.before->n_edges++;
	close_desk(&d);
}

static void probes_by_hand_are_told_as_text_or_json(void)
{
	struct desk d;
	struct text out = { 0 };

	open_desk(&d);
	probing_now(&d.p, 3);
	struct tell_steps t = tell_steps_begin(&out, false);
	CU_ASSERT_TRUE(t.passed);
	tell_steps(&t, &d.p.view, "  1.0 ms  one\n  2.0 ms  two\n");
	CU_ASSERT_FALSE(t.passed);
	tell_steps_end(&t);
	CU_ASSERT_STRING_EQUAL(text_get(&out),
		"127.0.0.14 by probe probe (tcp)\n  1.0 ms  one\n  2.0 ms  two\n"
		"  failed: connection refused; it is down\n");
	text_fini(&out);
	out = (struct text){ 0 };
	t = tell_steps_begin(&out, true);
	tell_steps(&t, &d.p.view, "  1.0 ms  one\n  2.0 ms  two");
	tell_steps(&t, &d.p.view, "");
	tell_steps_end(&t);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"1.0 ms  one\",\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"2.0 ms  two\"\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"steps\": []"));
	text_fini(&out);
	/* Nobody wants it any more. */
	t = tell_steps_begin(&out, true);
	tell_steps(&t, &d.p.view, "x");
	t.out = NULL;
	tell_steps_end(&t);
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "who goes down or comes up is told", who_goes_down_or_comes_up_is_told },
	{ "of many some are told", of_many_some_are_told },
	{ "panic is told, and its end", panic_is_told_and_its_end },
	{ "other tables are not compared", other_tables_are_not_compared },
	{ "probes by hand are told as text or JSON", probes_by_hand_are_told_as_text_or_json },
};

void suite_tell(void);
void suite_tell(void)
{
	unit_suite("daemon/tell", cases, UNIT_COUNT(cases));
}
