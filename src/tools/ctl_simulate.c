/* ctl_simulate.c - "waymarkctl simulate": who would get which edge after a change?
 *
 * The server is asked for its export, and that is all it is bothered with: both sides are made
 * and asked here.
 */
#include "tools/ctl_inner.h"

#include "base/file.h"
#include "base/memory.h"
#include "simulate/simulate_demand.h"
#include "report/report.h"
#include "simulate/simulate_load.h"
#include "simulate/simulate_names.h"
#include "simulate/simulate_report.h"
#include "daemon/export.h"
#include "daemon/foresee.h"
#include "daemon/latency_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EDGES_NAMED_MOST = 256 };

const char ctl_simulate_usage[] =
	"  simulate [-c NEW.yaml] [--from FILE] [--clients CSV | --queries LOG | --ipv6]\n"
	"           [--pool POOL] [--down EDGE] [--drain EDGE] [--load X] [--json]\n"
	"           [--html FILE] [--list FILE]\n"
	"           who would get which edge after a change, against now; changes nothing\n";

struct words {
	const char *new_path, *from, *clients, *queries, *pool, *load, *html, *list;
	const char *down[EDGES_NAMED_MOST], *drain[EDGES_NAMED_MOST];
	size_t n_down, n_drain;
	bool json, ipv6;
	double total;
};

static bool complain(const char *fmt, const char *what)
{
	fputs("waymarkctl: simulate: ", stderr);
	fprintf(stderr, fmt, what);
	fputc('\n', stderr);
	return false;
}

static bool take_edge(const char **list, size_t *n, const char *edge)
{
	if (*n == EDGES_NAMED_MOST)
		return complain("too many edges%s", "");
	list[(*n)++] = edge;
	return true;
}

static bool take_word(struct words *w, const char *word, const char *value)
{
	const struct {
		const char *word, **to;
	} values[] = { { "-c", &w->new_path }, { "--from", &w->from },
		{ "--clients", &w->clients }, { "--queries", &w->queries },
		{ "--pool", &w->pool }, { "--load", &w->load }, { "--html", &w->html },
		{ "--list", &w->list } };
	const bool down = strcmp(word, "--down") == 0, drain = strcmp(word, "--drain") == 0;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		if (strcmp(word, values[i].word) != 0)
			continue;
		if (*values[i].to)
			return complain("%s is there twice", word);
		*values[i].to = value;
		return value || complain("%s wants a word behind it", word);
	}
	if (!down && !drain)
		return complain("there is no option \"%s\"", word);
	if (!value)
		return complain("%s wants an edge behind it", word);
	return down ? take_edge(w->down, &w->n_down, value)
		    : take_edge(w->drain, &w->n_drain, value);
}

static bool take_words(struct words *w, char **words, int n)
{
	char *end;

	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "--json") == 0) {
			w->json = true;
			continue;
		}
		if (strcmp(words[i], "--ipv6") == 0) {
			w->ipv6 = true;
			continue;
		}
		if (!take_word(w, words[i], i + 1 < n ? words[i + 1] : NULL))
			return false;
		i++;
	}
	if (w->clients && w->queries)
		return complain("--clients and --queries are two ways to say who asks: "
				"choose one%s",
			"");
	if (w->ipv6 && (w->clients || w->queries))
		return complain("--ipv6 is for when nobody says who asks: the file does%s", "");
	w->total = w->load ? strtod(w->load, &end) : NAN;
	if (w->load && (end == w->load || *end || !(w->total > 0) || w->total > 1e15))
		return complain("--load %s: write a number over 0: what all clients together "
				"ask for, such as 120000",
			w->load);
	return true;
}

/* --- the two sides ------------------------------------------------------------------------ */

static enum ctl_status get_export(const struct ctl *c, const struct words *w, struct text *to)
{
	static char export[] = "export";
	char *command[] = { export };
	struct fault why;
	struct file file;

	if (w->from) {
		if (!file_read(&file, w->from, EXPORT_MOST, &why)) {
			complain("%s", why.text);
			return NOT_DONE;
		}
		text_add_bytes(to, file.text, file.len);
		file_free(&file);
		return DONE;
	}
	char *path = ctl_socket(c, w->new_path);
	const enum ctl_status status = path ? ctl_ask(path, command, 1, to) : NOT_DONE;
	if (path && status != DONE)
		fputs(text_get(to), stderr);
	free(path);
	return status;
}

static void say_sides(const struct words *w, const struct foresee *f, const char *new_path,
	struct text *old, struct text *new)
{
	text_addf(old, "%s as it is served (generation %lld)", parts_conf(&f->old)->path,
		f->generation);
	text_add(new, new_path ? new_path : "the same");
	for (size_t i = 0; i < w->n_down; i++)
		text_addf(new, ", %s down", w->down[i]);
	for (size_t i = 0; i < w->n_drain; i++)
		text_addf(new, ", %s drained", w->drain[i]);
}

