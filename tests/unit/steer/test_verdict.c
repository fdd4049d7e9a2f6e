#include "steer/verdict.h"

#include "unit/unit.h"

#include <math.h>

enum { SEVERAL = 4 };

/* A part is known up, known down, awaited, or begins with up or down as it is configured. */
static struct verdict part(unsigned kind, uint64_t changes_us)
{
	return (struct verdict){ .known = kind < 2,
		.up = kind == 0 || kind == 3,
		.awaited = kind == 2,
		.changes_us = kind < 2 ? changes_us : 0,
		.rtt_ms = NAN,
		.load = NAN };
}

static unsigned count_up(const struct verdict *p, unsigned n)
{
	unsigned up = 0;

	for (unsigned i = 0; i < n; i++)
		up += p[i].up;
	return up;
}

/* Can what is not known end in more than one way? By trying all ways. */
static bool is_open(const struct verdict *p, unsigned n, unsigned least, bool awaited_only)
{
	bool met[2] = { false, false };

	for (unsigned bits = 0; bits < 1u << n; bits++) {
		unsigned up = 0;
		bool possible = true;
		for (unsigned i = 0; i < n; i++) {
			const bool is_up = bits >> i & 1, fixed = awaited_only ? !p[i].awaited : p[i].known;
			possible = possible && (!fixed || is_up == p[i].up);
			up += is_up;
		}
		if (possible)
			met[up >= least] = true;
	}
	return met[0] && met[1];
}

/* The soonest moment at which the parts that can have changed by then can turn it. */
static uint64_t turns_at(const struct verdict *p, unsigned n, unsigned least)
{
	const bool up = count_up(p, n) >= least;

	for (uint64_t at = 0; at < 10; at++) {
		unsigned other = 0;
		for (unsigned i = 0; i < n; i++)
			other += p[i].up != (p[i].up == up && p[i].changes_us <= at);
		if ((other >= least) != up)
			return at;
	}
	return UINT64_MAX;
}

static void parts_are_one_verdict_as_all_their_ways_tell(void)
{
	static const uint64_t times[] = { 3, 7, UINT64_MAX };
	struct verdict p[SEVERAL];

	for (unsigned n = 1; n <= SEVERAL; n++)
		for (unsigned least = 1; least <= n; least++)
			for (unsigned code = 0; code < 1u << 4 * n; code++) {
				bool real = true;
				for (unsigned i = 0; i < n; i++) {
					const unsigned c = code >> 4 * i & 15;
					real = real && c < 9;
					p[i] = c < 6 ? part(c / 3, times[c % 3]) : part(c - 4, 0);
				}
				if (!real)
					continue;
				const struct verdict v = verdict_of_parts(p, n, least);
				const bool ok = v.up == (count_up(p, n) >= least) &&
					v.known == !is_open(p, n, least, false) &&
					v.awaited == (!v.up && is_open(p, n, least, true)) &&
					v.changes_us == turns_at(p, n, least);
				if (!ok)
					CU_FAIL("a case differs from trying all ways");
			}
}

static void measures_are_of_parts_that_are_up(void)
{
	struct verdict p[3] = { part(1, 3), part(0, 3), part(0, 3) };

	p[0].rtt_ms = 1, p[0].load = 9;
	p[1].load = 2;
	p[2].rtt_ms = 5, p[2].load = 1;
	const struct verdict v = verdict_of_parts(p, 3, 1);
	CU_ASSERT_EQUAL(v.rtt_ms, 5.0f);
	CU_ASSERT_EQUAL(v.load, 2.0f);
	p[1].rtt_ms = 7;
	CU_ASSERT_EQUAL(verdict_of_parts(p, 3, 1).rtt_ms, 7.0f);
	CU_ASSERT(isnan(verdict_of_parts(p, 1, 1).rtt_ms));
}

void suite_verdict(void)
{
	static const struct unit_case cases[] = {
		{ "parts are one verdict as all their ways tell",
			parts_are_one_verdict_as_all_their_ways_tell },
		{ "measures are of parts that are up", measures_are_of_parts_that_are_up },
	};

	unit_suite("steer/verdict", cases, UNIT_COUNT(cases));
}
