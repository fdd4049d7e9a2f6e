#include "geo/mmdb_told.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

struct mmdb_told *mmdb_told_new(const char *const *paths, size_t n)
{
	struct mmdb_told *told = memory_zeroed(n, sizeof *told);

	for (size_t i = 0; i < n; i++)
		told[i].path = memory_strdup(paths[i]);
	return told;
}

void mmdb_told_free(struct mmdb_told *told, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memory_free(told[i].path);
	memory_free(told);
}

/* "a map", or a text in quotes. */
static void show(char to[static MMDB_ODD_TEXT], const struct mmdb_bytes *data,
	const struct mmdb_value *v)
{
	char text[MMDB_ODD_TEXT - 2];

	switch (v->type) {
	case MMDB_TEXT:
		mmdb_text(data, v, text, sizeof text);
		snprintf(to, MMDB_ODD_TEXT, "\"%s\"", text);
		return;
	case MMDB_MAP: strcpy(to, "a map"); return;
	case MMDB_ARRAY: strcpy(to, "an array"); return;
	case MMDB_BOOL: strcpy(to, "true or false"); return;
	case MMDB_BYTES: strcpy(to, "bytes"); return;
	case MMDB_DOUBLE:
	case MMDB_FLOAT:
	case MMDB_U16:
	case MMDB_U32:
	case MMDB_I32:
	case MMDB_U64:
	case MMDB_U128: strcpy(to, "a number"); return;
	case MMDB_ABSENT:
	case MMDB_POINTER: break;
	}
	strcpy(to, "nothing");
}

void mmdb_told_odd(struct mmdb_told *t, const char *key, const char *want,
	const struct mmdb_bytes *data, const struct mmdb_value *v)
{
	unsigned i = 0;

	while (i < t->n_odd && strcmp(t->odd[i].key, key) != 0)
		i++;
	if (i == MMDB_ODD_MOST)
		return;
	if (i == t->n_odd) {
		t->odd[t->n_odd++] = (struct mmdb_odd){ .key = key, .want = want };
		show(t->odd[i].first, data, v);
	}
	t->odd[i].records++;
}

void mmdb_told_warn(const struct mmdb_told *t, struct faults *f)
{
	for (unsigned i = 0; i < t->n_odd; i++) {
		const struct mmdb_odd *o = &t->odd[i];
		faults_warning(f, &(struct fault_at){ .path = t->path },
			"\"%s\" is not %s in %llu record%s (%s); passed over there, the rest "
			"is "
			"taken",
			o->key, o->want, (unsigned long long)o->records,
			o->records == 1 ? "" : "s", o->first);
	}
}
