/* from_powerdns.h - what the readers of PowerDNS' files share.
 */
#ifndef IMPORT_FROM_POWERDNS_H
#define IMPORT_FROM_POWERDNS_H

#include "import/import_node.h"
#include "import/import_plan.h"

/* Domains of the geoip backend. */
void powerdns_geoip(struct plan *p, const char *path, const struct file *f);

/* A zone file that may have LUA records. */
void powerdns_zone(struct plan *p, const char *path, const struct file *f, const char *name);

/* A LUA record. */
struct powerdns_lua {
	struct plan *p;
	const char *path; /* where it stands */
	unsigned line;
	const char *type; /* what it answers: "A" */
	const char *hint; /* for names */
	const char *zone; /* with its dot */
};

/* What it comes to: an edge or a pool. False: told. */
bool powerdns_lua(struct powerdns_lua *l, const char *text, struct variant *to);

/* A two-letter code of a country, of two letters or three, any case; NULL: none. */
const char *powerdns_country(struct plan *p, const char *code);

#endif
