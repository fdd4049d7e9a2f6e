#include "daemon/rebuild.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "daemon/measured.h"
#include "daemon/rollout.h"

#include <ev.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LOOK_S     0.25
#define QUIET_S    0.5  /* a file that has not changed for so long is whole */
#define PUBLISH_S  2.0  /* between two publications */
#define SAVE_S     30.0 /* between two snapshots */
#define AGE_MOST_S 900.0

enum { NICE = 5, WAITING_MOST = 1 << 20, AGE_SHARE = 16 };

/* What the helper does, and what came of it. Its own until it is joined. */
struct job {
	struct daemon *daemon; /* only read: conf, atlas, table, and the steer that is served */
	bool read, save;
	struct file_stamp *stamps;  /* of the files, when they were read */
	struct latency *table;      /* new, or NULL: as it was, or wrong */
	struct steer *steer;        /* new, or NULL */
	struct rollout_made staged; /* the same of what is tried out */
	struct faults faults;
	struct fault not_saved; /* "": it was, or need not be */
	double took_s;
	bool out_of_memory; /* nothing came of it */
};

struct rebuild {
	struct ev_loop *loop;
	struct daemon *daemon;
	ev_timer timer;
	ev_async done;
	pthread_t helper;
	bool works;
	struct job job;

	bool changed, unsaved;
	struct file_stamp *seen, *tried; /* of the files: at the last look; when last read */
	size_t n;
	unsigned reloads;                           /* that they are of, + 1 */
	double quiet_since, published_at, saved_at; /* clock_seconds() */

	/* What came in while the helper worked. */
	struct rebuild_sample *waiting;
	size_t n_waiting, room;
	struct latency *imported; /* or NULL */
	struct rebuild_size size;
};

/* --- the helper --------------------------------------------------------------------------- */

static void work(void *ctx)
{
	struct job *j = ctx;
	const struct loaded *l = &j->daemon->loaded;
	const double from = clock_seconds();

	if (j->read) {
		j->stamps = measured_stamps(&l->conf);
		j->table = measured_read(
			&(struct measured_from){
				.conf = &l->conf, .before = l->table, .key = l->key },
			&j->faults);
	}
	const struct latency *table = j->table ? j->table : l->table;
	if (!j->read || j->table)
		j->steer = loaded_steer(l, l->atlas, table, l->steer);
	if (j->steer)
		j->staged = rollout_rebuild(j->daemon->rollout, table);
	j->took_s = clock_seconds() - from;
	if (j->save)
		measured_save(&l->conf, table, &j->not_saved);
}

static void run(struct job *j)
{
	j->out_of_memory = !scope_run(work, j);
	if (!j->out_of_memory)
		return;
	j->stamps = NULL;
	j->table = NULL;
	j->steer = NULL;
	j->staged = (struct rollout_made){ 0 };
	fault(&j->not_saved, "%s", "");
}

