#include "net/tls.h"

#include "unit/certs.h"
#include "unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both ends of a connection, in one thread. */
static struct certs certs, client_certs;
static struct tls_tickets tickets;
static struct tls *tls;
static struct pipe server;
static SSL *client;
static int client_fd;

static int open_all(void)
{
	struct fault why;

	signal(SIGPIPE, SIG_IGN);
	certs_open(&certs);
	certs_open(&client_certs);
	certs_make(&client_certs, "client", "ns2.example", -60, 3600);
	certs_make(&certs, "other", "other.example", -60, 3600);
	const struct certs other = certs;
	certs_make(&certs, "ns1", "ns1.example", -60, 3600);
	const struct tls_pair pairs[] = { { certs.cert, certs.key }, { other.cert, other.key } };
	tls_tickets_rotate(&tickets, 0);
	tls = tls_new(&(struct tls_opts){ .pairs = pairs,
			      .n = 2,
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

/* Both go on in turns until they are done; what the server's end came to. */
static ssize_t shake(void)
{
	ssize_t n = PIPE_AGAIN;

	for (unsigned i = 0; i < 20; i++) {
		SSL_do_handshake(client);
		if (n == PIPE_AGAIN)
			n = pipe_shake(&server);
	}
	return n;
}

static ssize_t meet_with(const struct certs_client *opts, enum tls_speech speech, struct tls *t)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	pipe_open_plain(&server, pair[0]);
	CU_ASSERT_TRUE_FATAL(pipe_start_tls(&server, t, speech));
	client_fd = pair[1];
	client = certs_client(client_fd, opts);
	return shake();
}

static ssize_t meet(const struct certs_client *opts)
{
	return meet_with(opts, TLS_DNS, tls);
}

static void part(void)
{
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN); /* else its session is resumed by nobody */
	SSL_free(client);
	close(client_fd);
	pipe_close(&server);
}

static void who_offers_nothing_is_served_and_who_offers_other_things_not(void)
{
	static const struct {
		const char *alpn;
		enum tls_speech speech;
		bool ok, http2;
		const char *chosen;
	} row[] = { { NULL, TLS_DNS, true, false, "" }, { "\3dot", TLS_DNS, true, false, "dot" },
		{ "\2h2\3dot", TLS_DNS, true, false, "dot" },
		{ "\2h2\10http/1.1", TLS_DNS, false, false, "" },
		{ NULL, TLS_HTTP, true, false, "" }, { "\2h2", TLS_HTTP, true, true, "h2" },
		{ "\10http/1.1\2h2", TLS_HTTP, true, true, "h2" },
		{ "\10http/1.1", TLS_HTTP, true, false, "http/1.1" },
		{ "\3dot", TLS_HTTP, false, false, "" } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned char *name;
		unsigned len;
		CU_ASSERT_EQUAL(meet_with(&(struct certs_client){ .alpn = row[i].alpn },
					row[i].speech, tls) == 1,
			row[i].ok);
		if (row[i].ok) {
			CU_ASSERT_EQUAL(pipe_is_http2(&server), row[i].http2);
			SSL_get0_alpn_selected(client, &name, &len);
			CU_ASSERT_EQUAL(len, strlen(row[i].chosen));
			CU_ASSERT_EQUAL(memcmp(name ? (const char *)name : "", row[i].chosen, len), 0);
		}
		part();
	}
}

static void tls_1_1_is_too_old(void)
{
	CU_ASSERT_EQUAL(meet(&(struct certs_client){ .version = TLS1_2_VERSION }), 1);
	part();
	CU_ASSERT_EQUAL(meet(&(struct certs_client){ .version = TLS1_1_VERSION }), PIPE_BROKEN);
	part();
}

static void a_name_chooses_the_certificate(void)
{
	static const char *const row[][2] = { { NULL, "ns1.example" },
		{ "ns1.example", "ns1.example" }, { "a.other.example", "other.example" },
		{ "nobody.example", "ns1.example" } };
	char shown[256];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_EQUAL(meet(&(struct certs_client){ .dns = row[i][0] }), 1);
		CU_ASSERT_STRING_EQUAL(certs_shown(client, shown), row[i][1]);
		part();
	}
}

