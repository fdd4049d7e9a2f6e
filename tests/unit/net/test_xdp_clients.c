#include "net/xdp_clients.h"

#include "unit/unit.h"

#include <stdlib.h>

static struct xdp_line *lines;
static bool alive[XDP_SETS];
static unsigned bits;

/* What the program does. */
static uint64_t find(uint32_t client, uint32_t set)
{
	const uint64_t key = xdp_client(client, set);
	const struct xdp_line *line = &lines[xdp_client_line(key, bits)];

	for (unsigned i = 0; i < XDP_LINE; i++)
		if (xdp_client_is(line->of[i], key))
			return line->of[i];
	return 0;
}

static void begin(void)
{
	lines = calloc(XDP_LINES, sizeof *lines);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
	bits = XDP_LINES_BITS;
	for (unsigned i = 1; i < XDP_SETS; i++)
		alive[i] = true;
}

static uint64_t entry(uint32_t client, uint32_t set, unsigned scope, unsigned slot)
{
	return xdp_client(client, set) | (uint64_t)scope << XDP_SLOT_BITS | slot;
}

static void a_client_is_found_in_its_set_alone(void)
{
	begin();
	CU_ASSERT_EQUAL(find(0, 1), 0);
	xdp_clients_put(lines, bits, entry(0xffffff00, XDP_SETS - 1, 32, XDP_SLOTS - 1), alive);
	xdp_clients_put(lines, bits, entry(0, 1, 0, 7), alive);
	const uint64_t is = find(0xffffff00, XDP_SETS - 1);
	CU_ASSERT_EQUAL(xdp_client_slot(is), XDP_SLOTS - 1);
	CU_ASSERT_EQUAL(xdp_client_scope(is), 32);
	CU_ASSERT_EQUAL(xdp_client_slot(find(0, 1)), 7);
	CU_ASSERT_EQUAL(find(0xffffff00, 1), 0);
	CU_ASSERT_EQUAL(find(0xfffffe00, XDP_SETS - 1), 0);
	CU_ASSERT_TRUE(xdp_clients_has(lines, bits, xdp_client(0, 1)));
	CU_ASSERT_FALSE(xdp_clients_has(lines, bits, xdp_client(0, 2)));
	free(lines);
}

static void a_client_has_one_place_and_its_last_answer(void)
{
	begin();
	for (unsigned i = 0; i < 3; i++)
		xdp_clients_put(lines, bits, entry(0x01020300, 5, i, i), alive);
	const struct xdp_line *line = &lines[xdp_client_line(xdp_client(0x01020300, 5), bits)];
	unsigned n = 0;
	for (unsigned i = 0; i < XDP_LINE; i++)
		n += line->of[i] != 0;
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(xdp_client_slot(find(0x01020300, 5)), 2);
	free(lines);
}

static void a_half_full_table_has_nearly_all_and_the_dead_make_room(void)
{
	enum { N = XDP_LINES * XDP_LINE / 2 };
	unsigned found = 0;

	begin();
	alive[1] = false;
	for (unsigned set = 1; set < 3; set++)
		for (uint32_t i = 0; i < N; i++)
			xdp_clients_put(lines, bits, entry(i << 8 & UINT32_MAX, set, 24, i % XDP_SLOTS), alive);
	for (uint32_t i = 0; i < N; i++) {
		const uint64_t is = find(i << 8, 2);
		found += is && xdp_client_slot(is) == i % XDP_SLOTS;
	}
	CU_ASSERT_TRUE(found > N * 0.9);
	free(lines);
}

/* The least table, three quarters full: each is where it is looked for with one bit more, and the dead are gone. */
static void all_that_are_alive_are_found_when_there_are_more_lines(void)
{
	enum { N = XDP_LINE << XDP_LINES_BITS_LEAST };
	static bool there[N];
	unsigned wrong = 0, n = 0;

	begin();
	bits = XDP_LINES_BITS_LEAST;
	for (uint32_t i = 0; i < N * 3 / 4; i++)
		xdp_clients_put(lines, bits, entry(i << 8, i % 4 + 1, 24, i % XDP_SLOTS), alive);
	for (uint32_t i = 0; i < N * 3 / 4; i++)
		n += there[i] = find(i << 8, i % 4 + 1) != 0;
	CU_ASSERT_TRUE(n > N / 2);
	alive[3] = false;
	for (; bits < XDP_LINES_BITS; bits++) {
		xdp_clients_spread(lines, bits, alive);
		bits++;
		for (uint32_t i = 0; i < N * 3 / 4; i++) {
			const uint64_t is = find(i << 8, i % 4 + 1);
			wrong += (is != 0) != (there[i] && i % 4 + 1 != 3) || (is && xdp_client_slot(is) != i % XDP_SLOTS);
		}
		bits--;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	n = 0;
	for (unsigned i = 0; i < XDP_LINES * XDP_LINE; i++)
		n += lines[i / XDP_LINE].of[i % XDP_LINE] != 0;
	for (unsigned i = 0; i < N; i++)
		n -= there[i] && i % 4 + 1 != 3;
	CU_ASSERT_EQUAL(n, 0);
	free(lines);
}

static void who_has_to_go_though_it_is_alive_is_told(void)
{
	unsigned displaced = 0, n = 0;

	begin();
	bits = XDP_LINES_BITS_LEAST;
	const unsigned line = xdp_client_line(xdp_client(0, 1), bits);
	for (uint32_t i = 0; n < XDP_LINE + 1; i++)
		if (xdp_client_line(xdp_client(i << 8, 1), bits) == line) {
			displaced += !xdp_clients_put(lines, bits, entry(i << 8, 1, 24, 7), alive);
			/* Once more is the same one. */
			displaced += !xdp_clients_put(lines, bits, entry(i << 8, 1, 24, 7), alive);
			CU_ASSERT_EQUAL(displaced, n == XDP_LINE);
			n++;
		}
	free(lines);
}

static const struct unit_case cases[] = {
	{ "a client is found in its set alone", a_client_is_found_in_its_set_alone },
	{ "a client has one place, and its last answer", a_client_has_one_place_and_its_last_answer },
	{ "a half full table has nearly all, and the dead make room",
		a_half_full_table_has_nearly_all_and_the_dead_make_room },
	{ "all that are alive are found when there are more lines", all_that_are_alive_are_found_when_there_are_more_lines },
	{ "who has to go though it is alive is told", who_has_to_go_though_it_is_alive_is_told },
};

void suite_xdp_clients(void);
void suite_xdp_clients(void)
{
	unit_suite("net/xdp_clients", cases, UNIT_COUNT(cases));
}
