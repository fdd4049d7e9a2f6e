/* proxy_header.h - what is said first to a server that wants the PROXY protocol (HAProxy's
 * proxy-protocol.txt, versions 1 and 2).
 *
 * A probe speaks for itself: the addresses are those of its own connection.
 */
#ifndef PROBE_PROXY_HEADER_H
#define PROBE_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

enum { PROXY_HEADER_MOST = 108 };

/* For the connected socket `fd`. Returns the length; 0 when its addresses are not to be had. */
size_t proxy_header_make(uint8_t to[static PROXY_HEADER_MOST], unsigned version, int fd);

#endif
