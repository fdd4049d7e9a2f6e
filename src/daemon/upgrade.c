#include "daemon/upgrade.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/fd_pass.h"
#include "base/text.h"
#include "config.h"
#include "console/command.h"
#include "console/control.h"
#include "daemon/fleet_member.h"
#include "daemon/handover.h"
#include "daemon/handover_notifies.h"
#include "base/launcher.h"
#include "daemon/measuring.h"
#include "daemon/parts_read.h"
#include "daemon/privs.h"
#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "daemon/resolver_pairs.h"
#include "daemon/signing_keys.h"
#include "daemon/successor.h"
#include "daemon/upgrade_give.h"
#include "daemon/worker_news.h"
#include "net/worker.h"
#include "zone/registry.h"
#include "zone/view.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds. */
#define HELLO_S   20.0  /* it reads its configuration */
#define SETTLE_S  10.0  /* jobs end by themselves; then they are asked to */
#define CANCEL_S  20.0
#define READY_S   600.0 /* it reads all that there is */
#define SERVE_S   10.0
#define ENDED_S   2.0   /* it is gone: of what? */
#define LOOK_S    0.02  /* at connections, once it serves */
#define LEAVE_S   30.0  /* connections may go on so long */
#define LEAST_S   0.5   /* answers that it has begun to send go out */
#define SWEEP_S   5.0   /* what it has left is looked for */

enum { SOCKETS_MOST = NET_LISTEN_MOST * NET_WORKERS_MOST + 2, RETRIES = 3 };

enum stage {
	IDLE,
	STARTS,  /* the program is started, and has not said who it is */
	SETTLES, /* what writes comes to an end */
	READS,   /* it has all that it wants, and reads */
	GOES,    /* it was told to serve */
	LEAVES,  /* it serves, and we end */
	FAILED   /* it is gone; the launcher may yet say how it ended */
};

struct upgrade {
	struct upgrade_opts opts;
	enum stage stage;
	int end; /* of ours; -1 */
	ev_io heard, launched, takes; /* `takes`: it has room for NOTIFYs */
	struct handover_notifies *notifies; /* ours */
	ev_timer late, look;
	pid_t pid; /* 0: not known */
	bool ready; /* it can serve */
	double began_s, left_s;
	bool cancelled;  /* jobs were asked to end */
	bool refused;    /* it has said that it cannot: it has not served */
	bool served;     /* one has served, or may have, and has gone: our jobs and our store are behind it */
	unsigned tries;
	struct fault why; /* "": nothing was wrong yet */
	char version[64]; /* its */
	struct command_call *call; /* who waits; NULL */
};

static const char *const doing[] = { [IDLE] = "", [STARTS] = "starting it", [SETTLES] = "work beside answering comes to an end",
	[READS] = "reading", [GOES] = "taking over", [LEAVES] = "serving", [FAILED] = "" };

/* --- the end of it, one way or the other -------------------------------------------------- */

static void answer_call(struct upgrade *u, int status, const char *text)
{
	struct command_call *c = u->call;

	u->call = NULL;
	if (!c)
		return;
	text_addf(c->out, "%s\n", text);
	c->done(c, status);
}

static void say(struct upgrade *u, enum handover_word word)
{
	struct handover m = { .version = HANDOVER_VERSION, .word = (uint8_t)word };

	if (u->end >= 0)
		fd_pass_send(u->end, &m, sizeof m, NULL, 0);
}

static void hang_up(struct upgrade *u)
{
	ev_io_stop(u->opts.loop, &u->heard);
	ev_io_stop(u->opts.loop, &u->takes);
	ev_timer_stop(u->opts.loop, &u->late);
	ev_timer_stop(u->opts.loop, &u->look);
	if (u->end >= 0)
		close(u->end);
	u->end = -1;
}

static void begin(struct upgrade *u);

