/* ctl_diff.c - "waymarkctl diff": what is different between the running configuration and a
 * file?
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "conf/conf.h"
#include "report/diff.h"
#include "report/report.h"
#include "daemon/restart.h"
#include "daemon/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAME, DIFFERENT, TROUBLE, FILE_MOST = 64 << 20 };

const char ctl_diff_usage[] =
	"  diff     [-c NEW.yaml] [--json]\n           what a file has that the running "
	"configuration has not; exit 0 same, 1 different, 2 trouble\n";

static int complain(const char *fmt, const char *what)
{
	fputs("waymarkctl: diff: ", stderr);
	fprintf(stderr, fmt, what);
	fputc('\n', stderr);
	return TROUBLE;
}

/* What runs. NULL and told. */
static json_t *get_running(const struct ctl *c, const char *new_path)
{
	static char export[] = "export", config[] = "--config";
	char *command[] = { export, config };
	struct text reply = { 0 };
	json_t *running = NULL;

	char *path = ctl_socket(c, new_path);
	if (path && ctl_ask(path, command, 2, &reply) != DONE)
		fputs(text_get(&reply), stderr);
	else if (path)
		running = json_loadb(reply.s ? reply.s : "", reply.len, 0, NULL);
	free(path);
	text_fini(&reply);
	if (running && !json_is_object(json_object_get(running, "tree"))) {
		complain("the server has told something else than its configuration%s", "");
		json_decref(running);
		running = NULL;
	}
	return running;
}

/* The file as a tree, if it is a configuration that could be loaded. NULL and told. */
static json_t *read_file(const char *path, const json_t *running)
{
	const char *text = json_string_value(json_object_get(running, "secret_key"));
	struct tree_key key;
	struct fault why;
	struct faults f;
	struct file file;
	struct conf conf;
	json_t *tree = NULL;

	if (!text || !tree_key_parse(&key, text)) {
		complain("the server has told no key to compare secrets by%s", "");
		return NULL;
	}
	if (!file_read(&file, path, FILE_MOST, &why)) {
		complain("%s", why.text);
		return NULL;
	}
	faults_init(&f);
	if (conf_read_text(&conf, path, file.text, file.len, &f)) {
		tree = tree_json(&conf.sources, &key, &f);
		conf_fini(&conf);
	}
	fputs(text_get(&f.text), stderr);
	faults_fini(&f);
	file_free(&file);
	return tree;
}

static bool same_folder(const char *a, const char *b)
{
	char *ra = realpath(a, NULL), *rb = realpath(b, NULL);
	const char *sa = ra ? strrchr(ra, '/') : NULL, *sb = rb ? strrchr(rb, '/') : NULL;
	const bool same = sa && sb && sa - ra == sb - rb &&
		memcmp(ra, rb, (size_t)(sa - ra)) == 0;

	free(ra);
	free(rb);
	return same;
}

static void say(const json_t *running, const char *path, json_t *changes)
{
	const char *from = json_string_value(json_object_get(running, "config"));
	struct text out = { 0 };
	size_t i, restarts = 0;
	json_t *c;

	json_array_foreach (changes, i, c)
		restarts += json_object_get(c, "restart") != NULL;
	diff_text(changes, &out);
	printf("running  %s, generation %lld\nfile     %s\n", from ? from : "?",
		(long long)json_integer_value(json_object_get(running, "generation")), path);
	if (from && !same_folder(from, path))
		puts("note     relative paths in these two start at different folders");
	fputs(text_get(&out), stdout);
	if (json_array_size(changes) == 0)
		puts("no difference");
	else
		printf("%zu difference%s%s\n", json_array_size(changes),
			json_array_size(changes) == 1 ? "" : "s",
			restarts ? "; a reload is refused until a restart has taken what needs "
				   "one"
				 : "");
	text_fini(&out);
}

static int run(const char *path, const json_t *running, bool json)
{
	json_t *tree = read_file(path, running);
	struct text out = { 0 };

	if (!tree)
		return TROUBLE;
	json_t *changes = diff_trees(&(struct diff_opts){
		json_object_get(running, "tree"), tree, tree_is_secret, restart_needs });
	const bool same = json_array_size(changes) == 0;
	if (json) {
		report_json(json_incref(changes), &out);
		fputs(text_get(&out), stdout);
		text_fini(&out);
	} else {
		say(running, path, changes);
	}
	json_decref(changes);
	json_decref(tree);
	return same ? SAME : DIFFERENT;
}

int ctl_diff(const struct ctl *c, char **words, int n)
{
	const char *path = NULL;
	bool json = false;

	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "--json") == 0 && !json)
			json = true;
		else if (strcmp(words[i], "-c") == 0 && i + 1 < n && !path)
			path = words[++i];
		else
			return complain("usage: waymarkctl diff [-c NEW.yaml] [--json]%s", "");
	}
	json_t *running = get_running(c, path);
	if (!running)
		return TROUBLE;
	const int status = run(path ? path : c->conf_path, running, json);
	json_decref(running);
	return status;
}
