#include "daemon/reports.h"

#include "base/memory.h"
#include "daemon/export.h"
#include "daemon/latency_read.h"
#include "daemon/parts_read.h"
#include "daemon/signing.h"
#include "report/explain.h"
#include "report/network.h"
#include "report/report.h"
#include "report/report_edges.h"
#include "report/report_latency.h"
#include "report/report_zones.h"
#include "xfr/refresh.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_AT_ONCE = 4, LONG_AT_ONCE = 1, MANY_THREADS = 512 };

struct reports {
	struct reports_opts opts;
	struct report *gathering; /* those that still ask */
	unsigned short_lane, long_lane;
};

/* One that is made. */
struct report {
	struct publisher *publisher;
	struct report_view view;
	const struct kind *kind;
	char *words_text;
	const char *words[COMMAND_WORDS_MOST];
	size_t n;
	struct text out;
	int status;
	struct job *job;
	struct command_call *call; /* NULL: nobody waits any more */
	/* While it asks the refresher, some zones a turn. */
	struct reports *owner;
	struct report *after, **at; /* among those */
	ev_timer turn;
	size_t next;
};

/* Makes the text; returns the command's exit status. On a helper thread. */
typedef int make_fn(
	const struct report_view *v, const char **words, size_t n, struct text *out);

struct kind {
	const char *word;
	bool texts;   /* what probes have said is needed */
	bool is_long; /* may be large: goes out as it is made */
	make_fn *make;
};

/* --- what there is ------------------------------------------------------------------------ */

/* A report without words of its own. */
static int plain(const struct report_view *v, const char **words, size_t n, struct text *out,
	void (*report)(const struct report_view *v, bool json, struct text *out))
{
	const bool json = command_take_word(words, &n, "--json");

	if (n)
		return 2;
	report(v, json, out);
	return 0;
}

static int make_status(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	struct report_view with = *v;

	if (v->changes.where)
		with.changes.store = store_counts(v->changes.where);
	return plain(&with, words, n, out, report_status);
}

static int make_edges(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_edges);
}

static int make_pools(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_pools);
}

static int make_jobs(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_jobs);
}

static int make_explain(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	const bool json = command_take_word(words, &n, "--json");
	struct explain_ask ask;
	struct fault why;

	if (n == 0)
		return 2;
	if (!explain_parse(&ask, words, n, &why)) {
		text_addf(out, "%s\n", why.text);
		return 2;
	}
	explain_run(v, &ask, json, out);
	return 0;
}

static int make_geo(const struct report_view *v, const char **words, size_t n, struct text *out)
{
	const bool json = command_take_word(words, &n, "--json");
	struct addr who;

	if (n != 1)
		return 2;
	if (!addr_parse(&who, words[0])) {
		text_addf(out, "%s is no address\n", words[0]);
		return 2;
	}
	network_report(v, &who, json, out);
	return 0;
}

static int make_latency(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	if (n && strcmp(words[0], "show") == 0)
		return report_latency(v, words + 1, n - 1, out);
	if (n != 1 || strcmp(words[0], "export") != 0)
		return 2;
	latency_csv_write(v->live.table, &v->clock, true, out);
	return 0;
}

static int make_export(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	const bool config_only = command_take_word(words, &n, "--config");

	if (n)
		return 2;
	export_write(v, config_only, out);
	return 0;
}

static const struct kind kinds[] = {
	{ "status", true, false, make_status },
	{ "zones", false, true, report_zones },
	{ "edges", true, false, make_edges },
	{ "pools", true, false, make_pools },
	{ "explain", true, false, make_explain },
	{ "geo", false, false, make_geo },
	{ "jobs", false, false, make_jobs },
	{ "export", true, true, make_export },
};

static const struct kind latency_kind = { "latency", false, true, make_latency };

/* --- a picture of the server -------------------------------------------------------------- */

static void take_signing(const struct reports *r, struct report_signing *to)
{
	const struct signing_counts c = signing_counts(r->opts.signing);

	*to = (struct report_signing){ c.zones, c.due, c.names, c.parts, c.lost, c.next_s };
}

