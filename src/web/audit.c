#include "web/audit.h"

#include "base/ago.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/who.h"
#include "store/store_api.h"
#include "web/store_ask.h"

#include <ev.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MOST = 10000, SAID = 200 };
#define WRITE_S 0.5

/* A line of the audit that waits to be written. */
struct noted {
	int64_t at_s;
	char *who, *from, *what, *said, *before, *after; /* own */
	int status;
};
struct audit {
	struct store_askers askers;
	const struct commands *commands;
	struct ev_loop *loop;
	ev_timer timer;
	struct noted *waiting; /* [n_waiting] */
	size_t n_waiting;
	uint64_t lost; /* that could not be written down */
	double told;
	bool writes;
	struct {
		struct noted *list;
		size_t n;
		bool ok;
		struct fault why;
	} job;
};

/* --- writing ------------------------------------------------------------------------------ */

static void free_noted(struct noted *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].who);
		free(list[i].from);
		free(list[i].what);
		free(list[i].said);
		free(list[i].before);
		free(list[i].after);
	}
	free(list);
}

static char *join(const char *const *words, size_t n)
{
	struct text t = { 0 };

	for (size_t i = 0; i < n; i++)
		text_addf(&t, "%s%s", i ? " " : "", words[i]);
	char *own = strdup(text_get(&t));
	text_fini(&t);
	return own;
}

/* What it says is a secret. */
static bool is_secret(const char *what)
{
	return strncmp(what, "token add ", 10) == 0;
}

static char *first_line(const struct text *out)
{
	const char *s = text_get(out);
	const size_t len = strcspn(s, "\n");

	return strndup(s, len < SAID ? len : SAID);
}

/* A command has ended. */
static void take_ran(void *ctx, const struct command_call *c, const char *const *words, size_t n, int status)
{
	struct audit *a = ctx;
	char who[WHO_TEXT], after[COMMAND_STATE] = "";

	if (!a->askers.store || !command_changes(words, n))
		return;
	who_text(who, c->uid);
	if (status == 0)
		commands_state(a->commands, words, n, after);
	struct noted one = { time(NULL), strdup(who), strdup(c->from ? c->from : ""), join(words, n),
		NULL, strdup(c->before), strdup(after), status };
	one.said = status == 0 && one.what && is_secret(one.what) ? strdup("") : first_line(c->out);
	struct noted *list = a->n_waiting < WAITING_MOST
		? realloc(a->waiting, (a->n_waiting + 1) * sizeof *list)
		: NULL;
	if (list)
		a->waiting = list;
	if (!list || !one.who || !one.from || !one.what || !one.said || !one.before || !one.after) {
		struct noted *own = malloc(sizeof *own);
		a->lost++;
		if (own)
			*own = one;
		if (own)
			free_noted(own, 1);
		return;
	}
	a->waiting[a->n_waiting++] = one;
}

static bool write_down(struct audit *a, struct noted *list, size_t n, struct fault *why)
{
	struct store_audit *rows = memory_zeroed(n, sizeof *rows);

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct store_audit){ list[i].at_s, list[i].who, list[i].from, list[i].what,
			list[i].status, list[i].said, list[i].before, list[i].after };
	const bool ok = store_add_audit(a->askers.store, rows, n, AUDIT_MOST, why);
	memory_free(rows);
	return ok;
}

static void write_work(void *ctx, struct job *job)
{
	struct audit *a = ctx;

	(void)job;
	a->job.ok = write_down(a, a->job.list, a->job.n, &a->job.why);
}

static void write_done(void *ctx, enum job_end end)
{
	struct audit *a = ctx;
	const bool ok = end == JOB_DONE && a->job.ok;

	if (!ok)
		a->lost += a->job.n;
	if (!ok && end != JOB_CANCELLED && clock_seconds() - a->told > 60) {
		a->told = clock_seconds();
		log_line(LOG_WARNING, "what is changed by whom is not written down: %s",
			end == JOB_DONE ? a->job.why.text : "out of memory");
	}
	free_noted(a->job.list, a->job.n);
	a->job.list = NULL;
	a->job.n = 0;
	a->writes = false;
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct audit *a = t->data;

	(void)loop;
	(void)events;
	if (a->writes || !a->n_waiting)
		return;
	a->job.list = a->waiting;
	a->job.n = a->n_waiting;
	a->waiting = NULL;
	a->n_waiting = 0;
	a->writes = jobs_start(a->askers.jobs,
			    &(struct job_opts){ .lane = a->askers.lane,
				    .name = "audit",
				    .about = "into the store",
				    .ctx = a,
				    .work = write_work,
				    .done = write_done }) != NULL;
	if (!a->writes)
		write_done(a, JOB_CANCELLED);
}
/* --- showing ------------------------------------------------------------------------------ */

struct asked {
	struct store_ask ask; /* first */
	struct audit *owner;
	bool json;
	unsigned last;
	json_t *rows; /* as text they are told the other way round */
	struct text out;
	bool ok;
	struct fault why;
};

