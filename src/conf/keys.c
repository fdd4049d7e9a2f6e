#include "conf/keys.h"

#include "base/near.h"
#include "base/text.h"
#include "conf/option.h"

#include <assert.h>
#include <string.h>

/* Rows of a table that were there, or that the operator seems to have meant. */
typedef uint32_t row_set;

enum { ROWS_MOST = 32 };

static void tell_unknown(const struct reader *r, const struct key *keys, const struct node *key,
	const char *where, row_set *met)
{
	struct near_word near = { .word = key->text };
	char shown[OPTION_SHOWN];
	struct text names = { 0 };

	for (unsigned i = 0; keys[i].name; i++) {
		near_offer(&near, keys[i].name);
		text_addf(&names, "%s%s", i ? ", " : "", keys[i].name);
	}
	for (unsigned i = 0; keys[i].name; i++)
		if (near.best == keys[i].name)
			*met |= (row_set)1 << i; /* misspelt, not missing */
	option_shown(shown, key->text);
	if (near.best)
		parse_error(r->src, key, "unknown key \"%s\" in %s; did you mean \"%s\"?",
			shown, where, near.best);
	else
		parse_error(r->src, key, "unknown key \"%s\" in %s (known: %s)", shown, where,
			text_get(&names));
	text_fini(&names);
}

static const struct key *find_row(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

/* At the mapping's key, or at an item of a list; the whole file is told without a place. */
static void tell_missing(const struct reader *r, const struct key *keys, const struct node *map,
	const char *where, row_set met)
{
	const struct node *at = map->key ? map->key : map->column > 1 ? map : NULL;

	for (unsigned i = 0; keys[i].name; i++)
		if (keys[i].needed && !(met >> i & 1))
			parse_error(r->src, at,
				"\"%s\" is missing in %s; write for example: %s", keys[i].name,
				where, keys[i].needed);
}

void keys_read(struct reader *r, const struct key *keys, const struct node *map,
	const char *where, void *to)
{
	row_set met = 0;

	for (unsigned late = 0; late <= KEYS_LATEST; late++) {
		for (const struct node *n = map->first; n && !faults_full(r->src->faults);
			n = n->next) {
			const struct key *k = find_row(keys, n->key->text);
			if (!k && !late)
				tell_unknown(r, keys, n->key, where, &met);
			if (!k || k->late != late)
				continue;
			assert(k - keys < ROWS_MOST);
			met |= (row_set)1 << (k - keys);
			if (n->kind != NODE_BAD && keys_has_value(r, n))
				k->take(r, k, n, (char *)to + k->at);
		}
	}
	if (!faults_full(r->src->faults)) /* else nobody looked at all of them */
		tell_missing(r, keys, map, where, met);
}

bool keys_is_map_as(const struct reader *r, const struct node *n, const char *where, const char *example)
{
	if (n->kind == NODE_MAP)
		return true;
	return parse_error(r->src, n, "%s must be a mapping of keys and values, not %s%s%s%s", where,
		n->kind == NODE_LIST ? "a list" : "one value", example ? "; write for example: { " : "", example ? example : "",
		example ? " }" : "");
}

bool keys_is_map(const struct reader *r, const struct node *n, const char *where)
{
	return keys_is_map_as(r, n, where, NULL);
}

bool keys_has_value(const struct reader *r, const struct node *n)
{
	if (n->kind != NODE_SCALAR || n->quoted || *n->text)
		return true;
	return parse_error(r->src, n->key ? n->key : n,
		"there is no value behind this; write one, or take the line out");
}

void keys_section(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *example = NULL;

	for (const struct key *k = key->keys; k->name && !example; k++)
		example = k->needed;
	if (keys_is_map_as(r, value, key->name, example))
		keys_read(r, key->keys, value, key->name, to);
}
