#include "console/command.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* What a command was called with. */
struct called {
	char words[128];
	unsigned n;
	int status;
	const char *says;
};

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct called *x = ctx;

	x->words[0] = 0;
	for (size_t i = 0; i < n; i++) {
		strcat(x->words, words[i]);
		strcat(x->words, ";");
	}
	x->n++;
	if (x->says)
		text_add(c->out, x->says);
	return x->status;
}

/* Runs the words of a text; its answer is in `to`. */
static int tell(const struct commands *all, const char *text, struct text *to)
{
	char copy[512];
	const char *words[COMMAND_WORDS_MOST + 8];
	size_t n = 0;
	struct command_call c = { .out = to };

	strcpy(copy, text);
	for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
		words[n++] = at;
	text_fini(to);
	*to = (struct text){ 0 };
	return commands_run(all, words, n, &c);
}

static void tell_first_word(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct called *x = ctx;

	snprintf(to, COMMAND_STATE, "%u: %s", x->n, n ? words[0] : "");
}

static void what_changes_something_has_how_it_stood_before(void)
{
	struct called force = { .status = 0 }, status = { .status = 0 };
	struct commands all = { 0 };
	struct text out = { 0 };
	const char *words[] = { "force", "ams1", "down" }, *none[] = { "status" };
	struct command_call c = { .out = &out };
	char after[COMMAND_STATE];

	commands_bind(&all, "force", run, &force);
	commands_bind(&all, "status", run, &status);
	commands_bind_state(&all, "force", tell_first_word);
	commands_bind_state(&all, "status", tell_first_word);
	CU_ASSERT_EQUAL(commands_run(&all, words, 3, &c), 0);
	CU_ASSERT_STRING_EQUAL(c.before, "0: ams1");
	commands_state(&all, words, 3, after);
	CU_ASSERT_STRING_EQUAL(after, "1: ams1");
	CU_ASSERT_EQUAL(commands_run(&all, none, 1, &c), 0);
	CU_ASSERT_STRING_EQUAL(c.before, "");
	text_fini(&out);
}

static void each_word_goes_to_who_is_bound_to_it(void)
{
	struct called status = { .status = 0, .says = "fine\n" }, stop = { .status = 1 },
		      later = { .status = COMMAND_LATER };
	struct commands all = { 0 };
	struct text out = { 0 };

	commands_bind(&all, "status", run, &status);
	commands_bind(&all, "stop", run, &stop);
	commands_bind(&all, "reload", run, &later);
	CU_ASSERT_EQUAL(tell(&all, "status", &out), 0);
	CU_ASSERT_STRING_EQUAL(text_get(&out), "fine\n");
	CU_ASSERT_STRING_EQUAL(status.words, "");
	CU_ASSERT_EQUAL(tell(&all, "stop now please", &out), 1);
	CU_ASSERT_STRING_EQUAL(stop.words, "now;please;");
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_EQUAL(tell(&all, "reload --stage 5%", &out), COMMAND_LATER);
	CU_ASSERT_STRING_EQUAL(later.words, "--stage;5%;");
	CU_ASSERT_EQUAL(status.n, 1);
	CU_ASSERT_EQUAL(stop.n, 1);
	/* The last who binds has it. */
	commands_bind(&all, "status", run, &stop);
	tell(&all, "status", &out);
	CU_ASSERT_EQUAL(status.n, 1);
	CU_ASSERT_EQUAL(stop.n, 2);
	text_fini(&out);
}

static void a_word_that_nobody_has_bound_gets_the_list(void)
{
	struct called status = { .status = 0 };
	struct commands all = { 0 };
	struct text out = { 0 };

	commands_bind(&all, "status", run, &status);
	CU_ASSERT_EQUAL(tell(&all, "zones", &out), 2); /* of the table, and bound to none */
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "there is no command \"zones\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "  status "));
	CU_ASSERT_EQUAL(tell(&all, "stat", &out), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"stat\""));
	CU_ASSERT_EQUAL(tell(&all, "statuses", &out), 2);
	CU_ASSERT_EQUAL(tell(&all, "", &out), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"\""));
	CU_ASSERT_EQUAL(status.n, 0);
	text_fini(&out);
}

