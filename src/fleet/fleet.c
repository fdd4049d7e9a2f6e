#include "fleet/fleet.h"

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
	KEY_MOST = 128,
	ECHO_S = 6,         /* what we say must come back to us so soon */
	CLOCKS = 16,        /* looks at the engine's clock */
	LAG_KEPT = 128,
	OLD_S = 600,        /* what was said so long ago is not heard as news */
	LARGE_FLEET = 40,   /* of more servers each gives signs of life less often */
	HEAD = 1 + 8 + 8 + 8 + 1, /* of a record: topic, life, number, moment, length of the name */
};

static const char *const topic_words[FLEET_TOPICS] = { "hello", "health", "will", "demand", "times", "zones", "prices" };

struct place {
	uint64_t life, number;
};

struct mate {
	char server[FLEET_NAME_MOST + 1];
	struct place last[FLEET_TOPICS];
	bool live;
	uint64_t heard_us, lease_us;
	int64_t said_ms; /* the last that we know of, by the fleet's clock */
	json_t *hello;
	double lag_ms[LAG_KEPT];
	unsigned n_lag;
};

struct clock_look {
	int64_t offset_us; /* of the engine's clock from ours that only goes forward */
	uint64_t took_us;
};

struct fleet {
	struct fleet_opts opts;
	struct fleet_keys keys;
	char channel[KEY_MOST], key[FLEET_TOPICS][KEY_MOST];
	struct redis *redis, *listener;
	struct fleet_follower followers[FLEET_TOPICS];
	bool follows[FLEET_TOPICS];
	void (*fill)(void *ctx, void *json);
	void *fill_ctx;
	ev_timer tick;
	uint64_t life, number; /* our own; life 0: not known yet */
	uint64_t hello_us, echo_us, asked_clock_us;
	bool hello_kept; /* since the engine was reached */
	bool was_up; /* and was told of */
	bool caught_up, is_full;
	bool down_told; /* why it cannot be reached */
	bool mute_told; /* why nobody hears us */
	uint64_t catching; /* counts them */
	unsigned fetching; /* what is kept that has not come yet */
	uint64_t twin_us;
	int64_t said_us; /* the latest that was heard, by the clocks of others, from ours that only goes forward; 0: nothing */
	bool old_told;
	struct clock_look looks[CLOCKS];
	unsigned n_looks;
	struct mate **mates; /* by name */
	size_t n_mates;
	struct fleet_counts counts;
};

static struct mate *find_mate(const struct fleet *f, const char *server, size_t *at)
{
	size_t from = 0, to = f->n_mates;

	while (from < to) {
		const size_t middle = (from + to) / 2;
		const int order = strcmp(server, f->mates[middle]->server);
		if (order == 0)
			return f->mates[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	if (at)
		*at = from;
	return NULL;
}

static void forget_mate(struct fleet *f, size_t at)
{
	struct mate *m = f->mates[at];

	memmove(f->mates + at, f->mates + at + 1, (--f->n_mates - at) * sizeof *f->mates);
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].forget)
			f->followers[i].forget(f->followers[i].ctx, m->server);
	json_decref(m->hello);
	free(m);
}

/* In the place of who is gone for the longest time. False: all are there. */
static bool make_room(struct fleet *f)
{
	size_t oldest = f->n_mates;

	for (size_t i = 0; i < f->n_mates; i++)
		if (!f->mates[i]->live && (oldest == f->n_mates || f->mates[i]->said_ms < f->mates[oldest]->said_ms))
			oldest = i;
	if (oldest == f->n_mates)
		return false;
	forget_mate(f, oldest);
	return true;
}

/* NULL: there is no memory, or there are too many. */
static struct mate *need_mate(struct fleet *f, const char *server)
{
	size_t at = 0;
	struct mate *m = find_mate(f, server, &at);

	if (m || (f->n_mates == FLEET_MATES_MOST && !make_room(f)))
		return m;
	find_mate(f, server, &at);
	m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	snprintf(m->server, sizeof m->server, "%s", server);
	memmove(f->mates + at + 1, f->mates + at, (f->n_mates - at) * sizeof *f->mates);
	f->mates[at] = m;
	f->n_mates++;
	return m;
}

