/* orders_state.c - how it stands with what orders change, in a few words: for the audit, before and after.
 *
 * The words are looked at as far as they say of what; what is wrong with them is for who runs them.
 */
#include "daemon/orders_inner.h"
#include "daemon/parts_read.h"
#include "steer/fail_over.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target of "force" or "verdict" without its options; "": there is none. A group is what the configuration has for
 * it now. */
static const char *edge_of(const struct orders *o, const char *const *words, size_t n, const char **pool)
{
	static const char *const options[] = { "--pool", "--for", "--at", "--until", "--why", "--probe", "--load", "--address" };
	const char *own[COMMAND_WORDS_MOST], *value;

	memcpy(own, words, n * sizeof *own);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (command_take_value(own, &n, options[i], &value) && i == 0)
			*pool = value;
	command_take_word(own, &n, "--here");
	command_take_word(own, &n, "--json");
	if (!n)
		return "";
	const char *group = strncmp(own[0], "group:", 6) == 0
		? conf_edge_group(parts_conf(publisher_live(o->opts.publisher)), own[0] + 6)
		: NULL;
	return group ? group : own[0];
}

/* What holds of that edge and pool, and what is planned for it. */
static void force_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct forced_list *l = probes_changes(o->opts.probes);
	const char *pool = "", *edge = edge_of(o, words, n, &pool), *at = strrchr(edge, '@');
	const size_t len = at ? (size_t)(at - edge) : strlen(edge);
	char what[32], is[32] = "auto";
	unsigned planned = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct forced *f = &l->of[i];
		if (strlen(f->edge) != len || strncmp(f->edge, edge, len) != 0 || strcmp(f->pool, at ? at + 1 : pool) != 0)
			continue;
		planned += !f->begun;
		if (f->begun)
			snprintf(is, sizeof is, "%s", forced_text(f, what));
	}
	snprintf(to, COMMAND_STATE, planned ? "%s, %u planned" : "%s", is, planned);
}

/* The change of that number. */
static void revoke_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct forced_list *l = probes_changes(o->opts.probes);
	char what[32], *end;
	const unsigned long id = n ? strtoul(words[0], &end, 10) : 0;

	for (size_t i = 0; id && !*end && i < l->n; i++)
		if (l->of[i].id == id)
			snprintf(to, COMMAND_STATE, "%.60s%s%.40s %s, %s", l->of[i].edge, *l->of[i].pool ? "@" : "",
				l->of[i].pool, forced_text(&l->of[i], what), l->of[i].begun ? "on" : "planned");
}

static void fail_back_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct fail_overs *l = probes_failed_over(o->opts.probes);
	const struct fail_over *f = n && words[0][0] != '-' ? fail_over_find(l, words[0]) : NULL;

	if (f)
		snprintf(to, COMMAND_STATE, "failed over to %.100s", f->member);
	else if (n && words[0][0] != '-')
		snprintf(to, COMMAND_STATE, "not failed over");
	else
		snprintf(to, COMMAND_STATE, "%zu failed over", l->n);
}

/* What is told of that edge as a whole. */
static void verdict_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct externals *l = probes_externals(o->opts.probes);
	const char *pool, *edge = edge_of(o, words, n, &pool);
	size_t len = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct external_verdict *v = &l->of[i];
		if (v->one || strcmp(v->edge, edge) != 0 || len + 2 > COMMAND_STATE)
			continue;
		len += (size_t)snprintf(to + len, COMMAND_STATE - len, "%s%s by %.40s", len ? ", " : "", v->up ? "up" : "down",
			v->probe);
	}
	if (!len)
		snprintf(to, COMMAND_STATE, "nothing told");
}

/* What is served, and what is staged. */
static void what_is_served(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct parts *p = publisher_live(o->opts.publisher), *staged = publisher_staged(o->opts.publisher);

	(void)words;
	(void)n;
	const int len = snprintf(to, COMMAND_STATE, "configuration %08x: %zu zones, %u pools, %u edges", parts_conf(p)->digest,
		p->zones->n, p->steer->n_named, p->steer->n_origins);
	if (staged)
		snprintf(to + len, COMMAND_STATE - (size_t)len, "; staged %08x for %g %%", parts_conf(staged)->digest,
			staging_report(o->opts.staging).percent);
}

static void latency_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct orders *o = ctx;
	const struct latency *t = publisher_live(o->opts.publisher)->table;
	const struct latency_size size = t ? latency_size(t) : (struct latency_size){ 0 };

	(void)words;
	(void)n;
	snprintf(to, COMMAND_STATE, "%zu networks measured, %zu times", size.nets, size.cells);
}

void orders_state_bind(struct commands *commands)
{
	commands_bind_state(commands, "force", force_state);
	commands_bind_state(commands, "revoke", revoke_state);
	commands_bind_state(commands, "fail-back", fail_back_state);
	commands_bind_state(commands, "verdict", verdict_state);
	commands_bind_state(commands, "reload", what_is_served);
	commands_bind_state(commands, "latency", latency_state);
}
