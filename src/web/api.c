#include "web/api.h"

#include "base/addr.h"
#include "base/ago.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/who.h"
#include "store/store_api.h"
#include "web/events.h"
#include "web/manage_inner.h"
#include "web/tokens.h"

#include <ev.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS_MOST = 2000, WAITING_MOST = 10000, SAID = 200, SPAN_MOST_S = 3660 * 86400 };
#define WRITE_S 0.5

/* A line of the audit that waits to be written. */
struct noted {
	int64_t at_s;
	char *who, *from, *what, *said; /* own */
	int status;
};

struct api {
	struct api_opts opts;
	unsigned lane;
	struct tokens tokens;
	ev_timer timer;
	struct noted *waiting; /* [n_waiting] */
	size_t n_waiting;
	uint64_t lost; /* that could not be written down */
	double told;
	struct running *running; /* not answered yet */
	struct events *events;
	bool writes;
	struct {
		struct noted *list;
		size_t n;
		bool ok;
		struct fault why;
	} job;
};

/* --- the audit ---------------------------------------------------------------------------- */

static void free_noted(struct noted *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].who);
		free(list[i].from);
		free(list[i].what);
		free(list[i].said);
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

/* A command that changes something has ended. */
static void write_of(void *ctx, const struct command_call *c, const char *const *words, size_t n, int status)
{
	struct api *a = ctx;
	char who[WHO_TEXT];

	if (!a->opts.store || !command_changes(words, n))
		return;
	who_text(who, c->uid);
	struct noted one = { time(NULL), strdup(who), strdup(c->from ? c->from : ""), join(words, n),
		NULL, status };
	one.said = status == 0 && one.what && is_secret(one.what) ? strdup("") : first_line(c->out);
	struct noted *list = a->n_waiting < WAITING_MOST
		? realloc(a->waiting, (a->n_waiting + 1) * sizeof *list)
		: NULL;
	if (list)
		a->waiting = list;
	if (!list || !one.who || !one.from || !one.what || !one.said) {
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

static bool write_down(struct api *a, struct noted *list, size_t n, struct fault *why)
{
	struct store_audit *rows = memory_zeroed(n, sizeof *rows);

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct store_audit){ list[i].at_s, list[i].who, list[i].from, list[i].what,
			list[i].status, list[i].said };
	const bool ok = store_add_audit(a->opts.store, rows, n, API_AUDIT_MOST, why);
	memory_free(rows);
	return ok;
}

static void write_work(void *ctx, struct job *job)
{
	struct api *a = ctx;

	(void)job;
	a->job.ok = write_down(a, a->job.list, a->job.n, &a->job.why);
}

static void write_done(void *ctx, enum job_end end)
{
	struct api *a = ctx;
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
	struct api *a = t->data;

	(void)loop;
	(void)events;
	if (a->writes || !a->n_waiting)
		return;
	a->job.list = a->waiting;
	a->job.n = a->n_waiting;
	a->waiting = NULL;
	a->n_waiting = 0;
	a->writes = jobs_start(a->opts.jobs,
			    &(struct job_opts){ .lane = a->lane,
				    .name = "audit",
				    .about = "into the store",
				    .ctx = a,
				    .work = write_work,
				    .done = write_done }) != NULL;
	if (!a->writes)
		write_done(a, JOB_CANCELLED);
}

/* --- a request ---------------------------------------------------------------------------- */

/* Its commands are run, one after the other; most have one. */
struct running {
	struct command_call call; /* first */
	struct running *next, **at; /* of the owner's */
	struct api *owner;
	struct request *request;
	struct api_call *api;
	char from[ADDR_TEXT];
	struct text out;
	/* Of a change set: */
	const char *zone;
	const char *steps[STEPS_MOST][7]; /* words; they borrow from the members */
	char ttl[STEPS_MOST][12];
	size_t n_steps, step, n_unset;
	size_t wrong; /* the step that failed, of what is unset and set; 0: none of these */
	bool dry, aborts;
	int status, ends_with;
	struct text failed; /* what the one that failed has said */
};

static bool is_json(const char *s)
{
	s += strspn(s, " \n");
	return *s == '{' || *s == '[';
}

/* Its request is answered. */
static void end(struct running *x)
{
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	manage_answered(x->request);
	text_fini(&x->out);
	text_fini(&x->failed);
	free(x);
}

/* Which of its records a change set failed at. */
static void tell_record(const struct running *x)
{
	struct request *r = x->request;
	json_t *o = x->wrong ? json_loads(text_get(&r->answer), 0, NULL) : NULL;

	if (!o)
		return;
	const bool unset = x->wrong <= x->n_unset;
	json_object_set_new(o, "in", json_string(unset ? "unset" : "set"));
	json_object_set_new(o, "record", json_integer((json_int_t)(unset ? x->wrong : x->wrong - x->n_unset)));
	char *text = json_dumps(o, 0);
	if (text) {
		text_fini(&r->answer);
		text_addf(&r->answer, "%s\n", text);
	}
	free(text);
	json_decref(o);
}

/* The answer, by what the command has said. */
static void respond(struct running *x, int status)
{
	struct request *r = x->request;
	const struct api_row *row = x->api->row;
	const char *said = text_get(&x->out);

	if (x->out.lost) {
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
	} else if (row->json && is_json(said)) {
		text_take(&r->answer, &x->out);
		r->status = status ? MHD_HTTP_CONFLICT : MHD_HTTP_OK;
	} else if (status && !x->out.len) {
		manage_refuse(r, status == 2 ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_CONFLICT, NULL,
			"it cannot be taken as: %s", row->words ? row->words : "a change set");
	} else if (status) {
		manage_refuse(r, status == 2 ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_CONFLICT, NULL, "%.*s",
			(int)(x->out.len && said[x->out.len - 1] == '\n' ? x->out.len - 1 : x->out.len), said);
		tell_record(x);
	} else if (row->type) {
		text_take(&r->answer, &x->out);
		r->type = row->type;
		r->status = MHD_HTTP_OK;
	} else {
		json_t *o = json_pack("{s:s}", "said", said);
		char *text = o ? json_dumps(o, 0) : NULL;
		text_addf(&r->answer, "%s\n", text ? text : "{\"said\": \"\"}");
		r->status = MHD_HTTP_OK;
		free(text);
		json_decref(o);
	}
	end(x);
}

static size_t words_of(const struct running *x)
{
	size_t n = 0;

	while (n < 7 && x->steps[x->step][n])
		n++;
	return n;
}

static void step_on(struct running *x);

static void ended(struct command_call *c, int status)
{
	struct running *x = (struct running *)c; /* its first field */

	if (x->n_steps) {
		write_of(x->owner, c, x->steps[x->step], words_of(x), status);
		x->status = status;
		step_on(x);
		return;
	}
	write_of(x->owner, c, x->api->words, x->api->n, status);
	respond(x, status);
}

/* Throws the draft away; what it has said until now is the answer. */
static const char *const *end_draft(struct running *x, int status)
{
	text_take(&x->failed, &x->out);
	x->wrong = status && x->step + 1 < x->n_steps ? x->step : 0;
	x->aborts = true;
	x->ends_with = status;
	x->steps[x->step][0] = "zone";
	x->steps[x->step][1] = "abort";
	x->steps[x->step][2] = x->zone;
	x->steps[x->step][3] = NULL;
	return x->steps[x->step];
}

/* The next step, or what became of all. One that fails ends it, and so does the last of what is only tried. */
static void step_on(struct running *x)
{
	for (;;) {
		const char *const *words;
		const bool last = x->step + 1 == x->n_steps;
		if (x->aborts) {
			text_fini(&x->out);
			text_take(&x->out, &x->failed);
			respond(x, x->ends_with);
			return;
		}
		if ((x->status && x->step == 0) || (!x->status && last && !x->dry)) {
			respond(x, x->status);
			return;
		}
		if (x->status || last) {
			words = end_draft(x, x->status);
		} else {
			text_fini(&x->out);
			words = x->steps[++x->step];
		}
		x->call.pending = NULL;
		const int status = commands_run(x->owner->opts.commands, words, words_of(x), &x->call);
		if (status == COMMAND_LATER)
			return;
		write_of(x->owner, &x->call, words, words_of(x), status);
		x->status = status;
	}
}

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s && api_may_be_word(s) ? s : NULL;
}

