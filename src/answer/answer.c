#include "answer/answer.h"

#include "answer/chaos.h"
#include "answer/cookie.h"
#include "answer/count.h"
#include "answer/pool_rrsig.h"
#include "answer/sections.h"
#include "answer/short_source.h"
#include "answer/steered.h"
#include "answer/transfer.h"
#include "answer/views.h"
#include "answer/zone_request.h"
#include "dns/rrtype.h"
#include "dns/tsig.h"

#include <string.h>

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
		c->q->qtype != RRTYPE_CNAME;
}

static bool found(struct compose *c, const struct answer_ask *ask, const struct lookup *l)
{
	if (l->rrset && l->rrset->type == RRTYPE_DNAME)
		return compose_dname(c, l); /* perhaps it has led here */
	if (l->rrset)
		return compose_rrset(c, WRITER_ANSWER, l->rrset, 0);
	if (c->q->qtype == RRTYPE_ANY && ask->via == VIA_UDP)
		return compose_any(c, l->node);
	return compose_node(c, l->node, c->q->qtype);
}

/* Its pool has nothing of that type: no data, which is to be proven. */
static void take_none(struct compose *c, struct answer_pending *p)
{
	p->found.kind = LOOKUP_NODATA;
	if (!c->dnssec || !p->zone->denial)
		return;
	p->proof = denial_prove(p->zone, &p->name, &p->found);
	sections_gather(c, &p->proof);
}

/* One name of the way: its part of the answer section. True when it leads on to another name;
 * else `l` is what was found at the end of it. */
static bool step(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	struct answer_pending *p)
{
	struct lookup *l = &p->found;
	bool none;

	if (l->kind != LOOKUP_REFERRAL || !sections_has_ds(l))
		sections_gather(c, &p->proof);
	c->made = l->wildcard ? l->skip : name_is_wildcard(c->name->wire);
	switch (l->kind) {
	case LOOKUP_ANSWER: found(c, ask, l); return false;
	case LOOKUP_EDGE:
		if (steered_answer(a, c, p, &none))
			return true;
		if (none)
			take_none(c, p);
		return false;
	case LOOKUP_CNAME: return compose_rrset(c, WRITER_ANSWER, l->rrset, 0);
	case LOOKUP_DNAME: return redirect(c, l);
	case LOOKUP_REFERRAL:
	case LOOKUP_NXDOMAIN:
	case LOOKUP_NODATA: return false;
	}
	return false;
}

/* The authority and additional sections, when the answer section is complete. */
static void close_answer(
	const struct policy *policy, struct compose *c, const struct lookup *l, bool at_end)
{
	const size_t last = c->last_at, at = c->w.len;
	const bool type_is_one = (l->kind == LOOKUP_ANSWER && l->rrset) || l->kind == LOOKUP_EDGE;

	if (c->flags & FLAG_TC)
		return;
	if (at_end && l->kind == LOOKUP_REFERRAL && !sections_referral(c, l))
		return;
	if (at_end && (l->kind == LOOKUP_NXDOMAIN || l->kind == LOOKUP_NODATA) &&
		!sections_negative(c))
		return;
	if (at_end && l->kind == LOOKUP_NODATA && l->node->flags & NODE_EDGE && c->n_proofs &&
		pool_rrsig_wanted(c))
		sections_deny_for_now(c, l);
	if (c->n_proofs && !sections_proofs(c))
		return;
	if (at_end && l->kind == LOOKUP_REFERRAL)
		sections_glue(c, l, at);
	else if (at_end && type_is_one && !policy->minimal &&
		sections_have_targets(c->q->qtype))
		sections_additional(c, l, last, at);
}

/* The zone that has the say about the name at work, and its number. The DS set of a cut is the
 * parent's. */
static const struct zone *find_zone(const struct world *w, const struct answer_ask *ask,
	struct answer_pending *p, const struct zone_name *name)
{
	const struct zone *z = zone_set_find(w->zones, name, name->labels, &p->number);

