/* asker.h - a connection of redis.h to engines of engine.h, and what was told of it.
 */
#ifndef UNIT_FLEET_ASKER_H
#define UNIT_FLEET_ASKER_H

#include "base/arena.h"
#include "base/part.h"
#include "fleet/redis.h"
#include "unit/fleet/engine.h"

#include <stdbool.h>

enum { ASKER_URLS = 4, ASKER_HEARD = 2000, ASKER_PATIENCE_MS = 20000 };

struct asker {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;
	struct part holder;
	struct arena mem;
	struct redis_at at[ASKER_URLS];
	size_t n;
	struct engine engine, other; /* both listen */
	struct redis *r;
	const char *key; /* asked for; "k" */
	char heard[ASKER_HEARD]; /* "up|$hello|:7|lost|down WHY|": replies and what else was told, in their order */
	unsigned ups, downs, lost, told; /* told: with and without a reply */
};

void asker_open(struct asker *a);
void asker_close(struct asker *a); /* with what it has begun */

/* "%u" is the engine's port; several are tried in their order. */
void asker_url(struct asker *a, const char *url, unsigned port);
/* Begins to connect there. `channel` NULL: commands. */
void asker_begin(struct asker *a, const char *channel, unsigned reply_ms);
/* One URL, commands, and until it is up. */
void asker_connect(struct asker *a, unsigned reply_ms);

/* Words parted by a blank. */
bool asker_send(struct asker *a, const char *words);

/* Turns the loop until then. False: never. */
bool asker_waits_ups(struct asker *a, unsigned n);
bool asker_waits_downs(struct asker *a, unsigned n);
bool asker_waits_told(struct asker *a, unsigned n);
bool asker_waits_commands(struct asker *a, unsigned n); /* that the engine has taken */
/* Until it is not up for that reason. */
bool asker_waits_fault(struct asker *a, const char *has);

#endif