/* What is true of each of us whichever serves. */
static void go_on(struct upgrade *u)
{
	worker_news_overhear(u->opts.news, NULL, NULL);
	u->stage = IDLE;
	if (u->served && u->tries++ < RETRIES) {
		begin(u);
		return;
	}
	handover_notifies_drop(u->notifies);
	if (u->served) {
		log_line(LOG_ERROR, "upgrade: this process goes on answering as it was before, and takes no change: restart it");
		u->opts.commands->closed = "this server answers as it did before an upgrade that failed, and takes no change: restart it";
		u->opts.commands->stuck = true;
		return;
	}
	u->opts.commands->closed = NULL;
	jobs_release(u->opts.jobs);
}

/* Nothing of one that has not served is left; or the next start has to look for it. */
static void on_swept(void *ctx)
{
	struct upgrade *u = ctx;
	char text[sizeof u->why.text + 128];

	ev_timer_stop(u->opts.loop, &u->late);
	snprintf(text, sizeof text, "upgrade: %s; process %d goes on serving", u->why.text, (int)getpid());
	log_line(LOG_ERROR, "%s", text);
	answer_call(u, 1, text);
	go_on(u);
}

static void on_late(struct ev_loop *loop, ev_timer *t, int events);

static void wait_for(struct upgrade *u, enum stage stage, double most_s)
{
	u->stage = stage;
	ev_timer_stop(u->opts.loop, &u->late);
	ev_timer_set(&u->late, most_s, 0);
	ev_timer_start(u->opts.loop, &u->late);
}

/* This process goes on. `stage`: how far it has come. */
static void end_failed(struct upgrade *u, enum stage stage)
{
	if (u->pid)
		kill(u->pid, SIGKILL); /* before it sees that nobody is there, and serves */
	u->pid = 0;
	hang_up(u);
	/* Before it reads it makes no keys, and this process may; of one that has served their states are stored, and not known here. */
	if (stage >= READS && !u->served) {
		wait_for(u, FAILED, SWEEP_S);
		signing_keys_sweep(u->opts.signing_keys, on_swept, u);
	} else {
		on_swept(u);
	}
}

/* With a sentence in `why`. */
static void fail(struct upgrade *u)
{
	if (u->stage == IDLE || u->stage == FAILED)
		return;
	/* What is on the disk is its own, and another one has to go on from there. */
	if (u->stage == LEAVES || (u->stage == GOES && !u->refused))
		u->served = true;
	if (u->stage == LEAVES) {
		struct fault why;
		if (!workers_return(u->opts.workers, &why))
			die("upgrade: the new process is gone, and this one cannot serve again: %s", why.text);
		control_listen(u->opts.control, true);
		u->opts.commands->closed = "an upgrade is under way; try again in some seconds";
	}
	if (u->stage >= GOES)
		fleet_member_away(u->opts.fleet, false);
	const enum stage stage = u->stage;
	u->stage = FAILED;
	end_failed(u, stage);
}

/* It is gone: what the launcher says of its end is waited for. */
static void gone(struct upgrade *u)
{
	if (*u->why.text) {
		fail(u);
		return;
	}
	ev_io_stop(u->opts.loop, &u->heard);
	fault(&u->why, "the new process has ended (%s)", doing[u->stage]);
	ev_timer_stop(u->opts.loop, &u->late);
	ev_timer_set(&u->late, ENDED_S, 0);
	ev_timer_start(u->opts.loop, &u->late);
}

/* --- giving ------------------------------------------------------------------------------- */

static void on_notify(void *ctx, const uint8_t *apex, const struct addr *from)
{
	struct upgrade *u = ctx;

	handover_notifies_add(u->notifies, apex, from);
	if (u->stage == LEAVES)
		ev_io_start(u->opts.loop, &u->takes);
}

static void on_takes(struct ev_loop *loop, ev_io *io, int events)
{
	struct upgrade *u = io->data;

	(void)events;
	if (handover_notifies_send(u->notifies, u->end) || errno != EAGAIN)
		ev_io_stop(loop, io);
}

/* Nothing of ours writes any more. */
static void on_settled(void *ctx)
{
	struct upgrade *u = ctx;

	if (u->stage != SETTLES)
		return;
	if (!upgrade_give(&u->opts, u->end)) {
		fault(&u->why, "the sockets cannot be given to the new process: %s", strerror(errno));
		fail(u);
		return;
	}
	worker_news_overhear(u->opts.news, on_notify, u);
	wait_for(u, READS, READY_S);
}

