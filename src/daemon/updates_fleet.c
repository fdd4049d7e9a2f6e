#include "daemon/updates_inner.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "zone/history.h"
#include "zone/serial.h"
#include "zone/view.h"
#include "zone/zone_with.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 32 }; /* behind others, before it is given up: each time one of them was served */

/* One zone of the batch. */
struct turn {
	struct updates *u;
	const uint8_t *apex; /* a request's or an own's */
	struct fleet_journal journal;
	struct fault why;
};

/* --- whose it is -------------------------------------------------------------------------- */

static bool is_first(const struct updates *u, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (name_equal(updates_apex(&u->made.list[i]), updates_apex(&u->made.list[at])))
			return false;
	return true;
}

bool updates_fleet_is_whole(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_pulled; i++)
		if (!u->made.pulled[i].change && !u->made.pulled[i].was && name_equal(zone_id(u->made.pulled[i].is), apex))
			return true;
	return false;
}

/* --- what has come of a batch ------------------------------------------------------------- */

/* Of what is served, and of nothing else: who has its place in memory is another. */
static void know_moved(struct updates *u, bool served)
{
	for (size_t i = 0; i < u->made.n_moved; i++) {
		const struct zone *is = u->made.moved[i].is;
		size_t last = u->made.n_known;
		while (last > 0 && !name_equal(u->made.known[last - 1].id, zone_id(is)))
			last--;
		if (last > 0)
			updates_know(u, is, u->made.known[last - 1].is);
	}
	for (size_t i = 0; u->made.n_pulled && !served && i < u->made.n_known; i++)
		u->made.known[i].of = NULL;
}

void updates_fleet_done(struct updates *u, bool served)
{
	know_moved(u, served);
	updates_remember(u);
	updates_put_snapshot(u);
	u->counts.committed += u->made.n_committed;
	u->counts.again += u->made.again;
	u->counts.taken += u->made.taken;
	for (size_t i = 0; u->opts.committed && i < u->made.n_committed; i++)
		u->opts.committed(u->opts.ctx, u->made.committed[i]);
	if (u->opts.keys_changed && u->made.keys_changed)
		u->opts.keys_changed(u->opts.ctx);
}

/* --- the batch ---------------------------------------------------------------------------- */

static void undo_one(struct asked *a)
{
	change_free(a->change);
	zone_drop(a->was);
	zone_drop(a->is);
	a->change = NULL;
	a->was = a->is = NULL;
	a->rcode = RCODE_NOERROR;
	a->why = (struct fault){ 0 };
	if (a->own)
		text_fini(&a->own->told);
}

/* All of the zone again, upon what it is by now. */
static void make_again(struct turn *t)
{
	struct updates *u = t->u;

	u->made.again++;
	for (size_t i = 0; i < u->made.n; i++)
		if (name_equal(updates_apex(&u->made.list[i]), t->apex))
			undo_one(&u->made.list[i]);
	for (size_t i = 0; i < u->made.n; i++) {
		if (!name_equal(updates_apex(&u->made.list[i]), t->apex))
			continue;
		if (u->made.list[i].own)
			updates_make_own(u, i);
		else
			updates_make_one(u, i);
	}
}

/* What would have been said of a version that may not be the last. */
static bool is_of_version(unsigned rcode)
{
	return rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN || rcode == RCODE_YXDOMAIN || rcode == RCODE_YXRRSET ||
		rcode == RCODE_NXRRSET;
}

static void fail_zone(struct turn *t)
{
	struct updates *u = t->u;

	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!name_equal(updates_apex(a), t->apex) || !is_of_version(a->rcode))
			continue;
		undo_one(a);
		a->rcode = RCODE_SERVFAIL;
		a->why = t->why;
	}
}

/* Whoever asked how far it is. */
static void tell_followers(struct turn *t, bool in_step, bool none)
{
	for (size_t i = 0; i < t->u->made.n; i++) {
		struct updates_own *own = t->u->made.list[i].own;
		if (!own || !(own->follows || own->signs) || !name_equal(own->apex, t->apex))
			continue;
		own->in_step = in_step;
		own->none = none;
	}
}

