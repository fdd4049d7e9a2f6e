#include "daemon/secondaries.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/versions.h"
#include "daemon/zone_verify.h"
#include "daemon/zone_pools.h"

#include <ev.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS_A_TURN = 200, NOTE_S = 10 };
#define PAUSE_MOST_S 0.3

/* Something to tell the refresher: a zone is there, or is not any more. */
struct step {
	const struct registry_zone *zone; /* of one of the two registries that are held */
	uint32_t rule;
	bool gone;
};

/* A version of a zone that waits to be served. */
struct version {
	struct registry_zone *entry; /* count 1 */
	struct version *next;
};

struct notes {
	struct note {
		struct store_timers timers;
		uint8_t apex[NAME_MOST];
	} * list;
	size_t n, room;
};

struct secondaries {
	struct secondaries_opts opts;
	struct notes notes, noting; /* that wait; of a job */
	ev_timer note;
	struct refresher *refresher;
	unsigned lane;

	/* What the refresher knows, or is being told. */
	struct parts known; /* conf and zones, held */
	struct parts now;   /* what it will know when all steps are done */
	struct step *steps;
	size_t n_steps, next_step;
	bool looks, again;
	ev_timer turn;

	struct version *versions; /* the newest first */
	bool builds, waits;       /* a build is on; one has been asked for */
	double begun, not_before; /* clock_seconds() */
	ev_timer pause;
	bool publishes;           /* what is published now is our own */
	struct build build;
	struct {
		struct version *versions;
		struct parts live, staged; /* held */
		struct registry *zones, *staged_zones;
		struct pool_numbers *numbers, *staged_numbers;
		bool ok;
		struct fault why;
	} made;
};

/* --- which zones there are ---------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_tls(const struct conf_peer *a, const struct conf_peer *b)
{
	const struct tls_client_opts *x = &a->tls_opts, *y = &b->tls_opts;

	return a->tls == b->tls && a->tls_port == b->tls_port && x->verify == y->verify &&
		same_text(x->name, y->name) && same_text(x->ca, y->ca) &&
		same_text(x->cert, y->cert) && same_text(x->key, y->key);
}

static bool same_peer(const struct conf *a, unsigned i, const struct conf *b, unsigned k)
{
	const struct conf_peer *p = &a->peers[i], *q = &b->peers[k];
	const struct tsig_key *x = parts_tsig_key(a, p->key), *y = parts_tsig_key(b, q->key);

	if (!same_tls(p, q) || p->n_at != q->n_at || memcmp(p->at, q->at, p->n_at * sizeof *p->at) != 0 ||
		!x != !y)
		return false;
	return !x ||
		(x->algorithm == y->algorithm && x->mac_len == y->mac_len &&
			name_equal(x->name, y->name) && x->secret_len == y->secret_len &&
			memcmp(x->secret, y->secret, x->secret_len) == 0);
}

static bool same_primaries(
	const struct conf *a, uint32_t rule_a, const struct conf *b, uint32_t rule_b)
{
	const struct conf_rule *p = &a->rules[rule_a], *q = &b->rules[rule_b];

	if (a == b && rule_a == rule_b)
		return true;
	if (p->n_primaries != q->n_primaries)
		return false;
	for (size_t i = 0; i < p->n_primaries; i++)
		if (!same_peer(a, p->primaries[i], b, q->primaries[i]))
			return false;
	return true;
}

static size_t count_primaries(const struct parts *p, size_t zone)
{
	return parts_conf(p)->rules[zone_set_rule(p->zones->set, zone)].n_primaries;
}

static void add_step(struct secondaries *s, const struct parts *of, size_t zone, bool gone)
{
	if ((s->n_steps & (s->n_steps - 1)) == 0)
		s->steps = memory_grow(
			s->steps, (s->n_steps ? 2 * s->n_steps : 1) * sizeof *s->steps);
	s->steps[s->n_steps++] = (struct step){ of->zones->zones[zone],
		zone_set_rule(of->zones->set, zone), gone };
}

/* It went and came back meanwhile, and nothing is known of it any more: as a member of a catalog does with another label
 * (RFC 9432 section 5.4). Else who fetches it would take what is fetched for what is served. */
static bool is_another(const struct registry_zone *was, const struct registry_zone *now)
{
	return was != now && now->state == REGISTRY_WAITS;
}

