#include "net/tls_inner.h"

#include "base/file.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

_Static_assert(sizeof(struct tls_ticket_key) == TLS_TICKET_KEY, "as it stands in a file");

bool tls_tickets_read(struct tls_tickets *to, const char *path, struct fault *why)
{
	struct file f;

	if (!file_read(&f, path, TLS_TICKET_KEYS * TLS_TICKET_KEY, why))
		return false;
	to->n = f.len / TLS_TICKET_KEY;
	const bool whole = to->n && f.len % TLS_TICKET_KEY == 0;
	if (whole)
		memcpy(to->keys, f.text, f.len);
	const size_t len = f.len;
	file_free(&f);
	return whole ||
		fault(why, "%s: %zu bytes are no keys for tickets: each has %d, the newest first "
			   "(\"openssl rand %d\" makes one)",
			path, len, TLS_TICKET_KEY, TLS_TICKET_KEY);
}

void tls_tickets_rotate(struct tls_tickets *t, size_t keep)
{
	if (keep > t->n)
		keep = t->n;
	if (keep > TLS_TICKET_KEYS - 1)
		keep = TLS_TICKET_KEYS - 1;
	memmove(t->keys + 1, t->keys, keep * sizeof *t->keys);
	t->n = keep + 1;
	if (RAND_bytes((uint8_t *)t->keys, sizeof *t->keys) != 1)
		t->n = 0; /* no tickets rather than weak ones */
}

static bool start_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *k)
{
	uint8_t key[sizeof k->mac];
	char digest[] = "SHA256";

	memcpy(key, k->mac, sizeof key);
	OSSL_PARAM params[] = { OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, key, sizeof key),
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
		OSSL_PARAM_END };

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Returns what OpenSSL wants: 0 is a ticket of nobody's, and a whole handshake; 2 one that is to be made
 * anew; -1 ends the connection. */
int tls_tickets_seal(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls *t = ((const struct tls_end *)SSL_get_app_data(ssl))->tls;
	size_t i = 0;

	if (!encrypt)
		while (i < t->tickets.n && memcmp(name, t->tickets.keys[i].name, 16) != 0)
			i++;
	if (i == t->tickets.n)
		return 0;
	const struct tls_ticket_key *k = &t->tickets.keys[i];
	if (encrypt) {
		memcpy(name, k->name, sizeof k->name);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(t->cipher)) != 1)
			return -1;
	}
	if (EVP_CipherInit_ex(cipher, t->cipher, NULL, k->cipher, iv, encrypt) != 1 ||
		!start_mac(mac, k))
		return -1;
	return i ? 2 : 1;
}
