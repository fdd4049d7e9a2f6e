/* ctl_top.c - "waymarkctl top": what the server is asked and answers, each second anew.
 *
 * Two of the server's "rates --json" make the numbers of a second: counters less what they were, by the time between.
 * Names and nets are those of its "busiest --json", which has it look at a share of all queries as long as this asks.
 */
#include "tools/ctl_inner.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

const char ctl_top_usage[] = "  top      [--every SECONDS] [--times N]\n           queries, answers, edges and pools a second, those with most "
			     "first, names and nets that are asked for and ask most, until Ctrl-C or N times; as many lines as the terminal has\n";

enum { LINES_MOST = 40, LINES_FEW = 24 /* with less there is no room for names and nets */, EVERY_MOST = 3600, TIMES_MOST = 1000000 };

struct pair {
	json_t *then, *now; /* of "rates" */
	double s;           /* between them */
	json_t *busiest;    /* of "busiest"; NULL: it is not known */
};

/* One edge or pool. Borrowed of the pair. */
struct row {
	const json_t *now;
	double rate;
};

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* A second's; a counter that has begun anew counts from 0. */
static double rate(const struct pair *p, const json_t *then, const json_t *now, const char *key)
{
	const double new = number(now, key), old = number(then, key);

	return (new < old ? new : new - old) / p->s;
}

static void show_counts(const struct pair *p, const char *title, const char *key)
{
	const json_t *then = json_object_get(p->then, key);
	json_t *now = json_object_get(p->now, key);
	const char *name;
	json_t *value;
	double sum = 0;

	json_object_foreach (now, name, value)
		sum += rate(p, then, now, name);
	printf("%-10s %9.0f/s ", title, sum);
	json_object_foreach (now, name, value)
		if (json_number_value(value) != 0)
			printf("  %s %.0f", name, rate(p, then, now, name));
	putchar('\n');
}

static int by_rate(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->rate < y->rate ? 1 : x->rate > y->rate ? -1 : (x->now > y->now) - (x->now < y->now);
}

/* `list` of the pair, by the name under `key`; `most` of them. */
static void show_rows(const struct pair *p, const char *list, const char *key, size_t most)
{
	json_t *now = json_object_get(p->now, list), *then = json_object(), *one;
	const size_t n = json_array_size(now);
	struct row *all = calloc(n + 1, sizeof *all);
	size_t i;

	json_array_foreach (json_object_get(p->then, list), i, one)
		json_object_set(then, json_string_value(json_object_get(one, key)), one);
	for (i = 0; all && i < n; i++) {
		const json_t *r = json_array_get(now, i);
		const char *name = json_string_value(json_object_get(r, key));
		all[i] = (struct row){ r, rate(p, name ? json_object_get(then, name) : NULL, r, "answers") };
	}
	if (all)
		qsort(all, n, sizeof *all, by_rate);
	for (i = 0; all && i < n && i < most; i++) {
		const char *name = json_string_value(json_object_get(all[i].now, key)),
			   *state = json_string_value(json_object_get(all[i].now, "state"));
		printf("%-24s %9.0f/s  ", name ? name : "", all[i].rate);
		if (state)
			printf("%s%s", state, json_object_get(all[i].now, "forced") ? " (forced)" : "");
		else
			printf("%.0f of %.0f up", number(all[i].now, "up"), number(all[i].now, "asked"));
		if (json_object_get(all[i].now, "used"))
			printf(", %.0f %% used", 100 * number(all[i].now, "used"));
		puts(json_object_get(all[i].now, "panics") ? ", panics" : "");
	}
	if (n > most)
		printf("... and %zu more\n", n - most);
	free(all);
	json_decref(then);
}

/* Which ask most, or are asked for most; `most` lines. */
static void show_busiest(const struct pair *p, const char *title, const char *list, const char *key, size_t most)
{
	const json_t *rows = json_object_get(p->busiest, list);
	const size_t n = json_array_size(rows);

	if (!n)
		return;
	printf("%-40s %11s\n", title, "QUERIES");
	for (size_t i = 0; i < n && i < most; i++) {
		const json_t *o = json_array_get(rows, i);
		const char *name = json_string_value(json_object_get(o, key));
		printf("%-40s %9.0f/s\n", name ? name : "", number(o, "queries_s"));
	}
}

static size_t lines_of_terminal(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 12 ? size.ws_row : LINES_MOST;
}

