/* router.c - the Internet of the laboratory: cities, and how long a packet takes between them.
 *
 *     lab_router CITY=PREFIX[,PREFIX...] ...
 *
 * For each city there is a network namespace of that name (ip-netns(8)); the router makes a
 * TUN device "wan" in it and carries packets from each to the others by their destination, each
 * after the delay of its way, unless it is lost there. Lines on standard input change that while it runs:
 *
 *     delay FROM TO MILLISECONDS      one way; 0 unless given
 *     loss FROM TO SHARE              of the packets, 0 to 1, drawn one by one; 0 unless given
 *
 * The end of the input ends it. "ready" on standard output says that all devices are there.
 * Kernels have this as tc-netem(8), when they have it.
 */
#include "base/addr.h"
#include "base/bytes.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { CITIES_MOST = 32, NETS_MOST = 4, PACKET_MOST = 2048, HELD_MOST = 1 << 16, BURST = 64 };

struct packet {
	int64_t due_ns;
	uint64_t number; /* packets that are due together leave as they came */
	int to;          /* city */
	size_t len;
	uint8_t bytes[];
};

struct router {
	struct city {
		const char *name;
		int tun;
		struct prefix nets[NETS_MOST];
		unsigned n_nets;
	} city[CITIES_MOST];
	int n;
	int64_t delay_ns[CITIES_MOST][CITIES_MOST];
	double loss[CITIES_MOST][CITIES_MOST];
	struct packet *held[HELD_MOST]; /* a heap, the first to leave on top */
	size_t n_held;
	uint64_t numbers;
};

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "lab_router: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- packets that wait -------------------------------------------------------------------- */

static bool leaves_before(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void hold(struct router *r, struct packet *p)
{
	size_t at = r->n_held++;

	for (; at && leaves_before(p, r->held[(at - 1) / 2]); at = (at - 1) / 2)
		r->held[at] = r->held[(at - 1) / 2];
	r->held[at] = p;
}

static struct packet *take_first(struct router *r)
{
	struct packet *first = r->held[0], *last = r->held[--r->n_held];
	size_t at = 0;

	for (size_t child = 1; child < r->n_held; child = 2 * at + 1) {
		if (child + 1 < r->n_held && leaves_before(r->held[child + 1], r->held[child]))
			child++;
		if (!leaves_before(r->held[child], last))
			break;
		r->held[at] = r->held[child];
		at = child;
	}
	r->held[at] = last;
	return first;
}

/* --- the way of a packet ------------------------------------------------------------------ */

static int city_of(const struct router *r, const uint8_t *bytes, size_t len)
{
	struct addr to;

	if (len >= 20 && bytes[0] >> 4 == 4)
		to = addr_from_v4(bytes + 16);
	else if (len >= 40 && bytes[0] >> 4 == 6)
		memcpy(to.b, bytes + 24, sizeof to.b);
	else
		return -1;
	for (int i = 0; i < r->n; i++)
		for (unsigned k = 0; k < r->city[i].n_nets; k++)
			if (prefix_has(&r->city[i].nets[k], &to))
				return i;
	return -1;
}

/* A few at a time; what goes nowhere is lost, as it is out there. */
static void take_in(struct router *r, int from)
{
	uint8_t bytes[PACKET_MOST];

	for (unsigned i = 0; i < BURST; i++) {
		const ssize_t n = read(r->city[from].tun, bytes, sizeof bytes);
		const int to = n > 0 ? city_of(r, bytes, (size_t)n) : -1;
		if (n <= 0)
			return;
		if (to < 0 || r->n_held == HELD_MOST || drand48() < r->loss[from][to])
			continue;
		struct packet *p = memory_zeroed(1, sizeof *p + (size_t)n);
		p->due_ns = now_ns() + r->delay_ns[from][to];
		p->number = r->numbers++;
		p->to = to;
		p->len = (size_t)n;
		memcpy(p->bytes, bytes, p->len);
		hold(r, p);
	}
}

static void let_out(struct router *r)
{
	while (r->n_held && r->held[0]->due_ns <= now_ns()) {
		struct packet *p = take_first(r);
		if (write(r->city[p->to].tun, p->bytes, p->len) < 0 && errno != EIO)
			perror("lab_router: write");
		free(p);
	}
}

/* --- commands ----------------------------------------------------------------------------- */

static int find_city(const struct router *r, const char *name)
{
	for (int i = 0; i < r->n; i++)
		if (strcmp(r->city[i].name, name) == 0)
			return i;
	return -1;
}

static void obey(struct router *r, const char *line)
{
	char from[32], to[32];
	double ms, share;

	if (sscanf(line, "delay %31s %31s %lf", from, to, &ms) == 3) {
		const int a = find_city(r, from), b = find_city(r, to);
		if (a >= 0 && b >= 0 && ms >= 0 && ms < 10000) {
			r->delay_ns[a][b] = (int64_t)(ms * 1e6);
			return;
		}
	}
	if (sscanf(line, "loss %31s %31s %lf", from, to, &share) == 3) {
		const int a = find_city(r, from), b = find_city(r, to);
		if (a >= 0 && b >= 0 && share >= 0 && share <= 1) {
			r->loss[a][b] = share;
			return;
		}
	}
	fprintf(stderr, "lab_router: not understood: %s\n", line);
}

/* False at the end of the input. */
static bool read_commands(struct router *r)
{
	static char text[4096];
	static size_t len;
	const ssize_t n = read(0, text + len, sizeof text - 1 - len);

	if (n <= 0)
		return false;
	len += (size_t)n;
	text[len] = 0;
	char *line = text, *end;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		obey(r, line);
		line = end + 1;
	}
	len = strlen(line);
	memmove(text, line, len + 1);
	return true;
}

