#include "answer/zone_request.h"

#include "answer/transfer.h"
#include "dns/rrtype.h"
#include "dns/tsig.h"
#include "zone/serial.h"

#include <string.h>

const struct policy_zone *zone_request_rules(const struct world *w, size_t zone)
{
	static const struct policy_zone none;

	return w->policy.zones ? &w->policy.zones[zone_set_rule(w->zones, zone)] : &none;
}

struct policy_asker zone_request_asker(const struct answer_ask *ask, const struct tsig_key *key)
{
	return (struct policy_asker){ .source = addr_plain(&ask->source, NULL),
		.key = key,
		.names = ask->names,
		.secret = ask->secret };
}

/* Our SOA alone: there is nothing newer, or all that is goes over TCP (RFC 1995 section 2). */
static void answer_soa(struct compose *c, const struct zone *z)
{
	c->flags |= FLAG_AA;
	compose_zone(c, z);
	compose_rrset(c, WRITER_ANSWER,
		zone_find_rrset(z->apex_node, RRTYPE_SOA), 0);
}

void zone_request_refuse(struct compose *c, unsigned rcode, unsigned ede)
{
	c->rcode = rcode;
	c->edns.expire = c->edns.zoneversion = false;
	c->edns.ede = (uint16_t)ede;
}

/* One a second is told: whoever likes may be refused as often as he likes. */
static bool may_tell(struct answerer *a)
{
	const bool may = a->tell && a->told_s != a->now_s;

	a->told_s = a->now_s;
	return may;
}

static void tell_refused(struct answerer *a, const struct answer_ask *ask, const struct zone *z)
{
	struct answer_news news = { .kind = NEWS_TRANSFER, .from = addr_plain(&ask->source, NULL) };

	if (!may_tell(a))
		return;
	memcpy(news.name, zone_id(z), (size_t)z->view_len + z->apex_len);
	a->tell(a->tell_ctx, &news);
}

void zone_request_tell_signature(
	struct answerer *a, const struct answer_ask *ask, const struct answer_pending *p)
{
	const struct query_tsig *t = &p->query.tsig;
	struct answer_news news = { .kind = NEWS_SIGNATURE,
		.error = (int)p->tsig.error,
		.from = addr_plain(&ask->source, NULL),
		.late_s = (int64_t)a->now_s - (int64_t)p->tsig.asked_s };

	uint8_t key[NAME_MOST];

	stats_add(&a->stats->signatures_wrong, 1);
	if (!may_tell(a))
		return;
	query_tsig_key(t, key);
	name_lower(news.name, key, t->key_len);
	if (t->algorithm_len <= NEWS_ALGORITHM)
		name_lower(news.algorithm, t->algorithm, t->algorithm_len);
	a->tell(a->tell_ctx, &news);
}

void zone_request_transfer(struct answerer *a, const struct answer_ask *ask,
	struct compose *c, const struct answer_pending *p)
{
	const struct world *w = a->world;
	const struct query *q = c->q;
	const struct zone *z = p->zone;
	const struct policy_asker asker = zone_request_asker(ask, p->tsig.key);
	uint32_t serial = 0;

	if (q->qtype == RRTYPE_AXFR && !ask->transfer)
		return zone_request_refuse(c, RCODE_NOTIMP, 0);
	if (!z || c->name->labels != z->apex_labels || q->qclass != RRCLASS_IN)
		return zone_request_refuse(c, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE);
	stats_add(&a->stats->transfers_asked, 1);
	if (!policy_allows(&zone_request_rules(w, p->number)->transfer, &asker)) {
		stats_add(&a->stats->transfers_refused, 1);
		tell_refused(a, ask, z);
		return zone_request_refuse(c, RCODE_REFUSED, EDE_PROHIBITED);
	}
	if (!zone_is_ready(z))
		return zone_request_refuse(c, RCODE_SERVFAIL, EDE_NOT_READY);
	if (q->qtype == RRTYPE_IXFR) {
		if (!query_serial(q, &serial))
			return zone_request_refuse(c, RCODE_FORMERR, 0);
		if (!ask->transfer || !serial_is_newer(z->serial, serial))
			return answer_soa(c, z);
	}
	transfer_start(ask->transfer, ask, p, &c->edns,
		q->qtype == RRTYPE_IXFR ? &serial : NULL);
	c->silent = true;
}

void zone_request_update(struct answerer *a, const struct answer_ask *ask,
	struct compose *c, const struct answer_pending *p)
{
	const struct query *q = c->q;
	const struct zone *z = p->zone;
	const struct policy_asker asker = zone_request_asker(ask, p->tsig.key);
	bool may = false;

	if (q->qtype != RRTYPE_SOA || q->qclass != RRCLASS_IN)
		return zone_request_refuse(c, RCODE_FORMERR, 0);
	if (!z || c->name->labels != z->apex_labels)
		return zone_request_refuse(c, RCODE_NOTAUTH, EDE_NOT_AUTHORITATIVE);
	const struct policy_zone *rules = zone_request_rules(a->world, p->number);
	if (rules->is_secondary)
		may = policy_allows(&rules->forward, &asker);
	for (size_t i = 0; i < rules->n_update && !may && !rules->is_secondary; i++)
		may = policy_allows(&rules->update[i].who, &asker);
	stats_add(&a->stats->updates_asked, 1);
	if (!may) {
		stats_add(&a->stats->updates_refused, 1);
		return zone_request_refuse(c, RCODE_REFUSED, EDE_PROHIBITED);
	}
	const bool ready = zone_is_ready(z) || rules->is_secondary;
	if (!ready || !ask->later)
		return zone_request_refuse(c, RCODE_SERVFAIL, ready ? 0 : EDE_NOT_READY);
	*ask->later = (struct answer_later){ .asked = true, .tsig = p->tsig };
	memcpy(ask->later->zone, zone_id(z), (size_t)z->view_len + z->apex_len);
	c->silent = true;
}

void zone_request_notify(struct answerer *a, const struct answer_ask *ask,
	struct compose *c, const struct answer_pending *p)
{
	const struct query *q = c->q;
	const struct zone_set *set = a->world->zones;
	const struct policy_asker asker = zone_request_asker(ask, p->tsig.key);
	struct answer_news news = { .kind = NEWS_NOTIFY, .from = asker.source };
	const struct zone *z;
	bool ours = false, may = false;
	size_t at;

	c->edns.ede = 0;
	if (q->qtype != RRTYPE_SOA || q->qclass != RRCLASS_IN)
		return zone_request_refuse(c, RCODE_FORMERR, 0);
	z = zone_set_find(set, c->name, c->name->labels, &at);
	if (!z || c->name->labels != z->apex_labels)
		return zone_request_refuse(c, RCODE_NOTAUTH, 0);
	for (; at != zone_set_count(set); at = zone_set_next(set, at)) {
		const struct policy_zone *rules = zone_request_rules(a->world, at);
		ours = ours || rules->is_secondary;
		if (!rules->is_secondary || !policy_allows(&rules->notify, &asker))
			continue;
		may = true;
		z = zone_set_get(set, at);
		memcpy(news.name, zone_id(z), (size_t)z->view_len + z->apex_len);
		if (a->tell)
			a->tell(a->tell_ctx, &news);
	}
	if (!ours)
		return zone_request_refuse(c, RCODE_NOTAUTH, 0);
	if (!may)
		return zone_request_refuse(c, RCODE_REFUSED, EDE_PROHIBITED);
	c->flags |= FLAG_AA;
	stats_add(&a->stats->notified, 1);
}
