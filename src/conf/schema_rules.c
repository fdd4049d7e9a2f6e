/* schema_rules.c - who may do what with a zone, and who is told of it: in a zone's entry, or in
 * a template for many.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

enum { NOTIFY_MOST = 4096, TEMPLATES_MOST = 4096, PRIMARIES_MOST = 16 };

/* Peers that are told of changes; "ns" are the zone's own NS. */
static void take_notify(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_rule *rule = to;

	rule->n_notify = 0;
	rule->notify_ns = false;
	if (value->kind == NODE_SCALAR && strcmp(value->text, "none") == 0)
		return;
	if (!option_is_list(r, key, value, NOTIFY_MOST))
		return;
	unsigned *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		if (i->kind == NODE_SCALAR && strcmp(i->text, "ns") == 0)
			rule->notify_ns = true;
		else if (schema_peer_find(r, key, i, &list[rule->n_notify]))
			rule->n_notify++;
	}
	rule->notify = list;
}

/* Where a zone comes from: the first is asked first. Who of them says that there is something new is
 * heard. */
static void take_primary(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_rule *rule = to;

	rule->n_primaries = 0;
	if (!option_is_list(r, key, value, PRIMARIES_MOST))
		return;
	unsigned *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		if (schema_peer_find(r, key, i, &list[rule->n_primaries]))
			rule->n_primaries++;
	rule->primaries = list;
}

static void take_serial(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { [SERIAL_INCREMENT] = "increment",
		[SERIAL_UNIXTIME] = "unixtime", [SERIAL_DATE] = "dateserial", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		((struct conf_rule *)to)->access.serial = (enum policy_serial)word;
}

static void take_write_back(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	enum { KEEP, STORE, SYNC };
	static const char *const words[] = {
		[KEEP] = "keep", [STORE] = "store", [SYNC] = "sync", NULL
	};
	const int word = option_word(r, key, value, words);
	struct conf_rule *rule = to;

	if (word >= 0) {
		rule->stored = word != KEEP || rule->fleet;
		rule->synced = word == SYNC;
	}
}

static void take_fleet(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "off", "on", NULL };
	const int word = option_word(r, key, value, words);
	struct conf_rule *rule = to;

	if (word >= 0)
		rule->fleet = word;
	rule->stored = rule->stored || rule->fleet;
}

const char *schema_fleet_fault(const struct conf *c, const struct conf_rule *rule)
{
	return !rule->fleet   ? NULL
		: !c->fleet     ? "\"fleet: on\" needs a fleet; write for example: fleet: { redis: [ \"redis://127.0.0.1:6379\" ], "
				  "name: prod, secret: \"...\" }"
		: rule->n_primaries ? "a zone that comes from a \"primary\" is changed there, and not by the fleet"
		: rule->zonemd  ? "a zone of the fleet has no \"zonemd\" of its own: take one of the two out"
				: NULL;
}

/* --- zones that begin with nothing -------------------------------------------------------- */

enum { NAMESERVERS_MOST = 64 };

static void take_nameservers(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_rule *rule = to;
	uint8_t name[NAME_MOST];
	size_t n = 0;

	if (!option_is_list(r, key, value, NAMESERVERS_MOST))
		return;
	const uint8_t **list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const size_t len = schema_name(r, key, i, name);
		if (!len)
			continue;
		name_lower(name, name, len);
		list[n++] = arena_memdup(r->mem, name, len);
	}
	rule->nameservers = list;
	rule->n_nameservers = n;
}

/* A mail address: what is in front of its @ is one label (RFC 1035 section 8). */
static void take_contact(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const uint8_t root[1];
	const char *text = option_scalar(r, key, value), *at = text ? strchr(text, '@') : NULL;
	uint8_t name[NAME_MOST];
	size_t len;

	if (!text)
		return;
	const size_t local = at ? (size_t)(at - text) : 0;
	if (!at || !local || local > 63 ||
		name_parse(name, &len, at + 1, strlen(at + 1), root) != NAME_OK ||
		local + 1 + len > NAME_MOST) {
		option_wrong(r, key, value);
		return;
	}
	uint8_t *whole = arena_alloc(r->mem, local + 1 + len);
	whole[0] = (uint8_t)local;
	memcpy(whole + 1, text, local);
	memcpy(whole + 1 + local, name, len);
	((struct conf_rule *)to)->contact = whole;
}

