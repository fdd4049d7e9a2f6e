/* ctl_test.c - "waymarkctl test": does a configuration answer as a file of cases expects?
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "daemon/cases.h"
#include "daemon/parts_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char ctl_test_usage[] =
	"  test     CASES.yaml ... [--live] [--tap] [--junit FILE] [--explain]\n"
	"           does a configuration answer as it should? Needs no server; --live asks "
	"one; exit 0 "
	"all do, 1 some do not, 2 trouble\n";

enum { FILES_MOST = 256 };

struct testing {
	const struct ctl *ctl;
	const char *files[FILES_MOST];
	size_t n_files;
	const char *conf_path; /* NULL: as the file of cases has it, or the default */
	const char *junit;
	bool live, tap, explain;
	char *socket;      /* own; of --live */
	char *loaded_path; /* own; of `parts`; NULL: nothing is loaded */
	struct parts parts;
	unsigned ran, failed, skipped;
	struct text xml; /* the cases so far */
};

/* --- one case ----------------------------------------------------------------------------- */

/* What explain says. False, and a sentence. */
static bool ask(struct testing *t, const struct cases_one *c, bool json, struct text *to,
	struct fault *why)
{
	const char *words[CASE_WORDS_MOST];
	char *command[CASE_WORDS_MOST + 2];
	int n = 0;

	if (!t->live)
		return cases_try(c, &t->parts, json, to, why);
	command[n++] = (char *)(uintptr_t) "explain";
	for (size_t i = 0, k = cases_explain(c, words); i < k; i++)
		command[n++] = (char *)(uintptr_t)words[i];
	if (json)
		command[n++] = (char *)(uintptr_t) "--json";
	if (ctl_ask(t->socket, command, n, to) == DONE)
		return true;
	return fault(why, "%.*s", (int)strcspn(text_get(to), "\n"), text_get(to));
}

static void add_xml(struct text *to, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&': text_add(to, "&amp;"); break;
		case '<': text_add(to, "&lt;"); break;
		case '>': text_add(to, "&gt;"); break;
		case '"': text_add(to, "&quot;"); break;
		default: text_add_char(to, *s);
		}
}

static const char *title(const struct cases_one *c, char to[static 512])
{
	snprintf(to, 512, "%s%s%s%s%s for %s", c->name ? c->name : "", c->name ? ": " : "",
		c->ask, c->type ? " " : "", c->type ? c->type : "", c->client);
	return to;
}

/* `wrong` empty: it is right. `skipped`: why. */
static void tell_case(struct testing *t, const struct cases *all, const struct cases_one *c,
	const char *wrong, const char *skipped)
{
	char what[512];

	title(c, what);
	t->ran++;
	t->failed += *wrong != 0;
	t->skipped += skipped != NULL;
	if (t->tap) {
		printf("%s %u - %s%s%s\n", *wrong ? "not ok" : "ok", t->ran, what,
			skipped ? " # SKIP " : "", skipped ? skipped : "");
		for (const char *at = wrong; *at; at += strcspn(at, "\n") + 1)
			printf("# %.*s\n", (int)strcspn(at, "\n"), at);
	} else if (*wrong) {
		printf("%s:%u:%u: %s\n", all->path, c->node->line, c->node->column, what);
		for (const char *at = wrong; *at; at += strcspn(at, "\n") + 1)
			printf("  %.*s\n", (int)strcspn(at, "\n"), at);
	}
	text_add(&t->xml, "  <testcase classname=\"");
	add_xml(&t->xml, all->path);
	text_add(&t->xml, "\" name=\"");
	add_xml(&t->xml, what);
	text_add(&t->xml, "\" file=\"");
	add_xml(&t->xml, all->path);
	text_addf(&t->xml, "\" line=\"%u\">", c->node->line);
	if (*wrong) {
		text_add(&t->xml, "<failure message=\"not as expected\">");
		add_xml(&t->xml, wrong);
		text_add(&t->xml, "</failure>");
	} else if (skipped) {
		text_add(&t->xml, "<skipped/>");
	}
	text_add(&t->xml, "</testcase>\n");
}

