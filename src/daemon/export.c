#include "daemon/export.h"

#include "base/memory.h"
#include "base/scope.h"
#include "config.h"
#include "report/report.h"
#include "daemon/daemon.h"
#include "daemon/measured.h"
#include "daemon/tree.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static json_t *forced_json(const struct forced_list *forced)
{
	json_t *list = json_array();

	for (size_t i = 0; i < forced->n; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "edge", forced->of[i].edge, "state",
				edge_state_text(forced->of[i].state)));
	return list;
}

static json_t *verdicts_json(const struct round *round)
{
	json_t *list = json_array();
	char addr[ADDR_TEXT];

	for (uint32_t i = 0; i < round_targets(round); i++) {
		const struct round_view v = round_view(round, i);
		const struct verdict *said = &round_verdicts(round)[i];
		if (!said->known)
			continue;
		json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "probe", v.probe->name, "edge",
			v.edge, "addr", addr_text(addr, &v.addr), "up", said->up);
		if (!isnan(said->rtt_ms))
			json_object_set_new(o, "rtt_ms", json_real(said->rtt_ms));
		if (!isnan(said->load))
			json_object_set_new(o, "load", json_real(said->load));
		json_array_append_new(list, o);
	}
	return list;
}

/* False when it is larger than may be. */
static bool add_measured(const struct latency *table, const char *key, bool filed, json_t *to)
{
	const struct latency_csv now = measured_csv("");
	struct text csv = { 0 };

	scope_hold(&csv, text_let_go);
	latency_csv_write(table, &now, filed, &csv);
	if (csv.lost)
		memory_ends(csv.len);
	const bool fits = csv.len < EXPORT_MOST / 2;
	if (fits)
		json_object_set_new(to, key, json_stringn(text_get(&csv), csv.len));
	scope_forget(&csv, text_let_go);
	text_fini(&csv);
	return fits;
}

/* What was loaded was right, so that nothing can be wrong now. Who reads it has another working
 * folder. */
static json_t *head_json(const struct daemon *d)
{
	const struct conf *c = &d->loaded.conf;
	const struct tree_key key = tree_key_new();
	char key_text[TREE_KEY_TEXT];
	char *real = realpath(c->path, NULL), *path = real ? memory_need(real) : NULL;
	struct faults unheard;

	faults_init(&unheard);
	scope_hold(&unheard.text, text_let_go);
	tree_key_text(key_text, &key);
	json_t *tree = tree_json(
		&(struct tree_source){ c->path, c->text, c->text_end }, &key, &unheard);
	scope_forget(&unheard.text, text_let_go);
	faults_fini(&unheard);
	json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "format", EXPORT_FORMAT,
		"version", PACKAGE_VERSION, "config", path ? path : c->path, "generation",
		(json_int_t)d->epoch.generation, "time", (json_int_t)time(NULL), "secret_key",
		key_text, "tree", tree ? tree : json_object());
	memory_free(path);
	return o;
}

/* What is asked for; NULL text: it is more than may be. */
struct export
{
	const struct daemon *d;
	const struct report_health *health;
	bool config_only;
	char *text;
};

static void write_text(void *ctx)
{
	struct export *e = ctx;
	json_t *o = head_json(e->d);
	bool fits = true;

	if (!e->config_only) {
		json_object_set_new(o, "forced", forced_json(e->health->forced));
		json_object_set_new(o, "verdicts", verdicts_json(e->health->round));
		fits = add_measured(e->d->loaded.table, "measured", true, o) &&
			add_measured(e->d->loaded.table, "learned", false, o);
	}
	e->text = fits ? json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(o);
}

bool export_write(const struct daemon *d, const struct report_health *health, bool config_only,
	struct text *out, struct fault *why)
{
	struct export e = { d, health, config_only, NULL };

	/* In a scope, so that none lacks something for which there was no memory. */
	if (!scope_run(write_text, &e))
		return fault(why, "out of memory for an export");
	if (!e.text)
		return fault(why, "this is more than an export may have: over %d MiB",
			EXPORT_MOST >> 20);
	text_addf(out, "%s\n", e.text);
	memory_free(e.text);
	return true;
}
