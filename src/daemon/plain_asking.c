#include "daemon/plain_asking.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <string.h>

void plain_asking_mix(struct plain_asking *k, const void *bytes, size_t len)
{
	/* The same in every process. */
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };

	k->digest = hash_pair(k->digest, hash_bytes(key, bytes, len));
}

static unsigned count_alive(const struct edge *e, bool v6, const uint64_t *alive)
{
	const unsigned first = v6 ? e->n_a : 0, n = v6 ? e->n_aaaa : e->n_a;
	unsigned count = 0;

	alive = edge_alive(e, alive);
	for (unsigned i = first; i < first + n; i++)
		count += !alive || standing_address(alive, e->first_address + i);
	return count;
}

/* The addresses of one family. */
static struct plain_rrset addresses_of(
	struct plain_asking *k, const struct steer *s, const struct choice *c, bool v6)
{
	struct plain_rrset set = { .type = v6 ? RRTYPE_AAAA : RRTYPE_A,
		.rdlen = v6 ? 16 : 4 };
	unsigned all = 0;

	for (unsigned i = 0; i < c->n; i++)
		all += count_alive(&s->edges[c->edges[i]], v6, choice_alive(c, i));
	uint8_t *to = arena_alloc(&k->mem, (size_t)all * set.rdlen);
	for (unsigned i = 0; i < c->n; i++) {
		const struct edge *e = &s->edges[c->edges[i]];
		const unsigned first = v6 ? e->n_a : 0, n = v6 ? e->n_aaaa : e->n_a;
		const uint64_t *alive = edge_alive(e, choice_alive(c, i));
		for (unsigned a = 0; a < n; a++)
			if (!alive || standing_address(alive, e->first_address + first + a))
				memcpy(to + (size_t)set.n++ * set.rdlen,
					(v6 ? e->aaaa : e->a) + (size_t)a * set.rdlen, set.rdlen);
	}
	set.rdata = to;
	return set;
}

static void add_set(struct plain_asking *k, struct plain_answer *to, struct plain_rrset set)
{
	if (!set.n)
		return;
	to->sets[to->n++] = set;
	plain_asking_mix(k, &set.type, sizeof set.type);
	plain_asking_mix(k, set.rdata, (size_t)set.n * set.rdlen);
}

/* RFC 9460 section 14.3.2. */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6, PARAM_HEAD = 4 };

static uint8_t *put_part(uint8_t *to, const uint8_t *bytes, size_t len)
{
	if (len)
		memcpy(to, bytes, len);
	return to + len;
}

static uint8_t *put_hints(uint8_t *to, unsigned number, const struct plain_rrset *hints)
{
	const size_t len = (size_t)hints->n * hints->rdlen;

	if (!len)
		return to;
	be16_put(to, number);
	be16_put(to + 2, (unsigned)len);
	return put_part(to + PARAM_HEAD, hints->rdata, len);
}

/* What the pool says of a service, with the addresses as hints. */
static void add_service(struct plain_asking *k, struct plain_answer *to, uint16_t type,
	const struct pool_form *f, const struct plain_rrset hints[2])
{
	const size_t most = (size_t)f->front_len + f->middle_len + f->back_len +
		2 * PARAM_HEAD + (size_t)hints[0].n * 4 + (size_t)hints[1].n * 16;

	if (!f->front || most > UINT16_MAX)
		return;
	uint8_t *rdata = arena_alloc(&k->mem, most), *at = put_part(rdata, f->front, f->front_len);
	at = put_hints(at, KEY_IPV4HINT, &hints[0]);
	at = put_part(at, f->middle, f->middle_len);
	at = put_hints(at, KEY_IPV6HINT, &hints[1]);
	at = put_part(at, f->back, f->back_len);
	add_set(k, to, (struct plain_rrset){ type, (uint16_t)(at - rdata), 1, rdata });
}

/* --- other records ------------------------------------------------------------------------ */

enum { RECORDS_MOST = POOL_ANSWERS_MOST * EDGE_RECORDS_MOST };

