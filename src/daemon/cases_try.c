/* cases_try.c - cases are tried: what would be answered, and whether it is what was expected.
 */
#include "base/memory.h"
#include "base/near.h"
#include "daemon/cases.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "report/explain.h"
#include "report/report.h"
#include "steer/forced_effect.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- offline ------------------------------------------------------------------------------ */

/* "ams*@web", "pool:web". */
static bool force(const struct steer *s, struct forced_list *to, const char *target,
	enum edge_state state, struct fault *why)
{
	const char *at = strrchr(target, '@');
	char edge[FORCED_WHERE_MOST + 1];
	struct forced f = {
		.edge = edge, .pool = "", .state = state, .begun = true, .until_us = UINT64_MAX
	};

	snprintf(edge, sizeof edge, "%.*s", at ? (int)(at - target) : (int)strlen(target),
		target);
	if (at)
		f.pool = (char *)(uintptr_t)(at + 1);
	else if (strncmp(edge, "pool:", 5) == 0) {
		f.edge = "*";
		f.pool = edge + 5;
	}
	if (!forced_names_edge(s, f.edge))
		return fault(why, "there is no edge \"%s\"", f.edge);
	if (*f.pool && !forced_names_pool(s, f.pool))
		return fault(why, "there is no pool \"%s\"", f.pool);
	forced_set(to, &f);
	return true;
}

static bool force_all(const struct steer *s, struct forced_list *to, const struct case_words *w,
	enum edge_state state, struct fault *why)
{
	bool ok = true;

	for (size_t i = 0; ok && i < w->n; i++)
		ok = force(s, to, w->of[i], state, why);
	return ok;
}

/* Windows of the configuration that are open then, before what the case says itself. */
static bool changes_of(const struct cases_one *c, const struct parts *p, struct forced_list *to,
	struct fault *why)
{
	const struct conf *conf = parts_conf(p);
	const int64_t now = c->at_s ? c->at_s : time(NULL);

	forced_configure(to, conf->maintenance, conf->n_maintenance, now);
	return force_all(p->steer, to, &c->up, EDGE_UP, why) &&
		force_all(p->steer, to, &c->drain, EDGE_DRAIN, why) &&
		force_all(p->steer, to, &c->down, EDGE_DOWN, why);
}

/* No probe has said anything: all are up but for what operators say. */
static struct world *world_of(
	const struct parts *p, const struct forced_list *list, int64_t time_s)
{
	struct forced_effect e = forced_effect_of(list, p->steer);
	struct standing *standing = standing_new(&(struct standing_opts){
		.steer = p->steer, .states = e.states, .forced = e.forced, .effect = &e,
		.time_s = time_s });

	forced_effect_fini(&e);
	return world_new(&(struct world_opts){ .zones = p->zones->set,
		.steer = p->steer,
		.numbers = p->numbers,
		.policy = &parts_conf(p)->policy,
		.conf = p->conf,
		.standing = standing });
}

/* A name that is misspelt is never answered with, and "without" would not notice. */
static bool are_edges(const struct steer *s, const struct case_words *w, struct fault *why)
{
	for (size_t i = 0; i < w->n; i++) {
		struct near_word near = { .word = w->of[i] };
		if (steer_edge(s, w->of[i]) >= 0)
			continue;
		for (unsigned k = 0; k < s->n_edges; k++)
			near_offer(&near, s->edges[k].name);
		return near.best ? fault(why, "there is no edge \"%s\"; did you mean \"%s\"?",
					   w->of[i], near.best)
				 : fault(why, "there is no edge \"%s\"", w->of[i]);
	}
	return true;
}

size_t cases_explain(const struct cases_one *c, const char *words[static CASE_WORDS_MOST])
{
	size_t n = 0;

	words[n++] = c->ask;
	if (c->type)
		words[n++] = c->type;
	words[n++] = "--client";
	words[n++] = c->client;
	if (c->resolver) {
		words[n++] = "--resolver";
		words[n++] = c->resolver;
	}
	return n;
}

bool cases_try(const struct cases_one *c, const struct parts *p, bool json, struct text *to,
	struct fault *why)
{
	const char *words[CASE_WORDS_MOST];
	struct explain_ask ask;
	struct forced_list list = { 0 };

	if (!explain_parse(&ask, words, cases_explain(c, words), why) ||
		!are_edges(p->steer, &c->edges, why) || !are_edges(p->steer, &c->within, why) ||
		!are_edges(p->steer, &c->without, why))
		return false;
	const bool ok = changes_of(c, p, &list, why);
	if (ok) {
		struct report_view *v = memory_zeroed(1, sizeof *v);
		struct world *w = world_of(p, &list, c->at_s);
		v->world = w;
		v->live = *p;
		v->clock = latency_read_csv("");
		v->health.forced = list;
		v->health.rows.row_of = memory_zeroed(p->steer->n_pools, sizeof(uint16_t));
		explain_run(v, &ask, json, to);
		memory_free(v->health.rows.row_of);
		memory_free(v);
		world_drop(w);
	}
	forced_fini(&list);
	return ok;
}

/* --- judging ------------------------------------------------------------------------------ */

struct judging {
	const struct cases *all;
	const struct cases_one *c;
	const json_t *explained;
	struct text *out;
	bool ok;
};

static void tell(struct judging *j, const struct node *at, const char *what,
	const char *expected, const char *got)
{
	text_addf(j->out, "%s:%u:%u: %s: expected %s, got %s\n", j->all->path, at->line,
		at->column, what, *expected ? expected : "none", *got ? got : "none");
	j->ok = false;
}

