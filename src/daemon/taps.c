#include "daemon/taps.h"

#include "base/clock.h"
#include "base/memory.h"
#include "config.h"
#include "daemon/busiest.h"
#include "daemon/dnstap_out.h"
#include "daemon/line_file.h"
#include "daemon/parts_read.h"
#include "net/query_log.h"
#include "net/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	AT_ONCE = 512,      /* of a ring, before the next one has its turn */
	IDLE_MS = 10,       /* without anything to do */
	LINES = 256 << 10,  /* bytes that are written at once */
	DRAIN_S = 1,        /* workers go on while it ends: what comes later is lost */
	STOP_S = 3          /* a disk that hangs is not waited for longer */
};

/* What is wanted: own copies. */
struct wants {
	char *socket; /* NULL: no dnstap */
	char *file;   /* NULL: no log */
	size_t file_most;
	bool json;
	char identity[DNSTAP_TEXT_MOST + 1];
};

struct taps {
	struct publisher *publisher;
	const struct workers *workers;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t change;
	struct wants *next; /* NULL: nothing new */
	bool stop, wanted;
	struct busiest *looks; /* NULL: nobody does */
	/* The thread's. */
	struct wants *now;
	struct busiest *samples; /* what `looks` was */
	struct dnstap_source source;
	struct dnstap_out *out;
	struct line_file *log;
	struct text lines;
	double wrote_s;
	uint64_t logged, log_lost; /* atomic */
};

static void wants_free(struct wants *w)
{
	if (!w)
		return;
	free(w->socket);
	free(w->file);
	free(w);
}

/* --- the thread --------------------------------------------------------------------------- */

static bool is_stopped(struct taps *t)
{
	pthread_mutex_lock(&t->lock);
	const bool stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return stop;
}

static void write_lines(struct taps *t)
{
	uint64_t all = 0;

	if (!t->lines.len)
		return;
	for (size_t i = 0; i < t->lines.len; i++)
		all += t->lines.s[i] == '\n';
	const uint64_t lost = line_file_add(
		t->log, t->now->file, t->now->file_most, text_get(&t->lines), t->lines.len);
	stats_add(&t->logged, all - lost);
	stats_add(&t->log_lost, lost);
	t->lines.len = 0;
	t->wrote_s = clock_seconds();
}

static void add_line(struct taps *t, const struct tap_head *h)
{
	const size_t before = t->lines.len;

	query_log_line(&t->lines, h, t->now->json);
	if (t->lines.lost) { /* no memory; only whole lines */
		t->lines.len = before;
		t->lines.lost = false;
		stats_add(&t->log_lost, 1);
	}
	if (t->lines.len >= LINES)
		write_lines(t);
}

static void take(struct taps *t, const struct tap_head *h)
{
	if (h->whom & TAP_DNSTAP && t->now->socket) {
		dnstap_out_put(t->out, h, false);
		if (h->answer_len)
			dnstap_out_put(t->out, h, true);
	}
	if (h->whom & TAP_LOG && t->now->file)
		add_line(t, h);
	if (h->whom & TAP_SAMPLE && t->samples)
		busiest_take(t->samples, h);
}

/* True: there was something. */
static bool empty_rings(struct taps *t)
{
	bool any = false;
	struct tap *ring;

	for (unsigned i = 0; (ring = workers_tap(t->workers, i)); i++) {
		const struct tap_head *h;
		for (unsigned k = 0; k < AT_ONCE && (h = tap_first(ring)); k++) {
			take(t, h);
			tap_next(ring);
			any = true;
		}
	}
	return any;
}

/* What was taken for who looked on until now goes to him. When nobody is to look on any more, workers take copies
 * until they have the new world, which is much sooner than in a second; what stayed in a ring would come out as
 * news when somebody looks on again. */
static void drain(struct taps *t, bool all_end)
{
	const double until = clock_seconds() + DRAIN_S;
	struct pollfd p;

	for (bool any = true; (any || all_end) && clock_seconds() < until && !is_stopped(t);) {
		any = empty_rings(t);
		dnstap_out_step(t->out, &p);
		if (!any && all_end)
			usleep(IDLE_MS * 1000);
	}
}

static bool goes_away(const char *path, const char *next)
{
	return path && (!next || strcmp(path, next) != 0);
}

/* Waits while nobody wants anything. False: it is to end. */
static bool take_wants(struct taps *t)
{
	struct wants *next;

	pthread_mutex_lock(&t->lock);
	while (!t->stop && !t->next && !(t->now && (t->now->socket || t->now->file || t->looks)))
		pthread_cond_wait(&t->change, &t->lock);
	next = t->next;
	t->next = NULL;
	t->samples = t->looks;
	const bool on = !t->stop;
	pthread_mutex_unlock(&t->lock);
	if (!next)
		return on;
	if (t->now && (goes_away(t->now->file, next->file) || goes_away(t->now->socket, next->socket)))
		drain(t, !next->file && !next->socket);
	if (t->now && t->now->file)
		write_lines(t);
	if (!next->file)
		line_file_close(t->log);
	struct wants *before = t->now;
	t->now = next;
	t->source = (struct dnstap_source){ next->identity, "Waymark " PACKAGE_VERSION };
	dnstap_out_aim(t->out, next->socket, &t->source);
	wants_free(before);
	return on;
}

