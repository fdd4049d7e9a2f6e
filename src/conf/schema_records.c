/* schema_records.c - records: what an edge is answered with beside its addresses, as in a zone file.
 */
#include "base/bytes.h"
#include "conf/option.h"
#include "conf/schema.h"
#include "dns/rrtype.h"
#include "zone/rdata.h"
#include "zone/same_data.h"
#include "zone/token.h"

#include <string.h>

/* --- one record --------------------------------------------------------------------------- */

struct found {
	uint16_t type;
	int len; /* -1: there is none */
	uint8_t rdata[RDATA_MOST];
};

static bool read_type(struct tokens *t, uint16_t *type)
{
	char shown[TOKEN_TEXT];

	if (t->tok.kind == TOKEN_WORD && rrtype_parse(type, t->tok.s, t->tok.len))
		return true;
	return token_fault(t, t->tok.s,
		"%s is no record type (a record of an edge begins with its type, such as MX 10 "
		"mx1.example.; the owner and the TTL are the EDGE record's)",
		token_text(shown, &t->tok));
}

/* What stands at names that an edge does not make. */
static bool may_have(struct tokens *t, uint16_t type)
{
	char text[RRTYPE_TEXT];

	switch (type) {
	case RRTYPE_A: return token_fault(t, t->tok.s, "addresses of IPv4 belong under \"a\"");
	case RRTYPE_AAAA:
		return token_fault(t, t->tok.s, "addresses of IPv6 belong under \"aaaa\"");
	}
	if (rrtype_is_of_zone(type))
		return token_fault(t, t->tok.s,
			"%s is a matter of the zone, and no record of an edge",
			rrtype_text(text, type));
	return !rrtype_is_meta(type) ||
		token_fault(t, t->tok.s, "this type stands in no zone");
}

static bool read_record(struct tokens *t, struct found *to)
{
	static const uint8_t root[1];
	bool indented;

	if (!token_entry(t, &indented))
		return false;
	if (!read_type(t, &to->type) || !may_have(t, to->type))
		return false;
	token_next(t);
	to->len = rdata_read(t, to->type, root, to->rdata);
	return to->len >= 0;
}

/* The faults of the text, at their places in the file where it stands there as it was read. */
static void tell_faults(const struct reader *r, const struct node *item, const struct faults *f)
{
	struct fault_view v;

	for (const char *at = faults_view(f, NULL, &v); at; at = faults_view(f, at, &v)) {
		struct node place = *item;
		if (v.column && !strpbrk(item->text, "\\\n"))
			place.column += v.column - 1 + item->quoted;
		if (v.warning)
			parse_warning(r->src, &place, "%.*s", (int)v.say_len, v.say);
		else
			parse_error(r->src, &place, "%.*s", (int)v.say_len, v.say);
	}
}

static bool take_record(struct reader *r, const struct key *key, const struct node *item,
	struct found *to)
{
	const char *text = option_scalar(r, key, item);
	struct tokens t;
	struct faults f;

	if (!text)
		return false;
	to->len = -1;
	faults_init(&f);
	token_init(&t, r->src->path, text, strlen(text), &f);
	bool ok = read_record(&t, to);
	if (!ok && !f.errors)
		option_wrong(r, key, item);
	if (ok && token_entry(&t, &(bool){ false }))
		ok = parse_error(r->src, item, "this is more than one record; make a list of them");
	tell_faults(r, item, &f);
	ok = ok && !f.errors;
	faults_fini(&f);
	return ok;
}

/* --- all of an edge ----------------------------------------------------------------------- */

static bool is_twin(const struct edge_opts *e, const struct found *f)
{
	for (size_t i = 0; i < e->n_records; i++)
		if (e->records[i].type == f->type &&
			same_data_compare(f->type, e->records[i].rdata, e->records[i].len,
				f->rdata, (size_t)f->len) == 0)
			return true;
	return false;
}

/* Types ascend; within one they stand as they are written. */
static void add(struct reader *r, struct edge_record *list, size_t n, const struct found *f)
{
	size_t at = n;

	for (; at && list[at - 1].type > f->type; at--)
		list[at] = list[at - 1];
	list[at] = (struct edge_record){ f->type, (uint16_t)f->len,
		arena_memdup(r->mem, f->rdata, (size_t)f->len) };
}