static void tell_mate(struct fleet *f, const char *server, bool live)
{
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].mate)
			f->followers[i].mate(f->followers[i].ctx, server, live);
}

/* --- the clock ---------------------------------------------------------------------------- */

/* The look that took the least time is the best. */
static int64_t offset_us(const struct fleet *f)
{
	struct timespec t;
	const unsigned n = f->n_looks < CLOCKS ? f->n_looks : CLOCKS;
	const struct clock_look *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (!best || f->looks[i].took_us < best->took_us)
			best = &f->looks[i];
	if (best)
		return best->offset_us;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - (int64_t)clock_us();
}

int64_t fleet_now_ms(const struct fleet *f)
{
	return ((int64_t)clock_us() + offset_us(f)) / 1000;
}

int64_t fleet_clock_off_ms(const struct fleet *f)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 - fleet_now_ms(f);
}

static void take_clock(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const uint64_t now = clock_us();
	const struct redis_value s = redis_item(reply, 0), us = redis_item(reply, 1);

	if (!s.len || !us.len)
		return;
	const int64_t there = strtoll(s.s, NULL, 10) * 1000000 + strtoll(us.s, NULL, 10);
	struct clock_look *l = &f->looks[f->n_looks++ % CLOCKS];
	l->took_us = now - f->asked_clock_us;
	l->offset_us = there - (int64_t)(f->asked_clock_us + l->took_us / 2);
	if (!f->life)
		f->life = (uint64_t)there / 1000;
}

/* --- records ------------------------------------------------------------------------------ */

struct record {
	enum fleet_topic topic;
	struct place place;
	int64_t said_ms;
	char server[FLEET_NAME_MOST + 1];
	const uint8_t *bytes;
	size_t len;
};

/* Sealed; the caller frees it. NULL: no memory. */
static uint8_t *record_write(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len,
	size_t *to_len)
{
	const size_t name = strlen(f->opts.server), all = HEAD + name + len;
	uint8_t *plain = malloc(all), *sealed = malloc(all + FLEET_SEAL);

	if (!plain || !sealed) {
		free(plain);
		free(sealed);
		return NULL;
	}
	plain[0] = (uint8_t)topic;
	be64_put(plain + 1, f->life);
	be64_put(plain + 9, ++f->number);
	be64_put(plain + 17, (uint64_t)fleet_now_ms(f));
	plain[25] = (uint8_t)name;
	memcpy(plain + HEAD, f->opts.server, name);
	memcpy(plain + HEAD + name, bytes, len);
	*to_len = fleet_seal(&f->keys, "record", plain, all, sealed);
	free(plain);
	return sealed;
}

/* `plain` has room for `len` bytes, and is what the record borrows from. */
static bool record_read(const struct fleet *f, struct record *r, const uint8_t *sealed, size_t len,
	uint8_t *plain)
{
	size_t n;

	if (!fleet_open(&f->keys, "record", sealed, len, plain, &n) || n < HEAD)
		return false;
	const size_t name = plain[25];
	if (!name || name > FLEET_NAME_MOST || HEAD + name > n || memchr(plain + HEAD, 0, name))
		return false;
	*r = (struct record){ .topic = plain[0],
		.place = { be64_get(plain + 1), be64_get(plain + 9) },
		.said_ms = (int64_t)be64_get(plain + 17),
		.bytes = plain + HEAD + name,
		.len = n - HEAD - name };
	memcpy(r->server, plain + HEAD, name);
	return true;
}

/* --- what is heard ------------------------------------------------------------------------ */

static bool is_newer(struct place a, struct place b)
{
	return a.life != b.life ? a.life > b.life : a.number > b.number;
}

static bool is_same(struct place a, struct place b)
{
	return a.life == b.life && a.number == b.number;
}

static void take_lag(struct mate *m, double ms)
{
	m->lag_ms[m->n_lag++ % LAG_KEPT] = ms > 0 ? ms : 0;
}