static void *run(void *arg)
{
	struct taps *t = arg;
	struct pollfd p;

	while (take_wants(t)) {
		if (!t->now)
			continue;
		const bool any = empty_rings(t);
		dnstap_out_step(t->out, &p);
		if (t->lines.len && clock_seconds() - t->wrote_s > 0.2)
			write_lines(t);
		if (!any && (p.fd < 0 || !(p.events & POLLOUT)))
			usleep(IDLE_MS * 1000);
		else if (!any)
			poll(&p, 1, IDLE_MS);
	}
	if (t->now) {
		const double until = clock_seconds() + DRAIN_S;
		while (clock_seconds() < until && empty_rings(t)) {}
		write_lines(t);
	}
	dnstap_out_end(t->out, 500);
	return NULL;
}

/* --- the loop ----------------------------------------------------------------------------- */

/* NULL: no memory. */
/* So much of it is the same as long as the server runs: what is in front of a generation ("%g"). */
static size_t lasting(const char *identity, size_t most)
{
	const char *at = strstr(identity, "%g");
	size_t len = at ? (size_t)(at - identity) : strlen(identity);

	while (at && len && identity[len - 1] == ' ')
		len--;
	return len < most ? len : most;
}

static struct wants *wants_new(const struct publisher *p)
{
	const struct conf *c = parts_conf(publisher_live(p));
	struct wants *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->socket = c->dnstap_socket ? strdup(c->dnstap_socket) : NULL;
	w->file = c->queries_file ? strdup(c->queries_file) : NULL;
	w->file_most = c->queries_most;
	w->json = c->queries_json;
	if (c->identity)
		strncpy(w->identity, c->identity, lasting(c->identity, sizeof w->identity - 1));
	else
		gethostname(w->identity, sizeof w->identity - 1);
	if ((w->socket != NULL) == (c->dnstap_socket != NULL) &&
		(w->file != NULL) == (c->queries_file != NULL))
		return w;
	wants_free(w);
	return NULL;
}

/* Without memory it goes on as before; the next reload tries again. */
static void follow(void *ctx, unsigned what)
{
	struct taps *t = ctx;
	struct wants *w = what & PUBLISH_CONF ? wants_new(t->publisher) : NULL;

	if (!w)
		return;
	t->wanted = w->socket != NULL;
	pthread_mutex_lock(&t->lock);
	wants_free(t->next);
	t->next = w;
	pthread_cond_signal(&t->change);
	pthread_mutex_unlock(&t->lock);
}

void taps_look(struct taps *t, struct busiest *b)
{
	pthread_mutex_lock(&t->lock);
	t->looks = b;
	pthread_cond_signal(&t->change);
	pthread_mutex_unlock(&t->lock);
}

static bool start(struct taps *t, struct fault *why)
{
	sigset_t all, before;

	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int err = pthread_create(&t->thread, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err || fault(why, "cannot start a thread: %s", strerror(err));
}

struct taps *taps_new(struct publisher *p, const struct workers *w, struct fault *why)
{
	struct taps *t = memory_zeroed(1, sizeof *t);

	t->publisher = p;
	t->workers = w;
	t->out = memory_need(dnstap_out_new());
	t->log = line_file_new("queries");
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->change, NULL);
	if (!start(t, why)) {
		dnstap_out_free(t->out);
		line_file_free(t->log);
		memory_free(t);
		return NULL;
	}
	publisher_follow(p, follow, t);
	follow(t, PUBLISH_CONF);
	return t;
}

void taps_free(struct taps *t)
{
	struct timespec until;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->change);
	pthread_mutex_unlock(&t->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(t->thread, NULL, &until) != 0)
		_exit(0); /* what it holds must stay, and all else is done */
	wants_free(t->now);
	wants_free(t->next);
	dnstap_out_free(t->out);
	line_file_free(t->log);
	text_fini(&t->lines);
	pthread_cond_destroy(&t->change);
	pthread_mutex_destroy(&t->lock);
	memory_free(t);
}

struct taps_counts taps_counts(const struct taps *t)
{
	const struct dnstap_out_counts c = dnstap_out_counts(t->out);
	struct taps_counts n = { .dnstap_sent = c.sent,
		.dnstap_lost = c.lost,
		.dnstap_wanted = t->wanted,
		.dnstap_talks = c.talks,
		.logged = __atomic_load_n(&t->logged, __ATOMIC_RELAXED),
		.log_lost = __atomic_load_n(&t->log_lost, __ATOMIC_RELAXED) };
	const struct tap *ring;

	for (unsigned i = 0; (ring = workers_tap(t->workers, i)); i++) {
		n.dnstap_lost += tap_lost(ring, TAP_DNSTAP);
		n.log_lost += tap_lost(ring, TAP_LOG);
	}
	return n;
}
