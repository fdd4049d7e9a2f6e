#include "tools/ctl_run.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include "base/text.h"
#include "base/who.h"

#include <ftw.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each folder of tests/sessions has a `session`: commands behind "$ ", each with what it says, and its status where that is not
 * 0. "cat FILE" shows a file. They run in a copy of the folder, or of the one that a first line "from FOLDER" names; "@DIR@"
 * stands for it. Where it has a t.yaml a server of that runs, at @PORT@; "@PORT@", "@CLOSED@" and "@DNS@" of others' files are some ports. Moments, generations and who runs this are told as "@TIME@",
 * "@N@" and "@WHO@". With UNIT_SESSIONS=write the sessions are written anew, to be read by whoever has changed them. */

static struct house h;
static bool serves;
static char from[200], folder[32], port[16];

/* `text` with each `what` in it as `as`. */
static void add_replaced(struct text *to, const char *text, const char *what, const char *as)
{
	for (const char *at; (at = strstr(text, what)); text = at + strlen(what)) {
		text_add_bytes(to, text, (size_t)(at - text));
		text_add(to, as);
	}
	text_add(to, text);
}

static void add_file(struct text *to, const char *path)
{
	char buf[4096];
	FILE *f = fopen(path, "re");

	if (!f)
		text_addf(to, "cat: there is no %s\n", path);
	for (size_t n; f && (n = fread(buf, 1, sizeof buf, f)) > 0;)
		text_add_bytes(to, buf, n);
	if (f)
		fclose(f);
}

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	char to[600];
	const char *instead[][2] = { { "@DIR@", folder }, { "@PORT@", serves ? port : "8080" }, { "@CLOSED@", "8081" }, { "@DNS@", "5353" } };
	struct text is = { 0 };

	(void)st;
	(void)at;
	snprintf(to, sizeof to, "%s%s", folder, path + strlen(from));
	if (kind == FTW_D)
		return mkdir(to, 0755) != 0 && access(to, F_OK) != 0;
	add_file(&is, path);
	for (size_t i = 0; i < UNIT_COUNT(instead); i++) {
		struct text was = { 0 };
		text_take(&was, &is);
		add_replaced(&is, text_get(&was), instead[i][0], instead[i][1]);
		text_fini(&was);
	}
	FILE *f = fopen(to, "we");
	const bool ok = f && fwrite(text_get(&is), 1, is.len, f) == is.len && fclose(f) == 0;
	text_fini(&is);
	return ok ? 0 : 1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* In a process of its own: standard output and error are the file. */
static int run_words(char **words, int n, FILE *out)
{
	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0) {
		if (dup2(fileno(out), 1) < 0 || dup2(fileno(out), 2) < 0 || chdir(folder) != 0)
			_exit(99);
		setvbuf(stdout, NULL, _IOLBF, 0);
		optind = 1;
		const int status = ctl_run(n, words);
		fflush(NULL);
		_exit(status);
	}
	int status = -1;
	while (serves && waitpid(pid, &status, WNOHANG) == 0)
		house_pass(&h, 0.01);
	if (!serves)
		waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Of "2026-11-28T21:41:06Z", and with a blank for the T. */
static bool is_moment(const char *s)
{
	static const char form[] = "dddd-dd-dd?dd:dd:dd";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : form[i] == '?' ? s[i] != 'T' && s[i] != ' ' : s[i] != form[i])
			return false;
	return true;
}

/* What a number follows that is another each time, or on another processor (sizes of zones depend on how long its
 * words are); 0: nothing such. */
