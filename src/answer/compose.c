#include "answer/compose.h"

#include "answer/compress.h"
#include "answer/pool_rrsig.h"
#include "dns/rrtype.h"

#include <string.h>

enum { RR_FIXED = COMPOSE_RR_FIXED };

void compose_start(struct compose *c, const struct answer_ask *ask, const struct query *q)
{
	uint8_t *to = ask->to;
	const size_t question = q->name_len ? q->name_len + 4u : 0;
	size_t most = ask->room;

	if (ask->via == VIA_UDP && c->edns.payload < most)
		most = c->edns.payload;
	if (ask->via == VIA_UDP && q->edns.payload < most)
		most = q->edns.payload;
	c->q = q;
	c->most = most;
	c->kept = 0;
	c->rcode = RCODE_NOERROR;
	c->flags = 0;
	c->class = CLASS_ANSWER;
	c->silent = c->failed = c->refused = false;
	c->source = &ask->source;
	c->dnssec = q->edns.dnssec_ok;
	c->zone = NULL;
	c->n_dnames = 0;
	c->n_proofs = 0;
	c->made = 0;
	c->negative_most_s = UINT32_MAX;
	memcpy(to, ask->packet, 2);
	memset(to + 2, 0, QUERY_HEADER - 2);
	to[5] = question != 0;
	memcpy(to + QUERY_HEADER, ask->packet + QUERY_HEADER, question);
	c->w = (struct writer){ to, QUERY_HEADER + question, most };
	if (q->edns.present) {
		/* A long question and a long identity may be more than the asker takes: with an
		 * extended error to come, the rest never is. */
		size_t opt = edns_len(&q->edns, &c->edns);
		if (c->w.len + opt + EDNS_EDE_LEN > most) {
			c->edns.nsid = NULL;
			opt = edns_len(&q->edns, &c->edns);
		}
		c->w.room -= opt;
	}
	c->name_at = QUERY_HEADER;
	c->last_at = c->w.len;
}

void compose_keep(struct compose *c, size_t len)
{
	c->w.room -= len < c->w.room - c->w.len ? len : c->w.room - c->w.len;
	c->kept = len;
}

void compose_clear(struct compose *c)
{
	c->w.len = QUERY_HEADER + (c->q->name_len ? c->q->name_len + 4u : 0);
	memset(c->w.buf + WRITER_ANSWER, 0, 6);
}

/* --- where names stand -------------------------------------------------------------------- */

size_t compose_position(const struct compose *c, unsigned skip)
{
	const uint8_t *buf = c->w.buf;
	size_t at = c->name_at;

	if (at == QUERY_HEADER)
		return at + c->name->at[skip];
	/* A name that a chain has led to: labels and pointers. */
	for (;; at += buf[at] + 1u) {
		while (buf[at] >= 0xc0)
			at = be16_get(buf + at) & 0x3fffu;
		if (skip-- == 0)
			return at;
	}
}

void compose_zone(struct compose *c, const struct zone *z)
{
	c->zone = z;
	c->apex_at = compose_position(c, c->name->labels - z->apex_labels);
}

void compose_read_name(const struct compose *c, size_t at, uint8_t to[static NAME_MOST])
{
	const uint8_t *buf = c->w.buf;
	size_t len = 0;

	while (buf[at]) {
		if (buf[at] >= 0xc0) {
			at = be16_get(buf + at) & 0x3fffu;
			continue;
		}
		name_lower(to + len, buf + at, buf[at] + 1u);
		len += buf[at] + 1u;
		at += buf[at] + 1u;
	}
	to[len] = 0;
}

/* --- RRsets ------------------------------------------------------------------------------- */

static bool truncate_here(struct compose *c)
{
	c->flags |= FLAG_TC;
	return false;
}

/* The signatures that go with an RRset, or NULL. */
static const struct zone_rrset *signatures(
	const struct compose *c, const struct zone_rrset *set)
{
	return c->dnssec && set->is_signed ? zone_next_rrset(set) : NULL;
}

/* Where in the message that stands to which a pointer of an image leads; `base` is where its
 * RRset starts. */
static size_t pointed(const struct compose *c, unsigned pointer, size_t base)
{
	if (pointer == ZONE_POINTER_APEX)
		return c->apex_at;
	if (pointer & 0x4000u)
		return base + (pointer & 0x3fffu);
	return compose_position(c, c->name->labels - (pointer & 0xffu));
}

