/* ctl_import.c - "waymarkctl import KIND FILE...": another nameserver's configuration as ours.
 */
#include "import/import_run.h"
#include "tools/ctl_inner.h"

#include <stdio.h>
#include <string.h>

const char ctl_import_usage[] =
	"  import   KIND FILE... [--to FOLDER] [--city FILE]\n           what another nameserver is configured to do, as a new "
	"folder (default: waymark-import) with waymark.yaml, zones and a REPORT of what could not be said; KIND is bind, coredns, gdnsd, "
	"geodns, knot, powerdns or route53; --city: the GeoIP database\n";

static const struct import_kind *kind_of(const char *word)
{
	const struct import_kind *kind;

	for (size_t i = 0; (kind = import_kind(i)); i++)
		if (strcmp(kind->name, word) == 0)
			return kind;
	return NULL;
}

static enum ctl_status tell_report(const struct plan *p, const struct import_opts *o)
{
	fputs(text_get(&p->notes), stdout);
	printf("%s: waymark.yaml, REPORT and zones: %zu zones, %zu pools, %zu edges; %u not said, %u different, %u to be looked at\n", o->folder,
		out_count(out_get(p->conf, "zones")), out_count(out_get(p->conf, "pools")), out_count(out_get(p->conf, "edges")), p->lost, p->differs,
		p->see);
	printf("next: waymarkctl -c %s/waymark.yaml check\n", o->folder);
	return DONE;
}

enum ctl_status ctl_import(char **words, int n)
{
	struct import_opts o = { .kind = n ? kind_of(words[0]) : NULL, .files = words + 1, .folder = "waymark-import" };
	struct plan plan;
	struct fault why;

	if (n && words[0][0] != '-' && !o.kind) {
		fprintf(stderr, "waymarkctl: import: \"%s\" is no kind that is known:", words[0]);
		for (size_t i = 0; import_kind(i); i++)
			fprintf(stderr, "%s %s", i ? "," : "", import_kind(i)->name);
		fputc('\n', stderr);
		return WRONG_USE;
	}
	for (int i = 1; i < n; i++) {
		const char **to = strcmp(words[i], "--to") == 0 ? &o.folder : strcmp(words[i], "--city") == 0 ? &o.city : NULL;
		if (to && i + 1 < n)
			*to = words[++i];
		else if (words[i][0] == '-')
			return (enum ctl_status)ctl_help_one("import", stderr, WRONG_USE);
		else
			words[1 + o.n++] = words[i];
	}
	if (!o.kind || !o.n)
		return (enum ctl_status)ctl_help_one("import", stderr, WRONG_USE);
	plan_init(&plan);
	const bool ok = import_run(&plan, &o, &why);
	if (!ok)
		fprintf(stderr, "waymarkctl: import: %s\n", why.text);
	const enum ctl_status status = ok ? tell_report(&plan, &o) : NOT_DONE;
	plan_fini(&plan);
	return status;
}
