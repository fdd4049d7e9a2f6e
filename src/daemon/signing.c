#include "daemon/signing.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/fleet_signing.h"
#include "daemon/parts_read.h"
#include "daemon/versions.h"
#include "daemon/zone_signing.h"
#include "daemon/zone_pools.h"
#include "zone/history.h"
#include "zone/zone_with.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOOK_MOST_S = 60,
	PIECES = 4096,     /* zones at once */
	NAMES_MOST = 2048, /* of all of them, and so in one version of one */
	LOST_MOST = 3,     /* looks in a row whose parts are made in vain */
	RETRY_S = 10,
	LOOK_S = 2,  /* so long parts are made before they are served */
	TOLD = 32,   /* faults that are remembered */
	TELL_S = 900 /* ... and told again */
};
static const double soon_s = 0.2;

/* What has been made of a zone. */
struct piece {
	struct registry_zone *of;   /* held: of what */
	struct zone_signing_of how; /* its keys are `keys` */
	struct keyset *keys;        /* held; NULL: it is unsigned */
	struct fleet_signing *fleet; /* own: what is to be committed to the fleet; or NULL */
	struct zone *made;          /* held; NULL: nothing was to be made */
	struct change *change;      /* what led to it, to be stored; NULL: it is stored, or need not be */
	bool due;                   /* there is more */
	bool fits;                  /* it is served */
	bool late;                  /* the store has something newer: it is not to be */
	bool elsewhere;             /* it has gone to the fleet, or was to */
	size_t names;
};

/* A fault that was told. */
struct told {
	uint64_t hash; /* of zone and text */
	int64_t at_s;
};

struct signing {
	struct signing_opts opts;
	struct told told[TOLD]; /* of whichever thread looks: one does */
	unsigned lane, gone_lane;
	ev_timer timer;
	bool works, again; /* a job or a build is on; another look is wanted */
	bool later;        /* ... soon: something was published meanwhile */
	/* Pools are others: every zone with some is looked at as a whole, from this on. */
	bool all;
	uint8_t all_from[NAME_MOST];
	const struct part *staged_conf; /* only compared; NULL: no stage is on */
	unsigned lost;     /* looks in a row all of whose parts were in vain */
	struct build build;
	struct signing_counts counts;
	struct {
		struct parts live, staged; /* held */
		bool all, failed;
		uint8_t all_from[NAME_MOST], all_next[NAME_MOST];
		bool has_next;
		bool in_line; /* nobody else makes versions of zones meanwhile */
		struct job *job;
		int64_t now_s, next_s;
		size_t zones, due;
		struct piece *list; /* [n], room for PIECES; of the job's memory */
		size_t n;
		uint64_t names;
		size_t committing; /* of zones of the fleet: so many are on their way */
		double until; /* clock_seconds(): then it is enough for now */
		/* Of the build. */
		struct registry *zones_made, *staged_made;
		struct pool_numbers *numbers, *staged_numbers;
	} made;
};

/* --- what is due -------------------------------------------------------------------------- */

static const struct conf_rule *rule_of(const struct parts *p, size_t zone)
{
	return &parts_conf(p)->rules[zone_set_rule(p->zones->set, zone)];
}

static const struct key_policy *policy_of(const struct parts *p, size_t zone)
{
	const unsigned number = rule_of(p, zone)->dnssec;

	return number ? &parts_conf(p)->dnssec[number - 1].keys : NULL;
}

/* What there is to sign: what other nameservers have told, or what is served. */
static const struct zone *source_of(const struct registry_zone *z)
{
	return z->plain ? z->plain : z->load.zone;
}

/* When the first of its signatures is made anew. */
static int64_t renews_s(const struct registry_zone *z)
{
	return z->load.zone->signatures_end_s - z->keys->policy.refresh_s;
}

/* Signatures of a part end within a share of the time by which they are spread: so that parts
 * are neither many nor large. */
static int64_t until_s(const struct signing *s, const struct keyset *keys)
{
	return s->made.now_s + keys->policy.refresh_s + keys->policy.jitter_s / 64;
}

