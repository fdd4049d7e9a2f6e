#include "net/worker_inner.h"

#include "base/cage.h"
#include "base/log.h"
#include "net/quic.h"
#include "net/stream.h"
#include "net/udp.h"
#include "net/xdp_worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES_KEPT = 128 }; /* for all but sockets of clients and listeners */

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	const int n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > NET_WORKERS_MOST ? NET_WORKERS_MOST : (unsigned)n;
}

/* The processor of worker `k`, -1 for any. False when it is none of ours. */
static bool find_cpu(const struct net_opts *opts, unsigned k, int *cpu, struct fault *why)
{
	cpu_set_t set;
	unsigned nth = 0;

	*cpu = -1;
	if (!opts->pin || sched_getaffinity(0, sizeof set, &set) != 0)
		return true;
	if (opts->n_cpus) {
		*cpu = (int)opts->cpus[k % opts->n_cpus];
		return CPU_ISSET(*cpu, &set) ||
			fault(why,
				"server: cpus: we may not run on processor %d, or there is "
				"none such (\"taskset -cp $$\" tells which there are)",
				*cpu);
	}
	nth = k % (unsigned)CPU_COUNT(&set);
	for (*cpu = 0; !CPU_ISSET(*cpu, &set) || nth--;)
		++*cpu;
	return true;
}

static bool open_udp(struct workers *w, const struct net_opts *opts, unsigned i, unsigned k,
	const struct epoch *epoch, struct fault *why)
{
	const int fd = listen_udp(&opts->listen[i], opts, k, why);

	if (fd < 0)
		return false;
	if (w->n == 0)
		listen_check_buffers(fd, opts);
	struct udp *u = udp_new(fd, &(struct batch_opts){ epoch, w->rrl, w->news, opts->batch });
	w->threads[w->n++] = (struct thread){ .udp = u, .batch = udp_batch(u) };
	return true;
}

/* As many connections as are wanted, or as there are open files for when our own are taken off:
 * the control socket and a reload must not find that clients have them all. */
static unsigned affordable(const struct net_opts *opts, unsigned workers)
{
	const rlim_t ours = FILES_KEPT + workers * (2 * opts->n + 5);
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
		return opts->tcp_clients;
	const rlim_t room = files.rlim_cur > ours + workers ? files.rlim_cur - ours : workers;
	if (opts->tcp_clients <= room)
		return opts->tcp_clients;
	log_line(LOG_WARNING,
		"server: tcp-clients: %u are wanted, but with %ju open files there is room for "
		"%ju (raise the limit: \"ulimit -n\", LimitNOFILE=)",
		opts->tcp_clients, (uintmax_t)files.rlim_cur, (uintmax_t)room);
	return (unsigned)room;
}

/* A worker's part. */
static unsigned share(unsigned n, unsigned workers)
{
	return (n + workers - 1) / workers;
}

static bool open_tcp(struct workers *w, const struct net_opts *opts, unsigned k,
	const struct epoch *epoch, struct fault *why)
{
	const unsigned workers = opts->workers;
	struct stream_listener *fds = calloc(opts->n, sizeof *fds);
	size_t n = 0;
	bool ok = fds != NULL;

	for (size_t i = 0; ok && i < opts->n; i++) {
		if (!net_is_tcp(opts->listen[i].kind))
			continue;
		fds[n] = (struct stream_listener){ listen_tcp(&opts->listen[i], opts, k, why),
			opts->listen[i].kind, opts->listen[i].path };
		ok = fds[n].fd >= 0;
		n += ok;
	}
	if (ok) {
		w->threads[w->n++].stream = stream_new(fds, n, epoch,
			&(struct stream_opts){ .clients = share(opts->tcp_clients, workers),
				.clients_per_net = share(opts->tcp_clients_per_net, workers),
				.idle_ms = opts->tcp_idle_ms,
				.handshake_ms = opts->tls_handshake_ms,
				.handshakes = share(opts->tls_handshakes, workers),
				.handshakes_per_net =
					share(opts->tls_handshakes_per_net, workers),
				.news = w->news });
	} else {
		while (n--)
			close(fds[n].fd);
	}
	free(fds);
	return ok;
}

