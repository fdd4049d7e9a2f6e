/* metrics_maker.h - numbers for Prometheus: made by a job when they are asked for.
 *
 * One job at a time: who asks while it runs gets what the next one makes, together with all
 * others who have asked meanwhile. Loop.
 */
#ifndef DAEMON_METRICS_MAKER_H
#define DAEMON_METRICS_MAKER_H

#include "daemon/reports.h"

struct metrics_maker;

/* `of` is copied. Never NULL. */
struct metrics_maker *metrics_maker_new(const struct reports_opts *of);
/* After jobs_stop(). */
void metrics_maker_free(struct metrics_maker *m);

/* One who wants them; the asker's until he is told. */
struct metrics_ask {
	bool open; /* OpenMetrics; else text */
	/* `body` NULL: they could not be made; else borrowed for the call. Never inside
	 * metrics_maker_ask(). */
	void (*told)(struct metrics_ask *a, const struct text *body);
	struct metrics_ask *next; /* the maker's */
};
/* False: too much is going on, and nobody will be told. */
bool metrics_maker_ask(struct metrics_maker *m, struct metrics_ask *a);

#endif
