#include "answer/transfer.h"

#include "dns/rrtype.h"
#include "dns/writer.h"
#include "zone/image.h"

#include <string.h>

enum { RR_FIXED = IMAGE_RR_FIXED, POINTER = 2 };

/* A message while it is written. The question is the apex, so that all names below it end in a
 * pointer there. */
struct message {
	struct writer w;
	size_t owner_at; /* where the node's name stands; 0: nowhere yet */
	size_t empty;    /* its length without any record */
};

/* What it borrows from itself, wherever it is. */
static void bind_own(struct transfer *t)
{
	t->key.name = t->key_name;
	t->key.secret = t->secret;
	if (t->tsig.key)
		t->tsig.key = &t->key;
	if (t->reply.nsid)
		t->reply.nsid = t->identity;
}

static void keep_own(struct transfer *t)
{
	const struct tsig_key *key = t->tsig.key;

	if (key) {
		t->key = *key;
		memcpy(t->key_name, key->name, name_len(key->name));
		memcpy(t->secret, key->secret, key->secret_len);
	}
	if (t->reply.nsid)
		memcpy(t->identity, t->reply.nsid, t->reply.nsid_len);
	bind_own(t);
}

void transfer_move(struct transfer *to, struct transfer *from)
{
	*to = *from;
	bind_own(to);
	from->zone = NULL;
}

void transfer_start(struct transfer *t, const struct answer_ask *ask,
	const struct answer_pending *p, const struct edns_reply *reply, const uint32_t *since)
{
	const struct query *q = &p->query;
	const struct history *h = since ? p->zone->history : NULL;

	*t = (struct transfer){ .zone = p->zone,
		.flags = q->flags,
		.question_len = (uint16_t)(QUERY_HEADER + q->name_len + 4),
		.edns = q->edns,
		.reply = *reply,
		.tsig = p->tsig };
	t->edns.cookie = NULL; /* its bytes are the packet's; ours are in the reply */
	memcpy(t->question, ask->packet, t->question_len);
	keep_own(t);
	t->node = image_first(t->zone);
	t->set = zone_first_rrset(t->node);
	t->sets_left = t->node->rrsets;
	zone_hold(t->zone);
	if (!h)
		return;
	t->step = history_find(h, *since);
	if (t->step == h->n)
		return;
	t->history = h;
	t->walk = change_each(h->steps[t->step]->change);
}

void transfer_end(struct transfer *t)
{
	if (t->zone)
		zone_drop(t->zone);
	t->zone = NULL;
}

/* --- names -------------------------------------------------------------------------------- */

/* Bytes that the owner of the next record takes: a pointer, once its name is in the message. */
static size_t owner_len(const struct message *m, const struct zone_node *n)
{
	return m->owner_at ? POINTER : n->name_len + (size_t)POINTER;
}

static void put_owner(struct message *m, const struct zone_node *n)
{
	struct writer *w = &m->w;

	if (!m->owner_at) {
		m->owner_at = w->len;
		memcpy(w->buf + w->len, n->name, n->name_len);
		w->len += n->name_len;
		be16_put(w->buf + w->len, 0xc000u | QUERY_HEADER);
	} else {
		be16_put(w->buf + w->len, 0xc000u | (unsigned)m->owner_at);
	}
	w->len += POINTER;
}

/* Where in the message the last `labels` labels of the owner stand. */
static size_t suffix_at(const struct transfer *t, const struct message *m, unsigned labels)
{
	const uint8_t *own = t->node->name, *const end = own + t->node->name_len;
	unsigned n = t->zone->apex_labels;
	const uint8_t *p;
	size_t at = QUERY_HEADER;

	for (p = own; p < end; p += *p + 1u)
		n++;
	for (p = own; p < end && n > labels; p += *p + 1u)
		n--;
	if (p < end)
		return m->owner_at + (size_t)(p - own);
	for (p = t->zone->apex; n > labels; p += *p + 1u, n--)
		at += *p + 1u;
	return at;
}

