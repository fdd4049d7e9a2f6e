#include "world/epoch.h"

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

void epoch_publish(struct epoch *e, struct world *w)
{
	if (w)
		w->generation = ++e->generation;
	IS_PUBLISHED();
	struct world *before = rcu_xchg_pointer(&e->world, w);
	synchronize_rcu();
	ALL_HAVE_LEFT();
	world_free(before);
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
