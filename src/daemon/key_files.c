#include "daemon/key_files.h"

#include "base/file.h"
#include "daemon/key_names.h"
#include "zone/signing_key_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MOST = 64 << 10, KEY_TTL_S = 3600 };

struct key_files {
	struct key_names names;
	char dir[];
};

/* --- the folder --------------------------------------------------------------------------- */

struct key_files *key_files_open(const char *dir, struct fault *why)
{
	struct key_files *f = calloc(1, sizeof *f + strlen(dir) + 1);

	if (!f) {
		fault(why, "out of memory");
		return NULL;
	}
	strcpy(f->dir, dir);
	key_names_init(&f->names);
	return f;
}

/* It is made when there is something to be put into it. */
static bool make_folder(const struct key_files *f, struct fault *why)
{
	return mkdir(f->dir, S_IRWXU) == 0 || errno == EEXIST ||
		fault(why, "%s: %s (keys that zones are signed with are there)", f->dir,
			strerror(errno));
}

void key_files_close(struct key_files *f)
{
	if (!f)
		return;
	key_names_fini(&f->names);
	free(f);
}

const char *key_files_dir(const struct key_files *f)
{
	return f->dir;
}

/* --- one key ------------------------------------------------------------------------------ */

enum { PATH_ROOM = 4096 };

static bool path_of(char to[static PATH_ROOM], const char *dir, const char *name,
	const char *end, struct fault *why)
{
	return (size_t)snprintf(to, PATH_ROOM, "%s/%s%s", dir, name, end) < PATH_ROOM ||
		fault(why, "%s/%s%s: this path is too long", dir, name, end);
}

typedef bool write_fn(const char *path, const struct text *text, mode_t mode, struct fault *why);

static bool write_private(const char *path, const struct signing_key *k, int64_t created_s,
	write_fn *write, struct fault *why)
{
	struct signing_text t;

	bool ok = signing_text_private(k, created_s, &t);
	if (!ok)
		fault(why, "%s: the key has no private half, or there is no memory", path);
	ok = ok &&
		write(path, &(struct text){ .s = t.s, .len = t.len }, S_IRUSR | S_IWUSR, why);
	signing_text_wipe(&t);
	return ok;
}

/* `pair`: the paths of both files. */
static bool pair_of(const struct key_files *f, const uint8_t *apex, const struct signing_key *k,
	char pair[2][PATH_ROOM], struct fault *why)
{
	char name[SIGNING_FILE_NAME];

	signing_text_file(name, k, apex);
	return path_of(pair[0], f->dir, name, ".private", why) &&
		path_of(pair[1], f->dir, name, ".key", why);
}

static bool write_pair(const char pair[2][PATH_ROOM], const uint8_t *apex,
	const struct signing_key *k, int64_t created_s, write_fn *write, struct fault *why)
{
	struct text line = { 0 };

	if (!write_private(pair[0], k, created_s, write, why))
		return false;
	signing_text_public(k, apex, KEY_TTL_S, &line);
	const bool ok = write(pair[1], &line, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, why);
	text_fini(&line);
	return ok;
}

bool key_files_write(struct key_files *f, const uint8_t *apex, const struct signing_key *k,
	int64_t created_s, struct fault *why)
{
	char pair[2][PATH_ROOM];

	return make_folder(f, why) && pair_of(f, apex, k, pair, why) &&
		write_pair((const char(*)[PATH_ROOM])pair, apex, k, created_s, file_replace, why);
}

bool key_files_write_aside(struct key_files *f, const uint8_t *apex, const struct signing_key *k,
	int64_t created_s, struct fault *why)
{
	char pair[2][PATH_ROOM];

	return make_folder(f, why) && pair_of(f, apex, k, pair, why) &&
		write_pair((const char(*)[PATH_ROOM])pair, apex, k, created_s, file_prepare_synced, why);
}

