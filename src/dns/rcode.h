/* rcode.h - numbers and names of response codes (IANA "Domain Name System (DNS) Parameters").
 */
#ifndef DNS_RCODE_H
#define DNS_RCODE_H

enum {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_YXRRSET = 7,
	RCODE_NXRRSET = 8,
	RCODE_NOTAUTH = 9,
	RCODE_NOTZONE = 10,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,

	RCODE_BITS = 0x000f /* of a header's flags: the lower four bits of it */
};

enum { RCODE_TEXT = 24 }; /* room for any RCODE as text, with its NUL */

/* Its name, "REFUSED", or "RCODE nnn" where it has none. Returns `buf`. */
const char *rcode_text(char buf[static RCODE_TEXT], unsigned rcode);

/* The RCODE of that name, in any case; -1: it is none. */
int rcode_parse(const char *name);

#endif
