#include "daemon/foresee.h"

#include "base/file.h"
#include "base/memory.h"
#include "report/report.h"
#include "daemon/export.h"
#include "daemon/latency_read.h"
#include "measure/resolver_clients.h"
#include "probe/rows.h"
#include "steer/fail_over.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* While both are opened. */
struct opening {
	struct foresee *to;
	const struct foresee_opts *o;
	const json_t *export;
	char *tree; /* the configuration as text */
	struct faults *f;
	struct hash_key key; /* of all tables of zones */
};

/* --- what probes have said ---------------------------------------------------------------- */

struct saying {
	const struct probe_opts *probe; /* of the old configuration */
	const char *edge;
	struct addr addr;
	struct verdict verdict;
};

struct sayings {
	struct saying *of; /* by address */
	size_t n;
};

static int compare_sayings(const void *a, const void *b)
{
	return memcmp(&((const struct saying *)a)->addr, &((const struct saying *)b)->addr,
		sizeof(struct addr));
}

static const struct probe_opts *find_probe(const struct conf *c, const char *name)
{
	for (size_t i = 0; name && i < c->n_probes; i++)
		if (strcmp(c->probes[i].name, name) == 0)
			return &c->probes[i];
	return NULL;
}

static float number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? (float)json_number_value(v) : NAN;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static struct sayings read_sayings(const json_t *export, const struct conf *c)
{
	const json_t *list = json_object_get(export, "verdicts");
	struct sayings s = { memory_zeroed(json_array_size(list) + 1, sizeof *s.of), 0 };
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o) {
		struct saying *x = &s.of[s.n];
		*x = (struct saying){ .probe = find_probe(c, text_of(o, "probe")),
			.edge = text_of(o, "edge"),
			.verdict = { .known = true,
				.up = json_is_true(json_object_get(o, "up")),
				.changes_us = UINT64_MAX,
				.rtt_ms = number(o, "rtt_ms"),
				.load = number(o, "load") } };
		if (x->probe && x->edge && text_of(o, "addr") &&
			addr_parse(&x->addr, text_of(o, "addr")))
			s.n++;
	}
	qsort(s.of, s.n, sizeof *s.of, compare_sayings);
	return s;
}

/* Names all stand under ::, where the edge tells them apart. */
/* A path is as its configuration sees it, and there may be two ways to one file, or a copy. */
static bool same_content(const char *a, const char *b)
{
	enum { MOST = 16 << 20 };
	struct file x, y;
	bool same = false;

	if (!a || !b || !file_read(&x, a, MOST, NULL))
		return false;
	if (file_read(&y, b, MOST, NULL)) {
		same = x.len == y.len && memcmp(x.text, y.text, x.len) == 0;
		file_free(&y);
	}
	file_free(&x);
	return same;
}

static const char *like(const char *was, const char *is)
{
	return was && is && strcmp(was, is) != 0 && same_content(was, is) ? was : is;
}

/* Of a command only the program is a path. */
static const char *const *like_command(const char *const *was, const char *const *is)
{
	size_t i = 1;

	if (!was || !is || !same_content(was[0], is[0]))
		return is;
	while (was[i] && is[i] && strcmp(was[i], is[i]) == 0)
		i++;
	return was[i] == is[i] ? was : is;
}

/* Does it ask what that one asked? */
static bool probes_alike(const struct probe_opts *was, const struct probe_opts *is)
{
	struct probe_opts same = *is;

	if (probe_same(was, is))
		return true;
	if (was->kind != is->kind)
		return false;
	same.ca = like(was->ca, is->ca);
	same.client_cert = like(was->client_cert, is->client_cert);
	same.client_key = like(was->client_key, is->client_key);
	same.command = like_command(was->command, is->command);
	return probe_same(was, &same);
}

static const struct saying *find_saying(const struct sayings *s, const struct probe_opts *p,
	const struct edge_point *point, const char *edge)
{
	const struct saying want = { .addr = point->addr };
	const struct saying *at = bsearch(&want, s->of, s->n, sizeof want, compare_sayings);

	while (at && at > s->of && compare_sayings(at - 1, &want) == 0)
		at--;
	for (; at && at < s->of + s->n && compare_sayings(at, &want) == 0; at++)
		if (probes_alike(at->probe, p) &&
			((!probe_is_of_edge(p) && !point->name) ||
				strcmp(at->edge, edge) == 0))
			return at;
	return NULL;
}

/* --- standing ----------------------------------------------------------------------------- */

