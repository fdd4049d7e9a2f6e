/* shared.c - on its way a packet writes to nothing that is shared.
 *
 * A real worker thread with its real socket answers thousands of random queries while
 * everything that is not its own (its state, its stack) is read-only to the whole process: the
 * world, zones, rankings, maps of clients, all data of the program and its libraries. One write
 * to any of it is a fault. So workers cannot slow each other down by way of a cache line,
 * however many there are. What it proves is for the queries that it asks. Nobody makes
 * signatures meanwhile, and no worker may ask for one: that goes into a box which is shared.
 * Connections are there before.
 *
 * Response rate limiting is the exception, by design: its table belongs to all workers. That
 * this test sees the writes there shows that it can fail.
 */
#include "bench/anything.h"
#include "bench/own.h"

#include "base/bytes.h"
#include "fuzz/fuzz_world.h"
#include "net/stream.h"
#include "net/udp.h"

#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WARM_UP = 20,  /* rounds before all is locked: the connection is made, libraries are
			  bound */
	ROUNDS = 1500, /* and after */
	TOGETHER = 16, /* queries in a round */
	STACK = 1 << 20,
	PROXY_ADDRESSES = 12, /* bytes of a header's, of IPv4 */
	WAIT_MS = 10000
};

enum limits { UNLIMITED, LIMITED, LIMITED_AND_WATCHED };

struct trial {
	const char *claim;
	bool tcp, proxied;
	enum limits limits;
	int ends; /* how the process that tries it is to end */
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "shared: %s\n", what);
	_exit(2);
}

/* ... for what the kernel says no to. */
static void need(bool ok, const char *what)
{
	if (!ok)
		perror(what);
	must(ok, "not tried");
}

/* --- the process that asks ---------------------------------------------------------------- */

/* What a proxy writes in front (version 2): whose bytes these are. */
static size_t put_header(uint8_t *to, unsigned client)
{
	static const uint8_t front[] = "\r\n\r\n\0\r\nQUIT\n\x21";

	memcpy(to, front, 13);
	to[13] = 0x12; /* UDP over IPv4 */
	be16_put(to + 14, PROXY_ADDRESSES);
	memset(to + 16, 0, PROXY_ADDRESSES);
	be32_put(to + 16, client * 0x9e3779b9u);
	return 16 + PROXY_ADDRESSES;
}

/* Sends a round's queries, the last of which is answered in any case, and waits for that
 * answer. */
static void ask_datagrams(int fd, bool proxied, uint64_t *seed, unsigned round)
{
	uint8_t m[4096];

	for (unsigned i = 0; i <= TOGETHER; i++) {
		size_t n = proxied ? put_header(m, round * TOGETHER + i) : 0;
		n += i < TOGETHER ? anything(m + n, seed) : something(m + n, (uint16_t)round);
		send(fd, m, n, 0);
	}
	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		must(poll(&p, 1, WAIT_MS) == 1 && recv(fd, m, sizeof m, 0) >= 12,
			"no answer over UDP");
	} while (be16_get(m) != (0x8000 | (round & 0x7fff)));
}

static void read_all(int fd, uint8_t *to, size_t len)
{
	must(recv(fd, to, len, MSG_WAITALL) == (ssize_t)len, "no answer over TCP");
}

static void ask_stream(int fd, uint64_t *seed, unsigned round)
{
	static uint8_t answer[65535];
	uint8_t m[(TOGETHER + 1) * (2 + ANYTHING_MOST)];
	size_t len = 0;

	for (unsigned i = 0; i <= TOGETHER; i++) {
		uint8_t *to = m + len + 2;
		const size_t n = i < TOGETHER ? anything(to, seed)
					      : something(to, (uint16_t)round);
		be16_put(to - 2, (unsigned)n);
		len += 2 + n;
	}
	need(send(fd, m, len, MSG_NOSIGNAL) == (ssize_t)len, "the connection is gone");
	do {
		read_all(fd, answer, 2);
		read_all(fd, answer, be16_get(answer));
	} while (be16_get(answer) != (0x8000 | (round & 0x7fff)));
}