static void wrong_words_get_the_usage_unless_it_says_better(void)
{
	struct called force = { .status = 2 };
	struct commands all = { 0 };
	struct text out = { 0 };

	commands_bind(&all, "force", run, &force);
	CU_ASSERT_EQUAL(tell(&all, "force it", &out), 2);
	CU_ASSERT_PTR_EQUAL(
		strstr(text_get(&out), "usage: waymarkctl force EDGE[@POOL] up|down"), text_get(&out));
	force.says = "no such edge\n";
	CU_ASSERT_EQUAL(tell(&all, "force it", &out), 2);
	CU_ASSERT_STRING_EQUAL(text_get(&out), "no such edge\n");
	text_fini(&out);
}

/* What takes its time says so at the end, too. */
static void wrong_words_of_what_came_later_get_the_usage(void)
{
	const char *words[] = { "edges", "x" };
	struct commands all = { 0 };
	struct text out = { 0 };
	struct command_call c = { .out = &out };

	commands_ran(&all, &c, words, 2, 1);
	CU_ASSERT_EQUAL(out.len, 0);
	commands_ran(&all, &c, words, 2, 2);
	CU_ASSERT_STRING_EQUAL(text_get(&out), "usage: waymarkctl edges [--json]\n");
	commands_ran(&all, &c, words, 2, 2);
	CU_ASSERT_STRING_EQUAL(text_get(&out), "usage: waymarkctl edges [--json]\n");
	text_fini(&out);
}

static void an_option_that_the_usage_does_not_have_is_told_and_nothing_is_run(void)
{
	static const struct {
		const char *words, *says; /* NULL: it is run */
	} row[] = {
		{ "edges --jsom", "edges: there is no option \"--jsom\"; did you mean \"--json\"?\nusage: waymarkctl edges [--json]\n" },
		{ "edges --json", NULL },
		{ "force x down --why --jsom", NULL },
		{ "zone set x --y TXT --z", NULL },
		{ "zone unset x --y", NULL },
		{ "zone sync x --discrad", "zone: there is no option \"--discrad\"; did you mean \"--discard\"?\n" },
		{ "fleet on a watch 192.0.2.0/24 --for 1h", NULL },
		{ "fleet on a watch 192.0.2.0/24 --fro 1h", "watch: there is no option \"--fro\"; did you mean \"--for\"?\n" },
		{ "fleet on a nothing --x", NULL },
		{ "fleet on a", NULL },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct called x = { .status = 0 };
		struct commands all = { 0 };
		struct text out = { 0 };
		for (size_t k = 0; command_word(k); k++)
			commands_bind(&all, command_word(k), run, &x);
		CU_ASSERT_EQUAL(tell(&all, row[i].words, &out), row[i].says ? 2 : 0);
		CU_ASSERT_EQUAL(x.n, row[i].says ? 0 : 1);
		if (row[i].says)
			CU_ASSERT_PTR_EQUAL(strstr(text_get(&out), row[i].says), text_get(&out));
		text_fini(&out);
	}
}

static void as_many_words_as_there_may_be_are_taken_and_no_more(void)
{
	char text[512] = "status";
	struct called status = { .status = 0 };
	struct commands all = { 0 };
	struct text out = { 0 };

	commands_bind(&all, "status", run, &status);
	for (unsigned i = 1; i < COMMAND_WORDS_MOST; i++)
		strcat(text, " x");
	CU_ASSERT_EQUAL(tell(&all, text, &out), 0);
	CU_ASSERT_EQUAL(strlen(status.words), 2 * (COMMAND_WORDS_MOST - 1));
	strcat(text, " x");
	CU_ASSERT_EQUAL(tell(&all, text, &out), 2);
	CU_ASSERT_EQUAL(status.n, 1);
	text_fini(&out);
}

/* --- words -------------------------------------------------------------------------------- */

struct list {
	const char *words[8];
	size_t n;
	char copy[128], text[128];
};

static void list_of(struct list *l, const char *text)
{
	l->n = 0;
	strcpy(l->copy, text);
	for (char *at = strtok(l->copy, " "); at; at = strtok(NULL, " "))
		l->words[l->n++] = at;
}

static const char *left(struct list *l)
{
	l->text[0] = 0;
	for (size_t i = 0; i < l->n; i++) {
		strcat(l->text, l->words[i]);
		strcat(l->text, i + 1 < l->n ? " " : "");
	}
	return l->text;
}