static bool add_step(struct running *x, const char *const *words, struct fault *why)
{
	if (x->n_steps == STEPS_MOST)
		return fault(why, "a change set may have %d records", STEPS_MOST - 3);
	memcpy(x->steps[x->n_steps++], words, sizeof x->steps[0]);
	return true;
}

static bool add_records(struct running *x, const char *what, struct fault *why)
{
	json_t *list = json_object_get(x->api->members, what), *o;
	const bool comes = strcmp(what, "set") == 0;
	size_t i;

	if (list && !json_is_array(list))
		return fault(why, "%s is a list of records", what);
	json_array_foreach (list, i, o) {
		const char *owner = member(o, "owner"), *type = member(o, "type"), *data = member(o, "data");
		const json_t *ttl = json_object_get(o, "ttl");
		if (!owner || (comes && (!type || !data)) || (data && !type) ||
			(ttl && (!comes || !json_is_integer(ttl) || json_integer_value(ttl) < 0 ||
					json_integer_value(ttl) > INT32_MAX)))
			return fault(why, "%s: record %zu: owner, type and data are texts%s", what, i + 1,
				comes ? " and are there; ttl is a number of seconds" : "; data alone is nothing");
		char *text = x->ttl[x->n_steps < STEPS_MOST ? x->n_steps : 0];
		if (ttl)
			snprintf(text, sizeof x->ttl[0], "%lld", (long long)json_integer_value(ttl));
		const char *words[7] = { "zone", what, x->zone, owner };
		size_t n = 4;
		if (ttl)
			words[n++] = text;
		if (type)
			words[n++] = type;
		if (data)
			words[n++] = data;
		if (!add_step(x, words, why))
			return false;
	}
	return true;
}

