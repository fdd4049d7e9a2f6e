/* fuzz_control.c - any bytes on the control socket: an exit status and text come back, or
 * nothing.
 *
 * The real socket, loop and reports over a small real world. The first byte of the input says how the rest is cut: into how many pieces, and
 * whether the client ends its writing, goes without reading, or first reads late.
 */
#include "console/control.h"
#include "fuzz/fuzz_world.h"
#include "report/explain.h"
#include "report/network.h"
#include "report/report.h"
#include "report/report_edges.h"
#include "report/report_latency.h"
#include "report/report_zones.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { ANSWER_MOST = 1 << 20 };

static struct {
	struct report_view view;
	struct ev_loop *loop;
	struct sockaddr_un at;
	unsigned turns, runs;
	struct commands commands;
	struct command_call *asked; /* waits for its answer */
} desk;

/* --- commands: the reports are real, what changes something is not ------------------------ */

static int run_status(void *ctx, const char **words, size_t n, struct command_call *c)
{
	(void)ctx;
	report_status(&desk.view, command_take_word(words, &n, "--json"), c->out);
	return n ? 2 : 0;
}

static int run_edges(void *ctx, const char **words, size_t n, struct command_call *c)
{
	(void)ctx;
	report_edges(&desk.view, command_take_word(words, &n, "--json"), c->out);
	report_pools(&desk.view, NULL, n > 0, c->out);
	return 0;
}

static int run_zones(void *ctx, const char **words, size_t n, struct command_call *c)
{
	(void)ctx;
	return report_zones(&desk.view, words, n, c->out);
}

static int run_latency(void *ctx, const char **words, size_t n, struct command_call *c)
{
	(void)ctx;
	return report_latency(&desk.view, words, n, c->out);
}

static int run_explain(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const bool json = command_take_word(words, &n, "--json");
	struct explain_ask ask;
	struct fault why;

	(void)ctx;
	if (!n || !explain_parse(&ask, words, n, &why))
		return 2;
	explain_run(&desk.view, &ask, json, c->out);
	return 0;
}

static int run_geo(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct addr who;

	(void)ctx;
	if (n < 1 || !addr_parse(&who, words[0]))
		return 2;
	network_report(&desk.view, &who, n > 1, c->out);
	return 0;
}

static void forget(struct command_call *c)
{
	assert(desk.asked == c);
	desk.asked = NULL;
}

/* Answered within the call, later, or in pieces. */
static int run_probe(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const char *value = "";

	(void)ctx;
	desk.runs++;
	command_take_value(words, &n, "--for", &value);
	text_addf(c->out, "probing %s\n", value);
	if (desk.asked || n != 1)
		return 1;
	c->forget = forget;
	if (strcmp(words[0], "now") == 0) {
		c->done(c, 0);
		return COMMAND_LATER;
	}
	if (strcmp(words[0], "much") == 0)
		c->stream(c, "some", 4);
	desk.asked = c;
	return COMMAND_LATER;
}

/* --- measurements ------------------------------------------------------------------------- */

static struct latency *some_table(const struct steer *s)
{
	const char *names[FUZZ_EDGES];
	for (unsigned i = 0; i < FUZZ_EDGES; i++)
		names[i] = s->edges[i].name;
	struct latency *t = latency_new(
		&(struct latency_opts){ names, FUZZ_EDGES, 0.3, 3600, 1 << 20, { 1, 2 } });
	struct prefix net;

	if (!prefix_parse(&net, "83.62.101.0/24", NULL))
		abort();
	latency_put(t, &net, 0, &(struct latency_sample){ 20, 3, 999000, false });
	latency_put_mesh(t, 0, 1, &(struct latency_sample){ 80, 1, 999990, true });
	return t;
}

static void leave(void)
{
	unlink(desk.at.sun_path);
}

