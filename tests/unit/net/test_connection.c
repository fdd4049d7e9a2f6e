#include "net/stream.h"

#include "unit/certs.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "net/stream_inner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Connections that begin with TLS, or carry HTTP; a stream that turns when the test says so, and one client. */
enum { HOUR_MS = 3600000, PATIENCE_MS = 20000 };

static const char mail[] = "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -";
static struct serving s;
static struct certs certs, client_certs;
static struct tls_tickets tickets;
static struct tls *tls;
static struct stream *stream;
static int client_fd;
static SSL *client;

static int open_all(void)
{
	struct fault why;

	signal(SIGPIPE, SIG_IGN);
	serving_open(&s);
	epoch_join();
	certs_open(&certs);
	certs_open(&client_certs);
	certs_make(&client_certs, "client", "ns2.example", -60, 3600);
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
	epoch_leave();
	serving_close(&s);
	return 0;
}

/* The stream's thread takes it up in its next turn. */
static void show_tls(void)
{
	stream_set_tls(stream, tls);
	stream_turn(stream);
}

static void start(bool with_tls)
{
	stream = stream_new(NULL, 0, &s.epoch,
		&(struct stream_opts){ .clients = 10,
			.clients_per_net = 10,
			.idle_ms = HOUR_MS,
			.handshake_ms = HOUR_MS,
			.handshakes = 10,
			.handshakes_per_net = 10 });
	if (with_tls)
		show_tls();
}

static void come(enum net_kind kind)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc6336401), .sin_port = htons(4711) };
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	stream_adopt(stream, pair[0], (struct sockaddr *)&from, kind, "/dns-query");
	client_fd = pair[1];
}

static void go(void)
{
	if (client)
		SSL_set_shutdown(client, SSL_SENT_SHUTDOWN); /* else its session is resumed by nobody */
	SSL_free(client);
	client = NULL;
	close(client_fd);
	for (unsigned i = 0; i < 20; i++)
		stream_turn(stream);
}

static void stop(void)
{
	CU_ASSERT_EQUAL(stream_clients(stream), 0);
	stream_free(stream);
}

/* Both go on in turns until the client is through with it: true when it was taken in. */
static bool shakes(const struct certs_client *opts)
{
	const uint64_t end = clock_us() + PATIENCE_MS * 1000ull;

	client = certs_client(client_fd, opts);
	for (;;) {
		const int n = SSL_do_handshake(client);
		const int why = SSL_get_error(client, n);
		if (n == 1 || (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) || clock_us() > end)
			return n == 1;
		stream_turn(stream);
	}
}

/* So many bytes of what is in TLS; false when it ends before. */
static bool get(uint8_t *to, size_t n)
{
	const uint64_t end = clock_us() + PATIENCE_MS * 1000ull;

	for (size_t have = 0; have < n;) {
		const int got = SSL_read(client, to + have, (int)(n - have));
		if (got <= 0 && (SSL_get_error(client, got) != SSL_ERROR_WANT_READ || clock_us() > end))
			return false;
		have += got > 0 ? (size_t)got : 0;
		stream_turn(stream);
	}
	return true;
}

static const char *answer_to(const char *question)
{
	static uint8_t b[65536];
	const size_t len = asking_packet(b + 2, question);

	be16_put(b, (unsigned)len);
	CU_ASSERT_EQUAL(SSL_write(client, b, (int)len + 2), (int)len + 2);
	if (!get(b, 2) || !get(b + 2, be16_get(b)))
		return "closed";
	return asking_text(&s.x, b + 2, be16_get(b));
}

