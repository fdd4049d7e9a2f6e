/* Every type that ldns knows is written by a random generator and read by both: ldns is the
 * oracle. */
#include "zone/rdata.h"
#include "zone/rdata_write.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "base/text.h"
#include "unit/unit.h"
#include "unit/zone/random_rdata.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t origin[] = "\7example\3com";
static uint8_t data[RDATA_MOST];

/* Our data of one record, its length or -1; what was wrong stays in `f`. */
static int read_text(uint16_t type, const char *text, struct faults *f)
{
	struct tokens t;
	bool indented;

	token_init(&t, "test", text, strlen(text), f);
	t.tok.kind = TOKEN_END;
	if (!token_entry(&t, &indented))
		t.tok.kind = TOKEN_END;
	return rdata_read(&t, type, origin, data);
}

/* --- the oracle --------------------------------------------------------------------------- */

/* What ldns makes of it, or -1. */
static long oracle(const char *type, const char *text, uint8_t *to)
{
	struct text line = { 0 };
	ldns_rdf *zone = ldns_dname_new_frm_str("example.com.");
	ldns_rr *rr = NULL;
	size_t len = 0;

	text_addf(&line, "o.example.com. 300 IN %s %s", type, text);
	const ldns_status status = ldns_rr_new_frm_str(&rr, text_get(&line), 300, zone, NULL);
	for (size_t i = 0; status == LDNS_STATUS_OK && i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		if (ldns_rdf_size(rdf))
			memcpy(to + len, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
		len += ldns_rdf_size(rdf);
	}
	if (status == LDNS_STATUS_OK)
		ldns_rr_free(rr);
	ldns_rdf_deep_free(zone);
	text_fini(&line);
	return status == LDNS_STATUS_OK ? (long)len : -1;
}

/* What is written of `data` is read as the same again, by us and by ldns. */
static void comes_back(uint16_t type, const char *name, size_t len)
{
	static uint8_t was[RDATA_MOST], theirs[1 << 17];
	struct text text = { 0 };
	struct faults f;

	memcpy(was, data, len);
	faults_init(&f);
	rdata_write(&text, type, was, len, RDATA_FOR_ALL);
	const char *said = strchr(text_get(&text), ' ') + 1;
	const int again = read_text(type, said, &f);
	if (again != (int)len || memcmp(data, was, len) != 0) {
		fprintf(stderr, "%s is read as %d bytes, not %zu\n%s", text_get(&text), again, len,
			text_get(&f.text));
		CU_FAIL("what is written does not come back");
	}
	if (said[0] != '\\' &&
		(oracle(name, said, theirs) != (long)len || memcmp(theirs, was, len) != 0)) {
		fprintf(stderr, "%s is something else for ldns\n", text_get(&text));
		CU_FAIL("ldns reads something else");
	}
	text_fini(&text);
	faults_fini(&f);
	/* And what is cut off is written, too. */
	for (size_t cut = 0; cut < len && cut < 24; cut++) {
		uint8_t *part = malloc(cut + 1);
		memcpy(part + 1, was, cut);
		rdata_write(&text, type, part + 1, cut, RDATA_FOR_US);
		CU_ASSERT_PTR_NOT_NULL(strchr(text_get(&text), ' '));
		text_fini(&text);
		free(part);
	}
}

static void same_as_ldns(uint16_t type, const char *name, const char *text)
{
	static uint8_t theirs[1 << 17];
	struct faults f;
	struct fault why;

	faults_init(&f);
	const long want = oracle(name, text, theirs);
	const int got = read_text(type, text, &f);
	if (got != want || got < 0 || memcmp(data, theirs, (size_t)got) != 0) {
		fprintf(stderr, "%s %s: %d bytes, ldns has %ld\n%s", name, text, got, want,
			text_get(&f.text));
		CU_FAIL("differs from ldns");
	}
	if (got >= 0) {
		CU_ASSERT(rdata_check(type, data, (size_t)got, &why));
		comes_back(type, name, (size_t)got);
	}
	faults_fini(&f);
}

/* ldns leaves the format byte of an ATMA out, takes the name of an NSAP-PTR for a string, and
 * three it reads only as "\#". */
static bool has_oracle(const ldns_rr_descriptor *d, uint16_t type)
{
	return d && d->_name && strncmp(d->_name, "TYPE", 4) != 0 && d->_type == type &&
		!rrtype_is_meta(type) && type != LDNS_RR_TYPE_ATMA &&
		type != LDNS_RR_TYPE_SINK && type != RRTYPE_NULL && type != LDNS_RR_TYPE_A6 &&
		type != RRTYPE_NXT && type != LDNS_RR_TYPE_NSAP_PTR;
}

static void every_type_of_ldns_reads_as_ldns_reads_it(void)
{
	unsigned types = 0;

	srandom(3);
	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		const ldns_rr_descriptor *d = ldns_rr_descript((uint16_t)type);
		if (!has_oracle(d, (uint16_t)type))
			continue;
		types++;
		for (unsigned round = 0; round < 150; round++) {
			struct text text = { 0 };
			random_rdata(d, &text);
			same_as_ldns((uint16_t)type, d->_name, text_get(&text));
			text_fini(&text);
		}
	}
	CU_ASSERT(types >= 60);
}

