/* import_lua.h - a small part of Lua, as LUA records have it: calls, tables, strings, numbers.
 */
#ifndef IMPORT_IMPORT_LUA_H
#define IMPORT_IMPORT_LUA_H

#include "import/from_powerdns.h"

enum { LUA_DEEP_MOST = 32 };

/* A value of Lua. */
enum lua_kind { LUA_TEXT, LUA_TABLE, LUA_CALL };
struct lua_value {
	enum lua_kind kind;
	const char *text;    /* a string, a number, a name; the function of a call */
	const char *key;     /* in a table: key = value */
	struct lua_value *first, *last, *next; /* what is in a table; arguments */
	size_t n;
};

struct lua_parser {
	struct powerdns_lua *l;
	const char *at;
	unsigned deep;
	bool failed;
};

/* Always false, and told once. */
bool lua_wrong(struct lua_parser *r, const char *say);
void lua_skip(struct lua_parser *r);
/* Goes behind the word where it stands there. */
bool lua_take(struct lua_parser *r, const char *word);
/* NULL: told. */
struct lua_value *lua_value_of(struct lua_parser *r);

#endif
