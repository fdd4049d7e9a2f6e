#include "daemon/publish.h"

#include "unit/daemon/site.h"
#include "unit/failing.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What stood when a follower was told. */
struct told {
	unsigned what;
	uint64_t worlds;
	const struct part *conf;
	unsigned at; /* its place among all that were told */
};

struct follower {
	struct desk *d;
	struct told last;
	unsigned n;
};

struct desk {
	struct site site;
	struct ev_loop *loop;
	struct jobs *jobs;
	struct epoch epoch;
	struct publisher *p;
	struct parts first; /* held */
	struct follower early, late;
	unsigned told_n;
	uint8_t states[2]; /* of the edges, as operators want them */
	/* What the publisher asked of health. */
	unsigned lives, stageds, changes;
	const struct standing *live_before, *live_made, *staged_before, *staged_live,
		*changed_to;
	const struct world *changed_from;
};

static struct standing *stand(struct desk *d, const struct steer *s)
{
	return standing_new(&(struct standing_opts){ .steer = s, .states = d->states });
}

static struct standing *live(void *ctx, const struct standing *before)
{
	struct desk *d = ctx;
	struct standing *made = stand(d, publisher_live(d->p)->steer);

	d->lives++;
	d->live_before = before;
	d->live_made = made;
	return made;
}

static struct standing *staged(
	void *ctx, const struct standing *of_live, const struct standing *before)
{
	struct desk *d = ctx;

	d->stageds++;
	d->staged_before = before;
	d->staged_live = of_live;
	return stand(d, publisher_staged(d->p)->steer);
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	struct desk *d = ctx;

	d->changes++;
	d->changed_from = before;
	d->changed_to = now;
}

static void follow(void *ctx, unsigned what)
{
	struct follower *f = ctx;
	struct desk *d = f->d;

	f->last = (struct told){ what, publisher_counts(d->p).worlds,
		publisher_live(d->p)->conf, d->told_n++ };
	f->n++;
}

static void open_with(struct desk *d, const char *conf)
{
	struct publisher_opts opts;
	struct fault why;

	*d = (struct desk){ .loop = ev_loop_new(EVFLAG_NOENV) };
	site_open(&d->site);
	if (conf)
		site_put(&d->site, "t.yaml", conf);
	d->first = site_read(&d->site, NULL);
	d->jobs = jobs_new(d->loop);
	CU_ASSERT_TRUE_FATAL(epoch_open(&d->epoch, &why));
	opts = (struct publisher_opts){ .loop = d->loop, .jobs = d->jobs, .epoch = &d->epoch };
	memset(opts.cookie_secret, 7, sizeof opts.cookie_secret);
	struct parts own = parts_hold(&d->first);
	d->p = publisher_new(&opts, &own);
	CU_ASSERT_PTR_NULL(own.conf); /* it was taken */
	publisher_set_health(d->p, &(struct publisher_health){ d, live, staged, changes });
	d->early.d = d->late.d = d;
	publisher_follow(d->p, follow, &d->early);
	publisher_follow(d->p, follow, &d->late);
}

static void open_desk(struct desk *d)
{
	open_with(d, NULL);
	publisher_now(d->p);
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	publisher_free(d->p);
	epoch_close(&d->epoch);
	jobs_free(d->jobs);
	ev_loop_destroy(d->loop);
	parts_drop(&d->first);
	site_close(&d->site);
}

/* The parts of the site when one of its files has changed. */
static struct parts with_zone(struct desk *d, const char *text)
{
	site_put(&d->site, "zones/b.example.zone", text);
	return site_read(&d->site, publisher_live(d->p));
}

static struct parts with_conf(struct desk *d, const char *text)
{
	site_put(&d->site, "t.yaml", text);
	return site_read(&d->site, publisher_live(d->p));
}

#define OTHER_CONF SITE_SERVER SITE_EDGES "pools: { web: { edges: [ nyc, ams ] } }\n"

/* --- worlds ------------------------------------------------------------------------------- */

