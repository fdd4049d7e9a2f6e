#include "tools/agent_outbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAUSE_MOST_S = 300, ASSIGNMENTS_AGAIN_S = 60 };

struct waiting {
	struct waiting *next;
	struct dispatch *what;
};

struct outbox {
	struct ev_loop *loop;
	struct outbox_opts opts;
	ev_timer timer; /* the next attempt */
	struct waiting *first, **last;
	size_t n, bytes;
	uint64_t dropped; /* since it was told */

	struct http_request *request;
	struct seal seal;                             /* of the request */
	char target[64 + 3 * AGENT_REPORT_EDGE_MOST]; /* of GET: the edge's name, escaped */
	struct dispatch *carried;                     /* NULL: it asks for assignments */
	unsigned fails, assignment_fails;             /* in a row */
	ev_tstamp assignments_at;                     /* ask again then; monotonic */
	bool closed, tried;
	uint32_t failing;                             /* what is wrong and was told (cause_of()); 0: nothing */
};

struct dispatch *dispatch_new(char *body, uint64_t sequence)
{
	struct dispatch *d = memory_zeroed(1, sizeof *d);

	*d = (struct dispatch){ 1, sequence, strlen(body), body };
	return d;
}

void dispatch_drop(struct dispatch *d)
{
	if (d && --d->refs == 0) {
		free(d->body);
		free(d);
	}
}

uint64_t dispatch_sequence(uint64_t *last)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	const uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	*last = us > *last ? us : *last + 1;
	return *last;
}

unsigned outbox_pause_s(unsigned fails)
{
	return fails == 0 ? 0 : fails > 9 ? PAUSE_MOST_S : 1u << (fails - 1);
}

/* --- the spool ---------------------------------------------------------------------------- */

static void take_first(struct outbox *c)
{
	struct waiting *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->last = &c->first;
	c->n--;
	c->bytes -= w->what->len;
	dispatch_drop(w->what);
	free(w);
}

/* The one under way is held by itself, too, so that it may be the oldest. */
static void make_room(struct outbox *c)
{
	while (c->bytes > c->opts.spool && c->n > 1) {
		take_first(c);
		if (c->dropped++ == 0)
			log_line(LOG_WARNING,
				"%s: the spool is full (%zu bytes); the oldest reports are "
				"dropped",
				c->opts.server, c->opts.spool);
	}
}

/* --- what came of it ---------------------------------------------------------------------- */

static void schedule(struct outbox *c, double pause_s)
{
	ev_timer_stop(c->loop, &c->timer);
	ev_timer_set(&c->timer, pause_s > 0 ? pause_s : 0, 0);
	ev_timer_start(c->loop, &c->timer);
}

/* As much of an answer as fits into a line of the log. */
static int first_line(const struct http_answer *a)
{
	const size_t len = strcspn(a->body, "\r\n");

	return len < 300 ? (int)len : 300;
}

/* What is wrong, without its numbers ("after 16 ms"), to be known again. */
static uint32_t cause_of(const struct http_answer *a)
{
	const char *s = a->status ? a->body : a->error;
	const size_t len = a->status ? (size_t)first_line(a) : strlen(s);
	uint32_t hash = 2166136261u ^ a->status; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			hash = (hash ^ (uint8_t)s[i]) * 16777619u;
	return hash | 1;
}

static void tell_failure(struct outbox *c, const struct http_answer *a)
{
	const uint32_t cause = cause_of(a);

	if (c->failing == cause || (a->status == 503 && a->again_s))
		return; /* known already; or nothing is wrong, it has only just started */
	c->failing = cause;
	if (a->status)
		log_line(LOG_WARNING, "%s: refused with %u: %.*s; trying again", c->opts.server,
			a->status, first_line(a), a->body);
	else
		log_line(LOG_WARNING, "%s: not reached: %s%s; trying again", c->opts.server, a->error,
			strstr(a->error, "wrong version number") ? " (no TLS is spoken there: \"management: tls: on\", or http:// here)" : "");
}

static void tell_success(struct outbox *c)
{
	if (c->failing)
		log_line(LOG_NOTICE, "%s: delivers again (%zu reports waited, %llu were lost)",
			c->opts.server, c->n, (unsigned long long)c->dropped);
	c->failing = 0;
	c->dropped = 0;
	c->fails = 0;
}

/* Half of the pause is certain, half is drawn. */
static double draw_pause_s(unsigned fails, unsigned again_s)
{
	const double drawn = outbox_pause_s(fails) *
		(0.5 + 0.5 * randombytes_uniform(1000) / 1000.0);

	return again_s > drawn ? again_s + drawn / 2 : drawn;
}

static void retry(struct outbox *c, unsigned again_s)
{
	schedule(c, draw_pause_s(++c->fails, again_s));
}

/* Reports do not wait for assignments. */
static void retry_assignments(struct outbox *c, unsigned again_s)
{
	c->assignments_at = clock_seconds() + draw_pause_s(++c->assignment_fails, again_s);
	schedule(c, 0);
}

static void report_ended(struct outbox *c, const struct http_answer *a)
{
	const bool mine = c->n && c->first->what == c->carried; /* else dropped meanwhile */

	if (a->status / 100 == 2 || a->status == 409) { /* 409: it was there already */
		tell_success(c);
	} else if (a->status == 400 || a->status == 413) { /* and so it would be later */
		log_line(LOG_ERROR, "%s: a report was refused with %u and is dropped: %.*s",
			c->opts.server, a->status, first_line(a), a->body);
	} else {
		tell_failure(c, a);
		retry(c, a->again_s);
		return;
	}
	if (mine)
		take_first(c);
	schedule(c, 0);
}

