/* ctl_bundle.c - "waymarkctl bundle": what somebody who is to help wants to know, in one file, without secrets.
 *
 * The server's own reports, its configuration, and what the machine is. What may be a secret is left out by its key, wherever it stands, and
 * so are passwords in URLs.
 */
#include "base/file.h"
#include "base/text.h"
#include "config.h"
#include "daemon/tree.h"
#include "report/report.h"
#include "tools/ctl_inner.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

const char ctl_bundle_usage[] =
	"  bundle   FILE\n           what somebody who is to help wants to know of the server and its machine, as JSON in one "
	"file; no secret, key or token is in it\n";

#define HIDDEN "(hidden)"

/* --- what is hidden ----------------------------------------------------------------------- */

static bool is_hidden(const char *key)
{
	static const char *const more[] = { "headers", "token", "hash", "secret_key", "command" };

	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (strcmp(key, more[i]) == 0)
			return true;
	return tree_is_secret(key);
}

static json_t *hide(const json_t *from, bool hidden);

/* From the first URL's user on to the last @, of which a password may have some. */
static json_t *hide_text(const char *s)
{
	const char *scheme = strstr(s, "://"), *at = scheme ? strrchr(scheme, '@') : NULL;

	if (!at)
		return json_string(s);
	return json_sprintf("%.*s" HIDDEN "%s", (int)(scheme + 3 - s), s, at);
}

static json_t *hide_object(const json_t *from, bool hidden)
{
	json_t *to = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)from, key, value)
		json_object_set_new(to, key, hide(value, hidden || (is_hidden(key) && !json_is_object(value)) || strcmp(key, "headers") == 0));
	return to;
}

/* A copy. */
static json_t *hide(const json_t *from, bool hidden)
{
	size_t i;
	json_t *value;

	if (json_is_object(from))
		return hide_object(from, hidden);
	if (json_is_array(from)) {
		json_t *to = json_array();
		json_array_foreach (from, i, value)
			json_array_append_new(to, hide(value, hidden));
		return to;
	}
	if (json_is_string(from))
		return hidden ? json_string(HIDDEN) : hide_text(json_string_value(from));
	return json_deep_copy(from);
}

/* --- what is asked ------------------------------------------------------------------------ */

/* One of the server's reports; what is no JSON is a sentence. */
static json_t *ask(const char *socket, const char *const *words, int n)
{
	struct text reply = { 0 };
	char *own[8];

	for (int i = 0; i < n; i++)
		own[i] = (char *)(uintptr_t)words[i];
	ctl_ask(socket, own, n, &reply);
	json_t *said = json_loads(text_get(&reply), JSON_DECODE_ANY, NULL);
	json_t *to = said ? hide(said, false) : hide_text(text_get(&reply));
	json_decref(said);
	text_fini(&reply);
	return to;
}

static void add_reports(json_t *to, const char *socket)
{
	static const struct {
		const char *name, *words[5];
	} asked[] = { { "configuration", { "export", "--config" } }, { "status", { "status", "--json" } }, { "ready", { "ready", "--json" } },
		{ "zones", { "zones", "--limit", "1000", "--json" } }, { "faulty_zones", { "zones", "--faulty", "--limit", "1000", "--json" } },
		{ "edges", { "edges", "--json" } }, { "pools", { "pools", "--json" } }, { "changes", { "changes", "--json" } },
		{ "history", { "history", "--last", "200", "--json" } }, { "jobs", { "jobs", "--json" } }, { "rates", { "rates", "--json" } },
		{ "fleet", { "fleet", "--json" } } };

	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		int n = 0;
		while (n < 5 && asked[i].words[n])
			n++;
		json_object_set_new(to, asked[i].name, ask(socket, asked[i].words, n));
	}
}

/* --- the machine -------------------------------------------------------------------------- */

static void add_file(json_t *to, const char *name, const char *path)
{
	struct fault why;
	struct file file;

	if (!file_read(&file, path, 64 << 10, &why))
		return;
	json_object_set_new(to, name, json_stringn(file.text, file.len));
	file_free(&file);
}

static json_t *machine(void)
{
	struct utsname u = { .sysname = "" };
	struct sysinfo s = { 0 };

	uname(&u);
	sysinfo(&s);
	json_t *to = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "system", u.sysname, "kernel", u.release, "machine", u.machine,
		"processors", (json_int_t)get_nprocs(), "memory", (json_int_t)(s.totalram * s.mem_unit), "free",
		(json_int_t)(s.freeram * s.mem_unit), "up_s", (json_int_t)s.uptime);
	add_file(to, "release", "/etc/os-release");
	add_file(to, "sockets", "/proc/net/sockstat");
	add_file(to, "udp", "/proc/net/snmp");
	add_file(to, "rmem_max", "/proc/sys/net/core/rmem_max");
	return to;
}

enum ctl_status ctl_bundle(const struct ctl *c, char **words, int n)
{
	struct text out = { 0 };
	struct fault why;

	if (n != 1 || words[0][0] == '-')
		return (enum ctl_status)ctl_help_one("bundle", stderr, WRONG_USE);
	json_t *all = json_pack("{s:s, s:s, s:I, s:o}", "format", "waymark-bundle-1", "waymarkctl", PACKAGE_VERSION, "time",
		(json_int_t)time(NULL), "machine", machine());
	char *socket = ctl_socket(c, NULL);
	if (socket)
		add_reports(all, socket);
	free(socket);
	report_json(all, &out);
	const bool ok = file_replace(words[0], &out, 0600, &why);
	text_fini(&out);
	if (!ok)
		fprintf(stderr, "waymarkctl: %s\n", why.text);
	else
		printf("%s: look through it before you give it away: names and addresses of zones and edges are in it\n", words[0]);
	return ok ? DONE : NOT_DONE;
}