static void the_first_world_is_of_the_first_parts(void)
{
	struct desk d;

	open_with(&d, NULL);
	CU_ASSERT_PTR_NULL(publisher_world(d.p));
	turns_now(d.loop); /* nothing has changed: nobody has asked for it yet */
	CU_ASSERT_PTR_NULL(publisher_world(d.p));
	publisher_now(d.p);
	const struct world *w = publisher_world(d.p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_PTR_EQUAL(w->zones, d.first.zones->set);
	CU_ASSERT_PTR_EQUAL(w->steer, d.first.steer);
	CU_ASSERT_PTR_EQUAL(w->numbers, d.first.numbers);
	CU_ASSERT_PTR_EQUAL(w->conf, d.first.conf);
	CU_ASSERT_PTR_EQUAL(w->standing, d.live_made);
	CU_ASSERT_PTR_NULL(d.live_before);
	CU_ASSERT_EQUAL(w->generation, 1);
	CU_ASSERT_EQUAL(w->stage.share, 0);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 1);
	CU_ASSERT_EQUAL(publisher_counts(d.p).reloads, 0);
	CU_ASSERT_EQUAL(d.changes, 0);
	close_desk(&d);
}

static void many_changes_of_one_turn_are_one_world(void)
{
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < 5; i++) {
		struct parts next = with_zone(&d, i % 2 ? SITE_ZONE(2, "") : SITE_ZONE(33, ""));
		publisher_take(d.p, &next);
		CU_ASSERT_PTR_NULL(next.conf);
		publisher_soon(d.p);
		d.states[0] = EDGE_DOWN;
	}
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 1);
	CU_ASSERT_EQUAL(publisher_counts(d.p).reloads, 5);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 2);
	CU_ASSERT_EQUAL(publisher_counts(d.p).standings, 0);
	CU_ASSERT_EQUAL(publisher_world(d.p)->generation, 2);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p)->zones, publisher_live(d.p)->zones->set);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 2);
	/* At once is at once, and the turn has no more to do. */
	struct parts next = with_zone(&d, SITE_ZONE(444, ""));
	publisher_take(d.p, &next);
	publisher_now(d.p);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 3);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 3);
	CU_ASSERT_TRUE(publisher_counts(d.p).most_us >= publisher_counts(d.p).last_us);
	close_desk(&d);
}

static void a_standing_that_is_alike_is_not_published(void)
{
	struct desk d;

	open_desk(&d);
	const struct world *first = publisher_world(d.p);
	publisher_soon(d.p);
	CU_ASSERT_EQUAL(d.lives, 1); /* at the end of the turn */
	turns_now(d.loop);
	CU_ASSERT_EQUAL(d.lives, 2);
	CU_ASSERT_PTR_EQUAL(d.live_before, first->standing);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p), first);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 1);
	CU_ASSERT_EQUAL(d.changes, 0);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(d.lives, 2);
	close_desk(&d);
}

static void another_standing_is_published_alone(void)
{
	struct desk d;

	open_desk(&d);
	struct world *first = world_hold(publisher_world(d.p));
	d.states[1] = EDGE_DOWN;
	publisher_soon(d.p);
	turns_now(d.loop);
	const struct world *w = publisher_world(d.p);
	CU_ASSERT_PTR_NOT_EQUAL(w, first);
	CU_ASSERT_PTR_EQUAL(w->standing, d.live_made);
	CU_ASSERT_PTR_EQUAL(w->zones, first->zones);
	CU_ASSERT_PTR_EQUAL(w->steer, first->steer);
	CU_ASSERT_EQUAL(w->generation, 2);
	CU_ASSERT_EQUAL(publisher_counts(d.p).worlds, 2);
	CU_ASSERT_EQUAL(publisher_counts(d.p).standings, 1);
	CU_ASSERT_EQUAL(d.changes, 1);
	CU_ASSERT_PTR_EQUAL(d.changed_from, first);
	CU_ASSERT_PTR_EQUAL(d.changed_to, d.live_made);
	CU_ASSERT_EQUAL(d.told_n, 0); /* no part is another */
	world_drop(first);
	close_desk(&d);
}

