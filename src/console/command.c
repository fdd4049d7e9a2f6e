#include "console/command.h"

#include "console/command_latency.h"
#include "report/explain.h"
#include "report/network.h"
#include "console/reload.h"
#include "report/report.h"
#include "report/report_edges.h"

#include <stdlib.h>
#include <string.h>

/* True, and the word taken out of the list, when it is there. */
static bool take_word(const char **words, size_t *n, const char *word)
{
	for (size_t i = 0; i < *n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		memmove(words + i, words + i + 1, (*n - i - 1) * sizeof *words);
		--*n;
		return true;
	}
	return false;
}

static int run_stop(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	(void)words;
	if (n)
		return 2;
	h->stop(h->ctx);
	text_add(c->out, "stopping\n");
	return 0;
}

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

/* True, and the word and the one behind it taken out of the list, when it is there. */
static bool take_value(const char **words, size_t *n, const char *word, const char **value)
{
	for (size_t i = 0; i + 1 < *n; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*value = words[i + 1];
		memmove(words + i, words + i + 2, (*n - i - 2) * sizeof *words);
		*n -= 2;
		return true;
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

static void say_forced(
	const struct command_force *f, const char *span, bool json, struct text *out)
{
	const bool automatic = strcmp(f->state, "auto") == 0;

	if (json)
		report_json(json_pack("{s:s, s:s, s:I}", "edge", f->edge, "state", f->state,
				    "for_s", (json_int_t)(f->for_ms / 1000)),
			out);
	else
		text_addf(out, "%s: %s%s%s\n", f->edge,
			automatic ? "by its configuration and its probes" : f->state,
			span ? " for " : "", span ? span : "");
}

static int run_force(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	struct command_force f = { .why = "", .uid = c->uid };
	const char *span = NULL;
	struct fault why;

	const bool json = take_word(words, &n, "--json");
	take_value(words, &n, "--for", &span);
	take_value(words, &n, "--why", &f.why);
	if (n != 2)
		return 2;
	f.edge = words[0];
	f.state = words[1];
	if (!is_fit(f.why)) {
		text_add(c->out, "--why: write one line of UTF-8\n");
		return 2;
	}
	if (span && (!parse_span(span, &f.for_ms) || strcmp(f.state, "auto") == 0)) {
		text_addf(c->out, "--for %s: %s\n", span,
			strcmp(f.state, "auto") ? "write a time such as 90s, 30m, 2h or 7d"
						: "\"auto\" has no end");
		return 2;
	}
	if (!h->force(h->ctx, &f, &why)) {
		text_addf(c->out, "%s\n", why.text);
		return 1;
	}
	say_forced(&f, span, json, c->out);
	return 0;
}

/* A report without words of its own. */
static int run_report(const struct command_hooks *h, const char **words, size_t n,
	struct command_call *c,
	void (*report)(const struct report_hooks *h, bool json, struct text *out))
{
	const bool json = take_word(words, &n, "--json");

	if (n)
		return 2;
	report(&h->report, json, c->out);
	return 0;
}

static int run_status(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	return run_report(h, words, n, c, report_status);
}

static int run_edges(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	return run_report(h, words, n, c, report_edges);
}

static int run_pools(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	return run_report(h, words, n, c, report_pools);
}

static int run_probe(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	const bool json = take_word(words, &n, "--json");
	struct fault why;

	if (n != 1)
		return 2;
	if (h->probe(h->ctx, words[0], json, c, &why))
		return COMMAND_LATER;
	text_addf(c->out, "%s\n", why.text);
	return 1;
}

static int run_export(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	const bool config_only = take_word(words, &n, "--config");
	struct fault why;

	if (n)
		return 2;
	if (h->export(h->ctx, config_only, c->out, &why))
		return 0;
	text_addf(c->out, "%s\n", why.text);
	return 1;
}

static int run_explain(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	const bool json = take_word(words, &n, "--json");
	struct explain_ask ask;
	struct fault why;

	if (n == 0)
		return 2;
	if (!explain_parse(&ask, words, n, &why)) {
		text_addf(c->out, "%s\n", why.text);
		return 2;
	}
	explain_run(&h->report, &ask, json, c->out);
	return 0;
}

static int run_geo(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	const bool json = n == 2 && strcmp(words[1], "--json") == 0;
	struct addr a;

	if (n < 1 || n > 2 || (n == 2 && !json))
		return 2;
	if (!addr_parse(&a, words[0])) {
		text_addf(c->out, "\"%s\" is not an address\n", words[0]);
		return 2;
	}
	network_report(&h->report, &a, json, c->out);
	return 0;
}

static const struct command {
	const char *word, *words, *help;
	int (*run)(const struct command_hooks *h, const char **words, size_t n,
		struct command_call *c);
} commands[] = {
	{ "reload", "[--stage SHARE | --promote | --rollback]",
		"read configuration, zones and databases anew; exit 1 and no change when "
		"anything is wrong; --stage 5%: edges and pools for 5 % of the clients first",
		reload_command },
	{ "status", "[--json]", "what is served, and how much", run_status },
	{ "edges", "[--json]", "the edges, their states, and what their probes say",
		run_edges },
	{ "pools", "[--json]", "the pools, and which of their edges may answer", run_pools },
	{ "force", "EDGE up|down|drain|auto [--for TIME] [--why TEXT] [--json]",
		"set an edge's state, whatever its probes say (auto: no longer)", run_force },
	{ "probe", "EDGE [--json]", "probe an edge now, and tell every step", run_probe },
	{ "explain", "NAME [TYPE] --client IP[/LEN] [--resolver IP] [--json]",
		"why this client gets the answer it gets", run_explain },
	{ "geo", "IP [--json]", "where an address is, and what was measured there", run_geo },
	{ "latency",
		"show [--prefix P | --country CC | --edge EDGE] [--json] | import FILE | "
		"export | "
		"forget EDGE|PREFIX",
		"what is measured", command_latency },
	{ "export", "[--config]",
		"what is loaded, forced, probed and measured, as JSON: for simulate --from",
		run_export },
	{ "stop", "", "stop the server", run_stop },
};

int command_run(const struct command_hooks *h, const char *const *words, size_t n,
	struct command_call *c)
{
	const char *rest[COMMAND_WORDS_MOST];

	for (size_t i = 0;
		n && n <= COMMAND_WORDS_MOST && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(words[0], commands[i].word) != 0)
			continue;
		memcpy(rest, words + 1, (n - 1) * sizeof *rest);
		const int status = commands[i].run(h, rest, n - 1, c);
		if (status == 2 && c->out->len == 0)
			text_addf(c->out, "usage: waymarkctl %s %s\n", commands[i].word,
				commands[i].words);
		return status;
	}
	text_addf(c->out, "there is no command \"%s\"; these are:\n", n ? words[0] : "");
	command_help(c->out);
	return 2;
}

void command_help(struct text *out)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		text_addf(out, "  %-8s %s\n           %s\n", commands[i].word,
			commands[i].words, commands[i].help);
}
