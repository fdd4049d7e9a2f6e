#include "daemon/reload.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/restart.h"
#include "daemon/versions.h"

#include <stdlib.h>
#include <time.h>

struct reloader {
	struct reloader_opts opts;
	struct reload_state state;
};

struct reading {
	struct build build;
	struct reloader *owner;
	struct reload_made how;
	struct parts before; /* held */
	struct parts made;
	struct pool_signatures *signatures; /* held */
	bool ok;
	struct parts now; /* held: what was served when it was made */
	bool met;         /* `made` has all that came meanwhile */
	bool again;       /* a zone has changed both here and meanwhile */
	struct faults faults;
	struct zones_change zones;
};

static bool begin(void *ctx)
{
	struct reading *x = ctx;

	x->before = x->how.before(x->how.ctx);
	x->signatures = pool_signing_hold(x->owner->opts.signing);
	return true;
}

/* Of what was read: may it be served in the place of what is? */
static bool may_follow(struct reading *x)
{
	const struct conf *next = parts_conf(&x->made);
	const struct fault_at at = { .path = next->path };

	zones_change_find(&x->zones, x->before.zones, x->made.zones);
	return restart_check(next, parts_conf(&x->before), &x->faults) &&
		(x->how.force ||
			zones_change_check(&x->zones, next->zones_lost, &at, &x->faults)) &&
		(!x->how.also || x->how.also(x->how.ctx, &x->made, &x->faults));
}

/* Before it is served. What is not signed here for want of memory is signed when it is asked for. */
static void sign_ahead(const struct reading *x, const struct parts *made, struct job *job)
{
	const bool same = made->steer == x->before.steer;
	struct pool_signing_sum sum = { 0 };

	pool_signing_ahead(x->signatures,
		&(struct pool_signing_of){ made->zones, same ? x->before.zones : NULL,
			made->steer, made->numbers, job },
		&sum);
}

static bool read_parts(const struct reading *x, const struct parts *before, struct parts *made,
	struct job *job, struct faults *f)
{
	struct reloader_opts *o = &x->owner->opts;

	return parts_read(made,
		&(struct parts_read_opts){ .path = o->conf_path,
			.key = o->key,
			.before = before,
			.job = job,
			.store = o->store ? &o->store : NULL,
			/* A stage signs with the keys that are served, and keeps nothing. */
			.ring = o->ring && x->how.beside ? &o->ring : NULL },
		f);
}

static void work(void *ctx, struct job *job)
{
	struct reading *x = ctx;

	x->ok = read_parts(x, &x->before, &x->made, job, &x->faults);
	if (x->ok && !may_follow(x)) {
		parts_drop(&x->made);
		x->ok = false;
	}
	if (x->ok && !x->how.also)
		sign_ahead(x, &x->made, job);
}

/* --- zones that have changed meanwhile ---------------------------------------------------- */

static bool meets(void *ctx)
{
	struct reading *x = ctx;

	if (x->ok)
		x->now = x->how.before(x->how.ctx);
	x->met = !x->ok || x->now.zones == x->before.zones;
	return !x->met;
}

/* What is served, of a zone that is read from where it was. NULL: it is not. */
static struct registry_zone *as_served(struct reading *x, const struct registry_zone *now)
{
	const struct registry_zone *made = registry_find(x->made.zones, now->origin);
	struct registry_zone to = { .origin = NULL };

	if (!made || (made->source != now->source && made->state != REGISTRY_FAULTY))
		return NULL;
	x->again = x->again || made != registry_find(x->before.zones, now->origin);
	/* A faulty one has what was served, and says why. */
	part_copy(&to, made->state == REGISTRY_FAULTY ? made : now, sizeof to);
	to.path = made->path;
	to.added = made->added;
	registry_zone_goes_on(&to, now);
	return registry_zone_new(&to);
}

/* Entries that are others than they were when it began. Both registries ascend. */
static size_t find_changed(struct reading *x, struct registry_zone **to)
{
	const struct registry *was = x->before.zones, *now = x->now.zones;
	size_t n = 0;

	for (size_t i = 0, k = 0; i < now->n; i++) {
		int d = -1;
		if (k < was->n && was->zones[k] == now->zones[i]) {
			k++;
			continue;
		}
		while (k < was->n &&
			(d = registry_compare(was->zones[k]->origin, now->zones[i]->origin)) < 0)
			k++;
		if ((k == was->n || d != 0 || was->zones[k] != now->zones[i]) &&
			(to[n] = as_served(x, now->zones[i])))
			n++;
		k += d == 0;
	}
	return n;
}

/* What was read of a zone follows upon what was served then, and now is to follow upon what is: only such
 * zones are read, for all else is what it was a moment ago. Nothing changes zones meanwhile. */
