/* fuzz_quic.c - datagrams of clients of QUIC, one after the other, each with its length in two
 * bytes in front.
 *
 * What is behind a handshake is not reached from here: tests/unit/net/test_quic.c sends random
 * bytes there.
 */
#include "fuzz/fuzz_world.h"

#include "net/quic.h"
#include "net/tls.h"
#include "world/epoch.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct tls *make_tls(void)
{
	char path[] = "/tmp/waymark-fuzz-XXXXXX";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	struct fault why;

	close(mkstemp(path));
	FILE *f = fopen(path, "w");
	must(f && key && x);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	must(X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_X509(f, x) == 1 &&
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(f);
	struct tls *t = tls_new(
		&(struct tls_opts){
			.pairs = &(struct tls_pair){ path, path }, .n = 1, .quic = true },
		&why);
	must(t != NULL);
	unlink(path);
	X509_free(x);
	EVP_PKEY_free(key);
	return t;
}

/* Lives as long as the process. */
static struct quic *make(void)
{
	static struct epoch epoch;
	struct net_address at = { .len = sizeof(struct sockaddr_in), .kind = NET_QUIC };
	struct sockaddr_in *in = (struct sockaddr_in *)&at.sa;
	struct fault why;

	*in = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	must(epoch_open(&epoch, &why));
	epoch_publish(&epoch, fuzz_world(FUZZ_NOW_S));
	epoch_join();
	const int fd = listen_udp(&at, &(struct net_opts){ 0 }, 0, &why);
	must(fd >= 0);
	struct quic *q = quic_new(&(struct quic_listener){ fd, &at }, 1, &epoch,
		&(struct quic_opts){ .clients = 64,
			.clients_per_net = 64,
			.idle_ms = 1000,
			.handshake_ms = 1000,
			.handshakes = 64,
			.handshakes_per_net = 1000000 });
	must(q != NULL);
	struct tls *t = make_tls();
	quic_set_tls(q, t);
	tls_drop(t);
	quic_turn(q);
	return q;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct quic *q;
	const struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
		.sin_port = htons(9) };

	if (!q)
		q = make();
	for (size_t at = 0; at + 2 <= len;) {
		size_t n = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		n = n < len - at ? n : len - at;
		quic_take(q, 0, (const struct sockaddr *)&from, data + at, n);
		at += n;
	}
	quic_turn(q);
	return 0;
}
