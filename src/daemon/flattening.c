#include "daemon/flattening.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/flat_keeper.h"
#include "daemon/parts_read.h"
#include "probe/resolver.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESSES_MOST = STORE_FLAT_MOST, ADDRESS = 16, RETRY_MOST_S = 60, SAY_MOST = 80, KEEP_EVERY_S = 60, KEPT_A_SECOND = 1000 };

static const double again_s = 10; /* when there was no memory */

/* The addresses of a family, ascending. */
struct family {
	size_t n;
	uint8_t bytes[ADDRESSES_MOST * ADDRESS];
};

struct target;

/* One question. */
struct question {
	struct target *of;
	bool v6;
	struct resolver_ask *ask; /* in flight; NULL */
	enum resolver_result result;
	char say[SAY_MOST];
	uint32_t ttl_s;
	struct family found;
};

/* A name that edges flatten. */
struct target {
	struct flattening *of;
	uint8_t name[NAME_MOST]; /* wire, lower case */
	char text[NAME_TEXT];
	struct question questions[2];
	unsigned waiting; /* for so many answers */
	bool known, kept; /* ... by the store, which has it of the time before the start */
	uint32_t ttl_s;
	struct family has[2]; /* A, AAAA */
	unsigned failures;    /* in a row */
	double resolved_at;   /* clock_seconds() */
	int64_t at_s;         /* the same by the time of day */
	ev_timer timer;       /* until it is asked for once more */
	bool wanted;
	struct target *next;
};

/* What a target has, for a job. */
struct flat {
	uint8_t name[NAME_MOST];
	struct family has[2];
	uint32_t ttl_s;
};

struct making {
	struct build build;
	struct parts live, staged; /* held; `staged` without conf: no stage is on */
	struct parts made, made_staged;
	struct pool_signatures *signatures; /* held */
	struct flat *flats; /* [n] own */
	size_t n;
};

struct flattening {
	struct flattening_opts opts;
	struct resolver *resolver;
	char *servers; /* that it asks; own; NULL: the system's */
	struct target *targets;
	bool dirty, asked; /* edges are to be made anew; that is on its way */
	struct making making;
	ev_timer again;
	struct flat_keeper *keeper;
	const struct store_flat *stored; /* [n_stored] the keeper's: at the start alone */
	size_t n_stored;
	ev_timer keeps;     /* what is known is to be written */
	int64_t kept_s;     /* when that was last done */
	size_t n_kept;      /* names, then */
};

static void remake(struct flattening *f);

/* --- edges with these addresses ----------------------------------------------------------- */

static bool making_begin(void *ctx)
{
	struct flattening *f = ctx;
	struct making *m = &f->making;
	const struct parts *staged = publisher_staged(f->opts.publisher);
	size_t n = 0;

	for (struct target *t = f->targets; t; t = t->next)
		n += t->known;
	m->flats = n ? malloc(n * sizeof *m->flats) : NULL;
	if (!m->flats)
		return false;
	m->n = 0;
	for (struct target *t = f->targets; t; t = t->next) {
		if (!t->known)
			continue;
		struct flat *to = &m->flats[m->n++];
		memcpy(to->name, t->name, NAME_MOST);
		memcpy(to->has, t->has, sizeof to->has);
		to->ttl_s = t->ttl_s;
	}
	m->live = parts_hold(publisher_live(f->opts.publisher));
	m->staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	m->signatures = pool_signing_hold(f->opts.signing);
	f->dirty = false;
	return true;
}

static const struct flat *find_flat(const struct making *m, const uint8_t *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (name_equal(m->flats[i].name, name))
			return &m->flats[i];
	return NULL;
}

static struct steer *make_steer(const struct making *m, const struct parts *p)
{
	const struct conf *c = parts_conf(p);
	struct edge_flat *flats = memory_zeroed(c->n_edges, sizeof *flats);

	for (size_t i = 0; i < c->n_edges; i++) {
		const struct flat *of = c->edges[i].flatten ? find_flat(m, c->edges[i].flatten) : NULL;
		if (of)
			flats[i] = (struct edge_flat){ true, of->has[0].bytes, of->has[1].bytes,
				(uint16_t)of->has[0].n, (uint16_t)of->has[1].n, of->ttl_s };
	}
	struct steer *s = parts_steer_flat(c, p->atlas, p->table, p->steer, flats);
	memory_free(flats);
	return s;
}

/* What is staged answers in the zones that are served: its numbers are of these. */
static void sign(const struct making *m, const struct parts *p, struct steer *s, struct job *job)
{
	struct pool_signing_sum sum = { 0 };

	pool_signing_ahead(m->signatures,
		&(struct pool_signing_of){ m->live.zones, NULL, s, p->numbers, job }, &sum);
}

static void making_work(void *ctx, struct job *job)
{
	struct flattening *f = ctx;
	struct making *m = &f->making;

	m->made.steer = make_steer(m, &m->live);
	sign(m, &m->live, m->made.steer, job);
	if (!m->staged.conf)
		return;
	m->made_staged.steer = make_steer(m, &m->staged);
	sign(m, &m->staged, m->made_staged.steer, job);
}

