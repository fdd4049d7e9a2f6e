#include "fleet/fleet_inner.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <ev.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CONNECT_MS = 3000,
	REPLY_MS = 2500,
	ECHO_S = 6,         /* what we say must come back to us so soon */
	AGAIN_MOST_MS = 60000, /* what is refused, and was said again, is tried again so often at the least */
	LARGE_FLEET = 40,   /* of more servers each gives signs of life less often */
};

static const char *const topic_words[FLEET_TOPICS] = { "hello", "health", "will", "demand", "times", "zones", "prices",
	"orders", "pairs" };

static void on_heard(void *ctx, const uint8_t *message, size_t len)
{
	fleet_heard_take(ctx, message, len, false, NULL);
}

/* --- what is said ------------------------------------------------------------------------- */

static void tell_lost(struct fleet *f)
{
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].lost)
			f->followers[i].lost(f->followers[i].ctx);
}

static void on_kept(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind != REDIS_FAULT)
		return;
	f->counts.full++;
	f->refused = true;
	if (!f->is_full)
		log_line(LOG_WARNING,
			"fleet: %s keeps nothing of what we say (%s): servers hear each other all the "
			"same, but who starts anew misses what was said before",
			redis_where(f->redis), v.s);
	f->is_full = true;
}

/* A sign of life was kept, and something was not before: all topics say again what they keep, and what is refused then is tried again less and
 * less often. By signs of life alone, which have their pace: a Redis that keeps one topic and refuses another would have us go
 * round as fast as it replies. True: all are to say it. */
static bool is_time_to_say_again(struct fleet *f)
{
	const uint64_t now = clock_us();

	if (!f->is_full)
		return false;
	if (f->said_again && !f->refused) {
		log_line(LOG_NOTICE, "fleet: %s keeps what we say again", redis_where(f->redis));
		f->is_full = f->said_again = false;
		f->again_ms = 0;
		return false;
	}
	if (now < f->again_us)
		return false;
	f->refused = false;
	f->said_again = true;
	f->again_ms = f->again_ms ? 2 * f->again_ms : FLEET_HELLO_MS;
	f->again_ms = f->again_ms < AGAIN_MOST_MS ? f->again_ms : AGAIN_MOST_MS;
	f->again_us = now + f->again_ms * UINT64_C(1000);
	return true;
}

/* The field of a server that was there, and is new: the engine has forgotten. */
static void on_hello_kept(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const struct redis_value v = redis_value(reply);

	on_kept(ctx, reply);
	if (v.kind != REDIS_NUMBER)
		return;
	const bool is_lost = v.number == 1 && f->hello_kept;
	f->hello_kept = true;
	if (is_lost) {
		f->counts.lost++;
		log_line(LOG_WARNING, "fleet: %s has forgotten what servers kept there; it is put there again",
			redis_where(f->redis));
	}
	if (is_time_to_say_again(f) || is_lost)
		tell_lost(f);
}

static bool send_record(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len, bool keep,
	redis_told *told)
{
	size_t n;
	uint8_t *sealed = f->life && len <= FLEET_SAY_MOST && redis_is_up(f->redis)
		? fleet_record_write(f, topic, bytes, len, &n)
		: NULL;

	if (!sealed)
		return false;
	const struct redis_word kept[] = { { "HSET", 4 }, { f->key[topic], strlen(f->key[topic]) },
		{ f->opts.server, strlen(f->opts.server) }, { sealed, n } };
	const struct redis_word said[] = { { "PUBLISH", 7 }, { f->channel, strlen(f->channel) }, { sealed, n } };
	const bool ok = keep ? redis_send(f->redis, kept, 4, told, f)
			     : redis_send(f->redis, said, 3, told, f);
	free(sealed);
	f->counts.said += ok;
	return ok;
}

/* What is not passed on does not come back, either: on_tick() hangs up. What nobody has heard is said again once it is passed on. */
static void on_said(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const struct redis_value v = redis_value(reply);
	const bool was_mute = f->mute_told;

	if (v.kind == REDIS_FAULT && !f->mute_told)
		log_line(LOG_WARNING, "fleet: %s passes on nothing of what we say (%s)", redis_where(f->redis), v.s);
	if (v.kind == REDIS_FAULT || v.kind == REDIS_NUMBER)
		f->mute_told = v.kind == REDIS_FAULT;
	if (was_mute && v.kind == REDIS_NUMBER)
		tell_lost(f);
}

bool fleet_say(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len)
{
	return send_record(f, topic, bytes, len, false, on_said);
}

bool fleet_keep(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len)
{
	return send_record(f, topic, bytes, len, true, on_kept);
}

/* --- signs of life ------------------------------------------------------------------------ */

static unsigned hello_ms(const struct fleet *f)
{
	const size_t n = fleet_live(f) + 1;

	return n <= LARGE_FLEET ? FLEET_HELLO_MS : (unsigned)(FLEET_HELLO_MS * n / LARGE_FLEET);
}