static void a_standing_follows_its_like_and_no_other(void)
{
	struct desk d;

	open_desk(&d);
	/* Of the same steer: what stood is known. */
	struct parts next = with_zone(&d, SITE_ZONE(2, ""));
	const struct standing *before = publisher_world(d.p)->standing;
	CU_ASSERT_PTR_EQUAL(next.steer, publisher_live(d.p)->steer);
	publisher_take(d.p, &next);
	turns_now(d.loop);
	CU_ASSERT_PTR_EQUAL(d.live_before, before);
	CU_ASSERT_EQUAL(d.changes, 1);
	/* Of another. */
	next = with_conf(&d, OTHER_CONF);
	CU_ASSERT_PTR_NOT_EQUAL(next.steer, publisher_live(d.p)->steer);
	publisher_take(d.p, &next);
	turns_now(d.loop);
	CU_ASSERT_PTR_NULL(d.live_before);
	CU_ASSERT_EQUAL(d.changes, 1);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p)->steer, publisher_live(d.p)->steer);
	close_desk(&d);
}

/* --- followers ---------------------------------------------------------------------------- */

static void followers_are_told_within_the_call_and_before_the_world(void)
{
	struct desk d;

	open_desk(&d);
	struct parts next = with_zone(&d, SITE_ZONE(2, ""));
	publisher_take(d.p, &next);
	CU_ASSERT_EQUAL(d.early.n, 1);
	CU_ASSERT_EQUAL(d.late.n, 1);
	CU_ASSERT_EQUAL(d.early.last.what, PUBLISH_ZONES);
	CU_ASSERT_EQUAL(d.late.last.what, PUBLISH_ZONES);
	CU_ASSERT_EQUAL(d.late.last.worlds, 1);
	CU_ASSERT_TRUE(d.early.last.at < d.late.last.at);
	turns_now(d.loop);
	next = with_conf(&d, OTHER_CONF);
	const struct part *conf = next.conf;
	publisher_take(d.p, &next);
	CU_ASSERT_EQUAL(d.early.n, 2);
	CU_ASSERT_EQUAL(d.early.last.what & (PUBLISH_CONF | PUBLISH_ZONES | PUBLISH_STEER),
		PUBLISH_CONF | PUBLISH_STEER);
	CU_ASSERT_PTR_EQUAL(d.early.last.conf, conf); /* they see the new ones */
	CU_ASSERT_EQUAL(d.early.last.worlds, 2);
	close_desk(&d);
}

static void rankings_replace_what_is_given_and_no_more(void)
{
	struct desk d;

	open_desk(&d);
	const struct parts was = *publisher_live(d.p);
	const struct conf *c = parts_conf(&was);
	struct parts some = { .steer = parts_steer(c, was.atlas, was.table, was.steer) };
	const struct steer *steer = some.steer;
	publisher_take_rankings(d.p, false, &some);
	const struct parts *now = publisher_live(d.p);
	CU_ASSERT_PTR_NULL(some.steer);
	CU_ASSERT_PTR_EQUAL(now->steer, steer);
	CU_ASSERT_PTR_EQUAL(now->conf, was.conf);
	CU_ASSERT_PTR_EQUAL(now->zones, was.zones);
	CU_ASSERT_PTR_EQUAL(now->atlas, was.atlas);
	CU_ASSERT_PTR_EQUAL(now->geo_files, was.geo_files);
	CU_ASSERT_PTR_EQUAL(now->table, was.table);
	CU_ASSERT_PTR_EQUAL(now->table_files, was.table_files);
	CU_ASSERT_PTR_EQUAL(now->numbers, was.numbers);
	CU_ASSERT_EQUAL(d.early.last.what, PUBLISH_STEER);
	turns_now(d.loop);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p)->steer, steer);
	/* All that may be given. */
	struct parts other = site_read(&d.site, NULL);
	some = (struct parts){ .table = other.table,
		.table_files = other.table_files,
		.atlas = other.atlas,
		.geo_files = other.geo_files,
		.steer = other.steer };
	publisher_take_rankings(d.p, false, &some);
	CU_ASSERT_PTR_EQUAL(now->table, other.table);
	CU_ASSERT_PTR_EQUAL(now->table_files, other.table_files);
	CU_ASSERT_PTR_EQUAL(now->atlas, other.atlas);
	CU_ASSERT_PTR_EQUAL(now->geo_files, other.geo_files);
	CU_ASSERT_PTR_EQUAL(now->steer, other.steer);
	CU_ASSERT_PTR_EQUAL(now->zones, was.zones);
	CU_ASSERT_EQUAL(d.early.last.what, PUBLISH_STEER | PUBLISH_TABLE | PUBLISH_GEO);
	some = (struct parts){
		.conf = other.conf, .zones = other.zones, .numbers = other.numbers
	};
	parts_drop(&some); /* what was not given is ours */
	CU_ASSERT_EQUAL(publisher_counts(d.p).reloads, 0);
	close_desk(&d);
}

