#include "conf/host_name.h"

#include "base/addr.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

static bool is_ascii(const char *s)
{
	while (*s > 0)
		s++;
	return !*s;
}

static bool is_digits(const char *s, size_t len)
{
	return len && strspn(s, "0123456789") >= len;
}

static bool check_label(struct host_name *h, const char *s, size_t len, struct fault *why)
{
	if (!len)
		return fault(why, "it has an empty label");
	if (len > 63)
		return fault(why, "a label of it is longer than 63 characters");
	if (s[0] == '-' || s[len - 1] == '-')
		return fault(why, "the label \"%.*s\" begins or ends with \"-\"", (int)len, s);
	for (size_t i = 0; i < len; i++) {
		const bool letter = (s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= 'A' && s[i] <= 'Z');
		h->odd = h->odd || s[i] == '_';
		if (!letter && !(s[i] >= '0' && s[i] <= '9') && s[i] != '-' && s[i] != '_')
			return fault(why, "\"%c\" has no place in it", s[i]);
	}
	return true;
}

/* Letters, digits and hyphens (RFC 1123 section 2.1); an end of digits only would be taken for
 * an IPv4 address. */
static bool check_labels(struct host_name *h, struct fault *why)
{
	const char *s = h->name;

	for (;;) {
		const size_t len = strcspn(s, ".");
		if (!check_label(h, s, len, why))
			return false;
		if (!s[len])
			return !is_digits(s, len) ||
				fault(why, "it ends in a number and is no IPv4 address");
		s += len + 1;
	}
}

static bool put(struct host_name *h, const char *name, struct fault *why)
{
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		len--;
	if (!len)
		return fault(why, "it is empty");
	if (len > HOST_NAME_MOST)
		return fault(why, "it is longer than %d characters", HOST_NAME_MOST);
	memcpy(h->name, name, len);
	h->name[len] = 0;
	return true;
}

/* libidn2 refuses some plain names, and drops characters when it is told to be strict: ASCII
 * does not go through it, and what comes out is looked at here. */
bool host_name_in_ascii(struct host_name *h, const char *name, struct fault *why)
{
	uint8_t *out = NULL;

	if (is_ascii(name))
		return put(h, name, why);

	const int rc = idn2_lookup_u8(
		(const uint8_t *)name, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return fault(why, "it cannot be written in A-labels (%s)", idn2_strerror(rc));
	const bool ok = put(h, (const char *)out, why);
	idn2_free(out);
	return ok;
}

static bool take_name(struct host_name *h, const char *name, struct fault *why)
{
	struct addr a;

	if (strchr(name, ':')) {
		h->v6 = true;
		return addr_parse(&a, name) ? put(h, name, why)
					    : fault(why, "it is no IPv6 address");
	}
	if (addr_parse(&a, name))
		return put(h, name, why);
	return host_name_in_ascii(h, name, why) && check_labels(h, why);
}

static bool take_port(struct host_name *h, const char *text, struct fault *why)
{
	const unsigned long v = is_digits(text, strlen(text)) && strlen(text) <= 5
		? strtoul(text, NULL, 10)
		: 0;

	h->port = (unsigned)v;
	return (v >= 1 && v <= 65535) || fault(why, "a port is from 1 to 65535");
}

bool host_name_parse(struct host_name *h, const char *text, bool port, struct fault *why)
{
	char name[4 * HOST_NAME_MOST];
	const bool brackets = *text == '[';
	const char *from = text + brackets;
	const char *end = brackets ? strchr(text, ']') : NULL;

	*h = (struct host_name){ .port = 0 };
	if (brackets && !end)
		return fault(why, "there is no \"]\"");
	if (!end && port && strchr(text, ':') == strrchr(text, ':'))
		end = strchr(text, ':');
	if (!end)
		end = text + strlen(text);
	const char *rest = end + brackets * (*end == ']');
	const size_t len = (size_t)(end - from);
	if (len >= sizeof name)
		return fault(why, "it is longer than %d characters", HOST_NAME_MOST);
	memcpy(name, from, len);
	name[len] = 0;
	if (!take_name(h, name, why))
		return false;
	if (brackets && !h->v6)
		return fault(why, "only an IPv6 address stands in brackets");
	if (!*rest)
		return true;
	if (*rest != ':' || !port)
		return fault(why,
			port ? "\"%s\" behind it is no port" : "\"%s\" has no place behind it",
			rest);
	return take_port(h, rest + 1, why);
}
