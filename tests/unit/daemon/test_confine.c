#include "daemon/confine.h"

#include "unit/daemon/site.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Folders beside the site's: one that a link in its zones leads to, one whose name begins as another's, one that is named for a table to be written, one
 * that nobody names, one that a link to what the system trusts leads to, one in which "folders" names what is no folder, and
 * one in which keys and images are to be. */
enum { BESIDE = 7 };
static char beside[BESIDE][40]; /* "linked", "link", "written", "other", "trusted", "meant", "own" */

static void put_at(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(SITE_ZONE(1, ""), f);
	fclose(f);
}

static bool may(const char *folder, const char *name, bool writes)
{
	char path[512];
	struct fault why = { "" };

	snprintf(path, sizeof path, "%s/%s", folder, name);
	const bool ok = confine_file(path, writes, &why);
	const bool told = strstr(why.text, path) && strstr(why.text, writes ? "may write only" : "may read only");
	return ok || (!told && printf("\n%s\n", why.text) > 0);
}

static int opens(const char *folder, const char *name, int how)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	const int fd = open(path, how | O_CLOEXEC, 0600);
	const int failed = errno;
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : failed;
}

/* The number of what is not as it should be; 100: there is no Landlock here. */
static int try_in_child(const struct site *s, const struct parts *p)
{
	if (!may(beside[3], "zone", true))
		return 1; /* nothing is closed yet */
	char link[512], target[512];
	snprintf(link, sizeof link, "%s/trusted.pem", s->folder);
	snprintf(target, sizeof target, "%s/zone", beside[4]);
	if (symlink(target, link) != 0 || setenv("SSL_CERT_FILE", link, 1) != 0)
		return 2;
	confine(p);
	unlink(link);
	if (opens(beside[3], "zone", O_RDONLY) == 0)
		return 100;
	const bool right[] = { may(s->folder, "t.yaml", false), !may(s->folder, "new", true), may(beside[0], "zone", false),
		!may(beside[1], "zone", false), may(beside[2], "pairs.csv", true), may(beside[2], "pairs.csv", false),
		!may(beside[3], "zone", false), may("/etc", "hosts", false), !may("/etc", "hosts", true), may("/there/is/none", "zone", true),
		opens(s->folder, "t.yaml", O_RDONLY) == 0, opens(s->folder, "new", O_WRONLY | O_CREAT) == EACCES,
		opens(beside[0], "zone", O_RDONLY) == 0, opens(beside[1], "zone", O_RDONLY) == EACCES,
		opens(beside[2], "pairs.csv", O_WRONLY | O_CREAT) == 0, opens("/dev", "null", O_RDWR) == 0,
		may(beside[4], "zone", false), opens(beside[4], "zone", O_RDONLY) == 0,
		/* Folders to be, and files, open nothing beside them. */
		!may(beside[5], "zone", false), !may(beside[5], "new", true), opens(beside[5], "new", O_WRONLY | O_CREAT) == EACCES,
		/* And those that the server makes are made. */
		!may(beside[6], "zone", false), !may(beside[6], "new", true), may(beside[6], "keys/new", true),
		opens(beside[6], "keys/new", O_WRONLY | O_CREAT) == 0, opens(beside[6], "images/new", O_WRONLY | O_CREAT) == 0,
		opens(beside[6], "new", O_WRONLY | O_CREAT) == EACCES };
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!right[i])
			return 3 + (int)i;
	/* Another configuration. */
	struct faults f;
	char text[1024];
	snprintf(text, sizeof text, SITE_CONF "latency: { files: [ %s/a.csv, %s/b.csv, %s/c.csv ] }\n", s->folder, beside[3], beside[2]);
	struct conf *c = conf_open_text(s->path, text, strlen(text), (faults_init(&f), &f));
	if (!c)
		return 51;
	const bool ok = confine_check(c, &f);
	snprintf(text, sizeof text, "t.yaml:7:%zu: error: %s/b.csv: the server may read only", 20 + strlen(s->folder) + 9, beside[3]);
	if (ok || f.errors != 1 || !strstr(text_get(&f.text), text))
		return printf("\n%s\nwanted %s\n", text_get(&f.text), text), 52;
	return 0;
}

static void what_is_named_at_the_start_is_in_reach_and_nothing_else(void)
{
	static const char *const names[] = { "linked", "link", "written", "other", "trusted", "meant", "own" };
	struct site s;
	char text[1024], path[512];
	int status = 0;

	site_open(&s);
	char base[] = "/tmp/unit_confine.XXXXXX";
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(base));
	for (size_t i = 0; i < BESIDE; i++) {
		snprintf(beside[i], sizeof beside[i], "%s/%s", base, names[i]);
		CU_ASSERT_EQUAL_FATAL(mkdir(beside[i], 0700), 0);
		put_at(beside[i], "zone");
	}
	snprintf(path, sizeof path, "%s/zones/c.example.zone", s.folder);
	snprintf(text, sizeof text, "%s/zone", beside[0]);
	CU_ASSERT_EQUAL(symlink(text, path), 0);
	snprintf(text, sizeof text,
		"server: { listen: \"127.0.0.1:5300\", folders: [ %s/none, %s/zone ] }\nzones: [ { dir: zones } ]\n" SITE_EDGES SITE_POOLS
		"latency: { learned-resolvers: %s/pairs.csv }\nstore: { file: %s/store.db, keys: %s/keys, images: %s/images }\n", beside[5], beside[5],
		beside[2], beside[2], beside[6], beside[6]);
	site_put(&s, "t.yaml", text);
	struct parts p = site_read(&s, NULL);

	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		const int wrong = try_in_child(&s, &p);
		fflush(stdout);
		_exit(wrong);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) != 100)
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	CU_ASSERT_TRUE(may(beside[3], "zone", true));

	parts_drop(&p);
	site_remove(&s, "zones/c.example.zone");
	site_close(&s);
	for (size_t i = 0; i < BESIDE; i++) {
		snprintf(path, sizeof path, "%s/zone", beside[i]);
		unlink(path);
		snprintf(path, sizeof path, "%s/pairs.csv", beside[i]);
		unlink(path);
		for (size_t k = 0; k < 2; k++) {
			snprintf(path, sizeof path, "%s/%s/new", beside[i], k ? "keys" : "images");
			unlink(path);
			*strrchr(path, '/') = 0;
			rmdir(path);
		}
		CU_ASSERT_EQUAL(rmdir(beside[i]), 0);
	}
	CU_ASSERT_EQUAL(rmdir(base), 0);
}

static const struct unit_case cases[] = {
	{ "what is named at the start is in reach, and nothing else", what_is_named_at_the_start_is_in_reach_and_nothing_else },
};

void suite_confine(void);
void suite_confine(void)
{
	unit_suite("daemon/confine", cases, UNIT_COUNT(cases));
}
