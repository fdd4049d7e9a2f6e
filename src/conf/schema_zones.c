#include "conf/schema.h"

#include "conf/option.h"
#include "zone/view.h"

#include <stdlib.h>
#include <string.h>

size_t schema_name(const struct reader *r, const struct key *key, const struct node *value,
	uint8_t to[static NAME_MOST])
{
	static const uint8_t root[1] = { 0 };
	const char *text = option_scalar(r, key, value);
	char shown[OPTION_SHOWN];
	size_t len;

	if (!text)
		return 0;
	option_shown(shown, text);
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return parse_error(r->src, value,
				"\"%s\" is not ASCII; write the name's xn-- form (RFC 5890)",
				shown);
	if (strcmp(text, "@") == 0 || strpbrk(text, " \""))
		return option_wrong(r, key, value);
	const enum name_result is = name_parse(to, &len, text, strlen(text), root);
	if (is != NAME_OK)
		return parse_error(r->src, value, "\"%s\" %s", shown, name_result_text(is));
	return len;
}

static void take_name(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	uint8_t name[NAME_MOST];
	const size_t len = schema_name(r, key, value, name);

	if (!len)
		return;
	name_lower(name, name, len);
	if (view_is(name)) {
		parse_error(r->src, value, "a zone's name does not begin with \\000");
		return;
	}
	*(const uint8_t **)to = arena_memdup(r->mem, name, len);
}

static void take_pattern(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (!*text || strchr(text, '/')) {
		option_wrong(r, key, value);
		return;
	}
	option_text(r, key, value, to);
}

#define AT(field) .at = offsetof(struct conf_zone, field)

const struct key schema_zone_keys[] = {
	{ "name", take_name, .say = "a domain name, such as example.com", AT(name),
		.about = "The zone's origin. Needs file or primary beside it." },
	{ "file", option_path, .say = "the path of a zone file", AT(file),
		.about = "The zone's master file." },
	{ "dir", option_path, .say = "the path of a folder of zone files", AT(dir),
		.about = "A folder: every file in it is a zone, named after its origin, "
			 "less .zone. What editors and packages leave behind is passed over." },
	{ "files", take_pattern, .say = "a pattern for file names, such as \"db.*\"", AT(files),
		.about =
			"Which files of the folder are zones, as a shell's pattern. What its * "
			"stands for is the zone's name: db.* has db.example.com for "
			"example.com.",
		.otherwise = "all but hidden ones" },
	{ "for", schema_view, .late = 3, .say = SCHEMA_VIEW,
		.about = "Whom it is for, where several zones have one name: a class of \"clients\". The first that "
			 "has the client answers; one without this answers all others.",
		.otherwise = "all clients", .keys = schema_view_keys },
	{ "catalog", schema_catalog, .say = "a domain name, such as catalog.invalid",
		.about = "A catalog zone (RFC 9432): a list of zones. With primary (or file) "
			 "beside it, its members are served, each with a template; with produce "
			 "it is made here. Needs a store." },
	{ "produce", schema_produce, .late = 1, .say = "a template, or a list of templates",
		.about = "Zones of these templates are the members of the catalog.",
		.otherwise = "none: the catalog comes from elsewhere" },
	{ "groups", schema_groups, .late = 1, .say = "a mapping of groups to templates",
		.about = "Which template the members of a group have. Of a catalog that is made "
			 "here: which group the zones of a template are in.",
		.otherwise = "none", .each = "GROUP" },
	{ "members", schema_members, .late = 1, .say = "a number from 1 to 10000000", .least = 1,
		.most = 10000000,
		.about = "So many members a catalog may have: one with more is not taken.",
		.otherwise = "1000000" },
	{ "template", schema_rule, .late = 1, .say = "the name of one of the \"templates\"",
		.about = "What the zone has in common with others. Of a catalog: what its members "
			 "have that are in no group of these.",
		.otherwise = "none" },
	{ "query", schema_rule, .late = 2, .say = SCHEMA_WHO, .about = SCHEMA_QUERY,
		.otherwise = "what its template says; else any" },
	{ "transfer", schema_rule, .late = 2, .say = SCHEMA_WHO, .about = SCHEMA_TRANSFER,
		.otherwise = "what its template says; else none" },
	{ "primary", schema_rule, .late = 2, .say = SCHEMA_PRIMARY_WHOM,
		.about = SCHEMA_PRIMARY,
		.otherwise = "what its template says; else none: the zone has a file" },
	{ "update", schema_rule, .late = 2, .say = SCHEMA_UPDATE_WHO, .about = SCHEMA_UPDATE,
		.otherwise = "what its template says; else none", .keys = schema_update_keys,
		.each = "-" },
	{ "serial", schema_rule, .late = 2, .say = "increment, unixtime or dateserial",
		.about = SCHEMA_SERIAL, .otherwise = "what its template says; else increment" },
	{ "fleet", schema_rule, .late = 2, .say = "off or on", .about = SCHEMA_FLEET_ZONE,
		.otherwise = "what its template says; else off" },
	{ "write-back", schema_rule, .late = 2, .say = "keep, store or sync",
		.about = SCHEMA_WRITE_BACK, .otherwise = "what its template says; else keep" },
	{ "verify", schema_rule, .late = 2, .keys = schema_verify_keys, .about = SCHEMA_VERIFY,
		.otherwise = "what its template says" },
	{ "zonemd", schema_rule, .late = 2, .say = SCHEMA_ZONEMD_HASH, .about = SCHEMA_ZONEMD,
		.otherwise = "what its template says; else off" },
	{ "forward-updates", schema_rule, .late = 2, .say = SCHEMA_WHO, .about = SCHEMA_FORWARD,
		.otherwise = "what its template says; else none" },
	{ "dnssec", schema_rule, .late = 2, .say = SCHEMA_DNSSEC_WHICH, .about = SCHEMA_DNSSEC,
		.otherwise = "what its template says; else off" },
	{ "notify-from", schema_rule, .late = 2, .say = SCHEMA_WHO, .about = SCHEMA_NOTIFY_FROM,
		.otherwise = "what its template says; else the primaries alone" },
	{ "notify", schema_rule, .late = 2, .say = SCHEMA_NOTIFY_WHOM, .about = SCHEMA_NOTIFY,
		.otherwise = "what its template says; else none" },
	{ 0 },
};

