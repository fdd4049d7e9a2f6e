/* schema_maintenance.c - edge-groups, names for several edges; and maintenance, windows in
 * which edges are taken out.
 */
#include "base/near.h"
#include "base/moment.h"
#include "conf/option.h"
#include "conf/schema.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WORDS_MOST = 1024, WINDOWS_MOST = 1024, GROUPS_MOST = 1024 };

static const char a_group[] = "group:";

/* --- words for edges and pools ------------------------------------------------------------ */

/* Words so far, apart by commas. */
struct words {
	char text[FORCED_WHERE_MOST + 1];
	size_t len;
};

static bool add_word(
	const struct reader *r, const struct node *at, struct words *to, const char *word)
{
	const size_t len = strlen(word);

	if (to->len + len + 2 > sizeof to->text)
		return parse_error(r->src, at,
			"at most %d bytes of names and patterns in one list",
			FORCED_WHERE_MOST);
	if (to->len)
		to->text[to->len++] = ',';
	memcpy(to->text + to->len, word, len + 1);
	to->len += len;
	return true;
}

/* Does it fit any of them? */
static bool is_known(const struct known *known, const char *word)
{
	for (size_t i = 0; i < known->n; i++)
		if (forced_matches(word, known->names[i].name))
			return true;
	return false;
}

static bool add_known(const struct reader *r, const struct schema_names *of,
	const struct node *at, struct words *to)
{
	const char *text = option_scalar(r, of->key, at);
	unsigned number;

	if (!text)
		return false;
	if (strchr(text, ','))
		return parse_error(r->src, at, "one name or pattern each, without a comma");
	if (!forced_is_pattern(text) && !schema_find(r, of, at, &number))
		return false;
	if (!is_known(of->known, text))
		return parse_error(r->src, at, "no %s is like \"%s\"", of->one, text);
	return add_word(r, at, to, text);
}

const char *conf_edge_group(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_edge_groups; i++)
		if (strcmp(c->edge_groups[i].name, name) == 0)
			return c->edge_groups[i].edges;
	return NULL;
}

static bool add_group(const struct reader *r, const struct node *at, struct words *to)
{
	const char *name = at->text + sizeof a_group - 1,
		   *edges = conf_edge_group(r->conf, name);
	struct near_word near = { .word = name };

	if (edges)
		return add_word(r, at, to, edges);
	for (size_t i = 0; i < r->conf->n_edge_groups; i++)
		near_offer(&near, r->conf->edge_groups[i].name);
	return parse_error(r->src, at,
		near.best ? "there is no group \"%s\" in edge-groups; did you mean \"%s\"?"
			  : "there is no group \"%s\" in edge-groups",
		name, near.best);
}

static bool is_group(const struct node *n)
{
	return n->kind == NODE_SCALAR && strncmp(n->text, a_group, sizeof a_group - 1) == 0;
}

/* One word, or a list of them; "" when one is wrong, which is told. */
static const char *take_words(
	struct reader *r, const struct schema_names *of, bool groups, const struct node *value)
{
	struct words to = { .len = 0 };
	bool ok = true;

	if (!option_is_list(r, of->key, value, WORDS_MOST))
		return "";
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		ok = (groups && is_group(i) ? add_group(r, i, &to)
					    : add_known(r, of, i, &to)) &&
			ok;
	return ok ? arena_strdup(r->mem, to.text) : "";
}

/* --- edge-groups -------------------------------------------------------------------------- */

void schema_edge_groups(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > GROUPS_MOST) {
		parse_error(r->src, value, "at most %d groups", GROUPS_MOST);
		return;
	}
	c->edge_groups = arena_zalloc(r->mem, value->n * sizeof *c->edge_groups);
	for (const struct node *n = value->first; n; n = n->next) {
		const struct key row = { .name = n->key->text,
			.say = "an edge, a pattern such as ams*, or a list of them" };
		if (!keys_has_value(r, n))
			continue;
		struct conf_edge_group *g = &c->edge_groups[c->n_edge_groups];
		g->name = arena_strdup(r->mem, n->key->text);
		g->edges = take_words(r,
			&(struct schema_names){ &row, &r->edges, "edge", "edges" }, false, n);
		c->n_edge_groups++;
	}
}

