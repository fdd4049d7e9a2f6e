/* kept_images.h - large zones, GeoIP databases and the ranks of pools by these, as they are in memory, in a folder for the next start.
 *
 * Some seconds after such have been read, a job writes what is not there yet, and takes away what nobody is any more. Those that read them
 * are parts_read() of a start, and zones_read(). What cannot be written is told once, and missed by nobody but the clock.
 */
#ifndef DAEMON_KEPT_IMAGES_H
#define DAEMON_KEPT_IMAGES_H

#include "base/kept.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct jobs;
struct kept_images;
struct publisher;
struct store;
struct successor;

struct kept_images_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct store *store; /* NULL: there is none */
	const struct successor *successor; /* NULL: we come in nobody's place; else nothing is written or taken away before we serve */
};

struct kept_images *kept_images_new(const struct kept_images_opts *opts);
void kept_images_free(struct kept_images *k);

/* Where in the folder `dir` the zone `id` (view.h) that is read from `file` is kept. False: its path is too long. */
bool kept_images_zone(char to[static KEPT_PATH], const char *dir, const uint8_t *id, const char *file);
/* What is signed of one by that rule comes of its files, its keys and what is stored of it alone. */
struct conf_rule;
struct keyset;
bool kept_images_signed(const struct conf_rule *rule, const struct keyset *keys);
/* ... and what the GeoIP files are, and the ranks of pools by these. */
bool kept_images_geo(char to[static KEPT_PATH], const char *dir);
bool kept_images_ranks(char to[static KEPT_PATH], const char *dir);

#endif
