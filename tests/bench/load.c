/* load.c - asks a DNS server as fast as it answers, or at a pace, and tells what came of it.
 *
 * For measuring the server, so it leaves the server's account alone: it spins instead of
 * sleeping, since a sleeper is woken at the expense of whoever sends to it, and takes what it
 * asks ready-made from a file. A closed loop keeps a window of queries on their way on each of
 * several sockets; with -q they go out when they are due instead, and their latency counts from
 * then; with -N it does sleep, for a pace that is held for hours beside others, whose latency is no
 * measure. Ends by itself, whatever the server does. Writes one JSON object.
 *
 * The file of queries, one after the other: expected RCODE (a byte, 255 for any), expected
 * ANCOUNT (likewise), length (2 bytes, network order), message.
 */
#include "bench/lane.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LANES_MOST = 256,
	QUERY_MOST = 1000, /* bytes; 64 of them fit into a lane's queue */
	SECOND = 1000000000,
	GIVE_UP_NS = SECOND / 2,
	SWEEP_NS = SECOND / 10,
	SLACK_S = 20, /* how much longer than told this may run before it is ended */
	NAP_US = 500
};

struct options {
	struct lane_opts lane;
	bool tcp, naps;
	unsigned lanes;
	double seconds, rate; /* queries a second; 0: as fast as may be */
	const char *file;
};

struct load {
	struct options opts;
	struct lane_source source;
	struct lane *lanes[LANES_MOST];
	struct flight_tally tally;
	uint64_t begin, end, idle_ns;
};

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

/* --- what is asked ------------------------------------------------------------------------ */

static struct lane_source read_queries(const char *path)
{
	struct lane_source s = { 0 };
	struct flight_query *q = NULL;
	struct stat st;
	size_t room = 0;

	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("%s: %s", path, strerror(errno));
	const size_t len = (size_t)st.st_size;
	const uint8_t *bytes = len
		? mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
		: NULL;
	if (bytes == MAP_FAILED)
		fail("%s: %s", path, strerror(errno));
	close(fd);
	for (size_t at = 0; at < len; s.n++) {
		const size_t n = at + 4 <= len ? be16_get(bytes + at + 2) : 0;
		if (n < 12 || n > QUERY_MOST || at + 4 + n > len)
			fail("%s: byte %zu: no query of 12 to %d bytes", path, at, QUERY_MOST);
		if (s.n == room) {
			room = room ? room * 2 : 4096;
			q = realloc(q, room * sizeof *q);
			if (!q)
				fail("out of memory");
		}
		q[s.n] = (struct flight_query){ bytes + at + 4, (uint16_t)n, bytes[at],
			bytes[at + 1] };
		at += 4 + n;
	}
	if (!s.n)
		fail("%s: there are no queries", path);
	s.queries = q;
	return s;
}

/* --- asking ------------------------------------------------------------------------------- */

/* How many queries may go out now: all that the window has room for, or those that are due. */
static unsigned due_now(const struct load *l, uint64_t now)
{
	if (l->opts.rate <= 0)
		return LANE_BATCH;
	const double due = (double)(now - l->begin) / SECOND * l->opts.rate -
		(double)l->tally.sent;
	return due < 1 ? 0 : due > LANE_BATCH ? LANE_BATCH : (unsigned)due;
}

static bool send_some(struct load *l, struct lane *to, uint64_t now)
{
	const unsigned most = due_now(l, now);
	const double step = l->opts.rate > 0 ? SECOND / l->opts.rate : 0;
	uint64_t since = now;

	if (step > 0)
		since = l->begin + (uint64_t)((double)l->tally.sent * step);
	const unsigned n = most ? lane_send(to, &l->source, most, since, step) : 0;
	l->tally.sent += n;
	return n > 0;
}

/* What was given up counts, too: who is let run too seldom gives up much that is answered. */
static unsigned on_their_way(const struct load *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->opts.lanes; i++)
		n += lane_flight(l->lanes[i])->owed;
	return n;
}

static void sweep(struct load *l, uint64_t before)
{
	for (unsigned i = 0; i < l->opts.lanes; i++)
		lane_give_up(l->lanes[i], before, &l->tally);
}

static void run(struct load *l)
{
	uint64_t now = lane_now(), swept = now;

	l->begin = now;
	l->end = now + (uint64_t)(l->opts.seconds * SECOND);
	while (now < l->end || (on_their_way(l) && now < l->end + GIVE_UP_NS)) {
		bool busy = false;
		for (unsigned i = 0; i < l->opts.lanes; i++) {
			busy |= lane_receive(l->lanes[i], &l->tally);
			if (now < l->end)
				busy |= send_some(l, l->lanes[i], now);
		}
		const uint64_t then = now;
		now = lane_now();
		if (!busy)
			l->idle_ns += now - then;
		if (!busy && l->opts.naps)
			usleep(NAP_US);
		if (now - swept > SWEEP_NS) {
			swept = now;
			sweep(l, now - GIVE_UP_NS);
		}
	}
	sweep(l, UINT64_MAX);
}

