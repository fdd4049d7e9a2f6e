/* main.c - waymarkd: the boot order, on one page.
 */
#include "base/log.h"
#include "base/memory.h"
#include "config.h"
#include "console/control.h"
#include "report/report.h"
#include "daemon/balancer.h"
#include "daemon/daemon.h"
#include "daemon/deaf.h"
#include "daemon/decisions.h"
#include "daemon/export.h"
#include "daemon/learn.h"
#include "daemon/measured.h"
#include "daemon/privs.h"
#include "daemon/rebuild.h"
#include "daemon/rollout.h"
#include "daemon/watch.h"

#include <ev.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
	struct daemon daemon;
	struct command_hooks hooks;
	struct ev_loop *loop;
	ev_signal term, interrupt, hangup;
	ev_timer refill; /* the reserve of memory, when it is gone */
	bool stopping;
	struct learn *learn;
};

static const struct world *current_world(void *ctx)
{
	return epoch_current(&((struct run *)ctx)->daemon.epoch);
}

static bool reload(void *ctx, struct faults *f)
{
	struct run *r = ctx;
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
		now.tv_sec * 1000000ll + now.tv_nsec / 1000);
	privs_notify(state);
	const bool ok = daemon_reload(&r->daemon, f);
	privs_notify("READY=1");
	if (ok)
		log_line(LOG_NOTICE, "reloaded %s", r->daemon.conf_path);
	else
		log_line(LOG_ERROR,
			"not reloaded: %u error%s in %s and what it names; serving on as "
			"before",
			f->errors, f->errors == 1 ? "" : "s", r->daemon.conf_path);
	return ok;
}

static bool stage(void *ctx, enum command_stage what, double percent, struct faults *f)
{
	struct rollout *r = ((struct run *)ctx)->daemon.rollout;
	struct fault why;
	bool ok = false;

	switch (what) {
	case STAGE_BEGIN: return rollout_stage(r, percent, f);
	case STAGE_PROMOTE: ok = rollout_promote(r, &why); break;
	case STAGE_ROLLBACK: ok = rollout_back(r, "as commanded", &why); break;
	}
	return ok || faults_take(f, &why);
}

static struct report_stage staged(void *ctx)
{
	return rollout_report(((struct run *)ctx)->daemon.rollout);
}

static bool force(void *ctx, const struct command_force *f, struct fault *why)
{
	return probes_force(((struct run *)ctx)->daemon.probes, f, why);
}

static struct report_health health(void *ctx)
{
	return probes_health(((struct run *)ctx)->daemon.probes);
}

static bool probe(
	void *ctx, const char *edge, bool json, struct command_call *c, struct fault *why)
{
	return probes_ask(((struct run *)ctx)->daemon.probes, edge, json, c, why);
}

static void report(void *ctx, struct workers_report *to)
{
	workers_report(((struct run *)ctx)->daemon.workers, to);
}

static const struct latency *latency_table(void *ctx)
{
	return ((struct run *)ctx)->daemon.loaded.table;
}

static struct latency_csv latency_clock(void)
{
	return measured_csv(NULL);
}

static struct report_latency_work latency_work(void *ctx)
{
	const struct rebuild_size s = rebuild_size(((struct run *)ctx)->daemon.rebuild);

	return (struct report_latency_work){ s.published, s.samples, s.lost, s.last_s };
}

static bool latency_import(void *ctx, const char *path, size_t *rows, struct faults *f)
{
	return rebuild_import(((struct run *)ctx)->daemon.rebuild, path, rows, f);
}

static size_t latency_forget(void *ctx, int edge, const struct prefix *net)
{
	return rebuild_forget(((struct run *)ctx)->daemon.rebuild, edge, net);
}

static const struct report_measured latency_hooks = { latency_table, latency_clock,
	latency_work };

static struct agent_counts agents(void *ctx, size_t *targets)
{
	return learn_counts(((struct run *)ctx)->learn, targets);
}

static bool export(void *ctx, bool config_only, struct text *out, struct fault *why)
{
	const struct daemon *d = &((struct run *)ctx)->daemon;
	const struct report_health h = probes_health(d->probes);

	return export_write(d, &h, config_only, out, why);
}

static struct shed_state balance(void *ctx, unsigned edge)
{
	return balancer_edge(((struct run *)ctx)->daemon.balancer, edge);
}

static const struct choice_counts *counts(void *ctx, unsigned i)
{
	return workers_counts(((struct run *)ctx)->daemon.workers, i);
}

