/* fuzz_control.c - any bytes on the control socket: an exit status and text come back, or
 * nothing.
 *
 * The real socket, loop and commands over a small real world; what only the daemon can do is
 * counted. The first byte of the input says how the rest is cut: into how many pieces, and
 * whether the client ends its writing, goes without reading, or first reads late.
 */
#include "console/control.h"
#include "fuzz/fuzz_world.h"

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
	struct world *world;
	struct latency *table;
	struct ev_loop *loop;
	struct sockaddr_un at;
	unsigned reloads, stops, forces, turns;
	struct forced_list forced; /* edge "a" */
	struct round *round;       /* of no targets */
	struct rows rows;
	struct command_call *asked; /* waits for its answer */
} desk;

static const struct world *world(void *ctx)
{
	(void)ctx;
	return desk.world;
}

static bool reload(void *ctx, struct faults *f)
{
	const struct fault_at at = { "fuzz.yaml", NULL, NULL, 1, 1 };

	(void)ctx;
	return ++desk.reloads % 2 || faults_error(f, &at, "every second reload fails");
}

static bool stage(void *ctx, enum command_stage what, double percent, struct faults *f)
{
	const struct fault_at at = { "fuzz.yaml", NULL, NULL, 0, 0 };

	(void)ctx;
	assert(what != STAGE_BEGIN || (percent > 0 && percent <= 100));
	return ++desk.reloads % 2 || faults_error(f, &at, "no stage is on");
}

static struct report_stage staged(void *ctx)
{
	(void)ctx;
	return (struct report_stage){ .last = desk.reloads % 2 ? "promoted" : "",
		.percent = desk.reloads % 3 };
}

static void forget(struct command_call *c)
{
	assert(desk.asked == c);
	desk.asked = NULL;
}

static bool force(void *ctx, const struct command_force *f, struct fault *why)
{
	(void)ctx;
	desk.forces++;
	if (strcmp(f->edge, "a") != 0)
		return fault(why, "there is no edge \"%s\"", f->edge);
	forced_clear(&desk.forced, "a");
	forced_set(&desk.forced,
		&(struct forced){ .edge = (char *)(uintptr_t)f->edge,
			.why = (char *)(uintptr_t)f->why,
			.until_us = f->for_ms ? f->for_ms : UINT64_MAX });
	return true;
}

static struct report_health health(void *ctx)
{
	(void)ctx;
	return (struct report_health){ .round = desk.round,
		.rows = &desk.rows,
		.forced = &desk.forced,
		.state_fault = "" };
}

/* Every other one is answered later. */
static bool probe(
	void *ctx, const char *edge, bool json, struct command_call *c, struct fault *why)
{
	(void)ctx;
	if (strcmp(edge, "a") != 0 || json || desk.asked)
		return fault(why, "not now");
	desk.asked = c;
	c->forget = forget;
	return true;
}

static void counters(void *ctx, struct workers_report *to)
{
	(void)ctx;
	*to = (struct workers_report){ .threads = 3, .tcp_clients = 1 };
}

static void stop(void *ctx)
{
	(void)ctx;
	desk.stops++;
}

static bool export(void *ctx, bool config_only, struct text *out, struct fault *why)
{
	(void)ctx;
	text_add(out, "{}\n");
	return config_only || fault(why, "only the configuration is small");
}

static struct agent_counts agents(void *ctx, size_t *targets)
{
	(void)ctx;
	*targets = 2;
	return (struct agent_counts){ .reports = 1 };
}

/* --- measurements, which are real, but for files ------------------------------------------ */

static const struct latency *table(void *ctx)
{
	(void)ctx;
	return desk.table;
}

static struct latency_csv now(void)
{
	return (struct latency_csv){ .now_s = 1000000, .time_s = 1700000000 };
}

static struct report_latency_work work(void *ctx)
{
	(void)ctx;
	return (struct report_latency_work){ .samples = 3 };
}

static bool import(void *ctx, const char *path, size_t *rows, struct faults *f)
{
	const struct fault_at at = { path, NULL, NULL, 1, 1 };

	(void)ctx;
	*rows = 3;
	return strlen(path) % 2 || faults_error(f, &at, "every second file is wrong");
}

static size_t forget_times(void *ctx, int edge, const struct prefix *net)
{
	(void)ctx;
	return edge >= 0 ? latency_forget_edge(desk.table, (unsigned)edge)
			 : latency_forget_net(desk.table, net);
}

static struct latency *some_table(const struct steer *s)
{
	const char *names[] = { s->edges[0].name, s->edges[1].name };
	struct latency *t = latency_new(
		&(struct latency_opts){ names, 2, 0.3, 3600, 1 << 20, { 1, 2 } });
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
	static const struct report_measured measured = { table, now, work };
	static const struct command_hooks hooks = { .report = { .world = world,
							    .stage = staged,
							    .health = health,
							    .counters = counters,
							    .agents = agents,
							    .measured = &measured,
							    .conf_path = "fuzz.yaml" },
		.reload = reload,
		.stage = stage,
		.force = force,
		.probe = probe,
		.stop = stop,
		.export = export,
		.import = import,
		.forget = forget_times };
	static const struct pool_opts unprobed;
	struct fault why;

	desk.world = fuzz_world();
	desk.table = some_table(desk.world->steer);
	desk.loop = ev_loop_new(0);
	desk.round = round_new(&(struct round_opts){ .loop = desk.loop });
	desk.rows = rows_new(
		&(struct rows_opts){ .pools = &unprobed, .n_pools = 1, .n_edges = 2 });
	desk.at.sun_family = AF_UNIX;
	snprintf(desk.at.sun_path, sizeof desk.at.sun_path, "/tmp/fuzz_control.%d",
		(int)getpid());
	if (!desk.loop || !control_open(desk.loop, desk.at.sun_path, &hooks, &why))
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
	const unsigned asked = desk.reloads + desk.stops + desk.forces;
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
	assert(whole || asked == desk.reloads + desk.stops + desk.forces);
	close(fd);
	return 0;
}
