#include "zone/master_inner.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/field.h"
#include "zone/rdata_rules.h"

#include <errno.h>
#include <string.h>

enum { TTL_NOWHERE_S = 3600 };

bool master_no_memory(struct master *m)
{
	if (!m->out_of_memory)
		faults_error(m->faults, &(struct fault_at){ .path = m->path }, "%s",
			strerror(ENOMEM));
	m->out_of_memory = true;
	return false;
}

/* --- owners ------------------------------------------------------------------------------- */

void master_set_origin(struct master *m, const uint8_t *origin, unsigned line)
{
	m->origin_len = name_len(origin);
	memmove(m->origin, origin, m->origin_len);
	m->origin_inside = name_is_under(m->origin, m->to->origin);
	m->origin_line = line;
	m->origin_depth = m->depth;
	m->owner_text = NULL; /* the same text means another name now */
}

static bool parse_name(
	struct tokens *t, uint8_t name[static NAME_MOST], size_t *len, const uint8_t *origin)
{
	const struct token *tok = &t->tok;
	char text[TOKEN_TEXT];

	const enum name_result r = name_parse(name, len, tok->s, tok->len, origin);
	if (r != NAME_OK)
		return token_fault(
			t, tok->s, "%s %s", token_text(text, tok), name_result_text(r));
	return true;
}

bool master_name(
	struct tokens *t, uint8_t name[static NAME_MOST], size_t *len, const uint8_t *origin)
{
	if (!token_is_word(&t->tok))
		return token_fault(t, t->tok.s - (t->tok.kind == TOKEN_QUOTED),
			"a name is wanted here, without quotes");
	return parse_name(t, name, len, origin);
}

/* The owner may stand in quotes, as in NSD and BIND. */
static bool owner_name(
	struct master *m, struct tokens *t, uint8_t name[static NAME_MOST], size_t *len)
{
	if (t->tok.kind != TOKEN_QUOTED || !t->tok.len)
		return master_name(t, name, len, m->origin);
	token_warning(t, t->tok.s - 1, "a name is written without quotes");
	return parse_name(t, name, len, m->origin);
}

/* The name above `name` that has as many labels as the zone's, or all of `name`. */
static const uint8_t *same_depth(const struct master *m, const uint8_t *name)
{
	unsigned labels = name_labels(name);

	for (const unsigned wanted = name_labels(m->to->origin); labels > wanted; labels--)
		name += *name + 1;
	return name;
}

/* Names outside are seldom alone: $ORIGIN is wrong, or the file is another zone's. The first is
 * told, and what follows from the same cause is only wrong. Always false. */
static bool owner_outside(
	struct master *m, struct tokens *t, const uint8_t *name, bool absolute)
{
	const bool by_origin = !absolute && !name_is_under(m->to->origin, m->origin);
	const uint8_t *cause = by_origin ? m->origin : name;
	char text[NAME_TEXT], zone[NAME_TEXT], other[NAME_TEXT];

	for (unsigned i = 0; i < m->n_outside; i++)
		if (name_is_under(cause, m->outside[i])) {
			t->failed = true;
			return false;
		}
	cause = same_depth(m, cause);
	if (m->n_outside < MASTER_OUTSIDE_MOST)
		memcpy(m->outside[m->n_outside++], cause, name_len(cause));
	name_text(text, name);
	name_text(zone, m->to->origin);
	if (by_origin && m->origin_line && m->origin_depth == m->depth)
		return token_fault(t, t->tok.s,
			"%s is not in the zone %s: line %u made %s the origin (correct that; "
			"other names below it are not told)",
			text, zone, m->origin_line, name_text(other, m->origin));
	if (by_origin && m->origin_line)
		return token_fault(t, t->tok.s,
			"%s is not in the zone %s: line %u of %s made %s the origin (correct that; other names below it are not told)",
			text, zone, m->origin_line, m->to->files[m->reading[m->origin_depth - 1]].path, name_text(other, m->origin));
	return token_fault(t, t->tok.s,
		"%s is not in the zone %s (remove it, or correct the name or $ORIGIN; other "
		"names of %s are not told)",
		text, zone, name_text(other, cause));
}

/* "www.example.com" in example.com, without the dot. */
static void doubt_owner(struct master *m, struct tokens *t, uint8_t *name, size_t own_len)
{
	const uint8_t root = name[own_len];
	char text[TOKEN_TEXT];

	name[own_len] = 0;
	const bool twice = name_is_under(name, m->origin);
	name[own_len] = root;
	if (twice)
		token_warning(t, t->tok.s,
			"%s has no dot at its end, so that the origin is added to it once more "
			"(write %s. if that is not meant)",
			token_text(text, &t->tok), text);
}

