#include "daemon/measured.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So that an age from before the machine started is no negative time: 34 years. */
#define CLOCK_FROM (UINT32_C(1) << 30)

/* A measurement that a file repeats is none the fresher, up to this share of the half-life. */
enum { SLACK_SHARE = 16 };

uint32_t measured_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return CLOCK_FROM + (uint32_t)now.tv_sec;
}

struct latency_csv measured_csv(const char *path)
{
	return (struct latency_csv){
		.path = path, .now_s = measured_now(), .time_s = time(NULL)
	};
}

struct latency *measured_new(const struct measured_from *from)
{
	const struct conf *c = from->conf;
	const char **names = memory_zeroed(c->n_edges, sizeof *names);

	for (size_t i = 0; i < c->n_edges; i++)
		names[i] = c->edges[i].name;
	struct latency *t = latency_new(&(struct latency_opts){ .edges = names,
		.n_edges = c->n_edges,
		.smoothing = c->latency.smoothing,
		.half_life_s = (c->latency.half_life_ms + 999) / 1000,
		.memory = c->latency.memory,
		.key = from->key });
	memory_free(names);
	return t;
}

/* One file into a table of its own first, so that a wrong one leaves nothing behind. */
static bool add_file(
	struct latency *t, const struct measured_from *from, const char *path, struct faults *f)
{
	struct latency_csv csv = measured_csv(path);

	csv.as = CSV_FILED;
	if (!from->forgiving)
		return latency_csv_read(t, &csv, NULL, f);
	struct latency *own = measured_new(from);
	const bool ok = latency_csv_read(own, &csv, NULL, f);
	if (ok && !latency_take(t, own, LATENCY_ALL))
		faults_warning(f, &(struct fault_at){ .path = path },
			"out of memory: some of its measurements are left out");
	latency_drop(own);
	return true;
}

/* What is wrong with a snapshot is told, and that is all: measurements come again. */
static void add_state(struct latency *t, const struct measured_from *from, struct faults *f)
{
	struct latency_csv csv = measured_csv(from->conf->latency.state);
	struct faults own;

	csv.as = CSV_STATE;
	if (access(csv.path, F_OK) != 0 && errno == ENOENT)
		return;
	faults_init(&own);
	scope_hold(&own.text, text_let_go);
	struct latency *saved = measured_new(from);
	if (latency_csv_read(saved, &csv, NULL, &own)) {
		if (!latency_take(t, saved, LATENCY_ALL))
			faults_warning(f, &(struct fault_at){ .path = csv.path },
				"out of memory: some of its measurements are left out");
		faults_add(f, &own);
	} else {
		const struct fault_at at = { .path = csv.path };
		text_add(&f->text, text_get(&own.text));
		faults_warning(f, &at,
			"the measurements that were saved cannot be read; starting without "
			"them");
	}
	latency_drop(saved);
	scope_forget(&own.text, text_let_go);
	faults_fini(&own);
}

struct latency *measured_read(const struct measured_from *from, struct faults *f)
{
	struct latency *t = measured_new(from);
	bool ok = true;

	for (size_t i = 0; i < measured_count(from->conf); i++)
		ok = add_file(t, from, measured_path(from->conf, i), f) && ok;
	if (from->before && !latency_take(t, from->before, LATENCY_LEARNED))
		ok = faults_error(f, &(struct fault_at){ .path = from->conf->path },
			"out of memory for what is measured");
	else if (!from->before && from->conf->latency.state)
		add_state(t, from, f);
	if (!ok) {
		latency_drop(t);
		return NULL;
	}
	if (from->before)
		latency_follow(t, from->before, latency_options(t)->half_life_s / SLACK_SHARE);
	latency_next_round(t);
	return t;
}

size_t measured_count(const struct conf *c)
{
	return c->latency.n_files + (c->latency.mesh != NULL);
}

const char *measured_path(const struct conf *c, size_t i)
{
	return i < c->latency.n_files ? c->latency.files[i] : c->latency.mesh;
}

struct file_stamp *measured_stamps(const struct conf *c)
{
	struct file_stamp *stamps = memory_zeroed(measured_count(c) + 1, sizeof *stamps);

	for (size_t i = 0; i < measured_count(c); i++)
		file_stamp(measured_path(c, i), &stamps[i]);
	return stamps;
}

struct steer_measured measured_for_steer(const struct conf *c, const struct latency *table)
{
	const struct conf_latency *l = &c->latency;

	return (struct steer_measured){ .table = table,
		.now_s = measured_now(),
		.change = l->change,
		.explore = { (uint32_t)(l->explore_share * UINT32_MAX),
			l->explore_every_ms / 1000 },
		.close_ms = l->explore_share > 0 ? l->explore_extra_ms : 0 };
}

/* --- saving ------------------------------------------------------------------------------- */

bool measured_save(const struct conf *c, const struct latency *table, struct fault *why)
{
	const char *path = c->latency.state;
	const struct latency_csv now = measured_csv(path);
	struct text text = { 0 };
	struct fault own;

	latency_csv_write(table, &now, false, &text);
	const bool ok = file_replace(path, &text, 0640, &own);
	text_fini(&text);
	return ok || fault(why, "%.900s: measurements are not saved", own.text);
}
