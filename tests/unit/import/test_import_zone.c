#include "import/import_zone.h"

#include "import/import_run.h"
#include "unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"

static char folder[40], path[300];
static const struct named_at from = { "named.conf", 7 };

static int open_folder(void)
{
	strcpy(folder, "/tmp/unit_import_zone.XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_one(const char *name, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(name);
}

static int close_folder(void)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *put(const char *name, const char *text)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static void records_are_read_whole(void)
{
	struct plan p;
	struct rrs all;

	plan_init(&p);
	CU_ASSERT_TRUE_FATAL(rrs_read(&p, &all, put("z", ZONE "W 60 MX 10 Mail\nw.x TXT \"a b\"\n"), "Example.ORG", from));
	CU_ASSERT_EQUAL_FATAL(all.n, 5);
	CU_ASSERT_STRING_EQUAL(text_get(&p.notes), "");
	rrs_sort(&all);
	const struct rrs w = rrs_of(&all, "w.example.org."), x = rrs_of(&all, "w.x.example.org."), none = rrs_of(&all, "x.example.org.");
	CU_ASSERT_EQUAL_FATAL(w.n, 1);
	CU_ASSERT_STRING_EQUAL(w.of->type, "MX");
	CU_ASSERT_EQUAL(strcasecmp(w.of->data, "10 mail.example.org."), 0);
	CU_ASSERT(w.of->ttl_s == 60 && w.of->number == 15 && w.of->line == 5);
	CU_ASSERT_EQUAL_FATAL(x.n, 1);
	CU_ASSERT_STRING_EQUAL(x.of->data, "\"a b\"");
	CU_ASSERT_EQUAL(x.of->ttl_s, 300);
	CU_ASSERT_EQUAL(none.n, 0);
	CU_ASSERT_EQUAL(rrs_of(&all, "example.org.").n, 2);
	CU_ASSERT_EQUAL(rrs_of(&all, "zz.example.org.").n, 0);
	plan_fini(&p);
}

/* Warnings are for who writes zones, not for who takes them over. */
static void what_is_wrong_is_told_at_its_line_and_what_is_doubtful_is_not(void)
{
	struct plan p;
	struct rrs all;

	plan_init(&p);
	CU_ASSERT_TRUE(rrs_read(&p, &all, put("z", "  IN SOA ns h 1 2 3 4 5\n@ 300 NS ns\nns 300 A 192.0.2.9\n"), "example.org", from));
	CU_ASSERT_STRING_EQUAL(text_get(&p.notes), "");
	CU_ASSERT(p.lost == 0 && p.see == 0 && p.differs == 0);
	CU_ASSERT_FALSE(rrs_read(&p, &all, put("z", ZONE "w A 192.0.2.300\n"), "example.org", from));
	const char *notes = text_get(&p.notes);
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "/z:5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "named.conf:7"));
	CU_ASSERT_PTR_NOT_NULL(strstr(notes, "is no text that can be read"));
	CU_ASSERT_EQUAL(p.lost, 2);
	CU_ASSERT_FALSE(rrs_read(&p, &all, "/nothing/here", "example.org", from));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&p.notes), "the zone example.org: there is no file /nothing/here"));
	CU_ASSERT_FALSE(rrs_read(&p, &all, path, "a..b", from));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&p.notes), "\"a..b\" is no name of a zone"));
	CU_ASSERT_EQUAL(p.lost, 4);
	plan_fini(&p);
}

/* As it is written; but what it includes is not there any more where it goes. */
static void a_zone_is_copied_or_written_anew_when_it_includes_others(void)
{
	char text[400];
	struct plan p;

	plan_init(&p);
	const char *plain = ZONE "; a price: $5 $INCLUD\nw A 192.0.2.1 ; kept\n";
	struct plan_zone *z = plan_zone(&p, "example.org", NULL);
	CU_ASSERT_TRUE(rrs_copy_zone(&p, z, put("z", plain), from));
	CU_ASSERT_STRING_EQUAL(text_get(&z->text), plain);
	put("more", "v A 192.0.2.2\n");
	snprintf(text, sizeof text, ZONE "; gone\n$include %s/more\n", folder);
	z = plan_zone(&p, "example.net", NULL);
	CU_ASSERT_TRUE(rrs_copy_zone(&p, z, put("y", text), from));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&z->text), "192.0.2.2"));
	CU_ASSERT_PTR_NULL(strcasestr(text_get(&z->text), "$include"));
	CU_ASSERT_PTR_NULL(strstr(text_get(&z->text), "gone"));
	z = plan_zone(&p, "example.com", NULL);
	CU_ASSERT_FALSE(rrs_copy_zone(&p, z, "/nothing/here", from));
	CU_ASSERT_EQUAL(z->text.len, 0);
	plan_fini(&p);
}

static void sets_are_the_same_whatever_their_ttls(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} row[] = {
		{ "w 60 A 192.0.2.1\n", "w 90 A 192.0.2.1\n", true },
		{ "w A 192.0.2.1\nw A 192.0.2.2\n", "w A 192.0.2.2\nw A 192.0.2.1\n", true },
		{ "w A 192.0.2.1\n", "w A 192.0.2.2\n", false },
		{ "w A 192.0.2.1\n", "w A 192.0.2.1\nw A 192.0.2.2\n", false },
		{ "w TXT x\n", "w SPF x\n", false },
		{ "w TXT x\n", "w TXT X\n", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[300];
		struct plan p;
		struct rrs a, b;
		plan_init(&p);
		snprintf(text, sizeof text, ZONE "%s", row[i].a);
		CU_ASSERT_TRUE_FATAL(rrs_read(&p, &a, put("a", text), "example.org", from));
		snprintf(text, sizeof text, ZONE "%s", row[i].b);
		CU_ASSERT_TRUE_FATAL(rrs_read(&p, &b, put("b", text), "example.org", from));
		rrs_sort(&a);
		rrs_sort(&b);
		const struct rrs x = rrs_of(&a, "w.example.org."), y = rrs_of(&b, "w.example.org.");
		CU_ASSERT_EQUAL(rrs_same(&x, &y), row[i].same);
		CU_ASSERT_EQUAL(rrs_same(&y, &x), row[i].same);
		plan_fini(&p);
	}
}

