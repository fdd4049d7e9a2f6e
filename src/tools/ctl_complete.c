/* ctl_complete.c - completion for shells, made of the tables of commands.
 */
#include "base/memory.h"
#include "base/text.h"
#include "console/command.h"
#include "tools/ctl_inner.h"

#include <stdio.h>
#include <string.h>

const char ctl_completion_usage[] =
	"  completion bash | zsh | fish\n           a script that completes the words of this program\n";

/* What may stand behind a command. */
struct words {
	struct text seconds; /* words that come at once, with blanks between them */
	struct text options;
};

static bool has_word(const struct text *t, const char *word, size_t len)
{
	for (const char *s = text_get(t); *s; s += strspn(s, " ")) {
		const size_t n = strcspn(s, " ");
		if (n == len && strncmp(s, word, len) == 0)
			return true;
		s += n;
	}
	return false;
}

static void add_word(struct text *t, const char *word, size_t len)
{
	if (has_word(t, word, len))
		return;
	text_add(t, t->len ? " " : "");
	text_add_bytes(t, word, len);
}

static void add_options(struct text *to, const char *usage)
{
	for (const char *s = usage; (s = strstr(s, "--")); s += 2) {
		const size_t len = 2 + strspn(s + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
		if (len > 2)
			add_word(to, s, len);
	}
}

/* Forms stand behind "|" or on lines of their own, but where these tell what it does. Where the first begins with a word as it is, so do
 * all. */
static void add_seconds(struct text *to, const char *usage, bool described)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

	for (const char *s = usage; s;) {
		s += strspn(s, " \n|");
		const size_t len = strspn(s, letters);
		if (!len || *s == '-' || (s[len] && !strchr(" \n", s[len])))
			return;
		add_word(to, s, len);
		const char *bar = strstr(s, " | "), *line = strchr(s, '\n');
		s = bar && (!line || bar < line) ? bar : described ? NULL : line;
	}
}

/* Calls `each` with each command, in the order of help. */
static void each_command(void (*each)(struct text *out, const char *word, const struct words *w), struct text *out)
{
	const char *word, *usage;
	bool described;

	for (size_t i = 0; (word = ctl_command(i, &usage, &described)); i++) {
		struct words w = { { 0 }, { 0 } };
		add_seconds(&w.seconds, usage, described);
		add_options(&w.options, usage);
		each(out, word, &w);
		text_fini(&w.seconds);
		text_fini(&w.options);
	}
}

static void add_name(struct text *out, const char *word, const struct words *w)
{
	(void)w;
	text_addf(out, "%s ", word);
}

static void add_case(struct text *out, const char *word, const struct words *w)
{
	text_addf(out, "\t%s) seconds='%s' options='%s' ;;\n", word, text_get(&w->seconds), text_get(&w->options));
}

static void add_fish(struct text *out, const char *word, const struct words *w)
{
	text_addf(out, "complete -c waymarkctl -n __fish_use_subcommand -f -a %s\n", word);
	if (w->seconds.len)
		text_addf(out, "complete -c waymarkctl -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", word,
			text_get(&w->seconds));
	for (const char *s = text_get(&w->options); *s; s += strspn(s, " ")) {
		const size_t n = strcspn(s, " ");
		text_addf(out, "complete -c waymarkctl -n '__fish_seen_subcommand_from %s' -l %.*s\n", word, (int)(n - 2),
			s + 2);
		s += n;
	}
}

static void put_bash(struct text *out)
{
	text_add(out,
		"# Made by \"waymarkctl completion bash\".\n"
		"_waymarkctl() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} command= seconds= options= i=1\n"
		"\twhile [ $i -lt $COMP_CWORD ]; do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n"
		"\t\t-c|-s|--config|--socket) i=$((i + 1)) ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		"\t\tesac\n"
		"\t\ti=$((i + 1))\n"
		"\tdone\n"
		"\tcase $command in\n"
		"\t'') seconds='");
	each_command(add_name, out);
	text_add(out, "help' options='--config --socket --version --help' ;;\n");
	each_command(add_case, out);
	text_add(out,
		"\tesac\n"
		"\t[ -z \"$command\" ] || [ $COMP_CWORD = $((i + 1)) ] || seconds=\n"
		"\tCOMPREPLY=($(compgen -W \"$seconds $options\" -- \"$cur\"))\n"
		"}\n"
		"complete -o default -F _waymarkctl waymarkctl\n");
}

static void put_zsh(struct text *out)
{
	text_add(out,
		"#compdef waymarkctl\n"
		"# Made by \"waymarkctl completion zsh\".\n"
		"local command= seconds= options= i=2\n"
		"while (( i < CURRENT )); do\n"
		"\tcase $words[i] in\n"
		"\t-c|-s|--config|--socket) (( i++ )) ;;\n"
		"\t-*) ;;\n"
		"\t*) command=$words[i]; break ;;\n"
		"\tesac\n"
		"\t(( i++ ))\n"
		"done\n"
		"case $command in\n"
		"\t'') seconds='");
	each_command(add_name, out);
	text_add(out, "help' options='--config --socket --version --help' ;;\n");
	each_command(add_case, out);
	text_add(out,
		"esac\n"
		"[[ -z $command ]] || (( CURRENT == i + 1 )) || seconds=\n"
		"compadd -- ${=seconds} ${=options}\n"
		"_files\n");
}

static void put_fish(struct text *out)
{
	text_add(out, "# Made by \"waymarkctl completion fish\".\n");
	each_command(add_fish, out);
}

int ctl_completion(const char **words, size_t n)
{
	static const struct {
		const char *shell;
		void (*put)(struct text *out);
	} shells[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };
	struct text out = { 0 };

	for (size_t i = 0; n == 1 && i < sizeof shells / sizeof *shells; i++)
		if (strcmp(words[0], shells[i].shell) == 0)
			shells[i].put(&out);
	if (!out.len)
		return ctl_help_one("completion", stderr, WRONG_USE);
	fputs(text_get(&out), stdout);
	text_fini(&out);
	return DONE;
}