static void a_client_s_certificate_is_known_by_its_names(void)
{
	meet(&(struct certs_client){ .own = &client_certs });
	char *names = pipe_client_names(&server);
	CU_ASSERT_PTR_NOT_NULL_FATAL(names);
	CU_ASSERT_EQUAL(memcmp(names, "ns2.example\0*.ns2.example\0", 27), 0);
	free(names);
	part();
	/* Served, and known by nothing: none, and one that nobody vouches for. */
	CU_ASSERT_EQUAL(meet(&(struct certs_client){ .dns = "ns1.example" }), 1);
	CU_ASSERT_PTR_NULL(pipe_client_names(&server));
	part();
	CU_ASSERT_EQUAL(meet(&(struct certs_client){ .own = &certs }), 1);
	CU_ASSERT_PTR_NULL(pipe_client_names(&server));
	part();
}

/* The session that the client may resume; a read takes the ticket in. */
static SSL_SESSION *session(void)
{
	char byte;

	SSL_read(client, &byte, 1);
	return SSL_get1_session(client);
}

static void a_session_is_resumed_as_long_as_its_key_is_known(void)
{
	struct tls_tickets next = tickets;
	struct fault why;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		meet(&(struct certs_client){ .version = version, .own = &client_certs });
		CU_ASSERT_FALSE(pipe_is_resumed(&server));
		SSL_SESSION *s = session();
		part();
		meet(&(struct certs_client){ .version = version, .session = s });
		CU_ASSERT_TRUE(pipe_is_resumed(&server));
		/* Who it was is still known. */
		char *names = pipe_client_names(&server);
		CU_ASSERT_PTR_NOT_NULL(names);
		free(names);
		part();
		for (unsigned i = 0; i < 3; i++) {
			tls_tickets_rotate(&next, 1);
			struct tls *t = tls_new(
				&(struct tls_opts){
					.pairs = &(struct tls_pair){ certs.cert, certs.key },
					.n = 1,
					.clients = client_certs.cert,
					.tickets = &next },
				&why);
			CU_ASSERT_EQUAL(meet_with(&(struct certs_client){
						.version = version, .session = s },
						TLS_DNS, t), 1);
			CU_ASSERT_EQUAL(pipe_is_resumed(&server), i == 0);
			part();
			tls_drop(t);
		}
		next = tickets;
		SSL_SESSION_free(s);
	}
}

static void bytes_go_both_ways_and_what_is_left_in_a_record_is_told_of(void)
{
	static char big[100000], got[100000];
	size_t n = 0;

	meet(&(struct certs_client){ .alpn = "\3dot" });
	CU_ASSERT_EQUAL(pipe_read(&server, got, sizeof got), PIPE_AGAIN);
	CU_ASSERT_FALSE(pipe_has_more(&server));
	CU_ASSERT_EQUAL(SSL_write(client, "abcdef", 6), 6);
	CU_ASSERT_EQUAL(pipe_read(&server, got, 4), 4);
	CU_ASSERT_TRUE(pipe_has_more(&server));
	CU_ASSERT_EQUAL(pipe_read(&server, got + 4, 4), 2);
	CU_ASSERT_FALSE(pipe_has_more(&server));
	CU_ASSERT_EQUAL(memcmp(got, "abcdef", 6), 0);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7);
	for (size_t at = 0; n < sizeof big;) {
		const ssize_t put = at < sizeof big ? pipe_write(&server, big + at, sizeof big - at) : 0;
		CU_ASSERT_TRUE_FATAL(put > 0 || put == PIPE_AGAIN || at == sizeof big);
		at += put > 0 ? (size_t)put : 0;
		const int in = SSL_read(client, got + n, (int)(sizeof got - n));
		n += in > 0 ? (size_t)in : 0;
	}
	CU_ASSERT_EQUAL(memcmp(got, big, sizeof big), 0);
	part();
}

