#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define STORE        "store: { file: w.db }\n"
#define POLICY(rest) SERVER ZONES "dnssec: { p: { " rest " } }\n"

static void zones_are_signed_by_the_policy_that_they_name(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER STORE
		"peers: { up: { at: [ 192.0.2.9, \"192.0.2.10:5353\" ] } }\n"
		"dnssec:\n"
		"  slow: { algorithm: rsasha256, bits: 3072, keys: split, denial: "
		"nsec3-opt-out,\n"
		"          zsk-roll: 30d, parent: [ up, \"2001:db8::1\" ], cds: cdnskey }\n"
		"  auto: { algorithm: ed25519, ksk-roll: 365d, lifetime: 30d }\n"
		"templates: { t: { dnssec: slow } }\n"
		"zones:\n"
		"- { name: a.example, file: a, dnssec: auto }\n"
		"- { name: b.example, file: b, template: t }\n"
		"- { name: c.example, file: c, template: t, dnssec: off }\n"
		"- { name: d.example, file: d }\n",
		&lines));
	const struct conf_dnssec *of[4];
	for (size_t i = 0; i < 4; i++) {
		const unsigned n = c.rules[c.zones[i].rule].dnssec;
		of[i] = n ? &c.dnssec[n - 1] : NULL;
	}
	CU_ASSERT_PTR_NULL(of[2]);
	CU_ASSERT_PTR_NULL(of[3]);
	CU_ASSERT_STRING_EQUAL(of[0]->name, "auto");
	CU_ASSERT_EQUAL(of[0]->keys.algorithm, SIGNING_ED25519);
	CU_ASSERT_EQUAL(of[0]->keys.ksk_roll_s, 365 * 86400);
	CU_ASSERT_EQUAL(of[0]->keys.sign.lifetime_s, 30 * 86400);
	CU_ASSERT_EQUAL(of[0]->keys.sign.refresh_s, 7 * 86400);
	CU_ASSERT_EQUAL(of[0]->n_parents, 0);
	CU_ASSERT_STRING_EQUAL(of[1]->name, "slow");
	CU_ASSERT_EQUAL(of[1]->keys.algorithm, SIGNING_RSASHA256);
	CU_ASSERT_EQUAL(of[1]->keys.bits, 3072);
	CU_ASSERT(of[1]->keys.split);
	CU_ASSERT_EQUAL(of[1]->keys.sign.denial, KEYSET_NSEC3);
	CU_ASSERT(of[1]->keys.sign.opt_out);
	CU_ASSERT(!of[1]->keys.sign.cds && of[1]->keys.sign.cdnskey);
	CU_ASSERT_EQUAL_FATAL(of[1]->n_parents, 3);
	CU_ASSERT_STRING_EQUAL(of[1]->parents[1].name, "up");
	CU_ASSERT_STRING_EQUAL(of[1]->parents[2].name, "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(c.keys_dir, "/etc/waymark/keys");
	conf_fini(&c);
	text_fini(&lines);
}

static void there_is_a_policy_without_a_section(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER STORE "zones: [ { name: a.example, file: a, dnssec: auto } ]\n",
		&lines));
	CU_ASSERT_EQUAL(c.rules[c.zones[0].rule].dnssec, 1);
	CU_ASSERT_EQUAL(c.dnssec[0].keys.algorithm, SIGNING_ECDSAP256SHA256);
	CU_ASSERT_EQUAL(c.dnssec[0].keys.ksk_roll_s, 0);
	CU_ASSERT_FALSE(c.dnssec[0].keys.split);
	conf_fini(&c);
	text_fini(&lines);
}

