#include "daemon/reports.h"

#include "base/memory.h"
#include "daemon/export.h"
#include "daemon/regions.h"
#include "daemon/report_picture.h"
#include "report/explain.h"
#include "report/network.h"
#include "report/report.h"
#include "report/report_changes.h"
#include "report/report_edges.h"
#include "report/report_latency.h"
#include "report/report_rates.h"
#include "report/report_zones.h"
#include "xfr/refresh.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHORT_AT_ONCE = 4,
	LONG_AT_ONCE = 4, /* they wait for their readers, and some do not read */
	WORLDS_AT_ONCE = 1
};

struct reports {
	struct reports_opts opts;
	struct report *gathering; /* those that still ask */
	unsigned short_lane, long_lane, world_lane;
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
	bool of_world; /* takes a second or so of a processor: one at a time, and none waits for it but its like */
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
	const bool json = command_take_word(words, &n, "--json");

	if (n > 1 || (n && *words[0] == '-'))
		return 2;
	if (report_pools(v, n ? words[0] : NULL, json, out) || !n)
		return 0;
	text_addf(out, "there is no pool \"%s\" (\"waymarkctl pools\" lists them)\n", words[0]);
	return 1;
}

static int make_changes(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_changes);
}

static int make_jobs(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_jobs);
}

static int make_rates(
	const struct report_view *v, const char **words, size_t n, struct text *out)
{
	return plain(v, words, n, out, report_rates);
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
		text_addf(out, "%s is no address (write 192.0.2.1 or 2001:db8::1)\n", words[0]);
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
	{ "status", true, false, false, make_status },
	{ "zones", false, true, false, report_zones },
	{ "edges", true, false, false, make_edges },
	{ "pools", true, false, false, make_pools },
	{ "explain", true, false, false, make_explain },
	{ "geo", false, false, false, make_geo },
	{ "changes", false, true, false, make_changes },
	{ "jobs", false, false, false, make_jobs },
	{ "rates", false, false, false, make_rates },
	{ "regions", true, false, true, regions_make },
	{ "export", true, true, false, make_export },
};

static const struct kind latency_kind = { "latency", false, true, false, make_latency };

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
	if (x->kind->is_long && x->call && x->call->stream) {
		x->out.drain = send_on;
		x->out.drain_ctx = x;
	}
	x->status = x->kind->make(&x->view, x->words, x->n, &x->out);
	x->out.drain = NULL;
	/* The last thing it does: it may be the last to hold them, which is not the loop's
	 * work. */
	report_picture_drop_heavy(&x->view);
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
	report_picture_let_go(x->publisher, &x->view);
	report_picture_drop(&x->view);
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
	report_picture_drop(&x->view);
	free(x->words_text);
	free(x);
}

static bool start_job(struct report *x)
{
	const struct reports *r = x->owner;

	return jobs_start(r->opts.jobs,
		       &(struct job_opts){
			       .lane = x->kind->of_world ? r->world_lane
				       : x->kind->is_long  ? r->long_lane
							   : r->short_lane,
			       .name = x->kind->word,
			       .about = x->n ? x->words[0] : NULL,
			       .looks = true,
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
	report_picture_take(&r->opts, kind->texts, &x->view);
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
	r->world_lane = jobs_lane(opts->jobs, WORLDS_AT_ONCE, JOBS_POLITE);
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