static bool open_quic(struct workers *w, const struct net_opts *opts, unsigned k,
	const struct epoch *epoch, struct fault *why)
{
	const unsigned workers = opts->workers;
	struct quic_opts o = { .clients = share(opts->tcp_clients, workers),
		.clients_per_net = share(opts->tcp_clients_per_net, workers),
		.idle_ms = opts->tcp_idle_ms,
		.handshake_ms = opts->tls_handshake_ms,
		.handshakes = share(opts->tls_handshakes, workers),
		.handshakes_per_net = share(opts->tls_handshakes_per_net, workers),
		.news = w->news };
	struct quic_listener *fds = calloc(opts->n, sizeof *fds);
	struct quic *q = NULL;
	size_t n = 0;
	bool ok = fds != NULL || fault(why, "out of memory");

	memcpy(o.secret, w->secret, sizeof o.secret);
	for (size_t i = 0; ok && i < opts->n; i++) {
		if (opts->listen[i].kind != NET_QUIC)
			continue;
		fds[n] = (struct quic_listener){ listen_udp(&opts->listen[i], opts, k, why), &opts->listen[i] };
		ok = fds[n].fd >= 0;
		n += ok;
	}
	ok = ok && ((q = quic_new(fds, n, epoch, &o)) != NULL || fault(why, "out of memory for QUIC"));
	if (ok)
		w->threads[w->n++].quic = q;
	while (!ok && n--)
		close(fds[n].fd);
	free(fds);
	return ok;
}

/* A thread for each interface, as long as there are queues for all workers. */
static void open_xdp(struct workers *w, const struct net_opts *opts, unsigned k, const struct epoch *epoch)
{
	for (unsigned i = 0; i < xdp_count(w->xdp); i++) {
		struct xdp_worker *x = xdp_worker_new(w->xdp, i, k, opts->workers,
			&(struct batch_opts){ epoch, w->rrl, w->news, opts->batch });
		if (x)
			w->threads[w->n++] = (struct thread){ .xdp = x, .batch = xdp_worker_batch(x) };
	}
}

/* Worker `k`: a thread for each address's UDP, one for TCP, and one for QUIC where that is spoken. */
static bool open_worker(struct workers *w, const struct net_opts *opts, unsigned k,
	const struct epoch *epoch, struct fault *why)
{
	const unsigned first = w->n;
	int cpu;
	bool ok = find_cpu(opts, k, &cpu, why);

	for (unsigned i = 0; ok && i < opts->n; i++)
		ok = opts->listen[i].kind != NET_PLAIN || open_udp(w, opts, i, k, epoch, why);
	ok = ok && open_tcp(w, opts, k, epoch, why) &&
		(!net_has_quic(opts) || open_quic(w, opts, k, epoch, why));
	if (ok)
		open_xdp(w, opts, k, epoch);
	for (unsigned i = first; i < w->n; i++)
		w->threads[i].cpu = cpu;
	return ok;
}

struct workers *workers_open(const struct net_opts *wanted, const struct epoch *epoch,
	struct mailbox *news, struct fault *why)
{
	struct net_opts opts = *wanted;
	struct workers *w = calloc(1, sizeof *w);
	bool ok = true;

	if (!opts.workers)
		opts.workers = processors();
	opts.tcp_clients = affordable(wanted, opts.workers);
	if (!w || !(w->threads = calloc(opts.workers * (opts.n + 2), sizeof *w->threads)))
		die("out of memory");
	w->news = news;
	w->rrl = rrl_new();
	if (!w->rrl)
		die("out of memory");
	if (opts.quic_secret)
		memcpy(w->secret, opts.quic_secret, sizeof w->secret);
	else if (getrandom(w->secret, sizeof w->secret, 0) != sizeof w->secret)
		die("cannot have random numbers");
	for (size_t i = 0; ok && i < opts.n; i++)
		ok = opts.listen[i].kind == NET_XDP || listen_is_free(&opts.listen[i], &opts, why);
	ok = ok && xdp_open(&w->xdp, &opts, epoch, why);
	for (unsigned k = 0; ok && k < opts.workers; k++)
		ok = open_worker(w, &opts, k, epoch, why);
	if (ok)
		return w;
	workers_stop(w);
	return NULL;
}

static void *run(void *arg)
{
	struct thread *t = arg;

	/* All that it needs is open. Where there are no such filters the process is guarded by its user alone. */
	cage_close(CAGE_PACKETS);
	if (t->udp)
		udp_run(t->udp);
	else if (t->xdp)
		xdp_worker_run(t->xdp);
	else if (t->quic)
		quic_run(t->quic);
	else
		stream_run(t->stream);
	return NULL;
}

int worker_start_thread(struct thread *t)
{
	pthread_attr_t attr;
	cpu_set_t set;

	pthread_attr_init(&attr);
	if (t->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(t->cpu, &set);
		pthread_attr_setaffinity_np(&attr, sizeof set, &set);
	}
	const int err = pthread_create(&t->id, &attr, run, t);
	pthread_attr_destroy(&attr);
	t->runs = !err;
	return err;
}

