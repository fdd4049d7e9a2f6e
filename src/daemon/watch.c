#include "daemon/watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <ev.h>
#include <string.h>

#define LOOK_S  0.5
#define QUIET_S 2.0

struct watch {
	struct ev_loop *loop;
	struct daemon *daemon;
	ev_timer timer;
	struct file_stamp *seen;  /* of all files together, at the last look */
	struct file_stamp *tried; /* what was read last, whether it was good or not */
	size_t n;
	double quiet_since; /* clock_seconds() */
};

static bool same(const struct file_stamp *a, const struct file_stamp *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!file_stamp_same(&a[i], &b[i]))
			return false;
	return true;
}

static struct file_stamp *stamps(size_t n)
{
	struct file_stamp *s = memory_zeroed(n + 1, sizeof *s);

	return s;
}

/* A reload may have changed which files there are. */
static void follow_reload(struct watch *w)
{
	const struct loaded *l = &w->daemon->loaded;
	const size_t n = loaded_geo_count(l);

	if (n != w->n) {
		memory_free(w->seen);
		memory_free(w->tried);
		w->seen = stamps(n);
		w->tried = stamps(n);
		w->n = n;
		memcpy(w->seen, l->geo_stamps, n * sizeof *w->seen);
		memcpy(w->tried, l->geo_stamps, n * sizeof *w->tried);
	}
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct watch *w = t->data;
	struct fault why;

	(void)loop;
	(void)events;
	follow_reload(w);
	if (w->n == 0)
		return;
	struct file_stamp *now = stamps(w->n);
	for (size_t i = 0; i < w->n; i++)
		file_stamp(loaded_geo_path(&w->daemon->loaded, i), &now[i]);
	if (!same(now, w->seen, w->n)) {
		memcpy(w->seen, now, w->n * sizeof *now);
		w->quiet_since = clock_seconds();
	}
	const bool fresh = same(now, w->daemon->loaded.geo_stamps, w->n) ||
		same(now, w->tried, w->n);
	if (!fresh && clock_seconds() - w->quiet_since >= QUIET_S) {
		memcpy(w->tried, now, w->n * sizeof *now);
		if (daemon_refresh_geo(w->daemon, &why))
			log_line(LOG_NOTICE, "GeoIP files have changed and were read anew");
		else
			log_line(LOG_ERROR, "%s; the GeoIP data from before stays", why.text);
	}
	memory_free(now);
}

struct watch *watch_start(struct ev_loop *loop, struct daemon *d)
{
	struct watch *w = memory_zeroed(1, sizeof *w);

	w->loop = loop;
	w->daemon = d;
	ev_timer_init(&w->timer, on_look, LOOK_S, LOOK_S);
	w->timer.data = w;
	ev_timer_start(loop, &w->timer);
	return w;
}

void watch_stop(struct watch *w)
{
	ev_timer_stop(w->loop, &w->timer);
	memory_free(w->seen);
	memory_free(w->tried);
	memory_free(w);
}
