#include "base/file.h"
#include "base/landlock.h"
#include "base/memory.h"
#include "base/scope.h"
#include "daemon/shared_file.h"
#include "daemon/zone_files.h"
#include "daemon/zones_read_inner.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fault_at zones_list_place(const struct reading *r, const struct conf_zone *z)
{
	const struct conf *c = r->o->conf;

	return conf_place(c, z->source, z->line, z->column);
}

/* NULL: with the class of clients that it is for, its name is too long. */
static struct listed *add_zone(
	struct reading *r, const struct conf_zone *at, const uint8_t *origin, const char *path)
{
	uint8_t lower[NAME_MOST];
	const size_t len = name_len(origin);

	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->list = memory_grow(r->list, r->room * sizeof *r->list);
	}
	name_lower(lower, origin, len);
	if (!view_id(lower, lower, at->view))
		return NULL;
	r->list[r->n] = (struct listed){ .at = at,
		.origin = arena_memdup(&r->mem, lower, name_len(lower)),
		.path = path };
	return &r->list[r->n++];
}

static bool too_long(
	const struct reading *r, const struct conf_zone *entry, const uint8_t *origin, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, entry);
	char name[NAME_TEXT];

	return faults_error(f, &at,
		"zone %s for %s: both names together are too long: give the class a shorter one",
		name_text(name, origin), entry->view);
}

static bool is_folder(const struct dirent *d, const char *path)
{
	struct stat st;

	return d->d_type != DT_REG && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* One file of a folder. One whose name cannot be a zone's is told, and keeps nobody else from
 * being served. */
static void add_file(struct reading *r, const struct conf_zone *entry, const struct dirent *d,
	struct faults *f)
{
	static const uint8_t root[1];
	const struct fault_at at = zones_list_place(r, entry);
	uint8_t origin[NAME_MOST];
	const size_t dir = strlen(entry->dir), whole = strlen(d->d_name);
	size_t len;
	char *path = arena_alloc(&r->mem, dir + whole + 2);

	memcpy(path, entry->dir, dir);
	path[dir] = '/';
	memcpy(path + dir + 1, d->d_name, whole + 1);
	if (is_folder(d, path))
		return;
	const char *name = zone_files_origin(entry->files, d->d_name, &len);
	const enum name_result result = name_parse(origin, NULL, name, len, root);
	if (result == NAME_OK && view_is(origin))
		faults_error(f, &at, "%s: a zone's name does not begin with \\000", path);
	else if (result == NAME_OK && !add_zone(r, entry, origin, path))
		too_long(r, entry, origin, f);
	else if (result != NAME_OK)
		faults_error(f, &at, "%s: as the name of a zone this %s", path,
			name_result_text(result));
}

static void close_folder(void *dir)
{
	closedir(dir);
}

/* What editors and packages have left in a folder, in a sentence. */
struct leftovers {
	size_t n;
	char named[256]; /* the first of them */
};

static void add_leftover(struct leftovers *to, const char *file)
{
	const size_t at = strlen(to->named);

	if (to->n++ < 3)
		snprintf(
			to->named + at, sizeof to->named - at, "%s%.70s", at ? ", " : "", file);
}

/* Returns how many files were taken or passed over. */
static size_t add_files(
	struct reading *r, const struct conf_zone *entry, DIR *dir, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, entry);
	struct leftovers left = { 0, "" };
	const struct dirent *d;
	size_t n = 0;

	for (errno = 0; (d = readdir(dir)); errno = 0) {
		if (d->d_type == DT_DIR || !zone_files_match(entry->files, d->d_name))
			continue;
		n++;
		if (zone_files_leftover(d->d_name))
			add_leftover(&left, d->d_name);
		else
			add_file(r, entry, d, f);
	}
	const int failed = errno;
	if (left.n)
		faults_warning(f, &at,
			"%s: %zu file%s passed over as what editors and packages leave behind: "
			"%s%s (give one that is a zone an entry of its own)",
			entry->dir, left.n, left.n == 1 ? " is" : "s are", left.named,
			left.n > 3 ? ", ..." : "");
	errno = failed;
	return n;
}

static bool add_folder(struct reading *r, const struct conf_zone *entry, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, entry);
	DIR *dir = opendir(entry->dir);

	if (!dir) {
		const int err = errno;
		return faults_error(f, &at, "%s: %s%s", entry->dir, strerror(err), landlock_hint(entry->dir, false, err));
	}
	scope_hold(dir, close_folder);
	const size_t n = add_files(r, entry, dir, f);
	const int failed = errno;
	scope_forget(dir, close_folder);
	closedir(dir);
	if (failed)
		return faults_error(f, &at, "%s: %s", entry->dir, strerror(failed));
	if (!n && entry->files)
		faults_warning(
			f, &at, "%s: no file is called like \"%s\"", entry->dir, entry->files);
	return true;
}

