#include "daemon/timeline.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "report/report.h"
#include "steer/forced.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WAITING_MOST =
		2000, /* for the store; what comes when there are as many is in memory alone */
	EVERY_S = 1,
	TEXTS = 7
};

/* Its texts lie behind it, each with its NUL. */
struct event {
	int64_t at_ms;
	const char *text[TEXTS]; /* what edge pool who was is why */
};

/* What a job puts into the store. */
struct batch {
	struct timeline *owner;
	struct store *store;            /* borrowed: it outlives all jobs */
	struct event *of[WAITING_MOST]; /* own copies */
	size_t n;
	struct fault why;
};

struct timeline {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct store *store; /* NULL: there is none */
	unsigned lane;
	struct event *ring[TIMELINE_MOST];
	uint64_t n; /* that there were: the next goes to n % TIMELINE_MOST */
	struct batch *waiting, *running; /* or NULL */
	bool failed;
	ev_timer timer;
};

static struct event *new_event(const struct store_event *e)
{
	const char *of[TEXTS] = { e->what, e->edge, e->pool, e->who, e->was, e->is, e->why };
	size_t len = 0;

	for (unsigned i = 0; i < TEXTS; i++)
		len += (of[i] ? strlen(of[i]) : 0) + 1;
	struct event *to = memory_zeroed(1, sizeof *to + len);
	char *at = (char *)(to + 1);
	to->at_ms = e->at_ms;
	for (unsigned i = 0; i < TEXTS; i++) {
		to->text[i] = at;
		at = stpcpy(at, of[i] ? of[i] : "") + 1;
	}
	return to;
}

static struct store_event as_stored(const struct event *e)
{
	return (struct store_event){ e->at_ms, e->text[0], e->text[1], e->text[2], e->text[3],
		e->text[4], e->text[5], e->text[6] };
}

static void keep(struct timeline *h, struct event *e)
{
	struct event **at = &h->ring[h->n++ % TIMELINE_MOST];

	memory_free(*at);
	*at = e;
}

/* --- the store ---------------------------------------------------------------------------- */

static bool write_batch(struct batch *b)
{
	struct store_event *list = calloc(b->n, sizeof *list);
	bool ok = list || fault(&b->why, "out of memory");

	for (size_t i = 0; ok && i < b->n; i++)
		list[i] = as_stored(b->of[i]);
	ok = ok && store_add_events(b->store, list, b->n, TIMELINE_MOST, &b->why);
	free(list);
	return ok;
}

static void free_batch(struct batch *b)
{
	for (size_t i = 0; b && i < b->n; i++)
		memory_free(b->of[i]);
	memory_free(b);
}

static void work(void *ctx, struct job *job)
{
	(void)job;
	write_batch(ctx);
}

static void wait_for_more(struct timeline *h, double s)
{
	if (ev_is_active(&h->timer) && s > 0)
		return;
	ev_timer_stop(h->loop, &h->timer);
	ev_timer_set(&h->timer, s, 0);
	ev_timer_start(h->loop, &h->timer);
}

/* What was not begun goes before what has come since, and is stored with it: by the next job, or by timeline_free(). */
static void wait_on(struct timeline *h, struct batch *b)
{
	for (size_t i = 0; h->waiting && i < h->waiting->n; i++) {
		if (b->n < WAITING_MOST)
			b->of[b->n++] = h->waiting->of[i];
		else
			memory_free(h->waiting->of[i]);
	}
	memory_free(h->waiting);
	h->waiting = b;
	wait_for_more(h, EVERY_S);
}

static void done(void *ctx, enum job_end end)
{
	struct batch *b = ctx;
	struct timeline *h = b->owner;

	h->running = NULL;
	if (end == JOB_CANCELLED) {
		wait_on(h, b);
		return;
	}
	const bool failed = *b->why.text || end != JOB_DONE;

	if (failed && !h->failed)
		log_line(LOG_WARNING, "history: the store does not take it: %s",
			*b->why.text ? b->why.text : "out of memory");
	h->failed = failed;
	free_batch(b);
	if (h->waiting)
		wait_for_more(h, EVERY_S);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct timeline *h = t->data;

	(void)loop;
	(void)events;
	if (h->running || !h->waiting)
		return;
	if (!jobs_start(h->jobs,
		    &(struct job_opts){ .lane = h->lane,
			    .name = "history",
			    .ctx = h->waiting,
			    .work = work,
			    .done = done })) {
		wait_for_more(h, EVERY_S);
		return;
	}
	h->running = h->waiting;
	h->waiting = NULL;
}

