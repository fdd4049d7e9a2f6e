#include "daemon/updates_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "net/request.h"

#include <stdlib.h>
#include <string.h>

enum { WAITING_MOST = 10000, BATCH_MOST = 256 };

/* --- answers ------------------------------------------------------------------------------ */

static void tell(struct updates *u, const struct asked *a)
{
	char from[ADDR_TEXT], name[RCODE_TEXT];
	const double now = clock_seconds();

	if (now - u->told < 1)
		return;
	u->told = now;
	log_line(LOG_WARNING, "update from %s is answered with %s: %s",
		addr_text(from, &a->request->source), rcode_text(name, a->rcode), a->why.text);
}

static void end_own(const struct asked *a)
{
	struct updates_own *own = a->own;

	own->ok = a->rcode == RCODE_NOERROR;
	own->changed = own->ok && a->is;
	own->why = a->why;
	if (own->changed)
		own->serial = a->is->serial;
	own->done(own);
}

static void reply(struct updates *u, struct asked *a)
{
	if (a->own) {
		end_own(a);
		return;
	}
	if (a->rcode && *a->why.text)
		tell(u, a);
	update_reply(a->request, a->rcode, parts_conf(publisher_live(u->opts.publisher)));
}

static void count(struct updates *u, const struct asked *a)
{
	if (a->own && (a->own->follows || a->own->signs))
		return;
	if (a->rcode == RCODE_NOERROR && a->is)
		u->counts.changed++;
	else if (a->rcode == RCODE_NOERROR)
		u->counts.same++;
	else if (a->rcode == RCODE_SERVFAIL)
		u->counts.failed++;
	else
		u->counts.refused++;
}

/* --- batches ------------------------------------------------------------------------------ */

static void ask_build(struct updates *u);

const uint8_t *updates_apex(const struct asked *a)
{
	return a->own ? a->own->apex : a->request->zone;
}

static void queue(struct updates *u, struct request *r)
{
	r->next = NULL;
	*u->last = r;
	u->last = &r->next;
	u->waiting++;
}

static void queue_own(struct updates *u, struct updates_own *own)
{
	own->next = NULL;
	*u->last_own = own;
	u->last_own = &own->next;
}

/* There is no memory, not even to try. Who is told may ask for another change: that waits for the next batch. */
static void refuse_all(struct updates *u)
{
	struct request *request = u->first;
	struct updates_own *own = u->first_own;

	u->first = NULL;
	u->last = &u->first;
	u->waiting = 0;
	u->first_own = NULL;
	u->last_own = &u->first_own;
	while (request) {
		struct asked a = { .request = request, .rcode = RCODE_SERVFAIL };
		request = request->next;
		count(u, &a);
		reply(u, &a);
	}
	while (own) {
		struct asked a = { .own = own, .rcode = RCODE_SERVFAIL };
		fault(&a.why, "out of memory");
		own = own->next;
		reply(u, &a);
	}
}

/* Of what is served now: a zone may be the fleet's since it was asked for, or no more. */
static void take_one(struct updates *u, struct asked a)
{
	struct updates *other = u->local ? u->local : u->fleet;

	if (updates_of_fleet(u, updates_apex(&a)) == (u->local != NULL))
		u->made.list[u->made.n++] = a;
	else if (a.own)
		queue_own(other, a.own);
	else
		queue(other, a.request);
}

/* False: there is nothing to do. */
static bool take_batch(struct updates *u)
{
	const size_t most = u->waiting < BATCH_MOST ? u->waiting : BATCH_MOST;
	size_t own = 0;

	for (const struct updates_own *o = u->first_own; o && own < BATCH_MOST; o = o->next)
		own++;
	u->made.n = 0;
	u->made.list = calloc(most + own, sizeof *u->made.list);
	if (!u->made.list) {
		refuse_all(u);
		return false;
	}
	versions_begin(&u->made.v, u->opts.publisher);
	for (size_t i = 0; i < most; i++) {
		struct request *r = u->first;
		u->first = r->next;
		if (!u->first)
			u->last = &u->first;
		u->waiting--;
		take_one(u, (struct asked){ .request = r });
	}
	for (; own > 0; own--) {
		struct updates_own *o = u->first_own;
		u->first_own = o->next;
		if (!u->first_own)
			u->last_own = &u->first_own;
		take_one(u, (struct asked){ .own = o });
	}
	ask_build(u->local ? u->local : u->fleet);
	return u->made.n > 0;
}

