#include "zone/sign.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "unit/failing.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/denial.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/sign_rrset.h"
#include "zone/zone_with.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t apex[] = "\7example";
static struct signing_key *key, *other;
static struct zone_with_opts with;
static const int64_t now_s = 1800000000;

/* Ed25519 signs the same in the same way each time. */
static int open_suite(void)
{
	struct fault why;

	key = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);
	other = signing_key_new(SIGNING_ED25519, 0, SIGNING_ZSK, &why);
	with = change_of_opts(true);
	return !key || !other;
}

static int close_suite(void)
{
	signing_key_drop(key);
	signing_key_drop(other);
	return 0;
}

enum kind { NSEC, NSEC3, OPT_OUT, KINDS };

static struct keyset *keys_of(enum kind kind, struct signing_key *zone_key)
{
	const struct keyset_policy policy = { .lifetime_s = 14 * 86400,
		.refresh_s = 7 * 86400,
		.jitter_s = 86400,
		.backdate_s = 3600,
		.dnskey_ttl_s = 3600,
		.denial = kind == NSEC ? KEYSET_NSEC : KEYSET_NSEC3,
		.opt_out = kind == OPT_OUT,
		.cds = true,
		.cdnskey = true,
		.cds_digest = SIGNING_DIGEST_SHA256 };
	const struct keyset_key keys[] = { { key, true, true, zone_key == key, true },
		{ other, zone_key == other, false, zone_key == other, false } };

	return keyset_new(&policy, keys, 2);
}

static struct sign_opts opts_of(const struct keyset *keys)
{
	return (struct sign_opts){ .keys = keys, .compile = &with.compile, .now_s = now_s };
}

/* --- the same zones ----------------------------------------------------------------------- */

static const char *differ(const struct zone *a, const struct zone *b)
{
	static char text[NAME_TEXT + 64];
	char name[NAME_TEXT];
	uint8_t owner[NAME_MOST];
	const struct zone_node *n = image_first(a), *m = image_first(b);

	for (; n && m; n = image_next(a, n), m = image_next(b, m)) {
		const size_t len = (size_t)(zone_node_end(n) -
			(const uint8_t *)zone_first_rrset(n));
		image_owner(a, n, owner);
		snprintf(text, sizeof text, "%s flags %x %x sets %u %u", name_text(name, owner),
			n->flags, m->flags, n->rrsets, m->rrsets);
		if (n->name_len != m->name_len || memcmp(n->name, m->name, n->name_len) != 0 ||
			n->flags != m->flags || n->rrsets != m->rrsets)
			return text;
		if ((size_t)(zone_node_end(m) - (const uint8_t *)zone_first_rrset(m)) != len ||
			memcmp(zone_first_rrset(n), zone_first_rrset(m), len) != 0) {
			const struct zone_rrset *s = zone_first_rrset(n),
						*t = zone_first_rrset(m);
			for (unsigned i = 0; i < n->rrsets; i++) {
				if (s->type != t->type || s->aux != t->aux ||
					s->len != t->len || memcmp(s->wire, t->wire, s->len))
					return snprintf(text + strlen(text), 40, " type %u %u",
						       s->type, s->aux),
					       text;
				s = zone_next_rrset(s);
				t = zone_next_rrset(t);
			}
		}
	}
	if (n || m)
		return image_owner(n ? a : b, n ? n : m, owner), name_text(name, owner),
		       snprintf(text, sizeof text, "only in one: %s", name), text;
	return a->records != b->records || a->nodes != b->nodes || a->serial != b->serial
		? "counts"
		: NULL;
}

/* --- random changes ----------------------------------------------------------------------- */

static unsigned next(unsigned n)
{
	return (unsigned)random() % n;
}

static const uint16_t types[] = { RRTYPE_A, RRTYPE_TXT, RRTYPE_NS, RRTYPE_DS, RRTYPE_DNAME,
	RRTYPE_EDGE, RRTYPE_MX, RRTYPE_CNAME };

