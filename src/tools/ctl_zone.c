/* ctl_zone.c - what waymarkctl does itself of "zone": a zone's text goes into a file here.
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "zone/zone_text.h"

#include <stdlib.h>
#include <string.h>

enum ctl_status ctl_zone_text(const struct ctl *c, const char *name, bool generic, struct text *to)
{
	char *words[] = { "zone", "export", (char *)(uintptr_t)name, "--generic" };
	char *path = ctl_socket(c, NULL);

	enum ctl_status status = path ? ctl_ask(path, words, generic ? 4 : 3, to) : NOT_DONE;
	free(path);
	if (status != DONE && to->len)
		fputs(text_get(to), stderr);
	if (status == DONE && (to->lost || !zone_text_is_whole(text_get(to), to->len))) {
		fprintf(stderr, "waymarkctl: the zone did not come whole: try again\n");
		status = NOT_DONE;
	}
	return status;
}

enum ctl_status ctl_zone_export(const struct ctl *c, char **words, int n)
{
	const char *names[2] = { NULL, NULL };
	struct text text = { 0 };
	struct fault why;
	bool generic = false;
	int given = 0;

	for (int i = 2; i < n; i++) {
		if (strcmp(words[i], "--generic") == 0)
			generic = true;
		else if (words[i][0] != '-' && given < 2)
			names[given++] = words[i];
		else
			return (enum ctl_status)ctl_help_one("zone", stderr, WRONG_USE);
	}
	if (!given)
		return (enum ctl_status)ctl_help_one("zone", stderr, WRONG_USE);
	enum ctl_status status = ctl_zone_text(c, names[0], generic, &text);
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
