#include "answer/compress.h"

#include "dns/rrtype.h"

#include <string.h>
#include <strings.h>

/* So many names of a message are looked at. Of an RRset that has more, the image's own form is
 * as good. */
enum { NAMES_MOST = 48, SET_MOST = 24 };

/* --- the names of a message --------------------------------------------------------------- */

struct known {
	const struct compose *c;
	uint16_t at[NAMES_MOST];
	unsigned n;
};

static void know(struct known *k, size_t at)
{
	if (k->n < NAMES_MOST && at < WRITER_POINTABLE)
		k->at[k->n++] = (uint16_t)at;
}

/* What is behind the name at `at`. */
static size_t name_end(const uint8_t *buf, size_t at)
{
	while (buf[at] && buf[at] < 0xc0)
		at += buf[at] + 1u;
	return at + (buf[at] ? 2 : 1);
}

/* How many names lead the RDATA of a type, behind `*skip` bytes. */
static unsigned names_of(uint16_t type, unsigned *skip)
{
	unsigned n = rrtype_compressible(type, skip);

	if (type == RRTYPE_DNAME)
		return 1;
	if (type == RRTYPE_SRV) {
		*skip = 6;
		return 1;
	}
	return n;
}

static void know_records(struct known *k)
{
	const struct writer *w = &k->c->w;
	size_t at = QUERY_HEADER + k->c->q->name_len + 4u;

	while (at < w->len && k->n < NAMES_MOST) {
		unsigned skip;
		if (w->buf[at] < 0xc0)
			know(k, at);
		at = name_end(w->buf, at);
		unsigned names = names_of(be16_get(w->buf + at), &skip);
		size_t name = at + 10 + skip;
		at += 10u + be16_get(w->buf + at + 8);
		for (; names; names--, name = name_end(w->buf, name))
			if (w->buf[name] < 0xc0)
				know(k, name);
	}
}

static void know_message(struct known *k, const struct compose *c)
{
	k->c = c;
	k->n = 0;
	if (!c->q->name_len)
		return;
	know(k, QUERY_HEADER);
	know_records(k);
}

/* Where the labels of the name at `at` stand. Returns how many there are. */
static unsigned mark_labels(
	const uint8_t *buf, size_t at, uint16_t to[static NAME_LABELS_MOST + 1])
{
	unsigned n = 0;

	for (;; at += buf[at] + 1u) {
		while (buf[at] >= 0xc0)
			at = be16_get(buf + at) & 0x3fffu;
		if (!buf[at])
			return n;
		to[n++] = (uint16_t)at;
	}
}

static bool same_label(const uint8_t *a, const uint8_t *b)
{
	return *a == *b && strncasecmp((const char *)a + 1, (const char *)b + 1, *a) == 0;
}

/* The longest end of `name` that the message has: how many labels, and where. */
static unsigned find_end(const struct known *k, const uint8_t *name,
	const struct name_marks *marks, size_t *where)
{
	const uint8_t *buf = k->c->w.buf;
	uint16_t at[NAME_LABELS_MOST + 1];
	unsigned best = 0;

	for (unsigned i = 0; i < k->n && best < marks->n; i++) {
		const unsigned n = mark_labels(buf, k->at[i], at);
		unsigned same = 0;
		while (same < n && same < marks->n && at[n - same - 1] < WRITER_POINTABLE &&
			same_label(
				buf + at[n - same - 1], name + marks->at[marks->n - same - 1]))
			same++;
		if (same > best) {
			best = same;
			*where = at[n - same];
		}
	}
	return best;
}

static bool put_name(struct known *k, struct writer *w, const uint8_t *name)
{
	struct name_marks marks;
	size_t where = 0;

	name_mark(&marks, name);
	const unsigned same = find_end(k, name, &marks, &where);
	const size_t len = marks.at[marks.n - same];
	if (!writer_fits(w, len + (same ? 2 : 1)))
		return false;
	if (len)
		know(k, w->len);
	memcpy(w->buf + w->len, name, len);
	w->len += len;
	if (same) {
		be16_put(w->buf + w->len, 0xc000u | (unsigned)where);
		w->len += 2;
	} else {
		w->buf[w->len++] = 0;
	}
	return true;
}

