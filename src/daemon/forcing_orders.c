/* forcing_orders.c - the commands force, revoke, history and fail-back.
 */
#include "base/clock.h"
#include "base/moment.h"
#include "daemon/orders_inner.h"
#include "daemon/parts_read.h"
#include "report/report.h"
#include "steer/fail_over.h"
#include "steer/forced_effect.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHOWN_USUALLY = 50 };

/* It is shown on terminals and kept in a file. */
static bool is_fit(const char *text)
{
	json_t *utf8 = json_string(text);
	bool fit = utf8 != NULL && strlen(text) <= FORCED_TEXT_MOST;

	json_decref(utf8);
	for (; fit && *text; text++)
		fit = (unsigned char)*text >= ' ' && *text != 0x7f;
	return fit;
}

static bool whole(const char *text, uint32_t most, uint32_t *to)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	*to = (uint32_t)n;
	return *text >= '0' && *text <= '9' && !*end && n <= most;
}

/* --- force -------------------------------------------------------------------------------- */

/* The words of one command; those that are made here are own. */
struct wanted {
	struct forcing_ask ask;
	char *edge, *pool; /* own */
	const char *span, *at, *until;
	char text[16]; /* "weight 3" */
	bool json;
};

static bool wrong(struct command_call *c, const char *option, const char *text, const char *say)
{
	text_addf(c->out, "%s %s: %s\n", option, text, say);
	return false;
}

/* What begins and what ends. */
static bool take_times(struct wanted *w, struct command_call *c)
{
	static const char moment[] =
		"write a moment in UTC such as 2026-12-01T02:00Z, 02:00 (the next) or +30m";
	const int64_t now = time(NULL);
	const bool automatic = w->ask.state && strcmp(w->ask.state, "auto") == 0;

	if (w->span && w->until)
		return wrong(
			c, "--for", w->span, "--for and --until are two ways to say the same");
	if (automatic && (w->span || w->until || w->at))
		return w->span     ? wrong(c, "--for", w->span, "\"auto\" has no end")
			: w->until ? wrong(c, "--until", w->until, "\"auto\" has no end")
				   : wrong(c, "--at", w->at,
					     "\"auto\" is now (give what you plan an end)");
	if (w->span && !moment_span(&w->ask.for_ms, w->span))
		return wrong(c, "--for", w->span, "write a time such as 90s, 30m, 2h or 7d");
	if (w->at && !moment_parse(&w->ask.from_s, w->at, now))
		return wrong(c, "--at", w->at, moment);
	if (w->at && w->ask.from_s <= now)
		return wrong(c, "--at", w->at, "that is over; leave it away for now");
	/* "--at 23:00 --until 02:00" is three hours. */
	if (w->until && !moment_parse(&w->ask.until_s, w->until, w->at ? w->ask.from_s : now))
		return wrong(c, "--until", w->until, moment);
	return true;
}

/* "group:europe" is what the configuration has for it now. */
static bool take_target(
	struct wanted *w, const struct conf *conf, const char *text, struct command_call *c)
{
	const char *at = strrchr(text, '@');

	w->edge = strndup(text, at ? (size_t)(at - text) : strlen(text));
	if (at && *w->ask.pool)
		return wrong(c, "--pool", w->ask.pool, "the target names a pool already");
	w->pool = strdup(at ? at + 1 : w->ask.pool);
	if (w->edge && strncmp(w->edge, "group:", 6) == 0) {
		const char *edges = conf_edge_group(conf, w->edge + 6);
		if (!edges) {
			text_addf(c->out, "there is no group \"%s\" in \"edge-groups\"\n",
				w->edge + 6);
			return false;
		}
		free(w->edge);
		w->edge = strdup(edges);
	}
	if (!w->edge || !w->pool) {
		text_add(c->out, "out of memory\n");
		return false;
	}
	w->ask.edge = w->edge;
	w->ask.pool = w->pool;
	return true;
}

static bool take_state(struct wanted *w, const char **words, size_t n, struct command_call *c)
{
	if (n == 1) {
		w->ask.state = words[0];
		return strcmp(words[0], "weight") != 0;
	}
	if (n != 2 || strcmp(words[0], "weight") != 0)
		return false;
	if (!whole(words[1], EDGE_WEIGHT_MOST, &w->ask.weight))
		return wrong(c, "weight", words[1], "write a number from 0 to 65535");
	snprintf(w->text, sizeof w->text, "weight %u", w->ask.weight);
	return true;
}

