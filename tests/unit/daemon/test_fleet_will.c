#include "daemon/fleet_will.h"

#include "base/arena.h"
#include "unit/daemon/site.h"
#include "unit/fleet/hashes.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

/* --- servers of a fleet, and their engine -------------------------------------------------- */

enum { SERVERS = 3 };
#define WILL "waymark:{test}:will"

struct server {
	char name[8];
	struct fleet *fleet;
	struct forcing *forcing;
	struct fleet_will *will;
	bool caught_up;
};

struct realm {
	struct site site;
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;
	struct epoch epoch;
	struct publisher *p; /* of all: they have one configuration */
	struct arena mem;
	struct redis_at at;
	struct hashes engine;
	struct server of[SERVERS];
};

static void no_part(struct part *p)
{
	(void)p;
}

static struct part holder;

static void on_forced(void *ctx, bool holds)
{
	struct server *s = ctx;

	(void)holds;
	if (s->will)
		fleet_will_follow(s->will);
}

static void on_changed(void *ctx)
{
	(void)ctx;
}

static void on_caught_up(void *ctx)
{
	((struct server *)ctx)->caught_up = true;
}

static bool is_caught_up(void *ctx)
{
	return ((struct server *)ctx)->caught_up;
}

static struct server *start(struct realm *r, unsigned i)
{
	static const uint8_t secret[FLEET_SECRET] = { 7 };
	struct server *s = &r->of[i];

	snprintf(s->name, sizeof s->name, "ns%u", i + 1);
	s->forcing = forcing_new(&(struct forcing_opts){ .loop = r->loop, .publisher = r->p, .changed = on_forced, .ctx = s });
	forcing_begin(s->forcing);
	s->fleet = fleet_new(&(struct fleet_opts){ .loop = r->loop,
		.jobs = r->jobs,
		.lane = r->lane,
		.holder = &holder,
		.name = "test",
		.server = s->name,
		.region = "",
		.redis = { .at = &r->at, .n = 1 },
		.secret = secret });
	s->will = fleet_will_new(&(struct fleet_will_opts){ .loop = r->loop,
		.fleet = s->fleet,
		.forcing = s->forcing,
		.server = s->name,
		.ctx = s,
		.changed = on_changed,
		.caught_up = on_caught_up });
	CU_ASSERT_TRUE_FATAL(turns_until(r->loop, is_caught_up, s));
	return s;
}

static void open_realm(struct realm *r)
{
	char url[60];
	struct fault why;

	memset(r, 0, sizeof *r);
	holder = part_new(no_part);
	r->loop = ev_loop_new(EVFLAG_NOENV);
	site_open(&r->site);
	r->jobs = jobs_new(r->loop);
	r->lane = jobs_lane(r->jobs, 2, JOBS_PROMPT);
	CU_ASSERT_TRUE_FATAL(epoch_open(&r->epoch, &why));
	struct parts first = site_read(&r->site, NULL);
	r->p = publisher_new(&(struct publisher_opts){ .loop = r->loop, .jobs = r->jobs, .epoch = &r->epoch }, &first);
	hashes_open(&r->engine, r->loop);
	snprintf(url, sizeof url, "redis://127.0.0.1:%u", r->engine.engine.port);
	CU_ASSERT_TRUE_FATAL(redis_at_parse(&r->at, url, &r->mem, &why));
}

static void close_realm(struct realm *r)
{
	for (unsigned i = 0; i < SERVERS && r->of[i].fleet; i++) {
		fleet_will_free(r->of[i].will);
		r->of[i].will = NULL;
		fleet_free(r->of[i].fleet);
		forcing_free(r->of[i].forcing);
	}
	CU_ASSERT_TRUE(jobs_stop(r->jobs, TURNS_PATIENCE_S));
	CU_ASSERT_EQUAL(holder.refs, 1);
	publisher_free(r->p);
	epoch_close(&r->epoch);
	jobs_free(r->jobs);
	hashes_close(&r->engine);
	ev_loop_destroy(r->loop);
	arena_fini(&r->mem);
	site_close(&r->site);
}

