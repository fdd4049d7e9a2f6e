#include "conf/schema.h"

#include "conf/host_name.h"
#include "conf/option.h"
#include "steer/template.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum { EDGE_NAME_MOST = 64, ADDRESSES_MOST = 256 };

/* --- at ----------------------------------------------------------------------------------- */

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " ");
}

/* "lat,lon", spaces where people put them. */
static bool parse_place(const char *text, double *lat, double *lon)
{
	const char *s;

	if (!option_decimal(skip_spaces(text), true, lat, &s))
		return false;
	s = skip_spaces(s);
	if (*s != ',' || !option_decimal(skip_spaces(s + 1), true, lon, &s))
		return false;
	return !*skip_spaces(s);
}

/* [ lat, lon ] */
static bool parse_place_list(const struct node *list, double *lat, double *lon)
{
	const char *lat_end, *lon_end;

	if (list->n != 2 || list->first->kind != NODE_SCALAR ||
		list->first->next->kind != NODE_SCALAR)
		return false;
	return option_decimal(list->first->text, true, lat, &lat_end) && !*lat_end &&
		option_decimal(list->first->next->text, true, lon, &lon_end) && !*lon_end;
}

static void take_place(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *edge = to;
	double lat, lon;
	const char *end;

	if (value->kind == NODE_SCALAR ? !parse_place(value->text, &lat, &lon)
				       : !parse_place_list(value, &lat, &lon)) {
		if (value->kind == NODE_SCALAR && !value->quoted &&
			option_decimal(value->text, true, &lat, &end) && !*end)
			parse_error(r->src, value,
				"\"at\" must be %s; a comma inside { } needs the quotes",
				key->say);
		else
			option_wrong(r, key, value);
	} else if (lat < -90 || lat > 90) {
		parse_error(r->src, value,
			"a latitude is from -90 to 90, not %g (latitude comes first, then "
			"longitude)",
			lat);
	} else if (lon < -180 || lon > 180) {
		parse_error(r->src, value, "a longitude is from -180 to 180, not %g", lon);
	} else {
		edge->placed = true;
		edge->lat = lat;
		edge->lon = lon;
	}
}

/* --- a, aaaa ------------------------------------------------------------------------------ */

static bool take_address(struct reader *r, const struct key *key, const struct node *item,
	bool v4, struct addr *to)
{
	char shown[OPTION_SHOWN];
	const char *text;

	if (item->kind == NODE_MAP)
		return parse_error(r->src, item,
			"\"%s\" must be %s; an address with \":\" at its end needs quotes",
			key->name, key->say);
	text = option_scalar(r, key, item);
	if (!text)
		return false;
	option_shown(shown, text);
	if (!addr_parse(to, text))
		return parse_error(r->src, item, "\"%s\" is not an %s address", shown,
			v4 ? "IPv4" : "IPv6");
	if (v4 != !strchr(text, ':'))
		return parse_error(r->src, item, "%s is an %s address; it belongs under \"%s\"",
			shown, v4 ? "IPv6" : "IPv4", v4 ? "aaaa" : "a");
	if (!v4 && addr_is_v4(to))
		return parse_error(r->src, item,
			"%s is an IPv4 address written as IPv6; it belongs under \"a\"", shown);
	return true;
}

static size_t take_addresses(struct reader *r, const struct key *key, const struct node *value,
	bool v4, const struct addr **to)
{
	size_t n = 0;

	if (!option_is_list(r, key, value, ADDRESSES_MOST))
		return 0;
	struct addr *list = arena_alloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		size_t twin = 0;
		if (!take_address(r, key, i, v4, &list[n]))
			continue;
		while (twin < n && memcmp(&list[twin], &list[n], sizeof *list) != 0)
			twin++;
		if (twin < n)
			parse_error(r->src, i, "this address is here twice; take one out");
		else
			n++;
	}
	*to = list;
	return n;
}

void schema_a(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *edge = to;

	edge->n_a = take_addresses(r, key, value, true, &edge->a);
}

void schema_aaaa(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *edge = to;

	edge->n_aaaa = take_addresses(r, key, value, false, &edge->aaaa);
}

/* --- the rest of an edge ------------------------------------------------------------------ */

