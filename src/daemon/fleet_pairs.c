#include "daemon/fleet_pairs.h"

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/pairs_record.h"
#include "report/report.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURN_S 0.25

enum {
	PENDING_MOST = 4096, /* rows, and names, that are to be told; rows that find no room are found by their sums */
	ROWS_MOST = 1000,    /* of a message, and of a turn: 0.2 MB/s */
	WALK = 8192,         /* rows that are looked at in a turn */
	SWEEP = 1024,        /* ... whether they have faded */
	LOOK_S = 5,
	LOOK_MOST_S = 600, /* between two looks at one who stays different, whatever is exchanged */
	PATIENT = 12,      /* so many looks at others that change all the time */
	HEAD = 1 + FLEET_NAME_MOST + 1
};

enum says {
	ROWS = 1, /* rows */
	NAMES,    /* names that clients came by */
	SUMS,     /* of a server: its digest by buckets; rows of those that are others there */
	SUMS_TOO  /* the same, in answer to such */
};

struct fleet_pairs {
	struct ev_loop *loop;
	struct resolver_pairs *pairs; /* borrowed */
	struct fleet *fleet;          /* borrowed; NULL */
	char server[FLEET_NAME_MOST + 1];
	uint64_t self;
	ev_timer turn;
	struct client_pair *rows; /* [PENDING_MOST] own; which, not how they are by now */
	struct pairs_name *names; /* [PENDING_MOST] own */
	size_t n_rows, n_names;
	/* What is owed to others, of these buckets; where in the table looking for it goes on. */
	bool owed[CLIENT_PAIRS_BUCKETS], owes;
	bool wants; /* to ask somebody for what could not be heard */
	size_t at, swept;
	/* Who was different at the last look, and how. */
	uint64_t looked_us, wait_us, seen_ours, seen_theirs;
	unsigned looks;
	struct report_shared counts;
	uint64_t joined; /* pairs of names that others have told of */
};

static struct client_pairs *table(const struct fleet_pairs *p)
{
	return p->fleet ? resolver_pairs_table(p->pairs) : NULL;
}

static uint64_t digest(const struct fleet_pairs *p, uint64_t to[static CLIENT_PAIRS_BUCKETS])
{
	return client_pairs_digest(resolver_pairs_table(p->pairs), p->self, to);
}

/* --- telling ------------------------------------------------------------------------------ */

static void on_seen(void *ctx, const struct client_pair *row)
{
	struct fleet_pairs *p = ctx;

	if (p->fleet && p->n_rows < PENDING_MOST)
		p->rows[p->n_rows++] = *row;
}

static void on_missing(void *ctx, uint64_t name, const struct prefix *client)
{
	struct fleet_pairs *p = ctx;

	if (p->fleet && p->n_names < PENDING_MOST)
		p->names[p->n_names++] = (struct pairs_name){ name, client_pairs_client(&client->addr) };
}

static void say(struct fleet_pairs *p, enum says what, uint8_t *bytes, size_t len)
{
	bytes[0] = (uint8_t)what;
	fleet_say(p->fleet, FLEET_PAIRS, bytes, len);
}

/* Those of them that are in the table, as they are by now. */
static void say_rows(struct fleet_pairs *p, const struct client_pair *rows, size_t n)
{
	uint8_t *bytes = memory_zeroed(1, 1 + n * PAIRS_ROW);
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		const struct client_pair *x = client_pairs_find(table(p), &rows[i]);
		if (x)
			pairs_row_write(bytes + 1 + told++ * PAIRS_ROW, x, p->self);
	}
	if (told)
		say(p, ROWS, bytes, 1 + told * PAIRS_ROW);
	p->counts.sent += told;
	memory_free(bytes);
}

static void say_names(struct fleet_pairs *p)
{
	const size_t n = p->n_names < ROWS_MOST ? p->n_names : ROWS_MOST;
	uint8_t *bytes = memory_zeroed(1, 1 + n * PAIRS_NAME);

	for (size_t i = 0; i < n; i++)
		pairs_name_write(bytes + 1 + i * PAIRS_NAME, &p->names[i]);
	if (n)
		say(p, NAMES, bytes, 1 + n * PAIRS_NAME);
	memory_free(bytes);
	p->n_names -= n;
	memmove(p->names, p->names + n, p->n_names * sizeof *p->names);
}

static void say_pending(struct fleet_pairs *p)
{
	const size_t n = p->n_rows < ROWS_MOST ? p->n_rows : ROWS_MOST;

	say_names(p);
	say_rows(p, p->rows, n);
	p->n_rows -= n;
	memmove(p->rows, p->rows + n, p->n_rows * sizeof *p->rows);
}