static void force(struct server *s, const struct forcing_ask *ask)
{
	struct fault why = { .text = "" };

	CU_ASSERT_TRUE(forcing_take(s->forcing, ask, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "");
	fleet_will_follow(s->will);
}

static void force_state(struct server *s, const char *edge, const char *state)
{
	force(s, &(struct forcing_ask){ .edge = edge, .pool = "", .state = state, .why = "" });
}

/* "ams down, nyc in web weight 3": what a server has, in the order of its list. */
static const char *has(const struct server *s)
{
	static char text[600];
	const struct forced_list *l = forcing_list(s->forcing);
	char what[32];

	text[0] = 0;
	for (size_t i = 0; i < l->n; i++)
		sprintf(text + strlen(text), "%s%s%s%s %s", i ? ", " : "", l->of[i].edge, *l->of[i].pool ? " in " : "",
			l->of[i].pool, forced_text(&l->of[i], what));
	return text;
}

struct wanted {
	const struct server *s;
	const char *has;
};

static bool has_that(void *ctx)
{
	const struct wanted *w = ctx;

	return strcmp(has(w->s), w->has) == 0;
}

static bool comes_to_have(struct realm *r, const struct server *s, const char *what)
{
	return turns_until(r->loop, has_that, &(struct wanted){ s, what });
}

/* --- what holds --------------------------------------------------------------------------- */

static void what_is_wanted_at_one_server_holds_at_all(void)
{
	static const char all[] = "ams down, * in web drain, nyc weight 3";
	static struct realm r;
	struct fault why;

	open_realm(&r);
	struct server *a = start(&r, 0), *b = start(&r, 1);
	force_state(a, "ams", "down");
	force(a, &(struct forcing_ask){ .edge = "*", .pool = "web", .state = "drain", .why = "a test" });
	force(a, &(struct forcing_ask){ .edge = "nyc", .pool = "", .weight = 3, .why = "", .for_ms = 3600000 });
	CU_ASSERT_TRUE(comes_to_have(&r, b, all));
	/* Who comes later hears it from the engine. */
	struct server *c = start(&r, 2);
	CU_ASSERT_STRING_EQUAL(has(c), all);
	const struct forced *of_a = forcing_list(a->forcing)->of, *of_c = forcing_list(c->forcing)->of;
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(of_a[i].fleet_at && of_a[i].fleet_at == of_c[i].fleet_at);
		CU_ASSERT_STRING_EQUAL(of_a[i].who, of_c[i].who);
		CU_ASSERT_STRING_EQUAL(of_a[i].why, of_c[i].why);
		CU_ASSERT_EQUAL(of_a[i].when_s, of_c[i].when_s);
	}
	CU_ASSERT(of_c[0].until_us == UINT64_MAX && of_c[2].until_us != UINT64_MAX);
	CU_ASSERT(fleet_will_count(a->will) == 3 && fleet_will_count(b->will) == 3 && fleet_will_count(c->will) == 3);
	CU_ASSERT(fleet_will_digest(a->will) && fleet_will_digest(a->will) == fleet_will_digest(b->will));
	CU_ASSERT_EQUAL(fleet_will_digest(a->will), fleet_will_digest(c->will));
	/* And each of them ends it for all. */
	CU_ASSERT_TRUE(forcing_revoke(b->forcing, forcing_list(b->forcing)->of[0].id, 0, &why));
	fleet_will_follow(b->will);
	CU_ASSERT_TRUE(comes_to_have(&r, a, "* in web drain, nyc weight 3"));
	CU_ASSERT_TRUE(comes_to_have(&r, c, "* in web drain, nyc weight 3"));
	CU_ASSERT_EQUAL(fleet_will_count(a->will), 2);
	CU_ASSERT_EQUAL(fleet_will_digest(a->will), fleet_will_digest(b->will));
	CU_ASSERT(fleet_will_conflicts(a->will) == 0 && fleet_will_odd(a->will) == 0);
	/* That it has ended is kept, too: else who was away would bring it back. */
	CU_ASSERT_EQUAL(hashes_count(&r.engine, WILL), 3);
	close_realm(&r);
}

