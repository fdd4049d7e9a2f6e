#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>

/* The registry, those that zones are full of first: rrtype_parse() walks it in this order.
 * Types that stand in no zone are in too, so that they are refused by name. */
static const struct type {
	uint16_t number;
	uint8_t len;
	char name[11];
} types[] = {
#define TYPE(number, name)                    \
	{                                     \
		number, sizeof name - 1, name \
	}
	TYPE(1, "A"),
	TYPE(28, "AAAA"),
	TYPE(5, "CNAME"),
	TYPE(2, "NS"),
	TYPE(16, "TXT"),
	TYPE(15, "MX"),
	TYPE(12, "PTR"),
	TYPE(33, "SRV"),
	TYPE(6, "SOA"),
	TYPE(257, "CAA"),
	TYPE(65301, "EDGE"),
	TYPE(65, "HTTPS"),
	TYPE(64, "SVCB"),
	TYPE(43, "DS"),
	TYPE(46, "RRSIG"),
	TYPE(47, "NSEC"),
	TYPE(48, "DNSKEY"),
	TYPE(50, "NSEC3"),
	TYPE(51, "NSEC3PARAM"),
	TYPE(52, "TLSA"),
	TYPE(39, "DNAME"),
	TYPE(35, "NAPTR"),
	TYPE(44, "SSHFP"),
	TYPE(3, "MD"),
	TYPE(4, "MF"),
	TYPE(7, "MB"),
	TYPE(8, "MG"),
	TYPE(9, "MR"),
	TYPE(10, "NULL"),
	TYPE(11, "WKS"),
	TYPE(13, "HINFO"),
	TYPE(14, "MINFO"),
	TYPE(17, "RP"),
	TYPE(18, "AFSDB"),
	TYPE(19, "X25"),
	TYPE(20, "ISDN"),
	TYPE(21, "RT"),
	TYPE(22, "NSAP"),
	TYPE(23, "NSAP-PTR"),
	TYPE(24, "SIG"),
	TYPE(25, "KEY"),
	TYPE(26, "PX"),
	TYPE(27, "GPOS"),
	TYPE(29, "LOC"),
	TYPE(30, "NXT"),
	TYPE(31, "EID"),
	TYPE(32, "NIMLOC"),
	TYPE(34, "ATMA"),
	TYPE(36, "KX"),
	TYPE(37, "CERT"),
	TYPE(38, "A6"),
	TYPE(40, "SINK"),
	TYPE(41, "OPT"),
	TYPE(42, "APL"),
	TYPE(45, "IPSECKEY"),
	TYPE(49, "DHCID"),
	TYPE(53, "SMIMEA"),
	TYPE(55, "HIP"),
	TYPE(56, "NINFO"),
	TYPE(57, "RKEY"),
	TYPE(58, "TALINK"),
	TYPE(59, "CDS"),
	TYPE(60, "CDNSKEY"),
	TYPE(61, "OPENPGPKEY"),
	TYPE(62, "CSYNC"),
	TYPE(63, "ZONEMD"),
	TYPE(66, "DSYNC"),
	TYPE(67, "HHIT"),
	TYPE(68, "BRID"),
	TYPE(69, "UNECE"),
	TYPE(70, "ISO"),
	TYPE(99, "SPF"),
	TYPE(100, "UINFO"),
	TYPE(101, "UID"),
	TYPE(102, "GID"),
	TYPE(103, "UNSPEC"),
	TYPE(104, "NID"),
	TYPE(105, "L32"),
	TYPE(106, "L64"),
	TYPE(107, "LP"),
	TYPE(108, "EUI48"),
	TYPE(109, "EUI64"),
	TYPE(128, "NXNAME"),
	TYPE(249, "TKEY"),
	TYPE(250, "TSIG"),
	TYPE(251, "IXFR"),
	TYPE(252, "AXFR"),
	TYPE(253, "MAILB"),
	TYPE(254, "MAILA"),
	TYPE(255, "ANY"),
	TYPE(256, "URI"),
	TYPE(258, "AVC"),
	TYPE(259, "DOA"),
	TYPE(260, "AMTRELAY"),
	TYPE(261, "RESINFO"),
	TYPE(262, "WALLET"),
	TYPE(263, "CLA"),
	TYPE(264, "IPN"),
	TYPE(32768, "TA"),
	TYPE(32769, "DLV"),
#undef TYPE
};

