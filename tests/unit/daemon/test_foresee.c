#include "daemon/foresee.h"

#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF                                                       \
	"edges:\n"                                                 \
	"  ams: { at: \"52,5\", a: 127.0.0.11 }\n"                 \
	"  nyc: { at: \"40,-74\", a: 127.0.0.12, state: drain }\n" \
	"latency: { half-life: 7d }\n"                             \
	"probes: { tcp: { kind: tcp, port: 1, every: 1h } }\n"     \
	"pools: { web: { edges: [ ams, nyc ], probe: tcp } }\n"

static struct house h;
static char *export; /* of a server whose probes have all failed */

static char *changed(const char *what, const char *to)
{
	const char *at = strstr(export, what);
	char *text = malloc(strlen(export) + strlen(to) + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	sprintf(text, "%.*s%s%s", (int)(at - export), export, to, at + strlen(what));
	return text;
}

static void make_export(void)
{
	house_open(&h, CONF);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(house_logs(&h, "first round of probes"));
	site_put(&h.site, "times.csv",
		"prefix,edge,rtt_ms\n8.8.8.0/24,nyc,20\n8.8.8.0/24,ams,30\n");
	char words[200];
	snprintf(words, sizeof words, "latency import %s/times.csv", h.site.folder);
	house_tell(&h, words);
	house_tell(&h, "force nyc up");
	export = strdup(house_tell(&h, "export"));
	house_stop(&h);
}

static void throw_export(void)
{
	free(export);
	house_close(&h);
}

/* What is wrong with it, or "". */
static const char *opened(struct foresee *f, const struct foresee_opts *o)
{
	static char text[2000];
	struct faults faults;

	faults_init(&faults);
	const bool ok = foresee_open(f, o, &faults);
	snprintf(text, sizeof text, "%s", ok ? "" : text_get(&faults.text));
	faults_fini(&faults);
	return text;
}

static struct foresee_opts opts(const char *text)
{
	return (struct foresee_opts){
		.export = text, .export_name = "the export", .export_len = strlen(text)
	};
}

static void an_export_has_all_that_the_server_knew(void)
{
	struct foresee f;

	make_export();
	struct foresee_opts o = opts(export);
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	CU_ASSERT_EQUAL(f.old.steer->n_edges, 2);
	CU_ASSERT_EQUAL(f.old.steer->n_pools, 1);
	CU_ASSERT_PTR_EQUAL(foresee_new(&f), &f.old);
	CU_ASSERT_FALSE(f.is_changed);
	CU_ASSERT_EQUAL(f.unprobed, 0);
	CU_ASSERT_TRUE(f.generation > 0);
	CU_ASSERT_TRUE(f.time > 1700000000);
	CU_ASSERT_EQUAL(latency_size(f.old.table).nets, 1);
	CU_ASSERT_EQUAL(latency_size(f.old.table).cells, 2);
	/* By its probes ams is down; nyc is forced to be up, whatever they say. */
	CU_ASSERT_TRUE(standing_marks(f.old_standing, 1, 0) & STANDS_FAILS);
	CU_ASSERT_TRUE(standing_marks(f.old_standing, 1, 1) & STANDS_A);
	CU_ASSERT_FALSE(standing_marks(f.old_standing, 1, 0) & STANDS_A);
	CU_ASSERT_TRUE(standing_same(f.old.steer, f.old_standing, f.new_standing));
	foresee_close(&f);
	throw_export();
}

static void what_if_edges_were_forced(void)
{
	static const char *const nyc[] = { "nyc" }, *const ams[] = { "ams" },
				 *const nobody[] = { "ams", "xyz" };
	struct foresee f;

	make_export();
	struct foresee_opts o = opts(export);
	o.down = nyc;
	o.n_down = 1;
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	CU_ASSERT_TRUE(standing_marks(f.old_standing, 1, 1) & STANDS_A);
	CU_ASSERT_FALSE(standing_marks(f.new_standing, 1, 1) & STANDS_A);
	foresee_close(&f);
	o.n_down = 0;
	o.drain = ams;
	o.n_drain = 1;
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	CU_ASSERT_TRUE(standing_marks(f.new_standing, 1, 0) & STANDS_DRAINED);
	CU_ASSERT_FALSE(standing_marks(f.old_standing, 1, 0) & STANDS_DRAINED);
	foresee_close(&f);
	o.drain = nobody;
	o.n_drain = 2;
	CU_ASSERT_PTR_NOT_NULL(strstr(opened(&f, &o), "there is no edge \"xyz\""));
	o.n_drain = 0;
	o.down = nobody;
	o.n_down = 2;
	CU_ASSERT_PTR_NOT_NULL(strstr(opened(&f, &o), "there is no edge \"xyz\""));
	throw_export();
}

/* Another configuration: what no probe has looked at yet is taken as up. */
static void another_configuration_is_set_beside_it(void)
{
	struct foresee f;

	make_export();
	house_configure(&h,
		"edges:\n"
		"  ams: { at: \"52,5\", a: 127.0.0.11 }\n"
		"  fra: { at: \"50,8\", a: 127.0.0.13 }\n"
		"probes: { tcp: { kind: tcp, port: 1, every: 1h } }\n"
		"pools: { web: { edges: [ ams, fra ], probe: tcp } }\n");
	struct foresee_opts o = opts(export);
	o.new_path = h.site.path;
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	CU_ASSERT_TRUE(f.is_changed);
	CU_ASSERT_PTR_EQUAL(foresee_new(&f), &f.next);
	CU_ASSERT_EQUAL(f.unprobed, 1);
	CU_ASSERT_TRUE(standing_marks(f.new_standing, 1, 0) & STANDS_FAILS);
	CU_ASSERT_TRUE(standing_marks(f.new_standing, 1, 1) & STANDS_A);
	/* What was measured is known there, too. */
	CU_ASSERT_EQUAL(latency_size(f.next.table).nets, 1);
	foresee_close(&f);
	/* One that is wrong is told. */
	house_configure(&h, "pools: {\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(opened(&f, &o), "error: "));
	/* Zones, where they are wanted. */
	o = opts(export);
	o.zones = true;
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	CU_ASSERT_EQUAL(f.next.zones->n, 2);
	foresee_close(&f);
	throw_export();
}

static void what_is_no_export_is_told(void)
{
	static const struct {
		const char *what, *to, *why;
	} row[] = {
		{ "waymark-export 1", "waymark-export 2", "this is no export of a server" },
		{ "\"forced\"", "\"forced_\"", "this is no export of a server" },
		{ "\"verdicts\"", "\"verdicts_\"", "this is no export of a server" },
		{ "\"tree\"", "\"tree_\"", "this is no export of a server" },
		{ "\"config\"", "\"config_\"", "this is no export of a server" },
		{ "\"measured\"", "\"measured_\"",
			"the measurements in this export cannot be read" },
		{ "\"learned\"", "\"learned_\"",
			"the measurements in this export cannot be read" },
		{ "prefix,edge,rtt_ms", "prefix,edge,rtt",
			"the measurements in this export cannot be read" },
		{ "\"edges\": [", "\"edges\": [ \"xyz\",", "error: " },
	};
	struct foresee f;

	make_export();
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char *text = changed(row[i].what, row[i].to);
		struct foresee_opts o = opts(text);
		const char *why = opened(&f, &o);
		if (!*why || !strstr(why, row[i].why)) {
			printf("%s: %s\n", row[i].what, why);
			CU_FAIL(row[i].what);
		}
		free(text);
	}
	struct foresee_opts none = opts("no JSON");
	const char *why = opened(&f, &none);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "this is no export of a server"));
	CU_ASSERT_PTR_NULL(strstr(why, "--config"));
	none = opts("{}");
	CU_ASSERT_PTR_NOT_NULL(strstr(opened(&f, &none), ", without --config"));
	throw_export();
}

