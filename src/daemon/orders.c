#include "daemon/orders.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/privs.h"
#include "report/report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct orders {
	struct orders_opts opts;
};

/* Somebody waits for what comes of it. */
struct waiting {
	struct orders *owner;
	struct command_call *call; /* NULL: nobody does any more */
	const char *failed, *done; /* literals: how the answer begins */
	double percent;
	bool json;
	char *say; /* own */
};

static void forget(struct command_call *c)
{
	((struct waiting *)c->pending)->call = NULL;
}

/* NULL: there is no memory. */
static struct waiting *wait_for(struct orders *o, struct command_call *c)
{
	struct waiting *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->owner = o;
	w->call = c;
	if (c) {
		c->pending = w;
		c->forget = forget;
	}
	return w;
}

/* The answer is complete, but for what `out` has. */
static void wait_is_over(struct waiting *w, int status, struct text *out)
{
	struct command_call *c = w->call;

	if (c) {
		text_take(c->out, out);
		c->done(c, status);
	}
	text_fini(out);
	free(w->say);
	free(w);
}

static int no_memory(struct waiting *w, struct command_call *c)
{
	if (w)
		free(w->say);
	free(w);
	text_add(c->out, "out of memory\n");
	return 1;
}

/* --- reload ------------------------------------------------------------------------------- */

static void notify_reloading(void)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
		now.tv_sec * 1000000ll + now.tv_nsec / 1000);
	privs_notify(state);
}

static void say_served(const struct orders *o, const char *what, struct text *out)
{
	const struct parts *p = publisher_live(o->opts.publisher);

	text_addf(out, "%s: serving %zu zones, %u pools, %u edges", what, p->zones->n,
		p->steer->n_pools, p->steer->n_edges);
	if (p->zones->n_faulty)
		text_addf(out, "; %zu zone%s faulty: %zu as before, %zu not loaded",
			p->zones->n_faulty, p->zones->n_faulty == 1 ? " is" : "s are",
			p->zones->n_faulty - p->zones->n_empty, p->zones->n_empty);
	text_add(out, "\n");
}

/* One sentence for the log. */
static void log_reload(const struct orders *o, bool taken, const struct faults *f)
{
	const char *path = parts_conf(publisher_live(o->opts.publisher))->path;

	if (f->errors || f->warnings)
		log_text(text_get(&f->text));
	if (taken && !f->errors)
		log_line(LOG_NOTICE, "reloaded %s", path);
	else if (taken)
		log_line(LOG_ERROR,
			"reloaded %s but for what is wrong (%u error%s); that serves on as "
			"before",
			path, f->errors, f->errors == 1 ? "" : "s");
	else
		log_line(LOG_ERROR, "not reloaded (%u error%s); serving on as before",
			f->errors, f->errors == 1 ? "" : "s");
}

static void reloaded(void *ctx, bool taken, const struct faults *f)
{
	struct waiting *w = ctx;
	struct text out = { 0 };

	privs_notify("READY=1");
	log_reload(w->owner, taken, f);
	text_add(&out, text_get(&f->text));
	if (taken)
		say_served(w->owner, "reloaded", &out);
	if (taken && f->errors)
		text_addf(&out,
			"%u error%s: what is wrong is served on as it was; all the rest is new\n",
			f->errors, f->errors == 1 ? "" : "s");
	if (!taken)
		text_addf(&out,
			"not reloaded: %u error%s; what was served before is served on\n",
			f->errors, f->errors == 1 ? "" : "s");
	wait_is_over(w, taken && !f->errors ? 0 : 1, &out);
}

static void staged(void *ctx, bool taken, const struct faults *f)
{
	struct waiting *w = ctx;
	const struct parts *stage = publisher_staged(w->owner->opts.publisher);
	struct text out = { 0 };

	text_add(&out, text_get(&f->text));
	if (!taken)
		text_addf(&out, "%s: all clients are served as before\n", w->failed);
	else if (w->percent > 0)
		text_addf(&out,
			"staged: %g %% of the clients have %u pools and %u edges of the new "
			"configuration\n",
			w->percent, stage ? stage->steer->n_pools : 0,
			stage ? stage->steer->n_edges : 0);
	else
		say_served(w->owner, w->done, &out);
	wait_is_over(w, taken ? 0 : 1, &out);
}