static bool take_force(struct wanted *w, const struct conf *conf, const char **words, size_t n,
	struct command_call *c)
{
	w->json = command_take_word(words, &n, "--json");
	w->ask.here = command_take_word(words, &n, "--here");
	command_take_value(words, &n, "--for", &w->span);
	command_take_value(words, &n, "--at", &w->at);
	command_take_value(words, &n, "--until", &w->until);
	command_take_value(words, &n, "--pool", &w->ask.pool);
	command_take_value(words, &n, "--why", &w->ask.why);
	if (n < 2 || !take_state(w, words + 1, n - 1, c))
		return false;
	if (!is_fit(w->ask.why)) {
		text_add(c->out, "--why: write one line of UTF-8, of at most 255 bytes\n");
		return false;
	}
	if (w->ask.here && w->ask.state && strcmp(w->ask.state, "auto") == 0)
		return wrong(c, "--here", "auto", "\"auto\" is for all servers; say \"up\" to differ from them here");
	return take_times(w, c) && take_target(w, conf, words[0], c);
}

static char *say_forced(const struct wanted *w, uint32_t id, bool apart)
{
	const struct forcing_ask *a = &w->ask;
	const bool automatic = a->state && strcmp(a->state, "auto") == 0;
	char when[MOMENT_TEXT];
	struct text out = { 0 };

	if (w->json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "edge", a->edge,
			"state", a->state ? a->state : w->text, "pool", a->pool, "change",
			automatic ? (json_int_t)0 : (json_int_t)id, "from_s",
			(json_int_t)a->from_s, "until_s", (json_int_t)a->until_s, "for_s",
			(json_int_t)(a->for_ms / 1000));
		report_json(o, &out);
		return out.s;
	}
	text_addf(&out, "%s%s%s: %s", a->edge, *a->pool ? " in pool " : "", a->pool,
		automatic          ? "by its configuration and its probes"
			: a->state ? a->state
				   : w->text);
	if (a->from_s)
		text_addf(&out, " from %s", moment_text(when, a->from_s));
	if (w->span)
		text_addf(&out, " for %s", w->span);
	if (a->until_s)
		text_addf(&out, " until %s", moment_text(when, a->until_s));
	if (a->from_s)
		text_addf(&out, ", change %u", id);
	if (a->here)
		text_add(&out, ", on this server alone");
	else if (apart)
		text_add(&out, "; the fleet's Redis is not reached: other servers follow when it is");
	text_add_char(&out, '\n');
	return out.s;
}

/* It holds; is it on the disk, too? */
static void is_forced(void *ctx, const struct fault *why)
{
	struct waiting *w = ctx;
	struct text out = { 0 };

	text_add(&out, w->say ? w->say : "");
	if (why)
		text_addf(&out,
			"it holds, but it is not saved and a restart would forget it: %s\n",
			why->text);
	orders_wait_over(w, why ? 1 : 0, &out);
}