/* What does not end is told each TELL_S. False. */
static bool fail(struct signing *s, const struct registry_zone *z, const struct fault *why)
{
	const struct hash_key key = { 1, 2 };
	const uint64_t hash = hash_pair(hash_bytes(key, z->origin, name_len(z->origin)),
		hash_bytes(key, (const uint8_t *)why->text, strlen(why->text)));
	struct told *last = &s->told[0];
	char name[NAME_TEXT];

	for (size_t i = 0; i < TOLD; i++) {
		struct told *t = &s->told[i];
		if (t->hash == hash && s->made.now_s - t->at_s < TELL_S)
			return false;
		last = t->at_s < last->at_s ? t : last;
	}
	*last = (struct told){ hash, s->made.now_s };
	log_line(LOG_ERROR, "zone %s: it cannot be signed anew, and is served as it is: %s",
		view_text(name, z->origin), why->text);
	return false;
}

static bool fail_faults(
	struct signing *s, const struct registry_zone *z, const struct faults *f)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);
	struct fault why;

	fault(&why, "%.*s", (int)strcspn(text, "\n"), text);
	return fail(s, z, &why);
}

/* --- one zone ----------------------------------------------------------------------------- */

/* A part of what is to be made in a zone that is signed, or its merge. */
static bool make_part(struct signing *s, struct piece *p, const struct zone_signing *how,
	struct faults *f)
{
	const struct zone *z = p->of->load.zone;
	struct zone_signing_part part = { .until_s = until_s(s, p->keys),
		.most = NAMES_MOST - s->made.names };

	p->how.before = z;
	if (!sign_chain_fits(z, p->keys)) {
		p->made = zone_signing_renew(how, &p->how, &part, f);
		return p->made != NULL;
	}
	p->change = zone_signing_prepare(how, &p->how, &part, f);
	p->due = part.more;
	p->names = part.n;
	if (p->change)
		p->made = zone_with(z, p->change,
			&(struct zone_with_opts){ .compile = *how->compile }, f);
	if (p->change || f->errors)
		return !f->errors;
	if (zone_wants_merge(z) && (p->of->load.n || p->of->source == REGISTRY_PRIMARY))
		p->made = zone_merge(z, s->opts.key, f);
	return !f->errors;
}

/* Makes what is to be made of it. False: told. */
static bool make_piece(struct signing *s, struct piece *p, const struct zone_signing *how)
{
	const struct registry_zone *z = p->of;
	struct faults f;
	bool ok;

	faults_init(&f);
	if (!p->keys) {
		p->how.before = z->load.zone;
		p->made = z->plain ? (struct zone *)(uintptr_t)z->plain
				   : zone_signing_undo(how, &p->how, &f);
		if (z->plain)
			zone_hold(z->plain);
		ok = p->made != NULL;
	} else if (!z->keys || z->plain_due) {
		p->how.before = z->keys ? z->load.zone : NULL;
		p->how.served = z->keys || !zone_is_ready(z->load.zone) ? NULL : z->load.zone;
		p->made = zone_signing_make(how, &p->how, source_of(z), &p->due, &f);
		p->names = p->made ? p->made->nodes : 0;
		ok = p->made != NULL;
	} else {
		ok = make_part(s, p, how, &f);
	}
	if (!ok)
		fail_faults(s, z, &f);
	faults_fini(&f);
	return ok;
}

/* Is it to be looked at? */
static bool is_due(struct signing *s, const struct registry_zone *z, const struct keyset *keys)
{
	if (!zone_is_ready(source_of(z)))
		return false;
	if (!z->keys || !keys)
		return z->keys || keys;
	if (z->keys_due || z->plain_due || !keyset_same(z->keys, keys))
		return true;
	if (s->made.all && z->load.zone->pools_n &&
		registry_compare(z->origin, s->made.all_from) >= 0)
		return true;
	if (zone_wants_merge(z->load.zone) && (z->load.n || z->source == REGISTRY_PRIMARY))
		return true;
	return renews_s(z) <= s->made.now_s;
}

