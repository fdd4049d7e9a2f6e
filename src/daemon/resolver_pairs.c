#include "daemon/resolver_pairs.h"

#include "answer/sample.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/conf.h"
#include "daemon/parts_read.h"
#include "dns/name.h"
#include "net/worker.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LISTEN_S 1.0   /* to the workers */
#define NEXT_S   86400 /* pairs fade: what has not changed is written so often */

enum {
	SLOTS = 1 << 16, /* of names: a power of 2 */
	KEEP_S = 600,    /* a client comes, and is told of, within so long */
	FILE_MOST = 64 << 20
};

/* Who asked for a name. */
struct asker {
	uint64_t name; /* 0: nobody */
	struct addr source;
	double at_s; /* clock_seconds() */
};

struct resolver_pairs {
	struct resolver_pairs_opts opts;
	unsigned lane;
	ev_timer timer;
	struct asker *askers; /* [SLOTS] by name, the last that had the slot; NULL: none yet, or no memory */
	struct client_pairs *pairs; /* NULL: they are not read yet, or there is no file */
	struct client_pairs *also;  /* of another file before, until what is in this one is read, too; NULL: none */
	char *path;                 /* own copy: of the file that they are from, and go to */
	int64_t ahead_s;            /* of our clock: the one that moments are by */
	struct resolver_pairs_follower by;
	bool works, changed;
	double written_at; /* clock_seconds() */
	struct resolver_pairs_counts counts;
};

static const char *wanted_path(const struct resolver_pairs *p)
{
	return parts_conf(publisher_live(p->opts.publisher))->latency.learned_resolvers;
}

/* --- pairs -------------------------------------------------------------------------------- */

static void saw(void *ctx, const struct one_time *one)
{
	struct resolver_pairs *p = ctx;

	p->counts.asked++;
	if (!p->askers && !(p->askers = calloc(SLOTS, sizeof *p->askers)))
		return;
	p->askers[one->name % SLOTS] = (struct asker){ one->name, one->source, clock_seconds() };
}

int64_t resolver_pairs_now(const struct resolver_pairs *p)
{
	return time(NULL) + p->ahead_s;
}

/* NULL: nobody has asked for it, as far as was read of what workers tell. */
static struct asker *asker_of(const struct resolver_pairs *p, uint64_t name)
{
	struct asker *a = p->askers ? &p->askers[name % SLOTS] : NULL;

	return a && name && a->name == name && clock_seconds() - a->at_s <= KEEP_S ? a : NULL;
}

/* Each name is of one client. */
bool resolver_pairs_join(struct resolver_pairs *p, uint64_t name, const struct prefix *client)
{
	struct asker *a = asker_of(p, name);

	if (!a) {
		workers_one_times(p->opts.workers, saw, p);
		a = asker_of(p, name);
	}
	if (!p->pairs || !a)
		return false;
	a->name = 0;
	const struct client_pair like = { .resolver = client_pairs_resolver(&a->source), .client = client_pairs_client(&client->addr) };
	if (!client_pairs_add(p->pairs, &like.resolver, &like.client, 1, resolver_pairs_now(p)))
		return false;
	p->changed = true;
	p->counts.joined++;
	if (p->by.seen)
		p->by.seen(p->by.ctx, client_pairs_find(p->pairs, &like));
	return true;
}

static bool take_one(struct resolver_pairs *p, const struct agent_report_client *c)
{
	uint8_t wire[NAME_MOST];
	size_t len;

	if (!p->pairs || name_parse(wire, &len, c->name, strlen(c->name), (const uint8_t *)"") != NAME_OK)
		return false;
	name_lower(wire, wire, len);
	const uint64_t name = one_time_name(wire, len);
	if (resolver_pairs_join(p, name, &c->net))
		return true;
	if (p->by.missing)
		p->by.missing(p->by.ctx, name, &c->net);
	return false;
}

