/* Types that few zones have: what BIND and NSD read of them is read, and becomes the bytes that
 * it becomes there. */
#include "zone/rdata_rare.h"
#include "base/text.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "zone/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t data[RDATA_MOST];

static int read_text(uint16_t type, const char *text, struct faults *f)
{
	static const uint8_t origin[] = "\7example\3com";
	struct tokens t;
	bool indented;

	token_init(&t, "test", text, strlen(text), f);
	t.tok.kind = TOKEN_END;
	if (!token_entry(&t, &indented))
		t.tok.kind = TOKEN_END;
	return rdata_read(&t, type, origin, data);
}

/* By named-rrchecker -u of BIND 9.18.49 where it knows the type, else by its draft. */
static void texts_become_the_bytes_that_they_are_elsewhere(void)
{
	static const struct {
		uint16_t type;
		const char *text, *hex;
	} row[] = {
		{ RRTYPE_DSYNC, "CDS NOTIFY 53 a.b.", "003b0100350161016200" },
		{ RRTYPE_DSYNC, "cds notify 53 a",
			"003b010035016107657861"
			"6d706c6503636f6d00" },
		{ RRTYPE_DSYNC, "TYPE65400 7 65535 .", "ff7807ffff00" },
		{ RRTYPE_HHIT, "AAEC Aw==", "00010203" },
		{ RRTYPE_BRID, "AA==", "00" },
		{ RRTYPE_DOA, "1 2 3 \"text/plain\" AAECAw==",
			"0000000100000002030a746578742f706c61696e00010203" },
		{ RRTYPE_DOA, "4294967295 0 255 \"\" -", "ffffffff00000000ff00" },
		{ RRTYPE_SINK, "1 2 3", "010203" },
		{ RRTYPE_SINK, "255 2 3 AAEC AwQF", "ff0203000102030405" },
		{ RRTYPE_SINK, "1 2 AAECAwQF", "0102000102030405" }, /* NSD's */
		{ RRTYPE_NXT, "a. A MX TYPE127", "01610040010000000000000000000000000001" },
		{ RRTYPE_NXT, "a.", "016100" },
		{ RRTYPE_A6, "0 2001:db8::1", "0020010db8000000000000000000000001" },
		{ RRTYPE_A6, "64 ::1:2 a.", "400000000000010002016100" },
		{ RRTYPE_A6, "67 2001:db8:0:ffff::1 a.", "430000000000000001016100" },
		{ RRTYPE_A6, "67 ::ffff:0:0:1 a.", "431fff000000000001016100" },
		{ RRTYPE_A6, "128 a.b.", "800161016200" },
		{ RRTYPE_IPN, "1", "0000000000000001" },
		{ RRTYPE_IPN, "18446744073709551615", "ffffffffffffffff" },
		{ RRTYPE_IPN, "1.4294967295", "00000001ffffffff" },
		{ RRTYPE_UNECE, "20 1 KGM \"kilogram\"",
			"02323001310"
			"34b474d6b696c6f6772616d" },
		{ RRTYPE_ISO, "4217 - EUR \"\"", "04343231370003455552" },
		{ RRTYPE_AMTRELAY, "\\# 6 0A0401020304", "0a0401020304" },
		{ RRTYPE_KEY, "USER|NTYP3 DNSSEC RSASHA1 AQID", "03000305010203" },
		{ RRTYPE_KEY, "nokey email dh", "c0000202" },
		{ RRTYPE_KEY, "49152 3 0", "c0000300" },
		{ RRTYPE_KEY, "\\# 4 c0000300", "c0000300" },
		{ RRTYPE_DNSKEY, "zone|ksk ALL ECDSA256 AQID", "0101ff0d010203" },
		{ RRTYPE_CDNSKEY, "257 DNSSEC NSEC3RSASHA1 AQID", "01010307010203" },
		{ RRTYPE_DS, "1 ECDSA384 SHA-384 0A", "00010e040a" },
		{ RRTYPE_CDS, "1 8 sha256 0A", "000108020a" },
		{ RRTYPE_DLV, "1 8 GOST 0A", "000108030a" },
		{ RRTYPE_TA, "1 8 SHA1 0A", "000108010a" },
		{ RRTYPE_NSEC3PARAM, "SHA-1 0 0 -", "0100000000" },
		{ RRTYPE_RRSIG, "A NSEC3RSASHA1 2 300 20371231000000 20250101000000 1 a. AQID",
			"000107020000012c7fe6c600677485800001016100010203" },
		{ RRTYPE_SVCB, "1 . tls-supported-groups=29,23", "00010000090004001d0017" },
		{ RRTYPE_SVCB, "1 . docpath=dns,q", "000100000a000603646e730171" },
		{ RRTYPE_SVCB, "1 . docpath", "000100000a0000" },
		{ RRTYPE_SVCB, "1 . pvd", "000100000b0000" },
		{ RRTYPE_SVCB, "1 . oots=\"do53:100,dot:10\"",
			"000100000c000b04646f35336403646f740a" },
		{ RRTYPE_SVCB, "1 . alpn=h2 dohpath=/q{?dns}",
			"000100000100030268320007"
			"00082f717b3f646e737d" },
		{ RRTYPE_SVCB, "1 . mandatory=oots oots=dot:0",
			"0001000000"
			"0002000c000c000503646f7400" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		struct fault why;
		struct text hex = { 0 };
		faults_init(&f);
		const int got = read_text(row[i].type, row[i].text, &f);
		for (int j = 0; j < got; j++)
			text_addf(&hex, "%02x", data[j]);
		if (strcmp(text_get(&hex), row[i].hex) != 0)
			fprintf(stderr, "%s: %s, wanted %s\n%s", row[i].text, text_get(&hex),
				row[i].hex, text_get(&f.text));
		CU_ASSERT_STRING_EQUAL(text_get(&hex), row[i].hex);
		CU_ASSERT(got < 0 || rdata_check(row[i].type, data, (size_t)got, &why));
		text_fini(&hex);
		faults_fini(&f);
	}
}

static void wrong_texts_are_refused(void)
{
	static const struct {
		uint16_t type;
		const char *text;
	} row[] = {
		{ RRTYPE_KEY, "0 3 5" },
		{ RRTYPE_KEY, "USER| 3 5 AQID" },
		{ RRTYPE_KEY, "|ZONE 3 5 AQID" },
		{ RRTYPE_KEY, "USER 3 SHA-1 AQID" },
		{ RRTYPE_KEY, "\\# 4 00000300" },
		{ RRTYPE_DNSKEY, "NOKEY 3 8" },
		{ RRTYPE_DS, "1 8 RSASHA1 0A" },
		{ RRTYPE_DS, "1 8 SHA-512 0A" },
		{ RRTYPE_NSEC3PARAM, "SHA1 0 0 -" },
		{ RRTYPE_DSYNC, "CDS NOTIFY 65536 a." },
		{ RRTYPE_DSYNC, "CDS OTHER 53 a." },
		{ RRTYPE_DSYNC, "NOSUCH NOTIFY 53 a." },
		{ RRTYPE_DSYNC, "CDS NOTIFY 53" },
		{ RRTYPE_HHIT, "" },
		{ RRTYPE_HHIT, "A" },
		{ RRTYPE_HHIT, "\\# 0" },
		{ RRTYPE_DOA, "1 2 3 x" },
		{ RRTYPE_DOA, "1 2 3 x - y" },
		{ RRTYPE_DOA, "1 2 256 x -" },
		{ RRTYPE_SINK, "1 2" },
		{ RRTYPE_SINK, "1 2 3 x" },
		{ RRTYPE_SINK, "\\# 2 0102" },
		{ RRTYPE_NXT, "a. TYPE128" },
		{ RRTYPE_NXT, "a. CAA" },
		{ RRTYPE_NXT, "a. TYPE0" },
		{ RRTYPE_NXT, "\\# 2 0080" },
		{ RRTYPE_NXT, "\\# 3 004000" },
		{ RRTYPE_NXT, "\\# 18 000000000000000000000000000000000001" },
		{ RRTYPE_A6, "129 ::1" },
		{ RRTYPE_A6, "0 ::1 a." },
		{ RRTYPE_A6, "64 ::1" },
		{ RRTYPE_A6, "128 ::1 a." },
		{ RRTYPE_A6, "\\# 12 43ffff000000000001016100" },
		{ RRTYPE_IPN, "18446744073709551616" },
		{ RRTYPE_IPN, "1.4294967296" },
		{ RRTYPE_IPN, "1.2.3" },
		{ RRTYPE_IPN, "." },
		{ RRTYPE_IPN, "-1" },
		{ RRTYPE_IPN, "\\# 7 00000000000000" },
		{ RRTYPE_UNECE, "20 1 \"\" x" },
		{ RRTYPE_UNECE, "20 1 KGM" },
		{ RRTYPE_AMTRELAY, "\\# 3 0a0001" },
		{ RRTYPE_SVCB, "1 . tls-supported-groups=29,29" },
		{ RRTYPE_SVCB, "1 . tls-supported-groups=65536" },
		{ RRTYPE_SVCB, "1 . tls-supported-groups" },
		{ RRTYPE_SVCB, "1 . key9=\\000" },
		{ RRTYPE_SVCB, "1 . docpath=a,,b" },
		{ RRTYPE_SVCB, "1 . pvd=1" },
		{ RRTYPE_SVCB, "1 . oots=dot" },
		{ RRTYPE_SVCB, "1 . oots=dot:101" },
		{ RRTYPE_SVCB, "1 . oots=dot:1,dot:2" },
		{ RRTYPE_SVCB, "1 . oots=:1" },
		{ RRTYPE_SVCB, "1 . key12=\\003do" },
		{ RRTYPE_SVCB, "1 . dohpath=/dns-query" },
		{ RRTYPE_SVCB, "1 . dohpath=q{?dns}" },
		{ RRTYPE_SVCB, "1 . dohpath=/q{?dnsx}" },
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

/* On memory of its length, so that a sanitizer sees a step too far. */
static void no_wire_is_read_past_its_end(void)
{
	static const uint16_t types[] = { RRTYPE_NXT, RRTYPE_A6, RRTYPE_SINK, RRTYPE_DSYNC,
		RRTYPE_UNECE, RRTYPE_DOA, RRTYPE_IPN, RRTYPE_AMTRELAY, RRTYPE_SVCB };
	struct fault why;

	srandom(5);
	for (unsigned i = 0; i < UNIT_COUNT(types); i++)
		for (unsigned round = 0; round < 20000; round++) {
			const size_t len = (size_t)random() % 40;
			uint8_t *tight = malloc(len);
			for (size_t j = 0; j < len; j++)
				tight[j] = (uint8_t)(random() % 4 ? random() % 13 : random());
			rdata_check(types[i], tight, len, &why);
			free(tight);
		}
}

void suite_rdata_rare(void);
void suite_rdata_rare(void)
{
	static const struct unit_case cases[] = {
		{ "texts become the bytes that they are elsewhere",
			texts_become_the_bytes_that_they_are_elsewhere },
		{ "wrong texts are refused", wrong_texts_are_refused },
		{ "no wire is read past its end", no_wire_is_read_past_its_end },
	};

	unit_suite("zone/rdata_rare", cases, UNIT_COUNT(cases));
}
