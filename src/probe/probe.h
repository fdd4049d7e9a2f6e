/* probe.h - what a probe asks of an address, as configured.
 *
 * A target is one address that one probe looks at. Everything is borrowed from the
 * configuration.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "steer/health.h"
#include "steer/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBES_MOST = 256,
	PROBE_PARTS_MOST = VERDICT_PARTS_MOST,
	PROBE_DEPTH_MOST = 4, /* of parts in parts */
	PROBE_EVERY_LEAST_MS = 100,
	PROBE_EVERY_MOST_MS = 24 * 3600 * 1000,
	PROBE_BODY_MOST = 65536 /* bytes of a body that are looked at */
};

enum probe_kind {
	PROBE_NONE, /* nobody looks: the edge is as the operator says */
	PROBE_ICMP,
	PROBE_TCP,
	PROBE_HTTP,
	PROBE_HTTPS,
	PROBE_DNS,
	PROBE_EXEC,
	PROBE_EXTERNAL, /* nobody looks: somebody else tells how it is (steer/external.h) */
	PROBE_SEVERAL, /* none of its own: what its parts say together */
	PROBE_KINDS
};

/* What counts before the first verdict. */
enum probe_initial {
	PROBE_WAIT, /* not answered with; the first probe alone decides, and the start waits for
		       it */
	PROBE_UP,   /* up, until `fall` probes have failed */
	PROBE_DOWN  /* down, until `rise` have passed */
};

enum probe_http2 {
	PROBE_HTTP2_AUTO, /* with TLS, where the server chooses it */
	PROBE_HTTP2_OFF,
	PROBE_HTTP2_ON /* nothing else; without TLS from the first byte on */
};

/* HTTP status codes, or DNS response codes. */
struct probe_range {
	uint16_t from, to;
};

/* A value that an answer must have: a text, or a number in a range. */
enum { PROBE_VALUES_MOST = 8 };
struct probe_value {
	const char *field; /* of a header, or of the body (load_from.h, json_path.h); NULL: all of the body */
	bool in_body, json; /* `json` is in the body, too */
	const char *matches; /* regex.h; or NULL */
	const char *is;      /* the whole value; NULL, without `matches`: it is a number, */
	double least, below; /* ... least <= it < below; INFINITY: any */
};

struct probe_opts {
	const char *name;
	enum probe_kind kind;
	uint32_t port;                 /* 0: the kind's own */
	unsigned every_ms, timeout_ms; /* from start to start; timeout <= every */
	uint32_t rise, fall;
	enum probe_initial initial;
	const struct probe_range *expect; /* http, https, dns; none: 200 to 399, or NOERROR */
	size_t n_expect;

	/* tcp, http, https */
	unsigned proxy; /* the version of the PROXY protocol that is spoken first; 0: none */

	/* http, https */
	const char *path, *host; /* `host` as it is sent, perhaps with a port; NULL: the address */
	const char *const *headers; /* "Name: value", ends in NULL; or NULL */
	enum probe_http2 http2;
	const char *body;        /* must be in the body; or NULL */
	bool head;               /* HEAD, else GET */
	bool keep_alive;         /* a connection may serve many probes */
	const char *tls_name;    /* of SNI and the certificate; NULL: the address */
	const char *ca;          /* file of trusted certificates; NULL: the system's */
	const char *client_cert, *client_key; /* files; both or none */
	bool verify;
	unsigned expiry_warning_ms;
	const char *load_field; /* where the edge tells its load; or NULL */
	bool load_in_body;      /* ... in the body, else in a header */
	const struct probe_value *values; /* [n_values]: all must be there */
	unsigned n_values;
	unsigned expiry_down_ms; /* a certificate that ends sooner fails */

	/* dns */
	const uint8_t *query; /* wire name */
	uint16_t qtype;
	const uint8_t *answer; /* RDATA that must be among the answers; or NULL */
	size_t answer_len;

	/* exec */
	const char *const *command; /* ends in NULL */

	/* external */
	const char *file;   /* who tells writes it there; NULL: by command */
	unsigned expires_ms; /* what was told is good so long; 0: for good */

	/* several */
	const struct probe_opts *parts; /* [n_parts], none of kind none */
	unsigned n_parts, least; /* so many of them must be up */
};

/* "icmp", "tcp", ... */
const char *probe_kind_text(enum probe_kind k);
bool probe_kind_parse(enum probe_kind *k, const char *text);

/* The port that is asked, 0 for kinds without one. */
unsigned probe_port(const struct probe_opts *p);

struct health_rule probe_rule(const struct probe_opts *p);

/* Would both ask the same, at the same times? Names play no part. */
bool probe_same(const struct probe_opts *a, const struct probe_opts *b);

/* Is it of an edge, so that edges with one address do not share it? A command is told which edge it
 * looks at, and so is who tells what he knows. */
bool probe_is_of_edge(const struct probe_opts *p);

/* So many targets an address has by it: itself, and its parts. */
unsigned probe_targets(const struct probe_opts *p);

/* Does it, or a part of it, tell the edge's load? */
bool probe_tells_load(const struct probe_opts *p);

/* Is this status or response code expected? */
bool probe_expects(const struct probe_opts *p, unsigned code);

#endif
