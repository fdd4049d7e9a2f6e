#include "base/tls_files.h"

#include "unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with PEM files, and one that holds the last path. */
struct desk {
	char dir[32], path[64], other[64];
};

static EVP_PKEY *make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	CU_ASSERT_PTR_NOT_NULL_FATAL(key);
	return key;
}

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	CU_ASSERT_TRUE_FATAL(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static const char *path_of(struct desk *d, const char *name)
{
	snprintf(d->path, sizeof d->path, "%s/%s", d->dir, name);
	return d->path;
}

static FILE *make(struct desk *d, const char *name)
{
	FILE *f = fopen(path_of(d, name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static void open_desk(struct desk *d)
{
	EVP_PKEY *key = make_key(), *stranger = make_key();
	X509 *one = make_certificate(key, "one"), *two = make_certificate(stranger, "two");
	FILE *f;

	strcpy(d->dir, "/tmp/waymark-unit.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(d->dir));
	f = make(d, "one.pem");
	PEM_write_X509(f, one);
	fclose(f);
	f = make(d, "both.pem");
	fputs("a line for people\n", f);
	PEM_write_X509(f, one);
	PEM_write_X509(f, two);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = make(d, "one.key");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = make(d, "two.key");
	PEM_write_PrivateKey(f, stranger, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = make(d, "locked.key");
	PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6, NULL, NULL);
	fclose(f);
	f = make(d, "none.pem");
	fputs("nothing of the kind\n", f);
	fclose(f);
	f = make(d, "broken.pem");
	PEM_write_X509(f, one);
	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	mkfifo(path_of(d, "pipe"), 0600);
	X509_free(one);
	X509_free(two);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
}

static void close_desk(struct desk *d)
{
	static const char *const names[] = { "one.pem", "both.pem", "one.key", "two.key",
		"locked.key", "none.pem", "broken.pem", "pipe" };

	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		unlink(path_of(d, names[i]));
	rmdir(d->dir);
}

static void trusted_files_have_certificates(void)
{
	static const struct {
		const char *file, *why; /* NULL: it is fine */
	} row[] = { { "one.pem", NULL }, { "both.pem", NULL },
		{ "none.pem", "there is no certificate in it (PEM is wanted)" },
		{ "one.key", "there is no certificate in it (PEM is wanted)" },
		{ "broken.pem", "a certificate in it is broken (PEM is wanted)" },
		{ "absent.pem", "No such file or directory" },
		{ "pipe", "is a pipe, and a file is wanted" } };
	struct fault why;
	struct desk d;

	open_desk(&d);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		why.text[0] = 0;
		CU_ASSERT_EQUAL(tls_files_check_ca(path_of(&d, row[i].file), &why), !row[i].why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].why ? row[i].why : ""));
	}
	X509_STORE *store = X509_STORE_new();
	CU_ASSERT_TRUE(tls_files_trust(store, path_of(&d, "both.pem"), &why));
	STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
	CU_ASSERT_EQUAL(sk_X509_OBJECT_num(all), 2);
	X509_STORE_free(store);
	close_desk(&d);
}

static void a_certificate_is_shown_with_its_chain_and_its_key(void)
{
	static const struct {
		const char *cert, *key, *why;
	} row[] = { { "one.pem", "one.key", NULL }, { "both.pem", "both.pem", NULL },
		{ "one.pem", "two.key", "this key does not belong to the certificate" },
		{ "one.pem", "one.pem", "there is no private key in it (PEM is wanted)" },
		{ "one.pem", "locked.key", "the key has a passphrase; take it out" },
		{ "one.pem", "absent.key", "No such file or directory" },
		{ "none.pem", "one.key", "there is no certificate in it (PEM is wanted)" },
		{ "broken.pem", "one.key", "a certificate in it is broken" },
		{ "pipe", "one.key", "is a pipe" } };
	struct fault why;
	struct desk d;

	open_desk(&d);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		why.text[0] = 0;
		snprintf(d.other, sizeof d.other, "%s", path_of(&d, row[i].key));
		CU_ASSERT_EQUAL(tls_files_check_pair(path_of(&d, row[i].cert), d.other, &why),
			!row[i].why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].why ? row[i].why : ""));
	}
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(X509) *chain = NULL;
	path_of(&d, "both.pem");
	CU_ASSERT_TRUE(tls_files_show(ctx, d.path, d.path, &why));
	SSL_CTX_get0_chain_certs(ctx, &chain);
	CU_ASSERT_EQUAL(sk_X509_num(chain), 1);
	SSL_CTX_free(ctx);
	close_desk(&d);
}

void suite_tls_files(void)
{
	static const struct unit_case cases[] = {
		{ "trusted files have certificates", trusted_files_have_certificates },
		{ "a certificate is shown with its chain and its key",
			a_certificate_is_shown_with_its_chain_and_its_key },
	};

	unit_suite("base/tls_files", cases, UNIT_COUNT(cases));
}
