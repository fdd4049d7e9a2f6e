/* ctl_export.c - "waymarkctl export config KIND": a configuration in the words of other programs.
 *
 * The server's own code reads it all, and nobody is asked.
 */
#include "tools/ctl_export.h"
#include "tools/ctl_inner.h"

#include "daemon/parts_read.h"
#include "import/export_config.h"

#include <stdio.h>
#include <string.h>

static void write_route53(struct plan *p, const struct export_from *from, const struct parts *parts, struct hash_key key)
{
	(void)parts;
	(void)key;
	to_route53(p, from);
}

static void write_octodns(struct plan *p, const struct export_from *from, const struct parts *parts, struct hash_key key)
{
	(void)parts;
	(void)key;
	to_octodns(p, from);
}

static const struct {
	const char *name;
	void (*write)(struct plan *p, const struct export_from *from, const struct parts *parts, struct hash_key key);
} kinds[] = { { "octodns", write_octodns }, { "route53", write_route53 }, { "zones", ctl_export_zones } };

enum { KINDS = sizeof kinds / sizeof *kinds };

static enum ctl_status write_down(struct plan *p, const char *folder, size_t kind)
{
	const char *head = plan_textf(p, "# Made by \"waymarkctl export config %s\". This could not be said:\n", kinds[kind].name);
	struct fault why;
	size_t files = 0;

	if (!plan_write_files(p, folder, head, &why)) {
		fprintf(stderr, "waymarkctl: export: %s\n", why.text);
		return NOT_DONE;
	}
	for (const struct plan_zone *z = p->zones; z; z = z->next)
		files++;
	fputs(text_get(&p->notes), stdout);
	printf("%s: REPORT and %zu file%s; %u not said, %u different, %u to be looked at\n", folder, files, files == 1 ? "" : "s", p->lost, p->differs,
		p->see);
	return DONE;
}

static enum ctl_status export_as(const struct ctl *c, const char *folder, size_t kind)
{
	const struct hash_key key = parts_key();
	enum ctl_status status = NOT_DONE;
	struct parts parts;
	struct faults f;
	struct plan plan;

	faults_init(&f);
	if (parts_read(&parts, &(struct parts_read_opts){ .path = c->conf_path, .key = key }, &f)) {
		struct conf_places places = { .conf = parts_conf(&parts) };
		plan_init(&plan);
		kinds[kind].write(&plan, &(struct export_from){ places.conf, parts.zones, &places }, &parts, key);
		status = write_down(&plan, folder, kind);
		plan_fini(&plan);
		conf_places_fini(&places);
		parts_drop(&parts);
	}
	fputs(text_get(&f.text), stderr);
	faults_fini(&f);
	return status;
}

enum ctl_status ctl_export(const struct ctl *c, char **words, int n)
{
	const char *folder = "waymark-export";
	size_t kind = 0;

	while (n && kind < KINDS && strcmp(words[0], kinds[kind].name) != 0)
		kind++;
	if (n && words[0][0] != '-' && kind == KINDS) {
		fprintf(stderr, "waymarkctl: export config: \"%s\" is no kind that is known: octodns, route53, zones\n", words[0]);
		return WRONG_USE;
	}
	if ((n != 1 && n != 3) || kind == KINDS || (n == 3 && strcmp(words[1], "--to") != 0))
		return (enum ctl_status)ctl_help_one("export", stderr, WRONG_USE);
	return export_as(c, n == 3 ? words[2] : folder, kind);
}
