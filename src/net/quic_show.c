#include "net/quic_show.h"

#include "base/file.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdlib.h>

enum {
	PEM_MOST = 1 << 20,
	TRUST_MOST = 16 << 20,
	HANDSHAKE_MOST = 48 << 10, /* bytes of a message: a client's certificates */
	TICKET = 64                /* bytes of GnuTLS' key */
};

struct quic_show {
	gnutls_certificate_credentials_t certificates;
	gnutls_priority_t priority;
	uint8_t ticket[TICKET]; /* made of the newest key of the tickets of TLS */
	bool asks;              /* clients for certificates */
};

static bool take_pair(struct quic_show *s, const struct tls_pair *pair, struct fault *why)
{
	struct file cert, key;

	if (!file_read(&cert, pair->cert, PEM_MOST, why))
		return false;
	if (!file_read(&key, pair->key, PEM_MOST, why)) {
		file_free(&cert);
		return false;
	}
	const gnutls_datum_t c = { (unsigned char *)(uintptr_t)cert.text, (unsigned)cert.len },
			     k = { (unsigned char *)(uintptr_t)key.text, (unsigned)key.len };
	const int err = gnutls_certificate_set_x509_key_mem2(
		s->certificates, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
	file_free(&cert);
	file_free(&key);
	return err >= 0 ||
		fault(why, "%s: GnuTLS, which speaks QUIC, does not take it with %s: %s",
			pair->cert, pair->key, gnutls_strerror(err));
}

/* Who vouches for clients. */
static bool take_trust(struct quic_show *s, const char *path, struct fault *why)
{
	struct file ca;

	if (!file_read(&ca, path, TRUST_MOST, why))
		return false;
	const gnutls_datum_t pem = { (unsigned char *)(uintptr_t)ca.text, (unsigned)ca.len };
	const int n = gnutls_certificate_set_x509_trust_mem(
		s->certificates, &pem, GNUTLS_X509_FMT_PEM);
	file_free(&ca);
	s->asks = n > 0;
	return s->asks ||
		fault(why, "%s: GnuTLS, which speaks QUIC, finds no certificate in it%s%s", path,
			n < 0 ? ": " : "", n < 0 ? gnutls_strerror(n) : "");
}

/* The ciphers that QUIC has, the fastest first; no version but 1.3, and no bytes that are there
 * for middleboxes of TCP. */
static bool set_up(struct quic_show *s, const struct tls_opts *o)
{
	static const char words[] =
		"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-"
		"GCM:"
		"+CHACHA20-POLY1305:+AES-256-GCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"
		"+GROUP-SECP384R1";

	const int err = o->tickets && o->tickets->n
		? gnutls_hmac_fast(GNUTLS_MAC_SHA512, &o->tickets->keys[0],
			  sizeof o->tickets->keys[0], "quic", 4, s->ticket)
		: gnutls_rnd(GNUTLS_RND_KEY, s->ticket, sizeof s->ticket);
	return err == 0 && gnutls_certificate_allocate_credentials(&s->certificates) == 0 &&
		gnutls_priority_init(&s->priority, words, NULL) == 0;
}

struct quic_show *quic_show_new(const struct tls_opts *o, struct fault *why)
{
	struct quic_show *s = calloc(1, sizeof *s);

	if (!s || !set_up(s, o)) {
		fault(why, "GnuTLS, which speaks QUIC, does not start");
		quic_show_free(s);
		return NULL;
	}
	for (size_t i = 0; i < o->n; i++)
		if (!take_pair(s, &o->pairs[i], why)) {
			quic_show_free(s);
			return NULL;
		}
	if (o->clients && !take_trust(s, o->clients, why)) {
		quic_show_free(s);
		return NULL;
	}
	return s;
}

void quic_show_free(struct quic_show *s)
{
	if (!s)
		return;
	if (s->certificates)
		gnutls_certificate_free_credentials(s->certificates);
	if (s->priority)
		gnutls_priority_deinit(s->priority);
	gnutls_memset(s->ticket, 0, sizeof s->ticket);
	free(s);
}

/* Without ALPN, or with another, the handshake ends (RFC 9250 section 4.1.1); GnuTLS needs to
 * be told. */
void *quic_show_session(const struct quic_show *s)
{
	const gnutls_datum_t doq = { (unsigned char *)(uintptr_t) "doq", 3 },
			     ticket = { (unsigned char *)(uintptr_t)s->ticket,
				     sizeof s->ticket };
	gnutls_session_t session;

	if (gnutls_init(&session, GNUTLS_SERVER) != 0)
		return NULL;
	if (gnutls_priority_set(session, s->priority) == 0 &&
		gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, s->certificates) == 0 &&
		gnutls_session_ticket_enable_server(session, &ticket) == 0 &&
		gnutls_alpn_set_protocols(session, &doq, 1, GNUTLS_ALPN_MANDATORY) == 0 &&
		ngtcp2_crypto_gnutls_configure_server_session(session) == 0) {
		/* Who has none, or one of others, is a client like any. */
		if (s->asks)
			gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
		gnutls_handshake_set_max_packet_length(session, HANDSHAKE_MOST);
		return session;
	}
	gnutls_deinit(session);
	return NULL;
}

char *quic_show_client_names(const struct quic_show *s, void *session)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned n = 0, status = 0;
	const gnutls_datum_t *seen = s->asks ? gnutls_certificate_get_peers(session, &n) : NULL;

	return seen && n && gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 &&
			status == 0
		? tls_names_der(seen[0].data, seen[0].size)
		: NULL;
}
