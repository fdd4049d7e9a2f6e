#include "daemon/times_record.h"

#include "base/memory.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { EDGES = 5, NETS = 40, ROWS = 2000, SERVERS = 3 };

static const char *const names[EDGES] = { "ams", "fra", "iad", "sin", "syd" };

/* Each server has an order of edges of its own, and a clock. */
static struct latency *table(unsigned first)
{
	const char *list[EDGES];

	for (unsigned i = 0; i < EDGES; i++)
		list[i] = names[(i + first) % EDGES];
	return latency_new(&(struct latency_opts){ .edges = list,
		.n_edges = EDGES,
		.smoothing = 0.3,
		.half_life_s = 3600,
		.memory = 1 << 22,
		.key = { first, 2 } });
}

static unsigned draw(uint64_t *rng, unsigned n)
{
	*rng = *rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*rng >> 33) % n;
}

static struct prefix net_of(unsigned i)
{
	const struct addr a = addr_from_v4((const uint8_t[4]){ 10, (uint8_t)i, 0, 0 });

	return addr_prefix(&a, 112 + i % 9);
}

/* Cells of few networks, of the same few seconds, so that many are of the same cell and moment. */
static void make_row(uint8_t to[TIMES_ROW], const struct times_edges *e, uint64_t *rng, int64_t offset_s)
{
	const struct prefix net = net_of(draw(rng, NETS));
	const unsigned edge = draw(rng, EDGES), src = draw(rng, EDGES);
	const struct latency_cell c = { .rtt_ms = 1 + (float)draw(rng, 50), .at_s = 1000 + draw(rng, 5), .edge = edge & (LATENCY_EDGES_MOST - 1),
		.n = (1 + draw(rng, 3)) & LATENCY_SAMPLES_MOST };
	const bool mesh = draw(rng, 4) == 0 && src != edge;
	const enum latency_kind kind = mesh ? LATENCY_RTT : draw(rng, LATENCY_KINDS);

	times_row_write(to, e, &(struct times_of){ mesh ? NULL : &net, src, kind }, &c, offset_s);
}

static void tables_that_have_heard_the_same_are_the_same_in_whatever_order(void)
{
	static uint8_t rows[ROWS][TIMES_ROW];
	struct times_digest digest[SERVERS];
	struct latency *from = table(0);
	struct times_edges e;
	uint64_t rng = 1;

	times_edges_init(&e, from);
	for (unsigned i = 0; i < ROWS; i++)
		make_row(rows[i], &e, &rng, 500000);
	times_edges_fini(&e);
	latency_drop(from);
	for (unsigned k = 0; k < SERVERS; k++) {
		struct latency *t = table(k + 1);
		const int64_t offset_s = 500000 + (int64_t)k * 77 - 80;
		times_edges_init(&e, t);
		/* Each hears them in another order, some more than once. */
		for (unsigned i = 0; i < 2 * ROWS; i++) {
			struct times_row r;
			const unsigned at = i < ROWS ? draw(&rng, ROWS) : (i * 7 + k * 13) % ROWS;
			CU_ASSERT_TRUE(times_row_read(&r, &e, rows[at], offset_s));
			CU_ASSERT_TRUE(times_row_merge(t, &r));
		}
		times_digest(t, offset_s, &digest[k]);
		CU_ASSERT(digest[k].cells > NETS && digest[k].cells <= (LATENCY_KINDS * NETS + EDGES) * EDGES);
		CU_ASSERT(digest[k].rtt.all && digest[k].others.all);
		CU_ASSERT_EQUAL(memcmp(&digest[k], &digest[0], sizeof digest[k]), 0);
		times_edges_fini(&e);
		latency_drop(t);
	}
}

