#include "daemon/confine.h"

#include "base/arena.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/tls_files.h"
#include "daemon/parts_read.h"
#include "daemon/privs.h"
#include "zone/registry.h"
#include "zone/zone.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define MAY                                                                                              \
	"the server may %s only in the folders that were named when it started: once the configuration names it " \
	"(\"server: folders\" is for what nothing else names), \"waymarkctl upgrade\" starts one that may here, too"

enum { ERRORS = 8 };

struct places {
	struct landlock_place *of; /* whole paths of folders, without links, sorted, none twice */
	size_t n, room;
	struct arena mem;
	char last[PATH_MAX]; /* the parent of the path before, as it was written: files of one folder mostly come together */
	bool last_writes;
};

static struct places mine; /* n 0: all that there is */

/* As it is written. False: it is too long. */
static bool parent_of(const char *path, char to[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	const size_t len = !slash || slash == path ? 1 : (size_t)(slash - path);

	if (len >= PATH_MAX)
		return false;
	memcpy(to, slash ? path : ".", len);
	to[len] = 0;
	return true;
}

/* The folder that has to be open for `path`: itself when it is one. No links are left in `to`. */
static bool folder_of(const char *path, char to[static PATH_MAX])
{
	struct stat st;
	char parent[PATH_MAX];

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return realpath(path, to) != NULL;
	return parent_of(path, parent) && realpath(parent, to) != NULL;
}

static bool is_below(const char *path, const char *folder)
{
	const size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (folder[len - 1] == '/' || !path[len] || path[len] == '/');
}

static void add(struct places *l, const char *folder, bool writes)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->of = memory_grow(l->of, l->room * sizeof *l->of);
	}
	l->of[l->n++] = (struct landlock_place){ arena_strdup(&l->mem, folder), writes };
}

bool confine_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --- what is named ------------------------------------------------------------------------ */

typedef void take_path(void *ctx, const char *path, bool writes);

/* Those that the server makes. */
enum { OWN_FOLDERS = 2 };

static const char *own_folder(const struct conf *c, unsigned i)
{
	return i == 0 ? c->images_dir : c->keys_dir;
}

static void each_written(const struct conf *c, take_path *take, void *ctx)
{
	const char *const files[] = { c->control_socket, c->management_socket, c->state_file, c->store_file, c->latency.state,
		c->latency.learned_resolvers, c->decisions_file, c->queries_file };

	for (unsigned i = 0; i < OWN_FOLDERS; i++)
		if (own_folder(c, i) && confine_is_folder(own_folder(c, i)))
			take(ctx, own_folder(c, i), true);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i])
			take(ctx, files[i], true);
	for (size_t i = 0; i < c->n_folders; i++)
		if (confine_is_folder(c->folders[i])) /* else the one that it would be in is not meant */
			take(ctx, c->folders[i], true);
	for (size_t i = 0; i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zones[i];
		if (c->rules[z->rule].synced && (z->file || z->dir))
			take(ctx, z->file ? z->file : z->dir, true);
	}
}

static bool is_of_folders(const struct conf *c, const char *path)
{
	for (size_t i = 0; i < c->n_folders; i++)
		if (strcmp(c->folders[i], path) == 0)
			return true;
	return false;
}

static void each_named(const struct conf *c, take_path *take, void *ctx)
{
	take(ctx, c->path, false);
	for (size_t i = 0; i < c->sources.n; i++)
		take(ctx, c->sources.of[i].path, false);
	for (size_t i = 0; i < c->n_paths; i++)
		if (!is_of_folders(c, c->paths[i].path))
			take(ctx, c->paths[i].path, false);
	each_written(c, take, ctx);
}

static void each_of_zones(const struct parts *p, take_path *take, void *ctx)
{
	const struct conf *c = parts_conf(p);

	for (size_t i = 0; i < p->zones->n; i++) {
		const struct registry_zone *z = p->zones->zones[i];
		for (size_t k = 1; k < z->load.n; k++) /* what the first includes */
			take(ctx, z->load.sources[k].path, false);
		if (z->added && *z->path)
			take(ctx, z->path, c->rules[zone_set_rule(p->zones->set, i)].synced);
	}
}

/* Zones of a folder may be links to files elsewhere. */
static void each_link(const char *folder, take_path *take, void *ctx)
{
	DIR *d = opendir(folder);
	char path[PATH_MAX];

	for (const struct dirent *e; d && (e = readdir(d));)
		if ((e->d_type == DT_LNK || e->d_type == DT_UNKNOWN) && snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path)
			take(ctx, path, false);
	if (d)
		closedir(d);
}

/* --- from now on -------------------------------------------------------------------------- */

/* Links among the folders of a path may lead to the next version of them tomorrow (current -> releases/7, and ..data of a
 * volume of Kubernetes): where such a one leads below the folder that it stands in, all that stand beside its target may be read. */
static void add_versions(struct places *l, const char *path)
{
	char link[PATH_MAX], parent[PATH_MAX], stands[PATH_MAX], target[PATH_MAX], beside[PATH_MAX];
	struct stat st;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const size_t len = (size_t)(slash - path);
		if (!len || len >= sizeof link)
			continue;
		memcpy(link, path, len);
		link[len] = 0;
		if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && parent_of(link, parent) && realpath(parent, stands) && stands[1] &&
			realpath(link, target) && parent_of(target, beside) && is_below(beside, stands))
			add(l, beside, false);
	}
}

