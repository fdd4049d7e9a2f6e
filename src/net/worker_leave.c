/* worker_leave.c - others have all sockets, too, and serve in our place.
 *
 * A packet is taken from a socket by one of those who have it, so none is lost when some go: who goes answers what it has
 * taken. The sockets themselves stay as they are (no shutdown(2), which would be for all who have them).
 */
#include "net/worker_inner.h"

#include "net/stream.h"
#include "net/udp.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { WAKE_US = 100 };

static bool add(int *to, size_t most, size_t *n, int fd)
{
	if (fd >= 0 && *n < most)
		to[*n] = fd;
	*n += fd >= 0;
	return fd >= 0;
}

size_t workers_sockets(const struct workers *w, int *to, size_t most)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->n; i++) {
		const struct thread *t = &w->threads[i];
		if (t->udp)
			add(to, most, &n, udp_socket(t->udp));
		for (size_t k = 0; t->stream && add(to, most, &n, stream_listener_socket(t->stream, k)); k++)
			;
		for (size_t k = 0; t->quic && add(to, most, &n, quic_socket(t->quic, k)); k++)
			;
	}
	return n;
}

const uint8_t *workers_quic_secret(const struct workers *w)
{
	return w->secret;
}

static void on_wake(int signum)
{
	(void)signum;
}

/* Whatever it waits for, it looks whether it should go on; a signal that comes just before it waits is as none. */
void worker_end_thread(struct thread *t)
{
	const struct sigaction how = { .sa_handler = on_wake }; /* no SA_RESTART */
	struct timespec until;

	sigaction(WORKER_WAKE, &how, NULL);
	do {
		pthread_kill(t->id, WORKER_WAKE);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAKE_US * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(t->id, NULL, &until) == ETIMEDOUT);
	t->runs = false;
}

void workers_leave(struct workers *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct thread *t = &w->threads[i];
		if (t->udp)
			udp_leave(t->udp);
		else if (t->stream)
			stream_leave(t->stream, true);
		else if (t->quic)
			quic_leave(t->quic);
	}
	for (unsigned i = 0; i < w->n; i++)
		if (w->threads[i].runs && (w->threads[i].udp || w->threads[i].quic))
			worker_end_thread(&w->threads[i]);
}

bool workers_return(struct workers *w, struct fault *why)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	sigdelset(&all, WORKER_WAKE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < w->n && !err; i++) {
		struct thread *t = &w->threads[i];
		if (t->udp)
			udp_return(t->udp);
		if (t->stream)
			stream_leave(t->stream, false);
		else if (!t->runs)
			err = worker_start_thread(t);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err || fault(why, "cannot start a thread: %s", strerror(err));
}