/* A zone of the fleet: who holds the lease makes what is to be made, the others go by the same keys. */
static bool make_of_fleet(struct signing *s, struct piece *p, size_t i, bool leads,
	const struct zone_signing *how)
{
	struct faults f;

	p->due = !leads;
	if (!leads)
		return true;
	faults_init(&f);
	p->fleet = fleet_signing_new(&(struct fleet_signing_of){ .live = &s->made.live,
					     .staged = &s->made.staged,
					     .zone = i,
					     .keys = p->keys,
					     .key = s->opts.key,
					     .now_s = s->made.now_s,
					     .until_s = p->keys ? until_s(s, p->keys) : 0,
					     .most = NAMES_MOST - s->made.names,
					     .goes_on = how->goes_on,
					     .ctx = how->ctx },
		&p->names, &f);
	const bool ok = !f.errors || fail_faults(s, p->of, &f);
	faults_fini(&f);
	p->elsewhere = p->fleet != NULL;
	return ok;
}

static bool goes_on(void *ctx, uint64_t n, uint64_t of)
{
	job_progress(ctx, n, of);
	return !job_is_cancelled(ctx);
}

static void take_zone(struct signing *s, size_t i)
{
	struct registry_zone *z = s->made.live.zones->zones[i];
	const struct conf_rule *rule = rule_of(&s->made.live, i);
	const struct zone_pools pools = { parts_conf(&s->made.live),
		s->made.staged.conf ? parts_conf(&s->made.staged) : NULL };
	const struct compile_opts opts = zone_pools_both_opts(&pools, s->opts.key);
	struct fault why = { 0 };

	if (!rule->dnssec && !z->keys && !key_ring_knows(s->opts.ring, z->origin))
		return;
	if (rule->fleet && s->made.in_line) /* such a one stands in that line itself */
		return;
	struct keyset *keys =
		key_ring_get(s->opts.ring, z->origin, policy_of(&s->made.live, i), &why);
	s->made.zones += keys != NULL;
	if (!keys && *why.text) {
		s->made.failed = !fail(s, z, &why) || s->made.failed;
		return;
	}
	const bool follows = rule->fleet && !key_ring_leads(s->opts.ring, z->origin);
	if (follows && !z->load.zone->denial) {
		keyset_drop(keys);
		keys = NULL;
	}
	if (follows ? keyset_same(z->keys, keys) : !is_due(s, z, keys)) {
		if (z->keys && !follows && (!s->made.next_s || renews_s(z) < s->made.next_s))
			s->made.next_s = renews_s(z);
		keyset_drop(keys);
		return;
	}
	s->made.due++;
	if (s->made.n == PIECES || s->made.names >= NAMES_MOST ||
		(s->made.n && clock_seconds() > s->made.until)) {
		if (!s->made.has_next)
			memcpy(s->made.all_next, z->origin, name_len(z->origin));
		s->made.has_next = true;
		keyset_drop(keys);
		return;
	}
	if (!s->made.list)
		s->made.list = memory_zeroed(PIECES, sizeof *s->made.list);
	struct piece *p = &s->made.list[s->made.n];
	*p = (struct piece){ .of = z, .keys = keys };
	part_hold(&z->part);
	p->how = (struct zone_signing_of){ .keys = keys,
		.which = rule->stored && !rule->n_primaries ? STORE_ZONE : STORE_SIGNED,
		.serial = rule->access.serial };
	const struct zone_signing how = { .compile = &opts,
		.store = s->opts.store,
		.now_s = s->made.now_s,
		.politely = true,
		.goes_on = goes_on,
		.ctx = s->made.job,
		.late = s->made.in_line ? NULL : &p->late };
	const bool ok = rule->fleet ? make_of_fleet(s, p, i, !follows, &how) : make_piece(s, p, &how);
	s->made.failed = s->made.failed || !ok;
	/* It is as it should be, and is known to be. */
	const bool same = ok && !p->made && !p->fleet && !p->change && !p->due && !z->keys_due &&
		keyset_same(z->keys, keys);
	if (!ok || same) {
		registry_zone_drop(p->of);
		keyset_drop(keys);
		return;
	}
	s->made.names += p->names;
	s->made.n++;
}