static size_t random_rdata(uint16_t type, uint8_t *to)
{
	memset(to, 0, 64);
	switch (type) {
	case RRTYPE_A: to[3] = (uint8_t)next(3); return 4;
	case RRTYPE_TXT: return to[0] = 1, to[1] = (uint8_t)('A' + next(3)), 2;
	case RRTYPE_DS:
		to[2] = 13;
		to[3] = 2;
		to[5] = (uint8_t)next(2);
		return 36;
	case RRTYPE_EDGE: return memcpy(to, "\3web", 4), 4;
	case RRTYPE_MX:
		return memcpy(to, "\0\1\1M\7Example\0", 14), to[1] = (uint8_t)next(3), 13;
	default:
		return memcpy(to, "\2Ns\5Other\0", 10), to[1] = (uint8_t)(next(2) ? 'n' : 'N'),
							10;
	}
}

static void random_name(uint8_t *to)
{
	static const char *const labels[] = { "a", "b", "*", "zz", "0" };
	uint8_t *p = to;

	for (unsigned n = next(4); n; n--) {
		const char *l = labels[next(UNIT_COUNT(labels))];
		*p++ = (uint8_t)strlen(l);
		p = (uint8_t *)memcpy(p, l, strlen(l)) + strlen(l);
	}
	memcpy(p, apex, sizeof apex);
}

static const struct zone_rrset *set_of(
	const struct zone *z, const uint8_t *owner, uint16_t type)
{
	struct zone_name name;

	zone_name_set(&name, zone_of_key, owner);
	const struct zone_node *n = zone_find_node(z, &name, 0);
	return n ? zone_find_rrset(n, type) : NULL;
}

static void remove_set(struct change *c, const struct zone *u, const struct zone_node *n,
	const struct zone_rrset *set)
{
	uint8_t owner[NAME_MOST], rdata[600];
	struct change_record rr = { .owner = owner, .rdata = rdata, .ttl_s = 5, .type = set->type };
	struct fault why;

	image_owner(u, n, owner);
	for (size_t at = 0; at < set->len; at += 12 + be16_get(set->wire + at + 10)) {
		rr.rdlen = (uint16_t)image_rdata(u, n, set, at, rdata);
		CU_ASSERT_TRUE(change_remove(c, &rr, &why));
	}
}

/* Whole runs of names go. */
static void remove_most(struct change *c, const struct zone *u)
{
	const unsigned kept = 1 + next(6);

	for (const struct zone_node *n = image_first(u); n; n = image_next(u, n))
		for (unsigned i = 0; i < n->rrsets && n->name_len && next(kept); i++) {
			const struct zone_rrset *set = zone_first_rrset(n);
			for (unsigned k = 0; k < i; k++)
				set = zone_next_rrset(set);
			remove_set(c, u, n, set);
		}
}

static unsigned bulk; /* one change of so many is of many names; 0: none is */

/* Some RRsets go that are there, and some come. */
static struct change *random_change(const struct zone *u)
{
	uint8_t soa[64] = "\2ns\7example\0\1h\7example", owner[NAME_MOST], rdata[600];
	struct change *c = change_new(apex);
	struct fault why;

	memcpy(soa, "\2ns\7example\0\1h\7example\0", 24);
	for (unsigned i = 0; i < 2; i++) {
		be32_put(soa + 23, u->serial + i);
		be32_put(soa + 27, 1);
		be32_put(soa + 31, 1);
		be32_put(soa + 35, 1);
		be32_put(soa + 39, 5);
		const struct change_record rr = { apex, soa, 300, RRTYPE_SOA, 43, i != 0 };
		CU_ASSERT_TRUE_FATAL((i ? change_add : change_remove)(c, &rr, &why));
	}
	const bool many = bulk && !next(bulk);
	if (many && next(2))
		remove_most(c, u);
	for (unsigned n = many ? next(60) : 1 + next(3); n; n--) {
		random_name(owner);
		struct change_record rr = { .owner = owner,
			.rdata = rdata,
			.ttl_s = 5,
			.type = types[next(next(4) ? 4 : UNIT_COUNT(types))] };
		const struct zone_rrset *set = set_of(u, owner, rr.type);
		if (owner[0] == 7 && rr.type == RRTYPE_NS)
			continue;
		if (set && !many && next(3)) {
			struct zone_name name;
			zone_name_set(&name, zone_of_key, owner);
			remove_set(c, u, zone_find_node(u, &name, 0), set);
			continue;
		}
		rr.rdlen = (uint16_t)random_rdata(rr.type, rdata);
		rr.ttl_s = 5 + next(2);
		CU_ASSERT_TRUE(change_add(c, &rr, &why));
	}
	CU_ASSERT_TRUE_FATAL(change_seal(c, &why));
	return c;
}

