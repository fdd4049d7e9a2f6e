/* xdp_clients.h - the table of who gets what in the kernel (net/xdp_shared.h): a place of four for each client and
 * set, written by the loop's thread alone, read by the program.
 */
#ifndef NET_XDP_CLIENTS_H
#define NET_XDP_CLIENTS_H

#include "net/xdp_shared.h"

#include <stdint.h>

/* Is one there of that client and set? */
bool xdp_clients_has(const struct xdp_line *lines, uint64_t client);

/* It is from now on. Who has to go when there is no place is one of a set that is not `alive` ([XDP_SETS]), if there
 * is any. */
void xdp_clients_put(struct xdp_line *lines, uint64_t is, const bool *alive);

#endif
