#include "xfr/stored.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/store/stored.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"

#include <stdlib.h>

#define SOA(serial, refresh) "example. 300 SOA ns.example. host.example. " serial " " refresh " 3 4 5\n"
#define CDS "example. 300 CDS 1 15 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"

static struct store_base base;

static struct zone *zone_of_serial(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static void add_step(const char *text)
{
	struct change *c = change_of(text, &stored.why);
	const struct store_step step = { .change = c, .which = STORE_SIGNED };

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(store_add(stored.s, &step, 1, &stored.why), STORE_DONE);
	change_free(c);
}

/* The serial of what comes of `z` when it was kept; 0: it is of no use any more. */
static uint32_t upon(struct zone *z, int64_t number)
{
	const struct compile_opts opts = change_of_opts(false).compile;

	zone_hold(z);
	struct zone *now = stored_signed_upon(stored.s, number, z, &opts);
	const uint32_t serial = now ? now->serial : 0;
	if (now)
		zone_drop(now);
	return serial;
}

static void begin(struct zone *z)
{
	stored_begin();
	CU_ASSERT_TRUE(store_put_signed(stored.s, z, &stored.why));
	CU_ASSERT_TRUE_FATAL(store_get_base(stored.s, zone_id(z), STORE_SIGNED, &base));
	CU_ASSERT_EQUAL(base.serial, z->serial);
}

static void what_was_signed_goes_on_from_where_it_was_kept(void)
{
	struct zone *one = zone_of_serial("$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	struct zone *two = zone_of_serial("$TTL 300\n@ SOA ns host 2 2 3 4 5\n@ NS ns\n@ CDS 1 15 2 "
					  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nns A 192.0.2.1\n");

	begin(one);
	CU_ASSERT_EQUAL(upon(one, base.base), 1);
	CU_ASSERT_EQUAL(upon(two, base.base), 0); /* it is newer than what is stored */
	add_step("- " SOA("1", "2") "+ " SOA("2", "2") "+ " CDS);
	CU_ASSERT_EQUAL(upon(one, base.base), 2);
	CU_ASSERT_EQUAL(upon(two, base.base), 2);
	add_step("- " SOA("2", "2") "- " CDS "+ " SOA("3", "2"));
	stored_again();
	CU_ASSERT_EQUAL(upon(one, base.base), 3);
	CU_ASSERT_EQUAL(upon(two, base.base), 3);
	CU_ASSERT_TRUE(store_get_base(stored.s, zone_id(one), STORE_SIGNED, &base));
	CU_ASSERT_EQUAL(base.serial, 3);
	CU_ASSERT_TRUE(base.since > 0);
	zone_drop(one);
	zone_drop(two);
	stored_end();
}

static void what_was_signed_of_other_data_is_of_no_use(void)
{
	static const struct {
		const char *say, *step;
	} rows[] = {
		{ "a name comes", "- " SOA("1", "2") "+ " SOA("2", "2") "+ www.example. 300 A 192.0.2.7\n" },
		{ "a name goes", "- " SOA("1", "2") "- ns.example. 300 A 192.0.2.1\n+ " SOA("2", "2") "+ ns.example. 300 A 192.0.2.2\n" },
		{ "the SOA has another refresh", "- " SOA("1", "2") "+ " SOA("2", "9") },
	};

	for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
		struct zone *one = zone_of_serial("$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
		begin(one);
		add_step(rows[i].step);
		if (upon(one, base.base) != 0)
			CU_FAIL(rows[i].say);
		zone_drop(one);
		stored_end();
	}
}

static void what_was_signed_of_another_whole_is_of_no_use(void)
{
	struct zone *one = zone_of_serial("$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");

	begin(one);
	const int64_t was = base.base;
	CU_ASSERT_EQUAL(upon(one, was + 1), 0);
	CU_ASSERT_TRUE(store_put_signed(stored.s, one, &stored.why)); /* the same serial again */
	CU_ASSERT_TRUE(store_get_base(stored.s, zone_id(one), STORE_SIGNED, &base));
	CU_ASSERT_NOT_EQUAL(base.base, was);
	CU_ASSERT_EQUAL(upon(one, was), 0);
	CU_ASSERT_EQUAL(upon(one, base.base), 1);
	CU_ASSERT_TRUE(store_forget_signed(stored.s, zone_id(one), &stored.why));
	CU_ASSERT_EQUAL(upon(one, base.base), 0);
	CU_ASSERT_FALSE(store_get_base(stored.s, zone_id(one), STORE_SIGNED, &base));
	zone_drop(one);
	stored_end();
}

static void go_on(void *ctx)
{
	upon(ctx, base.base);
}

static void try_to_go_on(void *ctx)
{
	struct zone *z = ctx;
	const size_t held = failing_held();

	scope_run(go_on, z);
	CU_ASSERT_EQUAL(failing_held(), held);
	CU_ASSERT_EQUAL(z->refs, 1);
}

static void without_memory_nothing_stays(void)
{
	struct zone *z = zone_of_serial("$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");

	begin(z);
	add_step("- " SOA("1", "2") "+ " SOA("2", "2") "+ " CDS);
	add_step("- " SOA("2", "2") "- " CDS "+ " SOA("3", "2"));
	CU_ASSERT_EQUAL(upon(z, base.base), 3);
	CU_ASSERT(failing_each(try_to_go_on, z) > 8);
	zone_drop(z);
	stored_end();
}

static const struct unit_case cases[] = {
	{ "what was signed goes on from where it was kept", what_was_signed_goes_on_from_where_it_was_kept },
	{ "what was signed of other data is of no use", what_was_signed_of_other_data_is_of_no_use },
	{ "what was signed of another whole is of no use", what_was_signed_of_another_whole_is_of_no_use },
	{ "without memory nothing stays", without_memory_nothing_stays },
};

void suite_stored(void);

void suite_stored(void)
{
	unit_suite("xfr/stored", cases, UNIT_COUNT(cases));
}