static char *hello_text(struct fleet *f, bool leaves)
{
	json_t *o = json_object();

	json_object_set_new(o, "region", json_string(f->opts.region));
	json_object_set_new(o, "every_ms", json_integer(hello_ms(f)));
	json_object_set_new(o, "clock_off_ms", json_integer(fleet_clock_off_ms(f)));
	if (leaves)
		json_object_set_new(o, "leaves", json_true());
	if (f->fill)
		f->fill(f->fill_ctx, o);
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static void say_hello(struct fleet *f, bool leaves)
{
	static const struct redis_word time_words = { "TIME", 4 };

	f->hello_us = clock_us();
	if (!leaves) {
		f->asked_clock_us = f->hello_us;
		redis_send(f->redis, &time_words, 1, fleet_clock_take, f);
	}
	char *text = f->life ? hello_text(f, leaves) : NULL;
	if (text) {
		send_record(f, FLEET_HELLO, (const uint8_t *)text, strlen(text), true, on_hello_kept);
		fleet_say(f, FLEET_HELLO, (const uint8_t *)text, strlen(text));
	}
	free(text);
}

void fleet_hello_soon(struct fleet *f)
{
	f->hello_us = 0;
}

static void tell_down(struct fleet *f, const char *why)
{
	if (!f->down_told)
		log_line(LOG_WARNING, "fleet: %s; going on alone until it can be reached", why);
	f->down_told = true;
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct fleet *f = t->data;
	const uint64_t now = clock_us();

	(void)loop;
	(void)events;
	if (redis_is_up(f->redis) && (!f->life || now - f->hello_us >= hello_ms(f) * UINT64_C(1000)))
		say_hello(f, false);
	if (fleet_is_up(f) && f->life && now - f->echo_us > ECHO_S * UINT64_C(1000000)) {
		f->echo_us = now;
		redis_again(f->listener, "what we say does not come back");
	}
	if (f->twin_us && now - f->twin_us > ECHO_S * UINT64_C(2000000))
		f->twin_us = 0;
	fleet_mates_look(f, now);
	fleet_mates_forget_old(f);
	if (!fleet_is_up(f) && *fleet_fault(f)) /* as it may be from the start */
		tell_down(f, fleet_fault(f));
}

/* --- up and down -------------------------------------------------------------------------- */

bool fleet_is_up(const struct fleet *f)
{
	return redis_is_up(f->redis) && redis_is_up(f->listener);
}

static void on_up(void *ctx)
{
	struct fleet *f = ctx;

	if (redis_is_up(f->redis))
		say_hello(f, false);
	if (!fleet_is_up(f) || f->was_up)
		return;
	f->was_up = true;
	f->echo_us = clock_us();
	f->down_told = false;
	log_line(LOG_NOTICE, "fleet: %s is reached", redis_where(f->redis));
	fleet_kept_catch_up(f);
}

static void on_down(void *ctx, const char *why)
{
	struct fleet *f = ctx;

	/* The other way may be open for a while; both are tried until they are. */
	tell_down(f, why);
	f->was_up = false;
	f->caught_up = false;
	f->fetching = 0;
}

const char *fleet_fault(const struct fleet *f)
{
	return fleet_is_up(f) ? "" : !redis_is_up(f->redis) ? redis_fault(f->redis)
							    : redis_fault(f->listener);
}

bool fleet_is_caught_up(const struct fleet *f)
{
	return f->caught_up;
}

/* --- beginning and end -------------------------------------------------------------------- */

void fleet_follow(struct fleet *f, enum fleet_topic topic, const struct fleet_follower *by)
{
	f->followers[topic] = *by;
	f->follows[topic] = true;
}

void fleet_set_hello(struct fleet *f, void (*fill)(void *ctx, void *json), void *ctx)
{
	f->fill = fill;
	f->fill_ctx = ctx;
}

struct fleet *fleet_new(const struct fleet_opts *opts)
{
	struct fleet *f = memory_zeroed(1, sizeof *f);

	f->opts = *opts;
	f->opts.holder = part_hold(opts->holder);
	f->mates = memory_zeroed(FLEET_MATES_MOST, sizeof *f->mates);
	fleet_keys_make(&f->keys, opts->name, opts->secret, opts->staging);
	/* The tag in braces keeps all keys of a fleet on one node of a cluster. */
	snprintf(f->channel, sizeof f->channel, "waymark:{%s}:news", opts->name);
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		snprintf(f->key[i], sizeof f->key[i], "waymark:{%s}:%s", opts->name, topic_words[i]);
	struct redis_opts o = { .loop = opts->loop,
		.jobs = opts->jobs,
		.lane = opts->lane,
		.holder = opts->holder,
		.open = opts->redis,
		.reply_ms = REPLY_MS,
		.ctx = f,
		.up = on_up,
		.down = on_down,
		.heard = on_heard };
	o.open.key = f->key[FLEET_HELLO];
	o.open.patience_ms = CONNECT_MS;
	f->redis = memory_need(redis_new(&o));
	o.channel = f->channel;
	f->listener = memory_need(redis_new(&o));
	ev_timer_init(&f->tick, on_tick, 0.1, 0.1);
	f->tick.data = f;
	ev_timer_start(opts->loop, &f->tick);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	ev_timer_stop(f->opts.loop, &f->tick);
	if (redis_is_up(f->redis)) {
		say_hello(f, true);
		redis_flush(f->redis);
	}
	f->fetching = 0;
	redis_free(f->redis);
	redis_free(f->listener);
	for (size_t i = 0; i < f->n_mates; i++) {
		json_decref(f->mates[i]->hello);
		free(f->mates[i]);
	}
	memory_free(f->mates);
	part_drop(f->opts.holder);
	memory_free(f);
}

bool fleet_send(struct fleet *f, const struct redis_word *words, unsigned n, redis_told *told, void *ctx)
{
	return redis_send(f->redis, words, n, told, ctx);
}

const char *fleet_key(const struct fleet *f, enum fleet_topic topic)
{
	return f->key[topic];
}

const struct fleet_keys *fleet_keys(const struct fleet *f)
{
	return &f->keys;
}

bool fleet_has_twin(const struct fleet *f)
{
	return f->twin_us != 0;
}

struct fleet_counts fleet_counts(const struct fleet *f)
{
	struct fleet_counts c = f->counts;

	c.is_full = f->is_full;
	c.redis = redis_counts(f->redis);
	c.listener = redis_counts(f->listener);
	snprintf(c.where, sizeof c.where, "%s", redis_where(f->redis));
	return c;
}
