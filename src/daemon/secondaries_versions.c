#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/secondaries_inner.h"
#include "daemon/versions.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_MOST_S 0.3

static bool build_begin(void *ctx)
{
	struct secondaries *s = ctx;

	s->waits = false;
	s->begun = clock_seconds();
	s->made.versions = s->versions;
	s->versions = NULL;
	versions_begin(&s->made.v, s->opts.publisher);
	s->made.ok = false;
	return s->made.versions != NULL;
}

static void build_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	size_t n = 0;

	(void)job;
	for (const struct version *v = s->made.versions; v; v = v->next)
		n++;
	struct registry_zone **list = memory_zeroed(n, sizeof(*list));
	n = 0;
	for (const struct version *v = s->made.versions; v; v = v->next) /* the newest first */
		list[n++] = v->entry;
	s->made.ok = versions_build(&s->made.v, list, n, &s->made.why);
	memory_free(list);
}

static void ask_build(struct secondaries *s)
{
	if (s->waits || s->builds || !s->versions || jobs_are_stopped(s->opts.jobs) ||
		ev_is_active(&s->pause))
		return;
	const double left = s->not_before - clock_seconds();
	if (left > 0) {
		ev_timer_set(&s->pause, left, 0);
		ev_timer_start(s->opts.loop, &s->pause);
		return;
	}
	s->waits = s->builds = true;
	builder_ask(s->opts.builder, &s->build);
}

static void on_pause(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	ask_build(t->data);
}

/* A world of many zones costs by their number: while they come one after the other, more of them make one. */
static double pause_after(double took_s)
{
	return took_s * 4 < PAUSE_MOST_S ? took_s * 4 : PAUSE_MOST_S;
}

static void drop_versions(struct version **list)
{
	while (*list) {
		struct version *v = *list;
		*list = v->next;
		registry_zone_drop(v->entry);
		free(v);
	}
}

static void build_end(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	s->builds = s->waits = false;
	s->publishes = true;
	if (end == JOB_DONE && s->made.ok)
		versions_serve(&s->made.v, s->opts.publisher);
	else if (end != JOB_CANCELLED)
		log_line(LOG_ERROR, "zones that were transferred are not served: %s",
			end == JOB_DONE ? s->made.why.text : "out of memory");
	s->publishes = false;
	drop_versions(&s->made.versions);
	versions_end(&s->made.v, s->opts.publisher);
	if (end == JOB_DONE)
		s->not_before = clock_seconds() + pause_after(clock_seconds() - s->begun);
	ask_build(s);
}

/* Is it signed here? */
static bool signs(const struct secondaries *s, const struct registry_zone *z)
{
	const struct parts *live = publisher_live(s->opts.publisher);
	const size_t at = registry_index(live->zones, z->origin);

	if (z->keys)
		return true;
	return at < live->zones->n &&
		parts_conf(live)->rules[zone_set_rule(live->zones->set, at)].dnssec;
}

/* What has come of a zone that is signed here waits beside what is served, until it is signed (daemon/signing). */
static void put_beside(const struct secondaries *s, const struct registry_zone *is,
	const struct zone *came, struct registry_zone *to)
{
	const bool has = zone_is_ready(is->load.zone); /* unsigned, as long as no key can be had */

	to->plain = came;
	to->keys = is->keys;
	to->keys_due = is->keys_due;
	to->plain_due = true;
	to->state = has ? REGISTRY_READY : REGISTRY_WAITS;
	to->load.zone = has ? is->load.zone : zone_placeholder(s->opts.key, is->origin);
	if (has)
		zone_hold(to->load.zone);
}

/* The entry that says what has become of a zone. NULL: it says that already. */
static struct registry_zone *entry_of(
	const struct secondaries *s, const struct refresh_news *news)
{
	const struct registry_zone *is =
		registry_find(publisher_live(s->opts.publisher)->zones, news->apex);
	const int64_t now_s = time(NULL);
	struct registry_zone to = { .origin = news->apex,
		.source = REGISTRY_PRIMARY,
		.path = "",
		.fault = news->fault };

	if (!is)
		return NULL;
	to.added = is->added;
	if (news->zone) {
		to.state = REGISTRY_READY;
		to.load.zone = news->zone;
		to.loaded_s = news->how ? now_s : is->loaded_s;
		if (signs(s, is))
			put_beside(s, is, news->zone, &to);
	} else {
		to.state = news->expired ? REGISTRY_EXPIRED : REGISTRY_EMPTY;
		if (is->state == to.state && !is->fault == !to.fault &&
			(!to.fault || strcmp(is->fault, to.fault) == 0))
			return NULL;
		to.load.zone = zone_placeholder(s->opts.key, news->apex);
		to.loaded_s = is->loaded_s;
	}
	to.since_s = is->state == to.state ? is->since_s : now_s;
	struct registry_zone *made = registry_zone_new(&to);
	if (to.plain)
		zone_drop(to.plain); /* the entry holds it */
	return made;
}

void secondaries_take(void *ctx, const struct refresh_news *news)
{
	struct secondaries *s = ctx;
	struct version *v = calloc(1, sizeof *v);
	struct registry_zone *entry = v ? entry_of(s, news) : NULL;

	if (!entry) {
		free(v);
		if (news->zone)
			zone_drop(news->zone);
		return;
	}
	v->entry = entry;
	v->next = s->versions;
	s->versions = v;
	ask_build(s);
}

void secondaries_versions_init(struct secondaries *s)
{
	s->build = (struct build){ .name = "transfer",
		.about = "new versions of zones are taken",
		.ctx = s,
		.begin = build_begin,
		.work = build_work,
		.end = build_end,
		.of_zones = true };
	ev_timer_init(&s->pause, on_pause, 0, 0);
	s->pause.data = s;
}

void secondaries_versions_fini(struct secondaries *s)
{
	ev_timer_stop(s->opts.loop, &s->pause);
	drop_versions(&s->versions);
}
