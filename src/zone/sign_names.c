#include "zone/sign_names.h"

#include <stdlib.h>
#include <string.h>

void sign_names_fini(struct sign_names *s)
{
	free(s->bytes);
	free(s->at);
	*s = (struct sign_names){ 0 };
}

bool sign_names_add(struct sign_names *s, const uint8_t *name)
{
	const size_t len = name_len(name);

	if (s->n && memcmp(sign_names_get(s, s->n - 1), name, len) == 0)
		return true;
	if (s->n == s->room) {
		size_t *at = realloc(s->at, (2 * s->room + 16) * sizeof *at);
		if (!at)
			return false;
		s->at = at;
		s->room = 2 * s->room + 16;
	}
	if (s->len + NAME_MOST > s->bytes_room) {
		uint8_t *bytes = realloc(s->bytes, 2 * s->bytes_room + 16 * NAME_MOST);
		if (!bytes)
			return false;
		s->bytes = bytes;
		s->bytes_room = 2 * s->bytes_room + 16 * NAME_MOST;
	}
	memcpy(s->bytes + s->len, name, len);
	s->at[s->n++] = s->len;
	s->len += len;
	return true;
}

static int compare(const void *va, const void *vb, void *bytes)
{
	const uint8_t *const at = bytes;

	return name_compare(at + *(const size_t *)va, at + *(const size_t *)vb);
}

void sign_names_sort(struct sign_names *s)
{
	size_t kept = 0;

	if (s->n)
		qsort_r(s->at, s->n, sizeof *s->at, compare, s->bytes);
	for (size_t i = 0; i < s->n; i++)
		if (!kept ||
			name_compare(s->bytes + s->at[kept - 1], sign_names_get(s, i)) != 0)
			s->at[kept++] = s->at[i];
	s->n = kept;
}
