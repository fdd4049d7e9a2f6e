#include "world/policy.h"

bool policy_allows(const struct policy_access *access, const struct addr *source,
	const struct tsig_key *key)
{
	for (size_t i = 0; i < access->n; i++) {
		const struct policy_allow *one = &access->allow[i];
		if (prefix_has(&one->net, source) &&
			(!one->key || (key && key->name == one->key)))
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
