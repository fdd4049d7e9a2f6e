/* Names that edges flatten, and what they had. */
#include "store/store_flats.h"

#include "store/store_inner.h"

#include <string.h>

static bool add_one(struct store *s, const struct store_flat *f)
{
	return store_run(store_bind(s, STORE_ADD_FLAT, "biibb", f->name, name_len(f->name), f->at_s,
		(int64_t)f->ttl_s, f->a, f->n_a * 4, f->aaaa, f->n_aaaa * 16));
}

bool store_put_flats(
	struct store *s, const struct store_flat *list, size_t n, struct fault *why)
{
	store_lock(s);
	bool ok = store_begin(s, why);
	if (ok) {
		ok = store_run(store_bind(s, STORE_DROP_FLATS, ""));
		for (size_t i = 0; ok && i < n; i++)
			ok = add_one(s, &list[i]);
		ok = ok ? store_commit(s, why) : store_give_up(s, why);
	}
	store_unlock(s);
	return ok;
}

/* A person may have written into the file. */
static bool column_addresses(sqlite3_stmt *st, int i, size_t size, uint8_t *to, size_t *n)
{
	const void *bytes = sqlite3_column_blob(st, i);
	const size_t len = (size_t)sqlite3_column_bytes(st, i);

	*n = len / size;
	if (len % size || *n > STORE_FLAT_MOST)
		return false;
	if (len)
		memcpy(to, bytes, len);
	return true;
}

static bool read_one(sqlite3_stmt *st, struct store_flat *to)
{
	const int64_t ttl_s = sqlite3_column_int64(st, 2);

	to->at_s = sqlite3_column_int64(st, 1);
	to->ttl_s = (uint32_t)ttl_s;
	return ttl_s >= 0 && ttl_s <= INT32_MAX && to->at_s >= 0 &&
		store_column_name(st, 0, to->name, true) &&
		column_addresses(st, 3, 4, to->a, &to->n_a) &&
		column_addresses(st, 4, 16, to->aaaa, &to->n_aaaa);
}

bool store_each_flat(struct store *s, void (*each)(void *ctx, const struct store_flat *flat),
	void *ctx, struct fault *why)
{
	struct store_flat flat;
	int step;

	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_ALL_FLATS, "");
	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		if (read_one(st, &flat))
			each(ctx, &flat);
	const bool ok = step == SQLITE_DONE || store_fail(s, why);
	sqlite3_reset(st);
	store_unlock(s);
	return ok;
}
