#include "answer/compose_pool.h"

#include "dns/rrtype.h"

#include <string.h>

/* RFC 9460 section 14.3.2. */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6, PARAM_HEAD = 4 };

static size_t address_size(bool v6)
{
	return v6 ? 16 : 4;
}

/* The next address of a family that is answered with, from number `*k` on among those that the
 * edge has of it; or NULL. */
static inline const uint8_t *next_address(
	const struct edge *e, bool v6, const uint64_t *alive, unsigned *k)
{
	const unsigned n = v6 ? e->n_aaaa : e->n_a, first = v6 ? e->n_a : 0;

	for (; *k < n; ++*k)
		if (!alive || e->flatten || standing_address(alive, e->first_address + first + *k))
			return (v6 ? e->aaaa : e->a) + (*k)++ * address_size(v6);
	return NULL;
}

static unsigned count_addresses(const struct steer *s, const struct choice *choice, bool v6)
{
	unsigned count = 0;

	for (unsigned i = 0; i < choice->n; i++)
		for (unsigned k = 0; next_address(&s->edges[choice->edges[i]], v6,
			     choice_alive(choice, i), &k);)
			count++;
	return count;
}

static bool truncate_here(struct compose *c)
{
	c->flags |= FLAG_TC;
	return false;
}

bool compose_pool_edges(struct compose *c, const struct steer *s, const struct choice *choice,
	const uint8_t *cname, uint32_t ttl_s)
{
	const bool v6 = c->q->qtype == RRTYPE_AAAA;
	const size_t size = address_size(v6), owner_at = compose_position(c, 0), before = c->w.len;
	unsigned count = 0;

	if (cname)
		return compose_cname(c, cname, ttl_s);
	for (unsigned i = 0; i < choice->n; i++) {
		const struct edge *e = &s->edges[choice->edges[i]];
		const uint64_t *alive = choice_alive(choice, i);
		const uint8_t *address;
		for (unsigned k = 0; (address = next_address(e, v6, alive, &k)); count++) {
			if (!writer_fits(&c->w, COMPOSE_RR_FIXED + size)) {
				c->w.len = before;
				return truncate_here(c);
			}
			writer_rr_head(&c->w, owner_at, c->q->qtype, ttl_s, size);
			memcpy(c->w.buf + c->w.len, address, size);
			c->w.len += size;
		}
	}
	writer_count(&c->w, WRITER_ANSWER, count);
	return true;
}

/* --- other records ------------------------------------------------------------------------ */

/* Two edges may have the same (RFC 2181 section 5). All that was written begins at `at`. */
static bool is_written(const struct compose *c, size_t at, const struct edge_record *r)
{
	const uint8_t *buf = c->w.buf;

	for (; at < c->w.len; at += COMPOSE_RR_FIXED + be16_get(buf + at + 10))
		if (be16_get(buf + at + 10) == r->len &&
			memcmp(buf + at + COMPOSE_RR_FIXED, r->rdata, r->len) == 0)
			return true;
	return false;
}

bool compose_pool_records(struct compose *c, const struct steer *s, const struct choice *choice,
	uint16_t type, uint32_t ttl_s)
{
	const size_t owner_at = compose_position(c, 0), before = c->w.len;
	unsigned count = 0;

	for (unsigned i = 0; i < choice->n; i++) {
		unsigned n;
		const struct edge_record *r = edge_records(&s->edges[choice->edges[i]], type, &n);
		for (; n; n--, r++) {
			if (i && is_written(c, before, r))
				continue;
			if (!writer_fits(&c->w, COMPOSE_RR_FIXED + (size_t)r->len)) {
				c->w.len = before;
				return truncate_here(c);
			}
			writer_rr_head(&c->w, owner_at, type, ttl_s, r->len);
			memcpy(c->w.buf + c->w.len, r->rdata, r->len);
			c->w.len += r->len;
			count++;
		}
	}
	writer_count(&c->w, WRITER_ANSWER, count);
	c->last_at = before;
	return true;
}

/* --- services ----------------------------------------------------------------------------- */

static void put(struct compose *c, const uint8_t *bytes, size_t len)
{
	memcpy(c->w.buf + c->w.len, bytes, len);
	c->w.len += len;
}

/* A parameter without a value is no parameter. */
static size_t hints_len(unsigned count, bool v6)
{
	return count ? PARAM_HEAD + count * address_size(v6) : 0;
}

static void put_hints(struct compose *c, const struct steer *s, const struct choice *choice, bool v6)
{
	const unsigned count = count_addresses(s, choice, v6);
	uint8_t head[PARAM_HEAD];

	if (!count)
		return;
	be16_put(head, v6 ? KEY_IPV6HINT : KEY_IPV4HINT);
	be16_put(head + 2, (unsigned)(count * address_size(v6)));
	put(c, head, sizeof head);
	for (unsigned i = 0; i < choice->n; i++) {
		const struct edge *e = &s->edges[choice->edges[i]];
		const uint8_t *address;
		for (unsigned k = 0; (address = next_address(e, v6, choice_alive(choice, i), &k));)
			put(c, address, address_size(v6));
	}
}

bool compose_pool_service(struct compose *c, const struct steer *s,
	const struct compose_service *service, uint32_t ttl_s)
{
	const struct pool_form *f = service->form;
	const size_t len = (size_t)f->front_len + f->middle_len + f->back_len +
		hints_len(count_addresses(s, service->a, false), false) +
		hints_len(count_addresses(s, service->aaaa, true), true);

	if (!writer_fits(&c->w, COMPOSE_RR_FIXED + len))
		return truncate_here(c);
	writer_rr_head(&c->w, compose_position(c, 0), c->q->qtype, ttl_s, len);
	put(c, f->front, f->front_len);
	put_hints(c, s, service->a, false);
	put(c, f->middle, f->middle_len);
	put_hints(c, s, service->aaaa, true);
	put(c, f->back, f->back_len);
	writer_count(&c->w, WRITER_ANSWER, 1);
	return true;
}