static void policies_that_cannot_work_are_told(void)
{
	static const struct told_case row[] = {
		{ "signatures that are never fresh",
			POLICY("lifetime: 7d, refresh: 6d, jitter: 1d"),
			"3:39: error: refresh and jitter together (604800s) must be less than "
			"lifetime (604800s), or signatures are made anew as soon as they are "
			"made\n" },
		{ "signatures that end in caches", POLICY("refresh: 1h, propagation: 30m"),
			"3:25: error: refresh (3600s) must be more than dnskey-ttl and "
			"propagation "
			"together (5400s), or caches have signatures that have ended\n" },
		{ "rolls that never end", POLICY("ksk-roll: 1d"),
			"3:26: error: a roll takes longer than that: at least twice dnskey-ttl "
			"and "
			"propagation, and the TTL of the DS (100800s)\n" },
		{ "rolls of ZSKs, too", POLICY("keys: split, zsk-roll: 1h"),
			"3:39: error: a roll takes longer than that: at least twice dnskey-ttl "
			"and "
			"propagation (14400s)\n" },
		{ "a ZSK that is none", POLICY("zsk-roll: 30d"),
			"3:16: error: there is no ZSK without \"keys: split\"; \"ksk-roll\" is "
			"for "
			"a CSK\n" },
		{ "bits of a curve", POLICY("bits: 2048"),
			"3:16: error: \"bits\" is for rsasha256 and rsasha512; keys of this "
			"algorithm have one length\n" },
		{ "weak RSA", POLICY("algorithm: rsasha256, bits: 1024"),
			"3:44: error: \"bits\" must be a number from 2048 to 4096, not "
			"\"1024\"\n" },
		{ "weak algorithms", POLICY("algorithm: rsasha1"),
			"3:27: error: \"algorithm\" must be ecdsap256sha256, ecdsap384sha384, "
			"ed25519, ed448, rsasha256 or rsasha512, not \"rsasha1\"; did you mean \"rsasha512\"?\n" },
		{ "a time without a unit", POLICY("refresh: 7"),
			"3:25: error: \"refresh\" needs a unit (s, m, h, d or w); write 7s\n" },
		{ "parts of seconds", POLICY("refresh: 10500ms"),
			"3:25: error: \"refresh\" must be a duration from 10s to 365d, such as "
			"1h, "
			"not \"10500ms\"\n" },
		{ "an unknown parent", POLICY("parent: up"),
			"3:24: error: there is no peer \"up\"; write it under \"peers\" "
			"first\n" },
		{ "a policy called off", SERVER ZONES "dnssec: { off: {} }\n",
			"3:11: error: \"off\" is no name for a policy: it is what a zone says "
			"that "
			"is not signed\n" },
		{ "an unknown policy", SERVER STORE "zones: [ { dir: z, dnssec: atuo } ]\n",
			"3:28: error: there is no policy \"atuo\"; did you mean \"auto\"?\n" },
		{ "no store", SERVER "zones: [ { dir: z, dnssec: auto } ]\n",
			"2:10: error: \"dnssec\" needs a store, for keys and their states; "
			"write "
			"for example: store: { file: /var/lib/waymark/waymark.db }\n" },
	};
	told_check(row, UNIT_COUNT(row));
}

/* Whatever else is wrong with a policy of such a value. */
static bool is_in_bounds(const char *key, unsigned seconds)
{
	struct text lines = { 0 };
	char conf[500], told[100];
	struct conf c;

	snprintf(conf, sizeof conf, POLICY("%s: %us"), key, seconds);
	snprintf(told, sizeof told, "\"%s\" must be a duration from ", key);
	if (told_read(&c, conf, &lines))
		conf_fini(&c);
	const bool is = !strstr(text_get(&lines), told);
	text_fini(&lines);
	return is;
}

static void times_have_bounds(void)
{
	enum { DAY = 86400 };
	static const struct {
		const char *key;
		unsigned least, most;
	} row[] = { { "lifetime", 60, 365 * DAY }, { "refresh", 10, 365 * DAY }, { "jitter", 0, 365 * DAY }, { "backdate", 0, 30 * DAY },
		{ "dnskey-ttl", 1, 7 * DAY }, { "ksk-roll", 60, 3650 * DAY }, { "zsk-roll", 60, 3650 * DAY }, { "propagation", 0, 30 * DAY },
		{ "ds-ttl", 1, 30 * DAY }, { "ds-check", 1, 7 * DAY } };

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_TRUE(is_in_bounds(row[i].key, row[i].least));
		CU_ASSERT_TRUE(is_in_bounds(row[i].key, row[i].most));
		CU_ASSERT_FALSE(is_in_bounds(row[i].key, row[i].most + 1));
		if (row[i].least)
			CU_ASSERT_FALSE(is_in_bounds(row[i].key, row[i].least - 1));
	}
}

static const struct unit_case cases[] = {
	{ "zones are signed by the policy that they name",
		zones_are_signed_by_the_policy_that_they_name },
	{ "there is a policy without a section", there_is_a_policy_without_a_section },
	{ "times have bounds", times_have_bounds },
	{ "policies that cannot work are told", policies_that_cannot_work_are_told },
};

void suite_schema_dnssec(void);
void suite_schema_dnssec(void)
{
	unit_suite("conf/schema_dnssec", cases, UNIT_COUNT(cases));
}