/* When the server was asked; of a saved export that may be long ago. */
static void say_time(const struct foresee *f, struct text *out)
{
	const time_t then = (time_t)f->time, now = time(NULL);
	char text[32];
	struct tm tm;

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&then, &tm));
	text_add(out, text);
	if (now - then > 60) {
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &tm));
		text_addf(out, " (the server's state); simulated %s", text);
	}
}

/* --- clients ------------------------------------------------------------------------------ */

/* The pools of both sides, or the one that was asked for. */
static const char **list_pools(const struct words *w, const struct foresee *f, size_t *n)
{
	const struct steer *old = f->old.steer, *new = foresee_new(f)->steer;
	const char **names = calloc(old->n_pools + new->n_pools + 1, sizeof *names);

	*n = 0;
	for (unsigned i = 0; names && i < new->n_pools; i++)
		if (!w->pool || strcmp(w->pool, new->pools[i].name) == 0)
			names[(*n)++] = new->pools[i].name;
	for (unsigned i = 0; names && i < old->n_pools; i++)
		if (steer_pool(new, old->pools[i].name) < 0 &&
			(!w->pool || strcmp(w->pool, old->pools[i].name) == 0))
			names[(*n)++] = old->pools[i].name;
	return names;
}

/* A world to ask which pool a name has. */
static struct world *world_of(const struct parts *l)
{
	uint8_t *states = calloc(l->steer->n_edges + 1, 1);
	struct world *w = world_new(&(struct world_opts){ .zones = l->zones->set,
		.steer = l->steer,
		.numbers = l->numbers,
		.conf = l->conf,
		.policy = &parts_conf(l)->policy,
		.standing = standing_new(
			&(struct standing_opts){ .steer = l->steer, .states = states }) });

	free(states);
	return w;
}

static bool get_clients(const struct words *w, const struct foresee *f,
	struct simulate_demand *d, struct text *say, struct faults *faults)
{
	if (w->clients) {
		const bool ok = simulate_demand_clients(d, w->clients, faults);
		text_addf(say, "%zu rows of %s", d->n, w->clients);
		return ok;
	}
	if (w->queries) {
		struct world *world = world_of(&f->next);
		const bool ok = simulate_demand_queries(d, w->queries, world, faults);
		world_drop(world);
		text_addf(say, "%llu queries of %s", (unsigned long long)d->lines, w->queries);
		if (d->passed_over)
			text_addf(say, ", of which %llu are not steered, or not here",
				(unsigned long long)d->passed_over);
		return ok;
	}
	simulate_demand_everybody(d, w->ipv6);
	text_addf(say,
		"every %s that GeoIP has a place for, each counting the same "
		"(--clients or --queries for real ones)",
		w->ipv6 ? "IPv6 /48" : "IPv4 address");
	return true;
}

/* --- the answer --------------------------------------------------------------------------- */

static enum ctl_status write_html(const char *path, const struct simulate_report *r)
{
	struct text page = { 0 };
	struct fault why;

	simulate_html(r, &page);
	const bool ok = file_replace(path, &page, 0600, &why);
	text_fini(&page);
	if (!ok)
		complain("%s", why.text);
	return ok ? DONE : NOT_DONE;
}

static enum ctl_status show_report(const struct words *w, const struct simulate_report *r)
{
	struct text out = { 0 };

	if (w->html && write_html(w->html, r) != DONE)
		return NOT_DONE;
	if (w->json)
		report_json(simulate_json(r), &out);
	else
		simulate_text(r, &out);
	fputs(text_get(&out), stdout);
	text_fini(&out);
	return DONE;
}

/* --- --list ------------------------------------------------------------------------------- */

static void list_edges(FILE *to, const struct simulate *s, const int *edges, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? " " : "", s->edges[edges[i]].name);
	fputc(',', to);
}

static void list_one(void *ctx, const struct simulate *s, const struct simulate_each *e)
{
	char net[ADDR_TEXT], name[NAME_TEXT];
	FILE *to = ctx;

	fprintf(to, "%s,%s,%s,%.10g,", e->pool, prefix_text(net, &e->net),
		e->type == SIMULATE_A ? "A" : "AAAA", e->weight);
	list_edges(to, s, e->old, e->n_old);
	list_edges(to, s, e->new, e->n_new);
	if (!isnan(e->old_ms))
		fprintf(to, "%.3f", e->old_ms);
	fputc(',', to);
	if (!isnan(e->new_ms))
		fprintf(to, "%.3f", e->new_ms);
	fprintf(to, ",%s\n", e->name ? name_text(name, e->name) : "");
}

static bool open_list(const struct words *w, FILE **to)
{
	*to = w->list ? fopen(w->list, "we") : NULL;
	if (!w->list)
		return true;
	if (!*to) {
		fprintf(stderr, "waymarkctl: simulate: %s: %s\n", w->list, strerror(errno));
		return false;
	}
	fputs("pool,client,type,weight,now,then,now_ms,then_ms,name\n", *to);
	return true;
}

