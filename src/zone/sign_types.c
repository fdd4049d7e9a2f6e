#include "zone/sign_types.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"

#include <string.h>

bool sign_makes(uint16_t type, bool apex)
{
	switch (type) {
	case RRTYPE_RRSIG:
	case RRTYPE_NSEC:
	case RRTYPE_NSEC3:
	case RRTYPE_NSEC3PARAM: return true;
	case RRTYPE_DNSKEY:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
	case RRTYPE_ZONEMD: return apex;
	default: return false;
	}
}

bool sign_has_data(const struct zone_node *n)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (!sign_makes(s->type, n->name_len == 0))
			return true;
	return false;
}

bool sign_covers(const struct zone_node *n, uint16_t type)
{
	if (!sign_sees(n))
		return (n->flags & NODE_NSEC3) && type == RRTYPE_NSEC3;
	if (n->flags & NODE_CUT)
		return type == RRTYPE_DS || type == RRTYPE_NSEC;
	return type != RRTYPE_RRSIG && type != RRTYPE_EDGE;
}

bool sign_has_nsec(const struct zone_node *n)
{
	return sign_sees(n) && sign_has_data(n);
}

/* Is the name below the other? */
static bool is_below(const struct zone_node *n, const struct zone_node *of)
{
	const uint8_t *p = n->name;

	if (n->name_len <= of->name_len)
		return false;
	while ((size_t)(p - n->name) < (size_t)n->name_len - of->name_len)
		p += *p + 1u;
	return (size_t)(p - n->name) == (size_t)n->name_len - of->name_len &&
		memcmp(p, of->name, of->name_len) == 0;
}

static bool is_insecure(const struct zone_node *n)
{
	return n->flags & NODE_CUT && !zone_find_rrset(n, RRTYPE_DS);
}

bool sign_has_nsec3(const struct zone *z, const struct zone_node *n, bool opt_out)
{
	if (!sign_sees(n))
		return false;
	if (sign_has_data(n))
		return !opt_out || !is_insecure(n);
	for (const struct zone_node *d = image_next(z, n); d; d = image_next(z, d)) {
		if (d->flags & NODE_NSEC3)
			continue;
		if (!is_below(d, n))
			return false;
		if (sign_sees(d) && sign_has_data(d) && (!opt_out || !is_insecure(d)))
			return true;
	}
	return false;
}

/* --- bitmaps ------------------------------------------------------------------------------ */

static void add(struct sign_bits *b, uint16_t type)
{
	b->window[type >> 8][(type & 0xff) >> 3] |= (uint8_t)(0x80 >> (type & 7));
	b->used[type >> 14] |= 1ull << (type >> 8 & 63);
}

static size_t put_window(struct sign_bits *b, unsigned w, uint8_t *to)
{
	unsigned len = 32;

	while (len && !b->window[w][len - 1])
		len--;
	to[0] = (uint8_t)w;
	to[1] = (uint8_t)len;
	memcpy(to + 2, b->window[w], len);
	memset(b->window[w], 0, sizeof b->window[w]);
	return len + 2u;
}

static size_t put_all(struct sign_bits *b, uint8_t *to)
{
	size_t len = 0;

	for (unsigned k = 0; k < 4; k++)
		for (; b->used[k]; b->used[k] &= b->used[k] - 1)
			len += put_window(
				b, k * 64 + (unsigned)__builtin_ctzll(b->used[k]), to + len);
	return len;
}

static bool add_pool(const struct sign_types *t, struct sign_bits *b, const struct zone_rrset *edge)
{
	uint16_t types[COMPILE_POOL_TYPES_MOST] = { RRTYPE_A, RRTYPE_AAAA };
	struct edge_rr rr;
	unsigned n = 2;

	image_edge(edge, &rr);
	if (t->compile->pool_types)
		n = t->compile->pool_types(t->compile->ctx, &rr, types);
	for (unsigned i = 0; i < n; i++)
		add(b, types[i]);
	return n != 0;
}

/* Of the apex. */
static void add_made(const struct sign_types *t, const struct zone *z, struct sign_bits *b)
{
	static const uint16_t made[] = { RRTYPE_DNSKEY, RRTYPE_NSEC3PARAM, RRTYPE_CDS,
		RRTYPE_CDNSKEY };
	uint8_t rdata[SIGNING_DNSKEY_MOST];

	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (keyset_rdata(t->keys, z->apex, made[i], 0, rdata))
			add(b, made[i]);
	if (t->keys->policy.zonemd)
		add(b, RRTYPE_ZONEMD);
}

size_t sign_bitmap(const struct sign_types *t, const struct zone *z, const struct zone_node *n,
	struct sign_bits *bits, uint8_t to[static SIGN_BITMAP_MOST])
{
	const struct zone_rrset *s = zone_first_rrset(n);
	const bool cut = n->flags & NODE_CUT, nsec = t->keys->policy.denial == KEYSET_NSEC;
	bool is_signed = nsec;

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s)) {
		if (sign_makes(s->type, n->name_len == 0) ||
			(cut && s->type != RRTYPE_NS && s->type != RRTYPE_DS))
			continue;
		if (s->type == RRTYPE_EDGE) {
			is_signed = add_pool(t, bits, s) || is_signed;
			continue;
		}
		add(bits, s->type);
		is_signed = is_signed || sign_covers(n, s->type);
	}
	if (n->name_len == 0)
		add_made(t, z, bits);
	if (nsec)
		add(bits, RRTYPE_NSEC);
	if (is_signed)
		add(bits, RRTYPE_RRSIG);
	return put_all(bits, to);
}
