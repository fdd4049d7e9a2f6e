/* Every command of a server, with words that nobody means: each is answered, and the server goes on. */
#include "unit/daemon/house.h"
#include "unit/unit.h"

#include "console/command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct house h;

/* What is wrong in itself (2) gets the usage; all else is told why. In the log no word ends a line or steers a terminal. */
static void tell(const char *const *words)
{
	const char *said = house_tell_words(&h, words);

	if (h.status < 0 || h.status > 2 || (h.status == 1 && !*said)) {
		printf("%s %s: %d, %s\n", words[0], words[1] ? words[1] : "", h.status, said);
		CU_FAIL("an answer");
	}
	const char *log = house_log(&h);
	if (strchr(log, '\033') || strstr(log, "\nevil")) {
		printf("%s %s: %s\n", words[0], words[1] ? words[1] : "", log);
		CU_FAIL("the log");
	}
}

/* `words` up to `n`, and then each odd one, and two of them. */
static void tell_odd(const char **words, size_t n, const char *long_one)
{
	const char *odd[] = { "", "-", "--", "--json", "--json=x", "=", "%s%n", "\xff\xc3", "a b", "x\nevil", "-1", "99999999999999999999", "..", "/", "@", "*", "\033[31m", long_one };

	words[n] = NULL;
	tell(words);
	for (size_t i = 0; i < UNIT_COUNT(odd); i++) {
		words[n] = odd[i];
		words[n + 1] = NULL;
		tell(words);
		words[n + 1] = odd[(i * 5 + 3) % UNIT_COUNT(odd)];
		words[n + 2] = NULL;
		tell(words);
	}
}

/* The options of a command, and the words in its usage that are written small. */
static void tell_usage(const char *word, const char *usage, const char *long_one)
{
	char copy[2000];
	const char *words[8] = { word };

	snprintf(copy, sizeof copy, "%s", usage);
	tell_odd(words, 1, long_one);
	for (char *rest = copy, *one; (one = strtok_r(rest, " \n[]|", &rest));)
		if (islower((unsigned char)*one) || *one == '-') {
			words[1] = one;
			tell_odd(words, 2, long_one);
		}
}

static void whatever_is_said_is_answered(void)
{
	static char long_one[300];

	memset(long_one, 'x', sizeof long_one - 1);
	house_open(&h, SITE_EDGES SITE_POOLS "store: { file: w.db }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (size_t i = 0; command_word(i); i++) {
		const char *word = command_word(i);
		if (strcmp(word, "stop") == 0 || strcmp(word, "upgrade") == 0)
			continue; /* they end it */
		tell_usage(word, command_usage(i), long_one);
	}
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "plain.a.example"), house_ask(&h, "plain.a.example"));
	house_tell(&h, "status --json");
	CU_ASSERT_EQUAL(h.status, 0);
	house_stop(&h);
	house_close(&h);
}

void suite_odd_words(void);
void suite_odd_words(void)
{
	static const struct unit_case cases[] = {
		{ "whatever is said is answered", whatever_is_said_is_answered },
	};

	unit_suite("daemon/odd_words", cases, UNIT_COUNT(cases));
}
