/* zone_orders_tasks.c - "zone purge|freeze|thaw|sync|notify NAME".
 *
 * What touches a zone's data or its changes is a build of the builder: nothing else changes
 * zones meanwhile.
 */
#include "base/log.h"
#include "daemon/parts_read.h"
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

/* NULL: told. */
static struct task *new_task(struct zone_orders *o, const char *name, struct command_call *c)
{
	struct task *t = calloc(1, sizeof *t);

	if (!t) {
		text_add(c->out, "out of memory\n");
		return NULL;
	}
	if (!zone_orders_name(name, t->apex, c->out)) {
		free(t);
		return NULL;
	}
	t->call = c;
	t->owner = o;
	t->uid = c->uid;
	c->pending = t;
	c->forget = forget;
	return t;
}

static int start(struct zone_orders *o, const char *name, const struct build *like,
	struct command_call *c)
{
	struct task *t = new_task(o, name, c);

	if (!t)
		return 1;
	t->build = *like;
	t->build.ctx = t;
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

/* What is ours and stored is all that there is of it; and of a catalog that is made here, the
 * serial would go back. */
static bool may_purge(void *ctx)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);

	return !z || (z->source != REGISTRY_STORE && z->source != REGISTRY_MADE);
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

	view_text(name, t->apex);
	if (end == JOB_CANCELLED && z && z->source == REGISTRY_MADE) {
		answer(t, 1,
			"zone %s is a catalog that is made here: its serial would go back\n",
			name);
		return;
	}
	if (end == JOB_CANCELLED && z && z->source == REGISTRY_STORE) {
		answer(t, 1,
			"zone %s is served from the store, which alone has its changes: take "
			"the zone out "
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
	log_line(LOG_NOTICE, "zone %s: all that was stored of it is gone, by the user %u", name,
		t->uid);
	answer(t, 0, "%s: nothing is stored of it any more%s\n", name,
		fetched ? "; it is fetched anew (\"zone status\" shows how it goes)" : "");
}

int zone_orders_purge(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;

	if (n != 2)
		return 2;
	if (!o->opts.store) {
		text_add(c->out,
			"there is no store (\"store: { file: ... }\" in the configuration)\n");
		return 1;
	}
	return start(o, words[1],
		&(struct build){
			.name = "zone", .begin = may_purge, .work = purge, .end = purged },
		c);
}

/* --- freeze and thaw ---------------------------------------------------------------------- */

/* What has become of the file first, and what is done then. */
struct file_task {
	struct write_back_ask ask; /* first */
	struct task *task;
	void (*then)(struct task *t, const struct write_back_ask *ask);
};

static void file_done(struct write_back_ask *ask)
{
	struct file_task *f = (struct file_task *)ask; /* its first member */

	f->then(f->task, ask);
	text_fini(&ask->told);
	free(f);
}

/* In the place of an answer. */
static void ask_file(struct task *t, enum write_back_order order,
	void (*then)(struct task *t, const struct write_back_ask *ask))
{
	struct file_task *f = calloc(1, sizeof *f);

	if (!f) {
		answer(t, 1, "out of memory\n");
		return;
	}
	f->task = t;
	f->then = then;
	f->ask.order = order;
	f->ask.one = f->ask.of_frozen = true;
	f->ask.done = file_done;
	memcpy(f->ask.apex, t->apex, name_len(t->apex));
	write_back_ask(t->owner->opts.write_back, &f->ask);
}

static bool is_written_back(const struct task *t)
{
	const struct parts *live = publisher_live(t->owner->opts.publisher);
	const struct registry_zone *z = zone_of(t);
	const size_t at = registry_index(live->zones, t->apex);

	return z && z->source == REGISTRY_STORE && z->state == REGISTRY_READY && *z->path &&
		parts_conf(live)->rules[zone_set_rule(live->zones->set, at)].synced;
}

static void frozen_and_written(struct task *t, const struct write_back_ask *ask)
{
	const struct registry_zone *z = zone_of(t);
	char name[NAME_TEXT];

	view_text(name, t->apex);
	if (ask->ok)
		answer(t, 0, "%s: frozen; change %s, and \"zone thaw %s\"\n", name,
			z ? z->path : "its file", name);
	else
		answer(t, 1, "%s%s: frozen, and its file is not what is served\n",
			text_get(&ask->told), name);
}

static void frozen(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);
	char name[NAME_TEXT];

	view_text(name, t->apex);
	if (end != JOB_DONE)
		answer(t, 1, "%s\n", failed(end));
	else if (!z)
		answer(t, 1, "there is no zone %s (\"waymarkctl zones\" lists them)\n", name);
	else if (z->source != REGISTRY_STORE)
		answer(t, 1, "zone %s is not changed by updates: there is nothing to freeze\n",
			name);
	else if (!frozen_add(t->owner->opts.frozen, t->apex, t->uid))
		answer(t, 1, "zone %s is frozen already\n", name);
	else {
		log_line(LOG_NOTICE, "zone %s is frozen by the user %u: updates are refused",
			name, t->uid);
		if (is_written_back(t))
			ask_file(t, WRITE_BACK_WRITE, frozen_and_written);
		else
			answer(t, 0, "%s: frozen; updates are refused until \"zone thaw %s\"\n",
				name, name);
	}
}

