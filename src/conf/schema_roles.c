/* schema_roles.c - members that have addresses, records or capacity of their own: one edge, in another
 * role.
 *
 * Each becomes an edge behind all others, called EDGE@POOL, which has what it does not say from the
 * edge that it is: place, cost, state, needs. Operators go on to say what holds of the edge, and what
 * is measured of it holds for its roles.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum { ROLE_NAME_MOST = 255 };

void schema_role_capacity(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *e = to;
	const char *text = option_scalar(r, key, value), *unit;
	double v;

	if (!text)
		return;
	if (option_decimal(text, false, &v, &unit) && !*unit && v > 0 && v <= 1e15)
		e->capacity = v;
	else if (!option_percent(text, DBL_MIN, 100, &e->capacity_share))
		option_wrong(r, key, value);
}

bool schema_is_role(const struct node *member)
{
	static const char *const own[] = { "a", "aaaa", "cname", "records", "probe-address",
		"capacity" };

	for (size_t i = 0; member->kind == NODE_MAP && i < sizeof own / sizeof *own; i++)
		if (parse_get(member, own[i]))
			return true;
	return false;
}

void schema_roles_room(struct reader *r, const struct node *pools)
{
	struct conf *c = r->conf;
	size_t n = 0;

	for (const struct node *p = pools->first; p; p = p->next) {
		const struct node *edges = p->kind == NODE_MAP ? parse_get(p, "edges") : NULL;
		for (const struct node *i = edges ? option_first(edges) : NULL; i;
			i = option_next(edges, i))
			n += schema_is_role(i);
	}
	if (!n)
		return;
	struct edge_opts *edges = arena_zalloc(r->mem, (c->n_edges + n) * sizeof *edges);
	const struct node **nodes = arena_zalloc(r->scratch, (c->n_edges + n) * sizeof *nodes);
	memcpy(edges, c->edges, c->n_edges * sizeof *edges);
	memcpy(nodes, r->edge_nodes, c->n_edges * sizeof *nodes);
	c->edges = edges;
	r->edge_nodes = nodes;
}

unsigned schema_origin(const struct reader *r, unsigned edge)
{
	const unsigned of = r->conf->edges[edge].role_of;

	return of ? of - 1 : edge;
}

unsigned schema_edge_in(const struct reader *r, const struct schema_pool *p, unsigned edge)
{
	for (size_t i = 0; i < p->opts.n; i++)
		if (schema_origin(r, p->opts.edges[i]) == edge)
			return p->opts.edges[i];
	for (size_t i = 0; i < p->opts.n_skipped; i++)
		if (!p->skipped[i].is_pool && schema_origin(r, p->skipped[i].number) == edge)
			return p->skipped[i].number;
	return edge;
}

/* --- one role ----------------------------------------------------------------------------- */

/* What cannot stand together; the rest is told as of an edge. */
static bool fits(
	const struct reader *r, const struct node *item, const struct edge_opts *of, const struct edge_opts *own)
{
	const struct node *capacity = parse_get(item, "capacity"), *cname = parse_get(item, "cname"),
			  *records = parse_get(item, "records");
	const bool addresses = parse_get(item, "a") || parse_get(item, "aaaa");
	char shown[OPTION_SHOWN];

	if (own->capacity_share > 0 && of->capacity <= 0)
		return parse_error(r->src, capacity,
			"edge %s has no capacity to take a share of; give it \"capacity\", or write "
			"a number here",
			option_shown(shown, of->name));
	if (cname && addresses)
		return parse_error(r->src, cname->key,
			"a member has addresses or a cname of its own, not both; take one out");
	if (own->n_records && of->cname && !of->n_a && !of->n_aaaa && !addresses)
		return parse_error(r->src, records->key,
			"a CNAME stands alone (RFC 1034 section 3.6.2), and edge %s is one; give the "
			"member addresses of its own, too",
			option_shown(shown, of->name));
	return true;
}

static const char *name_of(struct reader *r, const struct schema_pool *p, const struct node *item,
	const struct edge_opts *of)
{
	char name[ROLE_NAME_MOST + 1];

	if (snprintf(name, sizeof name, "%s@%s", of->name, p->opts.name) > ROLE_NAME_MOST) {
		parse_error(r->src, item,
			"with what it has of its own this member is called EDGE@POOL, in at most %d "
			"bytes; give the pool a shorter name",
			ROLE_NAME_MOST);
		return NULL;
	}
	return arena_strdup(r->mem, name);
}

/* What it answers with; what is not said is the edge's. */
static void fill_answers(
	struct edge_opts *e, const struct node *item, const struct edge_opts *own)
{
	if (parse_get(item, "a") || parse_get(item, "aaaa") || own->cname) {
		e->a = own->a;
		e->n_a = own->n_a;
		e->aaaa = own->aaaa;
		e->n_aaaa = own->n_aaaa;
		e->cname = own->cname;
		e->flatten = NULL;
		e->points = NULL;
		e->n_points = 0;
	}
	if (own->cname || parse_get(item, "records")) {
		e->records = own->records;
		e->n_records = own->n_records;
	}
	if (parse_get(item, "probe-address")) {
		e->points = own->points;
		e->n_points = own->n_points;
		e->unprobed = own->unprobed;
	}
}

bool schema_role_make(struct reader *r, const struct schema_pool *p, struct schema_member *m,
	const struct edge_opts *own)
{
	struct conf *c = r->conf;
	const struct node *item = m->node;
	char shown[OPTION_SHOWN];

	if (m->m.is_pool)
		return parse_error(r->src, item,
			"addresses, records and capacity of its own has an edge; write them at the "
			"edges of pool %s",
			option_shown(shown, r->pools_by_number[m->m.number]));
	const struct edge_opts *of = &c->edges[m->m.number];
	const char *name = name_of(r, p, item, of);
	if (!name || !fits(r, item, of, own))
		return false;
	if (c->n_edges == EDGES_MOST)
		return parse_error(r->src, item,
			"%d edges are allowed, with those members that have addresses, records or "
			"capacity of their own",
			EDGES_MOST);
	struct edge_opts *e = &c->edges[c->n_edges];
	*e = *of;
	e->name = name;
	e->role_of = (uint16_t)(m->m.number + 1);
	e->capacity_share = own->capacity_share;
	e->capacity = own->capacity_share > 0 ? own->capacity_share * of->capacity : own->capacity;
	fill_answers(e, item, own);
	schema_check_points(r, item, e);
	schema_check_records(r, item, e);
	if (own->cname)
		schema_check_template(r, item, e);
	if (!parse_get(item, "records") && !schema_hints_agree(e))
		parse_warning(r->src, item,
			"edge %s has HTTPS or SVCB records whose hints are none of the addresses here: "
			"clients may go where A and AAAA do not send them; give this member "
			"\"records\" of its own",
			option_shown(shown, of->name));
	r->edge_nodes[c->n_edges] = r->edge_nodes[m->m.number];
	m->m.number = (uint16_t)c->n_edges++;
	return true;
}
