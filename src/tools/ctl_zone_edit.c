/* ctl_zone_edit.c - "waymarkctl zone edit NAME": a zone's text in $EDITOR, checked here, and
 * what is different sent to the server, which makes it as any other change.
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "conf/conf.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "zone/change_onto.h"
#include "zone/load.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of one zone that is edited. */
struct editing {
	const struct ctl *ctl;
	const char *name;
	uint8_t apex[NAME_MOST];
	char path[64], was[80]; /* of its text; as it was */
	struct conf *conf;      /* NULL: nobody knows the pools */
	struct compile_opts opts;
	struct zone *before, *after;
	bool asks; /* there is somebody to ask */
};

static enum ctl_status complain(const char *what, const char *why)
{
	fprintf(stderr, "waymarkctl: %s: %s\n", what, why);
	return NOT_DONE;
}

static bool any_pool(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return true;
}

/* The pools are those of the configuration, where there is one. */
static void know_pools(struct editing *e)
{
	struct faults f;

	faults_init(&f);
	e->conf = e->ctl->socket_path && !e->ctl->conf_given
		? NULL
		: conf_open(e->ctl->conf_path, NULL, &f);
	e->opts = e->conf ? zone_pools_compile_opts(e->conf, parts_key())
			  : (struct compile_opts){ .key = parts_key(), .pool_known = any_pool };
	faults_fini(&f);
}

/* NULL: told, with each place. */
static struct zone *read_zone(const struct editing *e, const char *path)
{
	struct load load = { .zone = NULL };
	struct compile_opts opts = e->opts;
	struct faults f;

	opts.quiet = path == e->was; /* what is served was warned of before */
	faults_init(&f);
	const bool ok = load_zone(&load, path, e->apex, &opts, &f);
	if (ok)
		zone_hold(load.zone);
	struct zone *z = ok ? load.zone : NULL;
	fputs(text_get(&f.text), stderr);
	if (ok)
		load_fini(&load);
	faults_fini(&f);
	return z;
}

/* May it be edited? And its text, into both files. */
static enum ctl_status fetch_zone(struct editing *e)
{
	char *words[] = { "zone", "edit", (char *)(uintptr_t)e->name };
	struct text text = { 0 };
	struct fault why;
	char *path = ctl_socket(e->ctl, NULL);

	enum ctl_status status = path ? ctl_ask(path, words, 3, &text) : NOT_DONE;
	free(path);
	fputs(text_get(&text), stderr);
	text_fini(&text);
	if (status == DONE)
		status = ctl_zone_text(
			e->ctl, &(struct ctl_zone_text){ e->name, false, true }, &text);
	if (status == DONE &&
		(!file_replace(e->path, &text, 0600, &why) ||
			!file_replace(e->was, &text, 0600, &why)))
		status = complain(e->path, why.text);
	text_fini(&text);
	if (status == DONE && !(e->before = read_zone(e, e->was)))
		status = complain(e->name,
			"what the server sends is not read here (another version of "
			"waymarkctl?)");
	return status;
}

