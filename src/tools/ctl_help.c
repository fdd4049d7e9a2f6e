/* ctl_help.c - what waymarkctl can do, and which command was meant.
 */
#include "base/near.h"
#include "console/command.h"
#include "console/command_words.h"
#include "tools/ctl_inner.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char check_usage[] =
	"  check    [--strict] [--allow RULE] [--rules] [--json]\n           is the configuration right, and "
	"all the zones and databases it names? Needs no server; --strict: no warning either; --allow: not of "
	"that rule; --rules: which there are\n";

static const char help_usage[] = "  help     [COMMAND]\n           how all commands are used, or one\n";

/* What is done here; all else is the server's. */
static const struct {
	const char *word, *usage;
} here[] = { { "check", check_usage }, { "test", ctl_test_usage }, { "simulate", ctl_simulate_usage },
	{ "diff", ctl_diff_usage }, { "keys", ctl_keys_usage },
	{ "keygen", ctl_keygen_usage }, { "restore", ctl_restore_usage },
	{ "import", ctl_import_usage }, { "top", ctl_top_usage }, { "bundle", ctl_bundle_usage },
	{ "completion", ctl_completion_usage } };

enum { HERE = sizeof here / sizeof *here };

enum { COLUMNS = 100, COLUMNS_LEAST = 40, INDENT = 11 };

static size_t columns_of(FILE *to)
{
	struct winsize size;

	if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &size) != 0 || !size.ws_col)
		return COLUMNS;
	return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
}

/* One line, which goes on below where it is wider than that. */
static void put_line(const char *s, size_t len, size_t columns, FILE *to)
{
	size_t room = columns;

	while (len > room) {
		size_t at = room;
		while (at && s[at] != ' ')
			at--;
		if (!at || strspn(s, " ") >= at)
			break; /* one long word */
		fprintf(to, "%.*s\n%*s", (int)at, s, INDENT, "");
		len -= at + 1;
		s += at + 1;
		room = columns - INDENT;
	}
	fprintf(to, "%.*s\n", (int)len, s);
}

static void put_help(const char *help, FILE *to)
{
	const size_t columns = columns_of(to);

	for (size_t len; *help; help += len + (help[len] == '\n')) {
		len = strcspn(help, "\n");
		put_line(help, len, columns, to);
	}
}

int ctl_help(FILE *to, int status)
{
	struct text help = { 0 };

	text_addf(&help,
		"usage: waymarkctl [-c FILE | -s SOCKET] COMMAND ...\n"
		"  -c, --config FILE    the server's configuration (default %s)\n"
		"  -s, --socket SOCKET  the server's control socket\n"
		"  -V, --version        print the version\n"
		"  -h, --help           print this; behind a command: how that is used\n"
		"commands:\n",
		CTL_CONF_DEFAULT);
	for (size_t i = 0; i < HERE; i++)
		text_add(&help, here[i].usage);
	command_help(&help);
	text_add(&help, help_usage);
	text_add(&help, "Exit status: 0 done, 1 not done (and why), 2 wrong use.\n");
	put_help(text_get(&help), to);
	text_fini(&help);
	return status;
}

int ctl_help_one(const char *word, FILE *to, int status)
{
	struct text help = { 0 };

	for (size_t i = 0; i < HERE && !help.len; i++)
		if (strcmp(here[i].word, word) == 0)
			text_add(&help, here[i].usage);
	if (strcmp(word, "help") == 0)
		text_add(&help, help_usage);
	if (!help.len && !command_help_one(word, &help))
		return ctl_no_command(word);
	fputs("usage: waymarkctl [-c FILE | -s SOCKET] COMMAND ...\n", to);
	put_help(text_get(&help), to);
	text_fini(&help);
	return status;
}

bool ctl_is_command(const char *word)
{
	for (size_t i = 0; i < HERE; i++)
		if (strcmp(here[i].word, word) == 0)
			return true;
	for (size_t i = 0; command_word(i); i++)
		if (strcmp(command_word(i), word) == 0)
			return true;
	return false;
}

const char *ctl_command(size_t i, const char **usage, bool *described)
{
	*described = i < HERE;
	if (i < HERE) {
		const size_t at = strspn(here[i].usage, " ") + strlen(here[i].word);
		*usage = here[i].usage + at;
		return here[i].word;
	}
	*usage = command_usage(i - HERE);
	return command_word(i - HERE);
}

bool ctl_wrong_option(char **words, int n)
{
	struct text say = { 0 };

	for (size_t i = 0; i < HERE; i++) {
		if (strcmp(here[i].word, words[0]) != 0)
			continue;
		const size_t all = (size_t)n - 1,
			     at = command_wrong_option(here[i].usage, (const char *const *)words + 1, all);
		if (at == all)
			return false;
		command_add_wrong_option(&say, here[i].usage, words[1 + at]);
		fprintf(stderr, "waymarkctl: %s: %s\n", words[0], text_get(&say));
		text_fini(&say);
		ctl_help_one(words[0], stderr, WRONG_USE);
		return true;
	}
	return false;
}

/* A misspelt one, or the first one that begins so. */
static void offer(struct near_word *near, const char **begins, const char *command)
{
	near_offer(near, command);
	if (!*begins && *near->word && strncmp(command, near->word, strlen(near->word)) == 0)
		*begins = command;
}

int ctl_no_command(const char *word)
{
	struct near_word near = { .word = word };
	const char *begins = NULL;

	offer(&near, &begins, "help");
	offer(&near, &begins, "version");
	for (size_t i = 0; i < HERE; i++)
		offer(&near, &begins, here[i].word);
	for (size_t i = 0; command_word(i); i++)
		offer(&near, &begins, command_word(i));
	near.best = near.best ? near.best : begins;
	if (near.best)
		fprintf(stderr,
			"waymarkctl: there is no command \"%s\"; did you mean \"%s\"?\n", word,
			near.best);
	else
		fprintf(stderr,
			"waymarkctl: there is no command \"%s\" (\"waymarkctl help\" lists "
			"them)\n",
			word);
	return WRONG_USE;
}
