#include "tools/ctl_files.h"

#include "base/file.h"
#include "base/memory.h"
#include "daemon/confine.h"
#include "daemon/external_unknown.h"
#include "daemon/privs.h"
#include "base/tls_files.h"
#include "probe/external_file.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 30 };

/* --- one of them -------------------------------------------------------------------------- */

static bool may_run(const char *path, struct fault *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fault(why, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault(why, "%s: this is no program", path);
	return access(path, X_OK) == 0 ||
		fault(why, "%s: cannot be run: %s", path, strerror(errno));
}

static bool may_read(const char *path, struct fault *why)
{
	struct fault reason;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return access(path, R_OK | X_OK) == 0 ||
			fault(why, "%s: %s", path, strerror(errno));
	const int fd = file_open(path, FILE_MOST, &reason);
	if (fd < 0)
		return fault(why, "%s: %.800s", path, reason.text);
	close(fd);
	return true;
}

/* In its folder. */
static bool may_make(const char *path, struct fault *why)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	const bool may = access(folder ? folder : ".", W_OK | X_OK) == 0 ||
		fault(why, "%s: cannot be made in its folder: %s", path, strerror(errno));

	free(folder);
	return may;
}

static bool look(const struct conf_file *file, struct fault *why)
{
	switch (file->kind) {
	case CONF_FILE_CA: return tls_files_check_ca(file->path, why);
	case CONF_FILE_PAIR: return tls_files_check_pair(file->path, file->key, why);
	case CONF_FILE_TICKETS: return tls_tickets_read(&(struct tls_tickets){ 0 }, file->path, why);
	case CONF_FILE_PROGRAM: return may_run(file->path, why);
	case CONF_FILE_APPEND:
		if (access(file->path, F_OK) == 0)
			return access(file->path, W_OK) == 0 ||
				fault(why, "%s: cannot be written: %s", file->path,
					strerror(errno));
		return may_make(file->path, why);
	case CONF_FILE_REPLACE: return may_make(file->path, why);
	case CONF_FILE_READ: break;
	}
	return may_read(file->path, why);
}

/* --- all of them -------------------------------------------------------------------------- */

static void add(struct conf_file *list, size_t *n, const char *path)
{
	if (path)
		list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_READ, .path = path };
}

/* Read when they change: by whoever the server is then. */
static void add_tls(const struct conf *c, struct conf_file *list, size_t *n)
{
	for (size_t i = 0; i < c->n_tls; i++)
		list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_PAIR,
			.path = c->tls[i].cert,
			.key = c->tls[i].key };
	if (c->tls_clients)
		list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_CA,
			.path = c->tls_clients };
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct tls_client_opts *o = &c->peers[i].tls_opts;
		if (o->ca)
			list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_CA, .path = o->ca };
		if (o->cert && o->key)
			list[(*n)++] = (struct conf_file){
				.kind = CONF_FILE_PAIR, .path = o->cert, .key = o->key };
	}
	if (c->tls_tickets)
		list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_TICKETS,
			.path = c->tls_tickets };
}

/* What the server writes, as whoever it is then. */
static void add_written(const struct conf *c, struct conf_file *list, size_t *n)
{
	const struct conf_file written[] = { { .kind = CONF_FILE_REPLACE,
						     .path = c->control_socket },
		{ .kind = CONF_FILE_REPLACE, .path = c->state_file },
		{ .kind = CONF_FILE_REPLACE, .path = c->latency.state },
		{ .kind = CONF_FILE_REPLACE, .path = c->latency.learned_resolvers },
		{ .kind = CONF_FILE_APPEND, .path = c->decisions_file },
		{ .kind = CONF_FILE_APPEND, .path = c->queries_file } };

	for (size_t i = 0; i < sizeof written / sizeof *written; i++)
		if (written[i].path)
			list[(*n)++] = written[i];
}

