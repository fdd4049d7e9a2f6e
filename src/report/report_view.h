/* report_view.h - what reports are made of, as it stood at one moment.
 *
 * Whoever has it all (the daemon) fills it in on the loop, each member held or copied, so that
 * a report is made on any thread while the server goes on. Workers' counters are read as they
 * are: anyone may.
 */
#ifndef REPORT_REPORT_VIEW_H
#define REPORT_REPORT_VIEW_H

#include "agent/agent_counts.h"
#include "answer/choice_counts.h"
#include "jobs/jobs.h"
#include "measure/latency_csv.h"
#include "net/worker.h"
#include "probe/rows.h"
#include "probe/still.h"
#include "report/report_fleet.h"
#include "report/report_tls.h"
#include "steer/forced.h"
#include "world/parts.h"
#include "world/world.h"
#include "store/store.h"
#include "xfr/notify.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { REPORT_JOBS_MOST = 256, REPORT_PRIMARY = 128 };

/* How the edges' health is known. */
struct report_health {
	struct still *still;
	struct rows rows;   /* of what is served */
	struct rows staged; /* of the stage: behind those among the still's */
	unsigned first;     /* of the still's rows: where those that are looked at begin */
	struct forced_list forced;
	uint64_t publications;  /* of health alone */
	double publish_most_ms; /* the longest of all */
	const char *state_file; /* NULL: none */
	char state_fault[1024]; /* why it could not be written; "" */
};

/* How it stands with a configuration that is tried out on a share of the clients. */
struct report_stage {
	double percent; /* 0: nothing is tried out */
	time_t since;
	uint64_t answers, empty; /* from its pools; of these, without an edge */
	char last[512];          /* what became of the one before; "" */
};

/* The RRsets of pools that are signed: ahead, and since somebody has asked. */
struct report_pool_signing {
	struct pool_signatures_counts table;
	size_t left;    /* that are too many to be signed ahead */
	size_t waiting; /* that are wanted, and not signed yet */
	uint64_t signeds, lost; /* that were wanted and signed; that nobody could take note of */
};

/* Names that edges flatten. */
struct report_flattening {
	unsigned names, unresolved; /* of which nothing is known */
	unsigned kept, failing;     /* known from before the start alone; not resolved when last asked for */
	double oldest_s;            /* since one was resolved */
};

/* Zones that are signed here. */
struct report_signing {
	size_t zones, due;     /* at the last look; of them not as their keys want them */
	uint64_t names, parts; /* signed anew, in so many versions of zones */
	uint64_t lost;         /* parts that were made in vain, since the zone had become another */
	int64_t next_s;        /* UNIX time: when the next signature is made anew; 0: none */
};

/* How new rankings are made. */
struct report_rankings {
	uint64_t published, samples, lost;
	double last_s;
};

/* The loop itself, and the jobs beside it. */
struct report_loop {
	uint64_t longest_us; /* a turn, less what it waited for a processor */
	uint64_t late;       /* turns over what is promised */
	struct jobs_counts counts;
	struct job_view jobs[REPORT_JOBS_MOST];
	size_t n_jobs; /* in all; as many are in `jobs` as there is room for */
};

/* Zones that change: by updates, and since others change them. */
struct report_changes {
	uint64_t asked, changed, same, refused, failed; /* updates */
	/* To zones of a fleet: committed; tried again, behind others; what others have committed, taken. */
	uint64_t committed, again, taken;
	size_t waiting;
	struct {
		size_t zones, expired, fetching, waiting;
		uint64_t asked, fetched, failed;
	} secondaries;
	uint64_t merges, stored;     /* of images; of zones whole, into the store */
	struct store_counts store;   /* by who makes the report: it may wait for the disk */
	struct store *where;         /* borrowed for good; NULL: there is none */
	/* zone files that are written back: so often; that somebody has changed; that cannot be written */
	uint64_t files_written;
	size_t files_edited, files_failed;
};

/* The keys that zones are signed with: zones. */
struct report_keys {
	size_t zones;  /* that have keys */
	size_t faulty; /* whose keys cannot be had */
	size_t rolling, waiting_ds;
};

/* Of a zone that comes from other nameservers. UNIX times; 0: never, or not known. */
struct report_refresh {
	const char *doing; /* a literal; NULL: it is none, or nobody knows */
	int64_t checked_s, transferred_s, next_s, expires_s;
	unsigned failures; /* in a row */
	bool incremental;  /* the last transfer */
	char primary[REPORT_PRIMARY];
};

struct report_view {
	struct report_refresh *refresh; /* [live.zones->n] own; NULL: it was not asked for */
	const struct world *world;
	struct parts live, staged; /* `staged` without conf: no stage is on */
	struct latency_csv clock;
	struct report_health health;
	struct report_stage stage;
	struct report_rankings rankings;
	struct report_loop loop;
	struct workers_report counters;
	struct shed_state *balance; /* [edge] how it is used; NULL: nobody knows */
	unsigned n_balance;
	uint64_t decisions_lost;              /* that the file did not take */
	const char *stuck;                    /* why nothing can be changed until a restart, a literal; NULL: it can */
	struct report_taps {
		uint64_t dnstap_sent, dnstap_lost; /* messages */
		uint64_t logged, log_lost;         /* queries */
		bool dnstap_wanted, dnstap_talks;
	} taps;
	const struct choice_counts **choices; /* of the threads */
	unsigned n_choices;
	/* What agents have sent, and how many networks are watched for them. */
	struct agent_counts agents;
	struct agent_seen *seen;
	unsigned n_seen;
	size_t targets;
	bool ready;              /* all that was read at the start is served */
	struct timespec started; /* CLOCK_MONOTONIC */
	const char *conf_path;
	struct notifier_counts notify;
	struct report_changes changes;
	uint64_t forwarded, forward_failed; /* updates that went on to a primary */
	struct report_tls tls;
	struct report_pool_signing pool_signing;
	struct report_flattening flattening;
	struct report_keys keys;
	struct report_fleet fleet;
	struct report_signing signing;
	/* The last reload: UNIX time, 0 if there was none. */
	int64_t reloaded_s;
	bool reload_taken;
	unsigned reload_errors;
};

#endif