static bool ends(void)
{
	const uint64_t end = clock_us() + PATIENCE_MS * 1000ull;
	ssize_t n;
	char b[100];

	do {
		stream_turn(stream);
		n = recv(client_fd, b, sizeof b, MSG_DONTWAIT);
	} while ((n > 0 || (n < 0 && errno == EAGAIN)) && clock_us() < end);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void handshakes_are_counted_and_queries_in_them_answered(void)
{
	const struct stats *n;

	start(true);
	n = stream_stats(stream);
	come(NET_TLS);
	CU_ASSERT_TRUE_FATAL(shakes(&(struct certs_client){ .alpn = "\3dot", .dns = "ns1.example" }));
	CU_ASSERT_STRING_EQUAL(answer_to("mail A"), mail);
	CU_ASSERT_STRING_EQUAL(answer_to("mail A"), mail);
	CU_ASSERT(n->tls_handshakes == 1 && n->tls_resumed == 0 && n->tls_failed == 0);
	CU_ASSERT(n->queries[VIA_TLS] == 2 && n->queries[VIA_TCP] == 0 && n->queries[VIA_HTTPS] == 0);
	SSL_SESSION *session = SSL_get1_session(client);
	go();
	come(NET_TLS);
	CU_ASSERT_TRUE_FATAL(shakes(&(struct certs_client){ .alpn = "\3dot", .dns = "ns1.example", .session = session }));
	CU_ASSERT_STRING_EQUAL(answer_to("mail A"), mail);
	CU_ASSERT(n->tls_handshakes == 2 && n->tls_resumed == 1 && n->tls_failed == 0);
	SSL_SESSION_free(session);
	go();
	stop();
}

/* What is spoken inside is as the listener has it, and nothing else is agreed upon. */
static void each_listener_speaks_its_own(void)
{
	static const struct {
		enum net_kind kind;
		const char *alpn;
		bool taken;
		const char *speaks;
	} row[] = { { NET_TLS, "\3dot", true, "dot" }, { NET_TLS, "\2h2", false, "" }, { NET_TLS, NULL, true, "" },
		{ NET_HTTPS, "\2h2", true, "h2" }, { NET_HTTPS, "\10http/1.1", true, "http/1.1" },
		{ NET_HTTPS, "\3dot", false, "" }, { NET_HTTPS, NULL, true, "" } };

	start(true);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned char *name = NULL;
		unsigned len = 0;
		const uint64_t failed = stream_stats(stream)->tls_failed, made = stream_stats(stream)->tls_handshakes;
		come(row[i].kind);
		CU_ASSERT_EQUAL(shakes(&(struct certs_client){ .alpn = row[i].alpn }), row[i].taken);
		SSL_get0_alpn_selected(client, &name, &len);
		CU_ASSERT(len == strlen(row[i].speaks) && memcmp(name ? (const char *)name : "", row[i].speaks, len) == 0);
		for (unsigned k = 0; k < 5; k++)
			stream_turn(stream);
		CU_ASSERT_EQUAL(stream_clients(stream), row[i].taken);
		CU_ASSERT_EQUAL(stream_stats(stream)->tls_handshakes, made + row[i].taken);
		CU_ASSERT_EQUAL(stream_stats(stream)->tls_failed, failed + !row[i].taken);
		go();
	}
	stop();
}

static void http_in_tls_is_that_version_which_was_agreed_upon(void)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	uint8_t b[300], packet[ASKING_PACKET];
	char head[200];

	start(true);
	come(NET_HTTPS);
	CU_ASSERT_TRUE_FATAL(shakes(&(struct certs_client){ .alpn = "\2h2" }));
	SSL_write(client, preface, 24 + 9);
	CU_ASSERT_TRUE(get(b, 9));
	CU_ASSERT(b[3] == 4 && b[4] == 0); /* SETTINGS, no ACK (RFC 9113 section 3.4) */
	go();
	const size_t len = asking_packet(packet, "mail A");
	const int n = snprintf(head, sizeof head,
		"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Type: application/dns-message\r\nContent-Length: %zu\r\n\r\n", len);
	for (unsigned alpn = 0; alpn < 2; alpn++) {
		come(NET_HTTPS);
		CU_ASSERT_TRUE_FATAL(shakes(&(struct certs_client){ .alpn = alpn ? "\10http/1.1" : NULL }));
		SSL_write(client, head, n);
		SSL_write(client, packet, (int)len);
		CU_ASSERT_TRUE(get(b, 15));
		CU_ASSERT_EQUAL(memcmp(b, "HTTP/1.1 200 OK", 15), 0);
		CU_ASSERT_EQUAL(stream_stats(stream)->queries[VIA_HTTPS], alpn + 1);
		go();
	}
	stop();
}

