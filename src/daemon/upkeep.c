#include "daemon/upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/versions.h"
#include "daemon/zone_pools.h"
#include "xfr/refresh.h"
#include "zone/history.h"
#include "zone/zone_with.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

enum { TRIM_S = 3600, AGAIN_S = 10 };

/* A zone that is being merged, from the begin of that until it is served or given up. */
struct merging {
	bool on, lost; /* lost: the zone is not what the steps lead to */
	struct zone *of;   /* held: what is merged */
	struct zone *seen; /* held: the version that the steps lead to */
	struct zone *made; /* count 1; NULL: not yet */
	struct history_step **steps; /* [n] held */
	size_t n, room;
};

struct upkeep {
	struct upkeep_opts opts;
	unsigned lane, store_lane, check_lane;
	struct merging merging;
	double not_before; /* clock_seconds(), of the next merge, of the next storing */
	double store_not_before;
	struct build build;
	struct {
		struct versions v;
		struct zone *zone; /* borrowed from `v.zones` */
		bool ok;
	} made;
	bool stores, again; /* a job is on; there are other versions since it began */
	struct {
		struct registry *zones; /* held */
		size_t n;
		struct fault why; /* "" */
		bool failed;
	} storing;
	bool trims, trim_wanted, checks, check_failed;
	double check_not_before;
	struct store_limits limits;
	ev_timer trim;
	struct upkeep_counts counts;
};

/* --- merging ------------------------------------------------------------------------------ */

static void merging_end(struct upkeep *u)
{
	struct merging *m = &u->merging;

	zone_drop(m->of);
	zone_drop(m->seen);
	zone_drop(m->made);
	for (size_t i = 0; i < m->n; i++)
		part_drop(&m->steps[i]->part);
	free(m->steps);
	*m = (struct merging){ 0 };
}

static bool add_step(struct merging *m, const struct history_step *step)
{
	if (m->n == m->room) {
		const size_t room = m->room ? 2 * m->room : 64;
		struct history_step **steps = realloc(m->steps, room * sizeof(*steps));
		if (!steps)
			return false;
		m->steps = steps;
		m->room = room;
	}
	m->steps[m->n] = (struct history_step *)(uintptr_t)step;
	part_hold(&m->steps[m->n++]->part);
	return true;
}

/* The steps from the version that was seen last to the one that is served. */
static void see(struct upkeep *u)
{
	struct merging *m = &u->merging;
	const struct registry_zone *is =
		registry_find(publisher_live(u->opts.publisher)->zones, zone_id(m->of));
	const struct zone *z = is ? is->load.zone : NULL;

	if (z == m->seen || m->lost)
		return;
	const struct history *h = z ? z->history : NULL;
	size_t i = h ? history_find(h, m->seen->serial) : 0;
	m->lost = !h || i == h->n || z->serial == m->seen->serial;
	for (; !m->lost && i < h->n; i++)
		m->lost = !add_step(m, h->steps[i]);
	if (m->lost)
		return;
	zone_drop(m->seen);
	zone_hold(z);
	m->seen = (struct zone *)(uintptr_t)z;
}

static void merge_work(void *ctx, struct job *job)
{
	struct upkeep *u = ctx;
	struct faults f;

	(void)job;
	faults_init(&f);
	struct zone *made = zone_merge(u->merging.of, u->opts.key, &f);
	faults_fini(&f);
	u->merging.made = made;
}

static void give_up(struct upkeep *u)
{
	u->counts.lost++;
	u->not_before = clock_seconds() + AGAIN_S;
	merging_end(u);
}

static void merge_done(void *ctx, enum job_end end)
{
	struct upkeep *u = ctx;

	if (end != JOB_DONE)
		u->merging.made = NULL;
	if (!u->merging.made || u->merging.lost)
		give_up(u);
	else
		builder_ask(u->opts.builder, &u->build);
}

static void merge(struct upkeep *u, const struct registry_zone *z)
{
	struct merging *m = &u->merging;
	char name[NAME_TEXT];

	m->of = m->seen = z->load.zone;
	zone_hold(m->of);
	zone_hold(m->seen);
	m->on = jobs_start(u->opts.jobs,
			&(struct job_opts){ .lane = u->lane,
				.name = "merge",
				.about = view_text(name, z->origin),
				.ctx = u,
				.work = merge_work,
				.done = merge_done }) != NULL;
	if (!m->on)
		merging_end(u);
}

