#include "store/store_history.h"

#include "store/store_inner.h"

#include <string.h>

bool store_put_forced(struct store *s, const char *text, struct fault *why)
{
	store_lock(s);
	const bool ok = store_begin(s, why) &&
		(store_run(store_bind(s, STORE_PUT_FORCED, "s", text)) ? store_commit(s, why)
								       : store_give_up(s, why));
	store_unlock(s);
	return ok;
}

char *store_get_forced(struct store *s, struct fault *why)
{
	char *text = NULL;

	*why = (struct fault){ 0 };
	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_FORCED, "");
	const int step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		const unsigned char *row = sqlite3_column_text(st, 0);
		text = row ? strdup((const char *)row) : NULL;
		if (!text)
			fault(why, "out of memory");
	} else if (step != SQLITE_DONE) {
		store_fail(s, why);
	}
	sqlite3_reset(st);
	store_unlock(s);
	return text;
}

static bool add_event(struct store *s, const struct store_event *e)
{
	return store_run(store_bind(s, STORE_ADD_EVENT, "isssssss", e->at_ms, e->what, e->edge,
		e->pool, e->who, e->was, e->is, e->why));
}

bool store_add_events(struct store *s, const struct store_event *list, size_t n, unsigned most,
	struct fault *why)
{
	store_lock(s);
	bool begun = store_begin(s, why), ok = begun;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_event(s, &list[i]);
	ok = ok && store_run(store_bind(s, STORE_DROP_EVENTS, "i", (int64_t)most));
	if (ok)
		ok = store_commit(s, why);
	else if (begun)
		store_give_up(s, why);
	store_unlock(s);
	return ok;
}

static const char *column(sqlite3_stmt *st, int i)
{
	const unsigned char *text = sqlite3_column_text(st, i);

	return text ? (const char *)text : "";
}

bool store_each_event(struct store *s, void (*each)(void *ctx, const struct store_event *e),
	void *ctx, struct fault *why)
{
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_EVENTS, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		each(ctx,
			&(struct store_event){ sqlite3_column_int64(st, 0), column(st, 1),
				column(st, 2), column(st, 3), column(st, 4), column(st, 5),
				column(st, 6), column(st, 7) });
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}