static int force(struct orders *o, const struct wanted *wanted, struct command_call *c)
{
	struct waiting *w = orders_wait(o, c);
	struct fault why;

	if (!w)
		return orders_no_memory(w, c);
	/* Its number will be the next one. */
	w->say = say_forced(wanted, probes_changes(o->opts.probes)->last_id + 1,
		probes_are_apart(o->opts.probes));
	if (probes_force(o->opts.probes, &wanted->ask, is_forced, w, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	free(w->say);
	free(w);
	return 1;
}

static int force_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	struct wanted w = { .ask = { .edge = "", .pool = "", .why = "", .uid = c->uid } };
	const struct conf *conf = parts_conf(publisher_live(o->opts.publisher));

	const int status = take_force(&w, conf, words, n, c) ? force(o, &w, c) : 2;
	free(w.edge);
	free(w.pool);
	return status;
}

/* --- revoke ------------------------------------------------------------------------------- */

static int revoke_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	struct fault why;
	uint32_t id;

	if (n != 1)
		return 2;
	if (!whole(words[0], UINT32_MAX - 1, &id)) {
		text_addf(c->out,
			"%s is no number of a change (\"waymarkctl changes\" lists them)\n",
			words[0]);
		return 2;
	}
	struct waiting *w = orders_wait(o, c);
	struct text say = { 0 };
	text_addf(&say, "change %u is revoked\n", id);
	if (!w || !(w->say = say.s)) {
		text_fini(&say);
		return orders_no_memory(w, c);
	}
	if (probes_revoke(o->opts.probes, id, c->uid, is_forced, w, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	free(w->say);
	free(w);
	return 1;
}

/* --- history ------------------------------------------------------------------------------ */

/* Of what is served, or tried out. */
static bool exists(const struct orders *o, const char *words)
{
	const struct parts *p[] = { publisher_live(o->opts.publisher), publisher_staged(o->opts.publisher) };
	bool any = false;

	for (size_t i = 0; i < 2 && p[i]; i++)
		any = any || forced_names_edge(p[i]->steer, words) || forced_names_pool(p[i]->steer, words);
	return any;
}

static int history_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	const char *last = NULL, *until = NULL;
	struct timeline_ask ask = { .last = SHOWN_USUALLY,
		.json = command_take_word(words, &n, "--json") };
	int64_t s;

	command_take_value(words, &n, "--last", &last);
	command_take_value(words, &n, "--until", &until);
	if (n > 1 || (n && words[0][0] == '-'))
		return 2;
	if (last && (!whole(last, TIMELINE_SHOW_MOST, &ask.last) || !ask.last)) {
		text_addf(c->out, "--last %s: write a number from 1 to %d\n", last,
			TIMELINE_SHOW_MOST);
		return 2;
	}
	if (until && (!moment_parse(&s, until, 0) || strlen(until) < 16)) {
		text_addf(c->out,
			"--until %s: write a moment in UTC such as 2026-12-01T02:00Z\n", until);
		return 2;
	}
	ask.until_ms = until ? s * 1000 : 0;
	ask.about = n ? words[0] : NULL;
	ask.exists = n && exists(o, words[0]);
	timeline_show(o->opts.timeline, &ask, c->out);
	return 0;
}

/* --- fail-back ---------------------------------------------------------------------------- */

static void show_failed_over(const struct orders *o, bool json, struct text *out)
{
	const struct fail_overs *l = probes_failed_over(o->opts.probes);
	json_t *list = json_array();
	char when[MOMENT_TEXT];

	for (size_t i = 0; i < l->n; i++) {
		moment_text(when, (int64_t)l->of[i].when_s);
		if (json)
			json_array_append_new(list,
				json_pack("{s:s, s:s, s:s}", "pool", l->of[i].pool, "to",
					l->of[i].member, "since", when));
		else
			text_addf(out, "%-16s has failed over to %s, %s\n", l->of[i].pool,
				l->of[i].member, when);
	}
	if (json)
		report_json(list, out);
	else
		json_decref(list);
	if (!json && !l->n)
		text_add(out, "no pool has failed over\n");
}

static int fail_back_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	const bool json = command_take_word(words, &n, "--json"), all = command_take_word(words, &n, "--all"),
		   here = command_take_word(words, &n, "--here"); /* who follows the commands looks at it */
	const char *pool = n ? words[0] : NULL;
	struct fault why;

	if (n > 1 || (n && (all || words[0][0] == '-')) || (here && !n && !all))
		return 2;
	if (!pool && !all) {
		show_failed_over(o, json, c->out);
		return 0;
	}
	struct waiting *w = orders_wait(o, c);
	if (!w)
		return orders_no_memory(w, c);
	struct text say = { 0 };
	if (json)
		report_json(json_pack("{s:s}", "pool", pool ? pool : ""), &say);
	else
		text_addf(&say, "%s%s: back at the first of %s members that may answer\n",
			pool ? "pool " : "all pools", pool ? pool : "", pool ? "its" : "their");
	w->say = say.s;
	if (probes_fail_back(o->opts.probes, pool, is_forced, w, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	free(w->say);
	free(w);
	return 1;
}

void forcing_orders_bind(struct orders *o, struct commands *commands)
{
	commands_bind(commands, "force", force_command, o);
	commands_bind(commands, "fail-back", fail_back_command, o);
	commands_bind(commands, "revoke", revoke_command, o);
	commands_bind(commands, "history", history_command, o);
}
