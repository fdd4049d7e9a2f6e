#include "web/api.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/who.h"
#include "store/store_api.h"
#include "web/long_answer.h"
#include "web/audit.h"
#include "web/change_set.h"
#include "web/events.h"
#include "web/manage_inner.h"
#include "web/store_ask.h"
#include "web/token_orders.h"
#include "web/tokens.h"

#include <ev.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct api {
	struct api_opts opts;
	struct tokens tokens;
	struct audit *audit;
	struct token_orders *orders;
	struct running *running; /* not answered yet */
	struct events *events;
	struct long_answers *streams;
};

/* --- a request ---------------------------------------------------------------------------- */

/* Its commands are run, one after the other; most have one. */
struct running {
	struct command_call call; /* first */
	struct running *next, **at; /* of the owner's */
	struct api *owner;
	struct request *request; /* NULL: it is being answered, by: */
	struct long_answer *pieces; /* held; NULL */
	struct api_call *api; /* the request's, and only until then */
	char from[ADDR_TEXT];
	struct text out;
	struct change_set changes;
	size_t step;
	size_t wrong; /* the step that failed, of what is unset and set; 0: none of these */
	bool aborts;
	int status, ends_with;
	struct text failed; /* what the one that failed has said */
};

/* Of a command that has JSON. A sentence that says why it was not done may begin with a name, and that with a bracket. */
static bool is_json(const char *s, int status)
{
	json_t *o = status ? json_loads(s, 0, NULL) : NULL;

	s += strspn(s, " \n");
	const bool begins = *s == '{' || *s == '[', is = begins && (!status || o);
	json_decref(o);
	return is;
}

/* Its request is answered. */
static void end(struct running *x)
{
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	if (x->request)
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
	const bool unset = x->wrong <= x->changes.n_unset;
	json_object_set_new(o, "in", json_string(unset ? "unset" : "set"));
	json_object_set_new(o, "record", json_integer((json_int_t)(unset ? x->wrong : x->wrong - x->changes.n_unset)));
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
	} else if (row->json && is_json(said, status)) {
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

	while (n < CHANGE_SET_WORDS && x->changes.steps[x->step][n])
		n++;
	return n;
}

static void step_on(struct running *x);

static void ended(struct command_call *c, int status)
{
	struct running *x = (struct running *)c; /* its first field */

	if (x->changes.n) {
		commands_ran(x->owner->opts.commands, c, x->changes.steps[x->step], words_of(x), status);
		x->status = status;
		step_on(x);
		return;
	}
	if (x->pieces) {
		long_answer_end(x->pieces, &x->out, !status && !x->out.lost);
		end(x);
		return;
	}
	commands_ran(x->owner->opts.commands, c, x->api->words, x->api->n, status);
	respond(x, status);
}

/* The thread that makes the answer. From the first piece on the request is the listener's, and may be gone. */
static bool send_piece(struct command_call *c, const char *bytes, size_t len)
{
	struct running *x = (struct running *)c; /* its first field */
	struct request *r = x->request;

	if (x->pieces)
		return long_answer_put(x->pieces, bytes, len);
	x->pieces = long_answer_new(x->owner->streams, r->at);
	if (!x->pieces)
		return false;
	r->pieces = x->pieces;
	r->type = x->api->row->type;
	r->status = MHD_HTTP_OK;
	x->request = NULL;
	x->api = NULL;
	manage_answered(r);
	return long_answer_put(x->pieces, bytes, len);
}

/* Throws the draft away; what it has said until now is the answer. */
static const char *const *end_draft(struct running *x, int status)
{
	text_take(&x->failed, &x->out);
	x->wrong = status && x->step + 1 < x->changes.n ? x->step : 0;
	x->aborts = true;
	x->ends_with = status;
	x->changes.steps[x->step][0] = "zone";
	x->changes.steps[x->step][1] = "abort";
	x->changes.steps[x->step][2] = x->changes.zone;
	x->changes.steps[x->step][3] = NULL;
	return x->changes.steps[x->step];
}

/* The next step, or what became of all. One that fails ends it, and so does the last of what is only tried. */
static void step_on(struct running *x)
{
	for (;;) {
		const char *const *words;
		const bool last = x->step + 1 == x->changes.n;
		if (x->aborts) {
			text_fini(&x->out);
			text_take(&x->out, &x->failed);
			respond(x, x->ends_with);
			return;
		}
		if ((x->status && x->step == 0) || (!x->status && last && !x->changes.dry)) {
			respond(x, x->status);
			return;
		}
		if (x->status || last) {
			words = end_draft(x, x->status);
		} else {
			text_fini(&x->out);
			words = x->changes.steps[++x->step];
		}
		x->call.pending = NULL;
		const int status = commands_run(x->owner->opts.commands, words, words_of(x), &x->call);
		if (status == COMMAND_LATER)
			return;
		commands_ran(x->owner->opts.commands, &x->call, words, words_of(x), status);
		x->status = status;
	}
}

