#include "daemon/zone_signing.h"

#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/history.h"
#include "zone/image.h"

#include <string.h>

#define ZONE(serial, more) \
	"$TTL 5\n@ 300 SOA ns h " serial " 1 1 1 5\n@ NS ns\nns A 192.0.2.9\n" more

static struct keyset *keys;
static struct zone_with_opts with;
static struct zone_signing how;
static struct zone_signing_of of;

static int open_suite(void)
{
	static const struct keyset_policy policy = { .lifetime_s = 14 * 86400,
		.refresh_s = 7 * 86400,
		.backdate_s = 3600,
		.dnskey_ttl_s = 3600 };
	struct fault why;
	struct signing_key *key = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);
	const struct keyset_key one = { key, true, true, true, false };

	keys = keyset_new(&policy, &one, 1);
	signing_key_drop(key);
	with = change_of_opts(true);
	how = (struct zone_signing){ .compile = &with.compile, .now_s = 1800000000 };
	of = (struct zone_signing_of){ .keys = keys, .which = STORE_SIGNED };
	return 0;
}

static int close_suite(void)
{
	keyset_drop(keys);
	return 0;
}

static struct zone *zone_of_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

/* What `text` becomes upon `before`, which is let go of; or NULL. */
static struct zone *signed_of(struct zone *before, const char *text)
{
	struct zone *plain = zone_of_text(text);
	struct faults f;
	bool due;

	faults_init(&f);
	of.before = before;
	struct zone *z = zone_signing_make(&how, &of, plain, &due, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_FALSE(due);
	zone_drop(plain);
	if (before)
		zone_drop(before);
	faults_fini(&f);
	return z;
}

static void serials_ascend_whatever_the_file_says(void)
{
	static const struct {
		const char *say, *text;
		uint32_t serial;
	} row[] = {
		{ "the first is the file's", ZONE("10", ""), 10 },
		{ "nothing is another", ZONE("10", ""), 10 },
		{ "the file's ascends, and nothing else", ZONE("11", ""), 11 },
		{ "a change without a serial", ZONE("11", "a A 192.0.2.1\n"), 12 },
		{ "the file is behind, and the same", ZONE("12", "a A 192.0.2.1\n"), 12 },
		{ "the file is behind, and another", ZONE("12", ""), 13 },
		{ "the file is ahead", ZONE("20", "b A 192.0.2.1\n"), 20 },
	};
	struct zone *z = NULL;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		z = signed_of(z, row[i].text);
		CU_ASSERT_EQUAL(z->serial, row[i].serial);
		CU_ASSERT_PTR_NOT_NULL(z->denial);
	}
	/* The way there is known to who follows the zone. */
	CU_ASSERT_PTR_NOT_NULL_FATAL(z->history);
	CU_ASSERT_EQUAL(z->history->n, 4);
	CU_ASSERT_EQUAL(change_from(z->history->steps[0]->change), 10);
	zone_drop(z);
}

static void a_zone_that_is_signed_no_more_is_what_it_was_and_goes_on(void)
{
	struct zone *z = signed_of(NULL, ZONE("10", "a A 192.0.2.1\n"));
	struct faults f;

	faults_init(&f);
	of.before = z;
	struct zone *plain = zone_signing_undo(&how, &of, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plain);
	CU_ASSERT_EQUAL(plain->serial, 11);
	CU_ASSERT_EQUAL(plain->records, 4);
	CU_ASSERT_PTR_NULL(plain->denial);
	CU_ASSERT_EQUAL(plain->signatures_end_s, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plain->history);
	CU_ASSERT_EQUAL(plain->history->n, 1);
	CU_ASSERT_EQUAL(change_comes(plain->history->steps[0]->change), 1);
	zone_drop(plain);
	zone_drop(z);
	faults_fini(&f);
}

static void what_has_ended_is_not_served_after_a_start(void)
{
	struct zone *z = signed_of(NULL, ZONE("10", ""));
	const int64_t end_s = z->signatures_end_s;

	how.now_s += 30 * 86400;
	z = signed_of(z, ZONE("10", ""));
	CU_ASSERT_TRUE(z->signatures_end_s > end_s && z->signatures_end_s > how.now_s);
	CU_ASSERT_EQUAL(z->serial, 11);
	how.now_s -= 30 * 86400;
	zone_drop(z);
}

static const struct unit_case cases[] = {
	{ "serials ascend, whatever the file says", serials_ascend_whatever_the_file_says },
	{ "a zone that is signed no more is what it was, and goes on",
		a_zone_that_is_signed_no_more_is_what_it_was_and_goes_on },
	{ "what has ended is not served after a start",
		what_has_ended_is_not_served_after_a_start },
};

void suite_zone_signing(void)
{
	unit_suite_with(
		"daemon/zone_signing", cases, UNIT_COUNT(cases), open_suite, close_suite);
}