/* --- letting go --------------------------------------------------------------------------- */

/* A registry that tells where it has ended. */
static struct {
	void (*free)(struct part *p);
	pthread_t where;
	bool gone; /* atomic */
} grave;

static void bury(struct part *p)
{
	grave.where = pthread_self();
	grave.free(p);
	__atomic_store_n(&grave.gone, true, __ATOMIC_RELEASE);
}

static void mark(struct parts *p)
{
	grave.gone = false;
	grave.free = p->zones->part.free;
	p->zones->part.free = bury;
}

static bool is_gone(void *ctx)
{
	(void)ctx;
	return __atomic_load_n(&grave.gone, __ATOMIC_ACQUIRE);
}

static void what_is_replaced_is_let_go_of_on_another_thread(void)
{
	struct desk d;

	open_desk(&d);
	mark(&d.first);
	parts_drop(&d.first); /* the publisher's alone */
	struct parts next = with_zone(&d, SITE_ZONE(2, ""));
	publisher_take(d.p, &next);
	CU_ASSERT_TRUE(turns_until(d.loop, is_gone, NULL));
	CU_ASSERT_FALSE(pthread_equal(grave.where, pthread_self()));
	close_desk(&d);
}

static void without_memory_it_is_let_go_of_at_once(void)
{
	struct desk d;

	open_desk(&d);
	mark(&d.first);
	parts_drop(&d.first);
	struct parts next = with_zone(&d, SITE_ZONE(2, ""));
	failing_start(1, SIZE_MAX);
	publisher_take(d.p, &next);
	failing_stop();
	CU_ASSERT_TRUE(is_gone(NULL));
	CU_ASSERT_TRUE(pthread_equal(grave.where, pthread_self()));
	close_desk(&d);
}

static void what_is_let_go_of_when_the_server_stops_is_not_lost(void)
{
	struct desk d;

	open_desk(&d);
	mark(&d.first);
	parts_drop(&d.first);
	struct parts next = with_zone(&d, SITE_ZONE(2, ""));
	CU_ASSERT_TRUE(jobs_stop(d.jobs, TURNS_PATIENCE_S));
	publisher_take(d.p, &next);
	CU_ASSERT_TRUE(is_gone(NULL));
	close_desk(&d);
}

/* --- a stage ------------------------------------------------------------------------------ */

static void a_stage_comes_and_goes(void)
{
	struct desk d;

	open_desk(&d);
	const struct parts was = *publisher_live(d.p);
	CU_ASSERT_PTR_NULL(publisher_staged(d.p));
	struct parts next = with_conf(&d, OTHER_CONF), mine = parts_hold(&next);
	publisher_take_stage(d.p, &next, 1u << 30);
	CU_ASSERT_PTR_NULL(next.conf);
	CU_ASSERT_EQUAL(d.late.last.what, PUBLISH_STAGE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(publisher_staged(d.p));
	CU_ASSERT_PTR_EQUAL(publisher_staged(d.p)->conf, mine.conf);
	CU_ASSERT_PTR_EQUAL(publisher_live(d.p)->conf, was.conf);
	turns_now(d.loop);
	const struct world *w = publisher_world(d.p);
	CU_ASSERT_EQUAL(w->stage.share, 1u << 30);
	CU_ASSERT_PTR_EQUAL(w->stage.steer, mine.steer);
	CU_ASSERT_PTR_EQUAL(w->stage.numbers, mine.numbers);
	CU_ASSERT_PTR_EQUAL(w->steer, was.steer);
	CU_ASSERT_EQUAL(d.stageds, 1);
	CU_ASSERT_PTR_NULL(d.staged_before);
	CU_ASSERT_PTR_EQUAL(d.staged_live, w->standing);

	/* Its standing is its own, and published with the other. */
	const struct standing *before = w->stage.standing;
	publisher_soon(d.p);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(d.stageds, 2);
	CU_ASSERT_PTR_EQUAL(d.staged_before, before);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p), w);
	d.states[0] = EDGE_DRAIN;
	publisher_soon(d.p);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_counts(d.p).standings, 1);
	CU_ASSERT_EQUAL(publisher_world(d.p)->stage.share, 1u << 30);
	CU_ASSERT_EQUAL(standing_marks(publisher_world(d.p)->stage.standing, 0, 0),
		standing_marks(publisher_world(d.p)->standing, 0, 0));

	publisher_take_stage(d.p, NULL, 0);
	CU_ASSERT_PTR_NULL(publisher_staged(d.p));
	CU_ASSERT_EQUAL(d.late.last.what, PUBLISH_STAGE);
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_world(d.p)->stage.share, 0);
	CU_ASSERT_EQUAL(d.stageds, 3);
	CU_ASSERT_EQUAL(publisher_counts(d.p).reloads, 0);
	parts_drop(&mine);
	close_desk(&d);
}

