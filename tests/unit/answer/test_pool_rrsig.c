#include "answer/pool_rrsig.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "dns/rrtype.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static struct asking x;

/* How many signatures a section has, when all of them verify; else -1. */
static int verified_of(const ldns_rr_list *section, ldns_rr *key)
{
	int n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(section) && n >= 0; i++) {
		const ldns_rr *sig = ldns_rr_list_rr(section, i);
		if (ldns_rr_get_type(sig) != LDNS_RR_TYPE_RRSIG)
			continue;
		ldns_rr_list *set = ldns_rr_list_new();
		for (size_t k = 0; k < ldns_rr_list_rr_count(section); k++) {
			ldns_rr *rr = ldns_rr_list_rr(section, k);
			if (ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(sig)) ==
					ldns_rr_get_type(rr) &&
				ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(sig)) == 0)
				ldns_rr_list_push_rr(set, rr);
		}
		const ldns_status s = ldns_verify_rrsig_time(
			set, (ldns_rr *)(uintptr_t)sig, key, (time_t)x.a.now_s);
		n = s == LDNS_STATUS_OK ? n + 1 : -1;
		ldns_rr_list_free(set);
	}
	return n;
}

/* Do all signatures of the last answer's RRsets verify, and how many are they? -1: one does not. A
 * section at a time: ldns_pkt_all_noquestion() loses what it copies on its way. */
static int verified(void)
{
	size_t len;
	const uint8_t *dnskey = signing_key_dnskey(x.keys->keys[0].key, &len);
	ldns_rr *key = ldns_rr_new_frm_type(LDNS_RR_TYPE_DNSKEY);
	ldns_pkt *pkt;
	int n = -1;

	ldns_rr_set_rdf(key, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (uint16_t)be16_get(dnskey)), 0);
	ldns_rr_set_rdf(key, ldns_native2rdf_int8(LDNS_RDF_TYPE_INT8, dnskey[2]), 1);
	ldns_rr_set_rdf(key, ldns_native2rdf_int8(LDNS_RDF_TYPE_ALG, dnskey[3]), 2);
	ldns_rr_set_rdf(key, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_B64, len - 4, dnskey + 4), 3);
	ldns_rr_set_owner(key, ldns_dname_new_frm_str("pools.test."));
	if (ldns_wire2pkt(&pkt, x.reply, x.len) == LDNS_STATUS_OK) {
		const int answer = verified_of(ldns_pkt_answer(pkt), key),
			  authority = verified_of(ldns_pkt_authority(pkt), key);
		n = answer < 0 || authority < 0 ? -1 : answer + authority;
		ldns_pkt_free(pkt);
	}
	ldns_rr_free(key);
	return n;
}

static void is(const char *question, const char *answer, int signatures)
{
	CU_ASSERT_STRING_EQUAL(asking(&x, question), answer);
	CU_ASSERT_EQUAL(verified(), signatures);
}

static void what_a_pool_answers_is_signed(void)
{
	is("shop.pools.test. A do ecs=2.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 A 192.0.2.2, shop.pools.test. 300 RRSIG A | - | "
		"- | 1232 do ecs1/24/16",
		1);
	is("shop.pools.test. A ecs=2.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 A 192.0.2.2 | - | - | 1232 ecs1/24/16", 0);
	is("shop.pools.test. A do ecs=1.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 A 192.0.2.1, shop.pools.test. 300 A "
		"192.0.2.101, shop.pools.test. 300 RRSIG A | - | - | 1232 do ecs1/24/8",
		1);
	is("SHOP.pools.test. AAAA do ecs=2.0.1.0/24",
		"NOERROR aa | SHOP.pools.test. 300 AAAA 2001:db8::2, SHOP.pools.test. 300 RRSIG "
		"AAAA | - | - | 1232 do ecs1/24/16",
		1);
	is("shop.pools.test. HTTPS do ecs=2.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 HTTPS 1 . alpn=h3 ipv4hint=192.0.2.2 "
		"ech=AAIHBw== ipv6hint=2001:db8::2, shop.pools.test. 300 RRSIG HTTPS | - | - | "
		"1232 do ecs1/24/16",
		1);
	is("alias.pools.test. TXT do",
		"NOERROR aa | alias.pools.test. 300 CNAME to.cdn.test., alias.pools.test. 300 "
		"RRSIG CNAME | - | - | 1232 do",
		1);
}