/* --- what others have committed ----------------------------------------------------------- */

static struct zone *base_of(const struct turn *t)
{
	return updates_newest(t->u, 0, t->apex);
}

/* Takes both. */
static void add_pulled(struct turn *t, struct change *c, struct zone *was, struct zone *is)
{
	struct updates *u = t->u;

	if (was)
		zone_hold(was);
	u->made.pulled = memory_grow(u->made.pulled, (u->made.n_pulled + 1) * sizeof *u->made.pulled);
	u->made.pulled[u->made.n_pulled++] = (struct pulled){ c, was, is, false };
	u->made.taken++;
}

static struct compile_opts compile_opts(const struct turn *t)
{
	return zone_pools_compile_opts(parts_conf(&t->u->made.v.live), t->u->opts.key);
}

/* The zone after those steps, and the change to there; both the caller's. NULL: why. */
static struct zone *after_steps(struct turn *t, const struct zone *from, struct fleet_steps *s, struct change **to)
{
	struct faults f;
	struct zone *z = NULL;

	*to = change_join((const struct change *const *)s->of, s->n, &t->why);
	if (!*to)
		return NULL;
	faults_init(&f);
	z = zone_with(from, *to, &(struct zone_with_opts){ .compile = compile_opts(t) }, &f);
	if (!z) {
		const char *text = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		fault(&t->why, "what other servers have made of it is not taken here: %.*s", (int)strcspn(text, "\n"), text);
		change_free(*to);
		*to = NULL;
	}
	faults_fini(&f);
	return z;
}

static bool take_steps(struct turn *t, struct fleet_steps *s)
{
	struct zone *base = base_of(t);
	struct change *c = NULL;
	struct zone *z = after_steps(t, base, s, &c);

	if (z) {
		updates_know(t->u, z, s->to[s->n - 1]);
		add_pulled(t, c, base, z);
	}
	fleet_steps_fini(s);
	return z != NULL;
}

/* All steps behind a snapshot. Takes `z`; NULL: why. */
static struct zone *go_on(struct turn *t, struct zone *z, struct fleet_version *v)
{
	enum fleet_journal_result is = FLEET_JOURNAL_BEHIND;

	while (z && is == FLEET_JOURNAL_BEHIND) {
		struct fleet_steps s;
		struct change *c = NULL;
		is = fleet_journal_read(&t->journal, *v, &s, &t->why);
		if (is == FLEET_JOURNAL_APART)
			fault(&t->why, "the fleet's journal has no way from its snapshot");
		if (is != FLEET_JOURNAL_BEHIND)
			break;
		*v = s.to[s.n - 1];
		struct zone *next = after_steps(t, z, &s, &c);
		fleet_steps_fini(&s);
		change_free(c);
		zone_drop(z);
		z = next;
	}
	if (z && is != FLEET_JOURNAL_DONE) {
		zone_drop(z);
		z = NULL;
	}
	return z;
}

static bool take_snapshot(struct turn *t)
{
	const struct compile_opts opts = compile_opts(t);
	struct zone *base = base_of(t);
	struct fleet_version v;
	char name[NAME_TEXT];
	struct zone *z = go_on(t, fleet_journal_get(&t->journal, &opts, &v, &t->why), &v);

	if (!z)
		return false;
	updates_know(t->u, z, v);
	if (!zone_is_ready(base)) {
		add_pulled(t, NULL, NULL, z);
		return true;
	}
	struct change *c = serial_is_newer(z->serial, base->serial) ? change_between(base, z, &t->why) : NULL;
	if (c) {
		log_line(LOG_WARNING, "zone %s: serial %u here is none of the fleet's: what the fleet has is taken, serial %u",
			view_text(name, t->apex), base->serial, z->serial);
		add_pulled(t, c, base, z);
		return true;
	}
	if (!serial_is_newer(z->serial, base->serial))
		fault(&t->why,
			"serial %u here is not older than serial %u, which the fleet has, and is another zone (to have the "
			"fleet's: take the zone out, \"zone purge\" it, and put it in again without \"file\")",
			base->serial, z->serial);
	zone_drop(z);
	return false;
}

