#include "daemon/catalog_making.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/versions.h"
#include "daemon/zone_pools.h"
#include "xfr/update.h"
#include "zone/catalog.h"
#include "zone/history.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double pause_s = 0.5, failed_pause_s = 5; /* from one version to the next */

struct catalog_making {
	struct catalog_making_opts opts;
	struct build build;
	bool builds;
	ev_timer timer;
	/* What the last lists were made of. */
	struct part *conf; /* held */
	uint64_t names;
	struct {
		struct versions v;
		struct registry_zone **entries; /* [n] held: those that are another than before */
		size_t n;
		bool failed;
		struct fault why;
	} made;
};

/* --- what is to be listed ----------------------------------------------------------------- */

struct rows {
	struct catalog_row *list; /* in the order of the registry */
	size_t n, room;
};

/* The number of a template, and one more. */
static unsigned number_of(const struct conf *c, const char *template)
{
	return (unsigned)conf_template(c, template) - c->first_template + 1;
}

static bool lists(const struct conf *c, const struct conf_catalog *of, unsigned template)
{
	for (size_t i = 0; template && i < of->n_produced; i++)
		if (number_of(c, of->produced[i]) == template)
			return true;
	return false;
}

static const char *listed_group(
	const struct conf *c, const struct conf_catalog *of, unsigned template)
{
	for (size_t i = 0; i < of->n_groups; i++)
		if (number_of(c, of->groups[i].template) == template)
			return of->groups[i].group;
	return NULL;
}

static struct rows rows_of(const struct parts *live, const struct conf_zone *z)
{
	const struct conf *c = parts_conf(live);
	struct rows to = { .n = 0 };

	for (size_t i = 0; i < live->zones->n; i++) {
		const unsigned template =
			c->rules[zone_set_rule(live->zones->set, i)].template;
		const uint8_t *apex = view_apex(live->zones->zones[i]->origin);
		/* Views of one apex stand together, and are one member: which of them a secondary gets is not the catalog's
		 * to say. */
		if (!lists(c, z->catalog, template) || (to.n && name_equal(to.list[to.n - 1].apex, apex)))
			continue;
		if (to.n == to.room) {
			to.room = to.room ? 2 * to.room : 64;
			to.list = memory_grow(to.list, to.room * sizeof *to.list);
		}
		to.list[to.n++] = (struct catalog_row){ apex, listed_group(c, z->catalog, template) };
	}
	return to;
}

static bool same_row(const struct catalog_row *row, const struct catalog_member *m)
{
	uint8_t label[1 + CATALOG_LABEL];

	catalog_label(row->apex, label);
	return name_equal(row->apex, m->apex) && memcmp(label, m->label, sizeof label) == 0 &&
		m->n_groups == (row->group != NULL) &&
		(!row->group || strcmp(row->group, m->groups[0]) == 0);
}

/* Does the zone list them already? Both are in the order of the registry. */
static bool lists_them(const struct zone *z, const struct rows *rows)
{
	struct arena mem;
	struct catalog c;
	struct fault why;

	if (!zone_is_ready(z))
		return false;
	arena_init(&mem);
	bool same = catalog_read(z, SIZE_MAX, &mem, &c, &why) && c.n == rows->n;
	for (size_t i = 0; same && i < c.n; i++)
		same = same_row(&rows->list[i], &c.members[i]);
	arena_fini(&mem);
	return same;
}

/* --- another version ---------------------------------------------------------------------- */

static bool keep(struct catalog_making *m, const struct zone *was, struct zone *is)
{
	struct fault *why = &m->made.why;
	struct change *c = zone_is_ready(was) ? change_between(was, is, why) : NULL;
	const enum store_result result = c
		? store_add(m->opts.store, &(struct store_step){ .change = c }, 1, why)
		: STORE_APART;
	const bool ok = result == STORE_DONE ||
		(result == STORE_APART &&
			store_put(m->opts.store, is, &(struct store_timers){ 0 }, why));

	if (c && ok)
		history_give(is, was, c);
	else if (c)
		change_free(c);
	return ok;
}

static struct zone *make_version(struct catalog_making *m, const struct conf_zone *at,
	const struct zone *was, const struct rows *rows)
{
	const struct conf *c = parts_conf(&m->made.v.live);
	const struct compile_opts opts = zone_pools_compile_opts(c, m->opts.key);
	const uint32_t serial = update_serial(zone_is_ready(was) ? was->serial : 0,
		c->rules[at->rule].access.serial, time(NULL));
	struct faults f;

	faults_init(&f);
	struct zone *z = catalog_make(at->name, serial, rows->list, rows->n, &opts, &f);
	if (!z)
		fault(&m->made.why, "%s", text_get(&f.text));
	faults_fini(&f);
	if (z && keep(m, was, z))
		return z;
	if (z)
		zone_drop(z);
	m->made.failed = true;
	return NULL;
}

