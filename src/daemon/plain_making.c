#include "daemon/plain_making.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/plain_asking.h"
#include "daemon/zone_pools.h"
#include "dns/rrtype.h"
#include "world/edge_own.h"
#include "world/world.h"
#include "zone/history.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double pause_s = 0.5, failed_pause_s = 5;

/* Zones that had such versions before the start: their serials may be ahead of the zones'. */
struct past {
	uint8_t (*list)[NAME_MOST]; /* ascending */
	size_t n, room;
};

struct plain_making {
	struct plain_making_opts opts;
	unsigned lane;
	ev_timer timer; /* until the next may begin */
	bool runs, again;
	struct past past; /* read by the first job that does not fail */
	bool has_past;
	struct world *seen;  /* held: what the last job looked at */
	struct {
		struct parts live; /* conf, zones and plain, held */
		struct world *world;
		struct plain_zones *made; /* NULL: nothing is another than before */
		struct past past;
		bool reads, was_read;
		bool failed;
		struct fault why;
	} job;
};

/* One zone at work. */
struct making {
	struct plain_making *m;
	struct zone *of;
	const struct keyset *keys; /* what signs it here; NULL */
	const struct plain_zone *before; /* NULL */
	struct plain_zone *to; /* NULL: all is as before, so far */
	const struct plain_edge *edges; /* [n] */
	size_t n;
	struct plain_answer *answers; /* [n] */
	struct plain_asking asking;
	bool waits; /* a pool does not know yet what it may answer */
};

/* --- what pools answer whom nobody knows -------------------------------------------------- */

static uint32_t ttl_of(const struct pool *p, const struct choose_own *own, uint32_t ttl_s)
{
	const uint32_t most_s = own->has_ttl ? own->ttl_most_s : p->ttl_most_s;

	return ttl_s > most_s ? most_s : ttl_s;
}

static void answer_edge(struct making *k, const struct world *w, size_t i)
{
	const struct plain_edge *e = &k->edges[i];
	const int pool = steer_pool(w->steer, e->pool);
	struct default_ask ask = { .steer = w->steer, .standing = w->standing, .name = e->owner,
		.name_len = (unsigned)name_len(e->owner) };

	if (pool < 0) /* a reload is about to bring both */
		k->waits = true;
	if (k->waits)
		return;
	ask.pool = (uint16_t)pool;
	ask.own = edge_own(w->steer, ask.pool, e->rdata, e->rdlen);
	k->waits = !ask.own.one && default_choice_waits(&ask);
	if (k->waits)
		return;
	k->answers[i].ttl_s = ttl_of(&w->steer->pools[pool], &ask.own, e->ttl_s);
	plain_asking_mix(&k->asking, e->owner, ask.name_len);
	plain_asking_mix(&k->asking, &k->answers[i].ttl_s, sizeof k->answers[i].ttl_s);
	plain_asking_answer(&k->asking, &ask, e, &k->answers[i]);
}

/* --- serials ------------------------------------------------------------------------------ */

/* Of what it is about to be: `same` where that is what it was. False: the store cannot tell. */
static bool find_serial(struct making *k, uint32_t *serial, bool *same)
{
	struct plain_making *m = k->m;
	struct store_plain last;
	struct fault why;

	*same = false;
	*serial = k->of->serial;
	if (k->before && k->before->zone) {
		last = (struct store_plain){ .serial = k->before->zone->serial,
			.digest = k->before->digest };
	} else if (!store_get_plain(m->opts.store, zone_id(k->of), &last, &why)) {
		if (*why.text)
			m->job.why = why;
		return !*why.text;
	}
	*same = last.digest == k->asking.digest;
	*serial = *same ? last.serial : plain_zones_serial(k->of->serial, last.serial);
	return true;
}

/* --- one zone ----------------------------------------------------------------------------- */

static bool is_signed(const struct zone *z)
{
	return z->denial || z->signatures_end_s;
}

static void tell_signed(const struct making *k)
{
	char name[NAME_TEXT];

	if (!k->before || k->before->zone)
		log_line(LOG_WARNING,
			"zone %s is signed: peers with \"edge-as: addresses\" get it with its EDGE "
			"records, and answer with no addresses there",
			view_text(name, zone_id(k->of)));
}

/* IXFR goes from version to version. */
static void give_history(const struct making *k)
{
	const struct zone *was = k->before ? k->before->zone : NULL;
	struct fault why;

	if (!was)
		return;
	if (was->serial == k->to->zone->serial) {
		history_share(k->to->zone, was);
		return;
	}
	struct change *c = change_between(was, k->to->zone, &why);
	if (c)
		history_give(k->to->zone, was, c);
}

