/* from_powerdns_lua.c - PowerDNS' LUA records, of the usual kinds.
 *
 * What is read is a small part of Lua: calls, tables, strings, numbers, "if ... then return ...
 * elseif ... else ... end". A program that does more is told, and its record left out.
 */
#include "import/import_lua.h"

#include "base/addr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ALTERNATIVES_MOST = 32, CHOICES_MOST = 256 };

/* Who is meant by a condition: any of these. */
struct alternatives {
	struct out *when[ALTERNATIVES_MOST];
	size_t n;
	struct out *fails;
};

/* --- answers ------------------------------------------------------------------------------ */

static const char *lua_option(const struct lua_value *call, size_t at, const char *key)
{
	const struct lua_value *v = call->first;

	for (; v && at; at--)
		v = v->next;
	for (const struct lua_value *o = v && v->kind == LUA_TABLE ? v->first : NULL; o; o = o->next)
		if (o->key && strcmp(o->key, key) == 0 && o->kind == LUA_TEXT)
			return o->text;
	return NULL;
}

static const char *edge_of(struct lua_parser *r, const struct lua_value *address, const char *probe)
{
	struct answer a = { .probe = probe };
	struct plan *p = r->l->p;
	const char *data = address->text;
	struct addr is;

	if (address->kind != LUA_TEXT)
		return lua_wrong(r, "an address is wanted"), NULL;
	if ((strcasecmp(r->l->type, "A") == 0 || strcasecmp(r->l->type, "AAAA") == 0) && !addr_parse(&is, data))
		return lua_wrong(r, "this is not read"), NULL;
	if (strcasecmp(r->l->type, "CNAME") == 0)
		data = plan_full_name(p, data, ".");
	else if (strcasecmp(r->l->type, "TXT") == 0)
		data = plan_quoted(p, data);
	plan_answer(p, &a, r->l->type, data);
	return plan_edge(p, plan_textf(p, "%s-%s", r->l->hint, address->text), &a);
}

static struct out *pool_new(struct lua_parser *r, const char *policy, struct variant *to)
{
	struct out *pool = plan_pool(r->l->p, r->l->hint, &to->edge);

	to->is_pool = true;
	out_list(pool, "edges");
	out_set(pool, "policy", policy);
	if (strcmp(policy, "nearest") == 0)
		plan_geoip(r->l->p, "city", NULL);
	return pool;
}

/* Tables of addresses: with { { A, B }, { C } } those behind answer while none of the first may. */
static bool members(struct lua_parser *r, struct out *pool, const struct lua_value *table, const char *probe)
{
	unsigned priority = 0;

	if (!table || table->kind != LUA_TABLE)
		return lua_wrong(r, "a table of addresses is wanted");
	for (const struct lua_value *v = table->first; v; v = v->next) {
		const struct lua_value *one = v->kind == LUA_TABLE ? v->first : v;
		priority++;
		for (; one; one = v->kind == LUA_TABLE ? one->next : NULL) {
			const char *edge = edge_of(r, one, probe);
			if (!edge)
				return false;
			if (v->kind != LUA_TABLE || priority == 1) {
				plan_member(pool, edge, false);
				continue;
			}
			struct out *member = out_add_map(out_get(pool, "edges"));
			out_set(member, "edge", edge);
			out_setf(member, "priority", "%u", priority);
		}
	}
	return out_count(out_get(pool, "edges")) > 0 || lua_wrong(r, "no address");
}

/* { { WEIGHT, ADDRESS }, ... } */
static bool weighted(struct lua_parser *r, struct out *pool, const struct lua_value *table)
{
	if (!table || table->kind != LUA_TABLE)
		return lua_wrong(r, "a table of weights and addresses is wanted");
	for (const struct lua_value *v = table->first; v; v = v->next) {
		if (v->kind != LUA_TABLE || v->n < 2)
			return lua_wrong(r, "{ WEIGHT, ADDRESS } is wanted");
		const char *edge = edge_of(r, v->first->next, NULL);
		if (!edge)
			return false;
		struct out *member = out_add_map(out_get(pool, "edges"));
		out_set(member, "edge", edge);
		out_set(member, "weight", v->first->text);
	}
	return pool != NULL;
}

