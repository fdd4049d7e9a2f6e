#include "daemon/fleet_health.h"

#include "base/arena.h"
#include "unit/fleet/hashes.h"
#include "unit/net/serving.h"
#include "unit/probe/probing.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

enum { SERVERS = 2, TARGETS = 2 };

/* Two servers of a fleet that probe the same two addresses, and their engine, in one loop. */
static struct realm {
	struct probing p;       /* the first's; what both probe */
	struct probed edge[TARGETS];
	bool listens[TARGETS];
	struct jobs *jobs;
	unsigned lane;
	struct arena mem;
	struct redis_at at;
	struct hashes engine;
	struct server {
		struct probing p; /* a copy, with a round of its own */
		char name[8];
		struct fleet *fleet;
		struct fleet_health *health;
	} of[SERVERS];
	/* What is waited for: "ud" of the first's or the second's targets. */
	unsigned who;
	const char *what;
} r;

static struct part holder;

static void no_part(struct part *p)
{
	(void)p;
}

static void on_round(void *ctx, bool soon)
{
	const struct server *s = ctx;

	(void)soon;
	if (s->health)
		fleet_health_changed(s->health);
}

static void on_first(void *ctx)
{
	(void)ctx;
}

static void on_judged(void *ctx)
{
	(void)ctx;
}

static void start(unsigned i)
{
	static const uint8_t secret[FLEET_SECRET] = { 7 };
	struct server *s = &r.of[i];

	snprintf(s->name, sizeof s->name, "ns%u", i + 1);
	s->p = r.p;
	s->p.round = round_new(&(struct round_opts){ .loop = r.p.loop, .seed = 7 + i, .ctx = s, .changed = on_round, .first = on_first });
	probing_plan(&s->p);
	s->fleet = fleet_new(&(struct fleet_opts){ .loop = r.p.loop, .jobs = r.jobs, .lane = r.lane, .holder = &holder, .name = "test", .server = s->name,
		.region = "", .redis = { .at = &r.at, .n = 1 }, .secret = secret });
	s->health = fleet_health_new(&(struct fleet_health_opts){ .loop = r.p.loop, .fleet = s->fleet, .server = s->name, .region = "",
		.rule = { 2.0 / 3, false }, .round = s->p.round, .ctx = s, .changed = on_judged });
}

static void end(unsigned i)
{
	struct server *s = &r.of[i];

	fleet_health_free(s->health);
	s->health = NULL;
	fleet_free(s->fleet);
	round_free(s->p.round);
}

static void open_realm(void)
{
	static const char *const addresses[TARGETS] = { "127.0.0.1", "127.0.0.2" };
	struct net_address at = serving_address("127.0.0.1");
	char url[60];
	struct fault why;

	memset(&r, 0, sizeof r);
	holder = part_new(no_part);
	probing_open(&r.p, addresses, TARGETS, serving_port(&at));
	for (unsigned i = 0; i < TARGETS; i++) {
		probed_open_at(&r.edge[i], r.p.loop, addresses[i], SOCK_STREAM, serving_port(&at));
		r.listens[i] = true;
	}
	r.jobs = jobs_new(r.p.loop);
	r.lane = jobs_lane(r.jobs, 2, JOBS_PROMPT);
	hashes_open(&r.engine, r.p.loop);
	snprintf(url, sizeof url, "redis://127.0.0.1:%u", r.engine.engine.port);
	CU_ASSERT_TRUE_FATAL(redis_at_parse(&r.at, url, &r.mem, &why));
	start(0);
	start(1);
}

static void close_realm(void)
{
	end(0);
	CU_ASSERT_TRUE(jobs_stop(r.jobs, TURNS_PATIENCE_S));
	jobs_free(r.jobs);
	hashes_close(&r.engine);
	for (unsigned i = 0; i < TARGETS; i++)
		if (r.listens[i])
			probed_close(&r.edge[i]);
	arena_fini(&r.mem);
	probing_close(&r.p);
}

/* What a server finds of a target from now on. */
static void probe(unsigned who, unsigned target, bool up)
{
	if (!up && r.listens[target])
		probed_close(&r.edge[target]);
	r.listens[target] = up;
	probing_now(&r.of[who].p, target);
	CU_ASSERT_EQUAL(round_verdicts(r.of[who].p.round)[target].up, up);
}

