#include "daemon/decisions.h"

#include "answer/choice_counts.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "daemon/decision_history.h"
#include "daemon/line_file.h"
#include "daemon/parts_read.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "net/worker.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_S 0.2
#define IDLE_S  2.0 /* while nothing is logged */

enum { WAITING_MOST = 4 << 20 /* bytes, while the disk takes its time */ };

struct decisions {
	struct decisions_opts opts;
	unsigned lane;
	ev_timer timer;
	struct text waiting; /* lines that no job has yet */
	bool is_open;        /* the file is, or will be by the job */
	uint64_t lost;       /* lines since the start: the file did not take them */
	/* The job's, while it writes. */
	bool writes;
	struct line_file *file;
	struct text lines;
	char *path; /* own copy */
	size_t most;
	uint64_t lost_now;
};

/* Names have letters, digits and little more, but may have anything. */
static void add_string(struct text *out, const char *key, const char *s)
{
	text_addf(out, ",\"%s\":\"", key);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			text_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			text_addf(out, "\\u%04x", (unsigned char)*s);
		else
			text_add_char(out, *s);
	text_add_char(out, '"');
}

static void add_line(struct text *out, const struct decision *k)
{
	char name[NAME_TEXT], addr[ADDR_TEXT], type[RRTYPE_TEXT];

	text_addf(out, "{\"time\":%llu", (unsigned long long)k->time_s);
	name_text(name, k->name);
	add_string(out, "name", name);
	add_string(out, "type", rrtype_text(type, k->type));
	add_string(out, "client", addr_text(addr, &k->who));
	add_string(out, "by", k->by_subnet ? "subnet" : "resolver");
	add_string(out, "resolver", addr_text(addr, &k->source));
	add_string(out, "pool", k->pool);
	add_string(out, "edge", k->edge);
	add_string(out, "why", choose_why_text((enum choose_why)k->why));
	text_addf(out, ",\"ttl\":%u,\"scope\":%u}\n", k->ttl_s, k->scope);
}

static uint64_t count_lines(const struct text *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += t->s[i] == '\n';
	return n;
}

/* Out of the workers' rings. */
static void gather(struct decisions *d, bool to_file)
{
	struct decision_history *h = d->opts.history;
	const bool kept = h && decision_history_wants(h);
	struct choice_counts *b;

	for (unsigned i = 0; (b = workers_counts(d->opts.workers, i)); i++) {
		const uint32_t written = __atomic_load_n(&b->written, __ATOMIC_ACQUIRE);
		for (; b->read != written;
			__atomic_store_n(&b->read, b->read + 1, __ATOMIC_RELEASE)) {
			const struct decision *k = &b->ring[b->read % CHOICE_COUNTS_RING];
			const size_t before = d->waiting.len;
			if (kept)
				decision_history_add(h, k);
			if (!to_file || before >= WAITING_MOST) {
				d->lost += to_file;
				continue;
			}
			add_line(&d->waiting, k);
			if (d->waiting.lost) { /* only whole lines */
				d->waiting.len = before;
				d->waiting.lost = false;
				d->lost++;
			}
		}
	}
}

/* --- the job ------------------------------------------------------------------------------ */

static void work(void *ctx, struct job *job)
{
	struct decisions *d = ctx;

	(void)job;
	/* What came before nothing was to be logged any more goes where the lines before it went. */
	if (d->lines.len)
		d->lost_now = line_file_add(
			d->file, d->path, d->most, text_get(&d->lines), d->lines.len);
	if (!d->path)
		line_file_close(d->file);
}

/* What was not begun goes before what has come since, and is written with it: by the next job, or by decisions_free(). */
static void wait_on(struct decisions *d)
{
	const uint64_t since = count_lines(&d->waiting);

	text_take(&d->lines, &d->waiting);
	d->lost += d->lines.lost ? since : 0;
	d->lines.lost = false;
	d->waiting = d->lines;
	d->lines = (struct text){ 0 };
	d->is_open = true; /* it may be, and was to be closed */
}

static void done(void *ctx, enum job_end end)
{
	struct decisions *d = ctx;

	d->writes = false;
	if (end == JOB_CANCELLED) {
		wait_on(d);
	} else {
		d->lost += end == JOB_DONE ? d->lost_now : count_lines(&d->lines);
		text_fini(&d->lines);
	}
	free(d->path);
	d->path = NULL;
}

/* `path` NULL: the file is closed. */
static void start(struct decisions *d, const char *path, size_t most)
{
	d->path = path ? strdup(path) : NULL;
	d->most = most;
	d->lost_now = 0;
	if (path && !d->path)
		return;
	d->lines = d->waiting;
	d->waiting = (struct text){ 0 };
	d->writes = jobs_start(d->opts.jobs,
		&(struct job_opts){ .lane = d->lane,
			.name = "log",
			.about = path,
			.ctx = d,
			.work = work,
			.done = done }) != NULL;
	if (!d->writes)
		done(d, JOB_CANCELLED);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct decisions *d = t->data;
	const struct conf *c = parts_conf(publisher_live(d->opts.publisher));

	(void)events;
	gather(d, c->decisions_file != NULL);
	if (!d->writes && (d->waiting.len || (d->is_open && !c->decisions_file))) {
		d->is_open = c->decisions_file != NULL;
		start(d, c->decisions_file, c->decisions_most);
	}
	t->repeat = c->decisions_file || (d->opts.history && decision_history_wants(d->opts.history))
		? EVERY_S
		: IDLE_S;
	ev_timer_again(loop, t);
}

uint64_t decisions_lost(const struct decisions *d)
{
	return d->lost + (d->opts.history ? decision_history_lost(d->opts.history) : 0);
}

struct decisions *decisions_new(const struct decisions_opts *opts)
{
	struct decisions *d = memory_zeroed(1, sizeof *d);

	d->opts = *opts;
	d->lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	d->file = line_file_new("decisions");
	ev_timer_init(&d->timer, on_time, EVERY_S, EVERY_S);
	d->timer.data = d;
	ev_timer_start(opts->loop, &d->timer);
	return d;
}

void decisions_free(struct decisions *d)
{
	const struct conf *c = parts_conf(publisher_live(d->opts.publisher));

	ev_timer_stop(d->opts.loop, &d->timer);
	gather(d, c->decisions_file != NULL);
	if (d->waiting.len)
		line_file_add(d->file, c->decisions_file, c->decisions_most,
			text_get(&d->waiting), d->waiting.len);
	line_file_free(d->file);
	text_fini(&d->waiting);
	memory_free(d);
}
