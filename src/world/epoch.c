#include "world/epoch.h"

#include <urcu-qsbr.h>

void epoch_publish(struct epoch *e, struct world *w)
{
	if (w)
		w->generation = ++e->generation;
	struct world *before = rcu_xchg_pointer(&e->world, w);
	synchronize_rcu();
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
	return rcu_dereference(e->world);
}

void epoch_exit(void)
{
	rcu_thread_offline();
}
