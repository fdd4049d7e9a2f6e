/* stage.h - which clients are answered from tables that are tried out on a share of them?
 *
 * Clients are taken by groups, an IPv4 /16 or an IPv6 /32 each, and groups by a hash that is
 * the same on every server and at all times: who is in at 5 % is in at 20 %, whatever the
 * tables say and however often they are made anew. So coarse, because no answer's scope may be
 * wider than a group while a stage is on, and resolvers pay for narrow ones; so fine, because
 * a share of 65536 groups is still that share. Any thread; no lock.
 */
#ifndef STEER_STAGE_H
#define STEER_STAGE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum { STAGE_V4_BITS = 16, STAGE_V6_BITS = 32 };

#define STAGE_ALL (UINT64_C(1) << 32) /* a share is a number of 2^32ths */

/* `a` is plain. */
bool stage_has(uint64_t share, const struct addr *a);

/* The group of an address, of 128 bits. */
struct prefix stage_group(const struct addr *a);

#endif
