#include "daemon/metrics_maker.h"

#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/report_picture.h"
#include "report/metrics.h"
#include "xfr/refresh.h"

#include <stdlib.h>
#include <string.h>

struct metrics_maker {
	struct reports_opts of;
	unsigned lane;
	struct metrics_shown shown;            /* of the last that was made */
	struct metrics_ask *waiting, **last;   /* for the next */
	struct making *runs;                   /* NULL: none */
};

/* What is made: the job's while it runs. */
struct making {
	struct metrics_maker *owner;
	struct metrics_ask *for_whom; /* the loop's */
	struct report_view view;
	struct metrics_opts opts; /* `before` is the maker's, who leaves it alone meanwhile */
	struct metrics_shown shown;
	struct text out;
};

static void begin(struct metrics_maker *m);

/* --- the job ------------------------------------------------------------------------------ */

static void work(void *ctx, struct job *job)
{
	struct making *x = ctx;

	(void)job;
	if (x->view.changes.where)
		x->view.changes.store = store_counts(x->view.changes.where);
	x->shown = metrics_report(&x->view, &x->opts, &x->out);
	report_picture_drop_heavy(&x->view);
}

static void tell(struct metrics_ask *list, const struct text *body)
{
	for (struct metrics_ask *next; list; list = next) {
		next = list->next;
		list->told(list, body);
	}
}

static void done(void *ctx, enum job_end end)
{
	struct making *x = ctx;
	struct metrics_maker *m = x->owner;
	const bool made = end == JOB_DONE && !x->out.lost;

	m->runs = NULL;
	if (end == JOB_DONE) {
		metrics_shown_fini(&m->shown);
		m->shown = x->shown;
	}
	tell(x->for_whom, made ? &x->out : NULL);
	text_fini(&x->out);
	report_picture_let_go(m->of.publisher, &x->view);
	report_picture_drop(&x->view);
	free(x);
	if (m->waiting && !jobs_are_stopped(m->of.jobs))
		begin(m);
	/* None of these has been told so far: no job could be had for them. */
	if (!m->runs) {
		tell(m->waiting, NULL);
		m->waiting = NULL;
		m->last = &m->waiting;
	}
}

/* --- a picture ---------------------------------------------------------------------------- */

/* How the zones that are shown come from others: those of the last time, which are the same
 * but for few. */
static void look(const struct metrics_maker *m, struct report_view *v)
{
	const struct registry *r = v->live.zones;
	struct refresh_view now;

	if (!m->of.refresher || !r->n || !refresher_counts(m->of.refresher).zones)
		return;
	v->refresh = calloc(r->n, sizeof *v->refresh); /* no page is touched before it is needed */
	for (size_t i = 0; v->refresh && i < m->shown.n; i++) {
		const size_t at = registry_index(r, m->shown.zones[i].id);
		if (at == r->n || r->zones[at]->source != REGISTRY_PRIMARY ||
			!refresher_look(m->of.refresher, r->zones[at]->origin, &now))
			continue;
		v->refresh[at] = (struct report_refresh){ .doing = now.doing,
			.checked_s = now.checked_s,
			.transferred_s = now.transferred_s,
			.next_s = now.next_s,
			.expires_s = now.expires_s,
			.failures = now.failures };
	}
}

/* Takes those of all that wait who want the same form as the first. */
static struct metrics_ask *take_waiting(struct metrics_maker *m)
{
	struct metrics_ask *mine = NULL, **end = &mine, **at = &m->waiting;
	const bool open = m->waiting->open;

	while (*at) {
		struct metrics_ask *a = *at;
		if (a->open != open) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		a->next = NULL;
		*end = a;
		end = &a->next;
	}
	m->last = at;
	return mine;
}

static void begin(struct metrics_maker *m)
{
	const struct conf *c = parts_conf(publisher_live(m->of.publisher));
	struct making *x = calloc(1, sizeof *x);

	if (!x)
		return;
	x->owner = m;
	x->opts = (struct metrics_opts){ .open = m->waiting->open,
		.zones_most = c->metrics_zones,
		.before = &m->shown };
	report_picture_take(&m->of, false, &x->view);
	look(m, &x->view);
	if (!jobs_start(m->of.jobs,
		    &(struct job_opts){ .lane = m->lane,
			    .name = "metrics",
			    .looks = true,
			    .ctx = x,
			    .work = work,
			    .done = done })) {
		report_picture_let_go(m->of.publisher, &x->view);
		report_picture_drop(&x->view);
		free(x);
		return;
	}
	m->runs = x;
	x->for_whom = take_waiting(m);
}

/* --- the public side ---------------------------------------------------------------------- */

bool metrics_maker_ask(struct metrics_maker *m, struct metrics_ask *a)
{
	struct metrics_ask **const before = m->last;

	a->next = NULL;
	*m->last = a;
	m->last = &a->next;
	if (!m->runs)
		begin(m);
	if (m->runs)
		return true;
	*before = NULL;
	m->last = before;
	return false;
}

struct metrics_maker *metrics_maker_new(const struct reports_opts *of)
{
	struct metrics_maker *m = memory_zeroed(1, sizeof *m);

	m->of = *of;
	m->last = &m->waiting;
	m->lane = jobs_lane(of->jobs, 1, JOBS_PROMPT);
	return m;
}

void metrics_maker_free(struct metrics_maker *m)
{
	if (!m)
		return;
	metrics_shown_fini(&m->shown);
	memory_free(m);
}
