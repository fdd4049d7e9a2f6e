#include "net/worker.h"

#include "unit/failing.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SOON_MS = 20000 };

static const char mail[] = "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -";

static struct serving s;

static struct net_opts usual(const struct net_address *at, size_t n)
{
	return (struct net_opts){ .listen = at,
		.n = n,
		.workers = 2,
		.batch = 8,
		.tcp_clients = 10,
		.tcp_clients_per_net = 10,
		.tcp_idle_ms = 3600000 };
}

static struct workers *open_workers(const struct net_opts *opts)
{
	struct fault why;
	struct workers *w = workers_open(opts, &s.epoch, NULL, &why);

	if (!w)
		printf("%s\n", why.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

static const char *tcp_answer(int fd)
{
	uint8_t b[ASKING_PACKET + 2], reply[2 + 46];
	const size_t len = asking_packet(b + 2, "mail A");

	be16_put(b, (unsigned)len);
	send(fd, b, len + 2, MSG_NOSIGNAL);
	if (recv(fd, reply, sizeof reply, MSG_WAITALL) != sizeof reply)
		return "closed";
	return asking_text(&s.x, reply + 2, sizeof reply - 2);
}

static void take(void *ctx, const struct sample *one)
{
	unsigned *n = ctx;

	n[one->client.b[12] == 127]++;
}

static void every_address_is_served_over_udp_and_tcp(void)
{
	struct workers_report r;
	unsigned told[2] = { 0, 0 };
	struct fault why;

	serving_open(&s);
	const struct net_address at[] = { serving_address("127.0.0.1"),
		serving_address("[::1]") };
	const struct net_opts opts = usual(at, 2);
	struct workers *w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	for (unsigned k = 0; k < 4; k++)
		for (unsigned i = 0; i < 2; i++) {
			const int udp = serving_connect(&at[i], SOCK_DGRAM, NULL),
				  tcp = serving_connect(&at[i], SOCK_STREAM, NULL);
			CU_ASSERT_STRING_EQUAL(serving_udp(&s, udp, "mail A", SOON_MS), mail);
			CU_ASSERT_STRING_EQUAL(tcp_answer(tcp), mail);
			CU_ASSERT_PTR_NOT_NULL(
				strstr(serving_udp(&s, udp, "www A ecs=3.0.1.0/24", SOON_MS),
					"192.0.2.4"));
			workers_report(w, &r);
			CU_ASSERT_EQUAL(r.tcp_clients, 1);
			close(udp);
			close(tcp);
			do {
				usleep(1000);
				workers_report(w, &r);
			} while (r.tcp_clients);
		}
	/* Two workers, each with a thread an address and one for TCP. */
	CU_ASSERT_EQUAL(r.threads, 2 * 3);
	CU_ASSERT_EQUAL(r.sum.queries[VIA_UDP], 16);
	CU_ASSERT_EQUAL(r.sum.queries[VIA_TCP], 8);
	CU_ASSERT_EQUAL(r.sum.tcp_connections, 8);
	CU_ASSERT_EQUAL(r.sum.steered, 8);
	CU_ASSERT_EQUAL(r.sum.rcode[RCODE_NOERROR], 24);
	workers_samples(w, take, told);
	CU_ASSERT_EQUAL(told[0], 8);
	CU_ASSERT_EQUAL(told[1], 0);
	workers_samples(w, take, told);
	CU_ASSERT_EQUAL(told[0], 8);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_PTR_NOT_NULL(workers_counts(w, i));
	CU_ASSERT_PTR_NULL(workers_counts(w, 6));
	workers_stop(w);
	serving_close(&s);
}

/* Ten clients in all are five a worker. */
static void workers_share_the_limits_of_clients(void)
{
	enum { MANY = 64 }; /* spread by a hash: of so many both have more than their share */
	int fd[MANY];
	struct workers_report r;
	struct fault why;

	serving_open(&s);
	const struct net_address at = serving_address("127.0.0.1");
	struct net_opts opts = usual(&at, 1);
	opts.tcp_clients = 9; /* 5 and 5 */
	opts.tcp_clients_per_net = 100;
	struct workers *w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	for (unsigned i = 0; i < MANY; i++) {
		fd[i] = serving_connect(&at, SOCK_STREAM, NULL);
		CU_ASSERT_STRING_EQUAL(tcp_answer(fd[i]), mail);
		workers_report(w, &r);
		CU_ASSERT_TRUE(r.tcp_clients <= 10);
	}
	CU_ASSERT_EQUAL(r.tcp_clients, 10);
	for (unsigned i = 0; i < MANY; i++)
		close(fd[i]);
	workers_stop(w);
	/* Of a net. */
	opts.tcp_clients = 100;
	opts.tcp_clients_per_net = 3; /* 2 and 2 */
	w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	for (unsigned i = 0; i < MANY; i++) {
		fd[i] = serving_connect(&at, SOCK_STREAM, NULL);
		CU_ASSERT_STRING_EQUAL(tcp_answer(fd[i]), mail);
	}
	workers_report(w, &r);
	CU_ASSERT_EQUAL(r.tcp_clients, 4);
	for (unsigned i = 0; i < MANY; i++)
		close(fd[i]);
	workers_stop(w);
	serving_close(&s);
}

static void idle_clients_are_closed(void)
{
	struct fault why;
	uint8_t b;

	serving_open(&s);
	const struct net_address at = serving_address("127.0.0.1");
	struct net_opts opts = usual(&at, 1);
	opts.tcp_idle_ms = 50;
	struct workers *w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	const int fd = serving_connect(&at, SOCK_STREAM, NULL);
	CU_ASSERT_EQUAL(recv(fd, &b, 1, 0), 0);
	close(fd);
	workers_stop(w);
	serving_close(&s);
}

static void an_address_that_is_taken_opens_nothing(void)
{
	struct fault why;

	serving_open(&s);
	const struct net_address at[] = { serving_address("127.0.0.1"),
		serving_address("127.0.0.1") };
	const struct net_opts opts = usual(at, 2);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&at[1].sa, at[1].len), 0);
	CU_ASSERT_PTR_NULL(workers_open(&opts, &s.epoch, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "another server has it"));
	close(fd);
	/* TCP alone. */
	const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(tcp, (const struct sockaddr *)&at[1].sa, at[1].len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(tcp, 1), 0);
	CU_ASSERT_PTR_NULL(workers_open(&opts, &s.epoch, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "(TCP)"));
	close(tcp);
	struct workers *w = open_workers(&opts);
	workers_stop(w); /* never started */
	serving_close(&s);
}

