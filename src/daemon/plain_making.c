#include "daemon/plain_making.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "dns/rrtype.h"
#include "steer/default_choice.h"
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
	struct arena mem;             /* of what they have */
	uint64_t digest;
	bool waits; /* a pool does not know yet what it may answer */
};

/* --- what pools answer whom nobody knows -------------------------------------------------- */

static void mix(struct making *k, const void *bytes, size_t len)
{
	/* The same in every process. */
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };

	k->digest = hash_pair(k->digest, hash_bytes(key, bytes, len));
}

static unsigned count_alive(const struct edge *e, bool v6, const uint64_t *alive)
{
	const unsigned first = v6 ? e->n_a : 0, n = v6 ? e->n_aaaa : e->n_a;
	unsigned count = 0;

	for (unsigned i = first; i < first + n; i++)
		count += !alive || standing_address(alive, e->first_address + i);
	return count;
}

/* The addresses of one family. */
static struct plain_rrset addresses_of(
	struct making *k, const struct steer *s, const struct choice *c, bool v6)
{
	struct plain_rrset set = { .type = v6 ? RRTYPE_AAAA : RRTYPE_A,
		.rdlen = v6 ? 16 : 4 };
	unsigned all = 0;

	for (unsigned i = 0; i < c->n; i++)
		all += count_alive(&s->edges[c->edges[i]], v6, choice_alive(c, i));
	uint8_t *to = arena_alloc(&k->mem, (size_t)all * set.rdlen);
	for (unsigned i = 0; i < c->n; i++) {
		const struct edge *e = &s->edges[c->edges[i]];
		const unsigned first = v6 ? e->n_a : 0, n = v6 ? e->n_aaaa : e->n_a;
		for (unsigned a = 0; a < n; a++)
			if (!choice_alive(c, i) || standing_address(choice_alive(c, i), e->first_address + first + a))
				memcpy(to + (size_t)set.n++ * set.rdlen,
					(v6 ? e->aaaa : e->a) + (size_t)a * set.rdlen, set.rdlen);
	}
	set.rdata = to;
	return set;
}

static void add_set(struct making *k, struct plain_answer *to, struct plain_rrset set)
{
	if (!set.n)
		return;
	to->sets[to->n++] = set;
	mix(k, &set.type, sizeof set.type);
	mix(k, set.rdata, (size_t)set.n * set.rdlen);
}

/* RFC 9460 section 14.3.2. */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6, PARAM_HEAD = 4 };

static uint8_t *put_part(uint8_t *to, const uint8_t *bytes, size_t len)
{
	if (len)
		memcpy(to, bytes, len);
	return to + len;
}

static uint8_t *put_hints(uint8_t *to, unsigned number, const struct plain_rrset *hints)
{
	const size_t len = (size_t)hints->n * hints->rdlen;

	if (!len)
		return to;
	be16_put(to, number);
	be16_put(to + 2, (unsigned)len);
	return put_part(to + PARAM_HEAD, hints->rdata, len);
}

/* What the pool says of a service, with the addresses as hints. */
static void add_service(struct making *k, struct plain_answer *to, uint16_t type,
	const struct pool_form *f, const struct plain_rrset hints[2])
{
	const size_t most = (size_t)f->front_len + f->middle_len + f->back_len +
		2 * PARAM_HEAD + (size_t)hints[0].n * 4 + (size_t)hints[1].n * 16;

	if (!f->front || most > UINT16_MAX)
		return;
	uint8_t *rdata = arena_alloc(&k->mem, most), *at = put_part(rdata, f->front, f->front_len);
	at = put_hints(at, KEY_IPV4HINT, &hints[0]);
	at = put_part(at, f->middle, f->middle_len);
	at = put_hints(at, KEY_IPV6HINT, &hints[1]);
	at = put_part(at, f->back, f->back_len);
	add_set(k, to, (struct plain_rrset){ type, (uint16_t)(at - rdata), 1, rdata });
}

/* Where an edge with a CNAME is first, that is the answer, for both types. */
static void fill_answer(struct making *k, const struct default_ask *like,
	const struct plain_edge *e, struct plain_answer *to)
{
	struct plain_rrset hints[2] = { { .n = 0 }, { .n = 0 } };
	struct default_ask ask = *like;
	const struct choice a = default_choice(&ask);
	const struct edge *edges = ask.steer->edges;

	ask.v6 = true;
	const struct choice aaaa = default_choice(&ask);
	const struct choice *cname = a.n ? &a : &aaaa;
	if (cname->n && edges[cname->edges[0]].cname) {
		const struct edge *first = &edges[cname->edges[0]];
		add_set(k, to,
			(struct plain_rrset){ RRTYPE_CNAME, first->cname_len, 1, first->cname });
		return;
	}
	if (a.n)
		hints[0] = addresses_of(k, ask.steer, &a, false);
	if (aaaa.n && !edges[aaaa.edges[0]].cname)
		hints[1] = addresses_of(k, ask.steer, &aaaa, true);
	add_set(k, to, hints[0]);
	add_set(k, to, hints[1]);
	if (!to->n)
		return;
	const struct pool_form *forms = ask.steer->pools[(hints[0].n ? &a : &aaaa)->form].forms;
	if (!e->has_https)
		add_service(k, to, RRTYPE_HTTPS, &forms[POOL_HTTPS], hints);
	if (!e->has_svcb)
		add_service(k, to, RRTYPE_SVCB, &forms[POOL_SVCB], hints);
}

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
	ask.own = edge_own(w->steer, e->rdata, e->rdlen);
	k->waits = !ask.own.one && default_choice_waits(&ask);
	if (k->waits)
		return;
	k->answers[i].ttl_s = ttl_of(&w->steer->pools[pool], &ask.own, e->ttl_s);
	mix(k, e->owner, ask.name_len);
	mix(k, &k->answers[i].ttl_s, sizeof k->answers[i].ttl_s);
	fill_answer(k, &ask, e, &k->answers[i]);
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
	*same = last.digest == k->digest;
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
	const struct store_plain row = { .apex = zone_id(k->of), .serial = serial, .digest = k->digest };

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
	k->answers = arena_zalloc(&k->mem, k->n * sizeof *k->answers);
	mix(k, &k->of->serial, sizeof k->of->serial);
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
	k->digest = 0;
	if (look_at(k)) {
		k->to->digest = k->digest;
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

	arena_init(&k.mem);
	if (before && before->of == z) {
		k.edges = before->edges;
		k.n = before->n;
		if (!before->zone || !look_at(&k) || k.digest == before->digest)
			made = hold(before);
	}
	if (!made)
		made = make_of(&k);
	arena_fini(&k.mem);
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
		(m->seen == w || standing_same(m->seen->standing, w->standing));
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
