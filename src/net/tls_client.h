/* tls_client.h - a pipe that speaks TLS to a server, which has to show who it is (RFC 8310).
 *
 * How a server is known never changes; shared by count (part.h), any thread. Its files are read whenever a pipe
 * is opened: not on the loop.
 */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "base/fault.h"
#include "net/pipe.h"

#include <stdbool.h>

struct tls_client_opts {
	bool verify;      /* else whoever answers is taken at its word */
	const char *name; /* that its certificate has to be for, and is asked for (SNI); NULL without `verify` */
	const char *ca;   /* PEM file of who vouches for it; NULL: those that this system trusts */
	const char *cert, *key; /* PEM files of what is shown to it; NULL: nothing */
	bool no_dns;            /* it is no nameserver: no protocol is named (ALPN) */
};

struct tls_client;

/* Copies all. NULL: no memory. */
struct tls_client *tls_client_new(const struct tls_client_opts *opts);
struct tls_client *tls_client_hold(struct tls_client *c);
void tls_client_drop(struct tls_client *c);

/* The plain pipe becomes one of TLS, as the client, for DNS ("dot") unless told otherwise; pipe_shake() (tls.h) is to come. False and a
 * sentence: a file is wrong, and the pipe is as it was. */
bool pipe_start_tls_client(struct pipe *p, const struct tls_client *c, struct fault *why);

/* Why it broke, as a part of a sentence; for people. */
enum { TLS_TROUBLE = 256 };
const char *pipe_tls_trouble(const struct pipe *p, char to[static TLS_TROUBLE]);

#endif