/* --- what ldns lets pass ------------------------------------------------------------------ */

static void sloppy_data_that_ldns_takes_is_refused(void)
{
	static const struct {
		uint16_t type;
		const char *text;
	} row[] = {
		{ RRTYPE_MX, "65536 a" },
		{ RRTYPE_MX, "-1 a" },
		{ RRTYPE_DS, "1 256 1 00" },
		{ RRTYPE_DS, "1 1 1 abc" },
		{ RRTYPE_DS, "65537 1 1 ab" },
		{ RRTYPE_DS, "1 1 1" },
		{ RRTYPE_DS, "1 NOSUCH 1 ab" },
		{ RRTYPE_NSEC, "a NOSUCH" },
		{ RRTYPE_NSEC, "a ANY" },
		{ RRTYPE_RRSIG, "A 8 2 300 20260230000000 20260101000000 1 a. AAAA" },
		{ RRTYPE_RRSIG, "A 8 2 300 19691231235959 20260101000000 1 a. AAAA" },
		{ RRTYPE_RRSIG, "A 8 2 300 99999999999 20260101000000 1 a. AAAA" },
		{ RRTYPE_NSEC3, "1 0 1 abc 00" },
		{ RRTYPE_NSEC3, "1 0 1 - w0000000" },
		{ RRTYPE_NSEC3, "1 0 1 - 000" },
		{ RRTYPE_DNSKEY, "1 3 8 AAA" },
		{ RRTYPE_DNSKEY, "1 3 8 AAAA=" },
		{ RRTYPE_DNSKEY, "1 3 8 AB==" },
		{ RRTYPE_DNSKEY, "1 3 8 A-AA" },
		{ RRTYPE_DNSKEY, "1 3 8 ====" },
		{ 29, "91 0 0 N 0 0 0 E 0m" },
		{ 29, "52 60 0 N 0 0 0 E 0m" },
		{ 29, "52 N 4 E" },
		{ 29, "52 N 4 E 0m 1m 1m 1m 1m" },
		{ 29, "52 N 4 E 0m x" },
		{ 42, "1:192.0.2.0/33" },
		{ 42, "3:192.0.2.0/3" },
		{ 42, "1:192.0.2.0" },
		{ 45, "10 4 2 a AAAA" },
		{ 45, "10 0 2 a AAAA" },
		{ 45, "10 1 2 a AAAA" },
		{ 104, "1 0:0:0" },
		{ 104, "1 0:0:0:12345" },
		{ 108, "00-00-5e-00-53" },
		{ 108, "0-0-5e-0-53-2a" },
		{ 55, "1 abc AAAA" },
		{ 55, "1 ab" },
		{ 11, "192.0.2.1 6 65536" },
		{ 11, "192.0.2.1 nosuch 1" },
		{ 22, "470005" },
		{ 22, "0x470" },
		{ 256, "1 1 a b" },
		{ 13, "a" },
		{ 13, "a b c" },
		{ RRTYPE_SVCB, "1 . alpn=" },
		{ RRTYPE_SVCB, "1 . port=65536" },
		{ RRTYPE_SVCB, "1 . port=1 port=2" },
		{ RRTYPE_SVCB, "1 . mandatory=alpn" },
		{ RRTYPE_SVCB, "1 . mandatory=mandatory" },
		{ RRTYPE_SVCB, "1 . no-default-alpn" },
		{ RRTYPE_SVCB, "1 . nosuch=1" },
		{ RRTYPE_SVCB, "1 . key65535=1" },
		{ RRTYPE_SVCB, "1 . ipv4hint=192.0.2.1," },
		{ RRTYPE_SVCB, "1 . ech=A" },
		{ RRTYPE_SVCB, "1 . \"alpn=h2\"" },
		{ RRTYPE_SVCB, "1 . ipv6hint=1111111111111111111111111111111111111111111111" },
		{ RRTYPE_SVCB, "1 . alpn" },
		{ RRTYPE_SVCB, "1 . alpn=\"h2\",h3" },
		{ RRTYPE_CAA, "0 \"\" x" },
		{ RRTYPE_CAA, "256 a x" },
		{ RRTYPE_TXT, "" },
		{ RRTYPE_EDGE, "a b" },
		{ RRTYPE_EDGE, "" },
		{ RRTYPE_EDGE, "web answers=0" },
		{ RRTYPE_EDGE, "web answers=17" },
		{ RRTYPE_EDGE, "web answers=2 answers=2" },
		{ RRTYPE_EDGE, "web answers=" },
		{ RRTYPE_EDGE, "web ttl=60-20" },
		{ RRTYPE_EDGE, "web ttl=-20" },
		{ RRTYPE_EDGE, "web ttl=2147483648" },
		{ RRTYPE_EDGE, "web edge=" },
		{ RRTYPE_EDGE, "web \"\"" },
		{ RRTYPE_EDGE, "web answer" },
		{ RRTYPE_SOA, ". . 4294967296 1 1 1 1" },
		{ RRTYPE_SOA, ". . 1 1 1 1 4294967296" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		const int got = read_text(row[i].type, row[i].text, &f);
		if (got >= 0 || f.errors != 1)
			fprintf(stderr, "type %u took %s, %u errors\n", row[i].type,
				row[i].text, f.errors);
		CU_ASSERT_EQUAL(got, -1);
		CU_ASSERT_EQUAL(f.errors, 1);
		faults_fini(&f);
	}
}

/* --- examples whose wire stands in the RFCs ----------------------------------------------- */

static void documents_give_these_bytes(void)
{
	static const struct {
		const char *say;
		uint16_t type;
		const char *text, *hex;
	} row[] = {
		{ "RFC 9460 appendix D.1", RRTYPE_HTTPS, "0 foo.example.com.",
			"000003666f6f076578616d706c6503636f6d00" },
		{ "RFC 9460 D.2", RRTYPE_SVCB, "16 foo.example.com. port=53",
			"001003666f6f076578616d706c6503636f6d00000300020035" },
		{ "RFC 9460 D.2", RRTYPE_SVCB, "1 foo.example.com. key667=\"hello\\210qoo\"",
			"000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f" },
		{ "RFC 9460 D.2", RRTYPE_SVCB,
			"16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn "
			"ipv4hint=192.0.2.1)",
			"001003666f6f076578616d706c65036f72670000000004000100040001000902683205"
			"68332d3139"
			"00040004c0000201" },
		{ "RFC 9460 D.2", RRTYPE_SVCB,
			"16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
			"001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c62617202683"
			"2" },
		{ "RFC 9460 D.2", RRTYPE_SVCB,
			"16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
			"001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c62617202683"
			"2" },
		{ "RFC 9460 2.1: a key by its number has the bytes of the wire", RRTYPE_SVCB,
			"1 . key1=\\002h2 key3=\\000\\080",
			"000100000100030268320003000200"
			"50" },
		{ "RFC 9460 2.1: an empty value may have its sign", RRTYPE_SVCB,
			"1 . alpn=h2 no-default-alpn=",
			"00010000010003026832"
			"00020000" },
		{ "RFC 1348: an NSAP-PTR is a name", 23, "a.b.", "0161016200" },
		{ "a CAA tag in quotes", RRTYPE_CAA, "0 \"issue\" \"x\"",
			"000569737375657"
			"8" },
		{ "RFC 8777: no relay is nothing", 260, "10 1 0 .", "0a80" },
		{ "RFC 8777", 260, "10 0 1 203.0.113.15", "0a01cb00710f" },
		{ "RFC 4025, a relative gateway", 45, "10 3 2 gw AAAA",
			"0a0302026777076578616d706c6503636f6d00000000" },
		{ "an AESA has format 0", 34, "39.246f.00", "0039246f00" },
		{ "E.164 has format 1", 34, "+612", "01363132" },
		{ "a size is one digit and a power of ten, defaults as in RFC 1876", 29,
			"0 N 0 W 0m 0.01m 25m", "00102313800000008000000000989680" },
		{ "a WALLET is strings", RRTYPE_WALLET, "ETH 0x1", "0345544803307831" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		struct text hex = { 0 };
		faults_init(&f);
		const int got = read_text(row[i].type, row[i].text, &f);
		for (int j = 0; j < got; j++)
			text_addf(&hex, "%02x", data[j]);
		if (strcmp(text_get(&hex), row[i].hex) != 0)
			fprintf(stderr, "%s: %s\n%s\n%s", row[i].say, row[i].text,
				text_get(&hex), text_get(&f.text));
		CU_ASSERT_STRING_EQUAL(text_get(&hex), row[i].hex);
		text_fini(&hex);
		faults_fini(&f);
	}
}

static void string_ends_at_255_bytes_and_data_at_65535(void)
{
	struct text text = { 0 };
	struct faults f;

	faults_init(&f);
	for (unsigned i = 0; i < 255; i++)
		text_add(&text, "\\120");
	CU_ASSERT_EQUAL(read_text(RRTYPE_TXT, text_get(&text), &f), 256);
	text_add_char(&text, 'x');
	CU_ASSERT_EQUAL(read_text(RRTYPE_TXT, text_get(&text), &f), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text),
		"test:1:1021: error: a string is over 255 bytes at this place"));
	text.len = 0;
	text_add(&text, "0 a ");
	for (unsigned i = 0; i < 65532; i++)
		text_add_char(&text, 'x');
	CU_ASSERT_EQUAL(read_text(RRTYPE_CAA, text_get(&text), &f), 65535);
	text_add_char(&text, 'x');
	CU_ASSERT_EQUAL(read_text(RRTYPE_CAA, text_get(&text), &f), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "is over 65535 bytes"));
	faults_fini(&f);
	text_fini(&text);
}