static void take_health(const struct reports *r, bool texts, struct report_health *h)
{
	const struct parts *live = publisher_live(r->opts.publisher);
	const struct conf *c = parts_conf(live);
	const struct parts *staged = publisher_staged(r->opts.publisher);
	const struct publisher_counts counts = publisher_counts(r->opts.publisher);

	h->still = probes_still(r->opts.probes, texts);
	h->rows = rows_new(&(struct rows_opts){ c->probes, c->pools, c->n_pools, c->n_edges });
	if (staged) {
		const struct conf *s = parts_conf(staged);
		h->staged = rows_new(
			&(struct rows_opts){ s->probes, s->pools, s->n_pools, s->n_edges });
	}
	h->forced = probes_forced(r->opts.probes);
	h->publications = counts.standings;
	h->publish_most_ms = (double)counts.most_us / 1e3;
	h->state_file = c->state_file;
	strncpy(h->state_fault, probes_state_fault(r->opts.probes), sizeof h->state_fault - 1);
}

static void take_choices(const struct reports *r, struct report_view *v)
{
	const struct choice_counts *one;

	v->choices = memory_zeroed(MANY_THREADS, sizeof *v->choices);
	while (v->n_choices < MANY_THREADS &&
		(one = workers_counts(r->opts.workers, v->n_choices)))
		v->choices[v->n_choices++] = one;
}

static void take_doubts(const struct reports *r, struct report_view *v)
{
	const struct agent_doubt *of = measuring_doubts(r->opts.measuring, &v->n_doubts);

	v->doubts = memory_zeroed(v->n_doubts, sizeof *v->doubts);
	for (unsigned i = 0; i < v->n_doubts; i++)
		v->doubts[i] = of[i];
}

static void take_loop(const struct reports *r, struct report_loop *l)
{
	l->longest_us = watchdog_longest_us(r->opts.watchdog);
	l->late = watchdog_late(r->opts.watchdog);
	l->counts = jobs_counts(r->opts.jobs);
	l->n_jobs = jobs_list(r->opts.jobs, l->jobs, REPORT_JOBS_MOST);
}

static void take_changes(const struct reports *r, struct report_changes *to)
{
	const struct updates_counts u = updates_counts(r->opts.updates);
	const struct upkeep_counts k = upkeep_counts(r->opts.upkeep);

	const struct refresher_counts s = refresher_counts(r->opts.refresher);

	*to = (struct report_changes){ .asked = u.asked,
		.changed = u.changed,
		.same = u.same,
		.refused = u.refused,
		.failed = u.failed,
		.waiting = u.waiting,
		.secondaries = { s.zones, s.expired, s.fetching, s.waiting, s.asked, s.fetched,
			s.failed },
		.merges = k.merges,
		.stored = k.stored,
		.where = r->opts.store };
	if (r->opts.write_back) {
		const struct write_back_counts w = write_back_counts(r->opts.write_back);
		to->files_written = w.written;
		to->files_edited = w.edited;
		to->files_failed = w.failed;
	}
}

static void take_view(const struct reports *r, bool texts, struct report_view *v)
{
	const struct parts *staged = publisher_staged(r->opts.publisher);
	const struct staging_report stage = staging_report(r->opts.staging);
	const struct rankings_size size = rankings_size(r->opts.rankings);
	const struct reload_state reload = reload_state(r->opts.reloader);

	v->world = world_hold(publisher_world(r->opts.publisher));
	v->live = parts_hold(publisher_live(r->opts.publisher));
	v->staged = staged ? parts_hold(staged) : (struct parts){ 0 };
	v->clock = latency_read_csv("");
	take_health(r, texts, &v->health);
	v->stage.percent = stage.percent;
	v->stage.since = stage.since;
	v->stage.answers = stage.answers;
	v->stage.empty = stage.empty;
	memcpy(v->stage.last, stage.last, sizeof v->stage.last);
	v->rankings = (struct report_rankings){ size.published, size.samples, size.lost,
		size.last_s };
	take_loop(r, &v->loop);
	workers_report(r->opts.workers, &v->counters);
	v->balance = balancer_edges(r->opts.balancer, &v->n_balance);
	take_choices(r, v);
	v->decisions_lost = decisions_lost(r->opts.decisions);
	if (r->opts.notifying)
		v->notify = notifying_counts(r->opts.notifying);
	if (r->opts.forwarding) {
		const struct forwarding_counts c = forwarding_counts(r->opts.forwarding);
		v->forwarded = c.asked;
		v->forward_failed = c.failed;
	}
	if (r->opts.updates)
		take_changes(r, &v->changes);
	if (r->opts.pool_signing) {
		const struct pool_signing_counts c = pool_signing_counts(r->opts.pool_signing);
		v->pool_signing = (struct report_pool_signing){ c.table, c.left, c.waiting, c.signeds,
			c.lost };
	}
	if (r->opts.signing_keys) {
		const struct key_ring_counts c = signing_keys_counts(r->opts.signing_keys);
		v->keys = (struct report_keys){ c.zones, c.faulty, c.rolling, c.waiting_ds };
	}
	if (r->opts.signing)
		take_signing(r, &v->signing);
	if (r->opts.certificates)
		v->tls = certificates_report(r->opts.certificates);
	v->agents = measuring_counts(r->opts.measuring, &v->targets);
	take_doubts(r, v);
	v->started = r->opts.started;
	v->conf_path = r->opts.conf_path;
	v->reloaded_s = reload.at_s;
	v->reload_taken = reload.taken;
	v->reload_errors = reload.errors;
}

