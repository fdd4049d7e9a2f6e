#include "daemon/fleet_zones.h"

#include "daemon/fleet_ask.h"
#include "daemon/fleet_lease.h"
#include "daemon/publish.h"
#include "daemon/worker_news.h"
#include "unit/daemon/site.h"
#include "unit/fleet/asker.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { ZONES = 400, AT_ONCE = 256 /* commits that are told in one turn */, SIGN_OF_LIFE = 100 /* bytes; what is said of a zone has less */ };

/* A server of a fleet with many zones, which changes none of them, and an engine that counts what it says of them. */
struct desk {
	struct asker at;
	struct site site;
	struct epoch epoch;
	struct publisher *p;
	struct worker_news *news;
	struct updates *updates;
	struct fleet_ask *ask;
	struct fleet_lease *lease;
	struct fleet *fleet;
	struct fleet_zones *zones;
	uint8_t states[2]; /* of the edges */
	unsigned said, wanted;
};

static bool answer(void *ctx, struct engine_call *c, const struct redisReply *words)
{
	struct desk *d = ctx;
	const char *word = words->element[0]->str, *reply = NULL;

	if (strcmp(word, "TIME") == 0)
		reply = "*2\r\n$10\r\n1764412800\r\n$1\r\n0\r\n";
	else if (strcmp(word, "HGETALL") == 0 || strcmp(word, "HKEYS") == 0)
		reply = "*0\r\n";
	else if (strcmp(word, "PUBLISH") == 0 || strcmp(word, "HSET") == 0)
		reply = ":0\r\n";
	d->said += strcmp(word, "PUBLISH") == 0 && words->element[2]->len < SIGN_OF_LIFE;
	if (reply)
		engine_send_to(c, reply, strlen(reply));
	return reply != NULL;
}

static struct standing *stand(void *ctx, const struct standing *before)
{
	const struct desk *d = ctx;

	(void)before;
	return standing_new(&(struct standing_opts){ .steer = publisher_live(d->p)->steer, .states = d->states });
}

static struct standing *stand_staged(void *ctx, const struct standing *live, const struct standing *before)
{
	(void)ctx;
	(void)live;
	(void)before;
	return NULL;
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	(void)ctx;
	(void)before;
	(void)now;
}

static void in_step(void *ctx)
{
	(void)ctx;
}

static bool is_up(void *ctx)
{
	return fleet_is_caught_up(((struct desk *)ctx)->fleet);
}

static bool is_said(void *ctx)
{
	const struct desk *d = ctx;

	return d->said >= d->wanted;
}

static void join(struct desk *d)
{
	static const uint8_t secret[FLEET_SECRET] = { 1 };

	d->fleet = fleet_new(&(struct fleet_opts){ .loop = d->at.loop, .jobs = d->at.jobs, .lane = d->at.lane, .holder = &d->at.holder,
		.name = "test", .server = "ns1", .region = "", .redis = { .at = d->at.at, .n = d->at.n }, .secret = secret });
	fleet_zones_set(d->zones, d->fleet, &(struct conf_fleet){ .name = "test", .server = "ns1" });
	CU_ASSERT_TRUE_FATAL(turns_until(d->at.loop, is_up, d));
}

static void leave(struct desk *d)
{
	fleet_zones_set(d->zones, NULL, NULL);
	fleet_free(d->fleet);
}

static const uint8_t *apex_of(uint8_t to[8], unsigned i)
{
	snprintf((char *)to, 8, "%c%u", 4, 1000 + i);
	return to;
}

static void commit(struct desk *d, unsigned from, unsigned to)
{
	uint8_t apex[8];

	for (unsigned i = from; i < to; i++)
		fleet_zones_committed(d->zones, apex_of(apex, i));
}

/* What is served from now on. */
static void read_zones(struct desk *d, unsigned n)
{
	char name[32];

	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(name, sizeof name, "zones/%u.zone", 1000 + i);
		if (i < n)
			site_put(&d->site, name, SITE_ZONE(1, ""));
		else
			site_remove(&d->site, name);
	}
	struct parts next = site_read(&d->site, d->p ? publisher_live(d->p) : NULL);
	if (d->p) {
		publisher_take(d->p, &next);
		return;
	}
	d->p = publisher_new(&(struct publisher_opts){ .loop = d->at.loop, .jobs = d->at.jobs, .epoch = &d->epoch }, &next);
	publisher_set_health(d->p, &(struct publisher_health){ d, stand, stand_staged, changes });
	publisher_now(d->p);
}

