#include "daemon/cases.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/moment.h"
#include "conf/option.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FILE_MOST = 64 << 20, CASES_MOST = 100000, WORDS_MOST = 1024 };

static void take_words(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct case_words *w = to;

	w->node = value;
	if (value->kind == NODE_LIST && !value->n)
		return; /* none */
	if (!option_is_list(r, key, value, WORDS_MOST))
		return;
	const char **of = arena_zalloc(r->mem, option_count(value) * sizeof *of);
	const struct node **at = arena_zalloc(r->mem, option_count(value) * sizeof *at);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		at[w->n] = i;
		of[w->n] = option_scalar(r, key, i);
		w->n += of[w->n] != NULL;
	}
	w->of = of;
	w->at = at;
}

/* "www.example.org AAAA" */
static void take_ask(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct cases_one *c = to;
	const char *text = option_scalar(r, key, value);
	char *blank;

	if (!text)
		return;
	c->ask = arena_strdup(r->mem, text);
	blank = strchr(c->ask, ' ');
	if (!blank)
		return;
	*blank = 0;
	c->type = blank + 1 + strspn(blank + 1, " ");
}

static void take_moment(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && (strlen(text) < 16 || !moment_parse(to, text, 0)))
		option_wrong(r, key, value);
}

static void take_rcode(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	((struct cases_one *)to)->rcode_node = value;
	((struct cases_one *)to)->rcode = option_scalar(r, key, value);
}

static void take_ttl(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	((struct cases_one *)to)->ttl_node = value;
	option_number(r, key, value, &((struct cases_one *)to)->ttl);
}

static void take_scope(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	((struct cases_one *)to)->scope_node = value;
	option_number(r, key, value, &((struct cases_one *)to)->scope);
}

#define AT(field) .at = offsetof(struct cases_one, field)
#define EDGES     .say = "an edge, a pattern such as ams*, EDGE@POOL, pool:NAME, or a list of them"

static const struct key case_keys[] = {
	{ "name", option_text, .say = "one line of text", AT(name) },
	{ "ask", take_ask, .say = "a name, or a name and a type",
		.needed = "ask: www.example.org AAAA" },
	{ "client", option_text, .say = "an address or a prefix", AT(client),
		.needed = "client: 192.0.2.0/24" },
	{ "resolver", option_text, .say = "an address", AT(resolver) },
	{ "up", take_words, EDGES, AT(up) },
	{ "down", take_words, EDGES, AT(down) },
	{ "drain", take_words, EDGES, AT(drain) },
	{ "at", take_moment, .say = "a moment in UTC, such as 2026-12-01T02:00Z", AT(at_s) },
	{ "edges", take_words, .say = "an edge, or a list of those that are answered with",
		AT(edges) },
	{ "within", take_words,
		.say = "a list of edges of which all that are answered with must be",
		AT(within) },
	{ "without", take_words, .say = "a list of edges of which none may be answered with",
		AT(without) },
	{ "records", take_words,
		.say = "a list of records of the answer: 192.0.2.1, or \"CNAME x.\"",
		AT(records) },
	{ "rcode", take_rcode, .say = "a word such as NXDOMAIN" },
	{ "ttl", take_ttl, .say = "a number of seconds", .most = INT32_MAX },
	{ "scope", take_scope, .say = "a number of bits from 0 to 128", .most = 128 },
	{ 0 },
};

static void take_cases(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct cases *c = to;

	if (value->kind != NODE_LIST || value->n > CASES_MOST) {
		option_wrong(r, key, value);
		return;
	}
	c->of = arena_zalloc(r->mem, value->n * sizeof *c->of);
	for (const struct node *n = value->first; n && !faults_full(r->src->faults);
		n = n->next) {
		struct cases_one *one = &c->of[c->n];
		one->node = n;
		if (!keys_is_map(r, n, "a case"))
			continue;
		keys_read(r, case_keys, n, "this case", one);
		if (!one->edges.node && !one->within.node && !one->without.node &&
			!one->records.node && !one->rcode && !one->ttl_node && !one->scope_node)
			parse_error(r->src, n,
				"this case expects nothing: write edges, within, without, "
				"records, "
				"rcode, ttl or scope");
		c->n++;
	}
}

static const struct key file_keys[] = {
	{ "config", option_path, .say = "the path of a file",
		.at = offsetof(struct cases, config) },
	{ "cases", take_cases, .say = "a list of at most 100000 cases",
		.needed = "cases: [ { ask: www.example.org, client: 192.0.2.1, edges: [ ams1 ] "
			  "} ]" },
	{ 0 },
};

bool cases_read(struct cases *to, const char *path, struct faults *f)
{
	struct conf none = { .path = path };
	struct arena scratch = { 0 };
	struct fault why;
	struct file file;

	*to = (struct cases){ .path = path };
	if (!file_read(&file, path, FILE_MOST, &why))
		return faults_take(f, &why);
	to->text = arena_memdup(&to->mem, file.text, file.len + 1);
	to->text_end = to->text + file.len;
	file_free(&file);
	const struct parse_source src = { path, to->text, to->text_end, f, 0, NULL };
	struct reader r = { .src = &src, .conf = &none, .mem = &to->mem, .scratch = &scratch };
	const struct node *top = parse_tree(&src, &to->mem);
	if (top && keys_is_map(&r, top, "a file of cases"))
		keys_read(&r, file_keys, top, "this file of cases", to);
	else if (!f->errors)
		parse_error(&src, NULL, "there are no cases in it");
	arena_fini(&scratch);
	return f->errors == 0;
}

void cases_fini(struct cases *c)
{
	arena_fini(&c->mem);
	*c = (struct cases){ 0 };
}

bool cases_is_offline(const struct cases_one *c)
{
	return c->up.n || c->down.n || c->drain.n || c->at_s;
}
