#include "steer/needs.h"

#include "steer/standing.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { EDGES = 5, NEEDS = 2 };

/* Edge i needs only edges of less number: there are no circles. Each is probed by its only address. */
struct desk {
	struct atlas *atlas;
	struct steer *steer;
	struct addr addr[EDGES];
	uint16_t needs[EDGES][NEEDS], all[EDGES];
	size_t n_needs[EDGES];
	uint8_t states[EDGES], forced[EDGES];
	struct verdict verdicts[EDGES];
	uint16_t own_row[EDGES];
};

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void open_desk(struct desk *d, unsigned *seed)
{
	static const char *const names[EDGES] = { "e0", "e1", "e2", "e3", "e4" };
	struct edge_opts edges[EDGES];

	memset(d, 0, sizeof *d);
	d->atlas = small_atlas();
	for (unsigned i = 0; i < EDGES; i++) {
		addr_parse(&d->addr[i], "192.0.2.1");
		d->addr[i].b[15] = (uint8_t)i;
		d->all[i] = (uint16_t)i;
		for (unsigned k = 0; k < NEEDS && i; k++)
			if (draw(seed, 2))
				d->needs[i][d->n_needs[i]++] = (uint16_t)draw(seed, i);
		edges[i] = (struct edge_opts){ .name = names[i], .weight = 1, .a = &d->addr[i],
			.n_a = 1, .needs = d->needs[i], .n_needs = d->n_needs[i] };
		d->states[i] = (uint8_t)(draw(seed, 3) ? EDGE_UP : draw(seed, 3));
		d->forced[i] = draw(seed, 4) == 0;
		d->verdicts[i] = (struct verdict){ .known = true, .up = draw(seed, 3) != 0,
			.changes_us = 1 + draw(seed, 9), .rtt_ms = NAN, .load = NAN };
		d->own_row[i] = draw(seed, 3) != 0;
	}
	const struct pool_opts pool = { .name = "web", .edges = d->all, .n = EDGES, .answers = 1 };
	d->steer = steer_new(
		&(struct steer_opts){ .edges = edges, .n_edges = EDGES, .pools = &pool, .n_pools = 1 }, d->atlas, NULL);
}

/* The worst of what is wanted of it and of all that it needs; what is forced stands. */
static unsigned wanted(const struct desk *d, unsigned edge)
{
	static const unsigned worse[] = { [EDGE_UP] = 0, [EDGE_DRAIN] = 1, [EDGE_DOWN] = 2 };
	unsigned state = d->states[edge];

	for (size_t i = 0; i < d->n_needs[edge] && !d->forced[edge]; i++) {
		const unsigned other = wanted(d, d->needs[edge][i]);
		state = worse[other] > worse[state] ? other : state;
	}
	return state;
}

/* Does something that it needs fail, with nobody saying otherwise on the way? */
static bool lacks(const struct desk *d, unsigned edge)
{
	for (size_t i = 0; i < d->n_needs[edge]; i++) {
		const unsigned need = d->needs[edge][i];
		if (d->forced[need] || wanted(d, need) != EDGE_UP)
			continue;
		if ((d->own_row[need] && !d->verdicts[need].up) || lacks(d, need))
			return true;
	}
	return false;
}

static void edges_are_as_what_they_need(void)
{
	static const uint16_t row_of[] = { 1 };
	static const uint32_t targets[EDGES] = { 0, 1, 2, 3, 4 };
	unsigned seed = 7;

	for (unsigned round = 0; round < 3000; round++) {
		struct desk d;
		uint8_t states[EDGES];
		open_desk(&d, &seed);
		memcpy(states, d.states, sizeof states);
		needs_states(d.steer, states, d.forced);
		for (unsigned i = 0; i < EDGES; i++)
			CU_ASSERT_EQUAL(states[i], wanted(&d, i));
		struct standing *s = standing_new(&(struct standing_opts){ .steer = d.steer,
			.states = states,
			.forced = d.forced,
			.verdicts = d.verdicts,
			.rows = &(struct standing_row){ 1, targets },
			.n_rows = 1,
			.row_of = row_of,
			.own_row = d.own_row });
		for (unsigned i = 0; i < EDGES; i++) {
			const uint8_t in = standing_marks(s, 1, i), calm = standing_marks(s, 0, i);
			const bool up = states[i] == EDGE_UP;
			CU_ASSERT_EQUAL((in & STANDS_NEEDS) != 0, lacks(&d, i));
			CU_ASSERT_EQUAL((in & STANDS_FAILS) != 0, lacks(&d, i) || !d.verdicts[i].up);
			CU_ASSERT_EQUAL((in & STANDS_A) != 0,
				up && (d.forced[i] || (!lacks(&d, i) && d.verdicts[i].up)));
			CU_ASSERT_EQUAL((calm & STANDS_A) != 0, up); /* panic trusts no probe */
			CU_ASSERT_EQUAL(calm & STANDS_WHY, 0);
			if (s->blame)
				CU_ASSERT_EQUAL(s->blame[i] != 0, lacks(&d, i));
		}
		standing_free(s);
		steer_drop(d.steer);
		atlas_drop(d.atlas);
	}
}

void suite_needs(void)
{
	static const struct unit_case cases[] = {
		{ "edges are as what they need", edges_are_as_what_they_need },
	};

	unit_suite("steer/needs", cases, UNIT_COUNT(cases));
}
