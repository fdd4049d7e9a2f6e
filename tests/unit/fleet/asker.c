#include "unit/fleet/asker.h"

#include "unit/turns.h"
#include "unit/unit.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void no_more(struct part *p)
{
	(void)p;
	CU_FAIL("a hold of the asker's own is dropped");
}

void asker_open(struct asker *a)
{
	memset(a, 0, sizeof *a);
	a->loop = ev_loop_new(EVFLAG_NOENV);
	a->jobs = jobs_new(a->loop);
	a->lane = jobs_lane(a->jobs, 2, JOBS_PROMPT);
	a->holder = part_new(no_more);
	a->key = "k";
	engine_open(&a->engine, a->loop);
	engine_open(&a->other, a->loop);
}

void asker_close(struct asker *a)
{
	redis_free(a->r);
	CU_ASSERT_TRUE(jobs_stop(a->jobs, TURNS_PATIENCE_S));
	CU_ASSERT_EQUAL(a->holder.refs, 1);
	jobs_free(a->jobs);
	engine_close(&a->engine);
	engine_close(&a->other);
	ev_loop_destroy(a->loop);
	arena_fini(&a->mem);
}

void asker_url(struct asker *a, const char *url, unsigned port)
{
	struct fault why = { .text = "" };
	char text[200];
	const char *number = strstr(url, "%u");

	CU_ASSERT_TRUE_FATAL(number && a->n < ASKER_URLS);
	snprintf(text, sizeof text, "%.*s%u%s", (int)(number - url), url, port, number + 2);
	CU_ASSERT_TRUE_FATAL(redis_at_parse(&a->at[a->n++], text, &a->mem, &why));
}

/* --- what is told ------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void hear(struct asker *a, const char *format, ...)
{
	const size_t len = strlen(a->heard);
	va_list list;

	va_start(list, format);
	vsnprintf(a->heard + len, sizeof a->heard - len, format, list);
	va_end(list);
}

static void on_up(void *ctx)
{
	struct asker *a = ctx;

	a->ups++;
	hear(a, "up|");
}

static void on_down(void *ctx, const char *why)
{
	struct asker *a = ctx;

	a->downs++;
	CU_ASSERT_FALSE(redis_is_up(a->r));
	CU_ASSERT_STRING_EQUAL(redis_fault(a->r), why);
	hear(a, "down %s|", why);
}

static void on_heard(void *ctx, const uint8_t *message, size_t len)
{
	struct asker *a = ctx;

	a->told++;
	hear(a, "message %zu", len);
	for (size_t i = 0; i < len; i++)
		hear(a, " %02x", message[i]);
	hear(a, "|");
}

static void on_told(void *ctx, const struct redisReply *reply)
{
	struct asker *a = ctx;
	const struct redis_value v = redis_value(reply);

	a->told++;
	switch (v.kind) {
	case REDIS_NOTHING: /* who is told of a loss may ask anew, in vain */
		hear(a, reply ? "nil|" : "lost|");
		a->lost += !reply;
		CU_ASSERT_TRUE(reply || !asker_send(a, "PING"));
		break;
	case REDIS_NUMBER: hear(a, ":%lld|", (long long)v.number); break;
	case REDIS_TEXT: hear(a, "$%s|", v.s); break;
	case REDIS_FAULT: hear(a, "-%s|", v.s); break;
	case REDIS_LIST: hear(a, "*%zu|", v.len); break;
	}
}

/* --- doing -------------------------------------------------------------------------------- */

void asker_begin(struct asker *a, const char *channel, unsigned reply_ms)
{
	const struct redis_opts o = { .loop = a->loop,
		.jobs = a->jobs,
		.lane = a->lane,
		.holder = &a->holder,
		.open = { .at = a->at, .n = a->n, .key = a->key, .patience_ms = ASKER_PATIENCE_MS },
		.reply_ms = reply_ms,
		.channel = channel,
		.ctx = a,
		.up = on_up,
		.down = on_down,
		.heard = on_heard };

	a->r = redis_new(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a->r);
}

void asker_connect(struct asker *a, unsigned reply_ms)
{
	asker_url(a, "redis://127.0.0.1:%u", a->engine.port);
	asker_begin(a, NULL, reply_ms);
	CU_ASSERT_TRUE_FATAL(asker_waits_ups(a, 1));
	engine_forget(&a->engine);
	a->heard[0] = 0;
}

bool asker_send(struct asker *a, const char *words)
{
	struct redis_word of[8];
	unsigned n = 0;

	for (const char *at = words; *at && n < 8; at += strspn(at, " ")) {
		of[n] = (struct redis_word){ at, strcspn(at, " ") };
		at += of[n++].len;
	}
	return redis_send(a->r, of, n, on_told, a);
}

/* --- waiting ------------------------------------------------------------------------------ */

struct waited {
	const unsigned *count;
	unsigned n;
};

static bool is_counted(void *ctx)
{
	const struct waited *w = ctx;

	return *w->count >= w->n;
}

static bool waits(struct asker *a, const unsigned *count, unsigned n)
{
	return turns_until(a->loop, is_counted, &(struct waited){ count, n });
}

bool asker_waits_ups(struct asker *a, unsigned n)
{
	return waits(a, &a->ups, n);
}

bool asker_waits_downs(struct asker *a, unsigned n)
{
	return waits(a, &a->downs, n);
}

bool asker_waits_told(struct asker *a, unsigned n)
{
	return waits(a, &a->told, n);
}

bool asker_waits_commands(struct asker *a, unsigned n)
{
	return waits(a, &a->engine.commands, n);
}

struct wrong {
	struct asker *a;
	const char *has;
};

static bool is_wrong(void *ctx)
{
	const struct wrong *w = ctx;

	return !redis_is_up(w->a->r) && strstr(redis_fault(w->a->r), w->has);
}

bool asker_waits_fault(struct asker *a, const char *has)
{
	return turns_until(a->loop, is_wrong, &(struct wrong){ a, has });
}
