#include "daemon/fleet_ask.h"

#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A helper thread that asks, and the loop that does not know a fleet. */
static struct ev_loop *loop;
static struct fleet_ask *of;

struct asker {
	pthread_t thread;
	bool asked, ended, ok; /* atomic */
	struct fault why;
};

static void *ask(void *ctx)
{
	struct asker *a = ctx;
	struct fleet_answer got = { NULL, 0 };
	const struct redis_word words[] = { { "PING", 4 } };

	__atomic_store_n(&a->asked, true, __ATOMIC_SEQ_CST);
	a->ok = fleet_ask(of, words, 1, &got, &a->why);
	fleet_answer_fini(&got);
	__atomic_store_n(&a->ended, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool has_ended(void *ctx)
{
	struct asker *a = ctx;

	usleep(1000);
	return __atomic_load_n(&a->ended, __ATOMIC_SEQ_CST);
}

static void on_look(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l;
	(void)t;
	(void)events;
}

static void open_all(void)
{
	loop = ev_loop_new(EVFLAG_NOENV);
	of = fleet_ask_new(loop);
}

static void close_all(void)
{
	fleet_ask_free(of);
	ev_loop_destroy(loop);
}

static void without_a_fleet_who_asks_is_told_so(void)
{
	struct asker a = { .ok = true };
	struct fleet_ask_who who;
	struct fault why;
	ev_timer look;

	open_all();
	CU_ASSERT_FALSE(fleet_ask_who(NULL, &who));
	CU_ASSERT_FALSE(fleet_ask_who(of, &who));
	CU_ASSERT_FALSE(fleet_ask(NULL, NULL, 0, NULL, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "there is no fleet");
	ev_timer_init(&look, on_look, 0.01, 0.01);
	ev_timer_start(loop, &look);
	pthread_create(&a.thread, NULL, ask, &a);
	CU_ASSERT_TRUE(turns_until(loop, has_ended, &a));
	pthread_join(a.thread, NULL);
	CU_ASSERT_FALSE(a.ok);
	CU_ASSERT_STRING_EQUAL(a.why.text, "there is no fleet");
	ev_timer_stop(loop, &look);
	close_all();
}

/* The loop turns no more: whoever waits for it is let go, and who comes later does not begin to. */
static void a_server_that_stops_lets_go_who_waits(void)
{
	struct asker early = { .ok = true }, late = { .ok = true };

	open_all();
	pthread_create(&early.thread, NULL, ask, &early);
	while (!__atomic_load_n(&early.asked, __ATOMIC_SEQ_CST))
		usleep(100);
	usleep(20000);
	CU_ASSERT_FALSE(has_ended(&early));
	fleet_ask_stop(of);
	pthread_join(early.thread, NULL);
	pthread_create(&late.thread, NULL, ask, &late);
	pthread_join(late.thread, NULL);
	CU_ASSERT_FALSE(early.ok);
	CU_ASSERT_STRING_EQUAL(early.why.text, "the server stops");
	CU_ASSERT_FALSE(late.ok);
	CU_ASSERT_STRING_EQUAL(late.why.text, "the server stops");
	turns_now(loop); /* what they wanted is nobody's any more */
	close_all();
	fleet_ask_stop(NULL);
	fleet_ask_free(NULL);
}

/* Its thread gets no processor until it may, or everybody has waited long enough. */
static bool may, went_on; /* atomic */

static void on_signal(int number)
{
	(void)number;
	for (unsigned ms = 0; ms < 10000 && !__atomic_load_n(&may, __ATOMIC_SEQ_CST); ms++)
		usleep(1000);
	__atomic_store_n(&went_on, true, __ATOMIC_SEQ_CST);
}

static void begin(struct asker *a)
{
	pthread_create(&a->thread, NULL, ask, a);
	while (!__atomic_load_n(&a->asked, __ATOMIC_SEQ_CST))
		usleep(100);
	usleep(20000); /* it waits by now */
}

static void who_is_told_and_gets_no_processor_does_not_hold_the_loop(void)
{
	struct asker slow = { .ok = true }, quick = { .ok = true };
	const struct sigaction sleeps = { .sa_handler = on_signal };
	struct sigaction before;

	open_all();
	sigaction(SIGUSR2, &sleeps, &before);
	begin(&slow);
	pthread_kill(slow.thread, SIGUSR2);
	usleep(20000);
	turns_now(loop); /* tells the one */
	begin(&quick);
	turns_now(loop); /* ... and the other, while the first is not on its way yet */
	pthread_join(quick.thread, NULL);
	CU_ASSERT_FALSE(__atomic_load_n(&went_on, __ATOMIC_SEQ_CST));
	__atomic_store_n(&may, true, __ATOMIC_SEQ_CST);
	pthread_join(slow.thread, NULL);
	CU_ASSERT_STRING_EQUAL(slow.why.text, "there is no fleet");
	CU_ASSERT_STRING_EQUAL(quick.why.text, "there is no fleet");
	sigaction(SIGUSR2, &before, NULL);
	close_all();
}

static const struct unit_case cases[] = {
	{ "without a fleet who asks is told so", without_a_fleet_who_asks_is_told_so },
	{ "a server that stops lets go who waits", a_server_that_stops_lets_go_who_waits },
	{ "who is told, and gets no processor, does not hold the loop", who_is_told_and_gets_no_processor_does_not_hold_the_loop },
};

void suite_fleet_ask(void);
void suite_fleet_ask(void)
{
	unit_suite("daemon/fleet_ask", cases, UNIT_COUNT(cases));
}
