/* store_api.h - who may use the API, and what has been changed by whom.
 *
 * Of a token its hash is stored, never itself. What was done is bounded by number, and the oldest goes.
 */
#ifndef STORE_STORE_API_H
#define STORE_STORE_API_H

#include "base/fault.h"

#include <stddef.h>
#include <stdint.h>

struct store;

enum { STORE_TOKEN_HASH = 32 };

/* All texts are borrowed. */
struct store_token {
	int64_t id; /* 1, 2, ...; never given again */
	const char *name, *role, *zones; /* zones "": all */
	uint8_t hash[STORE_TOKEN_HASH];
	int64_t created_s, until_s; /* UNIX time; until 0: for good */
	unsigned uid; /* who made it */
};
/* Sets its id. */
bool store_put_token(struct store *s, struct store_token *t, struct fault *why);
bool store_drop_token(struct store *s, const char *name, struct fault *why);
/* `each` is called under the store's lock. */
bool store_each_token(struct store *s, void (*each)(void *ctx, const struct store_token *t),
	void *ctx, struct fault *why);

struct store_audit {
	int64_t at_s;
	const char *who, *from; /* "uid 0" or "token ci"; "" or an address */
	const char *what;       /* the command, its words with blanks between them */
	int status;             /* 0: done */
	const char *said;       /* the first line of the answer */
	const char *before, *after; /* how it stood with what it changes; "": not known */
};
/* Of all that there are, the last `most` stay. */
bool store_add_audit(
	struct store *s, const struct store_audit *list, size_t n, unsigned most, struct fault *why);
/* The newest first, `most` of them. `each` is called under the store's lock. */
bool store_each_audit(struct store *s, unsigned most,
	void (*each)(void *ctx, const struct store_audit *a), void *ctx, struct fault *why);

#endif
