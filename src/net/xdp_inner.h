/* xdp_inner.h - what the files of net/xdp* know of each other.
 */
#ifndef NET_XDP_INNER_H
#define NET_XDP_INNER_H

#include "net/xdp.h"

struct xdp_device;

/* By number, as of xdp_count(); NULL: it could not be had. */
struct xdp_device *xdp_device(const struct xdp *x, unsigned i);

#endif
