#include "net/tls_client.h"

#include "base/part.h"
#include "base/tls_files.h"
#include "net/tls_inner.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_client {
	struct part part; /* first */
	bool verify, no_dns;
	char *name, *ca, *cert, *key;
};

/* --- how a server is known ---------------------------------------------------------------- */

static void free_client(struct part *p)
{
	struct tls_client *c = (struct tls_client *)p;

	free(c->name);
	free(c->ca);
	free(c->cert);
	free(c->key);
	free(c);
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

struct tls_client *tls_client_new(const struct tls_client_opts *o)
{
	struct tls_client *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->part = part_new(free_client);
	c->verify = o->verify;
	c->no_dns = o->no_dns;
	if (copy(&c->name, o->name) && copy(&c->ca, o->ca) && copy(&c->cert, o->cert) &&
		copy(&c->key, o->key))
		return c;
	free_client(&c->part);
	return NULL;
}

struct tls_client *tls_client_hold(struct tls_client *c)
{
	part_hold(c ? &c->part : NULL);
	return c;
}

void tls_client_drop(struct tls_client *c)
{
	part_drop(c ? &c->part : NULL);
}

/* --- pipes -------------------------------------------------------------------------------- */

static bool trust(SSL_CTX *ctx, const struct tls_client *c, struct fault *why)
{
	const char *path = c->ca ? c->ca : tls_files_system();

	SSL_CTX_set_verify(ctx, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (!c->verify)
		return true;
	if (!path)
		return fault(why, "no authorities are known to this system; name a \"ca\"");
	return tls_files_trust(SSL_CTX_get_cert_store(ctx), path, why);
}

static SSL_CTX *context_of(const struct tls_client *c, struct fault *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		fault(why, "out of memory");
	} else if (trust(ctx, c, why) && (!c->cert || tls_files_show(ctx, c->cert, c->key, why))) {
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
		return ctx;
	}
	SSL_CTX_free(ctx);
	return NULL;
}

/* Without ALPN "dot" some refuse a transfer (RFC 9103 section 7.1). */
static bool set_up(SSL *ssl, const struct tls_client *c, int fd)
{
	static const unsigned char dot[] = "\3dot";

	if (SSL_set_fd(ssl, fd) != 1 ||
		(!c->no_dns && SSL_set_alpn_protos(ssl, dot, sizeof dot - 1) != 0))
		return false;
	struct in6_addr ip;
	const bool is_ip = c->name &&
		(inet_pton(AF_INET, c->name, &ip) == 1 || inet_pton(AF_INET6, c->name, &ip) == 1);
	if (is_ip) /* such a name is asked for by nobody (RFC 6066 section 3), and stands elsewhere */
		return !c->verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), c->name) == 1;
	if (c->name && SSL_set_tlsext_host_name(ssl, c->name) != 1)
		return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return !c->verify || SSL_set1_host(ssl, c->name) == 1;
}

bool pipe_start_tls_client(struct pipe *p, const struct tls_client *c, struct fault *why)
{
	SSL_CTX *ctx = context_of(c, why);

	if (!ctx)
		return false;
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!ssl || !set_up(ssl, c, p->fd) || !tls_end_open(p, ssl, NULL, TLS_DNS)) {
		ERR_clear_error();
		SSL_free(ssl);
		return fault(why, "out of memory");
	}
	SSL_set_connect_state(ssl);
	return true;
}

const char *pipe_tls_trouble(const struct pipe *p, char to[static TLS_TROUBLE])
{
	const struct tls_end *e = p->state;
	const long verify = SSL_get_verify_result(e->ssl);
	const char *reason = e->error ? ERR_reason_error_string(e->error) : NULL;

	if (verify != X509_V_OK && SSL_get_verify_mode(e->ssl) != SSL_VERIFY_NONE)
		snprintf(to, TLS_TROUBLE, "its certificate is not taken: %s",
			X509_verify_cert_error_string(verify));
	else
		snprintf(to, TLS_TROUBLE, "TLS fails: %s",
			reason ? reason : "the connection ends in the handshake");
	return to;
}
