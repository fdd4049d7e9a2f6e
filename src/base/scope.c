#include "base/scope.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SLOTS_FIRST = 64 };

/* Slots are found by the pointer, from its hash on; at most half of them are in use. */
struct scope_entry {
	void *p;          /* NULL: a free slot */
	scope_drop *drop; /* NULL: a block of memory */
	size_t n;         /* how many times it is held; of a block, its pages' bytes or 0 */
};

struct scope {
	struct scope *outer;
	struct scope_kept has;
	bool undoing;
	const bool *stop; /* atomic; NULL: it is to come to its end */
	jmp_buf back;
};

static _Thread_local struct scope *current;

/* --- the table ---------------------------------------------------------------------------- */

static size_t first_slot(const struct scope_kept *k, uintptr_t p)
{
	return (size_t)((p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (k->slots - 1);
}

static struct scope_entry *find(const struct scope_kept *k, uintptr_t p, scope_drop *drop)
{
	if (!k->n)
		return NULL;
	for (size_t i = first_slot(k, p); k->slot[i].p; i = (i + 1) & (k->slots - 1))
		if ((uintptr_t)k->slot[i].p == p && k->slot[i].drop == drop)
			return &k->slot[i];
	return NULL;
}

/* There is room. A block is there once, however often it comes. */
static void put(struct scope_kept *k, struct scope_entry e)
{
	struct scope_entry *known = find(k, (uintptr_t)e.p, e.drop);
	size_t i = first_slot(k, (uintptr_t)e.p);

	if (known) {
		known->n = e.drop ? known->n + e.n : e.n;
		return;
	}
	while (k->slot[i].p)
		i = (i + 1) & (k->slots - 1);
	k->slot[i] = e;
	k->n++;
	k->drops += e.drop != NULL;
}

/* Takes an entry out, and moves those behind it up to where a search for them passes. */
static void take_out(struct scope_kept *k, struct scope_entry *e)
{
	const size_t mask = k->slots - 1;
	size_t hole = (size_t)(e - k->slot);

	k->n--;
	k->drops -= e->drop != NULL;
	for (size_t i = (hole + 1) & mask; k->slot[i].p; i = (i + 1) & mask) {
		const size_t wish = first_slot(k, (uintptr_t)k->slot[i].p);
		if (((i - wish) & mask) < ((i - hole) & mask))
			continue;
		k->slot[hole] = k->slot[i];
		hole = i;
	}
	k->slot[hole] = (struct scope_entry){ 0 };
}

/* Room for `more`. The table itself is memory, too. */
static bool make_room(struct scope_kept *k, size_t more)
{
	size_t slots = k->slots ? k->slots : SLOTS_FIRST;

	while ((k->n + more) * 2 > slots)
		slots *= 2;
	if (slots == k->slots)
		return true;
	struct scope_kept larger = {
		.slot = calloc(slots, sizeof *larger.slot), .slots = slots, .next = k->next
	};
	if (!larger.slot)
		return false;
	for (size_t i = 0; i < k->slots; i++)
		if (k->slot[i].p)
			put(&larger, k->slot[i]);
	free(k->slot);
	*k = larger;
	return true;
}

static void move_all(struct scope_kept *to, struct scope_kept *from)
{
	for (size_t i = 0; i < from->slots; i++)
		if (from->slot[i].p)
			put(to, from->slot[i]);
	free(from->slot);
	*from = (struct scope_kept){ 0 };
}

/* --- letting go --------------------------------------------------------------------------- */

/* What is dropped may forget and free more of the table, in any order: until none is left. */
static void drop_all(struct scope_kept *k)
{
	for (size_t i = 0; k->drops; i = (i + 1) & (k->slots - 1)) {
		const struct scope_entry e = k->slot[i];
		if (!e.drop)
			continue;
		take_out(k, &k->slot[i]);
		for (size_t n = e.n; n > 0; n--)
			e.drop(e.p);
	}
}

static void free_all(struct scope_kept *k)
{
	for (size_t i = 0; i < k->slots; i++) {
		if (k->slot[i].p && k->slot[i].n)
			munmap(k->slot[i].p, k->slot[i].n);
		else
			free(k->slot[i].p);
	}
	free(k->slot);
	*k = (struct scope_kept){ 0 };
}

/* Things of one table may be held by another: all drops come before any block goes. */
static void undo(struct scope *s)
{
	s->undoing = true;
	for (struct scope_kept *k = &s->has; k; k = k->next)
		drop_all(k);
	for (struct scope_kept *k = &s->has, *next; k; k = next) {
		next = k->next;
		free_all(k);
	}
}

void scope_fail(void)
{
	struct scope *s = current;

	if (!s || s->undoing)
		die("out of memory");
	undo(s);
	longjmp(s->back, 1);
}

/* --- running ------------------------------------------------------------------------------ */

/* In a function of its own: what is on the stack of the one that calls setjmp() may be lost. */
static bool run(struct scope *s, scope_work *work, void *ctx)
{
	if (setjmp(s->back) != 0)
		return false;
	work(ctx);
	return true;
}

bool scope_run(scope_work *work, void *ctx)
{
	return scope_run_until(work, ctx, current ? current->stop : NULL);
}

void scope_check(void)
{
	const struct scope *s = current;

	if (s && s->stop && !s->undoing && __atomic_load_n(s->stop, __ATOMIC_RELAXED))
		scope_fail();
}

bool scope_run_until(scope_work *work, void *ctx, const bool *stop)
{
	struct scope s = { .outer = current, .stop = stop };

	current = &s;
	bool ok = run(&s, work, ctx);
	if (ok && s.outer && !make_room(&s.outer->has, s.has.n)) {
		undo(&s);
		ok = false;
	}
	current = s.outer;
	if (ok && s.outer)
		move_all(&s.outer->has, &s.has);
	free(s.has.slot);
	return ok;
}

bool scope_run_apart(scope_work *work, void *ctx, struct scope_kept *kept)
{
	struct scope s = { 0 };
	struct scope *before = current;

	current = &s;
	const bool ok = run(&s, work, ctx);
	current = before;
	*kept = s.has;
	return ok;
}

void scope_take(struct scope_kept *kept, size_t n)
{
	struct scope *s = current;
	size_t more = 0;

	for (size_t i = 0; i < n; i++)
		more += kept[i].n;
	if (s && !make_room(&s->has, more)) {
		for (size_t i = 0; i < n; i++) {
			kept[i].next = s->has.next;
			s->has.next = &kept[i];
		}
		scope_fail();
	}
	for (size_t i = 0; i < n; i++) {
		if (s)
			move_all(&s->has, &kept[i]);
		free(kept[i].slot);
		kept[i] = (struct scope_kept){ 0 };
	}
}

bool scope_is_on(void)
{
	return current != NULL;
}

/* --- what is taken ------------------------------------------------------------------------ */

static void give_back(struct scope_entry e)
{
	if (e.drop)
		e.drop(e.p);
	else if (e.n)
		munmap(e.p, e.n);
	else
		free(e.p);
}

static void hold(struct scope_entry e)
{
	struct scope *s = current;

	if (!s)
		return;
	if (!make_room(&s->has, 1)) {
		give_back(e);
		scope_fail();
	}
	put(&s->has, e);
}

/* Where it is written down: in the scope that is on, or one around it. What a scope lets go of
 * in its end is its own, though one around it may hold the same thing as well. */
static struct scope_entry *find_in_any(uintptr_t p, scope_drop *drop, struct scope_kept **k)
{
	for (struct scope *s = current; s; s = s->undoing ? NULL : s->outer)
		for (*k = &s->has; *k; *k = (*k)->next) {
			struct scope_entry *e = find(*k, p, drop);
			if (e)
				return e;
		}
	return NULL;
}

void scope_hold(void *p, scope_drop *drop)
{
	hold((struct scope_entry){ p, drop, 1 });
}

void scope_forget(void *p, scope_drop *drop)
{
	struct scope_kept *k = NULL;
	struct scope_entry *e = find_in_any((uintptr_t)p, drop, &k);

	if (e && --e->n == 0)
		take_out(k, e);
}

void scope_hold_block(void *p, size_t len)
{
	hold((struct scope_entry){ p, NULL, len });
}

void scope_forget_block(void *p)
{
	struct scope_kept *k = NULL;
	struct scope_entry *e = find_in_any((uintptr_t)p, NULL, &k);

	if (e)
		take_out(k, e);
}

bool scope_moved(uintptr_t from, void *to, size_t len)
{
	struct scope_kept *k = NULL;
	struct scope_entry *e = find_in_any(from, NULL, &k);

	if (!e)
		return false;
	take_out(k, e);
	put(k, (struct scope_entry){ to, NULL, len });
	return true;
}
