#include "net/tls_inner.h"

#include "base/file.h"
#include "base/text.h"
#include "base/tls_files.h"
#include "net/quic_show.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CLIENT_CHAIN_MOST = 32 << 10 }; /* bytes of a client's certificates */

/* --- what is shown to whom ---------------------------------------------------------------- */

size_t tls_find(const struct tls *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (X509_check_host(SSL_CTX_get0_certificate(t->contexts[i]), name, 0, 0, NULL) ==
			1)
			return i;
	return SIZE_MAX;
}

/* The first is shown to who names none of them (RFC 7858 has no word on names). */
static int choose_certificate(SSL *ssl, int *alert, void *ctx)
{
	const struct tls *t = ((const struct tls_end *)SSL_get_app_data(ssl))->tls;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const size_t i = name && t->n > 1 ? tls_find(t, name) : SIZE_MAX;

	(void)alert;
	(void)ctx;
	if (i != SIZE_MAX && i > 0)
		SSL_set_SSL_CTX(ssl, t->contexts[i]);
	return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Who speaks another protocol was led here by somebody who means harm (RFC 7301 section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *ctx)
{
	static const struct {
		unsigned char names[16];
		unsigned len;
	} speeches[] = { [TLS_DNS] = { "\3dot", 4 }, [TLS_HTTP] = { "\2h2\10http/1.1", 12 },
		[TLS_HTTP_ONE] = { "\10http/1.1", 9 } };
	const enum tls_speech speech = ((const struct tls_end *)SSL_get_app_data(ssl))->speech;
	unsigned char *chosen;

	(void)ctx;
	if (SSL_select_next_proto(&chosen, out_len, speeches[speech].names, speeches[speech].len, in,
		    in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* --- names -------------------------------------------------------------------------------- */

unsigned tls_names(X509 *cert, void (*take)(void *ctx, const char *name, size_t len), void *ctx)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	unsigned n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
		if (one->type != GEN_DNS)
			continue;
		const char *name = (const char *)ASN1_STRING_get0_data(one->d.dNSName);
		const int len = ASN1_STRING_length(one->d.dNSName);
		if (len <= 0 || len > 255 || memchr(name, 0, (size_t)len))
			continue;
		take(ctx, name, (size_t)len);
		n++;
	}
	GENERAL_NAMES_free(all);
	return n;
}

static void add_name(void *ctx, const char *name, size_t len)
{
	struct text *t = ctx;

	for (size_t i = 0; i < len; i++) {
		const char c = name[i];
		text_add_char(t, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	text_add_char(t, 0);
}

char *tls_names_text(X509 *cert)
{
	struct text all = { 0 };

	if (!tls_names(cert, add_name, &all))
		return NULL;
	text_add_char(&all, 0);
	char *names = all.lost ? NULL : malloc(all.len);
	if (names)
		memcpy(names, all.s, all.len);
	text_fini(&all);
	return names;
}

char *tls_names_der(const uint8_t *der, size_t len)
{
	X509 *cert = d2i_X509(NULL, &der, (long)len);
	char *names = cert ? tls_names_text(cert) : NULL;

	X509_free(cert);
	ERR_clear_error();
	return names;
}

static void take_first(void *ctx, const char *name, size_t len)
{
	struct tls_about *a = ctx;

	if (*a->name || len >= sizeof a->name)
		return;
	memcpy(a->name, name, len);
	a->name[len] = 0;
}

static int64_t time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

static void note_about(struct tls_about *a, X509 *cert)
{
	*a = (struct tls_about){ .from_s = time_of(X509_get0_notBefore(cert)),
		.until_s = time_of(X509_get0_notAfter(cert)) };
	a->names = tls_names(cert, take_first, a);
	if (!a->names && X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
				 a->name, sizeof a->name) > 0)
		a->names = 1;
}

/* --- clients' certificates ---------------------------------------------------------------- */

/* Whoever shows one that nobody vouches for is served as one who shows none. */
static int take_any(int good, X509_STORE_CTX *ctx)
{
	(void)good;
	(void)ctx;
	return 1;
}

/* Sessions of before another file of authorities are not resumed: what they know of the client was found
 * out by that. */
static bool ask_clients(SSL_CTX *ctx, const char *path, struct fault *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	uint8_t id[EVP_MAX_MD_SIZE];
	unsigned id_len = 0;
	struct file f;

	if (!tls_files_trust(store, path, why) || !file_read(&f, path, 16 << 20, why))
		return false;
	const bool ok = EVP_Digest(f.text, f.len, id, &id_len, EVP_sha256(), NULL) == 1 &&
		SSL_CTX_set_session_id_context(ctx, id, id_len) == 1;
	file_free(&f);
	STACK_OF(X509) *all = X509_STORE_get1_all_certs(store);
	for (int i = 0; i < sk_X509_num(all); i++)
		SSL_CTX_add_client_CA(ctx, sk_X509_value(all, i));
	sk_X509_pop_free(all, X509_free);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, take_any);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_MOST);
	return ok || fault(why, "%s: out of memory", path);
}

/* --- contexts ----------------------------------------------------------------------------- */

/* Buffers are given back between records: an idle connection keeps 13 kB, not 45. The ciphers are those
 * that DNS over TLS has to have (RFC 7525, RFC 9325), the fastest first. */
static bool set_up(SSL_CTX *ctx)
{
	static const unsigned char id[] = "waymark";

	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
			SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
			SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TLS_TICKET_LIFE_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
		SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
					      "TLS_AES_256_GCM_SHA384") == 1 &&
		SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1 &&
		SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_tickets_seal) == 1;
}

