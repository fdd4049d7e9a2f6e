/* listen.h - the sockets that the server listens on.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/fault.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	NET_LISTEN_MOST = 256,
	NET_WORKERS_MOST = 256,
	NET_CPUS_MOST = 1024,
	NET_XDP_MOST = 16,
	NET_BATCH_MOST = 256
};

/* What is spoken there. */
enum net_kind {
	NET_PLAIN, /* DNS over UDP and TCP */
	NET_TLS,   /* DNS over TLS (RFC 7858) */
	NET_HTTPS, /* DNS over HTTPS (RFC 8484) */
	NET_HTTP,  /* ... behind a proxy that has taken off TLS */
	NET_QUIC,  /* DNS over QUIC (RFC 9250) */
	NET_XDP    /* DNS over UDP, past the kernel's network stack, where `device` is the interface */
};

/* TLS over TCP. */
static inline bool net_is_tls(enum net_kind kind)
{
	return kind == NET_TLS || kind == NET_HTTPS;
}

/* Those over UDP by sockets have another port of the same number. */
static inline bool net_is_udp(enum net_kind kind)
{
	return kind == NET_PLAIN || kind == NET_QUIC;
}

static inline bool net_is_tcp(enum net_kind kind)
{
	return kind != NET_QUIC && kind != NET_XDP;
}

static inline bool net_is_http(enum net_kind kind)
{
	return kind == NET_HTTPS || kind == NET_HTTP;
}

struct net_address {
	struct sockaddr_storage sa;
	socklen_t len;
	enum net_kind kind;
	const char *path; /* of HTTP */
	const char *device; /* of XDP; `sa` is then that of all addresses, with the port */
};

/* In network order; all families keep it at the same place. */
static inline in_port_t net_port(const struct net_address *a)
{
	return ((const struct sockaddr_in *)&a->sa)->sin_port;
}

struct net_opts {
	const struct net_address *listen;
	size_t n;
	unsigned workers; /* threads a kind and address; 0: one per processor */

	/* Worker k runs on the processor cpus[k % n_cpus] only, or with n_cpus 0 on the k-th of
	 * those that we may use. Without `pin` the kernel moves threads as it sees fit. */
	bool pin;
	const unsigned *cpus;
	size_t n_cpus;

	/* Sockets that are open already (given.h), and the secret of QUIC of who had them; NULL: there are none. Borrowed while
	 * workers are opened. */
	struct given *given;
	const uint8_t *quic_secret;

	bool freebind; /* also addresses that the machine does not have yet */
	bool xdp_answers; /* where queries come by AF_XDP, those asked often are answered in the kernel */

	unsigned batch; /* UDP queries taken at a time, 1 to NET_BATCH_MOST */
	/* Bytes of a UDP socket's buffers; 0: our default for receiving, the kernel's for
	 * sending. */
	unsigned receive_buffer, send_buffer;

	/* TCP connections at once, of all and of a client net (IPv4 /24, IPv6 /48). Each worker
	 * has an equal share, (n + workers - 1) / workers, since the kernel spreads connections
	 * over the workers: an uneven spread meets the limit a little early. */
	unsigned tcp_clients, tcp_clients_per_net;
	unsigned tcp_idle_ms; /* a connection without a whole query for so long is closed */
	/* Handshakes: how long one may take, how many may be under way at once (each worker has its
	 * share), and how many a client net may begin a second. */
	unsigned tls_handshake_ms, tls_handshakes, tls_handshakes_per_net;
};

static inline bool net_has_quic(const struct net_opts *opts)
{
	for (size_t i = 0; i < opts->n; i++)
		if (opts->listen[i].kind == NET_QUIC)
			return true;
	return false;
}

/* False and one sentence when another server has the address, unless we were given it. Our own sockets share their ports
 * with each other and so would share them with any other process of the same user, unnoticed.
 */
bool listen_is_free(const struct net_address *at, const struct net_opts *opts, struct fault *why);

/* A socket for UDP, which blocks unless it is for QUIC, or for TCP, which listens and does not. It is bound and
 * shares its port (SO_REUSEPORT); of worker `k`. -1 and a sentence when it cannot be had. */
int listen_udp(const struct net_address *at, const struct net_opts *opts, unsigned k, struct fault *why);
int listen_tcp(const struct net_address *at, const struct net_opts *opts, unsigned k, struct fault *why);

/* Is it that of all addresses of its family? */
bool listen_is_any(const struct net_address *at);

/* Tells the log when the kernel gives less than the configured buffers. `fd` is of
 * listen_udp(). */
void listen_check_buffers(int fd, const struct net_opts *opts);

#endif
