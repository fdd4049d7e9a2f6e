#include "daemon/shared_keys.h"

#include "unit/unit.h"

#include <string.h>

static struct shared_keys sample(void)
{
	return (struct shared_keys){ .version = { 41, 0xfedcba9876543210u },
		.off = true,
		.sign = { .lifetime_s = 1209600,
			.refresh_s = 604800,
			.jitter_s = 0,
			.backdate_s = 3600,
			.dnskey_ttl_s = 300,
			.denial = KEYSET_NSEC3,
			.opt_out = true,
			.salt_len = 3,
			.salt = { 0xab, 0, 1 },
			.iterations = 5,
			.cds = true,
			.cdnskey = false,
			.cds_digest = 4,
			.zonemd = 1 } };
}

static void how_a_zone_is_signed_is_read_as_it_was_written(void)
{
	struct shared_keys a = sample(), b = { .off = false };
	struct text lines = { 0 }, again = { 0 };

	text_add(&lines, "ttl dnskey 5 0\n");
	shared_keys_lines(&a, &lines);
	text_add(&lines, "a later version knows more\n");
	CU_ASSERT_TRUE(shared_keys_read_lines(&b, text_get(&lines)));
	CU_ASSERT_TRUE(fleet_version_same(a.version, b.version) && b.off);
	CU_ASSERT_TRUE(shared_keys_same_way(&a, &b));
	shared_keys_lines(&b, &again);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&lines), text_get(&again)));
	text_fini(&again);
	text_fini(&lines);
}

static void what_differs_is_seen_whatever_it_is(void)
{
	struct shared_keys a = sample(), list[15];

	for (size_t i = 0; i < 15; i++)
		list[i] = a;
	list[1].off = false;
	list[2].sign.lifetime_s++;
	list[3].sign.refresh_s++;
	list[4].sign.jitter_s++;
	list[5].sign.backdate_s++;
	list[6].sign.dnskey_ttl_s++;
	list[7].sign.denial = KEYSET_NSEC;
	list[8].sign.opt_out = false;
	list[9].sign.salt[2]++;
	list[10].sign.iterations++;
	list[11].sign.cds = false;
	list[12].sign.cdnskey = true;
	list[13].sign.cds_digest = 2;
	list[14].sign.zonemd = 0;
	list[0].version.serial++; /* no other way */
	for (size_t i = 0; i < 15; i++)
		CU_ASSERT_EQUAL(shared_keys_same_way(&a, &list[i]), i == 0);
}

static void lines_that_are_none_of_ours_are_told_from_it(void)
{
	static const struct {
		const char *say, *lines;
	} row[] = {
		{ "nothing", "" },
		{ "states of a zone that no fleet signs", "ttl dnskey 5 0\nroll 0\n" },
		{ "a version alone", "fleet 0000000041-fedcba9876543210 0\n" },
		{ "a way alone", "sign 1209600 604800 0 3600 300 0 0 0 1 0 2 0 .\n" },
		{ "a version that is none", "fleet 41-fedc 0\nsign 1209600 604800 0 3600 300 0 0 0 1 0 2 0 .\n" },
		{ "a lifetime that is over before it is renewed",
			"fleet 0000000041-fedcba9876543210 0\nsign 5 604800 0 3600 300 0 0 0 1 0 2 0 .\n" },
		{ "a chain of no kind", "fleet 0000000041-fedcba9876543210 0\nsign 1209600 604800 0 3600 300 2 0 0 1 0 2 0 .\n" },
		{ "half a salt", "fleet 0000000041-fedcba9876543210 0\nsign 1209600 604800 0 3600 300 1 0 0 1 0 2 0 abc.\n" },
		{ "a salt that is too long",
			"fleet 0000000041-fedcba9876543210 0\nsign 1209600 604800 0 3600 300 1 0 0 1 0 2 0 "
			"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00.\n" },
	};
	struct shared_keys k = { .off = false };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (shared_keys_read_lines(&k, row[i].lines))
			CU_FAIL(row[i].say);
}

static void a_version_that_follows_is_newer_and_no_other_servers(void)
{
	const struct fleet_version v = { 41, 7 }, a = shared_keys_next(v), b = shared_keys_next(v);

	CU_ASSERT(a.serial == 42 && b.serial == 42);
	CU_ASSERT_FALSE(fleet_version_same(a, b));
}

void suite_shared_keys(void);
void suite_shared_keys(void)
{
	static const struct unit_case cases[] = {
		{ "how a zone is signed is read as it was written", how_a_zone_is_signed_is_read_as_it_was_written },
		{ "what differs is seen, whatever it is", what_differs_is_seen_whatever_it_is },
		{ "lines that are none of ours are told from it", lines_that_are_none_of_ours_are_told_from_it },
		{ "a version that follows is newer, and no other server's", a_version_that_follows_is_newer_and_no_other_servers },
	};

	unit_suite("daemon/shared_keys", cases, UNIT_COUNT(cases));
}
