#include "daemon/builder.h"

#include "base/scope.h"

#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUILDS = 8 };

/* What is served is a number here: each build makes it one more than what it began with. */
struct desk {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	unsigned served;
	unsigned at_once; /* atomic */
	bool overlapped;  /* atomic */
	sem_t begun, go;
	char told[256]; /* what was called, in its order */
	unsigned ended, expected;
};

struct piece {
	struct build build; /* first */
	struct desk *d;
	char name;
	bool idle;  /* there is nothing to do any more */
	bool waits; /* for `go` */
	bool gives_up; /* when it is cancelled */
	struct piece *asks_in_begin, *asks_in_end;
	unsigned from, made;
	enum job_end end;
	bool ended;
};

static bool comes(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TURNS_PATIENCE_S;
	return sem_timedwait(s, &until) == 0;
}

static void tell(struct desk *d, char what, char name)
{
	const size_t len = strlen(d->told);

	snprintf(d->told + len, sizeof d->told - len, "%c%c ", what, name);
}

static bool begin(void *ctx)
{
	struct piece *p = ctx;

	tell(p->d, '+', p->name);
	if (p->asks_in_begin)
		builder_ask(p->d->builder, &p->asks_in_begin->build);
	p->from = p->d->served;
	return !p->idle;
}

static void work(void *ctx, struct job *job)
{
	struct piece *p = ctx;
	struct desk *d = p->d;

	(void)job;
	if (__atomic_add_fetch(&d->at_once, 1, __ATOMIC_RELAXED) != 1)
		__atomic_store_n(&d->overlapped, true, __ATOMIC_RELAXED);
	sem_post(&d->begun);
	if (p->waits && !comes(&d->go))
		abort();
	p->made = p->from + 1;
	__atomic_sub_fetch(&d->at_once, 1, __ATOMIC_RELAXED);
	if (p->gives_up)
		scope_check();
}

static void end(void *ctx, enum job_end how)
{
	struct piece *p = ctx;

	p->end = how;
	p->ended = true;
	if (p->asks_in_end)
		builder_ask(p->d->builder, &p->asks_in_end->build);
	if (how == JOB_DONE)
		p->d->served = p->build.work ? p->made : p->d->served + 1;
	tell(p->d, '-', p->name);
	p->d->ended++;
}

static void ask(struct desk *d, struct piece *p, char name)
{
	p->d = d;
	p->name = name;
	p->build.name = "test";
	p->build.ctx = p;
	p->build.begin = begin;
	p->build.end = end;
	builder_ask(d->builder, &p->build);
}

static void prepare(struct desk *d, struct piece *p, char name)
{
	*p = (struct piece){
		.build = { .name = "test", .ctx = p, .begin = begin, .work = work, .end = end },
		.d = d,
		.name = name
	};
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV) };
	d->jobs = jobs_new(d->loop);
	d->builder = builder_new(d->jobs);
	sem_init(&d->begun, 0, 0);
	sem_init(&d->go, 0, 0);
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	builder_free(d->builder);
	jobs_free(d->jobs);
	ev_loop_destroy(d->loop);
	sem_destroy(&d->begun);
	sem_destroy(&d->go);
}

static bool all_ended(void *ctx)
{
	const struct desk *d = ctx;

	return d->ended >= d->expected;
}

static bool ends(struct desk *d, unsigned n)
{
	d->expected = n;
	return turns_until(d->loop, all_ended, d);
}

static void builds_come_one_after_the_other(void)
{
	struct piece p[BUILDS];
	struct desk d;

	open_desk(&d);
	CU_ASSERT_FALSE(builder_is_busy(d.builder));
	for (unsigned i = 0; i < BUILDS; i++) {
		prepare(&d, &p[i], (char)('a' + i));
		builder_ask(d.builder, &p[i].build);
		CU_ASSERT_TRUE(builder_is_busy(d.builder));
	}
	CU_ASSERT_TRUE(ends(&d, BUILDS));
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b +c -c +d -d +e -e +f -f +g -g +h -h ");
	CU_ASSERT_FALSE(d.overlapped);
	/* Each began with what the one before had made. */
	for (unsigned i = 0; i < BUILDS; i++)
		CU_ASSERT_EQUAL(p[i].from, i);
	CU_ASSERT_EQUAL(d.served, BUILDS);
	CU_ASSERT_FALSE(builder_is_busy(d.builder));
	close_desk(&d);
}

static void one_without_work_is_answered_within_the_call(void)
{
	struct piece p = { .ended = false };
	struct desk d;

	open_desk(&d);
	ask(&d, &p, 'a');
	CU_ASSERT_TRUE(p.ended);
	CU_ASSERT_EQUAL(p.end, JOB_DONE);
	CU_ASSERT_EQUAL(d.served, 1);
	CU_ASSERT_FALSE(builder_is_busy(d.builder));
	close_desk(&d);
}

