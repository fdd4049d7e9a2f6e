/* fleet_orders_run.c - what operators of the fleet want is done here, one command after the other.
 */
#include "daemon/fleet_orders_inner.h"

#include "base/log.h"
#include "steer/fail_over.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fleet_orders_run {
	struct command_call call; /* first */
	struct fleet_orders *of;
	struct text out;
	char from[WHO_TEXT + FLEET_NAME_MOST + 16], words[FLEET_ORDER_WORDS];
	const char *list[FLEET_ORDER_WORDS_MOST];
	size_t n;
	char key[FLEET_ORDER_KEY];
	uint64_t at;
};

static void on_done(struct command_call *c, int status)
{
	struct fleet_orders_run *r = (struct fleet_orders_run *)c; /* its first member */
	struct fleet_orders *o = r->of;
	struct fleet_order *x = fleet_orders_find(o, r->key);

	commands_ran(o->opts.commands, c, r->list, r->n, status);
	const char *said = text_get(&r->out);
	if (!status && x && x->at == r->at)
		fleet_orders_settle(o, x);
	if (status && x && x->at == r->at && !fleet_order_stops_watch(x)) { /* what is not watched need not be stopped */
		snprintf(x->fault, sizeof x->fault, "%.*s", (int)strcspn(said, "\n"), said);
		log_line(LOG_ERROR, "fleet: what %s wants cannot be done here: \"%s\": %s", r->from, x->words, x->fault);
	}
	text_fini(&r->out);
	free(r);
	o->run = NULL;
	if (o->fleet)
		fleet_hello_soon(o->fleet);
	fleet_orders_look(o);
}

/* The words that do it here; 0: there is nothing to do. */
static size_t words_here(const struct fleet_orders *o, const struct fleet_order *x, struct fleet_orders_run *r)
{
	const bool staged = publisher_staged(o->opts.publisher) != NULL;
	const int64_t left_s = (x->until_ms - fleet_now_ms(o->fleet)) / 1000;

	snprintf(r->words, sizeof r->words, "%s", x->words);
	if (strcmp(x->words, "reload --rollback") == 0 && !staged)
		return 0;
	/* Who was away, or could not stage it, has it all the same. */
	if (strcmp(x->words, "reload --promote") == 0 && !staged)
		snprintf(r->words, sizeof r->words, "reload");
	if (x->until_ms && left_s <= 0)
		return 0;
	if (x->until_ms)
		snprintf(r->words, sizeof r->words, "%.*s --for %llds", (int)fleet_order_matter(x), x->key, (long long)left_s);
	return fleet_order_split(r->words, r->list);
}

/* Who hears late leaves alone what has failed over since then. */
static bool is_back(const struct fleet_orders *o, const struct fleet_order *x)
{
	const struct fail_overs *l = probes_failed_over(o->opts.probes);
	const char *about = x->key + strlen("fail-back ");
	const size_t len = fleet_order_matter(x) - strlen("fail-back ");
	const int64_t at_s = (fleet_order_said_ms(x) + fleet_clock_off_ms(o->fleet)) / 1000;

	for (size_t i = 0; i < l->n; i++)
		if ((strncmp(about, "--all", len) == 0 || (strlen(l->of[i].pool) == len && memcmp(about, l->of[i].pool, len) == 0)) && l->of[i].when_s > at_s)
			return true;
	return false;
}

static void begin(struct fleet_orders *o, struct fleet_order *x)
{
	struct fleet_orders_run *r = calloc(1, sizeof *r);
	const bool fails_back = strncmp(x->key, "fail-back ", 10) == 0;

	x->due = false;
	if (!r) {
		snprintf(x->fault, sizeof x->fault, "out of memory");
		return;
	}
	r->of = o;
	r->at = x->at;
	snprintf(r->key, sizeof r->key, "%s", x->key);
	snprintf(r->from, sizeof r->from, "%s at server %s", x->who, x->by);
	if (!fails_back || !is_back(o, x))
		r->n = words_here(o, x, r);
	if (!r->n) {
		free(r);
		return;
	}
	log_line(LOG_NOTICE, "fleet: %s%s%s: %s", r->from, *x->why ? ": " : "", x->why, x->words);
	r->call = (struct command_call){ .uid = WHO_FLEET, .from = r->from, .out = &r->out, .done = on_done };
	o->run = r;
	const int status = commands_run(o->opts.commands, r->list, r->n, &r->call);
	if (status != COMMAND_LATER)
		on_done(&r->call, status);
}

void fleet_orders_look(struct fleet_orders *o)
{
	struct fleet_order *next;

	if (o->looks)
		return;
	o->looks = true;
	do {
		next = NULL;
		for (size_t i = 0; i < o->n && o->fleet && !o->run; i++)
			if (o->of[i].due && (!next || o->of[i].at < next->at))
				next = &o->of[i];
		if (next)
			begin(o, next);
	} while (next);
	o->looks = false;
}

void fleet_orders_stop(struct fleet_orders *o)
{
	struct fleet_orders_run *r = o->run;

	if (!r)
		return;
	if (r->call.forget)
		r->call.forget(&r->call);
	text_fini(&r->out);
	free(r);
	o->run = NULL;
}