/* Both registries ascend. */
static void look_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	const struct parts *was = &s->known, *now = &s->now;
	const size_t n_was = was->zones ? was->zones->n : 0;
	size_t i = 0, k = 0;

	(void)job;
	s->steps = NULL;
	s->n_steps = 0;
	while (i < n_was || k < now->zones->n) {
		if (was->conf == now->conf && i < n_was && k < now->zones->n &&
			was->zones->zones[i] == now->zones->zones[k]) {
			i++; /* mostly all; what they point to is in no cache */
			k++;
			continue;
		}
		const int d = i == n_was ? 1
			: k == now->zones->n
			? -1
			: registry_compare(
				  was->zones->zones[i]->origin, now->zones->zones[k]->origin);
		const bool had = d <= 0 && count_primaries(was, i),
			   has = d >= 0 && count_primaries(now, k);
		const bool another = had && has && is_another(was->zones->zones[i], now->zones->zones[k]);
		if (had && (!has || another))
			add_step(s, was, i, true);
		if (has &&
			(!had || another ||
				!same_primaries(parts_conf(was),
					zone_set_rule(was->zones->set, i), parts_conf(now),
					zone_set_rule(now->zones->set, k))))
			add_step(s, now, k, false);
		i += d <= 0;
		k += d >= 0;
	}
}

static void put(struct secondaries *s, const struct step *step)
{
	const struct conf *c = parts_conf(&s->now);
	const struct conf_rule *rule = &c->rules[step->rule];
	const struct zone *zone = step->zone->plain ? step->zone->plain : step->zone->load.zone;
	struct peer *peers;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += c->peers[rule->primaries[i]].n_at;
	peers = calloc(room, sizeof *peers);
	for (size_t i = 0; peers && i < rule->n_primaries; i++) {
		const struct conf_peer *p = &c->peers[rule->primaries[i]];
		struct tls_client *tls = p->tls ? tls_client_new(&p->tls_opts) : NULL;
		for (size_t a = 0; a < p->n_at && (tls || !p->tls); a++) {
			peer_set(&peers[n], p->name, (const struct sockaddr *)&p->at[a].sa,
				p->at[a].len, parts_tsig_key(c, p->key));
			if (tls)
				peer_set_tls(&peers[n], tls, p->tls_port);
			n++;
		}
		tls_client_drop(tls);
	}
	if (!peers || !n ||
		!refresher_put(s->refresher,
			&(struct refresh_zone){ .apex = step->zone->origin,
				.peers = peers,
				.n = n,
				.zone = zone_is_ready(zone) ? zone : NULL,
				.checked_s = step->zone->checked_s,
				.expire_s = step->zone->expire_s,
				.first = rule->catalog }))
		log_line(LOG_ERROR, "out of memory: a zone of other nameservers is not asked for");
	for (size_t i = 0; i < n; i++)
		peer_fini(&peers[i]);
	free(peers);
}

static void look(struct secondaries *s);

static void steps_end(struct secondaries *s)
{
	memory_free(s->steps);
	s->steps = NULL;
	s->n_steps = s->next_step = 0;
	publisher_let_go(s->opts.publisher, &s->known);
	s->known = s->now;
	s->now = (struct parts){ 0 };
	s->looks = false;
	if (s->again)
		look(s);
}

/* Many zones are many steps: some a turn. */
static void on_turn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondaries *s = t->data;

	(void)events;
	for (unsigned i = 0; i < STEPS_A_TURN && s->next_step < s->n_steps; i++) {
		const struct step *step = &s->steps[s->next_step++];
		if (step->gone)
			refresher_drop(s->refresher, step->zone->origin);
		else
			put(s, step);
	}
	if (s->next_step < s->n_steps) {
		ev_timer_set(t, 0, 0);
		ev_timer_start(loop, t);
	} else {
		steps_end(s);
	}
}

static void look_done(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	if (end == JOB_DONE) {
		s->next_step = 0;
		ev_timer_set(&s->turn, 0, 0);
		ev_timer_start(s->opts.loop, &s->turn);
		return;
	}
	if (end == JOB_NO_MEMORY)
		log_line(LOG_ERROR, "out of memory: zones of other nameservers stay as they were");
	s->steps = NULL;
	s->n_steps = 0;
	s->looks = false;
	publisher_let_go(s->opts.publisher, &s->now);
}

static bool has_primaries(const struct conf *c)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].n_primaries)
			return true;
	return false;
}

static void look(struct secondaries *s)
{
	const struct parts *live = publisher_live(s->opts.publisher);

	s->again = s->looks;
	if (s->looks || (!s->known.conf && !has_primaries(parts_conf(live))))
		return;
	s->now = (struct parts){ .conf = part_hold(live->conf),
		.zones = registry_hold(live->zones) };
	s->looks = jobs_start(s->opts.jobs,
			   &(struct job_opts){ .lane = s->lane,
				   .name = "secondaries",
				   .about = "which zones come from other nameservers",
				   .ctx = s,
				   .work = look_work,
				   .done = look_done }) != NULL;
	if (!s->looks)
		publisher_let_go(s->opts.publisher, &s->now);
}