static void look_work(void *ctx, struct job *job)
{
	struct signing *s = ctx;

	s->made.job = job;
	s->made.until = clock_seconds() + (s->made.in_line ? soon_s : LOOK_S);
	for (size_t i = 0; i < s->made.live.zones->n && !job_is_cancelled(job); i++)
		take_zone(s, i);
}

/* --- it takes its place ------------------------------------------------------------------- */

static bool build_begin(void *ctx)
{
	struct signing *s = ctx;
	const struct parts *staged = publisher_staged(s->opts.publisher);

	publisher_let_go(s->opts.publisher, &s->made.live);
	publisher_let_go(s->opts.publisher, &s->made.staged);
	s->made.live = parts_hold(publisher_live(s->opts.publisher));
	s->made.staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	s->made.now_s = time(NULL);
	return true;
}

/* Is the zone still what it was made of? */
static bool fits(const struct signing *s, const struct piece *p)
{
	return !p->late && !p->elsewhere && registry_find(s->made.live.zones, p->of->origin) == p->of;
}

/* Those that fit, in one transaction; where that cannot be, each by itself. */
static void store_pieces(struct signing *s)
{
	struct zone_signing_step *steps = memory_zeroed(s->made.n, sizeof *steps);
	const struct zone_signing how = { .store = s->opts.store };
	size_t n = 0;

	for (size_t i = 0; i < s->made.n; i++) {
		struct piece *p = &s->made.list[i];
		p->fits = fits(s, p);
		if (p->fits && p->change)
			steps[n++] = (struct zone_signing_step){
				p->how.which, p->change, p->made, &p->fits
			};
	}
	struct fault why = { 0 };
	zone_signing_store(&how, steps, n, &why);
	for (size_t i = 0; *why.text && i < s->made.n; i++)
		if (!s->made.list[i].fits && s->made.list[i].change &&
			fits(s, &s->made.list[i])) {
			fail(s, s->made.list[i].of, &why);
			break; /* of all of them the same is wrong */
		}
	memory_free(steps);
}

static struct registry_zone *entry_of(struct piece *p)
{
	struct zone *made = p->made ? p->made : p->of->load.zone;
	struct registry_zone to = { .origin = NULL };

	part_copy(&to, p->of, sizeof to);
	if (p->change)
		history_give(made, p->of->load.zone, p->change);
	p->change = NULL;
	zone_hold(made);
	to.load = load_with(&p->of->load, made);
	to.keys = p->keys;
	to.keys_due = p->due;
	to.plain_due = false;
	to.plain = p->keys ? p->of->plain : NULL;
	if (zone_is_ready(made) && (to.state == REGISTRY_WAITS || to.state == REGISTRY_EMPTY))
		to.state = REGISTRY_READY;
	return registry_zone_new(&to);
}

static void build_work(void *ctx, struct job *job)
{
	struct signing *s = ctx;
	struct fault why;
	size_t n = 0;

	if (s->made.in_line)
		look_work(s, job);
	store_pieces(s);
	struct registry_zone **list = memory_zeroed(s->made.n, sizeof(*list));
	for (size_t i = 0; i < s->made.n; i++)
		if (s->made.list[i].fits)
			list[n++] = entry_of(&s->made.list[i]);
	if (n &&
		versions_make(&s->made.live, NULL, list, n, &s->made.zones_made,
			&s->made.numbers, &why) &&
		s->made.staged.conf)
		versions_make(&s->made.staged, s->made.zones_made, list, n,
			&s->made.staged_made, &s->made.staged_numbers, &why);
	while (n)
		registry_zone_drop(list[--n]);
	memory_free(list);
}

/* Pieces that are needed no more: theirs may be the last hold of a large zone. */
struct gone {
	size_t n;
	struct piece *list;
};

static void drop_gone(void *ctx, struct job *job)
{
	struct gone *g = ctx;

	(void)job;
	for (; g->n; g->n--) {
		struct piece *p = &g->list[g->n - 1];
		if (p->fleet)
			fleet_signing_free(p->fleet);
		change_free(p->change);
		if (p->made)
			zone_drop(p->made);
		keyset_drop(p->keys);
		registry_zone_drop(p->of);
	}
	memory_free(g->list);
	g->list = NULL;
}