/* Is it answered already: by the name itself, or by an edge? */
static bool is_there(const struct plain_edge *e, const struct plain_answer *to, uint16_t type)
{
	for (unsigned i = 0; i < e->n_own; i++)
		if (e->own[i] == type)
			return true;
	for (unsigned i = 0; i < to->n_records; i++)
		if (to->records[i].type == type)
			return true;
	return false;
}

/* Those of a type that the chosen edges have; two edges may have the same. */
static void add_type(struct plain_asking *k, const struct steer *s, const struct choice *c,
	uint16_t type, struct plain_record *to, unsigned *count)
{
	const unsigned first = *count;

	for (unsigned i = 0; i < c->n; i++) {
		unsigned n, j;
		const struct edge_record *r = edge_records(&s->edges[c->edges[i]], type, &n);
		for (; n; n--, r++) {
			for (j = first; j < *count; j++)
				if (to[j].rdlen == r->len && memcmp(to[j].rdata, r->rdata, r->len) == 0)
					break;
			if (j < *count || *count == RECORDS_MOST)
				continue;
			to[(*count)++] = (struct plain_record){ type, r->len, r->rdata };
			plain_asking_mix(k, &type, sizeof type);
			plain_asking_mix(k, r->rdata, r->len);
		}
	}
}

/* `families` is what was chosen for addresses. */
static void add_records(struct plain_asking *k, const struct default_ask *like,
	const struct plain_edge *e, const struct choice *families, struct plain_answer *to)
{
	const struct steer *s = like->steer;
	const uint32_t can = !like->own.one          ? s->pools[like->pool].can
		: like->own.edge < s->n_edges ? s->edges[like->own.edge].can
					      : 0;
	struct plain_record records[RECORDS_MOST];
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_record_types; i++) {
		const uint16_t type = s->record_types[i];
		struct default_ask ask = *like;
		ask.record = (uint32_t)CAN_FIRST_RECORD << i;
		if (!(ask.record & can) || is_there(e, to, type))
			continue;
		const bool service = type == RRTYPE_HTTPS || type == RRTYPE_SVCB;
		const struct choice own = default_choice(&ask);
		const struct choice *c = service && families->n ? families : &own;
		if (c->n && !s->edges[c->edges[0]].cname)
			add_type(k, s, c, type, records, &n);
	}
	to->records = arena_memdup(&k->mem, records, n * sizeof *records);
	to->n_records = n;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* Where an edge with a CNAME is first, that is the answer, for both types. */
void plain_asking_answer(struct plain_asking *k, const struct default_ask *like,
	const struct plain_edge *e, struct plain_answer *to)
{
	struct plain_rrset hints[2] = { { .n = 0 }, { .n = 0 } };
	struct default_ask ask = *like;
	const struct choice a = default_choice(&ask);
	const struct edge *edges = ask.steer->edges;

	ask.v6 = true;
	const struct choice aaaa = default_choice(&ask);
	const struct choice *cname = a.n ? &a : &aaaa;
	if (cname->n && edges[cname->edges[0]].cname) {
		const struct edge *first = &edges[cname->edges[0]];
		add_set(k, to,
			(struct plain_rrset){ RRTYPE_CNAME, first->cname_len, 1, first->cname });
		return;
	}
	if (a.n)
		hints[0] = addresses_of(k, ask.steer, &a, false);
	if (aaaa.n && !edges[aaaa.edges[0]].cname)
		hints[1] = addresses_of(k, ask.steer, &aaaa, true);
	add_set(k, to, hints[0]);
	add_set(k, to, hints[1]);
	add_records(k, like, e, a.n ? &a : &aaaa, to);
	if (!to->n)
		return;
	const struct pool_form *forms = ask.steer->pools[(hints[0].n ? &a : &aaaa)->form].forms;
	if (!is_there(e, to, RRTYPE_HTTPS))
		add_service(k, to, RRTYPE_HTTPS, &forms[POOL_HTTPS], hints);
	if (!is_there(e, to, RRTYPE_SVCB))
		add_service(k, to, RRTYPE_SVCB, &forms[POOL_SVCB], hints);
}