static void take_hello(struct fleet *f, struct mate *m, const struct record *r)
{
	json_t *o = json_loadb((const char *)r->bytes, r->len, JSON_REJECT_DUPLICATES, NULL);
	const int64_t every = json_integer_value(json_object_get(o, "every_ms"));
	const bool leaves = json_is_true(json_object_get(o, "leaves"));

	if (!json_is_object(o)) {
		json_decref(o);
		return;
	}
	/* Who was killed and comes back at once may stand elsewhere. */
	const bool moves = m->live && !leaves && !json_equal(json_object_get(m->hello, "region"), json_object_get(o, "region"));
	json_decref(m->hello);
	m->hello = o;
	m->lease_us = (uint64_t)(every > 100 && every < 600000 ? every : FLEET_HELLO_MS) * 1000 * FLEET_LEASE;
	if (leaves == m->live) {
		m->live = !leaves;
		log_line(LOG_NOTICE, "fleet: server %s %s", m->server, leaves ? "leaves" : "is there");
		tell_mate(f, m->server, m->live);
		fleet_hello_soon(f); /* he does not know us yet */
	} else if (moves) {
		tell_mate(f, m->server, true);
	}
}

/* Of ourselves: it is how we know that we hear. */
static void take_own(struct fleet *f, const struct record *r)
{
	if (r->place.life == f->life) {
		f->echo_us = clock_us();
		return;
	}
	if (!f->twin_us)
		log_line(LOG_ERROR,
			"fleet: another server calls itself %s, too: each needs a name of its own "
			"(fleet: server)",
			f->opts.server);
	f->twin_us = clock_us();
}

/* Who controls the engine may say again what a server has said that is gone, or that we have not heard since our
 * start. The engine's clock is his; so that is old which is so by our own clock, and by what others have said since. Where
 * one of these goes wrong nobody becomes deaf. */
static bool is_old(struct fleet *f, const struct record *r)
{
	const int64_t here_us = (int64_t)clock_us(), said_us = r->said_ms * 1000 - here_us,
		      old_ms = (int64_t)time(NULL) * 1000 - OLD_S * INT64_C(1000);
	const bool is = f->said_us && r->said_ms < old_ms && said_us < f->said_us - OLD_S * INT64_C(1000000);

	if (is && !f->old_told)
		log_line(LOG_WARNING, "fleet: what server %s said over %d minutes ago is said again, by somebody else; passed over",
			r->server, OLD_S / 60);
	f->old_told = f->old_told || is;
	f->counts.old += is;
	if (!is && (!f->said_us || said_us > f->said_us))
		f->said_us = said_us;
	return is;
}

static void take_record(struct fleet *f, const struct record *r, bool kept)
{
	if (strcmp(r->server, f->opts.server) == 0) {
		if (!kept)
			take_own(f, r);
		return;
	}
	struct mate *m = !kept && is_old(f, r) ? NULL : need_mate(f, r->server);
	if (!m)
		return;
	struct place *last = &m->last[r->topic];
	/* One that was gone may come back with an earlier clock. */
	if (!is_newer(r->place, *last) && !(kept && is_same(r->place, *last)) &&
		(m->live || kept || r->place.life == last->life))
		return;
	*last = r->place;
	m->said_ms = r->said_ms > m->said_ms ? r->said_ms : m->said_ms;
	if (!kept) {
		m->heard_us = clock_us();
		take_lag(m, (double)(fleet_now_ms(f) - r->said_ms));
	}
	if (r->topic == FLEET_HELLO && !kept)
		take_hello(f, m, r);
	const struct fleet_follower *by = &f->followers[r->topic];
	if (f->follows[r->topic] && by->take)
		by->take(by->ctx,
			&(struct fleet_news){ r->topic, m->server, kept, r->bytes, r->len, r->said_ms });
}

static void take_sealed(struct fleet *f, const uint8_t *sealed, size_t len, bool kept,
	const char *server)
{
	struct record r;
	uint8_t *plain = len && len <= FLEET_SAY_MOST + 256 ? malloc(len) : NULL;

	if (plain && record_read(f, &r, sealed, len, plain) && (!server || strcmp(server, r.server) == 0)) {
		f->counts.heard++;
		if (r.topic < FLEET_TOPICS) /* else a newer version speaks of what we do not know */
			take_record(f, &r, kept);
	} else if (!f->counts.forged++) {
		log_line(LOG_WARNING,
			"fleet: what is said in fleet %s cannot be opened: another \"secret\", or somebody "
			"else writes there; passed over",
			f->opts.name);
	}
	free(plain);
}

