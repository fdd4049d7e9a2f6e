/* pairs_record.h - what servers of a fleet tell each other of resolvers' clients, as bytes.
 *
 * A row is what one server has seen of a pair (measure/client_pairs.h); a name is one that a client came by, which another
 * server may have been asked for. Moments are UNIX seconds of the fleet's clock. Servers are known by hashes of their
 * names. Pure; any thread.
 */
#ifndef DAEMON_PAIRS_RECORD_H
#define DAEMON_PAIRS_RECORD_H

#include "measure/client_pairs.h"

enum { PAIRS_ROW = 17 + 17 + 8 + 4 + 8, PAIRS_NAME = 8 + 17 };

/* Never 0. */
uint64_t pairs_server(const char *name);

/* `self`: what others call the server that writes or reads. */
void pairs_row_write(uint8_t to[static PAIRS_ROW], const struct client_pair *row, uint64_t self);
/* False: it makes no sense. */
bool pairs_row_read(struct client_pair *to, const uint8_t from[static PAIRS_ROW], uint64_t self);

struct pairs_name {
	uint64_t name; /* one_time_name() */
	struct prefix client;
};
void pairs_name_write(uint8_t to[static PAIRS_NAME], const struct pairs_name *name);
bool pairs_name_read(struct pairs_name *to, const uint8_t from[static PAIRS_NAME]);

#endif