/* --- rules -------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct conf_rule, field)

const struct key schema_rule_keys[] = {
	{ "query", schema_query_access, .say = SCHEMA_WHO, AT(access.query), .about = SCHEMA_QUERY,
		.otherwise = "any" },
	{ "transfer", schema_access, .say = SCHEMA_WHO, AT(access.transfer),
		.about = SCHEMA_TRANSFER, .otherwise = "none" },
	{ "notify", take_notify, .say = SCHEMA_NOTIFY_WHOM, .about = SCHEMA_NOTIFY,
		.otherwise = "none" },
	{ "primary", take_primary, .say = SCHEMA_PRIMARY_WHOM, .about = SCHEMA_PRIMARY,
		.otherwise = "none: the zone has a file" },
	{ "update", schema_update, .say = SCHEMA_UPDATE_WHO, .about = SCHEMA_UPDATE,
		.otherwise = "none", .keys = schema_update_keys, .each = "-" },
	{ "serial", take_serial, .say = "increment, unixtime or dateserial",
		.about = SCHEMA_SERIAL, .otherwise = "increment" },
	{ "fleet", take_fleet, .say = "off or on", .about = SCHEMA_FLEET_ZONE, .otherwise = "off" },
	{ "write-back", take_write_back, .say = "keep, store or sync", .about = SCHEMA_WRITE_BACK,
		.otherwise = "keep" },
	{ "verify", keys_section, .keys = schema_verify_keys, .about = SCHEMA_VERIFY },
	{ "zonemd", schema_zonemd, .say = SCHEMA_ZONEMD_HASH, .about = SCHEMA_ZONEMD, .otherwise = "off" },
	{ "forward-updates", schema_access, .say = SCHEMA_WHO, AT(access.forward),
		.about = SCHEMA_FORWARD, .otherwise = "none" },
	{ "dnssec", schema_dnssec_of, .say = SCHEMA_DNSSEC_WHICH, AT(dnssec), .about = SCHEMA_DNSSEC,
		.otherwise = "off" },
	{ "notify-from", schema_access, .say = SCHEMA_WHO, AT(access.notify),
		.about = SCHEMA_NOTIFY_FROM, .otherwise = "the primaries alone" },
	{ "nameservers", take_nameservers, .say = "a name, or a list of them",
		.about = "The NS of a zone that \"zone add\" begins with nothing else.",
		.otherwise = "none: such a zone needs a file to begin with" },
	{ "contact", take_contact, .say = "a mail address, such as hostmaster@example.net",
		.about = "Whom the SOA of such a zone names.",
		.otherwise = "hostmaster at the zone itself" },
	{ 0 },
};

static void add_rule(struct reader *r, const struct conf_rule *rule)
{
	struct conf *c = r->conf;

	if (c->n_rules == r->rules_room) {
		const size_t room = r->rules_room ? 2 * r->rules_room : 16;
		struct conf_rule *rules = arena_zalloc(r->mem, room * sizeof *rules);
		if (c->n_rules)
			memcpy(rules, c->rules, c->n_rules * sizeof *rules);
		c->rules = rules;
		r->rules_room = room;
	}
	c->rules[c->n_rules++] = *rule;
}

void schema_rules_begin(struct reader *r)
{
	add_rule(r, &(struct conf_rule){ 0 });
}

/* Primaries may tell of changes by their addresses, signed or not (few sign that), and by their keys. */
static void allow_primaries(struct reader *r, struct conf_rule *rule)
{
	struct policy_access *to = &rule->access.notify;
	size_t room = to->n, n = to->n;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += r->conf->peers[rule->primaries[i]].n_at + 1;
	struct policy_allow *list = arena_zalloc(r->mem, room * sizeof *list);
	if (n)
		memcpy(list, to->allow, n * sizeof *list);
	for (size_t i = 0; i < rule->n_primaries; i++) {
		const struct conf_peer *p = &r->conf->peers[rule->primaries[i]];
		const struct conf_peer plain = { .at = p->at, .n_at = p->n_at };
		if (p->key)
			schema_allow_peer(p, list, &n);
		schema_allow_peer(&plain, list, &n);
	}
	to->allow = list;
	to->n = n;
}

/* Has one of its addresses another peer, too? */
static bool share_address(const struct conf_peer *a, const struct conf_peer *b)
{
	for (size_t i = 0; i < a->n_at; i++)
		for (size_t k = 0; k < b->n_at; k++) {
			const struct addr one = addr_from_sockaddr((const struct sockaddr *)&a->at[i].sa),
					  other = addr_from_sockaddr((const struct sockaddr *)&b->at[k].sa);
			if (memcmp(&one, &other, sizeof one) == 0)
				return true;
		}
	return false;
}

/* A peer's key tells who asks. Where another peer has it that gets EDGE records, the address has to tell, too. */
static void allow_plain(struct reader *r, const struct conf_peer *peer, struct policy_allow *list, size_t *n)
{
	const size_t from = *n;
	bool shared = false;

	for (size_t i = 0; i < r->conf->n_peers; i++) {
		const struct conf_peer *other = &r->conf->peers[i];
		if (other->plain || other->key != peer->key)
			continue;
		shared = true;
		if (share_address(peer, other))
			parse_error(r->src, r->plain_node,
				"peers \"%s\" and \"%s\" have the same address and %s, so that nobody can tell which of them asks, and only one of "
				"them gets addresses: give each a key of its own",
				peer->name, other->name, peer->key ? "the same key" : "no key");
	}
	if (!shared || !peer->key) {
		schema_allow_peer(peer, list, n);
		return;
	}
	schema_allow_peer(&(struct conf_peer){ .at = peer->at, .n_at = peer->n_at }, list, n);
	for (size_t i = from; i < *n; i++)
		list[i].key = peer->key;
}

