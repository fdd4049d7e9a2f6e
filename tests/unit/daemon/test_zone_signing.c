#include "daemon/zone_signing.h"

#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/history.h"
#include "zone/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		{ "others may have the file's, unsigned", ZONE("9", ""), 10 },
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

static void no_serial_is_both_of_a_signed_and_an_unsigned_version(void)
{
	static const struct {
		const char *say, *signed_as, *served, *text;
		uint32_t serial;
	} row[] = {
		{ "never signed", NULL, ZONE("10", ""), ZONE("10", ""), 11 },
		{ "the file has gone on", NULL, ZONE("10", ""), ZONE("15", ""), 15 },
		{ "the file has gone back", NULL, ZONE("10", ""), ZONE("9", ""), 11 },
		{ "signed before, and unsigned since", ZONE("5", ""), ZONE("10", ""), ZONE("10", ""), 11 },
		{ "as much as it was signed", ZONE("5", ""), ZONE("6", ""), ZONE("6", ""), 7 },
		{ "the signed one was ahead", ZONE("20", ""), ZONE("10", ""), ZONE("10", ""), 21 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct zone *before = row[i].signed_as ? signed_of(NULL, row[i].signed_as) : NULL;
		struct zone *served = zone_of_text(row[i].served);
		of.served = served;
		struct zone *z = signed_of(before, row[i].text);
		of.served = NULL;
		if (z->serial != row[i].serial)
			printf("%s: %u\n", row[i].say, z->serial);
		CU_ASSERT_EQUAL(z->serial, row[i].serial);
		zone_drop(z);
		zone_drop(served);
	}
}

static void a_zone_that_is_signed_no_more_is_what_it_was_and_goes_on(void)
{
	struct zone *z = signed_of(NULL, ZONE("9", "a A 192.0.2.1\n"));
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
	struct zone *z = signed_of(NULL, ZONE("9", ""));
	const int64_t end_s = z->signatures_end_s;

	how.now_s += 30 * 86400;
	z = signed_of(z, ZONE("10", ""));
	CU_ASSERT_TRUE(z->signatures_end_s > end_s && z->signatures_end_s > how.now_s);
	CU_ASSERT_EQUAL(z->serial, 11);
	how.now_s -= 30 * 86400;
	zone_drop(z);
}

static uint32_t stored(struct store *s, const struct zone *z)
{
	uint32_t serial = 0;
	struct fault why;

	store_has(s, z->apex, &serial, &why);
	return serial;
}

/* Signed as a whole, and then not any more, while clients change the zone: what they were told stays on the disk. */
static void a_change_that_is_stored_meanwhile_goes_before(void)
{
	static const struct store_timers never;
	char dir[] = "/tmp/unit_zone_signing.XXXXXX", path[64];
	struct zone *was = zone_of_text(ZONE("10", "")), *now = zone_of_text(ZONE("12", "a A 192.0.2.1\n"));
	struct fault why;
	struct faults f;
	bool due, late = false;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/store", dir);
	struct store *s = store_open(path, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	struct zone_signing with_store = how;
	struct zone_signing_of of_store = { .keys = keys, .which = STORE_ZONE };
	with_store.store = s;
	with_store.late = &late;
	faults_init(&f);
	CU_ASSERT_TRUE(store_put(s, was, &never, &why));
	struct zone *z = zone_signing_make(&with_store, &of_store, was, &due, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_FALSE(late);
	CU_ASSERT_EQUAL(stored(s, z), 11);
	CU_ASSERT_TRUE(store_put(s, now, &never, &why));
	of_store.before = z;
	struct zone *plain = zone_signing_undo(&with_store, &of_store, &f);
	CU_ASSERT_TRUE(late);
	CU_ASSERT_EQUAL(stored(s, z), 12);
	late = false;
	of_store.before = NULL;
	struct zone *again = zone_signing_make(&with_store, &of_store, was, &due, &f);
	CU_ASSERT_TRUE(late);
	struct zone *kept = NULL;
	struct store_picture p;
	CU_ASSERT_TRUE_FATAL(store_get(s, was->apex, STORE_ZONE, &p, &why));
	size_t at = 0, n = 0;
	struct store_record rr;
	while (store_next_record(&p, &at, &rr))
		n++;
	CU_ASSERT_EQUAL(n, 4); /* with what the client has added, and nothing of signing */
	store_picture_fini(&p);
	/* Who is alone puts it. */
	with_store.late = NULL;
	kept = zone_signing_make(&with_store, &of_store, now, &due, &f);
	CU_ASSERT_EQUAL(stored(s, z), 13);
	struct zone *all[] = { was, now, z, plain, again, kept };
	for (size_t i = 0; i < UNIT_COUNT(all); i++)
		if (all[i])
			zone_drop(all[i]);
	faults_fini(&f);
	store_close(s);
	unlink(path);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static const struct unit_case cases[] = {
	{ "serials ascend, whatever the file says", serials_ascend_whatever_the_file_says },
	{ "no serial is both of a signed and an unsigned version",
		no_serial_is_both_of_a_signed_and_an_unsigned_version },
	{ "a zone that is signed no more is what it was, and goes on",
		a_zone_that_is_signed_no_more_is_what_it_was_and_goes_on },
	{ "a change that is stored meanwhile goes before",
		a_change_that_is_stored_meanwhile_goes_before },
	{ "what has ended is not served after a start",
		what_has_ended_is_not_served_after_a_start },
};

void suite_zone_signing(void)
{
	unit_suite_with(
		"daemon/zone_signing", cases, UNIT_COUNT(cases), open_suite, close_suite);
}
