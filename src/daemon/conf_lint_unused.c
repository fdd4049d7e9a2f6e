/* conf_lint_unused.c - names that nothing in the configuration, and no zone, mentions.
 */
#include "daemon/conf_lint_inner.h"

#include "base/memory.h"
#include "steer/forced.h"
#include "zone/registry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- all that is mentioned in some sections ----------------------------------------------- */

struct words {
	const char **of;
	size_t n, room;
};

static void add(struct words *w, const char *word)
{
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 1024;
		w->of = memory_grow(w->of, w->room * sizeof *w->of);
	}
	w->of[w->n++] = word;
}

/* Values, and the keys of mappings, which may be names, too. */
static void gather(struct words *w, const struct node *n)
{
	if (n->kind == NODE_SCALAR)
		add(w, n->text);
	for (const struct node *i = n->first; i; i = i->next) {
		if (i->key)
			add(w, i->key->text);
		gather(w, i);
	}
}

static int compare(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the sections whose names are in `in`; of one that has the names themselves, what stands
 * below these. */
static struct words mentioned(const struct linting *l, const char *const *in, const char *own)
{
	struct words w = { 0 };

	for (const struct node *n = l->top->first; n; n = n->next) {
		bool is = !in;
		for (const char *const *i = in; i && *i && !is; i++)
			is = strcmp(*i, n->key->text) == 0;
		if (!is)
			continue;
		if (strcmp(n->key->text, own) != 0)
			gather(&w, n);
		for (const struct node *i = n->first; i && strcmp(n->key->text, own) == 0;
			i = i->next)
			gather(&w, i);
	}
	if (w.n)
		qsort(w.of, w.n, sizeof *w.of, compare);
	return w;
}

static bool has(const struct words *w, const char *word)
{
	return w->n && bsearch(&word, w->of, w->n, sizeof *w->of, compare);
}

/* --- sections ----------------------------------------------------------------------------- */

struct section {
	enum lint_which rule;
	const char *name;      /* of the section */
	const char *const *in; /* where its names are asked for; NULL: anywhere */
	const char *passes;    /* a name that need not be used; NULL */
	const char *say;       /* with the name in it */
};

static void look(const struct linting *l, const struct section *s)
{
	const struct node *names = parse_get(l->top, s->name);
	struct words w = { 0 };

	if (!names || names->kind != NODE_MAP || !names->n)
		return;
	w = mentioned(l, s->in, s->name);
	for (const struct node *n = names->first; n; n = n->next) {
		const char *name = n->key->text;
		const size_t len = strlen(name);
		if (s->passes && strcmp(s->passes, name) == 0)
			continue;
		if (has(&w, name))
			continue;
		/* A key of TSIG may be written with its last dot. */
		char *other = memory_zeroed(len + 2, 1);
		memcpy(other, name, len);
		if (len && other[len - 1] == '.')
			other[len - 1] = 0;
		else
			other[len] = '.';
		if (!has(&w, other))
			lint_doubt(l, s->rule, n->key, "%s \"%s\"", s->say, name);
		memory_free(other);
	}
	memory_free(w.of);
}

/* --- pools -------------------------------------------------------------------------------- */

/* Are all zones there, so that what none of them names is not named? */
static bool knows_all_zones(const struct linting *l)
{
	const struct registry *z = l->o->parts->zones;

	if (l->conf->store_file || z->n_faulty || z->n_empty || l->conf->consumed.n)
		return false;
	for (size_t i = 0; i < z->n; i++)
		if (z->zones[i]->source == REGISTRY_PRIMARY)
			return false;
	return true;
}

bool lint_is_named(const struct linting *l, const char *pool)
{
	const struct registry *all = l->o->parts->zones;

	for (size_t i = 0; i < all->n; i++) {
		const struct zone *z = zone_set_get(all->set, i);
		for (unsigned k = 0; k < z->pools_n; k++)
			if (strcmp(z->pools[k], pool) == 0)
				return true;
	}
	return false;
}

static void look_at_pools(const struct linting *l)
{
	static const char *const in[] = { "pools", NULL };
	const struct node *names = parse_get(l->top, "pools");

	if (!names || !knows_all_zones(l))
		return;
	struct words w = mentioned(l, in, "pools");
	for (const struct node *n = names->first; n; n = n->next)
		if (!has(&w, n->key->text) && !lint_is_named(l, n->key->text))
			lint_doubt(l, LINT_UNUSED_POOL, n->key,
				"no zone has an EDGE record for pool \"%s\", and no pool names "
				"it",
				n->key->text);
	memory_free(w.of);
}

static void look_at_groups(const struct linting *l)
{
	const struct node *groups = parse_get(l->top, "edge-groups"),
			  *windows = parse_get(l->top, "maintenance");

	if (!groups || !windows) /* they are for commands, too */
		return;
	struct words w = { 0 };
	gather(&w, windows);
	if (w.n)
		qsort(w.of, w.n, sizeof *w.of, compare);
	for (const struct node *n = groups->first; n; n = n->next) {
		char word[256] = "group:";
		strncat(word, n->key->text, sizeof word - 8);
		if (!has(&w, word))
			lint_doubt(l, LINT_UNUSED_GROUP, n->key,
				"no window of maintenance names group:%s", n->key->text);
	}
	memory_free(w.of);
}

void lint_unused(const struct linting *l)
{
	static const char *const pools[] = { "pools", NULL },
				 *const probed[] = { "pools", "edges", "probes", NULL },
				 *const zones[] = { "zones", "templates", NULL };
	static const struct section sections[] = {
		{ LINT_UNUSED_EDGE, "edges", pools, NULL, "no pool has edge" },
		{ LINT_UNUSED_PROBE, "probes", probed, NULL, "nothing names probe" },
		{ LINT_UNUSED_CLASS, "clients", NULL, NULL,
			"nothing names the class of clients" },
		{ LINT_UNUSED_PEER, "peers", NULL, NULL, "nothing names peer" },
		{ LINT_UNUSED_KEY, "keys", NULL, NULL, "nothing names key" },
		{ LINT_UNUSED_POLICY, "dnssec", zones, "auto", "no zone is signed by policy" },
	};
	static const struct section templates = { LINT_UNUSED_TEMPLATE, "templates", zones,
		NULL, "no zone has template" };

	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		look(l, &sections[i]);
	if (!l->conf->store_file) /* zones are added by command */
		look(l, &templates);
	look_at_pools(l);
	look_at_groups(l);
}