static void one_with_nothing_to_do_any_more_is_cancelled_and_the_next_comes(void)
{
	struct piece p[3];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 3; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].waits = true;
	p[1].idle = true;
	for (unsigned i = 0; i < 3; i++)
		builder_ask(d.builder, &p[i].build);
	CU_ASSERT_FALSE(p[1].ended); /* it is not its turn */
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b +c -c ");
	CU_ASSERT_EQUAL(p[1].end, JOB_CANCELLED);
	CU_ASSERT_EQUAL(p[2].end, JOB_DONE);
	CU_ASSERT_EQUAL(p[2].from, 1);
	close_desk(&d);
}

static void without_begin_it_is_just_made(void)
{
	struct piece p;
	struct desk d;

	open_desk(&d);
	prepare(&d, &p, 'a');
	p.build.begin = NULL;
	builder_ask(d.builder, &p.build);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_STRING_EQUAL(d.told, "-a ");
	CU_ASSERT_EQUAL(p.end, JOB_DONE);
	close_desk(&d);
}

/* --- who asks while one is made ------------------------------------------------------------ */

static void one_that_is_asked_for_at_an_end_begins_after_it(void)
{
	struct piece p[3];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 3; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].asks_in_end = &p[2];
	builder_ask(d.builder, &p[0].build);
	builder_ask(d.builder, &p[1].build);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b +c -c ");
	CU_ASSERT_EQUAL(p[1].from, 1);
	CU_ASSERT_EQUAL(p[2].from, 2);
	close_desk(&d);
}

static void one_that_is_asked_for_at_a_beginning_begins_after_it(void)
{
	struct piece p[2];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 2; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].asks_in_begin = &p[1];
	builder_ask(d.builder, &p[0].build);
	CU_ASSERT_TRUE(ends(&d, 2));
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b ");
	CU_ASSERT_EQUAL(p[1].from, 1);
	close_desk(&d);
}

/* --- the end ------------------------------------------------------------------------------ */

static void at_the_end_those_that_wait_are_cancelled(void)
{
	struct piece p[3];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 3; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].waits = true;
	for (unsigned i = 0; i < 3; i++)
		builder_ask(d.builder, &p[i].build);
	CU_ASSERT_TRUE(comes(&d.begun));
	sem_post(&d.go);
	close_desk(&d);
	CU_ASSERT_EQUAL(p[0].end, JOB_DONE);
	for (unsigned i = 1; i < 3; i++) {
		CU_ASSERT_TRUE(p[i].ended);
		CU_ASSERT_EQUAL(p[i].end, JOB_CANCELLED);
	}
	CU_ASSERT_EQUAL(d.served, 1);
}

static void after_a_stop_nothing_is_begun(void)
{
	struct piece p;
	struct desk d;

	open_desk(&d);
	CU_ASSERT_TRUE(jobs_stop(d.jobs, TURNS_PATIENCE_S));
	prepare(&d, &p, 'a');
	builder_ask(d.builder, &p.build);
	CU_ASSERT_TRUE(p.ended);
	CU_ASSERT_EQUAL(p.end, JOB_CANCELLED);
	CU_ASSERT_STRING_EQUAL(d.told, "-a ");
	close_desk(&d);
}

static void with_one_that_hangs_the_others_are_cancelled(void)
{
	struct piece p[2];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 2; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].waits = true;
	builder_ask(d.builder, &p[0].build);
	builder_ask(d.builder, &p[1].build);
	CU_ASSERT_TRUE(comes(&d.begun));
	CU_ASSERT_FALSE(jobs_stop(d.jobs, 0));
	CU_ASSERT_FALSE(p[0].ended);
	CU_ASSERT_FALSE(p[1].ended);
	builder_free(d.builder);
	CU_ASSERT_FALSE(p[0].ended);
	CU_ASSERT_TRUE(p[1].ended);
	CU_ASSERT_EQUAL(p[1].end, JOB_CANCELLED);
	sem_post(&d.go);
	close_desk(&d);
	CU_ASSERT_EQUAL(p[0].end, JOB_DONE);
}

/* --- zones beside all others --------------------------------------------------------------- */

static bool meets(void *ctx)
{
	struct piece *p = ctx;

	tell(p->d, '?', p->name);
	return p->from != p->d->served;
}

static void meet(void *ctx, struct job *job)
{
	struct piece *p = ctx;

	(void)job;
	tell(p->d, '&', p->name);
	p->made = p->d->served + 1;
}

static bool ended(void *ctx)
{
	return ((const struct piece *)ctx)->ended;
}

