#include "dns/tsig.h"

#include "base/bytes.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000 };

/* "ex. SOA", signed by another implementation (dnspython 2.3.0) with the key "k.", whose secret
 * is the bytes 0 to 31, at NOW; and the answer without records, as that signs it. */
static const struct {
	const char *algorithm, *query, *answer;
} row[] = {
	{ "hmac-md5",
		"1234000000010000000000010265780000060001016b0000fa00ff00000000003a08686d6163"
		"2d6d6435077369672d616c670372656703696e740000006553f100012c0010be9fe84073a231"
		"3c8a0e59a386a043c9123400000000",
		"1234840000010000000000010265780000060001016b0000fa00ff00000000003a08686d6163"
		"2d6d6435077369672d616c670372656703696e740000006553f100012c001041b2c9d202c663"
		"94537622903f1f16a2123400000000" },
	{ "hmac-sha1",
		"1234000000010000000000010265780000060001016b0000fa00ff00000000002f09686d6163"
		"2d736861310000006553f100012c00145a057f690f4491902bd3d5f362448899f3b26a7c1234"
		"00000000",
		"1234840000010000000000010265780000060001016b0000fa00ff00000000002f09686d6163"
		"2d736861310000006553f100012c0014823e396745a94b51226aa9721700bf67f55559621234"
		"00000000" },
	{ "hmac-sha224",
		"1234000000010000000000010265780000060001016b0000fa00ff0000000000390b686d6163"
		"2d7368613232340000006553f100012c001c0aff11c7f33c90910126300a35b2fb2b45b81bf1"
		"94c87a7989986c3f123400000000",
		"1234840000010000000000010265780000060001016b0000fa00ff0000000000390b686d6163"
		"2d7368613232340000006553f100012c001c13a1611c18e557c6926602816da9c226913c26ba"
		"f9a06ad58a7e796a123400000000" },
	{ "hmac-sha256",
		"1234000000010000000000010265780000060001016b0000fa00ff00000000003d0b686d6163"
		"2d7368613235360000006553f100012c0020a219a3a5c7694f6b134f4ed3f3b66ccc0fcd84e9"
		"25630693afce24cf34dd6583123400000000",
		"1234840000010000000000010265780000060001016b0000fa00ff00000000003d0b686d6163"
		"2d7368613235360000006553f100012c0020fb029590be66f945f4078c82700680fab5d8e9e6"
		"7c83f49f79d1cc56b33f78dc123400000000" },
	{ "hmac-sha384",
		"1234000000010000000000010265780000060001016b0000fa00ff00000000004d0b686d6163"
		"2d7368613338340000006553f100012c003022c146e291296713690ab26a04df71e9ce3fda3c"
		"8c1af867ec61f59b0c9c283d1a304fee028d046d2fc09dab79a3833d123400000000",
		"1234840000010000000000010265780000060001016b0000fa00ff00000000004d0b686d6163"
		"2d7368613338340000006553f100012c0030b977bad0ed5d596b903ceeaa44db55194c54c7bb"
		"0a80e93a147db6e964a5320e8f82e316d3d6fcbbe6e08ce246455375123400000000" },
	{ "hmac-sha512",
		"1234000000010000000000010265780000060001016b0000fa00ff00000000005d0b686d6163"
		"2d7368613531320000006553f100012c0040e87a9015afeb0c2d06f5845ae5c7f5a674ef001c"
		"30774c9cc072ae91a9ad42475bbd458cb4283578b88f0ed24fd0cf17dc3d5929cf718b017d6e"
		"8dbfd2c0f9a2123400000000",
		"1234840000010000000000010265780000060001016b0000fa00ff00000000005d0b686d6163"
		"2d7368613531320000006553f100012c0040bacd9837af73338d9f66a96c074b744ec135217b"
		"5da4c3edac4f084e3546bc5b24074bb73917035229ba9b498620faa552e7eded8c8055e2dc03"
		"065a25a3a94a123400000000" },
};

