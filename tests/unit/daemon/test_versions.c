#include "daemon/versions.h"

#include "daemon/publish.h"
#include "unit/daemon/site.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>

struct office {
	struct site site;
	struct ev_loop *loop;
	struct jobs *jobs;
	struct epoch epoch;
	struct publisher *p;
	uint8_t states[2]; /* of the edges */
	struct versions v;
};

static struct standing *stand(void *ctx, const struct standing *before)
{
	const struct office *o = ctx;

	(void)before;
	return standing_new(&(struct standing_opts){ .steer = publisher_live(o->p)->steer, .states = o->states });
}

static struct standing *stand_staged(void *ctx, const struct standing *live, const struct standing *before)
{
	const struct office *o = ctx;

	(void)live;
	(void)before;
	return standing_new(&(struct standing_opts){ .steer = publisher_staged(o->p)->steer, .states = o->states });
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	(void)ctx;
	(void)before;
	(void)now;
}

static void open_office(struct office *o)
{
	struct fault why;

	*o = (struct office){ .loop = ev_loop_new(EVFLAG_NOENV) };
	site_open(&o->site);
	struct parts first = site_read(&o->site, NULL);
	o->jobs = jobs_new(o->loop);
	CU_ASSERT_TRUE_FATAL(epoch_open(&o->epoch, &why));
	o->p = publisher_new(
		&(struct publisher_opts){ .loop = o->loop, .jobs = o->jobs, .epoch = &o->epoch }, &first);
	publisher_set_health(o->p, &(struct publisher_health){ o, stand, stand_staged, changes });
	publisher_now(o->p);
}

static void close_office(struct office *o)
{
	CU_ASSERT_TRUE(jobs_stop(o->jobs, TURNS_PATIENCE_S));
	publisher_free(o->p);
	epoch_close(&o->epoch);
	jobs_free(o->jobs);
	ev_loop_destroy(o->loop);
	site_close(&o->site);
}

static void stage(struct office *o)
{
	site_put(&o->site, "t.yaml", SITE_SERVER SITE_EDGES "pools: { web: { edges: [ nyc, ams ] } }\n");
	struct parts next = site_read(&o->site, publisher_live(o->p));
	publisher_take_stage(o->p, &next, 1u << 30);
}

/* The zone b.example, anew, as a job makes it. */
static bool build(struct office *o, const char *text)
{
	struct fault why;

	site_put(&o->site, "zones/b.example.zone", text);
	struct parts read = site_read(&o->site, publisher_live(o->p));
	struct registry_zone *entry = registry_find(read.zones, (const uint8_t *)"\1b\7example");
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	const bool ok = versions_build(&o->v, &entry, 1, &why);
	parts_drop(&read);
	return ok;
}

static bool is_empty(const struct versions *v)
{
	return !v->live.conf && !v->live.zones && !v->staged.conf && !v->staged.zones && !v->zones &&
		!v->numbers && !v->staged_zones && !v->staged_numbers;
}

static void both_get_what_was_made(void)
{
	struct office o;

	open_office(&o);
	stage(&o);
	versions_begin(&o.v, o.p);
	CU_ASSERT_PTR_EQUAL(o.v.live.zones, publisher_live(o.p)->zones);
	CU_ASSERT_PTR_EQUAL(o.v.staged.zones, publisher_staged(o.p)->zones);
	CU_ASSERT_TRUE(build(&o, SITE_ZONE(2, "")));
	const struct registry *zones = o.v.zones, *staged = o.v.staged_zones;
	CU_ASSERT_PTR_NOT_EQUAL(zones, o.v.live.zones);
	CU_ASSERT_PTR_NOT_EQUAL(staged, o.v.staged.zones);
	CU_ASSERT_TRUE(versions_serve(&o.v, o.p));
	CU_ASSERT_PTR_EQUAL(publisher_live(o.p)->zones, zones);
	CU_ASSERT_PTR_EQUAL(publisher_staged(o.p)->zones, staged);
	CU_ASSERT_FALSE(versions_serve(&o.v, o.p)); /* it has been */
	versions_end(&o.v, o.p);
	CU_ASSERT_TRUE(is_empty(&o.v));
	turns_now(o.loop);
	close_office(&o);
}

