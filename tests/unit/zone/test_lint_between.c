/* What records lead to in another of our own zones is looked at once all of them are there. */
#include "zone/lint_between.h"

#include "unit/unit.h"

#include "base/memory.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOP "$TTL 300\n@ SOA ns1.own.test. h.own.test. 1 7200 900 1209600 60\n@ NS ns1.own.test.\n"
#define OWN TOP "ns1 A 192.0.2.1\n"

enum { ZONES = 3 };

/* a.test, b.test and own.test, in this order. */
struct desk {
	char folder[32], *path[ZONES];
	struct registry *r;
	struct faults f;
	unsigned more;
};

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0;
}

static struct registry_zone *read_one(struct desk *d, unsigned i, const char *origin, const char *text)
{
	static const uint8_t root[1];
	const struct compile_opts opts = { .key = zone_of_key, .pool_known = pool_known };
	struct registry_zone like = { .state = REGISTRY_READY };
	uint8_t wire[NAME_MOST];

	if (name_parse(wire, NULL, origin, strlen(origin), root) != NAME_OK)
		abort();
	if (asprintf(&d->path[i], "%s/%u", d->folder, i) < 0)
		abort();
	like.path = d->path[i];
	FILE *file = fopen(d->path[i], "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	like.origin = wire;
	if (!load_zone(&like.load, d->path[i], wire, &opts, &d->f))
		printf("\n    %s%s\n", text, text_get(&d->f.text));
	CU_ASSERT_PTR_NOT_NULL_FATAL(like.load.zone);
	CU_ASSERT_EQUAL(d->f.warnings, 0);
	return registry_zone_new(&like);
}

static void open_desk(struct desk *d, const char *a, const char *b, const char *own)
{
	struct registry_zone **zones = memory_zeroed(ZONES, sizeof *zones);

	*d = (struct desk){ .folder = "/tmp/between.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	faults_init(&d->f);
	zones[0] = read_one(d, 0, "a.test.", a);
	zones[1] = read_one(d, 1, "b.test.", b);
	zones[2] = read_one(d, 2, "own.test.", own);
	d->r = registry_new(zone_of_key, zones, NULL, ZONES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->r);
	d->more = lint_between(d->r, NULL, &d->f);
}

static void close_desk(struct desk *d)
{
	registry_drop(d->r);
	faults_fini(&d->f);
	for (unsigned i = 0; i < ZONES; i++) {
		unlink(d->path[i]);
		free(d->path[i]);
	}
	rmdir(d->folder);
}

static void what_leads_wrong_in_another_zone_is_told_at_its_line(void)
{
	static const struct {
		const char *a, *b; /* behind TOP, so that the first is line 4 */
		unsigned line; /* of a.test */
		const char *part;
	} row[] = {
		{ "@ MX 1 w.b.test.\n", "w CNAME v\nv A 192.0.2.1\n", 4, "w.b.test. is a CNAME in zone b.test., and the target of a record of type MX" },
		{ "x A 192.0.2.1\n@ MX 1 none.b.test.\n", "", 5, "none.b.test. is in zone b.test., which has no A or AAAA record there, so that this MX" },
		{ "@ MX 1 W.B.test.\n", "w TXT x\n", 4, "w.b.test. is in zone b.test., which has no A" },
		{ "_x._tcp SRV 1 2 3 w.b.test.\n", "w CNAME x.org.\n", 4, "a record of type SRV must not be one (RFC 2782)" },
		{ "_x._tcp SRV 1 2 3 none.b.test.\n", "", 4, "this SRV leads nowhere" },
		{ "@ NS w.b.test.\n", "w CNAME x.org.\n", 4, "a record of type NS must not be one (RFC 2181 section 10.3)" },
		{ "sub NS none.b.test.\n", "", 4, "this NS leads nowhere" },
		{ "w CNAME none.b.test.\n", "", 4, "this CNAME leads to none.b.test., which zone b.test. does not have" },
		{ "w CNAME e.b.test.\n", "x.e A 192.0.2.1\n", 4, "this CNAME leads to e.b.test., which" },
		{ "w DNAME none.b.test.\n", "", 4, "this DNAME leads to none.b.test., which" },
		{ "w HTTPS 1 none.b.test.\n", "", 4, "this HTTPS leads to none.b.test., which" },
		{ "w CNAME x.b.test.\n", "x CNAME y\ny CNAME w.a.test.\n", 4, "leads back to itself, by way of x.b.test. in zone b.test." },
		{ "v CNAME w\nw CNAME x.b.test.\n", "x CNAME v.a.test.\n", 5, "leads back to itself" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char a[512], b[512], at[96];
		struct desk d;
		snprintf(a, sizeof a, "%s%s", TOP, row[i].a);
		snprintf(b, sizeof b, "%s%s", TOP, row[i].b);
		open_desk(&d, a, b, OWN);
		snprintf(at, sizeof at, "%s:%u:1: warning: ", d.path[0], row[i].line);
		const char *told = strstr(text_get(&d.f.text), at);
		const bool right = d.f.warnings == 1 && told && strstr(told, row[i].part) != NULL;
		if (!right)
			printf("\n    %s%s%s\n", row[i].a, row[i].b, text_get(&d.f.text));
		CU_ASSERT(right);
		close_desk(&d);
	}
}

static void what_is_there_or_may_be_is_not_told(void)
{
	static const struct {
		const char *a, *b;
	} row[] = {
		{ "@ MX 1 w.b.test.\n_x._tcp SRV 1 2 3 w.b.test.\n@ NS w.b.test.\n", "w AAAA 2001:db8::1\n" },
		{ "@ MX 1 w.b.test.\nw CNAME any.b.test.\n", "* A 192.0.2.1\n" },
		{ "@ MX 1 w.b.test.\nw CNAME w.b.test.\n", "w EDGE web\n" },
		{ "w CNAME w.b.test.\nv HTTPS 0 w.b.test.\n", "w CNAME v\nv CNAME x.org.\n" },
		{ "w CNAME t.b.test.\n", "t TXT x\n" },
		{ "w CNAME x.sub.b.test.\n@ MX 1 x.sub.b.test.\n", "sub NS ns.x.org.\n" },
		{ "w CNAME x.d.b.test.\nold DNAME d.b.test.\n", "d DNAME x.org.\n" },
		{ "old DNAME e.b.test.\n", "x.e A 192.0.2.1\n" },
		{ "_x._tcp SRV 0 0 0 .\n@ MX 0 .\nw HTTPS 1 .\n", "" },
		{ "sub NS x.sub\nx.sub A 192.0.2.1\nsub NS none.elsewhere.test.\n", "" },
		{ "w CNAME w.a.b.test.\n", "*.a CNAME x.b.test.\nx CNAME y.org.\n" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char a[512], b[512];
		struct desk d;
		snprintf(a, sizeof a, "%s%s", TOP, row[i].a);
		snprintf(b, sizeof b, "%s%s", TOP, row[i].b);
		open_desk(&d, a, b, OWN);
		if (d.f.warnings)
			printf("\n    %s%s%s\n", row[i].a, row[i].b, text_get(&d.f.text));
		CU_ASSERT_EQUAL(d.f.warnings, 0);
		close_desk(&d);
	}
}

static void many_are_told_as_a_number(void)
{
	for (unsigned apart = 0; apart < 2; apart++) {
		struct text a = { 0 };
		struct desk d;

		text_add(&a, TOP);
		for (unsigned i = 0; i < FAULTS_MOST + 7; i++)
			text_addf(&a, "w%u CNAME none%u.b.test.\n", i, apart * i);
		open_desk(&d, text_get(&a), TOP "w CNAME none.a.test.\n", OWN);
		CU_ASSERT_EQUAL(d.f.warnings, apart ? FAULTS_MOST : 2); /* one name is told once */
		CU_ASSERT_EQUAL(d.more, apart ? 8 : FAULTS_MOST + 6);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), ":4:1: warning: "));
		CU_ASSERT_EQUAL(strstr(text_get(&d.f.text), ":53:1: warning: ") != NULL, apart);
		CU_ASSERT_PTR_NULL(strstr(text_get(&d.f.text), ":54:1: warning: "));
		close_desk(&d);
		text_fini(&a);
	}
}

void suite_lint_between(void)
{
	static const struct unit_case cases[] = {
		{ "what leads wrong in another zone is told at its line", what_leads_wrong_in_another_zone_is_told_at_its_line },
		{ "what is there, or may be, is not told", what_is_there_or_may_be_is_not_told },
		{ "many are told as a number", many_are_told_as_a_number },
	};

	unit_suite("zone/lint_between", cases, UNIT_COUNT(cases));
}