/* --- what is committed -------------------------------------------------------------------- */

static bool wants_to_begin(const struct turn *t)
{
	for (size_t i = 0; i < t->u->made.n; i++) {
		const struct updates_own *own = t->u->made.list[i].own;
		if (own && own->begins && name_equal(own->apex, t->apex))
			return true;
	}
	return false;
}

static void add_committed(struct turn *t)
{
	struct updates *u = t->u;

	u->made.committed = memory_grow(u->made.committed, (u->made.n_committed + 1) * sizeof(*u->made.committed));
	u->made.committed[u->made.n_committed++] = t->apex;
}

/* What the file has said is the store's from now on, as it is in the fleet. */
static bool store_whole(struct turn *t, const struct zone *z)
{
	struct store *s = t->u->opts.store;
	uint32_t serial;

	if (store_has(s, t->apex, &serial, &t->why))
		return !store_is_of_file(s, t->apex) || store_put(s, z, &(struct store_timers){ 0 }, &t->why);
	return !*t->why.text && store_put(s, z, &(struct store_timers){ 0 }, &t->why);
}

/* The fleet has nothing of it: what is here is where it begins. True: done with, or to be tried again. */
static bool begin_journal(struct turn *t, const struct zone *z, struct fleet_version v)
{
	if (!wants_to_begin(t)) {
		tell_followers(t, false, true);
		return fault(&t->why, "the fleet has nothing of the zone yet");
	}
	return fleet_journal_begin(&t->journal, z, v, &t->why) != FLEET_JOURNAL_FAILED;
}

/* What the batch has made of it is one step here, as it is for all others. Takes the change. */
static void condense(struct turn *t, struct change *c, struct zone *base, struct zone *last)
{
	struct updates *u = t->u;

	for (size_t i = 0; i < u->made.n; i++) {
		struct asked *a = &u->made.list[i];
		if (!a->change || !name_equal(updates_apex(a), t->apex))
			continue;
		change_free(a->change);
		a->change = NULL;
	}
	zone_hold(last);
	add_pulled(t, c, base, last);
	u->made.taken--;
}

/* The engine may have lost the last of what was committed (it was not on its disk, or not on the replica that is the
 * master now): what it has is a version that was here before, and what led on from there is known. */
static bool commit_again(struct turn *t, const struct zone *base, struct fleet_version have)
{
	const struct history *h = base->history;
	const size_t from = h ? history_find(h, have.serial) : 0;
	const struct change *list[HISTORY_STEPS_MOST];
	struct fleet_commit c = { .from = have, .to = updates_version(t->u, base) };
	struct fleet_steps s;
	char name[NAME_TEXT];

	if (!h || from == h->n)
		return false;
	for (size_t i = from; i < h->n; i++)
		list[i - from] = h->steps[i]->change;
	struct change *all = change_join(list, h->n - from, &t->why);
	if (!all)
		return false;
	c.change = all;
	const bool fits = fleet_version_same(fleet_version_after(have, all), c.to);
	const bool ok = fits && fleet_journal_commit(&t->journal, &c, &s, &t->why) == FLEET_JOURNAL_DONE;
	if (fits && !ok)
		fleet_steps_fini(&s); /* another was first: that is seen at the next look */
	change_free(all);
	if (ok)
		log_line(LOG_WARNING,
			"zone %s: the fleet's Redis had lost what led from serial %u to %u; it is committed there again",
			view_text(name, t->apex), have.serial, c.to.serial);
	return fits;
}

/* What the batch has made of it, as one; NULL: why. Not what lies between the two zones: that is to look at all of both. */
static struct change *all_changes(struct turn *t)
{
	struct updates *u = t->u;
	const struct change **list = memory_zeroed(u->made.n, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < u->made.n; i++)
		if (u->made.list[i].change && name_equal(updates_apex(&u->made.list[i]), t->apex))
			list[n++] = u->made.list[i].change;
	struct change *all = change_join(list, n, &t->why);
	memory_free(list);
	return all;
}