static void a_word_is_taken_out_wherever_it_stands(void)
{
	static const struct {
		const char *words, *left;
		bool there;
	} row[] = { { "--json", "", true }, { "--json a b", "a b", true },
		{ "a --json b", "a b", true }, { "a b --json", "a b", true },
		{ "a b", "a b", false }, { "", "", false },
		{ "--jso --jsonx", "--jso --jsonx", false },
		{ "--json a --json", "a --json", true } };
	struct list l;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		list_of(&l, row[i].words);
		CU_ASSERT_EQUAL(command_take_word(l.words, &l.n, "--json"), row[i].there);
		CU_ASSERT_STRING_EQUAL(left(&l), row[i].left);
	}
}

static void a_value_is_taken_out_with_its_word(void)
{
	static const struct {
		const char *words, *left, *value;
	} row[] = { { "--for 5m", "", "5m" }, { "a --for 5m b", "a b", "5m" },
		{ "--for 5m a b", "a b", "5m" }, { "a b --for 5m", "a b", "5m" },
		{ "a b", "a b", NULL }, { "a --for", "a --for", NULL }, { "", "", NULL },
		{ "--for", "--for", NULL }, { "--for --for 5m", "5m", "--for" } };
	struct list l;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *value = NULL;
		list_of(&l, row[i].words);
		CU_ASSERT_EQUAL(command_take_value(l.words, &l.n, "--for", &value),
			row[i].value != NULL);
		CU_ASSERT_STRING_EQUAL(left(&l), row[i].left);
		CU_ASSERT_TRUE(row[i].value ? value && strcmp(value, row[i].value) == 0
					    : value == NULL);
	}
}

/* --- help --------------------------------------------------------------------------------- */

static void the_help_tells_every_command_with_its_words(void)
{
	static const char *const words[] = { "reload", "status", "zones", "edges", "pools",
		"force", "probe", "explain", "geo", "latency", "export", "jobs", "stop" };
	struct text out = { 0 };
	char head[32];

	command_help(&out);
	const char *at = text_get(&out);
	for (size_t i = 0; i < UNIT_COUNT(words); i++) {
		strcpy(head, "  ");
		strcat(head, words[i]);
		strcat(head, " ");
		const char *line = strstr(at, head);
		CU_ASSERT_PTR_NOT_NULL_FATAL(line);
		CU_ASSERT_TRUE(line == text_get(&out) || line[-1] == '\n');
		at = line + 1;
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "EDGE[@POOL] up|down|drain|disable|auto|weight N [--pool POOL]"));
	text_fini(&out);
}

/* What is written down, with who has done it. */
static void what_changes_something_is_known(void)
{
	static const struct {
		const char *words[3];
		bool changes;
	} row[] = {
		{ { "status" }, false }, { { "reload" }, true }, { { "zone", "status", "a" }, false },
		{ { "zone", "commit", "a" }, true }, { { "dnssec", "ds", "a" }, false },
		{ { "dnssec", "roll", "a" }, true }, { { "force", "ams1", "down" }, true },
		{ { "watch" }, false }, { { "watch", "--json" }, false }, { { "watch", "192.0.2.1" }, true },
		{ { "fail-back" }, false }, { { "fail-back", "--json" }, false },
		{ { "fail-back", "web" }, true }, { { "fail-back", "--all" }, true },
		{ { "fail-back", "--json", "web" }, true }, { { "watch", "--json", "192.0.2.1" }, true },
		{ { "verdict", "--json", "ams1" }, true }, { { "token", "--json", "list" }, false },
		{ { "latency", "show" }, false }, { { "latency", "import", "f" }, true },
		{ { "token", "list" }, false }, { { "token", "revoke", "ci" }, true },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		size_t n = 0;
		while (n < 3 && row[i].words[n])
			n++;
		if (command_changes(row[i].words, n) != row[i].changes)
			printf("%s %s\n", row[i].words[0], n > 1 ? row[i].words[1] : "");
		CU_ASSERT_EQUAL(command_changes(row[i].words, n), row[i].changes);
	}
}