static void settle(struct upgrade *u)
{
	u->opts.commands->closed = "an upgrade is under way; try again in some seconds";
	u->cancelled = false;
	rankings_save(u->opts.rankings);
	resolver_pairs_save(u->opts.resolver_pairs);
	wait_for(u, SETTLES, SETTLE_S);
	jobs_hold(u->opts.jobs, on_settled, u);
}

/* --- leaving ------------------------------------------------------------------------------ */

static void end_left(struct upgrade *u)
{
	char text[64];

	hang_up(u);
	snprintf(text, sizeof text, "MAINPID=%d", (int)u->pid);
	privs_notify_wait(text);
	log_line(LOG_NOTICE, "upgrade: process %d serves, this one ends", (int)u->pid);
	u->opts.left(u->opts.ctx);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct upgrade *u = t->data;
	const double s = clock_seconds() - u->left_s;
	struct workers_report r;

	(void)loop;
	(void)events;
	workers_report(u->opts.workers, &r);
	if (s >= LEAST_S && ((!r.tcp_clients && !handover_notifies_count(u->notifies)) || s >= LEAVE_S))
		end_left(u);
}

static void leave(struct upgrade *u)
{
	struct workers_report r;
	char text[256];

	workers_leave(u->opts.workers);
	control_listen(u->opts.control, false);
	measuring_leave(u->opts.measuring);
	workers_report(u->opts.workers, &r);
	u->left_s = clock_seconds();
	u->stage = LEAVES;
	ev_timer_stop(u->opts.loop, &u->late);
	snprintf(text, sizeof text,
		"upgraded: process %d (Waymark %s) serves in the place of process %d, %.2f s after it was started; %u connections "
		"are open here yet",
		(int)u->pid, u->version, (int)getpid(), u->left_s - u->began_s, r.tcp_clients);
	log_line(LOG_NOTICE, "%s", text);
	answer_call(u, 0, text);
	ev_io_set(&u->takes, u->end, EV_WRITE);
	ev_io_start(u->opts.loop, &u->takes);
	ev_timer_set(&u->look, LOOK_S, LOOK_S);
	ev_timer_start(u->opts.loop, &u->look);
}

/* It was told to stop, and so are we. */
static void end_together(struct upgrade *u)
{
	hang_up(u);
	u->opts.left(u->opts.ctx);
}

/* --- what is heard ------------------------------------------------------------------------ */

static void on_late(struct ev_loop *loop, ev_timer *t, int events)
{
	struct upgrade *u = t->data;

	(void)loop;
	(void)events;
	if (u->stage == FAILED) {
		log_line(LOG_WARNING, "upgrade: the folder of keys does not answer; what the new process has left there is looked for at the next start");
		signing_keys_sweep(u->opts.signing_keys, NULL, NULL);
		on_swept(u);
		return;
	}
	if (u->stage == SETTLES && !u->cancelled) {
		u->cancelled = true;
		jobs_cancel_running(u->opts.jobs);
		wait_for(u, SETTLES, CANCEL_S);
		return;
	}
	if (u->stage == SETTLES)
		fault(&u->why, "what is done beside answering does not end (see \"jobs\")");
	else if (!*u->why.text)
		fault(&u->why, "the new process does not get on in time (%s)", doing[u->stage]);
	fail(u);
}

static bool hear_hello(struct upgrade *u, const struct handover *m)
{
	snprintf(u->version, sizeof u->version, "%.60s", m->of.text);
	if (m->version != HANDOVER_VERSION)
		return fault(&u->why,
			"Waymark %s takes over in another way than this version, %s; it wants a restart", u->version,
			PACKAGE_VERSION);
	settle(u);
	return true;
}