static const char *probe_name(struct lua_parser *r, const struct out *like, const char *hint)
{
	struct out *all = out_map(r->l->p->conf, "probes"), *at;
	struct text mine = { 0 }, other = { 0 };
	const char *key, *name = NULL;

	out_write(like, &mine);
	for (size_t i = 0; !name && (at = out_at(all, i, &key)); i++) {
		other.len = 0;
		out_write(at, &other);
		if (strcmp(text_get(&mine), text_get(&other)) == 0)
			name = key;
	}
	for (unsigned i = 1; !name && i < 10000; i++) {
		const char *is = i == 1 ? hint : plan_textf(r->l->p, "%s-%u", hint, i);
		if (out_get(all, is))
			continue;
		struct out *probe = out_map(all, is);
		for (size_t k = 0; (at = out_at(like, k, &key)); k++)
			out_set(probe, key, out_text(at));
		name = is;
	}
	text_fini(&mine);
	text_fini(&other);
	return name;
}

static void probe_times(struct lua_parser *r, struct out *probe, const struct lua_value *call, size_t at)
{
	const char *timeout = lua_option(call, at, "timeout"), *interval = lua_option(call, at, "interval"), *failures = lua_option(call, at, "minimumFailures");

	out_setf(probe, "every", "%ss", interval ? interval : "5");
	out_setf(probe, "timeout", "%ss", timeout ? timeout : "2");
	out_set(probe, "rise", "1");
	out_set(probe, "fall", failures ? failures : "1");
	if (lua_option(call, at, "source"))
		plan_note(r->l->p, NOTE_LOST, r->l->path, r->l->line, "source: probes ask from the address that the system takes");
}

static const char *url_probe(struct lua_parser *r, const struct lua_value *call, size_t at)
{
	struct out *probe = out_new(&r->l->p->mem);
	const char *url = call->first ? call->first->text : NULL, *text;

	if (!url || call->first->kind != LUA_TEXT)
		return lua_wrong(r, "an URL is wanted"), NULL;
	const bool tls = strncasecmp(url, "https://", 8) == 0;
	if (!tls && strncasecmp(url, "http://", 7) != 0)
		return lua_wrong(r, "an URL of http or https is wanted"), NULL;
	url += tls ? 8 : 7;
	const size_t host = strcspn(url, "/:?");
	out_set(probe, "kind", tls ? "https" : "http");
	out_setf(probe, "host", "%.*s", (int)host, url);
	url += host;
	if (*url == ':') {
		out_setf(probe, "port", "%.*s", (int)strspn(url + 1, "0123456789"), url + 1);
		url += 1 + strspn(url + 1, "0123456789");
	}
	out_setf(probe, "path", "%s%s", *url == '/' ? "" : "/", url);
	out_set(probe, "expect", (text = lua_option(call, at, "httpcode")) ? text : "200");
	if ((text = lua_option(call, at, "stringmatch")))
		out_set(probe, "body", text);
	probe_times(r, probe, call, at);
	return probe_name(r, probe, "url");
}

