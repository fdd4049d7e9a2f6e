/* schema_catalogs.c - catalog zones (RFC 9432): entries of `zones` that list zones, or are lists of them.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

enum { GROUPS_MOST = 4096, GROUP_TEXT_MOST = 255, MEMBERS_USUALLY = 1000000 };

static struct conf_catalog *own_catalog(struct reader *r, struct conf_zone *z)
{
	if (!z->catalog) {
		struct conf_catalog *c = arena_zalloc(r->mem, sizeof *c);
		c->members_most = MEMBERS_USUALLY;
		z->catalog = c;
	}
	return (struct conf_catalog *)(uintptr_t)z->catalog;
}

static bool find_template(const struct reader *r, const struct key *key,
	const struct node *value, unsigned *number)
{
	return schema_find(r,
		&(struct schema_names){ key, &r->templates, "template", "templates" }, value,
		number);
}

void schema_catalog(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_zone *z = to;
	uint8_t name[NAME_MOST];
	const size_t len = schema_name(r, key, value, name);

	own_catalog(r, z);
	if (!len)
		return;
	name_lower(name, name, len);
	z->name = arena_memdup(r->mem, name, len);
}

void schema_catalog_template(
	struct reader *r, const struct key *key, const struct node *value, struct conf_zone *z)
{
	unsigned number;

	if (find_template(r, key, value, &number))
		own_catalog(r, z)->template = r->conf->templates[number];
}

void schema_produce(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_catalog *c = own_catalog(r, to);
	size_t n = 0;

	c->produces = true;
	if (!option_is_list(r, key, value, GROUPS_MOST))
		return;
	const char **list = arena_zalloc(r->mem, option_count(value) * sizeof(*list));
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		unsigned number;
		if (find_template(r, key, i, &number))
			list[n++] = r->conf->templates[number];
	}
	c->produced = list;
	c->n_produced = n;
}

void schema_groups(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_catalog *c = own_catalog(r, to);
	size_t n = 0;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > GROUPS_MOST) {
		parse_error(
			r->src, value->key, "%zu groups; %d are allowed", value->n, GROUPS_MOST);
		return;
	}
	struct conf_group *list = arena_zalloc(r->mem, value->n * sizeof *list);
	for (const struct node *g = value->first; g; g = g->next) {
		unsigned number;
		if (g->kind == NODE_BAD || !find_template(r, key, g, &number))
			continue;
		if (strlen(g->key->text) > GROUP_TEXT_MOST) {
			parse_error(r->src, g->key, "a group's name has %d bytes at most",
				GROUP_TEXT_MOST);
			continue;
		}
		list[n++] = (struct conf_group){ arena_strdup(r->mem, g->key->text),
			r->conf->templates[number] };
	}
	c->groups = list;
	c->n_groups = n;
}

void schema_members(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	uint32_t most = 0;

	option_number(r, key, value, &most);
	if (most)
		own_catalog(r, to)->members_most = most;
}

/* --- together ----------------------------------------------------------------------------- */

/* Members come from somewhere. */
static bool check_template(
	const struct reader *r, const struct node *at, const char *name)
{
	const struct conf *c = r->conf;
	const struct conf_rule *rule = &c->rules[conf_template(c, name)];

	return rule->n_primaries || (rule->stored && rule->n_nameservers) ||
		parse_error(r->src, at,
			"members of the catalog get the template \"%s\", which does not say where "
			"they come from: give it a \"primary\"",
			name);
}

static bool check_consumer(
	const struct reader *r, const struct node *entry, const struct conf_zone *z)
{
	const struct conf_catalog *c = z->catalog;
	const struct node *groups = parse_get(entry, "groups"),
			  *template = parse_get(entry, "template");

	if (!c->template && !c->n_groups)
		return parse_error(r->src, parse_get(entry, "catalog")->key,
			"this catalog gives its members no template; write for example: template: "
			"hosted");
	for (size_t i = 0; i < c->n_groups; i++)
		if (!check_template(r, groups->key, c->groups[i].template))
			return false;
	return !c->template || check_template(r, template, c->template);
}

static bool check_producer(
	const struct reader *r, const struct node *entry, const struct conf_zone *z)
{
	const struct conf_catalog *c = z->catalog;
	const struct node *produce = parse_get(entry, "produce")->key,
			  *template = parse_get(entry, "template");

	if (z->file || r->conf->rules[z->rule].n_primaries)
		return parse_error(r->src, produce,
			"a catalog that is produced here comes from no file and no primary; take "
			"one of the two out");
	if (template)
		return parse_error(r->src, template->key,
			"\"template\" is for the members of a catalog that comes from elsewhere; "
			"here \"produce\" says whose zones are listed");
	for (size_t i = 0; i < c->n_groups; i++) {
		bool is = false;
		for (size_t k = 0; k < c->n_produced; k++)
			is = is || strcmp(c->produced[k], c->groups[i].template) == 0;
		if (!is)
			return parse_error(r->src, parse_get(entry, "groups")->key,
				"group \"%s\" is for zones of the template \"%s\", which \"produce\" "
				"does not name",
				c->groups[i].group, c->groups[i].template);
	}
	return true;
}

bool schema_check_catalog(
	const struct reader *r, const struct node *entry, const struct conf_zone *z)
{
	static const char *const others[] = { "name", "dir", "files", "update", "write-back",
		"dnssec", "zonemd", "forward-updates" };
	const struct node *catalog = parse_get(entry, "catalog");

	if (!catalog) {
		static const char *const own[] = { "produce", "groups", "members" };
		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			if (parse_get(entry, own[i]))
				return parse_error(r->src, parse_get(entry, own[i])->key,
					"\"%s\" is for a catalog; write for example: catalog: "
					"catalog.invalid", own[i]);
		return true;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (parse_get(entry, others[i]))
			return parse_error(r->src, parse_get(entry, others[i])->key,
				"a catalog has no \"%s\"; take it out", others[i]);
	if (!r->conf->store_file)
		return parse_error(r->src, catalog->key,
			"a catalog needs a store, for its members; write for example: store: { "
			"file: /var/lib/waymark/waymark.db }");
	return z->catalog->produces ? check_producer(r, entry, z) : check_consumer(r, entry, z);
}

/* All names of a catalog are those of customers: who may not have it whole is not answered, unless "query" says so. */
void schema_close_catalog(struct reader *r, struct conf_rule *rule)
{
	struct policy_access *query = &rule->access.query;
	const struct policy_access *transfer = &rule->access.transfer;
	struct policy_allow *list = arena_zalloc(r->mem, (transfer->n + 1) * sizeof *list);

	if (transfer->n)
		memcpy(list, transfer->allow, transfer->n * sizeof *list);
	/* Nobody has that address: so there is one who may, also where nobody may. */
	list[transfer->n].net.bits = 128;
	query->allow = list;
	query->n = transfer->n + 1;
	r->conf->policy.query_limited = true;
}