bool compress_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s)
{
	struct writer *w = &c->w;
	const size_t before = w->len, rdata = before + COMPOSE_RR_FIXED;
	struct known k;

	if (!writer_fits(w, COMPOSE_RR_FIXED))
		return false;
	know_message(&k, c);
	writer_rr_head(w, compose_position(c, 0), RRTYPE_CNAME, ttl_s, 0);
	if (!put_name(&k, w, target)) {
		w->len = before;
		return false;
	}
	be16_put(w->buf + rdata - 2, (unsigned)(w->len - rdata));
	writer_count(w, WRITER_ANSWER, 1);
	return true;
}

size_t compress_owner(struct compose *c, const struct compose_link *link)
{
	const struct zone *z = link->zone;
	const size_t at = c->w.len;
	uint8_t name[NAME_MOST];
	struct known k;

	memcpy(name, link->node->name, link->node->name_len);
	memcpy(name + link->node->name_len, z->apex, z->apex_len);
	know_message(&k, c);
	put_name(&k, &c->w, name);
	return c->w.buf[at] < 0xc0 ? at : be16_get(c->w.buf + at) & 0x3fffu;
}

/* --- RRsets ------------------------------------------------------------------------------- */

bool compress_may_help(const struct compose *c, const struct zone_rrset *set, unsigned skip)
{
	if (c->w.len + set->len >= WRITER_POINTABLE)
		return true; /* not help alone: the image's pointers do not reach there */
	if (set->count > SET_MOST)
		return false;
	if (c->w.len > QUERY_HEADER + c->q->name_len + 4u)
		return true;
	/* Only the question is there; what its end that the owner is gives has been taken. */
	const unsigned front = skip ? skip : c->made;
	return front && set->aux & zone_label_bit(c->name->wire + c->name->at[front - 1]);
}

/* The name at `at` of an RRset's wire, whole. Returns what is behind it. */
static size_t read_name(const struct compose *c, const struct zone_rrset *set, size_t at,
	uint8_t to[static NAME_MOST])
{
	const uint8_t *wire = set->wire, *end = NULL;
	size_t len = 0, behind = 0;

	while (!end) {
		if (wire[at] < 0x80) {
			if (!wire[at]) {
				to[len] = 0;
				return behind ? behind : at + 1;
			}
			memcpy(to + len, wire + at, wire[at] + 1u);
			len += wire[at] + 1u;
			at += wire[at] + 1u;
			continue;
		}
		const unsigned pointer = be16_get(wire + at);
		behind = behind ? behind : at + 2;
		if (pointer == ZONE_POINTER_APEX)
			end = c->zone->apex;
		else if (pointer & 0x4000u)
			at = pointer & 0x3fffu;
		else
			end = c->name->wire + c->name->at[c->name->labels - (pointer & 0xffu)];
	}
	memcpy(to + len, end, name_len(end));
	return behind;
}

/* The record at `at` of the set. */
static bool put_record(struct known *k, struct compose *c, const struct zone_rrset *set,
	size_t at, size_t owner_at)
{
	struct writer *w = &c->w;
	const size_t end = at + COMPOSE_RR_FIXED + be16_get(set->wire + at + 10);
	uint8_t name[NAME_MOST];
	unsigned skip;

	rrtype_compressible(set->type, &skip);
	if (!writer_fits(w, COMPOSE_RR_FIXED + skip))
		return false;
	memcpy(w->buf + w->len, set->wire + at, COMPOSE_RR_FIXED + skip);
	be16_put(w->buf + w->len, 0xc000u | (unsigned)owner_at);
	w->len += COMPOSE_RR_FIXED;
	const size_t rdata = w->len;
	w->len += skip;
	at += COMPOSE_RR_FIXED + skip;
	for (unsigned i = 0; i < set->names; i++) {
		at = read_name(c, set, at, name);
		if (!put_name(k, w, name))
			return false;
	}
	if (!writer_fits(w, end - at))
		return false;
	memcpy(w->buf + w->len, set->wire + at, end - at);
	w->len += end - at;
	be16_put(w->buf + rdata - 2, (unsigned)(w->len - rdata));
	return true;
}

bool compress_rrset(
	struct compose *c, enum writer_section s, const struct zone_rrset *set, size_t owner_at)
{
	const size_t before = c->w.len;
	struct known k;

	know_message(&k, c);
	for (size_t at = 0; at < set->len;
		at += COMPOSE_RR_FIXED + be16_get(set->wire + at + 10))
		if (!put_record(&k, c, set, at, owner_at)) {
			c->w.len = before;
			return false;
		}
	writer_count(&c->w, s, set->count);
	return true;
}