struct stand {
	const struct parts *l;
	const struct sayings *said;
	struct verdict *verdicts;
	uint32_t n;
	unsigned unprobed;
	bool is_new; /* what nobody has looked at yet is taken as up */
};

static struct verdict say(
	struct stand *s, const struct probe_opts *p, const struct edge *e, unsigned k)
{
	const struct edge_point *point = edge_point(e, k);
	struct verdict parts[PROBE_PARTS_MOST];

	for (unsigned i = 0; i < p->n_parts; i++)
		parts[i] = say(s, &p->parts[i], e, k);
	if (p->n_parts)
		return verdict_of_parts(parts, p->n_parts, p->least);
	const struct saying *x = find_saying(s->said, p, point, e->called);
	s->unprobed += x == NULL;
	return x ? x->verdict
		 : (struct verdict){ .up = s->is_new || p->initial == PROBE_UP,
			   .changes_us = UINT64_MAX,
			   .rtt_ms = NAN,
			   .load = NAN };
}

static uint32_t verdict_of(
	struct stand *s, const struct probe_opts *p, const struct edge *e, unsigned k)
{
	if (!edge_point(e, k))
		return STANDING_NO_TARGET;
	s->verdicts[s->n] = say(s, p, e, k);
	return s->n++;
}

static void fill_rows(struct stand *s, const struct rows *rows, struct standing_row *to)
{
	const struct steer *steer = s->l->steer;

	s->verdicts = memory_zeroed((size_t)rows->n * steer->n_addresses, sizeof *s->verdicts);
	for (unsigned row = 0; row < rows->n; row++) {
		uint32_t *targets = memory_zeroed(steer->n_addresses, sizeof *targets);
		for (unsigned i = 0; i < steer->n_edges; i++) {
			const struct edge *e = &steer->edges[i];
			const struct probe_opts *p = round_row_probe(&rows->row[row], i);
			for (unsigned k = 0; k < e->n_slots; k++)
				targets[e->first_address + k] =
					p ? verdict_of(s, p, e, k) : STANDING_NO_TARGET;
		}
		to[row] = (struct standing_row){ rows->need[row], targets };
	}
}

/* "ams1", "ams*", "ams1@web". */
static void force(struct forced_list *to, const char *target, enum edge_state state)
{
	const char *at = strrchr(target, '@');
	char *edge = memory_strndup(target, at ? (size_t)(at - target) : strlen(target));

	forced_set(to,
		&(struct forced){ .edge = edge,
			.pool = (char *)(uintptr_t)(at ? at + 1 : ""),
			.state = state,
			.begun = true,
			.until_us = UINT64_MAX });
	memory_free(edge);
}

/* What the operator has forced, or would. */
static struct forced_list changes(const json_t *export, const struct foresee_opts *o)
{
	struct forced_list to = { 0 };
	size_t i;
	json_t *f;

	json_array_foreach (json_object_get(export, "forced"), i, f) {
		const json_t *weight = json_object_get(f, "weight");
		struct forced one = { .edge = (char *)(uintptr_t)text_of(f, "edge"),
			.pool = (char *)(uintptr_t)text_of(f, "pool"),
			.what = weight ? FORCED_WEIGHT : FORCED_STATE,
			.begun = true,
			.until_us = UINT64_MAX };
		const json_int_t n = json_integer_value(weight);
		one.weight = (unsigned)n;
		if (one.edge && (weight ? n >= 0 && n <= EDGE_WEIGHT_MOST
					: text_of(f, "state") &&
						edge_state_parse(&one.state, text_of(f, "state"))))
			forced_set(&to, &one);
	}
	for (i = 0; o && i < o->n_down; i++)
		force(&to, o->down[i], EDGE_DOWN);
	for (i = 0; o && i < o->n_drain; i++)
		force(&to, o->drain[i], EDGE_DRAIN);
	return to;
}

/* Where pools have failed over to and stay, those of the same names on both sides. */
static struct fail_overs read_failed_over(const json_t *export)
{
	struct fail_overs to = { 0 };
	size_t i;
	json_t *o;

	json_array_foreach (json_object_get(export, "failed_over"), i, o)
		if (text_of(o, "pool") && text_of(o, "member"))
			fail_over_set(&to, text_of(o, "pool"), text_of(o, "member"));
	return to;
}

