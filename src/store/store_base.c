/* Zones in the store, whole. What is large is written by pieces, each a transaction, beside what is valid: so nobody else
 * waits long, and one that is stopped in between has changed nothing. */
#include "base/memory.h"
#include "dns/name.h"
#include "store/store_inner.h"
#include "store/store_records.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PART = 128 << 10, /* bytes of a zone in one row, and in one transaction */
	DROP_AT_ONCE = 4  /* rows of them */
};

/* --- a base ------------------------------------------------------------------------------- */

struct putting {
	struct store *s;
	const struct zone *z;
	enum store_which which;
	const struct store_timers *timers; /* NULL: what is stored goes on from this base */
	const struct store_mark *upon;     /* NULL: over whatever is there */
	struct fault *why;
	struct store_records records;
	uint8_t *part; /* the next, of `len` bytes; 0: there is none */
	size_t len;
	int64_t id, base, n, whole;
	int64_t until; /* with no timers: the last change that is in the base */
	bool apart;    /* it cannot be put */
	bool soon;     /* it is not on the disk before store_settle() */
	bool rest;     /* of what it replaces there is more than went with it */
};

static bool one_number(sqlite3_stmt *st, int64_t *to)
{
	const bool ok = sqlite3_step(st) == SQLITE_ROW;

	if (ok)
		*to = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return ok;
}

static bool start(struct putting *p)
{
	struct store *s = p->s;
	uint8_t key[NAME_MOST + 1];
	const size_t len = store_key(key, zone_id(p->z), p->which);

	p->base = ++s->last_base;
	return (!p->timers ||
		       store_run(store_bind(s, STORE_MAKE_ZONE, "bib", key, len,
			       (int64_t)p->z->serial, NULL, (size_t)0))) &&
		one_number(store_bind(s, STORE_SET_MAKING, "bi", key, len, p->base), &p->id);
}

/* Of a zone that goes on: which of its changes are in the base. False: it is of no version that is
 * stored. */
static bool find_until(struct putting *p)
{
	struct store_row row;

	if (store_find(p->s, zone_id(p->z), p->which, &row) != STORE_FOUND)
		return false;
	p->until = 0;
	return one_number(store_bind(p->s, STORE_FIND_CHANGE, "ii", row.id,
				  row.serial == p->z->serial ? -1 : (int64_t)p->z->serial),
		       &p->until) &&
		(p->until || row.serial == p->z->serial);
}

/* The newest that fit stay, for those who ask for what has changed. */
bool store_drop_old_changes(struct store *s, int64_t id, int64_t until)
{
	const int64_t oldest_s = (int64_t)time(NULL) - s->limits.history_s;
	sqlite3_stmt *st = store_bind(s, STORE_OLD_CHANGES, "ii", id, until);
	size_t bytes = 0;
	int64_t drop = 0;
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		const int64_t at_s = sqlite3_column_int64(st, 2); /* 0: not known */
		bytes += (size_t)sqlite3_column_int64(st, 1);
		if (bytes > s->limits.history_bytes || (at_s && at_s < oldest_s)) {
			drop = sqlite3_column_int64(st, 0);
			break;
		}
	}
	sqlite3_reset(st);
	return (step == SQLITE_DONE || step == SQLITE_ROW) &&
		(!drop || store_run(store_bind(s, STORE_DROP_CHANGES, "ii", id, drop)));
}

/* Parts of other bases: some of them. */
bool store_drop_parts(struct store *s, int64_t id, int64_t base, bool *more)
{
	const bool ok = store_run(
		store_bind(s, STORE_DROP_PARTS, "iii", id, base, (int64_t)DROP_AT_ONCE));

	*more = ok && sqlite3_changes(s->db) == DROP_AT_ONCE;
	return ok;
}

static bool finish(struct putting *p)
{
	struct store *s = p->s;

	if (!store_drop_parts(s, p->id, p->base, &p->rest))
		return false;
	if (!p->timers)
		return store_run(store_bind(s, STORE_SET_BASE, "iiii", p->id, p->base, p->until,
			       p->whole)) &&
			store_drop_old_changes(s, p->id, p->until);
	return store_run(store_bind(s, STORE_SET_WHOLE, "iiiiii", p->id, (int64_t)p->z->serial,
		       p->timers->checked_s, (int64_t)p->timers->expire_s, p->base,
		       p->whole)) &&
		store_run(store_bind(s, STORE_DROP_CHANGES, "ii", p->id, INT64_MAX));
}

static bool put_part(struct putting *p)
{
	if (!store_run(store_bind(p->s, STORE_ADD_PART, "iib", p->id,
		    (p->base << 32) + ++p->n, p->part, p->len)))
		return false;
	p->whole += (int64_t)p->len;
	return true;
}

