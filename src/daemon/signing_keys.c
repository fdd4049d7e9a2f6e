#include "daemon/signing_keys.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/signing_parents.h"
#include "zone/image.h"

#include <ev.h>
#include <string.h>

enum { LOOK_LEAST_S = 1, LOOK_MOST_S = 60 };

struct signing_keys {
	struct signing_keys_opts opts;
	ev_timer timer;
	unsigned lane;
	bool runs, again;
	uint64_t seen; /* key_ring_changes() when the last look began */
	struct key_ring_counts counts;
	struct signing_parents *parents;
	signing_keys_fn *fn;
	void *ctx;
	ev_timer sweeps; /* no job can begin, or there are no keys */
	unsigned sweep_lane;
	struct job *sweeping; /* that somebody waits for; NULL */
	unsigned n_sweeping;  /* with those that do not end */
	void (*swept)(void *ctx); /* NULL: nobody waits for it */
	void *swept_ctx;
	struct look {
		struct parts now; /* conf and zones, held */
		uint8_t (*changed)[NAME_MOST];
		size_t n, room;
		struct signing_parents_list ask;
		uint32_t next_s;
		bool behind; /* of some zone something else is served than is to be */
		struct key_ring_counts counts;
	} look; /* of the job that runs */
};

/* --- the job ------------------------------------------------------------------------------ */

static uint32_t longest_ttl(const struct zone *z)
{
	uint32_t most = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		const struct zone_rrset *set = zone_first_rrset(n);
		for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set)) {
			const uint32_t ttl_s = be32_get(set->wire + 6);
			most = ttl_s > most ? ttl_s : most;
		}
	}
	return most;
}

static void add_changed(struct look *l, const uint8_t *apex)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->changed = memory_grow(l->changed, l->room * sizeof *l->changed);
	}
	memcpy(l->changed[l->n++], apex, name_len(apex));
}

/* Of a zone that is not signed any more the parent is known by the policy "auto". */
static const struct conf_dnssec *parents_of(
	const struct conf *c, const struct conf_dnssec *policy)
{
	return policy ? policy : &c->dnssec[0];
}

/* What all views of a zone serve: they have the same keys. */
struct served {
	uint64_t generation; /* KEY_RING_MIXED: not all of them by one keyset */
	uint32_t ttl_s;
	bool any;
};

static void add_served(struct served *to, const struct registry_zone *z, bool wants_ttl)
{
	const uint64_t generation = z->keys ? z->keys->generation : 0;

	to->generation = !to->any || to->generation == generation ? generation : KEY_RING_MIXED;
	to->any = true;
	const uint32_t ttl_s = wants_ttl ? longest_ttl(z->load.zone) : 0;
	to->ttl_s = ttl_s > to->ttl_s ? ttl_s : to->ttl_s;
}

/* As long as something is not signed by it, the keyset is not what is served. `first` is the number of the first of the
 * zone's views, or of the zone itself. */
static void tell_served(struct signing_keys *k, size_t first)
{
	const struct registry *r = k->look.now.zones;
	const struct registry_zone *z = r->zones[first];
	struct served is = { .any = false };
	bool due = false;

	for (size_t i = first; i < r->n; i = zone_set_next(r->set, i))
		due = due || r->zones[i]->keys_due;
	if (due || !zone_is_ready(z->load.zone))
		return;
	const bool wants = key_ring_wants_ttl(k->opts.ring, z->origin, z->load.zone);
	for (size_t i = first; i < r->n; i = zone_set_next(r->set, i))
		if (zone_is_ready(r->zones[i]->load.zone))
			add_served(&is, r->zones[i], wants);
	key_ring_served(k->opts.ring, z->origin, is.generation, is.ttl_s);
}

