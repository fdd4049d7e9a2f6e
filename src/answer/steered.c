#include "answer/steered.h"

#include "answer/compose_pool.h"
#include "answer/note.h"
#include "answer/pool_rrsig.h"
#include "answer/short_source.h"
#include "dns/rrtype.h"
#include "steer/stage.h"
#include "steer/template.h"
#include "world/edge_own.h"
#include "zone/edge_rr.h"

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
		.via = (uint8_t)(ask->seen ? ask->seen - 1u : ask->via),
		/* Source 0 asks us to look at nobody (RFC 7871 section 7.1.2). */
		.has_subnet = ecs->present && w->policy.ecs && ecs->source > 0,
		.source = addr_plain(&ask->source, NULL),
		.now_s = a->now_s,
		.turns = a->turns,
		.name = p->name.wire,
		.name_len = p->name.len };

	*v4_at = 0;
	if (who.has_subnet)
		who.subnet = addr_plain(&ecs->addr, ecs->family == 2 ? v4_at : NULL);
	return who;
}

/* A client of a group that other tables are tried out on. */
static void take_stage(const struct answerer *a, struct answer_pending *p, uint16_t pool)
{
	const struct world *w = a->world;
	struct choose_ask *who = &p->who;

	if (!stage_has(w->stage.share, who->has_subnet ? &who->subnet : &who->source))
		return;
	who->steer = w->stage.steer;
	who->standing = w->stage.standing;
	who->pool = w->stage.pools[w->first_pool[p->number] + pool];
	who->turns = a->turns + POOLS_MOST * (unsigned)CHOOSE_TURNS;
}

/* It is not known yet which edges may answer. */
static bool waits(const struct choose_ask *who)
{
	return who->standing->pools[who->pool].waits && !who->own.one;
}

/* What the pool that `who` asks has for questions of that type; NULL: nothing. */
static const struct pool_form *form_of(const struct steer *s, unsigned pool, uint16_t qtype)
{
	const struct pool_form *forms = s->pools[pool].forms;
	const struct pool_form *f = qtype == RRTYPE_HTTPS ? &forms[POOL_HTTPS]
		: qtype == RRTYPE_SVCB                    ? &forms[POOL_SVCB]
							  : NULL;

	return f && f->front ? f : NULL;
}

/* Of a type that the pool's edges, or the one that the name is of, have records of: the bit; else 0. */
static uint32_t record_of(const struct choose_ask *who, uint16_t qtype)
{
	const struct steer *s = who->steer;
	const uint32_t bit = s->n_record_types ? steer_can(s, qtype) : 0;

	if (who->own.one)
		return who->own.edge < s->n_edges ? bit & s->edges[who->own.edge].can : 0;
	return bit & s->pools[who->pool].can;
}

/* Has the pool more to say than addresses? A name whose pool has nothing but CNAMEs is one
 * itself (RFC 1034 section 4.3.2), but for what DNSSEC has beside it (RFC 4034 section 3). */
static bool says_more(const struct choose_ask *who, uint16_t qtype)
{
	const struct steer *s = who->steer;
	const bool cname = !who->own.one ? s->pools[who->pool].only_cnames
		: who->own.edge < s->n_edges && s->edges[who->own.edge].cname;

	return (cname && qtype != RRTYPE_NSEC && qtype != RRTYPE_RRSIG) ||
		record_of(who, qtype) ||
		form_of(who->steer, who->pool, qtype);
}

void steered_look(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	struct lookup edge = p->found;

	p->chosen = false;
	p->signatures = 0;
	if (edge.kind == LOOKUP_NODATA) {
		edge.kind = LOOKUP_EDGE;
		edge.rrset = zone_find_rrset(edge.node, RRTYPE_EDGE);
	}
	if (!edge.rrset)
		return;
	p->who = who_asks(a, ask, p, pool_of(a->world, p->number, &edge), &p->v4_at);
	if (a->world->stage.share)
		take_stage(a, p, edge.rrset->aux);
	const uint8_t *rr = edge.rrset->wire;
	if (edge_rr_has_words(rr + COMPOSE_RR_FIXED, be16_get(rr + 10)))
		p->who.own = edge_own(p->who.steer, p->who.pool,
			rr + COMPOSE_RR_FIXED, be16_get(rr + 10));
	if (p->found.kind != LOOKUP_EDGE)
		p->who.record = record_of(&p->who, p->query.qtype);
	if (p->found.kind == LOOKUP_EDGE || says_more(&p->who, p->query.qtype))
		p->found = edge;
}

