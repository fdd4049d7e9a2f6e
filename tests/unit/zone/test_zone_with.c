#include "zone/zone_with.h"

#include "dns/rrtype.h"
#include "unit/failing.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/history.h"
#include "zone/lookup.h"

#include <stdio.h>
#include <string.h>

#define ZONE                                                          \
	"$TTL 5\n@ 300 SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n" \
	"a A 192.0.2.1\na A 192.0.2.2\nc CNAME a\nd DNAME a\ne EDGE web\n"
#define SOAS                                                    \
	"- example. 300 SOA ns.example. h.example. 1 2 3 4 5\n" \
	"+ example. 300 SOA ns.example. h.example. 2 2 3 4 5\n"

static struct zone *zone_of_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static void what_does_not_fit_is_refused(void)
{
	static const struct {
		const char *change;
		bool tolerant;
		const char *said; /* NULL: it fits */
	} row[] = {
		{ SOAS "+ a.example. 5 A 192.0.2.1\n", false,
			"not exact: a.example. A comes, and is there already" },
		{ SOAS "- a.example. 5 A 192.0.2.3\n", false,
			"not exact: a.example. A goes, and is not there" },
		{ SOAS "- x.example. 5 A 192.0.2.3\n", false,
			"not exact: x.example. A goes, and is not there" },
		{ SOAS "+ a.example. 5 A 192.0.2.1\n- a.example. 5 A 192.0.2.3\n", true, NULL },
		{ "- example. 300 SOA ns.example. h.example. 7 2 3 4 5\n"
		  "+ example. 300 SOA ns.example. h.example. 8 2 3 4 5\n",
			false, "not exact: the change starts at serial 7, and the zone has 1" },
		{ "- example. 300 SOA ns.example. h.example. 7 2 3 4 5\n"
		  "+ example. 300 SOA ns.example. h.example. 8 2 3 4 5\n",
			true, NULL },
		{ "- example. 300 SOA other.example. h.example. 1 2 3 4 5\n"
		  "+ example. 300 SOA ns.example. h.example. 2 2 3 4 5\n",
			false, "not exact: example. SOA goes, and is not there" },
		{ SOAS "+ c.example. 5 A 192.0.2.1\n", false, "CNAME stands alone" },
		{ SOAS "+ a.example. 5 CNAME b.\n", true, "CNAME stands alone" },
		{ SOAS "+ d.example. 5 DNAME b.\n", false, "only one of these" },
		{ SOAS "+ x.example. 5 EDGE other\n", false, "no pool named \"other\"" },
		{ SOAS "+ e.example. 5 A 192.0.2.1\n", false, "EDGE answers" },
		{ SOAS "- c.example. 5 CNAME A.example.\n+ c.example. 5 A 192.0.2.1\n", false,
			NULL },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct zone_with_opts opts = change_of_opts(row[i].tolerant);
		struct zone *z = zone_of_text(ZONE);
		struct fault why = { "" };
		struct faults f;
		faults_init(&f);
		struct change *c = change_of(row[i].change, &why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		struct zone *to = zone_with(z, c, &opts, &f);
		CU_ASSERT_EQUAL(to == NULL, row[i].said != NULL);
		if (row[i].said)
			CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), row[i].said));
		CU_ASSERT_PTR_NULL(strstr(text_get(&f.text), "line 0"));
		if ((to == NULL) != (row[i].said != NULL) ||
			(row[i].said && !strstr(text_get(&f.text), row[i].said)))
			printf("\nrow %zu: %s\n", i, text_get(&f.text));
		zone_drop(to);
		change_free(c);
		zone_drop(z);
		faults_fini(&f);
	}
}

