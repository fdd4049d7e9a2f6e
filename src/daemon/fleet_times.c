#include "daemon/fleet_times_inner.h"

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "daemon/times_record.h"
#include "jobs/jobs.h"
#include "report/report.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_S 0.25

enum {
	LOOK_S = 5,
	LOOK_MOST_S = 600,      /* between two looks at one who stays different, whatever is exchanged */
	ROWS_MOST = 1000,       /* of a message */
	MESSAGES = 4,           /* a turn: 0.6 MB/s */
	PENDING_MOST = 1 << 16, /* cells that are to be told */
	TOLD_MOST = 4000,       /* ... a turn */
	PICKED = 100000,        /* rows that are looked up at once, about */
	SCAN_SHARE = 20,        /* of the time at most so much goes into sums */
	OVERLAP_S = 120,        /* what was measured before it was cut off may have been on its way */
	HEAD = 1 + FLEET_NAME_MOST + 1,
	SUMS_LEN = TIMES_BUCKETS * 8
};

enum says {
	ROWS = 1, /* rows of round trips */
	WANTS,    /* of a server: a moment; all that was measured since */
	SUMS,     /* of a server: its digest by buckets, of round trips and then of other kinds; rows of those that are others there */
	SUMS_TOO, /* the same, in answer to such */
	ROWS_OF_KINDS /* rows, each with its kind */
};

/* A cell that a sample has changed. */
struct pending {
	struct prefix net;
	int src;
	unsigned edge;
	enum latency_kind kind;
	uint64_t number; /* of the sample */
};

const struct parts *fleet_times_live(const struct fleet_times *t)
{
	return publisher_live(t->opts.publisher);
}

static bool is_on(const struct fleet_times *t)
{
	return t->fleet && t->offset_s && parts_conf(fleet_times_live(t))->latency.on;
}

static const struct times_edges *edges(struct fleet_times *t)
{
	if (!t->has_edges)
		times_edges_init(&t->edges, fleet_times_live(t)->table);
	t->has_edges = true;
	return &t->edges;
}

/* --- telling ------------------------------------------------------------------------------ */

static void on_sample(void *ctx, const struct rankings_sample *s)
{
	struct fleet_times *t = ctx;

	/* What was told goes, half of all at a time. */
	if (t->n == PENDING_MOST && t->at >= PENDING_MOST / 2) {
		t->n -= t->at;
		memmove(t->pending, t->pending + t->at, t->n * sizeof *t->pending);
		t->at = 0;
	}
	if (!t->fleet || t->n == PENDING_MOST)
		return;
	t->pending[t->n++] = (struct pending){ s->net, s->src, s->edge, s->kind, s->number };
}

/* Those of round trips, or the others. */
static void say_some(struct fleet_times *t, enum says what, const uint8_t *rows, size_t n)
{
	const size_t size = what == ROWS ? TIMES_RTT_ROW : TIMES_ROW;
	uint8_t *bytes = memory_zeroed(1, 1 + n * size);
	size_t some = 0;

	bytes[0] = (uint8_t)what;
	for (size_t i = 0; i < n; i++)
		if (times_row_is_rtt(rows + i * TIMES_ROW) == (what == ROWS))
			memcpy(bytes + 1 + some++ * size, rows + i * TIMES_ROW, size);
	if (some && fleet_say(t->fleet, FLEET_TIMES, bytes, 1 + some * size))
		t->sent += some;
	memory_free(bytes);
}

static void say_rows(struct fleet_times *t, const uint8_t *rows, size_t n)
{
	say_some(t, ROWS, rows, n);
	say_some(t, ROWS_OF_KINDS, rows, n);
}

/* To one of them; the others pass it over. */
static void say_to(struct fleet_times *t, enum says what, const char *server, const uint8_t *more, size_t len)
{
	uint8_t *bytes = memory_zeroed(1, HEAD + len);

	bytes[0] = (uint8_t)what;
	memcpy(bytes + 1, server, strlen(server));
	if (len)
		memcpy(bytes + HEAD, more, len);
	fleet_say(t->fleet, FLEET_TIMES, bytes, HEAD + len);
	memory_free(bytes);
}

