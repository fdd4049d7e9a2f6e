/* agent.c - waymark-agent: measures round-trip times at an edge and reports them.
 *
 * Passively, from what the kernel knows of its TCP connections, and of what they lose; actively, to what nameservers
 * ask for; and to the other edges. It all comes together in one tally, which becomes a report
 * that each nameserver gets. One thread, one event loop.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config.h"
#include "tools/agent_beacon.h"
#include "tools/agent_conf.h"
#include "tools/agent_outbox.h"
#include "tools/agent_diag.h"
#include "tools/agent_log.h"
#include "tools/agent_loss.h"
#include "tools/agent_prober.h"
#include "tools/agent_tally.h"

#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LAST_S 5.0 /* for the last report */
#define LOG_S  1.0 /* between two looks at the log */

struct agent {
	struct agent_conf conf;
	struct ev_loop *loop;
	struct diag *diag;
	struct echo *echo;
	struct prober *probes;
	struct tally *tallies[LATENCY_LOSS]; /* by kind; losses are no times: */
	struct agent_loss *loss;
	struct agent_beacon *beacon; /* NULL: there is none */
	struct beacon_door *door;
	struct agent_log *log; /* NULL: there is none */
	struct http *http;
	struct outbox **outboxes; /* one for each server */
	uint64_t sequence;
	bool scan_failed; /* and it was told */
	bool stopping;
	ev_timer scan, report, log_look, last;
	ev_signal term, interrupt;
};

/* --- measuring ---------------------------------------------------------------------------- */

/* Clients of the public Internet; our own nets are near, and nobody's business. */
static void take_connection(void *ctx, const struct diag_connection *c)
{
	struct agent *a = ctx;
	const struct prefix net = tally_net(&c->peer);

	if (!addr_is_global(&c->peer, NULL))
		return;
	tally_add(a->tallies[LATENCY_RTT], &net, NULL, c->cookie, c->rtt_us, clock_seconds());
	agent_loss_seen(a->loss, c, clock_seconds());
}

static void scan(struct agent *a)
{
	struct fault why;
	bool ok = true;

	for (size_t i = 0; ok && a->diag && i < a->conf.n_ports; i++)
		ok = diag_scan(a->diag, (uint16_t)a->conf.ports[i], take_connection, a, &why);
	agent_loss_looked(a->loss, ok);
	if (!ok && !a->scan_failed)
		log_line(LOG_ERROR, "%s; connections are not measured", why.text);
	a->scan_failed = !ok;
}

static void on_scan(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	scan(t->data);
}

static void on_log(struct ev_loop *loop, ev_timer *t, int events)
{
	struct agent *a = t->data;

	(void)loop;
	(void)events;
	agent_log_read(a->log, clock_seconds());
}

static void take_probe(void *ctx, const struct assignment *e, const uint32_t *us, unsigned n)
{
	struct agent *a = ctx;

	for (unsigned i = 0; i < n; i++)
		tally_add(a->tallies[LATENCY_RTT], &e->net, e->edge, 0, us[i], clock_seconds());
}

static void take_assignment(void *ctx, const struct assignment *e)
{
	struct agent *a = ctx;

	if (a->probes && strcmp(e->edge, a->conf.edge) != 0)
		prober_add(a->probes, e);
}

/* --- reporting ---------------------------------------------------------------------------- */

/* The first kind of which there is something to tell; round trips where there is nothing. */
static enum latency_kind kind_to_tell(const struct agent *a)
{
	for (unsigned i = 0; i < LATENCY_LOSS; i++)
		if (tally_count(a->tallies[i]))
			return (enum latency_kind)i;
	return agent_loss_count(a->loss) ? LATENCY_LOSS : LATENCY_RTT;
}

static bool has_news(const struct agent *a, enum latency_kind kind)
{
	return (kind == LATENCY_LOSS ? agent_loss_count(a->loss) : tally_count(a->tallies[kind])) ||
		(a->log && agent_log_count(a->log));
}

static void send_report(struct agent *a)
{
	for (;;) {
		const enum latency_kind kind = kind_to_tell(a);
		struct agent_report s;
		if (!has_news(a, kind))
			return;
		if (kind == LATENCY_LOSS)
			agent_loss_take(a->loss, &s, clock_seconds());
		else
			tally_take(a->tallies[kind], &s, clock_seconds());
		for (size_t i = 0; i < s.n; i++)
			s.rows[i].kind = kind;
		if (a->log)
			agent_log_take(a->log, &s);
		s.taken_s = (uint64_t)time(NULL);
		struct dispatch *d = dispatch_new(
			agent_report_encode(&s), dispatch_sequence(&a->sequence));
		for (size_t i = 0; i < a->conf.n_servers; i++)
			outbox_put(a->outboxes[i], d);
		dispatch_drop(d);
		agent_report_fini(&s);
	}
}