static void zones_go_on_beside_what_lets_them_and_are_met_at_its_end(void)
{
	struct piece p[4];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 4; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].waits = p[0].build.beside = true;
	p[0].build.meets = meets;
	p[0].build.meet = meet;
	p[1].build.of_zones = p[2].build.of_zones = true;
	builder_ask(d.builder, &p[0].build);
	CU_ASSERT_TRUE(comes(&d.begun));
	builder_ask(d.builder, &p[1].build);
	CU_ASSERT_TRUE(turns_until(d.loop, ended, &p[1]));
	CU_ASSERT_FALSE(p[0].ended);
	CU_ASSERT_EQUAL(d.served, 1);
	/* One that is on when the work is done is waited for. */
	p[2].waits = true;
	CU_ASSERT_TRUE(comes(&d.begun));
	builder_ask(d.builder, &p[2].build);
	CU_ASSERT_TRUE(comes(&d.begun));
	sem_post(&d.go);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_EQUAL(d.served, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.told, "-c ?a &a -a "));
	close_desk(&d);
}

static void what_nothing_came_beside_is_not_met(void)
{
	struct piece p;
	struct desk d;

	open_desk(&d);
	prepare(&d, &p, 'a');
	p.build.beside = true;
	p.build.meets = meets;
	p.build.meet = meet;
	builder_ask(d.builder, &p.build);
	CU_ASSERT_TRUE(ends(&d, 1));
	CU_ASSERT_STRING_EQUAL(d.told, "+a ?a -a ");
	close_desk(&d);
}

static void what_lets_no_zones_beside_it_is_alone_and_comes_to_its_turn(void)
{
	struct piece p[3];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 3; i++)
		prepare(&d, &p[i], (char)('a' + i));
	p[0].waits = true;
	p[0].build.of_zones = p[2].build.of_zones = true;
	builder_ask(d.builder, &p[0].build);
	CU_ASSERT_TRUE(comes(&d.begun));
	builder_ask(d.builder, &p[1].build);
	builder_ask(d.builder, &p[2].build);
	sem_post(&d.go);
	CU_ASSERT_TRUE(ends(&d, 3));
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b +c -c ");
	CU_ASSERT_FALSE(d.overlapped);
	close_desk(&d);
}

static void what_could_not_be_met_since_the_server_stops_ends(void)
{
	struct piece p;
	struct desk d;

	open_desk(&d);
	prepare(&d, &p, 'a');
	p.waits = p.build.beside = true;
	p.build.meets = meets;
	p.build.meet = meet;
	builder_ask(d.builder, &p.build);
	CU_ASSERT_TRUE(comes(&d.begun));
	sem_post(&d.go);
	close_desk(&d);
	CU_ASSERT_TRUE(p.ended);
	CU_ASSERT_STRING_EQUAL(d.told, "+a -a ");
}

static void one_that_yields_is_given_up_for_one_that_does_not(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct desk d;
		struct piece first, second;

		open_desk(&d);
		prepare(&d, &first, 'a');
		prepare(&d, &second, 'b');
		first.build.yields = i & 1;
		second.build.yields = i & 2;
		first.waits = first.gives_up = true;
		builder_ask(d.builder, &first.build);
		CU_ASSERT_TRUE_FATAL(comes(&d.begun));
		builder_ask(d.builder, &second.build);
		sem_post(&d.go);
		CU_ASSERT_TRUE(ends(&d, 2));
		CU_ASSERT_STRING_EQUAL(d.told, "+a -a +b -b ");
		CU_ASSERT_EQUAL(first.end, i == 1 ? JOB_CANCELLED : JOB_DONE);
		CU_ASSERT_EQUAL(second.end, JOB_DONE);
		close_desk(&d);
	}
}

void suite_builder(void);
void suite_builder(void)
{
	static const struct unit_case cases[] = {
		{ "builds come one after the other", builds_come_one_after_the_other },
		{ "one without work is answered within the call",
			one_without_work_is_answered_within_the_call },
		{ "one with nothing to do any more is cancelled and the next comes",
			one_with_nothing_to_do_any_more_is_cancelled_and_the_next_comes },
		{ "without begin it is just made", without_begin_it_is_just_made },
		{ "one that is asked for at an end begins after it",
			one_that_is_asked_for_at_an_end_begins_after_it },
		{ "one that is asked for at a beginning begins after it",
			one_that_is_asked_for_at_a_beginning_begins_after_it },
		{ "at the end those that wait are cancelled",
			at_the_end_those_that_wait_are_cancelled },
		{ "after a stop nothing is begun", after_a_stop_nothing_is_begun },
		{ "with one that hangs the others are cancelled",
			with_one_that_hangs_the_others_are_cancelled },
		{ "one that yields is given up for one that does not",
			one_that_yields_is_given_up_for_one_that_does_not },
		{ "zones go on beside what lets them, and are met at its end",
			zones_go_on_beside_what_lets_them_and_are_met_at_its_end },
		{ "what nothing came beside is not met", what_nothing_came_beside_is_not_met },
		{ "what lets no zones beside it is alone, and comes to its turn",
			what_lets_no_zones_beside_it_is_alone_and_comes_to_its_turn },
		{ "what could not be met since the server stops ends",
			what_could_not_be_met_since_the_server_stops_ends },
	};

	unit_suite("daemon/builder", cases, UNIT_COUNT(cases));
}
