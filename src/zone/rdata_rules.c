#include "zone/rdata_rules.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/rdata_rules_text.h"

#include <string.h>

/* --- digests ------------------------------------------------------------------------------ */

/* IANA "DS RR Type Digest Algorithms": bytes of a digest; 0: not assigned. */
static unsigned ds_digest_len(unsigned type)
{
	static const uint8_t len[] = { 0, 20, 32, 32, 48, 32, 32 };

	return type < sizeof len ? len[type] : 0;
}

static enum rdata_verdict judge_ds(
	uint16_t type, const uint8_t *d, size_t len, struct fault *why)
{
	const unsigned want = ds_digest_len(d[3]);

	if (type == RRTYPE_CDS && d[2] == 0) {
		if (len == 5 && memcmp(d, "\0\0\0\0", 5) == 0)
			return RDATA_FINE;
		fault(why,
			"a CDS of algorithm 0 asks for the removal of the DS records, and is "
			"written 0 0 0 00 (RFC 8078 section 4)");
		return RDATA_WRONG;
	}
	if (!want) {
		fault(why,
			"no resolver knows the digest type %u (2 is SHA-256, 4 SHA-384; IANA "
			"\"DS RR Type Digest Algorithms\")",
			d[3]);
		return RDATA_DOUBTFUL;
	}
	if (len - 4 == want)
		return RDATA_FINE;
	fault(why, "a digest of type %u is %u bytes, and here are %zu", d[3], want, len - 4);
	return RDATA_WRONG;
}

static enum rdata_verdict judge_sshfp(const uint8_t *d, size_t len, struct fault *why)
{
	const unsigned want = d[1] == 1 ? 20 : d[1] == 2 ? 32 : 0; /* RFC 4255, RFC 6594 */

	if (want && len - 2 != want) {
		fault(why, "a fingerprint of type %u is %u bytes, and here are %zu", d[1], want,
			len - 2);
		return RDATA_WRONG;
	}
	if (want && d[0])
		return RDATA_FINE;
	fault(why, "no client knows %s (RFC 4255 section 3.1)",
		d[0] ? "this type of fingerprint (1 is SHA-1, 2 SHA-256)"
		     : "the algorithm 0 (1 is RSA, 3 ECDSA, 4 Ed25519)");
	return RDATA_DOUBTFUL;
}

/* TLSA and SMIMEA (RFC 6698 section 2.1, RFC 8162); 255 is for private use. */
static enum rdata_verdict judge_tlsa(const uint8_t *d, size_t len, struct fault *why)
{
	const unsigned want = d[2] == 1 ? 32 : d[2] == 2 ? 64 : 0;

	if ((d[0] > 3 && d[0] < 255) || (d[1] > 1 && d[1] < 255) || (d[2] > 2 && d[2] < 255)) {
		fault(why,
			"no client can use it: the usage is 0 to 3, the selector 0 or 1, the "
			"matching type 0 to 2 (RFC 6698 section 2.1)");
		return RDATA_DOUBTFUL;
	}
	if (!want || len - 3 == want)
		return RDATA_FINE;
	fault(why,
		"a hash of matching type %u is %u bytes, and here are %zu, so that nothing "
		"matches it",
		d[2], want, len - 3);
	return RDATA_DOUBTFUL;
}

static enum rdata_verdict judge_zonemd(const uint8_t *d, size_t len, struct fault *why)
{
	const unsigned want = d[5] == 1 ? 48 : d[5] == 2 ? 64 : 0;

	if (want ? len - 6 == want : len - 6 >= 12)
		return RDATA_FINE;
	if (want)
		fault(why, "a digest of hash algorithm %u is %u bytes, and here are %zu", d[5],
			want, len - 6);
	else
		fault(why, "a digest has at least 12 bytes (RFC 8976 section 2.2.4)");
	return RDATA_WRONG;
}

/* --- keys and signatures ------------------------------------------------------------------ */

/* Of algorithms whose keys are of one length; 0: of others. */
static unsigned key_len(unsigned algorithm)
{
	switch (algorithm) {
	case 13: return 64; /* RFC 6605 */
	case 14: return 96;
	case 15: return 32; /* RFC 8080 */
	case 16: return 57;
	default: return 0;
	}
}

static enum rdata_verdict judge_dnskey(
	uint16_t type, const uint8_t *d, size_t len, struct fault *why)
{
	const unsigned want = key_len(d[3]);

	if (type == RRTYPE_CDNSKEY && d[3] == 0) {
		if (len == 5 && memcmp(d, "\0\0\3\0", 5) == 0)
			return RDATA_FINE;
		fault(why,
			"a CDNSKEY of algorithm 0 asks for the removal of the DS records, and "
			"is written 0 3 0 AA== (RFC 8078 section 4)");
		return RDATA_WRONG;
	}
	if (d[2] != 3) {
		fault(why,
			"the protocol of a zone's key is 3; resolvers pass over this one (RFC "
			"4034 section 2.1.2)");
		return RDATA_DOUBTFUL;
	}
	if (!want || len - 4 == want)
		return RDATA_FINE;
	fault(why, "a key of algorithm %u is %u bytes, and here are %zu", d[3], want, len - 4);
	return RDATA_DOUBTFUL;
}

