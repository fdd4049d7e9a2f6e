/* orders_reload.c - the command "reload" in all its forms, and SIGHUP.
 *
 * Who commands and the log are told the same: each fault with its place, which zones came and
 * went, and what is served now.
 */
#include "base/log.h"
#include "daemon/catalogs.h"
#include "daemon/orders_inner.h"
#include "daemon/parts_read.h"
#include "daemon/privs.h"
#include "report/report.h"
#include "report/report_faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void notify_reloading(void)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
		now.tv_sec * 1000000ll + now.tv_nsec / 1000);
	privs_notify(state);
}

/* --- what came of it ---------------------------------------------------------------------- */

static void say_served(const struct orders *o, const char *what, struct text *out)
{
	const struct parts *p = publisher_live(o->opts.publisher);

	text_addf(out, "%s: serving %zu zones, %u pools, %u edges", what, p->zones->n,
		p->steer->n_named, p->steer->n_origins);
	if (p->zones->n_faulty)
		text_addf(out, "; %zu zone%s faulty: %zu as before, %zu not loaded",
			p->zones->n_faulty, p->zones->n_faulty == 1 ? " is" : "s are",
			p->zones->n_faulty - p->zones->n_empty, p->zones->n_empty);
	text_add(out, "\n");
}

static json_t *names_json(const struct text *names)
{
	json_t *list = json_array();

	for (const char *at = text_get(names); *at; at += strcspn(at, "\n") + 1)
		json_array_append_new(list, json_stringn(at, strcspn(at, "\n")));
	return list;
}

/* What is served when it has ended, whatever came of it. */
static void result_json(
	const struct waiting *w, const struct reload_result *result, struct text *out)
{
	const struct parts *p = publisher_live(w->owner->opts.publisher);
	const struct zones_change *z = result->zones;
	const bool zones = result->taken && z;
	json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "taken",
		result->taken, "zones", (json_int_t)p->zones->n, "zones_faulty",
		(json_int_t)p->zones->n_faulty, "zones_unready", (json_int_t)p->zones->n_empty,
		"pools", (json_int_t)p->steer->n_named, "edges", (json_int_t)p->steer->n_origins,
		"zones_added", (json_int_t)(zones ? z->n_added : 0), "zones_removed",
		(json_int_t)(zones ? z->n_removed : 0));

	if (w->percent > 0)
		json_object_set_new(o, "stage_percent", json_real(w->percent));
	json_object_set_new(o, "added", zones ? names_json(&z->added) : json_array());
	json_object_set_new(o, "removed", zones ? names_json(&z->removed) : json_array());
	report_faults(result->faults, o);
	report_json(o, out);
}

/* The faults as they were told, what became of the zones, and a sentence. */
static void log_result(const struct reload_result *result, const char *sentence)
{
	const struct faults *f = result->faults;
	struct text zones = { 0 };

	if (f->errors || f->warnings)
		log_text(text_get(&f->text));
	if (result->taken && result->zones)
		zones_change_say(result->zones, &zones);
	if (zones.len)
		log_line(LOG_NOTICE, "%.*s", (int)(zones.len - 1), text_get(&zones));
	text_fini(&zones);
	if (*sentence)
		log_line(f->errors ? LOG_ERROR : LOG_NOTICE, "%s", sentence);
}

static void log_reload(const struct orders *o, const struct reload_result *result)
{
	const char *path = parts_conf(publisher_live(o->opts.publisher))->path;
	const unsigned n = result->faults->errors;
	char say[1024];

	if (result->taken && !n)
		snprintf(say, sizeof say, "reloaded %s", path);
	else if (result->taken)
		snprintf(say, sizeof say,
			"reloaded %s but for what is wrong (%u error%s); that serves on as "
			"before",
			path, n, n == 1 ? "" : "s");
	else
		snprintf(say, sizeof say, "not reloaded (%u error%s); serving on as before", n,
			n == 1 ? "" : "s");
	log_result(result, say);
}

/* --- then what files have that the server writes ------------------------------------------ */

struct taking {
	struct write_back_ask ask; /* first */
	struct waiting *w;
	struct text out; /* what has come of the rest */
	int status;
};

