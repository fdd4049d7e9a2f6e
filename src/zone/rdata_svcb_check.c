#include "zone/rdata_svcb.h"

#include "base/bytes.h"
#include "zone/rdata_svcb_keys.h"

#include <string.h>

const char *const rdata_svcb_keys[KEYS_NAMED] = {
	"mandatory",
	"alpn",
	"no-default-alpn",
	"port",
	"ipv4hint",
	"ech",
	"ipv6hint",
	"dohpath",
	"ohttp",
	"tls-supported-groups",
	"docpath",
	"pvd",
	"oots",
};

static bool list_is_whole(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p && end - p > *p)
		p += *p + 1;
	return p == end;
}

static bool is_variable(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static bool pair_twice(const uint8_t *v, unsigned len)
{
	for (unsigned i = 2; i < len; i += 2)
		for (unsigned k = 0; k < i; k += 2)
			if (memcmp(v + i, v + k, 2) == 0)
				return true;
	return false;
}

/* Each transport once; what its percentage is over 100 counts as that. */
static bool oots_is_whole(const uint8_t *const all, const uint8_t *end)
{
	const uint8_t *p = all;

	for (; p < end; p += *p + 2) {
		if (!*p || end - p < *p + 2)
			return false;
		for (const uint8_t *q = all; q < p; q += *q + 2)
			if (*q == *p && memcmp(q + 1, p + 1, *p) == 0)
				return false;
	}
	return true;
}

/* A URI template in relative form with the variable "dns" (RFC 9461 section 5). */
static bool dohpath_holds(const uint8_t *p, const uint8_t *end)
{
	if (p == end || *p != '/')
		return false;
	while ((p = memchr(p, '{', (size_t)(end - p)))) {
		const uint8_t *close = memchr(p, '}', (size_t)(end - p));
		if (!close)
			return false;
		for (const uint8_t *at = p + 1; close - at >= 3; at++)
			if (memcmp(at, "dns", 3) == 0 && !is_variable(at[-1]) &&
				!is_variable(at[3]))
				return true;
		p = close;
	}
	return false;
}

static bool has_key(const uint8_t *p, const uint8_t *end, unsigned key)
{
	for (; p < end; p += 4 + be16_get(p + 2))
		if (be16_get(p) == key)
			return true;
	return false;
}

/* `all` to `end` is whole: every parameter in its bounds. */
static bool mandatory_holds(
	const uint8_t *v, unsigned len, const uint8_t *all, const uint8_t *end)
{
	if (len == 0 || len % 2)
		return false;
	for (unsigned i = 0; i < len; i += 2) {
		const unsigned key = be16_get(v + i);
		if (key == KEY_MANDATORY || (i && key <= be16_get(v + i - 2)) ||
			!has_key(all, end, key))
			return false;
	}
	return true;
}

static bool value_is_sound(
	unsigned key, const uint8_t *v, unsigned len, const uint8_t *all, const uint8_t *end)
{
	switch (key) {
	case KEY_MANDATORY: return mandatory_holds(v, len, all, end);
	case KEY_ALPN: return len && list_is_whole(v, v + len);
	case KEY_NO_DEFAULT_ALPN: return len == 0 && has_key(all, end, KEY_ALPN);
	case KEY_PORT: return len == 2;
	case KEY_IPV4HINT: return len && len % 4 == 0;
	case KEY_ECH: return len > 0;
	case KEY_DOHPATH: return dohpath_holds(v, v + len);
	case KEY_IPV6HINT: return len && len % 16 == 0;
	case KEY_OHTTP:
	case KEY_PVD: return len == 0;
	case KEY_GROUPS: return len && len % 2 == 0 && !pair_twice(v, len);
	case KEY_DOCPATH: return list_is_whole(v, v + len);
	case KEY_OOTS: return len && oots_is_whole(v, v + len);
	case KEY_INVALID: return false;
	default: return true;
	}
}

static bool check_bounds(const uint8_t *p, const uint8_t *end, struct fault *why)
{
	for (long last = -1; p < end; p += 4 + be16_get(p + 2)) {
		if (end - p < 4 || end - p - 4 < be16_get(p + 2))
			return fault(why, "a parameter is cut short");
		if (be16_get(p) <= last)
			return fault(
				why, "the parameters are not in ascending order of their keys");
		last = be16_get(p);
	}
	return true;
}

bool rdata_svcb_check(const uint8_t *p, const uint8_t *end, struct fault *why)
{
	const uint8_t *const all = p;

	if (!check_bounds(p, end, why))
		return false;
	for (; p < end; p += 4 + be16_get(p + 2)) {
		const unsigned key = be16_get(p);
		if (value_is_sound(key, p + 4, be16_get(p + 2), all, end))
			continue;
		if (key == KEY_MANDATORY)
			return fault(why,
				"mandatory must name keys that are in this record, "
				"each once, and not itself "
				"(RFC 9460 section 8)");
		if (key == KEY_NO_DEFAULT_ALPN)
			return fault(why,
				"no-default-alpn has no value, and alpn must be "
				"there too (RFC 9460 section 7.1.1)");
		if (key == KEY_DOHPATH)
			return fault(why,
				"dohpath is a path with the variable dns, as in "
				"/dns-query{?dns} (RFC 9461 section 5)");
		if (key == KEY_GROUPS || key == KEY_OOTS)
			return fault(why,
				"the value of %s is not of its form, or names one twice",
				rdata_svcb_keys[key]);
		return fault(why, "the value of %s is not of its form (RFC 9460)",
			key < KEYS_NAMED ? rdata_svcb_keys[key] : "key65535");
	}
	return true;
}
