#include "unit/daemon/site.h"

#include "base/scope.h"
#include "unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct hash_key site_key = { 1, 2 };

void site_put(const struct site *s, const char *name, const char *text)
{
	char path[300], beside[64];

	snprintf(path, sizeof path, "%s/%s", s->folder, name);
	snprintf(beside, sizeof beside, "%s/.new", s->folder);
	FILE *f = fopen(beside, "we");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || rename(beside, path) != 0)
		abort();
}

void site_remove(const struct site *s, const char *name)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s", s->folder, name);
	if (unlink(path) != 0)
		abort();
}

void site_open(struct site *s)
{
	char zones[64];

	*s = (struct site){ .folder = "/tmp/unit_site.XXXXXX" };
	if (!mkdtemp(s->folder))
		abort();
	snprintf(zones, sizeof zones, "%s/zones", s->folder);
	if (mkdir(zones, 0700) != 0)
		abort();
	snprintf(s->path, sizeof s->path, "%s/t.yaml", s->folder);
	site_put(s, "t.yaml", SITE_CONF);
	site_put(s, "zones/a.example.zone", SITE_ZONE(1, "w EDGE web\n"));
	site_put(s, "zones/b.example.zone", SITE_ZONE(1, ""));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void site_close(struct site *s)
{
	nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct reading {
	const struct site *s;
	const struct parts *before;
	struct parts made;
	struct faults *f;
	bool ok;
};

static void read_in_scope(void *ctx)
{
	struct reading *x = ctx;

	x->ok = parts_read(&x->made,
		&(struct parts_read_opts){
			.path = x->s->path, .key = site_key, .before = x->before },
		x->f);
}

bool site_try(
	const struct site *s, const struct parts *before, struct parts *to, struct faults *f)
{
	struct reading x = { .s = s, .before = before, .f = f };

	faults_init(f);
	CU_ASSERT_TRUE(scope_run(read_in_scope, &x));
	*to = x.made;
	return x.ok;
}

struct parts site_read(const struct site *s, const struct parts *before)
{
	struct parts made;
	struct faults f;

	const bool ok = site_try(s, before, &made, &f);
	if (!ok || f.errors)
		printf("%s", text_get(&f.text));
	CU_ASSERT_EQUAL(f.errors, 0);
	faults_fini(&f);
	CU_ASSERT_TRUE_FATAL(ok);
	return made;
}
