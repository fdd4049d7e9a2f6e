/* part.h - the head of what is shared by count and thrown away by whoever lets go last.
 *
 * For things that are handed through rooms which do not know what is in them. Immutable once
 * shared; any thread holds and drops.
 */
#ifndef BASE_PART_H
#define BASE_PART_H

#include "base/scope.h"

#include <stddef.h>
#include <string.h>

/* The first member of such a thing. */
struct part {
	unsigned refs; /* atomic */
	void (*free)(struct part *p);
};

/* The first count; what is in the part is memory of the scope that it is made in, if any. */
static inline struct part part_new(void (*free)(struct part *p))
{
	return (struct part){ 1, free };
}

/* For a scope: one count less. */
void part_undo(void *p);

/* NULL stays NULL. */
static inline struct part *part_hold(struct part *p)
{
	if (p) {
		__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
		scope_hold(p, part_undo);
	}
	return p;
}

/* The same for a hold that another shared thing has, which lets go of it itself: no scope does
 * that. */
static inline struct part *part_keep(struct part *p)
{
	if (p)
		__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

static inline void part_release(struct part *p)
{
	if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
		p->free(p);
}

static inline void part_drop(struct part *p)
{
	if (!p)
		return;
	scope_forget(p, part_undo);
	if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
		p->free(p);
}

/* What is behind the head of a part of `size` bytes: others count in the head meanwhile. */
static inline void part_copy(void *to, const void *from, size_t size)
{
	memcpy((char *)to + sizeof(struct part), (const char *)from + sizeof(struct part),
		size - sizeof(struct part));
}

#endif
