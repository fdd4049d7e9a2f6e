/* latency.h - what has been measured: round-trip times from edges to client networks and to
 * each other.
 *
 * A table of cells: one per (prefix, edge), and one per (edge, edge), each with a smoothed
 * round-trip time, the number of samples in it and when the last one was taken. What follows
 * for networks that nobody has measured is model.h's business. Times are seconds of a clock of
 * the caller's that only goes forward; an age is `now - at_s`.
 *
 * Memory is bounded: when it is full, the prefixes that were measured longest ago go first.
 * One thread at a time changes it; others may read while nobody does.
 */
#ifndef MEASURE_LATENCY_H
#define MEASURE_LATENCY_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured of the way from an edge to a network, each in milliseconds; the edges' own mesh has round-trip times only.
 *
 * Losses are such milliseconds, too: what is lost is sent again a second later (the least of RFC 6298, section 2.4), so that one packet
 * of a thousand costs each of them 1 ms on the mean. 0 is a loss like any other, LATENCY_LOSS_MOST_MS is all of them; samples are packets. */
enum latency_kind {
	LATENCY_RTT,      /* round trip */
	LATENCY_TTFB,     /* on a connection that is open, from the request to the first byte */
	LATENCY_TRANSFER, /* ... to the last byte of 100,000: with t ms, 800,000 / t kbit/s */
	LATENCY_LOSS,     /* packets lost of 1000; as a goal: the round trip, and what losses cost */
	LATENCY_KINDS
};

enum { LATENCY_SAMPLES_MOST = 0x7fff, LATENCY_EDGES_MOST = 1 << 13, LATENCY_RTT_MOST_MS = 60000, LATENCY_LOSS_MOST_MS = 1000 };

struct latency_cell {
	float rtt_ms;
	uint32_t at_s;
	uint16_t edge : 13;
	uint16_t jumps : 2; /* one that jumped (latency_jumps()), and those behind it that are over 20 ms off to the same side; 3: and more */
	uint16_t up : 1;    /* that they are longer */
	uint16_t n : 15;    /* samples, as many as there is room to count */
	uint16_t filed : 1; /* from a file of the configuration, and nothing came after it */
};

struct latency_row {
	struct prefix net; /* of an edge's row: nothing */
	uint16_t n, room;
	uint16_t round;            /* in which it changed last; latency_round() */
	struct latency_cell *cell; /* [n], no edge twice */
};

struct latency_opts {
	const char *const *edges; /* names, by number; copied */
	size_t n_edges; /* LATENCY_EDGES_MOST at most */
	double smoothing;     /* share of a new sample in the smoothed time, over 0 to 1; of several that jump, more */
	unsigned half_life_s; /* after so long a sample counts half */
	size_t memory;        /* bytes, about; other kinds than round trips may each have an eighth of it more */
	struct hash_key key;
};

struct latency_sample {
	double rtt_ms; /* over 0 to LATENCY_RTT_MOST_MS, the median of several; of losses 0 to LATENCY_LOSS_MOST_MS */
	unsigned n;    /* how many, 1 or more */
	uint32_t at_s;
	bool filed;
};

struct latency;
struct resolver_clients;

/* Never NULL; the count is 1. */
struct latency *latency_new(const struct latency_opts *opts);
/* The same once more, for who wants to change it: count 1, nothing in it counts as changed.
 * NULL when there is no memory. */
struct latency *latency_copy(const struct latency *from);
struct latency *latency_hold(struct latency *t);
void latency_drop(struct latency *t);
/* The table of one kind: `t` itself has round-trip times, and goes nowhere without the others, which have none in their meshes. What
 * this file says of a table is said of all of them, unless it is said of one kind: rows, cells and samples are. Borrowed. */
struct latency *latency_of(struct latency *t, enum latency_kind kind);
const struct latency *latency_kind_of(const struct latency *t, enum latency_kind kind);
/* "rtt", "ttfb", "throughput"; by a word of len bytes, -1: it is none. */
const char *latency_kind_text(enum latency_kind kind);
int latency_kind_named(const char *word, size_t len);
/* Nobody else holds it: it may be changed. */
bool latency_is_held_once(const struct latency *t);
/* Samples of so many new prefixes go in without a look at all others: no turn of a loop takes long by them. */
bool latency_has_room(const struct latency *t, size_t prefixes);

/* What is known of resolvers' clients goes with the table, and with its copies, which hold it. NULL: nothing is known. */
void latency_set_resolvers(struct latency *t, struct resolver_clients *r);
struct resolver_clients *latency_resolvers(const struct latency *t); /* borrowed */

