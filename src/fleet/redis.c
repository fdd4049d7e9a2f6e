#include "fleet/redis.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/tls.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 64 << 10,
	TURN_US = 3000,        /* so long it reads at a time; the rest comes in the next turn */
	OUT_MOST = 32 << 20,   /* bytes that wait to be sent */
	IN_MOST = 64 << 20,    /* ... of a reply that is not whole */
	WAIT_MOST = 65536,     /* commands without a reply */
	WAIT_FIRST_MS = 200,   /* before it is tried again: twice as long each time */
	WAIT_LAST_MS = 10000,
	LISTEN_PING_S = 2,
	KEY_MOST = 128,
};

/* A command that waits for its reply. */
struct asked {
	struct asked *next;
	redis_told *told;
	void *ctx;
	uint64_t sent_us;
};

struct connecting;

struct redis {
	struct redis_opts opts;
	bool up;
	struct pipe pipe;
	ev_io io;
	ev_timer retry, watch; /* when to connect; when to look for what is late */
	ev_timer more;         /* there is something left to read */
	redisReader *reader;
	struct text out;
	size_t out_from;
	struct asked *first, **last;
	size_t n_asked;
	struct connecting *connecting;
	unsigned tries;
	uint64_t up_us, heard_us;
	char where[REDIS_WHERE], why[512];
	struct redis_counts counts;
};

/* A job: what it needs, and what comes of it. */
struct connecting {
	struct redis *owner; /* NULL: nobody waits any more */
	struct job *job;
	struct part *holder;
	struct redis_open_opts open;
	char key[KEY_MOST]; /* own copy: whose it is may be gone before the job */
	struct redis_opened opened;
	bool ok;
	struct fault why;
};

static void connect_soon(struct redis *r, unsigned in_ms);
static void set_io(struct redis *r);

/* --- down --------------------------------------------------------------------------------- */

static void drop_connection(struct redis *r)
{
	ev_io_stop(r->opts.loop, &r->io);
	ev_timer_stop(r->opts.loop, &r->watch);
	ev_timer_stop(r->opts.loop, &r->more);
	if (r->pipe.fd >= 0)
		pipe_close(&r->pipe);
	r->pipe.fd = -1;
	if (r->reader)
		redisReaderFree(r->reader);
	r->reader = NULL;
	text_fini(&r->out);
	r->out = (struct text){ 0 };
	r->out_from = 0;
	r->up = false;
}

/* All at once: who is told may ask anew, and is refused. */
static void tell_lost(struct redis *r)
{
	struct asked *a = r->first;

	r->first = NULL;
	r->last = &r->first;
	r->n_asked = 0;
	while (a) {
		struct asked *next = a->next;
		if (a->told)
			a->told(a->ctx, NULL);
		free(a);
		a = next;
	}
}

static unsigned patience_of(const struct redis *r)
{
	unsigned ms = WAIT_FIRST_MS;

	for (unsigned i = 1; i < r->tries && ms < WAIT_LAST_MS; i++)
		ms *= 2;
	ms = ms > WAIT_LAST_MS ? WAIT_LAST_MS : ms;
	return ms / 2 + randombytes_uniform(ms / 2 + 1); /* not all servers at once */
}

static void lose(struct redis *r, const char *why)
{
	const bool was_up = r->up;

	/* One that has been good for a while is tried again at once. */
	r->tries = was_up && clock_us() - r->up_us > WAIT_LAST_MS * UINT64_C(1000) ? 1 : r->tries + 1;
	snprintf(r->why, sizeof r->why, "%s%s%s", was_up ? r->where : "", was_up ? ": " : "", why);
	drop_connection(r);
	tell_lost(r);
	connect_soon(r, patience_of(r));
	if (was_up)
		r->opts.down(r->opts.ctx, r->why);
}

void redis_again(struct redis *r, const char *why)
{
	if (r->up)
		lose(r, why);
}

/* --- reading ------------------------------------------------------------------------------ */

static void take_heard(struct redis *r, const redisReply *m)
{
	r->heard_us = clock_us();
	if (m->type == REDIS_REPLY_ARRAY && m->elements && m->element[0]->type == REDIS_REPLY_STRING &&
		strcmp(m->element[0]->str, "subscribe") == 0)
		r->opts.up(r->opts.ctx); /* from now on nothing is missed */
	else if (m->type == REDIS_REPLY_ARRAY && m->elements == 3 &&
		m->element[0]->type == REDIS_REPLY_STRING && strcmp(m->element[0]->str, "message") == 0 &&
		m->element[2]->type == REDIS_REPLY_STRING)
		r->opts.heard(r->opts.ctx, (const uint8_t *)m->element[2]->str,
			(size_t)m->element[2]->len);
}

