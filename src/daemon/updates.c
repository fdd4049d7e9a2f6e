#include "daemon/updates.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "daemon/versions.h"
#include "daemon/zone_signing.h"
#include "daemon/zone_pools.h"
#include "dns/rrtype.h"
#include "net/request.h"
#include "xfr/update.h"
#include "zone/history.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MOST = 10000, BATCH_MOST = 256 };

/* One of a batch, and what has become of it. */
struct asked {
	struct request *request; /* NULL: it is one of our own */
	struct updates_own *own;
	unsigned rcode;
	struct change *change; /* until it is stored and is history; NULL: none */
	struct zone *was, *is; /* held; with a change */
	struct fault why;
};

struct updates {
	struct updates_opts opts;
	struct request *first, **last;
	struct updates_own *first_own, **last_own;
	size_t waiting;
	bool builds;
	struct build build;
	double told; /* clock_seconds() */
	struct updates_counts counts;
	struct {
		struct asked *list;
		size_t n;
		struct parts live, staged; /* held */
		struct registry_zone **entries; /* of changed zones, the newest version of each */
		size_t n_entries;
		struct registry *zones, *staged_zones;
		struct pool_numbers *numbers, *staged_numbers;
	} made;
};

/* --- one request -------------------------------------------------------------------------- */

/* The version of a zone that the requests before this one have made; borrowed. */
static struct zone *newest(const struct updates *u, size_t before, const uint8_t *apex)
{
	while (before--) {
		const struct asked *a = &u->made.list[before];
		if (a->is && name_equal(zone_id(a->is), apex))
			return a->is;
	}
	const struct registry_zone *z = registry_find(u->made.live.zones, apex);
	return z && z->source == REGISTRY_STORE ? z->load.zone : NULL;
}

static bool fail(struct asked *a, unsigned rcode, const char *what)
{
	a->rcode = rcode;
	return fault(&a->why, "%s", what);
}

static bool refuse(struct asked *a, const struct faults *f)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);

	a->rcode = RCODE_REFUSED;
	return fault(&a->why, "%.*s", (int)strcspn(text, "\n"), text);
}

static uint32_t rule_of(const struct updates *u, const uint8_t *apex)
{
	return zone_set_rule(u->made.live.zones->set, registry_index(u->made.live.zones, apex));
}

/* What it is signed with here; NULL: it is not. */
static const struct keyset *keys_of(const struct updates *u, const uint8_t *apex)
{
	return registry_find(u->made.live.zones, apex)->keys;
}

/* In a zone that has a digest of itself, and no signatures of ours, the change gets what that is then. */
static bool follow_digest(struct updates *u, struct asked *a, const struct zone *was)
{
	const struct conf *c = parts_conf(&u->made.live);
	const enum zonemd_hash hash = c->rules[rule_of(u, zone_id(was))].zonemd;
	struct faults f;

	if (!hash || keys_of(u, was->apex))
		return true;
	faults_init(&f);
	a->change = zonemd_follow(was, a->change,
		&(struct zonemd_opts){ .hash = hash,
			.with = { .compile = zone_pools_compile_opts(c, u->opts.key),
				.tolerant = !a->own } },
		&f);
	if (!a->change && a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->change)
		refuse(a, &f);
	faults_fini(&f);
	return a->change != NULL;
}

/* In a zone that is signed here the change gets what follows from it. */
static bool sign_change(struct updates *u, struct asked *a, const struct zone *was)
{
	const struct zone_pools pools = { parts_conf(&u->made.live),
		u->made.staged.conf ? parts_conf(&u->made.staged) : NULL };
	const struct compile_opts opts = zone_pools_both_opts(&pools, u->opts.key);
	const struct zone_signing how = { .compile = &opts, .now_s = time(NULL) };
	const struct keyset *keys = keys_of(u, zone_id(was));
	struct faults f;

	if (!keys)
		return true;
	faults_init(&f);
	a->change = zone_signing_follow(&how, keys, was, a->change, &f);
	if (a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->change)
		refuse(a, &f);
	faults_fini(&f);
	return a->change != NULL;
}

static bool make_zone(struct updates *u, struct asked *a, struct zone *was)
{
	struct faults f;

	if (!sign_change(u, a, was) || !follow_digest(u, a, was))
		return false;
	zone_hold(was);
	faults_init(&f);
	a->is = zone_with(was, a->change,
		&(struct zone_with_opts){ .compile = zone_pools_compile_opts(
			parts_conf(&u->made.live), u->opts.key), .tolerant = !a->own }, &f);
	if (a->own)
		text_add(&a->own->told, text_get(&f.text));
	if (!a->is) {
		refuse(a, &f);
		change_free(a->change);
		a->change = NULL;
		zone_drop(was);
	} else {
		a->was = was;
	}
	faults_fini(&f);
	return a->is != NULL;
}