static size_t before_number(const char *s)
{
	static const char *const words[] = { "generation ", "\"bytes\": " };

	for (size_t i = 0; i < UNIT_COUNT(words); i++)
		if (strncmp(s, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

/* What is another thing each time is told by its name. */
static void add_said(struct text *to, const char *text)
{
	struct text a = { 0 }, b = { 0 }, c = { 0 };
	char who[WHO_TEXT], by[WHO_TEXT + 8];

	snprintf(by, sizeof by, " by %s", who_text(who, getuid()));
	add_replaced(&a, text, folder, "@DIR@");
	add_replaced(&c, text_get(&a), by, " by @WHO@");
	add_replaced(&b, text_get(&c), serves ? port : "@PORT@", "@PORT@");
	text_fini(&c);
	for (const char *at = text_get(&b); *at;) {
		const size_t word = before_number(at);
		if (word) {
			text_add_bytes(to, at, word);
			text_add(to, "@N@");
			at += word + strspn(at + word, "0123456789");
		} else if (is_moment(at)) {
			text_add(to, "@TIME@");
			at += strlen("2026-11-28T21:41:06");
			at += *at == 'Z';
		} else {
			text_add_bytes(to, at++, 1);
		}
	}
	text_fini(&a);
	text_fini(&b);
}

static void add_command(struct text *said, const char *line)
{
	char copy[1000], *rest = copy, *words[64] = { "waymarkctl" };
	int n = 1;
	struct text out = { 0 };
	char path[] = "/tmp/unit_session_out.XXXXXX";

	struct text real = { 0 };

	add_replaced(&real, line, "@PORT@", port);
	snprintf(copy, sizeof copy, "%s", text_get(&real));
	text_fini(&real);
	for (char *at; (at = strsep(&rest, " ")) && n < 63;)
		words[n++] = at;
	text_addf(said, "$ %s\n", line);
	if (strcmp(words[1], "cat") == 0 && n == 3) {
		char whole[300];
		snprintf(whole, sizeof whole, "%s/%s", folder, words[2]);
		add_file(&out, whole);
		add_said(said, text_get(&out));
		text_fini(&out);
		return;
	}
	const int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w+");
	const int status = run_words(words, n, f);
	fclose(f);
	add_file(&out, path);
	unlink(path);
	add_said(said, text_get(&out));
	text_fini(&out);
	if (status)
		text_addf(said, "status %d\n", status);
}

static void compare(const char *path, const char *got, const char *want)
{
	unsigned line = 1;

	if (strcmp(got, want) == 0)
		return;
	while (*got && *want && strcspn(got, "\n") == strcspn(want, "\n") && strncmp(got, want, strcspn(got, "\n") + 1) == 0) {
		got += strcspn(got, "\n") + 1;
		want += strcspn(want, "\n") + 1;
		line++;
	}
	printf("%s:%u: it says\n%.*s\nand should say\n%.*s\n", path, line, (int)strcspn(got, "\n"), got, (int)strcspn(want, "\n"), want);
	CU_FAIL("a session goes another way");
}

static void run_session(const char *path)
{
	struct text want = { 0 }, said = { 0 };

	add_file(&want, path);
	const char *at = text_get(&want);
	snprintf(from, sizeof from, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (strncmp(at, "from ", 5) == 0) {
		snprintf(from, sizeof from, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
		text_addf(&said, "from %s\n", from);
	}
	char conf[300];
	snprintf(conf, sizeof conf, "%s/t.yaml", from);
	serves = access(conf, F_OK) == 0;
	strcpy(folder, "/tmp/unit_session.XXXXXX");
	if (serves) {
		house_open(&h, "");
		strcpy(folder, h.site.folder);
		snprintf(port, sizeof port, "%u", serving_port(&h.at));
	} else if (!mkdtemp(folder)) {
		abort();
	}
	if (nftw(from, copy_one, 8, FTW_PHYS) != 0)
		abort();
	if (serves)
		CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, "$ ", 2) == 0) {
			char line[1000];
			snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
			add_command(&said, line);
		}
	if (serves)
		house_stop(&h);
	if (serves)
		house_close(&h);
	else
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	const char *write = getenv("UNIT_SESSIONS");
	FILE *f = write && strcmp(write, "write") == 0 ? fopen(path, "we") : NULL;
	if (f) {
		fputs(text_get(&said), f);
		fclose(f);
	} else {
		compare(path, text_get(&said), text_get(&want));
	}
	text_fini(&want);
	text_fini(&said);
}

static void sessions_go_as_they_are_written(void)
{
	glob_t all;

	CU_ASSERT_EQUAL_FATAL(glob("tests/sessions/*/session", 0, NULL, &all), 0);
	CU_ASSERT_TRUE(all.gl_pathc > 5);
	for (size_t i = 0; i < all.gl_pathc; i++)
		run_session(all.gl_pathv[i]);
	globfree(&all);
}

static const struct unit_case cases[] = {
	{ "sessions go as they are written", sessions_go_as_they_are_written },
};

void suite_ctl_run(void);
void suite_ctl_run(void)
{
	unit_suite("tools/ctl_run", cases, UNIT_COUNT(cases));
}
