#include "zone/signing_key_text.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const uint8_t apex[] = "\7example\3net";

/* Made by dnssec-keygen of BIND 9.18. */
static const struct {
	const char *private, *public, *file;
} bind[] = {
	{ "Private-key-format: v1.3\n"
	  "Algorithm: 8 (RSASHA256)\n"
	  "Modulus: qKsM86DGLMhqs6OGWJ2StyklQBbP9jyFC4m4WQ2rD3ok94V8Rb6KWilBpqbmJvjuvfc"
	  "AVSGAcgHUR34XIw+EeHlmDQVQZ8DcMspz50VxOahOKZYwkfHR19qi36Zsa0ZQB1ajQzRLF+ADWXj"
	  "XOecJpt4ZzOdph/d52aRAu6BhZEzpO31/kFJ5fwkRvqDBvTA6J9Aod+u6qa0yiWmyN4+qsTpjm+A"
	  "zbje9JIq1+FBM8bxL+Cpr5/XlDqTmkFZ5r/Yip+qY8GkRlQ/KJ9PcdQA3QfmtPuQGFJUTL0jo2F4"
	  "81cxo29+xK0DpJthvTmUiPVp3jDsxTP/A8bFzSVrVn1iutQ==\n"
	  "PublicExponent: AQAB\n"
	  "PrivateExponent: Ie+YgYQ9m1EPtukV5Mp/dH7A0e5FFWQD2Nhy0OghHNIUkgC3ikjWCWH3pZI"
	  "7CGhZkLsbxAUjlMyta10BRrqeiqbSU5hYHyf8pfN58nRUXadxYoinaRXghK+myZzwf3z8KR3TZ3g"
	  "kC7+0rNHVa/8CQCK7yjBdWU//ojycEaQpNEa47JJVmmwPjiScmuA1QF5sja21O1Y0H1TODr13mhn"
	  "263M/xBUAWsFMe5lRH5QEFM5mf4q6oE/kvTKWmMT6l0iVnb4EigRxsBf5BMP7TiwuqGzhag4E0ll"
	  "13AQmvHhzWWQnsgmHjF7MqbDKXShGVQQn744lVBw4Bzw9Te8MgLasGQ==\n"
	  "Prime1: 7IeH9gcQUDrKVbS7SbTPk7Zn/5rPsRO+oKCweUwNhPgxePqipluxwQDVcgzvrr8dkww5"
	  "+NQi6rBctnh+7sGlx95d3Ld3DLhLXvrkml7pSy4afphH69AQj7GRpV0Mt6ZyY71H60xTd19w89O2"
	  "htU6Q6uVo/OhGxlls436xZdBHXc=\n"
	  "Prime2: to10gUA6PZH6Q62zTJxSk34PYPOQTVn2Oyx9TW4ZU/DUM64n1k8GmgBC0nGMbHsG4Bnt"
	  "iLlNsj3VfaWxWOn7JW4JaO70+ckgWCKMPh9rIFRqJ5DWcheCX71bQ1B3iZNiipI9qKJs0pH8bfe8"
	  "8eSQPq136SzDj9bkkdUmoD9SsDM=\n"
	  "Exponent1: PtdzZAZUazxzbXnrGJYVYGViFCMJcz6PsxV+TXvLS7y1SDMu64wJGgIis36EX6UfM"
	  "mZZMKcL79aTi1dQQhbo+MU3ouCLnLGKNN3rxqfYy8Sf/WpwEVLiU4sV6x1ht5ldYupzJSzOMDUHS"
	  "YDCSeh05m28ACdGcnC4+I+MRNr+zdk=\n"
	  "Exponent2: RNZ4jViz3Y3Tanvwtb3o4ZdSo0OVMaXv1QaExZLz2BRjYI2Wlhi8q4vXptWMl0eZI"
	  "x6D1N/TbZgljjjR9G5e9xFUWQ5qsFpoaPO2IKLmWY2bbgoO43z7+7BC3tJUETvTl99ngtSk5o6IO"
	  "suFo02GGyx8oB/yKqZlEJzo8NqQCsM=\n"
	  "Coefficient: frr4pBqnPMPfJaPOENuG1+Rke8/I/cqG/u9y8YhuHXZMkRJERxz9d7TjFj4JXc1"
	  "jNfrs/ey97C2bGybMG8WwlGs10vw6slAMCi0Iqv/4VimwodVYi9ZfMH8+WcElFaFa1Ljo+NfTFTz"
	  "QuOdeejP2qdFnjA8Qm43/8yblWqioUrI=\n",
		"; a comment: DNSKEY\n"
		"example.net. IN DNSKEY 257 3 8 AwEAAairDPOgxizIarOjhlidkrcpJUAWz/Y8hQuJuFkNq"
		"w96JPeFfEW+ ilopQaam5ib47r33AFUhgHIB1Ed+FyMPhHh5Zg0FUGfA3DLKc+dFcTmo TimWMJH"
		"x0dfaot+mbGtGUAdWo0M0SxfgA1l41znnCabeGcznaYf3edmk QLugYWRM6Tt9f5BSeX8JEb6gwb"
		"0wOifQKHfruqmtMolpsjePqrE6Y5vg M243vSSKtfhQTPG8S/gqa+f15Q6k5pBWea/2IqfqmPBpE"
		"ZUPyifT3HUA N0H5rT7kBhSVEy9I6NhePNXMaNvfsStA6SbYb05lIj1ad4w7MUz/wPGx c0la1Z9"
		"YrrU=\n",
		"Kexample.net.+008+60832" },
	{ "Private-key-format: v1.3\n"
	  "Algorithm: 13 (ECDSAP256SHA256)\n"
	  "PrivateKey: 8gT2hk6hc6wREW9C32ZHGcJ9gzDeLFn3pIKfhDh9CVo=\n",
		"; a comment: DNSKEY\n"
		"example.net. IN DNSKEY 257 3 13 7UFk4S1TK1TFDnAYHjnZNzhf9b1kkgYK5Os/Nx4tP9U6"
		"HL9b1UCGg7D6 u1s+tzTcw3xKg6HqPE1cXeOSG9w71g==\n",
		"Kexample.net.+013+44880" },
	{ "Private-key-format: v1.3\n"
	  "Algorithm: 14 (ECDSAP384SHA384)\n"
	  "PrivateKey: 1QN8pLel9qJ+8fpxGw7RwrOwcF41ocf2tICJSLg0CFf8/W9YTBs3eP9QFTjJjJe/"
	  "\n",
		"; a comment: DNSKEY\n"
		"example.net. IN DNSKEY 257 3 14 oL4GNMSbRFXEzKJSkHTNDxbQuBErRHu8t8RX52kEsEXZ"
		"8sGTAT3tKcxE Q6uAIs1G0TzaNNwhVXxw8cYy0rkstleQGMC9vsVJgPyoGjAUIUInx1Ie ltnr8a"
		"8qr5pClViE\n",
		"Kexample.net.+014+30384" },
	{ "Private-key-format: v1.3\n"
	  "Algorithm: 15 (ED25519)\n"
	  "PrivateKey: Q1/wK16BG7zwJEUWnXurPSdO83nJjsLSGJRAvDfjhg0=\n",
		"; a comment: DNSKEY\n"
		"example.net. IN DNSKEY 257 3 15 jhfVZvVlrNsB8scRelADu8f74psZB0yz8ZFSxTo12n4="
		"\n",
		"Kexample.net.+015+47676" },
	{ "Private-key-format: v1.3\n"
	  "Algorithm: 16 (ED448)\n"
	  "PrivateKey: 5wfT5Z/ZIaA1/XMI5twoC+PUz55R4gX5AvPCITQQTxjehyGYS2rFFl0shIPT/JZ0"
	  "o6/k0pXfVjYz\n",
		"; a comment: DNSKEY\n"
		"example.net. IN DNSKEY 257 3 16 /+nFzXVQH9nH1q+aE/cRhw9is3LJdiqacmtpzowZeZpd"
		"Y79WAIyQGidl RfudCjCFhbV7Ch3gayeA\n",
		"Kexample.net.+016+34510" },
};