static bool run_editor(const struct editing *e)
{
	const char *editor = getenv("VISUAL");
	char *argv[] = { "sh", "-c", NULL, "sh", (char *)(uintptr_t)e->path, NULL };
	struct text command = { 0 };
	int status = 0;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	text_addf(&command, "%s \"$1\"", editor && *editor ? editor : "vi");
	argv[2] = (char *)(uintptr_t)text_get(&command);
	const pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fprintf(stderr, "waymarkctl: the editor \"%s\" failed; nothing is changed\n",
			text_get(&command));
	text_fini(&command);
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The first letter of the answer; `otherwise` when it is empty, or there is nobody to ask. */
static char ask(const struct editing *e, const char *question, char otherwise)
{
	char line[64];

	if (!e->asks)
		return otherwise;
	fprintf(stderr, "%s ", question);
	if (!fgets(line, sizeof line, stdin))
		return 'n';
	return line[0] == '\n' ? otherwise : line[0];
}

/* Until it is right, or given up. */
static bool edit(struct editing *e)
{
	for (;;) {
		if (!run_editor(e))
			return false;
		e->after = read_zone(e, e->path);
		if (e->after)
			return true;
		if (ask(e, "Edit again? [Y/n]", e->asks ? 'y' : 'n') == 'n')
			return false;
	}
}

static enum ctl_status send_change(const struct editing *e, const struct change *c)
{
	struct text reply = { 0 };
	size_t len;
	const uint8_t *bytes = change_bytes(c, &len);
	const size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room), *path = ctl_socket(e->ctl, NULL);
	enum ctl_status status = NOT_DONE;

	if (room > CTL_WORD_MOST) {
		status = complain(e->name,
			"so much has changed that it is not sent as one change; make it in "
			"parts");
	} else if (text && path) {
		sodium_bin2base64(text, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
		char *words[] = { "zone", "edit", (char *)(uintptr_t)e->name, text };
		status = ctl_ask(path, words, 4, &reply);
		fputs(text_get(&reply), status == DONE ? stdout : stderr);
	}
	text_fini(&reply);
	free(text);
	free(path);
	return status;
}

/* `*again`: he wants to look at it once more. */
static enum ctl_status commit(const struct editing *e, bool *again)
{
	struct fault why;
	struct text lines = { 0 };
	struct change *c = change_between(e->before, e->after, &why);
	enum ctl_status status = DONE;

	*again = false;
	if (!c)
		return complain(e->name, why.text);
	const bool any = change_goes(c) > 1 || change_comes(c) > 1 ||
		change_to(c) != change_from(c);
	change_lines(&lines, c, change_to(c) != change_from(c));
	fputs(any ? text_get(&lines) : "nothing is different\n", stdout);
	fflush(stdout);
	const char say = any
		? ask(e, "Make these changes? [y/N/e: edit again]", e->asks ? 'n' : 'y')
		: 'n';
	if (say == 'e' || say == 'E')
		*again = true;
	else if (say == 'y' || say == 'Y')
		status = send_change(e, c);
	else if (any)
		status = NOT_DONE;
	text_fini(&lines);
	change_free(c);
	return status;
}

static enum ctl_status edit_and_commit(struct editing *e)
{
	enum ctl_status status = fetch_zone(e);
	bool again = true;

	if (status != DONE)
		return status;
	while (again) {
		if (!edit(e))
			return NOT_DONE;
		status = commit(e, &again);
		zone_drop(e->after);
	}
	return status;
}

/* A folder of its own: editors leave files beside what they edit. */
static bool make_files(struct editing *e, char folder[static 40])
{
	strcpy(folder, "/tmp/waymark-edit.XXXXXX");
	if (!mkdtemp(folder))
		return false;
	snprintf(e->path, sizeof e->path, "%s/zone", folder);
	snprintf(e->was, sizeof e->was, "%s/zone.was", folder);
	return true;
}

enum ctl_status ctl_zone_edit(const struct ctl *c, char **words, int n)
{
	char view[NAME_TEXT];
	struct editing e = { .ctl = c, .asks = isatty(STDIN_FILENO) };
	char folder[40];
	struct fault why;

	e.name = ctl_zone_view(words, &n, view);
	if (n != 3)
		return (enum ctl_status)ctl_help_one("zone", stderr, WRONG_USE);
	if (!view_parse(e.apex, e.name, &why)) {
		fprintf(stderr, "waymarkctl: %s\n", why.text);
		return NOT_DONE;
	}
	if (!make_files(&e, folder))
		return complain(folder, strerror(errno));
	know_pools(&e);
	const enum ctl_status status = edit_and_commit(&e);
	if (status != DONE && access(e.path, F_OK) == 0)
		fprintf(stderr, "waymarkctl: what you have written is in %s\n", e.path);
	else
		unlink(e.path);
	unlink(e.was);
	rmdir(folder);
	if (e.before)
		zone_drop(e.before);
	part_drop(e.conf ? &e.conf->part : NULL);
	return status;
}