static const char *policy_of(struct lua_parser *r, const char *selector, struct out *pool)
{
	static const struct { const char *selector, *policy; } rows[] = { { "random", "weighted" }, { "pickclosest", "nearest" },
		{ "hashed", "hash" }, { "all", "weighted" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(selector, rows[i].selector) == 0) {
			if (i == 1)
				plan_geoip(r->l->p, "city", NULL);
			if (i == 3)
				out_set(pool, "answers", "16");
			return rows[i].policy;
		}
	plan_note(r->l->p, NOTE_LOST, r->l->path, r->l->line, "the selector %s", selector);
	return "weighted";
}

/* With none up PowerDNS chooses by another selector, of all sets together: a pool that no probe looks at. */
static bool put_backup(struct lua_parser *r, struct out *pool, const struct lua_value *table, const char *selector, const char *backup)
{
	const bool sets = table->first && table->first->kind == LUA_TABLE && table->n > 1;
	struct variant other = { .edge = NULL };
	struct out *member;

	if (!sets && strcmp(selector, backup) == 0)
		return true;
	struct out *all = plan_pool(r->l->p, plan_textf(r->l->p, "%s-none-up", r->l->hint), &other.edge);
	out_list(all, "edges");
	out_set(all, "policy", policy_of(r, backup, all));
	for (size_t i = 0; (member = out_at(out_get(pool, "edges"), i, NULL)); i++) {
		struct out *one = out_add_map(out_get(all, "edges"));
		out_set(one, "edge", out_text(member) ? out_text(member) : out_text(out_get(member, "edge")));
		out_set(one, "probe", "none");
	}
	out_set(out_map(pool, "all-down"), "pool", other.edge);
	return true;
}

/* ifportup(PORT, ADDRESSES, OPTIONS), ifurlup(URL, ADDRESSES, OPTIONS). */
static bool if_up(struct lua_parser *r, const struct lua_value *call, struct variant *to)
{
	const char *selector = lua_option(call, 2, "selector"), *backup = lua_option(call, 2, "backupSelector"), *probe;
	struct out *pool = pool_new(r, "weighted", to);

	if (strcmp(call->text, "ifportup") == 0) {
		struct out *is = out_new(&r->l->p->mem);
		out_set(is, "kind", "tcp");
		out_set(is, "port", call->first ? call->first->text : "80");
		probe_times(r, is, call, 2);
		probe = probe_name(r, is, plan_textf(r->l->p, "tcp-%s", call->first ? call->first->text : "80"));
	} else {
		probe = url_probe(r, call, 2);
	}
	out_set(pool, "policy", policy_of(r, selector ? selector : "random", pool));
	const struct lua_value *table = call->first ? call->first->next : NULL;
	return probe && members(r, pool, table, probe) && put_backup(r, pool, table, selector ? selector : "random", backup ? backup : "random");
}

/* view({ { {NETS}, {ADDRESSES} }, ... }) */
static bool by_views(struct lua_parser *r, const struct lua_value *call, struct variant *to)
{
	const struct lua_value *table = call->first;
	struct variant *all = arena_zalloc(&r->l->p->mem, ((table ? table->n : 0) + 1) * sizeof *all), fallback = { .edge = NULL };
	size_t n = 0;

	for (const struct lua_value *v = table && table->kind == LUA_TABLE ? table->first : NULL; v; v = v->next) {
		struct out *when = NULL;
		bool any = false;
		if (v->kind != LUA_TABLE || v->n < 2 || v->first->kind != LUA_TABLE)
			return lua_wrong(r, "{ {NETS}, {ADDRESSES} } is wanted");
		for (const struct lua_value *net = v->first->first; net; net = net->next) {
			any = any || strcmp(net->text, "0.0.0.0/0") == 0 || strcmp(net->text, "::/0") == 0;
			when = plan_when(r->l->p, when, "net", net->text);
		}
		struct variant one = { .edge = NULL };
		if (!members(r, pool_new(r, "weighted", &one), v->first->next, NULL))
			return false;
		one.when = when;
		if (any && !fallback.edge)
			fallback = one;
		else
			all[n++] = one;
	}
	to->edge = plan_rules(r->l->p, r->l->hint, all, n, &fallback);
	to->is_pool = true;
	return to->edge != NULL;
}

static bool answer_of(struct lua_parser *r, const struct lua_value *v, struct variant *to)
{
	static const struct { const char *call, *policy; bool weights; } rows[] = { { "pickclosest", "nearest", false },
		{ "pickrandom", "weighted", false }, { "pickhashed", "hash", false }, { "pickwrandom", "weighted", true },
		{ "pickwhashed", "hash", true }, { "picknamehashed", "hash", true }, { "pickrandomsample", "weighted", false },
		{ "all", "weighted", false }, { "pickselfweighted", NULL, false } };

	*to = (struct variant){ .edge = NULL };
	if (v->kind == LUA_TEXT) {
		to->edge = edge_of(r, v, NULL);
		return to->edge != NULL;
	}
	if (v->kind == LUA_TABLE) {
		struct out *pool = pool_new(r, "weighted", to);
		out_set(pool, "answers", "16");
		return members(r, pool, v, NULL);
	}
	if (strcmp(v->text, "ifportup") == 0 || strcmp(v->text, "ifurlup") == 0)
		return if_up(r, v, to);
	if (strcmp(v->text, "view") == 0)
		return by_views(r, v, to);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(v->text, rows[i].call) != 0 || !rows[i].policy)
			continue;
		const bool sample = strcmp(v->text, "pickrandomsample") == 0;
		if (strcmp(rows[i].policy, "nearest") == 0)
			plan_note(r->l->p, NOTE_DIFFERS, r->l->path, r->l->line, "pickclosest: the nearest on the globe; PowerDNS measures on a flat map of degrees");
		struct out *pool = pool_new(r, rows[i].policy, to);
		if (sample && v->first)
			out_set(pool, "answers", v->first->text);
		if (strcmp(v->text, "all") == 0)
			out_set(pool, "answers", "16");
		if (strcmp(v->text, "picknamehashed") == 0)
			out_set(pool, "affinity", "name");
		const struct lua_value *table = sample && v->first ? v->first->next : v->first;
		return rows[i].weights ? weighted(r, pool, table) : members(r, pool, table, NULL);
	}
	plan_note(r->l->p, NOTE_LOST, r->l->path, r->l->line, "LUA: %s()", v->text);
	r->failed = true;
	return false;
}