/* Whatever is asked, both prove it by the same records. */
static const char *proofs_differ(const struct zone *a, const struct zone *b)
{
	static char text[NAME_TEXT + 64];
	static const uint16_t asked[] = { RRTYPE_A, RRTYPE_TXT, RRTYPE_DS, RRTYPE_NS };
	uint8_t owner[NAME_MOST];
	struct zone_name name;
	char shown[NAME_TEXT];

	for (unsigned i = 0; i < 40; i++) {
		const uint16_t type = asked[next(UNIT_COUNT(asked))];
		random_name(owner);
		zone_name_set(&name, zone_of_key, owner);
		const struct lookup x = zone_lookup(a, zone_of_key, &name, type),
				    y = zone_lookup(b, zone_of_key, &name, type);
		const struct denial_proof p = denial_prove(a, &name, &x),
					  q = denial_prove(b, &name, &y);
		bool same = x.kind == y.kind && p.n == q.n;
		for (unsigned k = 0; same && k < p.n; k++)
			same = p.node[k]->name_len == q.node[k]->name_len &&
				memcmp(p.node[k]->name, q.node[k]->name, p.node[k]->name_len) == 0;
		if (!same) {
			snprintf(text, sizeof text, "proof of %s %u", name_text(shown, owner), type);
			return text;
		}
	}
	return NULL;
}

#define ZONE "$TTL 5\n@ 300 SOA ns h 1 1 1 1 5\n@ NS ns\nns A 192.0.2.9\n"

static struct zone *zone_of_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

/* One step of both; false when the change is refused. */
static bool step(struct zone **u, struct zone **s, const struct sign_opts *o)
{
	struct faults f, g;
	struct zone *u2, *s2 = NULL, *wanted;

	faults_init(&f);
	faults_init(&g);
	struct change *c = random_change(*u);
	u2 = zone_with(*u, c, &with, &f);
	struct change *all = u2 ? sign_follow(*s, c, o, &g) : NULL;
	if (u2) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(all);
		s2 = zone_with(*s, all, &with, &g);
		if (!s2)
			printf("\n%s", text_get(&g.text));
		CU_ASSERT_PTR_NOT_NULL_FATAL(s2);
		wanted = sign_zone(u2, o, u2->serial, &g);
		CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
		const char *what = differ(wanted, s2);
		if (!what)
			what = proofs_differ(wanted, s2);
		if (what)
			printf("\nserial %u: %s\n", u2->serial, what);
		CU_ASSERT_PTR_NULL_FATAL(what);
		zone_drop(wanted);
		zone_drop(*u);
		zone_drop(*s);
		*u = u2;
		*s = s2;
	}
	change_free(c);
	change_free(all);
	faults_fini(&f);
	faults_fini(&g);
	return u2 != NULL;
}

static void a_changed_signed_zone_is_what_signing_it_anew_makes(void)
{
	for (unsigned seed = 0; seed < 12; seed++) {
		bulk = seed < 6 ? 0 : 4;
		struct keyset *keys = keys_of(seed % KINDS, key);
		const struct sign_opts o = opts_of(keys);
		struct faults f;
		unsigned done = 0;
		faults_init(&f);
		srandom(seed);
		struct zone *u = zone_of_text(ZONE), *s = sign_zone(u, &o, u->serial, &f);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		for (unsigned i = 0; i < 120; i++) {
			done += step(&u, &s, &o);
			s = zone_merge_wanted(s, zone_of_key);
		}
		CU_ASSERT_TRUE(done > 60);
		zone_drop(u);
		zone_drop(s);
		keyset_drop(keys);
		faults_fini(&f);
	}
	bulk = 0;
}

/* A zone with some hundred names, signed. */
static struct zone *grown(struct zone **u, const struct sign_opts *o)
{
	struct faults f;