static void show(const struct pair *p)
{
	const size_t lines = lines_of_terminal(), busiest = p->busiest && lines >= LINES_FEW ? lines / 8 : 0, left = lines - 9 - 3 * (busiest + !!busiest);
	size_t n = json_array_size(json_object_get(p->now, "edges")), pools = json_array_size(json_object_get(p->now, "pools"));

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	show_counts(p, "queries", "queries");
	show_counts(p, "questions", "questions");
	show_counts(p, "answers", "answers");
	printf("dropped %.0f/s, no room at the socket %.0f/s, cut short %.0f/s; %.0f TCP clients, %.0f jobs\n", rate(p, p->then, p->now, "dropped"),
		rate(p, p->then, p->now, "overflows"), rate(p, p->then, p->now, "truncated"), number(p->now, "tcp_clients"), number(p->now, "jobs"));
	n = n < left / 2 ? n : pools < left - left / 2 ? left - pools : left / 2;
	printf("\n%-24s %11s\n", "EDGE", "ANSWERS");
	show_rows(p, "edges", "edge", n);
	printf("%-24s %11s\n", "POOL", "ANSWERS");
	show_rows(p, "pools", "pool", left - n);
	show_busiest(p, "NAME", "names", "name", busiest);
	show_busiest(p, "ASKED BY", "sources", "net", busiest);
	show_busiest(p, "FOR CLIENTS IN", "subnets", "net", busiest);
	fflush(stdout);
}

/* NULL: told. */
static json_t *ask(const char *socket_path, char *word)
{
	char *words[] = { word, "--json" };
	struct text reply = { 0 };
	json_t *o = NULL;

	const enum ctl_status status = ctl_ask(socket_path, words, 2, &reply);
	if (status == DONE)
		o = json_loads(text_get(&reply), 0, NULL);
	if (status != DONE)
		fputs(text_get(&reply), stderr);
	else if (!o)
		fprintf(stderr, "waymarkctl: top: what the server said of \"%s\" cannot be read\n", word);
	text_fini(&reply);
	return o;
}

static double seconds_between(const json_t *then, const json_t *now)
{
	const double s = number(now, "started") != number(then, "started") ? number(now, "up_s")
									     : (number(now, "time_ms") - number(then, "time_ms")) / 1e3;

	return s > 1e-3 ? s : 1e-3;
}

static enum ctl_status watch(const char *socket_path, double every_s, unsigned times)
{
	const struct timespec pause = { (time_t)every_s, (long)(fmod(every_s, 1) * 1e9) };
	struct pair p = { .then = ask(socket_path, "rates") };

	json_decref(p.then ? ask(socket_path, "busiest") : NULL); /* it looks from now on */

	for (unsigned i = 0; p.then && (!times || i < times); i++) {
		nanosleep(&pause, NULL);
		p.now = ask(socket_path, "rates");
		p.busiest = p.now ? ask(socket_path, "busiest") : NULL;
		if (p.now) {
			p.s = seconds_between(p.then, p.now);
			show(&p);
		}
		json_decref(p.busiest);
		json_decref(p.then);
		p.then = p.now;
	}
	const enum ctl_status status = p.then ? DONE : NOT_DONE;
	json_decref(p.then);
	return status;
}

/* Of 1/10 to `most`; 0: it is none. */
static double take_number(const char *word, double most)
{
	char *end;
	const double n = strtod(word, &end);

	return *end || end == word || !(n >= .1 && n <= most) ? 0 : n;
}

enum ctl_status ctl_top(const struct ctl *c, char **words, int n)
{
	double every_s = 1, times = 0;

	for (int i = 0; i < n; i += 2) {
		double *to = strcmp(words[i], "--every") == 0 ? &every_s : strcmp(words[i], "--times") == 0 ? &times : NULL;
		const bool is_times = to == &times;
		if (!to || i + 1 == n || (*to = take_number(words[i + 1], is_times ? TIMES_MOST : EVERY_MOST)) == 0 ||
			(is_times && fmod(times, 1) != 0))
			return (enum ctl_status)ctl_help_one("top", stderr, WRONG_USE);
	}
	char *path = ctl_socket(c, NULL);
	const enum ctl_status status = path ? watch(path, every_s, (unsigned)times) : NOT_DONE;
	free(path);
	return status;
}