bool key_files_settle(struct key_files *f, const uint8_t *apex, const struct signing_key *k, struct fault *why)
{
	char pair[2][PATH_ROOM];
	bool ok = pair_of(f, apex, k, pair, why);

	/* The private half last: it says that both are there. */
	for (unsigned i = 2; ok && i > 0; i--)
		ok = !file_is_prepared(pair[i - 1]) || file_place(pair[i - 1], why);
	return ok;
}

/* --- many at once ------------------------------------------------------------------------- */

enum { LEFT_S = 60 }; /* nobody prepares for so long */

/* Of "NAME.private.new" and "NAME.key.new". False: it is no such file. */
static bool prepared_name(const char *file, char name[static SIGNING_FILE_NAME])
{
	static const char *const ends[] = { ".private.new", ".key.new" };
	const size_t len = strlen(file);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t n = strlen(ends[i]);
		if (file[0] != 'K' || len <= n || len - n >= SIGNING_FILE_NAME || strcmp(file + len - n, ends[i]) != 0)
			continue;
		memcpy(name, file, len - n);
		name[len - n] = 0;
		return true;
	}
	return false;
}

void key_files_sweep(const struct key_files *f, bool all, bool (*wanted)(void *ctx, const char *name), void *ctx)
{
	DIR *d = opendir(f->dir);
	const time_t now_s = time(NULL);
	char name[SIGNING_FILE_NAME];
	const struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (prepared_name(e->d_name, name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			(all || now_s - st.st_mtime > LEFT_S) && !wanted(ctx, name))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static bool note_path(struct key_files_batch *b, const char *path)
{
	if (b->n == b->room) {
		const size_t room = b->room ? 2 * b->room : 64;
		char **paths = realloc(b->paths, room * sizeof *paths);
		if (!paths)
			return false;
		b->paths = paths;
		b->room = room;
	}
	b->paths[b->n] = strdup(path);
	return b->paths[b->n] && ++b->n;
}

bool key_files_prepare(struct key_files *f, struct key_files_batch *b, const uint8_t *apex,
	const struct signing_key *k, int64_t created_s, struct fault *why)
{
	char pair[2][PATH_ROOM];

	if (!make_folder(f, why) || !pair_of(f, apex, k, pair, why))
		return false;
	/* Before it is written: what is half there is dropped with the rest. */
	pthread_mutex_lock(&b->lock);
	const bool noted = note_path(b, pair[1]) && note_path(b, pair[0]);
	pthread_mutex_unlock(&b->lock);
	if (!noted)
		return fault(why, "out of memory");
	return write_pair((const char(*)[PATH_ROOM])pair, apex, k, created_s, file_prepare, why);
}

bool key_files_note(const struct key_files *f, struct key_files_batch *b, const uint8_t *apex, const struct signing_key *k, struct fault *why)
{
	char pair[2][PATH_ROOM];
	bool ok = pair_of(f, apex, k, pair, why);

	for (unsigned i = 2; ok && i > 0; i--)
		ok = !file_is_prepared(pair[i - 1]) || note_path(b, pair[i - 1]) || fault(why, "out of memory");
	return ok;
}

bool key_files_place(struct key_files_batch *b, struct fault *why)
{
	return file_place_all(b->paths, b->n, why);
}

bool key_files_sync(const struct key_files *f, struct fault *why)
{
	DIR *d = opendir(f->dir);
	const bool ok = (!d && errno == ENOENT) || (d && syncfs(dirfd(d)) == 0) || fault(why, "%s: %s", f->dir, strerror(errno));

	if (d)
		closedir(d);
	return ok;
}

void key_files_end(struct key_files_batch *b, bool keep)
{
	for (size_t i = 0; i < b->n; i++) {
		if (!keep) {
			file_drop_prepared(b->paths[i]);
			unlink(b->paths[i]);
		}
		free(b->paths[i]);
	}
	free(b->paths);
	b->paths = NULL;
	b->n = b->room = 0;
}

static struct signing_key *read_secret(const char *path, uint16_t flags, uint8_t algorithm,
	struct file *text, struct fault *why)
{
	struct fault own;

	if (!file_read(text, path, FILE_MOST, why))
		return NULL;
	struct signing_key *k = signing_text_read(
		text->text, text->len, flags, algorithm, &own);
	if (!k)
		fault(why, "%s: %s", path, own.text);
	return k;
}

static void wipe(struct file *text)
{
	if (text->text)
		sodium_memzero(text->text, text->len);
	file_free(text);
}

struct signing_key *key_files_read(struct key_files *f, const uint8_t *apex,
	const struct signing_key *public, struct fault *why)
{
	char name[SIGNING_FILE_NAME], path[PATH_ROOM];
	struct file text = { 0 };

	signing_text_file(name, public, apex);
	if (!path_of(path, f->dir, name, ".private", why) ||
		(file_is_prepared(path) && access(path, F_OK) != 0 && !key_files_settle(f, apex, public, why)))
		return NULL;
	struct signing_key *k = read_secret(path, signing_key_flags(public), 0, &text, why);
	wipe(&text);
	if (k && !signing_key_same(k, public)) {
		fault(why, "%s: this is another key than the zone has", path);
		signing_key_drop(k);
		return NULL;
	}
	return k;
}

/* --- what is found ------------------------------------------------------------------------ */

/* "NAME: YYYYMMDDhhmmss"; 0: it is not there. */
static int64_t time_field(const char *text, const char *name)
{
	const size_t len = strlen(name);
	struct tm tm = { 0 };

	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
		if ((at == text || at[-1] == '\n') && at[len] == ':' &&
			strptime(at + len + 1, " %Y%m%d%H%M%S", &tm))
			return (int64_t)timegm(&tm);
	return 0;
}

static bool is_in_use(const char *text, int64_t now_s)
{
	const int64_t activate_s = time_field(text, "Activate"),
		      inactive_s = time_field(text, "Inactive"),
		      delete_s = time_field(text, "Delete");

	return activate_s <= now_s && (!inactive_s || inactive_s > now_s) &&
		(!delete_s || delete_s > now_s);
}

/* The public half of K*.key; NULL. */
static struct signing_key *read_public(
	const char *path, uint8_t owner[static NAME_MOST], struct fault *why)
{
	uint8_t rdata[SIGNING_DNSKEY_MOST];
	struct file text;
	struct fault own;

	if (!file_read(&text, path, FILE_MOST, why))
		return NULL;
	const size_t len = signing_text_read_public(text.text, owner, rdata, &own);
	struct signing_key *k = len ? signing_key_foreign(rdata, len, &own) : NULL;
	if (!k)
		fault(why, "%s: %s", path, own.text);
	file_free(&text);
	return k;
}

/* What stands at that path; NULL: nothing, or what cannot be read as a key. */
static struct signing_key *read_whole(const char *private, const struct signing_key *like)
{
	struct file text = { 0 };
	struct fault none;
	struct signing_key *k = read_secret(private, signing_key_flags(like), 0, &text, &none);

	wipe(&text);
	return k;
}

/* Is something else at its place? */
static bool is_another(const char pair[2][PATH_ROOM], const struct signing_key *k)
{
	uint8_t owner[NAME_MOST];
	struct fault none;
	struct signing_key *public = read_public(pair[1], owner, &none),
			   *there = access(pair[0], F_OK) == 0 ? read_whole(pair[0], k) : NULL;
	const bool other = (public && !signing_key_same(public, k)) ||
		(access(pair[0], F_OK) == 0 && !(there && signing_key_same(there, k)));

	signing_key_drop(public);
	signing_key_drop(there);
	return other;
}

bool key_files_has_other(struct key_files *f, const uint8_t *apex, const struct signing_key *k, struct fault *why)
{
	char pair[2][PATH_ROOM];

	if (!pair_of(f, apex, k, pair, why))
		return true;
	return is_another((const char(*)[PATH_ROOM])pair, k) &&
		!fault(why, "%s: another key has the same tag; make a new one, or remove that file when no zone needs it",
			access(pair[1], F_OK) == 0 ? pair[1] : pair[0]);
}

void key_files_remove(struct key_files *f, const uint8_t *apex, const struct signing_key *k)
{
	char pair[2][PATH_ROOM];

	if (!pair_of(f, apex, k, pair, NULL))
		return;
	const bool other = is_another((const char(*)[PATH_ROOM])pair, k);
	for (unsigned i = 0; i < 2; i++) {
		file_drop_prepared(pair[i]);
		if (!other)
			unlink(pair[i]);
	}
}

bool key_files_has(struct key_files *f, const uint8_t *apex, const struct signing_key *k)
{
	char pair[2][PATH_ROOM];

	return pair_of(f, apex, k, pair, NULL) && access(pair[0], F_OK) == 0;
}

static struct signing_key *read_pair(const char *private, const char *public,
	uint8_t owner[static NAME_MOST], int64_t *created_s, bool *used, int64_t now_s,
	struct fault *why)
{
	struct file text = { 0 };
	struct signing_key *p = read_public(public, owner, why);
	struct signing_key *k = p ? read_secret(private, signing_key_flags(p), 0, &text, why)
				  : NULL;

	if (k && !signing_key_same(k, p)) {
		fault(why, "%s: it does not belong to the DNSKEY of %s", private, public);
		signing_key_drop(k);
		k = NULL;
	}
	if (k) {
		*created_s = time_field(text.text, "Created");
		*used = is_in_use(text.text, now_s);
	}
	wipe(&text);
	signing_key_drop(p);
	return k;
}

size_t key_files_find(struct key_files *f, const uint8_t *apex, int64_t now_s,
	struct key_file *to, size_t most, bool *ok, struct fault *why)
{
	char start[SIGNING_FILE_NAME], private[PATH_ROOM], public[PATH_ROOM], *names[64];
	static const uint8_t any[] = { 1, 0, 3, 253, 0 };
	uint8_t owner[NAME_MOST];
	size_t n = 0;

	/* All names of the zone begin as that of any of its keys, up to the algorithm. */
	struct signing_key *k = signing_key_foreign(any, sizeof any, why);
	*ok = k != NULL;
	if (!k)
		return 0;
	*strrchr(signing_text_file(start, k, apex), '+') = 0;
	strrchr(start, '+')[1] = 0;
	signing_key_drop(k);
	const size_t found = key_names_like(&f->names, f->dir, &(struct key_names_wanted){ start, names, 64 }, ok, why);
	for (size_t i = 0; i < found; i++) {
		struct key_file one = { 0 };
		bool used = false;
		if (*ok && n < most && path_of(private, f->dir, names[i], ".private", why) &&
			path_of(public, f->dir, names[i], ".key", why)) {
			one.key = read_pair(
				private, public, owner, &one.created_s, &used, now_s, why);
			*ok = one.key != NULL;
		}
		if (one.key && used)
			to[n++] = one;
		else
			signing_key_drop(one.key);
		free(names[i]);
	}
	for (; !*ok && n; n--)
		signing_key_drop(to[n - 1].key);
	return n;
}

static bool ends_with(const char *path, const char *end)
{
	const size_t len = strlen(path), n = strlen(end);

	return len > n && strcmp(path + len - n, end) == 0;
}

struct signing_key *key_files_take(const char *path, uint16_t flags, uint8_t algorithm,
	uint8_t owner[static 256], int64_t *created_s, struct fault *why)
{
	char public[PATH_ROOM];
	struct file text = { 0 };
	bool used;

	*owner = 0;
	*created_s = 0;
	if (ends_with(path, ".key"))
		return read_public(path, owner, why);
	if (ends_with(path, ".private")) {
		if ((size_t)snprintf(public, sizeof public, "%.*s.key",
			    (int)(strlen(path) - strlen(".private")), path) >= sizeof public) {
			fault(why, "%s: this path is too long", path);
			return NULL;
		}
		return read_pair(path, public, owner, created_s, &used, 0, why);
	}
	struct signing_key *k = read_secret(path, flags, algorithm, &text, why);
	wipe(&text);
	return k;
}