/* To one of them; the others pass it over. */
static void say_sums(struct fleet_pairs *p, enum says what, const char *server)
{
	uint64_t sums[CLIENT_PAIRS_BUCKETS];
	uint8_t bytes[HEAD + sizeof sums] = { 0 };

	digest(p, sums);
	memcpy(bytes + 1, server, strlen(server));
	for (unsigned i = 0; i < CLIENT_PAIRS_BUCKETS; i++)
		be64_put(bytes + HEAD + i * 8u, sums[i]);
	say(p, what, bytes, sizeof bytes);
}

/* Some of what somebody lacks. Who takes the place of a row that goes meanwhile may be missed: that is seen at the next look. */
static void pay(struct fleet_pairs *p)
{
	const struct client_pairs *t = table(p);
	const size_t all = client_pairs_count(t), end = p->at + WALK < all ? p->at + WALK : all;
	struct client_pair *rows;
	size_t n = 0;

	if (!p->owes)
		return;
	rows = memory_zeroed(ROWS_MOST, sizeof *rows);
	for (; p->at < end && n < ROWS_MOST; p->at++) {
		const struct client_pair *x = client_pairs_get(t, p->at);
		if (p->owed[client_pairs_bucket(x)])
			rows[n++] = *x;
	}
	say_rows(p, rows, n);
	memory_free(rows);
	if (p->at < all)
		return;
	memset(p->owed, 0, sizeof p->owed);
	p->owes = false;
}

/* --- hearing ------------------------------------------------------------------------------ */

static void take_rows(struct fleet_pairs *p, const uint8_t *rows, size_t len)
{
	const int64_t now_s = resolver_pairs_now(p->pairs);
	const uint64_t before = p->counts.taken;
	struct client_pair row;

	for (size_t i = 0; i + PAIRS_ROW <= len; i += PAIRS_ROW)
		if (pairs_row_read(&row, rows + i, p->self))
			p->counts.taken += client_pairs_merge(table(p), &row, now_s);
	if (p->counts.taken != before)
		resolver_pairs_touch(p->pairs);
}

static void take_names(struct fleet_pairs *p, const uint8_t *names, size_t len)
{
	struct pairs_name name;

	for (size_t i = 0; i + PAIRS_NAME <= len; i += PAIRS_NAME)
		if (pairs_name_read(&name, names + i))
			p->joined += resolver_pairs_join(p->pairs, name.name, &name.client);
}

static void take_sums(struct fleet_pairs *p, const struct fleet_news *n)
{
	uint64_t sums[CLIENT_PAIRS_BUCKETS];

	if (p->owes)
		return; /* what is on its way makes them the same, maybe */
	digest(p, sums);
	for (unsigned i = 0; i < CLIENT_PAIRS_BUCKETS; i++) {
		p->owed[i] = be64_get(n->bytes + HEAD + i * 8u) != sums[i];
		p->owes = p->owes || p->owed[i];
	}
	p->at = 0;
	if (p->owes && n->bytes[0] == SUMS)
		say_sums(p, SUMS_TOO, n->server);
}

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_pairs *p = ctx;

	if (!table(p) || !n->len)
		return;
	if (n->bytes[0] == ROWS)
		take_rows(p, n->bytes + 1, n->len - 1);
	else if (n->bytes[0] == NAMES)
		take_names(p, n->bytes + 1, n->len - 1);
	else if ((n->bytes[0] == SUMS || n->bytes[0] == SUMS_TOO) && n->len >= HEAD + CLIENT_PAIRS_BUCKETS * 8u &&
		!n->bytes[HEAD - 1] && strcmp((const char *)n->bytes + 1, p->server) == 0)
		take_sums(p, n);
}

/* --- looking at others -------------------------------------------------------------------- */

/* Somebody may have said something that we could not hear. */
static void on_caught_up(void *ctx)
{
	struct fleet_pairs *p = ctx;

	p->wants = true;
}

static bool takes_part(const struct fleet_mate *m)
{
	return m->live && json_object_get(m->hello, "pairs");
}

static uint64_t digest_of(const struct fleet_mate *m)
{
	return strtoull(json_string_value(json_object_get(m->hello, "pairs")) ?: "0", NULL, 16);
}

/* The first whose table is another than that of ours. */
static bool find_other(const struct fleet_pairs *p, uint64_t ours, struct fleet_mate *to)
{
	for (size_t i = 0; i < fleet_mates(p->fleet); i++) {
		*to = fleet_mate(p->fleet, i);
		if (takes_part(to) && digest_of(to) != ours)
			return true;
	}
	return false;
}

/* Two tables that change are different by what is on its way. Those that stay as they are, and different, are exchanged, less and
 * less often where that helps nothing (no room for all of both); others after a minute. */
