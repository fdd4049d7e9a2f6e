/* simulate_report.h - what a simulation found, as text, JSON and a page with maps.
 */
#ifndef SIMULATE_SIMULATE_REPORT_H
#define SIMULATE_SIMULATE_REPORT_H

#include "base/text.h"
#include "simulate/simulate.h"

#include <jansson.h>

struct simulate_report {
	const struct simulate *found;
	const char *old, *new; /* what each side is, in words */
	const char *clients;   /* who was asked for, in words */
	const char *note;      /* "": nothing more is to be said */
	const char *time;      /* of what is now, and of the simulation, in words */
	double load;           /* of all clients together, in whatever unit; NAN: not given */
};

json_t *simulate_json(const struct simulate_report *r);
void simulate_text(const struct simulate_report *r, struct text *out);
void simulate_html(const struct simulate_report *r, struct text *out);

/* The places whose clients lose most, the worst first; returns how many, at most `most`. */
size_t simulate_losers(const struct simulate *s, uint32_t *places, size_t most);

/* --- for these files ---------------------------------------------------------------------- */

enum { SIMULATE_LOSERS = 20 };

double simulate_share(const struct simulate *s, double weight); /* of all; 0 to 1 */
/* What an edge has to bear of --load, with what its roles bring; NAN: nobody said how much there is. */
double simulate_old_load(const struct simulate_report *r, const struct simulate_edge *e);
double simulate_new_load(const struct simulate_report *r, const struct simulate_edge *e);
/* Is it more than a zero, as a percentage with so many digits? */
bool simulate_shows(const struct simulate *s, double weight, unsigned digits);
/* What the milliseconds over all pools are, in words; "": round trips, as pools have them unless they are told otherwise. */
const char *simulate_milliseconds(const struct simulate *s);
/* How many clients there are, and of how many something is known. */
void simulate_coverage(const struct simulate *s, struct text *out);
const char *simulate_edge_name(const struct simulate *s, int edge);
/* "Oslo, NO"; "NO (59.9,10.8)" where no city is known. */
const char *simulate_place_name(
	const struct simulate *s, uint32_t place, char *to, size_t room);

#endif
