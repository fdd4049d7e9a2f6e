#include "net/dnstap.h"

#include "base/bytes.h"
#include "dns/query.h"

#include <string.h>

/* --- protocol buffers --------------------------------------------------------------------- */

enum wire { VARINT = 0, BYTES = 2, FIXED32 = 5 };

static uint8_t *put_varint(uint8_t *at, uint64_t v)
{
	while (v >= 0x80) {
		*at++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*at++ = (uint8_t)v;
	return at;
}

static uint8_t *put_number(uint8_t *at, unsigned field, uint64_t v)
{
	return put_varint(put_varint(at, field << 3 | VARINT), v);
}

static uint8_t *put_fixed(uint8_t *at, unsigned field, uint32_t v)
{
	at = put_varint(at, field << 3 | FIXED32);
	for (unsigned i = 0; i < 4; i++)
		*at++ = (uint8_t)(v >> 8 * i);
	return at;
}

static uint8_t *put_bytes(uint8_t *at, unsigned field, const void *p, size_t len)
{
	at = put_varint(put_varint(at, field << 3 | BYTES), len);
	if (len)
		memcpy(at, p, len);
	return at + len;
}

static size_t varint_len(uint64_t v)
{
	uint8_t room[10];

	return (size_t)(put_varint(room, v) - room);
}

/* --- dnstap.proto -------------------------------------------------------------------------- */

enum dnstap_field { IDENTITY = 1, VERSION = 2, MESSAGE = 14, TYPE = 15, TYPE_MESSAGE = 1 };

enum message_field {
	M_TYPE = 1,
	M_FAMILY,
	M_PROTOCOL,
	M_QUERY_ADDRESS,
	M_RESPONSE_ADDRESS,
	M_QUERY_PORT,
	M_RESPONSE_PORT,
	M_QUERY_S,
	M_QUERY_NS,
	M_QUERY,
	M_ZONE,
	M_RESPONSE_S,
	M_RESPONSE_NS,
	M_RESPONSE
};

/* AUTH_QUERY and the one behind it, or UPDATE_QUERY. */
static unsigned type_of(const struct tap_head *h, bool answer)
{
	const uint8_t *q = tap_query(h);
	const bool update = h->query_len > 2 && (q[2] >> 3 & 15) == OPCODE_UPDATE;

	return (update ? 13u : 1u) + answer;
}

static unsigned protocol_of(const struct tap_head *h)
{
	switch ((enum answer_via)h->via) {
	case VIA_UDP: return 1;
	case VIA_TCP: return 2;
	case VIA_TLS: return 3;
	case VIA_HTTPS: return 4;
	case VIA_QUIC: return 7;
	}
	return 1;
}

static uint8_t *put_address(uint8_t *at, unsigned field, const struct addr *a)
{
	const bool v4 = addr_is_v4(a);

	return put_bytes(at, field, a->b + (v4 ? 12 : 0), v4 ? 4 : 16);
}

/* All but what was said. */
static uint8_t *put_about(uint8_t *at, const struct tap_head *h, bool answer)
{
	static const struct addr unknown;

	at = put_number(at, M_TYPE, type_of(h, answer));
	at = put_number(at, M_FAMILY, addr_is_v4(&h->source) ? 1 : 2);
	at = put_number(at, M_PROTOCOL, protocol_of(h));
	at = put_address(at, M_QUERY_ADDRESS, &h->source);
	if (memcmp(&h->to, &unknown, sizeof unknown) != 0)
		at = put_address(at, M_RESPONSE_ADDRESS, &h->to);
	if (h->port)
		at = put_number(at, M_QUERY_PORT, h->port);
	if (h->to_port)
		at = put_number(at, M_RESPONSE_PORT, h->to_port);
	at = put_number(at, M_QUERY_S, (uint64_t)(h->read_us / 1000000));
	at = put_fixed(at, M_QUERY_NS, (uint32_t)(h->read_us % 1000000 * 1000));
	if (answer) {
		at = put_number(at, M_RESPONSE_S, (uint64_t)(h->answered_us / 1000000));
		at = put_fixed(at, M_RESPONSE_NS, (uint32_t)(h->answered_us % 1000000 * 1000));
	}
	return at;
}

size_t dnstap_frame(uint8_t *to, const struct dnstap_source *s, const struct tap_head *h, bool answer)
{
	const uint8_t *said = answer ? tap_answer(h) : tap_query(h);
	const size_t said_len = answer ? h->answer_len : h->query_len;
	const unsigned field = answer ? M_RESPONSE : M_QUERY;
	uint8_t about[256], *at = to + 4;

	const size_t about_len = (size_t)(put_about(about, h, answer) - about);
	at = put_bytes(at, IDENTITY, s->identity, strlen(s->identity));
	at = put_bytes(at, VERSION, s->version, strlen(s->version));
	at = put_varint(at, MESSAGE << 3 | BYTES);
	at = put_varint(at, about_len + 1 + varint_len(said_len) + said_len);
	memcpy(at, about, about_len);
	at = put_bytes(at + about_len, field, said, said_len);
	at = put_number(at, TYPE, TYPE_MESSAGE);
	be32_put(to, (uint32_t)(at - to - 4));
	return (size_t)(at - to);
}

/* --- frame streams ------------------------------------------------------------------------ */

static const char content[] = "protobuf:dnstap.Dnstap";

enum { CONTENT_LEN = sizeof content - 1, FIELD_CONTENT = 1, CONTROL_LONGEST = 4096 };

size_t dnstap_control(uint8_t to[static DNSTAP_CONTROL_MOST], enum dnstap_control type)
{
	const bool names = type == DNSTAP_READY || type == DNSTAP_START;
	const uint32_t len = 4 + (names ? 8 + CONTENT_LEN : 0);

	be32_put(to, 0);
	be32_put(to + 4, len);
	be32_put(to + 8, type);
	if (names) {
		be32_put(to + 12, FIELD_CONTENT);
		be32_put(to + 16, CONTENT_LEN);
		memcpy(to + 20, content, CONTENT_LEN);
	}
	return 8 + len;
}

size_t dnstap_read_control(const uint8_t *p, size_t len, unsigned *type, bool *ours)
{
	if (len >= 4 && be32_get(p) != 0)
		return SIZE_MAX;
	if (len < 12)
		return 0;
	const size_t own = be32_get(p + 4);
	if (own < 4 || own > CONTROL_LONGEST)
		return SIZE_MAX;
	if (len < 8 + own)
		return 0;
	bool named = false;
	*type = be32_get(p + 8);
	*ours = false;
	for (size_t at = 12, end = 8 + own; at < end;) {
		if (end - at < 8 || be32_get(p + at + 4) > end - at - 8)
			return SIZE_MAX;
		const size_t value = be32_get(p + at + 4);
		if (be32_get(p + at) == FIELD_CONTENT) {
			named = true;
			*ours = *ours ||
				(value == CONTENT_LEN && memcmp(p + at + 8, content, value) == 0);
		}
		at += 8 + value;
	}
	*ours = *ours || !named;
	return 8 + own;
}
