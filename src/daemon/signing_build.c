/* What was signed takes its place in the store and among what is served. */
#include "daemon/signing_inner.h"

#include "base/memory.h"
#include "daemon/versions.h"
#include "zone/history.h"

#include <string.h>
#include <time.h>

bool signing_build_begin(void *ctx)
{
	struct signing *s = ctx;

	versions_end(&s->made.v, s->opts.publisher); /* of the look */
	versions_begin(&s->made.v, s->opts.publisher);
	s->made.now_s = time(NULL);
	return true;
}

/* Is the zone still what it was made of? */
static bool fits(const struct signing *s, const struct signing_piece *p)
{
	return !p->late && !p->elsewhere && registry_find(s->made.v.live.zones, p->of->origin) == p->of;
}

/* Those that fit, in one transaction; where that cannot be, each by itself. */
static void store_pieces(struct signing *s)
{
	struct zone_signing_step *steps = memory_zeroed(s->made.n, sizeof *steps);
	const struct zone_signing how = { .store = s->opts.store };
	size_t n = 0;

	for (size_t i = 0; i < s->made.n; i++) {
		struct signing_piece *p = &s->made.list[i];
		p->fits = fits(s, p);
		if (p->fits && p->change)
			steps[n++] = (struct zone_signing_step){
				p->how.which, p->change, p->made, &p->fits
			};
	}
	struct fault why = { 0 };
	zone_signing_store(&how, steps, n, &why);
	for (size_t i = 0; *why.text && i < s->made.n; i++)
		if (!s->made.list[i].fits && s->made.list[i].change &&
			fits(s, &s->made.list[i])) {
			signing_fail(s, s->made.list[i].of, &why);
			break; /* of all of them the same is wrong */
		}
	memory_free(steps);
}

static struct registry_zone *entry_of(struct signing_piece *p)
{
	struct zone *made = p->made ? p->made : p->of->load.zone;
	struct registry_zone to = { .origin = NULL };

	part_copy(&to, p->of, sizeof to);
	if (p->change)
		history_give(made, p->of->load.zone, p->change);
	p->change = NULL;
	zone_hold(made);
	to.load = load_with(&p->of->load, made);
	to.keys = p->keys;
	to.keys_due = p->due;
	to.plain_due = false;
	to.plain = p->keys ? p->of->plain : NULL;
	if (zone_is_ready(made) && (to.state == REGISTRY_WAITS || to.state == REGISTRY_EMPTY))
		to.state = REGISTRY_READY;
	return registry_zone_new(&to);
}

void signing_build_work(void *ctx, struct job *job)
{
	struct signing *s = ctx;
	struct fault why;
	size_t n = 0;

	if (s->made.in_line)
		signing_look(s, job);
	store_pieces(s);
	struct registry_zone **list = memory_zeroed(s->made.n, sizeof(*list));
	for (size_t i = 0; i < s->made.n; i++)
		if (s->made.list[i].fits)
			list[n++] = entry_of(&s->made.list[i]);
	if (n)
		versions_build(&s->made.v, list, n, &why);
	while (n)
		registry_zone_drop(list[--n]);
	memory_free(list);
}
