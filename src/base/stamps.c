#include "base/stamps.h"

#include "base/memory.h"

#include <string.h>

static void throw_away(struct part *p)
{
	struct stamps *s = (struct stamps *)p; /* its first member */

	for (size_t i = 0; i < s->n; i++)
		memory_free(s->paths[i]);
	memory_free(s->paths);
	memory_free(s->of);
	memory_free(s);
}

struct stamps *stamps_take(const char *const *paths, size_t n)
{
	struct stamps *s = memory_zeroed(1, sizeof *s);

	s->part = part_new(throw_away);
	s->paths = memory_zeroed(n, sizeof *s->paths);
	s->of = memory_zeroed(n, sizeof *s->of);
	for (; s->n < n; s->n++) {
		s->paths[s->n] = memory_strdup(paths[s->n]);
		file_stamp_settled(paths[s->n], &s->of[s->n]);
	}
	return s;
}

struct stamps *stamps_again(const struct stamps *s)
{
	return stamps_take((const char *const *)s->paths, s->n);
}

bool stamps_lack(const struct stamps *s)
{
	static const struct file_stamp none;

	for (size_t i = 0; i < s->n; i++)
		if (file_stamp_same(&s->of[i], &none))
			return true;
	return false;
}

bool stamps_same(const struct stamps *a, const struct stamps *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->paths[i], b->paths[i]) != 0 ||
			!file_stamp_same(&a->of[i], &b->of[i]))
			return false;
	return true;
}