static void say_sums(struct fleet_times *t, enum says what, const char *server)
{
	uint8_t sums[2 * SUMS_LEN];

	for (unsigned i = 0; i < TIMES_BUCKETS; i++) {
		be64_put(sums + i * 8u, t->digest.rtt.of[i]);
		be64_put(sums + SUMS_LEN + i * 8u, t->digest.others.of[i]);
	}
	say_to(t, what, server, sums, sizeof sums);
}

/* As the cells are by now: those whose samples are in the table. Others come all the time. */
static void say_pending(struct fleet_times *t)
{
	const struct latency *table = fleet_times_live(t)->table;
	const uint64_t taken = rankings_taken(t->opts.rankings);
	uint8_t *rows;
	size_t n = 0, n_rows = 0;

	while (n < TOLD_MOST && t->at + n < t->n && t->pending[t->at + n].number < taken)
		n++;
	if (!n)
		return;
	rows = memory_zeroed(n, TIMES_ROW);
	for (size_t i = 0; i < n; i++) {
		const struct pending *p = &t->pending[t->at + i];
		const struct times_of of = { p->src >= 0 ? NULL : &p->net, p->src >= 0 ? (unsigned)p->src : 0, p->kind };
		const struct latency_row *r = of.net ? latency_find(latency_kind_of(table, p->kind), of.net) : latency_mesh(table, of.src);
		const struct latency_cell *c = r ? latency_cell(r, p->edge) : NULL;
		if (c && !c->filed)
			times_row_write(rows + n_rows++ * TIMES_ROW, edges(t), &of, c, t->offset_s);
	}
	for (size_t i = 0; i < n_rows; i += ROWS_MOST)
		say_rows(t, rows + i * TIMES_ROW, n_rows - i < ROWS_MOST ? n_rows - i : ROWS_MOST);
	memory_free(rows);
	t->at += n;
	if (t->at == t->n)
		t->at = t->n = 0;
}

/* --- paying what is owed ------------------------------------------------------------------- */

/* What somebody wants, one after the other; a turn sends some of it. */
static void pay(struct fleet_times *t)
{
	struct times_scan s = { .picks = true };

	for (unsigned i = 0; i < MESSAGES && t->rows; i++) {
		const size_t left = t->n_rows - t->row, n = left < ROWS_MOST ? left : ROWS_MOST;
		say_rows(t, t->rows + t->row * TIMES_ROW, n);
		t->row += n;
		if (t->row < t->n_rows)
			continue;
		memory_free(t->rows);
		t->rows = NULL;
	}
	if (t->rows || t->scans || !t->n_owed)
		return;
	s.since_s = t->owed_since_s;
	for (unsigned i = 0, n = 0; i < TIMES_BUCKETS && n * t->digest.cells / TIMES_BUCKETS < PICKED; i++) {
		if (!t->owed[i])
			continue;
		s.buckets[i] = true;
		t->owed[i] = false;
		t->n_owed--;
		n++;
	}
	fleet_times_scan(t, &s);
}

static void owe(struct fleet_times *t, unsigned bucket, int64_t since_s)
{
	t->owed_since_s = t->n_owed && t->owed_since_s < since_s ? t->owed_since_s : since_s;
	t->n_owed += !t->owed[bucket];
	t->owed[bucket] = true;
}

/* --- hearing ------------------------------------------------------------------------------ */

static void take_rows(struct fleet_times *t, const uint8_t *rows, size_t len, size_t size)
{
	uint8_t row[TIMES_ROW] = { 0 };
	struct times_row r;

	for (size_t i = 0; i + size <= len; i += size) {
		memcpy(row, rows + i, size);
		if (!times_row_read(&r, edges(t), row, t->offset_s))
			continue;
		t->taken++;
		rankings_add(t->opts.rankings,
			&(struct rankings_sample){ .net = r.net, .src = r.src, .edge = r.edge, .kind = r.kind, .sample = r.sample, .merged = true });
	}
}

