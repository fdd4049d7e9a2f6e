#include "base/crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

enum { POLITE = 10 };

struct crew {
	crew_work *work;
	void *ctx;
	size_t n;
	bool politely;
	size_t next; /* atomic: the piece to be begun next, `n` or more when there is none */
};

static void work_on(struct crew *c)
{
	size_t i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->n)
		if (!c->work(c->ctx, i))
			__atomic_store_n(&c->next, c->n, __ATOMIC_RELAXED);
}

static void *hand(void *arg)
{
	struct crew *c = arg;

	if (c->politely)
		setpriority(PRIO_PROCESS, 0, POLITE); /* Linux: of this thread alone */
	work_on(c);
	return NULL;
}

static size_t hands(size_t n)
{
	cpu_set_t set;
	size_t processors = 1;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		processors = (size_t)CPU_COUNT(&set);
	if (processors > CREW_MOST)
		processors = CREW_MOST;
	return processors < n ? processors : n;
}

void crew_run(size_t n, bool politely, crew_work *work, void *ctx)
{
	struct crew c = { .work = work, .ctx = ctx, .n = n, .politely = politely };
	const size_t wanted = hands(n);
	pthread_t id[CREW_MOST];
	size_t have = 0;
	sigset_t all, before;

	/* Signals are the caller's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (have + 1 < wanted && pthread_create(&id[have], NULL, hand, &c) == 0)
		have++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work_on(&c); /* whoever comes: all gets done */
	while (have)
		pthread_join(id[--have], NULL);
}