static bool is_judged(void *ctx)
{
	const struct verdict *v = fleet_health_judge(r.of[r.who].health);

	(void)ctx;
	for (unsigned i = 0; i < TARGETS; i++)
		if ((v[i].known ? (v[i].up ? 'u' : 'd') : '-') != r.what[i])
			return false;
	return true;
}

static bool judges(unsigned who, const char *what)
{
	r.who = who;
	r.what = what;
	return turns_until(r.p.loop, is_judged, NULL);
}

static bool says(void *ctx)
{
	struct text is = { 0 };

	(void)ctx;
	fleet_health_say(r.of[r.who].health, 0, &is);
	const bool same = strcmp(text_get(&is), r.what) == 0;
	text_fini(&is);
	return same;
}

static void told(unsigned who, const char *what)
{
	r.who = who;
	r.what = what;
	if (!turns_until(r.p.loop, says, NULL))
		CU_FAIL(what);
}

static bool has_others(void *ctx)
{
	(void)ctx;
	fleet_health_judge(r.of[0].health);
	return fleet_health_sum(r.of[0].health).others == r.who;
}

static void verdicts_of_all_become_those_that_hold(void)
{
	open_realm();
	for (unsigned i = 0; i < SERVERS; i++)
		for (unsigned t = 0; t < TARGETS; t++)
			probe(i, t, true);
	CU_ASSERT(judges(0, "uu") && judges(1, "uu"));
	told(0, "all 2 say up");
	told(1, "all 2 say up");
	/* One alone does not make it down, and is outvoted himself. */
	probe(1, 0, false);
	told(0, "1 of 2 say down: ns2; 1 of 2 say up: ns1");
	CU_ASSERT(judges(0, "uu") && judges(1, "uu"));
	CU_ASSERT_EQUAL(fleet_health_sum(r.of[0].health).outvoted, 0);
	CU_ASSERT_EQUAL(fleet_health_sum(r.of[1].health).outvoted, 1);
	struct still *s = still_take(r.of[1].p.round, true);
	fleet_health_show(r.of[1].health, s);
	CU_ASSERT(s->verdicts[0].up && s->views[0].outvoted && !s->views[1].outvoted);
	CU_ASSERT_STRING_EQUAL(s->views[0].fleet, "1 of 2 say down: ns2; 1 of 2 say up: ns1");
	CU_ASSERT_STRING_EQUAL(s->views[1].fleet, "all 2 say up");
	still_free(s);
	/* Both do. */
	probe(0, 0, false);
	CU_ASSERT(judges(0, "du") && judges(1, "du"));
	told(1, "all 2 say down");
	CU_ASSERT_EQUAL(fleet_health_sum(r.of[1].health).outvoted, 0);
	/* Who sees nothing up while another does has lost his own network. */
	probe(0, 1, false);
	CU_ASSERT(judges(0, "du") && judges(1, "du"));
	struct fleet_health_sum sum = fleet_health_sum(r.of[0].health);
	CU_ASSERT(sum.blind && !sum.holds && sum.others == 1 && sum.outvoted == 1);
	told(0, "1 of 1 say down: ns2; not counted, since all is down there: ns1");
	/* Where nobody else is there any more, what was known last holds on. */
	end(1);
	r.who = 0;
	CU_ASSERT_TRUE(turns_until(r.p.loop, has_others, NULL));
	CU_ASSERT_TRUE(judges(0, "du"));
	sum = fleet_health_sum(r.of[0].health);
	CU_ASSERT(sum.holds && !sum.blind && sum.others == 0);
	told(0, "no other server is there, and we see nothing up: what the fleet last knew");
	/* And we see something again: then it is ours alone. */
	probed_open_at(&r.edge[0], r.p.loop, "127.0.0.1", SOCK_STREAM, r.edge[0].port);
	probe(0, 0, true);
	CU_ASSERT_TRUE(judges(0, "ud"));
	CU_ASSERT_FALSE(fleet_health_sum(r.of[0].health).holds);
	told(0, "");
	close_realm();
}

void suite_fleet_health(void);
void suite_fleet_health(void)
{
	static const struct unit_case cases[] = {
		{ "verdicts of all become those that hold", verdicts_of_all_become_those_that_hold },
	};

	unit_suite("daemon/fleet_health", cases, UNIT_COUNT(cases));
}
