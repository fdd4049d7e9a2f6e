#include "measure/latency_csv.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[] = { "ams", "rom" };
enum { NOW = 1000000 };

struct desk {
	char path[64];
	struct latency *t;
	struct faults f;
	size_t rows;
	bool ok;
};

static void open_desk(struct desk *d)
{
	strcpy(d->path, "/tmp/waymark-csv-XXXXXX");
	const int fd = mkstemp(d->path);
	if (fd < 0)
		abort();
	close(fd);
	faults_init(&d->f);
	d->t = latency_new(&(struct latency_opts){ names, 2, 0.3, 3600, 1 << 20, { 1, 2 } });
}

static void close_desk(struct desk *d)
{
	unlink(d->path);
	faults_fini(&d->f);
	latency_drop(d->t);
}

static time_t still_s; /* the time that it is for read_text(), and when the file was written; 0: the clock's */

static void read_text(struct desk *d, const char *text, size_t len, time_t later_s)
{
	const struct latency_csv from = { d->path, NOW, (still_s ? still_s : time(NULL)) + later_s, CSV_FILED, NULL };
	const struct timespec times[2] = { { .tv_sec = still_s }, { .tv_sec = still_s } };
	FILE *f = fopen(d->path, "we");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0 ||
		(still_s && utimensat(AT_FDCWD, d->path, times, 0) != 0))
		abort();
	d->ok = latency_csv_read(d->t, &from, &d->rows, &d->f);
}

static const struct latency_cell *cell(const struct desk *d, const char *net, unsigned edge)
{
	struct prefix p;

	if (!prefix_parse(&p, net, NULL))
		abort();
	const struct latency_row *r = latency_find(d->t, &p);
	return r ? latency_cell(r, edge) : NULL;
}

static void rows_become_cells(void)
{
	static const char text[] = "# by hand\nprefix,edge,rtt_ms,samples,age_s\r\n"
				   "192.0.2.0/24,ams,12.5,3,60\n"
				   "192.0.2.0/24, rom ,7\t\n\n"
				   "2001:db8::/48,rom,0.25,40000,99999999\n"
				   "@ams,rom,30.125,2,10\n";
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 0);
	CU_ASSERT_TRUE_FATAL(d.ok);
	CU_ASSERT_EQUAL(d.rows, 4);
	CU_ASSERT_DOUBLE_EQUAL(cell(&d, "192.0.2.0/24", 0)->rtt_ms, 12.5, 1e-6);
	CU_ASSERT_EQUAL(cell(&d, "192.0.2.0/24", 0)->n, 3);
	CU_ASSERT_EQUAL(cell(&d, "192.0.2.0/24", 0)->at_s, NOW - 60);
	CU_ASSERT_EQUAL(cell(&d, "192.0.2.0/24", 1)->n, 1);
	CU_ASSERT_EQUAL(cell(&d, "192.0.2.0/24", 1)->filed, 1);
	CU_ASSERT_EQUAL(cell(&d, "2001:db8::/48", 1)->n, LATENCY_SAMPLES_MOST);
	CU_ASSERT_EQUAL(cell(&d, "2001:db8::/48", 1)->at_s, 0);
	CU_ASSERT_DOUBLE_EQUAL(latency_cell(latency_mesh(d.t, 0), 1)->rtt_ms, 30.125, 1e-6);
	close_desk(&d);
}

static void columns_are_found_by_name(void)
{
	static const char text[] = "dst,mdev_ms,rtt_ms,src\nrom,0.1,30,ams\n";
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 0);
	CU_ASSERT_TRUE(d.ok);
	CU_ASSERT_DOUBLE_EQUAL(latency_cell(latency_mesh(d.t, 0), 1)->rtt_ms, 30, 1e-6);
	close_desk(&d);
}