/* --- conditions --------------------------------------------------------------------------- */

static const char *condition_value(struct lua_parser *r, const char *key, const char *text)
{
	char *up = plan_textf(r->l->p, "%s", text);

	if (strcmp(key, "net") == 0 || strcmp(key, "city") == 0 || strcmp(key, "asn") == 0)
		return up;
	for (char *c = up; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (strcmp(key, "country") == 0 && powerdns_country(r->l->p, up))
		return powerdns_country(r->l->p, up);
	return up;
}

static bool one_condition(struct lua_parser *r, struct out **when)
{
	static const struct { const char *call, *key; } rows[] = { { "country", "country" }, { "continent", "continent" }, { "region", "region" },
		{ "asnum", "asn" }, { "netmask", "net" } };
	const struct lua_value *v = lua_value_of(r);

	if (!v)
		return false;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (v->kind != LUA_CALL || strcmp(v->text, rows[i].call) != 0 || !v->first)
			continue;
		const struct lua_value *one = v->first->kind == LUA_TABLE ? v->first->first : v->first;
		for (; one; one = v->first->kind == LUA_TABLE ? one->next : NULL)
			*when = plan_when(r->l->p, *when, rows[i].key, condition_value(r, rows[i].key, one->text));
		if (*when && strcmp(rows[i].key, "region") == 0)
			plan_note(r->l->p, NOTE_SEE, r->l->path, r->l->line, "region: a region is written with its country here, such as US-CA");
		return *when != NULL;
	}
	plan_note(r->l->p, NOTE_LOST, r->l->path, r->l->line, "LUA: clients are not known by %s", v->text);
	r->failed = true;
	return false;
}

static bool add_conditions(struct lua_parser *r, struct out *to, const struct out *more)
{
	const char *key;
	struct out *list, *one;

	for (size_t i = 0; (list = out_at(more, i, &key)); i++) {
		if (out_get(to, key))
			return lua_wrong(r, "two conditions of one kind with \"and\"");
		for (size_t k = 0; (one = out_at(list, k, NULL)); k++)
			plan_when(r->l->p, to, key, out_text(one));
	}
	return true;
}

/* Both hold: each of the one with each of the other. */
static bool join(struct lua_parser *r, struct alternatives *a, const struct alternatives *b)
{
	struct alternatives all = { .fails = a->fails ? a->fails : b->fails };

	if (a->fails && b->fails)
		return lua_wrong(r, "two conditions with \"not\"");
	if (!a->n || !b->n) {
		/* One is an exception alone. */
		*a = a->n ? *a : *b;
		a->fails = all.fails;
		return true;
	}
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++) {
			struct out *both = out_new(&r->l->p->mem);
			if (all.n == ALTERNATIVES_MOST)
				return lua_wrong(r, "too many conditions");
			if (!add_conditions(r, both, a->when[i]) || !add_conditions(r, both, b->when[k]))
				return false;
			all.when[all.n++] = both;
		}
	*a = all;
	return true;
}

