/* api_rows.h - requests of the API become commands: which path is which, what it may carry, and who may.
 *
 * The API has no doing of its own. Each path is a command that "waymarkctl" has, too, by the same functions; a
 * row says how its words are made of the path, of the query of a GET or DELETE, and of the JSON object of a POST.
 * The description of the API for programs (api_spec.h) is made of the same rows.
 */
#ifndef WEB_API_ROWS_H
#define WEB_API_ROWS_H

#include "base/fault.h"
#include "base/text.h"
#include "console/command.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What a token must be for. A higher one has the lower ones; tokens for zones have the first alone. */
enum api_role { API_ANY, API_READ, API_OPERATE, API_ADMIN };

/* The type of a row that is a stream (events.h); its words have no members. */
#define API_EVENTS "text/event-stream"

struct api_row {
	const char *method, *path; /* "/zones/{zone}/refresh" */
	enum api_role role;
	bool of_zone; /* tokens for zones may, where {zone} is one of theirs */
	/* "explain {name} [type] --client {client} [--resolver resolver] [--json?]": a word as it is; a member that must be
	 * there; one that may; an option with a member behind it, where that is there; an option that stands where
	 * a member is true. NULL: a change set. */
	const char *words;
	bool json; /* the answer of the command is JSON; else it is text */
	const char *type; /* of the answer, where it is neither; NULL */
	const char *about;
};
extern const struct api_row api_rows[]; /* the last has no path */

/* A request, taken apart. */
struct api_call {
	const struct api_row *row;
	json_t *members; /* of the path, and of the query or the body; own */
	const char *words[COMMAND_WORDS_MOST]; /* borrow from `members` and the row */
	size_t n;
	char own[512]; /* what words of the row are copied to */
	size_t used;
};
void api_call_fini(struct api_call *c);

/* By method and path, "/zones/a.example" decoded piece by piece; sets `row` and the members of the path. NULL: `other`
 * is one of that path with another method, or NULL. */
const struct api_row *api_row_find(
	struct api_call *c, const char *method, const char *path, const struct api_row **other);

/* A member of the query. False: it is none of that row, is there already, or is no text that a word may be. */
bool api_add(struct api_call *c, const char *name, const char *value, struct fault *why);
/* The members of a body: an object of texts, numbers and booleans. A change set may have lists; then they are the
 * caller's to look into. */
bool api_add_body(struct api_call *c, const char *text, size_t len, struct fault *why);

/* Fills in the words. False: a member is missing. */
bool api_words(struct api_call *c, struct fault *why);

/* The next piece of `words` from `*at` on; false at the end. */
struct api_piece {
	enum { API_WORD, API_MUST, API_MAY, API_OPTION, API_FLAG } kind;
	char word[48], member[32]; /* "--client", "client" */
};
bool api_next_piece(const char **at, struct api_piece *to);

/* May a word from outside be that? Not what begins with "-", and nothing that cannot be shown. */
bool api_may_be_word(const char *text);

#endif
