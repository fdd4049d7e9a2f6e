#include "measure/latency.h"

#include "unit/failing.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "ams", "rom", "nyc", "sfo" };
enum { AMS, ROM, NYC, SFO, EDGES };
enum { HOUR = 3600, NOW = 1000000 };

static struct latency *table(size_t memory)
{
	return latency_new(&(struct latency_opts){ .edges = names,
		.n_edges = EDGES,
		.smoothing = 0.3,
		.half_life_s = HOUR,
		.memory = memory,
		.key = { 1, 2 } });
}

static struct prefix net(const char *text)
{
	struct prefix p;

	if (!prefix_parse(&p, text, NULL))
		abort();
	return p;
}

static void add(struct latency *t, const char *to, unsigned edge, double rtt_ms, uint32_t at_s)
{
	const struct prefix p = net(to);

	latency_add(t, &p, edge, &(struct latency_sample){ rtt_ms, 1, at_s, false });
}

static const struct latency_cell *get(const struct latency *t, const char *to, unsigned edge)
{
	const struct prefix p = net(to);
	const struct latency_row *r = latency_find(t, &p);

	return r ? latency_cell(r, edge) : NULL;
}

static void samples_are_smoothed(void)
{
	struct latency *t = table(1 << 20);

	add(t, "192.0.2.0/24", AMS, 10, NOW);
	CU_ASSERT_DOUBLE_EQUAL(get(t, "192.0.2.0/24", AMS)->rtt_ms, 10, 1e-4);
	add(t, "192.0.2.0/24", AMS, 20, NOW);
	CU_ASSERT_DOUBLE_EQUAL(
		get(t, "192.0.2.0/24", AMS)->rtt_ms, 13, 1e-4); /* 0.7 * 10 + 0.3 * 20 */
	add(t, "192.0.2.0/24", AMS, 20, NOW);
	CU_ASSERT_DOUBLE_EQUAL(get(t, "192.0.2.0/24", AMS)->rtt_ms, 15.1, 1e-4);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->n, 3);
	CU_ASSERT_PTR_NULL(get(t, "192.0.2.0/24", ROM));
	CU_ASSERT_PTR_NULL(get(t, "192.0.2.0/25", AMS));
	latency_drop(t);
}

/* The old value's share 0.7 is halved: 0.3 / (0.3 + 0.35) of the way. */
static void an_old_time_counts_less_against_a_new_sample(void)
{
	struct latency *t = table(1 << 20);

	add(t, "192.0.2.0/24", AMS, 10, NOW);
	add(t, "192.0.2.0/24", AMS, 23, NOW + HOUR);
	CU_ASSERT_DOUBLE_EQUAL(get(t, "192.0.2.0/24", AMS)->rtt_ms, 16, 1e-4);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->at_s, NOW + HOUR);
	add(t, "192.0.2.0/24", AMS, 1, NOW); /* late: 0.15 / (0.15 + 0.7) */
	CU_ASSERT_DOUBLE_EQUAL(
		get(t, "192.0.2.0/24", AMS)->rtt_ms, 16 - 15 * 0.15 / 0.85, 1e-4);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->at_s, NOW + HOUR);
	latency_drop(t);
}

static float after(const char *to, const double *ms, unsigned n)
{
	struct latency *t = table(1 << 20);

	for (unsigned i = 0; i < n; i++)
		add(t, to, AMS, ms[i], NOW);
	const float got = get(t, to, AMS)->rtt_ms;
	latency_drop(t);
	return got;
}