/* --- maintenance -------------------------------------------------------------------------- */

static void take_edges(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	((struct forced *)to)->edge = (char *)(uintptr_t)take_words(
		r, &(struct schema_names){ key, &r->edges, "edge", "edges" }, true, value);
}

static void take_pools(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	((struct forced *)to)->pool = (char *)(uintptr_t)take_words(
		r, &(struct schema_names){ key, &r->pools, "pool", "pools" }, false, value);
}

static void take_state(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "up", "down", "drain", NULL };
	const int at = option_word(r, key, value, words);

	if (at >= 0)
		edge_state_parse(to, words[at]);
}

static void take_weight(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct forced *f = to;
	uint32_t weight = 0;

	option_number(r, key, value, &weight);
	f->what = FORCED_WEIGHT;
	f->weight = weight;
}

static void take_moment(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	/* A time without its day would be another one at each reload. */
	if (text && (strlen(text) < 16 || !moment_parse(to, text, 0)))
		option_wrong(r, key, value);
}

#define AT(field) .at = offsetof(struct forced, field)
#define MOMENT    "a moment in UTC, such as 2026-12-01T02:00Z"

const struct key schema_window_keys[] = {
	{ "edges", take_edges,
		.say = "an edge, a pattern such as ams*, group:NAME, or a list of them",
		.needed = "edges: [ ams1 ]",
		.about =
			"Which edges. In a pattern * is any run of characters and ? any one." },
	{ "pools", take_pools, .say = "a pool, a pattern such as web*, or a list of them",
		.about = "In which pools, and those in them.", .otherwise = "all" },
	{ "state", take_state, .say = "up, down or drain", AT(state),
		.about = "What they are meanwhile, whatever the probes say. drain takes "
			 "clients away bit by "
			 "bit, where it is of all pools.",
		.otherwise = "drain" },
	{ "weight", take_weight, .say = "a number from 0 to 65535", .most = EDGE_WEIGHT_MOST,
		.about = "What they weigh meanwhile; their state stays.",
		.otherwise = "as it is" },
	{ "from", take_moment, .say = MOMENT, AT(from_s), .needed = "from: 2026-12-01T02:00Z",
		.about = "When the window begins." },
	{ "until", take_moment, .say = MOMENT, AT(until_s),
		.needed = "until: 2026-12-01T04:00Z",
		.about = "When it ends. One that has ended may stay in the file." },
	{ "why", option_text, .say = "one line of text", AT(why),
		.about = "What is shown as the reason.", .otherwise = "nothing" },
	{ 0 },
};

static bool read_window(struct reader *r, const struct node *n, struct forced *to)
{
	const unsigned before = r->src->faults->errors;

	*to = (struct forced){ .edge = "",
		.pool = "",
		.who = "",
		.why = "",
		.state = EDGE_DRAIN,
		.until_us = UINT64_MAX };
	if (!keys_is_map(r, n, "an entry of maintenance"))
		return false;
	keys_read(r, schema_window_keys, n, "maintenance", to);
	if (r->src->faults->errors != before)
		return false;
	if (parse_get(n, "weight") && parse_get(n, "state"))
		return parse_error(r->src, parse_get(n, "weight")->key,
			"\"weight\" and \"state\" are two windows");
	if (to->until_s <= to->from_s)
		return parse_error(r->src, parse_get(n, "until"), "it ends before it begins");
	return true;
}

void schema_maintenance(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (value->kind != NODE_LIST) {
		option_wrong(r, key, value);
		return;
	}
	if (value->n > WINDOWS_MOST) {
		parse_error(r->src, value, "at most %d windows", WINDOWS_MOST);
		return;
	}
	struct forced *list = arena_zalloc(r->mem, value->n * sizeof *list);
	c->maintenance = list;
	for (const struct node *n = value->first; n; n = n->next)
		if (read_window(r, n, &list[c->n_maintenance]))
			c->n_maintenance++;
}