void schema_records(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *e = to;
	struct found *f;
	size_t bytes = 0;

	if (!option_is_list(r, key, value, EDGE_RECORDS_MOST))
		return;
	struct edge_record *list = arena_alloc(r->mem, option_count(value) * sizeof *list);
	e->records = list;
	f = arena_alloc(r->scratch, sizeof *f);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		if (i->kind == NODE_BAD || !take_record(r, key, i, f))
			continue;
		bytes += (size_t)f->len;
		if (f->type == RRTYPE_CNAME && (e->cname || option_count(value) > 1)) {
			parse_error(r->src, i,
				"a CNAME stands alone (RFC 1034 section 3.6.2); take the other "
				"records of the edge out");
		} else if (f->type == RRTYPE_CNAME) {
			e->cname = arena_memdup(r->mem, f->rdata, (size_t)f->len);
		} else if (is_twin(e, f)) {
			parse_error(r->src, i, "this record is here twice; take one out");
		} else if (bytes > EDGE_RECORDS_BYTES_MOST) {
			parse_error(r->src, i, "the records of an edge have at most %d bytes",
				EDGE_RECORDS_BYTES_MOST);
			return;
		} else {
			add(r, list, e->n_records++, f);
		}
	}
}

/* --- what goes with what ------------------------------------------------------------------ */

/* RFC 9460 section 14.3.2. */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6 };

static bool has_address(const struct edge_opts *e, const uint8_t *address, size_t size)
{
	const struct addr *list = size == 4 ? e->a : e->aaaa;
	const size_t n = size == 4 ? e->n_a : e->n_aaaa;

	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].b + 16 - size, address, size) == 0)
			return true;
	return false;
}

/* Of the edge itself, in ServiceMode: are the hints addresses of it? */
static bool hints_agree(const struct edge_opts *e, const struct edge_record *rec)
{
	const uint8_t *p = rec->rdata, *end = p + rec->len;

	if ((rec->type != RRTYPE_HTTPS && rec->type != RRTYPE_SVCB) || !be16_get(p) || p[2])
		return true;
	for (p += 3; p + 4 <= end; p += 4 + be16_get(p + 2)) {
		const size_t len = be16_get(p + 2),
			     size = be16_get(p) == KEY_IPV4HINT ? 4
			: be16_get(p) == KEY_IPV6HINT           ? 16
								: 0;
		for (size_t at = 0; size && at < len; at += size)
			if (!has_address(e, p + 4 + at, size))
				return false;
	}
	return true;
}

bool schema_hints_agree(const struct edge_opts *e)
{
	bool agree = true;

	for (size_t i = 0; i < e->n_records && !e->flatten && agree; i++)
		agree = hints_agree(e, &e->records[i]);
	return agree;
}

void schema_check_records(
	const struct reader *r, const struct node *node, const struct edge_opts *e)
{
	const struct node *records = parse_get(node, "records"), *cname = parse_get(node, "cname");

	if (!records)
		return;
	if (cname)
		parse_error(r->src, records->key,
			"a CNAME stands alone (RFC 1034 section 3.6.2): an edge with a cname has no "
			"records");
	else if (e->cname && !cname && (e->n_a || e->n_aaaa || e->flatten))
		parse_error(r->src, records->key,
			"a CNAME stands alone (RFC 1034 section 3.6.2); take the addresses out, or "
			"the CNAME");
	if (!schema_hints_agree(e))
		parse_warning(r->src, records->key,
			"a hint of this edge's HTTPS or SVCB is none of its addresses: clients may go "
			"where A and AAAA do not send them");
}

/* Each has a bit in what edges can be answered with. */
void schema_check_record_types(const struct reader *r)
{
	const struct conf *c = r->conf;
	uint16_t types[EDGE_RECORD_TYPES_MOST];
	size_t n = 0;

	for (size_t i = 0; i < c->n_edges; i++)
		for (size_t k = 0; k < c->edges[i].n_records; k++) {
			size_t at = 0;
			while (at < n && types[at] != c->edges[i].records[k].type)
				at++;
			if (at < n)
				continue;
			if (n == EDGE_RECORD_TYPES_MOST) {
				parse_error(r->src, r->edge_nodes[i]->key,
					"the edges have records of more than %d types together",
					EDGE_RECORD_TYPES_MOST);
				return;
			}
			types[n++] = c->edges[i].records[k].type;
		}
}