static void what_is_wanted_of_one_server_alone_stays_there(void)
{
	static struct realm r;

	open_realm(&r);
	struct server *a = start(&r, 0), *b = start(&r, 1);
	force(a, &(struct forcing_ask){ .edge = "ams", .pool = "", .state = "down", .why = "", .here = true });
	force_state(a, "nyc", "drain"); /* said after it, and heard */
	CU_ASSERT_TRUE(comes_to_have(&r, b, "nyc drain"));
	CU_ASSERT_STRING_EQUAL(has(a), "ams down, nyc drain");
	CU_ASSERT_EQUAL(fleet_will_count(a->will), 1);
	CU_ASSERT_EQUAL(hashes_count(&r.engine, WILL), 1);
	close_realm(&r);
}

static bool is_at_odds(void *ctx)
{
	return fleet_will_odd(((struct server *)ctx)->will) == 1;
}

static bool is_at_peace(void *ctx)
{
	return fleet_will_odd(((struct server *)ctx)->will) == 0;
}

static void of_two_who_had_not_heard_of_each_other_the_later_holds(void)
{
	static struct realm r;

	open_realm(&r);
	struct server *a = start(&r, 0), *b = start(&r, 1);
	r.engine.holds = true;
	force_state(a, "ams", "down");
	force_state(b, "ams", "drain");
	CU_ASSERT_STRING_EQUAL(has(a), "ams down");
	/* By the fleet's clock, as far as each knows it. */
	const bool a_is_later = forcing_list(a->forcing)->of->fleet_at > forcing_list(b->forcing)->of->fleet_at;
	const char *later = a_is_later ? "ams down" : "ams drain";
	hashes_pass_on(&r.engine);
	CU_ASSERT_TRUE(turns_until(r.loop, is_at_odds, a));
	CU_ASSERT_TRUE(turns_until(r.loop, is_at_odds, b));
	CU_ASSERT_STRING_EQUAL(has(a), later);
	CU_ASSERT_STRING_EQUAL(has(b), later);
	CU_ASSERT(fleet_will_conflicts(a->will) == 1 && fleet_will_conflicts(b->will) == 1);
	CU_ASSERT_EQUAL(fleet_will_digest(a->will), fleet_will_digest(b->will));
	/* An operator says that it is right, and all know. */
	CU_ASSERT_EQUAL(fleet_will_accept(a->will, "someone"), 1);
	CU_ASSERT_EQUAL(fleet_will_odd(a->will), 0);
	CU_ASSERT_TRUE(turns_until(r.loop, is_at_peace, b));
	CU_ASSERT_EQUAL(fleet_will_accept(b->will, "someone"), 0);
	CU_ASSERT_STRING_EQUAL(has(b), later);
	close_realm(&r);
}

/* --- an engine that fails ----------------------------------------------------------------- */

static bool is_greeted(void *ctx)
{
	return hashes_count(ctx, "waymark:{test}:hello") == 1;
}

static void on_replied(void *ctx, const struct redisReply *reply)
{
	*(bool *)ctx = reply != NULL;
}

static bool is_true(void *ctx)
{
	return *(bool *)ctx;
}

/* A sign of life is kept there, and the server knows it: from then on it sees that one is forgotten. */
static void greets(struct realm *r, struct server *s)
{
	static const struct redis_word ping = { "PING", 4 };
	static bool replied;

	replied = false;
	CU_ASSERT_TRUE(turns_until(r->loop, is_greeted, &r->engine));
	CU_ASSERT_TRUE(fleet_send(s->fleet, &ping, 1, on_replied, &replied));
	CU_ASSERT_TRUE(turns_until(r->loop, is_true, &replied));
}

static bool is_kept(void *ctx)
{
	return hashes_count(ctx, WILL) == 1;
}