/* Numbers of pools are those of the zone before, and its image is shared until it is merged. */
static void a_change_leaves_the_image_and_the_pools_numbers(void)
{
	const struct zone_with_opts opts = change_of_opts(false);
	struct zone *z = zone_of_text(ZONE);
	struct fault why;
	struct faults f;
	struct change *c = change_of(
		SOAS "+ b.example. 5 EDGE app\n+ ee.example. 5 EDGE web\n", &why);

	faults_init(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	struct zone *to = zone_with(z, c, &opts, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT_PTR_EQUAL(to->image, z->image);
	CU_ASSERT_EQUAL(z->pools_n, 1);
	CU_ASSERT_EQUAL_FATAL(to->pools_n, 2);
	CU_ASSERT_STRING_EQUAL(to->pools[0], "web");
	CU_ASSERT_STRING_EQUAL(to->pools[1], "app");
	CU_ASSERT_TRUE(zone_bytes(to) > zone_bytes(z));
	CU_ASSERT_PTR_NULL(to->history); /* it is what led to the other */
	history_give(to, z, c);
	zone_drop(z); /* what it shares stays */
	struct zone *merged = zone_merge(to, zone_of_key, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(merged);
	CU_ASSERT_PTR_NOT_EQUAL(merged->image, to->image);
	zone_drop(to);
	CU_ASSERT_STRING_EQUAL(merged->pools[1], "app");
	CU_ASSERT_PTR_NOT_NULL_FATAL(merged->history);
	CU_ASSERT_EQUAL(merged->history->n, 1);
	zone_drop(merged);
	faults_fini(&f);
}

/* Of a zone that is served, which has a history: others, each with one more step. */
static void make_until_memory_ends(void *ctx)
{
	const struct zone_with_opts opts = change_of_opts(false);
	struct zone *was = ctx;
	struct fault why;
	struct faults f;
	struct change *first = change_of("- example. 300 SOA ns.example. h.example. 2 2 3 4 5\n"
					 "+ example. 300 SOA ns.example. h.example. 3 2 3 4 5\n"
					 "+ b.example. 5 A 192.0.2.8\n", &why);

	faults_init(&f);
	for (int i = 0; i < 64; i++) { /* whatever the order is in which a scope lets go */
		struct zone *to = zone_with(was, first, &opts, &f);
		history_give(to, was, change_between(was, to, &why));
	}
	change_free(first);
	faults_fini(&f);
	scope_fail();
}

static void memory_that_ends_takes_no_history_that_others_have(void)
{
	const struct zone_with_opts opts = change_of_opts(false);
	struct zone *z = zone_of_text(ZONE);
	struct fault why;
	struct faults f;
	struct change *c = change_of(SOAS "+ f.example. 5 A 192.0.2.8\n", &why);

	faults_init(&f);
	struct zone *to = zone_with(z, c, &opts, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	history_give(to, z, c);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_FALSE(scope_run(make_until_memory_ends, to));
	CU_ASSERT_EQUAL(to->history->part.refs, 1);
	CU_ASSERT_EQUAL(to->history->steps[0]->part.refs, 1);
	CU_ASSERT_EQUAL(change_to(to->history->steps[0]->change), 2);
	zone_drop(z);
	zone_drop(to);
	faults_fini(&f);
}

static uint32_t ttl_at(const struct zone *z, const char *wire, uint16_t type)
{
	struct zone_name name;

	zone_name_set(&name, zone_of_key, (const uint8_t *)wire);
	const struct zone_node *n = zone_find_node(z, &name, 0);
	const struct zone_rrset *s = n ? zone_find_rrset(n, type) : NULL;
	return s ? be32_get(s->wire + 6) : 0;
}

/* RFC 2136 section 3.4.2.2: what is there already is replaced, and with it its TTL. */
static void what_is_added_decides_the_ttl_of_its_rrset(void)
{
	const struct zone_with_opts opts = change_of_opts(true);
	struct zone *z = zone_of_text(ZONE);
	struct fault why;
	struct faults f;
	struct change *c = change_of(SOAS "+ a.example. 70 A 192.0.2.2\n", &why);

	faults_init(&f);
	struct zone *to = zone_with(z, c, &opts, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT_EQUAL(ttl_at(z, "\1a\7example", RRTYPE_A), 5);
	CU_ASSERT_EQUAL(ttl_at(to, "\1a\7example", RRTYPE_A), 70);
	CU_ASSERT_EQUAL(to->records, z->records);
	zone_drop(to);
	zone_drop(z);
	change_free(c);
	faults_fini(&f);
}

/* --- memory ends -------------------------------------------------------------------------- */

struct attempt {
	struct zone *z;
	const struct change *c;
	size_t made;
};

static void try_it(void *ctx)
{
	struct attempt *a = ctx;
	const struct zone_with_opts opts = change_of_opts(false);
	struct faults f;

	faults_init(&f);
	const size_t held = failing_held();
	struct zone *to = zone_with(a->z, a->c, &opts, &f);
	struct zone *merged = to ? zone_merge(to, zone_of_key, &f) : NULL;
	a->made += merged != NULL;
	if (!merged)
		CU_ASSERT_TRUE(f.errors > 0);
	zone_drop(merged);
	zone_drop(to);
	faults_fini(&f);
	CU_ASSERT_EQUAL(failing_held(), held);
}

static void without_memory_there_is_a_fault_and_the_old_zone_stays(void)
{
	struct fault why;
	struct attempt a = { zone_of_text(ZONE "x.d.w A 192.0.2.1\n"),
		change_of(SOAS "- a.example. 5 A 192.0.2.1\n+ y.z.example. 5 MX 1 z.example.\n"
			       "+ w.example. 5 NS ns.example.\n+ f.example. 5 EDGE app\n",
			&why),
		0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(a.c);
	CU_ASSERT_TRUE(failing_each(try_it, &a) > 8);
	CU_ASSERT_TRUE(a.made > 0);
	zone_drop(a.z);
	change_free((struct change *)(uintptr_t)a.c);
}

void suite_zone_with(void)
{
	static const struct unit_case cases[] = {
		{ "what does not fit is refused", what_does_not_fit_is_refused },
		{ "what is added decides the TTL of its RRset",
			what_is_added_decides_the_ttl_of_its_rrset },
		{ "a change leaves the image and the pools' numbers",
			a_change_leaves_the_image_and_the_pools_numbers },
		{ "memory that ends takes no history that others have",
			memory_that_ends_takes_no_history_that_others_have },
		{ "without memory there is a fault and the old zone stays",
			without_memory_there_is_a_fault_and_the_old_zone_stays },
	};

	unit_suite("zone/zone_with", cases, UNIT_COUNT(cases));
}