static void on_heard(void *ctx, const uint8_t *message, size_t len)
{
	take_sealed(ctx, message, len, false, NULL);
}

/* --- what is kept ------------------------------------------------------------------------- */

struct fetch {
	struct fleet *fleet;
	uint64_t catching; /* which catching up it is part of; 0: of none */
	char server[FLEET_NAME_MOST + 1];
	enum fleet_topic topic;
};

static void caught_up(struct fleet *f)
{
	f->caught_up = true;
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].caught_up)
			f->followers[i].caught_up(f->followers[i].ctx);
}

static void end_fetch(struct fleet *f, uint64_t catching)
{
	if (catching == f->catching && f->fetching && --f->fetching == 0 && fleet_is_up(f) && !f->caught_up)
		caught_up(f);
}

static void take_kept(void *ctx, const struct redisReply *reply)
{
	struct fetch *x = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind == REDIS_TEXT)
		take_sealed(x->fleet, (const uint8_t *)v.s, v.len, true, x->server);
	if (x->catching)
		end_fetch(x->fleet, x->catching);
	free(x);
}

static bool fetch_one(struct fleet *f, enum fleet_topic topic, const char *server, uint64_t catching)
{
	struct fetch *x = malloc(sizeof *x);

	if (!x)
		return false;
	*x = (struct fetch){ .fleet = f, .catching = catching, .topic = topic };
	snprintf(x->server, sizeof x->server, "%s", server);
	const struct redis_word words[] = { { "HGET", 4 }, { f->key[topic], strlen(f->key[topic]) },
		{ server, strlen(server) } };
	if (redis_send(f->redis, words, 3, take_kept, x))
		return true;
	free(x);
	return false;
}

static void take_names(void *ctx, const struct redisReply *reply)
{
	struct fetch *x = ctx;
	struct fleet *f = x->fleet;
	const struct redis_value all = redis_value(reply);

	for (size_t i = 0; all.kind == REDIS_LIST && i < all.len && i < FLEET_MATES_MOST; i++) {
		const struct redis_value v = redis_item(reply, i);
		if (x->catching == f->catching && v.kind == REDIS_TEXT && v.len &&
			v.len <= FLEET_NAME_MOST && strcmp(v.s, f->opts.server) != 0 && fetch_one(f, x->topic, v.s, x->catching))
			f->fetching++;
	}
	end_fetch(f, x->catching);
	free(x);
}

bool fleet_fetch(struct fleet *f, enum fleet_topic topic, const char *server)
{
	return fetch_one(f, topic, server, 0);
}

static bool is_caught_up_with(const struct fleet *f, unsigned topic)
{
	return topic == FLEET_HELLO ||
		(f->follows[topic] && topic != FLEET_WILL && topic != FLEET_ZONES && topic != FLEET_DEMAND);
}

static void catch_up(struct fleet *f)
{
	f->caught_up = false;
	f->fetching = 1;
	f->catching++;
	for (unsigned i = 0; i < FLEET_TOPICS; i++) {
		struct fetch *x = is_caught_up_with(f, i) ? calloc(1, sizeof *x) : NULL;
		const struct redis_word words[] = { { "HKEYS", 5 }, { f->key[i], strlen(f->key[i]) } };
		if (!x)
			continue;
		x->fleet = f;
		x->topic = i;
		x->catching = f->catching;
		if (redis_send(f->redis, words, 2, take_names, x))
			f->fetching++;
		else
			free(x);
	}
	end_fetch(f, f->catching);
}

/* --- what is said ------------------------------------------------------------------------- */

static void on_kept(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind == REDIS_FAULT) {
		f->counts.full++;
		if (!f->is_full)
			log_line(LOG_WARNING,
				"fleet: %s keeps nothing of what we say (%s): servers hear each other all the "
				"same, but who starts anew misses what was said before",
				redis_where(f->redis), v.s);
		f->is_full = true;
	} else if (v.kind == REDIS_NUMBER && f->is_full) {
		log_line(LOG_NOTICE, "fleet: %s keeps what we say again", redis_where(f->redis));
		f->is_full = false;
	}
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
	if (!is_lost)
		return;
	f->counts.lost++;
	log_line(LOG_WARNING, "fleet: %s has forgotten what servers kept there; it is put there again",
		redis_where(f->redis));
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].lost)
			f->followers[i].lost(f->followers[i].ctx);
}