static void *help(void *ctx)
{
	struct rebuild *r = ctx;

	/* Of this thread alone, on Linux: whoever answers queries goes first. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	run(&r->job);
	ev_async_send(r->loop, &r->done);
	return NULL;
}

/* --- its work is taken over --------------------------------------------------------------- */

static void add(struct rebuild *r, const struct rebuild_sample *s)
{
	struct latency *t = r->daemon->loaded.table;
	const bool ok = s->src >= 0 ? latency_add_mesh(t, (unsigned)s->src, s->edge, &s->sample)
				    : latency_add(t, &s->net, s->edge, &s->sample);

	r->size.lost += !ok;
	r->changed = r->unsaved = true;
}

/* Takes `from`. False: there was no memory for some of it. */
static bool take_import(struct rebuild *r, struct latency *from)
{
	const bool ok = latency_take(r->daemon->loaded.table, from, LATENCY_AS_SAMPLES);

	latency_drop(from);
	r->changed = r->unsaved = true;
	return ok;
}

static bool no_room(const char *path, struct faults *f)
{
	return faults_error(f, &(struct fault_at){ .path = path },
		"out of memory: some of its rows are not in the table; import it again");
}

static void take_table(struct rebuild *r)
{
	struct loaded *l = &r->daemon->loaded;
	struct job *j = &r->job;

	if (!j->table)
		return;
	latency_drop(l->table);
	l->table = j->table;
	log_line(LOG_NOTICE, "latency files have changed and were read anew (%zu networks)",
		latency_size(l->table).nets);
}

static void tell_faults(struct job *j)
{
	if (j->faults.errors || j->faults.warnings)
		log_text(text_get(&j->faults.text));
	if (j->out_of_memory)
		log_line(LOG_ERROR,
			"out of memory for new rankings; those from before stay, and they are "
			"made when there is some");
	else if (j->read && !j->table)
		log_line(LOG_ERROR,
			"latency files have changed and are wrong; what was measured before "
			"stays");
	if (*j->not_saved.text)
		log_line(LOG_ERROR, "%s", j->not_saved.text);
}

static void finish(struct rebuild *r)
{
	struct job *j = &r->job;

	pthread_join(r->helper, NULL);
	r->works = false;
	tell_faults(j);
	take_table(r);
	if (j->stamps) {
		memcpy(r->tried, j->stamps, r->n * sizeof *r->tried);
		memory_free(j->stamps);
	}
	if (j->steer) {
		daemon_take_steer(r->daemon, j->steer, &j->staged);
		r->published_at = clock_seconds();
		r->size.published++;
		r->size.last_s = j->took_s;
	}
	if (j->save && (*j->not_saved.text || j->out_of_memory))
		r->unsaved = true;
	if (j->out_of_memory) {
		r->changed = true;
		r->published_at = clock_seconds(); /* not at once */
	}
	faults_fini(&j->faults);
	for (size_t i = 0; i < r->n_waiting; i++)
		add(r, &r->waiting[i]);
	r->n_waiting = 0;
	if (r->imported && !take_import(r, r->imported))
		log_line(LOG_ERROR, "out of memory: some imported measurements are lost");
	r->imported = NULL;
}

static void on_done(struct ev_loop *loop, ev_async *a, int events)
{
	struct rebuild *r = a->data;

	(void)loop;
	(void)events;
	if (r->works)
		finish(r);
}

void rebuild_settle(struct rebuild *r)
{
	if (r && r->works)
		finish(r);
}

/* --- when there is something to do -------------------------------------------------------- */

static bool same(const struct file_stamp *a, const struct file_stamp *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!file_stamp_same(&a[i], &b[i]))
			return false;
	return true;
}

/* A reload brings other files, or the same ones read anew. */
static void follow_reload(struct rebuild *r)
{
	const struct loaded *l = &r->daemon->loaded;

	if (r->reloads == r->daemon->reloads + 1)
		return;
	r->reloads = r->daemon->reloads + 1;
	r->n = measured_count(&l->conf);
	memory_free(r->seen);
	memory_free(r->tried);
	r->seen = memory_zeroed(r->n + 1, sizeof *r->seen);
	r->tried = memory_zeroed(r->n + 1, sizeof *r->tried);
	memcpy(r->seen, l->table_stamps, r->n * sizeof *r->seen);
	memcpy(r->tried, l->table_stamps, r->n * sizeof *r->tried);
}

/* Have the files changed, and is nobody writing them any more? */
static bool files_are_new(struct rebuild *r, double now)
{
	struct file_stamp *stamps = measured_stamps(&r->daemon->loaded.conf);
	const bool is_new = !same(stamps, r->tried, r->n);

	if (!same(stamps, r->seen, r->n)) {
		memcpy(r->seen, stamps, r->n * sizeof *stamps);
		r->quiet_since = now;
	}
	memory_free(stamps);
	return is_new && now - r->quiet_since >= QUIET_S;
}

/* Do ages need to be heeded once more? */
static bool has_aged(const struct rebuild *r, double now)
{
	const struct loaded *l = &r->daemon->loaded;
	const double share = l->conf.latency.half_life_ms / 1000.0 / AGE_SHARE;

	return client_map_is_measured(l->steer->clients) &&
		now - r->published_at >= (share < AGE_MOST_S ? share : AGE_MOST_S);
}