/* Is what is stored what may be replaced? */
static bool may_replace(const struct putting *p)
{
	struct store_row row;

	switch (p->upon ? store_find(p->s, zone_id(p->z), p->which, &row) : STORE_NOT_READ) {
	case STORE_FOUND: return p->upon->there && row.serial == p->upon->serial;
	case STORE_NOT_THERE: return p->upon->none;
	case STORE_NOT_READ: break;
	}
	return !p->upon;
}

/* Ours, or it can be made so. */
static bool is_ours(struct putting *p, bool *ok)
{
	int64_t making = 0;

	if (!may_replace(p))
		return false;
	if (p->base)
		return one_number(store_bind(p->s, STORE_GET_MAKING, "i", p->id), &making) &&
			making == p->base;
	if (!p->timers && !find_until(p))
		return false;
	*ok = start(p);
	return true;
}

/* One transaction: the part that comes next, and when it is the last, that they are what is stored. False also
 * when the zone has gone, or another base of it has been begun. Only the last has to be on the disk when this
 * returns. */
static bool put_piece(struct putting *p, bool last)
{
	struct store *s = p->s;
	const bool quick = !last || p->soon;

	store_lock(s);
	bool ok = (!quick || store_quick(s, true)) && store_begin(s, p->why);
	if (ok) {
		p->apart = !is_ours(p, &ok);
		if (p->apart)
			store_run(store_bind(s, STORE_ROLLBACK, ""));
		else
			ok = ok && put_part(p) && (!last || finish(p)) ? store_commit(s, p->why)
								       : store_give_up(s, p->why);
	}
	if (quick)
		store_quick(s, false);
	if (ok && p->soon)
		s->unsettled = p->id;
	store_unlock(s);
	return p->apart
		? fault(p->why, "%s: what is stored of the zone is another by now", s->path)
		: ok;
}

bool store_drop_others(struct store *s, int64_t id, int64_t base, struct fault *why)
{
	bool more = true, ok = true;

	while (ok && more) {
		store_lock(s);
		ok = store_begin(s, why);
		if (ok)
			ok = store_drop_parts(s, id, base, &more) ? store_commit(s, why)
							    : store_give_up(s, why);
		store_unlock(s);
	}
	return ok;
}

static enum store_result result_of(const struct putting *p, bool ok)
{
	/* When that fails, it goes with the next. */
	if (ok && p->rest)
		store_drop_others(p->s, p->id, p->base, &(struct fault){ 0 });
	return ok ? STORE_DONE : p->apart ? STORE_APART : STORE_FAILED;
}

static enum store_result put_all(struct putting *p)
{
	p->part = malloc(2 * (PART + STORE_RECORD_MOST));
	if (!p->part) {
		fault(p->why, "out of memory");
		return STORE_FAILED;
	}
	/* Two halves: which is the last is known when there is no next. */
	uint8_t *halves[2] = { p->part, p->part + PART + STORE_RECORD_MOST };
	p->records = store_records(p->z);
	p->len = store_records_fill(&p->records, p->part, PART);
	bool ok = true;
	for (unsigned i = 1; ok && p->len; i ^= 1) {
		const size_t next = store_records_fill(&p->records, halves[i], PART);
		ok = put_piece(p, !next);
		p->part = halves[i];
		p->len = next;
	}
	free(halves[0]);
	return result_of(p, ok);
}

static enum store_result put(struct store *s, const struct zone *z, enum store_which which,
	const struct store_timers *t, const struct store_mark *upon, struct fault *why)
{
	struct putting p = { .s = s, .z = z, .which = which, .timers = t, .upon = upon, .why = why };

	return put_all(&p);
}

bool store_put_now(struct store *s, const struct zone *z, const struct store_timers *t)
{
	struct putting p = { .s = s, .z = z, .timers = t, .records = store_records(z) };
	p.part = malloc(PART + STORE_RECORD_MOST);
	bool ok = p.part && start(&p);
	while (ok && (p.len = store_records_fill(&p.records, p.part, PART)))
		ok = put_part(&p);
	free(p.part);
	ok = ok && finish(&p);
	while (ok && p.rest)
		ok = store_drop_parts(s, p.id, p.base, &p.rest);
	return ok;
}

bool store_put(struct store *s, const struct zone *z, const struct store_timers *t,
	struct fault *why)
{
	return put(s, z, STORE_ZONE, t, NULL, why) == STORE_DONE;
}

enum store_result store_put_upon(struct store *s, const struct zone *z, const struct store_timers *t,
	const struct store_mark *upon, struct fault *why)
{
	return put(s, z, STORE_ZONE, t, upon, why);
}

bool store_put_signed(struct store *s, const struct zone *z, struct fault *why)
{
	static const struct store_timers never;

	return put(s, z, STORE_SIGNED, &never, NULL, why) == STORE_DONE;
}

bool store_put_soon(
	struct store *s, const struct zone *z, enum store_which which, struct fault *why)
{
	static const struct store_timers never;
	struct putting p = {
		.s = s, .z = z, .which = which, .timers = &never, .soon = true, .why = why
	};

