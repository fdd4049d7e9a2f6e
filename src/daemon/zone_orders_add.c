/* zone_orders_add.c - "zone add NAME [TEMPLATE] [FILE] [--stored]" and "zone remove NAME
 * [--purge]".
 */
#include "base/log.h"
#include "base/memory.h"
#include "daemon/zone_orders_inner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Somebody waits for it. */
struct adding {
	struct command_call *call; /* NULL: nobody does any more */
	struct zones_added_ask ask;
	struct zones_added_item item;
	unsigned uid;
};

static void forget(struct command_call *c)
{
	((struct adding *)c->pending)->call = NULL;
}

static void log_done(const struct adding *a, const char *name)
{
	const struct zones_added_item *it = &a->item;

	if (it->goes)
		log_line(LOG_NOTICE, "zone %s is removed by the user %u", name, a->uid);
	else
		log_line(LOG_NOTICE, "zone %s is added by the user %u, template \"%s\"", name,
			a->uid, it->added->template);
}

static void say(const struct adding *a, enum job_end end, const char *name, struct text *out)
{
	const struct zones_added_item *it = &a->item;

	if (end != JOB_DONE)
		text_add(out, end == JOB_NO_MEMORY ? "out of memory\n" : "the server stops\n");
	text_add(out, text_get(&it->told));
	if (end != JOB_DONE || !it->ok)
		return;
	if (it->goes)
		text_addf(out, "%s: removed%s\n", name,
			it->purges ? ", with all that was stored of it"
				: it->source == REGISTRY_STORE
				? "; the store keeps its data (\"zone "
				  "remove --purge\" drops them)"
				: "");
	else if (it->serial)
		text_addf(out, "%s: added, serial %u\n", name, it->serial);
	else
		text_addf(out,
			"%s: added; it is fetched from its primary (\"zone status\" shows "
			"how it goes)\n",
			name);
}

static void done(void *ctx, struct zones_added_ask *ask, enum job_end end)
{
	struct adding *a = ctx;
	char name[NAME_TEXT];
	const bool ok = end == JOB_DONE && a->item.ok;

	(void)ask;
	view_text(name, a->item.apex);
	if (ok)
		log_done(a, name);
	if (a->call) {
		say(a, end, name, a->call->out);
		a->call->done(a->call, ok ? 0 : 1);
	}
	text_fini(&a->item.told);
	registry_added_drop(a->item.added);
	free(a);
}

static int ask(struct zone_orders *o, struct adding *a, struct command_call *c)
{
	a->call = c;
	a->uid = c->uid;
	c->pending = a;
	c->forget = forget;
	a->ask.items = &a->item;
	a->ask.n = 1;
	a->ask.ctx = a;
	a->ask.done = done;
	zones_added_ask(o->opts.added, &a->ask);
	return COMMAND_LATER;
}

/* NULL: told. */
static struct adding *prepare(
	const struct zone_orders *o, const char *name, struct command_call *c)
{
	uint8_t apex[NAME_MOST];

	if (!zone_orders_name(name, apex, c->out))
		return NULL;
	if (view_is(apex)) {
		text_addf(c->out, "%s: a view is written in the configuration (\"for\"), and goes there, too\n", name);
		return NULL;
	}
	if (!o->opts.store) {
		text_add(c->out,
			"zones that are added are kept in a store, and there is none: write "
			"for "
			"example \"store: { file: /var/lib/waymark/waymark.db }\" into the "
			"configuration, and restart\n");
		return NULL;
	}
	struct adding *a = calloc(1, sizeof *a);
	if (!a) {
		text_add(c->out, "out of memory\n");
		return NULL;
	}
	memcpy(a->item.apex, apex, name_len(apex));
	return a;
}

int zone_orders_add(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const bool stored = command_take_word(words, &n, "--stored");

	if (n < 2 || n > 4)
		return 2;
	/* With one word behind the name it is a template, unless it is a path. */
	const bool only_file = n == 3 && strchr(words[2], '/');
	const char *template = n > 2 && !only_file ? words[2] : "",
		   *file = only_file ? words[2]
		: n == 4             ? words[3]
				     : "";
	if (*file && *file != '/') {
		text_addf(c->out, "%s: the server needs the whole path of a file\n", file);
		return 1;
	}
	struct adding *a = prepare(o, words[1], c);
	if (!a)
		return 1;
	a->item.resumes = stored;
	a->item.added = registry_added_new(&(struct registry_added){
		.template = template, .file = file, .uid = c->uid, .at_s = time(NULL) });
	return ask(o, a, c);
}

int zone_orders_remove(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const bool purges = command_take_word(words, &n, "--purge");

	if (n != 2)
		return 2;
	struct adding *a = prepare(ctx, words[1], c);
	if (!a)
		return 1;
	a->item.goes = true;
	a->item.purges = purges;
	return ask(ctx, a, c);
}
