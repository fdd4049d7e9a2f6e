#include "answer/compose.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct asking x;

static void what_does_not_fit_is_left_out_with_tc(void)
{
	static const struct asking_row rows[] = {
		{ "an RRset that does not fit is not there, and TC", "many A",
			"NOERROR aa tc | - | - | - | -", 30 },
		{ "... at 512 bytes", "many A size=512", "NOERROR aa tc | - | - | - | 1232",
			41 },
		{ "... no smaller than that", "mail A size=100",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232", 57 },
		{ "glue that is needed and does not fit is TC", "big A",
			"NOERROR tc | - | - | - | -", 29 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void who_asks_for_it_gets_signatures_and_proofs(void)
{
	static const struct asking_row rows[] = {
		{ "an RRset and its signature", "mail.nsec.test. A do",
			"NOERROR aa | mail.nsec.test. 300 A 192.0.2.2, mail.nsec.test. 300 "
			"RRSIG A | - | - | 1232 do",
			164 },
		{ "... for who asks for that", "mail.nsec.test. A",
			"NOERROR aa | mail.nsec.test. 300 A 192.0.2.2 | - | - | -", 48 },
		{ "NODATA and its proof", "mail.nsec.test. AAAA do",
			"NOERROR aa | - | nsec.test. 60 SOA ns1.nsec.test. h.nsec.test. 1 2 3 "
			"4 60, nsec.test. 60 RRSIG SOA, mail.nsec.test. 60 NSEC ns1.nsec.test. "
			"A RRSIG NSEC, mail.nsec.test. 60 RRSIG NSEC | - | 1232 do",
			330 },
		{ "NXDOMAIN: the name, and the wildcard that is not there",
			"nope.nsec.test. A do",
			"NXDOMAIN aa | - | nsec.test. 60 SOA ns1.nsec.test. h.nsec.test. 1 2 3 "
			"4 60, nsec.test. 60 RRSIG SOA, mail.nsec.test. 60 NSEC ns1.nsec.test. "
			"A RRSIG NSEC, mail.nsec.test. 60 RRSIG NSEC, nsec.test. 60 NSEC "
			"c.nsec.test. NS SOA MX TXT RRSIG NSEC DNSKEY, nsec.test. 60 RRSIG "
			"NSEC | - | 1232 do",
			474 },
		{ "a wildcard and the proof that there is nothing closer",
			"q.w.nsec.test. A do",
			"NOERROR aa | q.w.nsec.test. 300 A 192.0.2.3, q.w.nsec.test. 300 RRSIG "
			"A | *.w.nsec.test. 60 NSEC *.wc.nsec.test. A RRSIG NSEC, "
			"*.w.nsec.test. 60 RRSIG NSEC | - | 1232 do",
			306 },
		{ "a referral with its DS", "x.ds.nsec.test. A do",
			"NOERROR | - | ds.nsec.test. 300 NS ns1.ds.nsec.test., ds.nsec.test. "
			"300 DS 12345 13 2 "
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, "
			"ds.nsec.test. 300 RRSIG DS | ns1.ds.nsec.test. 300 A 192.0.2.6 | 1232 "
			"do",
			230 },
		{ "... which can be asked for", "ds.nsec.test. DS do",
			"NOERROR aa | ds.nsec.test. 300 DS 12345 13 2 "
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, "
			"ds.nsec.test. 300 RRSIG DS | - | - | 1232 do",
			194 },
		{ "a referral without one, and the proof of that", "x.sib.nsec.test. A do",
			"NOERROR | - | sib.nsec.test. 300 NS ns1.sib.nsec.test., "
			"sib.nsec.test. 60 NSEC srv.nsec.test. NS RRSIG NSEC, sib.nsec.test. "
			"60 RRSIG NSEC | ns1.sib.nsec.test. 300 A 192.0.2.5 | 1232 do",
			218 },
		{ "... for who asks for that", "x.sib.nsec.test. A",
			"NOERROR | - | sib.nsec.test. 300 NS ns1.sib.nsec.test. | "
			"ns1.sib.nsec.test. 300 A 192.0.2.5 | -",
			67 },
		{ "a DNAME is signed, and what it makes is not", "x.dn.nsec.test. A do",
			"NOERROR aa | dn.nsec.test. 300 DNAME w.nsec.test., dn.nsec.test. 300 "
			"RRSIG DNAME, x.dn.nsec.test. 300 CNAME x.w.nsec.test., x.w.nsec.test. "
			"300 A 192.0.2.3, x.w.nsec.test. 300 RRSIG A | *.w.nsec.test. 60 NSEC "
			"*.wc.nsec.test. A RRSIG NSEC, *.w.nsec.test. 60 RRSIG NSEC | - | 1232 "
			"do",
			453 },
		{ "a chain is signed", "c.nsec.test. A do",
			"NOERROR aa | c.nsec.test. 300 CNAME mail.nsec.test., c.nsec.test. 300 "
			"RRSIG CNAME, mail.nsec.test. 300 A 192.0.2.2, mail.nsec.test. 300 "
			"RRSIG A | - | - | 1232 do",
			285 },
		{ "what signs an RRset names nobody", "nsec.test. MX do",
			"NOERROR aa | nsec.test. 300 MX 10 mail.nsec.test., nsec.test. 300 "
			"RRSIG MX | - | mail.nsec.test. 300 A 192.0.2.2, mail.nsec.test. 300 "
			"RRSIG A | 1232 do",
			285 },
		{ "RRSIG by itself", "mail.nsec.test. RRSIG do",
			"NOERROR aa | mail.nsec.test. 300 RRSIG A, mail.nsec.test. 60 RRSIG "
			"NSEC | - | - | 1232 do",
			253 },
		{ "ANY does not begin with signatures", "mail.nsec.test. ANY do",
			"NOERROR aa | mail.nsec.test. 300 A 192.0.2.2, mail.nsec.test. 300 "
			"RRSIG A | - | - | 1232 do",
			164 },
		{ "NSEC3: NXDOMAIN", "nope.nsec3.test. A do",
			"NXDOMAIN aa | - | nsec3.test. 60 SOA ns1.nsec3.test. h.nsec3.test. 1 "
			"2 3 4 60, nsec3.test. 60 RRSIG SOA, "
			"0madr2c2o78cqsoquiejtbeh6gfgb0ff.nsec3.test. 60 NSEC3 1 0 0 -  "
			"0vkjlmki2vu0130ivqc5vq1mbi6f1mii NS SOA MX TXT RRSIG DNSKEY "
			"NSEC3PARAM, 0madr2c2o78cqsoquiejtbeh6gfgb0ff.nsec3.test. 60 RRSIG "
			"NSEC3, est1m5tin42123ep0tg0g88bmvlth3cr.nsec3.test. 60 NSEC3 1 0 0 -  "
			"i4m1uprq092vu2qkv9a871gj8vap504q NS, "
			"est1m5tin42123ep0tg0g88bmvlth3cr.nsec3.test. 60 RRSIG NSEC3, "
			"mlhsvsij4csg8japi9lv3rsenbsq3v2e.nsec3.test. 60 NSEC3 1 0 0 -  "
			"nsoad3lm3b8bta3lrhh00hkkgrlu0ueo, "
			"mlhsvsij4csg8japi9lv3rsenbsq3v2e.nsec3.test. 60 RRSIG NSEC3 | - | "
			"1232 do",
			735 },
		{ "NSEC3: NODATA", "mail.nsec3.test. AAAA do",
			"NOERROR aa | - | nsec3.test. 60 SOA ns1.nsec3.test. h.nsec3.test. 1 2 "
			"3 4 60, nsec3.test. 60 RRSIG SOA, "
			"su5rh8qfcdj8mu0dpc77702pvh9md992.nsec3.test. 60 NSEC3 1 0 0 -  "
			"ts2sfqudrgjvf9u5d3rpn299pr1fnnu8 A RRSIG, "
			"su5rh8qfcdj8mu0dpc77702pvh9md992.nsec3.test. 60 RRSIG NSEC3 | - | "
			"1232 do",
			377 },
		{ "NSEC3: a wildcard", "q.w.nsec3.test. A do",
			"NOERROR aa | q.w.nsec3.test. 300 A 192.0.2.3, q.w.nsec3.test. 300 "
			"RRSIG A | 7l3gpqi6vese9mdjlscgdp9ebvf2c0dr.nsec3.test. 60 NSEC3 1 0 0 "
			"-  9j2i20ore4ledebfp1gebej1qkjj2jue MX RRSIG, "
			"7l3gpqi6vese9mdjlscgdp9ebvf2c0dr.nsec3.test. 60 RRSIG NSEC3 | - | "
			"1232 do",
			350 },
		{ "opt-out: a referral without DS", "x.sib.optout.test. A do",
			"NOERROR | - | sib.optout.test. 300 NS ns1.sib.optout.test., "
			"erd9vfbu0grf1nkof0jid96vnuo181qo.optout.test. 60 NSEC3 1 1 5 abcd  "
			"gfisv2iu1uqksd2dgtkh322i8nera376 NS SOA MX TXT RRSIG DNSKEY "
			"NSEC3PARAM, erd9vfbu0grf1nkof0jid96vnuo181qo.optout.test. 60 RRSIG "
			"NSEC3, 3i3osf35rdf0mvfos9mnkpd4v3enqdsj.optout.test. 60 NSEC3 1 1 5 "
			"abcd  5i8lps4vnv12sk8of8b093lq63tmd8nr DNAME RRSIG, "
			"3i3osf35rdf0mvfos9mnkpd4v3enqdsj.optout.test. 60 RRSIG NSEC3 | "
			"ns1.sib.optout.test. 300 A 192.0.2.5 | 1232 do",
			457 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void an_answer_may_fill_what_the_asker_takes_and_no_more(void)
{
	/* Without EDNS 512 bytes: 12 + 20 + 30 times 16, and 12 + 21 + 30 times 16. */
	CU_ASSERT_EQUAL(count(asking(&x, "exact6 A"), " A 10.2.0."), 30);
	CU_ASSERT_EQUAL(x.len, 512);
	CU_ASSERT_STRING_EQUAL(asking(&x, "exactly A"), "NOERROR aa tc | - | - | - | -");
	CU_ASSERT_EQUAL(x.len, 33);
	/* With EDNS the OPT record, too, must fit. */
	CU_ASSERT_EQUAL(count(asking(&x, "exact6 A size=523"), " A 10.2.0."), 30);
	CU_ASSERT_EQUAL(x.len, 523);
	CU_ASSERT_EQUAL(count(asking(&x, "exact6 A size=522"), " A 10.2.0."), 0);
	/* 1232 over UDP, whatever the asker takes. */
	CU_ASSERT_EQUAL(count(asking(&x, "elevenbytes A size=4096"), " A 10.4.0."), 74);
	CU_ASSERT_EQUAL(x.len, 1232);
	CU_ASSERT_EQUAL(count(asking(&x, "twelve-bytes A size=4096"), " A 10.4.0."), 0);
	CU_ASSERT_EQUAL(count(asking(&x, "twelve-bytes A tcp"), " A 10.4.0."), 74);
	CU_ASSERT_EQUAL(x.len, 12 + 26 + 74 * 16);
}

/* With signatures the RRset, its signature, and the proof of each. */
static void signatures_and_rrset_are_both_there_or_neither(void)
{
	const char *text = asking(&x, "nsec.test. DNSKEY do");

	CU_ASSERT_EQUAL(count(text, "RRSIG DNSKEY"), 1);
	CU_ASSERT_EQUAL(count(text, " DNSKEY 25"), 2);
	text = asking(&x, "nsec.test. ANY do tcp");
	CU_ASSERT_EQUAL(count(text, " RRSIG "), 6 + 1); /* one more is of the NSEC's types */
	text = asking(&x, "nsec.test. ANY tcp");
	CU_ASSERT_EQUAL(count(text, " RRSIG "), 6 + 1);
}

/* 16 links of a chain, and what is behind them is for the resolver to ask. */
static void a_chain_is_followed_for_16_names(void)
{
	const char *text = asking(&x, "chain1 A tcp");

	CU_ASSERT_EQUAL(count(text, " CNAME "), 17);
	CU_ASSERT_EQUAL(count(text, " A "), 0);
	text = asking(&x, "chain5 A tcp");
	CU_ASSERT_EQUAL(count(text, " CNAME "), 16);
	CU_ASSERT_EQUAL(count(text, " A 192.0.2.64"), 1);
	/* The same DNAME once, however often the way leads by. */
	text = asking(&x, "x.round A");
	CU_ASSERT_EQUAL(count(text, " DNAME "), 1);
}

/* RFC 6891 section 6.2.5, and RFC 5001: rather no identity than too much. */
static void a_long_identity_gives_way(void)
{
	memset(x.policy.identity.text, 'i', POLICY_TEXT);
	x.policy.identity.len = POLICY_TEXT;
	asking_again(&x);
	const char *text = asking(&x, "mail A nsid size=512");
	CU_ASSERT_EQUAL(x.len, 46 + 11 + 4 + 255);
	CU_ASSERT_EQUAL(count(text, "nsid=iiii"), 1);
	static const char a63[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char question[400];
	snprintf(question, sizeof question, "%s.%s.%s.%.40s A nsid size=512", a63, a63, a63,
		a63);
	text = asking(&x, question);
	CU_ASSERT_EQUAL(count(text, "nsid"), 0);
	CU_ASSERT_EQUAL(count(text, "NXDOMAIN aa |"), 1);
	CU_ASSERT_TRUE(x.len <= 512);
	x.policy.identity = (struct policy_text){ 4, "here" };
	asking_again(&x);
}

/* RFC 8467 section 4.1: over TLS, for who asks for it. The option itself has 4 bytes. */
static void answers_are_padded_to_whole_blocks(void)
{
	static const char *const names[] = { "mail A", "none A", "exact6 A", "many MX", "nope A" };
	static const char *const plain[] = { "tls edns", "tcp pad", "pad", "tls do" };
	char question[60];

	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		snprintf(question, sizeof question, "%s tls edns", names[i]);
		asking(&x, question);
		const size_t want = (x.len + 4 + 467) / 468 * 468;
		snprintf(question, sizeof question, "%s tls pad", names[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(asking(&x, question), " option12:"));
		CU_ASSERT_EQUAL(x.len, want);
		for (size_t k = 0; k < UNIT_COUNT(plain); k++) {
			snprintf(question, sizeof question, "%s %s", names[i], plain[k]);
			CU_ASSERT_PTR_NULL(strstr(asking(&x, question), " option12:"));
			CU_ASSERT_NOT_EQUAL(x.len % 468, 0);
		}
	}
	CU_ASSERT_STRING_EQUAL(asking(&x, "mail A tls pad"), "NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 option12:407");
}

/* RFC 7314, of the apex; RFC 9660. */
static void who_asks_for_it_is_told_of_the_zone(void)
{
	static const struct {
		const char *question, *option; /* NULL: none */
		size_t len;
	} row[] = {
		{ "@ SOA expire", "\0\x9\0\4\0\x12\x75\0", 8 }, /* 1209600 s */
		{ "mail A expire", NULL, 0 },
		{ "@ A expire", NULL, 0 },
		{ "mail A zoneversion", "\0\x13\0\6\1\0\0\0\0\7", 10 },
		{ "nope A zoneversion", "\0\x13\0\6\1\0\0\0\0\7", 10 },
		{ "www.child A zoneversion", "\0\x13\0\6\2\0\0\0\0\1", 10 },
		{ "x.late.test. A zoneversion", NULL, 0 },
		{ "x.nowhere. A zoneversion", NULL, 0 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *got = asking(&x, row[i].question);
		const bool has = strstr(got, " option9:") || strstr(got, " option19:");
		if (has != (row[i].len != 0) || (has && !memmem(x.reply, x.len, row[i].option, row[i].len))) {
			printf("%s: %s\n", row[i].question, got);
			CU_FAIL("an option");
		}
	}
}

static const struct unit_case cases[] = {
	{ "who asks for it is told of the zone", who_asks_for_it_is_told_of_the_zone },
	{ "answers are padded to whole blocks", answers_are_padded_to_whole_blocks },
	{ "what does not fit is left out, with TC", what_does_not_fit_is_left_out_with_tc },
	{ "who asks for it gets signatures and proofs",
		who_asks_for_it_gets_signatures_and_proofs },
	{ "an answer may fill what the asker takes, and no more",
		an_answer_may_fill_what_the_asker_takes_and_no_more },
	{ "an RRset and its signatures are both there, or neither",
		signatures_and_rrset_are_both_there_or_neither },
	{ "a chain is followed for 16 names", a_chain_is_followed_for_16_names },
	{ "a long identity gives way to the answer", a_long_identity_gives_way },
};

static int open_world(void)
{
	asking_open(&x, true);
	return 0;
}

static int close_world(void)
{
	asking_close(&x);
	return 0;
}

void suite_compose(void);
void suite_compose(void)
{
	unit_suite_with("answer/compose", cases, UNIT_COUNT(cases), open_world, close_world);
}
