/* What peers that know no EDGE have last been given of zones. */
#include "base/scope.h"
#include "dns/name.h"
#include "store/store_inner.h"

#include <stdlib.h>

bool store_put_plain(struct store *s, const struct store_plain *p, struct fault *why)
{
	store_lock(s);
	const bool ok = store_run(store_bind(s, STORE_PUT_PLAIN, "bii", p->apex, name_len(p->apex),
				(int64_t)p->serial, (int64_t)p->digest)) ||
		store_fail(s, why);
	store_unlock(s);
	return ok;
}

static bool column_plain(sqlite3_stmt *st, struct store_plain *to)
{
	to->serial = (uint32_t)sqlite3_column_int64(st, 1);
	to->digest = (uint64_t)sqlite3_column_int64(st, 2);
	return store_column_name(st, 0, to->apex_bytes, true);
}

bool store_get_plain(
	struct store *s, const uint8_t *apex, struct store_plain *to, struct fault *why)
{
	*why = (struct fault){ 0 };
	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_PLAIN, "b", apex, name_len(apex));
	const int step = sqlite3_step(st);
	const bool ok = step == SQLITE_ROW && column_plain(st, to);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	to->apex = to->apex_bytes;
	return ok;
}

/* Nothing that may fail a scope is called under the lock. */
static bool read_plain(
	struct store *s, struct store_plain **list, size_t *n, struct fault *why)
{
	sqlite3_stmt *st = store_bind(s, STORE_GET_ALL_PLAIN, "");
	size_t room = 0;
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		if (*n == room) {
			room = room ? 2 * room : 64;
			struct store_plain *more = realloc(*list, room * sizeof *more);
			if (!more)
				break;
			*list = more;
		}
		*n += column_plain(st, &(*list)[*n]); /* what is no name is passed over */
	}
	if (step == SQLITE_ROW)
		fault(why, "%s: out of memory", s->path);
	else if (step != SQLITE_DONE)
		store_fail(s, why);
	sqlite3_reset(st);
	return step == SQLITE_DONE;
}

bool store_each_plain(struct store *s, void (*each)(void *ctx, const struct store_plain *row),
	void *ctx, struct fault *why)
{
	struct store_plain *list = NULL;
	size_t n = 0;

	store_lock(s);
	const bool ok = read_plain(s, &list, &n, why);
	store_unlock(s);
	if (list)
		scope_hold(list, free);
	for (size_t i = 0; ok && i < n; i++) {
		list[i].apex = list[i].apex_bytes;
		each(ctx, &list[i]);
	}
	if (list)
		scope_forget(list, free);
	free(list);
	return ok;
}