/* Who knows round trips alone says no sums of others. */
static void take_sums(struct fleet_times *t, const struct fleet_news *n, const uint8_t *sums, size_t len)
{
	if (t->n_owed || t->rows)
		return; /* what is on its way makes them the same, maybe */
	for (unsigned i = 0; t->state && i < TIMES_BUCKETS; i++)
		if (be64_get(sums + i * 8u) != t->digest.rtt.of[i] ||
			(len >= 2 * SUMS_LEN && be64_get(sums + SUMS_LEN + i * 8u) != t->digest.others.of[i]))
			owe(t, i, 0);
	if (t->n_owed && n->bytes[0] == SUMS)
		say_sums(t, SUMS_TOO, n->server);
}

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_times *t = ctx;

	if (!is_on(t) || !n->len)
		return;
	t->heard_s = n->said_ms / 1000;
	if (n->bytes[0] == ROWS || n->bytes[0] == ROWS_OF_KINDS) {
		take_rows(t, n->bytes + 1, n->len - 1, n->bytes[0] == ROWS ? TIMES_RTT_ROW : TIMES_ROW);
		return;
	}
	if (n->len < HEAD || n->bytes[HEAD - 1] || strcmp((const char *)n->bytes + 1, t->server) != 0)
		return;
	const uint8_t *more = n->bytes + HEAD;
	const size_t len = n->len - HEAD;
	if (n->bytes[0] == WANTS && len >= 8) {
		for (unsigned i = 0; i < TIMES_BUCKETS; i++)
			owe(t, i, (int64_t)be64_get(more));
	} else if ((n->bytes[0] == SUMS || n->bytes[0] == SUMS_TOO) && len >= SUMS_LEN) {
		take_sums(t, n, more, len);
	}
}

/* Somebody may have said something that we could not hear. */
static void on_caught_up(void *ctx)
{
	struct fleet_times *t = ctx;

	if (!t->offset_s)
		t->offset_s = fleet_now_ms(t->fleet) / 1000 - (int64_t)latency_read_now();
	t->wants = true;
	t->wants_since_s = t->heard_s ? t->heard_s - OVERLAP_S : 0;
}

/* --- looking at others -------------------------------------------------------------------- */

static uint64_t sum_said(const struct fleet_mate *m, const char *key)
{
	return strtoull(json_string_value(json_object_get(m->hello, key)) ?: "0", NULL, 16);
}

static bool takes_part(const struct fleet_mate *m)
{
	return m->live && json_object_get(m->hello, "times");
}

static bool is_apart(const struct fleet_times *t, const struct fleet_mate *m)
{
	return sum_said(m, "times") != t->digest.rtt.all || sum_said(m, "times_kinds") != t->digest.others.all;
}

/* ... in what is exchanged with it: of a former version, round trips. */
static bool may_mend(const struct fleet_times *t, const struct fleet_mate *m)
{
	return json_object_get(m->hello, "times_kinds") ? is_apart(t, m) : sum_said(m, "times") != t->digest.rtt.all;
}

/* The first that is there, and the first whose table is another. */
static bool find_mate(const struct fleet_times *t, bool different, struct fleet_mate *to)
{
	for (size_t i = 0; i < fleet_mates(t->fleet); i++) {
		*to = fleet_mate(t->fleet, i);
		if (takes_part(to) && (!different || may_mend(t, to)))
			return true;
	}
	return false;
}

static void ask_since(struct fleet_times *t)
{
	struct fleet_mate m;
	uint8_t since[8];

	if (!t->wants || !find_mate(t, false, &m))
		return;
	be64_put(since, (uint64_t)t->wants_since_s);
	/* Who has a table of a former life lacks little of it. */
	if (t->digest.cells && !t->wants_since_s)
		say_sums(t, SUMS, m.server);
	else
		say_to(t, WANTS, m.server, since, sizeof since);
	t->wants = false;
}

/* Two tables that change are different by what is on its way. Only those that stay as they are, and different, are looked
 * at; less and less often where that helps nothing (other edges, another `memory`). */
static void look(struct fleet_times *t)
{
	const uint64_t now = clock_us();
	struct fleet_mate m;

	if (now - t->looked_us < t->wait_us)
		return;
	t->looked_us = now;
	if (!find_mate(t, true, &m)) {
		t->wait_us = LOOK_S * UINT64_C(1000000);
		t->seen_ours = 0;
		return;
	}
	const uint64_t ours = t->digest.rtt.all + t->digest.others.all, theirs = sum_said(&m, "times") + sum_said(&m, "times_kinds");
	const bool same = t->seen_ours == ours && t->seen_theirs == theirs && t->seen_moved == t->sent + t->taken;
	t->seen_moved = t->sent + t->taken;
	t->seen_ours = ours;
	t->seen_theirs = theirs;
	if (!same) {
		t->wait_us = LOOK_S * UINT64_C(1000000);
		return;
	}
	say_sums(t, SUMS, m.server);
	t->wait_us = 2 * t->wait_us < LOOK_MOST_S * UINT64_C(1000000) ? 2 * t->wait_us : LOOK_MOST_S * UINT64_C(1000000);
}