static bool close_list(const struct words *w, FILE *to)
{
	if (!to)
		return true;
	const bool ok = !ferror(to);
	return (fclose(to) == 0 && ok) || complain("%s: not all could be written", w->list);
}

/* Of pools that tell names apart, now or then. */
static struct simulate_names *get_names(
	const struct foresee *f, const char *const *pools, size_t n, struct arena *mem)
{
	bool *matter = memory_zeroed(n, sizeof *matter), any = false;
	const struct steer *sides[2] = { f->old.steer, foresee_new(f)->steer };
	struct simulate_names *names = NULL;

	for (unsigned k = 0; k < 2; k++) {
		bool *of_pool = simulate_names_matter(sides[k]);
		for (size_t i = 0; i < n; i++) {
			const int pool = steer_pool(sides[k], pools[i]);
			matter[i] = matter[i] || (pool >= 0 && of_pool[pool]);
			any = any || matter[i];
		}
		memory_free(of_pool);
	}
	if (any && f->next.zones) {
		struct world *w = world_of(&f->next);
		names = simulate_names_new(w, pools, matter, n, mem);
		world_drop(w);
	}
	memory_free(matter);
	return names;
}

static struct simulate_side side(const struct parts *l, const struct standing *standing)
{
	return (struct simulate_side){ l->steer, standing, l->table,
		parts_conf(l)->policy.ecs };
}

static enum ctl_status run(const struct words *w, const struct foresee *f, const char *new_path,
	struct faults *faults)
{
	struct simulate_demand d = { 0 };
	struct text old = { 0 }, new = { 0 }, clients = { 0 }, note = { 0 }, when = { 0 };
	struct simulate found;
	enum ctl_status status = NOT_DONE;
	const char **pools = list_pools(w, f, &d.n_pools);
	struct arena mem = { 0 };
	struct simulate_names *names = get_names(f, pools, d.n_pools, &mem);
	FILE *list = NULL;

	d.pools = pools;
	if (w->pool && d.n_pools == 0)
		complain("there is no pool \"%s\", now or then", w->pool);
	else if (get_clients(w, f, &d, &clients, faults) && open_list(w, &list)) {
		const struct simulate_opts opts = { side(&f->old, f->old_standing),
			side(foresee_new(f), f->new_standing), pools, d.n_pools, names,
			d.clients, d.n, latency_read_now(), list ? list_one : NULL, list };
		if (!isnan(w->total)) {
			simulate_load(&(struct simulate_load){
				&opts, false, f->old_standing, w->total });
			simulate_load(&(struct simulate_load){
				&opts, true, f->new_standing, w->total });
		}
		simulate_run(&found, &opts);
		say_sides(w, f, new_path, &old, &new);
		say_time(f, &when);
		if (f->unprobed)
			text_addf(&note,
				"%u addresses have not been probed yet and are taken as up",
				f->unprobed);
		if (found.weight > 0)
			status = show_report(w,
				&(struct simulate_report){ &found, text_get(&old),
					text_get(&new), text_get(&clients), text_get(&note),
					text_get(&when), w->total });
		else
			complain("no client was asked for: %s",
				d.n_pools == 0 ? "there is no pool"
					       : "the GeoIP files know no place, or the file "
						 "has no rows");
		if (!close_list(w, list))
			status = NOT_DONE;
		simulate_fini(&found);
	}
	text_fini(&old);
	text_fini(&new);
	text_fini(&clients);
	text_fini(&note);
	text_fini(&when);
	simulate_names_free(names, d.n_pools);
	simulate_demand_fini(&d); /* of which the number is */
	arena_fini(&mem);
	free(pools);
	return status;
}

enum ctl_status ctl_simulate(const struct ctl *c, char **words, int n)
{
	struct words w = { 0 };
	struct text export = { 0 };
	struct foresee f;
	struct faults faults;

	if (!take_words(&w, words, n)) {
		fputs("usage: waymarkctl simulate ...\n", stderr);
		fputs(ctl_simulate_usage, stderr);
		return WRONG_USE;
	}
	/* Nothing is to be changed but what the file has: then it is the file that is meant. */
	const bool by_file = !w.new_path && !w.n_down && !w.n_drain && !w.from;
	const char *new_path = by_file ? c->conf_path : w.new_path;
	enum ctl_status status = get_export(c, &w, &export);
	if (status != DONE)
		return status;
	faults_init(&faults);
	status = NOT_DONE;
	if (foresee_open(&f,
		    &(struct foresee_opts){ text_get(&export), w.from ? w.from : "the server",
			    export.len, new_path, w.queries != NULL, w.down, w.drain, w.n_down,
			    w.n_drain },
		    &faults)) {
		status = run(&w, &f, new_path, &faults);
		foresee_close(&f);
	}
	fputs(text_get(&faults.text), stderr);
	faults_fini(&faults);
	text_fini(&export);
	return status;
}