static struct standing *stand_side(
	const struct opening *x, const struct sayings *said, bool is_new)
{
	const struct parts *l = is_new ? foresee_new(x->to) : &x->to->old;
	struct stand s = { .l = l, .said = said, .is_new = is_new && x->to->is_changed };
	const struct conf *c = parts_conf(l);
	struct rows rows = rows_new(&(struct rows_opts){
		c->probes, c->edges, c->n_edges, c->pools, c->n_pools });
	struct standing_row *of = memory_zeroed(rows.n, sizeof *of);
	struct forced_list list = changes(x->export, is_new ? x->o : NULL);
	struct forced_effect forced = forced_effect_of(&list, l->steer);

	fill_rows(&s, &rows, of);
	struct standing *standing = standing_new(&(struct standing_opts){ .steer = l->steer,
		.states = forced.states,
		.forced = forced.forced,
		.effect = &forced,
		.verdicts = s.verdicts,
		.rows = of,
		.n_rows = rows.n,
		.row_of = rows.row_of,
		.own_row = rows.own_row });
	struct fail_overs failed = read_failed_over(x->export);
	fail_overs_apply(&failed, l->steer, standing);
	fail_overs_fini(&failed);
	if (s.is_new)
		x->to->unprobed = s.unprobed;
	for (unsigned i = 0; i < rows.n; i++)
		memory_free((void *)(uintptr_t)of[i].targets);
	memory_free(of);
	forced_effect_fini(&forced);
	forced_fini(&list);
	memory_free(s.verdicts);
	rows_free(&rows);
	return standing;
}

/* --- measurements ------------------------------------------------------------------------- */

/* The readers of CSV read files: this is one that has no name but `path`. -1: there is no such
 * text, or no such file can be made. */
static int open_csv(const json_t *export, const char *key, char path[static 64])
{
	const json_t *csv = json_object_get(export, key);
	const size_t len = json_string_length(csv);
	const int fd = json_is_string(csv) ? memfd_create(key, MFD_CLOEXEC) : -1;

	snprintf(path, 64, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, json_string_value(csv), len) == (ssize_t)len)
		return fd;
	close(fd);
	return -1;
}

static bool read_csv(struct latency *to, const json_t *export, const char *key, bool filed)
{
	struct faults unheard;
	char path[64];
	const int fd = open_csv(export, key, path);

	if (fd < 0)
		return false;
	faults_init(&unheard);
	struct latency_csv from = latency_read_csv(path);
	from.as = filed ? CSV_FILED : CSV_STATE;
	const bool ok = latency_csv_read(to, &from, NULL, &unheard);
	close(fd);
	faults_fini(&unheard);
	return ok;
}

/* Not there: nothing is known of resolvers. */
static bool read_resolvers(struct latency *to, const json_t *export)
{
	struct faults unheard;
	char path[64];
	const int fd = open_csv(export, "resolver_clients", path);

	if (fd < 0)
		return !json_object_get(export, "resolver_clients");
	faults_init(&unheard);
	struct resolver_clients *r = resolver_clients_read(path, &unheard);
	latency_set_resolvers(to, r);
	const bool ok = r != NULL;
	resolver_clients_drop(r);
	close(fd);
	faults_fini(&unheard);
	return ok;
}

/* What came of each edge, for those that there are. */
static void read_sources(struct latency *to, const json_t *export, uint32_t now_s)
{
	json_t *o;
	size_t i;

	json_array_foreach (json_object_get(export, "sources"), i, o) {
		const char *name = text_of(o, "edge");
		const int edge = name ? latency_edge(to, name, strlen(name)) : -1;
		if (edge >= 0)
			latency_set_source(to, (unsigned)edge,
				&(struct latency_source){ json_number_value(json_object_get(o, "taken")),
					json_number_value(json_object_get(o, "impossible")) },
				now_s);
	}
}

/* --- both sides --------------------------------------------------------------------------- */

static bool is_export(const json_t *o)
{
	return text_of(o, "format") && strcmp(text_of(o, "format"), EXPORT_FORMAT) == 0 &&
		text_of(o, "config") && json_is_object(json_object_get(o, "tree")) &&
		json_is_array(json_object_get(o, "forced")) &&
		json_is_array(json_object_get(o, "verdicts"));
}