static void drop_heavy(struct report_view *v)
{
	world_drop((struct world *)(uintptr_t)v->world);
	v->world = NULL;
	parts_drop(&v->live);
	parts_drop(&v->staged);
	tls_drop(v->tls.shown);
	v->tls.shown = NULL;
}

static void drop_view(struct report_view *v)
{
	drop_heavy(v);
	still_free(v->health.still);
	rows_free(&v->health.rows);
	rows_free(&v->health.staged);
	forced_fini(&v->health.forced);
	memory_free(v->balance);
	memory_free(v->doubts);
	memory_free(v->choices);
	memory_free(v->refresh);
}

/* --- the job ------------------------------------------------------------------------------ */

static bool send_on(void *ctx, const char *s, size_t len)
{
	struct report *x = ctx;

	return !job_is_cancelled(x->job) && x->call->stream(x->call, s, len);
}

static void work(void *ctx, struct job *job)
{
	struct report *x = ctx;

	x->job = job;
	if (x->kind->is_long) {
		x->out.drain = send_on;
		x->out.drain_ctx = x;
	}
	x->status = x->kind->make(&x->view, x->words, x->n, &x->out);
	x->out.drain = NULL;
	/* The last thing it does: it may be the last to hold them, which is not the loop's
	 * work. */
	drop_heavy(&x->view);
}

/* Of one that did not come to its end: it may be the last to hold them, here too. */
static void let_go_heavy(struct report *x)
{
	world_drop((struct world *)(uintptr_t)x->view.world);
	x->view.world = NULL;
	publisher_let_go(x->publisher, &x->view.live);
	publisher_let_go(x->publisher, &x->view.staged);
	tls_drop(x->view.tls.shown);
	x->view.tls.shown = NULL;
}

static void done(void *ctx, enum job_end end)
{
	struct report *x = ctx;
	struct command_call *c = x->call;

	x->out.drain = NULL;
	if (end == JOB_NO_MEMORY) {
		text_fini(&x->out);
		text_add(&x->out, "out of memory: try again, or ask for less\n");
		x->status = 1;
	}
	if (c && end != JOB_CANCELLED) {
		text_take(c->out, &x->out);
		c->done(c, x->status);
	} else if (c) {
		c->done(c, 1);
	}
	text_fini(&x->out);
	let_go_heavy(x);
	drop_view(&x->view);
	free(x->words_text);
	free(x);
}

/* The session ends at a stop only, while a report runs. */
static void forget(struct command_call *c)
{
	((struct report *)c->pending)->call = NULL;
}

/* The command's words, which are gone when it returns. */
static bool keep_words(struct report *x, const char **words, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += strlen(words[i]) + 1;
	char *at = x->words_text = malloc(len + 1);
	for (size_t i = 0; at && i < n; i++) {
		x->words[i] = strcpy(at, words[i]);
		at += strlen(at) + 1;
	}
	x->n = n;
	return x->words_text != NULL;
}

static void free_report(struct report *x)
{
	drop_view(&x->view);
	free(x->words_text);
	free(x);
}

static bool start_job(struct report *x)
{
	const struct reports *r = x->owner;

	return jobs_start(r->opts.jobs,
		       &(struct job_opts){
			       .lane = x->kind->is_long ? r->long_lane : r->short_lane,
			       .name = x->kind->word,
			       .about = x->n ? x->words[0] : NULL,
			       .ctx = x,
			       .work = work,
			       .done = done }) != NULL;
}

/* --- how zones come from other nameservers ------------------------------------------------ */

enum { ASKED_A_TURN = 1000 };