/* Which keys may stand together. False: told. */
static bool check_shape(
	const struct reader *r, const struct node *entry, const struct conf_zone *z)
{
	const bool secondary = r->conf->rules[z->rule].n_primaries != 0;
	const struct node *name = parse_get(entry, "name"), *file = parse_get(entry, "file");
	const struct node *dir = parse_get(entry, "dir"), *files = parse_get(entry, "files");

	if (!schema_check_catalog(r, entry, z))
		return false;
	if (z->catalog && z->view)
		return parse_error(r->src, parse_get(entry, "for")->key,
			"a catalog is no view: who may have it is said by \"transfer\"");
	if (dir && (name || file))
		return parse_error(r->src, dir->key,
			"\"dir\" stands alone; give \"%s\" an entry of its own",
			name ? "name" : "file");
	if (files && !dir)
		return parse_error(
			r->src, files->key, "\"files\" is for a folder: \"dir\" is missing");
	const struct conf_rule *rule = &r->conf->rules[z->rule];
	if (secondary && parse_get(entry, "update"))
		return parse_error(r->src, parse_get(entry, "update")->key,
			"a zone that comes from a \"primary\" is changed there; "
			"\"forward-updates\" says whose updates are sent on to it");
	if (!secondary && parse_get(entry, "forward-updates"))
		return parse_error(r->src, parse_get(entry, "forward-updates")->key,
			"\"forward-updates\" is for a zone with a \"primary\"; \"update\" says "
			"who may change this one");
	if (rule->access.n_update && !rule->stored)
		return parse_error(r->src, entry,
			"\"update\" needs \"write-back: store\" or \"sync\": a file that a human keeps "
			"is not changed behind his back");
	if (schema_fleet_fault(r->conf, rule))
		return parse_error(r->src, parse_get(entry, "fleet") ? parse_get(entry, "fleet")->key : entry, "%s",
			schema_fleet_fault(r->conf, rule));
	if (rule->fleet && rule->dnssec && z->view)
		return parse_error(r->src, entry, "a view is not signed by the fleet: take \"dnssec\", \"fleet\" or \"for\" out");
	if (rule->fleet && z->catalog)
		return parse_error(r->src, entry, "a catalog is no zone of the fleet");
	if (rule->stored && !r->conf->store_file)
		return parse_error(r->src, entry,
			"\"%s\" needs a store; write for example: store: { file: "
			"/var/lib/waymark/waymark.db }",
			rule->synced       ? "write-back: sync"
				: rule->fleet ? "fleet: on"
					      : "write-back: store");
	if (rule->dnssec && !r->conf->store_file)
		return parse_error(r->src, entry,
			"\"dnssec\" needs a store, for keys and their states; write for example: "
			"store: { file: /var/lib/waymark/waymark.db }");
	if (schema_zonemd_fault(rule))
		return parse_error(r->src, parse_get(entry, "zonemd") ? parse_get(entry, "zonemd")->key : entry,
			"%s", schema_zonemd_fault(rule));
	if (secondary && (file || dir))
		return parse_error(r->src, (file ? file : dir)->key,
			"a zone that comes from a \"primary\" has no file; take one of the two "
			"out");
	const struct node *catalog = parse_get(entry, "catalog");
	if (catalog && !file && !secondary && !z->catalog->produces)
		return parse_error(r->src, catalog->key,
			"this catalog has neither \"primary\" nor \"produce\"; write for example: "
			"primary: [ ns2 ]");
	if (name && !file && !secondary && !rule->fleet)
		return parse_error(r->src, name->key,
			"this zone has no \"file\"; write for example: file: "
			"zones/example.com.zone");
	if (file && !name && !z->catalog)
		return parse_error(r->src, file->key,
			"this zone has no \"name\"; write for example: name: example.com");
	if (!dir && !name && !z->catalog)
		return parse_error(r->src, entry,
			"this entry has neither \"name\" and \"file\" nor \"dir\"");
	return true;
}