/* Copies one RRset and sets its pointers: owners, and those of names in RDATA. */
static void copy(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, size_t owner_at)
{
	struct writer *w = &c->w;
	uint8_t *to = w->buf + w->len;

	memcpy(to, set->wire, set->len);
	if (owner_at != QUERY_HEADER)
		for (size_t at = 0; at < set->len; at += RR_FIXED + be16_get(to + at + 10))
			be16_put(to + at, 0xc000u | (unsigned)owner_at);
	const uint16_t *patch = zone_rrset_patches(set);
	for (unsigned i = 0; i < set->patches; i++) {
		uint8_t *p = to + patch[i];
		be16_put(p, 0xc000u | (unsigned)pointed(c, be16_get(p), w->len));
	}
	w->len += set->len;
	writer_count(w, s, set->count);
}

/* One RRset of the name at work from its label `skip` on. */
static bool put_own(struct compose *c, enum writer_section s, const struct zone_rrset *set,
	unsigned skip, size_t owner_at)
{
	if (set->names && compress_may_help(c, set, skip))
		return compress_rrset(c, s, set, owner_at);
	if (!writer_fits(&c->w, set->len))
		return false;
	copy(c, s, set, owner_at);
	return true;
}

bool compose_put_own(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip)
{
	const struct zone_rrset *sigs = signatures(c, set);
	const size_t owner_at = compose_position(c, skip), before = c->w.len;
	const unsigned counted = be16_get(c->w.buf + s);

	if (!put_own(c, s, set, skip, owner_at))
		return false;
	c->last_at = before;
	if (!sigs)
		return true;
	if (writer_fits(&c->w, sigs->len)) {
		copy(c, s, sigs, owner_at);
		return true;
	}
	c->w.len = before;
	be16_put(c->w.buf + s, counted);
	return false;
}

bool compose_put(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, size_t owner_at)
{
	const struct zone_rrset *sigs = signatures(c, set);

	if (!writer_fits(&c->w, set->len + (sigs ? (size_t)sigs->len : 0)))
		return false;
	c->last_at = c->w.len;
	copy(c, s, set, owner_at);
	if (sigs)
		copy(c, s, sigs, owner_at);
	return true;
}

/* A name that is written out, and where it stands once it does. */
struct compose_owner {
	const struct compose_link *link;
	size_t at;
};

/* Whether more of a proof's name than the apex may stand in the message. Of one label in front
 * of that only where a chain, another proof or the SOA has it; of a hash never. */
static bool may_be_known(const struct compose *c, const struct compose_link *link)
{
	const struct zone_node *n = link->node;

	if (n->flags & NODE_NSEC3)
		return false;
	return n->name_len > n->name[0] + 1u || link != c->proofs ||
		c->name_at != QUERY_HEADER ||
		link->zone->soa_negative->aux &
		zone_label_bit(n->name);
}

/* The name itself, below an apex that stands in the message. */
static void put_owner(struct compose *c, struct compose_owner *owner)
{
	const struct compose_link *link = owner->link;
	const struct zone_node *n = link->node;
	struct writer *w = &c->w;

	owner->at = w->len;
	if (may_be_known(c, link)) {
		owner->at = compress_owner(c, link);
		return;
	}
	memcpy(w->buf + w->len, n->name, n->name_len);
	w->len += n->name_len;
	be16_put(w->buf + w->len, 0xc000u | (unsigned)link->apex_at);
	w->len += 2;
}

/* RRs whose owner is written out: the first in any case, the others where no pointer reaches it
 * any more. */
static void copy_named(struct compose *c, enum writer_section s, const struct zone_rrset *set,
	struct compose_owner *owner)
{
	struct writer *w = &c->w;

	for (size_t at = 0; at < set->len;) {
		const size_t len = RR_FIXED + be16_get(set->wire + at + 10);
		if (owner->at && owner->at < WRITER_POINTABLE) {
			be16_put(w->buf + w->len, 0xc000u | (unsigned)owner->at);
			w->len += 2;
		} else {
			put_owner(c, owner);
		}
		memcpy(w->buf + w->len, set->wire + at + 2, len - 2);
		w->len += len - 2;
		at += len;
	}
	writer_count(w, s, set->count);
}

bool compose_put_named(struct compose *c, enum writer_section s,
	const struct compose_link *link, const struct zone_rrset *set)
{
	const struct zone_rrset *sigs = signatures(c, set);
	const unsigned names = c->w.len < WRITER_POINTABLE
		? 1u
		: set->count + (sigs ? (unsigned)sigs->count : 0);
	struct compose_owner owner = { .link = link };

	if (!writer_fits(&c->w,
		    set->len + (sigs ? (size_t)sigs->len : 0) +
			    (size_t)names * link->node->name_len))
		return false;
	copy_named(c, s, set, &owner);
	if (sigs)
		copy_named(c, s, sigs, &owner);
	return true;
}

