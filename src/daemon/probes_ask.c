/* probes_ask.c - "waymarkctl probe": an edge is probed now, and whoever asks is told step by step. */
#include "daemon/probes_inner.h"

#include "base/memory.h"
#include "daemon/tell.h"

struct asking {
	struct round_ask ask; /* first */
	struct probes *probes;
	struct command_call *call;
	struct tell_steps tell;
};

static void on_told(struct round_ask *a, const struct round_view *v, const char *steps)
{
	struct asking *k = (struct asking *)a;

	tell_steps(&k->tell, v, steps);
	if (a->left)
		return;
	struct command_call *c = k->call;
	const bool passed = k->tell.passed;
	tell_steps_end(&k->tell);
	memory_free(k);
	c->done(c, passed ? 0 : 1);
}

static void on_forget(struct command_call *c)
{
	struct asking *k = c->pending;

	round_forget(k->probes->round, &k->ask);
	k->tell.out = NULL;
	tell_steps_end(&k->tell);
	memory_free(k);
}

struct found_targets {
	uint32_t *of;
	unsigned n;
	bool told; /* some are as somebody tells */
};

/* Each once; instead of one that is made of parts, those. */
static void add_target(const struct probes *p, uint32_t target, struct found_targets *to)
{
	const struct round_view v = round_view(p->round, target);
	unsigned twin = 0;

	for (unsigned i = 0; i < v.n_parts; i++)
		add_target(p, v.parts[i], to);
	to->told = to->told || v.probe->kind == PROBE_EXTERNAL;
	while (twin < to->n && to->of[twin] != target)
		twin++;
	if (v.n_parts || twin < to->n || v.probe->kind == PROBE_EXTERNAL)
		return;
	to->of = memory_grow(to->of, (to->n + 1) * sizeof *to->of);
	to->of[to->n++] = target;
}

/* The targets of an edge in some rows of the round. */
static void add_targets(const struct probes *p, const struct edge *e, unsigned first,
	unsigned rows, struct found_targets *to)
{
	for (unsigned row = first; row < first + rows; row++)
		for (unsigned k = 0; k < e->n_slots; k++) {
			const uint32_t target = round_row_targets(
				p->round, row)[e->first_address + k];
			if (target != STANDING_NO_TARGET)
				add_target(p, target, to);
		}
}

/* Of what is served, and of a stage. False: it is in neither. */
static bool find_targets(const struct probes *p, const char *name, struct found_targets *to)
{
	const struct parts *stage = publisher_staged(p->opts.publisher);
	const struct steer *s[] = { publisher_live(p->opts.publisher)->steer,
		stage ? stage->steer : NULL };
	const unsigned rows[] = { p->rows.n, p->staged_rows.n };
	bool found = false;

	for (unsigned i = 0; i < 2; i++) {
		const int at = s[i] ? steer_edge(s[i], name) : -1;
		if (at < 0)
			continue;
		for (unsigned k = 0; k < s[i]->n_edges; k++)
			if (k == (unsigned)at || s[i]->edges[k].origin == at)
				add_targets(p, &s[i]->edges[k], i ? rows[0] : 0, rows[i], to);
		found = true;
	}
	return found;
}

bool probes_ask(struct probes *p, const char *edge, bool json, struct command_call *c,
	struct fault *why)
{
	struct found_targets found = { 0 };

	if (!find_targets(p, edge, &found))
		return fault(
			why, "there is no edge \"%s\" (\"waymarkctl edges\" lists them)", edge);
	struct asking *k = memory_zeroed(1, sizeof *k);
	*k = (struct asking){ .ask = { .told = on_told },
		.probes = p,
		.call = c,
		.tell = tell_steps_begin(c->out, json) };
	c->pending = k;
	c->forget = on_forget;
	bool ok = found.n ||
		fault(why,
			found.told ? "edge %s is not probed: others tell how it is (\"waymarkctl verdict\" shows "
				     "what)"
				   : "edge %s has no probe: no pool that has it names one",
			edge);
	ok = ok &&
		(round_ask(p->round, found.of, found.n, &k->ask) ||
			fault(why, "edge %s is being probed for somebody else; try again",
				edge));
	memory_free(found.of);
	if (!ok) {
		k->tell.out = NULL;
		tell_steps_end(&k->tell);
		memory_free(k);
	}
	return ok;
}
