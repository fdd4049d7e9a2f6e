/* fleet_will_inner.h - what the files of operators' will share. For them alone.
 *
 * fleet_will.c: from here, and from others. fleet_will_kept.c: what the engine keeps of it.
 */
#ifndef DAEMON_FLEET_WILL_INNER_H
#define DAEMON_FLEET_WILL_INNER_H

#include "daemon/fleet_change.h"
#include "daemon/fleet_will.h"
#include "fleet/fields.h"

#include <ev.h>

enum { FLEET_WILL_VERSION = 16 }; /* hexadecimal digits in front of what is sealed */

struct will_entry {
	char field[FLEET_CHANGE_FIELD];
	uint64_t at; /* version */
	bool gone, kept; /* kept: the engine has this version */
	bool odd;        /* it was decided between two who had not heard of each other, and nobody has seen to it */
	int64_t until_ms; /* by the fleet's clock, of one for a span; 0 */
	json_t *o;        /* what is told; own */
};

/* Of the change that stands at the same place in the list. */
struct listed {
	uint32_t id;
	char field[FLEET_CHANGE_FIELD];
};

struct fleet_will {
	struct fleet_will_opts opts;
	char server[FLEET_NAME_MOST + 1];
	struct will_entry *of;
	size_t n;
	struct fields by_field;
	struct listed *listed; /* what was hashed once: many changes are looked up among many */
	size_t n_listed;
	struct fields by_listed; /* places in a list of so many, and with that last number */
	size_t by_n;
	uint32_t by_last;
	uint64_t last; /* the latest version */
	uint64_t conflicts;
	bool known; /* what the engine keeps was read, once at least */
	bool refused_told;
	ev_timer look;
};

/* NULL: it is not known. */
struct will_entry *fleet_will_find(const struct fleet_will *w, const char *field);
/* Into the engine, unless that has a later version; and to all. */
void fleet_will_tell(struct fleet_will *w, const struct will_entry *e);
/* What somebody wants, as JSON. True: something is another here. */
bool fleet_will_merge(struct fleet_will *w, const char *text, size_t len);
/* What operators want here, and has not been told. */
void fleet_will_take_list(struct fleet_will *w);

/* All that the engine keeps is asked for, and what it lacks told again. */
void fleet_will_read(struct fleet_will *w);

#endif
