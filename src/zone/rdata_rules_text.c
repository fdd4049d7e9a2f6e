#include "zone/rdata_rules_text.h"

#include "base/near.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* --- CAA (RFC 8659) ----------------------------------------------------------------------- */

static bool tag_is(const uint8_t *d, const char *tag)
{
	return d[1] == strlen(tag) && strncasecmp((const char *)d + 2, tag, d[1]) == 0;
}

/* Section 4.2: maybe a domain name, maybe a semicolon and parameters. */
static bool names_an_issuer(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *stop = memchr(p, ';', (size_t)(end - p));

	if (stop)
		end = stop;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (; p < end; p++)
		if (!is_digit(*p) && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && *p != '.' &&
			*p != '-')
			return false;
	return true;
}

static bool starts(const uint8_t *p, const uint8_t *end, const char *with)
{
	const size_t n = strlen(with);

	return (size_t)(end - p) > n && strncasecmp((const char *)p, with, n) == 0;
}

/* A CA passes over what it does not know, unless it is critical: a misspelt "issue" lets all issue. Of tags that are like none
 * of IANA's registry (Certification Authority Restriction Properties) nothing is said: they may be new, or somebody's own. */
static bool tag_is_meant(const uint8_t *d, struct fault *why)
{
	static const char *const tags[] = { "issue", "issuewild", "iodef", "contactemail", "contactphone", "issuevmc", "issuemail" };
	char tag[256];
	struct near_word near = { .word = tag };

	memcpy(tag, d + 2, d[1]);
	tag[d[1]] = 0;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		if (tag_is(d, tags[i]))
			return true;
		near_offer(&near, tags[i]);
	}
	if (near.best)
		return fault(why, "no property is called \"%s\"; did you mean \"%s\"?", tag, near.best);
	if (d[0] & 0x80)
		return fault(why,
			"\"%.64s\" is critical, and no property that is registered: who does not know it may not issue (RFC 8659 "
			"section 4.1)",
			tag);
	return true;
}

enum rdata_verdict rdata_rules_caa(const uint8_t *d, size_t len, struct fault *why)
{
	const uint8_t *const value = d + 2 + d[1], *const end = d + len;

	if (!tag_is_meant(d, why))
		return RDATA_DOUBTFUL;
	if (d[0] & 0x7f)
		fault(why,
			"of the flags only 128 (critical) has a meaning; %u is not critical "
			"(RFC 8659 section 4.1)",
			d[0]);
	else if ((tag_is(d, "issue") || tag_is(d, "issuewild") || tag_is(d, "issuemail") || tag_is(d, "issuevmc")) &&
		!names_an_issuer(value, end))
		fault(why,
			"the value is the domain name of who may issue, as in "
			"\"letsencrypt.org\"; as it stands, nobody may (RFC 8659 section 4.2)");
	else if (tag_is(d, "iodef") && !starts(value, end, "mailto:") &&
		!starts(value, end, "https:") && !starts(value, end, "http:"))
		fault(why,
			"the value is a URL of mailto:, https: or http: (RFC 8659 section "
			"4.4)");
	else
		return RDATA_FINE;
	return RDATA_DOUBTFUL;
}

/* --- NAPTR (RFC 3402 section 3.2) --------------------------------------------------------- */

/* delim-char ere delim-char repl delim-char *flags: how many groups the first part has, and
 * whether the second names others. */
static bool is_substitution(const uint8_t *p, const uint8_t *end)
{
	const uint8_t delim = *p++;
	unsigned part = 0, groups = 0;

	if (is_digit(delim) || delim == '\\' || delim == 'i' || delim == 0)
		return false;
	for (; p < end && part < 2; p++) {
		if (*p == delim) {
			part++;
		} else if (*p == '\\') {
			if (++p == end)
				return false;
			if (part == 1 && is_digit(*p) && (*p == '0' || *p - '0' > (int)groups))
				return false;
		} else if (part == 0 && *p == '(') {
			groups++;
		}
	}
	return part == 2 && (p == end || (p + 1 == end && *p == 'i'));
}

enum rdata_verdict rdata_rules_naptr(const uint8_t *d, size_t len, struct fault *why)
{
	const uint8_t *const flags = d + 4, *const service = flags + *flags + 1,
			     *const regexp = service + *service + 1,
			     *const replacement = regexp + *regexp + 1;

	(void)len;
	if (*regexp && !is_substitution(regexp + 1, replacement)) {
		fault(why,
			"the regular expression is no substitution, as in "
			"\"!^.*$!sip:info@example.com!\", with the same sign three times (RFC "
			"3402 section 3.2)");
		return RDATA_WRONG;
	}
	if (!*regexp || !*replacement)
		return RDATA_FINE;
	fault(why,
		"there is a regular expression, and a replacement that is not \".\": only one "
		"of them counts (RFC 3403 section 4.1)");
	return RDATA_DOUBTFUL;
}

/* --- of the past -------------------------------------------------------------------------- */

/* RFC 1183 section 3.1: a number of X.121, with at least the four digits of its network. */
enum rdata_verdict rdata_rules_x25(const uint8_t *d, size_t len, struct fault *why)
{
	bool digits = len > 4;

	for (size_t i = 1; i < len; i++)
		digits = digits && is_digit(d[i]);
	if (digits)
		return RDATA_FINE;
	fault(why, "an X25 address is four or more digits (RFC 1183 section 3.1)");
	return RDATA_WRONG;
}

/* A decimal number of at most `most`, either sign. */
static bool is_coordinate(const uint8_t *d, double most)
{
	char text[256], *end;

	memcpy(text, d + 1, *d);
	text[*d] = 0;
	if (!*d || strspn(text, "+-.0123456789") != *d)
		return false;
	const double v = strtod(text, &end);
	return !*end && v >= -most && v <= most;
}

/* RFC 1712 section 3 */
enum rdata_verdict rdata_rules_gpos(const uint8_t *d, struct fault *why)
{
	const uint8_t *const latitude = d + *d + 1, *const altitude = latitude + *latitude + 1;

	if (is_coordinate(d, 180) && is_coordinate(latitude, 180) &&
		is_coordinate(altitude, 1e9) &&
		(is_coordinate(d, 90) || is_coordinate(latitude, 90)))
		return RDATA_FINE;
	fault(why,
		"this is no place: a longitude and a latitude in degrees and an altitude in "
		"metres are wanted (RFC 1712 section 3)");
	return RDATA_DOUBTFUL;
}
