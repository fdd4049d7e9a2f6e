/* flattening_ask.c - one name that edges flatten is asked for, and what comes of it. */
#include "daemon/flattening_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/parts_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_MOST_S = 60 };

static int compare_v4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int compare_v6(const void *a, const void *b)
{
	return memcmp(a, b, ADDRESS);
}

/* In order, each once: resolvers turn them round. */
static void take_addresses(struct question *q, const struct resolver_answer *a)
{
	const size_t size = q->v6 ? ADDRESS : 4;
	struct family *to = &q->found;
	size_t n = 0;

	to->n = 0;
	for (size_t i = 0; i < a->n && to->n < ADDRESSES_MOST; i++)
		memcpy(to->bytes + to->n++ * size, a->all[i].b + ADDRESS - size, size);
	qsort(to->bytes, to->n, size, q->v6 ? compare_v6 : compare_v4);
	for (size_t i = 0; i < to->n; i++)
		if (!n || memcmp(to->bytes + (n - 1) * size, to->bytes + i * size, size) != 0)
			memmove(to->bytes + n++ * size, to->bytes + i * size, size);
	to->n = n;
}

static bool same(const struct family *a, const struct family *b, bool v6)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n * (v6 ? ADDRESS : 4u)) == 0;
}

void flattening_ask_in(struct target *t, double s)
{
	ev_timer_set(&t->timer, s, 0);
	ev_timer_start(t->of->opts.loop, &t->timer);
}

static void tell_failure(const struct target *t, const struct question *q)
{
	if (t->known)
		log_line(LOG_ERROR,
			"flatten %s: its %s cannot be resolved: %s; what was known %.0f s ago stays",
			t->text, q->v6 ? "AAAA" : "A", q->say, clock_seconds() - t->resolved_at);
	else
		log_line(LOG_ERROR, "flatten %s: its %s cannot be resolved: %s; nothing is known of it yet",
			t->text, q->v6 ? "AAAA" : "A", q->say);
}

static void tell_found(const struct target *t, bool first)
{
	if (!t->has[0].n && !t->has[1].n)
		log_line(LOG_WARNING, "flatten %s: it has no address (%s)", t->text,
			t->questions[0].say);
	else if (first || t->failures)
		log_line(LOG_NOTICE, "flatten %s: it has %zu A and %zu AAAA, for %u s", t->text,
			t->has[0].n, t->has[1].n, t->ttl_s);
}

/* Both families have been asked for. What nobody can say is as it was. */
static void settle(struct target *t)
{
	const struct conf *c = parts_conf(publisher_live(t->of->opts.publisher));
	const bool first = !t->known || t->kept;
	uint32_t ttl_s = UINT32_MAX;
	bool other = first, failed = false, none = t->has[0].n + t->has[1].n == 0;

	for (unsigned i = 0; i < 2; i++) {
		struct question *q = &t->questions[i];
		if (q->result == RESOLVER_FAILED) {
			if (!failed && !t->failures)
				tell_failure(t, q);
			failed = true;
			continue;
		}
		if (q->result == RESOLVER_FOUND && q->ttl_s < ttl_s)
			ttl_s = q->ttl_s;
		if (!same(&q->found, &t->has[i], i))
			other = true;
		t->has[i] = q->found;
	}
	const bool any = t->questions[0].result != RESOLVER_FAILED ||
		t->questions[1].result != RESOLVER_FAILED;
	if (any) {
		const uint32_t holds_s = ttl_s == UINT32_MAX ? c->resolve_least_s
			: ttl_s < c->resolve_most_s          ? ttl_s
							     : c->resolve_most_s;
		t->known = true;
		t->kept = false;
		t->at_s = time(NULL);
		if (holds_s < t->ttl_s || first || holds_s / 2 > t->ttl_s)
			other = true;
		if (other)
			t->ttl_s = holds_s;
		if (first || t->failures || none != (t->has[0].n + t->has[1].n == 0))
			tell_found(t, first);
		t->resolved_at = clock_seconds();
		if (other)
			flattening_remake(t->of);
		if (other || t->at_s - t->of->kept_s >= KEEP_EVERY_S || t->at_s < t->of->kept_s)
			flattening_keep_soon(t->of);
	}
	t->failures = failed ? t->failures + 1 : 0;
	if (failed) {
		const unsigned s = c->resolve_least_s << (t->failures < 7 ? t->failures - 1 : 6);
		flattening_ask_in(t, s < RETRY_MOST_S ? s : RETRY_MOST_S);
	} else {
		flattening_ask_in(t, t->ttl_s > c->resolve_least_s ? t->ttl_s : c->resolve_least_s);
	}
}

static void on_answer(void *ctx, const struct resolver_answer *a)
{
	struct question *q = ctx;
	struct target *t = q->of;

	q->ask = NULL;
	q->result = a->result;
	q->ttl_s = a->ttl_s;
	q->found.n = 0;
	snprintf(q->say, sizeof q->say, "%s", a->say);
	if (a->result == RESOLVER_FOUND)
		take_addresses(q, a);
	if (--t->waiting == 0)
		settle(t);
}

static void resolve(struct target *t)
{
	t->waiting = 3; /* one for us, so that nothing is settled in between */
	for (unsigned i = 0; i < 2; i++) {
		struct question *q = &t->questions[i];
		q->of = t;
		q->v6 = i;
		struct resolver_ask *ask =
			resolver_ask_all(t->of->resolver, t->text, i, on_answer, q);
		q->ask = ask;
	}
	if (--t->waiting == 0)
		settle(t);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	resolve(timer->data);
}

void flattening_ask_init(struct target *t)
{
	ev_timer_init(&t->timer, on_timer, 0, 0);
	t->timer.data = t;
}

void flattening_stop(struct target *t)
{
	for (unsigned i = 0; i < 2; i++)
		if (t->questions[i].ask) {
			resolver_forget(t->questions[i].ask);
			t->questions[i].ask = NULL;
		}
	t->waiting = 0;
	ev_timer_stop(t->of->opts.loop, &t->timer);
}
