/* ctl_run.c - waymarkctl: the operator's tool.
 *
 * "check" reads a configuration and all it names with the server's own code and serves nothing;
 * "simulate" and "diff" hold one against the running server, here. Every other command goes to
 * the running server by its control socket, which is found in the configuration.
 */
#include "base/log.h"
#include "base/text.h"
#include "conf/conf.h"
#include "config.h"
#include "console/command.h"
#include "tools/ctl_inner.h"
#include "tools/ctl_run.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int complain(const char *fmt, const char *what, const char *why)
{
	fputs("waymarkctl: ", stderr);
	fprintf(stderr, fmt, what, why);
	fputc('\n', stderr);
	return NOT_DONE;
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof sa.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sa.sun_path, path);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		const int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static bool send_words(int fd, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		const char *p = words[i];
		for (size_t left = strlen(p) + 1; left;) {
			const ssize_t sent = send(fd, p, left, MSG_NOSIGNAL);
			if (sent < 0)
				return false;
			p += sent;
			left -= (size_t)sent;
		}
	}
	return shutdown(fd, SHUT_WR) == 0;
}

/* --- while an answer takes its time ------------------------------------------------------- */

/* Asked on a connection of its own; NULL when there is no answer at once. */
static json_t *ask_jobs(const char *path)
{
	char *words[] = { "jobs", "--json" };
	struct text reply = { 0 };
	char buf[4096];
	ssize_t got;
	const int fd = connect_to(path);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && send_words(fd, words, 2))
		while (poll(&p, 1, 500) > 0 && (got = recv(fd, buf, sizeof buf, 0)) > 0)
			text_add_bytes(&reply, buf, (size_t)got);
	if (fd >= 0)
		close(fd);
	json_t *list = reply.len > 2 ? json_loads(text_get(&reply) + 2, 0, NULL) : NULL;
	text_fini(&reply);
	return list;
}

/* One line that is written over and over: what runs, since when, how far it is. */
static void show_progress(const char *path, const char *word)
{
	json_t *list = ask_jobs(path), *job;
	size_t i;

	json_array_foreach (list, i, job) {
		const char *name = json_string_value(json_object_get(job, "job"));
		const json_int_t of = json_integer_value(json_object_get(job, "of"));
		if (!name || strcmp(name, word) != 0)
			continue;
		fprintf(stderr, "\r%s: %s for %.0f s", word,
			json_string_value(json_object_get(job, "state")),
			json_real_value(json_object_get(job, "for_s")));
		if (of)
			fprintf(stderr, ", %lld %%",
				(long long)(json_integer_value(json_object_get(job, "done")) *
					100 / of));
		fputs("   ", stderr);
		break;
	}
	json_decref(list);
}

static void clear_progress(void)
{
	fputs("\r\033[K", stderr);
}

/* Until there is something to read. */
static void wait_for_answer(int fd, const char *path, const char *word)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool shown = false;

	if (!isatty(STDERR_FILENO))
		return;
	while (poll(&p, 1, 1000) == 0) {
		show_progress(path, word);
		shown = true;
	}
	if (shown)
		clear_progress();
}

enum ctl_status ctl_ask(const char *path, char **words, int n, struct text *reply)
{
	char buf[65536];
	char status[2];
	size_t seen = 0;
	ssize_t got;

	const int fd = connect_to(path);
	if (fd < 0)
		return complain("cannot reach the server at %s: %s (does it run, and may we "
				"speak to it?)",
			path, strerror(errno));
	if (!send_words(fd, words, n)) {
		close(fd);
		return complain(
			"the server at %s did not take the command: %s", path, strerror(errno));
	}
	wait_for_answer(fd, path, words[0]);
	while ((got = recv(fd, buf, sizeof buf, 0)) > 0) {
		size_t skip = 0;
		while (seen < 2 && skip < (size_t)got)
			status[seen++] = buf[skip++];
		text_add_bytes(reply, buf + skip, (size_t)got - skip);
	}
	close(fd);
	if (seen < 2 || status[0] < '0' || status[0] > '2' || status[1] != '\n')
		return complain("the server at %s closed without an answer%s (only root and "
				"its own user may command it)",
			path, "");
	return (enum ctl_status)(status[0] - '0');
}

/* Sends the command and prints what comes back. Its exit status is what the server says. JSON is
 * read by programs, which find it in one place. */
