/* import_plan.h - what an import comes to: a configuration, zones, and what could not be said.
 *
 * Each reader of another server's files fills one of these; it is written as a folder at the end.
 * All strings live in its arena, and those that are given are copied.
 */
#ifndef IMPORT_IMPORT_PLAN_H
#define IMPORT_IMPORT_PLAN_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/text.h"
#include "conf/parse.h"
#include "import/import_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings, in the arena. */
struct words {
	const char **of;
	size_t n, room;
};

/* What a client is answered with. */
struct answer {
	struct words a, aaaa;
	struct words records; /* "MX 10 mx.example." */
	const char *cname;
	const char *flatten; /* it has the addresses of this name */
	const char *at; /* "52.37,4.90"; NULL: nobody knows */
	const char *probe, *probe_address; /* of the edge; NULL: the pool's, its own addresses */
};

/* Who gets what: a rule of a pool. Keys are those of a pin's rule (country, net ...); values of
 * one key are alternatives, keys are all wanted. */
struct variant {
	struct out *when;  /* the conditions, of plan_when(); NULL: everybody */
	struct out *fails; /* ... but not those; NULL: no exception */
	const char *edge;  /* the edge, or the pool; NULL: nobody */
	bool is_pool;
	bool falls; /* when nothing of it is up, the rules behind it are looked at */
};

struct plan_zone {
	const char *name;  /* with its dot, lower case */
	const char *view;  /* the class of clients; NULL */
	const char *file;  /* below the folder; NULL: it has no file here */
	struct out *entry; /* in "zones" */
	struct text text;
	struct plan_zone *next;
};

enum note {
	NOTE_LOST,    /* is not said here */
	NOTE_DIFFERS, /* is said, and means something else */
	NOTE_SEE      /* needs somebody to look at it */
};

struct plan {
	struct arena mem;
	struct out *conf;
	struct plan_zone *zones, *last_zone;
	struct text notes;
	unsigned lost, differs, see;
	struct plan_names *names; /* of edges and pools */
	struct plan_words *known; /* of plan_is_new() */
	unsigned n_files;         /* of plan_file() */
	struct plan_read *reads; /* files that were read */
};

void plan_init(struct plan *p);
void plan_fini(struct plan *p);

__attribute__((format(printf, 2, 3))) char *plan_textf(struct plan *p, const char *fmt, ...);
char *plan_lower(struct plan *p, const char *s);
/* A key of TSIG; "" for an algorithm is HMAC-MD5, which the others take as such and here has to be allowed. */
void plan_key(struct plan *p, const char *file, unsigned line, const char *name, const char *algorithm, const char *secret);
void plan_word(struct plan *p, struct words *w, const char *s);
bool plan_has_word(const struct words *w, const char *s);

/* A line of the report. `line` 0: the whole file. */
__attribute__((format(printf, 5, 6))) void plan_note(
	struct plan *p, enum note kind, const char *file, unsigned line, const char *fmt, ...);

/* Is it the first time that this is asked about? For what is told, or made, once. */
bool plan_is_new(struct plan *p, const char *what);

/* The text of a file, for as long as the plan is there; NULL and told where `line` of `from` names
 * it (NULL: it was given, and `why` says what is wrong). */
const struct file *plan_read(struct plan *p, const char *path, const char *from, unsigned line);
/* One that the operator names: NULL, and why, when it cannot be read. */
const struct file *plan_read_asked(struct plan *p, const char *path, struct fault *why);

/* A source for faults of `text`, which end up in the notes. */
struct node *plan_yaml(struct plan *p, const char *path, const struct file *f);

/* --- zones -------------------------------------------------------------------------------- */

/* A new zone: its entry with name and file. `name` with or without its dot. */
struct plan_zone *plan_zone(struct plan *p, const char *name, const char *view);
/* A zone that comes from elsewhere: no file. */
struct plan_zone *plan_zone_plain(struct plan *p, const char *name, const char *view);
/* A record; owner and names in the data whole, or relative to the zone. */
void plan_record(struct plan_zone *z, const char *owner, uint32_t ttl_s, const char *type, const char *data);
/* As it stands in zone files: "..." with escapes. */
char *plan_quoted(struct plan *p, const char *s);
/* A name whole, with its dot: below `origin` where it has none. */
char *plan_full_name(struct plan *p, const char *name, const char *origin);

/* --- edges and pools ---------------------------------------------------------------------- */

/* An edge with just this answer; equal ones are one. NULL where the answer is empty. */
const char *plan_edge(struct plan *p, const char *hint, const struct answer *what);
/* Sorts a record into the answer: addresses, a CNAME, or others. */
void plan_answer(struct plan *p, struct answer *to, const char *type, const char *data);
bool plan_answer_is_empty(const struct answer *a);

/* A new pool whose name is like the hint. */
struct out *plan_pool(struct plan *p, const char *hint, const char **name);
/* A name of letters, digits, - _ . that no edge and no pool has yet. */
char *plan_name(struct plan *p, const char *hint);
/* Edges of a pool, and of those in it, that stand nowhere stand there. */
void plan_place_pool(struct plan *p, const char *pool, const char *at, unsigned deep);

/* Back to where the edges and pools were, as if none had come since. */
struct plan_mark {
	void *last;
	size_t edges, pools;
};
struct plan_mark plan_mark(struct plan *p);
void plan_back(struct plan *p, struct plan_mark to);
/* Adds an edge (or a pool) to the "edges" of a pool, once. */
void plan_member(struct out *pool, const char *name, bool is_pool);

/* Conditions: each call adds a value to a key. */
struct out *plan_when(struct plan *p, struct out *when, const char *key, const char *value);
/* A pool that goes by rules, in this order; who is in none gets `fallback` (NULL: nothing). Returns its name; NULL: there is
 * nothing to answer with. */
const char *plan_rules(struct plan *p, const char *hint, const struct variant *v, size_t n, const struct variant *fallback);

/* The pool wants to know where clients are: "geoip" has a file, if need be to be put there. */
void plan_geoip(struct plan *p, const char *kind, const char *file);

/* A file beside the report: of an export, whose plan has no configuration. A zone's name may hold what a file's name cannot. */
struct plan_zone *plan_file(struct plan *p, const char *name);
/* Writes those and REPORT into a folder that is new or empty. */
bool plan_write_files(struct plan *p, const char *folder, const char *head, struct fault *why);

/* How large messages over UDP are: bits of `families` are IPv4 and IPv6. */
struct plan_at {
	const char *file;
	unsigned line;
	const char *word; /* that says so there */
};
void plan_edns_size(struct plan *p, struct plan_at at, const char *value, unsigned families);

/* Writes waymark.yaml, zones/ and REPORT into a folder that is new or empty. */
bool plan_write(struct plan *p, const char *folder, const char *head, struct fault *why);

#endif
