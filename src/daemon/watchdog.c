#include "daemon/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUSPECT_US = 2000 };

struct watchdog {
	struct ev_loop *loop;
	ev_check begins;
	ev_prepare ends;
	int schedstat; /* -1: the kernel does not tell */
	uint64_t began_us, waited_ns;
	uint64_t longest_us, late;
};

/* How long this thread has waited for a processor in all. */
static uint64_t waited_ns(const struct watchdog *w)
{
	char text[96];
	const ssize_t n = w->schedstat < 0 ? -1 : pread(w->schedstat, text, sizeof text - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *second = strchr(text, ' ');
	return second ? strtoull(second + 1, NULL, 10) : 0;
}

static void on_begin(struct ev_loop *loop, ev_check *c, int events)
{
	struct watchdog *w = c->data;

	(void)loop;
	(void)events;
	w->waited_ns = waited_ns(w);
	w->began_us = clock_us();
}

static void on_end(struct ev_loop *loop, ev_prepare *p, int events)
{
	struct watchdog *w = p->data;
	uint64_t us = w->began_us ? clock_us() - w->began_us : 0;

	(void)loop;
	(void)events;
	w->began_us = 0;
	if (us < SUSPECT_US)
		return;
	const uint64_t waited_us = (waited_ns(w) - w->waited_ns) / 1000;
	us = us > waited_us ? us - waited_us : 0;
	if (us > WATCHDOG_PROMISE_US) {
		w->late++;
		if (us > w->longest_us)
			log_line(LOG_DEBUG, "a turn of the loop took %.1f ms",
				(double)us / 1e3);
	}
	if (us > w->longest_us)
		w->longest_us = us;
}

struct watchdog *watchdog_new(struct ev_loop *loop)
{
	struct watchdog *w = memory_zeroed(1, sizeof *w);

	w->loop = loop;
	w->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	ev_check_init(&w->begins, on_begin);
	ev_prepare_init(&w->ends, on_end);
	w->begins.data = w->ends.data = w;
	/* The first to begin and the last to end. */
	ev_set_priority(&w->begins, EV_MAXPRI);
	ev_set_priority(&w->ends, EV_MINPRI);
	ev_check_start(loop, &w->begins);
	ev_prepare_start(loop, &w->ends);
	return w;
}

void watchdog_free(struct watchdog *w)
{
	ev_check_stop(w->loop, &w->begins);
	ev_prepare_stop(w->loop, &w->ends);
	if (w->schedstat >= 0)
		close(w->schedstat);
	memory_free(w);
}

uint64_t watchdog_longest_us(const struct watchdog *w)
{
	return w->longest_us;
}

uint64_t watchdog_late(const struct watchdog *w)
{
	return w->late;
}
