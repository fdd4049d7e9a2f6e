#include "daemon/orders.h"

#include "base/memory.h"
#include "daemon/orders_inner.h"
#include "daemon/parts_read.h"
#include "report/report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void forget(struct command_call *c)
{
	((struct waiting *)c->pending)->call = NULL;
}

struct waiting *orders_wait(struct orders *o, struct command_call *c)
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

void orders_wait_over(struct waiting *w, int status, struct text *out)
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

int orders_no_memory(struct waiting *w, struct command_call *c)
{
	if (w)
		free(w->say);
	free(w);
	text_add(c->out, "out of memory\n");
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
	orders_wait_over(w, ok ? 0 : 1, &out);
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
	orders_wait_over(w, ok ? 0 : 1, &out);
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
		: orders_no_memory(w, c);
}

static int latency_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct orders *o = ctx;
	const bool here = n && strcmp(words[0], "forget") == 0 && command_take_word(words, &n, "--here"),
		   import = n == 2 && strcmp(words[0], "import") == 0;

	(void)here; /* of who follows the commands (fleet_orders.h) */
	if (!import && !(n == 2 && strcmp(words[0], "forget") == 0))
		return n && (strcmp(words[0], "show") == 0 || strcmp(words[0], "export") == 0)
			? reports_latency(o->opts.reports, words, n, c)
			: 2;
	if (!parts_conf(publisher_live(o->opts.publisher))->latency.on) {
		text_add(c->out,
			"the configuration has no \"latency\" section, so nothing is measured "
			"and no answer looks at times; write for example: latency: { state: "
			"/var/lib/waymark/latency.csv }\n");
		return 1;
	}
	struct waiting *w = orders_wait(o, c);
	if (!w || !(w->say = strdup(words[1])))
		return orders_no_memory(w, c);
	if (!import)
		return forget_times(o, words[1], w, c);
	return rankings_import(
		       o->opts.rankings, words[1], &(struct rankings_change){ w, imported })
		? COMMAND_LATER
		: orders_no_memory(w, c);
}

struct orders *orders_new(const struct orders_opts *opts, struct commands *commands)
{
	struct orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	commands_bind(commands, "reload", orders_reload_command, o);
	forcing_orders_bind(o, commands);
	verdict_orders_bind(o, commands);
	commands_bind(commands, "probe", probe_command, o);
	commands_bind(commands, "latency", latency_command, o);
	commands_bind(commands, "stop", stop_command, o);
	orders_state_bind(commands);
	return o;
}

void orders_free(struct orders *o)
{
	memory_free(o);
}
