/* zone_orders_promote.c - "zone promote NAME|--all TEMPLATE" and "zone demote NAME": a secondary becomes a primary
 * when its own is gone, and goes on from the version that it has.
 */
#include "base/log.h"
#include "base/memory.h"
#include "daemon/zone_orders_inner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAID_MOST = 100 };

/* Somebody waits for it. */
struct promoting {
	struct command_call *call; /* NULL: nobody does any more */
	struct zones_added_ask ask;
	unsigned uid;
	struct registry_added *as[2]; /* of zones that an operator added; of the configuration's. A count each; NULL */
	struct zones_added_item items[]; /* [ask.n] */
};

static void forget(struct command_call *c)
{
	((struct promoting *)c->pending)->call = NULL;
}

static void say(const struct zones_added_item *it, unsigned uid, struct text *out)
{
	char name[NAME_TEXT];

	view_text(name, it->apex);
	text_add(out, text_get(&it->told));
	if (!it->ok)
		return;
	if (it->demotes) {
		log_line(LOG_NOTICE, "zone %s is given back to its primary by the user %u, at the next reload",
			name, uid);
		text_addf(out, "%s: comes from its primary again at the next reload\n", name);
		return;
	}
	log_line(LOG_NOTICE, "zone %s is a primary one from serial %u on, by the user %u, template \"%s\"",
		name, it->serial, uid, it->added->template);
	text_addf(out, "%s: primary from serial %u on\n", name, it->serial);
}

static void done(void *ctx, struct zones_added_ask *ask, enum job_end end)
{
	struct promoting *p = ctx;
	struct text out = { 0 };
	bool ok = end == JOB_DONE;
	size_t n = 0;

	if (!ok)
		text_add(&out, end == JOB_NO_MEMORY ? "out of memory\n" : "the server stops\n");
	for (size_t i = 0; i < ask->n; i++) {
		struct zones_added_item *it = &p->items[i];
		if (end == JOB_DONE && (n < SAID_MOST || !it->ok)) {
			say(it, p->uid, &out);
			n++;
		}
		ok = ok && it->ok;
		text_fini(&it->told);
		registry_added_drop(it->added);
	}
	if (end == JOB_DONE && ask->n > SAID_MOST)
		text_addf(&out, "%zu zones in all\n", ask->n);
	if (p->call) {
		text_take(p->call->out, &out);
		p->call->done(p->call, ok ? 0 : 1);
	}
	text_fini(&out);
	registry_added_drop(p->as[0]);
	registry_added_drop(p->as[1]);
	free(p);
}

/* NULL: told. */
static struct promoting *prepare(const struct zone_orders *o, size_t n, struct command_call *c)
{
	if (!o->opts.store) {
		text_add(c->out, "which zones are primary ones is kept in a store, and there is none: write "
				 "for example \"store: { file: /var/lib/waymark/waymark.db }\" into the "
				 "configuration, and restart\n");
		return NULL;
	}
	struct promoting *p = calloc(1, sizeof *p + n * sizeof p->items[0]);
	if (!p) {
		text_add(c->out, "out of memory\n");
		return NULL;
	}
	p->call = c;
	p->uid = c->uid;
	p->ask.items = p->items;
	p->ask.ctx = p;
	p->ask.done = done;
	return p;
}

static int ask(const struct zone_orders *o, struct promoting *p, struct command_call *c)
{
	c->pending = p;
	c->forget = forget;
	zones_added_ask(o->opts.added, &p->ask);
	return COMMAND_LATER;
}

static void add(struct promoting *p, const uint8_t *apex, const struct registry_zone *z,
	const char *template)
{
	struct zones_added_item *it = &p->items[p->ask.n++];

	memcpy(it->apex, apex, name_len(apex));
	it->promotes = it->resumes = true;
	struct registry_added **as = &p->as[!z || !z->added];
	if (!*as)
		*as = registry_added_new(&(struct registry_added){ .template = template,
			.file = "",
			.uid = p->uid,
			.at_s = time(NULL),
			.promoted = as == &p->as[1] });
	part_hold(&(*as)->part);
	it->added = *as;
}

/* False: told. */
static bool take_name(const char *text, uint8_t to[static NAME_MOST], struct text *out)
{
	if (!zone_orders_name(text, to, out))
		return false;
	if (view_is(to))
		text_addf(out,
			"%s: a view is what its entry in the configuration says: write a \"file\" there in the "
			"place of \"primary\"\n",
			text);
	return !view_is(to);
}

/* Those that the configuration names, or an operator has added. */
static bool is_ours(const struct registry_zone *z)
{
	return z->source == REGISTRY_PRIMARY && !(z->added && z->added->catalog) && !view_is(z->origin);
}

int zone_orders_promote(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const struct registry *zones = publisher_live(o->opts.publisher)->zones;
	const bool all = command_take_word(words, &n, "--all");
	uint8_t apex[NAME_MOST];
	size_t many = 1;

	if (n != (all ? 2 : 3))
		return 2;
	if (!all && !take_name(words[1], apex, c->out))
		return 1;
	for (size_t i = 0; all && i < zones->n; i++)
		many += is_ours(zones->zones[i]);
	struct promoting *p = prepare(o, many, c);
	if (!p)
		return 1;
	for (size_t i = 0; all && i < zones->n; i++)
		if (is_ours(zones->zones[i]))
			add(p, zones->zones[i]->origin, zones->zones[i], words[1]);
	if (!all)
		add(p, apex, registry_find(zones, apex), words[2]);
	if (p->ask.n)
		return ask(o, p, c);
	free(p);
	text_add(c->out, "no zone is a secondary\n");
	return 1;
}

int zone_orders_demote(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	uint8_t apex[NAME_MOST];

	if (n != 2)
		return 2;
	struct promoting *p = take_name(words[1], apex, c->out) ? prepare(o, 1, c) : NULL;
	if (!p)
		return 1;
	memcpy(p->items[0].apex, apex, name_len(apex));
	p->items[0].goes = p->items[0].demotes = true;
	p->ask.n = 1;
	return ask(o, p, c);
}