bool workers_start(struct workers *w, struct fault *why)
{
	sigset_t all, before;

	/* Signals are the control thread's, but for the one that says to look again. */
	sigfillset(&all);
	sigdelset(&all, WORKER_WAKE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = 0;
	for (unsigned i = 0; i < w->n && !err; i++)
		err = worker_start_thread(&w->threads[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err || fault(why, "cannot start a thread: %s", strerror(err));
}

void workers_follow(struct workers *w, struct ev_loop *loop)
{
	xdp_follow(w->xdp, loop);
}

void workers_withdraw(struct workers *w, const struct world *next)
{
	xdp_withdraw(w->xdp, next);
}

void workers_published(struct workers *w)
{
	xdp_published(w->xdp);
}

void workers_stop(struct workers *w)
{
	xdp_detach(w->xdp);
	for (unsigned i = 0; i < w->n; i++) {
		struct thread *t = &w->threads[i];
		if (t->runs && t->udp)
			udp_leave(t->udp); /* the socket may be somebody else's, too */
		else if (t->runs && t->xdp)
			xdp_worker_stop(t->xdp);
		else if (t->runs && t->quic)
			quic_stop(t->quic);
		else if (t->runs)
			stream_stop(t->stream);
	}
	for (unsigned i = 0; i < w->n; i++) {
		struct thread *t = &w->threads[i];
		if (t->runs && t->udp)
			worker_end_thread(t);
		else if (t->runs)
			pthread_join(t->id, NULL);
		if (t->udp)
			udp_free(t->udp);
		if (t->xdp)
			xdp_worker_free(t->xdp);
		if (t->stream)
			stream_free(t->stream);
		if (t->quic)
			quic_free(t->quic);
	}
	xdp_free(w->xdp);
	rrl_free(w->rrl);
	free(w->threads);
	free(w);
}

/* All of `struct stats` is 64-bit counters. */
static void add(struct stats *sum, const struct stats *s)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)s;

	for (size_t i = 0; i < sizeof *s / sizeof *to; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static const struct stats *stats_of(const struct thread *t)
{
	return t->batch ? &t->batch->stats : t->quic ? quic_stats(t->quic) : stream_stats(t->stream);
}

void workers_set_tls(struct workers *w, struct tls *t)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->threads[i].stream)
			stream_set_tls(w->threads[i].stream, t);
		else if (w->threads[i].quic)
			quic_set_tls(w->threads[i].quic, t);
}

struct rrl_nets *workers_limited(const struct workers *w)
{
	return rrl_limited(w->rrl);
}

void workers_report(const struct workers *w, struct workers_report *to)
{
	*to = (struct workers_report){ .threads = w->n };
	for (unsigned i = 0; i < w->n; i++) {
		const struct thread *t = &w->threads[i];
		add(&to->sum, stats_of(t));
		if (t->stream)
			to->tcp_clients += stream_clients(t->stream);
		if (t->quic)
			to->quic_clients += quic_clients(t->quic);
		if (t->udp)
			to->udp_overflows += udp_overflows(t->udp);
	}
	to->n_xdp = xdp_count(w->xdp);
	to->xdp_held = xdp_held(w->xdp, &to->xdp_why_not);
	if (xdp_stats(w->xdp))
		add(&to->sum, xdp_stats(w->xdp));
	for (unsigned i = 0; i < to->n_xdp; i++)
		xdp_report(w->xdp, i, &to->xdp[i]);
}

struct tap *workers_tap(const struct workers *w, unsigned i)
{
	if (i >= w->n)
		return NULL;
	return w->threads[i].batch ? &w->threads[i].batch->tap
		: w->threads[i].quic ? quic_tap(w->threads[i].quic)
				     : stream_tap(w->threads[i].stream);
}

static struct samples *samples_of(const struct thread *t)
{
	return t->batch ? &t->batch->samples : t->quic ? quic_samples(t->quic) : stream_samples(t->stream);
}

void workers_samples(
	const struct workers *w, void (*take)(void *ctx, const struct sample *one), void *ctx)
{
	struct sample one;

	for (unsigned i = 0; i < w->n; i++)
		while (samples_get(samples_of(&w->threads[i]), &one))
			take(ctx, &one);
}

void workers_one_times(
	const struct workers *w, void (*take)(void *ctx, const struct one_time *one), void *ctx)
{
	struct one_time one;

	for (unsigned i = 0; i < w->n; i++)
		while (one_times_get(&samples_of(&w->threads[i])->names, &one))
			take(ctx, &one);
}

struct choice_counts *workers_counts(const struct workers *w, unsigned i)
{
	if (i >= w->n)
		return i == w->n ? xdp_counts(w->xdp) : NULL;
	return w->threads[i].batch ? w->threads[i].batch->counts
		: w->threads[i].quic ? quic_counts(w->threads[i].quic)
				     : stream_counts(w->threads[i].stream);
}