static void look(struct fleet_pairs *p)
{
	const uint64_t now = clock_us(), least = LOOK_S * UINT64_C(1000000), most = LOOK_MOST_S * UINT64_C(1000000);
	uint64_t sums[CLIENT_PAIRS_BUCKETS];
	struct fleet_mate m;

	if (!p->wants && now - p->looked_us < p->wait_us)
		return;
	p->looked_us = now;
	const uint64_t ours = digest(p, sums);
	const bool other = find_other(p, ours, &m), same = other && p->seen_ours == ours && p->seen_theirs == digest_of(&m);
	p->seen_ours = other ? ours : 0;
	p->seen_theirs = other ? digest_of(&m) : 0;
	p->looks = other ? p->looks + 1 : 0;
	if (!other || (!same && !p->wants && p->looks < PATIENT)) {
		p->wait_us = least;
		return;
	}
	say_sums(p, SUMS, m.server);
	p->wants = false;
	p->looks = 0;
	p->wait_us = 2 * p->wait_us < most ? 2 * p->wait_us : most;
}

static void sweep(struct fleet_pairs *p)
{
	struct client_pairs *t = table(p);

	p->swept = p->swept < client_pairs_count(t) ? p->swept : 0;
	client_pairs_sweep(t, p->swept, SWEEP, resolver_pairs_now(p->pairs));
	p->swept += SWEEP;
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct fleet_pairs *p = timer->data;

	(void)loop;
	(void)events;
	if (!table(p) || !fleet_is_caught_up(p->fleet))
		return;
	resolver_pairs_set_ahead(p->pairs, fleet_now_ms(p->fleet) / 1000 - time(NULL));
	say_pending(p);
	pay(p);
	sweep(p);
	if (!p->owes)
		look(p);
}

/* --- looking ------------------------------------------------------------------------------ */

struct report_shared fleet_pairs_sum(const struct fleet_pairs *p)
{
	struct report_shared s = p->counts;
	uint64_t sums[CLIENT_PAIRS_BUCKETS];

	if (!table(p))
		return s;
	const uint64_t ours = digest(p, sums);
	s.n = client_pairs_count(table(p));
	for (size_t i = 0; i < fleet_mates(p->fleet); i++) {
		const struct fleet_mate m = fleet_mate(p->fleet, i);
		s.apart += takes_part(&m) && digest_of(&m) != ours;
	}
	return s;
}

uint64_t fleet_pairs_joined(const struct fleet_pairs *p)
{
	return p->joined;
}

void fleet_pairs_hello(const struct fleet_pairs *p, void *json)
{
	uint64_t sums[CLIENT_PAIRS_BUCKETS];
	char text[20];

	if (!table(p))
		return;
	snprintf(text, sizeof text, "%016llx", (unsigned long long)digest(p, sums));
	json_object_set_new(json, "pairs", json_string(text));
}

/* --- beginning and end -------------------------------------------------------------------- */

void fleet_pairs_set(struct fleet_pairs *p, struct fleet *f, const char *server)
{
	p->n_rows = p->n_names = 0;
	p->owes = false;
	p->fleet = f;
	snprintf(p->server, sizeof p->server, "%s", f ? server : "");
	p->self = pairs_server(p->server);
	if (!f) {
		resolver_pairs_set_ahead(p->pairs, 0);
		return;
	}
	if (!p->rows)
		p->rows = memory_zeroed(PENDING_MOST, sizeof *p->rows);
	if (!p->names)
		p->names = memory_zeroed(PENDING_MOST, sizeof *p->names);
	fleet_follow(f, FLEET_PAIRS, &(struct fleet_follower){ .ctx = p, .take = on_take, .caught_up = on_caught_up });
}

struct fleet_pairs *fleet_pairs_new(struct ev_loop *loop, struct resolver_pairs *pairs)
{
	struct fleet_pairs *p = memory_zeroed(1, sizeof *p);

	p->loop = loop;
	p->pairs = pairs;
	p->wait_us = LOOK_S * UINT64_C(1000000);
	resolver_pairs_follow(pairs, &(struct resolver_pairs_follower){ p, on_seen, on_missing });
	ev_timer_init(&p->turn, on_turn, TURN_S, TURN_S);
	p->turn.data = p;
	ev_timer_start(loop, &p->turn);
	return p;
}

void fleet_pairs_free(struct fleet_pairs *p)
{
	if (!p)
		return;
	ev_timer_stop(p->loop, &p->turn);
	resolver_pairs_follow(p->pairs, NULL);
	memory_free(p->rows);
	memory_free(p->names);
	memory_free(p);
}
