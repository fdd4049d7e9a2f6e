#include "console/command_latency.h"

#include "report/report_latency.h"

#include <string.h>

static int import_file(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	struct faults f;
	size_t rows = 0;

	if (n != 1)
		return 2;
	faults_init(&f);
	const bool ok = h->import(h->ctx, words[0], &rows, &f);
	text_add(out, text_get(&f.text));
	if (ok)
		text_addf(out, "%s: %zu measurements taken in\n", words[0], rows);
	else
		text_addf(out, "%s: nothing was taken in\n", words[0]);
	faults_fini(&f);
	return ok ? 0 : 1;
}

static int export_table(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	const struct latency_csv now = h->report.measured->clock();

	(void)words;
	if (n)
		return 2;
	latency_csv_write(h->report.measured->table(h->report.ctx), &now, true, out);
	return 0;
}

static int forget_times(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	struct prefix net;
	struct fault why;

	if (n != 1)
		return 2;
	const int edge = latency_edge(
		h->report.measured->table(h->report.ctx), words[0], strlen(words[0]));
	if (edge < 0 && !prefix_parse(&net, words[0], &why)) {
		text_addf(
			out, "there is no edge \"%s\", and it is no prefix either\n", words[0]);
		return 1;
	}
	text_addf(out, "%s: %zu measurements forgotten; what files say comes back with them\n",
		words[0], h->forget(h->ctx, edge, &net));
	return 0;
}

static int show_table(
	const struct command_hooks *h, const char **words, size_t n, struct text *out)
{
	return report_latency(&h->report, words, n, out);
}

int command_latency(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c)
{
	static const struct {
		const char *word;
		int (*run)(const struct command_hooks *h, const char **words, size_t n,
			struct text *out);
	} ways[] = { { "show", show_table }, { "import", import_file },
		{ "export", export_table }, { "forget", forget_times } };

	for (size_t i = 0; n && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(words[0], ways[i].word) == 0)
			return ways[i].run(h, words + 1, n - 1, c->out);
	return 2;
}
