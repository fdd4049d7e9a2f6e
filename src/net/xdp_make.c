#include "net/xdp_make.h"

#include "answer/answer.h"
#include "base/clock.h"
#include "dns/rrtype.h"
#include "net/xdp_question.h"

#include <string.h>
#include <time.h>

/* What is on the way to an answer. */
struct making {
	const struct xdp_question *q;
	struct stats one; /* what it has counted */
	struct choice choice;
	struct answer_pending p;
	uint8_t query[XDP_QUERY_ROOM], to[ANSWER_UDP_MOST];
	size_t len;
	uint64_t zone;
	uint32_t now_s, signed_until_s;
};

/* Anybody: over that of IPv4 and IPv6 over which answers are smaller, as they are held for both. */
static struct addr anybody(const struct policy *policy)
{
	const struct addr v4 = addr_from_v4((const uint8_t[]){ 192, 0, 2, 1 }), v6 = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

	return policy_udp_size(policy, &v6) < policy_udp_size(policy, &v4) ? v6 : v4;
}

static void ask(struct making *m, const struct world *w, uint32_t client, const struct addr *source)
{
	m->one = (struct stats){ .dropped = 0 };
	m->choice = (struct choice){ .n = 0 };
	m->now_s = (uint32_t)time(NULL);
	m->signed_until_s = 0;
	struct answerer by = { .world = w,
		.stats = &m->one,
		.chose = &m->choice,
		.signed_until_s = &m->signed_until_s,
		.now_s = m->now_s,
		.now_us = clock_us() };
	const struct answer_ask ask = { .packet = m->query,
		.len = xdp_question_write(m->q, client, m->query),
		.source = *source,
		.room = ANSWER_UDP_MOST,
		.to = m->to };

	answer_read(&by, &ask, &m->p);
	for (unsigned step = 0; step < answer_steps(&by); step++)
		answer_step(&by, &ask, &m->p, step);
	m->zone = m->p.zone ? choice_counts_zone(m->p.zone) : 0;
	m->len = answer_write(&by, &ask, &m->p);
	m->one.queries_v6[VIA_UDP] = 0; /* that is counted apart */
}

static bool take_counts(struct xdp_counts *to, const struct stats *one)
{
	const uint64_t *n = (const uint64_t *)one;

	for (unsigned i = 0; i < sizeof *one / sizeof *n; i++)
		if (n[i]) {
			if (to->n == XDP_COUNTS_MOST || n[i] > UINT32_MAX)
				return false;
			to->more[to->n].at = i;
			to->more[to->n++].more = (uint32_t)n[i];
		}
	return true;
}

static bool take_reasons(struct xdp_counts *to, const struct making *m)
{
	const struct steer *s = m->p.who.steer;

	if (m->one.services)
		return true; /* the questions for its addresses have them */
	for (unsigned i = 0; i < m->choice.n; i++) {
		if (i == XDP_REASONS_MOST)
			return false;
		to->reasons[to->n_reasons++] = choice_counts_reason(
			s->pools[m->choice.pool].hash, s->edges[m->choice.edges[i]].hash, m->choice.why);
	}
	return true;
}

/* Whom the name has decide, of all that may be different there. A name that a CNAME has led to lay in what has answered, which
 * is over: what asks there is the same in one world alone. */
static uint64_t asks_of(const struct making *m, const struct world *w)
{
	const struct choose_ask *who = &m->p.who;
	const uintptr_t at = (uintptr_t)who->name, ours = (uintptr_t)m;
	const uint32_t what[] = { who->pool, who->v6, who->record, who->has_subnet, who->own.one, who->own.edge,
		who->own.has_ttl, who->own.answers, who->own.ttl_least_s, who->own.ttl_most_s };
	static const struct hash_key key = { 0x452821e638d01377u, 0xbe5466cf34e90c6cu };

	return hash_bytes(key, (const uint8_t *)what, sizeof what) ^
		(at >= ours && at < ours + sizeof *m ? hash_bytes(key, who->name, who->name_len) : hash_mix(w->generation, key.k0));
}

/* Could a choice of that pool ever be held? Turns are each query's own; the balancer counts all queries, and so
 * does who logs decisions; and of names that are asked for once each one is noted. */
static bool is_never(const struct world *w, const struct making *m)
{
	const struct choose_ask *who = &m->p.who;
	const bool subnet = m->q->says & XDP_ECS;

	return m->choice.by_chance || m->choice.demand || m->one.steered > 1 || w->stage.share ||
		w->policy.sample_every || w->policy.n_watched || (subnet && !w->policy.ecs) ||
		(m->one.services && who->record) ||
		(!subnet && m->p.found.wildcard && who->steer->pools[who->pool].pairs);
}

/* Of an answer from a pool. */
static enum xdp_makes judge_choice(const struct world *w, const struct making *m, uint32_t client)
{
	const struct choice *c = &m->choice;

	if (is_never(w, m))
		return XDP_MADE_NEVER;
	return !client || c->passes || c->for_now || m->one.pool_unsigned || !xdp_made_lasts(m->signed_until_s, m->now_s) ||
			((m->q->says & XDP_ECS) && c->by_source)
		? XDP_MADE_NOT_NOW
		: XDP_MADE;
}

enum xdp_makes xdp_make(const struct world *w, const struct xdp_question *q, uint32_t client, struct xdp_made *to)
{
	const struct addr any = anybody(&w->policy);
	const uint8_t from[4] = { (uint8_t)(client >> 24), (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client };
	const struct addr source = client && !(q->says & XDP_ECS) ? addr_from_v4(from) : any;
	struct making m = { .q = q };
	enum xdp_makes is = XDP_MADE;

	if (be16_get((const uint8_t *)&q->type) == RRTYPE_SOA && w->policy.plain.n)
		return XDP_MADE_NEVER; /* peers may see another one */
	ask(&m, w, client, &source);
	if (!m.one.steered && memcmp(&source, &any, sizeof any) != 0)
		ask(&m, w, client, &any);
	*to = (struct xdp_made){ .steered = m.one.steered };
	if (m.one.steered) {
		is = judge_choice(w, &m, client);
		to->asks = asks_of(&m, w);
		to->signed_until_s = m.signed_until_s;
	}
	if (is != XDP_MADE)
		return is;
	to->counts.zone = m.zone;
	const bool ok = m.len && !m.one.dropped && !m.one.truncated && !(m.one.services && !m.one.steered) &&
		take_counts(&to->counts, &m.one) && (!m.one.steered || take_reasons(&to->counts, &m)) &&
		xdp_question_hold(&to->held, q, m.to, m.len, &to->scope);
	return ok && (to->steered || !to->scope) ? XDP_MADE : m.one.steered ? XDP_MADE_NOT_NOW : XDP_MADE_NEVER;
}
