#include "base/crew.h"

#include "base/polite.h"
#include "base/scope.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

/* What one thread does, and what it has taken. */
struct hand {
	struct crew *crew;
	struct scope_kept kept;
};

struct crew {
	crew_work *work;
	void *ctx;
	size_t n;
	bool politely;
	size_t next; /* atomic: the piece to be begun next, `n` or more when there is none */
	bool scoped; /* the caller is in a scope */
	bool failed; /* atomic: memory has ended */
	struct hand hands[CREW_MOST]; /* the caller is the first */
};

static void take_pieces(void *ctx)
{
	struct crew *c = ctx;
	size_t i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->n)
		if (!c->work(c->ctx, i))
			__atomic_store_n(&c->next, c->n, __ATOMIC_RELAXED);
}

static void work_on(struct hand *h)
{
	struct crew *c = h->crew;

	if (!c->scoped) {
		take_pieces(c);
	} else if (!scope_run_apart(take_pieces, c, &h->kept)) {
		__atomic_store_n(&c->failed, true, __ATOMIC_RELAXED);
		__atomic_store_n(&c->next, c->n, __ATOMIC_RELAXED);
	}
}

static void *lend_a_hand(void *arg)
{
	struct hand *h = arg;

	if (h->crew->politely)
		polite_begin();
	work_on(h);
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
	struct crew c = {
		.work = work, .ctx = ctx, .n = n, .politely = politely, .scoped = scope_is_on()
	};
	const size_t wanted = hands(n);
	pthread_t id[CREW_MOST];
	struct scope_kept kept[CREW_MOST];
	size_t have = 1;
	sigset_t all, before;

	/* Signals are the caller's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < CREW_MOST; i++)
		c.hands[i].crew = &c;
	while (have < wanted &&
		pthread_create(&id[have], NULL, lend_a_hand, &c.hands[have]) == 0)
		have++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work_on(&c.hands[0]); /* whoever comes: all gets done */
	for (size_t i = 1; i < have; i++)
		pthread_join(id[i], NULL);
	for (size_t i = 0; c.scoped && i < have; i++)
		kept[i] = c.hands[i].kept;
	if (c.scoped)
		scope_take(kept, have);
	if (c.failed)
		scope_fail();
}
