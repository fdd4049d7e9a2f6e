/* schema_needs.c - needs: edges without which an edge is down.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

enum { NEEDS_MOST = 16 };

void schema_needs(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *edge = to;
	unsigned number;

	if (!option_is_list(r, key, value, NEEDS_MOST))
		return;
	uint16_t *list = arena_alloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		if (i->kind != NODE_BAD && schema_edge_find(r, key, i, &number))
			list[edge->n_needs++] = (uint16_t)number;
	edge->needs = list;
}

struct walk {
	struct reader *r;
	uint8_t *state; /* [edge] 0 not met, 1 on the way, 2 done */
	uint16_t *way;
	size_t deep;
};

static const struct node *node_of(const struct walk *w, size_t edge)
{
	return parse_get(w->r->edge_nodes[edge], "needs");
}

static void tell_circle(const struct walk *w, uint16_t edge)
{
	const struct edge_opts *edges = w->r->conf->edges;
	struct text chain = { 0 };
	char shown[OPTION_SHOWN];
	size_t i = w->deep;

	while (i && w->way[i - 1] != edge)
		i--;
	for (i = i ? i - 1 : 0; i < w->deep; i++)
		text_addf(&chain, "%s -> ", option_shown(shown, edges[w->way[i]].name));
	parse_error(w->r->src, node_of(w, w->way[w->deep - 1]),
		"edges that need each other in a circle: %s%s", text_get(&chain),
		option_shown(shown, edges[edge].name));
	text_fini(&chain);
}

/* False: there is a circle, and it is told. */
static bool walk_from(struct walk *w, uint16_t edge)
{
	const struct edge_opts *e = &w->r->conf->edges[edge];
	bool ok = true;

	if (w->state[edge] == 2)
		return true;
	if (w->state[edge] == 1) {
		tell_circle(w, edge);
		return false;
	}
	w->state[edge] = 1;
	w->way[w->deep++] = edge;
	for (size_t i = 0; i < e->n_needs && ok; i++)
		ok = walk_from(w, e->needs[i]);
	w->deep--;
	w->state[edge] = 2;
	return ok;
}

/* What is needed and never looked at is down only when somebody says so. */
static void check_looked_at(const struct reader *r, size_t edge, uint8_t *told)
{
	const struct edge_opts *edges = r->conf->edges, *e = &edges[edge];
	char shown[OPTION_SHOWN], need[OPTION_SHOWN];

	for (size_t i = 0; i < e->n_needs; i++) {
		if (edges[e->needs[i]].probe || told[e->needs[i]])
			continue;
		told[e->needs[i]] = 1;
		parse_warning(r->src, parse_get(r->edge_nodes[edge], "needs"),
			"edge %s needs %s, which has no \"probe\" of its own: it is down only when you "
			"say so",
			option_shown(shown, e->name), option_shown(need, edges[e->needs[i]].name));
	}
}

void schema_check_needs(struct reader *r)
{
	const size_t n = r->conf->n_edges;
	struct walk w = { r, arena_zalloc(r->scratch, n),
		arena_alloc(r->scratch, n * sizeof *w.way), 0 };
	uint8_t *told = arena_zalloc(r->scratch, n);

	for (size_t i = 0; i < n; i++)
		if (!walk_from(&w, (uint16_t)i)) {
			for (size_t k = 0; k < n; k++)
				r->conf->edges[k].n_needs = 0; /* nobody walks in circles */
			return;
		}
	for (size_t i = 0; i < n; i++)
		check_looked_at(r, i, told);
}

bool schema_answers(const struct reader *r, unsigned edge)
{
	const struct node *node = r->edge_nodes[edge];

	return !node || node->kind != NODE_MAP || parse_get(node, "a") || parse_get(node, "aaaa") ||
		parse_get(node, "cname") || parse_get(node, "records") ||
		parse_get(node, "flatten") ||
		!parse_get(node, "probe-address");
}
