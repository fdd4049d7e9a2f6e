/* fuzz_tls.c - what a client sends to a listener of TLS, whole or in pieces, up to its end.
 *
 * The first byte says what is spoken inside and how long the pieces are.
 */
#include "net/tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* A certificate of its own making, and its key, in one file. */
static void write_pair(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	FILE *f = fopen(path, "w");

	must(f && key && x);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	must(X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_X509(f, x) == 1 &&
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

static struct tls *make(void)
{
	char path[] = "/tmp/waymark-fuzz-XXXXXX";
	struct tls_tickets tickets = { 0 };
	struct fault why;

	close(mkstemp(path));
	write_pair(path);
	tls_tickets_rotate(&tickets, 0);
	struct tls *t = tls_new(&(struct tls_opts){ .pairs = &(struct tls_pair){ path, path },
					.n = 1,
					.clients = path,
					.tickets = &tickets },
		&why);
	unlink(path);
	must(t != NULL);
	signal(SIGPIPE, SIG_IGN);
	return t;
}

/* As a connection does: handshake, then reading, as long as there is something. */
static ssize_t turn(struct pipe *p, bool *shaken)
{
	uint8_t got[1024];
	ssize_t n;

	if (!*shaken) {
		n = pipe_shake(p);
		*shaken = n == 1;
		if (n != 1)
			return n;
		free(pipe_client_names(p));
		pipe_is_http2(p);
	}
	do
		n = pipe_read(p, got, sizeof got);
	while (n > 0 && pipe_has_more(p));
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct tls *tls;
	bool shaken = false;
	struct pipe p;
	int pair[2];

	if (!tls)
		tls = make();
	if (!len || len > 1 << 16)
		return 0;
	const size_t piece = 1u << (data[0] >> 1 & 15);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	pipe_open_plain(&p, pair[0]);
	must(pipe_start_tls(&p, tls, data[0] & 1 ? TLS_HTTP : TLS_DNS));
	ssize_t n = PIPE_AGAIN;
	for (size_t at = 1; at < len && (n == PIPE_AGAIN || n > 0); at += piece) {
		if (write(pair[1], data + at, len - at < piece ? len - at : piece) < 0)
			break;
		n = turn(&p, &shaken);
	}
	shutdown(pair[1], SHUT_WR);
	if (n == PIPE_AGAIN)
		turn(&p, &shaken);
	pipe_close(&p);
	close(pair[1]);
	return 0;
}
