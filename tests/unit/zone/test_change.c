#include "zone/change.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "unit/failing.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA(sign, serial) sign " example. 300 SOA ns.example. h.example. " #serial " 2 3 4 5\n"
#define SOAS              SOA("-", 1) SOA("+", 2)

/* How its text begins and ends. */
static void is_text(const struct change *c, const char *want)
{
	struct text t = change_text(c);

	CU_ASSERT_STRING_EQUAL(text_get(&t), want);
	if (strcmp(text_get(&t), want) != 0)
		printf("\n%swanted\n%s", text_get(&t), want);
	text_fini(&t);
}

static void what_goes_is_in_front_and_soas_are_first(void)
{
	struct fault why;
	struct change *c = change_of("+ b.example. 5 A 192.0.2.2\n" SOA("+",
					     2) "- A.example. 5 A 192.0.2.1\n"
						"- a.example. 5 NS Ns.example.\n" SOA("-", 1),
		&why);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(change_from(c), 1);
	CU_ASSERT_EQUAL(change_to(c), 2);
	CU_ASSERT_EQUAL(change_goes(c), 3);
	CU_ASSERT_EQUAL(change_comes(c), 2);
	is_text(c,
		"- example. 300 SOA 1\n- a.example. 5 A 192.0.2.1\n"
		"- a.example. 5 NS Ns.example.\n"
		"+ example. 300 SOA 2\n+ b.example. 5 A 192.0.2.2\n");
	change_free(c);
}

static void what_no_zone_has_is_refused(void)
{
	static const struct {
		const char *text, *part;
	} row[] = {
		{ SOAS "+ other. 5 A 192.0.2.1\n", "other. is not in the zone" },
		{ SOAS SOA("+", 3), "a second SOA comes" },
		{ SOAS SOA("-", 3), "a second SOA goes" },
		{ SOAS "+ a.example. 5 SOA a. b. 1 2 3 4 5\n", "not at the top" },
		{ SOA("-", 1), "no SOA comes" },
		{ SOA("+", 1), "no SOA goes" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { "" };
		CU_ASSERT_PTR_NULL(change_of(row[i].text, &why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].part));
	}
	static const uint8_t apex[] = "\7example";
	static const struct {
		uint16_t type, rdlen;
		const char *part;
	} bad[] = { { RRTYPE_A, 3, "A: these bytes are none" }, { RRTYPE_ANY, 0, "is no data" },
		{ RRTYPE_SOA, 5, "SOA: these bytes are none" } };
	for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
		struct fault why = { "" };
		struct change *c = change_new(apex);
		CU_ASSERT_FALSE(change_add(c,
			&(struct change_record){ .owner = apex,
				.type = bad[i].type,
				.rdata = apex,
				.rdlen = bad[i].rdlen },
			&why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, bad[i].part));
		change_free(c);
	}
}

/* RFC 2181 section 8. */
static void a_ttl_with_its_highest_bit_is_zero(void)
{
	struct fault why;
	struct change *c = change_of(SOAS "+ a.example. 2147483648 A 192.0.2.1\n"
					  "+ b.example. 2147483647 A 192.0.2.1\n",
		&why);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	is_text(c,
		"- example. 300 SOA 1\n+ example. 300 SOA 2\n+ a.example. 0 A 192.0.2.1\n"
		"+ b.example. 2147483647 A 192.0.2.1\n");
	change_free(c);
}