static void make_one(struct catalog_making *m, const struct conf_zone *at)
{
	const struct registry_zone *is = registry_find(m->made.v.live.zones, at->name);
	const int64_t now_s = time(NULL);

	/* One that cannot be read from the store is not begun anew, with a serial that goes back. */
	if (!is || is->source != REGISTRY_MADE)
		return;
	struct rows rows = rows_of(&m->made.v.live, at);
	struct zone *z = lists_them(is->load.zone, &rows)
		? NULL
		: make_version(m, at, is->load.zone, &rows);
	memory_free(rows.list);
	if (!z)
		return;
	m->made.entries[m->made.n++] = registry_zone_new(&(struct registry_zone){
		.origin = is->origin,
		.source = REGISTRY_MADE,
		.path = "",
		.load = { .zone = z },
		.state = REGISTRY_READY,
		.since_s = is->state == REGISTRY_READY ? is->since_s : now_s,
		.loaded_s = now_s });
}

static void work(void *ctx, struct job *job)
{
	struct catalog_making *m = ctx;
	const struct conf_catalogs *all = &parts_conf(&m->made.v.live)->produced;

	(void)job;
	m->made.entries = memory_zeroed(all->n, sizeof(*m->made.entries));
	for (size_t i = 0; i < all->n; i++)
		make_one(m, all->of[i]);
	m->made.failed = m->made.n && !versions_build(&m->made.v, m->made.entries, m->made.n, &m->made.why);
}

/* --- the loop ----------------------------------------------------------------------------- */

static bool begin(void *ctx)
{
	struct catalog_making *m = ctx;
	const struct parts *live = publisher_live(m->opts.publisher);

	memset(&m->made, 0, sizeof m->made);
	versions_begin(&m->made.v, m->opts.publisher);
	part_hold(live->conf);
	part_drop(m->conf);
	m->conf = live->conf;
	m->names = live->zones->names;
	return true;
}

static void look(struct catalog_making *m);

static void let_go(struct catalog_making *m, bool whole)
{
	for (size_t i = 0; whole && i < m->made.n; i++)
		registry_zone_drop(m->made.entries[i]);
	if (whole)
		memory_free(m->made.entries);
	versions_end(&m->made.v, m->opts.publisher);
}

static void end(void *ctx, enum job_end end)
{
	struct catalog_making *m = ctx;
	const bool failed = end == JOB_NO_MEMORY || (end == JOB_DONE && m->made.failed);

	if (end == JOB_DONE)
		versions_serve(&m->made.v, m->opts.publisher);
	if (failed)
		log_line(LOG_ERROR, "catalogs: one that is made here stays as it was, and is tried "
				    "again: %s",
			end == JOB_DONE ? m->made.why.text : "out of memory");
	let_go(m, end == JOB_DONE);
	m->builds = false;
	if (jobs_are_stopped(m->opts.jobs))
		return;
	if (failed) {
		part_drop(m->conf);
		m->conf = NULL;
	}
	ev_timer_set(&m->timer, failed ? failed_pause_s : pause_s, 0);
	ev_timer_start(m->opts.loop, &m->timer);
}

static void look(struct catalog_making *m)
{
	const struct parts *live = publisher_live(m->opts.publisher);

	if (m->builds || ev_is_active(&m->timer) || !m->opts.store ||
		jobs_are_stopped(m->opts.jobs) ||
		(live->conf == m->conf && live->zones->names == m->names) ||
		!parts_conf(live)->produced.n)
		return;
	m->builds = true;
	builder_ask(m->opts.builder, &m->build);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	look(t->data);
}

static void follow(void *ctx, unsigned what)
{
	if (what & (PUBLISH_CONF | PUBLISH_ZONES))
		look(ctx);
}

struct catalog_making *catalog_making_new(const struct catalog_making_opts *opts)
{
	struct catalog_making *m = memory_zeroed(1, sizeof *m);

	m->opts = *opts;
	m->build = (struct build){ .name = "catalog",
		.about = "a list of zones is made",
		.ctx = m,
		.begin = begin,
		.work = work,
		.end = end };
	ev_timer_init(&m->timer, on_timer, pause_s, 0);
	m->timer.data = m;
	publisher_follow(opts->publisher, follow, m);
	look(m);
	return m;
}

void catalog_making_free(struct catalog_making *m)
{
	ev_timer_stop(m->opts.loop, &m->timer);
	part_drop(m->conf);
	memory_free(m);
}