bool master_owner(struct master *m, struct tokens *t)
{
	struct token *tok = &t->tok;
	size_t len;

	if (m->owner_text && tok->len == m->owner_text_len && tok->kind == TOKEN_WORD &&
		memcmp(tok->s, m->owner_text, tok->len) == 0)
		return true;
	uint8_t name[NAME_MOST];
	if (!owner_name(m, t, name, &len))
		return false;
	const bool absolute = tok->s[tok->len - 1] == '.';
	if ((absolute || !m->origin_inside) && !name_is_under(name, m->to->origin))
		return owner_outside(m, t, name, absolute);
	if (!absolute && m->origin_len > 2 && len >= 2 * m->origin_len - 1)
		doubt_owner(m, t, name, len - m->origin_len);
	m->owner = records_owner(m->to, name, len);
	if (m->owner == RECORDS_NONE)
		return master_no_memory(m);
	m->owner_text = t->made_by ? NULL : tok->s;
	m->owner_text_len = tok->len;
	return true;
}

/* A first record without an owner is the apex's, whatever $ORIGIN says: so NSD and gdnsd. */
static bool owner_is_apex(struct master *m, struct tokens *t)
{
	token_warning(t, t->tok.s,
		"this line has no owner, and there is none before it to take over: it is taken "
		"for the zone itself (write @ in column 1)");
	m->owner = records_owner(m->to, m->to->origin, m->to->origin_len);
	return m->owner != RECORDS_NONE || master_no_memory(m);
}

/* --- records ------------------------------------------------------------------------------ */

/* What a record without a TTL has: that of $TTL (RFC 2308 section 4), else the last one's (RFC
 * 1035 section 5.1). If there is none, an SOA that comes first gives its own minimum to all, as
 * in BIND; else it is an hour, as in NSD, Knot and PowerDNS. */
static void default_ttl(struct master *m, struct tokens *t, struct head *h, int rdlen)
{
	if (!m->has_ttl && !m->has_last_ttl) {
		m->ttl_s = TTL_NOWHERE_S;
		if (h->type == RRTYPE_SOA && rdlen >= 20)
			m->ttl_s = be32_get(m->rdata + rdlen - 4); /* its last field */
		else
			token_warning(t, h->type_at,
				"there is no TTL, here and before; it is taken for %d (write "
				"one in front of the type, or a $TTL line at the top)",
				TTL_NOWHERE_S);
		if (m->ttl_s > FIELD_TTL_MOST)
			m->ttl_s = 0; /* RFC 2181 section 8 */
		m->has_ttl = true;
	}
	h->ttl_s = m->has_ttl ? m->ttl_s : m->last_ttl_s;
}

/* `at`: where the data stands. */
static bool judge(
	const struct master *m, struct tokens *t, uint16_t type, int rdlen, const char *at)
{
	struct fault why;

	switch (rdata_rules(type, m->rdata, (size_t)rdlen, &why)) {
	case RDATA_FINE: break;
	case RDATA_DOUBTFUL: token_warning(t, at, "%s", why.text); break;
	case RDATA_WRONG: return token_fault(t, at, "%s", why.text);
	}
	return true;
}

/* What is left behind the head. `where` has line and column. */
bool master_data(struct master *m, struct tokens *t, struct head *h, const struct record *where)
{
	const char *const at = t->tok.s - (t->tok.kind == TOKEN_QUOTED);
	struct record rr = *where;
	const int rdlen = rdata_read(t, h->type, m->origin, m->rdata);

	if (rdlen < 0 || !judge(m, t, h->type, rdlen, at))
		return false;
	if (h->has_ttl) {
		m->last_ttl_s = h->ttl_s;
		m->has_last_ttl = true;
	} else {
		default_ttl(m, t, h, rdlen);
	}
	rr.type = h->type;
	rr.ttl_s = h->ttl_s;
	rr.rdata = m->rdata;
	rr.rdlen = (uint16_t)rdlen;
	rr.file = (uint16_t)m->reading[m->depth - 1];
	return records_add(m->to, m->owner, &rr) || master_no_memory(m);
}

/* The current token is the owner, or what is behind it when the entry is indented. */
bool master_record(
	struct master *m, struct tokens *t, bool indented, const struct record *where)
{
	struct head h;

	if (indented && m->owner == RECORDS_NONE && !owner_is_apex(m, t))
		return false;
	if (!indented) {
		if (!master_owner(m, t))
			return false;
		token_next(t);
	}
	return head_read(t, &h, indented) && master_data(m, t, &h, where);
}
