#include "daemon/restart.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* A server with all of it given. */
static const char all[] =
	"server: { listen: [ \"127.0.0.1:5300\", \"[::1]:5300\" ], workers: 2, "
	"cpus: [ 0, 1 ], batch: 8, receive-buffer: 64k, send-buffer: 64k, "
	"tcp-clients: 100, tcp-clients-per-net: 10, tcp-idle: 5s, user: nobody }\n"
	"control: { socket: /run/one.sock }\n"
	"management: { listen: \"127.0.0.1:8053\" }\n"
	"zones: [ { dir: zones } ]\n";

static struct conf *read_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct conf *c = conf_open_text("/etc/t.yaml", text, strlen(text), &f);
	if (!c)
		printf("%s", text_get(&f.text));
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

/* `all` with one thing replaced. */
static struct conf *with(const char *what, const char *by)
{
	char text[1024];
	const char *at = strstr(all, what);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - all), all, by, at + strlen(what));
	return read_text(text);
}

static void each_key_that_needs_a_restart_is_refused(void)
{
	static const struct {
		const char *what, *by, *say;
	} row[] = { { "127.0.0.1:5300", "127.0.0.1:5301", "server: listen" },
		{ "127.0.0.1:5300", "127.0.0.2:5300", "server: listen" },
		{ "[::1]:5300", "[::1]:5301", "server: listen" },
		{ ", \"[::1]:5300\"", "", "server: listen" },
		{ "workers: 2", "workers: 1", "workers" }, { "[ 0, 1 ]", "[ 1, 0 ]", "cpus" },
		{ "[ 0, 1 ]", "[ 0 ]", "cpus" }, { "cpus: [ 0, 1 ],", "", "cpus" },
		{ "batch: 8", "batch: 9", "batch" },
		{ "receive-buffer: 64k", "receive-buffer: 128k", "receive-buffer" },
		{ "send-buffer: 64k", "send-buffer: 128k", "send-buffer" },
		{ "tcp-clients: 100", "tcp-clients: 101", "tcp" },
		{ "per-net: 10", "per-net: 11", "tcp" },
		{ "tcp-idle: 5s", "tcp-idle: 6s", "tcp" },
		{ "user: nobody", "user: root", "user" }, { ", user: nobody", "", "user" },
		{ "one.sock", "two.sock", "control: socket" },
		{ "control: { socket: /run/one.sock }", "", "control: socket" },
		{ "127.0.0.1:8053", "127.0.0.1:8054", "management: listen" },
		{ "management: { listen: \"127.0.0.1:8053\" }", "", "management: listen" } };
	struct conf *now = read_text(all);

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct conf *next = with(row[i].what, row[i].by);
		struct faults f;
		faults_init(&f);
		const bool ok = restart_check(next, now, &f);
		if (ok || f.errors != 1 || !strstr(text_get(&f.text), row[i].say))
			printf("%s -> %s: %s\n", row[i].what, row[i].by, text_get(&f.text));
		CU_ASSERT_FALSE(ok);
		CU_ASSERT_EQUAL(f.errors, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), row[i].say));
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "with a restart only"));
		faults_fini(&f);
		/* And not there before. */
		faults_init(&f);
		CU_ASSERT_FALSE(restart_check(now, next, &f));
		faults_fini(&f);
		part_drop(&next->part);
	}
	part_drop(&now->part);
}

static void it_is_told_at_its_line(void)
{
	static const struct {
		const char *what, *by, *say;
	} row[] = {
		{ "workers: 2, ", "\n workers: 3, ",
			"/etc/t.yaml:2:2: error: server: workers changes with a restart only\n" },
		{ "user: nobody", "\n\n user: root",
			"/etc/t.yaml:3:2: error: server: user changes with a restart only\n" },
		{ ", user: nobody", "",
			"/etc/t.yaml:1:1: error: server: user was taken out, which is done with a "
			"restart only\n" },
		{ "control: { socket: /run/one.sock }", "",
			"/etc/t.yaml: error: control: socket was taken out, which is done with a "
			"restart only\n" },
	};
	struct conf *now = read_text(all);

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct conf *next = with(row[i].what, row[i].by);
		struct faults f;
		faults_init(&f);
		CU_ASSERT_FALSE(restart_check(next, now, &f));
		CU_ASSERT_PTR_EQUAL(strstr(text_get(&f.text), row[i].say), text_get(&f.text));
		faults_fini(&f);
		part_drop(&next->part);
	}
	/* Each of several. */
	struct faults f;
	struct conf *next = with("workers: 2, cpus: [ 0, 1 ], batch: 8", "workers: 3");
	faults_init(&f);
	CU_ASSERT_FALSE(restart_check(next, now, &f));
	CU_ASSERT_EQUAL(f.errors, 3);
	faults_fini(&f);
	part_drop(&next->part);
	part_drop(&now->part);
}