static bool plan_steps(struct running *x, struct fault *why)
{
	const json_t *dry = json_object_get(x->api->members, "dry_run"), *serial = json_object_get(x->api->members, "serial");
	const char *name;
	json_t *value;

	json_object_foreach (x->api->members, name, value)
		if (strcmp(name, "zone") != 0 && strcmp(name, "set") != 0 && strcmp(name, "unset") != 0 &&
			strcmp(name, "serial") != 0 && strcmp(name, "dry_run") != 0)
			return fault(why, "%s is nothing that this takes", name);
	if ((dry && !json_is_boolean(dry)) || (serial && !json_is_integer(serial)))
		return fault(why, "dry_run is true or false, and serial a number");
	x->zone = member(x->api->members, "zone");
	if (serial)
		snprintf(x->ttl[0], sizeof x->ttl[0], "%lld", (long long)json_integer_value(serial));
	const char *begin[7] = { "zone", "begin", x->zone, serial ? "--serial" : NULL, x->ttl[0] };
	const char *diff[7] = { "zone", "diff", x->zone }, *commit[7] = { "zone", "commit", x->zone };
	if (!add_step(x, begin, why) || !add_records(x, "unset", why))
		return false;
	x->n_unset = x->n_steps - 1;
	if (!add_records(x, "set", why))
		return false;
	if (x->n_steps == 1)
		return fault(why, "nothing is to be set or unset");
	x->dry = json_is_true(dry);
	return add_step(x, x->dry ? diff : commit, why);
}

static void refuse(struct running *x, unsigned status, const char *why)
{
	manage_refuse(x->request, status, NULL, "%s", why);
	end(x);
}