static void taken(struct write_back_ask *ask)
{
	struct taking *t = (struct taking *)ask; /* its first member */
	json_t *o = t->w->json ? json_loads(text_get(&t->out), 0, NULL) : NULL;

	if (o) {
		text_fini(&t->out);
		json_object_set_new(o, "edits", names_json(&ask->told));
		report_json(o, &t->out);
	} else {
		text_add(&t->out, text_get(&ask->told));
	}
	const int status = ask->ok ? t->status : 1;
	orders_wait_over(t->w, status, &t->out);
	text_fini(&ask->told);
	free(t);
}

/* The answer is `out`, but for that. */
static void take_edits(struct waiting *w, int status, struct text *out)
{
	struct write_back *to = w->owner->opts.write_back;
	struct taking *t = to ? calloc(1, sizeof *t) : NULL;

	if (!t) {
		orders_wait_over(w, status, out);
		return;
	}
	t->w = w;
	t->status = status;
	text_take(&t->out, out);
	t->ask.order = WRITE_BACK_TAKE;
	t->ask.done = taken;
	write_back_ask(to, &t->ask);
}

static void reloaded(void *ctx, const struct reload_result *result)
{
	struct waiting *w = ctx;
	const struct faults *f = result->faults;
	const char *s = f->errors == 1 ? "" : "s";
	struct text out = { 0 };

	privs_notify("READY=1");
	log_reload(w->owner, result);
	if (result->taken && w->force && w->owner->opts.catalogs)
		catalogs_accept(w->owner->opts.catalogs);
	if (w->json) {
		result_json(w, result, &out);
		take_edits(w, result->taken && !f->errors ? 0 : 1, &out);
		return;
	}
	text_add(&out, text_get(&f->text));
	if (result->taken) {
		zones_change_say(result->zones, &out);
		say_served(w->owner, "reloaded", &out);
	}
	if (result->taken && f->errors)
		text_addf(&out,
			"%u error%s: what is wrong is served on as it was; all the rest is "
			"new\n",
			f->errors, s);
	if (!result->taken)
		text_addf(&out,
			"not reloaded: %u error%s; what was served before is served on\n",
			f->errors, s);
	take_edits(w, result->taken && !f->errors ? 0 : 1, &out);
}

/* Promoted, too: then the zones are new as well. */
static void say_staged(struct waiting *w, const struct reload_result *result, struct text *out)
{
	const struct parts *stage = publisher_staged(w->owner->opts.publisher);

	text_add(out, text_get(&result->faults->text));
	if (!result->taken) {
		text_addf(out, "%s: all clients are served as before\n", w->failed);
		return;
	}
	if (w->percent > 0 && (result->zones->n_added || result->zones->n_removed))
		text_add(out, "when it is promoted: ");
	zones_change_say(result->zones, out);
	if (w->percent > 0)
		text_addf(out,
			"staged: %g %% of the clients have %u pools and %u edges of the new "
			"configuration\n",
			w->percent, stage ? stage->steer->n_named : 0,
			stage ? stage->steer->n_origins : 0);
	else
		say_served(w->owner, w->done, out);
}

static void staged(void *ctx, const struct reload_result *result)
{
	struct waiting *w = ctx;
	struct reload_result logged = *result;
	struct text out = { 0 };
	char say[128] = "";

	if (w->percent > 0)
		logged.zones = NULL; /* they come when it is promoted */
	if (!result->taken)
		snprintf(say, sizeof say, "%s (%u error%s); all clients are served as before",
			w->failed, result->faults->errors,
			result->faults->errors == 1 ? "" : "s");
	log_result(&logged, say);
	if (w->json)
		result_json(w, result, &out);
	else
		say_staged(w, result, &out);
	orders_wait_over(w, result->taken ? 0 : 1, &out);
}

/* --- the forms ---------------------------------------------------------------------------- */

/* Behind the command's word. */
struct form {
	bool json, force, promote, rollback;
	const char *stage; /* NULL: it is not asked for */
};

/* No fault of the configuration's. */
static bool refuse_for_stage(struct orders *o, const struct form *form, struct text *out)
{
	static const char say[] =
		"a stage is on: \"reload --promote\" or \"reload --rollback\" comes first, or "
		"\"reload --stage SHARE\" to stage what the file has now";
	struct waiting nobody = { .owner = o };
	struct faults f;

	if (!publisher_staged(o->opts.publisher))
		return false;
	log_line(LOG_NOTICE, "not reloaded: %s", say);
	if (out && form->json) {
		faults_init(&f);
		faults_error(&f, &(struct fault_at){ 0 }, "%s", say);
		result_json(&nobody, &(struct reload_result){ .faults = &f }, out);
		faults_fini(&f);
	} else if (out) {
		text_addf(out, "not reloaded: %s\n", say);
	}
	return true;
}