static void making_end(void *ctx, enum job_end end)
{
	struct flattening *f = ctx;
	struct making *m = &f->making;
	const struct parts *staged = publisher_staged(f->opts.publisher);

	f->asked = false;
	if (end == JOB_DONE) {
		publisher_take_rankings(f->opts.publisher, false, &m->made);
		/* A stage may have been taken back since. */
		if (staged && staged->conf == m->staged.conf && m->made_staged.steer)
			publisher_take_rankings(f->opts.publisher, true, &m->made_staged);
	} else {
		m->made = m->made_staged = (struct parts){ 0 };
		f->dirty = true;
	}
	publisher_let_go(f->opts.publisher, &m->made_staged);
	publisher_let_go(f->opts.publisher, &m->live);
	publisher_let_go(f->opts.publisher, &m->staged);
	pool_signatures_drop(m->signatures);
	m->signatures = NULL;
	free(m->flats);
	m->flats = NULL;
	if (end == JOB_NO_MEMORY) {
		log_line(LOG_ERROR, "out of memory; edges that flatten a name stay as they were");
		ev_timer_again(f->opts.loop, &f->again);
	} else if (f->dirty && end == JOB_DONE) {
		remake(f);
	}
}

static void remake(struct flattening *f)
{
	f->dirty = true;
	if (f->asked)
		return;
	f->asked = true;
	f->making = (struct making){ .build = { .name = "flatten",
					     .ctx = f,
					     .begin = making_begin,
					     .work = making_work,
					     .end = making_end,
					     .beside = true } };
	builder_ask(f->opts.builder, &f->making.build);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct flattening *f = timer->data;

	(void)events;
	ev_timer_stop(loop, timer);
	if (f->dirty)
		remake(f);
}

/* --- over a restart ------------------------------------------------------------------------ */

static struct store_flat flat_of(const struct target *t)
{
	struct store_flat to = { .at_s = t->at_s,
		.ttl_s = t->ttl_s,
		.n_a = t->has[0].n,
		.n_aaaa = t->has[1].n };

	memcpy(to.name, t->name, NAME_MOST);
	memcpy(to.a, t->has[0].bytes, t->has[0].n * 4);
	memcpy(to.aaaa, t->has[1].bytes, t->has[1].n * ADDRESS);
	return to;
}

static void keep(struct flattening *f)
{
	size_t n = 0, i = 0;

	for (const struct target *t = f->targets; t; t = t->next)
		n += t->known;
	struct store_flat *list = n && flat_keeper_is_on(f->keeper) ? malloc(n * sizeof *list) : NULL;
	if (!list)
		return; /* or the next time */
	for (const struct target *t = f->targets; t; t = t->next)
		if (t->known)
			list[i++] = flat_of(t);
	f->kept_s = time(NULL);
	f->n_kept = n;
	flat_keeper_put(f->keeper, list, n);
}

static void on_keep(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	keep(t->data);
}

/* All are written each time, and those of some have others with each question: so the more there are, the less often. */
static void keep_soon(struct flattening *f)
{
	if (ev_is_active(&f->keeps))
		return;
	ev_timer_set(&f->keeps, (double)f->n_kept / KEPT_A_SECOND, 0);
	ev_timer_start(f->opts.loop, &f->keeps);
}

/* What is stale is no more than nothing better, and it is not said for long. */
static void take_kept(struct target *t, const struct store_flat *s)
{
	const int64_t age_s = time(NULL) - s->at_s;

	if (age_s > FLATTENING_KEPT_S)
		return;
	t->known = t->kept = true;
	t->at_s = s->at_s;
	t->resolved_at = clock_seconds() - (age_s > 0 ? (double)age_s : 0);
	t->ttl_s = s->ttl_s < FLATTENING_KEPT_TTL_S ? s->ttl_s : FLATTENING_KEPT_TTL_S;
	t->has[0].n = s->n_a;
	t->has[1].n = s->n_aaaa;
	memcpy(t->has[0].bytes, s->a, s->n_a * 4);
	memcpy(t->has[1].bytes, s->aaaa, s->n_aaaa * ADDRESS);
	log_line(LOG_NOTICE, "flatten %s: it had %zu A and %zu AAAA %.0f s ago; they are answered until it is resolved",
		t->text, s->n_a, s->n_aaaa, clock_seconds() - t->resolved_at);
}

static void find_kept(struct target *t)
{
	for (size_t i = 0; i < t->of->n_stored; i++)
		if (name_equal(t->of->stored[i].name, t->name))
			take_kept(t, &t->of->stored[i]);
}

/* --- what resolvers say ------------------------------------------------------------------- */

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

