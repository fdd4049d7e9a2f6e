#include "daemon/latency_read.h"

#include "base/file.h"
#include "base/memory.h"
#include "measure/client_pairs.h"
#include "measure/resolver_clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So that an age from before the machine started is no negative time: 34 years. */
#define CLOCK_FROM (UINT32_C(1) << 30)

/* A measurement that a file repeats is none the fresher, up to this share of the half-life. */
enum { SLACK_SHARE = 16 };

uint32_t latency_read_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return CLOCK_FROM + (uint32_t)now.tv_sec;
}

struct latency_csv latency_read_csv(const char *path)
{
	return (struct latency_csv){
		.path = path, .now_s = latency_read_now(), .time_s = time(NULL)
	};
}

struct latency *latency_read_new(const struct conf *c, struct hash_key key)
{
	_Static_assert((unsigned)EDGES_MOST <= LATENCY_EDGES_MOST, "each has a number");
	const char **names = memory_zeroed(c->n_edges, sizeof *names);

	for (size_t i = 0; i < c->n_edges; i++)
		names[i] = c->edges[i].name;
	struct latency *t = latency_new(&(struct latency_opts){ .edges = names,
		.n_edges = c->n_edges,
		.smoothing = c->latency.smoothing,
		.half_life_s = (c->latency.half_life_ms + 999) / 1000,
		.memory = c->latency.memory,
		.key = key });
	memory_free(names);
	return t;
}

struct latency *latency_read_copy(const struct latency *t)
{
	struct latency *to = latency_copy(t);

	if (!to)
		memory_ends(latency_size(t).bytes);
	return to;
}

void latency_read_take(struct latency *t, const struct latency *from, enum latency_what what)
{
	if (!latency_take(t, from, what))
		memory_ends(latency_size(from).bytes);
}

struct model *latency_read_judge(const struct conf *c, struct atlas *atlas)
{
	struct model_site *sites = memory_zeroed(c->n_edges, sizeof *sites);

	for (size_t i = 0; i < c->n_edges; i++)
		sites[i] = (struct model_site){ c->edges[i].placed, c->edges[i].lat,
			c->edges[i].lon };
	struct model *m = model_new(&(struct model_opts){ atlas, sites, c->n_edges, NULL, 0 });
	memory_free(sites);
	return m;
}

/* One file into a table of its own first, so that a wrong one leaves nothing behind. */
static bool add_file(struct latency *t, const struct latency_read_from *from,
	struct latency_csv csv, struct faults *f)
{
	/* Who measures writes it later; that is no reason not to serve. */
	if (access(csv.path, R_OK) != 0) {
		const struct fault_at at = conf_path_at(from->conf, csv.path);
		faults_warning(f, &at, "%s: %s; nothing is known from it until it can be read",
			csv.path, strerror(errno));
		return false;
	}
	struct latency *own = latency_read_new(from->conf, from->key);
	csv.as = CSV_FILED;
	const bool ok = latency_csv_read(own, &csv, NULL, f);
	if (ok)
		latency_read_take(t, own, LATENCY_ALL);
	latency_drop(own);
	return ok;
}

/* What is wrong with a snapshot is told, and that is all: measurements come again. */
static void add_state(struct latency *t, const struct latency_read_from *from,
	struct latency_csv csv, struct faults *f)
{
	struct faults own;

	csv.as = CSV_STATE;
	if (access(csv.path, F_OK) != 0 && errno == ENOENT)
		return;
	faults_init(&own);
	struct latency *saved = latency_read_new(from->conf, from->key);
	if (latency_csv_read(saved, &csv, NULL, &own)) {
		latency_read_take(t, saved, LATENCY_ALL);
		faults_add(f, &own);
	} else {
		const struct fault_at at = { .path = csv.path };
		text_add(&f->text, text_get(&own.text));
		faults_warning(f, &at,
			"the measurements that were saved cannot be read; starting without "
			"them");
	}
	latency_drop(saved);
	faults_fini(&own);
}

/* Whose clients ask through which resolver, as the operator tells. NULL: nothing; `*keeps` is set when it is wrong, and
 * what was known stays. */
static struct resolver_clients *told_resolvers(const struct latency_read_from *from, struct faults *f, bool *keeps)
{
	const char *path = from->conf->latency.resolver_clients;

	*keeps = false;
	if (!path)
		return NULL;
	if (access(path, R_OK) != 0) {
		const struct fault_at at = conf_path_at(from->conf, path);
		faults_warning(f, &at,
			"%s: %s; resolvers' clients are not known until it can be read", path,
			strerror(errno));
		return NULL;
	}
	struct resolver_clients *r = resolver_clients_read(path, f);
	*keeps = !r;
	return r;
}