static void a_wildcard_is_signed_with_the_proof_of_nothing_closer(void)
{
	is("a.b.dev.pools.test. A do ecs=2.0.1.0/24",
		"NOERROR aa | a.b.dev.pools.test. 300 A 192.0.2.2, a.b.dev.pools.test. 300 RRSIG A "
		"| *.dev.pools.test. 60 NSEC gone.pools.test. A AAAA RRSIG NSEC SVCB HTTPS | - | "
		"1232 do ecs1/24/16",
		1);
}

static void less_is_answered_until_the_whole_is_signed(void)
{
	is("two.pools.test. A do",
		"NOERROR aa | two.pools.test. 5 A 192.0.2.1, two.pools.test. 5 A 192.0.2.101, "
		"two.pools.test. 5 RRSIG A | - | - | 1232 do",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, 1);
	asking_sign_wanted(&x);
	is("two.pools.test. A do",
		"NOERROR aa | two.pools.test. 300 A 192.0.2.1, two.pools.test. 300 A 192.0.2.101, "
		"two.pools.test. 300 A 192.0.2.2, two.pools.test. 300 RRSIG A | - | - | 1232 do",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, 1);
	/* Of edges with nothing in common the hints are not known ahead. */
	is("shop.pools.test. SVCB do ecs=3.0.1.0/24",
		"NOERROR aa | shop.pools.test. 5 SVCB 2 . dohpath=/, shop.pools.test. 5 RRSIG SVCB "
		"| - | - | 1232 do ecs1/24/17",
		1);
	asking_sign_wanted(&x);
	is("shop.pools.test. SVCB do ecs=3.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 SVCB 2 . ipv4hint=192.0.2.4 "
		"ipv6hint=2001:db8::3 dohpath=/, shop.pools.test. 300 RRSIG SVCB | - | - | 1232 do "
		"ecs1/24/17",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, 2);
}

/* What is signed ahead of an edge is all that it has. */
static void dead_addresses_are_given_until_the_live_ones_are_signed(void)
{
	const unsigned wanted = x.n_wanted;

	x.second_dead = true;
	asking_again(&x);
	is("shop.pools.test. A do ecs=1.0.1.0/24",
		"NOERROR aa | shop.pools.test. 5 A 192.0.2.1, shop.pools.test. 5 A 192.0.2.101, "
		"shop.pools.test. 5 RRSIG A | - | - | 1232 do ecs1/24/8",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, wanted + 1);
	asking_sign_wanted(&x);
	is("shop.pools.test. A do ecs=1.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 A 192.0.2.1, shop.pools.test. 300 RRSIG A | - | - | "
		"1232 do ecs1/24/8",
		1);
	x.second_dead = false;
	asking_again(&x);
}

static void what_is_not_there_for_now_has_a_proof_of_its_own(void)
{
	x.states[0] = x.states[1] = EDGE_DOWN;
	asking_again(&x);
	is("gone.pools.test. AAAA do",
		"NOERROR aa | - | pools.test. 60 SOA ns.pools.test. host.pools.test. 1 2 3 4 60, "
		"gone.pools.test. 60 NSEC shop.pools.test. A RRSIG NSEC, gone.pools.test. 60 RRSIG "
		"NSEC | - | 1232 do",
		1);
	/* A pool of CNAMEs has none: nothing of any type, and no CNAME. */
	x.states[4] = EDGE_DOWN;
	asking_again(&x);
	is("cgone.pools.test. TXT do",
		"NOERROR aa | - | pools.test. 60 SOA ns.pools.test. host.pools.test. 1 2 3 4 60, "
		"cgone.pools.test. 60 NSEC *.dev.pools.test. RRSIG NSEC, cgone.pools.test. 60 "
		"RRSIG NSEC | - | 1232 do",
		1);
	x.states[4] = EDGE_UP;
	/* What it never has is proven by the chain's own record. */
	is("gone.pools.test. TXT do",
		"NOERROR aa | - | pools.test. 60 SOA ns.pools.test. host.pools.test. 1 2 3 4 60, "
		"gone.pools.test. 60 NSEC shop.pools.test. A AAAA RRSIG NSEC | - | 1232 do",
		0);
	x.states[0] = x.states[1] = EDGE_UP;
	asking_again(&x);
	is("gone.pools.test. AAAA do",
		"NOERROR aa | gone.pools.test. 90 AAAA 2001:db8::1, gone.pools.test. 90 RRSIG AAAA "
		"| - | - | 1232 do",
		1);
}

