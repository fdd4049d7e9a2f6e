#include "net/xdp_tables.h"

#include "unit/unit.h"

#include "net/xdp_clients.h"
#include "net/xdp_index.h"

#include <stdlib.h>
#include <string.h>

static struct xdp_held *held;
static struct xdp_held_long *held_long;
static struct xdp_state state;
static struct xdp_tables t;

static void *zeroed(size_t align, size_t len)
{
	void *p = aligned_alloc(align, len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return memset(p, 0, len);
}

static void begin(void)
{
	held = zeroed(_Alignof(struct xdp_held), 2 * XDP_SLOTS * sizeof *held);
	held_long = zeroed(_Alignof(struct xdp_held_long), 2 * XDP_SLOTS * sizeof *held_long);
	t = (struct xdp_tables){ .generation = 1 };
	xdp_tables_add(&t, &(struct xdp_maps){ .held = held, .held_long = held_long, .state = &state });
}

static void end(void)
{
	free(held);
	free(held_long);
}

static void each_generation_is_put_into_its_own_half(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_answer){ .len = 5 });
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].len, 5);
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].generation, 1);
	xdp_tables_begin(&t);
	xdp_tables_put(&t, 7, &(struct xdp_answer){ .len = 6 });
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].len, 5);
	CU_ASSERT_EQUAL(held[7].len, 6);
	CU_ASSERT_EQUAL(held[7].generation, 2);
	end();
}

/* Who has read one in the middle of that sees it by its number alone: its generation is the same. */
static void what_takes_the_place_of_another_has_another_number(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_answer){ .len = 5 });
	const struct xdp_held first = held[XDP_SLOTS + 7];
	xdp_tables_put(&t, 7, &(struct xdp_answer){ .len = 5 });
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].generation, first.generation);
	CU_ASSERT_NOT_EQUAL(held[XDP_SLOTS + 7].put, first.put);
	end();
}

/* The program reads one word, and takes it apart. */
static void the_seal_is_what_it_is_made_of(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_answer){ .len = 5, .set = 0x1234 });
	const struct xdp_held *h = &held[XDP_SLOTS + 7];
	CU_ASSERT_EQUAL(xdp_seal_generation(h->seal), h->generation);
	CU_ASSERT_EQUAL(xdp_seal_generation(h->seal), 1);
	CU_ASSERT_EQUAL(xdp_seal_set(h->seal), 0x1234);
	end();
}

/* Each side of where one ends and the other begins. */
static void what_is_long_goes_on_elsewhere(void)
{
	struct xdp_answer a = { .q = { .len = 32 }, .len = 64 };
	const struct xdp_held *h;

	begin();
	h = &held[XDP_SLOTS + 7];
	memset(a.q.name, 'n', 33);
	memset(a.bytes, 'b', 65);
	xdp_tables_put(&t, 7, &a);
	CU_ASSERT_EQUAL(memcmp(h->words, a.q.name, 32), 0);
	CU_ASSERT_EQUAL(memcmp(h->bytes, a.bytes, 64), 0);
	CU_ASSERT_EQUAL(held_long[XDP_SLOTS + 7].words[0], 0);
	CU_ASSERT_EQUAL(held_long[XDP_SLOTS + 7].bytes[0], 0);
	CU_ASSERT_TRUE(xdp_tables_holds(&t, 7, &a));
	a.bytes[63] = 'c';
	CU_ASSERT_FALSE(xdp_tables_holds(&t, 7, &a));
	a.q.len = 33;
	a.len = 65;
	CU_ASSERT_FALSE(xdp_tables_holds(&t, 7, &a));
	xdp_tables_put(&t, 7, &a);
	CU_ASSERT_EQUAL(held_long[XDP_SLOTS + 7].words[0], 'n');
	CU_ASSERT_EQUAL(memcmp(held_long[XDP_SLOTS + 7].bytes, a.bytes, 65), 0);
	CU_ASSERT_TRUE(xdp_tables_holds(&t, 7, &a));
	a.bytes[64] = 'd';
	CU_ASSERT_FALSE(xdp_tables_holds(&t, 7, &a));
	end();
}