static void without_a_thread_nothing_starts(void)
{
	struct fault why;

	serving_open(&s);
	const struct net_address at = serving_address("127.0.0.1");
	const struct net_opts opts = usual(&at, 1);
	struct workers *w = open_workers(&opts);
	failing_threads(true);
	CU_ASSERT_FALSE(workers_start(w, &why));
	failing_threads(false);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "cannot start a thread: "));
	workers_stop(w);
	serving_close(&s);
}

/* What each of our threads may run on and which signals it has blocked, of those whose id is
 * none of `before`. */
static unsigned look_at_threads(const char *field, char to[8][100])
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) != getpid() && n < 8) {
			char path[300], line[200];
			snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
			FILE *f = fopen(path, "re");
			while (f && fgets(line, sizeof line, f))
				if (strncmp(line, field, strlen(field)) == 0)
					snprintf(to[n], 100, "%.90s", line + strlen(field));
			if (f)
				fclose(f);
			n++;
		}
	closedir(d);
	return n;
}

static void threads_are_pinned_and_take_no_signals(void)
{
	cpu_set_t set;
	struct fault why;
	char masks[8][100], signals[8][100];
	unsigned first = 0;
	/* What ends or wakes the control thread. */
	const unsigned long long mine_all = 1ull << (SIGHUP - 1) | 1ull << (SIGINT - 1) |
		1ull << (SIGTERM - 1);

	serving_open(&s);
	sched_getaffinity(0, sizeof set, &set);
	while (!CPU_ISSET(first, &set))
		first++;
	const struct net_address at = serving_address("127.0.0.1");
	struct net_opts opts = usual(&at, 1);
	opts.pin = true;
	opts.cpus = &first;
	opts.n_cpus = 1;
	struct workers *w = open_workers(&opts);
	char mine[100];
	snprintf(mine, sizeof mine, "\t%u\n", first);
	const unsigned others = look_at_threads("Cpus_allowed_list:", masks);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	const unsigned n = look_at_threads("Cpus_allowed_list:", masks);
	CU_ASSERT_EQUAL(n, others + 4);
	unsigned pinned = 0, deaf = 0;
	for (unsigned i = 0; i < n; i++)
		pinned += strcmp(masks[i], mine) == 0;
	look_at_threads("SigBlk:", signals);
	for (unsigned i = 0; i < n; i++)
		deaf += (strtoull(signals[i], NULL, 16) & mine_all) == mine_all;
	CU_ASSERT_TRUE(pinned >= 4);
	CU_ASSERT_TRUE(deaf >= 4);
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CU_ASSERT_FALSE(sigismember(&now, SIGTERM));
	workers_stop(w);
	/* Nobody runs on a processor that is not there. */
	opts.cpus = &(unsigned){ 1023 };
	CU_ASSERT_PTR_NULL(workers_open(&opts, &s.epoch, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(why.text, "server: cpus: we may not run on processor 1023"));
	/* Without a list each has the next of those that there are. */
	opts.n_cpus = 0;
	opts.workers = (unsigned)CPU_COUNT(&set) < 3 ? (unsigned)CPU_COUNT(&set) : 3;
	w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	const unsigned all = look_at_threads("Cpus_allowed_list:", masks);
	for (unsigned k = 0, cpu = first; k < opts.workers; k++, cpu++) {
		while (!CPU_ISSET(cpu, &set))
			cpu++;
		snprintf(mine, sizeof mine, "\t%u\n", cpu);
		pinned = 0;
		for (unsigned i = 0; i < all; i++)
			pinned += strcmp(masks[i], mine) == 0;
		CU_ASSERT_TRUE(pinned >= 2);
	}
	workers_stop(w);
	/* Nor is anybody pinned who need not be. */
	opts.pin = false;
	opts.workers = 1;
	w = open_workers(&opts);
	CU_ASSERT_TRUE_FATAL(workers_start(w, &why));
	workers_stop(w);
	serving_close(&s);
}

static void as_many_workers_as_processors(void)
{
	struct workers_report r;
	cpu_set_t set;

	serving_open(&s);
	sched_getaffinity(0, sizeof set, &set);
	const struct net_address at = serving_address("127.0.0.1");
	struct net_opts opts = usual(&at, 1);
	opts.workers = 0;
	struct workers *w = open_workers(&opts);
	workers_report(w, &r);
	CU_ASSERT_EQUAL(r.threads, 2 * (unsigned)CPU_COUNT(&set));
	workers_stop(w);
	serving_close(&s);
}

static void open_and_stop(void *ctx)
{
	workers_stop(open_workers(ctx));
}

/* 128 files are kept, and for each worker two an address and five. */
static void no_more_clients_are_promised_than_files_allow(void)
{
	struct rlimit before, r;
	char text[1000];

	serving_open(&s);
	const struct net_address at = serving_address("127.0.0.1");
	struct net_opts opts = usual(&at, 1);
	opts.tcp_clients = 1000;
	getrlimit(RLIMIT_NOFILE, &before);
	r = before;
	r.rlim_cur = 1000 + 128 + 2 * 7;
	if (r.rlim_cur > r.rlim_max)
		return;
	setrlimit(RLIMIT_NOFILE, &r);
	CU_ASSERT_STRING_EQUAL(serving_log(text, sizeof text, open_and_stop, &opts), "");
	r.rlim_cur--;
	setrlimit(RLIMIT_NOFILE, &r);
	serving_log(text, sizeof text, open_and_stop, &opts);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
		"tcp-clients: 1000 are wanted, but with 1141 open files there is room for "
		"999"));
	/* One a worker in any case. */
	r.rlim_cur = 144;
	setrlimit(RLIMIT_NOFILE, &r);
	serving_log(text, sizeof text, open_and_stop, &opts);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "144 open files there is room for 2 "));
	setrlimit(RLIMIT_NOFILE, &before);
	serving_close(&s);
}

static const struct unit_case cases[] = {
	{ "every address is served, over UDP and TCP",
		every_address_is_served_over_udp_and_tcp },
	{ "workers share the limits of clients", workers_share_the_limits_of_clients },
	{ "idle clients are closed", idle_clients_are_closed },
	{ "an address that is taken opens nothing", an_address_that_is_taken_opens_nothing },
	{ "without a thread nothing starts", without_a_thread_nothing_starts },
	{ "threads are pinned, and take no signals", threads_are_pinned_and_take_no_signals },
	{ "as many workers as processors", as_many_workers_as_processors },
	{ "no more clients are promised than files allow",
		no_more_clients_are_promised_than_files_allow },
};

void suite_worker(void);
void suite_worker(void)
{
	unit_suite("net/worker", cases, UNIT_COUNT(cases));
}