void schema_cname(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	uint8_t name[NAME_MOST];
	const size_t len = schema_name(r, key, value, name);

	if (len == 1) /* the root is no host */
		option_wrong(r, key, value);
	else if (len)
		*(const uint8_t **)to = arena_memdup(r->mem, name, len);
}

/* --- where probes ask --------------------------------------------------------------------- */

static bool take_point(struct reader *r, const struct key *key, const struct node *item,
	struct edge_point *to)
{
	const char *text = option_scalar(r, key, item);
	char shown[OPTION_SHOWN];
	struct host_name h;
	struct fault why;

	if (!text)
		return false;
	if (!host_name_parse(&h, text, true, &why))
		return parse_error(r->src, item, "\"%s\" must be %s, not \"%s\": %s", key->name,
			key->say, option_shown(shown, text), why.text);
	to->port = (uint16_t)h.port;
	if (!addr_parse(&to->addr, h.name)) {
		to->addr = (struct addr){ { 0 } };
		to->name = arena_strdup(r->mem, h.name);
	}
	return true;
}

void schema_points(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct edge_opts *edge = to;
	size_t n = 0;

	if (value->kind == NODE_SCALAR && strcasecmp(value->text, "off") == 0) {
		edge->unprobed = true;
		return;
	}
	if (!option_is_list(r, key, value, EDGE_POINTS_MOST))
		return;
	struct edge_point *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		n += take_point(r, key, i, &list[n]);
	edge->points = list;
	edge->n_points = n;
}

/* One for each address, or one for all. */
void schema_check_points(
	const struct reader *r, const struct node *node, const struct edge_opts *edge)
{
	const struct node *points = parse_get(node, "probe-address");
	const size_t addresses = edge->n_a + edge->n_aaaa;

	if (addresses && edge->n_points > 1 && edge->n_points != addresses)
		parse_error(r->src, points,
			"\"probe-address\" has %zu entries and the edge %zu addresses; write one "
			"for all of them, or one for each (those of \"a\" first)",
			edge->n_points, addresses);
}

static void take_edge_probe(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	unsigned number;

	if (schema_probe_find(r, key, value, &number))
		((struct edge_opts *)to)->probe = number + 1;
}

/* --- bias, cost --------------------------------------------------------------------------- */

void schema_bias(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	const bool minus = text && *text == '-';
	uint64_t whole;

	if (!text)
		return;
	if (option_whole(text + minus, &whole) && whole <= EDGE_BIAS_MOST)
		*(int32_t *)to = minus ? -(int32_t)whole : (int32_t)whole;
	else
		option_wrong(r, key, value);
}

static void schema_cost(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *end;
	double v;

	if (text && option_decimal(text, false, &v, &end) && !*end && v <= 1e6)
		*(double *)to = v;
	else if (text)
		option_wrong(r, key, value);
}

/* Whatever the fields of its cname stand for: what is unknown is the longest. */
void schema_check_template(
	const struct reader *r, const struct node *node, const struct edge_opts *edge)
{
	const struct node *cname = parse_get(node, "cname"), *flatten = parse_get(node, "flatten");
	uint8_t made[NAME_MOST];
	struct fault why;

	if (edge->cname &&
		!template_expand(edge->cname, &(struct template_of){ .edge = edge->name }, made, &why))
		parse_error(r->src, cname ? cname : parse_get(node, "records"), "\"cname\": %s",
			why.text);
	if (edge->flatten && template_is(edge->flatten))
		parse_error(r->src, flatten,
			"a name that is flattened is the same for all clients: it has no fields");
}

/* --- state, and all together -------------------------------------------------------------- */

static void take_state(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && !edge_state_parse(to, text))
		option_wrong(r, key, value);
}

#define AT(field) .at = offsetof(struct edge_opts, field)

