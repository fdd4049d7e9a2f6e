#include "daemon/export.h"

#include "base/memory.h"
#include "config.h"
#include "daemon/parts_read.h"
#include "daemon/tree.h"
#include "measure/resolver_clients.h"
#include "report/report.h"
#include "steer/fail_over.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int add_dumped(const char *s, size_t len, void *out)
{
	text_add_bytes(out, s, len);
	return 0;
}

/* Takes `value`. */
static void add_value(struct text *out, const char *key, json_t *value)
{
	text_addf(out, ",\n \"%s\": ", key);
	json_dump_callback(value, add_dumped, out,
		JSON_INDENT(1) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY);
	json_decref(value);
}

static json_t *forced_list(const struct forced_list *forced)
{
	json_t *list = json_array();

	for (size_t i = 0; i < forced->n; i++) {
		const struct forced *f = &forced->of[i];
		if (!f->begun)
			continue;
		json_t *o = json_pack("{s:s}", "edge", f->edge);
		if (f->what == FORCED_WEIGHT)
			json_object_set_new(o, "weight", json_integer(f->weight));
		else
			json_object_set_new(o, "state", json_string(edge_state_text(f->state)));
		if (*f->pool)
			json_object_set_new(o, "pool", json_string(f->pool));
		json_array_append_new(list, o);
	}
	return list;
}

/* As it is served. */
static json_t *failed_over_list(const struct world *w)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < w->steer->n_pools; i++) {
		const unsigned at = w->standing->pools[i].first;
		if (at)
			json_array_append_new(list,
				json_pack("{s:s, s:s}", "pool", w->steer->pools[i].name, "member",
					fail_over_name(w->steer, i, at)));
	}
	return list;
}

static json_t *said_of(const struct round_view *v, const struct verdict *said)
{
	char addr[ADDR_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "probe", v->probe->name, "edge", v->edge,
		"addr", addr_text(addr, &v->addr), "up", said->up);

	if (!isnan(said->rtt_ms))
		json_object_set_new(o, "rtt_ms", json_real(said->rtt_ms));
	if (!isnan(said->load))
		json_object_set_new(o, "load", json_real(said->load));
	return o;
}

static json_t *verdict_list(const struct still *still)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < still->n; i++)
		if (round_is_probed(&still->views[i]) && still->verdicts[i].known)
			json_array_append_new(
				list, said_of(&still->views[i], &still->verdicts[i]));
	return list;
}

/* A text as a JSON string, as it comes. It has no control characters but the ends of lines. */
static bool add_escaped(void *out, const char *s, size_t len)
{
	for (const char *end = s + len; s < end;) {
		const size_t plain = strcspn(s, "\n\"\\");
		const size_t n = plain < (size_t)(end - s) ? plain : (size_t)(end - s);
		text_add_bytes(out, s, n);
		s += n;
		if (s < end) {
			text_add(out, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\");
			s++;
		}
	}
	return !((struct text *)out)->lost;
}

static json_t *source_list(const struct report_view *v)
{
	const struct latency *t = v->live.table;
	json_t *list = json_array();

	for (unsigned i = 0; i < latency_edges(t); i++) {
		const struct latency_source s = latency_source(t, i, v->clock.now_s);
		json_array_append_new(list,
			json_pack("{s:s, s:f, s:f}", "edge", latency_edge_name(t, i), "taken", s.taken,
				"impossible", s.impossible));
	}
	return list;
}

static void add_measured(
	const struct report_view *v, const char *key, bool filed, struct text *out)
{
	struct text csv = { .drain = add_escaped, .drain_ctx = out };

	text_addf(out, ",\n \"%s\": \"", key);
	latency_csv_write(v->live.table, &v->clock, filed, &csv);
	add_escaped(out, text_get(&csv), csv.len);
	text_fini(&csv);
	text_add(out, "\"");
}

static void add_resolvers(const struct report_view *v, struct text *out)
{
	struct text csv = { .drain = add_escaped, .drain_ctx = out };

	if (!latency_resolvers(v->live.table))
		return;
	text_add(out, ",\n \"resolver_clients\": \"");
	resolver_clients_write(latency_resolvers(v->live.table), &csv);
	add_escaped(out, text_get(&csv), csv.len);
	text_fini(&csv);
	text_add(out, "\"");
}

/* What was loaded was right, so that nothing can be wrong now. Who reads it has another working
 * folder. */
static void add_head(const struct report_view *v, struct text *out)
{
	const struct conf *c = parts_conf(&v->live);
	const struct tree_key key = tree_key_new();
	char key_text[TREE_KEY_TEXT];
	char *path = realpath(c->path, NULL);
	struct faults unheard;

	faults_init(&unheard);
	tree_key_text(key_text, &key);
	json_t *tree = tree_json(&c->sources, &key, &unheard);
	faults_fini(&unheard);
	text_add(out, "{\n \"format\": \"" EXPORT_FORMAT "\"");
	add_value(out, "version", json_string(PACKAGE_VERSION));
	add_value(out, "config", json_string(path ? path : c->path));
	add_value(out, "generation", json_integer((json_int_t)v->world->generation));
	add_value(out, "time", json_integer((json_int_t)time(NULL)));
	add_value(out, "secret_key", json_string(key_text));
	add_value(out, "tree", tree ? tree : json_object());
	free(path);
}

void export_write(const struct report_view *v, bool config_only, struct text *out)
{
	add_head(v, out);
	if (!config_only) {
		add_value(out, "forced", forced_list(&v->health.forced));
		add_value(out, "verdicts", verdict_list(v->health.still));
		add_value(out, "failed_over", failed_over_list(v->world));
		add_value(out, "sources", source_list(v));
		add_measured(v, "measured", true, out);
		add_measured(v, "learned", false, out);
		add_resolvers(v, out);
	}
	text_add(out, "\n}\n");
}