static void ask(const struct sockaddr_in *at, const struct trial *t, int told, int tell)
{
	const struct timeval wait = { .tv_sec = WAIT_MS / 1000 };
	const int fd = socket(AF_INET, t->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	uint64_t seed = 1;
	char go;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	need(connect(fd, (const struct sockaddr *)at, sizeof *at) == 0, "connect");
	for (unsigned i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			need(write(tell, "w", 1) == 1 && read(told, &go, 1) == 1, "pipe");
		if (t->tcp)
			ask_stream(fd, &seed, i);
		else
			ask_datagrams(fd, t->proxied, &seed, i);
	}
	need(write(tell, "d", 1) == 1 && read(told, &go, 1) >= 0, "pipe");
	_exit(0);
}

/* --- the process that answers ------------------------------------------------------------- */

struct worker {
	struct udp *udp;
	struct stream *stream;
};

static void *work(void *arg)
{
	const struct worker *w = arg;

	own_begin();
	if (w->udp)
		udp_run(w->udp);
	else
		stream_run(w->stream);
	return NULL;
}

static pthread_t start(struct worker *w)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	must(pthread_attr_setstack(&attr, own_pages(STACK), STACK) == 0, "stack");
	must(pthread_create(&thread, &attr, work, w) == 0, "pthread_create");
	return thread;
}

static struct worker *make(bool tcp, int fd, const struct epoch *epoch, struct rrl *rrl)
{
	own_begin();
	struct worker *w = calloc(1, sizeof *w);
	if (tcp)
		w->stream = stream_new(&(struct stream_listener){ fd, NET_PLAIN, NULL }, 1, epoch,
			&(struct stream_opts){
				.clients = 10, .clients_per_net = 10, .idle_ms = 60000 });
	else
		w->udp = udp_new(fd, &(struct batch_opts){ epoch, rrl, NULL, 32 });
	own_end();
	return w;
}