	return put_all(&p) == STORE_DONE;
}

/* --- one that is being made --------------------------------------------------------------- */

struct store_growing {
	struct putting p;
	struct store_timers never;
	struct store_mark upon;
	struct fault why;
	bool ok;
	uint8_t zone[NAME_MOST]; /* its id, once something was told of it: who gives it up may have let go of it before */
	uint8_t part[PART + STORE_RECORD_MOST];
};

struct store_growing *store_grow(
	struct store *s, enum store_which which, const struct store_mark *upon, bool soon)
{
	struct store_growing *g = memory_zeroed(1, sizeof *g);

	if (upon)
		g->upon = *upon;
	g->p = (struct putting){ .s = s,
		.which = which,
		.timers = &g->never,
		.upon = upon ? &g->upon : NULL,
		.why = &g->why,
		.part = g->part,
		.soon = soon };
	g->ok = true;
	return g;
}

/* A part is put when there is more: the last is one that has something in it. */
void store_grow_to(struct store_growing *g, const struct zone *z, uint32_t until)
{
	struct putting *p = &g->p;

	if (!p->z) {
		p->z = z;
		p->records = store_records(z);
		memcpy(g->zone, zone_id(z), name_len(zone_id(z)));
	}
	p->records.limit = z->image + until;
	while (g->ok) {
		if (p->len < PART) {
			const size_t more = store_records_fill(
				&p->records, p->part + p->len, PART - p->len);
			if (!more)
				break;
			p->len += more;
		} else {
			g->ok = put_piece(p, false);
			p->len = 0;
		}
	}
}

enum store_result store_grown(struct store_growing *g, struct fault *why)
{
	g->ok = g->ok && put_piece(&g->p, true);
	*why = g->why;
	const enum store_result result = result_of(&g->p, g->ok);
	if (g->ok)
		memory_free(g);
	else
		store_grow_not(g);
	return result;
}

/* Nobody goes on with what there is of it. */
static bool forsake(struct store_growing *g, int64_t *base)
{
	const struct putting *p = &g->p;
	struct store *s = p->s;
	struct store_row row = { .base = -1 };
	int64_t making = 0;

	const enum store_found found = store_find(s, g->zone, p->which, &row);
	*base = found == STORE_FOUND ? row.base : -1;
	return found != STORE_NOT_READ &&
		one_number(store_bind(s, STORE_GET_MAKING, "i", p->id), &making) &&
		making == p->base &&
		store_run(store_bind(s, STORE_END_MAKING, "ii", p->id, (int64_t)-1));
}

void store_grow_not(struct store_growing *g)
{
	struct fault why;
	int64_t base = -1;

	if (!g)
		return;
	bool is = g->p.id != 0;
	if (is) {
		store_lock(g->p.s);
		is = store_begin(g->p.s, &why);
		if (is)
			is = forsake(g, &base) ? store_commit(g->p.s, &why)
						   : store_give_up(g->p.s, &why);
		store_unlock(g->p.s);
	}
	if (is && store_drop_others(g->p.s, g->p.id, base, &why))
		store_end_making(g->p.s, g->p.id, &why);
	memory_free(g);
}

/* --- on the disk -------------------------------------------------------------------------- */

/* Whatever is committed so that it is on the disk takes what was committed before with it; if it writes anything. SQLite
 * writes no row that stays as it is: this one is turned over, and back. A zone that is gone by now went that way, too. */
bool store_settle(struct store *s, struct fault *why)
{
	bool ok = true;

	store_lock(s);
	if (s->unsettled && (ok = store_begin(s, why))) {
		for (unsigned i = 0; ok && i < 2; i++)
			ok = store_run(store_bind(s, STORE_TOUCH, "i", s->unsettled));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	if (ok)
		s->unsettled = 0;
	store_unlock(s);
	return ok;
}

enum store_result store_rebase(struct store *s, const struct zone *z, struct fault *why)
{
	return put(s, z, STORE_ZONE, NULL, NULL, why);
}

/* Nothing is left of a zone that has neither base nor file. */
bool store_end_making(struct store *s, int64_t id, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		ok = store_run(store_bind(s, STORE_END_MAKING, "ii", id, (int64_t)0)) &&
			store_run(store_bind(s, STORE_DROP_ZONE, "i", id));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

bool store_clear_unfinished(struct store *s, struct fault *why)
{
	for (;;) {
		sqlite3_stmt *st = store_bind(s, STORE_UNFINISHED, "");
		const int step = sqlite3_step(st);
		const int64_t id = sqlite3_column_int64(st, 0),
			      base = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
		if (step == SQLITE_DONE)
			return true;
		if (step != SQLITE_ROW)
			return store_fail(s, why);
		if (!store_run(store_bind(s, STORE_END_MAKING, "ii", id, (int64_t)-1)))
			return store_fail(s, why);
		if (!store_drop_others(s, id, base, why) || !store_end_making(s, id, why))
			return false;
	}
}
