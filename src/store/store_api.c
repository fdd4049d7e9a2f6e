/* Tokens of the API, and what has been changed by whom. */
#include "store/store_api.h"

#include "store/store_inner.h"

#include <string.h>

static const char *text_at(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

static bool end(struct store *s, bool ok, struct fault *why)
{
	return ok ? store_commit(s, why) : store_give_up(s, why);
}

bool store_put_token(struct store *s, struct store_token *t, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		ok = store_run(store_bind(s, STORE_PUT_TOKEN, "sssbiii", t->name, t->role, t->zones,
			t->hash, sizeof t->hash, t->created_s, t->until_s, (int64_t)t->uid));
		t->id = sqlite3_last_insert_rowid(s->db);
		ok = end(s, ok, why);
	}
	store_unlock(s);
	return ok;
}

bool store_drop_token(struct store *s, const char *name, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok)
		ok = end(s, store_run(store_bind(s, STORE_DROP_TOKEN, "s", name)), why);
	store_unlock(s);
	return ok;
}

bool store_each_token(struct store *s, void (*each)(void *ctx, const struct store_token *t),
	void *ctx, struct fault *why)
{
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_ALL_TOKENS, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_token t = { .id = sqlite3_column_int64(st, 0),
			.name = text_at(st, 1),
			.role = text_at(st, 2),
			.zones = text_at(st, 3),
			.created_s = sqlite3_column_int64(st, 5),
			.until_s = sqlite3_column_int64(st, 6),
			.uid = (unsigned)sqlite3_column_int64(st, 7) };
		const void *hash = sqlite3_column_blob(st, 4);
		if (sqlite3_column_bytes(st, 4) != STORE_TOKEN_HASH)
			continue;
		memcpy(t.hash, hash, STORE_TOKEN_HASH);
		each(ctx, &t);
	}
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}

bool store_add_audit(
	struct store *s, const struct store_audit *list, size_t n, unsigned most, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = store_run(store_bind(s, STORE_ADD_AUDIT, "isssisss", list[i].at_s, list[i].who,
				list[i].from, list[i].what, (int64_t)list[i].status, list[i].said, list[i].before,
				list[i].after));
		ok = ok && store_run(store_bind(s, STORE_DROP_AUDIT, "i", (int64_t)most));
		ok = end(s, ok, why);
	}
	store_unlock(s);
	return ok;
}

bool store_each_audit(struct store *s, unsigned most,
	void (*each)(void *ctx, const struct store_audit *a), void *ctx, struct fault *why)
{
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_AUDIT, "i", (int64_t)most);
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		each(ctx,
			&(struct store_audit){ sqlite3_column_int64(st, 0), text_at(st, 1),
				text_at(st, 2), text_at(st, 3), sqlite3_column_int(st, 4),
				text_at(st, 5), text_at(st, 6), text_at(st, 7) });
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}