/* What is served of one turn must not be let go of by the next, which makes less. */
static void what_was_made_for_a_stage_is_not_there_when_it_has_ended(void)
{
	struct office o;

	open_office(&o);
	stage(&o);
	versions_begin(&o.v, o.p);
	CU_ASSERT_TRUE(build(&o, SITE_ZONE(2, "")));
	struct pool_numbers *numbers = pool_numbers_hold(o.v.staged_numbers);
	CU_ASSERT_TRUE(versions_serve(&o.v, o.p));
	/* One that forgets to end. */
	struct versions late = o.v;
	late.staged_zones = registry_hold(publisher_staged(o.p)->zones);
	late.staged_numbers = numbers;
	versions_end(&o.v, o.p);
	registry_drop(late.staged_zones);
	publisher_take_stage(o.p, NULL, 0);
	o.v = late;
	versions_begin(&o.v, o.p);
	CU_ASSERT_PTR_NULL(o.v.staged.conf);
	CU_ASSERT_PTR_NULL(o.v.staged_zones);
	CU_ASSERT_PTR_NULL(o.v.staged_numbers);
	CU_ASSERT_TRUE(build(&o, SITE_ZONE(3, "")));
	CU_ASSERT_TRUE(versions_serve(&o.v, o.p));
	versions_end(&o.v, o.p);
	turns_now(o.loop);
	CU_ASSERT_TRUE(jobs_stop(o.jobs, TURNS_PATIENCE_S)); /* all is let go of */
	CU_ASSERT_EQUAL(numbers->part.refs, 1);
	pool_numbers_drop(numbers);
	close_office(&o);
}

static void what_was_dropped_is_not_served(void)
{
	struct office o;

	open_office(&o);
	stage(&o);
	const struct registry *zones = publisher_live(o.p)->zones;
	versions_begin(&o.v, o.p);
	CU_ASSERT_TRUE(build(&o, SITE_ZONE(2, "")));
	versions_drop_made(&o.v);
	CU_ASSERT_FALSE(versions_serve(&o.v, o.p));
	CU_ASSERT_PTR_EQUAL(publisher_live(o.p)->zones, zones);
	versions_end(&o.v, o.p);
	CU_ASSERT_TRUE(is_empty(&o.v));
	close_office(&o);
}

/* A pool that the stage does not have: what is served goes on with the zone, the stage without. */
static void a_stage_that_does_not_fit_stays(void)
{
	struct office o;

	open_office(&o);
	stage(&o);
	site_put(&o.site, "t.yaml", SITE_CONF);
	const struct registry *staged = publisher_staged(o.p)->zones;
	versions_begin(&o.v, o.p);
	CU_ASSERT_TRUE(build(&o, SITE_ZONE(2, "two EDGE two\n")));
	CU_ASSERT_PTR_NULL(o.v.staged_zones);
	CU_ASSERT_PTR_NULL(o.v.staged_numbers);
	const struct registry *zones = o.v.zones;
	CU_ASSERT_TRUE(versions_serve(&o.v, o.p));
	CU_ASSERT_PTR_EQUAL(publisher_live(o.p)->zones, zones);
	CU_ASSERT_PTR_EQUAL(publisher_staged(o.p)->zones, staged);
	versions_end(&o.v, o.p);
	turns_now(o.loop);
	close_office(&o);
}

void suite_versions(void);
void suite_versions(void)
{
	static const struct unit_case cases[] = {
		{ "both get what was made", both_get_what_was_made },
		{ "what was made for a stage is not there when it has ended",
			what_was_made_for_a_stage_is_not_there_when_it_has_ended },
		{ "what was dropped is not served", what_was_dropped_is_not_served },
		{ "a stage that does not fit stays", a_stage_that_does_not_fit_stays },
	};

	unit_suite("daemon/versions", cases, UNIT_COUNT(cases));
}