static void look_at(struct signing_keys *k, size_t number, const struct conf_dnssec *policy, bool shared)
{
	struct look *l = &k->look;
	struct key_ring *ring = k->opts.ring;
	const struct registry_zone *z = l->now.zones->zones[number];
	const struct conf_dnssec *parents = parents_of(parts_conf(&l->now), policy);
	char name[NAME_TEXT];
	uint32_t next_s;
	struct fault why;

	key_ring_share(ring, z->origin, shared);
	tell_served(k, number);
	struct key_policy keys = parents->keys;
	keys.unsign = !policy;
	if (key_ring_step(ring, z->origin, &keys, &next_s, &why))
		add_changed(l, z->origin);
	if (*why.text)
		log_line(LOG_ERROR, "zone %s: %s", name_text(name, view_apex(z->origin)), why.text);
	l->behind = l->behind || next_s == 0;
	if (next_s && next_s < l->next_s)
		l->next_s = next_s;
	if (!parents->n_parents || !key_ring_leads(ring, z->origin))
		return;
	if (key_ring_wants_ds(ring, z->origin, parents->keys.ds_check_s))
		signing_parents_add(&l->ask, z->origin, parents);
	if (parents->keys.ds_check_s < l->next_s)
		l->next_s = parents->keys.ds_check_s;
}

/* Views of one zone have its keys in common: the first stands for all of them. */
static bool is_first(const struct registry *r, size_t i)
{
	const struct zone *z = r->zones[i]->load.zone;
	struct zone_name name;
	size_t first;

	if (!zone_set_has_views(r->set))
		return true;
	zone_name_set(&name, zone_set_key(r->set), z->apex);
	return zone_set_find(r->set, &name, name.labels, &first) && first == i;
}

static void work(void *ctx, struct job *job)
{
	struct signing_keys *k = ctx;
	struct look *l = &k->look;
	const struct conf *c = parts_conf(&l->now);
	const struct registry *zones = l->now.zones;

	while (!job_is_cancelled(job) && key_ring_keep_made(k->opts.ring))
		;
	for (size_t i = 0; i < zones->n && !job_is_cancelled(job); i++) {
		const struct conf_rule *rule = &c->rules[zone_set_rule(zones->set, i)];
		const unsigned number = rule->dnssec;
		if ((number || key_ring_knows(k->opts.ring, zones->zones[i]->origin)) &&
			is_first(zones, i))
			look_at(k, i, number ? &c->dnssec[number - 1] : NULL, rule->fleet);
		if ((i & 1023) == 0)
			job_progress(job, i, zones->n);
	}
	l->counts = key_ring_counts(k->opts.ring);
}

/* --- the loop ----------------------------------------------------------------------------- */

static void look_in(struct signing_keys *k, double s)
{
	ev_timer_stop(k->opts.loop, &k->timer);
	ev_timer_set(&k->timer, s, 0);
	ev_timer_start(k->opts.loop, &k->timer);
}

static void done(void *ctx, enum job_end end)
{
	struct signing_keys *k = ctx;
	struct look *l = &k->look;

	k->runs = false;
	if (end == JOB_DONE) {
		k->counts = l->counts;
		if (l->n && k->fn)
			k->fn(k->ctx, (const uint8_t(*)[NAME_MOST])l->changed, l->n);
		signing_parents_ask(k->parents, &l->ask, &l->now);
		memory_free(l->changed);
	} else if (end == JOB_NO_MEMORY) {
		log_line(LOG_ERROR, "out of memory; keys of zones are looked at later");
	}
	const bool soon = k->again || (end == JOB_DONE && l->behind);
	const uint32_t next_s = end == JOB_DONE && l->next_s < LOOK_MOST_S ? l->next_s
									   : LOOK_MOST_S;
	publisher_let_go(k->opts.publisher, &l->now);
	*l = (struct look){ .next_s = 0 };
	k->again = false;
	/* It may have been cancelled for an upgrade that fails. */
	if (!jobs_are_stopped(k->opts.jobs))
		look_in(k, soon || next_s < LOOK_LEAST_S ? LOOK_LEAST_S : next_s);
}

static void begin(struct signing_keys *k)
{
	const struct parts *live = publisher_live(k->opts.publisher);

	if (k->runs || jobs_are_stopped(k->opts.jobs))
		return;
	k->look = (struct look){ .next_s = LOOK_MOST_S };
	k->look.now = parts_hold(&(struct parts){ .conf = live->conf, .zones = live->zones });
	k->seen = key_ring_changes(k->opts.ring);
	k->runs = jobs_start(k->opts.jobs,
			  &(struct job_opts){ .lane = k->lane,
				  .name = "keys",
				  .about = "keys that zones are signed with",
				  .ctx = k,
				  .work = work,
				  .done = done }) != NULL;
	if (!k->runs) {
		publisher_let_go(k->opts.publisher, &k->look.now);
		look_in(k, LOOK_LEAST_S);
	}
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	begin(t->data);
}

