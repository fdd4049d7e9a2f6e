#include "web/manage_tls.h"

#include "net/tls.h"
#include "unit/certs.h"
#include "unit/unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TAKEN_MOST = 16, PATIENCE_S = 60 };

/* The listener, its front, and what HTTP would be handed. */
struct desk {
	int listener;
	struct sockaddr_in at;
	struct manage_tls *front;
	bool refuses; /* atomic */
	sem_t came;   /* posted once for each in `taken` */
	int taken[TAKEN_MOST];
	unsigned n, seen;
};

static struct certs certs, client_certs;
static struct tls *tls;

static int open_all(void)
{
	static struct tls_tickets tickets;
	struct fault why;

	signal(SIGPIPE, SIG_IGN);
	certs_open(&client_certs);
	certs_make(&client_certs, "client", "client.example", -60, 3600);
	certs_open(&certs);
	certs_make(&certs, "ns1", "ns1.example", -60, 3600);
	tls_tickets_rotate(&tickets, 0);
	tls = tls_new(&(struct tls_opts){ .pairs = &(struct tls_pair){ certs.cert, certs.key },
			      .n = 1,
			      .clients = client_certs.cert,
			      .tickets = &tickets },
		&why);
	return tls == NULL;
}

static int close_all(void)
{
	tls_drop(tls);
	certs_close(&certs);
	certs_close(&client_certs);
	return 0;
}

/* On the front's thread. */
static bool take(void *ctx, int fd, const struct sockaddr *from, socklen_t len)
{
	struct desk *d = ctx;

	(void)len;
	if (__atomic_load_n(&d->refuses, __ATOMIC_SEQ_CST) || d->n == TAKEN_MOST || from->sa_family != AF_INET) {
		close(fd);
		return false;
	}
	d->taken[d->n++] = fd;
	sem_post(&d->came);
	return true;
}

static void open_desk(struct desk *d)
{
	socklen_t len = sizeof d->at;

	*d = (struct desk){ .at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	sem_init(&d->came, 0, 0);
	d->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(d->listener, (struct sockaddr *)&d->at, len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(d->listener, 16), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(d->listener, (struct sockaddr *)&d->at, &len), 0);
	d->front = manage_tls_new(d->listener, take, d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->front);
	manage_tls_show(d->front, tls);
	CU_ASSERT_TRUE_FATAL(manage_tls_start(d->front));
}

static void close_desk(struct desk *d)
{
	manage_tls_stop(d->front);
	manage_tls_free(d->front);
	close(d->listener);
	sem_destroy(&d->came);
}

/* For at most so long a call. */
static int connect_to(const struct desk *d)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (const struct sockaddr *)&d->at, sizeof d->at), 0);
	return fd;
}

static int taken(struct desk *d)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	CU_ASSERT_EQUAL_FATAL(sem_timedwait(&d->came, &until), 0);
	return d->taken[d->seen++];
}