/* A zone that it has nothing to answer from. */
static bool hear_empty(struct upgrade *u, const struct handover *m)
{
	char name[NAME_TEXT];

	if (name_check(m->of.empty, m->of.empty + sizeof m->of.empty) == 0)
		return fault(&u->why, "the new process says what it should not (a zone without a name)");
	const struct registry_zone *z = registry_find(publisher_live(u->opts.publisher)->zones, m->of.empty);
	if (!z || !zone_is_ready(z->load.zone))
		return true;
	view_text(name, m->of.empty);
	return z->source == REGISTRY_PRIMARY
		? fault(&u->why, "the new process does not get zone %s, which is served here, from its primary; try again when that answers, or have a \"store\"", name)
		: fault(&u->why, "the new process cannot read zone %s, which is served here; mend it, or take it away by a reload", name);
}

/* Who takes our place has to be known: the launcher, which tells, may come to it later than what it has started. */
static void let_go_on(struct upgrade *u)
{
	if (!u->ready || !u->pid || u->stage != READS)
		return;
	fleet_member_away(u->opts.fleet, true);
	wait_for(u, GOES, SERVE_S);
	say(u, HANDOVER_GO);
}

static bool hear(struct upgrade *u, const struct handover *m)
{
	u->refused = m->word == HANDOVER_FAULT;
	if (u->refused)
		return fault(&u->why, "the new process cannot start: %.*s", HANDOVER_TEXT - 1, m->of.text);
	if (m->word == HANDOVER_HELLO && u->stage == STARTS)
		return hear_hello(u, m);
	if (m->word == HANDOVER_EMPTY && u->stage == READS)
		return hear_empty(u, m);
	if (m->word == HANDOVER_READY && u->stage == READS) {
		u->ready = true;
		let_go_on(u);
		return true;
	}
	if (m->word == HANDOVER_SERVES && u->stage == GOES) {
		leave(u);
		return true;
	}
	if (m->word == HANDOVER_END && u->stage == LEAVES) {
		end_together(u);
		return true;
	}
	return fault(&u->why, "the new process says what it should not (%u)", m->word);
}

static void on_heard(struct ev_loop *loop, ev_io *io, int events)
{
	struct upgrade *u = io->data;
	struct handover m = { 0 };
	const ssize_t got = fd_pass_hear(io->fd, &m, sizeof m);

	(void)loop;
	if (events & EV_ERROR) {
		fault(&u->why, "no memory to hear what the new process says");
		fail(u);
		return;
	}
	if (got < 0 && errno == EAGAIN)
		return;
	m.of.text[HANDOVER_TEXT - 1] = 0;
	if (got != sizeof m)
		gone(u);
	else if (!hear(u, &m))
		fail(u);
}

/* It has ended, and the launcher was heard first: a sentence that it has said of why is still to be read. */
static void hear_last(struct upgrade *u)
{
	struct handover m;

	while (u->end >= 0 && fd_pass_hear(u->end, &m, sizeof m) == sizeof m) {
		m.of.text[HANDOVER_TEXT - 1] = 0;
		if (m.word == HANDOVER_FAULT && !hear(u, &m))
			return;
	}
}

static void on_launched(struct ev_loop *loop, ev_io *io, int events)
{
	struct upgrade *u = io->data;
	struct launcher_news news;
	bool lost;

	(void)events;
	if (!launcher_hear(u->opts.launcher, &news, &lost)) {
		if (lost) {
			ev_io_stop(loop, io);
			log_line(LOG_ERROR, "the process that starts programs for us is gone: probes of kind exec, programs of verify and upgrades fail until a restart");
		}
		if (lost && !u->pid && u->stage != IDLE && u->stage != FAILED) { /* whom to watch, and to end, nobody would tell */
			fault(&u->why, "the process that starts programs for us is gone");
			fail(u);
		}
		return;
	}
	if (news.kind == LAUNCHER_NOT_STARTED && u->stage == FAILED) {
		return; /* it has been told why */
	} else if (news.kind == LAUNCHER_NOT_STARTED) {
		fault(&u->why, "the program cannot be started: %s", strerror(news.value));
		fail(u);
	} else if (news.kind == LAUNCHER_STARTED) {
		u->pid = news.pid;
		let_go_on(u);
	} else if (news.pid == u->pid && u->stage == LEAVES && news.value == 0) {
		end_together(u);
	} else if (news.pid == u->pid && u->stage != IDLE && u->stage != FAILED) {
		u->pid = 0;
		hear_last(u);
		if (!*u->why.text || strstr(u->why.text, "has ended"))
			fault(&u->why, WIFSIGNALED(news.value) ? "the new process was killed by signal %d (%s)"
							       : "the new process has ended with exit status %d (%s)",
				WIFSIGNALED(news.value) ? WTERMSIG(news.value) : WEXITSTATUS(news.value), doing[u->stage]);
		fail(u);
	}
}

