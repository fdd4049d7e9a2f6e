#include "unit/probe/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_server {
	SSL_CTX *ctx;
	int fd;
	pthread_t thread;
	char path[40];
};

static void need(int ok)
{
	if (ok <= 0)
		abort();
}

static X509 *certify(EVP_PKEY *key, const char *name, int from_s, int to_s)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	char alt[200];

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	snprintf(alt, sizeof alt, "DNS:%s", name);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	need(X509_sign(x, key, EVP_sha256()));
	return x;
}

static void serve_one(struct tls_server *s, int fd)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
	char got[2000];
	SSL *ssl = SSL_new(s->ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, got, sizeof got) > 0) {
		SSL_write(ssl, answer, sizeof answer - 1);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
}

static void *run(void *ctx)
{
	struct tls_server *s = ctx;

	for (int fd; (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		serve_one(s, fd);
	return NULL;
}

struct tls_server *tls_server_new(const char *name, int from_s, int to_s)
{
	struct tls_server *s = calloc(1, sizeof *s);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certify(key, name, from_s, to_s);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };

	strcpy(s->path, "/tmp/unit_tls.XXXXXX");
	FILE *f = fdopen(mkstemp(s->path), "w");
	need(PEM_write_X509(f, x));
	fclose(f);
	s->ctx = SSL_CTX_new(TLS_server_method());
	need(SSL_CTX_use_certificate(s->ctx, x));
	need(SSL_CTX_use_PrivateKey(s->ctx, key));
	X509_free(x);
	EVP_PKEY_free(key);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->fd, 16) == 0);
	need(pthread_create(&s->thread, NULL, run, s) == 0);
	return s;
}

void tls_server_free(struct tls_server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	unlink(s->path);
	SSL_CTX_free(s->ctx);
	free(s);
}

unsigned tls_server_port(const struct tls_server *s)
{
	struct sockaddr_in at;
	socklen_t len = sizeof at;

	need(getsockname(s->fd, (struct sockaddr *)&at, &len) == 0);
	return ntohs(at.sin_port);
}

const char *tls_server_cert(const struct tls_server *s)
{
	return s->path;
}