static bool read_zone(struct reader *r, const struct node *entry, struct conf_zone *z)
{
	const unsigned before = r->src->faults->errors;

	if (entry->kind == NODE_BAD || !keys_is_map_as(r, entry, "a zone", "name: example.com, file: zones/example.com.zone"))
		return false;
	keys_read(r, schema_zone_keys, entry, "a zone", z);
	if (r->src->faults->errors != before || !check_shape(r, entry, z))
		return false;
	const bool comes = z->file || r->conf->rules[z->rule].n_primaries || r->conf->rules[z->rule].fleet ||
		(z->catalog && z->catalog->produces);
	if (z->name ? !comes : !z->dir) /* a NODE_BAD: told when the text was parsed */
		return false;
	if (z->catalog)
		schema_own_rule(r, z)->catalog = !z->catalog->produces;
	if (z->catalog && !parse_get(entry, "query"))
		schema_close_catalog(r, schema_own_rule(r, z));
	const struct node *at = parse_get(entry, z->catalog ? "catalog" : z->name ? "name" : "dir");
	z->source = at->file;
	z->line = at->line;
	z->column = at->column;
	return true;
}

static struct conf_catalogs catalogs_of(struct reader *r, bool produced)
{
	const struct conf_zone *zones = r->conf->zones, *end = zones + r->conf->n_zones;
	struct conf_catalogs to = { .n = 0 };

	for (const struct conf_zone *z = zones; z < end; z++)
		to.n += z->catalog && z->catalog->produces == produced;
	to.of = arena_zalloc(r->mem, to.n * sizeof(*to.of));
	to.n = 0;
	for (const struct conf_zone *z = zones; z < end; z++)
		if (z->catalog && z->catalog->produces == produced)
			to.of[to.n++] = z;
	return to;
}

static bool is_signed_by_fleet(const struct conf *c, const struct conf_zone *z)
{
	return z->name && c->rules[z->rule].fleet && c->rules[z->rule].dnssec;
}

static int compare_apexes(const void *a, const void *b)
{
	return name_compare(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

/* The views of an apex have its keys, which are the fleet's or this server's. entries[i] is where zone i is written. */
static void check_views(struct reader *r, const struct node *const *entries)
{
	const struct conf *c = r->conf;
	const uint8_t **of_fleet = arena_alloc(r->scratch, (c->n_zones + 1) * sizeof *of_fleet);
	size_t n = 0;

	for (size_t i = 0; i < c->n_zones; i++)
		if (is_signed_by_fleet(c, &c->zones[i]))
			of_fleet[n++] = c->zones[i].name;
	if (n)
		qsort(of_fleet, n, sizeof *of_fleet, compare_apexes);
	for (size_t i = 0; n && i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zones[i];
		if (z->name && z->view && c->rules[z->rule].dnssec && bsearch(&z->name, of_fleet, n, sizeof *of_fleet, compare_apexes))
			parse_error(r->src, entries[i],
				"the zone without \"for\" is signed by the fleet, and this view would have its keys: take \"dnssec\" out of one of the two");
	}
}

void schema_zones(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (value->kind != NODE_LIST) {
		option_wrong(r, key, value);
		return;
	}
	if (!value->n && !c->store_file) /* else they may be added while it runs */
		parse_warning(r->src, value, "there are no zones; every query will be refused");
	c->zones = arena_zalloc(r->mem, value->n * sizeof *c->zones);
	const struct node **entries = arena_alloc(r->scratch, (value->n + 1) * sizeof *entries);
	for (const struct node *e = value->first; e && !faults_full(r->src->faults);
		e = e->next) {
		c->zones[c->n_zones] = (struct conf_zone){ 0 };
		entries[c->n_zones] = e;
		if (read_zone(r, e, &c->zones[c->n_zones]))
			c->n_zones++;
	}
	check_views(r, entries);
	c->consumed = catalogs_of(r, false);
	c->produced = catalogs_of(r, true);
}
