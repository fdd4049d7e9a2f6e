#include "answer/views.h"

#include "geo/netmap.h"

static const struct policy_zone *rules_of(const struct world *w, size_t zone)
{
	static const struct policy_zone none;

	return w->policy.zones ? &w->policy.zones[zone_set_rule(w->zones, zone)] : &none;
}

/* Is the client one of the view's? By its subnet, that holds for as many others as it says. */
static bool has(const struct world *w, const struct answer_ask *ask, struct answer_pending *p,
	const struct policy_zone *rules)
{
	const struct edns_ecs *ecs = &p->query.edns.ecs;

	if (!rules->by_subnet || !w->policy.ecs || !ecs->present || !ecs->source) {
		const struct addr source = addr_plain(&ask->source, NULL);
		return netmap_has(rules->clients, &source, NULL);
	}
	unsigned v4_at = 0;
	const struct addr subnet = addr_plain(&ecs->addr, ecs->family == 2 ? &v4_at : NULL);
	unsigned scope;
	const bool in = netmap_has(rules->clients, &subnet, &scope);
	if (scope + v4_at > p->view_scope)
		p->view_scope = (uint8_t)(scope + v4_at);
	return in;
}

/* The number of the zone that it is, of those with one apex of which `first` is the first; zone_set_count(): of none. */
static size_t choose_one(const struct world *w, const struct answer_ask *ask,
	struct answer_pending *p, size_t first)
{
	const size_t none = zone_set_count(w->zones);
	const struct policy_asker asker = { addr_plain(&ask->source, NULL), p->tsig.key, ask->names,
		ask->secret };

	if (asker.key || asker.names)
		for (size_t i = first; i != none; i = zone_set_next(w->zones, i))
			if (policy_knows(rules_of(w, i), &asker))
				return i;
	for (size_t i = first; i != none; i = zone_set_next(w->zones, i)) {
		const struct policy_zone *rules = rules_of(w, i);
		if (!rules->clients ? !zone_set_get(w->zones, i)->view_len : has(w, ask, p, rules))
			return i;
	}
	return none;
}

const struct zone *views_choose(const struct world *w, const struct answer_ask *ask,
	struct answer_pending *p, const struct zone_name *name, size_t *number)
{
	const struct zone *z = zone_set_get(w->zones, *number);

	while (z && z->view_len) {
		const size_t one = choose_one(w, ask, p, *number);
		if (one != zone_set_count(w->zones)) {
			*number = one;
			return zone_set_get(w->zones, one);
		}
		z = z->apex_labels ? zone_set_find(w->zones, name, z->apex_labels - 1u, number) : NULL;
	}
	return z;
}
