/* report_load.h - what load decides for an edge, and why edges were chosen.
 */
#ifndef REPORT_REPORT_LOAD_H
#define REPORT_REPORT_LOAD_H

#include "report/report_view.h"

#include <jansson.h>

struct shed_state report_load_state(const struct report_view *view, unsigned edge);

/* To an edge's row: its capacity and how that is used, what it sheds, its share. */
void report_load_add(const struct report_view *view, unsigned edge, json_t *row);
/* To an edge's row in a pool that it leaves: the share that it has there, where that is less than in all. */
void report_share_add(const struct report_view *view, unsigned edge, uint16_t here, json_t *row);
/* Of SHED_ALL: how many of its keys the edge keeps in the pool, which is one of those that are served. */
uint16_t report_bound(const struct report_view *view, const struct pool *p, unsigned edge);
/* To an edge's row in a pool: what it keeps of its keys, how often it was chosen, by reason. */
void report_whys_add(
	const struct report_view *view, const struct pool *p, unsigned edge, json_t *row);
/* Both, of a row, as text behind what the line has already. */
void report_load_text(const json_t *row, struct text *out);

/* The sums of all pools. */
json_t *report_whys(const struct report_view *view);

#endif
