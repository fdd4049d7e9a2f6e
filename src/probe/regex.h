/* regex.h - does a text match a regular expression, within bounds of time and memory?
 *
 * Expressions are Perl's (PCRE2), over bytes. They are the operator's, the texts are anybody's: what would take too
 * long ends without a match. Any thread.
 */
#ifndef PROBE_REGEX_H
#define PROBE_REGEX_H

#include "base/fault.h"

#include <stddef.h>

enum { REGEX_MOST = 1000 }; /* bytes of an expression */

/* False: it is none; one sentence, and where. */
bool regex_is(const char *pattern, struct fault *why);

enum regex_got {
	REGEX_FOUND,
	REGEX_NONE,
	REGEX_LONG /* nobody knows: it would take too long */
};
enum regex_got regex_find(const char *pattern, const char *text, size_t len);

#endif
