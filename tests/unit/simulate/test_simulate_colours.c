#include "simulate/simulate_colours.h"

#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What who lacks one kind of cones sees, of linear RGB: Machado, Oliveira and Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1. */
static const double eyes[][3][3] = {
	{ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
	{ { 0.152286, 1.052583, -0.204868 }, { 0.114503, 0.786281, 0.099216 },
		{ -0.003882, -0.048116, 1.051998 } },
	{ { 0.367322, 0.860646, -0.227968 }, { 0.280085, 0.672501, 0.047413 },
		{ -0.011820, 0.042940, 0.968881 } },
	{ { 1.255528, -0.076749, -0.178779 }, { -0.078411, 0.930809, 0.147602 },
		{ 0.004733, 0.691367, 0.303900 } },
};

static double f(double t)
{
	return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

/* CIE 1976 L*a*b*, of D65. */
static void see(const char *colour, unsigned eye, double lab[3])
{
	double in[3], rgb[3];
	unsigned v[3];

	if (sscanf(colour, "#%2x%2x%2x", &v[0], &v[1], &v[2]) != 3)
		abort();
	for (unsigned i = 0; i < 3; i++)
		in[i] = v[i] <= 10 ? v[i] / 255.0 / 12.92
				   : pow((v[i] / 255.0 + 0.055) / 1.055, 2.4);
	for (unsigned i = 0; i < 3; i++)
		rgb[i] = fmin(1,
			fmax(0,
				eyes[eye][i][0] * in[0] + eyes[eye][i][1] * in[1] +
					eyes[eye][i][2] * in[2]));
	const double x = f((0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2]) /
			     0.95047),
		     y = f(0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2]),
		     z = f((0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2]) /
			     1.08883);
	lab[0] = 116 * y - 16;
	lab[1] = 500 * (x - y);
	lab[2] = 200 * (y - z);
}

static double apart(const char *a, const char *b)
{
	double least = INFINITY;

	for (unsigned eye = 0; eye < UNIT_COUNT(eyes); eye++) {
		double x[3], y[3];
		see(a, eye, x);
		see(b, eye, y);
		least = fmin(least,
			sqrt(pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2) + pow(x[2] - y[2], 2)));
	}
	return least;
}

static void all_eyes_tell_edges_apart(void)
{
	for (unsigned i = 0; i < SIMULATE_COLOURS; i++) {
		CU_ASSERT_TRUE(apart(simulate_light[i], "#ffffff") > 30);
		CU_ASSERT_TRUE(apart(simulate_dark[i], "#1a222c") > 30);
		for (unsigned k = 0; k < i; k++) {
			CU_ASSERT_TRUE(apart(simulate_light[i], simulate_light[k]) > 30);
			CU_ASSERT_TRUE(apart(simulate_dark[i], simulate_dark[k]) > 30);
		}
	}
}

static void all_eyes_tell_what_is_better_from_what_is_worse(void)
{
	for (unsigned i = 0; i < COST_CLASSES; i++)
		for (unsigned k = 0; k < i; k++) {
			CU_ASSERT_TRUE(
				apart(simulate_costs[i].light, simulate_costs[k].light) > 15);
			CU_ASSERT_TRUE(
				apart(simulate_costs[i].dark, simulate_costs[k].dark) > 15);
		}
}

static void edges_of_one_colour_differ_in_their_core(void)
{
	enum { N = 24 };
	struct simulate_edge edges[N];
	struct simulate_paint paint[N];
	struct simulate s = { .edges = edges, .n_edges = N };

	for (unsigned i = 0; i < N; i++)
		edges[i] = (struct simulate_edge){
			.placed = i % 5 != 0, .lat = i * 7 % 60, .lon = i * 31 % 300 - 150.0
		};
	simulate_paint(&s, paint);
	for (unsigned i = 0; i < N; i++)
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_TRUE(paint[i].colour != paint[k].colour ||
				paint[i].core != paint[k].core);
}

static void those_with_most_clients_share_their_colour_with_nobody_as_long_as_that_goes(void)
{
	enum { N = 15 };
	struct simulate_edge edges[N] = { 0 };
	struct simulate_paint paint[N];
	struct simulate s = { .edges = edges, .n_edges = N };

	/* The last eight have most, of now or of then. */
	for (unsigned i = 0; i < N; i++)
		*(i % 2 ? &edges[i].old.weight : &edges[i].new.weight) = i;
	simulate_paint(&s, paint);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(paint[i].core, i < N - SIMULATE_COLOURS ? CORE_PAGE : CORE_NONE);
	for (unsigned i = N - SIMULATE_COLOURS; i < N; i++)
		for (unsigned k = N - SIMULATE_COLOURS; k < i; k++)
			CU_ASSERT_NOT_EQUAL(paint[i].colour, paint[k].colour);
}

void suite_simulate_colours(void);
void suite_simulate_colours(void)
{
	static const struct unit_case cases[] = {
		{ "all eyes tell edges apart", all_eyes_tell_edges_apart },
		{ "all eyes tell what is better from what is worse",
			all_eyes_tell_what_is_better_from_what_is_worse },
		{ "edges of one colour differ in their core",
			edges_of_one_colour_differ_in_their_core },
		{ "those with most clients share their colour with nobody as long as that goes",
			those_with_most_clients_share_their_colour_with_nobody_as_long_as_that_goes },
	};

	unit_suite("simulate/colours", cases, UNIT_COUNT(cases));
}