static void let_go(struct updates *u, bool whole)
{
	for (size_t i = 0; whole && i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		change_free(a->change);
		zone_drop(a->was);
		zone_drop(a->is);
	}
	for (size_t i = 0; whole && i < u->made.n_pulled + u->made.n_moved; i++) {
		struct pulled *p = i < u->made.n_pulled ? &u->made.pulled[i] : &u->made.moved[i - u->made.n_pulled];
		change_free(p->change);
		zone_drop(p->was);
		zone_drop(p->is);
	}
	if (whole) {
		updates_signers_fini(u);
		zone_drop(u->made.due.zone);
		memory_free(u->made.pulled);
		memory_free(u->made.moved);
		memory_free(u->made.committed);
		memory_free(u->made.known);
	}
	for (size_t i = 0; whole && i < u->made.n_entries; i++)
		registry_zone_drop(u->made.entries[i]);
	if (whole)
		memory_free(u->made.entries);
	free(u->made.list);
	publisher_let_go(u->opts.publisher, &u->made.asked);
	versions_end(&u->made.v, u->opts.publisher);
	memset(&u->made, 0, sizeof u->made);
}

/* What the last job has taken is given back; what the one before it took is not, and is ended here: but for zones whose
 * histories may be half given. True: there is something to end. */
static bool fall_back(struct updates *u)
{
	u->made.entries = NULL;
	u->made.n_entries = 0;
	u->made.moved = NULL;
	u->made.n_moved = 0;
	return u->made.is_asked && !u->made.gives;
}

static void end(void *ctx, enum job_end end)
{
	struct updates *u = ctx;
	const bool done = end == JOB_DONE;
	bool whole = true;

	const bool served = done && versions_serve(&u->made.v, u->opts.publisher);

	if (served)
		publisher_now(u->opts.publisher);
	if (done)
		updates_fleet_done(u, served);
	else
		whole = fall_back(u);
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!done) {
			a->rcode = RCODE_SERVFAIL;
			fault(&a->why, end == JOB_NO_MEMORY ? "out of memory" : "the server stops");
		}
		count(u, a);
		reply(u, a);
	}
	let_go(u, whole);
	u->builds = false;
	ask_build(u);
}

static void make_all(struct updates *u)
{
	for (size_t i = 0; i < u->made.n; i++)
		if (u->made.list[i].own)
			updates_make_own(u, i);
		else
			updates_make_one(u, i);
}

/* --- of zones of this server alone -------------------------------------------------------- */

static bool begin(void *ctx)
{
	return take_batch(ctx);
}

static void work(void *ctx, struct job *job)
{
	(void)job;
	make_all(ctx);
	updates_store(ctx);
}

/* --- of zones of the fleet ---------------------------------------------------------------- */

/* The engine is asked beside all other builds, and may hang; what came of it then meets what is served. */
static void ask_work(void *ctx, struct job *job)
{
	(void)job;
	make_all(ctx);
	updates_fleet_work(ctx);
}

static void asked(void *ctx, enum job_end how)
{
	struct updates *u = ctx;

	u->made.is_asked = how == JOB_DONE;
	if (how != JOB_DONE || !u->made.n_pulled)
		end(u, how);
	else
		builder_ask(u->opts.builder, &u->build);
}

static bool begin_storing(void *ctx)
{
	struct updates *u = ctx;

	publisher_let_go(u->opts.publisher, &u->made.v.staged);
	u->made.asked = u->made.v.live;
	versions_begin(&u->made.v, u->opts.publisher);
	return true;
}