/* Whoever else sends us targets would have us measure what he likes. */
static bool is_genuine(const struct outbox *c, const struct http_answer *a)
{
	const struct seal s = { "ANSWER", c->seal.target, c->seal.agent, c->seal.time_s,
		c->seal.sequence };

	/* Without a key it has come by TLS from a server whose certificate we have looked at. */
	return !c->opts.key || seal_is_signed(a->signature, c->opts.key, &s, a->body, a->len);
}

static void assignments_ended(struct outbox *c, const struct http_answer *a)
{
	struct assignments *e = memory_zeroed(1, sizeof *e);
	struct fault why = { "its answer is not signed with our key" };

	if (a->status / 100 != 2) {
		tell_failure(c, a);
		retry_assignments(c, a->again_s);
	} else if (!is_genuine(c, a) || !assignments_decode(e, a->body, a->len, &why)) {
		tell_failure(c, &(struct http_answer){ .error = why.text });
		retry_assignments(c, 0);
	} else {
		tell_success(c);
		c->assignment_fails = 0;
		for (size_t i = 0; i < e->n; i++)
			c->opts.assignment(c->opts.ctx, &e->list[i]);
		c->assignments_at = clock_seconds() +
			(e->again_s ? e->again_s : ASSIGNMENTS_AGAIN_S);
		schedule(c, 0);
	}
	free(e);
}

static void on_done(void *ctx, const struct http_answer *a)
{
	struct outbox *c = ctx;

	c->request = NULL;
	c->tried = c->tried || (c->closed && a->status / 100 != 2);
	if (c->carried)
		report_ended(c, a);
	else
		assignments_ended(c, a);
	dispatch_drop(c->carried);
	c->carried = NULL;
	if (outbox_is_idle(c))
		c->opts.idle(c->opts.ctx);
}

/* --- setting out -------------------------------------------------------------------------- */

static bool start(struct outbox *c, const struct dispatch *d)
{
	char hex[SEAL_HEX], line[4][128];
	struct text url = { 0 };

	c->seal.method = d ? "POST" : "GET";
	c->seal.target = d ? "/v1/latency" : c->target;
	c->seal.agent = c->opts.edge;
	c->seal.time_s = (uint64_t)time(NULL);
	c->seal.sequence = d ? d->sequence : dispatch_sequence(c->opts.sequence);
	if (c->opts.key)
		seal_sign(hex, c->opts.key, &c->seal, d ? d->body : NULL, d ? d->len : 0);
	snprintf(line[0], sizeof line[0], SEAL_AGENT ": %s", c->opts.edge);
	snprintf(line[1], sizeof line[1], SEAL_TIME ": %llu",
		(unsigned long long)c->seal.time_s);
	snprintf(line[2], sizeof line[2], SEAL_SEQUENCE ": %llu",
		(unsigned long long)c->seal.sequence);
	if (c->opts.key)
		snprintf(line[3], sizeof line[3], SEAL_SIGNATURE ": %s", hex);
	text_addf(&url, "%s%s", c->opts.server, c->seal.target);
	c->request = http_start(c->opts.http,
		&(struct http_ask){ .url = text_get(&url),
			.headers = (const char *const[]){ line[0], line[1], line[2],
				"Content-Type: application/json", "Expect:",
				c->opts.key ? line[3] : NULL, NULL },
			.body = d ? d->body : NULL,
			.len = d ? d->len : 0,
			.ctx = c,
			.done = on_done });
	text_fini(&url);
	return c->request != NULL;
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct outbox *c = t->data;
	const double left = c->assignments_at - clock_seconds();

	(void)loop;
	(void)events;
	if (c->request || c->tried)
		return;
	if (c->n) {
		c->carried = c->first->what;
		c->carried->refs++;
	} else if (!c->opts.assignments || c->closed) {
		return;
	} else if (left > 0) {
		schedule(c, left);
		return;
	}
	if (start(c, c->carried))
		return;
	dispatch_drop(c->carried);
	c->carried = NULL;
	retry(c, 0);
}

/* --- the public side ---------------------------------------------------------------------- */

struct outbox *outbox_new(struct ev_loop *loop, const struct outbox_opts *opts)
{
	struct outbox *c = memory_zeroed(1, sizeof *c);
	char *at = c->target;

	c->loop = loop;
	c->opts = *opts;
	c->last = &c->first;
	at += sprintf(at, "/v1/targets?edge=");
	for (const char *s = opts->edge; *s; s++)
		at += sprintf(at,
			strchr("%&+#?/=; ", *s) || (unsigned char)*s >= 0x80 ? "%%%02X" : "%c",
			(unsigned char)*s);
	ev_timer_init(&c->timer, on_time, 0, 0);
	c->timer.data = c;
	ev_timer_start(loop, &c->timer);
	return c;
}

void outbox_free(struct outbox *c)
{
	http_stop(c->request);
	dispatch_drop(c->carried);
	while (c->n)
		take_first(c);
	ev_timer_stop(c->loop, &c->timer);
	free(c);
}

void outbox_put(struct outbox *c, struct dispatch *d)
{
	struct waiting *w = memory_zeroed(1, sizeof *w);

	w->what = d;
	d->refs++;
	*c->last = w;
	c->last = &w->next;
	c->n++;
	c->bytes += d->len;
	make_room(c);
	if (!c->fails && !c->request)
		schedule(c, 0);
}

void outbox_close(struct outbox *c)
{
	c->closed = true;
	if (!c->request)
		schedule(c, 0);
}

bool outbox_is_idle(const struct outbox *c)
{
	return !c->request && (c->n == 0 || c->tried);
}

size_t outbox_waiting(const struct outbox *c)
{
	return c->n;
}
