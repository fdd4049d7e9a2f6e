/* agent_conf.h - the agent's configuration: one small YAML file.
 */
#ifndef TOOLS_AGENT_CONF_H
#define TOOLS_AGENT_CONF_H

#include "base/arena.h"
#include "base/fault.h"
#include "agent/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct agent_conf {
	struct arena mem;
	const char *edge; /* whose agent this is */
	uint8_t key[SEAL_KEY]; /* where `has_key` */
	bool has_key;
	/* PEM files: who vouches for servers of https, NULL: those that the system trusts; and what is shown
	 * to them, NULL: nothing. */
	const char *ca, *cert, *cert_key;
	const char *const *servers; /* "http://host:port", without a slash at the end */
	size_t n_servers;
	unsigned report_ms; /* between two reports */

	const uint32_t *ports; /* passive: local ports of connections from clients; none: no */
	size_t n_ports;
	unsigned scan_ms;

	uint32_t packets;  /* active: as many a second at most; 0: none */
	uint32_t tcp_port; /* for hosts that do not answer to ICMP; 0: they are left */
	unsigned timeout_ms;

	const char *log; /* of a web server: who came by names that are asked for once; or NULL */
	const char *const *names; /* ... below these, without a dot at the end, lower case */
	size_t n_names;

	struct sockaddr_storage beacon; /* where pages tell what they measured; `beacon_len` 0: nowhere */
	socklen_t beacon_len;
	const char *const *origins; /* ... pages of these */
	size_t n_origins;
	const char *const *edges; /* ... which may measure these: https://HOST */
	size_t n_edges;
	double quantile; /* of a network's samples, 0 to 1 */

	unsigned spool; /* bytes kept for each server that cannot be reached */
};

/* False: `f` says what is wrong, and `c` needs no agent_conf_fini(). */
bool agent_conf_read(struct agent_conf *c, const char *path, struct faults *f);
void agent_conf_fini(struct agent_conf *c);

#endif
