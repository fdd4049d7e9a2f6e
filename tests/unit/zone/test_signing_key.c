#include "zone/signing_key.h"
#include "base/bytes.h"
#include "unit/unit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const enum signing_algorithm all[] = { SIGNING_RSASHA256, SIGNING_RSASHA512,
	SIGNING_ECDSAP256SHA256, SIGNING_ECDSAP384SHA384, SIGNING_ED25519, SIGNING_ED448 };

static struct signing_key *make(enum signing_algorithm a)
{
	const bool rsa = a == SIGNING_RSASHA256 || a == SIGNING_RSASHA512;
	struct fault why = { "" };
	struct signing_key *k = signing_key_new(a, rsa ? 2048 : 0, SIGNING_KSK, &why);

	if (!k)
		printf("\n    %u: %s\n", a, why.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	return k;
}

static const uint8_t data[] = "what is signed";

/* With the key itself, and as somebody who knows only its DNSKEY. */
static bool is_right(const struct signing_key *k, const uint8_t *signature, size_t len)
{
	struct fault why = { "" };
	size_t dnskey_len;
	const uint8_t *dnskey = signing_key_dnskey(k, &dnskey_len);
	struct signing_key *foreign = signing_key_foreign(dnskey, dnskey_len, &why);

	if (!foreign) {
		printf("\n    %s\n", why.text);
		return false;
	}
	const bool ok = signing_key_verify(k, data, sizeof data, signature, len) &&
		signing_key_verify(foreign, data, sizeof data, signature, len) &&
		!signing_key_verify(foreign, data, sizeof data - 1, signature, len) &&
		!signing_key_can_sign(foreign) && signing_key_can_sign(k) &&
		signing_key_tag(k) == signing_key_tag(foreign) &&
		signing_key_bits(k) == signing_key_bits(foreign);
	signing_key_drop(foreign);
	return ok;
}

static void every_signature_of_a_key_is_right_and_of_one_length(void)
{
	uint8_t signature[SIGNING_SIGNATURE_MOST];
	size_t len;

	for (size_t i = 0; i < UNIT_COUNT(all); i++) {
		struct signing_key *k = make(all[i]);
		for (unsigned n = 0; n < 20; n++) {
			CU_ASSERT(signing_key_sign(k, data, sizeof data, signature, &len));
			CU_ASSERT_EQUAL(len, signing_key_signature_len(k));
			CU_ASSERT(is_right(k, signature, len));
			signature[n]++;
			CU_ASSERT_FALSE(
				signing_key_verify(k, data, sizeof data, signature, len));
		}
		signing_key_drop(k);
	}
}

/* r and s that begin with zeros come in fewer bytes of DER: one of 256 signatures has such. */
static void numbers_that_begin_with_zeros_are_whole(void)
{
	uint8_t signature[SIGNING_SIGNATURE_MOST];
	struct signing_key *k = make(SIGNING_ECDSAP256SHA256);
	unsigned zeros = 0;
	size_t len;

	for (unsigned n = 0; n < 100000 && zeros < 3; n++) {
		CU_ASSERT(signing_key_sign(k, data, sizeof data, signature, &len));
		if (signature[0] && signature[32])
			continue;
		zeros++;
		CU_ASSERT(is_right(k, signature, len));
	}
	CU_ASSERT_EQUAL(zeros, 3);
	signing_key_drop(k);
}

static void *sign_often(void *key)
{
	uint8_t signature[SIGNING_SIGNATURE_MOST], own[8];
	size_t len, wrong = 0;

	for (unsigned n = 0; n < 200; n++) {
		be64_put(own, (uint64_t)n << 32 | (uint32_t)(uintptr_t)&own);
		wrong += !signing_key_sign(key, own, sizeof own, signature, &len) ||
			!signing_key_verify(key, own, sizeof own, signature, len);
	}
	return (void *)wrong;
}

static void many_threads_sign_with_one_key(void)
{
	for (size_t i = 2; i < UNIT_COUNT(all); i++) {
		struct signing_key *k = make(all[i]);
		pthread_t threads[4];
		void *wrong;
		for (size_t t = 0; t < UNIT_COUNT(threads); t++)
			CU_ASSERT_EQUAL(pthread_create(&threads[t], NULL, sign_often, k), 0);
		for (size_t t = 0; t < UNIT_COUNT(threads); t++) {
			pthread_join(threads[t], &wrong);
			CU_ASSERT_PTR_NULL(wrong);
		}
		signing_key_drop(k);
	}
}

/* DNSKEY and DS of RFC 6605 section 6 and RFC 8080 section 6; the last two are BIND's. */
static void one_signer_signs_with_keys_in_turns(void)
{
	static const enum signing_algorithm of[] = { SIGNING_ECDSAP256SHA256,
		SIGNING_ECDSAP384SHA384, SIGNING_ECDSAP256SHA256, SIGNING_RSASHA256,
		SIGNING_ED25519, SIGNING_ED448 };
	enum { KEYS = sizeof of / sizeof *of };
	uint8_t signature[SIGNING_SIGNATURE_MOST], own[sizeof data] = { 0 };
	struct signing_key *key[KEYS];
	struct signer *s = NULL;

	for (size_t i = 0; i < KEYS; i++)
		key[i] = make(of[i]);
	for (size_t n = 0; n < 7 * KEYS; n++) {
		struct signing_key *k = key[n * 5 % KEYS];
		own[0] = (uint8_t)n;
		CU_ASSERT(signer_sign(&s, k, (struct signer_data){ own, 1 + n % 9 }, signature));
		CU_ASSERT(signing_key_verify(
			k, own, 1 + n % 9, signature, signing_key_signature_len(k)));
		/* A new key may be where one was that has gone. */
		if (n % 11 == 10) {
			const size_t i = n % 3;
			signing_key_drop(key[i]);
			key[i] = make(of[i]);
		}
	}
	signer_free(s);
	for (size_t i = 0; i < KEYS; i++)
		signing_key_drop(key[i]);
}

static void tags_and_ds_are_those_that_others_have(void)
{
	static const struct {
		const char *key, *ds;
		uint16_t flags, tag;
		uint8_t algorithm, digest;
	} row[] = {
		{ "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+"
		  "Wi9xMWyQLc8NAA==",
			"b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17", 257,
			55648, 13, 2 },
		{ "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X"
		  "1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
			"72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b"
			"5f4d288405c3008a946df983d6",
			257, 10771, 14, 4 },
		{ "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
			"3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b", 257,
			3613, 15, 2 },
		{ "AwEAAZheLw+NQ70n2jddzbpdk9lvm8I+jH1yqMicLPeQV4IUBiXQJi71Fmp16f8ybjl3X2Re1MLP"
		  "Olo2zrA5l2+aJc5uZcAvqRG4vm/+O5djuk6YluYe4tY3sYEQUZePLLJBrGy/6dU4HjTp+sglIGyy"
		  "iE1f9OQq7lbwMczWxXVKcK4YPtR4lH+DB1SyHd2YqZdbEno079AjeaDBIfHs0Px7OkK2vZm+AHzQ"
		  "HvPsUkIQu/uxAqmFM3MM6n7VLmikjjwb2BrZNpB72eUuwK+pYNkF7haLBPC2Vk5hdAn2WDDCiz9m"
		  "SUalzIzLFc77DcQRfv/giDxv4H6ORE2kFmHrjVXsBf0=",
			"9b78b4498f4bdbf50712725df36244e4a53a73c22b3342149162d8bcfcf9eaa5", 257,
			8309, 8, 2 },
		{ "M3tj9seg3uwD96FEv2nAQ80LAHEnJaWH39mM+dJWR6mBid3F4221W5WV6LO/LDJsydSyks+2"
		  "4yaA",
			"67b052bcd3d1f61ac1e064fd0c9a54b7a072cad6fdf2041c179ba9ee99f79319", 257,
			40759, 16, 2 },
	};
	static const uint8_t apex[] = "\7eXample\3net";

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t rdata[SIGNING_DNSKEY_MOST] = { 0, 0, 3, row[i].algorithm };
		uint8_t ds[SIGNING_DS_MOST];
		char hex[2 * SIGNING_DS_MOST + 1];
		size_t len;
		const bool com = row[i].algorithm == SIGNING_ED25519;
		be16_put(rdata, row[i].flags);
		CU_ASSERT_EQUAL(sodium_base642bin(rdata + 4, sizeof rdata - 4, row[i].key,
					strlen(row[i].key), NULL, &len, NULL,
					sodium_base64_VARIANT_ORIGINAL),
			0);
		struct signing_key *k = signing_key_foreign(rdata, len + 4, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(k);
		CU_ASSERT_EQUAL(signing_key_tag(k), row[i].tag);
		len = signing_key_ds(
			k, com ? (const uint8_t *)"\7example\3com" : apex, row[i].digest, ds);
		sodium_bin2hex(hex, sizeof hex, ds, len);
		if (row[i].ds && strcmp(hex + 8, row[i].ds) != 0)
			printf("\n    algorithm %u: %s\n", row[i].algorithm, hex);
		CU_ASSERT(!row[i].ds || strcmp(hex + 8, row[i].ds) == 0);
		CU_ASSERT_EQUAL(be16_get(ds), row[i].tag);
		signing_key_drop(k);
	}
}

static void keys_that_are_none_are_told(void)
{
	static const struct {
		const char *say;
		size_t len;
		uint8_t rdata[40];
	} row[] = {
		{ "nothing", 0, { 0 } },
		{ "no key", 4, { 1, 1, 3, 13 } },
		{ "another protocol", 36, { 1, 1, 2, 15, 1 } },
		{ "too short", 35, { 1, 1, 3, 15, 1 } },
		{ "too long", 37, { 1, 1, 3, 15, 1 } },
		{ "RSA without a modulus", 8, { 1, 1, 3, 8, 3, 1, 0, 1 } },
		{ "RSA with an exponent that ends too late", 8,
			{ 1, 1, 3, 8, 0, 255, 255, 1 } },
	};
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		why.text[0] = 0;
		struct signing_key *k = signing_key_foreign(row[i].rdata, row[i].len, &why);
		if (k || !why.text[0])
			printf("\n    %s\n", row[i].say);
		CU_ASSERT_PTR_NULL(k);
		CU_ASSERT(why.text[0] != 0);
		signing_key_drop(k);
	}
	CU_ASSERT_PTR_NULL(signing_key_new(SIGNING_RSASHA256, 1024, SIGNING_ZSK, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "2048 to 4096"));
}