static void refuse(struct running *x, unsigned status, const char *why)
{
	if (x->pieces)
		long_answer_end(x->pieces, &x->out, false);
	else
		manage_refuse(x->request, status, NULL, "%s", why);
	end(x);
}

static void change_set(struct running *x)
{
	struct fault why = { 0 };

	if (!change_set_plan(&x->changes, x->api->members, &why)) {
		refuse(x, MHD_HTTP_BAD_REQUEST, why.text);
		return;
	}
	const int status = commands_run(x->owner->opts.commands, x->changes.steps[0], words_of(x), &x->call);
	if (status == COMMAND_LATER)
		return;
	x->status = status;
	step_on(x);
}

static void listen_to(struct running *x)
{
	struct request *r = x->request;

	r->stream = events_join(x->owner->events, x->api->row, x->call.uid, r->at);
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
	if (!command_changes(x->api->words, x->api->n) && (x->api->row->json || x->api->row->type))
		x->call.stream = send_piece;
	const int status = commands_run(x->owner->opts.commands, x->api->words, x->api->n, &x->call);
	if (status != COMMAND_LATER)
		ended(&x->call, status);
}

/* Who may use the Unix socket may operate, and root and our own user may everything. */
static enum api_role role_of(unsigned uid)
{
	return uid == 0 || uid == geteuid() ? API_ADMIN : API_OPERATE;
}

/* Its token may do this, now; or it is refused. */
static bool admit_token(struct running *x)
{
	struct request *r = x->request;
	struct token *t = tokens_check(&x->owner->tokens, r->bearer, time(NULL));

	if (!t) {
		refuse(x, MHD_HTTP_UNAUTHORIZED, "this token is none, or not any more");
		return false;
	}
	t->used_s = time(NULL);
	x->call.uid = WHO_TOKEN + (unsigned)t->id;
	if (!token_has_rate(t, clock_seconds())) {
		r->again_s = 1;
		refuse(x, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests of this token; come again");
		return false;
	}
	if (token_may(t, r->api->row, json_string_value(json_object_get(r->api->members, "zone"))))
		return true;
	refuse(x, MHD_HTTP_FORBIDDEN, t->only_zones ? "this token is for its zones alone"
						    : "this token may not do that: see its role");
	return false;
}

static bool admit_peer(struct running *x)
{
	x->call.uid = x->request->uid;
	if (x->request->api->row->role <= role_of(x->call.uid))
		return true;
	refuse(x, MHD_HTTP_FORBIDDEN, "members of socket-group may operate, and no more; a token may");
	return false;
}

void api_take(struct api *a, struct request *r)
{
	struct running *x = calloc(1, sizeof *x);

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
	addr_sockaddr_text(x->from,
		MHD_get_connection_info(r->at, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	x->call = (struct command_call){ .from = x->from, .out = &x->out, .done = ended };
	if (!(r->bearer ? admit_token(x) : admit_peer(x)))
		return;
	manage_welcome(r);
	run(x);
}

/* --- the rest ----------------------------------------------------------------------------- */

static bool may_listen(void *ctx, unsigned who)
{
	const struct api *a = ctx;
	const int64_t now_s = time(NULL);

	if (who < WHO_TOKEN)
		return true;
	for (size_t i = 0; i < a->tokens.n; i++)
		if (a->tokens.list[i].id == (int64_t)(who - WHO_TOKEN))
			return !a->tokens.list[i].until_s || now_s < a->tokens.list[i].until_s;
	return false;
}

void api_end_streams(struct api *a)
{
	events_end_all(a->events);
}

void api_hang_up(struct api *a)
{
	if (a)
		long_answers_close(a->streams);
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
	const struct store_askers askers = { opts->jobs, opts->store, jobs_lane(opts->jobs, 2, JOBS_PROMPT) };
	struct fault why;

	a->opts = *opts;
	if (opts->store && !store_each_token(opts->store, take_stored, a, &why))
		log_line(LOG_ERROR, "the tokens of the API cannot be read, and nobody may use it: %s", why.text);
	a->audit = audit_new(opts->loop, &askers, opts->commands);
	a->orders = token_orders_new(&askers, &a->tokens, opts->commands);
	who_set_tokens(name_of, a);
	a->streams = long_answers_new();
	a->events = events_new(&(struct events_opts){ opts->loop, opts->commands, may_listen, a });
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
	who_set_tokens(NULL, NULL);
	events_free(a->events);
	long_answers_free(a->streams);
	token_orders_free(a->orders);
	audit_free(a->audit);
	tokens_fini(&a->tokens);
	memory_free(a);
}