static uint8_t secret[32];

static struct tsig_key key_of(const char *algorithm)
{
	struct tsig_key k = { .name = (const uint8_t *)"\1k",
		.secret = secret,
		.secret_len = sizeof secret };

	for (unsigned i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	CU_ASSERT_FATAL(tsig_algorithm_parse(algorithm, &k.algorithm, &k.mac_len));
	return k;
}

static size_t bytes(uint8_t *to, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex += 2) {
		const char two[3] = { hex[0], hex[1], 0 };
		to[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

/* A query, cut to its size, so that the address sanitizer sees what is read too far. */
static enum tsig_verdict verify(struct tsig *to, const uint8_t *packet, size_t len,
	const struct tsig_key *keys, size_t n, uint64_t now_s)
{
	uint8_t *exact = malloc(len);
	struct query q;
	enum tsig_verdict v = TSIG_MALFORMED;

	memcpy(exact, packet, len);
	if (query_parse(&q, exact, len) == QUERY_TSIG)
		v = tsig_verify(to, &q.tsig, exact, keys, n, now_s);
	free(exact);
	return v;
}

static void requests_and_answers_are_signed_as_others_do(void)
{
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct tsig_key key = key_of(row[i].algorithm);
		uint8_t packet[512], answer[512], message[512];
		struct tsig t;
		const size_t len = bytes(packet, row[i].query),
			     want = bytes(answer, row[i].answer);

		CU_ASSERT_EQUAL(verify(&t, packet, len, &key, 1, NOW), TSIG_GOOD);
		CU_ASSERT_EQUAL(t.error, 0);
		CU_ASSERT_PTR_EQUAL(t.key, &key);
		memcpy(message, answer, 20);
		message[11] = 0; /* no additional records yet */
		CU_ASSERT_EQUAL(tsig_len(&t), want - 20);
		CU_ASSERT_EQUAL(tsig_sign(&t, message, 20, NOW), want);
		CU_ASSERT_EQUAL(memcmp(message, answer, want), 0);
	}
}

static void no_byte_can_be_changed_unnoticed(void)
{
	const struct tsig_key key = key_of("hmac-sha256");
	uint8_t packet[512];
	struct tsig t;
	const size_t len = bytes(packet, row[3].query);

	for (size_t at = 0; at < len; at++) {
		const bool is_id = at < 2; /* a forwarder may have given it another one */
		packet[at] ^= 1;
		const enum tsig_verdict v = verify(&t, packet, len, &key, 1, NOW);
		CU_ASSERT_EQUAL(v == TSIG_GOOD, is_id);
		packet[at] ^= 1;
	}
}

static void names_are_the_same_in_capitals(void)
{
	const struct tsig_key key = key_of("hmac-sha256");
	uint8_t packet[512];
	struct tsig t;
	const size_t len = bytes(packet, row[3].query);

	packet[21] = 'K';
	packet[34] = 'H';
	CU_ASSERT_EQUAL(verify(&t, packet, len, &key, 1, NOW), TSIG_GOOD);
}

static void what_is_wrong_is_told_apart(void)
{
	const struct tsig_key sha256 = key_of("hmac-sha256"), sha1 = key_of("hmac-sha1");
	struct tsig_key other = sha256, cut = key_of("hmac-sha256-128");
	uint8_t packet[512];
	struct tsig t;
	const size_t len = bytes(packet, row[3].query);

	other.name = (const uint8_t *)"\1l";
	CU_ASSERT_EQUAL(verify(&t, packet, len, &other, 1, NOW), TSIG_WRONG);
	CU_ASSERT_EQUAL(t.error, TSIG_BADKEY);
	CU_ASSERT_PTR_NULL(t.key);
	CU_ASSERT_EQUAL(verify(&t, packet, len, &sha1, 1, NOW), TSIG_WRONG);
	CU_ASSERT_EQUAL(t.error, TSIG_BADKEY);
	CU_ASSERT_EQUAL(verify(&t, packet, len, NULL, 0, NOW), TSIG_WRONG);
	CU_ASSERT_EQUAL(t.error, TSIG_BADKEY);
	CU_ASSERT_EQUAL(verify(&t, packet, len, &cut, 1, NOW), TSIG_GOOD);
	packet[len - 7] ^= 1; /* the MAC's last byte */
	CU_ASSERT_EQUAL(verify(&t, packet, len, &sha256, 1, NOW), TSIG_WRONG);
	CU_ASSERT_EQUAL(t.error, TSIG_BADSIG);
	CU_ASSERT_PTR_NULL(t.key);
}

static void a_clock_may_be_as_wrong_as_the_fudge_says(void)
{
	static const struct {
		int64_t by;
		bool good;
	} clock[] = { { 300, true }, { 301, false }, { -300, true }, { -301, false } };
	const struct tsig_key key = key_of("hmac-sha256");
	uint8_t packet[512], message[512] = { 0x12, 0x34, 0x84 };
	struct tsig t;
	const size_t len = bytes(packet, row[3].query);

	for (size_t i = 0; i < UNIT_COUNT(clock); i++) {
		const uint64_t now = (uint64_t)(NOW + clock[i].by);
		CU_ASSERT_EQUAL(verify(&t, packet, len, &key, 1, now) == TSIG_GOOD,
			clock[i].good);
		if (clock[i].good)
			continue;
		CU_ASSERT_EQUAL(t.error, TSIG_BADTIME);
		/* Signed, with the asker's time, and ours behind it (RFC 8945 section 5.2.3).
		 */
		const size_t whole = 12 + tsig_len(&t);
		CU_ASSERT_EQUAL(tsig_sign(&t, message, 12, now), whole);
		CU_ASSERT_EQUAL(be32_get(message + 12 + 3 + 10 + 13 + 2), NOW);
		CU_ASSERT_EQUAL(be16_get(message + whole - 10), TSIG_BADTIME);
		CU_ASSERT_EQUAL(be16_get(message + whole - 8), 6);
		CU_ASSERT_EQUAL(be32_get(message + whole - 4), now);
		memset(message + 3, 0, sizeof message - 3);
	}
}

/* The query of hmac-sha256 with so many bytes of its MAC. */
static size_t cut_mac(uint8_t *packet, size_t mac)
{
	const size_t len = bytes(packet, row[3].query), from = len - 6 - 32;

	memmove(packet + from + mac, packet + len - 6, 6);
	be16_put(packet + from - 2, (unsigned)mac);
	be16_put(packet + 20 + 3 + 8, (unsigned)(61 - 32 + mac));
	return len - 32 + mac;
}

static void a_mac_is_cut_by_the_rules_alone(void)
{
	static const struct {
		const char *say, *algorithm;
		size_t mac;
		enum tsig_verdict verdict;
		unsigned error;
	} cut[] = {
		{ "as the key says", "hmac-sha256-128", 16, TSIG_GOOD, 0 },
		{ "longer than the key says", "hmac-sha256-128", 20, TSIG_GOOD, 0 },
		{ "shorter than the key says", "hmac-sha256-192", 16, TSIG_WRONG, TSIG_BADTRUNC },
		{ "cut where the key does not say so", "hmac-sha256", 31, TSIG_WRONG,
			TSIG_BADTRUNC },
		{ "less than half", "hmac-sha256-128", 15, TSIG_MALFORMED, 0 },
		{ "none", "hmac-sha256", 0, TSIG_MALFORMED, 0 },
	};
	uint8_t packet[512];
	struct tsig t;

	for (size_t i = 0; i < UNIT_COUNT(cut); i++) {
		const struct tsig_key key = key_of(cut[i].algorithm);
		const size_t len = cut_mac(packet, cut[i].mac);
		const enum tsig_verdict v = verify(&t, packet, len, &key, 1, NOW);
		if (v != cut[i].verdict)
			printf("%s: %d\n", cut[i].say, v);
		CU_ASSERT_EQUAL(v, cut[i].verdict);
		if (v == TSIG_WRONG) {
			CU_ASSERT_EQUAL(t.error, cut[i].error);
			CU_ASSERT_PTR_EQUAL(t.key, &key); /* the answer is signed */
		}
	}
}

static void algorithms_are_read_as_people_write_them(void)
{
	static const struct {
		const char *text;
		int algorithm, mac;
	} text[] = {
		{ "hmac-sha256", TSIG_SHA256, 32 },
		{ "HMAC-SHA512", TSIG_SHA512, 64 },
		{ "hmac-md5", TSIG_MD5, 16 },
		{ "HMAC-MD5.SIG-ALG.REG.INT", TSIG_MD5, 16 },
		{ "hmac-sha1-80", TSIG_SHA1, 10 },
		{ "hmac-sha512-256", TSIG_SHA512, 32 },
		{ "hmac-sha1-72", -1, 0 },
		{ "hmac-sha256-120", -1, 0 },
		{ "hmac-sha256-130", -1, 0 },
		{ "hmac-sha256-264", -1, 0 },
		{ "hmac-sha256-", -1, 0 },
		{ "hmac-sha256x", -1, 0 },
		{ "sha256", -1, 0 },
	};

	for (size_t i = 0; i < UNIT_COUNT(text); i++) {
		enum tsig_algorithm a = TSIG_ALGORITHMS;
		uint8_t mac = 0;
		CU_ASSERT_EQUAL(
			tsig_algorithm_parse(text[i].text, &a, &mac), text[i].algorithm >= 0);
		if (text[i].algorithm < 0)
			continue;
		CU_ASSERT_EQUAL((int)a, text[i].algorithm);
		CU_ASSERT_EQUAL(mac, text[i].mac);
	}
}

/* Over the MAC before, the message and the times alone (RFC 8945 section 5.3.1). */
static void later_messages_are_signed_over_the_one_before(void)
{
	const struct tsig_key key = key_of("hmac-sha256");
	uint8_t packet[512], one[256] = { 0x12, 0x34, 0x84 }, two[256] = { 0x12, 0x34, 0x84 };
	struct tsig t;

	verify(&t, packet, bytes(packet, row[3].query), &key, 1, NOW);
	const size_t len = tsig_sign(&t, one, 12, NOW);
	CU_ASSERT_EQUAL(tsig_sign(&t, two, 12, NOW), len);
	CU_ASSERT_NOT_EQUAL(memcmp(one, two, len), 0);
	CU_ASSERT_EQUAL(t.sent, 2);
	/* By hand, with the same key as a request's: RFC 8945 leaves no other way to hold the
	 * two against each other than what a peer does (tests/serve/test_transfer.py). */
	CU_ASSERT_EQUAL(memcmp(one, two, len - 6 - 32), 0);
}

void suite_tsig(void)
{
	static const struct unit_case cases[] = {
		{ "requests and answers are signed as others do",
			requests_and_answers_are_signed_as_others_do },
		{ "no byte can be changed unnoticed", no_byte_can_be_changed_unnoticed },
		{ "names are the same in capitals", names_are_the_same_in_capitals },
		{ "what is wrong is told apart", what_is_wrong_is_told_apart },
		{ "a clock may be as wrong as the fudge says",
			a_clock_may_be_as_wrong_as_the_fudge_says },
		{ "a MAC is cut by the rules alone", a_mac_is_cut_by_the_rules_alone },
		{ "algorithms are read as people write them",
			algorithms_are_read_as_people_write_them },
		{ "later messages are signed over the one before",
			later_messages_are_signed_over_the_one_before },
	};

	unit_suite("dns/tsig", cases, UNIT_COUNT(cases));
}