/* --- a merged zone is served -------------------------------------------------------------- */

static bool build_begin(void *ctx)
{
	struct upkeep *u = ctx;

	u->made.ok = false;
	if (u->merging.lost)
		return false;
	versions_begin(&u->made.v, u->opts.publisher);
	return true;
}

/* What was merged, with what has come since then. Count 1; NULL. */
static struct zone *make_next(struct upkeep *u)
{
	const struct merging *m = &u->merging;
	struct fault why;
	struct faults f;

	if (!m->n) {
		zone_hold(m->made);
		return m->made;
	}
	const struct change **list = memory_zeroed(m->n, sizeof(*list));
	for (size_t i = 0; i < m->n; i++)
		list[i] = m->steps[i]->change;
	struct change *all = change_join(list, m->n, &why);
	memory_free(list);
	if (!all)
		return NULL;
	faults_init(&f);
	struct zone *next = zone_with(m->made, all,
		&(struct zone_with_opts){ .compile = zone_pools_compile_opts(
			parts_conf(&u->made.v.live), u->opts.key) }, &f);
	faults_fini(&f);
	change_free(all);
	if (next)
		history_share(next, m->seen);
	return next;
}

static void build_work(void *ctx, struct job *job)
{
	struct upkeep *u = ctx;
	const struct registry_zone *is =
		registry_find(u->made.v.live.zones, zone_id(u->merging.of));
	struct fault why;

	(void)job;
	struct zone *next = make_next(u);
	if (!next)
		return;
	struct registry_zone like = { .origin = NULL };
	part_copy(&like, is, sizeof like);
	like.load = (struct load){ .zone = next };
	struct registry_zone *entry = registry_zone_new(&like);
	u->made.ok = versions_build(&u->made.v, &entry, 1, &why);
	u->made.zone = next;
	registry_zone_drop(entry);
}

static void look(struct upkeep *u);

static void build_end(void *ctx, enum job_end end)
{
	struct upkeep *u = ctx;

	if (end == JOB_DONE && u->made.ok) {
		u->counts.merges++;
		refresher_merged(u->opts.refresher, u->merging.seen, u->made.zone);
		merging_end(u);
		versions_serve(&u->made.v, u->opts.publisher);
	} else {
		give_up(u);
	}
	versions_end(&u->made.v, u->opts.publisher);
	look(u);
}

/* --- storing ------------------------------------------------------------------------------ */

/* What cannot be stored now is told once, and stays due. */
static void store_work(void *ctx, struct job *job)
{
	struct upkeep *u = ctx;
	uint8_t apex[NAME_MOST];
	enum store_result result = STORE_DONE;

	while (result == STORE_DONE && !job_is_cancelled(job) &&
		store_take_due(u->opts.store, apex)) {
		const struct registry_zone *z = registry_find(u->storing.zones, apex);
		if (!z || !zone_is_ready(z->load.zone))
			continue;
		result = store_rebase(u->opts.store, z->load.zone, &u->storing.why);
		u->storing.n += result == STORE_DONE;
		if (result != STORE_DONE)
			store_due_again(u->opts.store, apex);
	}
	u->storing.failed = result == STORE_FAILED;
}

static void store_done(void *ctx, enum job_end end)
{
	struct upkeep *u = ctx;

	u->stores = false;
	u->counts.stored += u->storing.n;
	publisher_let_go(
		u->opts.publisher, &(struct parts){ .zones = u->storing.zones });
	if (end == JOB_DONE && u->storing.failed) {
		log_line(LOG_ERROR, "%s; it is tried again", u->storing.why.text);
		u->store_not_before = clock_seconds() + AGAIN_S;
	}
	if (u->again)
		look(u);
}

static void store_some(struct upkeep *u)
{
	const struct parts *live = publisher_live(u->opts.publisher);

	u->again = u->stores;
	if (u->stores || !u->opts.store || !store_is_due(u->opts.store) ||
		clock_seconds() < u->store_not_before)
		return;
	memset(&u->storing, 0, sizeof u->storing);
	u->storing.zones = registry_hold(live->zones);
	u->stores = jobs_start(u->opts.jobs,
			    &(struct job_opts){ .lane = u->store_lane,
				    .name = "store",
				    .about = "zones that have changed",
				    .ctx = u,
				    .work = store_work,
				    .done = store_done }) != NULL;
	if (!u->stores)
		publisher_let_go(u->opts.publisher,
			&(struct parts){ .zones = u->storing.zones });
}

