/* agent_diag.h - what the kernel knows of the round-trip times of its TCP connections.
 *
 * sock_diag(7) by way of libmnl: the established connections on a local port, each with its
 * tcp_info. No packet is sent, nothing of the clients' is read, and no capability is needed.
 */
#ifndef TOOLS_AGENT_DIAG_H
#define TOOLS_AGENT_DIAG_H

#include "base/addr.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;

struct diag_connection {
	struct addr peer; /* plain */
	uint64_t cookie;  /* the connection's own, as long as the machine runs */
	uint32_t rtt_us;  /* the least that the kernel has seen lately, else the smoothed one */
	/* Since it began, both wrap: segments with data; those of them that were sent again, less those that were there already. */
	uint32_t sent, lost;
};

typedef void diag_take(void *ctx, const struct diag_connection *c);

/* NULL and one sentence. */
struct diag *diag_open(struct fault *why);
void diag_close(struct diag *d);

/* All connections on a local port, IPv4 and IPv6. */
bool diag_scan(struct diag *d, uint16_t port, diag_take *take, void *ctx, struct fault *why);

enum diag_result {
	DIAG_MORE,  /* this part is good; another follows */
	DIAG_DONE,  /* it was the last */
	DIAG_FAILED /* `*error` says why, as errno has it */
};

/* One part of the kernel's answer, aligned to 4 bytes; any bytes are fine. */
enum diag_result diag_parse(
	const void *part, size_t len, diag_take *take, void *ctx, int *error);

#endif