static void try_case(struct testing *t, const struct cases *all, const struct cases_one *c)
{
	struct text got = { 0 }, wrong = { 0 }, said = { 0 };
	struct fault why;

	if (t->live && cases_is_offline(c)) {
		tell_case(t, all, c, "", "it is about edges or a time that the server has not");
		return;
	}
	if (!ask(t, c, true, &got, &why))
		text_addf(&wrong, "%s:%u:%u: %s\n", all->path, c->node->line, c->node->column,
			why.text);
	else if (!cases_judge(all, c, text_get(&got), got.len, &wrong) && t->explain &&
		ask(t, c, false, &said, &why))
		text_add(&wrong, text_get(&said));
	tell_case(t, all, c, text_get(&wrong), NULL);
	text_fini(&got);
	text_fini(&wrong);
	text_fini(&said);
}

/* --- files -------------------------------------------------------------------------------- */

/* The configuration, unless it is the one that is there. */
static bool load_conf(struct testing *t, const char *path)
{
	struct faults f;

	if (t->loaded_path && strcmp(t->loaded_path, path) == 0)
		return true;
	if (t->loaded_path)
		parts_drop(&t->parts);
	free(t->loaded_path);
	t->loaded_path = NULL;
	faults_init(&f);
	const bool read = parts_read(
		&t->parts, &(struct parts_read_opts){ .path = path, .key = parts_key() }, &f);
	if (f.errors)
		fputs(text_get(&f.text), stderr);
	if (read && f.errors)
		parts_drop(&t->parts);
	const bool ok = read && !f.errors;
	faults_fini(&f);
	t->loaded_path = ok ? strdup(path) : NULL;
	return t->loaded_path != NULL;
}

static bool try_file(struct testing *t, const char *path)
{
	struct cases all;
	struct faults f;

	faults_init(&f);
	bool ok = cases_read(&all, path, &f);
	fputs(text_get(&f.text), stderr);
	faults_fini(&f);
	const char *conf = t->conf_path ? t->conf_path
		: all.config            ? all.config
					: t->ctl->conf_path;
	ok = ok && (t->live || load_conf(t, conf));
	for (size_t i = 0; ok && i < all.n; i++)
		try_case(t, &all, &all.of[i]);
	cases_fini(&all);
	return ok;
}

static bool write_junit(const struct testing *t)
{
	struct text all = { 0 };
	struct fault why;

	text_addf(&all,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"waymarkctl test\" tests=\"%u\" failures=\"%u\" "
		"skipped=\"%u\">\n%s</testsuite>\n",
		t->ran, t->failed, t->skipped, text_get(&t->xml));
	const bool ok = file_replace(t->junit, &all, 0644, &why);
	if (!ok)
		fprintf(stderr, "waymarkctl: test: %s\n", why.text);
	text_fini(&all);
	return ok;
}

static bool take_words(struct testing *t, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		const char *w = words[i];
		bool *flag = strcmp(w, "--live") == 0 ? &t->live
			: strcmp(w, "--tap") == 0     ? &t->tap
			: strcmp(w, "--explain") == 0 ? &t->explain
						      : NULL;
		if (strcmp(w, "--junit") == 0 && i + 1 < n)
			t->junit = words[++i];
		else if (flag)
			*flag = true;
		else if (*w == '-' || t->n_files == FILES_MOST)
			return false;
		else
			t->files[t->n_files++] = w;
	}
	return t->n_files > 0;
}

static void sum_up(const struct testing *t)
{
	if (t->tap) {
		printf("1..%u\n", t->ran);
		return;
	}
	printf("%u case%s: %u right, %u wrong", t->ran, t->ran == 1 ? "" : "s",
		t->ran - t->failed - t->skipped, t->failed);
	if (t->skipped)
		printf(", %u not for a server that runs", t->skipped);
	putchar('\n');
}

int ctl_test(const struct ctl *c, char **words, int n)
{
	struct testing *t = calloc(1, sizeof *t);
	bool ok = true;

	if (!t)
		return WRONG_USE;
	t->ctl = c;
	t->conf_path = c->conf_given ? c->conf_path : NULL;
	if (!take_words(t, words, n)) {
		free(t);
		return ctl_help_one("test", stderr, WRONG_USE);
	}
	if (t->live)
		ok = (t->socket = ctl_socket(c, NULL)) != NULL;
	if (t->tap)
		puts("TAP version 13");
	for (size_t i = 0; ok && i < t->n_files; i++)
		ok = try_file(t, t->files[i]);
	if (ok)
		sum_up(t);
	ok = (!ok || !t->junit || write_junit(t)) && ok;
	const int status = !ok ? WRONG_USE : t->failed ? NOT_DONE : DONE;
	if (t->loaded_path)
		parts_drop(&t->parts);
	free(t->loaded_path);
	free(t->socket);
	text_fini(&t->xml);
	free(t);
	return status;
}