/* --- the start of it ---------------------------------------------------------------------- */

static bool may_begin(const struct upgrade *u, struct fault *why)
{
	struct workers_report r;

	if (u->stage != IDLE)
		return fault(why, "upgrade: one is under way");
	if (getpid() == 1)
		return fault(why,
			"upgrade: process 1 of a container cannot be followed by another one: start a new container, then stop this one");
	if (u->opts.successor && successor_is_watched(u->opts.successor))
		return fault(why, "upgrade: the process that served before has connections yet (for %d s at most); try again",
			(int)LEAVE_S);
	workers_report(u->opts.workers, &r);
	if (r.n_xdp)
		return fault(why,
			"upgrade: queues of AF_XDP (listen: xdp:...) cannot be given to another process: restart the server");
	if (publisher_staged(u->opts.publisher))
		return fault(why, "upgrade: a stage is on, which would end: promote it, or roll it back");
	return true;
}

static void begin(struct upgrade *u)
{
	int ends[2];

	u->why.text[0] = 0;
	u->refused = false;
	u->pid = 0;
	u->ready = false;
	u->began_s = clock_seconds();
	wait_for(u, STARTS, HELLO_S);
	if (!fd_pass_pair(ends)) {
		fault(&u->why, "no sockets: %s", strerror(errno));
		wait_for(u, STARTS, 0); /* who waits is told from the loop */
		return;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	u->end = ends[0];
	const bool ok = launcher_start(u->opts.launcher, ends[1], &u->why);
	close(ends[1]);
	if (!ok) {
		wait_for(u, STARTS, 0);
		return;
	}
	ev_io_set(&u->heard, u->end, EV_READ);
	ev_io_start(u->opts.loop, &u->heard);
}

void upgrade_begin(struct upgrade *u)
{
	struct fault why;

	if (may_begin(u, &why))
		begin(u);
	else
		log_line(LOG_ERROR, "%s", why.text);
}

static void forget(struct command_call *c)
{
	((struct upgrade *)c->pending)->call = NULL;
}

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct upgrade *u = ctx;
	struct fault why;

	(void)words;
	if (n)
		return 2;
	if (!may_begin(u, &why)) {
		text_addf(c->out, "%s\n", why.text);
		return 1;
	}
	u->call = c;
	c->pending = u;
	c->forget = forget;
	log_line(LOG_NOTICE, "upgrade: asked for by user %u", c->uid);
	begin(u);
	return COMMAND_LATER;
}

bool upgrade_has_left(const struct upgrade *u)
{
	return u->stage == LEAVES;
}

struct upgrade *upgrade_new(const struct upgrade_opts *opts)
{
	struct upgrade *u = memory_zeroed(1, sizeof *u);

	u->opts = *opts;
	u->end = -1;
	ev_init(&u->heard, on_heard);
	u->notifies = handover_notifies_new();
	ev_init(&u->takes, on_takes);
	u->takes.data = u;
	ev_init(&u->late, on_late);
	ev_init(&u->look, on_look);
	u->heard.data = u->late.data = u->look.data = u->launched.data = u;
	ev_io_init(&u->launched, on_launched, launcher_fd(opts->launcher), EV_READ);
	if (opts->launcher)
		ev_io_start(opts->loop, &u->launched);
	commands_bind(opts->commands, "upgrade", run, u);
	return u;
}

void upgrade_free(struct upgrade *u)
{
	say(u, HANDOVER_END);
	ev_io_stop(u->opts.loop, &u->launched);
	signing_keys_sweep(u->opts.signing_keys, NULL, NULL);
	hang_up(u);
	handover_notifies_free(u->notifies);
	memory_free(u);
}
