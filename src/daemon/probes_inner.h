/* probes_inner.h - for the files of daemon/probes: what they share. Loop.
 */
#ifndef DAEMON_PROBES_INNER_H
#define DAEMON_PROBES_INNER_H

#include "daemon/external_files.h"
#include "daemon/fail_back.h"
#include "daemon/pace.h"
#include "daemon/parts_read.h"
#include "daemon/probes.h"
#include "daemon/state_saver.h"
#include "probe/rows.h"

#include <ev.h>

struct probes {
	struct probes_opts opts;
	struct state_saver *saver;
	struct balancer *balancer;
	struct round *round;
	struct parts planned,
		staged_planned;        /* held: what the rows and the round borrow from */
	struct rows rows, staged_rows; /* of the round, the latter behind the former */
	struct fleet_health *fleet; /* what other servers find, too; NULL: there are none */
	struct fleet *fleet_of;     /* ...; borrowed */
	struct fleet_will *will;    /* what operators want on all servers; NULL: likewise */
	struct forcing *forcing;
	struct fail_back *fail_back;
	struct external_files *external_files;
	ev_timer publish, save, patience, catch_up;
	struct pace pace; /* of what is published */
	uint64_t measured_us, saved_us;
	uint64_t began_us;
	bool followed; /* the server before has told what it knew */
	bool first; /* the first round runs */
	bool found; /* ... or is over, and only the fleet is waited for */
	bool catching_up; /* what the fleet has to say is waited for */
	int64_t kept_ms; /* how long ago the state file was written */
	bool told_news;      /* what was told since it was kept last is not what was told before */
	bool forced_changed; /* the store does not have it yet */
	bool quiet; /* what it finds is told at its end */
};

static inline const struct conf *probes_conf(const struct probes *p)
{
	return parts_conf(publisher_live(p->opts.publisher));
}

/* Fires at `at_us` (monotonic) unless it fires sooner already. */
void probes_set_timer(struct probes *p, ev_timer *t, uint64_t at_us);

/* --- probes_kept.c ------------------------------------------------------------------------ */

/* Is there a state file, or a store? */
bool probes_are_kept(const struct probes *p);

/* What there is now, for the disk; within a second, and now. `told` as state_saver_save() has it. */
struct state_picture probes_picture(const struct probes *p);
void probes_save_soon(struct probes *p);
void probes_save(struct probes *p, void (*told)(void *ctx, const struct fault *why), void *ctx);
void probes_on_save(struct ev_loop *loop, ev_timer *t, int events);

/* At the start: what was kept is as it was; what is wrong is a warning. */
void probes_read_given(struct probes *p, struct faults *f);
void probes_read_file(struct probes *p, struct faults *f);
void probes_read_store(struct probes *p, struct faults *f);

#endif