const struct key schema_edge_keys[] = {
	{ "at", take_place, .say = "latitude and longitude, such as \"52.37,4.90\"",
		.about = "Where the edge is, in degrees.",
		.otherwise = "needed in nearest pools, unless there is a latency section" },
	{ "a", schema_a, .say = "an IPv4 address or a list of them",
		.about = "The IPv4 addresses that clients get.", .otherwise = "none" },
	{ "aaaa", schema_aaaa, .say = "an IPv6 address or a list of them",
		.about = "The IPv6 addresses that clients get.", .otherwise = "none" },
	{ "cname", schema_cname, .say = "a domain name, such as edge.example.net", AT(cname),
		.about = "The name to answer with, for an edge without addresses. %{edge}, "
			 "%{continent}, %{country}, %{region}, %{city} and %{asn} in it stand for the "
			 "edge and where the client is.",
		.otherwise = "none" },
	{ "flatten", schema_cname, .say = "a domain name, such as cdn.example.net", AT(flatten),
		.about = "The edge has the addresses of this name, which is resolved in the "
			 "background (section resolver): for names that cannot be a CNAME, such as "
			 "an apex. It has none of its own then.",
		.otherwise = "none" },
	{ "records", schema_records,
		.say = "a record as in a zone file, such as \"MX 10 mx1.example.\", or a list of "
		       "them",
		.about = "What else the edge is answered with, of any type: names with an EDGE "
			 "answer MX, TXT, SRV, HTTPS and others by the same choice. Names are "
			 "whole, with or without the dot at their end. They go before what the "
			 "pool's https and svcb make. A CNAME stands alone, and is the same as "
			 "cname.",
		.otherwise = "none" },
	{ "probe-address", schema_points,
		.say = "an address or a name, perhaps with a port, a list of them, or off",
		.about = "Where probes ask instead of the addresses that are answered with, "
			 "perhaps with another port: one for all of them, or a list of one for "
			 "each (those of a first). Names are resolved as the system does. off: "
			 "no probe asks the edge.",
		.otherwise = "its addresses; of an edge with only a cname, what that leads to" },
	{ "probe", take_edge_probe, .say = SCHEMA_PROBE_WHICH,
		.about = "How the edge is probed in all pools, instead of by the pool's probe. none: "
			 "it is not, and is as you say.",
		.otherwise = "the pool's" },
	{ "needs", schema_needs, .say = "the name of an edge, or a list of them",
		.about = "Edges without which this one is down: an uplink, a power feed, the site's "
			 "balancer. Each is up by its own probe, and as you say. It may be there for "
			 "that alone, with a probe-address and no address for clients.",
		.otherwise = "none" },
	{ "weight", option_number, .say = "a number from 0 to 65535", AT(weight), .least = 0,
		.most = EDGE_WEIGHT_MOST,
		.about = "The edge's share in weighted pools. 0 is chosen only when "
			 "nothing else is left.",
		.otherwise = "1" },
	{ "bias", schema_bias, .say = "a whole number from -99 to 99", AT(bias),
		.about = "In nearest pools: over 0 the edge counts as that many percent nearer in "
			 "time; below 0 its time is divided by what the bias leaves of 1 (-50: "
			 "twice as far).",
		.otherwise = "0" },
	{ "cost", schema_cost, .say = "a number from 0 to 1000000", AT(cost),
		.about = "What using the edge costs, in any unit. Counts in nearest pools with "
			 "cost.",
		.otherwise = "0" },
	{ "capacity", schema_capacity,
		.say = "a number over 0, of what its probes tell as load, or of queries a "
		       "second",
		AT(capacity),
		.about = "How much the edge bears, in what its probes tell as load, or "
			 "else in answers a second from this server.",
		.otherwise = "no limit" },
	{ "load", keys_section, .keys = schema_load_keys,
		.about = "The edge's own watermarks. Needs capacity.",
		.otherwise = "as balance has it" },
	{ "slow-start", option_duration_ms, .say = "a duration from 1s to 1d",
		AT(slow_start_ms), .least = 1000, .most = 86400000,
		.about = "Once the edge is up again its share of clients grows for so "
			 "long.",
		.otherwise = "as balance has it" },
	{ "state", take_state, .say = "up, down or drain", AT(state),
		.about = "What the configuration says of the edge. waymarkctl force goes "
			 "before it. drain takes clients away bit by bit (balance: "
			 "drain).",
		.otherwise = "up" },
	{ 0 },
};

static void check_name(const struct reader *r, const struct node *key)
{
	char shown[OPTION_SHOWN];
	const char *name = key->text;

	for (const char *s = name; *s; s++) {
		const bool plain = isalnum((unsigned char)*s) && (unsigned char)*s < 0x80;
		if (plain || (s > name && strchr("_-.", *s)))
			continue;
		parse_error(r->src, key,
			"\"%s\" is no name for an edge: it starts with a letter or digit, and "
			"has "
			"only those and \"-\", \"_\" and \".\" in it",
			option_shown(shown, name));
		return;
	}
	if (!*name || strlen(name) > EDGE_NAME_MOST)
		parse_error(r->src, key, "the name of an edge has 1 to %d characters",
			EDGE_NAME_MOST);
}