/* By 0.3, then by 1 - 0.7^2, then by 1 - 0.7^4 of what is left. */
static void a_way_that_is_another_one_is_seen_in_three_samples(void)
{
	static const struct {
		const char *say;
		double ms[6];
		unsigned n;
		double is;
	} row[] = {
		{ "one that is out of line", { 20, 70 }, 2, 35 },
		{ "... and is alone", { 20, 70, 20 }, 3, 35 - 0.3 * 15 },
		{ "the second", { 20, 70, 70 }, 3, 70 - 50 * 0.7 * 0.49 },
		{ "the third, which is near by now", { 20, 70, 70, 70 }, 4, 70 - 50 * 0.7 * 0.49 * 0.7 },
		{ "... and where it is far yet", { 20, 320, 320, 320 }, 4, 320 - 300 * 0.7 * 0.49 * 0.2401 },
		{ "back again", { 320, 20, 20, 20 }, 4, 20 + 300 * 0.7 * 0.49 * 0.2401 },
		{ "to and fro", { 20, 320, 20, 320 }, 4, 0 },
		{ "far, and no half more", { 100, 140, 140, 140 }, 4, 140 - 40 * 0.343 },
		{ "twice as much, and not far", { 10, 25, 25, 25 }, 4, 25 - 15 * 0.343 },
	};

	for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
		double is = row[i].is;
		if (is == 0) { /* each of them is the first to its side */
			is = row[i].ms[0];
			for (unsigned k = 1; k < row[i].n; k++)
				is += 0.3 * (row[i].ms[k] - is);
		}
		const double got = (double)after("192.0.2.0/24", row[i].ms, row[i].n);
		if (fabs(got - is) > 1e-3)
			printf("  %s: %.3f, not %.3f\n", row[i].say, got, is);
		CU_ASSERT_DOUBLE_EQUAL(got, is, 1e-3);
	}
}

/* What is late does not follow on anything. */
static void a_late_sample_is_none_in_a_row(void)
{
	struct latency *t = table(1 << 20);

	add(t, "192.0.2.0/24", AMS, 20, NOW);
	add(t, "192.0.2.0/24", AMS, 70, NOW);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 1);
	add(t, "192.0.2.0/24", AMS, 20, NOW - 1);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 1);
	add(t, "192.0.2.0/24", AMS, 200, NOW);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 2);
	for (unsigned i = 1; i < 4; i++)
		add(t, "192.0.2.0/24", AMS, 1000 * i, NOW);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 3);
	const double was = (double)get(t, "192.0.2.0/24", AMS)->rtt_ms;
	add(t, "192.0.2.0/24", AMS, 20, NOW - 1);
	CU_ASSERT_DOUBLE_EQUAL(get(t, "192.0.2.0/24", AMS)->rtt_ms, was + 0.3 * (20 - was), 0.5);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 3);
	latency_drop(t);
}

/* What another server has made of the same samples goes on; what goes the other way does not. */
static void a_row_of_samples_goes_on_where_a_merged_time_is_to_the_same_side(void)
{
	struct latency *t = table(1 << 20);
	const struct prefix p = net("192.0.2.0/24");

	add(t, "192.0.2.0/24", AMS, 20, NOW);
	add(t, "192.0.2.0/24", AMS, 320, NOW);
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 1);
	latency_put(t, &p, AMS, &(struct latency_sample){ 112, 3, NOW, false });
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 1);
	latency_put(t, &p, AMS, &(struct latency_sample){ 108, 3, NOW, false });
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 1);
	latency_put(t, &p, AMS, &(struct latency_sample){ 20, 3, NOW, false });
	CU_ASSERT_EQUAL(get(t, "192.0.2.0/24", AMS)->jumps, 0);
	latency_drop(t);
}

/* Pages' times to the first byte spread by more, and so do losses. */
static void other_kinds_are_smoothed_alike_however_far_they_are(void)
{
	struct latency *t = table(1 << 20);
	const struct prefix p = net("192.0.2.0/24");

	for (enum latency_kind kind = LATENCY_TTFB; kind < LATENCY_KINDS; kind++) {
		struct latency *of = latency_of(t, kind);
		for (unsigned i = 0; i < 4; i++)
			latency_add(of, &p, AMS, &(struct latency_sample){ i ? 320 : 20, 1, NOW, false });
		const struct latency_cell *c = latency_cell(latency_find(of, &p), AMS);
		CU_ASSERT_DOUBLE_EQUAL(c->rtt_ms, 320 - 300 * 0.343, 1e-3);
	}
	latency_drop(t);
}

/* Both weigh nothing any more. */
static void what_weighs_nothing_changes_nothing(void)
{
	struct latency *t = latency_new(&(struct latency_opts){ .edges = names, .n_edges = EDGES, .smoothing = 1, .half_life_s = 1, .memory = 1 << 20, .key = { 1, 2 } });

	add(t, "192.0.2.0/24", AMS, 20, NOW);
	add(t, "192.0.2.0/24", AMS, 30, NOW - 2000);
	CU_ASSERT_DOUBLE_EQUAL(get(t, "192.0.2.0/24", AMS)->rtt_ms, 20, 1e-4);
	latency_drop(t);
}

