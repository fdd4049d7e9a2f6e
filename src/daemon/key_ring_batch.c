/* key_ring_batch.c - the first keys of many zones at once.
 *
 * A key costs four syncs of files and folder and a transaction when it is made alone: some milliseconds. Here all files are
 * written first and synced at once, then they get their names, then the states of all are stored in one transaction: so a
 * state is never on the disk without its key. Nobody signs with a key of a zone before this has ended.
 */
#include "base/crew.h"
#include "base/memory.h"
#include "daemon/key_ring_inner.h"
#include "store/store.h"
#include "store/store_keys.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct key_batch {
	struct key_ring *ring;
	const struct key_ring_first *list; /* borrowed */
	struct key_files_batch files;
	pthread_mutex_t lock; /* of what follows */
	struct batch_row {
		struct ring_zone *zone;
		char *states; /* own */
	} * rows;
	size_t n, room;
	bool failed; /* atomic */
};

bool key_batch_file(struct key_batch *b, struct key_ring *r, struct ring_zone *z,
	const struct signing_key *k, int64_t now_s, struct fault *why)
{
	return key_files_prepare(r->files, &b->files, z->apex, k, now_s, why);
}

static bool add_row(struct key_batch *b, struct ring_zone *z, const char *states)
{
	if (b->n == b->room) {
		const size_t room = b->room ? 2 * b->room : 64;
		struct batch_row *rows = realloc(b->rows, room * sizeof *rows);
		if (!rows)
			return false;
		b->rows = rows;
		b->room = room;
	}
	b->rows[b->n] = (struct batch_row){ z, strdup(states) };
	return b->rows[b->n].states && ++b->n;
}

bool key_batch_states(struct key_batch *b, struct ring_zone *z, const char *states, struct fault *why)
{
	pthread_mutex_lock(&b->lock);
	const bool ok = add_row(b, z, states);
	pthread_mutex_unlock(&b->lock);
	return ok || fault(why, "out of memory");
}

struct making_first {
	struct key_ring_first of;
	struct key_batch *batch;
};

static bool make_in_batch(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	struct making_first *m = ctx;

	bool changed;

	z->batch = m->batch;
	return key_ring_make_first(r, z, m->of.policy, &changed, why);
}

static bool make_first(void *ctx, size_t i)
{
	struct key_batch *b = ctx;
	struct making_first m = { b->list[i], b };
	struct fault why;

	if (!key_ring_do(b->ring, m.of.apex, true, make_in_batch, &m, &why))
		__atomic_store_n(&b->failed, true, __ATOMIC_RELAXED);
	return !__atomic_load_n(&b->failed, __ATOMIC_RELAXED);
}

static bool store_states(struct key_batch *b, struct fault *why)
{
	const int64_t now_s = time(NULL);
	struct store_keys *list = calloc(b->n ? b->n : 1, sizeof *list);

	if (!list)
		return fault(why, "out of memory");
	for (size_t i = 0; i < b->n; i++)
		list[i] = (struct store_keys){ b->rows[i].zone->apex, now_s, b->rows[i].states };
	const bool ok = !b->n || store_put_all_keys(b->ring->store, list, b->n, why);
	free(list);
	return ok;
}

/* As if nothing had been made: whoever wants its keys then is told what is wrong. */
static void forget(struct ring_zone *z)
{
	pthread_mutex_lock(&z->lock);
	key_life_fini(&z->life);
	part_release(z->keys ? &z->keys->part : NULL);
	z->keys = NULL;
	z->fresh = false;
	z->by = (struct shared_keys){ .off = false };
	pthread_mutex_unlock(&z->lock);
}

void key_ring_get_many(
	struct key_ring *r, const struct key_ring_first *list, size_t n, bool politely)
{
	struct key_batch b = { .ring = r, .list = list };
	struct fault why;

	pthread_mutex_init(&b.lock, NULL);
	pthread_mutex_init(&b.files.lock, NULL);
	key_ring_sweep(r, false, NULL);
	crew_run(n, politely, make_first, &b);
	/* What is stored by a store that is not released yet may never be. */
	const bool placed = !b.failed && (store_is_unreleased(r->store) ? key_files_sync(r->files, &why) : key_files_place(&b.files, &why));
	const bool ok = placed && store_states(&b, &why);
	key_files_end(&b.files, ok);
	for (size_t i = 0; i < b.n; i++) {
		if (!ok)
			forget(b.rows[i].zone);
		free(b.rows[i].states);
	}
	free(b.rows);
	pthread_mutex_destroy(&b.files.lock);
	pthread_mutex_destroy(&b.lock);
}
