#include "daemon/fleet_lease.h"

#include "unit/fleet/asker.h"
#include "unit/net/serving.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { LEASES = 4, LOG = 4000 };

/* A server with several leases of one fleet, each of another name, and an engine that says of each what its test wants. */
struct desk {
	struct asker at;
	struct fleet *fleet;
	struct one {
		struct fleet_lease *lease;
		unsigned asked, given, gained;
		struct desk *of;
	} one[LEASES];
	char token[100]; /* the last that was asked with */
	char log[LOG];
};

/* Of lease 0 the engine says two times that it cannot, and then that it is ours. Lease 1 is ours, and then somebody else's, who
 * writes what is no name. Lease 2 is another's all the time. Of lease 3 it says what nobody understands. */
static bool say(void *ctx, struct engine_call *c, const struct redisReply *words)
{
	struct desk *d = ctx;
	const char *word = words->element[0]->str;
	char says[300];

	if (strcmp(word, "TIME") == 0)
		snprintf(says, sizeof says, "*2\r\n$10\r\n1764412800\r\n$1\r\n0\r\n");
	else if (strcmp(word, "HGETALL") == 0 || strcmp(word, "HKEYS") == 0)
		snprintf(says, sizeof says, "*0\r\n");
	else if (strcmp(word, "PUBLISH") == 0 || strcmp(word, "HSET") == 0)
		snprintf(says, sizeof says, ":0\r\n");
	else if (strcmp(word, "EVAL") == 0) {
		struct one *x = &d->one[words->element[3]->str[strlen("waymark:{l")] - '0'];
		const unsigned i = (unsigned)(x - d->one);
		const struct redisReply *token = words->element[4];
		if (strstr(words->element[1]->str, "DEL")) {
			x->given++;
			snprintf(says, sizeof says, "*1\r\n:1\r\n");
			engine_send_to(c, says, strlen(says));
			return true;
		}
		x->asked++;
		CU_ASSERT_STRING_EQUAL(words->element[5]->str, "5000");
		snprintf(d->token, sizeof d->token, "%s", token->str);
		if (i == 0 && x->asked <= 2)
			snprintf(says, sizeof says, "-ERR no room\r\n");
		else if (i == 0 || (i == 1 && x->asked == 1))
			snprintf(says, sizeof says, "*2\r\n:1\r\n$%zu\r\n%s\r\n", token->len, token->str);
		else if (i == 1)
			snprintf(says, sizeof says, "*2\r\n:0\r\n$8\r\nns\x01\x7f life\r\n");
		else if (i == 2)
			snprintf(says, sizeof says, "*2\r\n:0\r\n$7\r\nns2 abc\r\n");
		else
			snprintf(says, sizeof says, "*2\r\n$1\r\n1\r\n:1\r\n");
	} else {
		return false;
	}
	engine_send_to(c, says, strlen(says));
	return true;
}

static void gained(void *ctx)
{
	((struct one *)ctx)->gained++;
}

static bool is_up(void *ctx)
{
	return fleet_is_caught_up(((struct desk *)ctx)->fleet);
}

static bool is_asked_thrice(void *ctx)
{
	const struct desk *d = ctx;

	return d->one[0].asked >= 3 && d->one[0].gained && d->one[1].asked >= 2 && *fleet_lease_holder(d->one[1].lease) &&
		strcmp(fleet_lease_holder(d->one[1].lease), "ns1") != 0;
}

