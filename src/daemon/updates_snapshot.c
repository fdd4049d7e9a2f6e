/* updates_snapshot.c - a zone of the fleet is put whole into its journal, for who comes later.
 */
#include "daemon/updates_inner.h"

#include "base/log.h"
#include "zone/view.h"

static void snapshot_work(void *ctx, struct job *job)
{
	const struct updates *u = ctx;
	const struct snapshot *s = &u->putting;
	struct fleet_journal j;
	struct fault why = { 0 };
	char name[NAME_TEXT];

	(void)job;
	/* Another server may have put one meanwhile: then it is not needed. */
	if (fleet_journal_open(&j, u->opts.fleet, zone_id(s->zone)) &&
		fleet_journal_put(&j, s->zone, s->version, &why) == FLEET_JOURNAL_FAILED)
		log_line(LOG_WARNING, "zone %s: no snapshot of it can be put into the fleet's journal: %s",
			view_text(name, zone_id(s->zone)), why.text);
}

static void snapshot_done(void *ctx, enum job_end end)
{
	struct updates *u = ctx;

	(void)end;
	zone_drop(u->putting.zone);
	u->putting.zone = NULL;
}

/* Nobody waits for one: what is not put now is wanted again at the next change. */
void updates_put_snapshot(struct updates *u)
{
	if (!u->made.due.zone || u->putting.zone)
		return;
	u->putting = u->made.due;
	u->made.due.zone = NULL;
	if (!jobs_start(u->opts.jobs,
		    &(struct job_opts){ .lane = u->snapshot_lane,
			    .name = "fleet snapshot",
			    .about = "a zone is put whole into the fleet's journal",
			    .ctx = u,
			    .work = snapshot_work,
			    .done = snapshot_done }))
		snapshot_done(u, JOB_CANCELLED);
}