static void what_differs_is_found_by_its_bucket_and_makes_tables_the_same(void)
{
	struct latency *a = table(1), *b = table(2);
	bool buckets[TIMES_BUCKETS] = { false };
	struct times_digest of_a, of_b;
	struct times_edges e;
	unsigned differ = 0;
	size_t n, all;

	for (unsigned i = 0; i < NETS; i++) {
		const struct prefix net = net_of(i);
		const struct latency_sample s = { 10 + i, 2, 1000 + i, false };
		latency_put(a, &net, 0, &s);
		if (i != 7 && i != 9)
			latency_put(b, &net, 4, &s); /* the same edge there */
	}
	/* What a file says is each server's own. */
	const struct prefix net = net_of(3);
	latency_put(a, &net, 2, &(struct latency_sample){ 5, 1, 2000, true });
	times_digest(a, 0, &of_a);
	times_digest(b, 0, &of_b);
	CU_ASSERT(of_a.cells == NETS && of_b.cells == NETS - 2 && of_a.rtt.all != of_b.rtt.all);
	for (unsigned i = 0; i < TIMES_BUCKETS; i++) {
		buckets[i] = of_a.rtt.of[i] != of_b.rtt.of[i];
		differ += buckets[i];
	}
	CU_ASSERT_EQUAL(differ, 2);
	uint8_t *rows = times_rows(a, 0, &(struct times_wanted){ buckets, 0 }, SIZE_MAX, &n);
	CU_ASSERT(n >= 2 && n < 10);
	times_edges_init(&e, b);
	for (size_t i = 0; i < n; i++) {
		struct times_row r;
		CU_ASSERT_TRUE(times_row_read(&r, &e, rows + i * TIMES_ROW, 0));
		times_row_merge(b, &r);
	}
	times_digest(b, 0, &of_b);
	CU_ASSERT_EQUAL(memcmp(&of_a, &of_b, sizeof of_a), 0);
	memory_free(rows);
	rows = times_rows(a, 0, &(struct times_wanted){ NULL, 1000 + NETS - 5 }, SIZE_MAX, &n);
	memory_free(rows);
	rows = times_rows(a, 0, &(struct times_wanted){ NULL, 0 }, 3, &all);
	CU_ASSERT(n == 5 && all == 3);
	memory_free(rows);
	times_edges_fini(&e);
	latency_drop(a);
	latency_drop(b);
}

static void of_the_same_moment_more_samples_hold_and_a_file_holds_least(void)
{
	static const struct {
		const char *say;
		struct latency_sample was, is;
		double rtt_ms;
	} row[] = {
		{ "later", { 10, 9, 100, false }, { 20, 1, 101, false }, 20 },
		{ "earlier", { 10, 1, 100, false }, { 20, 9, 99, false }, 10 },
		{ "more samples", { 10, 1, 100, false }, { 5, 2, 100, false }, 5 },
		{ "fewer", { 10, 2, 100, false }, { 20, 1, 100, false }, 10 },
		{ "longer", { 10, 1, 100, false }, { 20, 1, 100, false }, 20 },
		{ "shorter", { 10, 1, 100, false }, { 5, 1, 100, false }, 10 },
		{ "a file's", { 10, 9, 100, true }, { 5, 1, 100, false }, 5 },
		{ "a later file's", { 10, 9, 101, true }, { 5, 1, 100, false }, 10 },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct latency *t = table(0);
		const struct times_row r = { .net = net_of(1), .src = -1, .edge = 3, .sample = row[i].is };
		latency_put(t, &r.net, 3, &row[i].was);
		CU_ASSERT_TRUE(times_row_merge(t, &r));
		const struct latency_cell *c = latency_cell(latency_find(t, &r.net), 3);
		CU_ASSERT(c && (double)c->rtt_ms == row[i].rtt_ms);
		latency_drop(t);
	}
}

static void no_bytes_are_taken_that_make_no_sense(void)
{
	struct latency *t = table(0);
	const struct prefix net = net_of(8); /* 120 bits */
	const struct latency_cell c = { .rtt_ms = 10, .at_s = 100, .edge = 1, .n = 5 };
	struct times_edges e;
	struct times_row r;
	uint8_t good[TIMES_ROW], bytes[TIMES_ROW];
	uint64_t rng = 7;

	times_edges_init(&e, t);
	times_row_write(good, &e, &(struct times_of){ &net, 0, LATENCY_RTT }, &c, 1000);
	CU_ASSERT_TRUE(times_row_read(&r, &e, good, 1000));
	CU_ASSERT(r.src == -1 && r.edge == 1 && r.sample.at_s == 100 && r.sample.n == 5 && r.sample.rtt_ms == 10);
	CU_ASSERT_EQUAL(memcmp(&r.net, &net, sizeof net), 0);
	static const struct {
		unsigned at;
		uint8_t be;
	} wrong[] = { { 15, 1 }, { 16, 129 }, { 16, 255 }, { 17, 0 }, { 25, 0xff }, { 25, 0x7f }, { 25, 0 }, { 33, 0x80 }, { 29, 0xff }, { 35, LATENCY_KINDS } };
	for (unsigned i = 0; i < UNIT_COUNT(wrong); i++) {
		memcpy(bytes, good, sizeof bytes);
		bytes[wrong[i].at] = wrong[i].be;
		if (wrong[i].at == 25 && !wrong[i].be)
			memset(bytes + 25, 0, 4);
		const bool late = wrong[i].at == 29; /* at the end of time: it is a moment all the same */
		CU_ASSERT_EQUAL(times_row_read(&r, &e, bytes, 1000), late);
	}
	CU_ASSERT_FALSE(times_row_read(&r, &e, good, 1100)); /* before the clock of tables began */
	memset(bytes, 0, sizeof bytes);
	memcpy(bytes + 17, good + 17, 8);
	for (unsigned i = 0; i < 20000; i++) { /* whatever it is, what is taken can be merged */
		for (unsigned k = 0; k < TIMES_ROW; k++)
			if (k < 17 || k >= 25)
				bytes[k] = (uint8_t)draw(&rng, k == TIMES_RTT_ROW ? LATENCY_KINDS + 1 : 256);
		if (times_row_read(&r, &e, bytes, 0))
			CU_ASSERT_TRUE(times_row_merge(t, &r));
	}
	times_edges_fini(&e);
	latency_drop(t);
}