static void on_report(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	send_report(t->data);
}

static void on_beacon(void *ctx, const struct beacon_ask *ask, struct beacon_reply *to)
{
	struct agent *a = ctx;

	agent_beacon_ask(a->beacon, ask, clock_seconds(), to);
}

/* --- stopping ----------------------------------------------------------------------------- */

static void on_idle(void *ctx)
{
	struct agent *a = ctx;
	bool idle = a->stopping;

	for (size_t i = 0; idle && i < a->conf.n_servers; i++)
		idle = outbox_is_idle(a->outboxes[i]);
	if (idle)
		ev_break(a->loop, EVBREAK_ALL);
}

static void on_last(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* One last look, one last report, one attempt to deliver it. */
static void on_stop_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	struct agent *a = s->data;

	(void)events;
	if (a->stopping) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	log_line(LOG_NOTICE, "%s: stopping after a last report", strsignal(s->signum));
	a->stopping = true;
	scan(a);
	if (a->log)
		agent_log_read(a->log, clock_seconds());
	send_report(a);
	ev_timer_stop(loop, &a->scan);
	ev_timer_stop(loop, &a->report);
	ev_timer_stop(loop, &a->log_look);
	for (size_t i = 0; i < a->conf.n_servers; i++)
		outbox_close(a->outboxes[i]);
	ev_timer_init(&a->last, on_last, LAST_S, 0);
	ev_timer_start(loop, &a->last);
	on_idle(a);
}

static void watch_signals(struct agent *a)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&a->term, on_stop_signal, SIGTERM);
	ev_signal_init(&a->interrupt, on_stop_signal, SIGINT);
	a->term.data = a->interrupt.data = a;
	ev_signal_start(a->loop, &a->term);
	ev_signal_start(a->loop, &a->interrupt);
}

/* --- starting ----------------------------------------------------------------------------- */

/* What cannot be had is told, and the rest is done. False when nothing is left to do. */
static bool open_instruments(struct agent *a, struct fault *why)
{
	const struct agent_conf *c = &a->conf;
	struct fault lacks = { "" };

	if (c->n_ports && !(a->diag = diag_open(&lacks)))
		log_line(LOG_ERROR, "%s; connections are not measured", lacks.text);
	if (c->packets) {
		a->echo = echo_open(&lacks);
		if (*lacks.text)
			log_line(LOG_WARNING, "%s%s", lacks.text,
				c->tcp_port ? "; measuring by TCP" : "");
	}
	if (c->packets && (a->echo || c->tcp_port))
		a->probes = prober_new(a->loop,
			&(struct prober_opts){ a->echo, c->packets, c->tcp_port, c->timeout_ms,
				a, take_probe });
	return a->diag || a->probes || c->log || c->beacon_len ||
		fault(why,
			"there is nothing to measure with: no \"passive\" ports, and no "
			"\"active\" packets that we may send, no \"pairs\" and no \"beacon\"");
}

static bool open_beacon(struct agent *a, struct fault *why)
{
	const struct agent_conf *c = &a->conf;

	if (!c->beacon_len)
		return true;
	a->beacon = agent_beacon_new(
		&(struct agent_beacon_opts){ c->edges, c->n_edges, a->tallies[LATENCY_TTFB], a->tallies[LATENCY_TRANSFER] });
	a->door = beacon_door_open(
		&(struct beacon_door_opts){ a->loop, (const struct sockaddr *)&c->beacon, c->beacon_len, c->origins, c->n_origins, a, on_beacon },
		why);
	return a->door;
}

static bool start(struct agent *a, struct fault *why)
{
	const struct agent_conf *c = &a->conf;

	if (!open_instruments(a, why))
		return false;
	for (unsigned i = 0; i < LATENCY_LOSS; i++)
		a->tallies[i] = tally_new(c->quantile);
	a->loss = agent_loss_new();
	if (!open_beacon(a, why))
		return false;
	a->http = http_new(a->loop, &(struct http_tls){ c->ca, c->cert, c->cert_key });
	a->outboxes = memory_zeroed(c->n_servers, sizeof *a->outboxes);
	if (!a->http)
		return fault(why, "libcurl does not start");
	for (size_t i = 0; i < c->n_servers; i++)
		a->outboxes[i] = outbox_new(a->loop,
			&(struct outbox_opts){ .http = a->http,
				.server = c->servers[i],
				.edge = c->edge,
				.key = c->has_key ? c->key : NULL,
				.spool = c->spool,
				.sequence = &a->sequence,
				.assignments = a->probes != NULL,
				.ctx = a,
				.assignment = take_assignment,
				.idle = on_idle });
	ev_timer_init(&a->scan, on_scan, 0, c->scan_ms / 1000.0);
	ev_timer_init(&a->report, on_report, c->report_ms / 1000.0, c->report_ms / 1000.0);
	ev_timer_init(&a->log_look, on_log, 0, LOG_S);
	a->scan.data = a->report.data = a->log_look.data = a;
	if (a->diag)
		ev_timer_start(a->loop, &a->scan);
	ev_timer_start(a->loop, &a->report);
	if (c->log) {
		a->log = agent_log_new(&(struct agent_log_opts){ c->log, c->names, c->n_names });
		ev_timer_start(a->loop, &a->log_look);
	}
	return true;
}

