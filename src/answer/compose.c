#include "answer/compose.h"

#include "dns/rrtype.h"

#include <string.h>

enum { RR_FIXED = 12 }; /* owner as a pointer, type, class, TTL, RDLENGTH */

void compose_start(struct compose *c, const struct answer_ask *ask, const struct query *q)
{
	uint8_t *to = ask->to;
	const size_t question = q->name_len ? q->name_len + 4u : 0;
	size_t most = ANSWER_TCP_MOST;

	if (!ask->tcp)
		most = q->edns.payload < ANSWER_UDP_MOST ? q->edns.payload : ANSWER_UDP_MOST;
	c->q = q;
	c->scope = 0;
	c->rcode = RCODE_NOERROR;
	c->flags = 0;
	c->zone = NULL;
	c->n_dnames = 0;
	memcpy(to, ask->packet, 2);
	memset(to + 2, 0, QUERY_HEADER - 2);
	to[5] = question != 0;
	memcpy(to + QUERY_HEADER, ask->packet + QUERY_HEADER, question);
	c->w = (struct writer){ to, QUERY_HEADER + question, most };
	if (q->edns.present)
		c->w.room -= edns_len(&q->edns, c->ecs);
	c->name_at = QUERY_HEADER;
}

void compose_zone(struct compose *c, const struct zone *z)
{
	c->zone = z;
	c->apex_at = c->name_at + c->name.len - z->apex_len;
}

/* Where in the message the part of the name at work stands that starts at its label `skip`. A
 * name that a chain has led to is written as labels and a pointer to the apex. */
static size_t position(const struct compose *c, unsigned skip)
{
	const size_t at = c->name.at[skip], labels = c->name.len - c->zone->apex_len;

	return at < labels ? c->name_at + at : c->apex_at + at - labels;
}

static bool truncate_here(struct compose *c)
{
	c->flags |= FLAG_TC;
	return false;
}

/* Copies an RRset and sets its pointers: owners, and names in RDATA that end in the apex. */
static bool put_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, size_t owner_at)
{
	struct writer *w = &c->w;
	uint8_t *to = w->buf + w->len;

	if (!writer_fits(w, set->len))
		return false;
	memcpy(to, set->wire, set->len);
	if (owner_at != QUERY_HEADER)
		for (size_t at = 0; at < set->len; at += RR_FIXED + be16_get(to + at + 10))
			be16_put(to + at, 0xc000u | (unsigned)owner_at);
	const uint16_t *patch = zone_rrset_patches(set);
	for (unsigned i = 0; i < set->patches; i++)
		be16_put(to + patch[i], 0xc000u | (unsigned)c->apex_at);
	w->len += set->len;
	writer_count(w, s, set->count);
	return true;
}

bool compose_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, unsigned skip)
{
	return put_rrset(c, s, set, position(c, skip)) || truncate_here(c);
}

bool compose_node(struct compose *c, const struct zone_node *n, uint16_t qtype)
{
	const struct zone_rrset *set = zone_first_rrset(n);
	bool ok = true;

	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		if (qtype == RRTYPE_ANY || set->type == qtype)
			ok = compose_rrset(c, WRITER_ANSWER, set, 0) && ok;
	return ok;
}

/* The name at `at` of the message that is being written, with its pointers followed, in lower
 * case. We wrote it: it is sound. */
static void read_name(const struct compose *c, size_t at, uint8_t to[static NAME_MOST])
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

/* A and AAAA of the name server that stands at `at` of the message. False when one of them did
 * not fit. */
static bool put_addresses(struct compose *c, size_t at)
{
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_AAAA };
	uint8_t server[NAME_MOST];
	struct zone_name name;

	read_name(c, at, server);
	if (at >= WRITER_POINTABLE || !name_is_under(server, c->zone->apex))
		return true;
	zone_name_set(&name, c->key, server);
	const struct zone_node *n = zone_find_node(c->zone, &name, 0);
	if (!n)
		return true;
	for (unsigned i = 0; i < 2; i++) {
		const struct zone_rrset *set = zone_find_rrset(n, types[i]);
		if (set && !put_rrset(c, WRITER_ADDITIONAL, set, at))
			return false;
	}
	return true;
}

bool compose_referral(struct compose *c, const struct lookup *l)
{
	const size_t start = c->w.len;

	if (!compose_rrset(c, WRITER_AUTHORITY, l->rrset, l->skip))
		return false;
	const size_t end = c->w.len;
	for (size_t at = start; at < end; at += RR_FIXED + be16_get(c->w.buf + at + 10))
		if (!put_addresses(c, at + RR_FIXED))
			return truncate_here(c); /* RFC 9471: glue is no extra */
	return true;
}

