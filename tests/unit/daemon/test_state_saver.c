#include "daemon/state_saver.h"

#include "base/file.h"
#include "store/state_file.h"
#include "unit/failing.h"
#include "unit/steer/small_world.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
	char folder[40], path[64];
	struct ev_loop *loop, *still_loop; /* the other is never run: nothing is probed */
	struct jobs *jobs;
	struct state_saver *saver;
	struct small s;
	struct probe_opts probe;
	struct round *round;
	struct part conf; /* as of the probes' options */
	unsigned told_n, expected;
	char why[8][256]; /* what the waiters were told; "" that it was written */
};

struct waiter {
	struct desk *d;
	unsigned no; /* of those that were told */
	bool told;
	const char *saves; /* this edge's state once more */
};

static void stays(struct part *p)
{
	(void)p;
}

static void changed(void *ctx, bool soon)
{
	(void)ctx;
	(void)soon;
}

static void had_first(void *ctx)
{
	(void)ctx;
}

static void open_desk(struct desk *d)
{
	static const uint16_t asked[] = { 1, 1, 0, 0 };
	struct pool_opts pool = small_pool();

	*d = (struct desk){ .folder = "/tmp/test_state_saver.XXXXXX", .conf = part_new(stays) };
	if (!mkdtemp(d->folder))
		abort();
	snprintf(d->path, sizeof d->path, "%s/state", d->folder);
	d->loop = ev_loop_new(EVFLAG_NOENV);
	d->still_loop = ev_loop_new(EVFLAG_NOENV);
	d->jobs = jobs_new(d->loop);
	d->saver = state_saver_new(d->jobs);
	small_open(&d->s, &pool, 1);
	d->probe = (struct probe_opts){ .name = "tcp",
		.kind = PROBE_TCP,
		.port = 1,
		.every_ms = 10000,
		.timeout_ms = 1000,
		.rise = 1,
		.fall = 1 };
	d->round = round_new(&(struct round_opts){
		.loop = d->still_loop, .changed = changed, .first = had_first });
	round_plan(d->round, d->s.steer, &(struct round_row){ &d->probe, asked }, 1);
	round_hint(d->round, 0, true, 1000000);
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	state_saver_free(d->saver);
	jobs_free(d->jobs);
	round_free(d->round);
	small_close(&d->s);
	ev_loop_destroy(d->loop);
	ev_loop_destroy(d->still_loop);
	CU_ASSERT_EQUAL(d->conf.refs, 1); /* every picture has been let go of */
	unlink(d->path);
	rmdir(d->folder);
}

/* With one edge forced, which tells the states apart. */
static struct state_picture picture(struct desk *d, const char *edge)
{
	struct state_picture p = { .path = strdup(d->path),
		.still = still_take(d->round, false),
		.conf = part_hold(&d->conf) };

	forced_set(&p.forced,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.state = EDGE_DOWN,
			.who = (char *)(uintptr_t) "me",
			.why = (char *)(uintptr_t) "why",
			.until_us = UINT64_MAX });
	return p;
}

static void told(void *ctx, const struct fault *why)
{
	struct waiter *w = ctx;
	struct desk *d = w->d;

	CU_ASSERT_FALSE(w->told);
	w->told = true;
	w->no = d->told_n++;
	snprintf(d->why[w->no % 8], sizeof d->why[0], "%.255s", why ? why->text : "");
	if (w->saves) {
		struct state_picture p = picture(d, w->saves);
		state_saver_save(d->saver, &p, NULL, NULL);
	}
}

static void save(struct desk *d, struct waiter *w, const char *edge)
{
	struct state_picture p = picture(d, edge);

	w->d = d;
	state_saver_save(d->saver, &p, told, w);
	CU_ASSERT_PTR_NULL(p.path); /* it was taken */
	CU_ASSERT_PTR_NULL(p.still);
}

static bool all_told(void *ctx)
{
	const struct desk *d = ctx;

	return d->told_n >= d->expected;
}

static bool tells(struct desk *d, unsigned n)
{
	d->expected = n;
	return turns_until(d->loop, all_told, d);
}