static void add_line(void *ctx, const char *name, size_t len)
{
	text_add_bytes(ctx, name, len);
	text_add_char(ctx, '\n');
}

static bool same_names(X509 *a, X509 *b)
{
	struct text x = { 0 }, y = { 0 };

	tls_names(a, add_line, &x);
	tls_names(b, add_line, &y);
	const bool same = x.len && !x.lost && !y.lost && strcasecmp(text_get(&x), text_get(&y)) == 0;
	text_fini(&x);
	text_fini(&y);
	return same;
}

static int kind_of(X509 *cert)
{
	return EVP_PKEY_get_base_id(X509_get0_pubkey(cert));
}

/* A context shows one certificate of each kind. */
static bool has_kind(SSL_CTX *ctx, int kind)
{
	bool has = false;

	for (long on = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); on == 1 && !has;
		on = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT))
		has = kind_of(SSL_CTX_get0_certificate(ctx)) == kind;
	return has;
}

/* The context of another certificate for the same names, with a key of another kind: what the client knows decides
 * between them (RFC 8446 section 4.4.2.2). Of two of one kind the first is shown. NULL: there is none. */
static SSL_CTX *find_twin(const struct tls *t, X509 *cert)
{
	for (size_t i = 0; i < t->n; i++) {
		X509 *other = SSL_CTX_get0_certificate(t->contexts[i]);
		if (same_names(other, cert) && !has_kind(t->contexts[i], kind_of(cert)))
			return t->contexts[i];
	}
	return NULL;
}

static bool add_pair(struct tls *t, const struct tls_opts *o, struct fault *why)
{
	const struct tls_pair *pair = &o->pairs[t->n];
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method()), *twin;

	if (!ctx || !set_up(ctx)) {
		SSL_CTX_free(ctx);
		return fault(why, "%s: OpenSSL cannot have what TLS needs", pair->cert);
	}
	bool ok = tls_files_show(ctx, pair->cert, pair->key, why) &&
		(!o->clients || ask_clients(ctx, o->clients, why));
	if (ok && (twin = find_twin(t, SSL_CTX_get0_certificate(ctx)))) {
		SSL_CTX_free(ctx);
		SSL_CTX_up_ref(twin);
		ctx = twin;
		ok = tls_files_show(ctx, pair->cert, pair->key, why);
	}
	t->contexts[t->n++] = ctx;
	if (ok)
		note_about(&t->about[t->n - 1], SSL_CTX_get0_certificate(ctx));
	return ok;
}

static void free_tls(struct part *p)
{
	struct tls *t = (struct tls *)p;

	for (size_t i = 0; i < t->n; i++)
		SSL_CTX_free(t->contexts[i]);
	quic_show_free(t->quic);
	EVP_CIPHER_free(t->cipher);
	OPENSSL_cleanse(&t->tickets, sizeof t->tickets);
	free(t->contexts);
	free(t->about);
	free(t);
}

struct tls *tls_new(const struct tls_opts *o, struct fault *why)
{
	struct tls *t = calloc(1, sizeof *t);

	if (!t) {
		fault(why, "out of memory");
		return NULL;
	}
	t->part = part_new(free_tls);
	t->contexts = calloc(o->n, sizeof(SSL_CTX *));
	t->about = calloc(o->n, sizeof *t->about);
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (o->tickets)
		t->tickets = *o->tickets;
	bool ok = (t->contexts && t->about && t->cipher) || fault(why, "out of memory");
	while (ok && t->n < o->n)
		ok = add_pair(t, o, why);
	ERR_clear_error();
	if (ok && o->quic)
		ok = (t->quic = quic_show_new(o, why)) != NULL;
	if (ok)
		return t;
	free_tls(&t->part);
	return NULL;
}

struct tls *tls_hold(struct tls *t)
{
	part_hold(t ? &t->part : NULL);
	return t;
}

void tls_drop(struct tls *t)
{
	part_drop(t ? &t->part : NULL);
}

const struct quic_show *tls_quic(const struct tls *t)
{
	return t->quic;
}

size_t tls_count(const struct tls *t)
{
	return t->n;
}

struct tls_about tls_about(const struct tls *t, size_t i)
{
	return t->about[i];
}
