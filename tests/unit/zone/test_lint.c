/* What is surely not meant is warned of, once, at its line; and zones as people have them are
 * not. */
#include "zone/lint.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APEX "$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.1\n"

static void each_doubt_is_told_once_at_its_line(void)
{
	static const struct {
		const char *text; /* behind the four lines of APEX */
		unsigned line;
		const char *part;
	} row[] = {
		{ "@ MX 1 w\nw CNAME ns1\n", 5, "w.example. is a CNAME" },
		{ "@ MX 1 nothing\n", 5, "nothing.example. is in this zone and has no A" },
		{ "@ MX 1 w\nw TXT x\n", 5, "w.example. is in this zone and has no A" },
		{ "@ MX 1 b\na.b A 192.0.2.1\n", 5, "b.example. is in this zone" },
		{ "_x._tcp SRV 1 2 3 w\nw CNAME ns1\n", 5, "w.example. is a CNAME" },
		{ "_x._tcp SRV 1 2 3 nothing\n", 5, "nothing.example. is in this zone" },
		{ "@ MX 1 any\n*.w A 192.0.2.1\n* CNAME ns1\n", 5, "any.example. is a CNAME" },
		{ "@ NS w\nw CNAME ns1\n", 5, "the server w.example. is a CNAME" },
		{ "sub NS w\nw CNAME ns1\n", 5, "the server w.example. is a CNAME" },
		{ "@ NS nothing\n", 5, "nothing.example. is in this zone" },
		{ "@ MX 0 .\n@ MX 10 ns1\n", 5, "there is no mail here" },
		{ "w CNAME nothing\n", 5, "leads to nothing.example., which" },
		{ "w CNAME v\nv CNAME nothing\n", 6, "leads to nothing.example., which" },
		{ "w CNAME b\na.b A 192.0.2.1\n", 5, "leads to b.example., which" },
		{ "w CNAME w\n", 5, "leads back to itself" },
		{ "w CNAME v\nv CNAME w\n", 6, "by way of w.example." },
		{ "a CNAME b\nb CNAME c\nc CNAME d\nd CNAME b\n", 6, "by way of c.example." },
		{ "* CNAME nothing\n", 5, "leads back to itself" },
		{ "w DNAME nothing\n", 5, "this DNAME leads to nothing.example., which" },
		{ "w DNAME a.w\n", 5, "at or below itself" },
		{ "w HTTPS 1 nothing\n", 5, "this HTTPS leads to nothing.example." },
		{ "w SVCB 0 nothing\n", 5, "this SVCB leads to nothing.example." },
		{ "a_b A 192.0.2.1\na_b AAAA ::1\n", 5, "a_b.example. is no name that a host" },
		{ "\\195\\188.x A 192.0.2.1\n", 5, "do not look it up (names in other scripts are written as A-labels" },
		{ "@ MX 1 m\\195\\164l.test.\n", 5, "a record of type MX (names in other scripts" },
		{ "*.-b A 192.0.2.1\n", 5, "*.-b.example. is no name" },
		{ "a_b MX 1 ns1\n", 5, "a_b.example. is no name" },
		{ "@ MX 1 a_b\n", 5, "a_b.example. is no name" },
		{ "@ MX 1 a_b.test.\n", 5, "a_b.test. is no name" },
		{ "_x._tcp SRV 1 2 3 a_b.test.\n", 5, "a_b.test. is no name" },
		{ "sub NS a_b.test.\n", 5, "a_b.test. is no name" },
		{ "w DS 1 8 1 abababababababababababababababababababab\nw A 192.0.2.1\n", 5,
			"has no NS records beside it" },
		{ "@ DS 1 8 1 abababababababababababababababababababab\n", 5,
			"stand in the zone above" },
		{ "sub NS a.test.\nsub DNAME b.test.\n", 6, "nobody gets this DNAME" },
		{ "*.sub NS a.test.\n", 5, "what a wildcard's NS records mean" },
		{ "@ CDS 1 8 1 abababababababababababababababababababab\n", 5, "there is no DNSKEY beside it" },
		{ "@ CDNSKEY 257 3 8 AwEAAQ==\n", 5, "there is no DNSKEY beside it" },
		{ "@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"\n", 6, "two SPF records" },
		{ "@ TXT \"v=spf1 -all\"\n@ TXT \"V=SPF1 mx -all\"\n@ TXT \"v=spf1 a\"\n", 6,
			"two SPF records" },
		{ "@ TXT \"v=spf1\"\n@ TXT \"v=spf1 mx -all\"\n", 6, "two SPF records" },
		{ "@ TXT v=spf1 mx -all\n", 5, "\"v=spf1mx-all\"" },
		{ "@ TXT \"v=spf1 include:a.test\" \"include:b.test -all\"\n", 5,
			"without blanks" },
		{ "@ TXT \"v=spf1 mx\" \"-all\"\n", 5, "without blanks" },
		{ "@ TXT \"v=spf1 mx\302\240-all\"\n", 5, "the byte c2" },
		{ "@ SPF \"v=spf1 -all\"\n", 5, "nobody asks for the type SPF" },
		{ "_dmarc TXT \"v=DMARC1; p=none\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n", 6,
			"two DMARC records" },
		{ "_dmarc.w TXT \"v=DMARC1; p=none\"\n_dmarc.w TXT \"v=DMARC1;p=reject\"\n", 6,
			"two DMARC records" },
		{ "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"\n", 6,
			"two MTA-STS records" },
		{ "_smtp._tls TXT \"v=TLSRPTv1; rua=a\"\n_smtp._tls TXT \"v=TLSRPTv1; "
		  "rua=b\"\n",
			6, "two TLSRPT records" },
		{ "_dmarc TXT v=DMARC1; p=none\n", 5, "a semicolon starts a comment" },
		{ "k._domainkey TXT v=DKIM1; p=AAAA\n", 5, "a semicolon starts a comment" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[2048], at[32];
		struct faults f;
		snprintf(text, sizeof text, "%s%s", APEX, row[i].text);
		snprintf(at, sizeof at, ":%u:1: warning: ", row[i].line);
		faults_init(&f);
		struct zone *z = zone_of("example.", text, &f);
		const char *told = strstr(text_get(&f.text), at);
		const bool right = z && f.warnings == 1 && told &&
			strstr(told, row[i].part) != NULL;
		if (!right)
			printf("\n    %s%s\n", row[i].text, text_get(&f.text));
		CU_ASSERT(right);
		zone_drop(z);
		faults_fini(&f);
	}
}

/* An office's mail and web in other hands, a domain controller's names, reverse names by RFC
 * 2317, delegations, keys in pieces. */
static void zones_as_people_have_them_are_not_warned_of(void)
{
	static const char *const zones[] = {
		APEX "@ MX 1 aspmx.l.google.com.\n@ MX 5 alt1.aspmx.l.google.com.\n"
		     "@ TXT \"v=spf1 include:_spf.google.com ~all\"\n"
		     "@ TXT google-site-verification=abc\n@ TXT \"MS=ms1\"\n"
		     "@ CAA 0 issue \"letsencrypt.org\"\n@ CAA 0 issuewild \";\"\n"
		     "@ CAA 0 iodef \"mailto:x@example.\"\n"
		     "www CNAME ghs.googlehosted.com.\nautodiscover CNAME "
		     "autodiscover.outlook.com.\n"
		     "selector1._domainkey CNAME selector1-x._domainkey.y.onmicrosoft.com.\n"
		     "_sip._tls SRV 100 1 443 sipdir.online.lync.com.\n"
		     "_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:x@example.\"\n"
		     "other.test._report._dmarc TXT \"v=DMARC1\"\n"
		     "*._report._dmarc TXT v=DMARC1\n"
		     "k._domainkey TXT \"v=DKIM1; k=rsa; p=AAAA\" \"BBBB\"\n"
		     "_acme-challenge CNAME x.acme.test.\n",
		APEX "dc1 A 192.0.2.2\n@ A 192.0.2.2\ngc._msdcs A 192.0.2.2\n"
		     "_ldap._tcp SRV 0 100 389 dc1\n_kerberos._udp SRV 0 100 88 dc1\n"
		     "_ldap._tcp.dc._msdcs SRV 0 100 389 dc1\n"
		     "_ldap._tcp.Default-First-Site-Name._sites SRV 0 100 389 dc1\n"
		     "x-y._msdcs CNAME dc1\nDomainDnsZones A 192.0.2.2\n"
		     "ForestDnsZones A 192.0.2.2\n",
		APEX "1 PTR a.test.\n0/26 NS ns.test.\n2 CNAME 2.0/26\n"
		     "64-127 NS ns.64-127\nns.64-127 A 192.0.2.3\n",
		APEX "sub NS ns.sub\nns.sub A 192.0.2.3\nsub DS 1 8 1 "
		     "abababababababababababababababababababab\n"
		     "@ MX 1 mail.sub\nw CNAME x.sub\nold DNAME sub\nv CNAME a.old\n"
		     "* A 192.0.2.9\n@ MX 2 any\nu CNAME another\n",
		APEX
		"@ MX 0 .\n@ TXT \"v=spf1 -all\"\nt TXT v=spf10 x\n"
		"t TXT \"v=spf10 y\"\n_443._tcp.www CNAME _dane\n"
		"_dane TLSA 3 1 0 abcd\nwww HTTPS 1 . alpn=h2\nwww A 192.0.2.1\n"
		"api HTTPS 0 www\nm MX 1 v6\nv6 AAAA 2001:db8::1\n"
		"long TXT \"v=spf1 ip4:192.0.2.0/24 \" \"ip4:198.51.100.0/24 -all\"\n"
		"more TXT \"v=spf1 ip4:192.0.2.0/24\" \" ip4:198.51.100.0/24 -\" \"all\"\n",
		APEX "@ EDGE web\nwww EDGE web\n@ MX 1 www\n_x._tcp SRV 1 2 3 www\n"
		     "static CNAME www\n",
	};

	for (size_t i = 0; i < UNIT_COUNT(zones); i++) {
		struct faults f;
		faults_init(&f);
		struct zone *z = zone_of("example.", zones[i], &f);
		CU_ASSERT_PTR_NOT_NULL(z);
		CU_ASSERT_EQUAL(f.warnings, 0);
		if (!z || f.warnings)
			printf("\n    case %zu: %s\n", i, text_get(&f.text));
		zone_drop(z);
		faults_fini(&f);
	}
}

static void zone_with_an_error_is_not_looked_over(void)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", APEX "w CNAME nothing\nw A 192.0.2.1\n", &f);
	CU_ASSERT_PTR_NULL(z);
	CU_ASSERT_EQUAL(f.errors, 1);
	CU_ASSERT_EQUAL(f.warnings, 0);
	zone_drop(z);
	faults_fini(&f);
}

void suite_lint(void);
void suite_lint(void)
{
	static const struct unit_case cases[] = {
		{ "each doubt is told once at its line", each_doubt_is_told_once_at_its_line },
		{ "zones as people have them are not warned of",
			zones_as_people_have_them_are_not_warned_of },
		{ "a zone with an error is not looked over",
			zone_with_an_error_is_not_looked_over },
	};

	unit_suite("zone/lint", cases, UNIT_COUNT(cases));
}
