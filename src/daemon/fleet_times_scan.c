/* fleet_times_scan.c - looking through the table of measurements: its digest, or rows that others lack. A job.
 */
#include "daemon/fleet_times_inner.h"

#include "base/clock.h"

#include <stdlib.h>

uint64_t fleet_times_state(const struct fleet_times *t)
{
	const struct rankings_size s = rankings_size(t->opts.rankings);

	return 1 + s.samples + s.merged + s.published + s.changes;
}

static void scan_work(void *ctx, struct job *job)
{
	struct times_scan *s = ctx;

	(void)job;
	if (s->picks)
		s->rows = times_rows(s->parts.table, s->offset_s,
			&(struct times_wanted){ s->buckets, s->since_s }, SIZE_MAX, &s->n);
	else
		times_digest(s->parts.table, s->offset_s, &s->digest);
}

static void scan_done(void *ctx, enum job_end end)
{
	struct times_scan *s = ctx;
	struct fleet_times *t = s->owner;

	t->scans = false;
	if (end == JOB_DONE && s->picks) {
		t->rows = s->rows;
		t->n_rows = s->n;
		t->row = 0;
	} else if (end == JOB_DONE) {
		const bool another = t->digest.rtt.all != s->digest.rtt.all || t->digest.others.all != s->digest.others.all || !t->state;
		t->digest = s->digest;
		t->state = s->state;
		t->scanned_us = clock_us();
		t->took_us = t->scanned_us - s->began_us;
		if (t->fleet && another)
			fleet_hello_soon(t->fleet);
	}
	publisher_let_go(t->opts.publisher, &s->parts);
	free(s);
}

void fleet_times_scan(struct fleet_times *t, const struct times_scan *like)
{
	struct times_scan *s = calloc(1, sizeof *s);

	if (!s)
		return;
	*s = *like;
	s->owner = t;
	s->offset_s = t->offset_s;
	s->state = fleet_times_state(t);
	s->began_us = clock_us();
	s->parts = parts_hold(fleet_times_live(t));
	t->scans = jobs_start(t->opts.jobs,
			   &(struct job_opts){ .lane = t->lane,
				   .name = "times",
				   .about = s->picks ? "measurements for other servers" : "a sum of the measurements",
				   .looks = true,
				   .ctx = s,
				   .work = scan_work,
				   .done = scan_done }) != NULL;
	if (t->scans)
		return;
	publisher_let_go(t->opts.publisher, &s->parts);
	free(s);
}