/* Keys are looked for in the tree: a faulty address is a fault of its own, but it is there. */
static void check_reachable(const struct reader *r, const struct node *edge)
{
	const struct node *cname = parse_get(edge, "cname");
	const bool addresses = parse_get(edge, "a") || parse_get(edge, "aaaa"),
		   records = parse_get(edge, "records");
	const struct node *flatten = parse_get(edge, "flatten");
	char shown[OPTION_SHOWN];

	if (flatten && (addresses || cname))
		parse_error(r->src, flatten->key,
			"an edge that flattens a name has no addresses and no cname of its own; take "
			"them out, or make two edges");
	else if (!addresses && !cname && !records && !flatten &&
		!parse_get(edge, "probe-address"))
		parse_error(r->src, edge->key,
			"edge %s has no address; give it \"a\", \"aaaa\", \"cname\", \"flatten\" or \"records\"",
			option_shown(shown, edge->key->text));
	else if (addresses && cname)
		parse_warning(r->src, cname->key,
			"this is not used: edge %s has addresses, and they come first",
			option_shown(shown, edge->key->text));
}

static void read_edge(struct reader *r, const struct node *node, struct edge_opts *edge)
{
	char shown[OPTION_SHOWN], where[OPTION_SHOWN + 8] = "edge ";

	edge->weight = 1;
	edge->state = EDGE_UP;
	edge->slow_start_ms = UINT_MAX;
	check_name(r, node->key);
	if (node->kind == NODE_BAD)
		return;
	strcat(where, option_shown(shown, edge->name));
	if (!keys_has_value(r, node) || !keys_is_map_as(r, node, where, "a: 192.0.2.10"))
		return;
	keys_read(r, schema_edge_keys, node, where, edge);
	check_reachable(r, node);
	schema_check_points(r, node, edge);
	schema_check_template(r, node, edge);
	schema_check_records(r, node, edge);
	schema_check_load(r, node, edge);
}

void schema_edges(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	size_t n = 0;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > EDGES_MOST)
		parse_error(
			r->src, value->key, "%zu edges; %d are allowed", value->n, EDGES_MOST);
	c->n_edges = value->n < EDGES_MOST ? value->n : EDGES_MOST;
	c->edges = arena_zalloc(r->mem, c->n_edges * sizeof *c->edges);
	r->edge_nodes = arena_zalloc(r->scratch, c->n_edges * sizeof *r->edge_nodes);
	const char **names = arena_alloc(r->scratch, c->n_edges * sizeof *names);
	for (const struct node *e = value->first; e && n < c->n_edges; e = e->next, n++) {
		names[n] = c->edges[n].name = arena_strdup(r->mem, e->key->text);
		r->edge_nodes[n] = e;
	}
	r->edges = known_new(r->scratch, names, n);
	for (size_t i = 0; i < n && !faults_full(r->src->faults); i++)
		read_edge(r, r->edge_nodes[i], &c->edges[i]);
	schema_check_needs(r);
	schema_check_record_types(r);
}

bool schema_find(const struct reader *r, const struct schema_names *names,
	const struct node *name, unsigned *number)
{
	const char *text = option_scalar(r, names->key, name);
	char shown[OPTION_SHOWN];

	if (!text)
		return false;
	if (known_find(names->known, text, number))
		return true;
	const char *near = faults_full(r->src->faults) ? NULL
						       : known_nearest(names->known, text);
	option_shown(shown, text);
	if (near)
		return parse_error(r->src, name, "there is no %s \"%s\"; did you mean \"%s\"?",
			names->one, shown, near);
	return parse_error(r->src, name, "there is no %s \"%s\"; write it under \"%s\" first",
		names->one, shown, names->section);
}

bool schema_edge_find(const struct reader *r, const struct key *key, const struct node *name,
	unsigned *number)
{
	return schema_find(
		r, &(struct schema_names){ key, &r->edges, "edge", "edges" }, name, number);
}
