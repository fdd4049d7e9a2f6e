/* schema_pin_rules.c - pin: as a list of rules, each with several conditions.
 */
#include "conf/option.h"
#include "conf/schema.h"
#include "steer/hours.h"

#include <string.h>

enum { CONDS_MOST = 4096, HOURS_MOST = 32 };

/* Conditions while they are read. */
struct when {
	struct pool_when w;
	struct pool_pin *conds, *resolvers;
	struct netmap **clients;
	size_t conds_room, resolvers_room, clients_room;
	struct text *say; /* in words, for explain */
};

/* A rule while it is read. */
struct rule {
	struct schema_pool *pool;
	struct pool_rule out;
	struct when when, unless;
	struct text say;
	bool has_to;
	size_t skipped; /* edges of `to` that the pool skips */
};

static struct pool_pin *add_pin(struct reader *r, struct pool_pin **list, size_t *n, size_t *room)
{
	if (*n == *room) {
		const size_t more = *room ? 2 * *room : 8;
		struct pool_pin *wider = arena_zalloc(r->mem, more * sizeof *wider);
		if (*n)
			memcpy(wider, *list, *n * sizeof *wider);
		*list = wider;
		*room = more;
	}
	return &(*list)[(*n)++];
}

static void say(struct when *w, const char *key, const struct node *value)
{
	char shown[OPTION_SHOWN];

	text_addf(w->say, "%s%s", w->say->len ? ", " : "", key);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		if (w->say->len > 200) {
			text_add(w->say, " ...");
			return;
		}
		text_addf(w->say, " %s",
			option_shown(shown, i->kind == NODE_SCALAR ? i->text : "?"));
	}
}

static void take_conds(struct reader *r, const struct key *key, const struct node *value,
	struct when *w, enum pool_pin_kind kind)
{
	if (!option_is_list(r, key, value, CONDS_MOST))
		return;
	say(w, key->name, value);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		struct pool_pin pin = { .kind = kind };
		if (option_scalar(r, key, i) && schema_pin_who(r, i, &pin))
			*add_pin(r, &w->conds, &w->w.n, &w->conds_room) = pin;
	}
}

static void take_net(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_NET);
}

static void take_asn(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_ASN);
}

static void take_city(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_CITY);
}

static void take_region(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_REGION);
}

static void take_country(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_COUNTRY);
}

static void take_continent(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take_conds(r, key, value, to, PIN_CONTINENT);
}

static void take_resolver(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct when *w = to;

	if (!option_is_list(r, key, value, CONDS_MOST))
		return;
	say(w, key->name, value);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		struct pool_pin pin = { .kind = PIN_NET };
		if (option_scalar(r, key, i) && schema_pin_who(r, i, &pin))
			*add_pin(r, &w->resolvers, &w->w.n_resolvers, &w->resolvers_room) = pin;
	}
}

static void take_clients(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct when *w = to;
	unsigned number;

	if (!option_is_list(r, key, value, CONDS_MOST))
		return;
	say(w, key->name, value);
	w->clients = arena_alloc(r->mem, option_count(value) * sizeof *w->clients);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		if (schema_find(r,
			    &(struct schema_names){ key, &r->classes, "class of clients", "clients" },
			    i, &number))
			w->clients[w->w.n_clients++] = r->conf->classes[number].map;
}

static void take_during(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct when *w = to;
	struct fault why;

	if (!option_is_list(r, key, value, HOURS_MOST))
		return;
	struct hours *list = arena_alloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (text)
			text_addf(w->say, "%s%s", i != option_first(value) ? " or "
					: w->say->len                      ? ", during "
									   : "during ",
				text);
		if (text && !hours_parse(&list[w->w.n_during], r->mem, text, &why))
			parse_error(r->src, i, "%s", why.text);
		else if (text)
			w->w.n_during++;
	}
	w->w.during = list;
}

/* Words, as bits in their order. */
static uint8_t take_words(struct reader *r, const struct key *key, const struct node *value,
	struct when *w, const char *const *words)
{
	uint8_t bits = 0;

	if (!option_is_list(r, key, value, CONDS_MOST))
		return 0;
	say(w, key->name, value);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const int word = option_word(r, key, i, words);
		if (word >= 0)
			bits |= (uint8_t)(1 << word);
	}
	return bits;
}

static void take_via(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "udp", "tcp", "tls", "https", "quic", NULL };

	((struct when *)to)->w.via = take_words(r, key, value, to, words);
}

static void take_type(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "A", "AAAA", NULL };

	((struct when *)to)->w.types = take_words(r, key, value, to, words);
}

#define ANY " or a list of them"
#define WHEN_KEYS(at_)                                                                          \
	{ "net", take_net, .say = "a net," ANY, .at = at_, .about = "By client net." },         \
		{ "asn", take_asn, .say = "an AS number," ANY, .at = at_,                       \
			.about = "By AS number." },                                             \
		{ "city", take_city, .say = "the English name of a city," ANY, .at = at_,       \
			.about = "By city, as the GeoIP file has it." },                        \
		{ "region", take_region, .say = "a region such as US-CA," ANY, .at = at_,       \
			.about = "By region." },                                                \
		{ "country", take_country, .say = "a country," ANY, .at = at_,                  \
			.about = "By country." },                                               \
		{ "continent", take_continent, .say = "a continent," ANY, .at = at_,            \
			.about = "By continent." },                                             \
		{ "clients", take_clients, .say = "the name of a class of \"clients\"," ANY,    \
			.at = at_, .about = "By class." },                                      \
		{ "resolver", take_resolver, .say = "a net," ANY, .at = at_,                    \
			.about = "By the address that the query comes from." },                 \
		{ "via", take_via, .say = "udp, tcp, tls, https or quic," ANY, .at = at_,             \
			.about = "By what the query comes over." },                             \
		{ "type", take_type, .say = "A or AAAA," ANY, .at = at_,                        \
			.about = "By the addresses that are asked for. A question for a "       \
				 "service is one for both." },                                  \
	{                                                                                       \
		"during", take_during,                                                          \
			.say = "hours such as \"Mon-Fri 08:00-18:00 Europe/Berlin\"," ANY,      \
			.at = at_,                                                              \
			.about = "By the time: days, hours or both, and the time zone where "   \
				 "it is not UTC."                                               \
	}

