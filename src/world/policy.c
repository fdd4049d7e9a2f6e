#include "world/policy.h"

#include <string.h>

static bool has_name(const char *names, const char *name)
{
	for (; names && *names; names += strlen(names) + 1)
		if (strcmp(names, name) == 0)
			return true;
	return false;
}

bool policy_allows(const struct policy_access *access, const struct policy_asker *who)
{
	for (size_t i = 0; i < access->n; i++) {
		const struct policy_allow *one = &access->allow[i];
		if (prefix_has(&one->net, &who->source) &&
			(!one->key || (who->key && who->key->name == one->key)) &&
			(!one->secret || who->secret) &&
			(!one->certificate || has_name(who->names, one->certificate)))
			return true;
	}
	return false;
}

bool policy_is_proxy(const struct policy *policy, const struct addr *from)
{
	for (size_t i = 0; i < policy->n_proxies; i++)
		if (prefix_has(&policy->proxies[i], from))
			return true;
	return false;
}