/* What is no UTF-8, or is cut within a character, is shown as far as it is ASCII: no line may be missing for it. */
static json_t *shown(const char *s)
{
	json_t *o = json_string(s);
	char *own = o ? NULL : strdup(s);

	for (char *p = own; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	if (own)
		o = json_string(own);
	free(own);
	return o;
}

static void take_audit(void *ctx, const struct store_audit *row)
{
	struct asked *o = ctx;
	json_t *one = json_pack("{s:I, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "time", (json_int_t)row->at_s, "who", shown(row->who), "from",
			shown(row->from), "what", shown(row->what), "done", row->status == 0, "said",
			shown(row->status == 0 && is_secret(row->what) ? "" : row->said), "before", shown(row->before), "after",
		shown(row->after));
	char *text = o->json && one ? json_dumps(one, JSON_INDENT(2)) : NULL;

	if (text)
		text_addf(&o->out, "%s%s", o->out.len ? ",\n" : "[\n", text);
	else if (!o->json)
		json_array_append(o->rows, one);
	o->out.lost = o->out.lost || !one || (o->json && !text);
	free(text);
	json_decref(one);
}

static void tell_audit(const json_t *rows, struct text *out)
{
	char at[AGO_TEXT];

	for (size_t i = json_array_size(rows); i-- > 0;) {
		const json_t *o = json_array_get(rows, i);
		const char *from = json_string_value(json_object_get(o, "from"));
		const char *before = json_string_value(json_object_get(o, "before")),
			   *after = json_string_value(json_object_get(o, "after"));
		text_addf(out, "%s  %s%s%s: %s: %s\n", ago_text(at, json_integer_value(json_object_get(o, "time"))),
			json_string_value(json_object_get(o, "who")), *from ? " from " : "", from,
			json_string_value(json_object_get(o, "what")),
			json_is_true(json_object_get(o, "done")) ? "done" : json_string_value(json_object_get(o, "said")));
		if (*before)
			text_addf(out, "    before: %s\n", before);
		if (*after)
			text_addf(out, "    after:  %s\n", after);
	}
	if (!json_array_size(rows))
		text_add(out, "nothing is written down yet\n");
}

/* All of it: many lines take longer than the loop has. */
static void audit_work(void *ctx, struct job *job)
{
	struct asked *o = ctx;

	(void)job;
	o->rows = json_array();
	o->ok = store_each_audit(o->owner->askers.store, o->last, take_audit, o, &o->why);
	if (o->json)
		text_add(&o->out, o->out.len ? "\n]\n" : "[]\n");
	else
		tell_audit(o->rows, &o->out);
	json_decref(o->rows);
	o->rows = NULL;
}

static void audit_done(void *ctx, enum job_end end)
{
	struct asked *o = ctx;
	struct command_call *c = o->ask.call;
	const bool ok = end == JOB_DONE && o->ok;

	if (c && ok)
		text_take(c->out, &o->out);
	else if (c)
		text_addf(c->out, "%s\n", end == JOB_DONE ? o->why.text : "out of memory");
	if (c)
		c->done(c, ok ? 0 : 1);
	text_fini(&o->out);
	json_decref(o->rows);
	free(o);
}

static int run_audit(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct audit *a = ctx;
	const char *last = NULL;
	char *end = NULL;
	const bool json = command_take_word(words, &n, "--json");

	command_take_value(words, &n, "--last", &last);
	const unsigned long most = last ? strtoul(last, &end, 10) : 50;
	if (n || (last && (*end || !*last)) || most < 1 || most > 10000)
		return 2;
	struct asked *o = calloc(1, sizeof *o);
	if (!o) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	o->json = json;
	o->last = (unsigned)most;
	o->owner = a;
	if (store_ask(&a->askers, &o->ask, c, audit_work, audit_done))
		return COMMAND_LATER;
	free(o);
	return 1;
}
/* --- opening and closing ------------------------------------------------------------------ */

struct audit *audit_new(struct ev_loop *loop, const struct store_askers *askers, struct commands *commands)
{
	struct audit *a = memory_zeroed(1, sizeof *a);

	a->askers = *askers;
	a->commands = commands;
	a->loop = loop;
	ev_timer_init(&a->timer, on_time, WRITE_S, WRITE_S);
	a->timer.data = a;
	ev_timer_start(loop, &a->timer);
	commands_bind(commands, "audit", run_audit, a);
	commands_follow(commands, take_ran, a);
	return a;
}

void audit_free(struct audit *a)
{
	struct fault why;

	ev_timer_stop(a->loop, &a->timer);
	if (a->n_waiting && !write_down(a, a->waiting, a->n_waiting, &why))
		log_line(LOG_WARNING, "what was changed last is not written down: %s", why.text);
	free_noted(a->waiting, a->n_waiting);
	memory_free(a);
}
