/* test_zone_changes.c - zones that change at random are what their records would be compiled
 * to.
 */
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/denial.h"
#include "zone/image.h"
#include "zone/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t apex[] = "\7example";

/* --- a zone as a list of records ---------------------------------------------------------- */

/* Few labels, so that names meet: cuts, DNAMEs, wildcards, and names that only others need. */
static const char *const labels[] = { "a", "*", "b", "ab" };
enum { LABELS = 4, NAMES = 1 + 4 + 16 + 64, RECORDS_MOST = 600, VALUES = 3 };

struct one {
	unsigned name, type, value;
	uint32_t ttl_s;
};

/* TIED: with a signature and no chain, so that nothing is shared. */
enum kind { PLAIN, NSEC, TIED };

struct model {
	struct one of[RECORDS_MOST];
	size_t n;
	uint32_t serial;
	enum kind kind;
};

static const uint16_t types[] = { RRTYPE_A, RRTYPE_TXT, RRTYPE_MX, RRTYPE_NS, RRTYPE_CNAME,
	RRTYPE_DNAME, RRTYPE_EDGE, RRTYPE_NSEC, RRTYPE_RRSIG };

/* Name 0 is the apex, 1 to 4 have a label, and so on. */
static size_t owner_of(unsigned name, uint8_t to[static NAME_MOST])
{
	size_t len = 0;
	unsigned left = name, depth = 0;

	for (unsigned count = LABELS, n = 1; left >= n; left -= n, n = count, count *= LABELS)
		depth++;
	while (depth--) {
		const char *label = labels[left % LABELS];
		left /= LABELS;
		to[len++] = (uint8_t)strlen(label);
		memcpy(to + len, label, strlen(label));
		len += strlen(label);
	}
	memcpy(to + len, apex, sizeof apex);
	return len + sizeof apex;
}

static size_t rdata_of(const struct one *o, uint8_t *to)
{
	size_t len = 0;

	switch (types[o->type]) {
	case RRTYPE_A: memcpy(to, (uint8_t[4]){ 192, 0, 2, (uint8_t)o->value }, 4); return 4;
	case RRTYPE_TXT: memcpy(to, (uint8_t[2]){ 1, (uint8_t)('x' + o->value) }, 2); return 2;
	case RRTYPE_NSEC:
		memcpy(to, apex, sizeof apex);
		memcpy(to + sizeof apex, (uint8_t[3]){ 0, 1, 0x40 }, 3);
		return sizeof apex + 3;
	case RRTYPE_RRSIG:
		/* Each ends at a time of its own. */
		memset(to, 0, 18);
		to[1] = o->value == 0 ? RRTYPE_A : o->value == 1 ? RRTYPE_NSEC : RRTYPE_SOA;
		to[3] = (uint8_t)o->value;
		be32_put(to + 8, 4000000000u + o->name * 10 + o->value);
		be32_put(to + 12, 3990000000u);
		memcpy(to + 18, apex, sizeof apex);
		to[18 + sizeof apex] = 1;
		return 18 + sizeof apex + 1;
	case RRTYPE_EDGE: memcpy(to, o->value ? "\3app" : "\3web", 4); return 4;
	case RRTYPE_MX:
		memcpy(to, (uint8_t[2]){ 0, (uint8_t)o->value }, 2);
		len = 2;
		/* fall through */
	default: return len + owner_of((o->name * 7 + o->value * 5) % NAMES, to + len);
	}
}

static size_t soa_of(uint32_t serial, uint8_t *to)
{
	uint8_t *p = to + owner_of(1, to);

	p += owner_of(2, p);
	be32_put(p, serial);
	for (unsigned i = 1; i < 5; i++)
		be32_put(p + 4 * i, 100 - serial % 7);
	return (size_t)(p + 20 - to);
}

static struct change_record soa_record(uint32_t serial, uint8_t *rdata)
{
	return (struct change_record){ .owner = apex,
		.type = RRTYPE_SOA,
		.ttl_s = 90 + serial % 20,
		.rdata = rdata,
		.rdlen = (uint16_t)soa_of(serial, rdata) };
}

