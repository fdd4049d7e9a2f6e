#include "world/pool_denial.h"

#include "unit/unit.h"

#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

/* An RRset of one record with that RDATA. */
static struct zone_rrset *denial(uint16_t type, const char *rdata, size_t len)
{
	struct zone_rrset *s = calloc(1, sizeof *s + 12 + len);

	s->type = type;
	s->count = 1;
	s->len = (uint16_t)(12 + len);
	memcpy(s->wire + 12, rdata, len);
	return s;
}

static void check(uint16_t of, const char *rdata, size_t len, uint16_t type, const char *want,
	size_t want_len)
{
	struct zone_rrset *s = denial(of, rdata, len);
	uint8_t got[POOL_DENIAL_MOST];

	CU_ASSERT_EQUAL(pool_denial_lists(s, type), want_len != 0);
	CU_ASSERT_EQUAL_FATAL(pool_denial_without(s, type, got), want_len);
	CU_ASSERT_EQUAL(memcmp(got, want, want_len), 0);
	free(s);
}

#define TEXT(s) s, sizeof(s) - 1

static void a_type_is_taken_out_of_the_bitmap(void)
{
	/* A AAAA RRSIG NSEC: 1, 28, 46, 47. */
	check(RRTYPE_NSEC, TEXT("\1b\0\0\6\x40\0\0\x08\0\3"), RRTYPE_A,
		TEXT("\1b\0\0\6\0\0\0\x08\0\3"));
	check(RRTYPE_NSEC, TEXT("\1b\0\0\6\x40\0\0\x08\0\3"), RRTYPE_AAAA,
		TEXT("\1b\0\0\6\x40\0\0\0\0\3"));
	check(RRTYPE_NSEC, TEXT("\1b\0\0\6\x40\0\0\x08\0\3"), RRTYPE_TXT, "", 0);
	check(RRTYPE_NSEC, TEXT("\1b\0\0\6\x40\0\0\x08\0\3"), RRTYPE_HTTPS, "", 0);
}

static void zeroes_at_the_end_of_a_window_go(void)
{
	/* A ... HTTPS, and CAA in the next window. */
	check(RRTYPE_NSEC, TEXT("\0\0\x09\x40\0\0\0\0\3\0\0\x40\1\1\x40"), RRTYPE_HTTPS,
		TEXT("\0\0\6\x40\0\0\0\0\3\1\1\x40"));
	/* The last of a window takes that with it. */
	check(RRTYPE_NSEC, TEXT("\0\0\1\x40\1\1\x40"), RRTYPE_CAA, TEXT("\0\0\1\x40"));
	check(RRTYPE_NSEC, TEXT("\0\0\1\x40\1\1\x40"), RRTYPE_A, TEXT("\0\1\1\x40"));
}

static void an_nsec3_has_its_bitmap_behind_its_hash(void)
{
	check(RRTYPE_NSEC3, TEXT("\1\0\0\0\2\xaa\xbb\3\x11\x22\x33\0\4\x40\0\0\x08"), RRTYPE_AAAA,
		TEXT("\1\0\0\0\2\xaa\xbb\3\x11\x22\x33\0\1\x40"));
}

static const struct unit_case cases[] = {
	{ "a type is taken out of the bitmap", a_type_is_taken_out_of_the_bitmap },
	{ "zeroes at the end of a window go", zeroes_at_the_end_of_a_window_go },
	{ "an NSEC3 has its bitmap behind its hash", an_nsec3_has_its_bitmap_behind_its_hash },
};

void suite_pool_denial(void);
void suite_pool_denial(void)
{
	unit_suite("world/pool_denial", cases, UNIT_COUNT(cases));
}