/* The next second word of a usage, such as "status" of "status NAME | ..."; NULL: there is none. */
static const char *next_verb(const char **usage, char verb[static 32])
{
	const char *p = *usage;

	for (;;) {
		p += strspn(p, " \n|[");
		const size_t len = strcspn(p, " \n|]");
		if (!len)
			return NULL;
		const bool is = *p >= 'a' && *p <= 'z' && len < 32;
		if (is)
			snprintf(verb, 32, "%.*s", (int)len, p);
		/* On to behind the next line's end or bar that is between blanks. */
		const char *bar = strstr(p, " | "), *line = strchr(p, '\n');
		const char *next = bar && (!line || bar < line) ? bar + 3 : line ? line : p + strlen(p);
		p = *usage = next;
		if (is)
			return verb;
	}
}

/* Whoever adds a command, or a second word of one, says here whether it changes something. */
static void each_command_is_known_to_change_something_or_not(void)
{
	static const char always[] = " reload force revoke upgrade backup stop ",
			  never[] = " status ready zones edges pools changes history probe explain regions why geo export audit "
				    "jobs rates busiest ",
			  changes[] = " zone:notify zone:refresh zone:retransfer zone:purge zone:add zone:remove zone:promote "
				      "zone:demote zone:freeze zone:thaw zone:sync zone:edit zone:begin zone:set zone:unset "
				      "zone:commit zone:abort dnssec:roll dnssec:ds-seen dnssec:ds-gone dnssec:import "
				      "dnssec:export dnssec:remove latency:import latency:forget token:add token:revoke ",
			  reads[] = " zone:status zone:history zone:export zone:diff dnssec:status dnssec:ds dnssec:keys "
				    "latency:show latency:export token:list token:self ",
			  asked_alone[] = " fail-back verdict watch fleet ";
	char word[64], verb[32];

	for (size_t i = 0; command_word(i); i++) {
		const char *words[] = { command_word(i), "x", "y" }, *usage = command_usage(i);
		snprintf(word, sizeof word, " %s ", words[0]);
		if (strstr(always, word) || strstr(never, word)) {
			CU_ASSERT_EQUAL(command_changes(words, 1), strstr(always, word) != NULL);
			CU_ASSERT_EQUAL(command_changes(words, 3), strstr(always, word) != NULL);
			continue;
		}
		if (strstr(asked_alone, word)) {
			CU_ASSERT_FALSE(command_changes(words, 1));
			CU_ASSERT_TRUE(command_changes(words, 3));
			words[1] = "--json";
			CU_ASSERT_FALSE(command_changes(words, 2));
			continue;
		}
		unsigned n = 0;
		while (next_verb(&usage, verb)) {
			words[1] = verb;
			snprintf(word, sizeof word, " %s:%s ", words[0], verb);
			if (!strstr(changes, word) == !strstr(reads, word))
				printf("in no list, or in both:%s\n", word);
			CU_ASSERT_NOT_EQUAL(!strstr(changes, word), !strstr(reads, word));
			CU_ASSERT_EQUAL(command_changes(words, 3), strstr(changes, word) != NULL);
			n++;
		}
		if (n < 4)
			printf("in no list: %s\n", words[0]);
		CU_ASSERT_TRUE(n >= 4);
	}
}

void suite_command(void);
void suite_command(void)
{
	static const struct unit_case cases[] = {
		{ "what changes something is known", what_changes_something_is_known },
		{ "each command is known to change something, or not",
			each_command_is_known_to_change_something_or_not },
		{ "what changes something has how it stood before", what_changes_something_has_how_it_stood_before },
	{ "each word goes to who is bound to it",
			each_word_goes_to_who_is_bound_to_it },
		{ "a word that nobody has bound gets the list",
			a_word_that_nobody_has_bound_gets_the_list },
		{ "wrong words get the usage unless it says better",
			wrong_words_get_the_usage_unless_it_says_better },
		{ "wrong words of what came later get the usage", wrong_words_of_what_came_later_get_the_usage },
		{ "an option that the usage does not have is told and nothing is run",
			an_option_that_the_usage_does_not_have_is_told_and_nothing_is_run },
		{ "as many words as there may be are taken and no more",
			as_many_words_as_there_may_be_are_taken_and_no_more },
		{ "a word is taken out wherever it stands",
			a_word_is_taken_out_wherever_it_stands },
		{ "a value is taken out with its word", a_value_is_taken_out_with_its_word },
		{ "the help tells every command with its words",
			the_help_tells_every_command_with_its_words },
	};

	unit_suite("console/command", cases, UNIT_COUNT(cases));
}