static void start(struct rebuild *r, bool read, bool save)
{
	struct job *j = &r->job;

	*j = (struct job){ .daemon = r->daemon, .read = read, .save = save };
	faults_init(&j->faults);
	r->changed = false;
	if (save) {
		r->unsaved = false;
		r->saved_at = clock_seconds();
	}
	latency_next_round(r->daemon->loaded.table);
	r->works = true;
	if (pthread_create(&r->helper, NULL, help, r) == 0)
		return;
	log_line(LOG_ERROR, "no thread to rebuild rankings with; trying again");
	r->works = false;
	r->changed = true;
	r->unsaved = r->unsaved || save;
	r->published_at = clock_seconds();
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct rebuild *r = t->data;
	const double now = clock_seconds();

	(void)loop;
	(void)events;
	if (r->works)
		return;
	follow_reload(r);
	if (!r->daemon->loaded.conf.latency.on)
		return;
	const bool read = files_are_new(r, now);
	if (now - r->published_at < PUBLISH_S)
		return;
	const bool save = r->unsaved && r->daemon->loaded.conf.latency.state &&
		now - r->saved_at >= SAVE_S;
	if (read || save || r->changed || has_aged(r, now))
		start(r, read, save);
}

/* --- the public side ---------------------------------------------------------------------- */

void rebuild_add(struct rebuild *r, const struct rebuild_sample *s)
{
	r->size.samples++;
	if (!r->works) {
		add(r, s);
		return;
	}
	if (r->n_waiting == WAITING_MOST) {
		r->size.lost++;
		return;
	}
	if (r->n_waiting == r->room) {
		r->room = r->room ? r->room * 2 : 256;
		r->waiting = memory_grow(r->waiting, r->room * sizeof *r->waiting);
	}
	r->waiting[r->n_waiting++] = *s;
}

/* A file into a table of its own; NULL when it is wrong. */
struct import {
	const struct loaded *l;
	const char *path;
	size_t *rows;
	struct faults *f;
	struct latency *own;
};

static void import(void *ctx)
{
	struct import *i = ctx;
	struct latency_csv csv = measured_csv(i->path);
	struct latency *t = measured_new(
		&(struct measured_from){ .conf = &i->l->conf, .key = i->l->key });

	csv.as = CSV_SAMPLES;
	if (latency_csv_read(t, &csv, i->rows, i->f))
		i->own = t;
	else
		latency_drop(t);
}

bool rebuild_import(struct rebuild *r, const char *path, size_t *rows, struct faults *f)
{
	struct import i = { &r->daemon->loaded, path, rows, f, NULL };

	if (!scope_run(import, &i))
		return faults_error(f, &(struct fault_at){ .path = path }, "out of memory");
	struct latency *own = i.own;
	if (!own)
		return false;
	r->size.samples += *rows;
	if (!r->works)
		return take_import(r, own) || no_room(path, f);
	if (!r->imported) {
		r->imported = own;
		return true;
	}
	const bool ok = latency_take(r->imported, own, LATENCY_AS_SAMPLES);
	latency_drop(own);
	return ok || no_room(path, f);
}

size_t rebuild_forget(struct rebuild *r, int edge, const struct prefix *net)
{
	rebuild_settle(r);
	r->changed = r->unsaved = true;
	return edge >= 0 ? latency_forget_edge(r->daemon->loaded.table, (unsigned)edge)
			 : latency_forget_net(r->daemon->loaded.table, net);
}

struct rebuild_size rebuild_size(const struct rebuild *r)
{
	return r->size;
}

struct rebuild *rebuild_start(struct ev_loop *loop, struct daemon *d)
{
	struct rebuild *r = memory_zeroed(1, sizeof *r);

	r->loop = loop;
	r->daemon = d;
	ev_timer_init(&r->timer, on_look, LOOK_S, LOOK_S);
	ev_async_init(&r->done, on_done);
	r->timer.data = r->done.data = r;
	ev_timer_start(loop, &r->timer);
	ev_async_start(loop, &r->done);
	return r;
}

void rebuild_stop(struct rebuild *r)
{
	const struct loaded *l = &r->daemon->loaded;
	struct fault why;

	rebuild_settle(r);
	if (r->unsaved && l->conf.latency.state && !measured_save(&l->conf, l->table, &why))
		log_line(LOG_ERROR, "%s", why.text);
	ev_timer_stop(r->loop, &r->timer);
	ev_async_stop(r->loop, &r->done);
	memory_free(r->seen);
	memory_free(r->tried);
	memory_free(r->waiting);
	memory_free(r);
}