void timeline_add(struct timeline *h, const struct store_event *e)
{
	struct store_event now = *e;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (!now.at_ms)
		now.at_ms = t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
	keep(h, new_event(&now));
	if (!h->store)
		return;
	if (!h->waiting) {
		h->waiting = memory_zeroed(1, sizeof *h->waiting);
		h->waiting->owner = h;
		h->waiting->store = h->store;
	}
	if (h->waiting->n < WAITING_MOST)
		h->waiting->of[h->waiting->n++] = new_event(&now);
	/* Of probes there may be many; what a person did is written at once. */
	wait_for_more(h,
		strcmp(now.what, "probe") == 0 || strcmp(now.what, "pool") == 0 ? EVERY_S : 0);
}

static void recall(void *ctx, const struct store_event *e)
{
	keep(ctx, new_event(e));
}

struct timeline *timeline_new(
	struct ev_loop *loop, struct jobs *jobs, struct store *store, struct faults *f)
{
	struct timeline *h = memory_zeroed(1, sizeof *h);
	struct fault why;

	h->loop = loop;
	h->jobs = jobs;
	h->store = store;
	h->lane = jobs_lane(jobs, 1, JOBS_PROMPT);
	ev_timer_init(&h->timer, on_timer, 0, 0);
	h->timer.data = h;
	if (store && !store_each_event(store, recall, h, &why))
		faults_warning(f, &(struct fault_at){ .path = store_path(store) },
			"%s; starting without the history", why.text);
	return h;
}

void timeline_free(struct timeline *h)
{
	ev_timer_stop(h->loop, &h->timer);
	if (h->waiting && !write_batch(h->waiting))
		log_line(LOG_WARNING, "history: %s", h->waiting->why.text);
	free_batch(h->waiting);
	for (size_t i = 0; i < TIMELINE_MOST; i++)
		memory_free(h->ring[i]);
	memory_free(h);
}

/* --- showing ------------------------------------------------------------------------------ */

/* "ams1" is about ams1 and about "ams*"; "ams*" is about ams1, too. */
static bool is_of(const char *about, const char *words)
{
	return *words && (forced_matches(words, about) || forced_matches(about, words));
}

static bool is_meant(const struct timeline_ask *ask, const struct event *e)
{
	if (ask->until_ms && e->at_ms >= ask->until_ms)
		return false;
	return !ask->about || is_of(ask->about, e->text[1]) || is_of(ask->about, e->text[2]);
}

static json_t *event_json(const struct event *e)
{
	static const char *const key[TEXTS] = { "what", "edge", "pool", "who", "was", "is",
		"why" };
	char when[MOMENT_TEXT];
	json_t *o = json_pack("{s:s, s:I}", "time", moment_text(when, e->at_ms / 1000), "at_ms",
		(json_int_t)e->at_ms);

	for (unsigned i = 0; i < TEXTS; i++)
		json_object_set_new(o, key[i], json_string(e->text[i]));
	return o;
}

static void event_text(const struct event *e, struct text *out)
{
	char when[MOMENT_TEXT];
	const char *edge = e->text[1], *pool = e->text[2];

	text_addf(out, "%s  %-8s  ", moment_text(when, e->at_ms / 1000), e->text[0]);
	if (*edge)
		text_addf(out, "%s%s", edge, *pool ? " in " : "");
	if (*pool)
		text_addf(out, "pool %s", pool);
	text_addf(out, ": %s%s%s", e->text[4], *e->text[4] ? " -> " : "", e->text[5]);
	if (*e->text[3])
		text_addf(out, " by %s", e->text[3]);
	if (*e->text[6])
		text_addf(out, " (%s)", e->text[6]);
	text_add_char(out, '\n');
}

void timeline_show(const struct timeline *h, const struct timeline_ask *ask, struct text *out)
{
	const struct event *shown[TIMELINE_SHOW_MOST];
	const uint64_t first = h->n > TIMELINE_MOST ? h->n - TIMELINE_MOST : 0;
	json_t *list = ask->json ? json_array() : NULL;
	unsigned n = 0;

	for (uint64_t i = h->n; i > first && n < ask->last && n < TIMELINE_SHOW_MOST; i--)
		if (is_meant(ask, h->ring[(i - 1) % TIMELINE_MOST]))
			shown[n++] = h->ring[(i - 1) % TIMELINE_MOST];
	if (!list && !n && ask->about && ask->exists)
		text_addf(out, "nothing has become of \"%s\"%s\n", ask->about, ask->until_ms ? " until then" : "");
	else if (!list && !n && ask->about)
		text_addf(out, "nothing is known of \"%s\" (\"waymarkctl edges\" and \"pools\" list what there is)\n", ask->about);
	else if (!list && !n)
		text_add(out, "nothing has become of edges and pools\n");
	while (n--)
		if (list)
			json_array_append_new(list, event_json(shown[n]));
		else
			event_text(shown[n], out);
	if (list)
		report_json(list, out);
}
