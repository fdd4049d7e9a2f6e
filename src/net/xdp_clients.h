/* xdp_clients.h - the table of who gets what in the kernel (net/xdp_shared.h): a place of four for each client and
 * set, written by the loop's thread alone, read by the program.
 *
 * Of XDP_LINES lines 1 << `bits` are in use, the others zero.
 */
#ifndef NET_XDP_CLIENTS_H
#define NET_XDP_CLIENTS_H

#include "net/xdp_shared.h"

#include <stdint.h>

/* Is one there of that client and set? */
bool xdp_clients_has(const struct xdp_line *lines, unsigned bits, uint64_t client);

/* It is from now on. Who has to go when there is no place is one of a set that is not `alive` ([XDP_SETS]), if there
 * is any. False: there was none. */
bool xdp_clients_put(struct xdp_line *lines, unsigned bits, uint64_t is, const bool *alive);

/* All that are alive go to where they are with one bit more; who is looked for meanwhile may not be found. */
void xdp_clients_spread(struct xdp_line *lines, unsigned bits, const bool *alive);

#endif