size_t resolver_pairs_take(struct resolver_pairs *p, const struct agent_report_client *clients, size_t n)
{
	size_t joined = 0;

	for (size_t i = 0; i < n; i++)
		joined += take_one(p, &clients[i]);
	p->counts.clients += n;
	return joined;
}

void resolver_pairs_follow(struct resolver_pairs *p, const struct resolver_pairs_follower *by)
{
	p->by = by ? *by : (struct resolver_pairs_follower){ .ctx = NULL };
}

struct client_pairs *resolver_pairs_table(struct resolver_pairs *p)
{
	return p->pairs;
}

void resolver_pairs_touch(struct resolver_pairs *p)
{
	p->changed = true;
}

void resolver_pairs_set_ahead(struct resolver_pairs *p, int64_t ahead_s)
{
	p->ahead_s = ahead_s;
}

struct resolver_pairs_counts resolver_pairs_counts(const struct resolver_pairs *p)
{
	struct resolver_pairs_counts c = p->counts;

	c.known = p->pairs ? client_pairs_count(p->pairs) : 0;
	return c;
}

/* --- the file ----------------------------------------------------------------------------- */

/* What a job has of it: it reads, or writes `pairs`. */
struct file_work {
	struct resolver_pairs *owner;
	char *path;                 /* own copy */
	struct client_pairs *pairs; /* own: to write, or what was read */
	struct client_pairs *also;  /* own, but for free_work(): what is known beside what is read */
	struct hash_key key;
	int64_t now_s;    /* by the clock that moments are by */
	struct fault why; /* "": it went well */
};

static void free_work(struct file_work *w)
{
	client_pairs_free(w->pairs);
	free(w->path);
	free(w);
}

static struct file_work *new_work(struct resolver_pairs *p)
{
	struct file_work *w = calloc(1, sizeof *w);

	if (w && !(w->path = strdup(p->path))) {
		free(w);
		return NULL;
	}
	if (w) {
		w->owner = p;
		w->key = p->opts.key;
		w->now_s = resolver_pairs_now(p);
	}
	return w;
}

static void start(struct resolver_pairs *p, struct file_work *w, const char *name,
	void (*work)(void *ctx, struct job *job), void (*done)(void *ctx, enum job_end end))
{
	p->works = jobs_start(p->opts.jobs,
			   &(struct job_opts){ .lane = p->lane, .name = name, .about = "resolvers' clients",
				   .ctx = w, .work = work, .done = done }) != NULL;
	if (!p->works)
		free_work(w);
}

/* What cannot be read is learned anew. */
static struct client_pairs *read_file(struct file_work *w)
{
	struct client_pairs *pairs = client_pairs_new(w->key);
	struct file file;
	struct stat st;
	struct fault own;

	if (stat(w->path, &st) != 0)
		return pairs;
	bool ok = file_read(&file, w->path, FILE_MOST, &own);
	if (ok) {
		ok = client_pairs_read(pairs, file.text, st.st_mtime, &own);
		file_free(&file);
	}
	if (ok)
		return pairs;
	fault(&w->why, "%.400s: what was learned of resolvers' clients cannot be read; it is learned anew (%.200s)", w->path, own.text);
	client_pairs_free(pairs);
	return client_pairs_new(w->key);
}

static void read_work(void *ctx, struct job *job)
{
	struct file_work *w = ctx;

	(void)job;
	w->pairs = read_file(w);
	if (w->also)
		client_pairs_join(w->pairs, w->also, w->now_s);
}

static void write_pairs(struct resolver_pairs *p);

static void read_done(void *ctx, enum job_end end)
{
	struct file_work *w = ctx;
	struct resolver_pairs *p = w->owner;

	p->works = false;
	if (*w->why.text)
		log_line(LOG_WARNING, "%s", w->why.text);
	if (end == JOB_DONE && p->path && strcmp(p->path, w->path) == 0) {
		p->pairs = w->pairs;
		w->pairs = NULL;
		p->written_at = clock_seconds();
		if (w->also) /* rankings read the file */
			write_pairs(p);
		client_pairs_free(w->also);
	} else {
		p->also = w->also;
		w->pairs = end == JOB_DONE ? w->pairs : NULL; /* has been given back */
	}
	free_work(w);
}