bool compose_negative(struct compose *c)
{
	return put_rrset(c, WRITER_AUTHORITY, zone_rrset_at(c->zone, c->zone->soa_negative),
		       c->apex_at) ||
		truncate_here(c);
}

bool compose_edges(
	struct compose *c, const struct steer *s, const struct choice *choice, uint32_t ttl_s)
{
	const bool v6 = c->q->qtype == RRTYPE_AAAA;
	const size_t size = v6 ? 16 : 4, owner_at = position(c, 0);
	size_t count = 0;

	if (s->edges[choice->edges[0]].cname)
		return compose_cname(c, s->edges[choice->edges[0]].cname, ttl_s);
	for (unsigned i = 0; i < choice->n; i++)
		count += v6 ? s->edges[choice->edges[i]].n_aaaa
			    : s->edges[choice->edges[i]].n_a;
	if (!writer_fits(&c->w, count * (RR_FIXED + size)))
		return truncate_here(c);
	for (unsigned i = 0; i < choice->n; i++) {
		const struct edge *e = &s->edges[choice->edges[i]];
		const uint8_t *addr = v6 ? e->aaaa : e->a;
		for (unsigned k = v6 ? e->n_aaaa : e->n_a; k; k--, addr += size) {
			writer_rr_head(&c->w, owner_at, c->q->qtype, ttl_s, size);
			memcpy(c->w.buf + c->w.len, addr, size);
			c->w.len += size;
		}
	}
	writer_count(&c->w, WRITER_ANSWER, (unsigned)count);
	return true;
}

bool compose_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s)
{
	const size_t len = name_len(target), apex = c->zone->apex_len;
	const bool inside = apex > 2 && name_is_under(target, c->zone->apex);
	const size_t rdlen = inside ? len - apex + 2 : len;
	struct writer *w = &c->w;

	if (!writer_fits(w, RR_FIXED + rdlen))
		return truncate_here(c);
	writer_rr_head(w, position(c, 0), RRTYPE_CNAME, ttl_s, rdlen);
	memcpy(w->buf + w->len, target, inside ? rdlen - 2 : rdlen);
	if (inside)
		be16_put(w->buf + w->len + rdlen - 2, 0xc000u | (unsigned)c->apex_at);
	w->len += rdlen;
	writer_count(w, WRITER_ANSWER, 1);
	return true;
}

bool compose_dname(struct compose *c, const struct lookup *l)
{
	for (unsigned i = 0; i < c->n_dnames; i++)
		if (c->dnames[i] == l->rrset)
			return true;
	if (!compose_rrset(c, WRITER_ANSWER, l->rrset, l->skip))
		return false;
	c->dnames[c->n_dnames++] = l->rrset;
	return true;
}

/* The record written last is a CNAME, so its RDATA is the end of the message so far; where that
 * starts follows from the records before: a single RR was appended at `last`. */
static size_t last_rdata(const struct compose *c)
{
	const uint8_t *buf = c->w.buf;
	size_t at = QUERY_HEADER + c->q->name_len + 4u, last = at;

	while (at < c->w.len) {
		last = at;
		at += RR_FIXED + be16_get(buf + at + 10);
	}
	return last + RR_FIXED;
}

bool compose_follow(struct compose *c)
{
	const size_t at = last_rdata(c);

	read_name(c, at, c->target);
	if (!name_is_under(c->target, c->zone->apex))
		return false;
	zone_name_set(&c->name, c->key, c->target);
	c->name_at = at;
	return true;
}

bool compose_dname_target(
	const struct compose *c, const struct lookup *l, uint8_t to[static NAME_MOST])
{
	const size_t prefix = c->name.at[l->skip];
	uint8_t target[NAME_MOST];
	size_t len;

	/* DNAME's RDATA is never compressed. */
	len = name_len(l->rrset->wire + RR_FIXED);
	memcpy(target, l->rrset->wire + RR_FIXED, len);
	if (prefix + len > NAME_MOST)
		return false;
	/* The question's labels as they were asked, where they are the question's. */
	memcpy(to, c->name_at == QUERY_HEADER ? c->w.buf + QUERY_HEADER : c->name.wire, prefix);
	memcpy(to + prefix, target, len);
	return true;
}

size_t compose_finish(struct compose *c)
{
	struct writer *w = &c->w;
	const struct query *q = c->q;

	be16_put(w->buf + 2,
		FLAG_QR | (q->flags & (0x7800 | FLAG_RD | FLAG_CD)) | c->flags |
			(c->rcode & 15));
	if (q->edns.present) {
		w->len += edns_write(
			w->buf + w->len, &q->edns, c->rcode >> 4, c->ecs, c->scope);
		writer_count(w, WRITER_ADDITIONAL, 1);
	}
	return w->len;
}
