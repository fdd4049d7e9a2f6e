#include "daemon/key_names.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SCAN_US = 1000000 };

static void forget_names(struct key_names *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->names[i]);
	f->n = 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct key_names *f, const char *name, size_t len)
{
	if (f->n == f->room) {
		const size_t room = f->room ? 2 * f->room : 64;
		char **names = realloc(f->names, room * sizeof *names);
		if (!names)
			return false;
		f->names = names;
		f->room = room;
	}
	f->names[f->n] = strndup(name, len);
	return f->names[f->n] && ++f->n;
}

/* Under the lock. */
static bool look_through(struct key_names *f, const char *dir, struct fault *why)
{
	static const char end[] = ".private";
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool ok = true;

	if (!d && errno != ENOENT)
		return fault(why, "%s: %s", dir, strerror(errno));
	forget_names(f);
	if (!d)
		return true;
	while (ok && (e = readdir(d))) {
		const size_t len = strlen(e->d_name);
		if (e->d_name[0] == 'K' && len > sizeof end &&
			strcmp(e->d_name + len - (sizeof end - 1), end) == 0)
			ok = add_name(f, e->d_name, len - (sizeof end - 1));
	}
	closedir(d);
	if (f->n)
		qsort(f->names, f->n, sizeof *f->names, compare_names);
	return ok || fault(why, "out of memory");
}

static bool look_again(struct key_names *f, const char *dir, struct fault *why)
{
	const uint64_t now_us = clock_us();
	struct stat st = { 0 };

	if (f->looked_us && now_us - f->looked_us < SCAN_US)
		return true;
	if (stat(dir, &st) != 0 && errno != ENOENT)
		return fault(why, "%s: %s", dir, strerror(errno));
	if (f->looked_us && st.st_mtim.tv_sec == f->changed.tv_sec &&
		st.st_mtim.tv_nsec == f->changed.tv_nsec)
		return true;
	f->changed = st.st_mtim;
	f->looked_us = now_us;
	return look_through(f, dir, why);
}

/* Where in the list names with that start begin. */
static size_t first_like(const struct key_names *f, const char *start)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (strcmp(f->names[mid], start) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t key_names_like(struct key_names *f, const char *dir, const struct key_names_wanted *w, bool *ok, struct fault *why)
{
	const size_t len = strlen(w->start);
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	*ok = look_again(f, dir, why);
	for (size_t i = first_like(f, w->start); *ok && i < f->n && n < w->most; i++) {
		if (strncmp(f->names[i], w->start, len) != 0)
			break;
		w->to[n] = strdup(f->names[i]);
		n += w->to[n] != NULL;
	}
	pthread_mutex_unlock(&f->lock);
	return n;
}

void key_names_init(struct key_names *f)
{
	*f = (struct key_names){ .names = NULL };
	pthread_mutex_init(&f->lock, NULL);
}

void key_names_fini(struct key_names *f)
{
	forget_names(f);
	free(f->names);
	pthread_mutex_destroy(&f->lock);
}