static void rankings_of_a_stage_leave_what_is_served_alone(void)
{
	struct desk d;

	open_desk(&d);
	struct parts next = with_conf(&d, OTHER_CONF);
	publisher_take_stage(d.p, &next, 1u << 30);
	turns_now(d.loop);
	const struct parts *s = publisher_staged(d.p);
	const struct steer *live_steer = publisher_live(d.p)->steer;
	const struct standing *before = publisher_world(d.p)->stage.standing;
	struct parts some = { .steer = parts_steer(
				      parts_conf(s), s->atlas, s->table, s->steer) };
	const struct steer *made = some.steer;
	publisher_take_rankings(d.p, true, &some);
	CU_ASSERT_EQUAL(d.late.last.what, PUBLISH_STAGE);
	CU_ASSERT_PTR_EQUAL(s->steer, made);
	CU_ASSERT_PTR_EQUAL(publisher_live(d.p)->steer, live_steer);
	turns_now(d.loop);
	CU_ASSERT_PTR_EQUAL(publisher_world(d.p)->stage.steer, made);
	CU_ASSERT_PTR_NULL(d.staged_before); /* it was of another steer */
	CU_ASSERT_PTR_NOT_EQUAL(publisher_world(d.p)->stage.standing, before);
	close_desk(&d);
}

static void another_stage_replaces_the_first(void)
{
	struct desk d;

	open_desk(&d);
	struct parts next = with_conf(&d, OTHER_CONF);
	publisher_take_stage(d.p, &next, 1u << 30);
	turns_now(d.loop);
	site_put(&d.site, "zones/b.example.zone", SITE_ZONE(5, ""));
	next = site_read(&d.site, publisher_staged(d.p));
	struct parts last = parts_hold(publisher_staged(d.p));
	mark(&last);
	parts_drop(&last);
	publisher_take_stage(d.p, &next, 1u << 31);
	/* Both were of the zones that are served. */
	parts_drop(&d.first);
	struct parts served = with_zone(&d, SITE_ZONE(6, ""));
	publisher_take(d.p, &served);
	CU_ASSERT_TRUE(turns_until(d.loop, is_gone, NULL));
	turns_now(d.loop);
	CU_ASSERT_EQUAL(publisher_world(d.p)->stage.share, 1u << 31);
	close_desk(&d); /* with the stage on */
}

static void zones_for_a_stage_that_has_gone_are_let_go_of(void)
{
	struct desk d;

	open_desk(&d);
	struct parts next = with_conf(&d, OTHER_CONF);
	publisher_take_stage(d.p, &next, 1u << 30);
	const struct registry *of = publisher_staged(d.p)->zones;
	struct parts late = with_zone(&d, SITE_ZONE(7, "")), fits = with_zone(&d, SITE_ZONE(8, ""));
	const struct registry *made = fits.zones;
	publisher_take_staged_zones(d.p, of, registry_hold(fits.zones), pool_numbers_hold(fits.numbers));
	CU_ASSERT_PTR_EQUAL(publisher_staged(d.p)->zones, made);
	CU_ASSERT_EQUAL(d.late.last.what, PUBLISH_STAGE);
	/* The stage has other zones by now; then it has ended. A test that keeps memory fails. */
	publisher_take_staged_zones(d.p, of, registry_hold(late.zones), pool_numbers_hold(late.numbers));
	CU_ASSERT_PTR_EQUAL(publisher_staged(d.p)->zones, made);
	publisher_take_stage(d.p, NULL, 0);
	publisher_take_staged_zones(d.p, made, registry_hold(late.zones), pool_numbers_hold(late.numbers));
	publisher_take_staged_zones(d.p, made, NULL, NULL);
	CU_ASSERT_PTR_NULL(publisher_staged(d.p));
	turns_now(d.loop);
	parts_drop(&late);
	parts_drop(&fits);
	close_desk(&d);
}

