#include "answer/answer.h"

#include "answer/compose.h"
#include "dns/rrtype.h"

/* A name that a zone hands to a pool: the client decides who answers. */
static bool steer(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	size_t zone, const struct lookup *l)
{
	const struct world *w = a->world;
	const struct edns_ecs *ecs = &c->q->edns.ecs;
	const uint16_t pool = w->pools[w->first_pool[zone] + l->rrset->aux];
	const bool v6 = c->q->qtype == RRTYPE_AAAA;
	unsigned v4_at = 0;
	struct choose_ask who = { .steer = w->steer,
		.states = w->states,
		.pool = pool,
		.v6 = v6,
		.has_subnet = c->ecs && ecs->source > 0, /* source 0 asks us to look at nobody
							    (RFC 7871 section 7.1.2) */
		.source = addr_plain(&ask->source, NULL),
		.turn = &a->turns[pool * 2u + v6] };

	if (who.has_subnet)
		who.subnet = addr_plain(&ecs->addr, ecs->family == 2 ? &v4_at : NULL);
	const struct choice choice = choose(&who, a->trace);
	stats_add(&a->stats->steered, 1);
	/* The scope counts bits of the subnet as it was sent: IPv4 inside IPv6 stands behind
	 * `v4_at` others. */
	const unsigned scope = choice.by_subnet ? choice.scope + v4_at : 0;
	if (scope > c->scope)
		c->scope = scope;
	if (choice.n == 0)
		return compose_negative(c) && false;
	uint32_t ttl_s = be32_get(l->rrset->wire + 6);
	if (ttl_s > choice.ttl_most_s)
		ttl_s = choice.ttl_most_s;
	return compose_edges(c, w->steer, &choice, ttl_s) &&
		w->steer->edges[choice.edges[0]].cname;
}

/* DNAME: the record itself and the CNAME that follows from it (RFC 6672 section 3.1). True when
 * there is a way on, which there is not for who asked for that CNAME. */
static bool redirect(struct compose *c, const struct lookup *l)
{
	uint8_t target[NAME_MOST];

	if (!compose_dname(c, l))
		return false;
	if (!compose_dname_target(c, l, target)) {
		c->rcode = RCODE_YXDOMAIN;
		return false;
	}
	return compose_cname(c, target, be32_get(l->rrset->wire + 6)) &&
		c->q->qtype != RRTYPE_CNAME && c->q->qtype != RRTYPE_ANY;
}

/* One name of the way. True when it leads on to another name. */
static bool step(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	size_t zone, bool first)
{
	const struct lookup l = zone_lookup(c->zone, c->key, &c->name, c->q->qtype);

	switch (l.kind) {
	case LOOKUP_ANSWER:
		if (l.rrset)
			compose_rrset(c, WRITER_ANSWER, l.rrset, 0);
		else
			compose_node(c, l.node, c->q->qtype);
		return false;
	case LOOKUP_EDGE: return steer(a, ask, c, zone, &l);
	case LOOKUP_CNAME: return compose_rrset(c, WRITER_ANSWER, l.rrset, 0);
	case LOOKUP_DNAME: return redirect(c, &l);
	case LOOKUP_REFERRAL:
		if (first)
			c->flags &=
				(uint16_t)~FLAG_AA; /* what is below a cut is not ours to say */
		compose_referral(c, &l);
		return false;
	case LOOKUP_NXDOMAIN:
		c->rcode = RCODE_NXDOMAIN; /* of the last name of a chain (RFC 6604) */
		compose_negative(c);
		return false;
	case LOOKUP_NODATA: compose_negative(c); return false;
	}
	return false;
}

/* The zone that has the say about the name at work, and its number. The DS set of a cut is the
 * parent's. */
static const struct zone *find_zone(
	const struct world *w, const struct compose *c, size_t *number)
{
	const struct zone *z = zone_set_find(w->zones, &c->name, c->name.labels, number);

	if (z && c->q->qtype == RRTYPE_DS && c->name.labels == z->apex_labels &&
		c->name.labels) {
		size_t above;
		const struct zone *parent = zone_set_find(
			w->zones, &c->name, c->name.labels - 1, &above);
		if (parent) {
			*number = above;
			return parent;
		}
	}
	return z;
}

/* A chain that comes back to where it has been says no more. */
static bool has_been(const uint64_t *been, unsigned n, uint64_t hash)
{
	while (n--)
		if (been[n] == hash)
			return true;
	return false;
}

/* A question that is well put: RFC 1034 section 4.3.2, with every name inside one zone followed
 * here and all others left to the resolver. */
static void resolve(struct answerer *a, const struct answer_ask *ask, struct compose *c)
{
	const struct query *q = c->q;
	uint64_t been[ANSWER_CHAIN_MOST + 1];
	size_t number, again;

	if ((q->qclass != RRCLASS_IN && q->qclass != RRCLASS_ANY) || q->qtype == RRTYPE_AXFR ||
		q->qtype == RRTYPE_IXFR) {
		c->rcode = RCODE_REFUSED;
		return;
	}
	zone_name_set(&c->name, c->key, q->name);
	const struct zone *z = find_zone(a->world, c, &number);
	if (!z) {
		c->rcode = RCODE_REFUSED;
		return;
	}
	c->flags |= FLAG_AA;
	compose_zone(c, z);
	for (unsigned hops = 0; step(a, ask, c, number, hops == 0) && hops < ANSWER_CHAIN_MOST;
		hops++) {
		been[hops] = c->name.hash[0];
		if (!compose_follow(c) || find_zone(a->world, c, &again) != z ||
			has_been(been, hops + 1, c->name.hash[0]))
			return;
	}
}

/* The way of a query. */
size_t answer(struct answerer *a, const struct answer_ask *ask)
{
	struct query q;
	struct compose c;

	const enum query_result parsed = query_parse(&q, ask->packet, ask->len);
	if (ask->tcp)
		stats_add(&a->stats->tcp_queries, 1);
	else
		stats_add(&a->stats->udp_queries, 1);
	if (parsed == QUERY_DROP) {
		stats_add(&a->stats->dropped, 1);
		return 0;
	}
	c.key = a->world->key;
	c.ecs = parsed == QUERY_OK && q.edns.ecs.present && a->world->ecs;
	stats_add(&a->stats->with_subnet, c.ecs);
	compose_start(&c, ask, &q);
	switch (parsed) {
	case QUERY_OK: resolve(a, ask, &c); break;
	case QUERY_FORMERR: c.rcode = RCODE_FORMERR; break;
	case QUERY_NOTIMP: c.rcode = RCODE_NOTIMP; break;
	case QUERY_BADVERS: c.rcode = RCODE_BADVERS; break;
	case QUERY_DROP: break;
	}
	stats_add(&a->stats->rcode[c.rcode < STATS_RCODES ? c.rcode : STATS_RCODES - 1], 1);
	stats_add(&a->stats->truncated, (c.flags & FLAG_TC) != 0);
	return compose_finish(&c);
}
