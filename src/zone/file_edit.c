#include "zone/file_edit.h"

#include "zone/history.h"
#include "zone/sign.h"
#include "zone/zone_with.h"

#include <string.h>

struct zone *file_edit_before(
	const struct zone *now, uint32_t serial, const struct compile_opts *opts)
{
	const struct history *h = now->history;
	const size_t from = h ? history_find(h, serial) : 0;
	const struct change *steps[HISTORY_STEPS_MOST];
	struct zone *then = NULL;
	struct fault why;
	struct faults f;

	if (serial == now->serial) {
		zone_hold(now);
		return (struct zone *)(uintptr_t)now;
	}
	if (!h || from == h->n)
		return NULL;
	for (size_t i = from; i < h->n; i++)
		steps[i - from] = h->steps[i]->change;
	struct change *all = change_join(steps, h->n - from, &why),
		      *back = all ? change_reversed(all, &why) : NULL;
	faults_init(&f);
	struct zone_with_opts with = { .compile = *opts };
	with.compile.quiet = true;
	if (back)
		then = zone_with(now, back, &with, &f);
	faults_fini(&f);
	change_free(back);
	change_free(all);
	return then;
}

/* But for the SOA's own records, which every change has. */
static bool is_nothing(const struct change *c, const struct zone *a, const struct zone *b)
{
	if (change_goes(c) != 1 || change_comes(c) != 1)
		return false;
	/* The SOA may differ in more than its serial. */
	struct change_walk walk = change_each(c);
	struct change_record goes = { .owner = NULL };
	while (change_next(&walk))
		if (!walk.rr.comes)
			goes = walk.rr;
		else if (goes.ttl_s != walk.rr.ttl_s || goes.rdlen != walk.rr.rdlen ||
			memcmp(goes.rdata, walk.rr.rdata, goes.rdlen) != 0)
			return false;
	return a->serial == b->serial;
}

/* As it stands in files: of a zone that is signed here, without that. Takes the count. NULL: no
 * memory. */
static struct zone *stripped(struct zone *z, const struct compile_opts *opts)
{
	struct faults f;

	if (!z->denial)
		return z;
	faults_init(&f);
	struct zone *own = sign_strip(z, opts, &f);
	faults_fini(&f);
	zone_drop(z);
	return own;
}

/* Takes the base. */
static struct file_edit against(const struct zone *file, const struct zone *now,
	struct zone *base, const struct compile_opts *opts)
{
	struct fault why;
	base = stripped(base, opts);
	struct change *c = base ? change_between(base, file, &why) : NULL;

	if (c && is_nothing(c, base, file)) {
		const bool same = base->serial == now->serial;
		change_free(c);
		zone_drop(base);
		return (struct file_edit){ .kind = same ? FILE_EDIT_NONE : FILE_EDIT_OLD };
	}
	if (c)
		return (struct file_edit){ FILE_EDIT_CHANGED, base, c };
	if (base)
		zone_drop(base);
	return (struct file_edit){ .kind = FILE_EDIT_UNKNOWN };
}

struct file_edit file_edit_look(const struct zone *file, const struct zone *now,
	const uint32_t *written, const struct compile_opts *opts)
{
	struct zone *base = file_edit_before(now, file->serial, opts);

	if (!base && written)
		base = file_edit_before(now, *written, opts);
	return base ? against(file, now, base, opts)
		    : (struct file_edit){ .kind = FILE_EDIT_UNKNOWN };
}

void file_edit_fini(struct file_edit *e)
{
	change_free(e->change);
	if (e->base)
		zone_drop(e->base);
	*e = (struct file_edit){ .kind = FILE_EDIT_NONE };
}
