#include "daemon/shared_file.h"

#include "dns/name.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct shared_file shared_file_of(const char *path)
{
	const size_t len = (size_t)(name_of(path) - path);
	char folder[PATH_MAX];
	struct stat st;

	if (len >= sizeof folder)
		return (struct shared_file){ .name = path };
	memcpy(folder, path, len);
	folder[len] = 0;
	if (stat(len ? folder : ".", &st) != 0)
		return (struct shared_file){ .name = path };
	return (struct shared_file){ st.st_dev, st.st_ino, path + len };
}

int shared_file_compare(const struct shared_file *a, const struct shared_file *b)
{
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return strcmp(a->name, b->name);
}

const struct registry_zone *shared_file_owner(
	const struct registry *zones, const struct conf *c, const uint8_t *apex, const char *path, bool synced)
{
	const struct shared_file is = shared_file_of(path);

	for (size_t i = 0; i < zones->n; i++) {
		const struct registry_zone *z = zones->zones[i];
		if (!*z->path || (!synced && !c->rules[zone_set_rule(zones->set, i)].synced) || name_equal(z->origin, apex) ||
			strcmp(name_of(z->path), name_of(path)) != 0) /* of a million the folders are not looked at */
			continue;
		const struct shared_file its = shared_file_of(z->path);
		if (shared_file_compare(&is, &its) == 0)
			return z;
	}
	return NULL;
}