static bool read_again(struct reading *x, struct parts *to, struct job *job)
{
	struct parts made = { 0 };
	struct faults f;

	faults_init(&f);
	if (!read_parts(x, to, &made, job, &f) ||
		!restart_check(parts_conf(&made), parts_conf(&x->before), &f)) {
		parts_drop(&made);
		faults_fini(&x->faults);
		x->faults = f;
		return false;
	}
	faults_fini(&f); /* they are told already */
	if (!x->how.also)
		sign_ahead(x, &made, job);
	parts_drop(to);
	*to = made;
	return true;
}

/* What has changed a zone is newer than what was read. */
static bool meet_changed(struct reading *x, struct parts *to)
{
	struct registry *zones;
	struct pool_numbers *numbers;
	struct fault why;

	struct registry_zone **changed = memory_zeroed(x->now.zones->n, sizeof(*changed));
	const size_t n = find_changed(x, changed);
	const bool ok = versions_make(to, NULL, changed, n, &zones, &numbers, &why);
	for (size_t i = 0; i < n; i++)
		registry_zone_drop(changed[i]);
	memory_free(changed);
	if (!ok) {
		faults_take(&x->faults, &why);
		return false;
	}
	registry_drop(to->zones);
	pool_numbers_drop(to->numbers);
	to->zones = zones;
	to->numbers = numbers;
	return true;
}

/* What was made before is let go of last: when memory ends here, it is what there is. */
static void meet(void *ctx, struct job *job)
{
	struct reading *x = ctx;
	struct parts next = parts_hold(&x->made);

	x->ok = meet_changed(x, &next) && (!x->again || read_again(x, &next, job));
	struct parts first = x->made;
	x->made = next;
	parts_drop(&first);
	x->met = true;
}

static void end(void *ctx, enum job_end end)
{
	struct reading *x = ctx;
	const struct fault_at nowhere = { 0 };

	if (end == JOB_DONE && x->build.meet && !x->met) {
		faults_error(&x->faults, &nowhere, "out of memory, or the server stops");
		x->ok = false;
	}
	if (end != JOB_DONE) {
		x->made = (struct parts){ 0 };
		x->ok = false;
		faults_fini(&x->faults);
		faults_init(&x->faults);
		faults_error(&x->faults, &nowhere, "%s",
			end == JOB_NO_MEMORY ? "out of memory" : "the server stops");
	}
	x->how.told(x->how.ctx, x->ok ? &x->made : NULL, &x->faults, &x->zones);
	faults_fini(&x->faults);
	zones_change_fini(&x->zones);
	publisher_let_go(x->owner->opts.publisher, &x->made);
	publisher_let_go(x->owner->opts.publisher, &x->before);
	publisher_let_go(x->owner->opts.publisher, &x->now);
	pool_signatures_drop(x->signatures);
	free(x);
}

bool reload_read(struct reloader *r, const char *name, const struct reload_made *how)
{
	struct reading *x = calloc(1, sizeof *x);

	if (!x)
		return false;
	x->owner = r;
	x->how = *how;
	x->build = (struct build){
		.name = name, .ctx = x, .begin = begin, .work = work, .end = end,
		.beside = how->beside, .meets = meets, .meet = how->beside ? meet : NULL
	};
	faults_init(&x->faults);
	builder_ask(r->opts.builder, &x->build);
	return true;
}

/* --- all of it ---------------------------------------------------------------------------- */

struct all {
	struct reloader *owner;
	struct reload_done done;
};

static struct parts live(void *ctx)
{
	const struct all *a = ctx;

	return parts_hold(publisher_live(a->owner->opts.publisher));
}

/* The zones that a stage is not about would change under it. */
static bool no_stage(void *ctx, struct faults *f)
{
	const struct all *a = ctx;
	const struct reloader_opts *o = &a->owner->opts;

	return !publisher_staged(o->publisher) ||
		faults_error(f, &(struct fault_at){ 0 },
			"a stage is on: \"reload --promote\" or \"reload --rollback\" comes "
			"first, or \"reload --stage SHARE\" to stage what the file has now");
}

static void told(
	void *ctx, struct parts *made, struct faults *f, const struct zones_change *zones)
{
	struct all *a = ctx;
	struct reloader *r = a->owner;

	if (made && !no_stage(a, f))
		made = NULL;
	r->state = (struct reload_state){ time(NULL), made != NULL, f->errors };
	if (made) {
		publisher_take(r->opts.publisher, made);
		publisher_now(r->opts.publisher);
	}
	a->done.told(a->done.ctx, &(struct reload_result){ r->state.taken, f, zones });
	free(a);
}

bool reload_all(struct reloader *r, bool force, const struct reload_done *done)
{
	struct all *a = malloc(sizeof *a);

	if (!a)
		return false;
	*a = (struct all){ r, *done };
	if (reload_read(r, "reload", &(struct reload_made){ a, force, live, NULL, true, told }))
		return true;
	free(a);
	return false;
}

struct reload_state reload_state(const struct reloader *r)
{
	return r->state;
}

struct reloader *reloader_new(const struct reloader_opts *opts)
{
	struct reloader *r = memory_zeroed(1, sizeof *r);

	r->opts = *opts;
	return r;
}

void reloader_free(struct reloader *r)
{
	memory_free(r);
}