static void change_set(struct running *x)
{
	struct fault why = { 0 };

	if (!plan_steps(x, &why)) {
		refuse(x, MHD_HTTP_BAD_REQUEST, why.text);
		return;
	}
	const int status = commands_run(x->owner->opts.commands, x->steps[0], words_of(x), &x->call);
	if (status == COMMAND_LATER)
		return;
	x->status = status;
	step_on(x);
}

static void listen_to(struct running *x)
{
	struct request *r = x->request;

	r->stream = events_join(x->owner->events, x->api->row, x->call.uid - WHO_TOKEN, r->at);
	if (!r->stream) {
		r->again_s = 10;
		refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "too many listen already");
		return;
	}
	r->type = x->api->row->type;
	r->status = MHD_HTTP_OK;
	end(x);
}

static void run(struct running *x)
{
	if (x->api->row->type && strcmp(x->api->row->type, API_EVENTS) == 0) {
		listen_to(x);
		return;
	}
	if (!x->api->row->words) {
		change_set(x);
		return;
	}
	const int status = commands_run(x->owner->opts.commands, x->api->words, x->api->n, &x->call);
	if (status != COMMAND_LATER)
		ended(&x->call, status);
}

void api_take(struct api *a, struct request *r)
{
	struct running *x = calloc(1, sizeof *x);
	struct token *t = tokens_check(&a->tokens, r->bearer, time(NULL));
	const char *zone = json_string_value(json_object_get(r->api->members, "zone"));

	if (!x) {
		manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
		manage_answered(r);
		return;
	}
	x->owner = a;
	x->request = r;
	x->api = r->api;
	x->next = a->running;
	x->at = &a->running;
	if (x->next)
		x->next->at = &x->next;
	a->running = x;
	if (!t) {
		refuse(x, MHD_HTTP_UNAUTHORIZED, "this token is none, or not any more");
		return;
	}
	t->used_s = time(NULL);
	if (!token_has_rate(t, clock_seconds())) {
		r->again_s = 1;
		refuse(x, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests of this token; come again");
		return;
	}
	if (!token_may(t, r->api->row, zone)) {
		refuse(x, MHD_HTTP_FORBIDDEN, t->only_zones ? "this token is for its zones alone"
							    : "this token may not do that: see its role");
		return;
	}
	manage_welcome(r);
	addr_sockaddr_text(x->from,
		MHD_get_connection_info(r->at, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	x->call = (struct command_call){ .uid = WHO_TOKEN + (unsigned)t->id,
		.from = x->from,
		.out = &x->out,
		.done = ended };
	run(x);
}

/* --- commands ----------------------------------------------------------------------------- */

/* One that waits for the store. */
struct ordered {
	struct api *owner;
	struct command_call *call; /* NULL: nobody waits any more */
	bool revokes, json;
	unsigned last;
	struct store_token row;
	char name[TOKEN_NAME], role[16], zones[TOKEN_ZONES], text[TOKEN_TEXT];
	json_t *rows;
	bool ok;
	struct fault why;
};

static void forget(struct command_call *c)
{
	((struct ordered *)c->pending)->call = NULL;
}

static int ask_store(struct api *a, struct ordered *o, struct command_call *c,
	void (*work)(void *ctx, struct job *job), void (*done)(void *ctx, enum job_end end))
{
	o->owner = a;
	o->call = c;
	c->pending = o;
	c->forget = forget;
	if (a->opts.store &&
		jobs_start(a->opts.jobs,
			&(struct job_opts){ .lane = a->lane,
				.name = "audit",
				.about = "and tokens, in the store",
				.ctx = o,
				.work = work,
				.done = done }))
		return COMMAND_LATER;
	text_add(c->out, a->opts.store ? "out of memory\n"
				       : "there is no store, where tokens and what is done with them could be kept; write for example: "
					 "store: { file: /var/lib/waymark/waymark.db }\n");
	free(o);
	return 1;
}

static void token_work(void *ctx, struct job *job)
{
	struct ordered *o = ctx;

	(void)job;
	o->ok = o->revokes ? store_drop_token(o->owner->opts.store, o->name, &o->why)
			   : store_put_token(o->owner->opts.store, &o->row, &o->why);
}

static void token_done(void *ctx, enum job_end end)
{
	struct ordered *o = ctx;
	struct command_call *c = o->call;
	bool ok = end == JOB_DONE && o->ok;

	if (ok)
		ok = o->revokes ? tokens_remove(&o->owner->tokens, o->name) : tokens_add(&o->owner->tokens, &o->row);
	if (c && ok && o->revokes)
		text_addf(c->out, "%s may use the API no more\n", o->name);
	else if (c && ok)
		text_addf(c->out, "%s\nThis is shown once, and is stored nowhere.\n", o->text);
	else if (c)
		text_addf(c->out, "%s\n", end == JOB_DONE && *o->why.text ? o->why.text : "out of memory, or there are too many");
	if (c)
		c->done(c, ok ? 0 : 1);
	memset(o->text, 0, sizeof o->text);
	free(o);
}

static bool is_name(const char *s)
{
	return *s && strlen(s) < TOKEN_NAME && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(s) &&
		*s != '-';
}

static int token_add(struct api *a, const char **words, size_t n, struct command_call *c)
{
	const char *role = NULL, *zones = NULL, *span = NULL;
	struct token look = { 0 };
	int64_t span_s = 0;

	command_take_value(words, &n, "--role", &role);
	command_take_value(words, &n, "--zones", &zones);
	command_take_value(words, &n, "--for", &span);
	if (n != 1 || !role)
		return 2;
	if (!is_name(words[0]))
		text_addf(c->out, "%s: a name has letters, digits, \"-\", \"_\" and \".\", %d at most\n", words[0], TOKEN_NAME - 1);
	else if (tokens_find(&a->tokens, words[0]))
		text_addf(c->out, "there is a token %s already (\"token revoke %s\")\n", words[0], words[0]);
	else if (!token_role_parse(role, &look.role, &look.only_zones))
		text_addf(c->out, "--role %s: read, operate, zones or admin\n", role);
	else if (look.only_zones != (zones != NULL))
		text_add(c->out, "--zones goes with --role zones, and says which, such as 'example.org,*.example.net'\n");
	else if (zones && strlen(zones) >= TOKEN_ZONES)
		text_addf(c->out, "--zones: %d characters at most\n", TOKEN_ZONES - 1);
	else if (span && (!ago_moment(&span_s, span, 0) || span_s >= 0 || span_s < -(int64_t)SPAN_MOST_S))
		text_addf(c->out, "--for %s: a duration is wanted, such as 90d\n", span);
	if (c->out->len)
		return 1;
	struct ordered *o = calloc(1, sizeof *o);
	if (!o) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	strcpy(o->name, words[0]);
	strcpy(o->role, role);
	strcpy(o->zones, zones ? zones : "");
	o->row = (struct store_token){ .name = o->name,
		.role = o->role,
		.zones = o->zones,
		.created_s = time(NULL),
		.until_s = span ? time(NULL) - span_s : 0,
		.uid = c->uid };
	token_new(o->text, o->row.hash);
	return ask_store(a, o, c, token_work, token_done);
}

static int token_revoke(struct api *a, const char *name, struct command_call *c)
{
	struct ordered *o = tokens_find(&a->tokens, name) ? calloc(1, sizeof *o) : NULL;

	if (!o) {
		text_addf(c->out, "there is no token %s (\"token list\")\n", name);
		return 1;
	}
	snprintf(o->name, sizeof o->name, "%s", name);
	o->revokes = true;
	return ask_store(a, o, c, token_work, token_done);
}

/* Who asks: a token, or who may do everything here. */
static int token_self(const struct api *a, const struct command_call *c)
{
	const struct token *t = NULL;
	char who[WHO_TEXT];

	for (size_t i = 0; i < a->tokens.n && c->uid >= WHO_TOKEN; i++)
		if (a->tokens.list[i].id == (int64_t)(c->uid - WHO_TOKEN))
			t = &a->tokens.list[i];
	json_t *o = json_pack("{s:s, s:s, s:s, s:o}", "name", t ? t->name : who_text(who, c->uid), "role",
		t ? token_role_text(t) : "admin", "zones", t ? t->zones : "", "until",
		t && t->until_s ? json_integer(t->until_s) : json_null());
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	text_addf(c->out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
	return 0;
}

static int token_list(const struct api *a, bool json, struct text *out)
{
	json_t *rows = json_array();
	char created[AGO_TEXT], until[AGO_TEXT], used[AGO_TEXT];

	for (size_t i = 0; i < a->tokens.n; i++) {
		const struct token *t = &a->tokens.list[i];
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "name", t->name, "role", token_role_text(t), "zones",
				t->zones, "created", (json_int_t)t->created_s, "until",
				t->until_s ? json_integer(t->until_s) : json_null(), "used",
				t->used_s ? json_integer(t->used_s) : json_null()));
		if (!json)
			text_addf(out, "%-24s %-8s %s made %s, %s%s, %s%s\n", t->name, token_role_text(t), t->zones,
				ago_text(created, t->created_s), t->until_s ? "until " : "for good",
				t->until_s ? ago_text(until, t->until_s) : "", t->used_s ? "used " : "not used since the start",
				t->used_s ? ago_text(used, t->used_s) : "");
	}
	char *text = json ? json_dumps(rows, JSON_INDENT(2)) : NULL;
	if (text)
		text_addf(out, "%s\n", text);
	else if (!a->tokens.n)
		text_add(out, "there are no tokens\n");
	free(text);
	json_decref(rows);
	return 0;
}

static int run_token(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct api *a = ctx;
	const bool json = command_take_word(words, &n, "--json");

	if (n && strcmp(words[0], "add") == 0 && !json)
		return token_add(a, words + 1, n - 1, c);
	if (n == 2 && strcmp(words[0], "revoke") == 0 && !json)
		return token_revoke(a, words[1], c);
	if (n == 1 && strcmp(words[0], "list") == 0)
		return token_list(a, json, c->out);
	if (n == 1 && strcmp(words[0], "self") == 0 && json)
		return token_self(a, c);
	return 2;
}

static void take_audit(void *ctx, const struct store_audit *row)
{
	json_array_append_new(ctx,
		json_pack("{s:I, s:s, s:s, s:s, s:b, s:s}", "time", (json_int_t)row->at_s, "who", row->who, "from", row->from,
			"what", row->what, "done", row->status == 0, "said",
			row->status == 0 && is_secret(row->what) ? "" : row->said));
}

static void audit_work(void *ctx, struct job *job)
{
	struct ordered *o = ctx;

	(void)job;
	o->rows = json_array();
	o->ok = store_each_audit(o->owner->opts.store, o->last, take_audit, o->rows, &o->why);
}

static void tell_audit(const json_t *rows, struct text *out)
{
	char at[AGO_TEXT];

	for (size_t i = json_array_size(rows); i-- > 0;) {
		const json_t *o = json_array_get(rows, i);
		const char *from = json_string_value(json_object_get(o, "from"));
		text_addf(out, "%s  %s%s%s: %s: %s\n", ago_text(at, json_integer_value(json_object_get(o, "time"))),
			json_string_value(json_object_get(o, "who")), *from ? " from " : "", from,
			json_string_value(json_object_get(o, "what")),
			json_is_true(json_object_get(o, "done")) ? "done" : json_string_value(json_object_get(o, "said")));
	}
	if (!json_array_size(rows))
		text_add(out, "nothing is written down yet\n");
}

static void audit_done(void *ctx, enum job_end end)
{
	struct ordered *o = ctx;
	struct command_call *c = o->call;
	const bool ok = end == JOB_DONE && o->ok;
	char *text = ok && o->json ? json_dumps(o->rows, JSON_INDENT(2)) : NULL;

	if (c && text)
		text_addf(c->out, "%s\n", text);
	else if (c && ok)
		tell_audit(o->rows, c->out);
	else if (c)
		text_addf(c->out, "%s\n", end == JOB_DONE ? o->why.text : "out of memory");
	if (c)
		c->done(c, ok ? 0 : 1);
	free(text);
	json_decref(o->rows);
	free(o);
}

static int run_audit(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct api *a = ctx;
	const char *last = NULL;
	char *end = NULL;
	const bool json = command_take_word(words, &n, "--json");

	command_take_value(words, &n, "--last", &last);
	const unsigned long most = last ? strtoul(last, &end, 10) : 50;
	if (n || (last && (*end || !*last)) || most < 1 || most > 10000)
		return 2;
	struct ordered *o = calloc(1, sizeof *o);
	if (!o) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	o->json = json;
	o->last = (unsigned)most;
	return ask_store(a, o, c, audit_work, audit_done);
}

/* --- the rest ----------------------------------------------------------------------------- */

static bool may_listen(void *ctx, unsigned token)
{
	const struct api *a = ctx;
	const int64_t now_s = time(NULL);

	for (size_t i = 0; i < a->tokens.n; i++)
		if (a->tokens.list[i].id == (int64_t)token)
			return !a->tokens.list[i].until_s || now_s < a->tokens.list[i].until_s;
	return false;
}

void api_end_streams(struct api *a)
{
	events_end_all(a->events);
}

/* Of one that is gone only the number is known. */
static const char *name_of(void *ctx, unsigned number)
{
	const struct api *a = ctx;

	for (size_t i = 0; i < a->tokens.n; i++)
		if (a->tokens.list[i].id == (int64_t)number)
			return a->tokens.list[i].name;
	return NULL;
}

static void take_stored(void *ctx, const struct store_token *row)
{
	struct api *a = ctx;

	if (!tokens_add(&a->tokens, row))
		log_line(LOG_WARNING, "token %s makes no sense, or is one too many, and is passed over", row->name);
}

struct api *api_new(const struct api_opts *opts)
{
	struct api *a = memory_zeroed(1, sizeof *a);
	struct fault why;

	a->opts = *opts;
	a->lane = jobs_lane(opts->jobs, 2, JOBS_PROMPT);
	ev_timer_init(&a->timer, on_time, WRITE_S, WRITE_S);
	a->timer.data = a;
	ev_timer_start(opts->loop, &a->timer);
	if (opts->store && !store_each_token(opts->store, take_stored, a, &why))
		log_line(LOG_ERROR, "the tokens of the API cannot be read, and nobody may use it: %s", why.text);
	commands_bind(opts->commands, "token", run_token, a);
	commands_bind(opts->commands, "audit", run_audit, a);
	who_set_tokens(name_of, a);
	a->events = events_new(&(struct events_opts){ opts->loop, opts->commands, may_listen, a });
	opts->commands->ran = write_of;
	opts->commands->ran_ctx = a;
	return a;
}

void api_leave(struct api *a)
{
	if (a)
		events_close(a->events);
	while (a && a->running) {
		struct running *x = a->running;
		x->call.forget(&x->call);
		refuse(x, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
	}
}

void api_free(struct api *a)
{
	struct fault why;

	who_set_tokens(NULL, NULL);
	events_free(a->events);
	ev_timer_stop(a->opts.loop, &a->timer);
	if (a->n_waiting && !write_down(a, a->waiting, a->n_waiting, &why))
		log_line(LOG_WARNING, "what was changed last is not written down: %s", why.text);
	free_noted(a->waiting, a->n_waiting);
	tokens_fini(&a->tokens);
	memory_free(a);
}