/* False: the connection is gone. */
static bool take_reply(struct redis *r, const redisReply *m)
{
	char why[256];

	if (r->opts.channel && m->type != REDIS_REPLY_ERROR) {
		take_heard(r, m);
		return r->up;
	}
	if (r->opts.channel || redis_value_is_of_server(m)) {
		snprintf(why, sizeof why, "%s", m->str);
		lose(r, why);
		return false;
	}
	struct asked *a = r->first;
	if (!a) {
		lose(r, "replies to nothing");
		return false;
	}
	r->first = a->next;
	if (!r->first)
		r->last = &r->first;
	r->n_asked--;
	r->counts.reply_us = clock_us() - a->sent_us;
	if (r->counts.reply_us > r->counts.reply_most_us)
		r->counts.reply_most_us = r->counts.reply_us;
	if (a->told)
		a->told(a->ctx, m);
	free(a);
	return r->up;
}

/* All that is whole, for as long as a turn may take. False: the connection is gone. */
static bool take_replies(struct redis *r, uint64_t begun_us)
{
	void *reply = NULL;

	while (clock_us() - begun_us < TURN_US) {
		if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
			lose(r, "does not speak the protocol of Redis");
			return false;
		}
		if (!reply)
			return true;
		const bool goes_on = take_reply(r, reply);
		freeReplyObject(reply);
		if (!goes_on)
			return false;
	}
	return true;
}

static void read_some(struct redis *r)
{
	char buf[CHUNK];
	const uint64_t begun_us = clock_us();
	bool all = false;

	/* What is left of the turn before. */
	if (!take_replies(r, begun_us))
		return;
	while (clock_us() - begun_us < TURN_US && !all) {
		const ssize_t n = pipe_read(&r->pipe, buf, sizeof buf);
		if (n == PIPE_AGAIN) {
			all = true;
		} else if (n <= 0) {
			lose(r, "closes the connection");
			return;
		} else {
			r->counts.bytes_in += (uint64_t)n;
			if (redisReaderFeed(r->reader, buf, (size_t)n) != REDIS_OK ||
				r->reader->len > IN_MOST) {
				lose(r, "sends a reply that is too large");
				return;
			}
			if (!take_replies(r, begun_us))
				return;
			all = (size_t)n < sizeof buf && !pipe_has_more(&r->pipe);
		}
	}
	if (!all || clock_us() - begun_us >= TURN_US) {
		ev_timer_stop(r->opts.loop, &r->more);
		ev_timer_set(&r->more, 0, 0);
		ev_timer_start(r->opts.loop, &r->more);
	}
}

/* --- writing ------------------------------------------------------------------------------ */

static void write_some(struct redis *r)
{
	while (r->out_from < r->out.len) {
		const ssize_t n = pipe_write(&r->pipe, r->out.s + r->out_from, r->out.len - r->out_from);
		if (n == PIPE_BROKEN) {
			lose(r, "closes the connection");
			return;
		}
		if (n == PIPE_AGAIN)
			break;
		r->out_from += (size_t)n;
		r->counts.bytes_out += (uint64_t)n;
	}
	if (r->out_from == r->out.len)
		r->out.len = r->out_from = 0;
	set_io(r);
}

static void set_io(struct redis *r)
{
	const bool writes = r->out_from < r->out.len;
	const int wants = r->pipe.read_wants | (writes ? r->pipe.write_wants : 0);

	if (!r->up || (ev_is_active(&r->io) && (r->io.events & (EV_READ | EV_WRITE)) == wants))
		return;
	ev_io_stop(r->opts.loop, &r->io);
	ev_io_set(&r->io, r->pipe.fd, wants);
	ev_io_start(r->opts.loop, &r->io);
}

void redis_flush(struct redis *r)
{
	if (r->up)
		write_some(r);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct redis *r = io->data;

	(void)loop;
	(void)events;
	read_some(r);
	if (r->up)
		write_some(r);
}

static void on_more(struct ev_loop *loop, ev_timer *t, int events)
{
	struct redis *r = t->data;

	(void)loop;
	(void)events;
	if (r->up)
		read_some(r);
	if (r->up)
		set_io(r);
}

/* What is sent in one turn of the loop goes in one piece. */
static bool put(struct redis *r, const struct redis_word *words, unsigned n)
{
	if (!redis_value_command(&r->out, words, n))
		return false;
	if (ev_is_active(&r->io) && !(r->io.events & EV_WRITE))
		set_io(r);
	return true;
}

bool redis_send(struct redis *r, const struct redis_word *words, unsigned n, redis_told *told, void *ctx)
{
	if (!r->up || r->opts.channel || r->n_asked >= WAIT_MOST || r->out.len - r->out_from > OUT_MOST)
		return false;
	struct asked *a = malloc(sizeof *a);
	if (!a)
		return false;
	*a = (struct asked){ .told = told, .ctx = ctx, .sent_us = clock_us() };
	if (!put(r, words, n)) {
		free(a);
		return false;
	}
	*r->last = a;
	r->last = &a->next;
	r->n_asked++;
	r->counts.commands++;
	return true;
}

/* --- who does not reply ------------------------------------------------------------------- */

