#include "daemon/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/privs.h"

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
	ev_timer tell; /* systemd's own watchdog, where it has one for us */
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

static void on_tell(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	privs_notify("WATCHDOG=1");
}

/* Twice in the time that it gives us (sd_watchdog_enabled(3)). 0: nobody waits. */
static double tell_every_s(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	const uint64_t us = usec ? strtoull(usec, NULL, 10) : 0;

	return us < 2 || (pid && strtoull(pid, NULL, 10) != (uint64_t)getpid()) ? 0 : (double)us / 2e6;
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
	const double every_s = tell_every_s();
	ev_timer_init(&w->tell, on_tell, every_s, every_s);
	if (every_s > 0)
		ev_timer_start(loop, &w->tell);
	return w;
}

void watchdog_free(struct watchdog *w)
{
	ev_check_stop(w->loop, &w->begins);
	ev_prepare_stop(w->loop, &w->ends);
	ev_timer_stop(w->loop, &w->tell);
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