static void stop(struct agent *a)
{
	for (size_t i = 0; a->outboxes && i < a->conf.n_servers; i++) {
		if (outbox_waiting(a->outboxes[i]))
			log_line(LOG_WARNING, "%s: %zu reports were not delivered",
				a->conf.servers[i], outbox_waiting(a->outboxes[i]));
		outbox_free(a->outboxes[i]);
	}
	free(a->outboxes);
	http_free(a->http);
	prober_free(a->probes);
	echo_close(a->echo);
	diag_close(a->diag);
	agent_log_free(a->log);
	beacon_door_close(a->door);
	agent_beacon_free(a->beacon);
	agent_loss_free(a->loss);
	for (unsigned i = 0; i < LATENCY_LOSS; i++)
		if (a->tallies[i])
			tally_free(a->tallies[i]);
	agent_conf_fini(&a->conf);
	ev_loop_destroy(a->loop);
}

static int usage(FILE *to, int status)
{
	fprintf(to,
		"usage: waymark-agent -c FILE [-t]\n"
		"  -c, --config FILE  the configuration\n"
		"  -t, --test         tell whether it is right, and do nothing more\n"
		"  -V, --version      print the version\n"
		"  -h, --help         print this\n"
		"Runs in the foreground and logs to standard error. SIGTERM stops it after a "
		"last report.\n");
	return status;
}

static bool read_conf(struct agent_conf *c, const char *path)
{
	struct faults f;

	faults_init(&f);
	const bool ok = agent_conf_read(c, path, &f);
	fputs(text_get(&f.text), stderr);
	faults_fini(&f);
	return ok;
}

static int say_version(void)
{
	puts("waymark-agent " PACKAGE_VERSION);
	return 0;
}

enum { MEASURES_ROOM = 80 };

static const char *measures(const struct agent *a, char to[static MEASURES_ROOM])
{
	const struct {
		bool is;
		const char *what;
	} of[] = { { a->diag, "connections" }, { a->probes, "targets" }, { a->log, "pairs" }, { a->door, "what pages tell" } };
	size_t len = 0;

	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		if (of[i].is)
			len += (size_t)snprintf(to + len, MEASURES_ROOM - len, "%s%s", len ? ", " : "", of[i].what);
	return to;
}

int main(int argc, char **argv)
{
	static const struct option long_opts[] = { { "config", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	static struct agent a;
	const char *path = NULL;
	char what[MEASURES_ROOM];
	bool test = false;
	struct fault why;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:tVh", long_opts, NULL)) != -1) {
		switch (opt) {
		case 'c': path = optarg; break;
		case 't': test = true; break;
		case 'V': return say_version();
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "help") == 0)
		return usage(stdout, 0);
	if (optind + 1 == argc && strcmp(argv[optind], "version") == 0)
		return say_version();
	if (!path || optind != argc)
		return usage(stderr, 2);
	log_open("waymark-agent", LOG_NOTICE);
	log_times();
	if (sodium_init() < 0)
		die("libsodium does not start");
	if (!read_conf(&a.conf, path))
		return 1;
	if (test) {
		printf("%s: right (edge %s, %zu servers)\n", path, a.conf.edge,
			a.conf.n_servers);
		agent_conf_fini(&a.conf);
		return 0;
	}
	a.loop = ev_default_loop(EVFLAG_NOENV);
	if (!a.loop)
		die("cannot have an event loop");
	watch_signals(&a);
	const bool ok = start(&a, &why);
	if (ok) {
		log_line(LOG_NOTICE, "edge %s: measuring %s, reporting to %zu servers", a.conf.edge, measures(&a, what),
			a.conf.n_servers);
		ev_run(a.loop, 0);
	} else {
		log_line(LOG_ERROR, "%s", why.text);
	}
	stop(&a);
	return ok ? 0 : 1;
}