static void the_record_that_names_the_pool_is_not_shown(void)
{
	is("shop.pools.test. EDGE do",
		"NOERROR aa | - | pools.test. 60 SOA ns.pools.test. host.pools.test. 1 2 3 4 60, "
		"shop.pools.test. 60 NSEC two.pools.test. A AAAA RRSIG NSEC SVCB HTTPS | - | 1232 "
		"do",
		0);
	is("shop.pools.test. ANY tcp",
		"NOERROR aa | shop.pools.test. 60 NSEC two.pools.test. A AAAA RRSIG NSEC SVCB "
		"HTTPS | - | - | -",
		0);
	CU_ASSERT_PTR_NOT_NULL(strstr(asking(&x, "shop EDGE"), "| shop 300 TYPE65301"));
}

/* Which names there are depends on who asks: each is signed when it is asked for first, and only that of a client of which
 * nothing is known is signed ahead. */
static void a_name_that_is_made_for_a_client_is_signed_once_it_is_asked_for(void)
{
	const unsigned wanted = x.n_wanted;

	is("where.pools.test. A do",
		"NOERROR aa | where.pools.test. 300 CNAME unknown-asunknown.cdn.test., where.pools.test. 300 RRSIG CNAME "
		"| - | - | 1232 do",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, wanted);
	CU_ASSERT_STRING_EQUAL(asking(&x, "where.pools.test. A do ecs=3.0.1.0/24"), "nothing");
	CU_ASSERT_EQUAL(x.n_wanted, wanted + 1);
	asking_sign_wanted(&x);
	is("where.pools.test. A do ecs=3.0.1.0/24",
		"NOERROR aa | where.pools.test. 300 CNAME us-as64500.cdn.test., where.pools.test. 300 RRSIG CNAME "
		"| - | - | 1232 do ecs1/24/17",
		1);
	/* The next country's is another, and no type that is asked for makes a difference. */
	CU_ASSERT_STRING_EQUAL(asking(&x, "where.pools.test. A do ecs=2.0.1.0/24"), "nothing");
	asking_sign_wanted(&x);
	is("where.pools.test. TXT do ecs=2.0.1.0/24",
		"NOERROR aa | where.pools.test. 300 CNAME it-asunknown.cdn.test., where.pools.test. 300 RRSIG CNAME "
		"| - | - | 1232 do ecs1/24/16",
		1);
	CU_ASSERT_EQUAL(x.n_wanted, wanted + 2);
	is("where.pools.test. A ecs=2.0.1.0/24",
		"NOERROR aa | where.pools.test. 300 CNAME it-asunknown.cdn.test. | - | - | 1232 ecs1/24/16", 0);
}

static void signatures_that_have_ended_are_not_given(void)
{
	x.a.now_s += 1000001;
	CU_ASSERT_STRING_EQUAL(asking(&x, "shop.pools.test. A do ecs=2.0.1.0/24"), "nothing");
	CU_ASSERT_STRING_EQUAL(asking(&x, "shop.pools.test. A do tcp"),
		"SERVFAIL | - | - | - | 1232 do ede14");
	x.states[0] = x.states[1] = EDGE_DOWN;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(asking(&x, "gone.pools.test. AAAA do"), "nothing");
	CU_ASSERT_STRING_EQUAL(asking(&x, "gone.pools.test. AAAA do tcp"),
		"SERVFAIL | - | - | - | 1232 do ede14");
	x.states[0] = x.states[1] = EDGE_UP;
	asking_again(&x);
	x.a.now_s -= 1000001;
	is("shop.pools.test. A do ecs=2.0.1.0/24",
		"NOERROR aa | shop.pools.test. 300 A 192.0.2.2, shop.pools.test. 300 RRSIG A | - | "
		"- | 1232 do ecs1/24/16",
		1);
}

static const struct unit_case cases[] = {
	{ "what a pool answers is signed", what_a_pool_answers_is_signed },
	{ "a wildcard is signed with the proof of nothing closer",
		a_wildcard_is_signed_with_the_proof_of_nothing_closer },
	{ "less is answered until the whole is signed", less_is_answered_until_the_whole_is_signed },
	{ "dead addresses are given until the live ones are signed",
		dead_addresses_are_given_until_the_live_ones_are_signed },
	{ "what is not there for now has a proof of its own",
		what_is_not_there_for_now_has_a_proof_of_its_own },
	{ "the record that names the pool is not shown",
		the_record_that_names_the_pool_is_not_shown },
	{ "a name that is made for a client is signed once it is asked for",
		a_name_that_is_made_for_a_client_is_signed_once_it_is_asked_for },
	{ "signatures that have ended are not given", signatures_that_have_ended_are_not_given },
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

void suite_pool_rrsig(void);
void suite_pool_rrsig(void)
{
	unit_suite_with("answer/pool_rrsig", cases, UNIT_COUNT(cases), open_world, close_world);
}