/* Zone files that the server writes. */
static void add_synced(const struct parts *p, struct conf_file *list, size_t *n)
{
	const struct registry *r = p->zones;

	for (size_t i = 0; i < r->n; i++)
		if (parts_conf(p)->rules[zone_set_rule(r->set, i)].synced && *r->zones[i]->path)
			list[(*n)++] = (struct conf_file){ .kind = CONF_FILE_REPLACE,
				.path = r->zones[i]->path };
}

/* Those that probes name, and then what is read at the start and by reloads. The caller frees.
 */
static struct conf_file *list_files(const struct parts *p, size_t *n)
{
	const struct conf *c = parts_conf(p);
	size_t room = c->n_files + c->n_city_files + c->n_asn_files + c->latency.n_files +
		c->n_zones + c->sources.n + c->n_tls + 2 * c->n_peers + 10;
	for (size_t i = 0; i < p->zones->n; i++)
		room += p->zones->zones[i]->load.n + 1;
	struct conf_file *list = memory_zeroed(room, sizeof *list);

	*n = c->n_files;
	if (c->n_files)
		memcpy(list, c->files, c->n_files * sizeof *list);
	for (size_t i = 0; i < c->sources.n; i++)
		add(list, n, c->sources.of[i].path);
	for (size_t i = 0; i < c->n_city_files; i++)
		add(list, n, c->city_files[i]);
	for (size_t i = 0; i < c->n_asn_files; i++)
		add(list, n, c->asn_files[i]);
	for (size_t i = 0; i < c->latency.n_files; i++)
		add(list, n, c->latency.files[i]);
	add(list, n, c->latency.mesh);
	add(list, n, c->latency.resolver_clients);
	for (size_t i = 0; i < c->n_zones; i++)
		add(list, n, c->zones[i].dir);
	for (size_t i = 0; i < p->zones->n; i++)
		for (size_t k = 0; k < p->zones->zones[i]->load.n; k++)
			add(list, n, p->zones->zones[i]->load.sources[k].path);
	add_tls(c, list, n);
	if (geteuid() == 0) { /* else the server may be somebody else */
		add_written(c, list, n);
		add_synced(p, list, n);
	}
	return list;
}

static bool become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	return pw && initgroups(user, pw->pw_gid) == 0 && setgid(pw->pw_gid) == 0 &&
		setuid(pw->pw_uid) == 0;
}

/* In a process of its own, since who gives privileges away has them no more. Each that is wrong
 * is a line: its number and the sentence. */
static void look_at_all(const struct conf_file *list, size_t n, const char *user, FILE *to)
{
	struct fault why;

	if (user && !become(user))
		return; /* the start tells of it */
	for (size_t i = 0; i < n; i++)
		if (!look(&list[i], &why))
			fprintf(to, "%zu %s\n", i, why.text);
	fflush(to);
}

/* A folder that is not there may be made by who starts the server (RuntimeDirectory=). */
static bool is_missing_folder(const struct conf_file *file, const char *say)
{
	return (file->kind == CONF_FILE_APPEND || file->kind == CONF_FILE_REPLACE) &&
		strstr(say, strerror(ENOENT));
}

static void tell_wrong(const struct conf *c, const struct conf_file *file, const char *user,
	const char *say, struct faults *f)
{
	const struct fault_at at = file->line
		? conf_place(c, file->source, file->line, file->column)
		: conf_path_at(c, file->path);
	struct fault ours;

	if (is_missing_folder(file, say))
		faults_warning(f, &at, "%s", say);
	else if (file->kind != CONF_FILE_READ && user && look(file, &ours))
		faults_error(f, &at, "%s (as user %s, who the server will be)", say, user);
	else if (file->kind != CONF_FILE_READ)
		faults_error(f, &at, "%s", say);
	else if (user && look(file, &ours)) /* what nobody can read has been told */
		faults_warning(f, &at,
			"%s (as user %s, who the server will be: it is read at the start, but "
			"not by a reload)",
			say, user);
}

