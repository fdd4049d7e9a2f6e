#include "report/decision_story.h"

#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>

static bool would_answer(uint8_t verdict)
{
	return verdict == CHOSEN || verdict == PASSED_ENOUGH || verdict == PASSED_TURN ||
		verdict == PASSED_SPREAD;
}

/* The first of a list, in its order, that would have answered had the chosen one not been there. */
static const char *next_of(
	const struct steer *s, const struct choose_step *step, const char *chosen)
{
	for (unsigned i = 0; i < step->n; i++) {
		const struct edge *e = step->members ? NULL : &s->edges[step->edges[i]];
		if (e && would_answer(step->verdicts[i]) && strcmp(e->name, chosen) != 0)
			return e->name;
	}
	return NULL;
}

/* As the answer was chosen: who has something of that type, where it was no question for addresses or a service,
 * which goes where addresses go. */
static uint32_t record_of(const struct steer *s, unsigned pool, uint16_t type)
{
	if (type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_HTTPS || type == RRTYPE_SVCB)
		return 0;
	return s->n_record_types ? steer_can(s, type) & s->pools[pool].can : 0;
}

static void find_next(const struct world *w, const struct decision *d, unsigned pool,
	uint64_t now_us, struct choose_trace *trace, struct decision_story *to)
{
	const struct choose_ask ask = { .steer = w->steer,
		.standing = w->standing,
		.now_us = now_us,
		.pool = (uint16_t)pool,
		.v6 = d->v6,
		.record = record_of(w->steer, pool, d->type),
		.has_subnet = d->by_subnet,
		.subnet = d->who,
		.source = d->source,
		.now_s = (uint32_t)d->time_s,
		.name = d->name,
		.name_len = d->name_len };
	const char *next = NULL;

	trace->n = 0;
	choose(&ask, trace);
	for (unsigned i = trace->n; i-- > 0 && !next;)
		next = next_of(w->steer, &trace->steps[i], d->edge);
	if (next)
		snprintf(to->next, sizeof to->next, "%s", next);
}

/* Names behind each other, as far as there is room. */
struct names {
	char *at;
	size_t room;
	unsigned n;
};

static void add_name(struct names *to, const char *begin, const char *name)
{
	const int n = snprintf(to->at, to->room, "%s%s", to->n++ ? ", " : begin, name);

	if (n < 0 || (size_t)n >= to->room) {
		*to->at = 0; /* it is left out as a whole */
		return;
	}
	to->at += n;
	to->room -= (size_t)n;
}

static void add_edges(const struct world *w, const struct pool *p, unsigned pool, unsigned mark,
	const char *begin, struct names *to)
{
	to->n = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const unsigned row = standing_row_at(w->standing, w->steer, pool, i);
		const unsigned marks = standing_marks(w->standing, row, p->edges[i]);
		const bool is = mark == STANDS_DRAINED ? marks & STANDS_DRAINED
						       : !(marks & (STANDS_A | STANDS_AAAA | STANDS_DRAINED));
		if (is)
			add_name(to, begin, w->steer->edges[p->edges[i]].name);
	}
}

static void tell_health(const struct world *w, unsigned pool, struct decision_story *to)
{
	const struct pool *p = &w->steer->pools[pool];
	struct names names = { to->health, sizeof to->health, 0 };
	unsigned up = 0;

	for (unsigned i = 0; i < p->n; i++) {
		const unsigned row = standing_row_at(w->standing, w->steer, pool, i);
		const unsigned marks = standing_marks(w->standing, row, p->edges[i]);
		up += (marks & (STANDS_A | STANDS_AAAA)) && !(marks & STANDS_DRAINED);
	}
	const int n = snprintf(to->health, sizeof to->health, "%u of %u up", up, p->n);
	names.at += n;
	names.room -= (size_t)n;
	add_edges(w, p, pool, 0, "; down: ", &names);
	add_edges(w, p, pool, STANDS_DRAINED, "; drained: ", &names);
}

void decision_story(const struct world *w, const struct decision *d, uint64_t now_us,
	struct choose_trace *trace, struct decision_story *to)
{
	const int pool = steer_pool(w->steer, d->pool);
	struct zone_name name;

	*to = (struct decision_story){ .serial = 0 };
	zone_name_set(&name, w->key, d->name);
	const struct zone *z = zone_set_find(w->zones, &name, name.labels, NULL);
	to->serial = z ? z->serial : 0;
	if (pool < 0)
		return;
	find_next(w, d, (unsigned)pool, now_us, trace, to);
	tell_health(w, (unsigned)pool, to);
}
