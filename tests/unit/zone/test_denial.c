#include "zone/denial.h"

#include "dns/name.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned next(unsigned n)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x >> 33) % n;
}

/* Names whose labels are short, long, share beginnings, and have the bytes that keys are poor
 * at. */
static void random_labels(uint8_t *to, size_t *len)
{
	static const char *const label[] = { "a", "b", "*", "aa", "host-000001", "host-000002",
		"host-00000001x", "host-00000001y", "\xff", "\xfe\xff", "-",
		"zzzzzzzzzzzzzzzzzzzzz", "a_", "a.a", "a.b", "a[", "a]", "9", "9z", "0",
		"_dmarc", "abcdefghijklmnop", "abcdefghijklmnopq" };

	*len = 0;
	for (unsigned n = 1 + next(4); n; n--) {
		const char *text = label[next(UNIT_COUNT(label))];
		to[(*len)++] = (uint8_t)strlen(text);
		memcpy(to + *len, text, strlen(text));
		*len += strlen(text);
	}
	to[*len] = 0;
}

static void keys_order_as_names_do(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint8_t a[NAME_MOST], b[NAME_MOST];
		size_t la, lb;
		random_labels(a, &la);
		random_labels(b, &lb);
		const struct order_key ka = order_key(a, la), kb = order_key(b, lb);
		const int keys = order_compare(&ka, &kb), names = name_compare(a, b);
		const uint64_t sa = order_spread(&ka), sb = order_spread(&kb);
		wrong += keys != 0 && (keys < 0) != (names < 0);
		wrong += keys < 0 ? sa > sb : sa < sb;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* A zone with an NSEC at each name; what they say does not matter to who looks for them. */
static struct zone *nsec_zone(unsigned n)
{
	char *text = malloc(n * 600u + 1000), *p = text;
	struct faults f;

	p += sprintf(p, "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.other.\n@ NSEC @ NS SOA\n");
	for (unsigned i = 0; i < n; i++) {
		uint8_t name[NAME_MOST];
		char shown[NAME_TEXT];
		size_t len;
		random_labels(name, &len);
		name_text(shown, name);
		p += sprintf(p, "%.*s NSEC @ A\n", (int)strlen(shown) - 1, shown);
	}
	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	if (!z)
		printf("\n%.2000s", text_get(&f.text));
	faults_fini(&f);
	free(text);
	return z;
}

static void the_nsec_before_a_name_is_found(void)
{
	struct zone *z = nsec_zone(300);
	unsigned wrong = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z->denial);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t name[NAME_MOST], other[NAME_MOST];
		size_t len;
		int64_t best = -1;
		random_labels(name, &len);
		for (uint32_t k = 0; k < z->denial->n; k++) {
			const struct zone_node *n = zone_node_at(z, z->denial->owner[k]);
			memcpy(other, n->name, n->name_len);
			other[n->name_len] = 0;
			if (name_compare(other, name) <= 0)
				best = k;
		}
		wrong += denial_before(z, name, len) != best;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	zone_drop(z);
}

/* A chain of hashes, in order, of which nothing else is true. */
static struct zone *nsec3_zone(unsigned n)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	char *text = malloc(n * 120u + 1000), *p = text;
	struct faults f;

	p += sprintf(p, "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS ns.other.\n@ NSEC3PARAM 1 0 0 -\n");
	for (unsigned i = 0; i < n; i++) {
		char owner[33] = "";
		for (unsigned k = 0; k < 32; k++)
			owner[k] = digits[next(32)];
		p += sprintf(p, "%s NSEC3 1 0 0 - %s A\n", owner, owner);
	}
	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	faults_fini(&f);
	free(text);
	return z;
}

static void the_nsec3_that_covers_a_hash_is_found(void)
{
	for (unsigned n = 1; n < 400; n = n * 3 / 2 + 1) {
		struct zone *z = nsec3_zone(n);
		unsigned wrong = 0;
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		CU_ASSERT_PTR_NOT_NULL_FATAL(z->denial);
		CU_ASSERT_EQUAL(z->denial->n, n);
		for (unsigned i = 0; i < 5000; i++) {
			const uint32_t some = next(n);
			/* Between two, exactly on one, right beside one, and at both ends. */
			const uint64_t hash = i == 0 ? 0
				: i == 1             ? UINT64_MAX
				: i % 4 == 1         ? z->denial->hash[some]
				: i % 4 == 2         ? z->denial->hash[some] + 1
				: i % 4 == 3         ? z->denial->hash[some] - 1
					     : (uint64_t)next(1u << 30) << 34 | next(1u << 30);
			uint32_t best = n - 1; /* the last goes around */
			for (uint32_t k = 0; k < n; k++)
				if (z->denial->hash[k] <= hash)
					best = k;
			wrong += denial_hashed(z->denial, hash) != best;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		zone_drop(z);
	}
}

static void a_link_s_record_may_stand_behind_one_of_another_chain(void)
{
	static const char text[] = "$TTL 300\n@ SOA a b 1 2 3 4 5\n@ NSEC3PARAM 1 0 0 -\n"
				   "00000000000000000000000000000000 NSEC3 1 0 0 AB "
				   "00000000000000000000000000000000 A\n"
				   "00000000000000000000000000000000 NSEC3 1 0 0 - "
				   "00000000000000000000000000000000 A\n";
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(z->denial->n, 1);
	zone_drop(z);
	faults_fini(&f);
}

void suite_denial(void)
{
	static const struct unit_case cases[] = {
		{ "keys order as names do (RFC 4034 section 6.1)", keys_order_as_names_do },
		{ "the NSEC before a name is found", the_nsec_before_a_name_is_found },
		{ "the NSEC3 that covers a hash is found",
			the_nsec3_that_covers_a_hash_is_found },
		{ "a link's record may stand behind one of another chain",
			a_link_s_record_may_stand_behind_one_of_another_chain },
	};

	unit_suite("zone/denial", cases, UNIT_COUNT(cases));
}