/* --- policy ------------------------------------------------------------------------------- */

static bool text_is(const struct policy_text *t, const char *want)
{
	return t->len == strlen(want) && memcmp(t->text, want, t->len) == 0;
}

static void what_the_configuration_leaves_open_is_filled_in(void)
{
	uint8_t ours[POLICY_SECRET];
	char host[256] = "";
	struct desk d;

	memset(ours, 7, sizeof ours);
	gethostname(host, sizeof host - 1);
	open_desk(&d);
	const struct policy *p = &publisher_world(d.p)->policy;
	CU_ASSERT_TRUE(text_is(&p->identity, host));
	CU_ASSERT_TRUE(p->version.len > 8 && memcmp(p->version.text, "Waymark ", 8) == 0);
	CU_ASSERT_EQUAL(p->cookie_secrets, 1);
	CU_ASSERT_EQUAL(memcmp(p->cookie_secret[0], ours, sizeof ours), 0);

	struct parts next = with_conf(&d,
		"server: { listen: \"127.0.0.1:5300\", identity: \"me\", version: \"off\" }\n"
		"zones: [ { dir: zones } ]\n" SITE_EDGES SITE_POOLS
		"cookies: { secret: 000102030405060708090a0b0c0d0e0f }\n");
	publisher_take(d.p, &next);
	turns_now(d.loop);
	p = &publisher_world(d.p)->policy;
	CU_ASSERT_TRUE(text_is(&p->identity, "me"));
	CU_ASSERT_EQUAL(p->version.len, 0);
	CU_ASSERT_EQUAL(p->cookie_secrets, 1);
	CU_ASSERT_EQUAL(p->cookie_secret[0][15], 15);

	next = with_conf(&d, SITE_CONF "cookies: { answer: off }\n");
	publisher_take(d.p, &next);
	turns_now(d.loop);
	p = &publisher_world(d.p)->policy;
	CU_ASSERT_TRUE(text_is(&p->identity, host));
	CU_ASSERT_EQUAL(p->cookie_secrets, 0);
	close_desk(&d);
}

void suite_publish(void);
void suite_publish(void)
{
	static const struct unit_case cases[] = {
		{ "the first world is of the first parts",
			the_first_world_is_of_the_first_parts },
		{ "many changes of one turn are one world",
			many_changes_of_one_turn_are_one_world },
		{ "a standing that is alike is not published",
			a_standing_that_is_alike_is_not_published },
		{ "another standing is published alone", another_standing_is_published_alone },
		{ "a standing follows its like and no other",
			a_standing_follows_its_like_and_no_other },
		{ "followers are told within the call and before the world",
			followers_are_told_within_the_call_and_before_the_world },
		{ "rankings replace what is given and no more",
			rankings_replace_what_is_given_and_no_more },
		{ "what is replaced is let go of on another thread",
			what_is_replaced_is_let_go_of_on_another_thread },
		{ "without memory it is let go of at once",
			without_memory_it_is_let_go_of_at_once },
		{ "what is let go of when the server stops is not lost",
			what_is_let_go_of_when_the_server_stops_is_not_lost },
		{ "a stage comes and goes", a_stage_comes_and_goes },
		{ "rankings of a stage leave what is served alone",
			rankings_of_a_stage_leave_what_is_served_alone },
		{ "another stage replaces the first", another_stage_replaces_the_first },
		{ "zones for a stage that has gone are let go of",
			zones_for_a_stage_that_has_gone_are_let_go_of },
		{ "what the configuration leaves open is filled in",
			what_the_configuration_leaves_open_is_filled_in },
	};

	unit_suite("daemon/publish", cases, UNIT_COUNT(cases));
}