static void put_record(struct records *r, const struct change_record *rr)
{
	const uint32_t group = records_owner(r, rr->owner, name_len(rr->owner));

	CU_ASSERT_TRUE(records_add(r, group,
		&(struct record){ .rdata = rr->rdata,
			.rdlen = rr->rdlen,
			.ttl_s = rr->ttl_s,
			.type = rr->type }));
}

/* One that denies by NSEC; where the chain leads does not matter to what is compared. */
static void put_nsec(struct records *r, const uint8_t *owner)
{
	uint8_t rdata[64];
	size_t len = sizeof apex;

	memcpy(rdata, apex, len);
	memcpy(rdata + len, (uint8_t[3]){ 0, 1, 0x40 }, 3);
	put_record(r,
		&(struct change_record){ .owner = owner,
			.type = RRTYPE_NSEC,
			.ttl_s = 5,
			.rdata = rdata,
			.rdlen = (uint16_t)(len + 3) });
}

/* The zone as it would come from a file. */
static struct zone *compiled(const struct model *m, struct faults *f)
{
	uint8_t rdata[512], owner[NAME_MOST];
	const struct zone_with_opts opts = change_of_opts(false);
	struct records r;

	records_init(&r, apex);
	const struct change_record soa = soa_record(m->serial, rdata);
	put_record(&r, &soa);
	if (m->kind == NSEC)
		put_nsec(&r, apex);
	for (size_t i = 0; i < m->n; i++) {
		const struct one *o = &m->of[i];
		owner_of(o->name, owner);
		put_record(&r,
			&(struct change_record){ .owner = owner,
				.type = types[o->type],
				.ttl_s = o->ttl_s,
				.rdata = rdata,
				.rdlen = (uint16_t)rdata_of(o, rdata) });
	}
	struct zone *z = zone_compile(&r, &opts.compile, f);
	records_fini(&r);
	return z;
}

static bool is_same(const struct one *a, const struct one *b)
{
	return a->name == b->name && a->type == b->type && a->value == b->value;
}

static int find(const struct model *m, const struct one *o)
{
	for (size_t i = 0; i < m->n; i++)
		if (is_same(&m->of[i], o))
			return (int)i;
	return -1;
}

static bool put_change(struct change *c, const struct one *o, bool comes)
{
	uint8_t rdata[512], owner[NAME_MOST];

	owner_of(o->name, owner);
	const struct change_record rr = { .owner = owner,
		.type = types[o->type],
		.ttl_s = o->ttl_s,
		.rdata = rdata,
		.rdlen = (uint16_t)rdata_of(o, rdata) };
	return comes ? change_add(c, &rr, NULL) : change_remove(c, &rr, NULL);
}

/* How many different ones there are at a name. */
static unsigned values_of(unsigned type)
{
	return types[type] == RRTYPE_NSEC ? 1 : types[type] == RRTYPE_EDGE ? 2 : VALUES;
}

static struct one random_one(bool signed_)
{
	/* Cuts and the like seldom, or all is below one. */
	static const unsigned char of[] = { 0, 0, 0, 1, 1, 1, 2, 2, 0, 1, 2, 3, 4, 5, 6, 6 };
	/* What the SOA is signed with. */
	if (signed_ && random() % 16 == 0)
		return (struct one){ 0, 8, 2, 1 };
	const unsigned type = signed_ && random() % 2 ? 7 + (unsigned)random() % 2
						      : of[random() % 16];

	return (struct one){ (unsigned)random() % NAMES, type,
		(unsigned)random() % values_of(type), (uint32_t)(1 + random() % 2) };
}

static void model_remove(struct model *m, int i)
{
	m->n--;
	memmove(&m->of[i], &m->of[i + 1], (m->n - (size_t)i) * sizeof *m->of);
}

static void model_add(struct model *m, const struct one *o)
{
	m->of[m->n++] = *o;
	for (size_t i = 0; i < m->n; i++)
		if (m->of[i].name == o->name && m->of[i].type == o->type &&
			(types[o->type] != RRTYPE_RRSIG || m->of[i].value == o->value))
			m->of[i].ttl_s = o->ttl_s;
}

