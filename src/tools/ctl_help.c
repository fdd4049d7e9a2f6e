/* ctl_help.c - what waymarkctl can do, and which command was meant.
 */
#include "base/near.h"
#include "console/command.h"
#include "tools/ctl_inner.h"

#include <stdio.h>
#include <string.h>

static const char check_usage[] =
	"  check    [--strict] [--allow RULE] [--rules] [--json]\n           is the configuration right, and "
	"all the zones and databases it names? Needs no server; --strict: no warning either; --allow: not of "
	"that rule; --rules: which there are\n";

/* What is done here; all else is the server's. */
static const struct {
	const char *word, *usage;
} here[] = { { "check", check_usage }, { "test", ctl_test_usage }, { "simulate", ctl_simulate_usage },
	{ "diff", ctl_diff_usage }, { "keys", ctl_keys_usage },
	{ "keygen", ctl_keygen_usage }, { "restore", ctl_restore_usage },
	{ "import", ctl_import_usage }, { "top", ctl_top_usage }, { "bundle", ctl_bundle_usage },
	{ "completion", ctl_completion_usage } };

enum { HERE = sizeof here / sizeof *here };

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
	text_add(&help,
		"  help     [COMMAND]\n           how all commands are used, or one\n"
		"Exit status: 0 done, 1 not done (and why), 2 wrong use.\n");
	fputs(text_get(&help), to);
	text_fini(&help);
	return status;
}

int ctl_help_one(const char *word, FILE *to, int status)
{
	struct text help = { 0 };

	for (size_t i = 0; i < HERE && !help.len; i++)
		if (strcmp(here[i].word, word) == 0)
			text_add(&help, here[i].usage);
	if (!help.len && !command_help_one(word, &help))
		return ctl_no_command(word);
	fprintf(to, "usage: waymarkctl [-c FILE | -s SOCKET] COMMAND ...\n%s", text_get(&help));
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

const char *ctl_command(size_t i, const char **usage)
{
	if (i < HERE) {
		const size_t at = strspn(here[i].usage, " ") + strlen(here[i].word);
		*usage = here[i].usage + at;
		return here[i].word;
	}
	*usage = command_usage(i - HERE);
	return command_word(i - HERE);
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