void signing_keys_soon(struct signing_keys *k)
{
	if (!k->opts.ring)
		return;
	k->again = k->runs;
	if (!k->runs)
		look_in(k, 0.1);
}

/* Zones change often, and their keys do not. */
static void follow(void *ctx, unsigned what)
{
	struct signing_keys *k = ctx;

	if ((what & PUBLISH_CONF) ||
		((what & PUBLISH_ZONES) && k->seen != key_ring_changes(k->opts.ring)))
		signing_keys_soon(k);
}

static void on_parents(void *ctx)
{
	signing_keys_soon(ctx);
}

/* --- what is left behind ------------------------------------------------------------------- */

static void sweep(void *ctx, struct job *job)
{
	key_ring_sweep(((struct signing_keys *)ctx)->opts.ring, true, job);
}

static void tell_swept(struct signing_keys *k)
{
	void (*swept)(void *ctx) = k->swept;

	k->swept = NULL;
	if (swept)
		swept(k->swept_ctx);
}

static void sweep_done(void *ctx, enum job_end end)
{
	struct signing_keys *k = ctx;

	(void)end; /* the next start does it */
	if (--k->n_sweeping)
		return; /* nobody waits for this one any more */
	k->sweeping = NULL;
	tell_swept(k);
}

static void on_sweeps(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	tell_swept(t->data);
}

void signing_keys_sweep(struct signing_keys *k, void (*swept)(void *ctx), void *ctx)
{
	k->swept = swept;
	k->swept_ctx = ctx;
	ev_timer_stop(k->opts.loop, &k->sweeps);
	/* Who does not wait makes keys. */
	if (k->sweeping)
		jobs_cancel(k->opts.jobs, k->sweeping);
	k->sweeping = NULL;
	if (!swept)
		return;
	/* Nothing that changes something begins before who waits has heard. */
	if (k->opts.ring)
		k->sweeping = jobs_start(k->opts.jobs, &(struct job_opts){ .lane = k->sweep_lane, .name = "sweep keys", .looks = true, .ctx = k, .work = sweep, .done = sweep_done });
	k->n_sweeping += k->sweeping != NULL;
	if (k->sweeping)
		return;
	ev_timer_set(&k->sweeps, 0, 0);
	ev_timer_start(k->opts.loop, &k->sweeps);
}

/* --- the rest ----------------------------------------------------------------------------- */

struct signing_keys *signing_keys_new(const struct signing_keys_opts *opts)
{
	struct signing_keys *k = memory_zeroed(1, sizeof *k);

	k->opts = *opts;
	ev_timer_init(&k->timer, on_time, 0, 0);
	ev_timer_init(&k->sweeps, on_sweeps, 0, 0);
	k->timer.data = k->sweeps.data = k;
	if (!opts->ring)
		return k;
	k->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	k->sweep_lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	k->parents = signing_parents_new(
		opts->jobs, opts->publisher, opts->ring, on_parents, k);
	publisher_follow(opts->publisher, follow, k);
	look_in(k, 0.1);
	return k;
}

void signing_keys_free(struct signing_keys *k)
{
	if (!k)
		return;
	ev_timer_stop(k->opts.loop, &k->timer);
	ev_timer_stop(k->opts.loop, &k->sweeps);
	signing_parents_free(k->parents);
	memory_free(k);
}

void signing_keys_follow(struct signing_keys *k, signing_keys_fn *fn, void *ctx)
{
	k->fn = fn;
	k->ctx = ctx;
}

struct key_ring_counts signing_keys_counts(const struct signing_keys *k)
{
	return k->counts;
}

struct keyset *signing_keys_get(void *ring, struct store *store, const uint8_t *apex,
	const struct conf_dnssec *policy, struct fault *why)
{
	(void)store;
	return key_ring_get(ring, apex, policy ? &policy->keys : NULL, why);
}
