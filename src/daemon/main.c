/* main.c - waymarkd: what it is called with, its signals and its loop.
 */
#include "base/launcher.h"
#include "base/log.h"
#include "config.h"
#include "daemon/orders.h"
#include "daemon/privs.h"
#include "daemon/process_memory.h"
#include "daemon/server.h"
#include "daemon/successor.h"
#include "daemon/upgrade.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- signals ------------------------------------------------------------------------------ */

static void on_stop_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)events;
	log_line(LOG_NOTICE, "%s: stopping", strsignal(s->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)events;
	orders_reload(((struct server *)s->data)->orders);
}

static void on_upgrade_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)events;
	upgrade_begin(((struct server *)s->data)->upgrade);
}

static void watch_signals(struct server *s)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&s->term, on_stop_signal, SIGTERM);
	ev_signal_init(&s->interrupt, on_stop_signal, SIGINT);
	ev_signal_init(&s->hangup, on_hangup, SIGHUP);
	ev_signal_init(&s->user2, on_upgrade_signal, SIGUSR2);
	s->term.data = s->interrupt.data = s->hangup.data = s->user2.data = s;
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->hangup);
	ev_signal_start(s->loop, &s->user2);
}

static int usage(FILE *to, int status)
{
	fprintf(to,
		"usage: waymarkd -c FILE\n"
		"  -c, --config FILE  the configuration\n"
		"  -V, --version      print the version\n"
		"  -h, --help         print this\n"
		"Runs in the foreground and logs to standard error. SIGHUP reloads, SIGTERM "
		"stops.\n"
		"\"waymarkctl check -c FILE\" tells whether a configuration and all it names "
		"are right.\n");
	return status;
}

static int say_version(void)
{
	puts("waymarkd " PACKAGE_VERSION);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option long_opts[] = { { "config", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' },
		{ 0 } };
	static struct server s;
	struct fault why;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:Vh", long_opts, NULL)) != -1) {
		switch (opt) {
		case 'c': s.conf_path = optarg; break;
		case 'V': return say_version();
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "help") == 0)
		return usage(stdout, 0);
	if (optind + 1 == argc && strcmp(argv[optind], "version") == 0)
		return say_version();
	if (!s.conf_path || optind != argc)
		return usage(stderr, 2);
	log_open("waymarkd", LOG_NOTICE);
	log_times();
	log_limited();
	s.successor = successor_new();
	s.launcher = launcher_fork(argv);
	privs_raise_limits();
	process_memory();
	/* Not the default loop, which would reap the commands that probes run. */
	s.loop = ev_loop_new(EVFLAG_NOENV);
	if (!s.loop)
		die("cannot have an event loop");
	process_memory_refill(s.loop);
	clock_gettime(CLOCK_MONOTONIC, &s.started);
	watch_signals(&s);
	if (!server_boot(&s, &why)) {
		log_line(LOG_ERROR, "%s", why.text);
		if (s.successor)
			successor_fail(s.successor, why.text);
		return 1;
	}
	ev_run(s.loop, 0);
	server_end(&s);
	return 0;
}
