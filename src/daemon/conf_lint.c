#include "daemon/conf_lint.h"

#include "conf/include.h"
#include "daemon/conf_lint_inner.h"
#include "daemon/parts_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *name, *about;
} rules[] = {
	[LINT_UNUSED_EDGE] = { "unused-edge", "no pool has the edge" },
	[LINT_UNUSED_POOL] = { "unused-pool", "no zone and no other pool names the pool" },
	[LINT_UNUSED_PROBE] = { "unused-probe", "nothing names the probe" },
	[LINT_UNUSED_CLASS] = { "unused-class", "nothing names the class of clients" },
	[LINT_UNUSED_PEER] = { "unused-peer", "nothing names the peer" },
	[LINT_UNUSED_KEY] = { "unused-key", "nothing names the key" },
	[LINT_UNUSED_TEMPLATE] = { "unused-template", "no zone has the template" },
	[LINT_UNUSED_POLICY] = { "unused-policy", "no zone is signed by the policy" },
	[LINT_UNUSED_GROUP] = { "unused-group",
		"no window of maintenance names the group of edges" },
	[LINT_ONE_EDGE] = { "one-edge", "a name that has one edge alone" },
	[LINT_TWO_KINDS] = { "two-kinds", "a pool with pools of addresses and of a cname in it" },
	[LINT_NEVER_UP] = { "never-up", "a pool that wants more edges up than it has" },
	[LINT_NO_WEIGHT] = { "no-weight",
		"a member of weight 0 is not chosen while another can be" },
	[LINT_NEVER_DOWN] = { "never-down",
		"without a probe, all members behind the first of an ordered pool are for "
		"operators alone" },
	[LINT_SHADOWED_RULE] = { "shadowed-rule",
		"a rule for clients whom a rule before it takes" },
	[LINT_EMPTY_RULE] = { "empty-rule", "a rule that leaves out all clients that it is for" },
	[LINT_LONG_TTL] = { "long-ttl", "answers that live long after their edge has failed" },
	[LINT_SHORT_TTL] = { "short-ttl",
		"answers that live so short that resolvers ask without end" },
	[LINT_SWAPPED] = { "swapped-coordinates",
		"an edge whose latitude and longitude look swapped" },
	[LINT_NULL_ISLAND] = { "null-island", "an edge at 0,0" },
	[LINT_WINDOW_OVER] = { "window-over", "a window of maintenance that is over" },
};

const char *lint_rule(size_t i)
{
	return i < LINT_RULES ? rules[i].name : NULL;
}

const char *lint_rule_about(size_t i)
{
	return i < LINT_RULES ? rules[i].about : NULL;
}

/* --- silence ------------------------------------------------------------------------------ */

static bool is_listed(const char *at, const char *end, const char *rule)
{
	const size_t n = strlen(rule);

	while (at < end) {
		at += strspn(at, " ,\t");
		size_t word = strcspn(at, " ,\t\r\n");
		if (at + word > end)
			word = (size_t)(end - at);
		if (word == n && memcmp(at, rule, n) == 0)
			return true;
		if (!word)
			return false;
		at += word;
	}
	return false;
}

/* "# allow: RULE, RULE" in that line. */
static bool allows(const char *line, const char *end, const char *rule)
{
	static const char word[] = "# allow:";

	for (const char *at = line; at + sizeof word - 1 <= end; at++)
		if (memcmp(at, word, sizeof word - 1) == 0)
			return is_listed(at + sizeof word - 1, end, rule);
	return false;
}

static bool is_allowed_here(const struct fault_at *at, const char *rule)
{
	const char *line = at->text, *before = NULL;

	for (unsigned i = 1; i < at->line; i++) {
		const char *next = memchr(line, '\n', (size_t)(at->text_end - line));
		if (!next)
			return false;
		before = line;
		line = next + 1;
	}
	const char *end = memchr(line, '\n', (size_t)(at->text_end - line));
	return allows(line, end ? end : at->text_end, rule) ||
		(before && allows(before, line - 1, rule));
}

void lint_doubt(const struct linting *l, enum lint_which which, const struct node *at,
	const char *fmt, ...)
{
	const char *rule = rules[which].name;
	const struct fault_at where = conf_place(l->conf, at->file, at->line, at->column);
	char say[512];
	va_list ap;

	for (size_t i = 0; i < l->o->n_allowed; i++)
		if (strcmp(l->o->allowed[i], rule) == 0 || strcmp(l->o->allowed[i], "all") == 0)
			return;
	if (is_allowed_here(&where, rule))
		return;
	va_start(ap, fmt);
	vsnprintf(say, sizeof say, fmt, ap);
	va_end(ap);
	faults_warning(l->f, &where, "%s [%s]", say, rule);
}

/* ------------------------------------------------------------------------------------------ */

const struct node *lint_entry(const struct linting *l, const char *section, const char *name)
{
	const struct node *in = parse_get(l->top, section);

	return in ? parse_get(in, name) : NULL;
}

static void look_at_windows(const struct linting *l)
{
	const struct node *list = parse_get(l->top, "maintenance"),
			  *n = list ? list->first : NULL;

	for (size_t i = 0; i < l->conf->n_maintenance && n; i++, n = n->next)
		if (l->conf->maintenance[i].until_s <= time(NULL) && parse_get(n, "until"))
			lint_doubt(l, LINT_WINDOW_OVER, parse_get(n, "until"),
				"this window is over; take it out");
}

void lint(const struct lint_opts *o, struct faults *f)
{
	struct arena mem = { 0 };
	struct linting l = { .o = o, .conf = parts_conf(o->parts), .mem = &mem, .f = f };
	struct faults unheard;

	faults_init(&unheard);
	l.top = include_tree(&l.conf->sources, &mem, NULL, &unheard);
	faults_fini(&unheard);
	if (l.top) {
		lint_unused(&l);
		lint_pools(&l);
		lint_edges(&l);
		look_at_windows(&l);
	}
	arena_fini(&mem);
}
