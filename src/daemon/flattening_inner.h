/* flattening_inner.h - what the parts of flattening share: names that edges flatten, as resolvers know them.
 *
 * Of the loop, but for what a build makes of copies.
 */
#ifndef DAEMON_FLATTENING_INNER_H
#define DAEMON_FLATTENING_INNER_H

#include "daemon/flat_keeper.h"
#include "daemon/flattening.h"
#include "probe/resolver.h"

#include <ev.h>

enum { ADDRESSES_MOST = STORE_FLAT_MOST, ADDRESS = 16, SAY_MOST = 80, KEEP_EVERY_S = 60 };

/* The addresses of a family, ascending. */
struct family {
	size_t n;
	uint8_t bytes[ADDRESSES_MOST * ADDRESS];
};

struct target;

/* One question. */
struct question {
	struct target *of;
	bool v6;
	struct resolver_ask *ask; /* in flight; NULL */
	enum resolver_result result;
	char say[SAY_MOST];
	uint32_t ttl_s;
	struct family found;
};

/* A name that edges flatten. */
struct target {
	struct flattening *of;
	uint8_t name[NAME_MOST]; /* wire, lower case */
	char text[NAME_TEXT];
	struct question questions[2];
	unsigned waiting; /* for so many answers */
	bool known, kept; /* ... by the store, which has it of the time before the start */
	uint32_t ttl_s;
	struct family has[2]; /* A, AAAA */
	unsigned failures;    /* in a row */
	double resolved_at;   /* clock_seconds() */
	int64_t at_s;         /* the same by the time of day */
	ev_timer timer;       /* until it is asked for once more */
	bool wanted;
	struct target *next;
};

/* What a target has, for a job. */
struct flat {
	uint8_t name[NAME_MOST];
	struct family has[2];
	uint32_t ttl_s;
};

struct making {
	struct build build;
	struct parts live, staged; /* held; `staged` without conf: no stage is on */
	struct parts made, made_staged;
	struct pool_signatures *signatures; /* held */
	struct flat *flats; /* [n] own */
	size_t n;
};

struct flattening {
	struct flattening_opts opts;
	struct resolver *resolver;
	char *servers; /* that it asks; own; NULL: the system's */
	struct target *targets;
	bool dirty, asked; /* edges are to be made anew; that is on its way */
	struct making making;
	ev_timer again;
	struct flat_keeper *keeper;
	const struct store_flat *stored; /* [n_stored] the keeper's: at the start alone */
	size_t n_stored;
	ev_timer keeps;     /* what is known is to be written */
	int64_t kept_s;     /* when that was last done */
	size_t n_kept;      /* names, then */
};

/* What is known of a target is another, or was found once more: all is written soon. */
void flattening_keep_soon(struct flattening *f);

/* Edges are made anew, those of a stage as well, with what is known by then. */
void flattening_remake(struct flattening *f);

/* A fresh one, which is not asked for yet. */
void flattening_ask_init(struct target *t);
/* Asks for both families, after so many seconds, and from then on again whenever what was found has had its time. */
void flattening_ask_in(struct target *t, double s);
/* Asks no more. */
void flattening_stop(struct target *t);

#endif