static void ages_count_back_from_when_the_file_was_written(void)
{
	static const char text[] =
		"prefix,edge,rtt_ms,samples,age_s\n192.0.2.0/24,ams,12.5,1,60\n";
	char saved[128];
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 100); /* read 100 s after it was written */
	const uint32_t at = cell(&d, "192.0.2.0/24", 0)->at_s;
	CU_ASSERT_TRUE(at >= NOW - 162 && at <= NOW - 159);
	snprintf(saved, sizeof saved, "# saved %lld\n%s", (long long)time(NULL) - 1000, text);
	close_desk(&d);
	open_desk(&d);
	read_text(&d, saved, strlen(saved), 0);
	const uint32_t then = cell(&d, "192.0.2.0/24", 0)->at_s;
	CU_ASSERT_TRUE(then >= NOW - 1061 && then <= NOW - 1060);
	close_desk(&d);
}

static void what_is_wrong_is_told_with_its_place(void)
{
#define HEAD "prefix,edge,rtt_ms\n"
	static const struct {
		const char *say, *text, *told;
	} row[] = {
		{ "nothing at all", "", ": error: is empty" },
		{ "no header", "192.0.2.0/24,ams,12.5\n",
			":1:1: error: the first line must name" },
		{ "a prefix and a source", "prefix,src,edge,rtt_ms\n",
			":1:1: error: the first line" },
		{ "a column twice", "prefix,edge,rtt_ms,edge\n",
			":1:20: error: \"edge\" is there twice" },
		{ "no prefix", HEAD "x,ams,1\n", ":2:1: error: \"x\" is not an address" },
		{ "bits behind the length", HEAD "192.0.2.1/24,ams,1\n",
			":2:1: error: \"192.0.2.1/24\" has bits behind its length" },
		{ "no number", HEAD "192.0.2.0/24,ams,1x\n",
			":2:18: error: \"1x\" is not a number" },
		{ "less than nothing", HEAD "192.0.2.0/24,ams,0\n",
			":2:18: error: \"0\" is no round-trip" },
		{ "a minute", HEAD "192.0.2.0/24,ams,60001\n",
			":2:18: error: \"60001\" is no round-trip" },
		{ "nan", HEAD "192.0.2.0/24,ams,nan\n",
			":2:18: error: \"nan\" is not a number" },
		{ "too few values", HEAD "192.0.2.0/24,ams\n",
			":2:14: error: \"ams\" is the last of too few" },
		{ "too many", HEAD "192.0.2.0/24,ams,1,2\n",
			":2:20: error: \"2\" is one value more" },
		{ "no kind", "prefix,edge,rtt_ms,kind\n192.0.2.0/24,ams,1,dns\n", ":2:20: error: \"dns\" is no kind of measurement" },
		{ "an edge's first byte", "prefix,edge,rtt_ms,kind\n@rom,ams,1,ttfb\n", ":2:2: error: \"rom\" is an edge" },
		{ "cut short", HEAD "192.0.2.0/24,ams,1",
			":2:1: error: the last line has no end" },
		{ "no samples", "prefix,edge,rtt_ms,samples\n192.0.2.0/24,ams,1,0\n",
			":2:20: error: \"0\" is no number of samples" },
		{ "a mesh without an edge", "src,dst,rtt_ms\n,ams,3\n",
			":2:1: error: \"\" is no edge's name" },
	};
	struct desk d;

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		read_text(&d, row[i].text, strlen(row[i].text), 0);
		const bool right = !d.ok && strstr(text_get(&d.f.text), row[i].told);
		if (!right)
			printf("%s: %s\n", row[i].say, text_get(&d.f.text));
		CU_ASSERT_TRUE(right);
		close_desk(&d);
	}
}

static void the_line_is_shown(void)
{
	static const char text[] = HEAD "192.0.2.0/24,ams,1\n192.0.2.0/24,ams,fast\n";
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text),
		":3:18: error: \"fast\" is not a number\n    192.0.2.0/24,ams,fast\n"
		"                     ^\n"));
	close_desk(&d);
}

