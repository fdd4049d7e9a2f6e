#include "daemon/fleet_lease.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY = 96,
	TOKEN = FLEET_NAME_MOST + 1 + 16 + 1, /* the server's name, a space, and what no other life of it has */
	MARGIN_MS = 500 /* before it ends there it has ended here */
};
static const double ask_s = 1;

struct fleet_lease {
	struct ev_loop *loop;
	ev_timer timer;
	struct fleet *fleet; /* borrowed; NULL */
	char key[KEY], token[TOKEN], holder[TOKEN];
	bool wanted, ours, asking, told; /* told: that it cannot be had */
	uint64_t asked_us;
	uint64_t until_us; /* atomic: clock_us(); it is ours as long */
	void (*gained)(void *ctx);
	void *ctx;
};

/* Of who has it, and whether that is the asker; a list, as all that fleet_ask.h reads. */
static const char ask_script[] =
	"local h = redis.call('GET', KEYS[1]) "
	"if h and h ~= ARGV[1] then return {0, h} end "
	"redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
	"return {1, ARGV[1]}";

static const char give_script[] =
	"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end "
	"return {1}";

bool fleet_lease_is_ours(const struct fleet_lease *l)
{
	return l && clock_us() < __atomic_load_n(&l->until_us, __ATOMIC_RELAXED);
}

const char *fleet_lease_holder(const struct fleet_lease *l)
{
	return l ? l->holder : "";
}

static void on_told(void *ctx, const struct redisReply *reply)
{
	struct fleet_lease *l = ctx;
	const struct redis_value all = redis_value(reply), is = redis_item(reply, 0), who = redis_item(reply, 1);
	const bool ours = all.kind == REDIS_LIST && is.kind == REDIS_NUMBER && is.number == 1;

	l->asking = false;
	if (l->fleet && all.kind == REDIS_FAULT && !l->told)
		log_line(LOG_WARNING, "fleet: no zone is signed anew by this server: %s", all.s);
	l->told = all.kind == REDIS_FAULT;
	if (!l->fleet || all.kind != REDIS_LIST || who.kind != REDIS_TEXT)
		return;
	/* Of who writes there, whatever it is: the name is for people. */
	snprintf(l->holder, sizeof l->holder, "%.*s", (int)strcspn(who.s, " "), who.s);
	for (char *c = l->holder; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			*c = '?';
	if (ours)
		__atomic_store_n(&l->until_us, l->asked_us + (FLEET_LEASE_MS - MARGIN_MS) * UINT64_C(1000), __ATOMIC_RELAXED);
	if (ours && !l->ours) {
		log_line(LOG_NOTICE, "fleet: zones are signed anew, and their keys rolled, by this server from now on");
		l->gained(l->ctx);
	}
	l->ours = ours;
}

static void end(struct fleet_lease *l)
{
	__atomic_store_n(&l->until_us, 0, __ATOMIC_RELAXED);
	l->ours = false;
	l->holder[0] = 0;
}

static bool send(struct fleet_lease *l, const char *script, redis_told *told)
{
	char ms[12];

	snprintf(ms, sizeof ms, "%d", FLEET_LEASE_MS);
	const struct redis_word words[] = { { "EVAL", 4 }, { script, strlen(script) }, { "1", 1 }, { l->key, strlen(l->key) },
		{ l->token, strlen(l->token) }, { ms, strlen(ms) } };
	return fleet_send(l->fleet, words, 6, told, l);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct fleet_lease *l = t->data;

	(void)loop;
	(void)events;
	if ((l->ours && !fleet_lease_is_ours(l)) || (l->fleet && !fleet_is_up(l->fleet)))
		end(l);
	if (!l->fleet || !l->wanted || l->asking || !fleet_is_caught_up(l->fleet))
		return;
	l->asked_us = clock_us();
	l->asking = send(l, ask_script, on_told);
}

void fleet_lease_want(struct fleet_lease *l, bool wanted)
{
	l->wanted = wanted;
}

void fleet_lease_set(struct fleet_lease *l, struct fleet *f, const char *name, const char *server)
{
	char life[17];
	uint8_t random[8];

	if (l->fleet && fleet_lease_is_ours(l))
		send(l, give_script, NULL);
	end(l);
	l->fleet = f;
	if (!f)
		return;
	randombytes_buf(random, sizeof random);
	snprintf(l->key, sizeof l->key, "waymark:{%s}:signer", name);
	snprintf(l->token, sizeof l->token, "%s %s", server, sodium_bin2hex(life, sizeof life, random, sizeof random));
}

struct fleet_lease *fleet_lease_new(struct ev_loop *loop, void (*gained)(void *ctx), void *ctx)
{
	struct fleet_lease *l = memory_zeroed(1, sizeof *l);

	l->loop = loop;
	l->gained = gained;
	l->ctx = ctx;
	ev_timer_init(&l->timer, on_time, ask_s, ask_s);
	l->timer.data = l;
	ev_timer_start(loop, &l->timer);
	return l;
}

void fleet_lease_free(struct fleet_lease *l)
{
	if (!l)
		return;
	ev_timer_stop(l->loop, &l->timer);
	memory_free(l);
}
