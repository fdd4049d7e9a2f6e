/* rrtype.h - numbers and names of record types and classes (IANA "Domain Name System (DNS)
 * Parameters").
 */
#ifndef DNS_RRTYPE_H
#define DNS_RRTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RRTYPE_A = 1,
	RRTYPE_NS = 2,
	RRTYPE_MD = 3,
	RRTYPE_MF = 4,
	RRTYPE_CNAME = 5,
	RRTYPE_SOA = 6,
	RRTYPE_MB = 7,
	RRTYPE_MG = 8,
	RRTYPE_MR = 9,
	RRTYPE_NULL = 10,
	RRTYPE_PTR = 12,
	RRTYPE_MINFO = 14,
	RRTYPE_MX = 15,
	RRTYPE_TXT = 16,
	RRTYPE_RP = 17,
	RRTYPE_AFSDB = 18,
	RRTYPE_X25 = 19,
	RRTYPE_RT = 21,
	RRTYPE_SIG = 24,
	RRTYPE_KEY = 25,
	RRTYPE_PX = 26,
	RRTYPE_GPOS = 27,
	RRTYPE_AAAA = 28,
	RRTYPE_NXT = 30,
	RRTYPE_SRV = 33,
	RRTYPE_NAPTR = 35,
	RRTYPE_KX = 36,
	RRTYPE_A6 = 38,
	RRTYPE_DNAME = 39,
	RRTYPE_SINK = 40,
	RRTYPE_OPT = 41,
	RRTYPE_DS = 43,
	RRTYPE_SSHFP = 44,
	RRTYPE_IPSECKEY = 45,
	RRTYPE_RRSIG = 46,
	RRTYPE_NSEC = 47,
	RRTYPE_DNSKEY = 48,
	RRTYPE_DHCID = 49,
	RRTYPE_NSEC3 = 50,
	RRTYPE_NSEC3PARAM = 51,
	RRTYPE_TLSA = 52,
	RRTYPE_SMIMEA = 53,
	RRTYPE_CDS = 59,
	RRTYPE_CDNSKEY = 60,
	RRTYPE_CSYNC = 62,
	RRTYPE_ZONEMD = 63,
	RRTYPE_SVCB = 64,
	RRTYPE_HTTPS = 65,
	RRTYPE_DSYNC = 66,
	RRTYPE_HHIT = 67,
	RRTYPE_BRID = 68,
	RRTYPE_UNECE = 69,
	RRTYPE_ISO = 70,
	RRTYPE_SPF = 99,
	RRTYPE_TKEY = 249,
	RRTYPE_TSIG = 250,
	RRTYPE_IXFR = 251,
	RRTYPE_AXFR = 252,
	RRTYPE_MAILB = 253,
	RRTYPE_MAILA = 254,
	RRTYPE_ANY = 255,
	RRTYPE_URI = 256,
	RRTYPE_CAA = 257,
	RRTYPE_AVC = 258,
	RRTYPE_DOA = 259,
	RRTYPE_AMTRELAY = 260,
	RRTYPE_RESINFO = 261,
	RRTYPE_WALLET = 262,
	RRTYPE_CLA = 263,
	RRTYPE_IPN = 264,
	RRTYPE_TA = 32768,
	RRTYPE_DLV = 32769,
	RRTYPE_EDGE = 65301, /* private use: one character-string, the name of a pool */

	RRCLASS_IN = 1,
	RRCLASS_CH = 3,
	RRCLASS_NONE = 254,
	RRCLASS_ANY = 255
};

enum { RRTYPE_TEXT = 16 }; /* room for any type as text, with its NUL */

/* The mnemonic, or "TYPEnnn" (RFC 3597 section 5) for a type without one. Returns `buf`. */
const char *rrtype_text(char buf[static RRTYPE_TEXT], uint16_t type);

/* A mnemonic in any case, or "TYPEnnn". False when it is neither. */
bool rrtype_parse(uint16_t *type, const char *text, size_t len);

/* The mnemonic that somebody who wrote `text` most likely meant, or NULL when none is near. */
const char *rrtype_nearest(const char *text, size_t len);

/* True for types that name no data and so stand in no zone: 0, OPT, 128 to 255, which has TKEY
 * to ANY in it (RFC 6895 section 3.1). */
bool rrtype_is_meta(uint16_t type);

/* True for types that say what a zone is, where it ends and who signs it, and for EDGE: what is chosen for a
 * client is never of such a type. */
bool rrtype_is_of_zone(uint16_t type);

/* How many names stand in a row in the RDATA of a type whose names may be compressed (RFC 3597
 * section 4 allows it for those of RFC 1035), and behind how many bytes. */
unsigned rrtype_compressible(uint16_t type, unsigned *skip);

#endif
