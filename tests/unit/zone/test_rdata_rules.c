/* What BIND or Knot refuse of a single record is an error here too; what only nobody can use is
 * a warning. */
#include "zone/rdata_rules.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/desk.h"
#include "zone/rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define B4   "abababab"
#define B16  B4 B4 B4 B4
#define B20  B16 B4
#define B32  B16 B16
#define B48  B32 B16
#define B64  B32 B32
#define KEY4 "AwEAAQ=="

static void judge(const char *record, enum rdata_verdict want, const char *part)
{
	char zone[1024];
	struct desk d;

	snprintf(zone, sizeof zone, "a 1 %s\n", record);
	desk_init(&d);
	desk_put(&d, "zone", zone);
	desk_read(&d);
	const bool right = d.f.errors == (want == RDATA_WRONG) &&
		d.f.warnings == (want == RDATA_DOUBTFUL) &&
		(want == RDATA_FINE || strstr(text_get(&d.f.text), part));
	if (!right)
		fprintf(stderr, "%s: %s\n", record, text_get(&d.f.text));
	CU_ASSERT(right);
	CU_ASSERT_EQUAL(d.ok, want != RDATA_WRONG);
	desk_fini(&d);
}

static void each_type_has_its_rules(void)
{
	static const struct {
		enum rdata_verdict want;
		const char *record, *part;
	} row[] = {
		{ RDATA_FINE, "DS 1 8 1 " B20, NULL },
		{ RDATA_FINE, "DS 1 8 2 " B32, NULL },
		{ RDATA_FINE, "DS 1 8 4 " B48, NULL },
		{ RDATA_WRONG, "DS 1 8 2 abcd",
			"a digest of type 2 is 32 bytes, and here are 2" },
		{ RDATA_WRONG, "DS 1 8 1 " B32, "type 1 is 20 bytes, and here are 32" },
		{ RDATA_WRONG, "DS 1 8 3 " B20, "type 3 is 32 bytes" },
		{ RDATA_WRONG, "DS 1 8 4 " B32, "type 4 is 48 bytes" },
		{ RDATA_WRONG, "DS 1 8 6 " B48, "type 6 is 32 bytes" },
		{ RDATA_WRONG, "DS \\# 6 0001 08 02 abcd", "type 2 is 32 bytes" },
		{ RDATA_DOUBTFUL, "DS 1 8 7 " B32, "no resolver knows the digest type 7" },
		{ RDATA_DOUBTFUL, "DS 0 0 0 00", "the digest type 0" },
		{ RDATA_WRONG, "DLV 1 8 2 abcd", "32 bytes" },
		{ RDATA_WRONG, "TA 1 8 2 abcd", "32 bytes" },
		{ RDATA_WRONG, "CDS 1 8 2 abcd", "32 bytes" },
		{ RDATA_FINE, "CDS 0 0 0 00", NULL },
		{ RDATA_WRONG, "CDS 1 0 0 00", "written 0 0 0 00" },
		{ RDATA_WRONG, "CDS 0 0 2 " B32, "written 0 0 0 00" },
		{ RDATA_FINE, "CDNSKEY 0 3 0 AA==", NULL },
		{ RDATA_WRONG, "CDNSKEY 257 3 0 AA==", "written 0 3 0 AA==" },
		{ RDATA_FINE, "SSHFP 4 1 " B20, NULL },
		{ RDATA_FINE, "SSHFP 4 2 " B32, NULL },
		{ RDATA_WRONG, "SSHFP 4 1 " B32, "type 1 is 20 bytes" },
		{ RDATA_WRONG, "SSHFP 4 2 " B20, "type 2 is 32 bytes" },
		{ RDATA_DOUBTFUL, "SSHFP 0 2 " B32, "the algorithm 0" },
		{ RDATA_DOUBTFUL, "SSHFP 4 3 " B32, "this type of fingerprint" },
		{ RDATA_FINE, "TLSA 3 1 1 " B32, NULL },
		{ RDATA_FINE, "TLSA 3 1 0 abcd", NULL },
		{ RDATA_FINE, "TLSA 255 255 255 abcd", NULL },
		{ RDATA_DOUBTFUL, "TLSA 3 1 1 " B20, "matching type 1 is 32 bytes" },
		{ RDATA_DOUBTFUL, "SMIMEA 3 1 2 " B32, "matching type 2 is 64 bytes" },
		{ RDATA_DOUBTFUL, "TLSA 4 1 1 " B32, "the usage is 0 to 3" },
		{ RDATA_DOUBTFUL, "TLSA 3 2 1 " B32, "the selector 0 or 1" },
		{ RDATA_DOUBTFUL, "TLSA 3 1 3 " B32, "the matching type 0 to 2" },
		{ RDATA_FINE, "ZONEMD 1 1 1 " B48, NULL },
		{ RDATA_FINE, "ZONEMD 1 1 240 " B4 B4 B4, NULL },
		{ RDATA_WRONG, "ZONEMD 1 1 1 " B32, "hash algorithm 1 is 48 bytes" },
		{ RDATA_WRONG, "ZONEMD 1 1 2 " B48, "hash algorithm 2 is 64 bytes" },
		{ RDATA_WRONG, "ZONEMD 1 1 240 " B4 B4, "at least 12 bytes" },
		{ RDATA_FINE, "DNSKEY 257 3 8 " KEY4, NULL },
		{ RDATA_DOUBTFUL, "DNSKEY 257 2 8 " KEY4, "protocol of a zone's key is 3" },
		{ RDATA_DOUBTFUL, "DNSKEY 257 3 13 " KEY4, "algorithm 13 is 64 bytes" },
		{ RDATA_DOUBTFUL, "DNSKEY 257 3 15 " KEY4, "algorithm 15 is 32 bytes" },
		{ RDATA_FINE, "RRSIG A 8 3 1 20380101000000 20200101000000 1 a. AAAA", NULL },
		{ RDATA_FINE, "RRSIG A 8 3 1 20380101000000 20380101000000 1 a. AAAA", NULL },
		{ RDATA_FINE, "RRSIG A 8 3 1 21050101000000 20380101000000 1 a. AAAA", NULL },
		{ RDATA_DOUBTFUL, "RRSIG A 8 3 1 20200101000000 20380101000000 1 a. AAAA",
			"ends before it begins" },
		{ RDATA_WRONG, "RRSIG ANY 8 3 1 20380101000000 20200101000000 1 a. AAAA",
			"ANY stands in no zone" },
		{ RDATA_FINE, "NSEC a. A NSEC", NULL },
		{ RDATA_DOUBTFUL, "NSEC a.", "it lists no type" },
		{ RDATA_DOUBTFUL, "MD a.", "MX has taken its place" },
		{ RDATA_DOUBTFUL, "MF a.", "MX has taken its place" },
		{ RDATA_FINE, "NSEC3PARAM 1 0 0 -", NULL },
		{ RDATA_DOUBTFUL, "NSEC3PARAM 1 1 0 -", "the flags are 0" },
		{ RDATA_DOUBTFUL, "NSEC3PARAM 2 0 0 -", "the hash algorithm is 1" },
		{ RDATA_FINE, "IPSECKEY 10 3 2 b.c. AAAA", NULL },
		{ RDATA_FINE, "IPSECKEY 10 1 0 192.0.2.1", NULL },
		{ RDATA_WRONG, "IPSECKEY 10 0 2 .",
			"the public key of this algorithm is missing" },
		{ RDATA_WRONG, "IPSECKEY 10 3 2 b.c.", "the public key" },
		{ RDATA_DOUBTFUL, "IPSECKEY 10 2 0 ::1 AAAA", "algorithm 0" },
		{ RDATA_FINE, "SOA a b 1 2 3 2 5", NULL },
		{ RDATA_DOUBTFUL, "SOA a b 1 3 3 2 5", "(2 s) is shorter than the refresh" },
		{ RDATA_FINE, "CAA 128 issue \"ca.example; a=b\"", NULL },
		{ RDATA_FINE, "CAA 0 issuewild \";\"", NULL },
		{ RDATA_FINE, "CAA 0 iodef \"mailto:a@b.example\"", NULL },
		{ RDATA_FINE, "CAA 0 tbs \"any thing\"", NULL },
		{ RDATA_DOUBTFUL, "CAA 1 issue \"ca.example\"", "only 128 (critical)" },
		{ RDATA_DOUBTFUL, "CAA 0 issue \"https://ca.example\"", "domain name of who" },
		{ RDATA_DOUBTFUL, "CAA 0 issue \"ca example\"", "domain name of who" },
		{ RDATA_DOUBTFUL, "CAA 0 iodef \"a@b.example\"", "mailto:" },
		{ RDATA_FINE, "CAA 0 IssueMail \"ca.example\"", NULL },
		{ RDATA_FINE, "CAA 128 issuevmc \"ca.example\"", NULL },
		{ RDATA_DOUBTFUL, "CAA 0 issuevmc \"https://ca.example\"", "domain name of who" },
		{ RDATA_FINE, "CAA 0 contactemail \"a@b.example\"", NULL },
		{ RDATA_FINE, "CAA 128 contactphone \"+15550100\"", NULL },
		{ RDATA_DOUBTFUL, "CAA 0 isue \"ca.example\"", "no property is called \"isue\"; did you mean \"issue\"?" },
		{ RDATA_DOUBTFUL, "CAA 0 issuewld \";\"", "did you mean \"issuewild\"?" },
		{ RDATA_DOUBTFUL, "CAA 0 ISSUEVCM \";\"", "called \"ISSUEVCM\"; did you mean \"issuevmc\"?" },
		{ RDATA_DOUBTFUL, "CAA 128 iode \"mailto:a@b.example\"", "did you mean \"iodef\"?" },
		{ RDATA_DOUBTFUL, "CAA 0 contactmail \"a@b.example\"", "did you mean \"contactemail\"?" },
		{ RDATA_DOUBTFUL, "CAA 0 contactfone \"+15550100\"", "did you mean \"contactphone\"?" },
		{ RDATA_DOUBTFUL, "CAA 0 issuemial \";\"", "did you mean \"issuemail\"?" },
		{ RDATA_DOUBTFUL, "CAA 128 tbs \"any thing\"", "\"tbs\" is critical, and no property that is registered" },
		{ RDATA_FINE, "NAPTR 1 1 u a \"!^(a)(b)$!sip:\\\\2@c!i\" .", NULL },
		{ RDATA_FINE, "NAPTR 1 1 s a \"\" b.", NULL },
		{ RDATA_WRONG, "NAPTR 1 1 u a \"!^.*$!sip:a\" .", "no substitution" },
		{ RDATA_WRONG, "NAPTR 1 1 u a \"b\" .", "no substitution" },
		{ RDATA_WRONG, "NAPTR 1 1 u a \"!(a)!\\\\2!\" .", "no substitution" },
		{ RDATA_WRONG, "NAPTR 1 1 u a \"!a!b!x\" .", "no substitution" },
		{ RDATA_WRONG, "NAPTR 1 1 u a \"1a1b1\" .", "no substitution" },
		{ RDATA_DOUBTFUL, "NAPTR 1 1 u a \"!a!b!\" c.", "only one of them counts" },
		{ RDATA_FINE, "X25 3110", NULL },
		{ RDATA_WRONG, "X25 311", "four or more digits" },
		{ RDATA_WRONG, "X25 311a", "four or more digits" },
		{ RDATA_FINE, "GPOS 116.8652 -32.6882 10.0", NULL },
		{ RDATA_DOUBTFUL, "GPOS 116.8652 181 10.0", "no place" },
		{ RDATA_DOUBTFUL, "GPOS a b c", "no place" },
		{ RDATA_FINE, "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", NULL },
		{ RDATA_DOUBTFUL, "DHCID AAIB", "no DHCID" },
		{ RDATA_DOUBTFUL, "CSYNC 1 4 A", "other flags" },
		{ RDATA_FINE, "CSYNC 1 3 A", NULL },
		{ RDATA_DOUBTFUL, "DSYNC A NOTIFY 53 b.", "NOTIFY is for CDS" },
		{ RDATA_FINE, "DSYNC CSYNC NOTIFY 53 b.", NULL },
		{ RDATA_DOUBTFUL, "URI 1 1 \"\"", "not empty" },
		{ RDATA_DOUBTFUL, "HTTPS 0 b. port=1", "makes it an alias" },
		{ RDATA_FINE, "HTTPS 0 b.", NULL },
		{ RDATA_DOUBTFUL, "MX 1 192.0.2.1.", "is taken for a name here" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		judge(row[i].record, row[i].want, row[i].part);
}

/* On memory of its length, so that a sanitizer sees a step too far. */
static void no_data_that_is_whole_is_read_past_its_end(void)
{
	static const uint16_t types[] = { RRTYPE_DS, RRTYPE_SSHFP, RRTYPE_TLSA, RRTYPE_ZONEMD,
		RRTYPE_DNSKEY, RRTYPE_RRSIG, RRTYPE_NSEC3PARAM, RRTYPE_IPSECKEY, RRTYPE_SOA,
		RRTYPE_CAA, RRTYPE_NAPTR, RRTYPE_X25, RRTYPE_GPOS, RRTYPE_DHCID, RRTYPE_CSYNC,
		RRTYPE_DSYNC, RRTYPE_URI, RRTYPE_SVCB };
	struct fault why;

	srandom(6);
	for (unsigned i = 0; i < UNIT_COUNT(types); i++)
		for (unsigned round = 0; round < 20000; round++) {
			const size_t len = (size_t)random() % 40;
			uint8_t *tight = malloc(len);
			for (size_t j = 0; j < len; j++)
				tight[j] = (uint8_t)(random() % 4 ? random() % 5 : random());
			if (rdata_check(types[i], tight, len, &why))
				rdata_rules(types[i], tight, len, &why);
			free(tight);
		}
}

void suite_rdata_rules(void);
void suite_rdata_rules(void)
{
	static const struct unit_case cases[] = {
		{ "each type has its rules", each_type_has_its_rules },
		{ "no data that is whole is read past its end",
			no_data_that_is_whole_is_read_past_its_end },
	};

	unit_suite("zone/rdata_rules", cases, UNIT_COUNT(cases));
}