static bool write_file(const struct client_pairs *pairs, const char *path, int64_t now_s, struct fault *why)
{
	struct text text = { 0 };
	struct fault own;

	client_pairs_write(pairs, now_s, &text);
	const bool ok = file_replace(path, &text, 0640, &own);
	text_fini(&text);
	return ok || fault(why, "%.900s: what was learned of resolvers' clients is not saved", own.text);
}

static void write_work(void *ctx, struct job *job)
{
	struct file_work *w = ctx;

	(void)job;
	write_file(w->pairs, w->path, w->now_s, &w->why);
}

static void write_done(void *ctx, enum job_end end)
{
	struct file_work *w = ctx;
	struct resolver_pairs *p = w->owner;

	p->works = false;
	if (*w->why.text)
		log_line(LOG_ERROR, "%s", w->why.text);
	if (*w->why.text || end != JOB_DONE)
		p->changed = true;
	free_work(w);
}

static void write_pairs(struct resolver_pairs *p)
{
	struct file_work *w = new_work(p);

	if (!w)
		return;
	p->written_at = clock_seconds();
	if (!(w->pairs = client_pairs_copy(p->pairs))) {
		free_work(w);
		return;
	}
	p->changed = false;
	start(p, w, "save", write_work, write_done);
	p->changed = p->changed || !p->works;
}

void resolver_pairs_save(struct resolver_pairs *p)
{
	if (p->changed && p->pairs && !p->works)
		write_pairs(p);
}

/* --- when there is something to do -------------------------------------------------------- */

/* Another configuration may have another file: what was learned goes on there. With none nothing is learned, and what was is kept. */
static void follow_path(struct resolver_pairs *p)
{
	const char *path = wanted_path(p);

	if (path ? p->path && strcmp(p->path, path) == 0 : !p->path)
		return;
	if (!path && p->changed && p->pairs)
		write_pairs(p); /* a copy, by its own path */
	if (path && p->pairs) {
		client_pairs_free(p->also);
		p->also = p->pairs;
		p->pairs = NULL;
	}
	free(p->path);
	client_pairs_free(p->pairs);
	p->pairs = NULL;
	p->changed = false;
	p->path = path ? strdup(path) : NULL;
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct resolver_pairs *p = t->data;
	const double waited_s = clock_seconds() - p->written_at;

	(void)loop;
	(void)events;
	workers_one_times(p->opts.workers, saw, p);
	if (p->works)
		return;
	follow_path(p);
	struct file_work *w = p->path && !p->pairs ? new_work(p) : NULL;
	if (w) {
		w->also = p->also;
		p->also = NULL;
		struct client_pairs *also = w->also;
		start(p, w, "look", read_work, read_done);
		if (!p->works)
			p->also = also;
	} else if (p->pairs && ((p->changed && waited_s >= p->opts.every_s) || (client_pairs_count(p->pairs) && waited_s >= NEXT_S)))
		write_pairs(p);
}

struct resolver_pairs *resolver_pairs_new(const struct resolver_pairs_opts *opts)
{
	struct resolver_pairs *p = memory_zeroed(1, sizeof *p);

	p->opts = *opts;
	p->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_timer_init(&p->timer, on_time, 0, LISTEN_S);
	p->timer.data = p;
	ev_timer_start(opts->loop, &p->timer);
	return p;
}

void resolver_pairs_free(struct resolver_pairs *p)
{
	struct fault why;

	if (!p)
		return;
	if (p->changed && p->pairs && !write_file(p->pairs, p->path, resolver_pairs_now(p), &why))
		log_line(LOG_ERROR, "%s", why.text);
	ev_timer_stop(p->opts.loop, &p->timer);
	client_pairs_free(p->also);
	client_pairs_free(p->pairs);
	free(p->askers);
	free(p->path);
	memory_free(p);
}
