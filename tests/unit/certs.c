#include "unit/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Suites are opened with it, where nothing can fail. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

void certs_open(struct certs *c)
{
	*c = (struct certs){ .dir = "/tmp/waymark-certs-XXXXXX" };
	must(mkdtemp(c->dir) != NULL);
}

void certs_close(struct certs *c)
{
	char command[64];

	snprintf(command, sizeof command, "rm -r %s", c->dir);
	must(system(command) == 0);
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(e != NULL);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

void certs_make(struct certs *c, const char *name, const char *dns, int from_s, int until_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	char names[300];

	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	snprintf(names, sizeof names, "DNS:%s,DNS:*.%s", dns, dns);
	add_extension(x, NID_subject_alt_name, names);
	add_extension(x, NID_basic_constraints, "CA:TRUE");
	must(X509_sign(x, key, EVP_sha256()) > 0);
	snprintf(c->cert, sizeof c->cert, "%s/%s.pem", c->dir, name);
	snprintf(c->key, sizeof c->key, "%s/%s.key", c->dir, name);
	FILE *cert = fopen(c->cert, "w"), *secret = fopen(c->key, "w");
	must(cert && secret);
	must(PEM_write_X509(cert, x) == 1);
	must(PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(cert);
	fclose(secret);
	X509_free(x);
	EVP_PKEY_free(key);
}

SSL *certs_client(int fd, const struct certs_client *o)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (o->own) {
		must(SSL_CTX_use_certificate_file(ctx, o->own->cert, SSL_FILETYPE_PEM) == 1);
		must(SSL_CTX_use_PrivateKey_file(ctx, o->own->key, SSL_FILETYPE_PEM) == 1);
	}
	if (o->version)
		SSL_CTX_set_max_proto_version(ctx, o->version);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	if (o->dns)
		SSL_set_tlsext_host_name(ssl, o->dns);
	if (o->alpn)
		SSL_set_alpn_protos(
			ssl, (const unsigned char *)o->alpn, (unsigned)strlen(o->alpn));
	if (o->session)
		SSL_set_session(ssl, o->session);
	SSL_set_connect_state(ssl);
	return ssl;
}

const char *certs_shown(SSL *ssl, char to[static 256])
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	GENERAL_NAMES *all = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;

	*to = 0;
	if (sk_GENERAL_NAME_num(all) > 0)
		snprintf(to, 256, "%s",
			(const char *)ASN1_STRING_get0_data(
				sk_GENERAL_NAME_value(all, 0)->d.dNSName));
	GENERAL_NAMES_free(all);
	return to;
}
