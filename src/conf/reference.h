/* reference.h - what may stand in a configuration, told from the tables that it is read by.
 *
 * So that no key is without a word, and no word is of a key that is not there.
 */
#ifndef CONF_REFERENCE_H
#define CONF_REFERENCE_H

#include "base/text.h"

#include <stdbool.h>

enum reference_form { REFERENCE_TEXT, REFERENCE_MARKDOWN, REFERENCE_MAN };

struct reference_opts {
	enum reference_form form;
	/* Does a key of a section change with a restart only? */
	bool (*needs_restart)(const char *section, const char *key);
	/* Of the text: only keys whose path has this in it; NULL: all. */
	const char *word;
};

/* Adds all keys to `out`. False when none was told. */
bool reference_write(const struct reference_opts *opts, struct text *out);

#endif
