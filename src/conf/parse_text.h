/* parse_text.h - what is wrong with a YAML text before, or in spite of, its grammar.
 *
 * Bytes that no configuration holds, white space that YAML and people see differently, and
 * what libyaml says about the rest, in words that help. Places are lines and columns from 1;
 * columns count characters.
 */
#ifndef CONF_PARSE_TEXT_H
#define CONF_PARSE_TEXT_H

#include "conf/parse.h"

#include <stdbool.h>
#include <stddef.h>

struct parse_place {
	unsigned line, column;
};

/* From the first character to before the last: where a tab is text, since it is inside quotes
 * or a block. */
struct parse_span {
	struct parse_place from, to;
};

/* False, with a fault at the first that is wrong, when the text is not UTF-8, or has control
 * characters or line breaks in it that only YAML takes for such. */
bool parse_text_check(const struct parse_source *src);

/* One fault for all tabs outside `spans` (ascending) and comments. The text is valid YAML. */
void parse_text_tabs(const struct parse_source *src, const struct parse_span *spans, size_t n);

/* libyaml's own words for a fault. `begun` is where the thing began that could not be read,
 * line 0 when unknown. */
struct parse_problem {
	const char *problem, *context;
	struct parse_place at, begun;
};

/* Always false. */
bool parse_text_problem(const struct parse_source *src, const struct parse_problem *p);

#endif
