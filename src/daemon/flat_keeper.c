#include "daemon/flat_keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/jobs.h"

#include <stdlib.h>

#define TELL_S 60.0

struct flat_keeper {
	struct jobs *jobs;
	struct store *store;
	unsigned lane;
	struct store_flat *list; /* own: read at start, or waits to be written; NULL: none does */
	size_t n;
	struct store_flat *writing; /* own, of the job; NULL: none runs */
	size_t n_writing;
	bool ok;
	struct fault why;
	double told; /* clock_seconds(); 0: never */
};

struct flat_keeper *flat_keeper_new(struct jobs *jobs, struct store *store)
{
	struct flat_keeper *k = memory_zeroed(1, sizeof *k);

	k->jobs = jobs;
	k->store = store;
	if (store)
		k->lane = jobs_lane(jobs, 1, JOBS_PROMPT);
	return k;
}

void flat_keeper_free(struct flat_keeper *k)
{
	free(k->list);
	free(k->writing);
	memory_free(k);
}

bool flat_keeper_is_on(const struct flat_keeper *k)
{
	return k->store != NULL;
}

/* Under the store's lock. */
static void take_stored(void *ctx, const struct store_flat *flat)
{
	struct flat_keeper *k = ctx;
	struct store_flat *more = realloc(k->list, (k->n + 1) * sizeof *more);

	if (!more)
		return;
	k->list = more;
	k->list[k->n++] = *flat;
}

const struct store_flat *flat_keeper_load(struct flat_keeper *k, size_t *n)
{
	struct fault why;

	if (k->store && !store_each_flat(k->store, take_stored, k, &why))
		log_line(LOG_WARNING, "what flattened names had cannot be read: %s", why.text);
	*n = k->n;
	return k->list;
}

static void write_next(struct flat_keeper *k);

static void work(void *ctx, struct job *job)
{
	struct flat_keeper *k = ctx;

	(void)job;
	k->ok = store_put_flats(k->store, k->writing, k->n_writing, &k->why);
}

static void done(void *ctx, enum job_end end)
{
	struct flat_keeper *k = ctx;
	const bool ok = end == JOB_DONE && k->ok;

	free(k->writing);
	k->writing = NULL;
	if (!ok && end != JOB_CANCELLED && (k->told <= 0 || clock_seconds() - k->told > TELL_S)) {
		k->told = clock_seconds();
		log_line(LOG_WARNING, "what flattened names have is not kept for the next start: %s",
			end == JOB_DONE ? k->why.text : "out of memory");
	}
	if (end == JOB_DONE)
		write_next(k);
}

static void write_next(struct flat_keeper *k)
{
	if (k->writing || !k->list)
		return;
	k->writing = k->list;
	k->n_writing = k->n;
	k->list = NULL;
	k->n = 0;
	if (jobs_start(k->jobs,
		    &(struct job_opts){
			    .lane = k->lane, .name = "keep flattened", .ctx = k, .work = work, .done = done }))
		return;
	free(k->writing); /* the next names that are resolved are written again */
	k->writing = NULL;
}

void flat_keeper_put(struct flat_keeper *k, struct store_flat *list, size_t n)
{
	free(k->list);
	k->list = list;
	k->n = n;
	write_next(k);
}