static void store_work(void *ctx, struct job *job)
{
	(void)job;
	updates_meet(ctx);
	updates_store(ctx);
}

static void ask_fleet(struct updates *u)
{
	const struct job_opts opts = { .lane = u->lane,
		.name = "fleet update",
		.about = "zones of the fleet are changed",
		.ctx = u,
		.work = ask_work,
		.done = asked };

	if (!take_batch(u)) {
		let_go(u, false);
		u->builds = false;
		ask_build(u);
	} else if (!jobs_start(u->opts.jobs, &opts)) {
		end(u, JOB_NO_MEMORY);
	}
}

/* --- both --------------------------------------------------------------------------------- */

static void ask_build(struct updates *u)
{
	if (u->builds || (!u->first && !u->first_own) || jobs_are_stopped(u->opts.jobs))
		return;
	u->builds = true;
	if (u->local)
		ask_fleet(u);
	else
		builder_ask(u->opts.builder, &u->build);
}

static struct updates *side_of(struct updates *u, const uint8_t *apex)
{
	return updates_parts_of_fleet(publisher_live(u->opts.publisher), apex) ? u->fleet : u;
}

static void take(void *ctx, struct request *r)
{
	struct updates *u = ctx;

	if (forwarding_take(u->opts.forwarding, r))
		return;
	u = side_of(u, r->zone);
	u->counts.asked++;
	if (!u->opts.store || u->waiting >= WAITING_MOST) {
		struct asked a = { .request = r, .rcode = RCODE_SERVFAIL };
		count(u, &a);
		reply(u, &a);
		return;
	}
	queue(u, r);
	ask_build(u);
}

void updates_change(struct updates *u, struct updates_own *own)
{
	struct asked a = { .own = own, .rcode = RCODE_SERVFAIL };

	own->next = NULL;
	own->ok = own->changed = false;
	if (!u->opts.store || jobs_are_stopped(u->opts.jobs)) {
		fault(&a.why, u->opts.store ? "the server stops" : "there is no store");
		end_own(&a);
		return;
	}
	u = side_of(u, own->apex);
	queue_own(u, own);
	ask_build(u);
}

static struct updates *new_side(const struct updates_opts *opts)
{
	struct updates *u = memory_zeroed(1, sizeof *u);

	u->opts = *opts;
	u->last = &u->first;
	u->last_own = &u->first_own;
	u->build = (struct build){ .name = "update",
		.about = "zones are changed",
		.ctx = u,
		.begin = begin,
		.work = work,
		.end = end,
		.of_zones = true };
	return u;
}

struct updates *updates_new(const struct updates_opts *opts)
{
	struct updates *u = new_side(opts), *f = new_side(opts);

	u->fleet = f;
	f->local = u;
	f->lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	f->snapshot_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	f->build.begin = begin_storing;
	f->build.work = store_work;
	f->build.ends = true;
	worker_news_take_updates(opts->news, take, u);
	return u;
}

void updates_free(struct updates *u)
{
	if (u->fleet)
		updates_free(u->fleet);
	while (u->first) {
		struct request *r = u->first;
		u->first = r->next;
		free(r);
	}
	while (u->first_own) {
		struct asked a = { .own = u->first_own, .rcode = RCODE_SERVFAIL };
		fault(&a.why, "the server stops");
		u->first_own = u->first_own->next;
		end_own(&a);
	}
	memory_free(u->known);
	memory_free(u);
}

struct updates_counts updates_counts(const struct updates *u)
{
	struct updates_counts c = u->counts;
	const struct updates_counts *f = &u->fleet->counts;

	c.asked += f->asked;
	c.changed += f->changed;
	c.same += f->same;
	c.refused += f->refused;
	c.failed += f->failed;
	c.committed += f->committed;
	c.again += f->again;
	c.taken += f->taken;
	c.waiting = u->waiting + u->fleet->waiting;
	return c;
}
