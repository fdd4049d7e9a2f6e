#include "console/command_words.h"

#include "base/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_MOST = 32 };

static size_t option_len(const char *s)
{
	size_t n = 2;

	while (islower((unsigned char)s[n]) || isdigit((unsigned char)s[n]) || s[n] == '-')
		n++;
	return n;
}

/* The next option from `*at` on, which moves behind it; 0: there is none. */
static size_t next_option(const char **at, const char **option)
{
	const char *s = strstr(*at, "--");

	if (!s)
		return 0;
	const size_t len = option_len(s);
	*option = s;
	*at = s + len;
	return len;
}

/* What follows an option of `usage` that is called so; NULL: it has none. */
static const char *behind_option(const char *usage, const char *name, size_t len)
{
	const char *option;

	for (size_t n; (n = next_option(&usage, &option));)
		if (n == len && memcmp(option, name, len) == 0)
			return usage;
	return NULL;
}

size_t command_wrong_option(const char *usage, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(words[i], "--", 2) != 0)
			continue;
		const char *behind = behind_option(usage, words[i], strlen(words[i]));
		if (!behind)
			return i;
		if (behind[0] == ' ' && isalpha((unsigned char)behind[1]))
			i++; /* its value */
	}
	return n;
}

void command_add_wrong_option(struct text *to, const char *usage, const char *word)
{
	const char *value = strchr(word, '='), *option, *at = usage;
	struct near_word near = { .word = word };
	char names[OPTION_MOST][OPTION_MOST];
	size_t n_names = 0;

	text_addf(to, "there is no option \"%s\"", word);
	if (value && behind_option(usage, word, (size_t)(value - word))) {
		text_addf(to, "; write \"%.*s %s\"", (int)(value - word), word, value + 1);
		return;
	}
	for (size_t n; n_names < OPTION_MOST && (n = next_option(&at, &option)); n_names++) {
		snprintf(names[n_names], sizeof *names, "%.*s", (int)n, option);
		near_offer(&near, names[n_names]);
	}
	if (near.best)
		text_addf(to, "; did you mean \"%s\"?", near.best);
}
