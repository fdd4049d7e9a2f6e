/* from_gdnsd.h - what the readers of gdnsd's files share.
 */
#ifndef IMPORT_FROM_GDNSD_H
#define IMPORT_FROM_GDNSD_H

#include "import/import_node.h"
#include "import/import_plan.h"

/* What a resource, or a datacenter of one, has become. */
struct gdnsd_target {
	const char *name;
	bool is_pool;
};

struct gdnsd {
	struct plan *p;
	struct fault *why;
	const char *file;   /* the configuration */
	const char *folder; /* that holds it */
	const struct node *top;
	struct gdnsd_made *made; /* resources by their names */
	struct gdnsd_chooser *choosers; /* pools that choose among resources */
	bool parts;                     /* some resource has a state for each family */
	const char *origin;        /* of the zone that names a resource */
	unsigned deep;
};

/* Of what plugins have in common with the resources in them: service types and such, the inner
 * before the outer. */
struct gdnsd_inherit {
	const struct node *at; /* a mapping */
	const struct gdnsd_inherit *outer;
};
const struct node *gdnsd_said(const struct gdnsd_inherit *in, const char *key);

/* The probe of an edge; NULL: it is up. */
const char *gdnsd_probe(struct gdnsd *g, const struct gdnsd_inherit *in);

/* What a zone names: "plugin!resource" or "plugin!resource/dc". A pool; NULL: told. `line` of
 * `file` names it. */
const char *gdnsd_named(struct gdnsd *g, const char *text, const char *origin, const char *file, unsigned line);

/* A resource of a plugin, which stands at `at` (degrees, NULL). False: told. */
bool gdnsd_resource(struct gdnsd *g, const char *plugin, const char *name, const char *at, struct gdnsd_target *to);
/* Addresses, or what a datacenter is in a dcmap. */
bool gdnsd_addresses(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in, const char *hint, const char *at,
	struct gdnsd_target *to);
bool gdnsd_datacenter(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in, const char *hint, const char *at,
	struct gdnsd_target *to);
/* Of a pool that chooses among datacenters: where resources have both families, each is answered on its own. */
void gdnsd_choose_families(struct gdnsd *g, struct out *pool);
/* A resource of the plugin geoip. */
bool gdnsd_geoip(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, struct gdnsd_target *to);

/* A member with its own weight (NULL: none said). */
void gdnsd_member(struct out *pool, struct gdnsd_target t, const char *weight);

/* All of "zones" beside the configuration. */
void gdnsd_zones(struct gdnsd *g);

#endif