/* --- steps that are old ------------------------------------------------------------------- */

static void trim(struct upkeep *u);

static void trim_work(void *ctx, struct job *job)
{
	struct upkeep *u = ctx;
	struct fault why;

	(void)job;
	store_set_limits(u->opts.store, &u->limits);
	if (!store_trim(u->opts.store, &why))
		log_line(LOG_WARNING, "%s", why.text);
}

static void trim_done(void *ctx, enum job_end end)
{
	struct upkeep *u = ctx;

	(void)end;
	u->trims = false;
	if (u->trim_wanted)
		trim(u);
}

static void trim(struct upkeep *u)
{
	u->trim_wanted = u->trims;
	if (u->trims || !u->opts.store || jobs_are_stopped(u->opts.jobs))
		return;
	const struct conf *c = parts_conf(publisher_live(u->opts.publisher));
	u->limits = (struct store_limits){ c->store_history_bytes, c->store_history_ms / 1000 };
	u->trims = jobs_start(u->opts.jobs,
			   &(struct job_opts){ .lane = u->store_lane,
				   .name = "trim",
				   .about = "old steps go from the store",
				   .ctx = u,
				   .work = trim_work,
				   .done = trim_done }) != NULL;
}

static void on_trim(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	trim(t->data);
	look(t->data);
}

/* --- the store's own journal -------------------------------------------------------------- */

static void check_work(void *ctx, struct job *job)
{
	struct upkeep *u = ctx;
	struct fault why;

	(void)job;
	u->check_failed = !store_checkpoint(u->opts.store, &why);
	if (u->check_failed)
		log_line(LOG_WARNING, "%s", why.text);
}

static void check_done(void *ctx, enum job_end end)
{
	struct upkeep *u = ctx;

	u->checks = false;
	if (end != JOB_DONE || u->check_failed)
		u->check_not_before = clock_seconds() + AGAIN_S;
}

static void checkpoint(struct upkeep *u)
{
	if (u->checks || !u->opts.store || !store_wants_checkpoint(u->opts.store) ||
		clock_seconds() < u->check_not_before)
		return;
	u->checks = jobs_start(u->opts.jobs,
			    &(struct job_opts){ .lane = u->check_lane,
				    .name = "checkpoint",
				    .about = "the store's journal goes into its file",
				    .ctx = u,
				    .work = check_work,
				    .done = check_done }) != NULL;
}

/* --- the rest ----------------------------------------------------------------------------- */

static void look(struct upkeep *u)
{
	const struct registry *zones = publisher_live(u->opts.publisher)->zones;

	if (u->merging.on)
		see(u);
	else if (zones->large && clock_seconds() >= u->not_before)
		merge(u, zones->large);
	store_some(u);
	checkpoint(u);
}

static void follow(void *ctx, unsigned what)
{
	struct upkeep *u = ctx;

	if (what & (PUBLISH_CONF | PUBLISH_ZONES))
		look(u);
	if (what & PUBLISH_CONF)
		trim(u);
}

struct upkeep *upkeep_new(const struct upkeep_opts *opts)
{
	struct upkeep *u = memory_zeroed(1, sizeof *u);

	u->opts = *opts;
	u->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	u->store_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	u->check_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	u->build = (struct build){ .name = "merge",
		.about = "a zone that was merged is served",
		.ctx = u,
		.begin = build_begin,
		.work = build_work,
		.end = build_end,
		.of_zones = true };
	ev_timer_init(&u->trim, on_trim, TRIM_S, TRIM_S);
	u->trim.data = u;
	ev_timer_start(opts->loop, &u->trim);
	publisher_follow(opts->publisher, follow, u);
	follow(u, PUBLISH_CONF | PUBLISH_ZONES);
	return u;
}

void upkeep_free(struct upkeep *u)
{
	ev_timer_stop(u->opts.loop, &u->trim);
	merging_end(u);
	memory_free(u);
}

struct upkeep_counts upkeep_counts(const struct upkeep *u)
{
	return u->counts;
}