/* --- new versions ------------------------------------------------------------------------- */

static bool build_begin(void *ctx)
{
	struct secondaries *s = ctx;
	const struct parts *staged = publisher_staged(s->opts.publisher);

	s->waits = false;
	s->begun = clock_seconds();
	s->made.versions = s->versions;
	s->versions = NULL;
	s->made.live = parts_hold(publisher_live(s->opts.publisher));
	s->made.staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	s->made.ok = false;
	return s->made.versions != NULL;
}

static bool make_one(const struct parts *of, const struct registry *served,
	const struct version *v, struct registry **zones, struct pool_numbers **numbers,
	struct fault *why)
{
	size_t n = 0;

	for (const struct version *i = v; i; i = i->next)
		n++;
	struct registry_zone **list = memory_zeroed(n, sizeof(*list));
	n = 0;
	for (; v; v = v->next) /* the newest first */
		list[n++] = v->entry;
	const bool ok = versions_make(of, served, list, n, zones, numbers, why);
	memory_free(list);
	return ok;
}

static void build_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	struct registry *zones = NULL, *staged = NULL;
	struct pool_numbers *numbers = NULL, *staged_numbers = NULL;

	(void)job;
	s->made.ok = make_one(
		&s->made.live, NULL, s->made.versions, &zones, &numbers, &s->made.why);
	if (s->made.ok && s->made.staged.conf)
		make_one(&s->made.staged, zones, s->made.versions, &staged, &staged_numbers,
			&s->made.why);
	s->made.zones = zones;
	s->made.numbers = numbers;
	s->made.staged_zones = staged;
	s->made.staged_numbers = staged_numbers;
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

static void build_end(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	s->builds = s->waits = false;
	s->publishes = true;
	if (end == JOB_DONE && s->made.ok) {
		publisher_take_zones(
			s->opts.publisher, false, s->made.zones, s->made.numbers);
		publisher_take_staged_zones(s->opts.publisher, s->made.staged.zones,
			s->made.staged_zones, s->made.staged_numbers);
	} else if (end != JOB_CANCELLED) {
		log_line(LOG_ERROR, "zones that were transferred are not served: %s",
			end == JOB_DONE ? s->made.why.text : "out of memory");
	}
	s->publishes = false;
	while (s->made.versions) {
		struct version *v = s->made.versions;
		s->made.versions = v->next;
		registry_zone_drop(v->entry);
		free(v);
	}
	publisher_let_go(s->opts.publisher, &s->made.live);
	publisher_let_go(s->opts.publisher, &s->made.staged);
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

static void take(void *ctx, const struct refresh_news *news)
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

static struct compile_opts compile_with(void *ctx, struct part **hold)
{
	const struct secondaries *s = ctx;
	struct part *conf = publisher_live(s->opts.publisher)->conf;

	*hold = part_hold(conf);
	return zone_pools_compile_opts((const struct conf *)conf, s->opts.key); /* its first member */
}

/* --- what it must stand ------------------------------------------------------------------- */

static void *verifies(void *ctx, const uint8_t *apex, bool *ok)
{
	const struct secondaries *s = ctx;
	const struct parts *live = publisher_live(s->opts.publisher);
	const size_t at = registry_index(live->zones, apex);

	*ok = true;
	if (at == live->zones->n)
		return NULL;
	const uint32_t rule = zone_set_rule(live->zones->set, at);
	return zone_verify_copy(&parts_conf(live)->rules[rule].verify, ok);
}

static bool stands_what_it_must(void *ctx, const void *how, const struct zone *z, const struct job *job,
	struct fault *why)
{
	struct fault doubt;
	char name[NAME_TEXT];
	const bool ok = zone_verify(how, z, job, &doubt, why);

	(void)ctx;
	if (*doubt.text)
		log_line(LOG_WARNING, "zone %s: serial %u: %s", view_text(name, zone_id(z)), z->serial,
			doubt.text);
	return ok;
}

/* --- what is stored ----------------------------------------------------------------------- */

static bool follows(void *ctx, const uint8_t *apex)
{
	const struct secondaries *s = ctx;
	const struct registry_zone *z =
		registry_find(publisher_live(s->opts.publisher)->zones, apex);

	return z && z->source != REGISTRY_STORE;
}

/* On a helper thread. */
static bool mark_stored(
	void *ctx, const uint8_t *apex, struct store_mark *to, struct fault *why)
{
	const struct secondaries *s = ctx;

	return store_mark(s->opts.store, apex, to, why);
}

/* On a helper thread. */
static bool store_fetched(void *ctx, const struct store_mark *upon, const struct fetched *got,
	struct fault *why)
{
	const struct secondaries *s = ctx;
	const struct store_timers timers = { time(NULL), got->expire_s };

	enum store_result result = got->change
		? store_add(s->opts.store, &(struct store_step){ .change = got->change,
			.timers = timers,
			.has_timers = true }, 1,
			  why)
		: STORE_APART;
	if (result == STORE_APART)
		result = store_put_upon(s->opts.store, got->zone, &timers, upon, why);
	return result == STORE_DONE;
}

static void note_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	struct store_checked *list = memory_zeroed(s->noting.n, sizeof *list);
	struct fault why;

	(void)job;
	for (size_t i = 0; i < s->noting.n; i++)
		list[i] = (struct store_checked){ s->noting.list[i].apex,
			s->noting.list[i].timers };
	if (!store_check(s->opts.store, list, s->noting.n, &why))
		log_line(LOG_WARNING, "%s", why.text);
	memory_free(list);
}

