/* ctl_keys.c - "waymarkctl keys": what may stand in a configuration?
 *
 * doc/reference.md and the manual page waymark.yaml(5) are made by it.
 */
#include "tools/ctl_inner.h"

#include "conf/reference.h"
#include "daemon/restart.h"

#include <stdio.h>
#include <string.h>

const char ctl_keys_usage[] = "  keys     [WORD] [--markdown | --man]\n           the keys of "
			      "a configuration, or those "
			      "with WORD in their path: what each is, and its default\n";

enum ctl_status ctl_keys(char **words, int n)
{
	struct reference_opts opts = { .needs_restart = restart_needs };
	struct text out = { 0 };

	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "--markdown") == 0)
			opts.form = REFERENCE_MARKDOWN;
		else if (strcmp(words[i], "--man") == 0)
			opts.form = REFERENCE_MAN;
		else if (words[i][0] == '-' || opts.word) {
			return (enum ctl_status)ctl_help_one("keys", stderr, WRONG_USE);
		} else
			opts.word = words[i];
	}
	const bool any = reference_write(&opts, &out);
	fputs(text_get(&out), stdout);
	if (!any)
		fprintf(stderr, "waymarkctl: keys: no key has \"%s\" in its path\n", opts.word);
	text_fini(&out);
	return any ? DONE : NOT_DONE;
}
