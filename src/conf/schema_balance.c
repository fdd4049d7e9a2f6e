/* schema_balance.c - how much edges bear, and how they come and go: of an edge capacity and
 * load, and the section balance with what holds for all that say nothing.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <limits.h>
#include <string.h>

void schema_capacity(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *end;
	double v;

	if (!text)
		return;
	if (option_decimal(text, false, &v, &end) && !*end && v > 0 && v <= 1e15)
		*(double *)to = v;
	else
		option_wrong(r, key, value);
}

#define SHARE "a share of the capacity from 1% to 100%"

const struct key schema_load_keys[] = {
	{ "low", option_share, .say = SHARE, .least = 1, .most = 100, .at = offsetof(struct edge_opts, low),
		.about = "From this share of its capacity on the edge sheds a growing "
			 "part of its clients.",
		.otherwise = "as balance has it" },
	{ "high", option_share, .say = SHARE, .least = 1, .most = 100, .at = offsetof(struct edge_opts, high),
		.about = "From this share on it sheds all that is new.",
		.otherwise = "as balance has it" },
	{ 0 },
};

void schema_check_load(
	const struct reader *r, const struct node *node, const struct edge_opts *edge)
{
	const struct node *load = parse_get(node, "load");

	if (load && edge->capacity <= 0 && !parse_get(node, "capacity"))
		parse_error(r->src, load->key, "\"load\" needs \"capacity\" beside it");
}

static void take_drain(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && strcmp(text, "ttl") == 0)
		*(unsigned *)to = UINT_MAX;
	else if (text)
		option_duration_ms(r, key, value, to);
}

#define AT(field) .at = offsetof(struct conf_balance, field)

const struct key schema_balance_keys[] = {
	{ "every", option_duration_ms, .say = "a duration from 1s to 10m", AT(every_ms),
		.least = 1000, .most = 600000,
		.about = "How often demand and load are looked at.", .otherwise = "5s" },
	{ "low", option_share, .say = SHARE, .least = 1, .most = 100, AT(low),
		.about = "The low watermark of edges that have none of their own.",
		.otherwise = "80%" },
	{ "high", option_share, .say = SHARE, .least = 1, .most = 100, AT(high),
		.about = "The high watermark of edges that have none of their own.",
		.otherwise = "95%" },
	{ "slow-start", option_duration_ms, .say = "a duration up to 1d", AT(slow_start_ms),
		.most = 86400000,
		.about = "The slow start of edges that have none of their own.",
		.otherwise = "0s" },
	{ "drain", take_drain, .say = "ttl, or a duration up to 1d", AT(drain_ms),
		.most = 86400000,
		.about = "A drained edge gives its clients away over so long. ttl is the "
			 "longest ttl maximum of its pools (60s where there is none), at "
			 "most 5 minutes. 0s is at once.",
		.otherwise = "ttl" },
	{ 0 },
};

void schema_balance_defaults(struct conf_balance *to)
{
	*to = (struct conf_balance){
		.every_ms = 5000, .low = 0.8, .high = 0.95, .drain_ms = UINT_MAX
	};
}

void schema_balance(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (keys_is_map(r, value, key->name))
		keys_read(r, schema_balance_keys, value, key->name,
			&((struct conf *)to)->balance);
}

/* Low is below high, wherever the two come from. */
static void check_marks(
	const struct reader *r, const struct edge_opts *e, const struct node *node)
{
	char shown[OPTION_SHOWN];

	if (e->low >= e->high)
		parse_error(r->src, node->key,
			"edge %s sheds from %g%% of its capacity on, and from %g%% on all that "
			"is "
			"new: the first must be less",
			option_shown(shown, e->name), e->low * 100, e->high * 100);
}

void schema_balance_edges(const struct reader *r)
{
	struct conf *c = r->conf;
	const struct conf_balance *b = &c->balance;

	for (size_t i = 0; i < c->n_edges; i++) {
		struct edge_opts *e = &c->edges[i];
		e->low = e->low > 0 ? e->low : b->low;
		e->high = e->high > 0 ? e->high : b->high;
		if (e->slow_start_ms == UINT_MAX)
			e->slow_start_ms = b->slow_start_ms;
		if (e->capacity > 0 && r->edge_nodes[i])
			check_marks(r, e, r->edge_nodes[i]);
	}
}