/* Which edge is forced by what is on the disk; "" when there is none, or no file. */
static const char *saved(const struct desk *d)
{
	static char edge[64];
	const struct state_file_clock now = state_file_now();
	struct state_file s;
	struct fault why;
	struct file f;

	edge[0] = 0;
	if (!file_read(&f, d->path, 1 << 20, &why))
		return edge;
	CU_ASSERT_TRUE_FATAL(state_file_read(&s, d->path, f.text, f.len, &now, &why));
	if (s.forced.n == 1)
		snprintf(edge, sizeof edge, "%s", s.forced.of[0].edge);
	/* Of two targets and what only one of them is known. */
	CU_ASSERT_EQUAL_FATAL(s.n, 1);
	CU_ASSERT_STRING_EQUAL(s.verdicts[0].probe, "tcp");
	CU_ASSERT_STRING_EQUAL(s.verdicts[0].edge, "ams");
	CU_ASSERT_TRUE(s.verdicts[0].up);
	state_file_fini(&s);
	file_free(&f);
	return edge;
}

static void who_waits_is_told_when_it_is_on_the_disk(void)
{
	struct waiter w = { .told = false };
	struct stat st;
	struct desk d;

	open_desk(&d);
	save(&d, &w, "ams");
	CU_ASSERT_FALSE(w.told);
	CU_ASSERT_TRUE(tells(&d, 1));
	CU_ASSERT_STRING_EQUAL(d.why[0], "");
	CU_ASSERT_STRING_EQUAL(saved(&d), "ams");
	CU_ASSERT_EQUAL(stat(d.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_STRING_EQUAL(state_saver_fault(d.saver), "");
	close_desk(&d);
}

static void the_newest_is_written_and_all_are_told(void)
{
	struct waiter w[4] = { { .told = false } };
	struct desk d;

	open_desk(&d);
	failing_threads(true); /* nothing is written for now */
	save(&d, &w[0], "ams");
	save(&d, &w[1], "rom");
	save(&d, &w[2], "nyc");
	struct state_picture p = picture(&d, "lon");
	state_saver_save(d.saver, &p, NULL, NULL); /* nobody waits for this one */
	save(&d, &w[3], "sfo");
	CU_ASSERT_EQUAL(d.told_n, 0);
	failing_threads(false);
	CU_ASSERT_TRUE(tells(&d, 4));
	CU_ASSERT_EQUAL(w[0].no, 0); /* the first was begun with, the others are one */
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(w[i].told);
		CU_ASSERT_STRING_EQUAL(d.why[i], "");
	}
	CU_ASSERT_STRING_EQUAL(saved(&d), "sfo");
	CU_ASSERT_EQUAL(jobs_counts(d.jobs).done, 2);
	close_desk(&d);
}

static void who_is_told_may_save_again(void)
{
	struct waiter w = { .saves = "nyc" }, last = { .told = false };
	struct desk d;

	open_desk(&d);
	save(&d, &w, "ams");
	CU_ASSERT_TRUE(tells(&d, 1));
	save(&d, &last, "rom");
	CU_ASSERT_TRUE(tells(&d, 2));
	CU_ASSERT_STRING_EQUAL(saved(&d), "rom");
	close_desk(&d);
}

static void what_cannot_be_written_is_told_until_it_can(void)
{
	struct waiter w[3] = { { .told = false } };
	const int err = dup(2);
	char log[1024] = "", good[64];
	int ends[2];
	struct desk d;

	if (pipe(ends) != 0)
		abort();
	open_desk(&d);
	dup2(ends[1], 2);
	strcpy(good, d.path);
	snprintf(d.path, sizeof d.path, "%s/not/there", d.folder);
	for (unsigned i = 0; i < 2; i++) {
		save(&d, &w[i], "ams");
		CU_ASSERT_TRUE(tells(&d, i + 1));
		CU_ASSERT_PTR_NOT_NULL(strstr(d.why[i], "/not/there"));
		CU_ASSERT_STRING_EQUAL(state_saver_fault(d.saver), d.why[i]);
	}
	strcpy(d.path, good);
	save(&d, &w[2], "ams");
	CU_ASSERT_TRUE(tells(&d, 3));
	CU_ASSERT_STRING_EQUAL(d.why[2], "");
	CU_ASSERT_STRING_EQUAL(state_saver_fault(d.saver), "");
	CU_ASSERT_STRING_EQUAL(saved(&d), "ams");
	dup2(err, 2);
	CU_ASSERT_TRUE(read(ends[0], log, sizeof log - 1) > 0);
	/* One line when it begins and one when it ends. */
	const char *first = strchr(log, '\n');
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "states are not kept"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NOT_NULL(strstr(first, "is written again"));
	CU_ASSERT_PTR_EQUAL(strchr(first + 1, '\n'), log + strlen(log) - 1);
	close(err);
	close(ends[0]);
	close(ends[1]);
	close_desk(&d);
}

static void when_the_server_stops_all_are_told_so(void)
{
	struct waiter w[3] = { { .told = false } };
	struct desk d;

	open_desk(&d);
	const int err = dup(2), null = memfd_create("log", MFD_CLOEXEC);
	dup2(null, 2);
	failing_threads(true);
	for (unsigned i = 0; i < 3; i++)
		save(&d, &w[i], "ams");
	CU_ASSERT_TRUE(jobs_stop(d.jobs, TURNS_PATIENCE_S));
	failing_threads(false);
	CU_ASSERT_EQUAL(d.told_n, 3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(d.why[i], "the server stops"));
	dup2(err, 2);
	close(err);
	close(null);
	CU_ASSERT_STRING_EQUAL(saved(&d), "");
	/* What is to be kept then is written at once. */
	struct state_picture p = picture(&d, "nyc");
	struct fault why;
	CU_ASSERT_TRUE(state_saver_save_now(d.saver, &p, &why));
	CU_ASSERT_PTR_NULL(p.path);
	CU_ASSERT_STRING_EQUAL(saved(&d), "nyc");
	p = picture(&d, "ams");
	p.path[1] = 'x'; /* "/xmp" */
	CU_ASSERT_FALSE(state_saver_save_now(d.saver, &p, &why));
	CU_ASSERT_PTR_NULL(p.still);
	close_desk(&d);
}

/* The allocation `k` of a save, and with `all` those that follow. */
static bool save_failing(struct desk *d, size_t k, bool all)
{
	struct waiter w = { .d = d };
	struct state_picture p = picture(d, "ams");

	d->told_n = 0;
	failing_start(k, all ? SIZE_MAX : 1);
	state_saver_save(d->saver, &p, told, &w);
	/* Jobs are settled with what memory there is: the loop needs none. */
	CU_ASSERT_TRUE_FATAL(tells(d, 1));
	const bool failed = failing_stop() > 0;
	/* One that was tried once more has not failed. */
	CU_ASSERT_TRUE(!failed || !all || d->why[0][0]);
	CU_ASSERT_TRUE(failed || !d->why[0][0]);
	CU_ASSERT_TRUE(!d->why[0][0] || strstr(d->why[0], "memory"));
	CU_ASSERT_STRING_EQUAL(state_saver_fault(d->saver), k < 3 ? "" : d->why[0]);
	CU_ASSERT_PTR_NULL(p.path);
	return failed;
}

static void without_memory_who_waits_is_told(void)
{
	struct waiter w = { .told = false };
	struct desk d;
	size_t k = 1;

	open_desk(&d);
	const int err = dup(2), null = memfd_create("log", MFD_CLOEXEC);
	dup2(null, 2);
	for (bool any = true; any; k++) {
		any = save_failing(&d, k, false);
		any = save_failing(&d, k, true) || any;
	}
	dup2(err, 2);
	close(err);
	close(null);
	CU_ASSERT_TRUE(k > 4);
	/* One whose path could not be copied. */
	struct state_picture p = picture(&d, "ams");
	free(p.path);
	p.path = NULL;
	w.d = &d;
	d.told_n = 0;
	state_saver_save(d.saver, &p, told, &w);
	CU_ASSERT_TRUE(w.told);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.why[0], "out of memory"));
	close_desk(&d);
}

void suite_state_saver(void);
void suite_state_saver(void)
{
	static const struct unit_case cases[] = {
		{ "who waits is told when it is on the disk",
			who_waits_is_told_when_it_is_on_the_disk },
		{ "the newest is written and all are told",
			the_newest_is_written_and_all_are_told },
		{ "who is told may save again", who_is_told_may_save_again },
		{ "what cannot be written is told until it can",
			what_cannot_be_written_is_told_until_it_can },
		{ "when the server stops all are told so",
			when_the_server_stops_all_are_told_so },
		{ "without memory who waits is told", without_memory_who_waits_is_told },
	};

	unit_suite("daemon/state_saver", cases, UNIT_COUNT(cases));
}