	if (z && z->view_len)
		z = views_choose(w, ask, p, name, &p->number);
	if (z && p->query.qtype == RRTYPE_DS && name->labels == z->apex_labels && name->labels) {
		size_t above;
		const struct zone *parent = zone_set_find(
			w->zones, name, name->labels - 1, &above);
		if (parent && parent->view_len)
			parent = views_choose(w, ask, p, name, &above);
		if (parent) {
			p->number = above;
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

/* What the zone at work says about the name at work. */
static void look_up(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	p->found = zone_lookup(p->zone, a->world->key, &p->name, p->query.qtype);
	/* Where what a pool answers is signed, the record that names it is nobody's to see: there
	 * is no signature of it, and no bitmap has it. */
	if (p->query.qtype == RRTYPE_EDGE && p->found.kind == LOOKUP_ANSWER && p->found.rrset &&
		pool_rrsig_signs(a->world, p->zone))
		p->found.kind = LOOKUP_NODATA;
	if (p->found.kind == LOOKUP_EDGE ||
		(p->found.kind == LOOKUP_NODATA && p->found.node->flags & NODE_EDGE))
		steered_look(a, ask, p);
	p->proof.n = 0;
	if (p->query.edns.dnssec_ok && p->zone->denial) {
		p->proof = denial_prove(p->zone, &p->name, &p->found);
		denial_fetch(&p->proof);
	}
}

/* Is the zone at work one that the asker may ask? */
static bool may_ask(const struct answerer *a, const struct answer_ask *ask,
	const struct answer_pending *p)
{
	if (!a->world->policy.query_limited)
		return true;
	const struct policy_access *who = &zone_request_rules(a->world, p->number)->query;
	const struct policy_asker asker = zone_request_asker(ask, p->tsig.key);

	return !who->n || policy_allows(who, &asker);
}

/* What would have to be said is not signed yet, and soon is. Who is not answered over UDP asks
 * again in a moment; SERVFAIL would be remembered for seconds. */
static void give_up(struct compose *c, const struct answer_ask *ask)
{
	if (ask->via == VIA_UDP) {
		c->silent = true;
		return;
	}
	compose_clear(c);
	c->rcode = RCODE_SERVFAIL;
	c->flags = 0;
	c->edns.ede = EDE_NOT_READY;
}

/* Which zone answers may depend on the subnet, too. */
static void take_scope(struct compose *c, const struct answer_pending *p)
{
	if (p->view_scope > c->edns.scope)
		c->edns.scope = p->view_scope;
}

/* RFC 1034 section 4.3.2, with a chain of names followed through all of our zones and left to
 * the resolver where it leaves them. The first name is looked up already. */
static void resolve(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	struct answer_pending *p)
{
	uint64_t been[ANSWER_CHAIN_MOST + 1];
	const struct lookup *l = &p->found;
	bool on;

	for (unsigned hops = 0;; hops++) {
		if (!zone_is_ready(p->zone)) {
			/* Nothing to say about it, not even that it is not there. */
			if (hops == 0) {
				c->rcode = RCODE_SERVFAIL;
				c->flags = 0;
				c->edns.ede = EDE_NOT_READY;
			}
			return;
		}
		compose_zone(c, p->zone);
		if (hops)
			look_up(a, ask, p);
		on = step(a, ask, c, p);
		if (c->failed) {
			give_up(c, ask);
			return;
		}
		if (c->refused) {
			compose_clear(c);
			c->rcode = RCODE_REFUSED;
			c->flags = 0;
			c->edns.ede = EDE_PROHIBITED;
			return;
		}
		if (!on) {
			/* The RCODE is that of the last name (RFC 6604); what is below a cut is
			 * not ours to say. */
			if (l->kind == LOOKUP_NXDOMAIN)
				c->rcode = RCODE_NXDOMAIN;
			else if (l->kind == LOOKUP_REFERRAL && hops == 0)
				c->flags &= (uint16_t)~FLAG_AA;
			break;
		}
		been[hops] = c->name->hash[0];
		if (hops == ANSWER_CHAIN_MOST || !compose_follow(c) ||
			has_been(been, hops + 1, c->name->hash[0]))
			break;
		p->zone = find_zone(a->world, ask, p, c->name);
		take_scope(c, p);
		if (!p->zone || !may_ask(a, ask, p))
			break;
	}
	if (!on && l->kind == LOOKUP_NODATA)
		c->class = CLASS_NODATA;
	else if (!on && l->kind == LOOKUP_REFERRAL)
		c->class = CLASS_REFERRAL;
	close_answer(&a->world->policy, c, l, !on);
	if (c->failed)
		give_up(c, ask);
}

/* An UPDATE with a key that we do not have goes on as it is, where anybody's do from there (RFC 8945 section 5.5):
 * what the key may do is its primary's to say. */
static bool forwards_unknown(
	struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	const struct policy_asker asker = zone_request_asker(ask, NULL);

	if (query_opcode(&p->query) != OPCODE_UPDATE || p->tsig.error != TSIG_BADKEY ||
		!p->query.name_len)
		return false;
	zone_name_put(&p->name, a->world->key, p->query.name, &p->query.marks);
	p->zone = find_zone(a->world, ask, p, &p->name);
	if (!p->zone)
		return false;
	const struct policy_zone *rules = zone_request_rules(a->world, p->number);
	return rules->is_secondary && policy_allows(&rules->forward, &asker);
}

/* A peer that knows no EDGE sees a zone with addresses in their place: whole, and the SOA by which it learns that there is
 * something new. False: such a zone is not there yet. */
static bool take_plain(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	const struct policy_asker asker = zone_request_asker(ask, p->tsig.key);

	if (!zone_request_rules(a->world, p->number)->plain || p->name.labels != p->zone->apex_labels ||
		!zone_is_ready(p->zone) ||
		!policy_allows(&a->world->policy.plain, &asker))
		return true;
	const struct plain_zone *plain = plain_zones_find(a->world->plain, zone_id(p->zone));
	if (!plain)
		return p->zone->pools_n == 0;
	if (plain->zone) {
		p->zone = plain->zone;
		look_up(a, ask, p);
	}
	return true;
}

/* A question that is well put. */
static void take_question(struct answerer *a, const struct answer_ask *ask, struct compose *c,
	struct answer_pending *p)
{
	const struct query *q = c->q;
	const struct zone *z = p->zone;

	if (query_opcode(q) == OPCODE_NOTIFY) {
		zone_request_notify(a, ask, c, p);
		return;
	}
	if (query_opcode(q) == OPCODE_UPDATE) {
		zone_request_update(a, ask, c, p);
		return;
	}
	if (q->qclass == RRCLASS_CH) {
		chaos_answer(c, &a->world->policy);
		return;
	}
	const bool whole = q->qtype == RRTYPE_AXFR || q->qtype == RRTYPE_IXFR;
	if ((whole || q->qtype == RRTYPE_SOA) && z && !take_plain(a, ask, p)) {
		zone_request_refuse(c, RCODE_SERVFAIL, EDE_NOT_READY);
		return;
	}
	if (whole) {
		zone_request_transfer(a, ask, c, p);
		return;
	}
	if (!z || (q->qclass != RRCLASS_IN && q->qclass != RRCLASS_ANY)) {
		c->rcode = RCODE_REFUSED;
		c->edns.ede = EDE_NOT_AUTHORITATIVE;
		return;
	}
	if (!may_ask(a, ask, p)) {
		zone_request_refuse(c, RCODE_REFUSED, EDE_PROHIBITED);
		return;
	}
	/* Nobody has the authority over all classes (RFC 1035 section 6.2). */
	c->flags |= q->qclass == RRCLASS_IN ? FLAG_AA : 0;
	resolve(a, ask, c, p);
	if (short_source(&q->edns.ecs, p->view_scope))
		short_source_hold(c);
}

/* What is told of the zone that has the say: how long a secondary may serve it, where that is
 * asked (RFC 7314: the SOA's own expiry, since we are its primary), and its serial. */
static void take_zone_options(const struct answer_pending *p, struct edns_reply *r)
{
	const struct zone *z = p->zone;
	const struct query *q = &p->query;

	if (!z || !zone_is_ready(z))
		return;
	const struct zone_rrset *soa =
		zone_find_rrset(z->apex_node, RRTYPE_SOA);
	r->expire = q->edns.expire && p->name.labels == z->apex_labels &&
		(q->qtype == RRTYPE_SOA || q->qtype == RRTYPE_AXFR ||
			q->qtype == RRTYPE_IXFR);
	r->expire_s = be32_get(soa->wire + soa->len - 8);
	r->zoneversion = q->edns.zoneversion;
	r->zone_labels = z->apex_labels;
	r->serial = z->serial;
}

/* What goes into our OPT record, as far as that is known before there is an answer. True when
 * the asker has shown that the source address is its own. */
static bool take_options(struct answerer *a, const struct answer_ask *ask,
	const struct answer_pending *p, struct edns_reply *r)
{
	const struct policy *policy = &a->world->policy;
	const struct query *q = &p->query;
	enum cookie_is is = COOKIE_NONE;

	if (!q->edns.present)
		return ask->proven;
	r->ecs = q->edns.ecs.present && policy->ecs;
	if (q->edns.nsid && policy->identity.len) {
		r->nsid = (const uint8_t *)policy->identity.text;
		r->nsid_len = policy->identity.len;
	}
	r->keepalive = q->edns.keepalive && answer_via_stream(ask->via);
	r->padded = q->edns.padding && ask->secret;
	r->keepalive_100ms = a->keepalive_100ms;
	r->cookie = q->edns.cookie_len && policy->cookie_secrets;
	if ((q->edns.expire || q->edns.zoneversion) && p->parsed == QUERY_OK)
		take_zone_options(p, r);
	stats_add(&a->stats->with_subnet, r->ecs);
	if (r->cookie) {
		is = cookie_check(r->cookie_bytes, policy, &q->edns, &ask->source, a->now_s);
		stats_add(&a->stats->cookies_good, is == COOKIE_GOOD);
		stats_add(&a->stats->cookies_wrong, is == COOKIE_WRONG);
	}
	return ask->proven || is == COOKIE_GOOD;
}

static enum policy_class class_of(const struct compose *c)
{
	if (c->rcode == RCODE_NOERROR)
		return c->class;
	return c->rcode == RCODE_NXDOMAIN || c->rcode == RCODE_YXDOMAIN ? CLASS_NXDOMAIN
									: CLASS_ERROR;
}

/* A response over its rate. False when it is not to be sent. Else it is as small as the query:
 * truncated, or BADCOOKIE for who can show a cookie next time (RFC 7873 section 5.2.3). Errors
 * are as small, and mean something only as they are. */
static bool limit(struct answerer *a, const struct answer_ask *ask, struct compose *c)
{
	const struct policy_limits *limits = &a->world->policy.limits;
	const enum policy_class class = class_of(c);
	const struct addr to = addr_plain(&ask->source, NULL);
	const enum rrl_verdict v = rrl_account(a->rrl, limits, &to, class, a->now_us);

	if (v == RRL_SEND)
		return true;
	stats_add(&a->stats->limited[class], 1);
	if (limits->dry_run)
		return true;
	stats_add(v == RRL_SLIP ? &a->stats->slipped : &a->stats->withheld, 1);
	if (v == RRL_SLIP && class != CLASS_ERROR) {
		compose_clear(c);
		c->flags = (uint16_t)(FLAG_TC | (c->flags & FLAG_AA));
		if (c->edns.cookie) {
			c->rcode = RCODE_BADCOOKIE;
			c->flags = 0;
		}
	}
	c->edns.ede = 0;
	return v == RRL_SLIP;
}

/* --- the way of a query ------------------------------------------------------------------- */

/* A query whose signature is good goes on as any other. */
static void check_signature(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	const struct policy *policy = &a->world->policy;

	switch (tsig_verify(&p->tsig, &p->query.tsig, ask->packet, policy->keys, policy->n_keys,
		a->now_s)) {
	case TSIG_GOOD:
		p->parsed = p->query.name_len          ? QUERY_OK
			: p->query.edns.cookie_len ? QUERY_NO_QUESTION
						       : QUERY_FORMERR;
		return;
	case TSIG_WRONG: return;
	case TSIG_MALFORMED: p->parsed = QUERY_FORMERR; return;
	}
}

void answer_read(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	p->zone = NULL;
	p->view_scope = 0;
	p->tsig.key = NULL;
	p->parsed = query_parse(&p->query, ask->packet, ask->len);
	if (p->parsed == QUERY_TSIG)
		check_signature(a, ask, p);
	if (p->parsed != QUERY_OK)
		return;
	zone_name_put(&p->name, a->world->key, p->query.name, &p->query.marks);
	zone_set_fetch_slots(a->world->zones, &p->name);
}

void answer_step(const struct answerer *a, const struct answer_ask *ask,
	struct answer_pending *p, unsigned step)
{
	if (p->parsed != QUERY_OK)
		return;
	if (step == 0) {
		zone_set_fetch_zones(a->world->zones, &p->name);
	} else if (step == 1) {
		p->zone = find_zone(a->world, ask, p, &p->name);
		if (p->zone)
			zone_fetch_slot(p->zone, &p->name);
	} else if (!p->zone || !zone_is_ready(p->zone)) {
		return;
	} else if (step == 2) {
		zone_fetch_node(p->zone, &p->name);
	} else {
		if (step == 3)
			look_up(a, ask, p);
		if (p->found.kind == LOOKUP_EDGE)
			steered_step(a, p, step - 3);
	}
}

size_t answer_write(struct answerer *a, const struct answer_ask *ask, struct answer_pending *p)
{
	const struct query *q = &p->query;
	struct compose c;
	bool known = ask->proven;

	count_query(a->stats, ask);
	if (p->parsed == QUERY_DROP) {
		stats_add(&a->stats->dropped, 1);
		return 0;
	}
	c.by = a;
	c.key = a->world->key;
	c.name = &p->name;
	c.edns = (struct edns_reply){ .payload = (uint16_t)policy_udp_size(&a->world->policy, &ask->source) };
	if (p->parsed == QUERY_OK || p->parsed == QUERY_NO_QUESTION)
		known = take_options(a, ask, p, &c.edns) || p->tsig.key;
	c.proven = known;
	compose_start(&c, ask, q);
	take_scope(&c, p);
	if (p->tsig.key)
		compose_keep(&c, tsig_len(&p->tsig));
	switch (p->parsed) {
	case QUERY_OK:
		count_question(a, &p->query, p->zone);
		take_question(a, ask, &c, p);
		break;
	case QUERY_NO_QUESTION: break;
	case QUERY_FORMERR: c.rcode = RCODE_FORMERR; break;
	case QUERY_NOTIMP: c.rcode = RCODE_NOTIMP; break;
	case QUERY_BADVERS: c.rcode = RCODE_BADVERS; break;
	case QUERY_TSIG:
		if (forwards_unknown(a, ask, p)) {
			zone_request_update(a, ask, &c, p);
			break;
		}
		c.rcode = RCODE_NOTAUTH;
		zone_request_tell_signature(a, ask, p);
		break;
	case QUERY_DROP: break;
	}
	if (c.silent) {
		if ((!ask->transfer || !ask->transfer->zone) &&
			(!ask->later || !ask->later->asked))
			stats_add(&a->stats->dropped, 1);
		return 0;
	}
	if (a->world->policy.limits.on && a->rrl && !known && !limit(a, ask, &c))
		return 0;
	count_answer(a->stats, &c);
	const size_t len = compose_finish(&c);
	if (p->tsig.key)
		return tsig_sign(&p->tsig, ask->to, len, a->now_s);
	return p->parsed == QUERY_TSIG ? tsig_refuse(q, p->tsig.error, ask->to, len, c.most)
				       : len;
}

size_t answer(struct answerer *a, const struct answer_ask *ask)
{
	struct answer_pending p;

	answer_read(a, ask, &p);
	for (unsigned step = 0; step < answer_steps(a); step++)
		answer_step(a, ask, &p, step);
	return answer_write(a, ask, &p);
}