static void bytes_are_opened_as_what_they_were(void)
{
	struct fault why;
	struct change *c = change_of(SOAS "+ a.example. 1 MX 5 Mail.example.\n"
					  "+ a.example. 1 TXT x\n+ b.example. 1 TXT y\n",
		&why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	size_t len, again_len;
	const uint8_t *bytes = change_bytes(c, &len);
	struct change *again = change_open(bytes, len, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	const uint8_t *same = change_bytes(again, &again_len);
	CU_ASSERT_EQUAL(len, again_len);
	CU_ASSERT_EQUAL(memcmp(bytes, same, len), 0);
	CU_ASSERT_TRUE(name_equal(change_id(again), change_id(c)));
	change_free(again);

	/* None of its parts alone, and no byte more, is one. */
	uint8_t *part = malloc(len + 1);
	memcpy(part, bytes, len);
	part[len] = 0;
	for (size_t n = 0; n <= len + 1; n++) {
		again = change_open(part, n, &why);
		CU_ASSERT_EQUAL(again != NULL, n == len);
		change_free(again);
	}
	/* Nor with another count, serial, TTL or capital. */
	static const struct {
		size_t at;
		uint8_t value;
	} wrong[] = { { 0, 'w' }, { 7, 2 }, { 11, 3 }, { 15, 2 }, { 19, 3 }, { 23, 1 },
		{ 25, 'E' }, { 24 + 9 + 1, 'E' }, { 24 + 9 + 9 + 2, 0x80 } };
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		memcpy(part, bytes, len);
		CU_ASSERT_NOT_EQUAL(part[wrong[i].at], wrong[i].value);
		part[wrong[i].at] = wrong[i].value;
		CU_ASSERT_PTR_NULL(change_open(part, len, &why));
	}
	free(part);
	change_free(c);
}

#define A1         " a.example. 5 A 192.0.2.1\n"
#define A1_LONG    " a.example. 9 A 192.0.2.1\n"
#define NS         " a.example. 5 NS ns.example.\n"
#define NS_CAPITAL " a.example. 5 NS NS.example.\n"
#define TO_3       SOA("-", 2) SOA("+", 3)
#define FIRST      "- example. 300 SOA 1\n"
#define LAST       "+ example. 300 SOA 3\n"

static void joined_changes_are_condensed(void)
{
	static const struct {
		const char *say, *a, *b, *want;
	} row[] = {
		{ "nothing", SOAS, TO_3, FIRST LAST },
		{ "both", SOAS "-" A1, TO_3 "+" NS, FIRST "-" A1 LAST "+" NS },
		{ "comes and goes", SOAS "+" A1, TO_3 "-" A1, FIRST LAST },
		{ "goes and comes", SOAS "-" A1, TO_3 "+" A1, FIRST LAST },
		{ "with another TTL", SOAS "-" A1, TO_3 "+" A1_LONG,
			FIRST "-" A1 LAST "+" A1_LONG },
		{ "twice another TTL", SOAS "-" A1 "+" A1_LONG, TO_3 "-" A1_LONG "+" A1,
			FIRST LAST },
		{ "another TTL, then gone", SOAS "-" A1 "+" A1_LONG, TO_3 "-" A1_LONG,
			FIRST "-" A1 LAST },
		{ "new, then another TTL", SOAS "+" A1, TO_3 "-" A1 "+" A1_LONG,
			FIRST LAST "+" A1_LONG },
		{ "another case", SOAS "-" NS, TO_3 "+" NS_CAPITAL,
			FIRST "-" NS LAST "+" NS_CAPITAL },
		{ "new in another case", SOAS "+" NS, TO_3 "-" NS_CAPITAL, FIRST LAST },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { "" };
		struct change *a = change_of(row[i].a, &why), *b = change_of(row[i].b, &why);
		const struct change *of[2] = { a, b };
		struct change *c = change_join(of, 2, &why);
		CU_ASSERT_PTR_NOT_NULL(c);
		if (c)
			is_text(c, row[i].want);
		change_free(c);
		change_free(b);
		change_free(a);
	}
}

static void only_changes_in_a_row_are_joined(void)
{
	struct fault why = { "" };
	struct change *a = change_of(SOAS, &why), *b = change_of(TO_3, &why);
	const struct change *back[2] = { b, a };

	CU_ASSERT_PTR_NULL(change_join(back, 2, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "do not follow"));
	CU_ASSERT_PTR_NULL(change_join(back, 0, &why));
	change_free(b);
	change_free(a);
}

static struct zone *zone_with_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

#define OLD "$TTL 5\n@ 300 SOA ns h 1 2 3 4 5\n@ NS ns\n"
#define NEW "$TTL 5\n@ 300 SOA ns h 2 2 3 4 5\n@ NS ns\n"

static void between_two_zones_is_what_differs(void)
{
	static const struct {
		const char *old, *new, *want;
	} row[] = {
		{ OLD, NEW, SOAS },
		{ OLD, OLD, FIRST "+ example. 300 SOA 1\n" },
		{ OLD "a A 192.0.2.1\n", NEW, FIRST "-" A1 "+ example. 300 SOA 2\n" },
		{ OLD "x.a A 192.0.2.3\n", NEW "a A 192.0.2.1\nx.a A 192.0.2.3\n",
			FIRST "+ example. 300 SOA 2\n+" A1 },
		{ OLD "a A 192.0.2.1\na A 192.0.2.2\n",
			NEW "a 9 A 192.0.2.1\na 9 A 192.0.2.2\n",
			FIRST "-" A1 "- a.example. 5 A 192.0.2.2\n+ example. 300 SOA 2\n"
			      "+" A1_LONG "+ a.example. 9 A 192.0.2.2\n" },
		{ OLD "a NS ns\na A 192.0.2.1\n", NEW "a A 192.0.2.1\na NS NS\n",
			FIRST "-" NS "+ example. 300 SOA 2\n+" NS_CAPITAL },
		{ OLD "a EDGE web\nb A 192.0.2.2\n", NEW "a EDGE web\n",
			FIRST "- b.example. 5 A 192.0.2.2\n+ example. 300 SOA 2\n" },
		{ OLD "a A 192.0.2.1\n", NEW "a A 192.0.2.1\na A 192.0.2.2\n",
			FIRST "+ example. 300 SOA 2\n+ a.example. 5 A 192.0.2.2\n" },
		{ OLD "a A 192.0.2.1\na A 192.0.2.2\n", NEW "a A 192.0.2.1\n",
			FIRST "- a.example. 5 A 192.0.2.2\n+ example. 300 SOA 2\n" },
		{ OLD "a A 192.0.2.2\n", NEW "a A 192.0.2.1\n",
			FIRST "- a.example. 5 A 192.0.2.2\n+ example. 300 SOA 2\n+" A1 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct zone *old = zone_with_text(row[i].old),
			    *new = zone_with_text(row[i].new);
		struct fault why = { "" };
		struct change *c = change_between(old, new, &why);
		CU_ASSERT_PTR_NOT_NULL(c);
		if (c && i)
			is_text(c, row[i].want);
		change_free(c);
		zone_drop(old);
		zone_drop(new);
	}
}

/* --- memory ends -------------------------------------------------------------------------- */

struct pair {
	struct zone *old, *new;
	size_t made;
};

static void try_all(void *ctx)
{
	struct pair *p = ctx;
	struct fault why = { "" };
	const size_t held = failing_held();
	struct change *c = change_between(p->old, p->new, &why), *again = NULL, *joined = NULL;

	if (c) {
		size_t len;
		const uint8_t *bytes = change_bytes(c, &len);
		again = change_open(bytes, len, &why);
	}
	if (again) {
		const struct change *of[1] = { again };
		joined = change_join(of, 1, &why);
	}
	p->made += joined != NULL;
	if (!joined)
		CU_ASSERT_STRING_EQUAL(why.text, "out of memory");
	change_free(joined);
	change_free(again);
	change_free(c);
	CU_ASSERT_EQUAL(failing_held(), held);
}

static void without_memory_there_is_a_fault_and_nothing_stays(void)
{
	struct pair p = { zone_with_text(OLD "a MX 1 a\nb A 192.0.2.1\nd TXT x\n"),
		zone_with_text(NEW "a MX 2 a\nb A 192.0.2.2\nc TXT x\n"), 0 };

	CU_ASSERT_TRUE(failing_each(try_all, &p) > 8);
	CU_ASSERT_TRUE(p.made > 0);
	zone_drop(p.old);
	zone_drop(p.new);
}

static void make_one(void *ctx)
{
	struct fault why;

	(void)ctx;
	change_of(SOAS, &why);
	scope_fail();
}

static void a_scope_that_fails_ends_its_changes(void)
{
	const size_t held = failing_held();

	CU_ASSERT_FALSE(scope_run(make_one, NULL));
	CU_ASSERT_EQUAL(failing_held(), held);
}

void suite_change(void)
{
	static const struct unit_case cases[] = {
		{ "what goes is in front and SOAs are first",
			what_goes_is_in_front_and_soas_are_first },
		{ "what no zone has is refused", what_no_zone_has_is_refused },
		{ "a TTL with its highest bit is 0", a_ttl_with_its_highest_bit_is_zero },
		{ "bytes are opened as what they were", bytes_are_opened_as_what_they_were },
		{ "joined changes are condensed (RFC 1995 section 5)",
			joined_changes_are_condensed },
		{ "only changes in a row are joined", only_changes_in_a_row_are_joined },
		{ "between two zones is what differs", between_two_zones_is_what_differs },
		{ "without memory there is a fault and nothing stays",
			without_memory_there_is_a_fault_and_nothing_stays },
		{ "a scope that fails ends its changes", a_scope_that_fails_ends_its_changes },
	};

	unit_suite("zone/change", cases, UNIT_COUNT(cases));
}
