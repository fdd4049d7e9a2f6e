/* schema_policy.c - how a pool orders its edges: policy, alone or as a chain, and affinity.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <math.h>
#include <string.h>

#define LINK "a policy such as nearest, or in a chain \"nearest within 10ms\""

static bool narrows(enum pool_policy p)
{
	return p == POOL_NEAREST || p == POOL_LEAST_LATENCY || p == POOL_LEAST_LOAD;
}

/* "10ms", "5%": how far behind its best a link lets edges through. */
static bool take_within(const struct reader *r, const struct key *said, const struct node *item,
	struct pool_link *l)
{
	const char *text = strstr(item->text, " within") + 7, *unit;
	double v;

	text += strspn(text, " ");
	l->within_ms = l->within_share = INFINITY;
	if (!option_decimal(text, false, &v, &unit) || v > 1e6)
		return option_wrong(r, said, item);
	if (strcmp(unit, "ms") == 0 && l->policy == POOL_LEAST_LOAD)
		return parse_error(r->src, item, "a load has no time; write %.*s%%",
			(int)(unit - text), text);
	if (strcmp(unit, "ms") == 0)
		l->within_ms = v;
	else if (strcmp(unit, "%") == 0)
		l->within_share = v / 100;
	else
		return option_wrong(r, said, item);
	return true;
}

/* "WORD" or "WORD within AMOUNT". False: told. */
static bool split(const struct reader *r, const struct key *key, const struct node *item,
	enum pool_policy *policy, bool *within)
{
	const char *text = option_scalar(r, key, item);
	static const char word[] = "within ";

	if (!text)
		return false;
	const size_t len = strcspn(text, " ");
	if (!pool_policy_parse(policy, text, len))
		return option_wrong(r, key, item);
	text += len + strspn(text + len, " ");
	*within = *text;
	return !*text || strncmp(text, word, sizeof word - 1) == 0 ||
		option_wrong(r, key, item);
}

static bool is_there(const struct pool_opts *p, enum pool_policy policy)
{
	for (unsigned i = 0; i < p->n_links; i++)
		if (p->links[i].policy == policy)
			return true;
	return false;
}

static bool take_link(
	struct reader *r, const struct key *key, const struct node *item, struct pool_opts *p)
{
	const struct key said = { .name = key->name, .say = LINK };
	struct pool_link l = { .policy = POOL_NEAREST };
	const bool last = !item->next;
	bool within;

	if (!split(r, &said, item, &l.policy, &within))
		return false;
	if (is_there(p, l.policy))
		return parse_error(r->src, item, "%s is in this chain already; take it out",
			pool_policy_text(l.policy));
	if (last && within)
		return parse_error(r->src, item,
			"the last link orders what the others leave; take \"within\" out");
	if (last) {
		p->policy = l.policy;
		return true;
	}
	if (!narrows(l.policy))
		return parse_error(r->src, item,
			"%s takes no edge out; it can only be the last link",
			pool_policy_text(l.policy));
	if (!within)
		return parse_error(r->src, item,
			"how far behind the best may an edge be? Write for example \"%s within "
			"%s\"",
			pool_policy_text(l.policy),
			l.policy == POOL_LEAST_LOAD ? "20%" : "10ms");
	if (!take_within(r, &said, item, &l))
		return false;
	p->links[p->n_links++] = l;
	return true;
}

void schema_policy(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *p = to;
	bool within;

	if (value->kind != NODE_LIST) {
		p->policy_wrong = !split(r, key, value, &p->opts.policy, &within);
		if (!p->policy_wrong && within) {
			p->policy_wrong = true;
			parse_error(r->src, value,
				"\"within\" is for a chain: write [ %s, ... ], or \"spread\"",
				value->text);
		}
		return;
	}
	if (!option_is_list(r, key, value, POOL_LINKS_MOST)) {
		p->policy_wrong = true;
		return;
	}
	for (const struct node *i = value->first; i; i = i->next)
		p->policy_wrong = !take_link(r, key, i, &p->opts) || p->policy_wrong;
}

void schema_affinity(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "name", "client", "both", NULL };
	static const enum pool_affinity is[] = { AFFINITY_NAME, AFFINITY_CLIENT, AFFINITY_BOTH };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		((struct schema_pool *)to)->opts.affinity = is[word];
}

/* A share of an edge's part; less than all of it cannot be had by all. */
void schema_hash_balance(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = to;
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (strcmp(text, "off") == 0)
		p->bound = 0;
	else if (!option_percent(text, 110, 1000, &p->bound))
		option_wrong(r, key, value);
}

static void check_bound(const struct reader *r, const struct schema_pool *p)
{
	const struct node *given = parse_get(p->node, "hash-balance");

	if (given && p->opts.bound > 0 && !pool_has_bound(&p->opts))
		parse_error(r->src, given->key, "%s",
			p->opts.affinity ? "hash-balance goes neither with a chain nor with a \"spread\" that is a share; there "
					   "edges that have a \"capacity\" are bounded"
					 : "hash-balance is for pools with affinity, or of policy hash");
}

bool schema_is_nearest(const struct pool_opts *p)
{
	return p->policy == POOL_NEAREST || is_there(p, POOL_NEAREST);
}

void schema_check_policy(const struct reader *r, const struct schema_pool *p)
{
	const struct node *spread = parse_get(p->node, "spread"),
			  *affinity = parse_get(p->node, "affinity");
	const enum pool_policy last = p->opts.policy;

	if (p->policy_wrong)
		return;
	check_bound(r, p);
	if (spread && p->opts.n_links)
		parse_error(r->src, spread->key,
			"the links of the chain say how far it goes; take \"spread\" out");
	if (affinity && last == POOL_ORDERED)
		parse_error(r->src, affinity->key,
			"affinity and ordered both say which edge comes first; take one out");
	if (affinity && (last == POOL_LEAST_LATENCY || last == POOL_LEAST_LOAD))
		parse_error(r->src, affinity->key,
			"affinity and %s both say which edge comes first; make %s an earlier "
			"link of "
			"a chain, or take \"affinity\" out",
			pool_policy_text(last), pool_policy_text(last));
}
