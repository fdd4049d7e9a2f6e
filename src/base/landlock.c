#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset /* the same numbers on all machines */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

/* struct landlock_ruleset_attr of Linux 6.12; headers of today's systems have less of it. */
struct ruleset {
	uint64_t files, net, scoped;
};

/* struct landlock_path_beneath_attr. */
struct beneath {
	uint64_t files;
	int32_t fd;
} __attribute__((packed));

enum { SCOPE_SIGNAL = 1 << 1, WANT_VERSION = 1, PATH_BENEATH = 1 };

/* Rights to files; the first version has them up to MAKE_SYM. */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,    /* from version 2 on; before it a file cannot go to another folder at all */
	TRUNCATE = 1 << 14, /* 3 */

	READ = READ_FILE | READ_DIR,
	WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | REFER | TRUNCATE,
	OF_ONE_FILE = READ_FILE | WRITE_FILE | TRUNCATE
};

static bool has_places; /* for the rest of the process's life */

static bool close_in(int rules)
{
	const bool ok = syscall(SYS_landlock_restrict_self, rules, 0) == 0;

	close(rules);
	return ok;
}

bool landlock_signals(void)
{
	const struct ruleset what = { .scoped = SCOPE_SIGNAL };
	const long rules = syscall(SYS_landlock_create_ruleset, &what, sizeof what, 0); /* a kernel that knows less refuses it */

	return rules >= 0 && close_in((int)rules);
}

static void allow(int rules, const struct landlock_place *place, uint64_t known)
{
	struct beneath rule = { .files = known & (place->writes ? WRITE : READ), .fd = open(place->path, O_PATH | O_CLOEXEC) };
	struct stat st;

	if (rule.fd < 0)
		return;
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.files &= OF_ONE_FILE;
	syscall(SYS_landlock_add_rule, rules, PATH_BENEATH, &rule, 0);
	close(rule.fd);
}

bool landlock_places(const struct landlock_place *places, size_t n)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, WANT_VERSION);
	const struct ruleset what = { .files = (MAKE_SYM << 1) - 1u + (version >= 2 ? REFER : 0u) + (version >= 3 ? TRUNCATE : 0u) };
	const long rules = version < 1 ? -1 : syscall(SYS_landlock_create_ruleset, &what, sizeof what.files, 0);

	if (rules < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		allow((int)rules, &places[i], what.files);
	has_places = close_in((int)rules);
	return has_places;
}

/* By the rights of the user alone, which are all that access() asks for. */
static bool user_may(const char *path, bool writes)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	if (!writes)
		return access(path, R_OK) == 0;
	if (slash)
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path);
	return access(folder, W_OK) == 0;
}

const char *landlock_hint(const char *path, bool writes, int err)
{
	if (!has_places || err != EACCES || !user_may(path, writes))
		return "";
	return " (its folder is none of those that were there, and named, when the server started: \"waymarkctl upgrade\" starts one that may open it)";
}