static void ask_in(struct target *t, double s)
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
			remake(t->of);
		if (other || t->at_s - t->of->kept_s >= KEEP_EVERY_S || t->at_s < t->of->kept_s)
			keep_soon(t->of);
	}
	t->failures = failed ? t->failures + 1 : 0;
	if (failed) {
		const unsigned s = c->resolve_least_s << (t->failures < 7 ? t->failures - 1 : 6);
		ask_in(t, s < RETRY_MOST_S ? s : RETRY_MOST_S);
	} else {
		ask_in(t, t->ttl_s > c->resolve_least_s ? t->ttl_s : c->resolve_least_s);
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

/* --- which names there are ---------------------------------------------------------------- */

static void forget(struct target *t)
{
	for (unsigned i = 0; i < 2; i++)
		if (t->questions[i].ask) {
			resolver_forget(t->questions[i].ask);
			t->questions[i].ask = NULL;
		}
	t->waiting = 0;
	ev_timer_stop(t->of->opts.loop, &t->timer);
}

static struct target *want(struct flattening *f, const uint8_t *name)
{
	struct target *t = f->targets;

	while (t && !name_equal(t->name, name))
		t = t->next;
	if (t) {
		t->wanted = true;
		return t;
	}
	t = memory_zeroed(1, sizeof *t);
	t->of = f;
	name_lower(t->name, name, name_len(name));
	name_text(t->text, name);
	t->wanted = true;
	t->next = f->targets;
	f->targets = t;
	ev_timer_init(&t->timer, on_timer, 0, 0);
	t->timer.data = t;
	find_kept(t);
	return t;
}

/* Is there an edge that lacks what is known of its name? */
static void want_all(struct flattening *f, const struct parts *p)
{
	const struct conf *c = parts_conf(p);
	const struct steer *s = p->steer;

	for (size_t i = 0; i < c->n_edges; i++)
		if (c->edges[i].flatten && want(f, c->edges[i].flatten)->known && s->edges[i].unresolved)
			f->dirty = true;
}

/* Others are asked from now on. */
static void set_servers(struct flattening *f, const char *servers)
{
	const bool same_servers = f->resolver &&
		(servers && f->servers ? strcmp(servers, f->servers) == 0 : servers == f->servers);

	if (same_servers)
		return;
	for (struct target *t = f->targets; t; t = t->next)
		forget(t);
	if (f->resolver)
		resolver_free(f->resolver);
	memory_free(f->servers);
	f->servers = servers ? memory_strdup(servers) : NULL;
	f->resolver = resolver_new_dns(f->opts.loop, servers);
}

static void drop_unwanted(struct flattening *f)
{
	for (struct target **at = &f->targets; *at;) {
		struct target *t = *at;
		if (t->wanted) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		forget(t);
		memory_free(t);
	}
}

static void on_parts(void *ctx, unsigned what)
{
	struct flattening *f = ctx;
	const struct parts *live = publisher_live(f->opts.publisher),
			   *staged = publisher_staged(f->opts.publisher);

	if (!(what & (PUBLISH_CONF | PUBLISH_STAGE)))
		return;
	for (struct target *t = f->targets; t; t = t->next)
		t->wanted = false;
	want_all(f, live);
	if (staged)
		want_all(f, staged);
	drop_unwanted(f);
	if (!f->targets)
		return;
	set_servers(f, parts_conf(live)->resolvers);
	for (struct target *t = f->targets; t; t = t->next)
		if (!t->waiting && !ev_is_active(&t->timer))
			ask_in(t, 0);
	if (f->dirty)
		remake(f);
}

/* --- the whole ---------------------------------------------------------------------------- */

struct flattening *flattening_new(const struct flattening_opts *opts)
{
	struct flattening *f = memory_zeroed(1, sizeof *f);

	f->opts = *opts;
	ev_timer_init(&f->again, on_again, again_s, again_s);
	ev_init(&f->keeps, on_keep);
	f->again.data = f->keeps.data = f;
	f->keeper = flat_keeper_new(opts->jobs, opts->store);
	f->stored = flat_keeper_load(f->keeper, &f->n_stored);
	publisher_follow(opts->publisher, on_parts, f);
	on_parts(f, PUBLISH_CONF);
	f->stored = NULL;
	f->n_stored = 0;
	return f;
}

struct flattening_counts flattening_counts(const struct flattening *f)
{
	struct flattening_counts c = { .names = 0 };

	for (const struct target *t = f->targets; t; t = t->next) {
		const double age_s = t->known ? clock_seconds() - t->resolved_at : 0;
		c.names++;
		c.unresolved += !t->known;
		c.kept += t->kept;
		c.failing += t->failures != 0;
		c.oldest_s = age_s > c.oldest_s ? age_s : c.oldest_s;
	}
	return c;
}

void flattening_free(struct flattening *f)
{
	for (struct target *t = f->targets; t; t = t->next)
		t->wanted = false;
	drop_unwanted(f);
	if (f->resolver)
		resolver_free(f->resolver);
	ev_timer_stop(f->opts.loop, &f->again);
	ev_timer_stop(f->opts.loop, &f->keeps);
	memory_free(f->servers);
	flat_keeper_free(f->keeper);
	memory_free(f);
}
