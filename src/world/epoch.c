#include "world/epoch.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <urcu-qsbr.h>

/* liburcu orders what it orders by barriers and futexes of its own, which the thread sanitizer
 * does not see: tell it. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
static char published, left;
#define IS_PUBLISHED()   __tsan_release(&published)
#define SEES_PUBLISHED() __tsan_acquire(&published)
#define HAS_LEFT()       __tsan_release(&left)
#define ALL_HAVE_LEFT()  __tsan_acquire(&left)
#else
#define IS_PUBLISHED()   ((void)0)
#define SEES_PUBLISHED() ((void)0)
#define HAS_LEFT()       ((void)0)
#define ALL_HAVE_LEFT()  ((void)0)
#endif

/* Worlds that are served no more, until no worker can hold one. */
struct epoch_reclaimer {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	struct world *retired; /* by their `retired` */
	bool over;
};

static void drop_all(struct world *w)
{
	while (w) {
		struct world *next = w->retired;
		world_drop(w);
		w = next;
	}
}

static void *reclaim(void *arg)
{
	struct epoch_reclaimer *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct world *list = r->retired;
		r->retired = NULL;
		if (!list && r->over)
			break;
		if (!list) {
			pthread_cond_wait(&r->news, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		synchronize_rcu();
		ALL_HAVE_LEFT();
		drop_all(list);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

bool epoch_open(struct epoch *e, struct fault *why)
{
	struct epoch_reclaimer *r = memory_zeroed(1, sizeof *r);
	sigset_t all, before;

	*e = (struct epoch){ .reclaimer = r };
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->news, NULL);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int failed = pthread_create(&r->thread, NULL, reclaim, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		return true;
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->news);
	memory_free(r);
	e->reclaimer = NULL; /* there is nothing to close */
	return fault(why, "no thread to let go of old data: %s", strerror(failed));
}

void epoch_close(struct epoch *e)
{
	struct epoch_reclaimer *r = e->reclaimer;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->over = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->news);
	memory_free(r);
	world_drop(rcu_xchg_pointer(&e->world, NULL));
	e->reclaimer = NULL;
}

void epoch_publish(struct epoch *e, struct world *w)
{
	struct epoch_reclaimer *r = e->reclaimer;

	w->generation = ++e->generation;
	IS_PUBLISHED();
	struct world *before = rcu_xchg_pointer(&e->world, w);
	if (!before)
		return;
	pthread_mutex_lock(&r->lock);
	before->retired = r->retired;
	r->retired = before;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
}

const struct world *epoch_current(const struct epoch *e)
{
	return e->world;
}

void epoch_join(void)
{
	rcu_register_thread();
	rcu_thread_offline();
}

void epoch_leave(void)
{
	rcu_unregister_thread();
}

const struct world *epoch_enter(const struct epoch *e)
{
	rcu_thread_online();
	const struct world *w = rcu_dereference(e->world);
	SEES_PUBLISHED();
	return w;
}

void epoch_exit(void)
{
	HAS_LEFT();
	rcu_thread_offline();
}
