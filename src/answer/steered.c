#include "answer/steered.h"

#include "answer/note.h"
#include "dns/rrtype.h"
#include "steer/stage.h"

#include <string.h>

/* --- who asks ----------------------------------------------------------------------------- */

static uint16_t pool_of(const struct world *w, size_t zone, const struct lookup *l)
{
	return w->pools[w->first_pool[zone] + l->rrset->aux];
}

/* Who asks, at a name that a zone hands to a pool. `*v4_at`: see addr_plain(). */
static struct choose_ask who_asks(const struct answerer *a, const struct answer_ask *ask,
	const struct answer_pending *p, uint16_t pool, unsigned *v4_at)
{
	const struct world *w = a->world;
	const struct edns_ecs *ecs = &p->query.edns.ecs;
	const bool v6 = p->query.qtype == RRTYPE_AAAA;
	struct choose_ask who = { .steer = w->steer,
		.standing = w->standing,
		.now_us = a->now_us,
		.pool = pool,
		.v6 = v6,
		/* Source 0 asks us to look at nobody (RFC 7871 section 7.1.2). */
		.has_subnet = ecs->present && w->policy.ecs && ecs->source > 0,
		.source = addr_plain(&ask->source, NULL),
		.now_s = a->now_s,
		.turn = &a->turns[pool * 2u + v6],
		.name = p->name.wire,
		.name_len = p->name.len };

	*v4_at = 0;
	if (who.has_subnet)
		who.subnet = addr_plain(&ecs->addr, ecs->family == 2 ? v4_at : NULL);
	return who;
}

/* A client of a group that other tables are tried out on. */
static void take_stage(const struct answerer *a, struct answer_pending *p)
{
	const struct world *w = a->world;
	struct choose_ask *who = &p->who;

	if (!stage_has(w->stage.share, who->has_subnet ? &who->subnet : &who->source))
		return;
	who->steer = w->stage.steer;
	who->standing = w->stage.standing;
	who->pool = w->stage.pools[w->first_pool[p->number] + p->found.rrset->aux];
	who->turn = &a->turns[POOLS_MOST * 2u + who->pool * 2u + who->v6];
}

/* No data of the type asked for, at a name whose pool has nothing but CNAMEs: then the name is
 * one itself (RFC 1034 section 4.3.2), but for what DNSSEC has beside it. */
static void take_cname(const struct answerer *a, struct answer_pending *p)
{
	const struct world *w = a->world;
	struct lookup edge = p->found;

	edge.kind = LOOKUP_EDGE;
	edge.rrset = zone_find_rrset(edge.node, RRTYPE_EDGE);
	if (edge.rrset && p->query.qtype != RRTYPE_NSEC && p->query.qtype != RRTYPE_DS &&
		w->steer->pools[pool_of(w, p->number, &edge)].only_cnames)
		p->found = edge;
}

void steered_look(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	if (p->found.kind == LOOKUP_NODATA)
		take_cname(a, p);
	if (p->found.kind != LOOKUP_EDGE)
		return;
	p->who = who_asks(a, ask, p, pool_of(a->world, p->number, &p->found), &p->v4_at);
	if (a->world->stage.share)
		take_stage(a, p);
}

/* --- what is answered --------------------------------------------------------------------- */

/* While there is a stage, an answer is good for its client's group at most. */
static void narrow(struct choice *c, const struct choose_ask *who)
{
	const unsigned bits = addr_is_v4(&who->subnet) ? STAGE_V4_BITS : STAGE_V6_BITS;

	if (!who->has_subnet)
		return;
	c->by_subnet = true;
	if (c->scope < bits)
		c->scope = bits;
}

enum { SHORT_SOURCE_V4 = 20, SHORT_SOURCE_V6 = 40, SHORT_SOURCE_TTL_S = 1 };

/* A subnet much shorter than what the choice depends on: the answer is good for one client of
 * many, and some resolvers give it to all of them. Who asks honestly sends no such subnet. */
static bool is_of_few(const struct choose_ask *who, const struct choice *c, unsigned source)
{
	return c->by_subnet && c->scope > source &&
		source < (addr_is_v4(&who->subnet) ? SHORT_SOURCE_V4 : SHORT_SOURCE_V6);
}

/* How long an answer holds, or that there is none. */
static uint32_t steered_ttl_s(const struct compose *c, const struct lookup *l,
	const struct choose_ask *who, const struct choice *choice, unsigned v4_at)
{
	uint32_t ttl_s = be32_get(l->rrset->wire + 6);

	if (ttl_s > choice->ttl_most_s)
		ttl_s = choice->ttl_most_s;
	if (ttl_s > SHORT_SOURCE_TTL_S && who->has_subnet &&
		is_of_few(who, choice,
			c->q->edns.ecs.source > v4_at ? c->q->edns.ecs.source - v4_at : 0))
		ttl_s = SHORT_SOURCE_TTL_S;
	return ttl_s;
}

/* Addresses are for who asks for them; a CNAME is for all. */
static bool fits_type(
	const struct compose *c, const struct steer *s, const struct choice *choice)
{
	return c->q->qtype == RRTYPE_A || c->q->qtype == RRTYPE_AAAA ||
		s->edges[choice->edges[0]].cname;
}

bool steered_answer(
	struct answerer *a, struct compose *c, const struct answer_pending *p, bool *none)
{
	const struct world *w = a->world;
	const struct choose_ask *who = &p->who;
	const unsigned v4_at = p->v4_at;

	if (who->standing->pools[who->pool].waits) {
		c->silent = true;
		*none = true;
		return false;
	}
	struct choice choice = choose(who, a->trace);
	const bool staged = who->steer != w->steer;
	stats_add(&a->stats->steered, 1);
	if (!staged) /* pools of a stage have numbers of their own */
		note_client(a, who);
	stats_add(&a->stats->unmet, choice.n == 0);
	if (w->stage.share) {
		narrow(&choice, who);
		stats_add(&a->stats->staged, staged);
		stats_add(&a->stats->staged_unmet, staged && choice.n == 0);
	}
	if (a->trace) {
		a->trace->staged = staged;
		memcpy(a->trace->name, who->name, who->name_len);
	}
	if (a->counts)
		note_choice(a, who, &choice);
	/* The scope counts bits of the subnet as it was sent: IPv4 inside IPv6 stands behind
	 * `v4_at` others. */
	const unsigned scope = choice.by_subnet ? choice.scope + v4_at : 0;
	if (scope > c->edns.scope)
		c->edns.scope = (uint8_t)scope;
	*none = choice.n == 0 || !fits_type(c, who->steer, &choice);
	const uint32_t ttl_s = steered_ttl_s(c, &p->found, who, &choice, v4_at);
	if (*none) {
		/* What the state of the edges decides ends with it. */
		if (choice.for_now)
			c->negative_most_s = ttl_s;
		return false;
	}
	if (a->counts && w->policy.sample_every)
		note_decision(a, who, &choice, ttl_s);
	return compose_edges(c, who->steer, &choice, ttl_s) &&
		who->steer->edges[choice.edges[0]].cname && c->q->qtype != RRTYPE_CNAME;
}
