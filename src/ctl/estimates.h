/* estimates.h - where an estimate comes from, term by term.
 */
#ifndef CTL_ESTIMATES_H
#define CTL_ESTIMATES_H

#include "base/text.h"
#include "measure/latency.h"
#include "steer/steer.h"

#include <jansson.h>

enum { ESTIMATES_ROWS_MOST = 8 };

/* All estimates for one client, as they are now: rankings that are served may be some seconds
 * older. Borrows all it is made of. */
struct estimates {
	const struct steer *steer;
	const struct latency *table;
	uint32_t now_s;
	uint32_t place, asn; /* numbers in the atlas, 0 when unknown */
	const struct latency_row *rows[ESTIMATES_ROWS_MOST]; /* of measured prefixes */
	unsigned n_rows;
	float *ms; /* [n_edges] NAN: unknown */
};

void estimates_init(struct estimates *e, const struct steer *s, const struct latency *table,
	uint32_t now_s, const struct addr *who);
void estimates_fini(struct estimates *e);

/* Adds the terms for an edge to `row`: km, estimate_ms, and what it is the sum of. */
void estimates_add(const struct estimates *e, unsigned edge, json_t *row);

/* In a list of rows in the order of a ranking, marks those that are in front of a better one
 * for the sake of calm: "kept_before", and "gain_ms" that is too little. */
void estimates_mark_kept(json_t *rows);

/* The terms of such a row as text, on lines of their own. */
void estimates_as_text(const json_t *row, struct text *out);

#endif
