#include "conf/schema.h"

#include "conf/option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Reads the key of a pin; false when it is wrong, and told. */
typedef bool read_key(struct reader *r, const struct node *key, struct pool_pin *pin);

static bool wrong(const struct reader *r, const struct node *key, const char *say)
{
	char shown[OPTION_SHOWN];

	return parse_error(r->src, key, "\"%s\" is %s", option_shown(shown, key->text), say);
}

static bool is_letters(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z')))
			return false;
	return true;
}

static const char *upper(struct reader *r, const char *text)
{
	char *s = arena_strdup(r->mem, text);

	for (char *c = s; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c & ~0x20);
	return s;
}

static bool read_net(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	struct fault why;

	if (strlen(key->text) >= ADDR_TEXT)
		return wrong(r, key,
			"not an address or prefix (write 192.0.2.0/24 or \"2001:db8::/32\")");
	if (!prefix_parse(&pin->net, key->text, &why))
		return parse_error(r->src, key, "%s", why.text);
	return true;
}

static bool read_asn(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	const char *text = key->text + (strncasecmp(key->text, "AS", 2) == 0 ? 2 : 0);
	uint64_t asn;

	if (!option_whole(text, &asn) || asn < 1 || asn > UINT32_MAX)
		return wrong(r, key, "not an AS number (1 to 4294967295)");
	pin->asn = (uint32_t)asn;
	return true;
}

static bool read_region(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	const char *s = key->text;

	if (strlen(s) < 4 || !is_letters(s, 2) || s[2] != '-')
		return wrong(r, key,
			"not a region (country, \"-\" and what the GeoIP file has: US-CA, "
			"US-California)");
	pin->code = upper(r, s);
	return true;
}

static bool read_country(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	if (strlen(key->text) != 2 || !is_letters(key->text, 2))
		return wrong(r, key, "not a country (two letters of ISO 3166-1, such as NL)");
	pin->code = upper(r, key->text);
	return true;
}

static bool read_continent(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	static const char codes[7][3] = { "AF", "AN", "AS", "EU", "NA", "OC", "SA" };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (strcasecmp(codes[i], key->text) != 0)
			continue;
		pin->code = codes[i];
		return true;
	}
	return wrong(r, key, "not a continent (AF, AN, AS, EU, NA, OC or SA)");
}

static bool read_city(struct reader *r, const struct node *key, struct pool_pin *pin)
{
	if (!*key->text)
		return wrong(r, key, "not a city (its English name, as the GeoIP file has it)");
	pin->code = arena_strdup(r->mem, key->text);
	return true;
}

bool schema_pin_who(struct reader *r, const struct node *said, struct pool_pin *pin)
{
	static read_key *const read[] = {
		[PIN_NET] = read_net,
		[PIN_ASN] = read_asn,
		[PIN_CITY] = read_city,
		[PIN_REGION] = read_region,
		[PIN_COUNTRY] = read_country,
		[PIN_CONTINENT] = read_continent,
	};

	return read[pin->kind](r, said, pin);
}

static void take_pool(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_pin *pin = to;
	unsigned number;

	if (!schema_find(r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, value,
		    &number))
		return;
	pin->to_pool = true;
	pin->pool = (uint16_t)number;
}

static const struct key pool_keys[] = {
	{ "pool", take_pool, .say = "the name of a pool", .needed = "{ pool: NAME }",
		.about = "A pool whose name an edge has, too." },
	{ 0 },
};

/* A pool instead of edges. A name is an edge's before it is a pool's, and so a mapping may say
 * which it is. */
bool schema_pin_pool(struct reader *r, const struct node *value, struct pool_pin *pin)
{
	unsigned number;

	if (value->kind == NODE_MAP) {
		keys_read(r, pool_keys, value, "this pool", pin);
		return true;
	}
	if (value->kind != NODE_SCALAR || known_find(&r->edges, value->text, &number) ||
		!known_find(&r->pools, value->text, &number))
		return false;
	pin->to_pool = true;
	pin->pool = (uint16_t)number;
	return true;
}

/* Takes one mapping of pins of a kind. */
static void take(struct reader *r, const struct key *key, const struct node *map,
	struct schema_pool *pool, enum pool_pin_kind kind)
{
	if (!keys_is_map(r, map, key->name))
		return;
	for (const struct node *n = map->first; n && !faults_full(r->src->faults);
		n = n->next) {
		struct pool_pin *pin = &pool->pins[pool->opts.n_pins];
		*pin = (struct pool_pin){
			.kind = kind,
			.source = n->key->file,
			.line = n->key->line,
			.column = n->key->column
		};
		const bool ok = schema_pin_who(r, n->key, pin);
		if (n->kind == NODE_BAD || !keys_has_value(r, n))
			continue;
		if (schema_pin_pool(r, n, pin)) {
			if (ok)
				pool->pin_nodes[pool->opts.n_pins++] = n->key;
			continue;
		}
		const struct schema_edges list = schema_edge_list(r, key, n, pool);
		pin->edges = list.edges;
		pin->n = list.n;
		if (ok && list.whole)
			pool->pin_nodes[pool->opts.n_pins++] = n->key;
	}
}

