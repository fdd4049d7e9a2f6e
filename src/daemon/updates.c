#include "daemon/updates_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "daemon/versions.h"
#include "net/request.h"
#include "zone/history.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MOST = 10000, BATCH_MOST = 256 };

/* --- all of them -------------------------------------------------------------------------- */

/* What each zone was read from that has not changed since then: its steps begin there. */
static struct text *find_files(const struct updates *u)
{
	struct text *files = memory_zeroed(u->made.n_entries, sizeof *files);

	for (size_t i = 0; i < u->made.n_entries; i++) {
		const struct registry_zone *z =
			registry_find(u->made.live.zones, u->made.entries[i]->origin);
		load_sources_text(&z->load, &files[i]);
	}
	return files;
}

static const char *file_of(
	const struct updates *u, const struct text *files, const struct change *c)
{
	size_t i = 0;

	while (!name_equal(u->made.entries[i]->origin, change_id(c)))
		i++;
	return files[i].len ? text_get(&files[i]) : NULL;
}

/* On the disk, or nothing has happened. */
static bool store_all(struct updates *u, struct fault *why)
{
	struct store_step *steps = memory_zeroed(u->made.n + u->made.n_pulled, sizeof *steps);
	struct text *files = find_files(u);
	size_t n = 0;

	for (size_t i = 0; i < u->made.n_pulled + u->made.n; i++) {
		const struct change *c = i < u->made.n_pulled ? u->made.pulled[i].change
							      : u->made.list[i - u->made.n_pulled].change;
		if (c && !updates_fleet_is_whole(u, change_id(c)))
			steps[n++] = (struct store_step){ .change = c,
				.file = file_of(u, files, c) };
	}
	const enum store_result result = store_add(u->opts.store, steps, n, why);
	bool ok = result != STORE_FAILED;
	/* Zones that are stored otherwise are put whole. */
	for (size_t i = 0; ok && i < u->made.n_entries; i++)
		ok = (result != STORE_APART && !updates_fleet_is_whole(u, u->made.entries[i]->origin)) ||
			store_put(u->opts.store, u->made.entries[i]->load.zone,
			&(struct store_timers){ 0 }, why);
	for (size_t i = 0; i < u->made.n_entries; i++)
		text_fini(&files[i]);
	memory_free(files);
	memory_free(steps);
	return ok;
}

static void add_entry(struct updates *u, struct zone *z)
{
	const struct registry_zone *is = registry_find(u->made.live.zones, zone_id(z));
	struct registry_zone to = { .origin = zone_id(z),
		.added = is->added,
		.source = REGISTRY_STORE,
		.path = is->path,
		.load = { .zone = z },
		.state = REGISTRY_READY,
		.since_s = is->state == REGISTRY_READY ? is->since_s : time(NULL),
		.loaded_s = time(NULL),
		.keys = is->keys,
		.keys_due = is->keys_due };

	if (updates_of_fleet(u, zone_id(z))) {
		/* What another keyset has signed of it is not known. */
		to.keys = z->denial ? updates_signer(u, zone_id(z))->keys : NULL;
		to.keys_due = is->keys_due || !keyset_same(to.keys, is->keys);
	}
	for (size_t i = 0; i < u->made.n_entries; i++)
		if (name_equal(u->made.entries[i]->origin, zone_id(z)))
			return;
	zone_hold(z);
	u->made.entries[u->made.n_entries++] = registry_zone_new(&to);
}

/* The newest first: of each zone its last version. */
static void add_entries(struct updates *u)
{
	u->made.entries = memory_zeroed(u->made.n + u->made.n_pulled, sizeof(*u->made.entries));
	for (size_t i = u->made.n; i-- > 0;)
		if (u->made.list[i].is)
			add_entry(u, u->made.list[i].is);
	for (size_t i = u->made.n_pulled; i-- > 0;)
		add_entry(u, u->made.pulled[i].is);
}

static void give_histories(struct updates *u)
{
	for (size_t i = 0; i < u->made.n_pulled; i++) {
		struct pulled *p = &u->made.pulled[i];
		if (p->change)
			history_give(p->is, p->was, p->change);
		p->change = NULL;
	}
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (a->change)
			history_give(a->is, a->was, a->change);
		a->change = NULL;
	}
}

static bool is_of_entries(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_entries; i++)
		if (name_equal(u->made.entries[i]->origin, apex))
			return true;
	return false;
}

/* Who follows a zone of the fleet has none of what others have made of it. */
static void fail_all(struct updates *u, const struct fault *why)
{
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!a->is && !(a->own && a->own->follows && is_of_entries(u, a->own->apex)))
			continue;
		a->rcode = RCODE_SERVFAIL;
		a->why = *why;
	}
}