static bool has(const json_t *list, const char *word)
{
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o)
		if (strcmp(json_string_value(o), word) == 0)
			return true;
	return false;
}

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The edges that were chosen on all steps, each once. */
static json_t *chosen(const json_t *explained)
{
	json_t *to = json_array(), *step, *e;
	size_t i, k;

	json_array_foreach (json_object_get(explained, "steps"), i, step)
		json_array_foreach (json_object_get(step, "edges"), k, e)
			if (*get(e, "edge") && strcmp(get(e, "verdict"), "chosen") == 0 &&
				!has(to, get(e, "edge")))
				json_array_append(to, json_object_get(e, "edge"));
	return to;
}

static json_t *words_json(const struct case_words *w)
{
	json_t *to = json_array();

	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(to, json_string(w->of[i]));
	return to;
}

static void add_list(const json_t *list, struct text *to)
{
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o)
		text_addf(to, "%s%s", i ? " " : "", json_string_value(o));
}

static void tell_lists(struct judging *j, const struct node *at, const char *what,
	const json_t *expected, const json_t *got)
{
	struct text e = { 0 }, g = { 0 };

	add_list(expected, &e);
	add_list(got, &g);
	tell(j, at, what, text_get(&e), text_get(&g));
	text_fini(&e);
	text_fini(&g);
}

static void judge_edges(struct judging *j)
{
	const struct cases_one *c = j->c;
	json_t *got = chosen(j->explained), *edges = words_json(&c->edges),
	       *within = words_json(&c->within);
	bool same = json_array_size(got) == json_array_size(edges), inside = true;
	size_t i;
	json_t *o;

	json_array_foreach (got, i, o) {
		same = same && has(edges, json_string_value(o));
		inside = inside && has(within, json_string_value(o));
	}
	if (c->edges.node && !same)
		tell_lists(j, c->edges.node, "edges", edges, got);
	if (c->within.node && (!inside || !json_array_size(got)))
		tell_lists(j, c->within.node, "within", within, got);
	for (i = 0; i < c->without.n; i++)
		if (has(got, c->without.of[i])) {
			struct text g = { 0 }, e = { 0 };
			add_list(got, &g);
			text_addf(&e, "not %s", c->without.of[i]);
			tell(j, c->without.at[i], "without", text_get(&e), text_get(&g));
			text_fini(&g);
			text_fini(&e);
		}
	json_decref(got);
	json_decref(edges);
	json_decref(within);
}

/* "192.0.2.1", or "A 192.0.2.1": spaces between the words of a record are one. */
static bool is_record(const char *expected, const json_t *rr)
{
	const char *type = get(rr, "type"), *data = get(rr, "data");
	const size_t n = strlen(type);

	return strcmp(expected, data) == 0 ||
		(strncmp(expected, type, n) == 0 && expected[n] == ' ' &&
			strcmp(expected + n + strspn(expected + n, " "), data) == 0);
}

static void judge_records(struct judging *j)
{
	const json_t *records = json_object_get(
		json_object_get(j->explained, "answer"), "records");
	const struct case_words *w = &j->c->records;
	json_t *got = json_array(), *rr;
	size_t i, n = 0, met = 0;

	json_array_foreach (records, i, rr) {
		if (strcmp(get(rr, "type"), "RRSIG") == 0)
			continue;
		struct text one = { 0 };
		bool any = false;
		n++;
		for (size_t k = 0; k < w->n && !any; k++)
			any = is_record(w->of[k], rr);
		met += any;
		text_addf(&one, "%s%s %s", n > 1 ? "| " : "", get(rr, "type"), get(rr, "data"));
		json_array_append_new(got, json_string(text_get(&one)));
		text_fini(&one);
	}
	if (w->node && (met != w->n || n != w->n)) {
		json_t *expected = words_json(w);
		tell_lists(j, w->node, "records", expected, got);
		json_decref(expected);
	}
	json_decref(got);
}

static void judge_numbers(struct judging *j)
{
	const json_t *answer = json_object_get(j->explained, "answer");
	const json_t *first = json_array_get(json_object_get(answer, "records"), 0),
		     *scope = json_object_get(answer, "scope");
	char e[32], g[32] = "";

	if (j->c->rcode && strcmp(j->c->rcode, get(answer, "rcode")) != 0)
		tell(j, j->c->rcode_node, "rcode", j->c->rcode, get(answer, "rcode"));
	if (j->c->ttl_node && json_integer_value(json_object_get(first, "ttl")) != j->c->ttl) {
		snprintf(e, sizeof e, "%u", j->c->ttl);
		if (first)
			snprintf(g, sizeof g, "%lld",
				(long long)json_integer_value(json_object_get(first, "ttl")));
		tell(j, j->c->ttl_node, "ttl", e, g);
	}
	if (j->c->scope_node && (!scope || json_integer_value(scope) != j->c->scope)) {
		snprintf(e, sizeof e, "/%u", j->c->scope);
		*g = 0;
		if (scope)
			snprintf(g, sizeof g, "/%lld", (long long)json_integer_value(scope));
		tell(j, j->c->scope_node, "scope", e, g);
	}
}

bool cases_judge(const struct cases *all, const struct cases_one *c, const char *explained,
	size_t len, struct text *to)
{
	json_t *o = json_loadb(explained, len, 0, NULL);
	struct judging j = { all, c, o, to, true };

	if (!o) {
		tell(&j, c->node, "this case", "an explanation", "something else");
		return false;
	}
	judge_numbers(&j);
	judge_edges(&j);
	if (c->records.node)
		judge_records(&j);
	json_decref(o);
	return j.ok;
}