/* No fault of the configuration's. */
static bool refuse_for_stage(const struct orders *o, struct text *out)
{
	static const char say[] =
		"a stage is on: \"reload --promote\" or \"reload --rollback\" comes first, or "
		"\"reload --stage SHARE\" to stage what the file has now";

	if (!publisher_staged(o->opts.publisher))
		return false;
	log_line(LOG_NOTICE, "not reloaded: %s", say);
	if (out)
		text_addf(out, "not reloaded: %s\n", say);
	return true;
}

static int run_reload(struct orders *o, struct command_call *c)
{
	if (refuse_for_stage(o, c->out))
		return 1;
	struct waiting *w = wait_for(o, c);
	if (!w || !reload_all(o->opts.reloader, &(struct reload_done){ w, reloaded }))
		return no_memory(w, c);
	notify_reloading();
	return COMMAND_LATER;
}

static int run_rollback(struct orders *o, struct command_call *c)
{
	struct fault why;

	if (!staging_rollback(o->opts.staging, "as commanded", &why)) {
		text_addf(c->out, "%s\nnot rolled back: all clients are served as before\n",
			why.text);
		return 1;
	}
	say_served(o, "rolled back", c->out);
	return 0;
}

static int run_promote(struct orders *o, struct command_call *c)
{
	struct waiting *w = wait_for(o, c);

	if (!w)
		return no_memory(w, c);
	w->failed = "not promoted";
	w->done = "promoted";
	return staging_promote(o->opts.staging, &(struct reload_done){ w, staged })
		? COMMAND_LATER
		: no_memory(w, c);
}

static int run_stage(struct orders *o, double percent, struct command_call *c)
{
	struct waiting *w = wait_for(o, c);

	if (!w)
		return no_memory(w, c);
	w->failed = "not staged";
	w->percent = percent;
	return staging_begin(o->opts.staging, percent, &(struct reload_done){ w, staged })
		? COMMAND_LATER
		: no_memory(w, c);
}

/* "5%": over 0 to 100. */
static bool parse_percent(const char *text, double *to)
{
	char *end;

	if (!text[0] || strspn(text, "0123456789.") != strlen(text) - 1)
		return false;
	*to = strtod(text, &end);
	return end != text && strcmp(end, "%") == 0 && *to > 0 && *to <= 100;
}

static int reload_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	double percent;

	if (n == 0)
		return run_reload(ctx, c);
	if (n == 1 && strcmp(words[0], "--promote") == 0)
		return run_promote(ctx, c);
	if (n == 1 && strcmp(words[0], "--rollback") == 0)
		return run_rollback(ctx, c);
	if (n != 2 || strcmp(words[0], "--stage") != 0)
		return 2;
	if (parse_percent(words[1], &percent))
		return run_stage(ctx, percent, c);
	text_addf(c->out,
		"--stage %s: write a share of the clients, over 0%% to 100%%, such as 5%%\n",
		words[1]);
	return 2;
}

void orders_reload(struct orders *o)
{
	if (refuse_for_stage(o, NULL))
		return;
	struct waiting *w = wait_for(o, NULL);
	if (!w || !reload_all(o->opts.reloader, &(struct reload_done){ w, reloaded })) {
		free(w);
		log_line(LOG_ERROR, "not reloaded: out of memory; serving on as before");
		return;
	}
	notify_reloading();
}

/* --- force -------------------------------------------------------------------------------- */

/* "90s", "2h", "7d": whole numbers. */
static bool parse_span(const char *text, uint64_t *ms)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 },
		{ 'w', 604800000 } };
	const size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 6 || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text[digits] == units[i].unit) {
			*ms = strtoull(text, NULL, 10) * units[i].ms;
			return *ms > 0;
		}
	return false;
}

/* It is shown on terminals and kept in a file. */
static bool is_fit(const char *text)
{
	json_t *utf8 = json_string(text);
	bool fit = utf8 != NULL;

	json_decref(utf8);
	for (; fit && *text; text++)
		fit = (unsigned char)*text >= ' ' && *text != 0x7f;
	return fit;
}

static char *say_forced(const struct probes_force *f, const char *span, bool json)
{
	const bool automatic = strcmp(f->state, "auto") == 0;
	struct text out = { 0 };

	if (json)
		report_json(json_pack("{s:s, s:s, s:I}", "edge", f->edge, "state", f->state,
				    "for_s", (json_int_t)(f->for_ms / 1000)),
			&out);
	else
		text_addf(&out, "%s: %s%s%s\n", f->edge,
			automatic ? "by its configuration and its probes" : f->state,
			span ? " for " : "", span ? span : "");
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
	wait_is_over(w, why ? 1 : 0, &out);
}