/* Changes the model and says how. What does not fit together is for zone_compile() to find. */
static struct change *random_change(struct model *m)
{
	struct change *c = change_new(apex);
	struct one gone[64];
	uint8_t rdata[512];
	const unsigned goes = (unsigned)random() % 6 % 4, comes = (unsigned)random() % 6 % 5;
	const bool much = random() % 40 == 0;
	unsigned n = 0;

	const struct change_record old = soa_record(m->serial, rdata);
	CU_ASSERT_TRUE(change_remove(c, &old, NULL));
	m->serial++;
	const struct change_record new = soa_record(m->serial, rdata);
	CU_ASSERT_TRUE(change_add(c, &new, NULL));
	for (unsigned i = 0; i < (much ? 64 : goes) && m->n; i++) {
		const int at = (int)((size_t)random() % m->n);
		gone[n++] = m->of[at];
		CU_ASSERT_TRUE(put_change(c, &m->of[at], false));
		model_remove(m, at);
	}
	for (unsigned i = 0; i < (much ? 40 : comes) && m->n < RECORDS_MOST; i++) {
		struct one o = n && random() % 4 == 0 ? gone[(unsigned)random() % n]
						      : random_one(m->kind == NSEC);
		/* The apex has its NSEC already. */
		if (find(m, &o) >= 0 || (o.name == 0 && types[o.type] == RRTYPE_NSEC))
			continue;
		CU_ASSERT_TRUE(put_change(c, &o, true));
		model_add(m, &o);
	}
	CU_ASSERT_TRUE(change_seal(c, NULL));
	return c;
}

/* --- the same zone ------------------------------------------------------------------------ */

static bool same_rrset(const struct zone *za, const struct zone_rrset *a, const struct zone *zb,
	const struct zone_rrset *b)
{
	if (!a || !b)
		return a == b;
	if (a->type == RRTYPE_EDGE ? strcmp(za->pools[a->aux], zb->pools[b->aux]) != 0
				   : a->aux != b->aux)
		return false;
	return a->type == b->type && a->count == b->count && a->len == b->len &&
		a->patches == b->patches && a->is_signed == b->is_signed &&
		a->names == b->names && memcmp(a->wire, b->wire, a->len) == 0 &&
		memcmp(zone_rrset_patches(a), zone_rrset_patches(b), 2u * a->patches) == 0;
}

static bool same_node(const struct zone *za, const struct zone_node *a, const struct zone *zb,
	const struct zone_node *b)
{
	if (!a || !b)
		return a == b;
	if (a->rrsets != b->rrsets || a->flags != b->flags || a->name_len != b->name_len ||
		memcmp(a->name, b->name, a->name_len) != 0)
		return false;
	const struct zone_rrset *s = zone_first_rrset(a), *t = zone_first_rrset(b);
	for (unsigned i = 0; i < a->rrsets; i++, s = zone_next_rrset(s), t = zone_next_rrset(t))
		if (!same_rrset(za, s, zb, t))
			return false;
	return true;
}

static const char *same_walk(const struct zone *a, const struct zone *b)
{
	const struct zone_node *n = image_first(a), *m = image_first(b);

	for (; n && m; n = image_next(a, n), m = image_next(b, m))
		if (!same_node(a, n, b, m))
			return "a node";
	return n || m ? "the number of nodes" : NULL;
}

static const char *same_answer(
	const struct zone *a, const struct zone *b, const struct zone_name *name)
{
	static const uint16_t asked[] = { RRTYPE_A, RRTYPE_TXT, RRTYPE_MX, RRTYPE_NS,
		RRTYPE_CNAME, RRTYPE_DNAME, RRTYPE_EDGE, RRTYPE_DS, RRTYPE_ANY };

	for (unsigned i = 0; i < UNIT_COUNT(asked); i++) {
		const struct lookup x = zone_lookup(a, zone_of_key, name, asked[i]),
				    y = zone_lookup(b, zone_of_key, name, asked[i]);
		if (x.kind != y.kind || x.wildcard != y.wildcard || x.skip != y.skip ||
			!same_node(a, x.node, b, y.node) ||
			!same_node(a, x.encloser, b, y.encloser) ||
			!same_rrset(a, x.rrset, b, y.rrset))
			return "an answer";
		if (!a->denial)
			continue;
		const struct denial_proof p = denial_prove(a, name, &x),
					  q = denial_prove(b, name, &y);
		if (p.n != q.n)
			return "a proof";
		for (unsigned k = 0; k < p.n; k++)
			if (!same_node(a, p.node[k], b, q.node[k]))
				return "a proof's record";
	}
	return NULL;
}

