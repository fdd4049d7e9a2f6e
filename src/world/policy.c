#include "world/policy.h"

#include <string.h>

static bool has_name(const char *names, const char *name)
{
	for (; names && *names; names += strlen(names) + 1)
		if (strcmp(names, name) == 0)
			return true;
	return false;
}

static bool allows(const struct policy_allow *one, const struct policy_asker *who)
{
	return prefix_has(&one->net, &who->source) &&
		(!one->key || (who->key && who->key->name == one->key)) &&
		(!one->secret || who->secret) &&
		(!one->certificate || has_name(who->names, one->certificate));
}

bool policy_allows(const struct policy_access *access, const struct policy_asker *who)
{
	for (size_t i = 0; i < access->n; i++)
		if (allows(&access->allow[i], who))
			return true;
	return false;
}

static bool knows(const struct policy_access *access, const struct policy_asker *who)
{
	for (size_t i = 0; i < access->n; i++) {
		const struct policy_allow *one = &access->allow[i];
		if ((one->key || one->certificate) && allows(one, who))
			return true;
	}
	return false;
}

bool policy_knows(const struct policy_zone *zone, const struct policy_asker *who)
{
	if (knows(&zone->query, who) || knows(&zone->transfer, who) ||
		knows(&zone->forward, who))
		return true;
	for (size_t i = 0; i < zone->n_update; i++)
		if (knows(&zone->update[i].who, who))
			return true;
	return false;
}

bool policy_is_proxy(const struct policy *policy, const struct addr *from)
{
	for (size_t i = 0; i < policy->n_proxies; i++)
		if (prefix_has(&policy->proxies[i], from))
			return true;
	return false;
}
