#include "daemon/zone_orders_inner.h"

#include "base/memory.h"
#include "base/near.h"

#include <stdio.h>
#include <string.h>

bool zone_orders_name(const char *text, uint8_t to[static NAME_MOST], struct text *out)
{
	struct fault why;

	if (view_parse(to, text, &why))
		return true;
	text_addf(out, "%s\n", why.text);
	return false;
}

const struct registry_zone *zone_orders_find(
	const struct zone_orders *o, const char *text, struct text *out)
{
	uint8_t name[NAME_MOST];

	if (!zone_orders_name(text, name, out))
		return NULL;
	const struct registry_zone *z =
		registry_find(publisher_live(o->opts.publisher)->zones, name);
	if (!z)
		text_addf(out, "there is no zone %s (\"waymarkctl zones\" lists them)\n", text);
	return z;
}

const struct registry_zone *zone_orders_served(
	const struct zone_orders *o, const char *text, struct text *out)
{
	const struct registry_zone *z = zone_orders_find(o, text, out);

	if (!z || zone_is_ready(z->load.zone))
		return z;
	text_addf(out, "zone %s: nothing is served of it yet (%s)\n", text, registry_state_text(z->state));
	return NULL;
}

bool zone_orders_start(
	const struct zone_orders *o, const char *zone, const struct job_opts *job)
{
	struct job_opts own = *job;

	own.lane = o->lane;
	own.name = "zone";
	own.about = zone;
	return jobs_start(o->opts.jobs, &own) != NULL;
}

static int ask(const struct zone_orders *o, const char *text, bool whole, struct text *out)
{
	const struct registry_zone *z = zone_orders_find(o, text, out);

	if (!z)
		return 1;
	if (z->source != REGISTRY_PRIMARY) {
		text_addf(out, "zone %s does not come from a primary\n", text);
		return 1;
	}
	/* Not known yet: just added, and its primary is asked as soon as it is. */
	if (!refresher_ask(o->opts.refresher, z->origin, whole) && whole) {
		text_addf(out, "zone %s: its primary is asked for the first time in a moment: try again then\n", text);
		return 1;
	}
	text_addf(out, "%s: %s\n", text,
		whole ? "is fetched whole (\"zone status\" shows how it goes)"
		      : "its primary is asked (\"zone status\" shows how it goes)");
	return 0;
}

static int refresh_order(void *ctx, const char **words, size_t n, struct command_call *c)
{
	return n == 2 ? ask(ctx, words[1], false, c->out) : 2;
}

static int retransfer_order(void *ctx, const char **words, size_t n, struct command_call *c)
{
	return n == 2 ? ask(ctx, words[1], true, c->out) : 2;
}

static const struct {
	const char *word;
	command_fn *run;
} table[] = { { "status", zone_orders_status }, { "refresh", refresh_order },
	{ "retransfer", retransfer_order }, { "add", zone_orders_add },
	{ "remove", zone_orders_remove }, { "promote", zone_orders_promote },
	{ "demote", zone_orders_demote }, { "purge", zone_orders_purge },
	{ "notify", zone_orders_notify }, { "freeze", zone_orders_freeze },
	{ "thaw", zone_orders_thaw }, { "sync", zone_orders_sync }, { "begin", zone_orders_begin }, { "set", zone_orders_set },
	{ "unset", zone_orders_unset }, { "diff", zone_orders_diff },
	{ "commit", zone_orders_commit }, { "abort", zone_orders_abort },
	{ "edit", zone_orders_edit }, { "history", zone_orders_history }, { "export", zone_orders_export } };

/* "NAME for CLASS" becomes one word, in `to`, which lives as long as the words: a view's name, where there is that view; or where
 * nothing else can be meant. What a draft gets may be at a name that is "for". */
static size_t take_view(const struct zone_orders *o, const char **words, size_t n, char *to, size_t room)
{
	const bool records = n && (strcmp(words[0], "set") == 0 || strcmp(words[0], "unset") == 0);
	/* A record comes as one word. */
	const bool inside = records && n == 3 && strncmp(words[2], "for ", 4) == 0;
	uint8_t id[NAME_MOST];
	struct fault why;

	if (!inside && (n < 4 || strcmp(words[2], "for") != 0))
		return n;
	const char *class = inside ? words[2] + 4 : words[3], *end = class + strcspn(class, " ");
	const int len = snprintf(to, room, "%s%s%.*s", words[1], VIEW_FOR, (int)(end - class), class);
	if (len < 0 || (size_t)len >= room || (records &&
		(!view_parse(id, to, &why) || !registry_find(publisher_live(o->opts.publisher)->zones, id))))
		return n;
	words[1] = to;
	if (inside && *end) {
		words[2] = end + 1;
		return n;
	}
	const size_t taken = inside ? 1 : 2;
	memmove(words + 2, words + 2 + taken, (n - 2 - taken) * sizeof(*words));
	return n - taken;
}

static int zone_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct near_word near = { .word = n ? words[0] : "" };
	char view[NAME_TEXT + VIEW_CLASS_MOST];

	n = take_view(ctx, words, n, view, sizeof view);
	for (size_t i = 0; n && i < sizeof table / sizeof *table; i++) {
		if (strcmp(words[0], table[i].word) == 0)
			return table[i].run(ctx, words, n, c);
		near_offer(&near, table[i].word);
	}
	if (n && near.best)
		text_addf(c->out, "there is no \"zone %s\"; did you mean \"zone %s\"?\n", words[0],
			near.best);
	return 2;
}

/* "serial 8, ready, frozen, from a template"; "none". Of all zones there is nothing to tell. */
static void zone_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct zone_orders *o = ctx;
	const char *own[COMMAND_WORDS_MOST];
	char view[NAME_TEXT + VIEW_CLASS_MOST];
	uint8_t id[NAME_MOST];
	struct fault why;

	memcpy(own, words, n * sizeof *own);
	n = take_view(o, own, n, view, sizeof view);
	if (n < 2 || own[1][0] == '-' || !view_parse(id, own[1], &why))
		return;
	const struct registry_zone *z = registry_find(publisher_live(o->opts.publisher)->zones, id);
	if (!z)
		strcpy(to, "none");
	else
		snprintf(to, COMMAND_STATE, "serial %u, %s%s%s%.60s", z->load.zone->serial, registry_state_text(z->state),
			o->opts.frozen && frozen_find(o->opts.frozen, id) ? ", frozen" : "",
			z->added ? z->added->promoted ? ", promoted, template " : ", template " : "",
			z->added ? z->added->template : "");
}

struct zone_orders *zone_orders_new(
	const struct zone_orders_opts *opts, struct commands *commands)
{
	struct zone_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	o->lane = jobs_lane(opts->jobs, 2, JOBS_POLITE);
	o->export_lane = jobs_lane(opts->jobs, 6, JOBS_POLITE);
	commands_bind(commands, "zone", zone_command, o);
	commands_bind_state(commands, "zone", zone_state);
	return o;
}

void zone_orders_free(struct zone_orders *o)
{
	zone_orders_drop_drafts(o);
	memory_free(o);
}
