/* flattening_edges.c - edges with the addresses that are known of the names that they flatten. */
#include "daemon/flattening_inner.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"

#include <stdlib.h>
#include <string.h>

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
		flattening_remake(f);
	}
}

void flattening_remake(struct flattening *f)
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