static bool condition(struct lua_parser *r, struct alternatives *a);

static bool factor(struct lua_parser *r, struct alternatives *a)
{
	memset(a, 0, sizeof *a);
	if (lua_take(r, "not")) {
		struct alternatives is;
		if (!factor(r, &is))
			return false;
		if (is.n != 1 || is.fails || out_count(is.when[0]) != 1)
			return lua_wrong(r, "\"not\" of more than one condition");
		a->fails = is.when[0];
		return true;
	}
	if (lua_take(r, "("))
		return condition(r, a) && (lua_take(r, ")") || lua_wrong(r, "a parenthesis is wanted"));
	if (!one_condition(r, &a->when[0]))
		return false;
	a->n = 1;
	return true;
}

static bool condition(struct lua_parser *r, struct alternatives *a)
{
	struct alternatives one, next;

	memset(a, 0, sizeof *a);
	if (++r->deep > LUA_DEEP_MOST)
		return lua_wrong(r, "this is nested too deep");
	do {
		if (!factor(r, &one))
			return false;
		while (lua_take(r, "and"))
			if (!factor(r, &next) || !join(r, &one, &next))
				return false;
		if (a->n && (one.fails || a->fails))
			return lua_wrong(r, "\"or\" with \"not\"");
		a->fails = one.fails;
		for (size_t i = 0; i < one.n; i++) {
			if (a->n == ALTERNATIVES_MOST)
				return lua_wrong(r, "too many conditions");
			a->when[a->n++] = one.when[i];
		}
	} while (lua_take(r, "or"));
	r->deep--;
	return true;
}

static bool statement(struct lua_parser *r, struct variant *to);

static bool choice(struct lua_parser *r, struct variant *to)
{
	struct variant *all = arena_zalloc(&r->l->p->mem, CHOICES_MOST * sizeof *all), fallback = { .edge = NULL };
	size_t n = 0;

	do {
		struct alternatives who;
		struct variant one;
		if (!condition(r, &who) || !lua_take(r, "then") || !statement(r, &one))
			return lua_wrong(r, "\"then return ...\" is wanted");
		if (n + (who.n ? who.n : 1) > CHOICES_MOST)
			return lua_wrong(r, "too many conditions");
		for (size_t i = 0; i < (who.n ? who.n : 1); i++)
			all[n++] = (struct variant){ .when = who.n ? who.when[i] : NULL, .fails = who.fails, .edge = one.edge, .is_pool = one.is_pool };
	} while (lua_take(r, "elseif"));
	if (lua_take(r, "else") && !statement(r, &fallback))
		return false;
	if (!lua_take(r, "end"))
		return lua_wrong(r, "\"end\" is wanted");
	lua_skip(r);
	/* What is behind it is for those of whom no condition holds. */
	if (!fallback.edge && *r->at && strncmp(r->at, "end", 3) != 0 && strncmp(r->at, "else", 4) != 0 && !statement(r, &fallback))
		return false;
	to->edge = plan_rules(r->l->p, r->l->hint, all, n, &fallback);
	to->is_pool = true;
	return to->edge != NULL;
}

static bool statement(struct lua_parser *r, struct variant *to)
{
	bool ok = false;

	*to = (struct variant){ .edge = NULL };
	if (++r->deep > LUA_DEEP_MOST)
		return lua_wrong(r, "this is nested too deep");
	if (lua_take(r, "if")) {
		ok = choice(r, to);
	} else {
		lua_take(r, "return");
		const struct lua_value *v = lua_value_of(r);
		ok = v && answer_of(r, v, to);
	}
	r->deep--;
	return ok;
}

bool powerdns_lua(struct powerdns_lua *l, const char *text, struct variant *to)
{
	struct lua_parser r = { .l = l, .at = text };
	const struct plan_mark mark = plan_mark(l->p);

	bool ok = statement(&r, to);
	lua_skip(&r);
	ok = ok && to->edge && !*r.at;
	if (!ok) {
		plan_back(l->p, mark);
		lua_wrong(&r, "this is not read");
	}
	return ok;
}