/* False: told. */
static bool user_is_there(const struct conf *c, struct faults *f)
{
	struct fault_at at;

	if (!c->user || getpwnam(c->user))
		return true;
	conf_at(c, "server", "user", &at);
	return faults_error(f, &at,
		"there is no user \"%s\" (create it: useradd --system %s)", c->user, c->user);
}

/* Others write them: what is wrong now may be right soon. */
static void check_verdicts(const struct conf *c, struct faults *f)
{
	for (size_t i = 0; i < c->n_probes; i++) {
		const struct probe_opts *p = &c->probes[i];
		struct externals list;
		struct fault why;
		struct file file;
		if (p->kind != PROBE_EXTERNAL || !p->file)
			continue;
		const struct fault_at at = conf_path_at(c, p->file);
		if (!file_read(&file, p->file, EXTERNAL_FILE_MOST, &why)) {
			faults_warning(f, &at, "%s; until it can be read, no edge has a verdict by it",
				why.text);
			continue;
		}
		const struct conf *of[2] = { c, NULL };
		if (external_read(&list, file.text, file.len,
			    &(struct external_file){ .path = p->file, .probe = p->name }, &why)) {
			if (!external_unknown_none(&list, of, p->file, &why))
				faults_warning(f, &at, "%s", why.text);
			externals_fini(&list);
		} else {
			faults_warning(f, &at, "%s", why.text);
		}
		file_free(&file);
	}
}

static void check_folders(const struct conf *c, struct faults *f)
{
	for (size_t i = 0; i < c->n_folders; i++) {
		const struct fault_at at = conf_path_at(c, c->folders[i]);
		if (!confine_is_folder(c->folders[i]))
			faults_warning(f, &at, "%s: " CONFINE_NO_FOLDER, c->folders[i]);
	}
}

/* It is made by who starts the server, and given to whom that becomes: not even its folder need be his. */
static void check_store(const struct conf *c, struct faults *f)
{
	static const char begins[] = "SQLite format 3";
	char head[sizeof begins] = "";
	struct fault why;

	if (!c->store_file)
		return;
	const struct fault_at at = conf_path_at(c, c->store_file);
	if (access(c->store_file, F_OK) != 0) {
		if (errno == ENOENT && !may_make(c->store_file, &why) && errno == ENOENT)
			faults_warning(f, &at, "%s", why.text);
		return;
	}
	const int fd = file_open(c->store_file, UINT64_MAX, &why);
	if (fd < 0) { /* a folder, or a pipe; or it is for the server to read */
		if (access(c->store_file, R_OK) == 0)
			faults_error(f, &at, "%s: %s", c->store_file, why.text);
		return;
	}
	const ssize_t n = read(fd, head, sizeof head);
	close(fd);
	/* One byte is as good as none for SQLite. */
	if (n > 1 && (n < (ssize_t)sizeof head || memcmp(head, begins, sizeof head) != 0))
		faults_error(f, &at, "%s: this is no store of ours", c->store_file);
}

void ctl_files_check(const struct parts *p, struct faults *f)
{
	const struct conf *c = parts_conf(p);
	const char *user = privs_user(c->user);
	char *line = NULL;
	size_t room = 0, n;
	int ends[2];

	if (!user_is_there(c, f) || pipe(ends) != 0)
		return;
	check_verdicts(c, f);
	check_folders(c, f);
	check_store(c, f);
	struct conf_file *list = list_files(p, &n);
	const pid_t pid = fork();
	FILE *io = fdopen(ends[pid != 0 ? 0 : 1], pid != 0 ? "r" : "w");
	close(ends[pid != 0 ? 1 : 0]);
	if (pid == 0) {
		if (io)
			look_at_all(list, n, user, io);
		_exit(0);
	}
	while (pid > 0 && io && getline(&line, &room, io) > 0) {
		char *end;
		const size_t i = strtoul(line, &end, 10);
		end[strcspn(end, "\n")] = 0;
		if (i < n && *end == ' ')
			tell_wrong(c, &list[i], user, end + 1, f);
	}
	if (io)
		fclose(io);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	free(line);
	memory_free(list);
}