static void what_the_probes_have_measured_is_in_it(void)
{
	struct foresee f;

	make_export();
	char *text = changed("\"up\": false", "\"up\": true, \"rtt_ms\": 7.5, \"load\": 0.5");
	struct foresee_opts o = opts(text);
	CU_ASSERT_STRING_EQUAL(opened(&f, &o), "");
	unsigned with = 0;
	for (unsigned i = 0; i < 2; i++)
		if (!isnan(f.old_standing->rtt_ms[f.old_standing->n_edges + i])) {
			with++;
			CU_ASSERT_DOUBLE_EQUAL(f.old_standing->rtt_ms[2 + i], 7.5, 1e-6);
			CU_ASSERT_DOUBLE_EQUAL(f.old_standing->load[2 + i], 0.5, 1e-6);
		}
	CU_ASSERT_EQUAL(with, 1);
	foresee_close(&f);
	free(text);
	throw_export();
}

static const struct unit_case cases[] = {
	{ "an export has all that the server knew", an_export_has_all_that_the_server_knew },
	{ "what if edges were forced", what_if_edges_were_forced },
	{ "another configuration is set beside it", another_configuration_is_set_beside_it },
	{ "what is no export is told", what_is_no_export_is_told },
	{ "what the probes have measured is in it", what_the_probes_have_measured_is_in_it },
};

void suite_foresee(void);
void suite_foresee(void)
{
	unit_suite("daemon/foresee", cases, UNIT_COUNT(cases));
}
