/* zone_orders_tasks.c - "zone purge|freeze|thaw|notify NAME".
 *
 * What touches a zone's data or its changes is a build of the builder: nothing else changes zones meanwhile.
 */
#include "base/log.h"
#include "daemon/zone_orders_inner.h"

#include <stdlib.h>
#include <string.h>

struct task {
	struct build build;
	struct command_call *call; /* NULL: nobody waits any more */
	struct zone_orders *owner;
	uint8_t apex[NAME_MOST];
	unsigned uid;
	bool has, ok; /* something was stored; it is not any more */
	struct fault why;
};

static void forget(struct command_call *c)
{
	((struct task *)c->pending)->call = NULL;
}

/* The answer, and the end of the task. */
__attribute__((format(printf, 3, 4))) static void answer(
	struct task *t, int status, const char *fmt, ...)
{
	va_list ap;

	if (t->call) {
		va_start(ap, fmt);
		text_addv(t->call->out, fmt, ap);
		va_end(ap);
		t->call->done(t->call, status);
	}
	free(t);
}

static int start(struct zone_orders *o, const char *name, const struct build *like,
	struct command_call *c)
{
	struct task *t = calloc(1, sizeof *t);

	if (!t) {
		text_add(c->out, "out of memory\n");
		return 1;
	}
	t->build = *like;
	t->build.ctx = t;
	t->call = c;
	t->owner = o;
	t->uid = c->uid;
	c->pending = t;
	c->forget = forget;
	if (!zone_orders_name(name, t->apex, c->out)) {
		free(t);
		return 1;
	}
	builder_ask(o->opts.builder, &t->build);
	return COMMAND_LATER;
}

static const char *failed(enum job_end end)
{
	return end == JOB_NO_MEMORY ? "out of memory" : "the server stops";
}

static const struct registry_zone *zone_of(const struct task *t)
{
	return registry_find(publisher_live(t->owner->opts.publisher)->zones, t->apex);
}

/* --- purge -------------------------------------------------------------------------------- */

/* What is ours and stored is all that there is of it. */
static bool may_purge(void *ctx)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);

	return !z || z->source != REGISTRY_STORE;
}

static void purge(void *ctx, struct job *job)
{
	struct task *t = ctx;
	struct store *store = t->owner->opts.store;
	uint32_t serial;

	(void)job;
	t->has = store_has(store, t->apex, &serial, &t->why);
	t->ok = t->has && store_forget(store, t->apex, &t->why);
}

static void purged(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);
	char name[NAME_TEXT];

	name_text(name, t->apex);
	if (end == JOB_CANCELLED && z && z->source == REGISTRY_STORE) {
		answer(t, 1,
			"zone %s is served from the store, which alone has its changes: take the zone out "
			"first (\"zone remove\", or its entry in the configuration)\n",
			name);
		return;
	}
	if (end != JOB_DONE || (!t->ok && *t->why.text)) {
		answer(t, 1, "%s\n", end == JOB_DONE ? t->why.text : failed(end));
		return;
	}
	const bool fetched = z && refresher_ask(t->owner->opts.refresher, z->origin, true);
	if (!t->has && !fetched) {
		answer(t, 1, "zone %s: nothing is stored of it\n", name);
		return;
	}
	log_line(LOG_NOTICE, "zone %s: all that was stored of it is gone, by the user %u", name, t->uid);
	answer(t, 0, "%s: nothing is stored of it any more%s\n", name,
		fetched ? "; it is fetched anew (\"zone status\" shows how it goes)" : "");
}

int zone_orders_purge(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;

	if (n != 2)
		return 2;
	if (!o->opts.store) {
		text_add(c->out, "there is no store (\"store: { file: ... }\" in the configuration)\n");
		return 1;
	}
	return start(o, words[1],
		&(struct build){
			.name = "zone", .begin = may_purge, .work = purge, .end = purged }, c);
}

/* --- freeze and thaw ---------------------------------------------------------------------- */

static void frozen(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);
	char name[NAME_TEXT];

	name_text(name, t->apex);
	if (end != JOB_DONE)
		answer(t, 1, "%s\n", failed(end));
	else if (!z)
		answer(t, 1, "there is no zone %s (\"waymarkctl zones\" lists them)\n", name);
	else if (z->source != REGISTRY_STORE)
		answer(t, 1, "zone %s is not changed by updates: there is nothing to freeze\n", name);
	else if (!frozen_add(t->owner->opts.frozen, t->apex, t->uid))
		answer(t, 1, "zone %s is frozen already\n", name);
	else {
		log_line(LOG_NOTICE, "zone %s is frozen by the user %u: updates are refused", name, t->uid);
		answer(t, 0, "%s: frozen; updates are refused until \"zone thaw %s\"\n", name, name);
	}
}

static void thawed(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	char name[NAME_TEXT];

	name_text(name, t->apex);
	if (end != JOB_DONE)
		answer(t, 1, "%s\n", failed(end));
	else if (!frozen_remove(t->owner->opts.frozen, t->apex))
		answer(t, 1, "zone %s is not frozen\n", name);
	else {
		log_line(LOG_NOTICE, "zone %s is thawed by the user %u", name, t->uid);
		answer(t, 0, "%s: thawed; updates are taken again\n", name);
	}
}

int zone_orders_freeze(void *ctx, const char **words, size_t n, struct command_call *c)
{
	return n != 2 ? 2 : start(ctx, words[1], &(struct build){ .name = "zone", .end = frozen }, c);
}

int zone_orders_thaw(void *ctx, const char **words, size_t n, struct command_call *c)
{
	return n != 2 ? 2 : start(ctx, words[1], &(struct build){ .name = "zone", .end = thawed }, c);
}

/* --- notify ------------------------------------------------------------------------------- */

int zone_orders_notify(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct zone_orders *o = ctx;

	if (n != 2)
		return 2;
	const struct registry_zone *z = zone_orders_find(o, words[1], c->out);
	if (!z)
		return 1;
	if (!zone_is_ready(z->load.zone)) {
		text_addf(c->out, "zone %s: nothing is served of it yet (%s)\n", words[1],
			registry_state_text(z->state));
		return 1;
	}
	const size_t told = notifying_tell(o->opts.notifying, z);
	if (!told) {
		text_addf(c->out, "zone %s: nobody is to be told of it (\"notify\" in its entry or its "
				  "template)\n", words[1]);
		return 1;
	}
	text_addf(c->out, "%s: %zu address%s told of serial %u (\"status\" counts who has heard)\n",
		words[1], told, told == 1 ? " is" : "es are", z->load.zone->serial);
	return 0;
}