static void gone_done(void *ctx, enum job_end end)
{
	if (end != JOB_DONE)
		drop_gone(ctx, NULL);
	free(ctx);
}

static void let_go(struct signing *s)
{
	struct gone now = { s->made.n, s->made.list }, *g = now.list ? malloc(sizeof *g) : NULL;

	if (g)
		*g = now;
	if (!g ||
		!jobs_start(s->opts.jobs,
			&(struct job_opts){ .lane = s->gone_lane,
				.name = "let go",
				.about = "of versions of zones",
				.ctx = g,
				.work = drop_gone,
				.done = gone_done })) {
		drop_gone(&now, NULL);
		free(g);
	}
	publisher_let_go(s->opts.publisher, &s->made.live);
	publisher_let_go(s->opts.publisher, &s->made.staged);
	memset(&s->made, 0, sizeof s->made);
}

static void look(struct signing *s);

static void look_in(struct signing *s, double wait_s)
{
	ev_timer_stop(s->opts.loop, &s->timer);
	ev_timer_set(&s->timer, wait_s, 0);
	ev_timer_start(s->opts.loop, &s->timer);
}

static void end_look(struct signing *s)
{
	const int64_t now_s = s->made.now_s, next_s = s->made.next_s;
	double wait_s = s->made.failed ? RETRY_S : LOOK_MOST_S;

	s->counts.zones = s->made.zones;
	s->counts.due = s->made.due;
	s->counts.next_s = next_s;
	if (next_s && (double)(next_s - now_s) < wait_s)
		wait_s = next_s > now_s ? (double)(next_s - now_s) : 1;
	/* Those that no look has come to yet are looked at by the next. */
	if (s->made.all && s->made.has_next && !s->all) {
		s->all = s->again = true;
		memcpy(s->all_from, s->made.all_next, sizeof s->all_from);
	}
	s->again = (s->again || s->made.has_next) && !jobs_are_stopped(s->opts.jobs);
	let_go(s);
	s->works = false;
	if (s->again) {
		look(s);
		return;
	}
	look_in(s, s->later && wait_s > soon_s ? soon_s : wait_s);
}

static void build_end(void *ctx, enum job_end end)
{
	struct signing *s = ctx;

	if (end == JOB_DONE && s->made.zones_made) {
		publisher_take_zones(
			s->opts.publisher, false, s->made.zones_made, s->made.numbers);
		publisher_take_staged_zones(s->opts.publisher, s->made.staged.zones,
			s->made.staged_made, s->made.staged_numbers);
		publisher_now(s->opts.publisher);
	}
	if (end != JOB_DONE && s->made.in_line) {
		s->made.list = NULL; /* given back */
		s->made.n = 0;
	}
	bool any = false, mine = false;
	for (size_t i = 0; i < s->made.n; i++) {
		if (s->made.list[i].elsewhere)
			continue;
		mine = true;
		const bool took = end == JOB_DONE && s->made.list[i].fits;
		any = any || took;
		s->counts.parts += took;
		s->counts.lost += !took;
		s->counts.names += took ? s->made.list[i].names : 0;
	}
	s->lost = any || !mine ? 0 : s->lost + 1;
	/* What was made may not be all; and what is served now is told. */
	s->again = ((end == JOB_DONE && s->made.n) || s->again) && !jobs_are_stopped(s->opts.jobs);
	end_look(s);
}

static void go_on(struct signing *s)
{
	for (size_t i = 0; i < s->made.n && !jobs_are_stopped(s->opts.jobs); i++)
		if (!s->made.list[i].elsewhere) {
			builder_ask(s->opts.builder, &s->build);
			return;
		}
	end_look(s);
}

static void committed(void *ctx, const uint8_t *apex, bool changed, const struct fault *why)
{
	struct signing *s = ctx;
	const struct registry_zone *z = registry_find(s->made.live.zones, apex);

	/* What was made may not be all. */
	s->again = s->again || changed;
	s->counts.parts += changed;
	s->counts.lost += !changed;
	if (why && z)
		s->made.failed = !fail(s, z, why);
	if (--s->made.committing == 0)
		go_on(s);
}