static void each_kind_is_merged_into_its_own_table(void)
{
	struct latency *t = table(0);
	const struct prefix net = net_of(1);
	struct times_edges e;

	times_edges_init(&e, t);
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
		const struct latency_cell c = { .rtt_ms = 10 + (float)kind, .at_s = 100, .edge = 2, .n = 500 };
		uint8_t bytes[TIMES_ROW];
		struct times_row r;
		times_row_write(bytes, &e, &(struct times_of){ &net, 0, kind }, &c, 0);
		CU_ASSERT_TRUE(times_row_read(&r, &e, bytes, 0) && times_row_merge(t, &r));
	}
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++) {
		const struct latency_row *row = latency_find(latency_kind_of(t, kind), &net);
		CU_ASSERT_FATAL(row != NULL);
		const struct latency_cell *c = latency_cell(row, 2);
		CU_ASSERT(row->n == 1 && c && (double)c->rtt_ms == 10 + kind && c->n == 500);
	}
	times_edges_fini(&e);
	latency_drop(t);
}

static void what_can_be_of_a_kind_is_taken(void)
{
	static const struct {
		const char *say;
		enum latency_kind kind;
		bool mesh;
		float ms;
		bool taken;
	} row[] = {
		{ "nothing is lost", LATENCY_LOSS, false, 0, true },
		{ "all is", LATENCY_LOSS, false, LATENCY_LOSS_MOST_MS, true },
		{ "more than all", LATENCY_LOSS, false, LATENCY_LOSS_MOST_MS + 1, false },
		{ "less than nothing", LATENCY_LOSS, false, -1, false },
		{ "no time at all", LATENCY_TTFB, false, 0, false },
		{ "a long time", LATENCY_TRANSFER, false, LATENCY_RTT_MOST_MS, true },
		{ "edges tell each other round trips", LATENCY_RTT, true, 10, true },
		{ "... and no losses", LATENCY_LOSS, true, 10, false },
	};
	struct latency *t = table(0);
	const struct prefix net = net_of(1);
	struct times_edges e;

	times_edges_init(&e, t);
	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		const struct latency_cell c = { .rtt_ms = row[i].ms, .at_s = 100, .edge = 2, .n = 500 };
		uint8_t bytes[TIMES_ROW];
		struct times_row r;
		times_row_write(bytes, &e, &(struct times_of){ row[i].mesh ? NULL : &net, 3, row[i].kind }, &c, 0);
		CU_ASSERT_EQUAL(times_row_read(&r, &e, bytes, 0), row[i].taken);
	}
	times_edges_fini(&e);
	latency_drop(t);
}

/* As servers of the version before find them, whatever else there is. */
static void round_trips_have_the_sum_that_they_had_before_there_were_other_kinds(void)
{
	struct latency *t = table(0);
	const struct prefix net = net_of(1);
	struct times_digest d;

	latency_put(t, &net, 2, &(struct latency_sample){ 10, 9, 100, false });
	latency_put_mesh(t, 1, 3, &(struct latency_sample){ 20, 9, 100, false });
	latency_put(latency_of(t, LATENCY_LOSS), &net, 2, &(struct latency_sample){ 4, 500, 100, false });
	times_digest(t, 1000, &d);
	CU_ASSERT_EQUAL(d.rtt.all, UINT64_C(0x980500faa240cee0));
	CU_ASSERT(d.cells == 3 && d.others.all);
	latency_drop(t);
}

void suite_times_record(void);
void suite_times_record(void)
{
	static const struct unit_case cases[] = {
		{ "tables that have heard the same are the same, in whatever order",
			tables_that_have_heard_the_same_are_the_same_in_whatever_order },
		{ "what differs is found by its bucket, and makes tables the same",
			what_differs_is_found_by_its_bucket_and_makes_tables_the_same },
		{ "of the same moment more samples hold, and a file holds least",
			of_the_same_moment_more_samples_hold_and_a_file_holds_least },
		{ "no bytes are taken that make no sense", no_bytes_are_taken_that_make_no_sense },
		{ "each kind is merged into its own table", each_kind_is_merged_into_its_own_table },
		{ "what can be of a kind is taken", what_can_be_of_a_kind_is_taken },
		{ "round trips have the sum that they had before there were other kinds",
			round_trips_have_the_sum_that_they_had_before_there_were_other_kinds },
	};

	unit_suite("daemon/times_record", cases, UNIT_COUNT(cases));
}