static void note_done(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	(void)end;
	free(s->noting.list);
	s->noting = (struct notes){ 0 };
}

/* Timers are written some at a time: what is lost of them costs a question more. */
static void on_note(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondaries *s = t->data;

	(void)loop;
	(void)events;
	if (!s->notes.n || s->noting.list)
		return;
	s->noting = s->notes;
	s->notes = (struct notes){ 0 };
	if (!jobs_start(s->opts.jobs,
		    &(struct job_opts){ .lane = s->lane,
			    .name = "timers",
			    .about = "of zones of other nameservers are stored",
			    .ctx = s,
			    .work = note_work,
			    .done = note_done }))
		note_done(s, JOB_CANCELLED);
}

static void checked(void *ctx, const uint8_t *apex, int64_t at_s, uint32_t expire_s)
{
	struct secondaries *s = ctx;
	struct notes *n = &s->notes;

	if (n->n == n->room) {
		const size_t room = n->room ? 2 * n->room : 64;
		struct note *list = realloc(n->list, room * sizeof *list);
		if (!list)
			return;
		n->list = list;
		n->room = room;
	}
	n->list[n->n].timers = (struct store_timers){ at_s, expire_s };
	memcpy(n->list[n->n++].apex, apex, name_len(apex));
}

/* --- the rest ----------------------------------------------------------------------------- */

static void on_notify(void *ctx, const uint8_t *apex, const struct addr *from)
{
	struct secondaries *s = ctx;
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

	memcpy(&sa.sin6_addr, from->b, 16); /* IPv4 stands mapped in it */
	refresher_notified(s->refresher, apex, (const struct sockaddr *)&sa);
}

static void follow(void *ctx, unsigned what)
{
	struct secondaries *s = ctx;

	/* Other versions of zones change nothing in which there are. */
	if (what & (PUBLISH_CONF | PUBLISH_ZONES) && !s->publishes)
		look(s);
}

struct secondaries *secondaries_new(const struct secondaries_opts *opts)
{
	struct secondaries *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	s->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->refresher = refresher_new(&(struct refresher_opts){ .loop = opts->loop,
		.jobs = opts->jobs,
		.ctx = s,
		.compile = compile_with,
		.verifies = verifies,
		.verify = stands_what_it_must,
		.follows = follows,
		.mark = opts->store ? mark_stored : NULL,
		.store = opts->store ? store_fetched : NULL,
		.checked = opts->store ? checked : NULL,
		.take = take });
	s->build = (struct build){ .name = "transfer",
		.about = "new versions of zones are taken",
		.ctx = s,
		.begin = build_begin,
		.work = build_work,
		.end = build_end,
		.of_zones = true };
	ev_timer_init(&s->pause, on_pause, 0, 0);
	s->pause.data = s;
	ev_timer_init(&s->turn, on_turn, 0, 0);
	s->turn.data = s;
	ev_timer_init(&s->note, on_note, NOTE_S, NOTE_S);
	s->note.data = s;
	ev_timer_start(opts->loop, &s->note);
	worker_news_follow(opts->news, on_notify, s);
	publisher_follow(opts->publisher, follow, s);
	look(s);
	return s;
}

void secondaries_free(struct secondaries *s)
{
	ev_timer_stop(s->opts.loop, &s->turn);
	ev_timer_stop(s->opts.loop, &s->pause);
	ev_timer_stop(s->opts.loop, &s->note);
	free(s->notes.list);
	refresher_free(s->refresher);
	while (s->versions) {
		struct version *v = s->versions;
		s->versions = v->next;
		registry_zone_drop(v->entry);
		free(v);
	}
	memory_free(s->steps);
	parts_drop(&s->known);
	parts_drop(&s->now);
	memory_free(s);
}

struct refresher *secondaries_refresher(struct secondaries *s)
{
	return s->refresher;
}
