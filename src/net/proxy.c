#include "net/proxy.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

enum {
	FIXED = 16,    /* of version 2 */
	LINE_MOST = 107, /* of version 1, with CR LF */
	LOCAL = 0x20,
	PROXY = 0x21,
	TCP4 = 0x11,
	UDP4 = 0x12,
	TCP6 = 0x21,
	UDP6 = 0x22,
	V4_LEN = 12,
	V6_LEN = 36
};

static const uint8_t signature[PROXY_FIRST] = "\r\n\r\n\0\r\nQUIT\n";

static enum proxy_result more(struct proxy_header *to, size_t len)
{
	to->len = len;
	return PROXY_MORE;
}

/* "PROXY TCP4 192.0.2.1 192.0.2.53 56324 53", or UNKNOWN and anything. */
static enum proxy_result read_words(struct proxy_header *to, const char *line)
{
	char family[8], client[46], server[46];
	unsigned from, at;
	int end = 0;

	if (strcmp(line, "PROXY UNKNOWN") == 0 || strncmp(line, "PROXY UNKNOWN ", 14) == 0)
		return PROXY_WHOLE;
	if (sscanf(line, "PROXY %7s %45s %45s %5u %5u%n", family, client, server, &from, &at,
		    &end) != 5 ||
		line[end] || from > 65535 || at > 65535)
		return PROXY_WRONG;
	const bool v4 = strcmp(family, "TCP4") == 0;
	if ((!v4 && strcmp(family, "TCP6") != 0) || !addr_parse(&to->client, client) ||
		v4 != (strchr(client, ':') == NULL))
		return PROXY_WRONG;
	to->told = true;
	return PROXY_WHOLE;
}

static enum proxy_result read_line(struct proxy_header *to, const uint8_t *bytes, size_t len)
{
	const uint8_t *end = memchr(bytes, '\n', len);
	char line[LINE_MOST + 1];

	if (!end)
		return len < LINE_MOST ? more(to, len + 1) : PROXY_WRONG;
	to->len = (size_t)(end - bytes) + 1;
	if (end[-1] != '\r' || to->len > LINE_MOST || memchr(bytes, 0, to->len))
		return PROXY_WRONG;
	memcpy(line, bytes, to->len - 2);
	line[to->len - 2] = 0;
	return read_words(to, line);
}

static bool take_client(struct proxy_header *to, unsigned family, const uint8_t *p, size_t len)
{
	switch (family) {
	case TCP4:
	case UDP4:
		if (len < V4_LEN)
			return false;
		to->client = addr_from_v4(p);
		break;
	case TCP6:
	case UDP6:
		if (len < V6_LEN)
			return false;
		memcpy(to->client.b, p, sizeof to->client.b);
		break;
	default: return true; /* a family that is none of ours: nobody is told */
	}
	to->told = true;
	to->datagram = family == UDP4 || family == UDP6;
	return true;
}

enum proxy_result proxy_read(
	struct proxy_header *to, const uint8_t *bytes, size_t len, bool text)
{
	*to = (struct proxy_header){ .len = PROXY_FIRST };
	if (len < PROXY_FIRST)
		return PROXY_MORE;
	if (text && memcmp(bytes, "PROXY ", 6) == 0)
		return read_line(to, bytes, len);
	if (memcmp(bytes, signature, sizeof signature) != 0)
		return PROXY_WRONG;
	if (len < FIXED)
		return more(to, FIXED);
	const size_t body = be16_get(bytes + 14);
	if ((bytes[12] != PROXY && bytes[12] != LOCAL) || FIXED + body > PROXY_MOST)
		return PROXY_WRONG;
	if (len < FIXED + body)
		return more(to, FIXED + body);
	to->len = FIXED + body;
	return bytes[12] == LOCAL || take_client(to, bytes[13], bytes + FIXED, body)
		? PROXY_WHOLE
		: PROXY_WRONG;
}
