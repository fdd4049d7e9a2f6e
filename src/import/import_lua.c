#include "import/import_lua.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool lua_wrong(struct lua_parser *r, const char *say)
{
	if (!r->failed)
		plan_note(r->l->p, NOTE_LOST, r->l->path, r->l->line, "LUA: %s at \"%.40s\"", say, r->at);
	r->failed = true;
	return false;
}

void lua_skip(struct lua_parser *r)
{
	for (;;) {
		while (isspace((unsigned char)*r->at) || *r->at == ';')
			r->at++;
		if (r->at[0] != '-' || r->at[1] != '-')
			return;
		while (*r->at && *r->at != '\n')
			r->at++;
	}
}

bool lua_take(struct lua_parser *r, const char *word)
{
	const size_t len = strlen(word);

	lua_skip(r);
	if (strncmp(r->at, word, len) != 0 || (isalpha((unsigned char)*word) && (isalnum((unsigned char)r->at[len]) || r->at[len] == '_')))
		return false;
	r->at += len;
	return true;
}

static struct lua_value *value_new(struct lua_parser *r, enum lua_kind kind, const char *text, size_t len)
{
	struct lua_value *v = arena_zalloc(&r->l->p->mem, sizeof *v);

	v->kind = kind;
	v->text = plan_textf(r->l->p, "%.*s", (int)len, text);
	return v;
}

static void value_add(struct lua_value *to, struct lua_value *v)
{
	if (to->last)
		to->last->next = v;
	else
		to->first = v;
	to->last = v;
	to->n++;
}

/* Up to `close`. */
static bool many(struct lua_parser *r, struct lua_value *to, const char *close)
{
	while (!lua_take(r, close)) {
		const char *key = NULL, *from = r->at;
		while (isalnum((unsigned char)*r->at) || *r->at == '_')
			r->at++;
		const size_t len = (size_t)(r->at - from);
		lua_skip(r);
		if (len && *r->at == '=' && r->at[1] != '=') {
			key = plan_textf(r->l->p, "%.*s", (int)len, from);
			r->at++;
		} else {
			r->at = from;
			if (lua_take(r, "[")) {
				struct lua_value *k = lua_value_of(r);
				if (!k || !lua_take(r, "]") || !lua_take(r, "="))
					return lua_wrong(r, "a key is wanted");
				key = k->text;
			}
		}
		struct lua_value *v = lua_value_of(r);
		if (!v)
			return false;
		v->key = key;
		value_add(to, v);
		if (!lua_take(r, ",") && !lua_take(r, ";")) {
			if (lua_take(r, close))
				return true;
			return lua_wrong(r, "a comma is wanted");
		}
	}
	return true;
}

static struct lua_value *string_of(struct lua_parser *r)
{
	const char quote = *r->at++;
	struct text text = { 0 };

	while (*r->at && *r->at != quote) {
		if (*r->at == '\\' && r->at[1])
			r->at++;
		text_add_char(&text, *r->at++);
	}
	struct lua_value *v = *r->at ? value_new(r, LUA_TEXT, text_get(&text), text.len) : NULL;
	text_fini(&text);
	if (v)
		r->at++;
	else
		lua_wrong(r, "a string has no end");
	return v;
}

struct lua_value *lua_value_of(struct lua_parser *r)
{
	struct lua_value *v = NULL;

	lua_skip(r);
	if (++r->deep > LUA_DEEP_MOST) {
		lua_wrong(r, "this is nested too deep");
	} else if (*r->at == '\'' || *r->at == '"') {
		v = string_of(r);
	} else if (*r->at == '{') {
		r->at++;
		v = value_new(r, LUA_TABLE, "", 0);
		v = many(r, v, "}") ? v : NULL;
	} else if (isalnum((unsigned char)*r->at) || *r->at == '-' || *r->at == '_') {
		const char *from = r->at++;
		while (isalnum((unsigned char)*r->at) || (*r->at && strchr("_.", *r->at)))
			r->at++;
		v = value_new(r, LUA_TEXT, from, (size_t)(r->at - from));
		lua_skip(r);
		if (*r->at == '(') {
			r->at++;
			v->kind = LUA_CALL;
			v = many(r, v, ")") ? v : NULL;
		}
	} else {
		lua_wrong(r, "this is not read");
	}
	r->deep--;
	return v;
}
