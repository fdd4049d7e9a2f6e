/* parts_read.h - a configuration and all that it names become the parts of a server.
 *
 * The server's start, its reload, its stages, "waymarkctl check" and simulations are this same
 * code. What has not changed since the parts before is shared with them. The work of a job:
 * any thread, nothing is changed but what is made.
 */
#ifndef DAEMON_PARTS_READ_H
#define DAEMON_PARTS_READ_H

#include "base/fault.h"
#include "conf/conf.h"
#include "world/parts.h"

#include <stdbool.h>

struct job;

/* A key for the tables of zones, drawn at random: once per process. */
struct hash_key parts_key(void);

struct key_ring;
struct store;

struct parts_read_opts {
	const char *path; /* of the configuration */
	struct hash_key key;
	const struct parts *before; /* what is served now; NULL: nothing */
	struct job *job;            /* is told how far it is; NULL */
	/* Opened here when the configuration names one and `*store` is NULL; NULL: what is stored does
	 * not matter. */
	struct store **store;
	/* Likewise; opened with the store. NULL: nothing is signed. */
	struct key_ring **ring;
	/* For who only wants to know what would be: the configuration itself, a text that is
	 * read in place of the file at `path`. And `bare`: no zone and no measurement is read,
	 * and the steer is left for the caller to make. */
	const char *text;
	size_t text_len;
	bool assume; /* names that edges flatten have addresses, whatever these are */
	bool bare;
	bool unreleased; /* the store is another process's yet: store_open_unreleased() */
	/* For who wants to know all that is wrong: files of nets or of GeoIP that cannot be read, folders that are not there, and zones that
	 * are there twice, hide nothing else. */
	bool lacking;
	bool kept; /* what was kept of the last run is of use (daemon/kept_images) */
};

/* With `lacking` they are passed over, and what comes of them is only to be looked at.
 *
 * False when the configuration is wrong, or something that nothing can be served without: then
 * `to` is empty and `f` says what. True, and errors in `f`: parts of it were wrong and are as
 * they were before (zones; databases and measurements where there is something before), all
 * the rest is as the files have it now. */
bool parts_read(struct parts *to, const struct parts_read_opts *o, struct faults *f);

static inline const struct conf *parts_conf(const struct parts *p)
{
	return (const struct conf *)p->conf; /* its first member */
}

/* Edges, pools and rankings of a configuration; `before` is what they replace, or NULL. */
struct steer *parts_steer(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before);

/* The same, with addresses for edges that flatten a name: [edge], or NULL: as they were before. */
struct steer *parts_steer_flat(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before, const struct edge_flat *flats);

/* The same, where names that edges flatten have addresses, whatever these are. */
struct steer *parts_steer_assumed(const struct conf *c, struct atlas *atlas,
	const struct latency *table, const struct steer *before);

/* What the operator should know of the GeoIP files that were read. */
void parts_warn_of_geo(const struct parts *p, struct faults *f);

/* The GeoIP files anew, and the rankings that follow. On false nothing has changed. */
bool parts_refresh_geo(struct parts *p, struct fault *why);

/* The key of that name, which is one of the configuration's own; NULL for NULL. */
const struct tsig_key *parts_tsig_key(const struct conf *c, const uint8_t *name);

#endif
