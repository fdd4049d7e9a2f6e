#include "base/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WORD_MOST = 64 }; /* longer words get no hint */

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

void near_offer(struct near_word *near, const char *name)
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
