/* schema_views.c - whose zone it is, where there are several of one name (views).
 */
#include "conf/option.h"
#include "conf/schema.h"
#include "zone/view.h"

#include <string.h>

enum { BY_SOURCE, BY_ECS };

struct view {
	const struct conf_class *class;
	bool by_subnet;
};

/* As it stands in commands, in the store and in the log. */
static bool is_word(const char *name)
{
	return strlen(name) <= VIEW_CLASS_MOST &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		strlen(name);
}

static void take_clients(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct view *v = to;
	unsigned number;

	if (!option_scalar(r, key, value) ||
		!schema_find(r, &(struct schema_names){ key, &r->classes, "class of clients", "clients" },
			value, &number))
		return;
	v->class = &r->conf->classes[number];
	if (!is_word(v->class->name)) {
		char shown[OPTION_SHOWN];
		parse_error(r->src, value,
			"the class \"%s\" cannot have zones: give it a name of at most %d letters, digits, "
			"\"-\" and \"_\", since the zone is known by it",
			option_shown(shown, v->class->name), VIEW_CLASS_MOST);
		v->class = NULL;
	}
}

static void take_by(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { [BY_SOURCE] = "source", [BY_ECS] = "ecs", NULL };
	const int word = option_word(r, key, value, words);

	((struct view *)to)->by_subnet = word == BY_ECS;
}

const struct key schema_view_keys[] = {
	{ "clients", take_clients, .say = "the name of one of the \"clients\"",
		.needed = "clients: office", .about = "The class." },
	{ "by", take_by, .say = "source or ecs",
		.about = "source: a client is where its query comes from. ecs: who its client subnet says, where the query has one. "
			 "Anybody can write any subnet into a query, so ecs keeps no secret.",
		.otherwise = "source" },
	{ 0 },
};

void schema_view(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const struct key plain = { .name = "for", .say = SCHEMA_VIEW };
	struct conf_zone *z = to;
	struct view v = { .class = NULL };

	if (value->kind == NODE_LIST) {
		option_wrong(r, key, value);
		return;
	}
	if (value->kind == NODE_MAP)
		keys_read(r, schema_view_keys, value, "for", &v);
	else
		take_clients(r, &plain, value, &v);
	if (!v.class)
		return;
	struct conf_rule *rule = schema_own_rule(r, z);
	rule->access.clients = v.class->map;
	rule->access.by_subnet = v.by_subnet;
	z->view = v.class->name;
}