static void open_desk(struct desk *d)
{
	struct fault why;

	*d = (struct desk){ .said = 0 };
	asker_open(&d->at);
	d->at.engine.answer = answer;
	d->at.engine.ctx = d;
	asker_url(&d->at, "redis://127.0.0.1:%u", d->at.engine.port);
	site_open(&d->site);
	site_put(&d->site, "t.yaml",
		"server: { listen: \"127.0.0.1:5300\" }\nstore: { file: w.db }\n"
		"fleet: { redis: \"redis://127.0.0.1:1\", name: test, server: ns1, secret: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\" }\n"
		"zones: [ { dir: zones, fleet: on } ]\n" SITE_EDGES SITE_POOLS);
	CU_ASSERT_TRUE_FATAL(epoch_open(&d->epoch, &why));
	read_zones(d, ZONES);
	d->news = worker_news_new(d->at.loop);
	d->ask = fleet_ask_new(d->at.loop);
	d->lease = fleet_lease_new(d->at.loop, in_step, d);
	d->updates = updates_new(&(struct updates_opts){ .jobs = d->at.jobs, .publisher = d->p, .news = d->news });
	d->zones = fleet_zones_new(&(struct fleet_zones_opts){ .loop = d->at.loop, .publisher = d->p, .updates = d->updates, .ask = d->ask,
		.lease = d->lease, .in_step = in_step });
	CU_ASSERT_EQUAL(fleet_zones_sum(d->zones).n, ZONES + 2);
	join(d);
}

static void close_desk(struct desk *d)
{
	leave(d);
	CU_ASSERT_TRUE(jobs_stop(d->at.jobs, TURNS_PATIENCE_S));
	fleet_zones_free(d->zones);
	updates_free(d->updates);
	fleet_ask_free(d->ask);
	fleet_lease_free(d->lease);
	worker_news_free(d->news);
	publisher_free(d->p);
	epoch_close(&d->epoch);
	site_close(&d->site);
	asker_close(&d->at);
}

/* For some ticks. */
static void pass(struct desk *d)
{
	const ev_tstamp until = ev_time() + 0.15;

	while (ev_time() < until) {
		ev_run(d->at.loop, EVRUN_NOWAIT);
		ev_sleep(0.005);
	}
}

static void commits_of_many_zones_are_told_some_at_a_time(void)
{
	static struct desk d;
	uint8_t apex[8];

	open_desk(&d);
	const uint64_t before = fleet_counts(d.fleet).said;
	commit(&d, 0, ZONES);
	commit(&d, 290, 300); /* once more, before they were told of */
	CU_ASSERT_EQUAL(fleet_counts(d.fleet).said - before, AT_ONCE);
	read_zones(&d, 300);
	d.wanted = 300;
	CU_ASSERT_TRUE(turns_until(d.at.loop, is_said, &d));
	pass(&d);
	CU_ASSERT_EQUAL(d.said, 300); /* those that are there no more are not told of */
	fleet_zones_committed(d.zones, apex_of(apex, ZONES - 1)); /* it is not there any more */
	commit(&d, 0, 1);
	d.wanted = 301;
	CU_ASSERT_TRUE(turns_until(d.at.loop, is_said, &d));
	pass(&d);
	commit(&d, 0, 300);
	leave(&d); /* there is nobody to tell of the others */
	pass(&d);
	d.said = 0;
	join(&d);
	pass(&d);
	commit(&d, 299, 300);
	d.wanted = 1;
	CU_ASSERT_TRUE(turns_until(d.at.loop, is_said, &d));
	pass(&d);
	CU_ASSERT_EQUAL(d.said, 1);
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "commits of many zones are told some at a time", commits_of_many_zones_are_told_some_at_a_time },
};

void suite_fleet_zones(void);
void suite_fleet_zones(void)
{
	unit_suite("daemon/fleet_zones", cases, UNIT_COUNT(cases));
}