/* --- devices ------------------------------------------------------------------------------ */

/* The device belongs to the namespace that we are in when it is made; its descriptor is ours
 * wherever we go. */
static int open_tun(const char *city)
{
	struct ifreq dev = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[256];

	snprintf(path, sizeof path, "/run/netns/%s", city);
	const int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		fail("cannot enter the namespace", path);
	close(ns);
	const int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	strcpy(dev.ifr_name, "wan");
	if (tun < 0 || ioctl(tun, TUNSETIFF, &dev) != 0)
		fail("no TUN device for", city);
	return tun;
}

static void add_city(struct router *r, char *word)
{
	struct city *c = &r->city[r->n++];
	struct fault why;
	char *save;

	c->name = strtok_r(word, "=", &save);
	for (char *net; (net = strtok_r(NULL, ",", &save)) && c->n_nets < NETS_MOST;
		c->n_nets++)
		if (!prefix_parse(&c->nets[c->n_nets], net, &why)) {
			fprintf(stderr, "lab_router: %s\n", why.text);
			exit(2);
		}
	c->tun = open_tun(c->name);
}

static void carry(struct router *r)
{
	struct pollfd fds[CITIES_MOST + 1];

	for (int i = 0; i < r->n; i++)
		fds[i] = (struct pollfd){ .fd = r->city[i].tun, .events = POLLIN };
	fds[r->n] = (struct pollfd){ .fd = 0, .events = POLLIN };
	for (;;) {
		const int64_t left = r->n_held ? r->held[0]->due_ns - now_ns() : 0;
		const struct timespec wait = { left > 0 ? left / 1000000000 : 0,
			left > 0 ? left % 1000000000 : 0 };
		ppoll(fds, (nfds_t)r->n + 1, r->n_held ? &wait : NULL, NULL);
		for (int i = 0; i < r->n; i++)
			if (fds[i].revents)
				take_in(r, i);
		let_out(r);
		if (fds[r->n].revents && !read_commands(r))
			return;
	}
}

int main(int argc, char **argv)
{
	static struct router r;

	if (argc < 2 || argc > CITIES_MOST + 1) {
		fprintf(stderr, "usage: lab_router CITY=PREFIX[,PREFIX...] ...\n");
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1ul);
	for (int i = 1; i < argc; i++)
		add_city(&r, argv[i]);
	puts("ready");
	fflush(stdout);
	carry(&r);
	return 0;
}