static void weights_halve_with_the_half_life(void)
{
	CU_ASSERT_DOUBLE_EQUAL(latency_weight(HOUR, NOW, NOW), 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(latency_weight(HOUR, NOW, NOW + HOUR), 0.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(latency_weight(HOUR, NOW, NOW + 3 * HOUR), 0.125, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(
		latency_weight(HOUR, NOW + 5, NOW), 1, 1e-9); /* from the future */
}

static void a_whole_cell_replaces_what_is_older(void)
{
	struct latency *t = table(1 << 20);
	const struct prefix p = net("2001:db8::/48");

	latency_put(t, &p, NYC, &(struct latency_sample){ 30, 7, NOW, true });
	latency_put(t, &p, NYC, &(struct latency_sample){ 99, 1, NOW - 1, false });
	CU_ASSERT_DOUBLE_EQUAL(get(t, "2001:db8::/48", NYC)->rtt_ms, 30, 1e-4);
	latency_put(t, &p, NYC, &(struct latency_sample){ 31, 1, NOW, false });
	CU_ASSERT_DOUBLE_EQUAL(get(t, "2001:db8::/48", NYC)->rtt_ms, 31, 1e-4);
	latency_drop(t);
}

static void tables_are_merged_by_the_names_of_edges(void)
{
	static const char *const fewer[] = { "sfo", "ams" };
	struct latency *from = table(1 << 20);
	struct latency *to = latency_new(
		&(struct latency_opts){ fewer, 2, 0.3, HOUR, 1 << 20, { 3, 4 } });
	const struct prefix p = net("192.0.2.0/24");

	add(from, "192.0.2.0/24", AMS, 10, NOW);
	add(from, "192.0.2.0/24", ROM, 20, NOW);
	latency_put(from, &p, SFO, &(struct latency_sample){ 140, 1, NOW, true });
	latency_add_mesh(from, AMS, SFO, &(struct latency_sample){ 141, 1, NOW, false });
	latency_add_mesh(from, ROM, SFO, &(struct latency_sample){ 150, 1, NOW, false });
	latency_take(to, from, LATENCY_LEARNED);
	CU_ASSERT_DOUBLE_EQUAL(get(to, "192.0.2.0/24", 1)->rtt_ms, 10, 1e-4);
	CU_ASSERT_PTR_NULL(get(to, "192.0.2.0/24", 0)); /* a file's business */
	CU_ASSERT_EQUAL(latency_size(to).cells, 1);
	CU_ASSERT_EQUAL(latency_size(to).mesh_cells, 1);
	CU_ASSERT_DOUBLE_EQUAL(latency_cell(latency_mesh(to, 1), 0)->rtt_ms, 141, 1e-4);
	latency_take(to, from, LATENCY_ALL);
	CU_ASSERT_DOUBLE_EQUAL(get(to, "192.0.2.0/24", 0)->rtt_ms, 140, 1e-3);
	latency_drop(from);
	latency_drop(to);
}

static void what_is_forgotten_is_gone(void)
{
	struct latency *t = table(1 << 20);
	const struct prefix p = net("10.0.0.0/8");

	add(t, "10.0.0.0/8", AMS, 1, NOW);
	add(t, "10.1.0.0/16", AMS, 2, NOW);
	add(t, "10.1.0.0/16", ROM, 2, NOW);
	add(t, "11.0.0.0/8", ROM, 3, NOW);
	latency_add_mesh(t, ROM, AMS, &(struct latency_sample){ 30, 1, NOW, false });
	CU_ASSERT_EQUAL(latency_forget_edge(t, ROM), 3);
	CU_ASSERT_PTR_NULL(get(t, "11.0.0.0/8", ROM));
	CU_ASSERT_PTR_NOT_NULL(get(t, "10.1.0.0/16", AMS));
	CU_ASSERT_EQUAL(latency_forget_net(t, &p), 2);
	CU_ASSERT_EQUAL(latency_size(t).nets, 0);
	CU_ASSERT_EQUAL(latency_size(t).cells, 0);
	CU_ASSERT_EQUAL(latency_size(t).mesh_cells, 0);
	latency_drop(t);
}

static void the_prefixes_around_an_address_come_the_narrowest_first(void)
{
	struct latency *t = table(1 << 20);
	struct addr a;

	add(t, "10.0.0.0/8", AMS, 1, NOW);
	add(t, "10.1.0.0/16", AMS, 2, NOW);
	add(t, "10.1.2.0/24", AMS, 3, NOW);
	add(t, "::/0", AMS, 4, NOW);
	addr_parse(&a, "10.1.3.4");
	const struct latency_row *r = latency_around(t, &a, 129);
	CU_ASSERT_EQUAL_FATAL(r->net.bits, 96 + 16);
	r = latency_around(t, &a, r->net.bits);
	CU_ASSERT_EQUAL_FATAL(r->net.bits, 96 + 8);
	latency_drop(t);
}

static void memory_is_bounded_and_the_oldest_go_first(void)
{
	enum { NETS = 20000, MEMORY = 256 << 10 };
	struct latency *t = table(MEMORY);
	char text[32];
	uint32_t oldest = UINT32_MAX;
	size_t n;

	for (unsigned i = 0; i < NETS; i++) {
		snprintf(text, sizeof text, "10.%u.%u.0/24", i >> 8, i & 255);
		add(t, text, i % EDGES, 5, NOW + i);
	}
	CU_ASSERT_TRUE(latency_size(t).bytes < MEMORY * 2);
	CU_ASSERT_TRUE(latency_size(t).nets > 1000);
	CU_ASSERT_EQUAL(latency_size(t).nets + latency_size(t).forgotten, NETS);
	const struct latency_row *rows = latency_rows(t, &n);
	for (size_t i = 0; i < n; i++)
		oldest = rows[i].cell[0].at_s < oldest ? rows[i].cell[0].at_s : oldest;
	CU_ASSERT_EQUAL(oldest, NOW + NETS - n); /* the newest n, without a gap */
	latency_drop(t);
}

static void a_table_says_what_fits_without_a_look_at_all(void)
{
	enum { MEMORY = 8 << 20, SOME = 1000 };
	struct latency *t = table(MEMORY);
	char text[32];
	unsigned moved = 0, had_none = 0;

	for (unsigned i = 0; i < 120000; i += SOME) {
		const bool has = latency_has_room(t, SOME);
		const struct latency_size was = latency_size(t);
		for (unsigned k = i; k < i + SOME; k++) {
			snprintf(text, sizeof text, "10.%u.%u.0/24", k >> 8 & 255, k & 255);
			add(t, k >> 16 ? text + 1 : text, k % EDGES, 5, NOW + k);
		}
		const struct latency_size is = latency_size(t);
		moved += has && was.nets >= 1 << 14 && is.forgotten > was.forgotten;
		had_none += !has;
		CU_ASSERT_TRUE(has || was.nets + SOME > 1 << 14);
	}
	CU_ASSERT_EQUAL(moved, 0);
	CU_ASSERT_TRUE(had_none > 2 && had_none < 60);
	CU_ASSERT_TRUE(latency_size(t).forgotten > 0);
	latency_drop(t);
}

/* Against a table that does everything the slow way. */
static void a_table_holds_what_brute_force_holds(void)
{
	enum { STEPS = 50000, NETS = 400 };
	static struct {
		double rtt_ms;
		bool there, up;
		unsigned jumps;
	} naive[NETS][EDGES], *v;
	struct latency *t = table(1 << 26);
	uint64_t seed = 1;
	unsigned wrong = 0;
	size_t cells = 0;
	char text[32];

	memset(naive, 0, sizeof naive);
	for (unsigned i = 0; i < STEPS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		const unsigned k = (unsigned)(seed >> 33) % NETS,
			       e = (unsigned)(seed >> 20) % EDGES;
		const double ms = (double)((seed >> 40) % 1000) + 1;
		snprintf(text, sizeof text, "2001:db8:%x::/48", k);
		const struct prefix p = net(text);
		if (seed >> 58 == 0) {
			latency_forget_net(t, &p);
			memset(naive[k], 0, sizeof naive[k]);
			continue;
		}
		latency_add(t, &p, e, &(struct latency_sample){ ms, 1, NOW, false });
		v = &naive[k][e];
		const double was = v->rtt_ms, longer = ms > was ? ms : was, shorter = ms > was ? was : ms;
		if (v->jumps && v->up == (ms > was) && longer - shorter > 20)
			v->jumps++;
		else
			v->jumps = v->there && longer - shorter > 20 && longer > 1.5 * shorter;
		v->up = ms > was;
		v->rtt_ms = v->there ? ms + (was - ms) * pow(0.7, v->jumps < 2 ? 1 : v->jumps < 3 ? 2 : 4) : ms;
		v->there = true;
	}
	for (unsigned k = 0; k < NETS; k++)
		for (unsigned e = 0; e < EDGES; e++) {
			snprintf(text, sizeof text, "2001:db8:%x::/48", k);
			const struct latency_cell *c = get(t, text, e);
			cells += naive[k][e].there;
			wrong += naive[k][e].there != (c != NULL) ||
				(c && fabs((double)c->rtt_ms - naive[k][e].rtt_ms) > 1e-2);
		}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(latency_size(t).cells, cells);
	latency_drop(t);
}

static void a_table_that_follows_another_knows_what_has_changed(void)
{
	struct latency *a = table(1 << 20), *b = table(1 << 20);
	struct prefix p;

	add(a, "10.0.0.0/8", AMS, 1, NOW);
	add(a, "11.0.0.0/8", AMS, 1, NOW);
	add(a, "12.0.0.0/8", AMS, 1, NOW);
	latency_next_round(a);
	const uint16_t then = (uint16_t)(latency_round(a) - 1);
	add(b, "12.0.0.0/8", AMS, 1, NOW + 5);
	add(b, "11.0.0.0/8", AMS, 2, NOW);
	add(b, "13.0.0.0/8", AMS, 1, NOW);
	latency_follow(b, a, 10);
	p = net("12.0.0.0/8");
	CU_ASSERT_FALSE(latency_is_later(latency_find(b, &p)->round, then));
	p = net("11.0.0.0/8");
	CU_ASSERT_TRUE(latency_is_later(latency_find(b, &p)->round, then));
	p = net("13.0.0.0/8");
	CU_ASSERT_TRUE(latency_is_later(latency_find(b, &p)->round, then));
	CU_ASSERT_TRUE(latency_is_later(latency_dropped(b), then)); /* 10.0.0.0/8 */
	CU_ASSERT_TRUE(latency_is_later(3, 65534));                 /* rounds wrap */
	latency_drop(a);
	latency_drop(b);
}

/* Three edges' cells of each of 200 rows, of which the k-th allocation fails: that cell is as
 * if it had never been tried. How many failed. */
static size_t add_with_a_failure(size_t k, size_t n)
{
	struct latency *t = table(1 << 20);
	size_t lost = 0;
	char to[32];

	failing_start(k, n);
	for (unsigned i = 0; i < 600; i++) {
		const struct latency_size before = latency_size(t);
		snprintf(to, sizeof to, "10.0.%u.0/24", i / 3);
		const struct prefix p = net(to);
		if (latency_add(t, &p, i % 3, &(struct latency_sample){ 10, 1, NOW, false }))
			continue;
		const struct latency_size after = latency_size(t);
		lost++;
		CU_ASSERT_EQUAL(before.nets, after.nets);
		CU_ASSERT_EQUAL(before.cells, after.cells);
	}
	const size_t failed = failing_stop();
	CU_ASSERT_EQUAL(lost == 0, failed == 0);
	CU_ASSERT_EQUAL(latency_size(t).cells, 600 - lost);
	size_t rows, cells = 0;
	const struct latency_row *row = latency_rows(t, &rows);
	for (size_t i = 0; i < rows; i++) {
		CU_ASSERT_PTR_EQUAL(latency_find(t, &row[i].net), &row[i]);
		CU_ASSERT_TRUE(row[i].n > 0);
		cells += row[i].n;
	}
	CU_ASSERT_EQUAL(cells, 600 - lost);
	latency_drop(t);
	return failed;
}

static void without_memory_a_table_is_as_it_was(void)
{
	size_t k = 1;

	while (add_with_a_failure(k, 1)) {
		add_with_a_failure(k, 5);
		k++;
	}
	CU_ASSERT_TRUE(k > 200);
}

/* What a copy is and what becomes of it does not touch the first. */
static void a_copy_has_all_and_goes_its_own_way(void)
{
	static const char *const edges[] = { "ams1", "fra1", "sin1" };
	struct latency *t = latency_new(
		&(struct latency_opts){ edges, 3, 0.3, 3600, 64 << 20, { 1, 2 } });
	struct prefix net;

	for (unsigned n = 0; n < 300; n = n * 3 + 1) { /* 0, 1, 4, ... 121 rows */
		struct latency *copy = latency_copy(t);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		CU_ASSERT_EQUAL(latency_size(copy).nets, latency_size(t).nets);
		CU_ASSERT_EQUAL(latency_size(copy).cells, latency_size(t).cells);
		CU_ASSERT_EQUAL(latency_size(copy).mesh_cells, latency_size(t).mesh_cells);
		CU_ASSERT_EQUAL(latency_round(copy), latency_round(t));
		const size_t nets = latency_size(t).nets, cells = latency_size(t).cells;
		for (unsigned i = 0; i < 400; i++) {
			CU_ASSERT_TRUE(prefix_parse(&net, "10.0.0.0/24", NULL));
			net.addr.b[13] = (uint8_t)(i >> 8);
			net.addr.b[14] = (uint8_t)i;
			const struct latency_row *r = latency_find(copy, &net);
			if (i < nets) {
				CU_ASSERT_PTR_NOT_NULL_FATAL(r);
				CU_ASSERT_EQUAL(latency_cell(r, 0)->rtt_ms, (float)(5 + i));
			}
			latency_add(copy, &net, 1, &(struct latency_sample){ 7, 1, 100, false });
		}
		CU_ASSERT_EQUAL(latency_size(copy).nets, 400);
		CU_ASSERT_EQUAL(latency_size(t).nets, nets);
		CU_ASSERT_EQUAL(latency_size(t).cells, cells);
		latency_drop(copy);
		for (unsigned i = (unsigned)nets; i < n * 3 + 1; i++) {
			prefix_parse(&net, "10.0.0.0/24", NULL);
			net.addr.b[13] = (uint8_t)(i >> 8);
			net.addr.b[14] = (uint8_t)i;
			latency_add(t, &net, 0, &(struct latency_sample){ 5 + i, 1, 100, false });
		}
		latency_add_mesh(t, 0, 2, &(struct latency_sample){ 80, 1, 100, false });
	}
	latency_drop(t);
}

void suite_latency(void)
{
	static const struct unit_case cases[] = {
		{ "a copy has all, and goes its own way", a_copy_has_all_and_goes_its_own_way },
		{ "samples are smoothed", samples_are_smoothed },
		{ "an old time counts less against a new sample",
			an_old_time_counts_less_against_a_new_sample },
		{ "a way that is another one is seen in three samples", a_way_that_is_another_one_is_seen_in_three_samples },
		{ "a late sample is none in a row", a_late_sample_is_none_in_a_row },
		{ "a row of samples goes on where a merged time is to the same side", a_row_of_samples_goes_on_where_a_merged_time_is_to_the_same_side },
		{ "other kinds are smoothed alike, however far they are", other_kinds_are_smoothed_alike_however_far_they_are },
		{ "what weighs nothing changes nothing", what_weighs_nothing_changes_nothing },
		{ "weights halve with the half-life", weights_halve_with_the_half_life },
		{ "a whole cell replaces what is older", a_whole_cell_replaces_what_is_older },
		{ "tables are merged by the names of edges",
			tables_are_merged_by_the_names_of_edges },
		{ "what is forgotten is gone", what_is_forgotten_is_gone },
		{ "the prefixes around an address come the narrowest first",
			the_prefixes_around_an_address_come_the_narrowest_first },
		{ "memory is bounded, and the oldest go first",
			memory_is_bounded_and_the_oldest_go_first },
		{ "a table says what fits without a look at all others", a_table_says_what_fits_without_a_look_at_all },
		{ "a table that follows another knows what has changed",
			a_table_that_follows_another_knows_what_has_changed },
		{ "a table holds what brute force holds",
			a_table_holds_what_brute_force_holds },
		{ "without memory a table is as it was", without_memory_a_table_is_as_it_was },
	};

	unit_suite("measure/latency", cases, UNIT_COUNT(cases));
}