static void half_a_record_is_nothing_to_read(void)
{
	char bytes[64], got[16];
	int pair[2];

	meet(&(struct certs_client){ .alpn = "\3dot" });
	/* What the client writes goes by us, in halves. */
	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	SSL_set_wfd(client, pair[0]);
	CU_ASSERT_EQUAL(SSL_write(client, "abc", 3), 3);
	const ssize_t len = read(pair[1], bytes, sizeof bytes);
	CU_ASSERT_TRUE(len > 8);
	CU_ASSERT_EQUAL(write(client_fd, bytes, 8), 8);
	CU_ASSERT_EQUAL(pipe_read(&server, got, sizeof got), PIPE_AGAIN);
	CU_ASSERT_FALSE(pipe_has_more(&server));
	CU_ASSERT_EQUAL(write(client_fd, bytes + 8, (size_t)len - 8), len - 8);
	CU_ASSERT_EQUAL(pipe_read(&server, got, sizeof got), 3);
	part();
	close(pair[0]);
	close(pair[1]);
}

static void an_end_is_told_and_heard(void)
{
	char byte;

	meet(&(struct certs_client){ .alpn = "\3dot" });
	SSL_shutdown(client);
	CU_ASSERT_EQUAL(pipe_read(&server, &byte, 1), 0);
	part();
	/* Without a word, as many clients do. */
	meet(&(struct certs_client){ .alpn = "\3dot" });
	shutdown(client_fd, SHUT_WR);
	CU_ASSERT_EQUAL(pipe_read(&server, &byte, 1), 0);
	pipe_close(&server);
	CU_ASSERT_EQUAL(SSL_get_error(client, SSL_read(client, &byte, 1)), SSL_ERROR_ZERO_RETURN);
	SSL_free(client);
	close(client_fd);
}

static void what_is_no_tls_breaks_the_pipe(void)
{
	static const char *const row[] = { "GET / HTTP/1.1\r\n\r\n", "\26\3\1\377\377\1",
		"\0\35zz\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1", "" };
	char byte;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		int pair[2];
		CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		pipe_open_plain(&server, pair[0]);
		pipe_start_tls(&server, tls, TLS_DNS);
		CU_ASSERT_TRUE(write(pair[1], row[i], i == 2 ? 31 : strlen(row[i])) >= 0);
		shutdown(pair[1], SHUT_WR);
		CU_ASSERT_EQUAL(pipe_shake(&server), PIPE_BROKEN);
		CU_ASSERT_EQUAL(pipe_read(&server, &byte, 1), PIPE_BROKEN);
		pipe_close(&server);
		close(pair[1]);
	}
}

static const struct unit_case cases[] = {
	{ "who offers nothing is served and who offers other things not",
		who_offers_nothing_is_served_and_who_offers_other_things_not },
	{ "TLS 1.1 is too old", tls_1_1_is_too_old },
	{ "a name chooses the certificate", a_name_chooses_the_certificate },
	{ "a client's certificate is known by its names",
		a_client_s_certificate_is_known_by_its_names },
	{ "a session is resumed as long as its key is known",
		a_session_is_resumed_as_long_as_its_key_is_known },
	{ "bytes go both ways, and what is left in a record is told of",
		bytes_go_both_ways_and_what_is_left_in_a_record_is_told_of },
	{ "half a record is nothing to read", half_a_record_is_nothing_to_read },
	{ "an end is told and heard", an_end_is_told_and_heard },
	{ "what is no TLS breaks the pipe", what_is_no_tls_breaks_the_pipe },
};

void suite_tls_pipe(void);
void suite_tls_pipe(void)
{
	unit_suite_with("net/tls_pipe", cases, UNIT_COUNT(cases), open_all, close_all);
}
