/* schema_standing.c - what a pool makes of its edges' health: probe, up-when, panic.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <stddef.h>
#include <string.h>

void schema_probe(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *p = to;
	unsigned number;

	if (schema_probe_find(r, key, value, &number))
		p->opts.probe = number + 1;
	else
		p->probe_wrong = true;
}

void schema_up_when(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = &((struct schema_pool *)to)->opts;
	const char *text = option_scalar(r, key, value);
	uint64_t n;

	if (!text)
		return;
	if (strcmp(text, "any") == 0)
		p->up_when = 1;
	else if (strcmp(text, "all") == 0)
		p->up_when = 0;
	else if (option_whole(text, &n) && n >= 1 && n <= 512)
		p->up_when = (unsigned)n;
	else
		option_wrong(r, key, value);
}

const struct key schema_least_up_keys[] = {
	{ "a", option_number, .say = "a number of edges from 1 on", .at = offsetof(struct pool_opts, least_a), .least = 1,
		.most = POOL_EDGES_MOST, .about = "So many edges with an IPv4 address that is up.", .otherwise = "any will do" },
	{ "aaaa", option_number, .say = "a number of edges from 1 on", .at = offsetof(struct pool_opts, least_aaaa), .least = 1,
		.most = POOL_EDGES_MOST, .about = "So many edges with an IPv6 address that is up.", .otherwise = "any will do" },
	{ 0 },
};

/* "2", "50%", or { a: 1, aaaa: 1 }. */
void schema_least_up(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = &((struct schema_pool *)to)->opts;
	const char *text = value->kind == NODE_MAP ? NULL : option_scalar(r, key, value);
	uint64_t n;

	if (value->kind == NODE_MAP)
		keys_read(r, schema_least_up_keys, value, key->name, p);
	if (!text)
		return;
	if (option_whole(text, &n) && n >= 1 && n <= POOL_EDGES_MOST)
		p->least_up = (unsigned)n;
	else if (!option_percent(text, 0, 100, &p->least_share))
		option_wrong(r, key, value);
}

void schema_families(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "together", "apart", NULL };
	const int which = option_word(r, key, value, words);

	if (which >= 0)
		((struct schema_pool *)to)->opts.apart = which == 1;
}

/* Of the pool, or of some edge in it. */
static bool has_probe(const struct reader *r, const struct schema_pool *p)
{
	bool any = p->opts.probe || p->probe_wrong;

	for (size_t i = 0; i < p->n_all; i++)
		any = any || p->members[i].m.probe ||
			(!p->members[i].m.is_pool &&
				(r->conf->edges[p->members[i].m.number].probe ||
					r->conf->edges[p->members[i].m.number].n_needs));
	return any;
}

/* A key that needs a probe beside it. */
static void check_alone(const struct reader *r, const struct schema_pool *p, const char *word)
{
	const struct node *n = parse_get(p->node, word);

	if (n && !has_probe(r, p))
		parse_error(r->src, n->key, "\"%s\" needs \"probe\" beside it, or take it out",
			word);
}

/* What goes by measures needs a probe that takes them. `policy` is where the word stands. */
static void check_measure(const struct reader *r, const struct schema_pool *p,
	enum pool_policy by, const struct node *policy)
{
	const char *word = pool_policy_text(by);

	if (by != POOL_LEAST_LOAD && by != POOL_LEAST_LATENCY)
		return;
	if (!has_probe(r, p))
		parse_error(r->src, policy,
			"%s goes by what a probe measures; give the pool one", word);
	if (!p->opts.probe)
		return;
	const struct probe_opts *probe = &r->conf->probes[p->opts.probe - 1];
	if (probe->kind == PROBE_NONE)
		parse_error(r->src, policy,
			"%s goes by what a probe measures, and probe %s is of kind none", word,
			probe->name);
	else if (by == POOL_LEAST_LOAD && !probe_tells_load(probe))
		parse_error(r->src, policy,
			"least-load needs a probe with \"load-from\"; probe %s has none",
			probe->name);
}

static void check_measures(const struct reader *r, const struct schema_pool *p)
{
	const struct node *policy = parse_get(p->node, "policy");

	if (!policy || p->policy_wrong)
		return;
	const struct node *n = option_first(policy);
	for (unsigned i = 0; n; n = option_next(policy, n), i++)
		check_measure(r, p,
			i < p->opts.n_links ? p->opts.links[i].policy : p->opts.policy, n);
}

void schema_check_standing(const struct reader *r, const struct schema_pool *p)
{
	check_alone(r, p, "up-when");
	check_alone(r, p, "panic");
	check_measures(r, p);
}
