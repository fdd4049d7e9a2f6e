#include "fleet/fleet.h"

#include "unit/fleet/asker.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <hiredis/hiredis.h>
#include <string.h>

/* A server of a fleet, whose Redis does not keep all that it is told. */
struct server {
	struct asker at;
	struct fleet *fleet;
	const char *refuses; /* the topic that it does not keep; "": all are kept; "all" */
	unsigned hellos, kept, refused, lost;
};

static bool answer(void *ctx, struct engine_call *c, const struct redisReply *words)
{
	struct server *s = ctx;
	const char *word = words->element[0]->str, *reply = NULL;

	if (strcmp(word, "TIME") == 0)
		reply = "*2\r\n$10\r\n1764412800\r\n$1\r\n0\r\n";
	else if (strcmp(word, "HGETALL") == 0 || strcmp(word, "HKEYS") == 0)
		reply = "*0\r\n";
	else if (strcmp(word, "PUBLISH") == 0)
		reply = ":1\r\n";
	if (strcmp(word, "HSET") == 0) {
		const char *topic = strrchr(words->element[1]->str, ':') + 1;
		const bool keeps = strcmp(s->refuses, topic) != 0 && strcmp(s->refuses, "all") != 0;
		s->hellos += keeps && strcmp(topic, "hello") == 0;
		s->kept += keeps && strcmp(topic, "hello") != 0;
		s->refused += !keeps;
		reply = keeps ? ":0\r\n" : "-NOPERM no permissions to access a key\r\n";
	}
	if (reply)
		engine_send_to(c, reply, strlen(reply));
	return reply != NULL;
}

/* As followers do: each keeps what it has. */
static void on_lost(void *ctx)
{
	struct server *s = ctx;

	s->lost++;
	fleet_keep(s->fleet, FLEET_HEALTH, (const uint8_t *)"verdicts", 8);
	fleet_keep(s->fleet, FLEET_ORDERS, (const uint8_t *)"orders", 6);
}

static void server_open(struct server *s)
{
	static const uint8_t secret[FLEET_SECRET] = { 1 };

	*s = (struct server){ .refuses = "" };
	asker_open(&s->at);
	s->at.engine.answer = answer;
	s->at.engine.ctx = s;
	asker_url(&s->at, "redis://127.0.0.1:%u", s->at.engine.port);
	s->fleet = fleet_new(&(struct fleet_opts){ .loop = s->at.loop, .jobs = s->at.jobs, .lane = s->at.lane, .holder = &s->at.holder,
		.name = "test", .server = "ns1", .region = "", .redis = { .at = s->at.at, .n = s->at.n }, .secret = secret });
	fleet_follow(s->fleet, FLEET_HEALTH, &(struct fleet_follower){ .ctx = s, .lost = on_lost });
}

static void server_close(struct server *s)
{
	fleet_free(s->fleet);
	s->fleet = NULL;
	asker_close(&s->at);
}

static bool has_hellos(void *ctx)
{
	return ((const struct server *)ctx)->hellos >= 2;
}

/* Until so many signs of life more were kept. */
static void wait_hellos(struct server *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		s->hellos = 1;
		fleet_hello_soon(s->fleet);
		CU_ASSERT_TRUE_FATAL(turns_until(s->at.loop, has_hellos, s));
	}
	turns_now(s->at.loop);
}

static void what_was_refused_is_said_again_once_something_is_kept(void)
{
	static struct server s;

	server_open(&s);
	wait_hellos(&s, 2);
	CU_ASSERT(s.lost == 0 && !fleet_counts(s.fleet).is_full);
	s.refuses = "all";
	fleet_keep(s.fleet, FLEET_HEALTH, (const uint8_t *)"verdicts", 8);
	while (!s.refused)
		ev_run(s.at.loop, EVRUN_ONCE);
	turns_now(s.at.loop);
	s.refuses = "";
	wait_hellos(&s, 1);
	CU_ASSERT_EQUAL(s.lost, 1);
	wait_hellos(&s, 1);
	CU_ASSERT(s.lost == 1 && s.kept == 2 && !fleet_counts(s.fleet).is_full);
	server_close(&s);
}

/* An ACL that knows not all topics; a key of another kind. */
static void one_topic_that_is_refused_does_not_have_all_said_over_and_over(void)
{
	static struct server s;

	server_open(&s);
	wait_hellos(&s, 2);
	s.refuses = "health";
	on_lost(&s);
	s.lost = 0;
	wait_hellos(&s, 20);
	/* Again after the first sign of life, and then not before 2, 4, 8 s ... are over. */
	CU_ASSERT(s.lost >= 1 && s.lost <= 6 && s.refused <= 1 + s.lost && fleet_counts(s.fleet).is_full);
	server_close(&s);
}

void suite_fleet(void);
void suite_fleet(void)
{
	static const struct unit_case cases[] = {
		{ "what was refused is said again once something is kept", what_was_refused_is_said_again_once_something_is_kept },
		{ "one topic that is refused does not have all said over and over",
			one_topic_that_is_refused_does_not_have_all_said_over_and_over },
	};

	unit_suite("fleet/fleet", cases, UNIT_COUNT(cases));
}