static void sum_up(struct fleet_times *t)
{
	const uint64_t least = LOOK_S * UINT64_C(1000000), wait = t->took_us * SCAN_SHARE;

	if (t->scans || t->rows || t->state == fleet_times_state(t) || !rankings_is_settled(t->opts.rankings) ||
		(t->state && clock_us() - t->scanned_us < (wait > least ? wait : least)))
		return;
	fleet_times_scan(t, &(struct times_scan){ .picks = false });
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct fleet_times *t = timer->data;

	(void)loop;
	(void)events;
	if (!is_on(t) || !fleet_is_caught_up(t->fleet))
		return;
	say_pending(t);
	pay(t);
	sum_up(t);
	if (!t->state)
		return;
	ask_since(t);
	if (!t->rows && !t->scans && !t->n_owed)
		look(t);
}

/* Edges have other numbers, maybe; what was not told yet is found by its sums. */
static void on_parts(void *ctx, unsigned what)
{
	struct fleet_times *t = ctx;

	if (!(what & PUBLISH_CONF))
		return;
	t->at = t->n = 0;
	if (t->has_edges)
		times_edges_fini(&t->edges);
	t->has_edges = false;
	t->state = 0;
}

/* --- looking ------------------------------------------------------------------------------ */

struct report_shared fleet_times_sum(const struct fleet_times *t)
{
	struct report_shared s = { t->digest.cells, 0, t->sent, t->taken };

	for (size_t i = 0; t->fleet && t->state && i < fleet_mates(t->fleet); i++) {
		const struct fleet_mate m = fleet_mate(t->fleet, i);
		s.apart += takes_part(&m) && is_apart(t, &m);
	}
	return s;
}

static void say_sum(json_t *json, const char *key, uint64_t sum)
{
	char text[20];

	snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
	json_object_set_new(json, key, json_string(text));
}

void fleet_times_hello(const struct fleet_times *t, void *json)
{
	if (!t->state || !is_on(t))
		return;
	say_sum(json, "times", t->digest.rtt.all);
	say_sum(json, "times_kinds", t->digest.others.all);
	json_object_set_new(json, "times_cells", json_integer((json_int_t)t->digest.cells));
}

/* --- beginning and end -------------------------------------------------------------------- */

void fleet_times_set(struct fleet_times *t, struct fleet *f, const char *server)
{
	t->fleet = f;
	snprintf(t->server, sizeof t->server, "%s", f ? server : "");
	t->n_owed = 0;
	memset(t->owed, 0, sizeof t->owed);
	t->at = t->n = 0;
	if (!f)
		return;
	if (!t->pending)
		t->pending = memory_zeroed(PENDING_MOST, sizeof *t->pending);
	t->heard_s = 0;
	fleet_follow(f, FLEET_TIMES, &(struct fleet_follower){ .ctx = t, .take = on_take, .caught_up = on_caught_up });
}

struct fleet_times *fleet_times_new(const struct fleet_times_opts *opts)
{
	struct fleet_times *t = memory_zeroed(1, sizeof *t);

	t->opts = *opts;
	t->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	t->wait_us = LOOK_S * UINT64_C(1000000);
	rankings_tell_samples(opts->rankings, on_sample, t);
	publisher_follow(opts->publisher, on_parts, t);
	ev_timer_init(&t->turn, on_turn, TURN_S, TURN_S);
	t->turn.data = t;
	ev_timer_start(opts->loop, &t->turn);
	return t;
}

void fleet_times_free(struct fleet_times *t)
{
	if (!t)
		return;
	ev_timer_stop(t->opts.loop, &t->turn);
	if (t->has_edges)
		times_edges_fini(&t->edges);
	memory_free(t->rows);
	memory_free(t->pending);
	memory_free(t);
}
