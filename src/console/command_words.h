/* command_words.h - are the options of a command those that its usage has?
 *
 * A usage is what stands behind a command's word: "NET [--for TIME] [--here]". Any thread.
 */
#ifndef CONSOLE_COMMAND_WORDS_H
#define CONSOLE_COMMAND_WORDS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* The first of `words` that begins with "--" and is no option of `usage`; values of options are passed over. `n`: there is none. */
size_t command_wrong_option(const char *usage, const char *const *words, size_t n);

/* Says that `word` is none, and which was meant: "there is no option "--jsom"; did you mean "--json"?", without an end of line. */
void command_add_wrong_option(struct text *to, const char *usage, const char *word);

#endif
