#include "base/tls_files.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEM_MOST = 16 << 20 };

static BIO *open_pem(struct file *f, const char *path, struct fault *why)
{
	if (!file_read(f, path, PEM_MOST, why))
		return NULL;
	BIO *bio = BIO_new_mem_buf(f->text, (int)f->len);
	if (!bio) {
		file_free(f);
		fault(why, "%s: out of memory", path);
	}
	return bio;
}

/* Nobody is asked: a key that wants a passphrase is refused. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)ctx = true;
	return -1;
}

bool tls_files_trust(X509_STORE *to, const char *path, struct fault *why)
{
	struct file f;
	unsigned n = 0;

	BIO *bio = open_pem(&f, path, why);
	if (!bio)
		return false;
	ERR_clear_error();
	STACK_OF(X509_INFO) *all = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		const X509_INFO *one = sk_X509_INFO_value(all, i);
		n += one->x509 && X509_STORE_add_cert(to, one->x509) == 1;
	}
	const unsigned long err = ERR_peek_last_error();
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
	file_free(&f);
	const bool whole = all || ERR_GET_REASON(err) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (!whole)
		return fault(why, "%s: a certificate in it is broken (PEM is wanted)", path);
	return n || fault(why, "%s: there is no certificate in it (PEM is wanted)", path);
}

static bool show_chain(SSL_CTX *to, const char *path, struct fault *why)
{
	struct file f;
	unsigned n = 0;

	BIO *bio = open_pem(&f, path, why);
	if (!bio)
		return false;
	for (X509 *x; (x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)); n++) {
		if (n == 0 && SSL_CTX_use_certificate(to, x) != 1) {
			X509_free(x);
			break;
		}
		if (n > 0 && SSL_CTX_add1_chain_cert(to, x) != 1) {
			X509_free(x);
			break;
		}
		X509_free(x);
	}
	const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	file_free(&f);
	return (n && ended) ||
		fault(why,
			n ? "%s: a certificate in it is broken or not taken by OpenSSL"
			  : "%s: there is no certificate in it (PEM is wanted)",
			path);
}

static bool show_key(SSL_CTX *to, const char *path, struct fault *why)
{
	struct file f;
	bool asked = false;

	BIO *bio = open_pem(&f, path, why);
	if (!bio)
		return false;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	const bool fits = key && SSL_CTX_use_PrivateKey(to, key) == 1;
	ERR_clear_error();
	BIO_free(bio);
	file_free(&f);
	const bool read = key != NULL;
	EVP_PKEY_free(key);
	if (fits)
		return true;
	if (asked)
		return fault(why, "%s: the key has a passphrase; take it out", path);
	return fault(why,
		read ? "%s: this key does not belong to the certificate"
		     : "%s: there is no private key in it (PEM is wanted)",
		path);
}

bool tls_files_show(SSL_CTX *to, const char *cert, const char *key, struct fault *why)
{
	return show_chain(to, cert, why) && show_key(to, key, why);
}

bool tls_files_check_ca(const char *path, struct fault *why)
{
	X509_STORE *store = X509_STORE_new();
	const bool ok = store ? tls_files_trust(store, path, why)
			      : fault(why, "%s: out of memory", path);

	X509_STORE_free(store);
	return ok;
}

bool tls_files_check_pair(const char *cert, const char *key, struct fault *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const bool ok = ctx ? tls_files_show(ctx, cert, key, why)
			    : fault(why, "%s: out of memory", cert);

	SSL_CTX_free(ctx);
	return ok;
}

const char *tls_files_system(void)
{
	static const char *const known[] = { "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem" };
	const char *told = getenv(X509_get_default_cert_file_env());

	if (told && *told)
		return told;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (access(known[i], R_OK) == 0)
			return known[i];
	return NULL;
}
