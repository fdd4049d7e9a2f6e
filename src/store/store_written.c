/* Which versions of their files zones were last written to. */
#include "store/store_written.h"

#include "dns/name.h"
#include "store/store_inner.h"

bool store_put_written(
	struct store *s, const uint8_t *apex, const struct store_written *w, struct fault *why)
{
	const struct file_stamp *f = &w->stamp;

	store_lock(s);
	const bool ok = store_begin(s, why) &&
		(store_run(store_bind(s, STORE_PUT_WRITTEN, "biiiiii", apex, name_len(apex),
			 (int64_t)w->serial, (int64_t)f->device, (int64_t)f->inode,
			 (int64_t)f->size, f->mtime_ns, f->ctime_ns))
				? store_commit(s, why)
				: store_give_up(s, why));
	store_unlock(s);
	return ok;
}

bool store_get_written(
	struct store *s, const uint8_t *apex, struct store_written *to, struct fault *why)
{
	*to = (struct store_written){ 0 };
	*why = (struct fault){ 0 };
	store_lock(s);
	sqlite3_stmt *st = store_bind(s, STORE_GET_WRITTEN, "b", apex, name_len(apex));
	const int step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		to->serial = (uint32_t)sqlite3_column_int64(st, 0);
		to->stamp = (struct file_stamp){ .device = (uint64_t)sqlite3_column_int64(
							 st, 1),
			.inode = (uint64_t)sqlite3_column_int64(st, 2),
			.size = (uint64_t)sqlite3_column_int64(st, 3),
			.mtime_ns = sqlite3_column_int64(st, 4),
			.ctime_ns = sqlite3_column_int64(st, 5) };
	} else if (step != SQLITE_DONE) {
		store_fail(s, why);
	}
	sqlite3_reset(st);
	store_unlock(s);
	return step == SQLITE_ROW;
}
