#include "zone/keyset.h"
#include "dns/rrtype.h"
#include "unit/unit.h"

#include <string.h>

static const uint8_t apex[] = "\4test";

static struct keyset_policy policy(void)
{
	return (struct keyset_policy){ .lifetime_s = 1209600,
		.refresh_s = 604800,
		.dnskey_ttl_s = 3600,
		.cds = true,
		.cdnskey = true,
		.cds_digest = 2 };
}

static size_t count(const struct keyset *s, uint16_t type)
{
	uint8_t rdata[SIGNING_DNSKEY_MOST];
	size_t n = 0;

	while (keyset_rdata(s, apex, type, n, rdata))
		n++;
	return n;
}

static void whoever_asks_for_other_records_is_another(void)
{
	struct signing_key *a = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, NULL);
	struct signing_key *b = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, NULL);
	struct keyset_key keys[] = { { a, true, true, true, true },
		{ b, true, false, false, false } };
	struct keyset_policy p = policy();
	struct keyset *first = keyset_new(&p, keys, 2), *same = keyset_new(&p, keys, 2), *other;

	CU_ASSERT(keyset_same(first, same));
	CU_ASSERT(keyset_same(NULL, NULL));
	CU_ASSERT_FALSE(keyset_same(first, NULL));
	p.refresh_s++;
	other = keyset_new(&p, keys, 2);
	CU_ASSERT_FALSE(keyset_same(first, other));
	keyset_drop(other);
	p = policy();
	keys[1].cds = true;
	other = keyset_new(&p, keys, 2);
	CU_ASSERT_FALSE(keyset_same(first, other));
	CU_ASSERT(keyset_signs_with(other, SIGNING_ED25519));
	CU_ASSERT_FALSE(keyset_signs_with(other, SIGNING_ED448));
	keyset_drop(other);
	keyset_drop(same);
	keyset_drop(first);
	signing_key_drop(a);
	signing_key_drop(b);
}

static void keys_come_as_the_records_that_they_are_for(void)
{
	struct signing_key *a = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, NULL);
	const struct keyset_key keys[] = { { a, true, true, true, true },
		{ a, true, false, false, false }, { a, false, false, true, false } };
	struct keyset_policy p = policy();
	struct keyset *s = keyset_new(&p, keys, 3);
	uint8_t rdata[SIGNING_DNSKEY_MOST];

	CU_ASSERT_EQUAL(count(s, RRTYPE_DNSKEY), 2);
	CU_ASSERT_EQUAL(count(s, RRTYPE_CDS), 1);
	CU_ASSERT_EQUAL(count(s, RRTYPE_CDNSKEY), 1);
	CU_ASSERT_EQUAL(count(s, RRTYPE_NSEC3PARAM), 0);
	CU_ASSERT_EQUAL(keyset_rdata(s, apex, RRTYPE_CDS, 0, rdata), 4 + 32);
	keyset_drop(s);
	p.cds = false;
	p.denial = KEYSET_NSEC3;
	s = keyset_new(&p, keys, 3);
	CU_ASSERT_EQUAL(count(s, RRTYPE_CDS), 0);
	CU_ASSERT_EQUAL(count(s, RRTYPE_CDNSKEY), 1);
	CU_ASSERT_EQUAL(keyset_rdata(s, apex, RRTYPE_NSEC3PARAM, 0, rdata), 5);
	CU_ASSERT_EQUAL(memcmp(rdata, "\1\0\0\0\0", 5), 0);
	keyset_drop(s);
	p.cds_delete = true;
	s = keyset_new(&p, keys, 3);
	CU_ASSERT_EQUAL(count(s, RRTYPE_CDS), 1);
	CU_ASSERT_EQUAL(keyset_rdata(s, apex, RRTYPE_CDS, 0, rdata), 5);
	CU_ASSERT_EQUAL(keyset_rdata(s, apex, RRTYPE_SOA, 0, rdata), 0);
	CU_ASSERT_EQUAL(memcmp(rdata, "\0\0\0\0\0", 5), 0);
	CU_ASSERT_EQUAL(keyset_rdata(s, apex, RRTYPE_CDNSKEY, 0, rdata), 5);
	CU_ASSERT_EQUAL(memcmp(rdata, "\0\0\3\0\0", 5), 0);
	CU_ASSERT_EQUAL(count(s, RRTYPE_DNSKEY), 2);
	keyset_drop(s);
	signing_key_drop(a);
}

void suite_keyset(void);
void suite_keyset(void)
{
	static const struct unit_case cases[] = {
		{ "whoever asks for other records is another",
			whoever_asks_for_other_records_is_another },
		{ "keys come as the records that they are for",
			keys_come_as_the_records_that_they_are_for },
	};

	unit_suite("zone/keyset", cases, UNIT_COUNT(cases));
}