static int ask_server(const char *path, char **words, int n)
{
	struct text reply = { 0 };
	const enum ctl_status status = ctl_ask(path, words, n, &reply);

	const bool json = text_get(&reply)[0] == '{' || text_get(&reply)[0] == '[';
	fputs(text_get(&reply), status == DONE || json ? stdout : stderr);
	text_fini(&reply);
	return status;
}

char *ctl_socket(const struct ctl *c, const char *instead)
{
	const char *conf = c->conf_given || !instead ? c->conf_path : instead;
	struct arena mem = { 0 };
	struct fault why;
	const char *found = c->socket_path ? c->socket_path
					   : conf_find_socket(conf, &mem, &why);
	char *path = found ? strdup(found) : NULL;

	arena_fini(&mem);
	if (!path)
		complain("%s%s", found ? "out of memory" : why.text,
			found || conf != c->conf_path || c->conf_given ? "" : " (-c FILE names another configuration, -s SOCKET the socket)");
	return path;
}

static int say_version(void)
{
	puts("waymarkctl " PACKAGE_VERSION);
	return DONE;
}

/* Needs it no server, or is its own -c another one? All else takes options of waymarkctl behind it, too. */
static bool takes_its_own(const char *word)
{
	static const char *const own[] = { "simulate", "diff", "keys", "completion", "keygen", "import" };

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i], word) == 0)
			return true;
	return false;
}

/* "waymarkctl check -c FILE" is as good as "waymarkctl -c FILE check". */
static int take_options(struct ctl *ctl, char **words, int n)
{
	for (int i = 1; i + 1 < n; i++) {
		const bool conf = !strcmp(words[i], "-c") || !strcmp(words[i], "--config"),
			   socket = !strcmp(words[i], "-s") || !strcmp(words[i], "--socket");
		if (!conf && !socket)
			continue;
		*(conf ? &ctl->conf_path : &ctl->socket_path) = words[i + 1];
		ctl->conf_given = ctl->conf_given || conf;
		memmove(words + i, words + i + 2, (size_t)(n - i - 2) * sizeof *words);
		n -= 2;
		i--;
	}
	return n;
}

/* Which word names a file; 0: none. */
static int file_word(char **words, int n)
{
	if (n == 2 && strcmp(words[0], "backup") == 0)
		return 1;
	if (n == 3 && strcmp(words[0], "latency") == 0 && strcmp(words[1], "import") == 0)
		return 2;
	if (n > 3 && strcmp(words[0], "zone") == 0 && strcmp(words[1], "add") == 0) {
		/* Behind the template, or where that is, with a slash. */
		const int at = n > 4 && words[4][0] != '-' ? 4 : 3;
		return words[at][0] != '-' && (at == 4 || strchr(words[at], '/')) ? at : 0;
	}
	return 0;
}

/* A record may have more words than a command: it is sent as one. NULL: there is none. */
static char *record_of(char **words, int n)
{
	struct text text = { 0 };

	if (strcmp(words[0], "zone") != 0 ||
		(strcmp(words[1], "set") != 0 && strcmp(words[1], "unset") != 0))
		return NULL;
	for (int i = 3; i < n; i++)
		text_addf(&text, "%s%s", i == 3 ? "" : " ", words[i]);
	return text.s;
}

/* Also of a file that is to be. NULL: there is no memory. */
static char *whole_path(const char *path)
{
	char *real = realpath(path, NULL), *dir = real ? NULL : getcwd(NULL, 0);
	struct text text = { 0 };

	if (real || !dir || *path == '/') {
		free(dir);
		return real;
	}
	text_addf(&text, "%s/%s", dir, path);
	free(dir);
	return text.s;
}

static int by_server(const struct ctl *ctl, char **words, int n)
{
	/* The server has another working folder. */
	const int at = file_word(words, n);
	char *file = at ? whole_path(words[at]) : NULL;
	if (file)
		words[at] = file;
	char *record = n > 4 ? record_of(words, n) : NULL;
	if (record) {
		words[3] = record;
		n = 4;
	}
	char *path = ctl_socket(ctl, NULL);
	const int status = path ? ask_server(path, words, n) : NOT_DONE;
	free(path);
	free(file);
	free(record);
	return status;
}

/* Behind all else that was typed. A record may end so. */
static bool asks_for_help(char **words, int n)
{
	if (n > 3 && strcmp(words[0], "zone") == 0 && (strcmp(words[1], "set") == 0 || strcmp(words[1], "unset") == 0))
		return false;
	return n > 1 && (strcmp(words[n - 1], "--help") == 0 || (n == 2 && strcmp(words[1], "-h") == 0));
}