/* A slot is all interfaces', so a question has to be at the same place in each. */
static void all_interfaces_have_the_seed_of_the_first(void)
{
	struct xdp_group groups[2][XDP_GROUPS] = { 0 };
	struct xdp_state states[2] = { { .seed = 5 }, { .seed = 6 } };
	const struct xdp_question q = { .type = 1 << 8, .len = 2, .name = "\1a" };
	struct xdp_tables of_two = { .generation = 1 };

	for (unsigned i = 0; i < 2; i++)
		xdp_tables_add(&of_two, &(struct xdp_maps){ .questions = groups[i], .state = &states[i] });
	CU_ASSERT_EQUAL(states[0].seed, 5);
	CU_ASSERT_EQUAL(states[1].seed, 5);
	const uint64_t hash = xdp_tables_hash(&of_two, &q);
	CU_ASSERT_EQUAL(hash, xdp_question_hash(&q, 5));
	const unsigned at = xdp_second_group(hash) * XDP_GROUP + 3;
	CU_ASSERT_TRUE(xdp_tables_ask(&of_two, &q, at));
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(xdp_index_find(groups[i], hash), at);
	CU_ASSERT_FALSE(xdp_tables_ask(&of_two, &q, at + 1));
	xdp_tables_forget(&of_two, at);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(xdp_index_find(groups[i], hash), XDP_SLOTS);
}

/* Of so many, asked for in turn, nearly all are there at the end, and the lines in use are as few as that takes; all programs are told. */
static void lines_of_clients_grow_with_them(void)
{
	static bool alive[XDP_SETS] = { [1] = true };
	struct xdp_line *clients[2] = { zeroed(64, XDP_LINES * sizeof **clients), zeroed(64, XDP_LINES * sizeof **clients) };
	struct xdp_state states[2] = { { .seed = 5 } };
	struct xdp_tables of_two = { .generation = 1 };

	for (unsigned i = 0; i < 2; i++)
		xdp_tables_add(&of_two, &(struct xdp_maps){ .clients = clients[i], .state = &states[i] });
	CU_ASSERT_EQUAL(states[1].lines_bits, XDP_LINES_BITS_LEAST);
	const struct {
		uint32_t n;
		unsigned bits[2];
	} row[] = { { 2000, { 12, 12 } }, { 50000, { 15, 16 } }, { 1300000, { 18, 18 } } };
	for (unsigned r = 0; r < UNIT_COUNT(row); r++) {
		uint32_t there[2] = { 0, 0 };
		for (unsigned turn = 0; turn < (row[r].n > 1000000 ? 1 : 3); turn++)
			for (uint32_t i = 0; i < row[r].n; i++)
				if (!xdp_tables_steers(&of_two, xdp_client(i << 8, 1)))
					xdp_tables_steer(&of_two, xdp_client(i << 8, 1) | 7, alive);
		for (uint32_t i = 0; i < row[r].n; i++)
			for (unsigned k = 0; k < 2; k++)
				there[k] += xdp_clients_has(clients[k], states[k].lines_bits, xdp_client(i << 8, 1));
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_TRUE(there[i] > (row[r].n > 1000000 ? 700000 : row[r].n / 100 * 99));
			CU_ASSERT_TRUE(states[i].lines_bits >= row[r].bits[0] && states[i].lines_bits <= row[r].bits[1]);
		}
	}
	xdp_tables_forget_clients(&of_two);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(states[i].lines_bits, XDP_LINES_BITS_LEAST);
		for (size_t k = 0; k < XDP_LINES; k++)
			CU_ASSERT_TRUE_FATAL(!clients[i][k].of[0] && !clients[i][k].of[3]);
		free(clients[i]);
	}
}

static const struct unit_case cases[] = {
	{ "each generation is put into its own half", each_generation_is_put_into_its_own_half },
	{ "what takes the place of another has another number", what_takes_the_place_of_another_has_another_number },
	{ "what is long goes on elsewhere", what_is_long_goes_on_elsewhere },
	{ "the seal is what it is made of", the_seal_is_what_it_is_made_of },
	{ "all interfaces have the seed of the first", all_interfaces_have_the_seed_of_the_first },
	{ "lines of clients grow with them", lines_of_clients_grow_with_them },
};

void suite_xdp_tables(void);
void suite_xdp_tables(void)
{
	unit_suite("net/xdp_tables", cases, UNIT_COUNT(cases));
}