/* By way of the signal, which the loop handles after it has sent the command's answer. */
static void stop(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGTERM);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)events;
	((struct run *)s->data)->stopping = true;
	log_line(LOG_NOTICE, "%s: stopping", strsignal(s->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *s, int events)
{
	struct faults f;

	(void)loop;
	(void)events;
	faults_init(&f);
	reload(s->data, &f);
	log_text(text_get(&f.text));
	faults_fini(&f);
}

enum { RESERVE = 2 << 20, REFILL_S = 1 };

/* libev ends the process when its tables cannot grow. Those are the loops' own, whatever
 * scope may be on. */
static void *loop_memory(void *p, long len)
{
	if (len <= 0) {
		free(p);
		return NULL;
	}
	void *q = realloc(p, (size_t)len);
	if (!q) {
		memory_release();
		q = realloc(p, (size_t)len);
	}
	if (!q)
		die("out of memory for an event loop (%ld bytes wanted)", len);
	return q;
}

static void on_refill(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	memory_refill();
}

/* While there is enough of it. */
static void provide_memory(void)
{
	memory_reserve(RESERVE);
	ev_set_allocator(loop_memory);
	report_json_memory();
}

static void watch_signals_and_memory(struct run *r)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&r->term, on_stop_signal, SIGTERM);
	ev_signal_init(&r->interrupt, on_stop_signal, SIGINT);
	ev_signal_init(&r->hangup, on_hangup, SIGHUP);
	r->term.data = r->interrupt.data = r->hangup.data = r;
	ev_signal_start(r->loop, &r->term);
	ev_signal_start(r->loop, &r->interrupt);
	ev_signal_start(r->loop, &r->hangup);
	ev_timer_init(&r->refill, on_refill, REFILL_S, REFILL_S);
	ev_timer_start(r->loop, &r->refill);
}

static int usage(FILE *to, int status)
{
	fprintf(to,
		"usage: waymarkd -c FILE\n"
		"  -c FILE   the configuration\n"
		"  -V        print the version\n"
		"Runs in the foreground and logs to standard error. SIGHUP reloads, SIGTERM "
		"stops.\n"
		"\"waymarkctl check -c FILE\" tells whether a configuration and all it names "
		"are right.\n");
	return status;
}

/* Everything is read, every socket open and every edge probed before anybody is told that we
 * are ready. */
static bool boot(
	struct run *r, const char *conf_path, struct control **control, struct fault *why)
{
	struct daemon *d = &r->daemon;
	struct faults f;

	faults_init(&f);
	const bool ok = daemon_start(d, r->loop, conf_path, &f);
	log_text(text_get(&f.text));
	faults_fini(&f);
	if (!ok)
		return fault(why, "%s: not started", conf_path);
	const struct conf *c = &d->loaded.conf;
	d->workers = workers_open(&c->net, &d->epoch, why);
	if (!d->workers || !privs_drop(c->user, why))
		return false;
	/* Before anybody may command, or report: both are heard during the first round. */
	d->rebuild = rebuild_start(r->loop, d);
	if (c->control_socket &&
		!(*control = control_open(r->loop, c->control_socket, &r->hooks, why)))
		return false;
	r->learn = learn_start(r->loop, d, why);
	if (!r->learn)
		return false;
	probes_first_round(d->probes);
	return r->stopping || workers_start(d->workers, why);
}

int main(int argc, char **argv)
{
	static struct run r;
	struct control *control = NULL;
	struct fault why;
	const char *conf_path = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "c:Vh")) != -1) {
		switch (opt) {
		case 'c': conf_path = optarg; break;
		case 'V': puts("waymarkd " PACKAGE_VERSION); return 0;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (!conf_path || optind != argc)
		return usage(stderr, 2);
	log_open("waymarkd", LOG_NOTICE);
	privs_raise_files();
	mallopt(M_MMAP_THRESHOLD,
		256 << 10); /* large blocks go back to the kernel when they are freed */
	provide_memory();
	/* Not the default loop, which would reap the commands that probes run. */
	r.loop = ev_loop_new(EVFLAG_NOENV);
	if (!r.loop)
		die("cannot have an event loop");
	r.hooks = (struct command_hooks){ &r,
		{ &r, current_world, staged, health, report, balance, counts, agents,
			&latency_hooks, { 0 }, conf_path },
		reload, stage, force, probe, stop, export, latency_import, latency_forget };
	clock_gettime(CLOCK_MONOTONIC, &r.hooks.report.started);
	watch_signals_and_memory(&r);
	if (!boot(&r, conf_path, &control, &why)) {
		log_line(LOG_ERROR, "%s", why.text);
		return 1;
	}
	struct watch *watch = watch_start(r.loop, &r.daemon);
	struct decisions *decisions = decisions_new(&r.daemon, r.loop);
	struct deaf *deaf = deaf_start(&r.daemon, r.loop);
	const struct world *w = epoch_current(&r.daemon.epoch);
	log_line(LOG_NOTICE, "ready: %zu zones, %u pools, %u edges", zone_set_count(w->zones),
		w->steer->n_pools, w->steer->n_edges);
	if (r.daemon.loaded.n_unready)
		log_line(LOG_WARNING,
			"%zu of them could not be read and are answered with SERVFAIL; mend "
			"them "
			"and reload",
			r.daemon.loaded.n_unready);
	privs_notify("READY=1");
	if (!r.stopping)
		ev_run(r.loop, 0);
	privs_notify("STOPPING=1");
	watch_stop(watch);
	learn_stop(r.learn);
	rebuild_stop(r.daemon.rebuild);
	probes_free(r.daemon.probes);
	rollout_free(r.daemon.rollout);
	deaf_stop(deaf);
	decisions_free(decisions);
	control_close(control);
	daemon_stop(&r.daemon);
	ev_loop_destroy(r.loop);
	return 0;
}