/* --- RRsets ------------------------------------------------------------------------------- */

/* Whether pointers reach all that an RRset's names point to within it, which starts at `base`.
 */
static bool is_in_reach(const struct zone_rrset *set, size_t base)
{
	const uint16_t *patch = zone_rrset_patches(set);

	for (unsigned i = 0; i < set->patches; i++) {
		const unsigned pointer = be16_get(set->wire + patch[i]);
		if (pointer > ZONE_POINTER_SET &&
			base + (pointer & 0x3fffu) >= WRITER_POINTABLE)
			return false;
	}
	return true;
}

/* All records of an RRset as the image has them, their pointers set. */
static void put_whole(const struct transfer *t, struct message *m)
{
	const struct zone_rrset *set = t->set;
	struct writer *w = &m->w;
	const uint16_t *patch = zone_rrset_patches(set);

	put_owner(m, t->node);
	uint8_t *to = w->buf + w->len - POINTER;
	memcpy(to + POINTER, set->wire + POINTER, set->len - POINTER);
	for (size_t at = RR_FIXED + be16_get(to + 10); at < set->len;
		at += RR_FIXED + be16_get(to + at + 10))
		be16_put(to + at, 0xc000u | (unsigned)m->owner_at);
	for (unsigned i = 0; i < set->patches; i++) {
		const unsigned pointer = be16_get(to + patch[i]);
		size_t leads;
		if (pointer == ZONE_POINTER_APEX)
			leads = QUERY_HEADER;
		else if (pointer & 0x4000u)
			leads = (size_t)(to - w->buf) + (pointer & 0x3fffu);
		else
			leads = suffix_at(t, m, pointer & 0xffu);
		be16_put(to + patch[i], 0xc000u | (unsigned)leads);
	}
	w->len += set->len - (size_t)POINTER;
	writer_count(w, WRITER_ANSWER, set->count);
}

/* The next record, its names whole. False when the message is full. */
static bool put_record(struct transfer *t, struct message *m)
{
	const uint8_t *rr = t->set->wire + t->at;
	struct writer *w = &m->w;
	uint8_t rdata[TRANSFER_ROOM];
	size_t len = be16_get(rr + 10);
	const uint8_t *from = rr + RR_FIXED;

	if (t->set->patches) {
		len = image_rdata(t->zone, t->node, t->set, t->at, rdata);
		from = rdata;
	}
	const size_t all = owner_len(m, t->node) + RR_FIXED - POINTER + len;
	if (w->len + all > TRANSFER_MESSAGE && w->len > m->empty)
		return false;
	if (!writer_fits(w, all)) {
		t->failed = true;
		return false;
	}
	put_owner(m, t->node);
	memcpy(w->buf + w->len, rr + POINTER, RR_FIXED - POINTER);
	be16_put(w->buf + w->len + 8, (unsigned)len);
	w->len += RR_FIXED - POINTER;
	memcpy(w->buf + w->len, from, len);
	w->len += len;
	writer_count(w, WRITER_ANSWER, 1);
	t->at += RR_FIXED + be16_get(rr + 10);
	return true;
}

/* What is left of an RRset. False when the message is full before its end. */
static bool put_set(struct transfer *t, struct message *m)
{
	const struct zone_rrset *set = t->set;
	const size_t base = m->w.len + owner_len(m, t->node) - POINTER;

	if (t->at == 0 && base + set->len <= TRANSFER_MESSAGE && is_in_reach(set, base)) {
		put_whole(t, m);
		return true;
	}
	/* One that pointers reach in a message of its own goes there. */
	if (t->at == 0 && set->patches && m->w.len > m->empty && set->len < TRANSFER_MESSAGE / 2)
		return false;
	while (t->at < set->len)
		if (!put_record(t, m))
			return false;
	return true;
}

/* --- messages ----------------------------------------------------------------------------- */