static const char *same_answers(const struct zone *a, const struct zone *b)
{
	static const uint8_t below[] = "\1q\1b";
	uint8_t wire[NAME_MOST + 4];
	struct zone_name name;

	for (unsigned i = 0; i < NAMES; i++) {
		const char *what;
		owner_of(i, wire + 4);
		memcpy(wire, below, 4);
		for (unsigned skip = 0; skip <= 4; skip += 2) {
			zone_name_set(&name, zone_of_key, wire + skip);
			zone_fetch_slot(a, &name);
			zone_fetch_node(a, &name);
			if ((what = same_answer(a, b, &name)))
				return what;
		}
	}
	return NULL;
}

/* What differs, or NULL. */
static const char *compare(const struct zone *a, const struct zone *b)
{
	const char *what = same_walk(a, b);

	if (!what)
		what = same_answers(a, b);
	if (!what && (a->records != b->records || a->nodes != b->nodes))
		what = "the counts";
	if (!what && (a->serial != b->serial || a->depth < b->depth))
		what = "the serial or the depth";
	if (!what && b->edge_beside && !a->edge_beside)
		what = "what stands beside an EDGE";
	if (!what && !same_rrset(a, a->soa_negative, b, b->soa_negative))
		what = "the negative SOA";
	if (!what && a->soa_negative->is_signed &&
		!same_rrset(a, zone_next_rrset(a->soa_negative), b,
			zone_next_rrset(b->soa_negative)))
		what = "the negative SOA's signature";
	if (!what && !a->denial != !b->denial)
		what = "the chain";
	if (!what &&
		(a->signatures_end_s != b->signatures_end_s ||
			a->signatures_soon_s != b->signatures_soon_s))
		what = "when its signatures end";
	return what;
}

/* --- random changes ----------------------------------------------------------------------- */

/* The change between the two leads there, too. */
static const char *check_between(const struct zone *was, const struct zone *is)
{
	const struct zone_with_opts opts = change_of_opts(false);
	struct faults f;
	const char *what = NULL;

	faults_init(&f);
	struct change *c = change_between(was, is, NULL);
	struct zone *z = zone_with(was, c, &opts, &f);
	struct change *none = z ? change_between(z, is, NULL) : NULL;
	if (!z)
		what = "the change between them does not fit";
	else if (change_goes(none) != 1 || change_comes(none) != 1)
		what = "the change between them leads elsewhere";
	change_free(none);
	zone_drop(z);
	change_free(c);
	faults_fini(&f);
	return what;
}

/* One step on; `*z` and the model stay as they are when it is refused. */
static const char *step(struct zone **z, struct model *m)
{
	static struct model before;
	const struct zone_with_opts opts = change_of_opts(false);
	struct faults f, g;
	const char *what = NULL;

	before = *m;
	faults_init(&f);
	faults_init(&g);
	struct change *c = random_change(m);
	struct zone *want = compiled(m, &f), *got = zone_with(*z, c, &opts, &g);
	if (!want != !got)
		what = want ? text_get(&g.text) : "it should be refused";
	else if (got)
		what = compare(got, want);
	if (got && !what && random() % 4 == 0)
		what = check_between(*z, got);
	if (what)
		printf("\nserial %u: %s\n", m->serial, what);
	if (got && random() % 50 == 0) {
		struct zone *merged = zone_merge(got, zone_of_key, &g);
		CU_ASSERT_PTR_NOT_NULL_FATAL(merged);
		zone_drop(got);
		got = merged;
		const char *differs = compare(got, want);
		if (differs)
			printf("\nserial %u, merged: %s\n", m->serial, differs);
		CU_ASSERT_PTR_NULL(differs);
	}
	if (got) {
		zone_drop(*z);
		*z = got;
	} else {
		*m = before;
	}
	zone_drop(want);
	change_free(c);
	faults_fini(&f);
	faults_fini(&g);
	return what;
}