static void on_watch(struct ev_loop *loop, ev_timer *t, int events)
{
	struct redis *r = t->data;
	const uint64_t now = clock_us(), most = r->opts.reply_ms * UINT64_C(1000);
	static const struct redis_word ping = { "PING", 4 };

	(void)loop;
	(void)events;
	if (r->opts.channel && now - r->heard_us > most + LISTEN_PING_S * UINT64_C(1000000))
		lose(r, "does not answer");
	else if (!r->opts.channel && r->first && now - r->first->sent_us > most)
		lose(r, "does not answer");
	else if (r->opts.channel && now - r->heard_us > LISTEN_PING_S * UINT64_C(500000))
		put(r, &ping, 1);
}

/* --- up ----------------------------------------------------------------------------------- */

static void be_up(struct redis *r, struct connecting *c)
{
	const struct redis_word listen[] = { { "SUBSCRIBE", 9 },
		{ r->opts.channel, r->opts.channel ? strlen(r->opts.channel) : 0 } };

	r->reader = redisReaderCreate();
	if (!r->reader) {
		pipe_close(&c->opened.pipe);
		lose(r, "out of memory");
		return;
	}
	r->pipe = c->opened.pipe;
	memcpy(r->where, c->opened.where, sizeof r->where);
	r->why[0] = 0;
	r->up = true;
	r->up_us = r->heard_us = clock_us();
	r->counts.connects++;
	r->counts.reply_most_us = 0;
	set_io(r);
	ev_timer_set(&r->watch, 0.25, 0.25);
	ev_timer_start(r->opts.loop, &r->watch);
	if (r->opts.channel)
		put(r, listen, 2);
	else
		r->opts.up(r->opts.ctx);
}

static void work(void *ctx, struct job *job)
{
	struct connecting *c = ctx;

	c->ok = redis_open(&c->opened, &c->open, job, &c->why);
}

static void done(void *ctx, enum job_end end)
{
	struct connecting *c = ctx;
	struct redis *r = c->owner;
	const bool ok = end == JOB_DONE && c->ok;

	part_drop(c->holder);
	if (!r) {
		if (c->opened.pipe.fd >= 0)
			pipe_close(&c->opened.pipe);
		free(c);
		return;
	}
	r->connecting = NULL;
	if (ok)
		be_up(r, c);
	else
		lose(r, end == JOB_NO_MEMORY ? "out of memory" : *c->why.text ? c->why.text : "given up");
	free(c);
}

static void on_retry(struct ev_loop *loop, ev_timer *t, int events)
{
	struct redis *r = t->data;
	struct connecting *c = calloc(1, sizeof *c);

	(void)loop;
	(void)events;
	if (jobs_are_stopped(r->opts.jobs)) {
		free(c);
		return;
	}
	if (c) {
		*c = (struct connecting){ .owner = r, .open = r->opts.open, .opened.pipe.fd = -1 };
		snprintf(c->key, sizeof c->key, "%s", r->opts.open.key);
		c->open.key = c->key;
		c->holder = part_hold(r->opts.holder);
		c->job = jobs_start(r->opts.jobs,
			&(struct job_opts){ .lane = r->opts.lane,
				.name = "fleet",
				.about = "connect",
				.ctx = c,
				.work = work,
				.done = done });
		if (c->job) {
			r->connecting = c;
			return;
		}
		part_drop(c->holder);
	}
	free(c);
	connect_soon(r, WAIT_LAST_MS);
}

static void connect_soon(struct redis *r, unsigned in_ms)
{
	ev_timer_stop(r->opts.loop, &r->retry);
	ev_timer_set(&r->retry, in_ms / 1e3, 0);
	ev_timer_start(r->opts.loop, &r->retry);
}

struct redis *redis_new(const struct redis_opts *opts)
{
	struct redis *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->opts = *opts;
	r->opts.holder = part_hold(opts->holder);
	r->pipe.fd = -1;
	r->last = &r->first;
	ev_io_init(&r->io, on_io, -1, EV_READ);
	ev_timer_init(&r->retry, on_retry, 0, 0);
	ev_timer_init(&r->watch, on_watch, 0, 0);
	ev_timer_init(&r->more, on_more, 0, 0);
	r->io.data = r->retry.data = r->watch.data = r->more.data = r;
	connect_soon(r, 0);
	return r;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	ev_timer_stop(r->opts.loop, &r->retry);
	drop_connection(r);
	tell_lost(r);
	if (r->connecting) {
		r->connecting->owner = NULL;
		jobs_cancel(r->opts.jobs, r->connecting->job);
	}
	part_drop(r->opts.holder);
	free(r);
}

/* --- looking ------------------------------------------------------------------------------ */

bool redis_is_up(const struct redis *r)
{
	return r->up;
}

const char *redis_where(const struct redis *r)
{
	return r->where;
}

const char *redis_fault(const struct redis *r)
{
	return r->why;
}

struct redis_counts redis_counts(const struct redis *r)
{
	return r->counts;
}
