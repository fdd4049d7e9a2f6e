/* loaded.h - a configuration with everything that it names, read and ready to be a world.
 *
 * The daemon's reload and "waymarkctl check" are this same code. What has not changed since the
 * load before is taken over: zones whose files are the same, databases, rankings. Control
 * thread.
 */
#ifndef DAEMON_LOADED_H
#define DAEMON_LOADED_H

#include "base/fault.h"
#include "conf/conf.h"
#include "geo/atlas.h"
#include "world/world.h"
#include "zone/load.h"

struct loaded_zone {
	uint8_t *origin; /* wire, lower case */
	char *path;
	const struct conf_zone *at; /* the entry that named it */
	struct load load;
};

struct loaded {
	struct conf conf;
	struct hash_key key;
	struct loaded_zone *zones;
	size_t n_zones;
	size_t n_unready; /* of them, zones that could not be read when the server started */
	struct zone_set *set;
	struct atlas *atlas;
	struct file_stamp *
		geo_stamps; /* of conf's city files, then of its ASN files, as they were read */
	struct latency *table;           /* what is measured; changes all the time */
	struct file_stamp *table_stamps; /* of the files it was read from */
	struct steer *steer;
};

/* A key for the tables of zones, drawn at random: once per process. */
struct hash_key loaded_key(void);

struct loaded_opts {
	const char *path; /* of the configuration */
	struct hash_key key;
	const struct loaded *before; /* what is served now; NULL: nothing */
	/* Zones that cannot be read become placeholders while others can: a server that starts
	 * anew has no older ones to serve, and better serves the rest than nothing. */
	bool forgiving;
	/* For who only wants to know what would be: the configuration itself, a text that is
	 * read in place of the file at `path`. And `bare`: no zone and no measurement is read,
	 * and the steer is left for the caller to make. */
	const char *text;
	size_t text_len;
	bool bare;
};

/* Reads the configuration and all it names, in a scope of its own: without memory for it,
 * nothing is changed, and that is what is wrong. On false `to` is empty and `f` says what is
 * wrong; warnings, and what was forgiven, may be in `f` even so. */
bool loaded_read(struct loaded *to, const struct loaded_opts *opts, struct faults *f);
void loaded_fini(struct loaded *l);

/* Reads the GeoIP files anew and makes the rankings that follow. On false nothing has changed.
 */
bool loaded_refresh_geo(struct loaded *l, struct fault *why);

/* Edges, pools and rankings of what is loaded, but with this atlas and table; `before` is what
 * they replace. Any thread, while nothing of it changes. */
struct steer *loaded_steer(const struct loaded *l, struct atlas *atlas,
	const struct latency *table, const struct steer *before);

/* How many GeoIP files there are, and the path of one: the city files come first. */
size_t loaded_geo_count(const struct loaded *l);
const char *loaded_geo_path(const struct loaded *l, size_t i);

#endif