/* ... as was learned, which is no reason not to serve. */
static struct resolver_clients *learned_resolvers(const struct latency_read_from *from)
{
	const char *path = from->conf->latency.learned_resolvers;
	struct resolver_clients *r = NULL;
	struct faults unheard; /* daemon/resolver_pairs.h tells of it */

	if (!path || access(path, F_OK) != 0)
		return NULL;
	faults_init(&unheard);
	r = resolver_clients_read(path, &unheard);
	faults_fini(&unheard);
	return r;
}

static void add_resolvers(
	struct latency *t, const struct latency_read_from *from, struct faults *f)
{
	bool keeps;
	struct resolver_clients *told = told_resolvers(from, f, &keeps);
	struct resolver_clients *learned = keeps ? NULL : learned_resolvers(from);
	struct resolver_clients *all = learned ? resolver_clients_with(told, learned, CLIENT_PAIRS_LEAST) : NULL;

	latency_set_resolvers(t, keeps ? from->before ? latency_resolvers(from->before) : NULL : all ? all : told);
	resolver_clients_drop(all);
	resolver_clients_drop(learned);
	resolver_clients_drop(told);
}

static size_t count_files(const struct conf *c)
{
	return c->latency.n_files + (c->latency.mesh != NULL);
}

static const char *file_path(const struct conf *c, size_t i)
{
	return i < c->latency.n_files ? c->latency.files[i] : c->latency.mesh;
}

struct latency *latency_read(const struct latency_read_from *from, struct faults *f)
{
	struct latency *t = latency_read_new(from->conf, from->key);
	struct model *judge = latency_read_judge(from->conf, from->atlas);
	struct latency_csv csv;
	bool ok = true;

	for (size_t i = 0; i < count_files(from->conf); i++) {
		csv = latency_read_csv(file_path(from->conf, i));
		csv.judge = judge;
		ok = add_file(t, from, csv, f) && ok;
	}
	add_resolvers(t, from, f);
	if (from->before) {
		latency_read_take(t, from->before, ok ? LATENCY_LEARNED : LATENCY_ALL);
	} else if (from->conf->latency.state) {
		csv = latency_read_csv(from->conf->latency.state);
		csv.judge = judge;
		add_state(t, from, csv, f);
	}
	model_drop(judge);
	if (from->before)
		latency_follow(t, from->before, latency_options(t)->half_life_s / SLACK_SHARE);
	latency_next_round(t);
	return t;
}

struct stamps *latency_read_stamps(const struct conf *c)
{
	size_t n = count_files(c);
	const char **paths = memory_zeroed(n + 2, sizeof *paths);

	for (size_t i = 0; i < n; i++)
		paths[i] = file_path(c, i);
	if (c->latency.resolver_clients)
		paths[n++] = c->latency.resolver_clients;
	if (c->latency.learned_resolvers)
		paths[n++] = c->latency.learned_resolvers;
	struct stamps *s = stamps_take(paths, n);
	memory_free(paths);
	return s;
}

bool latency_read_same_but_learned(const struct conf *c, const struct stamps *a, const struct stamps *b)
{
	const char *learned = c->latency.learned_resolvers;
	bool same = learned && a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(a->paths[i], b->paths[i]) == 0 &&
			(strcmp(a->paths[i], learned) == 0 || file_stamp_same(&a->of[i], &b->of[i]));
	return same;
}

struct steer_measured latency_read_for_steer(const struct conf *c, const struct latency *table)
{
	const struct conf_latency *l = &c->latency;

	return (struct steer_measured){ .table = table,
		.now_s = latency_read_now(),
		.change = l->change,
		.explore = { (uint32_t)(l->explore_share * UINT32_MAX),
			l->explore_every_ms / 1000 },
		.close_ms = l->explore_share > 0 ? l->explore_extra_ms : 0 };
}

/* --- saving ------------------------------------------------------------------------------- */

bool latency_save(const struct conf *c, const struct latency *table, struct fault *why)
{
	const char *path = c->latency.state;
	const struct latency_csv now = latency_read_csv(path);
	struct text text = { 0 };
	struct fault own;

	latency_csv_write(table, &now, false, &text);
	const bool ok = file_replace(path, &text, 0640, &own);
	text_fini(&text);
	return ok || fault(why, "%.900s: measurements are not saved", own.text);
}