/* Of the end that HTTP has, which does not block: so many bytes, or until it ends. */
static size_t receive(int fd, char *to, size_t len)
{
	size_t n = 0;

	while (n < len) {
		struct pollfd p = { fd, POLLIN, 0 };
		CU_ASSERT_EQUAL_FATAL(poll(&p, 1, PATIENCE_S * 1000), 1);
		const ssize_t got = recv(fd, to + n, len - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

/* A client that is turned away at any time before its handshake is done. */
static bool is_turned_away(struct desk *d)
{
	const int fd = connect_to(d);
	SSL *ssl = certs_client(fd, &(struct certs_client){ .dns = NULL });
	const bool is = SSL_connect(ssl) != 1;

	SSL_free(ssl);
	close(fd);
	return is;
}

static void what_is_said_goes_through_both_ways(void)
{
	enum { LARGE = 1 << 20 };
	static struct desk d;
	char said[5], *all = malloc(LARGE), *got = malloc(LARGE);
	size_t sent = 0, n = 0;

	CU_ASSERT_FATAL(all && got);
	open_desk(&d);
	const int fd = connect_to(&d);
	SSL *ssl = certs_client(fd, &(struct certs_client){ .dns = NULL });
	CU_ASSERT_EQUAL_FATAL(SSL_connect(ssl), 1);
	const int inside = taken(&d);
	CU_ASSERT_EQUAL(SSL_write(ssl, "hello", 5), 5);
	CU_ASSERT(receive(inside, said, 5) == 5 && memcmp(said, "hello", 5) == 0);
	for (size_t i = 0; i < LARGE; i++)
		all[i] = (char)(i ^ i >> 8 ^ i >> 16);
	while (n < LARGE) { /* some of it is always on its way */
		const ssize_t more = sent < LARGE ? send(inside, all + sent, LARGE - sent, MSG_DONTWAIT) : 0;
		sent += more > 0 ? (size_t)more : 0;
		const int k = SSL_read(ssl, got + n, (int)(LARGE - n));
		CU_ASSERT_TRUE_FATAL(k > 0);
		n += (size_t)k;
	}
	CU_ASSERT_EQUAL(memcmp(all, got, LARGE), 0);
	close(inside);
	CU_ASSERT_TRUE(SSL_read(ssl, got, 1) <= 0); /* HTTP has done with it */
	SSL_free(ssl);
	close(fd);
	close_desk(&d);
	free(all);
	free(got);
}

static void a_client_that_has_said_all_still_hears(void)
{
	static struct desk d;
	char said[8];

	open_desk(&d);
	const int fd = connect_to(&d);
	SSL *ssl = certs_client(fd, &(struct certs_client){ .dns = NULL });
	CU_ASSERT_EQUAL_FATAL(SSL_connect(ssl), 1);
	CU_ASSERT_EQUAL(SSL_write(ssl, "all", 3), 3);
	CU_ASSERT_TRUE(SSL_shutdown(ssl) >= 0);
	const int inside = taken(&d);
	CU_ASSERT(receive(inside, said, sizeof said) == 3 && memcmp(said, "all", 3) == 0); /* and its end */
	CU_ASSERT_EQUAL(send(inside, "well", 4, MSG_NOSIGNAL), 4);
	close(inside);
	CU_ASSERT(SSL_read(ssl, said, sizeof said) == 4 && memcmp(said, "well", 4) == 0);
	SSL_free(ssl);
	close(fd);
	close_desk(&d);
}

static void who_a_client_is_stands_in_his_certificate(void)
{
	static struct desk d;
	char said[2];
	int pair[2];

	open_desk(&d);
	const int fd = connect_to(&d), other = connect_to(&d);
	SSL *ssl = certs_client(fd, &(struct certs_client){ .own = &client_certs }),
	    *nobody = certs_client(other, &(struct certs_client){ .own = NULL });
	const int first = taken(&d), second = taken(&d);
	CU_ASSERT_FALSE(manage_tls_is(d.front, first, "client.example")); /* nothing is shown yet */
	CU_ASSERT_FALSE(manage_tls_is(d.front, second, "client.example"));
	CU_ASSERT_EQUAL_FATAL(SSL_connect(ssl), 1);
	CU_ASSERT_EQUAL_FATAL(SSL_connect(nobody), 1);
	CU_ASSERT(SSL_write(ssl, "a", 1) == 1 && SSL_write(nobody, "b", 1) == 1);
	CU_ASSERT(receive(first, said, 1) == 1 && receive(second, said + 1, 1) == 1);
	/* They came in the order in which they connected. */
	CU_ASSERT(said[0] == 'a' && said[1] == 'b');
	CU_ASSERT_TRUE(manage_tls_is(d.front, first, "client.example"));
	CU_ASSERT_FALSE(manage_tls_is(d.front, first, "client.exampl"));
	CU_ASSERT_FALSE(manage_tls_is(d.front, second, "client.example"));
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CU_ASSERT_FALSE(manage_tls_is(d.front, pair[0], "client.example")); /* no end of ours */
	CU_ASSERT_FALSE(manage_tls_is(d.front, -1, "client.example"));
	close(pair[0]);
	close(pair[1]);
	close(first);
	close(second);
	SSL_free(ssl);
	SSL_free(nobody);
	close(fd);
	close(other);
	close_desk(&d);
}

static void who_cannot_be_served_is_hung_up_on(void)
{
	static const char plain[] = "GET / HTTP/1.1\r\nHost: ns1.example\r\n\r\n";
	static struct desk d;
	char bytes[100];

	open_desk(&d);
	/* HTTP closes before there was a word. */
	int fd = connect_to(&d);
	close(taken(&d));
	CU_ASSERT_EQUAL(recv(fd, bytes, sizeof bytes, 0), 0);
	close(fd);
	/* It is not TLS. */
	fd = connect_to(&d);
	CU_ASSERT_EQUAL(send(fd, plain, sizeof plain - 1, 0), sizeof plain - 1);
	const int inside = taken(&d);
	CU_ASSERT_EQUAL(receive(inside, bytes, sizeof bytes), 0);
	close(inside);
	close(fd);
	/* There is no certificate to show; and there is one again. */
	manage_tls_show(d.front, NULL);
	CU_ASSERT_TRUE(is_turned_away(&d));
	close(taken(&d));
	manage_tls_show(d.front, tls);
	CU_ASSERT_FALSE(is_turned_away(&d));
	close(taken(&d));
	/* HTTP does not want it. */
	__atomic_store_n(&d.refuses, true, __ATOMIC_SEQ_CST);
	CU_ASSERT_TRUE(is_turned_away(&d));
	close_desk(&d);
}

static void what_is_open_ends_with_it(void)
{
	static struct desk d;
	char byte;

	open_desk(&d);
	const int fd = connect_to(&d), inside = taken(&d);
	close_desk(&d);
	CU_ASSERT_EQUAL(recv(fd, &byte, 1, 0), 0);
	CU_ASSERT_EQUAL(recv(inside, &byte, 1, 0), 0);
	close(fd);
	close(inside);
}

void suite_manage_tls(void)
{
	static const struct unit_case cases[] = {
		{ "what is said goes through, both ways", what_is_said_goes_through_both_ways },
		{ "a client that has said all still hears", a_client_that_has_said_all_still_hears },
		{ "who a client is stands in his certificate", who_a_client_is_stands_in_his_certificate },
		{ "who cannot be served is hung up on", who_cannot_be_served_is_hung_up_on },
		{ "what is open ends with it", what_is_open_ends_with_it },
	};

	unit_suite_with("web/manage_tls", cases, UNIT_COUNT(cases), open_all, close_all);
}