const struct key schema_unless_keys[] = { WHEN_KEYS(0), { 0 } };

static void take_not(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct rule *rule = to;
	struct text inner = { 0 };

	if (!keys_is_map(r, value, key->name))
		return;
	rule->unless.say = &inner;
	keys_read(r, schema_unless_keys, value, key->name, &rule->unless);
	if (!value->n)
		parse_error(r->src, value, "there is no condition in here; write one");
	text_addf(&rule->say, "%snot (%s)", rule->say.len ? ", " : "", text_get(&inner));
	text_fini(&inner);
}

static void take_only(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	option_switch(r, key, value, &((struct rule *)to)->out.only);
}

/* Is it no edge, and nearer to a word that stands for none than to any edge? Then it is told. */
static bool is_near_nobody(struct reader *r, const struct node *value)
{
	static const char *const words[] = { "nobody", "refused" };
	unsigned at;

	if (value->kind != NODE_SCALAR || known_find(&r->edges, value->text, &at) ||
		known_nearest(&r->edges, value->text))
		return false;
	const struct known known = known_new(r->scratch, words, 2);
	const char *near = known_nearest(&known, value->text);
	char shown[OPTION_SHOWN];
	option_shown(shown, value->text);
	return near &&
		!parse_error(r->src, value, "there is no edge \"%s\"; did you mean \"%s\"?", shown, near);
}

static void take_to(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct rule *rule = to;
	struct pool_pin *pin = &rule->out.to;

	rule->has_to = true;
	if (value->kind == NODE_SCALAR && (strcmp(value->text, "nobody") == 0 ||
						  strcmp(value->text, "refused") == 0)) {
		rule->out.nobody = true;
		rule->out.refused = *value->text == 'r';
		return;
	}
	if (schema_pin_pool(r, value, pin) || is_near_nobody(r, value))
		return;
	const struct schema_edges list = schema_edge_list(r, key, value, rule->pool);
	pin->edges = list.edges;
	pin->n = list.n;
	rule->skipped = list.skipped;
}

const struct key schema_pin_rule_keys[] = {
	WHEN_KEYS(offsetof(struct rule, when)),
	{ "not", take_not, .say = "a mapping of conditions",
		.about = "Not for clients of whom all of these hold.", .keys = schema_unless_keys },
	{ "to", take_to, .say = "edges, a pool, nobody or refused",
		.about = "What these clients get: edges, in this order; a pool; nobody: no address; "
			 "refused: REFUSED, with the extended error Prohibited." },
	{ "only", take_only, .say = "on or off",
		.about = "They never get anything else. When none of it is up, these edges answer as "
			 "if all were; a pool answers by its all-down rule.",
		.otherwise = "off: the next rule or pin has the client, or the policy" },
	{ 0 },
};

static void read_rule(struct reader *r, const struct node *item, struct schema_pool *pool)
{
	struct rule rule = { .pool = pool };
	struct pool_rule *out = &rule.out;

	if (item->kind == NODE_BAD || !keys_is_map(r, item, "a rule"))
		return;
	rule.when.say = &rule.say;
	rule.out.to = (struct pool_pin){ .kind = PIN_RULE,
		.source = item->file,
		.line = item->line,
		.column = item->column };
	keys_read(r, schema_pin_rule_keys, item, "this rule", &rule);
	if (!rule.has_to)
		parse_error(r->src, item, "this rule has no \"to\"; write for example: to: ams1");
	out->when = rule.when.w;
	out->when.conds = rule.when.conds;
	out->when.resolvers = rule.when.resolvers;
	out->when.clients = rule.when.clients;
	out->unless = rule.unless.w;
	out->unless.conds = rule.unless.conds;
	out->unless.resolvers = rule.unless.resolvers;
	out->unless.clients = rule.unless.clients;
	if (out->nobody)
		text_addf(&rule.say, "%s%s", rule.say.len ? ": " : "",
			out->refused ? "refused" : "nobody");
	else if (out->only)
		text_add(&rule.say, "; only");
	out->to.code = arena_strdup(r->mem, text_get(&rule.say));
	text_fini(&rule.say);
	if (out->nobody || out->to.to_pool || out->to.n || rule.skipped)
		pool->rules[pool->opts.n_rules++] = *out;
}

void schema_pin_rules(struct reader *r, const struct node *list, struct schema_pool *pool)
{
	pool->rules = arena_alloc(r->mem, list->n * sizeof *pool->rules);
	pool->rule_nodes = arena_alloc(r->scratch, list->n * sizeof *pool->rule_nodes);
	for (const struct node *i = list->first; i && !faults_full(r->src->faults); i = i->next) {
		pool->rule_nodes[pool->opts.n_rules] = i;
		read_rule(r, i, pool);
	}
	pool->opts.rules = pool->rules;
}