static void unknown_edges_are_passed_over_with_one_warning_each(void)
{
	static const char text[] = HEAD
		"192.0.2.0/24,old,1\n192.0.2.0/24,ams,2\n198.51.100.0/24,old,1\n";
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 0);
	CU_ASSERT_TRUE(d.ok);
	CU_ASSERT_EQUAL(d.rows, 1);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text),
		":2:14: warning: there is no edge \"old\" in the configuration; passed over, "
		"with "
		"all its rows (2)"));
	close_desk(&d);
}

static void what_is_written_reads_back_the_same(void)
{
	static const char text[] =
		"prefix,edge,rtt_ms,samples,age_s\n192.0.2.0/24,ams,12.500,3,60\n"
		"2001:db8::/32,rom,7.250,1,0\n@rom,ams,31.000,9,5\n";
	struct text first = { 0 }, second = { 0 };
	struct latency_csv now = { NULL, NOW, 0, CSV_STATE, NULL };
	struct desk d;

	open_desk(&d);
	now.time_s = still_s = time(NULL); /* a second may end in between */
	read_text(&d, text, sizeof text - 1, 0);
	latency_csv_write(d.t, &now, true, &first);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&first), text));
	latency_csv_write(d.t, &now, false, &second);
	CU_ASSERT_PTR_NULL(strstr(text_get(&second), "192.0.2")); /* a file has it */
	close_desk(&d);
	text_fini(&second);
	open_desk(&d);
	read_text(&d, text_get(&first), first.len, 0);
	latency_csv_write(d.t, &now, true, &second);
	CU_ASSERT_STRING_EQUAL(text_get(&first), text_get(&second));
	still_s = 0;
	close_desk(&d);
	text_fini(&first);
	text_fini(&second);
}

static void other_kinds_have_a_column_that_is_only_there_with_them(void)
{
	static const char text[] = "prefix,edge,ms,samples,age_s,kind\n192.0.2.0/24,ams,12.500,3,60,rtt\n@rom,ams,31.000,9,5,\n"
				   "192.0.2.0/24,ams,20.250,4,60,ttfb\n192.0.2.0/24,rom,90.000,5,60,throughput\n"
				   "192.0.2.0/24,ams,0.000,400,60,loss\n192.0.2.0/24,rom,1000.000,400,60,loss\n";
	struct text out = { 0 };
	struct latency_csv now = { NULL, NOW, time(NULL), CSV_STATE, NULL };
	struct desk d;

	open_desk(&d);
	read_text(&d, text, sizeof text - 1, 0);
	CU_ASSERT_EQUAL(latency_size(d.t).cells, 1);
	CU_ASSERT_EQUAL(latency_size(d.t).kinds[LATENCY_TTFB], 1);
	latency_csv_write(d.t, &now, true, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "prefix,edge,rtt_ms,samples,age_s,kind\n192.0.2.0/24,ams,12.500,3,60,rtt\n"
						       "@rom,ams,31.000,9,5,rtt\n192.0.2.0/24,ams,20.250,4,60,ttfb\n"
						       "192.0.2.0/24,rom,90.000,5,60,throughput\n"
						       "192.0.2.0/24,ams,0.000,400,60,loss\n192.0.2.0/24,rom,1000.000,400,60,loss\n"));
	close_desk(&d);
	text_fini(&out);
}

/* What is too little for light is no matter of losses. */
static void values_are_those_of_their_kind(void)
{
	static const struct { const char *row; bool right; } of[] = { { "0,1,0,loss", true }, { "1000,1,0,loss", true },
		{ "1000.1,1,0,loss", false }, { "-1,1,0,loss", false }, { "0,1,0,ttfb", false }, { "60001,1,0,ttfb", false } };
	struct text text = { 0 };
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(of); i++) {
		text_addf(&text, "prefix,edge,ms,samples,age_s,kind\n192.0.2.0/24,ams,%s\n", of[i].row);
		open_desk(&d);
		read_text(&d, text_get(&text), text.len, 0);
		CU_ASSERT_EQUAL(d.ok, of[i].right);
		close_desk(&d);
		text_fini(&text);
	}
}

