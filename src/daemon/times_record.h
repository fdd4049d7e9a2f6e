/* times_record.h - what servers of a fleet tell each other of measurements, as bytes.
 *
 * A row is a cell of the table (latency.h): from which edge to which network or edge, how long it takes, by how many
 * samples, when the last was taken, and of which kind that is. Rows of round trips are told, and summed up, as they were before there
 * were others, by themselves: a server of that version has the same of them, and passes the rest over. Of two of the same cell the later one holds, of the same second that of more
 * samples, then the larger: so tables that have heard the same rows are the same, in whatever order they came. Moments
 * are UNIX seconds of the fleet's clock; `offset_s` is what that is ahead of the clock of tables, and is never another
 * one while the server runs. What files of the configuration say is not told. Edges are known by hashes of their
 * names. Pure; any thread.
 */
#ifndef DAEMON_TIMES_RECORD_H
#define DAEMON_TIMES_RECORD_H

#include "measure/latency.h"

enum {
	TIMES_RTT_ROW = 16 + 1 + 8 + 4 + 4 + 2, /* of a round trip, as it is told */
	TIMES_ROW = TIMES_RTT_ROW + 1,          /* ... and its kind at the end */
	TIMES_BUCKETS = 1024
};

/* Edges of a table by the hashes of their names. */
struct times_edges {
	uint64_t *hash; /* [n] own (memory.h) */
	struct times_edge *by_hash; /* [n] own */
	unsigned n;
};
void times_edges_init(struct times_edges *e, const struct latency *t);
void times_edges_fini(struct times_edges *e);

/* Of a table: the same for tables of the same rows. Networks fall into buckets by hash. */
struct times_sums {
	uint64_t of[TIMES_BUCKETS], all;
};
struct times_digest {
	struct times_sums rtt, others; /* round trips; all other kinds */
	size_t cells;
};
void times_digest(const struct latency *t, int64_t offset_s, struct times_digest *to);

/* Which rows. */
struct times_wanted {
	const bool *buckets; /* [TIMES_BUCKETS] or NULL: all */
	int64_t since_s;     /* UNIX; measured since then */
};
/* So many rows, or `most`. The caller's (memory.h). */
uint8_t *times_rows(const struct latency *t, int64_t offset_s, const struct times_wanted *w, size_t most, size_t *n);

/* Whose cell it is. */
struct times_of {
	const struct prefix *net; /* NULL: it is of edge `src` */
	unsigned src;
	enum latency_kind kind; /* of a network */
};
void times_row_write(uint8_t to[static TIMES_ROW], const struct times_edges *e, const struct times_of *of,
	const struct latency_cell *c, int64_t offset_s);

struct times_row {
	struct prefix net;
	int src; /* an edge; -1: it is of `net` */
	unsigned edge;
	struct latency_sample sample;
	enum latency_kind kind;
};
static inline bool times_row_is_rtt(const uint8_t row[static TIMES_ROW])
{
	return row[TIMES_RTT_ROW] == LATENCY_RTT;
}
/* False: it makes no sense, or is of edges that there are not. */
bool times_row_read(struct times_row *to, const struct times_edges *e, const uint8_t from[static TIMES_ROW],
	int64_t offset_s);

/* Into a table, where it is later than what is there. False: no memory. */
bool times_row_merge(struct latency *t, const struct times_row *r);

#endif