static int run(struct ctl *ctl, char **words, int n)
{
	if (strcmp(words[0], "help") == 0 && n == 1)
		return ctl_help(stdout, DONE);
	if (strcmp(words[0], "help") == 0)
		return asks_for_help(words, n) ? ctl_help_one("help", stdout, DONE)
			: n == 2 ? ctl_help_one(words[1], stdout, DONE)
				 : ctl_help_one("help", stderr, WRONG_USE);
	if (strcmp(words[0], "version") == 0 && n == 1)
		return say_version();
	if (!ctl_is_command(words[0]))
		return ctl_no_command(words[0]);
	if (asks_for_help(words, n))
		return ctl_help_one(words[0], stdout, DONE);
	if (!takes_its_own(words[0]))
		n = take_options(ctl, words, n);
	if (ctl_wrong_option(words, n))
		return WRONG_USE;
	if (strcmp(words[0], "simulate") == 0)
		return (int)ctl_simulate(ctl, words + 1, n - 1);
	if (strcmp(words[0], "diff") == 0)
		return ctl_diff(ctl, words + 1, n - 1);
	if (strcmp(words[0], "keys") == 0)
		return (int)ctl_keys(words + 1, n - 1);
	if (strcmp(words[0], "completion") == 0)
		return ctl_completion((const char **)words + 1, (size_t)n - 1);
	if (strcmp(words[0], "keygen") == 0)
		return (int)ctl_keygen(words + 1, n - 1);
	if (strcmp(words[0], "import") == 0)
		return (int)ctl_import(words + 1, n - 1);
	if (strcmp(words[0], "restore") == 0)
		return (int)ctl_restore(ctl, words + 1, n - 1);
	if (strcmp(words[0], "test") == 0)
		return ctl_test(ctl, words + 1, n - 1);
	if (strcmp(words[0], "bundle") == 0)
		return (int)ctl_bundle(ctl, words + 1, n - 1);
	if (strcmp(words[0], "top") == 0)
		return (int)ctl_top(ctl, words + 1, n - 1);
	if (n > 1 && strcmp(words[0], "fleet") == 0 && strcmp(words[1], "verify") == 0)
		return (int)ctl_fleet_verify(ctl, words + 2, n - 2);
	if (strcmp(words[0], "check") == 0)
		return ctl_check(ctl, words + 1, n - 1);
	if (n > 1 && strcmp(words[0], "export") == 0 && strcmp(words[1], "config") == 0)
		return (int)ctl_export(ctl, words + 2, n - 2);
	if (n > 2 && strcmp(words[0], "zone") == 0 && strcmp(words[1], "export") == 0)
		return (int)ctl_zone_export(ctl, words, n);
	if (n > 2 && strcmp(words[0], "zone") == 0 && strcmp(words[1], "edit") == 0)
		return (int)ctl_zone_edit(ctl, words, n);
	return by_server(ctl, words, n);
}

/* What was said has to have come out: half an export is none. To diff and test 1 is an answer, and trouble is 2. */
static int said(int status, const char *word)
{
	const bool wrong = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !wrong)
		return status;
	fprintf(stderr, "waymarkctl: standard output cannot be written: not all has come out%s%s\n", errno ? ": " : "",
		errno ? strerror(errno) : "");
	if (strcmp(word, "diff") == 0 || strcmp(word, "test") == 0)
		return 2;
	return status == DONE ? NOT_DONE : status;
}

int ctl_run(int argc, char **argv)
{
	static const struct option long_opts[] = { { "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' },
		{ 0 } };
	struct ctl ctl = { .conf_path = CTL_CONF_DEFAULT };
	int opt;

	/* "+": options end at the command, whose own look alike. */
	while ((opt = getopt_long(argc, argv, "+c:s:Vh", long_opts, NULL)) != -1) {
		switch (opt) {
		case 'c':
			ctl.conf_path = optarg;
			ctl.conf_given = true;
			break;
		case 's': ctl.socket_path = optarg; break;
		case 'V': return said(say_version(), "version");
		case 'h': return said(ctl_help(stdout, DONE), "help");
		default:
			fputs("usage: waymarkctl [-c FILE | -s SOCKET] COMMAND ... (\"waymarkctl help\" lists all)\n", stderr);
			return WRONG_USE;
		}
	}
	log_open("waymarkctl", LOG_NOTICE);
	if (optind == argc)
		return ctl_help(stderr, WRONG_USE);
	const char *word = argv[optind];
	return said(run(&ctl, argv + optind, argc - optind), word);
}
