/* agent_once.h - has that address counted lately?
 *
 * So that nobody counts for much, an address counts once in ten minutes; of IPv6 its /64, of which one host has all addresses
 * (RFC 8981). A keyed hash is kept of it for so long, and nothing else.
 * Bounded memory: the last that had a place is remembered. One thread.
 */
#ifndef TOOLS_AGENT_ONCE_H
#define TOOLS_AGENT_ONCE_H

#include "base/addr.h"

#include <stdbool.h>

#define AGENT_ONCE_S 600.0

struct agent_once;

struct agent_once *agent_once_new(void);
void agent_once_free(struct agent_once *o);

/* Else it has now. */
bool agent_once_had(struct agent_once *o, const struct addr *a, double now_s);

#endif
