/* The states of the keys that zones are signed with. */
#include "store/store_keys.h"

#include "base/scope.h"
#include "dns/name.h"
#include "store/store_inner.h"

#include <stdlib.h>
#include <string.h>

/* One statement that changes something, in a transaction of its own. */
static bool change_one(struct store *s, sqlite3_stmt *st, struct fault *why)
{
	return store_run(st) ? store_commit(s, why) : store_give_up(s, why);
}

bool store_put_all_keys(
	struct store *s, const struct store_keys *list, size_t n, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		for (size_t i = 0; ok && i < n; i++)
			ok = store_run(store_bind(s, STORE_PUT_KEYS, "bis", list[i].apex,
				name_len(list[i].apex), list[i].saved_s, list[i].states));
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

bool store_put_keys(struct store *s, const struct store_keys *k, struct fault *why)
{
	return store_put_all_keys(s, k, 1, why);
}

bool store_drop_keys(struct store *s, const uint8_t *apex, struct fault *why)
{
	store_lock(s);
	const bool ok = store_begin(s, why) &&
		change_one(s, store_bind(s, STORE_DROP_KEYS, "b", apex, name_len(apex)), why);
	store_unlock(s);
	return ok;
}

/* A row as it was read. */
struct keys_row {
	uint8_t apex[NAME_MOST];
	int64_t saved_s;
	char *states; /* own */
};

struct keys_rows {
	struct keys_row *list;
	size_t n, room;
};

static void free_rows(void *rows)
{
	struct keys_rows *r = rows;

	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].states);
	free(r->list);
	*r = (struct keys_rows){ 0 };
}

static bool add_row(struct keys_rows *rows, sqlite3_stmt *st)
{
	const unsigned char *states = sqlite3_column_text(st, 2);

	if (rows->n == rows->room) {
		const size_t room = rows->room ? 2 * rows->room : 64;
		struct keys_row *list = realloc(rows->list, room * sizeof *list);
		if (!list)
			return false;
		rows->list = list;
		rows->room = room;
	}
	struct keys_row *row = &rows->list[rows->n];
	if (!states || !store_column_name(st, 0, row->apex, true))
		return true; /* what is no name is passed over */
	row->saved_s = sqlite3_column_int64(st, 1);
	row->states = strdup((const char *)states);
	rows->n += row->states != NULL;
	return row->states != NULL;
}

bool store_each_keys(struct store *s, void (*each)(void *ctx, const struct store_keys *row),
	void *ctx, struct fault *why)
{
	struct keys_rows rows = { 0 };
	bool ok = true;
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_ALL_KEYS, "");
	while (ok && (step = sqlite3_step(st)) == SQLITE_ROW)
		ok = add_row(&rows, st);
	if (!ok)
		fault(why, "out of memory");
	else if (step != SQLITE_DONE)
		ok = store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	scope_hold(&rows, free_rows);
	for (size_t i = 0; ok && i < rows.n; i++)
		each(ctx,
			&(struct store_keys){
				rows.list[i].apex, rows.list[i].saved_s, rows.list[i].states });
	scope_forget(&rows, free_rows);
	free_rows(&rows);
	return ok;
}