/* --- of BIND ------------------------------------------------------------------------------ */

static const struct import_kind *bind_kind(void)
{
	for (size_t i = 0; import_kind(i); i++)
		if (strcmp(import_kind(i)->name, "bind") == 0)
			return import_kind(i);
	return NULL;
}

static char report[8000], config[8000];

static void read_made(const char *name, char to[static 8000])
{
	char made[100];

	snprintf(made, sizeof made, "%s/out/%s", folder, name);
	FILE *f = fopen(made, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	to[fread(to, 1, 7999, f)] = 0;
	fclose(f);
}

static void import_bind(const char *text)
{
	char to[64], conf[300];
	struct plan p;
	struct fault why = { 0 };

	snprintf(to, sizeof to, "%s/out", folder);
	nftw(to, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	strcpy(conf, put("named.conf", text));
	plan_init(&p);
	char *files[] = { conf };
	CU_ASSERT_TRUE_FATAL(import_run(&p, &(struct import_opts){ bind_kind(), files, 1, to, "geoip/city.mmdb" }, &why));
	plan_fini(&p);
	read_made("REPORT", report);
	read_made("waymark.yaml", config);
}

/* Without "directory" a path is beside the file that names it, whichever was read before. */
static void files_of_bind_are_beside_those_that_name_them(void)
{
	char sub[100];

	snprintf(sub, sizeof sub, "%s/sub", folder);
	mkdir(sub, 0700);
	put("main.zone", ZONE "main A 192.0.2.1\n");
	put("sub/own.zone", ZONE "own A 192.0.2.2\n");
	put("sub/more.conf", "zone \"own.test\" { type primary; file \"own.zone\"; };\nzone \"lost.test\" { type master; file \"main.zone\"; };\n");
	import_bind("zone \"main.test\" { type master; file \"main.zone\"; };\ninclude \"sub/more.conf\";\n"
		    "zone \"last.test\" { type primary; file \"main.zone\"; };\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "main.test"));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "own.test"));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "last.test"));
	CU_ASSERT_PTR_NULL(strstr(config, "lost.test"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "sub/more.conf:2: not said: the zone lost.test.: there is no file "));
	char own[8000];
	read_made("zones/own.test.zone", own);
	CU_ASSERT_PTR_NOT_NULL(strstr(own, "own A 192.0.2.2"));
}

static void zones_of_bind_that_cannot_be_taken_are_told(void)
{
	put("main.zone", ZONE);
	put("main.zone.jnl", "x");
	import_bind("zone \".\" { type hint; file \"root.hints\"; };\n"
		    "zone \"f.test\" { type forward; };\n"
		    "zone \"n.test\" { type primary; };\n"
		    "zone \"r.test\" { type primary; file \"main.zone\"; masterfile-format raw; };\n"
		    "zone \"t.test\" { type primary; file \"main.zone\"; masterfile-format text; };\n"
		    "zone \"m.test\" { file \"main.zone\"; };\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:2: not said: the zone f.test. of type forward"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:3: not said: the zone n.test. has no file as text"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:4: not said: the zone r.test. has no file as text"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:5: look: the zone t.test. has a journal: \"rndc sync\" first"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:6: not said: the zone m.test. of type (none)"));
	CU_ASSERT_PTR_NULL(strstr(report, "root.hints"));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "t.test"));
	CU_ASSERT_PTR_NULL(strstr(config, "r.test"));
}

/* What asks for a resolver is told; and words in quotes are whole, whatever is in them. */
static void options_of_bind_that_are_not_ours_are_told(void)
{
	put("a \"b.zone", ZONE);
	import_bind("options {\n\trecursion yes;\n};\nzone \"q.test\" { type primary; file \"a \\\"b.zone\"; };\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "named.conf:2: not said: recursion: this is no resolver"));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "q.test"));
	import_bind("options { recursion no; };\nzone \"q.test\" { type primary; file \"a \\\"b.zone\"; };\n");
	CU_ASSERT_PTR_NULL(strstr(report, "recursion"));
}

void suite_import_zone(void);
void suite_import_zone(void)
{
	static const struct unit_case cases[] = {
		{ "records are read whole", records_are_read_whole },
		{ "what is wrong is told at its line, and what is doubtful is not", what_is_wrong_is_told_at_its_line_and_what_is_doubtful_is_not },
		{ "a zone is copied, or written anew when it includes others", a_zone_is_copied_or_written_anew_when_it_includes_others },
		{ "sets are the same whatever their TTLs", sets_are_the_same_whatever_their_ttls },
		{ "files of BIND are beside those that name them", files_of_bind_are_beside_those_that_name_them },
		{ "options of BIND that are not ours are told", options_of_bind_that_are_not_ours_are_told },
		{ "zones of BIND that cannot be taken are told", zones_of_bind_that_cannot_be_taken_are_told },
	};

	unit_suite_with("import/import_zone", cases, UNIT_COUNT(cases), open_folder, close_folder);
}