/* Those of zones of the fleet go where all changes of them go, before what is only of this server takes its place. */
static void commit(struct signing *s)
{
	s->made.committing = 1;
	for (size_t i = 0; i < s->made.n; i++) {
		struct piece *p = &s->made.list[i];
		struct fleet_signing *f = p->fleet;
		p->fleet = NULL;
		if (!f)
			continue;
		s->made.committing++;
		s->counts.names += p->names;
		fleet_signing_commit(f, s->opts.updates, committed, s);
	}
	if (--s->made.committing == 0)
		go_on(s);
}

static void look_done(void *ctx, enum job_end end)
{
	struct signing *s = ctx;

	if (end != JOB_DONE) {
		s->made.list = NULL; /* given back */
		s->made.n = 0;
		s->made.failed = true;
	}
	if (jobs_are_stopped(s->opts.jobs))
		s->again = false;
	else if (s->made.n) {
		commit(s);
		return;
	}
	end_look(s);
}

static bool has_signed(const struct signing *s, const struct parts *live)
{
	const struct conf *c = parts_conf(live);

	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].dnssec)
			return true;
	return s->counts.zones || !key_ring_is_empty(s->opts.ring);
}

static void look(struct signing *s)
{
	const struct parts *live = publisher_live(s->opts.publisher),
			   *staged = publisher_staged(s->opts.publisher);

	s->again = s->works;
	s->later = s->later && s->works;
	if (s->works || !s->opts.ring || !has_signed(s, live) || jobs_are_stopped(s->opts.jobs))
		return;
	ev_timer_stop(s->opts.loop, &s->timer);
	s->made.now_s = time(NULL);
	s->made.all = s->all;
	memcpy(s->made.all_from, s->all_from, sizeof s->all_from);
	s->all = false;
	/* A zone that changes all the time is not waited for. */
	s->made.in_line = s->lost >= LOST_MOST;
	s->works = true;
	if (s->made.in_line) {
		builder_ask(s->opts.builder, &s->build);
		return;
	}
	s->made.live = parts_hold(live);
	if (staged)
		s->made.staged.conf = part_hold(staged->conf);
	s->works = jobs_start(s->opts.jobs,
			   &(struct job_opts){ .lane = s->lane,
				   .name = "signing",
				   .about = "zones are looked at, and what is due is signed",
				   .ctx = s,
				   .work = look_work,
				   .done = look_done }) != NULL;
	if (!s->works)
		let_go(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	look(t->data);
}

void signing_follow(void *ctx, const uint8_t (*apexes)[NAME_MOST], size_t n)
{
	(void)apexes;
	if (n)
		look(ctx);
}

/* Pools may answer other types; a zone may have come from a primary. */
static void follow(void *ctx, unsigned what)
{
	struct signing *s = ctx;
	const struct parts *staged = publisher_staged(s->opts.publisher);
	const struct part *conf = staged ? staged->conf : NULL;
	const bool others = what & PUBLISH_CONF || conf != s->staged_conf;

	s->staged_conf = conf;
	if (others) {
		s->all = true;
		s->all_from[0] = 0;
	}
	if (others || what & PUBLISH_ZONES)
		signing_soon(s);
}

void signing_soon(struct signing *s)
{
	if (!s->opts.ring)
		return;
	s->later = s->works;
	if (!s->works &&
		!(ev_is_active(&s->timer) &&
			ev_timer_remaining(s->opts.loop, &s->timer) <= soon_s))
		look_in(s, soon_s);
}

struct signing *signing_new(const struct signing_opts *opts)
{
	struct signing *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	s->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->gone_lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->build = (struct build){ .name = "signing",
		.about = "what was signed is served",
		.ctx = s,
		.begin = build_begin,
		.work = build_work,
		.end = build_end,
		.of_zones = true };
	ev_timer_init(&s->timer, on_timer, 0, 0);
	s->timer.data = s;
	publisher_follow(opts->publisher, follow, s);
	follow(s, PUBLISH_ZONES);
	return s;
}

void signing_free(struct signing *s)
{
	ev_timer_stop(s->opts.loop, &s->timer);
	memory_free(s);
}

struct signing_counts signing_counts(const struct signing *s)
{
	return s->counts;
}
