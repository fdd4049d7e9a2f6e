#include "daemon/process_memory.h"

#include "base/log.h"
#include "base/memory.h"
#include "report/report.h"

#include <ev.h>
#include <malloc.h>
#include <stdlib.h>

enum {
	RESERVE = 2 << 20, /* bytes */
	REFILL_S = 1
};

/* libev ends the process when its tables cannot grow. Those are the loops' own, whatever
 * scope may be on. */
static void *loop_memory(void *p, long len)
{
	if (len <= 0) {
		free(p);
		return NULL;
	}
	void *q = realloc(p, (size_t)len);
	if (!q) {
		memory_release();
		q = realloc(p, (size_t)len);
	}
	if (!q)
		die("out of memory for an event loop (%ld bytes wanted)", len);
	return q;
}

static void on_refill(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	memory_refill();
	log_tell_held();
}

void process_memory(void)
{
	mallopt(M_MMAP_THRESHOLD,
		256 << 10); /* large blocks go back to the kernel when they are freed */
	memory_reserve(RESERVE);
	ev_set_allocator(loop_memory);
	report_json_memory();
}

void process_memory_refill(struct ev_loop *loop)
{
	static ev_timer refill;

	ev_timer_init(&refill, on_refill, REFILL_S, REFILL_S);
	ev_timer_start(loop, &refill);
}
