/* tokens.h - who may use the API: names, what they may, and the hashes of what they show. Control thread.
 */
#ifndef WEB_TOKENS_H
#define WEB_TOKENS_H

#include "store/store_api.h"
#include "web/api_rows.h"

enum { TOKEN_NAME = 64, TOKEN_ZONES = 1024, TOKEN_TEXT = 64 };

struct token {
	int64_t id;
	char name[TOKEN_NAME];
	enum api_role role;
	bool only_zones;          /* ... of what concerns these: */
	char zones[TOKEN_ZONES];  /* patterns with commas between them */
	uint8_t hash[STORE_TOKEN_HASH];
	int64_t created_s, until_s, used_s; /* UNIX time; 0: for good; not yet */
	double tokens_at, room;   /* of its rate: clock_seconds(); requests that it may make at once */
};

struct tokens {
	struct token *list; /* [n] own */
	size_t n;
};

void tokens_fini(struct tokens *t);

/* As the store has it. False: no memory, or it makes no sense. */
bool tokens_add(struct tokens *t, const struct store_token *row);
bool tokens_remove(struct tokens *t, const char *name);
/* NULL: there is none of that name. */
struct token *tokens_find(const struct tokens *t, const char *name);

/* What was shown; compared in constant time. NULL: it is none, or its time is over. */
struct token *tokens_check(const struct tokens *t, const char *shown, int64_t now_s);

/* May it make one more request now? */
bool token_has_rate(struct token *t, double now);

/* May it do that? */
bool token_may(const struct token *t, const struct api_row *row, const char *zone);

/* A new secret, and its hash. */
void token_new(char text[static TOKEN_TEXT], uint8_t hash[static STORE_TOKEN_HASH]);

/* "read", "operate", "zones", "admin". */
bool token_role_parse(const char *text, enum api_role *role, bool *only_zones);
const char *token_role_text(const struct token *t);

#endif