	faults_init(&f);
	srandom(99);
	*u = zone_of_text(ZONE "e EDGE web\n");
	for (unsigned i = 0; i < 60; i++) {
		struct change *c = random_change(*u);
		struct zone *next_u = zone_with(*u, c, &with, &f);
		if (next_u) {
			zone_drop(*u);
			*u = next_u;
		}
		change_free(c);
	}
	struct zone *s = sign_zone(*u, o, (*u)->serial, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	faults_fini(&f);
	return s;
}

/* Renews until nothing is left to do, `most` names at a time. Returns how often that took. */
static unsigned renew_all(
	struct zone **s, const struct sign_opts *o, int64_t until_s, size_t most)
{
	struct faults f;
	unsigned steps = 0;

	faults_init(&f);
	for (; steps < 200;) {
		struct sign_renewal r = {
			.until_s = until_s, .serial = (*s)->serial + 1, .most = most
		};
		struct change *c = sign_renew(*s, o, &r, &f);
		CU_ASSERT_EQUAL(f.errors, 0);
		CU_ASSERT_EQUAL(c != NULL, r.n != 0);
		CU_ASSERT_TRUE(r.n <= most);
		CU_ASSERT_TRUE(!r.more || r.n == most);
		if (!c)
			break;
		struct zone *z = zone_with(*s, c, &with, &f);
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		change_free(c);
		zone_drop(*s);
		*s = z;
		steps++;
	}
	faults_fini(&f);
	return steps;
}

/* Is `s` what signing `u` anew makes? */
static void check_anew(const struct zone *u, const struct zone *s, const struct sign_opts *o)
{
	struct faults f;

	faults_init(&f);
	struct zone *wanted = sign_zone(u, o, s->serial, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
	const char *what = differ(wanted, s);
	if (what)
		printf("\n%s\n", what);
	CU_ASSERT_PTR_NULL(what);
	zone_drop(wanted);
	faults_fini(&f);
}

static void other_keys_sign_the_zone_by_and_by(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct keyset *before = keys_of(kind, key), *after = keys_of(kind, other);
		const struct sign_opts o = opts_of(before), p = opts_of(after);
		struct zone *u, *s = grown(&u, &o);
		CU_ASSERT_EQUAL(renew_all(&s, &o, now_s, 1000), 0);
		CU_ASSERT_TRUE(renew_all(&s, &p, now_s, 4) > 3);
		check_anew(u, s, &p);
		zone_drop(u);
		zone_drop(s);
		keyset_drop(before);
		keyset_drop(after);
	}
}

static void signatures_are_made_anew_before_they_end(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct keyset *keys = keys_of(kind, key);
		struct sign_opts o = opts_of(keys);
		struct zone *u, *s = grown(&u, &o);
		const int64_t first_s = s->signatures_end_s;
		CU_ASSERT_TRUE(first_s > now_s + 12 * 86400 && first_s < now_s + 14 * 86400);
		o.now_s += 7 * 86400;
		CU_ASSERT_EQUAL(renew_all(&s, &o, first_s - 1, 1000), 0);
		CU_ASSERT_EQUAL(renew_all(&s, &o, first_s, 1000), 1);
		CU_ASSERT_TRUE(s->signatures_end_s > first_s);
		/* Off for a month: all have ended. */
		o.now_s += 30 * 86400;
		CU_ASSERT_TRUE(renew_all(&s, &o, o.now_s, 8) > 1);
		check_anew(u, s, &o);
		zone_drop(u);
		zone_drop(s);
		keyset_drop(keys);
	}
}

static unsigned one_type(
	void *ctx, const struct edge_rr *rr, uint16_t to[static COMPILE_POOL_TYPES_MOST])
{
	(void)rr;
	to[0] = *(const uint16_t *)ctx;
	return to[0] != 0;
}

static void bitmaps_follow_what_pools_answer(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct keyset *keys = keys_of(kind, key);
		struct sign_opts o = opts_of(keys);
		struct compile_opts compile = with.compile;
		uint16_t type = RRTYPE_HTTPS;
		struct zone *u, *s = grown(&u, &o);
		compile.pool_types = one_type;
		compile.ctx = &type;
		o.compile = &compile;
		CU_ASSERT_EQUAL(renew_all(&s, &o, now_s, 1000), 1);
		check_anew(u, s, &o);
		type = 0;
		CU_ASSERT_EQUAL(renew_all(&s, &o, now_s, 1000), 1);
		check_anew(u, s, &o);
		zone_drop(u);
		zone_drop(s);
		keyset_drop(keys);
	}
}

