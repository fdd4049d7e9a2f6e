#include "zone/rdata_words.h"

#include "dns/rrtype.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct word {
	const char *text;
	uint16_t number;
};

static const struct word digests[] = { { "SHA-1", 1 }, { "SHA1", 1 }, { "SHA-256", 2 }, { "SHA256", 2 }, { "GOST", 3 }, { "SHA-384", 4 },
	{ "SHA384", 4 }, { NULL, 0 } };
static const struct word hashes[] = { { "SHA-1", 1 }, { NULL, 0 } };
static const struct word algorithms[] = { { "RSAMD5", 1 }, { "DH", 2 }, { "DSA", 3 }, { "RSASHA1", 5 }, { "NSEC3DSA", 6 }, { "NSEC3RSASHA1", 7 },
	{ "RSASHA256", 8 }, { "RSASHA512", 10 }, { "ECCGOST", 12 }, { "ECDSAP256SHA256", 13 }, { "ECDSA256", 13 }, { "ECDSAP384SHA384", 14 },
	{ "ECDSA384", 14 }, { "ED25519", 15 }, { "ED448", 16 }, { "INDIRECT", 252 }, { "PRIVATEDNS", 253 }, { "PRIVATEOID", 254 }, { NULL, 0 } };

/* RFC 2535 section 3.1.3 */
static const struct word protocols[] = { { "NONE", 0 }, { "TLS", 1 }, { "EMAIL", 2 }, { "DNSSEC", 3 }, { "IPSEC", 4 }, { "ALL", 255 },
	{ NULL, 0 } };

/* RFC 2535 section 3.1.2, and the bit of RFC 4034 section 2.1.1. */
static const struct word flags[] = { { "NOCONF", 0x4000 }, { "NOAUTH", 0x8000 }, { "NOKEY", 0xc000 }, { "EXTEND", 0x1000 }, { "USER", 0 },
	{ "ZONE", 0x100 }, { "HOST", 0x200 }, { "NTYP3", 0x300 }, { "KSK", 1 }, { NULL, 0 } };

static bool find(const struct word *w, const char *s, size_t len, uint16_t *number)
{
	for (; w->text; w++)
		if (strlen(w->text) == len && strncasecmp(w->text, s, len) == 0) {
			*number = w->number;
			return true;
		}
	return false;
}

/* ZONE|KSK */
static bool find_all(const char *s, size_t len, uint16_t *number)
{
	uint16_t all = 0, one;

	for (;;) {
		const char *bar = memchr(s, '|', len);
		const size_t n = bar ? (size_t)(bar - s) : len;
		if (!find(flags, s, n, &one))
			return false;
		all |= one;
		if (!bar)
			break;
		s += n + 1;
		len -= n + 1;
	}
	*number = all;
	return true;
}

unsigned rdata_word(uint16_t type, size_t i, const char *s, size_t len, uint16_t *number)
{
	switch (type) {
	case RRTYPE_DS:
	case RRTYPE_CDS:
	case RRTYPE_TA:
	case RRTYPE_DLV: return (i == 1 && find(algorithms, s, len, number)) || (i == 2 && find(digests, s, len, number));
	case RRTYPE_NSEC3:
	case RRTYPE_NSEC3PARAM: return i == 0 && find(hashes, s, len, number);
	case RRTYPE_RRSIG:
	case RRTYPE_SIG: return i == 1 && find(algorithms, s, len, number);
	case RRTYPE_KEY:
	case RRTYPE_DNSKEY:
	case RRTYPE_CDNSKEY:
		if (i == 0)
			return find_all(s, len, number) ? 2 : 0;
		return (i == 1 && find(protocols, s, len, number)) || (i == 2 && find(algorithms, s, len, number));
	default: return 0;
	}
}
