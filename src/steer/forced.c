#include "steer/forced.h"

#include "base/memory.h"

#include <string.h>

static struct forced *find(const struct forced_list *l, const char *edge)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->of[i].edge, edge) == 0)
			return &l->of[i];
	return NULL;
}

const struct forced *forced_find(const struct forced_list *l, const char *edge)
{
	return find(l, edge);
}

static void let_go(struct forced *f)
{
	memory_free(f->edge);
	memory_free(f->who);
	memory_free(f->why);
}

void forced_set(struct forced_list *l, const struct forced *f)
{
	struct forced *to = find(l, f->edge), new = *f;

	new.edge = memory_strdup(f->edge);
	new.who = memory_strndup(f->who ? f->who : "", FORCED_TEXT_MOST);
	new.why = memory_strndup(f->why ? f->why : "", FORCED_TEXT_MOST);
	if (to) {
		let_go(to);
	} else {
		l->of = memory_grow(l->of, (l->n + 1) * sizeof *l->of);
		to = &l->of[l->n++];
	}
	*to = new;
}

bool forced_clear(struct forced_list *l, const char *edge)
{
	struct forced *f = find(l, edge);

	if (!f)
		return false;
	let_go(f);
	*f = l->of[--l->n];
	return true;
}

uint64_t forced_next_us(const struct forced_list *l)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].until_us < next)
			next = l->of[i].until_us;
	return next;
}

const struct forced *forced_over(const struct forced_list *l, uint64_t now_us)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->of[i].until_us <= now_us)
			return &l->of[i];
	return NULL;
}

void forced_fini(struct forced_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		let_go(&l->of[i]);
	memory_free(l->of);
	*l = (struct forced_list){ 0 };
}

struct forced_list forced_copy(const struct forced_list *l)
{
	struct forced_list to = { 0 };

	for (size_t i = 0; i < l->n; i++)
		forced_set(&to, &l->of[i]);
	return to;
}
