/* zone_orders_history.c - "zone history NAME [--last N] [--json]": what has become of a zone, step by step, as the store
 * keeps it.
 *
 * The newest first. Records that signing makes are counted, not listed.
 */
#include "base/moment.h"
#include "daemon/zone_orders_inner.h"

#include "dns/rrtype.h"
#include "zone/change.h"
#include "zone/rdata_write.h"
#include "zone/zone_text.h"

#include <stdlib.h>
#include <string.h>

enum { LAST = 20, LAST_MOST = 200, RECORDS_MOST = 1000 };

struct looking {
	struct command_call *call; /* NULL: nobody waits any more */
	struct store *store;
	uint8_t apex[NAME_MOST];
	size_t most;
	bool json;
	struct text out;
	bool ok;
	struct fault why;
};

/* --- a step ------------------------------------------------------------------------------- */

static bool is_made(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_NSEC3 || type == RRTYPE_NSEC3PARAM;
}

static json_t *record_json(const struct change_record *rr)
{
	char owner[NAME_TEXT];
	struct text both = { 0 };

	rdata_write(&both, rr->type, rr->rdata, rr->rdlen, RDATA_FOR_US);
	const char *type = text_get(&both), *data = type + strcspn(type, " ");
	json_t *o = json_pack("{s:s, s:I, s:s%, s:s}", "owner", name_text(owner, rr->owner), "ttl", (json_int_t)rr->ttl_s,
		"type", type, (size_t)(data - type), "data", *data ? data + 1 : data);
	text_fini(&both);
	return o;
}

static json_t *step_json(const struct store_dated *step)
{
	json_t *gone = json_array(), *come = json_array();
	struct change_walk walk = change_each(step->change);
	size_t made = 0, left = 0;
	char when[MOMENT_TEXT];

	while (change_next(&walk)) {
		json_t *to = walk.rr.comes ? come : gone;
		if (is_made(walk.rr.type))
			made++;
		else if (walk.rr.type != RRTYPE_SOA && json_array_size(to) == RECORDS_MOST)
			left++;
		else if (walk.rr.type != RRTYPE_SOA)
			json_array_append_new(to, record_json(&walk.rr));
	}
	json_t *o = json_pack("{s:I, s:I, s:o, s:o}", "from", (json_int_t)change_from(step->change), "serial",
		(json_int_t)change_to(step->change), "gone", gone, "come", come);
	if (step->at_s)
		json_object_set_new(o, "time", json_string(moment_text(when, step->at_s)));
	if (made)
		json_object_set_new(o, "made_by_signing", json_integer((json_int_t)made));
	if (left)
		json_object_set_new(o, "not_listed", json_integer((json_int_t)left));
	return o;
}

static void say_step(const struct store_dated *step, struct text *out)
{
	struct change_walk walk = change_each(step->change);
	size_t made = 0, told = 0, left = 0;
	char when[MOMENT_TEXT];

	text_addf(out, "serial %u, from %u%s%s\n", change_to(step->change), change_from(step->change), step->at_s ? ", " : "",
		step->at_s ? moment_text(when, step->at_s) : "");
	while (change_next(&walk)) {
		const struct change_record *rr = &walk.rr;
		if (is_made(rr->type)) {
			made++;
		} else if (rr->type != RRTYPE_SOA && told++ < RECORDS_MOST) {
			text_add(out, rr->comes ? "+ " : "- ");
			zone_text_record(out,
				&(struct zone_text_record){ rr->owner, rr->rdata, rr->ttl_s, rr->type, rr->rdlen }, RDATA_FOR_US);
			text_add(out, "\n");
		} else if (rr->type != RRTYPE_SOA) {
			left++;
		}
	}
	if (left)
		text_addf(out, "  and %zu records more\n", left);
	if (made)
		text_addf(out, "  and %zu records that signing makes\n", made);
}

/* --- the job ------------------------------------------------------------------------------ */

static void work(void *ctx, struct job *job)
{
	struct looking *x = ctx;
	struct store_dated *steps = calloc(x->most, sizeof *steps);
	json_t *list = x->json ? json_array() : NULL;
	size_t n = 0;

	(void)job;
	x->ok = steps ? store_last_steps(x->store, x->apex, steps, x->most, &n, &x->why) : fault(&x->why, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (x->json)
			json_array_append_new(list, step_json(&steps[i]));
		else
			say_step(&steps[i], &x->out);
		change_free(steps[i].change);
	}
	if (x->json)
		report_json(list, &x->out);
	else if (x->ok && !n)
		text_add(&x->out, "no changes of it are kept\n");
	free(steps);
}

static void done(void *ctx, enum job_end end)
{
	struct looking *x = ctx;
	const bool ok = end == JOB_DONE && x->ok;

	if (x->call) {
		if (ok)
			text_take(x->call->out, &x->out);
		else
			text_addf(x->call->out, "%s\n", end == JOB_DONE ? x->why.text : "out of memory: try again");
		x->call->done(x->call, ok ? 0 : 1);
	}
	text_fini(&x->out);
	free(x);
}

static void forget(struct command_call *c)
{
	((struct looking *)c->pending)->call = NULL;
}

int zone_orders_history(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const bool json = command_take_word(words, &n, "--json");
	const char *last = NULL;
	char *end = NULL;

	command_take_value(words, &n, "--last", &last);
	const unsigned long most = last ? strtoul(last, &end, 10) : LAST;
	if (n != 2 || (last && (*end || *last < '0' || *last > '9')) || most < 1 || most > LAST_MOST)
		return 2;
	const struct registry_zone *z = zone_orders_find(o, words[1], c->out);
	if (!z)
		return 1;
	if (!o->opts.store) {
		text_add(c->out, "there is no store, where changes could be kept; write for example: store: { file: /var/lib/waymark/waymark.db }\n");
		return 1;
	}
	struct looking *x = calloc(1, sizeof *x);
	if (x) {
		*x = (struct looking){ .call = c, .store = o->opts.store, .most = most, .json = json };
		memcpy(x->apex, z->origin, name_len(z->origin));
		c->pending = x;
		c->forget = forget;
	}
	if (x &&
		zone_orders_start(o, words[1],
			&(struct job_opts){ .ctx = x, .work = work, .done = done }))
		return COMMAND_LATER;
	free(x);
	text_add(c->out, "out of memory\n");
	return 1;
}