/* Rows that lie across the pieces that are read at a time. */
static void long_files_are_read_whole(void)
{
	enum { ROWS = 200000 };
	struct text text = { 0 };
	struct desk d;

	text_add(&text, HEAD);
	for (unsigned i = 0; i < ROWS; i++)
		text_addf(&text, "10.%u.%u.%u/32,%s,%u.5\n", i >> 16, i >> 8 & 255, i & 255,
			names[i % 2], i % 100 + 1);
	open_desk(&d);
	latency_drop(d.t);
	d.t = latency_new(&(struct latency_opts){ names, 2, 0.3, 3600, 1 << 28, { 1, 2 } });
	read_text(&d, text_get(&text), text.len, 0);
	CU_ASSERT_TRUE(d.ok);
	CU_ASSERT_EQUAL(d.rows, ROWS);
	CU_ASSERT_EQUAL(latency_size(d.t).nets, ROWS);
	CU_ASSERT_DOUBLE_EQUAL(
		cell(&d, "10.1.2.3/32", 1)->rtt_ms, (65536 + 515) % 100 + 1.5, 1e-4);
	text_fini(&text);
	close_desk(&d);
}

/* --- without memory ----------------------------------------------------------------------- */

struct import {
	struct latency_csv from;
	struct latency *t;
	struct faults f;
	bool ok;
};

static void import(void *ctx)
{
	struct import *i = ctx;

	i->t = latency_new(&(struct latency_opts){ names, 2, 0.3, 3600, 1 << 20, { 1, 2 } });
	i->ok = latency_csv_read(i->t, &i->from, NULL, &i->f);
}

static void import_each(void *ctx)
{
	struct import i = { .from = { ctx, NOW, time(NULL), CSV_SAMPLES, NULL } };

	faults_init(&i.f);
	const bool ended = !scope_run(import, &i);
	const size_t failed = failing_stop();
	CU_ASSERT_EQUAL(!ended && i.ok, failed == 0);
	if (!ended && !i.ok && !i.f.text.lost)
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&i.f.text), "out of memory"));
	if (!ended)
		latency_drop(i.t);
	faults_fini(&i.f);
}

static void import_and_fail(void *ctx)
{
	import(ctx);
	CU_ASSERT_TRUE(((struct import *)ctx)->ok);
	scope_fail();
}

static void without_memory_a_file_is_refused(void)
{
	struct desk d;

	open_desk(&d);
	FILE *f = fopen(d.path, "we");
	if (!f)
		abort();
	fputs("prefix,edge,rtt_ms\n@ams,rom,30\n", f);
	for (unsigned i = 0; i < 256; i++)
		fprintf(f, "10.0.%u.0/24,ams,%u\n10.0.%u.0/24,rom,7\n", i, 1 + i, i);
	fclose(f);
	CU_ASSERT_TRUE(failing_each(import_each, d.path) > 250);
	/* And what was read goes with the work that read it. */
	struct import i = { .from = { d.path, NOW, time(NULL), CSV_SAMPLES, NULL } };
	CU_ASSERT_FALSE(scope_run(import_and_fail, &i));
	faults_fini(&i.f);
	close_desk(&d);
}

void suite_latency_csv(void)
{
	static const struct unit_case cases[] = {
		{ "rows become cells", rows_become_cells },
		{ "columns are found by name", columns_are_found_by_name },
		{ "ages count back from when the file was written",
			ages_count_back_from_when_the_file_was_written },
		{ "what is wrong is told with its place",
			what_is_wrong_is_told_with_its_place },
		{ "the line is shown", the_line_is_shown },
		{ "unknown edges are passed over with one warning each",
			unknown_edges_are_passed_over_with_one_warning_each },
		{ "what is written reads back the same", what_is_written_reads_back_the_same },
		{ "other kinds have a column that is only there with them", other_kinds_have_a_column_that_is_only_there_with_them },
		{ "values are those of their kind", values_are_those_of_their_kind },
		{ "long files are read whole", long_files_are_read_whole },
		{ "without memory a file is refused", without_memory_a_file_is_refused },
	};

	unit_suite("measure/latency_csv", cases, UNIT_COUNT(cases));
}