static void all_else_changes_while_it_runs(void)
{
	struct conf *now = read_text(all), *same = read_text(all),
		    *next = with("zones: [ { dir: zones } ]",
			    "zones: [ { dir: others } ]\nedges: { ams: { at: \"52,5\", a: "
			    "192.0.2.1 } }\n"
			    "pools: { web: { edges: [ ams ] } }\ncookies: { answer: off }\n");
	struct faults f;

	faults_init(&f);
	CU_ASSERT_TRUE(restart_check(same, now, &f));
	CU_ASSERT_TRUE(restart_check(next, now, &f));
	CU_ASSERT_EQUAL(f.errors, 0);
	faults_fini(&f);
	part_drop(&now->part);
	part_drop(&same->part);
	part_drop(&next->part);
}

static void the_keys_that_need_a_restart_are_known(void)
{
	CU_ASSERT_TRUE(restart_needs("server", "listen"));
	CU_ASSERT_TRUE(restart_needs("server", "tcp-idle"));
	CU_ASSERT_TRUE(restart_needs("control", "socket"));
	CU_ASSERT_TRUE(restart_needs("management", "listen"));
	CU_ASSERT_TRUE(restart_needs("management", NULL));
	CU_ASSERT_FALSE(restart_needs("server", "identity"));
	CU_ASSERT_FALSE(restart_needs("control", "state"));
	CU_ASSERT_FALSE(restart_needs("pools", NULL));
}

#define SERVER "server: { listen: \"127.0.0.1:5300\", workers: 1 }\n" \
	       "zones: [ { dir: zones } ]\n"

/* Its folder of keys, which nobody has named, is no key that changes. */
static void a_store_that_comes_or_goes_is_told_once(void)
{
	static const struct {
		const char *was, *is, *say;
	} row[] = { { "", "store: { file: /w.db }\n", "/etc/t.yaml:3:10: error: store: file changes" },
		{ "store: { file: /w.db }\n", "", "/etc/t.yaml: error: store: file was taken out" },
		{ "store: { file: /w.db }\n", "store: { file: /v/w.db }\n", ": store: file changes" },
		{ "store: { file: /w.db }\n", "store: { file: /w.db, keys: /k }\n",
			"/etc/t.yaml:3:23: error: store: keys changes" },
		{ "store: { file: /w.db, keys: /k }\n", "store: { file: /w.db }\n",
			"/etc/t.yaml:3:1: error: store: keys was taken out" },
		{ "store: { file: /w.db, keys: /keys }\n", "store: { file: /w.db }\n", NULL } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char was[256], is[256];
		struct faults f;
		snprintf(was, sizeof was, SERVER "%s", row[i].was);
		snprintf(is, sizeof is, SERVER "%s", row[i].is);
		struct conf *now = read_text(was), *next = read_text(is);
		faults_init(&f);
		CU_ASSERT_EQUAL(restart_check(next, now, &f), !row[i].say);
		CU_ASSERT_EQUAL(f.errors, row[i].say != NULL);
		if (row[i].say && !strstr(text_get(&f.text), row[i].say))
			CU_FAIL(text_get(&f.text));
		faults_fini(&f);
		part_drop(&now->part);
		part_drop(&next->part);
	}
}

void suite_restart(void);
void suite_restart(void)
{
	static const struct unit_case cases[] = {
		{ "each key that needs a restart is refused",
			each_key_that_needs_a_restart_is_refused },
		{ "it is told at its line", it_is_told_at_its_line },
		{ "all else changes while it runs", all_else_changes_while_it_runs },
		{ "a store that comes or goes is told once",
			a_store_that_comes_or_goes_is_told_once },
		{ "the keys that need a restart are known",
			the_keys_that_need_a_restart_are_known },
	};

	unit_suite("daemon/restart", cases, UNIT_COUNT(cases));
}