static bool send_record(struct fleet *f, enum fleet_topic topic, const uint8_t *bytes, size_t len, bool keep,
	redis_told *told)
{
	size_t n;
	uint8_t *sealed = f->life && len <= FLEET_SAY_MOST && redis_is_up(f->redis)
		? record_write(f, topic, bytes, len, &n)
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

/* What is not passed on does not come back, either: on_tick() hangs up. */
static void on_said(void *ctx, const struct redisReply *reply)
{
	struct fleet *f = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind == REDIS_FAULT && !f->mute_told)
		log_line(LOG_WARNING, "fleet: %s passes on nothing of what we say (%s)", redis_where(f->redis), v.s);
	if (v.kind == REDIS_FAULT || v.kind == REDIS_NUMBER)
		f->mute_told = v.kind == REDIS_FAULT;
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
		redis_send(f->redis, &time_words, 1, take_clock, f);
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

/* What the engine keeps of it, too: names of machines may be new each time. */
static void forget_old(struct fleet *f)
{
	const int64_t since_ms = fleet_now_ms(f) - FLEET_GONE_KEPT_S * INT64_C(1000);

	for (size_t i = f->n_mates; f->caught_up && f->n_looks && i--;) {
		const char *server = f->mates[i]->server;
		if (f->mates[i]->live || f->mates[i]->said_ms >= since_ms)
			continue;
		log_line(LOG_NOTICE, "fleet: server %s is forgotten", server);
		for (unsigned k = 0; k < FLEET_TOPICS; k++) {
			const struct redis_word words[] = { { "HDEL", 4 }, { f->key[k], strlen(f->key[k]) },
				{ server, strlen(server) } };
			if (k != FLEET_WILL && k != FLEET_ZONES)
				redis_send(f->redis, words, 3, NULL, NULL);
		}
		forget_mate(f, i);
	}
}

static void look_at_mates(struct fleet *f, uint64_t now)
{
	for (size_t i = 0; i < f->n_mates; i++) {
		struct mate *m = f->mates[i];
		if (!m->live || now - m->heard_us < m->lease_us)
			continue;
		m->live = false;
		log_line(LOG_WARNING, "fleet: server %s has not been heard of for %.0f s", m->server,
			(double)(now - m->heard_us) / 1e6);
		tell_mate(f, m->server, false);
	}
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
	look_at_mates(f, now);
	forget_old(f);
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
	catch_up(f);
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

/* --- looking ------------------------------------------------------------------------------ */

size_t fleet_mates(const struct fleet *f)
{
	return f->n_mates;
}

size_t fleet_live(const struct fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_mates; i++)
		n += f->mates[i]->live;
	return n;
}

struct fleet_mate fleet_mate(const struct fleet *f, size_t i)
{
	const struct mate *m = f->mates[i];
	const unsigned n = m->n_lag < LAG_KEPT ? m->n_lag : LAG_KEPT;
	const char *region = json_string_value(json_object_get(m->hello, "region"));
	struct fleet_mate to = { .server = m->server, .region = region ? region : "", .live = m->live, .hello = m->hello, .heard_s = -1 };

	if (m->heard_us)
		to.heard_s = (double)(clock_us() - m->heard_us) / 1e6;
	if (n)
		to.lag_ms = m->lag_ms[(m->n_lag - 1) % LAG_KEPT];
	for (unsigned k = 0; k < n; k++)
		to.lag_most_ms = m->lag_ms[k] > to.lag_most_ms ? m->lag_ms[k] : to.lag_most_ms;
	return to;
}

bool fleet_mate_says(const struct fleet_mate *m, const char *word)
{
	return json_is_true(json_object_get(m->hello, word));
}

void fleet_hello_say(void *json, const char *word)
{
	json_object_set_new(json, word, json_true());
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