static void take_net(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_NET);
}

static void take_asn(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_ASN);
}

static void take_city(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_CITY);
}

static void take_region(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_REGION);
}

static void take_country(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_COUNTRY);
}

static void take_continent(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	take(r, key, value, to, PIN_CONTINENT);
}

static void take_default(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *pool = to;
	struct pool_pin *pin = &pool->pins[pool->opts.n_pins];

	*pin = (struct pool_pin){ .kind = PIN_DEFAULT,
		.source = value->file,
		.line = value->line,
		.column = value->column };
	if (!schema_pin_pool(r, value, pin)) {
		const struct schema_edges list = schema_edge_list(r, key, value, pool);
		pin->edges = list.edges;
		pin->n = list.n;
		if (!list.whole || !list.n)
			return;
	}
	pool->pin_nodes[pool->opts.n_pins++] = value;
}

#define EDGES "the name of an edge or a pool, or a list of edges"

const struct key schema_pin_keys[] = {
	{ "net", take_net, .say = EDGES, .about = "By client net: { 192.0.2.0/24: [ ams1 ] }.",
		.otherwise = "none", .each = "PREFIX" },
	{ "asn", take_asn, .say = EDGES, .about = "By AS number: { 64500: ams1 }.",
		.otherwise = "none", .each = "ASN" },
	{ "city", take_city, .say = EDGES,
		.about = "By city, by its English name as the GeoIP file has it: { Berlin: ber1 }.",
		.otherwise = "none", .each = "CITY" },
	{ "region", take_region, .say = EDGES,
		.about = "By region, as the GeoIP file has it, by code or by name: { "
			 "US-CA: lax1 }.",
		.otherwise = "none", .each = "REGION" },
	{ "country", take_country, .say = EDGES,
		.about = "By country, two letters of ISO 3166-1: { \"NO\": ams1 }. The "
			 "quotes keep NO from being a truth value in other programs.",
		.otherwise = "none", .each = "COUNTRY" },
	{ "continent", take_continent, .say = EDGES,
		.about = "By continent: AF, AN, AS, EU, NA, OC or SA.", .otherwise = "none",
		.each = "CONTINENT" },
	{ "default", take_default, .say = EDGES,
		.about = "Of clients whom no other pin is for, or whose pin is all down.",
		.otherwise = "they go by the policy" },
	{ 0 },
};

static int compare_clients(const struct pool_pin *a, const struct pool_pin *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == PIN_NET) {
		const int d = memcmp(&a->net.addr, &b->net.addr, sizeof a->net.addr);
		return d ? d : (int)a->net.bits - (int)b->net.bits;
	}
	if (a->kind == PIN_CITY)
		return strcasecmp(a->code, b->code);
	if (a->kind == PIN_DEFAULT)
		return 0;
	if (a->kind == PIN_ASN)
		return a->asn < b->asn ? -1 : a->asn > b->asn;
	return strcmp(a->code, b->code);
}

/* In the order of the file where the clients are the same. */
static int compare_pins(const void *va, const void *vb)
{
	const struct pool_pin *a = *(const struct pool_pin *const *)va,
			      *b = *(const struct pool_pin *const *)vb;
	const int d = compare_clients(a, b);

	return d ? d : a < b ? -1 : a > b;
}

/* The same clients in other words: "no" and "NO", 64500 and AS64500. */
static void check_twins(const struct reader *r, const struct schema_pool *pool)
{
	const size_t n = pool->opts.n_pins;
	const struct pool_pin **sorted = arena_alloc(r->scratch, n * sizeof *sorted);

	for (size_t i = 0; i < n; i++)
		sorted[i] = &pool->pins[i];
	qsort(sorted, n, sizeof *sorted, compare_pins);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (compare_clients(sorted[first], sorted[i]) != 0)
			first = i;
		else
			parse_error(r->src, pool->pin_nodes[sorted[i] - pool->pins],
				"these clients are pinned twice (first on line %u); take one "
				"out",
				pool->pin_nodes[sorted[first] - pool->pins]->line);
	}
}

void schema_pins(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_pool *pool = to;
	size_t room = 0;

	if (value->kind == NODE_LIST) {
		schema_pin_rules(r, value, pool);
		return;
	}
	if (!keys_is_map(r, value, key->name))
		return;
	for (const struct node *kind = value->first; kind; kind = kind->next)
		room += kind->kind == NODE_MAP ? kind->n : 1;
	pool->pins = arena_alloc(r->mem, room * sizeof *pool->pins);
	pool->pin_nodes = arena_alloc(r->scratch, room * sizeof *pool->pin_nodes);
	keys_read(r, schema_pin_keys, value, key->name, pool);
	check_twins(r, pool);
	pool->opts.pins = pool->pins;
}