static enum fleet_journal_result commit(struct turn *t, struct zone *base, struct zone *last, struct fleet_steps *s)
{
	struct fleet_commit c = { .from = updates_version(t->u, base),
		.change = all_changes(t),
		.keys = base->denial || last->denial ? &updates_signer(t->u, t->apex)->version : NULL };
	struct change *change = (struct change *)(uintptr_t)c.change;

	if (!change)
		return FLEET_JOURNAL_FAILED;
	c.to = fleet_version_after(c.from, change);
	const enum fleet_journal_result is = fleet_journal_commit(&t->journal, &c, s, &t->why);
	if (is != FLEET_JOURNAL_DONE) {
		change_free(change);
		return is;
	}
	updates_know(t->u, last, c.to);
	condense(t, change, base, last);
	add_committed(t);
	if (c.wants_snapshot && !t->u->made.due.zone) {
		zone_hold(last);
		t->u->made.due = (struct snapshot){ last, c.to };
	}
	return is;
}

/* Once to the engine and back. True: it is done with, well or not (`ok`). */
static bool step(struct turn *t, bool *ok)
{
	struct zone *base = base_of(t), *last = updates_newest(t->u, t->u->made.n, t->apex);
	struct fleet_steps s = { .of = NULL };
	enum fleet_journal_result is;

	*ok = true;
	if (!zone_is_ready(base))
		is = FLEET_JOURNAL_APART;
	else if (last == base)
		is = fleet_journal_read(&t->journal, updates_version(t->u, base), &s, &t->why);
	else
		is = commit(t, base, last, &s);
	if (is == FLEET_JOURNAL_DONE) {
		*ok = last != base || updates_sync_keys(t->u, t->apex, s.keys, &t->why);
		return true;
	}
	if (is == FLEET_JOURNAL_KEYS)
		*ok = updates_sync_keys(t->u, t->apex, s.keys, &t->why);
	else if (is == FLEET_JOURNAL_NONE)
		*ok = begin_journal(t, base, updates_version(t->u, base));
	else if (is == FLEET_JOURNAL_BEHIND)
		*ok = take_steps(t, &s);
	else
		*ok = is == FLEET_JOURNAL_APART &&
			((zone_is_ready(base) && commit_again(t, base, s.last)) || take_snapshot(t));
	if (*ok)
		make_again(t);
	return !*ok;
}

/* What stood in its file is stored whole before anything is upon it: that file is not looked at any more. At the first
 * look since the start. */
static bool is_stored(struct turn *t)
{
	const struct zone *z = base_of(t);

	return !zone_is_ready(z) || updates_find_known(t->u, z) || store_whole(t, z);
}

static void work_zone(struct updates *u, const uint8_t *apex)
{
	struct turn t = { .u = u, .apex = apex };
	bool ok = true, done = false;

	if (!fleet_journal_open(&t.journal, u->opts.fleet, apex)) {
		fault(&t.why, "this server is of no fleet");
		fail_zone(&t);
		return;
	}
	ok = is_stored(&t);
	for (unsigned i = 0; ok && !done && i < TRIES; i++)
		done = step(&t, &ok);
	if (ok && !done)
		fault(&t.why, "other servers change it at the same time");
	if (ok && done)
		tell_followers(&t, true, false);
	else
		fail_zone(&t);
}

void updates_fleet_work(struct updates *u)
{
	for (size_t i = 0; i < u->made.n; i++)
		if (is_first(u, i))
			work_zone(u, updates_apex(&u->made.list[i]));
	/* By what each is signed: who stores it takes nothing of the ring. */
	for (size_t i = 0; i < u->made.n_pulled; i++)
		if (u->made.pulled[i].is->denial)
			updates_signer(u, zone_id(u->made.pulled[i].is));
}