bool compose_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip)
{
	return compose_put_own(c, s, set, skip) || truncate_here(c);
}

/* A DNAME that has led to its own owner is there already. */
static bool is_written(const struct compose *c, const struct zone_rrset *set)
{
	for (unsigned i = 0; i < c->n_dnames; i++)
		if (c->dnames[i] == set)
			return true;
	return false;
}

/* Nobody signs the record that names a pool. */
static bool is_shown(const struct compose *c, const struct zone_rrset *set)
{
	return set->type != RRTYPE_EDGE || !pool_rrsig_signs(c->by->world, c->zone);
}

bool compose_node(struct compose *c, const struct zone_node *n, uint16_t qtype)
{
	const struct zone_rrset *set = zone_first_rrset(n);
	const size_t owner_at = compose_position(c, 0);
	bool ok = true;

	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set)) {
		if ((qtype != RRTYPE_ANY && set->type != qtype) || is_written(c, set) ||
			!is_shown(c, set))
			continue;
		if (!put_own(c, WRITER_ANSWER, set, 0, owner_at))
			ok = truncate_here(c);
	}
	return ok;
}

bool compose_any(struct compose *c, const struct zone_node *n)
{
	const struct zone_rrset *set = zone_first_rrset(n),
				*best = zone_find_rrset(n, RRTYPE_NSEC);

	best = best ? best : set;
	/* The first that says something about the name: not only that it is signed. */
	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		if (set->type != RRTYPE_RRSIG && set->type != RRTYPE_NSEC && is_shown(c, set)) {
			best = set;
			break;
		}
	return is_written(c, best) || compose_rrset(c, WRITER_ANSWER, best, 0);
}

/* --- records made here -------------------------------------------------------------------- */

bool compose_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s)
{
	const size_t before = c->w.len;

	if (!compress_cname(c, target, ttl_s))
		return truncate_here(c);
	c->last_at = before;
	return true;
}

/* --- chains ------------------------------------------------------------------------------- */

bool compose_dname(struct compose *c, const struct lookup *l)
{
	if (is_written(c, l->rrset))
		return true;
	if (!compose_rrset(c, WRITER_ANSWER, l->rrset, l->skip))
		return false;
	c->dnames[c->n_dnames++] = l->rrset;
	return true;
}

bool compose_follow(struct compose *c)
{
	const uint8_t *buf = c->w.buf;
	const size_t at = c->last_at + RR_FIXED;
	size_t end = at;

	/* Pointers will lead to any label of it. */
	while (end < WRITER_POINTABLE && buf[end] && buf[end] < 0xc0)
		end += buf[end] + 1u;
	if (end >= WRITER_POINTABLE)
		return false;
	compose_read_name(c, at, c->target);
	zone_name_set(c->name, c->key, c->target);
	c->name_at = at;
	return true;
}

bool compose_dname_target(
	const struct compose *c, const struct lookup *l, uint8_t to[static NAME_MOST])
{
	const size_t prefix = c->name->at[l->skip];
	const uint8_t *target = l->rrset->wire + RR_FIXED; /* a DNAME's is never compressed */
	const size_t len = name_len(target);

	if (prefix + len > NAME_MOST)
		return false;
	/* The question's labels as they were asked, where they are the question's. */
	memcpy(to, c->name_at == QUERY_HEADER ? c->w.buf + QUERY_HEADER : c->name->wire,
		prefix);
	memcpy(to + prefix, target, len);
	return true;
}

/* Up to the next whole block, its signature counted. */
static uint16_t padding_of(const struct compose *c)
{
	const size_t len = c->w.len + edns_len(&c->q->edns, &c->edns) + c->kept;
	size_t padded = (len + EDNS_PADDING_BLOCK - 1) / EDNS_PADDING_BLOCK * EDNS_PADDING_BLOCK;

	if (padded > c->most)
		padded = c->most;
	return padded > len ? (uint16_t)(padded - len) : 0;
}

size_t compose_finish(struct compose *c)
{
	struct writer *w = &c->w;
	const struct query *q = c->q;

	/* CD is for resolvers to heed and for us to clear (RFC 4035 section 3.1.6). */
	be16_put(w->buf + 2,
		FLAG_QR | (q->flags & (0x7800 | FLAG_RD)) | c->flags | (c->rcode & RCODE_BITS));
	if (q->edns.present) {
		if (c->edns.padded)
			c->edns.padding = padding_of(c);
		w->len += edns_write(w->buf + w->len, &q->edns, &c->edns, c->rcode >> 4);
		writer_count(w, WRITER_ADDITIONAL, 1);
	}
	return w->len;
}
