/* tree.h - a configuration as a tree that may be shown: as it is written, but for its secrets.
 *
 * In place of a secret stands its keyed hash, in the form that the secret has: who holds the
 * tree can read it as a configuration, and tell whether another has the same secret by hashing
 * that with the same key; what the secret is, he cannot tell. Control thread, and waymarkctl.
 */
#ifndef DAEMON_TREE_H
#define DAEMON_TREE_H

#include "base/fault.h"
#include "conf/parse.h"

#include "report/report.h" /* JSON */

enum { TREE_KEY = 32, TREE_KEY_TEXT = 2 * TREE_KEY + 1 };

struct tree_key {
	unsigned char bytes[TREE_KEY];
};

/* Drawn at random. */
struct tree_key tree_key_new(void);
void tree_key_text(char to[static TREE_KEY_TEXT], const struct tree_key *key);
bool tree_key_parse(struct tree_key *key, const char *text);

/* Of the files of a configuration, as one: mappings are objects in the order of the files, lists
 * arrays, all else strings. NULL when it is no YAML. */
json_t *tree_json(
	const struct parse_files *files, const struct tree_key *key, struct faults *f);

/* Is what stands behind this key never to be shown? */
bool tree_is_secret(const char *key);

#endif