static void what_the_engine_has_forgotten_is_put_there_again(void)
{
	static struct realm r;

	open_realm(&r);
	struct server *a = start(&r, 0);
	greets(&r, a);
	force_state(a, "ams", "down");
	CU_ASSERT_TRUE(turns_until(r.loop, is_kept, &r.engine));
	hashes_forget(&r.engine);
	fleet_hello_soon(a->fleet);
	CU_ASSERT_TRUE(turns_until(r.loop, is_kept, &r.engine));
	CU_ASSERT_STRING_EQUAL(has(start(&r, 1)), "ams down");
	close_realm(&r);
}

static void who_is_there_hears_it_though_the_engine_keeps_nothing(void)
{
	static struct realm r;

	open_realm(&r);
	r.engine.refuses = true;
	struct server *a = start(&r, 0), *b = start(&r, 1);
	force_state(a, "ams", "down");
	CU_ASSERT_TRUE(comes_to_have(&r, b, "ams down"));
	CU_ASSERT_EQUAL(hashes_count(&r.engine, WILL), 0);
	close_realm(&r);
}

static void what_nobody_of_the_fleet_has_sealed_is_passed_over(void)
{
	static const uint8_t other[FLEET_SECRET] = { 8 }, ours[FLEET_SECRET] = { 7 };
	static const char text[] = "{\"at\":\"0123456789abcdef\",\"edge\":\"ams\",\"state\":\"down\"}",
			  senseless[] = "{\"at\":\"0123456789abcdef\",\"edge\":\"ams\",\"state\":\"away\"}";
	static struct realm r;
	struct fleet_keys keys;
	char value[200] = "0123456789abcdef";
	size_t n;

	open_realm(&r);
	hashes_set(&r.engine, WILL, "short", "0123", 4);
	hashes_set(&r.engine, WILL, "version", value, 16);
	hashes_set(&r.engine, WILL, "plain", text, sizeof text - 1);
	fleet_keys_make(&keys, "test", other, NULL);
	n = fleet_seal(&keys, "will", (const uint8_t *)text, sizeof text - 1, (uint8_t *)value + 16);
	hashes_set(&r.engine, WILL, "another secret", value, 16 + n);
	fleet_keys_make(&keys, "test", ours, NULL);
	n = fleet_seal(&keys, "times", (const uint8_t *)text, sizeof text - 1, (uint8_t *)value + 16);
	hashes_set(&r.engine, WILL, "about another thing", value, 16 + n);
	n = fleet_seal(&keys, "will", (const uint8_t *)senseless, sizeof senseless - 1, (uint8_t *)value + 16);
	hashes_set(&r.engine, WILL, "no state", value, 16 + n);
	struct server *a = start(&r, 0);
	CU_ASSERT_STRING_EQUAL(has(a), "");
	CU_ASSERT(fleet_will_count(a->will) == 0 && fleet_will_digest(a->will) == 0);
	/* And the same well sealed is taken. */
	n = fleet_seal(&keys, "will", (const uint8_t *)text, sizeof text - 1, (uint8_t *)value + 16);
	hashes_set(&r.engine, WILL, "well", value, 16 + n);
	CU_ASSERT_STRING_EQUAL(has(start(&r, 1)), "ams down");
	close_realm(&r);
}

void suite_fleet_will(void)
{
	static const struct unit_case cases[] = {
		{ "what is wanted at one server holds at all", what_is_wanted_at_one_server_holds_at_all },
		{ "what is wanted of one server alone stays there", what_is_wanted_of_one_server_alone_stays_there },
		{ "of two who had not heard of each other the later holds",
			of_two_who_had_not_heard_of_each_other_the_later_holds },
		{ "what the engine has forgotten is put there again", what_the_engine_has_forgotten_is_put_there_again },
		{ "who is there hears it though the engine keeps nothing",
			who_is_there_hears_it_though_the_engine_keeps_nothing },
		{ "what nobody of the fleet has sealed is passed over", what_nobody_of_the_fleet_has_sealed_is_passed_over },
	};

	unit_suite("daemon/fleet_will", cases, UNIT_COUNT(cases));
}