static bool read_old(const struct opening *x)
{
	const struct fault_at at = { .path = x->o->export_name };
	struct parts *old = &x->to->old;
	struct faults own;

	/* What runs has been warned of when it was loaded. */
	faults_init(&own);
	const bool ok = parts_read(old,
		&(struct parts_read_opts){ .path = text_of(x->export, "config"),
			.key = x->key,
			.text = x->tree,
			.text_len = strlen(x->tree),
			.bare = true },
		&own);
	if (!ok)
		faults_add(x->f, &own);
	faults_fini(&own);
	if (!ok)
		return false;
	if (!read_csv(old->table, x->export, "measured", true) ||
		!read_csv(old->table, x->export, "learned", false) ||
		!read_resolvers(old->table, x->export))
		return faults_error(
			x->f, &at, "the measurements in this export cannot be read");
	read_sources(old->table, x->export, latency_read_now());
	old->steer = parts_steer_assumed(parts_conf(old), old->atlas, old->table, NULL);
	return true;
}

/* Then the zones' names are good to have, but not needed. */
static bool tells_names(const struct steer *s)
{
	for (unsigned i = 0; i < s->n_pools; i++)
		if (s->pools[i].affinity & AFFINITY_NAME)
			return true;
	return false;
}

static bool read_next(const struct opening *x)
{
	const bool by_choice = !x->o->new_path && !x->o->zones;
	struct parts_read_opts opts = {
		.path = x->o->new_path, .key = x->key, .before = &x->to->old, .assume = true
	};

	x->to->is_changed = x->o->new_path != NULL;
	if (by_choice && !tells_names(x->to->old.steer))
		return true;
	if (!x->o->new_path) {
		opts.path = text_of(x->export, "config");
		opts.text = x->tree;
		opts.text_len = strlen(x->tree);
	}
	if (by_choice) {
		struct faults unsaid;
		faults_init(&unsaid);
		parts_read(&x->to->next, &opts, &unsaid);
		faults_fini(&unsaid);
		return true;
	}
	/* A zone that is wrong would keep what it has now: that is no change to look at. */
	return parts_read(&x->to->next, &opts, x->f) && x->f->errors == 0;
}

static bool check_edges(const struct opening *x, const char *const *names, size_t n)
{
	const struct parts *new = foresee_new(x->to);
	const struct fault_at at = { .path = parts_conf(new)->path };

	for (size_t i = 0; i < n; i++) {
		const char *pool = strrchr(names[i], '@');
		char *edge = memory_strndup(
			names[i], pool ? (size_t)(pool - names[i]) : strlen(names[i]));
		const bool ok = forced_names_edge(new->steer, edge);
		if (!ok)
			faults_error(x->f, &at, "there is no edge \"%s\"", edge);
		memory_free(edge);
		if (!ok)
			return false;
		if (pool && !forced_names_pool(new->steer, pool + 1))
			return faults_error(x->f, &at, "there is no pool \"%s\"", pool + 1);
	}
	return true;
}

static bool open_both(const struct opening *x)
{
	struct foresee *to = x->to;

	if (!x->tree || !read_old(x) || !read_next(x) ||
		!check_edges(x, x->o->down, x->o->n_down) ||
		!check_edges(x, x->o->drain, x->o->n_drain))
		return false;
	struct sayings said = read_sayings(x->export, parts_conf(&to->old));
	to->old_standing = stand_side(x, &said, false);
	to->new_standing = stand_side(x, &said, true);
	memory_free(said.of);
	to->generation = json_integer_value(json_object_get(x->export, "generation"));
	to->time = json_integer_value(json_object_get(x->export, "time"));
	return true;
}

const struct parts *foresee_new(const struct foresee *f)
{
	return f->is_changed ? &f->next : &f->old;
}

bool foresee_open(struct foresee *to, const struct foresee_opts *o, struct faults *f)
{
	const struct fault_at at = { .path = o->export_name };
	json_error_t error;
	json_t *export = json_loadb(o->export, o->export_len, JSON_REJECT_DUPLICATES, &error);

	struct opening x = { to, o, export, NULL, f, parts_key() };
	bool ok;

	*to = (struct foresee){ 0 };
	if (export && is_export(export)) {
		x.tree = json_dumps(json_object_get(export, "tree"), JSON_INDENT(1));
		ok = open_both(&x);
	} else {
		ok = faults_error(f, &at,
			"this is no export of a server (\"waymarkctl export\" makes one%s)",
			export ? ", without --config" : "");
	}
	memory_free(x.tree);
	json_decref(export);
	if (!ok)
		foresee_close(to);
	return ok;
}

void foresee_close(struct foresee *f)
{
	if (f->old_standing)
		standing_free(f->old_standing);
	if (f->new_standing)
		standing_free(f->new_standing);
	parts_drop(&f->next);
	parts_drop(&f->old);
	*f = (struct foresee){ 0 };
}