static void open_desk(void)
{
	static const struct {
		const char *word;
		command_fn *run;
	} bound[] = { { "status", run_status }, { "edges", run_edges }, { "zones", run_zones },
		{ "latency", run_latency }, { "explain", run_explain }, { "geo", run_geo },
		{ "probe", run_probe } };
	static const struct pool_opts unprobed[FUZZ_POOLS];
	struct world *world = fuzz_world(FUZZ_NOW_S);
	struct fault why;

	desk.loop = ev_loop_new(0);
	desk.view = (struct report_view){ .world = world,
		.live = { .steer = world->steer,
			.table = some_table(world->steer),
			.zones = registry_new(world->key, calloc(1, sizeof(void *)), NULL, 0) },
		.clock = { .now_s = 1000000, .time_s = 1700000000 },
		.counters = { .threads = 3, .tcp_clients = 1 },
		.health = { .still = still_take(
				    round_new(&(struct round_opts){ .loop = desk.loop }), true),
			.rows = rows_new(&(struct rows_opts){
				.pools = unprobed, .n_pools = FUZZ_POOLS, .n_edges = FUZZ_EDGES }) },
		.conf_path = "fuzz.yaml" };
	for (size_t i = 0; i < sizeof bound / sizeof *bound; i++)
		commands_bind(&desk.commands, bound[i].word, bound[i].run, NULL);
	desk.at.sun_family = AF_UNIX;
	snprintf(desk.at.sun_path, sizeof desk.at.sun_path, "/tmp/fuzz_control.%d",
		(int)getpid());
	if (!desk.loop || !control_open(desk.loop, desk.at.sun_path, &desk.commands, &why))
		abort();
	atexit(leave);
}

static void turn(void)
{
	ev_run(desk.loop, EVRUN_NOWAIT);
	if (desk.asked && ++desk.turns % 3 == 0) {
		struct command_call *c = desk.asked;
		desk.asked = NULL;
		text_add(c->out, "probed\n");
		c->done(c, 0);
	}
}

/* Reads up to the end, which must come; returns how much there was. */
static size_t read_answer(int fd, char *to)
{
	size_t len = 0;

	for (unsigned idle = 0; idle < 100;) {
		turn();
		const ssize_t n = recv(fd, to + len, ANSWER_MOST - len, MSG_DONTWAIT);
		if (n == 0)
			return len;
		if (n > 0)
			len += (size_t)n;
		idle = n > 0 ? 0 : idle + 1;
		if (n < 0 && errno == ECONNRESET)
			return len; /* closed before all was read, for its length */
		assert(len < ANSWER_MOST);
	}
	abort(); /* neither an answer nor an end */
}

static void write_pieces(int fd, const uint8_t *data, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece) {
		const size_t n = len - at < piece ? len - at : piece;
		if (send(fd, data + at, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return; /* closed: more than a command may have */
		turn();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char answer[ANSWER_MOST];

	if (!desk.loop)
		open_desk();
	if (len < 1 || len > 2 * CONTROL_REQUEST_MOST)
		return 0;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&desk.at, sizeof desk.at) != 0)
		abort();
	const unsigned how = *data++;
	len--;
	const bool whole = len && data[len - 1] == 0 && len <= CONTROL_REQUEST_MOST;
	const unsigned asked = desk.runs;
	write_pieces(fd, data, len, how & 1 ? len / ((how >> 2) + 1u) + 1 : len + !len);
	if (how & 2) { /* goes away, having ended its command or not */
		if (how & 4)
			shutdown(fd, SHUT_WR);
		close(fd);
		turn();
		turn();
		return 0;
	}
	shutdown(fd, SHUT_WR);
	const size_t n = read_answer(fd, answer);
	if (n)
		assert(n > 2 && answer[0] >= '0' && answer[0] <= '2' && answer[1] == '\n');
	assert((n != 0) == whole); /* a whole command is answered, others change nothing */
	assert(whole || asked == desk.runs);
	close(fd);
	return 0;
}