/* Peers that get addresses in the place of EDGE. */
static void find_plain(struct reader *r)
{
	struct conf *c = r->conf;
	struct policy_allow *list;
	size_t n = 0, room = 0;

	if (!r->plain_node)
		return;
	if (!c->store_file)
		parse_error(r->src, r->plain_node,
			"\"edge-as: addresses\" needs a store, since serials must not go back at a "
			"restart; write for example: store: { file: /var/lib/waymark/waymark.db }");
	for (size_t i = 0; i < c->n_peers; i++)
		room += c->peers[i].n_at + 1;
	list = arena_zalloc(r->mem, room * sizeof *list);
	for (size_t i = 0; i < c->n_peers; i++)
		if (c->peers[i].plain)
			allow_plain(r, &c->peers[i], list, &n);
	c->policy.plain = (struct policy_access){ list, n };
}

/* May one of them have such a zone? A peer is known by its key, or by its addresses. */
static bool is_for_plain(const struct conf *c, const struct policy_zone *zone)
{
	for (size_t i = 0; i < c->policy.plain.n; i++) {
		const struct policy_allow *peer = &c->policy.plain.allow[i];
		for (size_t k = 0; k < zone->transfer.n; k++) {
			const struct policy_allow *may = &zone->transfer.allow[k];
			if (may->key ? may->key == peer->key
				     : peer->key || prefix_has(&may->net, &peer->net.addr))
				return true;
		}
	}
	return false;
}

void schema_rules_end(struct reader *r)
{
	struct conf *c = r->conf;
	struct policy_zone *zones = arena_zalloc(r->mem, c->n_rules * sizeof *zones);

	find_plain(r);
	for (size_t i = 0; i < c->n_rules; i++) {
		if (c->rules[i].access.n_update && !c->rules[i].stored)
			c->rules[i].access.n_update = 0; /* told where it is written */
		if (c->rules[i].n_primaries)
			allow_primaries(r, &c->rules[i]);
		zones[i] = c->rules[i].access;
		zones[i].is_secondary = c->rules[i].n_primaries != 0;
		zones[i].plain = is_for_plain(c, &zones[i]);
	}
	c->policy.zones = zones;
}

static void check_template(const struct reader *r, const struct node *t, const struct conf_rule *rule)
{
	const char *why = schema_zonemd_fault(rule);

	if (why)
		parse_error(r->src, parse_get(t, "zonemd")->key, "%s", why);
	else if (schema_fleet_fault(r->conf, rule))
		parse_error(r->src, parse_get(t, "fleet")->key, "%s", schema_fleet_fault(r->conf, rule));
}

void schema_templates(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	(void)to;
	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > TEMPLATES_MOST) {
		parse_error(r->src, value->key, "%zu templates; %d are allowed", value->n,
			TEMPLATES_MOST);
		return;
	}
	const char **names = arena_alloc(r->mem, value->n * sizeof *names);
	size_t n = 0;
	r->conf->first_template = (unsigned)r->conf->n_rules;
	for (const struct node *t = value->first; t; t = t->next) {
		struct conf_rule rule = { 0 };
		names[n++] = arena_strdup(r->mem, t->key->text);
		rule.template = (unsigned)n;
		if (t->kind != NODE_BAD && keys_is_map(r, t, t->key->text))
			keys_read(r, schema_rule_keys, t, t->key->text, &rule);
		check_template(r, t, &rule);
		add_rule(r, &rule);
	}
	r->conf->templates = names;
	r->conf->n_templates = n;
	r->templates = known_new(r->scratch, names, n);
}

struct conf_rule *schema_own_rule(struct reader *r, struct conf_zone *z)
{
	struct conf *c = r->conf;

	if (!z->own_rule) {
		const struct conf_rule copy = c->rules[z->rule];
		z->rule = (unsigned)c->n_rules;
		z->own_rule = true;
		add_rule(r, &copy);
	}
	return &c->rules[z->rule];
}

/* What a zone's entry says itself goes before what its template says. */
void schema_rule(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_zone *z = to;
	struct conf *c = r->conf;
	unsigned number;

	if (strcmp(key->name, "template") == 0 && z->catalog) {
		schema_catalog_template(r, key, value, z);
		return;
	}
	if (strcmp(key->name, "template") == 0) {
		if (schema_find(r,
			    &(struct schema_names){
				    key, &r->templates, "template", "templates" },
			    value, &number))
			z->rule = c->first_template + number;
		return;
	}
	const struct key *row = schema_rule_keys;
	while (strcmp(row->name, key->name) != 0)
		row++;
	row->take(r, row, value, (char *)schema_own_rule(r, z) + row->at);
}