static bool same_key(const struct signing_key *a, const struct signing_key *b)
{
	static const uint8_t data[] = "what is signed";
	uint8_t signature[SIGNING_SIGNATURE_MOST];
	size_t a_len, b_len, len;
	const uint8_t *x = signing_key_dnskey(a, &a_len), *y = signing_key_dnskey(b, &b_len);

	return a_len == b_len && memcmp(x, y, a_len) == 0 && signing_key_can_sign(a) &&
		signing_key_sign(a, data, sizeof data, signature, &len) &&
		signing_key_verify(b, data, sizeof data, signature, len);
}

static struct signing_key *public_of(const char *text, uint8_t owner[static NAME_MOST])
{
	uint8_t rdata[SIGNING_DNSKEY_MOST];
	const size_t len = signing_text_read_public(text, owner, rdata, NULL);

	CU_ASSERT_FATAL(len != 0);
	return signing_key_foreign(rdata, len, NULL);
}

static void keys_of_bind_are_read_and_written_as_they_are(void)
{
	struct signing_text t;
	uint8_t owner[NAME_MOST];
	char name[SIGNING_FILE_NAME];

	for (size_t i = 0; i < UNIT_COUNT(bind); i++) {
		struct fault why = { "" };
		struct signing_key *k = signing_text_read(
			bind[i].private, strlen(bind[i].private), SIGNING_KSK, 0, &why);
		if (!k)
			printf("\n    %s: %s\n", bind[i].file, why.text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(k);
		struct signing_key *p = public_of(bind[i].public, owner);
		CU_ASSERT(same_key(k, p));
		CU_ASSERT(name_equal(owner, apex));
		CU_ASSERT_STRING_EQUAL(signing_text_file(name, k, apex), bind[i].file);
		CU_ASSERT(signing_text_private(k, 1764293903, &t));
		CU_ASSERT_EQUAL(strncmp(t.s, bind[i].private, strlen(bind[i].private)), 0);
		CU_ASSERT_STRING_EQUAL(t.s + strlen(bind[i].private),
			"Created: 20251128013823\nPublish: 20251128013823\n"
			"Activate: 20251128013823\n");
		CU_ASSERT_FALSE(signing_text_private(p, 0, &t));
		CU_ASSERT_FALSE(signing_text_pem(p, &t));
		signing_key_drop(p);
		signing_key_drop(k);
	}
}

static void keys_go_through_pem_and_back(void)
{
	struct signing_text t;
	struct text line = { 0 };
	uint8_t owner[NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(bind); i++) {
		struct signing_key *k = signing_text_read(
			bind[i].private, strlen(bind[i].private), SIGNING_ZSK, 0, NULL);
		CU_ASSERT_FATAL(k && signing_text_pem(k, &t));
		CU_ASSERT_EQUAL(strncmp(t.s, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
		struct signing_key *again = signing_text_read(t.s, t.len, SIGNING_ZSK, 0, NULL);
		CU_ASSERT_FATAL(again && same_key(again, k));
		signing_text_public(k, apex, 3600, &line);
		struct signing_key *p = public_of(text_get(&line), owner);
		CU_ASSERT(same_key(again, p));
		text_fini(&line);
		line = (struct text){ 0 };
		signing_key_drop(p);
		signing_key_drop(again);
		signing_key_drop(k);
	}
	signing_text_wipe(&t);
	CU_ASSERT_EQUAL(t.len, 0);
}

static void names_of_files_are_safe(void)
{
	static const struct {
		const char *name, *file;
	} row[] = {
		{ "\4a/.b\1c", "Ka%2F%2Eb.c.+253+02053" },
		{ "", "K.+253+02053" },
		{ "\0040/25\0012\1b", "K0%2F25.2.b.+253+02053" },
		{ "\4+%\377 \2_-", "K%2B%25%FF%20._-.+253+02053" },
	};
	uint8_t back[NAME_MOST];
	static const uint8_t rdata[] = { 1, 1, 3, 253, 3, 7 };
	struct signing_key *k = signing_key_foreign(rdata, sizeof rdata, NULL);
	char name[SIGNING_FILE_NAME];

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_STRING_EQUAL(
			signing_text_file(name, k, (const uint8_t *)row[i].name), row[i].file);
		CU_ASSERT(signing_text_file_apex(back, row[i].file));
		CU_ASSERT(name_equal(back, (const uint8_t *)row[i].name));
	}
	CU_ASSERT_STRING_EQUAL(signing_text_file(name, k, (const uint8_t *)"\1A"), "Ka.+253+02053");
	signing_key_drop(k);
}

static void every_name_that_fits_is_read_back_of_its_file(void)
{
	static const uint8_t rdata[] = { 1, 1, 3, 253, 3, 7 };
	struct signing_key *k = signing_key_foreign(rdata, sizeof rdata, NULL);
	uint8_t longest[NAME_MOST] = { 0 }, back[NAME_MOST];
	char name[SIGNING_FILE_NAME];

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t one[] = { 1, (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c), 0 };
		CU_ASSERT(signing_text_file_apex(back, signing_text_file(name, k, one)));
		CU_ASSERT_EQUAL(memcmp(back, one, sizeof one), 0);
	}
	for (size_t at = 0; at < NAME_MOST - 1; at += longest[at] + 1u) {
		longest[at] = at + 64 < NAME_MOST ? 63 : (uint8_t)(NAME_MOST - 2 - at);
		memset(longest + at + 1, '/', longest[at]);
	}
	CU_ASSERT_EQUAL(name_len(longest), NAME_MOST);
	CU_ASSERT(signing_text_file_apex(back, signing_text_file(name, k, longest)));
	CU_ASSERT_EQUAL(memcmp(back, longest, NAME_MOST), 0);
	signing_key_drop(k);
}

static void other_names_of_files_are_of_no_zone(void)
{
	static const char *const row[] = { "", "K", "Ka", "Ka.", "a.+013+00001", "K+013+00001", "Ka+013+00001", "Ka..+013+00001",
		"K..+013+00001", "KA.+013+00001", "K%41.+013+00001", "K%61.+013+00001", "K%2f.+013+00001", "K%2.+013+00001", "K%.+013+00001", "Ka/.+013+00001",
		"Ka\\047.+013+00001", "Ka.+013", "Ka.+13+00001", "Ka.+013+0001", "Ka.+013+00001x", "Ka.+013-00001", "Ka.+0x3+00001" };
	uint8_t back[NAME_MOST];
	char name[400];

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_FALSE(signing_text_file_apex(back, row[i]));
	for (unsigned n = 62; n < 66; n++) {
		snprintf(name, sizeof name, "K%0*d.+013+00001", (int)n, 0);
		CU_ASSERT_EQUAL(signing_text_file_apex(back, name), n <= 63);
	}
	for (unsigned n = 58; n < 64; n++) { /* 3 * 64 + n + 2 bytes */
		snprintf(name, sizeof name, "K%063d.%063d.%063d.%0*d.+013+00001", 0, 0, 0, (int)n, 0);
		CU_ASSERT_EQUAL(signing_text_file_apex(back, name), n <= 61);
	}
	snprintf(name, sizeof name, "K%063d.%063d.%063d.%061d..+013+00001", 0, 0, 0, 0);
	CU_ASSERT_FALSE(signing_text_file_apex(back, name));
}

static void what_is_no_private_key_is_told(void)
{
	static const struct {
		const char *text, *told;
	} row[] = {
		{ "", "no private key in PEM" },
		{ "Private-key-format: v1.3\nAlgorithm: 5 (RSASHA1)\n",
			"algorithm 5, which is none" },
		{ "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n",
			"missing, or wrong" },
		{ "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: "
		  "//////////////////////////////////////////8=\n",
			"missing, or wrong" },
		{ "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: AAAA\n",
			"missing, or wrong" },
		{ "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\nModulus: AQ==\n",
			"missing, or wrong" },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", "no private key in PEM" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { "" };
		CU_ASSERT_PTR_NULL(signing_text_read(
			row[i].text, strlen(row[i].text), SIGNING_KSK, 0, &why));
		if (!strstr(why.text, row[i].told))
			printf("\n    %s\n", why.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].told));
	}
}