static void work(void *ctx, struct job *job)
{
	struct updates *u = ctx;
	struct fault why;

	(void)job;
	for (size_t i = 0; i < u->made.n; i++)
		if (u->made.list[i].own)
			updates_make_own(u, i);
		else
			updates_make_one(u, i);
	updates_fleet_work(u);
	add_entries(u);
	if (!u->made.n_entries)
		return;
	if (!versions_make(&u->made.live, NULL, u->made.entries, u->made.n_entries, &u->made.zones,
		    &u->made.numbers, &why) ||
		!store_all(u, &why)) {
		fail_all(u, &why);
		registry_drop(u->made.zones);
		pool_numbers_drop(u->made.numbers);
		u->made.zones = NULL;
		u->made.numbers = NULL;
		return;
	}
	give_histories(u);
	if (u->made.staged.conf)
		versions_make(&u->made.staged, u->made.zones, u->made.entries, u->made.n_entries,
			&u->made.staged_zones, &u->made.staged_numbers, &why);
}

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

static bool begin(void *ctx)
{
	struct updates *u = ctx;
	const struct parts *staged = publisher_staged(u->opts.publisher);
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
	while (u->made.n < most) {
		struct request *r = u->first;
		u->first = r->next;
		u->waiting--;
		u->made.list[u->made.n++].request = r;
	}
	if (!u->first)
		u->last = &u->first;
	for (; own > 0; own--, u->first_own = u->first_own->next)
		u->made.list[u->made.n++].own = u->first_own;
	if (!u->first_own)
		u->last_own = &u->first_own;
	u->made.live = parts_hold(publisher_live(u->opts.publisher));
	u->made.staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	return true;
}

static void let_go(struct updates *u, bool whole)
{
	struct parts parts[2] = { u->made.live, u->made.staged };

	for (size_t i = 0; whole && i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		change_free(a->change);
		zone_drop(a->was);
		zone_drop(a->is);
	}
	for (size_t i = 0; whole && i < u->made.n_pulled; i++) {
		change_free(u->made.pulled[i].change);
		zone_drop(u->made.pulled[i].was);
		zone_drop(u->made.pulled[i].is);
	}
	if (whole) {
		updates_signers_fini(u);
		memory_free(u->made.pulled);
		memory_free(u->made.committed);
		memory_free(u->made.known);
	}
	for (size_t i = 0; whole && i < u->made.n_entries; i++)
		registry_zone_drop(u->made.entries[i]);
	if (whole)
		memory_free(u->made.entries);
	free(u->made.list);
	memset(&u->made, 0, sizeof u->made);
	publisher_let_go(u->opts.publisher, &parts[0]);
	publisher_let_go(u->opts.publisher, &parts[1]);
}

static void ask_build(struct updates *u)
{
	if (u->builds || (!u->first && !u->first_own) || jobs_are_stopped(u->opts.jobs))
		return;
	u->builds = true;
	builder_ask(u->opts.builder, &u->build);
}

static void end(void *ctx, enum job_end end)
{
	struct updates *u = ctx;
	const bool done = end == JOB_DONE;

	if (done && u->made.zones) {
		publisher_take_zones(
			u->opts.publisher, false, u->made.zones, u->made.numbers);
		publisher_take_staged_zones(u->opts.publisher, u->made.staged.zones,
			u->made.staged_zones, u->made.staged_numbers);
		publisher_now(u->opts.publisher);
	}
	if (done)
		updates_fleet_done(u);
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!done) {
			a->rcode = RCODE_SERVFAIL;
			fault(&a->why, end == JOB_NO_MEMORY ? "out of memory" : "the server stops");
		}
		count(u, a);
		reply(u, a);
	}
	let_go(u, done);
	u->builds = false;
	ask_build(u);
}

static void take(void *ctx, struct request *r)
{
	struct updates *u = ctx;

	if (forwarding_take(u->opts.forwarding, r))
		return;
	u->counts.asked++;
	if (!u->opts.store || u->waiting == WAITING_MOST) {
		struct asked a = { .request = r, .rcode = RCODE_SERVFAIL };
		count(u, &a);
		reply(u, &a);
		return;
	}
	r->next = NULL;
	*u->last = r;
	u->last = &r->next;
	u->waiting++;
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
	*u->last_own = own;
	u->last_own = &own->next;
	ask_build(u);
}

struct updates *updates_new(const struct updates_opts *opts)
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
	worker_news_take_updates(opts->news, take, u);
	return u;
}

void updates_free(struct updates *u)
{
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

	c.waiting = u->waiting;
	return c;
}