static void ask_one(struct report *x, size_t i)
{
	const struct registry_zone *z = x->view.live.zones->zones[i];
	struct report_refresh *to = &x->view.refresh[i];
	struct refresh_view v;

	if (z->source != REGISTRY_PRIMARY ||
		!refresher_look(x->owner->opts.refresher, z->origin, &v))
		return;
	*to = (struct report_refresh){ .doing = v.doing,
		.checked_s = v.checked_s,
		.transferred_s = v.transferred_s,
		.next_s = v.next_s,
		.expires_s = v.expires_s,
		.failures = v.failures,
		.incremental = v.incremental };
	_Static_assert(sizeof to->primary == sizeof v.primary, "a primary as text");
	memcpy(to->primary, v.primary, sizeof to->primary);
}

static void leave_gathering(struct report *x)
{
	ev_timer_stop(x->owner->opts.loop, &x->turn);
	*x->at = x->after;
	if (x->after)
		x->after->at = x->at;
}

static void on_ask(struct ev_loop *loop, ev_timer *t, int events)
{
	struct report *x = t->data;
	const size_t n = x->view.live.zones->n, most = x->next + ASKED_A_TURN;

	(void)events;
	while (x->next < n && x->next < most)
		ask_one(x, x->next++);
	if (x->next < n) {
		ev_timer_set(t, 0, 0);
		ev_timer_start(loop, t);
		return;
	}
	leave_gathering(x);
	if (start_job(x))
		return;
	if (x->call) {
		text_add(x->call->out, "too much is going on; try again\n");
		x->call->done(x->call, 1);
	}
	free_report(x);
}

/* False: there is nothing to ask, or no memory for it. */
static bool gather(struct reports *r, struct report *x)
{
	const size_t n = x->view.live.zones->n;

	if (x->kind->make != report_zones || !r->opts.loop || !r->opts.refresher || !n ||
		!refresher_counts(r->opts.refresher).zones)
		return false;
	x->view.refresh = calloc(n, sizeof *x->view.refresh); /* no page is touched before it is needed */
	if (!x->view.refresh)
		return false;
	x->at = &r->gathering;
	x->after = r->gathering;
	if (x->after)
		x->after->at = &x->after;
	r->gathering = x;
	ev_timer_init(&x->turn, on_ask, 0, 0);
	x->turn.data = x;
	ev_timer_start(r->opts.loop, &x->turn);
	return true;
}

static int start(struct reports *r, const struct kind *kind, const char **words, size_t n,
	struct command_call *c)
{
	struct report *x = calloc(1, sizeof *x);

	if (!x || !keep_words(x, words, n)) {
		free(x);
		text_add(c->out, "out of memory\n");
		return 1;
	}
	x->publisher = r->opts.publisher;
	x->owner = r;
	x->kind = kind;
	x->call = c;
	take_view(r, kind->texts, &x->view);
	if (!gather(r, x) && !start_job(x)) {
		free_report(x);
		text_add(c->out, "too much is going on; try again\n");
		return 1;
	}
	c->pending = x;
	c->forget = forget;
	return COMMAND_LATER;
}

/* --- commands ----------------------------------------------------------------------------- */

/* What is bound to a word. */
struct bound {
	struct reports *owner;
	const struct kind *kind;
};

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct bound *b = ctx;

	return start(b->owner, b->kind, words, n, c);
}

int reports_latency(struct reports *r, const char **words, size_t n, struct command_call *c)
{
	return start(r, &latency_kind, words, n, c);
}

struct reports *reports_new(const struct reports_opts *opts, struct commands *commands)
{
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct reports *r = memory_zeroed(1, sizeof *r + KINDS * sizeof(struct bound));
	struct bound *bound = (struct bound *)(void *)(r + 1);

	r->opts = *opts;
	r->short_lane = jobs_lane(opts->jobs, SHORT_AT_ONCE, JOBS_PROMPT);
	r->long_lane = jobs_lane(opts->jobs, LONG_AT_ONCE, JOBS_POLITE);
	for (size_t i = 0; i < KINDS; i++) {
		bound[i] = (struct bound){ r, &kinds[i] };
		commands_bind(commands, kinds[i].word, run, &bound[i]);
	}
	return r;
}

void reports_free(struct reports *r)
{
	while (r->gathering) {
		struct report *x = r->gathering;
		leave_gathering(x);
		free_report(x);
	}
	memory_free(r);
}
