/* keys.h - the keys that a mapping may have: one table row a key.
 *
 * A row says the key's name, who takes its value, where that goes and what is allowed. To
 * add a key is to add a row; the hint behind "unknown key" and the check for what is missing
 * come from the same table. All faults are told at the node that is wrong, and reading goes
 * on. Control thread.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/known.h"
#include "conf/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every taker of values may need. All borrowed for the reading. */
struct reader {
	const struct parse_source *src;
	struct conf *conf;
	struct arena *mem;     /* the configuration's: options go here, strings copied */
	struct arena *scratch; /* the tree's: dies when all is read */
	struct known edges, probes,
		pools; /* numbers in `conf`; of faulty ones too: to name those is no fault */
	struct known policies;               /* numbers of `dnssec` */
	struct known keys, peers, templates; /* likewise; templates from conf->first_template on */
	struct schema_probes_read *probes_read; /* those with a name; NULL: none were read */
	const char *const *pools_by_number;
	struct known classes; /* numbers of `clients` */
	size_t rules_room;
	const struct node *keeps_decisions; /* "keep" of the log of decisions; NULL: none */
	const struct node *plain_node; /* the first `edge-as: addresses`; NULL: none */
	const struct node **edge_nodes; /* by number; NULL: no edges were read */
};

struct key;

/* Reads `value` into `to`: the struct that keys_read() was given, plus the row's `at`. Never
 * for an empty value or a NODE_BAD. Leaves `to` as it is when the value is wrong. */
typedef void key_take(
	struct reader *r, const struct key *key, const struct node *value, void *to);

/* A table of these ends with a row without a name, and has at most 32 rows. Keys are taken in
 * the order of the file, later ones after all others. */
enum { KEYS_LATEST = 5 };

struct key {
	const char *name;
	key_take *take;
	const char *say; /* '"name" must be <say>' */
	size_t at;
	uint32_t least, most;   /* of numbers and durations, in the option's unit */
	unsigned late;          /* depends on rows of the table with less of it; 0 to 5 */
	const char *needed;     /* an example, of a key that must be there; else NULL */
	const struct key *keys; /* of keys_section(); of others that take a mapping, or a list
				 * of mappings: what the reference shows */
	/* The reference (reference.h) says these. */
	const char *each;  /* the mapping has names of the operator's own, or is a list ("-"):
			    * what stands for one of them, before `keys` or one value */
	const char *about; /* what it is for, in sentences */
	const char *otherwise; /* what holds when the key is not there; NULL: nothing to say */
};

/* `where` names the mapping in faults: "server", "edge ams1". */
void keys_read(struct reader *r, const struct key *keys, const struct node *map,
	const char *where, void *to);

/* The taker of a section: a mapping with keys of its own, which go to `to` too. */
key_take keys_section;

/* False when a node is not a mapping, and told. `where` is what it should describe. */
bool keys_is_map(const struct reader *r, const struct node *n, const char *where);
/* The same, with an example of what stands in it ("a: 192.0.2.1"); NULL: none. */
bool keys_is_map_as(const struct reader *r, const struct node *n, const char *where, const char *example);

/* False when a value is missing ("edges:" with nothing behind), and told at its key. */
bool keys_has_value(const struct reader *r, const struct node *n);

#endif
