#include "net/xdp_tables.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct xdp_held *held;
static struct xdp_state state;
static struct xdp_tables t;

static void begin(void)
{
	held = aligned_alloc(_Alignof(struct xdp_held), 2 * XDP_SLOTS * sizeof *held);
	CU_ASSERT_PTR_NOT_NULL_FATAL(held);
	memset(held, 0, 2 * XDP_SLOTS * sizeof *held);
	t = (struct xdp_tables){ .generation = 1 };
	xdp_tables_add(&t, &(struct xdp_maps){ .held = held, .state = &state });
}

static void each_generation_is_put_into_its_own_half(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_held){ .len = 5 });
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].len, 5);
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].generation, 1);
	xdp_tables_begin(&t);
	xdp_tables_put(&t, 7, &(struct xdp_held){ .len = 6 });
	CU_ASSERT_EQUAL(held[XDP_SLOTS + 7].len, 5);
	CU_ASSERT_EQUAL(held[7].len, 6);
	CU_ASSERT_EQUAL(held[7].generation, 2);
	free(held);
}

/* Who has read one in the middle of that sees it by its number alone: its generation is the same. */
static void what_takes_the_place_of_another_has_another_number(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_held){ .len = 5 });
	const struct xdp_held first = *xdp_tables_held(&t, 7);
	xdp_tables_put(&t, 7, &(struct xdp_held){ .len = 5, .put = first.put });
	CU_ASSERT_EQUAL(xdp_tables_held(&t, 7)->generation, first.generation);
	CU_ASSERT_NOT_EQUAL(xdp_tables_held(&t, 7)->put, first.put);
	free(held);
}

/* The program reads one word, and takes it apart. */
static void the_seal_is_what_it_is_made_of(void)
{
	begin();
	xdp_tables_put(&t, 7, &(struct xdp_held){ .len = 5, .set = 0x1234 });
	const struct xdp_held *h = xdp_tables_held(&t, 7);
	CU_ASSERT_EQUAL(xdp_seal_generation(h->seal), h->generation);
	CU_ASSERT_EQUAL(xdp_seal_generation(h->seal), 1);
	CU_ASSERT_EQUAL(xdp_seal_set(h->seal), 0x1234);
	free(held);
}

static const struct unit_case cases[] = {
	{ "each generation is put into its own half", each_generation_is_put_into_its_own_half },
	{ "what takes the place of another has another number", what_takes_the_place_of_another_has_another_number },
	{ "the seal is what it is made of", the_seal_is_what_it_is_made_of },
};

void suite_xdp_tables(void);
void suite_xdp_tables(void)
{
	unit_suite("net/xdp_tables", cases, UNIT_COUNT(cases));
}