/* Its number in a registry, quickly; r->n when it has none. */
static size_t find_number(const struct registry *r, struct hash_key key, const uint8_t *id)
{
	struct zone_name name;
	size_t at;

	if (view_is(id))
		return registry_index(r, id);
	zone_name_set(&name, key, id);
	const struct zone *z = zone_set_find(r->set, &name, name.labels, &at);
	if (!z || z->apex_labels != name.labels)
		return r->n;
	return z->view_len ? registry_index(r, id) : at;
}

/* A folder that was only added to or changed inside names the zones that there are: each goes
 * to the place of its own there, and nothing needs to be sorted. False when that is not so. */
static bool order_as_before(struct reading *r)
{
	const struct registry *before = r->o->before;

	if (!before || r->n != before->n)
		return false;
	struct listed *list = memory_zeroed(r->n, sizeof *list);
	for (size_t i = 0; i < r->n; i++) {
		const size_t at = find_number(before, r->o->key, r->list[i].origin);
		if (at == before->n || list[at].origin) {
			memory_free(list);
			return false;
		}
		list[at] = r->list[i];
		list[at].before = before->zones[at];
	}
	memory_free(r->list);
	r->list = list;
	return true;
}

static int compare_listed(const void *va, const void *vb)
{
	const struct listed *a = va, *b = vb;
	const int d = registry_compare(a->origin, b->origin);

	/* What stands first in the configuration is first, and what was added is last. */
	if (!d && !a->added != !b->added)
		return a->added ? 1 : -1;
	if (d || a->at != b->at)
		return d ? d : a->at < b->at ? -1 : 1;
	return a->path && b->path ? strcmp(a->path, b->path) : 0;
}

/* Both lists ascend. */
static void find_before(struct reading *r)
{
	const struct registry *before = r->o->before;
	size_t k = 0;

	for (size_t i = 0; before && i < r->n; i++) {
		while (k < before->n &&
			registry_compare(before->zones[k]->origin, r->list[i].origin) < 0)
			k++;
		if (k < before->n &&
			registry_compare(before->zones[k]->origin, r->list[i].origin) == 0)
			r->list[i].before = before->zones[k];
	}
}

static bool is_secondary(const struct reading *r, const struct listed *z)
{
	return r->o->conf->rules[z->at->rule].n_primaries != 0;
}

/* Of zones that are there twice the first is looked at, so that they hide no other fault. */
static bool drop_doubles(struct reading *r, struct faults *f)
{
	char name[NAME_TEXT];
	size_t kept = 0, shadowed = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct listed *z = &r->list[i], *first = kept ? &r->list[kept - 1] : NULL;
		if (!first || registry_compare(first->origin, z->origin) != 0) {
			r->list[kept++] = *z;
			continue;
		}
		const struct fault_at at = zones_list_place(r, z->at), was = zones_list_place(r, first->at);
		if (z->added && z->added->promoted && is_secondary(r, first)) {
			r->list[kept - 1] = *z;
			shadowed++;
			continue;
		}
		if (z->added && z->added->catalog) {
			char catalog[NAME_TEXT];
			faults_warning(f, &was,
				"zone %s is a member of the catalog %s, too: what the configuration "
				"says is served",
				view_text(name, z->origin), name_text(catalog, z->added->catalog));
			shadowed++;
			continue;
		}
		if (z->added) {
			faults_warning(f, &was,
				"zone %s was also added while the server ran: what the "
				"configuration says is served (\"zone remove %s\" forgets the "
				"other)",
				view_text(name, z->origin), name);
			shadowed++;
			continue;
		}
		faults_error(f, &at,
			"zone %s is there twice: as %s (first at %s:%u) and as %s (keep one)",
			view_text(name, z->origin), first->path ? first->path : "a secondary",
			was.path, was.line, z->path ? z->path : "a secondary");
	}
	const bool ok = kept + shadowed == r->n;
	r->n = kept;
	return ok;
}

/* The same folder with the same pattern, in an entry before this. */
static bool folder_is_new(struct reading *r, const struct conf_zone *z, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, z);

	for (const struct conf_zone *a = r->o->conf->zones; a < z; a++)
		if (a->dir && strcmp(a->dir, z->dir) == 0 && !a->view == !z->view &&
			(!a->view || strcmp(a->view, z->view) == 0) && !a->files == !z->files &&
			(!a->files || strcmp(a->files, z->files) == 0)) {
			const struct fault_at was = zones_list_place(r, a);
			return faults_error(f, &at,
				"this folder is here twice (first at %s:%u); take one out",
				was.path, was.line);
		}
	return true;
}

/* A zone that is signed has one DS at its parent: so all views of it are signed with the same keys. */
static bool check_signing(
	struct reading *r, const struct listed *first, const struct listed *z, struct faults *f)
{
	const struct conf_rule *rules = r->o->conf->rules;
	const struct fault_at at = zones_list_place(r, z->at), was = zones_list_place(r, first->at);
	char name[NAME_TEXT], other[NAME_TEXT];

