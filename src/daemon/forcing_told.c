/* forcing_told.c - what is told of changes: which edges they are of, and how those were and are.
 */
#include "daemon/forcing_inner.h"

#include "steer/forced_effect.h"

#include <stdio.h>
#include <string.h>

const char *forcing_where(struct forcing_where *to, const char *edge, const char *pool)
{
	const bool is_pool = strncmp(edge, "pool:", 5) == 0;

	snprintf(to->text, sizeof to->text, "%s%s %s%s%s",
		is_pool                           ? "pool"
			: forced_is_pattern(edge) ? "edges"
						  : "edge",
		"", is_pool ? edge + 5 : edge, *pool ? " in pool " : "", pool);
	return to->text;
}

/* How many of them are how; "up", or "2 up, 1 drain". `pool` is one that it holds in, or -1. */
static void add_counts(const unsigned n[3], struct text *to)
{
	static const enum edge_state states[] = { EDGE_UP, EDGE_DOWN, EDGE_DRAIN };
	const bool mixed = (n[0] != 0) + (n[1] != 0) + (n[2] != 0) > 1;

	for (unsigned i = 0; i < 3; i++) {
		if (!n[states[i]])
			continue;
		text_add(to, to->len ? ", " : "");
		if (mixed)
			text_addf(to, "%u ", n[states[i]]);
		text_add(to, edge_state_text(states[i]));
	}
}

static int one_pool(const struct steer *s, const char *pool)
{
	for (unsigned i = 0; *pool && i < s->n_pools; i++)
		if (forced_matches(pool, s->pools[i].name))
			return (int)i;
	return -1;
}

static int32_t weight_of(
	const struct forced_effect *e, const struct steer *s, int pool, size_t slot)
{
	const struct forced_view *v = pool >= 0 && e->view_of && e->view_of[pool]
		? &e->views[e->view_of[pool] - 1]
		: NULL;

	if (v && v->weights && v->weights[slot] != FORCED_NO_WEIGHT)
		return v->weights[slot];
	if (e->weights && e->weights[slot] != FORCED_NO_WEIGHT)
		return e->weights[slot];
	return slot < s->n_edges ? s->edges[slot].weight : FORCED_NO_WEIGHT;
}

struct text forcing_how(const struct forcing *f, const char *edge, const char *pool_words,
	enum forced_what what)
{
	const struct steer *s = publisher_live(f->opts.publisher)->steer;
	const int pool = one_pool(s, pool_words);
	struct forced_effect e = forced_effect_of(&f->list, s);
	const struct forced_view *v = pool >= 0 && e.view_of && e.view_of[pool]
		? &e.views[e.view_of[pool] - 1]
		: NULL;
	unsigned n[3] = { 0 };
	struct text to = { 0 };
	int32_t weight = FORCED_NO_WEIGHT;
	bool mixed = false;

	for (unsigned i = 0; i < s->n_edges; i++) {
		if (!steer_edge_is(s, i, edge))
			continue;
		n[v && v->states[i] != FORCED_AS_ALL ? v->states[i] : e.states[i]]++;
		const int32_t w = weight_of(&e, s, pool, i);
		mixed = mixed || (weight != FORCED_NO_WEIGHT && weight != w);
		weight = w;
	}
	if (what == FORCED_STATE)
		add_counts(n, &to);
	else if (mixed)
		text_add(&to, "various weights");
	else if (weight != FORCED_NO_WEIGHT)
		text_addf(&to, "weight %d", weight);
	forced_effect_fini(&e);
	return to;
}

void forcing_remember(const struct forcing *f, const char *what, const struct forced *x,
	const char *who, const char *was, const char *is)
{
	if (f->opts.timeline)
		timeline_add(f->opts.timeline,
			&(struct store_event){ .what = what,
				.edge = x->edge,
				.pool = x->pool,
				.who = who,
				.was = was,
				.is = is,
				.why = x->why });
}
