/* report_estimates.h - where an estimate comes from, term by term.
 */
#ifndef REPORT_REPORT_ESTIMATES_H
#define REPORT_REPORT_ESTIMATES_H

#include "base/text.h"
#include "measure/estimates.h"

#include <jansson.h>

/* Adds the terms for an edge to `row`: km, estimate_ms, and what it is the sum of. */
void report_estimates_add(const struct estimates *e, unsigned edge, json_t *row);

/* Where who asks is a resolver with clients of its own: "resolver", who they are. As text it is
 * a line. */
void report_estimates_resolver(const struct estimates *e, json_t *step);
void report_estimates_resolver_text(const json_t *step, struct text *out);

/* In a list of rows in the order of a ranking, marks those that are in front of a better one
 * for the sake of calm: "kept_before", and "gain_ms" that is too little. */
void report_estimates_mark_kept(json_t *rows);

/* The terms of such a row as text, on lines of their own. */
void report_estimates_text(const json_t *row, struct text *out);

#endif
