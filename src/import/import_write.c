/* import_write.c - the zones of an import, and the folder that it becomes.
 */
#include "import/import_plan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *plan_full_name(struct plan *p, const char *name, const char *origin)
{
	const size_t len = strlen(name);
	const bool whole = len && name[len - 1] == '.' && (len < 2 || name[len - 2] != '\\');

	if (!len || strcmp(name, "@") == 0)
		return plan_textf(p, "%s", origin);
	return whole ? plan_textf(p, "%s", name) : plan_textf(p, "%s.%s", name, strcmp(origin, ".") == 0 ? "" : origin);
}

char *plan_quoted(struct plan *p, const char *s)
{
	struct text text = { 0 };
	size_t in = 0;

	text_add_char(&text, '"');
	for (; *s; s++) {
		if (in++ == 255) {
			text_add(&text, "\" \"");
			in = 1;
		}
		if (*s == '"' || *s == '\\')
			text_addf(&text, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			text_addf(&text, "\\%03u", (unsigned char)*s);
		else
			text_add_char(&text, *s);
	}
	text_add_char(&text, '"');
	char *quoted = arena_strdup(&p->mem, text_get(&text));
	text_fini(&text);
	return quoted;
}

struct plan_zone *plan_zone_plain(struct plan *p, const char *name, const char *view)
{
	struct plan_zone *z = arena_zalloc(&p->mem, sizeof *z);
	const char *low = plan_lower(p, name);
	const size_t len = strlen(low);

	z->name = len && low[len - 1] == '.' ? low : plan_textf(p, "%s.", low);
	z->view = view;
	z->entry = out_add_map(out_list(p->conf, "zones"));
	out_setf(z->entry, "name", "%.*s", strcmp(z->name, ".") == 0 ? 1 : (int)strlen(z->name) - 1, z->name);
	if (view)
		out_set(z->entry, "for", view);
	*(p->last_zone ? &p->last_zone->next : &p->zones) = z;
	p->last_zone = z;
	return z;
}

/* Without what a file's name cannot have. True: something was in it. */
static bool clean(char *file)
{
	bool had = false;

	for (char *c = file; *c; c++)
		if (*c == '/' || *c == '@' || *c == '\\' || (unsigned char)*c <= ' ' || (c == file && *c == '.')) {
			*c = '-';
			had = true;
		}
	return had;
}

struct plan_zone *plan_file(struct plan *p, const char *name)
{
	struct plan_zone *z = arena_zalloc(&p->mem, sizeof *z);
	char *file = plan_textf(p, "%.220s", name);

	p->n_files++;
	z->file = clean(file) ? plan_textf(p, "%u.%s", p->n_files, file) : file;
	z->name = z->file;
	*(p->last_zone ? &p->last_zone->next : &p->zones) = z;
	p->last_zone = z;
	return z;
}

/* A name may hold what a file's name cannot; two that are alike without it have files of their own. */
static char *file_of(struct plan *p, const struct plan_zone *z)
{
	const char *own = "";
	char *file = strcmp(z->name, ".") == 0 ? plan_textf(p, "root") : plan_textf(p, "%.*s", (int)strlen(z->name) - 1, z->name);

	if (clean(file))
		own = plan_textf(p, "-%zu", out_count(out_get(p->conf, "zones")));
	/* No name has an "@" here: a zone "a.x" is another file than view "x" of the zone "a". */
	return plan_textf(p, "zones/%.200s%s%s%s.zone", file, own, z->view ? "@" : "", z->view ? z->view : "");
}

struct plan_zone *plan_zone(struct plan *p, const char *name, const char *view)
{
	struct plan_zone *z = plan_zone_plain(p, name, view);

	z->file = file_of(p, z);
	out_set(z->entry, "file", z->file);
	return z;
}

void plan_record(struct plan_zone *z, const char *owner, uint32_t ttl_s, const char *type, const char *data)
{
	text_addf(&z->text, "%s\t%u\tIN\t%s\t%s\n", owner, ttl_s, type, data);
}

/* --- the folder --------------------------------------------------------------------------- */

static bool make_folder(const char *path, struct fault *why)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return true;
	return fault(why, "%s: the folder cannot be made: %s", path, strerror(errno));
}

static bool is_empty(const char *path, struct fault *why)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool empty = true;

	if (!d)
		return fault(why, "%s: %s", path, strerror(errno));
	while ((e = readdir(d)))
		empty = empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
	closedir(d);
	return empty || fault(why, "%s: is not empty; name a new folder, so that nothing of yours is written over", path);
}

static bool put(const char *folder, const char *file, const struct text *text, mode_t mode, struct fault *why)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, file) >= sizeof path)
		return fault(why, "%s: the path is too long", folder);
	return file_replace(path, text, mode, why);
}

static bool put_files(const struct plan *p, const char *folder, struct fault *why)
{
	for (const struct plan_zone *z = p->zones; z; z = z->next)
		if (z->text.lost)
			return fault(why, "out of memory");
		else if (z->file && !put(folder, z->file, &z->text, 0644, why))
			return false;
	return true;
}

static bool put_zones(const struct plan *p, const char *folder, struct fault *why)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof path, "%s/zones", folder) >= sizeof path)
		return fault(why, "%s: the path is too long", folder);
	return make_folder(path, why) && put_files(p, folder, why);
}

static bool put_report(const struct plan *p, const char *folder, const char *head, struct fault *why)
{
	struct text report = { 0 };

	text_addf(&report, "%s%s%u not said, %u different, %u to be looked at\n", head, text_get(&p->notes), p->lost, p->differs, p->see);
	const bool ok = report.lost ? fault(why, "out of memory") : put(folder, "REPORT", &report, 0644, why);
	text_fini(&report);
	return ok;
}

bool plan_write_files(struct plan *p, const char *folder, const char *head, struct fault *why)
{
	return make_folder(folder, why) && is_empty(folder, why) && put_files(p, folder, why) && put_report(p, folder, head, why);
}

bool plan_write(struct plan *p, const char *folder, const char *head, struct fault *why)
{
	static const char *const order[] = { "server", "control", "store", "cookies", "rrl", "geoip", "clients", "edges", "probes", "pools", "keys", "peers",
		"zones", NULL };
	struct text conf = { 0 };

	fault(why, "out of memory");
	if (!make_folder(folder, why) || !is_empty(folder, why))
		return false;
	text_add(&conf, head);
	out_order(p->conf, order);
	out_write(p->conf, &conf);
	/* It may have the secrets of the other one. */
	const bool ok = !conf.lost && put_zones(p, folder, why) && put_report(p, folder, head, why) &&
		put(folder, "waymark.yaml", &conf, 0640, why);
	text_fini(&conf);
	return ok;
}
