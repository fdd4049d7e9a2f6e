#include "unit/turns.h"

#include <ev.h>

static void on_late(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	*(bool *)t->data = true;
}

bool turns_until(struct ev_loop *loop, bool (*is)(void *ctx), void *ctx)
{
	bool late = false;
	ev_timer limit;

	ev_now_update(loop);
	ev_timer_init(&limit, on_late, TURNS_PATIENCE_S, 0);
	limit.data = &late;
	ev_timer_start(loop, &limit);
	while (!is(ctx) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &limit);
	return is(ctx);
}

void turns_now(struct ev_loop *loop)
{
	ev_run(loop, EVRUN_NOWAIT);
}