static int open_socket(bool tcp, struct sockaddr_in *at)
{
	socklen_t len = sizeof *at;
	const int fd = socket(AF_INET, tcp ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	need(fd >= 0 && bind(fd, (struct sockaddr *)at, len) == 0, "bind");
	need(getsockname(fd, (struct sockaddr *)at, &len) == 0, "getsockname");
	need(!tcp || listen(fd, 10) == 0, "listen");
	return fd;
}

static struct rrl *limit(struct policy_limits *limits, enum limits how)
{
	struct rrl *rrl = rrl_new();

	must(rrl != NULL, "rrl");
	limits->on = true;
	limits->slip = 2;
	limits->window_s = 5;
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		limits->rate[i] = POLICY_RATE_MOST;
	own_exempt(rrl, (RRL_BYTES + 4096 + 4095) & ~4095ul,
		how == LIMITED_AND_WATCHED); /* key and table */
	return rrl;
}

/* Neither may touch errno or be a point of cancellation: that is memory of ours, which is
 * locked. */
static bool pipe_says(int fd, char word)
{
	char c = 0;
	return syscall(SYS_read, fd, &c, 1) == 1 && c == word;
}

/* How often a pool of pools has been answered with an edge. */
static uint64_t chosen(const struct choice_counts *c, const struct steer *s, const char *pool)
{
	const uint64_t hash = s->pools[numbers_find(&s->pool_numbers, pool)].hash;
	uint64_t n = 0;

	for (unsigned i = 0; i < s->n_edges; i++)
		for (unsigned why = 0; why < CHOOSE_WHYS; why++)
			n += tally_kept(&c->reasons,
				choice_counts_reason(
					hash, s->edges[i].hash, (enum choose_why)why));
	return n;
}

static void check_counts(
	const struct trial *t, const struct worker *w, const struct steer *steer)
{
	static const char *const trees[] = { "split", "first", "all" };
	const struct stats *s = t->tcp ? stream_stats(w->stream) : &udp_batch(w->udp)->stats;
	const struct choice_counts *c = t->tcp ? stream_counts(w->stream) : udp_batch(w->udp)->counts;
	const unsigned asked = ROUNDS * TOGETHER, few = asked / 200;

	must(s->queries[VIA_UDP] + s->queries[VIA_TCP] > asked * 3 / 4,
		"too few queries were answered");
	must(s->steered > few, "too few answers came from a pool");
	for (unsigned i = 0; i < 3; i++)
		must(chosen(c, steer, trees[i]) > few,
			"too few answers came from a pool of pools");
	must(s->pool_signed > few && s->pool_unsigned > few / 4,
		"too few answers from a pool were signed, or not signed yet");
	must(s->proxied >= (t->proxied ? asked * 3 / 4 : 0) && s->proxy_refused == 0,
		"a proxy was not heard");
	must(s->with_subnet > few && s->cookies_wrong > few,
		"too few queries had a subnet or a cookie");
	for (unsigned i = 0; i <= 5; i++) /* NOERROR to REFUSED */
		must(s->rcode[i] > few, "some RCODE was hardly ever given");
	must(own_allocations() == 0, "memory was allocated");
}

static void try(const struct trial *t)
{
	struct epoch epoch = { 0 };
	struct sockaddr_in at;
	struct rrl *rrl = NULL;
	int to_asker[2], from_asker[2];

	ev_set_allocator(own_resize);
	const struct prefix self = { addr_from_v4((const uint8_t[]){ 127, 0, 0, 1 }), 128 };
	struct world *world = fuzz_world((uint32_t)time(NULL));
	world->policy.proxies = &self;
	world->policy.n_proxies = t->proxied;
	if (t->limits != UNLIMITED)
		rrl = limit(&world->policy.limits, t->limits);
	need(epoch_open(&epoch, NULL), "a thread");
	epoch_publish(&epoch, world);
	const int fd = open_socket(t->tcp, &at);
	need(pipe(to_asker) == 0 && pipe(from_asker) == 0, "pipe");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG,
			SIGKILL); /* without who answers there is nobody to ask */
		close(to_asker[1]);
		ask(&at, t, to_asker[0], from_asker[1]);
	}
	close(from_asker[1]);
	struct worker *w = make(t->tcp, fd, &epoch, rrl);
	const pthread_t thread = start(w);
	must(pipe_says(from_asker[0], 'w'), "the warm-up failed");
	own_lock();
	const bool told = syscall(SYS_write, to_asker[1], "g", 1) == 1;
	const bool done = told && pipe_says(from_asker[0], 'd');
	own_unlock();
	must(done, "the questions were not all answered");
	close(to_asker[1]);
	check_counts(t, w, world->steer);
	if (w->udp)
		udp_stop(w->udp);
	else
		stream_stop(w->stream);
	pthread_join(thread, NULL);
	_exit(0);
}

/* --- all trials --------------------------------------------------------------------------- */

static bool holds(const struct trial *t)
{
	int status = 0;

	fflush(NULL);
	const pid_t pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0)
		try(t);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == t->ends)
		return true;
	printf("FAILED: %s (%s %d)\n", t->claim, WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return false;
}

int main(void)
{
	static const struct trial trials[] = {
		{ "over UDP a worker writes to its own memory only", false, false, UNLIMITED,
			0 },
		{ "over TCP a worker writes to its own memory only", true, false, UNLIMITED,
			0 },
		{ "... and over UDP behind a proxy", false, true, UNLIMITED, 0 },
		{ "with response rate limiting, to its table, too", false, false, LIMITED, 0 },
		{ "... which is seen", false, false, LIMITED_AND_WATCHED, OWN_WRITTEN_AS_TOLD },
	};
	unsigned passed = 0, n = sizeof trials / sizeof *trials;

	for (unsigned i = 0; i < n; i++)
		passed += holds(&trials[i]);
	printf("shared: %u passed, %u failed\n", passed, n - passed);
	return passed != n;
}