/* So that keys of later algorithms pass through. */
static void keys_of_unknown_algorithms_are_published(void)
{
	static const uint8_t rdata[] = { 1, 1, 3, 253, 1, 2, 3 };
	struct signing_key *k = signing_key_foreign(rdata, sizeof rdata, NULL);
	size_t len;

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	CU_ASSERT_EQUAL(memcmp(signing_key_dnskey(k, &len), rdata, sizeof rdata), 0);
	CU_ASSERT_FALSE(signing_key_verify(k, data, sizeof data, data, sizeof data));
	signing_key_drop(k);
}

void suite_signing_key(void);
void suite_signing_key(void)
{
	static const struct unit_case cases[] = {
		{ "every signature of a key is right and of one length",
			every_signature_of_a_key_is_right_and_of_one_length },
		{ "numbers that begin with zeros are whole",
			numbers_that_begin_with_zeros_are_whole },
		{ "many threads sign with one key", many_threads_sign_with_one_key },
		{ "one signer signs with keys in turns", one_signer_signs_with_keys_in_turns },
		{ "tags and DS are those that others have",
			tags_and_ds_are_those_that_others_have },
		{ "keys that are none are told", keys_that_are_none_are_told },
		{ "keys of unknown algorithms are published",
			keys_of_unknown_algorithms_are_published },
	};

	unit_suite("zone/signing_key", cases, UNIT_COUNT(cases));
}
