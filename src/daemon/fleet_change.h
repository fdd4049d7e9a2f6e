/* fleet_change.h - a change by an operator, as servers of a fleet tell it each other.
 *
 * Pure; the loop's thread.
 */
#ifndef DAEMON_FLEET_CHANGE_H
#define DAEMON_FLEET_CHANGE_H

#include "fleet/fleet.h"
#include "report/report.h"
#include "steer/forced.h"

enum { FLEET_CHANGE_FIELD = 33 }; /* a hash of its key, in hexadecimal */
#define FLEET_CHANGE_SERVERS 1024u /* versions of one millisecond */

/* A version of now, by the fleet's clock, behind `last`; servers have others, as a rule. */
uint64_t fleet_change_next(const struct fleet *fleet, const char *server, uint64_t last);

/* Of its words and when it begins: nobody who reads the engine learns them. */
void fleet_change_field(const struct fleet_keys *keys, const struct forced *f, char to[static FLEET_CHANGE_FIELD]);

/* Whose it is, its version, and the version that it follows. */
struct fleet_change_at {
	const char *server;
	uint64_t at, before;
};

/* The caller's. */
json_t *fleet_change_write(const struct fleet *fleet, const struct forced *f, const struct fleet_change_at *at);

/* False: it makes no sense. All borrows from `o`. */
bool fleet_change_read(const struct fleet *fleet, const json_t *o, struct forced *to);

const char *fleet_change_text(const json_t *o, const char *key);    /* "" when it has none */
uint64_t fleet_change_version(const json_t *o, const char *key); /* 0: likewise */

#endif