/* --- telling ------------------------------------------------------------------------------ */

static void report(const struct load *l, double seconds)
{
	const struct flight_tally *t = &l->tally;
	const double answered = t->answered ? (double)t->answered : 1;

	printf("{ \"seconds\": %.4f, \"sent\": %lu, \"answered\": %lu, \"right\": %lu, "
	       "\"lost\": %lu, "
	       "\"stray\": %lu, \"refused\": %lu, \"qps\": %.1f, \"p50_us\": %.2f, \"p99_us\": "
	       "%.2f, \"p999_us\": %.2f, \"slowest_us\": %.2f, "
	       "\"bytes\": %.1f, \"idle\": %.4f }\n",
		l->opts.seconds, t->sent, t->answered, t->right, t->lost, t->stray, t->refused,
		(double)t->answered / l->opts.seconds, flight_quantile(t, 0.5) / 1e3,
		flight_quantile(t, 0.99) / 1e3, flight_quantile(t, 0.999) / 1e3, flight_quantile(t, 1) / 1e3,
		(double)t->bytes / answered,
		(double)l->idle_ns / SECOND / seconds);
}

/* --- options ------------------------------------------------------------------------------ */

static void usage(void)
{
	fputs("usage: load -d QUERIES -p PORT [options]\n"
	      "  -s ADDR     server's address (127.0.0.1)     -T       over TCP\n"
	      "  -n SOCKETS  or connections (4)               -w N     queries on their way on "
	      "each (48)\n"
	      "  -b N        queries sent together, at most 64 (64; over TCP 1)\n"
	      "  -t SECONDS  how long to ask (2)              -q RATE  queries a second, else "
	      "a closed loop\n"
	      "  -N          sleeps while nothing is due and nothing comes\n",
		stderr);
	exit(2);
}

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < least || n > most)
		fail("%s: not a number from %u to %u", text, least, most);
	return (unsigned)n;
}

static double quantity(const char *text)
{
	char *end;
	const double d = strtod(text, &end);

	if (end == text || *end || !(d > 0 && d < 1e9))
		fail("%s: not a number over 0", text);
	return d;
}

static void set_address(struct lane_opts *to, const char *host, unsigned port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to->to;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		to->to_len = sizeof *v4;
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		to->to_len = sizeof *v6;
	} else {
		fail("%s: not an IP address", host);
	}
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .lane.window = 48, .lanes = 4, .seconds = 2 };
	const char *host = "127.0.0.1";
	unsigned port = 0;
	int c;

	while ((c = getopt(argc, argv, "d:p:s:n:w:b:t:q:TN")) != -1)
		switch (c) {
		case 'd': o.file = optarg; break;
		case 'p': port = number(optarg, 1, 65535); break;
		case 's': host = optarg; break;
		case 'n': o.lanes = number(optarg, 1, LANES_MOST); break;
		case 'w': o.lane.window = number(optarg, 1, FLIGHT_MOST); break;
		case 'b': o.lane.together = number(optarg, 1, LANE_BATCH); break;
		case 't': o.seconds = quantity(optarg); break;
		case 'q': o.rate = quantity(optarg); break;
		case 'T': o.tcp = true; break;
		case 'N': o.naps = true; break;
		default: usage();
		}
	if (!o.file || !port || optind < argc)
		usage();
	if (!o.lane.together)
		o.lane.together = o.tcp ? 1 : LANE_BATCH;
	set_address(&o.lane, host, port);
	return o;
}

int main(int argc, char **argv)
{
	static struct load l;

	l.opts = read_options(argc, argv);
	l.source = read_queries(l.opts.file);
	l.source.next = (size_t)lane_now() % l.source.n; /* not the same ones in every round */
	for (unsigned i = 0; i < l.opts.lanes; i++) {
		l.lanes[i] = lane_open(&l.opts.lane, l.opts.tcp);
		if (!l.lanes[i])
			fail("cannot reach the server: %s", strerror(errno));
	}
	alarm((unsigned)l.opts.seconds + SLACK_S);
	run(&l);
	report(&l, (double)(lane_now() - l.begin) / SECOND);
	for (unsigned i = 0; i < l.opts.lanes; i++)
		lane_close(l.lanes[i]);
	free((void *)l.source.queries);
	return 0;
}
