/* cases.h - what a configuration should answer, case by case, in a file: read, and tried.
 *
 * For "waymarkctl test". A case is tried offline, in a world of its own that is made of the
 * configuration and of what the case says of edges and of the time; or by an explanation that a
 * running server gave. One thread.
 */
#ifndef DAEMON_CASES_H
#define DAEMON_CASES_H

#include "base/arena.h"
#include "base/text.h"
#include "conf/parse.h"
#include "world/parts.h"

#include <stdint.h>

/* A list of words, and where each stands. */
struct case_words {
	const struct node *node; /* NULL: it is not there */
	const char *const *of;
	const struct node *const *at;
	size_t n;
};

struct cases_one {
	const struct node *node;
	const char *name; /* what it is about; NULL */
	const char *ask;  /* "www.example.org" */
	const char *type; /* "AAAA"; NULL: A */
	const char *client, *resolver;
	struct case_words up, down, drain; /* edges as "force" names them */
	int64_t at_s;                      /* 0: now */
	/* What is expected. */
	struct case_words edges, within, without, records;
	const char *rcode;
	uint32_t ttl, scope;
	const struct node *rcode_node, *ttl_node, *scope_node; /* NULL: it is all the same */
};

struct cases {
	struct arena mem;
	const char *path, *text, *text_end;
	const char *config; /* joined to the folder of the file; NULL: it names none */
	struct cases_one *of;
	size_t n;
};

/* False, and told: nothing is tried of a file that is wrong. */
bool cases_read(struct cases *to, const char *path, struct faults *f);
void cases_fini(struct cases *c);

/* "NAME TYPE", CLIENT and RESOLVER as words of "explain". The list is good for the case's life.
 */
enum { CASE_WORDS_MOST = 8 };
size_t cases_explain(const struct cases_one *c, const char *words[static CASE_WORDS_MOST]);

/* Is it about edges or a time that the server need not have? */
bool cases_is_offline(const struct cases_one *c);

/* Of the configuration's parts: what explain says, as JSON, or (`json` false) for people.
 * False, and a sentence: the case names what is not there. */
bool cases_try(const struct cases_one *c, const struct parts *parts, bool json, struct text *to,
	struct fault *why);

/* Holds an explanation against it. What differs goes to `to`, a line each: "PATH:LINE:COLUMN:
 * edges: ...". True: nothing does. */
bool cases_judge(const struct cases *all, const struct cases_one *c, const char *explained,
	size_t len, struct text *to);

#endif
