/* latency_csv.h - measurements as text: what operators and scripts write, and our own snapshot.
 *
 * Comma-separated, the first line names the columns, in any order:
 *
 *     prefix,edge,rtt_ms[,samples[,age_s[,kind]]]     from an edge to a network
 *     src,dst,rtt_ms[,samples[,age_s]]         from an edge to an edge
 *
 * A kind is rtt, ttfb, throughput or loss (latency.h), and nothing is rtt; each is a time in milliseconds, but loss, which is packets
 * lost of 1000; the column may be called "ms".
 * In the first form the prefix may be "@EDGE", which is the second. An age counts back from
 * when the file was written: its time of change, or what a line "# saved UNIXTIME" says.
 * Columns of other names are passed over, and so are lines that are empty or begin with "#".
 */
#ifndef MEASURE_LATENCY_CSV_H
#define MEASURE_LATENCY_CSV_H

#include "base/fault.h"
#include "base/text.h"
#include "measure/latency.h"
#include "measure/model.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct latency_csv {
	const char *path;
	uint32_t now_s; /* of the table's clock */
	time_t time_s;  /* UNIX time at that moment */
	enum {
		CSV_FILED,  /* a file of the configuration: latency_put(), filed */
		CSV_STATE,  /* a snapshot: latency_put() */
		CSV_SAMPLES /* news: latency_add() */
	} as;
	/* Says which times cannot be true; its edges have the table's numbers. NULL: nobody
	 * does, and all are taken. */
	const struct model *judge;
};

/* Reads as it comes, a piece at a time. On false `t` has some of it: read into a table of its
 * own first. Rows of edges that the table does not know are passed over with a warning, and so
 * are times that cannot be true. `*rows` (may be NULL) is how many counted. */
bool latency_csv_read(
	struct latency *t, const struct latency_csv *from, size_t *rows, struct faults *f);

/* The first form, all of the table or all but what files told. */
void latency_csv_write(
	const struct latency *t, const struct latency_csv *now, bool filed, struct text *out);

#endif