static void what_signing_makes_can_be_taken_away(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct keyset *keys = keys_of(kind, key),
			      *others = keys_of((kind + 1) % KINDS, key);
		const struct sign_opts o = opts_of(keys);
		struct faults f;
		struct fault why;
		struct zone *u, *s = grown(&u, &o);
		faults_init(&f);
		CU_ASSERT_TRUE(sign_chain_fits(s, keys));
		CU_ASSERT_FALSE(sign_chain_fits(s, others));
		CU_ASSERT_FALSE(sign_chain_fits(u, keys));
		struct zone *plain = sign_strip(s, &with.compile, &f),
			    *same = sign_strip(plain, &with.compile, &f);
		CU_ASSERT_PTR_NULL(differ(u, plain));
		CU_ASSERT_PTR_EQUAL(plain, same);
		/* From the signed zone to what its file says there is no way to go. */
		struct change *none = change_between_data(s, u, s->serial + 5, &why);
		CU_ASSERT_EQUAL(change_goes(none), 1);
		CU_ASSERT_EQUAL(change_comes(none), 1);
		CU_ASSERT_EQUAL(change_to(none), s->serial + 5);
		change_free(none);
		zone_drop(plain);
		zone_drop(same);
		zone_drop(u);
		zone_drop(s);
		keyset_drop(keys);
		keyset_drop(others);
		faults_fini(&f);
	}
}