static int run_reload(struct orders *o, const struct form *form, struct command_call *c)
{
	if (refuse_for_stage(o, form, c->out))
		return 1;
	struct waiting *w = orders_wait(o, c);
	if (!w)
		return orders_no_memory(w, c);
	w->json = form->json;
	w->force = form->force;
	if (!reload_all(o->opts.reloader, form->force, &(struct reload_done){ w, reloaded }))
		return orders_no_memory(w, c);
	notify_reloading();
	return COMMAND_LATER;
}

static int run_rollback(struct orders *o, const struct form *form, struct command_call *c)
{
	struct waiting by = { .owner = o };
	struct faults f;
	struct fault why;

	const bool ok = staging_rollback(o->opts.staging, "as commanded", &why);
	if (form->json) {
		faults_init(&f);
		if (!ok)
			faults_take(&f, &why);
		result_json(&by, &(struct reload_result){ .taken = ok, .faults = &f }, c->out);
		faults_fini(&f);
	} else if (ok) {
		say_served(o, "rolled back", c->out);
	} else {
		text_addf(c->out, "%s\nnot rolled back: all clients are served as before\n",
			why.text);
	}
	return ok ? 0 : 1;
}

static int run_promote(struct orders *o, const struct form *form, struct command_call *c)
{
	struct waiting *w = orders_wait(o, c);

	if (!w)
		return orders_no_memory(w, c);
	w->failed = "not promoted";
	w->done = "promoted";
	w->json = form->json;
	return staging_promote(o->opts.staging, &(struct reload_done){ w, staged })
		? COMMAND_LATER
		: orders_no_memory(w, c);
}

/* "5%": over 0 to 100. */
static bool parse_percent(const char *text, double *to)
{
	char *end;

	if (!text[0] || strspn(text, "0123456789.") != strlen(text) - 1)
		return false;
	*to = strtod(text, &end);
	return end != text && strcmp(end, "%") == 0 && *to > 0 && *to <= 100;
}

static int run_stage(struct orders *o, const struct form *form, struct command_call *c)
{
	struct staging_how how = { .force = form->force };

	if (!parse_percent(form->stage, &how.percent)) {
		text_addf(c->out,
			"--stage %s: write a share of the clients, over 0%% to 100%%, such as "
			"5%%\n",
			form->stage);
		return 2;
	}
	struct waiting *w = orders_wait(o, c);
	if (!w)
		return orders_no_memory(w, c);
	w->failed = "not staged";
	w->percent = how.percent;
	w->json = form->json;
	return staging_begin(o->opts.staging, &how, &(struct reload_done){ w, staged })
		? COMMAND_LATER
		: orders_no_memory(w, c);
}

int orders_reload_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct form form = { .json = command_take_word(words, &n, "--json"),
		.force = command_take_word(words, &n, "--force") };

	command_take_value(words, &n, "--stage", &form.stage);
	form.promote = command_take_word(words, &n, "--promote");
	form.rollback = command_take_word(words, &n, "--rollback");
	/* Whoever follows the commands looks at it (fleet_orders.h). */
	const bool here = command_take_word(words, &n, "--here");
	if (n || (here && !form.stage && !form.promote && !form.rollback) ||
		(form.stage != NULL) + form.promote + form.rollback > 1 ||
		(form.force && (form.promote || form.rollback)))
		return 2;
	return form.stage       ? run_stage(ctx, &form, c)
		: form.promote  ? run_promote(ctx, &form, c)
		: form.rollback ? run_rollback(ctx, &form, c)
				: run_reload(ctx, &form, c);
}

void orders_reload(struct orders *o)
{
	const struct form form = { 0 };

	if (refuse_for_stage(o, &form, NULL))
		return;
	struct waiting *w = orders_wait(o, NULL);
	if (!w || !reload_all(o->opts.reloader, false, &(struct reload_done){ w, reloaded })) {
		free(w);
		log_line(LOG_ERROR, "not reloaded: out of memory; serving on as before");
		return;
	}
	notify_reloading();
}
