/* schema_updates.c - who may change which names and types of a zone.
 */
#include "conf/option.h"
#include "conf/schema.h"
#include "dns/rrtype.h"

#include <string.h>

enum { UPDATES_MOST = 256, NAMES_MOST = 1024, TYPES_MOST = 256 };

/* Labels below the apex, "@" being none. */
static void take_names(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const uint8_t root[1];
	struct policy_update *u = to;
	uint8_t name[NAME_MOST];
	size_t len;

	if (!option_is_list(r, key, value, NAMES_MOST))
		return;
	const uint8_t **list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		if (strcmp(text, "@") != 0 &&
			name_parse(name, &len, text, strlen(text), root) != NAME_OK)
			option_wrong(r, key, i);
		else if (strcmp(text, "@") == 0)
			list[u->n_names++] = root;
		else {
			name_lower(name, name, len);
			list[u->n_names++] = arena_memdup(r->mem, name, len);
		}
	}
	u->names = list;
}

static void take_types(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct policy_update *u = to;

	if (!option_is_list(r, key, value, TYPES_MOST))
		return;
	uint16_t *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		if (rrtype_parse(&list[u->n_types], text, strlen(text)))
			u->n_types++;
		else
			option_wrong(r, key, i);
	}
	u->types = list;
}

/* One who, as a list of one. */
static struct policy_allow *own_allow(struct reader *r, struct policy_update *u)
{
	if (!u->who.n) {
		u->who.allow = arena_zalloc(r->mem, sizeof *u->who.allow);
		u->who.n = 1;
	}
	return (struct policy_allow *)(uintptr_t)u->who.allow;
}

static void take_update_key(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	schema_key_find(r, key, value, &own_allow(r, to)->key);
}

static void take_update_certificate(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	schema_who_certificate(r, key, value, own_allow(r, to));
}

static void take_update_tls(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	option_switch(r, key, value, &own_allow(r, to)->secret);
}

static void take_update_from(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	schema_who_from(r, key, value, own_allow(r, to));
}

const struct key schema_update_keys[] = {
	{ "key", take_update_key, .say = "the name of one of the \"keys\"",
		.about = "What the request is signed with.", .otherwise = "none: signed or not" },
	{ "certificate", take_update_certificate, .say = "a host name",
		.about = "A name that the client's certificate is for, over TLS.",
		.otherwise = "any, or none" },
	{ "tls", take_update_tls, .say = "on or off", .about = "on: over TLS alone.",
		.otherwise = "off" },
	{ "from", take_update_from, .say = "an address or a net", .about = "Where it comes from.",
		.otherwise = "anywhere" },
	{ "names", take_names, .say = "a name below the zone's, @, or a list of them",
		.about = "Which names may be changed: below the apex, which is @. A label * is any "
			 "labels, one or more.",
		.otherwise = "all" },
	{ "types", take_types, .say = "a type, such as TXT, or a list of them",
		.about = "Which types may be changed. Who takes all of a name away needs all.",
		.otherwise = "all" },
	{ 0 },
};

void schema_update(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_rule *rule = to;
	const bool one = value->kind == NODE_MAP;

	rule->access.n_update = 0;
	if (value->kind == NODE_SCALAR && strcmp(value->text, "none") == 0)
		return;
	if (!one && !option_is_list(r, key, value, UPDATES_MOST))
		return;
	struct policy_update *list = arena_zalloc(r->mem, (one ? 1 : value->n) * sizeof *list);
	for (const struct node *i = one ? value : value->first; i; i = one ? NULL : i->next) {
		struct policy_update *u = &list[rule->access.n_update];
		if (!keys_is_map(r, i, "who may update"))
			continue;
		keys_read(r, schema_update_keys, i, key->name, u);
		if (!u->who.n)
			parse_error(r->src, i, "\"key\", \"certificate\", \"tls\" or \"from\" must say who may update");
		else
			rule->access.n_update++;
	}
	rule->access.update = list;
}