static void no_wire_is_read_past_its_end(void)
{
	static const uint16_t types[] = { RRTYPE_SOA, RRTYPE_MX, RRTYPE_HTTPS, 55, 45, 29, 42,
		RRTYPE_NSEC3, RRTYPE_CAA, 260 };
	struct fault why;

	srandom(4);
	for (unsigned i = 0; i < UNIT_COUNT(types); i++)
		for (unsigned round = 0; round < 20000; round++) {
			const size_t len = (size_t)random() % 40;
			uint8_t *tight = malloc(
				len); /* so that the sanitizer sees a step too far */
			for (size_t j = 0; j < len; j++)
				tight[j] = (uint8_t)(random() % 4 ? random() % 5 : random());
			rdata_check(types[i], tight, len, &why);
			free(tight);
		}
	CU_ASSERT_FALSE(rdata_check(RRTYPE_A, (const uint8_t *)"abc", 3, &why));
	CU_ASSERT(rdata_check(4711, (const uint8_t *)"abc", 3, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_NS, (const uint8_t *)"\300\14", 2, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_NS, (const uint8_t *)"\1a\0\0", 4, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_EDGE, (const uint8_t *)"\0", 1, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_EDGE, (const uint8_t *)"\1ab", 3, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_EDGE, (const uint8_t *)"\1a\12answers=2", 11, &why));
	CU_ASSERT(rdata_check(RRTYPE_EDGE, (const uint8_t *)"\1a\11answers=2", 12, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_EDGE, (const uint8_t *)"\1a\11answers=x", 12, &why));
	CU_ASSERT_FALSE(rdata_check(RRTYPE_TXT, (const uint8_t *)"", 0, &why));
}

void suite_rdata(void);
void suite_rdata(void)
{
	static const struct unit_case cases[] = {
		{ "every type of ldns reads as ldns reads it",
			every_type_of_ldns_reads_as_ldns_reads_it },
		{ "sloppy data that ldns takes is refused",
			sloppy_data_that_ldns_takes_is_refused },
		{ "documents give these bytes", documents_give_these_bytes },
		{ "a string ends at 255 bytes and data at 65535",
			string_ends_at_255_bytes_and_data_at_65535 },
		{ "no wire is read past its end", no_wire_is_read_past_its_end },
	};

	unit_suite("zone/rdata", cases, UNIT_COUNT(cases));
}