/* What an edge with all of its addresses is signed under, as mostly it is. */
static uint64_t signed_as(const struct answerer *a, const struct answer_pending *p)
{
	const struct pool_signatures *s = a->world->signatures;
	const struct edge *e = &p->who.steer->edges[p->choice.edges[0]];
	const bool v6 = p->who.v6;
	const size_t size = v6 ? 16 : 4;
	uint64_t records = 0;

	if (p->choice.n != 1 || e->cname)
		return 0;
	for (unsigned k = 0; k < (v6 ? e->n_aaaa : e->n_a); k++)
		records += pool_signatures_record((v6 ? e->aaaa : e->a) + k * size, size);
	return pool_signatures_key(pool_signatures_owner(s, p->zone, p->found.node),
		p->query.qtype, be32_get(p->found.rrset->wire + 6), records);
}

void steered_step(const struct answerer *a, struct answer_pending *p, unsigned step)
{
	if (step < CHOOSE_STEPS) {
		choose_fetch(&p->who, step);
	} else if (step == CHOOSE_STEPS) {
		if (!p->query.edns.dnssec_ok ||
			(p->query.qtype != RRTYPE_A && p->query.qtype != RRTYPE_AAAA) ||
			waits(&p->who) ||
			!pool_rrsig_signs(a->world, p->zone))
			return;
		p->choice = choose(&p->who, a->trace);
		p->chosen = true;
		p->signatures = signed_as(a, p);
		if (p->signatures)
			pool_signatures_fetch_slot(a->world->signatures, p->signatures);
	} else if (p->signatures) {
		pool_signatures_fetch(a->world->signatures, p->signatures);
	}
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

/* By the pool, or by the view of the zone. */
static bool is_of_few(const struct compose *c, const struct answer_pending *p, const struct choice *choice)
{
	const struct edns_ecs *ecs = &c->q->edns.ecs;

	return short_source(ecs, p->view_scope) ||
		(p->who.has_subnet && choice->by_subnet && short_source(ecs, choice->scope + p->v4_at));
}

/* How long an answer holds, or that there is none. */
static uint32_t steered_ttl_s(const struct compose *c, const struct answer_pending *p, const struct choice *choice)
{
	uint32_t ttl_s = be32_get(p->found.rrset->wire + 6);

	if (ttl_s > choice->ttl_most_s)
		ttl_s = choice->ttl_most_s;
	if (ttl_s > SHORT_SOURCE_TTL_S && is_of_few(c, p, choice))
		ttl_s = SHORT_SOURCE_TTL_S;
	return ttl_s;
}

/* Two choices of which an answer is made hold as long and for as many as both do. */
static void take_in(struct choice *c, const struct choice *other)
{
	if (other->by_subnet && (!c->by_subnet || c->scope < other->scope))
		c->scope = other->scope;
	c->by_subnet = c->by_subnet || other->by_subnet;
	c->by_chance = c->by_chance || other->by_chance;
	c->passes = c->passes || other->passes;
	c->by_source = c->by_source || other->by_source;
	c->for_now = c->for_now || other->for_now;
	c->refused = c->refused || other->refused;
	if (c->ttl_most_s > other->ttl_most_s)
		c->ttl_most_s = other->ttl_most_s;
}

/* What the client's questions for addresses are answered with: `family` has those, A first.
 * Nobody's turn is taken by it. A CNAME stands for both. */
static struct choice choose_families(
	const struct answerer *a, const struct choose_ask *who, struct choice family[static 2])
{
	struct choose_ask ask = *who;

	ask.v6 = false;
	ask.record = 0;
	ask.peeks = true;
	family[0] = choose(&ask, a->trace);
	family[1] = (struct choice){ .n = 0 };
	if (family[0].n && who->steer->edges[family[0].edges[0]].cname)
		return family[0];
	ask.v6 = true;
	family[1] = choose(&ask, family[0].n ? NULL : a->trace);
	struct choice c = family[0].n ? family[0] : family[1];
	take_in(&c, &family[family[0].n ? 1 : 0]);
	if (!c.n && who->record) { /* edges that have no address, but records */
		ask.record = who->record;
		c = choose(&ask, a->trace);
	}
	if (family[1].n && who->steer->edges[family[1].edges[0]].cname)
		family[1].n = 0;
	return c;
}

/* Has an edge of those that were chosen records of that type? */
static bool has_records(const struct steer *s, const struct choice *choice, uint16_t type)
{
	for (unsigned i = 0; i < choice->n; i++) {
		unsigned n;
		edge_records(&s->edges[choice->edges[i]], type, &n);
		if (n)
			return true;
	}
	return false;
}

/* Is what was chosen an answer to who asked? Addresses are for who asks for them; a CNAME is for
 * all. */
static bool fits_type(
	const struct compose *c, const struct steer *s, const struct choice *choice)
{
	return c->q->qtype == RRTYPE_A || c->q->qtype == RRTYPE_AAAA ||
		s->edges[choice->edges[0]].cname || has_records(s, choice, c->q->qtype) ||
		form_of(s, choice->form, c->q->qtype);
}

/* An answer from a pool is counted, as far as it is not to a question that another goes with:
 * who asks for a service asks for the addresses, too. */
static void count(struct answerer *a, const struct choose_ask *who, const struct choice *choice,
	bool service)
{
	const bool staged = who->steer != a->world->steer;

	stats_add(&a->stats->steered, 1);
	stats_add(&a->stats->services, service);
	stats_add(&a->stats->unmet, choice->n == 0);
	if (a->world->stage.share) {
		stats_add(&a->stats->staged, staged);
		stats_add(&a->stats->staged_unmet, staged && choice->n == 0);
	}
	if (a->trace) {
		a->trace->staged = staged;
		memcpy(a->trace->name, who->name, who->name_len);
	}
	if (service)
		return;
	if (!staged) /* pools of a stage have numbers of their own */
		note_client(a, who);
	if (a->counts)
		note_choice(a, who, choice);
}

/* --- how it is written -------------------------------------------------------------------- */

enum { UNSIGNED_TTL_S = 5 };

/* What an answer is made of. */
struct pool_records {
	const struct steer *steer;
	bool service;
	const struct choice *family; /* of a service: what the hints are, A first */
	const struct zone_node *node;
	uint32_t signed_ttl_s;
	const uint8_t *target; /* of the first edge's template, for this client; else NULL */
	uint64_t key; /* of the signatures of the first edge with all of its addresses; 0: not known */
};

static const uint8_t *cname_of(const struct pool_records *r, const struct choice *choice)
{
	return r->target ? r->target : r->steer->edges[choice->edges[0]].cname;
}

static bool write_records(struct compose *c, const struct pool_records *r, const struct choice *choice,
	uint32_t ttl_s)
{
	if (cname_of(r, choice) || c->q->qtype == RRTYPE_A || c->q->qtype == RRTYPE_AAAA)
		return compose_pool_edges(c, r->steer, choice, cname_of(r, choice), ttl_s);
	if (has_records(r->steer, choice, c->q->qtype))
		return compose_pool_records(c, r->steer, choice, c->q->qtype, ttl_s);
	return compose_pool_service(c, r->steer,
		&(struct compose_service){ form_of(r->steer, choice->form, c->q->qtype),
			&r->family[0], &r->family[1] },
		ttl_s);
}

/* Has the edge been written with all of its addresses? */
static bool is_whole(
	const struct compose *c, const struct pool_records *r, const struct choice *choice, size_t at)
{
	const struct edge *e = &r->steer->edges[choice->edges[0]];

	return c->q->qtype == RRTYPE_AAAA
		? c->w.len - at == e->n_aaaa * (size_t)(COMPOSE_RR_FIXED + 16)
		: c->w.len - at == e->n_a * (size_t)(COMPOSE_RR_FIXED + 4);
}

/* Writes them with their signatures. When there are none, nothing is written, and who can is asked
 * for some, if the answer is the `right` one. */
static enum pool_rrsig_is try_signed(struct compose *c, const struct pool_records *r,
	const struct choice *choice, uint32_t ttl_s, bool right)
{
	const size_t at = c->w.len;
	const unsigned counted = be16_get(c->w.buf + WRITER_ANSWER);

	if (!write_records(c, r, choice, ttl_s))
		return POOL_RRSIG_FULL;
	const struct pool_rrsig set = { .node = r->node,
		.type = cname_of(r, choice) ? RRTYPE_CNAME : c->q->qtype,
		.signed_ttl_s = r->signed_ttl_s,
		.ttl_s = ttl_s,
		.at = at,
		.cname = cname_of(r, choice),
		.key = choice->n == 1 && is_whole(c, r, choice, at) ? r->key : 0 };
	const enum pool_rrsig_is is = pool_rrsig_add(c, &set);
	if (is == POOL_RRSIG_PUT)
		return is;
	if (is == POOL_RRSIG_NONE && right)
		pool_rrsig_want(c, &set);
	c->w.len = at;
	be16_put(c->w.buf + WRITER_ANSWER, counted);
	return is;
}

/* What is signed for sure of what was chosen: each edge by itself is signed ahead with all of its
 * addresses, and a service without hints. It is good for a moment. */
static enum pool_rrsig_is try_less(
	struct compose *c, const struct pool_records *r, const struct choice *choice, uint32_t ttl_s)
{
	static const struct choice none[2];
	struct pool_records less = *r;
	enum pool_rrsig_is is = POOL_RRSIG_NONE;

	less.key = 0;
	if (r->service && !cname_of(r, choice) &&
		!has_records(r->steer, choice, c->q->qtype)) {
		less.family = none;
		return try_signed(c, &less, choice, ttl_s, false);
	}
	for (unsigned whole = 0; whole < 2 && is == POOL_RRSIG_NONE; whole++)
		for (unsigned i = 0; i < choice->n && is == POOL_RRSIG_NONE; i++) {
			struct choice one = *choice;
			one.n = 1;
			one.edges[0] = choice->edges[i];
			one.rows[0] = whole ? (uint16_t)CHOICE_AS_IF_UP : choice->rows[i];
			is = try_signed(c, &less, &one, ttl_s, false);
		}
	return is;
}

static bool write_signed(struct compose *c, const struct pool_records *r, const struct choice *choice,
	uint32_t ttl_s)
{
	enum pool_rrsig_is is = try_signed(c, r, choice, ttl_s, true);

	if (is == POOL_RRSIG_NONE) {
		stats_add(&c->by->stats->pool_unsigned, 1);
		is = try_less(c, r, choice, ttl_s < UNSIGNED_TTL_S ? ttl_s : UNSIGNED_TTL_S);
	}
	c->failed = is == POOL_RRSIG_NONE;
	return is == POOL_RRSIG_PUT;
}

/* The CNAME of the chosen edge's template; NULL: it has none. */
static const uint8_t *made_for(
	const struct steer *s, const struct choice *choice, uint8_t target[static NAME_MOST])
{
	const struct edge *e = &s->edges[choice->edges[0]];

	if (!e->template ||
		!template_expand(e->template,
			&(struct template_of){ e->name, choice->place, s->atlas->cities.places, choice->asn }, target, NULL))
		return NULL;
	return target;
}

bool steered_answer(
	struct answerer *a, struct compose *c, const struct answer_pending *p, bool *none)
{
	const struct world *w = a->world;
	const struct choose_ask *who = &p->who;
	/* What is about the addresses goes with those that the client gets. */
	const bool service = form_of(who->steer, who->pool, c->q->qtype) ||
		(who->record && (c->q->qtype == RRTYPE_HTTPS || c->q->qtype == RRTYPE_SVCB));
	struct choice family[2];
	uint8_t target[NAME_MOST];

	if (waits(who)) {
		c->failed = true; /* over UDP that is silence */
		*none = true;
		return false;
	}
	struct choice choice = service ? choose_families(a, who, family)
		: p->chosen            ? p->choice
				       : choose(who, a->trace);
	if (w->stage.share)
		narrow(&choice, who);
	if (a->chose)
		*a->chose = choice;
	count(a, who, &choice, service);
	if (who->steer->pools[who->pool].pairs && p->found.wildcard && !service)
		note_one_time(a, who);
	/* The scope counts bits of the subnet as it was sent: IPv4 inside IPv6 stands behind
	 * `v4_at` others. */
	const unsigned scope = choice.by_subnet ? choice.scope + p->v4_at : 0;
	if (scope > c->edns.scope)
		c->edns.scope = (uint8_t)scope;
	c->refused = choice.refused;
	*none = choice.n == 0 || !fits_type(c, who->steer, &choice);
	const uint32_t ttl_s = steered_ttl_s(c, p, &choice);
	if (*none && choice.for_now && who->steer->pools[who->pool].unresolved) {
		c->failed = true; /* it soon is known which addresses there are */
		return false;
	}
	if (a->counts && (w->policy.sample_every || w->policy.n_watched) &&
		(!*none || choice.for_now || choice.refused))
		note_decision(a, who, &choice,
			&(struct note_answer){ c->q->qtype, service ? !family[0].n : who->v6, ttl_s });
	if (*none) {
		/* What the state of the edges decides ends with it; and what few of those have who are told so holds for a moment. */
		if (choice.for_now || service || is_of_few(c, p, &choice))
			c->negative_most_s = ttl_s;
		return false;
	}
	stats_add(&a->stats->ttls, 1);
	stats_add(&a->stats->ttl_s, ttl_s);
	const struct pool_records r = { who->steer, service, family, p->found.node,
		be32_get(p->found.rrset->wire + 6), made_for(who->steer, &choice, target),
		p->signatures };
	const bool cname = who->steer->edges[choice.edges[0]].cname;
	/* Hints where the next question has the same answer: with turns it would not. */
	if (service && choice.by_chance)
		family[0].n = family[1].n = 0;
	return (p->chosen || pool_rrsig_wanted(c) ? write_signed(c, &r, &choice, ttl_s)
				     : write_records(c, &r, &choice, ttl_s)) &&
		cname && c->q->qtype != RRTYPE_CNAME;
}
