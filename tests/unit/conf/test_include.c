#include "conf/conf.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
	char folder[32], path[64];
	struct faults f;
};

static void put(const struct desk *d, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", d->folder, name);
	FILE *f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void open_desk(struct desk *d)
{
	char path[64];

	strcpy(d->folder, "/tmp/waymark-unit.XXXXXX");
	if (!mkdtemp(d->folder))
		abort();
	snprintf(path, sizeof path, "%s/conf.d", d->folder);
	if (mkdir(path, 0700) != 0)
		abort();
	snprintf(d->path, sizeof d->path, "%s/t.yaml", d->folder);
	faults_init(&d->f);
}

static void close_desk(struct desk *d)
{
	char command[64];

	snprintf(command, sizeof command, "rm -r %s", d->folder);
	if (system(command) != 0)
		abort();
	faults_fini(&d->f);
}

static struct conf *read_conf(struct desk *d, const struct conf *before)
{
	faults_fini(&d->f);
	faults_init(&d->f);
	return conf_open(d->path, before, &d->f);
}

static struct conf *must_read(struct desk *d)
{
	struct conf *c = read_conf(d, NULL);

	if (!c)
		printf("%s", text_get(&d->f.text));
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

#define SERVER "server: { listen: 127.0.0.1 }\n"

static void sections_come_from_all_files(void)
{
	struct desk d;

	open_desk(&d);
	put(&d, "t.yaml",
		"include: [ one.yaml, conf.d/*.yaml ]\n" SERVER
		"edges: { a: { at: \"1,1\", a: 192.0.2.1 } }\nzones: [ { dir: z } ]\n");
	put(&d, "one.yaml",
		"# the other half\nedges: { b: { at: \"2,2\", a: 192.0.2.2 } }\n"
		"zones: [ { name: b.example, file: zones/b } ]\n");
	put(&d, "conf.d/2.yaml", "pools: { two: { edges: [ b ] } }\n");
	put(&d, "conf.d/1.yaml",
		"pools: { one: { edges: [ a, b ] } }\nserver: { workers: 3 }\n");
	put(&d, "conf.d/3.yaml", "# nothing yet\n");
	put(&d, "conf.d/4.yaml~", "nonsense: [\n");
	struct conf *c = must_read(&d);
	CU_ASSERT_EQUAL(c->n_edges, 2);
	CU_ASSERT_EQUAL_FATAL(c->n_pools, 2);
	CU_ASSERT_STRING_EQUAL(c->pools[0].name, "one");
	CU_ASSERT_STRING_EQUAL(c->pools[1].name, "two");
	CU_ASSERT_EQUAL(c->net.workers, 3);
	CU_ASSERT_EQUAL_FATAL(c->n_zones, 2);
	char want[128];
	snprintf(want, sizeof want, "%s/zones/b", d.folder); /* from the first file's folder */
	CU_ASSERT_STRING_EQUAL(c->zones[1].file, want);
	CU_ASSERT_EQUAL(c->sources.n, 5);
	/* A place is one in its own file. */
	const struct fault_at at = conf_place(
		c, c->zones[1].source, c->zones[1].line, c->zones[1].column);
	snprintf(want, sizeof want, "%s/one.yaml", d.folder);
	CU_ASSERT_STRING_EQUAL(at.path, want);
	CU_ASSERT_EQUAL(at.line, 3);
	struct fault_at workers;
	CU_ASSERT_TRUE(conf_at(c, "server", "workers", &workers));
	snprintf(want, sizeof want, "%s/conf.d/1.yaml", d.folder);
	CU_ASSERT_STRING_EQUAL(workers.path, want);
	CU_ASSERT_EQUAL(workers.line, 2);
	part_drop(&c->part);
	close_desk(&d);
}

static void files_may_include_others_and_none_twice(void)
{
	struct desk d;

	open_desk(&d);
	put(&d, "t.yaml", SERVER "include: a.yaml\n");
	put(&d, "a.yaml", "include: conf.d/b.yaml\n");
	put(&d, "conf.d/b.yaml", "zones: [ { dir: z } ]\n");
	struct conf *c = must_read(&d);
	CU_ASSERT_EQUAL(c->n_zones, 1);
	part_drop(&c->part);
	put(&d, "conf.d/b.yaml", "zones: [ { dir: z } ]\ninclude: a.yaml\n"); /* a circle */
	CU_ASSERT_PTR_NULL(read_conf(&d, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "conf.d/b.yaml:2:10: error: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "a.yaml is included already"));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	put(&d, "conf.d/b.yaml", "zones: [ { dir: z } ]\ninclude: t.yaml\n");
	CU_ASSERT_PTR_NULL(read_conf(&d, NULL));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	close_desk(&d);
}

static void what_is_wrong_is_told_in_its_file(void)
{
	static const struct {
		const char *say, *main, *other, *want;
	} row[] = {
		{ "a key that is unknown", "include: a.yaml\n", "\nedegs: {}\n",
			"/a.yaml:2:1: error: unknown key \"edegs\"" },
		{ "a value that is wrong", "include: a.yaml\n",
			"edges:\n  a: { at: \"1,1\", a: 192.0.2.300 }\n",
			"/a.yaml:2:22: error: \"192.0.2.300\"" },
		{ "a key of two files",
			"include: a.yaml\nedges: { a: { at: \"1,1\", a: 192.0.2.1 } }\n",
			"edges: { a: { at: \"2,2\", a: 192.0.2.2 } }\n",
			"/a.yaml:1:10: error: this key is here twice (first in " },
		{ "a value that is there already", "include: a.yaml\n", "server: 5\n",
			"/a.yaml:1:1: error: this key is here twice (first in " },
		{ "a list", "include: a.yaml\n", "[ 1 ]\n",
			"/a.yaml:1:1: error: what is included must be a mapping" },
		{ "no YAML", "include: a.yaml\n", "edges: [\n", "/a.yaml:" },
		{ "a file that is not there", "include: b.yaml\n", "",
			"/t.yaml:1:10: error: " },
		{ "one of a list", "include: [ a.yaml, b.yaml ]\n", "",
			"/t.yaml:1:20: error: " },
		{ "a folder", "include: conf.d\n", "", "/t.yaml:1:10: error: " },
		{ "a mapping", "include: { a: 1 }\n", "",
			"/t.yaml:1:10: error: \"include\" must be" },
		{ "a pool's edge of another file", "include: a.yaml\n",
			"edges: { e: { a: 192.0.2.1 } }\npools: { p: { edges: [ nosuch ] } }\n",
			"/a.yaml:2:24: error: there is no edge \"nosuch\"" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		char text[512];
		open_desk(&d);
		snprintf(text, sizeof text, "%s%s", row[i].main,
			SERVER "zones: [ { dir: z } ]\n");
		put(&d, "t.yaml", text);
		put(&d, "a.yaml", row[i].other);
		struct conf *c = read_conf(&d, NULL);
		const bool found = strstr(text_get(&d.f.text), row[i].want) != NULL;
		if (c || !found)
			printf("%s: %s\n", row[i].say, text_get(&d.f.text));
		CU_ASSERT_PTR_NULL(c);
		CU_ASSERT_TRUE(found);
		part_drop(c ? &c->part : NULL);
		close_desk(&d);
	}
}

static void what_cannot_be_read_is_told_alone_since_it_may_have_what_is_missed(void)
{
	static const struct {
		const char *say, *include, *want;
	} row[] = {
		{ "a file that is not there", "none.yaml", "/none.yaml: No such file" },
		{ "one that cannot be parsed", "a.yaml", "/a.yaml:2:1: error: " },
		{ "one that is no mapping", "conf.d/b.yaml", "/conf.d/b.yaml:1:1: error: what is included must be a mapping" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		char text[128];
		open_desk(&d);
		snprintf(text, sizeof text, "include: %s\n" SERVER "pools: { p: { edges: [ a ] } }\n", row[i].include);
		put(&d, "t.yaml", text);
		put(&d, "a.yaml", "zones: [ { dir: z }\n");
		put(&d, "conf.d/b.yaml", "5\n");
		CU_ASSERT_PTR_NULL(read_conf(&d, NULL));
		CU_ASSERT_EQUAL(d.f.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), row[i].want));
		if (d.f.errors != 1)
			printf("%s: %s\n", row[i].say, text_get(&d.f.text));
		close_desk(&d);
	}
}

static void what_has_not_changed_in_any_file_is_the_same_value(void)
{
	struct desk d;

	open_desk(&d);
	put(&d, "t.yaml", SERVER "include: conf.d/*\nzones: [ { dir: z } ]\n");
	struct conf *c = must_read(&d);
	struct conf *again = read_conf(&d, c);
	CU_ASSERT_PTR_EQUAL(again, c);
	part_drop(&again->part);
	put(&d, "conf.d/a", "server: { workers: 2 }\n");
	again = read_conf(&d, c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT_PTR_NOT_EQUAL(again, c);
	CU_ASSERT_EQUAL(again->net.workers, 2);
	part_drop(&c->part);
	c = again;
	again = read_conf(&d, c);
	CU_ASSERT_PTR_EQUAL(again, c);
	part_drop(&again->part);
	put(&d, "conf.d/a", "server: { workers: 4 }\n");
	again = read_conf(&d, c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT_EQUAL(again->net.workers, 4);
	part_drop(&again->part);
	part_drop(&c->part);
	close_desk(&d);
}

static void the_control_socket_may_be_named_by_any_file(void)
{
	struct desk d;
	struct arena mem = { 0 };
	struct fault why;
	char want[64];

	open_desk(&d);
	put(&d, "t.yaml", "include: a.yaml\nbroken: 1\n");
	put(&d, "a.yaml", "control: { socket: s.sock }\n");
	snprintf(want, sizeof want, "%s/s.sock", d.folder);
	const char *found = conf_find_socket(d.path, &mem, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT_STRING_EQUAL(found, want);
	arena_fini(&mem);
	close_desk(&d);
}

void suite_include(void);
void suite_include(void)
{
	static const struct unit_case cases[] = {
		{ "sections come from all files", sections_come_from_all_files },
		{ "files may include others, and none twice",
			files_may_include_others_and_none_twice },
		{ "what is wrong is told in its file", what_is_wrong_is_told_in_its_file },
		{ "what cannot be read is told alone, since it may have what is missed",
			what_cannot_be_read_is_told_alone_since_it_may_have_what_is_missed },
		{ "what has not changed in any file is the same value",
			what_has_not_changed_in_any_file_is_the_same_value },
		{ "the control socket may be named by any file",
			the_control_socket_may_be_named_by_any_file },
	};

	unit_suite("conf/include", cases, UNIT_COUNT(cases));
}