static enum rdata_verdict judge_rrsig(const uint8_t *d, size_t len, struct fault *why)
{
	const uint16_t covered = be16_get(d);
	char text[RRTYPE_TEXT];

	(void)len;
	if (rrtype_is_meta(covered)) {
		fault(why, "%s stands in no zone, so that nothing of it can be signed",
			rrtype_text(text, covered));
		return RDATA_WRONG;
	}
	/* RFC 4034 section 3.1.5: serial number arithmetic. */
	if ((int32_t)(be32_get(d + 8) - be32_get(d + 12)) >= 0)
		return RDATA_FINE;
	fault(why, "this signature ends before it begins (the expiration stands first)");
	return RDATA_DOUBTFUL;
}

static enum rdata_verdict judge_nsec3param(const uint8_t *d, struct fault *why)
{
	if (d[0] == 1 && d[1] == 0)
		return RDATA_FINE;
	fault(why,
		"nobody can use this: the hash algorithm is 1 and the flags are 0 (RFC 5155 "
		"section 4.1)");
	return RDATA_DOUBTFUL;
}

static enum rdata_verdict judge_ipseckey(const uint8_t *d, size_t len, struct fault *why)
{
	const size_t gateway = d[1] == 0 ? 0
		: d[1] == 1              ? 4
		: d[1] == 2              ? 16
					 : name_check(d + 3, d + len);
	const bool has_key = len > 3 + gateway;

	if (has_key == (d[2] != 0))
		return RDATA_FINE;
	fault(why, "%s (RFC 4025 section 2.4)",
		has_key ? "algorithm 0 is for records without a key, and here is one"
			: "the public key of this algorithm is missing");
	return has_key ? RDATA_DOUBTFUL : RDATA_WRONG;
}

/* --- all together ------------------------------------------------------------------------- */

static enum rdata_verdict judge_soa(const uint8_t *d, size_t len, struct fault *why)
{
	const uint32_t refresh_s = be32_get(d + len - 16), expire_s = be32_get(d + len - 8);

	if (expire_s >= refresh_s)
		return RDATA_FINE;
	fault(why,
		"the expire time (%u s) is shorter than the refresh time (%u s): secondaries "
		"give the zone up before they ask for it again",
		expire_s, refresh_s);
	return RDATA_DOUBTFUL;
}

static enum rdata_verdict doubt(bool is, struct fault *why, const char *say)
{
	if (is)
		fault(why, "%s", say);
	return is ? RDATA_DOUBTFUL : RDATA_FINE;
}

enum rdata_verdict rdata_rules(uint16_t type, const uint8_t *d, size_t len, struct fault *why)
{
	switch (type) {
	case RRTYPE_DS:
	case RRTYPE_CDS:
	case RRTYPE_TA:
	case RRTYPE_DLV: return judge_ds(type, d, len, why);
	case RRTYPE_SSHFP: return judge_sshfp(d, len, why);
	case RRTYPE_TLSA:
	case RRTYPE_SMIMEA: return judge_tlsa(d, len, why);
	case RRTYPE_ZONEMD: return judge_zonemd(d, len, why);
	case RRTYPE_DNSKEY:
	case RRTYPE_CDNSKEY: return judge_dnskey(type, d, len, why);
	case RRTYPE_RRSIG: return judge_rrsig(d, len, why);
	case RRTYPE_NSEC3PARAM: return judge_nsec3param(d, why);
	case RRTYPE_IPSECKEY: return judge_ipseckey(d, len, why);
	case RRTYPE_SOA: return judge_soa(d, len, why);
	case RRTYPE_CAA: return rdata_rules_caa(d, len, why);
	case RRTYPE_NAPTR: return rdata_rules_naptr(d, len, why);
	case RRTYPE_X25: return rdata_rules_x25(d, len, why);
	case RRTYPE_GPOS: return rdata_rules_gpos(d, why);
	case RRTYPE_MD:
	case RRTYPE_MF:
		return doubt(true, why, "nobody asks for it any more: MX has taken its place (RFC 973), and BIND refuses it");
	case RRTYPE_NSEC:
		return doubt(len == name_len(d), why,
			"it lists no type, not even itself, and BIND refuses it (RFC 4034 section 4.1.2)");
	case RRTYPE_DHCID:
		return doubt(len < 3 || (d[2] == 1 && len != 35), why,
			"this is no DHCID: two bytes, the digest type, and 32 bytes of SHA-256 "
			"where that is 1 (RFC 4701 section 3.1)");
	case RRTYPE_CSYNC:
		return doubt((be16_get(d + 4) & ~3u) != 0, why,
			"parents pass over a CSYNC with other flags than 1 and 2 (RFC 7477 "
			"section 2.1.1.2)");
	case RRTYPE_DSYNC:
		return doubt(
			d[2] == 1 && be16_get(d) != RRTYPE_CDS && be16_get(d) != RRTYPE_CSYNC,
			why, "NOTIFY is for CDS and CSYNC (RFC 9859 section 2.3)");
	case RRTYPE_URI:
		return doubt(len == 4, why, "a URI is not empty (RFC 7553 section 4.4)");
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return doubt(be16_get(d) == 0 && len > 2 + name_len(d + 2), why,
			"priority 0 makes it an alias, whose parameters everybody passes over "
			"(RFC 9460 section 2.4.2); 1 is meant, or the parameters go");
	default: return RDATA_FINE;
	}
}
