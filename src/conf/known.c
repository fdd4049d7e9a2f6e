#include "conf/known.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MOST = 64 }; /* longer words get no hint */

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

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Three rows of the table are enough: this one and the two above it. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][WORD_MOST + 1];

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *upup = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			const bool match = same(a[i - 1], b[j - 1]);
			row[j] = least(least(row[j - 1], up[j]) + 1, up[j - 1] + !match);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
				same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], upup[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

void known_offer(struct known_near *near, const char *name)
{
	const size_t na = strlen(near->word), nb = strlen(name);
	const size_t most = na < 6 ? 1 : na / 3;

	if (na > WORD_MOST || nb > WORD_MOST || na + most < nb || nb + most < na)
		return;
	const unsigned d = distance(near->word, na, name, nb);
	if (d > most || d >= nb || (near->best && d >= near->distance))
		return;
	near->best = name;
	near->distance = d;
}

const char *known_nearest(const struct known *k, const char *word)
{
	struct known_near near = { .word = word };

	for (size_t i = 0; i < k->n; i++)
		known_offer(&near, k->names[i].name);
	return near.best;
}