/* Clients and primaries do not sign for us. */
static void of_a_change_only_data_is_taken(void)
{
	struct keyset *keys = keys_of(NSEC, key);
	const struct sign_opts o = opts_of(keys);
	struct faults f;
	struct fault why;
	struct zone *u = zone_of_text(ZONE), *s;

	faults_init(&f);
	s = sign_zone(u, &o, 1, &f);
	struct change *c = change_of("- example. 300 SOA ns.example. h.example. 77 1 1 1 5\n"
				     "+ example. 300 SOA ns.example. h.example. 2 1 1 1 5\n"
				     "+ example. 5 DNSKEY 256 3 15 AAAA\n"
				     "+ ns.example. 5 NSEC example. A\n"
				     "+ ns.example. 5 TXT b\n",
		&why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	struct change *all = sign_follow(s, c, &o, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	CU_ASSERT_EQUAL(change_from(all), 1);
	struct zone *to = zone_with(s, all, &with, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	const struct zone_rrset *dnskey = zone_find_rrset(to->apex_node, RRTYPE_DNSKEY);
	CU_ASSERT_EQUAL(dnskey->count, 1);
	/* Two RRsets are signed: the SOA, the TXT, and the NSEC of its name. */
	CU_ASSERT_EQUAL(change_comes(all), 6);
	zone_drop(to);
	change_free(all);
	change_free(c);
	zone_drop(s);
	zone_drop(u);
	keyset_drop(keys);
	faults_fini(&f);
}

/* RFC 4034 sections 6.2 and 6.3. */
static void what_is_signed_is_in_canonical_form(void)
{
	static const struct {
		uint16_t type;
		const char *a, *b;
		size_t len;
		bool same;
	} row[] = {
		{ RRTYPE_NS, "\1A\1b", "\1a\1B", 5, true },
		{ RRTYPE_MX, "\0\1\1A", "\0\1\1a", 5, true },
		{ RRTYPE_SRV, "\0\1\0\1\0\1\1A", "\0\1\0\1\0\1\1a", 9, true },
		{ RRTYPE_NAPTR, "\0\1\0\1\1U\1S\0\1A", "\0\1\0\1\1U\1S\0\1a", 12, true },
		{ RRTYPE_NAPTR, "\0\1\0\1\1U\1S\0\1A", "\0\1\0\1\1u\1S\0\1A", 12, false },
		{ RRTYPE_TXT, "\1A", "\1a", 2, false },
		{ RRTYPE_NSEC, "\1A\0\0\1\1", "\1a\0\0\1\1", 6, false },
		{ RRTYPE_SVCB, "\0\1\1A\0", "\0\1\1a\0", 5, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct sign_desk d[2] = { 0 };
		for (unsigned k = 0; k < 2; k++) {
			const struct sign_rr rr[] = {
				{ (const uint8_t *)(k ? row[i].a : row[i].b), row[i].len },
				{ (const uint8_t *)(k ? row[i].b : row[i].a), row[i].len }
			};
			const struct sign_rrset set = { apex, row[i].type, 5, rr, 2 };
			CU_ASSERT_TRUE(sign_prepare(&d[k], &set));
		}
		/* In any order they are the same; and one, when they differ in case alone. */
		CU_ASSERT_EQUAL(d[0].data_len, d[1].data_len);
		const size_t front = SIGN_RRSIG_FIXED + NAME_MOST,
			     one = sizeof apex + 10 + row[i].len;
		CU_ASSERT_EQUAL(d[0].data_len - front, row[i].same ? one : 2 * one);
		CU_ASSERT_EQUAL(
			memcmp(d[0].data + front, d[1].data + front, d[0].data_len - front), 0);
		sign_desk_fini(&d[0]);
		sign_desk_fini(&d[1]);
	}
}

struct trial {
	const struct zone *u, *s;
	const struct change *c;
	struct sign_opts now, after;
};

/* Each either works or says why not. */
static void try_signing(void *ctx)
{
	const struct trial *t = ctx;
	struct sign_renewal r = { .until_s = now_s, .serial = t->s->serial + 1, .most = 5 };
	struct faults f;

	faults_init(&f);
	struct zone *z = sign_zone(t->u, &t->now, 7, &f);
	CU_ASSERT_TRUE(z || (failing_count() && f.errors));
	if (z)
		zone_drop(z);
	struct change *c = sign_follow(t->s, t->c, &t->now, &f);
	CU_ASSERT_TRUE(c || (failing_count() && f.errors));
	change_free(c);
	c = sign_renew(t->s, &t->after, &r, &f);
	CU_ASSERT_TRUE(c || (failing_count() && f.errors));
	change_free(c);
	z = sign_strip(t->s, &with.compile, &f);
	CU_ASSERT_TRUE(z || (failing_count() && f.errors));
	if (z)
		zone_drop(z);
	faults_fini(&f);
}

static void without_memory_nothing_is_signed_and_nothing_is_lost(void)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct keyset *before = keys_of(kind, key), *after = keys_of(kind, other);
		struct trial t = { .now = opts_of(before), .after = opts_of(after) };
		struct fault why;
		struct faults f;
		faults_init(&f);
		struct zone *u = zone_of_text(ZONE "a.b A 192.0.2.1\nc NS x.\ne EDGE web\n");
		t.u = u;
		t.s = sign_zone(u, &t.now, 1, &f);
		struct change *c = change_of(
			"- example. 300 SOA ns.example. h.example. 1 1 1 1 5\n"
			"+ example. 300 SOA ns.example. h.example. 2 1 1 1 5\n"
			"+ x.a.b.example. 5 A 192.0.2.4\n- a.b.example. 5 A 192.0.2.1\n",
			&why);
		t.c = c;
		CU_ASSERT_PTR_NOT_NULL_FATAL(t.s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		try_signing(&t);
		const size_t held = failing_held();
		CU_ASSERT_TRUE(failing_each(try_signing, &t) > 50);
		CU_ASSERT_EQUAL(failing_held(), held);
		change_free(c);
		zone_drop(t.s);
		zone_drop(u);
		keyset_drop(before);
		keyset_drop(after);
		faults_fini(&f);
	}
}

static const struct unit_case cases[] = {
	{ "a changed signed zone is what signing it anew makes",
		a_changed_signed_zone_is_what_signing_it_anew_makes },
	{ "other keys sign the zone by and by", other_keys_sign_the_zone_by_and_by },
	{ "signatures are made anew before they end",
		signatures_are_made_anew_before_they_end },
	{ "bitmaps follow what pools answer", bitmaps_follow_what_pools_answer },
	{ "what signing makes can be taken away", what_signing_makes_can_be_taken_away },
	{ "of a change only data is taken", of_a_change_only_data_is_taken },
	{ "without memory nothing is signed, and nothing is lost",
		without_memory_nothing_is_signed_and_nothing_is_lost },
	{ "what is signed is in canonical form", what_is_signed_is_in_canonical_form },
};

void suite_sign(void)
{
	unit_suite_with("zone/sign", cases, UNIT_COUNT(cases), open_suite, close_suite);
}