static bool store_serial(struct making *k, uint32_t serial)
{
	const struct store_plain row = {
		.apex = zone_id(k->of), .serial = serial, .digest = k->asking.digest
	};

	return store_put_plain(k->m->opts.store, &row, &k->m->job.why);
}

static bool make_version(struct making *k)
{
	struct plain_making *m = k->m;
	struct faults f;
	uint32_t serial;
	bool same;

	if (!find_serial(k, &serial, &same))
		return false;
	faults_init(&f);
	k->to->zone = plain_zone_make(k->of,
		&(struct plain_zone_opts){ .edges = k->edges,
			.answers = k->answers,
			.n = k->n,
			.serial = serial,
			.keys = k->keys,
			.now_s = time(NULL),
			.compile = zone_pools_compile_opts(parts_conf(&m->job.live), m->opts.key) },
		&f);
	if (!k->to->zone)
		fault(&m->job.why, "%s", text_get(&f.text));
	faults_fini(&f);
	if (k->to->zone && !same && !store_serial(k, serial)) {
		zone_drop(k->to->zone);
		k->to->zone = NULL;
	}
	if (k->to->zone)
		give_history(k);
	return k->to->zone != NULL;
}

static struct plain_zone *hold(const struct plain_zone *p)
{
	struct plain_zone *mine = (struct plain_zone *)(uintptr_t)p;

	part_hold(mine ? &mine->part : NULL);
	return mine;
}

/* The digest of what it would be now. False: a pool does not know yet what it may answer. */
static bool look_at(struct making *k)
{
	k->answers = arena_zalloc(&k->asking.mem, k->n * sizeof *k->answers);
	plain_asking_mix(&k->asking, &k->of->serial, sizeof k->of->serial);
	for (size_t i = 0; i < k->n && !k->waits; i++)
		answer_edge(k, k->m->job.world, i);
	return !k->waits;
}

static struct plain_zone *make_of(struct making *k)
{
	const struct plain_zone *before = k->before;

	k->to = plain_zone_new(k->of);
	k->to->edges = k->edges = plain_zone_edges(k->of, &k->to->mem, &k->to->n);
	k->n = k->to->n;
	if (is_signed(k->of) && !k->keys) {
		tell_signed(k);
		return k->to;
	}
	k->asking.digest = 0;
	if (look_at(k)) {
		k->to->digest = k->asking.digest;
		if (make_version(k))
			return k->to;
		k->m->job.failed = true;
	}
	plain_zone_drop(k->to);
	return hold(before);
}

/* Where nothing is another than before: that. NULL: there is none yet, or it cannot be made. */
static struct plain_zone *make_one(
	struct plain_making *m, const struct registry_zone *entry, const struct plain_zone *before)
{
	struct zone *z = entry->load.zone;
	struct making k = { .m = m, .of = z, .keys = entry->keys, .before = before };
	struct plain_zone *made = NULL;

	arena_init(&k.asking.mem);
	if (before && before->of == z) {
		k.edges = before->edges;
		k.n = before->n;
		if (!before->zone || !look_at(&k) || k.asking.digest == before->digest)
			made = hold(before);
	}
	if (!made)
		made = make_of(&k);
	arena_fini(&k.asking.mem);
	return made;
}

/* --- all of them -------------------------------------------------------------------------- */

static int compare_apexes(const void *a, const void *b)
{
	return registry_compare(a, b);
}

/* With EDGE, or with a past: a serial that has gone ahead of the zone's must not go back. */
static bool is_wanted(
	const struct plain_making *m, const struct zone *z, const struct plain_zone *before)
{
	if (!zone_is_ready(z))
		return false;
	const struct past *p = m->job.reads ? &m->job.past : &m->past;
	return z->pools_n || (before && before->zone) ||
		(p->n && bsearch(zone_id(z), p->list, p->n, sizeof *p->list, compare_apexes));
}

static void make_all(struct plain_making *m)
{
	const struct registry *zones = m->job.live.zones;
	const struct plain_zones *before = m->job.live.plain;
	const struct policy_zone *rules = parts_conf(&m->job.live)->policy.zones;
	struct plain_zone **list = memory_zeroed(zones->n, sizeof(*list));
	size_t n = 0;
	bool same = true;

	for (size_t i = 0; i < zones->n; i++) {
		struct zone *z = zones->zones[i]->load.zone;
		if (!rules[zone_set_rule(zones->set, i)].plain)
			continue;
		const struct plain_zone *was = plain_zones_find(before, zone_id(z));
		struct plain_zone *made = is_wanted(m, z, was) ? make_one(m, zones->zones[i], was) : NULL;
		if (made)
			list[n++] = made;
		same = same && made == was;
	}
	struct plain_zones *made = plain_zones_new(list, n);
	if (same && n == (before ? before->n : 0))
		plain_zones_drop(made);
	else
		m->job.made = made;
}