static void open_desk(struct desk *d)
{
	static const uint8_t secret[FLEET_SECRET] = { 1 };
	char name[8];

	memset(d, 0, sizeof *d);
	asker_open(&d->at);
	d->at.engine.answer = say;
	d->at.engine.ctx = d;
	asker_url(&d->at, "redis://127.0.0.1:%u", d->at.engine.port);
	d->fleet = fleet_new(&(struct fleet_opts){ .loop = d->at.loop, .jobs = d->at.jobs, .lane = d->at.lane, .holder = &d->at.holder,
		.name = "test", .server = "ns1", .region = "", .redis = { .at = d->at.at, .n = d->at.n }, .secret = secret });
	for (unsigned i = 0; i < LEASES; i++) {
		snprintf(name, sizeof name, "l%u", i);
		d->one[i].of = d;
		d->one[i].lease = fleet_lease_new(d->at.loop, gained, &d->one[i]);
		fleet_lease_set(d->one[i].lease, d->fleet, name, "ns1");
		fleet_lease_want(d->one[i].lease, i != 3);
	}
	CU_ASSERT_TRUE_FATAL(turns_until(d->at.loop, is_up, d));
	fleet_lease_want(d->one[3].lease, true);
}

static void close_desk(struct desk *d)
{
	for (unsigned i = 0; i < LEASES; i++) {
		fleet_lease_set(d->one[i].lease, NULL, NULL, NULL);
		CU_ASSERT_FALSE(fleet_lease_is_ours(d->one[i].lease));
		CU_ASSERT_STRING_EQUAL(fleet_lease_holder(d->one[i].lease), "");
	}
	turns_now(d->at.loop);
	fleet_free(d->fleet);
	CU_ASSERT_TRUE(jobs_stop(d->at.jobs, TURNS_PATIENCE_S));
	for (unsigned i = 0; i < LEASES; i++)
		fleet_lease_free(d->one[i].lease);
	fleet_lease_free(NULL);
	asker_close(&d->at);
}

static void turn(void *ctx)
{
	struct desk *d = ctx;

	CU_ASSERT_TRUE(turns_until(d->at.loop, is_asked_thrice, d));
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void it_is_ours_when_the_engine_says_so(void)
{
	static struct desk d;

	open_desk(&d);
	CU_ASSERT_FALSE(fleet_lease_is_ours(d.one[0].lease));
	serving_log(d.log, sizeof d.log, turn, &d);
	/* Told once that it cannot be had, and once that it is. */
	CU_ASSERT_EQUAL(count(d.log, "fleet: no zone is signed anew by this server: ERR no room"), 1);
	CU_ASSERT_TRUE(d.one[0].gained == 1 && fleet_lease_is_ours(d.one[0].lease));
	CU_ASSERT_STRING_EQUAL(fleet_lease_holder(d.one[0].lease), "ns1");
	CU_ASSERT_EQUAL(count(d.log, "by this server from now on"), 2);
	/* What another writes there is shown as what can be read of it. It was ours for some seconds, and ends by itself. */
	CU_ASSERT_EQUAL(d.one[1].gained, 1);
	CU_ASSERT_STRING_EQUAL(fleet_lease_holder(d.one[1].lease), "ns??");
	CU_ASSERT_TRUE(d.one[2].gained == 0 && !fleet_lease_is_ours(d.one[2].lease));
	CU_ASSERT_STRING_EQUAL(fleet_lease_holder(d.one[2].lease), "ns2");
	CU_ASSERT_TRUE(d.one[3].gained == 0 && !fleet_lease_is_ours(d.one[3].lease));
	CU_ASSERT_STRING_EQUAL(fleet_lease_holder(d.one[3].lease), "");
	/* Asked with our name, and what no other life of us has. */
	CU_ASSERT_TRUE(strncmp(d.token, "ns1 ", 4) == 0 && strlen(d.token) == 4 + 16);
	CU_ASSERT_FALSE(fleet_lease_is_ours(NULL));
	CU_ASSERT_STRING_EQUAL(fleet_lease_holder(NULL), "");
	close_desk(&d);
}

void suite_fleet_lease(void);
void suite_fleet_lease(void)
{
	static const struct unit_case cases[] = {
		{ "it is ours when the engine says so", it_is_ours_when_the_engine_says_so },
	};

	unit_suite("daemon/fleet_lease", cases, UNIT_COUNT(cases));
}