static void thawed(void *ctx, enum job_end end)
{
	struct task *t = ctx;
	const struct registry_zone *z = zone_of(t);
	char name[NAME_TEXT];

	view_text(name, t->apex);
	if (end != JOB_DONE)
		answer(t, 1, "%s\n", failed(end));
	else if (!frozen_remove(t->owner->opts.frozen, t->apex))
		answer(t, 1, "zone %s is not frozen\n", name);
	else {
		log_line(LOG_NOTICE, "zone %s is thawed by the user %u", name, t->uid);
		answer(t, 0, "%s: thawed, serial %u; updates are taken again\n", name,
			z && zone_is_ready(z->load.zone) ? z->load.zone->serial : 0);
	}
}

/* Nothing may be running that reads the list. */
static void unfreeze(struct task *t)
{
	t->build = (struct build){ .name = "zone", .ctx = t, .end = thawed };
	builder_ask(t->owner->opts.builder, &t->build);
}

static void file_is_taken(struct task *t, const struct write_back_ask *ask)
{
	char name[NAME_TEXT];

	if (ask->ok) {
		unfreeze(t);
		return;
	}
	view_text(name, t->apex);
	answer(t, 1,
		"%s%s: still frozen; mend the file and thaw it again, or have what is served "
		"written over "
		"it: \"zone thaw %s --discard\"\n",
		text_get(&ask->told), name, name);
}

int zone_orders_freeze(void *ctx, const char **words, size_t n, struct command_call *c)
{
	return n != 2
		? 2
		: start(ctx, words[1], &(struct build){ .name = "zone", .end = frozen }, c);
}

int zone_orders_thaw(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const bool discard = command_take_word(words, &n, "--discard");

	if (n != 2)
		return 2;
	struct task *t = new_task(o, words[1], c);
	if (!t)
		return 1;
	if (frozen_find(o->opts.frozen, t->apex) && is_written_back(t))
		ask_file(t, discard ? WRITE_BACK_DISCARD : WRITE_BACK_TAKE, file_is_taken);
	else
		unfreeze(t);
	return COMMAND_LATER;
}

/* --- sync --------------------------------------------------------------------------------- */

static void file_is_written(struct task *t, const struct write_back_ask *ask)
{
	struct write_back_view view = { .serial = 0 };
	char name[NAME_TEXT];

	view_text(name, t->apex);
	write_back_look(t->owner->opts.write_back, t->apex, &view);
	if (ask->ok)
		answer(t, 0, "%s: its file has serial %u\n", name, view.serial);
	else
		answer(t, 1, "%s%s: not written\n", text_get(&ask->told), name);
}

int zone_orders_sync(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const bool discard = command_take_word(words, &n, "--discard");

	if (n != 2)
		return 2;
	struct task *t = zone_orders_find(o, words[1], c->out) ? new_task(o, words[1], c)
							       : NULL;
	if (!t)
		return 1;
	if (is_written_back(t)) {
		ask_file(t, discard ? WRITE_BACK_DISCARD : WRITE_BACK_WRITE, file_is_written);
		return COMMAND_LATER;
	}
	text_addf(c->out, "zone %s: the server writes no file of it (\"write-back: sync\")\n",
		words[1]);
	free(t);
	return 1;
}

/* --- notify ------------------------------------------------------------------------------- */

int zone_orders_notify(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct zone_orders *o = ctx;

	if (n != 2)
		return 2;
	const struct registry_zone *z = zone_orders_served(o, words[1], c->out);

	if (!z)
		return 1;
	const size_t told = notifying_tell(o->opts.notifying, z);
	if (!told) {
		text_addf(c->out,
			"zone %s: nobody is to be told of it (\"notify\" in its entry or its "
			"template)\n",
			words[1]);
		return 1;
	}
	text_addf(c->out,
		"%s: %zu address%s told of serial %u (\"status\" counts who has heard)\n",
		words[1], told, told == 1 ? " is" : "es are", z->load.zone->serial);
	return 0;
}