	if (rules[first->at->rule].dnssec == rules[z->at->rule].dnssec)
		return true;
	return faults_error(f, &at,
		"zone %s has another \"dnssec\" than zone %s (%s:%u): the parent has one DS for all "
		"views of a zone; sign all of them by one policy, or none",
		view_text(name, z->origin), view_text(other, first->origin), was.path, was.line);
}

/* Zones of one apex, which stand together, against the first of them. */
static bool check_views(struct reading *r, struct faults *f)
{
	bool ok = true;

	for (size_t i = 1, first = 0; i < r->n; i++) {
		const struct listed *z = &r->list[i];
		if (!view_is(r->list[first].origin) ||
			!name_equal(view_apex(z->origin), view_apex(r->list[first].origin)))
			first = i;
		else
			ok = check_signing(r, &r->list[first], z, f) && ok;
	}
	return ok;
}

static bool is_synced(const struct reading *r, const struct listed *z)
{
	return z->path && r->o->conf->rules[z->at->rule].synced;
}

struct filed {
	const struct listed *zone;
	struct shared_file file;
};

/* By file, and then as compare_listed() has it. */
static int compare_filed(const void *va, const void *vb)
{
	const struct filed *fa = va, *fb = vb;
	const struct listed *a = fa->zone, *b = fb->zone;
	const int d = shared_file_compare(&fa->file, &fb->file);

	if (!d && !a->added != !b->added)
		return a->added ? 1 : -1;
	if (d || a->at != b->at)
		return d ? d : a->at < b->at ? -1 : 1;
	return registry_compare(a->origin, b->origin);
}

/* False when it is the configuration's fault. */
static bool tell_shared(const struct reading *r, const struct listed *first, const struct listed *z, struct faults *f)
{
	const struct fault_at at = zones_list_place(r, z->at), was = zones_list_place(r, first->at);
	char name[NAME_TEXT], other[NAME_TEXT];
	struct fault why;

	view_text(name, z->origin);
	view_text(other, first->origin);
	if (first->added)
		fault(&why, "zone %s has the file of zone %s, and \"write-back: sync\" has one written over the other: give each a file of its own", name,
			other);
	else
		fault(&why,
			"zone %s has the file of zone %s (first at %s:%u), and \"write-back: sync\" has one written over the other: give each a file "
			"of its own",
			name, other, was.path, was.line);
	if (!z->added)
		return faults_error(f, &at, "%s", why.text);
	faults_warning(f, first->added ? &(struct fault_at){ .path = r->o->conf->path } : &was, "%s", why.text);
	return true;
}

/* Zones may have one file, where nobody writes it. */
static bool check_shared(struct reading *r, struct faults *f)
{
	struct filed *by_path = NULL;
	bool ok = true, any = false;
	size_t n = 0;

	for (size_t i = 0; i < r->n && !any; i++)
		any = is_synced(r, &r->list[i]);
	if (!any)
		return true;
	by_path = memory_zeroed(r->n, sizeof *by_path);
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].path)
			by_path[n++] = (struct filed){ &r->list[i], shared_file_of(r->list[i].path) };
	qsort(by_path, n, sizeof *by_path, compare_filed);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (shared_file_compare(&by_path[i].file, &by_path[first].file) != 0)
			first = i;
		else if (is_synced(r, by_path[i].zone) || is_synced(r, by_path[first].zone))
			ok = tell_shared(r, by_path[first].zone, by_path[i].zone, f) && ok;
	}
	memory_free(by_path);
	return ok;
}

/* An entry as the configuration would have it. */
void zones_list_add(struct reading *r, const struct zones_read_added *of)
{
	const struct conf *c = r->o->conf;
	struct conf_zone *at = arena_zalloc(&r->mem, sizeof *at);

	at->rule = zones_read_rule(c, of->added);
	at->name = of->apex;
	/* Of one that the store alone has, the file was where it began. */
	const struct conf_rule *rule = &c->rules[at->rule];
	at->file = *of->added->file && (!rule->stored || rule->synced) ? of->added->file : NULL;
	add_zone(r, at, of->apex, at->file)->added = of->added; /* no view: it is not too long */
}

/* False when the list is wrong; what it has then can be looked at all the same. */
bool zones_list_make(struct reading *r, struct faults *f)
{
	const struct conf *c = r->o->conf;
	bool ok = true;

	for (size_t i = 0; i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zones[i];
		if (z->dir)
			ok = folder_is_new(r, z, f) && add_folder(r, z, f) && ok;
		else if (!add_zone(r, z, z->name, z->file))
			ok = too_long(r, z, z->name, f);
	}
	for (size_t i = 0; i < r->o->n_added; i++)
		zones_list_add(r, &r->o->added[i]);
	if (ok && order_as_before(r))
		return check_shared(r, f) && check_views(r, f);
	if (r->n)
		qsort(r->list, r->n, sizeof *r->list, compare_listed);
	ok = drop_doubles(r, f) && ok;
	ok = check_shared(r, f) && ok;
	ok = check_views(r, f) && ok;
	find_before(r);
	return ok;
}