static void add_past(void *ctx, const struct store_plain *row)
{
	struct past *p = ctx;

	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->list = memory_grow(p->list, p->room * sizeof *p->list);
	}
	memcpy(p->list[p->n++], row->apex, name_len(row->apex));
}

static void work(void *ctx, struct job *job)
{
	struct plain_making *m = ctx;

	(void)job;
	m->job.was_read = m->job.reads &&
		store_each_plain(m->opts.store, add_past, &m->job.past, &m->job.why);
	if (m->job.past.n) /* the store's order knows no views */
		qsort(m->job.past.list, m->job.past.n, sizeof *m->job.past.list, compare_apexes);
	m->job.failed = m->job.reads && !m->job.was_read;
	if (!m->job.failed)
		make_all(m);
}

static void done(void *ctx, enum job_end end)
{
	struct plain_making *m = ctx;

	m->runs = false;
	if (end == JOB_DONE && m->job.made)
		publisher_take_plain(m->opts.publisher, m->job.made);
	if (end == JOB_DONE && m->job.was_read) {
		m->past = m->job.past;
		m->has_past = true;
	} else if (end == JOB_DONE) {
		memory_free(m->job.past.list);
	}
	if (end == JOB_NO_MEMORY)
		log_line(LOG_ERROR, "out of memory; zones for peers with \"edge-as: addresses\" "
				    "stay as they were");
	else if (end == JOB_DONE && m->job.failed)
		log_line(LOG_ERROR, "zones for peers with \"edge-as: addresses\" stay as they "
				    "were: %s",
			m->job.why.text);
	m->again = end != JOB_DONE || m->job.failed;
	world_drop(m->seen);
	m->seen = m->job.world;
	publisher_let_go(m->opts.publisher, &m->job.live);
	memset(&m->job, 0, sizeof m->job);
	if (jobs_are_stopped(m->opts.jobs))
		return;
	ev_timer_set(&m->timer, m->again ? failed_pause_s : pause_s, 0);
	ev_timer_start(m->opts.loop, &m->timer);
}

/* Nobody wants such zones, or all that they follow is as it was. */
static bool is_idle(const struct plain_making *m, const struct world *w)
{
	if (!m->opts.store || !w->policy.plain.n)
		return true;
	return m->seen && !m->again && m->seen->zones == w->zones && m->seen->steer == w->steer &&
		m->seen->conf == w->conf &&
		(m->seen == w || standing_same(w->steer, m->seen->standing, w->standing));
}

static void look(struct plain_making *m)
{
	const struct world *w = publisher_world(m->opts.publisher);
	const struct parts *live = publisher_live(m->opts.publisher);

	if (live->plain && !w->policy.plain.n && !m->runs) /* nobody wants them any more */
		publisher_take_plain(m->opts.publisher, NULL);
	if (m->runs || ev_is_active(&m->timer) || is_idle(m, w) || live->zones->set != w->zones ||
		live->steer != w->steer)
		return;
	m->again = false;
	m->job.reads = !m->has_past;
	m->job.world = world_hold(w);
	m->job.live = parts_hold(&(struct parts){
		.conf = live->conf, .zones = live->zones, .plain = live->plain });
	m->runs = jobs_start(m->opts.jobs,
			  &(struct job_opts){ .lane = m->lane,
				  .name = "plain",
				  .about = "zones for peers that know no EDGE",
				  .ctx = m,
				  .work = work,
				  .done = done }) != NULL;
	if (!m->runs)
		done(m, JOB_CANCELLED);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	look(t->data);
}

static void published(void *ctx)
{
	look(ctx);
}

/* --- the rest ----------------------------------------------------------------------------- */

struct plain_making *plain_making_new(const struct plain_making_opts *opts)
{
	struct plain_making *m = memory_zeroed(1, sizeof *m);

	m->opts = *opts;
	m->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_timer_init(&m->timer, on_timer, pause_s, 0);
	m->timer.data = m;
	publisher_tell_published(opts->publisher, published, m);
	return m;
}

void plain_making_free(struct plain_making *m)
{
	ev_timer_stop(m->opts.loop, &m->timer);
	memory_free(m->past.list);
	world_drop(m->seen);
	memory_free(m);
}
