#include "daemon/flattening_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEPT_A_SECOND = 1000 };

static const double again_s = 10; /* when there was no memory */

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct flattening *f = timer->data;

	(void)events;
	ev_timer_stop(loop, timer);
	if (f->dirty)
		flattening_remake(f);
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
void flattening_keep_soon(struct flattening *f)
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

/* --- which names there are ---------------------------------------------------------------- */

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
	flattening_ask_init(t);
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
		flattening_stop(t);
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
		flattening_stop(t);
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
			flattening_ask_in(t, 0);
	if (f->dirty)
		flattening_remake(f);
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
