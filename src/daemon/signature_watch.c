#include "daemon/signature_watch.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "zone/rrsig_end.h"

#include <ev.h>
#include <time.h>

enum {
	LINES = 8,        /* of one look */
	LOOK_MOST_S = 60, /* a reload may have brought what ends sooner */
	DAY_S = 24 * 3600
};

struct signature_watch {
	struct ev_loop *loop;
	const struct publisher *publisher; /* borrowed; outlives it */
	ev_timer timer;
	int64_t looked_s; /* all that came near or to its end until then has been told */
	int64_t summed_s; /* when all were last told of together */
};

/* Whether it came at `s`, since the last look. What had come when the zone was read was told
 * there. */
static bool came(const struct signature_watch *w, const struct registry_zone *z, int64_t s,
	int64_t now_s)
{
	return s > w->looked_s && s <= now_s && s > z->loaded_s;
}

static void tell_one(const struct registry_signed *s, bool ended)
{
	char name[NAME_TEXT], when[MOMENT_TEXT];

	log_line(ended ? LOG_ERROR : LOG_WARNING,
		"zone %s: the first of its signatures %s at %s: %s",
		view_text(name, s->zone->origin), ended ? "has ended" : "ends",
		moment_text(when, s->end_s),
		s->zone->keys ? "it is signed here, and what keeps that from being done is told "
				"beside this"
			      : "sign it anew and reload");
}

static void tell_all(struct signature_watch *w, const struct registry *r, int64_t now_s)
{
	const struct registry_ends n = registry_ends(r, now_s);

	if (now_s - w->summed_s < DAY_S)
		return;
	w->summed_s = now_s;
	if (n.ended + n.soon)
		log_line(n.ended ? LOG_ERROR : LOG_WARNING,
			"the signatures of %zu zones have ended, those of %zu more end soon "
			"(\"waymarkctl zones\" tells which)",
			n.ended, n.soon);
}

/* Returns when something next comes near, or to its end. */
static int64_t tell(struct signature_watch *w, const struct registry *r, int64_t now_s)
{
	int64_t next_s = now_s + LOOK_MOST_S;
	unsigned told = 0;

	for (size_t i = 0; i < r->n_signeds; i++) {
		const struct registry_signed *s = &r->signeds[i];
		/* The end is the last second in which it is good. */
		const int64_t past_s = s->end_s + 1;
		const bool ended = came(w, s->zone, past_s, now_s);
		if ((ended || came(w, s->zone, s->soon_s, now_s)) && told++ < LINES)
			tell_one(s, ended);
		if (s->soon_s > now_s && s->soon_s < next_s)
			next_s = s->soon_s;
		if (past_s > now_s && past_s < next_s)
			next_s = past_s;
	}
	if (told > LINES)
		log_line(LOG_WARNING, "... and those of %u more zones", told - LINES);
	return next_s;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct signature_watch *w = t->data;
	const struct registry *r = publisher_live(w->publisher)->zones;
	const int64_t now_s = time(NULL);

	(void)events;
	const int64_t next_s = tell(w, r, now_s);
	tell_all(w, r, now_s);
	w->looked_s = now_s;
	ev_timer_stop(loop, t);
	ev_timer_set(t, (double)(next_s - now_s), 0);
	ev_timer_start(loop, t);
}

struct signature_watch *signature_watch_new(
	struct ev_loop *loop, const struct publisher *publisher)
{
	struct signature_watch *w = memory_zeroed(1, sizeof *w);

	w->loop = loop;
	w->publisher = publisher;
	w->looked_s = w->summed_s = time(NULL);
	ev_timer_init(&w->timer, on_look, 0, 0);
	w->timer.data = w;
	ev_timer_start(loop, &w->timer);
	return w;
}

void signature_watch_free(struct signature_watch *w)
{
	if (!w)
		return;
	ev_timer_stop(w->loop, &w->timer);
	memory_free(w);
}
