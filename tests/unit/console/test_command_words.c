#include "console/command_words.h"

#include "unit/unit.h"

#include "base/text.h"

#include <stddef.h>

static const char usage[] =
	"reload [--stage SHARE [--here] | --promote]\n           [--json] | list --all NAME; --json: told twice, --live asks";

static void an_option_is_known_when_the_usage_has_it(void)
{
	static const struct {
		const char *say, *words[4];
		size_t n, wrong;
	} row[] = {
		{ "no word", { NULL }, 0, 0 },
		{ "words that are no options", { "x", "-", "-y" }, 3, 3 },
		{ "known ones", { "--here", "--json", "--promote" }, 3, 3 },
		{ "an unknown one", { "--here", "--jsom" }, 2, 1 },
		{ "the beginning of one", { "--her" }, 1, 0 },
		{ "more than one", { "--here2" }, 1, 0 },
		{ "a value that looks like one", { "--stage", "--x", "--here" }, 3, 3 },
		{ "one without a value, and a wrong one", { "--here", "--x" }, 2, 1 },
		{ "a value that is missing", { "--stage" }, 1, 1 },
		{ "with its value behind =", { "--stage=5%" }, 1, 0 },
		{ "two dashes alone", { "--" }, 1, 0 },
		{ "what the text tells first counts", { "--json", "--x" }, 2, 1 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		CU_ASSERT_EQUAL_FATAL(command_wrong_option(usage, row[i].words, row[i].n), row[i].wrong);
}

static void a_wrong_option_is_told_with_the_one_that_was_meant(void)
{
	static const struct {
		const char *word, *says;
	} row[] = {
		{ "--jsom", "there is no option \"--jsom\"; did you mean \"--json\"?" },
		{ "--stage=5%", "there is no option \"--stage=5%\"; write \"--stage 5%\"" },
		{ "--everything", "there is no option \"--everything\"" },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct text to = { 0 };
		command_add_wrong_option(&to, usage, row[i].word);
		CU_ASSERT_STRING_EQUAL(text_get(&to), row[i].says);
		text_fini(&to);
	}
}

void suite_command_words(void);
void suite_command_words(void)
{
	static const struct unit_case cases[] = {
		{ "an option is known when the usage has it", an_option_is_known_when_the_usage_has_it },
		{ "a wrong option is told with the one that was meant", a_wrong_option_is_told_with_the_one_that_was_meant },
	};

	unit_suite("console/command_words", cases, UNIT_COUNT(cases));
}
