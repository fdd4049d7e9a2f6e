#include "zone/draft.h"

#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/change_onto.h"
#include "zone/zone_text.h"
#include "zone/zone_with.h"

#include <string.h>

#define RECORDS                                                     \
	"$TTL 300\n@ SOA ns h 7 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n" \
	"www A 192.0.2.1\nwww A 192.0.2.2\nalias CNAME www\nsteered 60 EDGE web\n"

static const uint8_t www[] = "\3www\7example", ns[] = "\2ns\7example",
		     new_name[] = "\3new\7example", apex[] = "\7example",
		     alias[] = "\5alias\7example", other[] = "\1x\5other",
		     steered[] = "\7steered\7example";
static struct fault why;

static struct zone *zone_like(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static struct draft *draft_of(const char *text)
{
	struct zone *z = zone_like(text);
	struct draft *d = draft_new(z, zone_of_key);

	zone_drop(z);
	return d;
}

static bool set_a(struct draft *d, const uint8_t *owner, uint32_t ttl_s, uint8_t last)
{
	return draft_set(d,
		&(struct change_record){ .owner = owner,
			.type = RRTYPE_A,
			.ttl_s = ttl_s,
			.rdata = (uint8_t[]){ 192, 0, 2, last },
			.rdlen = 4 },
		&why);
}

static bool unset(struct draft *d, const uint8_t *owner, uint16_t type, const uint8_t *rdata,
	uint16_t len)
{
	return draft_unset(d, &(struct draft_unset){ owner, type, rdata, len }, &why);
}

/* What it says, and lets go of it. */
static void says(struct draft *d, const char *want)
{
	struct change *c = draft_change(d, &why);
	struct text text = { 0 };

	if (c)
		change_lines(&text, c, false);
	CU_ASSERT_STRING_EQUAL(text_get(&text), want);
	change_free(c);
	text_fini(&text);
	draft_free(d);
}

static void records_are_set_beside_others_and_get_their_ttl(void)
{
	struct draft *d = draft_of(RECORDS);

	CU_ASSERT_EQUAL(draft_ttl(d, www, RRTYPE_A), 300);
	CU_ASSERT_TRUE(set_a(d, www, 60, 3));
	CU_ASSERT_TRUE(set_a(d, new_name, 60, 4));
	CU_ASSERT_EQUAL(draft_ttl(d, www, RRTYPE_A), 60);
	says(d,
		"- www.example. 300 IN A 192.0.2.1\n- www.example. 300 IN A 192.0.2.2\n"
		"+ www.example. 60 IN A 192.0.2.1\n+ www.example. 60 IN A 192.0.2.2\n"
		"+ www.example. 60 IN A 192.0.2.3\n+ new.example. 60 IN A 192.0.2.4\n");
}

static void of_types_that_a_name_has_one_of_the_new_one_replaces_the_old(void)
{
	struct draft *d = draft_of(RECORDS);

	CU_ASSERT_TRUE(draft_set(d,
		&(struct change_record){ .owner = alias,
			.type = RRTYPE_CNAME,
			.ttl_s = 300,
			.rdata = ns,
			.rdlen = sizeof ns },
		&why));
	CU_ASSERT_TRUE(draft_set(d,
		&(struct change_record){ .owner = steered,
			.type = RRTYPE_EDGE,
			.ttl_s = 60,
			.rdata = (const uint8_t *)"\3two",
			.rdlen = 4 },
		&why));
	says(d,
		"- alias.example. 300 IN CNAME www.example.\n- steered.example. 60 IN EDGE "
		"web\n"
		"+ alias.example. 300 IN CNAME ns.example.\n+ steered.example. 60 IN EDGE "
		"two\n");
}

static void what_is_set_and_unset_again_is_no_change(void)
{
	struct draft *d = draft_of(RECORDS);

	CU_ASSERT_TRUE(set_a(d, new_name, 60, 4));
	CU_ASSERT_TRUE(unset(d, new_name, 0, NULL, 0));
	CU_ASSERT_TRUE(unset(d, www, RRTYPE_A, (uint8_t[]){ 192, 0, 2, 1 }, 4));
	CU_ASSERT_TRUE(set_a(d, www, 300, 1));
	CU_ASSERT_PTR_NULL(draft_change(d, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "");
	draft_free(d);
}

static void what_cannot_be_is_told(void)
{
	struct draft *d = draft_of(RECORDS);

	CU_ASSERT_FALSE(unset(d, www, RRTYPE_TXT, NULL, 0));
	CU_ASSERT_STRING_EQUAL(why.text, "there is no TXT at www.example.");
	CU_ASSERT_FALSE(unset(d, www, RRTYPE_A, (uint8_t[]){ 192, 0, 2, 9 }, 4));
	CU_ASSERT_STRING_EQUAL(why.text, "there is no A with that data at www.example.");
	CU_ASSERT_FALSE(unset(d, new_name, 0, NULL, 0));
	CU_ASSERT_STRING_EQUAL(why.text, "there is nothing at new.example.");
	CU_ASSERT_FALSE(unset(d, apex, RRTYPE_SOA, NULL, 0));
	CU_ASSERT_STRING_EQUAL(why.text, "the SOA stays; \"zone set\" replaces it");
	CU_ASSERT_FALSE(set_a(d, other, 60, 1));
	CU_ASSERT_STRING_EQUAL(why.text, "x.other. is not in the zone example.");
	CU_ASSERT_FALSE(draft_set(d,
		&(struct change_record){ .owner = www, .type = RRTYPE_SOA, .rdata = ns },
		&why));
	/* All of the apex goes but the SOA. */
	CU_ASSERT_TRUE(draft_has_ns(d));
	CU_ASSERT_TRUE(unset(d, apex, 0, NULL, 0));
	CU_ASSERT_FALSE(draft_has_ns(d));
	says(d, "- example. 300 IN NS ns.example.\n");
}

/* --- upon what is served ------------------------------------------------------------------ */

static struct change *onto(const struct change *c, const struct zone *base,
	const struct zone *now, struct text *conflicts)
{
	return change_onto(&(struct change_onto){ .change = c,
				   .base = base,
				   .now = now,
				   .key = zone_of_key,
				   .next_serial = 100,
				   .conflicts = conflicts },
		&why);
}

/* The text of what it makes of `now`. */
static void makes(const struct zone *now, const struct change *c, const char *want)
{
	struct text text = { 0 };
	struct faults f;

	faults_init(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	struct zone *z = zone_with(
		now, c, &(struct zone_with_opts){ .compile = { .key = zone_of_key } }, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	zone_text(&text, z, RDATA_FOR_US);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&text), want));
	zone_drop(z);
	text_fini(&text);
	faults_fini(&f);
}

#define SMALL(serial, more) \
	"$TTL 300\n@ SOA ns h " #serial " 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n" more

static void what_others_have_changed_elsewhere_stays(void)
{
	struct zone *base = zone_like(SMALL(7, "a A 192.0.2.1\n")),
		    *mine = zone_like(SMALL(8, "a A 192.0.2.2\n")),
		    *now = zone_like(SMALL(20, "a A 192.0.2.1\nb A 192.0.2.3\n"));
	struct change *c = change_between(base, mine, &why), *to = onto(c, base, now, NULL);

	CU_ASSERT_EQUAL(change_from(to), 20);
	CU_ASSERT_EQUAL(change_to(to), 100); /* 8 is not newer than what is served */
	makes(now, to, "\na\t300\tIN\tA 192.0.2.2\n");
	makes(now, to, "b\t300\tIN\tA 192.0.2.3\n");
	change_free(to);
	change_free(c);
	zone_drop(base);
	zone_drop(mine);
	zone_drop(now);
}

static void names_that_both_have_touched_are_conflicts(void)
{
	struct zone *base = zone_like(SMALL(7, "a A 192.0.2.1\nb A 192.0.2.1\n")),
		    *mine = zone_like(SMALL(8, "a A 192.0.2.2\nb A 192.0.2.2\n")),
		    *now = zone_like(SMALL(9, "a 60 A 192.0.2.1\nb A 192.0.2.1\n"));
	struct change *c = change_between(base, mine, &why);
	struct text conflicts = { 0 };

	CU_ASSERT_PTR_NULL(onto(c, base, now, &conflicts));
	CU_ASSERT_STRING_EQUAL(text_get(&conflicts), "a.example.\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "has changed since serial 7"));
	text_fini(&conflicts);
	change_free(c);
	zone_drop(base);
	zone_drop(mine);
	zone_drop(now);
}

static void what_others_have_done_in_the_same_way_is_no_conflict(void)
{
	struct zone *base = zone_like(SMALL(7, "a A 192.0.2.1\n")),
		    *mine = zone_like(SMALL(7, "a A 192.0.2.2\nc A 192.0.2.3\n")),
		    *now = zone_like(SMALL(9, "a A 192.0.2.2\nb A 192.0.2.4\n")),
		    *all = zone_like(SMALL(9, "a A 192.0.2.2\nb A 192.0.2.4\nc A 192.0.2.3\n"));
	struct change *c = change_between(base, mine, &why);
	struct change_onto o = { .change = c, .base = base, .now = now, .key = zone_of_key };
	struct text lines = { 0 };

	o.next_serial = 10;
	CU_ASSERT_PTR_NULL(change_onto(&o, &why)); /* who does not know what he wanted */
	o.then = mine;
	struct change *to = change_onto(&o, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	change_lines(&lines, to, false);
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "+ c.example. 300 IN A 192.0.2.3\n");
	CU_ASSERT_EQUAL(change_to(to), 10);
	change_free(to);
	o.now = all;
	CU_ASSERT_PTR_NULL(change_onto(&o, &why)); /* nothing is left to do */
	CU_ASSERT_STRING_EQUAL(why.text, "");
	text_fini(&lines);
	change_free(c);
	zone_drop(base);
	zone_drop(mine);
	zone_drop(now);
	zone_drop(all);
}

static void a_soa_that_was_changed_comes_and_its_serial_if_it_is_newer(void)
{
	struct zone *base = zone_like(SMALL(7, "")),
		    *now = zone_like(SMALL(9, "b A 192.0.2.1\n")),
		    *mine = zone_like(
			    "$TTL 300\n@ SOA ns h 50 22 3 44 5\n@ NS ns\nns A 192.0.2.9\n");
	struct change *c = change_between(base, mine, &why), *to = onto(c, base, now, NULL);

	makes(now, to, "SOA ns.example. h.example. 50 22 3 44 5\n");
	change_free(to);
	change_free(c);
	/* And one that others have changed stays as they want it. */
	struct zone *then = zone_like(SMALL(8, "c A 192.0.2.1\n"));
	c = change_between(base, then, &why);
	to = onto(c, base, mine, NULL);
	makes(mine, to, "SOA ns.example. h.example. 100 22 3 44 5\n");
	change_free(to);
	struct change *back = change_reversed(c, &why);
	CU_ASSERT_EQUAL(change_from(back), 8);
	CU_ASSERT_EQUAL(change_to(back), 7);
	CU_ASSERT_EQUAL(change_goes(back), 2);
	change_free(back);
	change_free(c);
	zone_drop(then);
	zone_drop(base);
	zone_drop(mine);
	zone_drop(now);
}

static void names_are_the_same_whatever_the_order_of_their_records(void)
{
	struct zone *a = zone_like(SMALL(7, "www A 192.0.2.1\nwww A 192.0.2.2\nwww TXT x\n")),
		    *b = zone_like(SMALL(8, "www TXT x\nwww A 192.0.2.2\nwww A 192.0.2.1\n")),
		    *c = zone_like(SMALL(8, "www TXT y\nwww A 192.0.2.2\nwww A 192.0.2.1\n"));

	CU_ASSERT_TRUE(change_onto_same(a, b, zone_of_key, www));
	CU_ASSERT_TRUE(change_onto_same(a, b, zone_of_key, apex));     /* but for the SOA */
	CU_ASSERT_TRUE(change_onto_same(a, b, zone_of_key, new_name)); /* it is in none */
	CU_ASSERT_FALSE(change_onto_same(a, c, zone_of_key, www));
	zone_drop(a);
	zone_drop(b);
	zone_drop(c);
}

void suite_draft(void);
void suite_draft(void)
{
	static const struct unit_case cases[] = {
		{ "records are set beside others, and get their TTL",
			records_are_set_beside_others_and_get_their_ttl },
		{ "of types that a name has one of the new one replaces the old",
			of_types_that_a_name_has_one_of_the_new_one_replaces_the_old },
		{ "what is set and unset again is no change",
			what_is_set_and_unset_again_is_no_change },
		{ "what cannot be is told", what_cannot_be_is_told },
		{ "what others have changed elsewhere stays",
			what_others_have_changed_elsewhere_stays },
		{ "names that both have touched are conflicts",
			names_that_both_have_touched_are_conflicts },
		{ "what others have done in the same way is no conflict",
			what_others_have_done_in_the_same_way_is_no_conflict },
		{ "a SOA that was changed comes, and its serial if it is newer",
			a_soa_that_was_changed_comes_and_its_serial_if_it_is_newer },
		{ "names are the same whatever the order of their records",
			names_are_the_same_whatever_the_order_of_their_records },
	};

	unit_suite("zone/draft", cases, UNIT_COUNT(cases));
}