static bool take_force(struct probes_force *f, const char **span, const char **words, size_t n,
	struct command_call *c)
{
	command_take_value(words, &n, "--for", span);
	command_take_value(words, &n, "--why", &f->why);
	if (n != 2)
		return false;
	f->edge = words[0];
	f->state = words[1];
	if (!is_fit(f->why)) {
		text_add(c->out, "--why: write one line of UTF-8\n");
		return false;
	}
	if (!*span || (parse_span(*span, &f->for_ms) && strcmp(f->state, "auto") != 0))
		return true;
	text_addf(c->out, "--for %s: %s\n", *span,
		strcmp(f->state, "auto") ? "write a time such as 90s, 30m, 2h or 7d"
					 : "\"auto\" has no end");
	return false;
}

static int force_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct probes_force f = { .why = "", .uid = c->uid };
	struct orders *o = ctx;
	const char *span = NULL;
	struct fault why;

	const bool json = command_take_word(words, &n, "--json");
	if (!take_force(&f, &span, words, n, c))
		return 2;
	struct waiting *w = wait_for(o, c);
	if (!w)
		return no_memory(w, c);
	w->say = say_forced(&f, span, json);
	if (probes_force(o->opts.probes, &f, is_forced, w, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	free(w->say);
	free(w);
	return 1;
}

/* --- probe, stop -------------------------------------------------------------------------- */

static int probe_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	const bool json = command_take_word(words, &n, "--json");
	struct fault why;

	if (n != 1)
		return 2;
	if (probes_ask(o->opts.probes, words[0], json, c, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	return 1;
}

/* By way of the signal, which the loop handles after it has sent the command's answer. */
static int stop_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	(void)ctx;
	(void)words;
	if (n)
		return 2;
	kill(getpid(), SIGTERM);
	text_add(c->out, "stopping\n");
	return 0;
}

/* --- latency ------------------------------------------------------------------------------ */

static void imported(void *ctx, bool ok, size_t n, const struct faults *f)
{
	struct waiting *w = ctx;
	struct text out = { 0 };

	text_add(&out, text_get(&f->text));
	if (ok)
		text_addf(&out, "%s: %zu measurements taken in\n", w->say, n);
	else
		text_addf(&out, "%s: nothing was taken in\n", w->say);
	wait_is_over(w, ok ? 0 : 1, &out);
}

static void forgotten(void *ctx, bool ok, size_t n, const struct faults *f)
{
	struct waiting *w = ctx;
	struct text out = { 0 };

	text_add(&out, text_get(&f->text));
	if (ok)
		text_addf(&out,
			"%s: %zu measurements forgotten; what files say comes back with them\n",
			w->say, n);
	wait_is_over(w, ok ? 0 : 1, &out);
}

static int forget_times(struct orders *o, const char *what, struct waiting *w,
	struct command_call *c)
{
	const struct latency *table = publisher_live(o->opts.publisher)->table;
	const bool is_edge = latency_edge(table, what, strlen(what)) >= 0;
	struct prefix net;
	struct fault why;

	if (!is_edge && !prefix_parse(&net, what, &why)) {
		text_addf(c->out, "there is no edge \"%s\", and it is no prefix either\n", what);
		free(w->say);
		free(w);
		return 1;
	}
	return rankings_forget(o->opts.rankings, is_edge ? what : NULL, is_edge ? NULL : &net,
		       &(struct rankings_change){ w, forgotten })
		? COMMAND_LATER
		: no_memory(w, c);
}

static int latency_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	const bool import = n == 2 && strcmp(words[0], "import") == 0;

	if (!import && !(n == 2 && strcmp(words[0], "forget") == 0))
		return n && (strcmp(words[0], "show") == 0 || strcmp(words[0], "export") == 0)
			? reports_latency(o->opts.reports, words, n, c)
			: 2;
	struct waiting *w = wait_for(o, c);
	if (!w || !(w->say = strdup(words[1])))
		return no_memory(w, c);
	if (!import)
		return forget_times(o, words[1], w, c);
	return rankings_import(
		       o->opts.rankings, words[1], &(struct rankings_change){ w, imported })
		? COMMAND_LATER
		: no_memory(w, c);
}

struct orders *orders_new(const struct orders_opts *opts, struct commands *commands)
{
	struct orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	commands_bind(commands, "reload", reload_command, o);
	commands_bind(commands, "force", force_command, o);
	commands_bind(commands, "probe", probe_command, o);
	commands_bind(commands, "latency", latency_command, o);
	commands_bind(commands, "stop", stop_command, o);
	return o;
}

void orders_free(struct orders *o)
{
	memory_free(o);
}
