#include "net/udp.h"

#include "unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

struct run {
	struct udp *udp;
	struct timespec used; /* of the processor, by the thread */
};

static void *run(void *arg)
{
	struct run *r = arg;

	udp_run(r->udp);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &r->used);
	return NULL;
}

/* What is no socket gives the same error for ever. */
static void an_error_that_lasts_is_counted_and_keeps_no_processor_busy(void)
{
	struct run r;
	struct epoch epoch = { 0 };
	pthread_t thread;
	int pipes[2];

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	r.udp = udp_new(pipes[0], &epoch, NULL, NULL, 4);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, &r), 0);
	while (__atomic_load_n(&udp_stats(r.udp)->receive_failed, __ATOMIC_RELAXED) < 10)
		usleep(1000);
	udp_stop(r.udp);
	pthread_join(thread, NULL);
	/* 1 + 2 + 4 ... 64 + 100 + 100 ms: whoever spun for so long would have used all of it.
	 */
	CU_ASSERT_EQUAL(r.used.tv_sec, 0);
	CU_ASSERT_TRUE(r.used.tv_nsec < 100000000);
	/* Nobody who spins counts so few. */
	CU_ASSERT_TRUE(udp_stats(r.udp)->receive_failed < 100);
	udp_free(r.udp);
	close(pipes[1]);
}

void suite_udp(void);
void suite_udp(void)
{
	static const struct unit_case cases[] = {
		{ "an error that lasts is counted and keeps no processor busy",
			an_error_that_lasts_is_counted_and_keeps_no_processor_busy },
	};

	unit_suite("net/udp", cases, UNIT_COUNT(cases));
}
