/* site.h - a server's folder: its configuration and what that names, as files.
 */
#ifndef UNIT_DAEMON_SITE_H
#define UNIT_DAEMON_SITE_H

#include "daemon/parts_read.h"

#include <stdbool.h>

struct site {
	char folder[32];
	char path[64]; /* of the configuration, "t.yaml" */
};

/* Of each site's zones. */
extern const struct hash_key site_key;

/* What a configuration needs; the zones are those in the folder "zones". */
#define SITE_SERVER "server: { listen: \"127.0.0.1:5300\" }\nzones: [ { dir: zones } ]\n"
#define SITE_EDGES                                \
	"edges:\n"                                \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n" \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
#define SITE_POOLS \
	"pools: { web: { edges: [ ams, nyc ] }, two: { edges: [ ams, nyc ], answers: 2 } }\n"
#define SITE_CONF SITE_SERVER SITE_EDGES SITE_POOLS
/* A zone of `records`. */
#define SITE_ZONE(serial, records) \
	"$TTL 300\n@ SOA ns h " #serial " 2 3 4 5\n@ NS ns\nns A 192.0.2.3\n" records

/* With SITE_CONF and the zones a.example, which names the pool web, and b.example. */
void site_open(struct site *s);
void site_close(struct site *s);

/* Another file in the place of `name`, or none. */
void site_put(const struct site *s, const char *name, const char *text);
void site_remove(const struct site *s, const char *name);

/* In a scope, as a job does. Fails the test when it is not read without a fault. */
struct parts site_read(const struct site *s, const struct parts *before);

/* The same, for what is wrong: what it tells is in `f`, which is for faults_fini(). */
bool site_try(
	const struct site *s, const struct parts *before, struct parts *to, struct faults *f);

#endif