static void what_is_no_tls_is_closed_and_counted(void)
{
	start(true);
	const struct stats *n = stream_stats(stream);
	for (unsigned i = 0; i < 3; i++) {
		come(i == 1 ? NET_HTTPS : NET_TLS);
		const bool leaves = i == 2; /* in the middle of what may be TLS */
		CU_ASSERT(send(client_fd, leaves ? "\26\3\1\1" : "GET / HTTP/1.1\r\n\r\n", leaves ? 4 : 18, MSG_NOSIGNAL) > 0);
		if (leaves)
			shutdown(client_fd, SHUT_WR);
		CU_ASSERT_TRUE(ends());
		CU_ASSERT_EQUAL(n->tls_failed, i + 1);
		CU_ASSERT_EQUAL(n->tls_handshakes, 0);
		close(client_fd);
	}
	/* Who never said anything has not shaken hands either. */
	come(NET_TLS);
	CU_ASSERT_EQUAL(stream_clients(stream), 1);
	go();
	CU_ASSERT_EQUAL(n->tls_failed, 4);
	stop();
}

static void without_a_certificate_who_comes_is_closed(void)
{
	start(false);
	come(NET_TLS);
	CU_ASSERT_FALSE(shakes(&(struct certs_client){ .alpn = "\3dot" }));
	CU_ASSERT_EQUAL(stream_clients(stream), 0);
	go();
	show_tls();
	come(NET_TLS);
	CU_ASSERT_TRUE(shakes(&(struct certs_client){ .alpn = "\3dot" }));
	CU_ASSERT_STRING_EQUAL(answer_to("mail A"), mail);
	go();
	stop();
}

/* HTTP in the clear needs no handshake: it talks at once. */
static void http_in_the_clear_talks_at_once(void)
{
	static const char ask[] = "GET /dns-query?dns=what HTTP/1.1\r\nHost: x\r\n\r\n", *const want = "HTTP/1.1 400";
	char b[13] = "";

	start(false);
	come(NET_HTTP);
	CU_ASSERT_EQUAL(send(client_fd, ask, sizeof ask - 1, MSG_NOSIGNAL), (ssize_t)sizeof ask - 1);
	for (unsigned i = 0; i < 100 && recv(client_fd, b, 12, MSG_DONTWAIT | MSG_PEEK) < 12; i++)
		stream_turn(stream);
	CU_ASSERT_STRING_EQUAL(b, want);
	CU_ASSERT(stream_stats(stream)->https_refused == 1 && stream_stats(stream)->tls_failed == 0);
	go();
	CU_ASSERT_EQUAL(stream_stats(stream)->tls_failed, 0);
	stop();
}

static const struct unit_case cases[] = {
	{ "handshakes are counted and queries in them answered", handshakes_are_counted_and_queries_in_them_answered },
	{ "each listener speaks its own", each_listener_speaks_its_own },
	{ "HTTP in TLS is that version which was agreed upon", http_in_tls_is_that_version_which_was_agreed_upon },
	{ "what is no TLS is closed and counted", what_is_no_tls_is_closed_and_counted },
	{ "without a certificate who comes is closed", without_a_certificate_who_comes_is_closed },
	{ "HTTP in the clear talks at once", http_in_the_clear_talks_at_once },
};

void suite_connection(void);
void suite_connection(void)
{
	unit_suite_with("net/connection", cases, UNIT_COUNT(cases), open_all, close_all);
}