/* The number of an edge by its name; -1 when there is none. */
int latency_edge(const struct latency *t, const char *name, size_t len);
const char *latency_edge_name(const struct latency *t, unsigned edge);
unsigned latency_edges(const struct latency *t);
const struct latency_opts *latency_options(const struct latency *t);

/* Samples and cells come by the million, so their memory is not written down one by one in the
 * scope of who fills the table; the table is, as a whole. What there is no memory for is false,
 * and the table is as it was.
 *
 * A report: smoothed into what is known. A known time that is old counts less, by the
 * half-life, and so does a sample older than what is known. */
bool latency_add(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s);
/* The same between two edges; `src` measured `dst`. */
bool latency_add_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s);

/* A whole cell, as a file tells it: it replaces what is known, unless that is newer. */
bool latency_put(struct latency *t, const struct prefix *net, unsigned edge,
	const struct latency_sample *s);
bool latency_put_mesh(
	struct latency *t, unsigned src, unsigned dst, const struct latency_sample *s);

/* Everything of `from`, or all but what files told, where it is newer than what is here; or
 * each of its cells as a sample. Edges are matched by name, and what is measured from edges
 * that are gone stays behind. False: there was no memory for some of it. */
enum latency_what { LATENCY_ALL, LATENCY_LEARNED, LATENCY_AS_SAMPLES };
bool latency_take(struct latency *t, const struct latency *from, enum latency_what what);

void latency_count_impossible(struct latency *t, size_t rows);

/* What came of an edge, of late: older ones count less, by the half-life. */
struct latency_source {
	double taken, impossible; /* times that were taken; that cannot be true, and were not */
};
void latency_count_source(struct latency *t, unsigned edge, bool possible, uint32_t at_s);
/* As it is told elsewhere: it takes the place of what was counted. */
void latency_set_source(struct latency *t, unsigned edge, const struct latency_source *source, uint32_t now_s);
/* What came of that edge in another table, too. */
void latency_add_source(struct latency *t, unsigned edge, const struct latency *from, unsigned there);
struct latency_source latency_source(const struct latency *t, unsigned edge, uint32_t now_s);

/* How many cells went. A prefix takes all that lie inside it with it. */
size_t latency_forget_edge(struct latency *t, unsigned edge);
size_t latency_forget_net(struct latency *t, const struct prefix *net);

/* All rows of prefixes, in no order that means anything; the row of one, or NULL. Borrowed
 * until the table changes. */
const struct latency_row *latency_rows(const struct latency *t, size_t *n);
const struct latency_row *latency_find(const struct latency *t, const struct prefix *net);
/* The longest prefix that holds an address (plain), below `bits` of 128; or NULL. */
const struct latency_row *latency_around(
	const struct latency *t, const struct addr *a, unsigned bits);
/* The rows that were measured at `since_s` or later, by address, a prefix before those inside
 * it. The caller frees the array. */
const struct latency_row **latency_sorted(const struct latency *t, uint32_t since_s, size_t *n);
/* What an edge has measured towards the others. */
const struct latency_row *latency_mesh(const struct latency *t, unsigned src);

const struct latency_cell *latency_cell(const struct latency_row *row, unsigned edge);

/* Is a new time far from what is known, by over 20 ms and by half of the lesser one? Not those that follow on it to the same side. */
bool latency_jumps(const struct latency_cell *known, double rtt_ms);

struct latency_size {
	size_t nets, cells, mesh_cells, bytes;
	uint64_t forgotten;  /* prefixes that had to make room, so far */
	uint64_t impossible; /* rows of its files that cannot be true, and are not in it */
	size_t kinds[LATENCY_KINDS]; /* cells of each */
};
struct latency_size latency_size(const struct latency *t);

/* What has changed since? Rows that change get the number of the round, which goes up when
 * latency_next_round() says that what is there now has been made use of; it wraps. */
uint16_t latency_round(const struct latency *t);
void latency_next_round(struct latency *t);
static inline bool latency_is_later(uint16_t round, uint16_t than)
{
	return (int16_t)(uint16_t)(round - than) > 0;
}
/* The round in which rows were taken out last. */
uint16_t latency_dropped(const struct latency *t);
/* `t` takes the place of `before`: rows that are the same, but for times of at most `slack_s`,
 * have not changed. */
void latency_follow(struct latency *t, const struct latency *before, uint32_t slack_s);

/* What a measurement still counts: 1 when new, a half after the half-life. */
double latency_weight(unsigned half_life_s, uint32_t at_s, uint32_t now_s);

#endif