static void what_is_no_dnskey_record_is_told(void)
{
	static const char *const row[] = { "", "DNSKEY 257 3 13 AAAA\n",
		"a. IN DNSKEY 257 2 13 AAAA\n", "a. IN DNSKEY 65536 3 13 AAAA\n",
		"a. IN DNSKEY 257 3 13\n", "a. IN DNSKEY 257 3 13 %\n", "a. IN DNSKEY",
		"; a. IN DNSKEY 257 3 13 AAAA\n", "a..b IN DNSKEY 257 3 13 AAAA\n" };
	uint8_t rdata[SIGNING_DNSKEY_MOST], owner[NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { "" };
		CU_ASSERT_EQUAL(signing_text_read_public(row[i], owner, rdata, &why), 0);
		CU_ASSERT(why.text[0] != 0);
	}
}

void suite_signing_key_text(void);
void suite_signing_key_text(void)
{
	static const struct unit_case cases[] = {
		{ "keys of BIND are read, and written as they are",
			keys_of_bind_are_read_and_written_as_they_are },
		{ "keys go through PEM and back", keys_go_through_pem_and_back },
		{ "names of files are safe", names_of_files_are_safe },
		{ "every name that fits is read back of its file",
			every_name_that_fits_is_read_back_of_its_file },
		{ "other names of files are of no zone", other_names_of_files_are_of_no_zone },
		{ "what is no private key is told", what_is_no_private_key_is_told },
		{ "what is no DNSKEY record is told", what_is_no_dnskey_record_is_told },
	};

	unit_suite("zone/signing_key_text", cases, UNIT_COUNT(cases));
}
