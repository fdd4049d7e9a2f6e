/* ctl_zone.c - what waymarkctl does itself of "zone": a zone's text goes into a file here.
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "zone/zone_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ctl_status ctl_zone_text(
	const struct ctl *c, const struct ctl_zone_text *how, struct text *to)
{
	char *words[5] = { "zone", "export", (char *)(uintptr_t)how->name };
	char *path = ctl_socket(c, NULL);
	int n = 3;

	if (how->generic)
		words[n++] = "--generic";
	if (how->strips)
		words[n++] = "--unsigned";
	enum ctl_status status = path ? ctl_ask(path, words, n, to) : NOT_DONE;
	free(path);
	if (status != DONE && to->len)
		fputs(text_get(to), stderr);
	if (status == DONE && (to->lost || !zone_text_is_whole(text_get(to), to->len))) {
		fprintf(stderr, "waymarkctl: the zone did not come whole: try again\n");
		status = NOT_DONE;
	}
	return status;
}

const char *ctl_zone_view(char **words, int *n, char to[static NAME_TEXT])
{
	if (*n < 5 || strcmp(words[3], "for") != 0)
		return words[2];
	snprintf(to, NAME_TEXT, "%s" VIEW_FOR "%s", words[2], words[4]);
	memmove(words + 3, words + 5, (size_t)(*n - 5) * sizeof(*words));
	*n -= 2;
	return words[2] = to;
}

enum ctl_status ctl_zone_export(const struct ctl *c, char **words, int n)
{
	const char *names[2] = { NULL, NULL };
	char view[NAME_TEXT];
	struct text text = { 0 };
	struct fault why;
	struct ctl_zone_text how = { .name = NULL };
	int given = 0;

	ctl_zone_view(words, &n, view);
	for (int i = 2; i < n; i++) {
		if (strcmp(words[i], "--generic") == 0)
			how.generic = true;
		else if (strcmp(words[i], "--unsigned") == 0)
			how.strips = true;
		else if (words[i][0] != '-' && given < 2)
			names[given++] = words[i];
		else
			return (enum ctl_status)ctl_help_one("zone", stderr, WRONG_USE);
	}
	if (!given)
		return (enum ctl_status)ctl_help_one("zone", stderr, WRONG_USE);
	how.name = names[0];
	enum ctl_status status = ctl_zone_text(c, &how, &text);
	if (status == DONE && !names[1]) {
		fputs(text_get(&text), stdout);
	} else if (status == DONE && !file_replace(names[1], &text, 0644, &why)) {
		fprintf(stderr, "waymarkctl: %s\n", why.text);
		status = NOT_DONE;
	} else if (status == DONE) {
		printf("%s: written to %s\n", names[0], names[1]);
	}
	text_fini(&text);
	return status;
}
