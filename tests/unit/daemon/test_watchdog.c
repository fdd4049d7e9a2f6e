#include "daemon/watchdog.h"

#include "base/clock.h"
#include "unit/unit.h"

#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct desk {
	struct ev_loop *loop;
	struct watchdog *dog;
	ev_timer timer;
	void (*turn)(struct desk *d);
	unsigned late_by_ms;
	uint64_t wall_us, waited_us; /* what a turn took */
};

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct desk *d = t->data;

	(void)loop;
	(void)events;
	if (d->turn)
		d->turn(d);
}

static void open_desk(struct desk *d, void (*turn)(struct desk *d))
{
	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV), .turn = turn };
	d->dog = watchdog_new(d->loop);
	ev_timer_init(&d->timer, on_timer, 0, 0);
	d->timer.data = d;
}

static void close_desk(struct desk *d)
{
	ev_timer_stop(d->loop, &d->timer);
	watchdog_free(d->dog);
	ev_loop_destroy(d->loop);
}

/* One turn, after so long a sleep; and the beginning of the next, which ends it. */
static void turn_after(struct desk *d, double s)
{
	ev_now_update(d->loop);
	ev_timer_set(&d->timer, s, 0);
	ev_timer_start(d->loop, &d->timer);
	ev_run(d->loop, EVRUN_ONCE);
	ev_run(d->loop, EVRUN_NOWAIT);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

static void sleep_long(struct desk *d)
{
	sleep_ms(d->late_by_ms);
}

static void a_turn_over_the_promise_is_counted_and_the_longest_kept(void)
{
	struct desk d;

	open_desk(&d, sleep_long);
	CU_ASSERT_EQUAL(watchdog_late(d.dog), 0);
	CU_ASSERT_EQUAL(watchdog_longest_us(d.dog), 0);
	d.late_by_ms = WATCHDOG_PROMISE_US / 1000 + 15;
	turn_after(&d, 0);
	CU_ASSERT_EQUAL(watchdog_late(d.dog), 1);
	const uint64_t longest = watchdog_longest_us(d.dog);
	/* It slept at least so long; what it waited for a processor is taken off. */
	CU_ASSERT_TRUE(longest >= WATCHDOG_PROMISE_US + 14000);
	d.late_by_ms = WATCHDOG_PROMISE_US / 1000 + 2;
	turn_after(&d, 0);
	CU_ASSERT_EQUAL(watchdog_late(d.dog), 2);
	CU_ASSERT_TRUE(watchdog_longest_us(d.dog) >= longest);
	close_desk(&d);
}

static void the_sleep_between_turns_is_none(void)
{
	struct desk d;

	open_desk(&d, NULL);
	/* What a crowded machine adds is not a sleep as long. */
	turn_after(&d, 0.2);
	CU_ASSERT_TRUE(watchdog_longest_us(d.dog) < 200000);
	close_desk(&d);
}

/* --- waiting for a processor -------------------------------------------------------------- */

/* How long this thread has waited for a processor; 0 where the kernel does not tell. */
static uint64_t waited_ns(void)
{
	char text[96] = "";
	const int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return 0;
	close(fd);
	return strtoull(strchr(text, ' ') + 1, NULL, 10);
}

/* Until it has waited for twice as long as is promised. */
static void be_kept_waiting(struct desk *d)
{
	const uint64_t from = clock_us(), waited = waited_ns();

	do
		d->waited_us = (waited_ns() - waited) / 1000;
	while (waited && d->waited_us < 2 * WATCHDOG_PROMISE_US);
	d->wall_us = clock_us() - from;
}

static bool crowd_over; /* atomic */

static void *crowd(void *ctx)
{
	(void)ctx;
	while (!__atomic_load_n(&crowd_over, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* All on one processor, where this thread has the last place. */
static void *wait_in_a_crowd(void *ctx)
{
	struct desk *d = ctx;
	cpu_set_t one, all;
	pthread_t others;

	sched_getaffinity(0, sizeof all, &all);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof one, &one);
	open_desk(d, be_kept_waiting);
	__atomic_store_n(&crowd_over, false, __ATOMIC_RELAXED);
	if (pthread_create(&others, NULL, crowd, NULL) != 0)
		abort();
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	turn_after(d, 0);
	__atomic_store_n(&crowd_over, true, __ATOMIC_RELAXED);
	pthread_join(others, NULL);
	return NULL;
}

static void what_a_turn_waits_for_a_processor_is_taken_off(void)
{
	pthread_t thread;
	struct desk d;

	if (pthread_create(&thread, NULL, wait_in_a_crowd, &d) != 0)
		abort();
	pthread_join(thread, NULL);
	/* Of a kernel that does not tell what a thread has waited nothing is taken off. */
	CU_ASSERT_TRUE(watchdog_longest_us(d.dog) + d.waited_us / 2 <= d.wall_us);
	close_desk(&d);
}

void suite_watchdog(void);
void suite_watchdog(void)
{
	static const struct unit_case cases[] = {
		{ "a turn over the promise is counted and the longest kept",
			a_turn_over_the_promise_is_counted_and_the_longest_kept },
		{ "the sleep between turns is none", the_sleep_between_turns_is_none },
		{ "what a turn waits for a processor is taken off",
			what_a_turn_waits_for_a_processor_is_taken_off },
	};

	unit_suite("daemon/watchdog", cases, UNIT_COUNT(cases));
}
