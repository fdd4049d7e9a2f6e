#include "jobs/mailbox.h"

#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS = 4, EACH = 20000 };

struct letter {
	uint32_t from, no;
};

struct desk {
	struct ev_loop *loop;
	struct mailbox *box;
	uint32_t next[THREADS]; /* of each sender */
	uint64_t taken, wanted;
	bool in_order;
	uint64_t posted, refused; /* atomic, by the threads */
};

static void take(void *ctx, const void *item)
{
	const struct letter *l = item;
	struct desk *d = ctx;

	d->in_order = d->in_order && l->no >= d->next[l->from];
	d->next[l->from] = l->no + 1;
	d->taken++;
}

static void open_desk(struct desk *d, size_t room)
{
	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV), .in_order = true };
	d->box = mailbox_new(
		&(struct mailbox_opts){ d->loop, room, sizeof(struct letter), d, take });
}

static void close_desk(struct desk *d)
{
	mailbox_free(d->box);
	ev_loop_destroy(d->loop);
}

static bool all_taken(void *ctx)
{
	const struct desk *d = ctx;

	return d->taken >= d->wanted;
}

static bool takes(struct desk *d, uint64_t n)
{
	d->wanted = n;
	return turns_until(d->loop, all_taken, d);
}

static bool post(struct desk *d, uint32_t no)
{
	return mailbox_post(d->box, &(struct letter){ 0, no });
}

static void items_are_taken_in_the_order_in_which_they_came(void)
{
	struct desk d;
	uint32_t no = 0;

	open_desk(&d, 8);
	/* Many times around the ring. */
	for (unsigned round = 1; round <= 50; round++) {
		for (unsigned i = 0; i < 7; i++, no++)
			CU_ASSERT_TRUE(post(&d, no));
		CU_ASSERT_TRUE(takes(&d, no));
		CU_ASSERT_EQUAL(d.next[0], no);
	}
	CU_ASSERT_TRUE(d.in_order);
	CU_ASSERT_EQUAL(mailbox_lost(d.box), 0);
	close_desk(&d);
}

static void what_finds_no_room_is_told_and_counted(void)
{
	struct desk d;

	open_desk(&d, 4);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(post(&d, i));
	CU_ASSERT_FALSE(post(&d, 4));
	CU_ASSERT_FALSE(post(&d, 5));
	CU_ASSERT_EQUAL(mailbox_lost(d.box), 2);
	CU_ASSERT_TRUE(takes(&d, 4));
	CU_ASSERT_EQUAL(d.next[0], 4);
	CU_ASSERT_TRUE(post(&d, 6)); /* there is room again */
	CU_ASSERT_TRUE(takes(&d, 5));
	CU_ASSERT_EQUAL(d.next[0], 7);
	CU_ASSERT_EQUAL(mailbox_lost(d.box), 2);
	close_desk(&d);
}

static void nothing_is_taken_but_on_the_loop(void)
{
	struct desk d;

	open_desk(&d, 4);
	post(&d, 0);
	CU_ASSERT_EQUAL(d.taken, 0);
	CU_ASSERT_TRUE(takes(&d, 1));
	close_desk(&d);
}

static void a_full_box_does_not_keep_the_loop_from_others(void)
{
	struct desk d;
	unsigned turns = 0;

	open_desk(&d, 1024);
	for (uint32_t i = 0; i < 1000; i++)
		post(&d, i);
	for (; d.taken < 1000 && turns < 1000; turns++)
		ev_run(d.loop, EVRUN_ONCE);
	CU_ASSERT_EQUAL(d.taken, 1000);
	CU_ASSERT_TRUE(d.in_order);
	CU_ASSERT_TRUE(turns > 2); /* some hundreds a turn */
	close_desk(&d);
}

static void *post_many(void *ctx)
{
	static uint32_t senders; /* atomic */
	struct desk *d = ctx;
	struct letter l = { .from = __atomic_fetch_add(&senders, 1, __ATOMIC_RELAXED) %
			THREADS };

	for (; l.no < EACH; l.no++)
		if (mailbox_post(d->box, &l)) {
			__atomic_add_fetch(&d->posted, 1, __ATOMIC_RELAXED);
		} else {
			__atomic_add_fetch(&d->refused, 1, __ATOMIC_RELAXED);
			sched_yield();
		}
	return NULL;
}

static bool all_came(void *ctx)
{
	const struct desk *d = ctx;

	return d->taken + mailbox_lost(d->box) == (uint64_t)THREADS * EACH;
}

static void many_threads_post_and_each_ones_items_stay_in_order(void)
{
	pthread_t thread[THREADS];
	struct desk d;

	open_desk(&d, 64);
	for (unsigned i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, post_many, &d), 0);
	/* Until all have come, and then those that are still there: the last was refused when
	 * there was something in the ring, which wakes the loop. */
	while (d.taken < 1 || !all_came(&d)) {
		const uint64_t before = d.taken;
		ev_run(d.loop, EVRUN_ONCE);
		if (d.taken == before && all_came(&d))
			break;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_TRUE(d.in_order);
	CU_ASSERT_EQUAL(d.taken, d.posted);
	CU_ASSERT_EQUAL(mailbox_lost(d.box), d.refused);
	CU_ASSERT_EQUAL(d.posted + d.refused, (uint64_t)THREADS * EACH);
	close_desk(&d);
}

static void *post_one(void *ctx)
{
	post(ctx, 0);
	return NULL;
}

static void a_loop_that_sleeps_is_woken(void)
{
	pthread_t thread;
	struct desk d;

	open_desk(&d, 4);
	turns_now(d.loop);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, post_one, &d), 0);
	/* Nothing else would wake it. */
	CU_ASSERT_TRUE(takes(&d, 1));
	pthread_join(thread, NULL);
	close_desk(&d);
}

void suite_mailbox(void);
void suite_mailbox(void)
{
	static const struct unit_case cases[] = {
		{ "items are taken in the order in which they came",
			items_are_taken_in_the_order_in_which_they_came },
		{ "what finds no room is told and counted",
			what_finds_no_room_is_told_and_counted },
		{ "nothing is taken but on the loop", nothing_is_taken_but_on_the_loop },
		{ "a full box does not keep the loop from others",
			a_full_box_does_not_keep_the_loop_from_others },
		{ "many threads post and each one's items stay in order",
			many_threads_post_and_each_ones_items_stay_in_order },
		{ "a loop that sleeps is woken", a_loop_that_sleeps_is_woken },
	};

	unit_suite("jobs/mailbox", cases, UNIT_COUNT(cases));
}