static void next_set(struct transfer *t, struct message *m)
{
	t->at = 0;
	t->set = zone_next_rrset(t->set);
	t->sets_left--;
	while (t->node && !t->sets_left) {
		t->node = image_next(t->zone, t->node);
		if (!t->node)
			return;
		t->set = zone_first_rrset(t->node);
		t->sets_left = t->node->rrsets;
		m->owner_at = 0;
	}
}

static bool is_soa(const struct transfer *t)
{
	return t->set->type == RRTYPE_SOA && t->node->name_len == 0;
}

/* The SOA, which opens and closes a transfer. */
static bool put_soa(struct transfer *t, struct message *m)
{
	struct transfer soa = *t;
	const size_t owner_at = m->owner_at;

	soa.node = image_first(t->zone);
	soa.set = zone_find_rrset(soa.node, RRTYPE_SOA);
	soa.at = 0;
	m->owner_at = QUERY_HEADER;
	const bool ok = put_set(&soa, m);
	m->owner_at = owner_at;
	return ok;
}

/* The next record of a change, its name ending in the apex. False when the message is full. */
static bool put_changed(struct transfer *t, struct message *m)
{
	const struct change_record *rr = &t->walk.rr;
	struct writer *w = &m->w;
	const size_t owner = name_len(rr->owner) - t->zone->apex_len,
		     all = owner + RR_FIXED + rr->rdlen;

	if (w->len + all > TRANSFER_MESSAGE && w->len > m->empty)
		return false;
	if (!writer_fits(w, all)) {
		t->failed = true;
		return false;
	}
	memcpy(w->buf + w->len, rr->owner, owner);
	w->len += owner;
	writer_rr_head(w, QUERY_HEADER, rr->type, rr->ttl_s, rr->rdlen);
	memcpy(w->buf + w->len, rr->rdata, rr->rdlen);
	w->len += rr->rdlen;
	writer_count(w, WRITER_ANSWER, 1);
	return true;
}

/* Step by step: what goes behind the old SOA, what comes behind the new one, as changes have them. */
static void put_changes(struct transfer *t, struct message *m)
{
	while (t->step < t->history->n) {
		if (!t->has_record && !(t->has_record = change_next(&t->walk))) {
			if (++t->step < t->history->n)
				t->walk = change_each(t->history->steps[t->step]->change);
			continue;
		}
		if (!put_changed(t, m))
			return;
		t->has_record = false;
	}
	t->over = put_soa(t, m);
}

static void put_records(struct transfer *t, struct message *m)
{
	if (!t->begun)
		t->begun = put_soa(t, m);
	if (t->history) {
		put_changes(t, m);
		return;
	}
	while (t->node) {
		if (t->node->name_len == 0 && !(t->node->flags & NODE_NSEC3))
			m->owner_at = QUERY_HEADER;
		if (!is_soa(t) && !put_set(t, m))
			return;
		next_set(t, m);
	}
	t->over = put_soa(t, m);
}

size_t transfer_next(struct transfer *t, uint8_t *to, uint64_t now_s)
{
	const size_t opt = t->edns.present ? edns_len(&t->edns, &t->reply) : 0;
	struct message m = { .w = { to, t->question_len,
				     TRANSFER_ROOM - opt - tsig_len(&t->tsig) } };

	if (t->over || t->failed)
		return 0;
	memcpy(to, t->question, t->question_len);
	be16_put(to + 2, FLAG_QR | FLAG_AA | (t->flags & FLAG_RD));
	be16_put(to + 4, 1);
	memset(to + 6, 0, 6);
	m.empty = m.w.len;
	put_records(t, &m);
	if (t->failed)
		return 0;
	if (t->edns.present) {
		m.w.len += edns_write(to + m.w.len, &t->edns, &t->reply, 0);
		writer_count(&m.w, WRITER_ADDITIONAL, 1);
	}
	return t->tsig.key ? tsig_sign(&t->tsig, to, m.w.len, now_s) : m.w.len;
}
