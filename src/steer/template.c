#include "steer/template.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MOST = 63, FIELD_MOST = 64, PLACE_MOST = 40, NUMBER_MOST = 10 };

static const char unknown[] = "unknown";

/* Those behind the AS number by how closely they look at where the client is. */
enum field { FIELD_EDGE, FIELD_ASN, FIELD_CONTINENT, FIELD_COUNTRY, FIELD_REGION, FIELD_CITY, FIELD_NONE };
static const char *const fields[] = { "edge", "asn", "continent", "country", "region", "city" };

/* The field that begins at `s`, and how long it is with its braces; 0: there is none. */
static size_t field_at(const uint8_t *s, size_t len, enum field *is)
{
	const uint8_t *end = len > 3 && s[0] == '%' && s[1] == '{' ? memchr(s, '}', len) : NULL;
	unsigned k = 0;

	if (!end)
		return 0;
	const size_t n = (size_t)(end - s) - 2;
	while (k < FIELD_NONE && !(strlen(fields[k]) == n && memcmp(fields[k], s + 2, n) == 0))
		k++;
	*is = (enum field)k;
	return n + 3;
}

/* Which fields are in it: a bit each. */
static unsigned fields_in(const uint8_t *name)
{
	unsigned in = 0;

	for (; *name; name += *name + 1)
		for (unsigned i = 1; i <= *name; i++) {
			enum field is;
			if (field_at(name + i, *name + 1u - i, &is))
				in |= 1u << is;
		}
	return in;
}

bool template_is(const uint8_t *name)
{
	return fields_in(name) != 0;
}

bool template_looks_at_asn(const uint8_t *name)
{
	return fields_in(name) & 1u << FIELD_ASN;
}

enum template_look template_looks(const uint8_t *name)
{
	const unsigned in = fields_in(name);

	return in & 1u << FIELD_CITY                                 ? TEMPLATE_CITY
		: in & 1u << FIELD_REGION                            ? TEMPLATE_REGION
		: in & (1u << FIELD_COUNTRY | 1u << FIELD_CONTINENT) ? TEMPLATE_COUNTRY
								     : TEMPLATE_NOWHERE;
}

/* What may stand in any label: letters, digits and hyphens; all else is one of these. */
static size_t put_safe(uint8_t *to, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const uint8_t c = (uint8_t)s[i];
		to[i] = c >= 'A' && c <= 'Z'             ? (uint8_t)(c | 0x20)
			: (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c
									   : '-';
	}
	return len;
}

/* What the database calls it, cut at a character's end. */
static size_t put_place(uint8_t *to, const char *text)
{
	size_t len = strlen(text);

	if (len > PLACE_MOST)
		for (len = PLACE_MOST; len && ((uint8_t)text[len] & 0xc0) == 0x80;)
			len--;
	return put_safe(to, text, len);
}

static size_t put_field(uint8_t *to, enum field is, const struct template_of *of)
{
	const struct place *p = of->place;

	if (is == FIELD_EDGE)
		return put_safe(to, of->edge, strnlen(of->edge, FIELD_MOST));
	if (is == FIELD_ASN && of->asn) {
		char number[NUMBER_MOST + 1];
		return put_safe(to, number, (size_t)snprintf(number, sizeof number, "%u", of->asn));
	}
	if (p && is == FIELD_COUNTRY && p->country[0])
		return put_safe(to, p->country, 2);
	if (p && is == FIELD_CONTINENT && p->continent[0])
		return put_safe(to, p->continent, 2);
	if (p && is == FIELD_REGION && p->region)
		return put_place(to, place_text(of->places, p->region));
	if (p && is == FIELD_CITY && p->city)
		return put_place(to, place_text(of->places, p->city));
	return put_safe(to, unknown, sizeof unknown - 1);
}

/* Returns the length of the label; over LABEL_MOST: it is too long; 0: a field is none. */
static size_t put_label(uint8_t *to, const uint8_t *label, const struct template_of *of)
{
	size_t n = 0, len;
	enum field is;

	for (unsigned i = 1; i <= *label && n <= LABEL_MOST; i += (unsigned)len) {
		len = field_at(label + i, *label + 1u - i, &is);
		if (len && is == FIELD_NONE)
			return 0;
		if (len) {
			n += put_field(to + n, is, of);
		} else {
			to[n++] = label[i];
			len = 1;
		}
	}
	return n;
}

size_t template_expand(const uint8_t *name, const struct template_of *of,
	uint8_t to[static NAME_MOST], struct fault *why)
{
	uint8_t label[LABEL_MOST + FIELD_MOST + 1];
	size_t n = 0;

	for (; *name; name += *name + 1) {
		const size_t len = put_label(label, name, of);
		if (!len) {
			fault(why,
				"%%{edge}, %%{continent}, %%{country}, %%{region}, %%{city} and %%{asn} are the fields "
				"there are");
			return 0;
		}
		if (len > LABEL_MOST || n + len + 2 > NAME_MOST) {
			fault(why, "with its fields the name, or a label of it, is too long");
			return 0;
		}
		to[n++] = (uint8_t)len;
		memcpy(to + n, label, len);
		n += len;
	}
	to[n++] = 0;
	return n;
}
