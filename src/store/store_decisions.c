/* What pools have answered whom, and who is watched. */
#include "store/store_decisions.h"

#include "dns/rrtype.h"
#include "store/store_inner.h"

#include <string.h>

enum { ADDR = sizeof(struct addr), GO_AT_ONCE = 20000 };

/* --- decisions ---------------------------------------------------------------------------- */

/* A and AAAA are 0 and 1 in the table, which once had nothing else; all others are their numbers. */
static int64_t column_of(uint16_t type)
{
	return type == RRTYPE_A ? 0 : type == RRTYPE_AAAA ? 1 : type;
}

static uint16_t type_of(int64_t column)
{
	return column == 0 ? RRTYPE_A : column == 1 ? RRTYPE_AAAA : (uint16_t)column;
}

static bool add_one(struct store *s, const struct store_decision *d)
{
	return store_run(store_bind(s, STORE_ADD_DECISION, "ibbbiiiiiiisssss", d->at_s, d->client.b,
		(size_t)ADDR, d->source.b, (size_t)ADDR, d->name, name_len(d->name), column_of(d->type),
		(int64_t)d->by_subnet, (int64_t)d->watched, (int64_t)d->ttl_s, (int64_t)d->scope,
		(int64_t)d->serial, (int64_t)d->conf, d->pool, d->edge, d->why, d->next,
		d->health));
}

bool store_add_decisions(struct store *s, const struct store_decision *list, size_t n,
	uint64_t most, int64_t since_s, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = add_one(s, &list[i]);
		ok = ok &&
			store_run(store_bind(s, STORE_DROP_DECISIONS, "iii", (int64_t)most, since_s,
				(int64_t)GO_AT_ONCE));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

static const char *text_at(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

static bool addr_at(sqlite3_stmt *st, int i, struct addr *to)
{
	const void *bytes = sqlite3_column_blob(st, i);

	if (sqlite3_column_bytes(st, i) != ADDR)
		return false;
	memcpy(to->b, bytes, ADDR);
	return true;
}

static bool read_decision(
	sqlite3_stmt *st, struct store_decision *d, uint8_t name[static NAME_MOST])
{
	*d = (struct store_decision){ .at_s = sqlite3_column_int64(st, 0),
		.name = name,
		.type = type_of(sqlite3_column_int64(st, 4)),
		.by_subnet = sqlite3_column_int(st, 5),
		.watched = sqlite3_column_int(st, 6),
		.ttl_s = (uint32_t)sqlite3_column_int64(st, 7),
		.scope = (uint32_t)sqlite3_column_int64(st, 8),
		.serial = (uint32_t)sqlite3_column_int64(st, 9),
		.conf = (uint32_t)sqlite3_column_int64(st, 10),
		.pool = text_at(st, 11),
		.edge = text_at(st, 12),
		.why = text_at(st, 13),
		.next = text_at(st, 14),
		.health = text_at(st, 15) };
	return addr_at(st, 1, &d->client) && addr_at(st, 2, &d->source) &&
		store_column_name(st, 3, name, true);
}

bool store_find_decisions(struct store *s, const struct store_decisions_ask *ask,
	void (*each)(void *ctx, const struct store_decision *d), void *ctx, struct fault *why)
{
	uint8_t name[NAME_MOST];
	struct store_decision d;
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_FIND_DECISIONS, "bbibi", ask->from.b, (size_t)ADDR,
		ask->to.b, (size_t)ADDR, ask->until_s, ask->name,
		ask->name ? name_len(ask->name) : 0, (int64_t)ask->most);
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		if (read_decision(st, &d, name)) /* what is no row of ours is passed over */
			each(ctx, &d);
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}

/* --- who is watched ----------------------------------------------------------------------- */

static bool change_one(struct store *s, sqlite3_stmt *st, struct fault *why)
{
	return store_run(st) ? store_commit(s, why) : store_give_up(s, why);
}

bool store_put_watch(struct store *s, const struct store_watch *w, struct fault *why)
{
	store_lock(s);
	const bool ok = store_begin(s, why) &&
		change_one(s,
			store_bind(s, STORE_PUT_WATCH, "biiii", w->net.addr.b, (size_t)ADDR,
				(int64_t)w->net.bits, w->since_s, w->until_s, (int64_t)w->uid),
			why);
	store_unlock(s);
	return ok;
}

bool store_drop_watch(struct store *s, const struct prefix *net, struct fault *why)
{
	store_lock(s);
	const bool ok = store_begin(s, why) &&
		change_one(s,
			store_bind(s, STORE_DROP_WATCH, "bi", net->addr.b, (size_t)ADDR,
				(int64_t)net->bits),
			why);
	store_unlock(s);
	return ok;
}

bool store_each_watch(struct store *s, void (*each)(void *ctx, const struct store_watch *w),
	void *ctx, struct fault *why)
{
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_ALL_WATCHES, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_watch w = { .since_s = sqlite3_column_int64(st, 2),
			.until_s = sqlite3_column_int64(st, 3),
			.uid = (unsigned)sqlite3_column_int64(st, 4) };
		struct addr a;
		const int64_t bits = sqlite3_column_int64(st, 1);
		if (!addr_at(st, 0, &a) || bits < 0 || bits > 128)
			continue;
		w.net = addr_prefix(&a, (unsigned)bits);
		each(ctx, &w);
	}
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}