static void add_path(void *ctx, const char *path, bool writes)
{
	struct places *l = ctx;
	char parent[PATH_MAX], folder[PATH_MAX], target[PATH_MAX];
	struct stat st = { 0 };

	lstat(path, &st);
	const bool again = S_ISREG(st.st_mode) && parent_of(path, parent) && strcmp(parent, l->last) == 0 && writes == l->last_writes;
	if (again || !folder_of(path, folder))
		return;
	add(l, folder, writes);
	if (S_ISLNK(st.st_mode) && realpath(path, target) && folder_of(target, folder))
		add(l, folder, writes);
	add_versions(l, path);
	if (S_ISREG(st.st_mode)) {
		strcpy(l->last, parent);
		l->last_writes = writes;
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct landlock_place *)a)->path, ((const struct landlock_place *)b)->path);
}

/* What is below another that may as much says nothing. */
static void merge(struct places *l)
{
	size_t n = 0;

	qsort(l->of, l->n, sizeof *l->of, by_path);
	for (size_t i = 0; i < l->n; i++) {
		struct landlock_place *last = n ? &l->of[n - 1] : NULL;
		if (last && strcmp(last->path, l->of[i].path) == 0)
			last->writes |= l->of[i].writes;
		else if (!last || !is_below(l->of[i].path, last->path) || (l->of[i].writes && !last->writes))
			l->of[n++] = l->of[i];
	}
	l->n = n;
}

/* Libraries, names of hosts and users, authorities, zones of time, what the kernel tells; and a sink. */
static const struct landlock_place systems[] = { { "/etc", false }, { "/usr", false }, { "/lib", false }, { "/lib64", false },
	{ "/proc", false }, { "/sys", false }, { "/dev", false }, { "/dev/null", true }, { "/run/systemd/resolve", false } };

/* Some of what is read there are links to elsewhere, to what services and packages make. */
static void each_of_system(take_path *take, void *ctx)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime" };
	const char *authorities = tls_files_system();

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		take(ctx, files[i], false);
	if (authorities)
		take(ctx, authorities, false);
}

/* What is to be in reach is there: the folder that it would be made in is not meant. One that cannot be made is told by who needs it. */
static void make_own_folders(const struct conf *c)
{
	struct fault why;

	for (unsigned i = 0; i < OWN_FOLDERS; i++)
		if (own_folder(c, i) && mkdir(own_folder(c, i), 0700) == 0 && !privs_give(own_folder(c, i), c->user, &why))
			log_line(LOG_WARNING, "%s", why.text);
}

void confine(const struct parts *p)
{
	const struct conf *c = parts_conf(p);
	static struct places l;

	if (c->folders_any)
		return;
	for (size_t i = 0; i < c->n_folders; i++)
		if (!confine_is_folder(c->folders[i]))
			log_line(LOG_WARNING, "%s: " CONFINE_NO_FOLDER, c->folders[i]);
	make_own_folders(c);
	each_named(c, add_path, &l);
	each_of_zones(p, add_path, &l);
	for (size_t i = 0; i < c->n_zones; i++)
		if (c->zones[i].dir)
			each_link(c->zones[i].dir, add_path, &l);
	each_of_system(add_path, &l);
	for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
		add(&l, systems[i].path, systems[i].writes);
	merge(&l);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (landlock_places(l.of, l.n)) {
		mine = l;
		return;
	}
	log_line(LOG_NOTICE, "this kernel does not limit which files may be opened (no Landlock)");
	memory_free(l.of);
	arena_fini(&l.mem);
	l = (struct places){ 0 };
}

/* --- later -------------------------------------------------------------------------------- */

static bool is_place(const char *folder, bool writes)
{
	const struct landlock_place *l = bsearch(&(struct landlock_place){ .path = folder }, mine.of, mine.n, sizeof *mine.of, by_path);

	return l && (l->writes || !writes);
}

/* It or one that it is below: there may be as many as zones. */
static bool may(const char *path, bool writes)
{
	char folder[PATH_MAX];

	if (!mine.n || !folder_of(path, folder))
		return true; /* or there is none: who opens it tells that better */
	for (;;) {
		char *slash = strrchr(folder, '/');
		if (is_place(folder, writes))
			return true;
		if (!folder[1])
			return false;
		slash[slash == folder] = 0;
	}
}

struct check {
	const struct conf *conf;
	struct faults *faults;
	unsigned wrong;
	char last[PATH_MAX]; /* a folder in reach, as it was written */
	bool last_writes;
};

static void check_path(void *ctx, const char *path, bool writes)
{
	struct check *x = ctx;
	char parent[PATH_MAX];
	const bool whole = parent_of(path, parent);

	if (whole && strcmp(parent, x->last) == 0 && writes <= x->last_writes)
		return;
	if (may(path, writes)) {
		if (whole && may(parent, writes)) {
			strcpy(x->last, parent);
			x->last_writes = writes;
		}
		return;
	}
	if (x->wrong++ >= ERRORS)
		return;
	const struct fault_at at = conf_path_at(x->conf, path);
	faults_error(x->faults, &at, "%s: " MAY, path, writes ? "write" : "read");
}

bool confine_check(const struct conf *c, struct faults *f)
{
	struct check x = { .conf = c, .faults = f };

	each_named(c, check_path, &x);
	for (unsigned i = 0; i < OWN_FOLDERS; i++) /* which may have to be made */
		if (own_folder(c, i))
			check_path(&x, own_folder(c, i), true);
	return !x.wrong;
}

bool confine_file(const char *path, bool writes, struct fault *why)
{
	return may(path, writes) || fault(why, "%s: " MAY, path, writes ? "write" : "read");
}
