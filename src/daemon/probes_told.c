/* probes_told.c - operators and programs say how edges are, for probes of kind external.
 */
#include "base/clock.h"
#include "base/who.h"
#include "daemon/probes_inner.h"
#include "steer/forced.h"

#include <string.h>
#include <time.h>

#define FRESH_US 1000000u /* what is only fresh again is on the disk so soon */

/* In what is served, or in the stage. */
static const struct probe_opts *find_probe(const struct probes *p, const char *name)
{
	const struct parts *stage = publisher_staged(p->opts.publisher);
	const struct probe_opts *found = conf_external(probes_conf(p), name);

	return found || !stage ? found : conf_external(parts_conf(stage), name);
}

/* The one that is told by command; NULL, and why: which? */
static const struct probe_opts *only_probe(const struct probes *p, struct fault *why)
{
	const struct conf *c = probes_conf(p);
	const struct probe_opts *found = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < c->n_probes; i++)
		if (c->probes[i].kind == PROBE_EXTERNAL && !c->probes[i].file) {
			found = &c->probes[i];
			n++;
		}
	if (n == 1)
		return found;
	fault(why, n ? "which probe? Give --probe NAME: %u are of kind external"
		     : "the configuration has no probe of kind external that is told by command", n);
	return NULL;
}

static const struct probe_opts *which(
	const struct probes *p, const char *name, struct fault *why)
{
	if (!name)
		return only_probe(p, why);
	const struct probe_opts *found = find_probe(p, name);
	if (!found)
		fault(why, "there is no probe \"%s\" of kind external", name);
	else if (found->file)
		fault(why, "probe %s is told by its file, %s", name, found->file);
	else
		return found;
	return NULL;
}

/* The names that are meant, of what is served and of the stage, each once. */
static size_t count_edges(const struct probes *p, const char *words,
	void (*take)(void *ctx, const char *edge), void *ctx)
{
	const struct parts *stage = publisher_staged(p->opts.publisher);
	const struct steer *live = publisher_live(p->opts.publisher)->steer;
	size_t n = 0;

	for (unsigned i = 0; i < live->n_origins; i++)
		if (forced_matches(words, live->edges[i].name)) {
			take(ctx, live->edges[i].name);
			n++;
		}
	for (unsigned i = 0; stage && i < stage->steer->n_origins; i++) {
		const char *name = stage->steer->edges[i].name;
		if (forced_matches(words, name) && steer_edge(live, name) < 0) {
			take(ctx, name);
			n++;
		}
	}
	return n;
}

struct telling {
	struct probes *p;
	const struct probes_tell *ask;
	const struct probe_opts *probe;
	struct text *out;
	const char *who;
	bool full;
};

static void say_one(const struct telling *t, const char *edge, int targets, uint64_t for_ms)
{
	text_addf(t->out, "%s: told %s for probe %s", edge, t->ask->state, t->probe->name);
	if (for_ms)
		text_addf(t->out, ", good for %llu s", (unsigned long long)((for_ms + 999) / 1000));
	if (!targets)
		text_add(t->out, "; no pool asks it by that probe");
	text_add_char(t->out, '\n');
}

/* Is that what was told already? Then it is fresh again, and no more. */
static bool is_known(const struct telling *t, const char *edge)
{
	const struct probes_tell *ask = t->ask;
	const struct addr none = { { 0 } };
	const struct external_verdict *v = externals_find(round_externals(t->p->round), t->probe->name,
		edge, ask->addr ? ask->addr : &none);

	return v && v->one == (ask->addr != NULL) && v->up == (strcmp(ask->state, "up") == 0) &&
		strcmp(v->why, ask->why) == 0 && v->until_us > clock_us();
}

static void tell_one(void *ctx, const char *edge)
{
	struct telling *t = ctx;
	const struct probes_tell *ask = t->ask;

	if (strcmp(ask->state, "none") == 0) {
		const size_t n = round_untell(t->p->round, t->probe->name, edge, ask->addr);
		t->p->told_news = t->p->told_news || n;
		text_addf(t->out, n ? "%s: told no more\n" : "%s: nothing was told\n", edge);
		return;
	}
	const uint64_t for_ms = ask->for_ms ? ask->for_ms : t->probe->expires_ms;
	t->p->told_news = t->p->told_news || !is_known(t, edge);
	const int n = round_tell(t->p->round,
		&(struct external_verdict){ .probe = (char *)(uintptr_t)t->probe->name,
			.edge = (char *)(uintptr_t)edge,
			.one = ask->addr != NULL,
			.addr = ask->addr ? *ask->addr : (struct addr){ { 0 } },
			.up = strcmp(ask->state, "up") == 0,
			.why = (char *)(uintptr_t)ask->why,
			.who = (char *)(uintptr_t)t->who,
			.load = ask->load,
			.when_s = time(NULL),
			.until_us = for_ms ? clock_us() + for_ms * 1000 : UINT64_MAX });
	t->full = t->full || n < 0;
	if (n >= 0)
		say_one(t, edge, n, for_ms);
}

bool probes_tell(struct probes *p, const struct probes_tell *ask, struct text *out, struct fault *why)
{
	char who[WHO_TEXT];
	struct telling t = { .p = p, .ask = ask, .out = out, .who = who_text(who, ask->uid) };

	t.probe = which(p, ask->probe, why);
	if (!t.probe)
		return false;
	if (!count_edges(p, ask->edge, tell_one, &t))
		return fault(why, "there is no edge \"%s\" (\"waymarkctl edges\" lists them)", ask->edge);
	if (t.full)
		return fault(why, "more than %d verdicts; not all of this was taken", EXTERNALS_MOST);
	return true;
}

void probes_keep_told(
	struct probes *p, void (*told)(void *ctx, const struct fault *why), void *ctx)
{
	const bool news = p->told_news;

	p->told_news = false;
	p->forced_changed = true; /* it stands beside what is forced */
	if (news && probes_are_kept(p)) {
		probes_save(p, told, ctx);
		return;
	}
	if (probes_are_kept(p))
		probes_set_timer(p, &p->save, p->saved_us + FRESH_US);
	told(ctx, NULL);
}

const struct externals *probes_externals(const struct probes *p)
{
	return round_externals(p->round);
}
