#include "daemon/fleet_orders.h"

#include "unit/fleet/asker.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <hiredis/hiredis.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that nobody but its operator says anything to. */
struct desk {
	struct asker at;
	struct fleet *fleet;
	struct commands commands;
	struct fleet_orders *orders;
	unsigned kept; /* so often it put all its orders into the Redis */
	struct fault why;
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
	if (strcmp(word, "HSET") == 0 && strstr(words->element[1]->str, ":orders"))
		d->kept++;
	if (reply)
		engine_send_to(c, reply, strlen(reply));
	return reply != NULL;
}

static bool is_up(void *ctx)
{
	return fleet_is_caught_up(((struct desk *)ctx)->fleet);
}

static void join(struct desk *d, const char *name)
{
	static const uint8_t secret[FLEET_SECRET] = { 1 };

	fleet_orders_set(d->orders, NULL, NULL);
	fleet_free(d->fleet);
	d->fleet = fleet_new(&(struct fleet_opts){ .loop = d->at.loop, .jobs = d->at.jobs, .lane = d->at.lane, .holder = &d->at.holder,
		.name = name, .server = "ns1", .region = "", .redis = { .at = d->at.at, .n = d->at.n }, .secret = secret });
	fleet_orders_set(d->orders, d->fleet, "ns1");
	CU_ASSERT_TRUE_FATAL(turns_until(d->at.loop, is_up, d));
	turns_now(d->at.loop);
}

static void desk_open(struct desk *d)
{
	memset(d, 0, sizeof *d);
	asker_open(&d->at);
	d->at.engine.answer = answer;
	d->at.engine.ctx = d;
	asker_url(&d->at, "redis://127.0.0.1:%u", d->at.engine.port);
	d->orders = fleet_orders_new(&(struct fleet_orders_opts){ .commands = &d->commands });
	join(d, "test");
}

static void desk_close(struct desk *d)
{
	fleet_orders_set(d->orders, NULL, NULL);
	fleet_orders_free(d->orders);
	fleet_free(d->fleet);
	asker_close(&d->at);
}

enum { MANY = 100 };

/* To servers s0, s1 ... from that one on, none of which is this. */
static bool say(struct desk *d, const char *const *words, size_t n, unsigned from)
{
	static char names[MANY][8];
	const char *servers[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "s%u", from + i);
		servers[i] = names[i];
	}
	return fleet_orders_on(d->orders, &(struct fleet_orders_said){ words, n, "root", servers, MANY }, &d->why);
}

static bool was_kept(void *ctx)
{
	return ((const struct desk *)ctx)->kept > 0;
}

static void what_is_said_to_many_is_told_once(void)
{
	static const char *const words[] = { "reload", "--stage", "5%" }, *const wrong[] = { "stop" };
	static struct desk d;

	desk_open(&d);
	d.kept = 0;
	CU_ASSERT_TRUE(say(&d, words, 3, 0));
	CU_ASSERT_TRUE(turns_until(d.at.loop, was_kept, &d));
	turns_now(d.at.loop);
	CU_ASSERT(d.kept == 1 && fleet_orders_sum(d.orders).known == MANY);
	CU_ASSERT_FALSE(say(&d, wrong, 1, MANY));
	CU_ASSERT(strstr(d.why.text, "can be said to some servers") && fleet_orders_sum(d.orders).known == MANY);
	desk_close(&d);
}

/* What is had from now on, and nobody has written, is no zeros. */
static void soil_heap(void)
{
	enum { MUCH = 8 << 20 };

	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, 2 * MUCH);
	char *p = malloc(MUCH);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	memset(p, 0xaa, MUCH);
	__asm__ volatile("" : : "r"(p) : "memory"); /* it is written, though nobody reads it here */
	free(p);
}

static void of_more_than_are_kept_the_oldest_go(void)
{
	static const char *const words[] = { "reload" };
	static struct desk d;

	desk_open(&d);
	soil_heap();
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(say(&d, words, 1, i * MANY));
	const struct fleet_orders_sum s = fleet_orders_sum(d.orders);
	CU_ASSERT(s.known == 256 && s.failed == 0 && s.odd == 0);
	desk_close(&d);
	mallopt(M_MMAP_MAX, 65536); /* as it was */
}

static void what_was_said_in_one_fleet_is_not_told_to_another(void)
{
	static const char *const words[] = { "reload" };
	static struct desk d;

	desk_open(&d);
	CU_ASSERT_TRUE(say(&d, words, 1, 0));
	join(&d, "test"); /* by another URL, as it were */
	CU_ASSERT_EQUAL(fleet_orders_sum(d.orders).known, MANY);
	d.kept = 0;
	join(&d, "other");
	CU_ASSERT(fleet_orders_sum(d.orders).known == 0 && d.kept == 0);
	desk_close(&d);
}

void suite_fleet_orders(void);
void suite_fleet_orders(void)
{
	static const struct unit_case cases[] = {
		{ "what is said to many is told once", what_is_said_to_many_is_told_once },
		{ "of more than are kept the oldest go", of_more_than_are_kept_the_oldest_go },
		{ "what was said in one fleet is not told to another", what_was_said_in_one_fleet_is_not_told_to_another },
	};

	unit_suite("daemon/fleet_orders", cases, UNIT_COUNT(cases));
}