static void random_walk(enum kind kind, unsigned steps)
{
	static struct model m;
	struct faults f;
	unsigned wrong = 0;

	m = (struct model){ .serial = 1, .kind = kind };
	if (kind == TIED)
		m.of[m.n++] = (struct one){ 7, 8, 1, 1 };
	faults_init(&f);
	struct zone *z = compiled(&m, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	for (unsigned i = 0; i < steps && wrong < 3; i++)
		wrong += step(&z, &m) != NULL;
	CU_ASSERT_EQUAL(wrong, 0);
	zone_drop(z);
	faults_fini(&f);
}

static void a_changed_zone_is_what_its_records_would_be_compiled_to(void)
{
	for (unsigned seed = 1; seed <= 6; seed++) {
		srandom(seed);
		random_walk(PLAIN, 400);
	}
}

static void a_zone_that_shares_nothing_is_what_its_records_would_be_compiled_to(void)
{
	srandom(11);
	random_walk(TIED, 200);
}

static void a_changed_signed_zone_is_what_its_records_would_be_compiled_to(void)
{
	for (unsigned seed = 7; seed <= 10; seed++) {
		srandom(seed);
		random_walk(NSEC, 400);
	}
}

static struct change *add_many(unsigned n, uint32_t serial)
{
	struct change *c = change_new(apex);
	uint8_t rdata[256], owner[] = "\3n00\7example";

	const struct change_record was = soa_record(serial, rdata);
	CU_ASSERT_TRUE(change_remove(c, &was, NULL));
	const struct change_record is = soa_record(serial + 1, rdata);
	CU_ASSERT_TRUE(change_add(c, &is, NULL));
	for (unsigned i = 0; i < n; i++) {
		owner[2] = (uint8_t)('0' + i / 10);
		owner[3] = (uint8_t)('0' + i % 10);
		CU_ASSERT_TRUE(change_add(c,
			&(struct change_record){
				.owner = owner, .type = RRTYPE_A, .rdata = rdata, .rdlen = 4 },
			NULL));
	}
	CU_ASSERT_TRUE(change_seal(c, NULL));
	return c;
}

static void what_has_changed_much_wants_to_be_merged(void)
{
	static const struct {
		unsigned names;
		bool wants;
	} row[] = { { 63, false }, { 64, true }, { 99, true } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct zone_with_opts opts = change_of_opts(true);
		struct model m = { .serial = 1 };
		struct faults f;
		faults_init(&f);
		struct zone *z = compiled(&m, &f);
		struct change *c = add_many(row[i].names, 1);
		struct zone *to = zone_with(z, c, &opts, &f);
		CU_ASSERT_FALSE(zone_wants_merge(z));
		CU_ASSERT_EQUAL(zone_wants_merge(to), row[i].wants);
		struct zone *merged = zone_merge(to, zone_of_key, &f);
		CU_ASSERT_FALSE(zone_wants_merge(merged));
		CU_ASSERT_PTR_NULL(compare(merged, to));
		zone_drop(merged);
		struct zone *was = to;
		to = zone_merge_wanted(to, zone_of_key);
		CU_ASSERT_EQUAL(to != was, row[i].wants);
		CU_ASSERT_FALSE(zone_wants_merge(to));
		CU_ASSERT_EQUAL(to->serial, 2);
		zone_drop(to);
		zone_drop(z);
		change_free(c);
		faults_fini(&f);
	}
}

void suite_zone_changes(void)
{
	static const struct unit_case cases[] = {
		{ "a changed zone is what its records would be compiled to",
			a_changed_zone_is_what_its_records_would_be_compiled_to },
		{ "a changed signed zone is what its records would be compiled to",
			a_changed_signed_zone_is_what_its_records_would_be_compiled_to },
		{ "a zone that shares nothing is what its records would be compiled to",
			a_zone_that_shares_nothing_is_what_its_records_would_be_compiled_to },
		{ "what has changed much wants to be merged",
			what_has_changed_much_wants_to_be_merged },
	};

	unit_suite("zone/zone_with at random", cases, UNIT_COUNT(cases));
}
