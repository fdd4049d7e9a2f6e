/* The steps that are kept of a zone, and when each was stored. */
#include "store/store_inner.h"

#include "zone/change.h"
#include "zone/view.h"

#include <stdlib.h>

bool store_last_steps(
	struct store *s, const uint8_t *apex, struct store_dated *to, size_t most, size_t *n, struct fault *why)
{
	char name[NAME_TEXT];
	struct store_row row;
	int step = SQLITE_DONE;
	bool ok = true;

	*n = 0;
	store_lock(s);
	const enum store_found found = store_find(s, apex, STORE_ZONE, &row);
	if (found == STORE_FOUND) {
		sqlite3_stmt *st = store_bind(s, STORE_LAST_CHANGES, "ii", row.id, (int64_t)most);
		while (ok && *n < most && (step = sqlite3_step(st)) == SQLITE_ROW) {
			to[*n].at_s = sqlite3_column_int64(st, 1);
			to[*n].change = change_open(
				sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), why);
			ok = to[*n].change != NULL;
			*n += ok;
		}
		if (ok && step != SQLITE_ROW && step != SQLITE_DONE)
			ok = store_fail(s, why);
		sqlite3_reset(st);
	} else if (found == STORE_NOT_READ) {
		ok = fault(why, "%s: zone %s cannot be read", s->path, view_text(name, apex));
	}
	store_unlock(s);
	if (!ok)
		while (*n)
			change_free(to[--*n].change);
	return ok;
}