/* The zone as it is now, and who may do what with it; NULL: told. */
static struct zone *zone_to_change(struct updates *u, size_t at, const uint8_t *apex,
	const struct policy_zone **rules)
{
	struct asked *a = &u->made.list[at];
	struct zone *z = newest(u, at, apex);
	const size_t index = registry_index(u->made.live.zones, apex);

	if (!z || !zone_is_ready(z) || index == u->made.live.zones->n) {
		fail(a, RCODE_NOTAUTH, "it is no zone that can be changed");
		return NULL;
	}
	if (frozen_find(u->opts.frozen, apex) && !(a->own && a->own->of_frozen)) {
		fail(a, RCODE_REFUSED, "the zone is frozen (\"zone thaw\" ends that)");
		return NULL;
	}
	if (z->denial && !keys_of(u, apex)) {
		fail(a, RCODE_REFUSED,
			"the zone is signed elsewhere: change it where its keys are");
		return NULL;
	}
	*rules = &parts_conf(&u->made.live)
			  ->policy.zones[zone_set_rule(u->made.live.zones->set, index)];
	return z;
}

static bool change_own(struct updates *u, size_t at)
{
	struct asked *a = &u->made.list[at];
	const struct policy_zone *rules;
	struct zone *z = zone_to_change(u, at, a->own->apex, &rules);

	if (!z)
		return false;
	a->own->serial = z->serial;
	a->change = a->own->make(a->own->ctx, z,
		update_serial(z->serial, rules->serial, time(NULL)), &a->why);
	if (!a->change && *a->why.text)
		a->rcode = RCODE_REFUSED;
	return a->change && make_zone(u, a, z);
}

static bool change_one(struct updates *u, size_t at)
{
	struct asked *a = &u->made.list[at];
	const struct request *r = a->request;
	const struct conf *c = parts_conf(&u->made.live);
	const struct policy_zone *rules;

	struct zone *z = zone_to_change(u, at, r->zone, &rules);
	if (!z)
		return false;
	const struct tsig_key *key = update_reply_key(c, r);
	const struct policy_asker asker = { r->source, key, r->names, r->secret };
	bool *is_for = memory_zeroed(rules->n_update, sizeof *is_for);
	for (size_t i = 0; i < rules->n_update; i++)
		is_for[i] = policy_allows(&rules->update[i].who, &asker);
	a->rcode = update_make(&(struct update_opts){ .zone = z,
				       .key = u->opts.key,
				       .packet = r->packet,
				       .len = r->len,
				       .rules = rules->update,
				       .n_rules = rules->n_update,
				       .is_for = is_for,
				       .serial = rules->serial,
				       .now_s = time(NULL),
				       .is_signed = keys_of(u, r->zone) != NULL },
		&a->change, &a->why);
	memory_free(is_for);
	return a->change && make_zone(u, a, z);
}

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
	struct store_step *steps = memory_zeroed(u->made.n, sizeof *steps);
	struct text *files = find_files(u);
	size_t n = 0;

	for (size_t i = 0; i < u->made.n; i++) {
		const struct change *c = u->made.list[i].change;
		if (c)
			steps[n++] = (struct store_step){ .change = c,
				.file = file_of(u, files, c) };
	}
	const enum store_result result = store_add(u->opts.store, steps, n, why);
	bool ok = result != STORE_FAILED;
	/* Zones that are stored otherwise are put whole. */
	for (size_t i = 0; result == STORE_APART && ok && i < u->made.n_entries; i++)
		ok = store_put(u->opts.store, u->made.entries[i]->load.zone,
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

	for (size_t i = 0; i < u->made.n_entries; i++)
		if (name_equal(u->made.entries[i]->origin, zone_id(z)))
			return;
	zone_hold(z);
	u->made.entries[u->made.n_entries++] = registry_zone_new(&to);
}

/* The newest first: of each zone its last version. */
static void add_entries(struct updates *u)
{
	u->made.entries = memory_zeroed(u->made.n, sizeof(*u->made.entries));
	for (size_t i = u->made.n; i-- > 0;)
		if (u->made.list[i].is)
			add_entry(u, u->made.list[i].is);
}

static void give_histories(struct updates *u)
{
	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (a->change)
			history_give(a->is, a->was, a->change);
		a->change = NULL;
	}
}

static void fail_all(struct updates *u, const struct fault *why)
{
	for (size_t i = 0; i < u->made.n; i++)
		if (u->made.list[i].is) {
			u->made.list[i].rcode = RCODE_SERVFAIL;
			u->made.list[i].why = *why;
		}
}

static void work(void *ctx, struct job *job)
{
	struct updates *u = ctx;
	struct fault why;

	(void)job;
	for (size_t i = 0; i < u->made.n; i++)
		if (u->made.list[i].own)
			change_own(u, i);
		else
			change_one(u, i);
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

	for (const struct updates_own *o = u->first_own; o; o = o->next)
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
	for (; u->first_own; u->first_own = u->first_own->next)
		u->made.list[u->made.n++].own = u->first_own;
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
	memory_free(u);
}

struct updates_counts updates_counts(const struct updates *u)
{
	struct updates_counts c = u->counts;

	c.waiting = u->waiting;
	return c;
}
