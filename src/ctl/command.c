#include "ctl/command.h"

#include "ctl/explain.h"
#include "ctl/report.h"

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

static int run_reload(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	struct faults f;

	(void)words;
	if (n)
		return 2;
	faults_init(&f);
	const bool ok = h->reload(h->ctx, &f);
	text_add(out, text_get(&f.text));
	if (ok)
		text_addf(out, "reloaded: serving %zu zones, %u pools, %u edges\n",
			zone_set_count(h->world(h->ctx)->zones),
			h->world(h->ctx)->steer->n_pools, h->world(h->ctx)->steer->n_edges);
	else
		text_addf(out,
			"not reloaded: %u error%s; what was served before is served on\n",
			f.errors, f.errors == 1 ? "" : "s");
	faults_fini(&f);
	return ok ? 0 : 1;
}

static int run_stop(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	(void)words;
	if (n)
		return 2;
	h->stop(h->ctx);
	text_add(out, "stopping\n");
	return 0;
}

static int run_force(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	struct fault why;

	if (n != 2)
		return 2;
	if (!h->force(h->ctx, words[0], words[1], &why)) {
		text_addf(out, "%s\n", why.text);
		return 1;
	}
	text_addf(out, "%s: %s\n", words[0],
		strcmp(words[1], "auto") ? words[1] : "as configured");
	return 0;
}

static int run_status(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	const bool json = take_word(words, &n, "--json");

	if (n)
		return 2;
	report_status(h, json, out);
	return 0;
}

static int run_edges(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	const bool json = take_word(words, &n, "--json");

	if (n)
		return 2;
	report_edges(h, json, out);
	return 0;
}

static int run_explain(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	const bool json = take_word(words, &n, "--json");
	struct explain_ask ask;
	struct fault why;

	if (n == 0)
		return 2;
	if (!explain_parse(&ask, words, n, &why)) {
		text_addf(out, "%s\n", why.text);
		return 2;
	}
	explain_run(h->world(h->ctx), &ask, json, out);
	return 0;
}

static const struct command {
	const char *word, *words, *help;
	int (*run)(
		const struct command_hooks *h, const char **words, size_t n, struct text *out);
} commands[] = {
	{ "reload", "",
		"read configuration, zones and databases anew; exit 1 and no change when "
		"anything is wrong",
		run_reload },
	{ "status", "[--json]", "what is served, and how much", run_status },
	{ "edges", "[--json]", "the edges and their states", run_edges },
	{ "force", "EDGE up|down|drain|auto",
		"set an edge's state until it is set otherwise (auto: as configured)",
		run_force },
	{ "explain", "NAME [TYPE] --client IP[/LEN] [--resolver IP] [--json]",
		"why this client gets the answer it gets", run_explain },
	{ "stop", "", "stop the server", run_stop },
};

int command_run(
	const struct command_hooks *h, const char *const *words, size_t n, struct text *out)
{
	const char *rest[COMMAND_WORDS_MOST];

	for (size_t i = 0;
		n && n <= COMMAND_WORDS_MOST && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(words[0], commands[i].word) != 0)
			continue;
		memcpy(rest, words + 1, (n - 1) * sizeof *rest);
		const int status = commands[i].run(h, rest, n - 1, out);
		if (status == 2 && out->len == 0)
			text_addf(out, "usage: waymarkctl %s %s\n", commands[i].word,
				commands[i].words);
		return status;
	}
	text_addf(out, "there is no command \"%s\"; these are:\n", n ? words[0] : "");
	command_help(out);
	return 2;
}

void command_help(struct text *out)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		text_addf(out, "  %-8s %s\n           %s\n", commands[i].word,
			commands[i].words, commands[i].help);
}