enum { TYPES = sizeof types / sizeof *types, NAME_LONGEST = sizeof types->name - 1 };

const char *rrtype_text(char buf[static RRTYPE_TEXT], uint16_t type)
{
	for (unsigned i = 0; i < TYPES; i++)
		if (types[i].number == type)
			return strcpy(buf, types[i].name);
	snprintf(buf, RRTYPE_TEXT, "TYPE%u", (unsigned)type);
	return buf;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
}

static bool same(const char *text, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (upper(text[i]) != name[i])
			return false;
	return true;
}

bool rrtype_parse(uint16_t *type, const char *text, size_t len)
{
	for (unsigned i = 0; i < TYPES; i++)
		if (types[i].len == len && same(text, types[i].name, len)) {
			*type = types[i].number;
			return true;
		}
	if (len < 5 || !same(text, "TYPE", 4))
		return false;
	unsigned n = 0;
	for (size_t i = 4; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text[i] - '0');
		if (n > UINT16_MAX)
			return false;
	}
	*type = (uint16_t)n;
	return true;
}

bool rrtype_is_meta(uint16_t type)
{
	return type == 0 || type == RRTYPE_OPT || (type >= 128 && type <= 255);
}

/* Edits (insert, delete, replace, swap neighbours) that make `text` into the name: the optimal
 * string alignment. */
static unsigned distance(const char *text, size_t len, const struct type *t)
{
	unsigned row[3][NAME_LONGEST + 1]; /* the one before the last, the last, this one */

	for (unsigned j = 0; j <= t->len; j++)
		row[1][j] = row[2][j] = j;
	for (size_t i = 1; i <= len; i++) {
		memmove(row[0], row[1], 2 * sizeof row[0]);
		memcpy(row[1], row[2], sizeof row[1]);
		row[2][0] = (unsigned)i;
		for (unsigned j = 1; j <= t->len; j++) {
			const bool hit = upper(text[i - 1]) == t->name[j - 1];
			unsigned best = row[1][j - 1] + !hit;
			if (row[1][j] + 1 < best)
				best = row[1][j] + 1;
			if (row[2][j - 1] + 1 < best)
				best = row[2][j - 1] + 1;
			const bool swapped = i > 1 && j > 1 &&
				upper(text[i - 1]) == t->name[j - 2] &&
				upper(text[i - 2]) == t->name[j - 1];
			if (swapped && row[0][j - 2] + 1 < best)
				best = row[0][j - 2] + 1;
			row[2][j] = best;
		}
	}
	return row[2][t->len];
}

const char *rrtype_nearest(const char *text, size_t len)
{
	const char *name = NULL;
	unsigned least = len > 4 ? 3 : len > 1 ? 2 : 0; /* one more than is still near */

	for (unsigned i = 0; i < TYPES && len <= NAME_LONGEST + 2; i++) {
		if (rrtype_is_meta(types[i].number))
			continue;
		const unsigned d = distance(text, len, &types[i]);
		if (d < least) {
			least = d;
			name = types[i].name;
		}
	}
	return name;
}

bool rrtype_is_of_zone(uint16_t type)
{
	switch (type) {
	case RRTYPE_SOA:
	case RRTYPE_NS:
	case RRTYPE_DS:
	case RRTYPE_DNAME:
	case RRTYPE_DNSKEY:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
	case RRTYPE_RRSIG:
	case RRTYPE_NSEC:
	case RRTYPE_NSEC3:
	case RRTYPE_NSEC3PARAM:
	case RRTYPE_CSYNC:
	case RRTYPE_ZONEMD:
	case RRTYPE_EDGE: return true;
	default: return false;
	}
}

unsigned rrtype_compressible(uint16_t type, unsigned *skip)
{
	*skip = type == RRTYPE_MX ? 2 : 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_MX: return 1;
	case RRTYPE_SOA:
	case RRTYPE_MINFO: return 2;
	default: return 0;
	}
}
