#include "conf/known.h"

#include "base/near.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(
		((const struct known_name *)a)->name, ((const struct known_name *)b)->name);
}

struct known known_new(struct arena *mem, const char *const *names, size_t n)
{
	struct known k = { arena_alloc(mem, n * sizeof *k.names), n };

	for (size_t i = 0; i < n; i++)
		k.names[i] = (struct known_name){ names[i], (unsigned)i };
	qsort(k.names, n, sizeof *k.names, compare);
	return k;
}

bool known_find(const struct known *k, const char *name, unsigned *number)
{
	const struct known_name want = { name, 0 };
	const struct known_name *found = NULL;

	if (k->n)
		found = bsearch(&want, k->names, k->n, sizeof want, compare);
	if (found)
		*number = found->number;
	return found;
}

const char *known_nearest(const struct known *k, const char *word)
{
	struct near_word near = { .word = word };

	for (size_t i = 0; i < k->n; i++)
		near_offer(&near, k->names[i].name);
	return near.best;
}
